/* Every message against hand-written bytes, and the same hostile treatment for all of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codec/test_messages.h"

#define MAX 1024

/* A copy in memory of exactly that length, so that a read behind the end shows under ASan and valgrind. */
static uint8_t *exact(const uint8_t *data, size_t length)
{
    uint8_t *copy = malloc(0 == length ? 1 : length);
    assert_non_null(copy);
    if (0 != length) { memcpy(copy, data, length); }
    return copy;
}

static int decode_exact(const message_type_t *type, any_message_t *m, const uint8_t *data, size_t length)
{
    uint8_t *copy = exact(data, length);
    const int result = type->decode(m, copy, length);
    free(copy);
    return result;
}

/* Fails, and *m keeps every byte. */
static void assert_refused(const message_type_t *type, const uint8_t *data, size_t length, int expected)
{
    static any_message_t m;
    static any_message_t untouched;
    memset(&m, 0xA5, sizeof(m));
    memset(&untouched, 0xA5, sizeof(untouched));
    assert_int_equal(decode_exact(type, &m, data, length), expected);
    assert_memory_equal(&m, &untouched, type->size);
}

/* Decodes, and encodes again to the golden bytes. */
static void assert_same(const message_type_t *type, const uint8_t *data, size_t length, const uint8_t *golden, size_t golden_length)
{
    static any_message_t m;
    uint8_t again[MAX];
    uint8_t *copy = exact(data, length);
    assert_int_equal(type->decode(&m, copy, length), TPC_OK);
    assert_int_equal(type->length(&m), (int64_t)golden_length);
    assert_int_equal(type->encode(again, sizeof(again), &m), (int64_t)golden_length);
    assert_memory_equal(again, golden, golden_length);
    free(copy);
}

static const message_type_t *load(size_t i, uint8_t *bytes, size_t *length)
{
    *length = golden_load(goldens[i].file, bytes, MAX);
    if (0 == *length) { fail_msg("%s cannot be read", goldens[i].file); }
    const message_type_t *type = message_type(goldens[i].schema_id, goldens[i].template_id);
    assert_non_null(type);
    return type;
}

static void put_u16(uint8_t *at, unsigned value) { at[0] = (uint8_t)value; at[1] = (uint8_t)(value >> 8); }

static void every_message_has_golden_bytes(void **state)
{
    (void)state;
    for (size_t t = 0; t < MESSAGE_TYPES; t++)
    {
        size_t found = 0;
        for (size_t i = 0; i < GOLDENS; i++)
        {
            found += goldens[i].schema_id == message_types[t].schema_id && goldens[i].template_id == message_types[t].template_id;
        }
        assert_true(found > 0);
    }
}

static void messages_encode_to_their_golden_bytes__W_064_W_066_D_066(void **state)
{
    (void)state;
    for (size_t i = 0; i < GOLDENS; i++)
    {
        uint8_t golden[MAX];
        uint8_t encoded[MAX];
        size_t length;
        const message_type_t *type = load(i, golden, &length);
        if (NULL == goldens[i].sample) { continue; }
        static any_message_t m;
        memcpy(&m, goldens[i].sample, type->size);
        assert_int_equal(type->length(&m), (int64_t)length);
        assert_int_equal(type->encode(encoded, sizeof(encoded), &m), (int64_t)length);
        assert_memory_equal(encoded, golden, length);
    }
}

static void golden_bytes_decode_and_encode_again_to_themselves(void **state)
{
    (void)state;
    for (size_t i = 0; i < GOLDENS; i++)
    {
        uint8_t golden[MAX];
        size_t length;
        const message_type_t *type = load(i, golden, &length);
        assert_same(type, golden, length, golden, length);
    }
}

static void a_buffer_that_is_too_small_stays_untouched__P9(void **state)
{
    (void)state;
    for (size_t i = 0; i < GOLDENS; i++)
    {
        uint8_t golden[MAX];
        size_t length;
        static any_message_t m;
        const message_type_t *type = load(i, golden, &length);
        assert_int_equal(type->decode(&m, golden, length), TPC_OK);
        for (size_t capacity = 0; capacity <= length; capacity++)
        {
            uint8_t *buffer = malloc(capacity + 1);
            assert_non_null(buffer);
            memset(buffer, 0x5A, capacity + 1);
            const int64_t result = type->encode(buffer, capacity, &m);
            assert_int_equal(buffer[capacity], 0x5A);
            assert_int_equal(result, capacity < length ? TPC_MALFORMED : (int64_t)length);
            for (size_t k = 0; k < capacity && capacity < length; k++) { assert_int_equal(buffer[k], 0x5A); }
            free(buffer);
        }
    }
}

