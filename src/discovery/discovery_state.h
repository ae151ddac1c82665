/* What the provider remembers. Everything is owned and used by the thread that runs it. */
#ifndef TPI_DISCOVERY_DISCOVERY_STATE_H
#define TPI_DISCOVERY_DISCOVERY_STATE_H

#include <utlist.h>

#include "common/err.h"
#include "common/log.h"
#include "discovery/discovery_internal.h"
#include "protocol/discovery_index.h"
#include "runtime/dispatcher.h"
#include "runtime/service_counters.h"

/* One endpoint that is listened to: several sources may share it, and so may requests (O-9). One subscription, one poll site (trap A3). */
typedef struct tpi_input
{
    struct tpi_provider *provider;
    const char *channel;               /* of the configuration */
    uint32_t stream_id;
    tpi_bus_async_t *async;
    tpi_subscription_t *subscription;
    tpi_dispatcher_t *dispatcher;
    bool takes_requests;
    bool takes_announces;
    uint32_t announcer;                /* the source whose announces come here: one at most */
    uint32_t namer_count;              /* the sources whose metadata come here */
    uint32_t *namers;
}
tpi_input_t;

/* One encoded answer that was not sent yet. */
typedef struct tpi_answer
{
    struct tpi_answer *next;
    uint64_t request_id;
    int64_t give_up_ns;
    bool was_tried;
    size_t length;
    uint8_t data[];
}
tpi_answer_t;

/* One response endpoint. It waits for a publication, opens it, or has it; it goes when it has none and nothing to send. */
typedef struct tpi_responder
{
    char *channel;
    uint32_t stream_id;
    tpi_bus_async_t *async;
    tpi_publication_t *publication;
    tpi_answer_t *queue;               /* in order of arrival */
    size_t queued;
    int64_t used_ns;                   /* last request */
    int64_t progress_ns;               /* publication asked for, or last answer taken by the bus */
    struct tpi_responder *prev;        /* in provider.responders, in order of arrival */
    struct tpi_responder *next;
}
tpi_responder_t;

struct tpi_provider
{
    tp_discovery_provider_config_t config;
    tpi_provider_options_t options;
    tpi_bus_t *bus;
    tpi_input_t *inputs;
    size_t input_count;
    tpi_discovery_index_t *index;
    tpi_discovery_query_t *query;
    const char *allowed[TP_DISCOVERY_PROVIDER_ALLOWED_MAX];
    tp_discovery_provider_policy_t policy;
    void *policy_clientd;

    tpi_responder_t *responders;
    size_t responder_count;
    size_t slots;                      /* responders with a publication or one being opened */
    size_t waiting;                    /* answers */
    size_t bytes;                      /* of these */

    tpi_mapping_now_t now;             /* of the cycle */
    int64_t sweep_ns;
    uint32_t queries_unlogged;
    int64_t complaints_since_ns;       /* the second in which lines about endpoints are counted */
    unsigned complaints;
    tpi_service_counters_t *counters;
    tpi_provider_stats_t stats;
};

/* ---- discovery_handlers.c: messages in ---- */
int tpi_provider_handlers_add(tpi_input_t *input);

/* ---- discovery_proxy.c: answers out ---- */
/* Encodes the response and leaves it with its endpoint. The bus is not touched: tpi_provider_proxy_work sends. */
void tpi_provider_respond(tpi_provider_t *provider, const tpc_discovery_request_t *request, const tpc_discovery_response_t *response);
/* Opens, sends, gives up, closes. Work done. */
int tpi_provider_proxy_work(tpi_provider_t *provider);
void tpi_provider_proxy_fini(tpi_provider_t *provider);

/* ---- discovery_counters.c ---- */
int tpi_provider_counters_init(tpi_provider_t *provider, uint64_t token);
void tpi_provider_counters_tick(tpi_provider_t *provider);

#endif
