/*
 * Claim, commit, abort: the way of a frame out. Producer's thread only. No lock, no allocation, no system call but one vDSO clock read, no log.
 *
 * Every claimed seq has an entry in the window [head, next_seq). Its descriptor leaves when all older frames are committed or aborted (O-41); a
 * descriptor that the bus refuses stays where it is and goes out first at the next opportunity (trap A2).
 */
#include "client/producer_state.h"

#include <string.h>

#include "codec/codec_wire.h"
#include "common/clock.h"

#define SEQ_END (UINT64_C(1) << 63)            /* W-253 O-40 */

static tpi_frame_entry_t *entry_of(tp_producer_t *p, uint64_t seq) { return &p->window[seq & (TPI_WINDOW_MAX - 1)]; }

/* ---- descriptors -------------------------------------------------------------------------------------------------------- */

static int64_t send_descriptor(const tp_producer_t *p, const tpi_producer_map_t *map, tpi_publication_t *publication, uint64_t seq,
    const tpi_frame_entry_t *entry)
{
    tpi_bus_claim_t bus;
    int64_t rc = TP_ADMIN_ACTION;
    for (int i = 0; TP_ADMIN_ACTION == rc && i < TPI_ADMIN_RETRIES; i++)         /* A2: term rotation is no refusal */
    {
        rc = tpi_publication_claim(publication, TPC_FRAME_DESCRIPTOR_LENGTH, &bus);
    }
    if (rc < 0) { return rc; }
    tpc_frame_descriptor_t d = TPC_FRAME_DESCRIPTOR_INIT;
    d.stream_id = map->stream_id;
    d.epoch = map->epoch;
    d.seq = seq;                                                                 /* W-093 */
    d.meta_version = entry->meta_version;
    d.trace_id = entry->trace_id;
    if (p->publish_time) { d.timestamp_ns = (uint64_t)tpi_clock_monotonic_ns(); }       /* W-103 W-104 W-196 */
    (void)tpc_frame_descriptor_encode(bus.data, bus.length, &d);
    tpi_bus_claim_commit(&bus);
    return rc;
}

static void leave(tp_producer_t *p, tpi_frame_entry_t *entry)
{
    if (TPI_FRAME_READY == entry->state) { p->ready--; }
    entry->state = TPI_FRAME_READY == entry->state ? TPI_FRAME_LEFT : TPI_FRAME_FREE;
    p->head++;
}

/* ---- private streams ---------------------------------------------------------------------------------------------------- */

/*
 * One consumer's own stream: every committed frame in seq order, thinned out when it is RATE_LIMITED. What its publication refuses waits, for as long
 * as the window still knows the frame; nobody else waits with it. true: own_seq went out.
 */
static bool flush_link(tp_producer_t *p, const tpi_producer_map_t *map, tpi_private_link_t *link, uint64_t from, uint64_t own_seq, int64_t now_ns)
{
    const uint32_t hz = atomic_load_explicit(&link->rate_hz, memory_order_relaxed);
    bool own_sent = false;
    if (link->epoch != map->epoch)
    {
        link->epoch = map->epoch;
        link->cursor = from;
    }
    for (; link->cursor < p->next_seq; link->cursor++)
    {
        const tpi_frame_entry_t *entry = entry_of(p, link->cursor);
        if (p->next_seq - link->cursor > map->window) { tpi_stat_add(&p->private_dropped, 1); continue; }
        if (TPI_FRAME_CLAIMED == entry->state) { break; }
        if (TPI_FRAME_READY != entry->state && TPI_FRAME_LEFT != entry->state) { continue; }
        /* W-134 W-192 S-051 S-037 S-035 O-26 */
        if (!tpi_rate_gate_is_due(&link->gate, hz, now_ns)) { tpi_stat_add(&p->private_thinned, 1); continue; }
        const int64_t rc = send_descriptor(p, map, link->publication, link->cursor, entry);             /* S-029 */
        if (TP_BACK_PRESSURED == rc || TP_ADMIN_ACTION == rc) { break; }
        if (rc < 0) { tpi_stat_add(&p->private_dropped, 1); continue; }
        tpi_rate_gate_take(&link->gate, hz, now_ns);
        tpi_stat_add(&p->private_sent, 1);
        if (own_seq == link->cursor) { own_sent = true; }
    }
    return own_sent;
}

