#include "client_progress_rig.h"

static uint8_t *ring_slot(uint64_t seq) { return cr->files[cr->file_count - 1]->regions[0].base + 64 + (seq & (CR_NSLOTS - 1)) * 256; }

static void progress_is_heard_by_those_who_opted_in_only__W_162(void **state)
{
    (void)state;
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    open_both(&consumer, &producer);
    memset(&told, 0, sizeof(told));
    cr_step(1100 * MS);
    assert_int_equal(cr->hello.supports_progress, 0);
    say_progress(0, TPC_PROGRESS_STARTED, 0);
    opt_in(consumer);
    cr_step(40 * MS);
    assert_int_equal(cr->hello.supports_progress, 1);                        /* told at once */
    assert_int_equal(cr->hello.progress_interval_us, TP_NULL_U32);
    say_progress(0, TPC_PROGRESS_PROGRESS, 10);
    assert_int_equal(told.count, 1);
    assert_int_equal(last_told()->filled_bytes, 10);
    assert_int_equal(tp_consumer_set_progress_handler(consumer, NULL, NULL), 0);
    cr_step(40 * MS);
    assert_int_equal(cr->hello.supports_progress, 0);
    say_progress(0, TPC_PROGRESS_PROGRESS, 20);
    assert_int_equal(told.count, 1);
    assert_int_equal(stats_of(consumer).progress_received, 1);
    assert_int_equal(stats_of(consumer).progress_dropped, 0);
    close_both(consumer, producer);
}

static void hints_go_with_the_hello__W_178(void **state)
{
    (void)state;
    tp_consumer_context_t *context = cr_consumer_context();
    assert_int_equal(tp_consumer_context_set_progress_hints(context, 300, 4096, 16), 0);
    assert_int_equal(tp_consumer_context_set_progress_hints(NULL, 300, 4096, 16), -1);
    tp_consumer_t *consumer = cr_consumer_with(context);
    opt_in(consumer);
    cr_step(40 * MS);
    assert_int_equal(cr->hello.supports_progress, 1);
    assert_int_equal(cr->hello.progress_interval_us, 300);
    assert_int_equal(cr->hello.progress_bytes_delta, 4096);
    assert_int_equal(cr->hello.progress_major_delta_units, 16);
    tp_consumer_close(consumer);
}

static void before_the_commit_it_is_a_number_and_afterwards_a_prefix__P7_O_12_W_164_W_170_W_173(void **state)
{
    (void)state;
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    tp_buffer_claim_t claim;
    open_both(&consumer, &producer);
    opt_in(consumer);
    assert_int_equal(tp_producer_try_claim(producer, cr->tensor, &claim), 0);
    memset(claim.payload, 7, claim.length);
    say_progress(0, TPC_PROGRESS_STARTED, 0);
    say_progress(0, TPC_PROGRESS_PROGRESS, 20);
    assert_int_equal(told.count, 2);
    assert_int_equal(told.m[0].state, TP_FRAME_STARTED);
    assert_int_equal(last_told()->state, TP_FRAME_PROGRESS);
    assert_int_equal(last_told()->filled_bytes, 20);
    assert_null(last_told()->payload);
    assert_null(last_told()->tensor);
    assert_int_equal(last_told()->prefix_bytes, 0);
    assert_false(told.valid);
    say_progress(0, TPC_PROGRESS_COMPLETE, 32);                              /* COMPLETE is no commit */
    assert_int_equal(told.count, 3);
    assert_null(last_told()->payload);
    assert_int_equal(tp_producer_commit_claim(producer, &claim, NULL), 0);
    assert_int_equal(cr_publish(producer, 0x0909), 1);
    say_progress(1, TPC_PROGRESS_PROGRESS, 21);
    assert_int_equal(told.count, 4);
    assert_non_null(last_told()->payload);
    assert_int_equal(last_told()->prefix_bytes, 21);
    assert_int_equal(last_told()->prefix_units, 0);
    assert_int_equal(told.tensor.ndims, 2);
    assert_int_equal(told.first, 9);
    assert_true(told.valid);
    close_both(consumer, producer);
}

