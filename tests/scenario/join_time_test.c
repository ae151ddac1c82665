/* Joins of consumers by time, and of the newest frames. */
#include "join_rig.h"

#include "protocol/join_latest.h"

static tp_merge_map_t timed(const tp_merge_rule_t *rules, uint32_t count)
{
    tp_merge_map_t m = jr_map(rules, count);
    m.kind = TP_MERGE_TIMESTAMP;
    m.clock_domain = TP_CLOCK_MONOTONIC;
    return m;
}

static void open_join(tp_join_options_t o, const tp_merge_map_t *m, uint32_t inputs)
{
    jr_start(&o, m, inputs, true);
    jr_step(1200 * MS);                                    /* announces tell the clocks */
    assert_int_equal(jr_poll(), 0);
}

static const tp_merge_rule_t pair[] = { T_OFFSET(0, TP_TIME_CAPTURED, 0), T_OFFSET(1, TP_TIME_CAPTURED, 0) };
static const tp_merge_rule_t camera_imu[] = { T_OFFSET(0, TP_TIME_CAPTURED, 0), T_WINDOW(1, TP_TIME_CAPTURED, 10) };

static void the_newest_frame_before_is_the_partner(void **state)
{
    (void)state;
    const tp_merge_map_t m = timed(pair, 2);
    open_join(jr_options(TP_JOIN_TIMESTAMP), &m, 2);
    jr_publish_at(0, 1000);
    jr_publish_at(1, 990);
    assert_int_equal(jr_poll(), 0);                        /* a nearer one may yet come */
    jr_publish_at(1, 1008);
    assert_int_equal(jr_poll(), 1);
    assert_int_equal(jr.made[0].out_time, 1000);
    assert_int_equal(jr.made[0].seq[1][0], 0);
    assert_int_equal(jr.made[0].skew, 10);
    jr_publish_at(0, 1010);
    jr_publish_at(1, 1010);
    assert_int_equal(jr_poll(), 1);
    assert_int_equal(jr.made[1].seq[1][0], 2);
    assert_int_equal(jr.made[1].skew, 0);
    jr_publish_at(0, 1011);
    jr_publish_at(0, 1012);
    jr_publish_at(1, 1020);
    assert_int_equal(jr_poll(), 2);                        /* two outputs with one frame of the slow input */
    assert_int_equal(jr.made[3].seq[1][0], 2);
    assert_int_equal(jr_stats().joined, 4 + 2);
    assert_int_equal(jr_stats().unjoined[TP_UNJOINED_PASSED], 1);
}

static void the_nearest_frame_is_the_partner_within_its_bound(void **state)
{
    (void)state;
    const tp_merge_map_t m = timed(pair, 2);
    tp_join_options_t o = jr_options(TP_JOIN_TIMESTAMP);
    o.match = TP_JOIN_NEAREST;
    o.max_skew_ns = 5;
    open_join(o, &m, 2);
    jr_publish_at(1, 990);
    jr_publish_at(0, 1000);
    jr_publish_at(1, 1004);
    assert_int_equal(jr_poll(), 1);
    assert_int_equal(jr.made[0].seq[1][0], 1);
    jr_publish_at(0, 1010);
    jr_publish_at(1, 1016);
    assert_int_equal(jr_poll(), 0);                        /* 6 off, both */
    assert_int_equal(jr_stats().outputs_given_up, 1);
    jr_publish_at(0, 1020);
    assert_int_equal(jr_poll(), 0);
    jr_publish_at(1, 1024);
    assert_int_equal(jr_poll(), 1);                        /* of two the older one */
    assert_int_equal(jr.made[1].seq[1][0], 2);
}

/* Lateness decides when, not what. */
static void windows_of_time_are_not_moved_by_lateness__J_034_J_064(void **state)
{
    (void)state;
    tp_merge_map_t m = timed(camera_imu, 2);
    m.lateness_ns = 5;
    open_join(jr_options(TP_JOIN_TIMESTAMP), &m, 2);
    for (uint64_t t = 985; t < 995; t += 3) { jr_publish_at(1, t); }       /* 985 988 991 994 */
    jr_publish_at(0, 1000);
    assert_int_equal(jr_poll(), 0);
    jr_publish_at(1, 995);
    assert_int_equal(jr_poll(), 1);
    assert_int_equal(jr.made[0].count[1], 3);
    assert_int_equal(jr.made[0].seq[1][0], 2);
    assert_int_equal(jr.made[0].seq[1][2], 4);
}

