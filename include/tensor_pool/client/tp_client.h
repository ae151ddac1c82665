/*
 * The client: one per process is usual. It owns the connection to the media driver, the control traffic, and every lease taken through it.
 *
 * Threads. Agent mode (default): tp_client_start (or tp_connect) runs the conductor on a thread of its own; all calls of the API may then be
 * made from any thread, a producer or consumer being used by one thread at a time. Invoker mode: the application calls tp_client_do_work
 * often, from one thread; blocking calls then turn the conductor themselves.
 */
#ifndef TENSOR_POOL_CLIENT_TP_CLIENT_H
#define TENSOR_POOL_CLIENT_TP_CLIENT_H

#include <tensor_pool/client/tp_context.h>

TP_BEGIN_DECLS

typedef struct tp_client tp_client_t;

/* tp_client_init + tp_client_start with the settings of context (NULL = environment, endpoint file, defaults). TP_ENOMEDIADRIVER, TP_ECHANNEL, ... */
TP_EXPORT int tp_connect(tp_client_t **client, const tp_context_t *context);

typedef struct tp_async_connect tp_async_connect_t;
/*
 * tp_connect without waiting: opens the files of the media driver at once (TP_ENOMEDIADRIVER, TP_ENOMEM), the rest goes on in the polls.
 * poll: 1 and *client set (its agent thread runs, unless in invoker mode), 0 pending, -1 failed as tp_connect does. The handle is gone after 1
 * and -1. One thread at a time.
 */
TP_EXPORT int tp_async_connect(tp_async_connect_t **async, const tp_context_t *context);
TP_EXPORT int tp_async_connect_poll(tp_async_connect_t *async, tp_client_t **client);

/*
 * Connects to the media driver and makes the client with the settings of context (NULL as in tp_connect); starts no thread. TP_ENOMEDIADRIVER,
 * TP_ECHANNEL, TP_ENOMEM. Any thread; the client is freed by tp_client_close.
 */
TP_EXPORT int tp_client_init(tp_client_t **client, const tp_context_t *context);
/* Starts the agent thread; TP_ESTATE in invoker mode or when started already. */
TP_EXPORT int tp_client_start(tp_client_t *client);
/*
 * Invoker mode: runs the conductor once. Work done (>= 0), or -1 with TP_ETHREAD (a second thread, or the agent thread runs it; trap L1) or TP_ESTATE
 * (inside a callback). The first thread that calls it, or that makes a call which waits, is the conductor from then on. Leases live only while
 * somebody calls it: at least every 100 ms.
 */
TP_EXPORT int tp_client_do_work(tp_client_t *client);
/* Invoker mode: idles as the context says after a do_work that returned work. */
TP_EXPORT void tp_client_idle(tp_client_t *client, int work);
/* Invoker mode: do_work and idle until *running is false. */
TP_EXPORT int tp_client_main_do_work(tp_client_t *client, const volatile bool *running);
/*
 * Stops the thread, hands back all leases, closes and frees every producer and consumer still open: no other thread may be inside a call of this
 * client, nor use its handles afterwards; not from a callback. Driver sessions are to be detached before. Waits up to 200 ms for the bus to take the
 * detach requests and for answers to attach requests that are under way. Accepts NULL.
 */
TP_EXPORT void tp_client_close(tp_client_t *client);

/* Whether the media driver is there; whether a tensor pool driver was heard of within three announce periods. Any thread; false for NULL. */
TP_EXPORT bool tp_client_is_connected(const tp_client_t *client);
TP_EXPORT bool tp_client_driver_is_alive(const tp_client_t *client);

typedef struct tp_client_stats
{
    uint32_t size;
    bool connected;                    /* to the media driver */
    bool driver_alive;
    bool agent;                        /* the agent thread runs */
    uint8_t reserved8;
    uint64_t leases;                   /* held now */
    uint64_t cycles;                   /* of the conductor */
    uint64_t work;                     /* sum of what they did */
    uint64_t max_cycle_ns;             /* longest cycle so far */
    uint64_t connections;              /* to a media driver, so far */
    uint64_t errors;                   /* told to the error handler */
    uint64_t commands;                 /* calls of other threads that were carried out */
    uint64_t sends_refused;            /* messages that the bus did not take; they are sent again when due */
    uint64_t malformed;                /* messages no decoder accepts */
    uint64_t newer_version;            /* messages of a schema version above ours */
    uint64_t epochs_untold;            /* announces of streams beyond the 256 of which on_epoch tells */
    uint64_t reserved[3];
}
tp_client_stats_t;
/* Any thread; fields may be of slightly different moments. The same duty cycle stands in Aeron's counters (type 9006). TP_EINVAL. */
TP_EXPORT int tp_client_stats(const tp_client_t *client, tp_client_stats_t *stats);

