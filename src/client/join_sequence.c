/*
 * Outputs aligned by sequence numbers, one after the other. An output whose frames were never announced to us, or are gone, is passed: a join never
 * stands still for what cannot come any more. The join's thread; hot.
 */
#include "protocol/join_sequence.h"

#include "client/join_state.h"

#define TRIES_MAX 65536                /* outputs looked at in one poll */

static bool is_offset(const tpi_merge_rule_t *rule) { return TPC_RULE_OFFSET == rule->type; }

/* The output that needs that frame of an offset rule, or the first one after it. */
static uint64_t output_of(const tpi_merge_rule_t *rule, uint64_t seq)
{
    if (rule->offset >= 0) { return seq > (uint64_t)rule->offset ? seq - (uint64_t)rule->offset : 0; }
    const uint64_t back = (uint64_t)-rule->offset;
    return seq > UINT64_MAX - back ? UINT64_MAX : seq + back;
}

/* The oldest frame of a rule's input that can still be had. false: none was seen. */
static bool oldest_of(const tp_join_t *j, uint32_t rule, uint64_t *seq)
{
    const tpi_join_input_t *input = &j->barrier->join->inputs[rule];
    if (TPI_NO_SOURCE == j->source_of[rule] || !input->seq_set) { return false; }
    const tpi_join_source_t *s = &j->sources[j->source_of[rule]];
    *seq = s->head != s->tail ? tpi_source_at(s, s->head)->seq : input->seq + 1;
    return true;
}

/* The first output whose inputs were all observed from their beginning on. */
static bool find_start(tp_join_t *j)
{
    const tpi_merge_map_t *map = &j->barrier->join->map;
    uint64_t start = 0;
    for (uint32_t i = 0; i < map->rule_count; i++)
    {
        uint64_t oldest;
        if (!oldest_of(j, i, &oldest)) { return false; }
        const uint64_t lead = is_offset(&map->rules[i]) ? 0 : map->rules[i].window - 1;
        const uint64_t first = is_offset(&map->rules[i]) ? output_of(&map->rules[i], oldest) : oldest > lead ? oldest : lead;
        if (first > start) { start = first; }
    }
    j->next = start;
    j->next_set = 0 != map->rule_count;
    return j->next_set;
}

/* What is before the next output is needed no more. */
static void retire(tp_join_t *j, tp_unjoined_t why)
{
    const tpi_merge_map_t *map = &j->barrier->join->map;
    for (uint32_t n = 0; n < j->source_count; n++)
    {
        tpi_join_source_t *s = &j->sources[n];
        uint64_t keep = UINT64_MAX;
        if (!s->is_named) { continue; }
        for (uint32_t i = 0; i < map->rule_count; i++)
        {
            uint64_t first = 0;
            uint64_t last;
            if (n != j->source_of[i]) { continue; }
            if (!tpi_merge_need(TPI_MERGE_SEQUENCE, &map->rules[i], j->next, &first, &last)) { first = 0; }
            if (first < keep) { keep = first; }
        }
        while (s->head != s->tail && tpi_source_at(s, s->head)->seq < keep) { tpi_source_retire(s, why); }
    }
}

/* Over outputs that cannot be made any more, in one step. without: what that result lists is left out, NULL = nothing. false: there are none. */
static bool pass(tp_join_t *j, const tpi_join_result_t *without)
{
    const tpi_merge_map_t *map = &j->barrier->join->map;
    uint64_t low = 0;
    uint64_t window_low = UINT64_MAX;
    bool has_offset = false;
    for (uint32_t i = 0; i < map->rule_count; i++)
    {
        uint64_t oldest;
        const bool offset = is_offset(&map->rules[i]);
        if (NULL != without && tpi_result_lists(without, map->rules[i].input_stream_id)) { continue; }
        has_offset = has_offset || offset;
        if (!oldest_of(j, i, &oldest)) { continue; }
        if (!offset && oldest < window_low) { window_low = oldest; }
        if (offset && output_of(&map->rules[i], oldest) > low) { low = output_of(&map->rules[i], oldest); }
    }
    if (!has_offset && UINT64_MAX != window_low) { low = window_low; }
    if (low <= j->next) { return false; }
    tpi_stat_add(&j->passed, low - j->next);
    j->next = low;
    retire(j, TP_UNJOINED_PARTNER);
    return true;
}

