/* SequenceJoinBarrier, 50-join-barrier.md 6.1, and against a naive model. */
#include "protocol/test_join.h"

#include "protocol/join_sequence.h"

static tpi_join_t *join;
static tpi_join_result_t result;

static void make(bool require_processed, bool allow_stale)
{
    join = join_of((tpi_join_options_t){ .kind = TPI_JOIN_SEQUENCE, .require_processed = require_processed, .allow_stale = allow_stale });
}

static int setup(void **state)
{
    (void)state;
    make(false, false);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tpi_join_delete(join);
    return 0;
}

static void frame(uint32_t stream_id, uint64_t seq) { tpi_join_on_frame(join, stream_id, 1, seq, NONE, 0); }
static tpi_join_answer_t ready(uint64_t out_seq) { return tpi_join_sequence_is_ready(join, out_seq, 0, &result); }
static tpi_join_answer_t ready_at(uint64_t out_seq, int64_t now_ns) { return tpi_join_sequence_is_ready(join, out_seq, now_ns, &result); }

static void every_input_has_to_reach_what_is_needed__J_042_J_044(void **state)
{
    (void)state;
    assert_int_equal(GIVE_S(join, 3, NONE, 0, S_OFFSET(A, 0), S_OFFSET(B, 0)), TPI_JOIN_MAP_INSTALLED);
    frame(A, 4);
    frame(B, 5);
    assert_int_equal(ready(5), TPI_JOIN_NOT_READY);
    assert_int_equal(result.reason, TPI_JOIN_MISSING);
    assert_streams(result, A);
    frame(A, 5);
    assert_int_equal(ready(5), TPI_JOIN_READY);
    assert_int_equal(result.reason, TPI_JOIN_ALL_THERE);
    assert_int_equal(result.stream_count, 0);
    assert_int_equal(ready(6), TPI_JOIN_NOT_READY);
    assert_streams(result, A, B);
    assert_int_equal(ready(4), TPI_JOIN_READY);             /* out_seq may go back */
}

static void sequence_zero_is_a_frame_and_silence_is_none__J_042(void **state)
{
    (void)state;
    GIVE_S(join, 3, NONE, 0, S_OFFSET(A, 0));
    assert_int_equal(ready(0), TPI_JOIN_NOT_READY);
    frame(A, 0);
    assert_int_equal(ready(0), TPI_JOIN_READY);
}

static void a_descriptor_alone_moves_the_cursor__J_010(void **state)
{
    (void)state;
    GIVE_S(join, 3, NONE, 0, S_OFFSET(A, 0));
    frame(A, 6);
    frame(A, 7);
    assert_int_equal(ready(7), TPI_JOIN_READY);
    assert_int_equal(join->seen[TPI_JOIN_FRAME_TAKEN], 2);
}

static void processed_frames_count_when_they_are_required__J_043(void **state)
{
    (void)state;
    tpi_join_delete(join);
    make(true, false);
    GIVE_S(join, 3, NONE, 0, S_OFFSET(A, 0));
    frame(A, 5);
    assert_int_equal(ready(5), TPI_JOIN_NOT_READY);
    tpi_join_on_processed_seq(join, A, 1, 4);
    assert_int_equal(ready(5), TPI_JOIN_NOT_READY);
    tpi_join_on_processed_seq(join, A, 1, 5);
    assert_int_equal(ready(5), TPI_JOIN_READY);
    tpi_join_on_processed_seq(join, A, 1, 6);               /* processed, but not yet observed: not enough */
    assert_int_equal(ready(6), TPI_JOIN_NOT_READY);
}

static void offsets_wait_until_they_apply__J_020(void **state)
{
    (void)state;
    GIVE_S(join, 3, NONE, 0, S_OFFSET(A, -2));
    frame(A, 100);
    assert_int_equal(ready(1), TPI_JOIN_NOT_READY);
    assert_int_equal(ready(2), TPI_JOIN_READY);
    assert_int_equal(ready(102), TPI_JOIN_READY);
    assert_int_equal(ready(103), TPI_JOIN_NOT_READY);
}

