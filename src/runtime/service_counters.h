/*
 * Counters of a service in Aeron's counters file: one that shows it is alive, one for each number it counts, further ones for what comes and goes.
 * Readable by anybody who may read the media driver's files, also after the service was killed (docs/spec/95-local-extensions.md section 3). Labels
 * hold what never changes, values what does. A counter that cannot be had is counted and missed, never an error. Used by the thread of the bus;
 * only ticks ask the bus for anything, so that the other calls may come from handlers (trap A4).
 */
#ifndef TPI_RUNTIME_SERVICE_COUNTERS_H
#define TPI_RUNTIME_SERVICE_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/bus.h"

typedef struct tpi_service_counters_config
{
    int32_t life_type_id;              /* key: u64 token, u64 pid; value: CLOCK_MONOTONIC ns of the last duty cycle */
    int32_t stat_type_id;              /* key: u64 token, u8 number; value: the count */
    const char *life_label;            /* made with tpi_label_*; borrowed until _create returns */
    const char *stat_kind;             /* begins the labels of the numbers: "<kind>: name=... instance=..." */
    const char *instance;              /* borrowed as life_label; NULL: the labels of the numbers end with the pid instead */
    uint64_t token;                    /* new for each instance */
    uint64_t pid;
    const char *const *names;          /* static storage; their order is published: append only */
    size_t count;                      /* at most 255 */
    size_t max;                        /* counters in all, of the media driver's 8192; 0 = no further ones */
}
tpi_service_counters_config_t;

typedef struct tpi_service_counters tpi_service_counters_t;

/* One counter: first what to add, then the addition under way, then the counter. */
typedef struct tpi_shown
{
    int32_t type_id;
    uint8_t key[TPI_COUNTER_KEY_MAX];  /* these two: set by whoever asked for it, before the next tick */
    size_t key_length;
    char *label;                       /* until it is added */
    tpi_bus_async_t *async;
    tpi_counter_t *counter;
    int64_t value;
    bool closing;                      /* its owner is gone */
    struct tpi_shown *prev;
    struct tpi_shown *next;
}
tpi_shown_t;

int tpi_service_counters_create(tpi_service_counters_t **counters, tpi_bus_t *bus, const tpi_service_counters_config_t *config);
/* Once a cycle; values has count entries. */
void tpi_service_counters_tick(tpi_service_counters_t *counters, const uint64_t *values, int64_t now_ns);
/* Whether all that were asked for are there, or could not be had. */
bool tpi_service_counters_are_settled(const tpi_service_counters_t *counters);
/* How many are missed. */
uint64_t tpi_service_counters_failed(const tpi_service_counters_t *counters);
void tpi_service_counters_delete(tpi_service_counters_t *counters);      /* before the bus is closed; accepts NULL */

/* A further one; the label is copied. NULL: missed. */
tpi_shown_t *tpi_shown_add(tpi_service_counters_t *counters, int32_t type_id, const char *label, int64_t value);
void tpi_shown_set(tpi_shown_t *shown, int64_t value);                   /* accepts NULL */
/* Its owner lets go: it is closed and freed by the next tick. Accepts NULL. */
void tpi_shown_close(tpi_service_counters_t *counters, tpi_shown_t *shown);

#endif
