/*
 * For tests only: one message struct for every file of tests/golden, and the three codec calls of each in one shape.
 * Used by the unit tests here and by the writer of the second decoder (tests/interop/golden).
 */
#ifndef TPI_CODEC_TEST_MESSAGES_H
#define TPI_CODEC_TEST_MESSAGES_H

#include "codec/codec_bridge.h"
#include "codec/codec_discovery.h"
#include "codec/codec_driver.h"
#include "codec/codec_join.h"
#include "codec/codec_shm.h"
#include "codec/codec_tracelink.h"
#include "codec/codec_wire.h"

#include <stdio.h>

#ifndef TPI_GOLDEN_DIR
#define TPI_GOLDEN_DIR "tests/golden"
#endif

#define TEXT(literal) { literal, sizeof(literal) - 1 }
#define NO_TEXT { NULL, 0 }
#define EPOCH UINT64_C(0x0102030405060708)
#define TIME_NS UINT64_C(0x1122334455667788)
#define LEASE UINT64_C(0x123456789ABCDEF0)

static const tpc_pool_announce_t golden_pool_announce = { .stream_id = 10000, .producer_id = 77, .epoch = EPOCH,
    .announce_timestamp_ns = TIME_NS, .announce_clock_domain = TPC_CLOCK_MONOTONIC, .layout_version = 1, .header_nslots = 1024,
    .header_slot_bytes = 256, .pool_count = 2, .pools = { { 1, 1024, 65536, TEXT("shm:p1") }, { 2, 1024, 1048576, TEXT("shm:p22") } },
    .header_region_uri = TEXT("shm:hdr") };
static const tpc_pool_announce_t golden_pool_announce_min = { .stream_id = 10000, .epoch = 1,
    .announce_clock_domain = TPC_CLOCK_REALTIME_SYNCED, .layout_version = 1, .header_nslots = 8, .header_slot_bytes = 256 };
static const tpc_consumer_hello_t golden_consumer_hello = { .stream_id = 10000, .consumer_id = 0xA1B2C3D4, .supports_shm = 1,
    .supports_progress = 1, .mode = TP_MODE_RATE_LIMITED, .max_rate_hz = 30, .expected_layout_version = 1, .progress_interval_us = 300,
    .progress_bytes_delta = 131072, .progress_major_delta_units = 16, .descriptor_stream_id = 31007, .control_stream_id = 32007,
    .descriptor_channel = TEXT("aeron:ipc"), .control_channel = TEXT("aeron:udp") };
static const tpc_consumer_config_t golden_consumer_config = { .stream_id = 10000, .consumer_id = 0xA1B2C3D4, .use_shm = 0,
    .mode = TP_MODE_RATE_LIMITED, .descriptor_stream_id = 31007, .control_stream_id = 32007, .payload_fallback_uri = TEXT("bridge://7"),
    .descriptor_channel = TEXT("aeron:ipc"), .control_channel = TEXT("aeron:udp") };
static const tpc_frame_descriptor_t golden_frame_descriptor = { .stream_id = 10000, .meta_version = 9, .epoch = EPOCH, .seq = 261,
    .timestamp_ns = TIME_NS, .trace_id = UINT64_C(0x66ddb6aa00005007) };
static const tpc_qos_consumer_t golden_qos_consumer = { .stream_id = 10000, .consumer_id = 0xA1B2C3D4, .epoch = EPOCH, .last_seq_seen = 261,
    .drops_gap = UINT64_C(0x100000003), .drops_late = UINT64_C(0x200000004), .mode = TP_MODE_RATE_LIMITED };
static const tpc_qos_producer_t golden_qos_producer = { .stream_id = 10000, .producer_id = 77, .epoch = EPOCH, .current_seq = 262,
    .watermark = 512 };
static const tpc_source_announce_t golden_source_announce = { .stream_id = 10000, .producer_id = 77, .epoch = EPOCH, .meta_version = 9,
    .name = TEXT("cam"), .summary = TEXT("u16 480x640") };
static const tpc_attribute_t golden_attributes[] = { { TEXT("roi"), TEXT("text/plain"), TEXT("1,2") },
    { TEXT("lut"), TEXT("x"), TEXT("\x00\xFF\x80\x00") } };
static const tpc_source_meta_t golden_source_meta = { .stream_id = 10000, .meta_version = 9, .timestamp_ns = TIME_NS, .attribute_count = 2,
    .attributes = golden_attributes };
