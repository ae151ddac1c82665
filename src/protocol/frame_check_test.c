#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "protocol/frame_check.h"

/* Geometry only: no memory is behind these regions, and none may be touched. */
static tpi_pool_t pools[] = { { .pool_id = 1, .stride_bytes = 64 }, { .pool_id = 7, .stride_bytes = 4096 } };
static const tpi_pool_set_t set = { .stream_id = 10000, .epoch = 5, .nslots = 8, .index_mask = 7, .pool_count = 2, .pools = pools };

#define SEQ 13u                        /* index 5 of 8 */

static tpc_slot_t good_slot(void)
{
    tpc_slot_t slot = TPC_SLOT_INIT;
    slot.seq_commit = SEQ << 1 | 1;
    slot.values_len_bytes = 24;
    slot.payload_slot = 5;
    slot.pool_id = 1;
    slot.timestamp_ns = 777;
    slot.meta_version = 3;
    slot.dtype = TP_DTYPE_FLOAT32;
    slot.major_order = TP_ROW_MAJOR;
    slot.ndims = 2;
    slot.dims[0] = 2;
    slot.dims[1] = 3;
    return slot;
}

static tpi_frame_t frame;
static tpi_frame_checker_t checker;

static int setup(void **state)
{
    (void)state;
    memset(&frame, 0, sizeof(frame));
    memset(&checker, 0, sizeof(checker));
    return 0;
}

/* Through all three ways: fields, a fresh checker, and one that knows the good header. They have to agree. */
static tpi_drop_reason_t check_at(const tpc_slot_t *slot, uint64_t seq)
{
    uint64_t image[TPI_SLOT_WORDS];
    tpi_tensor_result_t tensor;
    tpi_frame_checker_t fresh = { .is_known = false };
    tpi_frame_checker_t taught = { .is_known = false };
    tpi_frame_t other;
    const tpc_slot_t good = good_slot();
    tpc_slot_encode((uint8_t *)image, &good);
    assert_int_equal(tpi_frame_checker_check(&taught, &other, image, SEQ, &set), TPI_DROP_ACCEPTED);
    tpc_slot_encode((uint8_t *)image, slot);
    const tpi_drop_reason_t reason = tpi_frame_check(&frame, &tensor, slot, seq, &set);
    assert_int_equal(tpi_frame_checker_check(&fresh, &other, image, seq, &set), reason);
    assert_int_equal(tpi_frame_checker_check(&taught, &other, image, seq, &set), reason);
    if (TPI_DROP_ACCEPTED == reason)
    {
        assert_int_equal(frame.index, other.index);
        assert_int_equal(frame.values_len_bytes, other.values_len_bytes);
        assert_ptr_equal(frame.pool, other.pool);
    }
    frame.tensor = NULL;
    return reason;
}

static tpi_drop_reason_t check(const tpc_slot_t *slot) { return check_at(slot, SEQ); }

static void good_frame_is_accepted_with_its_facts__W_096_W_097(void **state)
{
    (void)state;
    uint64_t image[TPI_SLOT_WORDS];
    const tpc_slot_t slot = good_slot();
    tpc_slot_encode((uint8_t *)image, &slot);
    assert_int_equal(tpi_frame_checker_check(&checker, &frame, image, SEQ, &set), TPI_DROP_ACCEPTED);
    assert_ptr_equal(frame.pool, &pools[0]);
    assert_int_equal(frame.index, 5);
    assert_int_equal(frame.values_len_bytes, 24);
    assert_int_equal(frame.timestamp_ns, 777);
    assert_int_equal(frame.meta_version, 3);
    assert_int_equal(frame.tensor->tensor.strides[0], 12);
}