/* The set is let go of at the end: its links can be closed although nobody publishes any more. */
static bool flush_links(tp_producer_t *p, const tpi_producer_map_t *map, uint64_t from, uint64_t own_seq)
{
    bool own_sent = false;
    int64_t now_ns = INT64_MIN;
    const tpi_link_set_t *set = tpi_handoff_take(&p->link_sets);
    for (uint32_t i = 0; NULL != set && i < set->count[TPI_PRIVATE_DESCRIPTOR]; i++)
    {
        tpi_private_link_t *link = set->links[TPI_PRIVATE_DESCRIPTOR][i];
        const bool is_gated = 0 != atomic_load_explicit(&link->rate_hz, memory_order_relaxed);
        if (is_gated && INT64_MIN == now_ns) { now_ns = tpi_client_now(p->client); }
        if (flush_link(p, map, link, from, own_seq, now_ns)) { own_sent = true; }
    }
    tpi_handoff_release(&p->link_sets);
    return own_sent;
}

/* Sends what may go, in seq order. *own is set to the fate of own_seq when that is decided here. Number sent. */
static int flush_window(tp_producer_t *p, tpi_producer_map_t *map, uint64_t own_seq, int64_t *own)
{
    int sent = 0;
    const uint64_t from = p->head;
    while (p->head < p->next_seq)
    {
        tpi_frame_entry_t *entry = entry_of(p, p->head);
        if (TPI_FRAME_CLAIMED == entry->state) { break; }
        if (TPI_FRAME_READY == entry->state)
        {
            const int64_t rc = send_descriptor(p, map, map->publication, p->head, entry);
            if (TP_BACK_PRESSURED == rc || TP_ADMIN_ACTION == rc)
            {
                tpi_stat_add(&p->back_pressured, 1);
                break;
            }
            if (rc > 0) { tpi_stat_add(&p->descriptors_sent, 1); sent++; }
            else if (TP_NOT_CONNECTED == rc) { tpi_stat_add(&p->not_connected, 1); }
            else { tpi_stat_add(&p->descriptors_dropped, 1); }
            if (NULL != own && p->head == own_seq && rc < 0) { *own = rc; }
        }
        leave(p, entry);
    }
    tpi_stat_set(&p->descriptors_parked, p->ready);
    if (NULL != tpi_handoff_published(&p->link_sets) && flush_links(p, map, from, own_seq) && NULL != own && TP_NOT_CONNECTED == *own)
    {
        *own = (int64_t)own_seq;                           /* somebody listens */
    }
    return sent;
}

/* The window is full of descriptors that wait for the bus: the oldest is given up, its slot is about to be used again. */
static bool give_up_oldest(tp_producer_t *p)
{
    tpi_frame_entry_t *entry = entry_of(p, p->head);
    if (TPI_FRAME_CLAIMED == entry->state) { return false; }
    if (TPI_FRAME_READY == entry->state)
    {
        tpi_stat_add(&p->descriptors_dropped, 1);
        p->gave_up = true;
    }
    leave(p, entry);
    tpi_stat_set(&p->descriptors_parked, p->ready);
    return true;
}

int tp_producer_flush(tp_producer_t *producer)
{
    if (NULL == producer) { return TP_INVALID_ARGUMENT; }
    tpi_producer_map_t *map = producer->map;
    if (!tpi_handoff_is_current(&producer->handoff, map)) { map = tpi_producer_switch(producer); }
    if (NULL == map) { return TP_LEASE_LOST; }
    if (0 != producer->progress.running) { tpi_producer_progress_look_again(producer, map); }
    const int sent = flush_window(producer, map, UINT64_MAX, NULL);
    tpi_producer_wake(map);
    return sent;
}

/* ---- mapping ------------------------------------------------------------------------------------------------------------ */

tpi_producer_map_t *tpi_producer_switch(tp_producer_t *producer)
{
    tp_producer_t *p = producer;
    tpi_stat_set(&p->stat_next_seq, 0);                                          /* before the new mapping counts as taken */
    p->map = tpi_handoff_take(&p->handoff);
    if (0 != p->ready) { tpi_stat_add(&p->descriptors_dropped, p->ready); }     /* of an epoch that is over */
    for (uint64_t seq = p->head; seq < p->next_seq; seq++) { entry_of(p, seq)->state = TPI_FRAME_FREE; }
    p->ready = 0;
    p->head = 0;
    p->next_seq = 0;                                                             /* W-111 */
    tpi_stat_set(&p->descriptors_parked, 0);
    return p->map;
}

