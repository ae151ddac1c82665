/* Private streams and ConsumerConfig as the consumer sees them, with a producer of ours or a peer played by hand; and what frames carry. */
#include "client_consumer_rig.h"

#include "common/clock.h"

#define IPC "aeron:ipc"

static tp_producer_t *producer_that(int answers)
{
    tp_producer_context_t *context = cr_producer_context();
    assert_int_equal(tp_producer_context_set_answer_hello(context, answers), 0);
    return cr_producer_with(context);
}

static tp_consumer_context_t *asking(uint32_t mode, uint32_t rate_hz)
{
    tp_consumer_context_t *context = cr_consumer_context();
    memset(&heard, 0, sizeof(heard));
    assert_int_equal(tp_consumer_context_set_event_handler(context, on_event, NULL), 0);
    assert_int_equal(tp_consumer_context_set_mode(context, (int)mode, rate_hz), 0);
    assert_int_equal(tp_consumer_context_set_descriptor_request(context, IPC, 31000), 0);
    assert_int_equal(tp_consumer_context_set_control_request(context, IPC, 32000), 0);
    return context;
}

static tpc_consumer_config_t config_for(const tp_consumer_t *consumer)
{
    tpc_consumer_config_t config = TPC_CONSUMER_CONFIG_INIT;
    config.stream_id = CR_STREAM;
    config.consumer_id = stats_of(consumer).client_id;
    return config;
}

/* ---- moving ------------------------------------------------------------------------------------------------------------- */

static void no_frame_is_missed_on_the_way_to_a_private_stream__W_130_W_131_O_20(void **state)
{
    (void)state;
    tp_producer_t *producer = producer_that(TP_ANSWER_HELLO_AUTO);
    tp_consumer_t *consumer = cr_consumer_with(asking(TP_MODE_STREAM, 0));
    tp_frame_view_t view;
    for (int i = 0; i < 300; i++)                          /* hello, wait for another authority, second hello, grant, move */
    {
        assert_int_equal(cr_publish(producer, 1), i);
        cr_step(10 * MS);
        while (1 == next(consumer, &view)) { assert_true(tp_frame_view_is_valid(&view)); }
    }
    assert_true(consumer->linked->is_private);
    assert_null(consumer->old_links);                      /* the shared one is closed */
    assert_int_equal(consumer->assigned.stream_id, 31000);
    const tp_consumer_stats_t s = stats_of(consumer);
    assert_int_equal(s.drops[TP_DROP_GAP] + s.drops[TP_DROP_SKIPPED], 0);
    assert_int_equal(s.received, s.last_seq - s.first_seq + 1);
    assert_int_equal(s.last_seq, 299);
    assert_ledger(consumer);
    close_both(consumer, producer);
}

static void declined_consumer_stays_on_the_shared_stream_and_thins_out_itself__W_151_W_190_W_191_S_023_S_049_S_050(void **state)
{
    (void)state;
    tp_producer_context_t *grants = cr_producer_context();
    assert_int_equal(tp_producer_context_set_answer_hello(grants, TP_ANSWER_HELLO_ALWAYS), 0);
    assert_int_equal(tp_producer_context_set_private_descriptor_range(grants, 0, 0), 0);
    tp_producer_t *producer = cr_producer_with(grants);
    tp_consumer_t *consumer = cr_consumer_with(asking(TP_MODE_RATE_LIMITED, 10));
    cr_step(1500 * MS);
    assert_true(cr->configs > 0);
    assert_false(consumer->linked->is_private);
    tpc_consumer_config_t config = config_for(consumer);                     /* drivers are known that always answer STREAM */
    cr_send_config(&config);
    cr_settle();
    assert_int_equal(consumer->mode, TP_MODE_STREAM);
    tp_frame_view_t view;
    int delivered = 0;
    for (uint32_t i = 0; i < 200; i++)
    {
        tp_frame_metadata_t metadata = TP_FRAME_METADATA_INIT;
        metadata.timestamp_ns = 1000000000u + i * 10000000u;
        assert_int_equal(tp_producer_offer_frame(producer, cr->tensor, "x", 1, &metadata), i);
        cr_settle();
        while (1 == next(consumer, &view)) { delivered++; }
    }
    assert_in_range(delivered, 19, 21);
    assert_int_equal(drops(consumer, TP_DROP_RATE), 200 - delivered);
    assert_ledger(consumer);
    close_both(consumer, producer);
}

