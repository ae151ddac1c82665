#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/idle.h"

#include <tensor_pool/common/tp_error.h>

static void names_and_kinds_agree(void **state)
{
    (void)state;
    static const char *const names[] = { "busy", "yield", "backoff", "sleep", "noop" };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
    {
        tpi_idle_kind_t kind;
        assert_int_equal(tpi_idle_kind_from_name(&kind, names[i]), 0);
        assert_string_equal(tpi_idle_kind_name(kind), names[i]);
    }
    tpi_idle_kind_t kind = TPI_IDLE_YIELD;
    assert_int_equal(tpi_idle_kind_from_name(&kind, "fast"), -1);
    assert_int_equal(tp_errcode(), TP_EINVAL);
    assert_int_equal(kind, TPI_IDLE_YIELD);
    assert_int_equal(tpi_idle_kind_from_name(&kind, NULL), -1);
}

static void backoff_parks_longer_and_longer_up_to_its_bound(void **state)
{
    (void)state;
    tpi_idle_t idle;
    tpi_idle_init(&idle, TPI_IDLE_BACKOFF, 1000, 10000);
    int64_t park = 0;
    int free_rounds = 0;
    while (0 == (park = tpi_idle_step(&idle))) { free_rounds++; }
    assert_true(free_rounds > 10);
    assert_int_equal(park, 1000);
    assert_int_equal(tpi_idle_step(&idle), 2000);
    assert_int_equal(tpi_idle_step(&idle), 4000);
    assert_int_equal(tpi_idle_step(&idle), 8000);
    assert_int_equal(tpi_idle_step(&idle), 10000);
    assert_int_equal(tpi_idle_step(&idle), 10000);
    tpi_idle_reset(&idle);
    assert_int_equal(tpi_idle_step(&idle), 0);
}

static void work_starts_the_strategy_over(void **state)
{
    (void)state;
    tpi_idle_t idle;
    tpi_idle_init(&idle, TPI_IDLE_BACKOFF, 1000, 1000);
    while (0 == tpi_idle_step(&idle)) { }
    tpi_idle(&idle, 1, -1);
    assert_int_equal(tpi_idle_step(&idle), 0);
}

static void a_park_never_exceeds_the_limit(void **state)
{
    (void)state;
    tpi_idle_t idle;
    tpi_idle_init(&idle, TPI_IDLE_SLEEP, 1, 60 * TPI_NS_PER_S);
    const int64_t before = tpi_clock_monotonic_ns();
    tpi_idle(&idle, 0, 1000);
    assert_true(tpi_clock_monotonic_ns() - before < 30 * TPI_NS_PER_S);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_kinds_agree),
        cmocka_unit_test(backoff_parks_longer_and_longer_up_to_its_bound),
        cmocka_unit_test(work_starts_the_strategy_over),
        cmocka_unit_test(a_park_never_exceeds_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