/* ---- claim -------------------------------------------------------------------------------------------------------------- */

int64_t tpi_producer_lost(tp_producer_t *producer)
{
    tp_producer_t *p = producer;
    tpi_stat_add(&p->lease_lost, 1);
    return atomic_load_explicit(&p->client->closing, memory_order_relaxed) ? TP_CLOSED : TP_LEASE_LOST;
}

/* Room for one more frame, or a named negative. */
static int64_t make_room(tp_producer_t *p, tpi_producer_map_t *map)
{
    if (p->next_seq >= SEQ_END)
    {
        atomic_store_explicit(&p->wants_epoch, true, memory_order_relaxed);
        return tpi_producer_lost(p);
    }
    /* O-41 */
    if (0 == p->free_count || atomic_load_explicit(&map->claims_out, memory_order_relaxed) >= map->claims_max) { return TP_TOO_MANY_CLAIMS; }
    if (p->next_seq - p->head < map->window) { return 0; }
    (void)flush_window(p, map, UINT64_MAX, NULL);
    if (p->next_seq - p->head < map->window) { return 0; }
    return give_up_oldest(p) ? 0 : TP_TOO_MANY_CLAIMS;
}

int64_t tpi_producer_claim(tp_producer_t *producer, tpi_producer_map_t *map, const tpi_pool_t *pool, const tp_tensor_template_t *tensor,
    uint64_t length, uint64_t timestamp_ns, tp_buffer_claim_t *claim)
{
    tp_producer_t *p = producer;
    const int64_t room = make_room(p, map);
    if (room < 0) { return room; }
    const uint64_t seq = p->next_seq++;
    const uint32_t index = tpi_pool_set_index(map->set, seq);
    const uint16_t at = p->free_claims[--p->free_count];
    tpi_claim_entry_t *e = &p->claims[at];
    e->serial = ++p->next_serial;
    e->map = map;
    e->slot = tpi_pool_set_slot(map->set, index);
    e->tensor = tensor;
    e->seq = seq;
    e->length = (size_t)length;
    e->index = index;
    e->pool_id = pool->pool_id;
    e->progress.phase = TPI_PROGRESS_IDLE;                                       /* the rest is set with STARTED */
    e->progress.filled = 0;
    entry_of(p, seq)->state = TPI_FRAME_CLAIMED;
    atomic_store_explicit(&map->claims_out, atomic_load_explicit(&map->claims_out, memory_order_relaxed) + 1, memory_order_release);
    tpi_stat_set(&p->stat_next_seq, p->next_seq);
    tpi_slot_begin(e->slot, seq);                                                /* W-040 */
    *claim = (tp_buffer_claim_t){ .size = sizeof(*claim), .pool_id = pool->pool_id, .payload = tpi_pool_payload(pool, index),
        .length = (size_t)length, .capacity = pool->stride_bytes, .seq = seq, .timestamp_ns = timestamp_ns, .opaque = { e->serial, at } };
    return (int64_t)seq;
}

static int64_t claim_frame(tp_producer_t *p, tpi_producer_map_t *map, const tp_tensor_template_t *tensor, uint64_t length, uint64_t timestamp_ns,
    tp_buffer_claim_t *claim)
{
    const tpi_pool_t *pool = tpi_pool_set_fit(map->set, length);
    if (NULL == pool)
    {
        tpi_stat_add(&p->no_pool_fits, 1);                                       /* W-060: dropped at the source, at once */
        return TP_NO_POOL_FITS;
    }
    return tpi_producer_claim(p, map, pool, tensor, length, timestamp_ns, claim);
}

int64_t tp_producer_try_claim(tp_producer_t *producer, const tp_tensor_template_t *tensor, tp_buffer_claim_t *claim)
{
    if (NULL == producer || NULL == tensor || NULL == claim) { return TP_INVALID_ARGUMENT; }
    tpi_producer_map_t *map = tpi_producer_current_map(producer);
    if (NULL == map) { return tpi_producer_lost(producer); }
    const int64_t now_ns = tpi_clock_monotonic_ns();                             /* the one clock read: capture time and deadline; W-195 W-196 */
    if (now_ns > atomic_load_explicit(&producer->valid_until_ns, memory_order_relaxed)) { return tpi_producer_lost(producer); }      /* D-103 M8 */
    return claim_frame(producer, map, tensor, tensor->extent_bytes, (uint64_t)now_ns, claim);
}

