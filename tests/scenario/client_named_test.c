/*
 * Streams by name over a real media driver: two drivers with the same stream ids and source names, one discovery provider that knows both, and
 * clients in both modes. All in one process.
 */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "client/client_state.h"
#include "common/clock.h"
#include "common/err.h"

#include <tensor_pool/discovery/tp_discovery_provider.h>
#include <tensor_pool/driver/tp_driver.h>
#include <tensor_pool/driver/tp_media_driver.h>
#include <tensor_pool/tp.h>

#define MS INT64_C(1000000)
#define IPC "aeron:ipc?term-length=1m"
#define STREAM 10000u
#define DEADLINE_NS (20000 * MS)

static char dir[96];
static tp_media_driver_t *media;
static tp_driver_t *drivers[2];
static tp_discovery_provider_t *provider;
static tp_client_t *client;
static tp_producer_t *producers[2];
static tp_tensor_template_t *shape;
static bool invoker;

static const char *const instances[] = { "drv-a", "drv-b" };

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static void put(char *target, size_t size, const char *text) { (void)snprintf(target, size, "%s", text); }

static void *must(void *object)
{
    if (NULL == object) { fail_msg("%s", tp_errmsg()); }
    return object;
}

static void ok(int rc)
{
    if (0 != rc)
    {
        tpi_err_t err;
        tpi_err_save(&err);
        fail_msg("TP%d %s / %s", err.code, err.msg, err.why);
    }
}

/* ---- the world ---------------------------------------------------------------------------------------------------------- */

static void start_driver(int i)
{
    tp_driver_config_t c;
    char text[160];
    tp_driver_config_init(&c);
    put(c.instance_id, sizeof(c.instance_id), instances[i]);
    (void)snprintf(text, sizeof(text), "%s/aeron", dir);
    put(c.aeron_dir, sizeof(c.aeron_dir), text);
    (void)snprintf(text, sizeof(text), "%s/shm-%d", dir, i);
    put(c.base_dir, sizeof(c.base_dir), text);
    put(c.control_channel, sizeof(c.control_channel), IPC);
    put(c.descriptor_channel, sizeof(c.descriptor_channel), IPC);
    put(c.qos_channel, sizeof(c.qos_channel), IPC);
    put(c.metadata_channel, sizeof(c.metadata_channel), IPC);
    c.control_stream_id = 1000u + 1000u * (uint32_t)i;
    c.descriptor_stream_id = 1100u + (uint32_t)i;          /* descriptors do not say whose they are */
    c.qos_stream_id = 1200u + (uint32_t)i;
    c.metadata_stream_id = 1300u + (uint32_t)i;
    c.announce_period_ms = 200;
    must(tp_driver_config_add_profile(&c, "p"));
    tp_profile_config_t *profile = c.profiles;
    profile->header_nslots = 64;
    profile->pool_count = 1;
    profile->pools[0].pool_id = 1;
    profile->pools[0].stride_bytes = 4096;
    must(tp_driver_config_add_stream(&c, "camera", STREAM, "p"));
    must(tp_driver_config_add_stream(&c, 0 == i ? "left" : "right", STREAM + 1 + (uint32_t)i, "p"));
    ok(tp_driver_init(&drivers[i], &c));
    ok(tp_driver_start(drivers[i]));
    tp_driver_config_fini(&c);
}

static void start_provider(void)
{
    tp_discovery_provider_config_t c;
    tp_discovery_provider_config_init(&c);
    (void)snprintf(c.aeron_dir, sizeof(c.aeron_dir), "%s/aeron", dir);
    put(c.request_channel, sizeof(c.request_channel), IPC);
    c.request_stream_id = 7000;
    for (uint32_t i = 0; i < 2; i++)
    {
        tp_discovery_source_config_t *s = must(tp_discovery_provider_config_add_source(&c));
        put(s->announce_channel, sizeof(s->announce_channel), IPC);
        put(s->metadata_channel, sizeof(s->metadata_channel), IPC);
        put(s->driver_control_channel, sizeof(s->driver_control_channel), IPC);
        put(s->driver_instance_id, sizeof(s->driver_instance_id), instances[i]);
        s->announce_stream_id = 1000 + 1000 * i;
        s->driver_control_stream_id = 1000 + 1000 * i;
        s->metadata_stream_id = 1300 + i;
        s->announce_period_ms = 1000;
    }
    ok(tp_discovery_provider_init(&provider, &c));
    ok(tp_discovery_provider_start(provider));
    tp_discovery_provider_config_fini(&c);
}

