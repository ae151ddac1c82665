/*
 * The ring is the truth, descriptors are hints: frames that are committed although nobody announced them to us. Consumer's thread only; hot: no
 * lock, no allocation, no log, no system call. What is passed over on the way is counted here; consumer_hot.c reads the frame found.
 */
#include "client/consumer_ring.h"

#include "client/consumer_hot.h"
#include "client/consumer_stage.h"
#include "common/clock.h"

static uint64_t word_of(const tp_consumer_t *c, uint64_t seq)
{
    return tpi_slot_peek(tpi_pool_set_slot(c->map->set, tpi_pool_set_index(c->map->set, seq)));
}

/* On a private stream the producer leaves frames out. It goes on for a moment after the mode has changed. */
static bool is_thinned(tp_consumer_t *c)
{
    if (c->link->is_private && (0 != atomic_load_explicit(&c->rate_limit_hz, memory_order_relaxed) ||
        TP_MODE_RATE_LIMITED == atomic_load_explicit(&c->shown_mode, memory_order_relaxed)))
    {
        c->was_thinned = true;
        return true;
    }
    return c->was_thinned;
}

/* Not where frames are left out on purpose (W-134, newest only, a resync). */
static bool may_look(tp_consumer_t *c)
{
    if (!c->ring_recovery || c->follow.is_resyncing || !is_usable(c)) { return false; }    /* L-101 */
    if (c->is_observer) { return true; }
    return !c->follow.newest_only && NULL != c->link && !is_thinned(c);                    /* L-105 */
}

/* The frame is accounted for. true: it is to be read. */
static bool take(tp_consumer_t *c, uint64_t seq, tpi_drop_reason_t missing, tpc_frame_descriptor_t *found)
{
    const bool is_first = !c->follow.has_last;
    const tpi_follow_step_t step = tpi_follow_ring_read(&c->follow, seq);
    tpi_ring_watch_took(&c->watch, seq);
    if (is_first && 0 == c->first_seq && 0 == tpi_stat_get(&c->last_seq))
    {
        c->first_seq = seq;
        tpi_stat_set(&c->stat_first_seq, seq);
    }
    if (0 != step.gap) { drop(c, missing, step.gap); }
    if (0 != step.skipped) { drop(c, TPI_DROP_RESYNC, step.skipped); }
    tpi_stat_set(&c->last_seq, c->follow.last);
    *found = (tpc_frame_descriptor_t)TPC_FRAME_DESCRIPTOR_INIT;
    found->stream_id = c->map->stream_id;
    found->epoch = c->map->epoch;
    found->seq = seq;
    return TPI_FOLLOW_READ == step.action;
}

/* ---- before a descriptor ------------------------------------------------------------------------------------------------ */

bool tpi_consumer_seek_missing(tp_consumer_t *c, tpc_frame_descriptor_t *found)
{
    const tpc_frame_descriptor_t d = tpi_stage_next(c);
    if (0 != d.seq >> 63) { return false; }
    if (d.seq <= c->follow.last + 1)
    {
        if (c->was_thinned && d.seq > c->follow.last) { c->was_thinned = false; }         /* one after the other again */
        return false;
    }
    if (!may_look(c) || d.epoch != c->map->epoch) { return false; }
    const uint32_t nslots = c->map->set->nslots;
    uint64_t seq = c->follow.last + 1;
    if (0 != c->follow.max_gap && d.seq - seq > c->follow.max_gap) { return false; }      /* W-125 */
    for (uint32_t i = 0; i < nslots && seq < d.seq; i++)
    {
        uint64_t resume = seq + 1;
        const tpi_ring_decision_t decision = tpi_follow_ring(seq, word_of(c, seq), true, d.seq, nslots, &resume);
        if (TPI_RING_READ == decision) { return take(c, seq, TPI_DROP_GAP, found); }       /* L-103 */
        if (TPI_RING_LAPPED != decision && TPI_RING_ABANDONED != decision) { return false; }
        seq = resume;
    }
    return false;
}

void tpi_consumer_ring_heard(tp_consumer_t *c, uint64_t seq, const tpi_follow_step_t *step)
{
    if (seq >= c->follow.last && TPI_FOLLOW_REGRESSION != step->action) { c->watch.is_following = false; }       /* L-104: caught up */
    if (TPI_FOLLOW_DUPLICATE == step->action && tpi_ring_watch_is_late(&c->watch, seq)) { tpi_stat_add(&c->late, 1); }
}

/* ---- without a descriptor ----------------------------------------------------------------------------------------------- */

void tpi_consumer_ring_restart(tp_consumer_t *c)
{
    if (c->has_start) { c->has_observed = true; }
    c->watch = (tpi_ring_watch_t){ .has_taken = false };
    c->has_start = false;
}

static uint64_t ring_word(const void *ring, uint32_t index) { return tpi_slot_peek(tpi_pool_set_slot(ring, index)); }

/*
 * Where a reader without any descriptor begins. An observer: with the newest frame, in later epochs with the oldest one (those it would have
 * followed). Others: with what is committed from now on.
 */
