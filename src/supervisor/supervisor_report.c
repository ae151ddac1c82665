/* What the supervisor knows, for whoever asks: numbers, consumers, one JSON object. Ids, epochs and absolute times are decimal strings there. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "common/clock.h"
#include "common/err.h"
#include "supervisor/supervisor_state.h"

void tpi_supervisor_stats(const tpi_supervisor_t *supervisor, tp_supervisor_stats_t *stats)
{
    *stats = supervisor->stats;
    stats->size = (uint32_t)sizeof(*stats);
    stats->consumers = (uint32_t)tpi_supervisor_registry_count(&supervisor->registry);
    stats->streams = HASH_COUNT(supervisor->watch.streams);
    stats->producers = HASH_COUNT(supervisor->watch.producers);
    stats->conditions = (uint32_t)tpi_health_count(&supervisor->health);
    stats->limits += supervisor->watch.refused + supervisor->health.refused + tpi_service_counters_failed(supervisor->counters);
    stats->malformed = supervisor->malformed;
    for (int role = 0; role < TPI_INLETS; role++)
    {
        if (supervisor->inlets[role].is_shared) { continue; }
        const tpi_dispatcher_counts_t *const counts = tpi_dispatcher_counts(supervisor->inlets[role].dispatcher);
        stats->malformed += counts->malformed + counts->newer_version;
    }
}

static void view_of(const tpi_supervised_t *record, tp_supervisor_consumer_t *view)
{
    memset(view, 0, sizeof(*view));
    view->size = (uint32_t)sizeof(*view);
    view->stream_id = record->stream_id;
    view->consumer_id = record->consumer_id;
    view->use_shm = 1 == record->answered_shm;
    view->mode = record->answered_mode;
    view->has_lease = record->has_lease;
    view->descriptor_stream_id = tpi_private_id(&record->owner, TPI_PRIVATE_DESCRIPTOR);
    view->control_stream_id = tpi_private_id(&record->owner, TPI_PRIVATE_CONTROL);
    view->max_rate_hz = record->max_rate_hz;
    view->last_heard_ns = record->heard_ns;
    view->epoch = record->epoch;
    view->last_seq_seen = record->last_seq_seen;
    view->drops_gap = record->drops_gap;
    view->drops_late = record->drops_late;
    (void)snprintf(view->name, sizeof(view->name), "%s", NULL == record->name ? "" : record->name);
}

int tpi_supervisor_foreach_consumer(const tpi_supervisor_t *supervisor, tp_supervisor_on_consumer_t handler, void *clientd)
{
    int count = 0;
    for (const tpi_supervised_t *r = supervisor->registry.by_key; NULL != r; r = r->hh.next)
    {
        tp_supervisor_consumer_t view;
        view_of(r, &view);
        handler(clientd, &view);
        count++;
    }
    return count;
}

/* ---- JSON: jansson refuses NULL everywhere, so one check at the end is enough ------------------------------------------------ */

static void put_id(json_t *object, const char *key, uint64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%" PRIu64, value);
    (void)json_object_set_new(object, key, json_string(text));
}

static void put_number(json_t *object, const char *key, int64_t value) { (void)json_object_set_new(object, key, json_integer((json_int_t)value)); }

/* Names come from other processes: what is no UTF-8 is left out. */
static void put_text(json_t *object, const char *key, const char *text)
{
    json_t *const value = json_string(text);
    (void)json_object_set_new(object, key, NULL == value ? json_string("") : value);
}

typedef struct list { json_t *array; int64_t now_ns; } list_t;

static void add_condition(void *clientd, const tp_supervisor_condition_t *condition)
{
    const list_t *const list = clientd;
    json_t *const object = json_object();
    put_text(object, "kind", tp_health_kind_name(condition->kind));
    put_id(object, "stream", condition->stream_id);
    put_id(object, "client", condition->client_id);
    put_text(object, "name", condition->client_name);
    put_number(object, "age_ns", list->now_ns - condition->since_ns);
    put_number(object, "value", condition->value);
    put_number(object, "bound", condition->bound);
    (void)json_array_append_new(list->array, object);
}

