/* The public provider over a real media driver: its thread, its lock, answers in fragments, endpoints that nobody listens on. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <tensor_pool/common/tp_error.h>
#include <tensor_pool/discovery/tp_discovery_provider.h>
#include <tensor_pool/driver/tp_media_driver.h>

#include "bus/bus.h"
#include "codec/codec_discovery.h"
#include "codec/codec_wire.h"
#include "common/clock.h"

#define MS INT64_C(1000000)
#define IPC "aeron:ipc?term-length=1m"
#define ANNOUNCES 1001
#define REQUESTS 7000
#define ANSWERS 7004
#define DEADLINE_NS (60000 * MS)
#define REPEAT_NS (3000 * MS)

static char dir[64];
static tp_media_driver_t *media;
static tp_discovery_provider_t *provider;
static tpi_bus_t *bus;
static tpi_publication_t *announces;
static tpi_publication_t *requests;
static tpi_subscription_t *answers;
static uint32_t streams;                       /* announced by the test, from 10000 on */
static int64_t announced_ns;
static uint64_t next_id;
static struct { uint64_t id; uint8_t status; uint32_t count; size_t length; size_t number; } last;

static void put(char *target, size_t size, const char *text) { (void)snprintf(target, size, "%s", text); }

static void configure(tp_discovery_provider_config_t *config)
{
    tp_discovery_provider_config_init(config);
    put(config->aeron_dir, sizeof(config->aeron_dir), dir);
    put(config->request_channel, sizeof(config->request_channel), IPC);
    config->request_stream_id = REQUESTS;
    tp_discovery_source_config_t *const source = tp_discovery_provider_config_add_source(config);
    assert_non_null(source);
    put(source->announce_channel, sizeof(source->announce_channel), IPC);
    put(source->metadata_channel, sizeof(source->metadata_channel), IPC);
    put(source->driver_instance_id, sizeof(source->driver_instance_id), "drv-a");
    put(source->driver_control_channel, sizeof(source->driver_control_channel), IPC);
    source->announce_stream_id = ANNOUNCES;
    source->metadata_stream_id = 1300;
    source->announce_period_ms = 10000;        /* nothing expires while a busy machine lets this test wait */
    source->driver_control_stream_id = 1000;
}

static void on_answer(void *clientd, const tpi_message_t *message)
{
    tpc_discovery_response_t response;
    (void)clientd;
    if (TPC_OK != tpc_discovery_response_decode(&response, message->data, message->length)) { fail_msg("no response"); return; }
    last.id = response.request_id;
    last.status = response.status;
    last.count = response.result_count;
    last.length = message->length;
    last.number++;
}

static void nap(void)
{
    const struct timespec pause = { 0, 500000 };
    (void)nanosleep(&pause, NULL);
}

static void announce_all(int64_t now_ns)
{
    static char uri[4000];
    static uint8_t buffer[65536];
    memset(uri, 'x', sizeof(uri) - 1);
    memcpy(uri, "shm:file?path=/", 15);
    for (uint32_t i = 0; i < streams; i++)
    {
        tpc_pool_announce_t a = TPC_POOL_ANNOUNCE_INIT;
        a.stream_id = 10000 + i;
        a.producer_id = 42;
        a.epoch = 5;
        a.announce_timestamp_ns = (uint64_t)now_ns;
        a.announce_clock_domain = TPC_CLOCK_MONOTONIC;
        a.layout_version = 1;
        a.header_nslots = 64;
        a.header_slot_bytes = 256;
        a.pool_count = 1;
        a.pools[0] = (tpc_pool_entry_t){ 1, 64, 4096, tpc_bytes(uri) };
        a.header_region_uri = tpc_bytes("shm:file?path=/h");
        const int64_t length = tpc_pool_announce_encode(buffer, sizeof(buffer), &a);
        assert_true(length > 0);
        (void)tpi_publication_offer(announces, buffer, (size_t)length);        /* what is lost is announced again */
    }
}

static void turn(void)
{
    const int64_t now_ns = tpi_clock_monotonic_ns();
    assert_true(tpi_bus_do_work(bus, now_ns) >= 0);
    if (NULL != answers) { (void)tpi_subscription_poll(answers, on_answer, NULL, 64); }
    if (now_ns - announced_ns > 200 * MS)
    {
        announced_ns = now_ns;
        announce_all(now_ns);
    }
    nap();
}

