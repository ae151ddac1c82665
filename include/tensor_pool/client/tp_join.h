/*
 * Joins: several input streams, one handler (docs/spec/50-join-barrier.md).
 *
 * A merge map says which inputs an output stream needs and how an output sequence number, or time, translates into those of each input. A barrier
 * compares it with what was observed and says "try now" or "not yet". A join does all of it with consumers: it polls them, keeps numbers and times of
 * the frames that wait (never their bytes), and calls one handler with the views of all inputs. An authority publishes maps and answers requests.
 *
 * Nothing here waits for a producer or holds one up: a frame that is overwritten while it waits for its partners is dropped and counted
 * (TP_UNJOINED_OVERWRITTEN). Give the faster input more slots, or the map less delay, when that number grows.
 *
 * Threads. A barrier or join belongs to one thread at a time, a join's consumers to the same one; statistics may be read by any thread. Maps,
 * announces and requests travel in the control poll of the client (the conductor) and take effect at the next call of the owner's thread. After
 * creation nothing is allocated, no lock is taken but to fetch a map or an announce that has just come, and no text is written but when a map is
 * installed or refused.
 */
#ifndef TENSOR_POOL_CLIENT_TP_JOIN_H
#define TENSOR_POOL_CLIENT_TP_JOIN_H

#include <tensor_pool/client/tp_consumer.h>
#include <tensor_pool/client/tp_producer.h>

TP_BEGIN_DECLS

/* ---- merge maps ---- */

#define TP_MERGE_RULES_MAX 256

typedef enum tp_merge_kind
{
    TP_MERGE_SEQUENCE = 1,
    TP_MERGE_TIMESTAMP = 2
}
tp_merge_kind_t;

typedef enum tp_merge_rule_type
{
    TP_MERGE_OFFSET = 0,               /* the frame out + offset */
    TP_MERGE_WINDOW = 1                /* all frames of [out - window + 1, out], or of the time [out - window, out] */
}
tp_merge_rule_type_t;

typedef enum tp_time_source
{
    TP_TIME_NONE = 0,
    TP_TIME_PUBLISHED = 1,             /* FrameDescriptor.timestampNs: only producers that were told to fill it do */
    TP_TIME_CAPTURED = 2               /* SlotHeader.timestampNs: one more look at the slot when the frame is announced (O-27) */
}
tp_time_source_t;

typedef enum tp_clock_domain
{
    TP_CLOCK_UNKNOWN = 0,
    TP_CLOCK_MONOTONIC = 1,
    TP_CLOCK_REALTIME_SYNCED = 2
}
tp_clock_domain_t;

typedef struct tp_merge_rule
{
    uint32_t input_stream_id;
    uint8_t type;                      /* tp_merge_rule_type_t */
    uint8_t source;                    /* tp_time_source_t; TP_TIME_NONE in a sequence map */
    uint16_t reserved16;
    int64_t offset;                    /* of TP_MERGE_OFFSET, else 0: frames (above INT32_MIN, at most INT32_MAX), or nanoseconds */
    uint64_t window;                   /* of TP_MERGE_WINDOW, else 0: frames (below UINT32_MAX), or nanoseconds */
}
tp_merge_rule_t;

typedef struct tp_merge_map
{
    uint32_t size;                     /* sizeof(tp_merge_map_t), or use TP_MERGE_MAP_INIT */
    uint32_t kind;                     /* tp_merge_kind_t */
    uint32_t out_stream_id;
    uint32_t clock_domain;             /* of a timestamp map: tp_clock_domain_t; else 0 */
    uint64_t epoch;                    /* of the output stream */
    uint64_t stale_timeout_ns;         /* TP_NULL_U64: an input that stops blocks for ever */
    uint64_t lateness_ns;              /* of a timestamp map; 0 = strict */
    const tp_merge_rule_t *rules;      /* the caller's */
    uint32_t rule_count;               /* 1 .. TP_MERGE_RULES_MAX */
    uint32_t reserved32;
    uint64_t reserved[2];
}
tp_merge_map_t;
#define TP_MERGE_MAP_INIT { sizeof(tp_merge_map_t), TP_MERGE_SEQUENCE, 0, 0, 0, TP_NULL_U64, 0, NULL, 0, 0, { 0, 0 } }

