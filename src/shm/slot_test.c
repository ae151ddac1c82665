#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include "shm/slot.h"

#define NSLOTS 4u
#define STRIDE 512u
#define FRAMES 300000u
#define READERS 2u

typedef struct ring
{
    _Alignas(64) tpi_slot_word_t slots[NSLOTS][TPI_SLOT_WORDS];
    _Alignas(64) uint8_t payload[NSLOTS][STRIDE];
    _Alignas(64) _Atomic uint64_t newest;
    _Atomic int done;
}
ring_t;

static bool is_pad(unsigned word)
{
    return word > 4 && (word < TPI_SLOT_SHAPE_FIRST || word > TPI_SLOT_SHAPE_LAST);
}

static void make_image(uint64_t image[TPI_SLOT_WORDS], uint64_t seq)
{
    for (unsigned i = 1; i < TPI_SLOT_WORDS; i++) { image[i] = is_pad(i) ? 0 : seq * 1000 + i; }
    image[2] &= UINT64_C(0xFFFF00000000FFFF);                                /* payloadOffset is 0 */
    image[4] &= UINT64_C(0xFFFF);                                            /* the end of metaVersion, then a pad */
}

static void publish(tpi_slot_word_t *slot, uint64_t seq)
{
    uint64_t image[TPI_SLOT_WORDS] = { 0 };
    make_image(image, seq);
    tpi_slot_begin(slot, seq);
    tpi_slot_commit(slot, seq, image);
}

static void words_are_ten_then_eleven_for_seq_five__W_039(void **state)
{
    (void)state;
    _Alignas(64) tpi_slot_word_t slot[TPI_SLOT_WORDS] = { 0 };
    uint64_t image[TPI_SLOT_WORDS] = { 0 };
    tpi_slot_begin(slot, 5);
    assert_int_equal(tpi_slot_peek(slot), 10);
    tpi_slot_commit(slot, 5, image);
    assert_int_equal(tpi_slot_peek(slot), 11);
}

static void commit_word_is_the_first_eight_bytes_stored_at_once__W_015_W_016_W_053(void **state)
{
    (void)state;
    _Alignas(64) tpi_slot_word_t slot[TPI_SLOT_WORDS] = { 0 };
    uint64_t image[TPI_SLOT_WORDS] = { 0 };
    uint64_t first = 0;
    make_image(image, 3);
    image[0] = UINT64_C(0xDEADBEEF);                                         /* of no consequence */
    tpi_slot_begin(slot, UINT64_C(0x123456789A));
    tpi_slot_commit(slot, UINT64_C(0x123456789A), image);
    memcpy(&first, (const void *)slot, sizeof(first));
    assert_true((UINT64_C(0x123456789A) << 1 | 1) == first);
    assert_true(atomic_is_lock_free(&slot[0]));
    assert_int_equal(sizeof(slot), 256);
    assert_int_equal((uintptr_t)&slot[0] / 64, ((uintptr_t)&slot[0] + 7) / 64);
}

static void fresh_and_claimed_slots_are_uncommitted__W_046_W_054_W_055(void **state)
{
    (void)state;
    _Alignas(64) tpi_slot_word_t slot[TPI_SLOT_WORDS] = { 0 };
    uint64_t image[TPI_SLOT_WORDS];
    uint64_t word = 99;
    assert_int_equal(tpi_slot_open(slot, 0, &word, image), TPI_SLOT_UNCOMMITTED);
    assert_int_equal(word, 0);
    tpi_slot_begin(slot, 8);
    assert_int_equal(tpi_slot_open(slot, 8, &word, image), TPI_SLOT_UNCOMMITTED);
    assert_int_equal(tpi_slot_open(slot, 0, &word, image), TPI_SLOT_UNCOMMITTED);
}

static void committed_slot_gives_its_image__W_041_W_047(void **state)
{
    (void)state;
    _Alignas(64) tpi_slot_word_t slot[TPI_SLOT_WORDS];
    uint64_t image[TPI_SLOT_WORDS];
    uint64_t expected[TPI_SLOT_WORDS];
    uint64_t word = 0;
    memset(slot, 0xAA, sizeof(slot));
    publish(slot, 7);
    make_image(expected, 7);
    expected[0] = 15;
    assert_int_equal(tpi_slot_open(slot, 7, &word, image), TPI_SLOT_OK);
    assert_memory_equal(image, expected, sizeof(image));
    assert_true(tpi_slot_still(slot, word));
}

