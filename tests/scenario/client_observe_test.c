/*
 * The common case of observers against the general way: two follow the same ring, and one of them records latencies, which keeps it off the common
 * case. Whatever a slot holds, both have to see the same.
 */
#include "client_pair_rig.h"

#include <sys/mman.h>

#include "client/consumer_ring.h"
#include "common/clock.h"

#define PATIENCE_NS (10000 * MS)       /* what is given up is judged by the real clock */

static tp_consumer_context_t *observer_context(void)
{
    tp_consumer_context_t *const context = cr_consumer_context();
    assert_int_equal(tp_consumer_context_set_follow_ring(context, true), 0);
    return context;
}

static tp_consumer_t *open_one(bool latency, seen_t *seen)
{
    tp_consumer_context_t *const context = observer_context();
    return open_with(context, latency, seen);
}

/* What each of them delivers, and as what. */
static void assert_observed(void)
{
    const tp_consumer_stats_t f = stats_of(fast);
    const tp_consumer_stats_t g = stats_of(general);
    assert_same();
    assert_true(f.recovered == g.recovered && f.recovered == f.received + f.drops[TP_DROP_TORN]);
    assert_true(f.duplicates == g.duplicates);
    if (0 == by_fast.count) { return; }
    assert_int_equal(by_fast.view.flags, TP_FRAME_NO_DESCRIPTOR);    /* L-107 */
    assert_true(TP_NULL_U64 == by_fast.view.publish_timestamp_ns);
}

static int poll_observed(int limit)
{
    const int n = poll_both(limit);
    assert_int_equal(by_fast.count, n);
    return n;
}

static void read_one(uint16_t value)
{
    publish(value);
    assert_int_equal(poll_observed(10), 1);
    assert_observed();
    assert_int_equal(by_fast.first, value);
}

/* Both have seen a frame, so that the next one like it takes the common case. */
static void open_pair(void)
{
    cr->lease_ns = 600000 * MS;                            /* claims are judged by the real clock, and a busy machine takes its time */
    producer = cr_producer();
    fast = open_one(false, &by_fast);
    general = open_one(true, &by_general);
    cr_step(1100 * MS);                                    /* an announce period */
    read_one(1);
    assert_int_equal(fast->plain.use, TPI_PLAIN_HANDLER);
    assert_int_equal(general->plain.use, TPI_PLAIN_NOT);
}

static tpi_slot_word_t *word_of(uint64_t seq) { return (tpi_slot_word_t *)(void *)slot_of(seq); }

static void every_bit_of_a_slot_is_judged_as_the_general_way_does__L_114_M5_W_020_W_026_W_048_W_063_W_100(void **state)
{
    (void)state;
    int delivered = 0;
    open_pair();
    for (unsigned bit = 64; bit < 256 * 8; bit++)          /* the word has a test of its own */
    {
        const uint64_t seq = stats_of(fast).last_seq + 1;
        assert_int_equal(fast->plain.use, TPI_PLAIN_HANDLER);
        publish((uint16_t)bit);
        slot_of(seq)[bit / 8] ^= (uint8_t)(1u << bit % 8);
        delivered += poll_observed(10);
        assert_observed();
        assert_true(seq == stats_of(fast).last_seq);
        slot_of(seq)[bit / 8] ^= (uint8_t)(1u << bit % 8);
        read_one(7);                                       /* the next good one comes through, and the one after it straight */
        read_one(8);
    }
    assert_true(delivered > (109 + 26) * 8);               /* the pads, the times and some more are no fault */
    assert_true(stats_of(fast).drops[TP_DROP_BAD_HEADER] > 200);
    close_pair();
}

