#include "config/test_load.h"

static const char *const required[] = {
    "request_channel = \"aeron:ipc?a=1\"\n", "request_stream_id = 9000\n", "announce_channel = \"aeron:ipc?a=2\"\n", "announce_stream_id = 1001\n",
    "metadata_channel = \"aeron:ipc?a=3\"\n", "metadata_stream_id = 1300\n", "driver_instance_id = \"rig\"\n",
    "driver_control_channel = \"aeron:ipc?a=4\"\n", "driver_control_stream_id = 1000\n" };
#define REQUIRED (sizeof(required) / sizeof(required[0]))

static tp_discovery_provider_config_t config;
static char text[8192];

static int load_in(const char *content, const char *const *environment)
{
    const tpi_config_options_t options = { .environment = environment, .on_warning = on_warning, .origins = &origins };
    write_file(content);
    return tpi_discovery_config_load(&config, path, &options);
}

static int load(const char *content) { return load_in(content, no_environment); }

/* The table with every required key but one (REQUIRED: all), and more behind it. */
static const char *table(size_t without, const char *more)
{
    size_t used = (size_t)snprintf(text, sizeof(text), "[discovery]\n");
    for (size_t i = 0; i < REQUIRED; i++)
    {
        if (i != without) { used += (size_t)snprintf(text + used, sizeof(text) - used, "%s", required[i]); }
    }
    (void)snprintf(text + used, sizeof(text) - used, "%s", more);
    return text;
}

static void required_keys_are_enough_and_none_is_too_many__X_098(void **state)
{
    (void)state;
    assert_int_equal(load(table(REQUIRED, "")), 0);
    assert_int_equal(config.source_count, 1);
    const tp_discovery_source_config_t *const s = &config.sources[0];
    assert_string_equal(config.request_channel, "aeron:ipc?a=1");
    assert_int_equal(config.request_stream_id, 9000);
    assert_string_equal(s->announce_channel, "aeron:ipc?a=2");
    assert_int_equal(s->announce_stream_id, 1001);
    assert_string_equal(s->metadata_channel, "aeron:ipc?a=3");
    assert_int_equal(s->metadata_stream_id, 1300);
    assert_string_equal(s->driver_instance_id, "rig");
    assert_string_equal(s->driver_control_channel, "aeron:ipc?a=4");
    assert_int_equal(s->driver_control_stream_id, 1000);
    assert_int_equal(s->announce_period_ms, 1000);
    assert_int_equal(config.max_results, 1000);
    assert_int_equal(config.allowed_count, 1);
    assert_string_equal(config.allowed_response_channels[0], "aeron:ipc");
    assert_string_equal(warnings, "");
    tp_discovery_provider_config_fini(&config);
    for (size_t i = 0; i < REQUIRED; i++)
    {
        char key[64];
        (void)snprintf(key, sizeof(key), "discovery.%.*s is missing", (int)strcspn(required[i], " "), required[i]);
        assert_int_equal(load(table(i, "")), -1);
        assert_int_equal(tp_errcode(), TP_ECONF_RULE);
        assert_non_null(strstr(tp_errmsg(), key));
    }
}

