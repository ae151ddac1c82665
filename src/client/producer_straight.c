/* Owns tpi_straight_t; see there. No lock, no allocation, no system call but one vDSO clock read a call, no log. */
#include "client/producer_state.h"

#include <string.h>

#include "common/bytes.h"
#include "common/clock.h"

#define TICK_MAX_NS UINT64_C(10000000)       /* of the coarse clock */
#define SEQ_FAR (UINT64_C(1) << 62)            /* as far from the last seq as from the first: 146 years at one frame a ns */

static const _Atomic uint32_t nobody;          /* interested in wakes */

static inline uint32_t attention_of(const tp_producer_t *p) { return tpi_load_u32(&p->attention); }

void tpi_producer_call_attention(tp_producer_t *producer)
{
    atomic_store(&producer->attention, 1);                 /* after the change: pairs with tpi_producer_go_straight */
}

/* ---- leaving and going back --------------------------------------------------------------------------------------------- */

/* The claim that is out becomes one of many. */
static void write_down(tp_producer_t *p, uint64_t seq)
{
    tpi_claim_entry_t *e = &p->claims[TPI_CLAIM_STRAIGHT];
    tpi_producer_map_t *map = p->map;
    e->serial = p->straight.gate;
    e->map = map;
    e->slot = p->straight.slot;
    e->tensor = p->straight.tensor;
    e->seq = seq;
    e->length = (size_t)p->straight.length;
    e->index = tpi_pool_set_index(map->set, seq);
    e->pool_id = p->straight.pool_id;
    e->progress.phase = TPI_PROGRESS_IDLE;
    e->progress.filled = 0;
    p->window[seq & (TPI_WINDOW_MAX - 1)].state = TPI_FRAME_CLAIMED;
    atomic_store_explicit(&map->claims_out, tpi_load_u32(&map->claims_out) + 1, memory_order_release);
}

void tpi_producer_leave_straight(tp_producer_t *producer)
{
    tp_producer_t *p = producer;
    if (TPI_GATE_SHUT == p->straight.gate) { return; }
    p->head = p->next_seq;
    if (TPI_GATE_OPEN != p->straight.gate) { write_down(p, --p->head); }
    p->next_serial = p->straight.serial_base + p->next_seq;                      /* more than any given */
    p->straight.gate = TPI_GATE_SHUT;
    p->noted_from = p->head;
    p->map->described = TP_NULL_U64;
}

static bool is_calm(const tp_producer_t *p)
{
    const bool is_plain = NULL == p->flush && !p->publish_time && !p->gave_up && NULL != p->map;
    const bool has_none_out = TPI_CLAIMS_MAX == p->free_count && 0 == p->claims[TPI_CLAIM_STRAIGHT].serial;
    const bool is_far = p->next_seq < SEQ_FAR;                                   /* W-253 O-40: nobody counts up to there */
    return is_plain && has_none_out && is_far && p->head == p->next_seq && p->next_seq >= p->map->whole_until;
}

/* The next frames go into that pool. */
static void set_pool(tpi_straight_t *s, const tpi_pool_set_t *set, const tpi_pool_t *pool)
{
    s->fit_least = pool == &set->pools[0] ? 0 : pool[-1].stride_bytes + UINT64_C(1);
    s->fit_span = pool->stride_bytes - s->fit_least;
    s->stride_bytes = pool->stride_bytes;
    s->payloads = tpi_pool_payload(pool, 0);
    s->pool_id = pool->pool_id;
    const tp_buffer_claim_t claim = { .size = sizeof(claim), .pool_id = pool->pool_id };
    memcpy(&s->head, &claim, sizeof(s->head));
}

_Static_assert(8 == offsetof(tp_buffer_claim_t, payload), "the first eight bytes of a claim");

