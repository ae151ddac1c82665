/* Ids out of a range. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "protocol/stream_range.h"

static uint32_t taken[8];
static size_t taken_count;
static int asked;

static bool is_taken(void *clientd, uint32_t id)
{
    (void)clientd;
    asked++;
    for (size_t i = 0; i < taken_count; i++)
    {
        if (taken[i] == id) { return true; }
    }
    return false;
}

static void ids_come_in_turn_and_wrap_once__D_163(void **state)
{
    (void)state;
    tpi_stream_range_t r;
    tpi_stream_range_init(&r, 20000, 20002);
    taken_count = 0;
    const uint32_t expected[] = { 20000, 20001, 20002, 20000 };
    for (size_t i = 0; i < 4; i++)
    {
        const uint32_t id = tpi_stream_range_peek(&r, taken_count, is_taken, NULL);
        assert_int_equal(id, expected[i]);
        assert_int_equal(tpi_stream_range_peek(&r, taken_count, is_taken, NULL), id);
        tpi_stream_range_take(&r, id);
    }
}

static void taken_ids_are_skipped_and_a_full_range_gives_none__D_167(void **state)
{
    (void)state;
    tpi_stream_range_t r;
    tpi_stream_range_init(&r, 20000, 20002);
    taken[0] = 20000;
    taken[1] = 20001;
    taken_count = 2;
    assert_int_equal(tpi_stream_range_peek(&r, 2, is_taken, NULL), 20002);
    taken[2] = 20002;
    taken_count = 3;
    assert_int_equal(tpi_stream_range_peek(&r, 3, is_taken, NULL), 0);
}

static void the_search_is_bounded_by_what_can_be_taken(void **state)
{
    (void)state;
    tpi_stream_range_t r;
    tpi_stream_range_init(&r, 1, INT32_MAX);
    taken[0] = 1;
    taken[1] = 2;
    taken_count = 2;
    asked = 0;
    assert_int_equal(tpi_stream_range_peek(&r, 2, is_taken, NULL), 3);
    assert_int_equal(asked, 3);
}

static void an_unset_range_holds_nothing__D_166(void **state)
{
    (void)state;
    tpi_stream_range_t r;
    tpi_stream_range_init(&r, 0, 0);
    assert_false(tpi_stream_range_is_set(&r));
    assert_false(tpi_stream_range_holds(&r, 0));
    assert_int_equal(tpi_stream_range_peek(&r, 0, is_taken, NULL), 0);
    tpi_stream_range_init(&r, 5, 4);
    assert_false(tpi_stream_range_is_set(&r));
    tpi_stream_range_init(&r, 5, 6);
    assert_true(tpi_stream_range_holds(&r, 5) && tpi_stream_range_holds(&r, 6));
    assert_false(tpi_stream_range_holds(&r, 4) || tpi_stream_range_holds(&r, 7));
}

static void the_largest_range_does_not_overflow(void **state)
{
    (void)state;
    tpi_stream_range_t r;
    tpi_stream_range_init(&r, UINT32_MAX - 1, UINT32_MAX);
    taken_count = 0;
    tpi_stream_range_take(&r, UINT32_MAX);
    assert_true(UINT32_MAX - 1 == tpi_stream_range_peek(&r, 0, is_taken, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(ids_come_in_turn_and_wrap_once__D_163),
        cmocka_unit_test(taken_ids_are_skipped_and_a_full_range_gives_none__D_167), cmocka_unit_test(the_search_is_bounded_by_what_can_be_taken),
        cmocka_unit_test(an_unset_range_holds_nothing__D_166), cmocka_unit_test(the_largest_range_does_not_overflow) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
