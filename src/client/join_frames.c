/*
 * The frames of a join's inputs that wait for their partners. Each one that was announced to us is in exactly one place: joined, waiting, or counted
 * under one reason. The join's thread; hot.
 */
#include "client/join_state.h"

static void count(tpi_join_source_t *s, tp_unjoined_t why) { tpi_stat_add(&s->unjoined[why], 1); }

/* ---- out ---------------------------------------------------------------------------------------------------------------- */

void tpi_source_retire(tpi_join_source_t *source, tp_unjoined_t why)
{
    const tpi_waiting_t *f = tpi_source_at(source, source->head++);
    if (f->is_joined) { return; }
    tpi_stat_set(&source->waiting, tpi_stat_get(&source->waiting) - 1);
    count(source, TP_UNJOINED_REASONS != f->why ? (tp_unjoined_t)f->why : why);
}

void tpi_source_retire_all(tpi_join_source_t *source, tp_unjoined_t why)
{
    while (source->head != source->tail) { tpi_source_retire(source, why); }
}

void tpi_source_mark_joined(tpi_join_source_t *source, tpi_waiting_t *frame)
{
    tpi_join_t *join = source->join->barrier->join;
    if (frame->is_joined) { return; }
    frame->is_joined = true;                                                               /* J-011: consumed once, whatever is made of it */
    tpi_stat_set(&source->waiting, tpi_stat_get(&source->waiting) - 1);
    tpi_stat_add(&source->joined, 1);
    const uint32_t stream_id = tpi_load_u32(&source->stream_id);
    const uint64_t epoch = tpi_stat_get(&source->epoch);
    tpi_join_on_processed_seq(join, stream_id, epoch, frame->seq);
    if (TPI_MERGE_TIMESTAMP != join->map.kind) { return; }
    tpi_join_on_processed_time(join, stream_id, epoch, TPC_TIME_OF_DESCRIPTOR, frame->published_ns);
    if (TP_NULL_U64 != frame->captured_ns) { tpi_join_on_processed_time(join, stream_id, epoch, TPC_TIME_OF_SLOT, frame->captured_ns); }
}

/* ---- looking up --------------------------------------------------------------------------------------------------------- */

uint64_t tpi_source_from_seq(const tpi_join_source_t *source, uint64_t seq)
{
    uint64_t low = source->head;
    uint64_t high = source->tail;
    while (low < high)
    {
        const uint64_t middle = low + (high - low) / 2;
        if (tpi_source_at(source, middle)->seq < seq) { low = middle + 1; }
        else { high = middle; }
    }
    return low;
}

uint64_t tpi_source_from_time(const tpi_join_source_t *source, uint8_t time_source, uint64_t time)
{
    uint64_t low = source->head;
    uint64_t high = source->tail;
    while (low < high)
    {
        const uint64_t middle = low + (high - low) / 2;
        if (tpi_waiting_time(tpi_source_at(source, middle), time_source) < time) { low = middle + 1; }
        else { high = middle; }
    }
    return low;
}

uint64_t tpi_source_after_time(const tpi_join_source_t *source, uint8_t time_source, uint64_t time)
{
    return TP_NULL_U64 == time ? source->tail : tpi_source_from_time(source, time_source, time + 1);
}

/* ---- in ----------------------------------------------------------------------------------------------------------------- */

static tp_unjoined_t of_seen(tpi_join_seen_t seen)
{
    switch (seen)
    {
        case TPI_JOIN_FRAME_NO_MAP: return TP_UNJOINED_NO_MAP;
        case TPI_JOIN_FRAME_NO_INPUT: return TP_UNJOINED_NO_INPUT;
        case TPI_JOIN_FRAME_OLD_EPOCH: return TP_UNJOINED_OLD_EPOCH;
        default: return TP_UNJOINED_REPEATED;
    }
}