static void windows_wait_until_they_are_full_and_look_at_their_end_only__J_022_J_023(void **state)
{
    (void)state;
    GIVE_S(join, 3, NONE, 0, S_WINDOW(A, 5));
    frame(A, 10);
    assert_int_equal(ready(3), TPI_JOIN_NOT_READY);
    assert_int_equal(ready(4), TPI_JOIN_READY);
    assert_int_equal(ready(10), TPI_JOIN_READY);
    assert_int_equal(ready(11), TPI_JOIN_NOT_READY);
}

static void what_would_overflow_is_never_ready(void **state)
{
    (void)state;
    GIVE_S(join, 3, NONE, 0, S_OFFSET(A, 1));
    frame(A, UINT64_MAX);
    assert_int_equal(ready(UINT64_MAX - 1), TPI_JOIN_READY);
    assert_int_equal(ready(UINT64_MAX), TPI_JOIN_NOT_READY);
}

static void a_stale_input_is_absent_and_named__J_047_J_048_J_049_J_050(void **state)
{
    (void)state;
    tpi_join_delete(join);
    make(false, true);
    GIVE_S(join, 3, 5, 0, S_OFFSET(A, 0), S_OFFSET(B, 0));
    tpi_join_on_frame(join, A, 1, 9, NONE, 106);
    tpi_join_on_frame(join, B, 1, 5, NONE, 100);
    assert_int_equal(ready_at(9, 105), TPI_JOIN_NOT_READY);
    assert_int_equal(ready_at(9, 106), TPI_JOIN_READY);
    assert_int_equal(result.reason, TPI_JOIN_SOME_ABSENT);
    assert_streams(result, B);
    assert_int_equal(ready_at(9, 99), TPI_JOIN_NOT_READY);  /* a clock that went back makes nobody stale */
    tpi_join_on_frame(join, B, 1, 5, NONE, 107);            /* a repeat is a sign of life */
    assert_int_equal(ready_at(9, 107), TPI_JOIN_NOT_READY);
    tpi_join_delete(join);
    make(false, false);                                     /* not allowed */
    GIVE_S(join, 3, 5, 0, S_OFFSET(A, 0), S_OFFSET(B, 0));
    tpi_join_on_frame(join, A, 1, 9, NONE, 106);
    tpi_join_on_frame(join, B, 1, 5, NONE, 100);
    assert_int_equal(ready_at(9, 106), TPI_JOIN_NOT_READY);
}

static void without_a_timeout_a_silent_input_blocks_for_ever__J_051(void **state)
{
    (void)state;
    tpi_join_delete(join);
    make(false, true);
    GIVE_S(join, 3, NONE, 0, S_OFFSET(A, 0), S_OFFSET(B, 0));
    frame(A, 9);
    frame(B, 5);
    assert_int_equal(ready_at(9, INT64_C(3600000000000)), TPI_JOIN_NOT_READY);
    assert_int_equal(ready_at(9, INT64_MAX), TPI_JOIN_NOT_READY);
}

static void absence_yields_to_what_is_missing_and_to_what_is_there(void **state)
{
    (void)state;
    tpi_join_delete(join);
    make(false, true);
    GIVE_S(join, 3, 5, 0, S_OFFSET(A, 0), S_OFFSET(B, -20), S_OFFSET(C, 0));
    tpi_join_on_frame(join, A, 1, 9, NONE, 0);
    tpi_join_on_frame(join, B, 1, 9, NONE, 0);
    assert_int_equal(ready_at(9, 100), TPI_JOIN_NOT_READY); /* B does not apply yet, C was never seen: neither is stale */
    assert_streams(result, B, C);
    GIVE_S(join, 3, 5, 0, S_OFFSET(A, 0), S_OFFSET(B, 1));
    assert_int_equal(ready_at(8, 100), TPI_JOIN_READY);     /* stale, but there */
    assert_int_equal(result.stream_count, 0);
    assert_int_equal(ready_at(9, 100), TPI_JOIN_READY);
    assert_streams(result, B);
    assert_int_equal(ready_at(10, 100), TPI_JOIN_NOT_READY);
    assert_int_equal(result.reason, TPI_JOIN_ALL_ABSENT);
    assert_streams(result, A, B);
}

