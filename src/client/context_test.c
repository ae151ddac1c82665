#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/context.h"

static const char *const variables[] = { "TP_AERON_DIR", "AERON_DIR", "TP_CLIENT_NAME", "TP_DRIVER", "TP_CONTROL_CHANNEL", "TP_CONTROL_STREAM_ID",
    "TP_ANNOUNCE_CHANNEL", "TP_ANNOUNCE_STREAM_ID", "TP_DESCRIPTOR_CHANNEL", "TP_DESCRIPTOR_STREAM_ID", "TP_QOS_CHANNEL", "TP_QOS_STREAM_ID",
    "TP_METADATA_CHANNEL", "TP_METADATA_STREAM_ID", "TP_ALLOWED_BASE_DIRS", "TP_DRIVER_TIMEOUT_MS", "TP_KEEPALIVE_INTERVAL_MS",
    "TP_MESSAGE_TIMEOUT_MS", "TP_MESSAGE_RETRIES", "TP_ANNOUNCE_PERIOD_MS", "TP_USE_AGENT_INVOKER", "TP_IDLE_STRATEGY" };

static tp_context_t *context;
static tpi_settings_t settings;
static tpi_endpoint_t endpoint;

static int setup(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) { (void)unsetenv(variables[i]); }
    (void)setenv("TP_RUNTIME_DIR", "/nonexistent/tensor_pool", 1);
    memset(&endpoint, 0, sizeof(endpoint));
    (void)snprintf(endpoint.file, sizeof(endpoint.file), "/run/x.endpoint");
    return tp_context_init(&context);
}

static int teardown(void **state)
{
    (void)state;
    tp_context_close(context);
    return 0;
}

static void defaults_need_no_configuration(void **state)
{
    (void)state;
    assert_int_equal(tpi_context_resolve(context, NULL, &settings), 0);
    assert_string_equal(settings.control.channel, "aeron:ipc?term-length=4m");          /* O-44 */
    assert_int_equal(settings.control.stream_id, 1000);
    assert_int_equal(settings.announce.stream_id, 1000);
    assert_int_equal(settings.descriptor.stream_id, 1100);
    assert_int_equal(settings.qos.stream_id, 1200);
    assert_int_equal(settings.metadata.stream_id, 1300);
    assert_int_equal(settings.keepalive_interval_ns, 1000000000);                       /* D-105 */
    assert_int_equal(settings.announce_period_ns, 1000000000);
    assert_int_equal(settings.driver_timeout_ns, 5000000000);
    assert_int_equal(settings.message_retries, 3);
    assert_false(settings.invoker);
    assert_true(settings.base_dirs_are_default);
    assert_true('\0' != settings.client_name[0]);
}

static void setter_wins_over_environment_over_endpoint_over_default(void **state)
{
    (void)state;
    endpoint.control_stream_id = 1501;
    endpoint.qos_stream_id = 1502;
    endpoint.keepalive_interval_ms = 250;
    (void)snprintf(endpoint.control_channel, sizeof(endpoint.control_channel), "aeron:ipc?term-length=1m");
    (void)snprintf(endpoint.shm_base_dir, sizeof(endpoint.shm_base_dir), "/dev/shm/of-the-driver");
    assert_int_equal(tpi_context_resolve(context, &endpoint, &settings), 0);
    assert_int_equal(settings.control.stream_id, 1501);
    assert_int_equal(settings.announce.stream_id, 1501);                                /* as control */
    assert_string_equal(settings.announce.channel, "aeron:ipc?term-length=1m");
    assert_int_equal(settings.qos.stream_id, 1502);
    assert_int_equal(settings.keepalive_interval_ns, 250000000);
    assert_string_equal(settings.base_dirs, "/dev/shm/of-the-driver");
    (void)setenv("TP_CONTROL_STREAM_ID", "1601", 1);
    (void)setenv("TP_KEEPALIVE_INTERVAL_MS", "2s", 1);
    (void)setenv("TP_QOS_STREAM_ID", "", 1);                                            /* empty counts as unset */
    assert_int_equal(tpi_context_resolve(context, &endpoint, &settings), 0);
    assert_int_equal(settings.control.stream_id, 1601);
    assert_int_equal(settings.qos.stream_id, 1502);
    assert_int_equal(settings.keepalive_interval_ns, 2000000000);
    assert_int_equal(tp_context_set_control(context, "aeron:ipc", 1701), 0);
    assert_int_equal(tp_context_set_keepalive_interval_ns(context, 5), 0);
    assert_int_equal(tp_context_add_allowed_base_dir(context, "/srv/mine"), 0);
    assert_int_equal(tpi_context_resolve(context, &endpoint, &settings), 0);
    assert_int_equal(settings.control.stream_id, 1701);
    assert_string_equal(settings.control.channel, "aeron:ipc");
    assert_int_equal(settings.keepalive_interval_ns, 5);
    assert_string_equal(settings.base_dirs, "/srv/mine:/dev/shm/of-the-driver");
    assert_int_equal(tp_context_set_control(context, NULL, 0), 0);                      /* given back */
    assert_int_equal(tpi_context_resolve(context, &endpoint, &settings), 0);
    assert_int_equal(settings.control.stream_id, 1601);
}

