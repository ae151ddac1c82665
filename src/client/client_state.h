/*
 * The state of one client. The conductor (agent thread, or the application's thread in invoker mode) is the only writer of everything here that is
 * not atomic. Application threads reach it through commands, and through the hand-offs of producers and consumers.
 */
#ifndef TPI_CLIENT_CLIENT_STATE_H
#define TPI_CLIENT_CLIENT_STATE_H

#include <stdatomic.h>

#include "bus/bus.h"
#include "client/context.h"
#include "client/events.h"
#include "client/metadata_stream.h"
#include "client/stat.h"
#include "common/handoff.h"
#include "common/mpsc_queue.h"
#include "common/thread.h"
#include "protocol/merge_map.h"
#include "protocol/session.h"
#include "runtime/agent.h"
#include "runtime/async_command.h"
#include "runtime/backoff.h"
#include "runtime/dispatcher.h"
#include "runtime/endpoint.h"
#include "shm/path.h"
#include "shm/pool_set.h"

#include <tensor_pool/client/tp_client.h>
#include <tensor_pool/client/tp_consumer.h>
#include <tensor_pool/client/tp_join.h>
#include <tensor_pool/client/tp_producer.h>

#define TPI_COMMANDS_MAX 256
#define TPI_CONTROL_POLL_LIMIT 64
#define TPI_AGENT_COUNTERS 2
#define TPI_TICK_NS INT64_C(20000000)          /* liveness work */
#define TPI_ENDPOINT_PERIOD_NS INT64_C(200000000)

/* How a client reaches the world; tests replace it. */
typedef struct tpi_client_hooks
{
    int (*open_bus)(void *clientd, const tpi_settings_t *settings, tpi_bus_t **bus);
    /* 0 and *endpoint filled when a living driver fits the settings, 1 none does, -1 cannot be told. NULL: no endpoint files. */
    int (*find_endpoint)(void *clientd, const tp_context_t *context, tpi_endpoint_t *endpoint);
    void *clientd;
}
tpi_client_hooks_t;

typedef enum tpi_open_kind { TPI_OPEN_PUBLICATION, TPI_OPEN_SUBSCRIPTION, TPI_OPEN_COUNTER } tpi_open_kind_t;

/* One publication, subscription or counter being added. Owned by its connection until tpi_open_take or tpi_open_abandon. */
typedef struct tpi_open
{
    tpi_open_kind_t kind;
    tpi_bus_async_t *async;            /* NULL once finished */
    int state;                         /* 0 pending, 1 done, -1 failed */
    void *result;
    bool abandoned;
    tpi_err_t err;
    struct tpi_open *next;
}
tpi_open_t;

/* One connection to a media driver with the client's own traffic. Replaced when the media driver is. */
typedef struct tpi_connection
{
    tpi_bus_t *bus;
    tpi_open_t *opens;
    uint32_t users;                    /* mappings and links that application threads may be using (retired only at 0) */
    tpi_publication_t *control_pub;
    tpi_subscription_t *control_sub;
    tpi_subscription_t *announce_sub;  /* NULL when announces come on the control stream */
    tpi_publication_t *qos_pub;        /* only while there is a producer or consumer */
    tpi_subscription_t *qos_sub;
    tpi_open_t *control_pub_open;
    tpi_open_t *control_sub_open;
    tpi_open_t *announce_sub_open;
    tpi_open_t *qos_pub_open;
    tpi_open_t *qos_sub_open;
    int64_t qos_reopen_ns;
    tpi_metadata_stream_t metadata;
    bool ready;                        /* control and announce are there */
    bool is_broken;                    /* its control publication takes no message any more */
    struct tpi_connection *next;       /* of the retired */
}
tpi_connection_t;

struct tpi_attachment;
typedef struct tpi_traffic tpi_traffic_t;      /* traffic.c */
typedef void (*tpi_on_session_t)(struct tpi_attachment *attachment, tpi_session_event_t event, const tpc_attach_response_t *response, int64_t now_ns);

