/* Dynamic streams, id ranges, hellos. */
#include "driver_rig.h"

#include <unistd.h>

#define PRODUCER TP_ROLE_PRODUCER
#define CONSUMER TP_ROLE_CONSUMER

static void dynamic_setup(uint32_t first, uint32_t last)
{
    rig->config.allow_dynamic_streams = true;
    rig->config.stream_id_range = (tp_id_range_t){ first, last };
}

static tpc_attach_response_t create(uint8_t role, uint32_t client, uint32_t stream)
{
    tpc_attach_request_t q = rig_request(role, client, stream);
    q.publish_mode = TP_PUBLISH_EXISTING_OR_CREATE;
    return rig_ask(&q);
}

static void ids_come_from_the_range_and_differ__D_042_D_045_D_162_D_163(void **state)
{
    (void)state;
    dynamic_setup(20000, 20003);
    rig_start();
    tpc_attach_response_t r = create(PRODUCER, 1, 0);
    assert_int_equal(r.code, TPC_CODE_OK);
    assert_int_equal(r.stream_id, 20000);
    assert_int_equal(r.pool_count, 2);
    assert_int_equal(create(CONSUMER, 2, 0).stream_id, 20001);
    assert_int_equal(create(PRODUCER, 3, 20003).stream_id, 20003);
    assert_int_equal(create(PRODUCER, 4, 0).stream_id, 20002);
    r = create(PRODUCER, 5, 0);
    assert_int_equal(r.code, TPC_CODE_INVALID_PARAMS);
    assert_true(tpc_bytes_equal(r.error_message, "stream_id_range exhausted"));
    r = create(PRODUCER, 5, 25000);
    assert_int_equal(r.code, TPC_CODE_REJECTED);
    assert_int_equal(rig_attach(CONSUMER, 5, 20000).stream_id, 20000);        /* known now: REQUIRE_EXISTING is enough */
}

static void a_repeated_request_for_stream_0_gets_the_same_stream__D_029_P3(void **state)
{
    (void)state;
    dynamic_setup(20000, 20003);
    rig_start();
    tpc_attach_request_t q = rig_request(PRODUCER, 1, 0);
    q.publish_mode = TP_PUBLISH_EXISTING_OR_CREATE;
    const tpc_attach_response_t first = rig_ask(&q);
    const tpc_attach_response_t again = rig_ask(&q);
    assert_true(again.lease_id == first.lease_id && 20000 == again.stream_id);
    assert_int_equal(tpi_driver_lease_count(rig->driver), 1);
}

static void without_a_range_creation_is_refused__D_164(void **state)
{
    (void)state;
    rig->config.allow_dynamic_streams = true;
    rig_start();
    const tpc_attach_response_t r = create(PRODUCER, 1, 0);
    assert_int_equal(r.code, TPC_CODE_INVALID_PARAMS);
    assert_true(tpc_bytes_equal(r.error_message, "stream_id_range not configured"));
    assert_int_equal(create(PRODUCER, 1, 20000).code, TPC_CODE_INVALID_PARAMS);
}

static void static_only_refuses_unknown_streams__D_043_D_044_D_162(void **state)
{
    (void)state;
    rig_start();
    assert_int_equal(create(PRODUCER, 1, 0).code, TPC_CODE_REJECTED);
    assert_int_equal(create(PRODUCER, 1, 20000).code, TPC_CODE_REJECTED);
}

static void a_dynamic_stream_is_forgotten_with_its_last_lease(void **state)
{
    (void)state;
    char dir[256];
    dynamic_setup(20000, 20000);
    rig_start();
    const tpc_attach_response_t p = create(PRODUCER, 1, 0);
    const tpc_attach_response_t c = rig_attach(CONSUMER, 2, 20000);
    const uint64_t epoch = p.epoch;
    assert_int_equal(rig_detach(&p, 1, PRODUCER).code, TPC_CODE_OK);
    assert_true(rig_last_announce(20000).epoch > epoch);                      /* D-132 */
    const uint64_t raised = rig_last_announce(20000).epoch;
    assert_int_equal(rig_detach(&c, 2, CONSUMER).code, TPC_CODE_OK);
    rig_stream_dir(dir, sizeof(dir), 20000);
    assert_int_equal(access(dir, F_OK), -1);
    rig_forget_events();
    rig_step(3000 * MS);
    assert_int_equal(rig_announces(20000), 0);
    const tpc_attach_request_t q = rig_request(CONSUMER, 3, 20000);
    assert_int_equal(rig_ask(&q).code, TPC_CODE_REJECTED);
    assert_true(create(PRODUCER, 1, 0).epoch > raised);
}

static void the_last_producer_of_a_dynamic_stream_still_raises_its_epoch__D_111_D_132(void **state)
{
    (void)state;
    dynamic_setup(20000, 20000);
    rig_start();
    const tpc_attach_response_t p = create(PRODUCER, 1, 0);
    const uint64_t epoch = p.epoch;
    rig_forget_events();
    assert_int_equal(rig_detach(&p, 1, PRODUCER).code, TPC_CODE_OK);
    assert_int_equal(rig_announces(20000), 1);
    assert_true(rig_last_announce(20000).epoch > epoch);
    const uint64_t raised = rig_last_announce(20000).epoch;
    assert_true(create(PRODUCER, 1, 0).epoch > raised);                       /* OP-D-13: higher, though forgotten in between */
}

