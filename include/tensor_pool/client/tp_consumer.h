/*
 * Consumer: reads the frames of one stream in place. Attaches, maps, follows epochs and attaches again by itself.
 *
 * Threads. Polling, reading and judging views belong to one thread at a time, the consumer's. Any thread may call init, and close when no other
 * call on the consumer is under way. Frame callbacks fire from the poll call, all others from the conductor (the agent thread, or
 * tp_client_do_work); the latter must not wait.
 *
 * Polling and reading take no lock, allocate nothing, log nothing and make no system call, but for the idle strategy of tp_consumer_next and, in
 * invoker mode, what the conductor does meanwhile. A slow consumer holds nobody up: it loses frames, each counted under one reason.
 *
 * A mapping ends with its epoch (W-112), with the lease or the driver, or when its regions change or fall silent; its views are void from that
 * moment on (W-114). The library maps again by itself; descriptors that come meanwhile are dropped (W-115, W-116).
 */
#ifndef TENSOR_POOL_CLIENT_TP_CONSUMER_H
#define TENSOR_POOL_CLIENT_TP_CONSUMER_H

#include <tensor_pool/client/tp_client.h>
#include <tensor_pool/client/tp_tensor.h>

TP_BEGIN_DECLS

typedef struct tp_consumer tp_consumer_t;
typedef struct tp_consumer_context tp_consumer_context_t;

typedef enum tp_frame_flags
{
    TP_FRAME_NO_DESCRIPTOR = 1         /* read from the ring: trace id and publish time are in the descriptor and not known (unknown, not absent) */
}
tp_frame_flags_t;

/*
 * A frame as it lies in shared memory. payload bytes may change at any time: treat them as arbitrary, bound every index taken from them, and ask
 * tp_frame_view_is_valid() when finished. A view from tp_consumer_next lives until the next call on that consumer; one given to a handler until the
 * handler returns.
 */
typedef struct tp_frame_view
{
    uint32_t size;                     /* written by the library */
    uint32_t stream_id;
    uint64_t epoch;
    uint64_t seq;
    const void *payload;               /* never NULL; not to be read when payload_bytes is 0 (W-036) */
    size_t payload_bytes;
    const tp_tensor_t *tensor;
    uint64_t timestamp_ns;             /* capture time */
    uint64_t publish_timestamp_ns;     /* of the descriptor; TP_NULL_U64 when absent */
    uint64_t trace_id;                 /* TP_NULL_TRACE_ID when not traced; meaningless with TP_FRAME_NO_DESCRIPTOR */
    uint32_t meta_version;             /* TP_NULL_U32 when none */
    uint16_t pool_id;
    uint16_t flags;                    /* tp_frame_flags_t */
    const void *opaque[3];             /* the library's */
    uint64_t opaque_words[2];
    uint64_t reserved[2];
}
tp_frame_view_t;

/* Why frames did not arrive. Each lost frame is counted once, under one reason. */
typedef enum tp_drop_reason
{
    TP_DROP_GAP = 0,                   /* never announced to us: jump in seq (dropsGap) */
    TP_DROP_SKIPPED,                   /* announced, skipped by resync or "newest only" (dropsGap) */
    TP_DROP_OVERWRITTEN,               /* slot held another frame when we came (dropsLate) */
    TP_DROP_UNCOMMITTED,               /* slot was being written (dropsLate) */
    TP_DROP_TORN,                      /* slot changed while its header or payload was read; never delivered as valid (dropsLate) */
    TP_DROP_BAD_HEADER,                /* slot failed validation (dropsLate) */
    TP_DROP_NOT_MAPPED,                /* no regions mapped when the descriptor came */
    TP_DROP_EPOCH,                     /* descriptor of another epoch of this stream */
    TP_DROP_BAD_DESCRIPTOR,            /* seq >= 2^63, malformed */
    TP_DROP_REGRESSION,                /* seq went back within an epoch */
    TP_DROP_RATE,                      /* thinned out locally in RATE_LIMITED mode */
    TP_DROP_REASONS                    /* number of reasons */
}
tp_drop_reason_t;
/* "gap", "overwritten", ...: the keys of JSON output. Static storage. */
TP_EXPORT const char *tp_drop_reason_name(int reason);

/* Settings of one consumer, to be changed by one thread; tp_consumer_init copies them. _init: TP_ENOMEM. _close accepts NULL. */
TP_EXPORT int tp_consumer_context_init(tp_consumer_context_t **context);
TP_EXPORT void tp_consumer_context_close(tp_consumer_context_t *context);

