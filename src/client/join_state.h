/*
 * Barriers, joins and authorities of a client. A barrier and a join are their thread's; what the conductor knows of a barrier is its post: a box for
 * maps and announces behind a mutex that both hold for moments only, a number that tells the owner to look into it, and the wish for a map. An
 * authority is the conductor's.
 */
#ifndef TPI_CLIENT_JOIN_STATE_H
#define TPI_CLIENT_JOIN_STATE_H

#include <pthread.h>

#include "client/client_state.h"
#include "client/stat.h"
#include "protocol/drop_reason.h"
#include "protocol/join.h"
#include "protocol/join_authority.h"

#include <tensor_pool/client/tp_join.h>

#define TPI_JOIN_POST_MAPS 4u          /* maps that wait for the owner's thread; a further one replaces the newest */
#define TPI_JOIN_KNOWN_MAX 256u        /* streams whose last announce is remembered */
#define TPI_AUTHORITY_PRODUCERS_MAX 16u

typedef struct tpi_join_known
{
    uint32_t stream_id;
    uint8_t clock_domain;
    bool is_fresh;                     /* not told to the join yet */
    uint64_t epoch;
}
tpi_join_known_t;

/* Whether an announce of that epoch is to be believed now; one that is not stays fresh. */
typedef bool (*tpi_join_accepts_t)(const void *clientd, uint32_t stream_id, uint64_t epoch);

struct tp_join_barrier
{
    tp_client_t *client;               /* NULL: no control poll, or the client is closed */
    bool is_orphan;                    /* the client is closed */
    tpi_join_t *join;
    tpi_join_accepts_t accepts;        /* NULL: all */
    const void *accepts_clientd;
    uint64_t installed;                /* maps so far */
    tp_merge_rule_t *shown_rules;
    bool lack_was_told;
    /* post */
    pthread_mutex_t mutex;
    bool has_mutex;
    uint32_t map_count;                /* these four: under the mutex */
    tpi_join_message_t maps[TPI_JOIN_POST_MAPS];
    uint32_t known_count;
    tpi_join_known_t known[TPI_JOIN_KNOWN_MAX];
    uint32_t known_next;               /* to be replaced when the table is full */
    _Atomic uint64_t posted;           /* grows with each delivery */
    uint64_t taken;                    /* the owner's */
    tpi_stat_t epoch;                  /* of the output, for the conductor */
    _Atomic bool epoch_set;
    _Atomic bool asks;                 /* owner: send a request; conductor: done */
    _Atomic uint64_t asked;            /* requests that the bus took */
    uint64_t asked_seen;
    tpi_stat_t other;                  /* maps of another output stream, epoch or kind */
    tpi_stat_t malformed;
    tpi_join_message_t scratch;        /* the conductor's */
    tp_join_barrier_t *next;           /* conductor's list */
};

/* ---- join_map.c ---- */
/* The announce of a checked map; TP_EINVAL. */
int tpi_join_message_of(tpi_join_message_t *message, const tp_merge_map_t *map);
/* The map as the machines keep it; rules has room for TP_MERGE_RULES_MAX. TP_EINVAL. */
int tpi_merge_map_of(tpi_merge_map_t *to, const tp_merge_map_t *map);
void tpi_merge_map_show(tp_merge_map_t *to, tp_merge_rule_t *rules, const tpi_merge_map_t *map);

/* ---- join_barrier.c ---- */
/* Owner's thread: what has come by post. true: a map was installed or refused. */
bool tpi_join_barrier_take(tp_join_barrier_t *barrier, int64_t now_ns);
/* Tells all known announces again: a map was installed, or other ones are acceptable now. */
void tpi_join_barrier_tell_known(tp_join_barrier_t *barrier);
/* Any thread: remembers the last announce of a stream; false: known already. */
bool tpi_join_barrier_know(tp_join_barrier_t *barrier, uint32_t stream_id, uint64_t epoch, uint8_t clock_domain);
void tpi_join_barrier_epoch(tp_join_barrier_t *barrier, uint64_t epoch, int64_t now_ns);
int64_t tpi_join_barrier_now(const tp_join_barrier_t *barrier);

