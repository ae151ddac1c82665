#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <tensor_pool/common/tp_error.h>

#include "protocol/mapping.h"

#define STREAM 10000u
#define ME 77u
#define SECOND INT64_C(1000000000)
#define FRESH (3 * SECOND)
#define JOINED (100 * SECOND)

static tpi_mapping_t m;
static tpc_pool_announce_t announce;
static tpi_mapping_now_t now;
static tpi_mapping_decision_t d;

static int setup(void **state)
{
    (void)state;
    const tpi_mapping_config_t config = { .stream_id = STREAM, .consumer_id = ME, .fresh_ns = FRESH };
    tpi_mapping_init(&m, &config);
    now = (tpi_mapping_now_t){ .mono_ns = 200 * SECOND, .real_ns = INT64_C(1700000000) * SECOND };
    announce = (tpc_pool_announce_t)TPC_POOL_ANNOUNCE_INIT;
    announce.stream_id = STREAM;
    announce.epoch = 5;
    announce.announce_timestamp_ns = (uint64_t)now.mono_ns;
    announce.header_nslots = 8;
    announce.pool_count = 1;
    announce.pools[0] = (tpc_pool_entry_t){ .pool_id = 1, .pool_nslots = 8, .stride_bytes = 64, .region_uri = { "u", 1 } };
    announce.header_region_uri = (tpc_bytes_t){ "h", 1 };
    return 0;
}

static uint64_t alive(void) { return (uint64_t)now.mono_ns; }

static tpi_mapping_action_t hear(uint64_t epoch)
{
    announce.epoch = epoch;
    announce.announce_timestamp_ns = (uint64_t)now.mono_ns;
    d = tpi_mapping_on_announce(&m, &announce, JOINED, now);
    return d.action;
}

static tpi_mapping_action_t again(void)
{
    d = tpi_mapping_on_announce(&m, &announce, JOINED, now);
    return d.action;
}

static tpi_mapping_action_t mapped(bool succeeded, uint64_t activity_ns)
{
    d = tpi_mapping_on_mapped(&m, succeeded, activity_ns, now);
    return d.action;
}

static tpi_mapping_action_t checked(tpi_mapping_finding_t finding, uint64_t activity_ns)
{
    d = tpi_mapping_on_checked(&m, finding, activity_ns, now);
    return d.action;
}

static void map_epoch(uint64_t epoch)
{
    assert_int_equal(hear(epoch), TPI_MAPPING_MAP);
    assert_int_equal(mapped(true, alive()), TPI_MAPPING_ADOPT);
    assert_int_equal(m.state, TPI_MAPPING_MAPPED);
    assert_int_equal(m.epoch, epoch);
    assert_true(tpi_mapping_delivers(&m));
}

/* ---- A2 to A8 ---- */

static void acceptable_announce_maps__W_077_W_078(void **state)
{
    (void)state;
    assert_false(tpi_mapping_delivers(&m));
    map_epoch(5);
}

static void announce_of_another_stream_is_ignored__P1(void **state)
{
    (void)state;
    announce.stream_id = STREAM + 1;
    assert_int_equal(again(), TPI_MAPPING_NONE);
    assert_int_equal(d.reason, TPI_MAPPING_FOREIGN);
    assert_false(m.has_highest);
}

static void clock_domain_is_monotonic_or_synchronized__W_087(void **state)
{
    (void)state;
    static const uint8_t bad[] = { 0, 3, 255 };
    for (size_t i = 0; i < 3; i++)
    {
        announce.announce_clock_domain = bad[i];
        assert_int_equal(again(), TPI_MAPPING_NONE);
        assert_int_equal(d.reason, TPI_MAPPING_CLOCK_DOMAIN);
    }
}

static void announce_older_than_the_window_is_ignored__W_079_W_081_W_082(void **state)
{
    (void)state;
    assert_int_equal(TPI_MAPPING_FRESH_PERIODS, 3);
    announce.announce_timestamp_ns = (uint64_t)(now.mono_ns - FRESH - 1);
    assert_int_equal(again(), TPI_MAPPING_NONE);
    assert_int_equal(d.reason, TPI_MAPPING_STALE);
    announce.announce_timestamp_ns = (uint64_t)(now.mono_ns - FRESH);
    assert_int_equal(again(), TPI_MAPPING_MAP);
    announce.announce_timestamp_ns = (uint64_t)now.mono_ns + 1000000;         /* the future is accepted, O-23 */
    assert_int_equal(again(), TPI_MAPPING_MAP);
    announce.announce_timestamp_ns = UINT64_MAX;
    assert_int_equal(again(), TPI_MAPPING_MAP);
    announce.announce_timestamp_ns = 0;
    assert_int_equal(again(), TPI_MAPPING_NONE);
}

