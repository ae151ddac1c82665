/* Joins of consumers by sequence number: what is handed out, what is not, and why. */
#include "join_rig.h"

static const tp_merge_rule_t two[] = { S_OFFSET(0, 0), S_OFFSET(1, 0) };
static const tp_merge_rule_t three[] = { S_OFFSET(0, 0), S_OFFSET(1, 0), S_OFFSET(2, 0) };

static void open_two(void) { jr_start_sequence(two, 2); }

static void three_inputs_give_one_tuple_a_frame__J_042_J_044(void **state)
{
    (void)state;
    jr_start_sequence(three, 3);
    jr_publish_many(0, 3);
    jr_publish_many(1, 2);
    assert_int_equal(jr_poll(), 0);
    jr_publish_many(2, 3);
    assert_int_equal(jr_poll(), 2);
    assert_int_equal(jr.made[1].out_seq, 1);
    assert_int_equal(jr.made[1].views, 3);
    assert_int_equal(jr.made[1].inputs, 3);
    for (int i = 0; i < 3; i++) { assert_int_equal(jr.made[1].seq[i][0], 1); }
    assert_true(jr.made[1].valid);
    jr_publish_many(1, 1);
    assert_int_equal(jr_poll(), 1);
    const tp_join_stats_t s = jr_stats();
    assert_int_equal(s.frames, 9);
    assert_int_equal(s.joined, 9);
    assert_int_equal(s.waiting, 0);
    assert_int_equal(s.outputs, 3);
    assert_int_equal(s.next_out_seq, 3);
}

static void offsets_move_the_partner(void **state)
{
    static const tp_merge_rule_t rules[] = { S_OFFSET(0, 0), S_OFFSET(1, -2) };
    (void)state;
    jr_start_sequence(rules, 2);
    jr_publish_many(0, 5);
    jr_publish_many(1, 3);
    assert_int_equal(jr_poll(), 3);
    for (int i = 0; i < 3; i++)
    {
        assert_int_equal(jr.made[i].seq[0][0], i + 2);
        assert_int_equal(jr.made[i].seq[1][0], i);
    }
    assert_int_equal(jr_stats().unjoined[TP_UNJOINED_PARTNER] + jr_stats().unjoined[TP_UNJOINED_PASSED], 2);
}

/* The descriptor is there, the slot is being written again: ready at once, tried once, dropped. */
static void nothing_waits_for_a_commit__J_004_J_006_J_008(void **state)
{
    tp_buffer_claim_t claim;
    (void)state;
    open_two();
    jr_publish_many(0, 1);
    assert_int_equal(jr_poll(), 0);
    jr_publish_many(0, (int)NSLOTS - 1);
    assert_true(tp_producer_try_claim(jr.producers[0], jr.tensor, &claim) >= 0);       /* the slot of frame 0, in progress from now on */
    jr_publish_many(1, 1);
    assert_int_equal(jr_poll(), 0);
    assert_int_equal(jr_stats().outputs_given_up, 1);
    assert_int_equal(jr_stats().unjoined[TP_UNJOINED_UNCOMMITTED], 1);
    assert_int_equal(jr_stats().unjoined[TP_UNJOINED_PARTNER], 1);
    jr_publish_many(1, 1);                                 /* the state of the barrier is as it should be */
    assert_int_equal(jr_poll(), 1);
    assert_int_equal(jr.made[0].out_seq, 1);
    assert_true(tp_producer_abort_claim(jr.producers[0], &claim) >= 0);
}

static void a_producer_is_never_held_up__J_005(void **state)
{
    (void)state;
    open_two();
    tpi_mem_network_set_window(rig->network, 1100, 64);    /* an input that is not polled would stop its producer here */
    for (int i = 0; i < 2000; i++)
    {
        jr_publish_many(0, 1);
        if (0 == i % 32) { assert_int_equal(jr_poll(), 0); }
    }
    assert_int_equal(jr_poll(), 0);
    tp_producer_stats_t p;
    assert_int_equal(tp_producer_stats(jr.producers[0], &p), 0);
    assert_int_equal(p.frames, 2000);
    assert_int_equal(p.descriptors_sent, 2000);
    assert_int_equal(p.back_pressured, 0);
    assert_int_equal(jr_stats().frames, 2000);
    assert_int_equal(jr_stats().waiting, 1024);
    assert_int_equal(jr_stats().unjoined[TP_UNJOINED_FULL], 2000 - 1024);
}

