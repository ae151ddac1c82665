/* The gate of 1.6: versions, foreign schemas, short and hostile messages. */
#include "driver_rig.h"

#include <stdlib.h>

#define PRODUCER TP_ROLE_PRODUCER

static size_t encode_attach(uint8_t buffer[64], uint32_t client_id)
{
    const tpc_attach_request_t q = rig_request(PRODUCER, client_id, 10000);
    return (size_t)tpc_attach_request_encode(buffer, 64, &q);
}

static void answers_use_version_one__D_126_D_128(void **state)
{
    (void)state;
    rig_start();
    (void)rig_attach(PRODUCER, 42, 10000);
    tpc_header_t header;
    const rig_event_t *const e = &rig->events[rig_find(TPC_DRIVER_SCHEMA, TPC_ATTACH_RESPONSE, 0)];
    assert_int_equal(tpc_header_decode(&header, e->data, e->length), TPC_OK);
    assert_int_equal(header.version, 1);
    assert_int_equal(header.block_length, TPC_ATTACH_RESPONSE_BLOCK);
}

static void a_newer_attach_is_answered_unsupported__D_072_D_127(void **state)
{
    (void)state;
    uint8_t buffer[64];
    rig_start();
    const int64_t id = rig->next_correlation;
    const size_t n = encode_attach(buffer, 42);
    buffer[6] = 2;
    rig_send(buffer, n);
    rig_settle();
    tpc_attach_response_t r;
    assert_true(rig_response(id, &r));
    assert_int_equal(r.code, TPC_CODE_UNSUPPORTED);
    assert_true(tpc_bytes_equal(r.error_message, "unsupported driver schema version"));
    assert_int_equal(tpi_driver_lease_count(rig->driver), 0);
    /* A body of 8 bytes is enough to echo the id, 7 are not. */
    rig_forget_events();
    buffer[0] = 8;
    rig_send(buffer, 16);
    rig_settle();
    assert_true(rig_response(id, &r));
    rig_forget_events();
    rig_send(buffer, 15);
    rig_settle();
    assert_int_equal(rig_count(TPC_DRIVER_SCHEMA, TPC_ATTACH_RESPONSE), 0);
}

static void a_newer_detach_is_answered_and_a_newer_keepalive_dropped__D_127(void **state)
{
    (void)state;
    uint8_t buffer[64];
    rig_start();
    const tpc_attach_response_t lease = rig_attach(PRODUCER, 42, 10000);
    const tpc_detach_request_t detach = { .correlation_id = 5, .lease_id = lease.lease_id, .stream_id = 10000, .client_id = 42, .role = PRODUCER };
    size_t n = (size_t)tpc_detach_request_encode(buffer, sizeof(buffer), &detach);
    buffer[6] = 2;
    rig_send(buffer, n);
    rig_settle();
    tpc_detach_response_t r;
    assert_true(rig_detach_response(5, &r));
    assert_int_equal(r.code, TPC_CODE_UNSUPPORTED);
    assert_int_equal(tpi_driver_lease_count(rig->driver), 1);
    rig_step(2000 * MS);
    const tpc_keepalive_t keepalive = { .lease_id = lease.lease_id, .stream_id = 10000, .client_id = 42, .role = PRODUCER };
    n = (size_t)tpc_keepalive_encode(buffer, sizeof(buffer), &keepalive);
    buffer[6] = 2;
    rig_send(buffer, n);
    rig_step(1001 * MS);
    assert_int_equal(tpi_driver_lease_count(rig->driver), 0);
    assert_true(tpi_driver_stats(rig->driver)->messages_newer >= 2);
}

static void longer_blocks_are_skipped_shorter_ones_dropped__D_202_P10(void **state)
{
    (void)state;
    uint8_t buffer[64] = { 0 };
    rig_start();
    const int64_t id = rig->next_correlation;
    size_t n = encode_attach(buffer, 42);
    buffer[0] = TPC_ATTACH_REQUEST_BLOCK + 4;
    rig_send(buffer, n + 4);
    rig_settle();
    tpc_attach_response_t r;
    assert_true(rig_response(id, &r));
    assert_int_equal(r.code, TPC_CODE_OK);
    rig_forget_events();
    n = encode_attach(buffer, 43);
    buffer[0] = TPC_ATTACH_REQUEST_BLOCK - 1;
    rig_send(buffer, n);
    rig_settle();
    assert_int_equal(rig_count(TPC_DRIVER_SCHEMA, TPC_ATTACH_RESPONSE), 0);
    assert_true(tpi_driver_stats(rig->driver)->messages_malformed >= 1);
}

