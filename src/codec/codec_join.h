/*
 * Messages of schema 903 (50-join-barrier.md section 3). Rules are kept as found: which parameter must be null is decided in
 * protocol/. Absent times hold TP_NULL_U64.
 */
#ifndef TPI_CODEC_CODEC_JOIN_H
#define TPI_CODEC_CODEC_JOIN_H

#include "codec/codec.h"

#include <tensor_pool/common/tp_types.h>

#define TPC_SEQUENCE_MAP_ANNOUNCE 1
#define TPC_SEQUENCE_MAP_REQUEST 2
#define TPC_TIMESTAMP_MAP_ANNOUNCE 3
#define TPC_TIMESTAMP_MAP_REQUEST 4

#define TPC_SEQUENCE_MAP_ANNOUNCE_BLOCK 20
#define TPC_SEQUENCE_MAP_REQUEST_BLOCK 12
#define TPC_TIMESTAMP_MAP_ANNOUNCE_BLOCK 29
#define TPC_TIMESTAMP_MAP_REQUEST_BLOCK 12

#define TPC_RULES_MAX 256                       /* local limit, that of existing decoders (3.5) */

#define TPC_RULE_OFFSET 0                       /* MergeRuleType and MergeTimeRuleType */
#define TPC_RULE_WINDOW 1
#define TPC_TIME_OF_DESCRIPTOR 1                /* TimestampSource */
#define TPC_TIME_OF_SLOT 2
#define TPC_NULL_OFFSET INT32_MIN
#define TPC_NULL_OFFSET_NS INT64_MIN

/* outStreamId and epoch of an announce of either kind, also of one that decodes as TPC_TOO_MANY: such a map is invalid, not ignored. */
int tpc_map_announce_key(uint32_t *out_stream_id, uint64_t *epoch, const uint8_t *data, size_t length);

/* 1 SequenceMergeMapAnnounce */
typedef struct tpc_sequence_rule
{
    uint32_t input_stream_id;
    uint8_t rule_type;                          /* TPC_RULE_* */
    int32_t offset;                             /* TPC_NULL_OFFSET = null */
    uint32_t window_size;                       /* TP_NULL_U32 = null */
}
tpc_sequence_rule_t;

typedef struct tpc_sequence_map_announce
{
    uint32_t out_stream_id;
    uint64_t epoch;
    uint64_t stale_timeout_ns;
    uint32_t rule_count;                        /* at most TPC_RULES_MAX; more on the wire is TPC_TOO_MANY */
    tpc_sequence_rule_t rules[TPC_RULES_MAX];
}
tpc_sequence_map_announce_t;

#define TPC_SEQUENCE_RULE_INIT { .rule_type = 255, .offset = TPC_NULL_OFFSET, .window_size = TP_NULL_U32 }
#define TPC_SEQUENCE_MAP_ANNOUNCE_INIT { .stale_timeout_ns = TP_NULL_U64 }

int64_t tpc_sequence_map_announce_length(const tpc_sequence_map_announce_t *m);
int64_t tpc_sequence_map_announce_encode(uint8_t *buffer, size_t capacity, const tpc_sequence_map_announce_t *m);
int tpc_sequence_map_announce_decode(tpc_sequence_map_announce_t *m, const uint8_t *data, size_t length);

/* 2 SequenceMergeMapRequest */
typedef struct tpc_sequence_map_request
{
    uint32_t out_stream_id;
    uint64_t epoch;
}
tpc_sequence_map_request_t;

int64_t tpc_sequence_map_request_length(const tpc_sequence_map_request_t *m);
int64_t tpc_sequence_map_request_encode(uint8_t *buffer, size_t capacity, const tpc_sequence_map_request_t *m);
int tpc_sequence_map_request_decode(tpc_sequence_map_request_t *m, const uint8_t *data, size_t length);

/* 3 TimestampMergeMapAnnounce */
typedef struct tpc_timestamp_rule
{
    uint32_t input_stream_id;
    uint8_t rule_type;                          /* TPC_RULE_* */
    uint8_t timestamp_source;                   /* TPC_TIME_OF_* */
    int64_t offset_ns;                          /* TPC_NULL_OFFSET_NS = null */
    uint64_t window_ns;                         /* TP_NULL_U64 = null */
}
tpc_timestamp_rule_t;

typedef struct tpc_timestamp_map_announce
{
    uint32_t out_stream_id;
    uint64_t epoch;
    uint64_t stale_timeout_ns;
    uint8_t clock_domain;                       /* TPC_CLOCK_* of codec_wire.h */
    uint64_t lateness_ns;
    uint32_t rule_count;                        /* at most TPC_RULES_MAX; more on the wire is TPC_TOO_MANY */
    tpc_timestamp_rule_t rules[TPC_RULES_MAX];
}
tpc_timestamp_map_announce_t;

#define TPC_TIMESTAMP_RULE_INIT { .rule_type = 255, .timestamp_source = 255, .offset_ns = TPC_NULL_OFFSET_NS, .window_ns = TP_NULL_U64 }
#define TPC_TIMESTAMP_MAP_ANNOUNCE_INIT { .stale_timeout_ns = TP_NULL_U64, .clock_domain = 255, .lateness_ns = TP_NULL_U64 }

int64_t tpc_timestamp_map_announce_length(const tpc_timestamp_map_announce_t *m);
int64_t tpc_timestamp_map_announce_encode(uint8_t *buffer, size_t capacity, const tpc_timestamp_map_announce_t *m);
int tpc_timestamp_map_announce_decode(tpc_timestamp_map_announce_t *m, const uint8_t *data, size_t length);

/* 4 TimestampMergeMapRequest */
typedef struct tpc_timestamp_map_request
{
    uint32_t out_stream_id;
    uint64_t epoch;
}
tpc_timestamp_map_request_t;

int64_t tpc_timestamp_map_request_length(const tpc_timestamp_map_request_t *m);
int64_t tpc_timestamp_map_request_encode(uint8_t *buffer, size_t capacity, const tpc_timestamp_map_request_t *m);
int tpc_timestamp_map_request_decode(tpc_timestamp_map_request_t *m, const uint8_t *data, size_t length);

#endif
