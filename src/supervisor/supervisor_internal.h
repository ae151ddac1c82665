/*
 * The supervisor below its public face: created on a bus that is open already (bus_mem in scenario tests), driven by a clock value. tp_supervisor.c
 * wraps it with a bus of its own, a thread and a lock. One thread.
 */
#ifndef TPI_SUPERVISOR_SUPERVISOR_INTERNAL_H
#define TPI_SUPERVISOR_SUPERVISOR_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tensor_pool/supervisor/tp_supervisor.h>

#include "bus/bus.h"

#define TPI_SUPERVISOR_DESCRIPTOR_STREAM 1100u     /* the shared one has no key (4.2) */

/* The copy owns its tables. */
int tpi_supervisor_config_copy(tp_supervisor_config_t *copy, const tp_supervisor_config_t *config);
/* Ids of the private streams of a kind; 0,0 = the wish is granted as it is (base 0). */
tp_id_range_t tpi_supervisor_config_range(const tp_supervisor_config_t *config, bool is_control);

#endif