/* Whether a receiver would take the map (2.2): 0, or -1 with TP_EINVAL and a text that names rule, value and bound. */
TP_EXPORT int tp_merge_map_check(const tp_merge_map_t *map);

/* What is doubtful in a valid map, as a set of bits. It is logged when a map is installed. */
#define TP_MERGE_WARN_NO_LATENESS 1u       /* a time window without lateness: the input has to reach the output's time (J-037) */
#define TP_MERGE_WARN_LONG_LATENESS 2u     /* longer than the smallest window, which may turn out empty (O-9) */
#define TP_MERGE_WARN_OWN_OUTPUT 4u        /* the output stream is an input (O-30) */
/* TP_MERGE_WARN_* of the map; 0 also for one that is not valid. */
TP_EXPORT uint32_t tp_merge_map_warnings(const tp_merge_map_t *map);

/* ---- options ---- */

typedef enum tp_join_kind
{
    TP_JOIN_SEQUENCE = 1,              /* same rate: aligned by sequence numbers, deterministic */
    TP_JOIN_TIMESTAMP = 2,             /* different rates, one clock: aligned by time */
    TP_JOIN_LATEST = 3                 /* the newest frame of each input, aligned by nothing: only where that is tolerated (J-088) */
}
tp_join_kind_t;

typedef enum tp_join_order
{
    TP_JOIN_BY_SEQ = 0,
    TP_JOIN_BY_TIME = 1                /* needs a timestamp map */
}
tp_join_order_t;

typedef enum tp_join_match
{
    TP_JOIN_NEWEST_BEFORE = 0,         /* the newest frame at or before the needed time */
    TP_JOIN_NEAREST = 1                /* the frame nearest to the needed time; of two the older one */
}
tp_join_match_t;

/* What the application knows about the clock of an input, whatever its announces say (O-29). */
typedef struct tp_join_clock
{
    uint32_t input_stream_id;
    uint32_t clock_domain;             /* tp_clock_domain_t; TP_CLOCK_UNKNOWN blocks the input: a bridged one whose clock cannot be compared */
}
tp_join_clock_t;

typedef struct tp_join_options
{
    uint32_t size;                     /* sizeof(tp_join_options_t), or use TP_JOIN_OPTIONS_INIT */
    uint32_t kind;                     /* tp_join_kind_t */
    uint32_t out_stream_id;            /* whose maps are followed */
    uint32_t rule_capacity;            /* rules that a map may have, 1 .. TP_MERGE_RULES_MAX; one with more is invalid (J-117) */
    uint32_t map_kind;                 /* TP_JOIN_LATEST: tp_merge_kind_t; 0 = as the order asks (O-23) */
    uint32_t order;                    /* TP_JOIN_LATEST: tp_join_order_t, fixed (J-083) */
    bool require_processed;            /* a step before the join has to report each frame as processed (O-28) */
    bool allow_stale;                  /* use the stale timeout of the map: a silent input is left out */
    bool follow_control;               /* maps and announces come from the client's control poll, and maps are asked for; default true */
    bool reserved8;
    uint32_t clock_count;              /* at most TP_MERGE_RULES_MAX */
    const tp_join_clock_t *clocks;     /* copied */
    /* joins only */
    uint32_t frame_capacity;           /* frames of one input that may wait at once, 2 .. 65536; default 1024, rounded up to a power of two */
    uint32_t view_capacity;            /* views of one output, 1 .. 4096; default 128. Windows that do not fit give their newest frames */
    uint32_t match;                    /* TP_JOIN_TIMESTAMP, offset rules: tp_join_match_t */
    uint32_t anchor_stream_id;         /* TP_JOIN_TIMESTAMP, TP_JOIN_LATEST: the input whose frames each ask for an output; 0: the map's first input,
                                          any input. Its offset is taken off its time to make that of the output */
    int64_t period_ns;                 /* the same kinds: instead of an anchor an output each period of the local clock; 0 = none */
    uint64_t max_skew_ns;              /* TP_JOIN_TIMESTAMP, offset rules: a frame farther from the needed time is no partner; 0 = no bound */
    uint64_t reserved[4];
}
tp_join_options_t;
#define TP_JOIN_OPTIONS_INIT { sizeof(tp_join_options_t), TP_JOIN_SEQUENCE, 0, 16, 0, TP_JOIN_BY_SEQ, false, false, true, false, 0, NULL, 1024, 128, \
    TP_JOIN_NEWEST_BEFORE, 0, 0, 0, { 0, 0, 0, 0 } }