static void offsets_of_time_are_taken_off_the_anchor(void **state)
{
    static const tp_merge_rule_t rules[] = { T_OFFSET(0, TP_TIME_PUBLISHED, 0), T_OFFSET(1, TP_TIME_CAPTURED, -100) };
    tp_join_options_t o = jr_options(TP_JOIN_TIMESTAMP);
    tp_merge_rule_t mixed[2] = { rules[0], rules[1] };
    (void)state;
    mixed[0].source = TP_TIME_CAPTURED;
    const tp_merge_map_t m = timed(mixed, 2);
    o.anchor_stream_id = IN + 1;
    open_join(o, &m, 2);
    jr_publish_at(1, 900);
    jr_publish_at(0, 1000);
    assert_int_equal(jr_poll(), 1);
    assert_int_equal(jr.made[0].out_time, 1000);
    assert_int_equal(jr.made[0].views, 2);
}

/* As by sequence: ready by what was announced, tried once, never waited for, never held up. */
static void nothing_waits_by_time_either__J_070_J_071(void **state)
{
    (void)state;
    const tp_merge_map_t m = timed(camera_imu, 2);
    open_join(jr_options(TP_JOIN_TIMESTAMP), &m, 2);
    jr_publish_at(1, 995);
    jr_publish_at(1, 998);
    assert_int_equal(jr_poll(), 0);
    for (uint64_t t = 1001; t < 1001 + NSLOTS; t++) { jr_publish_at(1, t); }       /* overwrites both, while the join is blocked */
    assert_int_equal(jr_poll(), 0);
    jr_publish_at(0, 1000);
    assert_int_equal(jr_poll(), 1);
    assert_int_equal(jr.made[0].state[1], TP_JOINED_EMPTY);
    assert_int_equal(jr.made[0].lost[1], 2);
    jr_publish_at(0, 1001);
    assert_int_equal(jr_poll(), 1);
    assert_int_equal(jr.made[1].lost[1], 2);               /* known to be lost, and not looked at again */
    jr_publish_at(1, 1030);
    jr_publish_at(0, 1030);
    assert_int_equal(jr_poll(), 1);
    assert_int_equal(jr_stats().unjoined[TP_UNJOINED_OVERWRITTEN], 2);
    tp_consumer_stats_t c;
    assert_int_equal(tp_consumer_stats(jr.consumers[1], &c), 0);
    assert_int_equal(c.drops[TP_DROP_OVERWRITTEN], 0);     /* each was read once, when its time was looked up */
}

/* It failed once, so it is lost for good, also where another look would find it. */
static void a_frame_in_two_windows_is_looked_at_once__J_071(void **state)
{
    static const tp_merge_rule_t rules[] = { T_OFFSET(0, TP_TIME_CAPTURED, 0), T_WINDOW(1, TP_TIME_PUBLISHED, 3600000000000) };
    tp_buffer_claim_t claim;
    (void)state;
    const tp_merge_map_t m = timed(rules, 2);
    open_join(jr_options(TP_JOIN_TIMESTAMP), &m, 2);
    (void)jr_publish(1);
    assert_int_equal(jr_poll(), 0);
    assert_int_equal(tp_producer_try_claim(jr.producers[1], jr.tensor, &claim), 1);
    const uint64_t then = (uint64_t)tpi_clock_monotonic_ns();
    const tp_frame_descriptor_t early = { .stream_id = IN + 1, .epoch = tp_join_barrier(jr.join)->join->inputs[1].epoch, .seq = 1,
        .publish_timestamp_ns = then, .trace_id = TP_NULL_TRACE_ID, .meta_version = TP_NULL_U32 };
    tpi_source_on_descriptor(&jr.join->sources[1], &early);
    jr_publish_at(0, then);
    assert_int_equal(jr_poll(), 1);
    assert_int_equal(jr.made[0].lost[1], 1);
    for (int i = 0; i < 16; i++) { ((uint16_t *)claim.payload)[i] = 1; }
    assert_int_equal(tp_producer_commit_claim(jr.producers[1], &claim, NULL), 1);
    (void)jr_publish(1);
    jr_publish_at(0, then + 1);
    assert_int_equal(jr_poll(), 1);
    assert_int_equal(jr.made[1].count[1], 1);
    assert_int_equal(jr.made[1].lost[1], 1);
    assert_int_equal(jr.made[1].seq[1][0], 0);
}