static void embedded_header_has_to_be_exact__W_022_W_048_W_049(void **state)
{
    (void)state;
    for (int field = 0; field < 5; field++)
    {
        for (int delta = -1; delta <= 1; delta += 2)
        {
            tpc_slot_t slot = good_slot();
            switch (field)
            {
                case 0: slot.header_bytes_length = (uint32_t)(192 + delta); break;
                case 1: slot.block_length = (uint16_t)(184 + delta); break;
                case 2: slot.template_id = (uint16_t)(52 + delta); break;
                case 3: slot.schema_id = (uint16_t)(900 + delta); break;
                default: slot.version = (uint16_t)(1 + delta); break;
            }
            assert_int_equal(check(&slot), TPI_DROP_BAD_HEADER);
        }
    }
}

static void payload_offset_has_to_be_zero__W_026(void **state)
{
    (void)state;
    tpc_slot_t slot = good_slot();
    slot.payload_offset = 64;
    assert_int_equal(check(&slot), TPI_DROP_BAD_OFFSET);
    slot.payload_offset = 1;
    assert_int_equal(check(&slot), TPI_DROP_BAD_OFFSET);
}

static void payload_slot_is_the_header_index__W_037_W_063_W_099(void **state)
{
    (void)state;
    tpc_slot_t slot = good_slot();
    static const uint32_t wrong[] = { 4, 6, 8, 13, UINT32_MAX };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
    {
        slot.payload_slot = wrong[i];
        assert_int_equal(check(&slot), TPI_DROP_BAD_SLOT);
    }
    slot.payload_slot = 5;
    assert_int_equal(check_at(&slot, SEQ + 8), TPI_DROP_ACCEPTED);
    assert_int_equal(check_at(&slot, SEQ + 1), TPI_DROP_BAD_SLOT);
}

static void pool_has_to_be_mapped(void **state)
{
    (void)state;
    tpc_slot_t slot = good_slot();
    slot.pool_id = 7;
    assert_int_equal(check(&slot), TPI_DROP_ACCEPTED);
    assert_ptr_equal(frame.pool, &pools[1]);
    slot.pool_id = 2;
    assert_int_equal(check(&slot), TPI_DROP_UNKNOWN_POOL);
    slot.pool_id = 0;
    assert_int_equal(check(&slot), TPI_DROP_UNKNOWN_POOL);
}

static void length_stays_within_the_stride_of_its_pool__W_100_W_101(void **state)
{
    (void)state;
    tpc_slot_t slot = good_slot();
    slot.values_len_bytes = 64;
    assert_int_equal(check(&slot), TPI_DROP_ACCEPTED);
    slot.values_len_bytes = 65;
    assert_int_equal(check(&slot), TPI_DROP_TOO_LONG);
    slot.values_len_bytes = UINT32_MAX;
    assert_int_equal(check(&slot), TPI_DROP_TOO_LONG);
    slot.pool_id = 7;
    slot.values_len_bytes = 4096;
    assert_int_equal(check(&slot), TPI_DROP_ACCEPTED);
    slot.values_len_bytes = 4097;
    assert_int_equal(check(&slot), TPI_DROP_TOO_LONG);
}

static void empty_and_short_frames_are_valid__W_034_O_15(void **state)
{
    (void)state;
    tpc_slot_t slot = good_slot();
    slot.values_len_bytes = 0;
    assert_int_equal(check(&slot), TPI_DROP_ACCEPTED);
    slot.values_len_bytes = 23;                              /* less than the tensor's extent: delivered, elements are bounded on access */
    assert_int_equal(check(&slot), TPI_DROP_ACCEPTED);
    slot.payload_slot = 6;
    slot.values_len_bytes = 0;
    assert_int_equal(check(&slot), TPI_DROP_BAD_SLOT);
}

static void tensor_rules_apply__W_025_W_030_W_070(void **state)
{
    (void)state;
    tpc_slot_t slot = good_slot();
    slot.ndims = 0;
    assert_int_equal(check(&slot), TPI_DROP_BAD_TENSOR);
    slot = good_slot();
    slot.strides[0] = 11;
    assert_int_equal(check(&slot), TPI_DROP_BAD_TENSOR);
    slot = good_slot();
    slot.dtype = 12;
    assert_int_equal(check(&slot), TPI_DROP_BAD_TENSOR);
    uint64_t image[TPI_SLOT_WORDS];
    tpc_slot_encode((uint8_t *)image, &slot);
    assert_int_equal(tpi_frame_checker_check(&checker, &frame, image, SEQ, &set), TPI_DROP_BAD_TENSOR);
    assert_int_equal(checker.tensor_verdict, TPI_TENSOR_DTYPE);
}

