/*
 * The seqlock of one header slot: 32 words of 64 bits shared by one writer and any number of readers in other processes
 * (10-wire.md section 8). Every order names its partner.
 *
 *   W0  release fence after the in-progress store     pairs with R1
 *   W1  release store of the committed word           pairs with R0
 *   R0  acquire load of the word                      pairs with W1
 *   R1  acquire fence before the second load          pairs with W0
 */
#ifndef TPI_SHM_SLOT_H
#define TPI_SHM_SLOT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#if defined(__x86_64__)
#include <emmintrin.h>
#endif

#include "common/hint.h"

#define TPI_SLOT_WORDS 32u
#define TPI_SLOT_SHAPE_FIRST 7u        /* words 7 to 18: the shape. Words 1 to 4 are the frame's, all others are pads (codec/codec_shm.h) */
#define TPI_SLOT_SHAPE_LAST 18u
#define TPI_SLOT_SHAPE_WORDS 12u

/* word[1] lies as word 8 of a slot does. */
typedef struct tpi_slot_shape { _Alignas(16) uint64_t unused; uint64_t word[TPI_SLOT_SHAPE_WORDS]; } tpi_slot_shape_t;

_Static_assert(8 == offsetof(tpi_slot_shape_t, word) && TPI_SLOT_SHAPE_FIRST + TPI_SLOT_SHAPE_WORDS == TPI_SLOT_SHAPE_LAST + 1, "pairs of words");

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2 && ATOMIC_LONG_LOCK_FREE == 2, "the commit word is shared between processes");
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "big-endian hosts are not supported (W-073, O-45)"
#endif

typedef _Atomic uint64_t tpi_slot_word_t;

typedef enum tpi_slot_verdict
{
    TPI_SLOT_OK = 0,
    TPI_SLOT_UNCOMMITTED,      /* bit 0 clear at R0 */
    TPI_SLOT_OTHER_SEQ,        /* committed for another sequence, older or newer; the word is in *word */
    TPI_SLOT_CHANGED           /* word changed between R0 and the second load */
}
tpi_slot_verdict_t;

static inline void tpi_slot_begin(tpi_slot_word_t *slot, uint64_t seq)
{
    atomic_store_explicit(&slot[0], seq << 1, memory_order_release);            /* W-039 W-040 */
    atomic_thread_fence(memory_order_release);                                  /* W0, pairs with R1 */
}

/* 31 words one after the other: a loop takes three times the instructions. */
#if defined(__clang__)
#define TPI_SLOT_UNROLL _Pragma("unroll")
#else
#define TPI_SLOT_UNROLL _Pragma("GCC unroll 31")
#endif

static inline void tpi_slot_end(tpi_slot_word_t *slot, uint64_t seq)
{
    atomic_store_explicit(&slot[0], (seq << 1) | 1u, memory_order_release);     /* W1, pairs with R0; W-015 W-016 W-044 W-053 */
}

/* image: the 256 bytes of the slot as words; image[0] is not used. */
static inline void tpi_slot_commit(tpi_slot_word_t *slot, uint64_t seq, const uint64_t image[TPI_SLOT_WORDS])
{
    TPI_SLOT_UNROLL
    for (unsigned i = 1; i < TPI_SLOT_WORDS; i++) { atomic_store_explicit(&slot[i], image[i], memory_order_relaxed); }   /* W-041 */
    tpi_slot_end(slot, seq);
}

/*
 * The same in parts, for a slot whose pads this writer has zeroed before: shape, place and frame after tpi_slot_begin, then tpi_slot_end. All
 * fields are written each time (W-041). The stores are plain ones, as those of payload are (8.6): W0 and W1 keep them between the two words.
 */
static inline void tpi_slot_put_shape(tpi_slot_word_t *slot, const uint64_t image[TPI_SLOT_WORDS])
{
#if defined(TPI_THREAD_SANITIZER)
    for (unsigned i = TPI_SLOT_SHAPE_FIRST; i <= TPI_SLOT_SHAPE_LAST; i++) { atomic_store_explicit(&slot[i], image[i], memory_order_relaxed); }
#else
    __builtin_memcpy((uint8_t *)(uintptr_t)slot + TPI_SLOT_SHAPE_FIRST * 8u, &image[TPI_SLOT_SHAPE_FIRST],
        (TPI_SLOT_SHAPE_LAST + 1u - TPI_SLOT_SHAPE_FIRST) * 8u);
#endif
}

