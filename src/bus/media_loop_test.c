/*
 * How an embedded media driver sleeps: the decision alone, and a media driver that is asked for things while it sleeps. What it did is counted, never
 * timed.
 */
#include "bus/media_loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "bus/bus.h"
#include "bus/bus_test_rig.h"
#include "bus/media_driver.h"
#include "common/clock.h"
#include "common/err.h"

#define CHANNEL "aeron:ipc?term-length=64k"
#define WAIT_NS (60 * TPI_NS_PER_S)
#define MS TPI_NS_PER_MS

/* ---- the decision ----------------------------------------------------------------------------------------------------------- */

static void sleeps_grow_while_nothing_happens__L_302(void **state)
{
    (void)state;
    tpi_media_idle_t idle;
    tpi_media_idle_init(&idle, TPI_MEDIA_IDLE_SLEEP, 0);
    int64_t last_ns = 0;
    for (int i = 0; i < 12; i++)
    {
        const int64_t park_ns = tpi_media_idle_step(&idle, false, false);
        assert_true(park_ns > last_ns || TPI_MEDIA_PARK_SLEEP_NS == park_ns);
        last_ns = park_ns;
    }
    assert_int_equal(last_ns, TPI_MEDIA_PARK_SLEEP_NS);
    assert_int_equal(tpi_media_idle_step(&idle, true, false), 0);                  /* work starts over */
    assert_int_equal(tpi_media_idle_step(&idle, false, false), TPI_MEDIA_PARK_MIN_NS);
}

static void no_sleep_is_longer_than_a_millisecond_while_positions_move__L_302(void **state)
{
    (void)state;
    tpi_media_idle_t idle;
    tpi_media_idle_init(&idle, TPI_MEDIA_IDLE_SLEEP, 0);
    for (int i = 0; i < 100; i++)
    {
        const bool asks = tpi_media_idle_asks(&idle);
        const int64_t park_ns = tpi_media_idle_step(&idle, false, asks);
        assert_true(park_ns <= TPI_MEDIA_PARK_MOVING_NS);
    }
    (void)tpi_media_idle_step(&idle, false, false);                                /* they stopped: it may grow again */
    assert_true(tpi_media_idle_step(&idle, false, false) > TPI_MEDIA_PARK_MOVING_NS);
    while (TPI_MEDIA_PARK_SLEEP_NS != tpi_media_idle_step(&idle, false, false)) { }
    assert_int_equal(tpi_media_idle_step(&idle, false, true), TPI_MEDIA_PARK_MOVING_NS);
}

static void the_longest_sleep_is_what_was_said__L_302(void **state)
{
    (void)state;
    tpi_media_idle_t idle;
    tpi_media_idle_init(&idle, TPI_MEDIA_IDLE_SLEEP, 3 * MS);
    for (int i = 0; i < 20; i++) { assert_true(tpi_media_idle_step(&idle, false, false) <= 3 * MS); }
    assert_int_equal(tpi_media_idle_step(&idle, false, false), 3 * MS);
    tpi_media_idle_init(&idle, TPI_MEDIA_IDLE_SLEEP, 1000);
    assert_int_equal(tpi_media_idle_step(&idle, false, false), 1000);
    assert_int_equal(tpi_media_idle_step(&idle, false, false), 1000);
}

static void backoff_looks_often_before_it_sleeps_and_spin_never_sleeps__L_304(void **state)
{
    (void)state;
    tpi_media_idle_t idle;
    tpi_media_idle_init(&idle, TPI_MEDIA_IDLE_BACKOFF, 0);
    for (int i = 0; i < 30; i++) { assert_int_equal(tpi_media_idle_step(&idle, false, false), 0); }
    assert_int_equal(tpi_media_idle_step(&idle, false, false), TPI_MEDIA_PARK_MIN_NS);
    for (int i = 0; i < 20; i++) { assert_true(tpi_media_idle_step(&idle, false, false) <= TPI_MEDIA_PARK_BACKOFF_NS); }
    assert_int_equal(tpi_media_idle_step(&idle, false, true), TPI_MEDIA_PARK_BACKOFF_NS);      /* as ever: it does not ask what moves */
    tpi_media_idle_init(&idle, TPI_MEDIA_IDLE_SPIN, 0);
    for (int i = 0; i < 100; i++) { assert_int_equal(tpi_media_idle_step(&idle, false, false), 0); }
}

