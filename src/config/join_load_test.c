/* Files of joins: what is read, what is refused and where, what is warned of. */
#include "config/test_load.h"

static tpi_join_config_t config;

static int load(const char *text)
{
    const tpi_config_options_t options = { .on_warning = on_warning };
    write_file(text);
    warnings[0] = '\0';
    return tpi_join_config_load(&config, path, &options);
}

#define INPUTS "[[join.inputs]]\nstream = 10000\n[[join.inputs]]\nstream = 10001\noffset = -2\n"

static void a_small_file_is_a_sequence_join(void **state)
{
    (void)state;
    assert_int_equal(load("[join]\nout_stream = 20000\n" INPUTS), 0);
    assert_int_equal(config.options.kind, TP_JOIN_SEQUENCE);
    assert_int_equal(config.map.rule_count, 2);
    assert_int_equal(config.map.rules[1].input_stream_id, 10001);
    assert_int_equal(config.map.rules[1].offset, -2);
    assert_int_equal(config.map.rules[1].source, TP_TIME_NONE);
    assert_int_equal(config.map.epoch, 1);
    assert_true(TP_NULL_U64 == config.map.stale_timeout_ns);
    assert_false(config.options.allow_stale);
    assert_int_equal(config.options.out_stream_id, 20000);
    assert_string_equal(warnings, "");
}

static void a_join_by_time_has_all_its_keys(void **state)
{
    (void)state;
    assert_int_equal(load("[join]\nkind = \"timestamp\"\nout_stream = 9\nepoch = 3\nclock = \"realtime_synced\"\nlateness_ns = 5\n"
        "stale_timeout_ms = 10\nmatch = \"nearest\"\nmax_skew_ns = 7\nanchor = 1\n[[join.inputs]]\nstream = 1\nsource = \"published\"\n"
        "[[join.inputs]]\nstream = 2\nwindow = 10\nclock = \"unknown\"\n"), 0);
    assert_int_equal(config.map.kind, TP_MERGE_TIMESTAMP);
    assert_int_equal(config.map.clock_domain, TP_CLOCK_REALTIME_SYNCED);
    assert_int_equal(config.map.lateness_ns, 5);
    assert_int_equal(config.map.stale_timeout_ns, 10000000);
    assert_int_equal(config.map.rules[0].source, TP_TIME_PUBLISHED);
    assert_int_equal(config.map.rules[1].type, TP_MERGE_WINDOW);
    assert_int_equal(config.map.rules[1].window, 10);
    assert_int_equal(config.options.match, TP_JOIN_NEAREST);
    assert_int_equal(config.options.anchor_stream_id, 1);
    assert_int_equal(config.options.clock_count, 1);
    assert_int_equal(config.options.clocks[0].clock_domain, TP_CLOCK_UNKNOWN);
    assert_true(config.options.allow_stale);
}

static void refused(const char *text, int code, const char *where, const char *what)
{
    assert_int_equal(load(text), -1);
    assert_int_equal(tp_errcode(), code);
    if (NULL == strstr(tp_errmsg(), where) || NULL == strstr(tp_errmsg(), what)) { fail_msg("%s", tp_errmsg()); }
}

static void what_is_wrong_is_refused_with_its_line__J_013_J_014_J_021(void **state)
{
    (void)state;
    refused("[join]\nout_stream = 1\n", TP_ECONF_RULE, "", "join.inputs is missing");
    refused("[join]\n" INPUTS, TP_ECONF_RULE, "", "join.out_stream is missing");
    refused("[join]\nout_stream = 1\nlatenes_ns = 1\n" INPUTS, TP_ECONF_KEY, ":3:1:", "latenes_ns");
    refused("[join]\nout_stream = 1\n[[join.inputs]]\nstream = 1\nwindow = 0\n", TP_ECONF_RANGE, ":5:1:", "window");
    refused("[join]\nout_stream = 1\n[[join.inputs]]\nstream = 1\nwindow = 2\noffset = 0\n", TP_ECONF_RULE, ":3:", "both");
    refused("[join]\nout_stream = 1\n[[join.inputs]]\nstream = 1\noffset = \"a\"\n", TP_ECONF_TYPE, ":5:1:", "offset");
    refused("[join]\nout_stream = 1\n[[join.inputs]]\nstream = 1\noffset = 3000000000\n", TP_ECONF_RANGE, ":3:", "offset");
    refused("[join]\nout_stream = 1\n[[join.inputs]]\noffset = 1\n", TP_ECONF_RULE, ":3:", "stream");
    refused("[join]\nkind = \"other\"\nout_stream = 1\n" INPUTS, TP_ECONF_RANGE, ":2:1:", "kind");
    refused("[join]\nout_stream = 1\nanchor = 5\n" INPUTS, TP_ECONF_RULE, "", "join.anchor");
    refused("[join]\nkind = \"latest\"\nperiod_ms = 5\nout_stream = 1\nanchor = 5\n" INPUTS, TP_ECONF_RULE, "", "both");
    refused("[join]\nout_stream = 1\ninputs = 5\n", TP_ECONF_TYPE, ":3:1:", "join.inputs");
}

