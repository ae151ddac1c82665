#include "config/test_load.h"

static tp_supervisor_config_t config;

static int load_in(const char *text, const char *const *environment)
{
    const tpi_config_options_t options = { .environment = environment, .on_warning = on_warning, .origins = &origins };
    write_file(text);
    return tpi_supervisor_config_load(&config, path, &options);
}

static int load(const char *text) { return load_in(text, no_environment); }

/* Refused stand-alone and embedded, by a message with both parts. */
static void both_refuse(const char *table, const char *part, const char *other)
{
    char text[4096];
    assert_int_equal(load(table), -1);
    assert_non_null(strstr(tp_errmsg(), part));
    assert_non_null(strstr(tp_errmsg(), other));
    (void)snprintf(text, sizeof(text), "%s%s", table, REST);
    assert_int_equal(embed(text), -1);
    assert_non_null(strstr(tp_errmsg(), part));
}

static void alone_it_inherits_nothing_of_a_driver(void **state)
{
    (void)state;
    assert_int_equal(load("[driver]\naeron_dir = \"/tmp/x\"\ncontrol_stream_id = 1500\nqos_channel = \"aeron:ipc?mtu=8k\"\n"), 0);
    assert_string_equal(config.aeron_dir, "/tmp/x");
    assert_int_equal(config.control_stream_id, 1000);
    assert_int_equal(config.announce_stream_id, 1001);
    assert_int_equal(config.metadata_stream_id, 1300);
    assert_int_equal(config.qos_stream_id, 1200);
    assert_string_equal(config.qos_channel, "aeron:ipc?term-length=4m");
    assert_string_equal(config.metadata_channel, "aeron:ipc?term-length=4m");
    assert_int_equal(config.consumer_capacity, 256);
    assert_int_equal(config.consumer_stale_ms, 5000);
    assert_false(config.per_consumer_enabled || config.force_no_shm || config.host.is_set);
    assert_string_equal(warnings, "");
    tp_supervisor_config_fini(&config);
}

static void every_key_of_the_table_is_read(void **state)
{
    (void)state;
    assert_int_equal(load("[supervisor]\ncontrol_channel = \"aeron:ipc?a=1\"\ncontrol_stream_id = 11\nannounce_channel = \"aeron:ipc?a=2\"\n"
        "announce_stream_id = 12\nmetadata_channel = \"aeron:ipc?a=3\"\nmetadata_stream_id = 13\nqos_channel = \"aeron:ipc?a=4\"\n"
        "qos_stream_id = 14\n"
        "consumer_capacity = 15\nconsumer_stale_ms = 16\nper_consumer_enabled = true\nper_consumer_descriptor_channel = \"aeron:ipc?a=5\"\n"
        "per_consumer_descriptor_base = 100\nper_consumer_descriptor_range = 17\nper_consumer_control_channel = \"aeron:ipc?a=6\"\n"
        "per_consumer_control_base = 200\nper_consumer_control_range = 18\nforce_no_shm = true\nforce_mode = 2\n"
        "payload_fallback_uri = \"aeron:udp?x\"\n"), 0);
    assert_string_equal(config.control_channel, "aeron:ipc?a=1");
    assert_string_equal(config.announce_channel, "aeron:ipc?a=2");
    assert_string_equal(config.metadata_channel, "aeron:ipc?a=3");
    assert_string_equal(config.qos_channel, "aeron:ipc?a=4");
    assert_string_equal(config.per_consumer_descriptor_channel, "aeron:ipc?a=5");
    assert_string_equal(config.per_consumer_control_channel, "aeron:ipc?a=6");
    assert_string_equal(config.payload_fallback_uri, "aeron:udp?x");
    const uint32_t found[] = { config.control_stream_id, config.announce_stream_id, config.metadata_stream_id, config.qos_stream_id,
        config.consumer_capacity, config.consumer_stale_ms, config.per_consumer_descriptor_range, config.per_consumer_control_range };
    for (uint32_t i = 0; i < 8; i++) { assert_int_equal(found[i], 11 + i); }
    assert_int_equal(config.per_consumer_descriptor_base, 100);
    assert_int_equal(config.per_consumer_control_base, 200);
    assert_int_equal(config.force_mode, 2);
    assert_true(config.per_consumer_enabled && config.force_no_shm);
    tp_supervisor_config_fini(&config);
}

