/* Rules of MergeMaps and the worked values of 50-join-barrier.md 6.4. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "codec/codec_wire.h"
#include "protocol/merge_map.h"

static tpi_merge_rule_t rules[4];
static tpi_merge_rule_t other_rules[4];
static tpi_merge_map_t map;
static tpi_merge_map_t other;
static tpc_sequence_map_announce_t s;
static tpc_timestamp_map_announce_t t;

static int setup(void **state)
{
    (void)state;
    map = (tpi_merge_map_t){ .rules = rules, .rule_capacity = 4 };
    other = (tpi_merge_map_t){ .rules = other_rules, .rule_capacity = 4 };
    s = (tpc_sequence_map_announce_t){ .out_stream_id = 9000, .epoch = 3, .stale_timeout_ns = TP_NULL_U64, .rule_count = 2 };
    s.rules[0] = (tpc_sequence_rule_t){ 10001, TPC_RULE_OFFSET, -2, TP_NULL_U32 };
    s.rules[1] = (tpc_sequence_rule_t){ 10002, TPC_RULE_WINDOW, TPC_NULL_OFFSET, 5 };
    t = (tpc_timestamp_map_announce_t){ .out_stream_id = 9000, .epoch = 3, .stale_timeout_ns = 1000, .clock_domain = TPC_CLOCK_MONOTONIC,
        .lateness_ns = 10, .rule_count = 2 };
    t.rules[0] = (tpc_timestamp_rule_t){ 10001, TPC_RULE_OFFSET, TPC_TIME_OF_DESCRIPTOR, 0, TP_NULL_U64 };
    t.rules[1] = (tpc_timestamp_rule_t){ 10002, TPC_RULE_WINDOW, TPC_TIME_OF_SLOT, TPC_NULL_OFFSET_NS, 50 };
    return 0;
}

static tpi_merge_verdict_t sequence(void) { return tpi_merge_map_from_sequence(&map, &s); }
static tpi_merge_verdict_t timestamp(void) { return tpi_merge_map_from_timestamp(&map, &t); }

static void a_good_sequence_map_is_taken_with_all_its_values__J_012(void **state)
{
    (void)state;
    assert_int_equal(sequence(), TPI_MERGE_VALID);
    assert_int_equal(map.kind, TPI_MERGE_SEQUENCE);
    assert_int_equal(map.out_stream_id, 9000);
    assert_int_equal(map.epoch, 3);
    assert_true(TP_NULL_U64 == map.stale_timeout_ns);
    assert_int_equal(map.rule_count, 2);
    assert_int_equal(map.rule_capacity, 4);
    assert_int_equal(rules[0].input_stream_id, 10001);
    assert_int_equal(rules[0].offset, -2);
    assert_int_equal(rules[1].input_stream_id, 10002);
    assert_int_equal(rules[1].window, 5);
}

static void unlisted_rule_types_are_rejected__J_013(void **state)
{
    (void)state;
    s.rules[0].rule_type = 2;
    assert_int_equal(sequence(), TPI_MERGE_BAD_TYPE);
    s.rules[0].rule_type = 255;
    assert_int_equal(sequence(), TPI_MERGE_BAD_TYPE);
    t.rules[1].rule_type = 2;
    assert_int_equal(timestamp(), TPI_MERGE_BAD_TYPE);
}

static void a_map_has_a_rule_and_not_more_than_fit__J_014_J_117(void **state)
{
    (void)state;
    s.rule_count = 0;
    assert_int_equal(sequence(), TPI_MERGE_NO_RULES);
    t.rule_count = 0;
    assert_int_equal(timestamp(), TPI_MERGE_NO_RULES);
    s.rule_count = t.rule_count = 2;
    map.rule_capacity = 1;
    assert_int_equal(sequence(), TPI_MERGE_TOO_MANY_RULES);
    assert_int_equal(timestamp(), TPI_MERGE_TOO_MANY_RULES);
    map.rule_capacity = 2;
    assert_int_equal(sequence(), TPI_MERGE_VALID);
    assert_int_equal(timestamp(), TPI_MERGE_VALID);
}

static void an_offset_rule_has_an_offset_and_nothing_else__J_015_J_017(void **state)
{
    (void)state;
    s.rules[0].offset = TPC_NULL_OFFSET;
    assert_int_equal(sequence(), TPI_MERGE_BAD_PARAMETER);
    s.rules[0].window_size = 5;
    assert_int_equal(sequence(), TPI_MERGE_BAD_PARAMETER);
    s.rules[0].offset = 0;
    assert_int_equal(sequence(), TPI_MERGE_BAD_PARAMETER);
    assert_int_equal(map.rule_count, 0);                    /* untouched so far */
    s.rules[0].window_size = TP_NULL_U32;
    assert_int_equal(sequence(), TPI_MERGE_VALID);
    s.rules[0].offset = INT32_MIN + 1;
    assert_int_equal(sequence(), TPI_MERGE_VALID);
    assert_true(rules[0].offset == -INT64_C(2147483647));
}

