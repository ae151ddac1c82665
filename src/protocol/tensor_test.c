#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "protocol/tensor.h"

#define D(...) (const int32_t[TP_MAX_DIMS]){ __VA_ARGS__ }

static tpi_tensor_result_t result;

static tpi_tensor_verdict_t validate(int dtype, int order, uint32_t ndims, const int32_t *dims, const int32_t *strides, uint32_t unit,
    uint32_t stride)
{
    const tpi_tensor_fields_t fields = { .dtype = dtype, .major_order = order, .ndims = ndims, .progress_unit = unit,
        .progress_stride_bytes = stride, .dims = dims, .strides = strides };
    memset(&result, 0xEE, sizeof(result));
    return tpi_tensor_validate(&result, &fields);
}

#define ROW TP_ROW_MAJOR
#define COL TP_COLUMN_MAJOR

static void worked_examples_of_the_specification__W_030_W_031_W_032_W_033(void **state)
{
    (void)state;
    assert_int_equal(validate(TP_DTYPE_FLOAT32, ROW, 2, D(2, 2), D(0, 0), 0, 0), TPI_TENSOR_OK);
    assert_int_equal(result.tensor.strides[0], 8);
    assert_int_equal(result.tensor.strides[1], 4);
    assert_int_equal(validate(TP_DTYPE_FLOAT32, ROW, 2, D(2, 2), D(4, 2), 0, 0), TPI_TENSOR_OVERLAP);
    assert_int_equal(result.bad_axis, 1);
    assert_int_equal(validate(TP_DTYPE_UINT16, ROW, 2, D(480, 640), D(1536, 2), TP_PROGRESS_ROWS, 1536), TPI_TENSOR_OK);
    assert_int_equal(result.tensor.strides[0], 1536);
    assert_int_equal(result.tensor.strides[1], 2);
    assert_int_equal(validate(TP_DTYPE_UINT16, ROW, 2, D(480, 640), D(0, 0), TP_PROGRESS_ROWS, 1280), TPI_TENSOR_OK);
    assert_int_equal(result.tensor.strides[0], 1280);
    assert_int_equal(result.tensor.strides[1], 2);
    assert_int_equal(validate(TP_DTYPE_UINT16, ROW, 2, D(480, 640), D(0, 0), TP_PROGRESS_ROWS, 0), TPI_TENSOR_PROGRESS_STRIDE);
    assert_int_equal(validate(TP_DTYPE_UINT16, ROW, 2, D(480, 640), D(0, 0), TP_PROGRESS_ROWS, 1279), TPI_TENSOR_PROGRESS_STRIDE);
    assert_int_equal(validate(TP_DTYPE_UINT16, ROW, 2, D(480, 640), D(0, 0), TP_PROGRESS_ROWS, 1281), TPI_TENSOR_PROGRESS_STRIDE);
    assert_int_equal(validate(TP_DTYPE_FLOAT64, COL, 2, D(3, 4), D(0, 0), TP_PROGRESS_COLUMNS, 24), TPI_TENSOR_OK);
    assert_int_equal(result.tensor.strides[0], 8);
    assert_int_equal(result.tensor.strides[1], 24);
    assert_int_equal(validate(TP_DTYPE_FLOAT64, COL, 2, D(3, 4), D(24, 8), 0, 0), TPI_TENSOR_OVERLAP);
    assert_int_equal(validate(TP_DTYPE_UINT8, ROW, 3, D(2, 65536, 65536), D(0, 0, 0), 0, 0), TPI_TENSOR_TOO_LARGE);
    assert_int_equal(validate(TP_DTYPE_UINT8, ROW, 1, D(4), D(-1), 0, 0), TPI_TENSOR_NEGATIVE_STRIDE);
}

