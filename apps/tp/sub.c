/* tp sub: consume with checks. Reads in place; what could not be validated after it was read is neither printed nor written. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "connect.h"
#include "frame_line.h"
#include "number.h"
#include "pattern.h"
#include "reader.h"
#include "sink.h"
#include "verbs.h"

static const cli_option_t options[] = {
    CLI_OPT_TEXT("out", 'o', out, "FILE", "write payloads: FILE.npy (frames stacked), any other name raw, - raw to standard output"),
    { "check", 0, CLI_TEXT_OPTIONAL, offsetof(cli_args_t, check), "counter|ramp|noise", true, 0, 0, "verify every byte of a pattern of `tp pub`" },
    CLI_OPT_NUMBER("max-lost", 0, max_lost, "N", 0, UINT64_MAX - 1, "exit with 6 when more than N frames are lost"),
    CLI_OPT_FLAG("quiet", 'q', quiet, "only the summary"),
    CLI_READER_OPTIONS,
    CLI_OPT_END,
};

typedef struct sub
{
    cli_reader_t reader;
    cli_sink_t sink;
    cli_frame_line_t line;
    cli_pattern_t pattern;
    bool writing, crc;
    uint8_t *copy;
    size_t copy_capacity;
    uint64_t corrupt, bytes;
    uint64_t epoch, first_seq, last_seq, epochs;       /* of the newest epoch that gave a frame; the consumer forgets them when it unmaps */
    int64_t next_status_ns;
    uint64_t status_frames, status_bytes;
}
sub_t;

static uint32_t crc_of(const void *bytes, size_t length)
{
    uLong crc = crc32(0, NULL, 0);
    for (size_t at = 0; at < length; at += UINT32_C(1) << 30)
    {
        const size_t part = length - at < UINT32_C(1) << 30 ? length - at : UINT32_C(1) << 30;
        crc = crc32(crc, (const Bytef *)bytes + at, (uInt)part);
    }
    return (uint32_t)crc;
}

static bool grow(sub_t *sub, size_t length)
{
    if (length <= sub->copy_capacity) { return true; }
    uint8_t *larger = realloc(sub->copy, length);
    if (NULL == larger) { return false; }
    sub->copy = larger;
    sub->copy_capacity = length;
    return true;
}

static void follow(sub_t *sub, const tp_frame_view_t *view)
{
    tp_consumer_stats_t stats;
    sub->last_seq = view->seq;
    if (view->epoch == sub->epoch || cli_reader_stats(&sub->reader, &stats) < 0) { return; }
    sub->epoch = view->epoch;
    sub->first_seq = stats.first_seq;
    sub->epochs++;
}

static int take_frame(sub_t *sub, const tp_frame_view_t *view)
{
    const void *bytes = view->payload;
    const size_t length = view->payload_bytes;
    bool matches = true;
    uint32_t crc = 0;
    follow(sub, view);
    if (sub->writing)
    {
        if (!grow(sub, length)) { return cli_error(TP_ENOMEM, NULL, "no memory for a frame of %zu bytes", length); }
        if (length > 0 && tp_consumer_copy_frame(view, sub->copy, sub->copy_capacity) < 0)
        {
            cli_reader_torn(&sub->reader);
            return CLI_OK;
        }
        bytes = sub->copy;
    }
    if (CLI_PATTERN_NONE != sub->pattern) { matches = cli_pattern_matches(sub->pattern, view->tensor->dtype, view->seq, bytes, length); }
    if (sub->crc) { crc = crc_of(bytes, length); }
    if (!sub->writing && !tp_frame_view_is_valid(view))
    {
        cli_reader_torn(&sub->reader);
        return CLI_OK;
    }
    sub->bytes += length;
    if (!matches) { sub->corrupt++; }
    if (sub->crc && !cli_frame_line_print(&sub->line, view, crc, sub->reader.now_ns, CLI_PATTERN_NONE != sub->pattern ? &matches : NULL))
    {
        cli_stop();
    }
    return sub->writing ? cli_sink_write(&sub->sink, view->tensor, bytes, length) : CLI_OK;
}

