/* Attach: table 3.2 of 20-driver.md over the wire, the content of answers, files on disk. */
#include "driver_rig.h"

#include <sys/stat.h>
#include <unistd.h>

#include "shm/uri.h"

#define PRODUCER TP_ROLE_PRODUCER
#define CONSUMER TP_ROLE_CONSUMER

static void refused(const tpc_attach_request_t *request, int32_t code, const char *text)
{
    const tpc_attach_response_t r = rig_ask(request);
    assert_int_equal(r.code, code);
    if (!tpc_bytes_equal(r.error_message, text)) { fail_msg("'%.*s' is not '%s'", (int)r.error_message.length, r.error_message.data, text); }
    /* D-063 D-065: everything else is null */
    assert_true(TP_NULL_U64 == r.lease_id && TP_NULL_U64 == r.lease_expiry_timestamp_ns && TP_NULL_U64 == r.epoch);
    assert_true(TP_NULL_U32 == r.stream_id && TP_NULL_U32 == r.layout_version && TP_NULL_U32 == r.header_nslots && TP_NULL_U32 == r.node_id);
    assert_int_equal(r.header_slot_bytes, UINT16_MAX);
    assert_int_equal(r.pool_count, 0);
    assert_int_equal(r.header_region_uri.length, 0);
}

static void producer_gets_everything_it_needs__D_041_D_057_D_058_D_059_D_060_D_061_D_047(void **state)
{
    (void)state;
    rig_start();
    const tpc_attach_response_t r = rig_attach(PRODUCER, 42, 10000);
    assert_int_equal(r.stream_id, 10000);
    assert_true(0 != r.lease_id && TP_NULL_U64 != r.lease_id);
    assert_true(r.lease_expiry_timestamp_ns == (uint64_t)(rig->now_ns + 3000 * MS));
    assert_true(r.epoch == (uint64_t)rig->now_ns);
    assert_int_equal(r.layout_version, 1);
    assert_int_equal(r.header_nslots, 8);
    assert_int_equal(r.header_slot_bytes, 256);
    assert_int_equal(r.node_id, 1);
    assert_int_equal(r.pool_count, 2);
    assert_int_equal(r.pools[0].pool_id, 1);
    assert_int_equal(r.pools[0].stride_bytes, 4096);
    assert_int_equal(r.pools[1].pool_id, 7);
    assert_int_equal(r.pools[1].pool_nslots, 8);
    assert_int_equal(r.error_message.length, 0);
    assert_true(r.header_region_uri.length > 0 && r.pools[0].region_uri.length > 0 && r.pools[1].region_uri.length > 0);
}

static void files_have_the_documented_names_sizes_and_superblocks__D_008_D_009_D_013_D_014_D_062_W_225(void **state)
{
    (void)state;
    rig_start();
    const tpc_attach_response_t r = rig_attach(PRODUCER, 42, 10000);
    char dir[256];
    char expected[512];
    char path[1024];
    rig_stream_dir(dir, sizeof(dir), 10000);
    (void)snprintf(expected, sizeof(expected), "%s/%llu/header.ring", dir, (unsigned long long)r.epoch);
    rig_path(path, sizeof(path), r.header_region_uri);
    assert_string_equal(path, expected);
    (void)snprintf(expected, sizeof(expected), "%s/%llu/7.pool", dir, (unsigned long long)r.epoch);
    rig_path(path, sizeof(path), r.pools[1].region_uri);
    assert_string_equal(path, expected);
    assert_int_equal(rig_file_bytes(r.header_region_uri), 64 + 8 * 256);
    assert_int_equal(rig_file_bytes(r.pools[0].region_uri), 64 + 8 * 4096);
    assert_int_equal(rig_file_bytes(r.pools[1].region_uri), 64 + 8 * 65536);
    tpc_superblock_t s;
    rig_read_superblock(r.header_region_uri, &s);
    assert_true(TPC_MAGIC == s.magic && s.epoch == r.epoch && 10000 == s.stream_id && TPC_REGION_HEADER_RING == s.region_type && 0 == s.pool_id);
    assert_true(8 == s.nslots && 256 == s.slot_bytes && (uint64_t)getpid() == s.pid && s.activity_timestamp_ns == (uint64_t)rig->now_ns);
    rig_read_superblock(r.pools[1].region_uri, &s);
    assert_true(TPC_REGION_PAYLOAD_POOL == s.region_type && 7 == s.pool_id && 65536 == s.stride_bytes && 65536 == s.slot_bytes);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0660);
}

