/* Hidden verb of tp bench: publishes as it is ordered, and is the side that keeps the time of a chunk. */
#include <hdr/hdr_histogram.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "connect.h"
#include "out.h"
#include "verbs.h"

#define LOST_NS CLI_NS_PER_S           /* a frame that was not taken by then will not be */
#define LOST_MOST 3
#define GAP 16                         /* turns of waiting between two frames: the subscriber polls again by then */
#define HIGHEST_NS (10 * CLI_NS_PER_S)

typedef struct publisher
{
    bench_child_t child;
    tp_producer_t *producer;
    tp_tensor_template_t *tensor;
    size_t tensor_bytes;
    uint64_t window;                   /* frames that may be under way */
    uint8_t *source;                   /* what is copied */
    struct hdr_histogram *histogram;
    uint32_t order;                    /* under way */
    bench_record_t record;
}
publisher_t;

static int open_producer(publisher_t *p, uint64_t stream_id)
{
    tp_producer_context_t *context = NULL;
    int code = CLI_OK;
    if (tp_producer_context_init(&context) < 0 || tp_producer_context_set_stream_id(context, (uint32_t)stream_id) < 0 ||
        tp_producer_init(&p->producer, p->child.client, context) < 0)
    {
        code = cli_error_last();
    }
    tp_producer_context_close(context);
    return code;
}

static int shape(publisher_t *p, size_t bytes)
{
    const int32_t dims[] = { (int32_t)bytes };
    if (bytes == p->tensor_bytes) { return CLI_OK; }
    tp_tensor_template_close(p->tensor);
    p->tensor = NULL;
    p->tensor_bytes = 0;
    free(p->source);
    p->source = malloc(bytes);
    if (NULL == p->source) { return cli_error(TP_ENOMEM, NULL, "no memory for a frame of %zu bytes", bytes); }
    memset(p->source, 0x5a, bytes);
    if (tp_tensor_template_init(&p->tensor, TP_DTYPE_UINT8, TP_ROW_MAJOR, 1, dims) < 0) { return cli_error_last(); }
    p->tensor_bytes = bytes;
    return CLI_OK;
}

static int refused(const char *what, int64_t result)
{
    return cli_error(TP_ESTATE, "tp info STREAM shows its slots", "%s: %s", what, tp_result_name((int)result));
}

static int claim(publisher_t *p, tp_buffer_claim_t *claimed)
{
    const int64_t seq = tp_producer_try_claim(p->producer, p->tensor, claimed);
    return seq < 0 ? refused("claim", seq) : CLI_OK;
}

/* Nobody listening is for the subscriber to notice; a descriptor that waits goes out with the next one. */
static int commit(publisher_t *p, tp_buffer_claim_t *claimed)
{
    const int64_t seq = tp_producer_commit_claim(p->producer, claimed, NULL);
    return seq < 0 && TP_NOT_CONNECTED != seq && TP_BACK_PRESSURED != seq ? refused("commit", seq) : CLI_OK;
}

/* Until the subscriber has taken sent frames but those given up; one more is given up when that takes too long. */
static int await(publisher_t *p, uint64_t sent)
{
    int64_t end_ns = 0;
    for (uint32_t turn = 0; atomic_load_explicit(&p->child.page->ack, memory_order_acquire) + p->record.lost < sent; turn++)
    {
        bench_child_wait(&p->child);
        if (0 != turn % 1024) { continue; }
        (void)tp_producer_flush(p->producer);          /* descriptors that wait for room */
        if (cli_stopped()) { return CLI_FAILED; }
        if (0 == end_ns) { end_ns = cli_now_ns() + LOST_NS; }
        if (cli_now_ns() < end_ns) { continue; }
        end_ns = 0;
        if (++p->record.lost > LOST_MOST)
        {
            return cli_error(TP_ELOST, "tp doctor", "order '%c': %d frames of %zu bytes did not arrive", (char)p->order, (int)p->record.lost,
                p->tensor_bytes);
        }
    }
    return CLI_OK;
}

static void gap(const publisher_t *p)
{
    for (int i = 0; i < GAP; i++) { bench_child_wait(&p->child); }
}

