#include "client_progress_rig.h"

#define BIG 131072u

static trace_t trace;

static tp_producer_stats_t producer_stats(const tp_producer_t *producer)
{
    tp_producer_stats_t stats;
    assert_int_equal(tp_producer_stats(producer, &stats), 0);
    return stats;
}

/* A consumer of somebody else says hello. */
static void hello(uint32_t consumer_id, bool wants, uint32_t interval_us, uint32_t bytes_delta, uint32_t major_delta)
{
    uint8_t buffer[128];
    tpc_consumer_hello_t h = TPC_CONSUMER_HELLO_INIT;
    h.stream_id = CR_STREAM;
    h.consumer_id = consumer_id;
    h.supports_shm = 1;
    h.supports_progress = wants ? 1 : 0;
    h.progress_interval_us = interval_us;
    h.progress_bytes_delta = bytes_delta;
    h.progress_major_delta_units = major_delta;
    const int64_t n = tpc_consumer_hello_encode(buffer, sizeof(buffer), &h);
    assert_true(n > 0 && tpi_publication_offer(cr->pub, buffer, (size_t)n) > 0);
    cr_step(40 * MS);
}

static void listen(void)
{
    memset(&trace, 0, sizeof(trace));
    tpi_mem_network_tap(cr->network, CR_CONTROL, on_tapped, &trace);
}

/* A producer of frames of BIG bytes with a listener, its publication open, and a tap. */
static tp_producer_t *heard_producer(tp_producer_context_t *context, tp_tensor_template_t **tensor, int unit)
{
    const int32_t dims[] = { 128, 1024 };
    cr->strides[1] = BIG;
    assert_int_equal(tp_tensor_template_init_strided(tensor, TP_DTYPE_UINT8, TP_ROW_MAJOR, 2, dims, NULL, unit), 0);
    tp_producer_t *producer = cr_producer_with(NULL == context ? cr_producer_context() : context);
    hello(77, true, TP_NULL_U32, TP_NULL_U32, TP_NULL_U32);
    listen();
    return producer;
}

static void done(tp_producer_t *producer, tp_tensor_template_t *tensor)
{
    tp_producer_close(producer);
    tp_tensor_template_close(tensor);
}

/* The conductor's clock is the producer's in these tests. */
static void pass(int64_t ns)
{
    cr->now_ns += ns;
    cr_settle();
}

static void nothing_is_sent_while_nobody_listens__W_177_W_172(void **state)
{
    (void)state;
    tp_producer_t *producer = cr_producer();
    tp_buffer_claim_t claim;
    listen();
    for (int round = 0; round < 2; round++)
    {
        assert_int_equal(tp_producer_try_claim(producer, cr->tensor, &claim), round);
        for (uint64_t filled = 0; filled <= 32; filled += 8)
        {
            assert_int_equal(tp_producer_offer_progress(producer, &claim, filled), 0);
            pass(20 * MS);
        }
        assert_int_equal(tp_producer_commit_claim(producer, &claim, NULL), round);
        hello(77, false, 1, 1, 1);                                           /* a consumer, but none that wants progress */
    }
    assert_int_equal(trace.count, 0);
    assert_int_equal(producer_stats(producer).progress_sent, 0);
    assert_null(producer->progress.link);
    hello(77, true, 1, 1, 1);
    assert_int_equal(tp_producer_try_claim(producer, cr->tensor, &claim), 2);
    assert_int_equal(tp_producer_offer_progress(producer, &claim, 0), 1);
    hello(77, false, 1, 1, 1);                                               /* it has lost interest */
    assert_int_equal(tp_producer_offer_progress(producer, &claim, 32), 0);
    assert_int_equal(tp_producer_commit_claim(producer, &claim, NULL), 2);
    assert_int_equal(trace.count, 1);
    tp_producer_close(producer);
}

