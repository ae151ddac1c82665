/*
 * Producer: the only writer of one stream. Attaches, maps, keeps the lease alive and attaches again by itself.
 *
 * Threads. claim, commit, abort, offer and flush belong to one thread at a time, the producer's. Any thread may call init, and close when no other
 * call on the producer is under way. Callbacks fire from the conductor (the agent thread, or tp_client_do_work) and must not wait: calls that wait
 * fail with TP_ESTATE inside them, tp_producer_close is put off until the callback has returned.
 *
 * The calls on frames take no lock, allocate nothing, make no system call and log nothing; a claim reads the vDSO clock once, or not at all when
 * the caller gives the time. Nothing here waits for a consumer (W-122): the oldest slot is overwritten without asking (W-120).
 *
 * Sequence numbers begin at 0 in every epoch (W-111). A lost lease (revoked, expired, driver gone) ends the epoch: claims and commits return
 * TP_LEASE_LOST until the library has attached again, claims that are out are void, and the next frame has seq 0 of a higher epoch.
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
/*
 * Whether frames are traced (tp_trace.h): each one committed without a trace id then gets a new one (T-028). Default: as the client
 * (tp_context_set_trace). tp_producer_init fails with TP_ESTATE when there is no node id to be had, TP_EINVAL when it does not fit.
 */
TP_EXPORT int tp_producer_context_set_trace(tp_producer_context_t *context, bool trace);
/* of tp_producer_init; default 5 s; 0 = return at once */
TP_EXPORT int tp_producer_context_set_attach_timeout_ns(tp_producer_context_t *context, int64_t timeout_ns);
typedef enum tp_answer_hello
{
    TP_ANSWER_HELLO_AUTO = 0,          /* unless a driver or supervisor does */
    TP_ANSWER_HELLO_NEVER = 1,
    TP_ANSWER_HELLO_ALWAYS = 2
}
tp_answer_hello_t;
/*
 * Whether this producer answers the ConsumerHellos of its stream (O-28), with private streams for consumers that ask for them; default AUTO. Whoever
 * answers, the producer publishes on the streams that were promised, or takes the promise back.
 */
TP_EXPORT int tp_producer_context_set_answer_hello(tp_producer_context_t *context, int policy);
/*
 * Aeron stream ids, first and last inclusive, for what this producer grants itself: the wished id where it is free and in the range, else the next
 * free one. Defaults 31000..31999 and 32000..32999; 0, 0 grants none. At most 64 private streams a producer; channels must be aeron:ipc.
 */
TP_EXPORT int tp_producer_context_set_private_descriptor_range(tp_producer_context_t *context, uint32_t first, uint32_t last);
TP_EXPORT int tp_producer_context_set_private_control_range(tp_producer_context_t *context, uint32_t first, uint32_t last);
/* Told to consumers that cannot use shared memory (W-153): aeron:udp?..., aeron:ipc or bridge://<id>; NULL or "": none (default). */
TP_EXPORT int tp_producer_context_set_payload_fallback_uri(tp_producer_context_t *context, const char *uri);
/* A consumer is forgotten, and its private streams are closed, after multiple (3..5, default 5) intervals (default 1 s) of silence (W-133). */
TP_EXPORT int tp_producer_context_set_consumer_staleness(tp_producer_context_t *context, uint32_t multiple, int64_t interval_ns);
/* Longest chunk of a metadata blob (tp_metadata.h), 1..65536 bytes, default 65536 (W-187); terms of less than 512 KiB make it shorter. */
TP_EXPORT int tp_producer_context_set_meta_blob_chunk_max(tp_producer_context_t *context, uint32_t bytes);
/* Called between payload and commit for memory that is not coherent (W-042). */
typedef void (*tp_payload_flush_t)(void *clientd, void *payload, size_t length);
/* Sets that call; NULL: nothing to flush (default). It runs on the committing thread. */
TP_EXPORT int tp_producer_context_set_payload_flush(tp_producer_context_t *context, tp_payload_flush_t flush, void *clientd);

