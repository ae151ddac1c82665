#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <tensor_pool/common/tp_types.h>

static void sizes_are_those_of_the_specification__W_071_O_14(void **state)
{
    (void)state;
    static const size_t sizes[] = { 0, 1, 1, 2, 2, 4, 4, 8, 8, 4, 8, 1, 0, 1, 1, 0 };
    for (int dtype = 0; dtype <= 15; dtype++) { assert_int_equal(tp_dtype_size(dtype), sizes[dtype]); }
    assert_int_equal(tp_dtype_size(-1), 0);
    assert_int_equal(tp_dtype_size(-32768), 0);
}

static void names_lead_back_to_their_type(void **state)
{
    (void)state;
    for (int dtype = 1; dtype <= 14; dtype++)
    {
        if (12 == dtype) { continue; }
        assert_int_equal(tp_dtype_from_name(tp_dtype_name(dtype)), dtype);
    }
    assert_string_equal(tp_dtype_name(12), "unknown");
    assert_int_equal(tp_dtype_from_name("unknown"), TP_DTYPE_UNKNOWN);
    assert_int_equal(tp_dtype_from_name("f32"), TP_DTYPE_FLOAT32);
    assert_int_equal(tp_dtype_from_name("Float32"), TP_DTYPE_UNKNOWN);
    assert_int_equal(tp_dtype_from_name(NULL), TP_DTYPE_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_those_of_the_specification__W_071_O_14),
        cmocka_unit_test(names_lead_back_to_their_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
