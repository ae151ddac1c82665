/* tp pub: publish a pattern, raw frames or an array. Payloads are made in place, in the claim. */
#include <inttypes.h>
#include <string.h>

#include "connect.h"
#include "meta.h"
#include "number.h"
#include "out.h"
#include "source.h"
#include "verbs.h"

#define RETRY_NS INT64_C(1000000)

static const cli_option_t options[] = {
    CLI_OPT_ENUM("pattern", 'p', pattern, "counter|ramp|noise", "synthetic frames; counter: byte i of frame seq is (seq + i) mod 256"),
    CLI_OPT_TEXT("shape", 0, shape, "AxBxC", "sizes of a frame, axis 0 first (patterns: default 480x640)"),
    CLI_OPT_TEXT("dtype", 0, dtype, "TYPE", "element type: u8, i16, f32, uint8, float64, ... (default uint8)"),
    CLI_OPT_ENUM("order", 0, order, "row|column", "which axis is contiguous (default row)"),
    CLI_OPT_REAL("hz", 0, hz, "N", 1000000000, "frames a second, 0 = flat out (default: 10 for patterns and arrays, 0 for raw frames)"),
    CLI_OPT_FLAG("split", 0, split, ".npy: axis 0 counts frames"),
    CLI_OPT_NUMBER("client-id", 0, client_id, "N", 1, UINT32_MAX, "client id instead of a random one"),
    CLI_OPT_ENUM("answer-hello", 0, answer_hello, "auto|never|always", "grant private streams to consumers (auto: unless somebody else does)"),
    CLI_OPT_TEXT("fallback-uri", 0, fallback_uri, "URI", "told to consumers that cannot use shared memory: aeron:udp?..., bridge://<id>"),
    CLI_OPT_FLAG("publish-time", 0, publish_time, "put the publish time into descriptors"),
    CLI_OPT_TEXT("name", 0, name, "NAME", "data source name that is announced, for discovery (default: that of the stream)"),
    CLI_OPT_LIST("meta", 'm', meta, "KEY=VALUE", "an attribute of the stream's metadata; may be given several times"),
    CLI_OPT_NUMBER("wait-consumers", 0, wait_consumers, "N", 0, 100000, "begin when N consumers are there"),
    CLI_OPT_REAL("timeout", 0, timeout, "S", 1000000000, "of --wait-consumers and of a lost lease (default 30)"),
    CLI_OPT_REAL("linger", 0, linger, "S", 1000000000, "stay S seconds after the last frame so that it can be read (default 0.5)"),
    CLI_OPT_FLAG("quiet", 'q', quiet, "no summary, no progress"),
    CLI_OPT_END,
};

typedef struct pub
{
    const cli_args_t *args;
    tp_client_t *client;
    tp_producer_t *producer;
    tp_tensor_template_t *tensor;
    cli_source_t source;
    uint32_t stream_id;
    uint64_t published;
    int64_t start_ns, end_ns, deadline_ns, next_status_ns, lost_since_ns;
    int64_t timeout_ns;
}
pub_t;

static void on_event(void *clientd, tp_producer_event_t event, uint64_t epoch, int code, const char *text)
{
    const pub_t *pub = clientd;
    (void)epoch;
    if (TP_PRODUCER_LOST == event || TP_PRODUCER_REFUSED == event)
    {
        cli_warn(code, "it is tried again", "stream %" PRIu32 " %s: %s", pub->stream_id, TP_PRODUCER_LOST == event ? "lost" : "refused", text);
    }
}

static int answer_hello(const cli_args_t *args)
{
    if (NULL == args->answer_hello || 0 == strcmp(args->answer_hello, "auto")) { return TP_ANSWER_HELLO_AUTO; }
    return 0 == strcmp(args->answer_hello, "never") ? TP_ANSWER_HELLO_NEVER : TP_ANSWER_HELLO_ALWAYS;
}

static int open_all(pub_t *pub)
{
    const cli_args_t *args = pub->args;
    tp_producer_context_t *context = NULL;
    if (tp_tensor_template_init(&pub->tensor, pub->source.dtype, pub->source.order, pub->source.ndims, pub->source.dims) < 0)
    {
        return cli_error_last();
    }
    int code = cli_stream(args, args->positional[0], &pub->stream_id);
    if (CLI_OK == code) { code = cli_connect(args, &pub->client, NULL); }
    if (CLI_OK != code) { return code; }
    if (tp_producer_context_init(&context) < 0 || tp_producer_context_set_stream_id(context, pub->stream_id) < 0 ||
        tp_producer_context_set_client_id(context, (uint32_t)CLI_OR(args->client_id, 0)) < 0 ||
        tp_producer_context_set_answer_hello(context, answer_hello(args)) < 0 ||
        tp_producer_context_set_payload_fallback_uri(context, args->fallback_uri) < 0 ||
        tp_producer_context_set_publish_time(context, args->publish_time) < 0 || tp_producer_context_set_event_handler(context, on_event, pub) < 0 ||
        tp_producer_init(&pub->producer, pub->client, context) < 0)
    {
        code = cli_error_last();
    }
    tp_producer_context_close(context);
    return CLI_OK == code ? cli_meta_publish(args, pub->producer, pub->tensor) : code;
}

