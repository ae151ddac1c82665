#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/toml_shim.h"

static tpi_toml_error_t error;

static tpi_toml_node_t *parsed(const char *text)
{
    tpi_toml_node_t *root = NULL;
    assert_int_equal(tpi_toml_parse(&root, text, strlen(text), &error), TPI_TOML_OK);
    assert_non_null(root);
    return root;
}

static void refused_at(const char *text, size_t length, uint32_t line)
{
    tpi_toml_node_t *root = NULL;
    assert_int_equal(tpi_toml_parse(&root, text, length, &error), TPI_TOML_SYNTAX);
    assert_null(root);
    assert_true(strlen(error.text) > 0);
    if (0 != line) { assert_int_equal(error.line, line); }
}

static void values_keep_type_value_and_place__D_208(void **state)
{
    (void)state;
    tpi_toml_node_t *const root = parsed("[driver]\nname = \"a\\u0000b\"\n  id = 0x10\nyes = true\nratio = 1.5\nday = 2020-01-01\nlist = [1, [2]]\n");
    const tpi_toml_node_t *const driver = tpi_toml_get(root, "driver");
    assert_int_equal(driver->type, TPI_TOML_TABLE);
    assert_int_equal(driver->count, 6);
    const tpi_toml_node_t *const name = tpi_toml_get(driver, "name");
    assert_int_equal(name->type, TPI_TOML_STRING);
    assert_int_equal(name->text_length, 3);
    assert_memory_equal(name->text, "a\0b", 4);
    const tpi_toml_node_t *const id = tpi_toml_get(driver, "id");
    assert_int_equal(id->type, TPI_TOML_INTEGER);
    assert_int_equal(id->integer, 16);
    assert_int_equal(id->key_line, 3);
    assert_int_equal(id->key_column, 3);
    assert_int_equal(id->column, 8);
    assert_true(tpi_toml_get(driver, "yes")->boolean);
    assert_true(1.5 == tpi_toml_get(driver, "ratio")->real);
    assert_int_equal(tpi_toml_get(driver, "day")->type, TPI_TOML_DATE);
    const tpi_toml_node_t *const list = tpi_toml_get(driver, "list");
    assert_int_equal(list->count, 2);
    assert_int_equal(list->children[1].children[0].integer, 2);
    assert_null(tpi_toml_get(driver, "absent"));
    assert_null(tpi_toml_get(name, "absent"));
    tpi_toml_free(root);
}

static void children_come_in_the_order_of_the_file__D_185(void **state)
{
    (void)state;
    tpi_toml_node_t *const root = parsed("[profiles.zulu]\na = 1\n[profiles.alpha]\na = 1\n[profiles.mike]\na = 1\n");
    const tpi_toml_node_t *const profiles = tpi_toml_get(root, "profiles");
    assert_int_equal(profiles->count, 3);
    assert_string_equal(profiles->children[0].key, "zulu");
    assert_string_equal(profiles->children[1].key, "alpha");
    assert_string_equal(profiles->children[2].key, "mike");
    assert_int_equal(profiles->children[2].key_line, 5);
    tpi_toml_free(root);
}

static void empty_text_is_an_empty_table__D_185(void **state)
{
    (void)state;
    tpi_toml_node_t *root = parsed("");
    assert_int_equal(root->type, TPI_TOML_TABLE);
    assert_int_equal(root->count, 0);
    tpi_toml_free(root);
    root = parsed("# only a comment");
    assert_int_equal(root->count, 0);
    tpi_toml_free(root);
    tpi_toml_free(NULL);
}

static void broken_text_is_refused_with_its_line__D_207(void **state)
{
    (void)state;
    static const struct { const char *text; uint32_t line; } bad[] = {
        { "a = 1\nb = \n", 2 }, { "a = 1\na = 2\n", 2 }, { "[t]\n[t]\n", 2 }, { "a = \"open\n", 1 }, { "a = 99999999999999999999\n", 1 },
            { "a 1\n", 1 },
        { "x = { a = 1, }\n", 1 }, { "\n\n[[a]]\n[a]\n", 4 }, { "s = \"\"\"never closed\n\n", 0 }, { "s = '\\", 1 }, { "s = \"\\", 1 },
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) { refused_at(bad[i].text, strlen(bad[i].text), bad[i].line); }
}

static void bytes_that_are_no_text_are_refused__D_207(void **state)
{
    (void)state;
    static const char nul[] = "a = 1\n\0b = 2\n";
    static const char utf8[] = "a = \"\xff\xfe\"\n";
    static const char surrogate[] = "a = \"\xed\xa0\x80\"\n";
    static const char cut[] = "a = \"\xe2\x82";
    static const char overlong[] = "a = \"\xc0\xaf\"";
    static const char above[] = "\n# \xf4\x90\x80\x80";
    static const char good[] = "a = \"\x7e\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xef\xbf\xbd\xf0\x90\x80\x80\xf4\x8f\xbf\xbd\"\n";
    refused_at(overlong, sizeof(overlong) - 1, 1);
    refused_at(above, sizeof(above) - 1, 2);
    assert_int_equal(error.column, 3);
    tpi_toml_free(parsed(good));
    tpi_toml_free(parsed("\xef\xbb\xbf"));
    tpi_toml_free(parsed("\xef\xbb\xbf" "a = \"\"\"b\\\n  \xc3\xa9\"\"\" # \xc3\xa9\n\"\xc3\xa9\" = 1"));
    refused_at(nul, sizeof(nul) - 1, 2);
    refused_at(utf8, sizeof(utf8) - 1, 1);
    refused_at(surrogate, sizeof(surrogate) - 1, 1);
    refused_at(cut, sizeof(cut) - 1, 1);
}

