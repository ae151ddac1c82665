/* The log: what reaches its handler, what is remembered, and how lines look. */
#include "common/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/log_keep.h"

static tpi_log_line_t lines[TPI_LOG_KEEP_LINES];
static tpi_log_error_t errors[TPI_LOG_KEEP_ERRORS];

static int keep_setup(void **state)
{
    (void)state;
    tp_log_set_handler(NULL, NULL, TP_LOG_INFO);
    return tpi_log_keep_begin();
}

static int keep_teardown(void **state)
{
    (void)state;
    tpi_log_keep_end();
    return tpi_log_keep_is_on();
}

static void nothing_is_kept_before_somebody_asks(void **state)
{
    (void)state;
    uint64_t next = 7;
    uint64_t forgotten = 7;
    assert_false(tpi_log_enabled(TP_LOG_ERROR));
    TPI_LOG_ERROR(TP_EIO, "lost");
    assert_int_equal(0, tpi_log_keep_lines(lines, 10, 0, &next));
    assert_int_equal(0, next);
    assert_int_equal(0, tpi_log_keep_errors(errors, 10, &forgotten));
    assert_int_equal(0, forgotten);
}

static void lines_are_kept_in_order_at_the_level_of_the_log(void **state)
{
    (void)state;
    uint64_t next = 0;
    TPI_LOG_INFO("one");
    TPI_LOG_DEBUG("not at this level");
    tp_log_set_level(TP_LOG_DEBUG);
    assert_int_equal(TP_LOG_DEBUG, tpi_log_level());
    TPI_LOG_DEBUG("two");
    tp_log_line(TP_LOG_WARN, TP_EIO, "three");
    assert_int_equal(3, tpi_log_keep_lines(lines, 10, 0, &next));
    assert_int_equal(3, next);
    assert_string_equal("one", lines[0].text);
    assert_string_equal("two", lines[1].text);
    assert_string_equal("three", lines[2].text);
    assert_int_equal(TP_EIO, lines[2].code);
    assert_int_equal(TP_LOG_WARN, lines[2].level);
    assert_true(lines[0].time_ns > 0 && lines[2].time_ns >= lines[0].time_ns);
    assert_int_equal(1, tpi_log_keep_lines(lines, 10, 2, &next));
    assert_int_equal(3, lines[0].seq);
    assert_int_equal(0, tpi_log_keep_lines(lines, 10, 3, &next));
    assert_int_equal(0, tpi_log_keep_lines(lines, 10, UINT64_MAX, &next));
    assert_int_equal(2, tpi_log_keep_lines(lines, 2, 0, &next));
    assert_int_equal(2, lines[0].seq);
    assert_int_equal(0, tpi_log_keep_lines(lines, 0, 0, &next));
}

static void the_oldest_lines_make_room__P11(void **state)
{
    (void)state;
    uint64_t next = 0;
    for (unsigned i = 1; i <= TPI_LOG_KEEP_LINES + 1; i++) { TPI_LOG_INFO("line %u", i); }
    assert_int_equal(TPI_LOG_KEEP_LINES, tpi_log_keep_lines(lines, TPI_LOG_KEEP_LINES, 0, &next));
    assert_int_equal(TPI_LOG_KEEP_LINES + 1, next);
    assert_int_equal(2, lines[0].seq);
    assert_string_equal("line 2", lines[0].text);
    assert_string_equal("line 257", lines[TPI_LOG_KEEP_LINES - 1].text);
}

static void errors_that_differ_in_numbers_only_are_one(void **state)
{
    (void)state;
    uint64_t forgotten = 1;
    tpi_log_keep_add(TP_LOG_WARN, TP_EPERM, "client 7 of stream 10000", 100);
    tpi_log_keep_add(TP_LOG_WARN, TP_EPERM, "client 12345 of stream 1", 200);
    tpi_log_keep_add(TP_LOG_WARN, TP_EIO, "client 7 of stream 10000", 300);
    tpi_log_keep_add(TP_LOG_ERROR, TP_EPERM, "client 7 of stream 10000", 400);
    tpi_log_keep_add(TP_LOG_WARN, TP_EPERM, "client 7 of stream 10000x", 500);
    tpi_log_keep_add(TP_LOG_WARN, TP_EPERM, "client of stream 10000", 600);
    tpi_log_keep_add(TP_LOG_INFO, 0, "no error", 700);
    assert_int_equal(5, tpi_log_keep_errors(errors, TPI_LOG_KEEP_ERRORS, &forgotten));
    assert_int_equal(0, forgotten);
    assert_string_equal("client of stream 10000", errors[0].text);
    assert_int_equal(2, errors[4].count);
    assert_int_equal(100, errors[4].first_ns);
    assert_int_equal(200, errors[4].last_ns);
    assert_string_equal("client 12345 of stream 1", errors[4].text);
    assert_int_equal(2, tpi_log_keep_errors(errors, 2, &forgotten));
}

static void the_error_not_seen_for_the_longest_time_makes_room__P11(void **state)
{
    (void)state;
    uint64_t forgotten = 0;
    for (unsigned i = 0; i < TPI_LOG_KEEP_ERRORS; i++)
    {
        char text[] = "..";
        text[0] = (char)('a' + i % 16);
        text[1] = (char)('a' + i / 16);
        tpi_log_keep_add(TP_LOG_ERROR, TP_EIO, text, 100 + (int64_t)i);
    }
    tpi_log_keep_add(TP_LOG_ERROR, TP_EIO, "aa", 1000);
    tpi_log_keep_add(TP_LOG_ERROR, TP_EIO, "new", 1001);
    assert_int_equal(TPI_LOG_KEEP_ERRORS, tpi_log_keep_errors(errors, TPI_LOG_KEEP_ERRORS, &forgotten));
    assert_int_equal(1, forgotten);
    assert_string_equal("new", errors[0].text);
    assert_string_equal("aa", errors[1].text);
    assert_int_equal(2, errors[1].count);
    for (unsigned i = 0; i < TPI_LOG_KEEP_ERRORS; i++) { assert_string_not_equal("ba", errors[i].text); }
}

