/* Without memory: every allocation of the supervisor fails once, then all of them. It goes on, keeps its promises, and leaves nothing behind. */
#include "supervisor_rig.h"

#include <stdlib.h>

static int64_t fails_at = -1;          /* the allocation that fails, counted from 0; -1 = none */
static bool fails_always;
static int64_t made;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

static bool fails_now(void)
{
    if (fails_at < 0) { return false; }
    const int64_t number = made++;
    return number == fails_at || (fails_always && number > fails_at);
}

void *__wrap_malloc(size_t size) { return fails_now() ? NULL : __real_malloc(size); }
void *__wrap_calloc(size_t count, size_t size) { return fails_now() ? NULL : __real_calloc(count, size); }
void *__wrap_aligned_alloc(size_t alignment, size_t size) { return fails_now() ? NULL : __real_aligned_alloc(alignment, size); }

static void work(void)
{
    rig->now_ns += 150 * MS;
    for (int i = 0; i < 3; i++) { (void)tpi_supervisor_do_work(rig->supervisor, rig->now_ns); }
}

/* Everything that takes memory, while it is scarce. What is said to be granted is granted, whatever failed. */
static void script(uint32_t first_id)
{
    uint8_t buffer[512];
    tpc_source_announce_t source = TPC_SOURCE_ANNOUNCE_INIT;
    source.stream_id = RIG_STREAM + 1;
    source.name = tpc_bytes("x");
    const int64_t wanted = fails_at;
    fails_at = -1;                                             /* only the supervisor is short of memory */
    rig->config_count = 0;
    for (uint32_t id = first_id; id < first_id + 4; id++)
    {
        const tpc_consumer_hello_t hello = rig_asking(id, 700 + 2 * id, 701 + 2 * id);
        rig_send_hello(&hello);
        rig_send_qos(RIG_STREAM, id, 1, 0);
    }
    const tpc_pool_announce_t announce = rig_announce(RIG_STREAM, 1);
    rig_send_announce(&announce);
    rig_send_producer(RIG_STREAM + 2, 5, 1);
    rig_send(2, buffer, (size_t)tpc_source_announce_encode(buffer, sizeof(buffer), &source));
    made = 0;
    fails_at = wanted;
    work();
    fails_at = -1;
    for (uint32_t id = first_id; id < first_id + 4; id++) { rig_send_qos(RIG_STREAM, id, 1, 9); }      /* losses: conditions, counters */
    fails_at = wanted;
    work();
    work();
    fails_at = -1;
}

static void start(void)
{
    rig->config.per_consumer_enabled = true;
    rig->config.allowed_base_dir_count = 1;
    (void)snprintf(rig->config.allowed_base_dirs[0], TP_CONFIG_PATH_MAX, "/dev/shm");
    rig_start();
}

static void assert_well(uint32_t id)
{
    const tpc_consumer_hello_t hello = rig_asking(id, 5000, 5001);
    rig->config_count = 0;
    const tpc_consumer_config_t config = rig_ask(&hello);
    assert_int_equal(config.descriptor_stream_id, 5000);
    assert_int_equal(config.control_stream_id, 5001);
    for (int i = 0; i < 70; i++) { rig_step(1000 * MS); }
    const tp_supervisor_stats_t stats = rig_stats();
    assert_int_equal(stats.consumers + stats.streams + stats.producers + stats.conditions, 0);
}

static void every_allocation_may_fail_alone(void **state)
{
    (void)state;
    start();
    int64_t most = 1;
    for (int64_t n = 0; n < most + 5 && n < 400; n++)
    {
        fails_always = false;
        fails_at = n;
        script(100 + 10 * (uint32_t)n);
        if (made > most) { most = made; }
        for (int i = 0; i < 70; i++) { rig_step(1000 * MS); }
        assert_int_equal(rig_stats().consumers, 0);
    }
    assert_true(most > 30);
    assert_well(9);
}

static void all_allocations_may_fail_from_one_on(void **state)
{
    (void)state;
    start();
    for (int64_t n = 0; n < 60; n++)
    {
        fails_always = true;
        fails_at = n;
        script(100 + 10 * (uint32_t)n);
        for (int i = 0; i < 70; i++) { rig_step(1000 * MS); }
        assert_int_equal(rig_stats().consumers, 0);
    }
    assert_well(9);
}

static void the_start_may_fail(void **state)
{
    (void)state;
    rig->config.per_consumer_enabled = true;
    for (int64_t n = 0; n < 200; n++)
    {
        assert_int_equal(tpi_bus_mem_open(&rig->bus, rig->network), 0);
        fails_always = false;
        fails_at = n;
        made = 0;
        const int rc = tpi_supervisor_create(&rig->supervisor, &rig->config, rig->bus, &rig->options);
        fails_at = -1;
        if (rc < 0) { assert_null(rig->supervisor); }
        rig_stop();
        if (made <= n) { break; }
        assert_true(n < 199);
    }
}

static void rules_need_memory(void **state)
{
    (void)state;
    tp_driver_config_t driver;
    tp_driver_config_init(&driver);
    fails_always = true;
    fails_at = made = 0;
    assert_null(tp_supervisor_config_add_policy(&rig->config, "a"));
    assert_int_equal(tp_errcode(), TP_ENOMEM);
    assert_int_equal(tp_supervisor_config_inherit(&rig->config, &driver), -1);
    fails_at = -1;
    assert_int_equal(rig->config.policy_count, 0);
    assert_false(rig->config.host.is_set);
    tp_driver_config_fini(&driver);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(every_allocation_may_fail_alone),
        RIG_TEST(all_allocations_may_fail_from_one_on),
        RIG_TEST(the_start_may_fail),
        RIG_TEST(rules_need_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
