/*
 * Hidden verb of the pipeline demo: the join. Each small picture asks for one output: the camera's picture of exactly its capture time, and the
 * newest of the bikes at that time. The merge map that says so is published on the control stream by this process, which writes the output stream,
 * and comes back from there to its own join as it would to anybody else's. Trace ids decide nothing here (40-tracelink.md 7.1): they are told, and
 * judged by the demo.
 */
#include <string.h>

#include "connect.h"
#include "pipeline.h"
#include "pipeline_scale.h"
#include "verbs.h"

#define INSET_WIDTH 320
#define INSET_HEIGHT 136
#define ROW_BYTES (PIPE_JOINED_WIDTH * 3)
#define HALF_BYTES ((size_t)PIPE_SMALL_WIDTH * 3)
#define STALE_NS (UINT64_C(10) * CLI_NS_PER_S)

static const cli_option_t options[] = {
    CLI_OPT_TEXT("inject", 0, inject, "FAULT", NULL),
    CLI_OPT_END,
};

typedef struct joiner
{
    pipe_actor_t actor;
    tp_join_t *join;
    tp_join_authority_t *authority;
    pipe_scale_t *scale;
    uint64_t refused[PIPE_REASONS];    /* outputs that were handed out and not published */
    uint64_t earlier_bikes;            /* trace id, for --inject wrong-parent */
    bool hidden;                       /* --inject hide-one: it is done */
    bool failed;
}
joiner_t;

static int open_join(joiner_t *joiner)
{
    pipe_actor_t *const actor = &joiner->actor;
    tp_join_options_t asked = TP_JOIN_OPTIONS_INIT;
    tp_merge_map_t map = TP_MERGE_MAP_INIT;
    tp_merge_rule_t rules[PIPE_INPUTS];
    tp_consumer_stats_t stats = { .size = sizeof(stats) };
    tp_producer_stats_t out = { .size = sizeof(out) };
    (void)tp_producer_stats(actor->out, &out);
    for (int i = 0; i < PIPE_INPUTS; i++)
    {
        if (tp_consumer_stats(actor->inputs[i], &stats) < 0) { return cli_error_last(); }
        rules[i] = (tp_merge_rule_t){ stats.stream_id, TP_MERGE_OFFSET, TP_TIME_CAPTURED, 0, 0, 0 };
    }
    map.kind = TP_MERGE_TIMESTAMP;
    map.out_stream_id = asked.out_stream_id = out.stream_id;
    map.clock_domain = TP_CLOCK_MONOTONIC;
    map.epoch = out.epoch;
    map.stale_timeout_ns = STALE_NS;
    map.rules = rules;
    map.rule_count = PIPE_INPUTS;
    asked.kind = TP_JOIN_TIMESTAMP;
    asked.anchor_stream_id = rules[PIPE_SMALL].input_stream_id;
    if (tp_join_init(&joiner->join, actor->client, &asked, actor->inputs, PIPE_INPUTS) < 0 ||
        tp_join_follow_producer(joiner->join, actor->out) < 0 || tp_join_authority_init(&joiner->authority, actor->client, 2, PIPE_INPUTS) < 0 ||
        tp_join_authority_set(joiner->authority, &map) < 0 || tp_join_authority_follow_producer(joiner->authority, actor->out) < 0)
    {
        return cli_error_last();
    }
    return CLI_OK;
}

/* Left: the middle of the original as it is. Right: all of it, smaller, and the bikes in a corner. */
static void compose(joiner_t *joiner, uint8_t *to, const tp_frame_view_t *views[PIPE_INPUTS])
{
    const size_t camera_row = PIPE_RGB_BYTES(PIPE_CAMERA_WIDTH, 1);
    const uint8_t *camera = views[PIPE_CAMERA]->payload;
    const uint8_t *small = views[PIPE_SMALL]->payload;
    camera += (PIPE_CAMERA_HEIGHT - PIPE_JOINED_HEIGHT) / 2 * camera_row + (camera_row - HALF_BYTES) / 2;
    for (size_t y = 0; y < PIPE_JOINED_HEIGHT; y++)
    {
        memcpy(to + y * ROW_BYTES, camera + y * camera_row, HALF_BYTES);
        memcpy(to + y * ROW_BYTES + HALF_BYTES, small + y * HALF_BYTES, HALF_BYTES);
    }
    uint8_t *const corner = to + (size_t)(PIPE_JOINED_HEIGHT - INSET_HEIGHT) * ROW_BYTES + ROW_BYTES - (size_t)INSET_WIDTH * 3;
    (void)pipe_scale_run(joiner->scale, views[PIPE_BIKES]->payload, corner, ROW_BYTES);
}

