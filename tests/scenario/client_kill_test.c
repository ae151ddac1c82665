/*
 * A driver process with its media driver inside, killed with SIGKILL and started again, while a producer and a consumer stay open in this process.
 * argv[1] = "driver" or "consumer" makes the program just that.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ftw.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "runtime/endpoint.h"

#include <tensor_pool/driver/tp_driver.h>
#include <tensor_pool/tp.h>

#define MS INT64_C(1000000)
#define STREAM 10000u

static char dir[96];
static const char *self;

static void nap(int64_t ns)
{
    const struct timespec wait = { (time_t)(ns / 1000000000), (long)(ns % 1000000000) };
    (void)nanosleep(&wait, NULL);
}

static int be_driver(const char *where)
{
    tp_driver_config_t config;
    tp_driver_t *driver = NULL;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    tp_driver_config_init(&config);
    (void)snprintf(config.aeron_dir, sizeof(config.aeron_dir), "%s/aeron", where);
    (void)snprintf(config.media_driver, sizeof(config.media_driver), "embedded");
    (void)snprintf(config.runtime_dir, sizeof(config.runtime_dir), "%s/run", where);
    (void)snprintf(config.base_dir, sizeof(config.base_dir), "%s/base", where);
    tp_profile_config_t *profile = tp_driver_config_add_profile(&config, "small");
    profile->header_nslots = 64;
    profile->pool_count = 1;
    profile->pools[0] = (tp_pool_config_t){ .pool_id = 1, .stride_bytes = 4096 };
    (void)tp_driver_config_add_stream(&config, "cam", STREAM, "small");
    if (tp_driver_init(&driver, &config) < 0 || tp_driver_start(driver) < 0)
    {
        (void)fprintf(stderr, "driver: %s\n", tp_errmsg());
        return 1;
    }
    for (;;) { (void)pause(); }
}

/* Reads frames until it is stopped or killed. */
static int be_consumer(void)
{
    tp_client_t *client = NULL;
    tp_consumer_t *consumer = NULL;
    tp_frame_view_t view;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (tp_connect(&client, NULL) < 0 || tp_consumer_open(&consumer, client, STREAM) < 0)
    {
        (void)fprintf(stderr, "consumer: %s\n", tp_errmsg());
        return 1;
    }
    for (;;) { (void)tp_consumer_next(consumer, &view, 100 * MS); }
}

static pid_t start(const char *role)
{
    const pid_t pid = fork();
    if (0 == pid)
    {
        (void)execl(self, self, role, dir, (char *)NULL);
        _exit(127);
    }
    return pid;
}

static pid_t start_driver(void) { return start("driver"); }

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static void wait_for_driver(void)
{
    tpi_endpoint_t endpoint;
    const int64_t deadline_ns = tpi_clock_monotonic_ns() + 30000 * MS;
    while (0 != tpi_endpoint_find(&endpoint, NULL))
    {
        assert_true(tpi_clock_monotonic_ns() < deadline_ns);
        nap(5 * MS);
    }
}

static bool frames_flow(tp_producer_t *producer, tp_consumer_t *consumer, const tp_tensor_template_t *tensor, int64_t limit_ns)
{
    const int64_t deadline_ns = tpi_clock_monotonic_ns() + limit_ns;
    tp_frame_view_t view;
    while (tpi_clock_monotonic_ns() < deadline_ns)
    {
        (void)tp_producer_offer_frame(producer, tensor, "frame", 5, NULL);
        if (1 == tp_consumer_next(consumer, &view, MS) && 0 == memcmp(view.payload, "frame", 5) && tp_frame_view_is_valid(&view)) { return true; }
    }
    return false;
}

