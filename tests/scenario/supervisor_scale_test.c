/*
 * 200 streams and 1,000 consumers under one supervisor: the work of a cycle is bounded and memory grows with what is known, not with time. Work is
 * counted in messages and observations, memory in bytes the process has allocated; nothing is judged by the clock.
 */
#include "supervisor_rig.h"

#include <malloc.h>

#include "protocol/health.h"

static uint64_t observations;

void __real_tpi_health_observe(tpi_health_t *health, tpi_health_key_t key, int64_t value, int64_t bound, int64_t now_ns);
void __wrap_tpi_health_observe(tpi_health_t *health, tpi_health_key_t key, int64_t value, int64_t bound, int64_t now_ns);
void __wrap_tpi_health_observe(tpi_health_t *health, tpi_health_key_t key, int64_t value, int64_t bound, int64_t now_ns)
{
    observations++;
    __real_tpi_health_observe(health, key, value, bound, now_ns);
}

static size_t bytes_in_use(void) { return mallinfo2().uordblks; }

/* One second of a deployment, in ten steps: everybody reports once. */
static void second(uint32_t streams, uint32_t consumers, uint64_t round)
{
    for (uint32_t step = 0; step < 10; step++)
    {
        for (uint32_t i = step; i < streams; i += 10)
        {
            const tpc_pool_announce_t announce = rig_announce(RIG_STREAM + i, 1);
            rig_send_announce(&announce);
            rig_send_producer(RIG_STREAM + i, 5, round * 100);
        }
        for (uint32_t i = step; i < consumers; i += 10)
        {
            tpc_consumer_hello_t hello = rig_asking(100000 + i, 1, 1);
            hello.stream_id = RIG_STREAM + i % streams;
            rig_send_hello(&hello);
            rig_send_qos(hello.stream_id, hello.consumer_id, round * 100, 0);
        }
        rig_step(100 * MS);
        rig->config_count = 0;
    }
}

typedef struct figures { size_t bytes; uint64_t observations; uint64_t answers; } figures_t;

static figures_t run(uint32_t streams, uint32_t consumers)
{
    rig->config.consumer_capacity = 1000;
    rig->config.per_consumer_enabled = true;
    rig->config.per_consumer_descriptor_base = 31000;
    rig->config.per_consumer_descriptor_range = 1000;
    rig->config.per_consumer_control_base = 33000;
    rig->config.per_consumer_control_range = 1000;
    (void)snprintf(rig->config.per_consumer_descriptor_channel, TP_CONFIG_CHANNEL_MAX, "aeron:ipc");
    (void)snprintf(rig->config.per_consumer_control_channel, TP_CONFIG_CHANNEL_MAX, "aeron:ipc");
    rig->config.health.lag_frames = 1000;
    rig->config.health.no_consumers_ms = 1000000;
    rig_start();
    const size_t before = bytes_in_use();
    for (uint64_t round = 1; round <= 3; round++) { second(streams, consumers, round); }
    figures_t figures = { .bytes = bytes_in_use() - before };
    const uint64_t answers = rig_stats().configs_sent;
    observations = 0;
    second(streams, consumers, 4);
    figures.observations = observations;
    figures.answers = rig_stats().configs_sent - answers;
    for (uint64_t round = 5; round <= 15; round++) { second(streams, consumers, round); }
    const size_t later = bytes_in_use() - before;
    assert_true(later <= figures.bytes + figures.bytes / 50);          /* nothing grows with time */
    const tp_supervisor_stats_t stats = rig_stats();
    assert_int_equal(stats.consumers, consumers);
    assert_int_equal(stats.streams, streams);
    assert_int_equal(stats.producers, streams);
    assert_int_equal(stats.declined, 0);
    assert_int_equal(stats.conditions, 0);
    assert_int_equal(stats.limits, 0);
    for (int i = 0; i < 80; i++) { rig_step(1000 * MS); }              /* all of them leave */
    assert_int_equal(rig_stats().consumers + rig_stats().streams + rig_stats().producers + rig_stats().conditions, 0);
    const size_t left = bytes_in_use() - before;
    print_message("%u streams, %u consumers: %zu bytes, %llu observations and %llu answers a second; %zu bytes when all have left\n", streams,
        consumers, figures.bytes, (unsigned long long)figures.observations, (unsigned long long)figures.answers, left);
    assert_true(left <= 32768);                                        /* queues of the bus that have grown */
    rig_stop();
    return figures;
}

static void work_and_memory_grow_with_what_is_there(void **state)
{
    (void)state;
    const figures_t small = run(50, 250);
    const figures_t middle = run(100, 500);
    const figures_t large = run(200, 1000);
    assert_int_equal(large.answers, 1000);
    assert_true(large.observations <= 3 * 1000 + 10 * (4 * 200 + 4) * 2);      /* three a report; four a stream and tick */
    assert_true(large.observations <= 5 * small.observations);
    assert_in_range(large.bytes - middle.bytes, middle.bytes - small.bytes, 3 * (middle.bytes - small.bytes));
    assert_true(large.bytes <= 2000000);
}

/* A cycle takes at most poll_max messages of each stream, however many lie there, and nobody is judged silent meanwhile. */
static void backlog_is_taken_in_portions(void **state)
{
    (void)state;
    rig->options.poll_max = 64;
    rig->config.consumer_capacity = 1000;
    rig->config.consumer_stale_ms = 5000;
    rig_start();
    for (uint32_t i = 0; i < 1000; i++)
    {
        tpc_consumer_hello_t hello = rig_hello(100000 + i);
        rig_send_hello(&hello);
    }
    rig->now_ns += MS;
    for (uint64_t cycle = 1; cycle <= 10; cycle++)
    {
        assert_in_range(tpi_supervisor_do_work(rig->supervisor, rig->now_ns), 64, 64 + 16);    /* the bus works, too */
        assert_true(rig_stats().hellos <= 64 * cycle);         /* its own answers come back on the same stream */
    }
    rig_step(MS);
    for (int i = 0; i < 40; i++) { rig_step(0); }
    assert_int_equal(rig_stats().consumers, 1000);
    for (uint32_t i = 0; i < 1000; i++)                                /* it was stopped for ten seconds: their signs of life lie unread */
    {
        rig_send_qos(RIG_STREAM, 100000 + i, 1, 0);
    }
    rig->now_ns += 10 * SECOND;
    for (int i = 0; i < 40; i++) { assert_true(tpi_supervisor_do_work(rig->supervisor, rig->now_ns) >= 0); }
    assert_int_equal(rig_stats().consumers, 1000);
    assert_int_equal(rig_stats().expired, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(work_and_memory_grow_with_what_is_there),
        RIG_TEST(backlog_is_taken_in_portions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