static void a_message_cut_at_any_byte_is_refused__P10_P11_D_202(void **state)
{
    (void)state;
    for (size_t i = 0; i < GOLDENS; i++)
    {
        uint8_t golden[MAX];
        size_t length;
        const message_type_t *type = load(i, golden, &length);
        for (size_t cut = 0; cut < length; cut++)
        {
            if (TPC_DISCOVERY_SCHEMA == type->schema_id && length - 4 == cut) { continue; }     /* discovery_test.c */
            assert_refused(type, golden, cut, TPC_MALFORMED);
        }
    }
}

static void bytes_behind_the_message_are_not_looked_at(void **state)
{
    (void)state;
    for (size_t i = 0; i < GOLDENS; i++)
    {
        uint8_t golden[MAX];
        uint8_t longer[MAX];
        size_t length;
        const message_type_t *type = load(i, golden, &length);
        memset(longer, 0xEE, sizeof(longer));
        memcpy(longer, golden, length);
        assert_same(type, longer, length + 7, golden, length);
    }
}

static void surplus_bytes_of_a_longer_block_are_skipped__P10_O_38(void **state)
{
    (void)state;
    for (size_t i = 0; i < GOLDENS; i++)
    {
        for (size_t surplus = 1; surplus <= 200; surplus += 37)
        {
            uint8_t golden[MAX];
            uint8_t longer[MAX];
            size_t length;
            const message_type_t *type = load(i, golden, &length);
            const size_t end = TPC_HEADER_BYTES + (size_t)type->block_length;
            memcpy(longer, golden, end);
            memset(longer + end, 0xEE, surplus);
            memcpy(longer + end + surplus, golden + end, length - end);
            put_u16(longer, (unsigned)(type->block_length + surplus));
            assert_same(type, longer, length + surplus, golden, length);
            assert_refused(type, longer, end + surplus - 1, TPC_MALFORMED);
        }
    }
}

static void a_block_shorter_than_ours_is_refused__P10_D_202(void **state)
{
    (void)state;
    for (size_t i = 0; i < GOLDENS; i++)
    {
        uint8_t golden[MAX];
        size_t length;
        const message_type_t *type = load(i, golden, &length);
        for (unsigned block = 0; block < type->min_block; block++)
        {
            put_u16(golden, block);
            assert_refused(type, golden, length, TPC_MALFORMED);
        }
    }
}

static void a_block_that_ends_behind_the_message_is_refused__P10(void **state)
{
    (void)state;
    for (size_t i = 0; i < GOLDENS; i++)
    {
        uint8_t golden[MAX];
        size_t length;
        const message_type_t *type = load(i, golden, &length);
        put_u16(golden, (unsigned)(length - TPC_HEADER_BYTES + 1));
        assert_refused(type, golden, length, TPC_MALFORMED);
        put_u16(golden, 65535);
        assert_refused(type, golden, length, TPC_MALFORMED);
    }
}

static void a_newer_version_is_named_as_such__D_083_O_38(void **state)
{
    static const unsigned newer[] = { 2, 3, 256, 65535 };
    (void)state;
    for (size_t i = 0; i < GOLDENS; i++)
    {
        uint8_t golden[MAX];
        size_t length;
        const message_type_t *type = load(i, golden, &length);
        for (size_t k = 0; k < sizeof(newer) / sizeof(newer[0]); k++)
        {
            put_u16(golden + 6, newer[k]);
            assert_refused(type, golden, length, TPC_NEWER_VERSION);
            assert_refused(type, golden, TPC_HEADER_BYTES, TPC_NEWER_VERSION);
            assert_refused(type, golden, TPC_HEADER_BYTES - 1, TPC_MALFORMED);
        }
    }
}

static void version_0_is_read_as_version_1_by_the_older_schemas__O_38(void **state)
{
    (void)state;
    for (size_t i = 0; i < GOLDENS; i++)
    {
        uint8_t golden[MAX];
        uint8_t older[MAX];
        size_t length;
        const message_type_t *type = load(i, golden, &length);
        memcpy(older, golden, length);
        put_u16(older + 6, 0);
        if (type->schema_id < TPC_JOIN_SCHEMA) { assert_same(type, older, length, golden, length); }
        else { assert_refused(type, older, length, TPC_MALFORMED); }
    }
}

static void another_schema_or_template_is_refused__D_084(void **state)
{
    (void)state;
    for (size_t i = 0; i < GOLDENS; i++)
    {
        uint8_t golden[MAX];
        size_t length;
        const message_type_t *type = load(i, golden, &length);
        put_u16(golden + 4, type->schema_id ^ 1u);
        assert_refused(type, golden, length, TPC_MALFORMED);
        put_u16(golden + 4, type->schema_id);
        put_u16(golden + 2, type->template_id + 1u);
        assert_refused(type, golden, length, TPC_MALFORMED);
    }
}

