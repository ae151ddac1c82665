/* Owns the mappings of one epoch. Cold: map, check, delete on the conductor. Hot: fit and find, read-only, any thread that holds the set. */
#include "shm/pool_set.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "common/alloc.h"
#include "common/err.h"

void tpi_pool_set_spec_take_pools(tpi_pool_set_spec_t *spec, tpi_pool_spec_t *pools, const tpc_pool_entry_t *entries, size_t count)
{
    for (size_t i = 0; i < count; i++)
    {
        pools[i] = (tpi_pool_spec_t){ .pool_id = entries[i].pool_id, .nslots = entries[i].pool_nslots, .stride_bytes = entries[i].stride_bytes,
            .uri = entries[i].region_uri.data, .uri_length = entries[i].region_uri.length };
    }
    spec->pools = pools;
    spec->pool_count = count;
}

static int check_pool_spec(const tpi_pool_set_spec_t *spec, size_t index)
{
    const tpi_pool_spec_t *const pool = &spec->pools[index];
    if (pool->nslots != spec->header_nslots)                                                                      /* W-062 */
    {
        TPI_SET_ERR(TP_EPROTOCOL, "pool %u: poolNslots = %" PRIu32 ", headerNslots = %" PRIu32, pool->pool_id, pool->nslots, spec->header_nslots);
        return -1;
    }
    if (0 == pool->stride_bytes || 0 != pool->stride_bytes % 64)                                                  /* W-213; O-6: no power of two */
    {
        TPI_SET_ERR(TP_EPROTOCOL, "pool %u: strideBytes = %" PRIu32 " is not a non-zero multiple of 64", pool->pool_id, pool->stride_bytes);
        return -1;
    }
    for (size_t i = 0; i < index; i++)
    {
        if (spec->pools[i].pool_id != pool->pool_id) { continue; }
        TPI_SET_ERR(TP_EPROTOCOL, "pool id %u is given twice", pool->pool_id);                                    /* O-46 */
        return -1;
    }
    return 0;
}

int tpi_pool_set_spec_check(const tpi_pool_set_spec_t *spec)
{
    if (TPC_LAYOUT_VERSION != spec->layout_version)                                                               /* A7, W-011 W-200 X-004 */
    {
        TPI_SET_ERR(TP_ELAYOUT, "layoutVersion = %" PRIu32 ", only %d is supported", spec->layout_version, TPC_LAYOUT_VERSION);
        return -1;
    }
    if (TPI_SLOT_BYTES != spec->header_slot_bytes)                                                                /* A8, W-076 */
    {
        TPI_SET_ERR(TP_EPROTOCOL, "headerSlotBytes = %" PRIu32 ", it has to be %u", spec->header_slot_bytes, TPI_SLOT_BYTES);
        return -1;
    }
    if (0 == spec->header_nslots || spec->header_nslots > TPI_NSLOTS_MAX || 0 != (spec->header_nslots & (spec->header_nslots - 1)))   /* W-013 */
    {
        TPI_SET_ERR(TP_EPROTOCOL, "headerNslots = %" PRIu32 " is not a power of two up to %u", spec->header_nslots, TPI_NSLOTS_MAX);
        return -1;
    }
    if (0 == spec->pool_count || spec->pool_count > TPI_POOLS_MAX)                                                /* trap P2 */
    {
        TPI_SET_ERR(TP_EPROTOCOL, "payload pools = %zu, 1 to %u are possible", spec->pool_count, TPI_POOLS_MAX);
        return -1;
    }
    for (size_t i = 0; i < spec->pool_count; i++)
    {
        if (check_pool_spec(spec, i) < 0) { return -1; }
    }
    return 0;
}

static tpi_region_expect_t expect_ring(const tpi_pool_set_spec_t *spec)
{
    return (tpi_region_expect_t){ .type = TPI_REGION_HEADER_RING, .layout_version = spec->layout_version, .epoch = spec->epoch,
        .stream_id = spec->stream_id, .nslots = spec->header_nslots };
}