static void both_variables_name_the_aeron_directory(void **state)
{
    (void)state;
    (void)setenv("AERON_DIR", "/dev/shm/aeron-a", 1);
    assert_int_equal(tpi_context_resolve(context, NULL, &settings), 0);
    assert_string_equal(settings.aeron_dir, "/dev/shm/aeron-a");
    (void)setenv("TP_AERON_DIR", "/dev/shm/aeron-b", 1);
    assert_string_equal(tp_context_get_aeron_dir(context), "/dev/shm/aeron-b");
}

static void variables_that_cannot_be_used_are_named(void **state)
{
    (void)state;
    static const char *const bad[][2] = { { "TP_CONTROL_STREAM_ID", "0" }, { "TP_CONTROL_STREAM_ID", "2147483648" }, { "TP_QOS_STREAM_ID", "12x" },
        { "TP_CONTROL_CHANNEL", "ipc" }, { "TP_KEEPALIVE_INTERVAL_MS", "0" }, { "TP_KEEPALIVE_INTERVAL_MS", "3600001" },
        { "TP_MESSAGE_TIMEOUT_MS", "1h" }, { "TP_USE_AGENT_INVOKER", "maybe" }, { "TP_IDLE_STRATEGY", "fast" }, { "TP_MESSAGE_RETRIES", "-1" },
        { "TP_AGENT_CPU", "-1" }, { "TP_AGENT_CPU", "1024" } };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    {
        (void)setenv(bad[i][0], bad[i][1], 1);
        assert_int_equal(tpi_context_resolve(context, NULL, &settings), -1);
        assert_int_equal(tp_errcode(), TP_ECONF_ENV);
        assert_non_null(strstr(tp_errmsg(), bad[i][0]));
        (void)unsetenv(bad[i][0]);
    }
    (void)setenv("TP_CONTROL_STREAM_ID", "2147483647", 1);
    (void)setenv("TP_KEEPALIVE_INTERVAL_MS", "3600000", 1);
    assert_int_equal(tpi_context_resolve(context, NULL, &settings), 0);
}

static void setters_check_at_once(void **state)
{
    (void)state;
    assert_int_equal(tp_context_set_control(context, "udp", 1000), -1);
    assert_int_equal(tp_context_set_control(context, NULL, -1), -1);
    assert_int_equal(tp_context_set_idle_strategy(context, "fast"), -1);
    assert_int_equal(tp_errcode(), TP_EINVAL);
    assert_int_equal(tp_context_set_driver_timeout_ns(context, 0), -1);
    assert_int_equal(tp_context_set_driver_timeout_ns(context, -5), -1);
    assert_int_equal(tp_context_add_allowed_base_dir(context, "relative"), -1);
    assert_int_equal(tp_context_add_allowed_base_dir(context, "/a:/b"), -1);
    for (int i = 0; i < 16; i++) { assert_int_equal(tp_context_add_allowed_base_dir(context, "/srv"), 0); }
    assert_int_equal(tp_context_add_allowed_base_dir(context, "/srv"), -1);
    assert_int_equal(tp_errcode(), TP_EFULL);
    assert_int_equal(tp_context_set_agent_cpu(context, 1024), -1);
    assert_int_equal(tp_context_get_agent_cpu(context), -1);
    assert_int_equal(tp_context_set_agent_cpu(context, 1023), 0);
    assert_int_equal(tp_context_get_agent_cpu(context), 1023);
    assert_int_equal(tp_context_set_agent_cpu(context, -1), 0);
    assert_int_equal(tp_context_get_agent_cpu(context), -1);
    assert_string_equal(tp_context_get_idle_strategy(context), "backoff");
    assert_int_equal(tp_context_set_idle_strategy(context, "yield"), 0);
    assert_string_equal(tp_context_get_idle_strategy(context), "yield");
    assert_int_equal(tp_context_set_aeron_dir(NULL, "/x"), -1);
    assert_int_equal(tp_context_set_default_channels(context), 0);
    assert_int_equal(tp_context_get_descriptor_stream_id(context), 1100);
}

