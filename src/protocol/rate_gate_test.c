#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "protocol/rate_gate.h"

#define MS INT64_C(1000000)

static int passed(tpi_rate_gate_t *gate, uint32_t hz, int64_t from_ns, int64_t step_ns, int count)
{
    int n = 0;
    for (int i = 0; i < count; i++)
    {
        const int64_t at_ns = from_ns + i * step_ns;
        if (!tpi_rate_gate_is_due(gate, hz, at_ns)) { continue; }
        tpi_rate_gate_take(gate, hz, at_ns);
        n++;
    }
    return n;
}

static void hundred_events_a_second_become_ten__W_134_W_192(void **state)
{
    (void)state;
    tpi_rate_gate_t gate = { 0 };
    assert_int_equal(passed(&gate, 10, 5000 * MS, 10 * MS, 1000), 100);
    gate = (tpi_rate_gate_t){ 0 };
    assert_int_equal(passed(&gate, 30, 5000 * MS, 10 * MS, 1000), 300);                /* no multiple of the step: the grid keeps the rate */
}

static void rate_0_passes_all__W_134_S_036(void **state)
{
    (void)state;
    tpi_rate_gate_t gate = { 0 };
    assert_int_equal(passed(&gate, 0, 0, 0, 100), 100);
    assert_int_equal(gate.next_ns, 0);
}

static void event_passes_at_its_time_and_not_before__W_192(void **state)
{
    (void)state;
    tpi_rate_gate_t gate = { 0 };
    tpi_rate_gate_take(&gate, 10, 1000 * MS);
    assert_false(tpi_rate_gate_is_due(&gate, 10, 1100 * MS - 1));
    assert_true(tpi_rate_gate_is_due(&gate, 10, 1100 * MS));
}

static void looking_takes_nothing(void **state)
{
    (void)state;
    tpi_rate_gate_t gate = { 0 };
    assert_true(tpi_rate_gate_is_due(&gate, 10, 1000 * MS));
    assert_true(tpi_rate_gate_is_due(&gate, 10, 1000 * MS));
}

static void rate_of_32_bits_is_not_cut__O_26(void **state)
{
    (void)state;
    tpi_rate_gate_t gate = { 0 };
    assert_int_equal(passed(&gate, 65536 + 10, 1000 * MS, 10 * MS, 100), 100);         /* 16 bits of it would be 10 Hz */
    gate = (tpi_rate_gate_t){ 0 };
    assert_int_equal(passed(&gate, UINT32_MAX, 1000 * MS, 1, 100), 100);
}

static void clock_that_jumps_back_starts_over(void **state)
{
    (void)state;
    tpi_rate_gate_t gate = { 0 };
    tpi_rate_gate_take(&gate, 10, INT64_MAX - 1);
    assert_int_equal(gate.next_ns, INT64_MAX);
    assert_false(tpi_rate_gate_is_due(&gate, 10, INT64_MAX - 1));
    assert_int_equal(passed(&gate, 10, 1000 * MS, 10 * MS, 100), 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hundred_events_a_second_become_ten__W_134_W_192), cmocka_unit_test(rate_0_passes_all__W_134_S_036),
        cmocka_unit_test(event_passes_at_its_time_and_not_before__W_192), cmocka_unit_test(looking_takes_nothing),
        cmocka_unit_test(rate_of_32_bits_is_not_cut__O_26), cmocka_unit_test(clock_that_jumps_back_starts_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