static void a_later_stream_of_that_id_starts_above_a_planted_epoch__D_200(void **state)
{
    (void)state;
    const uint64_t high = (uint64_t)(rig->now_ns + 50000000 * MS);
    dynamic_setup(20000, 20000);
    rig_plant_epoch(20000, high, 1, 1);
    rig_start();
    const tpc_attach_response_t p = create(PRODUCER, 1, 0);
    assert_true(p.epoch == high + 1);
    assert_int_equal(rig_detach(&p, 1, PRODUCER).code, TPC_CODE_OK);
    rig_forget_events();
    assert_true(create(PRODUCER, 1, 0).epoch > high + 1);
}

static void the_number_of_streams_is_limited_and_counted__P11(void **state)
{
    (void)state;
    dynamic_setup(20000, 29999);
    rig->options.streams_max = 3;
    rig_start();
    assert_int_equal(create(PRODUCER, 1, 0).code, TPC_CODE_OK);
    assert_int_equal(create(PRODUCER, 2, 0).code, TPC_CODE_INTERNAL_ERROR);
    assert_int_equal(tpi_driver_stats(rig->driver)->limit_streams, 1);
    assert_int_equal(rig_attach(CONSUMER, 3, 10000).node_id, 2);
}

/* ---- hellos ---------------------------------------------------------------------------------------------------------------- */

static void hello(uint32_t consumer, uint32_t stream, uint32_t descriptor_id, const char *descriptor, uint32_t control_id, const char *control)
{
    uint8_t buffer[2048];
    tpc_consumer_hello_t m = TPC_CONSUMER_HELLO_INIT;
    m.stream_id = stream;
    m.consumer_id = consumer;
    m.supports_shm = 1;
    m.descriptor_stream_id = descriptor_id;
    m.descriptor_channel = tpc_bytes(descriptor);
    m.control_stream_id = control_id;
    m.control_channel = tpc_bytes(control);
    const int64_t n = tpc_consumer_hello_encode(buffer, sizeof(buffer), &m);
    assert_true(n > 0);
    rig_forget_events();
    rig_send(buffer, (size_t)n);
    rig_settle();
}

static bool answer(tpc_consumer_config_t *config)
{
    const int at = rig_find(TPC_WIRE_SCHEMA, TPC_CONSUMER_CONFIG, 0);
    return at >= 0 && TPC_OK == tpc_consumer_config_decode(config, rig->events[at].data, rig->events[at].length);
}

static void ranges_setup(void)
{
    rig->config.descriptor_stream_id_range = (tp_id_range_t){ 31000, 31000 };
    rig->config.control_stream_id_range = (tp_id_range_t){ 32000, 32001 };
}

static void per_consumer_ids_are_granted_kept_and_given_back__D_165_D_167_D_168(void **state)
{
    (void)state;
    tpc_consumer_config_t c;
    ranges_setup();
    rig_start();
    const tpc_attach_response_t a = rig_attach(CONSUMER, 1, 10000);
    const tpc_attach_response_t a_copy = a;
    (void)rig_attach(CONSUMER, 2, 10000);
    hello(1, 10000, 7, "aeron:ipc", 8, "aeron:ipc?term-length=64k");
    assert_true(answer(&c));
    assert_true(31000 == c.descriptor_stream_id && 32000 == c.control_stream_id && 1 == c.consumer_id && 10000 == c.stream_id);
    assert_true(tpc_bytes_equal(c.descriptor_channel, "aeron:ipc") && tpc_bytes_equal(c.control_channel, "aeron:ipc?term-length=64k"));
    hello(1, 10000, 7, "aeron:ipc", 8, "aeron:ipc");
    assert_true(answer(&c));
    assert_int_equal(c.descriptor_stream_id, 31000);
    hello(2, 10000, 7, "aeron:ipc", 8, "aeron:ipc");
    assert_true(answer(&c));
    assert_true(0 == c.descriptor_stream_id && 0 == c.descriptor_channel.length && 32001 == c.control_stream_id);
    assert_int_equal(tpi_driver_stats(rig->driver)->hello_declined, 1);
    assert_int_equal(tpi_driver_lease_count(rig->driver), 2);
    assert_int_equal(rig_detach(&a_copy, 1, CONSUMER).code, TPC_CODE_OK);
    hello(2, 10000, 7, "aeron:ipc", 0, "");
    assert_true(answer(&c));
    assert_true(31000 == c.descriptor_stream_id && 0 == c.control_stream_id);
}

