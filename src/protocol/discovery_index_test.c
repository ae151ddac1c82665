/* Index of 30-discovery.md 4.1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <tensor_pool/common/tp_error.h>

#include "protocol/discovery_index.h"

#define MS INT64_C(1000000)
#define HOUR TPI_DISCOVERY_ASIDE_NS

static tpi_discovery_index_t *idx;
static tpc_pool_announce_t announce;
static tpc_source_announce_t name;
static tpc_discovery_result_t r;
static uint32_t drv_b;
static uint32_t drv_a;

static tpi_discovery_source_t source_named(const char *instance, const char *channel)
{
    return (tpi_discovery_source_t){ .driver_instance_id = tpc_bytes(instance), .control_channel = tpc_bytes(channel), .control_stream_id = 1000,
        .announce_period_ms = 100 };
}

static void create(const tpi_discovery_limits_t *limits)
{
    assert_int_equal(tpi_discovery_index_create(&idx, limits), 0);
    const tpi_discovery_source_t b = source_named("drv-b", "aeron:ipc?b");
    const tpi_discovery_source_t a = source_named("drv-a", "aeron:ipc");
    assert_int_equal(tpi_discovery_index_add_source(idx, &b, &drv_b), 0);
    assert_int_equal(tpi_discovery_index_add_source(idx, &a, &drv_a), 0);
}

static int setup(void **state)
{
    (void)state;
    const tpi_discovery_limits_t limits = TPI_DISCOVERY_LIMITS_INIT;
    create(&limits);
    announce = (tpc_pool_announce_t)TPC_POOL_ANNOUNCE_INIT;
    announce.stream_id = 10000;
    announce.producer_id = 42;
    announce.epoch = 5;
    announce.announce_timestamp_ns = UINT64_MAX - 1;
    announce.header_nslots = 64;
    announce.pool_count = 1;
    announce.pools[0] = (tpc_pool_entry_t){ 1, 64, 4096, tpc_bytes("shm:file?path=/p1") };
    announce.header_region_uri = tpc_bytes("shm:file?path=/h");
    name = (tpc_source_announce_t)TPC_SOURCE_ANNOUNCE_INIT;
    name.stream_id = 10000;
    name.epoch = 5;
    name.meta_version = 3;
    name.name = tpc_bytes("Camera ");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tpi_discovery_index_delete(idx);
    idx = NULL;
    return 0;
}

static void remake(const tpi_discovery_limits_t *limits)
{
    tpi_discovery_index_delete(idx);
    create(limits);
}

static tpi_discovery_verdict_t hear_from(uint32_t source, int64_t ms)
{
    return tpi_discovery_index_on_announce(idx, source, &announce, 0, (tpi_mapping_now_t){ ms * MS, ms * MS });
}

static tpi_discovery_verdict_t hear(int64_t ms) { return hear_from(drv_a, ms); }
static tpi_discovery_verdict_t hear_name(int64_t ms) { return tpi_discovery_index_on_name(idx, drv_a, &name, ms * MS); }

static const tpc_discovery_result_t *at(size_t i)
{
    assert_true(i < tpi_discovery_index_count(idx));
    tpi_discovery_index_at(idx, i, &r);
    return &r;
}

/* ---- announces ---- */