static void regions_are_complete_before_they_are_announced__W_246(void **state)
{
    (void)state;
    uint64_t epochs[64];
    rig->options.worker = TPI_WORKER_MANUAL;
    rig_start();
    const tpc_attach_request_t request = rig_request(PRODUCER, 42, 10000);
    rig_send_attach(&request);
    rig_step(2000 * MS);
    assert_int_equal(rig_epochs(10000, epochs), 0);
    assert_int_equal(rig_announces(10000), 0);
    assert_int_equal(tpi_driver_run_jobs(rig->driver, 1), 1);  /* the files are there and finished, and nobody was told */
    assert_int_equal(rig_epochs(10000, epochs), 1);
    assert_int_equal(rig_announces(10000), 0);
    rig_settle();
    const tpc_pool_announce_t a = rig_last_announce(10000);
    assert_int_equal(a.epoch, epochs[0]);
    tpc_superblock_t s;
    rig_read_superblock(a.header_region_uri, &s);
    assert_true(TPC_MAGIC == s.magic && a.epoch == s.epoch && 8 == s.nslots);
    rig_read_superblock(a.pools[1].region_uri, &s);
    assert_true(TPC_MAGIC == s.magic && a.epoch == s.epoch && 65536 == s.stride_bytes);
    assert_int_equal(rig_file_bytes(a.pools[1].region_uri), 64 + 8 * 65536);
}

static void response_comes_before_the_announce__D_140_D_141(void **state)
{
    (void)state;
    rig_start();
    const tpc_attach_response_t r = rig_attach(PRODUCER, 42, 10000);
    const int response = rig_find(TPC_DRIVER_SCHEMA, TPC_ATTACH_RESPONSE, 0);
    const int announce = rig_find(TPC_WIRE_SCHEMA, TPC_POOL_ANNOUNCE, 0);
    assert_true(response >= 0 && announce > response);
    const tpc_pool_announce_t a = rig_last_announce(10000);
    assert_int_equal(a.producer_id, 42);
    assert_true(a.epoch == r.epoch && a.announce_timestamp_ns == (uint64_t)rig->now_ns && TPC_CLOCK_MONOTONIC == a.announce_clock_domain);
    assert_int_equal(a.pool_count, 2);
    assert_int_equal(a.header_nslots, 8);
    assert_int_equal(a.header_region_uri.length, r.header_region_uri.length);
    assert_int_equal(rig_announces(10001), 0);
}

static void correlation_ids_come_back_unchanged__D_034_D_035(void **state)
{
    (void)state;
    const int64_t ids[] = { 0, -1, INT64_MIN, INT64_MAX };
    rig_start();
    for (uint32_t i = 0; i < 4; i++)
    {
        tpc_attach_request_t request = rig_request(CONSUMER, 100 + i, 10000);
        request.correlation_id = ids[i];
        const tpc_attach_response_t r = rig_ask(&request);
        assert_int_equal(r.code, TPC_CODE_OK);
        rig->next_correlation = ids[i];
        assert_int_equal(rig_detach(&r, 100 + i, CONSUMER).code, TPC_CODE_OK);
        rig_forget_events();
    }
}

