/*
 * What lies in shared memory: 64 bytes of superblock, then slots of 256 bytes. Whatever a slot says, an accepted frame lies inside its pool and
 * the tensor keeps to the rules; a checker that remembers the last header judges as one that does not.
 */
#include <stdlib.h>
#include <string.h>

#include "protocol/frame_check.h"

#define NSLOTS 8u
#define POOLS 3u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint32_t strides[POOLS] = { 64, 4096, 1u << 20 };

static void superblock(const uint8_t *data)
{
    tpc_superblock_t s;
    uint8_t image[TPC_SUPERBLOCK_BYTES];
    tpc_superblock_decode(&s, data);
    tpc_superblock_encode(image, &s);
    if (0 != memcmp(image, data, sizeof(image))) { abort(); }
    const tpi_region_expect_t expect = { .type = TPI_REGION_PAYLOAD_POOL, .layout_version = 1, .epoch = s.epoch, .stream_id = s.stream_id,
        .pool_id = s.pool_id, .nslots = s.nslots, .stride_bytes = s.stride_bytes };
    if (0 == tpi_superblock_check(&s, &expect) && (TPC_MAGIC != s.magic || TPI_REGION_PAYLOAD_POOL != (tpi_region_type_t)s.region_type)) { abort(); }
    (void)tpi_region_bytes(TPI_REGION_PAYLOAD_POOL, s.nslots, s.stride_bytes);
}

static void tensor_is_sound(const tpi_frame_t *frame)
{
    const tpi_tensor_result_t *const t = frame->tensor;
    uint64_t needed = tp_dtype_size((int)t->tensor.dtype);
    if (t->tensor.ndims < 1 || t->tensor.ndims > TP_MAX_DIMS || 0 == needed) { abort(); }
    for (uint32_t i = 0; i < (uint32_t)t->tensor.ndims; i++)
    {
        if (t->tensor.dims[i] < 0 || 0 == t->tensor.strides[i]) { abort(); }
    }
}

static void slot(tpi_frame_checker_t *checker, const tpi_pool_set_t *set, const uint8_t *data)
{
    uint64_t image[TPI_SLOT_WORDS];
    tpi_frame_checker_t fresh = { 0 };
    tpi_frame_t frame = { 0 };
    tpi_frame_t other = { 0 };
    memcpy(image, data, sizeof(image));
    const uint64_t seq = image[0] >> 1;
    const tpi_drop_reason_t verdict = tpi_frame_checker_check(checker, &frame, image, seq, set);
    if (verdict != tpi_frame_checker_check(&fresh, &other, image, seq, set)) { abort(); }
    if (TPI_DROP_ACCEPTED != verdict) { return; }
    if (NULL == frame.pool || frame.index != (seq & (NSLOTS - 1)) || frame.values_len_bytes > frame.pool->stride_bytes) { abort(); }
    if (0 != memcmp(frame.tensor, other.tensor, sizeof(*frame.tensor))) { abort(); }
    tensor_is_sound(&frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tpi_pool_t pools[POOLS] = { { .pool_id = 1 } };
    tpi_frame_checker_t checker = { 0 };
    for (uint16_t i = 0; i < POOLS; i++)
    {
        pools[i].pool_id = (uint16_t)(i + 1);
        pools[i].stride_bytes = strides[i];
    }
    const tpi_pool_set_t set = { .stream_id = 10000, .epoch = 1, .nslots = NSLOTS, .index_mask = NSLOTS - 1, .pool_count = POOLS, .pools = pools };
    if (size < TPC_SUPERBLOCK_BYTES) { return 0; }
    superblock(data);
    for (size_t at = TPC_SUPERBLOCK_BYTES; at + TPC_SLOT_BYTES <= size; at += TPC_SLOT_BYTES) { slot(&checker, &set, data + at); }
    return 0;
}