static void clients_follow_a_killed_driver_to_its_successor__D_154_D_158_D_159(void **state)
{
    (void)state;
    tp_client_t *client = NULL;
    tp_producer_t *producer = NULL;
    tp_consumer_t *consumer = NULL;
    tp_tensor_template_t *tensor = NULL;
    pid_t pid = start_driver();
    assert_true(pid > 0);
    wait_for_driver();
    assert_int_equal(tp_tensor_template_init(&tensor, TP_DTYPE_BYTES, TP_ROW_MAJOR, 1, (const int32_t[]){ 5 }), 0);
    if (tp_connect(&client, NULL) < 0) { fail_msg("%s", tp_errmsg()); }                      /* nothing is configured */
    if (tp_producer_open(&producer, client, STREAM) < 0) { fail_msg("%s", tp_errmsg()); }
    if (tp_consumer_open(&consumer, client, STREAM) < 0) { fail_msg("%s", tp_errmsg()); }
    assert_true(frames_flow(producer, consumer, tensor, 30000 * MS));
    for (int round = 0; round < 3; round++)
    {
        tp_producer_stats_t before;
        tp_producer_stats_t after;
        assert_int_equal(tp_producer_stats(producer, &before), 0);
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        if (0 == round) { nap(700 * MS); }                                                   /* noticed, or between two looks */
        pid = start_driver();
        wait_for_driver();
        const int64_t up_ns = tpi_clock_monotonic_ns();
        do                                                 /* until it is noticed, frames flow through what the dead driver left */
        {
            assert_true(tpi_clock_monotonic_ns() - up_ns < 30000 * MS);
            (void)tp_producer_flush(producer);
            assert_int_equal(tp_producer_stats(producer, &after), 0);
            nap(MS);
        }
        while (after.epoch <= before.epoch);
        assert_true(frames_flow(producer, consumer, tensor, 30000 * MS));
    }
    tp_consumer_close(consumer);
    tp_producer_close(producer);
    tp_client_close(client);
    tp_tensor_template_close(tensor);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* One consumer process is stopped: its control, QoS and descriptor subscriptions are not polled any more. */
static void stopped_process_holds_nobody_up__A6_W_122(void **state)
{
    (void)state;
    tp_client_t *client = NULL;
    tp_producer_t *producer = NULL;
    tp_consumer_t *consumer = NULL;
    tp_consumer_t *late = NULL;
    tp_tensor_template_t *tensor = NULL;
    tp_frame_view_t view;
    const pid_t driver = start_driver();
    wait_for_driver();
    assert_int_equal(tp_tensor_template_init(&tensor, TP_DTYPE_BYTES, TP_ROW_MAJOR, 1, (const int32_t[]){ 5 }), 0);
    if (tp_connect(&client, NULL) < 0 || tp_producer_open(&producer, client, STREAM) < 0 || tp_consumer_open(&consumer, client, STREAM) < 0)
    {
        fail_msg("%s", tp_errmsg());
    }
    const pid_t stopped = start("consumer");
    const int64_t deadline_ns = tpi_clock_monotonic_ns() + 30000 * MS;
    while (2 != tp_producer_consumer_count(producer))
    {
        assert_true(tpi_clock_monotonic_ns() < deadline_ns);
        nap(5 * MS);
    }
    assert_true(frames_flow(producer, consumer, tensor, 30000 * MS));
    assert_int_equal(kill(stopped, SIGSTOP), 0);
    for (int n = 0; n < 200000; n++)                       /* ten times what fits between a stopped reader and its publisher */
    {
        (void)tp_producer_offer_frame(producer, tensor, "frame", 5, NULL);
        if (0 == n % 20) { while (1 == tp_consumer_next(consumer, &view, 0)) { } }
        if (0 == n % 1000) { nap(2 * MS); }
    }
    assert_true(frames_flow(producer, consumer, tensor, 30000 * MS));
    if (tp_consumer_open(&late, client, STREAM) < 0) { fail_msg("%s", tp_errmsg()); }                /* the control stream works as well */
    assert_int_equal(kill(stopped, SIGKILL), 0);
    assert_int_equal(waitpid(stopped, NULL, 0), stopped);
    tp_client_close(client);
    tp_tensor_template_close(tensor);
    assert_int_equal(kill(driver, SIGKILL), 0);
    assert_int_equal(waitpid(driver, NULL, 0), driver);
}

int main(int argc, char **argv)
{
    if (3 == argc && 0 == strcmp(argv[1], "driver")) { return be_driver(argv[2]); }
    if (3 == argc && 0 == strcmp(argv[1], "consumer")) { return be_consumer(); }
    self = argv[0];
    (void)snprintf(dir, sizeof(dir), "/dev/shm/tp-test-%ld-kill", (long)getpid());
    char run[128];
    (void)snprintf(run, sizeof(run), "%s/run", dir);
    if (0 != mkdir(dir, 0755) || 0 != setenv("TP_RUNTIME_DIR", run, 1) || 0 != unsetenv("AERON_DIR") || 0 != unsetenv("TP_AERON_DIR")) { return 1; }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stopped_process_holds_nobody_up__A6_W_122),
        cmocka_unit_test(clients_follow_a_killed_driver_to_its_successor__D_154_D_158_D_159),
    };
    const int rc = cmocka_run_group_tests(tests, NULL, NULL);
    (void)nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    return rc;
}
