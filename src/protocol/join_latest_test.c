/* LatestValueJoinBarrier, 50-join-barrier.md 6.3, and against a naive model. */
#include "protocol/test_join.h"

#include "protocol/join_latest.h"

static tpi_join_t *join;
static tpi_join_result_t result;

static void make(tpi_join_order_t order, tpi_merge_kind_t map_kind, bool allow_stale)
{
    join = join_of((tpi_join_options_t){ .kind = TPI_JOIN_LATEST, .order = order, .map_kind = map_kind, .allow_stale = allow_stale });
}

static int setup(void **state)
{
    (void)state;
    make(TPI_JOIN_BY_SEQ, TPI_MERGE_SEQUENCE, false);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tpi_join_delete(join);
    return 0;
}

static void frame(uint32_t stream_id, uint64_t seq) { tpi_join_on_frame(join, stream_id, 1, seq, NONE, 0); }
static void timed(uint32_t stream_id, uint64_t seq, uint64_t time) { tpi_join_on_frame(join, stream_id, 1, seq, time, 0); }
static tpi_join_answer_t ready(void) { return tpi_join_latest_is_ready(join, 0, &result); }

static void assert_selected(uint32_t i, uint32_t stream_id, uint64_t seq)
{
    assert_true(i < result.selected_count);
    assert_int_equal(result.selected[i].input_stream_id, stream_id);
    assert_true(result.selected[i].seq == seq);
}

static void one_frame_of_each_input_is_enough__J_073_J_074(void **state)
{
    (void)state;
    GIVE_S(join, 3, NONE, 0, S_OFFSET(A, 0), S_OFFSET(B, 0), S_OFFSET(C, 0));
    frame(A, 0);
    frame(B, 7);
    assert_int_equal(ready(), TPI_JOIN_NOT_READY);
    assert_streams(result, C);
    assert_int_equal(result.selected_count, 0);
    frame(C, 9);
    assert_int_equal(ready(), TPI_JOIN_READY);
    assert_int_equal(result.selected_count, 3);
    assert_selected(0, A, 0);
    assert_selected(1, B, 7);
    assert_selected(2, C, 9);
}

static void rules_only_name_the_inputs__J_075(void **state)
{
    (void)state;
    GIVE_S(join, 3, NONE, 0, S_OFFSET(A, -5), S_WINDOW(B, 100), S_OFFSET(A, 7));
    frame(A, 0);
    frame(B, 0);
    assert_int_equal(ready(), TPI_JOIN_READY);
    assert_int_equal(result.selected_count, 2);             /* A once */
    assert_selected(0, A, 0);
    assert_selected(1, B, 0);
}

static void inputs_need_not_be_aligned__J_076(void **state)
{
    (void)state;
    GIVE_S(join, 3, NONE, 0, S_OFFSET(A, 0), S_OFFSET(B, 0));
    frame(A, 1);
    frame(B, 1000000);
    assert_int_equal(ready(), TPI_JOIN_READY);
    assert_selected(0, A, 1);
    assert_selected(1, B, 1000000);
}

static void a_first_sequence_above_zero_counts__J_080(void **state)
{
    (void)state;
    GIVE_S(join, 3, NONE, 0, S_OFFSET(A, 0));
    frame(A, 500);
    assert_int_equal(ready(), TPI_JOIN_READY);
    assert_int_equal(join->inputs[0].min_seq, 500);
    frame(A, 501);
    assert_int_equal(join->inputs[0].min_seq, 500);
}

static void the_newest_frame_is_selected__J_081(void **state)
{
    (void)state;
    GIVE_S(join, 3, NONE, 0, S_OFFSET(A, 0));
    frame(A, 3);
    frame(A, 5);
    frame(A, 4);
    assert_int_equal(ready(), TPI_JOIN_READY);
    assert_selected(0, A, 5);
    assert_int_equal(result.selected[0].epoch, 1);
}

