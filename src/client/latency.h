/*
 * A histogram of latencies: 64 powers of two with 16 linear steps each, so a value is known to 1/16. One writer; readers on any thread see
 * a moment's counts. (Of the width of HdrHistogram's 1 significant figure; recording is two instructions and a relaxed store.)
 */
#ifndef TPI_CLIENT_LATENCY_H
#define TPI_CLIENT_LATENCY_H

#include "client/stat.h"

#define TPI_LATENCY_STEPS 16u
#define TPI_LATENCY_BUCKETS (61u * TPI_LATENCY_STEPS)

typedef struct tpi_latency
{
    tpi_stat_t count;
    tpi_stat_t max_ns;
    tpi_stat_t buckets[TPI_LATENCY_BUCKETS];
}
tpi_latency_t;

/* The writer's thread. Negative values count as 0. */
void tpi_latency_record(tpi_latency_t *latency, int64_t ns);
/* Upper bound of the bucket that holds the value at that share (0..1); never above the maximum; 0 when empty. */
uint64_t tpi_latency_percentile(const tpi_latency_t *latency, double share);

#endif
