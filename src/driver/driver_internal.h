/*
 * The driver below its public face: created on a bus that is open already (bus_mem in scenario tests), driven by a clock value. tp_driver.c wraps it
 * with media driver, bus, endpoint file, socket and thread.
 *
 * Threads: one thread calls everything here but tpi_driver_shutdown, which any thread may call.
 */
#ifndef TPI_DRIVER_DRIVER_INTERNAL_H
#define TPI_DRIVER_DRIVER_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tensor_pool/driver/tp_driver.h>

#include "bus/bus.h"

typedef struct tpi_driver tpi_driver_t;

typedef enum tpi_worker_kind
{
    TPI_WORKER_THREAD = 0,             /* region files are made on a thread of their own (trap M12) */
    TPI_WORKER_INLINE,                 /* at once, inside the duty cycle: scenario tests */
    TPI_WORKER_MANUAL                  /* when tpi_driver_run_jobs is called: scenario tests of what happens meanwhile */
}
tpi_worker_kind_t;

/* Zero stands for the default everywhere. */
typedef struct tpi_driver_options
{
    tpi_worker_kind_t worker;
    uint64_t instance_token;           /* 0 = random */
    size_t leases_max;
    size_t streams_max;
    size_t waits_max;                  /* attach requests that wait for regions */
    size_t queue_max;                  /* messages that wait for a publication */
    int poll_max;                      /* messages taken in one cycle */
    int attaches_max;                  /* attach and detach requests after which a cycle takes no further messages */
    int64_t cache_bytes;               /* of the last-level cache; 0 = as the machine says, < 0 = hidden */
    void (*wake)(void *clientd);       /* a job is done; called on the worker's thread */
    void *wake_clientd;
}
tpi_driver_options_t;

/* What the driver counts, each also an Aeron counter (docs/spec/95-local-extensions.md). Order is published: append only. */
#define TPI_DRIVER_STATS(X) \
    X(attach_granted) X(attach_repeated) X(attach_absorbed) X(attach_refused) X(attach_failed) X(detach_granted) X(detach_refused) \
    X(keepalive_accepted) X(keepalive_ignored) X(leases_expired) X(leases_revoked) X(messages_malformed) X(messages_newer) X(sends_queued) \
    X(sends_dropped) X(limit_leases) X(limit_streams) X(limit_waits) X(limit_poll) X(shutdown_refused) X(hello_answered) X(hello_declined) \
    X(regions_created) X(regions_failed) X(epochs_removed) X(counters_failed) X(wakes_handed_out) X(limit_wakes)

typedef struct tpi_driver_stats
{
#define TPI_STAT(name) uint64_t name;
    TPI_DRIVER_STATS(TPI_STAT)
#undef TPI_STAT
}
tpi_driver_stats_t;

/*
 * Checks the configuration (11.3, file system included), takes the ownership locks of all static streams, starts to open publications and the
 * subscription. config is copied, bus stays the caller's and has to live longer. TP_ECONF_*, TP_EOWNED, TP_EPATH, TP_ENOMEM.
 */
int tpi_driver_create(tpi_driver_t **driver, const tp_driver_config_t *config, tpi_bus_t *bus, const tpi_driver_options_t *options, int64_t now_ns);
/* 1 when publications and subscription are open, 0 not yet, -1 refused by the bus. */
int tpi_driver_is_ready(tpi_driver_t *driver);
/* Moves the counters on that are still to come. Whether none is: each is there or could not be had. */
bool tpi_driver_counters_settle(tpi_driver_t *driver, int64_t now_ns);
/* One duty cycle, the bus included. Work done, or -1 when the bus is lost. */
int tpi_driver_do_work(tpi_driver_t *driver, int64_t now_ns);
tp_driver_state_t tpi_driver_state(const tpi_driver_t *driver);
/* Begins to drain in the next cycle. text may be NULL. Any thread. */
void tpi_driver_shutdown(tpi_driver_t *driver, uint8_t reason, const char *text, bool skip_wait);
/* Whether anything is attached or under way: an idle driver may sleep longer. */
/* Nothing is under way that the driver has to come back for before its next deadline. */
bool tpi_driver_is_quiet(const tpi_driver_t *driver);
bool tpi_driver_is_idle(const tpi_driver_t *driver);
/* Sends the notice if it was not sent and the bus takes it; removes files as configured; frees. Accepts NULL. */
void tpi_driver_delete(tpi_driver_t *driver, int64_t now_ns);

