/*
 * The supervisor, embeddable: hears what producers, consumers and the driver say about themselves, answers each ConsumerHello with a ConsumerConfig,
 * and watches liveness and health (25-supervisor.md). Owns no region, takes no part in the data path; everything goes on without it. Library
 * tensor_pool_services.
 *
 * Threads: one thread calls tp_supervisor_do_work (or tp_supervisor_start runs it on one of its own); the calls that only look may come from any.
 *
 * Inside a driver's process (S-003, S-073), where a [supervisor] table is there:
 *
 *   before tp_driver_init:   tp_supervisor_config_init, _inherit(&config, &driver_config), the table's keys, _check;
 *                            driver_config.answer_hello = "never": the driver stays silent on hellos (OP-S-01)
 *   after tp_driver_init:    config.aeron_dir = tp_driver_aeron_dir(driver); tp_supervisor_init;
 *                            tp_supervisor_set_hooks with has_lease = tp_driver_has_consumer_lease and clientd = driver
 *   in the one loop:         tp_driver_do_work(driver); tp_supervisor_do_work(supervisor); then park for the smaller of both limits
 *   at the end:              tp_supervisor_close before tp_driver_close
 *
 * tp_driver_start is not used then: has_lease has to be called on the driver's thread.
 */
#ifndef TENSOR_POOL_SUPERVISOR_TP_SUPERVISOR_H
#define TENSOR_POOL_SUPERVISOR_TP_SUPERVISOR_H

#include <tensor_pool/common/tp_types.h>
#include <tensor_pool/supervisor/tp_supervisor_config.h>

TP_BEGIN_DECLS

typedef struct tp_supervisor tp_supervisor_t;

/* ---- health ---------------------------------------------------------------------------------------------------------------- */

/* Numbers and names are published (counters, JSON, log) and never change. Values: docs/spec/95-local-extensions.md section 6. */
typedef enum tp_health_kind
{
    TP_HEALTH_CONSUMER_LOSES = 1,      /* a consumer loses frames */
    TP_HEALTH_CONSUMER_LAGS = 2,       /* it is far behind its producer */
    TP_HEALTH_CONSUMER_LATENCY = 3,    /* its latency is above the bound */
    TP_HEALTH_PRODUCER_SILENT = 4,     /* no QosProducer any more */
    TP_HEALTH_STREAM_STALE = 5,        /* no ShmPoolAnnounce any more */
    TP_HEALTH_STREAM_DEAD = 6,         /* its regions show no sign of life: whoever maps them has to map a new epoch (S-056) */
    TP_HEALTH_STREAM_UNREAD = 7,       /* it is written and nobody reads it */
    TP_HEALTH_REGISTRY_FULL = 8,       /* consumers beyond consumer_capacity are not tracked */
    TP_HEALTH_NO_PRIVATE_ID = 9,       /* a range of private streams is used up */
    TP_HEALTH_OTHER_AUTHORITY = 10,    /* somebody else answers hellos, too (OP-S-01) */
    TP_HEALTH_STREAMS_FULL = 11        /* streams or producers beyond stream_capacity are not watched */
}
tp_health_kind_t;

typedef struct tp_supervisor_condition
{
    uint32_t size;
    uint32_t kind;                     /* tp_health_kind_t */
    uint32_t stream_id;                /* 0 = about the supervisor itself */
    uint32_t client_id;                /* consumer or producer, 0 = about the stream */
    int64_t since_ns;                  /* CLOCK_MONOTONIC */
    int64_t value;                     /* now, and the bound it broke; unit by kind */
    int64_t bound;
    char client_name[TP_CONFIG_NAME_MAX];      /* "" = unknown */
    uint64_t reserved[4];
}
tp_supervisor_condition_t;

/* "consumer_loses_frames" ...; "unknown" for other numbers. Static storage. */
TP_EXPORT const char *tp_health_kind_name(uint32_t kind);

/* ---- hooks ----------------------------------------------------------------------------------------------------------------- */

/* All may be NULL; all are called inside tp_supervisor_do_work and must neither wait nor call back. */
typedef struct tp_supervisor_hooks
{
    uint32_t size;
    void *clientd;
    /*
     * Whether that client holds an active consumer lease on that stream (S-073, OP-S-11, OP-S-21). With it private streams are for those only, are
     * free again when the lease ends, and at most half of the capacity goes to consumers without one.
     */
    bool (*has_lease)(void *clientd, uint32_t stream_id, uint32_t client_id);
    /* Name of a consumer for rules and reports. NULL: from the client's counter labels (95-local-extensions.md section 3). false: unknown. */
    bool (*client_name)(void *clientd, uint32_t stream_id, uint32_t client_id, char *name, size_t size);
    /* A condition was raised or cleared: where an application throttles by its own means (S-009). */
    void (*on_condition)(void *clientd, const tp_supervisor_condition_t *condition, bool is_raised);
}
tp_supervisor_hooks_t;

