/*
 * The consumers a supervisor knows (25-supervisor.md section 2), keyed by stream and consumer, and the answer to a hello (section 3). Pure; one
 * thread. A message costs one look into a hash; the sweep looks at those it removes only, since records lie in the order they were last heard in.
 */
#ifndef TPI_PROTOCOL_SUPERVISOR_REGISTRY_H
#define TPI_PROTOCOL_SUPERVISOR_REGISTRY_H

#include "protocol/private_streams.h"
#include "protocol/supervisor_policy.h"

typedef struct tpi_supervised
{
    uint64_t key;                      /* stream << 32 | consumer */
    uint32_t stream_id;
    uint32_t consumer_id;
    bool has_lease;
    uint8_t supports_shm;              /* of the last hello */
    uint8_t supports_progress;
    uint8_t mode;
    uint32_t max_rate_hz;
    uint32_t progress_interval_us;     /* hints; TP_NULL_U32 = not given */
    uint32_t progress_bytes_delta;
    uint32_t progress_major_delta;
    uint8_t answered_shm;              /* of the last config */
    uint8_t answered_mode;
    tpi_private_owner_t owner;
    bool is_counted;                   /* among the consumers of its stream */
    bool has_qos;
    uint8_t qos_mode;
    uint64_t epoch;                    /* of the last QosConsumer */
    uint64_t last_seq_seen;
    uint64_t drops_gap;
    uint64_t drops_late;
    int64_t window_ns;                 /* start of the window drops are counted in */
    uint64_t window_drops;             /* total when it started */
    uint64_t last_drops;               /* lost in the window before */
    int64_t latency_ns;                /* p99 of its counter, 0 = unknown */
    char *name;                        /* owned; NULL = unknown */
    int64_t heard_ns;
    struct tpi_supervised *prev;       /* longest silent first */
    struct tpi_supervised *next;
    UT_hash_handle hh;
}
tpi_supervised_t;

typedef struct tpi_supervisor_registry
{
    size_t capacity;
    int64_t stale_ns;                  /* 0 = never */
    size_t unleased;                   /* half of the capacity at most is for consumers without a lease (OP-S-21) */
    tpi_supervised_t *by_key;
    tpi_supervised_t *by_age;
    tpi_private_table_t streams;
}
tpi_supervisor_registry_t;

/* What is not in the hello. */
typedef struct tpi_hello_context
{
    bool has_lease;                    /* true where nobody knows about leases */
    bool may_be_fresh;
    uint32_t layout_version;           /* last announced for the stream, 0 = unknown */
    tpi_supervisor_decision_t decision;        /* of the rules, for this consumer */
    int64_t now_ns;
}
tpi_hello_context_t;

typedef struct tpi_hello_outcome
{
    tpi_supervised_t *record;          /* NULL: not tracked */
    bool is_new;
    bool layout_differs;
    tpi_private_outcome_t streams[TPI_PRIVATE_KINDS];
}
tpi_hello_outcome_t;

void tpi_supervisor_registry_init(tpi_supervisor_registry_t *registry, size_t capacity, int64_t stale_ns, const tpi_private_rule_t *rules);
void tpi_supervisor_registry_fini(tpi_supervisor_registry_t *registry);
size_t tpi_supervisor_registry_count(const tpi_supervisor_registry_t *registry);
tpi_supervised_t *tpi_supervisor_registry_find(const tpi_supervisor_registry_t *registry, uint32_t stream_id, uint32_t consumer_id);
/* Row 3 of 3.1. */
bool tpi_supervisor_hello_is_valid(const tpc_consumer_hello_t *hello);
/* Section 3 for a valid hello: updates the registry, and always gives an answer. config borrows from registry, record, decision and hello. */
tpi_hello_outcome_t tpi_supervisor_on_hello(tpi_supervisor_registry_t *registry, const tpc_consumer_hello_t *hello,
    const tpi_hello_context_t *context,
    tpc_consumer_config_t *config);
/* NULL: of an unknown consumer. */
tpi_supervised_t *tpi_supervisor_on_qos(tpi_supervisor_registry_t *registry, const tpc_qos_consumer_t *qos, int64_t now_ns);
/* Frames lost over the last window or two, after on_qos. */
uint64_t tpi_supervised_drops(tpi_supervised_t *record, int64_t window_ns, int64_t now_ns);
/* Its lease came or went; private streams end with it. */
void tpi_supervised_set_lease(tpi_supervisor_registry_t *registry, tpi_supervised_t *record, bool has_lease);
/* Frees the record and its private streams. */
void tpi_supervisor_registry_remove(tpi_supervisor_registry_t *registry, tpi_supervised_t *record);
/* The next one that is stale, NULL = none. */
tpi_supervised_t *tpi_supervisor_registry_stale(const tpi_supervisor_registry_t *registry, int64_t now_ns);

#endif
