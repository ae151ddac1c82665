/*
 * Joins of consumers: life, polling, statistics. What waits is in join_frames.c, outputs are made in join_output.c by the three kinds. The join's
 * thread, but for creation and statistics.
 */
#include "client/join_state.h"

#include <inttypes.h>

#include "client/consumer_state.h"
#include "common/alloc.h"
#include "common/clock.h"
#include "common/err.h"
#include "runtime/agent.h"

#define IDLE_MIN_NS (10 * TPI_NS_PER_US)
#define IDLE_MAX_NS (200 * TPI_NS_PER_US)

bool tpi_join_aligns_by_time(const tp_join_t *join)
{
    return TP_JOIN_TIMESTAMP == join->options.kind || (TP_JOIN_LATEST == join->options.kind && TP_JOIN_BY_TIME == join->options.order);
}

const char *tp_unjoined_name(int reason)
{
    static const char *const names[TP_UNJOINED_REASONS] = { "no_map", "no_input", "old_epoch", "repeated", "no_time", "time_back", "passed",
        "partner", "overwritten", "uncommitted", "invalid", "not_mapped", "restarted", "full", "rejected" };
    return reason >= 0 && reason < TP_UNJOINED_REASONS ? names[reason] : "unknown";
}

/* ---- maps and epochs ---------------------------------------------------------------------------------------------------- */

static tpi_join_source_t *source_of_stream(tp_join_t *j, uint32_t stream_id)
{
    for (uint32_t n = 0; n < j->source_count; n++)
    {
        if (NULL != j->sources[n].consumer && stream_id == tpi_load_u32(&j->sources[n].stream_id)) { return &j->sources[n]; }
    }
    return NULL;
}

/* Epochs of inputs are those that their consumers have mapped: a lie on the control stream locks nobody out (trap P2). */
static bool accepts(const void *clientd, uint32_t stream_id, uint64_t epoch)
{
    const tpi_join_source_t *s = source_of_stream((tp_join_t *)(uintptr_t)clientd, stream_id);
    return NULL != s && epoch == s->mapped_epoch;
}

/* Times of the map before that do not count any more (O-3, O-16). */
static bool has_lost_times(const tp_join_t *j, const tpi_join_source_t *s)
{
    const tpi_join_t *join = j->barrier->join;
    for (uint32_t i = 0; i < join->map.rule_count; i++)
    {
        if ((uint32_t)(s - j->sources) == j->source_of[i] && !join->inputs[i].time_set) { return true; }
    }
    return false;
}

static void bind_rules(tp_join_t *j)
{
    const tpi_join_t *join = j->barrier->join;
    j->bound = j->barrier->installed;
    for (uint32_t n = 0; n < j->source_count; n++) { j->sources[n].is_named = false; }
    for (uint32_t i = 0; i < join->map.rule_count; i++)
    {
        tpi_join_source_t *s = source_of_stream(j, join->map.rules[i].input_stream_id);
        j->source_of[i] = NULL == s ? TPI_NO_SOURCE : (uint32_t)(s - j->sources);
        if (NULL != s) { s->is_named = true; }
    }
    for (uint32_t n = 0; n < j->source_count; n++)
    {
        tpi_join_source_t *s = &j->sources[n];
        s->wants_slot = tpi_join_aligns_by_time(j) && tpi_join_wants_slot_time(join, tpi_load_u32(&s->stream_id));
        if (!s->is_named) { tpi_source_retire_all(s, TP_UNJOINED_NO_INPUT); }
        else if (tpi_join_aligns_by_time(j) && has_lost_times(j, s)) { tpi_source_retire_all(s, TP_UNJOINED_RESTARTED); }
    }
}

static void start_over(tp_join_t *j)
{
    for (uint32_t n = 0; n < j->source_count; n++) { tpi_source_retire_all(&j->sources[n], TP_UNJOINED_RESTARTED); }
    j->next_set = false;
    j->tried_set = false;
    j->next_time = 0;
    j->number = 0;
    j->is_due = false;
}

static void follow_output(tp_join_t *j)
{
    const tpi_join_t *join = j->barrier->join;
    const uint64_t epoch = NULL == j->producer ? 0 : tpi_producer_epoch(j->producer);
    if (0 == epoch || (join->epoch_set && epoch == join->epoch)) { return; }
    tpi_join_barrier_epoch(j->barrier, epoch, j->now_ns);                                  /* J-041 */
}

