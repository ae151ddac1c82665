/* What is particular to the messages of schema 900; what holds for all messages is in golden_test.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codec/test_messages.h"

#define MAX 4096

static void assert_golden(const char *file, const uint8_t *bytes, int64_t length)
{
    uint8_t golden[MAX];
    const size_t expected = golden_load(file, golden, sizeof(golden));
    assert_true(expected > 0);
    assert_int_equal(length, (int64_t)expected);
    assert_memory_equal(bytes, golden, expected);
}

static void a_default_descriptor_has_null_values__W_064_W_107_P16(void **state)
{
    uint8_t b[MAX];
    tpc_frame_descriptor_t d = TPC_FRAME_DESCRIPTOR_INIT;
    (void)state;
    assert_true(UINT64_MAX == d.timestamp_ns);
    assert_true(UINT32_MAX == d.meta_version);
    assert_true(0 == d.trace_id);
    d.stream_id = 10000;
    d.epoch = 1;
    d.seq = 5;
    assert_golden("wire_04_frame_descriptor_min", b, tpc_frame_descriptor_encode(b, sizeof(b), &d));
    for (int i = 28; i < 36; i++) { assert_int_equal(b[i], 0xFF); }     /* W-064 */
    for (int i = 40; i < 48; i++) { assert_int_equal(b[i], 0); }        /* W-107 */
}

static void a_patched_descriptor_equals_an_encoded_one__W_093_W_107(void **state)
{
    uint8_t prepared[48];
    uint8_t whole[48];
    tpc_frame_descriptor_t d = TPC_FRAME_DESCRIPTOR_INIT;
    (void)state;
    d.stream_id = 0xF1F2F3F4;
    d.epoch = UINT64_C(0xE1E2E3E4E5E6E7E8);
    assert_int_equal(tpc_frame_descriptor_encode(prepared, sizeof(prepared), &d), 48);
    for (int i = 0; i < 2; i++)
    {
        d.seq = 0 == i ? UINT64_C(0xD1D2D3D4D5D6D7D8) : 0;
        d.meta_version = 0 == i ? 0xC1C2C3C4 : TP_NULL_U32;
        d.trace_id = 0 == i ? UINT64_C(0xB1B2B3B4B5B6B7B8) : TP_NULL_TRACE_ID;
        tpc_frame_descriptor_patch(prepared, d.seq, d.meta_version, d.trace_id);
        assert_int_equal(tpc_frame_descriptor_encode(whole, sizeof(whole), &d), 48);
        assert_memory_equal(prepared, whole, sizeof(whole));
    }
    d.timestamp_ns = UINT64_C(0xA1A2A3A4A5A6A7A8);
    tpc_frame_descriptor_patch_time(prepared, d.timestamp_ns);
    assert_int_equal(tpc_frame_descriptor_encode(whole, sizeof(whole), &d), 48);
    assert_memory_equal(prepared, whole, sizeof(whole));
}

static void timestamp_zero_is_a_real_time__P16(void **state)
{
    uint8_t b[MAX];
    tpc_frame_descriptor_t d = TPC_FRAME_DESCRIPTOR_INIT;
    tpc_frame_descriptor_t r = TPC_FRAME_DESCRIPTOR_INIT;
    (void)state;
    d.timestamp_ns = 0;
    d.meta_version = 0;
    assert_int_equal(tpc_frame_descriptor_encode(b, sizeof(b), &d), 48);
    assert_int_equal(tpc_frame_descriptor_decode(&r, b, 48), TPC_OK);
    assert_true(0 == r.timestamp_ns && TP_NULL_U64 != r.timestamp_ns);
    assert_true(0 == r.meta_version);
}

static void a_descriptor_of_our_version_is_read_as_it_is_decoded__O_38(void **state)
{
    uint8_t b[MAX];
    uint64_t head;
    tpc_frame_descriptor_t decoded;
    tpc_frame_descriptor_t read;
    (void)state;
    assert_int_equal(golden_load("wire_04_frame_descriptor", b, sizeof(b)), TPC_FRAME_DESCRIPTOR_LENGTH);
    memcpy(&head, b, sizeof(head));
    assert_true(TPC_FRAME_DESCRIPTOR_HEAD == head);
    assert_int_equal(tpc_frame_descriptor_decode(&decoded, b, TPC_FRAME_DESCRIPTOR_LENGTH), TPC_OK);
    tpc_frame_descriptor_read(&read, b);
    assert_memory_equal(&read, &decoded, sizeof(read));
}