static void an_entry_says_what_was_announced__X_072_X_074_X_055_X_051(void **state)
{
    (void)state;
    assert_int_equal(hear(0), TPI_DISCOVERY_CREATED);
    assert_int_equal(at(0)->stream_id, 10000);
    assert_int_equal(r.producer_id, 42);
    assert_int_equal(r.epoch, 5);
    assert_int_equal(r.layout_version, 1);
    assert_int_equal(r.header_nslots, 64);
    assert_int_equal(r.header_slot_bytes, 256);
    assert_int_equal(r.max_dims, 8);
    assert_true(TP_NULL_U64 == r.data_source_id);
    assert_int_equal(r.driver_control_stream_id, 1000);
    assert_true(tpc_bytes_equal(r.driver_instance_id, "drv-a"));
    assert_true(tpc_bytes_equal(r.driver_control_channel, "aeron:ipc"));
    assert_int_equal(r.pool_count, 1);
    assert_int_equal(r.pools[0].stride_bytes, 4096);
    assert_true(tpc_bytes_equal(r.pools[0].region_uri, "shm:file?path=/p1"));
    assert_true(tpc_bytes_equal(r.header_region_uri, "shm:file?path=/h"));
    assert_int_equal(r.data_source_name.length, 0);
    assert_int_equal(r.tag_count, 0);
    assert_int_equal(tpi_discovery_index_counts(idx)->announces[TPI_DISCOVERY_CREATED], 1);
}

static void streams_of_two_drivers_are_two_entries_in_order__X_071_X_013(void **state)
{
    (void)state;
    assert_int_equal(hear_from(drv_b, 0), TPI_DISCOVERY_CREATED);
    announce.stream_id = 10001;
    assert_int_equal(hear_from(drv_a, 0), TPI_DISCOVERY_CREATED);
    announce.stream_id = 10000;
    assert_int_equal(hear_from(drv_a, 0), TPI_DISCOVERY_CREATED);
    announce.stream_id = 9;
    assert_int_equal(hear_from(drv_b, 0), TPI_DISCOVERY_CREATED);
    static const struct { const char *instance; uint32_t stream; } order[] = { { "drv-a", 10000 }, { "drv-a", 10001 }, { "drv-b", 9 },
        { "drv-b", 10000 } };
    for (size_t i = 0; i < 4; i++)
    {
        assert_int_equal(at(i)->stream_id, order[i].stream);
        assert_true(tpc_bytes_equal(r.driver_instance_id, order[i].instance));
    }
    assert_int_equal(tpi_discovery_index_count(idx), 4);
}

static void newer_epochs_replace_and_older_ones_are_dropped__X_079_X_080(void **state)
{
    (void)state;
    announce.epoch = 4;
    assert_int_equal(hear(0), TPI_DISCOVERY_CREATED);
    announce.epoch = 5;
    announce.header_nslots = announce.pools[0].pool_nslots = 128;
    announce.producer_id = 43;
    assert_int_equal(hear(1), TPI_DISCOVERY_REPLACED);
    assert_int_equal(at(0)->epoch, 5);
    assert_int_equal(r.header_nslots, 128);
    assert_int_equal(r.producer_id, 43);
    assert_int_equal(hear(2), TPI_DISCOVERY_REFRESHED);
    announce.epoch = 4;
    assert_int_equal(hear(250), TPI_DISCOVERY_OLDER_EPOCH);
    assert_int_equal(at(0)->epoch, 5);
    assert_int_equal(tpi_discovery_index_count(idx), 1);
    assert_int_equal(tpi_discovery_index_sweep(idx, 303 * MS), 1);           /* the time was left untouched */
}

static void an_epoch_may_go_back_once_after_a_restart_of_the_driver__X_080(void **state)
{
    (void)state;
    uint32_t id;
    assert_int_equal(hear(0), TPI_DISCOVERY_CREATED);
    tpi_discovery_source_t again = source_named("drv-a", "aeron:ipc");
    assert_int_equal(tpi_discovery_index_add_source(idx, &again, &id), 0);  /* nothing changed */
    assert_int_equal(id, drv_a);
    announce.epoch = 3;
    assert_int_equal(hear(1), TPI_DISCOVERY_OLDER_EPOCH);
    again.control_stream_id = 1001;
    assert_int_equal(tpi_discovery_index_add_source(idx, &again, &id), 0);
    assert_int_equal(id, drv_a);
    assert_int_equal(hear(2), TPI_DISCOVERY_REPLACED);
    assert_int_equal(at(0)->epoch, 3);
    assert_int_equal(r.driver_control_stream_id, 1001);
    announce.epoch = 2;
    assert_int_equal(hear(3), TPI_DISCOVERY_OLDER_EPOCH);
    again.control_channel = tpc_bytes("aeron:ipc?alias=x");
    assert_int_equal(tpi_discovery_index_add_source(idx, &again, &id), 0);
    assert_int_equal(hear(4), TPI_DISCOVERY_REPLACED);
    assert_true(tpc_bytes_equal(at(0)->driver_control_channel, "aeron:ipc?alias=x"));
    const tpi_discovery_source_t other = source_named("drv-a2", "aeron:ipc");
    assert_int_equal(tpi_discovery_index_add_source(idx, &other, &id), 0);  /* another identity: an entry beside the old one */
    announce.epoch = 1;
    assert_int_equal(hear_from(id, 5), TPI_DISCOVERY_CREATED);
    assert_int_equal(tpi_discovery_index_count(idx), 2);
}

