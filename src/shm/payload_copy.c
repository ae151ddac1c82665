/*
 * The two functions that touch payload bytes for us; everybody else gets a pointer. Payload is racy by design (10-wire.md 8.6): what is
 * read counts only after tpi_slot_still. Not inlined, so that the compiler cannot move a copy across the fences of shm/slot.h by
 * reasoning about the bytes. ThreadSanitizer builds copy in relaxed atomics, since that tool knows neither fences nor this protocol.
 */
#include "shm/slot.h"

#include <string.h>

#if defined(TPI_THREAD_SANITIZER)

#include <stddef.h>

typedef _Atomic uint8_t shared_byte_t;
typedef _Atomic uint64_t shared_word_t;

static size_t bytes_to_word(const void *shared, size_t length)
{
    const size_t head = (size_t)(-(uintptr_t)shared & 7u);
    return head < length ? head : length;
}

__attribute__((noinline)) void tpi_payload_write(void *payload, const void *source, size_t length)
{
    uint8_t *to = payload;
    const uint8_t *from = source;
    for (size_t n = bytes_to_word(to, length); n > 0; n--, length--) { atomic_store_explicit((shared_byte_t *)to++, *from++, memory_order_relaxed); }
    for (; length >= 8; length -= 8, to += 8, from += 8)
    {
        uint64_t word;
        memcpy(&word, from, sizeof(word));
        atomic_store_explicit((shared_word_t *)(void *)to, word, memory_order_relaxed);
    }
    for (; length > 0; length--) { atomic_store_explicit((shared_byte_t *)to++, *from++, memory_order_relaxed); }
}

__attribute__((noinline)) void tpi_payload_read(void *target, const void *payload, size_t length)
{
    uint8_t *to = target;
    const uint8_t *from = payload;
    for (size_t n = bytes_to_word(from, length); n > 0; n--, length--)
    {
        *to++ = atomic_load_explicit((const shared_byte_t *)from++, memory_order_relaxed);
    }
    for (; length >= 8; length -= 8, to += 8, from += 8)
    {
        const uint64_t word = atomic_load_explicit((const shared_word_t *)(const void *)from, memory_order_relaxed);
        memcpy(to, &word, sizeof(word));
    }
    for (; length > 0; length--) { *to++ = atomic_load_explicit((const shared_byte_t *)from++, memory_order_relaxed); }
}

#else

__attribute__((noinline)) void tpi_payload_write(void *payload, const void *source, size_t length)
{
    if (length > 0) { memcpy(payload, source, length); }
}

__attribute__((noinline)) void tpi_payload_read(void *target, const void *payload, size_t length)
{
    if (length > 0) { memcpy(target, payload, length); }                       /* W-036: nothing is touched for an empty frame */
}

#endif
