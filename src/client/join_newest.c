/* Outputs of the newest frame of each input, at most one a poll. The join's thread; hot. */
#include "protocol/join_latest.h"

#include "client/join_state.h"

/* All but the newest frame of each input: passed. */
static void retire(tp_join_t *j)
{
    for (uint32_t n = 0; n < j->source_count; n++)
    {
        tpi_join_source_t *s = &j->sources[n];
        while (s->is_named && s->tail - s->head > 1) { tpi_source_retire(s, TP_UNJOINED_PASSED); }
    }
}

static const tpi_join_selected_t *selected_of(const tpi_join_result_t *result, uint32_t stream_id)
{
    for (uint32_t i = 0; i < result->selected_count; i++)
    {
        if (stream_id == result->selected[i].input_stream_id) { return &result->selected[i]; }
    }
    return NULL;
}

static bool take(tp_join_t *j, uint32_t input, uint32_t rule, const tpi_join_selected_t *selected)
{
    const tpi_join_source_t *s = &j->sources[j->source_of[rule]];
    const uint64_t at = tpi_source_from_seq(s, selected->seq);
    return at != s->tail && tpi_source_at(s, at)->seq == selected->seq && tpi_output_take(j, input, rule, at, at + 1);
}

static bool try_output(tp_join_t *j, tpi_join_result_t *result)
{
    const tpi_merge_map_t *map = &j->barrier->join->map;
    const tpi_join_result_t ready = *result;
    uint32_t inputs = 0;
    tpi_output_begin(j);
    for (uint32_t i = 0; i < map->rule_count; i++)
    {
        if (i != j->barrier->join->inputs[i].first) { continue; }
        const tpi_join_selected_t *selected = selected_of(&ready, map->rules[i].input_stream_id);
        if (NULL == selected || TPI_NO_SOURCE == j->source_of[i]) { tpi_output_leave_out(j, inputs, i, TP_JOINED_ABSENT); }
        else if (!take(j, inputs, i, selected)) { tpi_join_latest_failed(j->barrier->join, selected, result); }        /* J-087: no second try */
        inputs++;
    }
    if (TPI_JOIN_READY != result->answer)
    {
        tpi_output_give_up(j);
        return false;
    }
    tpi_output_deliver(j, inputs, j->number++, TP_NULL_U64);
    return true;
}

int tpi_join_run_latest(tp_join_t *join)
{
    tp_join_t *j = join;
    tpi_join_result_t result;
    retire(j);
    if (0 != j->options.period_ns)
    {
        if (j->now_ns < j->next_tick_ns) { return 0; }
        j->is_due = true;
    }
    if (!j->is_due || TPI_JOIN_READY != tpi_join_latest_is_ready(j->barrier->join, j->now_ns, &result)) { return 0; }
    if (!try_output(j, &result)) { return 0; }             /* due still: again when that input has a newer frame */
    j->is_due = false;
    j->next_tick_ns = j->now_ns - j->now_ns % (0 != j->options.period_ns ? j->options.period_ns : 1) + j->options.period_ns;
    return 1;
}
