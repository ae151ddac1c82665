/* Numbers and shapes: both sides of every bound, and nothing but digits. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "number.h"

static void whole_numbers_keep_their_bounds(void **state)
{
    uint64_t value = 7;
    (void)state;
    assert_true(cli_parse_u64("0", 0, 10, &value));
    assert_int_equal(value, 0);
    assert_true(cli_parse_u64("10", 0, 10, &value));
    assert_int_equal(value, 10);
    assert_false(cli_parse_u64("11", 0, 10, &value));
    assert_false(cli_parse_u64("0", 1, 10, &value));
    assert_int_equal(value, 10);
    assert_true(cli_parse_u64("18446744073709551615", 0, UINT64_MAX, &value));
    assert_true(UINT64_MAX == value);
    assert_false(cli_parse_u64("18446744073709551616", 0, UINT64_MAX, &value));
    assert_false(cli_parse_u64("99999999999999999999", 0, UINT64_MAX, &value));
}

static void whole_numbers_are_digits_only(void **state)
{
    static const char *const wrong[] = { "", " 1", "1 ", "-1", "+1", "1e3", "0x10", "1.0", "one" };
    uint64_t value = 7;
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) { assert_false(cli_parse_u64(wrong[i], 0, UINT64_MAX, &value)); }
    assert_false(cli_parse_u64(NULL, 0, UINT64_MAX, &value));
    assert_int_equal(value, 7);
}

static void reals_are_finite_and_not_negative(void **state)
{
    static const char *const wrong[] = { "", "-1", "nan", "inf", "1e999", " 1", "1 ", "1,5", "1.5s", "100.01" };
    double value = 7.0;
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) { assert_false(cli_parse_real(wrong[i], 100.0, &value)); }
    assert_true(7.0 == value);
    assert_true(cli_parse_real("100", 100.0, &value));
    assert_true(100.0 == value);
    assert_true(cli_parse_real(".5", 100.0, &value));
    assert_true(fabs(0.5 - value) < 1e-12);
    assert_true(cli_parse_real("1e1", 100.0, &value));
    assert_true(10.0 == value);
}

static void shapes_have_one_to_eight_sizes(void **state)
{
    int32_t dims[TP_MAX_DIMS];
    uint32_t ndims = 99;
    char text[128];
    (void)state;
    assert_true(cli_parse_shape("576x768x3", dims, &ndims));
    assert_int_equal(ndims, 3);
    assert_int_equal(dims[0], 576);
    assert_int_equal(dims[2], 3);
    assert_string_equal(cli_format_shape(text, ndims, dims), "576x768x3");
    assert_true(cli_parse_shape("2,3", dims, &ndims));
    assert_int_equal(ndims, 2);
    assert_true(cli_parse_shape("0", dims, &ndims));
    assert_true(cli_parse_shape("1x2x3x4x5x6x7x8", dims, &ndims));
    assert_int_equal(ndims, 8);
    assert_true(cli_parse_shape("2147483647", dims, &ndims));
    ndims = 99;
    assert_false(cli_parse_shape("1x2x3x4x5x6x7x8x9", dims, &ndims));
    assert_false(cli_parse_shape("2147483648", dims, &ndims));
    assert_int_equal(ndims, 99);
}

static void broken_shapes_are_refused(void **state)
{
    static const char *const wrong[] = { "", "x", "1x", "x1", "1xx2", "-1x2", "1 x 2", "axb", "1x99999999999999999999", "1X2" };
    int32_t dims[TP_MAX_DIMS];
    uint32_t ndims;
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) { assert_false(cli_parse_shape(wrong[i], dims, &ndims)); }
    assert_false(cli_parse_shape(NULL, dims, &ndims));
}

static void the_longest_shape_fits_its_buffer(void **state)
{
    int32_t dims[TP_MAX_DIMS];
    char text[96];
    (void)state;
    for (int i = 0; i < TP_MAX_DIMS; i++) { dims[i] = INT32_MAX; }
    assert_string_equal(cli_format_shape(text, TP_MAX_DIMS, dims),
        "2147483647x2147483647x2147483647x2147483647x2147483647x2147483647x2147483647x2147483647");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers_keep_their_bounds),
        cmocka_unit_test(whole_numbers_are_digits_only),
        cmocka_unit_test(reals_are_finite_and_not_negative),
        cmocka_unit_test(shapes_have_one_to_eight_sizes),
        cmocka_unit_test(broken_shapes_are_refused),
        cmocka_unit_test(the_longest_shape_fits_its_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
