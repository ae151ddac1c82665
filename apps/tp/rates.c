/*
 * tp hz, bw, delay: a line a second about the frames of the last second, and one about all of them. hz measures by capture times, where they grow, so
 * that frames that were waiting when we came, and our own pauses, do not count.
 */
#include <hdr/hdr_histogram.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "reader.h"
#include "verbs.h"

#define SAMPLE_MAX_NS INT64_C(3600000000000)   /* longer ones count as that long in the percentiles */

static const cli_option_t options[] = {
    CLI_OPT_REAL("interval", 'i', interval, "S", 3600, "seconds between lines (default 1)"),
    CLI_READER_OPTIONS,
    CLI_OPT_END,
};

typedef struct window
{
    uint64_t frames, bytes, measured;
    struct hdr_histogram *samples;     /* ns: interval (hz) or latency (delay) */
    double sum, squares, lowest, highest;
    uint64_t largest, smallest;
}
window_t;

static void window_reset(window_t *window)
{
    struct hdr_histogram *const samples = window->samples;
    memset(window, 0, sizeof(*window));
    window->samples = samples;
    hdr_reset(samples);
    window->lowest = INFINITY;
    window->highest = -INFINITY;
    window->smallest = UINT64_MAX;
}

static void window_add(window_t *window, const tp_frame_view_t *view, double sample_ns)
{
    window->frames++;
    window->bytes += view->payload_bytes;
    if (view->payload_bytes > window->largest) { window->largest = view->payload_bytes; }
    if (view->payload_bytes < window->smallest) { window->smallest = view->payload_bytes; }
    if (isnan(sample_ns)) { return; }
    window->measured++;
    window->sum += sample_ns;
    window->squares += sample_ns * sample_ns;
    window->lowest = fmin(window->lowest, sample_ns);
    window->highest = fmax(window->highest, sample_ns);
    (void)hdr_record_value(window->samples, (int64_t)fmin(fmax(sample_ns, 0.0), (double)SAMPLE_MAX_NS));
}

static double percentile(const window_t *window, double share)
{
    if (0 == window->measured) { return 0.0; }
    return fmin((double)hdr_value_at_percentile(window->samples, 100.0 * share), window->highest);
}

static json_t *real_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static void print_json(const cli_reader_t *reader, const window_t *w, const char *type, double seconds, bool delay)
{
    const double mean = w->measured > 0 ? w->sum / (double)w->measured : NAN;
    json_t *line = json_pack("{s:s,s:o,s:I,s:I,s:f,s:o,s:o}", "type", type, "stream_id", cli_json_id(reader->stream_id), "frames",
        (json_int_t)w->frames,
        "bytes", (json_int_t)w->bytes, "seconds", seconds, "hz", real_or_null((double)w->frames / seconds), "bytes_per_second",
        real_or_null((double)w->bytes / seconds));
    json_object_set_new(line, delay ? "latency_ns" : "interval_ns", json_pack("{s:o,s:o,s:o,s:o,s:o}", "mean", real_or_null(mean), "p50",
        w->measured > 0 ? json_real(percentile(w, 0.5)) : json_null(), "p99", w->measured > 0 ? json_real(percentile(w, 0.99)) : json_null(), "min",
        real_or_null(w->lowest), "max", real_or_null(w->highest)));
    if (!cli_json_line(line)) { cli_stop(); }
}

static void print_text(const window_t *w, double seconds, char kind)
{
    char a[CLI_TEXT_MAX];
    char b[CLI_TEXT_MAX];
    char c[CLI_TEXT_MAX];
    char d[CLI_TEXT_MAX];
    const double mean = w->measured > 0 ? w->sum / (double)w->measured : 0.0;
    const double variance = w->measured > 0 ? w->squares / (double)w->measured - mean * mean : 0.0;
    if (0 == w->frames) { printf("no frames\n"); }
    else if ('b' == kind)
    {
        printf("%10s  %10.1f frames/s  frames of %s to %s\n", cli_human_rate(a, (double)w->bytes / seconds), (double)w->frames / seconds,
            cli_human_bytes(b, (double)w->smallest), cli_human_bytes(c, (double)w->largest));
    }
    else if ('h' == kind)
    {
        printf("%10.2f Hz  interval min %s  max %s  deviation %s  (%" PRIu64 " frames)\n", (double)w->frames / seconds,
            cli_human_ns(a, w->measured > 0 ? w->lowest : 0.0), cli_human_ns(b, w->measured > 0 ? w->highest : 0.0),
            cli_human_ns(c, variance > 0.0 ? sqrt(variance) : 0.0), w->frames);
    }
    else
    {
        printf("latency min %s  p50 %s  p99 %s  max %s  (%" PRIu64 " frames)\n", cli_human_ns(a, w->lowest), cli_human_ns(b, percentile(w, 0.5)),
            cli_human_ns(c, percentile(w, 0.99)), cli_human_ns(d, w->highest), w->frames);
    }
    if (!cli_flush()) { cli_stop(); }
}

