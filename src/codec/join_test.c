/* Merge maps byte by byte: the examples of 50-join-barrier.md 3.2 to 3.4. What holds for all messages is in golden_test.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/test_messages.h"

static uint8_t golden[256];
static uint8_t bytes[256];
static size_t length;

static void load(const char *name) { length = golden_load(name, golden, sizeof(golden)); }

static void the_sequence_example_is_produced_and_decoded__J_089_J_091_J_092(void **state)
{
    static tpc_sequence_map_announce_t m = TPC_SEQUENCE_MAP_ANNOUNCE_INIT;
    static tpc_sequence_map_announce_t r;
    (void)state;
    load("join_1_sequence_map_announce");
    assert_int_equal(length, 58);
    m.out_stream_id = 9000;
    m.epoch = 3;
    m.rule_count = 2;
    m.rules[0] = (tpc_sequence_rule_t)TPC_SEQUENCE_RULE_INIT;
    m.rules[0].input_stream_id = 10001;
    m.rules[0].rule_type = TPC_RULE_OFFSET;
    m.rules[0].offset = -2;
    m.rules[1] = (tpc_sequence_rule_t)TPC_SEQUENCE_RULE_INIT;
    m.rules[1].input_stream_id = 10002;
    m.rules[1].rule_type = TPC_RULE_WINDOW;
    m.rules[1].window_size = 5;
    assert_int_equal(tpc_sequence_map_announce_encode(bytes, sizeof(bytes), &m), 58);
    assert_memory_equal(bytes, golden, 58);
    assert_int_equal(tpc_sequence_map_announce_decode(&r, golden, 58), TPC_OK);
    assert_int_equal(r.out_stream_id, 9000);
    assert_int_equal(r.epoch, 3);
    assert_true(TP_NULL_U64 == r.stale_timeout_ns);
    assert_int_equal(r.rule_count, 2);
    assert_int_equal(r.rules[0].input_stream_id, 10001);
    assert_int_equal(r.rules[0].rule_type, TPC_RULE_OFFSET);
    assert_int_equal(r.rules[1].input_stream_id, 10002);
    assert_int_equal(r.rules[1].rule_type, TPC_RULE_WINDOW);
    assert_int_equal(r.rules[1].window_size, 5);
    assert_int_equal(golden[28], 13);
}

static void offsets_are_signed_numbers_of_four_and_eight_bytes__J_019_J_032(void **state)
{
    static const uint8_t minus_2[4] = { 0xfe, 0xff, 0xff, 0xff };
    static const uint8_t minus_1[8] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
    static tpc_sequence_map_announce_t s = TPC_SEQUENCE_MAP_ANNOUNCE_INIT;
    static tpc_timestamp_map_announce_t t = TPC_TIMESTAMP_MAP_ANNOUNCE_INIT;
    (void)state;
    s.rule_count = t.rule_count = 1;
    s.rules[0] = (tpc_sequence_rule_t)TPC_SEQUENCE_RULE_INIT;
    s.rules[0].offset = -2;
    assert_int_equal(tpc_sequence_map_announce_encode(bytes, sizeof(bytes), &s), 45);
    assert_memory_equal(bytes + 32 + 5, minus_2, 4);
    t.rules[0] = (tpc_timestamp_rule_t)TPC_TIMESTAMP_RULE_INIT;
    t.rules[0].offset_ns = -1;
    t.rules[0].window_ns = 0;
    assert_int_equal(tpc_timestamp_map_announce_encode(bytes, sizeof(bytes), &t), 63);
    assert_memory_equal(bytes + 41 + 6, minus_1, 8);
}

static void the_timestamp_example_is_produced_and_decoded__J_102_J_103_J_104(void **state)
{
    static tpc_timestamp_map_announce_t m = TPC_TIMESTAMP_MAP_ANNOUNCE_INIT;
    static tpc_timestamp_map_announce_t r;
    (void)state;
    load("join_3_timestamp_map_announce");
    assert_int_equal(length, 85);
    m.out_stream_id = 9000;
    m.epoch = 3;
    m.stale_timeout_ns = 1000000000;
    m.clock_domain = 1;
    m.lateness_ns = 10000000;
    m.rule_count = 2;
    m.rules[0] = (tpc_timestamp_rule_t){ 10001, TPC_RULE_OFFSET, TPC_TIME_OF_DESCRIPTOR, 0, TP_NULL_U64 };
    m.rules[1] = (tpc_timestamp_rule_t){ 10002, TPC_RULE_WINDOW, TPC_TIME_OF_SLOT, TPC_NULL_OFFSET_NS, 10000000 };
    assert_int_equal(tpc_timestamp_map_announce_encode(bytes, sizeof(bytes), &m), 85);
    assert_memory_equal(bytes, golden, 85);
    assert_int_equal(tpc_timestamp_map_announce_decode(&r, golden, 85), TPC_OK);
    assert_int_equal(r.out_stream_id, 9000);
    assert_int_equal(r.epoch, 3);
    assert_int_equal(r.stale_timeout_ns, 1000000000);
    assert_int_equal(r.clock_domain, 1);
    assert_int_equal(r.lateness_ns, 10000000);
    assert_int_equal(r.rule_count, 2);
    assert_int_equal(r.rules[0].input_stream_id, 10001);
    assert_int_equal(r.rules[0].timestamp_source, TPC_TIME_OF_DESCRIPTOR);
    assert_int_equal(r.rules[1].input_stream_id, 10002);
    assert_int_equal(r.rules[1].timestamp_source, TPC_TIME_OF_SLOT);
    assert_int_equal(r.rules[1].window_ns, 10000000);
    assert_int_equal(golden[37], 22);
}

static void requests_carry_stream_and_epoch__J_100_J_107(void **state)
{
    const tpc_sequence_map_request_t s = { 9000, 3 };
    const tpc_timestamp_map_request_t t = { 9000, 3 };
    tpc_sequence_map_request_t rs;
    tpc_timestamp_map_request_t rt;
    (void)state;
    load("join_2_sequence_map_request");
    assert_int_equal(length, 20);
    assert_int_equal(tpc_sequence_map_request_encode(bytes, sizeof(bytes), &s), 20);
    assert_memory_equal(bytes, golden, 20);
    assert_int_equal(tpc_sequence_map_request_decode(&rs, golden, 20), TPC_OK);
    assert_true(9000 == rs.out_stream_id && 3 == rs.epoch);
    load("join_4_timestamp_map_request");
    assert_int_equal(length, 20);
    assert_int_equal(tpc_timestamp_map_request_encode(bytes, sizeof(bytes), &t), 20);
    assert_memory_equal(bytes, golden, 20);
    assert_int_equal(tpc_timestamp_map_request_decode(&rt, golden, 20), TPC_OK);
    assert_true(9000 == rt.out_stream_id && 3 == rt.epoch);
}

static void a_longer_request_is_read_by_its_first_12_bytes__J_101(void **state)
{
    tpc_sequence_map_request_t r = { 0, 0 };
    (void)state;
    load("join_2_sequence_map_request");
    golden[0] = 20;
    assert_int_equal(tpc_sequence_map_request_decode(&r, golden, 28), TPC_OK);
    assert_true(9000 == r.out_stream_id && 3 == r.epoch);
    assert_int_equal(tpc_sequence_map_request_decode(&r, golden, 27), TPC_MALFORMED);
    golden[0] = 11;
    assert_int_equal(tpc_sequence_map_request_decode(&r, golden, 20), TPC_MALFORMED);
}

/* Bytes 4 and 5 of all four, written and read. */
static void all_four_have_schema_903__J_095(void **state)
{
    static const char *const names[] = { "join_1_sequence_map_announce", "join_2_sequence_map_request", "join_3_timestamp_map_announce",
        "join_4_timestamp_map_request" };
    static any_message_t m;
    (void)state;
    for (uint16_t i = 0; i < 4; i++)
    {
        const message_type_t *type = message_type(TPC_JOIN_SCHEMA, (uint16_t)(i + 1));
        load(names[i]);
        assert_non_null(type);
        assert_true(0x87 == golden[4] && 0x03 == golden[5]);
        assert_int_equal(type->decode(&m, golden, length), TPC_OK);
        assert_int_equal(type->encode(bytes, sizeof(bytes), &m), length);
        assert_true(0x87 == bytes[4] && 0x03 == bytes[5]);
        golden[4] = 0x86;
        assert_int_equal(type->decode(&m, golden, length), TPC_MALFORMED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(the_sequence_example_is_produced_and_decoded__J_089_J_091_J_092),
        cmocka_unit_test(offsets_are_signed_numbers_of_four_and_eight_bytes__J_019_J_032),
        cmocka_unit_test(the_timestamp_example_is_produced_and_decoded__J_102_J_103_J_104),
        cmocka_unit_test(requests_carry_stream_and_epoch__J_100_J_107), cmocka_unit_test(a_longer_request_is_read_by_its_first_12_bytes__J_101),
        cmocka_unit_test(all_four_have_schema_903__J_095) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
