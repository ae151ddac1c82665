/*
 * Messages of schema 900 (10-wire.md section 5). Names follow the schema: ShmPoolAnnounce.headerNslots is
 * tpc_pool_announce_t.header_nslots. Absent integers hold TP_NULL_U32 or TP_NULL_U64, traceId 0, strings length 0.
 */
#ifndef TPI_CODEC_CODEC_WIRE_H
#define TPI_CODEC_CODEC_WIRE_H

#include "codec/codec.h"
#include "common/bytes.h"

#include <tensor_pool/common/tp_types.h>

#define TPC_POOL_ANNOUNCE 1
#define TPC_CONSUMER_HELLO 2
#define TPC_CONSUMER_CONFIG 3
#define TPC_FRAME_DESCRIPTOR 4
#define TPC_QOS_CONSUMER 5
#define TPC_QOS_PRODUCER 6
#define TPC_SOURCE_ANNOUNCE 7
#define TPC_SOURCE_META 8
#define TPC_CONTROL_RESPONSE 9
#define TPC_BLOB_ANNOUNCE 10
#define TPC_FRAME_PROGRESS 11
#define TPC_BLOB_CHUNK 12
#define TPC_BLOB_COMPLETE 13

#define TPC_POOL_ANNOUNCE_BLOCK 35
#define TPC_CONSUMER_HELLO_BLOCK 39
#define TPC_CONSUMER_CONFIG_BLOCK 18
#define TPC_FRAME_DESCRIPTOR_BLOCK 40
#define TPC_FRAME_DESCRIPTOR_MIN_BLOCK 32       /* of a sender without traceId (O-38): for dispatchers */
#define TPC_QOS_CONSUMER_BLOCK 41
#define TPC_QOS_PRODUCER_BLOCK 28
#define TPC_SOURCE_ANNOUNCE_BLOCK 20
#define TPC_SOURCE_META_BLOCK 16
#define TPC_CONTROL_RESPONSE_BLOCK 12
#define TPC_BLOB_ANNOUNCE_BLOCK 28
#define TPC_FRAME_PROGRESS_BLOCK 29
#define TPC_BLOB_CHUNK_BLOCK 16
#define TPC_BLOB_COMPLETE_BLOCK 16

#define TPC_FRAME_DESCRIPTOR_LENGTH 48          /* whole messages of fixed length, with header */
#define TPC_FRAME_PROGRESS_LENGTH 37

#define TPC_CLOCK_MONOTONIC 1
#define TPC_CLOCK_REALTIME_SYNCED 2

#define TPC_PROGRESS_UNKNOWN 0                  /* FrameProgress.state; never sent (O-48) */
#define TPC_PROGRESS_STARTED 1
#define TPC_PROGRESS_PROGRESS 2
#define TPC_PROGRESS_COMPLETE 3

#define TPC_CODE_OK 0                           /* ResponseCode, the same in schemas 900 and 901 */
#define TPC_CODE_UNSUPPORTED 1
#define TPC_CODE_INVALID_PARAMS 2
#define TPC_CODE_REJECTED 3
#define TPC_CODE_INTERNAL_ERROR 4
#define TPC_CODE_NULL INT32_MIN

/* 1 ShmPoolAnnounce */
typedef struct tpc_pool_announce
{
    uint32_t stream_id;
    uint32_t producer_id;
    uint64_t epoch;
    uint64_t announce_timestamp_ns;
    uint8_t announce_clock_domain;
    uint32_t layout_version;
    uint32_t header_nslots;
    uint16_t header_slot_bytes;
    uint32_t pool_count;                        /* at most TPC_POOLS_MAX; more on the wire is TPC_TOO_MANY */
    tpc_pool_entry_t pools[TPC_POOLS_MAX];
    tpc_bytes_t header_region_uri;
}
tpc_pool_announce_t;

#define TPC_POOL_ANNOUNCE_INIT { .announce_timestamp_ns = TP_NULL_U64, .announce_clock_domain = TPC_CLOCK_MONOTONIC, .layout_version = 1, \
    .header_slot_bytes = 256 }

int64_t tpc_pool_announce_length(const tpc_pool_announce_t *m);
int64_t tpc_pool_announce_encode(uint8_t *buffer, size_t capacity, const tpc_pool_announce_t *m);
int tpc_pool_announce_decode(tpc_pool_announce_t *m, const uint8_t *data, size_t length);

