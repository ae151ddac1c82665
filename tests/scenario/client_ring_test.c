/*
 * The ring is the truth, descriptors are hints (95-local-extensions.md 7.1): descriptors that are refused for a while, come late or never, while a
 * default consumer reads on. Patience is measured on the real clock: these tests poll until a deadline and never sleep.
 */
#include "client_consumer_rig.h"

#include "common/clock.h"

static void publish(tp_producer_t *producer, int first, int last)
{
    for (int i = first; i <= last; i++)
    {
        const int64_t rc = cr_publish(producer, (uint16_t)i);
        assert_true(i == rc || TP_BACK_PRESSURED == rc);
    }
}

/* The bus takes no descriptor any more, as when somebody who reads them stands still. */
static void refuse(void) { assert_int_equal(tpi_mem_network_fault(cr->network, CR_DESCRIPTOR, TPI_MEM_BACK_PRESSURE, 100000), 0); }

/* Until it takes what waits. Descriptors sent. */
static int relent(tp_producer_t *producer)
{
    int sent = 0;
    for (int i = 0; i < 200000 && 0 == sent; i++) { sent = tp_producer_flush(producer); }
    cr_settle();
    return sent;
}

/* Polls until there is a frame. */
static int next_within_ms(tp_consumer_t *consumer, tp_frame_view_t *view, int64_t ms)
{
    const int64_t deadline_ns = tpi_clock_monotonic_ns() + ms * MS;
    int rc = 0;
    do { rc = next(consumer, view); } while (0 == rc && tpi_clock_monotonic_ns() < deadline_ns);
    return rc;
}

static void expect(tp_consumer_t *consumer, uint64_t first, uint64_t last, uint32_t flags)
{
    for (uint64_t seq = first; seq <= last; seq++)
    {
        tp_frame_view_t view;
        assert_int_equal(next_within_ms(consumer, &view, 5000), 1);
        assert_int_equal(view.seq, seq);
        assert_int_equal(*(const uint16_t *)view.payload, (uint16_t)seq);
        assert_int_equal(view.flags, flags);
        assert_int_equal(view.size, sizeof(view));
        assert_true(tp_frame_view_is_valid(&view));
    }
}

static void expect_nothing(tp_consumer_t *consumer)
{
    tp_frame_view_t view;
    cr_settle();
    assert_int_equal(next(consumer, &view), 0);
}

/* ---- while descriptors are refused --------------------------------------------------------------------------------------- */

static void refused_descriptors_cost_a_default_consumer_no_frame__L_101_L_103_L_107(void **state)
{
    (void)state;
    cr->nslots = 64;
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    open_both(&consumer, &producer);
    publish(producer, 0, 3);
    cr_settle();
    expect(consumer, 0, 3, 0);
    refuse();
    for (int i = 4; i < 1000; i++)                         /* the ring is overrun fifteen times meanwhile */
    {
        publish(producer, i, i);
        expect(consumer, (uint64_t)i, (uint64_t)i, TP_FRAME_NO_DESCRIPTOR);
    }
    assert_int_equal(stats_of(consumer).recovered, 996);
    assert_int_equal(stats_of(consumer).received, 1000);
    tp_producer_stats_t sent = { .size = sizeof(sent) };
    assert_int_equal(tp_producer_stats(producer, &sent), 0);
    assert_true(sent.back_pressured >= 996);               /* counted, and never in the producer's way */
    assert_true(sent.descriptors_dropped >= 996 - 64);
    assert_int_equal(sent.frames, 1000);
    assert_ledger(consumer);
    close_both(consumer, producer);
}