static int wait_consumers(pub_t *pub)
{
    const uint64_t wanted = CLI_OR(pub->args->wait_consumers, 0);
    const int64_t end_ns = cli_now_ns() + pub->timeout_ns;
    while (tp_producer_consumer_count(pub->producer) < wanted && !cli_stopped())
    {
        if (cli_now_ns() > end_ns)
        {
            return cli_error(TP_ETIMEDOUT, NULL, "%" PRIu32 " of %" PRIu64 " consumers came within %.1f s", tp_producer_consumer_count(pub->producer),
                wanted, (double)pub->timeout_ns / 1e9);
        }
        cli_sleep_ns(5 * RETRY_NS);
    }
    return CLI_OK;
}

static int no_pool_fits(const pub_t *pub)
{
    char bytes[CLI_TEXT_MAX];
    char largest[CLI_TEXT_MAX];
    char fix[160];
    snprintf(fix, sizeof(fix), "in the stream's profile add a pool with stride_bytes = %zu", (pub->source.frame_bytes + 63) / 64 * 64);
    return cli_error(TP_ETOOBIG, fix, "frame of %s bytes fits no pool of stream %" PRIu32 " (largest stride %s)",
        cli_human_count(bytes, pub->source.frame_bytes), pub->stream_id, cli_human_count(largest, tp_producer_max_payload_bytes(pub->producer)));
}

/* A claim or commit said no: CLI_OK to go on, or the exit code. */
static int refused(pub_t *pub, int64_t result)
{
    const int64_t now_ns = cli_now_ns();
    if (TP_LEASE_LOST != result)
    {
        return TP_NO_POOL_FITS == result ? no_pool_fits(pub) : cli_error(TP_ESTATE, "look at `tp doctor`",
            "publishing to stream %" PRIu32 " failed: %s",
            pub->stream_id, tp_result_name(result));
    }
    if (0 == pub->lost_since_ns) { pub->lost_since_ns = now_ns; }
    if (now_ns - pub->lost_since_ns > pub->timeout_ns)
    {
        if (!tp_client_driver_is_alive(pub->client))
        {
            return cli_error(TP_ENODRIVER, "tp doctor", "no driver for stream %" PRIu32 " for %.1f s", pub->stream_id, (double)pub->timeout_ns / 1e9);
        }
        return cli_error(TP_ELEASE, NULL, "no lease for stream %" PRIu32 " for %.1f s", pub->stream_id, (double)pub->timeout_ns / 1e9);
    }
    cli_sleep_ns(RETRY_NS);
    return CLI_OK;
}

/* One frame: 1 published, 0 not (lease lost: again), 2 the input ended or we are told to stop, -1 failed with *code. */
static int publish_one(pub_t *pub, int64_t now_ns, int *code)
{
    tp_buffer_claim_t claim;
    if (0 == cli_source_wait(&pub->source, pub->deadline_ns)) { return 2; }
    int64_t result = tp_producer_try_claim_at(pub->producer, pub->tensor, pub->source.frame_bytes, (uint64_t)now_ns, &claim);
    if (result < 0)
    {
        *code = refused(pub, result);
        return CLI_OK == *code ? 0 : -1;
    }
    const int filled = cli_source_fill(&pub->source, claim.seq, claim.payload);
    if (filled <= 0)
    {
        tp_producer_abort_claim(pub->producer, &claim);
        *code = filled < 0 ? CLI_FAILED : CLI_OK;
        return filled < 0 ? -1 : 2;
    }
    if (pub->source.fd >= 0) { claim.timestamp_ns = (uint64_t)cli_now_ns(); }
    result = tp_producer_commit_claim(pub->producer, &claim, NULL);
    if (result < 0 && TP_NOT_CONNECTED != result && TP_BACK_PRESSURED != result)
    {
        *code = refused(pub, result);
        return CLI_OK == *code ? 0 : -1;
    }
    pub->lost_since_ns = 0;
    pub->published++;
    return 1;
}

static void status(pub_t *pub, int64_t now_ns)
{
    char rate[CLI_TEXT_MAX];
    if (now_ns < pub->next_status_ns) { return; }
    const double seconds = (double)(now_ns - pub->start_ns) / 1e9;
    if (0 != pub->next_status_ns)
    {
        printf("%10" PRIu64 " frames  %9.1f Hz  %10s  consumers %" PRIu32 "\n", pub->published, (double)pub->published / seconds,
            cli_human_rate(rate, (double)pub->published * (double)pub->source.frame_bytes / seconds), tp_producer_consumer_count(pub->producer));
        fflush(stdout);
    }
    pub->next_status_ns = now_ns + CLI_NS_PER_S;
}

