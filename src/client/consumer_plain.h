/*
 * The common case, straight: the next descriptor in order, a slot that holds that frame with the shape and the pool of the one before, a mapping in
 * force. For observers the word of the next slot stands for the descriptor. Consumer's thread only. It judges as the general way does
 * (consumer_hot.c, consumer_ring.c). At the first thing that is not as expected it changes nothing and leaves the frame to that: nothing is validated
 * here for the first time.
 */
#ifndef TPI_CLIENT_CONSUMER_PLAIN_H
#define TPI_CLIENT_CONSUMER_PLAIN_H

#include "client/consumer_stage.h"

/* The frame was delivered by the general way: the next one may be like it. view: what it said. */
void tpi_plain_learn(tp_consumer_t *consumer, const tpi_frame_t *frame, const tp_frame_view_t *view);

/* After the general way, and whenever else something may have changed that the common case relies on: whether it may be used. */
void tpi_plain_settle(tp_consumer_t *consumer);

/* Descriptors of the stage for the common case, 0: it is none. */
static inline uint32_t tpi_plain_begin(const tp_consumer_t *c, tpi_plain_use_t use)
{
    const uint32_t staged = c->staged.count - c->stage_at;
    if (0 == staged || c->plain.use < use || 0 != tpi_load_u32(&c->rate_limit_hz)) { return 0; }
    if (1 == staged) { return 1; }
    /* W-125: no resync, even if those between were lost. */
    const uint64_t newest = tpi_u64_at(c->stage[c->staged.count - 1].bytes, TPC_FRAME_DESCRIPTOR_SEQ_AT);
    return newest - c->follow.last - 1 <= c->plain.max_gap ? staged : 0;
}

static inline const tpi_slot_word_t *tpi_plain_slot(const tpi_plain_t *p, uint64_t seq)
{
    return p->slots + (size_t)((uint32_t)seq & p->index_mask) * TPI_SLOT_WORDS;
}

static inline const uint8_t *tpi_plain_payload(const tpi_plain_t *p, uint32_t index) { return p->payloads + (size_t)index * p->stride_bytes; }

/* The slot of seq, whose word said that it is committed. record: its descriptor, NULL for observers. true: accounted for, and in plain.view. */
static inline __attribute__((always_inline)) bool tpi_plain_take(tp_consumer_t *c, const tpi_slot_word_t *slot, uint64_t seq, uint64_t word,
    const tpi_record_t *record)
{
    tpi_plain_t *const p = &c->plain;
    const uint32_t index = (uint32_t)seq & p->index_mask;
    if (!tpi_slot_has_shape(slot, &c->checker.shape)) { return false; }
    if (tpi_slot_u64(slot, TPC_SLOT_HEADER_POOL_ID_AT) << 16 != p->pool_and_offset) { return false; }       /* W-026 */
    if (tpi_slot_u32(slot, TPC_SLOT_HEADER_PAYLOAD_SLOT_AT) != index) { return false; }            /* W-063 */
    const uint32_t values_len_bytes = tpi_slot_u32(slot, TPC_SLOT_HEADER_VALUES_LEN_AT);
    const uint64_t timestamp_ns = tpi_slot_u64(slot, TPC_SLOT_HEADER_TIMESTAMP_AT);
    const uint32_t meta_version = tpi_slot_u32(slot, TPC_SLOT_HEADER_META_VERSION_AT);
    if (values_len_bytes > p->stride_bytes) { return false; }                              /* W-100 */
    if (!tpi_slot_still(slot, word)) { return false; }                                     /* W-050: nothing leaves before C8 */
    c->follow.last = seq;
    if (NULL != record) { c->follow.last_descriptor = seq; }
    tpi_stat_set(&c->last_seq, seq);
    tpi_stat_add(&c->received, 1);
    tpi_stat_add(&c->bytes, values_len_bytes);
    p->view.seq = seq;
    p->view.payload = tpi_plain_payload(p, index);
    p->view.payload_bytes = values_len_bytes;
    p->view.timestamp_ns = timestamp_ns;
    p->view.meta_version = meta_version;
    if (NULL != record)
    {
        p->view.publish_timestamp_ns = tpi_u64_at(record->bytes, TPC_FRAME_DESCRIPTOR_TIMESTAMP_AT);
        p->view.trace_id = tpi_u64_at(record->bytes, TPC_FRAME_DESCRIPTOR_TRACE_ID_AT);
        if (TP_NULL_U32 == meta_version) { p->view.meta_version = tpi_u32_at(record->bytes, TPC_FRAME_DESCRIPTOR_META_VERSION_AT); }
    }
    p->view.opaque[1] = (const void *)(uintptr_t)slot;
    p->view.opaque_words[0] = word;
    p->view.opaque_words[1] = ++c->delivery;
    return true;
}

