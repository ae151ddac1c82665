/* What the driver remembers (20-driver.md section 2). Everything is owned and used by the driver's one thread, but for the shutdown request. */
#ifndef TPI_DRIVER_DRIVER_STATE_H
#define TPI_DRIVER_DRIVER_STATE_H

#include <stdatomic.h>

#include <pthread.h>
#include <utlist.h>

#include "common/err.h"
#include "common/hash.h"
#include "common/log.h"
#include "codec/codec_driver.h"
#include "codec/codec_wire.h"
#include "driver/driver_internal.h"
#include "driver/driver_regions.h"
#include "protocol/attach.h"
#include "protocol/lease.h"
#include "protocol/node_id.h"
#include "protocol/stream_range.h"
#include "runtime/dispatcher.h"
#include "runtime/lease_table.h"
#include "runtime/outbox.h"
#include "runtime/service_counters.h"
#include "runtime/tp_counters.h"
#include "shm/path.h"

#define TPI_DRIVER_STAT_COUNT (sizeof(tpi_driver_stats_t) / sizeof(uint64_t))

typedef struct tpi_stream tpi_stream_t;

typedef struct tpi_lease_record
{
    tpi_lease_t lease;
    tpi_deadline_t deadline;           /* in driver.leases, key = lease id */
    tpi_stream_t *stream;
    uint32_t descriptor_id;            /* per-consumer streams, 0 = none */
    uint32_t control_id;
    tpi_shown_t *counter;
    struct tpi_lease_record *prev;     /* in stream.leases */
    struct tpi_lease_record *next;
    UT_hash_handle by_client;          /* in driver.clients */
    UT_hash_handle by_descriptor;      /* in driver.descriptor_ids, while descriptor_id is not 0 */
    UT_hash_handle by_control;
}
tpi_lease_record_t;

/* An attach request that waits for regions. */
typedef struct tpi_wait
{
    tpc_attach_request_t request;
    tpi_stream_t *stream;
    uint32_t node_id;                  /* held, 0 = not yet: only for the request whose regions are being made */
    struct tpi_wait *prev;             /* in driver.waits, in order of arrival */
    struct tpi_wait *next;
}
tpi_wait_t;

typedef struct tpi_stream_counts
{
    uint64_t granted;
    uint64_t refused;
    uint64_t ended[TPC_REVOKE_REVOKED + 1];    /* by reason */
    uint64_t epochs;
    uint64_t epochs_failed;
}
tpi_stream_counts_t;

struct tpi_stream
{
    uint32_t stream_id;
    char name[TP_CONFIG_NAME_MAX];     /* "" for dynamic ones */
    tp_profile_config_t profile;       /* of the next epoch */
    tp_profile_config_t live;          /* what files were made with: a reload may have changed profile since */
    bool is_static;
    bool is_removed;                   /* by a reload; forgotten with its last lease */
    uint64_t generation;               /* of the last reload that named it */
    bool is_known;                     /* false: new, its first regions are being made (3.2 row 18) */
    int dir_fd;                        /* directory and ownership lock, -1 = not taken yet */
    int wake_fd;                       /* wake-up page, -1 = nobody asked for it yet */
    bool hugepages;                    /* of its URIs, decided with the first epoch */
    uint64_t epoch;                    /* highest number ever tried */
    tpi_epoch_files_t *files;          /* of the current epoch; NULL = none yet */
    bool is_suspended;                 /* the producer's lease ended and the next epoch is not made yet: nothing is announced (OP-D-30) */
    bool is_creating;                  /* a CREATE job is under way */
    tpi_wait_t *creating_for;          /* whose; NULL = after the end of a lease */
    bool detach_pending;               /* a DetachResponse that follows the announce of the new epoch */
    int64_t detach_correlation_id;
    int64_t retry_ns;                  /* next try after a failed creation, when suspended */
    int64_t announce_ns;               /* next announce */
    int64_t gc_ns;                     /* next look for old epochs, INT64_MAX = none due */
    tpi_lease_record_t *leases;
    tpi_lease_record_t *producer;
    tpi_shown_t *counter;
    tpi_stream_counts_t counts;
    UT_hash_handle hh;
};

struct tpi_driver
{
    tp_driver_config_t config;
    tpi_driver_options_t options;
    tpi_bus_t *bus;
    uint64_t token;
    uint64_t pid;
    char *base_dir;                    /* canonical */
    char user[TPI_NAME_MAX];
    char name_space[TP_CONFIG_NAME_MAX];       /* never written again: the worker reads it while a reload writes config */
    bool is_huge;                      /* the base lies on hugetlbfs */
    int64_t lease_ns;
    int64_t period_ns;
    tpi_gc_policy_t gc;