static void ndims_is_one_to_eight__W_025(void **state)
{
    (void)state;
    const int32_t *const ones = D(1, 1, 1, 1, 1, 1, 1, 1);
    const int32_t *const zeros = D(0);
    assert_int_equal(validate(TP_DTYPE_UINT8, ROW, 0, ones, zeros, 0, 0), TPI_TENSOR_NDIMS);
    assert_int_equal(validate(TP_DTYPE_UINT8, ROW, 1, ones, zeros, 0, 0), TPI_TENSOR_OK);
    assert_int_equal(validate(TP_DTYPE_UINT8, ROW, 8, ones, zeros, 0, 0), TPI_TENSOR_OK);
    assert_int_equal(validate(TP_DTYPE_UINT8, ROW, 9, ones, zeros, 0, 0), TPI_TENSOR_NDIMS);
    assert_int_equal(validate(TP_DTYPE_UINT8, ROW, 255, ones, zeros, 0, 0), TPI_TENSOR_NDIMS);
}

static void unknown_enum_values_are_rejected__W_070_W_071(void **state)
{
    (void)state;
    for (int dtype = -2; dtype <= 16; dtype++)
    {
        const bool known = dtype >= 1 && dtype <= 14 && 12 != dtype;
        assert_int_equal(validate(dtype, ROW, 1, D(1), D(0), 0, 0), known ? TPI_TENSOR_OK : TPI_TENSOR_DTYPE);
    }
    assert_int_equal(validate(INT16_MIN, ROW, 1, D(1), D(0), 0, 0), TPI_TENSOR_DTYPE);
    for (int order = -1; order <= 4; order++)
    {
        assert_int_equal(validate(TP_DTYPE_INT8, order, 1, D(1), D(0), 0, 0), 1 == order || 2 == order ? TPI_TENSOR_OK : TPI_TENSOR_ORDER);
    }
    assert_int_equal(validate(TP_DTYPE_INT8, INT16_MIN, 1, D(1), D(0), 0, 0), TPI_TENSOR_ORDER);
    assert_int_equal(validate(TP_DTYPE_INT8, ROW, 1, D(1), D(0), 3, 1), TPI_TENSOR_PROGRESS_UNIT);
    assert_int_equal(validate(TP_DTYPE_INT8, ROW, 1, D(1), D(0), 9, 1), TPI_TENSOR_PROGRESS_UNIT);
    assert_int_equal(validate(TP_DTYPE_INT8, ROW, 1, D(1), D(0), 255, 1), TPI_TENSOR_PROGRESS_UNIT);
}

static void entries_beyond_ndims_are_ignored_and_come_out_zero__W_028(void **state)
{
    (void)state;
    assert_int_equal(validate(TP_DTYPE_UINT8, ROW, 2, D(2, 3, -7, 9, 9, 99), D(0, 0, -1, 5, 5, 5), 0, 0), TPI_TENSOR_OK);
    for (size_t i = 2; i < TP_MAX_DIMS; i++)
    {
        assert_int_equal(result.tensor.dims[i], 0);
        assert_int_equal(result.tensor.strides[i], 0);
    }
}

static void negative_sizes_and_strides_are_rejected__W_029_O_14(void **state)
{
    (void)state;
    assert_int_equal(validate(TP_DTYPE_UINT8, ROW, 2, D(-1, 3), D(0, 0), 0, 0), TPI_TENSOR_NEGATIVE_DIM);
    assert_int_equal(result.bad_axis, 0);
    assert_int_equal(validate(TP_DTYPE_UINT8, ROW, 2, D(3, INT32_MIN), D(0, 0), 0, 0), TPI_TENSOR_NEGATIVE_DIM);
    assert_int_equal(result.bad_axis, 1);
    assert_int_equal(validate(TP_DTYPE_UINT32, ROW, 1, D(3), D(-4), 0, 0), TPI_TENSOR_NEGATIVE_STRIDE);
    assert_int_equal(validate(TP_DTYPE_UINT32, ROW, 1, D(3), D(INT32_MIN), 0, 0), TPI_TENSOR_NEGATIVE_STRIDE);
}

