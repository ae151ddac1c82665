/*
 * Two consumers that read the same frames, one by the common case, the other kept off it: whatever a slot or a descriptor holds, both have to see the
 * same. For the tests of the common cases.
 */
#ifndef CLIENT_PAIR_RIG_H
#define CLIENT_PAIR_RIG_H

#include "client_consumer_rig.h"

/* Between the two looks at the commit word, in the copy of the common case that is compiled here. */
static uint64_t word_meanwhile;
static tpi_slot_word_t *its_producers_slot;                /* readers' mappings are read-only */

static bool compare_and_be_overtaken(const tpi_slot_word_t *slot, const tpi_slot_shape_t *shape)
{
    const bool same = tpi_slot_has_shape(slot, shape);
    if (0 != word_meanwhile) { atomic_store(its_producers_slot, word_meanwhile); }
    return same;
}

#define tpi_slot_has_shape compare_and_be_overtaken
#include "client/consumer_plain.h"

#define LAST 64u

typedef struct seen { unsigned count; tp_frame_view_t view; tp_tensor_t tensor; uint64_t seqs[LAST]; uint16_t first; } seen_t;

static tp_consumer_t *fast;
static tp_consumer_t *general;
static tp_producer_t *producer;
static seen_t by_fast;
static seen_t by_general;

static void on_frame(void *clientd, const tp_frame_view_t *view)
{
    seen_t *const seen = clientd;
    seen->view = *view;
    seen->tensor = *view->tensor;
    seen->first = view->payload_bytes >= sizeof(seen->first) ? *(const uint16_t *)view->payload : 0;
    seen->seqs[seen->count++ % LAST] = view->seq;
}

static tp_consumer_t *open_with(tp_consumer_context_t *context, bool latency, seen_t *seen)
{
    assert_int_equal(tp_consumer_context_set_latency(context, latency), 0);
    tp_consumer_t *const consumer = cr_consumer_with(context);
    assert_int_equal(tp_consumer_set_frame_handler(consumer, on_frame, seen), 0);
    memset(seen, 0, sizeof(*seen));
    return consumer;
}

static void publish(uint16_t value) { assert_true(cr_publish(producer, value) >= 0); }

static int poll_both(int limit)
{
    cr_settle();
    memset(&by_fast, 0, sizeof(by_fast));
    memset(&by_general, 0, sizeof(by_general));
    const int n = tp_consumer_poll_descriptors(fast, limit);
    assert_int_equal(tp_consumer_poll_descriptors(general, limit), n);
    return n;
}

static void assert_same(void)
{
    const tp_consumer_stats_t f = stats_of(fast);
    const tp_consumer_stats_t g = stats_of(general);
    assert_memory_equal(f.drops, g.drops, sizeof(f.drops));
    assert_true(f.received == g.received && f.bytes == g.bytes && f.last_seq == g.last_seq && f.first_seq == g.first_seq);
    assert_int_equal(f.foreign, g.foreign);
    assert_int_equal(f.malformed, g.malformed);
    assert_int_equal(by_fast.count, by_general.count);
    assert_memory_equal(by_fast.seqs, by_general.seqs, sizeof(by_fast.seqs));
    assert_memory_equal(&by_fast.tensor, &by_general.tensor, sizeof(by_fast.tensor));
    assert_int_equal(by_fast.first, by_general.first);
    const tp_frame_view_t *const a = &by_fast.view;
    const tp_frame_view_t *const b = &by_general.view;
    assert_true(a->size == b->size && a->stream_id == b->stream_id && a->epoch == b->epoch && a->seq == b->seq);
    assert_true(a->payload_bytes == b->payload_bytes && a->timestamp_ns == b->timestamp_ns && a->trace_id == b->trace_id);
    assert_true(a->publish_timestamp_ns == b->publish_timestamp_ns && a->meta_version == b->meta_version);
    assert_true(a->pool_id == b->pool_id && a->flags == b->flags);
}

static void close_pair(void)
{
    tp_producer_close(producer);
    tp_consumer_close(fast);
    tp_consumer_close(general);
}

static uint8_t *slot_of(uint64_t seq)
{
    return cr->files[cr->file_count - 1]->regions[0].base + 64 + (seq & (cr->nslots - 1)) * 256;
}

/* In an open pair: both see each frame with its own shape and pool. */
static void change_shape_and_pool(void)
{
    tp_tensor_template_t *wide = NULL;
    uint16_t frame[64] = { 5 };
    assert_int_equal(tp_tensor_template_init(&wide, TP_DTYPE_UINT16, TP_ROW_MAJOR, 2, (const int32_t[]){ 8, 8 }), 0);
    for (int i = 0; i < 24; i++)
    {
        const bool is_wide = 0 != (i & 2) || 23 == i;
        const int64_t seq = is_wide ? tp_producer_offer_frame(producer, wide, frame, sizeof(frame), NULL) : cr_publish(producer, 6);
        assert_true(seq > 0);
        if (1 == i % 3) { continue; }                      /* some come in batches */
        assert_true(poll_both(10) > 0);
        assert_same();
        assert_int_equal(by_fast.tensor.dims[0], is_wide ? 8 : 4);
        assert_int_equal(by_fast.view.pool_id, is_wide ? 2 : 1);
        assert_int_equal(by_fast.view.payload_bytes, is_wide ? 128 : 32);
        assert_int_equal(by_fast.first, is_wide ? 5 : 6);
    }
    assert_int_equal(stats_of(fast).received, 25);
    tp_tensor_template_close(wide);
}

static int calls;

/* Closes the consumer that is its clientd. */
static void on_closing(void *clientd, const tp_frame_view_t *view)
{
    (void)view;
    tp_consumer_close(clientd);
    calls++;
}

/* In an open pair: views tell whether their frames are still there. */
static void overwrite_views(uint32_t flags)
{
    tp_frame_view_t views[3];
    for (int i = 0; i < 3; i++)
    {
        publish((uint16_t)i);
        cr_settle();
        assert_int_equal(next(fast, &views[i]), 1);
        assert_int_equal(views[i].flags, flags);
        assert_true(tp_frame_view_is_valid(&views[i]));
    }
    for (unsigned i = 0; i < CR_NSLOTS - 1; i++) { publish(9); }
    assert_true(tp_frame_view_is_valid(&views[2]));
    assert_false(tp_frame_view_is_valid(&views[1]));
    assert_false(tp_frame_view_is_valid(&views[1]));
    assert_false(tp_frame_view_is_valid(&views[0]));
    assert_int_equal(drops(fast, TP_DROP_TORN), 2);
    assert_int_equal(stats_of(fast).received, 2);
    assert_ledger(fast);
}

#endif