static void put_frame(tpi_slot_word_t *slot, uint64_t seq, const uint64_t image[TPI_SLOT_WORDS])
{
    uint8_t bytes[TPI_SLOT_WORDS * 8];
    uint32_t length;
    uint32_t index;
    uint16_t pool_id;
    uint64_t timestamp_ns;
    uint32_t meta_version;
    memcpy(bytes, image, sizeof(bytes));
    memcpy(&length, bytes + 8, sizeof(length));
    memcpy(&index, bytes + 12, sizeof(index));
    memcpy(&pool_id, bytes + 16, sizeof(pool_id));
    memcpy(&timestamp_ns, bytes + 22, sizeof(timestamp_ns));
    memcpy(&meta_version, bytes + 30, sizeof(meta_version));
    tpi_slot_put_place(slot, index, pool_id);
    tpi_slot_put_frame(slot, length, timestamp_ns, meta_version);
    tpi_slot_end(slot, seq);
}

/* Whatever lies there: only the pads are as they were. */
static void every_field_is_written_each_time__W_041(void **state)
{
    (void)state;
    _Alignas(64) tpi_slot_word_t slot[TPI_SLOT_WORDS];
    uint64_t image[TPI_SLOT_WORDS];
    uint64_t expected[TPI_SLOT_WORDS];
    uint64_t word = 0;
    for (int fill = 0; fill < 2; fill++)
    {
        memset(slot, 0 == fill ? 0xAA : 0x55, sizeof(slot));
        make_image(expected, 0xFEDCBA98);
        tpi_slot_begin(slot, 9);
        tpi_slot_put_shape(slot, expected);
        put_frame(slot, 9, expected);
        assert_int_equal(tpi_slot_open(slot, 9, &word, image), TPI_SLOT_OK);
        assert_int_equal(word, 19);
        for (unsigned i = 1; i < TPI_SLOT_WORDS; i++)
        {
            uint64_t mask = is_pad(i) ? 0 : UINT64_MAX;
            if (4 == i) { mask = 0xFFFF; }                                   /* the end of metaVersion, then a pad */
            if (2 == i) { mask = UINT64_C(0xFFFF00000000FFFF); assert_int_equal(image[2] >> 16 & UINT32_MAX, 0); }       /* payloadOffset */
            assert_true((image[i] & mask) == (expected[i] & mask));
        }
    }
}

static void other_sequence_is_named__W_023_W_098(void **state)
{
    (void)state;
    _Alignas(64) tpi_slot_word_t slot[TPI_SLOT_WORDS] = { 0 };
    uint64_t image[TPI_SLOT_WORDS];
    uint64_t word = 0;
    publish(slot, 1);
    assert_int_equal(tpi_slot_open(slot, 9, &word, image), TPI_SLOT_OTHER_SEQ);
    assert_int_equal(word >> 1, 1);
    publish(slot, 9);
    assert_int_equal(tpi_slot_open(slot, 1, &word, image), TPI_SLOT_OTHER_SEQ);
    assert_int_equal(word >> 1, 9);
    assert_int_equal(tpi_slot_open(slot, 9, &word, image), TPI_SLOT_OK);
}

static void rewound_word_is_stale__W_051_O_20(void **state)
{
    (void)state;
    _Alignas(64) tpi_slot_word_t slot[TPI_SLOT_WORDS] = { 0 };
    uint64_t image[TPI_SLOT_WORDS];
    uint64_t word = 0;
    publish(slot, 9);
    publish(slot, 5);
    assert_int_equal(tpi_slot_open(slot, 9, &word, image), TPI_SLOT_OTHER_SEQ);
}

static void sequences_above_63_bits_match_nothing__W_253(void **state)
{
    (void)state;
    _Alignas(64) tpi_slot_word_t slot[TPI_SLOT_WORDS] = { 0 };
    uint64_t image[TPI_SLOT_WORDS];
    uint64_t word = 0;
    publish(slot, 5);
    assert_int_equal(tpi_slot_open(slot, (UINT64_C(1) << 63) + 5, &word, image), TPI_SLOT_OTHER_SEQ);
    publish(slot, (UINT64_C(1) << 63) - 1);
    assert_int_equal(tpi_slot_open(slot, (UINT64_C(1) << 63) - 1, &word, image), TPI_SLOT_OK);
}

static void change_after_opening_is_seen__W_047_W_052__M4(void **state)
{
    (void)state;
    _Alignas(64) tpi_slot_word_t slot[TPI_SLOT_WORDS] = { 0 };
    uint64_t image[TPI_SLOT_WORDS];
    uint64_t word = 0;
    publish(slot, 3);
    assert_int_equal(tpi_slot_open(slot, 3, &word, image), TPI_SLOT_OK);
    tpi_slot_begin(slot, 7);
    assert_false(tpi_slot_still(slot, word));
    publish(slot, 7);
    assert_false(tpi_slot_still(slot, word));
}

static void slot_works_through_a_read_only_mapping__W_053(void **state)
{
    (void)state;
    uint8_t *const page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(MAP_FAILED != (void *)page);
    tpi_slot_word_t *const slot = (tpi_slot_word_t *)(void *)page;
    uint64_t image[TPI_SLOT_WORDS];
    uint64_t word = 0;
    publish(slot, 4);
    assert_int_equal(mprotect(page, 4096, PROT_READ), 0);
    assert_int_equal(tpi_slot_open(slot, 4, &word, image), TPI_SLOT_OK);
    assert_true(tpi_slot_still(slot, word));
    (void)munmap(page, 4096);
}