static void a_descriptor_without_trace_id_reads_as_not_traced__O_38_W_107(void **state)
{
    uint8_t golden[MAX];
    (void)state;
    assert_int_equal(golden_load("wire_04_frame_descriptor", golden, sizeof(golden)), 48);
    for (uint8_t block = 32; block <= 41; block++)
    {
        uint8_t *b = malloc(8u + block);
        assert_non_null(b);
        memset(b, 0, 8u + block);
        memcpy(b, golden, block < 40 ? 8u + block : 48u);
        b[0] = block;
        tpc_frame_descriptor_t d = TPC_FRAME_DESCRIPTOR_INIT;
        assert_int_equal(tpc_frame_descriptor_decode(&d, b, 8u + block), TPC_OK);
        assert_true(d.trace_id == (block < 40 ? 0 : golden_frame_descriptor.trace_id));
        assert_true(d.seq == golden_frame_descriptor.seq && d.meta_version == 9 && d.timestamp_ns == TIME_NS);
        free(b);
    }
    golden[0] = 31;
    tpc_frame_descriptor_t d;
    assert_int_equal(tpc_frame_descriptor_decode(&d, golden, 48), TPC_MALFORMED);
}

static void a_hello_without_wishes_is_55_bytes__W_065_W_066_W_067_P16_S_016(void **state)
{
    uint8_t b[MAX];
    tpc_consumer_hello_t m = TPC_CONSUMER_HELLO_INIT;
    tpc_consumer_hello_t r;
    (void)state;
    m.stream_id = 10000;
    m.consumer_id = 0xA1B2C3D4;
    m.supports_shm = 1;
    m.expected_layout_version = 1;
    const int64_t length = tpc_consumer_hello_encode(b, sizeof(b), &m);
    assert_int_equal(length, 55);
    assert_golden("wire_02_consumer_hello_min", b, length);
    assert_int_equal(tpc_consumer_hello_decode(&r, b, 55), TPC_OK);
    assert_true(TP_NULL_U32 == r.progress_interval_us && TP_NULL_U32 == r.progress_bytes_delta && TP_NULL_U32 == r.progress_major_delta_units);
    assert_int_equal(r.descriptor_channel.length, 0);
    assert_int_equal(r.control_channel.length, 0);
}

static void a_config_without_assignment_is_38_bytes__W_066(void **state)
{
    uint8_t b[MAX];
    tpc_consumer_config_t m = TPC_CONSUMER_CONFIG_INIT;
    (void)state;
    m.stream_id = 10000;
    m.consumer_id = 0xA1B2C3D4;
    assert_golden("wire_03_consumer_config_min", b, tpc_consumer_config_encode(b, sizeof(b), &m));
}

static void qos_has_no_watermark_unless_given__O_10_W_064(void **state)
{
    uint8_t b[MAX];
    tpc_qos_producer_t m = TPC_QOS_PRODUCER_INIT;
    (void)state;
    m.stream_id = 10000;
    m.producer_id = 77;
    m.epoch = 1;
    assert_golden("wire_06_qos_producer_min", b, tpc_qos_producer_encode(b, sizeof(b), &m));
}

static void unlisted_enum_values_are_kept_for_the_one_who_rejects_them__W_070(void **state)
{
    uint8_t b[MAX];
    tpc_consumer_hello_t hello = TPC_CONSUMER_HELLO_INIT;
    tpc_consumer_hello_t hello_again;
    tpc_control_response_t response = TPC_CONTROL_RESPONSE_INIT;
    tpc_control_response_t response_again;
    (void)state;
    hello.mode = 9;
    hello.supports_shm = 255;
    int64_t length = tpc_consumer_hello_encode(b, sizeof(b), &hello);
    assert_int_equal(tpc_consumer_hello_decode(&hello_again, b, (size_t)length), TPC_OK);
    assert_int_equal(hello_again.mode, 9);
    assert_int_equal(hello_again.supports_shm, 255);
    length = tpc_control_response_encode(b, sizeof(b), &response);
    assert_int_equal(tpc_control_response_decode(&response_again, b, (size_t)length), TPC_OK);
    assert_int_equal(response_again.code, INT32_MIN);
}

