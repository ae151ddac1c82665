/*
 * Row 9: what a driver with its embedded media driver costs while nothing happens. A tp_driver of this build with its defaults, as a process of its
 * own: its processor time (user and system, of all its threads), its anonymous memory, and what its files hold, as du counts. The same with a
 * supervisor and a discovery provider inside is told beside it.
 */
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 60000
#define SETTLE_S 3
#define SECONDS 30
#define QUICK_SECONDS 10
#define STREAMS "[driver]\nstream_id_range = \"20000-29999\"\n[policies]\nallow_dynamic_streams = true\n[profiles.bench]\nheader_nslots = 64\n" \
    "payload_pools = [{ pool_id = 1, stride_bytes = 65536 }]\n"

typedef struct cost
{
    double cpu_percent;
    double anonymous_mib;
    double shared_mib;
}
cost_t;

static volatile sig_atomic_t is_told_to_end;
static pid_t child;
static uint64_t blocks;

static void on_signal(int number)
{
    (void)number;
    is_told_to_end = 1;
    if (child > 0) { (void)kill(child, SIGTERM); }
}

static int fail(const char *what)
{
    (void)fprintf(stderr, "bench: %s\n", what);
    return -1;
}

static void run_driver(const char *dir, const char *config, int ready_fd)
{
    char path[PATH_MAX];
    char number[16];
    char names[3][PATH_MAX];
    const ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 32);
    if (length < 0) { _exit(127); }
    path[length] = '\0';
    for (int up = 0; up < 2; up++)                     /* from BUILD/bench/idle */
    {
        char *const slash = strrchr(path, '/');
        if (NULL == slash) { _exit(127); }
        *slash = '\0';
    }
    (void)strcat(path, "/bin/tp_driver");
    (void)snprintf(names[0], sizeof(names[0]), "%s/aeron", dir);
    (void)snprintf(names[1], sizeof(names[1]), "%s/shm", dir);
    (void)snprintf(names[2], sizeof(names[2]), "%s/run", dir);
    (void)snprintf(number, sizeof(number), "%d", ready_fd);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    char *const arguments[] = { path, "--embedded-media-driver", "--aeron-dir", names[0], "--base-dir", names[1], "--runtime-dir", names[2],
        "--ready-fd", number, NULL == config ? NULL : "--config", (char *)(uintptr_t)config, NULL };
    const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    (void)dup2(nowhere, STDOUT_FILENO);
    (void)dup2(nowhere, STDERR_FILENO);
    (void)execv(path, arguments);
    _exit(127);
}

/* 0 once the driver is ready. */
static int start(const char *dir, const char *config)
{
    int ready[2];
    char byte;
    if (pipe(ready) < 0) { return fail("no pipe"); }
    child = fork();
    if (child < 0) { return fail("no process"); }
    if (0 == child)
    {
        (void)close(ready[0]);
        run_driver(dir, config, ready[1]);
    }
    (void)close(ready[1]);
    struct pollfd one = { .fd = ready[0], .events = POLLIN };
    const bool is_ready = 1 == poll(&one, 1, PATIENCE_MS) && 1 == read(ready[0], &byte, 1);
    (void)close(ready[0]);
    return is_ready ? 0 : fail("the driver does not start");
}

static void end(void)
{
    if (child <= 0) { return; }
    (void)kill(child, SIGTERM);
    (void)waitpid(child, NULL, 0);
    child = 0;
}

/* Seconds, to the nanosecond: what the scheduler counted for each thread. */
static double cpu_seconds(void)
{
    char path[64];
    struct timespec time;
    clockid_t clock;
    (void)snprintf(path, sizeof(path), "/proc/%d", (int)child);
    if (0 != access(path, F_OK) || 0 != clock_getcpuclockid(child, &clock) || 0 != clock_gettime(clock, &time)) { return -1; }
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double anonymous_mib(void)
{
    char path[64];
    char line[256];
    long kib = -1;
    (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)child);
    FILE *const file = fopen(path, "r");
    while (NULL != file && NULL != fgets(line, sizeof(line), file)) { (void)sscanf(line, "RssAnon: %ld", &kib); }
    if (NULL != file) { (void)fclose(file); }
    return (double)kib / 1024;
}

static int add_blocks(const char *path, const struct stat *status, int type, struct FTW *at)
{
    (void)path;
    (void)type;
    (void)at;
    blocks += (uint64_t)status->st_blocks;
    return 0;
}

static double now_s(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int measure(const char *dir, const char *config, unsigned seconds, cost_t *cost)
{
    if (start(dir, config) < 0) { return -1; }
    (void)sleep(SETTLE_S);
    const double before = cpu_seconds();
    const double begin = now_s();
    (void)sleep(seconds);
    const double after = cpu_seconds();
    cost->cpu_percent = 100 * (after - before) / (now_s() - begin);
    cost->anonymous_mib = anonymous_mib();
    blocks = 0;
    (void)nftw(dir, add_blocks, 8, FTW_PHYS);
    cost->shared_mib = (double)blocks * 512 / 1048576;
    end();
    return is_told_to_end || before < 0 || after < 0 ? fail("the driver ended") : 0;
}

static int prepare(const char *dir, char *config, size_t size)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/run", dir);
    if (mkdir(path, 0700) < 0) { return fail("--dir is no empty directory to write into"); }
    (void)snprintf(path, sizeof(path), "%s/shm", dir);
    (void)mkdir(path, 0700);
    (void)snprintf(config, size, "%s/services.toml", dir);
    FILE *const file = fopen(config, "w");
    if (NULL == file) { return fail("--dir cannot be written into"); }
    (void)fputs(STREAMS "[supervisor]\n[discovery]\n", file);
    return 0 == fclose(file) ? 0 : -1;
}

static void print(const char *name, double value, const char *unit, const char *more, double other)
{
    (void)printf("{\"name\":\"%s\",\"value\":%.4f,\"unit\":\"%s\",\"%s\":%.4f}\n", name, value, unit, more, other);
}

int main(int argc, char **argv)
{
    const char *dir = NULL;
    unsigned seconds = SECONDS;
    for (int i = 1; i < argc; i++)
    {
        if (0 == strcmp(argv[i], "--quick")) { seconds = QUICK_SECONDS; }
        else if (0 == strcmp(argv[i], "--dir") && i + 1 < argc) { dir = argv[++i]; }
        else if (0 == strcmp(argv[i], "--cpu") && i + 1 < argc) { i++; }
        else
        {
            (void)puts("idle [--quick] [--cpu A,B] --dir DIR: what an idle driver costs, a line of JSON for each figure of row 9");
            return 0 == strcmp(argv[i], "--help") ? 0 : 2;
        }
    }
    char config[PATH_MAX];
    cost_t plain;
    cost_t services;
    const struct sigaction action = { .sa_handler = on_signal };
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGINT, &action, NULL);
    if (NULL == dir) { return 2; }
    if (prepare(dir, config, sizeof(config)) < 0) { return 1; }
    if (measure(dir, NULL, seconds, &plain) < 0 || measure(dir, config, seconds, &services) < 0)
    {
        end();
        return 1;
    }
    print("idle cpu", plain.cpu_percent, "%", "with_services", services.cpu_percent);
    print("idle anonymous memory", plain.anonymous_mib, "MiB", "with_services", services.anonymous_mib);
    print("idle shared memory", plain.shared_mib, "MiB", "with_services", services.shared_mib);
    return 0;
}
