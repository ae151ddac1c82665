/*
 * Counts instructions of the frame path under callgrind: `bench/run` toggles the collection at functions of measured.c.
 * One process with media driver, driver, producer and consumer in private directories. The payload is never touched: what is counted is ours.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "measured.h"
#include "one_driver.h"

#define WARM_UP 64

typedef struct bench
{
    one_driver_t one;
    tp_producer_t *producer;
    tp_consumer_t *consumer;
    tp_tensor_template_t *shape;
    uint64_t frames;                   /* seen by the handler */
}
bench_t;

static void on_frame(void *clientd, const tp_frame_view_t *view)
{
    bench_t *const bench = clientd;
    if (NULL != view->payload) { bench->frames++; }
}

static int open_reader(bench_t *bench, bool observes)
{
    return (observes ? one_driver_observer : one_driver_consumer)(&bench->one, &bench->consumer);
}

static int open_stream(bench_t *bench, const char *dir, int32_t bytes, bool observes)
{
    if (one_driver_start(&bench->one, dir, 0, 0) < 0) { return -1; }
    if (tp_tensor_template_init(&bench->shape, TP_DTYPE_UINT8, TP_ROW_MAJOR, 1, &bytes) < 0) { return one_driver_fail("no shape"); }
    if (one_driver_producer(&bench->one, &bench->producer) < 0 || open_reader(bench, observes) < 0) { return -1; }
    return tp_consumer_set_frame_handler(bench->consumer, on_frame, bench) < 0 ? one_driver_fail("no handler") : 0;
}

/* Frames until the consumer sees them: it needs a moment to map and to connect. Not measured. */
static int warm_up(bench_t *bench)
{
    for (int i = 0; i < 100000 && bench->frames < WARM_UP; i++)
    {
        tp_buffer_claim_t claim;
        if (tp_producer_try_claim(bench->producer, bench->shape, &claim) >= 0)
        {
            (void)tp_producer_commit_claim(bench->producer, &claim, NULL);
        }
        if (tp_consumer_poll_descriptors(bench->consumer, 10) <= 0) { (void)usleep(1000); }
    }
    while (tp_consumer_poll_descriptors(bench->consumer, 10) > 0) { }
    return bench->frames >= WARM_UP ? 0 : one_driver_fail("no frame arrives");
}

static int measure(bench_t *bench, unsigned long count)
{
    for (unsigned long i = 0; i < count; i++)
    {
        tp_buffer_claim_t claim;
        const int64_t seq = measure_produce(bench->producer, bench->shape, &claim);
        if (seq < 0) { (void)fprintf(stderr, "bench: commit says %s\n", tp_result_name(seq)); return -1; }
        const int frames = measure_consume(bench->consumer);
        if (1 != frames) { (void)fprintf(stderr, "bench: poll says %d\n", frames); return -1; }
    }
    return 0;
}

/* Ten frames, and then all of them in one poll. */
static int measure_batches(bench_t *bench, unsigned long count)
{
    for (unsigned long i = 0; i < count; i += MEASURED_BATCH)
    {
        for (int k = 0; k < MEASURED_BATCH; k++)
        {
            tp_buffer_claim_t claim;
            const int64_t seq = measure_produce(bench->producer, bench->shape, &claim);
            if (seq < 0) { (void)fprintf(stderr, "bench: commit says %s\n", tp_result_name(seq)); return -1; }
        }
        const int frames = measure_consume_batch(bench->consumer);
        if (MEASURED_BATCH != frames) { (void)fprintf(stderr, "bench: poll says %d\n", frames); return -1; }
    }
    return 0;
}

/* An observer looks before and after each frame. */
static int measure_observer(bench_t *bench, unsigned long count)
{
    for (unsigned long i = 0; i < count; i++)
    {
        tp_buffer_claim_t claim;
        const int nothing = measure_observe_nothing(bench->consumer);
        const int64_t seq = measure_produce(bench->producer, bench->shape, &claim);
        const int frames = measure_observe(bench->consumer);
        if (0 != nothing || (seq < 0 && TP_NOT_CONNECTED != seq) || 1 != frames)          /* nobody subscribes to descriptors */
        {
            (void)fprintf(stderr, "bench: commit says %s, polls say %d, %d\n", tp_result_name(seq), nothing, frames);
            return -1;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 4) { (void)fprintf(stderr, "usage: frame_path DIRECTORY PAYLOAD_BYTES FRAMES [traced|batches|observed]\n"); return 2; }
    static bench_t bench;
    const char *const mode = argc > 4 ? argv[4] : "";
    const bool observes = 0 == strcmp(mode, "observed");
    int rc = open_stream(&bench, argv[1], (int32_t)strtol(argv[2], NULL, 10), observes);
    if (0 == rc && 0 == strcmp(mode, "traced")) { rc = tp_producer_set_trace(bench.producer, true) < 0 ? one_driver_fail("no tracing") : 0; }
    if (0 == rc) { rc = warm_up(&bench); }
    if (0 == rc)
    {
        rc = (observes ? measure_observer : 0 == strcmp(mode, "batches") ? measure_batches : measure)(&bench, strtoul(argv[3], NULL, 10));
    }
    tp_producer_close(bench.producer);
    tp_consumer_close(bench.consumer);
    tp_tensor_template_close(bench.shape);
    one_driver_stop(&bench.one);
    return 0 == rc ? EXIT_SUCCESS : EXIT_FAILURE;
}
