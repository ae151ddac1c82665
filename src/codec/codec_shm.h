/*
 * Superblock and header slot as they lie in shared memory (10-wire.md section 6). Works on private copies: the atomics are in
 * shm/slot.h. Stateless, any thread. Numbers are compared with the generated codecs by static asserts and layout_test.c.
 */
#ifndef TPI_CODEC_CODEC_SHM_H
#define TPI_CODEC_CODEC_SHM_H

#include "codec/codec.h"

#include <tensor_pool/common/tp_types.h>

#define TPC_MAGIC UINT64_C(0x544F504C53484D31)      /* W-003, O-1 */
#define TPC_LAYOUT_VERSION 1
#define TPC_SUPERBLOCK_BYTES 64                     /* W-002: a constant, whatever the codec says */
#define TPC_SLOT_BYTES 256                          /* W-012 */

#define TPC_REGION_HEADER_RING 1
#define TPC_REGION_PAYLOAD_POOL 2

#define TPC_SUPERBLOCK_PID_AT 40
#define TPC_SUPERBLOCK_START_AT 48
#define TPC_SUPERBLOCK_ACTIVITY_AT 56

#define TPC_SLOT_HEADER_SEQ_COMMIT_AT 0
#define TPC_SLOT_HEADER_VALUES_LEN_AT 8
#define TPC_SLOT_HEADER_PAYLOAD_SLOT_AT 12
#define TPC_SLOT_HEADER_POOL_ID_AT 16
#define TPC_SLOT_HEADER_PAYLOAD_OFFSET_AT 18
#define TPC_SLOT_HEADER_TIMESTAMP_AT 22
#define TPC_SLOT_HEADER_META_VERSION_AT 30
#define TPC_SLOT_HEADER_PAD_AT 34
#define TPC_SLOT_HEADER_BLOCK 60
#define TPC_HEADER_BYTES_LEN 192                    /* message header + TensorHeader, W-022 */

#define TPC_TENSOR_HEADER 52                        /* template id */
#define TPC_TENSOR_HEADER_BLOCK 184
#define TPC_TENSOR_HEADER_AT 72                     /* slot offset of the TensorHeader block */

typedef struct tpc_superblock
{
    uint64_t magic;
    uint32_t layout_version;
    uint64_t epoch;
    uint32_t stream_id;
    int16_t region_type;
    uint16_t pool_id;                               /* 0 in a header ring */
    uint32_t nslots;
    uint32_t slot_bytes;                            /* header ring: 256; pool: write stride_bytes, ignore when read (O-5) */
    uint32_t stride_bytes;                          /* pool; header ring: write 0, ignore when read (O-5) */
    uint64_t pid;
    uint64_t start_timestamp_ns;
    uint64_t activity_timestamp_ns;
}
tpc_superblock_t;

#define TPC_SUPERBLOCK_INIT { .magic = TPC_MAGIC, .layout_version = TPC_LAYOUT_VERSION }

void tpc_superblock_encode(uint8_t image[TPC_SUPERBLOCK_BYTES], const tpc_superblock_t *superblock);
void tpc_superblock_decode(tpc_superblock_t *superblock, const uint8_t image[TPC_SUPERBLOCK_BYTES]);

/* SlotHeader and the TensorHeader inside it. Everything is as found: nothing is checked here. */
typedef struct tpc_slot
{
    uint64_t seq_commit;
    uint32_t values_len_bytes;
    uint32_t payload_slot;
    uint16_t pool_id;
    uint32_t payload_offset;
    uint64_t timestamp_ns;                          /* capture time */
    uint32_t meta_version;                          /* TP_NULL_U32: none (O-47) */
    uint32_t header_bytes_length;
    uint16_t block_length;                          /* of the embedded message header, as the next three */
    uint16_t template_id;
    uint16_t schema_id;
    uint16_t version;
    int16_t dtype;
    int16_t major_order;
    uint8_t ndims;
    uint8_t progress_unit;
    uint32_t progress_stride_bytes;
    int32_t dims[TP_MAX_DIMS];
    int32_t strides[TP_MAX_DIMS];
}
tpc_slot_t;

#define TPC_SLOT_INIT { .timestamp_ns = TP_NULL_U64, .meta_version = TP_NULL_U32, .header_bytes_length = TPC_HEADER_BYTES_LEN, \
    .block_length = TPC_TENSOR_HEADER_BLOCK, .template_id = TPC_TENSOR_HEADER, .schema_id = TPC_WIRE_SCHEMA, .version = TPC_SCHEMA_VERSION }

/* All 256 bytes: pads zero (W-021), dims and strides from ndims on zero whatever *slot holds (W-027). */
void tpc_slot_encode(uint8_t image[TPC_SLOT_BYTES], const tpc_slot_t *slot);

/* All fields, all eight dims and strides; pads are not looked at (W-020). */
void tpc_slot_decode(tpc_slot_t *slot, const uint8_t image[TPC_SLOT_BYTES]);

/* Length of headerBytes and the embedded message header are exactly those of v1.2 (W-022 W-048 W-049; O-38: no leniency here). */
static inline bool tpc_slot_is_v1(const tpc_slot_t *slot)
{
    return TPC_HEADER_BYTES_LEN == slot->header_bytes_length && TPC_TENSOR_HEADER_BLOCK == slot->block_length &&
        TPC_TENSOR_HEADER == slot->template_id && TPC_WIRE_SCHEMA == slot->schema_id && TPC_SCHEMA_VERSION == slot->version;
}

/* Words of 64 bits: 0 to 4 hold what changes from frame to frame, these the shape; all others are pads. */
#define TPC_SLOT_SHAPE_FIRST 7u                     /* 7 to 18: of its shape */
#define TPC_SLOT_SHAPE_LAST 18u

/* What changes from frame to frame, in a prepared image (made by tpc_slot_encode). The commit word is not touched. */
static inline void tpc_slot_patch(uint64_t image[TPC_SLOT_BYTES / 8], uint32_t values_len_bytes, uint32_t payload_slot, uint16_t pool_id,
    uint64_t timestamp_ns, uint32_t meta_version)
{
    uint8_t *bytes = (uint8_t *)image;
    memcpy(bytes + TPC_SLOT_HEADER_VALUES_LEN_AT, &values_len_bytes, sizeof(values_len_bytes));
    memcpy(bytes + TPC_SLOT_HEADER_PAYLOAD_SLOT_AT, &payload_slot, sizeof(payload_slot));
    memcpy(bytes + TPC_SLOT_HEADER_POOL_ID_AT, &pool_id, sizeof(pool_id));
    memcpy(bytes + TPC_SLOT_HEADER_TIMESTAMP_AT, &timestamp_ns, sizeof(timestamp_ns));
    memcpy(bytes + TPC_SLOT_HEADER_META_VERSION_AT, &meta_version, sizeof(meta_version));
}

#endif