/* Streams and epochs as the consumers have them now. */
static void follow_inputs(tp_join_t *j)
{
    bool moved = false;
    for (uint32_t n = 0; n < j->source_count; n++)
    {
        tpi_join_source_t *s = &j->sources[n];
        if (NULL == s->consumer) { continue; }
        const uint32_t stream_id = tpi_consumer_stream(s->consumer);
        if (stream_id != tpi_load_u32(&s->stream_id))
        {
            tpi_source_retire_all(s, TP_UNJOINED_RESTARTED);
            atomic_store_explicit(&s->stream_id, stream_id, memory_order_relaxed);
            j->bound = UINT64_MAX;
        }
        const uint64_t epoch = tpi_consumer_held_epoch(s->consumer);
        if (0 == epoch || epoch == s->mapped_epoch) { continue; }
        s->mapped_epoch = epoch;
        moved = true;
        if (epoch == tpi_stat_get(&s->epoch)) { continue; }
        tpi_source_retire_all(s, TP_UNJOINED_RESTARTED);
        tpi_stat_set(&s->epoch, epoch);
    }
    if (moved) { tpi_join_barrier_tell_known(j->barrier); }
}

/* ---- polling ------------------------------------------------------------------------------------------------------------ */

static int run(tp_join_t *j, int limit)
{
    switch (j->options.kind)
    {
        case TP_JOIN_SEQUENCE: return tpi_join_run_sequence(j, limit);
        case TP_JOIN_TIMESTAMP: return tpi_join_run_timestamp(j, limit);
        default: return tpi_join_run_latest(j);
    }
}

static void hold(tp_join_t *j)
{
    for (uint32_t n = 0; n < j->source_count; n++)
    {
        tpi_join_source_t *s = &j->sources[n];
        s->is_held = NULL != s->consumer && tpi_consumer_hold(s->consumer);
    }
}

static void let_go(tp_join_t *j)
{
    for (uint32_t n = 0; n < j->source_count; n++)
    {
        tpi_join_source_t *s = &j->sources[n];
        if (s->is_held && !tpi_consumer_let_go(s->consumer)) { s->consumer = NULL; }
        s->is_held = false;
    }
}

int tp_join_poll(tp_join_t *join, int limit)
{
    tp_join_t *j = join;
    if (NULL == j || limit <= 0 || j->in_handler) { return TP_INVALID_ARGUMENT; }
    if (j->barrier->is_orphan || atomic_load_explicit(&j->client->closing, memory_order_relaxed)) { return TP_CLOSED; }
    j->now_ns = tpi_client_now(j->client);
    follow_output(j);
    if (j->barrier->join->epoch_set && j->epoch != j->barrier->join->epoch)
    {
        if (0 != j->epoch) { start_over(j); }
        j->epoch = j->barrier->join->epoch;
    }
    (void)tpi_join_barrier_take(j->barrier, j->now_ns);
    if (j->bound != j->barrier->installed) { bind_rules(j); }
    for (uint32_t n = 0; n < j->source_count; n++)
    {
        if (NULL != j->sources[n].consumer) { (void)tp_consumer_poll_descriptors(j->sources[n].consumer, limit); }         /* J-005 A1 */
    }
    hold(j);
    follow_inputs(j);
    if (j->bound != j->barrier->installed) { bind_rules(j); }
    const int made = run(j, limit);
    tpi_stat_set(&j->shown_next, j->next_set ? j->next : TP_NULL_U64);
    let_go(j);
    if (j->close_asked) { tp_join_close(j); }
    return made;
}

/* Invoker mode: turns the conductor, whose callbacks may ask to close this join (L2). false: it is gone. */
static bool turn(tp_join_t *j)
{
    if (!j->client->is_invoker) { return true; }
    j->in_handler = true;
    (void)tpi_client_wait_step(j->client, NULL);
    j->in_handler = false;
    if (!j->close_asked) { return true; }
    tp_join_close(j);
    return false;
}