static void silent_listener_is_forgotten_with_its_wish__W_177_W_178(void **state)
{
    (void)state;
    tp_producer_t *producer = cr_producer();
    tp_buffer_claim_t claim;
    hello(77, true, 1, 1, 1);
    cr_step(5200 * MS);
    listen();
    assert_int_equal(tp_producer_try_claim(producer, cr->tensor, &claim), 0);
    assert_int_equal(tp_producer_offer_progress(producer, &claim, 0), 0);
    assert_int_equal(trace.count, 0);
    (void)tp_producer_abort_claim(producer, &claim);
    tp_producer_close(producer);
}

static void hundred_frames_start_grow_and_end_in_order__W_159_W_160_W_175(void **state)
{
    (void)state;
    tp_tensor_template_t *tensor = NULL;
    tp_producer_t *producer = heard_producer(NULL, &tensor, TP_PROGRESS_NONE);
    for (uint64_t frame = 0; frame < 100; frame++)
    {
        tp_buffer_claim_t claim;
        assert_int_equal(tp_producer_try_claim(producer, tensor, &claim), frame);
        assert_int_equal(tp_producer_offer_progress(producer, &claim, 0), 1);
        pass(10 * MS);
        assert_int_equal(tp_producer_offer_progress(producer, &claim, BIG / 2), 1);
        assert_int_equal(tp_producer_offer_progress(producer, &claim, BIG), 0);
        assert_int_equal(tp_producer_commit_claim(producer, &claim, NULL), frame);
        pass(10 * MS);
    }
    assert_int_equal(trace.count, 300);
    for (int i = 0; i < 300; i++)
    {
        static const uint64_t filled[] = { 0, BIG / 2, BIG };
        assert_int_equal(trace.m[i].stream_id, CR_STREAM);
        assert_int_equal(trace.m[i].epoch, cr->epoch);
        assert_int_equal(trace.m[i].seq, i / 3);
        assert_int_equal(trace.m[i].seq, cr->descriptor[i / 3].seq);
        assert_int_equal(trace.m[i].state, 1 + i % 3);
        assert_int_equal(trace.m[i].payload_bytes_filled, filled[i % 3]);
    }
    assert_int_equal(producer_stats(producer).progress_sent, 300);
    done(producer, tensor);
}

static void frame_without_progress_sends_none__W_172(void **state)
{
    (void)state;
    tp_tensor_template_t *tensor = NULL;
    tp_producer_t *producer = heard_producer(NULL, &tensor, TP_PROGRESS_NONE);
    tp_buffer_claim_t claim;
    assert_int_equal(tp_producer_try_claim(producer, tensor, &claim), 0);
    assert_int_equal(tp_producer_commit_claim(producer, &claim, NULL), 0);
    assert_int_equal(trace.count, 0);
    assert_int_equal(tp_producer_try_claim(producer, tensor, &claim), 1);
    assert_int_equal(tp_producer_offer_progress(producer, &claim, 10), 1);
    assert_int_equal(tp_producer_abort_claim(producer, &claim), 1);          /* nobody is told of an abort */
    assert_int_equal(trace.count, 1);
    assert_int_equal(producer->progress.running, 0);
    done(producer, tensor);
}

static void value_cannot_shrink_or_exceed_the_payload__W_167_W_168(void **state)
{
    (void)state;
    tp_tensor_template_t *tensor = NULL;
    tp_producer_t *producer = heard_producer(NULL, &tensor, TP_PROGRESS_NONE);
    tp_buffer_claim_t claim;
    assert_int_equal(tp_producer_try_claim(producer, tensor, &claim), 0);
    assert_int_equal(tp_producer_offer_progress(producer, &claim, BIG + 1), TP_INVALID_ARGUMENT);
    assert_int_equal(trace.count, 0);
    assert_int_equal(tp_producer_offer_progress(producer, &claim, 100), 1);
    assert_int_equal(tp_producer_offer_progress(producer, &claim, 99), TP_INVALID_ARGUMENT);
    assert_int_equal(tp_producer_offer_progress(producer, &claim, 100), 0);
    claim.length = 1000;
    assert_int_equal(tp_producer_offer_progress(producer, &claim, 1001), TP_INVALID_ARGUMENT);
    claim.length = 99;
    assert_int_equal(tp_producer_commit_claim(producer, &claim, NULL), TP_INVALID_ARGUMENT);       /* consumers know of 100 */
    claim.length = 100;
    assert_int_equal(tp_producer_commit_claim(producer, &claim, NULL), 0);
    assert_int_equal(trace.count, 2);
    assert_int_equal(trace.m[1].payload_bytes_filled, 100);
    assert_int_equal(tp_producer_offer_progress(producer, &claim, 100), TP_INVALID_CLAIM);
    done(producer, tensor);
}

