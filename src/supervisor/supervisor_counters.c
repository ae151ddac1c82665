/*
 * The supervisor's facts as Aeron counters, and the facts clients publish the same way (docs/spec/95-local-extensions.md). Labels hold what never
 * changes, values what does. A counter that cannot be had is counted and missed, never an error.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "common/alloc.h"
#include "common/log.h"
#include "supervisor/supervisor_state.h"

#define SHOWN_MAX 512                  /* of the media driver's 8192 */

static tpi_shown_t *show(tpi_supervisor_t *supervisor, int32_t type_id, const char *label, int64_t value)
{
    tpi_shown_t *const shown = supervisor->shown_count < SHOWN_MAX ? tpi_alloc(sizeof(*shown)) : NULL;
    if (NULL != shown) { shown->label = tpi_strdup(label); }
    if (NULL == shown || NULL == shown->label)
    {
        supervisor->stats.limits++;
        tpi_free(shown);
        return NULL;
    }
    shown->type_id = type_id;
    shown->value = value;
    DL_APPEND(supervisor->shown, shown);
    supervisor->shown_count++;
    supervisor->shown_dirty = true;
    return shown;
}

void tpi_supervisor_counters_init(tpi_supervisor_t *supervisor)
{
    static const char *const names[] = {
#define TPI_STAT(name) #name,
        TPI_SUPERVISOR_STATS(TPI_STAT)
#undef TPI_STAT
    };
    _Static_assert(sizeof(names) / sizeof(names[0]) == TPI_SUPERVISOR_STAT_COUNT, "TPI_SUPERVISOR_STATS and tp_supervisor_stats_t differ");
    char label[TPI_COUNTER_LABEL_MAX];
    (void)tpi_label_init(label, sizeof(label), "tp-supervisor");
    (void)tpi_label_add(label, sizeof(label), "instance", supervisor->config.instance_id);
    (void)tpi_label_add_u64(label, sizeof(label), "pid", (uint64_t)getpid());
    (void)tpi_label_add_u64(label, sizeof(label), "control_stream", supervisor->config.control_stream_id);
    supervisor->own_counter = show(supervisor, TPI_COUNTER_SUPERVISOR, label, 0);
    const tpi_counter_key_driver_t key = { supervisor->token, (uint64_t)getpid() };
    if (NULL != supervisor->own_counter) { supervisor->own_counter->key_length = tpi_counter_key_driver_put(supervisor->own_counter->key, &key); }
    for (size_t i = 0; i < TPI_SUPERVISOR_STAT_COUNT; i++)
    {
        (void)tpi_label_init(label, sizeof(label), "tp-supervisor-stat");
        (void)tpi_label_add(label, sizeof(label), "name", names[i]);
        (void)tpi_label_add(label, sizeof(label), "instance", supervisor->config.instance_id);
        tpi_shown_t *const shown = show(supervisor, TPI_COUNTER_SUPERVISOR_STAT, label, 0);
        supervisor->stat_counters[i] = shown;
        if (NULL == shown) { continue; }
        memcpy(shown->key, &supervisor->token, 8);
        shown->key[8] = (uint8_t)i;
        shown->key_length = 9;
    }
}

tpi_shown_t *tpi_supervisor_show_condition(tpi_supervisor_t *supervisor, const tpi_condition_t *condition)
{
    char label[TPI_COUNTER_LABEL_MAX];
    const char *const name = tpi_supervisor_client_name(supervisor, condition->key.stream_id, condition->key.client_id);
    (void)tpi_label_init(label, sizeof(label), "tp-health");
    (void)tpi_label_add(label, sizeof(label), "kind", tp_health_kind_name(condition->key.kind));
    (void)tpi_label_add_u64(label, sizeof(label), "stream", condition->key.stream_id);
    (void)tpi_label_add_u64(label, sizeof(label), "client", condition->key.client_id);
    (void)tpi_label_add_u64(label, sizeof(label), "since_ns", (uint64_t)condition->since_ns);
    (void)tpi_label_add_u64(label, sizeof(label), "bound", (uint64_t)condition->bound);
    if (NULL != name) { (void)tpi_label_add(label, sizeof(label), "name", name); }
    tpi_shown_t *const shown = show(supervisor, TPI_COUNTER_HEALTH, label, condition->value);
    const tpi_counter_key_health_t key = { supervisor->token, condition->key.stream_id, condition->key.client_id, (uint8_t)condition->key.kind };
    if (NULL != shown) { shown->key_length = tpi_counter_key_health_put(shown->key, &key); }
    return shown;
}

void tpi_shown_set(tpi_shown_t *shown, int64_t value)
{
    if (NULL == shown) { return; }
    shown->value = value;
    tpi_counter_set(shown->counter, value);
}

void tpi_shown_close(tpi_supervisor_t *supervisor, tpi_shown_t *shown)
{
    if (NULL == shown) { return; }
    shown->closing = true;
    supervisor->shown_dirty = true;
}

