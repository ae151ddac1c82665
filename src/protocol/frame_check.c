/* Owns nothing. Reads private images only (trap M5); the mapped set gives geometry, its memory is not touched. */
#include "protocol/frame_check.h"

#include <string.h>

#include "common/bytes.h"

#define HEADER_AT TPC_SLOT_HEADER_BLOCK
#define SHAPE_USED_AT (HEADER_AT - TPI_SLOT_SHAPE_FIRST * 8u)
#define PAD_AT 147u                                  /* slot offset of TensorHeader.pad: not compared (W-020) */

_Static_assert(TPC_TENSOR_HEADER_AT + 75 == PAD_AT, "slot layout drifted");
_Static_assert(TPI_SLOT_SHAPE_FIRST * 8 + 4 == HEADER_AT && TPI_SLOT_SHAPE_LAST * 8 + 3 == PAD_AT, "the words of the shape are its bytes");

/* Rows 4 to 7. */
static tpi_drop_reason_t locate(tpi_frame_t *frame, uint32_t payload_offset, uint32_t payload_slot, uint16_t pool_id, uint32_t values_len_bytes,
    uint64_t seq, const tpi_pool_set_t *set)
{
    if (0 != payload_offset) { return TPI_DROP_BAD_OFFSET; }                                              /* W-026 */
    if (payload_slot >= set->nslots || payload_slot != tpi_pool_set_index(set, seq)) { return TPI_DROP_BAD_SLOT; }   /* W-063 W-099 W-037 */
    const tpi_pool_t *const pool = tpi_pool_set_find(set, pool_id);
    if (NULL == pool) { return TPI_DROP_UNKNOWN_POOL; }
    if ((uint64_t)payload_offset + values_len_bytes > pool->stride_bytes) { return TPI_DROP_TOO_LONG; }   /* W-100 W-101 */
    frame->pool = pool;                                                                                   /* W-096 */
    frame->index = payload_slot;
    frame->values_len_bytes = values_len_bytes;
    return TPI_DROP_ACCEPTED;
}

tpi_drop_reason_t tpi_frame_check(tpi_frame_t *frame, tpi_tensor_result_t *tensor, const tpc_slot_t *slot, uint64_t seq, const tpi_pool_set_t *set)
{
    tpi_frame_t found = { .pool = NULL };
    if (0 != seq >> 63) { return TPI_DROP_BAD_SEQ; }                                                      /* row 1, W-253 */
    if (!tpc_slot_is_v1(slot)) { return TPI_DROP_BAD_HEADER; }                                            /* row 3, W-022 W-048 W-049 J-109 */
    const tpi_drop_reason_t reason = locate(&found, slot->payload_offset, slot->payload_slot, slot->pool_id, slot->values_len_bytes, seq, set);
    if (TPI_DROP_ACCEPTED != reason) { return reason; }
    if (TPI_TENSOR_OK != tpi_tensor_validate_slot(tensor, slot)) { return TPI_DROP_BAD_TENSOR; }          /* row 8 */
    found.timestamp_ns = slot->timestamp_ns;
    found.meta_version = slot->meta_version;
    found.tensor = tensor;
    *frame = found;
    return TPI_DROP_ACCEPTED;
}

static tpi_drop_reason_t check_new_header(tpi_frame_checker_t *checker, tpi_frame_t *frame, const uint64_t *image, uint64_t seq,
    const tpi_pool_set_t *set)
{
    tpc_slot_t slot;
    tpi_tensor_result_t tensor;
    tpc_slot_decode(&slot, (const uint8_t *)image);
    checker->validations++;
    checker->tensor_verdict = TPI_TENSOR_OK;
    const tpi_drop_reason_t reason = tpi_frame_check(frame, &tensor, &slot, seq, set);
    if (TPI_DROP_BAD_TENSOR == reason) { checker->tensor_verdict = (int)tpi_tensor_validate_slot(&tensor, &slot); }
    if (TPI_DROP_ACCEPTED != reason) { return reason; }
    memcpy(checker->shape.word, &image[TPI_SLOT_SHAPE_FIRST], sizeof(checker->shape.word));
    checker->tensor = tensor;
    checker->is_known = true;
    frame->tensor = &checker->tensor;
    return TPI_DROP_ACCEPTED;
}

tpi_drop_reason_t tpi_frame_checker_check(tpi_frame_checker_t *checker, tpi_frame_t *frame, const uint64_t image[TPI_SLOT_WORDS], uint64_t seq,
    const tpi_pool_set_t *set)
{
    const uint8_t *const bytes = (const uint8_t *)image;
    if (!checker->is_known || 0 != memcmp((const uint8_t *)checker->shape.word + SHAPE_USED_AT, bytes + HEADER_AT, PAD_AT - HEADER_AT))
    {
        return check_new_header(checker, frame, image, seq, set);
    }
    if (0 != seq >> 63) { return TPI_DROP_BAD_SEQ; }
    uint16_t pool_id;
    memcpy(&pool_id, bytes + TPC_SLOT_HEADER_POOL_ID_AT, sizeof(pool_id));
    tpi_frame_t found = { .pool = NULL };
    const tpi_drop_reason_t reason = locate(&found, tpi_u32_at(bytes, TPC_SLOT_HEADER_PAYLOAD_OFFSET_AT),
        tpi_u32_at(bytes, TPC_SLOT_HEADER_PAYLOAD_SLOT_AT), pool_id, tpi_u32_at(bytes, TPC_SLOT_HEADER_VALUES_LEN_AT), seq, set);
    if (TPI_DROP_ACCEPTED != reason) { return reason; }
    found.timestamp_ns = tpi_u64_at(bytes, TPC_SLOT_HEADER_TIMESTAMP_AT);
    found.meta_version = tpi_u32_at(bytes, TPC_SLOT_HEADER_META_VERSION_AT);
    found.tensor = &checker->tensor;
    *frame = found;
    return TPI_DROP_ACCEPTED;
}