/* Where the payload lies; payload_offset is 0. After it tpi_slot_put_frame. */
static inline void tpi_slot_put_place(tpi_slot_word_t *slot, uint32_t payload_slot, uint16_t pool_id)
{
#if defined(TPI_THREAD_SANITIZER)
    atomic_store_explicit(&slot[1], (uint64_t)payload_slot << 32, memory_order_relaxed);
    atomic_store_explicit(&slot[2], pool_id, memory_order_relaxed);
#else
    const uint64_t pool = pool_id;
    __builtin_memcpy((uint8_t *)(uintptr_t)slot + 12, &payload_slot, sizeof(payload_slot));
    __builtin_memcpy((uint8_t *)(uintptr_t)slot + 16, &pool, sizeof(pool));     /* its last two bytes are the timestamp's */
#endif
}

static inline void tpi_slot_put_frame(tpi_slot_word_t *slot, uint32_t values_len_bytes, uint64_t timestamp_ns, uint32_t meta_version)
{
#if defined(TPI_THREAD_SANITIZER)
    const uint64_t place = atomic_load_explicit(&slot[1], memory_order_relaxed) & ~(uint64_t)UINT32_MAX;
    const uint64_t pool = atomic_load_explicit(&slot[2], memory_order_relaxed) & UINT16_MAX;
    atomic_store_explicit(&slot[1], place | values_len_bytes, memory_order_relaxed);
    atomic_store_explicit(&slot[2], pool | timestamp_ns << 48, memory_order_relaxed);
    atomic_store_explicit(&slot[3], timestamp_ns >> 16 | (uint64_t)meta_version << 48, memory_order_relaxed);
    atomic_store_explicit(&slot[4], meta_version >> 16, memory_order_relaxed);
#else
    uint8_t *const bytes = (uint8_t *)(uintptr_t)slot;
    __builtin_memcpy(bytes + 8, &values_len_bytes, sizeof(values_len_bytes));
    __builtin_memcpy(bytes + 22, &timestamp_ns, sizeof(timestamp_ns));
    __builtin_memcpy(bytes + 30, &meta_version, sizeof(meta_version));
#endif
}

/* R0 and the copy. *word is what R0 saw. */
static inline tpi_slot_verdict_t tpi_slot_open(const tpi_slot_word_t *slot, uint64_t seq, uint64_t *word, uint64_t image[TPI_SLOT_WORDS])
{
    *word = atomic_load_explicit(&slot[0], memory_order_acquire);               /* R0, pairs with W1; W-045 */
    if (0 == (*word & 1u)) { return TPI_SLOT_UNCOMMITTED; }                     /* W-046 W-054 W-055 */
    if (*word != ((seq << 1) | 1u) || 0 != seq >> 63) { return TPI_SLOT_OTHER_SEQ; }   /* W-023 W-024 W-047 W-098 W-253 */
    image[0] = *word;
    TPI_SLOT_UNROLL
    for (unsigned i = 1; i < TPI_SLOT_WORDS; i++) { image[i] = atomic_load_explicit(&slot[i], memory_order_relaxed); }
    return TPI_SLOT_OK;
}

/*
 * Reading parts of a slot between R0 and R1. Every byte that is judged is loaded once (trap M5). Where the processor reads any address, as it reads
 * words, in as few loads as there are; else, and in builds for ThreadSanitizer, word by word.
 */
#if defined(__SANITIZE_THREAD__)
#define TPI_SLOT_BY_WORDS 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TPI_SLOT_BY_WORDS 1
#endif
#endif
#if !defined(__x86_64__) && !defined(TPI_SLOT_BY_WORDS)
#define TPI_SLOT_BY_WORDS 1
#endif

/*
 * tpi_slot_has_shape: the shape that a slot holds against a known one: words TPI_SLOT_SHAPE_FIRST to _LAST, without the bytes of the first and of the
 * last that are no header (W-020). true: the same. tpi_slot_u32, tpi_slot_u64: a number at any byte of words 1 to 4.
 */
#if defined(TPI_SLOT_BY_WORDS)
static inline uint64_t tpi_slot_u64(const tpi_slot_word_t *slot, unsigned at)
{
    const uint64_t low = atomic_load_explicit(&slot[at / 8], memory_order_relaxed);
    if (0 == at % 8) { return low; }
    return low >> (at % 8 * 8) | atomic_load_explicit(&slot[at / 8 + 1], memory_order_relaxed) << (64 - at % 8 * 8);
}