/* ---- answers ---- */

typedef enum tp_join_answer
{
    TP_JOIN_NOT_READY = 0,             /* wait */
    TP_JOIN_READY = 1,                 /* the stage may try this output */
    TP_JOIN_REJECTED = 2               /* the request or the join is not acceptable */
}
tp_join_answer_t;

typedef enum tp_join_reason
{
    TP_JOIN_ALL_THERE = 0,             /* ready, nobody absent */
    TP_JOIN_SOME_ABSENT,               /* ready without stale inputs; streams: these */
    TP_JOIN_NO_MAP,                    /* not ready from here on: none for this output stream and epoch */
    TP_JOIN_INVALID_MAP,
    TP_JOIN_MISSING,                   /* streams: the missing ones */
    TP_JOIN_ALL_ABSENT,
    TP_JOIN_NULL_TIME,                 /* the output's */
    TP_JOIN_FAILED,                    /* a selected frame failed its validation; streams: whose */
    TP_JOIN_OUT_CLOCK,                 /* rejected from here on: the output's time is of another domain than the map's */
    TP_JOIN_OUT_TIME_BACK,
    TP_JOIN_INPUT_CLOCK,               /* streams: those of another domain, or with times that went back */
    TP_JOIN_INPUT_TIME_BACK,
    TP_JOIN_NO_CLOCK_DOMAIN,           /* order by time without a timestamp map */
    TP_JOIN_WRONG_KIND,                /* asked as a barrier of another kind */
    TP_JOIN_REASONS                    /* number of reasons */
}
tp_join_reason_t;
/* "all_there", "missing", ...: the keys of JSON output. Static storage. */
TP_EXPORT const char *tp_join_reason_name(int reason);

typedef struct tp_join_selected
{
    uint32_t input_stream_id;
    uint64_t epoch;
    uint64_t seq;
}
tp_join_selected_t;

/* Lists belong to the barrier and live until its next call. Each stream stands once. */
typedef struct tp_join_result
{
    uint32_t size;
    uint32_t answer;                   /* tp_join_answer_t */
    uint32_t reason;                   /* tp_join_reason_t */
    uint32_t stream_count;
    const uint32_t *streams;
    const tp_join_selected_t *selected;          /* TP_JOIN_LATEST and ready: the newest frame of every input that is not absent */
    uint32_t selected_count;
    uint32_t reserved32;
    uint64_t reserved[2];
}
tp_join_result_t;

/* ---- barriers ---- */

typedef struct tp_join_barrier tp_join_barrier_t;

/*
 * A barrier by the options, copied. client may be NULL: then maps and announces are told by the calls below only. TP_EINVAL, TP_ENOMEM, TP_EFULL,
 * TP_ETIMEDOUT. Any thread. _close accepts NULL; before the client is closed.
 */
TP_EXPORT int tp_join_barrier_init(tp_join_barrier_t **barrier, tp_client_t *client, const tp_join_options_t *options);
TP_EXPORT void tp_join_barrier_close(tp_join_barrier_t *barrier);

/*
 * The epoch of the output stream, at the start and whenever it changes. Another one than before: map, observations and the last output time are
 * forgotten, and a map is asked for at once, then with pauses of 1 s, doubled up to 10 s (O-10).
 */
