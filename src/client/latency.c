/* Stateless apart from the histogram passed in. */
#include "client/latency.h"

static uint32_t bucket_of(uint64_t ns)
{
    if (ns < TPI_LATENCY_STEPS) { return (uint32_t)ns; }
    const uint32_t exponent = 63u - (uint32_t)__builtin_clzll(ns);                 /* >= 4 */
    return (exponent - 3u) * TPI_LATENCY_STEPS + (uint32_t)((ns >> (exponent - 4u)) & (TPI_LATENCY_STEPS - 1u));
}

static uint64_t upper_of(uint32_t bucket)
{
    if (bucket < TPI_LATENCY_STEPS) { return bucket; }
    const uint32_t exponent = bucket / TPI_LATENCY_STEPS + 3u;
    const uint64_t step = bucket % TPI_LATENCY_STEPS;
    return ((TPI_LATENCY_STEPS + step + 1u) << (exponent - 4u)) - 1u;
}

void tpi_latency_record(tpi_latency_t *latency, int64_t ns)
{
    const uint64_t value = ns < 0 ? 0 : (uint64_t)ns;
    tpi_stat_add(&latency->buckets[bucket_of(value)], 1);
    tpi_stat_add(&latency->count, 1);
    if (value > tpi_stat_get(&latency->max_ns)) { tpi_stat_set(&latency->max_ns, value); }
}

uint64_t tpi_latency_percentile(const tpi_latency_t *latency, double share)
{
    uint64_t total = 0;
    uint64_t seen = 0;
    const uint64_t max_ns = tpi_stat_get(&latency->max_ns);
    for (uint32_t i = 0; i < TPI_LATENCY_BUCKETS; i++) { total += tpi_stat_get(&latency->buckets[i]); }
    if (0 == total) { return 0; }
    for (uint32_t i = 0; i < TPI_LATENCY_BUCKETS; i++)
    {
        seen += tpi_stat_get(&latency->buckets[i]);
        if ((double)seen >= share * (double)total) { return upper_of(i) < max_ns ? upper_of(i) : max_ns; }
    }
    return max_ns;
}
