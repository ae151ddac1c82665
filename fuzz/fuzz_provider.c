/*
 * The streams of a discovery provider: requests, announces and metadata on one in-memory bus, with two sources that share the metadata. The input is
 * a list of records: a byte says what, the next two with how many bytes, then the bytes.
 *   0 request endpoint   1, 2 announce endpoint of the first and second source   3 metadata endpoint: a message as it is
 *   4 announce endpoint of the first source, stamped with the time of now, so that it counts
 *   5 the clock moves by (first two bytes) ms   6 tags of stream 10000: one a byte   7 somebody listens, or not any more, at response stream id 7004
 * Whatever comes, no more than 32 publications are open and no more than the allowed channel is; every answer decodes, keeps the promises of
 * 30-discovery.md section 7.5, and in the end everything expires.
 */
#include <stdio.h>

#include "codec/codec_discovery.h"
#include "discovery/discovery_internal.h"
#include "fuzz_wires.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ANSWERS 7004

static const int32_t streams[] = { 7000, 1001, 2001, 1300 };

typedef struct rig
{
    wires_t wires;
    tpi_subscription_t *listener;
    tpi_provider_t *provider;
    int64_t now_ns;
}
rig_t;

static void put(char *target, size_t size, const char *text) { (void)snprintf(target, size, "%s", text); }

static void check_result(const tpc_discovery_result_t *result)
{
    tpc_pool_entry_t pool;
    tpc_walk_t pools = result->pool_walk;
    if (256 != result->header_slot_bytes || 8 != result->max_dims || 0 == result->pool_count || UINT64_MAX == result->epoch) { abort(); }
    if (0 == result->driver_control_stream_id || 0 == result->driver_control_channel.length) { abort(); }
    if (result->data_source_name.length > 256 || result->tag_count > 64) { abort(); }
    while (tpc_pools_next(&pools, &pool))
    {
        if (pool.pool_nslots != result->header_nslots || 0 == pool.region_uri.length) { abort(); }
    }
}

static void on_answer(void *clientd, const tpi_message_t *message)
{
    tpc_discovery_response_t response;
    tpc_discovery_result_t result;
    (void)clientd;
    if (TPC_OK != tpc_discovery_response_decode(&response, message->data, message->length)) { abort(); }
    if (response.error_message.length > 1024) { abort(); }
    if (TPC_DISCOVERY_OK != response.status && 0 != response.result_count) { abort(); }
    while (tpc_results_next(&response.result_walk, &result)) { check_result(&result); }
}

static void step(rig_t *rig, int64_t ns)
{
    rig->now_ns += ns;
    for (int i = 0; i < 3; i++)
    {
        if (tpi_provider_do_work(rig->provider, (tpi_mapping_now_t){ rig->now_ns, rig->now_ns }) < 0) { abort(); }
        (void)tpi_bus_do_work(rig->wires.outside, rig->now_ns);
        if (NULL != rig->listener) { (void)tpi_subscription_poll(rig->listener, on_answer, NULL, 64); }
    }
    const tpi_provider_stats_t *const stats = tpi_provider_stats(rig->provider);
    if (stats->publications > TPI_PROVIDER_PUBLICATIONS_MAX || stats->responses_waiting > RECORDS_MAX) { abort(); }
}

static void configure(tp_discovery_provider_config_t *config)
{
    tp_discovery_provider_config_init(config);
    put(config->request_channel, sizeof(config->request_channel), "aeron:ipc");
    config->request_stream_id = 7000;
    config->max_results = 8;
    for (uint32_t i = 0; i < 2; i++)
    {
        tp_discovery_source_config_t *const source = tp_discovery_provider_config_add_source(config);
        if (NULL == source) { abort(); }
        put(source->announce_channel, sizeof(source->announce_channel), "aeron:ipc");
        put(source->metadata_channel, sizeof(source->metadata_channel), "aeron:ipc");
        put(source->driver_instance_id, sizeof(source->driver_instance_id), 0 == i ? "drv-a" : "drv-b");
        put(source->driver_control_channel, sizeof(source->driver_control_channel), "aeron:ipc");
        source->announce_stream_id = (uint32_t)streams[1 + i];
        source->metadata_stream_id = 1300;
        source->driver_control_stream_id = 1000;
    }
}

static void toggle_listener(rig_t *rig)
{
    if (NULL != rig->listener)
    {
        tpi_subscription_close(rig->listener);
        rig->listener = NULL;
        return;
    }
    rig->listener = wires_listen(&rig->wires, "aeron:ipc", ANSWERS, rig->now_ns);
}

static void rig_open(rig_t *rig)
{
    const tpi_provider_options_t options = { .instance_token = 7 };
    tp_discovery_provider_config_t config;
    memset(rig, 0, sizeof(*rig));
    rig->now_ns = 1000000 * MS;
    configure(&config);
    wires_open(&rig->wires);
    if (tpi_provider_create(&rig->provider, &config, rig->wires.bus, &options) < 0) { abort(); }
    tp_discovery_provider_config_fini(&config);
    wires_connect(&rig->wires, "aeron:ipc", streams, rig->now_ns);
    toggle_listener(rig);
    step(rig, 0);
}

static void rig_close(rig_t *rig)
{
    tpi_provider_delete(rig->provider);
    wires_close(&rig->wires);
}

static void set_tags(rig_t *rig, const uint8_t *data, size_t length)
{
    tpc_bytes_t tags[80];
    uint32_t count = 0;
    for (size_t i = 0; i < length && count < 80; i++) { tags[count++] = (tpc_bytes_t){ (const char *)data + i, 1 }; }
    (void)tpi_provider_set_stream(rig->provider, 10000, length, tags, count);
}

static size_t record(rig_t *rig, const uint8_t *data, size_t size)
{
    if (size < 3) { return size; }
    const size_t wanted = (size_t)data[1] + 256u * (size_t)(data[2] % 32);
    const size_t length = wanted < size - 3 ? wanted : size - 3;
    const uint8_t *const bytes = data + 3;
    switch (data[0] % 8)
    {
        case 4: wires_send_stamped(&rig->wires, bytes, length, rig->now_ns); break;
        case 5: step(rig, length >= 2 ? (bytes[0] + 256 * bytes[1]) * MS : MS); break;
        case 6: set_tags(rig, bytes, length); break;
        case 7: toggle_listener(rig); break;
        default: (void)tpi_publication_offer(rig->wires.publications[data[0] % 8], bytes, length); break;
    }
    step(rig, 0);
    return 3 + length;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static rig_t rig;
    rig_open(&rig);
    for (int i = 0; i < RECORDS_MAX && size > 0; i++)
    {
        const size_t used = record(&rig, data, size);
        data += used;
        size -= used;
    }
    step(&rig, 3001 * MS);
    if (0 != tpi_provider_stats(rig.provider)->streams || 0 != tpi_provider_stats(rig.provider)->responses_waiting) { abort(); }
    step(&rig, TPI_PROVIDER_IDLE_NS + 1);
    if (0 != tpi_provider_stats(rig.provider)->publications) { abort(); }
    rig_close(&rig);
    return 0;
}
