/*
 * The common case against the general way: two consumers read the same frames, and one of them records latencies, which keeps it off the common case.
 * Whatever a slot or a descriptor holds, both have to see the same.
 */
#include "client_pair_rig.h"

static tp_consumer_t *open_one(bool latency, seen_t *seen)
{
    tp_consumer_context_t *const context = cr_consumer_context();
    assert_int_equal(tp_consumer_context_set_ring_recovery(context, false), 0);          /* it goes by the real clock */
    return open_with(context, latency, seen);
}

/* Both have seen a frame, so that the next one like it takes the common case. */
static void open_pair(void)
{
    cr->lease_ns = 600000 * MS;                            /* claims are judged by the real clock, and a busy machine takes its time */
    fast = open_one(false, &by_fast);
    general = open_one(true, &by_general);
    producer = cr_producer();
    publish(1);
    assert_int_equal(poll_both(10), 1);
    assert_int_equal(fast->plain.use, TPI_PLAIN_HANDLER);
    assert_int_equal(general->plain.use, TPI_PLAIN_NOT);
    assert_same();
}

static void every_bit_of_a_slot_is_judged_as_the_general_way_does__M5_W_020_W_026_W_048_W_063_W_100(void **state)
{
    (void)state;
    int delivered = 0;
    open_pair();
    for (unsigned bit = 0; bit < 256 * 8; bit++)
    {
        const uint64_t seq = stats_of(fast).last_seq + 1;
        assert_int_equal(fast->plain.use, TPI_PLAIN_HANDLER);
        publish((uint16_t)bit);
        slot_of(seq)[bit / 8] ^= (uint8_t)(1u << bit % 8);
        delivered += poll_both(10);
        assert_same();
        slot_of(seq)[bit / 8] ^= (uint8_t)(1u << bit % 8);
        publish(7);
        assert_int_equal(poll_both(10), 1);                /* the next good one comes through */
        assert_same();
        publish(8);
        assert_int_equal(poll_both(10), 1);
    }
    assert_true(delivered > (109 + 26) * 8);               /* the pads, the times and some more are no fault */
    assert_true(stats_of(fast).drops[TP_DROP_BAD_HEADER] > 200 && stats_of(fast).drops[TP_DROP_OVERWRITTEN] > 60);
    close_pair();
}

static void send_raw(const uint8_t *data, size_t length) { assert_true(tpi_publication_offer(cr->descriptor_pub, data, length) > 0); }

/* The next frame, announced by these bytes in place of its producer's. */
static size_t encode_next(uint8_t bytes[128], uint16_t value)
{
    tpc_frame_descriptor_t d = descriptor(stats_of(fast).last_seq + 1);
    d.timestamp_ns = 111;
    d.meta_version = 3;
    d.trace_id = 222;
    assert_int_equal(tpi_mem_network_fault(cr->network, CR_DESCRIPTOR, TPI_MEM_LOSE, 1), 0);
    publish(value);
    memset(bytes, 0x77, 128);
    return (size_t)tpc_frame_descriptor_encode(bytes, 128, &d);
}

static void every_bit_of_a_descriptor_is_judged_as_the_general_way_does__P1_O_38(void **state)
{
    (void)state;
    uint8_t bytes[128];
    open_pair();
    for (unsigned bit = 0; bit < TPC_FRAME_DESCRIPTOR_LENGTH * 8; bit++)
    {
        /* epoch and seq suspend the mapping */
        if (bit >= TPC_FRAME_DESCRIPTOR_EPOCH_AT * 8 && bit < TPC_FRAME_DESCRIPTOR_TIMESTAMP_AT * 8) { continue; }
        const size_t length = encode_next(bytes, (uint16_t)bit);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        send_raw(bytes, length);
        (void)poll_both(10);
        assert_same();
        publish(7);
        assert_int_equal(poll_both(10), 1);
        assert_same();
        publish(8);
        assert_int_equal(poll_both(10), 1);
        assert_int_equal(fast->plain.use, TPI_PLAIN_HANDLER);
    }
    assert_int_equal(stats_of(fast).foreign, 32);
    assert_true(stats_of(fast).malformed > 16);
    close_pair();
}

