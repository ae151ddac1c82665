/* The clocks. Protocol code never calls these: time is an argument. */
#ifndef TPI_COMMON_CLOCK_H
#define TPI_COMMON_CLOCK_H

#include <stdint.h>
#include <time.h>

#define TPI_NS_PER_US INT64_C(1000)
#define TPI_NS_PER_MS INT64_C(1000000)
#define TPI_NS_PER_S INT64_C(1000000000)

int64_t tpi_clock_monotonic_ns(void);   /* CLOCK_MONOTONIC, through the vDSO */
int64_t tpi_clock_coarse_ns(void);      /* CLOCK_MONOTONIC as of the last tick: some ms behind, for a fraction of the price */
int64_t tpi_clock_realtime_ns(void);    /* CLOCK_REALTIME */

/* What these do, for hot paths. */
static inline int64_t tpi_clock_read_ns(clockid_t id)
{
    struct timespec now;
    (void)clock_gettime(id, &now);      /* cannot fail for these clocks */
    return (int64_t)now.tv_sec * TPI_NS_PER_S + (int64_t)now.tv_nsec;
}

/* A point in time and a duration that is not negative; INT64_MAX ("never") instead of an overflow. */
static inline int64_t tpi_clock_add_ns(int64_t at_ns, int64_t duration_ns)
{
    return at_ns > INT64_MAX - duration_ns ? INT64_MAX : at_ns + duration_ns;
}

static inline int64_t tpi_least_ns(int64_t a_ns, int64_t b_ns) { return a_ns < b_ns ? a_ns : b_ns; }

#endif
