#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/conf.h"

static void every_syntax_of_a_range_is_read__D_170(void **state)
{
    (void)state;
    static const struct { const char *text; uint32_t first, last; } good[] = {
        { "20000-29999", 20000, 29999 }, { "20000,29999", 20000, 29999 }, { "7", 7, 7 }, { "", 0, 0 }, { "  ", 0, 0 }, { " 1 - 2 ", 1, 2 },
        { "1-1", 1, 1 }, { "1-2147483647", 1, 2147483647 },
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
    {
        uint32_t first = 99;
        uint32_t last = 99;
        assert_int_equal(tpi_conf_parse_range(good[i].text, &first, &last), 0);
        assert_int_equal(first, good[i].first);
        assert_int_equal(last, good[i].last);
    }
}

static void what_is_no_range_is_refused_and_changes_nothing__D_170_D_171(void **state)
{
    (void)state;
    static const char *const bad[] = { "0", "0-5", "5-4", "1-", "-1", "1--2", "1-2-3", "a", "1 2", "2147483648", "1-2147483648",
        "99999999999999999999",
        "0x10", "+1", "1;2", "1-2x" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    {
        uint32_t first = 99;
        uint32_t last = 98;
        assert_int_equal(tpi_conf_parse_range(bad[i], &first, &last), -1);
        assert_int_equal(first, 99);
        assert_int_equal(last, 98);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_syntax_of_a_range_is_read__D_170),
        cmocka_unit_test(what_is_no_range_is_refused_and_changes_nothing__D_170_D_171),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
