/* Hidden verb of the pipeline demo: a camera. Pictures of a video or drawn ones, each the root of a lineage. */
#include "connect.h"
#include "demo_video.h"
#include "pipeline.h"
#include "verbs.h"

static const cli_option_t options[] = {
    CLI_OPT_TEXT("video", 0, video, "FILE", NULL),
    CLI_OPT_TEXT("name", 0, name, "NAME", NULL),
    CLI_OPT_REAL("hz", 0, hz, "N", 1000, NULL),
    CLI_OPT_END,
};

/* False when the show is over. */
static bool publish(pipe_actor_t *actor, demo_video_t *video, int64_t now_ns)
{
    tp_buffer_claim_t claim;
    const int64_t seq = tp_producer_try_claim_at(actor->out, actor->tensor, demo_video_bytes(video), (uint64_t)now_ns, &claim);
    if (TP_LEASE_LOST == seq) { return true; }
    if (seq < 0)
    {
        (void)cli_error(TP_ESTATE, NULL, "demo camera: claim failed: %s", tp_result_name(seq));
        return false;
    }
    if (!demo_video_next(video, claim.payload))
    {
        (void)tp_producer_abort_claim(actor->out, &claim);
        return false;
    }
    claim.timestamp_ns = (uint64_t)cli_now_ns();
    return pipe_actor_commit(actor, &claim) && pipe_actor_tell(actor, DEMO_FRAME);
}

static int play(pipe_actor_t *actor, demo_video_t *video)
{
    cli_pace_t pace;
    if (!demo_video_wait(video) || !pipe_actor_tell(actor, DEMO_READY)) { return CLI_FAILED; }
    while (!actor->ending && 'g' != actor->end.kind && !cli_stopped())
    {
        if (pipe_actor_listen(actor, 200) < 0) { return CLI_FAILED; }
    }
    cli_pace_init(&pace, actor->args->hz);
    while (!actor->ending && !cli_stopped())
    {
        if (!publish(actor, video, cli_pace_wait(&pace)) || pipe_actor_listen(actor, 0) < 0) { return CLI_FAILED; }
    }
    return CLI_OK;
}

static int run_camera(const cli_args_t *args)
{
    static pipe_actor_t actor;
    demo_video_t video = DEMO_NO_VIDEO;
    const pipe_role_t role = NULL != args->name && 'b' == args->name[0] ? PIPE_BIKES : PIPE_CAMERA;
    int code = demo_video_open(&video, args->video, pipe_sizes[role][0], pipe_sizes[role][1]);
    if (CLI_OK == code) { code = pipe_actor_open(&actor, args, role); }
    if (CLI_OK == code) { code = pipe_actor_output(&actor, role, TP_TRACE_ROOT); }
    if (CLI_OK == code) { code = play(&actor, &video); }
    code = pipe_actor_close(&actor, code);
    demo_video_close(&video);
    return code;
}

const cli_verb_t verb_pipeline_camera = {
    .name = "pipeline-camera", .arguments = "", .min_arguments = 0, .max_arguments = 0, .options = options, .hidden = true, .run = run_camera,
    .summary = "A process of `tp demo --pipeline`",
};