static void every_word_that_is_not_the_next_frame_is_judged_as_the_general_way_does__L_111_L_114(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < 8; kind++)
    {
        open_pair();
        for (int i = 0; i < 20; i++) { read_one((uint16_t)i); }
        const uint64_t seq = stats_of(fast).last_seq + 1;
        publish(9);
        const uint64_t good = atomic_load(word_of(seq));
        const uint64_t words[8] = { 0, seq << 1, (seq - cr->nslots) << 1 | 1, (seq - cr->nslots) << 1, (seq + cr->nslots) << 1,
            (seq + 3 * cr->nslots) << 1 | 1, (seq + 1) << 1 | 1, (seq - 1) << 1 | 1 };
        atomic_store(word_of(seq), words[kind]);
        for (int i = 0; i < 3; i++)
        {
            (void)poll_observed(10);
            assert_observed();
        }
        if (kind < 4)                                      /* not there yet */
        {
            assert_true(seq - 1 == stats_of(fast).last_seq && TPI_PLAIN_HANDLER == fast->plain.use);
            atomic_store(word_of(seq), good);
            assert_int_equal(poll_observed(10), 1);
            assert_observed();
        }
        close_pair();
        cr_next_epoch();
    }
}

static void what_was_lapped_is_counted_and_the_rest_goes_on_straight__L_111_L_114(void **state)
{
    (void)state;
    open_pair();
    for (unsigned behind = 1; behind < 3 * CR_NSLOTS; behind++)
    {
        const uint64_t last = stats_of(fast).last_seq;
        for (unsigned i = 0; i < behind; i++) { publish((uint16_t)i); }
        const int whole = behind < CR_NSLOTS ? (int)behind : (int)CR_NSLOTS;
        int n = 0;
        for (unsigned i = 0; i < behind && stats_of(fast).last_seq < last + behind; i++)
        {
            n += poll_observed(3);
            assert_observed();
        }
        assert_int_equal(n, whole);
        assert_true(last + behind == stats_of(fast).last_seq && TPI_PLAIN_HANDLER == fast->plain.use);
        assert_ledger(fast);
    }
    assert_true(drops(fast, TP_DROP_OVERWRITTEN) > 100);
    close_pair();
}

static void a_frame_that_is_filled_is_waited_for_and_one_given_up_is_passed_over__L_111_L_114(void **state)
{
    (void)state;
    tp_buffer_claim_t claims[2];
    open_pair();
    for (int round = 0; round < 2; round++)
    {
        const uint64_t last = stats_of(fast).last_seq;
        assert_int_equal(poll_observed(10), 0);
        assert_true(fast->plain.begun <= last);
        assert_true(tp_producer_try_claim_at(producer, cr->tensor, 32, 1, &claims[0]) > 0);
        for (int i = 0; i < 3; i++) { assert_int_equal(poll_observed(10), 0); }
        assert_true(last + 1 == fast->plain.begun);        /* fetched ahead */
        assert_int_equal(fast->plain.use, TPI_PLAIN_HANDLER);
        assert_false(tpi_consumer_ring_is_pending(fast));                /* no more than looked at */
        assert_true(tp_producer_try_claim_at(producer, cr->tensor, 32, 1, &claims[1]) > 0);
        assert_int_equal(poll_observed(10), 0);
        assert_false(tpi_consumer_ring_is_pending(fast));
        assert_true(tp_producer_commit_claim(producer, &claims[1], NULL) > 0);
        assert_int_equal(poll_observed(10), 0);                /* frames may be committed in any order */
        assert_true(tpi_consumer_ring_is_pending(fast));
        if (0 == round) { assert_true(tp_producer_commit_claim(producer, &claims[0], NULL) > 0); }
        else { assert_true(tp_producer_abort_claim(producer, &claims[0]) > 0); }
        const int64_t end_ns = tpi_clock_monotonic_ns() + PATIENCE_NS;
        int n = 0;
        while (0 == n && tpi_clock_monotonic_ns() < end_ns) { n = tp_consumer_poll_descriptors(fast, 10); }
        assert_int_equal(n, 0 == round ? 2 : 1);
        assert_true(last + 2 == stats_of(fast).last_seq);
        assert_int_equal(drops(fast, TP_DROP_GAP), round);
        while (stats_of(general).last_seq < last + 2 && tpi_clock_monotonic_ns() < end_ns) { (void)tp_consumer_poll_descriptors(general, 10); }
        read_one(5);
    }
    assert_ledger(fast);
    close_pair();
}

