/* Defaults and start-up errors of 30-discovery.md 2.3. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <tensor_pool/common/tp_error.h>

#include "discovery/discovery_internal.h"

static tp_discovery_provider_config_t config;

#define PUT(field, text) (void)snprintf((field), sizeof(field), "%s", (text))

static tp_discovery_source_config_t *add_source(const char *instance_id, uint32_t announce)
{
    tp_discovery_source_config_t *const source = tp_discovery_provider_config_add_source(&config);
    assert_non_null(source);
    PUT(source->announce_channel, "aeron:ipc");
    PUT(source->metadata_channel, "aeron:ipc");
    PUT(source->driver_instance_id, instance_id);
    PUT(source->driver_control_channel, "aeron:ipc");
    source->announce_stream_id = announce;
    source->metadata_stream_id = 1300;
    source->driver_control_stream_id = 1000;
    return source;
}

static int setup(void **state)
{
    (void)state;
    tp_discovery_provider_config_init(&config);
    PUT(config.request_channel, "aeron:ipc");
    config.request_stream_id = 9000;
    (void)add_source("drv-a", 1001);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tp_discovery_provider_config_fini(&config);
    return 0;
}

static void refused(int code, const char *part)
{
    assert_int_equal(tp_discovery_provider_config_check(&config), -1);
    assert_int_equal(tp_errcode(), code);
    if (NULL == strstr(tp_errmsg(), part)) { fail_msg("'%s' does not name %s", tp_errmsg(), part); }
}

static void accepted(void)
{
    if (tp_discovery_provider_config_check(&config) < 0) { fail_msg("%s", tp_errmsg()); }
}

static void defaults_are_those_of_the_table__X_061_X_094_O_22(void **state)
{
    (void)state;
    accepted();
    assert_int_equal(config.max_results, 1000);
    assert_int_equal(config.query_log_every, 100);
    assert_int_equal(config.allowed_count, 1);
    assert_string_equal(config.allowed_response_channels[0], "aeron:ipc");
    assert_int_equal(config.sources[0].announce_period_ms, 1000);
    assert_false(config.caps_results);
    assert_string_equal(config.aeron_dir, "");
}

static void each_required_text_is_required__X_098_X_057(void **state)
{
    (void)state;
    static const struct { size_t at; const char *key; } keys[] = {
        { offsetof(tp_discovery_source_config_t, announce_channel), "discovery.announce_channel" },
        { offsetof(tp_discovery_source_config_t, metadata_channel), "discovery.metadata_channel" },
        { offsetof(tp_discovery_source_config_t, driver_instance_id), "discovery.driver_instance_id" },
        { offsetof(tp_discovery_source_config_t, driver_control_channel), "discovery.driver_control_channel" },
    };
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
    {
        char *const text = (char *)config.sources + keys[i].at;
        const char first = text[0];
        text[0] = '\0';
        refused(TP_ECONF_RULE, keys[i].key);
        text[0] = first;
    }
    config.request_channel[0] = '\0';
    refused(TP_ECONF_RULE, "discovery.request_channel");
    PUT(config.request_channel, "udp://somewhere");
    refused(TP_ECONF_RULE, "is not an Aeron channel");
}

static void stream_ids_are_those_of_aeron__X_098_X_059(void **state)
{
    (void)state;
    uint32_t *const ids[] = { &config.request_stream_id, &config.sources[0].announce_stream_id, &config.sources[0].metadata_stream_id,
        &config.sources[0].driver_control_stream_id };
    static const char *const names[] = { "discovery.request_stream_id", "discovery.announce_stream_id", "discovery.metadata_stream_id",
        "discovery.driver_control_stream_id" };
    for (size_t i = 0; i < 4; i++)
    {
        const uint32_t good = *ids[i];
        *ids[i] = 0;
        refused(TP_ECONF_RANGE, names[i]);
        *ids[i] = 2147483648u;
        refused(TP_ECONF_RANGE, names[i]);
        *ids[i] = 2147483647u;
        accepted();
        *ids[i] = 1;
        accepted();
        *ids[i] = good;
    }
}

static void numbers_have_bounds__X_098(void **state)
{
    (void)state;
    config.max_results = 0;
    refused(TP_ECONF_RANGE, "discovery.max_results");
    config.max_results = 65535;
    refused(TP_ECONF_RANGE, "discovery.max_results");
    config.max_results = 65534;
    accepted();
    config.max_results = 1;
    accepted();
    config.sources[0].announce_period_ms = 0;
    refused(TP_ECONF_RANGE, "discovery.announce_period_ms");
    config.sources[0].announce_period_ms = 1;
    accepted();
    config.allowed_count = TP_DISCOVERY_PROVIDER_ALLOWED_MAX + 1;
    refused(TP_ECONF_RANGE, "discovery.allowed_response_channels");
}

static void without_any_source_the_first_key_is_missing__X_098(void **state)
{
    (void)state;
    config.source_count = 0;
    refused(TP_ECONF_RULE, "discovery.announce_channel");
}

static void further_sources_are_checked_as_the_first__X_098(void **state)
{
    (void)state;
    tp_discovery_source_config_t *const second = add_source("drv-b", 1002);
    accepted();
    second->driver_control_stream_id = 0;
    refused(TP_ECONF_RANGE, "discovery.sources[0].driver_control_stream_id");
    second->driver_control_stream_id = 1000;
    PUT(second->driver_instance_id, "drv-a");
    refused(TP_ECONF_RULE, "discovery.sources[0].driver_instance_id = 'drv-a'");
    PUT(second->driver_instance_id, "drv-b");
    second->announce_stream_id = 1001;
    refused(TP_ECONF_RULE, "announces do not say whose they are");
    PUT(second->announce_channel, "aeron:udp?endpoint=10.0.0.1:1");
    accepted();
}

static void tags_and_streams_are_checked__X_098_O_16(void **state)
{
    (void)state;
    tp_discovery_stream_config_t *const first = tp_discovery_provider_config_add_stream(&config, "left", 10000);
    assert_non_null(first);
    assert_true(TP_NULL_U64 == first->data_source_id);
    assert_int_equal(tp_discovery_stream_config_add_tag(first, "cam"), 0);
    accepted();
    assert_int_equal(tp_discovery_stream_config_add_tag(first, ""), 0);
    refused(TP_ECONF_RULE, "discovery.streams.left.tags");
    PUT(first->tags[1], "n\xc3\xafr");
    refused(TP_ECONF_RULE, "is not US-ASCII");
    PUT(first->tags[1], "nir");
    accepted();
    assert_null(tp_discovery_provider_config_add_stream(&config, "left", 10001));
    assert_int_equal(tp_errcode(), TP_EINVAL);
    assert_null(tp_discovery_provider_config_add_stream(&config, "", 10001));
    assert_non_null(tp_discovery_provider_config_add_stream(&config, "right", 10000));
    refused(TP_ECONF_RULE, "discovery.streams.");
    config.streams[1].stream_id = 10001;
    accepted();
}

static void tables_have_limits__P11(void **state)
{
    (void)state;
    static char text[TP_DISCOVERY_PROVIDER_CHANNEL_MAX + 2];
    tp_discovery_stream_config_t *const stream = tp_discovery_provider_config_add_stream(&config, "left", 10000);
    memset(text, 'a', TP_DISCOVERY_PROVIDER_TEXT_MAX + 1);
    assert_int_equal(tp_discovery_stream_config_add_tag(stream, text), -1);
    assert_null(tp_discovery_provider_config_add_stream(&config, text, 1));
    text[TP_DISCOVERY_PROVIDER_TEXT_MAX] = '\0';
    for (int i = 0; i < TP_DISCOVERY_PROVIDER_TAGS_MAX; i++) { assert_int_equal(tp_discovery_stream_config_add_tag(stream, text), 0); }
    assert_int_equal(tp_discovery_stream_config_add_tag(stream, text), -1);
    assert_int_equal(tp_errcode(), TP_EFULL);
    memset(text, 'a', TP_DISCOVERY_PROVIDER_CHANNEL_MAX + 1);
    assert_int_equal(tp_discovery_provider_config_allow(&config, text), -1);
    assert_int_equal(tp_discovery_provider_config_allow(&config, ""), -1);
    text[TP_DISCOVERY_PROVIDER_CHANNEL_MAX] = '\0';
    for (int i = 1; i < TP_DISCOVERY_PROVIDER_ALLOWED_MAX; i++) { assert_int_equal(tp_discovery_provider_config_allow(&config, text), 0); }
    assert_int_equal(tp_discovery_provider_config_allow(&config, text), -1);
    assert_int_equal(tp_errcode(), TP_EFULL);
    for (int i = 1; i < TP_DISCOVERY_PROVIDER_SOURCES_MAX; i++)
    {
        char name[32];
        (void)snprintf(name, sizeof(name), "drv-%d", i);
        (void)add_source(name, 1001 + (uint32_t)i);
    }
    accepted();
    assert_null(tp_discovery_provider_config_add_source(&config));
    assert_int_equal(tp_errcode(), TP_EFULL);
}

static void a_copy_stands_alone(void **state)
{
    (void)state;
    tp_discovery_provider_config_t copy;
    tp_discovery_stream_config_t *const stream = tp_discovery_provider_config_add_stream(&config, "left", 10000);
    stream->data_source_id = 77;
    assert_int_equal(tp_discovery_stream_config_add_tag(stream, "cam"), 0);
    assert_int_equal(tpi_discovery_config_copy(&copy, &config), 0);
    tp_discovery_provider_config_fini(&config);
    tp_discovery_provider_config_init(&config);
    assert_int_equal(tp_discovery_provider_config_check(&copy), 0);
    assert_int_equal(copy.request_stream_id, 9000);
    assert_string_equal(copy.sources[0].driver_instance_id, "drv-a");
    assert_string_equal(copy.streams[0].tags[0], "cam");
    assert_true(77 == copy.streams[0].data_source_id);
    tp_discovery_provider_config_fini(&copy);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = { TEST(defaults_are_those_of_the_table__X_061_X_094_O_22), TEST(each_required_text_is_required__X_098_X_057),
        TEST(stream_ids_are_those_of_aeron__X_098_X_059), TEST(numbers_have_bounds__X_098),
        TEST(without_any_source_the_first_key_is_missing__X_098), TEST(further_sources_are_checked_as_the_first__X_098),
        TEST(tags_and_streams_are_checked__X_098_O_16), TEST(tables_have_limits__P11), TEST(a_copy_stands_alone) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
