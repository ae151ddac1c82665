/*
 * Hidden verb of the pipeline demo: the stage that makes the camera's pictures smaller. Capture times go through unchanged; each picture gets a trace
 * id of its own with the original as its single parent (a re-tagged 1->1 stage, 40-tracelink.md section 3).
 */
#include "connect.h"
#include "pipeline.h"
#include "pipeline_scale.h"
#include "verbs.h"

#define SHIFTED_EVERY 4U               /* --inject late: so many pictures have a capture time that no original has */

static const cli_option_t options[] = {
    CLI_OPT_TEXT("inject", 0, inject, "FAULT", NULL),
    CLI_OPT_END,
};

/* 0, or -1: over. A picture that was overwritten while it was read is not passed on. */
static int pass_on(pipe_actor_t *actor, pipe_scale_t *scale, const tp_frame_view_t *view)
{
    tp_buffer_claim_t claim;
    pipe_record_t *record = &actor->record;
    if (view->payload_bytes < PIPE_RGB_BYTES(PIPE_CAMERA_WIDTH, PIPE_CAMERA_HEIGHT)) { return 0; }
    const int64_t seq = tp_producer_try_claim(actor->out, actor->tensor, &claim);
    if (seq < 0)
    {
        (void)cli_error(TP_ESTATE, NULL, "demo stage: claim failed: %s", tp_result_name(seq));
        return -1;
    }
    record->parent_crcs[0] = pipe_crc(view->payload, PIPE_RGB_BYTES(PIPE_CAMERA_WIDTH, PIPE_CAMERA_HEIGHT));
    if (!pipe_scale_run(scale, view->payload, claim.payload, PIPE_SMALL_WIDTH * 3) || !tp_frame_view_is_valid(view))
    {
        (void)tp_producer_abort_claim(actor->out, &claim);
        return 0;
    }
    claim.timestamp_ns = view->timestamp_ns;
    if (pipe_injected(actor->args, "late") && 0 == claim.seq % SHIFTED_EVERY) { claim.timestamp_ns -= 1; }
    record->parent_count = 1;
    record->parents[0] = view->trace_id;
    (void)tp_trace_stage_add_input(actor->stage, view);
    if (!pipe_actor_commit(actor, &claim)) { return -1; }
    return pipe_actor_tell(actor, DEMO_FRAME) ? 0 : -1;
}

static int work(pipe_actor_t *actor, pipe_scale_t *scale)
{
    tp_frame_view_t view;
    if (!pipe_actor_tell(actor, DEMO_READY)) { return CLI_FAILED; }
    while (!cli_stopped() && !pipe_actor_done(actor, 0))
    {
        if (pipe_actor_listen(actor, 0) < 0) { return CLI_FAILED; }
        const int rc = tp_consumer_next(actor->inputs[0], &view, 20000000);
        if (rc < 0) { return cli_error(TP_EMEDIADRIVER, NULL, "demo stage: %s", tp_result_name(rc)); }
        if (rc > 0 && pass_on(actor, scale, &view) < 0) { return CLI_FAILED; }
    }
    return CLI_OK;
}

static int run_small(const cli_args_t *args)
{
    static pipe_actor_t actor;
    pipe_scale_t *scale = pipe_scale_make(PIPE_CAMERA_WIDTH, PIPE_CAMERA_HEIGHT, PIPE_SMALL_WIDTH, PIPE_SMALL_HEIGHT);
    int code = NULL != scale ? CLI_OK : cli_error(TP_ENOMEM, NULL, "demo stage: libswscale refuses the sizes");
    if (CLI_OK == code) { code = pipe_actor_open(&actor, args, PIPE_SMALL); }
    if (CLI_OK == code) { code = pipe_actor_output(&actor, PIPE_SMALL, TP_TRACE_RETAG); }
    if (CLI_OK == code) { code = pipe_actor_input(&actor, 0, pipe_names[PIPE_CAMERA], NULL); }
    if (CLI_OK == code) { code = work(&actor, scale); }
    code = pipe_actor_close(&actor, code);
    pipe_scale_free(scale);
    return code;
}

const cli_verb_t verb_pipeline_small = {
    .name = "pipeline-small", .arguments = "", .min_arguments = 0, .max_arguments = 0, .options = options, .hidden = true, .run = run_small,
    .summary = "A process of `tp demo --pipeline`",
};