/* 2 ConsumerHello */
typedef struct tpc_consumer_hello
{
    uint32_t stream_id;
    uint32_t consumer_id;
    uint8_t supports_shm;                       /* Bool: 0 or 1 */
    uint8_t supports_progress;
    uint8_t mode;                               /* tp_mode_t */
    uint32_t max_rate_hz;
    uint32_t expected_layout_version;
    uint32_t progress_interval_us;              /* these three: TP_NULL_U32 = no hint */
    uint32_t progress_bytes_delta;
    uint32_t progress_major_delta_units;
    uint32_t descriptor_stream_id;              /* 0 = none */
    uint32_t control_stream_id;
    tpc_bytes_t descriptor_channel;
    tpc_bytes_t control_channel;
}
tpc_consumer_hello_t;

#define TPC_CONSUMER_HELLO_INIT { .mode = TP_MODE_STREAM, .progress_interval_us = TP_NULL_U32, .progress_bytes_delta = TP_NULL_U32, \
    .progress_major_delta_units = TP_NULL_U32 }         /* S-016 */

int64_t tpc_consumer_hello_length(const tpc_consumer_hello_t *m);
int64_t tpc_consumer_hello_encode(uint8_t *buffer, size_t capacity, const tpc_consumer_hello_t *m);
int tpc_consumer_hello_decode(tpc_consumer_hello_t *m, const uint8_t *data, size_t length);

/* 3 ConsumerConfig */
typedef struct tpc_consumer_config
{
    uint32_t stream_id;
    uint32_t consumer_id;
    uint8_t use_shm;
    uint8_t mode;
    uint32_t descriptor_stream_id;              /* 0 = not assigned */
    uint32_t control_stream_id;
    tpc_bytes_t payload_fallback_uri;
    tpc_bytes_t descriptor_channel;
    tpc_bytes_t control_channel;
}
tpc_consumer_config_t;

#define TPC_CONSUMER_CONFIG_INIT { .use_shm = 1, .mode = TP_MODE_STREAM }

int64_t tpc_consumer_config_length(const tpc_consumer_config_t *m);
int64_t tpc_consumer_config_encode(uint8_t *buffer, size_t capacity, const tpc_consumer_config_t *m);
int tpc_consumer_config_decode(tpc_consumer_config_t *m, const uint8_t *data, size_t length);

/* 4 FrameDescriptor. Hot. A block of 32 to 39 bytes is read as traceId 0. */
typedef struct tpc_frame_descriptor
{
    uint32_t stream_id;
    uint32_t meta_version;
    uint64_t epoch;
    uint64_t seq;
    uint64_t timestamp_ns;
    uint64_t trace_id;
}
tpc_frame_descriptor_t;

#define TPC_FRAME_DESCRIPTOR_INIT { .meta_version = TP_NULL_U32, .timestamp_ns = TP_NULL_U64, .trace_id = TP_NULL_TRACE_ID }         /* W-064 */

/*
 * A descriptor as every sender of this version writes it: TPC_FRAME_DESCRIPTOR_LENGTH bytes that begin with this header (block length, template,
 * schema, version). Its fields are read where they stand; whatever looks different takes the decoder.
 */
#define TPC_FRAME_DESCRIPTOR_HEAD \
    (TPC_FRAME_DESCRIPTOR_BLOCK | (uint64_t)TPC_FRAME_DESCRIPTOR << 16 | (uint64_t)TPC_WIRE_SCHEMA << 32 | (uint64_t)TPC_SCHEMA_VERSION << 48)
#define TPC_FRAME_DESCRIPTOR_STREAM_ID_AT 8
#define TPC_FRAME_DESCRIPTOR_EPOCH_AT 12
#define TPC_FRAME_DESCRIPTOR_SEQ_AT 20
#define TPC_FRAME_DESCRIPTOR_TIMESTAMP_AT 28
#define TPC_FRAME_DESCRIPTOR_META_VERSION_AT 36
#define TPC_FRAME_DESCRIPTOR_TRACE_ID_AT 40

/* All fields of such a descriptor. */
static inline void tpc_frame_descriptor_read(tpc_frame_descriptor_t *m, const uint8_t *descriptor)
{
    m->stream_id = tpi_u32_at(descriptor, TPC_FRAME_DESCRIPTOR_STREAM_ID_AT);
    m->epoch = tpi_u64_at(descriptor, TPC_FRAME_DESCRIPTOR_EPOCH_AT);
    m->seq = tpi_u64_at(descriptor, TPC_FRAME_DESCRIPTOR_SEQ_AT);
    m->timestamp_ns = tpi_u64_at(descriptor, TPC_FRAME_DESCRIPTOR_TIMESTAMP_AT);
    m->meta_version = tpi_u32_at(descriptor, TPC_FRAME_DESCRIPTOR_META_VERSION_AT);
    m->trace_id = tpi_u64_at(descriptor, TPC_FRAME_DESCRIPTOR_TRACE_ID_AT);
}

