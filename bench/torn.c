/*
 * Row 13: whether a frame that was overwritten while it was read is ever taken for a whole one. A ring of two slots, a writer that never stops, and a
 * reader that opens the newest frame, compares every word of the payload and every field of the header that can be told from the sequence number,
 * and only then asks whether the view was valid. A read counts when the answer was yes; with a wrong content it is a torn frame accepted.
 *
 * Two threads in one process, through two mappings of the region files. Descriptors are taken too, now and then, and their frames looked at alike.
 */
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "machine.h"
#include "one_driver.h"

#define NSLOTS 2u
#define WORDS 32u                      /* of the payload */
#define SHORTER 8u                     /* up to so many words less: the length is told from the sequence number, too */
#define NOTHING UINT64_MAX
#define READS_A_POLL 64
#define PATIENCE_S 60                  /* without one accepted read */
#define MULTIPLIER UINT64_C(0x9E3779B97F4A7C15)

typedef struct torn
{
    one_driver_t one;
    tp_producer_t *producer;
    tp_consumer_t *consumer;
    tp_tensor_template_t *shape;
    int cpu[2];                        /* of writer and reader; -1: any */
    _Atomic uint64_t newest;           /* committed, as the writer says */
    atomic_bool done;
    uint64_t written;                  /* the writer's */
    uint64_t accepted;
    uint64_t refused;                  /* overwritten before the reader had finished, and noticed */
    uint64_t absent;                   /* not there any more when it was opened */
    uint64_t torn;
}
torn_t;

static volatile sig_atomic_t told_to_end;

static void on_signal(int number) { (void)number; told_to_end = 1; }

static uint64_t word_of(uint64_t seq, uint64_t i) { return (seq + 1) * MULTIPLIER + i; }
static uint64_t time_of(uint64_t seq) { return 1 + (seq & 0xffffffff) * 3; }
static size_t words_of(uint64_t seq) { return WORDS - (size_t)(seq % SHORTER); }

/* ---- writer ------------------------------------------------------------------------------------------------------------- */

static void *write_frames(void *clientd)
{
    torn_t *const t = clientd;
    bench_pin(t->cpu[0]);
    while (!atomic_load_explicit(&t->done, memory_order_relaxed))
    {
        tp_buffer_claim_t claim;
        if (tp_producer_try_claim(t->producer, t->shape, &claim) < 0) { (void)sched_yield(); continue; }
        const uint64_t seq = claim.seq;
        uint64_t *const words = claim.payload;
        claim.length = words_of(seq) * sizeof(uint64_t);
        claim.timestamp_ns = time_of(seq);
        for (uint64_t i = 0; i < WORDS; i++) { words[i] = word_of(seq, i); }
        (void)tp_producer_commit_claim(t->producer, &claim, NULL);         /* the frame lies there, whatever becomes of its descriptor */
        atomic_store_explicit(&t->newest, seq, memory_order_release);
        t->written++;
    }
    return NULL;
}

/* ---- reader ------------------------------------------------------------------------------------------------------------- */

static void look(torn_t *t, const tp_frame_view_t *view)
{
    const uint64_t seq = view->seq;
    const volatile uint64_t *const words = view->payload;
    const uint64_t count = view->payload_bytes / sizeof(uint64_t);
    uint64_t differs = (view->payload_bytes ^ words_of(seq) * sizeof(uint64_t)) | (view->timestamp_ns ^ time_of(seq));
    for (uint64_t i = 0; i < count && i < WORDS; i++) { differs |= words[i] ^ word_of(seq, i); }
    if (!tp_frame_view_is_valid(view)) { t->refused++; return; }
    t->accepted++;
    if (0 != differs) { t->torn++; }
}

static void on_frame(void *clientd, const tp_frame_view_t *view) { look(clientd, view); }

static void read_some(torn_t *t)
{
    for (int i = 0; i < READS_A_POLL; i++)
    {
        tp_frame_view_t view;
        const uint64_t seq = atomic_load_explicit(&t->newest, memory_order_acquire);
        if (NOTHING == seq) { break; }
        if (1 == tp_consumer_read_frame(t->consumer, seq, &view)) { look(t, &view); } else { t->absent++; }
    }
    (void)tp_consumer_poll_descriptors(t->consumer, READS_A_POLL);
}