static void old_data_is_still_selected__J_086(void **state)
{
    (void)state;
    GIVE_S(join, 3, 5, 0, S_OFFSET(A, 0), S_OFFSET(B, 0));
    frame(A, 3);
    tpi_join_on_frame(join, B, 1, 9, NONE, INT64_C(600000000000));
    assert_int_equal(tpi_join_latest_is_ready(join, INT64_C(600000000000), &result), TPI_JOIN_READY);
    assert_int_equal(result.stream_count, 0);
    assert_selected(0, A, 3);
}

static void stale_means_absent_although_a_value_exists__J_048_J_049(void **state)
{
    (void)state;
    tpi_join_delete(join);
    make(TPI_JOIN_BY_SEQ, 0, true);
    GIVE_S(join, 3, 5, 0, S_OFFSET(A, 0), S_OFFSET(B, 0));
    frame(A, 3);
    tpi_join_on_frame(join, B, 1, 9, NONE, 4);
    assert_int_equal(tpi_join_latest_is_ready(join, 5, &result), TPI_JOIN_READY);
    assert_int_equal(result.selected_count, 2);
    assert_int_equal(tpi_join_latest_is_ready(join, 6, &result), TPI_JOIN_READY);
    assert_streams(result, A);
    assert_int_equal(result.selected_count, 1);
    assert_selected(0, B, 9);
    assert_int_equal(tpi_join_latest_is_ready(join, 10, &result), TPI_JOIN_NOT_READY);
    assert_int_equal(result.reason, TPI_JOIN_ALL_ABSENT);
    assert_streams(result, A, B);
}

static void a_failed_frame_ends_the_tick_until_a_newer_one_comes__J_077_J_078(void **state)
{
    (void)state;
    GIVE_S(join, 3, NONE, 0, S_OFFSET(A, 0), S_OFFSET(B, 0));
    frame(A, 3);
    frame(B, 8);
    assert_int_equal(ready(), TPI_JOIN_READY);
    tpi_join_latest_failed(join, &result.selected[1], &result);
    assert_int_equal(result.answer, TPI_JOIN_NOT_READY);
    assert_int_equal(result.reason, TPI_JOIN_FAILED);
    assert_streams(result, B);
    tpi_join_latest_failed(join, &result.selected[1], &result);
    assert_streams(result, B);
    tpi_join_latest_failed(join, &result.selected[0], &result);
    assert_streams(result, B, A);
    assert_int_equal(join->checks[TPI_JOIN_FAILED], 1);
    assert_int_equal(join->seen[TPI_JOIN_FRAME_FAILED], 3);
    frame(A, 4);
    assert_int_equal(ready(), TPI_JOIN_NOT_READY);
    assert_streams(result, B);
    frame(B, 8);                                            /* the same again is not newer */
    assert_int_equal(ready(), TPI_JOIN_NOT_READY);
    frame(B, 9);
    assert_int_equal(ready(), TPI_JOIN_READY);
}

static void a_failure_that_is_told_late_blocks_nothing__J_118(void **state)
{
    (void)state;
    GIVE_S(join, 3, NONE, 0, S_OFFSET(A, 0));
    frame(A, 3);
    assert_int_equal(ready(), TPI_JOIN_READY);
    frame(A, 4);
    tpi_join_latest_failed(join, &result.selected[0], &result);
    assert_int_equal(result.answer, TPI_JOIN_NOT_READY);
    assert_false(join->inputs[0].failed_set);
    assert_int_equal(ready(), TPI_JOIN_READY);
    assert_selected(0, A, 4);
    tpi_join_on_frame(join, A, 2, 4, NONE, 0);              /* the same number in another epoch */
    const tpi_join_selected_t old = { A, 1, 4 };
    tpi_join_latest_failed(join, &old, &result);
    assert_int_equal(ready(), TPI_JOIN_READY);
}