static const tpc_source_meta_t golden_source_meta_min = { .stream_id = 10000 };
static const tpc_control_response_t golden_control_response = { .correlation_id = -2, .code = TPC_CODE_REJECTED, .error_message = TEXT("no") };
static const tpc_blob_announce_t golden_blob_announce = { .stream_id = 10000, .meta_version = 9, .blob_type = 5,
    .total_len = UINT64_C(0x100000001), .checksum = 0xE3069283 };
static const tpc_frame_progress_t golden_frame_progress = { .stream_id = 10000, .state = TPC_PROGRESS_PROGRESS, .epoch = EPOCH, .seq = 261,
    .payload_bytes_filled = UINT64_C(0x123456789A) };
static const tpc_blob_chunk_t golden_blob_chunk = { .stream_id = 10000, .meta_version = 9, .chunk_offset = 65536,
    .bytes = TEXT("\x00\x01\x02\xFE\xFF") };
static const tpc_blob_complete_t golden_blob_complete = { .stream_id = 10000, .meta_version = 9, .checksum = 0xE3069283 };

static const tpc_superblock_t golden_superblock = { .magic = TPC_MAGIC, .layout_version = 1, .epoch = EPOCH, .stream_id = 10000,
    .region_type = TPC_REGION_PAYLOAD_POOL, .pool_id = 3, .nslots = 1024, .slot_bytes = 65536, .stride_bytes = 65536, .pid = 4242,
    .start_timestamp_ns = TIME_NS, .activity_timestamp_ns = TIME_NS + 1 };
static const tpc_slot_t golden_slot = { .seq_commit = 11, .values_len_bytes = 614400, .payload_slot = 5, .pool_id = 3, .timestamp_ns = TIME_NS,
    .meta_version = 9, .header_bytes_length = 192, .block_length = 184, .template_id = 52, .schema_id = 900, .version = 1,
    .dtype = TP_DTYPE_UINT16, .major_order = TP_ROW_MAJOR, .ndims = 2, .progress_unit = TP_PROGRESS_ROWS, .progress_stride_bytes = 1280,
    .dims = { 480, 640 }, .strides = { 1280, 2 } };

static const tpc_attach_request_t golden_attach_request = { .correlation_id = (int64_t)EPOCH, .stream_id = 10000, .client_id = 42,
    .role = TP_ROLE_CONSUMER, .expected_layout_version = 1, .publish_mode = TP_PUBLISH_EXISTING_OR_CREATE,
    .require_hugepages = TP_HUGEPAGES_STANDARD, .desired_node_id = 17 };
static const tpc_attach_response_t golden_attach_response = { .correlation_id = (int64_t)EPOCH, .code = TPC_CODE_OK, .lease_id = LEASE,
    .lease_expiry_timestamp_ns = TIME_NS, .stream_id = 10000, .epoch = 1, .layout_version = 1, .header_nslots = 1024,
    .header_slot_bytes = 256, .node_id = 17, .pool_count = 2,
    .pools = { { 1, 1024, 65536, TEXT("shm:p1") }, { 2, 1024, 1048576, TEXT("shm:p22") } }, .header_region_uri = TEXT("shm:hdr") };
static const tpc_detach_request_t golden_detach_request = { .correlation_id = (int64_t)EPOCH, .lease_id = LEASE, .stream_id = 10000,
    .client_id = 42, .role = TP_ROLE_PRODUCER };
static const tpc_detach_response_t golden_detach_response = { .correlation_id = (int64_t)EPOCH, .code = TPC_CODE_REJECTED,
    .error_message = TEXT("unknown lease") };
static const tpc_detach_response_t golden_detach_response_min = { .correlation_id = (int64_t)EPOCH, .code = TPC_CODE_OK };
static const tpc_keepalive_t golden_keepalive = { .lease_id = LEASE, .stream_id = 10000, .client_id = 42, .role = TP_ROLE_PRODUCER,
    .client_timestamp_ns = TIME_NS };
static const tpc_driver_shutdown_t golden_driver_shutdown = { .timestamp_ns = TIME_NS, .reason = TPC_SHUTDOWN_ADMIN,
    .error_message = TEXT("bye") };
static const tpc_lease_revoked_t golden_lease_revoked = { .timestamp_ns = TIME_NS, .lease_id = LEASE, .stream_id = 10000, .client_id = 42,
    .role = TP_ROLE_CONSUMER, .reason = TPC_REVOKE_REVOKED, .error_message = TEXT("late") };
static const tpc_shutdown_request_t golden_shutdown_request = { .correlation_id = (int64_t)EPOCH, .reason = TPC_SHUTDOWN_ERROR,
    .token = TEXT("secret"), .error_message = TEXT("bye") };

