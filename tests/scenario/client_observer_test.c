/* Observers (95-local-extensions.md 7.1, L-110 to L-113): read-only, without lease, hello and descriptors, from announces alone. */
#include "client_consumer_rig.h"

#include <fcntl.h>

#include "common/clock.h"

static void publish(tp_producer_t *producer, int first, int last)
{
    for (int i = first; i <= last; i++) { assert_int_equal(cr_publish(producer, (uint16_t)i), i); }
}

static tp_consumer_t *observer_that(bool newest_only)
{
    tp_consumer_context_t *context = cr_consumer_context();
    memset(&heard, 0, sizeof(heard));
    assert_int_equal(tp_consumer_context_set_follow_ring(context, true), 0);
    assert_int_equal(tp_consumer_context_set_newest_only(context, newest_only), 0);
    assert_int_equal(tp_consumer_context_set_event_handler(context, on_event, NULL), 0);
    tp_consumer_t *consumer = cr_consumer_with(context);
    cr_step(1100 * MS);                                    /* an announce period */
    return consumer;
}

static void expect(tp_consumer_t *consumer, uint64_t first, uint64_t last)
{
    tp_frame_view_t view;
    for (uint64_t seq = first; seq <= last; seq++)
    {
        assert_int_equal(next(consumer, &view), 1);
        assert_int_equal(view.seq, seq);
        assert_int_equal(*(const uint16_t *)view.payload, (uint16_t)seq);
        assert_int_equal(view.flags, TP_FRAME_NO_DESCRIPTOR);
        assert_true(TP_NULL_U64 == view.publish_timestamp_ns);
        assert_true(tp_frame_view_is_valid(&view));
    }
    assert_int_equal(next(consumer, &view), 0);
}

static void an_observer_takes_no_lease_says_nothing_and_subscribes_to_no_descriptors__L_110(void **state)
{
    (void)state;
    tp_producer_t *producer = cr_producer();
    const size_t requests = cr->request_count;
    const uint64_t hellos = cr->hellos;
    const uint64_t qos = cr->qos_consumers;
    tp_consumer_t *observer = observer_that(false);
    assert_true(tp_consumer_is_mapped(observer));
    publish(producer, 0, 5);
    cr_step(3000 * MS);
    expect(observer, 5, 5);                                /* from the newest on */
    assert_int_equal(cr->request_count, requests);
    assert_int_equal(cr->hellos, hellos);
    assert_int_equal(cr->qos_consumers, qos);
    assert_null(observer->attachment);
    assert_null(observer->linked);
    assert_null(observer->link);
    assert_int_equal(observer->counters_asked, 0);
    assert_int_equal(fcntl(observer->published->set->ring.fd, F_GETFL) & O_ACCMODE, O_RDONLY);
    close_both(observer, producer);
    cr_settle();
    assert_int_equal(cr->detaches, 1);                     /* the producer's */
}

static void frames_come_in_order_from_the_newest_on__L_111_L_112(void **state)
{
    (void)state;
    cr->nslots = 64;
    tp_producer_t *producer = cr_producer();
    publish(producer, 0, 99);
    tp_consumer_t *observer = observer_that(false);
    expect(observer, 99, 99);
    publish(producer, 100, 163);                           /* a ring full */
    expect(observer, 100, 163);
    publish(producer, 164, 300);
    expect(observer, 237, 300);
    assert_int_equal(drops(observer, TP_DROP_OVERWRITTEN), 237 - 164);
    assert_int_equal(stats_of(observer).first_seq, 99);
    assert_int_equal(stats_of(observer).recovered, stats_of(observer).received);
    assert_int_equal(stats_of(observer).duplicates, 0);
    assert_ledger(observer);
    close_both(observer, producer);
}