int tp_join_wait(tp_join_t *join, int limit, int64_t timeout_ns)
{
    tpi_idle_t idle;
    if (NULL == join || limit <= 0 || join->in_handler) { return TP_INVALID_ARGUMENT; }
    if (join->barrier->is_orphan) { return TP_CLOSED; }
    tpi_idle_init(&idle, join->client->idle, IDLE_MIN_NS, IDLE_MAX_NS);
    const int64_t deadline_ns = tpi_clock_add_ns(tpi_clock_monotonic_ns(), timeout_ns);
    for (;;)
    {
        if (!turn(join)) { return TP_CLOSED; }
        const int made = tp_join_poll(join, limit);
        if (0 != made) { return made; }
        const int64_t now_ns = tpi_clock_monotonic_ns();
        if (now_ns >= deadline_ns) { return 0; }
        tpi_idle(&idle, 0, deadline_ns - now_ns);
    }
}

/* ---- life --------------------------------------------------------------------------------------------------------------- */

static int check_options(const tp_join_options_t *o, size_t count)
{
    const bool by_seq = TP_JOIN_SEQUENCE == o->kind;
    if (o->frame_capacity < 2 || o->frame_capacity > 65536 || o->view_capacity < o->rule_capacity || o->view_capacity > 4096)
    {
        TPI_SET_ERR(TP_EINVAL, "frame_capacity = %" PRIu32 ", must be 2 .. 65536; view_capacity = %" PRIu32 ", must be %" PRIu32 " .. 4096",
            o->frame_capacity, o->view_capacity, o->rule_capacity);
        return -1;
    }
    if (o->match > TP_JOIN_NEAREST || o->period_ns < 0 || (by_seq && (0 != o->period_ns || 0 != o->anchor_stream_id)) ||
        (0 != o->period_ns && 0 != o->anchor_stream_id))
    {
        TPI_SET_ERR(TP_EINVAL, "match = %" PRIu32 ", must be 0 or 1; period_ns = %" PRId64 " and anchor_stream_id = %" PRIu32
            ": not both, and neither in a join by sequence", o->match, o->period_ns, o->anchor_stream_id);
        return -1;
    }
    if (0 == count || count > TP_MERGE_RULES_MAX)
    {
        TPI_SET_ERR(TP_EINVAL, "consumers of a join = %zu, must be 1 .. %d", count, TP_MERGE_RULES_MAX);
        return -1;
    }
    return 0;
}

static void delete_join(tp_join_t *j)
{
    if (NULL == j) { return; }
    for (uint32_t n = 0; NULL != j->sources && n < j->source_count; n++) { tpi_free(j->sources[n].ring); }
    tpi_free(j->sources);
    tpi_free(j->source_of);
    tpi_free(j->inputs);
    tpi_free(j->views);
    tpi_free(j->tensors);
    tpi_free(j->frames);
    tpi_free(j->frame_sources);
    tpi_free(j);
}

/* All memory a join ever takes. */
static tp_join_t *create(tp_client_t *client, const tp_join_options_t *o, size_t count)
{
    uint64_t capacity = 2;
    while (capacity < o->frame_capacity) { capacity *= 2; }
    tp_join_t *j = tpi_alloc(sizeof(*j));
    if (NULL == j) { return NULL; }
    j->client = client;
    j->options = *o;
    j->bound = UINT64_MAX;
    atomic_init(&j->shown_next, TP_NULL_U64);
    j->sources = tpi_alloc_array(count, sizeof(*j->sources));
    j->source_of = tpi_alloc_array(o->rule_capacity, sizeof(*j->source_of));
    j->inputs = tpi_alloc_array(o->rule_capacity, sizeof(*j->inputs));
    j->views = tpi_alloc_array(o->view_capacity, sizeof(*j->views));
    j->tensors = tpi_alloc_array(o->view_capacity, sizeof(*j->tensors));
    j->frames = tpi_alloc_array(o->view_capacity, sizeof(tpi_waiting_t *));
    j->frame_sources = tpi_alloc_array(o->view_capacity, sizeof(*j->frame_sources));
    bool complete = NULL != j->sources && NULL != j->source_of && NULL != j->inputs && NULL != j->views && NULL != j->tensors &&
        NULL != j->frames && NULL != j->frame_sources;
    for (j->source_count = 0; complete && j->source_count < count; j->source_count++)
    {
        tpi_join_source_t *s = &j->sources[j->source_count];
        s->join = j;
        s->mask = capacity - 1;
        s->ring = tpi_alloc_array(capacity, sizeof(*s->ring));                             /* J-002 */
        complete = NULL != s->ring;
    }
    if (complete) { return j; }
    delete_join(j);
    return NULL;
}