static inline uint32_t tpi_slot_u32(const tpi_slot_word_t *slot, unsigned at)
{
    if (at % 8 <= 4) { return (uint32_t)(atomic_load_explicit(&slot[at / 8], memory_order_relaxed) >> (at % 8 * 8)); }
    return (uint32_t)tpi_slot_u64(slot, at);
}

static inline bool tpi_slot_has_shape(const tpi_slot_word_t *slot, const tpi_slot_shape_t *shape)
{
    const uint64_t *known = shape->word;
    uint64_t differs = (atomic_load_explicit(&slot[TPI_SLOT_SHAPE_FIRST], memory_order_relaxed) ^ known[0]) >> 32;
    TPI_SLOT_UNROLL
    for (unsigned i = 1; i + 1 < TPI_SLOT_SHAPE_WORDS; i++)
    {
        differs |= atomic_load_explicit(&slot[TPI_SLOT_SHAPE_FIRST + i], memory_order_relaxed) ^ known[i];
    }
    const uint64_t last = atomic_load_explicit(&slot[TPI_SLOT_SHAPE_LAST], memory_order_relaxed);
    return 0 == (differs | (last ^ known[TPI_SLOT_SHAPE_WORDS - 1]) << 40);
}
#else
typedef struct tpi_any_u32 { uint32_t value; } __attribute__((packed, may_alias)) tpi_any_u32_t;
typedef struct tpi_any_u64 { uint64_t value; } __attribute__((packed, may_alias)) tpi_any_u64_t;

static inline uint32_t tpi_slot_u32(const tpi_slot_word_t *slot, unsigned at)
{
    return ((const volatile tpi_any_u32_t *)(const void *)((const char *)slot + at))->value;
}

static inline uint64_t tpi_slot_u64(const tpi_slot_word_t *slot, unsigned at)
{
    return ((const volatile tpi_any_u64_t *)(const void *)((const char *)slot + at))->value;
}

static inline __m128i tpi_slot_pair_is(const tpi_slot_word_t *slot, const tpi_slot_shape_t *shape, unsigned i)
{
    const __m128i found = *(const volatile __m128i *)(const void *)&slot[TPI_SLOT_SHAPE_FIRST + i];
    return _mm_cmpeq_epi32(found, *(const __m128i *)(const void *)&shape->word[i]);
}

static inline bool tpi_slot_has_shape(const tpi_slot_word_t *slot, const tpi_slot_shape_t *shape)
{
    const uint64_t first = atomic_load_explicit(&slot[TPI_SLOT_SHAPE_FIRST], memory_order_relaxed) ^ shape->word[0];
    const uint64_t last = atomic_load_explicit(&slot[TPI_SLOT_SHAPE_LAST], memory_order_relaxed) ^ shape->word[TPI_SLOT_SHAPE_WORDS - 1];
    __m128i same = tpi_slot_pair_is(slot, shape, 1);
    same = _mm_and_si128(same, tpi_slot_pair_is(slot, shape, 3));
    same = _mm_and_si128(same, tpi_slot_pair_is(slot, shape, 5));
    same = _mm_and_si128(same, tpi_slot_pair_is(slot, shape, 7));
    same = _mm_and_si128(same, tpi_slot_pair_is(slot, shape, 9));
    return 0 == (first >> 32 | last << 40) && 0xffff == _mm_movemask_epi8(same);
}
#endif

/* R1 and the second load: whether everything read since tpi_slot_open belongs to that frame. */
static inline bool tpi_slot_still(const tpi_slot_word_t *slot, uint64_t word)
{
    atomic_thread_fence(memory_order_acquire);                                  /* R1, pairs with W0 */
    return atomic_load_explicit(&slot[0], memory_order_relaxed) == word;        /* W-047 */
}

static inline uint64_t tpi_slot_peek(const tpi_slot_word_t *slot) { return atomic_load_explicit(&slot[0], memory_order_acquire); }

/* Payload copies: plain memcpy in one non-inlined function a side; relaxed word-wise atomics in TSan builds (8.6). */
void tpi_payload_write(void *payload, const void *source, size_t length);
void tpi_payload_read(void *target, const void *payload, size_t length);

#endif