/*
 * Each sets one value, or returns -1 with TP_EINVAL and changes nothing. stream_id is the stream to read and has no default; policy is one of
 * tp_hugepages_policy_t; timeouts are in nanoseconds.
 */
TP_EXPORT int tp_consumer_context_set_stream_id(tp_consumer_context_t *context, uint32_t stream_id);
TP_EXPORT int tp_consumer_context_set_client_id(tp_consumer_context_t *context, uint32_t client_id);         /* also consumerId; 0 = random */
TP_EXPORT int tp_consumer_context_set_publish_mode(tp_consumer_context_t *context, int publish_mode);
TP_EXPORT int tp_consumer_context_set_hugepages(tp_consumer_context_t *context, int policy);
TP_EXPORT int tp_consumer_context_set_attach_timeout_ns(tp_consumer_context_t *context, int64_t timeout_ns);
TP_EXPORT int tp_consumer_context_set_mode(tp_consumer_context_t *context, int mode, uint32_t max_rate_hz);
TP_EXPORT int tp_consumer_context_set_max_outstanding_seq_gap(tp_consumer_context_t *context, uint32_t frames);   /* default 256, 0 = off */
/* Private streams asked for in ConsumerHello; channel and id go together (W-144, W-147). */
TP_EXPORT int tp_consumer_context_set_descriptor_request(tp_consumer_context_t *context, const char *channel, int32_t stream_id);
TP_EXPORT int tp_consumer_context_set_control_request(tp_consumer_context_t *context, const char *channel, int32_t stream_id);
/*
 * true: tp_consumer_next passes over everything but the newest frame announced by then, for displays and controllers that are slower than the
 * producer and want no backlog. What is passed over counts as TP_DROP_SKIPPED. Default false.
 */
TP_EXPORT int tp_consumer_context_set_newest_only(tp_consumer_context_t *context, bool newest_only);
/*
 * The ring is the truth, descriptors are hints (95-local-extensions.md 7.1). true, the default: a frame that was committed but not announced to us
 * (the bus refused its descriptor because somebody stands still, or it was lost) is read from the ring when a later one is announced, or when its
 * descriptor is overdue for 0.5 ms; from then on each poll looks into the ring, until descriptors have caught up. Such frames carry
 * TP_FRAME_NO_DESCRIPTOR and count as recovered. A descriptor that comes after its frame counts as duplicate and late_descriptors, no more. Frames
 * left out on purpose (newest only, resync, a private stream in RATE_LIMITED mode) stay left out. false: what is not announced is a gap.
 */
TP_EXPORT int tp_consumer_context_set_ring_recovery(tp_consumer_context_t *context, bool recover);
/*
 * true: an observer that follows the ring alone (95-local-extensions.md 7.1), for viewers, recorders and debuggers. It takes no lease, says no hello,
 * subscribes to no descriptors and writes nothing: neither driver nor producer know of it. It maps read-only from announces, which nobody else does
 * (D-004, W-127). Frames come in order from the newest one on, each with TP_FRAME_NO_DESCRIPTOR; what was overwritten before it came counts as
 * TP_DROP_OVERWRITTEN, what its producer gave up as TP_DROP_GAP. Files that are removed end a mapping as a new epoch does. There need be no producer,
 * and no driver. publish mode, hugepages, client id, mode and requests for private streams mean nothing then; a rate is kept locally. Default false.
 */
TP_EXPORT int tp_consumer_context_set_follow_ring(tp_consumer_context_t *context, bool follow);
/* false: maps nothing and says so in ConsumerHello; TP_CONSUMER_FALLBACK tells where the payload is to be had instead. Default true. */
TP_EXPORT int tp_consumer_context_set_supports_shm(tp_consumer_context_t *context, bool supports);
/* ConsumerHello is repeated at that interval (W-128); 20 ms to an hour, default 1 s. Producers count 3 to 5 of them as silence. */
TP_EXPORT int tp_consumer_context_set_hello_interval_ns(tp_consumer_context_t *context, int64_t interval_ns);
/*
 * What goes with the wish for FrameProgress (tp_consumer_set_progress_handler): least time between two messages, least growth in bytes, least growth
 * in rows or columns. TP_NULL_U32 = no hint (default), the producer's own values count; the producer takes the smallest of all its consumers' hints
 * and never goes below its own minima (W-178).
 */
TP_EXPORT int tp_consumer_context_set_progress_hints(tp_consumer_context_t *context, uint32_t interval_us, uint32_t bytes_delta,
    uint32_t major_delta_units);
/*
 * Opt-in (default false): capture-to-delivery latencies, known to three significant figures (HdrHistogram). Costs one vDSO clock read and two atomic
 * additions a frame, and 0.8 MB.
 */