/* ---- join_control.c: the conductor's side ---- */
int tpi_join_add_routes(tp_client_t *client);
int tpi_join_work(tp_client_t *client, int64_t now_ns);
void tpi_join_on_pool_announce(tp_client_t *client, const tpc_pool_announce_t *announce);
/* The client goes: barriers and authorities that are still there do nothing any more. */
void tpi_join_client_gone(tp_client_t *client);
/* Any thread: the conductor knows the barrier, or authority, from now on. */
int tpi_join_barrier_enlist(tp_join_barrier_t *barrier);
int tpi_join_authority_enlist(tp_join_authority_t *authority);
/* Conductor. */
void tpi_join_barrier_delist(tp_join_barrier_t *barrier);
void tpi_join_authority_delist(tp_join_authority_t *authority);

struct tp_join_authority
{
    tp_client_t *client;               /* NULL: closed */
    tpi_join_authority_t *machine;
    const tp_producer_t *producers[TPI_AUTHORITY_PRODUCERS_MAX];
    uint32_t producer_count;
    tpi_stat_t shown_events[TPI_AUTHORITY_EVENT_COUNT];
    tpi_stat_t announces;
    tpi_stat_t refused;
    tp_join_authority_t *next;         /* conductor's list */
};

/* ---- joins ---- */

/* A frame that waits for its partners: numbers and times, never bytes. */
typedef struct tpi_waiting
{
    uint64_t seq;
    uint64_t published_ns;
    uint64_t captured_ns;              /* known only where a rule asks for it */
    uint64_t trace_id;
    uint32_t meta_version;
    bool is_joined;                    /* in an output already */
    bool is_spent;                     /* its slot failed: no second try */
    uint8_t flags;                     /* tp_frame_flags_t */
    uint8_t why;                       /* tp_unjoined_t, were it to go now */
}
tpi_waiting_t;

/* One consumer with the frames of its mapped epoch that wait: ring[head .. tail), in ascending order of seq. */
typedef struct tpi_join_source
{
    struct tp_join *join;
    tp_consumer_t *consumer;           /* NULL: closed by the application */
    bool is_named;                     /* by a rule of the map in force */
    bool wants_slot;                   /* a rule asks for the capture time of each frame */
    bool is_held;
    uint64_t head;
    uint64_t tail;
    uint64_t mask;
    tpi_waiting_t *ring;
    uint64_t mapped_epoch;             /* known announces were told for */
    _Atomic uint32_t stream_id;
    tpi_stat_t epoch;
    tpi_stat_t last_seq;
    tpi_stat_t frames;
    tpi_stat_t joined;
    tpi_stat_t waiting;
    tpi_stat_t absent;
    tpi_stat_t unannounced;
    tpi_stat_t unjoined[TP_UNJOINED_REASONS];
}
tpi_join_source_t;

#define TPI_NO_SOURCE UINT32_MAX

struct tp_join
{
    tp_client_t *client;
    tp_join_options_t options;
    tp_join_barrier_t *barrier;
    const tp_producer_t *producer;
    tp_join_handler_t on_joined;
    void *clientd;
    bool in_handler;
    bool close_asked;
    bool owns_consumers;
    uint64_t epoch;                    /* of the output, when what waits was last cleared; 0 = none yet */
    uint64_t bound;                    /* maps installed when sources and rules were matched */
    int64_t now_ns;                    /* of the poll under way */
    uint32_t source_count;
    tpi_join_source_t *sources;
    uint32_t *source_of;               /* by rule; TPI_NO_SOURCE */
    bool next_set;                     /* sequence: next is known */
    uint64_t next;
    bool tried_set;                    /* timestamp: the anchor's frame that was tried last */
    uint64_t tried;
    uint64_t tried_epoch;
    uint64_t next_time;                /* of the next output of a period; 0 = none yet */
    uint8_t next_domain;               /* its clock */
    bool is_due;                       /* latest: something new since the last output */
    int64_t next_tick_ns;
    uint64_t number;                   /* of outputs */
    /* the output being made */
    tp_joined_input_t *inputs;
    tp_frame_view_t *views;
    tp_tensor_t *tensors;
    tpi_waiting_t **frames;            /* of the views */
    uint32_t *frame_sources;
    uint32_t view_count;
    tpi_stat_t outputs;
    tpi_stat_t given_up;
    tpi_stat_t passed;
    tpi_stat_t partial;
    tpi_stat_t shown_next;
};

