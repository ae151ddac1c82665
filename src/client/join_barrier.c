/*
 * Join barriers of the application: the pure machine, what the conductor has posted for it, and its answers in the form of the public header. The
 * owner's thread, but for creation.
 */
#include "client/join_state.h"

#include <inttypes.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"
#include "protocol/join_latest.h"
#include "protocol/join_sequence.h"
#include "protocol/join_timestamp.h"

_Static_assert(TP_JOIN_REASONS == (int)TPI_JOIN_REASON_COUNT && TP_JOIN_REASONS <= 32, "reasons of answers");
_Static_assert(TP_JOIN_MISSING == (int)TPI_JOIN_MISSING && TP_JOIN_WRONG_KIND == (int)TPI_JOIN_WRONG_KIND, "order of reasons");
_Static_assert(TP_JOIN_SEQUENCE == (int)TPI_JOIN_SEQUENCE && TP_JOIN_LATEST == (int)TPI_JOIN_LATEST, "kinds of joins");
_Static_assert(TP_JOIN_BY_TIME == (int)TPI_JOIN_BY_TIME, "orders");

const char *tp_join_reason_name(int reason) { return tpi_join_reason_name((tpi_join_reason_t)reason); }

int64_t tpi_join_barrier_now(const tp_join_barrier_t *barrier)
{
    return NULL == barrier->client ? tpi_clock_monotonic_ns() : tpi_client_now(barrier->client);
}

/* ---- life --------------------------------------------------------------------------------------------------------------- */

static void delete_barrier(tp_join_barrier_t *b)
{
    if (NULL == b) { return; }
    if (b->has_mutex) { (void)pthread_mutex_destroy(&b->mutex); }
    tpi_join_delete(b->join);
    tpi_free(b->shown_rules);
    tpi_free(b);
}

static void dispose(void *object, int64_t now_ns)
{
    tp_join_barrier_t *b = object;
    (void)now_ns;
    tpi_join_barrier_delist(b);
    delete_barrier(b);
}

static int check_options(const tp_join_options_t *o)
{
    if (NULL == o || sizeof(*o) != o->size)
    {
        TPI_SET_ERR(TP_EINVAL, "options are NULL, or their size = %" PRIu32 ", this library has %zu", NULL == o ? 0 : o->size, sizeof(*o));
        return -1;
    }
    if (o->map_kind > TP_MERGE_TIMESTAMP || o->order > TP_JOIN_BY_TIME || o->clock_count > TP_MERGE_RULES_MAX ||
        (o->clock_count > 0 && NULL == o->clocks))
    {
        TPI_SET_ERR(TP_EINVAL, "map_kind = %" PRIu32 ", must be 0 .. 2; order = %" PRIu32 ", must be 0 or 1; clock_count = %" PRIu32
            ", must be 0 .. %d with a table", o->map_kind, o->order, o->clock_count, TP_MERGE_RULES_MAX);
        return -1;
    }
    for (uint32_t i = 0; i < o->clock_count; i++)
    {
        if (o->clocks[i].clock_domain > TP_CLOCK_REALTIME_SYNCED)
        {
            TPI_SET_ERR(TP_EINVAL, "clock %" PRIu32 ": clock_domain = %" PRIu32 ", must be 0 .. 2", i, o->clocks[i].clock_domain);
            return -1;
        }
    }
    return 0;
}

static int create_machine(tp_join_barrier_t *b, const tp_join_options_t *o)
{
    tpi_join_domain_t domains[TP_MERGE_RULES_MAX];
    for (uint32_t i = 0; i < o->clock_count; i++)
    {
        domains[i] = (tpi_join_domain_t){ .input_stream_id = o->clocks[i].input_stream_id, .clock_domain = (uint8_t)o->clocks[i].clock_domain };
    }
    const tpi_join_options_t options = { .kind = (tpi_join_kind_t)o->kind, .map_kind = (tpi_merge_kind_t)o->map_kind,
        .order = (tpi_join_order_t)o->order, .out_stream_id = o->out_stream_id, .rule_capacity = o->rule_capacity,
        .require_processed = o->require_processed, .allow_stale = o->allow_stale, .domains = domains, .domain_count = o->clock_count };
    if (tpi_join_create(&b->join, &options) < 0) { return -1; }
    b->shown_rules = tpi_alloc_array(o->rule_capacity, sizeof(*b->shown_rules));
    return NULL == b->shown_rules ? -1 : 0;
}

