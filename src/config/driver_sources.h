/* Shared by the files that fill a driver's configuration. */
#ifndef TPI_CONFIG_DRIVER_SOURCES_H
#define TPI_CONFIG_DRIVER_SOURCES_H

#include <stdarg.h>

#include "common/err.h"
#include "config/config.h"
#include "config/driver_rows.h"

typedef struct tpi_driver_source
{
    tp_driver_config_t *config;
    const tpi_driver_config_options_t *options;
    tpi_driver_config_origins_t *origins;
}
tpi_driver_source_t;

void tpi_driver_source_warn(const tpi_driver_source_t *source, int code, const char *format, ...) TP_PRINTF(3, 4);

/* Reads the file into config and origins. */
int tpi_driver_source_file(const tpi_driver_source_t *source, const char *file);

/* Reads a whole file of at most TPI_TOML_BYTES_MAX bytes; *text is freed by tpi_free. TP_ECONF_FILE, TP_ENOMEM. */
int tpi_conf_read_file(const char *file, char **text, size_t *length, unsigned *mode);

#endif