static const tpc_frame_chunk_t golden_frame_chunk = { .stream_id = 20000, .epoch = 1, .seq = 5, .trace_id = 0xAA, .chunk_index = 1,
    .chunk_count = 2, .chunk_offset = 1051, .chunk_length = 4, .payload_length = 1055, .payload_crc32c = 0x29308CF4,
    .payload_bytes = TEXT("\x01\x02\x03\x04") };
static const tpc_sequence_map_announce_t golden_sequence_map_announce = { .out_stream_id = 9000, .epoch = 3, .stale_timeout_ns = TP_NULL_U64,
    .rule_count = 2, .rules = { { 10001, TPC_RULE_OFFSET, -2, TP_NULL_U32 }, { 10002, TPC_RULE_WINDOW, TPC_NULL_OFFSET, 5 } } };
static const tpc_sequence_map_request_t golden_sequence_map_request = { 9000, 3 };
static const tpc_timestamp_map_announce_t golden_timestamp_map_announce = { .out_stream_id = 9000, .epoch = 3, .stale_timeout_ns = 1000000000,
    .clock_domain = TPC_CLOCK_MONOTONIC, .lateness_ns = 10000000, .rule_count = 2,
    .rules = { { 10001, TPC_RULE_OFFSET, TPC_TIME_OF_DESCRIPTOR, 0, TP_NULL_U64 },
        { 10002, TPC_RULE_WINDOW, TPC_TIME_OF_SLOT, TPC_NULL_OFFSET_NS, 10000000 } } };
static const tpc_timestamp_map_request_t golden_timestamp_map_request = { 9000, 3 };
static const tpc_trace_link_set_t golden_trace_link_set = { .stream_id = 10000, .epoch = 5, .seq = 17, .trace_id = 0x401003, .parent_count = 2,
    .parents = { 0x1111, 0x2222 } };
static const tpc_bytes_t golden_tags[] = { TEXT("cam"), TEXT("nir") };
static const tpc_discovery_request_t golden_discovery_request = { .request_id = TIME_NS, .client_id = 7, .response_stream_id = 7004,
    .stream_id = TP_NULL_U32, .producer_id = TP_NULL_U32, .data_source_id = TP_NULL_U64, .tag_count = 2, .tags = golden_tags,
    .response_channel = TEXT("aeron:ipc") };
static const tpc_pool_entry_t golden_pools[] = { { 1, 64, 4096, TEXT("shm:file?path=/p1") } };
static const tpc_discovery_result_t golden_results[] = { { .stream_id = 10000, .producer_id = 42, .epoch = 5, .layout_version = 1,
    .header_nslots = 64, .header_slot_bytes = 256, .max_dims = 8, .data_source_id = TP_NULL_U64, .driver_control_stream_id = 1000,
    .pool_count = 1, .pools = golden_pools, .tag_count = 2, .tags = golden_tags, .header_region_uri = TEXT("shm:file?path=/h"),
    .data_source_name = TEXT("camera"), .driver_instance_id = TEXT("drv-a"), .driver_control_channel = TEXT("aeron:ipc") } };
static const tpc_discovery_response_t golden_discovery_response = { .request_id = TIME_NS, .status = TPC_DISCOVERY_OK, .result_count = 1,
    .results = golden_results };
static const tpc_discovery_response_t golden_discovery_response_none = { .request_id = TIME_NS, .status = TPC_DISCOVERY_NOT_FOUND };

/* Every message type: M(name, NAME) */
#define WIRE_MESSAGES(M) \
    M(pool_announce, POOL_ANNOUNCE) M(consumer_hello, CONSUMER_HELLO) M(consumer_config, CONSUMER_CONFIG) \
    M(frame_descriptor, FRAME_DESCRIPTOR) M(qos_consumer, QOS_CONSUMER) M(qos_producer, QOS_PRODUCER) \
    M(source_announce, SOURCE_ANNOUNCE) M(source_meta, SOURCE_META) M(control_response, CONTROL_RESPONSE) \
    M(blob_announce, BLOB_ANNOUNCE) M(frame_progress, FRAME_PROGRESS) M(blob_chunk, BLOB_CHUNK) M(blob_complete, BLOB_COMPLETE)
#define DRIVER_MESSAGES(M) \
    M(attach_request, ATTACH_REQUEST) M(attach_response, ATTACH_RESPONSE) M(detach_request, DETACH_REQUEST) \
    M(detach_response, DETACH_RESPONSE) M(keepalive, KEEPALIVE) M(driver_shutdown, DRIVER_SHUTDOWN) M(lease_revoked, LEASE_REVOKED) \
    M(shutdown_request, SHUTDOWN_REQUEST)