int64_t tpc_frame_descriptor_length(const tpc_frame_descriptor_t *m);
int64_t tpc_frame_descriptor_encode(uint8_t *buffer, size_t capacity, const tpc_frame_descriptor_t *m);
int tpc_frame_descriptor_decode(tpc_frame_descriptor_t *m, const uint8_t *data, size_t length);

#define TPC_FRAME_DESCRIPTOR_SEQ_AT 20          /* of the whole message, as the next three */
#define TPC_FRAME_DESCRIPTOR_TIMESTAMP_AT 28
#define TPC_FRAME_DESCRIPTOR_META_VERSION_AT 36
#define TPC_FRAME_DESCRIPTOR_TRACE_ID_AT 40

/* Hot: what changes from frame to frame, in an encoded message. */
static inline void tpc_frame_descriptor_patch(uint8_t message[TPC_FRAME_DESCRIPTOR_LENGTH], uint64_t seq, uint32_t meta_version, uint64_t trace_id)
{
    memcpy(message + TPC_FRAME_DESCRIPTOR_SEQ_AT, &seq, sizeof(seq));
    memcpy(message + TPC_FRAME_DESCRIPTOR_META_VERSION_AT, &meta_version, sizeof(meta_version));
    memcpy(message + TPC_FRAME_DESCRIPTOR_TRACE_ID_AT, &trace_id, sizeof(trace_id));
}

static inline void tpc_frame_descriptor_patch_time(uint8_t message[TPC_FRAME_DESCRIPTOR_LENGTH], uint64_t timestamp_ns)
{
    memcpy(message + TPC_FRAME_DESCRIPTOR_TIMESTAMP_AT, &timestamp_ns, sizeof(timestamp_ns));
}

/* 5 QosConsumer */
typedef struct tpc_qos_consumer
{
    uint32_t stream_id;
    uint32_t consumer_id;
    uint64_t epoch;
    uint64_t last_seq_seen;
    uint64_t drops_gap;
    uint64_t drops_late;
    uint8_t mode;
}
tpc_qos_consumer_t;

#define TPC_QOS_CONSUMER_INIT { .mode = TP_MODE_STREAM }

int64_t tpc_qos_consumer_length(const tpc_qos_consumer_t *m);
int64_t tpc_qos_consumer_encode(uint8_t *buffer, size_t capacity, const tpc_qos_consumer_t *m);
int tpc_qos_consumer_decode(tpc_qos_consumer_t *m, const uint8_t *data, size_t length);

/* 6 QosProducer */
typedef struct tpc_qos_producer
{
    uint32_t stream_id;
    uint32_t producer_id;
    uint64_t epoch;
    uint64_t current_seq;
    uint32_t watermark;                         /* TP_NULL_U32: send always (O-10) */
}
tpc_qos_producer_t;

#define TPC_QOS_PRODUCER_INIT { .watermark = TP_NULL_U32 }         /* W-064 O-10 */

int64_t tpc_qos_producer_length(const tpc_qos_producer_t *m);
int64_t tpc_qos_producer_encode(uint8_t *buffer, size_t capacity, const tpc_qos_producer_t *m);
int tpc_qos_producer_decode(tpc_qos_producer_t *m, const uint8_t *data, size_t length);

/* 7 DataSourceAnnounce */
typedef struct tpc_source_announce
{
    uint32_t stream_id;
    uint32_t producer_id;
    uint64_t epoch;
    uint32_t meta_version;
    tpc_bytes_t name;
    tpc_bytes_t summary;
}
tpc_source_announce_t;

#define TPC_SOURCE_ANNOUNCE_INIT { .meta_version = 0 }

int64_t tpc_source_announce_length(const tpc_source_announce_t *m);
int64_t tpc_source_announce_encode(uint8_t *buffer, size_t capacity, const tpc_source_announce_t *m);
int tpc_source_announce_decode(tpc_source_announce_t *m, const uint8_t *data, size_t length);

/* 8 DataSourceMeta. Attributes: an array when encoding, a walk over the message after decoding. */
typedef struct tpc_attribute
{
    tpc_bytes_t key;
    tpc_bytes_t format;
    tpc_bytes_t value;
}
tpc_attribute_t;