static void descriptors_that_come_late_are_no_second_frame_and_no_step_back__L_104_W_113(void **state)
{
    (void)state;
    cr->nslots = 64;
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    open_both(&consumer, &producer);
    publish(producer, 0, 3);
    cr_settle();
    expect(consumer, 0, 3, 0);
    refuse();
    publish(producer, 4, 33);
    expect(consumer, 4, 33, TP_FRAME_NO_DESCRIPTOR);
    assert_int_equal(relent(producer), 30);                /* all of them, now that nobody needs them */
    expect_nothing(consumer);
    assert_int_equal(stats_of(consumer).late_descriptors, 30);
    assert_int_equal(stats_of(consumer).duplicates, 30);
    assert_int_equal(drops(consumer, TP_DROP_REGRESSION), 0);
    assert_true(tp_consumer_is_mapped(consumer));
    assert_false(consumer->watch.is_following);            /* they have caught up */
    publish(producer, 34, 40);
    cr_settle();
    expect(consumer, 34, 40, 0);                           /* and are preferred again */
    assert_int_equal(stats_of(consumer).received, 41);
    assert_ledger(consumer);
    close_both(consumer, producer);
}

static void a_descriptor_is_preferred_while_they_come__L_102(void **state)
{
    (void)state;
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    tp_frame_view_t view;
    open_both(&consumer, &producer);
    publish(producer, 0, 0);
    cr_settle();
    expect(consumer, 0, 0, 0);
    refuse();
    publish(producer, 1, 1);
    assert_int_equal(next(consumer, &view), 0);            /* seen in the ring for the first time: its descriptor may be on its way */
    assert_true(consumer->watch.has_seen);
    assert_int_equal(relent(producer), 1);
    expect(consumer, 1, 1, 0);
    assert_int_equal(stats_of(consumer).recovered, 0);
    close_both(consumer, producer);
}

static void once_descriptors_are_overdue_each_poll_looks__L_102(void **state)
{
    (void)state;
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    tp_frame_view_t view;
    open_both(&consumer, &producer);
    publish(producer, 0, 0);
    cr_settle();
    expect(consumer, 0, 0, 0);
    refuse();
    publish(producer, 1, 1);
    expect(consumer, 1, 1, TP_FRAME_NO_DESCRIPTOR);        /* waits for its patience */
    for (int i = 2; i < 100; i++)
    {
        publish(producer, i, i);
        assert_int_equal(next(consumer, &view), 1);        /* and these for nothing */
        assert_int_equal(view.seq, i);
    }
    assert_int_equal(next(consumer, &view), 0);
    close_both(consumer, producer);
}

static void what_is_not_in_the_ring_any_more_is_counted_and_the_rest_read_in_order__L_103(void **state)
{
    (void)state;
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    open_both(&consumer, &producer);
    publish(producer, 0, 0);
    cr_settle();
    expect(consumer, 0, 0, 0);
    refuse();
    publish(producer, 1, 20);                              /* 8 slots: 13 to 20 are there */
    expect(consumer, 13, 20, TP_FRAME_NO_DESCRIPTOR);
    assert_int_equal(drops(consumer, TP_DROP_GAP), 12);
    assert_true(relent(producer) > 0);
    expect_nothing(consumer);
    assert_ledger(consumer);
    close_both(consumer, producer);
}

/* ---- frames out of order, given up ---------------------------------------------------------------------------------------- */

static void a_frame_given_up_meanwhile_does_not_stop_those_behind_it__L_106(void **state)
{
    (void)state;
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    tp_buffer_claim_t claim;
    open_both(&consumer, &producer);
    publish(producer, 0, 0);
    cr_settle();
    expect(consumer, 0, 0, 0);
    refuse();
    publish(producer, 1, 1);
    expect(consumer, 1, 1, TP_FRAME_NO_DESCRIPTOR);
    for (uint64_t seq = 2; seq < 4; seq++)
    {
        assert_int_equal(tp_producer_try_claim_at(producer, cr->tensor, 32, 1, &claim), seq);
        assert_int_equal(tp_producer_abort_claim(producer, &claim), seq);
    }
    publish(producer, 4, 5);
    expect(consumer, 4, 5, TP_FRAME_NO_DESCRIPTOR);
    assert_int_equal(drops(consumer, TP_DROP_GAP), 2);
    assert_ledger(consumer);
    close_both(consumer, producer);
}