static void table_enables_the_embedded_one_and_its_absence_disables_it__S_063(void **state)
{
    (void)state;
    static const char *const variable[] = { "SUPERVISOR_CONSUMER_STALE_MS=7", NULL };
    assert_int_equal(embed(REST), 0);
    assert_false(embedded.has_supervisor);
    release();
    assert_int_equal(embed_in(REST, variable), 0);                  /* a variable is no table */
    assert_false(embedded.has_supervisor);
    release();
    assert_int_equal(embed_in("[supervisor]\n" REST, variable), 0);
    assert_true(embedded.has_supervisor);
    assert_int_equal(embedded.supervisor.consumer_stale_ms, 7);
    release();
}

static void embedded_it_takes_each_stream_from_the_driver_for_itself__S_064(void **state)
{
    (void)state;
    assert_int_equal(embed("[driver]\naeron_dir = \"/tmp/y\"\ncontrol_channel = \"aeron:ipc?mtu=4k\"\ncontrol_stream_id = 1501\n"
        "announce_stream_id = 1502\n"
        "qos_channel = \"aeron:ipc?mtu=8k\"\nqos_stream_id = 1503\n[policies]\nannounce_period_ms = 123\n[supervisor]\nqos_stream_id = 1600\n"
        "metadata_channel = \"aeron:ipc?mtu=2k\"\n" REST), 0);
    const tp_supervisor_config_t *const s = &embedded.supervisor;
    assert_string_equal(s->aeron_dir, "/tmp/y");
    assert_string_equal(s->control_channel, "aeron:ipc?mtu=4k");
    assert_int_equal(s->control_stream_id, 1501);
    assert_string_equal(s->announce_channel, "aeron:ipc?mtu=4k");
    assert_int_equal(s->announce_stream_id, 1502);
    assert_string_equal(s->qos_channel, "aeron:ipc?mtu=8k");
    assert_int_equal(s->qos_stream_id, 1600);                      /* OP-S-08: its own, with the driver's channel */
    assert_string_equal(s->metadata_channel, "aeron:ipc?mtu=2k");
    assert_int_equal(s->metadata_stream_id, 1300);
    assert_int_equal(s->announce_period_ms, 123);
    assert_true(s->host.is_set);
    release();
}

static void metadata_come_over_the_drivers_control_channel__S_064(void **state)
{
    (void)state;
    assert_int_equal(embed("[driver]\ncontrol_channel = \"aeron:ipc?mtu=4k\"\n[supervisor]\n" REST), 0);
    assert_string_equal(embedded.supervisor.metadata_channel, "aeron:ipc?mtu=4k");
    assert_int_equal(embedded.supervisor.announce_stream_id, 1000);
    release();
}

static void base_without_range_is_refused__S_065(void **state)
{
    (void)state;
    both_refuse("[supervisor]\nper_consumer_descriptor_base = 31000\n", ":2:", "per_consumer_descriptor_base");
    both_refuse("[supervisor]\nper_consumer_control_base = 31000\n", ":2:", "per_consumer_control_base");
    assert_int_equal(load("[supervisor]\nper_consumer_control_base = 31000\nper_consumer_control_range = 1\n"), 0);
}

static void forced_mode_is_zero_one_or_two__S_066(void **state)
{
    (void)state;
    both_refuse("[supervisor]\nforce_mode = 3\n", ":2:1: ", "0..2");
    both_refuse("[supervisor]\nforce_mode = -1\n", ":2:1: ", "0..2");
    for (uint32_t mode = 0; mode <= 2; mode++)
    {
        char text[64];
        (void)snprintf(text, sizeof(text), "[supervisor]\nforce_mode = %u\n", mode);
        assert_int_equal(load(text), 0);
        assert_int_equal(config.force_mode, mode);
    }
}

