/*
 * What the three join barriers share (50-join-barrier.md 2.3, 4.2, 5): the life of the map, one record per rule of what was seen of its input, when
 * to ask for a map. What a barrier answers stands in join_sequence.h, join_timestamp.h and join_latest.h. Pure: no I/O, no clock. Everything is
 * allocated at creation; one thread owns a join.
 *
 * Invariants: records 0 .. map.rule_count - 1 belong to the rules of the map last installed in this output epoch, also while the join has no valid
 * map. All records of one input stream have the same epoch and cursors; times go by source.
 */
#ifndef TPI_PROTOCOL_JOIN_H
#define TPI_PROTOCOL_JOIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/codec_wire.h"
#include "protocol/merge_map.h"

#include <tensor_pool/client/tp_join.h>

#define TPI_JOIN_REQUEST_PAUSE_NS INT64_C(1000000000)      /* O-10: after the first request, then doubled */
#define TPI_JOIN_REQUEST_PAUSE_MAX_NS INT64_C(10000000000)

typedef enum tpi_join_kind
{
    TPI_JOIN_SEQUENCE = 1,
    TPI_JOIN_TIMESTAMP,
    TPI_JOIN_LATEST
}
tpi_join_kind_t;

typedef enum tpi_join_order
{
    TPI_JOIN_BY_SEQ = 0,
    TPI_JOIN_BY_TIME
}
tpi_join_order_t;

#define TPI_JOIN_DOMAIN_UNKNOWN 0

/* What the configuration states about an input, whatever its announces say (O-29). */
typedef struct tpi_join_domain
{
    uint32_t input_stream_id;
    uint8_t clock_domain;              /* TPC_CLOCK_*, or TPI_JOIN_DOMAIN_UNKNOWN: blocks */
}
tpi_join_domain_t;

typedef struct tpi_join_options
{
    tpi_join_kind_t kind;
    tpi_merge_kind_t map_kind;         /* TPI_JOIN_LATEST only; 0 = by the order */
    tpi_join_order_t order;            /* TPI_JOIN_LATEST only */
    uint32_t out_stream_id;
    uint32_t rule_capacity;            /* 1 .. TPC_RULES_MAX */
    bool require_processed;
    bool allow_stale;
    const tpi_join_domain_t *domains;  /* copied */
    uint32_t domain_count;             /* at most TPC_RULES_MAX */
}
tpi_join_options_t;

typedef enum tpi_join_map_state
{
    TPI_JOIN_MAP_NONE = 0,
    TPI_JOIN_MAP_ACTIVE,
    TPI_JOIN_MAP_INVALID
}
tpi_join_map_state_t;

/* An announce of a map, decoded; not judged. */
typedef struct tpi_join_message
{
    bool too_many_rules;               /* the union is void */
    uint32_t out_stream_id;
    uint64_t epoch;
    union { tpc_sequence_map_announce_t sequence; tpc_timestamp_map_announce_t timestamp; } wire;    /* by the kind of map that was asked for */
}
tpi_join_message_t;

/* What became of a map message; counted each. */
typedef enum tpi_join_map_event
{
    TPI_JOIN_MAP_INSTALLED = 0,
    TPI_JOIN_MAP_REPEATED,
    TPI_JOIN_MAP_REFUSED,              /* for this pair and invalid: the join has no valid map now */
    TPI_JOIN_MAP_OTHER_PAIR,
    TPI_JOIN_MAP_OTHER_KIND,
    TPI_JOIN_MAP_DROPPED,              /* truncated, wrong version, short block */
    TPI_JOIN_MAP_NOT_OURS,             /* another schema, or no announce */
    TPI_JOIN_MAP_EVENT_COUNT
}
tpi_join_map_event_t;

/* What became of a frame, a time or a processed value; counted each. All but the _TAKEN ones did not join. */
typedef enum tpi_join_seen
{
    TPI_JOIN_FRAME_TAKEN = 0,
    TPI_JOIN_FRAME_NO_MAP,             /* no map was installed in this output epoch */
    TPI_JOIN_FRAME_NO_INPUT,           /* stream that no rule names */
    TPI_JOIN_FRAME_OLD_EPOCH,
    TPI_JOIN_FRAME_REPEATED,           /* sequence not above the cursor */
    TPI_JOIN_FRAME_FAILED,             /* was selected and failed its validation (latest value) */
    TPI_JOIN_TIME_TAKEN,               /* times: one count per rule */
    TPI_JOIN_TIME_NULL,
    TPI_JOIN_TIME_BACK,                /* the input is rejected */
    TPI_JOIN_TIME_REPEATED,            /* sequence not above that of the last time */
    TPI_JOIN_TIME_OTHER_EPOCH,
    TPI_JOIN_PROCESSED_TAKEN,          /* processed values: one count per rule */
    TPI_JOIN_PROCESSED_NULL,
    TPI_JOIN_PROCESSED_OTHER_EPOCH,
    TPI_JOIN_PROCESSED_NOT_ABOVE,
    TPI_JOIN_INPUT_RESTARTED,          /* an input took a later epoch */
    TPI_JOIN_SEEN_COUNT
}
tpi_join_seen_t;

