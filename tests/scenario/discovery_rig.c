/* See discovery_rig.h. */
#include "discovery_rig.h"

drig_t *drig;

static void configure_source(const char *instance_id, uint32_t announce, uint32_t control)
{
    tp_discovery_source_config_t *const source = tp_discovery_provider_config_add_source(&drig->config);
    assert_non_null(source);
    (void)snprintf(source->announce_channel, sizeof(source->announce_channel), IPC);
    (void)snprintf(source->metadata_channel, sizeof(source->metadata_channel), IPC);
    (void)snprintf(source->driver_instance_id, sizeof(source->driver_instance_id), "%s", instance_id);
    (void)snprintf(source->driver_control_channel, sizeof(source->driver_control_channel), IPC "?term-length=4m");
    source->announce_stream_id = announce;
    source->metadata_stream_id = METADATA;
    source->driver_control_stream_id = control;
    source->announce_period_ms = PERIOD_MS;
}

int drig_setup(void **state)
{
    (void)state;
    drig = calloc(1, sizeof(*drig));
    assert_non_null(drig);
    drig->now_ns = 1000000 * MS;
    drig->real_ns = INT64_C(1800000000000) * MS;
    drig->next_request = UINT64_C(0x1122334455667788);
    tp_discovery_provider_config_init(&drig->config);
    (void)snprintf(drig->config.request_channel, sizeof(drig->config.request_channel), IPC);
    drig->config.request_stream_id = REQUESTS;
    configure_source("drv-a", ANNOUNCE_A, 1000);
    configure_source("drv-b", ANNOUNCE_B, 2000);
    assert_int_equal(tpi_mem_network_create(&drig->network), 0);
    assert_int_equal(tpi_bus_mem_open(&drig->client_bus, drig->network), 0);
    return 0;
}

int drig_teardown(void **state)
{
    (void)state;
    drig_stop();
    tpi_bus_close(drig->client_bus);
    tpi_mem_network_delete(drig->network);
    tp_discovery_provider_config_fini(&drig->config);
    for (size_t i = 0; i < drig->listener_count; i++) { free(drig->listeners[i].data); }
    free(drig);
    drig = NULL;
    return 0;
}

int drig_try_start(void)
{
    if (NULL == drig->provider_bus) { assert_int_equal(tpi_bus_mem_open(&drig->provider_bus, drig->network), 0); }
    if (tpi_provider_create(&drig->provider, &drig->config, drig->provider_bus, &drig->options) < 0) { return -1; }
    drig_settle();
    return 0;
}

void drig_start(void)
{
    if (drig_try_start() < 0) { fail_msg("provider does not start: %s", tp_errmsg()); }
    assert_int_equal(tpi_provider_is_ready(drig->provider), 1);
}

void drig_stop(void)
{
    tpi_provider_delete(drig->provider);
    drig->provider = NULL;
    tpi_bus_close(drig->provider_bus);
    drig->provider_bus = NULL;
}

static void on_message(void *clientd, const tpi_message_t *message)
{
    listener_t *const listener = clientd;
    listener->count++;
    free(listener->data);
    listener->data = malloc(message->length);
    assert_non_null(listener->data);
    memcpy(listener->data, message->data, message->length);
    listener->length = message->length;
}

static void look(void)
{
    assert_true(tpi_bus_do_work(drig->client_bus, drig->now_ns) >= 0);
    for (size_t i = 0; i < drig->listener_count; i++)
    {
        listener_t *const listener = &drig->listeners[i];
        while (NULL != listener->subscription && tpi_subscription_poll(listener->subscription, on_message, listener, 256) > 0) { }
    }
}

int drig_cycle(void)
{
    int work = 0;
    if (NULL != drig->provider)
    {
        work = tpi_provider_do_work(drig->provider, (tpi_mapping_now_t){ .mono_ns = drig->now_ns, .real_ns = drig->real_ns });
        assert_true(work >= 0);
    }
    look();
    return work;
}

void drig_settle(void)
{
    for (int i = 0; i < 6; i++) { (void)drig_cycle(); }
}

void drig_step(int64_t ns)
{
    drig->now_ns += ns;
    drig->real_ns += ns;
    drig_settle();
}

static tpi_publication_t *talker(int32_t stream_id)
{
    for (size_t i = 0; i < drig->talker_count; i++)
    {
        if (stream_id == drig->talkers[i].stream_id) { return drig->talkers[i].publication; }
    }
    tpi_bus_async_t *async = NULL;
    tpi_publication_t *publication = NULL;
    assert_true(drig->talker_count < sizeof(drig->talkers) / sizeof(drig->talkers[0]));
    assert_int_equal(tpi_bus_add_publication(drig->client_bus, &async, IPC, stream_id), 0);
    for (int i = 0; i < 10 && NULL == publication; i++)
    {
        (void)tpi_bus_do_work(drig->client_bus, drig->now_ns);
        assert_true(tpi_bus_add_publication_poll(async, &publication) >= 0);
    }
    drig->talkers[drig->talker_count++] = (talker_t){ stream_id, publication };
    drig_settle();                                              /* the provider joins it before the first message */
    return publication;
}

