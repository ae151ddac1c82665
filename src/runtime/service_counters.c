#include "runtime/service_counters.h"

#include <string.h>

#include <utlist.h>

#include "common/alloc.h"
#include "common/err.h"
#include "common/log.h"
#include "runtime/tp_counters.h"

struct tpi_service_counters
{
    tpi_bus_t *bus;
    size_t count;
    size_t max;
    tpi_shown_t *all;                  /* those that are closing, too */
    size_t all_count;
    bool is_dirty;                     /* some are to be added or closed */
    uint64_t failed;
    tpi_shown_t *life;
    tpi_shown_t *stats[255];
};

/* ---- one counter ----------------------------------------------------------------------------------------------------------- */

tpi_shown_t *tpi_shown_add(tpi_service_counters_t *counters, int32_t type_id, const char *label, int64_t value)
{
    tpi_shown_t *const shown = counters->all_count < counters->max ? tpi_alloc(sizeof(*shown)) : NULL;
    if (NULL != shown) { shown->label = tpi_strdup(label); }
    if (NULL == shown || NULL == shown->label)
    {
        counters->failed++;
        tpi_free(shown);
        return NULL;
    }
    shown->type_id = type_id;
    shown->value = value;
    DL_APPEND(counters->all, shown);
    counters->all_count++;
    counters->is_dirty = true;
    return shown;
}

void tpi_shown_set(tpi_shown_t *shown, int64_t value)
{
    if (NULL == shown || shown->value == value) { return; }
    shown->value = value;
    tpi_counter_set(shown->counter, value);
}

void tpi_shown_close(tpi_service_counters_t *counters, tpi_shown_t *shown)
{
    if (NULL == shown) { return; }
    shown->closing = true;
    counters->is_dirty = true;
}

static void miss(tpi_service_counters_t *counters, tpi_shown_t *shown)
{
    if (0 == counters->failed++) { tpi_log_err(TP_LOG_WARN); }
    tpi_free(shown->label);
    shown->label = NULL;
    shown->async = NULL;
}

static void end(tpi_service_counters_t *counters, tpi_shown_t *shown)
{
    tpi_counter_close(shown->counter);
    tpi_free(shown->label);
    DL_DELETE(counters->all, shown);       /* NOLINT(clang-analyzer-core.NullDereference): only the tail has no next, and head->prev is the tail */
    counters->all_count--;
    tpi_free(shown);
}

/* Moves one counter on. false: nothing is left to be done for it. */
static bool step(tpi_service_counters_t *counters, tpi_shown_t *shown)
{
    if (NULL != shown->async)
    {
        const int rc = tpi_bus_add_counter_poll(shown->async, &shown->counter);
        if (0 == rc) { return true; }
        if (rc < 0) { miss(counters, shown); }
        shown->async = NULL;
        tpi_counter_set(shown->counter, shown->value);
    }
    if (shown->closing)
    {
        end(counters, shown);
        return false;
    }
    if (NULL == shown->label) { return false; }
    if (tpi_bus_add_counter(counters->bus, &shown->async, shown->type_id, shown->key, shown->key_length, shown->label) < 0)
    {
        miss(counters, shown);
        return false;
    }
    tpi_free(shown->label);
    shown->label = NULL;
    return true;
}

static void step_all(tpi_service_counters_t *counters)
{
    tpi_shown_t *shown = NULL;
    tpi_shown_t *next = NULL;
    if (!counters->is_dirty) { return; }
    counters->is_dirty = false;
    DL_FOREACH_SAFE(counters->all, shown, next)
    {
        if (step(counters, shown)) { counters->is_dirty = true; }
    }
}

/* ---- those of every service ------------------------------------------------------------------------------------------------ */

static void add_life(tpi_service_counters_t *counters, const tpi_service_counters_config_t *config)
{
    const tpi_counter_key_driver_t key = { config->token, config->pid };
    counters->life = tpi_shown_add(counters, config->life_type_id, config->life_label, 0);
    if (NULL != counters->life) { counters->life->key_length = tpi_counter_key_driver_put(counters->life->key, &key); }
}

static void add_stat(tpi_service_counters_t *counters, const tpi_service_counters_config_t *config, size_t i)
{
    char label[TPI_COUNTER_LABEL_MAX];
    (void)tpi_label_init(label, sizeof(label), config->stat_kind);
    (void)tpi_label_add(label, sizeof(label), "name", config->names[i]);
    if (NULL != config->instance) { (void)tpi_label_add(label, sizeof(label), "instance", config->instance); }
    else { (void)tpi_label_add_u64(label, sizeof(label), "pid", config->pid); }
    tpi_shown_t *const shown = tpi_shown_add(counters, config->stat_type_id, label, 0);
    counters->stats[i] = shown;
    if (NULL == shown) { return; }
    memcpy(shown->key, &config->token, 8);
    shown->key[8] = (uint8_t)i;
    shown->key_length = 9;
}

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
    made->count = config->count;
    made->max = 0 != config->max ? config->max : config->count + 1;
    add_life(made, config);
    for (size_t i = 0; i < config->count; i++) { add_stat(made, config, i); }
    *counters = made;
    return 0;
}

void tpi_service_counters_tick(tpi_service_counters_t *counters, const uint64_t *values, int64_t now_ns)
{
    step_all(counters);
    tpi_shown_set(counters->life, now_ns);
    for (size_t i = 0; i < counters->count; i++) { tpi_shown_set(counters->stats[i], (int64_t)values[i]); }
}

bool tpi_service_counters_are_settled(const tpi_service_counters_t *counters) { return !counters->is_dirty; }

uint64_t tpi_service_counters_failed(const tpi_service_counters_t *counters) { return counters->failed; }

void tpi_service_counters_delete(tpi_service_counters_t *counters)
{
    if (NULL == counters) { return; }
    while (NULL != counters->all)
    {
        tpi_bus_async_cancel(counters->all->async);
        end(counters, counters->all);
    }
    tpi_free(counters);
}
