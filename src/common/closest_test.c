#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/closest.h"

static void distance_counts_inserted_removed_and_replaced_bytes__D_208(void **state)
{
    (void)state;
    assert_int_equal(tpi_edit_distance("", ""), 0);
    assert_int_equal(tpi_edit_distance("abc", "abc"), 0);
    assert_int_equal(tpi_edit_distance("", "abc"), 3);
    assert_int_equal(tpi_edit_distance("abc", ""), 3);
    assert_int_equal(tpi_edit_distance("stride_byte", "stride_bytes"), 1);
    assert_int_equal(tpi_edit_distance("kitten", "sitting"), 3);
    assert_int_equal(tpi_edit_distance("sitting", "kitten"), 3);
    assert_int_equal(tpi_edit_distance("flaw", "lawn"), 2);
}

static void words_beyond_the_limit_are_compared_by_their_beginning__D_208(void **state)
{
    (void)state;
    char a[3 * TPI_CLOSEST_WORD_MAX];
    char b[3 * TPI_CLOSEST_WORD_MAX];
    memset(a, 'x', sizeof(a) - 1);
    memset(b, 'x', sizeof(b) - 1);
    a[sizeof(a) - 1] = b[sizeof(b) - 1] = '\0';
    b[TPI_CLOSEST_WORD_MAX] = 'y';
    assert_int_equal(tpi_edit_distance(a, b), 0);
    b[TPI_CLOSEST_WORD_MAX - 1] = 'y';
    assert_int_equal(tpi_edit_distance(a, b), 1);
}

static void misspelling_differs_in_a_third_at_most__D_208(void **state)
{
    (void)state;
    assert_true(tpi_likely_misspelling("abcdef", "abcdxx"));
    assert_false(tpi_likely_misspelling("abcdef", "abcxxx"));
    assert_true(tpi_likely_misspelling("shm", "shn"));
    assert_false(tpi_likely_misspelling("shm", "sxx"));
}

static void nearest_name_wins_and_the_first_of_equals_stays__D_208(void **state)
{
    (void)state;
    tpi_closest_t closest = TPI_CLOSEST_INIT("profile");
    assert_null(closest.name);
    tpi_closest_offer(&closest, "streams");
    assert_string_equal(closest.name, "streams");
    tpi_closest_offer(&closest, "profiles");
    tpi_closest_offer(&closest, "profiler");
    tpi_closest_offer(&closest, "policies");
    assert_string_equal(closest.name, "profiles");
    assert_int_equal(closest.distance, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distance_counts_inserted_removed_and_replaced_bytes__D_208),
        cmocka_unit_test(words_beyond_the_limit_are_compared_by_their_beginning__D_208),
        cmocka_unit_test(misspelling_differs_in_a_third_at_most__D_208),
        cmocka_unit_test(nearest_name_wins_and_the_first_of_equals_stays__D_208),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