static void strides_may_leave_gaps_but_never_overlap__W_030_O_16(void **state)
{
    (void)state;
    assert_int_equal(validate(TP_DTYPE_UINT32, ROW, 2, D(2, 3), D(12, 4), 0, 0), TPI_TENSOR_OK);
    assert_int_equal(validate(TP_DTYPE_UINT32, ROW, 2, D(2, 3), D(11, 4), 0, 0), TPI_TENSOR_OVERLAP);
    assert_int_equal(result.bad_axis, 0);
    assert_int_equal(validate(TP_DTYPE_UINT32, ROW, 2, D(2, 3), D(13, 4), 0, 0), TPI_TENSOR_OK);
    assert_int_equal(validate(TP_DTYPE_UINT32, ROW, 1, D(3), D(3), 0, 0), TPI_TENSOR_OVERLAP);
    assert_int_equal(validate(TP_DTYPE_UINT32, ROW, 1, D(3), D(4), 0, 0), TPI_TENSOR_OK);
    assert_int_equal(validate(TP_DTYPE_UINT32, ROW, 2, D(2, 3), D(0, 8), 0, 0), TPI_TENSOR_OK);           /* mixed: inferred on top of given */
    assert_int_equal(result.tensor.strides[0], 24);
    assert_int_equal(validate(TP_DTYPE_UINT32, ROW, 2, D(2, 3), D(16, 0), 0, 0), TPI_TENSOR_OK);
    assert_int_equal(result.tensor.strides[1], 4);
    assert_int_equal(validate(TP_DTYPE_UINT32, COL, 2, D(3, 2), D(4, 12), 0, 0), TPI_TENSOR_OK);
    assert_int_equal(validate(TP_DTYPE_UINT32, COL, 2, D(3, 2), D(4, 11), 0, 0), TPI_TENSOR_OVERLAP);
    assert_int_equal(validate(TP_DTYPE_UINT32, ROW, 3, D(5, 1, 1), D(4, 4, 4), 0, 0), TPI_TENSOR_OK);     /* axes of size 1 may share a stride */
}

static void products_are_made_in_64_bits__O_16(void **state)
{
    (void)state;
    /* 65536 * 65536 is 0 in 32 bits: a wrapping check would call this 4-byte row fine */
    assert_int_equal(validate(TP_DTYPE_UINT8, ROW, 3, D(1, 65536, 65536), D(4, 0, 0), 0, 0), TPI_TENSOR_TOO_LARGE);
    assert_int_equal(validate(TP_DTYPE_UINT8, ROW, 2, D(1, INT32_MAX), D(INT32_MAX, 0), 0, 0), TPI_TENSOR_OK);
    assert_int_equal(validate(TP_DTYPE_UINT8, ROW, 2, D(1, INT32_MAX), D(INT32_MAX - 1, 0), 0, 0), TPI_TENSOR_OVERLAP);
    assert_int_equal(validate(TP_DTYPE_FLOAT64, ROW, 8, D(INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX),
        D(0), 0, 0), TPI_TENSOR_TOO_LARGE);
    /* inner block exactly at the limit: 3 * 1431655765 = 2^32 - 1 */
    assert_int_equal(validate(TP_DTYPE_UINT8, ROW, 3, D(2, 3, 1431655765), D(0), 0, 0), TPI_TENSOR_OK);
    assert_true(UINT64_C(0xFFFFFFFF) == result.tensor.strides[0]);
    assert_int_equal(validate(TP_DTYPE_UINT8, ROW, 3, D(2, 65536, 65536), D(0), 0, 0), TPI_TENSOR_TOO_LARGE);
    /* the outermost axis may exceed it: nobody multiplies by it again, the extent says so */
    assert_int_equal(validate(TP_DTYPE_UINT8, ROW, 2, D(INT32_MAX, INT32_MAX), D(0), 0, 0), TPI_TENSOR_OK);
    assert_true((uint64_t)INT32_MAX * INT32_MAX == result.extent_bytes);
}

