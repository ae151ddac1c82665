/* The demo's processes: what they are started with, in which order, and how they end. */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "connect.h"
#include "demo.h"

#define NEEDED_BYTES (UINT64_C(160) << 20)     /* the media driver's logs and one stream of 32 frames of 2.6 MiB */

static void write_tables(FILE *file)
{
    fprintf(file, "[profiles.video]\nheader_nslots = %d\n[[profiles.video.payload_pools]]\npool_id = 1\nstride_bytes = %zu\n", DEMO_NSLOTS,
        DEMO_FRAME_BYTES);
    fprintf(file, "[streams.video]\nstream_id = %u\nprofile = \"video\"\n", DEMO_STREAM);
}

static int start_producer(demo_t *demo)
{
    char hz[32];
    snprintf(hz, sizeof(hz), "%.6f", demo->hz);
    char *argv[12] = { demo->host.program, demo_word("demo-producer"), demo_word("--hz"), hz };
    int count = 4;
    if ('\0' != demo->video[0])
    {
        argv[count++] = demo_word("--video");
        argv[count++] = demo->video;
    }
    if (NULL != demo->args->inject && 0 == strcmp(demo->args->inject, "corrupt"))
    {
        argv[count++] = demo_word("--inject");
        argv[count++] = demo_word("corrupt");
    }
    return demo_child_start(&demo->producer, argv, demo->host.environment, true, -1);
}

int demo_stage_consumer(demo_t *demo, int which)
{
    demo_consumer_t *consumer = &demo->consumers[which];
    char hz[32];
    char sleep_frames[32];
    snprintf(hz, sizeof(hz), "%.6f", demo->hz);
    snprintf(sleep_frames, sizeof(sleep_frames), "%.3f", DEMO_SLOW_FRAMES);
    char *argv[12] = { demo->host.program, demo_word("demo-consumer"), demo_word("--hz"), hz };
    int count = 4;
    /* Not for a life that ends by SIGKILL: what stands in its list then is neither read nor lost. */
    if (DEMO_SLOW == which || (DEMO_KILLED == which && consumer->life > 0)) { argv[count++] = demo_word("--backlog"); }
    if (DEMO_SLOW == which)
    {
        argv[count++] = demo_word("--sleep-frames");
        argv[count++] = sleep_frames;
        if (NULL != demo->args->inject && 0 == strcmp(demo->args->inject, "hide-loss"))
        {
            argv[count++] = demo_word("--inject");
            argv[count++] = demo_word("hide-loss");
        }
    }
    if (DEMO_FAST == which)
    {
        argv[count++] = demo_word("--png");
        argv[count++] = demo->png;
    }
    consumer->lives[consumer->life].started = true;
    return demo_child_start(&consumer->child, argv, demo->host.environment, true, -1);
}

static int wait_ready(demo_child_t *child, bool *ready, const char *name)
{
    const int64_t end_ns = cli_now_ns() + DEMO_START_NS;
    demo_record_t record;
    while (!*ready)
    {
        const int got = demo_child_record(child, &record, sizeof(record));
        *ready = got > 0 && DEMO_READY == record.kind;
        if (got < 0) { return cli_error(TP_ESTATE, NULL, "the demo's %s ended before it was ready", name); }
        if (cli_now_ns() > end_ns) { return cli_error(TP_ETIMEDOUT, NULL, "the demo's %s is not ready within 15 s", name); }
        if (cli_stopped()) { return CLI_FAILED; }
        if (0 == got) { cli_sleep_ns(2000000); }
    }
    return CLI_OK;
}

/* The producer attaches first, so that all consumers map the epoch it publishes in; it begins when they are there. */
int demo_stage_open(demo_t *demo)
{
    int code = demo_host_open(&demo->host, NEEDED_BYTES, write_tables);
    if (CLI_OK == code) { code = start_producer(demo); }
    if (CLI_OK == code) { code = wait_ready(&demo->producer, &demo->producer_ready, "producer"); }
    for (int i = 0; CLI_OK == code && i < DEMO_CONSUMERS; i++) { code = demo_stage_consumer(demo, i); }
    for (int i = 0; CLI_OK == code && i < DEMO_CONSUMERS; i++)
    {
        code = wait_ready(&demo->consumers[i].child, &demo->consumers[i].lives[0].ready, demo->consumers[i].name);
    }
    return code;
}

/* ---- the end ---- */

void demo_stage_close(demo_t *demo, bool *ended_well, char *leftovers, size_t size)
{
    bool well = true;
    for (int i = 0; i < DEMO_CONSUMERS; i++) { well = demo_child_end(&demo->consumers[i].child, 0, DEMO_END_NS) && well; }
    if (demo->producer.out_fd >= 0)
    {
        close(demo->producer.out_fd);
        demo->producer.out_fd = -1;
    }
    well = demo_child_end(&demo->producer, 0, DEMO_END_NS) && well;
    const bool leave_file = NULL != demo->args->inject && 0 == strcmp(demo->args->inject, "leave-file");
    const bool driver_well = demo_host_close(&demo->host, leave_file, leftovers, size);
    *ended_well = well && driver_well;
}

void demo_stage_abort(demo_t *demo)
{
    for (int i = 0; i < DEMO_CONSUMERS; i++) { (void)demo_child_end(&demo->consumers[i].child, SIGTERM, CLI_NS_PER_S); }
    (void)demo_child_end(&demo->producer, SIGTERM, CLI_NS_PER_S);
    demo_host_abort(&demo->host);
}