static void what_no_client_could_use_is_not_listed__X_051_X_064_X_097(void **state)
{
    (void)state;
    const tpc_pool_announce_t good = announce;
    announce.header_slot_bytes = 512;
    assert_int_equal(hear(0), TPI_DISCOVERY_GEOMETRY);
    announce = good;
    announce.pools[0].pool_nslots = 128;
    assert_int_equal(hear(0), TPI_DISCOVERY_GEOMETRY);
    announce = good;
    announce.pool_count = 0;
    assert_int_equal(hear(0), TPI_DISCOVERY_GEOMETRY);
    announce = good;
    announce.header_nslots = announce.pools[0].pool_nslots = 0;
    assert_int_equal(hear(0), TPI_DISCOVERY_GEOMETRY);
    announce.header_nslots = announce.pools[0].pool_nslots = 63;
    assert_int_equal(hear(0), TPI_DISCOVERY_GEOMETRY);
    announce = good;
    announce.pools[0].stride_bytes = 4095;
    assert_int_equal(hear(0), TPI_DISCOVERY_GEOMETRY);
    announce = good;
    announce.pools[1] = announce.pools[0];
    announce.pool_count = 2;
    assert_int_equal(hear(0), TPI_DISCOVERY_GEOMETRY);
    announce = good;
    announce.epoch = UINT64_MAX;
    assert_int_equal(hear(0), TPI_DISCOVERY_RESERVED_EPOCH);
    announce = good;
    assert_int_equal(hear_from(2, 0), TPI_DISCOVERY_NO_SOURCE);
    assert_int_equal(tpi_discovery_index_count(idx), 0);
    assert_int_equal(tpi_discovery_index_counts(idx)->announces[TPI_DISCOVERY_GEOMETRY], 7);
    announce.epoch = UINT64_MAX - 1;
    assert_int_equal(hear(0), TPI_DISCOVERY_CREATED);
}

static void regions_have_names_of_4096_bytes_at_most__O_17(void **state)
{
    static char uri[TPI_DISCOVERY_URI_MAX + 1];
    (void)state;
    memset(uri, 'x', sizeof(uri));
    announce.header_region_uri = (tpc_bytes_t){ uri, TPI_DISCOVERY_URI_MAX + 1 };
    assert_int_equal(hear(0), TPI_DISCOVERY_URI);
    announce.header_region_uri.length = 0;
    assert_int_equal(hear(0), TPI_DISCOVERY_URI);
    announce.header_region_uri.length = TPI_DISCOVERY_URI_MAX;
    announce.pools[0].region_uri = (tpc_bytes_t){ uri, TPI_DISCOVERY_URI_MAX + 1 };
    assert_int_equal(hear(0), TPI_DISCOVERY_URI);
    announce.pools[0].region_uri.length = TPI_DISCOVERY_URI_MAX;
    assert_int_equal(hear(0), TPI_DISCOVERY_CREATED);
    assert_int_equal(at(0)->pools[0].region_uri.length, TPI_DISCOVERY_URI_MAX);
}