void tpi_producer_go_straight(tp_producer_t *producer)
{
    tp_producer_t *p = producer;
    tpi_straight_t *s = &p->straight;
    if (TPI_GATE_SHUT != s->gate || !is_calm(p)) { return; }
    (void)atomic_exchange(&p->attention, 0);               /* before looking: what changes later raises it again. No store: a load may pass that */
    if (!tpi_handoff_is_current(&p->handoff, p->map) || NULL != tpi_handoff_published(&p->link_sets)) { return; }
    const tpi_pool_set_t *set = p->map->set;
    s->index_mask = set->index_mask;
    s->slots = (uint8_t *)(uintptr_t)tpi_pool_set_slot(set, 0);
    s->publication = p->map->publication;
    memcpy(s->descriptor, p->map->descriptor, sizeof(s->descriptor));
    const tpi_pool_t *pool = tpi_pool_set_fit(set, p->last_length);
    set_pool(s, set, NULL == pool ? &set->pools[0] : pool);
    tpi_wake_page_t *wake = atomic_load_explicit(&p->map->wake, memory_order_acquire);
    s->interest = NULL == wake ? &nobody : &wake->interest;
    s->serial_base = p->next_serial + 1 - p->next_seq;
    s->gate = TPI_GATE_OPEN;
}

/* ---- claim -------------------------------------------------------------------------------------------------------------- */

TPI_INLINE bool is_open(const tp_producer_t *p)
{
    return TPI_GATE_OPEN == p->straight.gate && 0 == attention_of(p);
}

TPI_INLINE bool is_late(const tp_producer_t *p, int64_t now_ns)
{
    return now_ns > atomic_load_explicit((_Atomic int64_t *)(uintptr_t)&p->valid_until_ns, memory_order_relaxed);
}

TPI_INLINE bool fits(const tpi_straight_t *s, uint64_t length) { return length - s->fit_least <= s->fit_span; }        /* W-059 */

TPI_INLINE int64_t claim_straight(tp_producer_t *p, const tp_tensor_template_t *tensor, uint64_t length, uint64_t timestamp_ns,
    tp_buffer_claim_t *claim)
{
    tpi_straight_t *s = &p->straight;
    const uint64_t seq = p->next_seq;
    const uint64_t index = seq & s->index_mask;                                  /* W-056 W-097 */
    tpi_slot_word_t *slot = (tpi_slot_word_t *)(void *)(s->slots + index * TPI_SLOT_BYTES);
    const uint64_t serial = s->serial_base + seq;
    tpi_slot_begin(slot, seq);                                                   /* W-040 */
    tpi_slot_put_shape(slot, tensor->image);                                     /* W-041 W-027 */
    tpi_slot_put_place(slot, (uint32_t)index, s->pool_id);
    p->next_seq = seq + 1;
    tpi_stat_set(&p->stat_next_seq, seq + 1);
    s->gate = serial;
    s->slot = slot;
    s->tensor = tensor;
    s->length = length;
    memcpy(claim, &s->head, sizeof(s->head));
    claim->payload = s->payloads + index * s->stride_bytes;                      /* W-057 */
    claim->length = (size_t)length;
    claim->capacity = (size_t)s->stride_bytes;
    claim->seq = seq;
    claim->timestamp_ns = timestamp_ns;
    claim->opaque[0] = serial;
    claim->opaque[1] = TPI_CLAIM_STRAIGHT;
    return (int64_t)seq;
}

/* A frame that goes into another pool than the last one, or not the straight way. */
TPI_COLD static int64_t claim_otherwise(tp_producer_t *p, const tp_tensor_template_t *tensor, uint64_t length, uint64_t timestamp_ns, int64_t now_ns,
    tp_buffer_claim_t *claim)
{
    const tpi_pool_t *pool = is_open(p) && !is_late(p, now_ns) ? tpi_pool_set_fit(p->map->set, length) : NULL;
    p->last_length = length;
    if (NULL == pool) { return tpi_producer_claim_long(p, tensor, length, timestamp_ns, now_ns, claim); }
    set_pool(&p->straight, p->map->set, pool);
    return claim_straight(p, tensor, length, timestamp_ns, claim);
}

