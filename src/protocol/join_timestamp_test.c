/* TimestampJoinBarrier, 50-join-barrier.md 6.2, and against a naive model. */
#include "protocol/test_join.h"

#include "protocol/join_timestamp.h"

static tpi_join_t *join;
static tpi_join_result_t result;

static void make(bool require_processed, bool allow_stale)
{
    join = join_of((tpi_join_options_t){ .kind = TPI_JOIN_TIMESTAMP, .require_processed = require_processed, .allow_stale = allow_stale });
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

/* A one-rule map whose input has a known domain. */
#define ONE_RULE(late_ns, ...) do { assert_int_equal(GIVE_T(join, 3, NONE, MONO, (late_ns), 0, __VA_ARGS__), TPI_JOIN_MAP_INSTALLED); \
    tpi_join_on_announce(join, A, 1, MONO); } while (0)

static void frame(uint32_t stream_id, uint64_t seq, uint64_t time) { tpi_join_on_frame(join, stream_id, 1, seq, time, 0); }
static tpi_join_answer_t ready(uint64_t out_time) { return tpi_join_timestamp_is_ready(join, out_time, MONO, 0, &result); }
static tpi_join_answer_t ready_at(uint64_t out_time, int64_t now_ns) { return tpi_join_timestamp_is_ready(join, out_time, MONO, now_ns, &result); }

static void every_input_has_to_reach_what_is_needed__J_052_J_054(void **state)
{
    (void)state;
    GIVE_T(join, 3, NONE, MONO, 20, 0, T_OFFSET(A, DESC, 50), T_OFFSET(B, DESC, 0));
    tpi_join_on_announce(join, A, 1, MONO);
    tpi_join_on_announce(join, B, 1, MONO);
    frame(A, 1, 129);
    frame(B, 1, 80);
    assert_int_equal(ready(100), TPI_JOIN_NOT_READY);
    assert_streams(result, A);
    frame(A, 2, 130);
    assert_int_equal(ready(100), TPI_JOIN_READY);
    assert_int_equal(result.reason, TPI_JOIN_ALL_THERE);
    assert_int_equal(ready(101), TPI_JOIN_NOT_READY);
    assert_streams(result, A, B);
}

static void processed_times_count_when_they_are_required__J_053(void **state)
{
    (void)state;
    tpi_join_delete(join);
    make(true, false);
    ONE_RULE(10, T_OFFSET(A, DESC, 0));
    frame(A, 1, 100);
    assert_int_equal(ready(100), TPI_JOIN_NOT_READY);
    tpi_join_on_processed_time(join, A, 1, DESC, 89);
    tpi_join_on_processed_time(join, A, 1, SLOT, 100);      /* another source */
    assert_int_equal(ready(100), TPI_JOIN_NOT_READY);
    tpi_join_on_processed_time(join, A, 1, DESC, 90);
    assert_int_equal(ready(100), TPI_JOIN_READY);
    tpi_join_on_processed_time(join, A, 1, DESC, 300);
    assert_int_equal(ready(111), TPI_JOIN_NOT_READY);       /* observed: one below */
}

static void offsets_wait_until_they_apply__J_033(void **state)
{
    (void)state;
    ONE_RULE(0, T_OFFSET(A, DESC, -30));
    frame(A, 1, 1000);
    assert_int_equal(ready(20), TPI_JOIN_NOT_READY);
    assert_int_equal(ready(29), TPI_JOIN_NOT_READY);
    assert_int_equal(ready(30), TPI_JOIN_READY);
}

static void windows_wait_until_they_apply__J_036(void **state)
{
    (void)state;
    ONE_RULE(1000, T_WINDOW(A, DESC, 50));
    frame(A, 1, 1000);
    assert_int_equal(ready(49), TPI_JOIN_NOT_READY);
    assert_int_equal(ready(50), TPI_JOIN_READY);
}

static void lateness_relaxes_the_end_of_a_window__J_062_J_064(void **state)
{
    (void)state;
    ONE_RULE(10, T_WINDOW(A, DESC, 50));
    frame(A, 1, 89);
    assert_int_equal(ready(100), TPI_JOIN_NOT_READY);
    frame(A, 2, 90);
    assert_int_equal(ready(100), TPI_JOIN_READY);
}

