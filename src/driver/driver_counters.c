/* The driver's facts as Aeron counters (docs/spec/95-local-extensions.md). */
#include <inttypes.h>
#include <stdio.h>

#include "driver/driver_state.h"

#define COUNTERS_MAX 2048              /* of the media driver's 8192: the rest is everybody else's */

static void add_text(char *label, const char *key, const char *value) { (void)tpi_label_add(label, TPI_COUNTER_LABEL_MAX, key, value); }
static void add_number(char *label, const char *key, uint64_t value) { (void)tpi_label_add_u64(label, TPI_COUNTER_LABEL_MAX, key, value); }

int tpi_driver_counters_init(tpi_driver_t *driver)
{
    static const char *const names[] = {
#define TPI_STAT(name) #name,
        TPI_DRIVER_STATS(TPI_STAT)
#undef TPI_STAT
    };
    char label[TPI_COUNTER_LABEL_MAX];
    (void)tpi_label_init(label, sizeof(label), "tp-driver");
    add_text(label, "instance", driver->config.instance_id);
    add_number(label, "pid", driver->pid);
    add_text(label, "namespace", driver->config.shm_namespace);
    add_number(label, "announce_period_ms", driver->config.announce_period_ms);
    add_text(label, "base", driver->base_dir);
    const tpi_service_counters_config_t config = { .life_type_id = TPI_COUNTER_DRIVER, .stat_type_id = TPI_COUNTER_STAT, .life_label = label,
        .stat_kind = "tp-driver-stat", .instance = driver->config.instance_id, .token = driver->token, .pid = driver->pid, .names = names,
        .count = TPI_DRIVER_STAT_COUNT, .max = COUNTERS_MAX };
    return tpi_service_counters_create(&driver->counters, driver->bus, &config);
}

void tpi_driver_counter_stream(tpi_driver_t *driver, tpi_stream_t *stream)
{
    char label[TPI_COUNTER_LABEL_MAX];
    char dir[TP_CONFIG_PATH_MAX * 2];
    uint32_t largest = 0;
    for (uint32_t i = 0; i < stream->profile.pool_count; i++)
    {
        if (stream->profile.pools[i].stride_bytes > largest) { largest = stream->profile.pools[i].stride_bytes; }
    }
    (void)snprintf(dir, sizeof(dir), "%s/tensorpool-%s/%s/%" PRIu32, driver->base_dir, driver->user, driver->config.shm_namespace, stream->stream_id);
    (void)tpi_label_init(label, sizeof(label), "tp-stream");
    add_number(label, "stream", stream->stream_id);
    add_number(label, "nslots", stream->profile.header_nslots);
    add_number(label, "pools", stream->profile.pool_count);
    add_number(label, "max_stride", largest);
    add_text(label, "origin", stream->is_static ? "static" : "dynamic");
    add_text(label, "name", stream->name);
    add_text(label, "profile", stream->profile.name);
    add_text(label, "dir", dir);                               /* last: the one part that may not fit */
    stream->counter = tpi_shown_add(driver->counters, TPI_COUNTER_STREAM, label, 0);
    const tpi_counter_key_stream_t key = { driver->token, stream->stream_id };
    if (NULL != stream->counter) { stream->counter->key_length = tpi_counter_key_stream_put(stream->counter->key, &key); }
}

void tpi_driver_counter_lease(tpi_driver_t *driver, tpi_lease_record_t *record)
{
    char label[TPI_COUNTER_LABEL_MAX];
    const tpi_lease_t *const lease = &record->lease;
    (void)tpi_label_init(label, sizeof(label), "tp-lease");
    add_number(label, "stream", lease->stream_id);
    add_text(label, "role", TP_ROLE_PRODUCER == lease->role ? "producer" : "consumer");
    add_number(label, "client", lease->client_id);
    add_number(label, "node", lease->node_id);
    add_number(label, "epoch", lease->epoch);
    record->counter = tpi_shown_add(driver->counters, TPI_COUNTER_LEASE, label, lease->last_keepalive_ns);
    const tpi_counter_key_lease_t key = { driver->token, lease->lease_id, lease->stream_id, lease->client_id, lease->role };
    if (NULL != record->counter) { record->counter->key_length = tpi_counter_key_lease_put(record->counter->key, &key); }
}

void tpi_driver_counters_tick(tpi_driver_t *driver, int64_t now_ns)
{
    driver->stats.messages_malformed = tpi_dispatcher_counts(driver->dispatcher)->malformed;
    driver->stats.counters_failed = tpi_service_counters_failed(driver->counters);
    tpi_service_counters_tick(driver->counters, (const uint64_t *)(const void *)&driver->stats, now_ns);       /* clients read the sign of life */
}

bool tpi_driver_counters_settle(tpi_driver_t *driver, int64_t now_ns)
{
    tpi_driver_counters_tick(driver, now_ns);
    return tpi_service_counters_are_settled(driver->counters);
}
