/* Growing, bounded delays between attempts, with jitter so that many clients do not come back in step. A value; time is an argument. */
#ifndef TPI_RUNTIME_BACKOFF_H
#define TPI_RUNTIME_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

typedef struct tpi_backoff
{
    int64_t initial_ns;
    int64_t max_ns;
    int64_t delay_ns;          /* of the next failure, before jitter */
    int64_t due_ns;            /* attempt allowed from here on */
    uint64_t random;
}
tpi_backoff_t;

/* seed != 0 jitters each delay into [3/4, 1] of itself; 0 = exact delays. */
void tpi_backoff_init(tpi_backoff_t *backoff, int64_t initial_ns, int64_t max_ns, uint64_t seed);
/* The next attempt may be made at once, and delays start small again. */
void tpi_backoff_reset(tpi_backoff_t *backoff);
/* An attempt was made and failed (or its outcome is open): the next one is due later. Returns the delay. */
int64_t tpi_backoff_failed(tpi_backoff_t *backoff, int64_t now_ns);
bool tpi_backoff_is_due(const tpi_backoff_t *backoff, int64_t now_ns);

#endif