static tpi_publication_t *publish(int32_t stream_id)
{
    tpi_bus_async_t *async = NULL;
    tpi_publication_t *publication = NULL;
    assert_int_equal(tpi_bus_add_publication(bus, &async, IPC, stream_id), 0);
    while (NULL == publication)
    {
        turn();
        assert_true(tpi_bus_add_publication_poll(async, &publication) >= 0);
    }
    return publication;
}

static void request_to(const char *channel, uint32_t response_stream_id)
{
    uint8_t buffer[256];
    tpc_discovery_request_t m = TPC_DISCOVERY_REQUEST_INIT;
    m.request_id = ++next_id;
    m.client_id = 7;
    m.response_stream_id = response_stream_id;
    m.response_channel = tpc_bytes(channel);
    const int64_t length = tpc_discovery_request_encode(buffer, sizeof(buffer), &m);
    assert_true(length > 0);
    const int64_t deadline_ns = tpi_clock_monotonic_ns() + DEADLINE_NS;
    while (tpi_publication_offer(requests, buffer, (size_t)length) <= 0)
    {
        turn();
        assert_true(tpi_clock_monotonic_ns() < deadline_ns);
    }
}

static void request(uint32_t response_stream_id) { request_to("aeron:ipc", response_stream_id); }

/* How long the answer took. */
static int64_t ask(void)
{
    const int64_t start_ns = tpi_clock_monotonic_ns();
    int64_t again_ns = start_ns;
    do
    {
        if (tpi_clock_monotonic_ns() >= again_ns)      /* an answer is kept for a second only: too short for a busy machine */
        {
            request(ANSWERS);
            again_ns = tpi_clock_monotonic_ns() + REPEAT_NS;
        }
        turn();
        if (tpi_clock_monotonic_ns() - start_ns > DEADLINE_NS) { fail_msg("no answer"); }
    }
    while (last.id != next_id);
    return tpi_clock_monotonic_ns() - start_ns;
}

