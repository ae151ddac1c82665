/*
 * The four streams of a supervisor, on one in-memory bus. The first byte chooses the configuration (ranges or none, leases or none, channels), the
 * rest is a list of records: a byte says what, the next two with how many bytes, then the bytes.
 *   0 control   1 announce   2 metadata   3 QoS: a message as it is
 *   4 announce, stamped with the time of now, so that it counts
 *   5 the clock moves by (first two bytes) ms
 *   6 leases: one client id a byte has one, all others have none
 *   7 a hello of ours: client id, wished ids (first three bytes), channels by the fourth
 * Whatever comes, nothing but ConsumerConfig leaves the supervisor, every answer decodes, no stream is private to two, tables stay within their
 * limits, and in the end everything is forgotten.
 */
#include <stdio.h>

#include "codec/codec_wire.h"
#include "fuzz_wires.h"
#include "supervisor/supervisor_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHANNEL "aeron:ipc?term-length=4m"
#define CAPACITY 8

static const int32_t streams[] = { 1000, 1001, 1300, 1200 };

typedef struct rig
{
    wires_t wires;
    tpi_subscription_t *listener;
    tpi_supervisor_t *supervisor;
    int64_t now_ns;
    uint8_t leases[32];
    size_t lease_count;
    bool has_ranges;
}
rig_t;

static rig_t rig;
static int64_t realtime(void) { return rig.now_ns; }

static bool has_lease(void *clientd, uint32_t stream_id, uint32_t client_id)
{
    (void)clientd;
    (void)stream_id;
    for (size_t i = 0; i < rig.lease_count; i++)
    {
        if (rig.leases[i] == client_id) { return true; }
    }
    return false;
}

static void on_message(void *clientd, const tpi_message_t *message)
{
    tpc_consumer_config_t config;
    (void)clientd;
    if (message->session_id == tpi_publication_session_id(rig.wires.publications[0])) { return; }
    if (TPC_OK != tpc_consumer_config_decode(&config, message->data, message->length)) { abort(); }
    if ((0 == config.descriptor_stream_id) != (0 == config.descriptor_channel.length)) { abort(); }
    if ((0 == config.control_stream_id) != (0 == config.control_channel.length)) { abort(); }
    if (config.use_shm > 1 || (TP_MODE_STREAM != config.mode && TP_MODE_RATE_LIMITED != config.mode)) { abort(); }
}

typedef struct owned { uint32_t ids[2 * CAPACITY]; size_t count; } owned_t;

static void own(owned_t *owned, uint32_t id)
{
    static const uint32_t reserved[] = { 1000, 1001, 1300, 1200, 1100 };
    if (0 == id) { return; }
    for (size_t i = 0; i < 5; i++) { if (id == reserved[i]) { abort(); } }
    for (size_t i = 0; i < owned->count; i++) { if (id == owned->ids[i]) { abort(); } }
    owned->ids[owned->count++] = id;
}

static void on_consumer(void *clientd, const tp_supervisor_consumer_t *consumer)
{
    own(clientd, consumer->descriptor_stream_id);
    own(clientd, consumer->control_stream_id);
    if (rig.has_ranges && 0 != consumer->descriptor_stream_id && consumer->descriptor_stream_id - 31000 > 3) { abort(); }
    if (!consumer->has_lease && 0 != consumer->descriptor_stream_id) { abort(); }
}

static void step(int64_t ns)
{
    rig.now_ns += ns;
    for (int i = 0; i < 3; i++)
    {
        if (tpi_supervisor_do_work(rig.supervisor, rig.now_ns) < 0) { abort(); }
        (void)tpi_bus_do_work(rig.wires.outside, rig.now_ns);
        while (tpi_subscription_poll(rig.listener, on_message, NULL, 64) > 0) { }
    }
    owned_t owned = { .count = 0 };
    if (tpi_supervisor_foreach_consumer(rig.supervisor, on_consumer, &owned) > CAPACITY) { abort(); }
}

