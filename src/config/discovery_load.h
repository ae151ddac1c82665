#ifndef TPI_CONFIG_DISCOVERY_LOAD_H
#define TPI_CONFIG_DISCOVERY_LOAD_H

#include "config/discovery_rows.h"

/* discovery.channel and .stream_id count where request_channel and request_stream_id are not set. */
void tpi_discovery_take_endpoint(const tpi_conf_source_t *source, const tpi_conf_section_t *section, tpi_discovery_keys_t *keys);

/*
 * After all sources: takes discovery.channel where request_channel is not set, makes the keys of [discovery] the first source, refuses required keys
 * that are missing, checks, and warns of what is likely a mistake. keys->config is complete then.
 */
int tpi_discovery_join(const tpi_conf_source_t *source, const tpi_conf_section_t *section, tpi_discovery_keys_t *keys);

#endif
