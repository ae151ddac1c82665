/*
 * Poll, read, check: the way of a frame in. Consumer's thread only. No lock, no allocation, no log, no system call but the idle strategy of
 * tp_consumer_next (and whatever the conductor does when the same thread turns it).
 *
 * Descriptors are polled in batches and served one by one. Everything is judged from a private copy of the slot (trap M5). Each lost frame is counted
 * once: over one epoch, received + gap + skipped + overwritten + uncommitted + torn + bad_header + rate = last_seq - first_seq + 1.
 */
#include "client/consumer_hot.h"

#include <string.h>

#include "client/consumer_plain.h"
#include "client/consumer_ring.h"
#include "client/consumer_stage.h"
#include "client/consumer_wait.h"
#include "client/join_state.h"
#include "codec/codec_wire.h"
#include "common/alloc.h"
#include "common/clock.h"
#include "common/err.h"

#define BATCHES_MAX 64u                        /* polled in one go; a flood of foreign messages must not hold a call for ever */
#define FOUND_BIT (UINT64_C(1) << 63)          /* of an entry of handed_out: no descriptor announced that frame */
#define INVOKER_TURN_MASK 63u                  /* a stream that never pauses must not starve the conductor */

/* ---- hand-overs --------------------------------------------------------------------------------------------------------- */

static void restart(tp_consumer_t *c)
{
    if (NULL != c->handed_out) { memset(c->handed_out, 0, TPI_HANDED_OUT * sizeof(c->handed_out[0])); }
    tpi_consumer_ring_restart(c);
    tpi_follow_restart(&c->follow);
    c->first_seq = 0;
    tpi_stat_set(&c->stat_first_seq, 0);
    tpi_stat_set(&c->last_seq, 0);
    c->ledger_epoch = 0;
}

/*
 * A mapping that comes back (a lease was lost, the driver was away) goes on with the ledger of its epoch: what it missed meanwhile is a gap. After a
 * regression nothing of it counts.
 */
static void take_map(tp_consumer_t *c)
{
    if (tpi_stat_get(&c->epoch) != c->ledger_epoch && 0 != tpi_stat_get(&c->epoch)) { restart(c); }     /* before the mapping counts as taken */
    c->map = tpi_handoff_take(&c->maps);                   /* D-135 W-112 W-114 */
    c->suspended = false;
    c->plain.use = TPI_PLAIN_NOT;
    c->plain.map = NULL;                                   /* what it was may be gone, and another one in its place */
    if (NULL == c->map) { return; }
    if (c->map->epoch != c->ledger_epoch) { restart(c); }
    c->ledger_epoch = c->map->epoch;
    tpi_follow_switch(&c->follow);                         /* what lies in the bus may be older than what was seen */
}

/* Only between calls of the application: views of the call before end here. */
static void refresh(tp_consumer_t *c)
{
    if (!tpi_handoff_is_current(&c->maps, c->map))
    {
        take_map(c);
        tpi_stage_forget_newest(c);
    }
}

/* Tells the conductor that this mapping must go, and stops using it at once. */
static void suspend(tp_consumer_t *c, tpi_unmap_reason_t reason)
{
    c->suspended = true;
    c->plain.use = TPI_PLAIN_NOT;
    if (TPI_UNMAP_REGRESSION == reason) { c->ledger_epoch = 0; }
    tpi_stat_set(&c->unmap_reason, (uint64_t)reason);
    atomic_store_explicit(&c->unmap_epoch, c->map->epoch, memory_order_release);
    tpi_client_nudge(c->client);
}

/* ---- descriptors -------------------------------------------------------------------------------------------------------- */

