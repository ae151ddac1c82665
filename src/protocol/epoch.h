/* Epoch numbers and the verdicts of epoch garbage collection (20-driver.md 5.1 and 6.2). Pure. */
#ifndef TPI_PROTOCOL_EPOCH_H
#define TPI_PROTOCOL_EPOCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Above every epoch known in memory or found as a directory, at least the monotonic time, never 0 or null. 0 when no number is left (W-010). */
uint64_t tpi_epoch_next(uint64_t known, uint64_t highest_found, int64_t now_ns);

/*
 * Number of leading entries of epochs (ascending, distinct) that are not protected by rank: the current one, the keep - 1 largest below it and
 * everything above it are (D-173). keep 0 counts as 1 (OP-D-23).
 */
size_t tpi_epoch_gc_candidates(const uint64_t *epochs, size_t count, uint64_t current, uint32_t keep);

typedef struct tpi_epoch_gc_facts
{
    bool leased;                       /* an active lease refers to the epoch */
    bool superblock_readable;
    uint64_t activity_ns;              /* CLOCK_MONOTONIC, when readable */
    uint64_t pid;                      /* of the superblock, when readable */
    bool pid_alive;
    uint64_t own_pid;
    int64_t now_ns;                    /* CLOCK_MONOTONIC */
    int64_t directory_age_ns;          /* CLOCK_REALTIME against the directory's time: one clock each (trap M13) */
    int64_t min_age_ns;
}
tpi_epoch_gc_facts_t;

bool tpi_epoch_gc_may_remove(const tpi_epoch_gc_facts_t *facts);

#endif