/*
 * How often FrameProgress goes out at most: least time between two messages of a frame (default 250 us), least growth in bytes (65536) and in rows or
 * columns (0 = unset), and the most messages a second of the whole source (2000; bursts of 20; 1..1000000; one that goes to several streams counts
 * once). Consumers' hints only slow it down (W-178).
 */
TP_EXPORT int tp_producer_context_set_progress_limits(tp_producer_context_t *context, uint32_t interval_us, uint32_t bytes_delta,
    uint32_t major_delta_units, uint32_t max_rate_hz);

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

/*
 * Attaches, maps the regions, opens the descriptor stream, and waits for all of it up to the attach timeout. 0 and *producer set, or -1: the
 * driver's answer at once where waiting cannot help (TP_EPRODUCER, TP_ENOSTREAM, TP_ECLIENTID, TP_EDRAINING, TP_ELAYOUT, TP_EPAGES, TP_ENODEID,
 * TP_EREJECTED, TP_EUNSUPPORTED, TP_EINVALPARAMS), TP_EPATH (regions outside the allowed directories), TP_ECHANNEL; after the timeout TP_ENODRIVER
 * (nobody answered, D-055) or the last reason; TP_EFULL, TP_ESTATE (inside a callback). With timeout 0 refusals come as events.
 */
TP_EXPORT int tp_producer_init(tp_producer_t **producer, tp_client_t *client, const tp_producer_context_t *context);
/* tp_producer_init with defaults. */
TP_EXPORT int tp_producer_open(tp_producer_t **producer, tp_client_t *client, uint32_t stream_id);
typedef struct tp_async_add_producer tp_async_add_producer_t;
/*
 * tp_producer_init without waiting; 0, or -1 with TP_EINVAL, TP_ENOMEM, TP_EFULL. Any thread, callbacks too. In invoker mode it goes on in
 * tp_client_do_work. poll: 1 and *producer set, 0 pending, -1 failed as tp_producer_init does (within the attach timeout); the handle is gone after 1
 * and -1. Any thread, before the client is closed.
 */
TP_EXPORT int tp_async_add_producer(tp_async_add_producer_t **async, tp_client_t *client, const tp_producer_context_t *context);
TP_EXPORT int tp_async_add_producer_poll(tp_async_add_producer_t *async, tp_producer_t **producer);
/*
 * Claims that are out become void, parked descriptors are given up, the lease is handed back; frees. No other thread may be inside a call on the
 * producer. Waits for the conductor only. Accepts NULL.
 */
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
    uint64_t timestamp_ns;             /* capture time, CLOCK_MONOTONIC; may be overwritten before commit; TP_NULL_U64 = time of the commit */
    uint64_t opaque[6];                /* the library's */
    uint64_t reserved[2];
}
tp_buffer_claim_t;

/* What goes with a frame. NULL stands for TP_FRAME_METADATA_INIT. */
typedef struct tp_frame_metadata
{
    uint32_t size;
    uint32_t meta_version;             /* TP_NULL_U32 = the one in force (tp_metadata.h, W-181), none when there is none */
    uint64_t timestamp_ns;             /* capture time; TP_NULL_U64 = the claim's */
    uint64_t trace_id;                 /* TP_NULL_TRACE_ID = none: a new one when the producer traces */
    uint64_t reserved[3];
}
tp_frame_metadata_t;
#define TP_FRAME_METADATA_INIT { sizeof(tp_frame_metadata_t), TP_NULL_U32, TP_NULL_U64, TP_NULL_TRACE_ID, { 0, 0, 0 } }