/* A driver session and who it is for. Owned by the client; outlives its owner until the detach is through. */
typedef struct tpi_attachment
{
    tp_client_t *client;
    tpi_session_t session;
    void *owner;                       /* NULL once closed */
    tpi_on_session_t on_event;
    struct tpi_attachment *next;
}
tpi_attachment_t;

/* Fixed at creation, read by every thread. */
typedef struct tpi_discovery_settings
{
    tpi_stream_address_t request;
    tpi_stream_address_t response;
    int64_t timeout_ns;                /* of opening both */
}
tpi_discovery_settings_t;

struct tp_discovery_client;

struct tp_client
{
    tp_context_t *context;
    tpi_client_hooks_t hooks;
    tpi_settings_t settings;
    tpi_endpoint_t endpoint;
    tpi_endpoint_watch_t endpoint_watch;
    bool has_endpoint;
    bool driver_was_lost;              /* since an endpoint was last seen */
    tpi_base_dirs_t bases;
    tpi_id_source_t ids;
    /* threads */
    _Atomic uint64_t conductor;        /* thread that runs do_work; 0 = nobody yet */
    _Atomic bool in_do_work;
    _Atomic bool closing;
    bool is_invoker;                   /* these three: fixed at creation, read by every thread */
    tpi_idle_kind_t idle;
    int64_t announce_period_ns;
    tpi_agent_runner_t *runner;        /* NULL in invoker mode and before start */
    tpi_mpsc_queue_t *commands;
    _Atomic int64_t hurry_until_ns;
    tpi_parker_t done;                 /* woken when a command was finished */
    /* the conductor's */
    tpi_command_t *pending;
    tpi_connection_t *connection;
    tpi_connection_t *retired;
    tpi_backoff_t reconnect;
    tpi_err_t connect_err;
    tpi_dispatcher_t *dispatcher;      /* of the control stream; a separate announce stream has its own (trap A3) */
    tpi_dispatcher_t *announce_dispatcher;
    tpi_dispatcher_t *qos_dispatcher;
    tpi_dispatcher_t *metadata_dispatcher;
    tpi_events_t events;
    tpi_attachment_t *attachments;
    tp_producer_t *producers;
    tp_consumer_t *consumers;
    tpi_traffic_t *traffic;            /* publications and subscriptions of the application */
    struct tp_discovery_client *discoveries;
    tp_client_t *parent;               /* authority.c: whose conductor works this one */
    tp_client_t *children;
    tp_client_t *sibling;
    tpi_discovery_settings_t discovery;
    tp_join_barrier_t *barriers;       /* those that follow the control stream */
    tp_join_authority_t *authorities;
    struct tpi_wake_source *wakes;     /* wake-up pages; each goes with its last user */
    bool is_stepped;                   /* tests: time is what tpi_client_do_work_at was last given */
    _Atomic int64_t last_now_ns;       /* producers ask for the time, too */
    int64_t next_tick_ns;
    int64_t quiet_ns;                  /* from then on nothing was urgent for long enough */
    int64_t next_endpoint_ns;
    int64_t next_counter_scan_ns;
    int64_t driver_counter;            /* highest value of the driver's instance counter */
    uint8_t *send_buffer;              /* one outbound message */
    size_t send_capacity;
    tpi_counter_t *agent_counters[TPI_AGENT_COUNTERS];
    tpi_open_t *agent_opens[TPI_AGENT_COUNTERS];
    bool agent_asked;
    uint64_t number;                   /* random: tells the clients of one process apart */
    /* the conductor writes, anybody reads: tp_client_stats */
    tpi_stat_t cycles;
    tpi_stat_t work;
    tpi_stat_t max_cycle_ns;
    tpi_stat_t connections;
    tpi_stat_t errors;
    tpi_stat_t commands_done;
    tpi_stat_t sends_refused;
    tpi_stat_t malformed;
    tpi_stat_t newer_version;
    tpi_stat_t leases;
    _Atomic bool connected;            /* for tp_client_is_connected */
    _Atomic int64_t driver_seen_ns;    /* last sign of life of any tensor pool driver; 0 = none */
};

