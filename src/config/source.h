/*
 * The one way from file, environment and settings into value structs, for every service. A service is a few sections: rows, the object they fill,
 * and readers of what is no row. Nothing is kept between calls.
 */
#ifndef TPI_CONFIG_SOURCE_H
#define TPI_CONFIG_SOURCE_H

#include <stdarg.h>

#include "common/err.h"
#include "config/conf.h"
#include "config/config.h"

typedef struct tpi_conf_source tpi_conf_source_t;

/* Reads what rows cannot say: profiles.NAME, discovery.sources. */
typedef struct tpi_conf_reader
{
    const char *table;                /* "discovery"; "" = the key is a table itself */
    const char *key;                  /* "sources" */
    int (*read)(const tpi_conf_source_t *source, const tpi_toml_node_t *node, void *object);
    void *object;
}
tpi_conf_reader_t;

typedef struct tpi_conf_section
{
    const tpi_conf_row_t *rows;       /* keys of one table or more: "shm.base_dir" */
    size_t row_count;
    void *object;
    size_t first_origin;              /* of rows[0] in the origins */
    const tpi_conf_reader_t *readers;
    size_t reader_count;
    /* NULL, or where to note that the table stands in the file: variables of its keys count then only, and settings make it present. */
    bool *present;
    /* Of the keys of this table that are no rows, those of others are nobody's business here: NULL = none. */
    const tpi_conf_row_t *others;
    size_t other_count;
}
tpi_conf_section_t;

struct tpi_conf_source
{
    const char *reader;               /* "the driver": named when a table of another program is not read; NULL = nothing is said */
    const tpi_conf_section_t *sections;
    size_t section_count;
    const tpi_config_options_t *options;
    tpi_config_origins_t *origins;
};

void tpi_conf_warn(const tpi_conf_source_t *source, int code, const char *format, ...) TP_PRINTF(3, 4);

/* Where a row's value came from. */
tpi_config_origin_t *tpi_conf_origin(const tpi_conf_source_t *source, const tpi_conf_section_t *section, const tpi_conf_row_t *row);

/* The sources in their order; each 0 or -1 with tp_err set. */
int tpi_conf_apply_file(const tpi_conf_source_t *source, const char *file, unsigned *mode);
int tpi_conf_apply_environment(const tpi_conf_source_t *source);
int tpi_conf_apply_settings(const tpi_conf_source_t *source);

/* Puts in front of the error of a check where the key stands that its message begins with; line is used when no row is meant (0 = none). */
void tpi_conf_add_place(const tpi_conf_source_t *source, uint32_t line);

/* ---- for readers ---- */

/* One table on the walk: whose keys, where they go, how it is called. */
typedef struct tpi_conf_table
{
    const tpi_toml_node_t *node;
    const tpi_conf_row_t *rows;       /* keys without table */
    size_t row_count;
    const char *key_prefix;           /* put before the rows' keys in messages: "profiles.camera." */
    const char *title;                /* "[profiles.camera]" */
    const char *other_key;            /* a key that the caller handles itself, or NULL */
    void *object;
}
tpi_conf_table_t;

int tpi_conf_read_table(const tpi_conf_source_t *source, const tpi_conf_table_t *table);
int tpi_conf_refuse(const tpi_conf_source_t *source, const tpi_toml_node_t *node, int code, const char *format, ...) TP_PRINTF(4, 5);
int tpi_conf_need_table(const tpi_conf_source_t *source, const tpi_toml_node_t *node, const char *key);
/* A name below a table: text of 1..max bytes without control bytes. */
int tpi_conf_check_name(const tpi_conf_source_t *source, const tpi_toml_node_t *node, const char *kind, size_t max);

/* Reads a whole file of at most TPI_TOML_BYTES_MAX bytes; *text is freed by tpi_free. TP_ECONF_FILE, TP_ENOMEM. */
int tpi_conf_read_file(const char *file, char **text, size_t *length, unsigned *mode);

#endif