/* ---- life ------------------------------------------------------------------------------------------------------------------ */

/*
 * Checks the configuration, connects to the media driver and opens the four streams. The config is copied. TP_ECONF_*, TP_ENOMEDIADRIVER,
 * TP_ECHANNEL, TP_ETIMEDOUT, TP_ENOMEM. No message is handled before the first do_work.
 */
TP_EXPORT int tp_supervisor_init(tp_supervisor_t **supervisor, const tp_supervisor_config_t *config);
/* Before the first do_work. The struct is copied. */
TP_EXPORT void tp_supervisor_set_hooks(tp_supervisor_t *supervisor, const tp_supervisor_hooks_t *hooks);
/* Runs the duty cycle on a thread of its own. TP_ESTATE when it runs already. */
TP_EXPORT int tp_supervisor_start(tp_supervisor_t *supervisor);
/* One duty cycle; work done, or -1: the media driver is lost (TP_EMEDIADRIVER), or another thread runs this supervisor (TP_ETHREAD). */
TP_EXPORT int tp_supervisor_do_work(tp_supervisor_t *supervisor);
/* For loops of your own: how long a cycle without work may sleep. */
TP_EXPORT int64_t tp_supervisor_park_limit_ns(const tp_supervisor_t *supervisor);
/* The media driver was lost: nothing works any more but close. Any thread. */
TP_EXPORT bool tp_supervisor_is_lost(const tp_supervisor_t *supervisor);
/* Accepts NULL. Sends nothing: consumers and producers go on with what they were told. */
TP_EXPORT void tp_supervisor_close(tp_supervisor_t *supervisor);

/* ---- looking: any thread --------------------------------------------------------------------------------------------------- */

/* Since start; each also an Aeron counter (95-local-extensions.md section 6). */
typedef struct tp_supervisor_stats
{
    uint32_t size;
    uint32_t consumers;                /* now */
    uint32_t streams;
    uint32_t producers;
    uint32_t conditions;               /* raised now */
    uint32_t reserved_u32;
    uint64_t hellos;                   /* accepted */
    uint64_t hellos_dropped;           /* undefined enumerations (S-014) */
    uint64_t configs_sent;
    uint64_t configs_dropped;          /* the bus did not take them in time */
    uint64_t qos_consumer;
    uint64_t qos_producer;
    uint64_t announces;
    uint64_t announces_ignored;        /* old, of an older epoch, of an unknown clock */
    uint64_t metadata;
    uint64_t malformed;                /* failed the frame gate (S-067) */
    uint64_t expired;                  /* consumers removed by the sweep */
    uint64_t refused;                  /* hellos of consumers the full registry does not track */
    uint64_t declined;                 /* answers that decline a kind that was asked for */
    uint64_t conditions_raised;
    uint64_t other_configs;            /* ConsumerConfig of other authorities */
    uint64_t limits;                   /* streams, producers, conditions or counters beyond a limit */
    uint64_t reserved[8];
}
tp_supervisor_stats_t;

/* *stats is filled whole. */
TP_EXPORT void tp_supervisor_stats(tp_supervisor_t *supervisor, tp_supervisor_stats_t *stats);

typedef struct tp_supervisor_consumer
{
    uint32_t size;
    uint32_t stream_id;
    uint32_t consumer_id;
    bool use_shm;                      /* as answered */
    uint8_t mode;
    bool has_lease;
    uint32_t descriptor_stream_id;     /* private, 0 = none */
    uint32_t control_stream_id;
    uint32_t max_rate_hz;
    int64_t last_heard_ns;             /* CLOCK_MONOTONIC */
    uint64_t epoch;                    /* of its last QosConsumer */
    uint64_t last_seq_seen;
    uint64_t drops_gap;
    uint64_t drops_late;
    char name[TP_CONFIG_NAME_MAX];     /* "" = unknown */
    uint64_t reserved[4];
}
tp_supervisor_consumer_t;

typedef void (*tp_supervisor_on_condition_t)(void *clientd, const tp_supervisor_condition_t *condition);
typedef void (*tp_supervisor_on_consumer_t)(void *clientd, const tp_supervisor_consumer_t *consumer);
/* Each once, while the supervisor stands still; the handler must not call back. How many. */
TP_EXPORT int tp_supervisor_foreach_condition(tp_supervisor_t *supervisor, tp_supervisor_on_condition_t handler, void *clientd);
TP_EXPORT int tp_supervisor_foreach_consumer(tp_supervisor_t *supervisor, tp_supervisor_on_consumer_t handler, void *clientd);
/*
 * Statistics, consumers, streams and conditions as one JSON object (docs/SUPERVISOR_USAGE.md), terminated; free it with tp_supervisor_json_free. NULL
 * with TP_ENOMEM.
 */
TP_EXPORT char *tp_supervisor_json(tp_supervisor_t *supervisor);
TP_EXPORT void tp_supervisor_json_free(char *json);

TP_END_DECLS

#endif