int tp_join_barrier_init(tp_join_barrier_t **barrier, tp_client_t *client, const tp_join_options_t *options)
{
    if (NULL == barrier) { TPI_SET_ERR(TP_EINVAL, "barrier is NULL"); return -1; }
    if (check_options(options) < 0) { return -1; }
    tp_join_barrier_t *b = tpi_alloc(sizeof(*b));
    if (NULL == b) { return -1; }
    b->has_mutex = 0 == pthread_mutex_init(&b->mutex, NULL);
    if (!b->has_mutex || create_machine(b, options) < 0)
    {
        if (!b->has_mutex) { TPI_SET_ERR(TP_ENOMEM, "no mutex for a barrier"); }
        delete_barrier(b);
        return -1;
    }
    b->client = options->follow_control ? client : NULL;
    if (NULL != b->client && tpi_join_barrier_enlist(b) < 0)
    {
        tpi_err_t err;
        tpi_err_save(&err);
        tpi_client_dispose(client, dispose, b);            /* a call that timed out may yet be carried out */
        tpi_err_restore(&err);
        return -1;
    }
    *barrier = b;
    return 0;
}

void tp_join_barrier_close(tp_join_barrier_t *barrier)
{
    if (NULL == barrier) { return; }
    if (NULL == barrier->client) { delete_barrier(barrier); return; }
    tpi_client_dispose(barrier->client, dispose, barrier);
}

/* ---- maps and announces ------------------------------------------------------------------------------------------------- */

/* J-072: times of another host's clock cannot be told from ours. */
static bool has_bridged_input(const tpi_join_t *join)
{
    for (uint32_t i = 0; i < join->options.domain_count; i++)
    {
        for (uint32_t r = 0; r < join->map.rule_count; r++)
        {
            const bool named = join->map.rules[r].input_stream_id == join->options.domains[i].input_stream_id;
            if (named && TPC_CLOCK_MONOTONIC != join->options.domains[i].clock_domain) { return true; }
        }
    }
    return false;
}

static void log_map(const tpi_join_t *join, tpi_join_map_event_t event)
{
    const uint32_t out = join->options.out_stream_id;
    if (TPI_JOIN_MAP_REFUSED == event)
    {
        TPI_LOG_WARN(TP_ECODEC, "join %" PRIu32 ": merge map of epoch %" PRIu64 " refused: %s; the join waits for another one", out, join->epoch,
            tpi_merge_verdict_name(join->map_verdict));
        return;
    }
    const unsigned doubts = tpi_merge_map_warnings(&join->map);
    TPI_LOG_INFO("join %" PRIu32 ": merge map of epoch %" PRIu64 " with %" PRIu32 " rules is in force", out, join->epoch, join->map.rule_count);
    if (0 != (doubts & TPI_MERGE_WARN_LATENESS_NONE))
    {
        TPI_LOG_WARN(TP_OK, "join %" PRIu32 ": a window of time and no lateness: its input has to reach the output's time first", out);
    }
    if (0 != (doubts & TPI_MERGE_WARN_LATENESS_LONG))
    {
        TPI_LOG_WARN(TP_OK, "join %" PRIu32 ": lateness of %" PRIu64 " ns is longer than the smallest window, which may turn out empty", out,
            join->map.lateness_ns);
    }
    if (0 != (doubts & TPI_MERGE_WARN_OWN_OUTPUT)) { TPI_LOG_WARN(TP_OK, "join %" PRIu32 ": the output stream is one of its inputs", out); }
    if (TPI_MERGE_TIMESTAMP == join->map.kind && TPC_CLOCK_MONOTONIC == join->map.clock_domain && has_bridged_input(join))
    {
        /* J-072 */
        TPI_LOG_WARN(TP_OK, "join %" PRIu32 ": MONOTONIC times with an input of another host; use REALTIME_SYNCED and write its drift down", out);
    }
}