static void granted_rate_is_kept_by_the_producer_and_may_change_while_frames_flow__W_134_W_192_O_30_S_051(void **state)
{
    (void)state;
    tp_producer_t *producer = producer_that(TP_ANSWER_HELLO_ALWAYS);
    tp_consumer_t *consumer = cr_consumer_with(asking(TP_MODE_RATE_LIMITED, 10));
    tp_frame_view_t view;
    cr_step(1500 * MS);
    assert_true(consumer->linked->is_private);
    const uint64_t hellos = cr->hellos;
    for (int round = 0; round < 3; round++)
    {
        int delivered = 0;
        for (int i = 0; i < 100; i++)
        {
            assert_true(cr_publish(producer, 1) >= 0);
            cr_step(10 * MS);
            while (1 == next(consumer, &view)) { delivered++; }
        }
        if (0 == round) { assert_in_range(delivered, 9, 11); assert_int_equal(tp_consumer_set_mode(consumer, TP_MODE_RATE_LIMITED, 50), 0); }
        if (1 == round) { assert_in_range(delivered, 49, 51); assert_int_equal(tp_consumer_set_mode(consumer, TP_MODE_STREAM, 0), 0); }
        if (2 == round) { assert_int_equal(delivered, 100); }
        cr_step(40 * MS);
        assert_int_equal(cr->hello.mode, 2 == round || 1 == round ? TP_MODE_STREAM : TP_MODE_RATE_LIMITED);
    }
    assert_true(cr->hellos >= hellos + 2);
    assert_true(consumer->linked->is_private);
    assert_true(drops(consumer, TP_DROP_GAP) > 100);       /* supervisors read it together with the mode */
    assert_ledger(consumer);
    assert_int_equal(tp_consumer_set_mode(consumer, 9, 0), -1);
    assert_int_equal(tp_errcode(), TP_EINVAL);
    close_both(consumer, producer);
}

static void mode_changed_on_a_shared_stream_changes_the_thinning_at_once(void **state)
{
    (void)state;
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    open_both(&consumer, &producer);
    assert_int_equal(tp_consumer_set_mode(consumer, TP_MODE_RATE_LIMITED, 5), 0);
    cr_step(40 * MS);
    assert_int_equal(tpi_load_u32(&consumer->rate_limit_hz), 5);
    assert_int_equal(cr->hello.mode, TP_MODE_RATE_LIMITED);
    assert_int_equal(cr->hello.max_rate_hz, 5);
    assert_int_equal(tp_consumer_set_mode(consumer, TP_MODE_STREAM, 0), 0);
    cr_step(40 * MS);
    assert_int_equal(tpi_load_u32(&consumer->rate_limit_hz), 0);
    close_both(consumer, producer);
}

static void hello_goes_out_again_for_a_new_epoch(void **state)
{
    (void)state;
    tp_consumer_t *consumer = listening_consumer();
    cr_step(100 * MS);
    const uint64_t hellos = cr->hellos;
    cr_new_epoch();
    cr_announce();
    cr_step(40 * MS);
    assert_int_equal(cr->hellos, hellos + 1);
    tp_consumer_close(consumer);
}

static void hello_interval_is_configurable__W_128(void **state)
{
    (void)state;
    tp_consumer_context_t *context = cr_consumer_context();
    assert_int_equal(tp_consumer_context_set_hello_interval_ns(context, 19 * MS), -1);
    assert_int_equal(tp_consumer_context_set_hello_interval_ns(context, 200 * MS), 0);
    tp_consumer_t *consumer = cr_consumer_with(context);
    cr_step(100 * MS);
    const uint64_t hellos = cr->hellos;
    cr_step(2000 * MS);
    assert_in_range(cr->hellos - hellos, 9, 11);
    tp_consumer_close(consumer);
}