static void complete_announces_no_frame__W_170_W_171(void **state)
{
    (void)state;
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    tp_frame_view_t view;
    open_both(&consumer, &producer);
    opt_in(consumer);
    tpi_mem_network_fault(cr->network, CR_DESCRIPTOR, TPI_MEM_LOSE, 1);
    assert_int_equal(cr_publish(producer, 1), 0);                            /* committed, but its descriptor is lost */
    say_progress(0, TPC_PROGRESS_STARTED, 0);
    say_progress(0, TPC_PROGRESS_COMPLETE, 32);
    say_progress(1, TPC_PROGRESS_COMPLETE, 32);                              /* not even committed */
    assert_int_equal(told.count, 3);
    assert_int_equal(next(consumer, &view), 0);
    assert_int_equal(stats_of(consumer).received, 0);
    assert_int_equal(cr_publish(producer, 1), 1);                            /* its descriptor announces it */
    cr_settle();
    assert_int_equal(next(consumer, &view), 1);
    assert_int_equal(view.seq, 1);
    close_both(consumer, producer);
}

static void frame_without_complete_arrives_as_ever__W_161(void **state)
{
    (void)state;
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    tp_frame_view_t view;
    open_both(&consumer, &producer);
    opt_in(consumer);
    say_progress(0, TPC_PROGRESS_STARTED, 0);
    say_progress(0, TPC_PROGRESS_PROGRESS, 8);
    assert_int_equal(cr_publish(producer, 1), 0);
    cr_settle();
    assert_int_equal(next(consumer, &view), 1);
    assert_int_equal(view.seq, 0);
    assert_true(tp_frame_view_is_valid(&view));
    assert_int_equal(told.count, 2);
    close_both(consumer, producer);
}

static void what_goes_back_or_is_nonsense_is_dropped_and_counted__W_169_O_48_O_62(void **state)
{
    (void)state;
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    open_both(&consumer, &producer);
    opt_in(consumer);
    say_progress(3, TPC_PROGRESS_PROGRESS, 100);
    say_progress(3, TPC_PROGRESS_PROGRESS, 50);
    say_progress(3, TPC_PROGRESS_UNKNOWN, 200);
    say_progress(3, 9, 200);
    say_progress((UINT64_C(1) << 63) | 3, TPC_PROGRESS_PROGRESS, 200);
    say_progress(3 + CR_NSLOTS, TPC_PROGRESS_PROGRESS, 10);
    say_progress(3, TPC_PROGRESS_COMPLETE, 100);
    assert_int_equal(told.count, 2);
    assert_int_equal(stats_of(consumer).progress_received, 2);
    assert_int_equal(stats_of(consumer).progress_dropped, 5);
    close_both(consumer, producer);
}

static void slot_that_holds_a_newer_frame_makes_progress_late__O_62_W_023_W_163(void **state)
{
    (void)state;
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    tp_buffer_claim_t claim;
    open_both(&consumer, &producer);
    opt_in(consumer);
    for (uint64_t i = 0; i <= CR_NSLOTS; i++) { assert_int_equal(cr_publish(producer, 1), i); }
    say_progress(0, TPC_PROGRESS_COMPLETE, 32);                              /* slot 0 is committed as CR_NSLOTS */
    assert_int_equal(told.count, 0);
    assert_int_equal(tp_producer_try_claim(producer, cr->tensor, &claim), CR_NSLOTS + 1);
    say_progress(1, TPC_PROGRESS_COMPLETE, 32);                              /* slot 1 is being written as CR_NSLOTS + 1 */
    assert_int_equal(told.count, 0);
    say_progress(CR_NSLOTS + 1, TPC_PROGRESS_STARTED, 0);
    say_progress(CR_NSLOTS + 2, TPC_PROGRESS_STARTED, 0);                    /* slot 2 still holds 2 */
    assert_int_equal(told.count, 2);
    assert_null(last_told()->payload);
    assert_int_equal(stats_of(consumer).progress_dropped, 2);
    (void)tp_producer_abort_claim(producer, &claim);
    close_both(consumer, producer);
}