/* Row 1 of 11.1 and 11.2. true: the slot is to be looked at. */
static bool account(tp_consumer_t *c, const tpc_frame_descriptor_t *d)
{
    if (!is_usable(c)) { drop(c, TPI_DROP_NOT_MAPPED, 1); return false; }                  /* W-115 W-116 */
    if (d->epoch != c->map->epoch)                                                         /* W-095 P1 */
    {
        const bool newer = d->epoch > c->map->epoch && TP_NULL_U64 != d->epoch;
        drop(c, newer ? TPI_DROP_FOREIGN_EPOCH : TPI_DROP_OLDER_EPOCH, 1);
        if (newer)
        {
            tpi_stat_set(&c->seen_epoch, d->epoch);
            suspend(c, TPI_UNMAP_NEWER_EPOCH);                                             /* O-19 */
        }
        return false;
    }
    const bool is_first = !c->follow.has_last;
    const uint64_t newest = tpi_stage_newest(c);
    const tpi_follow_step_t step = tpi_follow_descriptor(&c->follow, d->seq, newest > d->seq ? newest : d->seq);
    if (TPI_FOLLOW_BAD_SEQ == step.action) { drop(c, TPI_DROP_BAD_SEQ, 1); return false; }
    if (c->watch.has_taken) { tpi_consumer_ring_heard(c, d->seq, &step); }
    if (is_first && c->follow.has_last)
    {
        if (0 == c->first_seq && 0 == tpi_stat_get(&c->last_seq)) { c->first_seq = d->seq; tpi_stat_set(&c->stat_first_seq, d->seq); }
    }
    if (0 != step.gap) { drop(c, TPI_DROP_GAP, step.gap); }
    if (0 != step.skipped) { drop(c, TPI_DROP_RESYNC, step.skipped); }
    switch (step.action)
    {
        case TPI_FOLLOW_DUPLICATE: drop(c, TPI_DROP_DUPLICATE, 1); return false;
        case TPI_FOLLOW_REGRESSION:
            drop(c, TPI_DROP_REGRESSION, 1);
            suspend(c, TPI_UNMAP_REGRESSION);                                              /* W-113 */
            return false;
        default: break;
    }
    tpi_stat_set(&c->last_seq, c->follow.last);
    return TPI_FOLLOW_READ == step.action;
}

/* ---- slots -------------------------------------------------------------------------------------------------------------- */

/* RATE_LIMITED on a shared stream: thins out by descriptor time, else slot time, else the local clock. */
static bool is_due(tp_consumer_t *c, uint64_t descriptor_ns, uint64_t slot_ns)
{
    const uint32_t hz = atomic_load_explicit(&c->rate_limit_hz, memory_order_relaxed);
    if (0 == hz || (NULL != c->link && c->link->is_private)) { return true; }
    uint64_t time_ns = descriptor_ns;                                                             /* S-052 */
    if (time_ns > (uint64_t)INT64_MAX) { time_ns = slot_ns; }                                     /* W-193 S-053 */
    if (time_ns > (uint64_t)INT64_MAX || 0 == time_ns) { time_ns = (uint64_t)tpi_clock_monotonic_ns(); }
    if (!tpi_rate_gate_is_due(&c->gate, hz, (int64_t)time_ns)) { return false; }                   /* S-050 */
    tpi_rate_gate_take(&c->gate, hz, (int64_t)time_ns);
    return true;
}

/* A frame whose slot has passed every check. */
typedef struct found
{
    tpi_frame_t frame;
    const tpi_slot_word_t *slot;
    uint64_t word;
}
found_t;

static void age_torn_bits(tp_consumer_t *c)
{
    const uint64_t age = c->delivery - c->torn_at;
    c->torn_bits = age < 64 ? c->torn_bits << age : 0;
    c->torn_at = c->delivery;
}

