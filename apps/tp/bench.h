/*
 * tp bench: latency, throughput and publish cost between a publisher and a subscriber, each a process of its own, pinned to a CPU of its own where
 * there are two. `tp bench` orders one chunk of work after the other; both sides speak over pipes (demo_child.h) and, while a chunk runs, through one
 * shared page. What is compared lies in the same round: a floor of two cache lines before and after our frames, memcpy beside our fills.
 */
#ifndef APPS_TP_BENCH_H
#define APPS_TP_BENCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "bench_plan.h"
#include "cli.h"
#include "demo_child.h"
#include "demo_host.h"

#define BENCH_WIDE_STREAM 10000U       /* few slots of the largest size */
#define BENCH_SMALL_STREAM 10001U      /* many slots of sizes up to BENCH_SMALL_BYTES */
#define BENCH_WIDE_NSLOTS 8
#define BENCH_SMALL_NSLOTS 256
#define BENCH_SMALL_BYTES 65536
#define BENCH_COST_BYTES 64            /* frames of the publish cost */
#define BENCH_BATCH 64                 /* publishes timed together */
#define BENCH_WINDOW 128               /* most frames under way: consumers take more of them for a gap to jump over */
#define BENCH_LINE 64
#define BENCH_STUCK_NS (10 * CLI_NS_PER_S)

/* Kinds of orders; demo_order_t's epoch and seq are their two numbers. */
typedef enum bench_order
{
    BENCH_OPEN = 'o',                  /* stream id, number of consumers */
    BENCH_CLOSE = 'c',
    BENCH_WARM = 'w',                  /* publish until every consumer has a frame */
    BENCH_FLOOR = 'f',                 /* -, nanoseconds */
    BENCH_LATENCY = 'l',               /* bytes, nanoseconds; so all below */
    BENCH_THROUGHPUT = 't',
    BENCH_MEMCPY = 'm',                /* publisher alone */
    BENCH_PUBLISH = 'p'
}
bench_order_t;

typedef struct bench_record
{
    uint32_t kind;                     /* DEMO_READY */
    uint32_t reserved;
    uint64_t count, lost;              /* frames measured; frames that did not arrive */
    int64_t elapsed_ns;
    int64_t p50_ns, p99_ns, p999_ns, max_ns;
}
bench_record_t;
_Static_assert(sizeof(bench_record_t) <= DEMO_RECORD_MAX, "a record is written in one piece");

/* Each word has one writer and a line of its own. The parent resets it while both sides wait for orders. */
typedef struct bench_page
{
    _Alignas(2 * BENCH_LINE) _Atomic uint64_t flag;        /* publisher: floor frames sent; publish: batches sent */
    _Alignas(BENCH_LINE) _Atomic int64_t line[BENCH_LINE / sizeof(int64_t)]; /* the floor's second line: time, payload */
    _Alignas(2 * BENCH_LINE) _Atomic uint64_t ack;         /* subscriber: frames or batches taken */
    _Alignas(2 * BENCH_LINE) _Atomic uint64_t stop;        /* publisher: the chunk is over */
    _Alignas(2 * BENCH_LINE) _Atomic uint64_t ready;       /* subscriber: it polls */
    _Alignas(2 * BENCH_LINE) uint8_t end[1];               /* memcpy's target: as many bytes as the larger ring */
}
bench_page_t;

/* ---- bench_child.c: what both processes share ---- */
typedef struct bench_child
{
    bench_page_t *page;
    size_t page_bytes;
    tp_client_t *client;
    bool pinned;                       /* false: waiting gives way to others */
}
bench_child_t;
int bench_child_open(bench_child_t *child, const cli_args_t *args);
void bench_child_close(bench_child_t *child);
/* Waits for the next order: 1, or 0 when the bench is gone or we are told to end. */
int bench_child_order(demo_order_t *order);
void bench_child_wait(const bench_child_t *child);         /* one turn of a waiting loop */
extern const cli_option_t bench_child_options[];

/* A map of the page file; NULL after printing. */
bench_page_t *bench_page_map(const char *path, size_t *bytes);

/* ---- bench_stage.c: directory, driver, processes ---- */
typedef struct bench_stream
{
    uint32_t id;
    uint64_t window;                   /* frames that may be under way: half of its slots, at most BENCH_WINDOW */
}
bench_stream_t;

typedef struct bench_stage
{
    demo_host_t host;
    bench_plan_t plan;
    bool own_driver;
    bench_stream_t wide, small;        /* the same one with a running driver */
    char page_path[PATH_MAX];
    bench_page_t *page;
    size_t page_bytes;
    demo_child_t publisher, subscriber;
    int cpus[2];                       /* -1 = not pinned */
}
bench_stage_t;
/* With a running driver the stream is looked up (wide and small are written), else both are made. Prints what fails; returns the exit code. */
int bench_stage_open(bench_stage_t *stage, const cli_args_t *args);
/* false: something did not end well or was left behind, and is said. */
bool bench_stage_close(bench_stage_t *stage);
/* Producer, consumers, and frames until each of them has one. */
int bench_stage_stream(bench_stage_t *stage, const bench_stream_t *stream, uint64_t consumers);
int bench_stage_stream_end(bench_stage_t *stage);
/* One chunk; what either side found. BENCH_MEMCPY is the publisher's alone and writes no read. */
int bench_stage_chunk(bench_stage_t *stage, bench_order_t kind, uint64_t number, bench_record_t *published, bench_record_t *read);

/* ---- bench_machine.c: what the figures were taken on ---- */
typedef struct bench_machine
{
    char cpu[128], kernel[160], governor[32];              /* governor "" = not readable */
    int cpus;
    uint64_t cache_bytes;              /* last level; 0 = not known */
    double load;                       /* of the last minute */
}
bench_machine_t;
void bench_machine_read(bench_machine_t *machine);
/* Two CPUs that we may use, of different cores where there are; false: there is only one. */
bool bench_machine_cpus(int cpus[2]);

/* ---- bench_report.c ---- */
typedef struct bench_latency
{
    double p50[BENCH_ROUNDS_MAX], p99[BENCH_ROUNDS_MAX], p999[BENCH_ROUNDS_MAX], ratio[BENCH_ROUNDS_MAX];
    double max;
    uint64_t count, lost;
}
bench_latency_t;
typedef struct bench_rate
{
    double frames[BENCH_ROUNDS_MAX], copied[BENCH_ROUNDS_MAX], ratio[BENCH_ROUNDS_MAX];
    uint64_t count, lost;
}
bench_rate_t;
typedef struct bench_cost
{
    double p50[BENCH_ROUNDS_MAX], p99[BENCH_ROUNDS_MAX], ratio[BENCH_ROUNDS_MAX];
    uint64_t count, lost;
}
bench_cost_t;
typedef struct bench_result
{
    bench_machine_t machine;
    bench_latency_t floor, latency[BENCH_SIZES_MAX];
    bench_rate_t rate[BENCH_SIZES_MAX];
    bench_cost_t cost[BENCH_CONSUMERS_MAX];
    int tries, unsteady;               /* rounds of latency in all; of those counted, how many whose floors disagree */
}
bench_result_t;
void bench_report_header(const bench_stage_t *stage, const bench_result_t *result, bool json);
void bench_report(const bench_stage_t *stage, bench_result_t *result, bool json);
/* Whether frames of that size go through the small stream. */
bool bench_is_small(const bench_stage_t *stage, uint64_t bytes);

#endif