static void each_row_of_the_table_refuses_and_changes_nothing__D_063_D_064_D_065_D_066_D_073_D_074(void **state)
{
    (void)state;
    rig_start();
    const tpc_attach_response_t held = rig_attach(PRODUCER, 1, 10000);
    const int announces = rig_announces(10000);
    tpc_attach_request_t q = rig_request(0, 50, 10001);
    refused(&q, TPC_CODE_INVALID_PARAMS, "invalid role");
    q = rig_request(PRODUCER, 0, 10001);
    refused(&q, TPC_CODE_INVALID_PARAMS, "client_id must be non-zero");
    q = rig_request(PRODUCER, 50, 10001);
    q.publish_mode = 9;
    refused(&q, TPC_CODE_UNSUPPORTED, "unsupported publish_mode");
    q = rig_request(PRODUCER, 50, 10001);
    q.require_hugepages = 255;
    refused(&q, TPC_CODE_INVALID_PARAMS, "invalid hugepages policy");
    q = rig_request(PRODUCER, 1, 10001);
    refused(&q, TPC_CODE_REJECTED, "client_id already attached");
    q = rig_request(PRODUCER, 50, UINT32_MAX);
    refused(&q, TPC_CODE_INVALID_PARAMS, "invalid stream_id");
    q = rig_request(PRODUCER, 50, 12345);
    refused(&q, TPC_CODE_REJECTED, "stream not provisioned");
    q = rig_request(PRODUCER, 50, 10001);
    q.expected_layout_version = 2;
    refused(&q, TPC_CODE_REJECTED, "layout_version mismatch");
    q = rig_request(PRODUCER, 50, 10000);
    refused(&q, TPC_CODE_REJECTED, "producer already attached");
    q = rig_request(PRODUCER, 50, 10001);
    q.require_hugepages = TP_HUGEPAGES_REQUIRED;
    refused(&q, TPC_CODE_REJECTED, "hugepages not available");
    q = rig_request(PRODUCER, 50, 10001);
    q.desired_node_id = held.node_id;
    refused(&q, TPC_CODE_REJECTED, "desired node_id unavailable");
    uint64_t epochs[64];
    assert_int_equal(rig_epochs(10001, epochs), 0);
    assert_int_equal(rig_epochs(10000, epochs), 1);
    assert_int_equal(rig_announces(10000), announces);
    assert_int_equal(tpi_driver_lease_count(rig->driver), 1);
    assert_int_equal(rig_attach(PRODUCER, 50, 10001).node_id, 2);
}

static void standard_pages_are_granted_on_tmpfs_and_the_default_policy_counts__D_048_D_049_D_050(void **state)
{
    (void)state;
    rig->config.require_hugepages = true;
    rig_start();
    tpc_attach_request_t q = rig_request(PRODUCER, 5, 10000);
    refused(&q, TPC_CODE_REJECTED, "hugepages not available");
    q = rig_request(PRODUCER, 5, 10000);
    q.require_hugepages = TP_HUGEPAGES_STANDARD;
    const tpc_attach_response_t r = rig_ask(&q);
    assert_int_equal(r.code, TPC_CODE_OK);
    tpi_region_uri_t uri;
    assert_int_equal(tpi_region_uri_parse(&uri, r.header_region_uri.data, r.header_region_uri.length), 0);
    assert_false(uri.require_hugepages);
}

static void a_repeated_request_gets_the_same_lease__D_029_D_086_P3(void **state)
{
    (void)state;
    rig_start();
    const tpc_attach_request_t q = rig_request(PRODUCER, 42, 10000);
    const tpc_attach_response_t first = rig_ask(&q);
    const int announces = rig_announces(10000);
    rig_step(500 * MS);
    rig_send_keepalive(&first, 42, PRODUCER);
    rig_settle();
    const tpc_attach_response_t again = rig_ask(&q);
    assert_int_equal(again.code, TPC_CODE_OK);
    assert_true(again.lease_id == first.lease_id && again.epoch == first.epoch && again.node_id == first.node_id);
    assert_int_not_equal(first.node_id, TP_NULL_U32);
    assert_true(again.lease_expiry_timestamp_ns == (uint64_t)(rig->now_ns + 3000 * MS));
    assert_int_equal(rig_announces(10000), announces);
    assert_int_equal(tpi_driver_lease_count(rig->driver), 1);
    assert_int_equal(tpi_driver_stats(rig->driver)->attach_repeated, 1);
}

static void another_correlation_id_of_an_attached_client_is_rejected__D_027(void **state)
{
    (void)state;
    rig_start();
    (void)rig_attach(CONSUMER, 77, 10000);
    tpc_attach_request_t q = rig_request(CONSUMER, 77, 10000);
    refused(&q, TPC_CODE_REJECTED, "client_id already attached");
    q = rig_request(CONSUMER, 77, 10001);
    refused(&q, TPC_CODE_REJECTED, "client_id already attached");
}