static void report(const cli_reader_t *reader, window_t *window, const char *type, double seconds)
{
    const char kind = reader->args->verb->name[0];
    if ('d' != kind && window->sum > 0.0) { seconds = window->sum / 1e9; }
    if (seconds <= 0.0) { seconds = 1e-9; }
    if (reader->args->json) { print_json(reader, window, type, seconds, 'd' == kind); }
    else { print_text(window, seconds, kind); }
}

static int measure(cli_reader_t *reader, window_t *now, window_t *all)
{
    const bool delay = 'd' == reader->args->verb->name[0];
    const int64_t interval_ns = (int64_t)((reader->args->interval > 0.0 ? reader->args->interval : 1.0) * 1e9);
    int64_t last_ns = 0;
    uint64_t last_capture_ns = 0;
    int64_t window_ns = 0;
    tp_frame_view_t view;
    while (cli_reader_next(reader, &view) > 0)
    {
        if (0 == window_ns) { window_ns = reader->now_ns; }
        double sample = NAN;
        if (delay) { sample = (double)(reader->now_ns - (int64_t)view.timestamp_ns); }
        else if (0 != last_capture_ns && view.timestamp_ns > last_capture_ns) { sample = (double)(view.timestamp_ns - last_capture_ns); }
        else if (0 != last_ns) { sample = (double)(reader->now_ns - last_ns); }
        last_ns = reader->now_ns;
        last_capture_ns = view.timestamp_ns;
        if (delay || reader->frames > 1)
        {
            window_add(now, &view, sample);
            window_add(all, &view, sample);
        }
        if (reader->now_ns - window_ns >= interval_ns)
        {
            report(reader, now, "interval", (double)(reader->now_ns - window_ns) / 1e9);
            window_reset(now);
            window_ns = reader->now_ns;
        }
    }
    if (!reader->args->json) { printf("--- all %" PRIu64 " frames\n", reader->frames); }
    report(reader, all, "summary", (double)(reader->last_ns - reader->first_ns) / 1e9);
    return reader->exit_code;
}

static int run_rates(const cli_args_t *args)
{
    cli_reader_t reader;
    window_t now = { .samples = NULL };
    window_t all = { .samples = NULL };
    const bool is_full = 0 != hdr_init(1, SAMPLE_MAX_NS, 3, &now.samples) || 0 != hdr_init(1, SAMPLE_MAX_NS, 3, &all.samples);
    int code = is_full ? cli_error(TP_ENOMEM, NULL, "no memory for the samples") : CLI_OK;
    if (CLI_OK == code) { code = cli_reader_open(&reader, args, args->positional[0], true); }
    if (CLI_OK == code)
    {
        window_reset(&now);
        window_reset(&all);
        code = measure(&reader, &now, &all);
        cli_reader_close(&reader);
    }
    if (NULL != now.samples) { hdr_close(now.samples); }
    if (NULL != all.samples) { hdr_close(all.samples); }
    return code;
}

const cli_verb_t verb_hz = {
    .name = "hz", .arguments = "STREAM", .min_arguments = 1, .max_arguments = 1, .options = options, .run = run_rates,
    .summary = "Frame rate of a stream, with the intervals' minimum, maximum and deviation",
};
const cli_verb_t verb_bw = {
    .name = "bw", .arguments = "STREAM", .min_arguments = 1, .max_arguments = 1, .options = options, .run = run_rates,
    .summary = "Bandwidth of a stream",
};
const cli_verb_t verb_delay = {
    .name = "delay", .arguments = "STREAM", .min_arguments = 1, .max_arguments = 1, .options = options, .run = run_rates,
    .summary = "Latency of a stream from capture to reception: percentiles",
};
