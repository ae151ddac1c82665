/* Joins of inputs whose descriptors are refused: the frames come from the ring, and it is said which. */
#include "join_rig.h"

#define DESCRIPTORS 1100

static uint32_t views_unannounced;

static void count_flags(const tp_joined_t *joined)
{
    for (uint32_t i = 0; i < joined->view_count; i++)
    {
        const tp_frame_view_t *v = &joined->views[i];
        if (0 == (v->flags & TP_FRAME_NO_DESCRIPTOR)) { continue; }
        views_unannounced++;
        assert_true(TP_NULL_U64 == v->publish_timestamp_ns);
    }
}

static void refuse(void) { assert_int_equal(tpi_mem_network_fault(rig->network, DESCRIPTORS, TPI_MEM_BACK_PRESSURE, 100000), 0); }

static void publish_refused(uint32_t input, uint64_t timestamp_ns)
{
    tp_buffer_claim_t claim;
    assert_true(tp_producer_try_claim(jr.producers[input], jr.tensor, &claim) >= 0);
    for (int i = 0; i < 16; i++) { ((uint16_t *)claim.payload)[i] = (uint16_t)claim.seq; }
    claim.timestamp_ns = timestamp_ns;
    (void)tp_producer_commit_claim(jr.producers[input], &claim, NULL);
}

/* Patience is measured on the real clock. */
static int poll_within_s(int outputs)
{
    const int64_t deadline_ns = tpi_clock_monotonic_ns() + 5000 * MS;
    int n = 0;
    while (n < outputs && tpi_clock_monotonic_ns() < deadline_ns) { n += jr_poll(); }
    return n + jr_poll();
}

static void frames_without_descriptor_are_joined_and_named__L_108(void **state)
{
    (void)state;
    static const tp_merge_rule_t rules[] = { S_OFFSET(0, 0), S_OFFSET(1, 0) };
    jr_start_sequence(rules, 2);
    jr.during = count_flags;
    views_unannounced = 0;
    jr_publish_many(0, 2);
    jr_publish_many(1, 2);
    jr_work();
    assert_int_equal(jr_poll(), 2);
    assert_int_equal(views_unannounced, 0);
    refuse();
    for (int i = 0; i < 3; i++) { publish_refused(0, 5); publish_refused(1, 5); }
    assert_int_equal(poll_within_s(3), 3);
    assert_int_equal(views_unannounced, 6);
    assert_int_equal(jr_stats().unannounced, 6);
    tp_join_input_stats_t in;
    assert_int_equal(tp_join_input_stats(jr.join, 1, &in), 0);
    assert_int_equal(in.unannounced, 3);
}

static void what_is_aligned_by_publish_time_leaves_them_out__L_108(void **state)
{
    (void)state;
    static const tp_merge_rule_t rules[] = { T_OFFSET(0, TP_TIME_PUBLISHED, 0), T_OFFSET(1, TP_TIME_CAPTURED, 0) };
    tp_merge_map_t m = jr_map(rules, 2);
    m.kind = TP_MERGE_TIMESTAMP;
    m.clock_domain = TP_CLOCK_MONOTONIC;
    const tp_join_options_t o = jr_options(TP_JOIN_TIMESTAMP);
    jr_start(&o, &m, 2, true);
    jr_step(1200 * MS);
    jr_publish(0);
    jr_publish(1);
    jr_work();
    (void)jr_poll();
    refuse();
    publish_refused(0, (uint64_t)rig->now_ns);
    const int64_t deadline_ns = tpi_clock_monotonic_ns() + 5000 * MS;
    while (0 == jr_stats().unannounced && tpi_clock_monotonic_ns() < deadline_ns) { (void)jr_poll(); }
    assert_int_equal(jr_stats().unannounced, 1);
    assert_int_equal(jr_stats().unjoined[TP_UNJOINED_NO_TIME], 1);
}

/* An input may be an observer: its frames all come so. */
static void observers_are_inputs_like_others__L_108_L_110(void **state)
{
    (void)state;
    static const tp_merge_rule_t rules[] = { S_OFFSET(0, 0), S_OFFSET(1, 0) };
    const tp_join_options_t o = jr_options(TP_JOIN_SEQUENCE);
    const tp_merge_map_t m = jr_map(rules, 2);
    tp_consumer_context_t *context = NULL;
    jr.producers[0] = jr_producer(IN, false);
    jr.producers[1] = jr_producer(IN + 1, false);
    jr.consumers[0] = jr_consumer(IN);
    assert_int_equal(tp_consumer_context_init(&context), 0);
    assert_int_equal(tp_consumer_context_set_stream_id(context, IN + 1), 0);
    assert_int_equal(tp_consumer_context_set_attach_timeout_ns(context, 0), 0);
    assert_int_equal(tp_consumer_context_set_follow_ring(context, true), 0);
    assert_int_equal(tp_consumer_init(&jr.consumers[1], jr.client, context), 0);
    tp_consumer_context_close(context);
    jr_step(1100 * MS);
    jr_join(&o, 2);
    jr_apply(&m);
    jr.during = count_flags;
    views_unannounced = 0;
    assert_int_equal(jr_poll(), 0);
    for (int i = 0; i < 4; i++)
    {
        jr_publish(0);
        jr_publish(1);
        jr_work();
        assert_int_equal(jr_poll(), 1);
    }
    assert_int_equal(views_unannounced, 4);
    assert_int_equal(jr_stats().unannounced, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        JR_TEST(frames_without_descriptor_are_joined_and_named__L_108),
        JR_TEST(what_is_aligned_by_publish_time_leaves_them_out__L_108),
        JR_TEST(observers_are_inputs_like_others__L_108_L_110),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
