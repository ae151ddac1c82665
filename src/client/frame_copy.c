/* tp_frame_copy: large fills. Owns nothing; producer's thread. */
#include <tensor_pool/client/tp_frame_copy.h>

#include "client/producer_state.h"
#include "common/cache.h"
#include "shm/payload_stream.h"

uint64_t tp_cache_bytes(void) { return tpi_cache_bytes(); }

/* Slots times stride of the pool the claim lies in; 0: there is no such pool. */
static uint64_t ring_bytes(const tpi_claim_entry_t *e)
{
    const tpi_pool_t *const pool = tpi_pool_set_find(e->map->set, e->pool_id);
    return NULL == pool ? 0 : (uint64_t)e->map->set->nslots * pool->stride_bytes;
}

int64_t tp_frame_copy(tp_producer_t *producer, const tp_buffer_claim_t *claim, size_t offset, const void *source, size_t length, int mode)
{
    if (NULL == producer || NULL == claim || (NULL == source && 0 != length)) { return TP_INVALID_ARGUMENT; }
    if (mode < TP_COPY_AUTO || mode > TP_COPY_STREAM) { return TP_INVALID_ARGUMENT; }
    const tpi_claim_entry_t *const e = tpi_producer_find_claim(producer, claim);
    if (NULL == e) { return TP_INVALID_CLAIM; }
    if (offset > e->length || length > e->length - offset) { return TP_INVALID_ARGUMENT; }       /* L-404 */
    if (0 == length) { return 0; }
    uint8_t *const to = (uint8_t *)claim->payload + offset;
    const bool streams = TP_COPY_STREAM == mode ||
        (TP_COPY_AUTO == mode && tpi_stream_pays(length, ring_bytes(e), tpi_cache_bytes()));     /* L-402 */
    if (streams) { tpi_payload_stream(to, source, length); } else { tpi_payload_write(to, source, length); }
    return (int64_t)length;
}