static void several_rules_of_one_input_all_hold_and_name_it_once(void **state)
{
    (void)state;
    GIVE_S(join, 3, NONE, 0, S_OFFSET(A, 0), S_OFFSET(B, 0), S_OFFSET(A, 3));
    frame(A, 7);
    assert_int_equal(ready(8), TPI_JOIN_NOT_READY);
    assert_streams(result, A, B);
    frame(B, 8);
    frame(A, 10);
    assert_int_equal(ready(8), TPI_JOIN_NOT_READY);
    assert_streams(result, A);
    frame(A, 11);
    assert_int_equal(ready(8), TPI_JOIN_READY);
    assert_int_equal(join->seen[TPI_JOIN_FRAME_TAKEN], 4);  /* a frame counts once, whatever rules want it */
}

static void the_lower_bound_of_a_window_can_be_asked_for__J_026_J_027(void **state)
{
    (void)state;
    assert_false(tpi_join_sequence_is_available(join, A, 0, 4));
    GIVE_S(join, 3, NONE, 0, S_WINDOW(A, 8), S_OFFSET(B, 0));
    assert_false(tpi_join_sequence_is_available(join, A, 10, 16));      /* nothing seen */
    for (uint64_t seq = 2; seq <= 10; seq++) { frame(A, seq); }
    assert_false(tpi_join_sequence_is_available(join, A, 10, 4));
    assert_false(tpi_join_sequence_is_available(join, A, 10, 7));       /* 3 .. 10 are eight frames */
    assert_true(tpi_join_sequence_is_available(join, A, 10, 8));
    assert_true(tpi_join_sequence_is_available(join, A, 9, 9));
    assert_false(tpi_join_sequence_is_available(join, A, 9, 8));
    assert_false(tpi_join_sequence_is_available(join, A, 8, 100));      /* 1 is of before the first seen */
    assert_false(tpi_join_sequence_is_available(join, A, 11, 100));     /* not there yet */
    assert_false(tpi_join_sequence_is_available(join, A, 6, 100));      /* does not apply yet */
    assert_false(tpi_join_sequence_is_available(join, C, 10, 100));     /* no input */
}

static void another_kind_of_barrier_is_refused(void **state)
{
    (void)state;
    tpi_join_delete(join);
    join = join_of((tpi_join_options_t){ .kind = TPI_JOIN_LATEST });
    GIVE_S(join, 3, NONE, 0, S_OFFSET(A, 0));
    assert_int_equal(ready(0), TPI_JOIN_REJECTED);
    assert_int_equal(result.reason, TPI_JOIN_WRONG_KIND);
    assert_int_equal(join->checks[TPI_JOIN_WRONG_KIND], 1);
}

/* ---- naive model: keeps every event and looks at all of them for every question, with numbers that cannot wrap ---- */

typedef struct event { int what; uint32_t stream; uint64_t epoch, seq; int64_t at; } event_t;

enum { FRAME, PROCESSED };

static event_t events[400];
static int event_count;

static bool latest_epoch(uint32_t stream, int until, uint64_t *epoch)
{
    bool any = false;
    for (int i = 0; i < until; i++)
    {
        if (FRAME != events[i].what || stream != events[i].stream || (any && events[i].epoch < *epoch)) { continue; }
        *epoch = events[i].epoch;
        any = true;
    }
    return any;
}

/* Highest sequence of that kind in the newest epoch, as of the moment of each event. */
static wide_t highest(int what, uint32_t stream)
{
    wide_t found = -1;
    uint64_t now = 0;
    if (!latest_epoch(stream, event_count, &now)) { return found; }
    for (int i = 0; i < event_count; i++)
    {
        uint64_t then = 0;
        if (what != events[i].what || stream != events[i].stream || events[i].epoch != now) { continue; }
        if (PROCESSED == what && (!latest_epoch(stream, i, &then) || then != now)) { continue; }
        if (events[i].seq > found) { found = events[i].seq; }
    }
    return found;
}

static bool model_stale(uint32_t stream, uint64_t timeout, int64_t now)
{
    uint64_t epoch = 0;
    int64_t last = -1;
    if (NONE == timeout || !latest_epoch(stream, event_count, &epoch)) { return false; }
    for (int i = 0; i < event_count; i++)
    {
        if (FRAME == events[i].what && stream == events[i].stream && epoch == events[i].epoch) { last = events[i].at; }
    }
    return (wide_t)now - last > timeout;
}