/* ---- client.c ---- */
/* Ends what is left without a word to the driver. Accepts NULL. */
void tpi_client_delete(tp_client_t *client);
int tpi_client_create(tp_client_t **client, const tp_context_t *context, const tpi_client_hooks_t *hooks);
/* Tests: on a bus that exists already; the bus stays the caller's until it is handed over here. No endpoint files, invoker mode, no waiting. */
int tpi_client_create_on_bus(tp_client_t **client, const tp_context_t *context, tpi_bus_t *bus);
/* One cycle at a given time; the caller is the conductor. */
int tpi_client_do_work_at(tp_client_t *client, int64_t now_ns);
int64_t tpi_client_now(const tp_client_t *client);
/*
 * Any thread: has the conductor run it and waits until the deadline; in invoker mode turns the conductor meanwhile. 0, or -1 (TP_ETIMEDOUT:
 * abandoned).
 */
int tpi_client_call(tp_client_t *client, tpi_command_t *command, int64_t timeout_ns);
#define TPI_CALL_NOT_SENT (-2)         /* the command never reached the conductor; its object is still the caller's */

/* How the conductor opens and ends one kind of object. A started object is in a list of the client, which ends it at the latest. */
typedef struct tpi_opening
{
    tpi_command_run_t run;                          /* starts the object, then looks whether it is open; a failed one is gone */
    void (*dispose)(void *object, int64_t now_ns);  /* conductor: ends and frees one that was started */
    void (*unmake)(void *object);                   /* frees one that was not */
}
tpi_opening_t;
/* Any thread: has the conductor open the object (NULL: out of memory already) and waits. 0, or -1 and the object is gone. */
int tpi_client_open(tp_client_t *client, const tpi_opening_t *how, void *object, int64_t timeout_ns);
/* The same without waiting. */
int tpi_client_open_async(tpi_command_t **command, tp_client_t *client, const tpi_opening_t *how, void *object);
/* 0 pending, 1 done: *object is the caller's, -1 failed; the command is gone after 1 and -1. TP_EINVAL: one of them is NULL, nothing happened. */
int tpi_client_open_poll(tpi_command_t *command, void **object);
/* Closing calls. Never fails: a full ring is waited out; on the conductor itself it is done at once. */
void tpi_client_dispose(tp_client_t *client, void (*dispose)(void *object, int64_t now_ns), void *object);
int tpi_client_enqueue(tp_client_t *client, tpi_command_t *command);
/*
 * One step of waiting for something the conductor does: turns it where this thread may, else idles (idle NULL: does not idle). -1 when the
 * thread must not wait here (inside a callback).
 */
int tpi_client_wait_step(tp_client_t *client, tpi_idle_t *idle);
/* The allowed base directories of the settings, canonical; those of the default that do not exist are left out. */
int tpi_client_resolve_bases(tp_client_t *client);
/* tpi_pool_set_map with the client's settings. */
int tpi_client_map(tp_client_t *client, tpi_pool_set_t **set, const tpi_pool_set_spec_t *spec, bool writable);
bool tpi_client_on_conductor(const tp_client_t *client);
/* Inside a callback of that client, or of the one whose conductor works it. */
bool tpi_client_in_callback(const tp_client_t *client);
void tpi_client_hurry(tp_client_t *client, int64_t now_ns);
/* How long the conductor may sleep when nothing came. */
int64_t tpi_client_park_limit_ns(const tp_client_t *client);
/* Any thread: the conductor's next cycle begins at once. */
void tpi_client_nudge(tp_client_t *client);
/* Conductor: what others than itself count. */
void tpi_client_stats_tick(tp_client_t *client);
/* An error that no call returns: error handler and log. Takes the thread's error. */
void tpi_client_report(tp_client_t *client);