typedef enum tpi_join_answer
{
    TPI_JOIN_NOT_READY = TP_JOIN_NOT_READY,
    TPI_JOIN_READY = TP_JOIN_READY,
    TPI_JOIN_REJECTED = TP_JOIN_REJECTED
}
tpi_join_answer_t;

/* Why; counted each. */
typedef enum tpi_join_reason
{
    TPI_JOIN_ALL_THERE = 0,            /* READY, nobody absent */
    TPI_JOIN_SOME_ABSENT,              /* READY without stale inputs; streams: these */
    TPI_JOIN_NO_MAP,
    TPI_JOIN_INVALID_MAP,
    TPI_JOIN_MISSING,                  /* streams: the missing ones */
    TPI_JOIN_ALL_ABSENT,               /* streams: all */
    TPI_JOIN_NULL_TIME,                /* out_time */
    TPI_JOIN_FAILED,                   /* tick given up, a selected frame failed; streams: whose */
    TPI_JOIN_OUT_DOMAIN,               /* REJECTED from here on */
    TPI_JOIN_OUT_TIME_BACK,
    TPI_JOIN_INPUT_DOMAIN,             /* streams: all bad inputs */
    TPI_JOIN_INPUT_TIME_BACK,          /* streams: all bad inputs */
    TPI_JOIN_NO_CLOCK_DOMAIN,          /* order by time without a timestamp map */
    TPI_JOIN_WRONG_KIND,               /* asked as a barrier of another kind */
    TPI_JOIN_REASON_COUNT
}
tpi_join_reason_t;

typedef tp_join_selected_t tpi_join_selected_t;

/* Lists belong to the join and live until its next check. Each stream stands once. */
typedef struct tpi_join_result
{
    tpi_join_answer_t answer;
    tpi_join_reason_t reason;
    const uint32_t *streams;
    uint32_t stream_count;
    const tpi_join_selected_t *selected;         /* TPI_JOIN_LATEST and READY only */
    uint32_t selected_count;
}
tpi_join_result_t;

/* Record of one rule (5.2). */
typedef struct tpi_join_input
{
    bool epoch_set, seq_set, processed_seq_set, time_set, processed_time_set, frame_set, failed_set;
    bool rejected;                     /* its times went back */
    uint8_t clock_domain;              /* announced or stated; TPI_JOIN_DOMAIN_UNKNOWN */
    uint32_t first;                    /* first rule that names the same stream */
    uint64_t epoch;
    uint64_t seq;
    uint64_t min_seq;                  /* first one of this epoch */
    uint64_t processed_seq;
    uint64_t time;
    uint64_t time_seq;                 /* the frame that time came from */
    uint64_t processed_time;
    uint64_t failed_seq;
    int64_t last_frame_ns;             /* local clock */
}
tpi_join_input_t;

typedef struct tpi_join
{
    tpi_join_options_t options;
    uint64_t epoch;                    /* of the output */
    bool epoch_set;
    tpi_join_map_state_t map_state;
    tpi_merge_verdict_t map_verdict;   /* of the last map for this pair */
    int64_t map_seen_ns;               /* last valid announce */
    tpi_merge_map_t map;
    tpi_join_input_t *inputs;
    bool last_out_set;
    uint64_t last_out;
    int64_t request_due_ns;
    int64_t request_pause_ns;
    uint64_t maps[TPI_JOIN_MAP_EVENT_COUNT];
    uint64_t refused[TPI_MERGE_VERDICT_COUNT];
    uint64_t seen[TPI_JOIN_SEEN_COUNT];
    uint64_t checks[TPI_JOIN_REASON_COUNT];
    uint64_t requests;
    /* scratch */
    tpi_merge_map_t staged;
    tpi_join_input_t *spare;
    uint8_t *marks;                    /* of the first rule of each stream */
    uint32_t *listed;
    uint32_t listed_count;
    tpi_join_selected_t *selected;
    tpi_join_message_t message;
}
tpi_join_t;

/* TP_EINVAL, TP_ENOMEM. */
int tpi_join_create(tpi_join_t **join, const tpi_join_options_t *options);
void tpi_join_delete(tpi_join_t *join);