/* true: read, accounted for, and in plain.view. tpi_plain_begin said yes, and since then there was nothing but this. */
static inline __attribute__((always_inline)) bool tpi_plain_read(tp_consumer_t *c, const tpi_record_t *record)
{
    const tpi_plain_t *const p = &c->plain;
    const uint64_t seq = tpi_u64_at(record->bytes, TPC_FRAME_DESCRIPTOR_SEQ_AT);
    uint64_t next = c->follow.last + 1;
    __asm__("" : "+r"(next));          /* equal to seq, and known before the descriptor is there: slot and payload come from memory beside it */
    if (seq != next || tpi_u64_at(record->bytes, TPC_FRAME_DESCRIPTOR_EPOCH_AT) != p->view.epoch) { return false; }
    if (!tpi_handoff_is_current(&c->maps, c->map)) { return false; }
    const tpi_slot_word_t *const slot = tpi_plain_slot(p, next);
    const uint64_t word = atomic_load_explicit(&slot[0], memory_order_acquire);            /* R0 of shm/slot.h */
    return word == (next << 1 | 1u) && tpi_plain_take(c, slot, next, word, record);
}

/* The frames for the handler at the beginning of the stage, at most limit. How many. */
static inline __attribute__((always_inline)) int tpi_plain_run(tp_consumer_t *c, int limit)
{
    const uint32_t staged = tpi_plain_begin(c, TPI_PLAIN_HANDLER);
    if (0 == staged) { return 0; }
    const tpi_record_t *const first = &c->stage[c->stage_at];
    const tpi_record_t *const end = first + ((uint32_t)limit < staged ? (uint32_t)limit : staged);
    const tpi_record_t *record = first;
    c->in_handler = true;
    do
    {
        if (!tpi_plain_read(c, record)) { break; }
        record++;
        c->on_frame(c->frame_clientd, &c->plain.view);
    }
    while (record != end && TPI_PLAIN_NOT != c->plain.use);
    c->in_handler = false;
    c->stage_at += (uint32_t)(record - first);
    return (int)(record - first);
}

/* The first frame of the stage. 1 and *view set, or 0: for the general way. */
int tpi_plain_next(tp_consumer_t *consumer, tp_frame_view_t *view);

/* ---- observers ---------------------------------------------------------------------------------------------------------- */

typedef enum tpi_plain_sight
{
    TPI_PLAIN_NOTHING = 0,             /* the next frame has not been committed, and none behind it */
    TPI_PLAIN_FRAME,                   /* read, accounted for, and in plain.view */
    TPI_PLAIN_OTHER                    /* for the general way */
}
tpi_plain_sight_t;

/*
 * What the producer writes first, the shape and the first bytes of the payload, moves here while the rest is being filled. Once a frame: a line that
 * is still being written has to go back.
 */
static inline void tpi_plain_fetch(tpi_plain_t *p, uint64_t seq)
{
    const char *const slot = (const char *)(const void *)tpi_plain_slot(p, seq);
    p->begun = seq;
    __builtin_prefetch(slot + 64);
    __builtin_prefetch(slot + 128);
    __builtin_prefetch(tpi_plain_payload(p, (uint32_t)seq & p->index_mask));
}

/* The frame is not there. Who has begun the next one and none behind that is filling it; else it may have been given up (L-111). */
static inline tpi_plain_sight_t tpi_plain_missing(tpi_plain_t *p, uint64_t seq, uint64_t word)
{
    if (word >> 1 < seq) { return TPI_PLAIN_NOTHING; }                                     /* L-114 */
    if (word >> 1 > seq) { return TPI_PLAIN_OTHER; }                                       /* lapped */
    if (p->begun != seq) { tpi_plain_fetch(p, seq); }
    return tpi_slot_peek(tpi_plain_slot(p, seq + 1)) >> 1 != seq + 1 ? TPI_PLAIN_NOTHING : TPI_PLAIN_OTHER;
}

/* An observer's; tpi_plain_may_observe said yes. One load of shared memory where nothing is new (L-114). */
static inline __attribute__((always_inline)) tpi_plain_sight_t tpi_plain_observe(tp_consumer_t *c)
{
    tpi_plain_t *const p = &c->plain;
    const uint64_t seq = c->follow.last + 1;
    const tpi_slot_word_t *const slot = tpi_plain_slot(p, seq);
    const uint64_t word = atomic_load_explicit(&slot[0], memory_order_acquire);            /* R0 of shm/slot.h */
    if (word != (seq << 1 | 1u)) { return tpi_plain_missing(p, seq, word); }
    __builtin_prefetch(tpi_plain_payload(p, (uint32_t)seq & p->index_mask));
    if (!tpi_plain_take(c, slot, seq, word, NULL)) { return TPI_PLAIN_OTHER; }
    tpi_stat_add(&c->recovered, 1);                                                        /* L-107 */
    return TPI_PLAIN_FRAME;
}

static inline bool tpi_plain_may_observe(const tp_consumer_t *c, tpi_plain_use_t use)
{
    return c->plain.use >= use && 0 == tpi_load_u32(&c->rate_limit_hz);
}

#endif
