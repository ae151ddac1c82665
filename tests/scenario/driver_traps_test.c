/* Traps of docs/design/traps.md that belong to no single part of the driver. */
#include <sys/stat.h>

#include "driver_rig.h"

#define PRODUCER TP_ROLE_PRODUCER
#define CONSUMER TP_ROLE_CONSUMER

static void after_a_failed_attach_the_epoch_with_files_is_announced__P4(void **state)
{
    (void)state;
    char dir[256];
    rig_start();
    const uint64_t epoch = rig_attach(CONSUMER, 1, 10000).epoch;
    rig_stream_dir(dir, sizeof(dir), 10000);
    assert_int_equal(chmod(dir, 0777), 0);                      /* D-205: nothing is made below it */
    const tpc_attach_request_t request = rig_request(PRODUCER, 2, 10000);
    assert_int_equal(rig_ask(&request).code, TPC_CODE_INTERNAL_ERROR);
    rig_forget_events();
    rig_step(3000 * MS);
    assert_true(rig_announces(10000) > 0);
    const tpc_pool_announce_t announce = rig_last_announce(10000);
    assert_int_equal(announce.epoch, epoch);
    tpc_superblock_t superblock;
    rig_read_superblock(announce.header_region_uri, &superblock);
    assert_int_equal(superblock.epoch, epoch);
    assert_int_equal(chmod(dir, 02770), 0);
    assert_true(rig_attach(PRODUCER, 2, 10000).epoch > epoch);
}

int main(void)
{
    const struct CMUnitTest tests[] = { RIG_TEST(after_a_failed_attach_the_epoch_with_files_is_announced__P4) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