TP_EXPORT int tp_join_barrier_set_epoch(tp_join_barrier_t *barrier, uint64_t epoch);
/*
 * A map by value, as if it had been announced: 1 installed, 0 the same as before, or -1 with TP_EINVAL (invalid: the barrier has no valid map now;
 * or of another kind, output stream or epoch: nothing changed). Sets the epoch of the output when that was not set.
 */
TP_EXPORT int tp_join_barrier_apply_map(tp_join_barrier_t *barrier, const tp_merge_map_t *map);
/* Any message of a control stream, from its SBE header on. 1 a map was installed, 0 not. */
TP_EXPORT int tp_join_barrier_on_message(tp_join_barrier_t *barrier, const void *message, size_t length);
/* ShmPoolAnnounce of an input: its epoch and clock (O-8). */
TP_EXPORT void tp_join_barrier_on_announce(tp_join_barrier_t *barrier, uint32_t stream_id, uint64_t epoch, uint32_t clock_domain);

/* A FrameDescriptor of any stream; publish_timestamp_ns may be TP_NULL_U64. now_ns of the calls here: CLOCK_MONOTONIC. */
TP_EXPORT void tp_join_barrier_observed(tp_join_barrier_t *barrier, uint32_t stream_id, uint64_t epoch, uint64_t seq, uint64_t publish_timestamp_ns,
    int64_t now_ns);
/* The capture time of a frame whose slot was validated. */
TP_EXPORT void tp_join_barrier_observed_slot(tp_join_barrier_t *barrier, uint32_t stream_id, uint64_t epoch, uint64_t seq, uint64_t timestamp_ns);
/* The frame was consumed by the step before the join, once however many outputs are made of it (J-011). */
TP_EXPORT void tp_join_barrier_processed(tp_join_barrier_t *barrier, uint32_t stream_id, uint64_t epoch, uint64_t seq);
TP_EXPORT void tp_join_barrier_processed_time(tp_join_barrier_t *barrier, uint32_t stream_id, uint64_t epoch, int time_source, uint64_t time_ns);

/*
 * Whether an output may be tried: tp_join_answer_t, or TP_INVALID_ARGUMENT. Says nothing about slots: each frame is validated once when it is used,
 * and dropped when that fails. Outputs may be asked for in any order by sequence; times must not go back (J-068). *result may be NULL.
 */
TP_EXPORT int tp_join_barrier_is_ready_sequence(tp_join_barrier_t *barrier, uint64_t out_seq, int64_t now_ns, tp_join_result_t *result);
TP_EXPORT int tp_join_barrier_is_ready_timestamp(tp_join_barrier_t *barrier, uint64_t out_time_ns, uint32_t clock_domain, int64_t now_ns,
    tp_join_result_t *result);
TP_EXPORT int tp_join_barrier_is_ready_latest(tp_join_barrier_t *barrier, int64_t now_ns, tp_join_result_t *result);
/* A selected frame failed its validation: *result becomes not ready, and its input is missing until it has a newer frame (J-077, J-078). */
TP_EXPORT void tp_join_barrier_failed(tp_join_barrier_t *barrier, const tp_join_selected_t *frame, tp_join_result_t *result);
/* What rule i needs for an output: 1 and the range, last deciding; 0 when it does not apply yet, or there is no such rule. */
TP_EXPORT int tp_join_barrier_need(const tp_join_barrier_t *barrier, uint32_t rule, uint64_t out, uint64_t *first, uint64_t *last);
/* Whether the oldest frame that the rules of a stream need for out_seq can still be in a ring of nslots (J-026); looks at numbers only. */
TP_EXPORT bool tp_join_barrier_is_available(const tp_join_barrier_t *barrier, uint32_t stream_id, uint64_t out_seq, uint32_t nslots);
/* Inputs that are stale now: their number; the first capacity of them in streams. 0 unless stale inputs are allowed. */
TP_EXPORT uint32_t tp_join_barrier_stale_inputs(const tp_join_barrier_t *barrier, int64_t now_ns, uint32_t *streams, uint32_t capacity);
/* The map in force: 1 and *map, whose rules live until the next call; 0 when there is none. */
TP_EXPORT int tp_join_barrier_map(const tp_join_barrier_t *barrier, tp_merge_map_t *map);