/* All pages of a region but one, or all of them. */
static void forbid(const tpi_region_t *region, const void *but, int protection)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (uint8_t *at = region->base; at < region->base + region->mapped_bytes; at += page)
    {
        if ((const uint8_t *)but >= at && (const uint8_t *)but < at + page) { continue; }
        assert_int_equal(mprotect(at, page, protection), 0);
    }
}

static void a_poll_reads_nothing_but_the_next_slot__L_114(void **state)
{
    (void)state;
    cr->nslots = 64;
    open_pair();
    while (stats_of(fast).last_seq < 39) { read_one(3); }
    const tpi_pool_set_t *const set = fast->map->set;
    const tpi_slot_word_t *const slot = tpi_pool_set_slot(set, 40);
    forbid(&set->ring, slot, PROT_NONE);                   /* the superblock, too */
    for (size_t i = 0; i < set->pool_count; i++) { forbid(&set->pools[i].region, NULL, PROT_NONE); }
    for (int i = 0; i < 1000; i++) { assert_int_equal(tp_consumer_poll_descriptors(fast, 10), 0); }
    fast->on_frame = NULL;                                 /* ours would read the payload */
    tpi_plain_settle(fast);
    tp_frame_view_t view;
    assert_int_equal(tp_consumer_next(fast, &view, 0), 0);
    publish(1);
    assert_int_equal(tp_consumer_next(fast, &view, 0), 1);
    assert_int_equal(view.seq, 40);
    assert_int_equal(view.payload_bytes, 32);
    assert_true(tp_frame_view_is_valid(&view));
    forbid(&set->ring, NULL, PROT_READ);
    for (size_t i = 0; i < set->pool_count; i++) { forbid(&set->pools[i].region, NULL, PROT_READ); }
    close_pair();
}

static void a_slot_that_is_taken_under_the_common_case_is_no_frame__L_114_M3_M4_W_047_W_050(void **state)
{
    (void)state;
    open_pair();
    for (int i = 0; i < 3; i++)
    {
        const uint64_t seq = stats_of(fast).last_seq + 1;
        const tp_consumer_stats_t before = stats_of(fast);
        publish((uint16_t)i);
        word_meanwhile = 0 == i ? 0 : 1 == i ? (seq + CR_NSLOTS) << 1 : (seq + CR_NSLOTS) << 1 | 1;       /* as it was, begun, committed */
        its_producers_slot = word_of(seq);
        const tpi_plain_sight_t sight = tpi_plain_observe(fast);
        word_meanwhile = 0;
        assert_int_equal(sight, 0 == i ? TPI_PLAIN_FRAME : TPI_PLAIN_OTHER);
        assert_true(stats_of(fast).received - before.received == (0 == i ? 1u : 0u) && stats_of(fast).recovered == stats_of(fast).received);
        assert_true((0 == i ? seq : before.last_seq) == stats_of(fast).last_seq);
        for (unsigned k = 0; k < CR_NSLOTS; k++) { publish(1); }
        while (stats_of(fast).last_seq < seq + CR_NSLOTS && tp_consumer_poll_descriptors(fast, 10) > 0) { }
        while (stats_of(general).last_seq < seq + CR_NSLOTS && tp_consumer_poll_descriptors(general, 10) > 0) { }
        assert_true(seq + CR_NSLOTS == stats_of(fast).last_seq);
        publish(1);
        assert_int_equal(tp_consumer_poll_descriptors(fast, 10), 1);
        assert_int_equal(tp_consumer_poll_descriptors(general, 10), 1);
        assert_ledger(fast);
    }
    assert_int_equal(drops(fast, TP_DROP_OVERWRITTEN), 2);
    close_pair();
}

/* ---- what handlers and others do ------------------------------------------------------------------------------------------ */