/* ---- one writer, several readers, every accepted frame is whole ---- */

static void *write_frames(void *argument)
{
    ring_t *const ring = argument;
    uint8_t bytes[STRIDE];
    for (uint64_t seq = 0; seq < FRAMES; seq++)
    {
        uint64_t image[TPI_SLOT_WORDS] = { 0 };
        const size_t i = seq % NSLOTS;
        make_image(image, seq);
        for (size_t w = 0; w < STRIDE; w += 8) { memcpy(bytes + w, &seq, 8); }
        tpi_slot_begin(ring->slots[i], seq);
        if (0 != seq % 3) { tpi_slot_put_shape(ring->slots[i], image); }
        tpi_payload_write(ring->payload[i], bytes, STRIDE);
        if (0 == seq % 3) { tpi_slot_commit(ring->slots[i], seq, image); } else { put_frame(ring->slots[i], seq, image); }
        atomic_store_explicit(&ring->newest, seq + 1, memory_order_release);
    }
    atomic_store(&ring->done, 1);
    return NULL;
}

typedef struct reader
{
    ring_t *ring;
    uint64_t accepted;
    uint64_t torn;             /* accepted although parts belong to another frame: must stay 0 */
    uint64_t refused;
}
reader_t;

static void read_one(reader_t *reader, uint64_t seq)
{
    ring_t *const ring = reader->ring;
    const size_t i = seq % NSLOTS;
    uint64_t image[TPI_SLOT_WORDS];
    uint64_t expected[TPI_SLOT_WORDS];
    uint64_t word = 0;
    uint8_t bytes[STRIDE];
    if (TPI_SLOT_OK != tpi_slot_open(ring->slots[i], seq, &word, image))
    {
        reader->refused++;
        return;
    }
    tpi_payload_read(bytes, ring->payload[i], STRIDE);
    if (!tpi_slot_still(ring->slots[i], word))
    {
        reader->refused++;
        return;
    }
    make_image(expected, seq);
    bool whole = 0 == memcmp(&image[1], &expected[1], sizeof(image) - 8);
    for (size_t w = 0; w < STRIDE; w += 8) { whole = whole && 0 == memcmp(bytes + w, &seq, 8); }
    reader->accepted++;
    if (!whole) { reader->torn++; }
}

static void *read_frames(void *argument)
{
    reader_t *const reader = argument;
    for (;;)
    {
        const int done = atomic_load(&reader->ring->done);
        const uint64_t newest = atomic_load_explicit(&reader->ring->newest, memory_order_acquire);
        for (uint64_t back = 0; back <= NSLOTS && back <= newest; back++) { read_one(reader, newest - back); }   /* newest is being written */
        if (done) { return NULL; }
    }
}

static void no_torn_frame_is_accepted_under_overwrite_load__W_040_W_044_W_045__M3(void **state)
{
    (void)state;
    ring_t *const ring = mmap(NULL, sizeof(ring_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(MAP_FAILED != (void *)ring);
    pthread_t writer;
    pthread_t threads[READERS];
    reader_t readers[READERS];
    for (size_t i = 0; i < READERS; i++)
    {
        readers[i] = (reader_t){ .ring = ring };
        assert_int_equal(pthread_create(&threads[i], NULL, read_frames, &readers[i]), 0);
    }
    assert_int_equal(pthread_create(&writer, NULL, write_frames, ring), 0);
    assert_int_equal(pthread_join(writer, NULL), 0);
    for (size_t i = 0; i < READERS; i++)
    {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(readers[i].torn, 0);
        assert_true(readers[i].accepted >= NSLOTS);      /* the last round meets a ring at rest */
    }
    (void)munmap(ring, sizeof(ring_t));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_ten_then_eleven_for_seq_five__W_039),
        cmocka_unit_test(commit_word_is_the_first_eight_bytes_stored_at_once__W_015_W_016_W_053),
        cmocka_unit_test(fresh_and_claimed_slots_are_uncommitted__W_046_W_054_W_055),
        cmocka_unit_test(committed_slot_gives_its_image__W_041_W_047),
        cmocka_unit_test(every_field_is_written_each_time__W_041),
        cmocka_unit_test(other_sequence_is_named__W_023_W_098),
        cmocka_unit_test(rewound_word_is_stale__W_051_O_20),
        cmocka_unit_test(sequences_above_63_bits_match_nothing__W_253),
        cmocka_unit_test(change_after_opening_is_seen__W_047_W_052__M4),
        cmocka_unit_test(slot_works_through_a_read_only_mapping__W_053),
        cmocka_unit_test(no_torn_frame_is_accepted_under_overwrite_load__W_040_W_044_W_045__M3),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