int64_t tp_producer_try_claim_at(tp_producer_t *producer, const tp_tensor_template_t *tensor, size_t length, uint64_t timestamp_ns,
    tp_buffer_claim_t *claim)
{
    if (NULL == producer || NULL == tensor || NULL == claim || length > UINT32_MAX) { return TP_INVALID_ARGUMENT; }
    tpi_producer_map_t *map = tpi_producer_current_map(producer);
    if (NULL == map) { return tpi_producer_lost(producer); }
    return claim_frame(producer, map, tensor, length, timestamp_ns, claim);
}

/* ---- commit and abort --------------------------------------------------------------------------------------------------- */

/* Every claim ends here, once. The map may be freed by the conductor from now on when it is an old one. */
static void end_claim(tp_producer_t *p, tpi_claim_entry_t *e, tp_buffer_claim_t *claim)
{
    tpi_producer_map_t *map = e->map;
    e->serial = 0;
    if (TPI_PROGRESS_RUNNING == e->progress.phase) { p->progress.running--; }
    p->free_claims[p->free_count++] = (uint16_t)claim->opaque[1];
    atomic_store_explicit(&map->claims_out, atomic_load_explicit(&map->claims_out, memory_order_relaxed) - 1, memory_order_release);
    claim->opaque[0] = 0;
    claim->payload = NULL;
}

static uint32_t version_of(const tp_producer_t *p, const tp_frame_metadata_t *metadata)
{
    if (NULL != metadata && TP_NULL_U32 != metadata->meta_version) { return metadata->meta_version; }
    return tpi_producer_meta_frame_version(&p->meta);                            /* W-181 */
}

static void commit_slot(tp_producer_t *p, const tpi_claim_entry_t *e, const tp_buffer_claim_t *claim, uint64_t timestamp_ns, uint32_t meta_version)
{
    uint64_t image[TPI_SLOT_WORDS];
    memcpy(image, e->tensor->image, sizeof(image));
    tpc_slot_patch(image, (uint32_t)claim->length, e->index, e->pool_id, timestamp_ns, meta_version);      /* T-033: no trace id */
    if (NULL != p->flush) { p->flush(p->flush_clientd, claim->payload, claim->length); }        /* W-042 W-043 */
    tpi_slot_commit(e->slot, e->seq, image);                                     /* W-035 W-094: before anything is sent */
}

/* Capture time of a frame: the caller's, the claim's, or that of the commit, which then is compared with the deadline. false: too late. */
static bool time_frame(const tp_producer_t *p, const tp_buffer_claim_t *claim, const tp_frame_metadata_t *metadata, uint64_t *timestamp_ns)
{
    *timestamp_ns = claim->timestamp_ns;                                         /* W-102 W-104 */
    if (NULL != metadata && TP_NULL_U64 != metadata->timestamp_ns) { *timestamp_ns = metadata->timestamp_ns; }
    if (TP_NULL_U64 != *timestamp_ns) { return true; }
    const int64_t now_ns = tpi_clock_monotonic_ns();
    *timestamp_ns = (uint64_t)now_ns;
    return now_ns <= atomic_load_explicit((_Atomic int64_t *)(uintptr_t)&p->valid_until_ns, memory_order_relaxed);       /* D-103 M8 */
}

/* Not committed, the slot is not touched: the regions are no longer ours (M8). */
static int64_t void_claim(tp_producer_t *p, tpi_claim_entry_t *e, tp_buffer_claim_t *claim, bool is_current)
{
    if (is_current) { entry_of(p, e->seq)->state = TPI_FRAME_ABORTED; }
    end_claim(p, e, claim);
    return tpi_producer_lost(p);
}

