/* Numbers for people, tables, exit codes, and the distance behind "did you mean". */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli.h"
#include "out.h"

const cli_verb_t *const cli_verbs[] = { NULL };

static void codes_have_the_exit_codes_of_the_manual(void **state)
{
    static const struct { int code, exit_code; } known[] = {
        { TP_OK, 0 }, { TP_EIO, 1 }, { TP_ECONF_KEY, 1 }, { TP_EUSAGE, 2 }, { TP_ENOMEDIADRIVER, 3 }, { TP_ENODRIVER, 3 }, { TP_EUNSUPPORTED, 4 },
        { TP_EPRODUCER, 4 }, { TP_ELEASE, 4 }, { TP_ETIMEDOUT, 5 }, { TP_ETORN, 6 }, { TP_ELOST, 6 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) { assert_int_equal(cli_exit_of(known[i].code), known[i].exit_code); }
}

static void numbers_read_well(void **state)
{
    char text[CLI_TEXT_MAX];
    (void)state;
    assert_string_equal(cli_human_bytes(text, 0), "0 B");
    assert_string_equal(cli_human_bytes(text, 1023), "1023 B");
    assert_string_equal(cli_human_bytes(text, 1024), "1.0 KiB");
    assert_string_equal(cli_human_bytes(text, 4194304), "4.0 MiB");
    assert_string_equal(cli_human_rate(text, 999), "999 B/s");
    assert_string_equal(cli_human_rate(text, 27648000), "27.6 MB/s");
    assert_string_equal(cli_human_ns(text, 999), "999 ns");
    assert_string_equal(cli_human_ns(text, -1500), "-1.50 us");
    assert_string_equal(cli_human_ns(text, 2.5e9), "2.50 s");
    assert_string_equal(cli_human_count(text, 999), "999");
    assert_string_equal(cli_human_count(text, 33554432), "33,554,432");
    assert_string_equal(cli_human_count(text, UINT64_MAX), "18,446,744,073,709,551,615");
}

static void distance_counts_edits(void **state)
{
    char longest[65];
    (void)state;
    assert_int_equal(cli_distance("", ""), 0);
    assert_int_equal(cli_distance("camera", "camera"), 0);
    assert_int_equal(cli_distance("camera", "camra"), 1);
    assert_int_equal(cli_distance("kitten", "sitting"), 3);
    assert_int_equal(cli_distance("", "abc"), 3);
    memset(longest, 'a', sizeof(longest));
    longest[64] = '\0';
    assert_true(cli_distance(longest, "a") >= 1000);
    longest[63] = '\0';
    assert_int_equal(cli_distance(longest, "a"), 62);
}

static void tables_grow_with_their_content(void **state)
{
    static const char *const headings[] = { ">ID", "NAME", NULL };
    cli_table_t table;
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    (void)state;
    assert_non_null(out);
    cli_table_init(&table, headings);
    cli_table_cell(&table, "%d", 10000);
    cli_table_cell(&table, "%s", "a");
    cli_table_cell(&table, "%d", 7);
    cli_table_cell(&table, "%s", "longer name");
    cli_table_print(&table, out);
    fflush(out);
    assert_string_equal(text, "   ID  NAME\n10000  a\n    7  longer name\n");
    cli_table_print(&table, out);
    fflush(out);
    assert_non_null(strstr(text, "\nID  NAME\n"));
    cli_table_fini(&table);
    fclose(out);
    free(text);
}

static void tables_align_utf_8_and_disarm_what_a_terminal_would_obey(void **state)
{
    static const char *const headings[] = { "NAME", "B", NULL };
    cli_table_t table;
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    (void)state;
    assert_non_null(out);
    cli_table_init(&table, headings);
    cli_table_cell(&table, "%s", "gr\xc3\xbc\xc3\x9f" "e");
    cli_table_cell(&table, "%s", "1");
    cli_table_cell(&table, "%s", "\x1b[2J\n\x7f\xc2\x9b");
    cli_table_cell(&table, "%s", "2");
    cli_table_print(&table, out);
    fflush(out);
    assert_string_equal(text, "NAME      B\ngr\xc3\xbc\xc3\x9f" "e     1\n?[2J????  2\n");
    cli_table_fini(&table);
    fclose(out);
    free(text);
}

static void tables_fit_the_width_and_cut_no_number(void **state)
{
    static const char *const headings[] = { ">LEASE", "NAME", "DIR", NULL };
    static const char *const expected[] = {
        "        LEASE  NAME        DIR\n1234567890123  short       /a/b/c/d/e\n            7  gr\xc3\xbc\xc3\x9f" "ereich  x\n",  /* fits exactly */
        "        LEASE  NAME       DIR\n1234567890123  short      /a/b/c/d/e\n            7  gr\xc3\xbc\xc3\x9f" "erei~  x\n",
        "        LEASE  NAME      DIR\n1234567890123  short     /a/b/c/~\n            7  gr\xc3\xbc\xc3\x9f" "ere~  x\n",
        "        LEASE  NAME\n1234567890123  short\n            7  gr\xc3\xbc\xc3\x9f" "ere~\n",
        "     LEASE\n123456789~\n         7\n" };
    static const int widths[] = { 37, 36, 33, 24, 10 };
    (void)state;
    for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++)
    {
        cli_table_t table;
        char *text = NULL;
        size_t length = 0;
        FILE *out = open_memstream(&text, &length);
        assert_non_null(out);
        cli_table_init(&table, headings);
        table.width_max = widths[i];
        cli_table_cell(&table, "1234567890123");
        cli_table_cell(&table, "short");
        cli_table_cell(&table, "/a/b/c/d/e");
        cli_table_cell(&table, "7");
        cli_table_cell(&table, "gr\xc3\xbc\xc3\x9f" "ereich");
        cli_table_cell(&table, "x");
        cli_table_print(&table, out);
        fflush(out);
        assert_string_equal(text, expected[i]);
        cli_table_fini(&table);
        fclose(out);
        free(text);
    }
}

static void a_terminal_gives_its_width(void **state)
{
    static const char *const headings[] = { "NAME", NULL };
    const struct winsize size = { .ws_row = 5, .ws_col = 10 };
    cli_table_t table;
    char text[64] = "";
    (void)state;
    const int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(master >= 0);
    assert_int_equal(grantpt(master), 0);
    assert_int_equal(unlockpt(master), 0);
    assert_int_equal(ioctl(master, TIOCSWINSZ, &size), 0);
    const int slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    FILE *out = fdopen(slave, "w");
    assert_non_null(out);
    cli_table_init(&table, headings);
    cli_table_cell(&table, "0123456789a");
    cli_table_print(&table, out);
    assert_int_equal(fflush(out), 0);
    size_t length = 0;
    while (length < strlen("NAME\r\n012345678~\r\n"))                      /* a terminal may give it line by line */
    {
        const ssize_t n = read(master, text + length, sizeof(text) - 1 - length);
        assert_true(n > 0);
        length += (size_t)n;
    }
    assert_string_equal(text, "NAME\r\n012345678~\r\n");
    cli_table_fini(&table);
    fclose(out);
    (void)close(master);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_have_the_exit_codes_of_the_manual),
        cmocka_unit_test(numbers_read_well),
        cmocka_unit_test(distance_counts_edits),
        cmocka_unit_test(tables_grow_with_their_content),
        cmocka_unit_test(tables_align_utf_8_and_disarm_what_a_terminal_would_obey),
        cmocka_unit_test(tables_fit_the_width_and_cut_no_number),
        cmocka_unit_test(a_terminal_gives_its_width),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
