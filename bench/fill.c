/*
 * Row 7: filling frames of 1 MiB. "fill" compares claim, tp_frame_copy and commit in a ring of 8 slots with memcpy into the same memory; "fill
 * streaming" the same in a ring that does not fit into the cache, where tp_frame_copy streams by itself (TP_COPY_AUTO), with plain memcpy. Both take
 * turns, ours, memcpy, memcpy, ours, each once round the ring, short enough for what else happens on the machine to meet few of them; the median of
 * the turns' ratios is printed. Nobody reads: what is compared are the stores.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "machine.h"
#include "one_driver.h"

#define FRAME (1u << 20)
#define SLOTS_MAX 256u
#define TURNS_MAX 512
#define GIB 1073741824.0

typedef struct fill
{
    one_driver_t one;
    tp_producer_t *producer;
    tp_tensor_template_t *shape;
    uint8_t *source;
    uint32_t slots;
    void *payloads[SLOTS_MAX];         /* of the slots, learned from claims */
}
fill_t;

typedef struct figure { double ratio; double ours_gib_s; double memcpy_gib_s; } figure_t;

static volatile sig_atomic_t told_to_end;

static void on_signal(int number) { (void)number; told_to_end = 1; }

static double seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Seconds for so many frames by the library, or a negative number. */
static double fill_ours(fill_t *f, uint32_t frames)
{
    const double begin = seconds();
    for (uint32_t i = 0; i < frames; i++)
    {
        tp_buffer_claim_t claim;
        const int64_t seq = tp_producer_try_claim(f->producer, f->shape, &claim);
        if (seq < 0) { (void)fprintf(stderr, "bench: claim says %s\n", tp_result_name((int)seq)); return -1; }
        f->payloads[claim.seq % f->slots] = claim.payload;
        const int64_t copied = tp_frame_copy(f->producer, &claim, 0, f->source, FRAME, TP_COPY_AUTO);
        if (FRAME != copied) { (void)fprintf(stderr, "bench: copy says %s\n", tp_result_name((int)copied)); return -1; }
        (void)tp_producer_commit_claim(f->producer, &claim, NULL);       /* nobody listens */
    }
    return seconds() - begin;
}

static double fill_plainly(fill_t *f, uint32_t frames)
{
    const double begin = seconds();
    for (uint32_t i = 0; i < frames; i++)
    {
        memcpy(f->payloads[i % f->slots], f->source, FRAME);
        __asm__ volatile("" : : "r"(f->payloads[i % f->slots]) : "memory");
    }
    return seconds() - begin;
}

static int compare_figures(const void *a, const void *b)
{
    const double x = ((const figure_t *)a)->ratio, y = ((const figure_t *)b)->ratio;
    return (x > y) - (x < y);
}

static int take_turns(fill_t *f, int turns, figure_t *median)
{
    const uint32_t frames = f->slots;
    static figure_t figures[TURNS_MAX];
    for (int i = -1; i < turns && !told_to_end; i++)                     /* the first one warms up */
    {
        const double ours[] = { fill_ours(f, frames), fill_plainly(f, frames), fill_plainly(f, frames), fill_ours(f, frames) };
        if (ours[0] < 0 || ours[3] < 0) { return -1; }
        const double gib = 2.0 * frames * FRAME / GIB;
        if (i < 0) { continue; }
        figures[i] = (figure_t){ .ratio = (ours[1] + ours[2]) / (ours[0] + ours[3]), .ours_gib_s = gib / (ours[0] + ours[3]),
            .memcpy_gib_s = gib / (ours[1] + ours[2]) };
    }
    if (told_to_end) { return -1; }
    qsort(figures, (size_t)turns, sizeof(figures[0]), compare_figures);
    *median = figures[turns / 2];
    return 0;
}

static int run(const char *name, const char *dir, uint32_t slots, int turns)
{
    static const int32_t bytes = FRAME;
    fill_t f = { .slots = slots };
    figure_t figure;
    char own[256];
    (void)snprintf(own, sizeof(own), "%s/%u", dir, slots);
    if (0 != mkdir(own, 0700)) { (void)fprintf(stderr, "bench: %s cannot be made\n", own); return -1; }
    int rc = one_driver_start(&f.one, own, slots, FRAME);
    if (0 == rc) { rc = one_driver_producer(&f.one, &f.producer); }
    if (0 == rc && tp_tensor_template_init(&f.shape, TP_DTYPE_UINT8, TP_ROW_MAJOR, 1, &bytes) < 0) { rc = one_driver_fail("no shape"); }
    f.source = malloc(FRAME);
    if (NULL == f.source) { rc = -1; } else { memset(f.source, 0x5A, FRAME); }
    if (0 == rc) { rc = take_turns(&f, turns, &figure); }
    if (0 == rc)
    {
        (void)printf("{\"name\":\"%s\",\"value\":%.4f,\"unit\":\"ratio\",\"ours\":%.2f,\"peer\":%.2f,\"slots\":%u,\"cache_bytes\":%llu}\n", name,
            figure.ratio, figure.ours_gib_s, figure.memcpy_gib_s, slots, (unsigned long long)tp_cache_bytes());
        (void)fflush(stdout);
    }
    free(f.source);
    tp_producer_close(f.producer);
    tp_tensor_template_close(f.shape);
    one_driver_stop(&f.one);
    return rc;
}

static const char USAGE[] =
    "usage: fill [--quick] [--slots N] [--cpu A,B] --dir DIR\n\n"
    "Fills frames of 1 MiB: in 8 slots, claim + tp_frame_copy + commit against memcpy into the same memory; then in N slots (64), a ring that\n"
    "tp_frame_copy fills past the caches. Runs on CPU A. DIR is empty and writable, on /dev/shm. Prints two lines of JSON: value = GiB/s of ours\n"
    "divided by those of memcpy, ours and peer = GiB/s.\n";

int main(int argc, char **argv)
{
    static const struct option options[] = { { "quick", no_argument, NULL, 'q' }, { "slots", required_argument, NULL, 's' },
        { "cpu", required_argument, NULL, 'c' }, { "dir", required_argument, NULL, 'd' }, { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 } };
    const char *dir = NULL;
    uint32_t slots = 64;
    int cpu[2] = { -1, -1 };
    bool is_quick = false;
    for (int option; -1 != (option = getopt_long(argc, argv, "", options, NULL)); )
    {
        switch (option)
        {
            case 'q': is_quick = true; break;
            case 's': slots = (uint32_t)strtoul(optarg, NULL, 10); break;
            case 'c': if (2 != sscanf(optarg, "%d,%d", &cpu[0], &cpu[1])) { (void)fputs(USAGE, stderr); return 2; } break;
            case 'd': dir = optarg; break;
            case 'h': (void)fputs(USAGE, stdout); return 0;
            default: (void)fputs(USAGE, stderr); return 2;
        }
    }
    if (NULL == dir || slots <= 8 || slots > SLOTS_MAX) { (void)fputs(USAGE, stderr); return 2; }
    (void)signal(SIGTERM, on_signal);
    (void)signal(SIGINT, on_signal);
    bench_pin(cpu[0]);          /* the driver's threads inherit it: they sleep */
    int rc = run("fill", dir, 8, is_quick ? 101 : 401);
    if (0 == rc) { rc = run("fill streaming", dir, slots, is_quick ? 21 : 61); }
    return 0 == rc ? EXIT_SUCCESS : EXIT_FAILURE;
}
