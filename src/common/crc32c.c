/* Owns one constant table, made of the polynomial by the compiler: entry n is the remainder of byte n. */
#include "common/crc32c.h"

#define POLYNOMIAL UINT32_C(0x82F63B78)        /* 0x1EDC6F41 with the bits reversed */
#define STEP(c) ((c) >> 1 ^ (((c) & 1u) != 0 ? POLYNOMIAL : 0u))
#define STEP4(c) STEP(STEP(STEP(STEP(c))))
#define NIBBLE(n) STEP4(UINT32_C(n))

/* Four bits at a time: 16 words stay in the first cache lines, and a blob is checked chunk by chunk, off every frame's way. */
static const uint32_t table[16] = {
    NIBBLE(0), NIBBLE(1), NIBBLE(2), NIBBLE(3), NIBBLE(4), NIBBLE(5), NIBBLE(6), NIBBLE(7),
    NIBBLE(8), NIBBLE(9), NIBBLE(10), NIBBLE(11), NIBBLE(12), NIBBLE(13), NIBBLE(14), NIBBLE(15),
};

uint32_t tpi_crc32c(uint32_t crc, const void *data, size_t length)
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