static void on_first(void *clientd, const tp_frame_view_t *view)
{
    (void)view;
    assert_int_equal(tp_consumer_poll_descriptors(clientd, 1), TP_INVALID_ARGUMENT);       /* A4 */
    assert_int_equal(tp_consumer_set_frame_handler(clientd, NULL, NULL), 0);
    calls++;
}

static void a_handler_may_take_itself_away_and_close_its_observer__L_114(void **state)
{
    (void)state;
    open_pair();
    calls = 0;
    read_one(1);
    fast->on_frame = on_first;                             /* from inside of the common case */
    fast->frame_clientd = fast;
    for (int i = 0; i < 3; i++) { publish(1); }
    assert_int_equal(tp_consumer_poll_descriptors(fast, 10), 3);
    assert_int_equal(calls, 1);
    assert_int_equal(fast->plain.use, TPI_PLAIN_NEXT);
    publish(1);
    assert_int_equal(tp_consumer_poll_descriptors(fast, 10), 1);       /* read, counted, and for nobody */
    assert_int_equal(tp_consumer_poll_descriptors(general, 10), 4);
    assert_int_equal(tp_consumer_set_frame_handler(fast, on_frame, &by_fast), 0);
    assert_int_equal(fast->plain.use, TPI_PLAIN_NOT);
    for (int limit = 1; limit < 4; limit++)
    {
        for (int i = 0; i < 3; i++) { publish(1); }
        for (int left = 3; left > 0; left -= limit) { assert_int_equal(poll_observed(limit), left < limit ? left : limit); }
        assert_observed();
    }
    fast->on_frame = on_closing;
    fast->frame_clientd = fast;
    calls = 0;
    for (int i = 0; i < 3; i++) { publish(1); }
    assert_int_equal(tp_consumer_poll_descriptors(fast, 10), 1);
    assert_int_equal(calls, 1);
    tp_producer_close(producer);
    tp_consumer_close(general);
}

static void a_closed_client_ends_polls_and_what_lies_there_is_still_to_be_had__L_114(void **state)
{
    (void)state;
    tp_frame_view_t view;
    open_pair();
    assert_int_equal(next(fast, &view), 0);
    publish(4);
    atomic_store(&cr->client->closing, true);
    assert_int_equal(tp_consumer_poll_descriptors(fast, 10), TP_CLOSED);
    assert_int_equal(next(fast, &view), 1);
    assert_int_equal(next(fast, &view), TP_CLOSED);
    atomic_store(&cr->client->closing, false);
    assert_int_equal(next(fast, &view), 0);
    close_pair();
}

static void another_epoch_is_learnt_anew__L_113_L_114_W_112_W_114(void **state)
{
    (void)state;
    open_pair();
    for (int epoch = 0; epoch < 3; epoch++)
    {
        assert_int_equal(fast->plain.use, TPI_PLAIN_HANDLER);
        const uint64_t before = cr->epoch;
        tp_producer_close(producer);
        producer = cr_producer();
        cr_step(1100 * MS);
        assert_true(cr->epoch > before && tp_consumer_is_mapped(fast) && tp_consumer_is_mapped(general));
        for (int i = 0; i < 4; i++)
        {
            read_one((uint16_t)(10 * epoch + i));
            assert_int_equal(by_fast.view.epoch, cr->epoch);
            assert_ptr_equal(by_fast.view.opaque[2], fast->map);
            assert_ptr_equal(by_fast.view.opaque[1], tpi_pool_set_slot(fast->map->set, tpi_pool_set_index(fast->map->set, by_fast.view.seq)));
        }
    }
    close_pair();
}

/* The mapping is withdrawn while the handler runs: what follows is not read from it. */
static void on_revoking(void *clientd, const tp_frame_view_t *view)
{
    (void)clientd;
    (void)view;
    if (1 != ++calls) { return; }
    tp_producer_close(producer);
    producer = cr_producer();
    cr_step(1100 * MS);
}