int64_t tp_producer_try_claim(tp_producer_t *producer, const tp_tensor_template_t *tensor, tp_buffer_claim_t *claim)
{
    tp_producer_t *p = producer;
    if (TPI_RARE(NULL == p)) { return TP_INVALID_ARGUMENT; }
    if (TPI_RARE(NULL == tensor)) { return TP_INVALID_ARGUMENT; }
    const int64_t now_ns = tpi_clock_read_ns(CLOCK_MONOTONIC);                   /* the one clock read: capture time and deadline; W-195 W-196 */
    const uint64_t length = tensor->extent_bytes;
    const bool is_straight = is_open(p) && !is_late(p, now_ns) && fits(&p->straight, length);                    /* D-103 M8 */
    if (TPI_RARE(NULL == claim)) { return TP_INVALID_ARGUMENT; }
    if (TPI_RARE(!is_straight)) { return claim_otherwise(p, tensor, length, (uint64_t)now_ns, now_ns, claim); }
    return claim_straight(p, tensor, length, (uint64_t)now_ns, claim);
}

int64_t tp_producer_try_claim_at(tp_producer_t *producer, const tp_tensor_template_t *tensor, size_t length, uint64_t timestamp_ns,
    tp_buffer_claim_t *claim)
{
    tp_producer_t *p = producer;
    if (TPI_RARE(NULL == p || NULL == tensor || NULL == claim || length > UINT32_MAX)) { return TP_INVALID_ARGUMENT; }
    if (TPI_RARE(!is_open(p) || !fits(&p->straight, length))) { return claim_otherwise(p, tensor, length, timestamp_ns, INT64_MIN, claim); }
    return claim_straight(p, tensor, length, timestamp_ns, claim);
}

int64_t tp_producer_offer_frame(tp_producer_t *producer, const tp_tensor_template_t *tensor, const void *payload, size_t length,
    const tp_frame_metadata_t *metadata)
{
    tp_producer_t *p = producer;
    tp_buffer_claim_t claim;
    if (NULL == p || NULL == tensor || (NULL == payload && 0 != length) || length > UINT32_MAX) { return TP_INVALID_ARGUMENT; }
    const bool timed = NULL != metadata && TP_NULL_U64 != metadata->timestamp_ns;
    const int64_t now_ns = timed ? INT64_MIN : tpi_clock_monotonic_ns();         /* W-195 */
    const uint64_t timestamp_ns = timed ? metadata->timestamp_ns : (uint64_t)now_ns;
    const bool is_straight = is_open(p) && !is_late(p, now_ns) && fits(&p->straight, length);                    /* D-103 M8 */
    const int64_t seq = is_straight ? claim_straight(p, tensor, length, timestamp_ns, &claim) :
        claim_otherwise(p, tensor, length, timestamp_ns, now_ns, &claim);
    if (seq < 0) { return seq; }
    if (0 != length) { tpi_payload_write(claim.payload, payload, length); }
    return tp_producer_commit_claim(producer, &claim, metadata);
}

/* ---- commit ------------------------------------------------------------------------------------------------------------- */

