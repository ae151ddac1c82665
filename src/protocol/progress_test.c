#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "protocol/progress.h"

#define US INT64_C(1000)
#define MS INT64_C(1000000)
#define T0 (INT64_C(1000) * MS)
#define NOBODY TP_NULL_U32

static const tpi_progress_limits_t LIMITS = TPI_PROGRESS_LIMITS_INIT;
static tpi_progress_source_t source;
static tpi_progress_frame_t frame;
static tpi_progress_policy_t policy;

static int set_up(void **state)
{
    (void)state;
    tpi_progress_source_init(&source, LIMITS.max_rate_hz);
    memset(&frame, 0, sizeof(frame));
    policy = (tpi_progress_policy_t){ true, 250, 65536, 0 };
    return 0;
}

static void begin(int64_t now_ns)
{
    assert_true(tpi_progress_may_start(&source, &frame, &policy, now_ns));
    tpi_progress_started(&source, &frame, true, now_ns);
}

/* Tells a value, and sends it when it is due. */
static bool tell(uint64_t filled, int64_t now_ns)
{
    assert_true(tpi_progress_fill(&frame, filled, UINT32_MAX));
    if (!tpi_progress_is_due(&source, &frame, &policy, now_ns)) { return false; }
    tpi_progress_progressed(&source, &frame, true, now_ns);
    return true;
}

/* ---- policy ------------------------------------------------------------------------------------------------------------- */

static tpi_progress_policy_t merge(const uint32_t (*hints)[3], size_t count, const tpi_progress_limits_t *limits)
{
    tpi_progress_hints_t all = TPI_PROGRESS_HINTS_INIT;
    tpi_progress_policy_t merged;
    for (size_t i = 0; i < count; i++) { tpi_progress_hints_add(&all, hints[i][0], hints[i][1], hints[i][2]); }
    tpi_progress_merge(&merged, &all, limits);
    return merged;
}

static void defaults_stand_where_nobody_hints__W_177_W_178_W_065(void **state)
{
    (void)state;
    const tpi_progress_policy_t nobody = merge(NULL, 0, &LIMITS);
    assert_false(nobody.wanted);
    const tpi_progress_policy_t one = merge((const uint32_t[][3]){ { NOBODY, NOBODY, NOBODY } }, 1, &LIMITS);
    assert_true(one.wanted);
    assert_int_equal(one.interval_us, 250);
    assert_int_equal(one.bytes_delta, 65536);
    assert_int_equal(one.major_delta, 0);
}

static void smallest_hint_counts_but_not_below_the_producers_minimum__W_178_W_156_S_016(void **state)
{
    (void)state;
    const tpi_progress_limits_t limits = { 400, 1000, 4, 2000 };
    const uint32_t hints[][3] = { { 500, 5000, 0 }, { 300, 2000, 9 }, { NOBODY, 3000, 7 } };
    tpi_progress_policy_t merged = merge(hints, 3, &limits);
    assert_int_equal(merged.interval_us, 400);
    assert_int_equal(merged.bytes_delta, 2000);
    assert_int_equal(merged.major_delta, 7);
    merged = merge(hints, 1, &limits);
    assert_int_equal(merged.interval_us, 500);
    assert_int_equal(merged.bytes_delta, 5000);
    assert_int_equal(merged.major_delta, 0);                                 /* 0 is no hint, and what is unset is not raised */
    merged = merge((const uint32_t[][3]){ { 0, 0, 3 } }, 1, &limits);
    assert_int_equal(merged.interval_us, 400);
    assert_int_equal(merged.bytes_delta, 1000);
    assert_int_equal(merged.major_delta, 4);
}

/* ---- throttle ----------------------------------------------------------------------------------------------------------- */

static void frame_starts_once_and_ends_once__W_160_W_175(void **state)
{
    (void)state;
    assert_false(tpi_progress_is_due(&source, &frame, &policy, T0));         /* nothing before STARTED */
    assert_false(tpi_progress_may_complete(&source, &frame, &policy, T0));
    begin(T0);
    assert_false(tpi_progress_may_start(&source, &frame, &policy, T0 + MS));
    assert_true(tell(100000, T0 + MS));
    assert_true(tpi_progress_may_complete(&source, &frame, &policy, T0 + MS));
    tpi_progress_completed(&source, &frame, true);
    assert_false(tpi_progress_may_complete(&source, &frame, &policy, T0 + 2 * MS));
    assert_false(tpi_progress_may_start(&source, &frame, &policy, T0 + 2 * MS));
    assert_false(tell(300000, T0 + 2 * MS));
}

