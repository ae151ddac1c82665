/*
 * The supervisor's duty cycle, for bench/run to count: on the in-memory bus, with a stepped clock, so that every run does the same. A cycle every
 * millisecond; each consumer says hello and reports once a second, as does the producer of each stream. usage: supervisor_path CONSUMERS CYCLES
 */
#include "supervisor_rig.h"

#include <stdlib.h>

#define EACH 8u                        /* consumers of a stream */
#define PERIOD 1000u                   /* cycles between two reports of a client */

static uint32_t consumers;
static uint32_t cycles;

int measure_supervisor_cycle(tpi_supervisor_t *supervisor, int64_t now_ns);
__attribute__((noinline)) int measure_supervisor_cycle(tpi_supervisor_t *supervisor, int64_t now_ns)
{
    return tpi_supervisor_do_work(supervisor, now_ns);
}

static void cycle(uint32_t number, int (*work)(tpi_supervisor_t *supervisor, int64_t now_ns))
{
    const uint64_t round = number / PERIOD + 1;
    for (uint32_t i = number % PERIOD; i < consumers; i += PERIOD)
    {
        tpc_consumer_hello_t hello = rig_hello(100000 + i);
        hello.stream_id = RIG_STREAM + i / EACH;
        rig_send_hello(&hello);
        rig_send_qos(hello.stream_id, hello.consumer_id, round * 100, 0);
        if (0 != i % EACH) { continue; }
        const tpc_pool_announce_t announce = rig_announce(hello.stream_id, 1);
        rig_send_announce(&announce);
        rig_send_producer(hello.stream_id, 5, round * 100);
    }
    rig->now_ns += MS;
    assert_true(work(rig->supervisor, rig->now_ns) >= 0);
    rig_step(0);                                                       /* the peer takes what was sent */
    rig->config_count = 0;
}

static void cycles_are_counted(void **state)
{
    (void)state;
    rig->config.consumer_capacity = 1000;
    rig_start();
    for (uint32_t i = 0; i < 2 * PERIOD; i++) { cycle(i, tpi_supervisor_do_work); }
    for (uint32_t i = 2 * PERIOD; i < 2 * PERIOD + cycles; i++) { cycle(i, measure_supervisor_cycle); }
    assert_int_equal(rig_stats().consumers, consumers);
    assert_int_equal(rig_stats().conditions, 0);
}

int main(int argc, char **argv)
{
    if (argc < 3) { (void)fprintf(stderr, "usage: supervisor_path CONSUMERS CYCLES\n"); return 2; }
    consumers = (uint32_t)strtoul(argv[1], NULL, 10);
    cycles = (uint32_t)strtoul(argv[2], NULL, 10);
    const struct CMUnitTest tests[] = { RIG_TEST(cycles_are_counted) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