static void a_frame_that_is_filled_for_long_is_not_passed_over__L_106_O_41(void **state)
{
    (void)state;
    cr->nslots = 64;
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    tp_frame_view_t view;
    tp_buffer_claim_t claim;
    open_both(&consumer, &producer);
    publish(producer, 0, 0);
    cr_settle();
    expect(consumer, 0, 0, 0);
    assert_int_equal(tp_producer_try_claim_at(producer, cr->tensor, 32, 1, &claim), 1);
    memset(claim.payload, 0, 32);
    *(uint16_t *)claim.payload = 1;
    publish(producer, 2, 9);                               /* their descriptors wait for it */
    cr_settle();
    assert_int_equal(next_within_ms(consumer, &view, 150), 0);
    assert_true(tp_producer_commit_claim(producer, &claim, NULL) >= 0);
    cr_settle();
    expect(consumer, 1, 9, 0);
    assert_int_equal(drops(consumer, TP_DROP_GAP), 0);
    assert_ledger(consumer);
    close_both(consumer, producer);
}

/* ---- epochs, joining ------------------------------------------------------------------------------------------------------ */

static void a_new_epoch_ends_the_following__L_104_W_112(void **state)
{
    (void)state;
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    open_both(&consumer, &producer);
    publish(producer, 0, 0);
    cr_settle();
    expect(consumer, 0, 0, 0);
    refuse();
    publish(producer, 1, 5);
    expect(consumer, 1, 3, TP_FRAME_NO_DESCRIPTOR);
    tp_producer_close(producer);
    producer = cr_producer();                              /* the next epoch; what was refused is void */
    cr_settle();
    expect_nothing(consumer);
    assert_false(consumer->watch.is_following);
    publish(producer, 0, 4);
    assert_int_equal(relent(producer), 5);
    expect(consumer, 0, 4, 0);
    assert_int_equal(stats_of(consumer).first_seq, 0);
    assert_int_equal(stats_of(consumer).last_seq, 4);
    close_both(consumer, producer);
}

static void who_joins_while_descriptors_are_refused_reads_what_is_new__L_112(void **state)
{
    (void)state;
    cr->nslots = 64;
    tp_producer_t *producer = cr_producer();
    tp_frame_view_t view;
    publish(producer, 0, 9);
    refuse();
    publish(producer, 10, 19);
    tp_consumer_t *consumer = listening_consumer();
    cr_settle();
    assert_int_equal(next_within_ms(consumer, &view, 150), 0);               /* what was there before us is not ours */
    publish(producer, 20, 29);
    expect(consumer, 20, 29, TP_FRAME_NO_DESCRIPTOR);
    assert_int_equal(stats_of(consumer).first_seq, 20);
    assert_ledger(consumer);
    close_both(consumer, producer);
}

/* ---- handlers ------------------------------------------------------------------------------------------------------------- */

typedef struct handed { uint64_t next; uint64_t unannounced; tp_consumer_t *consumer; } handed_t;

static void on_frame(void *clientd, const tp_frame_view_t *view)
{
    handed_t *h = clientd;
    assert_int_equal(view->seq, h->next++);
    if (0 != (view->flags & TP_FRAME_NO_DESCRIPTOR)) { h->unannounced++; }
}

static void on_handed(void *clientd, const tp_frame_descriptor_t *d)
{
    handed_t *h = clientd;
    tp_frame_view_t view;
    assert_int_equal(d->seq, h->next++);
    if (0 != (d->flags & TP_FRAME_NO_DESCRIPTOR))
    {
        h->unannounced++;
        assert_true(TP_NULL_U64 == d->publish_timestamp_ns);
    }
    assert_int_equal(tp_consumer_read_frame(h->consumer, d->seq, &view), 1);
    assert_int_equal(view.flags, TP_FRAME_NO_DESCRIPTOR);  /* the descriptor's part was told above */
}

