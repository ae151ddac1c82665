/* Superblock and slot, byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/test_messages.h"

static void a_superblock_has_its_golden_bytes__W_001_W_003(void **state)
{
    uint8_t golden[64];
    uint8_t image[64];
    (void)state;
    assert_int_equal(golden_load("shm_superblock", golden, sizeof(golden)), 64);
    memset(image, 0xA5, sizeof(image));
    tpc_superblock_encode(image, &golden_superblock);
    assert_memory_equal(image, golden, 64);
    assert_memory_equal(image, "\x31\x4D\x48\x53\x4C\x50\x4F\x54", 8);
}

static void a_superblock_decodes_field_by_field__W_001(void **state)
{
    uint8_t golden[64];
    tpc_superblock_t s;
    (void)state;
    assert_int_equal(golden_load("shm_superblock", golden, sizeof(golden)), 64);
    tpc_superblock_decode(&s, golden);
    assert_true(TPC_MAGIC == s.magic && UINT64_C(0x544F504C53484D31) == s.magic);
    assert_int_equal(s.layout_version, 1);
    assert_true(EPOCH == s.epoch);
    assert_int_equal(s.stream_id, 10000);
    assert_int_equal(s.region_type, TPC_REGION_PAYLOAD_POOL);
    assert_int_equal(s.pool_id, 3);
    assert_int_equal(s.nslots, 1024);
    assert_int_equal(s.slot_bytes, 65536);
    assert_int_equal(s.stride_bytes, 65536);
    assert_int_equal(s.pid, 4242);
    assert_true(TIME_NS == s.start_timestamp_ns && TIME_NS + 1 == s.activity_timestamp_ns);
}

static void the_times_of_a_superblock_can_be_read_atomically(void **state)
{
    uint8_t image[64];
    uint64_t word;
    (void)state;
    tpc_superblock_encode(image, &golden_superblock);
    assert_int_equal(TPC_SUPERBLOCK_PID_AT % 8 + TPC_SUPERBLOCK_START_AT % 8 + TPC_SUPERBLOCK_ACTIVITY_AT % 8, 0);
    memcpy(&word, image + TPC_SUPERBLOCK_PID_AT, 8);
    assert_true(4242 == word);
    memcpy(&word, image + TPC_SUPERBLOCK_START_AT, 8);
    assert_true(TIME_NS == word);
    memcpy(&word, image + TPC_SUPERBLOCK_ACTIVITY_AT, 8);
    assert_true(TIME_NS + 1 == word);
}

static void a_slot_has_its_golden_bytes__W_014_W_015_W_017_W_022(void **state)
{
    uint8_t golden[256];
    uint8_t image[256];
    (void)state;
    assert_int_equal(golden_load("shm_slot", golden, sizeof(golden)), 256);
    memset(image, 0xA5, sizeof(image));
    tpc_slot_encode(image, &golden_slot);
    assert_memory_equal(image, golden, 256);
    assert_memory_equal(image, "\x0B\0\0\0\0\0\0\0", 8);                        /* W-014 W-015: no message header, the word first */
    assert_memory_equal(image + 60, "\xC0\0\0\0\xB8\0\x34\0\x84\x03\x01\0", 12);    /* W-022 */
    assert_int_equal(image[77], 0);                                             /* W-017: padAlign at body offset 5 */
}

static void a_slot_decodes_field_by_field__W_014_W_015(void **state)
{
    uint8_t golden[256];
    tpc_slot_t s;
    (void)state;
    assert_int_equal(golden_load("shm_slot", golden, sizeof(golden)), 256);
    tpc_slot_decode(&s, golden);
    assert_int_equal(s.seq_commit, 11);
    assert_int_equal(s.values_len_bytes, 614400);
    assert_int_equal(s.payload_slot, 5);
    assert_int_equal(s.pool_id, 3);
    assert_int_equal(s.payload_offset, 0);
    assert_true(TIME_NS == s.timestamp_ns);
    assert_int_equal(s.meta_version, 9);
    assert_int_equal(s.header_bytes_length, 192);
    assert_int_equal(s.block_length, 184);
    assert_int_equal(s.template_id, 52);
    assert_int_equal(s.schema_id, 900);
    assert_int_equal(s.version, 1);
    assert_int_equal(s.dtype, TP_DTYPE_UINT16);
    assert_int_equal(s.major_order, TP_ROW_MAJOR);
    assert_int_equal(s.ndims, 2);
    assert_int_equal(s.progress_unit, TP_PROGRESS_ROWS);
    assert_int_equal(s.progress_stride_bytes, 1280);
    assert_memory_equal(s.dims, golden_slot.dims, sizeof(s.dims));
    assert_memory_equal(s.strides, golden_slot.strides, sizeof(s.strides));
    assert_true(tpc_slot_is_v1(&s));
}

