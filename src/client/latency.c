/*
 * Owns one recorder (the writer's) and the total (the readers', under their mutex). A reader takes the recorder's histogram, gives it an empty one
 * instead, waits until the writer has left the old one, and adds it to the total.
 */
#include "client/latency.h"

#include <hdr/hdr_histogram.h>
#include <hdr/hdr_interval_recorder.h>
#include <pthread.h>
#include <string.h>

#include "client/stat.h"
#include "common/alloc.h"
#include "common/err.h"

#define FIGURES 3

struct tpi_latency
{
    struct hdr_interval_recorder recorder;
    tpi_stat_t max_ns;
    pthread_mutex_t mutex;             /* between readers */
    struct hdr_histogram *total;
    struct hdr_histogram *spare;       /* empty or added already */
};

static void delete_histogram(struct hdr_histogram *histogram)
{
    if (NULL != histogram) { hdr_close(histogram); }
}

int tpi_latency_create(tpi_latency_t **latency)
{
    tpi_latency_t *l = tpi_alloc(sizeof(*l));
    if (NULL == l) { return -1; }
    if (0 != hdr_interval_recorder_init_all(&l->recorder, 1, TPI_LATENCY_MAX_NS, FIGURES) ||
        0 != hdr_init(1, TPI_LATENCY_MAX_NS, FIGURES, &l->total) || 0 != hdr_init(1, TPI_LATENCY_MAX_NS, FIGURES, &l->spare) ||
        0 != pthread_mutex_init(&l->mutex, NULL))
    {
        TPI_SET_ERR(TP_ENOMEM, "no memory for a latency histogram");
        delete_histogram(l->spare);
        delete_histogram(l->total);
        if (NULL != l->recorder.phaser.reader_mutex) { hdr_interval_recorder_destroy(&l->recorder); }
        tpi_free(l);
        return -1;
    }
    *latency = l;
    return 0;
}

void tpi_latency_delete(tpi_latency_t *latency)
{
    if (NULL == latency) { return; }
    (void)pthread_mutex_destroy(&latency->mutex);
    hdr_interval_recorder_destroy(&latency->recorder);
    delete_histogram(latency->total);
    delete_histogram(latency->spare);
    tpi_free(latency);
}

void tpi_latency_record(tpi_latency_t *latency, int64_t ns)
{
    const int64_t value = ns < 0 ? 0 : ns;
    (void)hdr_interval_recorder_record_value(&latency->recorder, value < TPI_LATENCY_MAX_NS ? value : TPI_LATENCY_MAX_NS);
    if ((uint64_t)value > tpi_stat_get(&latency->max_ns)) { tpi_stat_set(&latency->max_ns, (uint64_t)value); }
}

static uint64_t percentile(const struct hdr_histogram *total, double percent, uint64_t max_ns)
{
    const uint64_t value = (uint64_t)hdr_value_at_percentile(total, percent);
    return value < max_ns ? value : max_ns;
}

void tpi_latency_read(tpi_latency_t *latency, tpi_latency_summary_t *summary)
{
    memset(summary, 0, sizeof(*summary));
    if (NULL == latency) { return; }
    (void)pthread_mutex_lock(&latency->mutex);
    latency->spare = hdr_interval_recorder_sample_and_recycle(&latency->recorder, latency->spare);
    (void)hdr_add(latency->total, latency->spare);
    summary->max_ns = tpi_stat_get(&latency->max_ns);
    summary->count = (uint64_t)latency->total->total_count;
    if (0 != summary->count)
    {
        summary->p50_ns = percentile(latency->total, 50.0, summary->max_ns);
        summary->p99_ns = percentile(latency->total, 99.0, summary->max_ns);
    }
    (void)pthread_mutex_unlock(&latency->mutex);
}