TP_EXPORT int tp_consumer_context_set_latency(tp_consumer_context_t *context, bool record);
/* No driver: map from announces alone. */
TP_EXPORT int tp_consumer_context_set_driverless(tp_consumer_context_t *context, bool driverless);

typedef enum tp_consumer_event
{
    TP_CONSUMER_MAPPED = 1,
    TP_CONSUMER_UNMAPPED = 2,
    TP_CONSUMER_EPOCH_CHANGED = 3,
    TP_CONSUMER_FALLBACK = 4,          /* ConsumerConfig forbids shared memory (W-155), or the URI changed; text: its fallback URI, "" = none */
    TP_CONSUMER_LOST = 5,              /* lease lost or driver gone; the library attaches again */
    TP_CONSUMER_REATTACHED = 6,
    TP_CONSUMER_REFUSED = 7            /* attach refused, or the regions cannot be used; tried again with backoff */
}
tp_consumer_event_t;
/* epoch of the mapping concerned or 0; code and text as tp_errcode/tp_errmsg; for UNMAPPED TP_OK and the reason. */
typedef void (*tp_consumer_event_handler_t)(void *clientd, tp_consumer_event_t event, uint64_t epoch, int code, const char *text);
/* Tells of mappings, epochs and leases, from the conductor. NULL: nobody is told. */
TP_EXPORT int tp_consumer_context_set_event_handler(tp_consumer_context_t *context, tp_consumer_event_handler_t handler, void *clientd);

/*
 * Attaches, maps the regions, subscribes to the descriptors, and waits for all of it up to the attach timeout (default 5 s; 0 = return at once, go
 * on in the background and tell refusals as events). Errors as tp_producer_init. There need be no producer yet.
 */
TP_EXPORT int tp_consumer_init(tp_consumer_t **consumer, tp_client_t *client, const tp_consumer_context_t *context);
TP_EXPORT int tp_consumer_open(tp_consumer_t **consumer, tp_client_t *client, uint32_t stream_id);
typedef struct tp_async_add_consumer tp_async_add_consumer_t;
/*
 * tp_consumer_init without waiting; 0, or -1 with TP_EINVAL, TP_ENOMEM, TP_EFULL. Any thread, callbacks too. In invoker mode it goes on in
 * tp_client_do_work. poll: 1 and *consumer set, 0 pending, -1 failed as tp_consumer_init does (within the attach timeout); the handle is gone after 1
 * and -1. Any thread, before the client is closed.
 */
TP_EXPORT int tp_async_add_consumer(tp_async_add_consumer_t **async, tp_client_t *client, const tp_consumer_context_t *context);
TP_EXPORT int tp_async_add_consumer_poll(tp_async_add_consumer_t *async, tp_consumer_t **consumer);
/*
 * Views become void, the lease is handed back; frees. No other thread may be inside a call on the consumer. Waits for the conductor only. From a
 * handler of its own it is put off until that handler returns. Accepts NULL.
 */
TP_EXPORT void tp_consumer_close(tp_consumer_t *consumer);

/*
 * Another mode and rate from now on: a hello that goes out at once asks for it, and on a shared stream frames are thinned out to it (W-191).
 * 0, or -1 with TP_EINVAL. Any thread.
 */
TP_EXPORT int tp_consumer_set_mode(tp_consumer_t *consumer, int mode, uint32_t max_rate_hz);

/* ---- reading ---- */

/*
 * Waits up to timeout_ns (0 = not at all, INT64_MAX = for ever) for the next frame: 1 and *view set, 0 timeout, or TP_CLOSED (the client is being
 * closed; in invoker mode also: a handler has closed this consumer meanwhile, it is gone), TP_INVALID_ARGUMENT (also inside a handler of this
 * consumer). Waits as the idle strategy says; by default it spins, yields, then sleeps until the producer wakes it (L-201), which costs the producer
 * nothing while nobody sleeps. It looks again every 200 ms by itself (L-205). Where nobody wakes (a foreign driver or producer, no producer, a
 * stream's first moments), it parks 10 to 200 us at a time, 1 ms after 50 ms without a frame. The strategies busy, yield and noop never sleep.
 * Invoker mode: turns the conductor while it waits, every 20 ms at least, and now and then while frames keep coming (trap P6). A view is handed out
 * only after its header has passed every check and the commit word was seen unchanged (W-050).
 */
TP_EXPORT int tp_consumer_next(tp_consumer_t *consumer, tp_frame_view_t *view, int64_t timeout_ns);

