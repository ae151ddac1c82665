/*
 * Row 8: a sleeping reader is woken. A process publishes a frame every millisecond, another one sleeps in tp_consumer_next; the clock runs from the
 * call of commit until the header was checked and the first payload byte was loaded. Beside it a raw futex in shared memory: from the store of a word
 * and FUTEX_WAKE until FUTEX_WAIT has returned. Both take turns, futex, ours, ours, futex; the ratio of the medians of each turn counts, and the
 * median of the turns is printed: "wake two cpus" with the processes on two CPUs, "wake one cpu" with both on one. "sleeping reader" is the CPU time
 * that the reader's process takes, in percent of one CPU, its client's conductor included, while no frame comes.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "machine.h"
#include "one_driver.h"

#define PINGS_MAX 2000u
#define TURNS_MAX 15
#define PERIOD_NS INT64_C(1000000)
#define WARM_PINGS 20u                 /* of each block, not counted */
#define SETTLE_NS INT64_C(1500000000)
#define PATIENCE_NS INT64_C(60000000000)

enum { CONNECTING, ATTACHED, FUTEX_MODE, FRAME_MODE, SLEEP_MODE, QUIT, FAILED };

typedef struct shared
{
    _Atomic uint32_t word;             /* the raw futex */
    _Atomic int64_t sent_ns;
    _Atomic int wish;                  /* written by the producing process */
    _Atomic int state;                 /* written by the reading one */
    _Atomic int cpu;                   /* of the reader */
    _Atomic uint32_t count;
    int64_t latency_ns[PINGS_MAX];
    double cpu_percent;
    int64_t sleep_ns;
}
shared_t;

static shared_t *shared;
static volatile sig_atomic_t told_to_end;

static void on_signal(int number) { (void)number; told_to_end = 1; }

static void note(int64_t sent_ns)
{
    const uint32_t n = atomic_load(&shared->count);
    if (n < PINGS_MAX) { shared->latency_ns[n] = bench_now_ns() - sent_ns; }
    atomic_store(&shared->count, n + 1);
}

/* ---- the reading process ------------------------------------------------------------------------------------------------ */

static void read_futex(void)
{
    uint32_t seen = atomic_load(&shared->word);
    atomic_store(&shared->state, FUTEX_MODE);
    while (FUTEX_MODE == atomic_load(&shared->wish))
    {
        (void)syscall(SYS_futex, &shared->word, FUTEX_WAIT, seen, NULL, NULL, 0);
        const uint32_t word = atomic_load_explicit(&shared->word, memory_order_acquire);
        if (word == seen || FUTEX_MODE != atomic_load(&shared->wish)) { continue; }
        seen = word;
        note(atomic_load_explicit(&shared->sent_ns, memory_order_relaxed));
    }
}

static int read_frames(tp_consumer_t *consumer)
{
    tp_frame_view_t view;
    atomic_store(&shared->state, FRAME_MODE);
    while (FRAME_MODE == atomic_load(&shared->wish))
    {
        const int rc = tp_consumer_next(consumer, &view, 100000000);
        if (rc < 0) { return -1; }
        if (0 == rc) { continue; }
        const volatile uint8_t first = *(const uint8_t *)view.payload;
        (void)first;
        note((int64_t)view.timestamp_ns);
    }
    return 0;
}

static double cpu_seconds(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec + ((double)usage.ru_utime.tv_usec + (double)usage.ru_stime.tv_usec) * 1e-6;
}

static int read_nothing(tp_consumer_t *consumer)
{
    tp_frame_view_t view;
    if (tp_consumer_next(consumer, &view, SETTLE_NS) < 0) { return -1; }
    const int64_t begin_ns = bench_now_ns();
    const double before = cpu_seconds();
    if (tp_consumer_next(consumer, &view, shared->sleep_ns) < 0) { return -1; }
    shared->cpu_percent = 100.0 * (cpu_seconds() - before) / ((double)(bench_now_ns() - begin_ns) * 1e-9);
    atomic_store(&shared->state, SLEEP_MODE);
    while (SLEEP_MODE == atomic_load(&shared->wish)) { bench_pause_ns(PERIOD_NS); }
    return 0;
}

