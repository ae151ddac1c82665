/* Authority of MergeMaps, 50-join-barrier.md 4.1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "codec/codec_wire.h"
#include "protocol/join_authority.h"
#include <tensor_pool/common/tp_error.h>

#define MS INT64_C(1000000)

static tpi_join_authority_t *authority;
static tpi_merge_rule_t rules[3] = { { .input_stream_id = 10001 }, { .input_stream_id = 10002 }, { .input_stream_id = 10003 } };
static tpi_merge_map_t map;
static uint8_t bytes[64];

static int setup(void **state)
{
    (void)state;
    map = (tpi_merge_map_t){ .kind = TPI_MERGE_SEQUENCE, .out_stream_id = 9000, .epoch = 3, .stale_timeout_ns = TP_NULL_U64, .rule_count = 1,
        .rule_capacity = 3, .rules = rules };
    return tpi_join_authority_create(&authority, 2, 2);
}

static int teardown(void **state)
{
    (void)state;
    tpi_join_authority_delete(authority);
    return 0;
}

/* Publishes whatever is due at that time; how many. */
static int publish(int64_t now_ns)
{
    uint32_t index = 99;
    int count = 0;
    for (; NULL != tpi_join_authority_next(authority, now_ns, &index) && count < 10; count++)
    {
        tpi_join_authority_published(authority, index, now_ns);
    }
    return count;
}

static tpi_authority_event_t ask(tpi_merge_kind_t kind, uint32_t out_stream_id, uint64_t epoch, int64_t now_ns)
{
    const tpc_sequence_map_request_t s = { out_stream_id, epoch };
    const tpc_timestamp_map_request_t t = { out_stream_id, epoch };
    const int64_t length = TPI_MERGE_SEQUENCE == kind ? tpc_sequence_map_request_encode(bytes, sizeof(bytes), &s) :
        tpc_timestamp_map_request_encode(bytes, sizeof(bytes), &t);
    return tpi_join_authority_on_request(authority, bytes, (size_t)length, now_ns);
}

static void a_map_is_published_at_once_and_then_every_second__J_096(void **state)
{
    (void)state;
    assert_int_equal(publish(0), 0);
    assert_int_equal(tpi_join_authority_set(authority, &map, 5), 0);
    assert_int_equal(publish(4), 0);
    assert_int_equal(publish(5), 1);
    assert_int_equal(publish(5 + 1000 * MS - 1), 0);
    assert_int_equal(publish(5 + 1000 * MS), 1);
    assert_int_equal(publish(5 + 2000 * MS - 1), 0);
    assert_int_equal(publish(5 + 2000 * MS), 1);
    assert_int_equal(authority->announces, 3);
}

static void timestamp_maps_are_repeated_as_well__J_105(void **state)
{
    (void)state;
    map.kind = TPI_MERGE_TIMESTAMP;
    assert_int_equal(tpi_join_authority_set(authority, &map, 0), 0);
    assert_int_equal(publish(0), 1);
    assert_int_equal(publish(1000 * MS - 1), 0);
    assert_int_equal(publish(1000 * MS), 1);
}

static void what_the_bus_refused_stays_due(void **state)
{
    uint32_t index = 99;
    (void)state;
    assert_int_equal(tpi_join_authority_set(authority, &map, 0), 0);
    assert_non_null(tpi_join_authority_next(authority, 0, &index));
    assert_non_null(tpi_join_authority_next(authority, 1, &index));
    assert_int_equal(publish(2), 1);
    assert_null(tpi_join_authority_next(authority, 3, &index));
}

static void a_request_for_a_pair_it_holds_is_answered__J_097(void **state)
{
    (void)state;
    tpi_join_authority_set(authority, &map, 0);
    publish(0);
    assert_int_equal(publish(300 * MS), 0);
    assert_int_equal(ask(TPI_MERGE_SEQUENCE, 9000, 3, 300 * MS), TPI_AUTHORITY_ANSWERED);
    uint32_t index = 99;
    const tpi_merge_map_t *due = tpi_join_authority_next(authority, 300 * MS, &index);
    assert_non_null(due);
    assert_int_equal(due->out_stream_id, 9000);
    assert_int_equal(due->epoch, 3);
    assert_int_equal(due->kind, TPI_MERGE_SEQUENCE);
    assert_int_equal(publish(300 * MS), 1);
    assert_int_equal(publish(1299 * MS), 0);                /* the period counts from the answer */
    assert_int_equal(publish(1300 * MS), 1);
}

