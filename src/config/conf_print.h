/* How any service's rows are printed: values in force with their sources, example file, help, reference page. */
#ifndef TPI_CONFIG_CONF_PRINT_H
#define TPI_CONFIG_CONF_PRINT_H

#include <stdio.h>

#include "config/conf.h"
#include "config/config.h"

#define TPI_CONF_VALUE_MAX (TP_CONFIG_BASE_DIRS_MAX * (TP_CONFIG_PATH_MAX + 4))

typedef struct tpi_conf_shown
{
    const tpi_conf_row_t *rows;
    size_t row_count;
    const void *object;
    const tpi_config_origins_t *origins;
    size_t first_origin;
    /* The value in force where it is not what the field says; NULL = the field. */
    void (*value)(const void *object, const tpi_conf_row_t *row, char *buffer, size_t size);
}
tpi_conf_shown_t;

/* "driver.toml:14", "SHM_BASE_DIR", "--base-dir", "default". */
void tpi_conf_show(FILE *out, const tpi_conf_shown_t *shown);
void tpi_conf_foreach(const tpi_conf_shown_t *shown, tpi_config_on_value_t handler, void *clientd);
/* All rows of an entry: keys are prefix and row. */
void tpi_conf_foreach_entry(const tpi_conf_row_t *rows, size_t count, const void *object, const char *prefix, const char *source,
    tpi_config_on_value_t handler, void *clientd);
/* Of an entry that begins at that line; 0 = built in. */
void tpi_conf_entry_source(const tpi_config_origins_t *origins, uint32_t line, char *buffer, size_t size);
/* A name as a TOML key: quoted when it is not bare. */
void tpi_conf_key_text(const char *name, char *buffer, size_t size);
/* A text as a TOML string. */
void tpi_conf_string_text(const char *text, char *buffer, size_t size);

/* A key and what the example file sets it to. */
typedef struct tpi_conf_set { const char *key, *value; } tpi_conf_set_t;

/* Every row with its meaning; commented out where set, which a NULL key ends, does not name it. */
void tpi_conf_example(FILE *out, const tpi_conf_row_t *rows, size_t count, const tpi_conf_set_t *set,
    const char *(*derived)(const tpi_conf_row_t *row));
void tpi_conf_help(FILE *out, const tpi_conf_row_t *rows, size_t count);
/* A table of Markdown a TOML table; needs_restart NULL: nothing is said about it. */
void tpi_conf_reference(FILE *out, const tpi_conf_row_t *rows, size_t count, bool (*needs_restart)(const tpi_conf_row_t *row));
void tpi_conf_reference_entry(FILE *out, const char *title, const tpi_conf_row_t *rows, size_t count);

#endif