static void monotonic_announce_before_the_join_is_ignored__W_083_W_084(void **state)
{
    (void)state;
    now.mono_ns = JOINED + SECOND;
    announce.announce_timestamp_ns = (uint64_t)JOINED - 1;
    assert_int_equal(again(), TPI_MAPPING_NONE);
    assert_int_equal(d.reason, TPI_MAPPING_BEFORE_JOIN);
    announce.announce_timestamp_ns = (uint64_t)JOINED;
    assert_int_equal(again(), TPI_MAPPING_MAP);
    announce.announce_timestamp_ns = (uint64_t)JOINED + 1;
    assert_int_equal(again(), TPI_MAPPING_MAP);
}

static void realtime_announce_is_judged_by_the_window_alone__W_085_W_086(void **state)
{
    (void)state;
    announce.announce_clock_domain = TPC_CLOCK_REALTIME_SYNCED;
    announce.announce_timestamp_ns = (uint64_t)(now.real_ns - 4 * SECOND);
    assert_int_equal(again(), TPI_MAPPING_NONE);
    assert_int_equal(d.reason, TPI_MAPPING_STALE);
    announce.announce_timestamp_ns = (uint64_t)(now.real_ns - SECOND);
    d = tpi_mapping_on_announce(&m, &announce, INT64_MAX, now);               /* no join rule */
    assert_int_equal(d.action, TPI_MAPPING_MAP);
    assert_int_equal(mapped(true, alive()), TPI_MAPPING_DISCARD);             /* activity is on the realtime clock too, O-24 */
    assert_int_equal(again(), TPI_MAPPING_MAP);
    assert_int_equal(mapped(true, (uint64_t)now.real_ns), TPI_MAPPING_ADOPT);
    d = tpi_mapping_on_tick(&m, (uint64_t)(now.real_ns - FRESH), now);
    assert_int_equal(d.action, TPI_MAPPING_KEEP);
    d = tpi_mapping_on_tick(&m, (uint64_t)(now.real_ns - FRESH - 1), now);
    assert_int_equal(d.action, TPI_MAPPING_UNMAP);
}

static void highest_epoch_is_preferred__W_080_O_19(void **state)
{
    (void)state;
    map_epoch(5);
    assert_int_equal(hear(4), TPI_MAPPING_NONE);
    assert_int_equal(d.reason, TPI_MAPPING_LOWER_EPOCH);
    assert_int_equal(m.epoch, 5);
    d = tpi_mapping_on_regression(&m, 5);
    assert_int_equal(hear(4), TPI_MAPPING_NONE);                              /* also when nothing is mapped */
    assert_int_equal(hear(5), TPI_MAPPING_MAP);
}

static void wrapped_epoch_is_not_the_same_incarnation__W_010(void **state)
{
    (void)state;
    map_epoch(UINT64_MAX - 1);
    assert_int_equal(hear(UINT64_MAX), TPI_MAPPING_NONE);
    assert_int_equal(d.reason, TPI_MAPPING_RESERVED_EPOCH);
    assert_int_equal(hear(0), TPI_MAPPING_NONE);
    assert_int_equal(d.reason, TPI_MAPPING_LOWER_EPOCH);
}

static void unknown_layout_is_not_mapped__W_011_W_200(void **state)
{
    (void)state;
    announce.layout_version = 2;
    assert_int_equal(hear(5), TPI_MAPPING_NONE);
    assert_int_equal(d.reason, TPI_MAPPING_LAYOUT);
    announce.layout_version = 1;
    map_epoch(5);
    announce.layout_version = 2;
    assert_int_equal(hear(6), TPI_MAPPING_UNMAP);
    assert_int_equal(m.state, TPI_MAPPING_UNMAPPED);
}