static void every_request_cut_at_every_byte_is_ignored_and_counted__D_202_P10(void **state)
{
    (void)state;
    uint8_t buffer[128];
    (void)snprintf(rig->config.shutdown_token, sizeof(rig->config.shutdown_token), "secret");
    rig_start();
    for (int kind = 0; kind < 4; kind++)
    {
        size_t n = 0;
        const tpc_detach_request_t detach = { .correlation_id = 5, .lease_id = 1, .role = PRODUCER };
        const tpc_keepalive_t keepalive = { .lease_id = 1, .role = PRODUCER };
        const tpc_shutdown_request_t shutdown = { .correlation_id = 1, .reason = 1, .token = tpc_bytes("secret"), .error_message = tpc_bytes("bye") };
        if (0 == kind) { n = encode_attach(buffer, 42); }
        if (1 == kind) { n = (size_t)tpc_detach_request_encode(buffer, sizeof(buffer), &detach); }
        if (2 == kind) { n = (size_t)tpc_keepalive_encode(buffer, sizeof(buffer), &keepalive); }
        if (3 == kind) { n = (size_t)tpc_shutdown_request_encode(buffer, sizeof(buffer), &shutdown); }
        for (size_t cut = 1; cut < n; cut++)
        {
            const uint64_t before = tpi_driver_stats(rig->driver)->messages_malformed;
            rig_send(buffer, cut);
            rig_settle();
            assert_true(tpi_driver_stats(rig->driver)->messages_malformed == before + 1);
        }
        rig_forget_events();
    }
    assert_int_equal(tpi_driver_state(rig->driver), TP_DRIVER_RUNNING);
    assert_int_equal(tpi_driver_lease_count(rig->driver), 0);
    (void)rig_attach(PRODUCER, 42, 10000);
}

static void foreign_schemas_and_own_echoes_are_skipped(void **state)
{
    (void)state;
    uint8_t buffer[64];
    rig_start();
    const size_t n = encode_attach(buffer, 42);
    for (int schema = 900; schema <= 910; schema++)
    {
        if (TPC_DRIVER_SCHEMA == schema) { continue; }
        buffer[4] = (uint8_t)(schema & 255);
        buffer[5] = (uint8_t)(schema >> 8);
        rig_send(buffer, n);
    }
    rig_settle();
    assert_int_equal(rig_count(TPC_DRIVER_SCHEMA, TPC_ATTACH_RESPONSE), 0);
    assert_int_equal(tpi_driver_lease_count(rig->driver), 0);
}

static void random_bytes_do_no_harm__P11(void **state)
{
    (void)state;
    unsigned seed = 99;
    rig_start();
    for (int i = 0; i < 20000; i++)
    {
        uint8_t buffer[160];
        const size_t n = 1 + (size_t)(rand_r(&seed) % 159);
        for (size_t k = 0; k < n; k++) { buffer[k] = (uint8_t)rand_r(&seed); }
        if (n >= 8)
        {
            buffer[2] = (uint8_t)(rand_r(&seed) % 10);
            buffer[3] = 0;
            buffer[4] = (uint8_t)(0 == i % 3 ? 0x84 : 0x85);
            buffer[5] = 3;
            buffer[6] = (uint8_t)(rand_r(&seed) % 3);
            buffer[7] = 0;
            if (0 != i % 5)
            {
                buffer[0] = (uint8_t)(rand_r(&seed) % 48);
                buffer[1] = 0;
            }
        }
        rig_send(buffer, n);
        if (0 == i % 100) { rig_settle(); rig_forget_events(); }
    }
    rig_settle();
    assert_int_equal(tpi_driver_state(rig->driver), TP_DRIVER_RUNNING);
    (void)rig_attach(PRODUCER, 4242, 10001);
}

int main(void)
{
    const struct CMUnitTest tests[] = { RIG_TEST(answers_use_version_one__D_126_D_128), RIG_TEST(a_newer_attach_is_answered_unsupported__D_072_D_127),
        RIG_TEST(a_newer_detach_is_answered_and_a_newer_keepalive_dropped__D_127),
        RIG_TEST(longer_blocks_are_skipped_shorter_ones_dropped__D_202_P10),
        RIG_TEST(every_request_cut_at_every_byte_is_ignored_and_counted__D_202_P10), RIG_TEST(foreign_schemas_and_own_echoes_are_skipped),
        RIG_TEST(random_bytes_do_no_harm__P11) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