static void ids_of_a_consumer_that_asks_no_more_are_free(void **state)
{
    (void)state;
    tpc_consumer_config_t c;
    ranges_setup();
    rig_start();
    (void)rig_attach(CONSUMER, 1, 10000);
    (void)rig_attach(CONSUMER, 2, 10000);
    hello(1, 10000, 7, "aeron:ipc", 8, "aeron:ipc");
    assert_true(answer(&c) && 31000 == c.descriptor_stream_id && 32000 == c.control_stream_id);
    hello(1, 10000, 0, "", 0, "");
    assert_false(answer(&c));
    hello(2, 10000, 7, "aeron:ipc", 0, "");
    assert_true(answer(&c) && 31000 == c.descriptor_stream_id);
}

static void unset_ranges_decline__D_166(void **state)
{
    (void)state;
    tpc_consumer_config_t c;
    rig_start();
    (void)rig_attach(CONSUMER, 1, 10000);
    hello(1, 10000, 7, "aeron:ipc", 8, "aeron:ipc");
    assert_true(answer(&c));
    assert_true(0 == c.descriptor_stream_id && 0 == c.control_stream_id && 0 == c.descriptor_channel.length && 0 == c.control_channel.length);
}

static void foreign_channels_are_declined__P12(void **state)
{
    (void)state;
    tpc_consumer_config_t c;
    ranges_setup();
    rig_start();
    (void)rig_attach(CONSUMER, 1, 10000);
    hello(1, 10000, 7, "aeron:udp?endpoint=10.0.0.1:4000", 0, "");
    assert_true(answer(&c));
    assert_int_equal(c.descriptor_stream_id, 0);
}

static void only_consumers_with_a_lease_on_that_stream_are_answered(void **state)
{
    (void)state;
    tpc_consumer_config_t c;
    ranges_setup();
    rig_start();
    (void)rig_attach(PRODUCER, 1, 10000);
    (void)rig_attach(CONSUMER, 2, 10000);
    hello(1, 10000, 7, "aeron:ipc", 0, "");
    assert_false(answer(&c));
    hello(2, 10001, 7, "aeron:ipc", 0, "");
    assert_false(answer(&c));
    hello(3, 10000, 7, "aeron:ipc", 0, "");
    assert_false(answer(&c));
    hello(2, 10000, 0, "", 0, "");
    assert_false(answer(&c));
    hello(2, 10000, 7, "aeron:ipc", 0, "");
    assert_true(answer(&c));
}

static void hellos_are_left_to_another_authority_or_never_answered(void **state)
{
    (void)state;
    tpc_consumer_config_t c;
    uint8_t buffer[128];
    ranges_setup();
    rig_start();
    const tpc_attach_response_t lease = rig_attach(CONSUMER, 1, 10000);
    const tpc_attach_response_t lease_copy = lease;
    hello(1, 10000, 7, "aeron:ipc", 0, "");
    hello(1, 10000, 7, "aeron:ipc", 0, "");
    assert_true(answer(&c));                                                  /* our own config does not silence us */
    tpc_consumer_config_t other = TPC_CONSUMER_CONFIG_INIT;
    other.stream_id = 10000;
    other.consumer_id = 9;
    const int64_t n = tpc_consumer_config_encode(buffer, sizeof(buffer), &other);
    rig_send(buffer, (size_t)n);
    rig_settle();
    rig_forget_events();
    hello(1, 10000, 7, "aeron:ipc", 0, "");
    assert_int_equal(rig_count(TPC_WIRE_SCHEMA, TPC_CONSUMER_CONFIG), 0);
    rig_step(2500 * MS);
    rig_send_keepalive(&lease_copy, 1, CONSUMER);
    rig_step(2500 * MS);
    hello(1, 10000, 7, "aeron:ipc", 0, "");
    assert_true(answer(&c));
    rig_stop();
    (void)snprintf(rig->config.answer_hello, sizeof(rig->config.answer_hello), "never");
    rig_start();
    (void)rig_attach(CONSUMER, 1, 10000);
    hello(1, 10000, 7, "aeron:ipc", 0, "");
    assert_false(answer(&c));
}

int main(void)
{
    const struct CMUnitTest tests[] = { RIG_TEST(ids_come_from_the_range_and_differ__D_042_D_045_D_162_D_163),
        RIG_TEST(a_repeated_request_for_stream_0_gets_the_same_stream__D_029_P3), RIG_TEST(without_a_range_creation_is_refused__D_164),
        RIG_TEST(static_only_refuses_unknown_streams__D_043_D_044_D_162), RIG_TEST(a_dynamic_stream_is_forgotten_with_its_last_lease),
        RIG_TEST(the_last_producer_of_a_dynamic_stream_still_raises_its_epoch__D_111_D_132),
        RIG_TEST(a_later_stream_of_that_id_starts_above_a_planted_epoch__D_200), RIG_TEST(the_number_of_streams_is_limited_and_counted__P11),
        RIG_TEST(per_consumer_ids_are_granted_kept_and_given_back__D_165_D_167_D_168), RIG_TEST(ids_of_a_consumer_that_asks_no_more_are_free),
        RIG_TEST(unset_ranges_decline__D_166),
        RIG_TEST(foreign_channels_are_declined__P12), RIG_TEST(only_consumers_with_a_lease_on_that_stream_are_answered),
        RIG_TEST(hellos_are_left_to_another_authority_or_never_answered) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