static void times_that_go_back_reject_the_join__J_057_J_066(void **state)
{
    (void)state;
    const tp_merge_map_t m = timed(pair, 2);
    open_join(jr_options(TP_JOIN_TIMESTAMP), &m, 2);
    jr_publish_at(1, 2000);
    jr_publish_at(1, 1000);
    jr_publish_at(0, 1500);
    assert_int_equal(jr_poll(), 0);
    assert_int_equal(jr_stats().unjoined[TP_UNJOINED_TIME_BACK], 1);
    assert_int_equal(jr_stats().unjoined[TP_UNJOINED_REJECTED], 2);
    assert_int_equal(jr_barrier_stats().checks[TP_JOIN_INPUT_TIME_BACK], 1);
}

static void frames_without_time_are_no_partners__J_056_J_067(void **state)
{
    static const tp_merge_rule_t rules[] = { T_OFFSET(0, TP_TIME_PUBLISHED, 0) };
    (void)state;
    const tp_merge_map_t m = timed(rules, 1);
    jr_open(1, false);
    const tp_join_options_t o = jr_options(TP_JOIN_TIMESTAMP);
    jr_join(&o, 1);
    jr_apply(&m);
    jr_step(1200 * MS);
    jr_publish_many(0, 2);
    assert_int_equal(jr_poll(), 0);
    assert_int_equal(jr_stats().unjoined[TP_UNJOINED_NO_TIME], 2);
}

static void an_output_each_period(void **state)
{
    (void)state;
    const tp_merge_map_t m = timed(pair, 2);
    tp_join_options_t o = jr_options(TP_JOIN_TIMESTAMP);
    o.period_ns = 100 * MS;
    open_join(o, &m, 2);
    const int before = jr.made_count;
    for (int i = 0; i < 50; i++)
    {
        jr_step(20 * MS);
        jr_publish_at(0, (uint64_t)rig->now_ns);
        if (0 == i % 3) { jr_publish_at(1, (uint64_t)rig->now_ns); }
        (void)jr_poll();
    }
    assert_in_range(jr.made_count - before, 9, 12);
    assert_int_equal(jr.made[(before + 3) % 256].out_time % (100 * MS), 0);
    assert_true(jr.made[(before + 3) % 256].skew < 60 * MS);
}

/* A map of the wrong clock, put right: the period goes on with the clock of the map in force. */
static void an_output_each_period_of_the_clock_of_the_map_in_force(void **state)
{
    (void)state;
    tp_merge_map_t m = timed(pair, 2);
    tp_join_options_t o = jr_options(TP_JOIN_TIMESTAMP);
    o.period_ns = 100 * MS;
    m.clock_domain = TP_CLOCK_REALTIME_SYNCED;
    open_join(o, &m, 2);
    assert_int_equal(jr_poll(), 0);
    m.clock_domain = TP_CLOCK_MONOTONIC;
    jr_apply(&m);
    for (int i = 0; i < 20; i++)
    {
        jr_step(20 * MS);
        jr_publish_at(0, (uint64_t)rig->now_ns);
        jr_publish_at(1, (uint64_t)rig->now_ns);
        (void)jr_poll();
    }
    assert_in_range(jr.made_count, 2, 5);
}

static void turn_the_map(const tp_joined_t *joined)
{
    static const tp_merge_rule_t turned[] = { T_OFFSET(1, TP_TIME_CAPTURED, 0), T_OFFSET(0, TP_TIME_CAPTURED, 0) };
    const tp_merge_map_t m = timed(turned, 2);
    (void)joined;
    if (1 == jr.made_count) { jr_apply(&m); }
}

