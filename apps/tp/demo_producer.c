/* Hidden verb of the demo: decodes a video (ffmpeg) or draws a moving picture into claims, and tells the demo each frame's checksum. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
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
    pid_t ffmpeg;
    int fd;                            /* its frames, -1 = drawn */
    tp_client_t *client;
    tp_producer_t *producer;
    tp_tensor_template_t *tensor;
    uint64_t published;
}
studio_t;

static int start_ffmpeg(studio_t *studio, const char *video)
{
    int ends[2];
    char size[32];
    snprintf(size, sizeof(size), "%dx%d", DEMO_WIDTH, DEMO_HEIGHT);
    const char *const words[] = { "ffmpeg", "-nostdin", "-v", "error", "-stream_loop", "-1", "-i", video, "-an", "-f", "rawvideo", "-pix_fmt",
        "rgb24", "-s",
        size, "pipe:1", NULL };
    const pid_t parent = getpid();
    if (pipe2(ends, O_CLOEXEC) < 0) { return cli_error(TP_EIO, NULL, "no pipe for ffmpeg: %s", strerror(errno)); }
    (void)fcntl(ends[0], F_SETPIPE_SZ, 1 << 20);
    studio->ffmpeg = fork();
    if (0 == studio->ffmpeg)
    {
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0UL, 0UL, 0UL);
        if (getppid() != parent || dup2(ends[1], STDOUT_FILENO) < 0) { _exit(127); }
        signal(SIGPIPE, SIG_DFL);
        execvp(words[0], (char *const *)(uintptr_t)words);
        dprintf(STDERR_FILENO, "ffmpeg: %s\n", strerror(errno));
        _exit(127);
    }
    close(ends[1]);
    studio->fd = ends[0];
    return studio->ffmpeg > 0 ? CLI_OK : cli_error(TP_EIO, NULL, "ffmpeg cannot be started: %s", strerror(errno));
}

/* Starting to decode takes its time, which is no time of the show. */
static bool wait_for_ffmpeg(const studio_t *studio)
{
    struct pollfd ready = { studio->fd, POLLIN, 0 };
    const int64_t end_ns = cli_now_ns() + 12 * CLI_NS_PER_S;
    while (studio->fd >= 0 && !cli_stopped() && cli_now_ns() < end_ns)
    {
        if (poll(&ready, 1, 200) > 0) { return true; }
    }
    return studio->fd < 0;
}

static bool read_frame(const studio_t *studio, uint8_t *payload)
{
    size_t done = 0;
    while (done < DEMO_FRAME_BYTES)
    {
        const ssize_t count = read(studio->fd, payload + done, DEMO_FRAME_BYTES - done);
        if (count < 0 && EINTR == errno) { continue; }
        if (count <= 0) { return false; }
        done += (size_t)count;
    }
    return true;
}

/* A gradient that scrolls, and a square that bounces. */
static void draw_frame(uint64_t number, uint8_t *payload)
{
    const uint64_t span_x = 2 * (DEMO_WIDTH - 100);
    const uint64_t span_y = 2 * (DEMO_HEIGHT - 100);
    const uint64_t px = number * 11 % span_x;
    const uint64_t py = number * 7 % span_y;
    const uint64_t left = px < span_x / 2 ? px : span_x - px;
    const uint64_t top = py < span_y / 2 ? py : span_y - py;
    for (uint64_t y = 0; y < DEMO_HEIGHT; y++)
    {
        uint8_t *to = payload + y * DEMO_WIDTH * 3;
        for (uint64_t x = 0; x < DEMO_WIDTH; x++)
        {
            const bool square = x - left < 100 && y - top < 100;
            *to++ = square ? 255 : (uint8_t)(x + number);
            *to++ = square ? 220 : (uint8_t)(y + 2 * number);
            *to++ = square ? 40 : (uint8_t)((x + y) / 2);
        }
    }
}

static int open_studio(studio_t *studio, const cli_args_t *args)
{
    const int32_t dims[] = { DEMO_HEIGHT, DEMO_WIDTH, 3 };
    tp_producer_context_t *context = NULL;
    int code = NULL != args->video ? start_ffmpeg(studio, args->video) : CLI_OK;
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
    if (studio->fd < 0) { draw_frame(studio->published, claim.payload); }
    else if (!read_frame(studio, claim.payload))
    {
        tp_producer_abort_claim(studio->producer, &claim);
        cli_error(TP_EIO, "is ffmpeg there (apt-get install ffmpeg), and is this a video?", "demo producer: ffmpeg ended");
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
    return demo_record_write(&record) ? 1 : -1;
}

static int play(studio_t *studio, const cli_args_t *args)
{
    demo_order_t order;
    cli_pace_t pace;
    demo_record_t record = { .kind = DEMO_READY };
    tp_producer_stats_t stats = { .size = sizeof(stats) };
    bool playing = false;
    if (!wait_for_ffmpeg(studio) || !demo_record_write(&record)) { return CLI_FAILED; }
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
    if (!demo_record_write(&record)) { return CLI_FAILED; }
    /* The stream stays until the consumers have read what they can: the demo closes our input then. */
    while (!cli_stopped() && demo_order_read(&order, 200) >= 0) { }
    return CLI_OK;
}

static int run_producer(const cli_args_t *args)
{
    studio_t studio = { .fd = -1 };
    int code = open_studio(&studio, args);
    if (CLI_OK == code) { code = play(&studio, args); }
    tp_producer_close(studio.producer);
    tp_client_close(studio.client);
    tp_tensor_template_close(studio.tensor);
    if (studio.ffmpeg > 0)
    {
        (void)kill(studio.ffmpeg, SIGKILL);
        close(studio.fd);
        (void)waitpid(studio.ffmpeg, NULL, 0);
    }
    return code;
}

const cli_verb_t verb_demo_producer = {
    .name = "demo-producer", .arguments = "", .min_arguments = 0, .max_arguments = 0, .options = options, .hidden = true, .run = run_producer,
    .summary = "A process of `tp demo`",
};
