/* Start-up: rules that need the file system, ownership, counters, full file systems. */
#include "driver_rig.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/tp_counters.h"

#define PRODUCER TP_ROLE_PRODUCER
#define CONSUMER TP_ROLE_CONSUMER

static void refused(int code, const char *part)
{
    assert_int_equal(rig_try_start(), -1);
    assert_int_equal(tp_errcode(), code);
    if (NULL == strstr(tp_errmsg(), part)) { fail_msg("'%s' does not name '%s'", tp_errmsg(), part); }
    assert_null(rig->driver);
}

static void an_invalid_configuration_does_not_start__D_207(void **state)
{
    (void)state;
    rig->config.profiles[0].pools[0].stride_bytes = 100;
    refused(TP_ECONF_RULE, "stride_bytes");
}

static void a_base_that_is_a_link_or_open_to_others_is_refused__D_017_D_205_M10(void **state)
{
    (void)state;
    char real[80];
    (void)snprintf(real, sizeof(real), "%s-real", rig->base);
    assert_int_equal(mkdir(real, 0755), 0);
    assert_int_equal(symlink(real, rig->base), 0);
    refused(TP_EPATH, "shm.base_dir");
    assert_int_equal(unlink(rig->base), 0);
    assert_int_equal(rmdir(real), 0);
    assert_int_equal(mkdir(rig->base, 0700), 0);
    assert_int_equal(chmod(rig->base, 0777), 0);
    refused(TP_EPATH, "shm.base_dir");
    assert_int_equal(chmod(rig->base, 01777), 0);
    rig_start();
}

static void a_base_that_is_really_elsewhere_is_not_among_the_allowed__D_207(void **state)
{
    (void)state;
    char inside[200];
    char outside[200];
    char link_path[256];
    (void)snprintf(inside, sizeof(inside), "%s/inside", rig->base);
    (void)snprintf(outside, sizeof(outside), "%s/outside", rig->base);
    assert_int_equal(mkdir(rig->base, 0755) + mkdir(inside, 0755) + mkdir(outside, 0755), 0);
    (void)snprintf(link_path, sizeof(link_path), "%s/link", inside);
    assert_int_equal(symlink(outside, link_path), 0);
    rig->config.allowed_base_dir_count = 1;
    (void)snprintf(rig->config.allowed_base_dirs[0], sizeof(rig->config.allowed_base_dirs[0]), "%s", inside);
    (void)snprintf(rig->config.base_dir, sizeof(rig->config.base_dir), "%s/base", link_path);
    refused(TP_EPATH, "lies in none of shm.allowed_base_dirs");
    (void)snprintf(rig->config.base_dir, sizeof(rig->config.base_dir), "%s/base", inside);
    rig_start();
}

static void a_user_directory_of_somebody_else_is_refused__D_205_M10(void **state)
{
    (void)state;
    char dir[256];
    if (0 != geteuid()) { skip(); }
    rig_stream_dir(dir, sizeof(dir), 10000);
    *strrchr(dir, '/') = '\0';
    *strrchr(dir, '/') = '\0';
    assert_int_equal(mkdir(rig->base, 0755), 0);
    assert_int_equal(mkdir(dir, 0755), 0);
    assert_int_equal(chown(dir, 12345, 12345), 0);
    refused(TP_EPATH, "12345");
}

static void links_in_place_of_directories_fail_at_every_creation__D_017_D_205(void **state)
{
    (void)state;
    char dir[256];
    char moved[300];
    rig_start();
    rig_stream_dir(dir, sizeof(dir), 10000);
    (void)snprintf(moved, sizeof(moved), "%s-moved", dir);
    assert_int_equal(rename(dir, moved), 0);
    assert_int_equal(symlink(moved, dir), 0);
    const tpc_attach_request_t q = rig_request(PRODUCER, 1, 10000);
    const tpc_attach_response_t r = rig_ask(&q);
    assert_int_equal(r.code, TPC_CODE_INTERNAL_ERROR);
    assert_int_equal(unlink(dir), 0);
}

