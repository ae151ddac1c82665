/* tp demo: the play itself. Single-threaded: polls the records of its children, kills and restarts one of them, judges the result. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "connect.h"
#include "demo.h"
#include "pipeline.h"
#include "verbs.h"

#define KILL_AT 0.4                    /* of the time */
#define RESTART_AT 0.45
#define RATE_HZ 25.0
#define LAST_WORDS_NS (6 * CLI_NS_PER_S)

static const cli_option_t options[] = {
    CLI_OPT_TEXT("video", 0, video, "FILE", "video to play in a loop, decoded by ffmpeg (default: a moving picture drawn by the demo)"),
    CLI_OPT_FLAG("pipeline", 0, pipeline, "two cameras, a stage, a join, a capped viewer, lineage: the services at work"),
    CLI_OPT_TEXT("second-video", 0, second_video, "FILE", "with --pipeline: the video of the second camera (default: drawn as well)"),
    CLI_OPT_TEXT("png", 0, png, "FILE", "where the frame for proof goes (default tp-demo.png)"),
    CLI_OPT_REAL("hz", 0, hz, "N", 200, "frames a second (default 25)"),
    { "inject", 0, CLI_TEXT, offsetof(cli_args_t, inject), "corrupt|hide-loss|leave-file|late|wrong-parent|hide-one", true, 0, 0, NULL },
    CLI_OPT_END,
};

bool demo_seen_add(demo_seen_list_t *list, const demo_record_t *record)
{
    if (list->count == list->capacity)
    {
        const size_t capacity = 0 == list->capacity ? 1024 : list->capacity * 2;
        demo_seen_t *larger = realloc(list->items, capacity * sizeof(*larger));
        if (NULL == larger) { return false; }
        list->items = larger;
        list->capacity = capacity;
    }
    list->items[list->count++] = (demo_seen_t){ record->epoch, record->seq, record->crc, record->latency_ns };
    return true;
}

static void take_producer(demo_t *demo, const demo_record_t *record)
{
    if (DEMO_FRAME == record->kind && !demo_seen_add(&demo->published, record)) { cli_stop(); }
    if (DEMO_END == record->kind) { demo->producer_last = *record; }
}

static void take_consumer(demo_consumer_t *consumer, const demo_record_t *record)
{
    demo_life_t *life = &consumer->lives[consumer->life];
    const uint64_t epoch = life->last.epoch;
    if (DEMO_READY == record->kind) { life->ready = true; }
    life->last = *record;
    if (DEMO_FRAME != record->kind) { life->last.epoch = epoch; }
    if (DEMO_END == record->kind) { life->ended = true; }
    if (DEMO_FRAME != record->kind) { return; }
    life->frames++;
    if (!demo_seen_add(&consumer->seen, record)) { cli_stop(); }
}

/* Reads what the children have said; waits up to wait_ms for something. */
static void listen_to_all(demo_t *demo, int wait_ms)
{
    struct pollfd ready[1 + DEMO_CONSUMERS];
    demo_record_t record;
    ready[0] = (struct pollfd){ demo->producer.in_fd, POLLIN, 0 };
    for (int i = 0; i < DEMO_CONSUMERS; i++) { ready[1 + i] = (struct pollfd){ demo->consumers[i].child.in_fd, POLLIN, 0 }; }
    if (poll(ready, 1 + DEMO_CONSUMERS, wait_ms) <= 0) { return; }
    if (0 != ready[0].revents)
    {
        int got;
        while ((got = demo_child_record(&demo->producer, &record, sizeof(record))) > 0) { take_producer(demo, &record); }
        if (got < 0 && demo->producer.in_fd >= 0)
        {
            close(demo->producer.in_fd);
            demo->producer.in_fd = -1;
        }
    }
    for (int i = 0; i < DEMO_CONSUMERS; i++)
    {
        demo_consumer_t *consumer = &demo->consumers[i];
        int got = 0;
        while (0 != ready[1 + i].revents && (got = demo_child_record(&consumer->child, &record, sizeof(record))) > 0)
        {
            take_consumer(consumer, &record);
        }
        if (got < 0 && consumer->child.in_fd >= 0)
        {
            close(consumer->child.in_fd);
            consumer->child.in_fd = -1;
        }
    }
}

static void kill_one(demo_t *demo)
{
    demo_consumer_t *victim = &demo->consumers[DEMO_KILLED];
    (void)kill(victim->child.pid, SIGKILL);
    while (victim->child.in_fd >= 0) { listen_to_all(demo, 100); }      /* its last words are still in the pipe */
    (void)demo_child_end(&victim->child, 0, CLI_NS_PER_S);
    victim->child.status = 0;
    victim->lives[0].killed = true;
}

static int perform(demo_t *demo)
{
    const int64_t duration_ns = (int64_t)(demo->seconds * 1e9);
    bool killed = false;
    bool restarted = false;
    demo->start_ns = cli_now_ns();
    demo->next_status_ns = demo->start_ns + (demo->live ? 0 : CLI_NS_PER_S);
    if (!demo_child_order(&demo->producer, 'g', 0, 0)) { return cli_error(TP_EIO, NULL, "the demo's producer cannot be reached"); }
    for (int64_t now_ns = demo->start_ns; now_ns < demo->start_ns + duration_ns; now_ns = cli_now_ns())
    {
        const double share = (double)(now_ns - demo->start_ns) / (double)duration_ns;
        if (cli_stopped()) { return CLI_FAILED; }
        listen_to_all(demo, 20);
        if (!killed && share >= KILL_AT)
        {
            kill_one(demo);
            killed = true;
        }
        if (!restarted && share >= RESTART_AT)
        {
            demo->consumers[DEMO_KILLED].life = 1;
            restarted = true;
            if (CLI_OK != demo_stage_consumer(demo, DEMO_KILLED)) { return CLI_FAILED; }
        }
        if (demo->producer.in_fd < 0) { return cli_error(TP_ESTATE, NULL, "the demo's producer ended early"); }
        demo_status(demo, now_ns);
    }
    return CLI_OK;
}

