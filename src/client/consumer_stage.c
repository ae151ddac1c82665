/* Polls the descriptor stream into the stage. Consumer's thread only. Limits: TPI_STAGE_MAX descriptors at a time. */
#include "client/consumer_stage.h"

#include "codec/codec_wire.h"

_Static_assert(TPI_RECORD_BYTES == TPC_FRAME_DESCRIPTOR_LENGTH, "a record of the bus is a descriptor");
_Static_assert(TPC_FRAME_DESCRIPTOR_MIN_BLOCK + TPC_HEADER_BYTES > TPI_OTHER_SHORT_BYTES, "no descriptor is too short to become a record");

/* A descriptor that is none of our own version's bytes: older, or with more in its block (O-38). */
static void on_descriptor(void *clientd, const tpi_message_t *message, int64_t now_ns)
{
    tp_consumer_t *c = clientd;
    tpc_frame_descriptor_t d;
    (void)now_ns;
    if (TPC_OK != tpc_frame_descriptor_decode(&d, message->data, message->length))
    {
        tpi_dispatcher_malformed(c->dispatcher);
        return;
    }
    if (d.stream_id != c->staged.key)                                                      /* P1: before anything else is looked at */
    {
        c->staged.passed++;
        return;
    }
    if (c->staged.count >= c->staged.capacity) { return; }
    (void)tpc_frame_descriptor_encode(c->stage[c->staged.count++].bytes, TPI_RECORD_BYTES, &d);
}

static void on_other(tpi_records_t *records, const uint8_t *data, size_t length)
{
    tp_consumer_t *c = records->clientd;
    const tpi_message_t message = { .data = data, .length = length };
    tpi_dispatcher_dispatch(c->dispatcher, &message, 0);
    const tpi_dispatcher_counts_t *counts = tpi_dispatcher_counts(c->dispatcher);
    tpi_stat_set(&c->malformed, counts->malformed + counts->newer_version);
}

int tpi_stage_init(tp_consumer_t *consumer)
{
    static const tpi_route_t routes[] = { { TPC_WIRE_SCHEMA, TPC_FRAME_DESCRIPTOR, TPC_FRAME_DESCRIPTOR_MIN_BLOCK, on_descriptor } };  /* W-171 */
    consumer->staged = (tpi_records_t){ .head = TPC_FRAME_DESCRIPTOR_HEAD, .capacity = TPI_STAGE_MAX, .room = consumer->stage, .other = on_other,
        .clientd = consumer };
    if (tpi_dispatcher_create(&consumer->dispatcher) < 0) { return -1; }
    return tpi_dispatcher_add(consumer->dispatcher, routes, 1, consumer);
}

/* Only the thread that polls a subscription may look at its images. */
static __attribute__((noinline)) int note_silence(tp_consumer_t *c)
{
    const uint32_t is_silent = c->link->is_private && !tpi_subscription_is_connected(c->link->subscription);
    if (is_silent != atomic_load_explicit(&c->link_is_silent, memory_order_relaxed))
    {
        atomic_store_explicit(&c->link_is_silent, is_silent, memory_order_relaxed);
    }
    return 0;
}

static __attribute__((noinline)) int count_foreign(tp_consumer_t *c)
{
    tpi_stat_add(&c->foreign, c->staged.passed);
    return 1;
}

/* Above 0: something came. */
static int poll_link(tp_consumer_t *c)
{
    const int n = tpi_subscription_poll_records(c->link->subscription, &c->staged);
    if (0 != c->staged.passed) { (void)count_foreign(c); }
    return n;
}

/*
 * Another descriptor stream. What the old one has at hand is read first, so that a frame announced there before the new one was joined is not missed;
 * one announced on both is a duplicate (W-131, O-20). true: there was something.
 */
static __attribute__((noinline, cold)) bool change_link(tp_consumer_t *c)
{
    if (NULL != c->link && !c->drained)
    {
        c->drained = true;
        if (poll_link(c) > 0) { return true; }
    }
    c->drained = false;
    c->plain.use = TPI_PLAIN_NOT;
    c->link = tpi_handoff_take(&c->links);                 /* W-131 */
    if (NULL != c->link) { tpi_follow_switch(&c->follow); }                                /* O-20 */
    return false;
}

static __attribute__((noinline)) int refill_slowly(tp_consumer_t *c)
{
    if (!tpi_handoff_is_current(&c->links, c->link) && change_link(c)) { return 1; }
    if (NULL == c->link) { return 0; }
    const int n = poll_link(c);
    return n > 0 ? n : note_silence(c);
}

int tpi_stage_refill(tp_consumer_t *consumer)
{
    tp_consumer_t *c = consumer;
    c->stage_at = 0;
    c->newest_from = 0;
    c->newest_is_known = false;
    c->staged.count = 0;
    c->staged.key = atomic_load_explicit(&c->stream_id, memory_order_relaxed);             /* P1 */
    const tpi_consumer_link_t *const link = c->link;
    if (NULL == link || !tpi_handoff_is_current(&c->links, link)) { return refill_slowly(c); }
    if (tpi_subscription_poll_records(link->subscription, &c->staged) <= 0) { return note_silence(c); }
    return 0 == c->staged.passed ? 1 : count_foreign(c);
}

uint64_t tpi_stage_newest(tp_consumer_t *consumer)
{
    tp_consumer_t *c = consumer;
    if (c->newest_is_known) { return c->stage_newest; }
    c->newest_is_known = true;
    c->stage_newest = 0;
    for (uint32_t i = c->newest_from; NULL != c->map && i < c->staged.count; i++)
    {
        const uint64_t seq = tpi_u64_at(c->stage[i].bytes, TPC_FRAME_DESCRIPTOR_SEQ_AT);
        const uint64_t epoch = tpi_u64_at(c->stage[i].bytes, TPC_FRAME_DESCRIPTOR_EPOCH_AT);
        if (epoch == c->map->epoch && seq > c->stage_newest && 0 == seq >> 63) { c->stage_newest = seq; }
    }
    return c->stage_newest;
}
