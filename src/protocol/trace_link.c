/* Owns no state. Parents are at most 256, so that comparing each with each is bounded: 32640 comparisons for a message of 2 KiB. */
#include "protocol/trace_link.h"

#include <string.h>

const char *tpi_trace_verdict_text(int verdict)
{
    static const char *const texts[TPI_TRACE_VERDICTS] = { "good", "not a TraceLinkSet", "malformed", "the output has no trace id", "no parent",
        "more than 256 parents", "a parent without trace id", "the output is its own parent", "a parent twice", "not the frame last published" };
    return verdict >= 0 && verdict < TPI_TRACE_VERDICTS ? texts[verdict] : "unknown";
}

/* ---- inputs ---- */

void tpi_trace_inputs_clear(tpi_trace_inputs_t *inputs) { inputs->frames = inputs->count = inputs->too_many = 0; }

static bool is_among(const uint64_t *ids, uint32_t count, uint64_t id)
{
    for (uint32_t i = 0; i < count; i++)
    {
        if (id == ids[i]) { return true; }
    }
    return false;
}

void tpi_trace_inputs_add(tpi_trace_inputs_t *inputs, uint64_t trace_id)
{
    if (inputs->frames < UINT32_MAX) { inputs->frames++; }
    if (0 == trace_id) { return; }                                                          /* T-038 O-8 */
    if (is_among(inputs->ids, inputs->count, trace_id)) { return; }                         /* T-041 O-7 */
    if (TPC_PARENTS_MAX == inputs->count)
    {
        if (inputs->too_many < UINT32_MAX) { inputs->too_many++; }                          /* T-037 O-12: not all of them, so none */
        return;
    }
    inputs->ids[inputs->count++] = trace_id;                                                /* T-037 T-042 */
}

/* ---- propagation ---- */

static tpi_trace_rule_t made_new(bool sends_links) { return (tpi_trace_rule_t){ .source = TPI_TRACE_NEW, .sends_links = sends_links }; }

tpi_trace_rule_t tpi_trace_decide(tpi_trace_stage_t stage, const tpi_trace_inputs_t *inputs)
{
    const bool has_parents = 0 != inputs->count && 0 == inputs->too_many;
    switch (stage)
    {
        case TPI_TRACE_OFF: break;                                                          /* T-027 */
        case TPI_TRACE_ROOT: return made_new(false);                                        /* T-020 */
        case TPI_TRACE_WINDOW: return made_new(false);
        case TPI_TRACE_RETAG: return made_new(has_parents);                                 /* T-025 O-10 */
        case TPI_TRACE_JOIN: return made_new(has_parents);                                  /* T-022 T-023 */
        case TPI_TRACE_FILTER:
            if (inputs->frames > 1) { return made_new(has_parents); }
            if (0 == inputs->count) { return made_new(false); }                             /* T-028 O-9 */
            return (tpi_trace_rule_t){ .source = TPI_TRACE_KEEP, .kept = inputs->ids[0] };  /* T-021 T-024 */
    }
    return (tpi_trace_rule_t){ .source = TPI_TRACE_NONE };
}

/* ---- sets ---- */

tpi_trace_verdict_t tpi_trace_set_check(const tpc_trace_link_set_t *set)
{
    if (0 == set->trace_id) { return TPI_TRACE_NO_OUTPUT; }
    if (0 == set->parent_count) { return TPI_TRACE_NO_PARENT; }                             /* T-040 */
    if (set->parent_count > TPC_PARENTS_MAX) { return TPI_TRACE_TOO_MANY; }                 /* O-12 */
    for (uint32_t i = 0; i < set->parent_count; i++)
    {
        if (0 == set->parents[i]) { return TPI_TRACE_ZERO_PARENT; }                         /* T-038 */
        if (set->trace_id == set->parents[i]) { return TPI_TRACE_SELF_PARENT; }             /* T-050 O-14 */
        if (is_among(set->parents, i, set->parents[i])) { return TPI_TRACE_REPEATED_PARENT; }   /* T-041 */
    }
    return TPI_TRACE_GOOD;
}

