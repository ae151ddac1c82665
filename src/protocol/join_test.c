/* Life of the map of a join, its records and its requests: 50-join-barrier.md 2.3, 4.2, 5.2. */
#include "protocol/test_join.h"

#include <malloc.h>

#include "protocol/join_latest.h"
#include "protocol/join_sequence.h"
#include "protocol/join_timestamp.h"
#include <tensor_pool/common/tp_error.h>

#define SECOND INT64_C(1000000000)

static tpi_join_t *join;
static tpi_join_result_t result;

static int setup(void **state)
{
    (void)state;
    join = join_of((tpi_join_options_t){ .kind = TPI_JOIN_SEQUENCE });
    return 0;
}

static int setup_timestamp(void **state)
{
    (void)state;
    join = join_of((tpi_join_options_t){ .kind = TPI_JOIN_TIMESTAMP });
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
static tpi_join_answer_t ready(uint64_t out_seq) { return tpi_join_sequence_is_ready(join, out_seq, 0, &result); }
static tpi_join_answer_t ready_t(uint64_t out_time) { return tpi_join_timestamp_is_ready(join, out_time, MONO, 0, &result); }

static void without_a_map_nothing_is_ready__J_045_J_046(void **state)
{
    (void)state;
    frame(A, 100);
    assert_int_equal(ready(0), TPI_JOIN_NOT_READY);
    assert_int_equal(result.reason, TPI_JOIN_NO_MAP);
    assert_int_equal(join->seen[TPI_JOIN_FRAME_NO_MAP], 1);
    assert_int_equal(GIVE_S(join, 3, NONE, 0, S_OFFSET(A, 0)), TPI_JOIN_MAP_INSTALLED);
    assert_int_equal(ready(0), TPI_JOIN_NOT_READY);         /* that frame was not recorded */
    assert_int_equal(result.reason, TPI_JOIN_MISSING);
    frame(A, 101);
    assert_int_equal(ready(101), TPI_JOIN_READY);
    frame(B, 1);
    assert_int_equal(join->seen[TPI_JOIN_FRAME_NO_INPUT], 1);
}

static void maps_of_other_pairs_are_ignored__J_038_P13(void **state)
{
    (void)state;
    assert_int_equal(GIVE_S(join, 2, NONE, 0, S_OFFSET(A, 0)), TPI_JOIN_MAP_OTHER_PAIR);
    assert_int_equal(GIVE_S(join, 4, NONE, 0, S_OFFSET(A, 0)), TPI_JOIN_MAP_OTHER_PAIR);
    encode_s(3, NONE, NULL, 0);
    wire_bytes[8]++;
    assert_int_equal(give(join, 0), TPI_JOIN_MAP_OTHER_PAIR);
    assert_int_equal(ready(0), TPI_JOIN_NOT_READY);
    assert_int_equal(join->maps[TPI_JOIN_MAP_OTHER_PAIR], 3);
    GIVE_S(join, 3, NONE, 0, S_OFFSET(A, 0));
    frame(A, 0);
    encode_s(4, NONE, NULL, 0);                             /* invalid, but of another epoch */
    assert_int_equal(give(join, 0), TPI_JOIN_MAP_OTHER_PAIR);
    assert_int_equal(ready(0), TPI_JOIN_READY);
}

static void before_the_output_has_an_epoch_no_map_fits__J_038(void **state)
{
    const tpi_join_options_t options = { .kind = TPI_JOIN_SEQUENCE, .out_stream_id = OUT, .rule_capacity = 1 };
    (void)state;
    tpi_join_delete(join);
    assert_int_equal(tpi_join_create(&join, &options), 0);
    assert_int_equal(GIVE_S(join, 0, NONE, 0, S_OFFSET(A, 0)), TPI_JOIN_MAP_OTHER_PAIR);
    assert_false(tpi_join_request_is_due(join, INT64_MAX));
    tpi_join_on_output_epoch(join, 0, 0);
    assert_int_equal(GIVE_S(join, 0, NONE, 0, S_OFFSET(A, 0)), TPI_JOIN_MAP_INSTALLED);
}

static void an_invalid_map_blocks_until_a_good_one_comes__J_018_J_014(void **state)
{
    (void)state;
    GIVE_S(join, 3, NONE, 0, S_OFFSET(A, 0));
    frame(A, 5);
    assert_int_equal(ready(5), TPI_JOIN_READY);
    encode_s(3, NONE, NULL, 0);
    assert_int_equal(give(join, 0), TPI_JOIN_MAP_REFUSED);
    assert_int_equal(ready(5), TPI_JOIN_NOT_READY);
    assert_int_equal(result.reason, TPI_JOIN_INVALID_MAP);
    assert_int_equal(join->refused[TPI_MERGE_NO_RULES], 1);
    assert_int_equal(GIVE_S(join, 3, NONE, 0, S_OFFSET(A, 0)), TPI_JOIN_MAP_INSTALLED);
    assert_int_equal(ready(5), TPI_JOIN_READY);
}

static void an_invalid_timestamp_map_blocks_as_well__J_031(void **state)
{
    (void)state;
    GIVE_T(join, 3, NONE, MONO, 0, 0, T_OFFSET(A, DESC, 0));
    tpi_join_on_announce(join, A, 1, MONO);
    timed(A, 5, 100);
    assert_int_equal(ready_t(100), TPI_JOIN_READY);
    assert_int_equal(GIVE_T(join, 3, NONE, MONO, 0, 0, T_OFFSET(A, DESC, 0), T_OFFSET(A, 3, 0)), TPI_JOIN_MAP_REFUSED);
    assert_int_equal(ready_t(100), TPI_JOIN_NOT_READY);
    assert_int_equal(GIVE_T(join, 3, NONE, MONO, 0, 0, T_OFFSET(A, DESC, 0)), TPI_JOIN_MAP_INSTALLED);
    assert_int_equal(ready_t(100), TPI_JOIN_READY);
}

static void inputs_are_recorded_while_the_map_is_invalid__J_116(void **state)
{
    (void)state;
    GIVE_S(join, 3, NONE, 0, S_OFFSET(A, 0));
    frame(A, 5);
    tpi_join_on_processed_seq(join, A, 1, 2);
    encode_s(3, NONE, NULL, 0);
    give(join, 0);
    frame(A, 6);
    GIVE_S(join, 3, NONE, 0, S_OFFSET(B, 0), S_OFFSET(A, 1));
    frame(B, 5);
    assert_int_equal(ready(5), TPI_JOIN_READY);             /* needs 6 of A */
    assert_int_equal(ready(6), TPI_JOIN_NOT_READY);
    assert_int_equal(join->inputs[1].processed_seq, 2);
}

static void a_change_takes_effect_in_one_step__J_039(void **state)
{
    (void)state;
    GIVE_S(join, 3, NONE, 0, S_OFFSET(A, 0));
    frame(A, 5);
    assert_int_equal(ready(5), TPI_JOIN_READY);
    assert_int_equal(GIVE_S(join, 3, NONE, 0, S_OFFSET(A, 0), S_OFFSET(B, 0)), TPI_JOIN_MAP_INSTALLED);
    assert_int_equal(ready(5), TPI_JOIN_NOT_READY);
    assert_streams(result, B);
    frame(B, 5);
    assert_int_equal(ready(5), TPI_JOIN_READY);
    GIVE_S(join, 3, NONE, 0, S_OFFSET(B, 0));               /* A is no input any more */
    frame(B, 9);
    assert_int_equal(ready(9), TPI_JOIN_READY);
    GIVE_S(join, 3, NONE, 0, S_OFFSET(A, 0));               /* and was forgotten */
    assert_int_equal(ready(5), TPI_JOIN_NOT_READY);
}

static void a_change_of_a_timestamp_map_takes_effect_in_one_step__J_040(void **state)
{
    (void)state;
    GIVE_T(join, 3, NONE, MONO, 0, 0, T_OFFSET(A, DESC, 0));
    tpi_join_on_announce(join, A, 1, MONO);
    timed(A, 5, 100);
    assert_int_equal(ready_t(100), TPI_JOIN_READY);
    GIVE_T(join, 3, NONE, MONO, 0, 0, T_OFFSET(A, DESC, 1));
    assert_int_equal(ready_t(100), TPI_JOIN_NOT_READY);     /* the new rule, with the time of before */
    GIVE_T(join, 3, NONE, MONO, 1, 0, T_OFFSET(A, DESC, 1));
    assert_int_equal(ready_t(100), TPI_JOIN_READY);
    assert_int_equal(ready_t(99), TPI_JOIN_REJECTED);       /* the last out_time stays */
}

static void times_of_another_source_or_domain_are_forgotten__J_116(void **state)
{
    (void)state;
    GIVE_T(join, 3, NONE, MONO, 0, 0, T_OFFSET(A, DESC, 0));
    tpi_join_on_announce(join, A, 1, MONO);
    timed(A, 5, 100);
    assert_int_equal(ready_t(50), TPI_JOIN_READY);
    GIVE_T(join, 3, NONE, MONO, 0, 0, T_OFFSET(A, SLOT, 0));
    assert_int_equal(ready_t(50), TPI_JOIN_NOT_READY);
    assert_int_equal(join->inputs[0].seq, 5);
    tpi_join_on_slot_time(join, A, 1, 6, 60);
    assert_int_equal(ready_t(50), TPI_JOIN_READY);
    GIVE_T(join, 3, NONE, MONO, 0, 0, T_OFFSET(A, DESC, 0), T_OFFSET(A, SLOT, 1));
    assert_false(join->inputs[0].time_set);                 /* the record with the same source is the one that goes on */
    assert_true(join->inputs[1].time_set);
    GIVE_T(join, 3, NONE, REAL, 0, 0, T_OFFSET(A, SLOT, 1));
    assert_false(join->inputs[0].time_set);
    assert_int_equal(tpi_join_timestamp_is_ready(join, 10, REAL, 0, &result), TPI_JOIN_REJECTED);
    assert_int_equal(result.reason, TPI_JOIN_INPUT_DOMAIN); /* and 10 was not too early: another clock */
}

static void a_repeat_changes_nothing__J_115_P13(void **state)
{
    (void)state;
    GIVE_T(join, 3, NONE, MONO, NONE, 1, T_OFFSET(A, DESC, 0));
    tpi_join_on_announce(join, A, 1, MONO);
    timed(A, 5, 100);
    assert_int_equal(ready_t(100), TPI_JOIN_READY);
    assert_int_equal(GIVE_T(join, 3, NONE, MONO, 0, 7, T_OFFSET(A, DESC, 0)), TPI_JOIN_MAP_REPEATED);   /* null lateness is 0 */
    assert_int_equal(join->map_seen_ns, 7);
    assert_int_equal(ready_t(100), TPI_JOIN_READY);
    timed(A, 6, 99);
    assert_int_equal(ready_t(100), TPI_JOIN_REJECTED);
    assert_int_equal(GIVE_T(join, 3, NONE, MONO, 0, 8, T_OFFSET(A, DESC, 0)), TPI_JOIN_MAP_REPEATED);
    assert_int_equal(ready_t(100), TPI_JOIN_REJECTED);
    assert_int_equal(GIVE_T(join, 3, NONE, MONO, 2, 9, T_OFFSET(A, DESC, 0)), TPI_JOIN_MAP_INSTALLED);  /* a real change forgives */
    assert_int_equal(ready_t(100), TPI_JOIN_NOT_READY);
    timed(A, 7, 98);
    assert_int_equal(ready_t(100), TPI_JOIN_READY);
}

static void maps_of_the_other_kind_are_ignored__J_113(void **state)
{
    (void)state;
    GIVE_S(join, 3, NONE, 0, S_OFFSET(A, 0));
    frame(A, 5);
    assert_int_equal(GIVE_T(join, 3, NONE, MONO, 0, 0, T_OFFSET(B, DESC, 0)), TPI_JOIN_MAP_OTHER_KIND);
    assert_int_equal(GIVE_T(join, 3, NONE, 0, 0, 0, T_OFFSET(B, DESC, 0)), TPI_JOIN_MAP_OTHER_KIND);
    assert_int_equal(ready(5), TPI_JOIN_READY);
    tpi_join_delete(join);
    join = join_of((tpi_join_options_t){ .kind = TPI_JOIN_TIMESTAMP });
    assert_int_equal(GIVE_S(join, 3, NONE, 0, S_OFFSET(A, 0)), TPI_JOIN_MAP_OTHER_KIND);
}

static void messages_of_other_schemas_are_not_ours__J_108(void **state)
{
    (void)state;
    GIVE_S(join, 3, NONE, 0, S_OFFSET(A, 0));
    frame(A, 5);
    encode_s(3, NONE, NULL, 0);
    wire_bytes[4] = 0x84;                                   /* 900: its template 1 is something else */
    assert_int_equal(give(join, 0), TPI_JOIN_MAP_NOT_OURS);
    wire_bytes[4] = 0x87;
    wire_bytes[2] = 2;
    assert_int_equal(give(join, 0), TPI_JOIN_MAP_NOT_OURS);
    assert_int_equal(tpi_join_on_map(join, wire_bytes, 7, 0), TPI_JOIN_MAP_NOT_OURS);
    assert_int_equal(ready(5), TPI_JOIN_READY);
}

static void undecodable_messages_change_nothing__P10_P11(void **state)
{
    (void)state;
    const tpc_sequence_rule_t rule = S_OFFSET(A, 0);
    GIVE_S(join, 3, NONE, 0, S_OFFSET(A, 0));
    frame(A, 5);
    encode_s(3, NONE, &rule, 1);
    for (size_t length = 8; length < wire_length; length++) { assert_int_equal(tpi_join_on_map(join, wire_bytes, length, 0), TPI_JOIN_MAP_DROPPED); }
    wire_bytes[6] = 2;
    assert_int_equal(give(join, 0), TPI_JOIN_MAP_DROPPED);
    wire_bytes[6] = 0;
    assert_int_equal(give(join, 0), TPI_JOIN_MAP_DROPPED);
    wire_bytes[6] = 1;
    wire_bytes[0] = 19;
    assert_int_equal(give(join, 0), TPI_JOIN_MAP_DROPPED);
    assert_int_equal(ready(5), TPI_JOIN_READY);
}

static void more_rules_than_fit_make_the_map_invalid__J_117(void **state)
{
    const tpi_join_options_t options = { .kind = TPI_JOIN_SEQUENCE, .out_stream_id = OUT, .rule_capacity = 2 };
    const uint16_t too_many = 257;
    (void)state;
    tpi_join_delete(join);
    assert_int_equal(tpi_join_create(&join, &options), 0);
    tpi_join_on_output_epoch(join, 3, 0);
    assert_int_equal(GIVE_S(join, 3, NONE, 0, S_OFFSET(A, 0), S_OFFSET(B, 0)), TPI_JOIN_MAP_INSTALLED);
    frame(A, 0);
    frame(B, 0);
    assert_int_equal(ready(0), TPI_JOIN_READY);
    assert_int_equal(GIVE_S(join, 3, NONE, 0, S_OFFSET(A, 0), S_OFFSET(B, 0), S_OFFSET(C, 0)), TPI_JOIN_MAP_REFUSED);
    assert_int_equal(ready(0), TPI_JOIN_NOT_READY);
    assert_int_equal(GIVE_S(join, 3, NONE, 0, S_OFFSET(A, 0), S_OFFSET(B, 0)), TPI_JOIN_MAP_INSTALLED);
    memset(s_map.rules, 0, sizeof(s_map.rules));            /* beyond what the decoder holds: no less invalid */
    s_map.rule_count = TPC_RULES_MAX;
    assert_true(tpc_sequence_map_announce_encode(wire_bytes, sizeof(wire_bytes), &s_map) > 0);
    memcpy(wire_bytes + 30, &too_many, 2);
    wire_length = 32 + 13 * 257;
    assert_int_equal(give(join, 0), TPI_JOIN_MAP_REFUSED);
    assert_int_equal(join->map_verdict, TPI_MERGE_TOO_MANY_RULES);
    assert_int_equal(join->refused[TPI_MERGE_TOO_MANY_RULES], 2);
}

/* Whatever the bytes say, an active map obeys 2.2 and fits. */
static void damaged_maps_never_break_a_join__P11(void **state)
{
    int active = 0;
    int refused = 0;
    (void)state;
    tpi_join_delete(join);
    join = join_of((tpi_join_options_t){ .kind = TPI_JOIN_TIMESTAMP });
    for (int round = 0; round < 20000; round++)
    {
        const tpc_timestamp_rule_t rules[] = { T_OFFSET(A, DESC, 0), T_WINDOW(B, SLOT, 50), T_OFFSET(A, SLOT, -9) };
        encode_t(3, NONE, MONO, NONE, rules, 1 + (uint32_t)random_below(3));
        for (uint64_t n = random_below(3); n > 0; n--) { wire_bytes[random_below(wire_length)] = (uint8_t)random_below(256); }
        const tpi_join_map_event_t event = tpi_join_on_map(join, wire_bytes, wire_length - random_below(2), round);
        refused += TPI_JOIN_MAP_REFUSED == event;
        timed(A, (uint64_t)round, random_below(4) > 0 ? (uint64_t)round : NONE);
        tpi_join_on_announce(join, A, 1, MONO);
        ready_t((uint64_t)round);
        assert_true(join->map.rule_count <= 4 && result.stream_count <= join->map.rule_count);
        if (TPI_JOIN_MAP_ACTIVE != join->map_state) { continue; }
        active++;
        for (uint32_t i = 0; i < join->map.rule_count; i++)
        {
            const tpi_merge_rule_t *rule = &join->map.rules[i];
            assert_true(TPC_RULE_OFFSET == rule->type || (TPC_RULE_WINDOW == rule->type && rule->window > 0));
            assert_true(DESC == rule->source || SLOT == rule->source);
            assert_true(join->inputs[i].first <= i);
        }
    }
    assert_true(active > 1000 && refused > 100);
}

static void a_new_output_epoch_needs_a_fresh_map__J_041(void **state)
{
    (void)state;
    GIVE_S(join, 3, NONE, 0, S_OFFSET(A, 0));
    frame(A, 5);
    tpi_join_on_output_epoch(join, 3, 0);                   /* the same: nothing */
    assert_int_equal(ready(5), TPI_JOIN_READY);
    tpi_join_on_output_epoch(join, 4, 0);
    frame(A, 6);
    assert_int_equal(ready(5), TPI_JOIN_NOT_READY);
    assert_int_equal(result.reason, TPI_JOIN_NO_MAP);
    assert_int_equal(GIVE_S(join, 3, NONE, 0, S_OFFSET(A, 0)), TPI_JOIN_MAP_OTHER_PAIR);
    assert_int_equal(GIVE_S(join, 4, NONE, 0, S_OFFSET(A, 0)), TPI_JOIN_MAP_INSTALLED);
    assert_int_equal(ready(5), TPI_JOIN_NOT_READY);         /* input state was forgotten */
    frame(A, 7);
    assert_int_equal(ready(7), TPI_JOIN_READY);
}

static void a_new_output_epoch_frees_the_output_time__J_041(void **state)
{
    (void)state;
    GIVE_T(join, 3, NONE, MONO, 0, 0, T_OFFSET(A, DESC, 0));
    ready_t(1000);
    tpi_join_on_output_epoch(join, 4, 0);
    GIVE_T(join, 4, NONE, MONO, 0, 0, T_OFFSET(A, DESC, 0));
    assert_int_equal(ready_t(1), TPI_JOIN_NOT_READY);
    assert_int_equal(result.reason, TPI_JOIN_MISSING);
}

static void requests_go_out_at_once_and_then_ever_less_often__J_098(void **state)
{
    static const int64_t pauses[] = { 1, 2, 4, 8, 10, 10 };
    int64_t now_ns = 0;
    (void)state;
    for (size_t i = 0; i < sizeof(pauses) / sizeof(pauses[0]); i++)
    {
        assert_true(tpi_join_request_is_due(join, now_ns));
        tpi_join_requested(join, now_ns);
        now_ns += pauses[i] * SECOND;
        assert_false(tpi_join_request_is_due(join, now_ns - 1));
    }
    GIVE_S(join, 3, NONE, now_ns, S_OFFSET(A, 0));
    assert_false(tpi_join_request_is_due(join, INT64_MAX));
    encode_s(3, NONE, NULL, 0);
    now_ns += 5;
    give(join, now_ns);                                     /* entering invalid: at once again */
    assert_false(tpi_join_request_is_due(join, now_ns - 1));
    assert_true(tpi_join_request_is_due(join, now_ns));
    tpi_join_requested(join, now_ns);
    give(join, now_ns + 1);                                 /* a further bad map does not start this again */
    assert_false(tpi_join_request_is_due(join, now_ns + SECOND - 1));
    assert_true(tpi_join_request_is_due(join, now_ns + SECOND));
    tpi_join_on_output_epoch(join, 4, now_ns + 2);
    assert_true(tpi_join_request_is_due(join, now_ns + 2));
    assert_int_equal(join->requests, 7);
    tpi_join_requested(join, INT64_MAX - 1);                /* no overflow */
    assert_false(tpi_join_request_is_due(join, INT64_MAX - 1));
}

static void processed_values_follow_epoch_and_never_fall__J_043(void **state)
{
    (void)state;
    GIVE_S(join, 3, NONE, 0, S_OFFSET(A, 0));
    tpi_join_on_processed_seq(join, A, 1, 9);               /* no epoch known yet */
    assert_false(join->inputs[0].processed_seq_set);
    frame(A, 5);
    tpi_join_on_processed_seq(join, A, 1, 5);
    tpi_join_on_processed_seq(join, A, 1, 4);
    tpi_join_on_processed_seq(join, A, 2, 9);
    tpi_join_on_processed_seq(join, A, 0, 9);
    tpi_join_on_processed_seq(join, B, 1, 9);
    assert_int_equal(join->inputs[0].processed_seq, 5);
    assert_int_equal(join->seen[TPI_JOIN_PROCESSED_TAKEN], 1);
    assert_int_equal(join->seen[TPI_JOIN_PROCESSED_NOT_ABOVE], 1);
    assert_int_equal(join->seen[TPI_JOIN_PROCESSED_OTHER_EPOCH], 3);
    tpi_join_on_processed_time(join, A, 1, 0, NONE);
    assert_int_equal(join->seen[TPI_JOIN_PROCESSED_NULL], 1);
}

static void slot_times_of_other_epochs_and_older_frames_are_counted(void **state)
{
    (void)state;
    GIVE_T(join, 3, NONE, MONO, 0, 0, T_OFFSET(A, SLOT, 0));
    tpi_join_on_slot_time(join, A, 1, 1, 100);
    timed(A, 1, NONE);
    tpi_join_on_slot_time(join, A, 2, 1, 100);
    tpi_join_on_slot_time(join, A, 0, 1, 100);
    assert_false(join->inputs[0].time_set);
    assert_int_equal(join->seen[TPI_JOIN_TIME_OTHER_EPOCH], 3);
    tpi_join_on_slot_time(join, A, 1, 1, 100);
    tpi_join_on_slot_time(join, A, 1, 0, 900);
    assert_int_equal(join->inputs[0].time, 100);
    assert_int_equal(join->seen[TPI_JOIN_TIME_REPEATED], 1);
    assert_int_equal(join->seen[TPI_JOIN_TIME_TAKEN], 1);
}

static void required_but_missing_processed_values_are_noticed(void **state)
{
    (void)state;
    tpi_join_delete(join);
    join = join_of((tpi_join_options_t){ .kind = TPI_JOIN_SEQUENCE, .require_processed = true });
    GIVE_S(join, 3, NONE, 0, S_OFFSET(A, 0), S_OFFSET(B, 0));
    frame(A, 5);
    assert_false(tpi_join_lacks_processed(join));
    frame(A, 6);
    assert_true(tpi_join_lacks_processed(join));
    tpi_join_on_processed_seq(join, A, 1, 5);
    assert_false(tpi_join_lacks_processed(join));
}

static void options_are_checked_on_both_sides_of_their_bounds(void **state)
{
    tpi_join_t *none = NULL;
    tpi_join_options_t o = { .kind = TPI_JOIN_SEQUENCE, .rule_capacity = TPC_RULES_MAX };
    (void)state;
    assert_int_equal(tpi_join_create(&none, &o), 0);
    tpi_join_delete(none);
    none = NULL;
    o.rule_capacity++;
    assert_int_equal(tpi_join_create(&none, &o), -1);
    assert_int_equal(tp_errcode(), TP_EINVAL);
    o.rule_capacity = 0;
    assert_int_equal(tpi_join_create(&none, &o), -1);
    o.rule_capacity = 1;
    o.kind = (tpi_join_kind_t)4;
    assert_int_equal(tpi_join_create(&none, &o), -1);
    o.kind = (tpi_join_kind_t)0;
    assert_int_equal(tpi_join_create(&none, &o), -1);
    o.kind = TPI_JOIN_LATEST;
    o.domain_count = 1;
    assert_int_equal(tpi_join_create(&none, &o), -1);
    assert_null(none);
    tpi_join_delete(NULL);
    assert_string_equal(tpi_join_reason_name(TPI_JOIN_WRONG_KIND), "wrong_kind");
    assert_string_equal(tpi_join_reason_name(TPI_JOIN_REASON_COUNT), "unknown");
    assert_string_equal(tpi_join_seen_name(TPI_JOIN_INPUT_RESTARTED), "input_restarted");
    assert_string_equal(tpi_join_map_event_name(TPI_JOIN_MAP_NOT_OURS), "not_ours");
}

/* Where the allocator keeps no such account (instrumented builds) the figures are 0 and the test says nothing. */
static void nothing_is_allocated_after_creation__J_002(void **state)
{
    (void)state;
    GIVE_S(join, 3, NONE, 0, S_OFFSET(A, 0), S_OFFSET(B, -1));
    const struct mallinfo2 before = mallinfo2();
    for (uint64_t i = 0; i < 1000000; i++)
    {
        frame(A, i);
        frame(B, i);
        tpi_join_on_processed_seq(join, A, 1, i);
        if (TPI_JOIN_READY != tpi_join_sequence_is_ready(join, i, 0, &result) && i > 0) { fail(); }
        if (0 == i % 1000) { give(join, 0); }
    }
    const struct mallinfo2 after = mallinfo2();
    assert_int_equal(before.uordblks, after.uordblks);
    assert_int_equal(before.hblks, after.hblks);
    assert_int_equal(join->inputs[1].seq, 999999);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TT(name) cmocka_unit_test_setup_teardown(name, setup_timestamp, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = { T(without_a_map_nothing_is_ready__J_045_J_046), T(maps_of_other_pairs_are_ignored__J_038_P13),
        T(before_the_output_has_an_epoch_no_map_fits__J_038), T(an_invalid_map_blocks_until_a_good_one_comes__J_018_J_014),
        TT(an_invalid_timestamp_map_blocks_as_well__J_031), T(inputs_are_recorded_while_the_map_is_invalid__J_116),
        T(a_change_takes_effect_in_one_step__J_039), TT(a_change_of_a_timestamp_map_takes_effect_in_one_step__J_040),
        TT(times_of_another_source_or_domain_are_forgotten__J_116), TT(a_repeat_changes_nothing__J_115_P13),
        T(maps_of_the_other_kind_are_ignored__J_113), T(messages_of_other_schemas_are_not_ours__J_108),
        T(undecodable_messages_change_nothing__P10_P11), T(more_rules_than_fit_make_the_map_invalid__J_117),
        T(damaged_maps_never_break_a_join__P11), T(a_new_output_epoch_needs_a_fresh_map__J_041), TT(a_new_output_epoch_frees_the_output_time__J_041),
        T(requests_go_out_at_once_and_then_ever_less_often__J_098), T(processed_values_follow_epoch_and_never_fall__J_043),
        TT(slot_times_of_other_epochs_and_older_frames_are_counted), T(required_but_missing_processed_values_are_noticed),
        T(options_are_checked_on_both_sides_of_their_bounds), T(nothing_is_allocated_after_creation__J_002) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