static void wrong_values_are_refused_with_their_place__X_098_X_061(void **state)
{
    (void)state;
    static const struct { size_t without; const char *more, *part; } cases[] = {
        { REQUIRED, "max_results = 0\n", ":11:1: discovery.max_results = 0" }, { REQUIRED, "max_results = 65535\n", "1..65534" },
        { REQUIRED, "max_results = \"5\"\n", "max_results" }, { REQUIRED, "announce_period_ms = 0\n", ":11:1: discovery.announce_period_ms = 0" },
        { REQUIRED, "announce_period_ms = 4294967296\n", "announce_period_ms" },
        { REQUIRED, "max_result = 5\n", "unknown key 'max_result' in [discovery]" },
        { REQUIRED, "allowed_response_channels = \"aeron:ipc\"\n", "allowed_response_channels" },
        { 1, "request_stream_id = 0\n", "request_stream_id = 0" }, { 3, "announce_stream_id = 2147483648\n", "announce_stream_id" },
        { 5, "metadata_stream_id = -1\n", "metadata_stream_id" }, { 8, "driver_control_stream_id = 0\n", "driver_control_stream_id" },
        { 7, "driver_control_channel = \"\"\n", "discovery.driver_control_channel" },
        { 0, "request_channel = \"udp\"\n", ":10:1: discovery.request" },
        { 6, "driver_instance_id = 5\n", "driver_instance_id" },
        { REQUIRED, "[discovery.streams.a]\n", "discovery.streams.a.stream_id is missing" },
        { REQUIRED, "[discovery.streams.a]\nstream_id = 1\ntags = [\"\"]\n", "a tag is empty" },
        { REQUIRED, "[discovery.streams.a]\nstream_id = 1\ntags = [\"\\u00e4\"]\n", "US-ASCII" },
        { REQUIRED, "[discovery.streams.a]\nstream_id = 1\ntag = []\n", "unknown key 'tag' in [discovery.streams.a]" },
        { REQUIRED, "[discovery.streams.a]\nstream_id = 1\n[discovery.streams.b]\nstream_id = 1\n", "discovery.streams" },
        { REQUIRED, "[[discovery.sources]]\nannounce_stream_id = 5\n", "discovery.sources[0].announce_channel is missing" },
        { REQUIRED, "[discovery.sources]\n", "discovery.sources is a table, not an array of tables" },
        { REQUIRED, "[discovery\n", ":11:" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
    {
        assert_int_equal(load(table(cases[i].without, cases[i].more)), -1);
        if (NULL == strstr(tp_errmsg(), cases[i].part)) { fail_msg("%s: not in: %s", cases[i].part, tp_errmsg()); }
    }
    (void)unlink(path);
    assert_int_equal(tpi_discovery_config_load(&config, path, NULL), -1);
    assert_int_equal(tp_errcode(), TP_ECONF_FILE);
}

static void further_sources_and_what_the_operator_knows_are_read(void **state)
{
    (void)state;
    assert_int_equal(load(table(REQUIRED, "allowed_response_channels = [\"aeron:ipc\", \"aeron:udp?endpoint=10.0.0.*\"]\ncaps_results = true\n"
        "[[discovery.sources]]\nannounce_channel = \"aeron:udp?endpoint=b:1\"\nannounce_stream_id = 7001\n"
        "metadata_channel = \"aeron:udp?endpoint=b:2\"\nmetadata_stream_id = 7002\n"
        "driver_instance_id = \"b\"\ndriver_control_channel = \"aeron:udp?endpoint=b:3\"\n"
        "driver_control_stream_id = 7003\nannounce_period_ms = 250\n[discovery.streams.\"cam 1\"]\nstream_id = 10000\ndata_source_id = 77\n"
        "tags = [\"hall-2\", \"thermal\"]\n"
        "[discovery.streams.cam2]\nstream_id = 10001\n")), 0);
    assert_int_equal(config.source_count, 2);
    assert_string_equal(config.sources[0].driver_instance_id, "rig");
    assert_string_equal(config.sources[1].driver_instance_id, "b");
    assert_int_equal(config.sources[1].announce_period_ms, 250);
    assert_int_equal(config.sources[1].driver_control_stream_id, 7003);
    assert_int_equal(config.stream_count, 2);
    assert_string_equal(config.streams[0].name, "cam 1");
    assert_int_equal(config.streams[0].data_source_id, 77);
    assert_int_equal(config.streams[0].tag_count, 2);
    assert_string_equal(config.streams[0].tags[1], "thermal");
    assert_true(TP_NULL_U64 == config.streams[1].data_source_id);
    assert_int_equal(config.allowed_count, 2);
    assert_true(config.caps_results);
    char *shown = NULL;
    size_t length = 0;
    FILE *const out = open_memstream(&shown, &length);
    assert_non_null(out);
    tpi_discovery_config_show(out, &config, &origins);
    assert_int_equal(fclose(out), 0);
    tp_discovery_provider_config_fini(&config);
    assert_int_equal(load(shown), 0);                               /* what is shown gives the same again */
    assert_int_equal(config.source_count, 2);
    assert_string_equal(config.streams[0].tags[0], "hall-2");
    assert_int_equal(config.sources[1].announce_period_ms, 250);
    tp_discovery_provider_config_fini(&config);
    free(shown);
}

static void embedded_it_needs_no_key_and_follows_the_driver__X_016_X_092_X_098(void **state)
{
    (void)state;
    assert_int_equal(embed(REST), 0);
    assert_false(embedded.has_discovery);
    release();
    assert_int_equal(embed("[driver]\ninstance_id = \"rig-a\"\ncontrol_channel = \"aeron:ipc?mtu=4k\"\ncontrol_stream_id = 1501\n"
        "announce_stream_id = 1502\n"
        "[policies]\nannounce_period_ms = 250\n[discovery]\n" REST), 0);
    assert_true(embedded.has_discovery);
    const tp_discovery_provider_config_t *const d = &embedded.discovery;
    assert_string_equal(d->request_channel, "aeron:ipc?mtu=4k");
    assert_int_equal(d->request_stream_id, 7000);
    assert_int_equal(d->source_count, 1);
    assert_string_equal(d->sources[0].announce_channel, "aeron:ipc?mtu=4k");
    assert_int_equal(d->sources[0].announce_stream_id, 1502);
    assert_string_equal(d->sources[0].metadata_channel, "aeron:ipc?mtu=4k");
    assert_int_equal(d->sources[0].metadata_stream_id, 1300);
    assert_string_equal(d->sources[0].driver_instance_id, "rig-a");
    assert_string_equal(d->sources[0].driver_control_channel, "aeron:ipc?mtu=4k");
    assert_int_equal(d->sources[0].driver_control_stream_id, 1501);
    assert_int_equal(d->sources[0].announce_period_ms, 250);
    release();
    assert_int_equal(embed("[discovery]\nchannel = \"aeron:ipc?mtu=2k\"\nmetadata_stream_id = 1333\n[discovery.streams.s]\nstream_id = 10000\n"
        "tags = [\"a\"]\n" REST), 0);
    assert_string_equal(d->request_channel, "aeron:ipc?mtu=2k");    /* the endpoint clients read, with the id by default */
    assert_int_equal(d->request_stream_id, 7000);
    assert_int_equal(d->sources[0].metadata_stream_id, 1333);
    assert_int_equal(d->stream_count, 1);
    release();
    assert_int_equal(embed("[discovery]\nmax_results = 0\n" REST), -1);
    assert_non_null(strstr(tp_errmsg(), ":2:1: discovery.max_results = 0"));
}

static void requests_from_a_network_without_a_way_back_warn(void **state)
{
    (void)state;
    const char *const udp = "request_channel = \"aeron:udp?endpoint=registry:40123\"\n";
    char more[256];
    assert_int_equal(load(table(0, udp)), 0);
    assert_non_null(strstr(warnings, "discovery.allowed_response_channels"));
    tp_discovery_provider_config_fini(&config);
    warnings[0] = '\0';
    (void)snprintf(more, sizeof(more), "%sallowed_response_channels = [\"aeron:udp?endpoint=10.*\"]\n", udp);
    assert_int_equal(load(table(0, more)), 0);
    assert_string_equal(warnings, "");
    tp_discovery_provider_config_fini(&config);
}

static void variables_count_before_the_file(void **state)
{
    (void)state;
    static const char *const environment[] = { "DISCOVERY_MAX_RESULTS=5", "DISCOVERY_REQUEST_STREAM_ID=9001", "DRIVER_AERON_DIR=/tmp/z", NULL };
    assert_int_equal(load_in(table(1, "max_results = 6\n"), environment), 0);
    assert_int_equal(config.max_results, 5);
    assert_int_equal(config.request_stream_id, 9001);
    assert_string_equal(config.aeron_dir, "/tmp/z");
    tp_discovery_provider_config_fini(&config);
}

static void example_loads_stand_alone_and_inside_of_a_drivers_file(void **state)
{
    (void)state;
    char *example = NULL;
    size_t length = 0;
    FILE *const out = open_memstream(&example, &length);
    assert_non_null(out);
    tpi_discovery_config_example(out);
    assert_int_equal(fclose(out), 0);
    char *const both = malloc(length + sizeof(REST));
    assert_non_null(both);
    assert_int_equal(load(example), 0);
    assert_string_equal(warnings, "");
    tp_discovery_provider_config_fini(&config);
    (void)sprintf(both, "%s%s", example, REST);
    assert_int_equal(embed(both), 0);
    assert_true(embedded.has_discovery);
    release();
    free(both);
    free(example);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, remove_file)
    const struct CMUnitTest tests[] = {
        T(required_keys_are_enough_and_none_is_too_many__X_098), T(wrong_values_are_refused_with_their_place__X_098_X_061),
        T(further_sources_and_what_the_operator_knows_are_read), T(embedded_it_needs_no_key_and_follows_the_driver__X_016_X_092_X_098),
        T(requests_from_a_network_without_a_way_back_warn), T(variables_count_before_the_file),
        T(example_loads_stand_alone_and_inside_of_a_drivers_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