typedef struct tp_join_barrier_stats
{
    uint32_t size;
    uint32_t map_state;                /* 0 none, 1 in force, 2 the last one was invalid */
    uint64_t epoch;                    /* of the output */
    uint64_t maps_installed;
    uint64_t maps_repeated;
    uint64_t maps_refused;             /* for this output and epoch, and invalid */
    uint64_t maps_other;               /* of another output stream, epoch or kind */
    uint64_t maps_malformed;
    uint64_t requests;                 /* for a map */
    uint64_t checks[32];               /* by tp_join_reason_t */
    uint64_t input_restarts;           /* inputs that took a later epoch */
    uint64_t reserved[7];
}
tp_join_barrier_stats_t;
TP_EXPORT int tp_join_barrier_stats(const tp_join_barrier_t *barrier, tp_join_barrier_stats_t *stats);       /* its thread */

/* ---- joins ---- */

typedef struct tp_join tp_join_t;

typedef enum tp_joined_state
{
    TP_JOINED_PRESENT = 0,
    TP_JOINED_ABSENT = 1,              /* silent for longer than the stale timeout */
    TP_JOINED_EMPTY = 2                /* none of the frames of its window is left (J-025, O-9) */
}
tp_joined_state_t;

/* What one rule of the map gave: views in ascending order of seq, an offset rule one. */
typedef struct tp_joined_input
{
    uint32_t stream_id;
    uint32_t state;                    /* tp_joined_state_t */
    const tp_frame_view_t *views;      /* NULL unless present */
    uint32_t view_count;
    uint32_t lost_count;               /* frames of the window that were announced and could not be read any more, or found no room */
}
tp_joined_input_t;

/* One output's inputs, in the order of the map's rules (TP_JOIN_LATEST: each stream once). All of it lives until the handler returns. */
typedef struct tp_joined
{
    uint32_t size;
    uint32_t kind;                     /* tp_join_kind_t */
    uint64_t epoch;                    /* of the output stream */
    uint64_t out_seq;                  /* TP_JOIN_SEQUENCE; else the number of this output, from 0 */
    uint64_t out_time_ns;              /* TP_JOIN_TIMESTAMP; else TP_NULL_U64 */
    const tp_joined_input_t *inputs;
    uint32_t input_count;
    uint32_t absent_count;             /* inputs that are not present */
    const tp_frame_view_t *views;      /* those of all inputs in one array */
    uint32_t view_count;
    uint32_t reserved32;
    uint64_t skew_ns;                  /* between the capture times of the newest view of each input; TP_NULL_U64: fewer than two have one */
    uint64_t reserved[4];
}
tp_joined_t;

/* The first rule's entry of that stream, or NULL. */
TP_EXPORT const tp_joined_input_t *tp_joined_input(const tp_joined_t *joined, uint32_t stream_id);
/* tp_frame_view_is_valid of all views: whether every byte read from them so far belongs to their frames. Ask after use. */
TP_EXPORT bool tp_joined_is_valid(const tp_joined_t *joined);

typedef void (*tp_join_handler_t)(void *clientd, const tp_joined_t *joined);

/*
 * A join of consumers, which stay the caller's, belong to the join's thread until it is closed, and are not polled by anybody else. Their descriptor
 * handlers are the join's. One consumer for each input stream; inputs of a map without a consumer stay missing. TP_EINVAL, TP_ENOMEM, TP_EFULL,
 * TP_ETIMEDOUT.
 */
TP_EXPORT int tp_join_init(tp_join_t **join, tp_client_t *client, const tp_join_options_t *options, tp_consumer_t *const *consumers, size_t count);
/*
 * The same with consumers of its own: one opened for each input of map, which is applied (options->out_stream_id 0: that of the map). Errors also as
 * tp_consumer_init.
 */
