/* What the row programs need of the machine. Static inline: each of them is one file. */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

#include <sched.h>
#include <stdint.h>
#include <time.h>

static inline int64_t bench_now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static inline void bench_pause_ns(int64_t ns)
{
    const struct timespec pause = { .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };
    (void)nanosleep(&pause, NULL);
}

/* The calling thread, and those that it starts from now on; below 0: wherever they are. */
static inline void bench_pin(int cpu)
{
    cpu_set_t set;
    if (cpu < 0) { return; }
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    (void)sched_setaffinity(0, sizeof(set), &set);
}

#endif
