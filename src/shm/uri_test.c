#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "shm/uri.h"

static int parse(tpi_region_uri_t *uri, const char *text)
{
    /* an exact heap copy: a read past the end is seen by the sanitizers */
    const size_t n = strlen(text);
    char *const copy = malloc(n + (0 == n));
    memcpy(copy, text, n);
    const int rc = tpi_region_uri_parse(uri, copy, n);
    free(copy);
    return rc;
}

static void accepts(const char *text, const char *path, bool huge)
{
    tpi_region_uri_t uri;
    assert_int_equal(parse(&uri, text), 0);
    assert_string_equal(uri.path, path);
    assert_int_equal(uri.require_hugepages, huge);
}

static void rejects(const char *text)
{
    tpi_region_uri_t uri = { .path = "untouched", .require_hugepages = true };
    tp_err_clear();
    assert_int_equal(parse(&uri, text), -1);
    assert_int_equal(tp_errcode(), TP_EURI);
    assert_string_equal(uri.path, "untouched");
    assert_true(uri.require_hugepages);
}

static void rejects_for(const char *text, const char *why)
{
    rejects(text);
    assert_non_null(strstr(tp_errmsg(), why));
}

static void valid_uris_of_the_table_are_accepted__W_204(void **state)
{
    (void)state;
    accepts("shm:file?path=/dev/shm/tensorpool-svc/default/10000/1/header.ring", "/dev/shm/tensorpool-svc/default/10000/1/header.ring", false);
    accepts("shm:file?path=/dev/hugepages/p1|require_hugepages=true", "/dev/hugepages/p1", true);
    accepts("shm:file?path=/dev/shm/x|require_hugepages=false", "/dev/shm/x", false);
    accepts("shm:file?path=/!~&=", "/!~&=", false);
}

static void unknown_schemes_are_rejected__W_205_W_206(void **state)
{
    (void)state;
    rejects_for("shm:memfd?name=x", "unknown scheme");
    rejects_for("file:/a", "unknown scheme");
    rejects_for("SHM:file?path=/a", "unknown scheme");
    rejects_for("shm:File?path=/a", "unknown scheme");
    rejects_for("shm:file:path=/a", "unknown scheme");
    rejects_for("shm:file", "unknown scheme");
    rejects_for("shm:fil", "unknown scheme");
    rejects_for("x", "unknown scheme");
    rejects("");
}

static void unknown_parameters_are_rejected__W_205_W_207__P15(void **state)
{
    (void)state;
    rejects_for("shm:file?path=/a|mode=rw", "unknown parameter");
    rejects_for("shm:file?path=/a|x=1", "unknown parameter");
    rejects("shm:file?path=/a|require_hugepages=yes");
    rejects("shm:file?path=/a|require_hugepages=TRUE");
    rejects("shm:file?path=/a|require_hugepages=");
    rejects("shm:file?path=/a|require_hugepages=truex");
    rejects("shm:file?path=/a|require_hugepages=true|");
    rejects("shm:file?path=/a|require_hugepages=true|require_hugepages=true");
    rejects_for("shm:file?path=/a|require_hugepagesx=true", "unknown parameter");
    rejects_for("shm:file?path=/a|path=/b", "unknown parameter");
    rejects("shm:file?require_hugepages=true|path=/a");
    rejects("shm:file?pathx=/a");
    rejects("shm:file?Path=/a");
    rejects("shm:file?path=/a|");
    rejects("shm:file?path=/a&require_hugepages=true|");
}

static void ampersand_is_a_character_of_the_path_and_no_separator__W_204(void **state)
{
    (void)state;
    accepts("shm:file?path=/a&require_hugepages=true", "/a&require_hugepages=true", false);
}

static void path_is_present_and_absolute__W_208_W_231(void **state)
{
    (void)state;
    rejects("shm:file?path=rel/x");
    rejects("shm:file?path=relative/x");
    rejects_for("shm:file?path=", "path is empty");
    rejects_for("shm:file?path=|require_hugepages=true", "path is empty");
    rejects_for("shm:file?", "the first parameter is not path");
    rejects_for("shm:file?path", "the first parameter is not path");
    rejects("shm:file?path=C:\\aeron\\x");
}

