/*
 * tp join: joins the inputs of a merge map as an application would, prints a line an output, and why frames did not join; or announces the map as its
 * authority. Main thread.
 */
#include <hdr/hdr_histogram.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"

#include "connect.h"
#include "out.h"
#include "verbs.h"

#define LIMIT 64                       /* outputs a poll */
#define WAIT_NS INT64_C(100000000)
#define SKEW_MAX_NS INT64_C(3600000000000)

static const cli_option_t options[] = {
    CLI_OPT_TEXT("map", 'm', map, "FILE", "the merge map, a TOML file (--example prints one)"),
    CLI_OPT_FLAG("publish-map", 0, publish_map, "announce the map and answer requests for it, instead of joining"),
    CLI_OPT_FLAG("from-control", 0, from_control, "take the map from its authority; the file says inputs and options only"),
    CLI_OPT_FLAG("example", 0, example, "print an example of a map and end"),
    CLI_OPT_FLAG("quiet", 'q', quiet, "only the summary"),
    CLI_OPT_ENUM("idle", 0, idle, "busy|yield|backoff|sleep|noop", "how to wait for frames (default backoff)"),
    CLI_OPT_REAL("timeout", 0, timeout, "S", 1000000000, "end with exit code 5 after S seconds without an output"),
    CLI_OPT_END,
};

typedef struct joining
{
    const cli_args_t *args;
    tpi_join_config_t *config;
    tp_client_t *client;
    tp_context_t *context;
    tp_consumer_t *consumers[TP_MERGE_RULES_MAX];
    size_t consumer_count;             /* --from-control: ours */
    tp_join_t *join;
    struct hdr_histogram *skew;
    uint64_t outputs, torn;
    int64_t start_ns, last_ns;
}
joining_t;

/* ---- outputs ------------------------------------------------------------------------------------------------------------ */

static const char *state_name(uint32_t state)
{
    return TP_JOINED_PRESENT == state ? "present" : TP_JOINED_ABSENT == state ? "absent" : "empty";
}

static void print_json(const tp_joined_t *joined, bool valid)
{
    json_t *inputs = json_array();
    for (uint32_t i = 0; i < joined->input_count; i++)
    {
        const tp_joined_input_t *in = &joined->inputs[i];
        json_t *seqs = json_array();
        uint32_t unannounced = 0;
        for (uint32_t k = 0; k < in->view_count; k++)
        {
            json_array_append_new(seqs, cli_json_id(in->views[k].seq));
            if (0 != (in->views[k].flags & TP_FRAME_NO_DESCRIPTOR)) { unannounced++; }
        }
        json_array_append_new(inputs, json_pack("{s:o,s:s,s:o,s:I,s:I}", "stream_id", cli_json_id(in->stream_id), "state", state_name(in->state),
            "seqs", seqs, "lost", (json_int_t)in->lost_count, "no_descriptor", (json_int_t)unannounced));
    }
    const bool has_skew = TP_NULL_U64 != joined->skew_ns;
    if (!cli_json_line(json_pack("{s:s,s:o,s:o,s:o,s:I,s:o,s:b,s:o}", "type", "output", "epoch", cli_json_id(joined->epoch), "out_seq",
        cli_json_id(joined->out_seq), "out_time_ns", TP_NULL_U64 == joined->out_time_ns ? json_null() : cli_json_id(joined->out_time_ns), "absent",
        (json_int_t)joined->absent_count, "skew_ns", has_skew ? json_integer((json_int_t)joined->skew_ns) : json_null(), "valid", (int)valid,
        "inputs", inputs))) { cli_stop(); }
}

static void print_text(const tp_joined_t *joined, bool valid)
{
    char text[CLI_TEXT_MAX];
    printf("%10" PRIu64, joined->out_seq);
    for (uint32_t i = 0; i < joined->input_count; i++)
    {
        const tp_joined_input_t *in = &joined->inputs[i];
        if (TP_JOINED_PRESENT != in->state) { printf("  %" PRIu32 ":%s", in->stream_id, state_name(in->state)); continue; }
        printf("  %" PRIu32 ":%" PRIu64, in->stream_id, in->views[0].seq);
        if (in->view_count > 1) { printf("..%" PRIu64, in->views[in->view_count - 1].seq); }
    }
    printf("  skew %s%s\n", TP_NULL_U64 == joined->skew_ns ? "-" : cli_human_ns(text, (double)joined->skew_ns), valid ? "" : "  torn");
    if (!cli_flush()) { cli_stop(); }
}

