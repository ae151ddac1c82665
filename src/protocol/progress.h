/*
 * FrameProgress (10-wire.md 13), both ends. Producer: what the live consumers asked for is merged into one policy, and a throttle decides what is
 * worth a message. Consumer: what was heard of the frame in each slot, so that nothing goes back. Pure: time is an argument, nothing is allocated,
 * hot. The throttle belongs to the producer's thread, the tracker to the consumer's conductor.
 */
#ifndef TPI_PROTOCOL_PROGRESS_H
#define TPI_PROTOCOL_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/codec_wire.h"

#define TPI_PROGRESS_INTERVAL_US 250u
#define TPI_PROGRESS_BYTES_DELTA 65536u
#define TPI_PROGRESS_MAX_RATE_HZ 2000u
#define TPI_PROGRESS_BURST 20          /* messages: depth of the token bucket */

/* ---- policy: conductor ---------------------------------------------------------------------------------------------------- */

typedef struct tpi_progress_limits
{
    uint32_t interval_us;              /* these three: default and least value in one */
    uint32_t bytes_delta;
    uint32_t major_delta;              /* 0 = unset */
    uint32_t max_rate_hz;              /* of all messages of the source; at least 1 */
}
tpi_progress_limits_t;

#define TPI_PROGRESS_LIMITS_INIT { TPI_PROGRESS_INTERVAL_US, TPI_PROGRESS_BYTES_DELTA, 0, TPI_PROGRESS_MAX_RATE_HZ }

/* The smallest of what was asked for; TP_NULL_U32 where nobody gave a hint. */
typedef struct tpi_progress_hints
{
    uint32_t consumers;
    uint32_t interval_us;
    uint32_t bytes_delta;
    uint32_t major_delta;
}
tpi_progress_hints_t;

#define TPI_PROGRESS_HINTS_INIT { 0, TP_NULL_U32, TP_NULL_U32, TP_NULL_U32 }

typedef struct tpi_progress_policy
{
    bool wanted;                       /* a live consumer listens */
    uint32_t interval_us;
    uint32_t bytes_delta;
    uint32_t major_delta;              /* 0 = unset */
}
tpi_progress_policy_t;

/* One live consumer with supportsProgress; TP_NULL_U32 = no hint, a major of 0 counts as none. */
void tpi_progress_hints_add(tpi_progress_hints_t *hints, uint32_t interval_us, uint32_t bytes_delta, uint32_t major_delta);
void tpi_progress_merge(tpi_progress_policy_t *policy, const tpi_progress_hints_t *hints, const tpi_progress_limits_t *limits);

/* ---- throttle: producer's thread ------------------------------------------------------------------------------------------ */

/* Token bucket of one data source. */
typedef struct tpi_progress_source
{
    int64_t cost_ns;                   /* of one message */
    int64_t credit_ns;
    int64_t refilled_ns;
}
tpi_progress_source_t;

void tpi_progress_source_init(tpi_progress_source_t *source, uint32_t max_rate_hz);

typedef enum tpi_progress_phase
{
    TPI_PROGRESS_IDLE = 0,             /* STARTED was not tried yet */
    TPI_PROGRESS_RUNNING,              /* STARTED was sent */
    TPI_PROGRESS_OVER                  /* COMPLETE was tried, or STARTED was not sent: nothing more */
}
tpi_progress_phase_t;

/* One frame. Zero it at the claim. */
typedef struct tpi_progress_frame
{
    tpi_progress_phase_t phase;
    uint32_t stride_bytes;             /* of a row or column; 0 = no unit declared */
    uint64_t filled;                   /* newest value told */
    uint64_t last_bytes;               /* these two: of the last message sent */
    int64_t last_ns;
}
tpi_progress_frame_t;

/* Notes a new value, whether or not somebody listens. false: it shrank or exceeds the payload; nothing is noted. */
bool tpi_progress_fill(tpi_progress_frame_t *frame, uint64_t filled, uint64_t payload_bytes);
/* Whether a message of that kind is to be sent now. A PROGRESS carries frame->filled. */
bool tpi_progress_may_start(tpi_progress_source_t *source, const tpi_progress_frame_t *frame, const tpi_progress_policy_t *policy, int64_t now_ns);
bool tpi_progress_is_due(tpi_progress_source_t *source, const tpi_progress_frame_t *frame, const tpi_progress_policy_t *policy, int64_t now_ns);
bool tpi_progress_may_complete(tpi_progress_source_t *source, const tpi_progress_frame_t *frame, const tpi_progress_policy_t *policy,
    int64_t now_ns);
/* What became of it. sent false: not tried, or refused by the bus. */
void tpi_progress_started(tpi_progress_source_t *source, tpi_progress_frame_t *frame, bool sent, int64_t now_ns);
void tpi_progress_progressed(tpi_progress_source_t *source, tpi_progress_frame_t *frame, bool sent, int64_t now_ns);
void tpi_progress_completed(tpi_progress_source_t *source, tpi_progress_frame_t *frame, bool sent);
/* A value is kept back, to be looked at again. */
static inline bool tpi_progress_is_held(const tpi_progress_frame_t *frame)
{
    return TPI_PROGRESS_RUNNING == frame->phase && frame->filled > frame->last_bytes;
}

/* ---- tracker: consumer's conductor ---------------------------------------------------------------------------------------- */

typedef struct tpi_progress_seen
{
    uint64_t seq;                      /* TP_NULL_U64: nothing yet */
    uint64_t filled;
    uint8_t state;
}
tpi_progress_seen_t;

typedef struct tpi_progress_tracker
{
    uint32_t nslots;                   /* power of two */
    tpi_progress_seen_t *seen;         /* nslots entries, the caller's */
}
tpi_progress_tracker_t;

typedef enum tpi_progress_verdict
{
    TPI_PROGRESS_ACCEPTED = 0,
    TPI_PROGRESS_BAD_STATE,            /* UNKNOWN or unlisted (O-48) */
    TPI_PROGRESS_BAD_SEQ,              /* 2^63 or above */
    TPI_PROGRESS_MOVED_ON,             /* of an older frame than the slot was last heard of */
    TPI_PROGRESS_SHRUNK,
    TPI_PROGRESS_AFTER_END,            /* its frame was complete already (O-62) */
    TPI_PROGRESS_STEP_BACK             /* STARTED after PROGRESS */
}
tpi_progress_verdict_t;

void tpi_progress_tracker_init(tpi_progress_tracker_t *tracker, tpi_progress_seen_t *seen, uint32_t nslots);
/* 13.2 rule 2. Changes nothing: a message that a later rule drops leaves no trace. */
tpi_progress_verdict_t tpi_progress_check(const tpi_progress_tracker_t *tracker, const tpc_frame_progress_t *message);
/* The message was accepted by every rule. */
void tpi_progress_take(tpi_progress_tracker_t *tracker, const tpc_frame_progress_t *message);

#endif