static void a_window_rule_has_a_window_and_nothing_else__J_016_J_017(void **state)
{
    (void)state;
    s.rules[1].window_size = TP_NULL_U32;
    assert_int_equal(sequence(), TPI_MERGE_BAD_PARAMETER);
    s.rules[1].window_size = 5;
    s.rules[1].offset = 0;
    assert_int_equal(sequence(), TPI_MERGE_BAD_PARAMETER);
    s.rules[1].offset = TPC_NULL_OFFSET;
    assert_int_equal(sequence(), TPI_MERGE_VALID);
}

static void windows_are_positive__J_021_J_035(void **state)
{
    (void)state;
    s.rules[1].window_size = 0;
    assert_int_equal(sequence(), TPI_MERGE_EMPTY_WINDOW);
    s.rules[1].window_size = 1;
    assert_int_equal(sequence(), TPI_MERGE_VALID);
    t.rules[1].window_ns = 0;
    assert_int_equal(timestamp(), TPI_MERGE_EMPTY_WINDOW);
    t.rules[1].window_ns = 1;
    assert_int_equal(timestamp(), TPI_MERGE_VALID);
    t.rules[1].window_ns = TP_NULL_U64 - 1;
    assert_int_equal(timestamp(), TPI_MERGE_VALID);
}

static void a_timestamp_map_declares_a_listed_clock_domain__J_028(void **state)
{
    (void)state;
    const uint8_t bad[] = { 0, 3, 255 };
    for (size_t i = 0; i < sizeof(bad); i++)
    {
        t.clock_domain = bad[i];
        assert_int_equal(timestamp(), TPI_MERGE_BAD_DOMAIN);
    }
    t.clock_domain = TPC_CLOCK_REALTIME_SYNCED;
    assert_int_equal(timestamp(), TPI_MERGE_VALID);
    assert_int_equal(map.clock_domain, TPC_CLOCK_REALTIME_SYNCED);
}

static void an_offset_ns_rule_has_an_offset_and_nothing_else__J_029_J_031(void **state)
{
    (void)state;
    t.rules[0].offset_ns = TPC_NULL_OFFSET_NS;
    assert_int_equal(timestamp(), TPI_MERGE_BAD_PARAMETER);
    t.rules[0].offset_ns = 0;
    t.rules[0].window_ns = 50;
    assert_int_equal(timestamp(), TPI_MERGE_BAD_PARAMETER);
    assert_int_equal(map.rule_count, 0);
    t.rules[0].window_ns = TP_NULL_U64;
    t.rules[0].offset_ns = INT64_MIN + 1;
    assert_int_equal(timestamp(), TPI_MERGE_VALID);
}

static void a_window_ns_rule_has_a_window_and_nothing_else__J_030_J_031(void **state)
{
    (void)state;
    t.rules[1].window_ns = TP_NULL_U64;
    assert_int_equal(timestamp(), TPI_MERGE_BAD_PARAMETER);
    t.rules[1].window_ns = 50;
    t.rules[1].offset_ns = 0;
    assert_int_equal(timestamp(), TPI_MERGE_BAD_PARAMETER);
    t.rules[1].offset_ns = TPC_NULL_OFFSET_NS;
    assert_int_equal(timestamp(), TPI_MERGE_VALID);
}

static void each_rule_declares_a_listed_source__J_055(void **state)
{
    (void)state;
    const uint8_t bad[] = { 0, 3, 255 };
    for (size_t i = 0; i < sizeof(bad); i++)
    {
        t.rules[1].timestamp_source = bad[i];
        assert_int_equal(timestamp(), TPI_MERGE_BAD_SOURCE);
    }
    t.rules[1].timestamp_source = TPC_TIME_OF_DESCRIPTOR;
    assert_int_equal(timestamp(), TPI_MERGE_VALID);
    assert_int_equal(rules[1].source, TPC_TIME_OF_DESCRIPTOR);
}

static void null_lateness_counts_as_zero__J_063(void **state)
{
    (void)state;
    assert_int_equal(timestamp(), TPI_MERGE_VALID);
    assert_int_equal(map.lateness_ns, 10);
    t.lateness_ns = TP_NULL_U64;
    assert_int_equal(timestamp(), TPI_MERGE_VALID);
    assert_int_equal(map.lateness_ns, 0);
    t.lateness_ns = 0;
    assert_int_equal(tpi_merge_map_from_timestamp(&other, &t), TPI_MERGE_VALID);
    assert_true(tpi_merge_map_equal(&map, &other));
}