static void empty_dimension_makes_an_empty_tensor__W_034_O_14(void **state)
{
    (void)state;
    assert_int_equal(validate(TP_DTYPE_UINT16, ROW, 3, D(2, 0, 3), D(0), 0, 0), TPI_TENSOR_OK);
    assert_int_equal(result.tensor.strides[2], 2);
    assert_int_equal(result.tensor.strides[1], 6);
    assert_int_equal(result.tensor.strides[0], 6);                        /* 0 counts as 1 */
    assert_int_equal(result.extent_bytes, 0);
    assert_int_equal(tpi_tensor_element_count(&result.tensor), 0);
    assert_true(tpi_tensor_fits(&result, 0));
    assert_true(tpi_tensor_is_contiguous(&result.tensor));
}

static void progress_axis_has_to_exist__W_033_O_13(void **state)
{
    (void)state;
    assert_int_equal(validate(TP_DTYPE_UINT16, ROW, 1, D(5), D(0), TP_PROGRESS_COLUMNS, 2), TPI_TENSOR_PROGRESS_AXIS);
    assert_int_equal(validate(TP_DTYPE_UINT16, ROW, 1, D(5), D(0), TP_PROGRESS_ROWS, 2), TPI_TENSOR_OK);
    assert_int_equal(validate(TP_DTYPE_UINT16, ROW, 2, D(5, 6), D(0), TP_PROGRESS_COLUMNS, 2), TPI_TENSOR_OK);
    assert_int_equal(validate(TP_DTYPE_UINT16, ROW, 2, D(5, 6), D(0), TP_PROGRESS_COLUMNS, 12), TPI_TENSOR_PROGRESS_STRIDE);
    assert_int_equal(validate(TP_DTYPE_UINT16, COL, 2, D(5, 6), D(0), TP_PROGRESS_ROWS, 2), TPI_TENSOR_OK);
    assert_int_equal(result.tensor.progress_unit, TP_PROGRESS_ROWS);
    assert_int_equal(result.tensor.progress_stride_bytes, 2);
}

static void progress_stride_is_ignored_without_a_unit__W_032_O_11(void **state)
{
    (void)state;
    assert_int_equal(validate(TP_DTYPE_UINT16, ROW, 1, D(5), D(0), TP_PROGRESS_NONE, 12345), TPI_TENSOR_OK);
    assert_int_equal(result.tensor.progress_stride_bytes, 0);
}

static void result_carries_the_public_value(void **state)
{
    (void)state;
    assert_int_equal(validate(TP_DTYPE_FLOAT32, COL, 2, D(3, 4), D(0, 16), 0, 0), TPI_TENSOR_OK);
    assert_int_equal(result.tensor.size, sizeof(tp_tensor_t));
    assert_int_equal(result.tensor.dtype, TP_DTYPE_FLOAT32);
    assert_int_equal(result.tensor.order, TP_COLUMN_MAJOR);
    assert_int_equal(result.tensor.ndims, 2);
    assert_int_equal(result.tensor.dims[1], 4);
    assert_int_equal(result.extent_bytes, 2 * 4 + 3 * 16 + 4);
    assert_false(result.inferred);
    assert_int_equal(tpi_tensor_element_count(&result.tensor), 12);
    assert_false(tpi_tensor_is_contiguous(&result.tensor));
    assert_int_equal(validate(TP_DTYPE_FLOAT32, COL, 2, D(3, 4), D(0, 12), 0, 0), TPI_TENSOR_OK);
    assert_true(tpi_tensor_is_contiguous(&result.tensor));
    assert_false(result.inferred);
    assert_int_equal(validate(TP_DTYPE_FLOAT32, COL, 2, D(3, 4), D(0, 0), 0, 0), TPI_TENSOR_OK);
    assert_true(result.inferred);
}

