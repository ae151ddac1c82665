/*
 * Hidden verb of the pipeline demo: a viewer that can show a few pictures a second. It asks for plain streaming and says what it can take and where
 * it would read; the supervisor puts it on a private stream at that rate.
 */
#include <stdlib.h>

#include "connect.h"
#include "picture.h"
#include "pipeline.h"
#include "verbs.h"

#define PROOF_FRAME 3
#define QUIET_NS (CLI_NS_PER_S / 2)    /* the private stream has fewer frames than the last one that was ordered */

static const cli_option_t options[] = {
    CLI_OPT_TEXT("png", 0, png, "FILE", NULL),
    CLI_OPT_END,
};

static int open_viewer(pipe_actor_t *actor, const cli_args_t *args)
{
    tp_consumer_context_t *context = NULL;
    int code = pipe_actor_open(actor, args, PIPE_VIEWER);
    if (CLI_OK != code) { return code; }
    if (tp_consumer_context_init(&context) < 0 || tp_consumer_context_set_mode(context, TP_MODE_STREAM, PIPE_VIEWER_HZ) < 0 ||
        tp_consumer_context_set_descriptor_request(context, "aeron:ipc", 1) < 0 ||
        tp_consumer_context_set_hello_interval_ns(context, CLI_NS_PER_S / 5) < 0 || tp_consumer_context_set_ring_recovery(context, false) < 0)
    {
        code = cli_error_last();
    }
    if (CLI_OK == code) { code = pipe_actor_input(actor, 0, pipe_names[PIPE_JOINED], context); }
    tp_consumer_context_close(context);
    return code;
}

static int write_proof(const tp_tensor_t *tensor, const void *bytes, size_t length, const char *png)
{
    cli_picture_t picture = { 0 };
    char problem[256];
    const char *wrong = cli_picture_from_tensor(&picture, tensor, bytes, length);
    int code = NULL != wrong ? cli_error(TP_ETENSOR, NULL, "'%s': %s", png, wrong) : CLI_OK;
    if (NULL == wrong && cli_picture_write_png(&picture, png, problem, sizeof(problem)) < 0)
    {
        code = cli_error(TP_EIO, "choose another file: --png FILE", "'%s' cannot be written: %s", png, problem);
    }
    cli_picture_fini(&picture);
    return code;
}

/* The view's tensor is the library's: its copy goes with the copied bytes. */
static int keep_proof(const tp_frame_view_t *view, const char *png)
{
    const tp_tensor_t tensor = *view->tensor;
    const size_t length = view->payload_bytes;
    void *bytes = malloc(length);
    int code = CLI_OK;
    if (NULL != bytes && tp_consumer_copy_frame(view, bytes, length) >= 0) { code = write_proof(&tensor, bytes, length, png); }
    free(bytes);
    return code;
}

static int watch(pipe_actor_t *actor)
{
    tp_frame_view_t view;
    uint64_t count = 0;
    int64_t last_ns = cli_now_ns();
    int code = CLI_OK;
    while (CLI_OK == code && !cli_stopped() && !pipe_actor_done(actor, 0) && !(actor->ending && cli_now_ns() > last_ns + QUIET_NS))
    {
        if (pipe_actor_listen(actor, 0) < 0) { return CLI_FAILED; }
        const int rc = tp_consumer_next(actor->inputs[0], &view, 20000000);
        if (rc < 0) { return cli_error(TP_EMEDIADRIVER, NULL, "demo viewer: %s", tp_result_name(rc)); }
        if (0 == rc) { continue; }
        last_ns = cli_now_ns();
        actor->record.seq = view.seq;
        actor->record.trace_id = view.trace_id;
        actor->record.capture_ns = (int64_t)view.timestamp_ns;
        actor->record.crc = pipe_crc(view.payload, view.payload_bytes);
        if (NULL != actor->args->png && PROOF_FRAME == ++count) { code = keep_proof(&view, actor->args->png); }
        if (!tp_frame_view_is_valid(&view)) { continue; }
        actor->record.frames++;
        actor->record.done_ns = last_ns;
        if (!pipe_actor_tell(actor, DEMO_FRAME)) { return CLI_FAILED; }
    }
    return code;
}

/* Frames that come before the supervisor has answered would be read from the shared stream. */
static int wait_for_private_stream(pipe_actor_t *actor)
{
    tp_consumer_stats_t stats = { .size = sizeof(stats) };
    const int64_t end_ns = cli_now_ns() + 8 * CLI_NS_PER_S;
    while (!cli_stopped() && cli_now_ns() < end_ns)
    {
        if (tp_consumer_stats(actor->inputs[0], &stats) < 0 || 0 != stats.descriptor_stream_id) { break; }
        if (pipe_actor_listen(actor, 10) < 0) { return CLI_FAILED; }
    }
    return pipe_actor_tell(actor, DEMO_READY) ? CLI_OK : CLI_FAILED;
}

static int run_viewer(const cli_args_t *args)
{
    static pipe_actor_t actor;
    int code = open_viewer(&actor, args);
    if (CLI_OK == code) { code = wait_for_private_stream(&actor); }
    if (CLI_OK == code) { code = watch(&actor); }
    return pipe_actor_close(&actor, code);
}

const cli_verb_t verb_pipeline_viewer = {
    .name = "pipeline-viewer", .arguments = "", .min_arguments = 0, .max_arguments = 0, .options = options, .hidden = true, .run = run_viewer,
    .summary = "A process of `tp demo --pipeline`",
};