static void on_joined(void *clientd, const tp_joined_t *joined)
{
    joining_t *j = clientd;
    const bool valid = tp_joined_is_valid(joined);
    j->outputs++;
    if (!valid) { j->torn++; }
    if (TP_NULL_U64 != joined->skew_ns)
    {
        (void)hdr_record_value(j->skew, joined->skew_ns > (uint64_t)SKEW_MAX_NS ? SKEW_MAX_NS : (int64_t)joined->skew_ns);
    }
    if (j->args->quiet) { return; }
    if (j->args->json) { print_json(joined, valid); }
    else { print_text(joined, valid); }
}

/* ---- summary ------------------------------------------------------------------------------------------------------------ */

static json_t *reasons(const uint64_t *unjoined)
{
    json_t *object = json_object();
    for (int i = 0; i < TP_UNJOINED_REASONS; i++)
    {
        if (0 != unjoined[i]) { json_object_set_new(object, tp_unjoined_name(i), json_integer((json_int_t)unjoined[i])); }
    }
    return object;
}

static json_t *inputs_json(const joining_t *j, uint32_t count)
{
    json_t *inputs = json_array();
    for (uint32_t i = 0; i < count; i++)
    {
        tp_join_input_stats_t in;
        if (tp_join_input_stats(j->join, i, &in) < 0) { break; }
        json_array_append_new(inputs, json_pack("{s:o,s:o,s:I,s:I,s:I,s:I,s:o}", "stream_id", cli_json_id(in.stream_id), "epoch",
            cli_json_id(in.epoch), "frames", (json_int_t)in.frames, "joined", (json_int_t)in.joined, "waiting", (json_int_t)in.waiting, "absent",
            (json_int_t)in.absent, "unjoined", reasons(in.unjoined)));
    }
    return inputs;
}

static void summary_json(const joining_t *j, const tp_join_stats_t *s, const tp_join_barrier_stats_t *b, int code)
{
    const int64_t measured = j->skew->total_count;
    json_t *skew = json_pack("{s:I,s:I,s:I,s:I}", "count", (json_int_t)measured, "p50", (json_int_t)hdr_value_at_percentile(j->skew, 50.0), "p99",
        (json_int_t)hdr_value_at_percentile(j->skew, 99.0), "max", (json_int_t)(measured > 0 ? hdr_max(j->skew) : 0));
    (void)cli_json_line(json_pack("{s:s,s:b,s:i,s:f,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:o,s:o,s:I,s:I,s:o,s:o}", "type", "summary", "ok",
        CLI_OK == code, "exit_code", code, "seconds", (double)(j->last_ns - j->start_ns) / 1e9, "outputs", (json_int_t)s->outputs, "given_up",
        (json_int_t)s->outputs_given_up, "passed", (json_int_t)s->outputs_passed, "partial", (json_int_t)s->outputs_partial, "torn",
        (json_int_t)j->torn, "frames", (json_int_t)s->frames, "joined", (json_int_t)s->joined, "waiting", (json_int_t)s->waiting, "unjoined",
        reasons(s->unjoined), "epoch", cli_json_id(b->epoch), "maps", (json_int_t)b->maps_installed, "requests", (json_int_t)b->requests,
        "skew_ns", skew, "inputs", inputs_json(j, s->input_count)));
}

static void print_reasons(const uint64_t *unjoined)
{
    for (int i = 0; i < TP_UNJOINED_REASONS; i++)
    {
        if (0 != unjoined[i]) { printf("  %s %" PRIu64, tp_unjoined_name(i), unjoined[i]); }
    }
    printf("\n");
}