#define BRIDGE_MESSAGES(M) M(frame_chunk, FRAME_CHUNK)
#define JOIN_MESSAGES(M) \
    M(sequence_map_announce, SEQUENCE_MAP_ANNOUNCE) M(sequence_map_request, SEQUENCE_MAP_REQUEST) \
    M(timestamp_map_announce, TIMESTAMP_MAP_ANNOUNCE) M(timestamp_map_request, TIMESTAMP_MAP_REQUEST)
#define TRACELINK_MESSAGES(M) M(trace_link_set, TRACE_LINK_SET)
#define DISCOVERY_MESSAGES(M) M(discovery_request, DISCOVERY_REQUEST) M(discovery_response, DISCOVERY_RESPONSE)
#define ALL_MESSAGES(M) \
    WIRE_MESSAGES(M) DRIVER_MESSAGES(M) BRIDGE_MESSAGES(M) JOIN_MESSAGES(M) TRACELINK_MESSAGES(M) DISCOVERY_MESSAGES(M)

typedef union any_message
{
#define MEMBER(name, NAME) tpc_##name##_t name;
    ALL_MESSAGES(MEMBER)
#undef MEMBER
}
any_message_t;

typedef struct message_type
{
    const char *name;
    size_t size;
    uint16_t schema_id;
    uint16_t template_id;
    uint16_t block_length;
    uint16_t min_block;
    int64_t (*length)(const any_message_t *m);
    int64_t (*encode)(uint8_t *buffer, size_t capacity, const any_message_t *m);
    int (*decode)(any_message_t *m, const uint8_t *data, size_t length);
}
message_type_t;