static int obey(tp_consumer_t *consumer)
{
    for (;;)
    {
        int rc = 0;
        switch (atomic_load(&shared->wish))
        {
            case FUTEX_MODE: bench_pin(atomic_load(&shared->cpu)); read_futex(); break;
            case FRAME_MODE: bench_pin(atomic_load(&shared->cpu)); rc = read_frames(consumer); break;
            case SLEEP_MODE: rc = read_nothing(consumer); break;
            case QUIT: return 0;
            default: bench_pause_ns(PERIOD_NS); break;
        }
        if (rc < 0) { return one_driver_fail("the reader has lost its stream"); }
    }
}

static int read_all(void)
{
    tp_client_t *client = NULL;
    tp_consumer_t *consumer = NULL;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (ATTACHED != atomic_load(&shared->wish))
    {
        if (QUIT == atomic_load(&shared->wish)) { return 0; }
        bench_pause_ns(PERIOD_NS);
    }
    int rc = tp_connect(&client, NULL);
    if (0 == rc) { rc = tp_consumer_open(&consumer, client, ONE_STREAM); }
    if (rc < 0) { (void)one_driver_fail("the reader does not start"); }
    if (0 == rc)
    {
        atomic_store(&shared->state, ATTACHED);
        rc = obey(consumer);
    }
    if (rc < 0) { atomic_store(&shared->state, FAILED); }
    tp_consumer_close(consumer);
    tp_client_close(client);
    return rc;
}

/* ---- the producing process ---------------------------------------------------------------------------------------------- */

typedef struct out { tp_producer_t *producer; tp_tensor_template_t *shape; } out_t;

