/* Epoch garbage collection on real directories, stepped clock. */
#include "driver_rig.h"

#include <sys/file.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PRODUCER TP_ROLE_PRODUCER
#define CONSUMER TP_ROLE_CONSUMER

static uint64_t dead_pid(void)
{
    const pid_t child = fork();
    if (0 == child) { _exit(0); }
    assert_int_equal(waitpid(child, NULL, 0), child);
    return (uint64_t)child;
}

static bool has_epoch(uint32_t stream_id, uint64_t epoch)
{
    uint64_t epochs[64];
    const size_t n = rig_epochs(stream_id, epochs);
    for (size_t i = 0; i < n; i++)
    {
        if (epochs[i] == epoch) { return true; }
    }
    return false;
}

static void cycle_producer(int times)
{
    for (int i = 0; i < times; i++)
    {
        const tpc_attach_response_t r = rig_attach(PRODUCER, 1, 10000);
        rig_step(10 * MS);
        assert_int_equal(rig_detach(&r, 1, PRODUCER).code, TPC_CODE_OK);
        rig_forget_events();
    }
}

static void current_and_predecessor_stay_older_ones_go_when_aged__D_173_D_175_D_177(void **state)
{
    (void)state;
    uint64_t epochs[64];
    rig_start();
    cycle_producer(3);
    assert_int_equal(rig_epochs(10000, epochs), 6);        /* all young */
    rig_step(3100 * MS);
    assert_int_equal(rig_epochs(10000, epochs), 6);
    const tpc_attach_response_t r = rig_attach(PRODUCER, 1, 10000);
    assert_int_equal(rig_epochs(10000, epochs), 2);
    assert_true(epochs[1] == r.epoch);
    assert_true(tpi_driver_stats(rig->driver)->epochs_removed == 5);
}

static void old_epochs_also_go_without_any_event__D_183(void **state)
{
    (void)state;
    uint64_t epochs[64];
    rig_start();
    cycle_producer(3);
    for (int i = 0; i < 5; i++) { rig_step(1000 * MS); }
    assert_int_equal(rig_epochs(10000, epochs), 2);
}

static void keep_counts_by_rank_and_zero_means_one__D_173(void **state)
{
    (void)state;
    uint64_t epochs[64];
    rig->config.epoch_gc_keep = 0;
    rig_start();
    cycle_producer(2);
    const tpc_attach_response_t r = rig_attach(PRODUCER, 1, 10000);
    for (int i = 0; i < 10; i++)
    {
        rig_step(500 * MS);
        rig_send_keepalive(&r, 1, PRODUCER);
        rig_settle();
    }
    assert_int_equal(rig_epochs(10000, epochs), 1);
    assert_true(epochs[0] == r.epoch);
}

static void without_gc_everything_stays__D_181(void **state)
{
    (void)state;
    uint64_t epochs[64];
    rig->config.epoch_gc_enabled = false;
    rig_start();
    cycle_producer(3);
    rig_step(100000 * MS);
    (void)rig_attach(PRODUCER, 1, 10000);
    assert_int_equal(rig_epochs(10000, epochs), 7);
}

static void a_living_foreign_pid_protects_a_dead_one_does_not__D_176(void **state)
{
    (void)state;
    const uint64_t base = (uint64_t)(rig->now_ns - 100000 * MS);
    rig_plant_epoch(10000, base + 1, 1, base);                              /* pid 1 lives */
    rig_plant_epoch(10000, base + 2, dead_pid(), base);
    rig_plant_epoch(10000, base + 3, dead_pid(), (uint64_t)rig->now_ns);    /* fresh */
    rig_start();
    const tpc_attach_response_t r = rig_attach(PRODUCER, 1, 10000);
    assert_int_equal(rig_detach(&r, 1, PRODUCER).code, TPC_CODE_OK);
    assert_true(has_epoch(10000, base + 1));
    assert_false(has_epoch(10000, base + 2));
    assert_true(has_epoch(10000, base + 3));
}

static void the_epoch_of_a_producer_lease_stays__D_174(void **state)
{
    (void)state;
    rig->config.epoch_gc_keep = 1;
    rig_start();
    const tpc_attach_response_t r = rig_attach(PRODUCER, 1, 10000);
    for (int i = 0; i < 30; i++)
    {
        rig_step(500 * MS);
        rig_send_keepalive(&r, 1, PRODUCER);
        rig_settle();
    }
    assert_true(has_epoch(10000, r.epoch));
}