static void another_layout_version_is_listed_all_the_same__X_031_X_072(void **state)
{
    (void)state;
    announce.layout_version = 7;
    assert_int_equal(hear(0), TPI_DISCOVERY_CREATED);
    assert_int_equal(at(0)->layout_version, 7);
}

static void announces_have_to_be_fresh__O_20(void **state)
{
    (void)state;
    const tpi_mapping_now_t now = { 1300 * MS, 9300 * MS };
    announce.announce_timestamp_ns = 1000 * MS - 1;
    assert_int_equal(tpi_discovery_index_on_announce(idx, drv_a, &announce, 0, now), TPI_DISCOVERY_STALE);
    announce.announce_timestamp_ns = 1000 * MS;
    assert_int_equal(tpi_discovery_index_on_announce(idx, drv_a, &announce, 1000 * MS + 1, now), TPI_DISCOVERY_BEFORE_JOIN);
    assert_int_equal(tpi_discovery_index_on_announce(idx, drv_a, &announce, 1000 * MS, now), TPI_DISCOVERY_CREATED);
    announce.announce_clock_domain = TPC_CLOCK_REALTIME_SYNCED;
    assert_int_equal(tpi_discovery_index_on_announce(idx, drv_a, &announce, 0, now), TPI_DISCOVERY_STALE);
    announce.announce_timestamp_ns = 9000 * MS;
    assert_int_equal(tpi_discovery_index_on_announce(idx, drv_a, &announce, 9299 * MS, now), TPI_DISCOVERY_REFRESHED);
    announce.announce_clock_domain = 3;
    assert_int_equal(tpi_discovery_index_on_announce(idx, drv_a, &announce, 0, now), TPI_DISCOVERY_CLOCK_DOMAIN);
    announce.announce_clock_domain = TPC_CLOCK_MONOTONIC;
    announce.announce_timestamp_ns = 0;
    tpi_discovery_source_t far = source_named("drv-far", "aeron:udp?endpoint=far:1");
    far.is_remote = true;
    uint32_t id;
    assert_int_equal(tpi_discovery_index_add_source(idx, &far, &id), 0);
    assert_int_equal(tpi_discovery_index_on_announce(idx, id, &announce, 1200 * MS, now), TPI_DISCOVERY_CREATED);
    announce.announce_clock_domain = TPC_CLOCK_REALTIME_SYNCED;
    assert_int_equal(tpi_discovery_index_on_announce(idx, id, &announce, 1200 * MS, now), TPI_DISCOVERY_STALE);
}

/* ---- expiry ---- */

static void an_entry_expires_after_three_periods__X_076_X_077_X_078(void **state)
{
    (void)state;
    assert_int_equal(hear(0), TPI_DISCOVERY_CREATED);
    assert_int_equal(tpi_discovery_index_sweep(idx, 300 * MS), 0);
    assert_int_equal(hear(300), TPI_DISCOVERY_REFRESHED);
    assert_int_equal(tpi_discovery_index_sweep(idx, 600 * MS), 0);
    assert_int_equal(tpi_discovery_index_sweep(idx, 600 * MS + 1), 1);
    assert_int_equal(tpi_discovery_index_count(idx), 0);
    assert_int_equal(tpi_discovery_index_counts(idx)->expired, 1);
    assert_int_equal(hear(700), TPI_DISCOVERY_CREATED);
    announce.epoch = 1;
    assert_int_equal(hear(1001), TPI_DISCOVERY_CREATED);         /* the old one had expired, swept or not */
    assert_int_equal(tpi_discovery_index_count(idx), 1);
    assert_int_equal(at(0)->epoch, 1);
}

static void names_do_not_prolong_the_life_of_an_entry__X_076_O_5(void **state)
{
    (void)state;
    assert_int_equal(hear(0), TPI_DISCOVERY_CREATED);
    name.epoch = 6;
    assert_int_equal(hear_name(299), TPI_DISCOVERY_REFRESHED);
    assert_int_equal(at(0)->epoch, 5);
    assert_int_equal(tpi_discovery_index_sweep(idx, 301 * MS), 1);
}

