/*
 * One output being made: slots are looked at once, here, and what fails is dropped. Views point into shared memory; their tensors are copied, since a
 * consumer keeps that of its last read only. Consumers are held meanwhile, so that no mapping changes under a view. The join's thread; hot.
 */
#include "client/join_state.h"

void tpi_output_begin(tp_join_t *join) { join->view_count = 0; }

static bool read_frame(tp_join_t *j, uint32_t source, tpi_waiting_t *f)
{
    tpi_join_source_t *s = &j->sources[source];
    tp_frame_view_t *view = &j->views[j->view_count];
    tpi_drop_reason_t reason = TPI_DROP_NOT_MAPPED;
    if (f->is_spent) { return false; }                                                     /* J-007 J-071 */
    const bool is_held = s->is_held && tpi_consumer_held_epoch(s->consumer) == tpi_stat_get(&s->epoch);
    if (!is_held || 1 != tpi_consumer_read(s->consumer, f->seq, view, &reason))
    {
        f->is_spent = true;
        f->why = (uint8_t)tpi_unjoined_of_drop(reason);                                    /* J-008 J-071 */
        return false;
    }
    j->tensors[j->view_count] = *view->tensor;
    view->tensor = &j->tensors[j->view_count];
    view->publish_timestamp_ns = f->published_ns;
    view->trace_id = f->trace_id;
    view->flags = f->flags;                                                                /* L-108 */
    if (TP_NULL_U32 == view->meta_version) { view->meta_version = f->meta_version; }
    j->frames[j->view_count] = f;
    j->frame_sources[j->view_count] = source;
    j->view_count++;
    return true;
}

static void describe(tp_join_t *j, uint32_t input, uint32_t rule, tp_joined_state_t state, uint32_t first_view, uint32_t lost)
{
    const uint32_t count = j->view_count - first_view;
    j->inputs[input] = (tp_joined_input_t){ .stream_id = j->barrier->join->map.rules[rule].input_stream_id, .state = (uint32_t)state,
        .views = 0 == count ? NULL : &j->views[first_view], .view_count = count, .lost_count = lost };
}

bool tpi_output_take(tp_join_t *join, uint32_t input, uint32_t rule, uint64_t from, uint64_t to)
{
    tp_join_t *j = join;
    const uint32_t source = j->source_of[rule];
    const uint32_t first_view = j->view_count;
    const uint32_t others = j->barrier->join->map.rule_count - rule - 1;           /* one view each stays free for them */
    const uint32_t room = j->options.view_capacity - j->view_count > others ? j->options.view_capacity - j->view_count - others : 0;
    uint32_t lost = 0;
    while (to - from > room) { from++; lost++; }
    for (uint64_t at = from; at != to; at++)                                               /* J-024 */
    {
        if (!read_frame(j, source, tpi_source_at(&j->sources[source], at))) { lost++; }    /* J-025 */
    }
    const bool found = j->view_count > first_view;
    describe(j, input, rule, found ? TP_JOINED_PRESENT : TP_JOINED_EMPTY, first_view, lost);
    return found;
}

void tpi_output_leave_out(tp_join_t *join, uint32_t input, uint32_t rule, tp_joined_state_t state)
{
    const uint32_t source = join->source_of[rule];
    describe(join, input, rule, state, join->view_count, 0);
    if (TPI_NO_SOURCE != source) { tpi_stat_add(&join->sources[source].absent, 1); }
}

static uint64_t skew_of(const tp_join_t *j, uint32_t input_count)
{
    uint64_t low = TP_NULL_U64;
    uint64_t high = 0;
    uint32_t known = 0;
    for (uint32_t i = 0; i < input_count; i++)
    {
        if (0 == j->inputs[i].view_count) { continue; }
        const uint64_t time = j->inputs[i].views[j->inputs[i].view_count - 1].timestamp_ns;
        if (TP_NULL_U64 == time) { continue; }
        known++;
        if (time < low) { low = time; }
        if (time > high) { high = time; }
    }
    return known < 2 ? TP_NULL_U64 : high - low;
}

void tpi_output_deliver(tp_join_t *join, uint32_t input_count, uint64_t out_seq, uint64_t out_time_ns)
{
    tp_join_t *j = join;
    tp_joined_t joined = { .size = sizeof(joined), .kind = j->options.kind, .epoch = j->barrier->join->epoch, .out_seq = out_seq,
        .out_time_ns = out_time_ns, .inputs = j->inputs, .input_count = input_count, .views = j->views, .view_count = j->view_count,
        .skew_ns = skew_of(j, input_count) };
    for (uint32_t i = 0; i < input_count; i++)
    {
        if (TP_JOINED_PRESENT != j->inputs[i].state) { joined.absent_count++; }            /* J-050 */
    }
    if (0 != joined.absent_count) { tpi_stat_add(&j->partial, 1); }
    tpi_stat_add(&j->outputs, 1);
    if (NULL != j->on_joined)
    {
        j->in_handler = true;
        j->on_joined(j->clientd, &joined);
        j->in_handler = false;
    }
    for (uint32_t i = 0; i < j->view_count; i++) { tpi_source_mark_joined(&j->sources[j->frame_sources[i]], j->frames[i]); }
}

/* Only this attempt ends; what was observed stays. */
void tpi_output_give_up(tp_join_t *join)
{
    for (uint32_t i = 0; i < join->view_count; i++)
    {
        if (TP_UNJOINED_REASONS == join->frames[i]->why) { join->frames[i]->why = TP_UNJOINED_PARTNER; }
    }
    join->view_count = 0;
    tpi_stat_add(&join->given_up, 1);
}

const tp_joined_input_t *tp_joined_input(const tp_joined_t *joined, uint32_t stream_id)
{
    for (uint32_t i = 0; NULL != joined && i < joined->input_count; i++)
    {
        if (stream_id == joined->inputs[i].stream_id) { return &joined->inputs[i]; }
    }
    return NULL;
}

bool tp_joined_is_valid(const tp_joined_t *joined)
{
    bool valid = NULL != joined;
    for (uint32_t i = 0; NULL != joined && i < joined->view_count; i++) { valid = tp_frame_view_is_valid(&joined->views[i]) && valid; }
    return valid;
}
