/*
 * Claim, commit, abort: the long way of a frame out; producer_straight.c has the short one. Producer's thread only. No lock, no allocation, no system
 * call but one vDSO clock read, no log.
 *
 * Every claimed seq has an entry in the window [head, next_seq). Its descriptor leaves when all older frames are committed or aborted (O-41); a
 * descriptor that the bus refuses stays where it is and goes out first at the next opportunity (trap A2).
 */
#include "client/producer_state.h"

#include <string.h>

#include "common/clock.h"

#define SEQ_END (UINT64_C(1) << 63)            /* W-253 O-40 */

static tpi_frame_entry_t *entry_of(tp_producer_t *p, uint64_t seq) { return &p->window[seq & (TPI_WINDOW_MAX - 1)]; }

/* ---- descriptors -------------------------------------------------------------------------------------------------------- */

static void describe(const tp_producer_t *p, tpi_producer_map_t *map, uint64_t seq, const tpi_frame_entry_t *entry)
{
    tpc_frame_descriptor_patch(map->descriptor, seq, entry->meta_version, entry->trace_id);                      /* W-093 W-107 */
    if (p->publish_time) { tpc_frame_descriptor_patch_time(map->descriptor, (uint64_t)tpi_clock_monotonic_ns()); }      /* W-103 W-104 W-196 */
    map->described = seq;
}

TPI_COLD static int64_t send_again(const tpi_producer_map_t *map, tpi_publication_t *publication)
{
    int64_t rc = TP_ADMIN_ACTION;
    for (int i = 1; TP_ADMIN_ACTION == rc && i < TPI_ADMIN_RETRIES; i++)         /* A2: term rotation is no refusal */
    {
        rc = tpi_publication_send_prepared(publication, map->descriptor, sizeof(map->descriptor));
    }
    return rc;
}

static inline int64_t send_described(const tpi_producer_map_t *map, tpi_publication_t *publication)
{
    const int64_t rc = tpi_publication_send_prepared(publication, map->descriptor, sizeof(map->descriptor));
    return TPI_RARE(TP_ADMIN_ACTION == rc) ? send_again(map, publication) : rc;
}

/* The answer of the bus about the oldest frame. false: its descriptor waits. */
static bool take_answer(tp_producer_t *p, int64_t rc)
{
    if (TP_BACK_PRESSURED == rc || TP_ADMIN_ACTION == rc)
    {
        tpi_stat_add(&p->back_pressured, 1);
        return false;
    }
    if (rc > 0) { tpi_stat_add(&p->descriptors_sent, 1); }
    else if (TP_NOT_CONNECTED == rc) { tpi_stat_add(&p->not_connected, 1); }
    else { tpi_stat_add(&p->descriptors_dropped, 1); }
    return true;
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
static bool flush_link(tp_producer_t *p, tpi_producer_map_t *map, tpi_private_link_t *link, uint64_t from, uint64_t own_seq, int64_t now_ns)
{
    const uint32_t hz = atomic_load_explicit(&link->rate_hz, memory_order_relaxed);
    bool own_sent = false;
    if (link->epoch != map->epoch)
    {
        link->epoch = map->epoch;
        link->cursor = from;
    }
    for (; link->cursor < p->noted_from; link->cursor++) { tpi_stat_add(&p->private_dropped, 1); }       /* they went the straight way */
    for (; link->cursor < p->next_seq; link->cursor++)
    {
        const tpi_frame_entry_t *entry = entry_of(p, link->cursor);
        if (p->next_seq - link->cursor > map->window) { tpi_stat_add(&p->private_dropped, 1); continue; }
        if (TPI_FRAME_CLAIMED == entry->state) { break; }
        if (TPI_FRAME_READY != entry->state && TPI_FRAME_LEFT != entry->state) { continue; }
        /* W-134 W-192 S-051 S-037 S-035 O-26 */
        if (!tpi_rate_gate_is_due(&link->gate, hz, now_ns)) { tpi_stat_add(&p->private_thinned, 1); continue; }
        if (map->described != link->cursor) { describe(p, map, link->cursor, entry); }                   /* once for all streams */
        const int64_t rc = send_described(map, link->publication);              /* S-029 */
        if (TP_BACK_PRESSURED == rc || TP_ADMIN_ACTION == rc)
        {
            map->described = TP_NULL_U64;                  /* it goes out later, at another time */
            break;
        }
        if (rc < 0) { tpi_stat_add(&p->private_dropped, 1); continue; }
        tpi_rate_gate_take(&link->gate, hz, now_ns);
        tpi_stat_add(&p->private_sent, 1);
        if (own_seq == link->cursor) { own_sent = true; }
    }
    return own_sent;
}

/* The set is let go of at the end: its links can be closed although nobody publishes any more. */
static bool flush_links(tp_producer_t *p, tpi_producer_map_t *map, uint64_t from, uint64_t own_seq)
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
            describe(p, map, p->head, entry);
            const int64_t rc = send_described(map, map->publication);
            if (!take_answer(p, rc)) { break; }
            if (rc > 0) { sent++; }
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
    tpi_producer_leave_straight(producer);
    tpi_producer_map_t *map = tpi_producer_current_map(producer);
    if (NULL == map) { return TP_LEASE_LOST; }
    if (0 != producer->progress.running) { tpi_producer_progress_look_again(producer, map); }
    const int sent = flush_window(producer, map, UINT64_MAX, NULL);
    tpi_producer_wake(map);
    tpi_producer_go_straight(producer);
    return sent;
}