static void a_second_driver_of_a_stream_is_refused_and_told_the_pid__D_002_D_196_M13(void **state)
{
    (void)state;
    char pid[32];
    rig_start();
    tpi_driver_t *const first = rig->driver;
    rig->driver = NULL;
    (void)snprintf(pid, sizeof(pid), "pid %ld", (long)getpid());
    refused(TP_EOWNED, pid);
    refused(TP_EOWNED, "stream 10000");
    (void)snprintf(rig->config.shm_namespace, sizeof(rig->config.shm_namespace), "other");
    assert_int_equal(rig_try_start(), 0);
    tpi_driver_delete(rig->driver, rig->now_ns);
    rig->driver = NULL;
    (void)snprintf(rig->config.shm_namespace, sizeof(rig->config.shm_namespace), "t");
    tpi_driver_delete(first, rig->now_ns);
    rig_start();                                               /* the lock went with its owner */
}

static void a_dynamic_stream_owned_by_another_driver_is_an_internal_error__D_002(void **state)
{
    (void)state;
    rig->config.allow_dynamic_streams = true;
    rig->config.stream_id_range = (tp_id_range_t){ 20000, 20001 };
    rig->config.stream_count = 0;
    rig_start();
    tpc_attach_request_t q = rig_request(PRODUCER, 1, 20000);
    q.publish_mode = TP_PUBLISH_EXISTING_OR_CREATE;
    assert_int_equal(rig_ask(&q).code, TPC_CODE_OK);
    tpi_driver_t *const first = rig->driver;
    tpi_driver_t *second = NULL;
    assert_int_equal(tpi_driver_create(&second, &rig->config, rig->driver_bus, &rig->options, rig->now_ns), 0);
    for (int i = 0; i < 4; i++) { assert_true(tpi_driver_do_work(second, rig->now_ns) >= 0); }
    q.client_id = 2;
    q.correlation_id++;
    rig_send_attach(&q);
    for (int i = 0; i < 4; i++) { assert_true(tpi_driver_do_work(second, rig->now_ns) >= 0); }
    tpc_attach_response_t r;
    assert_true(rig_response(q.correlation_id, &r));
    assert_int_equal(r.code, TPC_CODE_INTERNAL_ERROR);
    assert_int_equal(tpi_driver_lease_count(second), 0);
    tpi_driver_delete(second, rig->now_ns);
    assert_ptr_equal(rig->driver, first);
    uint64_t epochs[64];
    assert_int_equal(rig_epochs(20000, epochs), 1);
    rig->config.stream_count = 2;
}

/* ---- counters -------------------------------------------------------------------------------------------------------------- */

typedef struct census
{
    int drivers, streams, leases, stats;
    int64_t driver_value, stream_value, lease_value;
    uint64_t lease_id;
    char stream_label[400];
    char lease_label[400];
    int64_t granted;
}
census_t;

static void on_counter(void *clientd, const tpi_counter_view_t *c)
{
    census_t *const census = clientd;
    tpi_counter_key_stream_t stream;
    tpi_counter_key_lease_t lease;
    char name[64];
    if (TPI_COUNTER_DRIVER == c->type_id) { census->drivers++; census->driver_value = c->value; }
    if (TPI_COUNTER_STREAM == c->type_id && 0 == tpi_counter_key_stream_get(&stream, c->key, c->key_length))
    {
        census->streams++;
        if (10000 == stream.stream_id)
        {
            census->stream_value = c->value;
            (void)snprintf(census->stream_label, sizeof(census->stream_label), "%s", c->label);
        }
    }
    if (TPI_COUNTER_LEASE == c->type_id && 0 == tpi_counter_key_lease_get(&lease, c->key, c->key_length))
    {
        census->leases++;
        census->lease_value = c->value;
        census->lease_id = lease.lease_id;
        (void)snprintf(census->lease_label, sizeof(census->lease_label), "%s", c->label);
    }
    if (TPI_COUNTER_STAT == c->type_id)
    {
        census->stats++;
        if (tpi_label_get(c->label, "name", name, sizeof(name)) && 0 == strcmp(name, "attach_granted")) { census->granted = c->value; }
    }
}

static census_t take_census(void)
{
    census_t census;
    memset(&census, 0, sizeof(census));
    assert_true(tpi_bus_counters(rig->client_bus, on_counter, &census) >= 0);
    return census;
}

