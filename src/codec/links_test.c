/* What is particular to schemas 902, 903 and 904; what holds for all messages is in golden_test.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/test_messages.h"

#define MAX 16384

static uint8_t b[MAX];

static void a_chunk_has_the_lengths_of_the_byte_map(void **state)
{
    static const char slot[257];
    tpc_frame_chunk_t m = TPC_FRAME_CHUNK_INIT;
    tpc_frame_chunk_t r;
    (void)state;
    assert_int_equal(tpc_frame_chunk_length(&m), TPC_FRAME_CHUNK_OVERHEAD);
    m.header_bytes = (tpc_bytes_t){ slot, 256 };
    m.payload_bytes = tpc_bytes("1234");
    assert_int_equal(tpc_frame_chunk_encode(b, sizeof(b), &m), 325 + 4);
    assert_int_equal(tpc_frame_chunk_decode(&r, b, 329), TPC_OK);
    assert_ptr_equal(r.header_bytes.data, b + 65);
    assert_ptr_equal(r.payload_bytes.data, b + 325);
    m.header_bytes.length = 257;
    assert_int_equal(tpc_frame_chunk_encode(b, sizeof(b), &m), TPC_MALFORMED);
}

static void more_than_256_header_bytes_are_refused__P11(void **state)
{
    tpc_frame_chunk_t m = TPC_FRAME_CHUNK_INIT;
    static const char slot[256];
    (void)state;
    m.header_bytes = (tpc_bytes_t){ slot, 256 };
    m.payload_bytes = tpc_bytes("1234");
    assert_int_equal(tpc_frame_chunk_encode(b, sizeof(b), &m), 329);
    memmove(b + 322, b + 321, 8);                           /* one header byte more */
    b[321] = 0;
    b[61] = 1;
    assert_int_equal(tpc_frame_chunk_decode(&m, b, 330), TPC_MALFORMED);
}

static void a_length_field_alone_allocates_nothing__B_046(void **state)
{
    const uint32_t lie = 0x3FFFFFFF;
    const size_t length = golden_load("bridge_1_frame_chunk", b, sizeof(b));
    tpc_frame_chunk_t m;
    (void)state;
    memcpy(b + 65, &lie, 4);
    assert_int_equal(tpc_frame_chunk_decode(&m, b, length), TPC_MALFORMED);
}

/* Both sides of the local limit; the key of a map that is too large is still readable. */
static void maps_hold_256_rules_and_not_one_more__P11(void **state)
{
    static tpc_sequence_map_announce_t s = TPC_SEQUENCE_MAP_ANNOUNCE_INIT;
    static tpc_timestamp_map_announce_t t = TPC_TIMESTAMP_MAP_ANNOUNCE_INIT;
    uint32_t stream = 0;
    uint64_t epoch = 0;
    const uint16_t more = 257;
    (void)state;
    s.out_stream_id = 9000;
    s.epoch = 3;
    s.rule_count = 256;
    assert_int_equal(tpc_sequence_map_announce_encode(b, sizeof(b), &s), 32 + 13 * 256);
    assert_int_equal(tpc_sequence_map_announce_decode(&s, b, 32 + 13 * 256), TPC_OK);
    memcpy(b + 30, &more, 2);
    assert_int_equal(tpc_sequence_map_announce_decode(&s, b, 32 + 13 * 257), TPC_TOO_MANY);
    assert_int_equal(tpc_sequence_map_announce_decode(&s, b, 32 + 13 * 257 - 1), TPC_MALFORMED);
    assert_int_equal(tpc_map_announce_key(&stream, &epoch, b, 32 + 13 * 257), TPC_OK);
    assert_int_equal(stream, 9000);
    assert_int_equal(epoch, 3);
    s.rule_count = 257;
    assert_int_equal(tpc_sequence_map_announce_length(&s), TPC_MALFORMED);
    t.out_stream_id = 9001;
    t.epoch = 4;
    t.rule_count = 256;
    assert_int_equal(tpc_timestamp_map_announce_encode(b, sizeof(b), &t), 41 + 22 * 256);
    assert_int_equal(tpc_map_announce_key(&stream, &epoch, b, 41 + 22 * 256), TPC_OK);
    assert_int_equal(stream, 9001);
    assert_int_equal(epoch, 4);
    memcpy(b + 39, &more, 2);
    assert_int_equal(tpc_timestamp_map_announce_decode(&t, b, 41 + 22 * 257), TPC_TOO_MANY);
    assert_true(golden_load("join_2_sequence_map_request", b, sizeof(b)) == 20);
    assert_int_equal(tpc_map_announce_key(&stream, &epoch, b, 20), TPC_MALFORMED);
}

