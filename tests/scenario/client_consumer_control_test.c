#include "client_consumer_rig.h"

#include "bus/bus_ops.h"

#define SETTLED (1100 * MS)             /* a stream with publisher and without messages is taken by then */

/* ---- hello, config, QoS ------------------------------------------------------------------------------------------------- */

static void hello_and_qos_are_sent_and_repeated__W_127_W_128_W_188_W_189_S_026(void **state)
{
    (void)state;
    tp_consumer_context_t *context = cr_consumer_context();
    assert_int_equal(tp_consumer_context_set_client_id(context, 4242), 0);
    assert_int_equal(tp_consumer_context_set_mode(context, TP_MODE_RATE_LIMITED, 25), 0);
    tp_consumer_t *consumer = cr_consumer_with(context);
    cr_step(50 * MS);
    assert_true(cr->hellos >= 1);
    assert_int_equal(cr->hello.stream_id, CR_STREAM);
    assert_int_equal(cr->hello.consumer_id, 4242);
    assert_int_equal(cr->hello.supports_shm, 1);
    assert_int_equal(cr->hello.mode, TP_MODE_RATE_LIMITED);
    assert_int_equal(cr->hello.max_rate_hz, 25);
    assert_int_equal(cr->hello.descriptor_channel.length, 0);
    cr->hellos = 0;
    cr->qos_consumers = 0;
    cr_step(5000 * MS);
    assert_in_range(cr->hellos, 4, 6);
    assert_in_range(cr->qos_consumers, 4, 6);
    assert_int_equal(cr->qos_consumer.consumer_id, 4242);
    assert_int_equal(cr->qos_consumer.mode, TP_MODE_RATE_LIMITED);
    assert_int_equal(cr->qos_consumer.epoch, cr->epoch);
    tp_consumer_close(consumer);
}

static void losses_of_both_kinds_are_reported__W_189_O_33(void **state)
{
    (void)state;
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    tp_frame_view_t view;
    open_both(&consumer, &producer);
    assert_int_equal(cr_publish(producer, 1), 0);
    cr_settle();
    assert_int_equal(next(consumer, &view), 1);
    for (int i = 0; i < 3; i++)                                              /* gaps, and a slot that says another frame */
    {
        tp_buffer_claim_t c;
        assert_int_equal(tp_producer_try_claim(producer, cr->tensor, &c), 1 + i);
        assert_int_equal(tp_producer_abort_claim(producer, &c), 1 + i);
    }
    say(3);
    cr_settle();
    assert_int_equal(next(consumer, &view), 0);
    cr_step(1100 * MS);
    assert_int_equal(cr->qos_consumer.last_seq_seen, 3);
    assert_int_equal(cr->qos_consumer.drops_gap, 2);
    assert_int_equal(cr->qos_consumer.drops_late, 1);
    assert_int_equal(cr->qos_consumer.mode, TP_MODE_STREAM);
    close_both(consumer, producer);
}

static void consumer_that_does_not_poll_reports_no_seq_of_the_old_epoch_under_the_new_one__W_112_O_32(void **state)
{
    (void)state;
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    tp_frame_view_t view;
    open_both(&consumer, &producer);
    for (int i = 0; i < 5; i++) { assert_int_equal(cr_publish(producer, 1), i); }
    cr_settle();
    for (int i = 0; i < 5; i++) { assert_int_equal(next(consumer, &view), 1); }
    const uint64_t before = cr->epoch;
    cr_revoke(cr_lease(TP_ROLE_PRODUCER), TPC_REVOKE_REVOKED);
    cr_step(3000 * MS);                                    /* mapped again; nobody polls meanwhile */
    assert_true(tp_consumer_is_mapped(consumer));
    assert_true(cr->qos_consumer.epoch > before);
    assert_int_equal(cr->qos_consumer.last_seq_seen, 0);
    assert_int_equal(stats_of(consumer).epoch, cr->epoch);
    assert_int_equal(stats_of(consumer).last_seq, 0);
    for (int i = 0; i < 3; i++) { assert_int_equal(cr_publish(producer, 1), i); }
    cr_settle();
    for (int i = 0; i < 3; i++) { assert_int_equal(next(consumer, &view), 1); }
    cr_step(1100 * MS);
    assert_int_equal(cr->qos_consumer.last_seq_seen, 2);
    close_both(consumer, producer);
}

static tpc_consumer_config_t config_for(const tp_consumer_t *consumer)
{
    tpc_consumer_config_t config = TPC_CONSUMER_CONFIG_INIT;
    config.stream_id = CR_STREAM;
    config.consumer_id = stats_of(consumer).client_id;
    return config;
}

