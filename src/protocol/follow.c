/* Owns nothing. Two positions: `last` is what we know about, `last_descriptor` what the bus said; the ring may be ahead of the bus. */
#include "protocol/follow.h"

void tpi_follow_restart(tpi_follow_t *follow) { *follow = (tpi_follow_t){ .max_gap = follow->max_gap, .newest_only = follow->newest_only }; }
void tpi_follow_switch(tpi_follow_t *follow) { follow->has_descriptor = false; }

/* seq is above last, or the first. */
static tpi_follow_step_t account(tpi_follow_t *follow, uint64_t seq, uint64_t newest)
{
    tpi_follow_step_t step = { .action = TPI_FOLLOW_READ };
    const uint64_t missed = follow->has_last ? seq - follow->last - 1 : 0;             /* W-121 */
    if (follow->newest_only)
    {
        follow->has_last = true;
        follow->last = seq;
        step.gap = missed;
        step.skipped = seq < newest ? 1 : 0;
        step.action = seq < newest ? TPI_FOLLOW_SKIP : TPI_FOLLOW_READ;
        return step;
    }
    if (follow->has_last && follow->max_gap > 0 && !follow->is_resyncing && newest - follow->last - 1 > follow->max_gap)   /* W-125 */
    {
        follow->is_resyncing = true;
        follow->resync_to = newest;
    }
    follow->has_last = true;
    follow->last = seq;
    if (!follow->is_resyncing)
    {
        step.gap = missed;
        return step;
    }
    step.skipped = missed;
    if (seq < follow->resync_to)
    {
        step.skipped++;
        step.action = TPI_FOLLOW_SKIP;
        return step;
    }
    follow->is_resyncing = false;
    return step;
}

tpi_follow_step_t tpi_follow_descriptor(tpi_follow_t *follow, uint64_t seq, uint64_t newest)
{
    tpi_follow_step_t step = { .action = TPI_FOLLOW_BAD_SEQ };
    if (0 != seq >> 63) { return step; }                                               /* W-253 */
    if (follow->has_descriptor && seq <= follow->last_descriptor)
    {
        step.action = seq == follow->last_descriptor ? TPI_FOLLOW_DUPLICATE : TPI_FOLLOW_REGRESSION;   /* W-113 O-20 */
        return step;
    }
    follow->has_descriptor = true;
    follow->last_descriptor = seq;
    if (follow->has_last && seq <= follow->last)
    {
        step.action = TPI_FOLLOW_DUPLICATE;                                            /* the ring was faster */
        return step;
    }
    return account(follow, seq, newest < seq || 0 != newest >> 63 ? seq : newest);
}

tpi_follow_step_t tpi_follow_ring_read(tpi_follow_t *follow, uint64_t seq)
{
    tpi_follow_step_t step = { .action = TPI_FOLLOW_BAD_SEQ };
    if (0 != seq >> 63) { return step; }
    if (follow->has_last && seq <= follow->last)
    {
        step.action = TPI_FOLLOW_DUPLICATE;
        return step;
    }
    return account(follow, seq, seq);
}

bool tpi_ring_watch_is_new(tpi_ring_watch_t *watch, uint64_t seq)
{
    if (watch->has_seen && seq == watch->seen_seq) { return false; }
    watch->has_seen = true;
    watch->seen_seq = seq;
    watch->is_timed = false;
    return true;
}

bool tpi_ring_watch_is_overdue(tpi_ring_watch_t *watch, uint64_t seq, int64_t patience_ns, int64_t now_ns)
{
    (void)tpi_ring_watch_is_new(watch, seq);
    if (!watch->is_timed)
    {
        watch->is_timed = true;
        watch->since_ns = now_ns;
    }
    return now_ns - watch->since_ns >= patience_ns;                                    /* L-102 */
}

void tpi_ring_watch_took(tpi_ring_watch_t *watch, uint64_t seq)
{
    if (!watch->has_taken || seq != watch->last + 1) { watch->first = seq; }
    watch->has_taken = true;
    watch->last = seq;
    watch->has_seen = false;
}

bool tpi_ring_watch_is_late(const tpi_ring_watch_t *watch, uint64_t seq)
{
    return watch->has_taken && seq >= watch->first && seq <= watch->last;
}

/* seq that the slot of that index was begun with last; false: none, or of another slot. */
static bool begun(tpi_ring_word_t word, const void *ring, uint32_t index, uint32_t nslots, uint64_t *value, uint64_t *seq)
{
    *value = word(ring, index);
    *seq = *value >> 1;
    return 0 != *value && index == (uint32_t)(*seq & (nslots - 1));
}

bool tpi_follow_ring_newest(tpi_ring_word_t word, const void *ring, uint32_t nslots, uint64_t *newest)
{
    uint64_t value;
    uint64_t seq;
    uint64_t first_lap;
    *newest = 0;
    if (!begun(word, ring, 0, nslots, &value, &first_lap)) { return false; }           /* nothing yet */
    uint32_t low = 0;                                      /* of the lap of slot 0, or later: the writer goes on meanwhile */
    uint32_t high = nslots;                                /* not */
    uint64_t top = first_lap;
    while (high - low > 1)
    {
        const uint32_t middle = low + (high - low) / 2;
        if (begun(word, ring, middle, nslots, &value, &seq) && seq > first_lap) { low = middle; top = seq; }
        else { high = middle; }
    }
    for (uint32_t i = 0; i < nslots && top >= i; i++)
    {
        if (begun(word, ring, (uint32_t)((top - i) & (nslots - 1)), nslots, &value, &seq) && seq == top - i && 0 != (value & 1))
        {
            *newest = seq;
            return true;
        }
    }
    *newest = top;
    return false;
}

tpi_ring_decision_t tpi_follow_ring(uint64_t expected, uint64_t word, bool has_descriptor, uint64_t newest_descriptor, uint32_t nslots,
    uint64_t *resume)
{
    const uint64_t mask = (uint64_t)nslots - 1;
    const uint64_t found = word >> 1;
    const bool is_fresh = 0 == word;                                                   /* zero-filled file, or seq 0 being written */
    if (!is_fresh && 0 != ((found ^ expected) & mask)) { return TPI_RING_FOREIGN; }
    if (found == expected && 0 != (word & 1)) { return TPI_RING_READ; }
    if (found > expected)
    {
        *resume = found - mask;                                                        /* found belongs into this slot: found >= nslots */
        return TPI_RING_LAPPED;
    }
    if (has_descriptor && newest_descriptor > expected) { return TPI_RING_ABANDONED; } /* O-41: descriptors leave in seq order */
    return has_descriptor && newest_descriptor == expected ? TPI_RING_READ : TPI_RING_WAIT;   /* the slot itself will say why not */
}
