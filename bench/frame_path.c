/*
 * Counts instructions of the frame path under callgrind: `bench/run` toggles the collection at functions of measured.c.
 * One process with media driver, driver, producer and consumer in private directories. The payload is never touched: what is counted is ours.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tensor_pool/tp_services.h>

#include "measured.h"

#define STREAM_ID 10000
#define WARM_UP 64
#define SECOND_NS INT64_C(1000000000)
#define PATIENCE_NS (120 * SECOND_NS)          /* callgrind is slow, and slower on a busy machine */

typedef struct bench
{
    char aeron_dir[256];
    char shm_dir[256];
    char runtime_dir[256];
    tp_driver_t *driver;
    tp_client_t *client;
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

static int fail(const char *what)
{
    char text[1024];
    (void)tp_err_format(text, sizeof(text));
    (void)fprintf(stderr, "bench: %s\n%s\n", what, text);
    return -1;
}

static int make_dirs(bench_t *bench, const char *dir)
{
    (void)snprintf(bench->aeron_dir, sizeof(bench->aeron_dir), "%s/aeron", dir);
    (void)snprintf(bench->shm_dir, sizeof(bench->shm_dir), "%s/shm", dir);
    (void)snprintf(bench->runtime_dir, sizeof(bench->runtime_dir), "%s/run", dir);
    return 0 == mkdir(bench->shm_dir, 0700) && 0 == mkdir(bench->runtime_dir, 0700) ? 0 : -1;
}

static int start_driver(bench_t *bench)
{
    static tp_driver_config_t config;
    tp_driver_config_init(&config);
    int rc = tp_driver_config_set_builtin(&config);
    (void)snprintf(config.aeron_dir, sizeof(config.aeron_dir), "%s", bench->aeron_dir);
    (void)snprintf(config.base_dir, sizeof(config.base_dir), "%s", bench->shm_dir);
    (void)snprintf(config.runtime_dir, sizeof(config.runtime_dir), "%s", bench->runtime_dir);
    (void)snprintf(config.media_driver, sizeof(config.media_driver), "embedded");
    config.lease_keepalive_interval_ms = 20000;        /* callgrind is slow: no lease may expire */
    if (0 == rc) { rc = tp_driver_init(&bench->driver, &config); }
    if (0 == rc) { rc = tp_driver_start(bench->driver); }
    tp_driver_config_fini(&config);
    return rc < 0 ? fail("the driver does not start") : 0;
}

static int start_client(bench_t *bench)
{
    tp_context_t *context = NULL;
    int rc = tp_context_init(&context);
    if (0 == rc) { rc = tp_context_set_aeron_dir(context, bench->aeron_dir); }
    if (0 == rc) { rc = tp_context_add_allowed_base_dir(context, bench->shm_dir); }
    if (0 == rc) { rc = tp_context_set_driver_timeout_ns(context, PATIENCE_NS); }
    if (0 == rc) { rc = tp_context_set_message_timeout_ns(context, 30 * SECOND_NS); }
    if (0 == rc) { rc = tp_connect(&bench->client, context); }
    tp_context_close(context);
    return rc < 0 ? fail("the client does not start") : 0;
}

static int open_producer(bench_t *bench)
{
    tp_producer_context_t *context = NULL;
    int rc = tp_producer_context_init(&context);
    if (0 == rc) { rc = tp_producer_context_set_stream_id(context, STREAM_ID); }
    if (0 == rc) { rc = tp_producer_context_set_attach_timeout_ns(context, PATIENCE_NS); }
    if (0 == rc) { rc = tp_producer_init(&bench->producer, bench->client, context); }
    tp_producer_context_close(context);
    return rc < 0 ? fail("no producer") : 0;
}

static int open_consumer(bench_t *bench)
{
    tp_consumer_context_t *context = NULL;
    int rc = tp_consumer_context_init(&context);
    if (0 == rc) { rc = tp_consumer_context_set_stream_id(context, STREAM_ID); }
    if (0 == rc) { rc = tp_consumer_context_set_attach_timeout_ns(context, PATIENCE_NS); }
    if (0 == rc) { rc = tp_consumer_init(&bench->consumer, bench->client, context); }
    if (0 == rc) { rc = tp_consumer_set_frame_handler(bench->consumer, on_frame, bench); }
    tp_consumer_context_close(context);
    return rc < 0 ? fail("no consumer") : 0;
}

static int open_stream(bench_t *bench, int32_t bytes)
{
    if (tp_tensor_template_init(&bench->shape, TP_DTYPE_UINT8, TP_ROW_MAJOR, 1, &bytes) < 0) { return fail("no shape"); }
    return open_producer(bench) < 0 ? -1 : open_consumer(bench);
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
    return bench->frames >= WARM_UP ? 0 : fail("no frame arrives");
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

int main(int argc, char **argv)
{
    if (argc < 4) { (void)fprintf(stderr, "usage: frame_path DIRECTORY PAYLOAD_BYTES FRAMES [traced|batches]\n"); return 2; }
    static bench_t bench;
    int rc = make_dirs(&bench, argv[1]);
    if (0 == rc) { rc = start_driver(&bench); }
    if (0 == rc) { rc = start_client(&bench); }
    if (0 == rc) { rc = open_stream(&bench, (int32_t)strtol(argv[2], NULL, 10)); }
    const bool batches = argc > 4 && 0 == strcmp(argv[4], "batches");
    if (0 == rc && argc > 4 && !batches) { rc = tp_producer_set_trace(bench.producer, true) < 0 ? fail("no tracing") : 0; }
    if (0 == rc) { rc = warm_up(&bench); }
    if (0 == rc) { rc = (batches ? measure_batches : measure)(&bench, strtoul(argv[3], NULL, 10)); }
    tp_producer_close(bench.producer);
    tp_consumer_close(bench.consumer);
    tp_tensor_template_close(bench.shape);
    tp_client_close(bench.client);
    tp_driver_close(bench.driver);
    return 0 == rc ? EXIT_SUCCESS : EXIT_FAILURE;
}
