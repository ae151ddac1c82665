/* Hidden verb of tp bench: one or many consumers in one process, polled by one thread; stops the clock at the first payload byte. */
#include <hdr/hdr_histogram.h>
#include <string.h>

#include "bench.h"
#include "connect.h"
#include "out.h"
#include "verbs.h"

#define HIGHEST_NS (10 * CLI_NS_PER_S)
#define PAGE_BYTES 4096
#define POLL_LIMIT 64

typedef struct subscriber subscriber_t;

typedef struct reader
{
    subscriber_t *of;
    tp_consumer_t *consumer;
    uint64_t frames;                   /* of this chunk */
}
reader_t;

struct subscriber
{
    bench_child_t child;
    uint32_t doing;                    /* bench_order_t */
    reader_t readers[BENCH_CONSUMERS_MOST];
    int count;
    uint64_t seen;                     /* keeps the reads */
    struct hdr_histogram *histogram;
    bench_record_t record;
};

static void on_frame(void *clientd, const tp_frame_view_t *view)
{
    reader_t *const reader = clientd;
    subscriber_t *const s = reader->of;
    const volatile uint8_t *const bytes = view->payload;
    s->seen += bytes[0];
    if (BENCH_LATENCY == s->doing)
    {
        (void)hdr_record_value(s->histogram, cli_now_ns() - (int64_t)view->timestamp_ns);
    }
    else if (BENCH_THROUGHPUT == s->doing)
    {
        for (size_t at = PAGE_BYTES; at < view->payload_bytes; at += PAGE_BYTES) { s->seen += bytes[at]; }
    }
    if (tp_frame_view_is_valid(view)) { reader->frames++; }
}

static int open_consumer(subscriber_t *s, reader_t *reader, uint64_t stream_id)
{
    tp_consumer_context_t *context = NULL;
    int code = CLI_OK;
    *reader = (reader_t){ .of = s };
    if (tp_consumer_context_init(&context) < 0 || tp_consumer_context_set_stream_id(context, (uint32_t)stream_id) < 0 ||
        tp_consumer_init(&reader->consumer, s->child.client, context) < 0 ||
        tp_consumer_set_frame_handler(reader->consumer, on_frame, reader) < 0)
    {
        code = cli_error_last();
    }
    tp_consumer_context_close(context);
    return code;
}

static void close_all(subscriber_t *s)
{
    for (int i = 0; i < s->count; i++) { tp_consumer_close(s->readers[i].consumer); }
    s->count = 0;
}

static int open_all(subscriber_t *s, uint64_t stream_id, uint64_t count)
{
    int code = CLI_OK;
    while (CLI_OK == code && (uint64_t)s->count < count)
    {
        code = open_consumer(s, &s->readers[s->count], stream_id);
        s->count++;
    }
    return code;
}

static bool is_over(const subscriber_t *s)
{
    return 0 != atomic_load_explicit(&s->child.page->stop, memory_order_acquire) || cli_stopped();
}

static int poll_one(reader_t *reader)
{
    const int frames = tp_consumer_poll_descriptors(reader->consumer, POLL_LIMIT);
    return frames < 0 ? -cli_error(TP_ESTATE, NULL, "poll: %s", tp_result_name(frames)) : frames;
}

/* What the publisher sent before it stopped is there: nothing of it may be counted in the next chunk. */
static int drain(subscriber_t *s)
{
    int frames = 0;
    for (int i = 0; i < s->count && frames >= 0; i++)
    {
        do { frames = poll_one(&s->readers[i]); } while (frames > 0);
    }
    return frames < 0 ? -frames : CLI_OK;
}

/* ---- the chunks ---- */

static int warm(subscriber_t *s)
{
    int with_frames = 0;
    while (!is_over(s))
    {
        with_frames = 0;
        for (int i = 0; i < s->count; i++)
        {
            const int frames = poll_one(&s->readers[i]);
            if (frames < 0) { return -frames; }
            with_frames += s->readers[i].frames > 0 ? 1 : 0;
        }
        if (with_frames == s->count) { atomic_store_explicit(&s->child.page->ack, 1, memory_order_release); }
        bench_child_wait(&s->child);
    }
    return drain(s);
}

static int floor_chunk(subscriber_t *s)
{
    bench_page_t *const page = s->child.page;
    uint64_t taken = 0;
    while (!is_over(s))
    {
        if (atomic_load_explicit(&page->flag, memory_order_acquire) == taken) { bench_child_wait(&s->child); continue; }
        const int64_t sent_ns = atomic_load_explicit(&page->line[0], memory_order_relaxed);
        s->seen += (uint64_t)atomic_load_explicit(&page->line[1], memory_order_relaxed);
        (void)hdr_record_value(s->histogram, cli_now_ns() - sent_ns);
        atomic_store_explicit(&page->ack, ++taken, memory_order_release);
    }
    s->record.count = taken;
    return CLI_OK;
}

