/*
 * The demo of a pipeline. Streams, found by name: "camera" and "bikes" (two videos at two rates), "small" (the camera's pictures made smaller),
 * "joined" (the middle of a picture of the camera, the small one made of it, and the newest of the bikes). A viewer is put on a private stream of a
 * few frames a second by the supervisor. A recorder (`tp trace record`) listens to the trace links.
 *
 * Each role is a process. What it did with which frame it tells the demo over its pipe, beside the tensor pool; the demo compares that with what the
 * services say.
 */
#ifndef APPS_TP_PIPELINE_H
#define APPS_TP_PIPELINE_H

#include <limits.h>

#include <tensor_pool/client/tp_join.h>

#include "cli.h"
#include "demo_host.h"
#include "out.h"

#define PIPE_CAMERA_WIDTH 1280
#define PIPE_CAMERA_HEIGHT 720
#define PIPE_BIKES_WIDTH 640
#define PIPE_BIKES_HEIGHT 272
#define PIPE_SMALL_WIDTH 640
#define PIPE_SMALL_HEIGHT 360
#define PIPE_JOINED_WIDTH 1280
#define PIPE_JOINED_HEIGHT 360
#define PIPE_RGB_BYTES(width, height) ((size_t)(width) * (size_t)(height) * 3)
#define PIPE_BIKES_SHARE 0.6           /* of the camera's rate */
#define PIPE_VIEWER_HZ 4U
#define PIPE_JOINED_SHARE 0.9          /* of the derived frames have to be joined */

typedef enum pipe_role
{
    PIPE_CAMERA, PIPE_BIKES, PIPE_SMALL, PIPE_JOINED, PIPE_VIEWER, PIPE_ROLES
}
pipe_role_t;
#define PIPE_STREAMS PIPE_VIEWER       /* every role before it writes the stream of its name */
#define PIPE_FIRST_STREAM 10000U
extern const char *const pipe_names[PIPE_ROLES];
extern const int pipe_sizes[PIPE_STREAMS][2];      /* width, height */

/* Why a derived frame was not joined, beside what the library says (tp_unjoined_t). */
typedef enum pipe_reason
{
    PIPE_WAITING = TP_UNJOINED_REASONS,/* until the end */
    PIPE_LOST,                         /* never announced to the join */
    PIPE_OTHER_TIME,                   /* no original of exactly its capture time */
    PIPE_OVERWRITTEN,                  /* by the end of the work an input was not valid any more */
    PIPE_NOT_PUBLISHED,                /* the output could not be */
    PIPE_OTHER_TRACE,                  /* joined with another frame than the one it was made of, or with other bytes */
    PIPE_REASONS
}
pipe_reason_t;
const char *pipe_reason_name(int reason);

#define PIPE_INPUTS 3                  /* of the join: camera, bikes, small; of the stage and the viewer: the first one only */

/* One input of a process: counts so far. */
typedef struct pipe_input
{
    uint64_t first_seq, last_seq, epoch;
    uint64_t received;                 /* read; the join: announced */
    uint64_t lost;                     /* the join: never announced */
    uint32_t by_discovery;             /* the stream was found by its name at the discovery service */
    uint32_t reserved;
}
pipe_input_t;

/* DEMO_FRAME: one frame published (the viewer: read). Counts are in every record. */
typedef struct pipe_record
{
    uint32_t kind, crc, parent_count, input_count;
    uint64_t epoch, seq, trace_id;
    int64_t capture_ns, done_ns;
    uint64_t parents[PIPE_INPUTS];     /* trace ids of the inputs, in the order of the TraceLinkSet */
    uint32_t parent_crcs[PIPE_INPUTS];
    uint32_t private_stream, mode;     /* the viewer */
    uint32_t reserved;
    pipe_input_t inputs[PIPE_INPUTS];
    uint64_t frames;                   /* published, or read */
    uint64_t aborted;                  /* claims given up, since an input was overwritten meanwhile: gaps for whoever reads the output */
    uint64_t private_sent, private_thinned;
    uint64_t unjoined[PIPE_REASONS];   /* the join: derived frames by reason */
}
pipe_record_t;
_Static_assert(sizeof(pipe_record_t) <= DEMO_RECORD_MAX && DEMO_RECORD_MAX <= PIPE_BUF, "a record is written in one piece");