static void interval_and_growth_hold_messages_back_and_flush_looks_again__W_175(void **state)
{
    (void)state;
    tp_tensor_template_t *tensor = NULL;
    tp_producer_t *producer = heard_producer(NULL, &tensor, TP_PROGRESS_NONE);
    tp_buffer_claim_t claim;
    assert_int_equal(tp_producer_try_claim(producer, tensor, &claim), 0);
    assert_int_equal(tp_producer_offer_progress(producer, &claim, 0), 1);
    pass(249 * 1000);
    assert_int_equal(tp_producer_offer_progress(producer, &claim, 65536), 0);
    pass(1000);
    assert_int_equal(tp_producer_flush(producer), 0);                        /* no descriptor, but the value that was kept back */
    assert_int_equal(trace.count, 2);
    assert_int_equal(trace.m[1].payload_bytes_filled, 65536);
    pass(250 * 1000);
    assert_int_equal(tp_producer_offer_progress(producer, &claim, 65536 + 1000), 0);
    pass(500 * 1000);
    (void)tp_producer_flush(producer);
    assert_int_equal(trace.count, 2);
    pass(250 * 1000);
    (void)tp_producer_flush(producer);                                       /* four intervals: not withheld for long */
    assert_int_equal(trace.count, 3);
    assert_int_equal(trace.m[2].payload_bytes_filled, 65536 + 1000);
    assert_int_equal(tp_producer_commit_claim(producer, &claim, NULL), 0);
    done(producer, tensor);
}

static void hints_of_all_consumers_are_merged_above_our_minimum__W_178_W_156(void **state)
{
    (void)state;
    tp_tensor_template_t *tensor = NULL;
    tp_producer_context_t *context = cr_producer_context();
    assert_int_equal(tp_producer_context_set_progress_limits(context, 400, 1000, 0, 0), -1);
    assert_int_equal(tp_producer_context_set_progress_limits(context, 400, 1000, 0, 1000001), -1);
    assert_int_equal(tp_producer_context_set_progress_limits(context, 400, 1000, 0, 2000), 0);
    tp_producer_t *producer = heard_producer(context, &tensor, TP_PROGRESS_NONE);
    tp_buffer_claim_t claim;
    hello(77, true, 500, 5000, TP_NULL_U32);
    hello(78, true, 300, 3000, TP_NULL_U32);
    hello(79, false, 1, 1, 1);
    assert_int_equal(tp_producer_try_claim(producer, tensor, &claim), 0);
    assert_int_equal(tp_producer_offer_progress(producer, &claim, 0), 1);
    pass(400 * 1000 - 1);
    assert_int_equal(tp_producer_offer_progress(producer, &claim, 3000), 0);
    pass(1);
    assert_int_equal(tp_producer_offer_progress(producer, &claim, 3000), 1);
    pass(400 * 1000);
    assert_int_equal(tp_producer_offer_progress(producer, &claim, 5999), 0);
    assert_int_equal(tp_producer_offer_progress(producer, &claim, 6000), 1);
    assert_int_equal(tp_producer_commit_claim(producer, &claim, NULL), 0);
    done(producer, tensor);
}

