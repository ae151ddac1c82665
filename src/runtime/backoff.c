/* Stateless apart from the value passed in. */
#include "runtime/backoff.h"

#include <stddef.h>

void tpi_backoff_init(tpi_backoff_t *backoff, int64_t initial_ns, int64_t max_ns, uint64_t seed)
{
    backoff->initial_ns = initial_ns;
    backoff->max_ns = max_ns;
    backoff->random = seed;
    tpi_backoff_reset(backoff);
}

void tpi_backoff_reset(tpi_backoff_t *backoff)
{
    backoff->delay_ns = backoff->initial_ns;
    backoff->due_ns = INT64_MIN;
}

int64_t tpi_backoff_failed(tpi_backoff_t *backoff, int64_t now_ns)
{
    int64_t delay = backoff->delay_ns;
    backoff->delay_ns = delay > backoff->max_ns / 2 ? backoff->max_ns : delay * 2;
    if (0 != backoff->random)
    {
        backoff->random ^= backoff->random << 13;           /* xorshift64 */
        backoff->random ^= backoff->random >> 7;
        backoff->random ^= backoff->random << 17;
        delay -= (int64_t)(backoff->random % (uint64_t)(delay / 4 + 1));
    }
    backoff->due_ns = now_ns + delay;
    return delay;
}

bool tpi_backoff_is_due(const tpi_backoff_t *backoff, int64_t now_ns) { return now_ns >= backoff->due_ns; }