typedef tpc_walk_t tpc_attributes_t;

typedef struct tpc_source_meta
{
    uint32_t stream_id;
    uint32_t meta_version;
    uint64_t timestamp_ns;
    uint32_t attribute_count;                   /* at most 65534 */
    const tpc_attribute_t *attributes;          /* to encode; NULL in a decoded message, which encodes again from its walk */
    tpc_attributes_t walk;                      /* decoded; take a copy and call tpc_attributes_next */
}
tpc_source_meta_t;

#define TPC_SOURCE_META_INIT { .timestamp_ns = TP_NULL_U64 }

int64_t tpc_source_meta_length(const tpc_source_meta_t *m);
int64_t tpc_source_meta_encode(uint8_t *buffer, size_t capacity, const tpc_source_meta_t *m);
int tpc_source_meta_decode(tpc_source_meta_t *m, const uint8_t *data, size_t length);

/* The next attribute, false at the end. A decoded walk was checked as a whole and yields exactly attribute_count entries. */
bool tpc_attributes_next(tpc_attributes_t *walk, tpc_attribute_t *attribute);

/* 9 ControlResponse */
typedef struct tpc_control_response
{
    int64_t correlation_id;
    int32_t code;                               /* TPC_CODE_* */
    tpc_bytes_t error_message;
}
tpc_control_response_t;

#define TPC_CONTROL_RESPONSE_INIT { .code = TPC_CODE_NULL }

int64_t tpc_control_response_length(const tpc_control_response_t *m);
int64_t tpc_control_response_encode(uint8_t *buffer, size_t capacity, const tpc_control_response_t *m);
int tpc_control_response_decode(tpc_control_response_t *m, const uint8_t *data, size_t length);

/* 10 MetaBlobAnnounce */
typedef struct tpc_blob_announce
{
    uint32_t stream_id;
    uint32_t meta_version;
    uint32_t blob_type;
    uint64_t total_len;
    uint64_t checksum;                          /* 0 = not used (O-35) */
}
tpc_blob_announce_t;

#define TPC_BLOB_ANNOUNCE_INIT { .checksum = 0 }

int64_t tpc_blob_announce_length(const tpc_blob_announce_t *m);
int64_t tpc_blob_announce_encode(uint8_t *buffer, size_t capacity, const tpc_blob_announce_t *m);
int tpc_blob_announce_decode(tpc_blob_announce_t *m, const uint8_t *data, size_t length);

/* 11 FrameProgress. Hot. */
typedef struct tpc_frame_progress
{
    uint32_t stream_id;
    uint8_t state;                              /* TPC_PROGRESS_* */
    uint64_t epoch;
    uint64_t seq;
    uint64_t payload_bytes_filled;
}
tpc_frame_progress_t;

#define TPC_FRAME_PROGRESS_INIT { .state = TPC_PROGRESS_UNKNOWN }

int64_t tpc_frame_progress_length(const tpc_frame_progress_t *m);
int64_t tpc_frame_progress_encode(uint8_t *buffer, size_t capacity, const tpc_frame_progress_t *m);
int tpc_frame_progress_decode(tpc_frame_progress_t *m, const uint8_t *data, size_t length);

/* 12 MetaBlobChunk */
typedef struct tpc_blob_chunk
{
    uint32_t stream_id;
    uint32_t meta_version;
    uint64_t chunk_offset;
    tpc_bytes_t bytes;
}
tpc_blob_chunk_t;

#define TPC_BLOB_CHUNK_INIT { .chunk_offset = 0 }

int64_t tpc_blob_chunk_length(const tpc_blob_chunk_t *m);
int64_t tpc_blob_chunk_encode(uint8_t *buffer, size_t capacity, const tpc_blob_chunk_t *m);
int tpc_blob_chunk_decode(tpc_blob_chunk_t *m, const uint8_t *data, size_t length);

/* 13 MetaBlobComplete */
typedef struct tpc_blob_complete
{
    uint32_t stream_id;
    uint32_t meta_version;
    uint64_t checksum;
}
tpc_blob_complete_t;

#define TPC_BLOB_COMPLETE_INIT { .checksum = 0 }

int64_t tpc_blob_complete_length(const tpc_blob_complete_t *m);
int64_t tpc_blob_complete_encode(uint8_t *buffer, size_t capacity, const tpc_blob_complete_t *m);
int tpc_blob_complete_decode(tpc_blob_complete_t *m, const uint8_t *data, size_t length);

#endif
