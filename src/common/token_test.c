#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/token.h"

static void tokens_differ_and_a_given_one_stays(void **state)
{
    (void)state;
    uint64_t first = 0;
    uint64_t second = 0;
    uint64_t given = 7;
    assert_int_equal(tpi_token_make(&first, "test"), 0);
    assert_int_equal(tpi_token_make(&second, "test"), 0);
    assert_int_equal(tpi_token_make(&given, "test"), 0);
    assert_true(0 != first && 0 != second && first != second);
    assert_true(7 == given);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(tokens_differ_and_a_given_one_stays) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