/* ---- names ---- */

static void names_come_back_byte_for_byte__X_041_X_073(void **state)
{
    (void)state;
    assert_int_equal(hear(0), TPI_DISCOVERY_CREATED);
    assert_int_equal(hear_name(1), TPI_DISCOVERY_REFRESHED);
    assert_true(tpc_bytes_equal(at(0)->data_source_name, "Camera "));
    name.meta_version = 2;
    name.name = tpc_bytes("old");
    assert_int_equal(hear_name(2), TPI_DISCOVERY_OLDER_VERSION);
    name.epoch = 4;
    name.meta_version = 9;
    assert_int_equal(hear_name(2), TPI_DISCOVERY_OLDER_EPOCH);
    name.epoch = UINT64_MAX;
    assert_int_equal(hear_name(2), TPI_DISCOVERY_RESERVED_EPOCH);
    assert_true(tpc_bytes_equal(at(0)->data_source_name, "Camera "));
    announce.epoch = 6;
    assert_int_equal(hear(3), TPI_DISCOVERY_REPLACED);
    assert_true(tpc_bytes_equal(at(0)->data_source_name, "Camera "));        /* kept across announces */
    name.epoch = 6;
    name.meta_version = 0;
    name.name = tpc_bytes(NULL);
    assert_int_equal(hear_name(4), TPI_DISCOVERY_REFRESHED);
    assert_int_equal(at(0)->data_source_name.length, 0);
}

static void names_have_256_bytes_at_most__X_043_O_17(void **state)
{
    static char text[257];
    (void)state;
    memset(text, 'n', sizeof(text));
    assert_int_equal(hear(0), TPI_DISCOVERY_CREATED);
    name.name = (tpc_bytes_t){ text, 257 };
    assert_int_equal(hear_name(0), TPI_DISCOVERY_NAME);
    assert_int_equal(at(0)->data_source_name.length, 0);
    name.name.length = 256;
    assert_int_equal(hear_name(0), TPI_DISCOVERY_REFRESHED);
    assert_int_equal(at(0)->data_source_name.length, 256);
    assert_int_equal(tpi_discovery_index_on_name(idx, 2, &name, 0), TPI_DISCOVERY_NO_SOURCE);
    assert_int_equal(tpi_discovery_index_counts(idx)->names[TPI_DISCOVERY_NAME], 1);
}

static void early_names_wait_for_their_announce__O_5_X_073(void **state)
{
    (void)state;
    assert_int_equal(hear_name(0), TPI_DISCOVERY_KEPT_ASIDE);
    name.meta_version = 2;
    assert_int_equal(hear_name(0), TPI_DISCOVERY_OLDER_VERSION);
    assert_int_equal(tpi_discovery_index_count(idx), 0);
    assert_int_equal(hear_from(drv_b, 1), TPI_DISCOVERY_CREATED);            /* of another driver */
    assert_int_equal(at(0)->data_source_name.length, 0);
    assert_int_equal(hear(1), TPI_DISCOVERY_CREATED);
    assert_true(tpc_bytes_equal(at(0)->data_source_name, "Camera "));
}

static void an_expired_entry_keeps_its_name_for_an_hour__O_5(void **state)
{
    (void)state;
    assert_int_equal(hear(0), TPI_DISCOVERY_CREATED);
    assert_int_equal(hear_name(1), TPI_DISCOVERY_REFRESHED);
    assert_int_equal(tpi_discovery_index_sweep(idx, 1000 * MS), 1);
    assert_int_equal(tpi_discovery_index_sweep(idx, 1000 * MS + HOUR), 0);
    assert_int_equal(hear(1000 + HOUR / MS), TPI_DISCOVERY_CREATED);
    assert_true(tpc_bytes_equal(at(0)->data_source_name, "Camera "));
    assert_int_equal(tpi_discovery_index_sweep(idx, 2 * HOUR), 1);
    assert_int_equal(tpi_discovery_index_sweep(idx, 3 * HOUR + 1), 0);
    assert_int_equal(tpi_discovery_index_counts(idx)->forgotten_names, 1);
    assert_int_equal(hear(3 * HOUR / MS + 2), TPI_DISCOVERY_CREATED);
    assert_int_equal(at(0)->data_source_name.length, 0);
}