/* ---- connection.c ---- */
int tpi_connection_open(tp_client_t *client, int64_t now_ns);
int tpi_connection_do_work(tp_client_t *client, int64_t now_ns);
void tpi_connection_lost(tp_client_t *client, const char *why, int64_t now_ns);
void tpi_connection_reclaim(tp_client_t *client);
void tpi_connection_close_all(tp_client_t *client);
void tpi_connection_tick(tp_client_t *client, int64_t now_ns);
tpi_open_t *tpi_open_publication(tpi_connection_t *connection, const char *channel, int32_t stream_id);
tpi_open_t *tpi_open_subscription(tpi_connection_t *connection, const tpi_subscription_config_t *config);
tpi_open_t *tpi_open_counter(tpi_connection_t *connection, int32_t type_id, const void *key, size_t key_length, const char *label);
/* 0 pending, 1 done: *result is the caller's and *open NULL, -1 failed: error restored and *open NULL. */
int tpi_open_take(tpi_connection_t *connection, tpi_open_t **open, void **result);
void tpi_open_abandon(tpi_connection_t *connection, tpi_open_t **open);

/* ---- traffic.c ---- */
void tpi_traffic_close_all(tp_client_t *client);

/* ---- discovery.c ---- */
int tpi_discovery_work(tp_client_t *client, int64_t now_ns);
void tpi_discovery_connection_lost(tp_client_t *client);
/* An announce of this client's driver: results that it contradicts are asked for again. */
void tpi_discovery_on_announce(tp_client_t *client, const tpc_pool_announce_t *announce, int64_t now_ns);
/* The end of a client, after its commands have ended. */
void tpi_discovery_close_all(tp_client_t *client);

/* ---- attachment.c ---- */
tpi_attachment_t *tpi_attachment_create(tp_client_t *client, const tpi_session_config_t *config, void *owner, tpi_on_session_t on_event);
void tpi_attachment_close(tpi_attachment_t *attachment, int64_t now_ns);
int tpi_attachment_work(tp_client_t *client, int64_t now_ns);
void tpi_attachment_driver_gone(tp_client_t *client, int code, const char *why, int64_t now_ns);
/* Whether a lease is still to be handed back, or may yet be granted to somebody who has gone. */
bool tpi_attachment_has_unsent(const tp_client_t *client);
void tpi_attachment_delete_all(tp_client_t *client);
int tpi_attachment_add_routes(tp_client_t *client);
/* Fills the times of a session from the settings; identity and wishes are the caller's. Conductor only. */
void tpi_session_config_times(const tp_client_t *client, tpi_session_config_t *config);
/* Sets the thread's error from a session's refusal, with why and fix. */
void tpi_attachment_set_error(const tpi_attachment_t *attachment);
/* Points into the response; pools has room for TPC_POOLS_MAX. */
void tpi_attachment_spec(tpi_pool_set_spec_t *spec, tpi_pool_spec_t *pools, const tpc_attach_response_t *response);