typedef struct pipe_log { pipe_record_t *items; size_t count, capacity; } pipe_log_t;
/* NULL: none. After pipe_count_joined, which sorts the logs of streams by trace id. */
const pipe_record_t *pipe_log_find(const pipe_log_t *log, uint64_t trace_id);

typedef struct pipe_process
{
    demo_child_t child;
    bool ready, ended;
    pipe_log_t log;                    /* its frames */
    pipe_record_t last;                /* newest record, for its counts */
}
pipe_process_t;

typedef struct pipe_verdict
{
    uint64_t derived, joined, by_reason[PIPE_REASONS];
    uint64_t links_right, links_wrong, links_missing;
    int lineage_depth;
    json_t *lineage;                   /* of the last joined frame */
}
pipe_verdict_t;

typedef struct pipeline
{
    const cli_args_t *args;
    double seconds, hz;
    char video[2][PATH_MAX], png[PATH_MAX], store[160];
    demo_host_t host;
    demo_child_t recorder;
    pipe_process_t roles[PIPE_ROLES];
    int64_t start_ns, next_status_ns;
    bool live;                         /* redraw in place */
    int drawn_lines;
    demo_checks_t checks;
    pipe_verdict_t verdict;
}
pipeline_t;

/* pipeline.c: the play. Returns the exit code. */
int pipeline_run(const cli_args_t *args);

/* pipeline_stage.c: starting and ending the processes. Exit codes; end: all but the driver, false when one did not end well. */
int pipe_stage_open(pipeline_t *p);
bool pipe_stage_end(pipeline_t *p);
void pipe_stage_abort(pipeline_t *p);
/* Reads what the children have said; waits up to wait_ms for something. */
void pipe_listen(pipeline_t *p, int wait_ms);

/* pipeline_judge.c: compares what the processes told with one another and with what the services say. */
void pipe_count_joined(pipeline_t *p);
void pipe_judge(pipeline_t *p, bool ended_well, const char *leftovers);
/* pipeline_lineage.c: the recorder's links against the logs, and the ancestry of the last joined frame. While the store is there. */
void pipe_lineage(pipeline_t *p);
void pipe_lineage_print(const pipeline_t *p);

/* pipeline_report.c */
void pipe_status(pipeline_t *p, int64_t now_ns);
/* Prints the summary; true when all checks passed. */
bool pipe_summary(pipeline_t *p);

/* ---- children ---- */

typedef struct pipe_actor
{
    const cli_args_t *args;
    tp_client_t *client;
    tp_discovery_client_t *discovery;
    tp_producer_t *out;
    tp_trace_stage_t *stage;
    tp_tensor_template_t *tensor;
    tp_consumer_t *inputs[PIPE_INPUTS];
    pipe_record_t record;              /* what is told next: counts and by_discovery stay in it */
    bool ending;
    demo_order_t end;                  /* the last frame to come */
    int64_t end_ns;                    /* patience for it */
}
pipe_actor_t;

/* Exit codes; what fails is printed. The name of the client is that of the role. */
int pipe_actor_open(pipe_actor_t *actor, const cli_args_t *args, pipe_role_t role);
/* Finds the stream at the discovery service and opens it; context may be NULL. */
int pipe_actor_input(pipe_actor_t *actor, int input, const char *name, const tp_consumer_context_t *context);
/* kind: tp_trace_kind_t */
int pipe_actor_output(pipe_actor_t *actor, pipe_role_t role, int kind);
/* Commits with the trace id that the inputs of the stage ask for; false when there is no use in going on. */
bool pipe_actor_commit(pipe_actor_t *actor, tp_buffer_claim_t *claim);
/* Fills counts of inputs (but for those of a join) and output, and tells the record. */
bool pipe_actor_tell(pipe_actor_t *actor, demo_kind_t kind);
/* Takes an order: 0, or -1 when the demo is gone. */
int pipe_actor_listen(pipe_actor_t *actor, int wait_ms);
/* Whether the input has come to the last frame that was ordered, or time is up. */
bool pipe_actor_done(const pipe_actor_t *actor, int input);
/* Waits for the demo to let us go, the stream being readable meanwhile; closes everything. */
int pipe_actor_close(pipe_actor_t *actor, int code);
uint32_t pipe_crc(const void *bytes, size_t length);
/* --inject NAME */
bool pipe_injected(const cli_args_t *args, const char *name);

#endif
