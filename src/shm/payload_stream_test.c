/* That a missing fence is missing cannot be seen by a test on this kind of processor: it has to be read (payload_stream.c, L-401). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "shm/payload_stream.h"

#define PAGE 4096u
#define AROUND 128u
#define LONGEST 4097u

/* Memory whose last byte is followed, and whose first one is preceded, by a page that nobody may touch. */
static uint8_t *fenced(size_t pages)
{
    uint8_t *const all = mmap(NULL, (pages + 2) * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(MAP_FAILED != (void *)all);
    assert_int_equal(mprotect(all, PAGE, PROT_NONE), 0);
    assert_int_equal(mprotect(all + (pages + 1) * PAGE, PAGE, PROT_NONE), 0);
    return all + PAGE;
}

static void unfence(uint8_t *memory, size_t pages) { (void)munmap(memory - PAGE, (pages + 2) * PAGE); }

static uint8_t byte_at(size_t i) { return (uint8_t)(i * 31 + (i >> 8) * 7 + 1); }

static void copy_by(size_t number, void *to, const void *from, size_t length)
{
    const tpi_stream_variant_t *const variant = tpi_stream_variant(number);
    if (NULL != variant) { variant->copy(to, from, length); } else { tpi_payload_stream(to, from, length); }
}

static size_t variants(void)
{
    size_t count = 0;
    while (NULL != tpi_stream_variant(count)) { print_message("%s ", tpi_stream_variant(count++)->name); }
    print_message("and as the library chooses\n");
    return count + 1;
}

/* The bytes, and nothing around them. */
static void expect(const uint8_t *area, size_t area_bytes, size_t at, const uint8_t *source, size_t length)
{
    static uint8_t untouched[2 * AROUND + LONGEST];
    memset(untouched, 0xEE, sizeof(untouched));
    assert_memory_equal(area, untouched, at);
    assert_memory_equal(area + at, source, length);
    assert_memory_equal(area + at + length, untouched, area_bytes - at - length);
}

static void every_length_is_copied_and_nothing_else__L_403(void **state)
{
    static uint8_t area[2 * AROUND + LONGEST];
    static uint8_t source[64 + LONGEST];
    (void)state;
    for (size_t i = 0; i < sizeof(source); i++) { source[i] = byte_at(i); }
    for (size_t number = variants(); number-- > 0; )
    {
        for (size_t length = 0; length <= LONGEST; length++)
        {
            const size_t at = length * 5 % AROUND;
            memset(area, 0xEE, sizeof(area));
            copy_by(number, area + at, source + length % 64, length);
            expect(area, sizeof(area), at, source + length % 64, length);
        }
    }
}

static void every_alignment_of_both_sides_is_copied__L_403(void **state)
{
    static const size_t lengths[] = { 0, 1, 63, 64, 65, 127, 128, 129, 200 };
    static uint8_t area[512];
    static uint8_t source[512];
    (void)state;
    for (size_t i = 0; i < sizeof(source); i++) { source[i] = byte_at(i); }
    for (size_t number = variants(); number-- > 0; )
    {
        for (size_t i = 0; i < 64 * 64 * sizeof(lengths) / sizeof(lengths[0]); i++)
        {
            const size_t at = i % 64, from = i / 64 % 64, length = lengths[i / 64 / 64];
            memset(area, 0xEE, sizeof(area));
            copy_by(number, area + at, source + from, length);
            expect(area, sizeof(area), at, source + from, length);
        }
    }
}

static void nothing_outside_of_source_and_target_is_touched__L_403(void **state)
{
    uint8_t *const source = fenced(2);
    uint8_t *const target = fenced(2);
    (void)state;
    for (size_t i = 0; i < 2 * PAGE; i++) { source[i] = byte_at(i); }
    for (size_t number = variants(); number-- > 0; )
    {
        for (size_t length = 0; length <= 2 * PAGE; length += length < 300 ? 1 : 97)
        {
            copy_by(number, target + 2 * PAGE - length, source + 2 * PAGE - length, length);      /* up to the last byte of both */
            assert_memory_equal(target + 2 * PAGE - length, source + 2 * PAGE - length, length);
            copy_by(number, target, source, length);                                             /* from the first one of both */
            assert_memory_equal(target, source, length);
        }
    }
    unfence(source, 2);
    unfence(target, 2);
}

static void large_copies_are_whole__L_403(void **state)
{
    static const size_t lengths[] = { 256u << 10, (1u << 20) - 1, (4u << 20) + 33 };
    const size_t room = (5u << 20) + 64;
    uint8_t *const source = malloc(room);
    uint8_t *const target = malloc(room);
    (void)state;
    assert_non_null(source);
    assert_non_null(target);
    for (size_t i = 0; i < room; i++) { source[i] = byte_at(i); }
    for (size_t number = variants(); number-- > 0; )
    {
        for (size_t i = 0; i < 3; i++)
        {
            memset(target, 0, room);
            copy_by(number, target + i * 7, source + 13, lengths[i]);
            assert_memory_equal(target + i * 7, source + 13, lengths[i]);
            assert_int_equal(target[i * 7 + lengths[i]], 0);
        }
    }
    free(source);
    free(target);
}

static void streaming_pays_for_long_copies_into_rings_beyond_the_cache__L_402(void **state)
{
    const uint64_t mib = UINT64_C(1) << 20;
    (void)state;
    assert_true(tpi_stream_pays(TPI_STREAM_BYTES_MIN, 4 * mib + 1, 8 * mib));            /* more than half of it */
    assert_false(tpi_stream_pays(TPI_STREAM_BYTES_MIN - 1, 4 * mib + 1, 8 * mib));
    assert_false(tpi_stream_pays(TPI_STREAM_BYTES_MIN, 4 * mib, 8 * mib));
    assert_true(tpi_stream_pays(mib, 32 * mib + 1, 105 * mib));                          /* a large cache is shared by many */
    assert_false(tpi_stream_pays(mib, 32 * mib, 105 * mib));
    assert_true(tpi_stream_pays(mib, 32 * mib + 1, 64 * mib));
    assert_true(tpi_stream_pays(mib, 32 * mib, 64 * mib - 2));
    assert_true(tpi_stream_pays(mib, 32 * mib + 1, 0));                                  /* unknown */
    assert_false(tpi_stream_pays(mib, 32 * mib, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_is_copied_and_nothing_else__L_403),
        cmocka_unit_test(every_alignment_of_both_sides_is_copied__L_403),
        cmocka_unit_test(nothing_outside_of_source_and_target_is_touched__L_403),
        cmocka_unit_test(large_copies_are_whole__L_403),
        cmocka_unit_test(streaming_pays_for_long_copies_into_rings_beyond_the_cache__L_402),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