/* Latency and throughput: one consumer, each frame acknowledged. */
static int read_chunk(subscriber_t *s)
{
    reader_t *const reader = &s->readers[0];
    while (!is_over(s))
    {
        const int frames = poll_one(reader);
        if (frames < 0) { return -frames; }
        if (frames > 0) { atomic_store_explicit(&s->child.page->ack, reader->frames, memory_order_release); }
        else { bench_child_wait(&s->child); }
    }
    s->record.count = reader->frames;
    return drain(s);
}

/* Between two batches of the publisher every consumer reads all of it. */
static int publish_chunk(subscriber_t *s)
{
    bench_page_t *const page = s->child.page;
    uint64_t taken = 0;
    while (!is_over(s))
    {
        const uint64_t sent = atomic_load_explicit(&page->flag, memory_order_acquire);
        if (sent == taken) { bench_child_wait(&s->child); continue; }
        for (int i = 0; i < s->count; i++)
        {
            const int64_t end_ns = cli_now_ns() + BENCH_STUCK_NS;
            while (s->readers[i].frames < sent)
            {
                const int frames = poll_one(&s->readers[i]);
                if (frames < 0) { return -frames; }
                if (0 == frames && (is_over(s) || cli_now_ns() > end_ns)) { break; }
            }
            s->record.lost += sent - (s->readers[i].frames < sent ? s->readers[i].frames : sent);
            s->readers[i].frames = sent;
        }
        taken = sent;
        atomic_store_explicit(&page->ack, taken, memory_order_release);
    }
    s->record.count = taken;
    return drain(s);
}

static int obey(subscriber_t *s, const demo_order_t *order)
{
    int code = CLI_OK;
    s->record = (bench_record_t){ .kind = DEMO_READY };
    s->doing = order->kind;
    for (int i = 0; i < s->count; i++) { s->readers[i].frames = 0; }
    hdr_reset(s->histogram);
    if (BENCH_OPEN == order->kind) { return open_all(s, order->epoch, order->seq); }
    if (BENCH_CLOSE == order->kind) { close_all(s); return CLI_OK; }
    atomic_store_explicit(&s->child.page->ready, 1, memory_order_release);
    switch (order->kind)
    {
        case BENCH_WARM: code = warm(s); break;
        case BENCH_FLOOR: code = floor_chunk(s); break;
        case BENCH_LATENCY:
        case BENCH_THROUGHPUT: code = read_chunk(s); break;
        case BENCH_PUBLISH: code = publish_chunk(s); break;
        default: return cli_error(TP_EINVAL, NULL, "order %d", (int)order->kind);
    }
    s->record.p50_ns = hdr_value_at_percentile(s->histogram, 50.0);
    s->record.p99_ns = hdr_value_at_percentile(s->histogram, 99.0);
    s->record.p999_ns = hdr_value_at_percentile(s->histogram, 99.9);
    s->record.max_ns = hdr_max(s->histogram);
    return code;
}

static int run_subscriber(const cli_args_t *args)
{
    static subscriber_t subscriber;
    demo_order_t order;
    int code = bench_child_open(&subscriber.child, args);
    if (CLI_OK == code && 0 != hdr_init(1, HIGHEST_NS, 3, &subscriber.histogram)) { code = cli_error(TP_ENOMEM, NULL, "no memory for a histogram"); }
    if (CLI_OK == code && !demo_record_write(&(bench_record_t){ .kind = DEMO_READY }, sizeof(bench_record_t))) { code = CLI_FAILED; }
    while (CLI_OK == code && 1 == bench_child_order(&order))
    {
        code = obey(&subscriber, &order);
        if (CLI_OK == code && !demo_record_write(&subscriber.record, sizeof(subscriber.record))) { code = CLI_FAILED; }
    }
    close_all(&subscriber);
    if (NULL != subscriber.histogram) { hdr_close(subscriber.histogram); }
    bench_child_close(&subscriber.child);
    return code;
}

const cli_verb_t verb_bench_subscriber = {
    .name = "bench-subscriber", .arguments = "", .min_arguments = 0, .max_arguments = 0, .options = bench_child_options, .hidden = true,
    .run = run_subscriber, .summary = "A process of `tp bench`",
};