TP_EXPORT int tp_join_open(tp_join_t **join, tp_client_t *client, const tp_join_options_t *options, const tp_merge_map_t *map);
/* Frees, with the consumers of tp_join_open. Put off inside the join's handler. Before its consumers and its client are closed. Accepts NULL. */
TP_EXPORT void tp_join_close(tp_join_t *join);

/*
 * Who gets the outputs, on the polling thread. Consumers and join must not be polled or closed for good inside; a map or an output epoch that is
 * given to the barrier inside ends the poll and holds from the next one on. NULL: outputs are counted only.
 */
TP_EXPORT int tp_join_set_handler(tp_join_t *join, tp_join_handler_t handler, void *clientd);
/*
 * The epoch of the output stream is that of this producer from now on, followed by itself; NULL: it is told by the calls of the barrier again, to be
 * said before the producer is closed.
 */
TP_EXPORT int tp_join_follow_producer(tp_join_t *join, const tp_producer_t *producer);
/* TP_JOIN_SEQUENCE: the next output to be tried, instead of the first one whose inputs were all observed from their beginning on. */
TP_EXPORT int tp_join_set_next(tp_join_t *join, uint64_t out_seq);
/* The barrier inside: for maps, epochs, processed values and what it observed. Belongs to the join and its thread. */
TP_EXPORT tp_join_barrier_t *tp_join_barrier(tp_join_t *join);

/*
 * Takes the descriptors at hand, at most limit of each input, and hands out at most limit outputs: their number, or TP_CLOSED, TP_INVALID_ARGUMENT
 * (also inside the handler). Never waits. In invoker mode call tp_client_do_work as well.
 */
TP_EXPORT int tp_join_poll(tp_join_t *join, int limit);
/* tp_join_poll until there was an output, or for timeout_ns: outputs (0 = timeout), or as above. Turns the conductor in invoker mode. */
TP_EXPORT int tp_join_wait(tp_join_t *join, int limit, int64_t timeout_ns);

/* Why a frame that was announced is in no output. */
typedef enum tp_unjoined
{
    TP_UNJOINED_NO_MAP = 0,            /* came while there was no map for the output's epoch */
    TP_UNJOINED_NO_INPUT,              /* the map does not name its stream */
    TP_UNJOINED_OLD_EPOCH,             /* of an earlier epoch of its stream */
    TP_UNJOINED_REPEATED,              /* seq not above the one before */
    TP_UNJOINED_NO_TIME,               /* the time that the rule asks for is null */
    TP_UNJOINED_TIME_BACK,             /* its time is before that of the frame before: the input is rejected */
    TP_UNJOINED_PASSED,                /* no output needed it, or a newer one was there */
    TP_UNJOINED_PARTNER,               /* another input's frame for its output was not there any more, or never */
    TP_UNJOINED_OVERWRITTEN,           /* its slot held another frame when its partners were there */
    TP_UNJOINED_UNCOMMITTED,           /* its slot was being written */
    TP_UNJOINED_INVALID,               /* its slot failed validation */
    TP_UNJOINED_NOT_MAPPED,            /* its regions were not mapped any more */
    TP_UNJOINED_RESTARTED,             /* waited when its stream, or the output stream, took another epoch */
    TP_UNJOINED_FULL,                  /* frame_capacity frames waited already, and it was the oldest */
    TP_UNJOINED_REJECTED,              /* the barrier rejected the join or the output */
    TP_UNJOINED_REASONS                /* number of reasons */
}
tp_unjoined_t;
/* "no_map", "overwritten", ...: the keys of JSON output. Static storage. */
TP_EXPORT const char *tp_unjoined_name(int reason);

/*
 * The ledger, of a join and of each input, between two calls of the join's thread: frames = joined + the sum of unjoined + waiting. Frames that a
 * consumer never had a descriptor of are in its own statistics (tp_consumer_stats).
 */