static void a_frame_given_up_is_a_gap__L_111(void **state)
{
    (void)state;
    tp_frame_view_t view;
    tp_buffer_claim_t claim;
    tp_producer_t *producer = cr_producer();
    tp_consumer_t *observer = observer_that(false);
    publish(producer, 0, 0);
    expect(observer, 0, 0);
    assert_int_equal(tp_producer_try_claim_at(producer, cr->tensor, 32, 1, &claim), 1);
    assert_int_equal(next(observer, &view), 0);
    assert_int_equal(tp_producer_abort_claim(producer, &claim), 1);
    publish(producer, 2, 3);
    const int64_t deadline_ns = tpi_clock_monotonic_ns() + 5000 * MS;
    int rc = 0;
    while (0 == (rc = next(observer, &view)) && tpi_clock_monotonic_ns() < deadline_ns) { }
    assert_int_equal(rc, 1);
    assert_int_equal(view.seq, 2);
    expect(observer, 3, 3);
    assert_int_equal(drops(observer, TP_DROP_GAP), 1);
    assert_ledger(observer);
    close_both(observer, producer);
}

static void newest_only_passes_over_the_rest__L_111(void **state)
{
    (void)state;
    tp_producer_t *producer = cr_producer();
    tp_consumer_t *observer = observer_that(true);
    publish(producer, 0, 3);
    expect(observer, 3, 3);
    publish(producer, 4, 50);
    expect(observer, 50, 50);
    assert_int_equal(drops(observer, TP_DROP_SKIPPED), 46);
    assert_int_equal(drops(observer, TP_DROP_GAP), 0);
    assert_ledger(observer);
    close_both(observer, producer);
}

static void an_observer_lives_through_epochs__L_113(void **state)
{
    (void)state;
    tp_producer_t *producer = cr_producer();
    tp_consumer_t *observer = observer_that(false);
    publish(producer, 0, 2);
    expect(observer, 2, 2);
    for (int epoch = 0; epoch < 3; epoch++)
    {
        tp_producer_close(producer);
        producer = cr_producer();
        publish(producer, 0, 3);                           /* before it has heard of the epoch */
        cr_step(1100 * MS);
        assert_int_equal(stats_of(observer).epoch, cr->epoch);
        expect(observer, 0, 3);                            /* all that the ring holds of it: the observer was there */
        assert_int_equal(stats_of(observer).first_seq, 0);
    }
    assert_int_equal(stats_of(observer).remaps, 3);
    assert_true(was_heard(TP_CONSUMER_EPOCH_CHANGED));
    close_both(observer, producer);
}

static void removed_files_end_the_mapping_as_an_epoch_does__L_113(void **state)
{
    (void)state;
    char path[64];
    char target[512];
    tp_producer_t *producer = cr_producer();
    tp_consumer_t *observer = observer_that(false);
    publish(producer, 0, 2);
    expect(observer, 2, 2);
    cr->no_announces = true;                               /* the driver is gone, somebody cleans up behind it */
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", observer->published->set->ring.fd);
    const ssize_t n = readlink(path, target, sizeof(target) - 1);
    assert_true(n > 0);
    target[n] = '\0';
    assert_int_equal(unlink(target), 0);
    cr_step(600 * MS);
    assert_false(tp_consumer_is_mapped(observer));
    assert_true(was_heard(TP_CONSUMER_UNMAPPED));
    tp_frame_view_t view;
    assert_int_equal(next(observer, &view), 0);
    cr->no_announces = false;
    cr_step(1100 * MS);
    assert_false(tp_consumer_is_mapped(observer));         /* announced, but not to be had */
    tp_producer_close(producer);
    producer = cr_producer();
    cr_step(1100 * MS);
    assert_true(tp_consumer_is_mapped(observer));
    publish(producer, 0, 1);
    expect(observer, 0, 1);
    close_both(observer, producer);
}

