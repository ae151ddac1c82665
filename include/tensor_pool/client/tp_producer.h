/*
 * Producer: the only writer of one stream. Attaches, maps, keeps the lease alive and attaches again by itself.
 *
 * One thread at a time uses a producer. claim, commit, abort and offer take no lock, allocate nothing, make no system call and log nothing;
 * a claim reads the vDSO clock once, or not at all when the caller gives the time. Nothing here waits for a consumer.
 */
#ifndef TENSOR_POOL_CLIENT_TP_PRODUCER_H
#define TENSOR_POOL_CLIENT_TP_PRODUCER_H

#include <tensor_pool/client/tp_client.h>
#include <tensor_pool/client/tp_tensor.h>

TP_BEGIN_DECLS

typedef struct tp_producer tp_producer_t;
typedef struct tp_producer_context tp_producer_context_t;

/* Settings of one producer, to be changed by one thread; tp_producer_init copies them. _init: TP_ENOMEM. _close accepts NULL. */
TP_EXPORT int tp_producer_context_init(tp_producer_context_t **context);
TP_EXPORT void tp_producer_context_close(tp_producer_context_t *context);

/*
 * Each sets one value, or returns -1 with TP_EINVAL and changes nothing. stream_id is the stream to write and has no default; policy is one of
 * tp_hugepages_policy_t; timeouts are in nanoseconds.
 */
TP_EXPORT int tp_producer_context_set_stream_id(tp_producer_context_t *context, uint32_t stream_id);
TP_EXPORT int tp_producer_context_set_client_id(tp_producer_context_t *context, uint32_t client_id);         /* 0 = random */
TP_EXPORT int tp_producer_context_set_publish_mode(tp_producer_context_t *context, int publish_mode);        /* default EXISTING_OR_CREATE */
TP_EXPORT int tp_producer_context_set_hugepages(tp_producer_context_t *context, int policy);
TP_EXPORT int tp_producer_context_set_node_id(tp_producer_context_t *context, uint32_t node_id);
/* fills FrameDescriptor.timestampNs (W-103) */
TP_EXPORT int tp_producer_context_set_publish_time(tp_producer_context_t *context, bool publish_time);
/* of tp_producer_init; default 5 s; 0 = return at once */
TP_EXPORT int tp_producer_context_set_attach_timeout_ns(tp_producer_context_t *context, int64_t timeout_ns);
/* Called between payload and commit for memory that is not coherent (W-042). */
typedef void (*tp_payload_flush_t)(void *clientd, void *payload, size_t length);
/* Sets that call; NULL: nothing to flush (default). It runs on the committing thread. */
TP_EXPORT int tp_producer_context_set_payload_flush(tp_producer_context_t *context, tp_payload_flush_t flush, void *clientd);

typedef enum tp_producer_event
{
    TP_PRODUCER_ATTACHED = 1,
    TP_PRODUCER_LOST = 2,              /* lease lost: errcode says why; the library attaches again */
    TP_PRODUCER_REATTACHED = 3,
    TP_PRODUCER_REFUSED = 4            /* the driver refused a reattach; tried again with backoff */
}
tp_producer_event_t;
/* From the conductor (agent thread or tp_client_do_work). code and text as tp_errcode/tp_errmsg; epoch of the new mapping or 0. */
typedef void (*tp_producer_event_handler_t)(void *clientd, tp_producer_event_t event, uint64_t epoch, int code, const char *text);
/* Tells of leases won and lost, from the conductor. NULL: nobody is told. */
TP_EXPORT int tp_producer_context_set_event_handler(tp_producer_context_t *context, tp_producer_event_handler_t handler, void *clientd);

/* Attaches and waits for the lease up to the attach timeout. On a refusal the error is the driver's answer. */
TP_EXPORT int tp_producer_init(tp_producer_t **producer, tp_client_t *client, const tp_producer_context_t *context);
/* tp_producer_init with defaults. */
TP_EXPORT int tp_producer_open(tp_producer_t **producer, tp_client_t *client, uint32_t stream_id);
/* Aborts claims that are out, detaches, frees. Accepts NULL. */
TP_EXPORT void tp_producer_close(tp_producer_t *producer);