/* counts: the frame has no place in the ledger yet. */
static void deliver(tp_consumer_t *c, const tpc_frame_descriptor_t *d, const found_t *found, bool counts, tp_frame_view_t *view)
{
    const tpi_frame_t *frame = &found->frame;
    c->delivery++;
    if (!counts)
    {
        age_torn_bits(c);
        c->torn_bits |= 1u;
    }
    *view = (tp_frame_view_t){ .size = sizeof(*view), .stream_id = c->map->stream_id, .epoch = c->map->epoch, .seq = d->seq,
        .payload = tpi_pool_payload(frame->pool, frame->index), .payload_bytes = frame->values_len_bytes, .tensor = &frame->tensor->tensor,
        .timestamp_ns = frame->timestamp_ns, .trace_id = d->trace_id,
        .publish_timestamp_ns = d->timestamp_ns,                                           /* W-106 */
        .meta_version = TP_NULL_U32 != frame->meta_version ? frame->meta_version : d->meta_version, .pool_id = frame->pool->pool_id,
        .opaque = { c, (const void *)(uintptr_t)found->slot, c->map }, .opaque_words = { found->word, c->delivery } };
    if (!counts) { return; }
    tpi_stat_add(&c->received, 1);
    tpi_stat_add(&c->bytes, frame->values_len_bytes);
    if (NULL != c->latency && frame->timestamp_ns <= (uint64_t)INT64_MAX)
    {
        tpi_latency_record(c->latency, tpi_clock_monotonic_ns() - (int64_t)frame->timestamp_ns);
    }
}

static tpi_drop_reason_t slot_reason(tpi_slot_verdict_t verdict)
{
    switch (verdict)
    {
        case TPI_SLOT_OK: return TPI_DROP_ACCEPTED;
        case TPI_SLOT_UNCOMMITTED: return TPI_DROP_UNCOMMITTED;
        case TPI_SLOT_OTHER_SEQ: return TPI_DROP_OTHER_SEQ;
        case TPI_SLOT_CHANGED: break;
    }
    return TPI_DROP_CHANGED;
}

/* Rows 2 to 9 of 11.1; counts nothing. */
static tpi_drop_reason_t examine(tp_consumer_t *c, uint64_t seq, found_t *found)
{
    uint64_t image[TPI_SLOT_WORDS];
    const tpi_slot_word_t *slot = tpi_pool_set_slot(c->map->set, tpi_pool_set_index(c->map->set, seq));
    /* A later frame of that slot is accounted for: whatever it holds for this one went back (W-051). */
    if (c->follow.has_last && c->follow.last >= seq && c->follow.last - seq >= c->map->set->nslots) { return TPI_DROP_OTHER_SEQ; }
    const tpi_drop_reason_t opened = slot_reason(tpi_slot_open(slot, seq, &found->word, image));
    if (TPI_DROP_ACCEPTED != opened) { return opened; }
    const tpi_drop_reason_t reason = tpi_frame_checker_check(&c->checker, &found->frame, image, seq, c->map->set);     /* M5 */
    if (!tpi_pool_set_still(c->map->set, slot, found->word)) { return TPI_DROP_CHANGED; }                   /* W-050: nothing leaves before C8 */
    found->slot = slot;
    return reason;
}

/* 1 and *view set, or 0: dropped and counted. */
static int read_slot(tp_consumer_t *c, const tpc_frame_descriptor_t *d, tp_frame_view_t *view)
{
    found_t found;
    tpi_drop_reason_t reason = examine(c, d->seq, &found);
    if (TPI_DROP_ACCEPTED == reason && !is_due(c, d->timestamp_ns, found.frame.timestamp_ns)) { reason = TPI_DROP_RATE_LIMITED; }
    if (TPI_DROP_ACCEPTED != reason) { drop(c, reason, 1); return 0; }
    deliver(c, d, &found, true, view);
    tpi_plain_learn(c, &found.frame, view);
    return 1;
}

/* "Newest only": the last descriptor at hand is passed over when a newer one can be polled by now. */
static bool is_outdated(tp_consumer_t *c, uint64_t seq, uint32_t *rounds)
{
    if (!c->follow.newest_only || !tpi_stage_is_empty(c) || ++*rounds >= BATCHES_MAX) { return false; }
    if (tpi_stage_refill(c) <= 0 || tpi_stage_newest(c) <= seq || !is_usable(c)) { return false; }
    drop(c, TPI_DROP_RESYNC, 1);
    return true;
}