static void a_mapping_that_is_withdrawn_between_two_frames_ends_the_run__L_114_M9_W_114(void **state)
{
    (void)state;
    open_pair();
    read_one(1);
    assert_int_equal(tp_consumer_set_frame_handler(fast, on_frame, &by_fast), 0);
    read_one(2);
    fast->on_frame = on_revoking;
    calls = 0;
    for (int i = 0; i < 3; i++) { publish(1); }
    const tpi_consumer_map_t *const before = fast->map;
    assert_int_equal(tp_consumer_poll_descriptors(fast, 10), 1);
    assert_int_equal(calls, 1);
    publish(1);
    assert_int_equal(tp_consumer_poll_descriptors(fast, 10), 1);
    assert_ptr_not_equal(before, fast->map);
    close_pair();
}

static void views_tell_that_they_were_overwritten__L_114_M4_W_050(void **state)
{
    (void)state;
    open_pair();
    overwrite_views(TP_FRAME_NO_DESCRIPTOR);
    close_pair();
}

static void shape_and_pool_may_change_from_frame_to_frame__L_114(void **state)
{
    (void)state;
    open_pair();
    change_shape_and_pool();
    assert_observed();
    close_pair();
}

static void newest_only_and_rates_keep_off_it__L_111_L_114(void **state)
{
    (void)state;
    open_pair();
    tp_consumer_context_t *context = observer_context();
    assert_int_equal(tp_consumer_context_set_newest_only(context, true), 0);
    tp_consumer_t *const newest = cr_consumer_with(context);
    context = observer_context();
    assert_int_equal(tp_consumer_context_set_mode(context, TP_MODE_RATE_LIMITED, 1), 0);
    tp_consumer_t *const thin = cr_consumer_with(context);
    cr_step(1100 * MS);
    tp_frame_view_t view;
    for (int i = 0; i < 3; i++)
    {
        for (int k = 0; k < 3; k++) { publish(2); }
        assert_int_equal(next(newest, &view), 1);
        assert_true(view.seq == (uint64_t)(3 + 3 * i));
        assert_int_equal(next(newest, &view), 0);
        assert_int_equal(newest->plain.use, TPI_PLAIN_NOT);
        while (1 == next(thin, &view)) { }
    }
    assert_int_equal(drops(newest, TP_DROP_SKIPPED), 4);
    assert_true(drops(thin, TP_DROP_RATE) >= 5 && stats_of(thin).received <= 2);
    tp_consumer_close(newest);
    tp_consumer_close(thin);
    close_pair();
}

int main(void)
{
    const struct CMUnitTest tests[] =
    {
        CR_TEST(every_bit_of_a_slot_is_judged_as_the_general_way_does__L_114_M5_W_020_W_026_W_048_W_063_W_100),
        CR_TEST(every_word_that_is_not_the_next_frame_is_judged_as_the_general_way_does__L_111_L_114),
        CR_TEST(what_was_lapped_is_counted_and_the_rest_goes_on_straight__L_111_L_114),
        CR_TEST(a_frame_that_is_filled_is_waited_for_and_one_given_up_is_passed_over__L_111_L_114),
        CR_TEST(a_poll_reads_nothing_but_the_next_slot__L_114),
        CR_TEST(a_slot_that_is_taken_under_the_common_case_is_no_frame__L_114_M3_M4_W_047_W_050),
        CR_TEST(a_handler_may_take_itself_away_and_close_its_observer__L_114),
        CR_TEST(a_closed_client_ends_polls_and_what_lies_there_is_still_to_be_had__L_114),
        CR_TEST(another_epoch_is_learnt_anew__L_113_L_114_W_112_W_114),
        CR_TEST(a_mapping_that_is_withdrawn_between_two_frames_ends_the_run__L_114_M9_W_114),
        CR_TEST(views_tell_that_they_were_overwritten__L_114_M4_W_050),
        CR_TEST(shape_and_pool_may_change_from_frame_to_frame__L_114),
        CR_TEST(newest_only_and_rates_keep_off_it__L_111_L_114),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