static tpi_region_expect_t expect_pool(const tpi_pool_set_spec_t *spec, uint16_t pool_id, uint32_t stride_bytes)
{
    tpi_region_expect_t expect = expect_ring(spec);
    expect.type = TPI_REGION_PAYLOAD_POOL;
    expect.pool_id = pool_id;
    expect.stride_bytes = stride_bytes;
    return expect;
}

static int by_stride(const void *a, const void *b)
{
    const tpi_pool_t *const left = a;
    const tpi_pool_t *const right = b;
    if (left->stride_bytes != right->stride_bytes) { return left->stride_bytes < right->stride_bytes ? -1 : 1; }
    return (left->pool_id > right->pool_id) - (left->pool_id < right->pool_id);
}

int tpi_pool_set_map(tpi_pool_set_t **set, const tpi_pool_set_spec_t *spec, const tpi_base_dirs_t *bases, bool writable,
    const tpi_file_policy_t *policy)
{
    if (tpi_pool_set_spec_check(spec) < 0) { return -1; }
    tpi_pool_set_t *const made = tpi_alloc(sizeof(*made));
    if (NULL == made) { return -1; }
    made->stream_id = spec->stream_id;
    made->epoch = spec->epoch;
    made->nslots = spec->header_nslots;
    made->index_mask = spec->header_nslots - 1;
    made->ring = (tpi_region_t)TPI_REGION_INIT;
    made->pools = tpi_alloc_array(spec->pool_count, sizeof(*made->pools));
    if (NULL == made->pools) { goto fail; }

    const tpi_region_expect_t ring = expect_ring(spec);
    if (tpi_region_map(&made->ring, bases, spec->header_uri, spec->header_uri_length, &ring, writable, policy) < 0)
    {
        tpi_err_prefix("stream %" PRIu32 " epoch %" PRIu64 " header ring: ", spec->stream_id, spec->epoch);       /* W-217 */
        goto fail;
    }
    for (size_t i = 0; i < spec->pool_count; i++)
    {
        const tpi_pool_spec_t *const from = &spec->pools[i];
        const tpi_region_expect_t expect = expect_pool(spec, from->pool_id, from->stride_bytes);
        tpi_pool_t *const pool = &made->pools[i];
        pool->pool_id = from->pool_id;
        pool->stride_bytes = from->stride_bytes;
        if (tpi_region_map(&pool->region, bases, from->uri, from->uri_length, &expect, writable, policy) < 0)  /* W-228 W-230 */
        {
            tpi_err_prefix("stream %" PRIu32 " epoch %" PRIu64 " pool %u: ", spec->stream_id, spec->epoch, from->pool_id);
            goto fail;
        }
        made->pool_count++;
    }
    made->is_guarded = 0 != made->ring.guard;
    for (size_t i = 0; i < made->pool_count; i++) { made->is_guarded = made->is_guarded || 0 != made->pools[i].region.guard; }
    qsort(made->pools, made->pool_count, sizeof(*made->pools), by_stride);
    *set = made;
    return 0;
fail:
    tpi_pool_set_delete(made);                                                                                    /* W-218: all or nothing */
    return -1;
}

int tpi_pool_set_check(const tpi_pool_set_t *set, const tpi_pool_set_spec_t *spec)
{
    if (tpi_pool_set_spec_check(spec) < 0) { return -1; }
    if (set->stream_id != spec->stream_id || set->epoch != spec->epoch || set->nslots != spec->header_nslots || set->pool_count != spec->pool_count)
    {
        TPI_SET_ERR(TP_ESUPERBLOCK, "stream %" PRIu32 " epoch %" PRIu64 ": mapped %" PRIu32 " slots and %zu pools, announced epoch %" PRIu64
            " with %" PRIu32 " slots and %zu pools", set->stream_id, set->epoch, set->nslots, set->pool_count, spec->epoch, spec->header_nslots,
            spec->pool_count);
        return -1;
    }
    const tpi_region_expect_t ring = expect_ring(spec);
    if (tpi_region_check(&set->ring, &ring) < 0)
    {
        tpi_err_prefix("header ring: ");
        return -1;
    }
    for (size_t i = 0; i < spec->pool_count; i++)
    {
        const tpi_pool_spec_t *const announced = &spec->pools[i];
        const tpi_pool_t *const pool = tpi_pool_set_find(set, announced->pool_id);
        if (NULL == pool || pool->stride_bytes != announced->stride_bytes)
        {
            TPI_SET_ERR(TP_ESUPERBLOCK, "pool %u with strideBytes = %" PRIu32 " is announced but not mapped so", announced->pool_id,
                announced->stride_bytes);
            return -1;
        }
        const tpi_region_expect_t expect = expect_pool(spec, pool->pool_id, pool->stride_bytes);
        if (tpi_region_check(&pool->region, &expect) < 0)
        {
            tpi_err_prefix("pool %u: ", pool->pool_id);
            return -1;
        }
    }
    return 0;
}

