/* Pictures and packed arrays: layouts, strides, types, and what is no picture. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "picture.h"
#include "sink.h"

static tp_tensor_t shape(int dtype, int order, uint32_t ndims, const int32_t *dims, const int32_t *strides)
{
    tp_tensor_template_t *made = NULL;
    assert_int_equal(tp_tensor_template_init_strided(&made, dtype, order, ndims, dims, strides, TP_PROGRESS_NONE), 0);
    const tp_tensor_t tensor = *tp_tensor_template_tensor(made);
    tp_tensor_template_close(made);
    return tensor;
}

static void grey_and_colour_and_planes_are_pictures(void **state)
{
    const uint8_t bytes[24] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24 };
    const uint8_t grey[18] = { 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5, 6, 6, 6 };
    const uint8_t planes[12] = { 1, 5, 9, 2, 6, 10, 3, 7, 11, 4, 8, 12 };
    const uint8_t rgba[6] = { 1, 2, 3, 5, 6, 7 };
    cli_picture_t picture;
    (void)state;
    tp_tensor_t tensor = shape(TP_DTYPE_UINT8, TP_ROW_MAJOR, 2, (int32_t[]){ 2, 3 }, NULL);
    assert_null(cli_picture_from_tensor(&picture, &tensor, bytes, 6));
    assert_int_equal(picture.width, 3);
    assert_int_equal(picture.height, 2);
    assert_memory_equal(picture.rgb, grey, sizeof(grey));
    cli_picture_fini(&picture);
    tensor = shape(TP_DTYPE_UINT8, TP_ROW_MAJOR, 3, (int32_t[]){ 2, 2, 3 }, NULL);
    assert_null(cli_picture_from_tensor(&picture, &tensor, bytes, 12));
    assert_memory_equal(picture.rgb, bytes, 12);
    cli_picture_fini(&picture);
    tensor = shape(TP_DTYPE_UINT8, TP_ROW_MAJOR, 3, (int32_t[]){ 3, 2, 2 }, NULL);
    assert_null(cli_picture_from_tensor(&picture, &tensor, bytes, 12));
    assert_memory_equal(picture.rgb, planes, sizeof(planes));
    cli_picture_fini(&picture);
    tensor = shape(TP_DTYPE_UINT8, TP_ROW_MAJOR, 3, (int32_t[]){ 1, 2, 4 }, NULL);
    assert_null(cli_picture_from_tensor(&picture, &tensor, bytes, 8));
    assert_memory_equal(picture.rgb, rgba, sizeof(rgba));
    cli_picture_fini(&picture);
}

static void other_types_are_stretched_and_strange_values_harmless(void **state)
{
    const float values[5] = { -1.0F, 0.0F, 1.0F, NAN, INFINITY };
    const uint8_t wanted[15] = { 0, 0, 0, 128, 128, 128, 255, 255, 255, 0, 0, 0, 255, 255, 255 };
    const uint16_t constant[2] = { 900, 900 };
    cli_picture_t picture;
    (void)state;
    tp_tensor_t tensor = shape(TP_DTYPE_FLOAT32, TP_ROW_MAJOR, 2, (int32_t[]){ 1, 5 }, NULL);
    assert_null(cli_picture_from_tensor(&picture, &tensor, values, sizeof(values)));
    assert_memory_equal(picture.rgb, wanted, sizeof(wanted));
    cli_picture_fini(&picture);
    tensor = shape(TP_DTYPE_UINT16, TP_ROW_MAJOR, 2, (int32_t[]){ 1, 2 }, NULL);
    assert_null(cli_picture_from_tensor(&picture, &tensor, constant, sizeof(constant)));
    assert_int_equal(picture.rgb[0], 0);
    cli_picture_fini(&picture);
}

static void what_is_no_picture_is_refused(void **state)
{
    const uint8_t bytes[100] = { 0 };
    cli_picture_t picture;
    (void)state;
    tp_tensor_t tensor = shape(TP_DTYPE_UINT8, TP_ROW_MAJOR, 1, (int32_t[]){ 9 }, NULL);
    assert_non_null(cli_picture_from_tensor(&picture, &tensor, bytes, sizeof(bytes)));
    tensor = shape(TP_DTYPE_UINT8, TP_ROW_MAJOR, 3, (int32_t[]){ 2, 2, 2 }, NULL);
    assert_non_null(cli_picture_from_tensor(&picture, &tensor, bytes, sizeof(bytes)));
    tensor = shape(TP_DTYPE_UINT8, TP_ROW_MAJOR, 2, (int32_t[]){ 0, 2 }, NULL);
    assert_non_null(cli_picture_from_tensor(&picture, &tensor, bytes, sizeof(bytes)));
    tensor = shape(TP_DTYPE_UINT8, TP_ROW_MAJOR, 2, (int32_t[]){ 10, 10 }, NULL);
    assert_null(cli_picture_from_tensor(&picture, &tensor, bytes, 100));
    cli_picture_fini(&picture);
    assert_non_null(cli_picture_from_tensor(&picture, &tensor, bytes, 99));
}

static void drawings_keep_the_proportions(void **state)
{
    static uint8_t rgb[100 * 50 * 3];
    const cli_picture_t picture = { 100, 50, rgb };
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    unsigned lines = 0;
    unsigned blocks = 0;
    (void)state;
    assert_non_null(out);
    cli_picture_print(&picture, 40, 100, out);
    fclose(out);
    for (const char *at = text; '\0' != *at; at++) { lines += '\n' == *at ? 1 : 0; }
    for (const char *at = strstr(text, "\xe2\x96\x80"); NULL != at; at = strstr(at + 1, "\xe2\x96\x80")) { blocks++; }
    assert_int_equal(lines, 10);
    assert_int_equal(blocks, 400);
    free(text);
}

static void padded_rows_are_packed(void **state)
{
    const uint8_t bytes[8] = { 1, 2, 3, 99, 4, 5, 6, 99 };
    const uint8_t wanted[6] = { 1, 2, 3, 4, 5, 6 };
    uint8_t *buffer = NULL;
    size_t capacity = 0;
    (void)state;
    tp_tensor_t tensor = shape(TP_DTYPE_UINT8, TP_ROW_MAJOR, 2, (int32_t[]){ 2, 3 }, (int32_t[]){ 4, 1 });
    const void *packed = cli_pack(&tensor, bytes, sizeof(bytes), &buffer, &capacity);
    assert_non_null(packed);
    assert_memory_equal(packed, wanted, sizeof(wanted));
    assert_null(cli_pack(&tensor, bytes, 6, &buffer, &capacity));
    tensor = shape(TP_DTYPE_UINT8, TP_ROW_MAJOR, 2, (int32_t[]){ 2, 3 }, NULL);
    assert_ptr_equal(cli_pack(&tensor, bytes, 6, &buffer, &capacity), bytes);
    free(buffer);
}

static void column_major_is_packed_in_its_own_order(void **state)
{
    const uint8_t bytes[8] = { 1, 2, 3, 99, 4, 5, 6, 99 };
    const uint8_t wanted[6] = { 1, 2, 3, 4, 5, 6 };
    uint8_t *buffer = NULL;
    size_t capacity = 0;
    (void)state;
    const tp_tensor_t tensor = shape(TP_DTYPE_UINT8, TP_COLUMN_MAJOR, 2, (int32_t[]){ 3, 2 }, (int32_t[]){ 1, 4 });
    assert_memory_equal(cli_pack(&tensor, bytes, sizeof(bytes), &buffer, &capacity), wanted, sizeof(wanted));
    free(buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grey_and_colour_and_planes_are_pictures),
        cmocka_unit_test(other_types_are_stretched_and_strange_values_harmless),
        cmocka_unit_test(what_is_no_picture_is_refused),
        cmocka_unit_test(drawings_keep_the_proportions),
        cmocka_unit_test(padded_rows_are_packed),
        cmocka_unit_test(column_major_is_packed_in_its_own_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