static void summary_text(const joining_t *j, const tp_join_stats_t *s)
{
    static const double shares[] = { 50.0, 90.0, 99.0, 99.9, 100.0 };
    char text[CLI_TEXT_MAX];
    printf("outputs  %" PRIu64 " (given up %" PRIu64 ", passed %" PRIu64 ", partial %" PRIu64 ", torn %" PRIu64 ")\n", s->outputs,
        s->outputs_given_up, s->outputs_passed, s->outputs_partial, j->torn);
    printf("frames   %" PRIu64 " = joined %" PRIu64 " + waiting %" PRIu64 " + unjoined", s->frames, s->joined, s->waiting);
    print_reasons(s->unjoined);
    for (uint32_t i = 0; i < s->input_count; i++)
    {
        tp_join_input_stats_t in;
        if (tp_join_input_stats(j->join, i, &in) < 0) { break; }
        printf("%10" PRIu32 "  frames %" PRIu64 "  joined %" PRIu64 "  absent %" PRIu64, in.stream_id, in.frames, in.joined, in.absent);
        print_reasons(in.unjoined);
    }
    if (0 == j->skew->total_count) { return; }
    printf("skew   ");
    for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++)
    {
        printf("  p%g %s", shares[i], cli_human_ns(text, (double)hdr_value_at_percentile(j->skew, shares[i])));
    }
    printf("\n");
}

static int finish(const joining_t *j, int code)
{
    tp_join_stats_t s;
    tp_join_barrier_stats_t b;
    if (tp_join_stats(j->join, &s) < 0 || tp_join_barrier_stats(tp_join_barrier(j->join), &b) < 0) { return cli_error_last(); }
    if (CLI_OK == code && j->torn > 0) { code = cli_error(TP_ETORN, NULL, "%" PRIu64 " outputs were overwritten while they were read", j->torn); }
    if (j->args->json) { summary_json(j, &s, &b, code); }
    else { summary_text(j, &s); }
    (void)cli_flush();
    return code;
}

/* ---- joining ------------------------------------------------------------------------------------------------------------ */

static int open_inputs(joining_t *j)
{
    const tp_merge_map_t *map = &j->config->map;
    for (uint32_t i = 0; i < map->rule_count; i++)
    {
        uint32_t first = 0;
        while (map->rules[first].input_stream_id != map->rules[i].input_stream_id) { first++; }
        if (first < i) { continue; }
        if (tp_consumer_open(&j->consumers[j->consumer_count], j->client, map->rules[i].input_stream_id) < 0) { return -1; }
        j->consumer_count++;
    }
    if (tp_join_init(&j->join, j->client, &j->config->options, j->consumers, j->consumer_count) < 0) { return -1; }
    return tp_join_barrier_set_epoch(tp_join_barrier(j->join), map->epoch);
}

static int open_join(joining_t *j)
{
    const int rc = j->args->from_control ? open_inputs(j) : tp_join_open(&j->join, j->client, &j->config->options, &j->config->map);
    if (rc < 0 || tp_join_set_handler(j->join, on_joined, j) < 0) { return cli_error_last(); }
    return CLI_OK;
}

static int run_outputs(joining_t *j)
{
    const uint64_t wanted = CLI_OR(j->args->count, UINT64_MAX);
    const int64_t deadline_ns = cli_deadline_ns(j->args->seconds);
    const int64_t silence_ns = j->args->timeout >= 0.0 ? (int64_t)(j->args->timeout * 1e9) : INT64_MAX;
    j->start_ns = j->last_ns = cli_now_ns();
    while (!cli_stopped() && j->outputs < wanted)
    {
        const int limit = wanted - j->outputs < LIMIT ? (int)(wanted - j->outputs) : LIMIT;
        const int made = tp_join_wait(j->join, limit, WAIT_NS);
        const int64_t now_ns = cli_now_ns();
        if (made < 0) { return cli_error(TP_EMEDIADRIVER, "look at `tp doctor`", "joining failed: %s", tp_result_name(made)); }
        if (made > 0) { j->last_ns = now_ns; }
        if (now_ns >= deadline_ns) { break; }
        if (now_ns - j->last_ns > silence_ns) { return cli_error(TP_ETIMEDOUT, NULL, "no output for %.1f s", (double)(now_ns - j->last_ns) / 1e9); }
    }
    return CLI_OK;
}

