/*
 * The demo: a driver with embedded media driver, a producer and three consumers, each a process of its own, watched by `tp demo`.
 */
#ifndef APPS_TP_DEMO_H
#define APPS_TP_DEMO_H

#include <limits.h>
#include <sys/types.h>

#include "cli.h"
#include "demo_host.h"
#include "demo_video.h"
#include "out.h"

#define DEMO_STREAM 10000U
#define DEMO_WIDTH 1280
#define DEMO_HEIGHT 720
#define DEMO_FRAME_BYTES ((size_t)DEMO_WIDTH * DEMO_HEIGHT * 3)
#define DEMO_NSLOTS 32
#define DEMO_CORRUPT_FRAME 20          /* --inject corrupt: counted from 0 */
#define DEMO_SLOW_FRAMES 40.0          /* frame periods the slow consumer takes for one frame */

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
_Static_assert(sizeof(demo_record_t) <= DEMO_RECORD_MAX && DEMO_RECORD_MAX <= PIPE_BUF, "a record is written in one piece");

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

typedef struct demo
{
    const cli_args_t *args;
    double seconds, hz;
    char video[PATH_MAX], png[PATH_MAX];
    demo_host_t host;
    demo_child_t producer;
    demo_consumer_t consumers[DEMO_CONSUMERS];
    demo_seen_list_t published;
    demo_record_t producer_last;
    bool producer_ready;
    int64_t start_ns, next_status_ns;
    bool live;                         /* redraw in place */
    int drawn_lines;
    demo_checks_t checks;
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
