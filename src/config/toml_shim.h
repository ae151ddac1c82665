/*
 * TOML as a plain C tree. The only file behind this header is C++ (toml++); no exception crosses it. Every value knows where it and its key stand.
 * Limits against hostile text: size, parts of a dotted key, nesting.
 */
#ifndef TPI_CONFIG_TOML_SHIM_H
#define TPI_CONFIG_TOML_SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TPI_TOML_BYTES_MAX ((size_t)1 << 20)
#define TPI_TOML_DEPTH_MAX 32

typedef enum tpi_toml_type
{
    TPI_TOML_TABLE = 1,
    TPI_TOML_ARRAY,
    TPI_TOML_STRING,
    TPI_TOML_INTEGER,
    TPI_TOML_FLOAT,
    TPI_TOML_BOOLEAN,
    TPI_TOML_DATE                     /* any date or time; its value is not kept */
}
tpi_toml_type_t;

typedef struct tpi_toml_node
{
    tpi_toml_type_t type;
    uint32_t line, column;            /* of the value, from 1 */
    uint32_t key_line, key_column;    /* of the key; of the value inside an array */
    char *key;                        /* NULL inside an array and at the root */
    size_t key_length;                /* may hold NUL bytes */
    char *text;                       /* TPI_TOML_STRING; terminated, may hold NUL bytes */
    size_t text_length;
    int64_t integer;
    double real;
    bool boolean;
    struct tpi_toml_node *children;   /* TPI_TOML_TABLE in the order of the file, TPI_TOML_ARRAY */
    size_t count;
}
tpi_toml_node_t;

typedef enum tpi_toml_failure
{
    TPI_TOML_OK = 0,
    TPI_TOML_SYNTAX,
    TPI_TOML_NO_MEMORY
}
tpi_toml_failure_t;

typedef struct tpi_toml_error
{
    uint32_t line, column;
    char text[256];
}
tpi_toml_error_t;

/* *root is the caller's, freed by tpi_toml_free; set on success only. error is set on TPI_TOML_SYNTAX. */
tpi_toml_failure_t tpi_toml_parse(tpi_toml_node_t **root, const char *text, size_t length, tpi_toml_error_t *error);
void tpi_toml_free(tpi_toml_node_t *root);        /* accepts NULL */

/* The child of that name, NULL if there is none or node is no table. */
const tpi_toml_node_t *tpi_toml_get(const tpi_toml_node_t *node, const char *key);

/* "a table", "an array", "a string" ...; static storage. */
const char *tpi_toml_type_name(tpi_toml_type_t type);

#ifdef __cplusplus
}
#endif

#endif
