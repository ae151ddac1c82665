/* The supervisor's facts as Aeron counters, and the facts clients publish the same way (docs/spec/95-local-extensions.md). */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/log.h"
#include "supervisor/supervisor_state.h"

#define SHOWN_MAX 512                  /* of the media driver's 8192 */

int tpi_supervisor_counters_init(tpi_supervisor_t *supervisor)
{
    static const char *const names[] = {
#define TPI_STAT(name) #name,
        TPI_SUPERVISOR_STATS(TPI_STAT)
#undef TPI_STAT
    };
    _Static_assert(sizeof(names) / sizeof(names[0]) == TPI_SUPERVISOR_STAT_COUNT, "TPI_SUPERVISOR_STATS and tp_supervisor_stats_t differ");
    char label[TPI_COUNTER_LABEL_MAX];
    const uint64_t pid = (uint64_t)getpid();
    (void)tpi_label_init(label, sizeof(label), "tp-supervisor");
    (void)tpi_label_add(label, sizeof(label), "instance", supervisor->config.instance_id);
    (void)tpi_label_add_u64(label, sizeof(label), "pid", pid);
    (void)tpi_label_add_u64(label, sizeof(label), "control_stream", supervisor->config.control_stream_id);
    const tpi_service_counters_config_t config = { .life_type_id = TPI_COUNTER_SUPERVISOR, .stat_type_id = TPI_COUNTER_SUPERVISOR_STAT,
        .life_label = label, .stat_kind = "tp-supervisor-stat", .instance = supervisor->config.instance_id, .token = supervisor->token, .pid = pid,
        .names = names, .count = TPI_SUPERVISOR_STAT_COUNT, .max = SHOWN_MAX };
    return tpi_service_counters_create(&supervisor->counters, supervisor->bus, &config);
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
    tpi_shown_t *const shown = tpi_shown_add(supervisor->counters, TPI_COUNTER_HEALTH, label, condition->value);
    const tpi_counter_key_health_t key = { supervisor->token, condition->key.stream_id, condition->key.client_id, (uint8_t)condition->key.kind };
    if (NULL != shown) { shown->key_length = tpi_counter_key_health_put(shown->key, &key); }
    return shown;
}

void tpi_supervisor_counters_tick(tpi_supervisor_t *supervisor)
{
    tp_supervisor_stats_t stats;
    tpi_supervisor_stats(supervisor, &stats);
    tpi_service_counters_tick(supervisor->counters, &stats.hellos, supervisor->now_ns);
    for (const tpi_condition_t *c = tpi_health_first(&supervisor->health); NULL != c; c = tpi_health_next(c)) { tpi_shown_set(c->clientd, c->value); }
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