static void memory_is_locked_as_the_driver_does_unless_told_otherwise__D_193(void **state)
{
    (void)state;
    assert_int_equal(tpi_context_resolve(context, &endpoint, &settings), 0);
    assert_false(settings.lock_memory);
    endpoint.mlock_shm = true;
    assert_int_equal(tpi_context_resolve(context, &endpoint, &settings), 0);
    assert_true(settings.lock_memory);
    assert_int_equal(tp_context_set_lock_memory(context, false), 0);
    assert_int_equal(tpi_context_resolve(context, &endpoint, &settings), 0);
    assert_false(settings.lock_memory);
    assert_false(tp_context_get_lock_memory(context));
    assert_int_equal(tp_context_set_lock_memory(context, true), 0);
    assert_true(tp_context_get_lock_memory(context));
}

typedef struct seen { int count; char invoker_value[16]; char invoker_source[32]; char control_source[64]; } seen_t;

static void on_setting(void *clientd, const char *name, const char *value, const char *source)
{
    seen_t *seen = clientd;
    seen->count++;
    if (0 == strcmp(name, "use_agent_invoker"))
    {
        (void)snprintf(seen->invoker_value, sizeof(seen->invoker_value), "%.15s", value);
        (void)snprintf(seen->invoker_source, sizeof(seen->invoker_source), "%.31s", source);
    }
    if (0 == strcmp(name, "control_stream_id")) { (void)snprintf(seen->control_source, sizeof(seen->control_source), "%.63s", source); }
}

static void every_setting_is_described_with_its_source(void **state)
{
    (void)state;
    seen_t seen = { .count = 0 };
    (void)setenv("TP_CONTROL_STREAM_ID", "1601", 1);
    assert_int_equal(tp_context_set_use_agent_invoker(context, true), 0);
    assert_int_equal(tp_context_describe(context, on_setting, &seen), 0);
    assert_true(seen.count >= 21);
    assert_string_equal(seen.invoker_value, "true");
    assert_string_equal(seen.invoker_source, "setter");
    assert_string_equal(seen.control_source, "TP_CONTROL_STREAM_ID");
    assert_int_equal(tp_context_describe(context, NULL, NULL), -1);
}

static void default_mappings_are_explicit__W_198(void **state)
{
    (void)state;
    (void)setenv("TP_CONTROL_STREAM_ID", "1601", 1);
    (void)setenv("TP_METADATA_CHANNEL", "aeron:udp?endpoint=localhost:1", 1);
    assert_int_equal(tp_context_get_control_stream_id(context), 1601);
    assert_int_equal(tp_context_set_default_channels(context), 0);
    assert_int_equal(tp_context_get_control_stream_id(context), 1000);
    assert_int_equal(tp_context_get_announce_stream_id(context), 1000);
    assert_int_equal(tp_context_get_descriptor_stream_id(context), 1100);
    assert_int_equal(tp_context_get_qos_stream_id(context), 1200);
    assert_int_equal(tp_context_get_metadata_stream_id(context), 1300);
    assert_string_equal(tp_context_get_metadata_channel(context), "aeron:ipc?term-length=4m");
    (void)unsetenv("TP_METADATA_CHANNEL");
}

