/*
 * Hidden verb of the demo: reads frames in place, tells the demo their checksums and its own counts.
 *
 * With --backlog it polls descriptors into a list of its own and reads frames out of it: those whose slot has been taken again are lost
 * (overwritten), and it never begins with one whose slot is about to be taken, so that it loses frames before it reads them and not while. That is
 * for a consumer that may find itself a whole ring behind: one that is slow on purpose (--sleep-frames), and one that starts late, since Aeron
 * serves it from where the slowest subscriber stands, which may be its own dead predecessor.
 */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "connect.h"
#include "demo.h"
#include "picture.h"
#include "verbs.h"

#define DRAIN_NS (3 * CLI_NS_PER_S)
#define PROOF_FRAME 10
#define BACKLOG_MAX 4096
#define MARGIN 12                      /* a slot that will be taken within so many frames is left alone */

static const cli_option_t options[] = {
    CLI_OPT_REAL("hz", 0, hz, "N", 1000, NULL),
    CLI_OPT_REAL("sleep-frames", 0, sleep_frames, "N", 10000, NULL),
    CLI_OPT_FLAG("backlog", 0, backlog, NULL),
    CLI_OPT_TEXT("png", 0, png, "FILE", NULL),
    CLI_OPT_TEXT("inject", 0, inject, "FAULT", NULL),
    CLI_OPT_END,
};

typedef struct watcher
{
    const cli_args_t *args;
    tp_client_t *client;
    tp_consumer_t *consumer;
    uint64_t frames;
    uint64_t before_join[2];
    tp_tensor_t proof_tensor;
    uint8_t *proof;
    size_t proof_bytes;
    bool ending;
    demo_order_t end;
    int64_t end_ns;
    uint64_t backlog[BACKLOG_MAX];     /* seqs not read yet, ascending */
    size_t backlog_count;
    uint64_t newest;
}
watcher_t;

static int open_watcher(watcher_t *watcher, const cli_args_t *args)
{
    tp_consumer_context_t *context = NULL;
    int code = cli_connect(args, &watcher->client, NULL);
    if (CLI_OK != code) { return code; }
    if (tp_consumer_context_init(&context) < 0 || tp_consumer_context_set_stream_id(context, DEMO_STREAM) < 0 ||
        tp_consumer_init(&watcher->consumer, watcher->client, context) < 0)
    {
        code = cli_error_last();
    }
    tp_consumer_context_close(context);
    return code;
}

static bool report(watcher_t *watcher, demo_record_t *record)
{
    tp_consumer_stats_t stats = { .size = sizeof(stats) };
    if (tp_consumer_stats(watcher->consumer, &stats) < 0) { return false; }
    if (DEMO_FRAME == record->kind && 0 == watcher->frames++)
    {
        watcher->before_join[0] = stats.drops[TP_DROP_NOT_MAPPED];
        watcher->before_join[1] = stats.drops[TP_DROP_EPOCH];
    }
    record->first_seq = stats.first_seq;
    record->last_seq = stats.last_seq;
    record->received = stats.received;
    memcpy(record->before_join, watcher->before_join, sizeof(record->before_join));
    memcpy(record->drops, stats.drops, sizeof(record->drops));
    if (NULL != watcher->args->inject && 0 == strcmp(watcher->args->inject, "hide-loss"))
    {
        for (int reason = 0; reason < TP_DROP_REASONS; reason++)
        {
            if (record->drops[reason] > 0) { record->drops[reason]--; break; }
        }
    }
    return demo_record_write(record, sizeof(*record));
}

static void keep_proof(watcher_t *watcher, const tp_frame_view_t *view)
{
    const tp_tensor_t tensor = *view->tensor;
    watcher->proof = malloc(view->payload_bytes);
    if (NULL == watcher->proof) { return; }
    if (tp_consumer_copy_frame(view, watcher->proof, view->payload_bytes) < 0)
    {
        free(watcher->proof);
        watcher->proof = NULL;
        return;
    }
    watcher->proof_tensor = tensor;
    watcher->proof_bytes = view->payload_bytes;
}

static int write_proof(const watcher_t *watcher)
{
    cli_picture_t picture = { 0 };
    char problem[256];
    if (NULL == watcher->args->png || cli_stopped()) { return CLI_OK; }
    if (NULL == watcher->proof) { return cli_error(TP_ELOST, NULL, "no frame for '%s'", watcher->args->png); }
    const char *wrong = cli_picture_from_tensor(&picture, &watcher->proof_tensor, watcher->proof, watcher->proof_bytes);
    int code = NULL != wrong ? cli_error(TP_ETENSOR, NULL, "'%s': %s", watcher->args->png, wrong) : CLI_OK;
    if (NULL == wrong && cli_picture_write_png(&picture, watcher->args->png, problem, sizeof(problem)) < 0)
    {
        code = cli_error(TP_EIO, "choose another file: --png FILE", "'%s' cannot be written: %s", watcher->args->png, problem);
    }
    cli_picture_fini(&picture);
    return code;
}

/* Takes an order; 0, or -1 when the demo is gone. */
static int take_order(watcher_t *watcher, int wait_ms)
{
    demo_order_t order;
    const int got = demo_order_read(&order, watcher->ending ? 0 : wait_ms);
    if (got > 0 && 'e' == order.kind)
    {
        watcher->end = order;
        watcher->ending = true;
        watcher->end_ns = cli_now_ns() + DRAIN_NS;
    }
    return got < 0 ? -1 : 0;
}

