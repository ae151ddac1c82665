#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "protocol/health.h"

static int raised;
static int cleared;
static int64_t last_value;

static void on_condition(void *clientd, tpi_condition_t *condition, bool is_raised)
{
    tpi_health_t *const health = clientd;
    last_value = condition->value;
    if (is_raised)
    {
        raised++;
        assert_ptr_equal(tpi_health_find(health, condition->key), condition);
    }
    else
    {
        cleared++;
        assert_null(tpi_health_find(health, condition->key));
    }
}

static tpi_health_t health;
static const tpi_health_key_t key = { 1, 10, 3 };

static int setup(void **state)
{
    (void)state;
    raised = cleared = 0;
    tpi_health_init(&health, 3, 100, on_condition, &health);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tpi_health_fini(&health);
    return 0;
}

static void raised_at_the_bound_once(void **state)
{
    (void)state;
    tpi_health_observe(&health, key, 7, 8, 1000);
    assert_int_equal(raised, 0);
    tpi_health_observe(&health, key, 8, 8, 1001);
    tpi_health_observe(&health, key, 9, 8, 1002);
    assert_int_equal(raised, 1);
    assert_int_equal(last_value, 8);
    assert_int_equal(tpi_health_find(&health, key)->since_ns, 1001);
    assert_int_equal(tpi_health_find(&health, key)->value, 9);
}

static void cleared_when_well_below_for_a_while(void **state)
{
    (void)state;
    tpi_health_observe(&health, key, 8, 8, 0);
    tpi_health_observe(&health, key, 6, 8, 1000);              /* three quarters: neither bad nor better */
    tpi_health_observe(&health, key, 6, 8, 2000);
    assert_int_equal(cleared, 0);
    tpi_health_observe(&health, key, 5, 8, 3000);
    tpi_health_observe(&health, key, 5, 8, 3099);
    assert_int_equal(cleared, 0);
    tpi_health_observe(&health, key, 7, 8, 3099);              /* worse again: the while begins anew */
    tpi_health_observe(&health, key, 5, 8, 3100);
    tpi_health_observe(&health, key, 5, 8, 3199);
    assert_int_equal(cleared, 0);
    tpi_health_observe(&health, key, 5, 8, 3200);
    assert_int_equal(cleared, 1);
    assert_int_equal(tpi_health_count(&health), 0);
}

static void bound_of_1_is_better_at_0(void **state)
{
    (void)state;
    health.clear_ns = 0;
    tpi_health_observe(&health, key, 1, 1, 0);
    assert_int_equal(raised, 1);
    tpi_health_observe(&health, key, 0, 1, 1);
    assert_int_equal(cleared, 1);
}

static void no_bound_no_condition(void **state)
{
    (void)state;
    tpi_health_observe(&health, key, INT64_MAX, 0, 0);
    tpi_health_observe(&health, key, INT64_MAX, -1, 0);
    assert_int_equal(raised, 0);
}

static void conditions_are_told_apart_by_the_whole_key(void **state)
{
    (void)state;
    const tpi_health_key_t others[] = { { 2, 10, 3 }, { 1, 11, 3 } };
    tpi_health_observe(&health, key, 1, 1, 0);
    for (int i = 0; i < 2; i++) { tpi_health_observe(&health, others[i], 1, 1, 0); }
    assert_int_equal(raised, 3);
    tpi_health_forget(&health, others[0]);
    tpi_health_forget(&health, others[0]);
    assert_int_equal(cleared, 1);
    assert_non_null(tpi_health_find(&health, key));
    assert_non_null(tpi_health_find(&health, others[1]));
}

static void what_is_beyond_the_limit_is_counted__P11(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 10; i++) { tpi_health_observe(&health, (tpi_health_key_t){ 1, i, 0 }, 1, 1, 0); }
    assert_int_equal(raised, 3);
    assert_int_equal(health.refused, 7);
    assert_int_equal(tpi_health_count(&health), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(raised_at_the_bound_once, setup, teardown),
        cmocka_unit_test_setup_teardown(cleared_when_well_below_for_a_while, setup, teardown),
        cmocka_unit_test_setup_teardown(bound_of_1_is_better_at_0, setup, teardown),
        cmocka_unit_test_setup_teardown(no_bound_no_condition, setup, teardown),
        cmocka_unit_test_setup_teardown(conditions_are_told_apart_by_the_whole_key, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_beyond_the_limit_is_counted__P11, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