static void producer_and_consumer_agree_on_both_streams__W_130_W_137(void **state)
{
    (void)state;
    tp_producer_t *producer = producer_that(TP_ANSWER_HELLO_ALWAYS);
    tp_consumer_t *consumer = cr_consumer_with(asking(TP_MODE_STREAM, 0));
    cr_step(1500 * MS);
    assert_true(consumer->linked->is_private);
    assert_non_null(consumer->progress.subscription);
    assert_true(tpi_subscription_is_connected(consumer->progress.subscription));
    cr_restart_media();
    cr_step(4000 * MS);
    assert_true(consumer->linked->is_private);             /* agreed again over another media driver */
    assert_true(tpi_subscription_is_connected(consumer->progress.subscription));
    close_both(consumer, producer);
}

/* ---- off shared memory -------------------------------------------------------------------------------------------------- */

static void consumer_without_shared_memory_never_maps__W_153_W_154_W_155(void **state)
{
    (void)state;
    tp_consumer_context_t *context = cr_consumer_context();
    memset(&heard, 0, sizeof(heard));
    assert_int_equal(tp_consumer_context_set_event_handler(context, on_event, NULL), 0);
    assert_int_equal(tp_consumer_context_set_supports_shm(context, false), 0);
    tp_consumer_t *consumer = cr_consumer_with(context);
    tp_producer_context_t *grants = cr_producer_context();
    assert_int_equal(tp_producer_context_set_payload_fallback_uri(grants, "bridge://7"), 0);
    tp_producer_t *producer = cr_producer_with(grants);
    cr_step(2500 * MS);
    assert_int_equal(cr->hello.supports_shm, 0);
    assert_false(tp_consumer_is_mapped(consumer));
    assert_false(was_heard(TP_CONSUMER_MAPPED));
    assert_true(was_heard(TP_CONSUMER_FALLBACK));
    assert_string_equal(heard.text, "bridge://7");
    const int told = heard.count;
    cr_step(2500 * MS);
    assert_int_equal(heard.count, told);                   /* once, not with every config */
    tpc_consumer_config_t config = config_for(consumer);
    cr_send_config(&config);                               /* useShm TRUE: it cannot */
    cr_step(1500 * MS);
    assert_false(tp_consumer_is_mapped(consumer));
    close_both(consumer, producer);
}

static void unknown_fallback_scheme_is_no_fallback__W_154_S_025(void **state)
{
    (void)state;
    tp_consumer_t *consumer = listening_consumer();
    tpc_consumer_config_t config = config_for(consumer);
    config.use_shm = 0;
    config.payload_fallback_uri = tpc_bytes("http://x");
    cr_send_config(&config);
    cr_settle();
    assert_false(tp_consumer_is_mapped(consumer));
    assert_int_equal(heard.event[heard.count - 1], TP_CONSUMER_FALLBACK);
    assert_int_equal(heard.code[heard.count - 1], TP_ENOTSUP);
    assert_string_equal(heard.text, "");
    config.payload_fallback_uri = tpc_bytes("aeron:udp?endpoint=h:1");
    cr_send_config(&config);
    cr_settle();
    assert_int_equal(heard.code[heard.count - 1], TP_OK);
    assert_string_equal(heard.text, "aeron:udp?endpoint=h:1");
    tp_consumer_close(consumer);
}

static void configured_consumer_id_is_kept__W_157(void **state)
{
    (void)state;
    tp_consumer_context_t *context = cr_consumer_context();
    assert_int_equal(tp_consumer_context_set_client_id(context, 4711), 0);
    tp_consumer_t *consumer = cr_consumer_with(context);
    uint8_t buffer[64];
    tpc_qos_consumer_t qos = TPC_QOS_CONSUMER_INIT;
    cr_step(50 * MS);
    assert_int_equal(cr->hello.consumer_id, 4711);
    qos.stream_id = CR_STREAM;
    qos.consumer_id = 4711;
    const int64_t n = tpc_qos_consumer_encode(buffer, sizeof(buffer), &qos);
    assert_true(tpi_publication_offer(cr->qos_pub, buffer, (size_t)n) > 0);
    cr_step(500 * MS);
    assert_int_equal(stats_of(consumer).client_id, 4711);  /* the authority's choice, not ours to change */
    tp_consumer_close(consumer);
}