static void config_with_unknown_values_is_ignored__W_070(void **state)
{
    (void)state;
    tp_consumer_t *consumer = listening_consumer();
    tpc_consumer_config_t config = config_for(consumer);
    config.use_shm = 2;
    cr_send_config(&config);
    cr_settle();
    assert_true(tp_consumer_is_mapped(consumer));
    config.use_shm = 0;
    config.mode = 3;
    cr_send_config(&config);
    cr_settle();
    assert_true(tp_consumer_is_mapped(consumer));
    config.mode = 0;
    cr_send_config(&config);
    cr_settle();
    assert_true(tp_consumer_is_mapped(consumer));
    assert_false(was_heard(TP_CONSUMER_FALLBACK));
    config.mode = TP_MODE_STREAM;                                            /* nothing else was wrong with it */
    cr_send_config(&config);
    cr_settle();
    assert_false(tp_consumer_is_mapped(consumer));
    tp_consumer_close(consumer);
}

static void config_takes_the_consumer_off_shared_memory_and_back__W_155_W_252(void **state)
{
    (void)state;
    tp_consumer_t *consumer = listening_consumer();
    tpc_consumer_config_t config = config_for(consumer);
    config.use_shm = 0;
    config.payload_fallback_uri = tpc_bytes("bridge://7");
    config.consumer_id++;
    cr_send_config(&config);
    cr_settle();
    config.consumer_id--;
    config.stream_id++;
    config.mode = TP_MODE_RATE_LIMITED;
    cr_send_config(&config);
    cr_settle();
    assert_true(tp_consumer_is_mapped(consumer));
    cr_step(1100 * MS);
    assert_int_equal(cr->qos_consumer.mode, TP_MODE_STREAM);
    config.mode = TP_MODE_STREAM;
    config.stream_id--;
    cr_send_config(&config);
    cr_settle();
    assert_false(tp_consumer_is_mapped(consumer));
    assert_true(was_heard(TP_CONSUMER_FALLBACK));
    assert_string_equal(heard.text, "bridge://7");                           /* W-153 */
    cr_step(2000 * MS);
    assert_false(tp_consumer_is_mapped(consumer));
    config.use_shm = 1;
    cr_send_config(&config);
    cr_step(1100 * MS);
    assert_true(tp_consumer_is_mapped(consumer));
    config.use_shm = 0;
    config.payload_fallback_uri = tpc_bytes("http://x");                     /* W-154 */
    cr_send_config(&config);
    cr_settle();
    assert_string_equal(heard.text, "");
    assert_int_equal(heard.code[heard.count - 1], TP_ENOTSUP);
    tp_consumer_close(consumer);
}

static void assigned_stream_replaces_the_shared_one_until_it_is_withdrawn__W_130_W_131_W_151_O_20_S_031_S_023(void **state)
{
    (void)state;
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    tp_frame_view_t view;
    open_both(&consumer, &producer);
    assert_int_equal(cr_publish(producer, 1), 0);
    cr_settle();
    assert_int_equal(next(consumer, &view), 1);
    tp_producer_close(producer);                                             /* it would take the promise back; the scripted peer publishes now */
    cr_settle();
    cr_next_epoch();
    tpc_consumer_config_t config = config_for(consumer);
    config.descriptor_stream_id = 31000;
    config.descriptor_channel = tpc_bytes("aeron:udp?endpoint=10.0.0.1:4000");       /* P12: not in the allow-list */
    cr_send_config(&config);
    cr_settle();
    assert_false(consumer->linked->is_private);
    config.descriptor_channel = tpc_bytes("aeron:ipc?term-length=4m");
    cr_send_config(&config);
    cr_step(5000 * MS);
    assert_false(consumer->linked->is_private);                              /* nobody publishes there (P8) */
    (void)cr_add_publication("aeron:ipc?term-length=4m", 31000);
    cr_step(SETTLED);
    assert_true(consumer->linked->is_private);
    assert_int_equal(next(consumer, &view), 0);
    say(5);                                                                  /* on the shared stream: nobody of ours listens */
    cr_settle();
    assert_int_equal(next(consumer, &view), 0);
    assert_int_equal(stats_of(consumer).drops[TP_DROP_UNCOMMITTED], 0);
    config.descriptor_stream_id = 0;
    config.descriptor_channel = tpc_bytes("");
    cr_send_config(&config);
    cr_settle();
    assert_false(consumer->linked->is_private);
    assert_int_equal(next(consumer, &view), 0);
    cr_settle();
    assert_null(consumer->old_links);
    say(6);
    cr_settle();
    assert_int_equal(next(consumer, &view), 0);
    assert_int_equal(stats_of(consumer).drops[TP_DROP_UNCOMMITTED], 1);
    tp_consumer_close(consumer);
}