static void committed_slot_bounds_and_judges_progress__W_166_W_167(void **state)
{
    (void)state;
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    open_both(&consumer, &producer);
    opt_in(consumer);
    assert_int_equal(cr_publish(producer, 1), 0);
    say_progress(0, TPC_PROGRESS_PROGRESS, 33);                              /* of 32 */
    assert_int_equal(told.count, 0);
    say_progress(0, TPC_PROGRESS_PROGRESS, 32);
    assert_int_equal(told.count, 1);                                         /* the dropped one left no trace */
    assert_int_equal(cr_publish(producer, 1), 1);
    ring_slot(1)[78] = TP_PROGRESS_ROWS;                                     /* progressStrideBytes stays 0 */
    say_progress(1, TPC_PROGRESS_PROGRESS, 8);
    assert_int_equal(told.count, 1);
    assert_int_equal(cr_publish(producer, 1), 2);
    ring_slot(2)[78] = TP_PROGRESS_ROWS;
    ring_slot(2)[79] = 9;                                                    /* a row takes 8 bytes */
    say_progress(2, TPC_PROGRESS_PROGRESS, 8);
    assert_int_equal(told.count, 1);
    ring_slot(2)[79] = 8;
    say_progress(2, TPC_PROGRESS_PROGRESS, 17);
    assert_int_equal(told.count, 2);
    assert_int_equal(last_told()->prefix_bytes, 16);
    assert_int_equal(last_told()->prefix_units, 2);
    assert_int_equal(stats_of(consumer).progress_dropped, 3);
    close_both(consumer, producer);
}

static void prefix_is_whole_rows_or_nothing_with_explicit_strides__W_165_W_174(void **state)
{
    (void)state;
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    tp_tensor_template_t *plain = NULL;
    tp_tensor_template_t *rows = NULL;
    static const uint8_t bytes[64];
    const int32_t dims[] = { 4, 10 };
    const int32_t strides[] = { 16, 1 };
    assert_int_equal(tp_tensor_template_init_strided(&plain, TP_DTYPE_UINT8, TP_ROW_MAJOR, 2, dims, strides, TP_PROGRESS_NONE), 0);
    assert_int_equal(tp_tensor_template_init_strided(&rows, TP_DTYPE_UINT8, TP_ROW_MAJOR, 2, dims, strides, TP_PROGRESS_ROWS), 0);
    open_both(&consumer, &producer);
    opt_in(consumer);
    assert_int_equal(tp_producer_offer_frame(producer, plain, bytes, 58, NULL), 0);
    assert_int_equal(tp_producer_offer_frame(producer, rows, bytes, 58, NULL), 1);
    say_progress(0, TPC_PROGRESS_PROGRESS, 40);
    assert_non_null(last_told()->payload);
    assert_int_equal(last_told()->prefix_bytes, 0);                          /* information only */
    say_progress(1, TPC_PROGRESS_PROGRESS, 40);
    assert_int_equal(last_told()->prefix_bytes, 32);
    assert_int_equal(last_told()->prefix_units, 2);
    say_progress(1, TPC_PROGRESS_COMPLETE, 58);
    assert_int_equal(last_told()->prefix_bytes, 58);
    assert_int_equal(last_told()->prefix_units, 4);
    close_both(consumer, producer);
    tp_tensor_template_close(plain);
    tp_tensor_template_close(rows);
}

static void overwritten_during_use(void *clientd, const tp_frame_progress_t *m)
{
    assert_true(tp_frame_progress_is_valid(m));
    for (int i = 0; i < (int)CR_NSLOTS; i++) { (void)cr_publish(clientd, 3); }
    assert_false(tp_frame_progress_is_valid(m));
    told.count++;
}

static void prefix_is_void_when_the_slot_is_reused__W_164_M4(void **state)
{
    (void)state;
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    open_both(&consumer, &producer);
    memset(&told, 0, sizeof(told));
    assert_int_equal(tp_consumer_set_progress_handler(consumer, overwritten_during_use, producer), 0);
    assert_int_equal(cr_publish(producer, 1), 0);
    say_progress(0, TPC_PROGRESS_PROGRESS, 32);
    assert_int_equal(told.count, 1);
    assert_false(tp_frame_progress_is_valid(NULL));
    close_both(consumer, producer);
}