static void descriptor_ends_a_frame_whose_complete_was_not_sent__W_161(void **state)
{
    (void)state;
    begin(T0);
    assert_true(tpi_progress_fill(&frame, 100000, 100000));
    tpi_progress_completed(&source, &frame, false);
    assert_false(tpi_progress_is_held(&frame));
    assert_false(tpi_progress_is_due(&source, &frame, &policy, T0 + 10 * MS));
    assert_false(tpi_progress_may_complete(&source, &frame, &policy, T0 + 10 * MS));
}

static void frame_whose_start_was_not_sent_is_silent__W_160_W_177(void **state)
{
    (void)state;
    policy.wanted = false;
    assert_false(tpi_progress_may_start(&source, &frame, &policy, T0));
    tpi_progress_started(&source, &frame, false, T0);
    policy.wanted = true;
    assert_false(tpi_progress_may_start(&source, &frame, &policy, T0));
    assert_false(tell(1 << 20, T0 + 10 * MS));
    assert_false(tpi_progress_may_complete(&source, &frame, &policy, T0 + 10 * MS));
}

static void nothing_goes_out_when_the_last_listener_has_gone__W_177(void **state)
{
    (void)state;
    begin(T0);
    policy.wanted = false;
    assert_false(tell(1 << 20, T0 + 10 * MS));
    assert_false(tpi_progress_may_complete(&source, &frame, &policy, T0 + 10 * MS));
}

static void value_never_shrinks_and_never_exceeds_the_payload__W_167_W_168(void **state)
{
    (void)state;
    assert_true(tpi_progress_fill(&frame, 100, 1000));
    assert_false(tpi_progress_fill(&frame, 99, 1000));
    assert_true(tpi_progress_fill(&frame, 100, 1000));
    assert_true(tpi_progress_fill(&frame, 1000, 1000));
    assert_false(tpi_progress_fill(&frame, 1001, 1000));
    assert_int_equal(frame.filled, 1000);
}

static void interval_is_the_least_time_between_two_messages__W_175(void **state)
{
    (void)state;
    begin(T0);
    assert_false(tell(65536, T0 + 250 * US - 1));
    assert_true(tpi_progress_is_held(&frame));
    assert_true(tell(65536, T0 + 250 * US));
    assert_false(tpi_progress_is_held(&frame));
    assert_false(tell(65536, T0 + 10 * MS));                                 /* rule 1: nothing new */
    assert_false(tell(2 * 65536, T0 + 250 * US + 250 * US - 1));
    assert_true(tell(2 * 65536, T0 + 500 * US));
}

static void growth_below_the_threshold_waits_for_four_intervals__W_175_O_42(void **state)
{
    (void)state;
    begin(T0);
    assert_false(tell(65535, T0 + 1000 * US - 1));
    assert_true(tell(65535, T0 + 1000 * US));
    assert_false(tell(65535 + 65535, T0 + 1300 * US));
    assert_true(tell(65535 + 65536, T0 + 1300 * US));
}

static void major_threshold_is_in_units_of_the_stride__P7_W_175(void **state)
{
    (void)state;
    policy.major_delta = 10;
    begin(T0);
    assert_false(tell(12799, T0 + 500 * US));                                /* no unit declared: only bytes count */
    frame.stride_bytes = 1280;
    assert_false(tell(12799, T0 + 500 * US));
    assert_true(tell(12800, T0 + 500 * US));
    policy.major_delta = UINT32_MAX;                                         /* in 64 bits: the product does not wrap to something small */
    policy.bytes_delta = UINT32_MAX;
    frame.stride_bytes = UINT32_MAX;
    assert_false(tell(UINT32_MAX - 10, T0 + 1000 * US));
}

static void one_megabyte_in_steps_stays_below_one_message_an_interval__W_175(void **state)
{
    (void)state;
    int sent = 1;
    policy.interval_us = 5000;
    begin(T0);
    for (uint64_t i = 1; i <= 64; i++) { sent += tell(i << 14, T0 + (int64_t)i * MS) ? 1 : 0; }
    sent += tpi_progress_may_complete(&source, &frame, &policy, T0 + 64 * MS) ? 1 : 0;
    assert_in_range(sent, 12, 64 / 5 + 2);
}