static int check_consumers(const tp_client_t *client, tp_consumer_t *const *consumers, size_t count)
{
    for (size_t i = 0; i < count; i++)
    {
        const bool is_ours = NULL != consumers[i] && (consumers[i]->client == client || consumers[i]->client->parent == client);
        if (!is_ours || NULL != consumers[i]->on_descriptor)
        {
            TPI_SET_ERR(TP_EINVAL, "consumer %zu of the join is NULL, of another client, or has a descriptor handler already", i);
            return -1;
        }
        for (size_t k = 0; k < i; k++)
        {
            if (consumers[k] != consumers[i] && tpi_consumer_stream(consumers[k]) != tpi_consumer_stream(consumers[i])) { continue; }
            TPI_SET_ERR(TP_EINVAL, "consumers %zu and %zu of the join read the same stream", k, i);
            return -1;
        }
    }
    return 0;
}

static void leave(tp_join_t *j)
{
    for (uint32_t n = 0; n < j->source_count; n++)
    {
        tp_consumer_t *c = j->sources[n].consumer;
        if (NULL == c) { continue; }
        (void)tp_consumer_set_descriptor_handler(c, NULL, NULL);
        if (j->owns_consumers) { tp_consumer_close(c); }
    }
}

int tp_join_init(tp_join_t **join, tp_client_t *client, const tp_join_options_t *options, tp_consumer_t *const *consumers, size_t count)
{
    tp_join_barrier_t *barrier = NULL;
    if (NULL == join || NULL == client || NULL == consumers) { TPI_SET_ERR(TP_EINVAL, "join, client or consumers is NULL"); return -1; }
    if (tp_join_barrier_init(&barrier, client, options) < 0) { return -1; }
    tp_join_t *j = NULL;
    if (check_options(options, count) < 0 || check_consumers(client, consumers, count) < 0) { goto failed; }
    j = create(client, options, count);
    if (NULL == j) { goto failed; }
    j->barrier = barrier;
    for (uint32_t n = 0; n < j->source_count; n++)
    {
        if (tp_consumer_set_descriptor_handler(consumers[n], tpi_source_on_descriptor, &j->sources[n]) < 0) { goto failed; }
        j->sources[n].consumer = consumers[n];
        atomic_init(&j->sources[n].stream_id, tpi_consumer_stream(consumers[n]));
    }
    barrier->accepts = accepts;
    barrier->accepts_clientd = j;
    *join = j;
    return 0;
failed:
    if (NULL != j) { leave(j); }
    delete_join(j);
    tp_join_barrier_close(barrier);
    return -1;
}

/* A consumer for each input of the map, opened one after the other. Their number. */
static int open_consumers(tp_client_t *client, const tp_merge_map_t *map, tp_consumer_t **consumers)
{
    uint32_t streams[TP_MERGE_RULES_MAX];
    int count = 0;
    for (uint32_t i = 0; i < map->rule_count; i++)
    {
        int known = 0;
        while (known < count && streams[known] != map->rules[i].input_stream_id) { known++; }
        if (known < count) { continue; }
        if (tp_consumer_open(&consumers[count], client, map->rules[i].input_stream_id) < 0) { return -count - 1; }
        streams[count++] = map->rules[i].input_stream_id;
    }
    return count;
}

int tp_join_open(tp_join_t **join, tp_client_t *client, const tp_join_options_t *options, const tp_merge_map_t *map)
{
    tp_consumer_t *consumers[TP_MERGE_RULES_MAX];
    tp_join_t *j = NULL;
    tpi_err_t err;
    if (NULL == join || NULL == client || NULL == options) { TPI_SET_ERR(TP_EINVAL, "join, client or options is NULL"); return -1; }
    if (tp_merge_map_check(map) < 0) { return -1; }
    tp_join_options_t o = *options;
    if (0 == o.out_stream_id) { o.out_stream_id = map->out_stream_id; }
    const int opened = open_consumers(client, map, consumers);
    const int count = opened < 0 ? -opened - 1 : opened;
    if (opened >= 0 && 0 == tp_join_init(&j, client, &o, consumers, (size_t)count) && tp_join_barrier_apply_map(j->barrier, map) >= 0)
    {
        j->owns_consumers = true;
        *join = j;
        return 0;
    }
    tpi_err_save(&err);
    tp_join_close(j);
    for (int i = 0; i < count; i++) { tp_consumer_close(consumers[i]); }
    tpi_err_restore(&err);
    return -1;
}

