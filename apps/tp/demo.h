/*
 * The demo: a driver with embedded media driver, a producer and three consumers, each a process of its own, watched by `tp demo`.
 *
 * Children are this same program with hidden verbs. They send fixed records over their standard output and take orders from their standard
 * input; both are pipes, records and orders are smaller than PIPE_BUF and therefore arrive whole. The end of the input means the demo is gone:
 * the child ends. Checksums travel only here, never through the tensor pool.
 */
#ifndef APPS_TP_DEMO_H
#define APPS_TP_DEMO_H

#include <limits.h>
#include <sys/types.h>

#include "cli.h"
#include "demo_dir.h"
#include "out.h"

#define DEMO_STREAM 10000U
#define DEMO_WIDTH 1280
#define DEMO_HEIGHT 720
#define DEMO_FRAME_BYTES ((size_t)DEMO_WIDTH * DEMO_HEIGHT * 3)
#define DEMO_NSLOTS 32
#define DEMO_CORRUPT_FRAME 20          /* --inject corrupt: counted from 0 */
#define DEMO_SLOW_FRAMES 40.0          /* frame periods the slow consumer takes for one frame */

typedef enum demo_kind
{
    DEMO_READY = 1,                    /* attached and mapped */
    DEMO_FRAME = 2,                    /* one frame published, or read and found valid */
    DEMO_END = 3                       /* last words: final counts */
}
demo_kind_t;

typedef struct demo_record
{
    uint32_t kind;
    uint32_t crc;
    uint64_t epoch, seq;
    int64_t latency_ns;
    uint64_t first_seq, last_seq, received;
    uint64_t before_join[2];           /* drops for not mapped and epoch before the first frame */
    uint64_t drops[TP_DROP_REASONS];
    uint64_t dropped_descriptors;      /* producer */
}
demo_record_t;
_Static_assert(sizeof(demo_record_t) <= PIPE_BUF, "a record is written in one piece");

typedef struct demo_order
{
    uint32_t kind;                     /* 'g' begin to publish, 's' stop publishing, 'e' read up to seq and end */
    uint32_t reserved;
    uint64_t epoch, seq;
}
demo_order_t;

/* ---- children ---- */

typedef struct demo_child
{
    pid_t pid;                         /* 0 = not running */
    int in_fd;                         /* its records, non-blocking; -1 = none */
    int out_fd;                        /* our orders */
    demo_record_t partial;
    size_t partial_bytes;
    int status;                        /* of waitpid */
    bool ended;                        /* DEMO_END has come */
}
demo_child_t;

/* argv[0] is the program. The child dies with us. talks: pipes instead of /dev/null; log_fd becomes standard error. */
int demo_child_start(demo_child_t *child, char *const *argv, char *const *environment, bool talks, int log_fd);
bool demo_child_order(const demo_child_t *child, uint32_t kind, uint64_t epoch, uint64_t seq);
/* 1 and a record, 0 nothing now, -1 the child has closed its side. */
int demo_child_record(demo_child_t *child, demo_record_t *record);
/* Reaps the child if it has ended; true while it runs. */
bool demo_child_runs(demo_child_t *child);
/* Sends the signal, waits up to timeout_ns, then kills. Closes the pipes. true when it ended by itself with status 0. */
bool demo_child_end(demo_child_t *child, int signal_number, int64_t timeout_ns);
/* Our environment without settings of other drivers, plus extra ("NAME=value", ends with NULL). NULL without memory; one free() releases it. */
char **demo_environment(const char *const *extra);

/* Child's side: 1 and an order, 0 none, -1 the demo is gone. wait_ms as poll(2). */
int demo_order_read(demo_order_t *order, int wait_ms);
bool demo_record_write(const demo_record_t *record);

/* ---- what the demo knows ---- */

typedef struct demo_seen { uint64_t epoch, seq; uint32_t crc; int64_t latency_ns; } demo_seen_t;
typedef struct demo_seen_list { demo_seen_t *items; size_t count, capacity; } demo_seen_list_t;
bool demo_seen_add(demo_seen_list_t *list, const demo_record_t *record);

#define DEMO_LIVES 2
typedef struct demo_life
{
    bool started, ready, killed, ended;
    demo_record_t last;                /* newest record with counts */
    uint64_t frames;                   /* frame records of this life */
}
demo_life_t;

#define DEMO_CONSUMERS 3
enum { DEMO_FAST, DEMO_SLOW, DEMO_KILLED };
typedef struct demo_consumer
{
    const char *name;
    demo_child_t child;
    demo_life_t lives[DEMO_LIVES];
    int life;
    demo_seen_list_t seen;
    uint64_t corrupt;
}
demo_consumer_t;

#define DEMO_CHECKS_MAX 24
typedef struct demo_check { char name[40]; bool ok; char detail[200]; } demo_check_t;

typedef struct demo
{
    const cli_args_t *args;
    double seconds, hz;
    char video[PATH_MAX], png[PATH_MAX];
    cli_demo_dir_t dir;
    int log_fd;
    char **environment;
    char program[PATH_MAX], driver_program[PATH_MAX];
    demo_child_t driver, producer;
    demo_consumer_t consumers[DEMO_CONSUMERS];
    demo_seen_list_t published;
    demo_record_t producer_last;
    bool producer_ready;
    int64_t start_ns, next_status_ns;
    bool live;                         /* redraw in place */
    int drawn_lines;
    bool nothing_left;
    demo_check_t checks[DEMO_CHECKS_MAX];
    int check_count;
}
demo_t;

/* ---- demo_stage.c: starting and ending the processes; exit codes ---- */
int demo_stage_open(demo_t *demo);
int demo_stage_consumer(demo_t *demo, int which);
/* Ends all children; false when one did not end well. Writes into leftovers what they left behind. */
void demo_stage_close(demo_t *demo, bool *ended_well, char *leftovers, size_t size);
void demo_stage_abort(demo_t *demo);

/* ---- demo_report.c ---- */
void demo_status(demo_t *demo, int64_t now_ns);
void demo_judge(demo_t *demo, bool ended_well, const char *leftovers);
/* Prints the summary; true when all checks passed. */
bool demo_summary(demo_t *demo);
uint64_t demo_received(const demo_consumer_t *consumer);
uint64_t demo_lost(const demo_consumer_t *consumer, int reason);         /* reason -1 = all */

#endif