static void gc_at_start_keeps_the_newest__D_178(void **state)
{
    (void)state;
    const uint64_t base = (uint64_t)(rig->now_ns - 100000 * MS);
    uint64_t epochs[64];
    for (uint64_t i = 0; i < 4; i++) { rig_plant_epoch(10000, base + i, dead_pid(), base); }
    rig->config.epoch_gc_on_startup = true;
    rig_start();
    assert_int_equal(rig_epochs(10000, epochs), 2);
    assert_true(epochs[0] == base + 2 && epochs[1] == base + 3);
}

static void without_that_setting_start_removes_nothing__D_178(void **state)
{
    (void)state;
    const uint64_t base = (uint64_t)(rig->now_ns - 100000 * MS);
    uint64_t epochs[64];
    for (uint64_t i = 0; i < 4; i++) { rig_plant_epoch(10000, base + i, dead_pid(), base); }
    rig_start();
    rig_step(1000 * MS);
    assert_int_equal(rig_epochs(10000, epochs), 4);
}

static void times_of_another_boot_do_not_count_as_age__M13(void **state)
{
    (void)state;
    /* The activity lies in the future of our monotonic clock: the directory, made a moment ago, decides. */
    rig_plant_epoch(10000, 5, dead_pid(), (uint64_t)(rig->now_ns + 5000000 * MS));
    rig_plant_epoch(10000, 6, dead_pid(), (uint64_t)(rig->now_ns + 5000000 * MS));
    rig_start();
    (void)rig_attach(PRODUCER, 1, 10000);
    assert_true(has_epoch(10000, 5));
}

static void orphans_of_dead_drivers_disappear_others_do_not__D_183_W_250_M13_S_060(void **state)
{
    (void)state;
    const uint64_t base = (uint64_t)(rig->now_ns - 100000 * MS);
    char dir[256];
    rig_plant_epoch(777, base, dead_pid(), base);                           /* nobody's */
    rig_plant_epoch(778, base, 1, base);                                    /* its writer lives */
    rig_plant_epoch(779, base, dead_pid(), base);                           /* another driver holds the stream */
    rig_stream_dir(dir, sizeof(dir), 779);
    const int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    rig_start();
    rig_step(61 * 1000 * MS);
    assert_false(has_epoch(777, base));
    rig_stream_dir(dir, sizeof(dir), 777);
    assert_int_equal(access(dir, F_OK), -1);
    assert_true(has_epoch(778, base));
    assert_true(has_epoch(779, base));
    (void)close(fd);
    rig_step(61 * 1000 * MS);
    assert_false(has_epoch(779, base));
}

static void strange_entries_are_left_alone(void **state)
{
    (void)state;
    char dir[256];
    char path[320];
    rig_start();
    cycle_producer(1);
    rig_stream_dir(dir, sizeof(dir), 10000);
    (void)snprintf(path, sizeof(path), "%s/007", dir);
    const int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    (void)close(fd);
    rig_step(100000 * MS);
    (void)rig_attach(PRODUCER, 1, 10000);
    assert_int_equal(access(path, F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { RIG_TEST(current_and_predecessor_stay_older_ones_go_when_aged__D_173_D_175_D_177),
        RIG_TEST(old_epochs_also_go_without_any_event__D_183), RIG_TEST(keep_counts_by_rank_and_zero_means_one__D_173),
        RIG_TEST(without_gc_everything_stays__D_181), RIG_TEST(a_living_foreign_pid_protects_a_dead_one_does_not__D_176),
        RIG_TEST(the_epoch_of_a_producer_lease_stays__D_174), RIG_TEST(gc_at_start_keeps_the_newest__D_178),
        RIG_TEST(without_that_setting_start_removes_nothing__D_178), RIG_TEST(times_of_another_boot_do_not_count_as_age__M13),
        RIG_TEST(orphans_of_dead_drivers_disappear_others_do_not__D_183_W_250_M13_S_060), RIG_TEST(strange_entries_are_left_alone) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