static void a_timestamp_request_is_answered_with_the_timestamp_map__J_106(void **state)
{
    (void)state;
    uint32_t index = 99;
    tpi_join_authority_set(authority, &map, 0);
    map.kind = TPI_MERGE_TIMESTAMP;
    tpi_join_authority_set(authority, &map, 0);
    assert_int_equal(publish(0), 2);
    assert_int_equal(ask(TPI_MERGE_TIMESTAMP, 9000, 3, 200 * MS), TPI_AUTHORITY_ANSWERED);
    const tpi_merge_map_t *due = tpi_join_authority_next(authority, 200 * MS, &index);
    assert_non_null(due);
    assert_int_equal(due->kind, TPI_MERGE_TIMESTAMP);
    assert_int_equal(publish(200 * MS), 1);
}

static void other_requests_meet_silence(void **state)
{
    (void)state;
    tpi_join_authority_set(authority, &map, 0);
    publish(0);
    assert_int_equal(ask(TPI_MERGE_SEQUENCE, 9000, 2, 500 * MS), TPI_AUTHORITY_UNKNOWN);
    assert_int_equal(ask(TPI_MERGE_SEQUENCE, 9000, 4, 500 * MS), TPI_AUTHORITY_UNKNOWN);
    assert_int_equal(ask(TPI_MERGE_SEQUENCE, 9001, 3, 500 * MS), TPI_AUTHORITY_UNKNOWN);
    assert_int_equal(ask(TPI_MERGE_TIMESTAMP, 9000, 3, 500 * MS), TPI_AUTHORITY_UNKNOWN);
    assert_int_equal(authority->events[TPI_AUTHORITY_UNKNOWN], 4);
    assert_int_equal(publish(500 * MS), 0);
}

static void requests_close_together_get_one_answer(void **state)
{
    (void)state;
    tpi_join_authority_set(authority, &map, 0);
    publish(0);
    assert_int_equal(ask(TPI_MERGE_SEQUENCE, 9000, 3, 40 * MS), TPI_AUTHORITY_DEFERRED);
    assert_int_equal(ask(TPI_MERGE_SEQUENCE, 9000, 3, 100 * MS - 1), TPI_AUTHORITY_DEFERRED);
    assert_int_equal(publish(100 * MS - 1), 0);
    assert_int_equal(publish(100 * MS), 1);
    assert_int_equal(publish(100 * MS), 0);
    assert_int_equal(ask(TPI_MERGE_SEQUENCE, 9000, 3, 200 * MS), TPI_AUTHORITY_ANSWERED);
}

static void a_late_request_never_puts_a_repeat_off(void **state)
{
    (void)state;
    tpi_join_authority_set(authority, &map, 0);
    publish(0);
    assert_int_equal(ask(TPI_MERGE_SEQUENCE, 9000, 3, 1500 * MS), TPI_AUTHORITY_ANSWERED);
    assert_int_equal(publish(1000 * MS), 1);
}

static void other_messages_are_counted_and_nothing_else__J_108_J_101(void **state)
{
    (void)state;
    tpi_join_authority_set(authority, &map, 0);
    publish(0);
    ask(TPI_MERGE_SEQUENCE, 1, 1, 0);
    const tpc_sequence_map_request_t request = { 9000, 3 };
    assert_int_equal(tpc_sequence_map_request_encode(bytes, sizeof(bytes), &request), 20);
    assert_int_equal(tpi_join_authority_on_request(authority, bytes, 19, 500 * MS), TPI_AUTHORITY_DROPPED);
    assert_int_equal(tpi_join_authority_on_request(authority, bytes, 7, 500 * MS), TPI_AUTHORITY_NOT_OURS);
    bytes[4] = 0x84;                                        /* schema 900 */
    assert_int_equal(tpi_join_authority_on_request(authority, bytes, 20, 500 * MS), TPI_AUTHORITY_NOT_OURS);
    bytes[4] = 0x87;
    bytes[2] = 1;
    assert_int_equal(tpi_join_authority_on_request(authority, bytes, 20, 500 * MS), TPI_AUTHORITY_NOT_OURS);
    bytes[2] = 4;
    bytes[6] = 2;
    assert_int_equal(tpi_join_authority_on_request(authority, bytes, 20, 500 * MS), TPI_AUTHORITY_DROPPED);
    assert_int_equal(publish(500 * MS), 0);
    bytes[2] = 2;
    bytes[6] = 1;
    bytes[0] = 16;                                          /* a request with one field more */
    assert_int_equal(tpi_join_authority_on_request(authority, bytes, 24, 500 * MS), TPI_AUTHORITY_ANSWERED);
}

static void a_change_is_published_within_its_gap_at_the_end(void **state)
{
    (void)state;
    tpi_join_authority_set(authority, &map, 0);
    publish(0);
    tpi_join_authority_set(authority, &map, 50 * MS);       /* the same: nothing */
    assert_int_equal(publish(999 * MS), 0);
    assert_int_equal(publish(1000 * MS), 1);
    rules[0].offset = 4;
    tpi_join_authority_set(authority, &map, 1010 * MS);
    assert_int_equal(publish(1100 * MS - 1), 0);
    assert_int_equal(publish(1100 * MS), 1);
    rules[0].offset = 0;
    tpi_join_authority_set(authority, &map, 1500 * MS);
    assert_int_equal(publish(1500 * MS), 1);
}