static int loop(pub_t *pub)
{
    const cli_args_t *args = pub->args;
    const bool talks = !args->json && !args->quiet;
    const bool raw = pub->source.fd >= 0 && !pub->source.is_npy;
    const uint64_t limit = CLI_OR(args->count, pub->source.is_npy && args->split ? pub->source.stacked : UINT64_MAX);
    int code = CLI_OK;
    cli_pace_t pace;
    cli_pace_init(&pace, args->hz >= 0.0 ? args->hz : raw ? 0.0 : 10.0);
    pub->start_ns = pace.start_ns;
    while (pub->published < limit)
    {
        const int64_t now_ns = cli_pace_wait(&pace);
        if (cli_stopped() || now_ns >= pub->deadline_ns) { break; }
        const int done = publish_one(pub, now_ns, &code);
        if (done < 0 || 2 == done) { break; }
        if (talks) { status(pub, now_ns); }
    }
    pub->end_ns = cli_now_ns();
    tp_producer_flush(pub->producer);
    if (CLI_OK == code && 0 == pub->published && raw && !cli_stopped())
    {
        code = cli_error(TP_EIO, "pipe frames into it, or publish a pattern: --pattern counter", "%s ended before the first frame", pub->source.path);
    }
    if (pub->published > 0) { cli_sleep_ns((int64_t)((args->linger >= 0.0 ? args->linger : 0.5) * 1e9)); }
    return code;
}

static void summary(const pub_t *pub, int code)
{
    tp_producer_stats_t stats = { .size = sizeof(stats) };
    char bytes[CLI_TEXT_MAX];
    const double seconds = (double)(pub->end_ns - pub->start_ns) / 1e9;
    if (pub->args->quiet || tp_producer_stats(pub->producer, &stats) < 0) { return; }
    if (!pub->args->json)
    {
        printf("published %" PRIu64 " frames, %s in %.3f s (%.1f Hz); descriptors dropped %" PRIu64 ", unheard %" PRIu64 ", lease lost %" PRIu64 "\n",
            pub->published, cli_human_bytes(bytes, (double)stats.bytes), seconds, seconds > 0.0 ? (double)pub->published / seconds : 0.0,
            stats.descriptors_dropped, stats.not_connected, stats.lease_lost);
        return;
    }
    (void)cli_json_line(json_pack("{s:s,s:b,s:i,s:o,s:o,s:o,s:I,s:I,s:f,s:f,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "type", "summary", "ok",
        CLI_OK == code,
        "exit_code", code, "stream_id", cli_json_id(pub->stream_id), "client_id", cli_json_id(stats.client_id), "epoch", cli_json_id(stats.epoch),
        "published", (json_int_t)pub->published, "bytes", (json_int_t)stats.bytes, "seconds", seconds, "hz",
        seconds > 0.0 ? (double)pub->published / seconds : 0.0, "next_seq", (json_int_t)stats.next_seq, "descriptors_sent",
        (json_int_t)stats.descriptors_sent, "descriptors_dropped", (json_int_t)stats.descriptors_dropped, "not_connected",
        (json_int_t)stats.not_connected,
        "back_pressured", (json_int_t)stats.back_pressured, "lease_lost", (json_int_t)stats.lease_lost, "reattaches", (json_int_t)stats.reattaches,
        "consumers", (json_int_t)tp_producer_consumer_count(pub->producer)));
}

static int run_pub(const cli_args_t *args)
{
    pub_t pub = { .args = args };
    pub.timeout_ns = (int64_t)((args->timeout >= 0.0 ? args->timeout : 30.0) * 1e9);
    int code = cli_source_open(&pub.source, args);
    if (CLI_OK == code) { code = open_all(&pub); }
    if (CLI_OK == code && pub.source.frame_bytes > tp_producer_max_payload_bytes(pub.producer)) { code = no_pool_fits(&pub); }
    if (CLI_OK == code) { code = wait_consumers(&pub); }
    if (CLI_OK == code)
    {
        pub.deadline_ns = cli_deadline_ns(args->seconds);
        code = loop(&pub);
        summary(&pub, code);
    }
    tp_producer_close(pub.producer);
    tp_client_close(pub.client);
    tp_tensor_template_close(pub.tensor);
    cli_source_close(&pub.source);
    return code;
}

const cli_verb_t verb_pub = {
    .name = "pub", .arguments = "STREAM [FILE]", .min_arguments = 1, .max_arguments = 2, .options = options, .run = run_pub,
    .summary = "Publish a pattern, raw frames of a file or standard input, or a .npy array",
    .text = "Without --pattern and FILE raw frames are read from standard input. An array is one frame, published again and again; with --split\n"
        "axis 0 counts frames and each is published once.\n\n"
        "  tp pub cam1 --pattern counter --shape 480x640 --dtype u16 --hz 30 --meta gain=3 --meta exposure=10ms\n"
        "  ffmpeg -i film.mp4 -pix_fmt rgb24 -f rawvideo - | tp pub cam1 --shape 576x768x3 --dtype u8\n  tp pub cam1 frames.npy --split --hz 25",
};
