#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "protocol/registry.h"

static tpi_registry_t registry;

static int setup(void **state)
{
    (void)state;
    tpi_registry_init(&registry, 10000, 5, 1000);
    registry.authority = TPI_AUTHORITY_ALWAYS;
    return 0;
}

static tpc_consumer_hello_t hello(uint32_t id)
{
    tpc_consumer_hello_t h = TPC_CONSUMER_HELLO_INIT;
    h.stream_id = 10000;
    h.consumer_id = id;
    h.supports_shm = 1;
    h.expected_layout_version = 1;
    return h;
}

static tpi_registry_verdict_t say(const tpc_consumer_hello_t *h, int64_t now_ns) { return tpi_registry_on_hello(&registry, h, now_ns); }

static void hello_and_qos_keep_a_consumer_and_silence_ends_it__W_133_O_29(void **state)
{
    (void)state;
    const tpc_consumer_hello_t h = hello(7);
    tpc_qos_consumer_t q = TPC_QOS_CONSUMER_INIT;
    q.stream_id = 10000;
    q.consumer_id = 7;
    q.epoch = 12345;
    assert_false(say(&h, 0).answers);
    assert_int_equal(registry.count, 1);
    tpi_registry_on_qos(&registry, &q, 4000);
    assert_int_equal(tpi_registry_sweep(&registry, 9000), 0);
    assert_int_equal(tpi_registry_sweep(&registry, 9001), 1);
    assert_int_equal(registry.count, 0);
}

static void other_streams_are_ignored__W_251(void **state)
{
    (void)state;
    tpc_consumer_hello_t h = hello(7);
    tpc_qos_consumer_t q = TPC_QOS_CONSUMER_INIT;
    tpc_consumer_config_t config = TPC_CONSUMER_CONFIG_INIT;
    tpi_registry_entry_t *entry;
    h.stream_id = 10001;
    h.expected_layout_version = 2;
    h.descriptor_channel = tpc_bytes("aeron:ipc");
    q.stream_id = 10001;
    config.stream_id = 10001;
    const tpi_registry_verdict_t verdict = say(&h, 0);
    assert_false(verdict.is_mine || verdict.answers);
    tpi_registry_on_qos(&registry, &q, 0);
    assert_false(tpi_registry_on_config(&registry, &config, 0, &entry));
    assert_int_equal(registry.count, 0);
    assert_false(registry.has_other);
}