/* Descriptors of the next epoch that were polled together with old ones are not behind the old epoch's newest seq. */
static void batch_across_an_epoch_skips_nothing_of_the_new_one__W_114_W_125(void **state)
{
    (void)state;
    tp_consumer_context_t *context = cr_consumer_context();
    assert_int_equal(tp_consumer_context_set_max_outstanding_seq_gap(context, 4), 0);
    tp_consumer_t *consumer = cr_consumer_with(context);
    tp_frame_view_t view;
    for (uint64_t seq = 0; seq < 8; seq++) { say(seq); }
    for (uint64_t seq = 0; seq < 3; seq++)
    {
        tpc_frame_descriptor_t d = descriptor(seq);
        d.epoch = cr->epoch + 1;
        cr_send_descriptor(&d);
    }
    cr_settle();
    assert_int_equal(tp_consumer_poll_descriptors(consumer, 1), 0);          /* uncommitted */
    assert_int_equal(consumer->staged.count, 11);
    assert_int_equal(consumer->stage_at, 1);
    cr_next_epoch();
    assert_int_equal(stats_of(consumer).epoch, cr->epoch);
    assert_int_equal(next(consumer, &view), 0);
    assert_int_equal(drops(consumer, TP_DROP_EPOCH), 7);
    assert_int_equal(drops(consumer, TP_DROP_SKIPPED), 0);
    assert_int_equal(drops(consumer, TP_DROP_UNCOMMITTED), 1 + 3);           /* all of the new epoch were looked at */
    assert_int_equal(stats_of(consumer).last_seq, 2);
    tp_consumer_close(consumer);
}

static void switch_link(tp_consumer_t *consumer, uint32_t stream_id, const char *channel)
{
    tpc_consumer_config_t config = config_for(consumer);
    tp_frame_view_t view;
    config.descriptor_stream_id = stream_id;
    config.descriptor_channel = tpc_bytes(channel);
    cr_send_config(&config);
    if (0 == stream_id) { cr_settle(); }
    else { cr_step(SETTLED); }
    assert_true((0 != stream_id) == consumer->linked->is_private);
    assert_int_equal(next(consumer, &view), 0);
    cr_settle();
}

/* A producer that knows nothing of private streams takes over: its frames come on the shared stream, and must not be missed for long. */
static void private_stream_that_falls_silent_is_left_for_the_shared_one__P8(void **state)
{
    (void)state;
    tp_consumer_t *consumer = listening_consumer();
    tp_frame_view_t view;
    tpi_publication_t *publication = cr_add_publication("aeron:ipc", 31000);
    cr_next_epoch();
    switch_link(consumer, 31000, "aeron:ipc");
    tpi_publication_close(publication);
    for (int i = 0; i < 9; i++) { cr_step(100 * MS); assert_int_equal(next(consumer, &view), 0); }
    assert_true(consumer->linked->is_private);
    for (int i = 0; i < 4; i++) { cr_step(100 * MS); assert_int_equal(next(consumer, &view), 0); }
    assert_false(consumer->linked->is_private);
    say(5);
    cr_settle();
    assert_int_equal(next(consumer, &view), 0);
    assert_int_equal(drops(consumer, TP_DROP_UNCOMMITTED), 1);               /* it was heard */
    (void)cr_add_publication("aeron:ipc", 31000);
    cr_step(SETTLED);
    assert_true(consumer->linked->is_private);                               /* somebody keeps the promise after all */
    tp_consumer_close(consumer);
}

/* Its publisher does not see every subscriber yet: what it publishes until then is on the shared stream alone. */
static void frames_that_a_new_private_stream_lacks_come_on_the_shared_one__W_131_O_20(void **state)
{
    (void)state;
    tp_consumer_t *consumer = listening_consumer();
    tp_frame_view_t view;
    cr_new_epoch();
    cr_announce();
    cr_settle();
    say(5);
    cr_settle();
    assert_int_equal(next(consumer, &view), 0);                              /* uncommitted: accounted for all the same */
    tpi_publication_t *publication = cr_add_publication("aeron:ipc", 31000);
    tpc_consumer_config_t config = config_for(consumer);
    config.descriptor_stream_id = 31000;
    config.descriptor_channel = tpc_bytes("aeron:ipc");
    cr_send_config(&config);
    cr_step(SETTLED / 2);
    assert_true(tpi_publication_is_connected(publication));
    assert_int_equal(next(consumer, &view), 0);
    say(6);
    cr_settle();
    assert_int_equal(next(consumer, &view), 0);
    uint8_t bytes[128];
    const tpc_frame_descriptor_t d = descriptor(7);
    const int64_t length = tpc_frame_descriptor_encode(bytes, sizeof(bytes), &d);
    assert_true(tpi_publication_offer(publication, bytes, (size_t)length) > 0);
    cr_settle();
    assert_true(consumer->linked->is_private);                               /* its first message moves us */
    assert_int_equal(next(consumer, &view), 0);
    assert_int_equal(drops(consumer, TP_DROP_GAP), 0);
    assert_int_equal(stats_of(consumer).last_seq, 7);
    assert_ledger_of_losses(consumer, 5, 7);
    tp_consumer_close(consumer);
}

