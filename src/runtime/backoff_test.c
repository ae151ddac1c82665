#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "runtime/backoff.h"

static void delays_double_up_to_their_bound__D_056_W_194(void **state)
{
    (void)state;
    tpi_backoff_t b;
    tpi_backoff_init(&b, 100, 500, 0);
    assert_true(tpi_backoff_is_due(&b, 0));
    assert_int_equal(tpi_backoff_failed(&b, 1000), 100);
    assert_false(tpi_backoff_is_due(&b, 1099));
    assert_true(tpi_backoff_is_due(&b, 1100));
    assert_int_equal(tpi_backoff_failed(&b, 1100), 200);
    assert_int_equal(tpi_backoff_failed(&b, 1100), 400);
    assert_int_equal(tpi_backoff_failed(&b, 1100), 500);
    assert_int_equal(tpi_backoff_failed(&b, 1100), 500);
    tpi_backoff_reset(&b);
    assert_true(tpi_backoff_is_due(&b, 0));
    assert_int_equal(tpi_backoff_failed(&b, 0), 100);
}

static void jitter_shortens_by_a_quarter_at_most(void **state)
{
    (void)state;
    tpi_backoff_t b;
    int different = 0;
    int64_t last = -1;
    tpi_backoff_init(&b, 1000, 1000, 7);
    for (int i = 0; i < 200; i++)
    {
        const int64_t delay = tpi_backoff_failed(&b, 0);
        assert_in_range(delay, 750, 1000);
        different += delay != last ? 1 : 0;
        last = delay;
    }
    assert_true(different > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delays_double_up_to_their_bound__D_056_W_194), cmocka_unit_test(jitter_shortens_by_a_quarter_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
