/* TimestampJoinBarrier, 50-join-barrier.md 6.2. State is that of the join. */
#include "protocol/join_timestamp.h"

static bool has_reached(const tpi_join_t *join, const tpi_join_input_t *input, uint64_t limit)
{
    const bool observed = input->time_set && input->time >= limit;                                                  /* J-052 J-067 */
    if (!observed || !join->options.require_processed) { return observed; }
    return input->processed_time_set && input->processed_time >= limit;                                             /* J-053 */
}

static unsigned mark_of(const tpi_join_t *join, uint32_t i, uint64_t out_time, int64_t now_ns)
{
    const tpi_join_input_t *input = &join->inputs[i];
    uint64_t first;
    uint64_t need;
    const unsigned objection = tpi_join_time_objection(join, input);
    if (0 != objection) { return objection; }
    if (!tpi_merge_need(TPI_MERGE_TIMESTAMP, &join->map.rules[i], out_time, &first, &need)) { return TPI_JOIN_MARK_MISSING; }   /* J-033 J-036 O-6 */
    if (has_reached(join, input, tpi_merge_limit(need, join->map.lateness_ns))) { return 0; }                       /* J-062 J-064 J-065 */
    return tpi_join_is_stale(join, input, now_ns) ? TPI_JOIN_MARK_ABSENT : TPI_JOIN_MARK_MISSING;
}

tpi_join_answer_t tpi_join_timestamp_is_ready(tpi_join_t *join, uint64_t out_time, uint8_t out_domain, int64_t now_ns, tpi_join_result_t *result)
{
    if (!tpi_join_begin(join, TPI_JOIN_TIMESTAMP, result)) { return result->answer; }
    if (out_domain != join->map.clock_domain)                                                                       /* J-061 J-069 */
    {
        return tpi_join_answer(join, TPI_JOIN_REJECTED, TPI_JOIN_OUT_DOMAIN, result);
    }
    if (TP_NULL_U64 == out_time) { return tpi_join_answer(join, TPI_JOIN_NOT_READY, TPI_JOIN_NULL_TIME, result); }
    if (join->last_out_set && out_time < join->last_out)                                                            /* J-068 */
    {
        return tpi_join_answer(join, TPI_JOIN_REJECTED, TPI_JOIN_OUT_TIME_BACK, result);
    }
    join->last_out = out_time;
    join->last_out_set = true;
    tpi_join_tally_t tally = { .asked = join->map.rule_count };
    for (uint32_t i = 0; i < join->map.rule_count; i++)
    {
        const unsigned mark = mark_of(join, i, out_time, now_ns);
        if (0 != mark) { tpi_join_mark(join, &tally, i, mark); }
    }
    return tpi_join_conclude(join, &tally, result);                                                                 /* J-054 */
}