static void burst_stays_below_the_cap_and_the_bucket_fills_again__W_176(void **state)
{
    (void)state;
    int sent = 0;
    for (int64_t us = 0; us < 100000; us += 10)                              /* 10,000 tiny frames in 100 ms */
    {
        memset(&frame, 0, sizeof(frame));
        const int64_t now_ns = T0 + us * US;
        const bool started = tpi_progress_may_start(&source, &frame, &policy, now_ns);
        tpi_progress_started(&source, &frame, started, now_ns);
        sent += started ? 1 : 0;
        if (!tpi_progress_may_complete(&source, &frame, &policy, now_ns)) { continue; }
        tpi_progress_completed(&source, &frame, true);
        sent++;
    }
    assert_in_range(sent, 190, 200 + TPI_PROGRESS_BURST);                    /* 2000 Hz for 0.1 s and the depth of the bucket */
    memset(&frame, 0, sizeof(frame));
    for (int i = 0; i < TPI_PROGRESS_BURST; i++)
    {
        memset(&frame, 0, sizeof(frame));
        begin(T0 + 500 * MS);
    }
    memset(&frame, 0, sizeof(frame));
    assert_false(tpi_progress_may_start(&source, &frame, &policy, T0 + 500 * MS));
    assert_false(tpi_progress_may_start(&source, &frame, &policy, T0 + 500 * MS + 500 * US - 1));
    assert_true(tpi_progress_may_start(&source, &frame, &policy, T0 + 500 * MS + 500 * US));
}

static void progress_waits_for_the_cap_and_keeps_the_newest_value__W_176(void **state)
{
    (void)state;
    tpi_progress_source_init(&source, 1);                                    /* 20 at once, then one a second */
    begin(T0);
    for (int i = 1; i < TPI_PROGRESS_BURST; i++) { assert_true(tell((uint64_t)i * 65536, T0 + i * MS)); }
    assert_false(tell(30 * 65536, T0 + 30 * MS));
    assert_true(tpi_progress_is_held(&frame));
    assert_false(tpi_progress_may_complete(&source, &frame, &policy, T0 + 30 * MS));         /* the descriptor ends the frame */
    assert_true(tell(31 * 65536, T0 + 1000 * MS));
    assert_int_equal(frame.last_bytes, 31 * 65536);
}

static void refused_message_is_tried_again_and_costs_nothing(void **state)
{
    (void)state;
    begin(T0);
    assert_true(tpi_progress_fill(&frame, 65536, 65536));
    assert_true(tpi_progress_is_due(&source, &frame, &policy, T0 + MS));
    const int64_t credit_ns = source.credit_ns;
    tpi_progress_progressed(&source, &frame, false, T0 + MS);
    assert_int_equal(source.credit_ns, credit_ns);
    assert_true(tpi_progress_is_held(&frame));
    assert_true(tpi_progress_is_due(&source, &frame, &policy, T0 + MS));
}

/* ---- tracker ------------------------------------------------------------------------------------------------------------ */

#define NSLOTS 8u
static tpi_progress_tracker_t tracker;
static tpi_progress_seen_t seen[NSLOTS];

static tpi_progress_verdict_t hear(uint64_t seq, uint8_t state, uint64_t filled)
{
    const tpc_frame_progress_t message = { .stream_id = 1, .epoch = 1, .seq = seq, .state = state, .payload_bytes_filled = filled };
    const tpi_progress_verdict_t verdict = tpi_progress_check(&tracker, &message);
    if (TPI_PROGRESS_ACCEPTED == verdict) { tpi_progress_take(&tracker, &message); }
    return verdict;
}

static int set_up_tracker(void **state)
{
    (void)state;
    tpi_progress_tracker_init(&tracker, seen, NSLOTS);
    return 0;
}

static void decrease_is_dropped_and_changes_nothing__W_169(void **state)
{
    (void)state;
    assert_int_equal(hear(5, TPC_PROGRESS_STARTED, 0), TPI_PROGRESS_ACCEPTED);
    assert_int_equal(hear(5, TPC_PROGRESS_PROGRESS, 100), TPI_PROGRESS_ACCEPTED);
    assert_int_equal(hear(5, TPC_PROGRESS_PROGRESS, 50), TPI_PROGRESS_SHRUNK);
    assert_int_equal(hear(5, TPC_PROGRESS_PROGRESS, 99), TPI_PROGRESS_SHRUNK);
    assert_int_equal(hear(5, TPC_PROGRESS_PROGRESS, 100), TPI_PROGRESS_ACCEPTED);
    assert_int_equal(hear(5, TPC_PROGRESS_STARTED, 100), TPI_PROGRESS_STEP_BACK);
    assert_int_equal(hear(5, TPC_PROGRESS_COMPLETE, 99), TPI_PROGRESS_SHRUNK);
    assert_int_equal(hear(5, TPC_PROGRESS_COMPLETE, 200), TPI_PROGRESS_ACCEPTED);
    assert_int_equal(hear(5, TPC_PROGRESS_PROGRESS, 300), TPI_PROGRESS_AFTER_END);
    assert_int_equal(hear(5, TPC_PROGRESS_COMPLETE, 300), TPI_PROGRESS_AFTER_END);
}