static void half_filled_wishes_are_answered_and_not_granted__W_142_W_143_W_145_W_146_W_148_W_149_W_150(void **state)
{
    (void)state;
    static const struct { const char *descriptor; uint32_t descriptor_id; const char *control; uint32_t control_id; bool answers; int wish[2]; }
    rows[] = {
        { "", 0, "", 0, false, { TPI_HELLO_NONE, TPI_HELLO_NONE } },
        { "", TP_NULL_U32, "", TP_NULL_U32, false, { TPI_HELLO_NONE, TPI_HELLO_NONE } },
        { "aeron:ipc", 31000, "", 0, true, { TPI_HELLO_WANTED, TPI_HELLO_NONE } },
        { "", 31000, "", 0, true, { TPI_HELLO_INVALID, TPI_HELLO_NONE } },
        { "aeron:ipc", 0, "", 0, true, { TPI_HELLO_INVALID, TPI_HELLO_NONE } },
        { " ", 0, "", 0, true, { TPI_HELLO_INVALID, TPI_HELLO_NONE } },
        { "", 0, "aeron:ipc", 32000, true, { TPI_HELLO_NONE, TPI_HELLO_WANTED } },
        { "", 0, "", 32000, true, { TPI_HELLO_NONE, TPI_HELLO_INVALID } },
        { "", 0, "aeron:ipc", 0, true, { TPI_HELLO_NONE, TPI_HELLO_INVALID } },
        { "", 0, "foo:bar", 0, true, { TPI_HELLO_NONE, TPI_HELLO_INVALID } },
    };
    for (uint32_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
    {
        tpc_consumer_hello_t h = hello(i + 1);
        h.descriptor_channel = tpc_bytes(rows[i].descriptor);
        h.descriptor_stream_id = rows[i].descriptor_id;
        h.control_channel = tpc_bytes(rows[i].control);
        h.control_stream_id = rows[i].control_id;
        const tpi_registry_verdict_t verdict = say(&h, 0);
        assert_int_equal(verdict.answers, rows[i].answers);
        assert_int_equal(verdict.entry->wish[TPI_PRIVATE_DESCRIPTOR], rows[i].wish[0]);
        assert_int_equal(verdict.entry->wish[TPI_PRIVATE_CONTROL], rows[i].wish[1]);
        assert_int_equal(registry.count, i + 1);           /* the rest of the hello counts all the same (O-25) */
    }
    tpc_consumer_config_t config;
    tpi_registry_answer(&config, 10000, 3, tpi_registry_find(&registry, 3), tpc_bytes("bridge://1"));
    assert_int_equal(config.stream_id, 10000);
    assert_int_equal(config.consumer_id, 3);
    assert_int_equal(config.descriptor_channel.length, 0);
    assert_int_equal(config.descriptor_stream_id, 0);
    assert_int_equal(config.control_channel.length, 0);
    assert_int_equal(config.control_stream_id, 0);
    assert_int_equal(config.payload_fallback_uri.length, 0);
    assert_int_equal(config.use_shm, 1);
    assert_int_equal(config.mode, TP_MODE_STREAM);
}

static void consumers_of_another_layout_are_sent_off_shared_memory__O_31(void **state)
{
    (void)state;
    tpc_consumer_hello_t h = hello(1);
    tpc_consumer_config_t config;
    registry.authority = TPI_AUTHORITY_AUTO;
    h.expected_layout_version = 2;
    assert_true(say(&h, 0).answers);
    tpi_registry_answer(&config, 10000, 1, tpi_registry_find(&registry, 1), tpc_bytes("bridge://1"));
    assert_int_equal(config.use_shm, 0);
    assert_true(tpc_bytes_equal(config.payload_fallback_uri, "bridge://1"));
    h.expected_layout_version = 0;
    assert_false(say(&h, 0).answers);
    tpi_registry_answer(&config, 10000, 1, tpi_registry_find(&registry, 1), tpc_bytes("bridge://1"));
    assert_int_equal(config.use_shm, 1);
    registry.authority = TPI_AUTHORITY_NEVER;
    h.expected_layout_version = 2;
    assert_false(say(&h, 0).answers);
}

static void auto_steps_in_when_nobody_else_answers__O_28(void **state)
{
    (void)state;
    tpc_consumer_hello_t h = hello(1);
    tpc_consumer_config_t config = TPC_CONSUMER_CONFIG_INIT;
    tpi_registry_entry_t *entry = NULL;
    registry.authority = TPI_AUTHORITY_AUTO;
    h.descriptor_channel = tpc_bytes("aeron:ipc");
    h.descriptor_stream_id = 31000;
    assert_false(say(&h, 0).answers);
    assert_false(say(&h, 749).answers);
    assert_true(say(&h, 750).answers);
    config.stream_id = 10000;
    config.consumer_id = 2;
    assert_true(tpi_registry_on_config(&registry, &config, 1000, &entry));   /* another authority, although about somebody else */
    assert_null(entry);
    assert_false(say(&h, 6000).answers);
    assert_false(say(&h, 6001).answers);                                     /* silent for longer than 5 intervals: asked again */
    assert_false(say(&h, 6750).answers);
    assert_true(say(&h, 6751).answers);
    config.consumer_id = 1;
    assert_true(tpi_registry_on_config(&registry, &config, 7000, &entry));
    assert_non_null(entry);
    registry.authority = TPI_AUTHORITY_NEVER;
    assert_false(say(&h, 99999).answers);
}

static void wish_that_is_given_up_is_told_once(void **state)
{
    (void)state;
    tpc_consumer_hello_t h = hello(1);
    h.control_channel = tpc_bytes("aeron:ipc");
    h.control_stream_id = 32000;
    assert_false(say(&h, 0).withdrew[TPI_PRIVATE_CONTROL]);
    h = hello(1);
    assert_true(say(&h, 0).withdrew[TPI_PRIVATE_CONTROL]);
    assert_false(say(&h, 0).withdrew[TPI_PRIVATE_CONTROL]);
    assert_true(tpi_registry_remove(&registry, 1));
    assert_false(tpi_registry_remove(&registry, 1));
}

static void rate_counts_when_it_was_asked_for_or_imposed__W_192_W_155_O_26(void **state)
{
    (void)state;
    tpc_consumer_hello_t h = hello(1);
    tpc_consumer_config_t config = TPC_CONSUMER_CONFIG_INIT;
    tpi_registry_entry_t *entry = NULL;
    h.max_rate_hz = 70000;
    assert_int_equal(tpi_registry_rate_hz(say(&h, 0).entry), 0);
    config.stream_id = 10000;
    config.consumer_id = 1;
    config.mode = TP_MODE_RATE_LIMITED;
    assert_true(tpi_registry_on_config(&registry, &config, 0, &entry));
    assert_int_equal(tpi_registry_rate_hz(entry), 70000);
    config.mode = TP_MODE_STREAM;
    assert_true(tpi_registry_on_config(&registry, &config, 0, &entry));
    assert_int_equal(tpi_registry_rate_hz(entry), 0);
    h.mode = TP_MODE_RATE_LIMITED;
    assert_int_equal(tpi_registry_rate_hz(say(&h, 0).entry), 70000);
    h.max_rate_hz = 0;
    assert_int_equal(tpi_registry_rate_hz(say(&h, 0).entry), 0);
}

static void progress_hints_are_merged_and_raised_to_our_minima__W_156_W_178_W_065(void **state)
{
    (void)state;
    const tpi_progress_limits_t minima = { 400, 65536, 0, 2000 };
    tpi_progress_policy_t policy;
    tpc_consumer_hello_t h = hello(1);
    h.progress_interval_us = 10;
    (void)say(&h, 0);
    assert_int_equal(tpi_registry_progress(&registry, &minima, &policy), 0);
    assert_false(policy.wanted);
    h.supports_progress = 1;
    h.progress_interval_us = 300;                          /* below our minimum */
    h.progress_bytes_delta = TP_NULL_U32;
    h.progress_major_delta_units = 0;
    (void)say(&h, 0);
    assert_int_equal(tpi_registry_progress(&registry, &minima, &policy), 1);
    assert_true(policy.wanted);
    assert_int_equal(policy.interval_us, 400);
    assert_int_equal(policy.bytes_delta, 65536);
    assert_int_equal(policy.major_delta, 0);
    h.progress_interval_us = 900;
    h.progress_bytes_delta = 131072;
    h.progress_major_delta_units = 8;
    (void)say(&h, 0);
    tpc_consumer_hello_t other = hello(2);
    other.supports_progress = 1;
    other.progress_interval_us = 500;
    other.progress_bytes_delta = 100000;
    other.progress_major_delta_units = 9;
    (void)say(&other, 0);
    assert_int_equal(tpi_registry_progress(&registry, &minima, &policy), 2);
    assert_int_equal(policy.interval_us, 500);
    assert_int_equal(policy.bytes_delta, 100000);
    assert_int_equal(policy.major_delta, 8);
}

static void table_is_bounded_and_counts_who_finds_it_full__P11(void **state)
{
    (void)state;
    for (uint32_t i = 1; i <= TPI_REGISTRY_CONSUMERS_MAX + 5; i++)
    {
        tpc_consumer_hello_t h = hello(i);
        h.descriptor_channel = tpc_bytes("aeron:ipc");
        h.descriptor_stream_id = i;
        const tpi_registry_verdict_t verdict = say(&h, 0);
        assert_true(verdict.answers);
        assert_true((NULL != verdict.entry) == (i <= TPI_REGISTRY_CONSUMERS_MAX));
    }
    assert_int_equal(registry.count, TPI_REGISTRY_CONSUMERS_MAX);
    assert_int_equal(registry.refused, 5);
}

#define T(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(hello_and_qos_keep_a_consumer_and_silence_ends_it__W_133_O_29), T(other_streams_are_ignored__W_251),
        T(half_filled_wishes_are_answered_and_not_granted__W_142_W_143_W_145_W_146_W_148_W_149_W_150),
        T(consumers_of_another_layout_are_sent_off_shared_memory__O_31), T(auto_steps_in_when_nobody_else_answers__O_28),
        T(wish_that_is_given_up_is_told_once), T(rate_counts_when_it_was_asked_for_or_imposed__W_192_W_155_O_26),
        T(progress_hints_are_merged_and_raised_to_our_minima__W_156_W_178_W_065), T(table_is_bounded_and_counts_who_finds_it_full__P11),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