static void connect_client(void)
{
    tp_context_t *context = NULL;
    ok(tp_context_init(&context));
    ok(tp_context_set_driver_instance(context, "drv-a"));
    ok(tp_context_set_use_agent_invoker(context, invoker));
    ok(tp_connect(&client, context));
    tp_context_close(context);
}

static void turn(void)
{
    const struct timespec pause = { 0, 1000000 };
    if (invoker && NULL != client) { assert_true(tp_client_do_work(client) >= 0); }
    (void)nanosleep(&pause, NULL);
}

static void start_producer(int i)
{
    tp_stream_ref_t stream;
    char name[64];
    (void)snprintf(name, sizeof(name), "camera@%s", instances[i]);
    const int64_t deadline_ns = tpi_clock_monotonic_ns() + DEADLINE_NS;
    while (tp_stream_find(client, name, 0, &stream) < 0)   /* counters come a moment after the driver */
    {
        if (tpi_clock_monotonic_ns() > deadline_ns) { fail_msg("%s", tp_errmsg()); }
        turn();
    }
    assert_int_equal(stream.origin, TP_STREAM_BY_COUNTERS);
    assert_string_equal(stream.driver_instance, instances[i]);
    assert_int_equal(stream.stream_id, STREAM);
    ok(tp_producer_init_ref(&producers[i], client, &stream, NULL));
    ok(tp_producer_set_data_source(producers[i], "eye", "an eye"));
}

static void world_up(void)
{
    tp_media_driver_config_t m = { .size = sizeof(m), .delete_on_close = true };
    char aeron[128];
    (void)snprintf(dir, sizeof(dir), "/dev/shm/tp-test-%ld-named", (long)getpid());
    (void)nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    assert_int_equal(mkdir(dir, 0755), 0);
    assert_int_equal(setenv("TP_RUNTIME_DIR", dir, 1), 0);
    (void)snprintf(aeron, sizeof(aeron), "%s/aeron", dir);
    m.aeron_dir = aeron;
    ok(tp_media_driver_launch(&media, &m));
    start_driver(0);
    start_driver(1);
    start_provider();
    ok(tp_tensor_template_init(&shape, TP_DTYPE_UINT8, TP_ROW_MAJOR, 1, (const int32_t[]){ 16 }));
    connect_client();
    start_producer(0);
    start_producer(1);
}

static int setup_agent(void **state)
{
    (void)state;
    invoker = false;
    world_up();
    return 0;
}

static int setup_invoker(void **state)
{
    (void)state;
    invoker = true;
    world_up();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tp_client_close(client);
    client = NULL;
    tp_discovery_provider_close(provider);
    provider = NULL;
    for (int i = 0; i < 2; i++)
    {
        tp_driver_close(drivers[i]);
        drivers[i] = NULL;
        producers[i] = NULL;
    }
    tp_media_driver_close(media);
    tp_tensor_template_close(shape);
    (void)nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    return 0;
}

/* Publishes on both until that many streams are found; the provider learns names and announces in its own time. */
static tp_discovery_response_t *discover(const tp_discovery_filter_t *filter, uint32_t count)
{
    tp_discovery_client_t *d = NULL;
    tp_discovery_response_t *response = NULL;
    const int64_t deadline_ns = tpi_clock_monotonic_ns() + DEADLINE_NS;
    ok(tp_discovery_client_init(&d, client, NULL));
    for (;;)
    {
        ok(tp_discovery_find(d, filter, 5000 * MS, &response));
        if (tp_discovery_response_count(response) == count) { break; }
        if (tpi_clock_monotonic_ns() > deadline_ns) { fail_msg("%u streams, not %u", tp_discovery_response_count(response), count); }
        tp_discovery_response_free(response);
        turn();
    }
    tp_discovery_client_close(d);
    return response;
}

static void publish(int i, uint8_t value)
{
    uint8_t frame[16];
    memset(frame, value, sizeof(frame));
    (void)tp_producer_offer_frame(producers[i], shape, frame, sizeof(frame), NULL);
}