/* ---- newest only -------------------------------------------------------------------------------------------------------- */

static void newest_only_passes_over_the_backlog_and_counts_it(void **state)
{
    (void)state;
    cr->nslots = 2048;
    tp_consumer_context_t *context = cr_consumer_context();
    assert_int_equal(tp_consumer_context_set_newest_only(context, true), 0);
    tp_consumer_t *consumer = cr_consumer_with(context);
    tp_producer_t *producer = cr_producer();
    tp_frame_view_t view;
    uint64_t published = 0;
    static const int bursts[] = { 1, 5, 512, 513, 700, 1 };                  /* a batch is 512 */
    for (size_t i = 0; i < sizeof(bursts) / sizeof(bursts[0]); i++)
    {
        for (int k = 0; k < bursts[i]; k++) { assert_int_equal(cr_publish(producer, (uint16_t)published), published); published++; }
        cr_settle();
        assert_int_equal(next(consumer, &view), 1);
        assert_int_equal(view.seq, published - 1);
        assert_int_equal(*(const uint16_t *)view.payload, (uint16_t)(published - 1));
        assert_int_equal(next(consumer, &view), 0);
    }
    assert_int_equal(stats_of(consumer).received, 6);
    assert_int_equal(drops(consumer, TP_DROP_SKIPPED), published - 6);
    assert_int_equal(drops(consumer, TP_DROP_GAP), 0);
    assert_ledger(consumer);
    close_both(consumer, producer);
}

/* ---- the ring is the truth ----------------------------------------------------------------------------------------------- */

static tp_consumer_t *recovering(bool recover)
{
    tp_consumer_context_t *context = cr_consumer_context();
    assert_int_equal(tp_consumer_context_set_ring_recovery(context, recover), 0);
    return cr_consumer_with(context);
}

static void publish(tp_producer_t *producer, int first, int last)
{
    for (int i = first; i <= last; i++) { assert_int_equal(cr_publish(producer, (uint16_t)i), i); }
}

static int read_all(tp_consumer_t *consumer, uint64_t first)
{
    tp_frame_view_t view;
    int n = 0;
    cr_settle();
    while (1 == next(consumer, &view))
    {
        assert_int_equal(view.seq, first + (uint64_t)n);
        assert_int_equal(*(const uint16_t *)view.payload, view.seq);
        assert_true(tp_frame_view_is_valid(&view));
        n++;
    }
    return n;
}

static void frames_without_descriptors_are_found_in_the_ring(void **state)
{
    (void)state;
    for (int recover = 0; recover < 2; recover++)
    {
        tp_consumer_t *consumer = recovering(recover);
        tp_producer_t *producer = cr_producer();
        publish(producer, 0, 0);
        assert_int_equal(read_all(consumer, 0), 1);
        assert_int_equal(tpi_mem_network_fault(cr->network, CR_DESCRIPTOR, TPI_MEM_LOSE, 3), 0);
        publish(producer, 1, 4);
        assert_int_equal(read_all(consumer, recover ? 1 : 4), recover ? 4 : 1);
        assert_int_equal(drops(consumer, TP_DROP_GAP), recover ? 0 : 3);
        assert_int_equal(stats_of(consumer).recovered, recover ? 3 : 0);
        assert_ledger(consumer);
        close_both(consumer, producer);
    }
}

static void what_the_ring_does_not_hold_any_more_is_a_gap(void **state)
{
    (void)state;
    tp_consumer_t *consumer = recovering(true);
    tp_producer_t *producer = cr_producer();
    tp_buffer_claim_t claim;
    publish(producer, 0, 0);
    assert_int_equal(read_all(consumer, 0), 1);
    assert_int_equal(tpi_mem_network_fault(cr->network, CR_DESCRIPTOR, TPI_MEM_LOSE, 12), 0);
    publish(producer, 1, 13);                              /* 8 slots: 6 to 13 */
    assert_int_equal(read_all(consumer, 6), 8);
    assert_int_equal(drops(consumer, TP_DROP_GAP), 5);
    assert_int_equal(tp_producer_try_claim_at(producer, cr->tensor, 32, 1, &claim), 14);
    assert_int_equal(tp_producer_abort_claim(producer, &claim), 14);         /* given up: nothing to find */
    publish(producer, 15, 15);
    assert_int_equal(read_all(consumer, 15), 1);
    assert_int_equal(drops(consumer, TP_DROP_GAP), 6);
    assert_ledger(consumer);
    close_both(consumer, producer);
}

