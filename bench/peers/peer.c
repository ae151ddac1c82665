/*
 * The program around a peer: command line, processes, pinning, output. The first process forks the roles before the system is touched, sleeps until
 * they have ended, and prints what they left in shared memory. It ends all of them with itself, whatever ends it.
 */
#include <errno.h>
#include <getopt.h>
#include <hdr/hdr_histogram.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "peers/run.h"

#define MAX_CONSUMERS 1024
#define MAX_FRAMES 1000000000UL
#define MAX_SIZE (1UL << 30)
#define MAX_NS INT64_C(60000000000)
#define FIGURES 3
#define TIME_LIMIT_S 300
#define LEAVE_S 3
#define WRONG_USAGE 2

static const char *const verb_names[] = { "latency", "publish", "rate", "attach", "wake" };

static const char help_text[] =
    "Usage: %s latency|publish|rate|attach|wake [OPTIONS]\n"
    "Measures %s between two processes and prints one line of JSON (bench/README.md).\n\n"
    "  --size N        payload bytes (64)\n"
    "  --frames K      frames, or rounds of attach, that count (10000)\n"
    "  --cpu A,B       CPU of the producer and of the consumer (not pinned)\n"
    "  --one-cpu       both on the first of them\n"
    "  --depth N       frames that may be under way, a power of two (64)\n"
    "  --consumers N   in the one consuming process (1)\n"
    "  --stream N      fresh for each run (20000)\n"
    "  --dir DIR       a directory of the run's own (/dev/shm)\n"
    "  --option WORD   a variant of the system\n"
    "  --fill N        latency: write only the first N bytes, as if a device had written the rest\n"
    "  --settle N      latency: frames of a few bytes beforehand, so that every page of the system's own memory has been touched (0)\n"
    "  --no-touch      latency: do not load the first payload byte before the clock is read\n"
    "  --checksum      rate: read all bytes\n";

int peer_fail(const char *what)
{
    (void)fprintf(stderr, "peer_%s: %s\n", peer_system.name, what);
    return -1;
}

int peer_pin(int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    if (cpu >= 0) { CPU_SET((size_t)cpu, &set); }
    return cpu < 0 || 0 == sched_setaffinity(0, sizeof(set), &set) ? 0 : peer_fail("cannot be pinned to that CPU");
}

/* ---- processes ---- */

typedef int (*role_t)(peer_run_t *run, uint64_t round);

static int produce(peer_run_t *run, uint64_t round) { (void)round; return peer_produce(run); }
static int consume(peer_run_t *run, uint64_t round) { (void)round; return peer_consume(run); }

static int role_code;

static void on_alarm(int number)
{
    (void)number;
    _exit(role_code);
}

/* With the destructors of what was loaded, which have their time: all was measured, and one that hangs is no failure of ours. */
static void leave(int code)
{
    role_code = code;
    (void)fflush(NULL);
    (void)signal(SIGALRM, on_alarm);
    (void)alarm(LEAVE_S);
    exit(code);
}

static pid_t start(peer_run_t *run, role_t role, uint64_t round)
{
    const pid_t parent = getpid();
    (void)fflush(NULL);
    const pid_t pid = fork();
    if (0 != pid) { return pid; }
    sigset_t none;
    (void)sigemptyset(&none);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    if (getppid() != parent) { _exit(EXIT_FAILURE); }
    leave(0 == role(run, round) ? EXIT_SUCCESS : EXIT_FAILURE);
    return -1;                         /* not reached */
}

/* Sleeps until all have ended; kills the others when one fails, when time is up, or when we are told to end. */
static int wait_for_all(pid_t *pids, int count)
{
    const struct timespec limit = { TIME_LIMIT_S, 0 };
    int rc = 0;
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGCHLD);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    for (int running = count; running > 0; )
    {
        const int signal_number = 0 == rc ? sigtimedwait(&set, NULL, &limit) : SIGCHLD;
        if (SIGCHLD != signal_number && (signal_number > 0 || EINTR != errno)) { rc = peer_fail("told to end, or out of time"); }
        running = 0;
        for (int i = 0; i < count; i++)
        {
            int status = 0;
            if (0 == pids[i]) { continue; }
            if (0 != rc) { (void)kill(pids[i], SIGKILL); }
            if (pids[i] != waitpid(pids[i], &status, 0 == rc ? WNOHANG : 0)) { running++; continue; }
            pids[i] = 0;
            if (0 == rc && !(WIFEXITED(status) && EXIT_SUCCESS == WEXITSTATUS(status)))
            {
                rc = WIFEXITED(status) && PEER_NOT_HERE == WEXITSTATUS(status) ? PEER_NOT_HERE : -1;
                running = count;
            }
        }
    }
    return rc;
}

static int run_roles(peer_run_t *run)
{
    pid_t pids[2] = { start(run, consume, 0), start(run, produce, 0) };
    if (pids[0] < 0 || pids[1] < 0) { return peer_fail("cannot fork"); }
    return wait_for_all(pids, 2);
}