static void lateness_holds_for_every_rule__J_062(void **state)
{
    (void)state;
    GIVE_T(join, 3, NONE, MONO, 10, 0, T_OFFSET(A, DESC, 0), T_OFFSET(A, DESC, 5), T_WINDOW(A, DESC, 50));
    tpi_join_on_announce(join, A, 1, MONO);
    frame(A, 1, 94);
    assert_int_equal(ready(100), TPI_JOIN_NOT_READY);
    frame(A, 2, 95);
    assert_int_equal(ready(100), TPI_JOIN_READY);
}

static void without_lateness_a_window_waits_for_its_end__J_063_J_065(void **state)
{
    (void)state;
    ONE_RULE(NONE, T_WINDOW(A, DESC, 50));
    frame(A, 1, 99);
    assert_int_equal(ready(100), TPI_JOIN_NOT_READY);
    frame(A, 2, 100);
    assert_int_equal(ready(100), TPI_JOIN_READY);
}

static void a_saturated_limit_still_needs_an_observation__J_067(void **state)
{
    (void)state;
    ONE_RULE(50, T_OFFSET(A, DESC, 0));
    assert_int_equal(ready(0), TPI_JOIN_NOT_READY);
    assert_streams(result, A);
    frame(A, 1, NONE);
    assert_int_equal(ready(0), TPI_JOIN_NOT_READY);
    frame(A, 2, 0);                                         /* 0 is a time */
    assert_int_equal(ready(0), TPI_JOIN_READY);
    assert_int_equal(ready(50), TPI_JOIN_READY);
    assert_int_equal(ready(51), TPI_JOIN_NOT_READY);
}

static void null_descriptor_times_are_no_times__J_056(void **state)
{
    (void)state;
    ONE_RULE(0, T_OFFSET(A, DESC, 0));
    for (uint64_t seq = 0; seq < 10; seq++) { frame(A, seq, NONE); }
    assert_int_equal(ready(1), TPI_JOIN_NOT_READY);
    tpi_join_on_slot_time(join, A, 1, 9, 100);              /* not the source of the rule */
    assert_int_equal(ready(1), TPI_JOIN_NOT_READY);
    assert_int_equal(join->seen[TPI_JOIN_TIME_NULL], 10);
}

static void null_slot_times_are_no_times__J_058(void **state)
{
    (void)state;
    ONE_RULE(0, T_OFFSET(A, SLOT, 0));
    assert_true(tpi_join_wants_slot_time(join, A));
    assert_false(tpi_join_wants_slot_time(join, B));
    frame(A, 1, 500);                                       /* not the source of the rule */
    tpi_join_on_slot_time(join, A, 1, 1, NONE);
    assert_int_equal(ready(1), TPI_JOIN_NOT_READY);
    tpi_join_on_slot_time(join, A, 1, 1, 1);
    assert_int_equal(ready(1), TPI_JOIN_READY);
}

static void a_stream_whose_descriptor_times_go_back_is_rejected__J_057_J_066(void **state)
{
    (void)state;
    GIVE_T(join, 3, NONE, MONO, 0, 0, T_OFFSET(B, DESC, 0), T_OFFSET(A, DESC, 0));
    tpi_join_on_announce(join, A, 1, MONO);
    frame(A, 1, 200);
    frame(A, 2, 200);                                       /* equal is not back */
    assert_int_equal(ready(10), TPI_JOIN_NOT_READY);
    frame(A, 3, 199);
    assert_int_equal(ready(10), TPI_JOIN_REJECTED);
    assert_int_equal(result.reason, TPI_JOIN_INPUT_TIME_BACK);
    assert_streams(result, A);
    frame(A, 4, 300);                                       /* for good ... */
    assert_int_equal(ready(10), TPI_JOIN_REJECTED);
    tpi_join_on_frame(join, A, 2, 0, 100, 0);               /* ... until its epoch changes */
    assert_int_equal(ready(10), TPI_JOIN_NOT_READY);
    assert_streams(result, B);
    assert_int_equal(join->seen[TPI_JOIN_TIME_BACK], 1);
}

static void a_stream_whose_slot_times_go_back_is_rejected__J_059_J_066(void **state)
{
    (void)state;
    ONE_RULE(0, T_OFFSET(A, SLOT, 0));
    frame(A, 1, NONE);
    tpi_join_on_slot_time(join, A, 1, 1, 200);
    tpi_join_on_slot_time(join, A, 1, 1, 100);              /* the same frame again: not looked at */
    assert_int_equal(ready(10), TPI_JOIN_READY);
    tpi_join_on_slot_time(join, A, 1, 2, 100);
    assert_int_equal(ready(10), TPI_JOIN_REJECTED);
    assert_streams(result, A);
}