tpi_trace_verdict_t tpi_trace_set_build(tpc_trace_link_set_t *set, const tpc_frame_descriptor_t *output, const tpi_trace_inputs_t *inputs)
{
    tpc_trace_link_set_t made = TPC_TRACE_LINK_SET_INIT;
    if (0 != inputs->too_many) { return TPI_TRACE_TOO_MANY; }                               /* T-037 */
    made.stream_id = output->stream_id;                                                     /* T-035: these three */
    made.epoch = output->epoch;
    made.seq = output->seq;
    made.trace_id = output->trace_id;                                                       /* T-036 */
    made.parent_count = inputs->count;                                                      /* T-037 */
    memcpy(made.parents, inputs->ids, inputs->count * sizeof(inputs->ids[0]));              /* T-042 */
    const tpi_trace_verdict_t verdict = tpi_trace_set_check(&made);
    if (TPI_TRACE_GOOD == verdict) { *set = made; }
    return verdict;
}

/* ---- outputs ---- */

void tpi_trace_outputs_reset(tpi_trace_outputs_t *outputs, tpi_trace_published_t *slots, uint32_t nslots, uint32_t stream_id, uint64_t epoch)
{
    outputs->stream_id = stream_id;
    outputs->epoch = epoch;
    outputs->nslots = nslots;
    outputs->slots = slots;
    for (uint32_t i = 0; i < nslots; i++) { slots[i] = (tpi_trace_published_t){ .seq = TP_NULL_U64 }; }
}

static tpi_trace_published_t *slot_of(const tpi_trace_outputs_t *outputs, uint64_t seq) { return &outputs->slots[seq & (outputs->nslots - 1)]; }

void tpi_trace_outputs_note(tpi_trace_outputs_t *outputs, const tpc_frame_descriptor_t *descriptor)
{
    if (outputs->stream_id != descriptor->stream_id || outputs->epoch != descriptor->epoch) { return; }
    tpi_trace_outputs_put(outputs, descriptor->seq, descriptor->trace_id);
}

static tpi_trace_verdict_t judge(const tpi_trace_outputs_t *outputs, const tpc_trace_link_set_t *set)
{
    const tpi_trace_verdict_t verdict = tpi_trace_set_check(set);
    if (TPI_TRACE_GOOD != verdict) { return verdict; }
    if (outputs->stream_id != set->stream_id || outputs->epoch != set->epoch) { return TPI_TRACE_OTHER_FRAME; }     /* T-035 */
    const tpi_trace_published_t *const published = slot_of(outputs, set->seq);
    if (published->seq != set->seq) { return TPI_TRACE_OTHER_FRAME; }                       /* T-035 */
    if (published->trace_id != set->trace_id) { return TPI_TRACE_OTHER_FRAME; }             /* T-036 */
    return TPI_TRACE_GOOD;
}

tpi_trace_verdict_t tpi_trace_outputs_check(tpi_trace_outputs_t *outputs, const tpc_trace_link_set_t *set)
{
    const tpi_trace_verdict_t verdict = judge(outputs, set);
    if (TPI_TRACE_GOOD != verdict) { outputs->refused[verdict]++; }
    return verdict;
}

/* ---- receiver ---- */

static tpi_trace_verdict_t read_set(tpc_trace_link_set_t *set, const uint8_t *data, size_t length)
{
    tpc_header_t header;
    if (TPC_OK != tpc_header_decode(&header, data, length)) { return TPI_TRACE_FOREIGN; }
    if (TPC_TRACELINK_SCHEMA != header.schema_id || TPC_TRACE_LINK_SET != header.template_id) { return TPI_TRACE_FOREIGN; }   /* T-043 */
    const int decoded = tpc_trace_link_set_decode(set, data, length);
    if (TPC_TOO_MANY == decoded) { return TPI_TRACE_TOO_MANY; }
    return TPC_OK == decoded ? tpi_trace_set_check(set) : TPI_TRACE_MALFORMED;              /* O-20 */
}

tpi_trace_verdict_t tpi_trace_receive(tpi_trace_receiver_t *receiver, tpc_trace_link_set_t *set, const uint8_t *data, size_t length)
{
    const tpi_trace_verdict_t verdict = read_set(set, data, length);
    receiver->seen[verdict]++;
    return verdict;
}