static void last_frame_is_found_while_waiting(void **state)
{
    (void)state;
    tp_consumer_t *consumer = recovering(true);
    tp_producer_t *producer = cr_producer();
    tp_frame_view_t view;
    publish(producer, 0, 0);
    assert_int_equal(read_all(consumer, 0), 1);
    assert_int_equal(tpi_mem_network_fault(cr->network, CR_DESCRIPTOR, TPI_MEM_BACK_PRESSURE, 1), 0);
    publish(producer, 1, 1);                               /* parked: no claim follows */
    cr_settle();
    assert_int_equal(next(consumer, &view), 0);
    assert_int_equal(tp_consumer_next(consumer, &view, 5000 * MS), 1);
    assert_int_equal(view.seq, 1);
    assert_int_equal(tp_producer_flush(producer), 1);
    assert_int_equal(read_all(consumer, 2), 0);            /* its descriptor is a duplicate by now */
    assert_int_equal(stats_of(consumer).duplicates, 1);
    assert_int_equal(stats_of(consumer).received, 2);
    assert_ledger(consumer);
    close_both(consumer, producer);
}

static int handled;
static void on_found(void *clientd, const tp_frame_view_t *view) { (void)clientd; assert_int_equal(view->seq, handled); handled++; }

static void handler_gets_what_the_ring_holds_as_well(void **state)
{
    (void)state;
    tp_consumer_t *consumer = recovering(true);
    tp_producer_t *producer = cr_producer();
    handled = 0;
    assert_int_equal(tp_consumer_set_frame_handler(consumer, on_found, NULL), 0);
    publish(producer, 0, 0);
    cr_settle();
    assert_int_equal(tp_consumer_poll_descriptors(consumer, 10), 1);
    assert_int_equal(tpi_mem_network_fault(cr->network, CR_DESCRIPTOR, TPI_MEM_LOSE, 4), 0);
    publish(producer, 1, 5);
    cr_settle();
    assert_int_equal(tp_consumer_poll_descriptors(consumer, 10), 5);
    assert_int_equal(handled, 6);
    assert_ledger(consumer);
    close_both(consumer, producer);
}

static void capped_private_stream_is_not_filled_up__L_105(void **state)
{
    (void)state;
    tp_producer_t *producer = producer_that(TP_ANSWER_HELLO_ALWAYS);
    tp_consumer_context_t *context = asking(TP_MODE_RATE_LIMITED, 10);
    assert_int_equal(tp_consumer_context_set_ring_recovery(context, true), 0);
    tp_consumer_t *consumer = cr_consumer_with(context);
    tp_frame_view_t view;
    int delivered = 0;
    cr_step(1500 * MS);
    for (int i = 0; i < 100; i++)
    {
        assert_true(cr_publish(producer, 1) >= 0);
        cr_step(10 * MS);
        while (1 == next(consumer, &view)) { delivered++; }
    }
    assert_in_range(delivered, 9, 11);
    assert_int_equal(stats_of(consumer).recovered, 0);
    close_both(consumer, producer);
}

static void statistics_show_mode_and_streams(void **state)
{
    (void)state;
    tp_producer_t *producer = producer_that(TP_ANSWER_HELLO_ALWAYS);
    tp_consumer_t *consumer = cr_consumer_with(asking(TP_MODE_RATE_LIMITED, 10));
    assert_int_equal(stats_of(consumer).mode, TP_MODE_RATE_LIMITED);
    assert_int_equal(stats_of(consumer).descriptor_stream_id, 0);
    cr_step(1500 * MS);
    assert_int_equal(stats_of(consumer).descriptor_stream_id, 31000);
    assert_int_equal(stats_of(consumer).control_stream_id, 32000);
    close_both(consumer, producer);
}