static void a_repeated_frame_changes_neither_cursor_nor_time__J_112(void **state)
{
    (void)state;
    ONE_RULE(0, T_OFFSET(A, DESC, 0));
    frame(A, 5, 200);
    frame(A, 6, 210);
    frame(A, 5, 200);
    frame(A, 6, 900);
    assert_int_equal(ready(210), TPI_JOIN_READY);
    assert_int_equal(ready(211), TPI_JOIN_NOT_READY);
    assert_int_equal(join->inputs[0].seq, 6);
    assert_int_equal(join->seen[TPI_JOIN_FRAME_REPEATED], 2);
}

static void inputs_of_different_domains_are_rejected__J_060_J_061_J_110(void **state)
{
    (void)state;
    GIVE_T(join, 3, NONE, MONO, 0, 0, T_OFFSET(A, DESC, 0), T_OFFSET(B, DESC, 0));
    tpi_join_on_announce(join, A, 1, MONO);
    tpi_join_on_announce(join, B, 1, REAL);
    frame(A, 1, 100);
    frame(B, 1, 100);
    assert_int_equal(ready(100), TPI_JOIN_REJECTED);
    assert_int_equal(result.reason, TPI_JOIN_INPUT_DOMAIN);
    assert_streams(result, B);
    tpi_join_on_announce(join, B, 1, MONO);
    assert_int_equal(ready(100), TPI_JOIN_READY);
}

static void output_times_are_in_the_domain_of_the_map__J_061_J_069(void **state)
{
    (void)state;
    ONE_RULE(0, T_OFFSET(A, DESC, 0));
    frame(A, 1, 100);
    assert_int_equal(tpi_join_timestamp_is_ready(join, 100, REAL, 0, &result), TPI_JOIN_REJECTED);
    assert_int_equal(result.reason, TPI_JOIN_OUT_DOMAIN);
    assert_int_equal(ready(50), TPI_JOIN_READY);            /* it set no lower bound */
}

static void an_input_of_unknown_domain_is_missing__J_114(void **state)
{
    (void)state;
    GIVE_T(join, 3, NONE, MONO, 0, 0, T_OFFSET(A, DESC, 0));
    frame(A, 1, 100);
    assert_int_equal(ready(100), TPI_JOIN_NOT_READY);
    assert_streams(result, A);
    tpi_join_on_announce(join, A, 1, MONO);
    assert_int_equal(ready(100), TPI_JOIN_READY);
}

static void a_stated_domain_stands_above_the_announced_one__J_114(void **state)
{
    static tpi_join_domain_t stated[] = { { A, TPI_JOIN_DOMAIN_UNKNOWN }, { B, MONO } };
    (void)state;
    tpi_join_delete(join);
    join = join_of((tpi_join_options_t){ .kind = TPI_JOIN_TIMESTAMP, .domains = stated, .domain_count = 2 });
    stated[1].clock_domain = REAL;                          /* options were copied */
    GIVE_T(join, 3, NONE, MONO, 0, 0, T_OFFSET(A, DESC, 0), T_OFFSET(B, DESC, 0));
    tpi_join_on_announce(join, A, 1, MONO);
    tpi_join_on_announce(join, B, 1, REAL);
    frame(A, 1, 100);
    frame(B, 1, 100);
    assert_int_equal(ready(100), TPI_JOIN_NOT_READY);
    assert_streams(result, A);
}

static void output_times_do_not_go_back__J_068(void **state)
{
    (void)state;
    ONE_RULE(0, T_OFFSET(A, DESC, 0));
    frame(A, 1, 1000);
    assert_int_equal(ready(200), TPI_JOIN_READY);
    assert_int_equal(ready(100), TPI_JOIN_REJECTED);
    assert_int_equal(result.reason, TPI_JOIN_OUT_TIME_BACK);
    assert_int_equal(ready(199), TPI_JOIN_REJECTED);        /* only the check in question was refused */
    assert_int_equal(ready(200), TPI_JOIN_READY);
    assert_int_equal(ready(5000), TPI_JOIN_NOT_READY);      /* binds as well */
    assert_int_equal(ready(4999), TPI_JOIN_REJECTED);
    frame(A, 2, 10);
    assert_int_equal(ready(6000), TPI_JOIN_REJECTED);       /* and so does this one */
    assert_int_equal(result.reason, TPI_JOIN_INPUT_TIME_BACK);
    assert_int_equal(ready(5999), TPI_JOIN_REJECTED);
    assert_int_equal(result.reason, TPI_JOIN_OUT_TIME_BACK);
}