static void an_overwritten_frame_is_validated_once_and_counted__J_007_J_008(void **state)
{
    static const tp_merge_rule_t rules[] = { S_WINDOW(0, 4), S_OFFSET(1, 0) };
    (void)state;
    jr_start_sequence(rules, 2);
    jr_publish_many(0, 4);
    assert_int_equal(jr_poll(), 0);
    jr_publish_many(0, (int)NSLOTS - 2);                   /* overwrites frames 0 and 1 */
    jr_publish_many(1, 6);
    assert_int_equal(jr_poll(), 3);
    assert_int_equal(jr.made[0].lost[0], 2);
    assert_int_equal(jr.made[1].lost[0], 1);
    tp_consumer_stats_t c;
    assert_int_equal(tp_consumer_stats(jr.consumers[0], &c), 0);
    assert_int_equal(c.drops[TP_DROP_OVERWRITTEN], 2);     /* frame 1 was in two windows and looked at once */
    assert_int_equal(jr_stats().unjoined[TP_UNJOINED_OVERWRITTEN], 2);
}

static void look_up_inputs(const tp_joined_t *joined)
{
    assert_ptr_equal(tp_joined_input(joined, IN), &joined->inputs[0]);
    assert_ptr_equal(tp_joined_input(joined, IN + 1), &joined->inputs[1]);
    assert_null(tp_joined_input(joined, IN + 2));
    assert_null(tp_joined_input(NULL, IN));
}

static void a_join_may_begin_where_it_is_told_to(void **state)
{
    (void)state;
    open_two();
    assert_int_equal(tp_join_set_next(NULL, 2), -1);
    assert_int_equal(tp_join_set_next(jr.join, 2), 0);
    jr.during = look_up_inputs;
    jr_publish_many(0, 4);
    jr_publish_many(1, 4);
    assert_int_equal(jr_poll(), 2);
    assert_int_equal(jr.made[0].out_seq, 2);
    assert_int_equal(jr.made[1].out_seq, 3);
}

/* It failed once, so it is lost for good, also where another look would find it. */
static void a_frame_in_two_windows_is_looked_at_once__J_007(void **state)
{
    static const tp_merge_rule_t rules[] = { S_WINDOW(0, 4), S_OFFSET(1, 0) };
    tp_buffer_claim_t claim;
    (void)state;
    jr_start_sequence(rules, 2);
    jr_publish_many(0, 3);
    jr_publish_many(1, 3);
    assert_int_equal(jr_poll(), 0);
    assert_int_equal(tp_producer_try_claim(jr.producers[0], jr.tensor, &claim), 3);
    const tp_frame_descriptor_t early = { .stream_id = IN, .epoch = tp_join_barrier(jr.join)->join->inputs[0].epoch, .seq = 3,
        .publish_timestamp_ns = TP_NULL_U64, .trace_id = TP_NULL_TRACE_ID, .meta_version = TP_NULL_U32 };
    tpi_source_on_descriptor(&jr.join->sources[0], &early);
    jr_publish_many(1, 1);
    assert_int_equal(jr_poll(), 1);
    assert_int_equal(jr.made[0].lost[0], 1);
    for (int i = 0; i < 16; i++) { ((uint16_t *)claim.payload)[i] = 3; }
    assert_int_equal(tp_producer_commit_claim(jr.producers[0], &claim, NULL), 3);
    jr_publish_many(0, 1);
    jr_publish_many(1, 1);
    assert_int_equal(jr_poll(), 1);
    assert_int_equal(jr.made[1].count[0], 3);
    assert_int_equal(jr.made[1].lost[0], 1);
}

static void all_frames_of_a_window_are_tried_and_lost_ones_borne__J_024_J_025(void **state)
{
    static const tp_merge_rule_t rules[] = { S_OFFSET(0, 0), S_WINDOW(1, 5) };
    (void)state;
    jr_start_sequence(rules, 2);
    jr_publish_many(1, 5);
    assert_int_equal(jr_poll(), 0);
    jr_publish_many(1, 6);                                 /* overwrites frames 0 to 2 */
    jr_publish_many(0, 5);
    assert_int_equal(jr_poll(), 1);
    assert_int_equal(jr.made[0].out_seq, 4);
    assert_int_equal(jr.made[0].count[1], 2);
    assert_int_equal(jr.made[0].lost[1], 3);
    assert_int_equal(jr.made[0].seq[1][0], 3);
    assert_int_equal(jr.made[0].seq[1][1], 4);
    assert_true(jr.made[0].valid);
}

