/* Epoch numbers and garbage verdicts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "protocol/epoch.h"

static void epochs_rise_above_memory_directories_and_clock__D_200_D_159_W_110(void **state)
{
    (void)state;
    assert_int_equal(tpi_epoch_next(0, 0, 1000), 1000);
    assert_int_equal(tpi_epoch_next(5000, 0, 1000), 5001);
    assert_int_equal(tpi_epoch_next(5000, 7000, 1000), 7001);
    assert_int_equal(tpi_epoch_next(999, 0, 1000), 1000);
    assert_int_equal(tpi_epoch_next(1000, 0, 1000), 1001);
    assert_int_equal(tpi_epoch_next(0, 0, 0), 1);
    assert_int_equal(tpi_epoch_next(0, 0, -5), 1);
}

static void the_last_number_is_never_given__W_010(void **state)
{
    (void)state;
    assert_true(UINT64_MAX - 1 == tpi_epoch_next(UINT64_MAX - 2, 0, 0));
    assert_int_equal(tpi_epoch_next(UINT64_MAX - 1, 0, 0), 0);
    assert_int_equal(tpi_epoch_next(0, UINT64_MAX, 0), 0);
}

static void current_and_its_predecessors_by_rank_are_protected__D_173(void **state)
{
    (void)state;
    const uint64_t epochs[] = { 10, 2000, 300000, 300001, 900000 };
    assert_int_equal(tpi_epoch_gc_candidates(epochs, 5, 900000, 2), 3);
    assert_int_equal(tpi_epoch_gc_candidates(epochs, 5, 900000, 1), 4);
    assert_int_equal(tpi_epoch_gc_candidates(epochs, 5, 900000, 0), 4);
    assert_int_equal(tpi_epoch_gc_candidates(epochs, 5, 900000, 5), 0);
    assert_int_equal(tpi_epoch_gc_candidates(epochs, 5, 900000, 6), 0);
    assert_int_equal(tpi_epoch_gc_candidates(epochs, 5, 300000, 2), 1);
    assert_int_equal(tpi_epoch_gc_candidates(epochs, 5, 300500, 2), 3);
    assert_int_equal(tpi_epoch_gc_candidates(epochs, 0, 1, 2), 0);
}

static tpi_epoch_gc_facts_t old_and_dead(void)
{
    return (tpi_epoch_gc_facts_t){ .superblock_readable = true, .activity_ns = 1000, .pid = 77, .own_pid = 1, .now_ns = 5001, .min_age_ns = 4000,
        .directory_age_ns = 0 };
}

static void an_epoch_goes_only_when_aged__D_175(void **state)
{
    (void)state;
    tpi_epoch_gc_facts_t f = old_and_dead();
    assert_true(tpi_epoch_gc_may_remove(&f));
    f.now_ns = 5000;
    assert_false(tpi_epoch_gc_may_remove(&f));
}

static void an_epoch_goes_only_without_lease__D_174(void **state)
{
    (void)state;
    tpi_epoch_gc_facts_t f = old_and_dead();
    f.leased = true;
    assert_false(tpi_epoch_gc_may_remove(&f));
}

static void a_living_foreign_pid_protects_the_own_one_does_not__D_176(void **state)
{
    (void)state;
    tpi_epoch_gc_facts_t f = old_and_dead();
    f.pid_alive = true;
    assert_false(tpi_epoch_gc_may_remove(&f));
    f.own_pid = f.pid;
    assert_true(tpi_epoch_gc_may_remove(&f));
}

static void times_of_another_boot_fall_back_to_the_directory__M13(void **state)
{
    (void)state;
    tpi_epoch_gc_facts_t f = old_and_dead();
    f.activity_ns = 6000;
    f.pid_alive = true;
    f.directory_age_ns = 4000;
    assert_false(tpi_epoch_gc_may_remove(&f));
    f.directory_age_ns = 4001;
    assert_true(tpi_epoch_gc_may_remove(&f));
    f = old_and_dead();
    f.superblock_readable = false;
    assert_false(tpi_epoch_gc_may_remove(&f));
    f.directory_age_ns = 4001;
    assert_true(tpi_epoch_gc_may_remove(&f));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(epochs_rise_above_memory_directories_and_clock__D_200_D_159_W_110),
        cmocka_unit_test(the_last_number_is_never_given__W_010), cmocka_unit_test(current_and_its_predecessors_by_rank_are_protected__D_173),
        cmocka_unit_test(an_epoch_goes_only_when_aged__D_175), cmocka_unit_test(an_epoch_goes_only_without_lease__D_174),
        cmocka_unit_test(a_living_foreign_pid_protects_the_own_one_does_not__D_176),
        cmocka_unit_test(times_of_another_boot_fall_back_to_the_directory__M13) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
