/* Epoch arithmetic. Stateless. */
#include "protocol/epoch.h"

uint64_t tpi_epoch_next(uint64_t known, uint64_t highest_found, int64_t now_ns)
{
    const uint64_t floor = known > highest_found ? known : highest_found;               /* D-200 */
    if (floor >= UINT64_MAX - 1) { return 0; }
    const uint64_t now = now_ns > 0 ? (uint64_t)now_ns : 0;
    return floor + 1 > now ? floor + 1 : now;                                           /* D-159 W-110 */
}

size_t tpi_epoch_gc_candidates(const uint64_t *epochs, size_t count, uint64_t current, uint32_t keep)
{
    size_t below = 0;
    while (below < count && epochs[below] < current) { below++; }
    const size_t protected_below = keep > 1 ? keep - 1 : 0;
    return below > protected_below ? below - protected_below : 0;                       /* D-173 */
}

bool tpi_epoch_gc_may_remove(const tpi_epoch_gc_facts_t *f)
{
    if (f->leased) { return false; }                                                    /* D-174 */
    const bool future = f->superblock_readable && (f->now_ns < 0 || f->activity_ns > (uint64_t)f->now_ns);
    if (!f->superblock_readable || future) { return f->directory_age_ns > f->min_age_ns; }   /* OP-D-06: a future time counts as unreadable */
    if ((int64_t)((uint64_t)f->now_ns - f->activity_ns) <= f->min_age_ns) { return false; }  /* D-175 */
    return f->pid == f->own_pid || !f->pid_alive;                                       /* D-176 */
}