/* Both producers publish; only frames of one of them may come. */
static void expect_frames_of(tp_consumer_t *consumer, int i)
{
    int frames = 0;
    tp_frame_view_t view = { .size = sizeof(view) };
    const int64_t deadline_ns = tpi_clock_monotonic_ns() + DEADLINE_NS;
    while (frames < 20)
    {
        if (tpi_clock_monotonic_ns() > deadline_ns) { fail_msg("only %d frames", frames); }
        publish(0, 10);
        publish(1, 20);
        if (1 != tp_consumer_next(consumer, &view, 20 * MS)) { continue; }
        assert_int_equal(*(const uint8_t *)view.payload, 0 == i ? 10 : 20);
        assert_true(tp_frame_view_is_valid(&view));
        frames++;
    }
}

/* Longer than a lease lasts without keepalives. */
static void expect_lease_of(tp_consumer_t *consumer)
{
    tp_frame_view_t view = { .size = sizeof(view) };
    tp_consumer_stats_t stats = { .size = sizeof(stats) };
    const int64_t end_ns = tpi_clock_monotonic_ns() + 3500 * MS;
    while (tpi_clock_monotonic_ns() < end_ns) { (void)tp_consumer_next(consumer, &view, 50 * MS); }
    ok(tp_consumer_stats(consumer, &stats));
    assert_int_equal(stats.reattaches, 0);
}

/* ---- tests -------------------------------------------------------------------------------------------------------------- */

static void one_name_at_two_drivers_leads_to_the_driver_that_was_named__X_083_X_055_X_054(void **state)
{
    (void)state;
    tp_consumer_t *consumer = NULL;
    tp_discovery_filter_t filter = TP_DISCOVERY_FILTER_INIT;
    filter.name = "eye";
    tp_discovery_response_free(discover(&filter, 2));
    assert_int_equal(tp_consumer_open_named(&consumer, client, "eye"), -1);
    assert_int_equal(tp_errcode(), TP_EAMBIGUOUS);
    tpi_err_t err;
    tpi_err_save(&err);
    assert_non_null(strstr(err.why, "'eye' at drv-a, 10000 'eye' at drv-b"));
    ok(tp_consumer_open_named(&consumer, client, "eye@drv-b"));
    expect_frames_of(consumer, 1);
    expect_lease_of(consumer);
    tp_consumer_close(consumer);
    ok(tp_consumer_open_named(&consumer, client, "eye@drv-a"));
    expect_frames_of(consumer, 0);
    tp_consumer_close(consumer);
    ok(tp_consumer_open_named(&consumer, client, "10000@drv-b"));
    expect_frames_of(consumer, 1);
    tp_consumer_close(consumer);
}

static void results_are_those_of_the_announces__X_072_X_087(void **state)
{
    (void)state;
    tp_discovery_result_t r;
    tp_discovery_response_t *response = discover(NULL, 2);
    for (uint32_t i = 0; i < 2; i++)
    {
        ok(tp_discovery_response_at(response, i, &r));
        assert_int_equal(r.stream_id, STREAM);
        assert_string_equal(r.driver_instance, instances[i]);
        assert_string_equal(r.driver_control_channel, IPC);
        assert_int_equal(r.driver_control_stream_id, 1000 + 1000 * (int32_t)i);
        assert_int_equal(r.header_nslots, 64);
        assert_int_equal(r.pool_count, 1);
        assert_int_equal(r.pools[0].nslots, 64);
        assert_int_equal(r.pools[0].stride_bytes, 4096);
        assert_true(0 != r.epoch);
    }
    tp_discovery_response_free(response);
}