static void rows_are_told_in_rows__P7_W_175(void **state)
{
    (void)state;
    tp_tensor_template_t *tensor = NULL;
    tp_producer_t *producer = heard_producer(NULL, &tensor, TP_PROGRESS_ROWS);
    tp_buffer_claim_t claim;
    hello(77, true, TP_NULL_U32, TP_NULL_U32, 4);                            /* every four rows of 1024 bytes */
    assert_int_equal(tp_producer_try_claim(producer, tensor, &claim), 0);
    assert_int_equal(tp_producer_offer_progress_units(producer, &claim, 0), 1);
    pass(300 * 1000);
    assert_int_equal(tp_producer_offer_progress_units(producer, &claim, 3), 0);
    assert_int_equal(tp_producer_offer_progress_units(producer, &claim, 4), 1);
    assert_int_equal(trace.m[1].payload_bytes_filled, 4096);
    assert_int_equal(tp_producer_offer_progress_units(producer, &claim, 129), TP_INVALID_ARGUMENT);
    pass(300 * 1000);
    assert_int_equal(tp_producer_offer_progress_units(producer, &claim, 128), 1);
    assert_int_equal(trace.m[2].payload_bytes_filled, BIG);
    assert_int_equal(tp_producer_commit_claim(producer, &claim, NULL), 0);
    assert_int_equal(tp_producer_try_claim(producer, cr->tensor, &claim), 1);
    assert_int_equal(tp_producer_offer_progress_units(producer, &claim, 1), TP_INVALID_ARGUMENT);  /* declares no unit */
    assert_int_equal(tp_producer_abort_claim(producer, &claim), 1);
    done(producer, tensor);
}

static void burst_of_frames_stays_below_the_cap__W_176(void **state)
{
    (void)state;
    tp_tensor_template_t *tensor = NULL;
    tp_producer_t *producer = heard_producer(NULL, &tensor, TP_PROGRESS_NONE);
    for (int i = 0; i < 1000; i++)                                           /* 10,000 frames a second for 100 ms: 20,000 messages a second */
    {
        tp_buffer_claim_t claim;
        assert_int_equal(tp_producer_try_claim(producer, tensor, &claim), i);
        (void)tp_producer_offer_progress(producer, &claim, 0);
        cr->now_ns += 100 * 1000;
        (void)tpi_client_do_work_at(cr->client, cr->now_ns);
        if (0 == i % 10) { cr_driver_work(); }
        assert_int_equal(tp_producer_commit_claim(producer, &claim, NULL), i);
    }
    assert_in_range(trace.count, 190, 220);
    done(producer, tensor);
}

/* ---- order of flush, commit and COMPLETE ---------------------------------------------------------------------------------- */

typedef struct order { int flushes; int completes_before; tp_producer_t *producer; bool committed_at_complete; } order_t;
static order_t order;

static void on_flush(void *clientd, void *payload, size_t length)
{
    (void)payload;
    (void)length;
    assert_ptr_equal(clientd, &order);
    order.flushes++;
    for (int i = 0; i < trace.count; i++) { if (TPC_PROGRESS_COMPLETE == trace.m[i].state) { order.completes_before++; } }
}

static void on_control(void *clientd, const tpi_message_t *message)
{
    on_tapped(clientd, message);
    if (0 == trace.count || TPC_PROGRESS_COMPLETE != trace.m[trace.count - 1].state) { return; }
    const tpi_slot_word_t *words = (const tpi_slot_word_t *)(const void *)(cr->files[cr->file_count - 1]->regions[0].base + 64);
    order.committed_at_complete = 1 == tpi_slot_peek(words) && 1 == order.flushes;
}

static void complete_follows_flush_and_commit__W_043_W_160(void **state)
{
    (void)state;
    tp_tensor_template_t *tensor = NULL;
    tp_producer_context_t *context = cr_producer_context();
    tp_buffer_claim_t claim;
    memset(&order, 0, sizeof(order));
    assert_int_equal(tp_producer_context_set_payload_flush(context, on_flush, &order), 0);
    tp_producer_t *producer = heard_producer(context, &tensor, TP_PROGRESS_NONE);
    tpi_mem_network_tap(cr->network, CR_CONTROL, on_control, &trace);
    assert_int_equal(tp_producer_try_claim(producer, tensor, &claim), 0);
    assert_int_equal(tp_producer_offer_progress(producer, &claim, BIG), 1);
    assert_int_equal(order.flushes, 0);
    assert_int_equal(tp_producer_commit_claim(producer, &claim, NULL), 0);
    assert_int_equal(order.flushes, 1);
    assert_int_equal(order.completes_before, 0);
    assert_int_equal(trace.count, 2);
    assert_int_equal(trace.m[1].state, TPC_PROGRESS_COMPLETE);
    assert_true(order.committed_at_complete);
    done(producer, tensor);
}