/* ---- mapping ------------------------------------------------------------------------------------------------------------ */

tpi_producer_map_t *tpi_producer_switch(tp_producer_t *producer)
{
    tp_producer_t *p = producer;
    tpi_producer_leave_straight(p);
    tpi_stat_set(&p->stat_next_seq, 0);                                          /* before the new mapping counts as taken */
    p->map = tpi_handoff_take(&p->handoff);
    if (0 != p->ready) { tpi_stat_add(&p->descriptors_dropped, p->ready); }     /* of an epoch that is over */
    for (uint64_t seq = p->head; seq < p->next_seq; seq++) { entry_of(p, seq)->state = TPI_FRAME_FREE; }
    p->ready = 0;
    p->head = 0;
    p->next_seq = 0;                                                             /* W-111 */
    p->noted_from = 0;
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
    claim->size = sizeof(*claim);
    claim->pool_id = pool->pool_id;
    claim->payload = tpi_pool_payload(pool, index);
    claim->length = (size_t)length;
    claim->capacity = pool->stride_bytes;
    claim->seq = seq;
    claim->timestamp_ns = timestamp_ns;
    claim->opaque[0] = e->serial;
    claim->opaque[1] = at;
    return (int64_t)seq;
}

int64_t tpi_producer_claim_long(tp_producer_t *producer, const tp_tensor_template_t *tensor, uint64_t length, uint64_t timestamp_ns, int64_t now_ns,
    tp_buffer_claim_t *claim)
{
    tp_producer_t *p = producer;
    tpi_producer_leave_straight(p);
    tpi_producer_map_t *map = tpi_producer_current_map(p);
    if (NULL == map) { return tpi_producer_lost(p); }
    if (now_ns > atomic_load_explicit(&p->valid_until_ns, memory_order_relaxed)) { return tpi_producer_lost(p); }       /* D-103 M8 */
    const tpi_pool_t *pool = tpi_pool_set_fit(map->set, length);
    if (NULL == pool)
    {
        tpi_stat_add(&p->no_pool_fits, 1);                                       /* W-060: dropped at the source, at once */
        return TP_NO_POOL_FITS;
    }
    return tpi_producer_claim(p, map, pool, tensor, length, timestamp_ns, claim);
}

/* ---- commit and abort --------------------------------------------------------------------------------------------------- */

/* Every claim ends here, once. The map may be freed by the conductor from now on when it is an old one. */
static inline void end_claim(tp_producer_t *p, tpi_claim_entry_t *e, tp_buffer_claim_t *claim)
{
    tpi_producer_map_t *map = e->map;
    e->serial = 0;
    if (TPI_PROGRESS_RUNNING == e->progress.phase) { p->progress.running--; }
    if (TPI_CLAIM_STRAIGHT != claim->opaque[1]) { p->free_claims[p->free_count++] = (uint16_t)claim->opaque[1]; }
    atomic_store_explicit(&map->claims_out, atomic_load_explicit(&map->claims_out, memory_order_relaxed) - 1, memory_order_release);
    claim->opaque[0] = 0;
    claim->payload = NULL;
}

