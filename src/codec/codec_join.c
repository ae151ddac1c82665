/* Owns the messages of schema 903. Stateless. */
#include "codec/codec_join.h"

#include "codec/codec_io.h"
#include "codec/fields.h"

#include <shm_tensorpool_merge/sequenceMergeMapAnnounce.h>
#include <shm_tensorpool_merge/sequenceMergeMapRequest.h>
#include <shm_tensorpool_merge/timestampMergeMapAnnounce.h>
#include <shm_tensorpool_merge/timestampMergeMapRequest.h>

#define SAME(ours, theirs) _Static_assert((long)(ours) == (long)(theirs), #ours " drifted from the schema");
SAME(TPC_SEQUENCE_MAP_ANNOUNCE, SHM_TENSORPOOL_MERGE_SEQUENCE_MERGE_MAP_ANNOUNCE_SBE_TEMPLATE_ID)
SAME(TPC_SEQUENCE_MAP_REQUEST, SHM_TENSORPOOL_MERGE_SEQUENCE_MERGE_MAP_REQUEST_SBE_TEMPLATE_ID)
SAME(TPC_TIMESTAMP_MAP_ANNOUNCE, SHM_TENSORPOOL_MERGE_TIMESTAMP_MERGE_MAP_ANNOUNCE_SBE_TEMPLATE_ID)
SAME(TPC_TIMESTAMP_MAP_REQUEST, SHM_TENSORPOOL_MERGE_TIMESTAMP_MERGE_MAP_REQUEST_SBE_TEMPLATE_ID)
SAME(TPC_RULE_OFFSET, shm_tensorpool_merge_mergeRuleType_OFFSET)
SAME(TPC_RULE_WINDOW, shm_tensorpool_merge_mergeRuleType_WINDOW)
SAME(TPC_RULE_OFFSET, shm_tensorpool_merge_mergeTimeRuleType_OFFSET_NS)
SAME(TPC_RULE_WINDOW, shm_tensorpool_merge_mergeTimeRuleType_WINDOW_NS)
SAME(TPC_TIME_OF_DESCRIPTOR, shm_tensorpool_merge_timestampSource_FRAME_DESCRIPTOR)
SAME(TPC_TIME_OF_SLOT, shm_tensorpool_merge_timestampSource_SLOT_HEADER)

TPI_MESSAGE(shm_tensorpool_merge_sequenceMergeMapRequest, sequence_map_request, TPI_SEQUENCE_MAP_REQUEST_FIELDS, TPI_NO_DATA)
TPI_MESSAGE(shm_tensorpool_merge_timestampMergeMapRequest, timestamp_map_request, TPI_TIMESTAMP_MAP_REQUEST_FIELDS, TPI_NO_DATA)

int tpc_map_announce_key(uint32_t *out_stream_id, uint64_t *epoch, const uint8_t *data, size_t length)
{
    tpi_reader_t reader;
    const uint8_t *block;
    int result = TPI_OPEN(shm_tensorpool_merge_sequenceMergeMapAnnounce, &reader, &block, data, length);
    if (TPC_MALFORMED == result) { result = TPI_OPEN(shm_tensorpool_merge_timestampMergeMapAnnounce, &reader, &block, data, length); }
    if (TPC_OK != result) { return result; }
    *out_stream_id = tpi_get_u32(block + shm_tensorpool_merge_sequenceMergeMapAnnounce_outStreamId_encoding_offset());
    *epoch = tpi_get_u64(block + shm_tensorpool_merge_sequenceMergeMapAnnounce_epoch_encoding_offset());
    return TPC_OK;
}

/* The two announces differ in names only. Even an empty group must state its block length (3.5, step 3). */
#define MAP_ANNOUNCE(M, name, FIELDS, RULE, RULE_FIELDS) \
    int64_t tpc_##name##_length(const tpc_##name##_t *m) \
    { \
        if (m->rule_count > TPC_RULES_MAX) { return TPC_MALFORMED; } \
        return TPC_HEADER_BYTES + TPI_BLOCK(M) + TPC_GROUP_HEADER_BYTES + (int64_t)m->rule_count * (int64_t)M##_rules_sbe_block_length(); \
    } \
    int64_t tpc_##name##_encode(uint8_t *buffer, size_t capacity, const tpc_##name##_t *message) \
    { \
        const int64_t length = tpc_##name##_length(message); \
        if (length < 0 || (uint64_t)length > capacity) { return TPC_MALFORMED; } \
        TPI_PUT_HEADER(M, buffer); \
        uint8_t *block = buffer + TPC_HEADER_BYTES; \
        { const tpc_##name##_t *m = message; FIELDS(TPI_PUT, M) } \
        block = tpi_put_group(block + TPI_BLOCK(M), (uint16_t)M##_rules_sbe_block_length(), (uint16_t)message->rule_count); \
        for (uint32_t i = 0; i < message->rule_count; i++, block += M##_rules_sbe_block_length()) \
        { \
            const RULE *m = &message->rules[i]; \
            RULE_FIELDS(TPI_PUT, M##_rules) \
        } \
        return length; \
    } \
    int tpc_##name##_decode(tpc_##name##_t *decoded, const uint8_t *data, size_t length) \
    { \
        tpi_reader_t reader; \
        const uint8_t *root; \
        const int result = TPI_OPEN(M, &reader, &root, data, length); \
        if (TPC_OK != result) { return result; } \
        uint16_t block_length; \
        uint16_t count; \
        if (!tpi_read_group(&reader, (uint16_t)M##_rules_sbe_block_length(), &block_length, &count)) { return TPC_MALFORMED; } \
        if (block_length < M##_rules_sbe_block_length() || tpi_left(&reader) < (size_t)count * block_length) { return TPC_MALFORMED; } \
        if (count > TPC_RULES_MAX) { return TPC_TOO_MANY; } \
        const uint8_t *block = root; \
        { tpc_##name##_t *m = decoded; FIELDS(TPI_GET, M) } \
        decoded->rule_count = count; \
        block = reader.next; \
        for (uint32_t i = 0; i < count; i++, block += block_length) \
        { \
            RULE *m = &decoded->rules[i]; \
            RULE_FIELDS(TPI_GET, M##_rules) \
        } \
        return TPC_OK; \
    }

MAP_ANNOUNCE(shm_tensorpool_merge_sequenceMergeMapAnnounce, sequence_map_announce, TPI_SEQUENCE_MAP_ANNOUNCE_FIELDS,
    tpc_sequence_rule_t, TPI_SEQUENCE_RULE_FIELDS)
MAP_ANNOUNCE(shm_tensorpool_merge_timestampMergeMapAnnounce, timestamp_map_announce, TPI_TIMESTAMP_MAP_ANNOUNCE_FIELDS,
    tpc_timestamp_rule_t, TPI_TIMESTAMP_RULE_FIELDS)