/*
 * A descriptor that poll, select and epoll find readable when tp_consumer_next with timeout 0, or tp_consumer_poll_descriptors, is worth a call
 * (L-210). Made by the first call, the same from then on; the consumer's: it is closed with it and not to be read, written or closed. -1 with
 * TP_ENOMEM. It tells of one arming at a time:
 *     for (;;) {
 *         while (1 == tp_consumer_next(in, &view, 0)) { use(&view); }
 *         if (0 == tp_consumer_wait_arm(in)) { poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, timeout_ms); }
 *     }
 * tp_consumer_wait_arm makes it unreadable and looks once more: 0 it will become readable, 1 something may be there already, TP_CLOSED,
 * TP_INVALID_ARGUMENT (no descriptor was asked for, or inside a handler of this consumer). It may become readable without a frame, and does after
 * 200 ms at the latest, every 2 ms where nobody wakes. A thread of its own sleeps for the application, so that the producer pays for a wake no more
 * than otherwise, and nothing while it is not armed: each wake takes one switch of threads more than in tp_consumer_next. Invoker mode: the
 * application turns the conductor, every 20 ms or so. Both belong to the consumer's thread.
 */
TP_EXPORT int tp_consumer_wait_fd(tp_consumer_t *consumer);
TP_EXPORT int tp_consumer_wait_arm(tp_consumer_t *consumer);

typedef void (*tp_frame_handler_t)(void *clientd, const tp_frame_view_t *view);
/* Sets who gets the frames of tp_consumer_poll_descriptors, on the polling thread; NULL: they are counted only. */
TP_EXPORT int tp_consumer_set_frame_handler(tp_consumer_t *consumer, tp_frame_handler_t handler, void *clientd);
/* Polls at most limit descriptors and hands each acceptable frame to the handler. Frames delivered, or a named negative. */
TP_EXPORT int tp_consumer_poll_descriptors(tp_consumer_t *consumer, int limit);

typedef struct tp_frame_descriptor
{
    uint32_t size;
    uint32_t stream_id;
    uint64_t epoch;
    uint64_t seq;
    uint64_t publish_timestamp_ns;
    uint64_t trace_id;
    uint32_t meta_version;
    uint32_t flags;                    /* tp_frame_flags_t: with TP_FRAME_NO_DESCRIPTOR the frame was found in the ring, and only its seq is known */
    uint64_t reserved[2];
}
tp_frame_descriptor_t;
typedef void (*tp_descriptor_handler_t)(void *clientd, const tp_frame_descriptor_t *descriptor);
/*
 * With a descriptor handler poll_descriptors hands out descriptors of the mapped epoch instead, sequence accounting done; read the slot with
 * tp_consumer_read_frame. Frames that are not read are in no statistic. Takes 64 KiB. TP_EINVAL, TP_ENOMEM.
 */
TP_EXPORT int tp_consumer_set_descriptor_handler(tp_consumer_t *consumer, tp_descriptor_handler_t handler, void *clientd);
/*
 * Reads the slot of seq in the mapped epoch: 1 and *view set, 0 when the frame is not there, not committed or not valid, TP_NOT_MAPPED,
 * TP_INVALID_ARGUMENT (seq >= 2^63, W-253). Counted, as received or under its reason, is the first read of a frame whose descriptor was handed out
 * (of the newest 8192); any other read looks only and changes no statistic. Inside a handler the view lives until the handler returns, its tensor
 * until the next read.
 */
TP_EXPORT int tp_consumer_read_frame(tp_consumer_t *consumer, uint64_t seq, tp_frame_view_t *view);

/*
 * Whether every byte read from the view so far belongs to its frame (10-wire.md 8.4 C6 to C8, trap M4): the mapping is in force and the commit word
 * unchanged. Call it after use, on the consumer's thread, while the view lives. false counts the frame as torn, once, and no longer as received.
 */
TP_EXPORT bool tp_frame_view_is_valid(const tp_frame_view_t *view);
/*
 * Copies the payload and checks afterwards: bytes copied, TP_OVERWRITTEN, TP_INVALID_ARGUMENT (capacity too small). Nothing in target counts on
 * failure.
 */
TP_EXPORT int64_t tp_consumer_copy_frame(const tp_frame_view_t *view, void *target, size_t capacity);

/* ---- frames that are being filled ---- */

typedef enum tp_frame_progress_state
{
    TP_FRAME_STARTED = 1,              /* acquisition into the slot has begun */
    TP_FRAME_PROGRESS = 2,
    TP_FRAME_COMPLETE = 3              /* may be missing: the frame itself ends it as well (W-161) */
}
tp_frame_progress_state_t;

