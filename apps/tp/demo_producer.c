/* Hidden verb of the demo: decodes a video (ffmpeg) or draws a moving picture into claims, and tells the demo each frame's checksum. */
#include <string.h>
#include <zlib.h>

#include "connect.h"
#include "demo.h"
#include "verbs.h"

static const cli_option_t options[] = {
    CLI_OPT_TEXT("video", 0, video, "FILE", NULL),
    CLI_OPT_REAL("hz", 0, hz, "N", 1000, NULL),
    CLI_OPT_TEXT("inject", 0, inject, "FAULT", NULL),
    CLI_OPT_END,
};

typedef struct studio
{
    demo_video_t video;
    tp_client_t *client;
    tp_producer_t *producer;
    tp_tensor_template_t *tensor;
    uint64_t published;
}
studio_t;

static int open_studio(studio_t *studio, const cli_args_t *args)
{
    const int32_t dims[] = { DEMO_HEIGHT, DEMO_WIDTH, 3 };
    tp_producer_context_t *context = NULL;
    int code = demo_video_open(&studio->video, args->video, DEMO_WIDTH, DEMO_HEIGHT);
    if (CLI_OK == code) { code = cli_connect(args, &studio->client, NULL); }
    if (CLI_OK != code) { return code; }
    if (tp_tensor_template_init(&studio->tensor, TP_DTYPE_UINT8, TP_ROW_MAJOR, 3, dims) < 0 || tp_producer_context_init(&context) < 0 ||
        tp_producer_context_set_stream_id(context, DEMO_STREAM) < 0 || tp_producer_init(&studio->producer, studio->client, context) < 0)
    {
        code = cli_error_last();
    }
    tp_producer_context_close(context);
    return code;
}

/* 1 published, 0 not now, -1 over. */
static int publish(studio_t *studio, int64_t now_ns, const char *inject)
{
    tp_buffer_claim_t claim;
    tp_producer_stats_t stats = { .size = sizeof(stats) };
    const int64_t seq = tp_producer_try_claim_at(studio->producer, studio->tensor, DEMO_FRAME_BYTES, (uint64_t)now_ns, &claim);
    if (TP_LEASE_LOST == seq) { return 0; }
    if (seq < 0)
    {
        cli_error(TP_ESTATE, NULL, "demo producer: claim failed: %s", tp_result_name(seq));
        return -1;
    }
    if (!demo_video_next(&studio->video, claim.payload))
    {
        tp_producer_abort_claim(studio->producer, &claim);
        return -1;
    }
    claim.timestamp_ns = (uint64_t)cli_now_ns();
    (void)tp_producer_stats(studio->producer, &stats);
    demo_record_t record = { .kind = DEMO_FRAME, .epoch = stats.epoch, .seq = claim.seq };
    record.crc = (uint32_t)crc32(crc32(0, NULL, 0), claim.payload, (uInt)DEMO_FRAME_BYTES);
    if (NULL != inject && 0 == strcmp(inject, "corrupt") && DEMO_CORRUPT_FRAME == studio->published) { ((uint8_t *)claim.payload)[4711] ^= 1; }
    const int64_t committed = tp_producer_commit_claim(studio->producer, &claim, NULL);
    if (committed < 0 && TP_NOT_CONNECTED != committed && TP_BACK_PRESSURED != committed) { return 0; }
    studio->published++;
    return demo_record_write(&record, sizeof(record)) ? 1 : -1;
}

static int play(studio_t *studio, const cli_args_t *args)
{
    demo_order_t order;
    cli_pace_t pace;
    demo_record_t record = { .kind = DEMO_READY };
    tp_producer_stats_t stats = { .size = sizeof(stats) };
    bool playing = false;
    if (!demo_video_wait(&studio->video) || !demo_record_write(&record, sizeof(record))) { return CLI_FAILED; }
    while (!cli_stopped())
    {
        const int got = demo_order_read(&order, playing ? 0 : 200);
        if (got < 0) { return CLI_FAILED; }
        if (got > 0 && 'g' == order.kind)
        {
            playing = true;
            cli_pace_init(&pace, args->hz > 0.0 ? args->hz : 25.0);
        }
        if (got > 0 && 's' == order.kind) { break; }
        if (playing && publish(studio, cli_pace_wait(&pace), args->inject) < 0) { return CLI_FAILED; }
    }
    (void)tp_producer_flush(studio->producer);
    (void)tp_producer_stats(studio->producer, &stats);
    record.kind = DEMO_END;
    record.received = stats.frames;
    record.dropped_descriptors = stats.descriptors_dropped;
    if (!demo_record_write(&record, sizeof(record))) { return CLI_FAILED; }
    /* The stream stays until the consumers have read what they can: the demo closes our input then. */
    while (!cli_stopped() && demo_order_read(&order, 200) >= 0) { }
    return CLI_OK;
}

static int run_producer(const cli_args_t *args)
{
    studio_t studio = { .video = DEMO_NO_VIDEO };
    int code = open_studio(&studio, args);
    if (CLI_OK == code) { code = play(&studio, args); }
    tp_producer_close(studio.producer);
    tp_client_close(studio.client);
    tp_tensor_template_close(studio.tensor);
    demo_video_close(&studio.video);
    return code;
}

const cli_verb_t verb_demo_producer = {
    .name = "demo-producer", .arguments = "", .min_arguments = 0, .max_arguments = 0, .options = options, .hidden = true, .run = run_producer,
    .summary = "A process of `tp demo`",
};
