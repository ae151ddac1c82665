/*
 * Configuration as data: one row a key. The same rows parse files, variables and flags, check bounds, and print help, example and reference.
 * Pure: no file, no environment.
 */
#ifndef TPI_CONFIG_CONF_H
#define TPI_CONFIG_CONF_H

#include <stddef.h>
#include <stdint.h>

#include "config/toml_shim.h"

typedef enum tpi_conf_type
{
    TPI_CONF_TEXT = 1,        /* char[size]; min and max count bytes */
    TPI_CONF_CHOICE,          /* char[size]; one of choices */
    TPI_CONF_BOOL,            /* bool */
    TPI_CONF_U16,
    TPI_CONF_U32,
    TPI_CONF_U64,
    TPI_CONF_MODE,            /* uint32_t from a string of octal digits */
    TPI_CONF_RANGE,           /* tp_id_range_t */
    TPI_CONF_TEXTS            /* char[max][size] with the count, a uint32_t, at count_offset; not settable by variables */
}
tpi_conf_type_t;

enum
{
    TPI_CONF_SECRET = 1,              /* never shown */
    TPI_CONF_POWER_OF_2 = 2,
    TPI_CONF_MULTIPLE_OF_64 = 4,
    TPI_CONF_REQUIRED = 8,            /* below profiles and streams */
    TPI_CONF_LOCAL = 16,              /* a key of this implementation (D-184) */
    TPI_CONF_INHERITED = 64,          /* embedded in a driver, the default is the driver's */
    TPI_CONF_DERIVED = 32             /* the default comes from another key; default_text says from which, in words */
};

typedef struct tpi_conf_row
{
    const char *key;                  /* "driver.instance_id"; below profiles and streams the last part only */
    tpi_conf_type_t type;
    size_t offset;
    size_t size;                      /* bytes of the field, of one element for TPI_CONF_TEXTS */
    size_t count_offset;              /* TPI_CONF_TEXTS */
    const char *default_text;         /* as a file would say it */
    uint64_t min, max;
    unsigned flags;
    const char *choices;              /* TPI_CONF_CHOICE: "a|b" */
    const char *alias;                /* a second variable, looked at when the regular one is not set; or NULL */
    const char *doc;
}
tpi_conf_row_t;

/* Where a value was found: for messages. */
typedef struct tpi_conf_place
{
    const char *file;                 /* NULL for variables and flags */
    uint32_t line, column;
    const char *name;                 /* the variable or flag */
    int code;                         /* error code for anything wrong; 0 = by kind of error */
    const char *table;                /* put before the row's key, "profiles.camera." or "" */
}
tpi_conf_place_t;

#define TPI_CONF_KEY_MAX 96
#define TPI_CONF_SHOWN_MAX 1200

/* Set one field of object. 0, or -1 with place, key, value and bound (TP_ECONF_TYPE, TP_ECONF_RANGE or place->code); the field is unchanged then. */
int tpi_conf_set_node(const tpi_conf_row_t *row, void *object, const tpi_toml_node_t *value, const tpi_conf_place_t *place);
int tpi_conf_set_text(const tpi_conf_row_t *row, void *object, const char *text, const tpi_conf_place_t *place);

/* The value as a file would say it; a secret as "(set)". Returns the length as snprintf does. */
size_t tpi_conf_format(const tpi_conf_row_t *row, const void *object, char *buffer, size_t size);

/* "integer 1..60000", "true or false" ...: what a key takes, for help and messages. */
void tpi_conf_describe(const tpi_conf_row_t *row, char *buffer, size_t size);

/* "driver.instance_id" -> "DRIVER_INSTANCE_ID" (11.2). */
void tpi_conf_variable(const tpi_conf_row_t *row, char *buffer, size_t size);

/* "start-end", "n", "start,end", "" = off. 0, or -1 without error text. */
int tpi_conf_parse_range(const char *text, uint32_t *first, uint32_t *last);

/* At most 64 bytes of a hostile value, control bytes as '?'; for messages. */
#define TPI_CONF_CLIP_MAX 72
const char *tpi_conf_clip(char buffer[TPI_CONF_CLIP_MAX], const char *text, size_t length);

/* "file:line:column: " or "variable X: "; "" when nothing is known. */
void tpi_conf_place_text(const tpi_conf_place_t *place, char *buffer, size_t size);

#endif