/* What the parser itself would assert on. */
static void text_that_breaks_the_parser_is_refused_with_its_line__D_207(void **state)
{
    (void)state;
    static const struct { const char *text; uint32_t line; } bad[] = { { "a = 1\n[[.b]]\nc = 2\n", 2 }, { "[.b]\n", 1 }, { "a = 1\n\n[[]]\n", 3 },
        { "[[?a]])b1\n=c\n", 1 }, { "a = 1\n\xc3\xa9 = 2\n", 2 }, { "a = \xe2\xb1\x9f", 1 } };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) { refused_at(bad[i].text, strlen(bad[i].text), bad[i].line); }
}

static char *repeated(const char *head, const char *part, size_t count, const char *tail)
{
    const size_t part_length = strlen(part);
    char *const text = malloc(strlen(head) + count * part_length + strlen(tail) + 1);
    assert_non_null(text);
    char *at = stpcpy(text, head);
    for (size_t i = 0; i < count; i++) { at = stpcpy(at, part); }
    (void)stpcpy(at, tail);
    return text;
}

static void nesting_has_a_limit__D_207(void **state)
{
    (void)state;
    char *text = repeated("a = ", "[", 500000, "");
    refused_at(text, strlen(text), 1);
    free(text);
    text = repeated("a = ", "{a=", 300000, "");
    refused_at(text, strlen(text), 1);
    free(text);
    text = repeated("a = ", "[", TPI_TOML_DEPTH_MAX + 1, "");
    refused_at(text, strlen(text), 1);
    free(text);
}

static void dotted_keys_have_a_limit__D_207(void **state)
{
    (void)state;
    char *text = repeated("[a", ".a", 500000, "]\n");
    refused_at(text, strlen(text), 1);
    free(text);
    text = repeated("# comment\n\"quoted.with.dots\".b", ".\"a\"", 16, " = 1\n");
    refused_at(text, strlen(text), 2);
    free(text);
    text = repeated("a", ".a", 15, " = 1\n");
    tpi_toml_free(parsed(text));
    free(text);
    text = repeated("a", ".a", 16, " = 1\n");
    refused_at(text, strlen(text), 1);
    free(text);
}

static void dots_in_strings_comments_and_numbers_do_not_count__D_207(void **state)
{
    (void)state;
    tpi_toml_free(parsed("# ...................................\na = \"..........\\\"..............\"\nb = '.................'\n"
        "c = \"\"\"......\n..\\\n....\"\" ..\\\"\"\"......\"\"\"\nd = '''..........\n.'.''........'''\n"
        "e = [1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9, 2.0, 2.1, 2.2, 2.3, 2.4, 2.5, 2.6, 2.7]\n"));
}

static void text_above_the_limit_is_refused__D_207(void **state)
{
    (void)state;
    char *const text = malloc(TPI_TOML_BYTES_MAX + 1);
    assert_non_null(text);
    memset(text, '#', TPI_TOML_BYTES_MAX + 1);
    refused_at(text, TPI_TOML_BYTES_MAX + 1, 1);
    tpi_toml_node_t *root = NULL;
    assert_int_equal(tpi_toml_parse(&root, text, TPI_TOML_BYTES_MAX, &error), TPI_TOML_OK);
    tpi_toml_free(root);
    free(text);
}

static void every_beginning_of_a_file_is_parsed_or_refused__D_207(void **state)
{
    (void)state;
    static const char text[] = "[driver]\nid = 1000 # c\nname = \"x\\\"y\"\nl = '''a\nb'''\nr = [1, 2]\n[[p.q]]\n"
        "a = { b = 1.5, c = [\"\\u00e9\"] }\n";
    for (size_t length = 0; length < sizeof(text); length++)
    {
        char *const copy = malloc(length + 1);          /* exact size: a sanitizer sees a read past the end */
        assert_non_null(copy);
        memcpy(copy, text, length);
        tpi_toml_node_t *root = NULL;
        (void)tpi_toml_parse(&root, copy, length, &error);
        tpi_toml_free(root);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_keep_type_value_and_place__D_208),
        cmocka_unit_test(children_come_in_the_order_of_the_file__D_185),
        cmocka_unit_test(empty_text_is_an_empty_table__D_185),
        cmocka_unit_test(broken_text_is_refused_with_its_line__D_207),
        cmocka_unit_test(bytes_that_are_no_text_are_refused__D_207),
        cmocka_unit_test(text_that_breaks_the_parser_is_refused_with_its_line__D_207),
        cmocka_unit_test(nesting_has_a_limit__D_207),
        cmocka_unit_test(dotted_keys_have_a_limit__D_207),
        cmocka_unit_test(dots_in_strings_comments_and_numbers_do_not_count__D_207),
        cmocka_unit_test(text_above_the_limit_is_refused__D_207),
        cmocka_unit_test(every_beginning_of_a_file_is_parsed_or_refused__D_207),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