/* "Work" of so many frame periods. 0, or -1 when the demo is gone. */
static int work_slowly(watcher_t *watcher)
{
    const double period_ns = 1e9 / (watcher->args->hz > 0.0 ? watcher->args->hz : 25.0);
    const int64_t until_ns = cli_now_ns() + (int64_t)(watcher->args->sleep_frames * period_ns);
    while (!watcher->ending && !cli_stopped())
    {
        const int64_t left_ns = until_ns - cli_now_ns();
        if (left_ns <= 0) { return 0; }
        if (take_order(watcher, (int)(left_ns / 1000000 + 1 < 200 ? left_ns / 1000000 + 1 : 200)) < 0) { return -1; }
    }
    return 0;
}

static void backlog_remove(watcher_t *watcher, size_t at)
{
    watcher->backlog_count--;
    memmove(&watcher->backlog[at], &watcher->backlog[at + 1], (watcher->backlog_count - at) * sizeof(watcher->backlog[0]));
}

static void on_descriptor(void *clientd, const tp_frame_descriptor_t *descriptor)
{
    watcher_t *watcher = clientd;
    tp_frame_view_t view;
    if (BACKLOG_MAX == watcher->backlog_count)
    {
        (void)tp_consumer_read_frame(watcher->consumer, watcher->backlog[0], &view);        /* long overwritten: counted as lost */
        backlog_remove(watcher, 0);
    }
    watcher->backlog[watcher->backlog_count++] = descriptor->seq;
    watcher->newest = descriptor->seq;
}

/* As tp_consumer_next, out of the backlog. */
static int next_of_backlog(watcher_t *watcher, tp_frame_view_t *view)
{
    int rc = 0;
    size_t at = 0;
    do { rc = tp_consumer_poll_descriptors(watcher->consumer, 64); } while (rc > 0);
    while (rc >= 0 && at < watcher->backlog_count)
    {
        const uint64_t seq = watcher->backlog[at];
        const uint64_t age = watcher->newest - seq;
        if (!watcher->ending && age > DEMO_NSLOTS - MARGIN && age < DEMO_NSLOTS) { at++; continue; }
        backlog_remove(watcher, at);
        rc = tp_consumer_read_frame(watcher->consumer, seq, view);
        if (0 != rc) { return rc; }
    }
    if (rc >= 0) { rc = take_order(watcher, 20) < 0 ? TP_CLOSED : 0; }
    return rc;
}

static bool done(const watcher_t *watcher)
{
    tp_consumer_stats_t stats = { .size = sizeof(stats) };
    if (!watcher->ending) { return false; }
    if (cli_now_ns() > watcher->end_ns || tp_consumer_stats(watcher->consumer, &stats) < 0) { return true; }
    return stats.epoch == watcher->end.epoch && stats.last_seq >= watcher->end.seq && 0 == watcher->backlog_count;
}

static int watch(watcher_t *watcher)
{
    tp_frame_view_t view;
    const bool backlog = watcher->args->backlog;
    if (backlog && tp_consumer_set_descriptor_handler(watcher->consumer, on_descriptor, watcher) < 0) { return cli_error_last(); }
    while (!cli_stopped() && !done(watcher))
    {
        if (take_order(watcher, 0) < 0) { return CLI_FAILED; }
        const int rc = backlog ? next_of_backlog(watcher, &view) : tp_consumer_next(watcher->consumer, &view, 20000000);
        if (rc < 0) { return cli_error(TP_EMEDIADRIVER, NULL, "demo consumer: %s", tp_result_name(rc)); }
        if (0 == rc) { continue; }
        const int64_t now_ns = cli_now_ns();
        demo_record_t record = { .kind = DEMO_FRAME, .epoch = view.epoch, .seq = view.seq, .latency_ns = now_ns - (int64_t)view.timestamp_ns };
        record.crc = (uint32_t)crc32(crc32(0, NULL, 0), view.payload, (uInt)view.payload_bytes);
        if (NULL != watcher->args->png && NULL == watcher->proof && watcher->frames >= PROOF_FRAME) { keep_proof(watcher, &view); }
        if (!tp_frame_view_is_valid(&view)) { continue; }
        if (!report(watcher, &record)) { return CLI_FAILED; }
        if (watcher->args->sleep_frames > 0.0 && work_slowly(watcher) < 0) { return CLI_FAILED; }
    }
    return CLI_OK;
}

static int run_consumer(const cli_args_t *args)
{
    static watcher_t watcher;
    demo_record_t record = { .kind = DEMO_READY };
    watcher.args = args;
    int code = open_watcher(&watcher, args);
    const int64_t end_ns = cli_now_ns() + 10 * CLI_NS_PER_S;
    while (CLI_OK == code && !tp_consumer_is_mapped(watcher.consumer) && !cli_stopped())
    {
        if (take_order(&watcher, 2) < 0 || cli_now_ns() > end_ns) { code = cli_error(TP_ETIMEDOUT, NULL, "demo consumer: no regions within 10 s"); }
    }
    if (CLI_OK == code && !report(&watcher, &record)) { code = CLI_FAILED; }
    if (CLI_OK == code) { code = watch(&watcher); }
    if (CLI_OK == code)
    {
        record.kind = DEMO_END;
        if (!report(&watcher, &record)) { code = CLI_FAILED; }
        if (CLI_OK == code) { code = write_proof(&watcher); }
    }
    tp_consumer_close(watcher.consumer);
    tp_client_close(watcher.client);
    free(watcher.proof);
    return code;
}

const cli_verb_t verb_demo_consumer = {
    .name = "demo-consumer", .arguments = "", .min_arguments = 0, .max_arguments = 0, .options = options, .hidden = true, .run = run_consumer,
    .summary = "A process of `tp demo`",
};
