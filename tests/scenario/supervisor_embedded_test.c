/*
 * The public supervisor over a real media driver, on a thread of its own and embedded beside the driver: a consumer of ours asks for private streams,
 * a producer of ours follows the supervisor's answer, and frames arrive there.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include <tensor_pool/tp.h>

#include "embedded_rig.h"

static tp_supervisor_config_t config;
static tp_supervisor_t *supervisor;
static pthread_t thread;
static bool is_turning;                        /* thread */
static atomic_bool stop;
static tp_client_t *client;
static tp_producer_t *producer;
static tp_consumer_t *consumer;
static tp_tensor_template_t *shape;

static int setup(void **state)
{
    (void)state;
    new_root("supervised");
    configure(&driver_config);
    (void)snprintf(driver_config.answer_hello, sizeof(driver_config.answer_hello), "never");
    start_driver();
    tp_supervisor_config_init(&config);
    return 0;
}

static void close_clients(void)
{
    tp_client_close(client);
    tp_tensor_template_close(shape);
    client = NULL;
    shape = NULL;
}

static void stop_both(void)
{
    if (!is_turning) { return; }
    is_turning = false;
    atomic_store(&stop, true);
    (void)pthread_join(thread, NULL);
}

/* After a failure, too: nothing may run on what is closed. */
static int teardown(void **state)
{
    (void)state;
    close_clients();
    stop_both();
    tp_supervisor_close(supervisor);
    supervisor = NULL;
    close_driver();
    tp_supervisor_config_fini(&config);
    tp_driver_config_fini(&driver_config);
    (void)rmdir(driver_config.runtime_dir);
    (void)rmdir(root);
    return 0;
}

static void start_supervisor(void)
{
    (void)snprintf(config.aeron_dir, sizeof(config.aeron_dir), "%s", tp_driver_aeron_dir(driver));
    config.per_consumer_enabled = true;
    if (tp_supervisor_init(&supervisor, &config) < 0) { fail_msg("%s: %s", tp_errmsg(), tp_errwhy()); }
}

static void open_clients(void)
{
    tp_consumer_context_t *context = NULL;
    if (tp_connect(&client, NULL) < 0) { fail_msg("%s", tp_errmsg()); }
    if (tp_producer_open(&producer, client, 10000) < 0) { fail_msg("%s", tp_errmsg()); }
    assert_int_equal(tp_consumer_context_init(&context), 0);
    assert_int_equal(tp_consumer_context_set_stream_id(context, 10000), 0);
    assert_int_equal(tp_consumer_context_set_descriptor_request(context, "aeron:ipc", 1), 0);
    assert_int_equal(tp_consumer_context_set_control_request(context, "aeron:ipc", 1), 0);
    if (tp_consumer_init(&consumer, client, context) < 0) { fail_msg("%s", tp_errmsg()); }
    tp_consumer_context_close(context);
    assert_int_equal(tp_tensor_template_init(&shape, TP_DTYPE_UINT8, TP_ROW_MAJOR, 1, (int32_t[]){ 64 }), 0);
}

static tp_consumer_stats_t stats_of(void)
{
    tp_consumer_stats_t stats;
    assert_int_equal(tp_consumer_stats(consumer, &stats), 0);
    return stats;
}

/* Frames flow until the consumer reads from a private stream, and some more. How many it got there. */
static uint64_t frames_on_private_streams(void)
{
    const int64_t begin_ns = now_ns();
    uint8_t payload[64] = { 7 };
    uint64_t received = 0;
    while (received < 50 && now_ns() - begin_ns < PATIENCE_NS)
    {
        tp_frame_view_t view;
        (void)tp_producer_offer_frame(producer, shape, payload, sizeof(payload), NULL);
        while (1 == tp_consumer_next(consumer, &view, 1000000))
        {
            if (0 != stats_of().descriptor_stream_id) { received++; }
        }
        nap();
    }
    return received;
}

static void on_consumer(void *clientd, const tp_supervisor_consumer_t *seen)
{
    *(tp_supervisor_consumer_t *)clientd = *seen;
}

static void on_condition(void *clientd, const tp_supervisor_condition_t *condition)
{
    assert_string_not_equal(tp_health_kind_name(condition->kind), "unknown");
    ++*(int *)clientd;
}