int tpi_pool_set_check_self(const tpi_pool_set_t *set)
{
    tpi_pool_spec_t pools[TPI_POOLS_MAX];
    const tpi_pool_set_spec_t spec = { .stream_id = set->stream_id, .epoch = set->epoch, .layout_version = TPC_LAYOUT_VERSION,
        .header_nslots = set->nslots, .header_slot_bytes = TPI_SLOT_BYTES, .pool_count = set->pool_count, .pools = pools };
    for (size_t i = 0; i < set->pool_count; i++)
    {
        pools[i] = (tpi_pool_spec_t){ .pool_id = set->pools[i].pool_id, .nslots = set->nslots, .stride_bytes = set->pools[i].stride_bytes };
    }
    return tpi_pool_set_check(set, &spec);
}

bool tpi_pool_set_is_removed(const tpi_pool_set_t *set)
{
    struct stat st;
    if (set->ring.fd < 0 || 0 != fstat(set->ring.fd, &st) || 0 != st.st_nlink) { return false; }
    TPI_SET_ERR(TP_EREGION, "the file of the header ring of epoch %" PRIu64 " was removed", set->epoch);
    return true;
}

uint64_t tpi_pool_set_activity_ns(const tpi_pool_set_t *set)
{
    uint64_t oldest = tpi_region_activity_ns(&set->ring);
    for (size_t i = 0; i < set->pool_count; i++)
    {
        const uint64_t activity = tpi_region_activity_ns(&set->pools[i].region);
        if (activity < oldest) { oldest = activity; }
    }
    return oldest;
}

void tpi_pool_set_refresh(tpi_pool_set_t *set, uint64_t now_ns)
{
    tpi_region_set_activity_ns(&set->ring, now_ns);                                                               /* W-006 */
    for (size_t i = 0; i < set->pool_count; i++) { tpi_region_set_activity_ns(&set->pools[i].region, now_ns); }
}

int tpi_pool_set_lock(const tpi_pool_set_t *set)
{
    if (tpi_region_lock(&set->ring, true) < 0) { return -1; }
    for (size_t i = 0; i < set->pool_count; i++)
    {
        if (tpi_region_lock(&set->pools[i].region, true) < 0) { return -1; }
    }
    return 0;
}

void tpi_pool_set_delete(tpi_pool_set_t *set)
{
    if (NULL == set) { return; }
    tpi_region_unmap(&set->ring);
    for (size_t i = 0; i < set->pool_count; i++) { tpi_region_unmap(&set->pools[i].region); }
    tpi_free(set->pools);
    tpi_free(set);
}

const tpi_pool_t *tpi_pool_set_fit_larger(const tpi_pool_set_t *set, uint64_t length)
{
    for (size_t i = 1; i < set->pool_count; i++)
    {
        if (length <= set->pools[i].stride_bytes) { return &set->pools[i]; }                                      /* W-059 */
    }
    return NULL;                                                                                                  /* W-060 */
}

const tpi_pool_t *tpi_pool_set_find(const tpi_pool_set_t *set, uint16_t pool_id)
{
    for (size_t i = 0; i < set->pool_count; i++)
    {
        if (pool_id == set->pools[i].pool_id) { return &set->pools[i]; }
    }
    return NULL;
}
