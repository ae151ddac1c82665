/* Our numbers against the generated codecs, where those are functions and no static assert can see them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/codec_bridge.h"
#include "codec/codec_discovery.h"
#include "codec/codec_driver.h"
#include "codec/codec_join.h"
#include "codec/codec_shm.h"
#include "codec/codec_tracelink.h"
#include "codec/codec_wire.h"
#include "codec/fields.h"

#include <shm_tensorpool_bridge/bridgeFrameChunk.h>
#include <shm_tensorpool_control/consumerConfig.h>
#include <shm_tensorpool_control/consumerHello.h>
#include <shm_tensorpool_control/controlResponse.h>
#include <shm_tensorpool_control/dataSourceAnnounce.h>
#include <shm_tensorpool_control/dataSourceMeta.h>
#include <shm_tensorpool_control/frameDescriptor.h>
#include <shm_tensorpool_control/frameProgress.h>
#include <shm_tensorpool_control/metaBlobAnnounce.h>
#include <shm_tensorpool_control/metaBlobChunk.h>
#include <shm_tensorpool_control/metaBlobComplete.h>
#include <shm_tensorpool_control/qosConsumer.h>
#include <shm_tensorpool_control/qosProducer.h>
#include <shm_tensorpool_control/shmPoolAnnounce.h>
#include <shm_tensorpool_control/shmRegionSuperblock.h>
#include <shm_tensorpool_control/slotHeader.h>
#include <shm_tensorpool_control/tensorHeader.h>
#include <shm_tensorpool_driver/shmAttachRequest.h>
#include <shm_tensorpool_driver/shmAttachResponse.h>
#include <shm_tensorpool_driver/shmDetachRequest.h>
#include <shm_tensorpool_driver/shmDetachResponse.h>
#include <shm_tensorpool_driver/shmDriverShutdown.h>
#include <shm_tensorpool_driver/shmDriverShutdownRequest.h>
#include <shm_tensorpool_driver/shmLeaseKeepalive.h>
#include <shm_tensorpool_driver/shmLeaseRevoked.h>
#include <shm_tensorpool_discovery/discoveryRequest.h>
#include <shm_tensorpool_discovery/discoveryResponse.h>
#include <shm_tensorpool_merge/sequenceMergeMapAnnounce.h>
#include <shm_tensorpool_merge/sequenceMergeMapRequest.h>
#include <shm_tensorpool_merge/timestampMergeMapAnnounce.h>
#include <shm_tensorpool_merge/timestampMergeMapRequest.h>
#include <shm_tensorpool_tracelink/traceLinkSet.h>

typedef uint8_t width_u8;
typedef uint16_t width_u16;
typedef uint32_t width_u32;
typedef uint64_t width_u64;
typedef int16_t width_i16;
typedef int32_t width_i32;
typedef int64_t width_i64;

/* Rows lie one behind the other without padding, and each is as wide as the schema says. */
#define ROW(M, T, wire, name) \
    assert_int_equal(M##_##wire##_encoding_offset(), at); \
    assert_int_equal(M##_##wire##_encoding_length(), sizeof(width_##T)); \
    at += sizeof(width_##T);

#define CHECK(NAME, M) \
    do \
    { \
        size_t at = 0; \
        TPI_##NAME##_FIELDS(ROW, shm_tensorpool_##M) \
        assert_int_equal(shm_tensorpool_##M##_sbe_block_length(), TPC_##NAME##_BLOCK); \
        assert_int_equal(shm_tensorpool_##M##_sbe_schema_version(), TPC_SCHEMA_VERSION); \
        block_ends_at = at; \
    } \
    while (0)

static void fields_are_packed_and_fill_their_block__O_38(void **state)
{
    size_t block_ends_at;
    (void)state;
    CHECK(POOL_ANNOUNCE, control_shmPoolAnnounce);
    assert_int_equal(block_ends_at, TPC_POOL_ANNOUNCE_BLOCK);
    CHECK(CONSUMER_HELLO, control_consumerHello);
    assert_int_equal(block_ends_at, TPC_CONSUMER_HELLO_BLOCK);
    CHECK(CONSUMER_CONFIG, control_consumerConfig);
    assert_int_equal(block_ends_at, TPC_CONSUMER_CONFIG_BLOCK);
    CHECK(FRAME_DESCRIPTOR, control_frameDescriptor);
    assert_int_equal(block_ends_at, TPC_FRAME_DESCRIPTOR_MIN_BLOCK);
    assert_int_equal(shm_tensorpool_control_frameDescriptor_traceId_encoding_offset(), block_ends_at);
    assert_int_equal(shm_tensorpool_control_frameDescriptor_traceId_encoding_length(), 8);
    CHECK(QOS_CONSUMER, control_qosConsumer);
    assert_int_equal(block_ends_at, TPC_QOS_CONSUMER_BLOCK);
    CHECK(QOS_PRODUCER, control_qosProducer);
    assert_int_equal(block_ends_at, TPC_QOS_PRODUCER_BLOCK);
    CHECK(SOURCE_ANNOUNCE, control_dataSourceAnnounce);
    assert_int_equal(block_ends_at, TPC_SOURCE_ANNOUNCE_BLOCK);
    CHECK(SOURCE_META, control_dataSourceMeta);
    assert_int_equal(block_ends_at, TPC_SOURCE_META_BLOCK);
    CHECK(CONTROL_RESPONSE, control_controlResponse);
    assert_int_equal(block_ends_at, TPC_CONTROL_RESPONSE_BLOCK);
    CHECK(BLOB_ANNOUNCE, control_metaBlobAnnounce);
    assert_int_equal(block_ends_at, TPC_BLOB_ANNOUNCE_BLOCK);
    CHECK(FRAME_PROGRESS, control_frameProgress);
    assert_int_equal(block_ends_at, TPC_FRAME_PROGRESS_BLOCK);
    CHECK(BLOB_CHUNK, control_metaBlobChunk);
    assert_int_equal(block_ends_at, TPC_BLOB_CHUNK_BLOCK);
    CHECK(BLOB_COMPLETE, control_metaBlobComplete);
    assert_int_equal(block_ends_at, TPC_BLOB_COMPLETE_BLOCK);
    CHECK(ATTACH_REQUEST, driver_shmAttachRequest);
    assert_int_equal(block_ends_at, TPC_ATTACH_REQUEST_BLOCK);
    CHECK(ATTACH_RESPONSE, driver_shmAttachResponse);
    assert_int_equal(block_ends_at, TPC_ATTACH_RESPONSE_BLOCK);
    CHECK(DETACH_REQUEST, driver_shmDetachRequest);
    assert_int_equal(block_ends_at, TPC_DETACH_REQUEST_BLOCK);
    CHECK(DETACH_RESPONSE, driver_shmDetachResponse);
    assert_int_equal(block_ends_at, TPC_DETACH_RESPONSE_BLOCK);
    CHECK(KEEPALIVE, driver_shmLeaseKeepalive);
    assert_int_equal(block_ends_at, TPC_KEEPALIVE_BLOCK);
    CHECK(DRIVER_SHUTDOWN, driver_shmDriverShutdown);
    assert_int_equal(block_ends_at, TPC_DRIVER_SHUTDOWN_BLOCK);
    CHECK(LEASE_REVOKED, driver_shmLeaseRevoked);
    assert_int_equal(block_ends_at, TPC_LEASE_REVOKED_BLOCK);
    CHECK(SHUTDOWN_REQUEST, driver_shmDriverShutdownRequest);
    assert_int_equal(block_ends_at, TPC_SHUTDOWN_REQUEST_BLOCK);
}

/* A group entry: rows packed, as long as its block. */
#define ENTRY(FIELDS, M) \
    do \
    { \
        size_t at = 0; \
        FIELDS(ROW, shm_tensorpool_##M) \
        assert_int_equal(shm_tensorpool_##M##_sbe_block_length(), at); \
    } \
    while (0)

static void the_other_schemas_are_packed_as_well__T_044_J_094(void **state)
{
    size_t block_ends_at;
    (void)state;
    CHECK(FRAME_CHUNK, bridge_bridgeFrameChunk);
    assert_int_equal(block_ends_at, TPC_FRAME_CHUNK_BLOCK);
    CHECK(SEQUENCE_MAP_ANNOUNCE, merge_sequenceMergeMapAnnounce);
    assert_int_equal(block_ends_at, TPC_SEQUENCE_MAP_ANNOUNCE_BLOCK);
    CHECK(SEQUENCE_MAP_REQUEST, merge_sequenceMergeMapRequest);
    assert_int_equal(block_ends_at, TPC_SEQUENCE_MAP_REQUEST_BLOCK);
    CHECK(TIMESTAMP_MAP_ANNOUNCE, merge_timestampMergeMapAnnounce);
    assert_int_equal(block_ends_at, TPC_TIMESTAMP_MAP_ANNOUNCE_BLOCK);
    CHECK(TIMESTAMP_MAP_REQUEST, merge_timestampMergeMapRequest);
    assert_int_equal(block_ends_at, TPC_TIMESTAMP_MAP_REQUEST_BLOCK);
    CHECK(TRACE_LINK_SET, tracelink_traceLinkSet);
    assert_int_equal(block_ends_at, TPC_TRACE_LINK_SET_BLOCK);
    CHECK(DISCOVERY_REQUEST, discovery_discoveryRequest);
    assert_int_equal(block_ends_at, TPC_DISCOVERY_REQUEST_BLOCK);
    CHECK(DISCOVERY_RESPONSE, discovery_discoveryResponse);
    assert_int_equal(block_ends_at, TPC_DISCOVERY_RESPONSE_BLOCK);
    ENTRY(TPI_SEQUENCE_RULE_FIELDS, merge_sequenceMergeMapAnnounce_rules);
    ENTRY(TPI_TIMESTAMP_RULE_FIELDS, merge_timestampMergeMapAnnounce_rules);
    ENTRY(TPI_DISCOVERY_RESULT_FIELDS, discovery_discoveryResponse_results);
    ENTRY(TPI_POOL_ENTRY_FIELDS, discovery_discoveryResponse_results_payloadPools);
    assert_int_equal(shm_tensorpool_tracelink_traceLinkSet_parents_sbe_block_length(), 8);
    assert_int_equal(shm_tensorpool_discovery_discoveryRequest_tags_sbe_block_length(), 0);
    assert_int_equal(shm_tensorpool_discovery_discoveryResponse_results_tags_sbe_block_length(), 0);
    assert_int_equal(shm_tensorpool_bridge_varDataEncoding256_length_max_value(), TPC_CHUNK_HEADER_BYTES_MAX);
    assert_int_equal(shm_tensorpool_merge_sequenceMergeMapAnnounce_sbe_schema_id(), TPC_JOIN_SCHEMA);
    assert_int_equal(shm_tensorpool_tracelink_traceLinkSet_sbe_schema_id(), TPC_TRACELINK_SCHEMA);
    assert_int_equal(shm_tensorpool_discovery_discoveryRequest_sbe_schema_id(), TPC_DISCOVERY_SCHEMA);
}

static void both_schemas_have_the_same_pool_entry(void **state)
{
    size_t at = 0;
    (void)state;
    TPI_POOL_ENTRY_FIELDS(ROW, shm_tensorpool_control_shmPoolAnnounce_payloadPools)
    assert_int_equal(at, 10);
    assert_int_equal(shm_tensorpool_control_shmPoolAnnounce_payloadPools_sbe_block_length(), 10);
    at = 0;
    TPI_POOL_ENTRY_FIELDS(ROW, shm_tensorpool_driver_shmAttachResponse_payloadPools)
    assert_int_equal(shm_tensorpool_driver_shmAttachResponse_payloadPools_sbe_block_length(), 10);
    assert_int_equal(shm_tensorpool_control_dataSourceMeta_attributes_sbe_block_length(), 0);
}

static void message_and_group_headers_are_where_we_read_them(void **state)
{
    size_t at = 0;
    (void)state;
    TPI_MESSAGE_HEADER_FIELDS(ROW, shm_tensorpool_control_messageHeader)
    assert_int_equal(at, TPC_HEADER_BYTES);
    assert_int_equal(shm_tensorpool_control_messageHeader_encoded_length(), TPC_HEADER_BYTES);
    assert_int_equal(shm_tensorpool_driver_messageHeader_encoded_length(), TPC_HEADER_BYTES);
    assert_int_equal(shm_tensorpool_control_groupSizeEncoding_blockLength_encoding_offset(), 0);
    assert_int_equal(shm_tensorpool_control_groupSizeEncoding_numInGroup_encoding_offset(), 2);
    assert_int_equal(shm_tensorpool_control_groupSizeEncoding_encoded_length(), TPC_GROUP_HEADER_BYTES);
    assert_int_equal(shm_tensorpool_control_varAsciiEncoding_length_max_value(), TPC_VAR_MAX);
    assert_int_equal(shm_tensorpool_control_varDataEncoding_length_max_value(), TPC_VAR_MAX);
    assert_int_equal(shm_tensorpool_control_shmPoolAnnounce_headerRegionUri_header_length(), TPC_VAR_HEADER_BYTES);
}

static void schema_numbers_are_ours(void **state)
{
    (void)state;
    assert_int_equal(shm_tensorpool_control_frameDescriptor_sbe_schema_id(), TPC_WIRE_SCHEMA);
    assert_int_equal(shm_tensorpool_driver_shmAttachRequest_sbe_schema_id(), TPC_DRIVER_SCHEMA);
    assert_int_equal(shm_tensorpool_bridge_bridgeFrameChunk_sbe_schema_id(), TPC_BRIDGE_SCHEMA);
    assert_int_equal(shm_tensorpool_bridge_bridgeFrameChunk_sbe_block_length(), 53);
}

static void the_trace_id_of_the_schema_is_absent_at_zero__W_107(void **state)
{
    (void)state;
    assert_true(TP_NULL_TRACE_ID == shm_tensorpool_control_frameDescriptor_traceId_null_value());
    assert_true(TP_NULL_TRACE_ID == shm_tensorpool_bridge_bridgeFrameChunk_traceId_null_value());
}

#define NULL_IS(message, field, value) assert_true((value) == shm_tensorpool_##message##_##field##_null_value())

static void initialisers_hold_the_null_values_of_the_schema__W_064_D_066_P16(void **state)
{
    const tpc_frame_descriptor_t descriptor = TPC_FRAME_DESCRIPTOR_INIT;
    const tpc_consumer_hello_t hello = TPC_CONSUMER_HELLO_INIT;
    const tpc_qos_producer_t qos = TPC_QOS_PRODUCER_INIT;
    const tpc_attach_request_t request = TPC_ATTACH_REQUEST_INIT;
    static const tpc_attach_response_t response = TPC_ATTACH_RESPONSE_INIT;
    (void)state;
    NULL_IS(control_frameDescriptor, timestampNs, descriptor.timestamp_ns);
    NULL_IS(control_frameDescriptor, metaVersion, descriptor.meta_version);
    NULL_IS(control_consumerHello, progressIntervalUs, hello.progress_interval_us);
    NULL_IS(control_consumerHello, progressBytesDelta, hello.progress_bytes_delta);
    NULL_IS(control_consumerHello, progressMajorDeltaUnits, hello.progress_major_delta_units);
    NULL_IS(control_qosProducer, watermark, qos.watermark);
    NULL_IS(driver_shmAttachRequest, desiredNodeId, request.desired_node_id);
    NULL_IS(driver_shmAttachResponse, leaseId, response.lease_id);
    NULL_IS(driver_shmAttachResponse, leaseExpiryTimestampNs, response.lease_expiry_timestamp_ns);
    NULL_IS(driver_shmAttachResponse, streamId, response.stream_id);
    NULL_IS(driver_shmAttachResponse, epoch, response.epoch);
    NULL_IS(driver_shmAttachResponse, layoutVersion, response.layout_version);
    NULL_IS(driver_shmAttachResponse, headerNslots, response.header_nslots);
    NULL_IS(driver_shmAttachResponse, headerSlotBytes, response.header_slot_bytes);
    NULL_IS(driver_shmAttachResponse, nodeId, response.node_id);
}

static void a_superblock_fills_64_bytes__W_002(void **state)
{
    size_t at = 0;
    (void)state;
    TPI_SUPERBLOCK_FIELDS(ROW, shm_tensorpool_control_shmRegionSuperblock)
    assert_int_equal(at, TPC_SUPERBLOCK_BYTES);
    assert_int_equal(shm_tensorpool_control_shmRegionSuperblock_sbe_block_length(), TPC_SUPERBLOCK_BYTES);
    assert_int_equal(shm_tensorpool_control_shmRegionSuperblock_pid_encoding_offset(), TPC_SUPERBLOCK_PID_AT);
    assert_int_equal(shm_tensorpool_control_shmRegionSuperblock_startTimestampNs_encoding_offset(), TPC_SUPERBLOCK_START_AT);
    assert_int_equal(shm_tensorpool_control_shmRegionSuperblock_activityTimestampNs_encoding_offset(), TPC_SUPERBLOCK_ACTIVITY_AT);
}

#define SLOT_AT(field, ours) assert_int_equal(shm_tensorpool_control_slotHeader_##field##_encoding_offset(), TPC_SLOT_HEADER_##ours##_AT)

static void a_slot_is_60_and_4_and_192_bytes__W_015_W_016_W_022(void **state)
{
    size_t at = 0;
    (void)state;
    TPI_SLOT_HEADER_FIELDS(ROW, shm_tensorpool_control_slotHeader)
    assert_int_equal(at, TPC_SLOT_HEADER_PAD_AT);
    SLOT_AT(seqCommit, SEQ_COMMIT);             /* W-016: byte 0 of a slot at a multiple of 64 */
    SLOT_AT(valuesLenBytes, VALUES_LEN);
    SLOT_AT(payloadSlot, PAYLOAD_SLOT);
    SLOT_AT(poolId, POOL_ID);
    SLOT_AT(payloadOffset, PAYLOAD_OFFSET);
    SLOT_AT(timestampNs, TIMESTAMP);
    SLOT_AT(metaVersion, META_VERSION);
    SLOT_AT(pad, PAD);
    assert_int_equal(shm_tensorpool_control_slotHeader_pad_encoding_length(), 26);
    assert_int_equal(at + 26, shm_tensorpool_control_slotHeader_sbe_block_length());
    assert_int_equal(shm_tensorpool_control_slotHeader_sbe_block_length(), TPC_SLOT_HEADER_BLOCK);
}

#define DESCRIPTOR_AT(field, ours) \
    assert_int_equal(TPC_HEADER_BYTES + shm_tensorpool_control_frameDescriptor_##field##_encoding_offset(), TPC_FRAME_DESCRIPTOR_##ours##_AT)

static void the_fields_of_a_descriptor_stand_where_they_are_read(void **state)
{
    (void)state;
    DESCRIPTOR_AT(streamId, STREAM_ID);
    DESCRIPTOR_AT(epoch, EPOCH);
    DESCRIPTOR_AT(seq, SEQ);
    DESCRIPTOR_AT(timestampNs, TIMESTAMP);
    DESCRIPTOR_AT(metaVersion, META_VERSION);
    DESCRIPTOR_AT(traceId, TRACE_ID);
}

static void a_tensor_header_is_184_bytes__W_017_W_018_O_11(void **state)
{
    (void)state;
    assert_int_equal(shm_tensorpool_control_tensorHeader_sbe_block_length(), TPC_TENSOR_HEADER_BLOCK);
    assert_int_equal(shm_tensorpool_control_tensorHeader_maxDims(), TP_MAX_DIMS);
    assert_int_equal(TP_MAX_DIMS, 8);                                           /* W-018: other values need another layout */
    assert_int_equal(TPC_LAYOUT_VERSION, 1);
    assert_int_equal(shm_tensorpool_control_tensorHeader_dtype_encoding_offset(), 0);
    assert_int_equal(shm_tensorpool_control_tensorHeader_majorOrder_encoding_offset(), 2);
    assert_int_equal(shm_tensorpool_control_tensorHeader_ndims_encoding_offset(), 4);
    assert_int_equal(shm_tensorpool_control_tensorHeader_padAlign_encoding_offset(), 5);    /* W-017: maxDims takes no byte */
    assert_int_equal(shm_tensorpool_control_tensorHeader_progressUnit_encoding_offset(), 6);
    assert_int_equal(shm_tensorpool_control_tensorHeader_progressStrideBytes_encoding_offset(), 7);
    assert_int_equal(shm_tensorpool_control_tensorHeader_progressStrideBytes_min_value(), 0);
    assert_int_equal(shm_tensorpool_control_tensorHeader_dims_encoding_offset(), 11);
    assert_int_equal(shm_tensorpool_control_tensorHeader_dims_encoding_length(), 32);
    assert_int_equal(shm_tensorpool_control_tensorHeader_strides_encoding_offset(), 43);
    assert_int_equal(shm_tensorpool_control_tensorHeader_strides_encoding_length(), 32);
    assert_int_equal(shm_tensorpool_control_tensorHeader_pad_encoding_offset(), 75);
    assert_int_equal(shm_tensorpool_control_tensorHeader_pad_encoding_length(), 109);
}

/* W-071: numbers written out, so that changing schema and header together does not pass. The header is held to the schema by
 * codec_numbers.c. */
static void types_and_orders_are_frozen__W_071_W_072(void **state)
{
    static const int16_t dtypes[] = { TP_DTYPE_UNKNOWN, TP_DTYPE_UINT8, TP_DTYPE_INT8, TP_DTYPE_UINT16, TP_DTYPE_INT16, TP_DTYPE_UINT32,
        TP_DTYPE_INT32, TP_DTYPE_UINT64, TP_DTYPE_INT64, TP_DTYPE_FLOAT32, TP_DTYPE_FLOAT64, TP_DTYPE_BOOLEAN, TP_DTYPE_BYTES, TP_DTYPE_BIT };
    enum shm_tensorpool_control_dtype listed;
    (void)state;
    for (int16_t i = 0; i < 14; i++) { assert_int_equal(dtypes[i], i < 12 ? i : i + 1); }
    assert_int_equal(TP_ROW_MAJOR, 1);
    assert_int_equal(TP_COLUMN_MAJOR, 2);
    assert_true(shm_tensorpool_control_dtype_get(14, &listed));
    assert_false(shm_tensorpool_control_dtype_get(12, &listed));                /* W-072: not used again */
    assert_false(shm_tensorpool_control_dtype_get(15, &listed));
}

static void this_host_is_little_endian__W_073(void **state)
{
    const uint32_t one = 1;
    uint8_t first;
    (void)state;
    memcpy(&first, &one, 1);
    assert_int_equal(first, 1);         /* a big-endian host does not compile codec.h */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_packed_and_fill_their_block__O_38),
        cmocka_unit_test(the_other_schemas_are_packed_as_well__T_044_J_094),
        cmocka_unit_test(both_schemas_have_the_same_pool_entry),
        cmocka_unit_test(message_and_group_headers_are_where_we_read_them),
        cmocka_unit_test(schema_numbers_are_ours),
        cmocka_unit_test(the_trace_id_of_the_schema_is_absent_at_zero__W_107),
        cmocka_unit_test(initialisers_hold_the_null_values_of_the_schema__W_064_D_066_P16),
        cmocka_unit_test(a_superblock_fills_64_bytes__W_002),
        cmocka_unit_test(a_slot_is_60_and_4_and_192_bytes__W_015_W_016_W_022),
        cmocka_unit_test(the_fields_of_a_descriptor_stand_where_they_are_read),
        cmocka_unit_test(a_tensor_header_is_184_bytes__W_017_W_018_O_11),
        cmocka_unit_test(types_and_orders_are_frozen__W_071_W_072),
        cmocka_unit_test(this_host_is_little_endian__W_073),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