static void unused_parameters_are_null__J_093(void **state)
{
    static tpc_sequence_map_announce_t s;
    static tpc_timestamp_map_announce_t t;
    (void)state;
    assert_int_equal(tpc_sequence_map_announce_decode(&s, b, golden_load("join_1_sequence_map_announce", b, sizeof(b))), TPC_OK);
    assert_int_equal(s.rules[0].offset, -2);
    assert_true(TP_NULL_U32 == s.rules[0].window_size);
    assert_true(INT32_MIN == s.rules[1].offset);
    assert_int_equal(s.rules[1].window_size, 5);
    assert_true(TP_NULL_U64 == s.stale_timeout_ns);
    assert_int_equal(tpc_timestamp_map_announce_decode(&t, b, golden_load("join_3_timestamp_map_announce", b, sizeof(b))), TPC_OK);
    assert_true(TP_NULL_U64 == t.rules[0].window_ns && 0 == t.rules[0].offset_ns);
    assert_true(INT64_MIN == t.rules[1].offset_ns && 10000000 == t.rules[1].window_ns);
}

/* Surplus bytes of an entry are skipped; a short entry is refused even in an empty group. */
static void entries_have_at_least_their_block__P10(void **state)
{
    static tpc_sequence_map_announce_t s;
    static tpc_trace_link_set_t l;
    uint8_t golden[64];
    (void)state;
    assert_int_equal(golden_load("tracelink_1_trace_link_set", golden, sizeof(golden)), 56);
    memcpy(b, golden, 48);
    memset(b + 48, 0xEE, 2);
    memcpy(b + 50, golden + 48, 8);
    memset(b + 58, 0xEE, 2);
    b[36] = 10;
    assert_int_equal(tpc_trace_link_set_decode(&l, b, 60), TPC_OK);
    assert_int_equal(l.parents[0], 0x1111);
    assert_int_equal(l.parents[1], 0x2222);
    assert_int_equal(tpc_trace_link_set_decode(&l, b, 59), TPC_MALFORMED);
    b[36] = 7;
    assert_int_equal(tpc_trace_link_set_decode(&l, b, 60), TPC_MALFORMED);
    b[38] = 0;
    assert_int_equal(tpc_trace_link_set_decode(&l, b, 60), TPC_MALFORMED);
    assert_int_equal(golden_load("join_1_sequence_map_announce", b, sizeof(b)), 58);
    b[28] = 12;
    assert_int_equal(tpc_sequence_map_announce_decode(&s, b, 58), TPC_MALFORMED);
    b[30] = 0;
    assert_int_equal(tpc_sequence_map_announce_decode(&s, b, 58), TPC_MALFORMED);
    b[28] = 13;
    assert_int_equal(tpc_sequence_map_announce_decode(&s, b, 58), TPC_OK);
    assert_int_equal(s.rule_count, 0);
}

static void a_set_holds_256_parents_and_not_one_more__P11(void **state)
{
    static tpc_trace_link_set_t l = TPC_TRACE_LINK_SET_INIT;
    const uint16_t more = 257;
    (void)state;
    l.parent_count = 256;
    for (uint32_t i = 0; i < 256; i++) { l.parents[i] = i + 1; }
    assert_int_equal(tpc_trace_link_set_encode(b, sizeof(b), &l), 40 + 8 * 256);
    memset(&l, 0, sizeof(l));
    assert_int_equal(tpc_trace_link_set_decode(&l, b, 40 + 8 * 256), TPC_OK);
    assert_int_equal(l.parents[255], 256);
    memcpy(b + 38, &more, 2);
    assert_int_equal(tpc_trace_link_set_decode(&l, b, 40 + 8 * 257), TPC_TOO_MANY);
    l.parent_count = 257;
    assert_int_equal(tpc_trace_link_set_length(&l), TPC_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chunk_has_the_lengths_of_the_byte_map),
        cmocka_unit_test(more_than_256_header_bytes_are_refused__P11),
        cmocka_unit_test(a_length_field_alone_allocates_nothing__B_046),
        cmocka_unit_test(maps_hold_256_rules_and_not_one_more__P11),
        cmocka_unit_test(unused_parameters_are_null__J_093),
        cmocka_unit_test(entries_have_at_least_their_block__P10),
        cmocka_unit_test(a_set_holds_256_parents_and_not_one_more__P11),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
