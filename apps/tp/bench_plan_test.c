#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "bench_plan.h"

static void numbers_have_units_and_ascend(void **state)
{
    (void)state;
    uint64_t numbers[BENCH_SIZES_MAX] = { 0 };
    int count = 0;
    assert_true(bench_plan_numbers("64,4K,64kib,1M,4MiB", 1, BENCH_SIZE_MOST, BENCH_SIZES_MAX, numbers, &count));
    assert_int_equal(5, count);
    assert_int_equal(64, numbers[0]);
    assert_int_equal(4096, numbers[1]);
    assert_int_equal(65536, numbers[2]);
    assert_int_equal(1 << 20, numbers[3]);
    assert_int_equal(4 << 20, numbers[4]);
}

static void bounds_hold_on_both_sides(void **state)
{
    (void)state;
    uint64_t numbers[BENCH_SIZES_MAX];
    int count = 0;
    assert_true(bench_plan_numbers("1,128", 1, 128, 2, numbers, &count));
    assert_false(bench_plan_numbers("0,128", 1, 128, 2, numbers, &count));
    assert_false(bench_plan_numbers("1,129", 1, 128, 2, numbers, &count));
    assert_false(bench_plan_numbers("1,2,128", 1, 128, 2, numbers, &count));
    assert_int_equal(2, count);
    assert_int_equal(128, numbers[1]);
}

static void what_is_no_list_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    static const char *const wrong[] = { "", ",", "64,", ",64", "K", "64x", "64 ", "-1", "64,64", "4K,64", "99999999999999", "1KB" };
    uint64_t numbers[BENCH_SIZES_MAX] = { 7 };
    int count = 3;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
    {
        assert_false(bench_plan_numbers(wrong[i], 1, BENCH_SIZE_MOST, BENCH_SIZES_MAX, numbers, &count));
    }
    assert_int_equal(3, count);
    assert_int_equal(7, numbers[0]);
}

static void the_time_is_shared_among_all_chunks_of_all_rounds(void **state)
{
    (void)state;
    bench_plan_t plan = { .size_count = 5, .consumers_count = 4, .rounds = 7 };
    bench_plan_share(&plan, 14.7);                 /* 21 chunks a round */
    assert_int_equal(100000000, plan.chunk_ns);
    bench_plan_share(&plan, 0.0);
    assert_int_equal(1000000, plan.chunk_ns);
}

static void the_median_does_not_depend_on_the_order(void **state)
{
    (void)state;
    double odd[] = { 5.0, 1.0, 3.0 };
    double even[] = { 4.0, 1.0, 3.0, 2.0 };
    double one[] = { 9.0 };
    assert_true(3.0 == bench_median(odd, 3));
    assert_true(2.5 == bench_median(even, 4));
    assert_true(9.0 == bench_median(one, 1));
}

static void floors_agree_within_fifteen_percent(void **state)
{
    (void)state;
    assert_true(bench_floors_agree(100.0, 114.9));
    assert_true(bench_floors_agree(114.9, 100.0));
    assert_false(bench_floors_agree(100.0, 115.1));
    assert_false(bench_floors_agree(115.1, 100.0));
    assert_false(bench_floors_agree(0.0, 0.0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_have_units_and_ascend), cmocka_unit_test(bounds_hold_on_both_sides),
        cmocka_unit_test(what_is_no_list_is_refused_and_changes_nothing), cmocka_unit_test(the_time_is_shared_among_all_chunks_of_all_rounds),
        cmocka_unit_test(the_median_does_not_depend_on_the_order), cmocka_unit_test(floors_agree_within_fifteen_percent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
