#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <tensor_pool/common/tp_types.h>

static void element_sizes_are_those_of_the_table__O_14(void **state)
{
    static const size_t sizes[] = { 0, 1, 1, 2, 2, 4, 4, 8, 8, 4, 8, 1, 0, 1, 1 };
    (void)state;
    for (int dtype = 0; dtype < 15; dtype++) { assert_int_equal(tp_dtype_size(dtype), sizes[dtype]); }
}

static void an_unknown_type_has_no_size__W_070(void **state)
{
    static const int unknown[] = { TP_DTYPE_UNKNOWN, 12, 15, -1, INT16_MIN, INT16_MAX, INT32_MAX };
    (void)state;
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
    {
        assert_int_equal(tp_dtype_size(unknown[i]), 0);
        assert_string_equal(tp_dtype_name(unknown[i]), "unknown");
    }
}

static void names_lead_back_to_their_type(void **state)
{
    (void)state;
    for (int dtype = 1; dtype < 15; dtype++)
    {
        if (12 != dtype) { assert_int_equal(tp_dtype_from_name(tp_dtype_name(dtype)), dtype); }
    }
    assert_string_equal(tp_dtype_name(TP_DTYPE_UINT16), "uint16");
    assert_string_equal(tp_dtype_name(TP_DTYPE_FLOAT32), "float32");
    assert_string_equal(tp_dtype_name(TP_DTYPE_BOOLEAN), "bool");
}

static void short_names_are_understood(void **state)
{
    (void)state;
    assert_int_equal(tp_dtype_from_name("u8"), TP_DTYPE_UINT8);
    assert_int_equal(tp_dtype_from_name("i8"), TP_DTYPE_INT8);
    assert_int_equal(tp_dtype_from_name("u16"), TP_DTYPE_UINT16);
    assert_int_equal(tp_dtype_from_name("i16"), TP_DTYPE_INT16);
    assert_int_equal(tp_dtype_from_name("u32"), TP_DTYPE_UINT32);
    assert_int_equal(tp_dtype_from_name("i32"), TP_DTYPE_INT32);
    assert_int_equal(tp_dtype_from_name("u64"), TP_DTYPE_UINT64);
    assert_int_equal(tp_dtype_from_name("i64"), TP_DTYPE_INT64);
    assert_int_equal(tp_dtype_from_name("f32"), TP_DTYPE_FLOAT32);
    assert_int_equal(tp_dtype_from_name("f64"), TP_DTYPE_FLOAT64);
    assert_int_equal(tp_dtype_from_name("bool"), TP_DTYPE_BOOLEAN);
}

static void other_names_are_unknown(void **state)
{
    (void)state;
    assert_int_equal(tp_dtype_from_name(NULL), TP_DTYPE_UNKNOWN);
    assert_int_equal(tp_dtype_from_name(""), TP_DTYPE_UNKNOWN);
    assert_int_equal(tp_dtype_from_name("UINT16"), TP_DTYPE_UNKNOWN);
    assert_int_equal(tp_dtype_from_name("uint16 "), TP_DTYPE_UNKNOWN);
    assert_int_equal(tp_dtype_from_name("unknown"), TP_DTYPE_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(element_sizes_are_those_of_the_table__O_14),
        cmocka_unit_test(an_unknown_type_has_no_size__W_070),
        cmocka_unit_test(names_lead_back_to_their_type),
        cmocka_unit_test(short_names_are_understood),
        cmocka_unit_test(other_names_are_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