static void status(sub_t *sub)
{
    tp_consumer_stats_t stats;
    char rate[CLI_TEXT_MAX];
    char lost[256];
    if (sub->reader.now_ns < sub->next_status_ns || cli_reader_stats(&sub->reader, &stats) < 0) { return; }
    const double seconds = (double)(sub->reader.now_ns - sub->next_status_ns) / 1e9 + 1.0;
    if (0 != sub->next_status_ns)
    {
        fprintf(sub->reader.text, "%10" PRIu64 " frames  %9.1f Hz  %10s  lost %" PRIu64 "%s%s\n", sub->reader.frames,
            (double)(sub->reader.frames - sub->status_frames) / seconds, cli_human_rate(rate, (double)(sub->bytes - sub->status_bytes) / seconds),
            cli_lost(&stats), cli_lost(&stats) > 0 ? ": " : "", cli_lost_text(lost, sizeof(lost), &stats));
        fflush(sub->reader.text);
    }
    sub->status_frames = sub->reader.frames;
    sub->status_bytes = sub->bytes;
    sub->next_status_ns = sub->reader.now_ns + CLI_NS_PER_S;
}

static void summary_json(const sub_t *sub, const tp_consumer_stats_t *stats, double seconds, int code)
{
    const uint64_t last_seq = stats->epoch == sub->epoch && stats->last_seq > sub->last_seq ? stats->last_seq : sub->last_seq;
    json_t *line = json_pack("{s:s,s:b,s:i,s:o,s:o,s:o,s:I,s:I,s:f,s:f,s:I,s:o,s:I,s:I,s:I,s:b,s:I,s:I,s:I,s:I,s:o,s:s,s:o,s:o,s:I,s:I,s:b}",
        "type", "summary", "ok", CLI_OK == code,
        "exit_code", code, "stream_id", cli_json_id(stats->stream_id), "client_id", cli_json_id(stats->client_id), "epoch", cli_json_id(sub->epoch),
        "received", (json_int_t)stats->received, "bytes", (json_int_t)sub->bytes, "seconds", seconds, "hz",
        seconds > 0.0 && stats->received > 1 ? (double)(stats->received - 1) / seconds : 0.0, "lost", (json_int_t)cli_lost(stats), "lost_by_reason",
        cli_lost_by_reason(stats), "thinned", (json_int_t)stats->drops[TP_DROP_RATE], "torn", (json_int_t)stats->drops[TP_DROP_TORN], "corrupt",
        (json_int_t)sub->corrupt, "checked", CLI_PATTERN_NONE != sub->pattern, "first_seq", (json_int_t)sub->first_seq, "last_seq",
        (json_int_t)last_seq, "epochs", (json_int_t)sub->epochs, "remaps", (json_int_t)stats->remaps, "latency_ns", cli_latency_json(stats),
        "mode", TP_MODE_RATE_LIMITED == stats->mode ? "rate-limited" : "stream", "descriptor_stream_id", cli_json_id(stats->descriptor_stream_id),
        "control_stream_id", cli_json_id(stats->control_stream_id), "from_ring", (json_int_t)stats->recovered, "late_descriptors",
        (json_int_t)stats->late_descriptors, "observer", (int)sub->reader.args->observe);
    (void)cli_json_line(line);
}

static void summary_text(const sub_t *sub, const tp_consumer_stats_t *stats, double seconds)
{
    char bytes[CLI_TEXT_MAX];
    char p50[CLI_TEXT_MAX];
    char p99[CLI_TEXT_MAX];
    char lost[256];
    FILE *out = sub->reader.text;
    fprintf(out, "received %" PRIu64 " frames, %s in %.3f s (%.1f Hz)\n", stats->received, cli_human_bytes(bytes, (double)sub->bytes), seconds,
        seconds > 0.0 && stats->received > 1 ? (double)(stats->received - 1) / seconds : 0.0);
    fprintf(out, "lost     %" PRIu64 "%s%s\n", cli_lost(stats), cli_lost(stats) > 0 ? ": " : "", cli_lost_text(lost, sizeof(lost), stats));
    if (stats->drops[TP_DROP_RATE] > 0) { fprintf(out, "thinned  %" PRIu64 "\n", stats->drops[TP_DROP_RATE]); }
    if (stats->recovered > 0)
    {
        fprintf(out, "ring     %" PRIu64 " of them without descriptor: their trace ids are not known%s\n", stats->recovered,
            sub->reader.args->observe ? " (observer)" : "");
    }
    fprintf(out, "latency  p50 %s, p99 %s\n", cli_human_ns(p50, (double)stats->latency_p50_ns), cli_human_ns(p99, (double)stats->latency_p99_ns));
    if (CLI_PATTERN_NONE != sub->pattern) { fprintf(out, "corrupt  %" PRIu64 "\n", sub->corrupt); }
    fflush(out);
}