/* ---- streams -------------------------------------------------------------------------------------------------------------- */

static void refused_start_keeps_the_whole_frame_silent__W_160(void **state)
{
    (void)state;
    tp_tensor_template_t *tensor = NULL;
    tp_producer_t *producer = heard_producer(NULL, &tensor, TP_PROGRESS_NONE);
    tp_buffer_claim_t claim;
    assert_int_equal(tpi_mem_network_fault(cr->network, CR_CONTROL, TPI_MEM_BACK_PRESSURE, 1), 0);
    assert_int_equal(tp_producer_try_claim(producer, tensor, &claim), 0);
    assert_int_equal(tp_producer_offer_progress(producer, &claim, 0), 0);
    pass(10 * MS);
    assert_int_equal(tp_producer_offer_progress(producer, &claim, BIG), 0);
    assert_int_equal(tp_producer_commit_claim(producer, &claim, NULL), 0);
    assert_int_equal(trace.count, 0);
    assert_int_equal(producer_stats(producer).progress_refused, 1);
    assert_int_equal(tp_producer_try_claim(producer, tensor, &claim), 1);
    assert_int_equal(tpi_mem_network_fault(cr->network, CR_CONTROL, TPI_MEM_ADMIN_ACTION, 3), 0);  /* A2: term rotation is no refusal */
    assert_int_equal(tp_producer_offer_progress(producer, &claim, 0), 1);
    assert_int_equal(tpi_mem_network_fault(cr->network, CR_CONTROL, TPI_MEM_BACK_PRESSURE, 1), 0);
    cr->now_ns += MS;
    (void)tpi_client_do_work_at(cr->client, cr->now_ns);
    assert_int_equal(tp_producer_offer_progress(producer, &claim, BIG), 0);
    (void)tp_producer_flush(producer);                                       /* the value was kept and goes out now */
    assert_int_equal(trace.count, 2);
    assert_int_equal(trace.m[1].payload_bytes_filled, BIG);
    assert_int_equal(tp_producer_commit_claim(producer, &claim, NULL), 1);
    done(producer, tensor);
}

static void consumer_of_ours_with_its_own_control_stream_hears_there_only__W_136_W_138_W_140_O_27_S_042(void **state)
{
    (void)state;
    static trace_t private_trace;
    tp_consumer_context_t *consumer_context = cr_consumer_context();
    assert_int_equal(tp_consumer_context_set_control_request(consumer_context, "aeron:ipc?term-length=4m", CR_PRIVATE), 0);
    tp_consumer_t *consumer = cr_consumer_with(consumer_context);
    opt_in(consumer);
    tp_producer_context_t *context = cr_producer_context();
    assert_int_equal(tp_producer_context_set_answer_hello(context, TP_ANSWER_HELLO_ALWAYS), 0);
    tp_producer_t *producer = cr_producer_with(context);
    tp_buffer_claim_t claim;
    cr_step(1200 * MS);
    assert_non_null(consumer->progress.subscription);
    listen();
    memset(&private_trace, 0, sizeof(private_trace));
    tpi_mem_network_tap(cr->network, CR_PRIVATE, on_tapped, &private_trace);
    assert_int_equal(tp_producer_try_claim(producer, cr->tensor, &claim), 0);
    memset(claim.payload, 5, claim.length);
    assert_int_equal(tp_producer_offer_progress(producer, &claim, 0), 1);
    pass(10 * MS);
    assert_int_equal(tp_producer_offer_progress(producer, &claim, 16), 1);
    assert_int_equal(tp_producer_commit_claim(producer, &claim, NULL), 0);
    cr_settle();
    assert_int_equal(trace.count, 0);                                        /* nobody needs it on the shared stream */
    assert_int_equal(private_trace.count, 3);
    assert_int_equal(told.count, 3);
    assert_int_equal(told.m[1].filled_bytes, 16);
    assert_int_equal(told.m[2].state, TP_FRAME_COMPLETE);
    hello(78, true, TP_NULL_U32, TP_NULL_U32, TP_NULL_U32);                  /* one that listens on the shared stream */
    assert_int_equal(tp_producer_try_claim(producer, cr->tensor, &claim), 1);
    assert_int_equal(tp_producer_offer_progress(producer, &claim, 0), 1);
    assert_int_equal(trace.count, 1);
    assert_int_equal(private_trace.count, 4);
    cr_settle();
    assert_int_equal(told.count, 4);
    (void)tp_producer_abort_claim(producer, &claim);
    close_both(consumer, producer);
}