static void report_periods_are_a_second_unless_set__W_188(void **state)
{
    (void)state;
    assert_int_equal(tp_context_get_qos_interval_ns(context), 1000000000);
    assert_int_equal(tp_context_get_data_source_announce_period_ns(context), 1000000000);
    assert_int_equal(tp_context_set_qos_interval_ns(context, 250000000), 0);
    assert_int_equal(tp_context_set_data_source_announce_period_ns(context, 2000000000), 0);
    assert_int_equal(tp_context_get_qos_interval_ns(context), 250000000);
    assert_int_equal(tp_context_get_data_source_announce_period_ns(context), 2000000000);
    assert_int_equal(tp_context_set_qos_interval_ns(context, 0), -1);
    assert_int_equal(tp_context_set_data_source_announce_period_ns(context, -1), -1);
}

static void tracing_is_configured_by_setter_and_variable_within_its_bounds__T_012(void **state)
{
    (void)state;
    tp_trace_layout_t layout = TP_TRACE_LAYOUT_INIT;
    assert_false(tp_context_get_trace(context));
    assert_true(TP_NULL_U32 == tp_context_get_trace_node_id(context));
    (void)setenv("TP_TRACE", "1", 1);
    (void)setenv("TP_TRACE_NODE_ID", "4194303", 1);
    (void)setenv("TP_TRACE_SEQUENCE_BITS", "0", 1);
    (void)setenv("TP_TRACE_NODE_BITS", "22", 1);
    (void)setenv("TP_TRACE_OFFSET_MS", "1420070400000", 1);
    assert_int_equal(tpi_context_resolve(context, NULL, &settings), 0);
    assert_true(settings.trace);
    assert_int_equal(settings.trace_node_id, 4194303);
    assert_int_equal(settings.trace_layout.node_bits, 22);
    assert_int_equal(settings.trace_layout.sequence_bits, 0);
    assert_true(INT64_C(1420070400000) == settings.trace_layout.offset_ms);
    (void)setenv("TP_TRACE_SEQUENCE_BITS", "1", 1);
    assert_int_equal(tpi_context_resolve(context, NULL, &settings), -1);                  /* 23 together */
    (void)unsetenv("TP_TRACE_SEQUENCE_BITS");
    (void)unsetenv("TP_TRACE_NODE_BITS");
    (void)unsetenv("TP_TRACE_OFFSET_MS");
    static const char *const bad[] = { "4194304", "-1", "x" };
    for (size_t i = 0; i < 3; i++)
    {
        (void)setenv("TP_TRACE_NODE_ID", bad[i], 1);
        assert_int_equal(tpi_context_resolve(context, NULL, &settings), -1);
        assert_int_equal(tp_errcode(), TP_ECONF_ENV);
    }
    (void)unsetenv("TP_TRACE_NODE_ID");
    (void)unsetenv("TP_TRACE");
    assert_int_equal(tp_context_set_trace(context, true), 0);
    assert_int_equal(tp_context_set_trace_node_id(context, 5), 0);
    assert_true(tp_context_get_trace(context));
    assert_int_equal(tp_context_get_trace_node_id(context), 5);
    assert_int_equal(tp_context_set_trace_node_id(context, 4194304), -1);
    assert_int_equal(tp_context_get_trace_node_id(context), 5);
    assert_int_equal(tp_context_set_trace_node_id(context, TP_NULL_U32), 0);
    assert_true(TP_NULL_U32 == tp_context_get_trace_node_id(context));
    layout.node_bits = 11;
    assert_int_equal(tp_context_set_trace_layout(context, &layout), -1);
    layout.sequence_bits = 11;
    assert_int_equal(tp_context_set_trace_layout(context, &layout), 0);
    assert_int_equal(tpi_context_resolve(context, NULL, &settings), 0);
    assert_int_equal(settings.trace_layout.sequence_bits, 11);
    assert_int_equal(tp_context_set_trace_layout(context, NULL), 0);
    assert_int_equal(tpi_context_resolve(context, NULL, &settings), 0);
    assert_int_equal(settings.trace_layout.sequence_bits, 12);
}

static void on_error(void *clientd, int code, const char *text)
{
    (void)clientd;
    (void)code;
    (void)text;
}