/* trace and metadata may be NULL. tick_ns: the coarse clock, for trace. */
TPI_INLINE int64_t commit_straight(tp_producer_t *p, tp_buffer_claim_t *claim, const tp_frame_metadata_t *metadata, tpi_producer_trace_t *trace,
    int64_t tick_ns)
{
    tpi_straight_t *s = &p->straight;
    const uint64_t seq = p->next_seq - 1;
    const uint64_t length = claim->length;
    tpi_slot_word_t *slot = s->slot;
    uint64_t timestamp_ns = claim->timestamp_ns;                                 /* W-102 W-104 */
    uint32_t meta_version = TP_NULL_U32;
    uint64_t trace_id = TP_NULL_TRACE_ID;
    if (NULL != metadata)
    {
        if (TP_NULL_U64 != metadata->timestamp_ns) { timestamp_ns = metadata->timestamp_ns; }
        meta_version = metadata->meta_version;
        trace_id = metadata->trace_id;
    }
    if (TPI_RARE(TP_NULL_U64 == timestamp_ns)) { return tpi_producer_commit_long(p, claim, metadata); }
    if (TP_NULL_U32 == meta_version) { meta_version = tpi_producer_meta_frame_version(&p->meta); }               /* W-181 */
    if (NULL != trace)                                     /* before the slot: the generator's exchange would wait until that is out */
    {
        const bool is_fresh = claim->timestamp_ns - (uint64_t)tick_ns <= TICK_MAX_NS;        /* read at the claim, and no tick passed since */
        trace_id = tpi_producer_trace_id(trace, trace_id, is_fresh ? (int64_t)claim->timestamp_ns : INT64_MIN);
    }
    tpi_slot_put_frame(slot, (uint32_t)length, timestamp_ns, meta_version);      /* T-033: no trace id */
    tpi_slot_end(slot, seq);                                                     /* W-035 W-094: before anything is sent */
    tpc_frame_descriptor_patch(s->descriptor, seq, meta_version, trace_id);      /* W-093 W-107 */
    s->gate = TPI_GATE_OPEN;
    claim->opaque[0] = 0;
    claim->payload = NULL;
    tpi_stat_add(&p->bytes, length);
    const int64_t rc = tpi_publication_send_prepared(s->publication, s->descriptor, sizeof(s->descriptor));
    if (NULL != trace) { tpi_producer_trace_note(trace, p->map, seq, trace_id); }
    if (TPI_RARE(rc <= 0)) { return tpi_producer_refused(p, rc); }
    tpi_stat_add(&p->went_straight, 1);
    if (TPI_RARE(0 != tpi_load_u32(s->interest))) { tpi_producer_wake(p->map); }         /* L-201: after the slot and its descriptor */
    return (int64_t)tpi_u64_at(s->descriptor, TPC_FRAME_DESCRIPTOR_SEQ_AT);
}

TPI_INLINE bool may_commit(const tp_producer_t *p, const tp_buffer_claim_t *claim, int64_t *tick_ns)
{
    const bool is_its_turn = claim->opaque[0] == p->straight.gate && 0 == attention_of(p);
    return is_its_turn && claim->length <= p->straight.length && !is_late(p, *tick_ns = tpi_clock_read_ns(CLOCK_MONOTONIC_COARSE));   /* M8 D-103 */
}

/* With metadata, or traced. */
static __attribute__((noinline)) int64_t commit_told(tp_producer_t *p, tp_buffer_claim_t *claim, const tp_frame_metadata_t *metadata)
{
    int64_t tick_ns = 0;
    if (TPI_RARE(!may_commit(p, claim, &tick_ns))) { return tpi_producer_commit_long(p, claim, metadata); }
    return commit_straight(p, claim, metadata, atomic_load_explicit(&p->trace, memory_order_acquire), tick_ns);
}

int64_t tp_producer_commit_claim(tp_producer_t *producer, tp_buffer_claim_t *claim, const tp_frame_metadata_t *metadata)
{
    tp_producer_t *p = producer;
    if (TPI_RARE(NULL == p || NULL == claim)) { return TP_INVALID_ARGUMENT; }
    TPI_FETCH_TO_WRITE(p->straight.slot);                                        /* a reader that follows the ring looks at it all the time */
    if (NULL != metadata || NULL != atomic_load_explicit(&p->trace, memory_order_relaxed)) { return commit_told(p, claim, metadata); }
    int64_t tick_ns = 0;
    if (TPI_RARE(!may_commit(p, claim, &tick_ns))) { return tpi_producer_commit_long(p, claim, NULL); }
    return commit_straight(p, claim, NULL, NULL, tick_ns);
}