static void a_map_given_in_the_handler_holds_for_the_next_output_by_time(void **state)
{
    (void)state;
    const tp_merge_map_t m = timed(pair, 2);
    tp_join_options_t o = jr_options(TP_JOIN_TIMESTAMP);
    o.anchor_stream_id = IN;
    open_join(o, &m, 2);
    const uint64_t at = (uint64_t)rig->now_ns;
    for (uint64_t i = 1; i < 4; i++)
    {
        jr_publish_at(0, at + i);
        jr_publish_at(1, at + i);
    }
    jr.during = turn_the_map;                              /* the handler of the rig compares the stream of each view with that of its input */
    const int before = jr.made_count;
    assert_int_equal(jr_poll(), 1);
    (void)jr_poll();
    assert_true(jr.made_count > before + 1);
}

/* J-011: the input's processed time moves with its first output and with no other. */
static void a_frame_is_processed_once_whatever_is_made_of_it__J_011(void **state)
{
    (void)state;
    const tp_merge_map_t m = timed(pair, 2);
    open_join(jr_options(TP_JOIN_TIMESTAMP), &m, 2);
    const tpi_join_t *machine = tp_join_barrier(jr.join)->join;
    jr_publish_at(1, 500);
    jr_publish_at(0, 1000);
    jr_publish_at(0, 1001);
    jr_publish_at(0, 1002);
    assert_int_equal(jr_poll(), 0);
    assert_int_equal(machine->seen[TPI_JOIN_PROCESSED_TAKEN], 0);
    jr_publish_at(1, 2000);
    assert_int_equal(jr_poll(), 3);
    assert_int_equal(machine->inputs[1].processed_time, 500);
    assert_int_equal(machine->seen[TPI_JOIN_PROCESSED_TAKEN], 2 * (3 + 1));        /* sequence and time of each frame */
    assert_int_equal(machine->seen[TPI_JOIN_PROCESSED_NOT_ABOVE], 0);
}

static const tp_merge_rule_t newest[] = { S_OFFSET(0, 0), S_OFFSET(1, 0) };

static void the_newest_of_each_is_handed_out__J_073_J_081(void **state)
{
    (void)state;
    const tp_merge_map_t m = jr_map(newest, 2);
    open_join(jr_options(TP_JOIN_LATEST), &m, 2);
    jr_publish_many(0, 3);
    assert_int_equal(jr_poll(), 0);
    jr_publish_many(1, 1);
    assert_int_equal(jr_poll(), 1);
    assert_int_equal(jr.made[0].seq[0][0], 2);
    assert_int_equal(jr.made[0].seq[1][0], 0);
    assert_int_equal(jr_poll(), 0);                        /* nothing new */
    jr_publish_many(0, 1);
    assert_int_equal(jr_poll(), 1);
    assert_int_equal(jr.made[1].seq[0][0], 3);
    assert_int_equal(jr.made[1].seq[1][0], 0);
    assert_int_equal(jr_stats().unjoined[TP_UNJOINED_PASSED], 2);
}

static void the_newest_waits_for_nobody__J_087_J_077_J_078(void **state)
{
    tp_buffer_claim_t claim;
    (void)state;
    const tp_merge_map_t m = jr_map(newest, 2);
    open_join(jr_options(TP_JOIN_LATEST), &m, 2);
    jr_publish_many(0, 1);
    jr_publish_many(1, 1);
    assert_int_equal(tp_join_poll(jr.join, 64), 1);
    jr_publish_many(1, 1);
    jr_publish_many(0, (int)NSLOTS - 1);
    assert_int_equal(jr_poll(), 1);
    for (int i = 0; i < (int)NSLOTS - 1; i++)              /* the slots behind the newest one, then that one itself */
    {
        assert_true(tp_producer_try_claim(jr.producers[0], jr.tensor, &claim) >= 0);
        assert_true(tp_producer_abort_claim(jr.producers[0], &claim) >= 0);
    }
    assert_true(tp_producer_try_claim(jr.producers[0], jr.tensor, &claim) >= 0);
    jr_publish_many(1, 1);
    assert_int_equal(jr_poll(), 0);                        /* ready, validated once, absent */
    assert_int_equal(jr_stats().outputs_given_up, 1);
    assert_int_equal(jr_poll(), 0);
    assert_int_equal(jr_stats().outputs_given_up, 1);      /* not tried again before a newer one is there */
    jr_publish_many(1, 1);
    assert_int_equal(jr_poll(), 0);
    assert_int_equal(jr_stats().unjoined[TP_UNJOINED_PARTNER], 1);         /* the frame that was whole, for want of the other */
    assert_true(tp_producer_abort_claim(jr.producers[0], &claim) >= 0);
    jr_publish_many(0, 1);
    assert_int_equal(jr_poll(), 1);
}