static void an_observer_waits_for_a_stream_and_outlives_the_media_driver__L_113(void **state)
{
    (void)state;
    tp_frame_view_t view;
    tp_consumer_t *observer = observer_that(false);
    assert_int_equal(next(observer, &view), 0);
    tp_producer_t *producer = cr_producer();
    cr_step(1100 * MS);
    publish(producer, 0, 1);
    assert_int_equal(next(observer, &view), 1);
    cr_restart_media();
    cr_step(10000 * MS);                                   /* the producer attaches again, with the next epoch */
    assert_true(tp_consumer_is_mapped(observer));
    assert_int_equal(stats_of(observer).epoch, cr->epoch);
    int64_t rc = -1;
    for (int i = 0; i < 50 && (rc = cr_publish(producer, 7)) < 0; i++) { cr_step(100 * MS); }
    assert_int_equal(rc, 0);
    cr_step(1100 * MS);
    assert_int_equal(next(observer, &view), 1);
    close_both(observer, producer);
}

static int framed;
static void on_frame(void *clientd, const tp_frame_view_t *view)
{
    (void)clientd;
    assert_int_equal(view->seq, framed);
    framed++;
}

static void an_observer_polls_with_a_handler_within_its_limit__L_110(void **state)
{
    (void)state;
    tp_producer_t *producer = cr_producer();
    tp_consumer_t *observer = observer_that(false);
    framed = 0;
    assert_int_equal(tp_consumer_set_frame_handler(observer, on_frame, NULL), 0);
    assert_int_equal(tp_consumer_poll_descriptors(observer, 10), 0);
    publish(producer, 0, 6);
    assert_int_equal(tp_consumer_poll_descriptors(observer, 4), 4);
    assert_int_equal(tp_consumer_poll_descriptors(observer, 4), 3);
    assert_int_equal(tp_consumer_poll_descriptors(observer, 4), 0);
    close_both(observer, producer);
}

static void a_rate_is_kept_locally_and_configs_are_not_heard__L_110(void **state)
{
    (void)state;
    tp_frame_view_t view;
    tp_producer_t *producer = cr_producer();
    tp_consumer_context_t *context = cr_consumer_context();
    assert_int_equal(tp_consumer_context_set_follow_ring(context, true), 0);
    assert_int_equal(tp_consumer_context_set_mode(context, TP_MODE_RATE_LIMITED, 10), 0);
    tp_consumer_t *observer = cr_consumer_with(context);
    cr_step(1100 * MS);
    int delivered = 0;
    for (uint32_t i = 0; i < 200; i++)
    {
        tp_frame_metadata_t metadata = TP_FRAME_METADATA_INIT;
        metadata.timestamp_ns = 1000000000u + i * 10000000u;
        assert_int_equal(tp_producer_offer_frame(producer, cr->tensor, "x", 1, &metadata), i);
        while (1 == next(observer, &view)) { delivered++; }
    }
    assert_in_range(delivered, 19, 21);
    assert_int_equal(drops(observer, TP_DROP_RATE), 200 - delivered);
    tpc_consumer_config_t config = TPC_CONSUMER_CONFIG_INIT;
    config.stream_id = CR_STREAM;
    config.consumer_id = stats_of(observer).client_id;
    config.use_shm = 0;
    config.mode = TP_MODE_STREAM;
    cr_send_config(&config);
    cr_settle();
    assert_true(tp_consumer_is_mapped(observer));
    close_both(observer, producer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CR_TEST(an_observer_takes_no_lease_says_nothing_and_subscribes_to_no_descriptors__L_110),
        CR_TEST(frames_come_in_order_from_the_newest_on__L_111_L_112),
        CR_TEST(a_frame_given_up_is_a_gap__L_111),
        CR_TEST(newest_only_passes_over_the_rest__L_111),
        CR_TEST(an_observer_lives_through_epochs__L_113),
        CR_TEST(removed_files_end_the_mapping_as_an_epoch_does__L_113),
        CR_TEST(an_observer_waits_for_a_stream_and_outlives_the_media_driver__L_113),
        CR_TEST(an_observer_polls_with_a_handler_within_its_limit__L_110),
        CR_TEST(a_rate_is_kept_locally_and_configs_are_not_heard__L_110),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
