/* A real driver and a provider on one bus: what is listed can be attached to, and asking changes nothing at the driver. */
#include "driver_rig.h"

#include "codec/codec_discovery.h"
#include "discovery/discovery_internal.h"

#define REQUESTS 7000
#define ANSWERS 7004

static tpi_bus_t *bus;
static tpi_bus_t *asker;
static tpi_provider_t *provider;
static tpi_publication_t *requests;
static tpi_subscription_t *answers;
static uint8_t answer[65536];
static size_t answer_length;

static void put(char *target, size_t size, const char *text) { (void)snprintf(target, size, "%s", text); }

/* As the embedded form has it: everything from the driver. */
static void start_provider(void)
{
    tp_discovery_provider_config_t config;
    tp_discovery_provider_config_init(&config);
    put(config.request_channel, sizeof(config.request_channel), rig->config.control_channel);
    config.request_stream_id = REQUESTS;
    tp_discovery_source_config_t *const source = tp_discovery_provider_config_add_source(&config);
    assert_non_null(source);
    put(source->announce_channel, sizeof(source->announce_channel), rig->config.control_channel);
    put(source->metadata_channel, sizeof(source->metadata_channel), rig->config.control_channel);
    put(source->driver_instance_id, sizeof(source->driver_instance_id), rig->config.instance_id);
    put(source->driver_control_channel, sizeof(source->driver_control_channel), rig->config.control_channel);
    source->announce_stream_id = source->driver_control_stream_id = RIG_CONTROL;
    source->metadata_stream_id = 1300;
    assert_int_equal(tpi_bus_mem_open(&bus, rig->network), 0);
    assert_int_equal(tpi_provider_create(&provider, &config, bus, NULL), 0);
    tp_discovery_provider_config_fini(&config);
}

static void on_answer(void *clientd, const tpi_message_t *message)
{
    (void)clientd;
    assert_true(message->length <= sizeof(answer));
    memcpy(answer, message->data, message->length);
    answer_length = message->length;
}

static void settle(void)
{
    for (int i = 0; i < 6; i++)
    {
        rig_settle();
        assert_true(tpi_provider_do_work(provider, (tpi_mapping_now_t){ rig->now_ns, rig->now_ns }) >= 0);
        assert_true(tpi_bus_do_work(asker, rig->now_ns) >= 0);
        if (NULL != answers) { (void)tpi_subscription_poll(answers, on_answer, NULL, 16); }
    }
}

static int setup(void **state)
{
    if (rig_setup(state) < 0) { return -1; }
    tpi_bus_async_t *pub = NULL;
    tpi_bus_async_t *sub = NULL;
    const tpi_subscription_config_t config = { .channel = "aeron:ipc", .stream_id = ANSWERS };
    start_provider();
    assert_int_equal(tpi_bus_mem_open(&asker, rig->network), 0);
    assert_int_equal(tpi_bus_add_publication(asker, &pub, rig->config.control_channel, REQUESTS), 0);
    assert_int_equal(tpi_bus_add_subscription(asker, &sub, &config), 0);
    (void)tpi_bus_do_work(asker, rig->now_ns);
    assert_int_equal(tpi_bus_add_publication_poll(pub, &requests), 1);
    assert_int_equal(tpi_bus_add_subscription_poll(sub, &answers), 1);
    return 0;
}

static int teardown(void **state)
{
    tpi_provider_delete(provider);
    provider = NULL;
    tpi_bus_close(bus);
    tpi_bus_close(asker);
    answers = NULL;
    return rig_teardown(state);
}