static void a_null_output_time_is_not_ready_and_binds_nobody(void **state)
{
    (void)state;
    ONE_RULE(0, T_OFFSET(A, DESC, 0));
    frame(A, 1, 100);
    assert_int_equal(ready(NONE), TPI_JOIN_NOT_READY);
    assert_int_equal(result.reason, TPI_JOIN_NULL_TIME);
    assert_int_equal(ready(100), TPI_JOIN_READY);
}

static void a_stale_input_is_absent_unless_something_speaks_against_it__J_048_J_049(void **state)
{
    (void)state;
    tpi_join_delete(join);
    make(false, true);
    GIVE_T(join, 3, 5, MONO, 0, 0, T_OFFSET(A, DESC, 0), T_OFFSET(B, DESC, -90));
    tpi_join_on_announce(join, A, 1, MONO);
    tpi_join_on_frame(join, A, 1, 1, 1000, 20);
    tpi_join_on_frame(join, B, 1, 1, 1, 10);
    assert_int_equal(ready_at(95, 16), TPI_JOIN_NOT_READY); /* stale, but of unknown domain */
    tpi_join_on_announce(join, B, 1, MONO);
    assert_int_equal(ready_at(95, 15), TPI_JOIN_NOT_READY);
    assert_int_equal(ready_at(95, 16), TPI_JOIN_READY);
    assert_streams(result, B);
    tpi_join_on_announce(join, B, 1, REAL);
    assert_int_equal(ready_at(95, 16), TPI_JOIN_REJECTED);
}

/* ---- naive model: replays all events for every question, in numbers that cannot wrap ---- */

typedef struct event { int what; uint32_t stream; uint64_t epoch, seq, time; int64_t at; } event_t;

enum { FRAME, SLOT_TIME, PROCESSED_D, PROCESSED_S, KINDS };

static event_t events[100];
static int event_count;

typedef struct replay { bool seen, back, timed, processed; uint64_t epoch, time, time_seq, done; wide_t cursor; int64_t last; } replay_t;

static replay_t replay(uint32_t stream, uint8_t source)
{
    replay_t r = { .epoch = 1, .cursor = -1 };              /* announced */
    for (const event_t *e = events; e < events + event_count; e++)
    {
        if (e->stream != stream || e->epoch < r.epoch || (FRAME != e->what && e->epoch != r.epoch)) { continue; }
        if (e->epoch > r.epoch) { r = (replay_t){ .epoch = e->epoch, .cursor = -1 }; }
        bool has_time = false;
        if (FRAME == e->what)
        {
            r.seen = true;
            r.last = e->at;
            if (e->seq <= r.cursor) { continue; }
            r.cursor = e->seq;
            has_time = DESC == source;
        }
        else if (SLOT_TIME == e->what) { has_time = SLOT == source && (!r.timed || e->seq > r.time_seq); }
        else if ((PROCESSED_D == e->what ? DESC : SLOT) == source && NONE != e->time && (!r.processed || e->time > r.done))
        {
            r.processed = true;
            r.done = e->time;
        }
        if (!has_time || NONE == e->time) { continue; }
        if (r.timed && e->time < r.time) { r.back = true; }
        else
        {
            r.timed = true;
            r.time = e->time;
            r.time_seq = e->seq;
        }
    }
    return r;
}

static tpi_join_answer_t model(const tpc_timestamp_rule_t *rules, int n, bool processed, uint64_t timeout, uint64_t late, uint64_t out, int64_t now)
{
    int absent = 0;
    bool missing = false;
    bool bad = false;
    for (int i = 0; i < n; i++)
    {
        const replay_t r = replay(rules[i].input_stream_id, rules[i].timestamp_source);
        const bool offset = TPC_RULE_OFFSET == rules[i].rule_type;
        const wide_t need = offset ? (wide_t)out + rules[i].offset_ns : (wide_t)out;
        const bool applies = offset ? need >= 0 && need <= UINT64_MAX : (wide_t)out - rules[i].window_ns >= 0;
        if (r.back) { bad = true; }
        else if (!applies) { missing = true; }
        else if (r.timed && r.time >= need - (wide_t)late && (!processed || (r.processed && r.done >= need - (wide_t)late))) { continue; }
        else if (r.seen && (wide_t)now - r.last > timeout) { absent++; }
        else { missing = true; }
    }
    return bad ? TPI_JOIN_REJECTED : missing || absent == n ? TPI_JOIN_NOT_READY : TPI_JOIN_READY;
}

