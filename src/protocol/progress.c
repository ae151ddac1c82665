/* Owns nothing; every state is the caller's. */
#include "protocol/progress.h"

#define NS_PER_US INT64_C(1000)
#define NS_PER_S INT64_C(1000000000)
#define PATIENCE 4                     /* intervals after which a value below the thresholds goes out */

/* ---- policy ------------------------------------------------------------------------------------------------------------- */

static uint32_t least(uint32_t a, uint32_t b) { return a < b ? a : b; }        /* TP_NULL_U32 is the largest: W-065 S-016 */
static uint32_t raised(uint32_t hint, uint32_t limit) { return TP_NULL_U32 == hint || hint < limit ? limit : hint; }

void tpi_progress_hints_add(tpi_progress_hints_t *hints, uint32_t interval_us, uint32_t bytes_delta, uint32_t major_delta)
{
    hints->consumers++;
    hints->interval_us = least(hints->interval_us, interval_us);               /* W-178 */
    hints->bytes_delta = least(hints->bytes_delta, bytes_delta);
    if (0 != major_delta) { hints->major_delta = least(hints->major_delta, major_delta); }
}

void tpi_progress_merge(tpi_progress_policy_t *policy, const tpi_progress_hints_t *hints, const tpi_progress_limits_t *limits)
{
    policy->wanted = 0 != hints->consumers;                                    /* W-177 */
    policy->interval_us = raised(hints->interval_us, limits->interval_us);     /* W-156 W-178 */
    policy->bytes_delta = raised(hints->bytes_delta, limits->bytes_delta);
    policy->major_delta = TP_NULL_U32 == hints->major_delta ? 0 : raised(hints->major_delta, limits->major_delta);
}

/* ---- throttle ----------------------------------------------------------------------------------------------------------- */

void tpi_progress_source_init(tpi_progress_source_t *source, uint32_t max_rate_hz)
{
    source->cost_ns = NS_PER_S / (0 == max_rate_hz ? 1 : max_rate_hz);
    source->credit_ns = TPI_PROGRESS_BURST * source->cost_ns;
    source->refilled_ns = 0;
}

static bool has_token(tpi_progress_source_t *source, int64_t now_ns)
{
    const int64_t full_ns = TPI_PROGRESS_BURST * source->cost_ns;
    const int64_t elapsed_ns = now_ns - source->refilled_ns;
    if (elapsed_ns > 0)
    {
        source->credit_ns = elapsed_ns >= full_ns - source->credit_ns ? full_ns : source->credit_ns + elapsed_ns;
        source->refilled_ns = now_ns;
    }
    return source->credit_ns >= source->cost_ns;                               /* W-176 */
}

static void pay(tpi_progress_source_t *source) { source->credit_ns -= source->cost_ns; }

bool tpi_progress_fill(tpi_progress_frame_t *frame, uint64_t filled, uint64_t payload_bytes)
{
    if (filled < frame->filled) { return false; }                              /* W-168 */
    if (filled > payload_bytes) { return false; }                              /* W-167 */
    frame->filled = filled;
    return true;
}

bool tpi_progress_may_start(tpi_progress_source_t *source, const tpi_progress_frame_t *frame, const tpi_progress_policy_t *policy, int64_t now_ns)
{
    if (TPI_PROGRESS_IDLE != frame->phase) { return false; }                   /* W-160 W-175: once */
    return policy->wanted && has_token(source, now_ns);                        /* W-177, rule 5 */
}

/* Rule 3. In 64 bits: both factors have 32. */
static bool has_grown(const tpi_progress_frame_t *frame, const tpi_progress_policy_t *policy)
{
    const uint64_t growth = frame->filled - frame->last_bytes;
    if (growth >= policy->bytes_delta) { return true; }
    return 0 != policy->major_delta && 0 != frame->stride_bytes && growth >= (uint64_t)policy->major_delta * frame->stride_bytes;   /* trap P7 */
}