/* ---- what frames carry, and what is dropped ------------------------------------------------------------------------------- */

static void both_times_are_carried_apart__W_103_W_104_W_105_W_106(void **state)
{
    (void)state;
    tp_consumer_t *consumer = listening_consumer();
    tp_producer_t *producer = cr_producer();
    tp_frame_metadata_t metadata = TP_FRAME_METADATA_INIT;
    tp_frame_view_t view;
    metadata.timestamp_ns = 12345;
    assert_int_equal(tp_producer_offer_frame(producer, cr->tensor, "x", 1, &metadata), 0);
    cr_settle();
    assert_int_equal(next(consumer, &view), 1);
    assert_int_equal(view.timestamp_ns, 12345);
    assert_true(TP_NULL_U64 == view.publish_timestamp_ns); /* not asked for */
    tp_producer_close(producer);
    tp_producer_context_t *context = cr_producer_context();
    assert_int_equal(tp_producer_context_set_publish_time(context, true), 0);
    producer = cr_producer_with(context);
    const uint64_t before = (uint64_t)tpi_clock_monotonic_ns();
    assert_int_equal(tp_producer_offer_frame(producer, cr->tensor, "x", 1, &metadata), 0);
    const uint64_t after = (uint64_t)tpi_clock_monotonic_ns();
    cr_settle();
    assert_int_equal(next(consumer, &view), 1);
    assert_int_equal(view.timestamp_ns, 12345);
    assert_true(view.publish_timestamp_ns >= before && view.publish_timestamp_ns <= after);
    close_both(consumer, producer);
}

static void both_times_never_go_back__W_195_W_196(void **state)
{
    (void)state;
    tp_producer_context_t *context = cr_producer_context();
    assert_int_equal(tp_producer_context_set_publish_time(context, true), 0);
    tp_consumer_t *consumer = listening_consumer();
    tp_producer_t *producer = cr_producer_with(context);
    tp_frame_view_t view;
    uint64_t capture = (uint64_t)tpi_clock_monotonic_ns();
    uint64_t publish = capture;
    for (int i = 0; i < 1000; i += 2)
    {
        tp_buffer_claim_t a;
        tp_buffer_claim_t b;
        assert_int_equal(tp_producer_try_claim(producer, cr->tensor, &a), i);
        assert_int_equal(tp_producer_try_claim(producer, cr->tensor, &b), i + 1);
        assert_int_equal(tp_producer_commit_claim(producer, &b, NULL), i + 1);       /* out of order */
        assert_int_equal(tp_producer_commit_claim(producer, &a, NULL), i);
        cr_settle();
        while (1 == next(consumer, &view))
        {
            assert_true(TP_NULL_U64 != view.publish_timestamp_ns);
            assert_true(view.timestamp_ns >= capture && view.publish_timestamp_ns >= publish);
            assert_true(view.publish_timestamp_ns >= view.timestamp_ns);
            capture = view.timestamp_ns;
            publish = view.publish_timestamp_ns;
        }
    }
    assert_true(capture <= (uint64_t)tpi_clock_monotonic_ns());
    assert_int_equal(stats_of(consumer).received, 1000);
    close_both(consumer, producer);
}

static tpi_slot_word_t *slot_of(const tp_consumer_t *consumer, uint64_t seq)
{
    const tpi_epoch_files_t *files = cr->files[cr->file_count - 1];
    (void)consumer;
    return (tpi_slot_word_t *)(void *)((uint8_t *)files->regions[0].base + 64 + 256 * (seq & (CR_NSLOTS - 1)));
}

static void slot_that_disagrees_with_its_descriptor_is_dropped__W_023_W_024(void **state)
{
    (void)state;
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    tp_frame_view_t view;
    open_both(&consumer, &producer);
    assert_int_equal(cr_publish(producer, 1), 0);
    assert_int_equal(cr_publish(producer, 1), 1);
    cr_settle();
    assert_int_equal(next(consumer, &view), 1);
    assert_int_equal(next(consumer, &view), 1);
    say(9);                                                /* slot 1 holds frame 1 */
    cr_settle();
    assert_int_equal(next(consumer, &view), 0);
    assert_int_equal(drops(consumer, TP_DROP_OVERWRITTEN), 1);
    assert_ledger(consumer);
    close_both(consumer, producer);
}