static void random_rules(tpc_timestamp_rule_t *rules, int n)
{
    for (int r = 0; r < n; r++)
    {
        const uint32_t stream = A + (uint32_t)random_below(3);
        const uint8_t source = 0 == random_below(2) ? DESC : SLOT;
        if (0 == random_below(3)) { rules[r] = (tpc_timestamp_rule_t)T_WINDOW(stream, source, 1 + random_below(60)); }
        else { rules[r] = (tpc_timestamp_rule_t)T_OFFSET(stream, source, (int64_t)random_below(81) - 40); }
    }
}

static void random_event(uint64_t base, int64_t now)
{
    event_t *e = &events[event_count++];
    *e = (event_t){ (int)random_below(KINDS), A + (uint32_t)random_below(3), 1 + (0 == random_below(25)), random_below(10) + (uint64_t)event_count,
        base + (uint64_t)event_count * 2 + random_below(9), now };
    if (0 == random_below(12)) { e->time = NONE; }
    if (FRAME == e->what) { tpi_join_on_frame(join, e->stream, e->epoch, e->seq, e->time, now); }
    else if (SLOT_TIME == e->what) { tpi_join_on_slot_time(join, e->stream, e->epoch, e->seq, e->time); }
    else { tpi_join_on_processed_time(join, e->stream, e->epoch, PROCESSED_D == e->what ? DESC : SLOT, e->time); }
}

static void answers_are_those_of_a_naive_model__J_052_J_053_J_066(void **state)
{
    (void)state;
    tpi_join_delete(join);
    int answers[3] = { 0 };
    for (int round = 0; round < 400; round++)
    {
        const bool processed = 0 == random_below(4);
        const uint64_t timeout = 0 == random_below(2) ? NONE : random_below(60);
        const uint64_t late = random_below(3) * random_below(60);
        const uint64_t base = 0 == random_below(3) ? UINT64_MAX - 200 : 0;
        const int n = 1 + (int)random_below(4);
        tpc_timestamp_rule_t rules[4];
        random_rules(rules, n);
        make(processed, true);
        encode_t(3, timeout, MONO, late, rules, (uint32_t)n);
        assert_int_equal(give(join, 0), TPI_JOIN_MAP_INSTALLED);
        for (uint32_t stream = A; stream <= C; stream++) { tpi_join_on_announce(join, stream, 1, MONO); }
        event_count = 0;
        int64_t now = 0;
        uint64_t out = base;
        for (int step = 0; step < 60; step++)
        {
            now += (int64_t)random_below(6);
            random_event(base, now);
            out += random_below(3);
            const tpi_join_answer_t expected = model(rules, n, processed, timeout, late, out, now);
            assert_int_equal(ready_at(out, now), expected);
            answers[expected]++;
        }
        tpi_join_delete(join);
    }
    join = NULL;
    for (int i = 0; i < 3; i++) { assert_true(answers[i] > 500); }
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = { T(every_input_has_to_reach_what_is_needed__J_052_J_054),
        T(processed_times_count_when_they_are_required__J_053), T(offsets_wait_until_they_apply__J_033), T(windows_wait_until_they_apply__J_036),
        T(lateness_relaxes_the_end_of_a_window__J_062_J_064), T(lateness_holds_for_every_rule__J_062),
        T(without_lateness_a_window_waits_for_its_end__J_063_J_065), T(a_saturated_limit_still_needs_an_observation__J_067),
        T(null_descriptor_times_are_no_times__J_056), T(null_slot_times_are_no_times__J_058),
        T(a_stream_whose_descriptor_times_go_back_is_rejected__J_057_J_066), T(a_stream_whose_slot_times_go_back_is_rejected__J_059_J_066),
        T(a_repeated_frame_changes_neither_cursor_nor_time__J_112), T(inputs_of_different_domains_are_rejected__J_060_J_061_J_110),
        T(output_times_are_in_the_domain_of_the_map__J_061_J_069), T(an_input_of_unknown_domain_is_missing__J_114),
        T(a_stated_domain_stands_above_the_announced_one__J_114), T(output_times_do_not_go_back__J_068),
        T(a_null_output_time_is_not_ready_and_binds_nobody), T(a_stale_input_is_absent_unless_something_speaks_against_it__J_048_J_049),
        T(answers_are_those_of_a_naive_model__J_052_J_053_J_066) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