static void a_window_without_frames_is_marked_empty__J_025(void **state)
{
    static const tp_merge_rule_t rules[] = { S_OFFSET(0, 0), S_WINDOW(1, 2) };
    (void)state;
    jr_start_sequence(rules, 2);
    jr_publish_many(1, 2);
    assert_int_equal(jr_poll(), 0);
    jr_publish_many(1, (int)NSLOTS);
    jr_publish_many(0, 2);
    assert_int_equal(jr_poll(), 1);
    assert_int_equal(jr.made[0].state[1], TP_JOINED_EMPTY);
    assert_int_equal(jr.made[0].absent, 1);
    assert_int_equal(jr.made[0].count[0], 1);
    assert_int_equal(jr_stats().outputs_partial, 1);
}

static void windows_that_do_not_fit_give_their_newest_frames__J_024(void **state)
{
    static const tp_merge_rule_t rules[] = { S_WINDOW(0, 6), S_OFFSET(1, 0) };
    tp_join_options_t o = jr_options(TP_JOIN_SEQUENCE);
    const tp_merge_map_t m = jr_map(rules, 2);
    (void)state;
    o.rule_capacity = 2;
    o.view_capacity = 4;
    jr_start(&o, &m, 2, false);
    jr_publish_many(0, 6);
    jr_publish_many(1, 6);
    assert_int_equal(jr_poll(), 1);
    assert_int_equal(jr.made[0].count[0], 3);
    assert_int_equal(jr.made[0].lost[0], 3);
    assert_int_equal(jr.made[0].seq[0][0], 3);
    assert_int_equal(jr.made[0].count[1], 1);
}

static void a_silent_input_is_left_out_when_that_is_allowed__J_049_J_050(void **state)
{
    tp_join_options_t o = jr_options(TP_JOIN_SEQUENCE);
    tp_merge_map_t m = jr_map(two, 2);
    (void)state;
    o.allow_stale = true;
    m.stale_timeout_ns = 100 * MS;
    jr_start(&o, &m, 2, false);
    jr_publish_many(0, 2);
    jr_publish_many(1, 1);
    assert_int_equal(jr_poll(), 1);
    jr_step(100 * MS);
    assert_int_equal(jr_poll(), 0);
    jr_step(MS);
    assert_int_equal(jr_poll(), 1);
    jr_publish_many(0, 1);
    assert_int_equal(jr_poll(), 1);
    assert_int_equal(jr.made[1].state[1], TP_JOINED_ABSENT);
    assert_int_equal(jr.made[1].absent, 1);
    uint32_t stale = 0;
    assert_int_equal(tp_join_barrier_stale_inputs(tp_join_barrier(jr.join), rig->now_ns, &stale, 1), 1);
    assert_int_equal(stale, IN + 1);
    jr_publish_many(1, 4);
    jr_publish_many(0, 2);
    assert_int_equal(jr_poll(), 2);
    assert_int_equal(jr.made[3].absent, 0);
    assert_int_equal(jr.made[3].seq[1][0], 3);
}

static void an_input_of_a_new_epoch_starts_over__J_079(void **state)
{
    (void)state;
    open_two();
    jr_publish_many(0, 3);
    jr_publish_many(1, 2);
    assert_int_equal(jr_poll(), 2);
    tp_producer_close(jr.producers[0]);
    jr_step(40 * MS);
    jr.producers[0] = jr_producer(IN, false);
    jr_step(1100 * MS);
    assert_int_equal(jr_poll(), 0);
    assert_int_equal(jr_stats().unjoined[TP_UNJOINED_RESTARTED], 1);
    jr_publish_many(1, 1);
    jr_publish_many(0, 2);
    assert_int_equal(jr_poll(), 0);                        /* output 2 needs its frame 2 of the new epoch */
    jr_publish_many(0, 1);
    assert_int_equal(jr_poll(), 1);
    assert_int_equal(jr.made[2].seq[0][0], 2);
    assert_int_equal(jr_barrier_stats().input_restarts, 1);
}

