#include "client_consumer_rig.h"

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

static void newer_epoch_in_a_descriptor_unmaps_until_it_is_announced__W_095_W_114_W_115_O_19(void **state)
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
    cr_next_epoch();
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
    cr_next_epoch();
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

static void revoked_consumer_attaches_again__D_030_D_116_D_119_D_120(void **state)
{
    (void)state;
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    tp_frame_view_t view;
    open_both(&consumer, &producer);
    assert_int_equal(cr_publish(producer, 1), 0);
    cr_settle();
    assert_int_equal(next(consumer, &view), 1);
    assert_true(tp_frame_view_is_valid(&view));
    cr_lease_t *lease = cr_lease(TP_ROLE_CONSUMER);
    lease->active = false;
    cr_revoke(lease, TPC_REVOKE_REVOKED);
    cr_settle();
    assert_false(tp_consumer_is_mapped(consumer));
    assert_false(tp_frame_view_is_valid(&view));
    assert_true(tp_producer_is_attached(producer));
    cr_step(200 * MS);
    assert_true(tp_consumer_is_mapped(consumer));
    assert_int_equal(stats_of(consumer).reattaches, 1);
    assert_true(was_heard(TP_CONSUMER_LOST));
    assert_true(was_heard(TP_CONSUMER_REATTACHED));
    close_both(consumer, producer);
}

static void frames_of_the_time_without_a_lease_are_a_gap__W_121(void **state)
{
    (void)state;
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    tp_frame_view_t view;
    open_both(&consumer, &producer);
    assert_int_equal(cr_publish(producer, 1), 0);
    cr_settle();
    assert_int_equal(next(consumer, &view), 1);
    cr_lease_t *lease = cr_lease(TP_ROLE_CONSUMER);
    lease->active = false;
    cr_revoke(lease, TPC_REVOKE_EXPIRED);
    cr_settle();
    assert_false(tp_consumer_is_mapped(consumer));
    for (int i = 0; i < 30; i++) { assert_true(cr_publish(producer, 1) >= 0); }
    while (0 != next(consumer, &view)) { }                                   /* nothing is read, nothing is mapped */
    const tp_consumer_stats_t away = stats_of(consumer);
    cr_step(200 * MS);
    assert_true(tp_consumer_is_mapped(consumer));
    assert_true(cr_publish(producer, 1) >= 0);
    cr_settle();
    while (0 != next(consumer, &view)) { }
    const tp_consumer_stats_t stats = stats_of(consumer);
    assert_int_equal(stats.first_seq, 0);
    assert_int_equal(stats.last_seq, 31);
    assert_int_equal(away.received, 1);
    uint64_t lost = stats.drops[TP_DROP_GAP] + stats.drops[TP_DROP_OVERWRITTEN] + stats.drops[TP_DROP_SKIPPED];
    assert_int_equal(stats.received + lost, 32);
    assert_true(lost > 0);
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

static void consumer_without_driver_maps_from_announces__W_077(void **state)
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        CR_TEST(jumps_in_seq_are_gaps_and_the_first_one_is_none__W_121),
        CR_TEST(lapped_frames_are_overwritten_and_the_rest_is_delivered__W_098),
        CR_TEST(slot_that_is_being_written_is_skipped__W_046_W_054_W_055),
        CR_TEST(view_tells_that_it_was_overwritten_and_is_counted_once__M4_W_050),
        CR_TEST(slots_are_judged_from_a_copy_and_bad_ones_dropped__M5_W_026_W_048_W_063),
        CR_TEST(descriptors_of_others_change_nothing__P1),
        CR_TEST(newer_epoch_in_a_descriptor_unmaps_until_it_is_announced__W_095_W_114_W_115_O_19),
        CR_TEST(impossible_seq_moves_nothing__W_253),
        CR_TEST(duplicates_are_silent_and_a_regression_remaps__W_113_O_20),
        CR_TEST(lagging_consumer_jumps_to_the_newest_frame__W_124_W_125),
        CR_TEST(descriptors_before_the_mapping_are_dropped__W_116),
        CR_TEST(announces_of_the_same_epoch_touch_nothing__M7),
        CR_TEST(epoch_change_voids_views_and_restarts_the_sequence__W_078_W_112_W_114_D_135),
        CR_TEST(ended_producer_lease_holds_frames_until_a_higher_epoch__D_117_D_118_D_125),
        CR_TEST(wait_for_the_raised_epoch_is_bounded__D_123_D_124),
        CR_TEST(revoked_consumer_attaches_again__D_030_D_116_D_119_D_120),
        CR_TEST(frames_of_the_time_without_a_lease_are_a_gap__W_121),
        CR_TEST(silent_driver_is_left__D_155_D_156),
        CR_TEST(regions_without_activity_are_unmapped_and_come_back__W_007_O_21),
        CR_TEST(changed_superblock_unmaps_everything__W_090_W_117_W_118),
        CR_TEST(regions_outside_the_allowed_directories_are_refused__D_018_D_081_D_082),
        CR_TEST(consumer_without_driver_maps_from_announces__W_077),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