static bool all_ended(const demo_t *demo)
{
    for (int i = 0; i < DEMO_CONSUMERS; i++)
    {
        if (!demo->consumers[i].child.ended && demo->consumers[i].child.in_fd >= 0) { return false; }
    }
    return true;
}

/* The producer stops; then the consumers read what is there up to its last frame, and say their last words. */
static void last_words(demo_t *demo)
{
    int64_t end_ns = cli_now_ns() + LAST_WORDS_NS;
    (void)demo_child_order(&demo->producer, 's', 0, 0);
    while (!demo->producer.ended && demo->producer.in_fd >= 0 && cli_now_ns() < end_ns) { listen_to_all(demo, 20); }
    const demo_seen_t *last = demo->published.count > 0 ? &demo->published.items[demo->published.count - 1] : NULL;
    for (int i = 0; i < DEMO_CONSUMERS; i++)
    {
        (void)demo_child_order(&demo->consumers[i].child, 'e', NULL != last ? last->epoch : 0, NULL != last ? last->seq : 0);
    }
    end_ns = cli_now_ns() + LAST_WORDS_NS;
    while (!all_ended(demo) && cli_now_ns() < end_ns) { listen_to_all(demo, 20); }
    demo->next_status_ns = 0;
    demo_status(demo, cli_now_ns());
}

/* Absolute paths: what is printed can be copied from anywhere. */
static int find_files(demo_t *demo)
{
    const cli_args_t *args = demo->args;
    char here[PATH_MAX];
    const char *png = NULL != args->png ? args->png : "tp-demo.png";
    if (NULL == getcwd(here, sizeof(here))) { return cli_error(TP_EIO, NULL, "the current directory: %s", strerror(errno)); }
    const int length = '/' == png[0] ? snprintf(demo->png, sizeof(demo->png), "%s", png) : snprintf(demo->png, sizeof(demo->png), "%s/%s", here, png);
    if (length >= (int)sizeof(demo->png)) { return cli_usage("demo", "--png is longer than %d bytes", PATH_MAX - 1); }
    if (NULL == args->video) { return CLI_OK; }
    if (NULL == realpath(args->video, demo->video) || access(demo->video, R_OK) < 0)
    {
        return cli_error(TP_ENOENT, "./run demo fetches it; without --video the demo draws its own picture", "'%s' cannot be read: %s", args->video,
            strerror(errno));
    }
    return CLI_OK;
}

static int run_demo_of_one(const cli_args_t *args)
{
    static demo_t demo;
    static const char *const names[DEMO_CONSUMERS] = { "fast", "slow", "killed" };
    char leftovers[200];
    bool ended_well = false;
    demo.args = args;
    demo.seconds = args->seconds >= 0.0 ? args->seconds : 10.0;
    demo.hz = args->hz > 0.0 ? args->hz : RATE_HZ;
    demo.host = (demo_host_t)DEMO_NO_HOST;
    demo.producer = (demo_child_t)DEMO_NO_CHILD;
    demo.live = !args->json && 0 != isatty(STDOUT_FILENO);
    for (int i = 0; i < DEMO_CONSUMERS; i++)
    {
        demo.consumers[i].name = names[i];
        demo.consumers[i].child = (demo_child_t)DEMO_NO_CHILD;
    }
    if (demo.seconds < 2.0) { return cli_usage("demo", "--seconds %g is too short: at least 2", demo.seconds); }
    int code = find_files(&demo);
    if (CLI_OK == code) { code = demo_stage_open(&demo); }
    if (CLI_OK == code) { code = perform(&demo); }
    if (CLI_OK == code)
    {
        last_words(&demo);
        demo_stage_close(&demo, &ended_well, leftovers, sizeof(leftovers));
        demo_judge(&demo, ended_well, leftovers);
        code = demo_summary(&demo) ? CLI_OK : CLI_FAILED;
    }
    else { demo_stage_abort(&demo); }
    for (int i = 0; i < DEMO_CONSUMERS; i++) { free(demo.consumers[i].seen.items); }
    free(demo.published.items);
    free(demo.host.environment);
    return code;
}

static int run_demo(const cli_args_t *args)
{
    cli_log_init(args);
    (void)cli_demo_clean(false);
    return args->pipeline ? pipeline_run(args) : run_demo_of_one(args);
}

const cli_verb_t verb_demo = {
    .name = "demo", .arguments = "", .min_arguments = 0, .max_arguments = 0, .options = options, .run = run_demo,
    .summary = "A driver, a producer and three consumers with real frames, watched, judged and removed",
    .text = "A video (or a drawn picture) of 1280x720 RGB goes through a producer; one consumer is fast, one slow on purpose, one is killed and\n"
        "started again. Every frame's checksum is compared, every lost frame must be accounted for. Exit code 0 only when all checks hold.\n"
        "With --pipeline: two videos at two rates, a stage that makes one smaller, a join of original, result and the other video by time, a viewer\n"
        "that the supervisor puts on a private stream of 4 frames a second, streams found by name, the ancestry of the last frame as recorded.\n"
        "Everything lives in a private directory below /dev/shm and is removed afterwards, also after kill -9.",
};