/*
 * Claims the next frame for a payload of the template's extent, in the smallest pool that holds it (W-059). Its seq (>= 0), or TP_LEASE_LOST,
 * TP_NO_POOL_FITS (W-060), TP_TOO_MANY_CLAIMS (nslots - 1 or 256 claims are out, or the slot of the oldest one comes round, O-41), TP_CLOSED,
 * TP_INVALID_ARGUMENT. *claim is written on success only. Every claim ends in exactly one commit or abort; until then its payload stays mapped, also
 * when the lease is lost meanwhile (trap M9), and tensor must live.
 */
TP_EXPORT int64_t tp_producer_try_claim(tp_producer_t *producer, const tp_tensor_template_t *tensor, tp_buffer_claim_t *claim);
/*
 * The same with a payload length in bytes and a capture time of the caller's: no clock is read, so the lease deadline is judged at commit. The
 * length need not be the template's extent: consumers give out no element beyond it (O-15).
 */
TP_EXPORT int64_t tp_producer_try_claim_at(tp_producer_t *producer, const tp_tensor_template_t *tensor, size_t length, uint64_t timestamp_ns,
    tp_buffer_claim_t *claim);
/*
 * Makes the frame visible and announces it. Claims may be committed in any order; descriptors leave in seq order (O-41), so that of a frame waits
 * for all older claims. The seq (>= 0: sent, or parked behind an older claim or back pressure), TP_NOT_CONNECTED (committed, nobody listens),
 * TP_BACK_PRESSURED (committed; the window of min(nslots, 1024) frames was full and the oldest parked descriptor was given up and counted),
 * TP_CLOSED, TP_LEASE_LOST (not committed: the lease is lost or past its deadline, to 4 ms; the slot was not touched, trap M8),
 * TP_INVALID_CLAIM (ended already, or of another producer), TP_INVALID_ARGUMENT (claim.length grew; the claim stays out). metadata may be NULL.
 */
TP_EXPORT int64_t tp_producer_commit_claim(tp_producer_t *producer, tp_buffer_claim_t *claim, const tp_frame_metadata_t *metadata);
TP_EXPORT int64_t tp_producer_abort_claim(tp_producer_t *producer, tp_buffer_claim_t *claim);
/* ---- devices that write by themselves ---- */

/*
 * Fixed buffers: the slots of one pool. Buffer i is stride_bytes long and lies at base + i * stride_bytes; frame seq goes to seq & (count - 1).
 * The addresses stay valid until tp_producer_revoke_buffers or tp_producer_close, also when the lease is lost meanwhile (trap M9), so that a device
 * that still writes hurts nobody.
 */
typedef struct tp_announced_buffers
{
    uint32_t size;                     /* written by the library */
    uint32_t count;                    /* power of two */
    void *base;                        /* 64-byte aligned */
    size_t stride_bytes;
    uint64_t epoch;                    /* that they belong to */
    uint16_t pool_id;
    uint16_t reserved16;
    uint32_t reserved32;
    uint64_t opaque[2];                /* the library's */
    uint64_t reserved[4];
}
tp_announced_buffers_t;

/*
 * The buffers of the smallest pool that holds length bytes, to be registered with a device: their number, or TP_LEASE_LOST, TP_NO_POOL_FITS,
 * TP_TOO_MANY_CLAIMS (8 are announced), TP_INVALID_ARGUMENT. They belong to one epoch: when tp_producer_queue_claim says TP_LEASE_LOST, stop the
 * device, end the claims, revoke, and announce again. Does not announce anything to consumers.
 */
TP_EXPORT int64_t tp_producer_announce_buffers(tp_producer_t *producer, size_t length, tp_announced_buffers_t *buffers);
/* The device does not write any more. 0, TP_INVALID_CLAIM (revoked already), TP_INVALID_ARGUMENT. Claims that are out stay valid. */
TP_EXPORT int tp_producer_revoke_buffers(tp_producer_t *producer, tp_announced_buffers_t *buffers);
/*
 * Claims the next frame in an announced buffer, ahead of time: the buffer may be handed to the device at once. Any number up to that of
 * TP_TOO_MANY_CLAIMS may be out, and they may be committed or aborted in any order, as the device finishes them; descriptors leave in seq order. The
 * frame that lay in the slot is gone from now on. Its capture time is that of the commit, unless claim.timestamp_ns or the metadata gives one. No
 * clock is read. Its seq (>= 0), TP_LEASE_LOST (or buffers of an older epoch), TP_NO_POOL_FITS (the template does not fit the stride),
 * TP_TOO_MANY_CLAIMS, TP_CLOSED, TP_INVALID_CLAIM (buffers were revoked), TP_INVALID_ARGUMENT.
 */