static bool find(const tp_join_t *j, uint32_t rule, uint64_t seq, uint64_t *at)
{
    const tpi_join_source_t *s = &j->sources[j->source_of[rule]];
    *at = tpi_source_from_seq(s, seq);
    return *at != s->tail && tpi_source_at(s, *at)->seq == seq;
}

/* Frames of this output alone go with it. */
static void give_up(tp_join_t *j)
{
    const tpi_merge_map_t *map = &j->barrier->join->map;
    for (uint32_t i = 0; i < map->rule_count; i++)
    {
        uint64_t first;
        uint64_t last;
        uint64_t at;
        if (!is_offset(&map->rules[i]) || TPI_NO_SOURCE == j->source_of[i]) { continue; }
        if (!tpi_merge_need(TPI_MERGE_SEQUENCE, &map->rules[i], j->next, &first, &last) || !find(j, i, last, &at)) { continue; }
        tpi_waiting_t *f = tpi_source_at(&j->sources[j->source_of[i]], at);
        if (TP_UNJOINED_REASONS == f->why) { f->why = TP_UNJOINED_PARTNER; }
    }
    tpi_output_give_up(j);
}

static bool take(tp_join_t *j, uint32_t i)
{
    const tpi_merge_rule_t *rule = &j->barrier->join->map.rules[i];
    const tpi_join_source_t *s = &j->sources[j->source_of[i]];
    uint64_t first;
    uint64_t last;
    uint64_t at;
    if (!tpi_merge_need(TPI_MERGE_SEQUENCE, rule, j->next, &first, &last)) { return false; }
    if (is_offset(rule)) { return find(j, i, last, &at) && tpi_output_take(j, i, i, at, at + 1); }
    const uint64_t to = UINT64_MAX == last ? s->tail : tpi_source_from_seq(s, last + 1);
    (void)tpi_output_take(j, i, i, tpi_source_from_seq(s, first), to);                     /* J-024 J-025 */
    return true;
}

static bool try_output(tp_join_t *j, const tpi_join_result_t *result)
{
    const tpi_merge_map_t *map = &j->barrier->join->map;
    tpi_output_begin(j);
    for (uint32_t i = 0; i < map->rule_count; i++)
    {
        if (TPI_NO_SOURCE == j->source_of[i] || tpi_result_lists(result, map->rules[i].input_stream_id))
        {
            tpi_output_leave_out(j, i, i, TP_JOINED_ABSENT);
        }
        else if (!take(j, i))                                                             /* J-006: this attempt ends, nothing else */
        {
            give_up(j);
            return false;
        }
    }
    if (0 == j->view_count)
    {
        give_up(j);
        return false;
    }
    tpi_output_deliver(j, map->rule_count, j->next, TP_NULL_U64);
    return true;
}

int tpi_join_run_sequence(tp_join_t *join, int limit)
{
    tp_join_t *j = join;
    tpi_join_result_t result;
    int made = 0;
    for (int tries = 0; tries < TRIES_MAX && made < limit && tpi_join_goes_on(j); tries++)
    {
        if (!j->next_set && !find_start(j)) { break; }
        (void)pass(j, NULL);
        if (TPI_JOIN_READY != tpi_join_sequence_is_ready(j->barrier->join, j->next, j->now_ns, &result)) { break; }
        if (pass(j, &result)) { continue; }                /* an input that is left out asks for no output between those of the others */
        made += try_output(j, &result) ? 1 : 0;
        j->next++;                                         /* J-004: once, whether its slots are committed or not */
        if (tpi_join_goes_on(j)) { retire(j, TP_UNJOINED_PASSED); }
    }
    return made;
}