static void a_lie_about_the_epoch_of_an_input_locks_nobody_out__P2(void **state)
{
    (void)state;
    open_two();
    tpc_pool_announce_t lie = rig_last_announce(IN);
    assert_int_equal(lie.stream_id, IN);
    lie.epoch = UINT64_MAX / 2;
    uint8_t bytes[2048];
    const int64_t length = tpc_pool_announce_encode(bytes, sizeof(bytes), &lie);
    assert_true(length > 0);
    rig_send(bytes, (size_t)length);
    assert_true(tpi_client_do_work_at(jr.client, rig->now_ns) > 0);
    assert_int_equal(jr.client->barriers->known[0].epoch, UINT64_MAX / 2);
    assert_int_equal(jr_poll(), 0);
    assert_true(jr.join->barrier->join->inputs[0].epoch < UINT64_MAX / 2);
    jr_step(6000 * MS);                                    /* producer and consumer find to each other again */
    assert_true(tp_consumer_is_mapped(jr.consumers[0]));
    jr_publish_many(0, 1);
    jr_publish_many(1, 1);
    assert_int_equal(jr_poll(), 1);
}

static void frames_before_a_map_do_not_count__J_045_J_046(void **state)
{
    const tp_join_options_t o = jr_options(TP_JOIN_SEQUENCE);
    const tp_merge_map_t m = jr_map(two, 2);
    (void)state;
    jr_open(2, false);
    jr_join(&o, 2);
    jr_publish_many(0, 2);
    jr_publish_many(1, 2);
    assert_int_equal(jr_poll(), 0);
    assert_int_equal(jr_stats().unjoined[TP_UNJOINED_NO_MAP], 4);
    jr_apply(&m);
    jr_publish_many(0, 1);
    jr_publish_many(1, 1);
    assert_int_equal(jr_poll(), 1);
    assert_int_equal(jr.made[0].out_seq, 2);
}

static void the_output_epoch_of_a_producer_is_followed__J_041(void **state)
{
    const tp_join_options_t o = jr_options(TP_JOIN_SEQUENCE);
    (void)state;
    jr_open(2, false);
    jr_join(&o, 2);
    tp_producer_t *out = jr_producer(OUT, false);
    assert_int_equal(tp_join_follow_producer(jr.join, out), 0);
    tp_merge_map_t m = jr_map(two, 2);
    assert_int_equal(jr_poll(), 0);
    m.epoch = tpi_producer_epoch(out);
    jr_apply(&m);
    jr_publish_many(0, 2);
    jr_publish_many(1, 1);
    assert_int_equal(jr_poll(), 1);
    tp_producer_close(out);
    jr_step(40 * MS);
    out = jr_producer(OUT, false);
    jr_step(100 * MS);
    assert_true(tpi_producer_epoch(out) > m.epoch);
    assert_int_equal(tp_join_follow_producer(jr.join, out), 0);
    jr_publish_many(1, 1);
    assert_int_equal(jr_poll(), 0);
    assert_int_equal(jr_stats().unjoined[TP_UNJOINED_RESTARTED], 1);
    assert_int_equal(jr_barrier_stats().map_state, 0);
    tp_producer_close(out);
}

static void turn_the_map(const tp_joined_t *joined)
{
    static const tp_merge_rule_t turned[] = { S_OFFSET(1, 0), S_OFFSET(0, 0) };
    const tp_merge_map_t m = jr_map(turned, 2);
    (void)joined;
    if (1 == jr.made_count) { jr_apply(&m); }
}

static void a_map_given_in_the_handler_holds_for_the_next_output(void **state)
{
    (void)state;
    open_two();
    jr_publish_many(0, 4);
    jr_publish_many(1, 4);
    jr.during = turn_the_map;                              /* the handler of the rig compares the stream of each view with that of its input */
    assert_int_equal(jr_poll(), 1);
    assert_int_equal(jr_poll(), 3);
    assert_int_equal(jr.made[3].out_seq, 3);
    assert_int_equal(jr_stats().joined, 8);
    assert_int_equal(jr_stats().waiting, 0);
}

static void restart_the_output(const tp_joined_t *joined)
{
    tp_merge_map_t m = jr_map(two, 2);
    (void)joined;
    if (1 != jr.made_count) { return; }
    m.epoch = EPOCH + 1;
    assert_int_equal(tp_join_barrier_set_epoch(tp_join_barrier(jr.join), EPOCH + 1), 0);
    jr_apply(&m);
}

static void an_output_epoch_given_in_the_handler_takes_no_frames_of_the_one_before__J_041(void **state)
{
    (void)state;
    open_two();
    jr_publish_many(0, 4);
    jr_publish_many(1, 4);
    jr.during = restart_the_output;
    assert_int_equal(jr_poll(), 1);
    assert_int_equal(jr_poll(), 0);
    assert_int_equal(jr_stats().unjoined[TP_UNJOINED_RESTARTED], 6);
    assert_int_equal(jr_stats().waiting, 0);
}