static void ledger_holds_across_another_descriptor_stream__W_131_O_20(void **state)
{
    (void)state;
    tp_consumer_t *consumer = listening_consumer();
    tp_frame_view_t view;
    cr_next_epoch();
    say(5);
    cr_settle();
    assert_int_equal(next(consumer, &view), 0);                              /* uncommitted: accounted for all the same */
    assert_ledger_of_losses(consumer, 5, 5);
    (void)cr_add_publication("aeron:ipc", 31000);
    switch_link(consumer, 31000, "aeron:ipc");
    say(6);                                                                  /* nobody of ours listens */
    say(7);
    switch_link(consumer, 0, "");
    say(8);
    cr_settle();
    assert_int_equal(next(consumer, &view), 0);
    assert_int_equal(drops(consumer, TP_DROP_GAP), 2);
    assert_ledger_of_losses(consumer, 5, 8);
    switch_link(consumer, 31000, "aeron:ipc");
    switch_link(consumer, 0, "");
    say(7);                                                                  /* repeated by the other stream: no regression, not counted again */
    say(8);
    say(9);
    cr_settle();
    assert_int_equal(next(consumer, &view), 0);
    assert_int_equal(stats_of(consumer).duplicates, 2);
    assert_true(tp_consumer_is_mapped(consumer));
    assert_ledger_of_losses(consumer, 5, 9);
    tp_consumer_close(consumer);
}

static tp_consumer_t *thinned_consumer(void)
{
    tp_consumer_context_t *context = cr_consumer_context();
    assert_int_equal(tp_consumer_context_set_mode(context, TP_MODE_RATE_LIMITED, 100), 0);
    return cr_consumer_with(context);
}

static void rate_is_thinned_out_locally__W_191_W_192_W_193_S_050_S_053(void **state)
{
    (void)state;
    tp_consumer_t *consumer = thinned_consumer();
    tp_producer_t *producer = cr_producer();
    tp_frame_view_t view;
    uint64_t delivered = 0;
    for (uint64_t i = 0; i < 1000; i++)                                      /* 1 kHz by slot time */
    {
        tp_frame_metadata_t metadata = TP_FRAME_METADATA_INIT;
        metadata.timestamp_ns = 1000000000u + i * 1000000u;
        assert_int_equal(tp_producer_offer_frame(producer, cr->tensor, "x", 1, &metadata), i);
        (void)tpi_bus_do_work(cr->client->connection->bus, cr->now_ns);
        while (1 == next(consumer, &view)) { delivered++; }
    }
    assert_in_range(delivered, 95, 105);
    assert_int_equal(drops(consumer, TP_DROP_RATE) + delivered, 1000);
    assert_ledger(consumer);
    close_both(consumer, producer);
}

static void thinning_follows_the_times_of_descriptors__S_052(void **state)
{
    (void)state;
    tp_consumer_t *consumer = thinned_consumer();
    tp_producer_t *producer = cr_producer();
    tp_frame_view_t view;
    int delivered = 0;
    for (uint64_t i = 0; i < 200; i++)
    {
        tp_frame_metadata_t metadata = TP_FRAME_METADATA_INIT;
        metadata.timestamp_ns = 1000000000u + i * 1000000000u;               /* by slot time it is 1 Hz: all would pass */
        assert_int_equal(tpi_mem_network_fault(cr->network, CR_DESCRIPTOR, TPI_MEM_LOSE, 1), 0);
        assert_int_equal(tp_producer_offer_frame(producer, cr->tensor, "x", 1, &metadata), i);
        tpc_frame_descriptor_t d = descriptor(i);
        d.timestamp_ns = 1000000000u + i * 1000000u;                         /* by descriptor time 1 kHz */
        cr_send_descriptor(&d);
        cr_settle();
        while (1 == next(consumer, &view)) { delivered++; }
    }
    assert_in_range(delivered, 19, 21);
    close_both(consumer, producer);
}