/* A frame the ring gave us without its descriptor. */
static int read_found(tp_consumer_t *c, const tpc_frame_descriptor_t *found, tp_frame_view_t *view)
{
    if (1 != read_slot(c, found, view)) { return 0; }
    view->flags = TP_FRAME_NO_DESCRIPTOR;                                                  /* L-107 */
    tpi_stat_add(&c->recovered, 1);
    return 1;
}

/* The next acceptable frame of the stage; 0 when the stage is empty. */
static __attribute__((noinline)) int next_judged(tp_consumer_t *c, tp_frame_view_t *view)
{
    uint32_t rounds = 0;
    int found_one = 0;
    tpc_frame_descriptor_t d;
    while (1 != found_one && !tpi_stage_is_empty(c))
    {
        if (tpi_consumer_find_missing(c, &d))
        {
            found_one = read_found(c, &d, view);
            continue;
        }
        d = tpi_stage_take(c);
        if (account(c, &d) && !is_outdated(c, d.seq, &rounds)) { found_one = read_slot(c, &d, view); }
    }
    tpi_plain_settle(c);
    return found_one;
}

static inline int next_staged(tp_consumer_t *c, tp_frame_view_t *view)
{
    if (tpi_stage_is_empty(c)) { return 0; }
    return 1 == tpi_plain_next(c, view) ? 1 : next_judged(c, view);
}

/* No descriptor is at hand. */
static int next_in_ring(tp_consumer_t *c, tp_frame_view_t *view)
{
    tpc_frame_descriptor_t found;
    int found_one = 0;
    for (uint32_t i = 0; 1 != found_one && i < BATCHES_MAX && tpi_consumer_find_next(c, &found); i++) { found_one = read_found(c, &found, view); }
    tpi_plain_settle(c);
    return found_one;
}

/* ---- the calls ---------------------------------------------------------------------------------------------------------- */

static inline bool is_closing(const tp_consumer_t *c) { return atomic_load_explicit(&c->client->closing, memory_order_relaxed); }

/* Invoker mode: turns the conductor, whose callbacks may ask to close this consumer (L2). false: it is gone. */
static bool turn(tp_consumer_t *c)
{
    if (!c->client->is_invoker) { return true; }
    c->is_turning = true;
    (void)tpi_client_wait_step(c->client, NULL);
    c->is_turning = false;
    if (!c->close_asked) { return true; }
    tp_consumer_close(c);
    return false;
}

/* An observer's next frame, or whether there is none. */
static __attribute__((noinline)) tpi_plain_sight_t next_observed(tp_consumer_t *c, tp_frame_view_t *view)
{
    if (!tpi_plain_may_observe(c, TPI_PLAIN_NEXT)) { return TPI_PLAIN_OTHER; }
    const tpi_plain_sight_t sight = tpi_plain_observe(c);
    if (TPI_PLAIN_FRAME == sight) { *view = c->plain.view; }
    return sight;
}