static void facts_are_published_as_counters(void **state)
{
    (void)state;
    char text[256];
    char dir[256];
    rig_start();
    census_t census = take_census();
    assert_true(1 == census.drivers && 2 == census.streams && 0 == census.leases);
    assert_int_equal(census.stream_value, 0);
    const tpc_attach_response_t p = rig_attach(PRODUCER, 42, 10000);
    rig_step(100 * MS);
    rig_send_keepalive(&p, 42, PRODUCER);
    rig_settle();
    census = take_census();
    assert_true(census.driver_value == rig->now_ns && census.stream_value == (int64_t)p.epoch);
    assert_true(1 == census.leases && census.lease_value == rig->now_ns && census.lease_id == p.lease_id && 1 == census.granted);
    assert_true(tpi_label_get(census.stream_label, "name", text, sizeof(text)) && 0 == strcmp(text, "left"));
    assert_true(tpi_label_get(census.stream_label, "nslots", text, sizeof(text)) && 0 == strcmp(text, "8"));
    assert_true(tpi_label_get(census.stream_label, "pools", text, sizeof(text)) && 0 == strcmp(text, "2"));
    assert_true(tpi_label_get(census.stream_label, "max_stride", text, sizeof(text)) && 0 == strcmp(text, "65536"));
    rig_stream_dir(dir, sizeof(dir), 10000);
    assert_true(tpi_label_get(census.stream_label, "dir", text, sizeof(text)) && 0 == strcmp(text, dir));
    assert_true(tpi_label_get(census.lease_label, "role", text, sizeof(text)) && 0 == strcmp(text, "producer"));
    assert_true(tpi_label_get(census.lease_label, "client", text, sizeof(text)) && 0 == strcmp(text, "42"));
    assert_true(tpi_label_get(census.lease_label, "stream", text, sizeof(text)) && 0 == strcmp(text, "10000"));
    assert_int_equal(rig_detach(&p, 42, PRODUCER).code, TPC_CODE_OK);
    census = take_census();
    assert_int_equal(census.leases, 0);
    rig_stop();
    census = take_census();
    assert_true(0 == census.drivers && 0 == census.streams && 0 == census.stats);
}

/* ---- full file systems ----------------------------------------------------------------------------------------------------- */

/* A tmpfs of that size on the base directory; false where that is not allowed. */
static bool mount_small(const char *options)
{
    assert_int_equal(mkdir(rig->base, 0755), 0);
    return 0 == mount("tmpfs", rig->base, "tmpfs", MS_NOSUID | MS_NODEV, options);
}

static int small_teardown(void **state)
{
    tpi_driver_delete(rig->driver, rig->now_ns);
    rig->driver = NULL;
    (void)umount2(rig->base, MNT_DETACH);
    return rig_teardown(state);
}

static void short_space_runs_gc_once_and_tries_again__D_179_D_180(void **state)
{
    (void)state;
    /* An epoch takes about 570 KB: one fits beside the small ones without a producer, two do not. */
    if (!mount_small("size=900k")) { skip(); }
    rig->config.epoch_gc_keep = 1;
    rig_start();
    tpc_attach_response_t p = rig_attach(PRODUCER, 1, 10000);
    assert_int_equal(rig_detach(&p, 1, PRODUCER).code, TPC_CODE_OK);
    rig_step(1 * MS);
    p = rig_attach(PRODUCER, 1, 10000);                        /* needs the first epoch's space at once, young as it is */
    assert_true(tpi_driver_stats(rig->driver)->epochs_removed >= 1);
    const tpc_attach_request_t q = rig_request(PRODUCER, 2, 10001);
    const tpc_attach_response_t r = rig_ask(&q);               /* nothing removable there */
    assert_int_equal(r.code, TPC_CODE_INTERNAL_ERROR);
    assert_non_null(memmem(r.error_message.data, r.error_message.length, "space", 5));
    uint64_t epochs[64];
    assert_int_equal(rig_epochs(10001, epochs), 0);
    assert_int_equal(rig_announces(10001), 0);
}

/* The number of a failed attempt is above the epoch that consumers follow: that one is no garbage for it, however short space is. */
static void short_space_never_takes_the_epoch_in_use__D_173_D_179(void **state)
{
    (void)state;
    uint64_t epochs[64];
    if (!mount_small("size=300k")) { skip(); }
    rig->config.epoch_gc_keep = 1;
    rig_start();
    const tpc_attach_response_t c = rig_attach(CONSUMER, 1, 10000);
    const uint64_t epoch = c.epoch;
    for (uint32_t i = 0; i < 3; i++)
    {
        rig_step(1 * MS);
        const tpc_attach_request_t q = rig_request(PRODUCER, 2 + i, 10000);
        assert_int_equal(rig_ask(&q).code, TPC_CODE_INTERNAL_ERROR);
        assert_int_equal(rig_epochs(10000, epochs), 1);
        assert_true(epochs[0] == epoch);
    }
}