static void slot_whose_word_went_back_is_dropped__W_051(void **state)
{
    (void)state;
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    tp_frame_view_t view;
    open_both(&consumer, &producer);
    for (int i = 0; i < 10; i++) { assert_int_equal(cr_publish(producer, 1), i); }
    cr_settle();
    while (1 == next(consumer, &view)) { }
    assert_int_equal(tp_consumer_read_frame(consumer, 9, &view), 1);
    assert_int_equal(tp_consumer_read_frame(consumer, 2, &view), 1);         /* the newest of its slot */
    atomic_store(slot_of(consumer, 9), UINT64_C(1) << 1 | 1u);               /* rewound to frame 1 */
    assert_int_equal(tp_consumer_read_frame(consumer, 9, &view), 0);
    assert_int_equal(tp_consumer_read_frame(consumer, 1, &view), 0);
    close_both(consumer, producer);
}

static int reports;
static void on_error(void *clientd, int code, const char *text) { (void)clientd; (void)code; (void)text; reports++; }

static void dropped_frames_are_no_errors_and_are_not_tried_again__W_201(void **state)
{
    (void)state;
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    tp_frame_view_t view;
    open_both(&consumer, &producer);
    cr->client->settings.error_handler = on_error;
    reports = 0;
    const int told = heard.count;
    say(0);                                                /* uncommitted */
    cr_settle();
    assert_int_equal(next(consumer, &view), 0);
    assert_int_equal(drops(consumer, TP_DROP_UNCOMMITTED), 1);
    assert_int_equal(cr_publish(producer, 1), 0);          /* committed now, but its turn is over */
    cr_step(100 * MS);
    assert_int_equal(next(consumer, &view), 0);
    assert_int_equal(stats_of(consumer).received, 0);
    assert_int_equal(reports, 0);
    assert_int_equal(heard.count, told);
    close_both(consumer, producer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CR_TEST(frames_without_descriptors_are_found_in_the_ring),
        CR_TEST(what_the_ring_does_not_hold_any_more_is_a_gap),
        CR_TEST(last_frame_is_found_while_waiting),
        CR_TEST(handler_gets_what_the_ring_holds_as_well),
        CR_TEST(capped_private_stream_is_not_filled_up__L_105),
        CR_TEST(newest_only_passes_over_the_backlog_and_counts_it),
        CR_TEST(statistics_show_mode_and_streams),
        CR_TEST(no_frame_is_missed_on_the_way_to_a_private_stream__W_130_W_131_O_20),
        CR_TEST(declined_consumer_stays_on_the_shared_stream_and_thins_out_itself__W_151_W_190_W_191_S_023_S_049_S_050),
        CR_TEST(granted_rate_is_kept_by_the_producer_and_may_change_while_frames_flow__W_134_W_192_O_30_S_051),
        CR_TEST(mode_changed_on_a_shared_stream_changes_the_thinning_at_once),
        CR_TEST(hello_goes_out_again_for_a_new_epoch),
        CR_TEST(hello_interval_is_configurable__W_128),
        CR_TEST(producer_and_consumer_agree_on_both_streams__W_130_W_137),
        CR_TEST(consumer_without_shared_memory_never_maps__W_153_W_154_W_155),
        CR_TEST(unknown_fallback_scheme_is_no_fallback__W_154_S_025),
        CR_TEST(configured_consumer_id_is_kept__W_157),
        CR_TEST(both_times_are_carried_apart__W_103_W_104_W_105_W_106),
        CR_TEST(both_times_never_go_back__W_195_W_196),
        CR_TEST(slot_that_disagrees_with_its_descriptor_is_dropped__W_023_W_024),
        CR_TEST(slot_whose_word_went_back_is_dropped__W_051),
        CR_TEST(dropped_frames_are_no_errors_and_are_not_tried_again__W_201),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
