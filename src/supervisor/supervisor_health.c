/* Which facts are conditions, and what happens when one comes or goes: a line in the log, an Aeron counter, the hook. */
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"
#include "protocol/qos.h"
#include "supervisor/supervisor_state.h"

#define CONDITIONS_MAX 8192
#define RECENT_NS (5 * TPI_NS_PER_S)           /* what was refused within it still counts */

typedef struct named_kind
{
    const char *name;
    int code;
    const char *text;
    const char *unit;
    const char *fix;
}
named_kind_t;

static const named_kind_t kinds[] = {
    [TP_HEALTH_CONSUMER_LOSES] = { "consumer_loses_frames", TP_ESLOW, "loses frames", "frames in a window",
        "more slots (header_nslots), a rate cap, or copy first" },
    [TP_HEALTH_CONSUMER_LAGS] = { "consumer_lags", TP_ELAGS, "is behind its producer", "frames", "less work for each frame, or newest only" },
    [TP_HEALTH_CONSUMER_LATENCY] = { "consumer_latency", TP_ELATENCY, "is late", "ms at the 99th percentile", "tp delay; fewer consumers a core" },
    [TP_HEALTH_PRODUCER_SILENT] = { "producer_silent", TP_ESILENT, "is silent", "ms", "see whether it runs: tp info STREAM" },
    [TP_HEALTH_STREAM_STALE] = { "stream_stale", TP_ESTALE, "is not announced any more", "ms", "see whether its driver runs: tp doctor" },
    [TP_HEALTH_STREAM_DEAD] = { "stream_dead", TP_EDEAD, "shows no sign of life in its regions", "ms",
        "its writer is gone; consumers wait for a new epoch" },
    [TP_HEALTH_STREAM_UNREAD] = { "stream_unread", TP_EUNREAD, "is written and nobody reads it", "ms", "start a consumer, or stop the producer" },
    [TP_HEALTH_REGISTRY_FULL] = { "registry_full", TP_EREGISTRY, "knows no more consumers", "consumers", "raise supervisor.consumer_capacity" },
    [TP_HEALTH_NO_PRIVATE_ID] = { "no_private_id", TP_ENOPRIVATE, "has no private stream left", "range", "raise supervisor.per_consumer_*_range" },
    [TP_HEALTH_OTHER_AUTHORITY] = { "other_authority", TP_EAUTHORITY, "is not the only one who answers hellos", "other",
        "driver.answer_hello = \"never\", and one supervisor a control stream" },
    [TP_HEALTH_STREAMS_FULL] = { "streams_full", TP_EREGISTRY, "watches no more streams", "streams", "raise supervisor.stream_capacity" },
};

#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))

const char *tp_health_kind_name(uint32_t kind) { return 0 == kind || kind >= KIND_COUNT ? "unknown" : kinds[kind].name; }

/* ---- events ---------------------------------------------------------------------------------------------------------------- */

const char *tpi_supervisor_client_name(const tpi_supervisor_t *supervisor, uint32_t stream_id, uint32_t client_id)
{
    const tpi_supervised_t *const record = tpi_supervisor_registry_find(&supervisor->registry, stream_id, client_id);
    return NULL == record ? NULL : record->name;
}

static void describe(const tpi_supervisor_t *supervisor, const tpi_condition_t *condition, tp_supervisor_condition_t *view)
{
    const char *const name = tpi_supervisor_client_name(supervisor, condition->key.stream_id, condition->key.client_id);
    memset(view, 0, sizeof(*view));
    view->size = (uint32_t)sizeof(*view);
    view->kind = condition->key.kind;
    view->stream_id = condition->key.stream_id;
    view->client_id = condition->key.client_id;
    view->since_ns = condition->since_ns;
    view->value = condition->value;
    view->bound = condition->bound;
    (void)snprintf(view->client_name, sizeof(view->client_name), "%s", NULL == name ? "" : name);
}

