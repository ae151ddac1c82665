#include "client_rig.h"

#include <unistd.h>

#include "client/consumer_state.h"

static tp_consumer_stats_t stats_of(const tp_consumer_t *consumer)
{
    tp_consumer_stats_t stats;
    assert_int_equal(tp_consumer_stats(consumer, &stats), 0);
    return stats;
}

static uint64_t drops(const tp_consumer_t *consumer, tp_drop_reason_t reason) { return stats_of(consumer).drops[reason]; }
static int next(tp_consumer_t *consumer, tp_frame_view_t *view) { return tp_consumer_next(consumer, view, 0); }

static tpc_frame_descriptor_t descriptor(uint64_t seq)
{
    tpc_frame_descriptor_t d = TPC_FRAME_DESCRIPTOR_INIT;
    d.stream_id = CR_STREAM;
    d.epoch = cr->epoch;
    d.seq = seq;
    return d;
}

static void say(uint64_t seq)
{
    const tpc_frame_descriptor_t d = descriptor(seq);
    cr_send_descriptor(&d);
}

typedef struct heard { int count; tp_consumer_event_t event[32]; int code[32]; char text[128]; } heard_t;
static heard_t heard;

static void on_event(void *clientd, tp_consumer_event_t event, uint64_t epoch, int code, const char *text)
{
    (void)clientd;
    (void)epoch;
    assert_true(heard.count < 32);
    heard.event[heard.count] = event;
    heard.code[heard.count] = code;
    (void)snprintf(heard.text, sizeof(heard.text), "%s", text);
    heard.count++;
}

static bool was_heard(tp_consumer_event_t event)
{
    for (int i = 0; i < heard.count; i++) { if (event == heard.event[i]) { return true; } }
    return false;
}

static tp_consumer_t *listening_consumer(void)
{
    tp_consumer_context_t *context = cr_consumer_context();
    memset(&heard, 0, sizeof(heard));
    assert_int_equal(tp_consumer_context_set_event_handler(context, on_event, NULL), 0);
    return cr_consumer_with(context);
}

/* A consumer and a producer of one epoch, both settled. */
static void open_both(tp_consumer_t **consumer, tp_producer_t **producer)
{
    *consumer = listening_consumer();
    *producer = cr_producer();
    assert_true(tp_consumer_is_mapped(*consumer));
    assert_int_equal(stats_of(*consumer).epoch, cr->epoch);
}

static void close_both(tp_consumer_t *consumer, tp_producer_t *producer)
{
    tp_producer_close(producer);
    tp_consumer_close(consumer);
}

/* received and all reasons that are about frames of this epoch add up to what was published since we joined. */
static void assert_ledger(const tp_consumer_t *consumer)
{
    const tp_consumer_stats_t s = stats_of(consumer);
    const uint64_t lost = s.drops[TP_DROP_GAP] + s.drops[TP_DROP_SKIPPED] + s.drops[TP_DROP_OVERWRITTEN] + s.drops[TP_DROP_UNCOMMITTED] +
        s.drops[TP_DROP_TORN] + s.drops[TP_DROP_BAD_HEADER] + s.drops[TP_DROP_RATE];
    assert_int_equal(s.received + lost, s.last_seq - s.first_seq + 1);
}

/* The same for frames that were announced but never committed: first and last seq of the epoch are known. */
static void assert_ledger_of_losses(const tp_consumer_t *consumer, uint64_t first, uint64_t last)
{
    assert_int_equal(stats_of(consumer).first_seq, first);
    assert_int_equal(stats_of(consumer).last_seq, last);
    assert_ledger(consumer);
}

/* ---- sequence accounting ------------------------------------------------------------------------------------------------ */