    tpi_outbox_t control;
    tpi_outbox_t announce;             /* unused when it is the same channel and stream as control: order is kept then (D-113) */
    bool announce_is_control;
    tpi_bus_async_t *subscription_async;
    tpi_subscription_t *subscription;
    tpi_dispatcher_t *dispatcher;
    uint8_t *buffer;                   /* encodes one message */
    size_t buffer_size;

    tpi_stream_t *streams;             /* hash by stream id */
    size_t static_count;
    size_t wake_pages;                 /* of all streams */
    tpi_lease_table_t leases;
    tpi_lease_record_t *clients;       /* hash of the same records by client id */
    tpi_lease_record_t *descriptor_ids;        /* hash of the same records by per-consumer stream id */
    tpi_lease_record_t *control_ids;
    tpi_wait_t *waits;
    size_t wait_count;
    tpi_node_ids_t node_ids;
    tpi_stream_range_t dynamic_range;
    tpi_stream_range_t descriptor_range;
    tpi_stream_range_t control_range;
    int64_t refusals_since_ns;         /* the second in which lines about refused requests are counted */
    unsigned refusals_logged;
    uint64_t refusals_unlogged;
    uint64_t generation;               /* reloads so far */
    tpi_config_source_t source;        /* where a reload gets its configuration, NULL = nowhere */
    void *source_clientd;
    atomic_bool ask_reload;            /* by any thread */
    uint64_t epoch_floor;              /* highest epoch of a forgotten stream (OP-D-13) */
    tpi_regions_t *regions;
    int64_t tick_ns;                   /* no stream has anything to do before it */
    int64_t orphans_ns;                /* next scan (D-183) */
    int64_t other_authority_ns;        /* a ConsumerConfig of somebody else came */
    int attaches_in_cycle;             /* attach and detach requests */
    int64_t backlog_since_ns;          /* the control stream was not read to its end since, 0 = it was */

    tpi_service_counters_t *counters;  /* the driver's own, of streams, of leases */
    tpi_driver_stats_t stats;

    tp_driver_state_t state;
    uint8_t shutdown_reason;
    char shutdown_text[TPC_ERROR_MESSAGE_MAX + 1];
    int64_t drain_until_ns;
    bool notice_sent;
    int64_t stop_by_ns;
    pthread_mutex_t ask_mutex;         /* guards the four below: tpi_driver_shutdown comes from any thread */
    bool ask_pending;
    bool ask_skip_wait;
    uint8_t ask_reason;
    char ask_text[TPC_ERROR_MESSAGE_MAX + 1];
    atomic_int published_state;        /* tp_driver_state_t, for any thread */
};

/* ---- driver.c ---- */
void tpi_driver_begin_drain(tpi_driver_t *driver, uint8_t reason, const char *text, bool skip_wait, int64_t now_ns);

/* What follows from the configuration alone and can change while the driver runs. */
void tpi_driver_set_policies(tpi_driver_t *driver);
/* D-192: better known now than at the first attach. */
int tpi_driver_probe_mlock(void);

/* ---- driver_proxy.c: the only callers of encode and send ---- */
void tpi_proxy_attach_ok(tpi_driver_t *driver, const tpi_lease_record_t *record, int64_t correlation_id, int64_t now_ns);
void tpi_proxy_attach_refused(tpi_driver_t *driver, int64_t correlation_id, int32_t code, const char *text, int64_t now_ns);
void tpi_proxy_detach(tpi_driver_t *driver, int64_t correlation_id, int32_t code, const char *text, int64_t now_ns);
void tpi_proxy_revoked(tpi_driver_t *driver, const tpi_lease_t *lease, uint8_t reason, const char *text, int64_t now_ns);
void tpi_proxy_announce(tpi_driver_t *driver, tpi_stream_t *stream, int64_t now_ns);
void tpi_proxy_shutdown(tpi_driver_t *driver, int64_t now_ns);
void tpi_proxy_config(tpi_driver_t *driver, const tpc_consumer_config_t *config, int64_t now_ns);
/* Sends what waits. Work done. */
int tpi_proxy_flush(tpi_driver_t *driver, int64_t now_ns);
bool tpi_proxy_is_empty(const tpi_driver_t *driver);
void tpi_proxy_init(tpi_driver_t *driver);                     /* before the publications are asked for */

/* ---- driver_handlers.c: messages in ---- */
int tpi_handlers_init(tpi_driver_t *driver);
/* The decision about one attach request, also when it is looked at again after regions were made. */
void tpi_handle_attach(tpi_driver_t *driver, const tpc_attach_request_t *request, int64_t now_ns);

