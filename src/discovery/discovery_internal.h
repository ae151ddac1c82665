/*
 * The provider below its public face: created on a bus that is open already (bus_mem in scenario tests), driven by clock values.
 * tp_discovery_provider.c wraps it with bus, lock and thread. One thread.
 */
#ifndef TPI_DISCOVERY_DISCOVERY_INTERNAL_H
#define TPI_DISCOVERY_DISCOVERY_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tensor_pool/discovery/tp_discovery_provider.h>

#include "bus/bus.h"

int tpi_discovery_config_copy(tp_discovery_provider_config_t *copy, const tp_discovery_provider_config_t *config);

#endif