static void other_streams_and_older_epochs_change_nothing__P1_O_19(void **state)
{
    (void)state;
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    open_both(&consumer, &producer);
    opt_in(consumer);
    tpc_frame_progress_t m = progress(0, TPC_PROGRESS_PROGRESS, 10);
    m.stream_id++;
    m.epoch += 5;
    send_progress(&m);
    assert_int_equal(stats_of(consumer).progress_dropped, 0);
    m.stream_id--;
    m.epoch = cr->epoch - 1;
    send_progress(&m);
    m.epoch = TP_NULL_U64;
    send_progress(&m);
    assert_int_equal(stats_of(consumer).progress_dropped, 2);
    assert_true(tp_consumer_is_mapped(consumer));
    assert_int_equal(told.count, 0);
    m.epoch = cr->epoch + 1;                                                 /* a newer one: unmap and wait */
    send_progress(&m);
    assert_int_equal(told.count, 0);
    assert_false(tp_consumer_is_mapped(consumer));
    close_both(consumer, producer);
}

static void between_a_newer_epoch_and_its_mapping_nothing_is_heard__W_115_W_116(void **state)
{
    (void)state;
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    open_both(&consumer, &producer);
    opt_in(consumer);
    tpc_frame_progress_t m = progress(0, TPC_PROGRESS_PROGRESS, 10);
    m.epoch++;
    send_progress(&m);
    assert_false(tp_consumer_is_mapped(consumer));
    send_progress(&m);
    say_progress(0, TPC_PROGRESS_PROGRESS, 10);                              /* of the epoch that was mapped */
    assert_int_equal(told.count, 0);
    assert_int_equal(stats_of(consumer).progress_dropped, 3);
    cr_next_epoch();
    send_progress(&m);
    assert_int_equal(told.count, 1);
    close_both(consumer, producer);
}

static void new_epoch_starts_from_nothing__W_112(void **state)
{
    (void)state;
    tp_consumer_t *consumer = listening_consumer();
    cr_next_epoch();
    opt_in(consumer);
    say_progress(5, TPC_PROGRESS_PROGRESS, 30);
    cr_next_epoch();
    say_progress(5, TPC_PROGRESS_PROGRESS, 10);                              /* of the new epoch: nothing has gone back */
    assert_int_equal(told.count, 2);
    assert_int_equal(stats_of(consumer).progress_dropped, 0);
    tp_consumer_close(consumer);
}

static tpc_consumer_config_t config_for(const tp_consumer_t *consumer, uint32_t stream_id, const char *channel)
{
    tpc_consumer_config_t config = TPC_CONSUMER_CONFIG_INIT;
    config.stream_id = CR_STREAM;
    config.consumer_id = stats_of(consumer).client_id;
    config.control_stream_id = stream_id;
    config.control_channel = tpc_bytes(channel);
    return config;
}

static void assigned_control_stream_carries_progress_and_nothing_else__W_138_W_139_O_27_S_044_S_045(void **state)
{
    (void)state;
    tp_consumer_t *consumer = listening_consumer();
    tpi_publication_t *private_pub = open_publication(CR_PRIVATE);
    cr_next_epoch();
    opt_in(consumer);
    tpc_consumer_config_t config = config_for(consumer, CR_PRIVATE, "aeron:udp?endpoint=10.0.0.1:4000");         /* P12 */
    cr_send_config(&config);
    cr_settle();
    assert_null(consumer->progress.subscription);
    config.control_channel = tpc_bytes("aeron:ipc?term-length=4m");
    cr_send_config(&config);
    cr_settle();
    tpc_frame_progress_t m = progress(0, TPC_PROGRESS_PROGRESS, 10);
    send_progress_on(private_pub, &m);
    cr_settle();
    assert_int_equal(told.count, 1);
    say_progress(1, TPC_PROGRESS_PROGRESS, 10);                              /* the shared stream is not listened to for progress */
    assert_int_equal(told.count, 1);
    cr_new_epoch();
    cr_announce();                                                           /* but for all the rest */
    cr_settle();
    assert_int_equal(stats_of(consumer).epoch, cr->epoch);
    config.control_stream_id = 0;
    config.control_channel = tpc_bytes("");
    cr_send_config(&config);                                                 /* taken back: the shared one again */
    cr_settle();
    assert_null(consumer->progress.subscription);
    assert_int_equal(tpi_publication_offer(private_pub, (const uint8_t *)"x", 1), TP_NOT_CONNECTED);
    say_progress(1, TPC_PROGRESS_PROGRESS, 11);
    assert_int_equal(told.count, 2);
    tp_consumer_close(consumer);
}