static void one_wild_timestamp_does_not_end_the_thinning__W_193(void **state)
{
    (void)state;
    static const uint64_t wild[] = { INT64_MAX, INT64_MAX - 1, UINT64_C(1) << 62, 1 };
    tp_consumer_t *consumer = thinned_consumer();
    tp_producer_t *producer = cr_producer();
    tp_frame_view_t view;
    uint64_t delivered = 0;
    for (uint64_t i = 0; i < 400; i++)
    {
        tp_frame_metadata_t metadata = TP_FRAME_METADATA_INIT;
        metadata.timestamp_ns = 0 == i % 100 ? wild[i / 100] : 1000000000u + i * 1000000u;
        assert_int_equal(tp_producer_offer_frame(producer, cr->tensor, "x", 1, &metadata), i);
        (void)tpi_bus_do_work(cr->client->connection->bus, cr->now_ns);
        while (1 == next(consumer, &view)) { delivered++; }
    }
    assert_in_range(delivered, 35, 50);
    assert_ledger(consumer);
    close_both(consumer, producer);
}

static void close_in_handler(void *clientd, const tp_frame_view_t *view)
{
    assert_true(tp_frame_view_is_valid(view));
    tp_consumer_close(*(tp_consumer_t **)clientd);
    assert_true(tp_frame_view_is_valid(view));                               /* until the handler returns */
}

static void consumer_may_be_closed_from_its_own_frame_handler(void **state)
{
    (void)state;
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    open_both(&consumer, &producer);
    assert_int_equal(tp_consumer_set_frame_handler(consumer, close_in_handler, &consumer), 0);
    for (int i = 0; i < 3; i++) { assert_int_equal(cr_publish(producer, 1), i); }
    cr_settle();
    assert_int_equal(tp_consumer_poll_descriptors(consumer, 10), 1);
    assert_null(cr->client->consumers);
    tp_producer_close(producer);
}

static void imposed_mode_is_obeyed__W_155(void **state)
{
    (void)state;
    tp_consumer_t *consumer = listening_consumer();
    tpc_consumer_config_t config = config_for(consumer);
    config.mode = TP_MODE_RATE_LIMITED;
    cr_send_config(&config);
    cr_step(1100 * MS);
    assert_int_equal(cr->qos_consumer.mode, TP_MODE_RATE_LIMITED);
    config.mode = 9;                                                         /* W-070 */
    cr_send_config(&config);
    cr_step(1100 * MS);
    assert_int_equal(cr->qos_consumer.mode, TP_MODE_RATE_LIMITED);
    tp_consumer_close(consumer);
}

static void hello_asks_for_the_ids_it_has__S_070(void **state)
{
    (void)state;
    tp_consumer_context_t *context = cr_consumer_context();
    assert_int_equal(tp_consumer_context_set_client_id(context, 4242), 0);
    assert_int_equal(tp_consumer_context_set_descriptor_request(context, "aeron:ipc", 1), 0);
    assert_int_equal(tp_consumer_context_set_control_request(context, "aeron:ipc", 2), 0);
    tp_consumer_t *consumer = cr_consumer_with(context);
    cr_step(50 * MS);
    assert_int_equal(cr->hello.descriptor_stream_id, 1);
    assert_int_equal(cr->hello.control_stream_id, 2);
    tpc_consumer_config_t config = TPC_CONSUMER_CONFIG_INIT;
    config.stream_id = CR_STREAM;
    config.consumer_id = 4242;
    config.descriptor_channel = tpc_bytes("aeron:ipc");
    config.descriptor_stream_id = 31005;
    config.control_channel = tpc_bytes("aeron:ipc");
    config.control_stream_id = 32007;
    cr_send_config(&config);
    cr_step(1100 * MS);
    assert_int_equal(cr->hello.descriptor_stream_id, 31005);
    assert_int_equal(cr->hello.control_stream_id, 32007);
    config.control_channel = tpc_bytes("");
    config.control_stream_id = 0;
    cr_send_config(&config);
    cr_step(1100 * MS);
    assert_int_equal(cr->hello.descriptor_stream_id, 31005);
    assert_int_equal(cr->hello.control_stream_id, 2);
    tp_consumer_close(consumer);
}