static void a_new_epoch_is_another_map_and_published_at_once(void **state)
{
    (void)state;
    tpi_join_authority_set(authority, &map, 0);
    publish(0);
    tpi_join_authority_on_epoch(authority, 9000, 3, 1 * MS);
    tpi_join_authority_on_epoch(authority, 9001, 4, 1 * MS);
    assert_int_equal(publish(1 * MS), 0);
    tpi_join_authority_on_epoch(authority, 9000, 4, 1 * MS);
    assert_int_equal(publish(1 * MS), 1);
    assert_int_equal(ask(TPI_MERGE_SEQUENCE, 9000, 3, 500 * MS), TPI_AUTHORITY_UNKNOWN);
    assert_int_equal(ask(TPI_MERGE_SEQUENCE, 9000, 4, 500 * MS), TPI_AUTHORITY_ANSWERED);
    publish(500 * MS);
    map.epoch = 5;
    tpi_join_authority_set(authority, &map, 501 * MS);
    assert_int_equal(publish(501 * MS), 1);
}

static void tables_are_bounded_and_misses_counted__P11(void **state)
{
    tpi_join_authority_t *none = NULL;
    (void)state;
    map.rule_count = 3;
    assert_int_equal(tpi_join_authority_set(authority, &map, 0), -1);
    assert_int_equal(tp_errcode(), TP_EFULL);
    map.rule_count = 2;
    assert_int_equal(tpi_join_authority_set(authority, &map, 0), 0);
    map.out_stream_id = 9001;
    assert_int_equal(tpi_join_authority_set(authority, &map, 0), 0);
    map.out_stream_id = 9002;
    assert_int_equal(tpi_join_authority_set(authority, &map, 0), -1);
    assert_int_equal(authority->full, 2);
    tpi_join_authority_drop(authority, 9001);
    assert_int_equal(ask(TPI_MERGE_SEQUENCE, 9001, 3, 0), TPI_AUTHORITY_UNKNOWN);
    assert_int_equal(tpi_join_authority_set(authority, &map, 0), 0);
    assert_int_equal(publish(0), 2);
    assert_int_equal(tpi_join_authority_create(&none, 0, 1), -1);
    assert_int_equal(tpi_join_authority_create(&none, TPI_AUTHORITY_MAPS_MAX + 1, 1), -1);
    assert_int_equal(tpi_join_authority_create(&none, 1, 0), -1);
    assert_int_equal(tpi_join_authority_create(&none, 1, TPC_RULES_MAX + 1), -1);
    assert_null(none);
    assert_int_equal(tpi_join_authority_create(&none, TPI_AUTHORITY_MAPS_MAX, 1), 0);
    tpi_join_authority_delete(none);
    tpi_join_authority_delete(NULL);
}

static void due_maps_come_in_turn_and_time_does_not_overflow(void **state)
{
    uint32_t index = 99;
    (void)state;
    tpi_join_authority_set(authority, &map, 0);
    map.out_stream_id = 9001;
    tpi_join_authority_set(authority, &map, 0);
    assert_int_equal(tpi_join_authority_next(authority, 0, &index)->out_stream_id, 9000);
    assert_int_equal(tpi_join_authority_next(authority, 0, &index)->out_stream_id, 9001);
    assert_int_equal(tpi_join_authority_next(authority, 0, &index)->out_stream_id, 9000);
    assert_int_equal(publish(INT64_MAX - 1), 2);
    assert_int_equal(publish(INT64_MAX - 1), 0);
    assert_int_equal(publish(INT64_MAX), 2 + 8);            /* for ever due at the end of time */
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = { T(a_map_is_published_at_once_and_then_every_second__J_096), T(timestamp_maps_are_repeated_as_well__J_105),
        T(what_the_bus_refused_stays_due), T(a_request_for_a_pair_it_holds_is_answered__J_097),
        T(a_timestamp_request_is_answered_with_the_timestamp_map__J_106), T(other_requests_meet_silence),
        T(requests_close_together_get_one_answer), T(a_late_request_never_puts_a_repeat_off),
        T(other_messages_are_counted_and_nothing_else__J_108_J_101), T(a_change_is_published_within_its_gap_at_the_end),
        T(a_new_epoch_is_another_map_and_published_at_once), T(tables_are_bounded_and_misses_counted__P11),
        T(due_maps_come_in_turn_and_time_does_not_overflow) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
