/* The public driver inside this process: its own media driver, thread, endpoint file, and a client of ours that sends a first frame. */
#include <glob.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <stdatomic.h>
#include <string.h>

#include <tensor_pool/tp.h>

#include "embedded_rig.h"

static int setup(void **state)
{
    (void)state;
    new_root("embedded");
    configure(&driver_config);
    start_driver();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    close_driver();
    tp_driver_config_fini(&driver_config);
    assert_int_equal(rmdir(driver_config.runtime_dir), 0);        /* endpoint file and socket are gone */
    assert_int_equal(rmdir(root), 0);                      /* D-204: nothing below the base */
    assert_int_equal(access(driver_config.aeron_dir, F_OK), -1);
    return 0;
}

static void the_endpoint_file_tells_where_it_is__D_198(void **state)
{
    (void)state;
    assert_non_null(strstr(tp_driver_endpoint_file(driver), driver_config.runtime_dir));
    assert_int_equal(access(tp_driver_endpoint_file(driver), R_OK), 0);
    assert_string_equal(tp_driver_aeron_dir(driver), driver_config.aeron_dir);
    assert_int_equal(tp_driver_state(driver), TP_DRIVER_RUNNING);
}

static void a_namesake_is_refused__D_002(void **state)
{
    (void)state;
    tp_driver_t *second = NULL;
    tp_driver_config_t other = driver_config;
    (void)snprintf(other.media_driver, sizeof(other.media_driver), "external");
    assert_int_equal(tp_driver_init(&second, &other), -1);
    assert_int_equal(tp_errcode(), TP_EOWNED);
    (void)snprintf(other.shm_namespace, sizeof(other.shm_namespace), "elsewhere");
    assert_int_equal(tp_driver_init(&second, &other), -1);
    assert_int_equal(tp_errcode(), TP_EOWNED);
    assert_non_null(strstr(tp_errmsg(), "driver-01"));
    assert_null(second);
}

static void a_second_runner_is_refused__L1(void **state)
{
    (void)state;
    assert_int_equal(tp_driver_do_work(NULL), -1);
    assert_int_equal(tp_errcode(), TP_EINVAL);
    assert_int_equal(tp_driver_init(NULL, NULL), -1);
    assert_int_equal(tp_errcode(), TP_EINVAL);
    assert_true(tp_driver_do_work(driver) >= 0);
    assert_int_equal(tp_driver_start(driver), 0);
    assert_int_equal(tp_driver_do_work(driver), -1);
    assert_int_equal(tp_errcode(), TP_ETHREAD);
    assert_int_equal(tp_driver_start(driver), -1);
    assert_int_equal(tp_errcode(), TP_ESTATE);
}

static void shutdown_from_another_thread_stops_it__D_152(void **state)
{
    (void)state;
    assert_int_equal(tp_driver_start(driver), 0);
    tp_driver_shutdown(driver, 0, true);
    const int64_t deadline_ns = now_ns() + PATIENCE_NS;
    while (TP_DRIVER_STOPPED != tp_driver_state(driver) && now_ns() < deadline_ns) { nap(); }
    assert_int_equal(tp_driver_state(driver), TP_DRIVER_STOPPED);
}

/* The layout of 20-driver.md 5.2, as with a driver of its own process. */
static void directories_are_those_of_any_driver(uint32_t stream_id)
{
    char pattern[256];
    glob_t found;
    (void)snprintf(pattern, sizeof(pattern), "%s/tensorpool-%s/default/%u/[1-9]*/header.ring", root, getpwuid(geteuid())->pw_name, stream_id);
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    globfree(&found);
}

static atomic_int reloads;

static int with_another_stream(void *clientd, tp_driver_config_t *c)
{
    configure(c);
    assert_non_null(tp_driver_config_add_stream(c, "late", *(const uint32_t *)clientd, "default"));
    (void)atomic_fetch_add(&reloads, 1);
    return 0;
}

static void a_reload_from_another_thread_brings_a_new_stream(void **state)
{
    (void)state;
    static const uint32_t late = 10500;
    tp_client_t *client = NULL;
    tp_producer_t *producer = NULL;
    tp_driver_set_config_source(driver, with_another_stream, (void *)(uintptr_t)&late);
    assert_int_equal(tp_driver_start(driver), 0);
    assert_int_equal(tp_connect(&client, NULL), 0);
    assert_int_equal(tp_producer_open(&producer, client, late), -1);
    assert_int_equal(tp_errcode(), TP_ENOSTREAM);
    tp_driver_reload(driver);
    const int64_t deadline_ns = now_ns() + PATIENCE_NS;
    while (NULL == producer && now_ns() < deadline_ns && tp_producer_open(&producer, client, late) < 0) { nap(); }
    assert_non_null(producer);
    assert_int_equal(atomic_load(&reloads), 1);
    directories_are_those_of_any_driver(late);
    tp_client_close(client);
}

static void a_producer_sends_its_first_frame__D_197(void **state)
{
    (void)state;
    tp_client_t *client = NULL;
    tp_producer_t *producer = NULL;
    tp_tensor_template_t *shape = NULL;
    tp_buffer_claim_t claim;
    assert_int_equal(tp_driver_start(driver), 0);
    if (tp_connect(&client, NULL) < 0) { fail_msg("%s", tp_errmsg()); }
    const int64_t begin_ns = now_ns();
    if (tp_producer_open(&producer, client, 10000) < 0) { fail_msg("%s", tp_errmsg()); }
    assert_int_equal(tp_tensor_template_init(&shape, TP_DTYPE_UINT16, TP_ROW_MAJOR, 2, (int32_t[]){ 480, 640 }), 0);
    memset(&claim, 0, sizeof(claim));
    claim.size = sizeof(claim);
    int64_t seq = -1;
    while (seq < 0 && now_ns() - begin_ns < PATIENCE_NS)
    {
        seq = tp_producer_try_claim(producer, shape, &claim);
        if (seq < 0) { nap(); }
    }
    assert_int_equal(seq, 0);
    memset(claim.payload, 1, 480 * 640 * 2);
    assert_true(tp_producer_commit_claim(producer, &claim, NULL) != TP_LEASE_LOST);
    directories_are_those_of_any_driver(10000);
    tp_client_close(client);
    tp_tensor_template_close(shape);
}

