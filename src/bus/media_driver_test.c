/*
 * The embedded media driver: whose directory it takes and how it cleans up after the dead. A client that has to die is this
 * program again, with an argument.
 */
#include "bus/media_driver.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "bus/bus.h"
#include "bus/bus_test_rig.h"
#include "bus/cnc.h"
#include "common/clock.h"

#define CHANNEL "aeron:ipc?term-length=64k"
#define STREAM 1100
#define WAIT_NS (30 * TPI_NS_PER_S)

static tp_media_driver_config_t driver_config(const char *dir)
{
    return (tp_media_driver_config_t){ .size = sizeof(tp_media_driver_config_t), .aeron_dir = dir, .delete_on_close = true };
}

static int64_t ms_since(int64_t start_ns) { return (tpi_clock_monotonic_ns() - start_ns) / TPI_NS_PER_MS; }

static tpi_bus_t *open_bus(const char *dir)
{
    const tpi_bus_aeron_config_t config = { .aeron_dir = dir, .connect_timeout_ns = WAIT_NS };
    tpi_bus_t *bus = NULL;
    if (tpi_bus_aeron_open(&bus, &config) < 0) { fail_msg("%s; %s", tp_errmsg(), tp_errwhy()); }
    return bus;
}

/* This program as a client that publishes, until it is killed. */
static int run_client(const char *dir)
{
    const tpi_bus_aeron_config_t config = { .aeron_dir = dir, .connect_timeout_ns = WAIT_NS };
    tpi_bus_t *bus = NULL;
    tpi_bus_async_t *async = NULL;
    tpi_publication_t *pub = NULL;
    if (tpi_bus_aeron_open(&bus, &config) < 0 || tpi_bus_add_publication(bus, &async, CHANNEL, STREAM) < 0) { return 1; }
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (getppid() > 1)
    {
        if (tpi_bus_do_work(bus, tpi_clock_monotonic_ns()) < 0) { return 1; }
        if (NULL == pub && tpi_bus_add_publication_poll(async, &pub) < 0) { return 1; }
        (void)usleep(1000);
    }
    return 0;
}

static void on_image(void *clientd, int32_t session_id, bool available, int64_t now_ns)
{
    (void)session_id;
    (void)now_ns;
    *(int *)clientd += available ? 1 : -1;
}

static void await_images(tpi_bus_t *bus, const int *images, int wanted)
{
    const int64_t start_ns = tpi_clock_monotonic_ns();
    while (wanted != *images)
    {
        if (tpi_bus_do_work(bus, tpi_clock_monotonic_ns()) < 0) { fail_msg("bus lost: %s; %s", tp_errmsg(), tp_errwhy()); }
        if (ms_since(start_ns) > WAIT_NS / TPI_NS_PER_MS) { fail_msg("%d images, not %d", *images, wanted); }
        (void)usleep(200);
    }
}

static void a_killed_client_is_gone_after_its_liveness_timeout(void **state)
{
    (void)state;
    const char *const dir = tpi_test_dir("short");
    tp_media_driver_config_t config = driver_config(dir);
    config.client_liveness_timeout_ns = 3 * TPI_NS_PER_S;      /* ours, too: a busy machine may not run us for a while */
    tp_media_driver_t *driver = NULL;
    assert_int_equal(tp_media_driver_launch(&driver, &config), 0);
    tpi_bus_t *const bus = open_bus(dir);
    int images = 0;
    const tpi_subscription_config_t sub_config = { .channel = CHANNEL, .stream_id = STREAM, .on_image = on_image, .image_clientd = &images };
    tpi_bus_async_t *async = NULL;
    tpi_subscription_t *sub = NULL;
    assert_int_equal(tpi_bus_add_subscription(bus, &async, &sub_config), 0);
    while (0 == tpi_bus_add_subscription_poll(async, &sub)) { assert_true(tpi_bus_do_work(bus, tpi_clock_monotonic_ns()) >= 0); }
    assert_non_null(sub);
    const pid_t pid = tpi_test_spawn("--client", dir);
    assert_true(pid > 0);
    await_images(bus, &images, 1);
    assert_int_equal(tpi_test_kill(pid), 0);
    await_images(bus, &images, 0);
    tpi_bus_close(bus);
    tp_media_driver_close(driver);
}

static void a_live_driver_keeps_its_directory(void **state)
{
    tp_media_driver_config_t config = driver_config(*state);
    config.delete_on_start = true;
    tp_media_driver_t *second = NULL;
    assert_int_equal(tp_media_driver_launch(&second, &config), -1);
    assert_int_equal(tp_errcode(), TP_EMEDIADRIVER);
    assert_non_null(strstr(tp_errmsg(), "is alive"));
    tpi_bus_close(open_bus(*state));
}