void tp_join_close(tp_join_t *join)
{
    if (NULL == join) { return; }
    if (join->in_handler)
    {
        join->close_asked = true;                          /* inside its handler: done when that has returned */
        return;
    }
    if (!join->barrier->is_orphan) { leave(join); }
    tp_join_barrier_close(join->barrier);
    delete_join(join);
}

/* ---- calls -------------------------------------------------------------------------------------------------------------- */

int tp_join_set_handler(tp_join_t *join, tp_join_handler_t handler, void *clientd)
{
    if (NULL == join) { TPI_SET_ERR(TP_EINVAL, "join is NULL"); return -1; }
    join->on_joined = handler;
    join->clientd = clientd;
    return 0;
}

int tp_join_follow_producer(tp_join_t *join, const tp_producer_t *producer)
{
    if (NULL == join) { TPI_SET_ERR(TP_EINVAL, "join is NULL"); return -1; }
    join->producer = producer;
    return 0;
}

int tp_join_set_next(tp_join_t *join, uint64_t out_seq)
{
    if (NULL == join || TP_JOIN_SEQUENCE != join->options.kind) { TPI_SET_ERR(TP_EINVAL, "join is NULL, or not by sequence"); return -1; }
    join->next = out_seq;
    join->next_set = true;
    return 0;
}

tp_join_barrier_t *tp_join_barrier(tp_join_t *join) { return NULL == join ? NULL : join->barrier; }

int tp_join_input_stats(const tp_join_t *join, uint32_t input, tp_join_input_stats_t *stats)
{
    if (NULL == join || NULL == stats || input >= join->source_count)
    {
        TPI_SET_ERR(TP_EINVAL, "join or stats is NULL, or input = %" PRIu32 ", must be below its inputs", input);
        return -1;
    }
    const tpi_join_source_t *s = &join->sources[input];
    tp_join_input_stats_t out = { .size = sizeof(out), .stream_id = tpi_load_u32(&s->stream_id), .epoch = tpi_stat_get(&s->epoch),
        .last_seq = tpi_stat_get(&s->last_seq), .frames = tpi_stat_get(&s->frames), .joined = tpi_stat_get(&s->joined),
        .waiting = tpi_stat_get(&s->waiting), .absent = tpi_stat_get(&s->absent),
        .unannounced = tpi_stat_get(&s->unannounced) };
    for (int i = 0; i < TP_UNJOINED_REASONS; i++) { out.unjoined[i] = tpi_stat_get(&s->unjoined[i]); }
    *stats = out;
    return 0;
}

int tp_join_stats(const tp_join_t *join, tp_join_stats_t *stats)
{
    if (NULL == join || NULL == stats) { TPI_SET_ERR(TP_EINVAL, "join or stats is NULL"); return -1; }
    tp_join_stats_t out = { .size = sizeof(out), .input_count = join->source_count, .outputs = tpi_stat_get(&join->outputs),
        .outputs_given_up = tpi_stat_get(&join->given_up), .outputs_passed = tpi_stat_get(&join->passed),
        .outputs_partial = tpi_stat_get(&join->partial), .next_out_seq = tpi_stat_get(&join->shown_next) };
    for (uint32_t n = 0; n < join->source_count; n++)
    {
        const tpi_join_source_t *s = &join->sources[n];
        out.frames += tpi_stat_get(&s->frames);
        out.joined += tpi_stat_get(&s->joined);
        out.waiting += tpi_stat_get(&s->waiting);
        out.unannounced += tpi_stat_get(&s->unannounced);
        for (int i = 0; i < TP_UNJOINED_REASONS; i++) { out.unjoined[i] += tpi_stat_get(&s->unjoined[i]); }
    }
    *stats = out;
    return 0;
}
