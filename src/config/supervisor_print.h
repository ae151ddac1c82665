/* The table [supervisor], whose origins begin at first_origin. */
#ifndef TPI_CONFIG_SUPERVISOR_PRINT_H
#define TPI_CONFIG_SUPERVISOR_PRINT_H

#include "config/config.h"

void tpi_supervisor_show(FILE *out, const tp_supervisor_config_t *config, const tpi_config_origins_t *origins, size_t first_origin);
void tpi_supervisor_foreach(const tp_supervisor_config_t *config, const tpi_config_origins_t *origins, size_t first_origin,
    tpi_config_on_value_t handler, void *clientd);

#endif
