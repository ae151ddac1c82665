/* Owns one constant table, made of the polynomial by the compiler: entry n is the remainder of the four bits n. */
#include "common/crc32c.h"

#include <stdbool.h>
#include <string.h>

#define POLYNOMIAL UINT32_C(0x82F63B78)        /* 0x1EDC6F41 with the bits reversed */
#define STEP(c) ((c) >> 1 ^ (((c) & 1u) != 0 ? POLYNOMIAL : 0u))
#define STEP4(c) STEP(STEP(STEP(STEP(c))))
#define NIBBLE(n) STEP4(UINT32_C(n))

static const uint32_t table[16] = {
    NIBBLE(0), NIBBLE(1), NIBBLE(2), NIBBLE(3), NIBBLE(4), NIBBLE(5), NIBBLE(6), NIBBLE(7),
    NIBBLE(8), NIBBLE(9), NIBBLE(10), NIBBLE(11), NIBBLE(12), NIBBLE(13), NIBBLE(14), NIBBLE(15),
};

uint32_t tpi_crc32c_portable(uint32_t crc, const void *data, size_t length)
{
    const uint8_t *at = data;
    uint32_t c = ~crc;
    for (size_t i = 0; i < length; i++)
    {
        c ^= at[i];
        c = c >> 4 ^ table[c & 15u];
        c = c >> 4 ^ table[c & 15u];
    }
    return ~c;
}

#if defined(__x86_64__) && defined(__GNUC__)

/* The processor's own instruction, eight bytes at a time. */
__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t crc, const void *data, size_t length)
{
    const uint8_t *at = data;
    uint64_t c = ~crc;
    for (; length >= sizeof(uint64_t); length -= sizeof(uint64_t), at += sizeof(uint64_t))
    {
        uint64_t word;
        memcpy(&word, at, sizeof(word));
        c = __builtin_ia32_crc32di(c, word);
    }
    uint32_t c32 = (uint32_t)c;
    for (; length > 0; length--, at++) { c32 = __builtin_ia32_crc32qi(c32, *at); }
    return ~c32;
}

uint32_t tpi_crc32c(uint32_t crc, const void *data, size_t length)
{
    const bool has_instruction = 0 != __builtin_cpu_supports("sse4.2");
    return has_instruction ? by_instruction(crc, data, length) : tpi_crc32c_portable(crc, data, length);
}

#else

uint32_t tpi_crc32c(uint32_t crc, const void *data, size_t length) { return tpi_crc32c_portable(crc, data, length); }

#endif