typedef struct tp_buffer_claim
{
    uint32_t size;                     /* written by try_claim */
    uint16_t pool_id;
    uint16_t reserved16;
    void *payload;                     /* capacity bytes, 64-byte aligned, writable until commit or abort */
    size_t length;                     /* of the payload; may be made smaller before commit, never larger */
    size_t capacity;                   /* stride of the pool */
    uint64_t seq;
    uint64_t timestamp_ns;             /* capture time, CLOCK_MONOTONIC; may be overwritten before commit */
    uint64_t opaque[6];                /* the library's */
    uint64_t reserved[2];
}
tp_buffer_claim_t;

/* What goes with a frame. NULL stands for TP_FRAME_METADATA_INIT. */
typedef struct tp_frame_metadata
{
    uint32_t size;
    uint32_t meta_version;             /* TP_NULL_U32 = none */
    uint64_t timestamp_ns;             /* capture time; TP_NULL_U64 = the claim's */
    uint64_t trace_id;                 /* TP_NULL_TRACE_ID = not traced */
    uint64_t reserved[3];
}
tp_frame_metadata_t;
#define TP_FRAME_METADATA_INIT { sizeof(tp_frame_metadata_t), TP_NULL_U32, TP_NULL_U64, TP_NULL_TRACE_ID, { 0, 0, 0 } }

/*
 * Claims the next frame for a payload of the template's extent. Returns its seq, or TP_LEASE_LOST, TP_NO_POOL_FITS, TP_TOO_MANY_CLAIMS, TP_CLOSED,
 * TP_INVALID_ARGUMENT. Every claim ends in exactly one commit or abort.
 */
TP_EXPORT int64_t tp_producer_try_claim(tp_producer_t *producer, const tp_tensor_template_t *tensor, tp_buffer_claim_t *claim);
/* The same with an explicit payload length and capture time (no clock is read). */
TP_EXPORT int64_t tp_producer_try_claim_at(tp_producer_t *producer, const tp_tensor_template_t *tensor, size_t length, uint64_t timestamp_ns,
    tp_buffer_claim_t *claim);
/*
 * Makes the frame visible and announces it. Claims may be committed in any order; descriptors leave in seq order (O-41). Returns the seq (>= 0: sent,
 * or parked behind back pressure), TP_NOT_CONNECTED (committed, nobody listens), TP_BACK_PRESSURED (committed, descriptor given up and counted),
 * TP_LEASE_LOST (not committed: the regions are no longer ours), TP_INVALID_CLAIM.
 */
TP_EXPORT int64_t tp_producer_commit_claim(tp_producer_t *producer, tp_buffer_claim_t *claim, const tp_frame_metadata_t *metadata);
TP_EXPORT int64_t tp_producer_abort_claim(tp_producer_t *producer, tp_buffer_claim_t *claim);
/* Claim, copy, commit. length must not exceed the largest stride. */
TP_EXPORT int64_t tp_producer_offer_frame(tp_producer_t *producer, const tp_tensor_template_t *tensor, const void *payload, size_t length,
    const tp_frame_metadata_t *metadata);
/* Sends parked descriptors, if any; the conductor and the next commit do it too. Number sent. */
TP_EXPORT int tp_producer_flush(tp_producer_t *producer);

typedef struct tp_producer_stats
{
    uint32_t size;
    uint32_t attached;                 /* 1 while a lease is held */
    uint32_t stream_id;
    uint32_t client_id;
    uint64_t epoch;
    uint64_t next_seq;                 /* of the current epoch */
    uint64_t frames;                   /* committed, all epochs */
    uint64_t bytes;
    uint64_t aborted;
    uint64_t descriptors_sent;
    uint64_t descriptors_parked;       /* waiting now */
    uint64_t descriptors_dropped;      /* given up: parking ring full, closed */
    uint64_t not_connected;            /* commits without a listener */
    uint64_t no_pool_fits;
    uint64_t lease_lost;               /* claims and commits refused */
    uint64_t back_pressured;           /* times the bus refused a descriptor */
    uint64_t reattaches;
    uint64_t reserved[4];
}
tp_producer_stats_t;
/* Any thread; a snapshot whose fields may be of slightly different moments. */
TP_EXPORT int tp_producer_stats(const tp_producer_t *producer, tp_producer_stats_t *stats);
/* Consumers heard from (hello or QoS) within the stale time. */
TP_EXPORT uint32_t tp_producer_consumer_count(const tp_producer_t *producer);
TP_EXPORT bool tp_producer_is_attached(const tp_producer_t *producer);
TP_EXPORT uint64_t tp_producer_max_payload_bytes(const tp_producer_t *producer);   /* largest stride, 0 while not attached */

TP_END_DECLS

#endif