static void a_join_may_be_closed_in_its_handler(void **state);
static void close_it(const tp_joined_t *joined)
{
    (void)joined;
    assert_int_equal(tp_join_poll(jr.join, 1), TP_INVALID_ARGUMENT);
    tp_join_close(jr.join);
}

static void a_join_may_be_closed_in_its_handler(void **state)
{
    (void)state;
    open_two();
    jr.during = close_it;
    jr_publish_many(0, 2);
    jr_publish_many(1, 2);
    assert_int_equal(tp_join_poll(jr.join, 16), 1);
    jr.join = NULL;
    tp_frame_view_t view;
    jr_publish_many(0, 1);
    assert_int_equal(tp_consumer_next(jr.consumers[0], &view, 0), 1);      /* the consumers are the caller's again */
}

static void overwrite_it(const tp_joined_t *joined)
{
    (void)joined;
    jr_publish_many(0, (int)NSLOTS);
}

static void a_frame_that_goes_during_the_handler_is_seen_afterwards__M4(void **state)
{
    (void)state;
    open_two();
    jr.during = overwrite_it;
    jr_publish_many(0, 1);
    jr_publish_many(1, 1);
    assert_int_equal(jr_poll(), 1);
    assert_false(jr.made[0].valid);
}

static void a_bad_map_stops_the_join_and_keeps_what_waits__J_018_J_116(void **state)
{
    tp_join_options_t o = jr_options(TP_JOIN_SEQUENCE);
    const tp_merge_map_t good = jr_map(two, 2);
    const tp_merge_map_t bad = jr_map(three, 3);
    (void)state;
    o.rule_capacity = 2;
    jr_start(&o, &good, 2, false);
    jr_publish_many(0, 1);
    assert_int_equal(jr_poll(), 0);
    assert_int_equal(tp_join_barrier_apply_map(tp_join_barrier(jr.join), &bad), -1);
    jr_publish_many(1, 1);
    assert_int_equal(jr_poll(), 0);
    assert_int_equal(jr_stats().waiting, 2);
    jr_apply(&good);
    assert_int_equal(jr_poll(), 1);
}

static void a_jump_of_an_input_is_passed_in_one_step(void **state)
{
    static const tp_merge_rule_t rules[] = { S_WINDOW(0, 2), S_WINDOW(1, 2) };
    (void)state;
    jr_start_sequence(rules, 2);
    jr_publish_many(0, 2);
    jr_publish_many(1, 2);
    assert_int_equal(jr_poll(), 1);
    for (uint32_t i = 0; i < 2; i++)
    {
        tpi_join_t *machine = tp_join_barrier(jr.join)->join;
        const tp_frame_descriptor_t d = { .stream_id = IN + i, .epoch = machine->inputs[i].epoch, .seq = UINT64_C(1) << 62 };
        tpi_source_on_descriptor(&jr.join->sources[i], &d);
    }
    assert_int_equal(jr_poll(), 1);                        /* its windows still hold the frames before */
    assert_true(jr_stats().outputs_passed > UINT64_C(1) << 61);
    assert_int_equal(jr_stats().unjoined[TP_UNJOINED_OVERWRITTEN] + jr_stats().waiting, 2);
}

static void a_jump_beside_an_input_that_is_left_out_is_passed_in_one_step__P11(void **state)
{
    static const tp_merge_rule_t rules[] = { S_OFFSET(0, 0), S_WINDOW(1, 2) };
    tp_join_options_t o = jr_options(TP_JOIN_SEQUENCE);
    tp_merge_map_t m = jr_map(rules, 2);
    (void)state;
    o.allow_stale = true;
    m.stale_timeout_ns = 100 * MS;
    jr_start(&o, &m, 2, false);
    jr_publish_many(0, 2);
    jr_publish_many(1, 2);
    assert_int_equal(jr_poll(), 1);
    jr_step(101 * MS);                                     /* both are silent, then one speaks of a frame far away */
    const tp_frame_descriptor_t d = { .stream_id = IN + 1, .epoch = tp_join_barrier(jr.join)->join->inputs[1].epoch, .seq = UINT64_C(1) << 62 };
    tpi_source_on_descriptor(&jr.join->sources[1], &d);
    (void)jr_poll();
    assert_true(jr_stats().outputs_passed > UINT64_C(1) << 61);
    assert_true(jr_stats().outputs + jr_stats().outputs_given_up < 8);
}