static tpi_join_known_t *place_of(tp_join_barrier_t *b, uint32_t stream_id)
{
    for (uint32_t i = 0; i < b->known_count; i++)
    {
        if (b->known[i].stream_id == stream_id) { return &b->known[i]; }
    }
    if (b->known_count < TPI_JOIN_KNOWN_MAX) { return &b->known[b->known_count++]; }
    b->known_next = (b->known_next + 1) % TPI_JOIN_KNOWN_MAX;
    return &b->known[b->known_next];
}

bool tpi_join_barrier_know(tp_join_barrier_t *barrier, uint32_t stream_id, uint64_t epoch, uint8_t clock_domain)
{
    (void)pthread_mutex_lock(&barrier->mutex);
    tpi_join_known_t *k = place_of(barrier, stream_id);
    const bool is_new = k->stream_id != stream_id || k->epoch != epoch || k->clock_domain != clock_domain;
    if (is_new) { *k = (tpi_join_known_t){ .stream_id = stream_id, .clock_domain = clock_domain, .is_fresh = true, .epoch = epoch }; }
    (void)pthread_mutex_unlock(&barrier->mutex);
    return is_new;
}

static void tell_known(tp_join_barrier_t *b, bool all)
{
    for (uint32_t i = 0; i < b->known_count; i++)
    {
        tpi_join_known_t *k = &b->known[i];
        if (!all && !k->is_fresh) { continue; }
        if (NULL != b->accepts && !b->accepts(b->accepts_clientd, k->stream_id, k->epoch)) { continue; }
        tpi_join_on_announce(b->join, k->stream_id, k->epoch, k->clock_domain);
        k->is_fresh = false;
    }
}

void tpi_join_barrier_tell_known(tp_join_barrier_t *barrier)
{
    (void)pthread_mutex_lock(&barrier->mutex);
    tell_known(barrier, true);
    (void)pthread_mutex_unlock(&barrier->mutex);
}

static bool settled(tp_join_barrier_t *b, tpi_join_map_event_t event)
{
    if (TPI_JOIN_MAP_INSTALLED == event)
    {
        b->installed++;
        tpi_join_barrier_tell_known(b);
    }
    if (TPI_JOIN_MAP_INSTALLED != event && TPI_JOIN_MAP_REFUSED != event) { return false; }
    log_map(b->join, event);
    return true;
}

/* Each map in its turn: a good one was installed also when a bad one came right after it. */
static bool take_post(tp_join_barrier_t *b, int64_t now_ns)
{
    const uint64_t before = b->installed;
    bool refused = false;
    const uint64_t posted = atomic_load_explicit(&b->posted, memory_order_acquire);
    if (posted == b->taken) { return false; }
    b->taken = posted;
    (void)pthread_mutex_lock(&b->mutex);
    for (uint32_t i = 0; i < b->map_count; i++)
    {
        const tpi_join_map_event_t event = tpi_join_on_message(b->join, &b->maps[i], now_ns);
        if (TPI_JOIN_MAP_INSTALLED == event) { b->installed++; }
        if (TPI_JOIN_MAP_REFUSED == event) { refused = true; }
    }
    b->map_count = 0;
    tell_known(b, before != b->installed);
    (void)pthread_mutex_unlock(&b->mutex);
    if (before != b->installed) { log_map(b->join, TPI_JOIN_MAP_INSTALLED); }
    if (refused && TPI_JOIN_MAP_INVALID == b->join->map_state) { log_map(b->join, TPI_JOIN_MAP_REFUSED); }
    return refused || before != b->installed;
}