typedef struct worked { tpi_merge_kind_t kind; uint8_t type; int64_t offset; uint64_t window, out; bool applies; uint64_t first, last; } worked_t;

static void check_worked(const worked_t *w, size_t n)
{
    for (size_t i = 0; i < n; i++)
    {
        const tpi_merge_rule_t rule = { .type = w[i].type, .offset = w[i].offset, .window = w[i].window };
        uint64_t first = 77;
        uint64_t last = 77;
        assert_int_equal(tpi_merge_need(w[i].kind, &rule, w[i].out, &first, &last), w[i].applies);
        assert_true(first == (w[i].applies ? w[i].first : 77));
        assert_true(last == (w[i].applies ? w[i].last : 77));
    }
}

#define SO TPI_MERGE_SEQUENCE, TPC_RULE_OFFSET
#define SW TPI_MERGE_SEQUENCE, TPC_RULE_WINDOW
#define TO TPI_MERGE_TIMESTAMP, TPC_RULE_OFFSET
#define TW TPI_MERGE_TIMESTAMP, TPC_RULE_WINDOW

static void needed_sequences_are_those_of_the_document__J_020_J_022(void **state)
{
    (void)state;
    static const worked_t w[] = {
        { SO, 0, 0, 7, true, 7, 7 }, { SO, -2, 0, 1, false, 0, 0 }, { SO, -2, 0, 2, true, 0, 0 }, { SO, 3, 0, 0, true, 3, 3 },
        { SO, -2147483647, 0, 2147483646, false, 0, 0 }, { SO, -2147483647, 0, 2147483647, true, 0, 0 },
        { SO, -1, 0, UINT64_C(9223372036854775813), true, UINT64_C(9223372036854775812), UINT64_C(9223372036854775812) },
        { SO, 1, 0, UINT64_MAX, false, 0, 0 }, { SO, 1, 0, UINT64_MAX - 1, true, UINT64_MAX, UINT64_MAX },
        { SW, 0, 1, 0, true, 0, 0 }, { SW, 0, 5, 3, false, 0, 0 }, { SW, 0, 5, 4, true, 0, 4 },
        { SW, 0, 5, UINT64_MAX, true, UINT64_MAX - 4, UINT64_MAX }, { SW, 0, 4294967294, 4294967292, false, 0, 0 },
        { SW, 0, 4294967294, 4294967293, true, 0, 4294967293 } };
    check_worked(w, sizeof(w) / sizeof(w[0]));
}

static void needed_times_are_those_of_the_document__J_033_J_034_J_036(void **state)
{
    (void)state;
    static const worked_t w[] = {
        { TO, 0, 0, 100, true, 100, 100 }, { TO, -30, 0, 20, false, 0, 0 }, { TO, -30, 0, 29, false, 0, 0 }, { TO, -30, 0, 30, true, 0, 0 },
        { TO, -60, 0, 100, true, 40, 40 }, { TO, 50, 0, 100, true, 150, 150 }, { TW, 0, 50, 49, false, 0, 0 }, { TW, 0, 50, 50, true, 0, 50 },
        { TW, 0, 50, 100, true, 50, 100 }, { TW, 0, 50, 60, true, 10, 60 }, { TO, -INT64_MAX, 0, INT64_MAX, true, 0, 0 },
        { TO, -INT64_MAX, 0, (uint64_t)INT64_MAX - 1, false, 0, 0 }, { TO, 1, 0, UINT64_MAX, false, 0, 0 } };
    check_worked(w, sizeof(w) / sizeof(w[0]));
}

static void limits_saturate_and_never_wrap__J_052(void **state)
{
    (void)state;
    assert_int_equal(tpi_merge_limit(100, 0), 100);
    assert_int_equal(tpi_merge_limit(40, 50), 0);
    assert_int_equal(tpi_merge_limit(150, 20), 130);
    assert_int_equal(tpi_merge_limit(51, 50), 1);
    assert_int_equal(tpi_merge_limit(50, 50), 0);
    assert_int_equal(tpi_merge_limit(0, UINT64_MAX), 0);
    assert_true(tpi_merge_limit(UINT64_MAX, 0) == UINT64_MAX);
}