static void the_three_ways_have_names__L_304(void **state)
{
    (void)state;
    tpi_media_idle_kind_t kind = TPI_MEDIA_IDLE_SPIN;
    assert_int_equal(tpi_media_idle_kind_from_name(&kind, NULL), 0);
    assert_int_equal(kind, TPI_MEDIA_IDLE_SLEEP);
    assert_int_equal(tpi_media_idle_kind_from_name(&kind, "backoff"), 0);
    assert_int_equal(kind, TPI_MEDIA_IDLE_BACKOFF);
    assert_int_equal(tpi_media_idle_kind_from_name(&kind, "spin"), 0);
    assert_int_equal(kind, TPI_MEDIA_IDLE_SPIN);
    assert_int_equal(tpi_media_idle_kind_from_name(&kind, "spinning"), -1);
    assert_int_equal(tp_errcode(), TP_EINVAL);
    assert_int_equal(kind, TPI_MEDIA_IDLE_SPIN);
}

/* ---- a media driver --------------------------------------------------------------------------------------------------------- */

static tp_media_driver_t *launch(const char *dir, const char *idle)
{
    tp_media_driver_t *driver = NULL;
    const tp_media_driver_config_t config = { .size = sizeof(config), .aeron_dir = dir, .delete_on_close = true, .delete_on_start = true,
        .idle = idle };
    if (tp_media_driver_launch(&driver, &config) < 0) { fail_msg("%s; %s", tp_errmsg(), tp_errwhy()); }
    return driver;
}

static tpi_bus_t *open_bus(const char *dir)
{
    const tpi_bus_aeron_config_t config = { .aeron_dir = dir, .connect_timeout_ns = WAIT_NS };
    tpi_bus_t *bus = NULL;
    if (tpi_bus_aeron_open(&bus, &config) < 0) { fail_msg("%s; %s", tp_errmsg(), tp_errwhy()); }
    return bus;
}

static tpi_media_stats_t stats_of(const tp_media_driver_t *driver)
{
    tpi_media_stats_t stats;
    tpi_media_driver_stats(driver, &stats);
    return stats;
}

static void turn(tpi_bus_t *bus, int64_t deadline_ns)
{
    if (tpi_bus_do_work(bus, tpi_clock_monotonic_ns()) < 0) { fail_msg("%s; %s", tp_errmsg(), tp_errwhy()); }
    assert_true(tpi_clock_monotonic_ns() < deadline_ns);
}

static void await_long_sleep(const tp_media_driver_t *driver, tpi_bus_t *bus)
{
    const int64_t deadline_ns = tpi_clock_monotonic_ns() + WAIT_NS;
    const uint64_t before = stats_of(driver).long_sleeps;
    while (stats_of(driver).long_sleeps < before + 3)
    {
        turn(bus, deadline_ns);
        (void)usleep(1000);
    }
}

static tpi_publication_t *add_publication(tpi_bus_t *bus, int32_t stream_id)
{
    const int64_t deadline_ns = tpi_clock_monotonic_ns() + WAIT_NS;
    tpi_bus_async_t *async = NULL;
    tpi_publication_t *pub = NULL;
    assert_int_equal(tpi_bus_add_publication(bus, &async, CHANNEL, stream_id), 0);
    while (0 == tpi_bus_add_publication_poll(async, &pub)) { turn(bus, deadline_ns); }
    assert_non_null(pub);
    return pub;
}

static tpi_subscription_t *add_subscription(tpi_bus_t *bus, int32_t stream_id)
{
    const int64_t deadline_ns = tpi_clock_monotonic_ns() + WAIT_NS;
    const tpi_subscription_config_t config = { .channel = CHANNEL, .stream_id = stream_id };
    tpi_bus_async_t *async = NULL;
    tpi_subscription_t *sub = NULL;
    assert_int_equal(tpi_bus_add_subscription(bus, &async, &config), 0);
    while (0 == tpi_bus_add_subscription_poll(async, &sub)) { turn(bus, deadline_ns); }
    assert_non_null(sub);
    return sub;
}

static void count_stir(void *clientd) { (void)atomic_fetch_add((atomic_int *)clientd, 1); }