static void of_more_than_1024_names_aside_the_oldest_goes__O_25(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < TPI_DISCOVERY_ASIDE_MAX; i++)
    {
        name.stream_id = i;
        assert_int_equal(hear_name(i), TPI_DISCOVERY_KEPT_ASIDE);
    }
    name.stream_id = 0;
    assert_int_equal(hear_name(2000), TPI_DISCOVERY_KEPT_ASIDE);             /* now the youngest */
    assert_int_equal(tpi_discovery_index_counts(idx)->forgotten_names, 0);
    name.stream_id = 5000;
    assert_int_equal(hear_name(2001), TPI_DISCOVERY_KEPT_ASIDE);
    assert_int_equal(tpi_discovery_index_counts(idx)->forgotten_names, 1);
    static const uint32_t streams[] = { 0, 1, 2, 5000 };
    for (size_t i = 0; i < 4; i++)
    {
        announce.stream_id = streams[i];
        assert_int_equal(hear(2002), TPI_DISCOVERY_CREATED);
        assert_int_equal(at(i)->data_source_name.length, 1 == streams[i] ? 0 : 7);
    }
}

/* ---- configuration ---- */

static void tags_and_source_ids_survive_epochs_and_expiry__X_099_X_052_X_053(void **state)
{
    const tpc_bytes_t tags[] = { tpc_bytes("NIR"), tpc_bytes("cam"), tpc_bytes("NIR"), tpc_bytes("nir") };
    (void)state;
    assert_int_equal(tpi_discovery_index_set_stream(idx, 10000, 77, tags, 4), 0);
    for (int64_t i = 0; i < 3; i++)
    {
        announce.epoch = 5 + (uint64_t)i / 2;
        assert_int_equal(hear(i * 301 / 2), 1 == i ? TPI_DISCOVERY_REFRESHED : 0 == i ? TPI_DISCOVERY_CREATED : TPI_DISCOVERY_REPLACED);
        assert_true(77 == at(0)->data_source_id);
        assert_int_equal(r.tag_count, 3);
        assert_true(tpc_bytes_equal(r.tags[0], "NIR") && tpc_bytes_equal(r.tags[1], "cam") && tpc_bytes_equal(r.tags[2], "nir"));
    }
    assert_int_equal(tpi_discovery_index_sweep(idx, 5000 * MS), 1);
    assert_int_equal(hear(5001), TPI_DISCOVERY_CREATED);
    assert_true(77 == at(0)->data_source_id);
    assert_int_equal(tpi_discovery_index_set_stream(idx, 10000, TP_NULL_U64, NULL, 0), 0);
    assert_true(TP_NULL_U64 == at(0)->data_source_id);
    assert_int_equal(r.tag_count, 0);
}

