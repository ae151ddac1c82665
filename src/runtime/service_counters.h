/*
 * Counters of a service in Aeron's counters file: one that shows it is alive, and one for each number it counts. Readable by anybody who may read the
 * media driver's files, also after the service was killed (docs/spec/95-local-extensions.md section 3). A counter that cannot be had is counted and
 * missed, never an error. Used by the thread of the bus.
 */
#ifndef TPI_RUNTIME_SERVICE_COUNTERS_H
#define TPI_RUNTIME_SERVICE_COUNTERS_H

#include <stddef.h>
#include <stdint.h>

#include "bus/bus.h"

typedef struct tpi_service_counters_config
{
    int32_t life_type_id;              /* key: u64 token, u64 pid; value: CLOCK_MONOTONIC ns of the last duty cycle */
    int32_t stat_type_id;              /* key: u64 token, u8 number; value: the count */
    const char *life_label;            /* made with tpi_label_*; borrowed until _create returns */
    const char *stat_kind;             /* begins the labels of the numbers: "<kind>: name=... " */
    uint64_t token;                    /* new for each instance */
    uint64_t pid;
    const char *const *names;          /* static storage; their order is published: append only */
    size_t count;                      /* at most 255 */
}
tpi_service_counters_config_t;

typedef struct tpi_service_counters tpi_service_counters_t;

int tpi_service_counters_create(tpi_service_counters_t **counters, tpi_bus_t *bus, const tpi_service_counters_config_t *config);
/* Once a cycle; values has count entries. */
void tpi_service_counters_tick(tpi_service_counters_t *counters, const uint64_t *values, int64_t now_ns);
/* How many the media driver did not give. */
uint64_t tpi_service_counters_failed(const tpi_service_counters_t *counters);
void tpi_service_counters_delete(tpi_service_counters_t *counters);      /* before the bus is closed; accepts NULL */

#endif