static tpc_discovery_response_t ask(uint32_t stream_id)
{
    uint8_t buffer[256];
    tpc_discovery_response_t response;
    tpc_discovery_request_t request = TPC_DISCOVERY_REQUEST_INIT;
    request.request_id = 77;
    request.client_id = 5;
    request.stream_id = stream_id;
    request.response_channel = tpc_bytes("aeron:ipc");
    request.response_stream_id = ANSWERS;
    answer_length = 0;
    assert_true(tpi_publication_offer(requests, buffer, (size_t)tpc_discovery_request_encode(buffer, sizeof(buffer), &request)) > 0);
    settle();
    assert_int_equal(tpc_discovery_response_decode(&response, answer, answer_length), TPC_OK);
    return response;
}

static tpc_discovery_result_t only_result(uint32_t stream_id)
{
    const tpc_discovery_response_t response = ask(stream_id);
    tpc_walk_t walk = response.result_walk;
    tpc_discovery_result_t result = TPC_DISCOVERY_RESULT_INIT;
    assert_int_equal(response.result_count, 1);
    assert_true(tpc_results_next(&walk, &result));
    return result;
}

static void what_is_listed_is_what_the_driver_attaches__X_055_X_072_X_051_X_064(void **state)
{
    (void)state;
    rig_start();
    settle();
    assert_int_equal(ask(10000).result_count, 0);               /* no regions yet: nothing to announce */
    const tpc_attach_response_t lease = rig_attach(TP_ROLE_PRODUCER, 77, 10000);
    rig_step(1000 * MS);
    settle();
    const tpc_discovery_result_t result = only_result(10000);
    assert_true(tpc_bytes_equal(result.driver_instance_id, rig->config.instance_id));
    assert_true(tpc_bytes_equal(result.driver_control_channel, rig->config.control_channel));
    assert_int_equal(result.driver_control_stream_id, RIG_CONTROL);
    assert_int_equal(result.producer_id, 77);
    assert_true(lease.epoch == result.epoch);
    assert_int_equal(result.header_slot_bytes, 256);
    assert_int_equal(result.max_dims, 8);
    assert_int_equal(result.pool_count, 2);
    tpc_pool_entry_t pool;
    tpc_walk_t pools = result.pool_walk;
    while (tpc_pools_next(&pools, &pool)) { assert_int_equal(pool.pool_nslots, result.header_nslots); }
    const tpc_attach_response_t other = rig_attach(TP_ROLE_CONSUMER, 78, 10000);       /* at the endpoint the result names */
    assert_int_equal(other.code, TPC_CODE_OK);
    assert_true(tpc_bytes_equal(other.header_region_uri, "") || other.header_region_uri.length == result.header_region_uri.length);
    const uint64_t before = tpi_driver_stats(rig->driver)->keepalive_accepted;
    rig_send_keepalive(&other, 78, TP_ROLE_CONSUMER);
    settle();
    assert_true(before + 1 == tpi_driver_stats(rig->driver)->keepalive_accepted);
}

static void start_with_a_producer(void)
{
    rig_start();
    settle();
    (void)rig_attach(TP_ROLE_PRODUCER, 77, 10000);
    rig_step(1000 * MS);
    settle();
}

static void asking_leaves_the_driver_alone__X_010_X_011(void **state)
{
    (void)state;
    start_with_a_producer();
    const tpi_driver_stats_t before = *tpi_driver_stats(rig->driver);
    rig_forget_events();
    (void)only_result(10000);
    (void)ask(12345);
    assert_int_equal(tpi_driver_lease_count(rig->driver), 1);
    assert_memory_equal(tpi_driver_stats(rig->driver), &before, sizeof(before));
    assert_int_equal(rig->event_count, 0);                      /* nobody wrote on the control stream */
}

static void a_stopped_driver_is_forgotten__X_076(void **state)
{
    (void)state;
    start_with_a_producer();
    (void)only_result(10000);
    rig_stop();
    rig->now_ns += 3001 * MS;
    settle();
    assert_int_equal(ask(10000).result_count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = { TEST(what_is_listed_is_what_the_driver_attaches__X_055_X_072_X_051_X_064),
        TEST(asking_leaves_the_driver_alone__X_010_X_011), TEST(a_stopped_driver_is_forgotten__X_076) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
