#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cache.h"

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/tp-cache-XXXXXX");
    return NULL != mkdtemp(folder) ? 0 : -1;
}

static void put(int index, const char *name, const char *text)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/index%d", folder, index);
    (void)mkdir(path, 0700);
    (void)snprintf(path, sizeof(path), "%s/index%d/%s", folder, index, name);
    FILE *const file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void put_cache(int index, const char *level, const char *type, const char *size)
{
    put(index, "level", level);
    put(index, "type", type);
    put(index, "size", size);
}

static int remove_folder(void **state)
{
    (void)state;
    for (int i = 0; i < 16; i++)
    {
        static const char *const names[] = { "/level", "/type", "/size", "" };
        for (size_t n = 0; n < 4; n++)
        {
            char path[128];
            (void)snprintf(path, sizeof(path), "%s/index%d%s", folder, i, names[n]);
            (void)remove(path);
        }
    }
    return rmdir(folder);
}

static void sizes_are_numbers_with_a_unit(void **state)
{
    static const struct { const char *text; uint64_t bytes; } good[] = {
        { "0", 0 }, { "64", 64 }, { "48K", 48 << 10 }, { "107520K", UINT64_C(107520) << 10 }, { "2M", 2 << 20 }, { "1G", 1 << 30 },
        { "1024G", TPI_CACHE_MAX }, { "1099511627776", TPI_CACHE_MAX } };
    static const char *const bad[] = { "", "K", "-1", " 1", "1 K", "1KB", "1T", "0x10", "1025G", "1099511627777", "99999999999999999999999" };
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
    {
        uint64_t bytes = 7;
        assert_true(tpi_cache_parse(&bytes, good[i].text));
        assert_int_equal(bytes, good[i].bytes);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    {
        uint64_t bytes = 7;
        assert_false(tpi_cache_parse(&bytes, bad[i]));
        assert_int_equal(bytes, 7);
    }
}

static void the_highest_level_that_holds_data_counts__L_411(void **state)
{
    (void)state;
    put_cache(0, "1\n", "Data\n", "48K\n");
    put_cache(1, "1\n", "Instruction\n", "32K\n");
    put_cache(2, "2\n", "Unified\n", "2048K\n");
    assert_int_equal(tpi_cache_find(NULL, folder, 1), 2 << 20);
    put_cache(3, "3\n", "Unified\n", "107520K\n");
    assert_int_equal(tpi_cache_find(NULL, folder, 1), UINT64_C(105) << 20);
    put_cache(4, "4\n", "Instruction\n", "1G\n");
    assert_int_equal(tpi_cache_find(NULL, folder, 1), UINT64_C(105) << 20);
    put_cache(5, "5\n", "Unified\n", "nonsense\n");
    assert_int_equal(tpi_cache_find(NULL, folder, 1), UINT64_C(105) << 20);
}

static void what_is_hidden_is_zero__L_411(void **state)
{
    (void)state;
    assert_int_equal(tpi_cache_find(NULL, "/nowhere", 0), 0);
    assert_int_equal(tpi_cache_find(NULL, "/nowhere", -1), 0);
    assert_int_equal(tpi_cache_find(NULL, "/nowhere", (int64_t)TPI_CACHE_MAX + 1), 0);
    assert_int_equal(tpi_cache_find(NULL, "/nowhere", (int64_t)TPI_CACHE_MAX), TPI_CACHE_MAX);
    put_cache(0, "3\n", "Unified\n", "0\n");
    assert_int_equal(tpi_cache_find(NULL, folder, 4096), 4096);
}

static void the_variable_wins_when_it_is_a_size__L_411(void **state)
{
    (void)state;
    put_cache(0, "3\n", "Unified\n", "8M\n");
    assert_int_equal(tpi_cache_find("32M", folder, 1), 32 << 20);
    assert_int_equal(tpi_cache_find("0", folder, 1), 0);                   /* nothing is to be said */
    assert_int_equal(tpi_cache_find("much", folder, 1), 8 << 20);
}

static void the_first_answer_is_kept(void **state)
{
    (void)state;
    assert_int_equal(setenv(TPI_CACHE_VARIABLE, "3M", 1), 0);
    assert_int_equal(tpi_cache_bytes(), 3 << 20);
    assert_int_equal(setenv(TPI_CACHE_VARIABLE, "4M", 1), 0);
    assert_int_equal(tpi_cache_bytes(), 3 << 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_numbers_with_a_unit),
        cmocka_unit_test_setup_teardown(the_highest_level_that_holds_data_counts__L_411, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(what_is_hidden_is_zero__L_411, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(the_variable_wins_when_it_is_a_size__L_411, make_folder, remove_folder),
        cmocka_unit_test(the_first_answer_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