bool tpi_progress_is_due(tpi_progress_source_t *source, const tpi_progress_frame_t *frame, const tpi_progress_policy_t *policy, int64_t now_ns)
{
    const int64_t interval_ns = (int64_t)policy->interval_us * NS_PER_US;
    const int64_t elapsed_ns = now_ns - frame->last_ns;
    if (TPI_PROGRESS_RUNNING != frame->phase || !policy->wanted) { return false; }         /* W-160 W-177 */
    if (frame->filled <= frame->last_bytes) { return false; }                  /* rule 1 */
    if (elapsed_ns < interval_ns) { return false; }                            /* rule 2, W-175 */
    if (!has_grown(frame, policy) && elapsed_ns < PATIENCE * interval_ns) { return false; }        /* rules 3 and 4, W-175 */
    return has_token(source, now_ns);                                          /* rule 2, W-176 */
}

bool tpi_progress_may_complete(tpi_progress_source_t *source, const tpi_progress_frame_t *frame, const tpi_progress_policy_t *policy, int64_t now_ns)
{
    return TPI_PROGRESS_RUNNING == frame->phase && policy->wanted && has_token(source, now_ns);    /* W-160 W-177, rule 5 */
}

void tpi_progress_started(tpi_progress_source_t *source, tpi_progress_frame_t *frame, bool sent, int64_t now_ns)
{
    frame->phase = sent ? TPI_PROGRESS_RUNNING : TPI_PROGRESS_OVER;            /* without STARTED nothing */
    frame->last_bytes = 0;
    frame->last_ns = now_ns;
    if (sent) { pay(source); }
}

void tpi_progress_progressed(tpi_progress_source_t *source, tpi_progress_frame_t *frame, bool sent, int64_t now_ns)
{
    if (!sent) { return; }
    frame->last_bytes = frame->filled;
    frame->last_ns = now_ns;
    pay(source);
}

void tpi_progress_completed(tpi_progress_source_t *source, tpi_progress_frame_t *frame, bool sent)
{
    frame->phase = TPI_PROGRESS_OVER;                                          /* W-161: otherwise the descriptor has ended it */
    if (sent) { pay(source); }
}

/* ---- tracker ------------------------------------------------------------------------------------------------------------ */

void tpi_progress_tracker_init(tpi_progress_tracker_t *tracker, tpi_progress_seen_t *seen, uint32_t nslots)
{
    tracker->nslots = nslots;
    tracker->seen = seen;
    for (uint32_t i = 0; i < nslots; i++) { seen[i] = (tpi_progress_seen_t){ .seq = TP_NULL_U64 }; }
}

static tpi_progress_seen_t *seen_of(const tpi_progress_tracker_t *tracker, uint64_t seq)
{
    return &tracker->seen[seq & (tracker->nslots - 1u)];                       /* W-163 */
}

tpi_progress_verdict_t tpi_progress_check(const tpi_progress_tracker_t *tracker, const tpc_frame_progress_t *message)
{
    if (message->state < TPC_PROGRESS_STARTED || message->state > TPC_PROGRESS_COMPLETE) { return TPI_PROGRESS_BAD_STATE; }        /* W-070 */
    if (0 != message->seq >> 63) { return TPI_PROGRESS_BAD_SEQ; }
    const tpi_progress_seen_t *const seen = seen_of(tracker, message->seq);
    if (TP_NULL_U64 == seen->seq || message->seq > seen->seq) { return TPI_PROGRESS_ACCEPTED; }
    if (message->seq < seen->seq) { return TPI_PROGRESS_MOVED_ON; }
    if (TPC_PROGRESS_COMPLETE == seen->state) { return TPI_PROGRESS_AFTER_END; }
    if (message->payload_bytes_filled < seen->filled) { return TPI_PROGRESS_SHRUNK; }              /* W-169 */
    return message->state < seen->state ? TPI_PROGRESS_STEP_BACK : TPI_PROGRESS_ACCEPTED;
}

void tpi_progress_take(tpi_progress_tracker_t *tracker, const tpc_frame_progress_t *message)
{
    *seen_of(tracker, message->seq) = (tpi_progress_seen_t){ .seq = message->seq, .filled = message->payload_bytes_filled, .state = message->state };
}