static void a_sleeping_media_driver_is_woken_by_each_command__L_301(void **state)
{
    (void)state;
    const char *const dir = tpi_test_dir("bell");
    tp_media_driver_t *const driver = launch(dir, NULL);
    tpi_bus_t *const bus = open_bus(dir);
    tpi_doorbell_t *const bell = tpi_doorbell_find(dir);
    assert_non_null(bell);
    atomic_int stirs = 0;
    int woken_by = 0;
    tpi_media_driver_set_on_stir(driver, count_stir, &stirs);
    for (int32_t i = 0; i < 5; i++)
    {
        await_long_sleep(driver, bus);
        const uint64_t woken = stats_of(driver).woken;
        const uint32_t rings = tpi_doorbell_rings(bell);
        const int stirred = atomic_load(&stirs);
        tpi_publication_t *const pub = add_publication(bus, 1300 + i);
        assert_true(tpi_doorbell_rings(bell) > rings);
        /* a sleep may have been over by itself, or the command was found before the bell was heard */
        if (stats_of(driver).woken > woken && atomic_load(&stirs) > stirred) { woken_by++; }
        tpi_publication_close(pub);
    }
    assert_true(woken_by > 0);
    tpi_doorbell_close(bell);
    await_long_sleep(driver, bus);
    const uint64_t woken = stats_of(driver).woken;
    const int stirred = atomic_load(&stirs);
    tpi_bus_ring(bus);                                          /* for a message */
    const int64_t deadline_ns = tpi_clock_monotonic_ns() + WAIT_NS;
    while (stats_of(driver).woken == woken || atomic_load(&stirs) == stirred) { turn(bus, deadline_ns); }
    tpi_media_driver_set_on_stir(driver, NULL, NULL);
    tpi_bus_close(bus);
    tp_media_driver_close(driver);
    assert_int_equal(access(dir, F_OK), -1);
}

static void on_message(void *clientd, const tpi_message_t *message)
{
    (void)message;
    ++*(int *)clientd;
}

/* Half a term is 32 KiB, of 128 bytes a message: without the media driver's help every 250th message stops the publisher. */
static void limits_move_while_a_publisher_is_fast__L_302_L_303(void **state)
{
    (void)state;
    const char *const dir = tpi_test_dir("fast");
    tp_media_driver_t *const driver = launch(dir, NULL);
    tpi_bus_t *const bus = open_bus(dir);
    tpi_publication_t *const pub = add_publication(bus, 1400);
    tpi_subscription_t *const sub = add_subscription(bus, 1400);
    const int64_t deadline_ns = tpi_clock_monotonic_ns() + WAIT_NS;
    const uint8_t message[96] = { 1 };
    while (!tpi_publication_is_connected(pub) || 0 == tpi_subscription_image_count(sub)) { turn(bus, deadline_ns); }
    await_long_sleep(driver, bus);
    int got = 0;
    int sent = 0;
    while (got < 200000)
    {
        if (tpi_publication_send(pub, message, sizeof(message)) > 0) { sent++; }
        (void)tpi_subscription_poll(sub, on_message, &got, 16);
        if (0 == sent % 64) { turn(bus, deadline_ns); }
    }
    const tpi_media_stats_t stats = stats_of(driver);
    assert_int_equal(stats.long_sleeps_moving, 0);
    assert_true(stats.cycles > 200000 / 250 / 2);                /* it was there when it was needed, not once a sleep */
    tpi_subscription_close(sub);
    tpi_publication_close(pub);
    tpi_bus_close(bus);
    tp_media_driver_close(driver);
}

typedef int64_t (*send_t)(tpi_publication_t *pub);

static int64_t send_any(tpi_publication_t *pub)
{
    const uint8_t message[96] = { 1 };
    return tpi_publication_send(pub, message, sizeof(message));
}

static int64_t send_descriptor(tpi_publication_t *pub)
{
    const uint8_t message[TPI_RECORD_BYTES] = { 1 };
    int64_t result = TP_ADMIN_ACTION;
    while (TP_ADMIN_ACTION == result) { result = tpi_publication_send_prepared(pub, message, sizeof(message)); }
    return result;
}