static void texts_longer_than_their_place_are_cut(void **state)
{
    (void)state;
    char text[TPI_LOG_KEEP_TEXT + 10];
    uint64_t next = 0;
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    tpi_log_keep_add(TP_LOG_ERROR, TP_EIO, text, 1);
    tpi_log_keep_add(TP_LOG_ERROR, TP_EIO, text, 2);
    assert_int_equal(2, tpi_log_keep_lines(lines, 10, 0, &next));
    assert_int_equal(TPI_LOG_KEEP_TEXT - 1, strlen(lines[0].text));
    assert_int_equal(1, tpi_log_keep_errors(errors, 10, &next));
}

/* What a handler writes to standard error. */
static void written(tp_log_handler_t handler, tp_log_level_t level, int code, const char *text, char line[8192])
{
    FILE *const file = tmpfile();
    assert_non_null(file);
    (void)fflush(stderr);
    const int saved = dup(STDERR_FILENO);
    assert_true(saved >= 0 && dup2(fileno(file), STDERR_FILENO) >= 0);
    handler(NULL, level, code, text);
    (void)fflush(stderr);
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    (void)close(saved);
    rewind(file);
    line[fread(line, 1, 8191, file)] = '\0';
    (void)fclose(file);
}

static void ends_with(const char *line, const char *end)
{
    const size_t n = strlen(end);
    if (strlen(line) < n || 0 != strcmp(line + strlen(line) - n, end)) { fail_msg("'%s' does not end with '%s'", line, end); }
}

static void text_lines_name_level_and_code(void **state)
{
    (void)state;
    char line[8192];
    written(tp_log_to_stderr, TP_LOG_WARN, 5204, "slow", line);
    ends_with(line, " warn [TP5204]: slow\n");
    written(tp_log_to_stderr, TP_LOG_INFO, 0, "quick", line);
    ends_with(line, " info : quick\n");
}

static void text_lines_hold_nothing_that_a_terminal_obeys(void **state)
{
    (void)state;
    static char line[8192];
    static const struct { const char *text; const char *shown; } cases[] = { { "client 7 '\x1b[2J\x07'", "client 7 '?[2J?'\n" },
        { "one\nerror: two\r", "one?error: two?\n" }, { "a\xc2\x9b" "2Jb\x7f", "a??2Jb?\n" }, { "\xc3\xa4\xe2\x82\xac", "\xc3\xa4\xe2\x82\xac\n" },
        { "cut \xc2", "cut \xc2\n" } };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
    {
        written(tp_log_to_stderr, TP_LOG_WARN, 0, cases[i].text, line);
        ends_with(line, cases[i].shown);
    }
}

static void json_lines_hold_any_text__P11(void **state)
{
    (void)state;
    static char line[8192];
    static char big[2000];
    static const struct { const char *text; const char *json; } cases[] = { { "plain", "plain" }, { "a\"b\\c", "a\\\"b\\\\c" },
        { "\x01\n\x7f", "\\u0001\\u000a\\u007f" }, { "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80" },
        { "\xff", "\\ufffd" }, { "\xc0\xaf", "\\ufffd\\ufffd" },
        { "\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd" }, { "\xe0\x80\x80", "\\ufffd\\ufffd\\ufffd" },
        { "\xf4\x90\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd" }, { "\xf0\x80\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd" }, { "\xc3", "\\ufffd" } };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
    {
        char end[256];
        written(tp_log_to_stderr_json, TP_LOG_ERROR, 4012, cases[i].text, line);
        (void)snprintf(end, sizeof(end), "Z\",\"level\":\"error\",\"code\":4012,\"text\":\"%s\"}\n", cases[i].json);
        ends_with(line, end);
        assert_int_equal(0, strncmp(line, "{\"time\":\"20", 11));
    }
    memset(big, '\x01', sizeof(big) - 1);
    written(tp_log_to_stderr_json, TP_LOG_INFO, 0, big, line);
    ends_with(line, "\\u0001\"}\n");
    assert_true(strlen(line) < 6300);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(nothing_is_kept_before_somebody_asks),
        cmocka_unit_test_setup_teardown(lines_are_kept_in_order_at_the_level_of_the_log, keep_setup, keep_teardown),
        cmocka_unit_test_setup_teardown(the_oldest_lines_make_room__P11, keep_setup, keep_teardown),
        cmocka_unit_test_setup_teardown(errors_that_differ_in_numbers_only_are_one, keep_setup, keep_teardown),
        cmocka_unit_test_setup_teardown(the_error_not_seen_for_the_longest_time_makes_room__P11, keep_setup, keep_teardown),
        cmocka_unit_test_setup_teardown(texts_longer_than_their_place_are_cut, keep_setup, keep_teardown),
        cmocka_unit_test(text_lines_name_level_and_code),
        cmocka_unit_test(text_lines_hold_nothing_that_a_terminal_obeys), cmocka_unit_test(json_lines_hold_any_text__P11) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
