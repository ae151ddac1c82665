/* Arguments: every kind of option, in any order, with bounds; and help, man page and completion say what the table says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli.h"
#include "out.h"

static const cli_option_t test_options[] = {
    CLI_OPT_NUMBER("client-id", 0, client_id, "N", 1, UINT32_MAX, "the id"),
    CLI_OPT_REAL("hz", 0, hz, "N", 100, "the rate"),
    CLI_OPT_ENUM("mode", 'm', mode, "stream|rate-limited", "the mode"),
    { "check", 0, CLI_TEXT_OPTIONAL, offsetof(cli_args_t, check), "counter|ramp", true, 0, 0, "verify" },
    CLI_OPT_LIST("meta", 0, meta, "KEY=VALUE", "an attribute"),
    { "inject", 0, CLI_TEXT, offsetof(cli_args_t, inject), "corrupt|hide-loss", true, 0, 0, NULL },
    CLI_OPT_END,
};
static const cli_verb_t test_verb = { .name = "try", .arguments = "STREAM", .max_arguments = 1, .options = test_options, .summary = "Try things",
    .text = ".leading dot" };
static const cli_verb_t hidden_verb = { .name = "secret", .arguments = "", .hidden = true, .summary = "Hidden" };
const cli_verb_t *const cli_verbs[] = { &test_verb, &hidden_verb, NULL };

static int parse(cli_args_t *args, const char *const *words, int *first)
{
    static char *argv[16];
    int argc = 0;
    argv[argc++] = (char *)(uintptr_t)"try";
    for (; NULL != words[argc - 1] && argc < 15; argc++) { argv[argc] = (char *)(uintptr_t)words[argc - 1]; }
    argv[argc] = NULL;
    cli_args_init(args);
    return cli_args_parse(args, &test_verb, argc, argv, first);
}

#define PARSE(args, first, ...) parse((args), (const char *const[]){ __VA_ARGS__, NULL }, (first))

static void nothing_given_is_told_apart_from_zero(void **state)
{
    cli_args_t args;
    int first;
    (void)state;
    assert_int_equal(PARSE(&args, &first, "cam1"), 0);
    assert_int_equal(first, 1);
    assert_false(CLI_GIVEN(args.count));
    assert_false(CLI_GIVEN(args.client_id));
    assert_true(args.seconds < 0.0);
    assert_true(args.hz < 0.0);
    assert_null(args.check);
    assert_null(args.mode);
    assert_int_equal(PARSE(&args, &first, "--hz", "0", "--seconds=0"), 0);
    assert_true(0.0 == args.hz);
    assert_true(0.0 == args.seconds);
}

static void options_and_words_mix_in_any_order(void **state)
{
    cli_args_t args;
    int first;
    (void)state;
    assert_int_equal(PARSE(&args, &first, "cam1", "--json", "-n", "5", "--client-id=42", "-m", "rate-limited"), 0);
    assert_int_equal(first, 7);
    assert_true(args.json);
    assert_int_equal(args.count, 5);
    assert_int_equal(args.client_id, 42);
    assert_string_equal(args.mode, "rate-limited");
}

static void an_optional_value_needs_its_equals_sign(void **state)
{
    cli_args_t args;
    int first;
    (void)state;
    assert_int_equal(PARSE(&args, &first, "--check", "cam1"), 0);
    assert_string_equal(args.check, "");
    assert_int_equal(first, 2);
    assert_int_equal(PARSE(&args, &first, "--check=ramp", "cam1"), 0);
    assert_string_equal(args.check, "ramp");
}

static void values_keep_their_bounds(void **state)
{
    cli_args_t args;
    int first;
    (void)state;
    assert_int_equal(PARSE(&args, &first, "--client-id", "0"), -1);
    assert_int_equal(PARSE(&args, &first, "--client-id", "1"), 0);
    assert_int_equal(PARSE(&args, &first, "--client-id", "4294967295"), 0);
    assert_int_equal(PARSE(&args, &first, "--client-id", "4294967296"), -1);
    assert_int_equal(PARSE(&args, &first, "--client-id", "many"), -1);
    assert_int_equal(PARSE(&args, &first, "--hz", "100"), 0);
    assert_int_equal(PARSE(&args, &first, "--hz", "100.1"), -1);
    assert_int_equal(PARSE(&args, &first, "--count", "0"), -1);
    assert_int_equal(PARSE(&args, &first, "--mode", "streams"), -1);
    assert_int_equal(PARSE(&args, &first, "--mode", "rate"), -1);
}

static void a_list_takes_each_value_up_to_its_end(void **state)
{
    static char *argv[2 * CLI_LIST_MAX + 4];
    char word[] = "--meta";
    char value[] = "a=b";
    cli_args_t args;
    int first;
    (void)state;
    assert_int_equal(PARSE(&args, &first, "--meta", "a=1", "cam1", "--meta=b=2"), 0);
    assert_int_equal(args.meta.count, 2);
    assert_string_equal(args.meta.items[0], "a=1");
    assert_string_equal(args.meta.items[1], "b=2");
    assert_int_equal(PARSE(&args, &first, "--meta"), -1);
    for (int over = 0; over < 2; over++)
    {
        int argc = 0;
        argv[argc++] = word;
        for (int i = 0; i < CLI_LIST_MAX + over; i++) { argv[argc++] = word; argv[argc++] = value; }
        argv[argc] = NULL;
        cli_args_init(&args);
        assert_int_equal(cli_args_parse(&args, &test_verb, argc, argv, &first), 0 == over ? 0 : -1);
        assert_int_equal(args.meta.count, CLI_LIST_MAX);
    }
}

static void unknown_options_and_missing_values_are_refused(void **state)
{
    cli_args_t args;
    int first;
    (void)state;
    assert_int_equal(PARSE(&args, &first, "--client-idd", "1"), -1);
    assert_int_equal(PARSE(&args, &first, "-z"), -1);
    assert_int_equal(PARSE(&args, &first, "--hz"), -1);
    assert_int_equal(PARSE(&args, &first, "--json=yes"), -1);
}

static char *printed(void (*print)(FILE *out, const cli_verb_t *verb), const cli_verb_t *verb)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    assert_non_null(out);
    print(out, verb);
    fclose(out);
    return text;
}

static void print_completion(FILE *out, const cli_verb_t *verb)
{
    (void)verb;
    (void)cli_completion(out, "bash");
}

static void print_all(FILE *out, const cli_verb_t *verb)
{
    (void)verb;
    cli_help_all(out);
}

static void help_man_and_completion_come_from_the_same_rows(void **state)
{
    void (*const prints[])(FILE *, const cli_verb_t *) = { cli_help_verb, cli_man, print_completion };
    (void)state;
    for (size_t i = 0; i < sizeof(prints) / sizeof(prints[0]); i++)
    {
        char *text = printed(prints[i], &test_verb);
        for (const cli_option_t *option = test_options; NULL != option->name; option++)
        {
            char words[64];
            snprintf(words, sizeof(words), 1 == i ? "%s" : "--%s", 1 == i && NULL != strchr(option->name, '-') ? "client\\-id" : option->name);
            if (NULL != option->help) { assert_non_null(strstr(text, words)); }
            else { assert_null(strstr(text, words)); }
        }
        free(text);
    }
}

static void hidden_verbs_are_not_shown(void **state)
{
    (void)state;
    char *help = printed(print_all, NULL);
    char *man = printed(cli_man, NULL);
    char *completion = printed(print_completion, NULL);
    assert_non_null(strstr(help, "try STREAM"));
    assert_non_null(strstr(man, "tp\\-try"));
    assert_non_null(strstr(completion, "try"));
    assert_null(strstr(help, "secret"));
    assert_null(strstr(man, "secret"));
    assert_null(strstr(completion, "secret"));
    free(help);
    free(man);
    free(completion);
}

static void man_pages_protect_dots_at_line_starts(void **state)
{
    (void)state;
    char *text = printed(cli_man, &test_verb);
    assert_non_null(strstr(text, "\n\\&.leading dot"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_given_is_told_apart_from_zero),
        cmocka_unit_test(options_and_words_mix_in_any_order),
        cmocka_unit_test(an_optional_value_needs_its_equals_sign),
        cmocka_unit_test(values_keep_their_bounds),
        cmocka_unit_test(a_list_takes_each_value_up_to_its_end),
        cmocka_unit_test(unknown_options_and_missing_values_are_refused),
        cmocka_unit_test(help_man_and_completion_come_from_the_same_rows),
        cmocka_unit_test(hidden_verbs_are_not_shown),
        cmocka_unit_test(man_pages_protect_dots_at_line_starts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