static int wish_for(int mode, int64_t patience_ns)
{
    const int64_t deadline_ns = bench_now_ns() + patience_ns;
    atomic_store(&shared->wish, mode);
    atomic_fetch_add(&shared->word, 1);
    (void)syscall(SYS_futex, &shared->word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
    while (mode != atomic_load(&shared->state))
    {
        if (told_to_end || FAILED == atomic_load(&shared->state) || bench_now_ns() > deadline_ns) { return -1; }
        bench_pause_ns(PERIOD_NS);
    }
    return 0;
}

static int ping(int mode, const out_t *out)
{
    if (FUTEX_MODE == mode)
    {
        atomic_store_explicit(&shared->sent_ns, bench_now_ns(), memory_order_relaxed);
        atomic_fetch_add_explicit(&shared->word, 1, memory_order_release);
        (void)syscall(SYS_futex, &shared->word, FUTEX_WAKE, 1, NULL, NULL, 0);
        return 0;
    }
    tp_buffer_claim_t claim;
    tp_frame_metadata_t metadata = TP_FRAME_METADATA_INIT;
    if (tp_producer_try_claim(out->producer, out->shape, &claim) < 0) { return -1; }
    memset(claim.payload, 1, claim.length);
    metadata.timestamp_ns = (uint64_t)bench_now_ns();
    return tp_producer_commit_claim(out->producer, &claim, &metadata) < 0 ? -1 : 0;
}

static int compare_ns(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

typedef struct block { double p50_ns; double p99_ns; } block_t;

/* One block of pings, each to a reader that has gone to sleep again. */
static int measure(int mode, const out_t *out, uint32_t pings, block_t *block)
{
    int64_t next_ns;
    if (wish_for(mode, PATIENCE_NS) < 0) { return -1; }
    bench_pause_ns(5 * PERIOD_NS);
    atomic_store(&shared->count, 0);
    next_ns = bench_now_ns() + PERIOD_NS;
    for (uint32_t i = 0; i < pings + WARM_PINGS; i++, next_ns += PERIOD_NS)
    {
        const struct timespec at = { (time_t)(next_ns / 1000000000), (long)(next_ns % 1000000000) };
        (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
        const uint32_t before = atomic_load(&shared->count);
        if (told_to_end || ping(mode, out) < 0) { return -1; }
        for (const int64_t until_ns = bench_now_ns() + PATIENCE_NS; before == atomic_load(&shared->count);)
        {
            if (told_to_end || FAILED == atomic_load(&shared->state) || bench_now_ns() > until_ns) { return -1; }
            bench_pause_ns(PERIOD_NS / 4);                       /* late: the next one waits */
        }
        if (bench_now_ns() > next_ns + PERIOD_NS / 2) { next_ns = bench_now_ns(); }
    }
    const uint32_t counted = pings < PINGS_MAX - WARM_PINGS ? pings : PINGS_MAX - WARM_PINGS;
    int64_t *const first = shared->latency_ns + WARM_PINGS;
    qsort(first, counted, sizeof(first[0]), compare_ns);
    *block = (block_t){ (double)first[counted / 2], (double)first[counted * 99 / 100] };
    return 0;
}

typedef struct figure { double ratio; block_t ours; block_t futex; } figure_t;

static int compare_figures(const void *a, const void *b)
{
    const double x = ((const figure_t *)a)->ratio, y = ((const figure_t *)b)->ratio;
    return (x > y) - (x < y);
}

static int take_turns(const char *name, const out_t *out, int reader_cpu, int turns, uint32_t pings)
{
    figure_t figures[TURNS_MAX];
    atomic_store(&shared->cpu, reader_cpu);
    for (int i = -1; i < turns; i++)                       /* the first one warms up */
    {
        block_t b[4];
        if (measure(FUTEX_MODE, out, pings, &b[0]) < 0 || measure(FRAME_MODE, out, pings, &b[1]) < 0 || wish_for(FUTEX_MODE, PATIENCE_NS) < 0 ||
            measure(FRAME_MODE, out, pings, &b[2]) < 0 || measure(FUTEX_MODE, out, pings, &b[3]) < 0) { return -1; }
        if (i < 0) { continue; }
        figures[i].ours = (block_t){ (b[1].p50_ns + b[2].p50_ns) / 2, (b[1].p99_ns + b[2].p99_ns) / 2 };
        figures[i].futex = (block_t){ (b[0].p50_ns + b[3].p50_ns) / 2, (b[0].p99_ns + b[3].p99_ns) / 2 };
        figures[i].ratio = figures[i].ours.p50_ns / figures[i].futex.p50_ns;
    }
    qsort(figures, (size_t)turns, sizeof(figures[0]), compare_figures);
    const figure_t *const m = &figures[turns / 2];
    (void)printf("{\"name\":\"%s\",\"value\":%.4f,\"unit\":\"ratio\",\"p99\":%.4f,\"ours\":%.0f,\"peer\":%.0f,\"ours_p99\":%.0f,\"peer_p99\":%.0f,"
        "\"smallest\":%.4f,\"largest\":%.4f,\"count\":%u}\n", name, m->ratio, m->ours.p99_ns / m->futex.p99_ns, m->ours.p50_ns, m->futex.p50_ns,
        m->ours.p99_ns, m->futex.p99_ns, figures[0].ratio, figures[turns - 1].ratio, (unsigned)turns * 2 * pings);
    (void)fflush(stdout);
    return 0;
}

static int run(const char *dir, const int cpu[2], bool is_quick)
{
    static const int32_t bytes = 64;
    one_driver_t one = { .driver = NULL };
    out_t out = { .producer = NULL };
    const int turns = is_quick ? 3 : 7;
    const uint32_t pings = is_quick ? 200 : 500;
    int rc = one_driver_start(&one, dir, 64, 64);
    if (0 == rc) { rc = one_driver_producer(&one, &out.producer); }
    if (0 == rc && tp_tensor_template_init(&out.shape, TP_DTYPE_UINT8, TP_ROW_MAJOR, 1, &bytes) < 0) { rc = one_driver_fail("no shape"); }
    if (0 == rc) { rc = wish_for(ATTACHED, PATIENCE_NS); }
    bench_pin(cpu[0]);
    bench_pause_ns(SETTLE_NS / 3);                               /* the pages are handed over meanwhile */
    if (0 == rc && cpu[0] != cpu[1]) { rc = take_turns("wake two cpus", &out, cpu[1], turns, pings); }
    else if (0 == rc) { (void)printf("{\"name\":\"wake two cpus\",\"value\":null,\"reason\":\"two CPUs are needed\"}\n"); }
    if (0 == rc) { rc = take_turns("wake one cpu", &out, cpu[0], turns, pings); }
    if (0 == rc) { rc = wish_for(SLEEP_MODE, PATIENCE_NS + shared->sleep_ns); }
    if (0 == rc)
    {
        (void)printf("{\"name\":\"sleeping reader\",\"value\":%.4f,\"unit\":\"%%\",\"seconds\":%.1f}\n", shared->cpu_percent,
            (double)shared->sleep_ns * 1e-9);
    }
    (void)wish_for(QUIT, 0);
    tp_producer_close(out.producer);
    tp_tensor_template_close(out.shape);
    one_driver_stop(&one);
    return rc;
}

static const char USAGE[] =
    "usage: wake [--quick] [--cpu A,B] --dir DIR\n\n"
    "Wakes a reader that sleeps in another process, 1000 times a second, and compares that with a raw futex: on CPUs A and B, then both on A; then\n"
    "measures what the sleeping reader itself costs. DIR is empty and writable, on /dev/shm. Prints three lines of JSON: value = p50 of ours\n"
    "divided by that of the futex, ours and peer = ns; for the last line percent of one CPU.\n";

static int start(const char *dir, const int cpu[2], bool is_quick)
{
    char runtime_dir[300];
    (void)snprintf(runtime_dir, sizeof(runtime_dir), "%s/run", dir);
    (void)setenv("TP_RUNTIME_DIR", runtime_dir, 1);
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (MAP_FAILED == (void *)shared) { return EXIT_FAILURE; }
    shared->sleep_ns = is_quick ? INT64_C(3000000000) : INT64_C(10000000000);
    const pid_t reader = fork();                           /* before there are threads */
    if (reader < 0) { return EXIT_FAILURE; }
    if (0 == reader) { _exit(0 == read_all() ? EXIT_SUCCESS : EXIT_FAILURE); }
    (void)signal(SIGTERM, on_signal);
    (void)signal(SIGINT, on_signal);
    const int rc = run(dir, cpu, is_quick);
    if (0 != rc) { (void)kill(reader, SIGKILL); }
    (void)waitpid(reader, NULL, 0);
    return 0 == rc ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    static const struct option options[] = { { "quick", no_argument, NULL, 'q' }, { "cpu", required_argument, NULL, 'c' },
        { "dir", required_argument, NULL, 'd' }, { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 } };
    const char *dir = NULL;
    int cpu[2] = { 0, 1 };
    bool is_quick = false;
    for (int option; -1 != (option = getopt_long(argc, argv, "", options, NULL)); )
    {
        switch (option)
        {
            case 'q': is_quick = true; break;
            case 'c': if (2 != sscanf(optarg, "%d,%d", &cpu[0], &cpu[1])) { (void)fputs(USAGE, stderr); return 2; } break;
            case 'd': dir = optarg; break;
            case 'h': (void)fputs(USAGE, stdout); return 0;
            default: (void)fputs(USAGE, stderr); return 2;
        }
    }
    if (NULL == dir) { (void)fputs(USAGE, stderr); return 2; }
    return start(dir, cpu, is_quick);
}
