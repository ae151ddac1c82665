/* The only reader of the system clocks. Any thread. */
#include "common/clock.h"

int64_t tpi_clock_monotonic_ns(void) { return tpi_clock_read_ns(CLOCK_MONOTONIC); }
int64_t tpi_clock_coarse_ns(void) { return tpi_clock_read_ns(CLOCK_MONOTONIC_COARSE); }
int64_t tpi_clock_realtime_ns(void) { return tpi_clock_read_ns(CLOCK_REALTIME); }