int tp_consumer_next(tp_consumer_t *consumer, tp_frame_view_t *view, int64_t timeout_ns)
{
    tp_consumer_t *c = consumer;
    tpi_consumer_wait_t wait;
    uint32_t batches = 0;
    bool waiting = false;
    if (NULL == c || NULL == view || c->in_handler || c->is_turning) { return TP_INVALID_ARGUMENT; }
    refresh(c);
    if (c->client->is_invoker && 0 == (++c->calls & INVOKER_TURN_MASK))                    /* P6 */
    {
        if (!turn(c)) { return TP_CLOSED; }
        refresh(c);
    }
    if (c->is_observer)
    {
        const tpi_plain_sight_t sight = next_observed(c, view);
        if (TPI_PLAIN_FRAME == sight) { return 1; }
        if (TPI_PLAIN_NOTHING == sight && timeout_ns <= 0 && !c->client->is_invoker) { return is_closing(c) ? TP_CLOSED : 0; }
    }
    for (;;)
    {
        if (1 == next_staged(c, view)) { return 1; }
        if (0 != (++batches % BATCHES_MAX) && tpi_stage_refill(c) > 0) { continue; }
        if (1 == next_in_ring(c, view)) { return 1; }
        if (is_closing(c)) { return TP_CLOSED; }
        if (!waiting)
        {
            if (!turn(c)) { return TP_CLOSED; }
            if (timeout_ns <= 0) { return 1 == (refresh(c), tpi_stage_refill(c) > 0 ? next_staged(c, view) : 0) ? 1 : 0; }
            waiting = true;
            tpi_consumer_wait_begin(c, &wait, tpi_clock_monotonic_ns(), timeout_ns);
        }
        else
        {
            const int64_t now_ns = tpi_clock_monotonic_ns();
            if (now_ns >= wait.deadline_ns) { return 0; }
            if (!turn(c)) { return TP_CLOSED; }
            tpi_consumer_wait_step(c, &wait, now_ns);
            batches = 0;                                   /* L-201: the look before a sleep is never left out */
        }
        refresh(c);
    }
}

tpi_outlook_t tpi_consumer_look(tp_consumer_t *consumer)
{
    refresh(consumer);
    if (!tpi_stage_is_empty(consumer) || tpi_stage_refill(consumer) > 0) { return TPI_OUTLOOK_NOW; }
    return tpi_consumer_ring_outlook(consumer);
}

int tp_consumer_set_frame_handler(tp_consumer_t *consumer, tp_frame_handler_t handler, void *clientd)
{
    if (NULL == consumer) { TPI_SET_ERR(TP_EINVAL, "consumer is NULL"); return -1; }
    consumer->plain.use = TPI_PLAIN_NOT;
    consumer->on_frame = handler;
    consumer->frame_clientd = clientd;
    return 0;
}

int tp_consumer_set_descriptor_handler(tp_consumer_t *consumer, tp_descriptor_handler_t handler, void *clientd)
{
    if (NULL == consumer) { TPI_SET_ERR(TP_EINVAL, "consumer is NULL"); return -1; }
    if (NULL != handler && NULL == consumer->handed_out)
    {
        consumer->handed_out = tpi_alloc_array(TPI_HANDED_OUT, sizeof(consumer->handed_out[0]));
        if (NULL == consumer->handed_out) { return -1; }
    }
    consumer->plain.use = TPI_PLAIN_NOT;
    consumer->on_descriptor = handler;
    consumer->descriptor_clientd = clientd;
    return 0;
}

static void hand_out(tp_consumer_t *c, const tpc_frame_descriptor_t *d, bool is_found)
{
    c->handed_out[d->seq % TPI_HANDED_OUT] = (d->seq + 1) | (is_found ? FOUND_BIT : 0);
    const tp_frame_descriptor_t out = { .size = sizeof(out), .stream_id = d->stream_id, .epoch = d->epoch, .seq = d->seq,
        .flags = is_found ? TP_FRAME_NO_DESCRIPTOR : 0,
        .publish_timestamp_ns = d->timestamp_ns, .trace_id = d->trace_id, .meta_version = d->meta_version };
    c->on_descriptor(c->descriptor_clientd, &out);
}

/* One frame for the handlers, announced or found in the ring. Frames delivered. */
static int serve(tp_consumer_t *c, const tpc_frame_descriptor_t *d, bool is_found)
{
    tp_frame_view_t view;
    int delivered = 1;
    c->in_handler = true;
    if (NULL != c->on_descriptor) { hand_out(c, d, is_found); }
    else if (1 != (is_found ? read_found(c, d, &view) : read_slot(c, d, &view))) { delivered = 0; }
    else if (NULL != c->on_frame) { c->on_frame(c->frame_clientd, &view); }
    c->in_handler = false;
    return delivered;
}

