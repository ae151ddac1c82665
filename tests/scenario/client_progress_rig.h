/* What the tests of FrameProgress share: a record of what a handler was given, messages by hand, a tap on a stream. Included once a program. */
#ifndef TP_TESTS_CLIENT_PROGRESS_RIG_H
#define TP_TESTS_CLIENT_PROGRESS_RIG_H

#include "client_consumer_rig.h"

#include "client/producer_state.h"

#define CR_PRIVATE 32500

typedef struct told { int count; tp_frame_progress_t m[64]; tp_tensor_t tensor; bool valid; uint8_t first; } told_t;
static told_t told;

static inline void on_progress(void *clientd, const tp_frame_progress_t *progress)
{
    assert_ptr_equal(clientd, &told);
    assert_true(told.count < 64);
    told.m[told.count++] = *progress;
    told.valid = tp_frame_progress_is_valid(progress);
    if (NULL != progress->tensor) { told.tensor = *progress->tensor; }
    if (0 != progress->prefix_bytes) { told.first = *(const uint8_t *)progress->payload; }
}

static inline const tp_frame_progress_t *last_told(void) { return &told.m[told.count - 1]; }

static inline void opt_in(tp_consumer_t *consumer)
{
    memset(&told, 0, sizeof(told));
    assert_int_equal(tp_consumer_set_progress_handler(consumer, on_progress, &told), 0);
}

static inline tpc_frame_progress_t progress(uint64_t seq, uint8_t state, uint64_t filled)
{
    return (tpc_frame_progress_t){ .stream_id = CR_STREAM, .epoch = cr->epoch, .seq = seq, .state = state, .payload_bytes_filled = filled };
}

static inline void send_progress_on(tpi_publication_t *publication, const tpc_frame_progress_t *m)
{
    uint8_t buffer[64];
    const int64_t n = tpc_frame_progress_encode(buffer, sizeof(buffer), m);
    assert_int_equal(n, TPC_FRAME_PROGRESS_LENGTH);
    assert_true(tpi_publication_offer(publication, buffer, (size_t)n) > 0);
}

static inline void send_progress(const tpc_frame_progress_t *m)
{
    send_progress_on(cr->pub, m);
    cr_settle();
}

static inline void say_progress(uint64_t seq, uint8_t state, uint64_t filled)
{
    const tpc_frame_progress_t m = progress(seq, state, filled);
    send_progress(&m);
}

/* Every FrameProgress on a stream, in order. */
typedef struct trace { int count; tpc_frame_progress_t m[512]; } trace_t;

static inline void on_tapped(void *clientd, const tpi_message_t *message)
{
    trace_t *trace = clientd;
    tpc_header_t h = { 0, 0, 0, 0 };
    tpc_frame_progress_t m;
    assert_int_equal(tpc_header_decode(&h, message->data, message->length), TPC_OK);
    if (TPC_WIRE_SCHEMA != h.schema_id || TPC_FRAME_PROGRESS != h.template_id) { return; }
    assert_int_equal(tpc_frame_progress_decode(&m, message->data, message->length), TPC_OK);
    if (trace->count < 512) { trace->m[trace->count] = m; }
    trace->count++;
}

static inline tpi_publication_t *open_publication(int32_t stream_id)
{
    tpi_bus_async_t *async = NULL;
    tpi_publication_t *publication = NULL;
    assert_int_equal(tpi_bus_add_publication(cr->bus, &async, "aeron:ipc?term-length=4m", stream_id), 0);
    while (0 == tpi_bus_add_publication_poll(async, &publication)) { (void)tpi_bus_do_work(cr->bus, cr->now_ns); }
    assert_non_null(publication);
    return publication;
}

#endif