static void tags_are_checked__O_16(void **state)
{
    static char text[TPI_DISCOVERY_TAG_MAX + 1];
    tpc_bytes_t tags[TPI_DISCOVERY_TAGS_MAX + 1];
    (void)state;
    memset(text, 't', sizeof(text));
    for (size_t i = 0; i <= TPI_DISCOVERY_TAGS_MAX; i++) { tags[i] = (tpc_bytes_t){ text, (uint32_t)i + 1 }; }
    assert_int_equal(tpi_discovery_index_set_stream(idx, 1, 1, tags, TPI_DISCOVERY_TAGS_MAX + 1), -1);
    assert_int_equal(tpi_discovery_index_set_stream(idx, 1, 1, tags, TPI_DISCOVERY_TAGS_MAX), 0);
    tags[3].length = 0;
    assert_int_equal(tpi_discovery_index_set_stream(idx, 1, 1, tags, 4), -1);
    assert_int_equal(tp_errcode(), TP_EINVAL);
    tags[3].length = TPI_DISCOVERY_TAG_MAX + 1;
    assert_int_equal(tpi_discovery_index_set_stream(idx, 1, 1, tags, 4), -1);
    tags[3].length = TPI_DISCOVERY_TAG_MAX;
    assert_int_equal(tpi_discovery_index_set_stream(idx, 1, 1, tags, 4), 0);
    tags[3] = tpc_bytes("n\xc3\xa4h");
    assert_int_equal(tpi_discovery_index_set_stream(idx, 1, 1, tags, 4), -1);
}

static void refused(tpi_discovery_source_t source)
{
    uint32_t id = 99;
    assert_int_equal(tpi_discovery_index_add_source(idx, &source, &id), -1);
    assert_int_equal(tp_errcode(), TP_EINVAL);
    assert_int_equal(id, 99);
}

static void a_source_without_a_driver_to_attach_to_is_refused__X_057_X_059(void **state)
{
    static char text[TPI_DISCOVERY_CHANNEL_MAX + 1];
    (void)state;
    memset(text, 'c', sizeof(text));
    tpi_discovery_source_t source = source_named("x", "");
    refused(source);
    source.control_channel = (tpc_bytes_t){ text, TPI_DISCOVERY_CHANNEL_MAX + 1 };
    refused(source);
    source = source_named("x", "aeron:ipc");
    source.control_stream_id = 0;
    refused(source);
    source.control_stream_id = UINT32_C(0x80000000);
    refused(source);
    source = source_named("", "aeron:ipc");
    refused(source);
    source.driver_instance_id = (tpc_bytes_t){ text, TPI_DISCOVERY_INSTANCE_MAX + 1 };
    refused(source);
    source = source_named("x", "aeron:ipc");
    source.announce_period_ms = 0;
    refused(source);
    source = (tpi_discovery_source_t){ { text, TPI_DISCOVERY_INSTANCE_MAX }, { text, TPI_DISCOVERY_CHANNEL_MAX }, INT32_MAX, UINT32_MAX, false };
    uint32_t id;
    assert_int_equal(tpi_discovery_index_add_source(idx, &source, &id), 0);
    assert_int_equal(hear_from(id, 0), TPI_DISCOVERY_CREATED);
}

/* ---- limits ---- */

static void tables_are_bounded(void **state)
{
    (void)state;
    const tpi_discovery_limits_t limits = { .sources = 2, .streams = 1, .entries = 2, .bytes = (size_t)1 << 20 };
    remake(&limits);
    uint32_t id;
    const tpi_discovery_source_t more = source_named("drv-c", "aeron:ipc");
    assert_int_equal(tpi_discovery_index_add_source(idx, &more, &id), -1);
    assert_int_equal(tp_errcode(), TP_EFULL);
    assert_int_equal(tpi_discovery_index_set_stream(idx, 1, 1, NULL, 0), 0);
    assert_int_equal(tpi_discovery_index_set_stream(idx, 1, 2, NULL, 0), 0);
    assert_int_equal(tpi_discovery_index_set_stream(idx, 2, 1, NULL, 0), -1);
    assert_int_equal(tp_errcode(), TP_EFULL);
    assert_int_equal(hear(0), TPI_DISCOVERY_CREATED);
    announce.stream_id = 2;
    assert_int_equal(hear(200), TPI_DISCOVERY_CREATED);
    announce.stream_id = 3;
    assert_int_equal(hear(300), TPI_DISCOVERY_FULL);
    assert_int_equal(tpi_discovery_index_counts(idx)->announces[TPI_DISCOVERY_FULL], 1);
    assert_int_equal(hear(301), TPI_DISCOVERY_CREATED);          /* the first has expired */
    assert_int_equal(tpi_discovery_index_count(idx), 2);
}