/* The conductor has no business with the machine: wishes go by flags. */
static void ask_for_map(tp_join_barrier_t *b, int64_t now_ns)
{
    const bool is_under_way = atomic_load_explicit(&b->asks, memory_order_acquire);        /* first: it ends after asked has grown */
    const uint64_t asked = atomic_load_explicit(&b->asked, memory_order_relaxed);
    if (asked != b->asked_seen)
    {
        b->asked_seen = asked;
        tpi_join_requested(b->join, now_ns);
    }
    const bool is_due = tpi_join_request_is_due(b->join, now_ns);
    if (is_due != is_under_way) { atomic_store_explicit(&b->asks, is_due, memory_order_release); }             /* J-098 */
}

bool tpi_join_barrier_take(tp_join_barrier_t *barrier, int64_t now_ns)
{
    if (NULL == barrier->client) { return false; }
    const bool changed = take_post(barrier, now_ns);
    if (TPI_JOIN_MAP_ACTIVE != barrier->join->map_state || barrier->asked_seen != atomic_load_explicit(&barrier->asked, memory_order_relaxed))
    {
        ask_for_map(barrier, now_ns);
    }
    return changed;
}

void tpi_join_barrier_epoch(tp_join_barrier_t *barrier, uint64_t epoch, int64_t now_ns)
{
    tpi_join_on_output_epoch(barrier->join, epoch, now_ns);
    tpi_stat_set(&barrier->epoch, epoch);
    atomic_store_explicit(&barrier->epoch_set, true, memory_order_release);
}

int tp_join_barrier_set_epoch(tp_join_barrier_t *barrier, uint64_t epoch)
{
    if (NULL == barrier) { TPI_SET_ERR(TP_EINVAL, "barrier is NULL"); return -1; }
    const int64_t now_ns = tpi_join_barrier_now(barrier);
    tpi_join_barrier_epoch(barrier, epoch, now_ns);
    (void)tpi_join_barrier_take(barrier, now_ns);
    return 0;
}

int tp_join_barrier_apply_map(tp_join_barrier_t *barrier, const tp_merge_map_t *map)
{
    if (NULL == barrier) { TPI_SET_ERR(TP_EINVAL, "barrier is NULL"); return -1; }
    tpi_join_t *j = barrier->join;
    if (tpi_join_message_of(&j->message, map) < 0) { return -1; }
    if (map->kind != (uint32_t)j->options.map_kind)
    {
        TPI_SET_ERR(TP_EINVAL, "kind of the merge map = %" PRIu32 ", the barrier follows maps of kind %d", map->kind, (int)j->options.map_kind);
        return -1;
    }
    const int64_t now_ns = tpi_join_barrier_now(barrier);
    if (!j->epoch_set) { tpi_join_barrier_epoch(barrier, map->epoch, now_ns); }
    const tpi_join_map_event_t event = tpi_join_on_message(j, &j->message, now_ns);
    (void)settled(barrier, event);
    if (TPI_JOIN_MAP_INSTALLED == event || TPI_JOIN_MAP_REPEATED == event) { return TPI_JOIN_MAP_INSTALLED == event ? 1 : 0; }
    if (TPI_JOIN_MAP_REFUSED == event) { TPI_SET_ERR(TP_EINVAL, "merge map refused: %s", tpi_merge_verdict_name(j->map_verdict)); }
    else
    {
        TPI_SET_ERR(TP_EINVAL, "merge map of output stream %" PRIu32 ", epoch %" PRIu64 "; the barrier is of stream %" PRIu32 ", epoch %" PRIu64,
            map->out_stream_id, map->epoch, j->options.out_stream_id, j->epoch);
    }
    return -1;
}

int tp_join_barrier_on_message(tp_join_barrier_t *barrier, const void *message, size_t length)
{
    if (NULL == barrier || NULL == message) { return TP_INVALID_ARGUMENT; }
    const tpi_join_map_event_t event = tpi_join_on_map(barrier->join, message, length, tpi_join_barrier_now(barrier));
    (void)settled(barrier, event);
    return TPI_JOIN_MAP_INSTALLED == event ? 1 : 0;
}

