/*
 * Fixed buffers for devices that write into memory by themselves. A device is told the slots of one pool once; the application claims them ahead, in
 * seq order, and commits each when the device says that it is full, in any order. Producer's thread only; hot but for announcing.
 */
#include "client/producer_state.h"

static tpi_announcement_t *find(tp_producer_t *p, const tp_announced_buffers_t *buffers)
{
    if (buffers->opaque[1] >= TPI_ANNOUNCEMENTS_MAX || 0 == buffers->opaque[0]) { return NULL; }
    tpi_announcement_t *a = &p->announcements[buffers->opaque[1]];
    return a->serial == buffers->opaque[0] ? a : NULL;
}

static tpi_announcement_t *vacant(tp_producer_t *p)
{
    for (uint32_t i = 0; i < TPI_ANNOUNCEMENTS_MAX; i++) { if (0 == p->announcements[i].serial) { return &p->announcements[i]; } }
    return NULL;
}

/* What is announced stays mapped until it is revoked, whatever becomes of the lease (trap M9). */
static void pin(tpi_producer_map_t *map, int32_t by)
{
    const uint32_t pins = atomic_load_explicit(&map->pins, memory_order_relaxed);
    atomic_store_explicit(&map->pins, pins + (uint32_t)by, memory_order_release);
}

int64_t tp_producer_announce_buffers(tp_producer_t *producer, size_t length, tp_announced_buffers_t *buffers)
{
    tp_producer_t *p = producer;
    if (NULL == p || NULL == buffers || length > UINT32_MAX) { return TP_INVALID_ARGUMENT; }
    tpi_producer_map_t *map = tpi_producer_current_map(p);
    if (NULL == map) { return TP_LEASE_LOST; }
    const tpi_pool_t *pool = tpi_pool_set_fit(map->set, length);
    if (NULL == pool) { return TP_NO_POOL_FITS; }
    tpi_announcement_t *a = vacant(p);
    if (NULL == a) { return TP_TOO_MANY_CLAIMS; }
    tpi_producer_leave_straight(p);                        /* which counts serials for itself: none may come twice */
    *a = (tpi_announcement_t){ .serial = ++p->next_serial, .map = map, .pool = pool };
    pin(map, 1);
    *buffers = (tp_announced_buffers_t){ .size = sizeof(*buffers), .count = map->set->nslots, .base = tpi_pool_payload(pool, 0),
        .stride_bytes = pool->stride_bytes, .epoch = map->epoch, .pool_id = pool->pool_id,
        .opaque = { a->serial, (uint64_t)(a - p->announcements) } };
    return buffers->count;
}

int tp_producer_revoke_buffers(tp_producer_t *producer, tp_announced_buffers_t *buffers)
{
    if (NULL == producer || NULL == buffers) { return TP_INVALID_ARGUMENT; }
    tpi_announcement_t *a = find(producer, buffers);
    if (NULL == a) { return TP_INVALID_CLAIM; }
    a->serial = 0;
    buffers->opaque[0] = 0;
    buffers->base = NULL;
    buffers->count = 0;
    pin(a->map, -1);
    return 0;
}

int64_t tp_producer_queue_claim(tp_producer_t *producer, const tp_tensor_template_t *tensor, const tp_announced_buffers_t *buffers,
    tp_buffer_claim_t *claim)
{
    tp_producer_t *p = producer;
    if (NULL == p || NULL == tensor || NULL == buffers || NULL == claim) { return TP_INVALID_ARGUMENT; }
    const tpi_announcement_t *a = find(p, buffers);
    if (NULL == a) { return TP_INVALID_CLAIM; }
    tpi_producer_leave_straight(p);
    tpi_producer_map_t *map = tpi_producer_current_map(p);
    if (NULL == map || map != a->map) { return tpi_producer_lost(p); }           /* M8: the device writes into regions that are no longer ours */
    if (tensor->extent_bytes > a->pool->stride_bytes) { return TP_NO_POOL_FITS; }
    return tpi_producer_claim(p, map, a->pool, tensor, tensor->extent_bytes, TP_NULL_U64, claim);
}