/* W-048: another template than TensorHeader in headerBytes. The slot is committed, and the word that says so stays. */
static void an_embedded_header_of_another_kind_is_dropped__J_109(void **state)
{
    (void)state;
    open_two();
    jr_publish_many(0, 2);
    const tpi_pool_set_t *set = jr.producers[0]->map->set;
    uint8_t *slot = (uint8_t *)(uintptr_t)tpi_pool_set_slot(set, tpi_pool_set_index(set, 0));
    assert_int_equal(slot[66], 52);                        /* its template id */
    slot[66] = 51;
    jr_publish_many(1, 2);
    assert_int_equal(jr_poll(), 1);
    assert_int_equal(jr.made[0].out_seq, 1);
    assert_int_equal(jr_stats().unjoined[TP_UNJOINED_INVALID], 1);
    assert_int_equal(jr_stats().unjoined[TP_UNJOINED_PARTNER], 1);
}

static void hopeless_joins_are_refused(void **state)
{
    tp_join_options_t o = jr_options(TP_JOIN_SEQUENCE);
    tp_join_t *join = NULL;
    (void)state;
    jr_open(2, false);
    tp_consumer_t *same[] = { jr.consumers[0], jr.consumers[0] };
    assert_int_equal(tp_join_init(&join, jr.client, &o, same, 2), -1);
    o.frame_capacity = 1;
    assert_int_equal(tp_join_init(&join, jr.client, &o, jr.consumers, 2), -1);
    o.frame_capacity = 65537;
    assert_int_equal(tp_join_init(&join, jr.client, &o, jr.consumers, 2), -1);
    o.frame_capacity = 16;
    o.view_capacity = o.rule_capacity - 1;
    assert_int_equal(tp_join_init(&join, jr.client, &o, jr.consumers, 2), -1);
    o.view_capacity = 16;
    o.period_ns = 1;
    assert_int_equal(tp_join_init(&join, jr.client, &o, jr.consumers, 2), -1);
    o.period_ns = 0;
    assert_int_equal(tp_join_init(&join, jr.client, &o, jr.consumers, 0), -1);
    o.size--;
    assert_int_equal(tp_join_init(&join, jr.client, &o, jr.consumers, 2), -1);
    assert_null(join);
    assert_null(jr.client->barriers);
    o.size++;
    assert_int_equal(tp_join_init(&join, jr.client, &o, jr.consumers, 2), 0);
    tp_join_close(join);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        JR_TEST(three_inputs_give_one_tuple_a_frame__J_042_J_044), JR_TEST(offsets_move_the_partner),
        JR_TEST(nothing_waits_for_a_commit__J_004_J_006_J_008), JR_TEST(a_producer_is_never_held_up__J_005),
        JR_TEST(an_overwritten_frame_is_validated_once_and_counted__J_007_J_008),
        JR_TEST(a_join_may_begin_where_it_is_told_to), JR_TEST(a_frame_in_two_windows_is_looked_at_once__J_007),
        JR_TEST(all_frames_of_a_window_are_tried_and_lost_ones_borne__J_024_J_025), JR_TEST(a_window_without_frames_is_marked_empty__J_025),
        JR_TEST(windows_that_do_not_fit_give_their_newest_frames__J_024),
        JR_TEST(a_silent_input_is_left_out_when_that_is_allowed__J_049_J_050), JR_TEST(an_input_of_a_new_epoch_starts_over__J_079),
        JR_TEST(a_lie_about_the_epoch_of_an_input_locks_nobody_out__P2), JR_TEST(frames_before_a_map_do_not_count__J_045_J_046),
        JR_TEST(the_output_epoch_of_a_producer_is_followed__J_041), JR_TEST(a_join_may_be_closed_in_its_handler),
        JR_TEST(a_map_given_in_the_handler_holds_for_the_next_output),
        JR_TEST(an_output_epoch_given_in_the_handler_takes_no_frames_of_the_one_before__J_041),
        JR_TEST(a_frame_that_goes_during_the_handler_is_seen_afterwards__M4),
        JR_TEST(a_bad_map_stops_the_join_and_keeps_what_waits__J_018_J_116), JR_TEST(a_jump_of_an_input_is_passed_in_one_step),
        JR_TEST(a_jump_beside_an_input_that_is_left_out_is_passed_in_one_step__P11),
        JR_TEST(an_embedded_header_of_another_kind_is_dropped__J_109), JR_TEST(hopeless_joins_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