static uint32_t version_of(const tp_producer_t *p, const tp_frame_metadata_t *metadata)
{
    if (NULL != metadata && TP_NULL_U32 != metadata->meta_version) { return metadata->meta_version; }
    return tpi_producer_meta_frame_version(&p->meta);                            /* W-181 */
}

/* With its pads, which are not written again. */
static void commit_whole(const tpi_claim_entry_t *e, uint32_t length, uint64_t timestamp_ns, uint32_t meta_version)
{
    uint64_t image[TPI_SLOT_WORDS];
    memcpy(image, e->tensor->image, sizeof(image));
    tpc_slot_patch(image, length, e->index, e->pool_id, timestamp_ns, meta_version);             /* T-033: no trace id */
    tpi_slot_commit(e->slot, e->seq, image);
}

static void commit_slot(tp_producer_t *p, const tpi_claim_entry_t *e, const tp_buffer_claim_t *claim, uint64_t timestamp_ns, uint32_t meta_version)
{
    const uint32_t length = (uint32_t)claim->length;
    if (NULL != p->flush) { p->flush(p->flush_clientd, claim->payload, claim->length); }        /* W-042 W-043 */
    if (e->seq < e->map->whole_until)
    {
        commit_whole(e, length, timestamp_ns, meta_version);                     /* W-035 W-094: before anything is sent */
        return;
    }
    tpi_slot_put_shape(e->slot, e->tensor->image);
    tpi_slot_put_place(e->slot, e->index, e->pool_id);
    tpi_slot_put_frame(e->slot, length, timestamp_ns, meta_version);
    tpi_slot_end(e->slot, e->seq);                                               /* W-035 W-094 */
}

/* The pads of a slot that is not committed now are still to be written, one round later. */
static void leave_slot(const tpi_claim_entry_t *e)
{
    tpi_producer_map_t *map = e->map;
    const uint64_t whole_until = e->seq + map->set->nslots + 1;
    if (e->seq < map->whole_until && map->whole_until < whole_until) { map->whole_until = whole_until; }
}

/* Capture time of a frame that has none: that of the commit, which is compared with the deadline. false: too late. */
TPI_COLD static bool time_frame(const tp_producer_t *p, uint64_t *timestamp_ns)
{
    const int64_t now_ns = tpi_clock_monotonic_ns();
    *timestamp_ns = (uint64_t)now_ns;
    return now_ns <= atomic_load_explicit((_Atomic int64_t *)(uintptr_t)&p->valid_until_ns, memory_order_relaxed);       /* D-103 M8 */
}

/* Not committed, the slot is not touched: the regions are no longer ours (M8). */
TPI_COLD static int64_t void_claim(tp_producer_t *p, tpi_claim_entry_t *e, tp_buffer_claim_t *claim, bool is_current)
{
    if (is_current) { entry_of(p, e->seq)->state = TPI_FRAME_ABORTED; }
    leave_slot(e);
    end_claim(p, e, claim);
    return tpi_producer_lost(p);
}

int64_t tpi_producer_refused(tp_producer_t *producer, int64_t rc)
{
    tp_producer_t *p = producer;
    tpi_producer_leave_straight(p);
    const uint64_t seq = --p->head;
    tpi_frame_entry_t *entry = entry_of(p, seq);
    entry->state = TPI_FRAME_READY;
    memcpy(&entry->meta_version, p->straight.descriptor + TPC_FRAME_DESCRIPTOR_META_VERSION_AT, sizeof(entry->meta_version));
    memcpy(&entry->trace_id, p->straight.descriptor + TPC_FRAME_DESCRIPTOR_TRACE_ID_AT, sizeof(entry->trace_id));
    tpi_stat_add(&p->frames, 1);
    p->ready++;
    p->noted_from = seq;
    int64_t answer = rc;
    if (TP_ADMIN_ACTION == rc)
    {
        describe(p, p->map, seq, entry);
        answer = send_again(p->map, p->map->publication);
    }
    const bool is_through = take_answer(p, answer);
    if (is_through) { leave(p, entry); }
    tpi_stat_set(&p->descriptors_parked, p->ready);
    tpi_producer_wake(p->map);
    tpi_producer_go_straight(p);
    return is_through && answer < 0 ? answer : (int64_t)seq;
}

