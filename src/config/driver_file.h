/* Readers of the driver's tables of entries; config is a tp_driver_config_t. */
#ifndef TPI_CONFIG_DRIVER_FILE_H
#define TPI_CONFIG_DRIVER_FILE_H

#include "config/source.h"

int tpi_driver_read_profiles(const tpi_conf_source_t *source, const tpi_toml_node_t *node, void *config);
int tpi_driver_read_streams(const tpi_conf_source_t *source, const tpi_toml_node_t *node, void *config);

#endif