static void forged_geometry_maps_nothing__W_013_W_062_W_076_W_213__P2(void **state)
{
    (void)state;
    for (int broken = 0; broken < 7; broken++)
    {
        (void)setup(NULL);
        switch (broken)
        {
            case 0: announce.header_nslots = 12; announce.pools[0].pool_nslots = 12; break;
            case 1: announce.header_nslots = 0; announce.pools[0].pool_nslots = 0; break;
            case 2: announce.header_slot_bytes = 512; break;
            case 3: announce.pool_count = 0; break;
            case 4: announce.pools[0].pool_nslots = 16; break;
            case 5: announce.pools[0].stride_bytes = 100; break;
            default: announce.pool_count = 2; announce.pools[1] = announce.pools[0]; break;
        }
        assert_int_equal(again(), TPI_MAPPING_NONE);
        assert_int_equal(d.reason, TPI_MAPPING_GEOMETRY);
        assert_int_equal(m.state, TPI_MAPPING_UNMAPPED);
        assert_int_equal(m.pending, TPI_MAPPING_NONE);
    }
}

static void same_epoch_with_other_geometry_unmaps__W_088_W_089(void **state)
{
    (void)state;
    map_epoch(5);
    announce.header_slot_bytes = 512;
    assert_int_equal(hear(5), TPI_MAPPING_UNMAP);
    assert_int_equal(m.state, TPI_MAPPING_UNMAPPED);
}

/* ---- mapping and its results ---- */

static void failed_regions_leave_nothing_mapped_or_go_to_the_fallback__W_216_W_217_W_218(void **state)
{
    (void)state;
    assert_int_equal(hear(5), TPI_MAPPING_MAP);
    assert_int_equal(mapped(false, 0), TPI_MAPPING_NONE);
    assert_int_equal(d.reason, TPI_MAPPING_REGION);
    assert_int_equal(m.state, TPI_MAPPING_UNMAPPED);
    assert_int_equal(hear(5), TPI_MAPPING_MAP);                               /* the next announce tries again */
    m.config.has_fallback = true;
    assert_int_equal(mapped(false, 0), TPI_MAPPING_NONE);
    assert_int_equal(m.state, TPI_MAPPING_FALLBACK);
    assert_int_equal(hear(6), TPI_MAPPING_NONE);
    assert_int_equal(d.reason, TPI_MAPPING_IN_FALLBACK);
}

static void regions_without_a_sign_of_life_are_not_mapped__W_007_W_091(void **state)
{
    (void)state;
    static const uint64_t dead = 0;
    assert_int_equal(hear(5), TPI_MAPPING_MAP);
    assert_int_equal(mapped(true, dead), TPI_MAPPING_DISCARD);
    assert_int_equal(d.reason, TPI_MAPPING_STALE_ACTIVITY);
    assert_int_equal(m.state, TPI_MAPPING_UNMAPPED);
    assert_int_equal(hear(5), TPI_MAPPING_MAP);
    assert_int_equal(mapped(true, (uint64_t)(now.mono_ns - FRESH - 1)), TPI_MAPPING_DISCARD);
    assert_int_equal(hear(5), TPI_MAPPING_MAP);
    assert_int_equal(mapped(true, (uint64_t)(now.mono_ns - FRESH)), TPI_MAPPING_ADOPT);
}

static void ignored_announce_of_a_giant_epoch_locks_nobody_out__W_091__P2(void **state)
{
    (void)state;
    map_epoch(5);
    assert_int_equal(hear(UINT64_MAX - 1), TPI_MAPPING_MAP);
    assert_int_equal(mapped(true, 0), TPI_MAPPING_DISCARD);                   /* fails A11: ignored, the mapping stays */
    assert_int_equal(m.state, TPI_MAPPING_MAPPED);
    assert_int_equal(m.epoch, 5);
    assert_int_equal(hear(5), TPI_MAPPING_CHECK);
    assert_int_equal(checked(TPI_MAPPING_MATCHES, alive()), TPI_MAPPING_KEEP);
    map_epoch(6);
}

static void higher_epoch_replaces_the_mapping__W_078_W_112_W_114(void **state)
{
    (void)state;
    map_epoch(5);
    assert_int_equal(hear(6), TPI_MAPPING_MAP);
    assert_int_equal(m.epoch, 5);                                             /* the old one serves until the new one is there */
    assert_int_equal(mapped(true, alive()), TPI_MAPPING_ADOPT);
    assert_int_equal(m.epoch, 6);
}