static void jumps_in_seq_are_gaps_and_the_first_one_is_none__W_121(void **state)
{
    (void)state;
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    tp_frame_view_t view;
    tp_buffer_claim_t c;
    open_both(&consumer, &producer);
    for (int i = 0; i < 3; i++)                                              /* seq 0..2 are aborted: nobody announces them */
    {
        assert_int_equal(tp_producer_try_claim(producer, cr->tensor, &c), i);
        assert_int_equal(tp_producer_abort_claim(producer, &c), i);
    }
    assert_int_equal(cr_publish(producer, 1), 3);
    cr_settle();
    assert_int_equal(next(consumer, &view), 1);
    assert_int_equal(drops(consumer, TP_DROP_GAP), 0);
    for (int i = 4; i < 7; i++)
    {
        assert_int_equal(tp_producer_try_claim(producer, cr->tensor, &c), i);
        assert_int_equal(tp_producer_abort_claim(producer, &c), i);
    }
    assert_int_equal(cr_publish(producer, 1), 7);
    cr_settle();
    assert_int_equal(next(consumer, &view), 1);
    assert_int_equal(drops(consumer, TP_DROP_GAP), 3);
    assert_int_equal(stats_of(consumer).first_seq, 3);
    assert_int_equal(stats_of(consumer).last_seq, 7);
    assert_ledger(consumer);
    close_both(consumer, producer);
}

static void lapped_frames_are_overwritten_and_the_rest_is_delivered__W_098(void **state)
{
    (void)state;
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    tp_frame_view_t view;
    open_both(&consumer, &producer);
    for (int i = 0; i < (int)CR_NSLOTS + 3; i++) { assert_int_equal(cr_publish(producer, (uint16_t)i), i); }
    cr_settle();
    for (uint64_t i = 3; i < CR_NSLOTS + 3; i++)
    {
        assert_int_equal(next(consumer, &view), 1);
        assert_int_equal(view.seq, i);
    }
    assert_int_equal(next(consumer, &view), 0);
    assert_int_equal(drops(consumer, TP_DROP_OVERWRITTEN), 3);
    assert_int_equal(stats_of(consumer).first_seq, 0);
    assert_ledger(consumer);
    close_both(consumer, producer);
}

static void slot_that_is_being_written_is_skipped__W_046_W_054_W_055(void **state)
{
    (void)state;
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    tp_frame_view_t view;
    tp_buffer_claim_t c;
    open_both(&consumer, &producer);
    assert_int_equal(tp_producer_try_claim(producer, cr->tensor, &c), 0);
    say(0);
    cr_settle();
    assert_int_equal(next(consumer, &view), 0);
    assert_int_equal(drops(consumer, TP_DROP_UNCOMMITTED), 1);
    assert_ledger(consumer);
    (void)tp_producer_abort_claim(producer, &c);
    close_both(consumer, producer);
}

static void view_tells_that_it_was_overwritten_and_is_counted_once__M4_W_050(void **state)
{
    (void)state;
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    tp_frame_view_t view;
    uint16_t copy[16];
    open_both(&consumer, &producer);
    assert_int_equal(cr_publish(producer, 5), 0);
    cr_settle();
    assert_int_equal(next(consumer, &view), 1);
    assert_int_equal(tp_consumer_copy_frame(&view, copy, sizeof(copy) - 1), TP_INVALID_ARGUMENT);
    assert_int_equal(tp_consumer_copy_frame(&view, copy, sizeof(copy)), sizeof(copy));
    assert_int_equal(copy[15], 5);
    for (int i = 1; i <= (int)CR_NSLOTS; i++) { assert_int_equal(cr_publish(producer, 9), i); }
    assert_false(tp_frame_view_is_valid(&view));
    assert_false(tp_frame_view_is_valid(&view));
    assert_int_equal(tp_consumer_copy_frame(&view, copy, sizeof(copy)), TP_OVERWRITTEN);
    assert_int_equal(drops(consumer, TP_DROP_TORN), 1);
    assert_int_equal(stats_of(consumer).received, 0);
    assert_int_equal(stats_of(consumer).bytes, 0);
    assert_ledger(consumer);
    close_both(consumer, producer);
}

