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
#include "codec/codec.h"
#include "protocol/discovery_query.h"
#include "protocol/mapping.h"

#define TPI_PROVIDER_PUBLICATIONS_MAX 32u               /* O-23 */
#define TPI_PROVIDER_PATIENCE_NS (INT64_C(1000) * 1000000)      /* how long an answer is kept (O-23) */
#define TPI_PROVIDER_GRACE_NS (INT64_C(100) * 1000000)  /* how long an endpoint that takes nothing keeps its publication from others */
#define TPI_PROVIDER_IDLE_NS (INT64_C(30000) * 1000000) /* how long an endpoint nobody asks from keeps its publication */
#define TPI_PROVIDER_TERM_MAX (UINT64_C(64) << 20)      /* longest term-length that a request may ask for */

typedef struct tpi_provider tpi_provider_t;

/* Zero stands for the default everywhere. */
typedef struct tpi_provider_options
{
    uint64_t instance_token;           /* 0 = random */
    size_t publications_max;
    size_t responders_max;             /* response endpoints that wait for a publication */
    size_t answers_max;                /* of one endpoint that wait */
    size_t bytes_max;                  /* of all answers that wait */
    int requests_max;                  /* messages taken from the request endpoint in one cycle */
    int messages_max;                  /* and from each source */
}
tpi_provider_options_t;

/* What the provider counts, each also an Aeron counter (docs/spec/95-local-extensions.md). Order is published: append only. */
#define TPI_PROVIDER_STATS(X) \
    X(announces_accepted) X(announces_ignored) X(names_accepted) X(names_ignored) X(streams_expired) X(requests_answered) X(requests_refused) \
    X(messages_malformed) X(messages_newer) X(results_limited) X(queries_denied) X(responses_sent) X(responses_queued) X(responses_dropped) \
    X(responses_too_long) X(publications_opened) X(publications_evicted) X(publications_idle) X(publications_failed) X(limit_poll) \
    X(counters_failed) X(streams) X(publications) X(responses_waiting)

typedef struct tpi_provider_stats
{
#define TPI_STAT(name) uint64_t name;
    TPI_PROVIDER_STATS(TPI_STAT)
#undef TPI_STAT
}
tpi_provider_stats_t;

int tpi_discovery_config_copy(tp_discovery_provider_config_t *copy, const tp_discovery_provider_config_t *config);

/* Checks the configuration and starts to open the subscriptions. config is copied; bus stays the caller's and has to live longer. */
int tpi_provider_create(tpi_provider_t **provider, const tp_discovery_provider_config_t *config, tpi_bus_t *bus,
    const tpi_provider_options_t *options);
/* 1 when all subscriptions are open, 0 not yet, -1 refused by the bus. */
int tpi_provider_is_ready(tpi_provider_t *provider);
/* One duty cycle, the bus included. Work done, or -1 when the bus is lost. */
int tpi_provider_do_work(tpi_provider_t *provider, tpi_mapping_now_t now);
/* Whether answers wait or endpoints are being opened: the next cycle should not be far. */
bool tpi_provider_is_busy(const tpi_provider_t *provider);
void tpi_provider_delete(tpi_provider_t *provider);      /* accepts NULL */

void tpi_provider_set_policy(tpi_provider_t *provider, tp_discovery_provider_policy_t policy, void *clientd);
int tpi_provider_set_stream(tpi_provider_t *provider, uint32_t stream_id, uint64_t data_source_id, const tpc_bytes_t *tags, uint32_t tag_count);
int tpi_provider_move_driver(tpi_provider_t *provider, const char *instance_id, const char *control_channel, uint32_t control_stream_id);
const tpi_provider_stats_t *tpi_provider_stats(tpi_provider_t *provider);

#endif
