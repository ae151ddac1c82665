/*
 * The driver's duty cycle, for bench/run to count: on the in-memory bus, with a stepped clock, so that every run does the same. A cycle every
 * millisecond; each client renews its lease once a second, a quarter of them are producers. usage: driver_path CLIENTS CYCLES
 */
#include "driver_rig.h"

#include <stdlib.h>

#define STREAM 20000u
#define EACH 4u                        /* clients of a stream, the first one is its producer */
#define PERIOD 1000u                   /* cycles between two keepalives of a client */
#define CLIENTS_MAX 256u

static uint32_t clients;
static uint32_t cycles;
static tpc_attach_response_t leases[CLIENTS_MAX];

int measure_driver_cycle(tpi_driver_t *driver, int64_t now_ns);
__attribute__((noinline)) int measure_driver_cycle(tpi_driver_t *driver, int64_t now_ns) { return tpi_driver_do_work(driver, now_ns); }

static uint8_t role_of(uint32_t i) { return 0 == i % EACH ? TP_ROLE_PRODUCER : TP_ROLE_CONSUMER; }

static void cycle(uint32_t number, int (*work)(tpi_driver_t *driver, int64_t now_ns))
{
    for (uint32_t i = number % PERIOD; i < clients; i += PERIOD) { rig_send_keepalive(&leases[i], 100 + i, role_of(i)); }
    rig->now_ns += MS;
    assert_true(work(rig->driver, rig->now_ns) >= 0);
    rig_drain_client();
    rig_forget_events();
}

static void cycles_are_counted(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < clients / EACH; i++)
    {
        char name[32];
        (void)snprintf(name, sizeof(name), "s%u", i);
        assert_non_null(tp_driver_config_add_stream(&rig->config, name, STREAM + i, "p"));
    }
    rig_start();
    for (uint32_t i = 0; i < clients; i++)
    {
        leases[i] = rig_attach(role_of(i), 100 + i, STREAM + i / EACH);
        assert_int_equal(leases[i].code, TPC_CODE_OK);
        rig_forget_events();
    }
    for (uint32_t i = 0; i < 2 * PERIOD; i++) { cycle(i, tpi_driver_do_work); }
    for (uint32_t i = 0; i < cycles; i++) { cycle(i, measure_driver_cycle); }
    for (uint32_t i = 0; i < clients; i++)                             /* all of them are still there */
    {
        assert_int_equal(rig_detach(&leases[i], 100 + i, role_of(i)).code, TPC_CODE_OK);
    }
}

int main(int argc, char **argv)
{
    if (argc < 3) { (void)fprintf(stderr, "usage: driver_path CLIENTS CYCLES\n"); return 2; }
    clients = (uint32_t)strtoul(argv[1], NULL, 10);
    cycles = (uint32_t)strtoul(argv[2], NULL, 10);
    if (clients > CLIENTS_MAX) { (void)fprintf(stderr, "driver_path: at most %u clients\n", CLIENTS_MAX); return 2; }
    const struct CMUnitTest tests[] = { RIG_TEST(cycles_are_counted) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
