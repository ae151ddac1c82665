/* Synthetic payloads. Any thread after the first call; the counter table is filled once. */
#include "pattern.h"

#include <string.h>

#include <tensor_pool/common/tp_types.h>

#define BLOCK_BYTES 4096U

static uint8_t counter_table[BLOCK_BYTES + 256];
static bool counter_ready;

static const uint8_t *counter_block(uint64_t start)
{
    if (!counter_ready)
    {
        for (size_t i = 0; i < sizeof(counter_table); i++) { counter_table[i] = (uint8_t)i; }
        counter_ready = true;
    }
    return counter_table + (start & 255U);
}

cli_pattern_t cli_pattern_from_name(const char *name)
{
    if (0 == strcmp(name, "counter")) { return CLI_PATTERN_COUNTER; }
    if (0 == strcmp(name, "ramp")) { return CLI_PATTERN_RAMP; }
    if (0 == strcmp(name, "noise")) { return CLI_PATTERN_NOISE; }
    return CLI_PATTERN_NONE;
}

#define RAMP_OF(type) \
    do \
    { \
        type *to = (type *)(void *)block; \
        for (size_t i = 0; i < length / sizeof(type); i++) { to[i] = (type)(first + i); } \
    } \
    while (0)

#define RAMP_OF_REAL(type) \
    do \
    { \
        type *to = (type *)(void *)block; \
        for (size_t i = 0; i < length / sizeof(type); i++) { to[i] = (type)((first + i) & 65535U); } \
    } \
    while (0)

/* block is aligned for any type; first is the value of its first element. */
static void ramp_block(int dtype, uint64_t first, uint8_t *block, size_t length)
{
    memset(block, 0, length);
    switch (tp_dtype_size(dtype))
    {
        case 2: RAMP_OF(uint16_t); break;
        case 4: if (TP_DTYPE_FLOAT32 == dtype) { RAMP_OF_REAL(float); } else { RAMP_OF(uint32_t); } break;
        case 8: if (TP_DTYPE_FLOAT64 == dtype) { RAMP_OF_REAL(double); } else { RAMP_OF(uint64_t); } break;
        default: RAMP_OF(uint8_t); break;
    }
}

static void noise_block(uint64_t state, uint8_t *block, size_t length)
{
    for (size_t i = 0; i < length; i += 8)
    {
        uint64_t z = state + (i / 8 + 1) * UINT64_C(0x9E3779B97F4A7C15);
        z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
        z ^= z >> 31;
        memcpy(block + i, &z, length - i < 8 ? length - i : 8);
    }
}

/* The bytes at..at+length of the payload of frame seq; length <= BLOCK_BYTES, at a multiple of BLOCK_BYTES. */
static const uint8_t *expected(cli_pattern_t pattern, int dtype, uint64_t seq, size_t at, size_t length, uint8_t *scratch)
{
    if (CLI_PATTERN_COUNTER == pattern) { return counter_block(seq + at); }
    if (CLI_PATTERN_RAMP == pattern)
    {
        const size_t size = tp_dtype_size(dtype);
        ramp_block(dtype, seq + at / (size > 0 ? size : 1), scratch, length);
        return scratch;
    }
    noise_block((seq << 32) + at / 8 * UINT64_C(0x9E3779B97F4A7C15), scratch, length);
    return scratch;
}

void cli_pattern_fill(cli_pattern_t pattern, int dtype, uint64_t seq, void *payload, size_t length)
{
    _Alignas(64) uint8_t scratch[BLOCK_BYTES];
    for (size_t at = 0; at < length; at += BLOCK_BYTES)
    {
        const size_t part = length - at < BLOCK_BYTES ? length - at : BLOCK_BYTES;
        memcpy((uint8_t *)payload + at, expected(pattern, dtype, seq, at, part, scratch), part);
    }
}

bool cli_pattern_matches(cli_pattern_t pattern, int dtype, uint64_t seq, const void *payload, size_t length)
{
    _Alignas(64) uint8_t scratch[BLOCK_BYTES];
    for (size_t at = 0; at < length; at += BLOCK_BYTES)
    {
        const size_t part = length - at < BLOCK_BYTES ? length - at : BLOCK_BYTES;
        if (0 != memcmp((const uint8_t *)payload + at, expected(pattern, dtype, seq, at, part, scratch), part)) { return false; }
    }
    return true;
}