static void failure_changes_nothing_but_the_axis(void **state)
{
    (void)state;
    (void)validate(TP_DTYPE_UINT8, ROW, 1, D(1), D(0), 0, 0);
    const tpi_tensor_result_t before = result;
    const tpi_tensor_fields_t bad = { .dtype = TP_DTYPE_FLOAT64, .major_order = COL, .ndims = 2, .dims = D(3, 4), .strides = D(24, 8) };
    assert_int_equal(tpi_tensor_validate(&result, &bad), TPI_TENSOR_OVERLAP);
    assert_memory_equal(&result.tensor, &before.tensor, sizeof(before.tensor));
    assert_int_equal(result.extent_bytes, before.extent_bytes);
}

static void slot_fields_go_through_the_same_rules(void **state)
{
    (void)state;
    tpc_slot_t slot = TPC_SLOT_INIT;
    slot.dtype = TP_DTYPE_UINT16;
    slot.major_order = ROW;
    slot.ndims = 2;
    slot.dims[0] = 480;
    slot.dims[1] = 640;
    slot.progress_unit = TP_PROGRESS_ROWS;
    slot.progress_stride_bytes = 1280;
    assert_int_equal(tpi_tensor_validate_slot(&result, &slot), TPI_TENSOR_OK);
    assert_int_equal(result.extent_bytes, 614400);
    slot.dtype = 12;
    assert_int_equal(tpi_tensor_validate_slot(&result, &slot), TPI_TENSOR_DTYPE);
}

static void elements_lie_within_the_payload_or_are_not_given_out__O_15(void **state)
{
    (void)state;
    uint64_t offset = 99;
    assert_int_equal(validate(TP_DTYPE_UINT32, ROW, 2, D(2, 3), D(16, 0), 0, 0), TPI_TENSOR_OK);
    assert_int_equal(result.extent_bytes, 28);
    assert_true(tpi_tensor_fits(&result, 28));
    assert_false(tpi_tensor_fits(&result, 27));
    assert_true(tpi_tensor_offset(&result.tensor, (const int64_t[]){ 1, 2 }, 28, &offset));
    assert_int_equal(offset, 24);
    offset = 99;
    assert_false(tpi_tensor_offset(&result.tensor, (const int64_t[]){ 1, 2 }, 27, &offset));
    assert_int_equal(offset, 99);
    assert_true(tpi_tensor_offset(&result.tensor, (const int64_t[]){ 0, 0 }, 4, &offset));
    assert_int_equal(offset, 0);
    assert_false(tpi_tensor_offset(&result.tensor, (const int64_t[]){ 0, 0 }, 3, &offset));
    assert_false(tpi_tensor_offset(&result.tensor, (const int64_t[]){ 2, 0 }, 1000, &offset));
    assert_false(tpi_tensor_offset(&result.tensor, (const int64_t[]){ 0, 3 }, 1000, &offset));
    assert_false(tpi_tensor_offset(&result.tensor, (const int64_t[]){ -1, 0 }, 1000, &offset));
    assert_false(tpi_tensor_offset(&result.tensor, (const int64_t[]){ 0, INT64_MIN }, 1000, &offset));
}

static void tensors_an_application_made_up_do_not_wrap(void **state)
{
    (void)state;
    uint64_t offset = 0;
    tp_tensor_t wild = { .size = sizeof(wild), .dtype = TP_DTYPE_UINT8, .order = ROW, .ndims = 2, .dims = { INT32_MAX, INT32_MAX },
        .strides = { UINT64_MAX, UINT64_MAX } };
    assert_true(UINT64_MAX == tpi_tensor_extent_bytes(&wild));
    assert_false(tpi_tensor_offset(&wild, (const int64_t[]){ 2, 2 }, UINT64_MAX - 1, &offset));
    wild.ndims = 8;
    for (size_t i = 0; i < 8; i++) { wild.dims[i] = INT32_MAX; }
    assert_true(UINT64_MAX == tpi_tensor_element_count(&wild));
    wild.dims[7] = 0;
    assert_int_equal(tpi_tensor_element_count(&wild), 0);
    wild.dims[7] = -1;
    assert_int_equal(tpi_tensor_element_count(&wild), 0);
    assert_int_equal(tpi_tensor_extent_bytes(&wild), 0);
    wild.ndims = 9;
    assert_int_equal(tpi_tensor_extent_bytes(&wild), 0);
    assert_false(tpi_tensor_is_contiguous(&wild));
    assert_false(tpi_tensor_offset(&wild, (const int64_t[9]){ 0 }, 1000, &offset));
}

