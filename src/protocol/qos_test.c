#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "protocol/qos.h"

#define S INT64_C(1000000000)
#define MS INT64_C(1000000)

static void reports_are_due_once_a_period__W_188(void **state)
{
    (void)state;
    tpi_cadence_t c;
    tpi_cadence_init(&c, S, 10 * S);
    assert_false(tpi_cadence_is_due(&c, 10 * S - 1));
    assert_true(tpi_cadence_is_due(&c, 10 * S));
    tpi_cadence_done(&c, 10 * S);
    assert_false(tpi_cadence_is_due(&c, 11 * S - 1));
    assert_true(tpi_cadence_is_due(&c, 11 * S));
}

static void late_ticks_do_not_slow_the_cadence_down__W_188(void **state)
{
    (void)state;
    tpi_cadence_t c;
    int sent = 0;
    tpi_cadence_init(&c, S, 0);
    for (int64_t now = 0; now < 100 * S; now += 30 * MS)               /* 30 ms do not divide a second */
    {
        if (!tpi_cadence_is_due(&c, now)) { continue; }
        tpi_cadence_done(&c, now);
        sent++;
    }
    assert_int_equal(sent, 100);
}

static void a_pause_is_not_made_up_for__W_188(void **state)
{
    (void)state;
    tpi_cadence_t c;
    tpi_cadence_init(&c, S, 0);
    tpi_cadence_done(&c, 0);
    assert_true(tpi_cadence_is_due(&c, 7 * S + 1));
    tpi_cadence_done(&c, 7 * S + 1);
    assert_false(tpi_cadence_is_due(&c, 8 * S));
    assert_true(tpi_cadence_is_due(&c, 8 * S + 1));
}

static void a_change_is_due_at_once_and_a_due_one_is_not_put_off(void **state)
{
    (void)state;
    tpi_cadence_t c;
    tpi_cadence_init(&c, S, 5 * S);
    tpi_cadence_hasten(&c, 2 * S);
    assert_int_equal(c.due_ns, 2 * S);
    tpi_cadence_hasten(&c, 3 * S);
    assert_int_equal(c.due_ns, 2 * S);
}

static void totals_stop_at_their_end__W_189(void **state)
{
    (void)state;
    uint64_t drops[TPI_DROP_REASON_COUNT] = { 0 };
    tpc_qos_consumer_t qos = TPC_QOS_CONSUMER_INIT;
    assert_int_equal(tpi_qos_add(UINT64_MAX - 1, 1), UINT64_MAX);
    assert_int_equal(tpi_qos_add(UINT64_MAX - 1, 2), UINT64_MAX);
    drops[TPI_DROP_GAP] = UINT64_MAX - 1;
    drops[TPI_DROP_RESYNC] = 1;
    drops[TPI_DROP_CHANGED] = UINT64_MAX;
    tpi_qos_consumer_totals(&qos, drops);
    assert_int_equal(qos.drops_gap, UINT64_MAX);
    assert_int_equal(qos.drops_late, UINT64_MAX);
    drops[TPI_DROP_RESYNC] = 2;
    drops[TPI_DROP_BAD_TENSOR] = 1;
    tpi_qos_consumer_totals(&qos, drops);
    assert_int_equal(qos.drops_gap, UINT64_MAX);
    assert_int_equal(qos.drops_late, UINT64_MAX);
}

static void each_reason_is_in_one_total_at_most__W_189(void **state)
{
    (void)state;
    for (int i = 0; i < TPI_DROP_REASON_COUNT; i++)
    {
        uint64_t drops[TPI_DROP_REASON_COUNT] = { 0 };
        tpc_qos_consumer_t qos = TPC_QOS_CONSUMER_INIT;
        drops[i] = 7;
        tpi_qos_consumer_totals(&qos, drops);
        const tpi_drop_class_t class = tpi_drop_reason_class(i);
        assert_int_equal(qos.drops_gap, TPI_DROP_CLASS_GAP == class ? 7 : 0);
        assert_int_equal(qos.drops_late, TPI_DROP_CLASS_LATE == class ? 7 : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reports_are_due_once_a_period__W_188),
        cmocka_unit_test(late_ticks_do_not_slow_the_cadence_down__W_188),
        cmocka_unit_test(a_pause_is_not_made_up_for__W_188),
        cmocka_unit_test(a_change_is_due_at_once_and_a_due_one_is_not_put_off),
        cmocka_unit_test(totals_stop_at_their_end__W_189),
        cmocka_unit_test(each_reason_is_in_one_total_at_most__W_189),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