static void only_directories_of_media_drivers_are_removed(void **state)
{
    (void)state;
    const char *const dir = tpi_test_dir("precious");
    char path[256];
    assert_int_equal(mkdir(dir, 0700), 0);
    (void)snprintf(path, sizeof(path), "%s/thesis.tex", dir);
    const int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    (void)close(fd);
    tp_media_driver_config_t config = driver_config(dir);
    config.delete_on_start = true;
    tp_media_driver_t *driver = NULL;
    assert_int_equal(tp_media_driver_launch(&driver, &config), -1);
    assert_non_null(strstr(tp_errmsg(), "thesis.tex"));
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(tp_media_driver_launch(&driver, &config), 0);        /* an empty one may be used */
    assert_string_equal(tp_media_driver_aeron_dir(driver), dir);
    tp_media_driver_close(driver);
    assert_int_equal(access(dir, F_OK), -1);
    tp_media_driver_close(NULL);
}

static void media_driver_settings_are_bounded(void **state)
{
    (void)state;
    tp_media_driver_t *driver = NULL;
    tp_media_driver_config_t config = driver_config(tpi_test_dir("bounds"));
    config.size = 8;
    assert_int_equal(tp_media_driver_launch(&driver, &config), -1);
    assert_int_equal(tp_errcode(), TP_EINVAL);
    static const uint32_t wrong[] = { 65535, 65537, 32768, UINT32_C(1) << 31 };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
    {
        config = driver_config(tpi_test_dir("bounds"));
        config.term_length = wrong[i];
        assert_int_equal(tp_media_driver_launch(&driver, &config), -1);
        assert_int_equal(tp_errcode(), TP_EINVAL);
    }
    config = driver_config(tpi_test_dir("bounds"));
    config.client_liveness_timeout_ns = 1;
    assert_int_equal(tp_media_driver_launch(&driver, &config), -1);
    config = driver_config(tpi_test_dir("bounds"));
    config.idle_max_park_ns = UINT64_C(100000001);
    assert_int_equal(tp_media_driver_launch(&driver, &config), -1);
    assert_null(driver);
    config = driver_config(tpi_test_dir("bounds"));
    config.term_length = 65536;
    config.idle_max_park_ns = 1000;
    assert_int_equal(tp_media_driver_launch(&driver, &config), 0);
    tp_media_driver_close(driver);
}

/* ---- leftovers ------------------------------------------------------------------------------------------------------------- */

/* A directory as a driver of somebody else leaves it: cnc.dat with the heartbeat and the process given, no lock file. */
static void leave_behind(const char *dir, int64_t heartbeat_ms, int64_t pid)
{
    static uint8_t file[TPI_CNC_META_BYTES + 1024 + TPI_CNC_RB_TRAILER];
    const int32_t meta[] = { 2 << 8, 1024 + TPI_CNC_RB_TRAILER, 0, 0, 0, 0 };
    char path[256];
    memset(file, 0, sizeof(file));
    memcpy(file, meta, sizeof(meta));
    memcpy(file + 40, &pid, sizeof(pid));
    memcpy(file + TPI_CNC_META_BYTES + 1024 + TPI_CNC_RB_HEARTBEAT, &heartbeat_ms, sizeof(heartbeat_ms));
    (void)mkdir(dir, 0700);
    (void)snprintf(path, sizeof(path), "%s/cnc.dat", dir);
    const int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, file, sizeof(file)), (ssize_t)sizeof(file));
    (void)close(fd);
}

static void leftovers_of_other_drivers_are_judged_by_heartbeat_and_process(void **state)
{
    (void)state;
    const char *const dir = tpi_test_dir("foreign");
    tp_media_driver_config_t config = driver_config(dir);
    config.delete_on_start = true;
    tp_media_driver_t *driver = NULL;
    leave_behind(dir, tpi_clock_realtime_ns() / TPI_NS_PER_MS, getpid());  /* beats, and its process is there: alive */
    assert_int_equal(tp_media_driver_launch(&driver, &config), -1);
    assert_non_null(strstr(tp_errmsg(), "is alive"));
    leave_behind(dir, TPI_CNC_HEARTBEAT_GONE, getpid());                   /* shut down in order */
    assert_int_equal(tp_media_driver_launch(&driver, &config), 0);
    tp_media_driver_close(driver);
    leave_behind(dir, tpi_clock_realtime_ns() / TPI_NS_PER_MS - 60000, getpid());      /* a minute without a beat */
    assert_int_equal(tp_media_driver_launch(&driver, &config), 0);
    tp_media_driver_close(driver);
    leave_behind(dir, tpi_clock_realtime_ns() / TPI_NS_PER_MS, INT32_MAX); /* no such process: watched for two beats, then dead */
    const int64_t start_ns = tpi_clock_monotonic_ns();
    assert_int_equal(tp_media_driver_launch(&driver, &config), 0);
    assert_true(ms_since(start_ns) >= 1900);
    tp_media_driver_close(driver);
}