static void prefix_is_safe_only_where_the_layout_says_so__W_164_W_165_W_173_W_174(void **state)
{
    (void)state;
    assert_int_equal(validate(TP_DTYPE_UINT8, ROW, 2, D(4, 10), D(0, 0), 0, 0), TPI_TENSOR_OK);
    assert_int_equal(tpi_tensor_safe_prefix(&result, 17), 17);
    assert_int_equal(validate(TP_DTYPE_UINT8, ROW, 2, D(4, 10), D(10, 1), 0, 0), TPI_TENSOR_OK);
    assert_int_equal(tpi_tensor_safe_prefix(&result, 17), 0);
    assert_int_equal(validate(TP_DTYPE_UINT8, ROW, 2, D(4, 10), D(16, 1), TP_PROGRESS_ROWS, 16), TPI_TENSOR_OK);
    assert_int_equal(tpi_tensor_safe_prefix(&result, 15), 0);
    assert_int_equal(tpi_tensor_safe_prefix(&result, 16), 16);
    assert_int_equal(tpi_tensor_safe_prefix(&result, 47), 32);
    assert_int_equal(tpi_tensor_safe_prefix(&result, 57), 48);
    assert_int_equal(tpi_tensor_safe_prefix(&result, 58), 58);               /* the last row is whole although it is shorter than the stride */
}

static void every_verdict_has_name_and_text(void **state)
{
    (void)state;
    for (int i = 0; i < TPI_TENSOR_VERDICTS; i++)
    {
        assert_non_null(tpi_tensor_verdict_name(i));
        assert_string_not_equal(tpi_tensor_verdict_name(i), "unknown");
        assert_string_not_equal(tpi_tensor_verdict_text(i), "unknown");
    }
    assert_string_equal(tpi_tensor_verdict_name(TPI_TENSOR_VERDICTS), "unknown");
    assert_string_equal(tpi_tensor_verdict_text(-1), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(worked_examples_of_the_specification__W_030_W_031_W_032_W_033),
        cmocka_unit_test(ndims_is_one_to_eight__W_025),
        cmocka_unit_test(unknown_enum_values_are_rejected__W_070_W_071),
        cmocka_unit_test(entries_beyond_ndims_are_ignored_and_come_out_zero__W_028),
        cmocka_unit_test(negative_sizes_and_strides_are_rejected__W_029_O_14),
        cmocka_unit_test(strides_may_leave_gaps_but_never_overlap__W_030_O_16),
        cmocka_unit_test(products_are_made_in_64_bits__O_16),
        cmocka_unit_test(empty_dimension_makes_an_empty_tensor__W_034_O_14),
        cmocka_unit_test(progress_axis_has_to_exist__W_033_O_13),
        cmocka_unit_test(progress_stride_is_ignored_without_a_unit__W_032_O_11),
        cmocka_unit_test(result_carries_the_public_value),
        cmocka_unit_test(failure_changes_nothing_but_the_axis),
        cmocka_unit_test(slot_fields_go_through_the_same_rules),
        cmocka_unit_test(elements_lie_within_the_payload_or_are_not_given_out__O_15),
        cmocka_unit_test(tensors_an_application_made_up_do_not_wrap),
        cmocka_unit_test(prefix_is_safe_only_where_the_layout_says_so__W_164_W_165_W_173_W_174),
        cmocka_unit_test(every_verdict_has_name_and_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