static void names_that_no_provider_knows_are_found_in_the_counters(void **state)
{
    (void)state;
    tp_consumer_t *consumer = NULL;
    tp_stream_ref_t stream;
    ok(tp_stream_find(client, "right", 1000 * MS, &stream));
    assert_int_equal(stream.origin, TP_STREAM_BY_COUNTERS);
    assert_int_equal(stream.stream_id, STREAM + 2);
    assert_string_equal(stream.driver_instance, "drv-b");
    ok(tp_consumer_init_ref(&consumer, client, &stream, NULL));
    tp_consumer_close(consumer);
    assert_int_equal(tp_stream_find(client, "rigt", 1000 * MS, &stream), -1);
    assert_int_equal(tp_errcode(), TP_ENOENT);
    tpi_err_t err;
    tpi_err_save(&err);
    assert_non_null(strstr(err.fix, "did you mean 'right'?"));
    ok(tp_stream_find(client, "4711", 0, &stream));
    assert_int_equal(stream.origin, TP_STREAM_BY_ID);
    assert_int_equal(stream.stream_id, 4711);
    assert_int_equal(tp_stream_find(client, "", 0, &stream), -1);
    assert_int_equal(tp_stream_find(client, NULL, 0, &stream), -1);
    assert_int_equal(tp_consumer_open_named(&consumer, client, "left@drv-b"), -1);
    assert_int_equal(tp_errcode(), TP_ENOENT);
}

/* The provider lists a stream for three periods after its driver has gone. */
static void stream_of_a_dead_driver_is_listed_but_not_consumed__X_007_X_002(void **state)
{
    (void)state;
    tp_stream_ref_t stream;
    tp_consumer_t *consumer = NULL;
    tp_consumer_context_t *context = NULL;
    tp_discovery_filter_t filter = TP_DISCOVERY_FILTER_INIT;
    filter.name = "eye";
    tp_discovery_response_t *response = discover(&filter, 2);
    tp_producer_close(producers[1]);
    producers[1] = NULL;
    tp_driver_close(drivers[1]);
    drivers[1] = NULL;
    ok(tp_discovery_response_select(response, "eye@drv-b", &stream));
    tp_discovery_response_free(response);
    ok(tp_consumer_context_init(&context));
    ok(tp_consumer_context_set_attach_timeout_ns(context, 1000 * MS));
    assert_int_equal(tp_consumer_init_ref(&consumer, client, &stream, context), -1);
    assert_int_equal(tp_errcode(), TP_ENODRIVER);
    assert_null(consumer);
    tp_consumer_context_close(context);
}

static void what_was_found_is_asked_for_again__X_081(void **state)
{
    (void)state;
    tp_stream_ref_t stream;
    tp_consumer_t *consumer = NULL;
    tp_discovery_filter_t filter = TP_DISCOVERY_FILTER_INIT;
    filter.name = "eye";
    tp_discovery_response_free(discover(&filter, 2));
    ok(tp_stream_find(client, "eye@drv-a", 2000 * MS, &stream));
    assert_int_equal(stream.origin, TP_STREAM_BY_DISCOVERY);
    tp_discovery_provider_close(provider);
    provider = NULL;
    assert_int_equal(tp_stream_find(client, "eye@drv-a", 1000 * MS, &stream), -1);
    assert_int_equal(tp_consumer_open_named(&consumer, client, "eye@drv-a"), -1);
    assert_int_equal(tp_errcode(), TP_ENOENT);
}

static void provider_that_is_gone_is_told_in_time(void **state)
{
    (void)state;
    tp_discovery_client_t *d = NULL;
    tp_discovery_response_t *response = NULL;
    tp_stream_ref_t stream;
    tp_discovery_provider_close(provider);
    provider = NULL;
    ok(tp_discovery_client_init(&d, client, NULL));
    const int64_t begin_ns = tpi_clock_monotonic_ns();
    assert_int_equal(tp_discovery_find(d, NULL, 300 * MS, &response), -1);
    assert_int_equal(tp_errcode(), TP_ENODISCOVERY);
    assert_true(tpi_clock_monotonic_ns() - begin_ns >= 300 * MS);
    assert_null(response);
    tp_discovery_client_close(d);
    ok(tp_stream_find(client, "left", 1000 * MS, &stream));                        /* the counters stay */
    assert_int_equal(stream.stream_id, STREAM + 1);
}