static void somebody_elses_reports_under_our_id_make_us_choose_another__W_158_S_028(void **state)
{
    (void)state;
    tp_consumer_t *consumer = listening_consumer();
    cr_step(50 * MS);
    const uint32_t id = stats_of(consumer).client_id;
    uint8_t buffer[64];
    tpc_qos_consumer_t qos = TPC_QOS_CONSUMER_INIT;
    qos.stream_id = CR_STREAM;
    qos.consumer_id = id;
    const int64_t n = tpc_qos_consumer_encode(buffer, sizeof(buffer), &qos);
    assert_true(tpi_publication_offer(cr->qos_pub, buffer, (size_t)n) > 0);
    cr_step(500 * MS);
    assert_true(stats_of(consumer).client_id != id);
    assert_true(tp_consumer_is_mapped(consumer));
    tp_consumer_close(consumer);
}

static void without_a_driver_it_chooses_another_id_by_itself__W_158_S_028(void **state)
{
    (void)state;
    tp_consumer_context_t *context = cr_consumer_context();
    assert_int_equal(tp_consumer_context_set_driverless(context, true), 0);
    tp_consumer_t *consumer = cr_consumer_with(context);
    const uint32_t id = stats_of(consumer).client_id;
    uint8_t buffer[64];
    tpc_qos_consumer_t qos = TPC_QOS_CONSUMER_INIT;
    qos.stream_id = CR_STREAM;
    qos.consumer_id = id;
    const int64_t n = tpc_qos_consumer_encode(buffer, sizeof(buffer), &qos);
    cr_step(50 * MS);
    assert_true(tpi_publication_offer(cr->qos_pub, buffer, (size_t)n) > 0);
    cr_step(40 * MS);
    assert_true(stats_of(consumer).client_id != id);
    assert_int_equal(cr->hello.consumer_id, stats_of(consumer).client_id);      /* told at once */
    assert_null(cr_lease(TP_ROLE_CONSUMER));
    tp_consumer_close(consumer);
}

/* ---- the other ways to read --------------------------------------------------------------------------------------------- */

static int frames;
static uint64_t last_seq;

static void on_frame(void *clientd, const tp_frame_view_t *view)
{
    assert_ptr_equal(clientd, &frames);
    assert_true(tp_frame_view_is_valid(view));
    last_seq = view->seq;
    frames++;
}

static void handler_gets_frames_up_to_the_limit(void **state)
{
    (void)state;
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    open_both(&consumer, &producer);
    frames = 0;
    assert_int_equal(tp_consumer_set_frame_handler(consumer, on_frame, &frames), 0);
    for (int i = 0; i < 7; i++) { assert_int_equal(cr_publish(producer, 1), i); }
    cr_settle();
    assert_int_equal(tp_consumer_poll_descriptors(consumer, 5), 5);
    assert_int_equal(last_seq, 4);
    assert_int_equal(tp_consumer_poll_descriptors(consumer, 5), 2);
    assert_int_equal(tp_consumer_poll_descriptors(consumer, 5), 0);
    assert_int_equal(tp_consumer_poll_descriptors(consumer, 0), TP_INVALID_ARGUMENT);
    assert_int_equal(frames, 7);
    assert_ledger(consumer);
    close_both(consumer, producer);
}

static tp_consumer_t *reading;

static void on_descriptor(void *clientd, const tp_frame_descriptor_t *d)
{
    tp_frame_view_t view;
    (void)clientd;
    assert_int_equal(tp_consumer_next(reading, &view, 0), TP_INVALID_ARGUMENT);          /* no re-entry */
    assert_int_equal(tp_consumer_poll_descriptors(reading, 1), TP_INVALID_ARGUMENT);
    assert_int_equal(tp_consumer_read_frame(reading, d->seq, &view), 1);
    assert_int_equal(view.seq, d->seq);
    frames++;
}

static void descriptors_may_be_handed_out_and_slots_read_by_seq(void **state)
{
    (void)state;
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    tp_frame_view_t view;
    open_both(&consumer, &producer);
    reading = consumer;
    frames = 0;
    assert_int_equal(tp_consumer_set_descriptor_handler(consumer, on_descriptor, NULL), 0);
    for (int i = 0; i < 3; i++) { assert_int_equal(cr_publish(producer, 1), i); }
    cr_settle();
    assert_int_equal(tp_consumer_poll_descriptors(consumer, 10), 3);
    assert_int_equal(frames, 3);
    assert_int_equal(tp_consumer_read_frame(consumer, 1, &view), 1);
    assert_int_equal(tp_consumer_read_frame(consumer, 4, &view), 0);
    assert_int_equal(tp_consumer_read_frame(consumer, UINT64_C(1) << 63, &view), TP_INVALID_ARGUMENT);
    close_both(consumer, producer);
}