static void any_difference_makes_maps_differ(void **state)
{
    (void)state;
    assert_int_equal(timestamp(), TPI_MERGE_VALID);
    assert_true(tpi_merge_map_copy(&other, &map));
    assert_true(tpi_merge_map_equal(&map, &other));
    assert_ptr_equal(other.rules, other_rules);
#define DIFFERS(member) do { const __typeof__(member) kept = (member); (member) ^= 1; assert_false(tpi_merge_map_equal(&map, &other)); \
        (member) = kept; assert_true(tpi_merge_map_equal(&map, &other)); } while (0)
    DIFFERS(other.out_stream_id);
    DIFFERS(other.epoch);
    DIFFERS(other.stale_timeout_ns);
    DIFFERS(other.lateness_ns);
    DIFFERS(other.clock_domain);
    DIFFERS(other.rule_count);
    DIFFERS(other_rules[1].input_stream_id);
    DIFFERS(other_rules[1].type);
    DIFFERS(other_rules[1].source);
    DIFFERS(other_rules[1].offset);
    DIFFERS(other_rules[1].window);
    other.rule_capacity = 1;
    other.epoch = 8;
    assert_false(tpi_merge_map_copy(&other, &map));
    assert_int_equal(other.epoch, 8);
}

static void unused_parameters_go_out_as_null__J_093(void **state)
{
    static tpc_sequence_map_announce_t s2;
    static tpc_timestamp_map_announce_t t2;
    (void)state;
    assert_int_equal(sequence(), TPI_MERGE_VALID);
    tpi_merge_map_to_sequence(&map, &s2);
    assert_memory_equal(&s2, &s, offsetof(tpc_sequence_map_announce_t, rules));
    assert_int_equal(s2.rules[0].offset, -2);
    assert_true(TP_NULL_U32 == s2.rules[0].window_size);
    assert_true(TPC_NULL_OFFSET == s2.rules[1].offset);
    assert_int_equal(s2.rules[1].window_size, 5);
    assert_int_equal(timestamp(), TPI_MERGE_VALID);
    tpi_merge_map_to_timestamp(&map, &t2);
    assert_int_equal(tpi_merge_map_from_timestamp(&other, &t2), TPI_MERGE_VALID);
    assert_true(tpi_merge_map_equal(&map, &other));
    assert_true(TP_NULL_U64 == t2.rules[0].window_ns && 0 == t2.rules[0].offset_ns);
    assert_true(TPC_NULL_OFFSET_NS == t2.rules[1].offset_ns && 50 == t2.rules[1].window_ns);
}

static void doubtful_maps_are_warned_of__J_037(void **state)
{
    (void)state;
    assert_int_equal(timestamp(), TPI_MERGE_VALID);
    assert_int_equal(tpi_merge_map_warnings(&map), 0);
    map.lateness_ns = 50;
    assert_int_equal(tpi_merge_map_warnings(&map), 0);
    map.lateness_ns = 51;
    assert_int_equal(tpi_merge_map_warnings(&map), TPI_MERGE_WARN_LATENESS_LONG);
    map.lateness_ns = 0;
    assert_int_equal(tpi_merge_map_warnings(&map), TPI_MERGE_WARN_LATENESS_NONE);
    rules[1].type = TPC_RULE_OFFSET;                        /* no window, nothing to warn of */
    assert_int_equal(tpi_merge_map_warnings(&map), 0);
    assert_int_equal(sequence(), TPI_MERGE_VALID);
    assert_int_equal(tpi_merge_map_warnings(&map), 0);
    rules[1].input_stream_id = 9000;
    assert_int_equal(tpi_merge_map_warnings(&map), TPI_MERGE_WARN_OWN_OUTPUT);
}

static void verdicts_have_names(void **state)
{
    (void)state;
    assert_string_equal(tpi_merge_verdict_name(TPI_MERGE_BAD_DOMAIN), "unknown clock domain");
    assert_string_equal(tpi_merge_verdict_name(TPI_MERGE_VERDICT_COUNT), "unknown");
}

#define T(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
    const struct CMUnitTest tests[] = { T(a_good_sequence_map_is_taken_with_all_its_values__J_012), T(unlisted_rule_types_are_rejected__J_013),
        T(a_map_has_a_rule_and_not_more_than_fit__J_014_J_117), T(an_offset_rule_has_an_offset_and_nothing_else__J_015_J_017),
        T(a_window_rule_has_a_window_and_nothing_else__J_016_J_017), T(windows_are_positive__J_021_J_035),
        T(a_timestamp_map_declares_a_listed_clock_domain__J_028), T(an_offset_ns_rule_has_an_offset_and_nothing_else__J_029_J_031),
        T(a_window_ns_rule_has_a_window_and_nothing_else__J_030_J_031), T(each_rule_declares_a_listed_source__J_055),
        T(null_lateness_counts_as_zero__J_063), T(needed_sequences_are_those_of_the_document__J_020_J_022),
        T(needed_times_are_those_of_the_document__J_033_J_034_J_036), T(limits_saturate_and_never_wrap__J_052),
        T(any_difference_makes_maps_differ), T(unused_parameters_go_out_as_null__J_093), T(doubtful_maps_are_warned_of__J_037),
        T(verdicts_have_names) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