typedef struct tp_join_stats
{
    uint32_t size;
    uint32_t input_count;              /* consumers */
    uint64_t frames;                   /* announced to us */
    uint64_t joined;                   /* in at least one output */
    uint64_t waiting;
    uint64_t unjoined[32];             /* by tp_unjoined_t */
    uint64_t outputs;                  /* handed out */
    uint64_t outputs_given_up;         /* ready, but a needed frame was not there */
    uint64_t outputs_passed;           /* never tried, since frames they need were never announced to us */
    uint64_t outputs_partial;          /* of those handed out: with an input that was not present */
    uint64_t next_out_seq;             /* TP_JOIN_SEQUENCE: the next to be tried; TP_NULL_U64 while that is not known */
    uint64_t unannounced;              /* of frames: found in the ring, with TP_FRAME_NO_DESCRIPTOR: trace id and publish time are not known */
    uint64_t reserved[6];
}
tp_join_stats_t;
TP_EXPORT int tp_join_stats(const tp_join_t *join, tp_join_stats_t *stats);      /* any thread; moments may differ slightly */

typedef struct tp_join_input_stats
{
    uint32_t size;
    uint32_t stream_id;
    uint64_t epoch;                    /* of the input; 0 = none seen */
    uint64_t last_seq;
    uint64_t frames;
    uint64_t joined;
    uint64_t waiting;
    uint64_t unjoined[32];
    uint64_t absent;                   /* outputs handed out without it */
    uint64_t unannounced;              /* of frames: found in the ring */
    uint64_t reserved[6];
}
tp_join_input_stats_t;
/* Of the input of consumer i, in the order given. TP_EINVAL. Any thread. */
TP_EXPORT int tp_join_input_stats(const tp_join_t *join, uint32_t input, tp_join_input_stats_t *stats);

/* ---- the authority of maps ---- */

typedef struct tp_join_authority tp_join_authority_t;

/*
 * Publishes maps on the control stream: at once when they are set or change, again each second, and on request, at most once in 100 ms each (4.1,
 * O-10). Room for map_capacity maps with rule_capacity rules each. The conductor does the work. TP_EINVAL, TP_ENOMEM, TP_EFULL, TP_ETIMEDOUT.
 * _close accepts NULL; before the client is closed.
 */
TP_EXPORT int tp_join_authority_init(tp_join_authority_t **authority, tp_client_t *client, uint32_t map_capacity, uint32_t rule_capacity);
TP_EXPORT void tp_join_authority_close(tp_join_authority_t *authority);
/*
 * A map, copied, instead of the one of its kind and output stream. These calls: any thread, callbacks too; they wait for the conductor: 0, or -1 with
 * TP_EINVAL (tp_merge_map_check), TP_EFULL, TP_ENOMEM, TP_ETIMEDOUT.
 */
TP_EXPORT int tp_join_authority_set(tp_join_authority_t *authority, const tp_merge_map_t *map);
/* The output stream took another epoch: its maps hold for that one and are published at once. */
TP_EXPORT int tp_join_authority_set_epoch(tp_join_authority_t *authority, uint32_t out_stream_id, uint64_t epoch);
/* The maps of the producer's stream hold for its epoch from now on, whenever that changes, until it is closed. At most 16 producers. */
TP_EXPORT int tp_join_authority_follow_producer(tp_join_authority_t *authority, const tp_producer_t *producer);
/* Forgets the maps of an output stream, and its producer. */
TP_EXPORT int tp_join_authority_drop(tp_join_authority_t *authority, uint32_t out_stream_id);

typedef struct tp_join_authority_stats
{
    uint32_t size;
    uint32_t reserved32;
    uint64_t announces;
    uint64_t answered;                 /* requests: the map went out at once */
    uint64_t deferred;                 /* it went out at the end of its 100 ms */
    uint64_t unknown;                  /* for a pair that is not held: silence */
    uint64_t malformed;
    uint64_t refused;                  /* announces that the bus did not take; tried again */
    uint64_t reserved[4];
}
tp_join_authority_stats_t;
TP_EXPORT int tp_join_authority_stats(const tp_join_authority_t *authority, tp_join_authority_stats_t *stats);       /* any thread */

TP_END_DECLS

#endif