/* ---- driver_leases.c ---- */
tpi_lease_record_t *tpi_lease_find_client(const tpi_driver_t *driver, uint32_t client_id);
tpi_lease_record_t *tpi_lease_find(const tpi_driver_t *driver, uint64_t lease_id);
/* Row 18 but for the regions: lease, response, announce. -1 with TP_EFULL or TP_ENOMEM; node_id is held and becomes the lease's. */
int tpi_lease_commit(tpi_driver_t *driver, tpi_stream_t *stream, const tpc_attach_request_t *request, uint32_t node_id, int64_t now_ns);
/* The end-of-lease sequence of 4.1; frees the record. detach: the request to answer, or NULL. */
void tpi_lease_finish(tpi_driver_t *driver, tpi_lease_record_t *record, uint8_t reason, const char *text, const tpc_detach_request_t *detach,
    int64_t now_ns);
int tpi_lease_expire(tpi_driver_t *driver, int64_t now_ns);
/* Per-consumer stream ids of one consumer: assigned, kept, or given back. */
uint32_t tpi_lease_assign_descriptor_id(tpi_driver_t *driver, tpi_lease_record_t *record);
uint32_t tpi_lease_assign_control_id(tpi_driver_t *driver, tpi_lease_record_t *record);
void tpi_lease_release_descriptor_id(tpi_driver_t *driver, tpi_lease_record_t *record);
void tpi_lease_release_control_id(tpi_driver_t *driver, tpi_lease_record_t *record);
void tpi_leases_fini(tpi_driver_t *driver);

/* ---- driver_streams.c ---- */
int tpi_streams_init(tpi_driver_t *driver, int64_t now_ns);
tpi_stream_t *tpi_stream_find(const tpi_driver_t *driver, uint32_t stream_id);
tpi_stream_t *tpi_stream_add(tpi_driver_t *driver, uint32_t stream_id, const char *name, const tp_profile_config_t *profile, bool is_static);
/* The next id of the dynamic range, 0 = none. */
uint32_t tpi_stream_next_id(tpi_driver_t *driver);
bool tpi_stream_has_producer(const tpi_driver_t *driver, const tpi_stream_t *stream);
/* Whether clients may map its regions now. */
bool tpi_stream_is_usable(const tpi_stream_t *stream);
/* A new epoch: for a request (wait belongs to the driver's list) or, with NULL, after the end of a producer's lease. -1: no job could be made. */
int tpi_stream_raise(tpi_driver_t *driver, tpi_stream_t *stream, tpi_wait_t *wait, int64_t now_ns);
/* Finished jobs: grants, refusals, announces. Work done. */
int tpi_streams_poll_jobs(tpi_driver_t *driver, int64_t now_ns);
/* Announces, activity, retries, garbage. Work done. */
int tpi_streams_tick(tpi_driver_t *driver, int64_t now_ns);
void tpi_streams_announce_all(tpi_driver_t *driver, int64_t now_ns);
/* Whether the geometry is the same; names are not looked at. */
bool tpi_profile_is_same(const tp_profile_config_t *a, const tp_profile_config_t *b);
/* Logs that the ring of that geometry leaves the last-level cache, when it does. */
void tpi_driver_say_cache(const tpi_driver_t *driver, uint32_t stream_id, const tp_profile_config_t *geometry);
/* Gives it another profile. true: the geometry is another one, and its epoch rises when it has one (D-133). */
bool tpi_stream_set_profile(tpi_driver_t *driver, tpi_stream_t *stream, const tp_profile_config_t *profile, int64_t now_ns);
/* Takes the directory of a static stream; with its counter. */
int tpi_stream_take(tpi_driver_t *driver, tpi_stream_t *stream, int64_t now_ns);
/* A new stream that nobody has seen yet goes again, with the directories made for it. */
void tpi_stream_undo(tpi_driver_t *driver, tpi_stream_t *stream, int64_t now_ns);
/* A dynamic stream without leases, requests and jobs is forgotten (OP-D-13). */
void tpi_stream_forget_if_unused(tpi_driver_t *driver, tpi_stream_t *stream, int64_t now_ns);
void tpi_streams_fini(tpi_driver_t *driver, int64_t now_ns);
void tpi_wait_remove(tpi_driver_t *driver, tpi_wait_t *wait);
tpi_wait_t *tpi_wait_add(tpi_driver_t *driver, tpi_stream_t *stream, const tpc_attach_request_t *request);

/* ---- driver_counters.c ---- */
int tpi_driver_counters_init(tpi_driver_t *driver);
void tpi_driver_counter_stream(tpi_driver_t *driver, tpi_stream_t *stream);
void tpi_driver_counter_lease(tpi_driver_t *driver, tpi_lease_record_t *record);
void tpi_driver_counters_tick(tpi_driver_t *driver, int64_t now_ns);

#endif