static void frames_of_earlier_epochs_are_not_used__J_079(void **state)
{
    (void)state;
    GIVE_S(join, 3, NONE, 0, S_OFFSET(A, 0));
    frame(A, 3);
    assert_int_equal(ready(), TPI_JOIN_READY);
    tpi_join_on_announce(join, A, 1, MONO);                 /* the same epoch again */
    assert_int_equal(ready(), TPI_JOIN_READY);
    tpi_join_on_announce(join, A, 2, MONO);
    assert_int_equal(ready(), TPI_JOIN_NOT_READY);
    frame(A, 4);
    assert_int_equal(ready(), TPI_JOIN_NOT_READY);
    assert_int_equal(join->seen[TPI_JOIN_FRAME_OLD_EPOCH], 1);
    assert_int_equal(join->seen[TPI_JOIN_INPUT_RESTARTED], 1);
    tpi_join_on_frame(join, A, 2, 0, NONE, 0);
    assert_int_equal(ready(), TPI_JOIN_READY);
    assert_selected(0, A, 0);
    assert_int_equal(result.selected[0].epoch, 2);
}

static void ordering_by_time_follows_the_times__J_082(void **state)
{
    (void)state;
    tpi_join_delete(join);
    make(TPI_JOIN_BY_TIME, 0, false);
    GIVE_T(join, 3, NONE, MONO, 0, 0, T_OFFSET(A, DESC, 0));
    tpi_join_on_announce(join, A, 1, MONO);
    timed(A, 3, NONE);
    assert_int_equal(ready(), TPI_JOIN_NOT_READY);          /* no time, no candidate */
    timed(A, 4, 100);
    timed(A, 5, NONE);
    assert_int_equal(ready(), TPI_JOIN_READY);
    assert_selected(0, A, 4);
    timed(A, 6, 100);                                       /* equal times: the higher sequence */
    assert_int_equal(ready(), TPI_JOIN_READY);
    assert_selected(0, A, 6);
    timed(A, 7, 99);
    assert_int_equal(ready(), TPI_JOIN_REJECTED);
    assert_int_equal(result.reason, TPI_JOIN_INPUT_TIME_BACK);
    tpi_join_delete(join);
    make(TPI_JOIN_BY_SEQ, TPI_MERGE_TIMESTAMP, false);      /* by sequence with the same map: domains and times do not matter */
    GIVE_T(join, 3, NONE, MONO, 0, 0, T_OFFSET(A, DESC, 0));
    timed(A, 6, 100);
    timed(A, 7, 99);
    assert_int_equal(ready(), TPI_JOIN_READY);
    assert_selected(0, A, 7);
}

static void the_order_is_fixed_when_the_barrier_is_made__J_083(void **state)
{
    tpi_join_options_t options = { .kind = TPI_JOIN_LATEST, .order = TPI_JOIN_BY_TIME, .out_stream_id = OUT, .rule_capacity = 1 };
    (void)state;
    tpi_join_delete(join);
    assert_int_equal(tpi_join_create(&join, &options), 0);
    options.order = TPI_JOIN_BY_SEQ;
    tpi_join_on_output_epoch(join, 3, 0);
    assert_int_equal(GIVE_T(join, 3, NONE, MONO, 0, 0, T_OFFSET(A, DESC, 0)), TPI_JOIN_MAP_INSTALLED);
    tpi_join_on_announce(join, A, 1, MONO);
    timed(A, 3, NONE);
    assert_int_equal(ready(), TPI_JOIN_NOT_READY);
}

static void ordering_by_time_needs_a_clock_domain__J_084(void **state)
{
    (void)state;
    tpi_join_delete(join);
    make(TPI_JOIN_BY_TIME, TPI_MERGE_SEQUENCE, false);
    assert_int_equal(ready(), TPI_JOIN_NOT_READY);
    GIVE_S(join, 3, NONE, 0, S_OFFSET(A, 0));
    frame(A, 1);
    assert_int_equal(ready(), TPI_JOIN_REJECTED);
    assert_int_equal(result.reason, TPI_JOIN_NO_CLOCK_DOMAIN);
}

