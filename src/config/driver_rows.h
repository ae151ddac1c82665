/* The keys of the driver's configuration (20-driver.md 11.1). */
#ifndef TPI_CONFIG_DRIVER_ROWS_H
#define TPI_CONFIG_DRIVER_ROWS_H

#include <stdbool.h>

#include "config/conf.h"

extern const tpi_conf_row_t tpi_driver_rows[];        /* driver.*, shm.*, policies.*: into tp_driver_config_t */
extern const size_t tpi_driver_row_count;
extern const tpi_conf_row_t tpi_profile_rows[];       /* profiles.<name>.*: into tp_profile_config_t */
extern const size_t tpi_profile_row_count;
extern const tpi_conf_row_t tpi_pool_rows[];          /* profiles.<name>.payload_pools[].*: into tp_pool_config_t */
extern const size_t tpi_pool_row_count;
extern const tpi_conf_row_t tpi_stream_rows[];        /* streams.<name>.*: into tp_stream_config_t */
extern const size_t tpi_stream_row_count;

/* Whether a running driver keeps the old value at a reload (docs/spec/95-local-extensions.md section 5). */
bool tpi_driver_row_needs_restart(const tpi_conf_row_t *row);
/* NULL if there is no such key. */
const tpi_conf_row_t *tpi_driver_row(const char *key);

#endif