static void bytes_are_bounded(void **state)
{
    (void)state;
    const size_t one = sizeof(tpc_pool_entry_t) + 17 + 16;
    const tpi_discovery_limits_t limits = { .sources = 2, .streams = 1, .entries = 9, .bytes = 2 * one };
    remake(&limits);
    assert_int_equal(hear(0), TPI_DISCOVERY_CREATED);
    announce.stream_id = 2;
    announce.header_region_uri = tpc_bytes("shm:file?path=/hh");
    assert_int_equal(hear(0), TPI_DISCOVERY_FULL);
    announce.header_region_uri = tpc_bytes("shm:file?path=/h");
    assert_int_equal(hear(0), TPI_DISCOVERY_CREATED);
    assert_int_equal(hear(0), TPI_DISCOVERY_REFRESHED);
    announce.header_region_uri = tpc_bytes("shm:file?path=/hh");
    assert_int_equal(hear(0), TPI_DISCOVERY_FULL);
    assert_int_equal(tpi_discovery_index_sweep(idx, 1000 * MS), 2);
    announce.stream_id = 3;
    assert_int_equal(hear(1000), TPI_DISCOVERY_CREATED);         /* their bytes came back */
}

static void many_entries_stay_in_order__X_071(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 500; i++)
    {
        announce.stream_id = i * 7919 % 500;
        assert_int_equal(hear_from(i % 2 ? drv_a : drv_b, 0), TPI_DISCOVERY_CREATED);
    }
    assert_int_equal(tpi_discovery_index_count(idx), 500);
    tpc_discovery_result_t before = *at(0);
    for (size_t i = 1; i < 500; i++)
    {
        const tpc_discovery_result_t now = *at(i);
        const int order = memcmp(before.driver_instance_id.data, now.driver_instance_id.data, 5);
        assert_true(order < 0 || (0 == order && before.stream_id < now.stream_id));
        before = now;
    }
}

static void verdicts_have_texts(void **state)
{
    (void)state;
    for (int i = 0; i < TPI_DISCOVERY_VERDICTS; i++) { assert_string_not_equal(tpi_discovery_verdict_text(i), "unknown"); }
    assert_string_equal(tpi_discovery_verdict_text(TPI_DISCOVERY_VERDICTS), "unknown");
    tpi_discovery_index_delete(NULL);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = { T(an_entry_says_what_was_announced__X_072_X_074_X_055_X_051),
        T(streams_of_two_drivers_are_two_entries_in_order__X_071_X_013), T(newer_epochs_replace_and_older_ones_are_dropped__X_079_X_080),
        T(an_epoch_may_go_back_once_after_a_restart_of_the_driver__X_080), T(what_no_client_could_use_is_not_listed__X_051_X_064_X_097),
        T(regions_have_names_of_4096_bytes_at_most__O_17), T(another_layout_version_is_listed_all_the_same__X_031_X_072),
        T(announces_have_to_be_fresh__O_20), T(an_entry_expires_after_three_periods__X_076_X_077_X_078),
        T(names_do_not_prolong_the_life_of_an_entry__X_076_O_5), T(names_come_back_byte_for_byte__X_041_X_073),
        T(names_have_256_bytes_at_most__X_043_O_17), T(early_names_wait_for_their_announce__O_5_X_073),
        T(an_expired_entry_keeps_its_name_for_an_hour__O_5), T(of_more_than_1024_names_aside_the_oldest_goes__O_25),
        T(tags_and_source_ids_survive_epochs_and_expiry__X_099_X_052_X_053), T(tags_are_checked__O_16),
        T(a_source_without_a_driver_to_attach_to_is_refused__X_057_X_059), T(tables_are_bounded), T(bytes_are_bounded),
        T(many_entries_stay_in_order__X_071), T(verdicts_have_texts) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