static void add_consumer(void *clientd, const tp_supervisor_consumer_t *consumer)
{
    const list_t *const list = clientd;
    json_t *const object = json_object();
    put_id(object, "stream", consumer->stream_id);
    put_id(object, "consumer", consumer->consumer_id);
    put_text(object, "name", consumer->name);
    (void)json_object_set_new(object, "use_shm", json_boolean(consumer->use_shm));
    put_text(object, "mode", TP_MODE_RATE_LIMITED == consumer->mode ? "rate_limited" : "stream");
    (void)json_object_set_new(object, "lease", json_boolean(consumer->has_lease));
    put_number(object, "max_rate_hz", consumer->max_rate_hz);
    put_id(object, "descriptor_stream", consumer->descriptor_stream_id);
    put_id(object, "control_stream", consumer->control_stream_id);
    put_number(object, "silent_ns", list->now_ns - consumer->last_heard_ns);
    put_id(object, "epoch", consumer->epoch);
    put_id(object, "last_seq_seen", consumer->last_seq_seen);
    put_id(object, "drops_gap", consumer->drops_gap);
    put_id(object, "drops_late", consumer->drops_late);
    (void)json_array_append_new(list->array, object);
}

static json_t *streams_of(const tpi_supervisor_t *supervisor, int64_t now_ns)
{
    json_t *const array = json_array();
    for (const tpi_watched_stream_t *s = supervisor->watch.streams; NULL != s; s = s->hh.next)
    {
        json_t *const object = json_object();
        put_id(object, "stream", s->stream_id);
        put_text(object, "name", s->name);
        put_id(object, "epoch", s->epoch);
        put_id(object, "producer", s->producer_id);
        put_id(object, "current_seq", s->current_seq);
        put_number(object, "consumers", s->consumers);
        put_number(object, "meta_version", s->meta_version);
        (void)json_object_set_new(object, "stale", json_boolean(s->is_stale));
        put_number(object, "silent_ns", s->has_announce ? now_ns - s->announced_ns : -1);
        (void)json_array_append_new(array, object);
    }
    return array;
}

static json_t *stats_of(const tpi_supervisor_t *supervisor)
{
    tp_supervisor_stats_t stats;
    tpi_supervisor_stats(supervisor, &stats);
    json_t *const object = json_object();
    put_number(object, "consumers", stats.consumers);
    put_number(object, "streams", stats.streams);
    put_number(object, "producers", stats.producers);
    put_number(object, "conditions", stats.conditions);
#define TPI_STAT(name) put_number(object, #name, (int64_t)stats.name);
    TPI_SUPERVISOR_STATS(TPI_STAT)
#undef TPI_STAT
    return object;
}

char *tpi_supervisor_json(const tpi_supervisor_t *supervisor, int64_t now_ns)
{
    json_t *const root = json_object();
    list_t conditions = { json_array(), now_ns };
    list_t consumers = { json_array(), now_ns };
    (void)tpi_supervisor_foreach_condition(supervisor, add_condition, &conditions);
    (void)tpi_supervisor_foreach_consumer(supervisor, add_consumer, &consumers);
    put_text(root, "instance", supervisor->config.instance_id);
    (void)json_object_set_new(root, "stats", stats_of(supervisor));
    (void)json_object_set_new(root, "conditions", conditions.array);
    (void)json_object_set_new(root, "streams", streams_of(supervisor, now_ns));
    (void)json_object_set_new(root, "consumers", consumers.array);
    char *const text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    if (NULL == text) { TPI_SET_ERR(TP_ENOMEM, "no memory for the report of a supervisor"); }
    return text;
}

void tp_supervisor_json_free(char *json) { free(json); }       /* jansson's */
