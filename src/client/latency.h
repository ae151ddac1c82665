/*
 * A histogram of latencies, by HdrHistogram: values are known to three significant figures. One thread records, without lock and without allocation;
 * any thread reads. What was recorded is taken over by a reader (writer-reader phaser), so that no word is written by two threads.
 */
#ifndef TPI_CLIENT_LATENCY_H
#define TPI_CLIENT_LATENCY_H

#include <stdint.h>

#define TPI_LATENCY_MAX_NS INT64_C(3600000000000)      /* longer ones count as that long in the percentiles */

typedef struct tpi_latency tpi_latency_t;

typedef struct tpi_latency_summary
{
    uint64_t count;
    uint64_t p50_ns;
    uint64_t p99_ns;
    uint64_t max_ns;                   /* exact */
}
tpi_latency_summary_t;

int tpi_latency_create(tpi_latency_t **latency);
/* Accepts NULL. */
void tpi_latency_delete(tpi_latency_t *latency);
/* The writer's thread. Negative values count as 0. */
void tpi_latency_record(tpi_latency_t *latency, int64_t ns);
/* Any thread but inside the writer's call; all 0 for NULL and while nothing was recorded. */
void tpi_latency_read(tpi_latency_t *latency, tpi_latency_summary_t *summary);

#endif