/* ---- proxy.c: every message this client sends; true when the bus took it ---- */
bool tpi_client_send_attach(tp_client_t *client, const tpc_attach_request_t *m);
bool tpi_client_send_keepalive(tp_client_t *client, const tpc_keepalive_t *m);
bool tpi_client_send_detach(tp_client_t *client, const tpc_detach_request_t *m);
bool tpi_client_send_hello(tp_client_t *client, const tpc_consumer_hello_t *m);
bool tpi_client_send_config(tp_client_t *client, const tpc_consumer_config_t *m);
bool tpi_client_send_qos_consumer(tp_client_t *client, const tpc_qos_consumer_t *m);
bool tpi_client_send_qos_producer(tp_client_t *client, const tpc_qos_producer_t *m);
bool tpi_client_send_map_request(tp_client_t *client, tpi_merge_kind_t kind, uint32_t out_stream_id, uint64_t epoch);
bool tpi_client_send_map(tp_client_t *client, const tpi_merge_map_t *map);
/* On the metadata stream; what the bus said (> 0: taken). */
int64_t tpi_client_send_source_announce(tp_client_t *client, const tpc_source_announce_t *m);
int64_t tpi_client_send_source_meta(tp_client_t *client, const tpc_source_meta_t *m);
int64_t tpi_client_send_blob_announce(tp_client_t *client, const tpc_blob_announce_t *m);
int64_t tpi_client_send_blob_chunk(tp_client_t *client, const tpc_blob_chunk_t *m);
int64_t tpi_client_send_blob_complete(tp_client_t *client, const tpc_blob_complete_t *m);

/* ---- handlers.c ---- */
int tpi_client_add_routes(tp_client_t *client);

/* ---- conductor's side of producer and consumer ---- */
/* A copy of context (NULL: of the defaults) for that stream; freed by tp_producer_context_close. */
int tpi_producer_context_for(tp_producer_context_t **copy, const tp_producer_context_t *context, uint32_t stream_id);
int tpi_producer_work(tp_producer_t *producer, int64_t now_ns);
void tpi_producer_tick(tp_producer_t *producer, int64_t now_ns);
void tpi_producer_connection_lost(tp_producer_t *producer, int64_t now_ns);
void tpi_producer_on_announce(tp_producer_t *producer, const tpc_pool_announce_t *announce, int64_t now_ns);
void tpi_producer_on_hello(tp_producer_t *producer, const tpc_consumer_hello_t *hello, int64_t now_ns);
/* is_own: sent by this client. */
void tpi_producer_on_config(tp_producer_t *producer, const tpc_consumer_config_t *config, bool is_own, int64_t now_ns);
void tpi_producer_on_revoked(tp_producer_t *producer, const tpc_lease_revoked_t *revoked, int64_t now_ns);
void tpi_producer_on_qos(tp_producer_t *producer, const tpc_qos_consumer_t *qos, int64_t now_ns);
tp_producer_t *tpi_producer_next(const tp_producer_t *producer);
int tpi_consumer_work(tp_consumer_t *consumer, int64_t now_ns);
void tpi_consumer_tick(tp_consumer_t *consumer, int64_t now_ns);
void tpi_consumer_connection_lost(tp_consumer_t *consumer, int64_t now_ns);
void tpi_consumer_on_announce(tp_consumer_t *consumer, const tpc_pool_announce_t *announce, int64_t joined_ns, int64_t now_ns);
void tpi_consumer_on_config(tp_consumer_t *consumer, const tpc_consumer_config_t *config, int64_t now_ns);
void tpi_consumer_on_qos(tp_consumer_t *consumer, const tpc_qos_consumer_t *qos, int32_t aeron_session_id, int64_t now_ns);
void tpi_consumer_on_progress(tp_consumer_t *consumer, const tpc_frame_progress_t *progress, int64_t now_ns);
/* Gives the lease up and attaches again where the consumer uses that stream; whether it does. */
bool tpi_consumer_reattach(tp_consumer_t *consumer, uint32_t stream_id, const char *why, int64_t now_ns);
void tpi_consumer_on_revoked(tp_consumer_t *consumer, const tpc_lease_revoked_t *revoked, int64_t now_ns);
tp_consumer_t *tpi_consumer_next_of(const tp_consumer_t *consumer);
bool tpi_consumer_is_observer(const tp_consumer_t *consumer);
/* Whether it has slept for a second on its wake-up page, and nothing else is expected of it. */
bool tpi_consumer_is_calm(const tp_consumer_t *consumer);
bool tpi_consumer_wants_progress(const tp_consumer_t *consumer);

#endif