static void latency_is_recorded_on_request(void **state)
{
    (void)state;
    tp_consumer_context_t *context = cr_consumer_context();
    assert_int_equal(tp_consumer_context_set_latency(context, true), 0);
    tp_consumer_t *consumer = cr_consumer_with(context);
    tp_producer_t *producer = cr_producer();
    tp_frame_view_t view;
    for (int i = 0; i < 10; i++)
    {
        assert_int_equal(cr_publish(producer, 1), i);
        cr_settle();
        assert_int_equal(next(consumer, &view), 1);
    }
    const tp_consumer_stats_t s = stats_of(consumer);
    assert_int_equal(s.latency_count, 10);
    assert_true(s.latency_p50_ns > 0 && s.latency_p50_ns <= s.latency_p99_ns && s.latency_p99_ns <= s.latency_max_ns);
    close_both(consumer, producer);
}

static void malformed_descriptors_are_counted(void **state)
{
    (void)state;
    tp_consumer_t *consumer = listening_consumer();
    tp_frame_view_t view;
    uint8_t buffer[64];
    const tpc_frame_descriptor_t d = descriptor(0);
    const int64_t n = tpc_frame_descriptor_encode(buffer, sizeof(buffer), &d);
    assert_true(tpi_publication_offer(cr->descriptor_pub, buffer, (size_t)n - 10) > 0);
    assert_true(tpi_publication_offer(cr->descriptor_pub, buffer, 5) > 0);
    cr_settle();
    assert_int_equal(next(consumer, &view), 0);
    assert_int_equal(stats_of(consumer).malformed, 2);
    tp_consumer_close(consumer);
}

static void half_filled_requests_are_refused_by_the_setters__W_144_W_147_S_017(void **state)
{
    (void)state;
    tp_consumer_context_t *context = cr_consumer_context();
    assert_int_equal(tp_consumer_context_set_descriptor_request(context, "aeron:ipc", 0), -1);
    assert_int_equal(tp_errcode(), TP_EINVAL);
    assert_int_equal(tp_consumer_context_set_descriptor_request(context, "", 31000), -1);
    assert_int_equal(tp_consumer_context_set_control_request(context, "aeron:ipc", 0), -1);
    assert_int_equal(tp_consumer_context_set_control_request(context, NULL, 32000), -1);
    assert_int_equal(tp_consumer_context_set_control_request(context, NULL, 0), 0);
    assert_int_equal(tp_consumer_context_set_control_request(context, "aeron:ipc", 32000), 0);
    tp_consumer_context_close(context);
}

/* ---- floods and silence ------------------------------------------------------------------------------------------------- */

static tpi_bus_ops_t flooded;

/* Somebody else's descriptors without end. */
static int flood(tpi_subscription_t *subscription, tpi_records_t *records)
{
    (void)subscription;
    records->passed = records->capacity;
    return (int)records->capacity;
}

static void flood_of_foreign_descriptors_holds_no_call__P1(void **state)
{
    (void)state;
    tp_consumer_t *consumer = cr_consumer();
    tp_frame_view_t view;
    assert_int_equal(next(consumer, &view), 0);
    const tpi_bus_ops_t *const plain = consumer->linked->subscription->ops;
    flooded = *plain;
    flooded.poll_records = flood;
    consumer->linked->subscription->ops = &flooded;
    assert_int_equal(tp_consumer_next(consumer, &view, 0), 0);
    assert_int_equal(tp_consumer_next(consumer, &view, 2 * MS), 0);
    assert_int_equal(tp_consumer_poll_descriptors(consumer, 10), 0);
    assert_true(stats_of(consumer).foreign > 512);
    consumer->linked->subscription->ops = plain;
    tp_consumer_close(consumer);
}

static void changed_superblock_is_noticed_although_nobody_announces__W_118_W_119(void **state)
{
    (void)state;
    for (int writer = 0; writer < 2; writer++)
    {
        tp_consumer_t *consumer = cr_consumer();
        cr_step(100 * MS);
        assert_true(tp_consumer_is_mapped(consumer));
        cr->no_announces = true;
        uint8_t *const base = cr->files[cr->file_count - 1]->regions[0].base;
        base[writer ? TPC_SUPERBLOCK_PID_AT : 0] ^= 1u;
        cr_step(600 * MS);
        assert_false(tp_consumer_is_mapped(consumer));
        cr->no_announces = false;
        tp_consumer_close(consumer);
        cr_next_epoch();
    }
}

static uint64_t last_handed_out;

static void remember(void *clientd, const tp_frame_descriptor_t *descriptor)
{
    (void)clientd;
    last_handed_out = descriptor->seq;
}

