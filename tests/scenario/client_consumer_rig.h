/* What the tests of the consumer share: statistics, descriptors by hand, a record of events, the ledger. Included once a program. */
#ifndef TP_TESTS_CLIENT_CONSUMER_RIG_H
#define TP_TESTS_CLIENT_CONSUMER_RIG_H

#include <unistd.h>

#include "client_rig.h"

#include "client/consumer_state.h"

static inline tp_consumer_stats_t stats_of(const tp_consumer_t *consumer)
{
    tp_consumer_stats_t stats;
    assert_int_equal(tp_consumer_stats(consumer, &stats), 0);
    return stats;
}

static inline uint64_t drops(const tp_consumer_t *consumer, tp_drop_reason_t reason) { return stats_of(consumer).drops[reason]; }
static inline int next(tp_consumer_t *consumer, tp_frame_view_t *view) { return tp_consumer_next(consumer, view, 0); }

static inline tpc_frame_descriptor_t descriptor(uint64_t seq)
{
    tpc_frame_descriptor_t d = TPC_FRAME_DESCRIPTOR_INIT;
    d.stream_id = CR_STREAM;
    d.epoch = cr->epoch;
    d.seq = seq;
    return d;
}

static inline void say(uint64_t seq)
{
    const tpc_frame_descriptor_t d = descriptor(seq);
    cr_send_descriptor(&d);
}

typedef struct heard { int count; tp_consumer_event_t event[32]; int code[32]; char text[128]; } heard_t;
static heard_t heard;

static inline void on_event(void *clientd, tp_consumer_event_t event, uint64_t epoch, int code, const char *text)
{
    (void)clientd;
    (void)epoch;
    assert_true(heard.count < 32);
    heard.event[heard.count] = event;
    heard.code[heard.count] = code;
    (void)snprintf(heard.text, sizeof(heard.text), "%s", text);
    heard.count++;
}

static inline bool was_heard(tp_consumer_event_t event)
{
    for (int i = 0; i < heard.count; i++) { if (event == heard.event[i]) { return true; } }
    return false;
}

static inline tp_consumer_t *listening_consumer(void)
{
    tp_consumer_context_t *context = cr_consumer_context();
    memset(&heard, 0, sizeof(heard));
    assert_int_equal(tp_consumer_context_set_event_handler(context, on_event, NULL), 0);
    return cr_consumer_with(context);
}

/* A consumer and a producer of one epoch, both settled. */
static inline void open_both(tp_consumer_t **consumer, tp_producer_t **producer)
{
    *consumer = listening_consumer();
    *producer = cr_producer();
    assert_true(tp_consumer_is_mapped(*consumer));
    assert_int_equal(stats_of(*consumer).epoch, cr->epoch);
}

static inline void close_both(tp_consumer_t *consumer, tp_producer_t *producer)
{
    tp_producer_close(producer);
    tp_consumer_close(consumer);
}

/* received and all reasons that are about frames of this epoch add up to what was published since we joined. */
static inline void assert_ledger(const tp_consumer_t *consumer)
{
    const tp_consumer_stats_t s = stats_of(consumer);
    const uint64_t lost = s.drops[TP_DROP_GAP] + s.drops[TP_DROP_SKIPPED] + s.drops[TP_DROP_OVERWRITTEN] + s.drops[TP_DROP_UNCOMMITTED] +
        s.drops[TP_DROP_TORN] + s.drops[TP_DROP_BAD_HEADER] + s.drops[TP_DROP_RATE];
    assert_int_equal(s.received + lost, s.last_seq - s.first_seq + 1);
}

/* The same for frames that were announced but never committed: first and last seq of the epoch are known. */
static inline void assert_ledger_of_losses(const tp_consumer_t *consumer, uint64_t first, uint64_t last)
{
    assert_int_equal(stats_of(consumer).first_seq, first);
    assert_int_equal(stats_of(consumer).last_seq, last);
    assert_ledger(consumer);
}

#endif