const char *tpi_join_reason_name(tpi_join_reason_t reason);
const char *tpi_join_seen_name(tpi_join_seen_t seen);
const char *tpi_join_map_event_name(tpi_join_map_event_t event);

/* ---- control path ---- */

/* The epoch of the output stream, at the start and whenever it changes. Another one than before: map, records and the last out_time are gone. */
void tpi_join_on_output_epoch(tpi_join_t *join, uint64_t epoch, int64_t now_ns);
/* Any message of the control stream, from its SBE header on. */
tpi_join_map_event_t tpi_join_on_map(tpi_join_t *join, const uint8_t *data, size_t length, int64_t now_ns);
/* The two halves of it, for who polls the control stream on another thread: TPI_JOIN_MAP_INSTALLED and *message, which is then to be given to the
   join; or what the bytes are instead. */
tpi_join_map_event_t tpi_join_message_decode(tpi_join_message_t *message, tpi_merge_kind_t kind, const uint8_t *data, size_t length);
tpi_join_map_event_t tpi_join_on_message(tpi_join_t *join, const tpi_join_message_t *message, int64_t now_ns);
/* Whether the map of (options.out_stream_id, epoch) is to be asked for now, and that the bus took the request. */
bool tpi_join_request_is_due(const tpi_join_t *join, int64_t now_ns);
void tpi_join_requested(tpi_join_t *join, int64_t now_ns);
/* An accepted ShmPoolAnnounce of any stream. After an installation the newest one of each input has to be given again. */
void tpi_join_on_announce(tpi_join_t *join, uint32_t stream_id, uint64_t epoch, uint8_t clock_domain);
/* O-28: processed values are required, the observed ones advance, and not one processed value has come. */
bool tpi_join_lacks_processed(const tpi_join_t *join);

/* ---- hot path ---- */

/* A FrameDescriptor of any stream; time TP_NULL_U64 = none. */
tpi_join_seen_t tpi_join_on_frame(tpi_join_t *join, uint32_t stream_id, uint64_t epoch, uint64_t seq, uint64_t descriptor_time, int64_t now_ns);
/* Whether a rule wants the slot time of a stream's frames. */
bool tpi_join_wants_slot_time(const tpi_join_t *join, uint32_t stream_id);
/* After the one successful validation of that slot. */
void tpi_join_on_slot_time(tpi_join_t *join, uint32_t stream_id, uint64_t epoch, uint64_t seq, uint64_t slot_time);
/* The frame was really consumed by the step before the join (O-28). */
void tpi_join_on_processed_seq(tpi_join_t *join, uint32_t stream_id, uint64_t epoch, uint64_t seq);
void tpi_join_on_processed_time(tpi_join_t *join, uint32_t stream_id, uint64_t epoch, uint8_t source, uint64_t time);

/* ---- for the barriers ---- */

#define TPI_JOIN_MARK_ABSENT 1u
#define TPI_JOIN_MARK_MISSING 2u
#define TPI_JOIN_MARK_DOMAIN 4u
#define TPI_JOIN_MARK_BACK 8u

typedef struct tpi_join_tally
{
    uint32_t asked;                    /* records that were looked at */
    uint32_t absent;
    unsigned marks;                    /* all of them together */
}
tpi_join_tally_t;

/* True: a valid map of the current pair is there and the marks are clear. Otherwise *result is the answer. */
bool tpi_join_begin(tpi_join_t *join, tpi_join_kind_t kind, tpi_join_result_t *result);
static inline void tpi_join_mark(tpi_join_t *join, tpi_join_tally_t *tally, uint32_t rule, unsigned mark)
{
    join->marks[join->inputs[rule].first] |= (uint8_t)mark;
    tally->marks |= mark;
    if (TPI_JOIN_MARK_ABSENT == mark) { tally->absent++; }
}
tpi_join_answer_t tpi_join_answer(tpi_join_t *join, tpi_join_answer_t answer, tpi_join_reason_t reason, tpi_join_result_t *result);
/* The answer by the marks, with its list. */
tpi_join_answer_t tpi_join_conclude(tpi_join_t *join, const tpi_join_tally_t *tally, tpi_join_result_t *result);
bool tpi_join_is_stale(const tpi_join_t *join, const tpi_join_input_t *input, int64_t now_ns);
/* What speaks against an input in the clock domain of the map: TPI_JOIN_MARK_DOMAIN, _BACK, _MISSING (unknown), or 0. */
unsigned tpi_join_time_objection(const tpi_join_t *join, const tpi_join_input_t *input);

#endif