static int setup(void **state)
{
    (void)state;
    tp_discovery_provider_config_t config;
    (void)snprintf(dir, sizeof(dir), "/dev/shm/tp-test-discovery-%ld", (long)getpid());
    const tp_media_driver_config_t m = { .size = sizeof(m), .aeron_dir = dir, .delete_on_close = true, .delete_on_start = true };
    const tpi_bus_aeron_config_t b = { .aeron_dir = dir, .client_name = "test", .connect_timeout_ns = DEADLINE_NS };
    if (tp_media_driver_launch(&media, &m) < 0) { fail_msg("%s", tp_errmsg()); }
    configure(&config);
    if (tp_discovery_provider_init(&provider, &config) < 0) { fail_msg("%s", tp_errmsg()); }
    tp_discovery_provider_config_fini(&config);
    assert_int_equal(tp_discovery_provider_start(provider), 0);
    streams = 0;
    announced_ns = 0;
    memset(&last, 0, sizeof(last));
    assert_int_equal(tpi_bus_aeron_open(&bus, &b), 0);
    announces = publish(ANNOUNCES);
    requests = publish(REQUESTS);
    tpi_bus_async_t *async = NULL;
    const tpi_subscription_config_t s = { .channel = "aeron:ipc", .stream_id = ANSWERS };
    assert_int_equal(tpi_bus_add_subscription(bus, &async, &s), 0);
    while (NULL == answers)
    {
        turn();
        assert_true(tpi_bus_add_subscription_poll(async, &answers) >= 0);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tp_discovery_provider_close(provider);
    provider = NULL;
    tpi_bus_close(bus);
    announces = requests = NULL;
    answers = NULL;
    tp_media_driver_close(media);
    assert_int_equal(access(dir, F_OK), -1);
    return 0;
}

static tp_discovery_provider_stats_t stats(void)
{
    tp_discovery_provider_stats_t s = { .size = sizeof(s) };
    assert_int_equal(tp_discovery_provider_stats(provider, &s), 0);
    return s;
}

static void wait_for_streams(uint32_t count)
{
    const int64_t deadline_ns = tpi_clock_monotonic_ns() + DEADLINE_NS;
    streams = count;
    while (stats().streams < count)
    {
        turn();
        assert_true(tpi_clock_monotonic_ns() < deadline_ns);
    }
}

static void a_long_answer_comes_in_fragments__X_018_X_032_O_14(void **state)
{
    (void)state;
    wait_for_streams(100);
    (void)ask();
    assert_int_equal(last.status, TPC_DISCOVERY_OK);
    assert_int_equal(last.count, 100);
    assert_true(last.length > 400000);
}

static size_t logs(void)
{
    char path[96];
    size_t count = 0;
    (void)snprintf(path, sizeof(path), "%s/publications", dir);
    DIR *const folder = opendir(path);
    if (NULL == folder) { return 0; }
    while (NULL != readdir(folder)) { count++; }
    (void)closedir(folder);
    return count;
}

static void endpoints_without_listener_delay_nobody_else__X_096(void **state)
{
    (void)state;
    wait_for_streams(1);
    const size_t before = logs();
    for (uint32_t i = 0; i < 150; i++) { request(20000 + i); }
    const int64_t took_ns = ask();
    if (took_ns > 1000 * MS) { print_message("a good request took %lld ms beside 150 bad ones\n", (long long)(took_ns / MS)); }
    assert_int_equal(last.count, 1);
    assert_true(stats().publications <= 32);
    assert_true(stats().publications_evicted > 0);
    const int64_t deadline_ns = tpi_clock_monotonic_ns() + DEADLINE_NS;
    while (0 != stats().responses_waiting || logs() > before + 34)         /* the media driver frees the logs of closed ones in its time */
    {
        turn();
        assert_true(tpi_clock_monotonic_ns() < deadline_ns);
    }
    assert_true(stats().responses_dropped >= 100);
}

/* They pass the list of allowed channels, and the media driver refuses them. */
static void channels_that_are_none_are_counted_and_harm_nobody__X_096_X_097(void **state)
{
    static const char *const channels[] = { "aeron:ipc?term-length=7", "aeron:ipc?session-id=x", "aeron:ipc?init-term-id=1", "aeron:ipc?mtu=1" };
    const size_t count = sizeof(channels) / sizeof(channels[0]);
    (void)state;
    wait_for_streams(1);
    for (uint32_t i = 0; i < count; i++) { request_to(channels[i], 20000 + i); }
    const int64_t deadline_ns = tpi_clock_monotonic_ns() + DEADLINE_NS;
    while (stats().publications_failed < count)
    {
        turn();
        if (tpi_clock_monotonic_ns() > deadline_ns) { fail_msg("%llu of %zu were refused", (unsigned long long)stats().publications_failed, count); }
    }
    (void)ask();
    assert_int_equal(last.count, 1);
    assert_true(tp_discovery_provider_is_running(provider));
}

static int policy_error;
static tp_discovery_provider_access_t nosy(void *clientd, uint32_t client_id, const tp_discovery_provider_stream_t *stream)
{
    tp_discovery_provider_stats_t s = { .size = sizeof(s) };
    (void)clientd;
    (void)stream;
    policy_error = tp_discovery_provider_stats(provider, &s) < 0 ? tp_errcode() : 0;
    return 7 == client_id ? TP_DISCOVERY_PROVIDER_HIDE : TP_DISCOVERY_PROVIDER_SHOW;
}

static void calls_of_other_threads_are_taken_in_and_calls_of_the_policy_refused__X_088_X_089_X_099(void **state)
{
    static const char *const tags[] = { "cam", "nir" };
    (void)state;
    wait_for_streams(1);
    assert_int_equal(tp_discovery_provider_set_stream(provider, 10000, 77, tags, 2), 0);
    assert_int_equal(tp_discovery_provider_set_stream(provider, 10000, 77, tags, 65), -1);
    assert_int_equal(tp_errcode(), TP_EINVAL);
    assert_int_equal(tp_discovery_provider_set_stream(provider, 10000, 77, NULL, 1), -1);
    assert_int_equal(tp_discovery_provider_move_driver(provider, "drv-a", IPC, 1002), 0);
    assert_int_equal(tp_discovery_provider_move_driver(provider, "drv-x", IPC, 1002), -1);
    assert_int_equal(tp_errcode(), TP_ENOENT);
    (void)ask();
    assert_int_equal(last.count, 1);
    tp_discovery_provider_set_policy(provider, nosy, NULL);
    (void)ask();
    assert_int_equal(last.status, TPC_DISCOVERY_NOT_FOUND);
    assert_int_equal(policy_error, TP_ESTATE);
}

static void one_thread_runs_it__L1(void **state)
{
    (void)state;
    assert_int_equal(tp_discovery_provider_do_work(provider), -1);
    assert_int_equal(tp_errcode(), TP_ETHREAD);
    assert_int_equal(tp_discovery_provider_start(provider), -1);
    assert_int_equal(tp_errcode(), TP_ESTATE);
    assert_true(tp_discovery_provider_is_running(provider));
    assert_int_equal(tp_discovery_provider_do_work(NULL), -1);
    tp_discovery_provider_close(NULL);
}

static void stats_of_an_older_program_are_cut_to_its_size(void **state)
{
    (void)state;
    tp_discovery_provider_stats_t s;
    memset(&s, 0xa5, sizeof(s));
    s.size = (uint32_t)offsetof(tp_discovery_provider_stats_t, announces_ignored);
    assert_int_equal(tp_discovery_provider_stats(provider, &s), 0);
    assert_int_equal(s.size, offsetof(tp_discovery_provider_stats_t, announces_ignored));
    assert_true(0 == s.announces_accepted);
    assert_true(UINT64_C(0xa5a5a5a5a5a5a5a5) == s.announces_ignored);
    s.size = 8;
    assert_int_equal(tp_discovery_provider_stats(provider, &s), -1);
}

/* In a loop of one's own; the second one fails with a name for it, and the first notices when the media driver goes. */
static void it_runs_in_a_loop_of_ones_own_and_notices_a_lost_media_driver(void **state)
{
    (void)state;
    tp_discovery_provider_config_t config;
    tp_discovery_provider_t *own = NULL;
    configure(&config);
    assert_int_equal(tp_discovery_provider_init(&own, &config), 0);
    assert_true(tp_discovery_provider_do_work(own) >= 0);
    assert_in_range(tp_discovery_provider_park_limit_ns(own), 1, 20 * MS);
    put(config.aeron_dir, sizeof(config.aeron_dir), "/dev/shm/tp-test-nowhere");
    tp_discovery_provider_t *none = NULL;
    assert_int_equal(tp_discovery_provider_init(&none, &config), -1);
    assert_int_equal(tp_errcode(), TP_ENOMEDIADRIVER);
    put(config.aeron_dir, sizeof(config.aeron_dir), dir);
    put(config.request_channel, sizeof(config.request_channel), "aeron:nothing");
    assert_int_equal(tp_discovery_provider_init(&none, &config), -1);
    assert_int_equal(tp_errcode(), TP_ECHANNEL);
    assert_null(none);
    tp_discovery_provider_config_fini(&config);
    tp_discovery_provider_close(provider);
    provider = NULL;
    tpi_bus_close(bus);
    bus = NULL;
    tp_media_driver_close(media);
    media = NULL;
    const int64_t deadline_ns = tpi_clock_monotonic_ns() + DEADLINE_NS;
    while (tp_discovery_provider_do_work(own) >= 0)
    {
        nap();
        assert_true(tpi_clock_monotonic_ns() < deadline_ns);
    }
    assert_int_equal(tp_errcode(), TP_EMEDIADRIVER);
    assert_false(tp_discovery_provider_is_running(own));
    tp_discovery_provider_close(own);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = { TEST(a_long_answer_comes_in_fragments__X_018_X_032_O_14),
        TEST(endpoints_without_listener_delay_nobody_else__X_096), TEST(channels_that_are_none_are_counted_and_harm_nobody__X_096_X_097),
        TEST(calls_of_other_threads_are_taken_in_and_calls_of_the_policy_refused__X_088_X_089_X_099), TEST(one_thread_runs_it__L1),
        TEST(stats_of_an_older_program_are_cut_to_its_size), TEST(it_runs_in_a_loop_of_ones_own_and_notices_a_lost_media_driver) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
