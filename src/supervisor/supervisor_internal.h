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
#define TPI_SUPERVISOR_INTERVAL_NS INT64_C(1000000000)         /* of hellos and QoS, by custom */

typedef struct tpi_supervisor tpi_supervisor_t;

/* Zero stands for the default everywhere. */
typedef struct tpi_supervisor_options
{
    uint64_t instance_token;           /* 0 = random */
    int64_t (*realtime_ns)(void);      /* CLOCK_REALTIME, for announces stamped by it */
    size_t queue_max;                  /* answers that wait for the bus */
    int poll_max;                      /* messages taken of one stream in one cycle */
}
tpi_supervisor_options_t;

/* What the supervisor counts, each also an Aeron counter (docs/spec/95-local-extensions.md section 6). Order is published: append only. */
#define TPI_SUPERVISOR_STATS(X) \
    X(hellos) X(hellos_dropped) X(configs_sent) X(configs_dropped) X(qos_consumer) X(qos_producer) X(announces) X(announces_ignored) X(metadata) \
    X(malformed) X(expired) X(refused) X(declined) X(conditions_raised) X(other_configs) X(limits)

/* Checks and copies the configuration; starts to open the streams. bus stays the caller's and has to live longer. */
int tpi_supervisor_create(tpi_supervisor_t **supervisor, const tp_supervisor_config_t *config, tpi_bus_t *bus,
    const tpi_supervisor_options_t *options);
void tpi_supervisor_set_hooks(tpi_supervisor_t *supervisor, const tp_supervisor_hooks_t *hooks);
/* 1 when all streams are open, 0 not yet, -1 refused by the bus. */
int tpi_supervisor_is_ready(tpi_supervisor_t *supervisor);
/* One duty cycle, the bus included. Work done, or -1 when the bus is lost. */
int tpi_supervisor_do_work(tpi_supervisor_t *supervisor, int64_t now_ns);
/* Accepts NULL. */
void tpi_supervisor_delete(tpi_supervisor_t *supervisor);

void tpi_supervisor_stats(const tpi_supervisor_t *supervisor, tp_supervisor_stats_t *stats);
int tpi_supervisor_foreach_condition(const tpi_supervisor_t *supervisor, tp_supervisor_on_condition_t handler, void *clientd);
int tpi_supervisor_foreach_consumer(const tpi_supervisor_t *supervisor, tp_supervisor_on_consumer_t handler, void *clientd);
/* tp_supervisor_json. now_ns as in do_work. */
char *tpi_supervisor_json(const tpi_supervisor_t *supervisor, int64_t now_ns);

/* The copy owns its tables. */
int tpi_supervisor_config_copy(tp_supervisor_config_t *copy, const tp_supervisor_config_t *config);
/* Ids of the private streams of a kind; 0,0 = the wish is granted as it is (base 0). */
tp_id_range_t tpi_supervisor_config_range(const tp_supervisor_config_t *config, bool is_control);

#endif
