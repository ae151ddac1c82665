/* What is seen of the inputs of a join, and what all barriers conclude from it: 50-join-barrier.md 5.2. Hot; owned by the thread of the join. */
#include "protocol/join.h"

#include <string.h>

static bool is_stated(const tpi_join_t *join, uint32_t stream_id)
{
    for (uint32_t i = 0; i < join->options.domain_count; i++)
    {
        if (join->options.domains[i].input_stream_id == stream_id) { return true; }
    }
    return false;
}

/* A later epoch of an input is a hard discontinuity. false: an older epoch. */
static bool follow_epoch(tpi_join_t *join, tpi_join_input_t *input, uint64_t epoch)
{
    if (input->epoch_set && epoch <= input->epoch) { return epoch == input->epoch; }
    if (input->epoch_set) { join->seen[TPI_JOIN_INPUT_RESTARTED]++; }
    *input = (tpi_join_input_t){ .epoch_set = true, .epoch = epoch, .first = input->first, .clock_domain = input->clock_domain };  /* J-079 */
    return true;
}

static void on_time(tpi_join_t *join, tpi_join_input_t *input, uint64_t seq, uint64_t time)
{
    if (TP_NULL_U64 == time)
    {
        join->seen[TPI_JOIN_TIME_NULL]++;
        return;                                                                                                     /* J-056 J-058 */
    }
    if (input->time_set && time < input->time)
    {
        input->rejected = true;                                                                                     /* J-057 J-059 J-066 */
        join->seen[TPI_JOIN_TIME_BACK]++;
        return;
    }
    input->time = time;
    input->time_seq = seq;
    input->time_set = true;
    join->seen[TPI_JOIN_TIME_TAKEN]++;
}

static tpi_join_seen_t frame_of_rule(tpi_join_t *join, uint32_t i, uint64_t epoch, uint64_t seq, uint64_t descriptor_time, int64_t now_ns)
{
    tpi_join_input_t *input = &join->inputs[i];
    if (!follow_epoch(join, input, epoch)) { return TPI_JOIN_FRAME_OLD_EPOCH; }
    input->last_frame_ns = now_ns;
    input->frame_set = true;
    if (input->seq_set && seq <= input->seq) { return TPI_JOIN_FRAME_REPEATED; }                                    /* J-112 O-15 */
    if (!input->seq_set) { input->min_seq = seq; }
    input->seq = seq;                                                                                               /* J-010 J-081 */
    input->seq_set = true;
    if (TPC_TIME_OF_DESCRIPTOR == join->map.rules[i].source) { on_time(join, input, seq, descriptor_time); }
    return TPI_JOIN_FRAME_TAKEN;
}

tpi_join_seen_t tpi_join_on_frame(tpi_join_t *join, uint32_t stream_id, uint64_t epoch, uint64_t seq, uint64_t descriptor_time, int64_t now_ns)
{
    tpi_join_seen_t seen = 0 == join->map.rule_count ? TPI_JOIN_FRAME_NO_MAP : TPI_JOIN_FRAME_NO_INPUT;
    for (uint32_t i = 0; i < join->map.rule_count; i++)
    {
        if (join->map.rules[i].input_stream_id == stream_id)
        {
            seen = frame_of_rule(join, i, epoch, seq, descriptor_time, now_ns);                                     /* O-13 */
        }
    }
    join->seen[seen]++;
    return seen;
}

void tpi_join_on_announce(tpi_join_t *join, uint32_t stream_id, uint64_t epoch, uint8_t clock_domain)
{
    const bool stated = is_stated(join, stream_id);
    for (uint32_t i = 0; i < join->map.rule_count; i++)
    {
        tpi_join_input_t *input = &join->inputs[i];
        if (join->map.rules[i].input_stream_id != stream_id || !follow_epoch(join, input, epoch)) { continue; }
        if (!stated) { input->clock_domain = clock_domain; }                                                        /* O-8 */
    }
}

bool tpi_join_wants_slot_time(const tpi_join_t *join, uint32_t stream_id)
{
    for (uint32_t i = 0; i < join->map.rule_count; i++)
    {
        if (join->map.rules[i].input_stream_id == stream_id && TPC_TIME_OF_SLOT == join->map.rules[i].source) { return true; }
    }
    return false;
}

void tpi_join_on_slot_time(tpi_join_t *join, uint32_t stream_id, uint64_t epoch, uint64_t seq, uint64_t slot_time)
{
    for (uint32_t i = 0; i < join->map.rule_count; i++)
    {
        tpi_join_input_t *input = &join->inputs[i];
        if (join->map.rules[i].input_stream_id != stream_id || TPC_TIME_OF_SLOT != join->map.rules[i].source) { continue; }
        if (!input->epoch_set || epoch != input->epoch) { join->seen[TPI_JOIN_TIME_OTHER_EPOCH]++; }
        else if (input->time_set && seq <= input->time_seq) { join->seen[TPI_JOIN_TIME_REPEATED]++; }
        else { on_time(join, input, seq, slot_time); }
    }
}

/* Whether a processed value moves the record on; counts either way. */
static bool may_raise(tpi_join_t *join, const tpi_join_input_t *input, uint64_t epoch, bool above)
{
    tpi_join_seen_t seen = above ? TPI_JOIN_PROCESSED_TAKEN : TPI_JOIN_PROCESSED_NOT_ABOVE;
    if (!input->epoch_set || epoch != input->epoch) { seen = TPI_JOIN_PROCESSED_OTHER_EPOCH; }
    join->seen[seen]++;
    return TPI_JOIN_PROCESSED_TAKEN == seen;
}