static void higher_epoch_that_cannot_be_mapped_ends_the_old_mapping__W_114(void **state)
{
    (void)state;
    map_epoch(5);
    assert_int_equal(hear(6), TPI_MAPPING_MAP);
    assert_int_equal(mapped(false, 0), TPI_MAPPING_UNMAP);
    assert_int_equal(m.state, TPI_MAPPING_UNMAPPED);
    assert_int_equal(hear(5), TPI_MAPPING_NONE);
    assert_int_equal(hear(6), TPI_MAPPING_MAP);
}

static void same_epoch_changes_nothing__M7(void **state)
{
    (void)state;
    map_epoch(5);
    for (int i = 0; i < 5; i++)
    {
        now.mono_ns += SECOND;
        assert_int_equal(hear(5), TPI_MAPPING_CHECK);
        assert_int_equal(checked(TPI_MAPPING_MATCHES, alive()), TPI_MAPPING_KEEP);
        assert_true(tpi_mapping_delivers(&m));
    }
}

static void changed_superblock_remaps_from_the_same_announce__W_089_W_090_O_22(void **state)
{
    (void)state;
    map_epoch(5);
    assert_int_equal(hear(5), TPI_MAPPING_CHECK);
    assert_int_equal(checked(TPI_MAPPING_CHANGED, alive()), TPI_MAPPING_REMAP);
    assert_false(tpi_mapping_delivers(&m));
    assert_int_equal(mapped(false, 0), TPI_MAPPING_NONE);
    assert_int_equal(m.state, TPI_MAPPING_UNMAPPED);
    map_epoch(5);
    assert_int_equal(hear(5), TPI_MAPPING_CHECK);
    assert_int_equal(checked(TPI_MAPPING_CHANGED, alive()), TPI_MAPPING_REMAP);
    assert_int_equal(mapped(true, alive()), TPI_MAPPING_ADOPT);
}

static void changed_pid_waits_for_a_higher_epoch__W_092_W_119(void **state)
{
    (void)state;
    map_epoch(5);
    assert_int_equal(hear(5), TPI_MAPPING_CHECK);
    assert_int_equal(checked(TPI_MAPPING_OTHER_WRITER, alive()), TPI_MAPPING_UNMAP);
    assert_int_equal(d.reason, TPI_MAPPING_WRITER);
    assert_int_equal(hear(5), TPI_MAPPING_NONE);
    assert_int_equal(d.reason, TPI_MAPPING_EPOCH_NOT_RAISED);
    d = tpi_mapping_on_attached(&m, 5);
    assert_int_equal(d.action, TPI_MAPPING_NONE);
    map_epoch(6);
    d = tpi_mapping_on_regression(&m, 6);
    map_epoch(6);                                                             /* the wait is over for good */
}

static void findings_between_announces_unmap__W_117_W_118_W_119(void **state)
{
    (void)state;
    map_epoch(5);
    d = tpi_mapping_on_finding(&m, 4, TPI_MAPPING_CHANGED);
    assert_int_equal(d.action, TPI_MAPPING_NONE);
    d = tpi_mapping_on_finding(&m, 5, TPI_MAPPING_MATCHES);
    assert_int_equal(d.action, TPI_MAPPING_KEEP);
    d = tpi_mapping_on_finding(&m, 5, TPI_MAPPING_CHANGED);
    assert_int_equal(d.action, TPI_MAPPING_UNMAP);
    map_epoch(5);
    d = tpi_mapping_on_finding(&m, 5, TPI_MAPPING_OTHER_WRITER);
    assert_int_equal(d.action, TPI_MAPPING_UNMAP);
    assert_int_equal(hear(5), TPI_MAPPING_NONE);
    assert_int_equal(tpi_mapping_finding(0, TP_EWRITER), TPI_MAPPING_MATCHES);
    assert_int_equal(tpi_mapping_finding(-1, TP_EWRITER), TPI_MAPPING_OTHER_WRITER);
    assert_int_equal(tpi_mapping_finding(-1, TP_ESUPERBLOCK), TPI_MAPPING_CHANGED);
    assert_int_equal(tpi_mapping_finding(-1, TP_EREGION), TPI_MAPPING_CHANGED);
}