/* One descriptor of the stage, or a frame that none announced. false: there is neither. */
static __attribute__((noinline)) bool serve_one(tp_consumer_t *c, int *delivered)
{
    tpc_frame_descriptor_t d;
    const bool is_staged = !tpi_stage_is_empty(c);
    const bool is_found = is_staged ? tpi_consumer_find_missing(c, &d) : tpi_consumer_find_next(c, &d);
    if (is_staged && !is_found) { d = tpi_stage_take(c); }
    if (is_found || (is_staged && account(c, &d))) { *delivered += serve(c, &d, is_found); }
    tpi_plain_settle(c);
    return is_staged || is_found;
}

/* All that is not the common case from here on. is_drained: there was nothing a moment ago. */
static __attribute__((noinline)) int poll_judged(tp_consumer_t *c, int limit, int handled, bool is_drained)
{
    int delivered = handled;
    uint32_t batches = 1;
    while (handled < limit && !c->close_asked)
    {
        if (tpi_stage_is_empty(c) && !is_drained && batches++ < BATCHES_MAX && tpi_stage_refill(c) > 0) { continue; }    /* maybe all of it foreign */
        is_drained = false;
        const int n = tpi_plain_run(c, limit - handled);
        handled += n;
        delivered += n;
        if (0 != n) { continue; }
        if (!serve_one(c, &delivered)) { break; }
        handled++;
    }
    if (c->close_asked) { tp_consumer_close(c); }
    return delivered;
}

/* An observer's: the slot of its next frame, and nothing else unless something else is there (L-114). */
static __attribute__((noinline)) int poll_ring(tp_consumer_t *c, int limit)
{
    int handled = 0;
    if (limit <= 0 || c->in_handler) { return TP_INVALID_ARGUMENT; }
    if (is_closing(c)) { return TP_CLOSED; }
    refresh(c);
    while (handled < limit && tpi_plain_may_observe(c, TPI_PLAIN_HANDLER))
    {
        const tpi_plain_sight_t sight = tpi_plain_observe(c);
        if (TPI_PLAIN_NOTHING == sight) { return handled; }
        if (TPI_PLAIN_OTHER == sight) { break; }
        handled++;
        c->in_handler = true;
        c->on_frame(c->frame_clientd, &c->plain.view);
        c->in_handler = false;
        if (!tpi_handoff_is_current(&c->maps, c->map)) { break; }
    }
    return handled == limit && !c->close_asked ? handled : poll_judged(c, limit, handled, true);
}

int tp_consumer_poll_descriptors(tp_consumer_t *consumer, int limit)
{
    tp_consumer_t *c = consumer;
    int handled = 0;
    if (NULL == c) { return TP_INVALID_ARGUMENT; }
    if (TPI_RARE(c->in_handler || c->polls_ring)) { return poll_ring(c, limit); }
    if (limit <= 0) { return TP_INVALID_ARGUMENT; }
    if (is_closing(c)) { return TP_CLOSED; }
    refresh(c);
    const bool is_drained = tpi_stage_is_empty(c) && tpi_stage_refill(c) <= 0;
    if (!is_drained) { handled = tpi_plain_run(c, limit); }
    return handled == limit && !c->close_asked ? handled : poll_judged(c, limit, handled, is_drained);
}

/* Once: the ledger has one place a frame. */
static bool take_handed_out(tp_consumer_t *c, uint64_t seq, bool *is_found)
{
    if (NULL == c->handed_out) { return false; }
    uint64_t *entry = &c->handed_out[seq % TPI_HANDED_OUT];
    if ((*entry & ~FOUND_BIT) != seq + 1) { return false; }
    *is_found = 0 != (*entry & FOUND_BIT);
    *entry = 0;
    return true;
}