#define CALLS(name, NAME) \
    static inline int64_t any_##name##_length(const any_message_t *m) { return tpc_##name##_length(&m->name); } \
    static inline int64_t any_##name##_encode(uint8_t *buffer, size_t capacity, const any_message_t *m) \
        { return tpc_##name##_encode(buffer, capacity, &m->name); } \
    static inline int any_##name##_decode(any_message_t *m, const uint8_t *data, size_t length) \
        { return tpc_##name##_decode(&m->name, data, length); }
ALL_MESSAGES(CALLS)
#undef CALLS

/* In order of the lists above, wire first. */
static const message_type_t message_types[] = {
#define TYPE_OF(schema, name, NAME) { #name, sizeof(tpc_##name##_t), schema, TPC_##NAME, TPC_##NAME##_BLOCK, \
    TPC_FRAME_DESCRIPTOR == TPC_##NAME && TPC_WIRE_SCHEMA == (schema) ? TPC_FRAME_DESCRIPTOR_MIN_BLOCK : TPC_##NAME##_BLOCK, \
    any_##name##_length, any_##name##_encode, any_##name##_decode },
#define WIRE_TYPE(name, NAME) TYPE_OF(TPC_WIRE_SCHEMA, name, NAME)
#define DRIVER_TYPE(name, NAME) TYPE_OF(TPC_DRIVER_SCHEMA, name, NAME)
    WIRE_MESSAGES(WIRE_TYPE)
    DRIVER_MESSAGES(DRIVER_TYPE)
#define BRIDGE_TYPE(name, NAME) TYPE_OF(TPC_BRIDGE_SCHEMA, name, NAME)
#define JOIN_TYPE(name, NAME) TYPE_OF(TPC_JOIN_SCHEMA, name, NAME)
#define TRACELINK_TYPE(name, NAME) TYPE_OF(TPC_TRACELINK_SCHEMA, name, NAME)
#define DISCOVERY_TYPE(name, NAME) TYPE_OF(TPC_DISCOVERY_SCHEMA, name, NAME)
    BRIDGE_MESSAGES(BRIDGE_TYPE)
    JOIN_MESSAGES(JOIN_TYPE)
    TRACELINK_MESSAGES(TRACELINK_TYPE)
    DISCOVERY_MESSAGES(DISCOVERY_TYPE)
#undef DISCOVERY_TYPE
#undef TRACELINK_TYPE
#undef JOIN_TYPE
#undef BRIDGE_TYPE
#undef DRIVER_TYPE
#undef WIRE_TYPE
#undef TYPE_OF
};

#define MESSAGE_TYPES (sizeof(message_types) / sizeof(message_types[0]))

static inline const message_type_t *message_type(uint16_t schema_id, uint16_t template_id)
{
    for (size_t i = 0; i < MESSAGE_TYPES; i++)
    {
        if (schema_id == message_types[i].schema_id && template_id == message_types[i].template_id) { return &message_types[i]; }
    }
    return NULL;
}

/* The files: what each holds as a struct, NULL where wire_test.c or driver_test.c builds it from TPC_X_INIT. */
typedef struct golden
{
    const char *file;
    uint16_t schema_id;
    uint16_t template_id;
    const void *sample;
}
golden_t;

static const golden_t goldens[] = {
    { "wire_01_pool_announce", 900, 1, &golden_pool_announce },
    { "wire_01_pool_announce_min", 900, 1, &golden_pool_announce_min },
    { "wire_02_consumer_hello", 900, 2, &golden_consumer_hello },
    { "wire_02_consumer_hello_min", 900, 2, NULL },
    { "wire_03_consumer_config", 900, 3, &golden_consumer_config },
    { "wire_03_consumer_config_min", 900, 3, NULL },
    { "wire_04_frame_descriptor", 900, 4, &golden_frame_descriptor },
    { "wire_04_frame_descriptor_min", 900, 4, NULL },
    { "wire_05_qos_consumer", 900, 5, &golden_qos_consumer },
    { "wire_06_qos_producer", 900, 6, &golden_qos_producer },
    { "wire_06_qos_producer_min", 900, 6, NULL },
    { "wire_07_source_announce", 900, 7, &golden_source_announce },
    { "wire_08_source_meta", 900, 8, &golden_source_meta },
    { "wire_08_source_meta_min", 900, 8, &golden_source_meta_min },
    { "wire_09_control_response", 900, 9, &golden_control_response },
    { "wire_10_blob_announce", 900, 10, &golden_blob_announce },
    { "wire_11_frame_progress", 900, 11, &golden_frame_progress },
    { "wire_12_blob_chunk", 900, 12, &golden_blob_chunk },
    { "wire_13_blob_complete", 900, 13, &golden_blob_complete },
    { "driver_1_attach_request", 901, 1, &golden_attach_request },
    { "driver_1_attach_request_min", 901, 1, NULL },
    { "driver_2_attach_response", 901, 2, &golden_attach_response },
    { "driver_2_attach_response_min", 901, 2, NULL },
    { "driver_3_detach_request", 901, 3, &golden_detach_request },
    { "driver_4_detach_response", 901, 4, &golden_detach_response },
    { "driver_4_detach_response_min", 901, 4, &golden_detach_response_min },
    { "driver_5_keepalive", 901, 5, &golden_keepalive },
    { "driver_6_driver_shutdown", 901, 6, &golden_driver_shutdown },
    { "driver_7_lease_revoked", 901, 7, &golden_lease_revoked },
    { "driver_8_shutdown_request", 901, 8, &golden_shutdown_request },
    { "bridge_1_frame_chunk", 902, 1, &golden_frame_chunk },
    { "join_1_sequence_map_announce", 903, 1, &golden_sequence_map_announce },
    { "join_2_sequence_map_request", 903, 2, &golden_sequence_map_request },
    { "join_3_timestamp_map_announce", 903, 3, &golden_timestamp_map_announce },
    { "join_4_timestamp_map_request", 903, 4, &golden_timestamp_map_request },
    { "tracelink_1_trace_link_set", 904, 1, &golden_trace_link_set },
    { "discovery_1_request", 910, 1, &golden_discovery_request },
    { "discovery_2_response", 910, 2, &golden_discovery_response },
    { "discovery_2_response_none", 910, 2, &golden_discovery_response_none },
};

#define GOLDENS (sizeof(goldens) / sizeof(goldens[0]))

/* Reads <TPI_GOLDEN_DIR>/<file>.hex: bytes like "0A" or "00*26", # starts a comment. Returns the number of bytes, 0 on any fault. */
static inline size_t golden_load(const char *file, uint8_t *bytes, size_t capacity)
{
    char path[512];
    char word[64];
    (void)snprintf(path, sizeof(path), "%s/%s.hex", TPI_GOLDEN_DIR, file);
    FILE *in = fopen(path, "r");
    if (NULL == in) { return 0; }
    size_t length = 0;
    bool good = true;
    while (good && 1 == fscanf(in, " %63s", word))
    {
        unsigned value = 0;
        unsigned times = 1;
        if ('#' == word[0])
        {
            for (int c = fgetc(in); EOF != c && '\n' != c; c = fgetc(in)) { }
            continue;
        }
        good = sscanf(word, "%2x*%u", &value, &times) > 0 && times <= capacity - length;
        for (; good && times > 0; times--) { bytes[length++] = (uint8_t)value; }
    }
    (void)fclose(in);
    return good ? length : 0;
}

#endif