static void slots_are_judged_from_a_copy_and_bad_ones_dropped__M5_W_026_W_048_W_063(void **state)
{
    (void)state;
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    tp_frame_view_t view;
    open_both(&consumer, &producer);
    static const struct { size_t at; uint8_t value; } faults[] = { { 18, 64 }, { 12, 3 }, { 16, 9 }, { 11, 1 }, { 66, 51 }, { 60, 191 }, { 72, 12 },
        { 70, 2 } };
    uint8_t *ring = cr->files[cr->file_count - 1]->regions[0].base + 64;
    uint64_t bad = 0;
    for (uint64_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
    {
        const uint64_t seq = 2 * i;
        assert_int_equal(cr_publish(producer, 1), seq);
        ring[(seq & (CR_NSLOTS - 1)) * 256 + faults[i].at] = faults[i].value;
        cr_settle();
        assert_int_equal(next(consumer, &view), 0);
        assert_int_equal(drops(consumer, TP_DROP_BAD_HEADER), ++bad);
        assert_int_equal(cr_publish(producer, 1), seq + 1);                  /* the next good one comes through */
        cr_settle();
        assert_int_equal(next(consumer, &view), 1);
    }
    assert_ledger(consumer);
    close_both(consumer, producer);
}

static void descriptors_of_others_change_nothing__P1(void **state)
{
    (void)state;
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    tp_frame_view_t view;
    open_both(&consumer, &producer);
    assert_int_equal(cr_publish(producer, 1), 0);
    tpc_frame_descriptor_t d = descriptor(1);
    d.stream_id = CR_STREAM + 1;
    d.epoch = UINT64_C(1) << 60;
    cr_send_descriptor(&d);
    d.stream_id = CR_STREAM;
    d.epoch = cr->epoch - 1;                                                 /* late, of the epoch before */
    cr_send_descriptor(&d);
    d.epoch = TP_NULL_U64;                                                   /* O-40: nobody's epoch */
    cr_send_descriptor(&d);
    cr_settle();
    assert_int_equal(next(consumer, &view), 1);
    assert_int_equal(next(consumer, &view), 0);
    cr_settle();
    assert_true(tp_consumer_is_mapped(consumer));
    assert_int_equal(stats_of(consumer).foreign, 1);
    assert_int_equal(drops(consumer, TP_DROP_EPOCH), 2);
    assert_true(tp_frame_view_is_valid(&view));
    close_both(consumer, producer);
}

static void newer_epoch_in_a_descriptor_unmaps_until_it_is_announced__W_095_W_115_O_19(void **state)
{
    (void)state;
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    tp_frame_view_t view;
    open_both(&consumer, &producer);
    assert_int_equal(cr_publish(producer, 1), 0);
    cr_settle();
    assert_int_equal(next(consumer, &view), 1);
    tpc_frame_descriptor_t d = descriptor(0);
    d.epoch = cr->epoch + 1;
    cr_send_descriptor(&d);
    say(1);                                                                  /* after the mismatch even good ones are dropped */
    cr_settle();
    assert_int_equal(next(consumer, &view), 0);
    assert_int_equal(drops(consumer, TP_DROP_EPOCH), 1);
    assert_int_equal(drops(consumer, TP_DROP_NOT_MAPPED), 1);
    cr_settle();
    assert_false(tp_consumer_is_mapped(consumer));
    cr_announce();                                                           /* the same epoch does not help */
    cr_settle();
    assert_false(tp_consumer_is_mapped(consumer));
    cr_new_epoch();
    cr_announce();
    cr_settle();
    assert_true(tp_consumer_is_mapped(consumer));
    assert_int_equal(stats_of(consumer).remaps, 2);
    assert_true(was_heard(TP_CONSUMER_EPOCH_CHANGED));
    close_both(consumer, producer);
}

static void impossible_seq_moves_nothing__W_253(void **state)
{
    (void)state;
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    tp_frame_view_t view;
    open_both(&consumer, &producer);
    assert_int_equal(cr_publish(producer, 1), 0);
    say((UINT64_C(1) << 63) + 1);
    cr_settle();
    assert_int_equal(cr_publish(producer, 1), 1);
    cr_settle();
    assert_int_equal(next(consumer, &view), 1);
    assert_int_equal(next(consumer, &view), 1);
    assert_int_equal(view.seq, 1);
    assert_int_equal(drops(consumer, TP_DROP_BAD_DESCRIPTOR), 1);
    assert_int_equal(drops(consumer, TP_DROP_GAP), 0);
    assert_ledger(consumer);
    close_both(consumer, producer);
}

static void duplicates_are_silent_and_a_regression_remaps__W_113_O_20(void **state)
{
    (void)state;
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    tp_frame_view_t view;
    open_both(&consumer, &producer);
    for (int i = 0; i < 4; i++) { assert_int_equal(cr_publish(producer, 1), i); }
    cr_settle();
    for (int i = 0; i < 4; i++) { assert_int_equal(next(consumer, &view), 1); }
    say(3);
    cr_settle();
    assert_int_equal(next(consumer, &view), 0);
    assert_int_equal(stats_of(consumer).duplicates, 1);
    assert_ledger(consumer);
    say(1);
    cr_settle();
    assert_int_equal(next(consumer, &view), 0);
    cr_settle();
    assert_false(tp_consumer_is_mapped(consumer));
    assert_int_equal(drops(consumer, TP_DROP_REGRESSION), 1);
    cr_announce();
    cr_settle();
    assert_true(tp_consumer_is_mapped(consumer));
    assert_int_equal(cr_publish(producer, 1), 4);
    cr_settle();
    assert_int_equal(next(consumer, &view), 1);
    close_both(consumer, producer);
}

static void lagging_consumer_jumps_to_the_newest_frame__W_124_W_125(void **state)
{
    (void)state;
    tp_consumer_context_t *context = cr_consumer_context();
    assert_int_equal(tp_consumer_context_set_max_outstanding_seq_gap(context, 4), 0);
    tp_consumer_t *consumer = cr_consumer_with(context);
    tp_producer_t *producer = cr_producer();
    tp_frame_view_t view;
    assert_int_equal(cr_publish(producer, 1), 0);
    cr_settle();
    assert_int_equal(next(consumer, &view), 1);
    for (int i = 1; i <= 7; i++) { assert_int_equal(cr_publish(producer, 1), i); }
    cr_settle();
    assert_int_equal(next(consumer, &view), 1);
    assert_int_equal(view.seq, 7);
    assert_int_equal(drops(consumer, TP_DROP_SKIPPED), 6);
    assert_ledger(consumer);
    for (int i = 8; i <= 11; i++) { assert_int_equal(cr_publish(producer, 1), i); }          /* 3 between: below the limit */
    cr_settle();
    for (int i = 8; i <= 11; i++) { assert_int_equal(next(consumer, &view), 1); }
    assert_int_equal(drops(consumer, TP_DROP_SKIPPED), 6);
    cr_step(1100 * MS);
    assert_int_equal(cr->qos_consumer.drops_gap, 6);                         /* W-189 */
    close_both(consumer, producer);
}

/* ---- mapping ------------------------------------------------------------------------------------------------------------ */

static void descriptors_before_the_mapping_are_dropped__W_116(void **state)
{
    (void)state;
    cr->mute = true;
    tp_consumer_t *consumer = listening_consumer();
    tp_frame_view_t view;
    cr->epoch = 100;
    say(0);
    cr_settle();
    assert_int_equal(next(consumer, &view), 0);
    assert_int_equal(drops(consumer, TP_DROP_NOT_MAPPED), 1);
    cr->epoch = 0;
    tp_consumer_close(consumer);
}

static void announces_of_the_same_epoch_touch_nothing__M7(void **state)
{
    (void)state;
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    tp_frame_view_t view;
    open_both(&consumer, &producer);
    const void *map = consumer->published;
    const uint64_t remaps = stats_of(consumer).remaps;
    assert_int_equal(cr_publish(producer, 1), 0);
    cr_settle();
    assert_int_equal(next(consumer, &view), 1);
    for (int i = 0; i < 10; i++)
    {
        cr_announce();
        cr_settle();
        assert_true(tp_frame_view_is_valid(&view));
    }
    assert_ptr_equal(consumer->published, map);
    assert_int_equal(stats_of(consumer).remaps, remaps);
    assert_int_equal(stats_of(consumer).received, 1);
    assert_int_equal(cr_publish(producer, 1), 1);
    cr_settle();
    assert_int_equal(next(consumer, &view), 1);
    assert_ledger(consumer);
    close_both(consumer, producer);
}

static void epoch_change_voids_views_and_restarts_the_sequence__W_078_W_112_W_114_D_135(void **state)
{
    (void)state;
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    tp_frame_view_t view;
    open_both(&consumer, &producer);
    for (int i = 0; i < 3; i++) { assert_int_equal(cr_publish(producer, 1), i); }
    cr_settle();
    assert_int_equal(next(consumer, &view), 1);
    tp_producer_close(producer);
    cr_settle();
    producer = cr_producer();
    assert_false(tp_frame_view_is_valid(&view));
    assert_int_equal(next(consumer, &view), 0);                              /* the two old descriptors are of another epoch now */
    assert_int_equal(drops(consumer, TP_DROP_EPOCH), 2);
    assert_int_equal(cr_publish(producer, 9), 0);
    cr_settle();
    assert_int_equal(next(consumer, &view), 1);
    assert_int_equal(view.seq, 0);
    assert_int_equal(view.epoch, cr->epoch);
    assert_int_equal(drops(consumer, TP_DROP_REGRESSION), 0);
    close_both(consumer, producer);
}

static void ended_producer_lease_holds_frames_until_a_higher_epoch__D_117_D_118_D_125(void **state)
{
    (void)state;
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    open_both(&consumer, &producer);
    cr_lease_t other = *cr_lease(TP_ROLE_PRODUCER);
    other.role = 9;
    cr_revoke(&other, TPC_REVOKE_EXPIRED);                                   /* D-122 */
    other.role = TP_ROLE_PRODUCER;
    cr_revoke(&other, 9);                                                    /* D-121 */
    cr_settle();
    assert_true(tp_consumer_is_mapped(consumer));
    cr->bump_on_producer = false;                                            /* the producer comes back without a new epoch: not enough */
    cr_lease(TP_ROLE_PRODUCER)->active = false;
    cr_revoke(&other, TPC_REVOKE_EXPIRED);
    cr_settle();
    assert_false(tp_consumer_is_mapped(consumer));
    cr_announce();
    cr_step(1000 * MS);
    assert_false(tp_consumer_is_mapped(consumer));
    cr_new_epoch();
    cr_announce();
    cr_settle();
    assert_true(tp_consumer_is_mapped(consumer));
    close_both(consumer, producer);
}

static void wait_for_the_raised_epoch_is_bounded__D_123_D_124(void **state)
{
    (void)state;
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    open_both(&consumer, &producer);
    cr->bump_on_producer = false;
    cr_lease_t *lease = cr_lease(TP_ROLE_PRODUCER);
    lease->active = false;
    const size_t before = cr->lease_count;
    cr_revoke(lease, TPC_REVOKE_DETACHED);
    cr_step(2900 * MS);
    assert_false(tp_consumer_is_mapped(consumer));
    assert_int_equal(cr->lease_count, before + 1);                           /* the producer's new lease only */
    cr_step(400 * MS);
    assert_true(cr->lease_count > before + 1);                               /* the consumer attached again, and the answer maps */
    assert_true(tp_consumer_is_mapped(consumer));
    close_both(consumer, producer);
}

static void revoked_consumer_attaches_again__D_116_D_119_D_120(void **state)
{
    (void)state;
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    open_both(&consumer, &producer);
    cr_lease_t *lease = cr_lease(TP_ROLE_CONSUMER);
    lease->active = false;
    cr_revoke(lease, TPC_REVOKE_REVOKED);
    cr_settle();
    assert_false(tp_consumer_is_mapped(consumer));
    assert_true(tp_producer_is_attached(producer));
    cr_step(200 * MS);
    assert_true(tp_consumer_is_mapped(consumer));
    assert_int_equal(stats_of(consumer).reattaches, 1);
    assert_true(was_heard(TP_CONSUMER_LOST));
    assert_true(was_heard(TP_CONSUMER_REATTACHED));
    close_both(consumer, producer);
}

static void silent_driver_is_left__D_155_D_156(void **state)
{
    (void)state;
    tp_consumer_t *consumer = listening_consumer();
    assert_true(tp_consumer_is_mapped(consumer));
    cr->mute = true;
    cr_step(5200 * MS);
    assert_false(tp_consumer_is_mapped(consumer));
    cr->mute = false;
    cr->leases[0].active = false;
    cr_step(2000 * MS);
    assert_true(tp_consumer_is_mapped(consumer));
    tp_consumer_close(consumer);
}

static void regions_without_activity_are_unmapped_and_come_back__W_007_O_21(void **state)
{
    (void)state;
    tp_consumer_t *consumer = listening_consumer();
    cr->no_regions_refresh = true;
    cr_step(2900 * MS);
    assert_true(tp_consumer_is_mapped(consumer));
    cr_step(1300 * MS);
    assert_false(tp_consumer_is_mapped(consumer));
    cr->no_regions_refresh = false;
    cr_step(1100 * MS);
    assert_true(tp_consumer_is_mapped(consumer));
    tp_consumer_close(consumer);
}

static void changed_superblock_unmaps_everything__W_090_W_117_W_118(void **state)
{
    (void)state;
    tp_consumer_t *consumer = listening_consumer();
    uint8_t *pool = cr->files[0]->regions[2].base;
    pool[0] ^= 1;
    cr_announce();
    cr_settle();
    assert_false(tp_consumer_is_mapped(consumer));
    pool[0] ^= 1;
    cr_announce();
    cr_settle();
    assert_true(tp_consumer_is_mapped(consumer));
    tp_consumer_close(consumer);
}

static void outside_uri(tpc_attach_response_t *response) { response->header_region_uri = tpc_bytes("shm:file?path=/etc/passwd"); }

static void regions_outside_the_allowed_directories_are_refused__D_018_D_081_D_082(void **state)
{
    (void)state;
    cr->bend = outside_uri;
    tp_consumer_t *consumer = listening_consumer();
    assert_false(tp_consumer_is_mapped(consumer));
    assert_true(was_heard(TP_CONSUMER_REFUSED));
    assert_int_equal(heard.code[0], TP_EPATH);
    cr_step(300 * MS);
    assert_true(cr->detaches >= 1);                                          /* the useless lease is handed back */
    cr->bend = NULL;
    cr_step(1100 * MS);
    assert_true(tp_consumer_is_mapped(consumer));
    tp_consumer_close(consumer);
}

static void consumer_without_driver_maps_from_announces(void **state)
{
    (void)state;
    tp_consumer_context_t *context = cr_consumer_context();
    assert_int_equal(tp_consumer_context_set_driverless(context, true), 0);
    tp_consumer_t *consumer = cr_consumer_with(context);
    tp_frame_view_t view;
    assert_false(tp_consumer_is_mapped(consumer));
    tp_producer_t *producer = cr_producer();
    assert_true(tp_consumer_is_mapped(consumer));
    assert_int_equal(cr_publish(producer, 1), 0);
    cr_settle();
    assert_int_equal(next(consumer, &view), 1);
    assert_null(cr_lease(TP_ROLE_CONSUMER));
    close_both(consumer, producer);
}

/* ---- hello, config, QoS ------------------------------------------------------------------------------------------------- */

static void hello_and_qos_are_sent_and_repeated__W_127_W_128_W_188_W_189(void **state)
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

static tpc_consumer_config_t config_for(const tp_consumer_t *consumer)
{
    tpc_consumer_config_t config = TPC_CONSUMER_CONFIG_INIT;
    config.stream_id = CR_STREAM;
    config.consumer_id = stats_of(consumer).client_id;
    return config;
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
    cr_send_config(&config);
    cr_settle();
    assert_true(tp_consumer_is_mapped(consumer));
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

static void assigned_stream_replaces_the_shared_one_until_it_is_withdrawn__W_130_W_131_W_151_O_20(void **state)
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
    cr_new_epoch();
    cr_announce();
    cr_settle();
    tpc_consumer_config_t config = config_for(consumer);
    config.descriptor_stream_id = 31000;
    config.descriptor_channel = tpc_bytes("aeron:udp?endpoint=10.0.0.1:4000");       /* P12: not in the allow-list */
    cr_send_config(&config);
    cr_settle();
    assert_false(consumer->linked->is_private);
    config.descriptor_channel = tpc_bytes("aeron:ipc?term-length=4m");
    cr_send_config(&config);
    cr_settle();
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
    assert_int_equal(consumer->stage_count, 11);
    assert_int_equal(consumer->stage_at, 1);
    cr_new_epoch();
    cr_announce();
    cr_settle();
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
    cr_settle();
    assert_true((0 != stream_id) == consumer->linked->is_private);
    assert_int_equal(next(consumer, &view), 0);
    cr_settle();
}

static void ledger_holds_across_another_descriptor_stream__W_131_O_20(void **state)
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
    assert_ledger_of_losses(consumer, 5, 5);
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

static void rate_is_thinned_out_locally__W_191_W_192_W_193(void **state)
{
    (void)state;
    tp_consumer_context_t *context = cr_consumer_context();
    assert_int_equal(tp_consumer_context_set_mode(context, TP_MODE_RATE_LIMITED, 100), 0);
    tp_consumer_t *consumer = cr_consumer_with(context);
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

static void one_wild_timestamp_does_not_end_the_thinning__W_193(void **state)
{
    (void)state;
    static const uint64_t wild[] = { INT64_MAX, INT64_MAX - 1, UINT64_C(1) << 62, 1 };
    tp_consumer_context_t *context = cr_consumer_context();
    assert_int_equal(tp_consumer_context_set_mode(context, TP_MODE_RATE_LIMITED, 100), 0);
    tp_consumer_t *consumer = cr_consumer_with(context);
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

static void imposed_mode_is_obeyed(void **state)
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

static void somebody_elses_reports_under_our_id_make_us_choose_another__W_158(void **state)
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

static void half_filled_requests_are_refused_by_the_setters__W_144_W_147(void **state)
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        CR_TEST(jumps_in_seq_are_gaps_and_the_first_one_is_none__W_121),
        CR_TEST(lapped_frames_are_overwritten_and_the_rest_is_delivered__W_098),
        CR_TEST(slot_that_is_being_written_is_skipped__W_046_W_054_W_055),
        CR_TEST(view_tells_that_it_was_overwritten_and_is_counted_once__M4_W_050),
        CR_TEST(slots_are_judged_from_a_copy_and_bad_ones_dropped__M5_W_026_W_048_W_063),
        CR_TEST(descriptors_of_others_change_nothing__P1),
        CR_TEST(newer_epoch_in_a_descriptor_unmaps_until_it_is_announced__W_095_W_115_O_19),
        CR_TEST(impossible_seq_moves_nothing__W_253),
        CR_TEST(duplicates_are_silent_and_a_regression_remaps__W_113_O_20),
        CR_TEST(lagging_consumer_jumps_to_the_newest_frame__W_124_W_125),
        CR_TEST(descriptors_before_the_mapping_are_dropped__W_116),
        CR_TEST(announces_of_the_same_epoch_touch_nothing__M7),
        CR_TEST(epoch_change_voids_views_and_restarts_the_sequence__W_078_W_112_W_114_D_135),
        CR_TEST(ended_producer_lease_holds_frames_until_a_higher_epoch__D_117_D_118_D_125),
        CR_TEST(wait_for_the_raised_epoch_is_bounded__D_123_D_124),
        CR_TEST(revoked_consumer_attaches_again__D_116_D_119_D_120),
        CR_TEST(silent_driver_is_left__D_155_D_156),
        CR_TEST(regions_without_activity_are_unmapped_and_come_back__W_007_O_21),
        CR_TEST(changed_superblock_unmaps_everything__W_090_W_117_W_118),
        CR_TEST(regions_outside_the_allowed_directories_are_refused__D_018_D_081_D_082),
        CR_TEST(consumer_without_driver_maps_from_announces),
        CR_TEST(hello_and_qos_are_sent_and_repeated__W_127_W_128_W_188_W_189),
        CR_TEST(config_takes_the_consumer_off_shared_memory_and_back__W_155_W_252),
        CR_TEST(assigned_stream_replaces_the_shared_one_until_it_is_withdrawn__W_130_W_131_W_151_O_20),
        CR_TEST(batch_across_an_epoch_skips_nothing_of_the_new_one__W_114_W_125),
        CR_TEST(ledger_holds_across_another_descriptor_stream__W_131_O_20),
        CR_TEST(one_wild_timestamp_does_not_end_the_thinning__W_193),
        CR_TEST(rate_is_thinned_out_locally__W_191_W_192_W_193),
        CR_TEST(imposed_mode_is_obeyed),
        CR_TEST(somebody_elses_reports_under_our_id_make_us_choose_another__W_158),
        CR_TEST(handler_gets_frames_up_to_the_limit),
        CR_TEST(descriptors_may_be_handed_out_and_slots_read_by_seq),
        CR_TEST(latency_is_recorded_on_request),
        CR_TEST(malformed_descriptors_are_counted),
        CR_TEST(half_filled_requests_are_refused_by_the_setters__W_144_W_147),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