static void note_parents(joiner_t *joiner, const tp_frame_view_t *views[PIPE_INPUTS])
{
    pipe_record_t *record = &joiner->actor.record;
    record->parent_count = PIPE_INPUTS;
    for (int i = 0; i < PIPE_INPUTS; i++)
    {
        uint64_t told = record->parents[i] = views[i]->trace_id;
        record->parent_crcs[i] = pipe_crc(views[i]->payload, views[i]->payload_bytes);
        if (PIPE_BIKES == i && pipe_injected(joiner->actor.args, "wrong-parent") && 0 != joiner->earlier_bikes) { told = joiner->earlier_bikes; }
        (void)tp_trace_stage_add_trace_id(joiner->actor.stage, told);
    }
    if (0 == joiner->earlier_bikes) { joiner->earlier_bikes = views[PIPE_BIKES]->trace_id; }
}

/* The views of the three inputs; a reason why not, or 0. */
static int take_views(const tp_joined_t *joined, const tp_frame_view_t *views[PIPE_INPUTS])
{
    for (int i = 0; i < PIPE_INPUTS; i++)
    {
        const tp_joined_input_t *input = (uint32_t)i < joined->input_count ? &joined->inputs[i] : NULL;
        if (NULL == input || TP_JOINED_PRESENT != input->state || 0 == input->view_count) { return PIPE_OVERWRITTEN; }
        views[i] = &input->views[input->view_count - 1];
        if (views[i]->payload_bytes < PIPE_RGB_BYTES(pipe_sizes[i][0], pipe_sizes[i][1])) { return PIPE_NOT_PUBLISHED; }
    }
    return views[PIPE_CAMERA]->timestamp_ns == views[PIPE_SMALL]->timestamp_ns ? 0 : PIPE_OTHER_TIME;
}

static int publish(joiner_t *joiner, const tp_joined_t *joined, const tp_frame_view_t *views[PIPE_INPUTS])
{
    pipe_actor_t *const actor = &joiner->actor;
    tp_buffer_claim_t claim;
    if (tp_producer_try_claim(actor->out, actor->tensor, &claim) < 0) { return PIPE_NOT_PUBLISHED; }
    claim.timestamp_ns = views[PIPE_SMALL]->timestamp_ns;
    compose(joiner, claim.payload, views);
    note_parents(joiner, views);
    if (!tp_joined_is_valid(joined))
    {
        (void)tp_producer_abort_claim(actor->out, &claim);
        tp_trace_stage_clear(actor->stage);
        return PIPE_OVERWRITTEN;
    }
    return pipe_actor_commit(actor, &claim) ? 0 : PIPE_NOT_PUBLISHED;
}

/* All inputs of a small picture are there. */
static void on_joined(void *clientd, const tp_joined_t *joined)
{
    joiner_t *const joiner = clientd;
    const tp_frame_view_t *views[PIPE_INPUTS];
    int reason = take_views(joined, views);
    if (0 == reason && !joiner->hidden && pipe_injected(joiner->actor.args, "hide-one"))
    {
        joiner->hidden = true;
        return;
    }
    if (0 == reason) { reason = publish(joiner, joined, views); }
    if (0 != reason)
    {
        joiner->refused[reason]++;
        return;
    }
    joiner->failed = !pipe_actor_tell(&joiner->actor, DEMO_FRAME) || joiner->failed;
}