static void failing_to_lock_memory_ends_the_start__D_192(void **state)
{
    (void)state;
    rig->config.mlock_shm = true;
    const pid_t child = fork();
    if (0 == child)
    {
        const struct rlimit none = { 0, 0 };
        if (0 == geteuid() && 0 != setresuid(65534, 65534, 65534)) { _exit(3); }
        (void)setrlimit(RLIMIT_MEMLOCK, &none);
        (void)snprintf(rig->config.base_dir, sizeof(rig->config.base_dir), "/dev/shm/tp-test-mlock-%ld", (long)getpid());
        const int rc = rig_try_start();
        _exit(-1 == rc && TP_EMLOCK == tp_errcode() ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && 0 == WEXITSTATUS(status));
}

/* The probe at the start fits the limit, the regions of a stream do not. */
static int attach_with_little_to_lock(void)
{
    const struct rlimit little = { 80 << 10, 80 << 10 };
    if (0 == geteuid() && 0 != setresuid(65534, 65534, 65534)) { return 3; }
    (void)setrlimit(RLIMIT_MEMLOCK, &little);
    (void)snprintf(rig->config.base_dir, sizeof(rig->config.base_dir), "/dev/shm/tp-test-mlock2-%ld", (long)getpid());
    if (rig_try_start() < 0) { return 4; }
    const tpc_attach_request_t request = rig_request(TP_ROLE_PRODUCER, 42, 10000);
    const tpc_attach_response_t response = rig_ask(&request);
    const bool is_told = TPC_CODE_INTERNAL_ERROR == response.code && 0 == tpi_driver_lease_count(rig->driver);
    rig_step(60000 * MS);
    const bool ends = TP_DRIVER_STOPPED == tpi_driver_state(rig->driver) && rig_count(TPC_DRIVER_SCHEMA, TPC_DRIVER_SHUTDOWN) > 0;
    rig_stop();
    rig_remove_tree(rig->config.base_dir);
    return is_told && ends ? 0 : 1;
}

static void failing_to_lock_a_region_ends_the_driver__D_192(void **state)
{
    (void)state;
    rig->config.mlock_shm = true;
    const pid_t child = fork();
    if (0 == child) { _exit(attach_with_little_to_lock()); }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void the_base_made_by_the_first_user_has_room_for_the_second__D_196(void **state)
{
    (void)state;
    struct stat st;
    rig_start();
    assert_int_equal(stat(rig->base, &st), 0);
    assert_int_equal(st.st_mode & 07777, 01777);               /* /dev/shm itself is sticky */
}

int main(void)
{
    const struct CMUnitTest tests[] = { RIG_TEST(an_invalid_configuration_does_not_start__D_207),
        RIG_TEST(a_base_that_is_a_link_or_open_to_others_is_refused__D_017_D_205_M10),
        RIG_TEST(a_base_that_is_really_elsewhere_is_not_among_the_allowed__D_207),
        RIG_TEST(a_user_directory_of_somebody_else_is_refused__D_205_M10),
        RIG_TEST(links_in_place_of_directories_fail_at_every_creation__D_017_D_205),
        RIG_TEST(failing_to_lock_a_region_ends_the_driver__D_192),
        RIG_TEST(a_second_driver_of_a_stream_is_refused_and_told_the_pid__D_002_D_196_M13),
        RIG_TEST(a_dynamic_stream_owned_by_another_driver_is_an_internal_error__D_002), RIG_TEST(facts_are_published_as_counters),
        cmocka_unit_test_setup_teardown(short_space_runs_gc_once_and_tries_again__D_179_D_180, rig_setup, small_teardown),
        cmocka_unit_test_setup_teardown(short_space_never_takes_the_epoch_in_use__D_173_D_179, rig_setup, small_teardown),
        RIG_TEST(failing_to_lock_memory_ends_the_start__D_192),
        RIG_TEST(the_base_made_by_the_first_user_has_room_for_the_second__D_196) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