void tpi_join_on_processed_seq(tpi_join_t *join, uint32_t stream_id, uint64_t epoch, uint64_t seq)
{
    for (uint32_t i = 0; i < join->map.rule_count; i++)
    {
        tpi_join_input_t *input = &join->inputs[i];
        if (join->map.rules[i].input_stream_id != stream_id) { continue; }
        if (!may_raise(join, input, epoch, !input->processed_seq_set || seq > input->processed_seq)) { continue; }
        input->processed_seq = seq;
        input->processed_seq_set = true;
    }
}

void tpi_join_on_processed_time(tpi_join_t *join, uint32_t stream_id, uint64_t epoch, uint8_t source, uint64_t time)
{
    if (TP_NULL_U64 == time)
    {
        join->seen[TPI_JOIN_PROCESSED_NULL]++;
        return;
    }
    for (uint32_t i = 0; i < join->map.rule_count; i++)
    {
        tpi_join_input_t *input = &join->inputs[i];
        if (join->map.rules[i].input_stream_id != stream_id || source != join->map.rules[i].source) { continue; }
        if (!may_raise(join, input, epoch, !input->processed_time_set || time > input->processed_time)) { continue; }
        input->processed_time = time;
        input->processed_time_set = true;
    }
}

bool tpi_join_lacks_processed(const tpi_join_t *join)
{
    bool advances = false;
    for (uint32_t i = 0; i < join->map.rule_count; i++)
    {
        const tpi_join_input_t *input = &join->inputs[i];
        if (input->processed_seq_set || input->processed_time_set) { return false; }
        advances = advances || (input->seq_set && input->seq > input->min_seq);
    }
    return join->options.require_processed && advances;
}

/* ---- for the barriers ---- */

bool tpi_join_is_stale(const tpi_join_t *join, const tpi_join_input_t *input, int64_t now_ns)
{
    if (!join->options.allow_stale) { return false; }                                                               /* J-047 */
    if (!input->frame_set || now_ns <= input->last_frame_ns) { return false; }                                      /* O-5 */
    return (uint64_t)now_ns - (uint64_t)input->last_frame_ns > join->map.stale_timeout_ns;                 /* J-048 J-051: null is 2^64 - 1 */
}

unsigned tpi_join_time_objection(const tpi_join_t *join, const tpi_join_input_t *input)
{
    const bool known = TPI_JOIN_DOMAIN_UNKNOWN != input->clock_domain;
    if (known && input->clock_domain != join->map.clock_domain) { return TPI_JOIN_MARK_DOMAIN; }                   /* J-060 J-061 J-085 J-110 */
    if (input->rejected) { return TPI_JOIN_MARK_BACK; }                                                             /* J-066 */
    if (!known) { return TPI_JOIN_MARK_MISSING; }                                                                   /* J-114 */
    return 0;
}

tpi_join_answer_t tpi_join_answer(tpi_join_t *join, tpi_join_answer_t answer, tpi_join_reason_t reason, tpi_join_result_t *result)
{
    join->checks[reason]++;
    *result = (tpi_join_result_t){ .answer = answer, .reason = reason, .streams = join->listed, .stream_count = join->listed_count };
    return answer;
}

bool tpi_join_begin(tpi_join_t *join, tpi_join_kind_t kind, tpi_join_result_t *result)
{
    join->listed_count = 0;
    if (kind != join->options.kind)
    {
        tpi_join_answer(join, TPI_JOIN_REJECTED, TPI_JOIN_WRONG_KIND, result);
        return false;
    }
    if (TPI_JOIN_MAP_ACTIVE != join->map_state)                                                                     /* J-045 */
    {
        tpi_join_answer(join, TPI_JOIN_NOT_READY, TPI_JOIN_MAP_NONE == join->map_state ? TPI_JOIN_NO_MAP : TPI_JOIN_INVALID_MAP, result);
        return false;
    }
    memset(join->marks, 0, join->map.rule_count);
    return true;
}

static void list(tpi_join_t *join, unsigned marks)
{
    for (uint32_t i = 0; i < join->map.rule_count; i++)
    {
        if (0 != (join->marks[i] & marks)) { join->listed[join->listed_count++] = join->map.rules[i].input_stream_id; }          /* J-050 */
    }
}

tpi_join_answer_t tpi_join_conclude(tpi_join_t *join, const tpi_join_tally_t *tally, tpi_join_result_t *result)
{
    const unsigned bad = TPI_JOIN_MARK_DOMAIN | TPI_JOIN_MARK_BACK;
    if (0 != (tally->marks & bad))
    {
        const bool domain = 0 != (tally->marks & TPI_JOIN_MARK_DOMAIN);
        list(join, bad);
        return tpi_join_answer(join, TPI_JOIN_REJECTED, domain ? TPI_JOIN_INPUT_DOMAIN : TPI_JOIN_INPUT_TIME_BACK, result);
    }
    if (0 != (tally->marks & TPI_JOIN_MARK_MISSING))
    {
        list(join, TPI_JOIN_MARK_MISSING);
        return tpi_join_answer(join, TPI_JOIN_NOT_READY, TPI_JOIN_MISSING, result);
    }
    list(join, TPI_JOIN_MARK_ABSENT);
    if (tally->absent == tally->asked) { return tpi_join_answer(join, TPI_JOIN_NOT_READY, TPI_JOIN_ALL_ABSENT, result); }        /* O-6 */
    return tpi_join_answer(join, TPI_JOIN_READY, 0 == tally->absent ? TPI_JOIN_ALL_THERE : TPI_JOIN_SOME_ABSENT, result);        /* J-049 */
}