static void only_visible_ascii_is_allowed__O_51(void **state)
{
    (void)state;
    rejects("shm:file?path=/a b");
    rejects("shm:file?path=/a?b");
    rejects("shm:file?path=/a\x7f");
    rejects("shm:file?path=/a\x1f");
    rejects("shm:file?path=/a\xc3\xa4");
    rejects(" shm:file?path=/a");
    rejects("shm:file?path=/a ");
    rejects("shm:file?path=/a\n");
    tpi_region_uri_t uri;
    assert_int_equal(tpi_region_uri_parse(&uri, "shm:file?path=/a\0b", 18), -1);
    assert_int_equal(tpi_region_uri_parse(&uri, NULL, 0), -1);
}

static void longest_uri_has_4095_bytes__O_51(void **state)
{
    (void)state;
    char text[TPI_URI_MAX + 2];
    tpi_region_uri_t uri;
    memset(text, 'a', sizeof(text));
    memcpy(text, "shm:file?path=/", 15);
    assert_int_equal(tpi_region_uri_parse(&uri, text, TPI_URI_MAX - 1), 0);
    assert_int_equal(strlen(uri.path), TPI_URI_MAX - 1 - 14);
    assert_int_equal(tpi_region_uri_parse(&uri, text, TPI_URI_MAX), -1);
}

static void foreign_bytes_do_not_reach_the_message(void **state)
{
    (void)state;
    rejects("evil\x1b[31m\n");
    assert_null(strchr(tp_errmsg(), '\x1b'));
    assert_null(strchr(tp_errmsg(), '\n'));
}

static void format_writes_what_parse_accepts__W_227(void **state)
{
    (void)state;
    char text[64];
    assert_int_equal(tpi_region_uri_format(text, sizeof(text), "/dev/shm/x", false), 24);
    assert_string_equal(text, "shm:file?path=/dev/shm/x");
    accepts(text, "/dev/shm/x", false);
    assert_int_equal(tpi_region_uri_format(text, sizeof(text), "/h", true), 39);
    assert_string_equal(text, "shm:file?path=/h|require_hugepages=true");
    assert_int_equal(tpi_region_uri_format(text, 17, "/h", false), 16);
    assert_int_equal(tpi_region_uri_format(text, 16, "/h", false), -1);
    assert_int_equal(tpi_region_uri_format(text, sizeof(text), "relative", false), -1);
    assert_int_equal(tpi_region_uri_format(text, sizeof(text), "/a b", false), -1);
    assert_int_equal(tpi_region_uri_format(text, sizeof(text), "/a|b", false), -1);
}

static void plain_paths_hold_the_characters_of_the_grammar__O_51(void **state)
{
    (void)state;
    assert_true(tpi_region_path_is_plain("/"));
    assert_true(tpi_region_path_is_plain("/dev/shm"));
    assert_false(tpi_region_path_is_plain(""));
    assert_false(tpi_region_path_is_plain("dev"));
    assert_false(tpi_region_path_is_plain("/dev/shm x"));
    assert_false(tpi_region_path_is_plain("/dev?x"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(valid_uris_of_the_table_are_accepted__W_204),
        cmocka_unit_test(unknown_schemes_are_rejected__W_205_W_206),
        cmocka_unit_test(unknown_parameters_are_rejected__W_205_W_207__P15),
        cmocka_unit_test(ampersand_is_a_character_of_the_path_and_no_separator__W_204),
        cmocka_unit_test(path_is_present_and_absolute__W_208_W_231),
        cmocka_unit_test(only_visible_ascii_is_allowed__O_51),
        cmocka_unit_test(longest_uri_has_4095_bytes__O_51),
        cmocka_unit_test(foreign_bytes_do_not_reach_the_message),
        cmocka_unit_test(format_writes_what_parse_accepts__W_227),
        cmocka_unit_test(plain_paths_hold_the_characters_of_the_grammar__O_51),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
