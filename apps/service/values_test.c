#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "apps/service/values.h"

static char named[256];

static void on_difference(void *clientd, const char *key)
{
    (void)clientd;
    const size_t used = strlen(named);
    (void)snprintf(named + used, sizeof(named) - used, "%s ", key);
}

static void fill(values_t *values, const char *const *pairs)
{
    assert_int_equal(values_begin(values), 0);
    for (; NULL != *pairs; pairs += 2) { values_add(values, pairs[0], pairs[1], "somewhere"); }
    assert_int_equal(values_end(values), 0);
}

static void differ(const char *const *a, const char *const *b, const char *expected)
{
    values_t x;
    values_t y;
    fill(&x, a);
    fill(&y, b);
    named[0] = '\0';
    (void)values_compare(&x, &y, on_difference, NULL);
    assert_string_equal(named, expected);
    values_free(&x);
    values_free(&y);
}

#define PAIRS(...) (const char *const[]){ __VA_ARGS__, NULL }

static void keys_that_differ_come_and_go_are_named_once(void **state)
{
    (void)state;
    differ(PAIRS("a", "1", "b", "2"), PAIRS("a", "1", "b", "2"), "");
    differ(PAIRS("a", "1", "b", "2"), PAIRS("a", "1", "b", "20"), "b ");
    differ(PAIRS("a", "1", "b", "2", "c", "3"), PAIRS("c", "4", "a", "1", "d", "5"), "b c d ");
    differ(PAIRS("a", "1"), PAIRS("b", "1"), "a b ");
    differ((const char *const[]){ NULL }, PAIRS("b", "1"), "b ");
    differ(PAIRS("b", ""), (const char *const[]){ NULL }, "b ");
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(keys_that_differ_come_and_go_are_named_once) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