/* ---- the chunks ---- */

static int warm(publisher_t *p)
{
    const int64_t end_ns = cli_now_ns() + BENCH_STUCK_NS;
    while (0 == atomic_load(&p->child.page->ack))
    {
        tp_buffer_claim_t claimed;
        int code = claim(p, &claimed);
        if (CLI_OK == code) { code = commit(p, &claimed); }
        if (CLI_OK != code) { return code; }
        if (cli_stopped() || cli_now_ns() > end_ns) { return cli_error(TP_ETIMEDOUT, "tp doctor", "no frame arrives within 10 s"); }
        cli_sleep_ns(500000);
    }
    return CLI_OK;
}

static int floor_chunk(publisher_t *p, int64_t end_ns)
{
    bench_page_t *const page = p->child.page;
    int code = CLI_OK;
    for (uint64_t sent = 1; CLI_OK == code && !cli_stopped(); sent++)
    {
        const int64_t now_ns = cli_now_ns();
        if (now_ns > end_ns) { break; }
        gap(p);
        atomic_store_explicit(&page->line[1], (int64_t)sent, memory_order_relaxed);
        atomic_store_explicit(&page->line[0], cli_now_ns(), memory_order_relaxed);
        atomic_store_explicit(&page->flag, sent, memory_order_release);
        code = await(p, sent);
        p->record.count++;
    }
    return code;
}

static int latency_chunk(publisher_t *p, int64_t end_ns)
{
    int code = CLI_OK;
    for (uint64_t sent = 1; CLI_OK == code && !cli_stopped() && cli_now_ns() < end_ns; sent++)
    {
        tp_buffer_claim_t claimed;
        code = claim(p, &claimed);
        if (CLI_OK != code) { break; }
        memset(claimed.payload, (int)(sent & 0xff), p->tensor_bytes);
        gap(p);
        claimed.timestamp_ns = (uint64_t)cli_now_ns();
        code = commit(p, &claimed);
        if (CLI_OK == code) { code = await(p, sent); }
        p->record.count++;
    }
    return code;
}

static int throughput_chunk(publisher_t *p, int64_t end_ns)
{
    const int64_t begin_ns = cli_now_ns();
    uint64_t sent = 0;
    int code = CLI_OK;
    while (CLI_OK == code && !cli_stopped() && (0 != sent % 32 || cli_now_ns() < end_ns))
    {
        tp_buffer_claim_t claimed;
        code = claim(p, &claimed);
        if (CLI_OK != code) { break; }
        memcpy(claimed.payload, p->source, p->tensor_bytes);
        code = commit(p, &claimed);
        sent++;
        if (CLI_OK == code && sent > p->window) { code = await(p, sent - p->window); }
    }
    if (CLI_OK == code) { code = await(p, sent); }
    p->record.count = sent;
    p->record.elapsed_ns = cli_now_ns() - begin_ns;
    return code;
}

/* The same copies into as many places, into memory that nobody reads. */
static int memcpy_chunk(publisher_t *p, int64_t end_ns)
{
    const size_t room = p->child.page_bytes - offsetof(bench_page_t, end);
    if (0 == p->tensor_bytes || 0 == p->window) { return cli_error(TP_EINVAL, NULL, "no stream is open"); }
    const size_t places = room / p->tensor_bytes < p->window * 2 ? room / p->tensor_bytes : (size_t)p->window * 2;
    const int64_t begin_ns = cli_now_ns();
    uint64_t copied = 0;
    if (0 == places) { return cli_error(TP_EINVAL, NULL, "the page has no room for a frame of %zu bytes", p->tensor_bytes); }
    while (!cli_stopped() && (0 != copied % 32 || cli_now_ns() < end_ns))
    {
        uint8_t *const to = p->child.page->end + copied % places * p->tensor_bytes;
        memcpy(to, p->source, p->tensor_bytes);
        __asm__ volatile("" : : "r"(to) : "memory");
        copied++;
    }
    p->record.count = copied;
    p->record.elapsed_ns = cli_now_ns() - begin_ns;
    return CLI_OK;
}