static void decoded_strings_are_views_into_the_message__P9(void **state)
{
    uint8_t b[MAX];
    const size_t length = golden_load("wire_02_consumer_hello", b, sizeof(b));
    tpc_consumer_hello_t m;
    (void)state;
    assert_int_equal(tpc_consumer_hello_decode(&m, b, length), TPC_OK);
    assert_true(tpc_bytes_equal(m.descriptor_channel, "aeron:ipc"));
    assert_true(tpc_bytes_equal(m.control_channel, "aeron:udp"));
    assert_ptr_equal(m.descriptor_channel.data, b + 8 + 39 + 4);
    assert_int_equal(m.control_channel.length, 9);
    assert_ptr_equal(m.control_channel.data + 9, b + length);
}

static void a_string_longer_than_the_message_is_refused__P11(void **state)
{
    static const uint32_t lies[] = { 10, 11, 1073741823, 1073741824, 1073741825, UINT32_MAX - 4, UINT32_MAX };
    uint8_t b[MAX];
    const size_t length = golden_load("wire_02_consumer_hello", b, sizeof(b));
    tpc_consumer_hello_t m;
    (void)state;
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++)
    {
        memcpy(b + length - 13, &lies[i], 4);
        assert_int_equal(tpc_consumer_hello_decode(&m, b, length), TPC_MALFORMED);
    }
}

static void strings_above_the_limit_of_the_schema_are_not_encoded__P11(void **state)
{
    uint8_t b[MAX];
    tpc_blob_chunk_t m = TPC_BLOB_CHUNK_INIT;
    (void)state;
    m.bytes.data = "x";
    m.bytes.length = TPC_VAR_MAX;
    assert_true(tpc_blob_chunk_length(&m) == 28 + (int64_t)TPC_VAR_MAX);
    assert_int_equal(tpc_blob_chunk_encode(b, sizeof(b), &m), TPC_MALFORMED);
    m.bytes.length = TPC_VAR_MAX + 1;
    assert_int_equal(tpc_blob_chunk_length(&m), TPC_MALFORMED);
    assert_int_equal(tpc_blob_chunk_encode(b, SIZE_MAX, &m), TPC_MALFORMED);
    m.bytes.data = NULL;
    m.bytes.length = 1;
    assert_int_equal(tpc_blob_chunk_length(&m), TPC_MALFORMED);
    assert_int_equal(tpc_blob_chunk_encode(b, sizeof(b), &m), TPC_MALFORMED);
}

static uint8_t *announce_with(uint32_t pools, size_t *length)
{
    *length = 8 + 35 + 4 + (size_t)pools * 15 + 4;
    uint8_t *b = malloc(*length);
    assert_non_null(b);
    assert_true(golden_load("wire_01_pool_announce_min", b, *length) == 51);
    uint8_t *at = b + 45;
    const uint16_t count = (uint16_t)pools;
    memcpy(at, &count, 2);
    at += 2;
    for (uint32_t i = 0; i < pools; i++, at += 15)
    {
        memset(at, 0, 15);
        at[0] = (uint8_t)i;
        at[1] = (uint8_t)(i >> 8);
        at[10] = 1;
        at[14] = 'u';
    }
    memset(at, 0, 4);
    return b;
}

static void a_group_holds_64_pools_and_not_one_more__P11(void **state)
{
    static tpc_pool_announce_t m;
    static const uint32_t counts[] = { 0, 1, 63, 64, 65, 1000, 65534, 65535 };
    (void)state;
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
    {
        size_t length;
        uint8_t *b = announce_with(counts[i], &length);
        memset(&m, 0xA5, sizeof(m));
        assert_int_equal(tpc_pool_announce_decode(&m, b, length), counts[i] <= 64 ? TPC_OK : TPC_TOO_MANY);
        if (counts[i] <= 64)
        {
            assert_int_equal(m.pool_count, counts[i]);
            for (uint32_t k = 0; k < counts[i]; k++)
            {
                assert_int_equal(m.pools[k].pool_id, k);
                assert_true(tpc_bytes_equal(m.pools[k].region_uri, "u"));
            }
        }
        else { assert_true(0xA5A5A5A5u == m.pool_count); }
        if (counts[i] > 0) { assert_int_equal(tpc_pool_announce_decode(&m, b, length - 5), TPC_MALFORMED); }
        free(b);
    }
}