int tpi_consumer_read(tp_consumer_t *consumer, uint64_t seq, tp_frame_view_t *view, tpi_drop_reason_t *reason)
{
    tp_consumer_t *c = consumer;
    *reason = TPI_DROP_NOT_MAPPED;
    if (!is_usable(c)) { return 0; }
    tpc_frame_descriptor_t d = TPC_FRAME_DESCRIPTOR_INIT;
    d.stream_id = c->map->stream_id;
    d.epoch = c->map->epoch;
    d.seq = seq;
    found_t found;
    bool is_found = false;
    const bool counts = take_handed_out(c, seq, &is_found);
    *reason = examine(c, seq, &found);
    if (TPI_DROP_ACCEPTED == *reason)
    {
        deliver(c, &d, &found, counts, view);
        view->flags = TP_FRAME_NO_DESCRIPTOR;              /* L-107: what its descriptor says was told to the handler, if there was one */
        if (is_found) { tpi_stat_add(&c->recovered, 1); }
        return 1;
    }
    if (counts) { drop(c, *reason, 1); }
    return 0;
}

int tp_consumer_read_frame(tp_consumer_t *consumer, uint64_t seq, tp_frame_view_t *view)
{
    tpi_drop_reason_t reason;
    if (NULL == consumer || NULL == view || 0 != seq >> 63) { return TP_INVALID_ARGUMENT; }
    if (!consumer->in_handler) { refresh(consumer); }
    if (!is_usable(consumer)) { return TP_NOT_MAPPED; }
    return tpi_consumer_read(consumer, seq, view, &reason);
}

/* ---- joins -------------------------------------------------------------------------------------------------------------- */

bool tpi_consumer_hold(tp_consumer_t *consumer)
{
    if (consumer->in_handler || consumer->is_turning) { return false; }
    refresh(consumer);
    consumer->in_handler = true;
    return true;
}

bool tpi_consumer_let_go(tp_consumer_t *consumer)
{
    consumer->in_handler = false;
    if (!consumer->close_asked) { return true; }
    tp_consumer_close(consumer);
    return false;
}

uint64_t tpi_consumer_held_epoch(const tp_consumer_t *consumer) { return NULL == consumer->map ? 0 : consumer->map->epoch; }
uint32_t tpi_consumer_stream(const tp_consumer_t *consumer) { return tpi_load_u32(&consumer->stream_id); }

bool tp_frame_view_is_valid(const tp_frame_view_t *view)
{
    if (NULL == view || NULL == view->opaque[0]) { return false; }
    tp_consumer_t *c = (tp_consumer_t *)(uintptr_t)view->opaque[0];
    const tpi_slot_word_t *slot = view->opaque[1];
    if (c->map == view->opaque[2] && is_usable(c) && tpi_pool_set_still(c->map->set, slot, view->opaque_words[0])) { return true; }   /* M4 W-114 */
    const uint64_t age = c->delivery - view->opaque_words[1];
    age_torn_bits(c);
    if (age < 64 && 0 == (c->torn_bits >> age & 1u))
    {
        c->torn_bits |= UINT64_C(1) << age;
        drop(c, TPI_DROP_CHANGED, 1);
        tpi_stat_set(&c->received, tpi_stat_get(&c->received) - 1);
        tpi_stat_set(&c->bytes, tpi_stat_get(&c->bytes) - view->payload_bytes);
    }
    return false;
}

int64_t tp_consumer_copy_frame(const tp_frame_view_t *view, void *target, size_t capacity)
{
    if (NULL == view || (NULL == target && 0 != view->payload_bytes) || capacity < view->payload_bytes) { return TP_INVALID_ARGUMENT; }
    tp_consumer_t *c = (tp_consumer_t *)(uintptr_t)view->opaque[0];
    if (NULL == c || c->map != view->opaque[2]) { return TP_OVERWRITTEN; }
    if (0 != view->payload_bytes) { tpi_payload_read(target, view->payload, view->payload_bytes); }
    return tp_frame_view_is_valid(view) ? (int64_t)view->payload_bytes : TP_OVERWRITTEN;
}
