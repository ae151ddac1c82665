/* The demo's processes: what they are started with, in which order, and how they end. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "connect.h"
#include "demo.h"

#define START_NS (15 * CLI_NS_PER_S)
#define END_NS (10 * CLI_NS_PER_S)

/* execve takes writable strings and leaves them alone. */
static char *word(const char *text) { return (char *)(uintptr_t)text; }

static int find_programs(demo_t *demo)
{
    const ssize_t length = readlink("/proc/self/exe", demo->program, sizeof(demo->program) - 1);
    if (length <= 0) { return cli_error(TP_EIO, "mount /proc", "/proc/self/exe: %s", strerror(errno)); }
    demo->program[length] = '\0';
    const char *slash = strrchr(demo->program, '/');
    const int directory = NULL != slash ? (int)(slash - demo->program) : 0;
    if (snprintf(demo->driver_program, sizeof(demo->driver_program), "%.*s/tp_driver", directory,
        demo->program) >= (int)sizeof(demo->driver_program) ||
        access(demo->driver_program, X_OK) < 0)
    {
        return cli_error(TP_ENOENT, "build or install it beside tp", "'%s': %s", demo->driver_program, strerror(errno));
    }
    return CLI_OK;
}

static int write_config(const demo_t *demo, const char *path)
{
    const char *const dir = demo->dir.path;
    FILE *file = fopen(path, "wxe");
    if (NULL == file) { return cli_error(TP_EIO, NULL, "'%s' cannot be made: %s", path, strerror(errno)); }
    fprintf(file, "[driver]\ninstance_id = \"demo\"\naeron_dir = \"%s/aeron\"\nmedia_driver = \"embedded\"\nruntime_dir = \"%s/run\"\n", dir, dir);
    fputs("control_channel = \"aeron:ipc?term-length=256k\"\ncontrol_stream_id = 1000\nannounce_channel = \"aeron:ipc?term-length=256k\"\n"
        "descriptor_channel = \"aeron:ipc?term-length=256k\"\nqos_channel = \"aeron:ipc?term-length=256k\"\n"
        "metadata_channel = \"aeron:ipc?term-length=256k\"\n", file);
    fprintf(file, "[shm]\nbase_dir = \"%s/base\"\nnamespace = \"demo\"\npermissions_mode = \"600\"\n", dir);
    fputs("[policies]\nannounce_period_ms = 500\ncleanup_shm_on_exit = true\nepoch_gc_keep = 1\nshutdown_timeout_ms = 500\n", file);
    fprintf(file, "[profiles.video]\nheader_nslots = %d\n[[profiles.video.payload_pools]]\npool_id = 1\nstride_bytes = %zu\n", DEMO_NSLOTS,
        DEMO_FRAME_BYTES);
    fprintf(file, "[streams.video]\nstream_id = %u\nprofile = \"video\"\n", DEMO_STREAM);
    return 0 == fclose(file) ? CLI_OK : cli_error(TP_EIO, NULL, "'%s' cannot be written: %s", path, strerror(errno));
}

static void show_log(const demo_t *demo)
{
    char path[160];
    char line[512];
    snprintf(path, sizeof(path), "%s/driver.log", demo->dir.path);
    FILE *file = fopen(path, "re");
    while (NULL != file && NULL != fgets(line, sizeof(line), file)) { fprintf(stderr, "  driver: %s", line); }
    if (NULL != file) { fclose(file); }
}

static void on_endpoint(void *clientd, const tp_endpoint_t *endpoint)
{
    bool *const alive = clientd;
    *alive = *alive || (endpoint->alive && 0 == strcmp(endpoint->instance_id, "demo"));
}