static void many_consumers_attach_at_once__D_054_D_090(void **state)
{
    (void)state;
    rig_start();
    bool seen[256] = { false };
    for (uint32_t i = 1; i <= 200; i++)
    {
        const tpc_attach_response_t r = rig_attach(CONSUMER, i, 10000);
        assert_true(r.node_id >= 1 && r.node_id <= 200 && !seen[r.node_id]);
        seen[r.node_id] = true;
        rig_forget_events();
    }
    uint64_t epochs[64];
    assert_int_equal(rig_epochs(10000, epochs), 1);
}

static void lease_ids_never_repeat_and_cannot_be_guessed__D_023_D_024_P12(void **state)
{
    (void)state;
    enum { ROUNDS = 2000 };
    static uint64_t ids[ROUNDS];
    rig_start();
    (void)rig_attach(CONSUMER, 1, 10000);
    for (int i = 0; i < ROUNDS; i++)
    {
        const tpc_attach_response_t r = rig_attach(CONSUMER, 2, 10000);
        ids[i] = r.lease_id;
        for (int k = 0; k < i; k++) { assert_true(ids[k] != r.lease_id); }
        if (i > 0) { assert_true(ids[i] != ids[i - 1] + 1); }
        assert_int_equal(rig_detach(&r, 2, CONSUMER).code, TPC_CODE_OK);
        rig_forget_events();
    }
}

static void node_ids_are_granted_cooled_and_given_back__D_085_D_087_D_088_D_089_D_092_D_093_D_096_T_019(void **state)
{
    (void)state;
    rig->config.node_id_reuse_cooldown_ms = 10000;
    rig_start();
    tpc_attach_request_t q = rig_request(CONSUMER, 5, 10000);
    q.desired_node_id = 42;
    tpc_attach_response_t r = rig_ask(&q);
    assert_int_equal(r.node_id, 42);
    q = rig_request(CONSUMER, 6, 10000);
    q.desired_node_id = 42;
    refused(&q, TPC_CODE_REJECTED, "desired node_id unavailable");
    assert_int_equal(rig_detach(&r, 5, CONSUMER).code, TPC_CODE_OK);
    rig_step(9999 * MS);
    q.correlation_id = rig->next_correlation++;
    refused(&q, TPC_CODE_REJECTED, "desired node_id unavailable");
    r = rig_attach(CONSUMER, 5, 10000);
    assert_int_equal(r.node_id, 42);
    assert_int_equal(rig_detach(&r, 5, CONSUMER).code, TPC_CODE_OK);
    rig_step(10000 * MS);
    q.correlation_id = rig->next_correlation++;
    assert_int_equal(rig_ask(&q).node_id, 42);
    q = rig_request(CONSUMER, 7, 10000);                       /* client 6 is killed: nobody hears of it any more */
    q.desired_node_id = 42;
    static const int64_t steps_ms[] = { 2900, 200, 9000 };     /* its lease, and then the cooldown, are not over */
    for (size_t i = 0; i < 3; i++)
    {
        rig_step(steps_ms[i] * MS);
        q.correlation_id = rig->next_correlation++;
        refused(&q, TPC_CODE_REJECTED, "desired node_id unavailable");
    }
    rig_step(1500 * MS);
    q.correlation_id = rig->next_correlation++;
    assert_int_equal(rig_ask(&q).node_id, 42);
}

static void zero_cooldown_frees_a_node_id_at_once__D_097(void **state)
{
    (void)state;
    rig->config.node_id_reuse_cooldown_ms = 0;
    rig_start();
    tpc_attach_response_t r = rig_attach(CONSUMER, 5, 10000);
    assert_int_equal(r.node_id, 1);
    assert_int_equal(rig_detach(&r, 5, CONSUMER).code, TPC_CODE_OK);
    assert_int_equal(rig_attach(CONSUMER, 6, 10000).node_id, 1);
}

static void failed_creation_is_an_internal_error_and_leaves_nothing__D_071_D_075_D_201_P4(void **state)
{
    (void)state;
    rig_start();
    char dir[256];
    uint64_t epochs[64];
    rig_stream_dir(dir, sizeof(dir), 10000);
    assert_int_equal(chmod(dir, 0777), 0);                     /* D-205: writable by others */
    const tpc_attach_request_t q = rig_request(PRODUCER, 42, 10000);
    const tpc_attach_response_t r = rig_ask(&q);
    assert_int_equal(r.code, TPC_CODE_INTERNAL_ERROR);
    assert_true(r.error_message.length > 0);
    assert_int_equal(rig_epochs(10000, epochs), 0);
    assert_int_equal(rig_announces(10000), 0);
    assert_int_equal(tpi_driver_lease_count(rig->driver), 0);
    const uint64_t tried = (uint64_t)rig->now_ns;
    assert_int_equal(chmod(dir, 02770), 0);
    const tpc_attach_response_t ok = rig_attach(PRODUCER, 42, 10000);
    assert_true(ok.epoch > tried);
    assert_int_equal(ok.node_id, 1);
}

