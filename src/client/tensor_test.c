#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "client/producer_state.h"
#include "protocol/frame_check.h"

#include <tensor_pool/client/tp_tensor.h>

static void template_holds_the_shape_and_a_valid_slot_image__W_027_W_032(void **state)
{
    (void)state;
    tp_tensor_template_t *t = NULL;
    assert_int_equal(tp_tensor_template_init_strided(&t, TP_DTYPE_UINT16, TP_ROW_MAJOR, 2, (const int32_t[]){ 480, 640 },
        (const int32_t[]){ 1536, 2 }, TP_PROGRESS_ROWS), 0);
    const tp_tensor_t *tensor = tp_tensor_template_tensor(t);
    assert_int_equal(tensor->ndims, 2);
    assert_int_equal(tensor->strides[0], 1536);
    assert_int_equal(tensor->progress_stride_bytes, 1536);
    assert_false(tp_tensor_is_contiguous(tensor));
    assert_int_equal(tp_tensor_element_count(tensor), 480 * 640);
    assert_int_equal(tp_tensor_extent_bytes(tensor), 479 * 1536 + 640 * 2);
    tpc_slot_t slot;
    tpc_slot_decode(&slot, (const uint8_t *)t->image);
    assert_true(tpc_slot_is_v1(&slot));
    tpi_tensor_result_t result;
    assert_int_equal(tpi_tensor_validate_slot(&result, &slot), TPI_TENSOR_OK);
    for (int i = 2; i < TP_MAX_DIMS; i++)
    {
        assert_int_equal(slot.dims[i], 0);
        assert_int_equal(slot.strides[i], 0);
    }
    tp_tensor_template_close(t);
    tp_tensor_template_close(NULL);
}

static void bad_shapes_are_refused_with_the_rule__W_025_W_029_W_030_W_070(void **state)
{
    (void)state;
    tp_tensor_template_t *t = NULL;
    const int32_t dims[] = { 2, 2, 2, 2, 2, 2, 2, 2, 2 };
    assert_int_equal(tp_tensor_template_init(&t, TP_DTYPE_FLOAT32, TP_ROW_MAJOR, 0, dims), -1);
    assert_int_equal(tp_errcode(), TP_ETENSOR);
    assert_int_equal(tp_tensor_template_init(&t, TP_DTYPE_FLOAT32, TP_ROW_MAJOR, 9, dims), -1);
    assert_int_equal(tp_tensor_template_init(&t, TP_DTYPE_FLOAT32, TP_ROW_MAJOR, 8, dims), 0);
    tp_tensor_template_close(t);
    t = NULL;
    assert_int_equal(tp_tensor_template_init(&t, 12, TP_ROW_MAJOR, 2, dims), -1);
    assert_int_equal(tp_tensor_template_init(&t, TP_DTYPE_FLOAT32, 3, 2, dims), -1);
    assert_int_equal(tp_tensor_template_init(&t, TP_DTYPE_FLOAT32, TP_ROW_MAJOR, 1, (const int32_t[]){ -1 }), -1);
    assert_int_equal(tp_tensor_template_init_strided(&t, TP_DTYPE_FLOAT32, TP_ROW_MAJOR, 2, dims, (const int32_t[]){ 4, 2 }, 0), -1);
    assert_true('\0' != tp_errwhy()[0]);
    assert_int_equal(tp_tensor_template_init_strided(&t, TP_DTYPE_FLOAT32, TP_ROW_MAJOR, 1, dims, NULL, TP_PROGRESS_COLUMNS), -1);
    assert_int_equal(tp_tensor_template_init_strided(&t, TP_DTYPE_FLOAT32, TP_ROW_MAJOR, 1, dims, NULL, 9), -1);
    assert_int_equal(tp_tensor_template_init(&t, TP_DTYPE_UINT8, TP_ROW_MAJOR, 2, (const int32_t[]){ 65536, 65536 }), -1);
    assert_int_equal(tp_tensor_template_init(&t, TP_DTYPE_UINT8, TP_ROW_MAJOR, 2, (const int32_t[]){ 65535, 65536 }), 0);
    tp_tensor_template_close(t);
    assert_int_equal(tp_tensor_template_init(&t, TP_DTYPE_UINT8, TP_ROW_MAJOR, 1, NULL), -1);
    assert_int_equal(tp_errcode(), TP_EINVAL);
}

static void elements_are_given_out_only_inside_the_payload__O_15(void **state)
{
    (void)state;
    tp_tensor_template_t *t = NULL;
    uint16_t payload[12];
    assert_int_equal(tp_tensor_template_init(&t, TP_DTYPE_UINT16, TP_COLUMN_MAJOR, 2, (const int32_t[]){ 3, 4 }), 0);
    const tp_tensor_t *tensor = tp_tensor_template_tensor(t);
    assert_ptr_equal(tp_tensor_at(tensor, payload, sizeof(payload), (const int64_t[]){ 0, 0 }), &payload[0]);
    assert_ptr_equal(tp_tensor_at(tensor, payload, sizeof(payload), (const int64_t[]){ 2, 3 }), &payload[11]);
    assert_ptr_equal(tp_tensor_at(tensor, payload, sizeof(payload), (const int64_t[]){ 1, 2 }), &payload[7]);
    assert_null(tp_tensor_at(tensor, payload, sizeof(payload) - 1, (const int64_t[]){ 2, 3 }));
    assert_non_null(tp_tensor_at(tensor, payload, sizeof(payload) - 2, (const int64_t[]){ 1, 3 }));
    assert_null(tp_tensor_at(tensor, payload, sizeof(payload), (const int64_t[]){ 3, 0 }));
    assert_null(tp_tensor_at(tensor, payload, sizeof(payload), (const int64_t[]){ -1, 0 }));
    assert_null(tp_tensor_at(NULL, payload, sizeof(payload), (const int64_t[]){ 0, 0 }));
    assert_null(tp_tensor_at(tensor, NULL, sizeof(payload), (const int64_t[]){ 0, 0 }));
    tp_tensor_template_close(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(template_holds_the_shape_and_a_valid_slot_image__W_027_W_032),
        cmocka_unit_test(bad_shapes_are_refused_with_the_rule__W_025_W_029_W_030_W_070),
        cmocka_unit_test(elements_are_given_out_only_inside_the_payload__O_15),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
