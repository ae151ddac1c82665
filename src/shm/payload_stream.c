/*
 * See payload_stream.h. Non-temporal stores are ordered by nothing but a fence: each variant ends with sfence, so that the committed word, a plain
 * release store, can never be seen before them. AArch64 and ThreadSanitizer builds have no variant: the C library's memcpy is as good there, and
 * that tool does not know the instructions.
 */
#include "shm/payload_stream.h"

#include <string.h>

#include "shm/slot.h"

#if defined(__SANITIZE_THREAD__)
#define NO_VARIANTS 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define NO_VARIANTS 1
#endif
#endif

bool tpi_stream_pays(size_t length, uint64_t ring_bytes, uint64_t cache_bytes)
{
    const uint64_t half = cache_bytes / 2;                                       /* the producer is not alone on the machine */
    const uint64_t share = 0 != half && half < TPI_STREAM_SHARE_MAX ? half : TPI_STREAM_SHARE_MAX;
    return length >= TPI_STREAM_BYTES_MIN && ring_bytes > share;                 /* L-402 */
}

#if defined(__x86_64__) && !defined(NO_VARIANTS)

#include <immintrin.h>

#define LINE 64u

typedef void (*copy_lines_t)(uint8_t *to, const uint8_t *from, size_t lines);

static void lines_sse2(uint8_t *to, const uint8_t *from, size_t lines)
{
    for (; lines > 0; lines--, to += LINE, from += LINE)
    {
        const __m128i a = _mm_loadu_si128((const __m128i *)(const void *)from);
        const __m128i b = _mm_loadu_si128((const __m128i *)(const void *)(from + 16));
        const __m128i c = _mm_loadu_si128((const __m128i *)(const void *)(from + 32));
        const __m128i d = _mm_loadu_si128((const __m128i *)(const void *)(from + 48));
        _mm_stream_si128((__m128i *)(void *)to, a);
        _mm_stream_si128((__m128i *)(void *)(to + 16), b);
        _mm_stream_si128((__m128i *)(void *)(to + 32), c);
        _mm_stream_si128((__m128i *)(void *)(to + 48), d);
    }
}

__attribute__((target("avx2"))) static void lines_avx2(uint8_t *to, const uint8_t *from, size_t lines)
{
    for (; lines > 0; lines--, to += LINE, from += LINE)
    {
        const __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)from);
        const __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(from + 32));
        _mm256_stream_si256((__m256i *)(void *)to, a);
        _mm256_stream_si256((__m256i *)(void *)(to + 32), b);
    }
}

__attribute__((target("avx512f"))) static void lines_avx512(uint8_t *to, const uint8_t *from, size_t lines)
{
    for (; lines > 0; lines--, to += LINE, from += LINE)
    {
        _mm512_stream_si512((__m512i *)(void *)to, _mm512_loadu_si512((const void *)from));
    }
}

/* Whole lines of the target by lines, what stands before and behind them as usual. */
static void copy(void *payload, const void *source, size_t length, copy_lines_t lines)
{
    uint8_t *to = payload;
    const uint8_t *from = source;
    size_t head = (size_t)(-(uintptr_t)payload & (LINE - 1));
    if (head > length) { head = length; }
    const size_t body = (length - head) & ~(size_t)(LINE - 1);
    if (0 != head) { memcpy(to, from, head); }
    lines(to + head, from + head, body / LINE);                                 /* L-403 */
    if (length > head + body) { memcpy(to + head + body, from + head + body, length - head - body); }
    _mm_sfence();                                                                /* L-401: before W1 of shm/slot.h */
}

static void copy_sse2(void *payload, const void *source, size_t length) { copy(payload, source, length, lines_sse2); }
static void copy_avx2(void *payload, const void *source, size_t length) { copy(payload, source, length, lines_avx2); }
static void copy_avx512(void *payload, const void *source, size_t length) { copy(payload, source, length, lines_avx512); }

const tpi_stream_variant_t *tpi_stream_variant(size_t number)
{
    static const tpi_stream_variant_t variants[] = { { "avx512f", copy_avx512 }, { "avx2", copy_avx2 }, { "sse2", copy_sse2 } };
    const bool has[] = { 0 != __builtin_cpu_supports("avx512f"), 0 != __builtin_cpu_supports("avx2"), true };
    for (size_t i = 0; i < sizeof(variants) / sizeof(variants[0]); i++)
    {
        if (has[i] && 0 == number--) { return &variants[i]; }
    }
    return NULL;
}

#else

const tpi_stream_variant_t *tpi_stream_variant(size_t number)
{
    (void)number;
    return NULL;
}

#endif

void tpi_payload_stream(void *payload, const void *source, size_t length)
{
    const tpi_stream_variant_t *const best = tpi_stream_variant(0);
    if (NULL == best) { tpi_payload_write(payload, source, length); return; }
    best->copy(payload, source, length);
}