/* Announces of the other driver tell the clock of its stream; those of the own one, of a stream of the same id, do not stand for them. */
static void stream_at_another_driver_is_joined_by_time__J_114(void **state)
{
    (void)state;
    static const tp_merge_rule_t rule = { .input_stream_id = STREAM, .type = TP_MERGE_OFFSET, .source = TP_TIME_CAPTURED };
    tp_stream_ref_t stream;
    tp_consumer_t *consumer = NULL;
    tp_join_t *join = NULL;
    tp_join_options_t options = TP_JOIN_OPTIONS_INIT;
    tp_merge_map_t map = TP_MERGE_MAP_INIT;
    int made = 0;
    options.kind = TP_JOIN_TIMESTAMP;
    options.out_stream_id = 30000;
    map.kind = TP_MERGE_TIMESTAMP;
    map.clock_domain = TP_CLOCK_MONOTONIC;
    map.out_stream_id = 30000;
    map.epoch = 1;
    map.rules = &rule;
    map.rule_count = 1;
    ok(tp_stream_find(client, "camera@drv-b", 0, &stream));
    ok(tp_consumer_init_ref(&consumer, client, &stream, NULL));
    ok(tp_join_init(&join, client, &options, &consumer, 1));
    assert_int_equal(tp_join_barrier_apply_map(tp_join_barrier(join), &map), 1);
    const int64_t deadline_ns = tpi_clock_monotonic_ns() + DEADLINE_NS;
    while (0 == made)
    {
        if (tpi_clock_monotonic_ns() > deadline_ns) { fail_msg("the clock of the input was never told"); }
        publish(0, 10);
        publish(1, 20);
        made = tp_join_wait(join, 8, 20 * MS);
    }
    assert_true(made > 0);
    tp_join_close(join);
    tp_consumer_close(consumer);
}

/* The counters of a driver outlive its endpoint file: its streams are not looked for at the own driver, where the same ids mean others. */
static void stream_of_a_driver_without_endpoint_is_not_taken_for_an_own_one__X_054(void **state)
{
    (void)state;
    tp_stream_ref_t stream;
    char file[160];
    ok(tp_stream_find(client, "camera@drv-b", 0, &stream));
    assert_int_equal(stream.control_stream_id, 2000);
    (void)snprintf(file, sizeof(file), "%s/drv-b.endpoint", dir);
    assert_int_equal(unlink(file), 0);
    assert_int_equal(tp_stream_find(client, "camera@drv-b", 0, &stream), -1);
    assert_int_equal(tp_errcode(), TP_ENODRIVER);
    assert_int_equal(stream.control_stream_id, 2000);      /* unchanged */
    ok(tp_stream_find(client, "camera@drv-a", 0, &stream));
    assert_int_equal(stream.control_stream_id, 0);
}

static _Atomic int metadata_rc;
static void change_the_other(void *clientd, const tp_source_announce_t *event)
{
    (void)clientd;
    (void)event;
    if (1 == metadata_rc && NULL != producers[1]) { metadata_rc = tp_producer_set_data_source(producers[1], "eye", "seen"); }
}

/* In a callback of the client a producer at another driver takes changes at once, as one at its own driver does. */
static void changes_at_another_driver_may_be_made_in_a_callback(void **state)
{
    (void)state;
    tp_metadata_handlers_t handlers = TP_METADATA_HANDLERS_INIT;
    handlers.on_source_announce = change_the_other;
    metadata_rc = 1;
    ok(tp_client_set_metadata_handlers(client, &handlers));
    const int64_t deadline_ns = tpi_clock_monotonic_ns() + DEADLINE_NS;
    while (1 == metadata_rc)
    {
        if (tpi_clock_monotonic_ns() > deadline_ns) { fail_msg("no announce of a data source"); }
        ok(tp_producer_set_data_source(producers[0], "eye", "an eye"));
        turn();
    }
    assert_int_equal(metadata_rc, 0);
    ok(tp_client_set_metadata_handlers(client, NULL));
}

#define BOTH(name) cmocka_unit_test_setup_teardown(name, setup_agent, teardown), cmocka_unit_test_setup_teardown(name, setup_invoker, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(one_name_at_two_drivers_leads_to_the_driver_that_was_named__X_083_X_055_X_054),
        BOTH(results_are_those_of_the_announces__X_072_X_087),
        BOTH(names_that_no_provider_knows_are_found_in_the_counters),
        BOTH(stream_of_a_dead_driver_is_listed_but_not_consumed__X_007_X_002),
        BOTH(what_was_found_is_asked_for_again__X_081),
        BOTH(provider_that_is_gone_is_told_in_time),
        BOTH(stream_at_another_driver_is_joined_by_time__J_114),
        BOTH(stream_of_a_driver_without_endpoint_is_not_taken_for_an_own_one__X_054),
        BOTH(changes_at_another_driver_may_be_made_in_a_callback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
