/* Epochs, announces, activity, restarts. */
#include "driver_rig.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define PRODUCER TP_ROLE_PRODUCER
#define CONSUMER TP_ROLE_CONSUMER

static void nothing_is_announced_before_the_first_attach(void **state)
{
    (void)state;
    rig_start();
    rig_step(5000 * MS);
    assert_int_equal(rig_count(TPC_WIRE_SCHEMA, TPC_POOL_ANNOUNCE), 0);
}

static void consumer_first_then_producer_raises__D_129(void **state)
{
    (void)state;
    rig_start();
    const tpc_attach_response_t c = rig_attach(CONSUMER, 1, 10000);
    assert_int_equal(rig_last_announce(10000).producer_id, 0);
    assert_true(rig_last_announce(10000).epoch == c.epoch);
    const tpc_attach_response_t second = rig_attach(CONSUMER, 2, 10000);
    assert_true(second.epoch == c.epoch);
    const tpc_attach_response_t p = rig_attach(PRODUCER, 3, 10000);
    assert_true(p.epoch > c.epoch);
    assert_int_equal(rig_last_announce(10000).producer_id, 3);
    const tpc_attach_response_t third = rig_attach(CONSUMER, 4, 10000);
    assert_true(third.epoch == p.epoch);
    assert_int_equal(rig_last_announce(10000).producer_id, 3);
}

static void epochs_rise_also_when_the_clock_stands_still__D_200_W_110(void **state)
{
    (void)state;
    rig_start();
    uint64_t last = 0;
    for (int i = 0; i < 10; i++)
    {
        const tpc_attach_response_t r = rig_attach(PRODUCER, 1, 10000);
        assert_true(r.epoch > last);
        last = r.epoch;
        assert_int_equal(rig_detach(&r, 1, PRODUCER).code, TPC_CODE_OK);
        assert_true(rig_last_announce(10000).epoch > last);
        last = rig_last_announce(10000).epoch;
        rig_forget_events();
    }
}

static void a_planted_higher_directory_is_passed__D_200(void **state)
{
    (void)state;
    const uint64_t high = (uint64_t)(rig->now_ns + 1000000 * MS);
    rig_plant_epoch(10000, high, 1, 1);
    rig_start();
    const tpc_attach_response_t r = rig_attach(PRODUCER, 1, 10000);
    assert_true(r.epoch == high + 1);
}

static void a_restarted_driver_starts_above_its_predecessor__D_139_D_158_D_159(void **state)
{
    (void)state;
    rig_start();
    const uint64_t first = rig_attach(PRODUCER, 1, 10000).epoch;
    rig_kill();
    rig_forget_events();
    rig_start();
    rig_step(100 * MS);
    assert_int_equal(rig_count(TPC_WIRE_SCHEMA, TPC_POOL_ANNOUNCE), 0);
    const tpc_attach_response_t r = rig_attach(PRODUCER, 1, 10000);
    assert_true(r.epoch > first);
    uint64_t epochs[64];
    assert_int_equal(rig_epochs(10000, epochs), 2);
}

static void another_layout_comes_with_a_higher_epoch__D_133(void **state)
{
    (void)state;
    rig_start();
    const uint64_t first = rig_attach(PRODUCER, 1, 10000).epoch;
    rig_kill();
    rig->config.profiles[0].header_nslots = 16;
    rig_start();
    const tpc_attach_response_t r = rig_attach(PRODUCER, 1, 10000);
    assert_true(r.epoch > first);
    assert_int_equal(r.header_nslots, 16);
    assert_int_equal(rig_file_bytes(r.header_region_uri), 64 + 16 * 256);
}

static void recreated_files_come_with_a_higher_epoch__D_134_D_161(void **state)
{
    (void)state;
    rig->config.cleanup_shm_on_exit = true;
    rig_start();
    const uint64_t first = rig_attach(PRODUCER, 1, 10000).epoch;
    rig_stop();
    rig_start();
    rig_step(1);
    assert_true(rig_attach(PRODUCER, 1, 10000).epoch > first);
}

static void every_provisioned_stream_is_announced_each_period__D_140_W_074_W_075(void **state)
{
    (void)state;
    rig->config.announce_period_ms = 500;
    rig_start();
    const tpc_attach_response_t r = rig_attach(PRODUCER, 1, 10000);
    (void)rig_attach(CONSUMER, 2, 10001);
    rig_forget_events();
    for (int i = 0; i < 40; i++)
    {
        rig_step(50 * MS);
        if (0 == i % 10) { rig_send_keepalive(&r, 1, PRODUCER); }
    }
    assert_int_equal(rig_announces(10000), 4);
    assert_int_equal(rig_announces(10001), 4);
    const tpc_pool_announce_t a = rig_last_announce(10000);
    assert_true(a.announce_timestamp_ns == (uint64_t)rig->now_ns && 1 == a.producer_id);
}