tp_unjoined_t tpi_unjoined_of_drop(tpi_drop_reason_t reason)
{
    switch (reason)
    {
        case TPI_DROP_OTHER_SEQ:
        case TPI_DROP_CHANGED: return TP_UNJOINED_OVERWRITTEN;
        case TPI_DROP_UNCOMMITTED: return TP_UNJOINED_UNCOMMITTED;
        case TPI_DROP_NOT_MAPPED: return TP_UNJOINED_NOT_MAPPED;
        default: return TP_UNJOINED_INVALID;
    }
}


/* O-27: the one look at the slot when the frame is announced. TP_UNJOINED_REASONS: the time is there. */
static tp_unjoined_t look_at_slot(tpi_join_source_t *s, tpi_waiting_t *f)
{
    tp_frame_view_t view;
    tpi_drop_reason_t reason;
    if (1 != tpi_consumer_read(s->consumer, f->seq, &view, &reason)) { return tpi_unjoined_of_drop(reason); }
    f->captured_ns = view.timestamp_ns;
    tpi_join_on_slot_time(s->join->barrier->join, view.stream_id, view.epoch, f->seq, view.timestamp_ns);
    return TP_UNJOINED_REASONS;
}

/* Whether the times that the rules ask for are there and in order. */
static tp_unjoined_t judge_times(const tpi_join_source_t *s, const tpi_waiting_t *f)
{
    const tpi_join_t *join = s->join->barrier->join;
    const uint32_t stream_id = tpi_load_u32(&s->stream_id);
    for (uint32_t i = 0; i < join->map.rule_count; i++)
    {
        if (join->map.rules[i].input_stream_id != stream_id) { continue; }
        if (TP_NULL_U64 == tpi_waiting_time(f, join->map.rules[i].source)) { return TP_UNJOINED_NO_TIME; }
        if (join->inputs[i].rejected) { return TP_UNJOINED_TIME_BACK; }
    }
    return TP_UNJOINED_REASONS;
}

/* Descriptors of the mapped epoch only, ascending; inside the consumer's poll. */
void tpi_source_on_descriptor(void *clientd, const tp_frame_descriptor_t *descriptor)
{
    tpi_join_source_t *s = clientd;
    tp_join_t *j = s->join;
    const tp_frame_descriptor_t *d = descriptor;
    tpi_waiting_t f = { .seq = d->seq, .published_ns = d->publish_timestamp_ns, .captured_ns = TP_NULL_U64, .trace_id = d->trace_id,
        .meta_version = d->meta_version, .flags = (uint8_t)d->flags, .why = TP_UNJOINED_REASONS };
    tpi_stat_add(&s->frames, 1);
    if (0 != (d->flags & TP_FRAME_NO_DESCRIPTOR)) { tpi_stat_add(&s->unannounced, 1); }    /* L-108 */
    if (d->epoch != tpi_stat_get(&s->epoch))
    {
        tpi_source_retire_all(s, TP_UNJOINED_RESTARTED);
        tpi_stat_set(&s->epoch, d->epoch);
    }
    tpi_stat_set(&s->last_seq, d->seq);
    const tpi_join_seen_t seen = tpi_join_on_frame(j->barrier->join, d->stream_id, d->epoch, d->seq, d->publish_timestamp_ns, j->now_ns);
    if (TPI_JOIN_FRAME_TAKEN != seen) { count(s, of_seen(seen)); return; }
    tp_unjoined_t why = s->wants_slot ? look_at_slot(s, &f) : TP_UNJOINED_REASONS;
    if (TP_UNJOINED_REASONS == why && tpi_join_aligns_by_time(j)) { why = judge_times(s, &f); }
    if (TP_UNJOINED_REASONS != why) { count(s, why); return; }
    if (s->tail - s->head > s->mask) { tpi_source_retire(s, TP_UNJOINED_FULL); }           /* J-005: never the producer's affair */
    *tpi_source_at(s, s->tail++) = f;
    tpi_stat_add(&s->waiting, 1);
    j->is_due = j->is_due || 0 == j->options.anchor_stream_id || d->stream_id == j->options.anchor_stream_id;
}