static int publish_chunk(publisher_t *p, int64_t end_ns)
{
    const uint64_t batch = p->window < BENCH_BATCH ? p->window : BENCH_BATCH;
    int code = CLI_OK;
    if (0 == batch) { return cli_error(TP_EINVAL, NULL, "no stream is open"); }
    hdr_reset(p->histogram);
    for (uint64_t batches = 1; CLI_OK == code && !cli_stopped() && cli_now_ns() < end_ns; batches++)
    {
        const int64_t begin_ns = cli_now_ns();
        for (uint64_t i = 0; CLI_OK == code && i < batch; i++)
        {
            tp_buffer_claim_t claimed;
            code = claim(p, &claimed);
            if (CLI_OK == code) { code = commit(p, &claimed); }
        }
        (void)hdr_record_value(p->histogram, (cli_now_ns() - begin_ns) * BENCH_BATCH / (int64_t)batch);
        atomic_store_explicit(&p->child.page->flag, batches * batch, memory_order_release);
        if (CLI_OK == code) { code = await(p, batches * batch); }
        p->record.count += batch;
    }
    p->record.p50_ns = hdr_value_at_percentile(p->histogram, 50.0);
    p->record.p99_ns = hdr_value_at_percentile(p->histogram, 99.0);
    return code;
}

static int obey(publisher_t *p, const demo_order_t *order)
{
    const int64_t end_ns = cli_now_ns() + (int64_t)order->seq;
    int code = CLI_OK;
    p->record = (bench_record_t){ .kind = DEMO_READY };
    p->order = order->kind;
    if (BENCH_OPEN == order->kind)
    {
        p->window = order->seq;
        return open_producer(p, order->epoch);
    }
    if (BENCH_CLOSE == order->kind)
    {
        tp_producer_close(p->producer);
        p->producer = NULL;
        return CLI_OK;
    }
    if (BENCH_FLOOR != order->kind) { code = shape(p, BENCH_WARM == order->kind ? 1 : (size_t)order->epoch); }
    if (CLI_OK != code) { return code; }
    switch (order->kind)
    {
        case BENCH_WARM: code = warm(p); break;
        case BENCH_FLOOR: code = floor_chunk(p, end_ns); break;
        case BENCH_LATENCY: code = latency_chunk(p, end_ns); break;
        case BENCH_THROUGHPUT: code = throughput_chunk(p, end_ns); break;
        case BENCH_MEMCPY: code = memcpy_chunk(p, end_ns); break;
        case BENCH_PUBLISH: code = publish_chunk(p, end_ns); break;
        default: return cli_error(TP_EINVAL, NULL, "order %d", (int)order->kind);
    }
    atomic_store_explicit(&p->child.page->stop, 1, memory_order_release);
    return code;
}

static int run_publisher(const cli_args_t *args)
{
    publisher_t publisher = { .producer = NULL };
    demo_order_t order;
    int code = bench_child_open(&publisher.child, args);
    if (CLI_OK == code && 0 != hdr_init(1, HIGHEST_NS, 3, &publisher.histogram)) { code = cli_error(TP_ENOMEM, NULL, "no memory for a histogram"); }
    if (CLI_OK == code && !demo_record_write(&(bench_record_t){ .kind = DEMO_READY }, sizeof(bench_record_t))) { code = CLI_FAILED; }
    while (CLI_OK == code && 1 == bench_child_order(&order))
    {
        code = obey(&publisher, &order);
        if (CLI_OK == code && !demo_record_write(&publisher.record, sizeof(publisher.record))) { code = CLI_FAILED; }
    }
    tp_producer_close(publisher.producer);
    tp_tensor_template_close(publisher.tensor);
    free(publisher.source);
    if (NULL != publisher.histogram) { hdr_close(publisher.histogram); }
    bench_child_close(&publisher.child);
    return code;
}

const cli_verb_t verb_bench_publisher = {
    .name = "bench-publisher", .arguments = "", .min_arguments = 0, .max_arguments = 0, .options = bench_child_options, .hidden = true,
    .run = run_publisher, .summary = "A process of `tp bench`",
};