static void write_line(const tp_supervisor_condition_t *view, bool is_raised)
{
    const named_kind_t *const kind = &kinds[view->kind];
    char who[TP_CONFIG_NAME_MAX + 64];
    if (0 != view->client_id && '\0' != view->client_name[0])
    {
        (void)snprintf(who, sizeof(who), "stream %u: client %u '%s'", view->stream_id, view->client_id, view->client_name);
    }
    else if (0 != view->client_id) { (void)snprintf(who, sizeof(who), "stream %u: client %u", view->stream_id, view->client_id); }
    else if (0 != view->stream_id) { (void)snprintf(who, sizeof(who), "stream %u", view->stream_id); }
    else { (void)snprintf(who, sizeof(who), "the supervisor"); }
    if (!is_raised)
    {
        TPI_LOG_INFO("%s: over: %s", who, kind->text);
        return;
    }
    TPI_SET_ERR(kind->code, "%s %s: %lld %s, bound %lld", who, kind->text, (long long)view->value, kind->unit, (long long)view->bound);
    TPI_ERR_FIX("%s", kind->fix);
    tpi_log_err(TP_LOG_WARN);
}

static void on_condition(void *clientd, tpi_condition_t *condition, bool is_raised)
{
    tpi_supervisor_t *const supervisor = clientd;
    tp_supervisor_condition_t view;
    describe(supervisor, condition, &view);
    if (tpi_supervisor_may_log(supervisor)) { write_line(&view, is_raised); }
    if (is_raised)
    {
        supervisor->stats.conditions_raised++;
        condition->clientd = tpi_supervisor_show_condition(supervisor, condition);
    }
    else
    {
        tpi_shown_set(condition->clientd, 0);
        tpi_shown_close(supervisor->counters, condition->clientd);
    }
    if (NULL != supervisor->hooks.on_condition) { supervisor->hooks.on_condition(supervisor->hooks.clientd, &view, is_raised); }      /* S-009 */
}

void tpi_supervisor_health_init(tpi_supervisor_t *supervisor)
{
    const int64_t clear_ns = (int64_t)supervisor->config.health.clear_ms * TPI_NS_PER_MS;
    tpi_health_init(&supervisor->health, CONDITIONS_MAX, clear_ns, on_condition, supervisor);
}

int tpi_supervisor_foreach_condition(const tpi_supervisor_t *supervisor, tp_supervisor_on_condition_t handler, void *clientd)
{
    int count = 0;
    for (const tpi_condition_t *c = tpi_health_first(&supervisor->health); NULL != c; c = tpi_health_next(c))
    {
        tp_supervisor_condition_t view;
        describe(supervisor, c, &view);
        handler(clientd, &view);
        count++;
    }
    return count;
}

/* ---- facts ----------------------------------------------------------------------------------------------------------------- */

static int64_t clip(uint64_t value) { return value > INT64_MAX ? INT64_MAX : (int64_t)value; }

static void observe(tpi_supervisor_t *supervisor, uint32_t kind, uint32_t stream_id, uint32_t client_id, int64_t value, int64_t bound)
{
    tpi_health_observe(&supervisor->health, (tpi_health_key_t){ kind, stream_id, client_id }, value, bound, supervisor->now_ns);
}

void tpi_supervisor_health_consumer(tpi_supervisor_t *supervisor, tpi_supervised_t *record)
{
    const tp_supervisor_health_config_t *const bounds = &supervisor->config.health;
    const tpi_watched_stream_t *const stream = tpi_watch_find(&supervisor->watch, record->stream_id);
    const uint64_t drops = tpi_supervised_drops(record, (int64_t)bounds->window_ms * TPI_NS_PER_MS, supervisor->now_ns);
    const bool can_lag = NULL != stream && stream->has_seq && stream->epoch == record->epoch && stream->current_seq > record->last_seq_seen;
    const uint64_t lag = can_lag ? stream->current_seq - record->last_seq_seen : 0;
    observe(supervisor, TP_HEALTH_CONSUMER_LOSES, record->stream_id, record->consumer_id, clip(drops), bounds->drops);
    observe(supervisor, TP_HEALTH_CONSUMER_LAGS, record->stream_id, record->consumer_id, clip(lag), bounds->lag_frames);
    observe(supervisor, TP_HEALTH_CONSUMER_LATENCY, record->stream_id, record->consumer_id, record->latency_ns / TPI_NS_PER_MS, bounds->latency_ms);
}