/* Unused entries zero, whatever the struct holds; with eight dimensions all of them are written. */
static void entries_above_ndims_are_written_as_zero__W_027(void **state)
{
    uint8_t image[256];
    tpc_slot_t s = TPC_SLOT_INIT;
    tpc_slot_t r;
    (void)state;
    for (unsigned ndims = 0; ndims <= 10; ndims++)
    {
        s.ndims = (uint8_t)ndims;
        for (int i = 0; i < TP_MAX_DIMS; i++) { s.dims[i] = 100 + i; s.strides[i] = -200 - i; }
        memset(image, 0xA5, sizeof(image));
        tpc_slot_encode(image, &s);
        tpc_slot_decode(&r, image);
        for (unsigned i = 0; i < TP_MAX_DIMS; i++)
        {
            assert_int_equal(r.dims[i], i < ndims ? 100 + (int)i : 0);
            assert_int_equal(r.strides[i], i < ndims ? -200 - (int)i : 0);
        }
    }
}

static void pads_are_written_as_zero__W_021(void **state)
{
    uint8_t image[256];
    (void)state;
    memset(image, 0xA5, sizeof(image));
    tpc_slot_encode(image, &golden_slot);
    for (int i = 34; i < 60; i++) { assert_int_equal(image[i], 0); }
    assert_int_equal(image[77], 0);
    for (int i = 147; i < 256; i++) { assert_int_equal(image[i], 0); }
}

static void pads_change_nothing_for_the_reader__W_020(void **state)
{
    uint8_t image[256];
    tpc_slot_t plain;
    tpc_slot_t padded;
    (void)state;
    memset(&plain, 0, sizeof(plain));
    memset(&padded, 0, sizeof(padded));
    tpc_slot_encode(image, &golden_slot);
    tpc_slot_decode(&plain, image);
    memset(image + 34, 0xFF, 26);
    image[77] = 0xFF;
    memset(image + 147, 0xFF, 109);
    tpc_slot_decode(&padded, image);
    assert_memory_equal(&plain, &padded, sizeof(plain));
}

static void only_the_exact_embedded_header_is_v1__W_022_W_048_W_049(void **state)
{
    tpc_slot_t s = TPC_SLOT_INIT;
    (void)state;
    assert_true(tpc_slot_is_v1(&s));
    s.header_bytes_length = 191; assert_false(tpc_slot_is_v1(&s));
    s.header_bytes_length = 193; assert_false(tpc_slot_is_v1(&s));
    s.header_bytes_length = 192; assert_true(tpc_slot_is_v1(&s));
    s.block_length = 183; assert_false(tpc_slot_is_v1(&s));
    s.block_length = 185; assert_false(tpc_slot_is_v1(&s));
    s.block_length = 184;
    s.template_id = 51; assert_false(tpc_slot_is_v1(&s));
    s.template_id = 52;
    s.schema_id = 901; assert_false(tpc_slot_is_v1(&s));
    s.schema_id = 900;
    s.version = 0; assert_false(tpc_slot_is_v1(&s));
    s.version = 2; assert_false(tpc_slot_is_v1(&s));
    s.version = 1; assert_true(tpc_slot_is_v1(&s));
}

static void a_fresh_slot_says_absent_not_zero__P16_O_47(void **state)
{
    const tpc_slot_t s = TPC_SLOT_INIT;
    (void)state;
    assert_true(TP_NULL_U64 == s.timestamp_ns && TP_NULL_U32 == s.meta_version);
}