static void what_is_not_ours_is_refused__M10(void **state)
{
    (void)state;
    const char *const target = tpi_test_dir("target");
    const char *const link = tpi_test_dir("link");
    tp_media_driver_config_t config = driver_config(link);
    config.delete_on_start = true;
    tp_media_driver_t *driver = NULL;
    assert_int_equal(mkdir(target, 0700), 0);
    assert_int_equal(symlink(target, link), 0);
    assert_int_equal(tp_media_driver_launch(&driver, &config), -1);
    assert_int_equal(tp_errcode(), TP_EMEDIADRIVER);
    assert_non_null(strstr(tp_errmsg(), "not a directory"));
    assert_int_equal(access(target, F_OK), 0);
    if (0 == geteuid())
    {
        config = driver_config(target);
        config.delete_on_start = true;
        assert_int_equal(chown(target, 1, 1), 0);
        assert_int_equal(tp_media_driver_launch(&driver, &config), -1);
        assert_non_null(strstr(tp_errmsg(), "another user"));
    }
    assert_null(driver);
}

static tp_media_driver_t *shared;

static int launch_shared(void **state)
{
    tp_media_driver_config_t config = driver_config(tpi_test_dir("shared"));
    if (tp_media_driver_launch(&shared, &config) < 0) { return -1; }
    *state = (void *)(uintptr_t)tp_media_driver_aeron_dir(shared);
    return 0;
}

static int close_shared(void **state)
{
    (void)state;
    tp_media_driver_close(shared);
    return 0;
}

/* Times the youngest thread of this process went to sleep. */
static long sleeps_of_the_youngest(void)
{
    char path[64];
    char line[128];
    long youngest = 0;
    long sleeps = 0;
    DIR *const tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    for (const struct dirent *task = readdir(tasks); NULL != task; task = readdir(tasks))
    {
        const long id = strtol(task->d_name, NULL, 10);
        if (id > youngest) { youngest = id; }
    }
    (void)closedir(tasks);
    (void)snprintf(path, sizeof(path), "/proc/self/task/%ld/status", youngest);
    FILE *const status = fopen(path, "r");
    assert_non_null(status);
    while (NULL != fgets(line, sizeof(line), status)) { (void)sscanf(line, "voluntary_ctxt_switches: %ld", &sleeps); }
    (void)fclose(status);
    return sleeps;
}

/* A window of time, not a bound on it: a machine that is slow only makes fewer sleeps of it. Aeron's own 1 ms would make some 900. */
static void an_idle_driver_sleeps_as_long_as_it_was_told(void **state)
{
    (void)state;
    tp_media_driver_config_t config = driver_config(tpi_test_dir("park"));
    tp_media_driver_t *driver = NULL;
    config.idle_max_park_ns = 50000000;
    assert_int_equal(tp_media_driver_launch(&driver, &config), 0);
    const struct timespec window = { .tv_sec = 1 };
    const int64_t start_ns = tpi_clock_monotonic_ns();
    const long before = sleeps_of_the_youngest();
    long slept = 0;
    do
    {
        (void)nanosleep(&window, NULL);
        slept = sleeps_of_the_youngest() - before;
    }
    while (0 == slept && ms_since(start_ns) < WAIT_NS / TPI_NS_PER_MS);
    const int64_t elapsed_ms = ms_since(start_ns);
    tp_media_driver_close(driver);
    assert_true(slept > 0);
    assert_true(slept * 1000 < 350 * elapsed_ms);
}

int main(int argc, char **argv)
{
    if (3 == argc && 0 == strcmp(argv[1], "--client")) { return run_client(argv[2]); }
    if (tpi_test_rig_start("md") < 0) { return 1; }
    const struct CMUnitTest tests[] =
    {
        cmocka_unit_test(a_live_driver_keeps_its_directory),
        cmocka_unit_test(a_killed_client_is_gone_after_its_liveness_timeout),
        cmocka_unit_test(only_directories_of_media_drivers_are_removed),
        cmocka_unit_test(leftovers_of_other_drivers_are_judged_by_heartbeat_and_process),
        cmocka_unit_test(what_is_not_ours_is_refused__M10),
        cmocka_unit_test(media_driver_settings_are_bounded),
        cmocka_unit_test(an_idle_driver_sleeps_as_long_as_it_was_told),
    };
    return cmocka_run_group_tests(tests, launch_shared, close_shared);
}
