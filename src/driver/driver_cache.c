/*
 * Tells when the ring of a stream leaves the last-level cache. Once for each geometry, when its first epoch has been made; driver's thread. Nothing
 * is said where the size of the cache is not known.
 */
#include "common/cache.h"
#include "common/log.h"
#include "driver/driver_state.h"

#define MIB (1024.0 * 1024.0)

static uint64_t cache_bytes(const tpi_driver_t *driver)
{
    if (0 == driver->options.cache_bytes) { return tpi_cache_bytes(); }
    return driver->options.cache_bytes > 0 ? (uint64_t)driver->options.cache_bytes : 0;
}

void tpi_driver_say_cache(const tpi_driver_t *driver, uint32_t stream_id, const tp_profile_config_t *geometry)
{
    const uint64_t cache = cache_bytes(driver);
    uint64_t stride = 0;
    for (uint32_t i = 0; i < geometry->pool_count; i++)
    {
        if (geometry->pools[i].stride_bytes > stride) { stride = geometry->pools[i].stride_bytes; }
    }
    const uint64_t ring = geometry->header_nslots * stride;
    if (0 == cache || ring <= cache) { return; }                                 /* L-412 */
    uint32_t fit = geometry->header_nslots;
    while (fit > 0 && fit * stride > cache) { fit /= 2; }
    TPI_LOG_INFO("stream %u: %u slots of %llu bytes are %.1f MiB, more than the last-level cache of %.1f MiB: frames go through memory, filling one "
        "takes about twice as long (less with tp_frame_copy) and readers find nothing of it in the cache; %u slots would fit", stream_id,
        geometry->header_nslots, (unsigned long long)stride, (double)ring / MIB, (double)cache / MIB, fit);
}