/* A prepared image with five patched fields equals an image encoded as a whole. */
static void a_patched_image_equals_an_encoded_one__W_041(void **state)
{
    union { uint64_t words[32]; uint8_t bytes[256]; } prepared;
    uint8_t whole[256];
    tpc_slot_t s = golden_slot;
    (void)state;
    s.seq_commit = 0;
    s.values_len_bytes = 1;
    s.payload_slot = 2;
    s.pool_id = 1;
    s.timestamp_ns = 3;
    s.meta_version = 4;
    tpc_slot_encode(prepared.bytes, &s);
    tpc_slot_patch(prepared.words, UINT32_MAX - 1, 0x80000001, 0xFFFE, UINT64_MAX - 1, UINT32_MAX);
    s.values_len_bytes = UINT32_MAX - 1;
    s.payload_slot = 0x80000001;
    s.pool_id = 0xFFFE;
    s.timestamp_ns = UINT64_MAX - 1;
    s.meta_version = UINT32_MAX;
    tpc_slot_encode(whole, &s);
    assert_memory_equal(prepared.bytes, whole, 256);
}

/* Word by word: what is made of the values, what is taken from the prepared image, and nothing else. */
static void the_words_with_fields_and_the_pads_are_the_whole_slot__W_021_W_041(void **state)
{
    union { uint64_t words[32]; uint8_t bytes[256]; } whole;
    tpc_slot_t s = golden_slot;
    (void)state;
    for (int i = 0; i < 2; i++)
    {
        s.seq_commit = 0;
        s.values_len_bytes = 0 == i ? UINT32_MAX - 1 : 3;
        s.payload_slot = 0 == i ? 5 : 0x80000001;
        s.pool_id = 0 == i ? 0xFFFE : 1;
        s.payload_offset = 0;
        s.timestamp_ns = 0 == i ? UINT64_C(0xF1F2F3F4F5F6F7F8) : 1;
        s.meta_version = 0 == i ? 0xA1A2A3A4 : TP_NULL_U32;
        s.dtype = s.major_order = -1;
        s.ndims = s.progress_unit = UINT8_MAX;
        s.progress_stride_bytes = UINT32_MAX;
        for (int d = 0; d < TP_MAX_DIMS; d++) { s.dims[d] = s.strides[d] = -1; }
        tpc_slot_encode(whole.bytes, &s);
        for (unsigned w = 5; w < 32; w++)
        {
            const bool is_shape = w >= TPC_SLOT_SHAPE_FIRST && w <= TPC_SLOT_SHAPE_LAST;
            if (is_shape) { assert_int_not_equal(whole.words[w], 0); } else { assert_int_equal(whole.words[w], 0); }
        }
        s.ndims = 8;
        tpc_slot_encode(whole.bytes, &s);
        assert_int_not_equal(whole.words[TPC_SLOT_SHAPE_LAST], 0);           /* the last stride reaches into it */
        for (unsigned w = TPC_SLOT_SHAPE_LAST + 1; w < 32; w++) { assert_int_equal(whole.words[w], 0); }
    }
}

static void unlisted_types_are_kept_for_the_one_who_rejects_them__W_070(void **state)
{
    uint8_t image[256];
    tpc_slot_t s = TPC_SLOT_INIT;
    tpc_slot_t r;
    (void)state;
    s.dtype = 12;
    s.major_order = INT16_MIN;
    s.progress_unit = 9;
    tpc_slot_encode(image, &s);
    tpc_slot_decode(&r, image);
    assert_int_equal(r.dtype, 12);
    assert_int_equal(r.major_order, INT16_MIN);
    assert_int_equal(r.progress_unit, 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_superblock_has_its_golden_bytes__W_001_W_003),
        cmocka_unit_test(a_superblock_decodes_field_by_field__W_001),
        cmocka_unit_test(the_times_of_a_superblock_can_be_read_atomically),
        cmocka_unit_test(a_slot_has_its_golden_bytes__W_014_W_015_W_017_W_022),
        cmocka_unit_test(a_slot_decodes_field_by_field__W_014_W_015),
        cmocka_unit_test(entries_above_ndims_are_written_as_zero__W_027),
        cmocka_unit_test(pads_are_written_as_zero__W_021),
        cmocka_unit_test(pads_change_nothing_for_the_reader__W_020),
        cmocka_unit_test(only_the_exact_embedded_header_is_v1__W_022_W_048_W_049),
        cmocka_unit_test(a_fresh_slot_says_absent_not_zero__P16_O_47),
        cmocka_unit_test(a_patched_image_equals_an_encoded_one__W_041),
        cmocka_unit_test(the_words_with_fields_and_the_pads_are_the_whole_slot__W_021_W_041),
        cmocka_unit_test(unlisted_types_are_kept_for_the_one_who_rejects_them__W_070),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