static void stale_activity_unmaps_and_the_same_epoch_may_come_back__W_007_O_21(void **state)
{
    (void)state;
    map_epoch(5);
    const uint64_t last = alive();
    now.mono_ns += FRESH;
    d = tpi_mapping_on_tick(&m, last, now);
    assert_int_equal(d.action, TPI_MAPPING_KEEP);
    now.mono_ns += 1;
    d = tpi_mapping_on_tick(&m, last, now);
    assert_int_equal(d.action, TPI_MAPPING_UNMAP);
    assert_int_equal(d.reason, TPI_MAPPING_STALE_ACTIVITY);
    d = tpi_mapping_on_tick(&m, last, now);
    assert_int_equal(d.action, TPI_MAPPING_NONE);
    map_epoch(5);
    now.mono_ns += FRESH + 1;
    assert_int_equal(hear(5), TPI_MAPPING_CHECK);
    assert_int_equal(checked(TPI_MAPPING_MATCHES, last), TPI_MAPPING_UNMAP);
}

/* ---- frames ---- */

static void streams_and_epochs_are_filtered_first__W_095_W_116_O_19__P1(void **state)
{
    (void)state;
    const tpi_pool_set_t set = { .stream_id = STREAM, .epoch = 5 };
    assert_int_equal(tpi_mapping_classify(STREAM, &set, STREAM, 5), TPI_DROP_ACCEPTED);
    assert_int_equal(tpi_mapping_classify(STREAM, &set, STREAM, 4), TPI_DROP_OLDER_EPOCH);
    assert_int_equal(tpi_mapping_classify(STREAM, &set, STREAM, 6), TPI_DROP_FOREIGN_EPOCH);
    assert_int_equal(tpi_mapping_classify(STREAM, &set, STREAM, UINT64_MAX), TPI_DROP_BAD_EPOCH);
    assert_int_equal(tpi_mapping_classify(STREAM, &set, STREAM + 1, 5), TPI_DROP_FOREIGN_STREAM);
    assert_int_equal(tpi_mapping_classify(STREAM, &set, STREAM + 1, 6), TPI_DROP_FOREIGN_STREAM);
    assert_int_equal(tpi_mapping_classify(STREAM, NULL, STREAM, 5), TPI_DROP_NOT_MAPPED);
}

static void newer_epoch_in_a_descriptor_unmaps_until_it_is_mapped__W_112_W_115_O_19(void **state)
{
    (void)state;
    map_epoch(5);
    d = tpi_mapping_on_newer_epoch(&m, 5, 5);
    assert_int_equal(d.action, TPI_MAPPING_NONE);
    d = tpi_mapping_on_newer_epoch(&m, 5, UINT64_MAX);
    assert_int_equal(d.action, TPI_MAPPING_NONE);
    d = tpi_mapping_on_newer_epoch(&m, 4, 6);                                 /* about a set that is gone already */
    assert_int_equal(d.action, TPI_MAPPING_NONE);
    d = tpi_mapping_on_newer_epoch(&m, 5, 6);
    assert_int_equal(d.action, TPI_MAPPING_UNMAP);
    assert_int_equal(hear(5), TPI_MAPPING_NONE);
    assert_int_equal(d.reason, TPI_MAPPING_EPOCH_NOT_RAISED);
    map_epoch(6);
}

static void older_epoch_unmaps_nothing__W_080__P1(void **state)
{
    (void)state;
    map_epoch(5);
    d = tpi_mapping_on_newer_epoch(&m, 5, 4);
    assert_int_equal(d.action, TPI_MAPPING_NONE);
    assert_int_equal(m.state, TPI_MAPPING_MAPPED);
}

static void sequence_regression_unmaps_and_an_announce_remaps__W_113_O_20(void **state)
{
    (void)state;
    map_epoch(5);
    d = tpi_mapping_on_regression(&m, 4);
    assert_int_equal(d.action, TPI_MAPPING_NONE);
    d = tpi_mapping_on_regression(&m, 5);
    assert_int_equal(d.action, TPI_MAPPING_UNMAP);
    assert_int_equal(d.reason, TPI_MAPPING_REGRESSION);
    map_epoch(5);
}

/* ---- ConsumerConfig ---- */