static void frame_that_is_read_twice_has_one_place_in_the_ledger(void **state)
{
    (void)state;
    tp_frame_view_t view;
    tp_frame_view_t again;
    tp_producer_t *producer = cr_producer();
    tp_consumer_t *consumer = cr_consumer();
    assert_int_equal(tp_consumer_set_descriptor_handler(consumer, remember, NULL), 0);
    assert_int_equal(cr_publish(producer, 1), 0);
    assert_int_equal(tp_consumer_read_frame(consumer, 0, &view), 1);          /* a look: its descriptor has not been handed out */
    assert_int_equal(stats_of(consumer).received, 0);
    assert_int_equal(tp_consumer_poll_descriptors(consumer, 10), 1);
    assert_int_equal(last_handed_out, 0);
    assert_int_equal(tp_consumer_read_frame(consumer, 0, &view), 1);
    assert_int_equal(tp_consumer_read_frame(consumer, 0, &again), 1);
    assert_int_equal(stats_of(consumer).received, 1);
    for (uint32_t i = 0; i < CR_NSLOTS; i++) { assert_true(cr_publish(producer, 1) >= 0); }
    assert_false(tp_frame_view_is_valid(&again));                              /* the second view has no place to lose */
    assert_int_equal(stats_of(consumer).received, 1);
    assert_false(tp_frame_view_is_valid(&view));
    assert_false(tp_frame_view_is_valid(&view));
    assert_int_equal(stats_of(consumer).received, 0);
    assert_int_equal(stats_of(consumer).drops[TP_DROP_TORN], 1);
    while (tp_consumer_poll_descriptors(consumer, 1) > 0)
    {
        assert_int_equal(tp_consumer_read_frame(consumer, last_handed_out, &view), 1);
        assert_int_equal(tp_consumer_read_frame(consumer, last_handed_out - 1, &view), 1 == last_handed_out ? 0 : 1);
    }
    const tp_consumer_stats_t s = stats_of(consumer);
    assert_int_equal(s.received + s.drops[TP_DROP_TORN] + s.drops[TP_DROP_OVERWRITTEN], s.last_seq - s.first_seq + 1);
    tp_consumer_close(consumer);
    tp_producer_close(producer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CR_TEST(losses_of_both_kinds_are_reported__W_189_O_33),
        CR_TEST(consumer_that_does_not_poll_reports_no_seq_of_the_old_epoch_under_the_new_one__W_112_O_32),
        CR_TEST(config_with_unknown_values_is_ignored__W_070),
        CR_TEST(hello_and_qos_are_sent_and_repeated__W_127_W_128_W_188_W_189_S_026),
        CR_TEST(config_takes_the_consumer_off_shared_memory_and_back__W_155_W_252),
        CR_TEST(assigned_stream_replaces_the_shared_one_until_it_is_withdrawn__W_130_W_131_W_151_O_20_S_031_S_023),
        CR_TEST(batch_across_an_epoch_skips_nothing_of_the_new_one__W_114_W_125),
        CR_TEST(private_stream_that_falls_silent_is_left_for_the_shared_one__P8),
        CR_TEST(frames_that_a_new_private_stream_lacks_come_on_the_shared_one__W_131_O_20),
        CR_TEST(ledger_holds_across_another_descriptor_stream__W_131_O_20),
        CR_TEST(thinning_follows_the_times_of_descriptors__S_052),
        CR_TEST(one_wild_timestamp_does_not_end_the_thinning__W_193),
        CR_TEST(consumer_may_be_closed_from_its_own_frame_handler),
        CR_TEST(flood_of_foreign_descriptors_holds_no_call__P1),
        CR_TEST(changed_superblock_is_noticed_although_nobody_announces__W_118_W_119),
        CR_TEST(rate_is_thinned_out_locally__W_191_W_192_W_193_S_050_S_053),
        CR_TEST(imposed_mode_is_obeyed__W_155),
        CR_TEST(hello_asks_for_the_ids_it_has__S_070),
        CR_TEST(somebody_elses_reports_under_our_id_make_us_choose_another__W_158_S_028),
        CR_TEST(without_a_driver_it_chooses_another_id_by_itself__W_158_S_028),
        CR_TEST(handler_gets_frames_up_to_the_limit),
        CR_TEST(descriptors_may_be_handed_out_and_slots_read_by_seq),
        CR_TEST(latency_is_recorded_on_request),
        CR_TEST(malformed_descriptors_are_counted),
        CR_TEST(half_filled_requests_are_refused_by_the_setters__W_144_W_147_S_017),
        CR_TEST(frame_that_is_read_twice_has_one_place_in_the_ledger),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
