/* The only reader of the system clocks. Any thread. */
#include "common/clock.h"

#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec now;
    (void)clock_gettime(id, &now);      /* cannot fail for these clocks */
    return (int64_t)now.tv_sec * TPI_NS_PER_S + (int64_t)now.tv_nsec;
}

int64_t tpi_clock_monotonic_ns(void) { return read_clock(CLOCK_MONOTONIC); }
int64_t tpi_clock_coarse_ns(void) { return read_clock(CLOCK_MONOTONIC_COARSE); }
int64_t tpi_clock_realtime_ns(void) { return read_clock(CLOCK_REALTIME); }