static int run_rounds(peer_run_t *run)
{
    int rc = 0;
    for (uint64_t i = 0; 0 == rc && i < run->frames; i++)
    {
        pid_t pid = start(run, peer_attach, i);
        rc = pid < 0 ? peer_fail("cannot fork") : wait_for_all(&pid, 1);
    }
    return rc;
}

/* ---- output ---- */

static int64_t sample(const peer_run_t *run, uint64_t i)
{
    const uint64_t skipped = run->total - run->frames;
    const int64_t *const times = run->shared->times;
    if (PEER_LATENCY == run->verb || PEER_WAKE == run->verb) { return times[run->total + skipped + i] - times[skipped + i]; }
    return PEER_PUBLISH == run->verb ? times[skipped / PEER_BATCH + i] : times[i];
}

static void print_begin(const peer_run_t *run)
{
    (void)printf("{\"system\":\"%s\",\"option\":\"%s\",\"what\":\"%s\",\"size\":%zu,\"depth\":%u,\"consumers\":%u,", peer_system.name,
        run->options.option, verb_names[run->verb], run->options.size, run->options.depth, run->options.consumers);
}

/* Batches are kept whole, so that a nanosecond is not the step of the scale. */
static int print_times(const peer_run_t *run)
{
    const uint64_t scale = PEER_PUBLISH == run->verb ? PEER_BATCH : 1;
    const uint64_t count = run->frames / scale;
    struct hdr_histogram *histogram = NULL;
    if (0 != hdr_init(1, MAX_NS, FIGURES, &histogram)) { return peer_fail("no memory"); }
    for (uint64_t i = 0; i < count; i++)
    {
        const int64_t value = sample(run, i);
        (void)hdr_record_value(histogram, value < 1 ? 1 : value > MAX_NS ? MAX_NS : value);
    }
    const double divisor = (double)scale;
    print_begin(run);
    (void)printf("\"p50_ns\":%.1f,\"p99_ns\":%.1f,\"p999_ns\":%.1f,\"min_ns\":%.1f,\"max_ns\":%.1f,\"count\":%llu}\n",
        (double)hdr_value_at_percentile(histogram, 50.0) / divisor, (double)hdr_value_at_percentile(histogram, 99.0) / divisor,
        (double)hdr_value_at_percentile(histogram, 99.9) / divisor, (double)hdr_min(histogram) / divisor, (double)hdr_max(histogram) / divisor,
        (unsigned long long)(count * scale));
    hdr_close(histogram);
    return 0;
}

static int print_rate(const peer_run_t *run)
{
    const double seconds = (double)(run->shared->end_ns - run->shared->begin_ns) / 1e9;
    const double frames = (double)run->shared->times[0];
    if (seconds <= 0.0) { return peer_fail("too few frames to tell a rate"); }
    print_begin(run);
    (void)printf("\"frames_per_s\":%.1f,\"bytes_per_s\":%.1f,\"lost\":%llu,\"count\":%.0f}\n", frames / seconds,
        frames * (double)run->options.size / seconds, (unsigned long long)run->shared->lost, frames);
    return 0;
}

/* ---- command line ---- */

static int number(const char *text, unsigned long least, unsigned long most, unsigned long *value)
{
    char *end = NULL;
    errno = 0;
    const unsigned long n = strtoul(text, &end, 10);
    if (end == text || '\0' != *end || 0 != errno || '-' == *text || n < least || n > most)
    {
        (void)fprintf(stderr, "peer_%s: '%s' is not a number from %lu to %lu\n", peer_system.name, text, least, most);
        return -1;
    }
    *value = n;
    return 0;
}

static int parse_cpus(const char *text, int *cpus)
{
    int end = 0;
    if (2 != sscanf(text, "%d,%d%n", &cpus[0], &cpus[1], &end) || '\0' != text[end] || cpus[0] < 0 || cpus[1] < 0 || cpus[0] >= CPU_SETSIZE ||
        cpus[1] >= CPU_SETSIZE)
    {
        return peer_fail("--cpu takes two CPUs, as in 0,1");
    }
    return 0;
}

static int check_variant(const char *word)
{
    for (const char *const *v = peer_system.variants; NULL != v && NULL != *v; v++)
    {
        if (0 == strcmp(*v, word)) { return 0; }
    }
    (void)fprintf(stderr, "%s has no variant '%s'\n", peer_system.name, word);
    exit(PEER_NOT_HERE);
}

static int take_option(peer_run_t *run, int option, const char *text)
{
    unsigned long value = 0;
    int rc = 0;
    switch (option)
    {
        case 's': rc = number(text, PEER_MIN_SIZE, MAX_SIZE, &value); run->options.size = value; break;
        case 'f': rc = number(text, 1, MAX_FRAMES, &value); run->frames = value; break;
        case 'c': rc = parse_cpus(text, run->cpus); break;
        case 'd': rc = number(text, 2, 1UL << 20, &value); run->options.depth = (uint32_t)value; break;
        case 'n': rc = number(text, 1, MAX_CONSUMERS, &value); run->options.consumers = (uint32_t)value; break;
        case 'i': rc = number(text, 1, INT32_MAX, &value); run->options.stream_id = (uint32_t)value; break;
        case 'D': run->options.dir = text; break;
        case 'o': run->options.option = text; rc = check_variant(text); break;
        case 'F': rc = number(text, PEER_MIN_SIZE, MAX_SIZE, &value); run->filled = value; break;
        case 'S': rc = number(text, 0, MAX_FRAMES, &value); run->settling = value; break;
        case 'T': run->touches = false; break;
        case '1': run->one_cpu = true; break;
        case 'C': run->checksums = true; break;
        default: rc = -1;
    }
    return rc;
}