static void config_switches_shared_memory_off_and_on__W_155_W_252(void **state)
{
    (void)state;
    map_epoch(5);
    d = tpi_mapping_on_config(&m, STREAM + 1, ME, 0);
    assert_int_equal(d.reason, TPI_MAPPING_FOREIGN);
    d = tpi_mapping_on_config(&m, STREAM, ME + 1, 0);
    assert_int_equal(d.reason, TPI_MAPPING_FOREIGN);
    d = tpi_mapping_on_config(&m, STREAM, ME, 255);                           /* unknown Bool, W-070 */
    assert_int_equal(d.action, TPI_MAPPING_NONE);
    d = tpi_mapping_on_config(&m, STREAM, ME, 1);
    assert_int_equal(d.action, TPI_MAPPING_NONE);
    assert_int_equal(m.state, TPI_MAPPING_MAPPED);
    d = tpi_mapping_on_config(&m, STREAM, ME, 0);
    assert_int_equal(d.action, TPI_MAPPING_UNMAP);
    assert_int_equal(m.state, TPI_MAPPING_FALLBACK);
    assert_int_equal(hear(6), TPI_MAPPING_NONE);
    assert_int_equal(tpi_mapping_on_attached(&m, 6).action, TPI_MAPPING_NONE);
    d = tpi_mapping_on_config(&m, STREAM, ME, 0);
    assert_int_equal(d.action, TPI_MAPPING_NONE);
    d = tpi_mapping_on_config(&m, STREAM, ME, 1);
    assert_int_equal(m.state, TPI_MAPPING_UNMAPPED);
    map_epoch(6);
}

static void result_of_a_mapping_that_was_overtaken_is_discarded(void **state)
{
    (void)state;
    assert_int_equal(hear(5), TPI_MAPPING_MAP);
    d = tpi_mapping_on_config(&m, STREAM, ME, 0);
    assert_int_equal(mapped(true, alive()), TPI_MAPPING_DISCARD);
    assert_int_equal(m.state, TPI_MAPPING_FALLBACK);
    assert_int_equal(checked(TPI_MAPPING_CHANGED, alive()), TPI_MAPPING_NONE);
    assert_int_equal(d.reason, TPI_MAPPING_NOTHING_PENDING);
}

/* ---- leases ---- */

static void announces_map_only_with_a_lease_where_a_driver_rules__D_004(void **state)
{
    (void)state;
    m.config.needs_lease = true;
    assert_int_equal(hear(5), TPI_MAPPING_NONE);
    assert_int_equal(d.reason, TPI_MAPPING_NO_LEASE);
    d = tpi_mapping_on_attached(&m, 5);
    assert_int_equal(d.action, TPI_MAPPING_MAP);
    assert_int_equal(mapped(true, alive()), TPI_MAPPING_ADOPT);
    map_epoch(6);
    d = tpi_mapping_on_attached(&m, 6);                                       /* attached again while mapped: only a check, M7 */
    assert_int_equal(d.action, TPI_MAPPING_CHECK);
    assert_int_equal(checked(TPI_MAPPING_MATCHES, alive()), TPI_MAPPING_KEEP);
    d = tpi_mapping_on_attached(&m, 5);                                       /* a late answer */
    assert_int_equal(d.reason, TPI_MAPPING_LOWER_EPOCH);
    d = tpi_mapping_on_lease_lost(&m);
    assert_int_equal(d.action, TPI_MAPPING_UNMAP);
    assert_int_equal(hear(7), TPI_MAPPING_NONE);
}

static void answer_of_the_driver_outranks_what_announces_claimed__D_012__P2(void **state)
{
    (void)state;
    assert_int_equal(hear(UINT64_MAX - 1), TPI_MAPPING_MAP);
    assert_int_equal(mapped(false, 0), TPI_MAPPING_NONE);
    assert_int_equal(hear(5), TPI_MAPPING_NONE);                              /* A6 */
    d = tpi_mapping_on_attached(&m, 5);
    assert_int_equal(d.action, TPI_MAPPING_MAP);
    assert_int_equal(mapped(true, alive()), TPI_MAPPING_ADOPT);
    map_epoch(6);
    d = tpi_mapping_on_attached(&m, UINT64_MAX);
    assert_int_equal(d.action, TPI_MAPPING_NONE);
}

static void own_lease_lost_unmaps_and_the_same_epoch_maps_after_attaching__D_116(void **state)
{
    (void)state;
    m.config.needs_lease = true;
    (void)tpi_mapping_on_attached(&m, 5);
    assert_int_equal(mapped(true, alive()), TPI_MAPPING_ADOPT);
    d = tpi_mapping_on_lease_lost(&m);
    assert_int_equal(d.action, TPI_MAPPING_UNMAP);
    d = tpi_mapping_on_lease_lost(&m);
    assert_int_equal(d.action, TPI_MAPPING_NONE);
    d = tpi_mapping_on_attached(&m, 5);
    assert_int_equal(d.action, TPI_MAPPING_MAP);
}