void drig_send(int32_t stream_id, const uint8_t *data, size_t length)
{
    const int64_t result = tpi_publication_offer(talker(stream_id), data, length);
    if (result <= 0) { fail_msg("stream id %d: %s", stream_id, tp_result_name(result)); }
}

listener_t *drig_listen(int32_t stream_id)
{
    tpi_bus_async_t *async = NULL;
    const tpi_subscription_config_t config = { .channel = IPC, .stream_id = stream_id };
    assert_true(drig->listener_count < sizeof(drig->listeners) / sizeof(drig->listeners[0]));
    listener_t *const listener = &drig->listeners[drig->listener_count++];
    listener->stream_id = stream_id;
    assert_int_equal(tpi_bus_add_subscription(drig->client_bus, &async, &config), 0);
    for (int i = 0; i < 10 && NULL == listener->subscription; i++)
    {
        (void)tpi_bus_do_work(drig->client_bus, drig->now_ns);
        assert_true(tpi_bus_add_subscription_poll(async, &listener->subscription) >= 0);
    }
    return listener;
}

void drig_deafen(listener_t *listener)
{
    tpi_subscription_close(listener->subscription);
    listener->subscription = NULL;
    drig_settle();
}

tpc_pool_announce_t drig_announcement(uint32_t stream_id, uint32_t producer_id, uint64_t epoch)
{
    tpc_pool_announce_t a = TPC_POOL_ANNOUNCE_INIT;
    a.stream_id = stream_id;
    a.producer_id = producer_id;
    a.epoch = epoch;
    a.announce_timestamp_ns = (uint64_t)drig->now_ns;
    a.announce_clock_domain = TPC_CLOCK_MONOTONIC;
    a.layout_version = 1;
    a.header_nslots = 64;
    a.header_slot_bytes = 256;
    a.pool_count = 1;
    a.pools[0] = (tpc_pool_entry_t){ 1, 64, 4096, tpc_bytes("shm:file?path=/p1") };
    a.header_region_uri = tpc_bytes("shm:file?path=/h");
    return a;
}

void drig_send_announce(int32_t on, const tpc_pool_announce_t *announce)
{
    static uint8_t buffer[65536];
    const int64_t length = tpc_pool_announce_encode(buffer, sizeof(buffer), announce);
    assert_true(length > 0);
    drig_send(on, buffer, (size_t)length);
}

void drig_announce(int32_t on, uint32_t stream_id, uint32_t producer_id, uint64_t epoch)
{
    const tpc_pool_announce_t a = drig_announcement(stream_id, producer_id, epoch);
    drig_send_announce(on, &a);
    drig_settle();
}

void drig_name(uint32_t stream_id, uint64_t epoch, uint32_t meta_version, const char *name)
{
    uint8_t buffer[1024];
    tpc_source_announce_t a = TPC_SOURCE_ANNOUNCE_INIT;
    a.stream_id = stream_id;
    a.epoch = epoch;
    a.meta_version = meta_version;
    a.name = tpc_bytes(name);
    const int64_t length = tpc_source_announce_encode(buffer, sizeof(buffer), &a);
    assert_true(length > 0);
    drig_send(METADATA, buffer, (size_t)length);
    drig_settle();
}

tpc_discovery_request_t drig_request(void)
{
    tpc_discovery_request_t request = TPC_DISCOVERY_REQUEST_INIT;
    request.request_id = drig->next_request++;
    request.client_id = 7;
    request.response_stream_id = ANSWERS;
    request.response_channel = tpc_bytes(IPC);
    return request;
}

void drig_send_request(const tpc_discovery_request_t *request)
{
    static uint8_t buffer[65536];
    const int64_t length = tpc_discovery_request_encode(buffer, sizeof(buffer), request);
    assert_true(length > 0);
    drig_send(REQUESTS, buffer, (size_t)length);
}

static listener_t *listener_of(int32_t stream_id)
{
    for (size_t i = 0; i < drig->listener_count; i++)
    {
        if (stream_id == drig->listeners[i].stream_id) { return &drig->listeners[i]; }
    }
    return drig_listen(stream_id);
}

tpc_discovery_response_t drig_ask(const tpc_discovery_request_t *request)
{
    listener_t *const listener = listener_of((int32_t)request->response_stream_id);
    const size_t before = listener->count;
    tpc_discovery_response_t response;
    drig_send_request(request);
    drig_settle();
    assert_int_equal(listener->count, before + 1);
    assert_int_equal(tpc_discovery_response_decode(&response, listener->data, listener->length), TPC_OK);
    assert_true(request->request_id == response.request_id);
    return response;
}

uint32_t drig_listed(void)
{
    const tpc_discovery_request_t request = drig_request();
    const tpc_discovery_response_t response = drig_ask(&request);
    assert_int_equal(response.status, TPC_DISCOVERY_OK);
    return response.result_count;
}

tpc_discovery_result_t drig_result(const tpc_discovery_response_t *response, uint32_t n)
{
    tpc_walk_t walk = response->result_walk;
    tpc_discovery_result_t result = TPC_DISCOVERY_RESULT_INIT;
    for (uint32_t i = 0; i <= n; i++) { assert_true(tpc_results_next(&walk, &result)); }
    return result;
}

const tpi_provider_stats_t *drig_stats(void) { return tpi_provider_stats(drig->provider); }
