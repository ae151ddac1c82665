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