static void other_mistakes_are_refused_with_their_place__S_075(void **state)
{
    (void)state;
    static const struct { const char *text, *part; } cases[] = {
        { "[supervisor]\nconsumer_capacity = 0\n", ":2:1: supervisor.consumer_capacity = 0" },
        { "[supervisor]\nconsumer_capacity = \"8\"\n", "consumer_capacity" },
        { "[supervisor]\nconsumer_stale_ms = 4294967296\n", ":2:1: supervisor.consumer_stale_ms" },
        { "[supervisor]\nconsumer_stale_ms = -1\n", "consumer_stale_ms" },
        { "[supervisor]\nper_consumer_enabled = 1\n", "per_consumer_enabled" },
        { "[supervisor]\ncontrol_channel = 7\n", "control_channel" },
        { "[supervisor]\ncontrol_channel = \"\"\n", "is empty" },
        { "[supervisor]\ncontrol_channel = \"ipc\"\n", ":2:1: supervisor.control_channel" },
        { "[supervisor]\ncontrol_stream_id = 0\n", "control_stream_id" },
        { "[supervisor]\nqos_stream_id = 2147483648\n", "qos_stream_id" },
        { "[supervisor]\nper_consumer_control_base = 2147483647\nper_consumer_control_range = 2\n", "per_consumer_control" },
        { "[supervisor]\nper_consumer_control_base = 1190\nper_consumer_control_range = 20\n", "qos_stream_id" },
        { "[supervisor]\nper_consumer_descriptor_base = 50\nper_consumer_descriptor_range = 10\nper_consumer_control_base = 59\n"
            "per_consumer_control_range = 1\n", "overlap" },
        { "[supervisor]\nforce_mod = 1\n", "unknown key 'force_mod' in [supervisor]" },
        { "[supervisor.health]\ndrop = 1\n", "unknown key 'drop' in [supervisor.health]" },
        { "[supervisor.policies.a]\nforce_mode = 3\n", "supervisor.policies.a.force_mode = 3" },
        { "[supervisor.policies.a]\nstream = \"1\"\n", "unknown key 'stream' in [supervisor.policies.a]" },
        { "[supervisor]\npolicies = 5\n", "supervisor.policies is an integer, not a table" },
        { "supervisor = 5\n", "[supervisor] is an integer, not a table" },
        { "[supervisor\n", ":1:" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) { both_refuse(cases[i].text, cases[i].part, ""); }
    assert_int_equal(load("[driver]\naeron_dri = \"x\"\n"), -1);
    assert_non_null(strstr(tp_errmsg(), "unknown key 'aeron_dri' in [driver]"));
    (void)unlink(path);
    assert_int_equal(tpi_supervisor_config_load(&config, path, NULL), -1);
    assert_int_equal(tp_errcode(), TP_ECONF_FILE);
}

static void embedded_private_ids_stay_clear_of_the_drivers__S_041_I_001(void **state)
{
    (void)state;
#define DESCRIPTOR "[supervisor]\nper_consumer_descriptor_base = 31000\nper_consumer_descriptor_range = 100\n"
    assert_int_equal(embed(DESCRIPTOR REST), 0);
    release();
    assert_int_equal(embed("[driver]\ndescriptor_stream_id_range = \"31000-31099\"\n" DESCRIPTOR REST), 0);
    release();
    assert_int_equal(embed("[driver]\ndescriptor_stream_id_range = \"31001-31099\"\n" DESCRIPTOR REST), -1);
    assert_int_equal(embed("[driver]\nstream_id_range = \"31099-31200\"\n" DESCRIPTOR REST), -1);
    assert_non_null(strstr(tp_errmsg(), "31099"));
    assert_int_equal(embed(DESCRIPTOR PROFILE "[streams.s]\nstream_id = 31099\nprofile = \"p\"\n"), -1);
    assert_non_null(strstr(tp_errmsg(), "31099"));
    assert_non_null(strstr(tp_errmsg(), "31000"));
}

static void variables_and_settings_reach_the_table__S_075(void **state)
{
    (void)state;
    static const char *const environment[] = { "SUPERVISOR_CONSUMER_STALE_MS=4000", "SUPERVISOR_HEALTH_DROPS=9", "SUPERVISOR_FORCE_MODES=1",
        "AERON_DIR=/tmp/z", NULL };
    static const char *const bad[] = { "SUPERVISOR_FORCE_MODE=3", NULL };
    assert_int_equal(load_in("[supervisor]\nconsumer_stale_ms = 3000\n", environment), 0);
    assert_int_equal(config.consumer_stale_ms, 4000);
    assert_int_equal(config.health.drops, 9);
    assert_string_equal(config.aeron_dir, "/tmp/z");
    assert_non_null(strstr(warnings, "SUPERVISOR_FORCE_MODES is not known and ignored; did you mean SUPERVISOR_FORCE_MODE?"));
    assert_int_equal(load_in("", bad), -1);
    assert_non_null(strstr(tp_errmsg(), "SUPERVISOR_FORCE_MODE: supervisor.force_mode = 3"));
    const tpi_config_setting_t setting = { "supervisor.consumer_stale_ms", "2000", "--set" };
    const tpi_config_options_t options = { .environment = environment, .settings = &setting, .setting_count = 1 };
    assert_int_equal(tpi_supervisor_config_load(&config, NULL, &options), 0);
    assert_int_equal(config.consumer_stale_ms, 2000);
}

static void rules_are_read_in_their_order(void **state)
{
    (void)state;
    assert_int_equal(load("[supervisor.policies.displays]\nstreams = \"10000-10005\"\nconsumers = [7, 9]\nconsumer_name = \"viewer*\"\n"
        "force_mode = 2\n[supervisor.policies.\"all others\"]\nforce_no_shm = true\nper_consumer_enabled = false\npayload_fallback_uri = \"\"\n"), 0);
    assert_int_equal(config.policy_count, 2);
    const tp_supervisor_policy_t *const p = config.policies;
    assert_string_equal(p[0].name, "displays");
    assert_true(10000 == p[0].streams.first && 10005 == p[0].streams.last && 7 == p[0].consumers.first && 9 == p[0].consumers.last);
    assert_string_equal(p[0].consumer_name, "viewer*");
    assert_int_equal(p[0].force_mode, 2);
    assert_true(TP_SUPERVISOR_UNDECIDED == p[0].force_no_shm && TP_SUPERVISOR_UNDECIDED == p[0].per_consumer_enabled &&
        !p[0].has_payload_fallback_uri);
    assert_string_equal(p[1].name, "all others");
    assert_true(TP_SUPERVISOR_YES == p[1].force_no_shm && TP_SUPERVISOR_NO == p[1].per_consumer_enabled && p[1].has_payload_fallback_uri);
    assert_int_equal(p[1].force_mode, TP_SUPERVISOR_MODE_UNDECIDED);
    tp_supervisor_config_fini(&config);
}

static char *printed(void (*print)(FILE *out))
{
    char *text = NULL;
    size_t length = 0;
    FILE *const out = open_memstream(&text, &length);
    assert_non_null(out);
    print(out);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void show(FILE *out) { tpi_supervisor_config_show(out, &config, &origins); }
static void show_embedded(FILE *out) { tpi_embedded_config_show(out, &embedded, &origins); }

static void what_is_shown_gives_the_same_again(void **state)
{
    (void)state;
    assert_int_equal(load("[supervisor]\ncontrol_stream_id = 77\n[supervisor.health]\ndrops = 3\n[supervisor.policies.\"a b\"]\nforce_mode = 1\n"
        "force_no_shm = false\nconsumers = \"5\"\n"), 0);
    char *const first = printed(show);
    tp_supervisor_config_fini(&config);
    assert_non_null(strstr(first, "health.drops"));
    assert_int_equal(load(first), 0);
    assert_int_equal(config.control_stream_id, 77);
    assert_int_equal(config.health.drops, 3);
    assert_int_equal(config.policy_count, 1);
    assert_string_equal(config.policies[0].name, "a b");
    assert_int_equal(config.policies[0].force_no_shm, TP_SUPERVISOR_NO);
    assert_int_equal(config.policies[0].consumers.last, 5);
    tp_supervisor_config_fini(&config);
    free(first);
    assert_int_equal(embed("[supervisor]\nqos_stream_id = 1600\n" REST), 0);
    char *const second = printed(show_embedded);
    assert_non_null(strstr(second, "# default: that of the driver"));
    assert_non_null(strstr(second, ":2\n"));
    free(second);
    release();
}

static void example_loads_stand_alone_and_inside_of_a_drivers_file(void **state)
{
    (void)state;
    char *const text = printed(tpi_supervisor_config_example);
    char *const both = malloc(strlen(text) + sizeof(REST));
    assert_non_null(both);
    assert_int_equal(load(text), 0);
    assert_true(config.per_consumer_enabled && 31000 == config.per_consumer_descriptor_base);
    assert_string_equal(warnings, "");
    (void)sprintf(both, "%s%s", text, REST);
    assert_int_equal(embed(both), 0);
    assert_true(embedded.has_supervisor);
    release();
    tp_supervisor_config_fini(&config);
    free(both);
    free(text);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, remove_file)
    const struct CMUnitTest tests[] = {
        T(alone_it_inherits_nothing_of_a_driver), T(every_key_of_the_table_is_read),
        T(table_enables_the_embedded_one_and_its_absence_disables_it__S_063), T(embedded_it_takes_each_stream_from_the_driver_for_itself__S_064),
        T(metadata_come_over_the_drivers_control_channel__S_064), T(base_without_range_is_refused__S_065), T(forced_mode_is_zero_one_or_two__S_066),
        T(other_mistakes_are_refused_with_their_place__S_075), T(embedded_private_ids_stay_clear_of_the_drivers__S_041_I_001),
        T(variables_and_settings_reach_the_table__S_075), T(rules_are_read_in_their_order),
        T(what_is_shown_gives_the_same_again), T(example_loads_stand_alone_and_inside_of_a_drivers_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