static void producer_revocation_waits_for_a_raised_epoch__D_117_D_125_D_118(void **state)
{
    (void)state;
    map_epoch(5);
    d = tpi_mapping_on_producer_revoked(&m, STREAM + 1, now.mono_ns);
    assert_int_equal(d.reason, TPI_MAPPING_FOREIGN);
    d = tpi_mapping_on_producer_revoked(&m, STREAM, now.mono_ns);
    assert_int_equal(d.action, TPI_MAPPING_SUSPEND);
    assert_false(tpi_mapping_delivers(&m));
    now.mono_ns += SECOND;
    assert_int_equal(hear(5), TPI_MAPPING_NONE);                              /* same epoch does not end the wait */
    announce.stream_id = STREAM + 1;
    assert_int_equal(hear(9), TPI_MAPPING_NONE);
    announce.stream_id = STREAM;
    map_epoch(6);
    now.mono_ns += FRESH + 1;
    d = tpi_mapping_on_tick(&m, alive(), now);
    assert_int_equal(d.action, TPI_MAPPING_KEEP);                             /* no timer left over */
}

static void wait_for_the_raised_epoch_ends_after_three_periods__D_123_D_124(void **state)
{
    (void)state;
    m.config.needs_lease = true;
    (void)tpi_mapping_on_attached(&m, 5);
    assert_int_equal(mapped(true, alive()), TPI_MAPPING_ADOPT);
    d = tpi_mapping_on_producer_revoked(&m, STREAM, now.mono_ns);
    now.mono_ns += FRESH;
    d = tpi_mapping_on_tick(&m, 0, now);
    assert_int_equal(d.action, TPI_MAPPING_NONE);
    assert_int_equal(m.state, TPI_MAPPING_MAPPED);
    now.mono_ns += 1;
    d = tpi_mapping_on_tick(&m, 0, now);
    assert_int_equal(d.action, TPI_MAPPING_RETRY);
    assert_int_equal(m.state, TPI_MAPPING_UNMAPPED);
    d = tpi_mapping_on_tick(&m, 0, now);
    assert_int_equal(d.action, TPI_MAPPING_NONE);
    d = tpi_mapping_on_attached(&m, 5);                                       /* the notice came late: what the driver says now counts */
    assert_int_equal(d.action, TPI_MAPPING_MAP);
}

static void second_notice_does_not_prolong_the_wait__D_115(void **state)
{
    (void)state;
    map_epoch(5);
    (void)tpi_mapping_on_producer_revoked(&m, STREAM, now.mono_ns);
    d = tpi_mapping_on_producer_revoked(&m, STREAM, now.mono_ns + SECOND);
    assert_int_equal(d.action, TPI_MAPPING_NONE);
    now.mono_ns += FRESH + 1;
    d = tpi_mapping_on_tick(&m, 0, now);
    assert_int_equal(d.action, TPI_MAPPING_RETRY);
}

static void revocation_before_anything_was_seen_starts_no_wait(void **state)
{
    (void)state;
    d = tpi_mapping_on_producer_revoked(&m, STREAM, now.mono_ns);
    assert_int_equal(d.action, TPI_MAPPING_NONE);
    map_epoch(5);
    d = tpi_mapping_on_regression(&m, 5);
    d = tpi_mapping_on_producer_revoked(&m, STREAM, now.mono_ns);             /* unmapped, but 5 is known to be over */
    assert_int_equal(d.action, TPI_MAPPING_NONE);
    assert_int_equal(hear(5), TPI_MAPPING_NONE);
    assert_int_equal(hear(6), TPI_MAPPING_MAP);
}