/*
 * Driver session for tools: one attach, its lease kept alive until detach. Producers and consumers do all this by themselves.
 * The async handle belongs to the client until its poll returned non-zero (1 done, -1 failed with the driver's answer, 0 pending).
 */
typedef struct tp_driver_session tp_driver_session_t;
typedef struct tp_async_attach tp_async_attach_t;

typedef struct tp_attach_request
{
    uint32_t size;                     /* sizeof(tp_attach_request_t), or use TP_ATTACH_REQUEST_INIT */
    uint32_t stream_id;                /* 0 asks the driver for a dynamic stream */
    uint32_t client_id;                /* 0 = the library chooses (D-032) */
    uint8_t role;                      /* tp_role_t */
    uint8_t publish_mode;              /* tp_publish_mode_t */
    uint8_t hugepages;                 /* tp_hugepages_policy_t */
    uint8_t reserved8;
    uint32_t expected_layout_version;  /* 0 = any this library implements */
    uint32_t desired_node_id;          /* TP_NULL_U32 = driver chooses */
    uint64_t reserved[4];
}
tp_attach_request_t;
#define TP_ATTACH_REQUEST_INIT { \
    sizeof(tp_attach_request_t), 0, 0, TP_ROLE_CONSUMER, TP_PUBLISH_EXISTING_OR_CREATE, TP_HUGEPAGES_UNSPECIFIED, 0, 0, \
    TP_NULL_U32, { 0, 0, 0, 0 } }

typedef struct tp_attach_info
{
    uint32_t size;
    uint32_t stream_id;
    uint64_t lease_id;
    uint64_t epoch;
    uint32_t client_id;
    uint32_t layout_version;
    uint32_t header_nslots;
    uint32_t node_id;                  /* TP_NULL_U32 when none was assigned */
    uint32_t pool_count;
    uint32_t max_stride_bytes;
    int64_t lease_deadline_ns;         /* CLOCK_MONOTONIC; INT64_MAX when not enforced */
    uint64_t reserved[4];
}
tp_attach_info_t;

/* Asks the driver for a lease and returns at once; 0, or -1 with TP_EINVAL, TP_EFULL. Any thread in agent mode. */
TP_EXPORT int tp_driver_attach_async(tp_async_attach_t **async, tp_client_t *client, const tp_attach_request_t *request);
/* 1 and *session set, 0 pending, -1 failed with the answer of the driver; the handle is gone after 1 and -1. */
TP_EXPORT int tp_driver_attach_poll(tp_async_attach_t *async, tp_driver_session_t **session);
/* Blocking form. The error is the driver's answer (TP_EPRODUCER, ...), TP_ENODRIVER or TP_ETIMEDOUT. */
TP_EXPORT int tp_driver_attach(tp_client_t *client, const tp_attach_request_t *request, int64_t timeout_ns, tp_driver_session_t **session);
/* What was granted last; lease_id is 0 while the lease is lost and not yet renewed. Any thread. TP_EINVAL. */
TP_EXPORT int tp_driver_session_info(const tp_driver_session_t *session, tp_attach_info_t *info);
/* Hands the lease back and waits up to timeout_ns for the driver's answer (0 = not at all). Frees the session in any case; accepts NULL. */
TP_EXPORT int tp_driver_detach(tp_driver_session_t *session, int64_t timeout_ns);
typedef struct tp_async_detach tp_async_detach_t;
/*
 * The same without waiting; the session is the conductor's from here on, but for -1 (TP_EINVAL, TP_EFULL), which changes nothing. poll: 1 when the
 * driver has answered or will not any more (500 ms), 0 pending, -1 when the client was closed meanwhile; the handle is gone after 1 and -1.
 */
TP_EXPORT int tp_driver_detach_async(tp_async_detach_t **async, tp_driver_session_t *session);
TP_EXPORT int tp_driver_detach_poll(tp_async_detach_t *async);

TP_END_DECLS

#endif