static void ordering_by_time_needs_one_domain_for_all__J_084_J_085(void **state)
{
    (void)state;
    tpi_join_delete(join);
    make(TPI_JOIN_BY_TIME, 0, false);
    GIVE_T(join, 3, NONE, MONO, 0, 0, T_OFFSET(A, DESC, 0), T_OFFSET(B, DESC, 0));
    timed(A, 1, 100);
    timed(B, 1, 100);
    tpi_join_on_announce(join, A, 1, MONO);
    assert_int_equal(ready(), TPI_JOIN_NOT_READY);          /* unknown */
    assert_streams(result, B);
    tpi_join_on_announce(join, B, 1, REAL);
    assert_int_equal(ready(), TPI_JOIN_REJECTED);
    assert_int_equal(result.reason, TPI_JOIN_INPUT_DOMAIN);
    assert_streams(result, B);
    tpi_join_on_announce(join, B, 1, MONO);
    assert_int_equal(ready(), TPI_JOIN_READY);
}

static void the_first_rule_of_an_input_counts(void **state)
{
    (void)state;
    tpi_join_delete(join);
    make(TPI_JOIN_BY_TIME, 0, false);
    GIVE_T(join, 3, NONE, MONO, 0, 0, T_OFFSET(A, SLOT, 0), T_OFFSET(A, DESC, 0));
    tpi_join_on_announce(join, A, 1, MONO);
    timed(A, 1, 100);
    assert_int_equal(ready(), TPI_JOIN_NOT_READY);
    tpi_join_on_slot_time(join, A, 1, 1, 50);
    timed(A, 2, 101);
    assert_int_equal(ready(), TPI_JOIN_READY);
    assert_selected(0, A, 1);
}

/* ---- naive model: replays all events for every question ---- */

typedef struct event { int what; uint32_t stream; uint64_t epoch, seq, time; int64_t at; } event_t;

enum { FRAME, FAILURE };

static event_t events[100];
static int event_count;

/* The newest frame of a stream; what became of it. */
typedef struct newest { bool any, seen, back, failed; uint64_t epoch, seq, time; wide_t cursor; int64_t last; } newest_t;

static newest_t newest_of(uint32_t stream, bool by_time)
{
    newest_t r = { .epoch = 1, .cursor = -1 };
    for (const event_t *e = events; e < events + event_count; e++)
    {
        if (e->stream != stream || e->epoch < r.epoch) { continue; }
        if (FAILURE == e->what)
        {
            if (r.any && e->epoch == r.epoch && e->seq == r.seq) { r.failed = true; }
            continue;
        }
        if (e->epoch > r.epoch) { r = (newest_t){ .epoch = e->epoch, .cursor = -1 }; }
        r.last = e->at;
        r.seen = true;
        if (e->seq <= r.cursor) { continue; }
        r.cursor = e->seq;
        if (by_time && NONE == e->time) { continue; }
        if (by_time && r.any && e->time < r.time) { r.back = true; continue; }
        r.any = true;
        r.failed = false;
        r.seq = e->seq;
        r.time = e->time;
    }
    return r;
}

static tpi_join_answer_t model(int inputs, bool by_time, uint64_t timeout, int64_t now, tpi_join_selected_t *selected, uint32_t *count)
{
    int absent = 0;
    bool missing = false;
    bool bad = false;
    *count = 0;
    for (int i = 0; i < inputs; i++)
    {
        const newest_t r = newest_of(A + (uint32_t)i, by_time);
        if (by_time && r.back) { bad = true; }
        else if (!r.any) { missing = true; }
        else if (r.seen && (wide_t)now - r.last > timeout) { absent++; }
        else if (r.failed) { missing = true; }
        else { selected[(*count)++] = (tpi_join_selected_t){ A + (uint32_t)i, r.epoch, r.seq }; }
    }
    return bad ? TPI_JOIN_REJECTED : missing || absent == inputs ? TPI_JOIN_NOT_READY : TPI_JOIN_READY;
}