static void open_rig(uint8_t choice)
{
    tp_supervisor_config_t config;
    const tpi_supervisor_options_t options = { .instance_token = 1, .realtime_ns = realtime };
    memset(&rig, 0, sizeof(rig));
    rig.now_ns = 1000000 * MS;
    rig.has_ranges = 0 != (choice & 1);
    tp_supervisor_config_init(&config);
    config.consumer_capacity = CAPACITY;
    config.stream_capacity = 4;
    config.per_consumer_enabled = true;
    config.allowed_base_dir_count = 0;
    if (rig.has_ranges)
    {
        config.per_consumer_descriptor_base = 31000;
        config.per_consumer_descriptor_range = 4;
        config.per_consumer_control_base = 32000;
        config.per_consumer_control_range = 4;
    }
    if (0 != (choice & 2)) { (void)snprintf(config.per_consumer_control_channel, TP_CONFIG_CHANNEL_MAX, "aeron:ipc"); }
    wires_open(&rig.wires);
    if (tpi_supervisor_create(&rig.supervisor, &config, rig.wires.bus, &options) < 0) { abort(); }
    if (0 != (choice & 4))
    {
        const tp_supervisor_hooks_t hooks = { .size = sizeof(hooks), .has_lease = has_lease };
        tpi_supervisor_set_hooks(rig.supervisor, &hooks);
    }
    wires_connect(&rig.wires, CHANNEL, streams, rig.now_ns);
    rig.listener = wires_listen(&rig.wires, CHANNEL, 1000, rig.now_ns);
    step(0);
    if (0 == (choice & 8)) { step(1001 * MS); }                /* past the grace of 4.2 */
    tp_supervisor_config_fini(&config);
}

static void say_hello(const uint8_t *data, size_t length)
{
    static const char *const channels[] = { "", "aeron:ipc", "aeron:ipc?a=b", "aeron:udp?endpoint=h:1" };
    uint8_t buffer[256];
    tpc_consumer_hello_t hello = TPC_CONSUMER_HELLO_INIT;
    if (length < 4) { return; }
    hello.stream_id = 10000 + data[0] / 64;
    hello.consumer_id = data[0] % 64;
    hello.supports_shm = 1;
    hello.descriptor_stream_id = rig.has_ranges ? 30998u + data[1] : 998u + data[1];
    hello.control_stream_id = rig.has_ranges ? 31998u + data[2] : 998u + data[2];
    hello.descriptor_channel = tpc_bytes(channels[data[3] & 3]);
    hello.control_channel = tpc_bytes(channels[data[3] >> 2 & 3]);
    (void)tpi_publication_offer(rig.wires.publications[0], buffer, (size_t)tpc_consumer_hello_encode(buffer, sizeof(buffer), &hello));
}

static void carry_out(uint8_t what, const uint8_t *data, size_t length)
{
    uint8_t copy[4096];
    if (length > sizeof(copy)) { length = sizeof(copy); }
    if (length > 0) { memcpy(copy, data, length); }
    switch (what % 8)
    {
        case 4: wires_send_stamped(&rig.wires, copy, length, rig.now_ns); break;
        case 5: step((length > 1 ? copy[0] + 256 * copy[1] : 100) * MS); break;
        case 6:
            rig.lease_count = length < sizeof(rig.leases) ? length : sizeof(rig.leases);
            memcpy(rig.leases, copy, rig.lease_count);
            break;
        case 7: say_hello(copy, length); break;
        default: (void)tpi_publication_offer(rig.wires.publications[what % 8], copy, length); break;
    }
    step(101 * MS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tp_supervisor_stats_t stats;
    if (size < 1) { return 0; }
    open_rig(data[0]);
    size_t at = 1;
    for (int i = 0; i < RECORDS_MAX && at + 3 <= size; i++)
    {
        size_t length = (size_t)data[at + 1] + 256u * data[at + 2];
        if (length > size - at - 3) { length = size - at - 3; }
        carry_out(data[at], data + at + 3, length);
        at += 3 + length;
    }
    char *const json = tpi_supervisor_json(rig.supervisor, rig.now_ns);
    if (NULL == json) { abort(); }
    tp_supervisor_json_free(json);
    for (int i = 0; i < 70; i++) { step(1000 * MS); }
    tpi_supervisor_stats(rig.supervisor, &stats);
    if (0 != stats.consumers + stats.streams + stats.producers + stats.conditions) { abort(); }
    tpi_supervisor_delete(rig.supervisor);
    wires_close(&rig.wires);
    return 0;
}