static int read_frames(torn_t *t, uint64_t reads)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    time_t patient_until = now.tv_sec + PATIENCE_S;
    uint64_t before = 0;
    uint32_t rounds = 0;
    bench_pin(t->cpu[1]);
    while (t->accepted < reads && !told_to_end)
    {
        read_some(t);
        if (0 == ++rounds % 64) { (void)clock_gettime(CLOCK_MONOTONIC, &now); }
        if (t->accepted > before) { patient_until = now.tv_sec + PATIENCE_S; }
        before = t->accepted;
        if (now.tv_sec > patient_until) { (void)fprintf(stderr, "bench: no frame could be read for %d s\n", PATIENCE_S); return -1; }
    }
    return told_to_end ? -1 : 0;
}

/* ---- the run ------------------------------------------------------------------------------------------------------------ */

static int run(torn_t *t, const char *dir, uint64_t reads)
{
    static const int32_t words = WORDS;
    pthread_t writer;
    if (one_driver_start(&t->one, dir, NSLOTS, WORDS * sizeof(uint64_t)) < 0) { return -1; }
    if (tp_tensor_template_init(&t->shape, TP_DTYPE_UINT64, TP_ROW_MAJOR, 1, &words) < 0) { return one_driver_fail("no shape"); }
    if (one_driver_producer(&t->one, &t->producer) < 0 || one_driver_consumer(&t->one, &t->consumer) < 0) { return -1; }
    if (tp_consumer_set_frame_handler(t->consumer, on_frame, t) < 0) { return one_driver_fail("no handler"); }
    const int failed = pthread_create(&writer, NULL, write_frames, t);
    if (0 != failed) { (void)fprintf(stderr, "bench: no thread: %s\n", strerror(failed)); return -1; }
    const int rc = read_frames(t, reads);
    atomic_store(&t->done, true);
    (void)pthread_join(writer, NULL);
    return rc;
}

static void say(const torn_t *t)
{
    (void)printf("{\"name\":\"torn frames accepted\",\"value\":%llu,\"unit\":\"frames\",\"reads\":%llu,\"refused\":%llu,\"absent\":%llu,"
        "\"written\":%llu}\n", (unsigned long long)t->torn, (unsigned long long)t->accepted, (unsigned long long)t->refused,
        (unsigned long long)t->absent, (unsigned long long)t->written);
}

static const char USAGE[] =
    "usage: torn [--reads N] [--quick] [--cpu A,B] --dir DIR\n\n"
    "Counts torn frames that were taken for whole ones in N valid reads (10^9; --quick: 10^8) of a ring of two slots whose writer never stops.\n"
    "DIR is empty and writable, on /dev/shm. Prints one line of JSON: value = torn frames accepted, reads = valid reads, refused = reads that the\n"
    "validation caught, absent = frames that were gone before they were opened, written = frames written meanwhile.\n";

int main(int argc, char **argv)
{
    static const struct option options[] = { { "reads", required_argument, NULL, 'r' }, { "quick", no_argument, NULL, 'q' },
        { "cpu", required_argument, NULL, 'c' }, { "dir", required_argument, NULL, 'd' }, { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 } };
    static torn_t t = { .cpu = { -1, -1 }, .newest = NOTHING };
    const char *dir = NULL;
    uint64_t reads = 0;
    bool is_quick = false;
    for (int option; -1 != (option = getopt_long(argc, argv, "", options, NULL)); )
    {
        switch (option)
        {
            case 'r': reads = strtoull(optarg, NULL, 10); break;
            case 'q': is_quick = true; break;
            case 'c': if (2 != sscanf(optarg, "%d,%d", &t.cpu[0], &t.cpu[1])) { (void)fputs(USAGE, stderr); return 2; } break;
            case 'd': dir = optarg; break;
            case 'h': (void)fputs(USAGE, stdout); return 0;
            default: (void)fputs(USAGE, stderr); return 2;
        }
    }
    if (NULL == dir) { (void)fputs(USAGE, stderr); return 2; }
    if (0 == reads) { reads = is_quick ? UINT64_C(100000000) : UINT64_C(1000000000); }
    (void)signal(SIGTERM, on_signal);
    (void)signal(SIGINT, on_signal);
    const int rc = run(&t, dir, reads);
    if (0 == rc) { say(&t); }
    tp_producer_close(t.producer);
    tp_consumer_close(t.consumer);
    tp_tensor_template_close(t.shape);
    one_driver_stop(&t.one);
    return 0 == rc ? EXIT_SUCCESS : EXIT_FAILURE;
}