static void shared_stream_is_heard_while_nobody_sends_on_the_assigned_one__O_27(void **state)
{
    (void)state;
    tp_consumer_t *consumer = listening_consumer();
    cr_next_epoch();
    opt_in(consumer);
    const tpc_consumer_config_t config = config_for(consumer, CR_PRIVATE, "aeron:ipc?term-length=4m");
    cr_send_config(&config);
    cr_settle();
    assert_non_null(consumer->progress.subscription);
    say_progress(0, TPC_PROGRESS_PROGRESS, 10);
    assert_int_equal(told.count, 1);
    tpi_publication_t *private_pub = open_publication(CR_PRIVATE);
    cr_settle();
    say_progress(0, TPC_PROGRESS_PROGRESS, 20);
    assert_int_equal(told.count, 1);
    tpi_publication_close(private_pub);
    cr_settle();
    say_progress(0, TPC_PROGRESS_PROGRESS, 30);
    assert_int_equal(told.count, 2);
    tp_consumer_close(consumer);
}

static void assigned_control_stream_is_left_with_the_media_driver(void **state)
{
    (void)state;
    tp_consumer_t *consumer = listening_consumer();
    (void)open_publication(CR_PRIVATE);
    const tpc_consumer_config_t config = config_for(consumer, CR_PRIVATE, "aeron:ipc?term-length=4m");
    cr_send_config(&config);
    cr_settle();
    assert_non_null(consumer->progress.subscription);
    cr_restart_media();
    cr_step(1000 * MS);
    assert_null(consumer->progress.subscription);
    opt_in(consumer);
    cr_step(3000 * MS);
    assert_true(tp_consumer_is_mapped(consumer));
    say_progress(0, TPC_PROGRESS_PROGRESS, 10);
    assert_int_equal(told.count, 1);
    tp_consumer_close(consumer);
}

static void close_in_handler(void *clientd, const tp_frame_progress_t *m)
{
    (void)m;
    told.count++;
    tp_consumer_close(clientd);
}

static void consumer_may_be_closed_from_its_progress_handler__A4(void **state)
{
    (void)state;
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    open_both(&consumer, &producer);
    memset(&told, 0, sizeof(told));
    assert_int_equal(tp_consumer_set_progress_handler(consumer, close_in_handler, consumer), 0);
    say_progress(0, TPC_PROGRESS_STARTED, 0);
    assert_int_equal(told.count, 1);
    assert_null(cr->client->consumers);
    tp_producer_close(producer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CR_TEST(progress_is_heard_by_those_who_opted_in_only__W_162),
        CR_TEST(hints_go_with_the_hello__W_178),
        CR_TEST(before_the_commit_it_is_a_number_and_afterwards_a_prefix__P7_O_12_W_164_W_170_W_173),
        CR_TEST(complete_announces_no_frame__W_170_W_171),
        CR_TEST(frame_without_complete_arrives_as_ever__W_161),
        CR_TEST(what_goes_back_or_is_nonsense_is_dropped_and_counted__W_169_O_48_O_62),
        CR_TEST(slot_that_holds_a_newer_frame_makes_progress_late__O_62_W_023_W_163),
        CR_TEST(committed_slot_bounds_and_judges_progress__W_166_W_167),
        CR_TEST(prefix_is_whole_rows_or_nothing_with_explicit_strides__W_165_W_174),
        CR_TEST(prefix_is_void_when_the_slot_is_reused__W_164_M4),
        CR_TEST(other_streams_and_older_epochs_change_nothing__P1_O_19),
        CR_TEST(between_a_newer_epoch_and_its_mapping_nothing_is_heard__W_115_W_116),
        CR_TEST(new_epoch_starts_from_nothing__W_112),
        CR_TEST(assigned_control_stream_carries_progress_and_nothing_else__W_138_W_139_O_27_S_044_S_045),
        CR_TEST(shared_stream_is_heard_while_nobody_sends_on_the_assigned_one__O_27),
        CR_TEST(assigned_control_stream_is_left_with_the_media_driver),
        CR_TEST(consumer_may_be_closed_from_its_progress_handler__A4),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