/* Whoever waits for the endpoint file and asks for a name then shall not be told that there is none. */
static void streams_have_their_names_as_soon_as_the_endpoint_file_is_there(void **state)
{
    (void)state;
    tp_counters_t *counters = NULL;
    tp_stream_ref_t stream = { .size = sizeof(stream) };
    assert_true(driver_config.stream_count > 0);
    assert_int_equal(tp_counters_open(&counters, driver_config.aeron_dir), 0);
    for (uint32_t i = 0; i < driver_config.stream_count; i++)
    {
        if (tp_counters_stream_find(counters, driver_config.streams[i].name, &stream) < 0) { fail_msg("%s", tp_errmsg()); }
        assert_int_equal(stream.stream_id, driver_config.streams[i].stream_id);
    }
    tp_counters_close(counters);
}

/* Turns the driver until it would sleep as long as it may. */
static int64_t quiet_limit_ns(void)
{
    const int64_t deadline_ns = now_ns() + PATIENCE_NS;
    int64_t limit_ns = 0;
    while (limit_ns <= 1000000 && now_ns() < deadline_ns)
    {
        assert_true(tp_driver_do_work(driver) >= 0);
        limit_ns = tp_driver_park_limit_ns(driver);
    }
    return limit_ns;
}

static bool has_something_to_do(int timeout_ms)
{
    struct pollfd one = { .fd = tp_driver_event_fd(driver), .events = POLLIN };
    return 1 == poll(&one, 1, timeout_ms);
}

static void restart_with(const char *idle, uint32_t announce_period_ms)
{
    close_driver();
    (void)snprintf(driver_config.idle, sizeof(driver_config.idle), "%s", idle);
    driver_config.announce_period_ms = announce_period_ms;
    start_driver();
}

static void it_sleeps_as_long_as_no_deadline_is_late_by_much__L_307(void **state)
{
    (void)state;
    assert_int_equal(quiet_limit_ns(), 100000000);
    restart_with("sleep", 80);
    assert_int_equal(quiet_limit_ns(), 10000000);
    restart_with("backoff", 1000);
    assert_int_equal(quiet_limit_ns(), 15000000);
    restart_with("spin", 1000);
    for (int i = 0; i < 1000; i++)
    {
        assert_true(tp_driver_do_work(driver) >= 0);
        assert_int_equal(tp_driver_park_limit_ns(driver), 0);
    }
    restart_with("sleep", 1000);
    tp_driver_shutdown(driver, 0, false);                         /* draining: something is under way */
    assert_true(tp_driver_do_work(driver) >= 0);
    assert_int_equal(tp_driver_park_limit_ns(driver), 1000000);
}

/* No work of ours ends these waits but the ring: nobody waits for a minute, and a sleep of the media driver moves nothing. */
static void a_client_that_attaches_tells_the_driver_that_there_is_something_to_do__L_306(void **state)
{
    (void)state;
    tp_context_t *context = NULL;
    tp_client_t *client = NULL;
    tp_producer_context_t *what = NULL;
    tp_async_add_producer_t *opening = NULL;
    tp_producer_t *producer = NULL;
    assert_int_equal(tp_driver_event_fd(NULL), -1);
    assert_int_equal(tp_context_init(&context), 0);
    assert_int_equal(tp_context_set_use_agent_invoker(context, true), 0);
    assert_int_equal(tp_client_init(&client, context), 0);
    assert_int_equal(tp_producer_context_init(&what), 0);
    assert_int_equal(tp_producer_context_set_stream_id(what, 10000), 0);
    assert_int_equal(tp_async_add_producer(&opening, client, what), 0);
    const int64_t deadline_ns = now_ns() + PATIENCE_NS;
    int told = 0;
    int rc = 0;
    while (0 == rc && now_ns() < deadline_ns)
    {
        assert_true(tp_client_do_work(client) >= 0);
        if (has_something_to_do(1))                              /* the driver is turned when it is told to, and never else */
        {
            told++;
            for (int i = 0; i < 3; i++) { assert_true(tp_driver_do_work(driver) >= 0); }
        }
        rc = tp_async_add_producer_poll(opening, &producer);
    }
    if (1 != rc) { fail_msg("%d: %s", rc, tp_errmsg()); }
    assert_true(told > 0);
    tp_client_close(client);
    tp_producer_context_close(what);
    tp_context_close(context);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = { T(the_endpoint_file_tells_where_it_is__D_198), T(a_namesake_is_refused__D_002),
        T(a_second_runner_is_refused__L1), T(shutdown_from_another_thread_stops_it__D_152), T(a_producer_sends_its_first_frame__D_197),
        T(it_sleeps_as_long_as_no_deadline_is_late_by_much__L_307),
        T(a_client_that_attaches_tells_the_driver_that_there_is_something_to_do__L_306),
        T(a_reload_from_another_thread_brings_a_new_stream), T(streams_have_their_names_as_soon_as_the_endpoint_file_is_there) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
