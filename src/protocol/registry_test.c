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
    tpi_registry_init(&registry, 10000, 5000);
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

static void hello_and_qos_keep_a_consumer_and_silence_ends_it__W_133_O_29(void **state)
{
    (void)state;
    const tpc_consumer_hello_t h = hello(7);
    tpc_qos_consumer_t q = TPC_QOS_CONSUMER_INIT;
    q.stream_id = 10000;
    q.consumer_id = 7;
    q.epoch = 12345;
    assert_int_equal(tpi_registry_on_hello(&registry, &h, 0), TPI_REGISTRY_NO_ANSWER);
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
    h.stream_id = 10001;
    h.expected_layout_version = 2;
    h.descriptor_channel = tpc_bytes("aeron:ipc");
    q.stream_id = 10001;
    assert_int_equal(tpi_registry_on_hello(&registry, &h, 0), TPI_REGISTRY_NO_ANSWER);
    tpi_registry_on_qos(&registry, &q, 0);
    assert_int_equal(registry.count, 0);
}

static void requests_for_private_streams_are_declined_whole_or_half__W_142_W_143_W_145_W_146_W_148_W_149_W_150(void **state)
{
    (void)state;
    static const struct { const char *descriptor; uint32_t descriptor_id; const char *control; uint32_t control_id; int answer; } rows[] = {
        { "", 0, "", 0, TPI_REGISTRY_NO_ANSWER }, { "", TP_NULL_U32, "", TP_NULL_U32, TPI_REGISTRY_NO_ANSWER },
        { "aeron:ipc", 31000, "", 0, TPI_REGISTRY_DECLINE_STREAMS }, { "", 31000, "", 0, TPI_REGISTRY_DECLINE_STREAMS },
        { "aeron:ipc", 0, "", 0, TPI_REGISTRY_DECLINE_STREAMS }, { " ", 0, "", 0, TPI_REGISTRY_DECLINE_STREAMS },
        { "", 0, "aeron:ipc", 32000, TPI_REGISTRY_DECLINE_STREAMS }, { "", 0, "", 32000, TPI_REGISTRY_DECLINE_STREAMS },
        { "", 0, "foo:bar", 0, TPI_REGISTRY_DECLINE_STREAMS },
    };
    for (uint32_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
    {
        tpc_consumer_hello_t h = hello(i + 1);
        h.descriptor_channel = tpc_bytes(rows[i].descriptor);
        h.descriptor_stream_id = rows[i].descriptor_id;
        h.control_channel = tpc_bytes(rows[i].control);
        h.control_stream_id = rows[i].control_id;
        assert_int_equal(tpi_registry_on_hello(&registry, &h, 0), rows[i].answer);
        assert_int_equal(registry.count, i + 1);           /* the rest of the hello counts all the same (O-25) */
    }
    tpc_consumer_config_t config;
    tpi_registry_decline(&config, 10000, 3, TP_MODE_RATE_LIMITED, true);
    assert_int_equal(config.descriptor_channel.length, 0);
    assert_int_equal(config.descriptor_stream_id, 0);
    assert_int_equal(config.control_channel.length, 0);
    assert_int_equal(config.control_stream_id, 0);
    assert_int_equal(config.use_shm, 1);
    assert_int_equal(config.mode, TP_MODE_RATE_LIMITED);
    assert_false(tpi_registry_must_decline(&registry, &config));
}

static void consumers_of_another_layout_are_sent_off_shared_memory__O_31(void **state)
{
    (void)state;
    tpc_consumer_hello_t h = hello(1);
    h.expected_layout_version = 2;
    assert_int_equal(tpi_registry_on_hello(&registry, &h, 0), TPI_REGISTRY_DECLINE_SHM);
    h.expected_layout_version = 0;
    assert_int_equal(tpi_registry_on_hello(&registry, &h, 0), TPI_REGISTRY_NO_ANSWER);
}

static void table_is_bounded_and_counts_who_finds_it_full__P11(void **state)
{
    (void)state;
    for (uint32_t i = 1; i <= TPI_REGISTRY_CONSUMERS_MAX + 5; i++)
    {
        const tpc_consumer_hello_t h = hello(i);
        (void)tpi_registry_on_hello(&registry, &h, 0);
    }
    assert_int_equal(registry.count, TPI_REGISTRY_CONSUMERS_MAX);
    assert_int_equal(registry.refused, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(hello_and_qos_keep_a_consumer_and_silence_ends_it__W_133_O_29, setup),
        cmocka_unit_test_setup(other_streams_are_ignored__W_251, setup),
        cmocka_unit_test_setup(requests_for_private_streams_are_declined_whole_or_half__W_142_W_143_W_145_W_146_W_148_W_149_W_150, setup),
        cmocka_unit_test_setup(consumers_of_another_layout_are_sent_off_shared_memory__O_31, setup),
        cmocka_unit_test_setup(table_is_bounded_and_counts_who_finds_it_full__P11, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