static void find_start(tp_consumer_t *c)
{
    uint64_t newest;
    const bool is_there = tpi_follow_ring_newest(ring_word, c->map->set, c->map->set->nslots, &newest);
    c->start = is_there && !c->is_observer ? newest + 1 : newest;                          /* L-112 */
    if (c->is_observer && c->has_observed) { c->start = 0; }
    c->has_start = true;
}

typedef struct sight { bool is_there; bool is_hole; uint64_t seq; } sight_t;

/* seq was begun and is not committed: a frame behind it that is. Frames may be committed in any order. */
static void look_behind(const tp_consumer_t *c, uint64_t seq, sight_t *sight)
{
    for (uint32_t k = 1; k < c->map->set->nslots; k++)
    {
        const uint64_t word = word_of(c, seq + k);
        if (word >> 1 != seq + k) { return; }
        if (0 == (word & 1)) { continue; }
        *sight = (sight_t){ .is_there = true, .is_hole = true, .seq = seq + k };
        return;
    }
}

/* What the ring holds from seq on, in order. */
static sight_t look(const tp_consumer_t *c, uint64_t seq)
{
    sight_t sight = { .is_there = false };
    const uint32_t nslots = c->map->set->nslots;
    for (uint32_t i = 0; i <= nslots && 0 == seq >> 63; i++)                               /* the whole ring may be newer: one more is to be read */
    {
        uint64_t resume = seq;
        const uint64_t word = word_of(c, seq);
        const tpi_ring_decision_t decision = tpi_follow_ring(seq, word, false, 0, nslots, &resume);
        if (TPI_RING_READ == decision) { sight = (sight_t){ .is_there = true, .seq = seq }; break; }
        if (TPI_RING_LAPPED != decision)
        {
            if (0 != word && word >> 1 == seq) { look_behind(c, seq, &sight); }
            break;
        }
        seq = resume;
    }
    return sight;
}

/* A frame that was begun before one which is committed: given up, or still being filled. Who fills it for half a ring is passed over. */
static bool is_given_up(tp_consumer_t *c, uint64_t seq)
{
    const uint32_t half = c->map->set->nslots / 2;
    if (tpi_ring_watch_is_new(&c->watch, seq)) { return false; }
    const bool is_overdue = tpi_ring_watch_is_overdue(&c->watch, seq, TPI_RING_HOLE_PATIENCE_NS, tpi_clock_monotonic_ns());
    return is_overdue && (c->is_observer || c->watch.is_following || word_of(c, seq + half) >> 1 >= seq + half);   /* L-106 */
}

/* Newest only: what lies before the newest is passed over. */
static uint64_t newest_after(const tp_consumer_t *c, uint64_t seq)
{
    uint64_t newest;
    const bool is_there = tpi_follow_ring_newest(ring_word, c->map->set, c->map->set->nslots, &newest);
    return is_there && newest > seq ? newest : seq;
}

bool tpi_consumer_seek_next(tp_consumer_t *c, tpc_frame_descriptor_t *found)
{
    if (!may_look(c)) { return false; }
    if (!c->follow.has_last && !c->has_start) { find_start(c); }
    const uint64_t next = c->follow.has_last ? c->follow.last + 1 : c->start;
    const sight_t sight = look(c, next);
    if (!sight.is_there)
    {
        c->watch.has_seen = false;
        return false;
    }
    if (sight.is_hole)
    {
        if (!is_given_up(c, next)) { return false; }
    }
    else if (!c->is_observer && !c->watch.is_following)                                    /* L-102: the descriptor is preferred */
    {
        const int64_t patience_ns = c->follow.has_last ? TPI_RING_PATIENCE_NS : TPI_RING_JOIN_PATIENCE_NS;
        if (tpi_ring_watch_is_new(&c->watch, next)) { return false; }      /* most descriptors come before the second look: no clock is read */
        if (!tpi_ring_watch_is_overdue(&c->watch, next, patience_ns, tpi_clock_monotonic_ns())) { return false; }
    }
    c->watch.is_following = true;
    if (!c->is_observer) { return take(c, sight.seq, TPI_DROP_GAP, found); }
    if (c->follow.newest_only) { return take(c, newest_after(c, sight.seq), TPI_DROP_RESYNC, found); }
    return take(c, sight.seq, sight.is_hole ? TPI_DROP_GAP : TPI_DROP_OTHER_SEQ, found);   /* L-111 */
}

tpi_outlook_t tpi_consumer_ring_outlook(tp_consumer_t *c)
{
    if (!may_look(c)) { return TPI_OUTLOOK_NOTHING; }
    if (!c->follow.has_last && !c->has_start) { find_start(c); }
    const sight_t sight = look(c, c->follow.has_last ? c->follow.last + 1 : c->start);
    if (!sight.is_there) { return TPI_OUTLOOK_NOTHING; }
    return !sight.is_hole && (c->is_observer || c->watch.is_following) ? TPI_OUTLOOK_NOW : TPI_OUTLOOK_SOON;
}
