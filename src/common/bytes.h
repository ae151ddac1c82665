/* Numbers at any place of a byte buffer, in the host's order. The caller has checked that they lie within it. */
#ifndef TPI_COMMON_BYTES_H
#define TPI_COMMON_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint32_t tpi_u32_at(const uint8_t *bytes, size_t at)
{
    uint32_t value;
    memcpy(&value, bytes + at, sizeof(value));
    return value;
}

static inline uint64_t tpi_u64_at(const uint8_t *bytes, size_t at)
{
    uint64_t value;
    memcpy(&value, bytes + at, sizeof(value));
    return value;
}

#endif
