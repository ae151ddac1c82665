/* tp_frame_copy: large fills. Owns nothing; producer's thread. */
#include <tensor_pool/client/tp_frame_copy.h>

#include "client/producer_state.h"
#include "common/cache.h"
#include "shm/payload_stream.h"

uint64_t tp_cache_bytes(void) { return tpi_cache_bytes(); }

/* A claim that is out: what was claimed, and slots times stride of the pool it lies in (0: there is no such pool). */
typedef struct room { uint64_t length; uint64_t ring_bytes; } room_t;

static bool find_room(tp_producer_t *p, const tp_buffer_claim_t *claim, room_t *room)
{
    const tpi_straight_t *const s = &p->straight;
    if (claim->opaque[0] == s->gate && s->gate >= TPI_SERIAL_FIRST)              /* the one on the straight way has no entry */
    {
        *room = (room_t){ s->length, (s->index_mask + 1) * s->stride_bytes };
        return true;
    }
    const tpi_claim_entry_t *const e = tpi_producer_find_claim(p, claim);
    if (NULL == e) { return false; }
    const tpi_pool_t *const pool = tpi_pool_set_find(e->map->set, e->pool_id);
    *room = (room_t){ e->length, NULL == pool ? 0 : (uint64_t)e->map->set->nslots * pool->stride_bytes };
    return true;
}

int64_t tp_frame_copy(tp_producer_t *producer, const tp_buffer_claim_t *claim, size_t offset, const void *source, size_t length, int mode)
{
    room_t room;
    if (NULL == producer || NULL == claim || (NULL == source && 0 != length)) { return TP_INVALID_ARGUMENT; }
    if (mode < TP_COPY_AUTO || mode > TP_COPY_STREAM) { return TP_INVALID_ARGUMENT; }
    if (!find_room(producer, claim, &room)) { return TP_INVALID_CLAIM; }
    if (offset > room.length || length > room.length - offset) { return TP_INVALID_ARGUMENT; }       /* L-404 */
    if (0 == length) { return 0; }
    uint8_t *const to = (uint8_t *)claim->payload + offset;
    const bool streams = TP_COPY_STREAM == mode ||
        (TP_COPY_AUTO == mode && tpi_stream_pays(length, room.ring_bytes, tpi_cache_bytes()));       /* L-402 */
    if (streams) { tpi_payload_stream(to, source, length); } else { tpi_payload_write(to, source, length); }
    return (int64_t)length;
}