static int take_verb(peer_run_t *run, const char *verb)
{
    for (size_t i = 0; i < sizeof(verb_names) / sizeof(verb_names[0]); i++)
    {
        if (0 != strcmp(verb_names[i], verb)) { continue; }
        run->verb = (peer_verb_t)i;
        if (PEER_PUBLISH == run->verb) { run->frames = (run->frames + PEER_BATCH - 1) / PEER_BATCH * PEER_BATCH; }
        const uint64_t warm_up = PEER_ATTACH == run->verb ? 0 : run->frames / 10 < PEER_WARM_UP ? run->frames / 10 : PEER_WARM_UP;
        if (PEER_LATENCY != run->verb) { run->settling = 0; }
        run->total = run->settling + run->frames + (PEER_PUBLISH == run->verb ? warm_up / PEER_BATCH * PEER_BATCH : warm_up);
        if (0 != (run->options.depth & (run->options.depth - 1))) { return peer_fail("--depth takes a power of two"); }
        run->options.sleeps = PEER_WAKE == run->verb;
        if (run->one_cpu && PEER_WAKE != run->verb) { return peer_fail("--one-cpu is for wake: elsewhere both spin"); }
        if (run->one_cpu) { run->cpus[1] = run->cpus[0]; }
        if (PEER_WAKE == run->verb && NULL == peer_system.wait)
        {
            (void)fprintf(stderr, "%s cannot wake a sleeper\n", peer_system.name);
            exit(PEER_NOT_HERE);
        }
        if (PEER_PUBLISH == run->verb && run->options.depth <= PEER_BATCH) { return peer_fail("publish needs --depth 128 or more"); }
        return 0;
    }
    return peer_fail("latency, publish, rate, attach or wake?");
}

static int parse(peer_run_t *run, int argc, char **argv)
{
    static const struct option options[] = {
        { "size", required_argument, NULL, 's' }, { "frames", required_argument, NULL, 'f' }, { "cpu", required_argument, NULL, 'c' },
        { "depth", required_argument, NULL, 'd' }, { "consumers", required_argument, NULL, 'n' }, { "stream", required_argument, NULL, 'i' },
        { "dir", required_argument, NULL, 'D' }, { "option", required_argument, NULL, 'o' }, { "no-touch", no_argument, NULL, 'T' },
        { "fill", required_argument, NULL, 'F' }, { "settle", required_argument, NULL, 'S' },
        { "one-cpu", no_argument, NULL, '1' },        { "checksum", no_argument, NULL, 'C' }, { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 }
    };
    int rc = 0;
    for (int option; 0 == rc && -1 != (option = getopt_long(argc, argv, "h", options, NULL)); )
    {
        if ('h' == option) { (void)printf(help_text, argv[0], peer_system.name); exit(EXIT_SUCCESS); }
        rc = take_option(run, option, optarg);
    }
    if (0 == rc && argc != optind + 1) { rc = peer_fail("one verb: latency, publish, rate, attach or wake (--help)"); }
    return 0 == rc ? take_verb(run, argv[optind]) : rc;
}

static int make_shared(peer_run_t *run)
{
    const size_t bytes = sizeof(peer_shared_t) + 2 * (run->total + 1) * sizeof(int64_t);
    void *const memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | (PEER_RATE == run->verb ? 0 : MAP_POPULATE), -1, 0);
    if (MAP_FAILED == memory) { return peer_fail("no shared memory"); }
    run->shared = memory;
    return 0;
}

int main(int argc, char **argv)
{
    static peer_run_t run = { .options = { .size = 64, .depth = 64, .consumers = 1, .stream_id = 20000, .dir = "/dev/shm", .option = "" },
        .frames = 10000, .cpus = { -1, -1 }, .touches = true, .filled = MAX_SIZE };
    sigset_t blocked;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (parse(&run, argc, argv) < 0) { return WRONG_USAGE; }
    (void)sigemptyset(&blocked);
    (void)sigaddset(&blocked, SIGCHLD);
    (void)sigaddset(&blocked, SIGTERM);
    (void)sigaddset(&blocked, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &blocked, NULL);
    int rc = make_shared(&run);
    if (0 == rc && NULL != peer_system.prepare) { rc = peer_system.prepare(&run.options); }
    if (0 == rc) { rc = PEER_ATTACH == run.verb ? run_rounds(&run) : run_roles(&run); }
    if (NULL != peer_system.finish) { peer_system.finish(); }
    if (0 == rc) { rc = PEER_RATE == run.verb ? print_rate(&run) : print_times(&run); }
    return 0 == rc ? EXIT_SUCCESS : PEER_NOT_HERE == rc ? PEER_NOT_HERE : EXIT_FAILURE;
}