/* ---- join_frames.c: what waits ---- */
static inline tpi_waiting_t *tpi_source_at(const tpi_join_source_t *source, uint64_t at) { return &source->ring[at & source->mask]; }
void tpi_source_on_descriptor(void *clientd, const tp_frame_descriptor_t *descriptor);
/* Lets the oldest one go, counted under what it says of itself, or as why. */
void tpi_source_retire(tpi_join_source_t *source, tp_unjoined_t why);
void tpi_source_retire_all(tpi_join_source_t *source, tp_unjoined_t why);
/* Why a slot that failed keeps its frame out. */
tp_unjoined_t tpi_unjoined_of_drop(tpi_drop_reason_t reason);
void tpi_source_mark_joined(tpi_join_source_t *source, tpi_waiting_t *frame);
/* First position whose seq (time of that source) is not below / is above the value; tail if none. */
uint64_t tpi_source_from_seq(const tpi_join_source_t *source, uint64_t seq);
uint64_t tpi_source_after_time(const tpi_join_source_t *source, uint8_t time_source, uint64_t time);
uint64_t tpi_source_from_time(const tpi_join_source_t *source, uint8_t time_source, uint64_t time);
static inline uint64_t tpi_waiting_time(const tpi_waiting_t *frame, uint8_t time_source)
{
    return TP_TIME_CAPTURED == time_source ? frame->captured_ns : frame->published_ns;
}

/* ---- join_output.c: one output of what waits ---- */
void tpi_output_begin(tp_join_t *join);
/* Rule i gives the frames [from, to) of its source, or as many of them as can be read. true: at least one. */
bool tpi_output_take(tp_join_t *join, uint32_t input, uint32_t rule, uint64_t from, uint64_t to);
void tpi_output_leave_out(tp_join_t *join, uint32_t input, uint32_t rule, tp_joined_state_t state);
void tpi_output_deliver(tp_join_t *join, uint32_t input_count, uint64_t out_seq, uint64_t out_time_ns);
void tpi_output_give_up(tp_join_t *join);

/* ---- join.c ---- */
bool tpi_join_aligns_by_time(const tp_join_t *join);
/* After the handler: whether this poll goes on. It does not with another map or output epoch, for sources and rules were matched before. */
static inline bool tpi_join_goes_on(const tp_join_t *join)
{
    return !join->close_asked && join->bound == join->barrier->installed && join->epoch == join->barrier->join->epoch;
}
static inline bool tpi_result_lists(const tpi_join_result_t *result, uint32_t stream_id)
{
    for (uint32_t i = 0; i < result->stream_count; i++)
    {
        if (stream_id == result->streams[i]) { return true; }
    }
    return false;
}

/* ---- join_sequence.c, join_time.c, join_newest.c: outputs handed out, at most limit ---- */
int tpi_join_run_sequence(tp_join_t *join, int limit);
int tpi_join_run_timestamp(tp_join_t *join, int limit);
int tpi_join_run_latest(tp_join_t *join);

/* ---- join_authority.c ---- */
int tpi_join_authority_work(tp_join_authority_t *authority, int64_t now_ns);
void tpi_join_authority_producer_gone(tp_client_t *client, const tp_producer_t *producer);
void tpi_join_authority_heard(tp_join_authority_t *authority, const uint8_t *data, size_t length, int64_t now_ns);

/* ---- consumer_hot.c ---- */
/* tp_consumer_read_frame that says why not; TPI_DROP_NOT_MAPPED included. 1 or 0. */
int tpi_consumer_read(tp_consumer_t *consumer, uint64_t seq, tp_frame_view_t *view, tpi_drop_reason_t *reason);
/* Keeps views of several reads alive: no mapping changes until it is let go. false: it is inside a handler of its own. */
bool tpi_consumer_hold(tp_consumer_t *consumer);
/* false: it was closed meanwhile and is gone. */
bool tpi_consumer_let_go(tp_consumer_t *consumer);
/* Of the mapping its thread uses; 0 = none. */
uint64_t tpi_consumer_held_epoch(const tp_consumer_t *consumer);
uint32_t tpi_consumer_stream(const tp_consumer_t *consumer);

/* ---- producer.c: of the mapping in force, 0 = none; any thread ---- */
uint64_t tpi_producer_epoch(const tp_producer_t *producer);
uint32_t tpi_producer_stream(const tp_producer_t *producer);

#endif
