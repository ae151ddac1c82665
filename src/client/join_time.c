/*
 * Outputs aligned by time: one for each frame of the anchor, or one each period of the local clock. The join's thread; hot.
 */
#include "protocol/join_timestamp.h"

#include "client/join_state.h"
#include "common/clock.h"

#define TRIES_MAX 256                  /* outputs of a period in one poll */

/* ---- selection ---------------------------------------------------------------------------------------------------------- */

static uint64_t distance(uint64_t a, uint64_t b) { return a > b ? a - b : b - a; }

/* The partner of an offset rule. */
static bool pick(const tp_join_t *j, uint32_t rule, uint64_t need, uint64_t *at)
{
    const uint8_t by = j->barrier->join->map.rules[rule].source;
    const tpi_join_source_t *s = &j->sources[j->source_of[rule]];
    const uint64_t after = tpi_source_after_time(s, by, need);
    const bool has_before = after > s->head;
    bool takes_after = false;
    if (TP_JOIN_NEAREST == j->options.match && after != s->tail)
    {
        const uint64_t far = tpi_waiting_time(tpi_source_at(s, after), by) - need;
        takes_after = !has_before || far < need - tpi_waiting_time(tpi_source_at(s, after - 1), by);
    }
    if (!has_before && !takes_after) { return false; }
    *at = takes_after ? after : after - 1;
    return 0 == j->options.max_skew_ns || distance(tpi_waiting_time(tpi_source_at(s, *at), by), need) <= j->options.max_skew_ns;
}

static bool take(tp_join_t *j, uint32_t i, uint64_t out, uint32_t anchor_rule, uint64_t anchor_at)
{
    const tpi_merge_rule_t *rule = &j->barrier->join->map.rules[i];
    const tpi_join_source_t *s = &j->sources[j->source_of[i]];
    uint64_t first;
    uint64_t last;
    uint64_t at = anchor_at;
    if (!tpi_merge_need(TPI_MERGE_TIMESTAMP, rule, out, &first, &last)) { return false; }
    if (TPC_RULE_OFFSET == rule->type) { return (i == anchor_rule || pick(j, i, last, &at)) && tpi_output_take(j, i, i, at, at + 1); }
    (void)tpi_output_take(j, i, i, tpi_source_from_time(s, rule->source, first), tpi_source_after_time(s, rule->source, last));    /* J-034 */
    return true;
}

static bool try_output(tp_join_t *j, const tpi_join_result_t *result, uint64_t out, uint32_t anchor_rule, uint64_t anchor_at)
{
    const tpi_merge_map_t *map = &j->barrier->join->map;
    tpi_output_begin(j);
    for (uint32_t i = 0; i < map->rule_count; i++)
    {
        if (TPI_NO_SOURCE == j->source_of[i] || tpi_result_lists(result, map->rules[i].input_stream_id))
        {
            tpi_output_leave_out(j, i, i, TP_JOINED_ABSENT);
        }
        else if (!take(j, i, out, anchor_rule, anchor_at))
        {
            tpi_output_give_up(j);
            return false;
        }
    }
    if (0 == j->view_count)
    {
        tpi_output_give_up(j);
        return false;
    }
    tpi_output_deliver(j, map->rule_count, j->number++, out);
    return true;
}

/* Later outputs are not before this one: what only earlier ones can need goes. The newest at or before a needed time may be a partner again. */
static void retire(tp_join_t *j, uint64_t out)
{
    const tpi_merge_map_t *map = &j->barrier->join->map;
    for (uint32_t n = 0; n < j->source_count; n++)
    {
        tpi_join_source_t *s = &j->sources[n];
        uint64_t keep = s->tail;
        if (!s->is_named) { continue; }
        for (uint32_t i = 0; i < map->rule_count; i++)
        {
            uint64_t first;
            uint64_t last;
            uint64_t at = s->head;
            if (n != j->source_of[i]) { continue; }
            if (tpi_merge_need(TPI_MERGE_TIMESTAMP, &map->rules[i], out, &first, &last))
            {
                const uint64_t after = tpi_source_after_time(s, map->rules[i].source, last);
                const bool offset = TPC_RULE_OFFSET == map->rules[i].type;
                at = !offset ? tpi_source_from_time(s, map->rules[i].source, first) : after > s->head ? after - 1 : s->head;
            }
            if (at < keep) { keep = at; }
        }
        while (s->head != keep) { tpi_source_retire(s, TP_UNJOINED_PASSED); }
    }
}

static void reject_all(tp_join_t *j)
{
    for (uint32_t n = 0; n < j->source_count; n++) { tpi_source_retire_all(&j->sources[n], TP_UNJOINED_REJECTED); }
}

/* ---- by an anchor ------------------------------------------------------------------------------------------------------- */

