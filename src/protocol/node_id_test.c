/* Node ids: uniqueness, wishes, cooldown, return of the old owner. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "protocol/node_id.h"

static tpi_node_ids_t ids;

static int setup(void **state)
{
    (void)state;
    tpi_node_ids_init(&ids, 2000, 1000);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tpi_node_ids_fini(&ids);
    return 0;
}

static uint32_t take(uint32_t client, int64_t now_ns)
{
    const uint32_t id = tpi_node_ids_pick(&ids, client, now_ns);
    if (0 != id) { assert_int_equal(tpi_node_ids_hold(&ids, id, client, now_ns), 0); }
    return id;
}

static void lowest_free_numbers_are_given_up_to_1023__D_090(void **state)
{
    (void)state;
    for (uint32_t client = 1; client <= 1023; client++) { assert_int_equal(take(client, 0), client); }
    assert_int_equal(take(5000, 0), 0);
    tpi_node_ids_release(&ids, 17, 0);
    assert_int_equal(take(5000, 999), 0);
    assert_int_equal(take(5000, 1000), 17);
}

static void a_cooling_id_goes_to_nobody_but_its_last_owner__D_093_D_092_T_016(void **state)
{
    (void)state;
    assert_int_equal(take(7, 0), 1);
    tpi_node_ids_release(&ids, 1, 100);
    assert_false(tpi_node_ids_is_free(&ids, 1, 8, 1099));
    assert_true(tpi_node_ids_is_free(&ids, 1, 7, 101));
    assert_int_equal(tpi_node_ids_pick(&ids, 8, 1099), 2);
    assert_true(tpi_node_ids_is_free(&ids, 1, 8, 1100));
    assert_int_equal(take(7, 50000), 1);
}

static void without_cooldown_an_id_is_free_at_once__D_097(void **state)
{
    (void)state;
    ids.cooldown_ns = 0;
    assert_int_equal(take(7, 0), 1);
    tpi_node_ids_release(&ids, 1, 100);
    assert_true(tpi_node_ids_is_free(&ids, 1, 8, 100));
}

static void wishes_of_any_value_but_zero_and_null_are_possible__D_087_D_088(void **state)
{
    (void)state;
    assert_int_equal(tpi_node_ids_hold(&ids, 4000000000u, 7, 0), 0);
    assert_false(tpi_node_ids_is_free(&ids, 4000000000u, 8, 0));
    assert_int_equal(tpi_node_ids_hold(&ids, 4000000000u, 8, 0), -1);
    assert_false(tpi_node_ids_is_free(&ids, 4000000000u, 7, 0));
    assert_false(tpi_node_ids_is_free(&ids, 0, 7, 0));
    assert_false(tpi_node_ids_is_free(&ids, UINT32_MAX, 7, 0));
    assert_true(tpi_node_ids_is_free(&ids, UINT32_MAX - 1, 7, 0));
}

static void a_held_id_is_nobody_elses_however_long__T_011_T_018(void **state)
{
    (void)state;
    assert_int_equal(take(7, 0), 1);
    assert_false(tpi_node_ids_is_free(&ids, 1, 8, INT64_MAX));
    assert_int_equal(tpi_node_ids_hold(&ids, 1, 8, INT64_MAX), -1);
    assert_int_equal(take(8, INT64_MAX), 2);
}

static void a_failed_attach_leaves_no_trace__D_201(void **state)
{
    (void)state;
    assert_int_equal(take(7, 0), 1);
    tpi_node_ids_cancel(&ids, 1);
    assert_true(tpi_node_ids_is_free(&ids, 1, 8, 0));
    assert_int_equal(take(7, 0), 1);
    tpi_node_ids_release(&ids, 1, 0);
    assert_int_equal(tpi_node_ids_hold(&ids, 1, 8, 2000), 0);
    tpi_node_ids_cancel(&ids, 1);
    assert_int_equal(tpi_node_ids_pick(&ids, 7, 2000), 1);
}

static void the_table_is_bounded(void **state)
{
    (void)state;
    ids.limit = 3;
    for (uint32_t i = 0; i < 3; i++) { assert_int_equal(tpi_node_ids_hold(&ids, 5000 + i, i + 1, 0), 0); }
    assert_int_equal(tpi_node_ids_hold(&ids, 6000, 9, 0), -1);
    tpi_node_ids_release(&ids, 5000, 0);
    assert_int_equal(tpi_node_ids_hold(&ids, 1, 9, 999), -1);
    assert_int_equal(tpi_node_ids_hold(&ids, 1, 9, 1000), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = { T(lowest_free_numbers_are_given_up_to_1023__D_090),
        T(a_cooling_id_goes_to_nobody_but_its_last_owner__D_093_D_092_T_016),
        T(without_cooldown_an_id_is_free_at_once__D_097), T(wishes_of_any_value_but_zero_and_null_are_possible__D_087_D_088),
        T(a_held_id_is_nobody_elses_however_long__T_011_T_018), T(a_failed_attach_leaves_no_trace__D_201), T(the_table_is_bounded) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