static void what_is_set_is_got(void **state)
{
    typedef struct stream_calls
    {
        int (*set)(tp_context_t *context, const char *channel, int32_t id);
        const char *(*channel)(const tp_context_t *context);
        int32_t (*id)(const tp_context_t *context);
    }
    stream_calls_t;
    static const stream_calls_t streams[] = {
        { tp_context_set_control, tp_context_get_control_channel, tp_context_get_control_stream_id },
        { tp_context_set_announce, tp_context_get_announce_channel, tp_context_get_announce_stream_id },
        { tp_context_set_descriptor, tp_context_get_descriptor_channel, tp_context_get_descriptor_stream_id },
        { tp_context_set_qos, tp_context_get_qos_channel, tp_context_get_qos_stream_id },
        { tp_context_set_metadata, tp_context_get_metadata_channel, tp_context_get_metadata_stream_id },
        { tp_context_set_discovery, tp_context_get_discovery_channel, tp_context_get_discovery_stream_id },
        { tp_context_set_discovery_response, tp_context_get_discovery_response_channel, tp_context_get_discovery_response_stream_id } };
    typedef struct time_calls
    {
        int (*set)(tp_context_t *context, int64_t ns);
        int64_t (*get)(const tp_context_t *context);
    }
    time_calls_t;
    static const time_calls_t times[] = { { tp_context_set_driver_timeout_ns, tp_context_get_driver_timeout_ns },
        { tp_context_set_keepalive_interval_ns, tp_context_get_keepalive_interval_ns },
        { tp_context_set_message_timeout_ns, tp_context_get_message_timeout_ns },
        { tp_context_set_announce_period_ns, tp_context_get_announce_period_ns } };
    (void)state;
    for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++)
    {
        char channel[64];
        (void)snprintf(channel, sizeof(channel), "aeron:ipc?alias=a%zu", i);
        assert_int_equal(streams[i].set(context, channel, 7000 + (int32_t)i), 0);
    }
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) { assert_int_equal(times[i].set(context, 1000000 * (int64_t)(i + 5)), 0); }
    for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++)                  /* each its own, none another's */
    {
        char channel[64];
        (void)snprintf(channel, sizeof(channel), "aeron:ipc?alias=a%zu", i);
        assert_string_equal(streams[i].channel(context), channel);
        assert_int_equal(streams[i].id(context), 7000 + (int32_t)i);
    }
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) { assert_int_equal(times[i].get(context), 1000000 * (int64_t)(i + 5)); }
    assert_int_equal(tp_context_set_client_name(context, "rig"), 0);
    assert_string_equal(tp_context_get_client_name(context), "rig");
    assert_int_equal(tp_context_set_driver_instance(context, "left"), 0);
    assert_string_equal(tp_context_get_driver_instance(context), "left");
    assert_int_equal(tp_context_set_message_retries(context, 9), 0);
    assert_int_equal(tp_context_get_message_retries(context), 9);
    assert_int_equal(tp_context_set_use_agent_invoker(context, true), 0);
    assert_true(tp_context_get_use_agent_invoker(context));
    assert_int_equal(tp_context_set_error_handler(context, on_error, &settings), 0);
    assert_int_equal(tpi_context_resolve(context, NULL, &settings), 0);
    assert_ptr_equal(settings.error_handler, on_error);
    assert_ptr_equal(settings.error_clientd, &settings);
    assert_int_equal(tp_context_set_error_handler(NULL, on_error, NULL), -1);
}