static uint32_t anchor_rule_of(const tp_join_t *j)
{
    const tpi_merge_map_t *map = &j->barrier->join->map;
    for (uint32_t i = 0; i < map->rule_count; i++)
    {
        if (0 == j->options.anchor_stream_id || map->rules[i].input_stream_id == j->options.anchor_stream_id) { return i; }
    }
    return UINT32_MAX;
}

/* The output that this time of the anchor's input asks for. */
static bool output_of(const tpi_merge_rule_t *rule, uint64_t time, uint64_t *out)
{
    *out = time;
    if (TPC_RULE_OFFSET != rule->type) { return true; }
    const uint64_t shift = rule->offset >= 0 ? (uint64_t)rule->offset : 0 - (uint64_t)rule->offset;
    if (rule->offset >= 0 ? time < shift : time >= UINT64_MAX - shift) { return false; }
    *out = rule->offset >= 0 ? time - shift : time + shift;
    return true;
}

/* false: nothing more can be done now. */
static bool try_frame(tp_join_t *j, uint32_t rule, uint64_t at, int *made)
{
    const tpi_merge_map_t *map = &j->barrier->join->map;
    tpi_waiting_t *f = tpi_source_at(&j->sources[j->source_of[rule]], at);
    tpi_join_result_t result = { .answer = TPI_JOIN_REJECTED, .reason = TPI_JOIN_OUT_TIME_BACK };
    uint64_t out;
    const bool applies = output_of(&map->rules[rule], tpi_waiting_time(f, map->rules[rule].source), &out);
    if (applies) { (void)tpi_join_timestamp_is_ready(j->barrier->join, out, map->clock_domain, j->now_ns, &result); }
    if (TPI_JOIN_NOT_READY == result.answer) { return false; }
    if (TPI_JOIN_REJECTED == result.answer && TPI_JOIN_OUT_TIME_BACK != result.reason)
    {
        reject_all(j);
        return false;
    }
    j->tried = f->seq;                                     /* J-070: once, whatever its slots hold */
    j->tried_set = true;
    if (TPI_JOIN_REJECTED == result.answer)
    {
        if (TP_UNJOINED_REASONS == f->why) { f->why = (uint8_t)(applies ? TP_UNJOINED_REJECTED : TP_UNJOINED_PASSED); }
        return true;
    }
    if (try_output(j, &result, out, rule, at)) { ++*made; }
    else if (TP_UNJOINED_REASONS == f->why) { f->why = TP_UNJOINED_PARTNER; }
    if (tpi_join_goes_on(j)) { retire(j, out); }
    return true;
}

static int run_anchor(tp_join_t *j, int limit)
{
    const uint32_t rule = anchor_rule_of(j);
    int made = 0;
    if (UINT32_MAX == rule || TPI_NO_SOURCE == j->source_of[rule]) { return 0; }
    const tpi_join_source_t *s = &j->sources[j->source_of[rule]];
    if (tpi_stat_get(&s->epoch) != j->tried_epoch)
    {
        j->tried_epoch = tpi_stat_get(&s->epoch);
        j->tried_set = false;
    }
    while (made < limit && tpi_join_goes_on(j))
    {
        const uint64_t at = j->tried_set ? tpi_source_from_seq(s, j->tried + 1) : s->head;
        if (at == s->tail || !try_frame(j, rule, at, &made)) { break; }
    }
    return made;
}

/* ---- by a period -------------------------------------------------------------------------------------------------------- */

static int run_period(tp_join_t *j, int limit)
{
    tpi_join_t *join = j->barrier->join;
    const bool real = TPC_CLOCK_REALTIME_SYNCED == join->map.clock_domain;
    const uint64_t clock_ns = (uint64_t)(real ? tpi_clock_realtime_ns() : j->now_ns);
    const uint64_t period_ns = (uint64_t)j->options.period_ns;
    int made = 0;
    if (0 == j->next_time || j->next_domain != join->map.clock_domain)
    {
        j->next_domain = join->map.clock_domain;
        j->next_time = clock_ns / period_ns * period_ns;
    }
    for (int tries = 0; tries < TRIES_MAX && made < limit && j->next_time <= clock_ns && tpi_join_goes_on(j); tries++)
    {
        tpi_join_result_t result;
        const tpi_join_answer_t answer = tpi_join_timestamp_is_ready(join, j->next_time, join->map.clock_domain, j->now_ns, &result);
        if (TPI_JOIN_NOT_READY == answer) { break; }
        if (TPI_JOIN_REJECTED == answer) { reject_all(j); }
        else
        {
            made += try_output(j, &result, j->next_time, UINT32_MAX, 0) ? 1 : 0;
            if (tpi_join_goes_on(j)) { retire(j, j->next_time); }
        }
        j->next_time += period_ns;
    }
    return made;
}

int tpi_join_run_timestamp(tp_join_t *join, int limit)
{
    if (TPI_JOIN_MAP_ACTIVE != join->barrier->join->map_state) { return 0; }
    return 0 != join->options.period_ns ? run_period(join, limit) : run_anchor(join, limit);
}