static void new_stream_that_cannot_be_made_leaves_no_directory__D_201(void **state)
{
    (void)state;
    char dir[256];
    tp_profile_config_t *const giant = tp_driver_config_add_profile(&rig->config, "giant");
    assert_non_null(giant);
    giant->header_nslots = 1u << 20;
    giant->pool_count = 1;
    giant->pools[0] = (tp_pool_config_t){ 1, 1u << 30 };                     /* 2^50 bytes fit nowhere */
    (void)snprintf(rig->config.default_profile, sizeof(rig->config.default_profile), "giant");
    rig->config.allow_dynamic_streams = true;
    rig->config.stream_id_range = (tp_id_range_t){ 20000, 20001 };
    rig_start();
    tpc_attach_request_t q = rig_request(PRODUCER, 42, 20000);
    q.publish_mode = TP_PUBLISH_EXISTING_OR_CREATE;
    assert_int_equal(rig_ask(&q).code, TPC_CODE_INTERNAL_ERROR);
    rig_stream_dir(dir, sizeof(dir), 20000);
    assert_int_equal(access(dir, F_OK), -1);
    assert_int_equal(tpi_driver_lease_count(rig->driver), 0);
    assert_int_equal(rig_announces(20000), 0);
}

static void the_number_of_leases_is_limited_and_counted__P11(void **state)
{
    (void)state;
    rig->options.leases_max = 2;
    rig_start();
    const tpc_attach_response_t a = rig_attach(CONSUMER, 1, 10000);
    (void)rig_attach(CONSUMER, 2, 10000);
    const tpc_attach_request_t q = rig_request(CONSUMER, 3, 10000);
    assert_int_equal(rig_ask(&q).code, TPC_CODE_INTERNAL_ERROR);
    assert_int_equal(tpi_driver_stats(rig->driver)->limit_leases, 1);
    assert_int_equal(rig_detach(&a, 1, CONSUMER).code, TPC_CODE_OK);
    (void)rig_attach(CONSUMER, 3, 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = { RIG_TEST(producer_gets_everything_it_needs__D_041_D_057_D_058_D_059_D_060_D_061_D_047),
        RIG_TEST(files_have_the_documented_names_sizes_and_superblocks__D_008_D_009_D_013_D_014_D_062_W_225),
        RIG_TEST(regions_are_complete_before_they_are_announced__W_246),
        RIG_TEST(response_comes_before_the_announce__D_140_D_141), RIG_TEST(correlation_ids_come_back_unchanged__D_034_D_035),
        RIG_TEST(each_row_of_the_table_refuses_and_changes_nothing__D_063_D_064_D_065_D_066_D_073_D_074),
        RIG_TEST(standard_pages_are_granted_on_tmpfs_and_the_default_policy_counts__D_048_D_049_D_050),
        RIG_TEST(a_repeated_request_gets_the_same_lease__D_029_D_086_P3), RIG_TEST(another_correlation_id_of_an_attached_client_is_rejected__D_027),
        RIG_TEST(many_consumers_attach_at_once__D_054_D_090), RIG_TEST(lease_ids_never_repeat_and_cannot_be_guessed__D_023_D_024_P12),
        RIG_TEST(node_ids_are_granted_cooled_and_given_back__D_085_D_087_D_088_D_089_D_092_D_093_D_096_T_019),
        RIG_TEST(zero_cooldown_frees_a_node_id_at_once__D_097),
        RIG_TEST(new_stream_that_cannot_be_made_leaves_no_directory__D_201),
        RIG_TEST(failed_creation_is_an_internal_error_and_leaves_nothing__D_071_D_075_D_201_P4),
        RIG_TEST(the_number_of_leases_is_limited_and_counted__P11) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
