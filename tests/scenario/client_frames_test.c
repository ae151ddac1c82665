#include "client_rig.h"

static int next(tp_consumer_t *consumer, tp_frame_view_t *view) { return tp_consumer_next(consumer, view, 0); }

static void frames_arrive_in_order_with_shape_and_bytes(void **state)
{
    (void)state;
    tp_consumer_t *consumer = cr_consumer();
    tp_producer_t *producer = cr_producer();
    tp_frame_view_t view;
    assert_true(tp_producer_is_attached(producer));
    assert_true(tp_consumer_is_mapped(consumer));
    for (uint16_t i = 0; i < 40; i++)
    {
        assert_int_equal(cr_publish(producer, i), i);
        cr_settle();
        assert_int_equal(next(consumer, &view), 1);
        assert_int_equal(view.seq, i);
        assert_int_equal(view.epoch, cr->epoch);
        assert_int_equal(view.payload_bytes, 32);
        assert_int_equal(view.tensor->ndims, 2);
        assert_int_equal(view.tensor->strides[0], 8);
        assert_int_equal(*(const uint16_t *)view.payload, i);
        assert_true(tp_frame_view_is_valid(&view));
    }
    assert_int_equal(next(consumer, &view), 0);
    tp_consumer_stats_t stats;
    assert_int_equal(tp_consumer_stats(consumer, &stats), 0);
    assert_int_equal(stats.received, 40);
    assert_int_equal(stats.first_seq, 0);
    assert_int_equal(stats.last_seq, 39);
    tp_producer_close(producer);
    tp_consumer_close(consumer);
}

int main(void)
{
    const struct CMUnitTest tests[] = { CR_TEST(frames_arrive_in_order_with_shape_and_bytes) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
