/* See service_counters.h. Number 0 is the sign of life, number i + 1 the i-th count. */
#include "runtime/service_counters.h"

#include <string.h>

#include "common/alloc.h"
#include "common/err.h"
#include "common/log.h"
#include "runtime/tp_counters.h"

typedef struct entry
{
    tpi_bus_async_t *async;
    tpi_counter_t *counter;
    int64_t value;
}
entry_t;

struct tpi_service_counters
{
    tpi_bus_t *bus;
    tpi_service_counters_config_t config;
    char *life_label;
    size_t started;                    /* entries whose addition was begun */
    size_t pending;
    uint64_t failed;
    entry_t entries[256];
};

int tpi_service_counters_create(tpi_service_counters_t **counters, tpi_bus_t *bus, const tpi_service_counters_config_t *config)
{
    if (config->count > 255)
    {
        TPI_SET_ERR(TP_EINVAL, "counters of a service = %zu, at most 255", config->count);
        return -1;
    }
    tpi_service_counters_t *const made = tpi_alloc(sizeof(*made));
    if (NULL == made) { return -1; }
    made->bus = bus;
    made->config = *config;
    made->life_label = tpi_strdup(config->life_label);
    if (NULL == made->life_label)
    {
        tpi_free(made);
        return -1;
    }
    *counters = made;
    return 0;
}

static void note_failure(tpi_service_counters_t *counters)
{
    if (0 == counters->failed++) { tpi_log_err(TP_LOG_WARN); }
}

static int add(tpi_service_counters_t *counters, size_t i)
{
    uint8_t key[TPI_COUNTER_KEY_MAX];
    char label[TPI_COUNTER_LABEL_MAX];
    tpi_bus_async_t **const async = &counters->entries[i].async;
    if (0 == i)
    {
        const tpi_counter_key_driver_t life = { counters->config.token, counters->config.pid };
        const size_t length = tpi_counter_key_driver_put(key, &life);
        return tpi_bus_add_counter(counters->bus, async, counters->config.life_type_id, key, length, counters->life_label);
    }
    (void)tpi_label_init(label, sizeof(label), counters->config.stat_kind);
    (void)tpi_label_add(label, sizeof(label), "name", counters->config.names[i - 1]);
    (void)tpi_label_add_u64(label, sizeof(label), "pid", counters->config.pid);
    memcpy(key, &counters->config.token, 8);
    key[8] = (uint8_t)(i - 1);
    return tpi_bus_add_counter(counters->bus, async, counters->config.stat_type_id, key, 9, label);
}

static void start_all(tpi_service_counters_t *counters)
{
    while (counters->started <= counters->config.count)
    {
        if (add(counters, counters->started) < 0) { note_failure(counters); }
        else { counters->pending++; }
        counters->started++;
    }
}

static void poll_all(tpi_service_counters_t *counters)
{
    for (size_t i = 0; i < counters->started; i++)
    {
        entry_t *const entry = &counters->entries[i];
        if (NULL == entry->async) { continue; }
        const int rc = tpi_bus_add_counter_poll(entry->async, &entry->counter);
        if (0 == rc) { continue; }
        entry->async = NULL;
        counters->pending--;
        if (rc < 0) { note_failure(counters); }
        tpi_counter_set(entry->counter, entry->value);
    }
}

static void set(entry_t *entry, int64_t value)
{
    if (entry->value == value) { return; }
    entry->value = value;
    tpi_counter_set(entry->counter, value);
}

void tpi_service_counters_tick(tpi_service_counters_t *counters, const uint64_t *values, int64_t now_ns)
{
    start_all(counters);
    if (0 != counters->pending) { poll_all(counters); }
    set(&counters->entries[0], now_ns);
    for (size_t i = 0; i < counters->config.count; i++) { set(&counters->entries[i + 1], (int64_t)values[i]); }
}

uint64_t tpi_service_counters_failed(const tpi_service_counters_t *counters) { return counters->failed; }

void tpi_service_counters_delete(tpi_service_counters_t *counters)
{
    if (NULL == counters) { return; }
    for (size_t i = 0; i < counters->started; i++)
    {
        tpi_bus_async_cancel(counters->entries[i].async);
        tpi_counter_close(counters->entries[i].counter);
    }
    tpi_free(counters->life_label);
    tpi_free(counters);
}