static void assert_consistent(uint32_t descriptor_first, uint32_t control_first)
{
    const tp_consumer_stats_t seen = stats_of();
    assert_in_range(seen.descriptor_stream_id, descriptor_first, descriptor_first + 999);
    assert_in_range(seen.control_stream_id, control_first, control_first + 999);
    tp_supervisor_stats_t stats;
    tp_supervisor_stats(supervisor, &stats);
    assert_int_equal(stats.consumers, 1);
    assert_true(stats.configs_sent >= 1 && stats.announces >= 1 && stats.streams >= 1);
    tp_supervisor_consumer_t one = { .stream_id = 0 };
    int conditions = 0;
    assert_int_equal(tp_supervisor_foreach_consumer(supervisor, on_consumer, &one), 1);
    assert_int_equal(one.stream_id, 10000);
    assert_int_equal(one.consumer_id, seen.client_id);
    assert_int_equal(one.descriptor_stream_id, seen.descriptor_stream_id);
    assert_int_equal(tp_supervisor_foreach_condition(supervisor, on_condition, &conditions), conditions);
    char *const json = tp_supervisor_json(supervisor);
    assert_non_null(json);
    assert_non_null(strstr(json, "\"stream\":\"10000\""));
    tp_supervisor_json_free(json);
}

static void a_supervisor_on_its_own_thread_hands_out_streams_that_producers_serve__S_002_S_029_S_042_P8(void **state)
{
    (void)state;
    assert_int_equal(tp_driver_start(driver), 0);
    config.announce_stream_id = 1000;                          /* as the driver is configured */
    config.per_consumer_descriptor_base = 41000;
    config.per_consumer_descriptor_range = 100;
    config.per_consumer_control_base = 42000;
    config.per_consumer_control_range = 100;
    start_supervisor();
    assert_int_equal(tp_supervisor_start(supervisor), 0);
    assert_int_equal(tp_supervisor_start(supervisor), -1);
    assert_int_equal(tp_errcode(), TP_ESTATE);
    assert_int_equal(tp_supervisor_do_work(supervisor), -1);
    assert_int_equal(tp_errcode(), TP_ETHREAD);
    open_clients();
    assert_true(frames_on_private_streams() >= 50);
    assert_consistent(41000, 42000);
    close_clients();
    assert_false(tp_supervisor_is_lost(supervisor));
}

static void *run_both(void *arg)
{
    (void)arg;
    while (!atomic_load(&stop))
    {
        const int work = tp_driver_do_work(driver) + tp_supervisor_do_work(supervisor);
        if (0 == work) { nap(); }
    }
    return NULL;
}

static void embedded_beside_the_driver_it_knows_its_leases__S_003_S_073(void **state)
{
    (void)state;
    assert_int_equal(tp_supervisor_config_inherit(&config, &driver_config), 0);
    start_supervisor();
    const tp_supervisor_hooks_t hooks = { .size = sizeof(hooks), .clientd = driver, .has_lease = tp_driver_has_consumer_lease };
    tp_supervisor_set_hooks(supervisor, &hooks);
    atomic_store(&stop, false);
    assert_int_equal(pthread_create(&thread, NULL, run_both, NULL), 0);
    is_turning = true;
    open_clients();
    assert_true(frames_on_private_streams() >= 50);
    assert_consistent(31000, 32000);                           /* the driver's ranges: OP-S-07 */
    close_clients();
    stop_both();
}

static void bad_configuration_ends_the_start__S_075(void **state)
{
    (void)state;
    config.consumer_capacity = 0;
    assert_int_equal(tp_supervisor_init(&supervisor, &config), -1);
    assert_int_equal(tp_errcode(), TP_ECONF_RANGE);
    assert_null(supervisor);
    assert_int_equal(tp_supervisor_init(NULL, NULL), -1);
    assert_int_equal(tp_errcode(), TP_EINVAL);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = { T(a_supervisor_on_its_own_thread_hands_out_streams_that_producers_serve__S_002_S_029_S_042_P8),
        T(embedded_beside_the_driver_it_knows_its_leases__S_003_S_073), T(bad_configuration_ends_the_start__S_075) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
