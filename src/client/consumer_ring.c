/*
 * The ring is the truth, descriptors are hints: frames that are committed although nobody announced them to us. Consumer's thread only; hot: no
 * lock, no allocation, no log, no system call. What is passed over on the way is counted here; consumer_hot.c reads the frame found.
 */
#include "client/consumer_ring.h"

#include "client/consumer_hot.h"

/*
 * A frame after the last one that nobody announced to us although it is committed. has_descriptor: up to newest, which was announced. What is passed
 * over on the way counts as gap. Not where frames are left out on purpose.
 */
bool tpi_consumer_find_in_ring(tp_consumer_t *c, bool has_descriptor, uint64_t newest, tpc_frame_descriptor_t *found)
{
    const bool is_capped = NULL != c->link && c->link->is_private && 0 != atomic_load_explicit(&c->rate_limit_hz, memory_order_relaxed);
    if (!c->ring_recovery || is_capped || c->follow.newest_only || c->follow.is_resyncing) { return false; }
    if (!c->follow.has_last || !is_usable(c)) { return false; }
    const uint32_t nslots = c->map->set->nslots;
    uint64_t seq = c->follow.last + 1;
    if (has_descriptor && (seq >= newest || (0 != c->follow.max_gap && newest - seq > c->follow.max_gap))) { return false; }
    for (uint32_t i = 0; i < nslots && (!has_descriptor || seq < newest) && 0 == seq >> 63; i++)
    {
        uint64_t resume = seq + 1;
        const tpi_slot_word_t *slot = tpi_pool_set_slot(c->map->set, tpi_pool_set_index(c->map->set, seq));
        const uint64_t word = atomic_load_explicit(slot, memory_order_acquire);
        const tpi_ring_decision_t decision = tpi_follow_ring(seq, word, has_descriptor, newest, nslots, &resume);
        if (TPI_RING_READ == decision)
        {
            const tpi_follow_step_t step = tpi_follow_ring_read(&c->follow, seq);
            if (0 != step.gap) { drop(c, TPI_DROP_GAP, step.gap); }
            if (0 != step.skipped) { drop(c, TPI_DROP_RESYNC, step.skipped); }
            tpi_stat_set(&c->last_seq, c->follow.last);
            *found = (tpc_frame_descriptor_t)TPC_FRAME_DESCRIPTOR_INIT;
            found->stream_id = c->map->stream_id;
            found->epoch = c->map->epoch;
            found->seq = seq;
            return TPI_FOLLOW_READ == step.action;
        }
        if (TPI_RING_LAPPED != decision && TPI_RING_ABANDONED != decision) { return false; }
        seq = resume;
    }
    return false;
}

/* Before the next staged descriptor: what it shows to be missing. */
bool tpi_consumer_find_missing(tp_consumer_t *c, tpc_frame_descriptor_t *found)
{
    if (!c->ring_recovery || c->stage_at >= c->stage_count || !is_usable(c)) { return false; }
    const tpc_frame_descriptor_t *d = &c->stage[c->stage_at];
    return d->epoch == c->map->epoch && 0 == d->seq >> 63 && tpi_consumer_find_in_ring(c, true, d->seq, found);
}
