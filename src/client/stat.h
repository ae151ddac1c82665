/* A counter with one writer and any number of readers. Readers may be a moment behind. */
#ifndef TPI_CLIENT_STAT_H
#define TPI_CLIENT_STAT_H

#include <stdatomic.h>
#include <stdint.h>

typedef _Atomic uint64_t tpi_stat_t;

static inline void tpi_stat_add(tpi_stat_t *stat, uint64_t n)
{
    atomic_store_explicit(stat, atomic_load_explicit(stat, memory_order_relaxed) + n, memory_order_relaxed);
}

static inline void tpi_stat_set(tpi_stat_t *stat, uint64_t value) { atomic_store_explicit(stat, value, memory_order_relaxed); }

static inline uint64_t tpi_stat_get(const tpi_stat_t *stat)
{
    return atomic_load_explicit((tpi_stat_t *)(uintptr_t)stat, memory_order_relaxed);
}

static inline uint32_t tpi_load_u32(const _Atomic uint32_t *value)
{
    return atomic_load_explicit((_Atomic uint32_t *)(uintptr_t)value, memory_order_relaxed);
}

#endif