void tp_join_barrier_on_announce(tp_join_barrier_t *barrier, uint32_t stream_id, uint64_t epoch, uint32_t clock_domain)
{
    if (NULL == barrier || clock_domain > UINT8_MAX || 0 == epoch || TP_NULL_U64 == epoch) { return; }
    (void)tpi_join_barrier_know(barrier, stream_id, epoch, (uint8_t)clock_domain);
    tpi_join_on_announce(barrier->join, stream_id, epoch, (uint8_t)clock_domain);
}

/* ---- observations ------------------------------------------------------------------------------------------------------- */

void tp_join_barrier_observed(tp_join_barrier_t *barrier, uint32_t stream_id, uint64_t epoch, uint64_t seq, uint64_t publish_timestamp_ns,
    int64_t now_ns)
{
    if (NULL != barrier) { (void)tpi_join_on_frame(barrier->join, stream_id, epoch, seq, publish_timestamp_ns, now_ns); }
}

void tp_join_barrier_observed_slot(tp_join_barrier_t *barrier, uint32_t stream_id, uint64_t epoch, uint64_t seq, uint64_t timestamp_ns)
{
    if (NULL != barrier) { tpi_join_on_slot_time(barrier->join, stream_id, epoch, seq, timestamp_ns); }
}

void tp_join_barrier_processed(tp_join_barrier_t *barrier, uint32_t stream_id, uint64_t epoch, uint64_t seq)
{
    if (NULL != barrier) { tpi_join_on_processed_seq(barrier->join, stream_id, epoch, seq); }
}

void tp_join_barrier_processed_time(tp_join_barrier_t *barrier, uint32_t stream_id, uint64_t epoch, int time_source, uint64_t time_ns)
{
    if (NULL == barrier || (TP_TIME_PUBLISHED != time_source && TP_TIME_CAPTURED != time_source)) { return; }
    tpi_join_on_processed_time(barrier->join, stream_id, epoch, (uint8_t)time_source, time_ns);
}

/* ---- answers ------------------------------------------------------------------------------------------------------------ */

static int answer(tp_join_barrier_t *b, const tpi_join_result_t *found, tp_join_result_t *result)
{
    if (!b->lack_was_told && tpi_join_lacks_processed(b->join))                            /* O-28 */
    {
        b->lack_was_told = true;
        TPI_LOG_WARN(TP_OK, "join %" PRIu32 ": waits for processed values and nobody reports any", b->join->options.out_stream_id);
    }
    if (NULL != result)
    {
        *result = (tp_join_result_t){ .size = sizeof(*result), .answer = (uint32_t)found->answer, .reason = (uint32_t)found->reason,
            .streams = found->streams, .stream_count = found->stream_count, .selected = found->selected,
            .selected_count = found->selected_count };
    }
    return (int)found->answer;
}

int tp_join_barrier_is_ready_sequence(tp_join_barrier_t *barrier, uint64_t out_seq, int64_t now_ns, tp_join_result_t *result)
{
    tpi_join_result_t found;
    if (NULL == barrier) { return TP_INVALID_ARGUMENT; }
    (void)tpi_join_barrier_take(barrier, now_ns);
    (void)tpi_join_sequence_is_ready(barrier->join, out_seq, now_ns, &found);
    return answer(barrier, &found, result);
}

int tp_join_barrier_is_ready_timestamp(tp_join_barrier_t *barrier, uint64_t out_time_ns, uint32_t clock_domain, int64_t now_ns,
    tp_join_result_t *result)
{
    tpi_join_result_t found;
    if (NULL == barrier || clock_domain > UINT8_MAX) { return TP_INVALID_ARGUMENT; }
    (void)tpi_join_barrier_take(barrier, now_ns);
    (void)tpi_join_timestamp_is_ready(barrier->join, out_time_ns, (uint8_t)clock_domain, now_ns, &found);
    return answer(barrier, &found, result);
}