static void discovery_is_on_the_control_channel_unless_told_otherwise__X_016(void **state)
{
    (void)state;
    (void)unsetenv("TP_DISCOVERY_CHANNEL");
    (void)unsetenv("TP_DISCOVERY_RESPONSE_STREAM_ID");
    assert_int_equal(tp_context_set_control(context, "aeron:ipc?term-length=1m", 0), 0);
    assert_int_equal(tpi_context_resolve(context, NULL, &settings), 0);
    assert_string_equal(settings.discovery.channel, "aeron:ipc?term-length=1m");
    assert_int_equal(settings.discovery.stream_id, 7000);
    assert_string_equal(settings.discovery_response.channel, "aeron:ipc?term-length=1m");
    assert_int_equal(settings.discovery_response.stream_id, 7004);
    (void)snprintf(endpoint.discovery_channel, sizeof(endpoint.discovery_channel), "aeron:ipc?alias=found");
    endpoint.discovery_stream_id = 7100;                   /* the endpoint file of a driver with an embedded provider */
    assert_int_equal(tpi_context_resolve(context, &endpoint, &settings), 0);
    assert_string_equal(settings.discovery.channel, "aeron:ipc?alias=found");
    assert_int_equal(settings.discovery.stream_id, 7100);
    assert_string_equal(settings.discovery_response.channel, "aeron:ipc?alias=found");
    (void)setenv("TP_DISCOVERY_CHANNEL", "aeron:udp?endpoint=registry:40123", 1);
    (void)setenv("TP_DISCOVERY_RESPONSE_STREAM_ID", "7005", 1);
    assert_int_equal(tpi_context_resolve(context, &endpoint, &settings), 0);
    assert_string_equal(settings.discovery.channel, "aeron:udp?endpoint=registry:40123");
    assert_string_equal(settings.discovery_response.channel, "");                       /* nobody can guess where this host is reached */
    assert_int_equal(settings.discovery_response.stream_id, 7005);
    assert_int_equal(tp_context_set_discovery_response(context, "aeron:udp?endpoint=me:40124", 7006), 0);
    assert_int_equal(tp_context_set_discovery(context, "aeron:ipc", 7200), 0);
    assert_int_equal(tpi_context_resolve(context, &endpoint, &settings), 0);
    assert_string_equal(settings.discovery.channel, "aeron:ipc");
    assert_int_equal(settings.discovery.stream_id, 7200);
    assert_string_equal(settings.discovery_response.channel, "aeron:udp?endpoint=me:40124");
    assert_int_equal(settings.discovery_response.stream_id, 7006);
    assert_string_equal(tp_context_get_discovery_channel(context), "aeron:ipc");
    assert_int_equal(tp_context_get_discovery_stream_id(context), 7200);
    assert_string_equal(tp_context_get_discovery_response_channel(context), "aeron:udp?endpoint=me:40124");
    assert_int_equal(tp_context_get_discovery_response_stream_id(context), 7006);
    assert_int_equal(tp_context_set_discovery(context, "ipc", 1), -1);
    assert_int_equal(tp_context_set_discovery(context, NULL, -1), -1);
    (void)unsetenv("TP_DISCOVERY_CHANNEL");
    (void)unsetenv("TP_DISCOVERY_RESPONSE_STREAM_ID");
}

static void what_is_set_about_traces_is_got(void **state)
{
    (void)state;
    tp_trace_layout_t layout = TP_TRACE_LAYOUT_INIT;
    assert_int_equal(tp_context_set_trace(context, true), 0);
    assert_true(tp_context_get_trace(context));
    assert_int_equal(tp_context_set_trace_node_id(context, 9), 0);
    assert_int_equal(tp_context_get_trace_node_id(context), 9);
    layout.node_bits = 0;
    layout.sequence_bits = 63;
    assert_int_equal(tp_context_set_trace_layout(context, &layout), -1);
    layout.node_bits = 8;
    layout.sequence_bits = 10;
    assert_int_equal(tp_context_set_trace_layout(context, &layout), 0);
    assert_int_equal(tpi_context_resolve(context, NULL, &settings), 0);
    assert_int_equal(settings.trace_layout.node_bits, 8);
    assert_int_equal(settings.trace_layout.sequence_bits, 10);
    assert_int_equal(tp_context_set_trace_layout(context, NULL), 0);
    assert_int_equal(tpi_context_resolve(context, NULL, &settings), 0);
    assert_true(8 != settings.trace_layout.node_bits);
    assert_int_equal(tp_context_set_trace_node_id(context, TP_NULL_U32), 0);
    assert_int_equal(tp_context_get_trace_node_id(context), TP_NULL_U32);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(defaults_need_no_configuration), TEST(setter_wins_over_environment_over_endpoint_over_default),
        TEST(memory_is_locked_as_the_driver_does_unless_told_otherwise__D_193),
        TEST(both_variables_name_the_aeron_directory), TEST(variables_that_cannot_be_used_are_named), TEST(setters_check_at_once),
        TEST(every_setting_is_described_with_its_source), TEST(default_mappings_are_explicit__W_198),
        TEST(what_is_set_is_got), TEST(what_is_set_about_traces_is_got),
        TEST(report_periods_are_a_second_unless_set__W_188),
        TEST(tracing_is_configured_by_setter_and_variable_within_its_bounds__T_012),
        TEST(discovery_is_on_the_control_channel_unless_told_otherwise__X_016),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