TP_EXPORT int64_t tp_producer_queue_claim(tp_producer_t *producer, const tp_tensor_template_t *tensor, const tp_announced_buffers_t *buffers,
    tp_buffer_claim_t *claim);

/*
 * Tells consumers that asked for it how far a claimed frame is: the first filled_bytes of the payload are in place. The first call about a claim (0
 * will do) sends STARTED when somebody listens and the rate allows it, otherwise the frame has no progress at all; later ones send PROGRESS when
 * interval and growth are reached. COMPLETE goes out with the commit. A value that is kept back is looked at again by the next call about the claim
 * and by tp_producer_flush. Frames need not report anything (W-172).
 * Messages sent (0, 1 or 2), or TP_INVALID_ARGUMENT (the value shrank or exceeds claim.length, W-167, W-168; nothing was noted), TP_INVALID_CLAIM,
 * TP_LEASE_LOST (the claim is still to be ended). claim.length cannot be made smaller than the last value told. Reads the clock when somebody
 * listens; costs next to nothing when nobody does.
 */
TP_EXPORT int tp_producer_offer_progress(tp_producer_t *producer, const tp_buffer_claim_t *claim, uint64_t filled_bytes);
/*
 * The same in whole rows or columns, whichever the template declares: units times its progress stride. TP_INVALID_ARGUMENT also when it declares none
 * or has fewer.
 */
TP_EXPORT int tp_producer_offer_progress_units(tp_producer_t *producer, const tp_buffer_claim_t *claim, uint32_t units);
/* Claim, copy, commit. length must not exceed the largest stride. */
TP_EXPORT int64_t tp_producer_offer_frame(tp_producer_t *producer, const tp_tensor_template_t *tensor, const void *payload, size_t length,
    const tp_frame_metadata_t *metadata);
/*
 * Sends parked descriptors, if any, as every claim and commit does: for the end of a burst. Only the producer's thread may use the publication, so
 * nobody else does it. Number sent, or TP_LEASE_LOST, TP_INVALID_ARGUMENT.
 */
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
    uint64_t private_sent;             /* descriptors on private streams: sent, given up, left out for RATE_LIMITED consumers */
    uint64_t private_dropped;
    uint64_t private_thinned;
    uint64_t progress_sent;            /* FrameProgress; refused by the bus */
    uint64_t progress_refused;
    uint64_t tracelinks_sent;          /* TraceLinkSet: sent, refused by the bus (and forgotten), not about the frame last committed */
    uint64_t tracelinks_dropped;
    uint64_t tracelinks_refused;
    uint64_t reserved[1];
}
tp_producer_stats_t;
/* Any thread; fields may be of slightly different moments. frames = descriptors sent + parked (or waiting) + dropped + not_connected. */
TP_EXPORT int tp_producer_stats(const tp_producer_t *producer, tp_producer_stats_t *stats);
/* Consumers heard from (ConsumerHello or QosConsumer) within the staleness above (W-133). Any thread. */
TP_EXPORT uint32_t tp_producer_consumer_count(const tp_producer_t *producer);
TP_EXPORT bool tp_producer_is_attached(const tp_producer_t *producer);
TP_EXPORT uint64_t tp_producer_max_payload_bytes(const tp_producer_t *producer);   /* largest stride, 0 while not attached */

TP_END_DECLS

#endif
