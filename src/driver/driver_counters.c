/*
 * The driver's facts as Aeron counters: readable by anybody who may read the media driver's files, also after the driver was killed. Labels hold what
 * never changes, values what does (docs/spec/95-local-extensions.md). A counter that cannot be had is counted and missed, never an error.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "driver/driver_state.h"

#define COUNTERS_MAX 2048              /* of the media driver's 8192: the rest is everybody else's */

static tpi_tracked_t *track(tpi_driver_t *driver, int32_t type_id, const char *label, int64_t value)
{
    tpi_tracked_t *const tracked = driver->counter_count < COUNTERS_MAX ? tpi_alloc(sizeof(*tracked)) : NULL;
    if (NULL == tracked)
    {
        driver->stats.counters_failed++;
        return NULL;
    }
    tracked->type_id = type_id;
    tracked->value = value;
    tracked->label = tpi_strdup(label);
    if (NULL == tracked->label)
    {
        tpi_free(tracked);
        return NULL;
    }
    DL_APPEND(driver->counters, tracked);
    driver->counter_count++;
    driver->counters_dirty = true;
    return tracked;
}

static void add_text(char *label, const char *key, const char *value) { (void)tpi_label_add(label, TPI_COUNTER_LABEL_MAX, key, value); }
static void add_number(char *label, const char *key, uint64_t value) { (void)tpi_label_add_u64(label, TPI_COUNTER_LABEL_MAX, key, value); }

void tpi_driver_counters_init(tpi_driver_t *driver)
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
    driver->own_counter = track(driver, TPI_COUNTER_DRIVER, label, 0);
    const tpi_counter_key_driver_t key = { driver->token, driver->pid };
    if (NULL != driver->own_counter) { driver->own_counter->key_length = tpi_counter_key_driver_put(driver->own_counter->key, &key); }
    for (size_t i = 0; i < TPI_DRIVER_STAT_COUNT; i++)
    {
        (void)tpi_label_init(label, sizeof(label), "tp-driver-stat");
        add_text(label, "name", names[i]);
        add_text(label, "instance", driver->config.instance_id);
        tpi_tracked_t *const tracked = track(driver, TPI_COUNTER_STAT, label, 0);
        driver->stat_counters[i] = tracked;
        if (NULL == tracked) { continue; }
        memcpy(tracked->key, &driver->token, 8);
        tracked->key[8] = (uint8_t)i;
        tracked->key_length = 9;
    }
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
    stream->counter = track(driver, TPI_COUNTER_STREAM, label, 0);
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
    record->counter = track(driver, TPI_COUNTER_LEASE, label, lease->last_keepalive_ns);
    const tpi_counter_key_lease_t key = { driver->token, lease->lease_id, lease->stream_id, lease->client_id, lease->role };
    if (NULL != record->counter) { record->counter->key_length = tpi_counter_key_lease_put(record->counter->key, &key); }
}

void tpi_tracked_set(tpi_tracked_t *tracked, int64_t value)
{
    if (NULL == tracked) { return; }
    tracked->value = value;
    tpi_counter_set(tracked->counter, value);
}

void tpi_tracked_close(tpi_driver_t *driver, tpi_tracked_t *tracked)
{
    if (NULL == tracked) { return; }
    tracked->closing = true;
    driver->counters_dirty = true;
}

static void failed(tpi_driver_t *driver, tpi_tracked_t *tracked)
{
    if (0 == driver->stats.counters_failed++) { tpi_log_err(TP_LOG_WARN); }
    tpi_free(tracked->label);
    tracked->label = NULL;
    tracked->async = NULL;
}

/* Moves one counter on. false: nothing is left to be done for it. */
static bool step(tpi_driver_t *driver, tpi_tracked_t *tracked)
{
    if (NULL != tracked->async)
    {
        const int rc = tpi_bus_add_counter_poll(tracked->async, &tracked->counter);
        if (0 == rc) { return true; }
        if (rc < 0) { failed(driver, tracked); }
        tracked->async = NULL;
        tpi_counter_set(tracked->counter, tracked->value);
    }
    if (tracked->closing)
    {
        tpi_counter_close(tracked->counter);
        tpi_free(tracked->label);
        DL_DELETE(driver->counters, tracked);
        driver->counter_count--;
        tpi_free(tracked);
        return false;
    }
    if (NULL == tracked->label) { return false; }
    if (tpi_bus_add_counter(driver->bus, &tracked->async, tracked->type_id, tracked->key, tracked->key_length, tracked->label) < 0)
    {
        failed(driver, tracked);
        return false;
    }
    tpi_free(tracked->label);
    tracked->label = NULL;
    return true;
}

void tpi_driver_counters_tick(tpi_driver_t *driver, int64_t now_ns)
{
    if (driver->counters_dirty)
    {
        tpi_tracked_t *tracked = NULL;
        tpi_tracked_t *next = NULL;
        driver->counters_dirty = false;
        DL_FOREACH_SAFE(driver->counters, tracked, next)
        {
            if (step(driver, tracked)) { driver->counters_dirty = true; }
        }
    }
    tpi_tracked_set(driver->own_counter, now_ns);              /* clients read it as sign of life */
    driver->stats.messages_malformed = tpi_dispatcher_counts(driver->dispatcher)->malformed;
    if (0 == memcmp(&driver->stats, &driver->published_stats, sizeof(driver->stats))) { return; }
    driver->published_stats = driver->stats;
    const uint64_t *const values = (const uint64_t *)(const void *)&driver->stats;
    for (size_t i = 0; i < TPI_DRIVER_STAT_COUNT; i++) { tpi_tracked_set(driver->stat_counters[i], (int64_t)values[i]); }
}

bool tpi_driver_counters_settle(tpi_driver_t *driver, int64_t now_ns)
{
    tpi_driver_counters_tick(driver, now_ns);
    return !driver->counters_dirty;
}

void tpi_driver_counters_fini(tpi_driver_t *driver)
{
    tpi_tracked_t *tracked = NULL;
    tpi_tracked_t *next = NULL;
    DL_FOREACH_SAFE(driver->counters, tracked, next)
    {
        if (NULL != tracked->async) { tpi_bus_async_cancel(tracked->async); }
        tpi_counter_close(tracked->counter);
        tpi_free(tracked->label);
        tpi_free(tracked);
    }
    driver->counters = NULL;
    driver->own_counter = NULL;
}