static void activity_of_all_regions_advances_with_and_without_producer__D_015_D_016(void **state)
{
    (void)state;
    rig_start();
    const tpc_attach_response_t c = rig_attach(CONSUMER, 1, 10000);
    tpc_superblock_t s;
    for (int i = 0; i < 5; i++)
    {
        rig_step(1000 * MS);
        rig_send_keepalive(&c, 1, CONSUMER);
        rig_settle();
        rig_read_superblock(c.header_region_uri, &s);
        assert_true(s.activity_timestamp_ns == (uint64_t)rig->now_ns);
        for (uint32_t k = 0; k < c.pool_count; k++)
        {
            rig_read_superblock(c.pools[k].region_uri, &s);
            assert_true(s.activity_timestamp_ns == (uint64_t)rig->now_ns);
        }
    }
    const tpc_attach_response_t p = rig_attach(PRODUCER, 2, 10001);
    rig_step(1000 * MS);
    rig_read_superblock(p.pools[1].region_uri, &s);
    assert_true(s.activity_timestamp_ns == (uint64_t)rig->now_ns);
    assert_true(s.start_timestamp_ns < s.activity_timestamp_ns);
}

static int64_t allocated(tpc_bytes_t uri)
{
    char path[1024];
    struct stat st;
    rig_path(path, sizeof(path), uri);
    return 0 == stat(path, &st) ? (int64_t)st.st_blocks * 512 : -1;
}

static void an_epoch_without_producer_takes_no_memory_for_its_pools__M6(void **state)
{
    (void)state;
    rig_start();
    const tpc_attach_response_t c = rig_attach(CONSUMER, 1, 10000);
    assert_true(allocated(c.pools[1].region_uri) <= 4096);
    assert_true(allocated(c.header_region_uri) >= 2048);
    assert_int_equal(rig_file_bytes(c.pools[1].region_uri), 64 + 8 * 65536);
    const tpc_attach_response_t p = rig_attach(PRODUCER, 2, 10000);
    assert_true(allocated(p.pools[1].region_uri) >= 8 * 65536);
}

static void regions_are_zero_and_private_to_owner_and_group__W_243(void **state)
{
    (void)state;
    rig->config.permissions_mode = 0600;
    rig_start();
    const tpc_attach_response_t p = rig_attach(PRODUCER, 2, 10000);
    char path[1024];
    struct stat st;
    rig_path(path, sizeof(path), p.pools[0].region_uri);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    *strrchr(path, '/') = '\0';
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    uint8_t word[8] = { 1 };
    rig_path(path, sizeof(path), p.header_region_uri);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(pread(fd, word, 8, 64), 8);
    (void)close(fd);
    for (int i = 0; i < 8; i++) { assert_int_equal(word[i], 0); }
}

static void a_creation_that_fails_after_a_lease_ended_is_tried_again__D_201(void **state)
{
    (void)state;
    char dir[256];
    rig_start();
    const tpc_attach_response_t p = rig_attach(PRODUCER, 1, 10000);
    const uint64_t epoch = p.epoch;
    rig_stream_dir(dir, sizeof(dir), 10000);
    assert_int_equal(chmod(dir, 0777), 0);
    rig_forget_events();
    assert_int_equal(rig_detach(&p, 1, PRODUCER).code, TPC_CODE_OK);      /* the lease is over whatever becomes of the files */
    rig_step(5000 * MS);
    assert_int_equal(rig_announces(10000), 0);                            /* OP-D-30 */
    const uint64_t failures = tpi_driver_stats(rig->driver)->regions_failed;
    assert_true(failures >= 2);
    assert_int_equal(chmod(dir, 02770), 0);
    rig_step(1000 * MS);
    assert_int_equal(rig_announces(10000), 1);
    assert_true(rig_last_announce(10000).epoch > epoch);
    assert_int_equal(rig_last_announce(10000).producer_id, 0);
}

static void a_consumer_attach_tries_again_at_once(void **state)
{
    (void)state;
    char dir[256];
    rig_start();
    const tpc_attach_response_t p = rig_attach(PRODUCER, 1, 10000);
    const uint64_t epoch = p.epoch;
    rig_stream_dir(dir, sizeof(dir), 10000);
    assert_int_equal(chmod(dir, 0777), 0);
    assert_int_equal(rig_detach(&p, 1, PRODUCER).code, TPC_CODE_OK);
    const tpc_attach_request_t q = rig_request(CONSUMER, 2, 10000);
    assert_int_equal(rig_ask(&q).code, TPC_CODE_INTERNAL_ERROR);
    assert_int_equal(chmod(dir, 02770), 0);
    assert_true(rig_attach(CONSUMER, 2, 10000).epoch > epoch);
}

int main(void)
{
    const struct CMUnitTest tests[] = { RIG_TEST(nothing_is_announced_before_the_first_attach), RIG_TEST(consumer_first_then_producer_raises__D_129),
        RIG_TEST(epochs_rise_also_when_the_clock_stands_still__D_200_W_110), RIG_TEST(a_planted_higher_directory_is_passed__D_200),
        RIG_TEST(a_restarted_driver_starts_above_its_predecessor__D_139_D_158_D_159),
        RIG_TEST(another_layout_comes_with_a_higher_epoch__D_133), RIG_TEST(recreated_files_come_with_a_higher_epoch__D_134_D_161),
        RIG_TEST(every_provisioned_stream_is_announced_each_period__D_140_W_074_W_075),
        RIG_TEST(activity_of_all_regions_advances_with_and_without_producer__D_015_D_016),
        RIG_TEST(an_epoch_without_producer_takes_no_memory_for_its_pools__M6), RIG_TEST(regions_are_zero_and_private_to_owner_and_group__W_243),
        RIG_TEST(a_creation_that_fails_after_a_lease_ended_is_tried_again__D_201), RIG_TEST(a_consumer_attach_tries_again_at_once) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