static void full_publication_rings(const char *name, send_t send)
{
    const char *const dir = tpi_test_dir(name);
    tp_media_driver_t *const driver = launch(dir, NULL);
    tpi_bus_t *const bus = open_bus(dir);
    tpi_publication_t *const pub = add_publication(bus, 1500);
    tpi_subscription_t *const sub = add_subscription(bus, 1500);
    const int64_t deadline_ns = tpi_clock_monotonic_ns() + WAIT_NS;
    while (!tpi_publication_is_connected(pub)) { turn(bus, deadline_ns); }
    int64_t position = 0;
    while (position < 16384)                                     /* the first limit of all is zero */
    {
        position = send(pub);
        turn(bus, deadline_ns);
    }
    await_long_sleep(driver, bus);
    tpi_doorbell_t *const bell = tpi_doorbell_find(dir);
    assert_non_null(bell);
    do                                                           /* the first limit may be that of a subscriber that is not known yet */
    {
        while (TP_BACK_PRESSURED != send(pub)) { turn(bus, deadline_ns); }
        await_long_sleep(driver, bus);
    }
    while (TP_BACK_PRESSURED != send(pub));
    await_long_sleep(driver, bus);
    const uint32_t rings = tpi_doorbell_rings(bell);
    for (int i = 0; i < 1000; i++) { assert_int_equal(send(pub), TP_BACK_PRESSURED); }
    assert_int_equal(tpi_doorbell_rings(bell), rings);           /* nobody reads: the limit stays, a bell would only cost */
    int got = 0;
    while (0 == tpi_subscription_poll(sub, on_message, &got, 1000)) { turn(bus, deadline_ns); }
    while (got < 100)
    {
        turn(bus, deadline_ns);
        (void)tpi_subscription_poll(sub, on_message, &got, 1000);
    }
    await_long_sleep(driver, bus);                               /* the limit has moved */
    const uint32_t before = tpi_doorbell_rings(bell);
    while (TP_BACK_PRESSURED != send(pub)) { assert_true(tpi_clock_monotonic_ns() < deadline_ns); }
    assert_int_equal(tpi_doorbell_rings(bell), before + 1);
    tpi_doorbell_close(bell);
    tpi_subscription_close(sub);
    tpi_publication_close(pub);
    tpi_bus_close(bus);
    tp_media_driver_close(driver);
}

static void a_full_publication_rings_once_for_a_limit__L_303(void **state)
{
    (void)state;
    full_publication_rings("full", send_any);
}

static void a_publication_full_of_descriptors_rings_once_for_a_limit__L_303(void **state)
{
    (void)state;
    full_publication_rings("full-of-descriptors", send_descriptor);
}

static void without_a_doorbell_a_command_waits_for_the_end_of_a_sleep__L_301(void **state)
{
    (void)state;
    const char *const dir = tpi_test_dir("foreign");
    char path[256];
    tp_media_driver_t *const driver = launch(dir, NULL);
    (void)snprintf(path, sizeof(path), "%s/" TPI_DOORBELL_NAME, dir);
    assert_int_equal(unlink(path), 0);                           /* a client that knows of none */
    tpi_bus_t *const bus = open_bus(dir);
    await_long_sleep(driver, bus);
    const uint64_t woken = stats_of(driver).woken;
    tpi_publication_close(add_publication(bus, 1600));
    assert_int_equal(stats_of(driver).woken, woken);
    tpi_bus_close(bus);
    tp_media_driver_close(driver);
}

static void an_idle_media_driver_needs_little_memory__L_305(void **state)
{
    (void)state;
    const char *const dir = tpi_test_dir("small");
    tp_media_driver_t *const driver = launch(dir, "backoff");
    static const char *const files[] = { "cnc.dat", "loss-report.dat", TPI_DOORBELL_NAME };
    int64_t blocks = 0;
    struct stat status;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
    {
        char path[256];
        (void)snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
        assert_int_equal(stat(path, &status), 0);
        blocks += status.st_blocks;
    }
    assert_true(blocks * 512 <= INT64_C(14) << 20);
    assert_true(blocks * 512 >= INT64_C(10) << 20);              /* the records of 16384 counters are there */
    tp_media_driver_close(driver);
}

int main(void)
{
    if (tpi_test_rig_start("ml") < 0) { return 1; }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sleeps_grow_while_nothing_happens__L_302),
        cmocka_unit_test(no_sleep_is_longer_than_a_millisecond_while_positions_move__L_302),
        cmocka_unit_test(the_longest_sleep_is_what_was_said__L_302),
        cmocka_unit_test(backoff_looks_often_before_it_sleeps_and_spin_never_sleeps__L_304),
        cmocka_unit_test(the_three_ways_have_names__L_304),
        cmocka_unit_test(a_sleeping_media_driver_is_woken_by_each_command__L_301),
        cmocka_unit_test(limits_move_while_a_publisher_is_fast__L_302_L_303),
        cmocka_unit_test(a_full_publication_rings_once_for_a_limit__L_303),
        cmocka_unit_test(a_publication_full_of_descriptors_rings_once_for_a_limit__L_303),
        cmocka_unit_test(without_a_doorbell_a_command_waits_for_the_end_of_a_sleep__L_301),
        cmocka_unit_test(an_idle_media_driver_needs_little_memory__L_305),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