static void blocks_of_any_length_are_read_between_the_others__O_38_P1_P10(void **state)
{
    (void)state;
    uint8_t bytes[128];
    open_pair();
    for (uint8_t block = 30; block <= 64; block++)
    {
        (void)encode_next(bytes, block);
        bytes[0] = block;
        send_raw(bytes, 8u + block);
        assert_int_equal(poll_both(10), block < 32 ? 0 : 1);
        assert_same();
        if (block >= 32) { assert_true(block < 40 ? TP_NULL_TRACE_ID == by_fast.view.trace_id : 222 == by_fast.view.trace_id); }
        publish(7);
        assert_int_equal(poll_both(10), 1);
    }
    assert_int_equal(stats_of(fast).malformed, 2);
    (void)encode_next(bytes, 1);
    bytes[0] = 44;
    bytes[TPC_FRAME_DESCRIPTOR_STREAM_ID_AT] ^= 1;         /* P1: somebody else's */
    send_raw(bytes, 52);
    assert_int_equal(poll_both(10), 0);
    assert_int_equal(stats_of(fast).foreign, 1);
    assert_same();
    (void)encode_next(bytes, 1);
    bytes[6] = 2;                                          /* a newer version */
    send_raw(bytes, TPC_FRAME_DESCRIPTOR_LENGTH);
    assert_int_equal(poll_both(10), 0);
    assert_int_equal(stats_of(fast).malformed, 3);
    assert_same();
    (void)encode_next(bytes, 1);
    send_raw(bytes, TPC_FRAME_DESCRIPTOR_LENGTH - 1);      /* shorter than its block */
    assert_int_equal(poll_both(10), 0);
    assert_int_equal(stats_of(fast).malformed, 4);
    assert_same();
    close_pair();
}

static void messages_of_others_between_descriptors_lose_nothing(void **state)
{
    (void)state;
    static uint8_t other[4000];
    uint8_t head[8] = { 40, 0, 9, 0, 0x84, 3, 1, 0 };      /* another template of the same schema */
    open_pair();
    memcpy(other, head, sizeof(head));
    for (int i = 0; i < 3; i++)
    {
        publish(1);
        send_raw(other, 0 == i ? 48 : 1 == i ? 1376 : sizeof(other));                      /* whole, whole, in fragments */
        publish(2);
        assert_int_equal(poll_both(10), 2);
        assert_same();
    }
    assert_int_equal(stats_of(fast).malformed, 0);
    assert_int_equal(stats_of(fast).foreign, 0);
    close_pair();
}

static void shape_and_pool_may_change_from_frame_to_frame(void **state)
{
    (void)state;
    open_pair();
    change_shape_and_pool();
    close_pair();
}

static void batches_are_served_up_to_the_limit_and_jumps_are_gaps__W_121(void **state)
{
    (void)state;
    open_pair();
    for (int limit = 1; limit <= 6; limit++)
    {
        for (int i = 0; i < 6; i++)
        {
            if (3 == i) { assert_int_equal(tpi_mem_network_fault(cr->network, CR_DESCRIPTOR, TPI_MEM_LOSE, 1), 0); }
            publish((uint16_t)i);
        }
        int n = 0;
        while (n < 5)
        {
            const int now = poll_both(limit);
            assert_true(now > 0 && now <= limit);
            assert_same();
            n += now;
        }
        assert_int_equal(n, 5);
        assert_int_equal(stats_of(fast).drops[TP_DROP_GAP], limit);
        assert_ledger(fast);
    }
    close_pair();
}

static void a_jump_within_a_batch_resyncs_as_the_general_way_does__W_125(void **state)
{
    (void)state;
    for (uint32_t gap = 1; gap < 6; gap++)
    {
        open_pair();
        fast->follow.max_gap = gap;
        general->follow.max_gap = gap;
        publish(0);
        assert_int_equal(poll_both(1), 1);
        assert_int_equal(tp_consumer_set_frame_handler(fast, on_frame, &by_fast), 0);      /* learn again, with that gap */
        fast->plain.max_gap = gap;
        for (int i = 0; i < 5; i++) { publish((uint16_t)i); }
        (void)poll_both(10);
        assert_same();
        publish(9);
        assert_int_equal(poll_both(10), 1);
        assert_same();
        close_pair();
        cr_next_epoch();
    }
}

