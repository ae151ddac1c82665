/*
 * A client for bench/times.py, with a driver that is found as every client finds it. Lines on standard output, in nanoseconds:
 *   attach N: in each of N rounds the attach of the producer, of the consumer, and all of it until the first frame arrived
 *   idle:     "attached", then nothing until it is told to end
 *   wait:     as idle, waiting for frames that do not come
 *   follow:   time of the first frame, and of the first frame of each further epoch (CLOCK_MONOTONIC)
 * SIGTERM tells it to end.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <tensor_pool/tp.h>

#include "machine.h"

#define MS INT64_C(1000000)
#define PATIENCE_NS (60000 * MS)

typedef struct pair
{
    tp_client_t *client;
    tp_producer_t *producer;
    tp_consumer_t *consumer;
    tp_tensor_template_t *tensor;
    uint32_t stream_id;
}
pair_t;

static int fail(const char *what)
{
    char text[1024];
    (void)tp_err_format(text, sizeof(text));
    (void)fprintf(stderr, "bench: %s\n%s\n", what, text);
    return 1;
}

/* Publishes until a frame arrives; its epoch, or 0. */
static uint64_t exchange(pair_t *pair)
{
    const uint8_t frame[64] = { 1 };
    const int64_t end_ns = bench_now_ns() + PATIENCE_NS;
    while (bench_now_ns() < end_ns)
    {
        tp_frame_view_t view;
        (void)tp_producer_offer_frame(pair->producer, pair->tensor, frame, sizeof(frame), NULL);
        if (1 == tp_consumer_next(pair->consumer, &view, MS)) { return view.epoch; }
    }
    return 0;
}

static int measure_attach(pair_t *pair, int rounds)
{
    for (int i = 0; i < rounds; i++)
    {
        const int64_t begin_ns = bench_now_ns();
        if (tp_producer_open(&pair->producer, pair->client, pair->stream_id) < 0) { return fail("no producer"); }
        const int64_t producer_ns = bench_now_ns();
        if (tp_consumer_open(&pair->consumer, pair->client, pair->stream_id) < 0) { return fail("no consumer"); }
        const int64_t consumer_ns = bench_now_ns();
        if (0 == exchange(pair)) { return fail("no frame"); }
        (void)printf("%lld %lld %lld\n", (long long)(producer_ns - begin_ns), (long long)(consumer_ns - producer_ns),
            (long long)(bench_now_ns() - begin_ns));
        tp_consumer_close(pair->consumer);
        tp_producer_close(pair->producer);
        pair->consumer = NULL;
        pair->producer = NULL;
    }
    return 0;
}

static bool is_told_to_end(int64_t wait_ns)
{
    sigset_t set;
    const struct timespec wait = { wait_ns / (1000 * MS), wait_ns % (1000 * MS) };
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    return SIGTERM == sigtimedwait(&set, NULL, &wait);
}

static int open_both(pair_t *pair)
{
    if (tp_producer_open(&pair->producer, pair->client, pair->stream_id) < 0) { return fail("no producer"); }
    return tp_consumer_open(&pair->consumer, pair->client, pair->stream_id) < 0 ? fail("no consumer") : 0;
}

static int idle(pair_t *pair, bool waits)
{
    if (0 != open_both(pair)) { return 1; }
    (void)puts("attached");
    tp_frame_view_t view;
    while (!is_told_to_end(waits ? 0 : 3600 * 1000 * MS))
    {
        if (waits && tp_consumer_next(pair->consumer, &view, 1000 * MS) < 0) { return fail("the consumer ended"); }
    }
    return 0;
}

static int follow(pair_t *pair)
{
    uint64_t epoch = 0;
    if (0 != open_both(pair)) { return 1; }
    while (!is_told_to_end(0))
    {
        const uint64_t seen = exchange(pair);
        if (0 == seen) { return fail("no frame"); }
        if (seen > epoch) { (void)printf("%lld\n", (long long)bench_now_ns()); }
        epoch = seen > epoch ? seen : epoch;
    }
    return 0;
}

int main(int argc, char **argv)
{
    pair_t pair = { .stream_id = argc > 2 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0 };
    int rc = 2;
    sigset_t blocked;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)sigemptyset(&blocked);
    (void)sigaddset(&blocked, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &blocked, NULL);              /* before there are threads */
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc < 3) { return rc; }
    if (tp_connect(&pair.client, NULL) < 0 || tp_tensor_template_init(&pair.tensor, TP_DTYPE_UINT8, TP_ROW_MAJOR, 1, (const int32_t[]){ 64 }) < 0)
    {
        return fail("no client");
    }
    if (0 == strcmp(argv[2], "attach") && 4 == argc) { rc = measure_attach(&pair, (int)strtol(argv[3], NULL, 10)); }
    else if (0 == strcmp(argv[2], "idle")) { rc = idle(&pair, false); }
    else if (0 == strcmp(argv[2], "wait")) { rc = idle(&pair, true); }
    else if (0 == strcmp(argv[2], "follow")) { rc = follow(&pair); }
    tp_consumer_close(pair.consumer);
    tp_producer_close(pair.producer);
    tp_tensor_template_close(pair.tensor);
    tp_client_close(pair.client);
    return rc;
}