static void a_group_that_claims_more_entries_than_there_are_is_refused__P11(void **state)
{
    static tpc_pool_announce_t m;
    static const uint16_t counts[] = { 3, 4, 64, 65, 1000, 65535 };
    uint8_t b[MAX];
    const size_t length = golden_load("wire_01_pool_announce", b, sizeof(b));
    (void)state;
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
    {
        memcpy(b + 45, &counts[i], 2);
        assert_int_equal(tpc_pool_announce_decode(&m, b, length), TPC_MALFORMED);
    }
}

static void more_than_64_pools_are_not_encoded__P11(void **state)
{
    static tpc_pool_announce_t m = TPC_POOL_ANNOUNCE_INIT;
    uint8_t b[MAX];
    (void)state;
    m.pool_count = 64;
    assert_int_equal(tpc_pool_announce_encode(b, sizeof(b), &m), 51 + 64 * 14);
    m.pool_count = 65;
    assert_int_equal(tpc_pool_announce_encode(b, sizeof(b), &m), TPC_MALFORMED);
    assert_int_equal(tpc_pool_announce_length(&m), TPC_MALFORMED);
}

static void surplus_bytes_of_a_longer_pool_entry_are_skipped__P10_O_38(void **state)
{
    static tpc_pool_announce_t m;
    uint8_t golden[MAX];
    uint8_t b[MAX];
    const size_t length = golden_load("wire_01_pool_announce", golden, sizeof(golden));
    (void)state;
    memcpy(b, golden, 57);                                  /* header, block, group header, first entry block */
    memset(b + 57, 0xEE, 3);
    memcpy(b + 60, golden + 57, 20);                        /* its URI, second entry block */
    memset(b + 80, 0xEE, 3);
    memcpy(b + 83, golden + 77, length - 77);
    b[43] = 13;
    assert_int_equal(tpc_pool_announce_decode(&m, b, length + 6), TPC_OK);
    assert_int_equal(m.pools[1].stride_bytes, 1048576);
    assert_true(tpc_bytes_equal(m.pools[0].region_uri, "shm:p1"));
    assert_true(tpc_bytes_equal(m.pools[1].region_uri, "shm:p22"));
    assert_true(tpc_bytes_equal(m.header_region_uri, "shm:hdr"));
    memcpy(b, golden, length);
    b[43] = 9;
    assert_int_equal(tpc_pool_announce_decode(&m, b, length), TPC_MALFORMED);
}

static void an_announce_has_the_length_of_its_formula(void **state)
{
    (void)state;
    assert_int_equal(tpc_pool_announce_length(&golden_pool_announce), 8 + 35 + 4 + (10 + 4 + 6) + (10 + 4 + 7) + 4 + 7);
    assert_int_equal(tpc_pool_announce_length(&golden_pool_announce_min), 51);
}

static void attributes_come_out_in_order_and_end__P9(void **state)
{
    uint8_t b[MAX];
    const size_t length = golden_load("wire_08_source_meta", b, sizeof(b));
    tpc_source_meta_t m;
    tpc_attribute_t a;
    (void)state;
    assert_int_equal(tpc_source_meta_decode(&m, b, length), TPC_OK);
    assert_int_equal(m.attribute_count, 2);
    assert_null(m.attributes);
    for (int twice = 0; twice < 2; twice++)
    {
        tpc_attributes_t walk = m.walk;
        assert_true(tpc_attributes_next(&walk, &a));
        assert_true(tpc_bytes_equal(a.key, "roi") && tpc_bytes_equal(a.format, "text/plain") && tpc_bytes_equal(a.value, "1,2"));
        assert_true(tpc_attributes_next(&walk, &a));
        assert_true(tpc_bytes_equal(a.key, "lut") && tpc_bytes_equal(a.format, "x"));
        assert_int_equal(a.value.length, 4);
        assert_memory_equal(a.value.data, "\x00\xFF\x80\x00", 4);
        assert_false(tpc_attributes_next(&walk, &a));
        assert_false(tpc_attributes_next(&walk, &a));
    }
}