static void handlers_get_frames_and_seqs_from_the_ring__L_101_L_107(void **state)
{
    (void)state;
    for (int by_descriptor = 0; by_descriptor < 2; by_descriptor++)
    {
        tp_consumer_t *consumer;
        tp_producer_t *producer;
        open_both(&consumer, &producer);
        handed_t handed = { .consumer = consumer };
        if (by_descriptor) { assert_int_equal(tp_consumer_set_descriptor_handler(consumer, on_handed, &handed), 0); }
        else { assert_int_equal(tp_consumer_set_frame_handler(consumer, on_frame, &handed), 0); }
        publish(producer, 0, 2);
        cr_settle();
        assert_int_equal(tp_consumer_poll_descriptors(consumer, 2), 2);
        assert_int_equal(tp_consumer_poll_descriptors(consumer, 2), 1);
        refuse();
        publish(producer, 3, 9);
        const int64_t deadline_ns = tpi_clock_monotonic_ns() + 5000 * MS;
        while (handed.next < 10 && tpi_clock_monotonic_ns() < deadline_ns) { assert_in_range(tp_consumer_poll_descriptors(consumer, 3), 0, 3); }
        assert_int_equal(handed.next, 10);
        assert_int_equal(handed.unannounced, 7);
        assert_int_equal(stats_of(consumer).received, 10);
        assert_int_equal(stats_of(consumer).recovered, 7);
        assert_true(relent(producer) > 0);
        cr_settle();
        assert_int_equal(tp_consumer_poll_descriptors(consumer, 100), 0);
        assert_int_equal(handed.next, 10);
        assert_ledger(consumer);
        close_both(consumer, producer);
    }
}

/* ---- what stays as it was ------------------------------------------------------------------------------------------------- */

static void newest_only_and_descriptors_alone_do_not_look__L_105(void **state)
{
    (void)state;
    for (int newest = 0; newest < 2; newest++)
    {
        tp_frame_view_t view;
        tp_consumer_context_t *context = cr_consumer_context();
        assert_int_equal(tp_consumer_context_set_newest_only(context, 1 == newest), 0);
        assert_int_equal(tp_consumer_context_set_ring_recovery(context, 1 == newest), 0);
        tp_consumer_t *consumer = cr_consumer_with(context);
        tp_producer_t *producer = cr_producer();
        publish(producer, 0, 0);
        cr_settle();
        expect(consumer, 0, 0, 0);
        refuse();
        publish(producer, 1, 3);
        assert_int_equal(next_within_ms(consumer, &view, 20), 0);
        assert_true(relent(producer) > 0);
        cr_settle();
        expect(consumer, newest ? 3 : 1, 3, 0);
        assert_int_equal(stats_of(consumer).recovered, 0);
        assert_ledger(consumer);
        close_both(consumer, producer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CR_TEST(refused_descriptors_cost_a_default_consumer_no_frame__L_101_L_103_L_107),
        CR_TEST(descriptors_that_come_late_are_no_second_frame_and_no_step_back__L_104_W_113),
        CR_TEST(a_descriptor_is_preferred_while_they_come__L_102),
        CR_TEST(once_descriptors_are_overdue_each_poll_looks__L_102),
        CR_TEST(what_is_not_in_the_ring_any_more_is_counted_and_the_rest_read_in_order__L_103),
        CR_TEST(a_frame_given_up_meanwhile_does_not_stop_those_behind_it__L_106),
        CR_TEST(a_frame_that_is_filled_for_long_is_not_passed_over__L_106_O_41),
        CR_TEST(a_new_epoch_ends_the_following__L_104_W_112),
        CR_TEST(who_joins_while_descriptors_are_refused_reads_what_is_new__L_112),
        CR_TEST(handlers_get_frames_and_seqs_from_the_ring__L_101_L_107),
        CR_TEST(newest_only_and_descriptors_alone_do_not_look__L_105),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