static void failed(tpi_supervisor_t *supervisor, tpi_shown_t *shown)
{
    supervisor->stats.limits++;
    if (tpi_supervisor_may_log(supervisor)) { tpi_log_err(TP_LOG_WARN); }
    tpi_free(shown->label);
    shown->label = NULL;
    shown->async = NULL;
}

static void end(tpi_supervisor_t *supervisor, tpi_shown_t *shown)
{
    tpi_counter_close(shown->counter);
    tpi_free(shown->label);
    DL_DELETE(supervisor->shown, shown);
    supervisor->shown_count--;
    tpi_free(shown);
}

/* Moves one counter on. false: nothing is left to be done for it. */
static bool step(tpi_supervisor_t *supervisor, tpi_shown_t *shown)
{
    if (NULL != shown->async)
    {
        const int rc = tpi_bus_add_counter_poll(shown->async, &shown->counter);
        if (0 == rc) { return true; }
        if (rc < 0) { failed(supervisor, shown); }
        shown->async = NULL;
        tpi_counter_set(shown->counter, shown->value);
    }
    if (shown->closing)
    {
        end(supervisor, shown);
        return false;
    }
    if (NULL == shown->label) { return false; }
    if (tpi_bus_add_counter(supervisor->bus, &shown->async, shown->type_id, shown->key, shown->key_length, shown->label) < 0)
    {
        failed(supervisor, shown);
        return false;
    }
    tpi_free(shown->label);
    shown->label = NULL;
    return true;
}

static void step_all(tpi_supervisor_t *supervisor)
{
    tpi_shown_t *shown = NULL;
    tpi_shown_t *next = NULL;
    if (!supervisor->shown_dirty) { return; }
    supervisor->shown_dirty = false;
    DL_FOREACH_SAFE(supervisor->shown, shown, next)
    {
        if (step(supervisor, shown)) { supervisor->shown_dirty = true; }
    }
}

void tpi_supervisor_counters_tick(tpi_supervisor_t *supervisor)
{
    step_all(supervisor);
    tpi_shown_set(supervisor->own_counter, supervisor->now_ns);
    for (const tpi_condition_t *c = tpi_health_first(&supervisor->health); NULL != c; c = tpi_health_next(c)) { tpi_shown_set(c->clientd, c->value); }
    tp_supervisor_stats_t stats;
    tpi_supervisor_stats(supervisor, &stats);
    if (0 == memcmp(&stats, &supervisor->published, sizeof(stats))) { return; }
    supervisor->published = stats;
    const uint64_t *const values = &stats.hellos;
    for (size_t i = 0; i < TPI_SUPERVISOR_STAT_COUNT; i++) { tpi_shown_set(supervisor->stat_counters[i], (int64_t)values[i]); }
}

void tpi_supervisor_counters_fini(tpi_supervisor_t *supervisor)
{
    while (NULL != supervisor->shown)
    {
        if (NULL != supervisor->shown->async) { tpi_bus_async_cancel(supervisor->shown->async); }
        end(supervisor, supervisor->shown);
    }
}

/* ---- what clients publish -------------------------------------------------------------------------------------------------- */

static void set_name(tpi_supervised_t *record, const char *name)
{
    if ('\0' == name[0] || (NULL != record->name && 0 == strcmp(record->name, name))) { return; }
    char *const copy = tpi_strdup(name);
    if (NULL == copy) { return; }
    tpi_free(record->name);
    record->name = copy;
}

static void on_counter(void *clientd, const tpi_counter_view_t *counter)
{
    tpi_supervisor_t *const supervisor = clientd;
    tpi_counter_key_client_t key;
    if (TPI_COUNTER_CLIENT != counter->type_id || tpi_counter_key_client_get(&key, counter->key, counter->key_length) < 0) { return; }
    if (TP_ROLE_CONSUMER != key.role) { return; }
    tpi_supervised_t *const record = tpi_supervisor_registry_find(&supervisor->registry, key.stream_id, key.client_id);
    if (NULL == record) { return; }
    char name[TP_CONFIG_NAME_MAX];
    if (TPI_CLIENT_LATENCY_P99 == key.kind) { record->latency_ns = counter->value; }
    else if (TPI_CLIENT_FRAMES == key.kind && NULL == supervisor->hooks.client_name && tpi_label_get(counter->label, "name", name, sizeof(name)))
    {
        set_name(record, name);
    }
}

void tpi_supervisor_read_clients(tpi_supervisor_t *supervisor)
{
    const tp_supervisor_hooks_t *const hooks = &supervisor->hooks;
    (void)tpi_bus_counters(supervisor->bus, on_counter, supervisor);
    if (NULL == hooks->client_name) { return; }
    for (tpi_supervised_t *r = supervisor->registry.by_age; NULL != r; r = r->next)
    {
        char name[TP_CONFIG_NAME_MAX] = "";
        if (hooks->client_name(hooks->clientd, r->stream_id, r->consumer_id, name, sizeof(name))) { set_name(r, name); }
    }
}