static int64_t commit(tp_producer_t *p, tp_buffer_claim_t *claim, const tp_frame_metadata_t *metadata)
{
    tpi_claim_entry_t *e = tpi_producer_find_claim(p, claim);
    if (NULL == e) { return TP_INVALID_CLAIM; }
    const uint64_t length = claim->length;
    if (length > e->length || length < e->progress.filled) { return TP_INVALID_ARGUMENT; }                       /* W-167 */
    tpi_producer_map_t *map = tpi_producer_current_map(p);
    if (e->map != map) { return void_claim(p, e, claim, false); }
    const bool is_late = tpi_clock_coarse_ns() > atomic_load_explicit(&p->valid_until_ns, memory_order_relaxed);         /* M8 D-103 */
    uint64_t timestamp_ns = claim->timestamp_ns;                                 /* W-102 W-104 */
    if (NULL != metadata && TP_NULL_U64 != metadata->timestamp_ns) { timestamp_ns = metadata->timestamp_ns; }
    if (is_late || (TP_NULL_U64 == timestamp_ns && !time_frame(p, &timestamp_ns))) { return void_claim(p, e, claim, true); }
    const uint64_t seq = e->seq;
    const uint32_t meta_version = version_of(p, metadata);
    commit_slot(p, e, claim, timestamp_ns, meta_version);
    tpi_frame_entry_t *entry = entry_of(p, seq);
    entry->state = TPI_FRAME_READY;
    entry->meta_version = meta_version;
    entry->trace_id = NULL == metadata ? TP_NULL_TRACE_ID : metadata->trace_id;  /* W-107 */
    tpi_producer_trace_t *trace = atomic_load_explicit(&p->trace, memory_order_acquire);
    if (NULL != trace)
    {
        entry->trace_id = tpi_producer_trace_id(trace, entry->trace_id, INT64_MIN);
        tpi_producer_trace_note(trace, map, seq, entry->trace_id);
    }
    p->ready++;
    tpi_stat_add(&p->frames, 1);
    tpi_stat_add(&p->bytes, length);
    end_claim(p, e, claim);
    int64_t own = (int64_t)seq;
    (void)flush_window(p, map, seq, &own);
    tpi_producer_wake(map);                                                      /* L-201: after the slot and its descriptor */
    if (TPI_PROGRESS_RUNNING == e->progress.phase) { tpi_producer_progress_complete(p, map, e, length); }        /* W-160 */
    if (own >= 0 && p->gave_up) { own = TP_BACK_PRESSURED; }
    p->gave_up = false;
    return own;
}

int64_t tpi_producer_commit_long(tp_producer_t *producer, tp_buffer_claim_t *claim, const tp_frame_metadata_t *metadata)
{
    tpi_producer_leave_straight(producer);
    const int64_t rc = commit(producer, claim, metadata);
    tpi_producer_go_straight(producer);
    return rc;
}

int64_t tp_producer_abort_claim(tp_producer_t *producer, tp_buffer_claim_t *claim)
{
    tp_producer_t *p = producer;
    if (NULL == p || NULL == claim) { return TP_INVALID_ARGUMENT; }
    tpi_producer_leave_straight(p);
    tpi_claim_entry_t *e = tpi_producer_find_claim(p, claim);
    if (NULL == e) { return TP_INVALID_CLAIM; }
    tpi_producer_map_t *map = tpi_producer_current_map(p);
    const uint64_t seq = e->seq;
    const bool ours = e->map == map;
    tpi_stat_add(&p->aborted, 1);
    leave_slot(e);
    end_claim(p, e, claim);
    if (!ours) { return (int64_t)seq; }
    entry_of(p, seq)->state = TPI_FRAME_ABORTED;                                 /* the slot stays uncommitted: consumers see a gap */
    (void)flush_window(p, map, UINT64_MAX, NULL);
    tpi_producer_wake(map);                                                      /* frames that waited for this one may have left */
    return (int64_t)seq;
}