static void stream_that_heard_no_start_of_this_frame_hears_nothing_of_it__W_160(void **state)
{
    (void)state;
    static trace_t private_trace;
    tp_consumer_context_t *consumer_context = cr_consumer_context();
    assert_int_equal(tp_consumer_context_set_control_request(consumer_context, "aeron:ipc?term-length=4m", CR_PRIVATE), 0);
    tp_consumer_t *consumer = cr_consumer_with(consumer_context);
    opt_in(consumer);
    tp_producer_context_t *context = cr_producer_context();
    assert_int_equal(tp_producer_context_set_answer_hello(context, TP_ANSWER_HELLO_ALWAYS), 0);
    tp_producer_t *producer = cr_producer_with(context);
    tp_buffer_claim_t claim;
    cr_step(1200 * MS);
    assert_int_equal(tp_producer_try_claim(producer, cr->tensor, &claim), 0);
    assert_int_equal(tp_producer_offer_progress(producer, &claim, 0), 1);    /* the private stream heard of frame 0, which never ends */
    assert_int_equal(tp_producer_abort_claim(producer, &claim), 0);
    for (int i = 1; i < (int)TPI_WINDOW_MAX; i++) { assert_int_equal(cr_publish(producer, 1), i); }
    assert_int_equal(tp_consumer_set_progress_handler(consumer, NULL, NULL), 0);
    hello(78, true, TP_NULL_U32, TP_NULL_U32, TP_NULL_U32);                  /* one that listens on the shared stream */
    cr_step(60 * MS);
    listen();
    memset(&private_trace, 0, sizeof(private_trace));
    tpi_mem_network_tap(cr->network, CR_PRIVATE, on_tapped, &private_trace);
    assert_int_equal(tp_producer_try_claim(producer, cr->tensor, &claim), TPI_WINDOW_MAX);
    assert_int_equal(tp_producer_offer_progress(producer, &claim, 0), 1);
    opt_in(consumer);                                                        /* in the middle of a frame */
    cr_step(60 * MS);
    assert_int_equal(tp_producer_offer_progress(producer, &claim, 16), 1);
    assert_int_equal(tp_producer_commit_claim(producer, &claim, NULL), TPI_WINDOW_MAX);
    assert_int_equal(trace.count, 3);
    assert_int_equal(private_trace.count, 0);
    close_both(consumer, producer);
}