static void driver_that_said_goodbye_comes_back_with_a_higher_epoch(void **state)
{
    (void)state;
    m.config.needs_lease = true;
    (void)tpi_mapping_on_attached(&m, 5);
    assert_int_equal(mapped(true, alive()), TPI_MAPPING_ADOPT);
    d = tpi_mapping_on_driver_lost(&m, false);
    assert_int_equal(d.action, TPI_MAPPING_UNMAP);
    d = tpi_mapping_on_attached(&m, 5);                                       /* it was only slow */
    assert_int_equal(d.action, TPI_MAPPING_MAP);
    assert_int_equal(mapped(true, alive()), TPI_MAPPING_ADOPT);
    d = tpi_mapping_on_driver_lost(&m, true);
    assert_int_equal(d.action, TPI_MAPPING_UNMAP);
    assert_int_equal(d.reason, TPI_MAPPING_DRIVER_LOST);
    assert_int_equal(hear(5), TPI_MAPPING_NONE);
    d = tpi_mapping_on_attached(&m, 5);
    assert_int_equal(d.reason, TPI_MAPPING_EPOCH_NOT_RAISED);
    d = tpi_mapping_on_attached(&m, 6);
    assert_int_equal(d.action, TPI_MAPPING_MAP);
}

static void every_reason_has_a_text(void **state)
{
    (void)state;
    for (int i = 0; i < TPI_MAPPING_REASON_COUNT; i++) { assert_string_not_equal(tpi_mapping_reason_text(i), "unknown"); }
    assert_string_equal(tpi_mapping_reason_text(-1), "unknown");
    assert_string_equal(tpi_mapping_reason_text(TPI_MAPPING_REASON_COUNT), "unknown");
}

#define TEST(function) cmocka_unit_test_setup(function, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(acceptable_announce_maps__W_077_W_078),
        TEST(announce_of_another_stream_is_ignored__P1),
        TEST(clock_domain_is_monotonic_or_synchronized__W_087),
        TEST(announce_older_than_the_window_is_ignored__W_079_W_081_W_082),
        TEST(monotonic_announce_before_the_join_is_ignored__W_083_W_084),
        TEST(realtime_announce_is_judged_by_the_window_alone__W_085_W_086),
        TEST(highest_epoch_is_preferred__W_080_O_19),
        TEST(wrapped_epoch_is_not_the_same_incarnation__W_010),
        TEST(unknown_layout_is_not_mapped__W_011_W_200),
        TEST(forged_geometry_maps_nothing__W_013_W_062_W_076_W_213__P2),
        TEST(same_epoch_with_other_geometry_unmaps__W_088_W_089),
        TEST(failed_regions_leave_nothing_mapped_or_go_to_the_fallback__W_216_W_217_W_218),
        TEST(regions_without_a_sign_of_life_are_not_mapped__W_007_W_091),
        TEST(ignored_announce_of_a_giant_epoch_locks_nobody_out__W_091__P2),
        TEST(higher_epoch_replaces_the_mapping__W_078_W_112_W_114),
        TEST(higher_epoch_that_cannot_be_mapped_ends_the_old_mapping__W_114),
        TEST(same_epoch_changes_nothing__M7),
        TEST(changed_superblock_remaps_from_the_same_announce__W_089_W_090_O_22),
        TEST(changed_pid_waits_for_a_higher_epoch__W_092_W_119),
        TEST(findings_between_announces_unmap__W_117_W_118_W_119),
        TEST(stale_activity_unmaps_and_the_same_epoch_may_come_back__W_007_O_21),
        TEST(streams_and_epochs_are_filtered_first__W_095_W_116_O_19__P1),
        TEST(newer_epoch_in_a_descriptor_unmaps_until_it_is_mapped__W_112_W_115_O_19),
        TEST(older_epoch_unmaps_nothing__W_080__P1),
        TEST(sequence_regression_unmaps_and_an_announce_remaps__W_113_O_20),
        TEST(config_switches_shared_memory_off_and_on__W_155_W_252),
        TEST(result_of_a_mapping_that_was_overtaken_is_discarded),
        TEST(announces_map_only_with_a_lease_where_a_driver_rules__D_004),
        TEST(answer_of_the_driver_outranks_what_announces_claimed__D_012__P2),
        TEST(own_lease_lost_unmaps_and_the_same_epoch_maps_after_attaching__D_116),
        TEST(producer_revocation_waits_for_a_raised_epoch__D_117_D_125_D_118),
        TEST(wait_for_the_raised_epoch_ends_after_three_periods__D_123_D_124),
        TEST(second_notice_does_not_prolong_the_wait__D_115),
        TEST(revocation_before_anything_was_seen_starts_no_wait),
        TEST(driver_that_said_goodbye_comes_back_with_a_higher_epoch),
        TEST(every_reason_has_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