/* ---- what handlers do ----------------------------------------------------------------------------------------------------- */


static void on_second(void *clientd, const tp_frame_view_t *view)
{
    (void)view;
    assert_int_equal(tp_consumer_set_frame_handler(clientd, NULL, NULL), 0);
    calls++;
}

static void on_said(void *clientd, const tp_frame_descriptor_t *said)
{
    (void)clientd;
    (void)said;
    calls++;
}

static void on_third(void *clientd, const tp_frame_view_t *view)
{
    (void)view;
    assert_int_equal(tp_consumer_set_descriptor_handler(clientd, on_said, NULL), 0);
}

static void a_handler_may_take_itself_away_and_close_its_consumer(void **state)
{
    (void)state;
    open_pair();
    calls = 0;
    assert_int_equal(tp_consumer_set_frame_handler(fast, on_second, fast), 0);
    publish(1);
    assert_int_equal(poll_both(10), 1);
    assert_int_equal(calls, 1);
    for (int i = 0; i < 3; i++) { publish(1); }
    assert_int_equal(poll_both(10), 3);                    /* read, counted, and for nobody */
    assert_int_equal(calls, 1);
    assert_int_equal(fast->plain.use, TPI_PLAIN_NEXT);
    assert_int_equal(tp_consumer_set_frame_handler(fast, on_frame, &by_fast), 0);
    publish(1);
    assert_int_equal(poll_both(10), 1);
    assert_int_equal(tp_consumer_set_frame_handler(fast, on_second, fast), 0);
    publish(1);
    assert_int_equal(poll_both(1), 1);
    assert_int_equal(tp_consumer_set_frame_handler(fast, on_frame, &by_fast), 0);
    publish(1);
    assert_int_equal(poll_both(1), 1);
    fast->on_frame = on_third;                             /* without a call that would say so: from inside of the common case */
    fast->frame_clientd = fast;
    calls = 0;
    for (int i = 0; i < 3; i++) { publish(1); }
    assert_int_equal(poll_both(10), 3);
    assert_int_equal(calls, 2);
    assert_int_equal(tp_consumer_set_descriptor_handler(fast, NULL, NULL), 0);
    assert_int_equal(tp_consumer_set_frame_handler(fast, on_frame, &by_fast), 0);
    publish(1);
    assert_int_equal(poll_both(1), 1);
    fast->on_frame = on_closing;
    fast->frame_clientd = fast;
    calls = 0;
    for (int i = 0; i < 3; i++) { publish(1); }
    cr_settle();
    assert_int_equal(tp_consumer_poll_descriptors(fast, 10), 1);
    assert_int_equal(calls, 1);
    tp_producer_close(producer);
    tp_consumer_close(general);
}

static void another_epoch_is_learnt_anew__W_112_W_114(void **state)
{
    (void)state;
    open_pair();
    for (int epoch = 0; epoch < 3; epoch++)
    {
        cr_next_epoch();
        cr_step(200 * MS);
        for (int i = 0; i < 4; i++)
        {
            publish((uint16_t)(10 * epoch + i));
            assert_int_equal(poll_both(10), 1);
            assert_same();
            assert_int_equal(by_fast.view.epoch, cr->epoch);
            assert_int_equal(by_fast.first, 10 * epoch + i);
            assert_ptr_equal(by_fast.view.opaque[2], fast->map);
        }
        assert_int_equal(fast->plain.use, TPI_PLAIN_HANDLER);
    }
    close_pair();
}

static void revoke_consumer(void)
{
    cr_lease_t *const lease = cr_lease(TP_ROLE_CONSUMER);
    assert_non_null(lease);
    lease->active = false;
    cr_revoke(lease, TPC_REVOKE_EXPIRED);
}