/* The verdict: 6 for torn or corrupt frames, for loss only when the caller set a limit. */
static int finish(sub_t *sub, int code)
{
    tp_consumer_stats_t stats;
    const uint64_t max_lost = CLI_OR(sub->reader.args->max_lost, UINT64_MAX);
    if (cli_reader_stats(&sub->reader, &stats) < 0) { return cli_error_last(); }
    const uint64_t torn = stats.drops[TP_DROP_TORN];
    if (torn > 0 || sub->corrupt > 0)
    {
        code = cli_error(TP_ETORN, NULL, "stream %" PRIu32 ": %" PRIu64 " frames torn while they were read, %" PRIu64 " corrupt", stats.stream_id,
            torn,
            sub->corrupt);
    }
    else if (CLI_OK == code && cli_lost(&stats) > max_lost)
    {
        char reasons[256];
        code = cli_error(TP_ELOST, "more slots (header_nslots), a rate cap (--max-rate), or less work a frame",
            "stream %" PRIu32 ": %" PRIu64 " frames lost (%s), at most %" PRIu64 " allowed", stats.stream_id, cli_lost(&stats),
            cli_lost_text(reasons, sizeof(reasons), &stats), max_lost);
    }
    const double seconds = sub->reader.frames > 0 ? (double)(sub->reader.last_ns - sub->reader.first_ns) / 1e9 : 0.0;
    if (sub->reader.args->json) { summary_json(sub, &stats, seconds, code); }
    else { summary_text(sub, &stats, seconds); }
    return code;
}

static int run_sub(const cli_args_t *args)
{
    sub_t sub = { .pattern = CLI_PATTERN_NONE };
    tp_frame_view_t view;
    const bool to_stdout = NULL != args->out && 0 == strcmp(args->out, "-");
    if (NULL != args->check)
    {
        sub.pattern = '\0' == args->check[0] ? CLI_PATTERN_COUNTER : cli_pattern_from_name(args->check);
        if (CLI_PATTERN_NONE == sub.pattern) { return cli_usage("sub", "--check=%s, must be one of counter|ramp|noise", args->check); }
    }
    if (args->json && to_stdout) { return cli_usage("sub", "--json and --out - both need standard output"); }
    int code = cli_reader_open(&sub.reader, args, args->positional[0], true);
    if (CLI_OK != code) { return code; }
    if (to_stdout) { sub.reader.text = stderr; }
    sub.crc = args->json && !args->quiet;
    sub.writing = NULL != args->out;
    if (sub.writing) { code = cli_sink_open(&sub.sink, args->out, 1 == args->count); }
    while (CLI_OK == code && cli_reader_next(&sub.reader, &view) > 0)
    {
        code = take_frame(&sub, &view);
        if (!args->json && !args->quiet) { status(&sub); }
    }
    if (CLI_OK == code) { code = sub.reader.exit_code; }
    const int closed = cli_sink_close(&sub.sink);
    code = finish(&sub, CLI_OK == code ? closed : code);
    cli_reader_close(&sub.reader);
    free(sub.copy);
    return code;
}

const cli_verb_t verb_sub = {
    .name = "sub", .arguments = "STREAM", .min_arguments = 1, .max_arguments = 1, .options = options, .run = run_sub,
    .summary = "Consume a stream: check it, write it, or print a line a frame",
    .text = "Without --json a line a second and a summary. With --json one object a frame and a summary at the end.\n"
        "A frame that was overwritten while it was read counts as torn and is neither printed nor written.\n"
        "With --count N the reading ends after N frames; frames lost on the way count when none follows for 2 s.\n\n"
        "  tp sub cam1 --json --count 10\n  tp sub cam1 --check=counter --count 1000000 --quiet\n  tp sub cam1 --out frames.npy --count 100\n"
        "  tp sub cam1 --observe\n\n"
        "A frame whose descriptor is overdue (somebody on the stream stands still) is read from the ring; its trace id is not known, its line says\n"
        "\"no_descriptor\":true. With --observe all are: no lease is taken, nothing is written, neither driver nor producer know of the reader.",
};