static int start_driver(demo_t *demo)
{
    char config[160];
    char log[160];
    char run[160];
    snprintf(config, sizeof(config), "%s/driver.toml", demo->dir.path);
    snprintf(log, sizeof(log), "%s/driver.log", demo->dir.path);
    snprintf(run, sizeof(run), "%s/run", demo->dir.path);
    int code = mkdir(run, 0700) == 0 ? write_config(demo, config) : cli_error(TP_EIO, NULL, "'%s' cannot be made: %s", run, strerror(errno));
    if (CLI_OK != code) { return code; }
    demo->log_fd = open(log, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    char *const argv[] = { demo->driver_program, word("--config"), config, NULL };
    code = demo_child_start(&demo->driver, argv, demo->environment, false, demo->log_fd);
    const int64_t end_ns = cli_now_ns() + START_NS;
    bool alive = false;
    setenv("TP_RUNTIME_DIR", run, 1);
    while (CLI_OK == code && !alive)
    {
        (void)tp_endpoint_list(on_endpoint, &alive);
        if (alive) { break; }
        if (!demo_child_runs(&demo->driver) || cli_now_ns() > end_ns)
        {
            show_log(demo);
            code = cli_error(TP_ENODRIVER, "tp doctor", "the demo's driver %s", demo->driver.pid > 0 ? "does not come up within 15 s" :
                "ended at once");
        }
        cli_sleep_ns(5000000);
        if (cli_stopped()) { code = CLI_FAILED; }
    }
    return code;
}

static int start_producer(demo_t *demo)
{
    char hz[32];
    snprintf(hz, sizeof(hz), "%.6f", demo->hz);
    char *argv[12] = { demo->program, word("demo-producer"), word("--hz"), hz };
    int count = 4;
    if ('\0' != demo->video[0])
    {
        argv[count++] = word("--video");
        argv[count++] = demo->video;
    }
    if (NULL != demo->args->inject && 0 == strcmp(demo->args->inject, "corrupt"))
    {
        argv[count++] = word("--inject");
        argv[count++] = word("corrupt");
    }
    return demo_child_start(&demo->producer, argv, demo->environment, true, -1);
}

int demo_stage_consumer(demo_t *demo, int which)
{
    demo_consumer_t *consumer = &demo->consumers[which];
    char hz[32];
    char sleep_frames[32];
    snprintf(hz, sizeof(hz), "%.6f", demo->hz);
    snprintf(sleep_frames, sizeof(sleep_frames), "%.3f", DEMO_SLOW_FRAMES);
    char *argv[12] = { demo->program, word("demo-consumer"), word("--hz"), hz };
    int count = 4;
    /* Not for a life that ends by SIGKILL: what stands in its list then is neither read nor lost. */
    if (DEMO_SLOW == which || (DEMO_KILLED == which && consumer->life > 0)) { argv[count++] = word("--backlog"); }
    if (DEMO_SLOW == which)
    {
        argv[count++] = word("--sleep-frames");
        argv[count++] = sleep_frames;
        if (NULL != demo->args->inject && 0 == strcmp(demo->args->inject, "hide-loss"))
        {
            argv[count++] = word("--inject");
            argv[count++] = word("hide-loss");
        }
    }
    if (DEMO_FAST == which)
    {
        argv[count++] = word("--png");
        argv[count++] = demo->png;
    }
    consumer->lives[consumer->life].started = true;
    return demo_child_start(&consumer->child, argv, demo->environment, true, -1);
}

static int wait_ready(demo_child_t *child, bool *ready, const char *name)
{
    const int64_t end_ns = cli_now_ns() + START_NS;
    demo_record_t record;
    while (!*ready)
    {
        const int got = demo_child_record(child, &record);
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
    char aeron[160];
    char run[160];
    char base[160];
    int code = find_programs(demo);
    if (CLI_OK == code) { code = cli_demo_dir_make(&demo->dir); }
    if (CLI_OK != code) { return code; }
    snprintf(aeron, sizeof(aeron), "TP_AERON_DIR=%s/aeron", demo->dir.path);
    snprintf(run, sizeof(run), "TP_RUNTIME_DIR=%s/run", demo->dir.path);
    snprintf(base, sizeof(base), "TP_ALLOWED_BASE_DIRS=%s/base", demo->dir.path);
    const char *const extra[] = { aeron, run, base, NULL };
    demo->environment = demo_environment(extra);
    if (NULL == demo->environment) { return cli_error(TP_ENOMEM, NULL, "no memory for the environment"); }
    code = start_driver(demo);
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

static char *left_text;
static size_t left_size;

/* What services should have removed themselves: everything but directories they were given and our own files. */
static int on_left(const char *path, const struct stat *info, int kind, struct FTW *at)
{
    (void)info;
    const char *const name = path + at->base;
    if (FTW_D == kind || FTW_DP == kind || 0 == strcmp(name, "lock") || 0 == strcmp(name, "driver.toml") || 0 == strcmp(name, "driver.log"))
    {
        return 0;
    }
    const size_t length = strlen(left_text);
    if (length < left_size) { snprintf(left_text + length, left_size - length, "%s%s", length > 0 ? ", " : "", path); }
    return 0;
}

static void leave_file(const demo_t *demo)
{
    char path[160];
    snprintf(path, sizeof(path), "%s/base/left-behind", demo->dir.path);
    const int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0) { close(fd); }
}

void demo_stage_close(demo_t *demo, bool *ended_well, char *leftovers, size_t size)
{
    char dir[sizeof(demo->dir.path)];
    struct stat info;
    bool well = true;
    for (int i = 0; i < DEMO_CONSUMERS; i++) { well = demo_child_end(&demo->consumers[i].child, 0, END_NS) && well; }
    if (demo->producer.out_fd >= 0)
    {
        close(demo->producer.out_fd);
        demo->producer.out_fd = -1;
    }
    well = demo_child_end(&demo->producer, 0, END_NS) && well;
    const bool driver_well = demo_child_end(&demo->driver, SIGTERM, END_NS);
    if (!driver_well) { show_log(demo); }
    if (NULL != demo->args->inject && 0 == strcmp(demo->args->inject, "leave-file")) { leave_file(demo); }
    leftovers[0] = '\0';
    left_text = leftovers;
    left_size = size;
    (void)nftw(demo->dir.path, on_left, 16, FTW_PHYS | FTW_MOUNT);
    memcpy(dir, demo->dir.path, sizeof(dir));
    demo->nothing_left = '\0' == leftovers[0];
    if (!cli_demo_dir_remove(&demo->dir) || 0 == lstat(dir, &info))
    {
        demo->nothing_left = false;
        snprintf(leftovers, size, "%s", dir);
    }
    *ended_well = well && driver_well;
}

void demo_stage_abort(demo_t *demo)
{
    for (int i = 0; i < DEMO_CONSUMERS; i++) { (void)demo_child_end(&demo->consumers[i].child, SIGTERM, CLI_NS_PER_S); }
    (void)demo_child_end(&demo->producer, SIGTERM, CLI_NS_PER_S);
    (void)demo_child_end(&demo->driver, SIGTERM, 3 * CLI_NS_PER_S);
    (void)cli_demo_dir_remove(&demo->dir);
}