static void an_absurd_number_of_attributes_is_refused__P11(void **state)
{
    static const uint16_t counts[] = { 3, 64, 65534, 65535 };
    static tpc_attribute_t none;
    uint8_t b[MAX];
    const size_t length = golden_load("wire_08_source_meta", b, sizeof(b));
    tpc_source_meta_t m;
    (void)state;
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
    {
        memcpy(b + 26, &counts[i], 2);
        assert_int_equal(tpc_source_meta_decode(&m, b, length), TPC_MALFORMED);
    }
    tpc_source_meta_t big = TPC_SOURCE_META_INIT;
    big.attributes = &none;
    big.attribute_count = 65535;
    assert_int_equal(tpc_source_meta_length(&big), TPC_MALFORMED);
    big.attributes = NULL;                                  /* promises more than its walk holds */
    big.attribute_count = 1;
    assert_int_equal(tpc_source_meta_length(&big), TPC_MALFORMED);
}

static void attributes_with_a_longer_block_are_walked__O_38(void **state)
{
    uint8_t golden[MAX];
    uint8_t b[MAX];
    uint8_t again[MAX];
    const size_t length = golden_load("wire_08_source_meta", golden, sizeof(golden));
    tpc_source_meta_t m;
    (void)state;
    memcpy(b, golden, 28);
    b[24] = 2;                                              /* entry block of 2 bytes */
    memset(b + 28, 0xEE, 2);
    memcpy(b + 30, golden + 28, 28);
    memset(b + 58, 0xEE, 2);
    memcpy(b + 60, golden + 56, length - 56);
    assert_int_equal(tpc_source_meta_decode(&m, b, length + 4), TPC_OK);
    assert_int_equal(tpc_source_meta_encode(again, sizeof(again), &m), (int64_t)length);
    assert_memory_equal(again, golden, length);
}

static void byte_views_are_copied_with_a_terminator_and_cut__P9_P11(void **state)
{
    const tpc_bytes_t bytes = tpc_bytes("abcd");
    const tpc_bytes_t none = TPC_BYTES_NONE;
    char text[5];
    (void)state;
    assert_true(tpc_bytes_copy(text, 5, bytes));
    assert_string_equal(text, "abcd");
    assert_false(tpc_bytes_copy(text, 4, bytes));
    assert_string_equal(text, "abc");
    assert_false(tpc_bytes_copy(text, 1, bytes));
    assert_string_equal(text, "");
    assert_true(tpc_bytes_copy(text, 1, none));
    assert_string_equal(text, "");
    assert_true(tpc_bytes_equal(none, ""));
    assert_false(tpc_bytes_equal(bytes, "abc"));
    assert_false(tpc_bytes_equal(bytes, "abce"));
    assert_int_equal(tpc_bytes(NULL).length, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_default_descriptor_has_null_values__W_064_W_107_P16),
        cmocka_unit_test(a_patched_descriptor_equals_an_encoded_one__W_093_W_107),
        cmocka_unit_test(timestamp_zero_is_a_real_time__P16),
        cmocka_unit_test(a_descriptor_of_our_version_is_read_as_it_is_decoded__O_38),
        cmocka_unit_test(a_descriptor_without_trace_id_reads_as_not_traced__O_38_W_107),
        cmocka_unit_test(a_hello_without_wishes_is_55_bytes__W_065_W_066_W_067_P16_S_016),
        cmocka_unit_test(a_config_without_assignment_is_38_bytes__W_066),
        cmocka_unit_test(qos_has_no_watermark_unless_given__O_10_W_064),
        cmocka_unit_test(unlisted_enum_values_are_kept_for_the_one_who_rejects_them__W_070),
        cmocka_unit_test(decoded_strings_are_views_into_the_message__P9),
        cmocka_unit_test(a_string_longer_than_the_message_is_refused__P11),
        cmocka_unit_test(strings_above_the_limit_of_the_schema_are_not_encoded__P11),
        cmocka_unit_test(a_group_holds_64_pools_and_not_one_more__P11),
        cmocka_unit_test(a_group_that_claims_more_entries_than_there_are_is_refused__P11),
        cmocka_unit_test(more_than_64_pools_are_not_encoded__P11),
        cmocka_unit_test(surplus_bytes_of_a_longer_pool_entry_are_skipped__P10_O_38),
        cmocka_unit_test(an_announce_has_the_length_of_its_formula),
        cmocka_unit_test(attributes_come_out_in_order_and_end__P9),
        cmocka_unit_test(an_absurd_number_of_attributes_is_refused__P11),
        cmocka_unit_test(attributes_with_a_longer_block_are_walked__O_38),
        cmocka_unit_test(byte_views_are_copied_with_a_terminator_and_cut__P9_P11),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