/* MANUAL worker: runs at most limit queued jobs. How many were run. */
int tpi_driver_run_jobs(tpi_driver_t *driver, int limit);
const tpi_driver_stats_t *tpi_driver_stats(const tpi_driver_t *driver);
uint64_t tpi_driver_instance_token(const tpi_driver_t *driver);
const char *tpi_driver_base_dir(const tpi_driver_t *driver);               /* canonical */
size_t tpi_driver_lease_count(const tpi_driver_t *driver);

/* Whether it holds a consumer lease there: for a supervisor beside this driver (S-073). */
bool tpi_driver_has_consumer_lease(const tpi_driver_t *driver, uint32_t stream_id, uint32_t client_id);

/* Administration: ends a lease, reason REVOKED. TP_ENOENT. */
int tpi_driver_revoke(tpi_driver_t *driver, uint64_t lease_id, const char *why, int64_t now_ns);

typedef struct tpi_lease_view
{
    uint64_t lease_id;
    uint32_t stream_id;
    uint32_t client_id;
    uint32_t node_id;
    uint8_t role;
    uint64_t epoch;
    int64_t last_keepalive_ns;
    int64_t expiry_ns;
}
tpi_lease_view_t;
typedef void (*tpi_on_lease_t)(void *clientd, const tpi_lease_view_t *lease);
void tpi_driver_foreach_lease(const tpi_driver_t *driver, tpi_on_lease_t handler, void *clientd);

/* ---- reload (driver_reload.c; docs/spec/95-local-extensions.md section 5) ---- */

/* Fills *config, which becomes the driver's, or returns -1 with the error. Called on the driver's thread. */
typedef tp_driver_config_source_t tpi_config_source_t;
void tpi_driver_set_source(tpi_driver_t *driver, tpi_config_source_t source, void *clientd);

#define TPI_RELOAD_KEYS_MAX 64

typedef struct tpi_id_list { uint32_t *ids; size_t count; } tpi_id_list_t;

typedef struct tpi_reload_report
{
    size_t changed_count;
    const char *changed[TPI_RELOAD_KEYS_MAX];      /* keys whose new value is in force */
    size_t restart_count;
    const char *restart[TPI_RELOAD_KEYS_MAX];      /* keys whose new value needs a restart */
    char (*profiles)[TP_CONFIG_NAME_MAX];          /* profiles that came, went or have another geometry */
    size_t profile_count;
    tpi_id_list_t added;                           /* streams */
    tpi_id_list_t removed;
    tpi_id_list_t raised;                          /* those with another geometry */
}
tpi_reload_report_t;

/*
 * Takes over what can be changed while the driver runs; all is checked first, nothing changes on failure. The report is the caller's
 * (tpi_reload_report_fini), unchanged on failure. TP_ESTATE (draining), TP_ECONF_*, TP_EOWNED, TP_EFULL, TP_EMLOCK, TP_ENOMEM.
 */
int tpi_driver_apply(tpi_driver_t *driver, const tp_driver_config_t *config, tpi_reload_report_t *report, int64_t now_ns);
/* The same with what the source gives; logs the outcome. TP_ESTATE: there is no source. report may be NULL. */
int tpi_driver_reload(tpi_driver_t *driver, tpi_reload_report_t *report, int64_t now_ns);
/* In the next cycle. Any thread. */
void tpi_driver_ask_reload(tpi_driver_t *driver);
void tpi_reload_report_fini(tpi_reload_report_t *report);
/* The keys that a reload knows; whether a new value needs a restart. NULL behind the last one. */
const char *tpi_reload_key(size_t index, bool *needs_restart);

/* What the configuration leaves open, filled in. */
const char *tpi_driver_config_announce_channel(const tp_driver_config_t *config);
uint32_t tpi_driver_config_announce_stream_id(const tp_driver_config_t *config);
const tp_profile_config_t *tpi_driver_config_profile(const tp_driver_config_t *config, const char *name);
const tp_profile_config_t *tpi_driver_config_default_profile(const tp_driver_config_t *config);
int tpi_driver_config_copy(tp_driver_config_t *copy, const tp_driver_config_t *config);

#endif