static void slot_is_the_low_bits_of_the_seq_and_moves_on__W_163_O_62(void **state)
{
    (void)state;
    assert_int_equal(hear(5, TPC_PROGRESS_PROGRESS, 100), TPI_PROGRESS_ACCEPTED);
    assert_int_equal(hear(6, TPC_PROGRESS_PROGRESS, 10), TPI_PROGRESS_ACCEPTED);             /* another slot */
    assert_int_equal(hear(5 + NSLOTS, TPC_PROGRESS_PROGRESS, 10), TPI_PROGRESS_ACCEPTED);    /* the same slot, a newer frame */
    assert_int_equal(hear(5, TPC_PROGRESS_COMPLETE, 1000), TPI_PROGRESS_MOVED_ON);
    assert_int_equal(hear(5 + NSLOTS, TPC_PROGRESS_PROGRESS, 9), TPI_PROGRESS_SHRUNK);
    assert_int_equal(hear(6, TPC_PROGRESS_PROGRESS, 9), TPI_PROGRESS_SHRUNK);
    assert_int_equal(seen[5].seq, 5 + NSLOTS);
    assert_int_equal(seen[6].seq, 6);
}

static void unknown_states_and_impossible_seqs_are_ignored__O_48_W_070(void **state)
{
    (void)state;
    assert_int_equal(hear(5, TPC_PROGRESS_UNKNOWN, 0), TPI_PROGRESS_BAD_STATE);
    assert_int_equal(hear(5, 4, 0), TPI_PROGRESS_BAD_STATE);
    assert_int_equal(hear(5, 255, 0), TPI_PROGRESS_BAD_STATE);
    assert_int_equal(hear(UINT64_C(1) << 63, TPC_PROGRESS_STARTED, 0), TPI_PROGRESS_BAD_SEQ);
    assert_int_equal(hear((UINT64_C(1) << 63) - 1, TPC_PROGRESS_STARTED, 0), TPI_PROGRESS_ACCEPTED);
    assert_int_equal(hear(5, TPC_PROGRESS_COMPLETE, 0), TPI_PROGRESS_ACCEPTED);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, set_up)
#define TRACK(name) cmocka_unit_test_setup(name, set_up_tracker)
    const struct CMUnitTest tests[] = {
        TEST(defaults_stand_where_nobody_hints__W_177_W_178_W_065),
        TEST(smallest_hint_counts_but_not_below_the_producers_minimum__W_178_W_156_S_016),
        TEST(frame_starts_once_and_ends_once__W_160_W_175),
        TEST(descriptor_ends_a_frame_whose_complete_was_not_sent__W_161),
        TEST(frame_whose_start_was_not_sent_is_silent__W_160_W_177),
        TEST(nothing_goes_out_when_the_last_listener_has_gone__W_177),
        TEST(value_never_shrinks_and_never_exceeds_the_payload__W_167_W_168),
        TEST(interval_is_the_least_time_between_two_messages__W_175),
        TEST(growth_below_the_threshold_waits_for_four_intervals__W_175_O_42),
        TEST(major_threshold_is_in_units_of_the_stride__P7_W_175),
        TEST(one_megabyte_in_steps_stays_below_one_message_an_interval__W_175),
        TEST(burst_stays_below_the_cap_and_the_bucket_fills_again__W_176),
        TEST(progress_waits_for_the_cap_and_keeps_the_newest_value__W_176),
        TEST(refused_message_is_tried_again_and_costs_nothing),
        TRACK(decrease_is_dropped_and_changes_nothing__W_169),
        TRACK(slot_is_the_low_bits_of_the_seq_and_moves_on__W_163_O_62),
        TRACK(unknown_states_and_impossible_seqs_are_ignored__O_48_W_070),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