/* Whatever four bytes behind the block say, nothing is read behind the end (ASan, valgrind). */
static void lying_lengths_stay_within_the_message__P11(void **state)
{
    static const uint8_t lies[][4] = { { 0xFF, 0xFF, 0xFF, 0xFF }, { 0xFE, 0xFF, 0xFF, 0xFF }, { 0xFC, 0xFF, 0xFF, 0xFF }, { 0, 0, 0, 0x40 },
        { 1, 0, 0, 0x40 }, { 0xFF, 0xFF, 0xFF, 0x7F }, { 0, 0, 0xFF, 0xFF }, { 0xFF, 0xFF, 0, 0 }, { 0xFF, 0xFF, 1, 0 } };
    (void)state;
    for (size_t i = 0; i < GOLDENS; i++)
    {
        uint8_t golden[MAX];
        uint8_t bent[MAX];
        static any_message_t m;
        size_t length;
        const message_type_t *type = load(i, golden, &length);
        for (size_t at = TPC_HEADER_BYTES + (size_t)type->block_length; at + 4 <= length; at++)
        {
            for (size_t k = 0; k < sizeof(lies) / sizeof(lies[0]); k++)
            {
                memcpy(bent, golden, length);
                memcpy(bent + at, lies[k], 4);
                const int result = decode_exact(type, &m, bent, length);
                assert_true(result <= TPC_OK && result >= TPC_TOO_MANY);
            }
        }
    }
}

static void random_damage_never_leads_behind_the_end__P11(void **state)
{
    uint64_t random = UINT64_C(0x9E3779B97F4A7C15);
    size_t good = 0;
    (void)state;
    for (unsigned round = 0; round < 3000; round++)
    {
        for (size_t i = 0; i < GOLDENS; i++)
        {
            static uint8_t all[GOLDENS][MAX];
            static size_t lengths[GOLDENS];
            static any_message_t m;
            const message_type_t *type = message_type(goldens[i].schema_id, goldens[i].template_id);
            if (0 == round) { (void)load(i, all[i], &lengths[i]); }
            uint8_t bent[MAX];
            uint8_t again[4 * MAX];
            memcpy(bent, all[i], lengths[i]);
            for (unsigned k = 0; k < 1 + (round & 3); k++)
            {
                random ^= random << 13; random ^= random >> 7; random ^= random << 17;
                bent[TPC_HEADER_BYTES + (random >> 8) % (lengths[i] - TPC_HEADER_BYTES)] = (uint8_t)random;
            }
            uint8_t *copy = exact(bent, lengths[i]);
            if (TPC_OK == type->decode(&m, copy, lengths[i]))
            {
                good++;
                assert_true(type->encode(again, sizeof(again), &m) > 0);
            }
            free(copy);
        }
    }
    assert_true(good > 0);
}

static void fewer_than_8_bytes_have_no_header(void **state)
{
    const uint8_t data[8] = { 0x28, 0, 4, 0, 0x84, 3, 1, 0 };
    tpc_header_t header = { 1, 2, 3, 4 };
    (void)state;
    for (size_t length = 0; length < 8; length++) { assert_int_equal(tpc_header_decode(&header, data, length), TPC_MALFORMED); }
    assert_int_equal(header.block_length, 1);
    assert_int_equal(tpc_header_decode(&header, data, 8), TPC_OK);
    assert_int_equal(header.block_length, 40);
    assert_int_equal(header.template_id, TPC_FRAME_DESCRIPTOR);
    assert_int_equal(header.schema_id, TPC_WIRE_SCHEMA);
    assert_int_equal(header.version, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_has_golden_bytes),
        cmocka_unit_test(messages_encode_to_their_golden_bytes__W_064_W_066_D_066),
        cmocka_unit_test(golden_bytes_decode_and_encode_again_to_themselves),
        cmocka_unit_test(a_buffer_that_is_too_small_stays_untouched__P9),
        cmocka_unit_test(a_message_cut_at_any_byte_is_refused__P10_P11_D_202),
        cmocka_unit_test(bytes_behind_the_message_are_not_looked_at),
        cmocka_unit_test(surplus_bytes_of_a_longer_block_are_skipped__P10_O_38),
        cmocka_unit_test(a_block_shorter_than_ours_is_refused__P10_D_202),
        cmocka_unit_test(a_block_that_ends_behind_the_message_is_refused__P10),
        cmocka_unit_test(a_newer_version_is_named_as_such__D_083_O_38),
        cmocka_unit_test(version_0_is_read_as_version_1_by_the_older_schemas__O_38),
        cmocka_unit_test(another_schema_or_template_is_refused__D_084),
        cmocka_unit_test(lying_lengths_stay_within_the_message__P11),
        cmocka_unit_test(random_damage_never_leads_behind_the_end__P11),
        cmocka_unit_test(fewer_than_8_bytes_have_no_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
