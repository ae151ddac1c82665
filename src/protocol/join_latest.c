/* LatestValueJoinBarrier, 50-join-barrier.md 6.3. State is that of the join. */
#include "protocol/join_latest.h"

/* Newest frame by the order in use. */
static bool candidate(const tpi_join_t *join, const tpi_join_input_t *input, uint64_t *seq)
{
    const bool by_time = TPI_JOIN_BY_TIME == join->options.order;                                                   /* J-082 */
    *seq = by_time ? input->time_seq : input->seq;
    return by_time ? input->time_set : input->seq_set && input->seq >= input->min_seq;                              /* J-080 */
}

static unsigned mark_of(const tpi_join_t *join, const tpi_join_input_t *input, int64_t now_ns, uint64_t *seq)
{
    const unsigned objection = TPI_JOIN_BY_TIME == join->options.order ? tpi_join_time_objection(join, input) : 0;
    if (0 != objection) { return objection; }
    if (!candidate(join, input, seq)) { return TPI_JOIN_MARK_MISSING; }                                             /* J-073 J-074 */
    if (tpi_join_is_stale(join, input, now_ns)) { return TPI_JOIN_MARK_ABSENT; }                                    /* O-6 */
    return input->failed_set && input->failed_seq == *seq ? TPI_JOIN_MARK_MISSING : 0;                              /* J-078 J-118 */
}

tpi_join_answer_t tpi_join_latest_is_ready(tpi_join_t *join, int64_t now_ns, tpi_join_result_t *result)
{
    if (!tpi_join_begin(join, TPI_JOIN_LATEST, result)) { return result->answer; }
    if (TPI_JOIN_BY_TIME == join->options.order && TPI_MERGE_TIMESTAMP != join->map.kind)                           /* J-084 */
    {
        return tpi_join_answer(join, TPI_JOIN_REJECTED, TPI_JOIN_NO_CLOCK_DOMAIN, result);
    }
    tpi_join_tally_t tally = { 0 };
    uint32_t selected = 0;
    for (uint32_t i = 0; i < join->map.rule_count; i++)
    {
        const tpi_join_input_t *input = &join->inputs[i];
        uint64_t seq = 0;
        if (input->first != i) { continue; }                                                                        /* O-13 */
        tally.asked++;
        const unsigned mark = mark_of(join, input, now_ns, &seq);
        if (0 != mark) { tpi_join_mark(join, &tally, i, mark); }
        else
        {
            join->selected[selected++] = (tpi_join_selected_t){ .input_stream_id = join->map.rules[i].input_stream_id, .epoch = input->epoch,
                .seq = seq };                                                                                       /* J-075 J-076 J-081 J-086 */
        }
    }
    if (TPI_JOIN_READY == tpi_join_conclude(join, &tally, result))
    {
        result->selected = join->selected;
        result->selected_count = selected;
    }
    return result->answer;
}

void tpi_join_latest_failed(tpi_join_t *join, const tpi_join_selected_t *frame, tpi_join_result_t *result)
{
    join->seen[TPI_JOIN_FRAME_FAILED]++;
    for (uint32_t i = 0; i < join->map.rule_count; i++)
    {
        tpi_join_input_t *input = &join->inputs[i];
        uint64_t newest;
        if (join->map.rules[i].input_stream_id != frame->input_stream_id || !input->epoch_set || input->epoch != frame->epoch) { continue; }
        if (!candidate(join, input, &newest) || newest != frame->seq) { continue; }                                 /* J-118 */
        input->failed_seq = frame->seq;
        input->failed_set = true;
    }
    if (TPI_JOIN_READY == result->answer)
    {
        join->listed_count = 0;
        join->checks[TPI_JOIN_FAILED]++;
        result->answer = TPI_JOIN_NOT_READY;                                                                        /* J-078 */
        result->reason = TPI_JOIN_FAILED;
    }
    for (uint32_t i = 0; i < join->listed_count; i++)
    {
        if (join->listed[i] == frame->input_stream_id) { return; }
    }
    if (join->listed_count == join->options.rule_capacity) { return; }
    join->listed[join->listed_count++] = frame->input_stream_id;                                                    /* J-077 */
    result->stream_count = join->listed_count;
}
