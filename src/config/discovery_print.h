/* The table [discovery], whose origins begin at first_origin. */
#ifndef TPI_CONFIG_DISCOVERY_PRINT_H
#define TPI_CONFIG_DISCOVERY_PRINT_H

#include "config/config.h"

void tpi_discovery_show(FILE *out, const tp_discovery_provider_config_t *config, const tpi_config_origins_t *origins, size_t first_origin);
void tpi_discovery_foreach(const tp_discovery_provider_config_t *config, const tpi_config_origins_t *origins, size_t first_origin,
    tpi_config_on_value_t handler, void *clientd);

#endif
