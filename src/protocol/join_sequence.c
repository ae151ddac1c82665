/* SequenceJoinBarrier, 50-join-barrier.md 6.1. State is that of the join. */
#include "protocol/join_sequence.h"

static bool has_reached(const tpi_join_t *join, const tpi_join_input_t *input, uint64_t need)
{
    const bool observed = input->seq_set && input->seq >= need;                                                     /* J-042 */
    if (!observed || !join->options.require_processed) { return observed; }
    return input->processed_seq_set && input->processed_seq >= need;                                                /* J-043 */
}

tpi_join_answer_t tpi_join_sequence_is_ready(tpi_join_t *join, uint64_t out_seq, int64_t now_ns, tpi_join_result_t *result)
{
    if (!tpi_join_begin(join, TPI_JOIN_SEQUENCE, result)) { return result->answer; }
    tpi_join_tally_t tally = { .asked = join->map.rule_count };
    for (uint32_t i = 0; i < join->map.rule_count; i++)
    {
        uint64_t first;
        uint64_t need;
        if (!tpi_merge_need(TPI_MERGE_SEQUENCE, &join->map.rules[i], out_seq, &first, &need))
        {
            tpi_join_mark(join, &tally, i, TPI_JOIN_MARK_MISSING);                                                  /* J-020 J-022 O-6 */
            continue;
        }
        if (has_reached(join, &join->inputs[i], need)) { continue; }
        tpi_join_mark(join, &tally, i, tpi_join_is_stale(join, &join->inputs[i], now_ns) ? TPI_JOIN_MARK_ABSENT : TPI_JOIN_MARK_MISSING);
    }
    return tpi_join_conclude(join, &tally, result);                                                                 /* J-044 */
}

bool tpi_join_sequence_is_available(const tpi_join_t *join, uint32_t stream_id, uint64_t out_seq, uint32_t nslots)
{
    bool named = false;
    if (TPI_JOIN_SEQUENCE != join->options.kind || TPI_JOIN_MAP_ACTIVE != join->map_state) { return false; }
    for (uint32_t i = 0; i < join->map.rule_count; i++)
    {
        const tpi_join_input_t *input = &join->inputs[i];
        uint64_t first;
        uint64_t last;
        if (join->map.rules[i].input_stream_id != stream_id) { continue; }
        if (!input->seq_set || !tpi_merge_need(TPI_MERGE_SEQUENCE, &join->map.rules[i], out_seq, &first, &last)) { return false; }
        if (first < input->min_seq || last > input->seq) { return false; }
        if (input->seq - first >= nslots) { return false; }                                                         /* J-026 J-027 */
        named = true;
    }
    return named;
}