static int run_authority(joining_t *j)
{
    tp_join_authority_t *authority = NULL;
    tp_join_authority_stats_t s = { .size = sizeof(s) };
    const int64_t deadline_ns = cli_deadline_ns(j->args->seconds);
    if (tp_join_authority_init(&authority, j->client, 1, TP_MERGE_RULES_MAX) < 0 || tp_join_authority_set(authority, &j->config->map) < 0)
    {
        const int code = cli_error_last();
        tp_join_authority_close(authority);
        return code;
    }
    for (int64_t left_ns; !cli_stopped() && (left_ns = deadline_ns - cli_now_ns()) > 0;) { cli_sleep_ns(left_ns < WAIT_NS ? left_ns : WAIT_NS); }
    (void)tp_join_authority_stats(authority, &s);
    tp_join_authority_close(authority);
    if (j->args->json)
    {
        (void)cli_json_line(json_pack("{s:s,s:o,s:o,s:I,s:I,s:I,s:I}", "type", "authority", "out_stream_id",
            cli_json_id(j->config->map.out_stream_id), "epoch", cli_json_id(j->config->map.epoch), "announces", (json_int_t)s.announces, "answered",
            (json_int_t)s.answered, "deferred", (json_int_t)s.deferred, "unknown", (json_int_t)s.unknown));
    }
    else
    {
        printf("map of stream %" PRIu32 ", epoch %" PRIu64 ": announced %" PRIu64 " times, %" PRIu64 " requests answered, %" PRIu64 " unknown\n",
            j->config->map.out_stream_id, j->config->map.epoch, s.announces, s.answered + s.deferred, s.unknown);
    }
    return CLI_OK;
}

static void on_warning(void *clientd, int code, const char *text)
{
    (void)clientd;
    cli_warn(code, NULL, "%s", text);
}

static void close_all(joining_t *j)
{
    tp_join_close(j->join);
    for (size_t i = 0; i < j->consumer_count; i++) { tp_consumer_close(j->consumers[i]); }
    tp_client_close(j->client);
    tp_context_close(j->context);
    if (NULL != j->skew) { hdr_close(j->skew); }
    free(j->config);
    free(j);
}

static int run_join(const cli_args_t *args)
{
    const tpi_config_options_t how = { .on_warning = on_warning };
    if (args->example)
    {
        tpi_join_config_example(stdout);
        return cli_flush() ? CLI_OK : CLI_FAILED;
    }
    if (NULL == args->map) { return cli_usage("join", "--map FILE is needed; `tp join --example` prints one"); }
    if (args->publish_map && args->from_control) { return cli_usage("join", "--publish-map and --from-control contradict each other"); }
    joining_t *j = calloc(1, sizeof(*j));
    tpi_join_config_t *config = calloc(1, sizeof(*config));
    if (NULL == j || NULL == config || 0 != hdr_init(1, SKEW_MAX_NS, 3, &j->skew))
    {
        free(config);
        free(j);
        return cli_error(TP_ENOMEM, NULL, "no memory for a join");
    }
    j->args = args;
    j->config = config;
    int code = tpi_join_config_load(config, args->map, &how) < 0 ? cli_error_last() : CLI_OK;
    if (CLI_OK == code) { code = cli_connect(args, &j->client, &j->context); }
    if (CLI_OK == code && args->publish_map) { code = run_authority(j); }
    else if (CLI_OK == code)
    {
        code = open_join(j);
        if (CLI_OK == code) { code = finish(j, run_outputs(j)); }
    }
    close_all(j);
    return code;
}

const cli_verb_t verb_join = {
    .name = "join", .arguments = "", .min_arguments = 0, .max_arguments = 0, .options = options, .run = run_join,
    .summary = "Join several streams by a merge map: a line an output, skew, and why frames did not join",
    .text = "One line an output: its number, the frame of each input, and how far their capture times are apart. The summary counts every frame\n"
        "that was announced: joined, waiting, or not joined under one reason.\n\n"
        "  tp join --example > map.toml\n  tp join --map map.toml --count 100 --json\n  tp join --map map.toml --publish-map\n"
        "  tp join --map map.toml --from-control --seconds 10",
};