/*
 * How far a frame is. Until its slot is committed that is a number and no more (O-12): payload and tensor are NULL, prefix_bytes is 0. When the slot
 * was found committed with this seq, and everything in it valid, the first prefix_bytes of payload may be read (W-164): whole rows or columns where
 * the tensor declares a unit, else all that is filled where its strides are inferred, else nothing (W-173, W-174). As with views the bytes may
 * change at any time: ask tp_frame_progress_is_valid when finished. All of it lives until the handler returns.
 */
typedef struct tp_frame_progress
{
    uint32_t size;
    uint32_t stream_id;
    uint64_t epoch;
    uint64_t seq;
    uint64_t filled_bytes;             /* bytes from the start of the payload that are in place */
    uint32_t state;                    /* tp_frame_progress_state_t */
    uint32_t prefix_units;             /* whole rows or columns in the prefix; 0 without a unit */
    size_t prefix_bytes;
    const void *payload;
    const tp_tensor_t *tensor;
    const void *opaque[3];             /* the library's */
    uint64_t opaque_word;
    uint64_t reserved[4];
}
tp_frame_progress_t;

typedef void (*tp_progress_handler_t)(void *clientd, const tp_frame_progress_t *progress);
/*
 * Opts in to FrameProgress and says who gets it; NULL opts out (default; W-162). The handler runs on the conductor (the agent thread, or
 * tp_client_do_work) and must not wait. A frame is never announced that way (W-171): it comes as every other one does. What arrives late, goes back,
 * contradicts the committed slot or is of another epoch is dropped and counted. Waits for the conductor: 0, or -1 with TP_EINVAL, TP_ENOMEM,
 * TP_EFULL, TP_ETIMEDOUT, TP_ESTATE (inside a callback). After the return of a call with NULL the old handler is not called any more.
 */
TP_EXPORT int tp_consumer_set_progress_handler(tp_consumer_t *consumer, tp_progress_handler_t handler, void *clientd);
/* Inside the handler: whether every byte read from payload so far belongs to that frame. false when there is no payload. */
TP_EXPORT bool tp_frame_progress_is_valid(const tp_frame_progress_t *progress);

/*
 * The ledger. From the frame first_seq of the mapped epoch on:
 *   received + gap + skipped + overwritten + uncommitted + torn + bad_header + rate = last_seq - first_seq + 1
 * received and drops are cumulative over all epochs: take differences. not_mapped, epoch, bad_descriptor and regression are about messages that
 * belong to no frame of the mapped epoch. The ledger goes on over a change between shared and private descriptor stream (O-20), and when the same
 * epoch is mapped again after the lease was lost: what came meanwhile is a gap, also where its descriptor was counted as not_mapped.
 */
typedef struct tp_consumer_stats
{
    uint32_t size;
    uint32_t mapped;                   /* 1 while regions are mapped */
    uint32_t stream_id;
    uint32_t client_id;
    uint64_t epoch;
    uint64_t last_seq;                 /* highest seq seen in this epoch */
    uint64_t first_seq;                /* first seq seen in this epoch: where we joined */
    uint64_t received;                 /* frames delivered, all epochs, minus those found torn afterwards */
    uint64_t bytes;
    uint64_t drops[32];                /* by tp_drop_reason_t; cumulative for the life of the consumer (O-33) */
    uint64_t duplicates;
    uint64_t foreign;                  /* messages of other streams on the same channel */
    uint64_t malformed;                /* messages no decoder accepts */
    uint64_t remaps;
    uint64_t reattaches;
    uint32_t mode;                     /* tp_mode_t in force: asked for, or told by ConsumerConfig */
    uint32_t descriptor_stream_id;     /* of the private stream we read descriptors from; 0 = the shared one */
    uint32_t control_stream_id;        /* of the private control stream assigned to us; 0 = none */
    uint32_t reserved32;
    uint64_t recovered;                /* of received: found in the ring without a descriptor */
    uint64_t latency_count;            /* the following are 0 unless latency is recorded */
    uint64_t latency_p50_ns;
    uint64_t latency_p99_ns;
    uint64_t latency_max_ns;
    uint64_t progress_received;        /* FrameProgress handed out; dropped by a check */
    uint64_t progress_dropped;
    uint64_t late_descriptors;         /* of duplicates: came after their frames were read from the ring */
    uint64_t reserved[3];
}
tp_consumer_stats_t;
TP_EXPORT int tp_consumer_stats(const tp_consumer_t *consumer, tp_consumer_stats_t *stats);   /* any thread */
/* Whether regions are mapped at this moment. Any thread. */
TP_EXPORT bool tp_consumer_is_mapped(const tp_consumer_t *consumer);

TP_END_DECLS

#endif
