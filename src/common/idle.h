/*
 * What a thread does between two rounds of a loop that found nothing to do. A value, used by one thread.
 *   busy     spins               yield    gives the processor away
 *   sleep    parks for max_park  noop     nothing at all: the caller waits by itself
 *   backoff  spins, then yields, then parks for a growing time up to max_park
 */
#ifndef TPI_COMMON_IDLE_H
#define TPI_COMMON_IDLE_H

#include <stdint.h>

typedef enum tpi_idle_kind
{
    TPI_IDLE_BACKOFF = 0,
    TPI_IDLE_BUSY,
    TPI_IDLE_YIELD,
    TPI_IDLE_SLEEP,
    TPI_IDLE_NOOP
}
tpi_idle_kind_t;

typedef struct tpi_idle
{
    tpi_idle_kind_t kind;
    uint32_t spins;             /* done in this idle stretch */
    uint32_t yields;
    int64_t park_ns;            /* next park */
    int64_t min_park_ns;
    int64_t max_park_ns;
}
tpi_idle_t;

/* 0 and *kind set, or -1 with TP_EINVAL naming the five. */
int tpi_idle_kind_from_name(tpi_idle_kind_t *kind, const char *name);
const char *tpi_idle_kind_name(tpi_idle_kind_t kind);

void tpi_idle_init(tpi_idle_t *idle, tpi_idle_kind_t kind, int64_t min_park_ns, int64_t max_park_ns);
/* Work was done: the next idle stretch starts over. */
void tpi_idle_reset(tpi_idle_t *idle);
/* Advances the strategy. Returns how long to park (0 = it has spun or yielded already): for callers that park on something that can be woken. */
int64_t tpi_idle_step(tpi_idle_t *idle);
/* Sleeps; nothing when park_ns <= 0. */
void tpi_idle_park(int64_t park_ns);
/* One idle round: resets when work > 0, otherwise steps and sleeps, but never longer than limit_ns (< 0 = no limit). */
void tpi_idle(tpi_idle_t *idle, int work, int64_t limit_ns);

#endif