static void step_of_model(int inputs, bool by_time, uint64_t timeout, int64_t now, int *answers)
{
    tpi_join_selected_t expected[4];
    uint32_t count = 0;
    const tpi_join_answer_t answer = model(inputs, by_time, timeout, now, expected, &count);
    answers[answer]++;
    assert_int_equal(tpi_join_latest_is_ready(join, now, &result), answer);
    if (TPI_JOIN_READY != answer) { return; }
    assert_int_equal(result.selected_count, count);
    for (uint32_t i = 0; i < count; i++)
    {
        assert_selected(i, expected[i].input_stream_id, expected[i].seq);
        assert_true(result.selected[i].epoch == expected[i].epoch);
    }
    if (count > 0 && 0 == random_below(3))
    {
        const tpi_join_selected_t failed = result.selected[random_below(count)];
        tpi_join_latest_failed(join, &failed, &result);
        events[event_count++] = (event_t){ FAILURE, failed.input_stream_id, failed.epoch, failed.seq, NONE, now };
    }
}

static void answers_are_those_of_a_naive_model__J_073_J_078_J_081(void **state)
{
    (void)state;
    tpi_join_delete(join);
    int answers[3] = { 0 };
    for (int round = 0; round < 400; round++)
    {
        const bool by_time = 0 == random_below(2);
        const uint64_t timeout = 0 == random_below(2) ? NONE : random_below(60);
        const int inputs = 1 + (int)random_below(3);
        const tpc_timestamp_rule_t rules[] = { T_OFFSET(A, DESC, 0), T_OFFSET(B, DESC, 5), T_WINDOW(C, DESC, 9) };
        make(by_time ? TPI_JOIN_BY_TIME : TPI_JOIN_BY_SEQ, TPI_MERGE_TIMESTAMP, true);
        encode_t(3, timeout, MONO, 0, rules, (uint32_t)inputs);
        assert_int_equal(give(join, 0), TPI_JOIN_MAP_INSTALLED);
        for (uint32_t stream = A; stream <= C; stream++) { tpi_join_on_announce(join, stream, 1, MONO); }
        event_count = 0;
        int64_t now = 0;
        for (int step = 0; step < 40; step++)
        {
            now += (int64_t)random_below(6);
            event_t *e = &events[event_count++];
            *e = (event_t){ FRAME, A + (uint32_t)random_below((uint64_t)inputs), 1 + (0 == random_below(20)), (uint64_t)step + random_below(5),
                (uint64_t)step * 3 + random_below(9), now };
            if (0 == random_below(8)) { e->time = NONE; }
            tpi_join_on_frame(join, e->stream, e->epoch, e->seq, e->time, now);
            step_of_model(inputs, by_time, timeout, now, answers);
        }
        tpi_join_delete(join);
    }
    join = NULL;
    for (int i = 0; i < 3; i++) { assert_true(answers[i] > 500); }
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = { T(one_frame_of_each_input_is_enough__J_073_J_074), T(rules_only_name_the_inputs__J_075),
        T(inputs_need_not_be_aligned__J_076), T(a_first_sequence_above_zero_counts__J_080), T(the_newest_frame_is_selected__J_081),
        T(old_data_is_still_selected__J_086), T(stale_means_absent_although_a_value_exists__J_048_J_049),
        T(a_failed_frame_ends_the_tick_until_a_newer_one_comes__J_077_J_078), T(a_failure_that_is_told_late_blocks_nothing__J_118),
        T(frames_of_earlier_epochs_are_not_used__J_079), T(ordering_by_time_follows_the_times__J_082),
        T(the_order_is_fixed_when_the_barrier_is_made__J_083), T(ordering_by_time_needs_a_clock_domain__J_084),
        T(ordering_by_time_needs_one_domain_for_all__J_084_J_085), T(the_first_rule_of_an_input_counts),
        T(answers_are_those_of_a_naive_model__J_073_J_078_J_081) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