static void windows_without_lateness_are_warned_of__J_037(void **state)
{
    static const char text[] = "[join]\nkind = \"timestamp\"\nout_stream = 1\nlateness_ns = %d\n[[join.inputs]]\nstream = 1\nwindow = 10\n";
    char file[256];
    (void)state;
    (void)snprintf(file, sizeof(file), text, 0);
    assert_int_equal(load(file), 0);
    assert_non_null(strstr(warnings, "lateness_ns is 0"));
    (void)snprintf(file, sizeof(file), text, 10);
    assert_int_equal(load(file), 0);
    assert_string_equal(warnings, "");
    (void)snprintf(file, sizeof(file), text, 11);
    assert_int_equal(load(file), 0);
    assert_non_null(strstr(warnings, "smallest window"));
}

static void an_input_of_another_host_needs_synchronised_clocks__J_072(void **state)
{
    static const char text[] = "[join]\nkind = \"timestamp\"\nout_stream = 1\nclock = \"%s\"\n[[join.inputs]]\nstream = 1\nclock = \"%s\"\n";
    char file[256];
    (void)state;
    (void)snprintf(file, sizeof(file), text, "monotonic", "unknown");
    assert_int_equal(load(file), 0);
    assert_non_null(strstr(warnings, "another host"));
    (void)snprintf(file, sizeof(file), text, "realtime_synced", "realtime_synced");
    assert_int_equal(load(file), 0);
    assert_string_equal(warnings, "");
}

static void latest_says_that_nothing_is_aligned__J_088(void **state)
{
    (void)state;
    assert_int_equal(load("[join]\nkind = \"latest\"\nout_stream = 1\n" INPUTS), 0);
    assert_int_equal(config.options.kind, TP_JOIN_LATEST);
    assert_non_null(strstr(warnings, "tolerates_misalignment"));
    assert_int_equal(load("[join]\nkind = \"latest\"\nout_stream = 1\ntolerates_misalignment = true\n" INPUTS), 0);
    assert_string_equal(warnings, "");
    assert_int_equal(config.map.kind, TP_MERGE_SEQUENCE);
    assert_int_equal(load("[join]\nkind = \"latest\"\norder = \"timestamp\"\nout_stream = 1\ntolerates_misalignment = true\n" INPUTS), 0);
    assert_int_equal(config.map.kind, TP_MERGE_TIMESTAMP);
}

static void the_example_loads_as_it_is(void **state)
{
    char *text = NULL;
    size_t length = 0;
    (void)state;
    FILE *f = open_memstream(&text, &length);
    assert_non_null(f);
    tpi_join_config_example(f);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(load(text), 0);
    assert_int_equal(config.map.rule_count, 2);
    assert_string_equal(warnings, "");
    free(text);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, remove_file)
    const struct CMUnitTest tests[] = {
        T(a_small_file_is_a_sequence_join), T(a_join_by_time_has_all_its_keys), T(what_is_wrong_is_refused_with_its_line__J_013_J_014_J_021),
        T(windows_without_lateness_are_warned_of__J_037), T(an_input_of_another_host_needs_synchronised_clocks__J_072),
        T(latest_says_that_nothing_is_aligned__J_088), T(the_example_loads_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