int tp_join_barrier_is_ready_latest(tp_join_barrier_t *barrier, int64_t now_ns, tp_join_result_t *result)
{
    tpi_join_result_t found;
    if (NULL == barrier) { return TP_INVALID_ARGUMENT; }
    (void)tpi_join_barrier_take(barrier, now_ns);
    (void)tpi_join_latest_is_ready(barrier->join, now_ns, &found);
    return answer(barrier, &found, result);
}

void tp_join_barrier_failed(tp_join_barrier_t *barrier, const tp_join_selected_t *frame, tp_join_result_t *result)
{
    if (NULL == barrier || NULL == frame || NULL == result) { return; }
    tpi_join_result_t found = { .answer = (tpi_join_answer_t)result->answer, .reason = (tpi_join_reason_t)result->reason,
        .streams = barrier->join->listed, .stream_count = result->stream_count, .selected = result->selected,
        .selected_count = result->selected_count };
    tpi_join_latest_failed(barrier->join, frame, &found);
    (void)answer(barrier, &found, result);
}

int tp_join_barrier_need(const tp_join_barrier_t *barrier, uint32_t rule, uint64_t out, uint64_t *first, uint64_t *last)
{
    if (NULL == barrier || NULL == first || NULL == last || TPI_JOIN_MAP_ACTIVE != barrier->join->map_state) { return 0; }
    const tpi_merge_map_t *map = &barrier->join->map;
    return rule < map->rule_count && tpi_merge_need(map->kind, &map->rules[rule], out, first, last) ? 1 : 0;
}

bool tp_join_barrier_is_available(const tp_join_barrier_t *barrier, uint32_t stream_id, uint64_t out_seq, uint32_t nslots)
{
    return NULL != barrier && tpi_join_sequence_is_available(barrier->join, stream_id, out_seq, nslots);
}

uint32_t tp_join_barrier_stale_inputs(const tp_join_barrier_t *barrier, int64_t now_ns, uint32_t *streams, uint32_t capacity)
{
    uint32_t count = 0;
    if (NULL == barrier || TPI_JOIN_MAP_ACTIVE != barrier->join->map_state) { return 0; }
    const tpi_join_t *j = barrier->join;
    for (uint32_t i = 0; i < j->map.rule_count; i++)
    {
        if (i != j->inputs[i].first || !tpi_join_is_stale(j, &j->inputs[i], now_ns)) { continue; }
        if (count < capacity && NULL != streams) { streams[count] = j->map.rules[i].input_stream_id; }
        count++;
    }
    return count;
}

int tp_join_barrier_map(const tp_join_barrier_t *barrier, tp_merge_map_t *map)
{
    if (NULL == barrier || NULL == map || TPI_JOIN_MAP_ACTIVE != barrier->join->map_state) { return 0; }
    tpi_merge_map_show(map, barrier->shown_rules, &barrier->join->map);
    return 1;
}

int tp_join_barrier_stats(const tp_join_barrier_t *barrier, tp_join_barrier_stats_t *stats)
{
    if (NULL == barrier || NULL == stats) { TPI_SET_ERR(TP_EINVAL, "barrier or stats is NULL"); return -1; }
    const tpi_join_t *j = barrier->join;
    tp_join_barrier_stats_t s = { .size = sizeof(s), .map_state = (uint32_t)j->map_state, .epoch = j->epoch,
        .maps_installed = j->maps[TPI_JOIN_MAP_INSTALLED], .maps_repeated = j->maps[TPI_JOIN_MAP_REPEATED],
        .maps_refused = j->maps[TPI_JOIN_MAP_REFUSED],
        .maps_other = j->maps[TPI_JOIN_MAP_OTHER_PAIR] + j->maps[TPI_JOIN_MAP_OTHER_KIND] + tpi_stat_get(&barrier->other),
        .maps_malformed = j->maps[TPI_JOIN_MAP_DROPPED] + tpi_stat_get(&barrier->malformed), .requests = j->requests,
        .input_restarts = j->seen[TPI_JOIN_INPUT_RESTARTED] };
    for (int i = 0; i < TPI_JOIN_REASON_COUNT; i++) { s.checks[i] = j->checks[i]; }
    *stats = s;
    return 0;
}