static void the_newest_follow_an_anchor_or_a_period(void **state)
{
    (void)state;
    const tp_merge_map_t m = jr_map(newest, 2);
    tp_join_options_t o = jr_options(TP_JOIN_LATEST);
    o.anchor_stream_id = IN + 1;
    open_join(o, &m, 2);
    jr_publish_many(0, 2);
    jr_publish_many(1, 1);
    assert_int_equal(jr_poll(), 1);
    jr_publish_many(0, 2);
    assert_int_equal(jr_poll(), 0);
    jr_publish_many(1, 1);
    assert_int_equal(jr_poll(), 1);
    tp_join_close(jr.join);
    o.anchor_stream_id = 0;
    o.period_ns = 40 * MS;
    jr_join(&o, 2);
    jr_apply(&m);
    jr_publish_many(0, 1);
    jr_publish_many(1, 1);
    assert_int_equal(jr_poll(), 1);
    jr_publish_many(0, 1);
    assert_int_equal(jr_poll(), 0);
    jr_step(40 * MS);
    assert_int_equal(jr_poll(), 1);
}

static void a_bridged_input_with_monotonic_times_is_warned_of__J_072(void **state);
static int bridged_warnings;
static void on_log(void *clientd, tp_log_level_t level, int code, const char *text)
{
    (void)clientd;
    (void)code;
    if (TP_LOG_WARN == level && NULL != strstr(text, "another host")) { bridged_warnings++; }
}

static void a_bridged_input_with_monotonic_times_is_warned_of__J_072(void **state)
{
    (void)state;
    const tp_join_clock_t clock = { IN + 1, TP_CLOCK_UNKNOWN };
    tp_merge_map_t m = timed(pair, 2);
    tp_join_options_t o = jr_options(TP_JOIN_TIMESTAMP);
    o.clocks = &clock;
    o.clock_count = 1;
    bridged_warnings = 0;
    tp_log_set_handler(on_log, NULL, TP_LOG_WARN);
    open_join(o, &m, 2);
    assert_int_equal(bridged_warnings, 1);
    m.clock_domain = TP_CLOCK_REALTIME_SYNCED;
    jr_apply(&m);
    assert_int_equal(bridged_warnings, 1);
    tp_log_set_handler(NULL, NULL, TP_LOG_WARN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        JR_TEST(the_newest_frame_before_is_the_partner), JR_TEST(the_nearest_frame_is_the_partner_within_its_bound),
        JR_TEST(windows_of_time_are_not_moved_by_lateness__J_034_J_064), JR_TEST(offsets_of_time_are_taken_off_the_anchor),
        JR_TEST(nothing_waits_by_time_either__J_070_J_071),
        JR_TEST(a_frame_in_two_windows_is_looked_at_once__J_071), JR_TEST(times_that_go_back_reject_the_join__J_057_J_066),
        JR_TEST(frames_without_time_are_no_partners__J_056_J_067), JR_TEST(an_output_each_period),
        JR_TEST(an_output_each_period_of_the_clock_of_the_map_in_force), JR_TEST(a_map_given_in_the_handler_holds_for_the_next_output_by_time),
        JR_TEST(a_frame_is_processed_once_whatever_is_made_of_it__J_011), JR_TEST(the_newest_of_each_is_handed_out__J_073_J_081),
        JR_TEST(the_newest_waits_for_nobody__J_087_J_077_J_078), JR_TEST(the_newest_follow_an_anchor_or_a_period),
        JR_TEST(a_bridged_input_with_monotonic_times_is_warned_of__J_072),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