/* The counts that only the join knows; the derived frames are those of its input "small". */
static void count(joiner_t *joiner)
{
    pipe_record_t *record = &joiner->actor.record;
    for (uint32_t i = 0; i < PIPE_INPUTS; i++)
    {
        tp_join_input_stats_t in = { .size = sizeof(in) };
        tp_consumer_stats_t stats = { .size = sizeof(stats) };
        pipe_input_t *to = &record->inputs[i];
        if (tp_join_input_stats(joiner->join, i, &in) < 0 || tp_consumer_stats(joiner->actor.inputs[i], &stats) < 0) { continue; }
        to->first_seq = stats.first_seq;
        to->last_seq = stats.last_seq;
        to->epoch = stats.epoch;
        to->received = in.frames;
        to->lost = stats.drops[TP_DROP_GAP] + stats.drops[TP_DROP_SKIPPED];
        if (PIPE_SMALL != i) { continue; }
        for (int r = 0; r < TP_UNJOINED_REASONS; r++) { record->unjoined[r] = in.unjoined[r]; }
        record->unjoined[PIPE_WAITING] = in.waiting;
        record->unjoined[PIPE_LOST] = to->lost;
        for (int r = PIPE_LOST + 1; r < PIPE_REASONS; r++) { record->unjoined[r] = joiner->refused[r]; }
    }
}

/* Our own map comes back to us; frames from before it could not be joined. */
static int wait_for_map(joiner_t *joiner)
{
    tp_join_barrier_stats_t stats = { .size = sizeof(stats) };
    const int64_t end_ns = cli_now_ns() + 8 * CLI_NS_PER_S;
    while (tp_join_barrier_stats(tp_join_barrier(joiner->join), &stats) < 0 || 1 != stats.map_state)
    {
        if (cli_stopped() || cli_now_ns() > end_ns) { return cli_error(TP_ETIMEDOUT, NULL, "demo join: the merge map does not come within 8 s"); }
        if (tp_join_poll(joiner->join, 16) < 0 || pipe_actor_listen(&joiner->actor, 5) < 0) { return CLI_FAILED; }
    }
    return CLI_OK;
}

static bool all_joined(const joiner_t *joiner)
{
    tp_join_input_stats_t in = { .size = sizeof(in) };
    return tp_join_input_stats(joiner->join, PIPE_SMALL, &in) < 0 || 0 == in.waiting;
}

static int work(joiner_t *joiner)
{
    pipe_actor_t *const actor = &joiner->actor;
    while (!cli_stopped() && !joiner->failed && !(pipe_actor_done(actor, PIPE_SMALL) && (all_joined(joiner) || cli_now_ns() > actor->end_ns)))
    {
        if (pipe_actor_listen(actor, 0) < 0) { return CLI_FAILED; }
        const int rc = tp_join_wait(joiner->join, 16, 20000000);
        if (rc < 0) { return cli_error(TP_EMEDIADRIVER, NULL, "demo join: %s", tp_result_name(rc)); }
        count(joiner);
    }
    return joiner->failed ? CLI_FAILED : CLI_OK;
}

static int run_joined(const cli_args_t *args)
{
    static joiner_t joiner;
    pipe_actor_t *const actor = &joiner.actor;
    joiner.scale = pipe_scale_make(PIPE_BIKES_WIDTH, PIPE_BIKES_HEIGHT, INSET_WIDTH, INSET_HEIGHT);
    int code = NULL != joiner.scale ? CLI_OK : cli_error(TP_ENOMEM, NULL, "demo join: libswscale refuses the sizes");
    if (CLI_OK == code) { code = pipe_actor_open(actor, args, PIPE_JOINED); }
    if (CLI_OK == code) { code = pipe_actor_output(actor, PIPE_JOINED, TP_TRACE_JOIN); }
    for (int i = 0; CLI_OK == code && i < PIPE_INPUTS; i++) { code = pipe_actor_input(actor, i, pipe_names[i], NULL); }
    if (CLI_OK == code) { code = open_join(&joiner); }
    if (CLI_OK == code && tp_join_set_handler(joiner.join, on_joined, &joiner) < 0) { code = cli_error_last(); }
    if (CLI_OK == code) { code = wait_for_map(&joiner); }
    if (CLI_OK == code && !pipe_actor_tell(actor, DEMO_READY)) { code = CLI_FAILED; }
    if (CLI_OK == code) { code = work(&joiner); }
    if (CLI_OK == code) { count(&joiner); }
    tp_join_authority_close(joiner.authority);
    tp_join_close(joiner.join);
    code = pipe_actor_close(actor, code);
    pipe_scale_free(joiner.scale);
    return code;
}

const cli_verb_t verb_pipeline_joined = {
    .name = "pipeline-joined", .arguments = "", .min_arguments = 0, .max_arguments = 0, .options = options, .hidden = true, .run = run_joined,
    .summary = "A process of `tp demo --pipeline`",
};
