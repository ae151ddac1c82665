/*
 * A discovery provider, embeddable (30-discovery.md): learns from announces and metadata which streams exist at which driver, and answers those who
 * ask. It advises only: it grants nothing, forwards nothing and touches no lease. Library tensor_pool_services.
 *
 * Threads: one thread calls tp_discovery_provider_do_work (or tp_discovery_provider_start runs it on one of its own). The calls marked "any thread"
 * wait for the cycle under way, which is bounded; from inside the policy they fail with TP_ESTATE.
 */
#ifndef TENSOR_POOL_DISCOVERY_TP_DISCOVERY_PROVIDER_H
#define TENSOR_POOL_DISCOVERY_TP_DISCOVERY_PROVIDER_H

#include <tensor_pool/discovery/tp_discovery_provider_config.h>

TP_BEGIN_DECLS

typedef struct tp_discovery_provider tp_discovery_provider_t;

/* What a client may know of a stream. */
typedef enum tp_discovery_provider_access
{
    TP_DISCOVERY_PROVIDER_SHOW = 0,
    TP_DISCOVERY_PROVIDER_HIDE = 1,
    TP_DISCOVERY_PROVIDER_DENY = 2              /* and the client gets an error that says so, when nothing else matches */
}
tp_discovery_provider_access_t;

/* A stream, as the policy sees it. Texts are not terminated and live during the call. */
typedef struct tp_discovery_provider_stream
{
    uint32_t size;
    uint32_t stream_id;
    uint32_t producer_id;
    uint32_t tag_count;
    uint64_t epoch;
    uint64_t data_source_id;                    /* TP_NULL_U64 = not known */
    const char *data_source_name;
    size_t data_source_name_length;
    const char *driver_instance_id;
    size_t driver_instance_id_length;
    uint64_t reserved[4];
}
tp_discovery_provider_stream_t;

/*
 * Called in do_work for each stream that matches a query. client_id is what the client says of itself: no proof of identity. With a policy an
 * empty answer is NOT_FOUND, without one it is OK (O-4).
 */
typedef tp_discovery_provider_access_t (*tp_discovery_provider_policy_t)(void *clientd, uint32_t client_id,
    const tp_discovery_provider_stream_t *stream);

/*
 * Checks the configuration, connects to the media driver, opens the subscriptions of all sources and that of requests; waits for them 10 s at most.
 * The config is copied. TP_EINVAL, TP_ECONF_RULE, TP_ECONF_RANGE, TP_ENOMEDIADRIVER, TP_ECHANNEL, TP_ETIMEDOUT, TP_ENOMEM.
 */
TP_EXPORT int tp_discovery_provider_init(tp_discovery_provider_t **provider, const tp_discovery_provider_config_t *config);
/* Who may see what; NULL: everybody everything. Before tp_discovery_provider_start, or on the thread of do_work. */
TP_EXPORT void tp_discovery_provider_set_policy(tp_discovery_provider_t *provider, tp_discovery_provider_policy_t policy, void *clientd);
/* Runs the duty cycle on a thread of its own, which sleeps when there is nothing to do. TP_ESTATE when it runs already. */
TP_EXPORT int tp_discovery_provider_start(tp_discovery_provider_t *provider);
/* One duty cycle; work done, or -1: the media driver is lost (TP_EMEDIADRIVER), or another thread runs this provider (TP_ETHREAD). */
TP_EXPORT int tp_discovery_provider_do_work(tp_discovery_provider_t *provider);
/* For loops of your own: how long a cycle without work may sleep. Call it on the thread of do_work. */
TP_EXPORT int64_t tp_discovery_provider_park_limit_ns(const tp_discovery_provider_t *provider);
/* False once the media driver is lost: close it then. Any thread. */
TP_EXPORT bool tp_discovery_provider_is_running(const tp_discovery_provider_t *provider);
/* Closes everything; answers that wait are dropped. Accepts NULL. */
TP_EXPORT void tp_discovery_provider_close(tp_discovery_provider_t *provider);

/*
 * Replaces what the operator knows of a stream (O-6): its data source id (TP_NULL_U64 = not known) and its tags, at whatever driver it is; in force
 * for the next query, also when the stream is not known yet. Any thread. TP_EINVAL: more than 64 tags, a tag that is empty, longer than 256 bytes or
 * not US-ASCII; TP_EFULL; TP_ENOMEM; TP_ESTATE.
 */
TP_EXPORT int tp_discovery_provider_set_stream(tp_discovery_provider_t *provider, uint32_t stream_id, uint64_t data_source_id,
    const char *const *tags, uint32_t tag_count);
/*
 * Tells that a driver of the configuration has restarted at another control endpoint: it is what results name from now on, and its epochs may go back
 * once. The announce and metadata endpoints stay. Any thread. TP_ENOENT: no source has that instance id; TP_EINVAL: channel empty or too
 * long, stream id outside 1..2147483647; TP_ENOMEM; TP_ESTATE.
 */
TP_EXPORT int tp_discovery_provider_move_driver(tp_discovery_provider_t *provider, const char *driver_instance_id, const char *control_channel,
    uint32_t control_stream_id);

/* What was counted since init; each is an Aeron counter as well (docs/spec/95-local-extensions.md). */
typedef struct tp_discovery_provider_stats
{
    uint32_t size;                              /* sizeof(tp_discovery_provider_stats_t), set by the caller */
    uint32_t streams;                           /* listed now */
    uint32_t publications;                      /* response endpoints open or being opened now */
    uint32_t responses_waiting;                 /* for their endpoint, now */
    uint64_t announces_accepted;
    uint64_t announces_ignored;
    uint64_t names_accepted;
    uint64_t names_ignored;
    uint64_t streams_expired;
    uint64_t requests_answered;                 /* a response was made, of any status */
    uint64_t requests_refused;                  /* dropped: no channel, channel not allowed, stream id no stream id */
    uint64_t messages_malformed;                /* of all kinds */
    uint64_t messages_newer;                    /* of a schema version above 1 */
    uint64_t results_limited;                   /* more matches than max_results */
    uint64_t queries_denied;
    uint64_t responses_sent;
    uint64_t responses_queued;                  /* not taken by the bus at once */
    uint64_t responses_dropped;                 /* given up: nobody listens, no room, or the endpoint cannot be opened */
    uint64_t responses_too_long;                /* replaced by an error (O-14) */
    uint64_t publications_opened;
    uint64_t publications_evicted;              /* closed to make room for another endpoint */
    uint64_t publications_idle;                 /* closed because nobody asked for a while */
    uint64_t publications_failed;               /* refused by the media driver, or broken */
    uint64_t limit_poll;                        /* cycles that left requests unread */
    uint64_t counters_failed;
    uint64_t reserved[8];
}
tp_discovery_provider_stats_t;

/* Any thread. TP_EINVAL: size is smaller than two words; fields beyond size are left alone. TP_ESTATE. */
TP_EXPORT int tp_discovery_provider_stats(tp_discovery_provider_t *provider, tp_discovery_provider_stats_t *stats);

TP_END_DECLS

#endif