static void the_same_epoch_in_another_mapping_is_learnt_anew__M9(void **state)
{
    (void)state;
    open_pair();
    for (int i = 0; i < 3; i++)
    {
        const tpi_consumer_map_t *const before = fast->map;
        assert_int_equal(fast->plain.use, TPI_PLAIN_HANDLER);
        revoke_consumer();
        revoke_consumer();
        cr_settle();
        if (1 == i) { assert_int_equal(tp_consumer_poll_descriptors(fast, 10), 0); }       /* it lets go of the old one, or not yet */
        cr_step(200 * MS);
        assert_true(tp_consumer_is_mapped(fast) && tp_consumer_is_mapped(general));
        publish((uint16_t)i);
        assert_int_equal(poll_both(10), 1);
        assert_same();
        assert_true(before != fast->map || 1 == i);
        assert_ptr_equal(by_fast.view.opaque[2], fast->map);
        assert_ptr_equal(by_fast.view.opaque[1], tpi_pool_set_slot(fast->map->set, tpi_pool_set_index(fast->map->set, by_fast.view.seq)));
        assert_int_equal(by_fast.first, i);
        publish(9);
        assert_int_equal(poll_both(10), 1);
    }
    close_pair();
}

static void views_of_the_common_case_tell_that_they_were_overwritten__M4_W_050(void **state)
{
    (void)state;
    open_pair();
    overwrite_views(0);
    close_pair();
}

static void a_slot_that_is_taken_under_the_common_case_is_no_frame__M3_M4_W_047_W_050(void **state)
{
    (void)state;
    open_pair();
    for (int i = 0; i < 3; i++)
    {
        const uint64_t seq = stats_of(fast).last_seq + 1;
        const tp_consumer_stats_t before = stats_of(fast);
        publish((uint16_t)i);
        cr_settle();
        assert_true(tpi_stage_refill(fast) > 0);
        word_meanwhile = 0 == i ? 0 : 1 == i ? (seq + CR_NSLOTS) << 1 : (seq + CR_NSLOTS) << 1 | 1;       /* as it was, begun, committed */
        its_producers_slot = (tpi_slot_word_t *)(void *)slot_of(seq);
        memset(&by_fast, 0, sizeof(by_fast));
        const int n = tpi_plain_run(fast, 10);
        word_meanwhile = 0;
        assert_int_equal(n, 0 == i ? 1 : 0);
        assert_int_equal(by_fast.count, n);
        assert_true(stats_of(fast).received - before.received == (uint64_t)n && fast->stage_at == (uint32_t)n);
        assert_true((0 == i ? seq : before.last_seq) == stats_of(fast).last_seq);
        assert_int_equal(tp_consumer_poll_descriptors(fast, 10), 0);
        assert_int_equal(tp_consumer_poll_descriptors(general, 10), n);
        assert_true(seq == stats_of(fast).last_seq);
        for (int k = 0; k < 2; k++) { publish(1); assert_int_equal(poll_both(10), 1); }
        assert_ledger(fast);
    }
    assert_int_equal(drops(fast, TP_DROP_OVERWRITTEN) + drops(fast, TP_DROP_UNCOMMITTED), 2);
    close_pair();
}

int main(void)
{
    const struct CMUnitTest tests[] =
    {
        CR_TEST(every_bit_of_a_slot_is_judged_as_the_general_way_does__M5_W_020_W_026_W_048_W_063_W_100),
        CR_TEST(every_bit_of_a_descriptor_is_judged_as_the_general_way_does__P1_O_38),
        CR_TEST(blocks_of_any_length_are_read_between_the_others__O_38_P1_P10),
        CR_TEST(messages_of_others_between_descriptors_lose_nothing),
        CR_TEST(shape_and_pool_may_change_from_frame_to_frame),
        CR_TEST(batches_are_served_up_to_the_limit_and_jumps_are_gaps__W_121),
        CR_TEST(a_jump_within_a_batch_resyncs_as_the_general_way_does__W_125),
        CR_TEST(a_handler_may_take_itself_away_and_close_its_consumer),
        CR_TEST(the_same_epoch_in_another_mapping_is_learnt_anew__M9),
        CR_TEST(another_epoch_is_learnt_anew__W_112_W_114),
        CR_TEST(a_slot_that_is_taken_under_the_common_case_is_no_frame__M3_M4_W_047_W_050),
        CR_TEST(views_of_the_common_case_tell_that_they_were_overwritten__M4_W_050),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