static tpi_join_answer_t model(const tpc_sequence_rule_t *rules, int n, bool processed, bool stale, uint64_t timeout, uint64_t out, int64_t now)
{
    int absent = 0;
    for (int r = 0; r < n; r++)
    {
        const wide_t need = TPC_RULE_OFFSET == rules[r].rule_type ? (wide_t)out + rules[r].offset : (wide_t)out;
        const wide_t low = TPC_RULE_OFFSET == rules[r].rule_type ? need : (wide_t)out + 1 - rules[r].window_size;
        if (low < 0 || need > UINT64_MAX) { return TPI_JOIN_NOT_READY; }
        const uint32_t stream = rules[r].input_stream_id;
        if (highest(FRAME, stream) >= need && (!processed || highest(PROCESSED, stream) >= need)) { continue; }
        if (!stale || !model_stale(stream, timeout, now)) { return TPI_JOIN_NOT_READY; }
        absent++;
    }
    return absent == n ? TPI_JOIN_NOT_READY : TPI_JOIN_READY;
}

static void answers_are_those_of_a_naive_model__J_042_J_043_J_048(void **state)
{
    (void)state;
    tpi_join_delete(join);
    int answers[3] = { 0 };
    for (int round = 0; round < 300; round++)
    {
        const bool processed = 0 == random_below(3);
        const bool stale = 0 == random_below(2);
        const uint64_t timeout = 0 == random_below(4) ? NONE : random_below(30);
        const uint64_t base = 0 == random_below(3) ? UINT64_MAX - 12 : 0;
        const int n = 1 + (int)random_below(4);
        tpc_sequence_rule_t rules[4];
        for (int r = 0; r < n; r++)
        {
            const uint32_t stream = A + (uint32_t)random_below(3);
            if (0 == random_below(3)) { rules[r] = (tpc_sequence_rule_t)S_WINDOW(stream, 1 + (uint32_t)random_below(6)); }
            else { rules[r] = (tpc_sequence_rule_t)S_OFFSET(stream, (int32_t)random_below(9) - 4); }
        }
        make(processed, stale);
        encode_s(3, timeout, rules, (uint32_t)n);
        assert_int_equal(give(join, 0), TPI_JOIN_MAP_INSTALLED);
        event_count = 0;
        int64_t now = 0;
        for (int step = 0; step < 60; step++)
        {
            now += (int64_t)random_below(6);
            event_t *e = &events[event_count++];
            *e = (event_t){ (int)random_below(2), A + (uint32_t)random_below(3), 1 + random_below(2) * random_below(2) * random_below(2),
                base + random_below(12), now };
            if (FRAME == e->what) { tpi_join_on_frame(join, e->stream, e->epoch, e->seq, NONE, now); }
            else { tpi_join_on_processed_seq(join, e->stream, e->epoch, e->seq); }
            const uint64_t out = base + random_below(13);
            const tpi_join_answer_t expected = model(rules, n, processed, stale, timeout, out, now);
            assert_int_equal(ready_at(out, now), expected);
            answers[expected]++;
        }
        tpi_join_delete(join);
    }
    join = NULL;
    assert_true(answers[TPI_JOIN_READY] > 1000);            /* the model was asked something worth asking */
    assert_true(answers[TPI_JOIN_NOT_READY] > 1000);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = { T(every_input_has_to_reach_what_is_needed__J_042_J_044),
        T(sequence_zero_is_a_frame_and_silence_is_none__J_042), T(a_descriptor_alone_moves_the_cursor__J_010),
        T(processed_frames_count_when_they_are_required__J_043), T(offsets_wait_until_they_apply__J_020),
        T(windows_wait_until_they_are_full_and_look_at_their_end_only__J_022_J_023), T(what_would_overflow_is_never_ready),
        T(a_stale_input_is_absent_and_named__J_047_J_048_J_049_J_050), T(without_a_timeout_a_silent_input_blocks_for_ever__J_051),
        T(absence_yields_to_what_is_missing_and_to_what_is_there), T(several_rules_of_one_input_all_hold_and_name_it_once),
        T(the_lower_bound_of_a_window_can_be_asked_for__J_026_J_027), T(another_kind_of_barrier_is_refused),
        T(answers_are_those_of_a_naive_model__J_042_J_043_J_048) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