static void both_ends_of_ours_meet_on_the_shared_stream__W_159_W_161_W_164(void **state)
{
    (void)state;
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    tp_buffer_claim_t claim;
    tp_frame_view_t view;
    open_both(&consumer, &producer);
    opt_in(consumer);
    cr_step(60 * MS);
    assert_int_equal(tp_producer_try_claim(producer, cr->tensor, &claim), 0);
    memset(claim.payload, 6, claim.length);
    assert_int_equal(tp_producer_offer_progress(producer, &claim, 0), 1);
    pass(10 * MS);
    assert_int_equal(tp_producer_offer_progress(producer, &claim, 24), 1);
    cr_settle();
    assert_int_equal(told.count, 2);
    assert_null(last_told()->payload);
    assert_int_equal(next(consumer, &view), 0);
    assert_int_equal(tp_producer_commit_claim(producer, &claim, NULL), 0);
    cr_settle();
    assert_int_equal(told.count, 3);
    assert_int_equal(last_told()->prefix_bytes, 32);
    assert_int_equal(told.first, 6);
    assert_int_equal(next(consumer, &view), 1);
    assert_int_equal(view.seq, last_told()->seq);
    close_both(consumer, producer);
}

static void lost_lease_ends_progress_of_claims_that_are_out__M8(void **state)
{
    (void)state;
    tp_tensor_template_t *tensor = NULL;
    tp_producer_t *producer = heard_producer(NULL, &tensor, TP_PROGRESS_NONE);
    tp_buffer_claim_t claim;
    assert_int_equal(tp_producer_try_claim(producer, tensor, &claim), 0);
    assert_int_equal(tp_producer_offer_progress(producer, &claim, 0), 1);
    cr_revoke(cr_lease(TP_ROLE_PRODUCER), TPC_REVOKE_REVOKED);
    cr_lease(TP_ROLE_PRODUCER)->active = false;
    cr_settle();
    assert_int_equal(tp_producer_offer_progress(producer, &claim, BIG), TP_LEASE_LOST);
    assert_int_equal(tp_producer_commit_claim(producer, &claim, NULL), TP_LEASE_LOST);
    assert_int_equal(trace.count, 1);
    assert_int_equal(producer->progress.running, 0);
    done(producer, tensor);
}

static void publication_comes_back_with_another_media_driver(void **state)
{
    (void)state;
    tp_producer_t *producer = cr_producer();
    tp_buffer_claim_t claim;
    hello(77, true, 1, 1, 1);
    assert_non_null(producer->progress.link);
    cr_restart_media();
    cr_step(3000 * MS);
    assert_true(tp_producer_is_attached(producer));
    assert_null(producer->progress.retired);
    hello(77, true, 1, 1, 1);
    listen();
    assert_int_equal(tp_producer_try_claim(producer, cr->tensor, &claim), 0);
    assert_int_equal(tp_producer_offer_progress(producer, &claim, 0), 1);
    assert_int_equal(trace.count, 1);
    (void)tp_producer_abort_claim(producer, &claim);
    tp_producer_close(producer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CR_TEST(nothing_is_sent_while_nobody_listens__W_177_W_172),
        CR_TEST(silent_listener_is_forgotten_with_its_wish__W_177_W_178),
        CR_TEST(hundred_frames_start_grow_and_end_in_order__W_159_W_160_W_175),
        CR_TEST(frame_without_progress_sends_none__W_172),
        CR_TEST(value_cannot_shrink_or_exceed_the_payload__W_167_W_168),
        CR_TEST(interval_and_growth_hold_messages_back_and_flush_looks_again__W_175),
        CR_TEST(hints_of_all_consumers_are_merged_above_our_minimum__W_178_W_156),
        CR_TEST(rows_are_told_in_rows__P7_W_175),
        CR_TEST(burst_of_frames_stays_below_the_cap__W_176),
        CR_TEST(complete_follows_flush_and_commit__W_043_W_160),
        CR_TEST(refused_start_keeps_the_whole_frame_silent__W_160),
        CR_TEST(stream_that_heard_no_start_of_this_frame_hears_nothing_of_it__W_160),
        CR_TEST(consumer_of_ours_with_its_own_control_stream_hears_there_only__W_136_W_138_W_140_O_27_S_042),
        CR_TEST(both_ends_of_ours_meet_on_the_shared_stream__W_159_W_161_W_164),
        CR_TEST(lost_lease_ends_progress_of_claims_that_are_out__M8),
        CR_TEST(publication_comes_back_with_another_media_driver),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