static void look_at_streams(tpi_supervisor_t *supervisor)
{
    const int64_t limit_ms = TPI_WATCH_STALE_PERIODS * (int64_t)supervisor->config.announce_period_ms;
    for (const tpi_watched_stream_t *s = supervisor->watch.streams; NULL != s; s = s->hh.next)
    {
        const int64_t silence_ms = s->has_announce ? (supervisor->now_ns - s->announced_ns) / TPI_NS_PER_MS : 0;
        const bool is_written = s->has_seq && supervisor->now_ns - s->written_ns <= TPI_WATCH_STALE_PERIODS * TPI_SUPERVISOR_INTERVAL_NS;
        const int64_t unread_ms = is_written && 0 == s->consumers ? (supervisor->now_ns - s->read_ns) / TPI_NS_PER_MS : 0;
        const int64_t still_ms = tpi_supervisor_region_silence_ns(supervisor, s) / TPI_NS_PER_MS;
        observe(supervisor, TP_HEALTH_STREAM_STALE, s->stream_id, 0, silence_ms, limit_ms);                        /* S-057 */
        observe(supervisor, TP_HEALTH_STREAM_DEAD, s->stream_id, 0, still_ms, limit_ms);      /* S-056 W-199 */
        observe(supervisor, TP_HEALTH_STREAM_UNREAD, s->stream_id, 0, unread_ms, supervisor->config.health.no_consumers_ms);
    }
}

/* A producer that left in order is not silent: its stream is announced with another one, or with none. */
static bool has_left(const tpi_supervisor_t *supervisor, const tpi_watched_producer_t *producer)
{
    const tpi_watched_stream_t *const stream = tpi_watch_find(&supervisor->watch, producer->stream_id);
    return NULL != stream && stream->has_announce && !stream->is_stale && stream->producer_id != producer->producer_id;
}

static void look_at_producers(tpi_supervisor_t *supervisor)
{
    const int64_t limit_ms = TPI_WATCH_STALE_PERIODS * TPI_SUPERVISOR_INTERVAL_NS / TPI_NS_PER_MS;
    for (const tpi_watched_producer_t *p = supervisor->watch.producers; NULL != p; p = p->hh.next)
    {
        const tpi_health_key_t key = { TP_HEALTH_PRODUCER_SILENT, p->stream_id, p->producer_id };
        const int64_t silence_ms = (supervisor->now_ns - p->heard_ns) / TPI_NS_PER_MS;
        if (has_left(supervisor, p)) { tpi_health_forget(&supervisor->health, key); }
        else { tpi_health_observe(&supervisor->health, key, silence_ms, limit_ms, supervisor->now_ns); }
    }
}

static bool is_recent(const tpi_supervisor_t *supervisor, int64_t at_ns) { return 0 != at_ns && supervisor->now_ns - at_ns < RECENT_NS; }

void tpi_supervisor_health_tick(tpi_supervisor_t *supervisor)
{
    const uint32_t capacity = supervisor->config.consumer_capacity;
    if (supervisor->watch.refused != supervisor->watch_refused)
    {
        supervisor->watch_refused = supervisor->watch.refused;
        supervisor->full_ns = supervisor->now_ns;
    }
    look_at_streams(supervisor);
    look_at_producers(supervisor);
    observe(supervisor, TP_HEALTH_REGISTRY_FULL, 0, 0, is_recent(supervisor, supervisor->refused_ns) ? capacity : 0, capacity);
    observe(supervisor, TP_HEALTH_NO_PRIVATE_ID, 0, 0, is_recent(supervisor, supervisor->used_up_ns) ? 1 : 0, 1);
    observe(supervisor, TP_HEALTH_OTHER_AUTHORITY, 0, 0, is_recent(supervisor, supervisor->other_authority_ns) ? 1 : 0, 1);
    observe(supervisor, TP_HEALTH_STREAMS_FULL, 0, 0, is_recent(supervisor, supervisor->full_ns) ? supervisor->config.stream_capacity : 0,
        supervisor->config.stream_capacity);
}

void tpi_supervisor_on_gone(void *clientd, tpi_watched_stream_t *stream, tpi_watched_producer_t *producer)
{
    tpi_supervisor_t *const supervisor = clientd;
    if (NULL != producer)
    {
        tpi_health_forget(&supervisor->health, (tpi_health_key_t){ TP_HEALTH_PRODUCER_SILENT, producer->stream_id, producer->producer_id });
        return;
    }
    for (uint32_t kind = TP_HEALTH_STREAM_STALE; kind <= TP_HEALTH_STREAM_UNREAD; kind++)
    {
        tpi_health_forget(&supervisor->health, (tpi_health_key_t){ kind, stream->stream_id, 0 });
    }
    tpi_supervisor_unwatch_region(supervisor, stream);
}