int64_t tp_producer_commit_claim(tp_producer_t *producer, tp_buffer_claim_t *claim, const tp_frame_metadata_t *metadata)
{
    tp_producer_t *p = producer;
    uint64_t timestamp_ns;
    if (NULL == p || NULL == claim) { return TP_INVALID_ARGUMENT; }
    tpi_claim_entry_t *e = tpi_producer_find_claim(p, claim);
    if (NULL == e) { return TP_INVALID_CLAIM; }
    if (claim->length > e->length || claim->length < e->progress.filled) { return TP_INVALID_ARGUMENT; }         /* W-167 */
    tpi_producer_map_t *map = tpi_producer_current_map(p);
    if (e->map != map) { return void_claim(p, e, claim, false); }
    const bool is_late = tpi_clock_coarse_ns() > atomic_load_explicit(&p->valid_until_ns, memory_order_relaxed);         /* M8 D-103 */
    if (is_late || !time_frame(p, claim, metadata, &timestamp_ns)) { return void_claim(p, e, claim, true); }
    const uint64_t seq = e->seq;
    const uint32_t meta_version = version_of(p, metadata);
    commit_slot(p, e, claim, timestamp_ns, meta_version);
    tpi_frame_entry_t *entry = entry_of(p, seq);
    entry->state = TPI_FRAME_READY;
    entry->meta_version = meta_version;
    entry->trace_id = NULL == metadata ? TP_NULL_TRACE_ID : metadata->trace_id;  /* W-107 */
    tpi_producer_trace_t *trace = atomic_load_explicit(&p->trace, memory_order_acquire);
    if (NULL != trace) { entry->trace_id = tpi_producer_trace_commit(trace, map, seq, entry->trace_id); }
    p->ready++;
    tpi_stat_add(&p->frames, 1);
    tpi_stat_add(&p->bytes, claim->length);
    end_claim(p, e, claim);
    int64_t own = (int64_t)seq;
    (void)flush_window(p, map, seq, &own);
    tpi_producer_wake(map);                                                      /* L-201: after the slot and its descriptor */
    if (TPI_PROGRESS_RUNNING == e->progress.phase) { tpi_producer_progress_complete(p, map, e, claim->length); }     /* W-160 */
    if (own >= 0 && p->gave_up) { own = TP_BACK_PRESSURED; }
    p->gave_up = false;
    return own;
}

int64_t tp_producer_abort_claim(tp_producer_t *producer, tp_buffer_claim_t *claim)
{
    tp_producer_t *p = producer;
    if (NULL == p || NULL == claim) { return TP_INVALID_ARGUMENT; }
    tpi_claim_entry_t *e = tpi_producer_find_claim(p, claim);
    if (NULL == e) { return TP_INVALID_CLAIM; }
    tpi_producer_map_t *map = tpi_producer_current_map(p);
    const uint64_t seq = e->seq;
    const bool ours = e->map == map;
    tpi_stat_add(&p->aborted, 1);
    end_claim(p, e, claim);
    if (!ours) { return (int64_t)seq; }
    entry_of(p, seq)->state = TPI_FRAME_ABORTED;                                 /* the slot stays uncommitted: consumers see a gap */
    (void)flush_window(p, map, UINT64_MAX, NULL);
    tpi_producer_wake(map);                                                      /* frames that waited for this one may have left */
    return (int64_t)seq;
}

int64_t tp_producer_offer_frame(tp_producer_t *producer, const tp_tensor_template_t *tensor, const void *payload, size_t length,
    const tp_frame_metadata_t *metadata)
{
    tp_buffer_claim_t claim;
    if (NULL == producer || NULL == tensor || (NULL == payload && 0 != length) || length > UINT32_MAX) { return TP_INVALID_ARGUMENT; }
    const bool timed = NULL != metadata && TP_NULL_U64 != metadata->timestamp_ns;
    tpi_producer_map_t *map = tpi_producer_current_map(producer);
    if (NULL == map) { return tpi_producer_lost(producer); }
    const int64_t now_ns = timed ? 0 : tpi_clock_monotonic_ns();                   /* W-195 */
    if (!timed && now_ns > atomic_load_explicit(&producer->valid_until_ns, memory_order_relaxed)) { return tpi_producer_lost(producer); }
    const int64_t seq = claim_frame(producer, map, tensor, length, timed ? metadata->timestamp_ns : (uint64_t)now_ns, &claim);
    if (seq < 0) { return seq; }
    if (0 != length) { tpi_payload_write(claim.payload, payload, length); }
    return tp_producer_commit_claim(producer, &claim, metadata);
}
