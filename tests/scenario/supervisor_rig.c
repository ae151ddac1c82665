/* See supervisor_rig.h. */
#include "supervisor_rig.h"

#include <stdlib.h>

#define CHANNEL "aeron:ipc?term-length=4m"

rig_t *rig;

static const int32_t streams[4] = { RIG_CONTROL, RIG_ANNOUNCE, RIG_METADATA, RIG_QOS };

static void on_tap_control(void *clientd, const tpi_message_t *message)
{
    (void)clientd;
    tpc_header_t header;
    if (message->session_id == rig->session_id) { return; }
    rig->foreign++;
    const bool has_header = TPC_OK == tpc_header_decode(&header, message->data, message->length);
    if (!has_header || TPC_WIRE_SCHEMA != header.schema_id || TPC_CONSUMER_CONFIG != header.template_id)
    {
        rig->foreign_not_config++;
        return;
    }
    assert_true(rig->config_count < RIG_CONFIGS_MAX && message->length <= sizeof(rig->configs[0].data));
    rig_config_t *const kept = &rig->configs[rig->config_count++];
    kept->length = message->length;
    memcpy(kept->data, message->data, message->length);
    assert_int_equal(tpc_consumer_config_decode(&kept->config, kept->data, kept->length), TPC_OK);
}

static void on_tap_other(void *clientd, const tpi_message_t *message)
{
    const tpi_publication_t *const peer = rig->publications[*(const int *)clientd];
    if (message->session_id != tpi_publication_session_id(peer)) { rig->foreign_elsewhere++; }
}

static int64_t realtime(void) { return rig->now_ns + 5 * SECOND; }     /* another clock */

static void open_peer(void)
{
    tpi_bus_async_t *asyncs[4];
    tpi_bus_async_t *sub = NULL;
    const tpi_subscription_config_t config = { .channel = CHANNEL, .stream_id = RIG_CONTROL };
    assert_int_equal(tpi_bus_mem_open(&rig->peer, rig->network), 0);
    for (int i = 0; i < 4; i++) { assert_int_equal(tpi_bus_add_publication(rig->peer, &asyncs[i], CHANNEL, streams[i]), 0); }
    assert_int_equal(tpi_bus_add_subscription(rig->peer, &sub, &config), 0);
    assert_true(tpi_bus_do_work(rig->peer, rig->now_ns) >= 0);
    for (int i = 0; i < 4; i++) { assert_int_equal(tpi_bus_add_publication_poll(asyncs[i], &rig->publications[i]), 1); }
    assert_int_equal(tpi_bus_add_subscription_poll(sub, &rig->control), 1);
    rig->session_id = tpi_publication_session_id(rig->publications[0]);
}

int rig_setup(void **state)
{
    static const int roles[4] = { 0, 1, 2, 3 };
    (void)state;
    rig = calloc(1, sizeof(*rig));
    assert_non_null(rig);
    rig->now_ns = 1000000 * MS;
    rig->options.realtime_ns = realtime;
    rig->options.instance_token = 77;
    rig->hooks.size = sizeof(rig->hooks);
    tp_supervisor_config_init(&rig->config);
    rig->config.allowed_base_dir_count = 0;
    assert_int_equal(tpi_mem_network_create(&rig->network), 0);
    for (int i = 0; i < 4; i++) { tpi_mem_network_set_window(rig->network, streams[i], 16384); }
    open_peer();
    tpi_mem_network_tap(rig->network, RIG_CONTROL, on_tap_control, NULL);
    for (int i = 1; i < 4; i++) { tpi_mem_network_tap(rig->network, streams[i], on_tap_other, (void *)(uintptr_t)&roles[i]); }
    return 0;
}

int rig_teardown(void **state)
{
    (void)state;
    rig_stop();
    tpi_bus_close(rig->peer);
    tpi_mem_network_delete(rig->network);
    tp_supervisor_config_fini(&rig->config);
    free(rig);
    rig = NULL;
    return 0;
}

static void ignore(void *clientd, const tpi_message_t *message)
{
    (void)clientd;
    (void)message;
}

void rig_step(int64_t ns)
{
    rig->now_ns += ns;
    for (int i = 0; i < 3; i++)
    {
        if (NULL != rig->supervisor) { assert_true(tpi_supervisor_do_work(rig->supervisor, rig->now_ns) >= 0); }
        assert_true(tpi_bus_do_work(rig->peer, rig->now_ns) >= 0);
        while (tpi_subscription_poll(rig->control, ignore, NULL, 256) > 0) { }
    }
}

void rig_start_early(void)
{
    assert_int_equal(tpi_bus_mem_open(&rig->bus, rig->network), 0);
    if (tpi_supervisor_create(&rig->supervisor, &rig->config, rig->bus, &rig->options) < 0) { fail_msg("supervisor does not start: %s",
        tp_errmsg()); }
    tpi_supervisor_set_hooks(rig->supervisor, &rig->hooks);
    rig_step(0);
    assert_int_equal(tpi_supervisor_is_ready(rig->supervisor), 1);
}

void rig_start(void)
{
    rig_start_early();
    rig_step(TPI_SUPERVISOR_INTERVAL_NS + 1);
}