static void sequences_above_63_bits_are_refused__W_253(void **state)
{
    (void)state;
    const tpc_slot_t slot = good_slot();
    assert_int_equal(check_at(&slot, (UINT64_C(1) << 63) + SEQ), TPI_DROP_BAD_SEQ);
}

static void equal_header_is_validated_once_whatever_the_pads_hold__W_020(void **state)
{
    (void)state;
    uint64_t image[TPI_SLOT_WORDS];
    uint8_t *const bytes = (uint8_t *)image;
    tpc_slot_t slot = good_slot();
    for (unsigned i = 0; i < 10; i++)
    {
        slot.values_len_bytes = i;
        slot.timestamp_ns = 1000 + i;
        tpc_slot_encode(bytes, &slot);
        memset(bytes + TPC_SLOT_HEADER_PAD_AT, (int)i, 26);
        memset(bytes + 147, (int)i, 109);
        assert_int_equal(tpi_frame_checker_check(&checker, &frame, image, SEQ, &set), TPI_DROP_ACCEPTED);
        assert_int_equal(frame.values_len_bytes, i);
        assert_int_equal(frame.timestamp_ns, 1000 + i);
    }
    assert_int_equal(checker.validations, 1);
    slot.dims[1] = 4;
    tpc_slot_encode(bytes, &slot);
    assert_int_equal(tpi_frame_checker_check(&checker, &frame, image, SEQ, &set), TPI_DROP_ACCEPTED);
    assert_int_equal(checker.validations, 2);
    assert_int_equal(frame.tensor->tensor.dims[1], 4);
    slot.ndims = 9;
    tpc_slot_encode(bytes, &slot);
    bytes[76] = 9;
    assert_int_equal(tpi_frame_checker_check(&checker, &frame, image, SEQ, &set), TPI_DROP_BAD_TENSOR);
    slot = good_slot();
    slot.dims[1] = 4;
    tpc_slot_encode(bytes, &slot);                           /* a bad one in between does not poison the known one */
    assert_int_equal(tpi_frame_checker_check(&checker, &frame, image, SEQ, &set), TPI_DROP_ACCEPTED);
    assert_int_equal(checker.validations, 3);
}

static void refusal_leaves_the_output_alone(void **state)
{
    (void)state;
    tpi_tensor_result_t tensor;
    tpc_slot_t slot = good_slot();
    frame.index = 4242;
    slot.pool_id = 3;
    assert_int_equal(tpi_frame_check(&frame, &tensor, &slot, SEQ, &set), TPI_DROP_UNKNOWN_POOL);
    slot = good_slot();
    slot.ndims = 0;
    assert_int_equal(tpi_frame_check(&frame, &tensor, &slot, SEQ, &set), TPI_DROP_BAD_TENSOR);
    assert_int_equal(frame.index, 4242);
    assert_null(frame.pool);
}

#define TEST(function) cmocka_unit_test_setup(function, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(good_frame_is_accepted_with_its_facts__W_096_W_097),
        TEST(embedded_header_has_to_be_exact__W_022_W_048_W_049),
        TEST(payload_offset_has_to_be_zero__W_026),
        TEST(payload_slot_is_the_header_index__W_037_W_063_W_099),
        TEST(pool_has_to_be_mapped),
        TEST(length_stays_within_the_stride_of_its_pool__W_100_W_101),
        TEST(empty_and_short_frames_are_valid__W_034_O_15),
        TEST(tensor_rules_apply__W_025_W_030_W_070),
        TEST(sequences_above_63_bits_are_refused__W_253),
        TEST(equal_header_is_validated_once_whatever_the_pads_hold__W_020),
        TEST(refusal_leaves_the_output_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