void rig_stop(void)
{
    tpi_supervisor_delete(rig->supervisor);
    rig->supervisor = NULL;
    tpi_bus_close(rig->bus);
    rig->bus = NULL;
}

/* ---- messages -------------------------------------------------------------------------------------------------------------- */

tpc_consumer_hello_t rig_hello(uint32_t consumer_id)
{
    tpc_consumer_hello_t hello = TPC_CONSUMER_HELLO_INIT;
    hello.stream_id = RIG_STREAM;
    hello.consumer_id = consumer_id;
    hello.supports_shm = 1;
    hello.mode = TP_MODE_STREAM;
    return hello;
}

tpc_consumer_hello_t rig_asking(uint32_t consumer_id, uint32_t descriptor_id, uint32_t control_id)
{
    tpc_consumer_hello_t hello = rig_hello(consumer_id);
    hello.descriptor_stream_id = descriptor_id;
    hello.control_stream_id = control_id;
    if (0 != descriptor_id) { hello.descriptor_channel = tpc_bytes("aeron:ipc"); }
    if (0 != control_id) { hello.control_channel = tpc_bytes("aeron:ipc"); }
    return hello;
}

void rig_send(int role, const uint8_t *data, size_t length) { assert_true(tpi_publication_offer(rig->publications[role], data, length) > 0); }

void rig_send_hello(const tpc_consumer_hello_t *hello)
{
    uint8_t buffer[4096];
    const int64_t n = tpc_consumer_hello_encode(buffer, sizeof(buffer), hello);
    assert_true(n > 0);
    rig_send(0, buffer, (size_t)n);
}

tpc_consumer_config_t rig_ask(const tpc_consumer_hello_t *hello)
{
    const size_t before = rig->config_count;
    rig_send_hello(hello);
    rig_step(MS);
    assert_int_equal(rig->config_count, before + 1);
    return rig->configs[before].config;
}

void rig_send_qos(uint32_t stream_id, uint32_t consumer_id, uint64_t last_seq, uint64_t drops_gap)
{
    uint8_t buffer[128];
    tpc_qos_consumer_t qos = TPC_QOS_CONSUMER_INIT;
    qos.stream_id = stream_id;
    qos.consumer_id = consumer_id;
    qos.epoch = 1;
    qos.last_seq_seen = last_seq;
    qos.drops_gap = drops_gap;
    const int64_t n = tpc_qos_consumer_encode(buffer, sizeof(buffer), &qos);
    assert_true(n > 0);
    rig_send(3, buffer, (size_t)n);
}

void rig_send_producer(uint32_t stream_id, uint32_t producer_id, uint64_t seq)
{
    uint8_t buffer[128];
    tpc_qos_producer_t qos = TPC_QOS_PRODUCER_INIT;
    qos.stream_id = stream_id;
    qos.producer_id = producer_id;
    qos.epoch = 1;
    qos.current_seq = seq;
    const int64_t n = tpc_qos_producer_encode(buffer, sizeof(buffer), &qos);
    assert_true(n > 0);
    rig_send(3, buffer, (size_t)n);
}

tpc_pool_announce_t rig_announce(uint32_t stream_id, uint64_t epoch)
{
    tpc_pool_announce_t announce = TPC_POOL_ANNOUNCE_INIT;
    announce.stream_id = stream_id;
    announce.producer_id = 5;
    announce.epoch = epoch;
    announce.announce_timestamp_ns = (uint64_t)rig->now_ns;
    announce.header_nslots = 8;
    announce.pool_count = 1;
    announce.pools[0] = (tpc_pool_entry_t){ .pool_id = 1, .pool_nslots = 8, .stride_bytes = 4096,
        .region_uri = tpc_bytes("shm:file?path=/nowhere/1") };
    announce.header_region_uri = tpc_bytes("shm:file?path=/nowhere/header");
    return announce;
}

void rig_send_announce(const tpc_pool_announce_t *announce)
{
    uint8_t buffer[8192];
    const int64_t n = tpc_pool_announce_encode(buffer, sizeof(buffer), announce);
    assert_true(n > 0);
    rig_send(1, buffer, (size_t)n);
}

/* ---- looking --------------------------------------------------------------------------------------------------------------- */

tp_supervisor_stats_t rig_stats(void)
{
    tp_supervisor_stats_t stats;
    tpi_supervisor_stats(rig->supervisor, &stats);
    return stats;
}

typedef struct wanted { uint32_t kind, stream_id, client_id; bool is_there; } wanted_t;

static void on_condition(void *clientd, const tp_supervisor_condition_t *condition)
{
    wanted_t *const wanted = clientd;
    if (condition->kind == wanted->kind && condition->stream_id == wanted->stream_id && condition->client_id == wanted->client_id)
    {
        wanted->is_there = true;
    }
}

bool rig_has(uint32_t kind, uint32_t stream_id, uint32_t client_id)
{
    wanted_t wanted = { kind, stream_id, client_id, false };
    (void)tpi_supervisor_foreach_condition(rig->supervisor, on_condition, &wanted);
    return wanted.is_there;
}
