/* Leases over the wire: keepalive, expiry, detach, revocation. */
#include "driver_rig.h"

#include <stdlib.h>

#define PRODUCER TP_ROLE_PRODUCER
#define CONSUMER TP_ROLE_CONSUMER

static void keep(const tpc_attach_response_t *lease, uint32_t client, uint8_t role)
{
    rig_send_keepalive(lease, client, role);
    rig_settle();
}

static void lease_follows_the_example_of_the_document__D_098_D_100_D_102(void **state)
{
    (void)state;
    rig_start();
    const tpc_attach_response_t r = rig_attach(CONSUMER, 42, 10000);
    rig_step(900 * MS);
    keep(&r, 42, CONSUMER);
    rig_step(1000 * MS);
    keep(&r, 42, CONSUMER);
    rig_step(3000 * MS);
    assert_int_equal(tpi_driver_lease_count(rig->driver), 1);
    rig_step(1);
    assert_int_equal(tpi_driver_lease_count(rig->driver), 0);
    const tpc_lease_revoked_t revoked = rig_last_revoked();
    assert_true(revoked.lease_id == r.lease_id && TPC_REVOKE_EXPIRED == revoked.reason && 42 == revoked.client_id && CONSUMER == revoked.role);
    assert_int_equal(revoked.stream_id, 10000);
    assert_true(revoked.timestamp_ns == (uint64_t)rig->now_ns);
}

static void duration_is_interval_times_grace__D_021_D_101_D_105_D_106(void **state)
{
    (void)state;
    rig->config.lease_keepalive_interval_ms = 200;
    rig->config.lease_expiry_grace_intervals = 5;
    rig_start();
    const tpc_attach_response_t r = rig_attach(PRODUCER, 42, 10000);
    assert_true(r.lease_expiry_timestamp_ns == (uint64_t)(rig->now_ns + 1000 * MS));
    rig_step(1000 * MS);
    assert_int_equal(tpi_driver_lease_count(rig->driver), 1);
    rig_step(1);
    assert_int_equal(tpi_driver_lease_count(rig->driver), 0);
}

static void a_keepalive_that_differs_in_any_field_extends_nothing__D_019(void **state)
{
    (void)state;
    rig_start();
    const tpc_attach_response_t r = rig_attach(CONSUMER, 42, 10000);
    tpc_attach_response_t other = r;
    rig_step(2000 * MS);
    other.lease_id++;
    keep(&other, 42, CONSUMER);
    other = r;
    other.stream_id = 10001;
    keep(&other, 42, CONSUMER);
    keep(&r, 43, CONSUMER);
    keep(&r, 42, PRODUCER);
    assert_int_equal(tpi_driver_stats(rig->driver)->keepalive_ignored, 4);
    rig_step(1001 * MS);
    assert_int_equal(tpi_driver_lease_count(rig->driver), 0);
}

static void producer_expiry_revokes_then_raises_then_announces__W_074_D_022_D_098_D_112_D_113_D_131_D_136_D_137(void **state)
{
    (void)state;
    rig_start();
    const tpc_attach_response_t r = rig_attach(PRODUCER, 42, 10000);
    (void)rig_attach(CONSUMER, 43, 10000);
    rig_step(2900 * MS);
    rig_forget_events();
    rig_step(101 * MS);
    const int revoked_at = rig_find(TPC_DRIVER_SCHEMA, TPC_LEASE_REVOKED, 0);
    assert_true(revoked_at >= 0);
    tpc_pool_announce_t a;
    int announce_at = -1;
    for (int i = revoked_at + 1; i < (int)rig->event_count && announce_at < 0; i++)
    {
        if (TPC_OK == tpc_pool_announce_decode(&a, rig->events[i].data, rig->events[i].length) && a.epoch > r.epoch) { announce_at = i; }
    }
    assert_true(announce_at > revoked_at);
    assert_int_equal(a.producer_id, 0);
    assert_int_equal(rig->events[announce_at].at_ns, rig->now_ns);
    for (int i = 0; i < revoked_at; i++)
    {
        if (TPC_OK == tpc_pool_announce_decode(&a, rig->events[i].data, rig->events[i].length)) { assert_true(a.epoch == r.epoch); }
    }
}

static void a_new_producer_gets_a_higher_epoch_after_the_revocation__D_138_D_139(void **state)
{
    (void)state;
    rig_start();
    const tpc_attach_response_t r = rig_attach(PRODUCER, 42, 10000);
    rig_step(3001 * MS);
    const uint64_t announced = rig_last_announce(10000).epoch;
    assert_true(announced > r.epoch);
    const tpc_attach_response_t next = rig_attach(PRODUCER, 44, 10000);
    assert_true(next.epoch > announced);
    const int revoked = rig_find(TPC_DRIVER_SCHEMA, TPC_LEASE_REVOKED, 0);
    assert_true(revoked >= 0 && revoked < rig_find(TPC_DRIVER_SCHEMA, TPC_ATTACH_RESPONSE, 1));
}

static void a_lease_is_known_by_its_id_alone__D_020(void **state)
{
    (void)state;
    rig_start();
    tpc_attach_response_t a = rig_attach(CONSUMER, 42, 10000);
    const tpc_attach_response_t b = rig_attach(CONSUMER, 43, 10000);
    const uint64_t lease_id = a.lease_id;
    for (int bit = 0; bit < 64; bit++)                         /* its neighbours are nobody's, whatever else matches */
    {
        a.lease_id = lease_id ^ UINT64_C(1) << bit;
        rig_forget_events();
        if (a.lease_id != b.lease_id) { assert_int_equal(rig_detach(&a, 42, CONSUMER).code, TPC_CODE_REJECTED); }
    }
    a.lease_id = b.lease_id;
    assert_int_equal(rig_detach(&a, 42, CONSUMER).code, TPC_CODE_REJECTED);
    a.lease_id = lease_id;
    assert_int_equal(rig_detach(&a, 42, CONSUMER).code, TPC_CODE_OK);
    assert_int_equal(tpi_driver_lease_count(rig->driver), 1);
}

static void all_six_ends_are_published_once_with_their_reason__D_112_D_114_D_130(void **state)
{
    (void)state;
    rig_start();
    const uint8_t roles[] = { PRODUCER, CONSUMER };
    for (uint32_t i = 0; i < 2; i++)
    {
        const uint8_t role = roles[i];
        tpc_attach_response_t r = rig_attach(role, 10 + i, 10000);
        rig_forget_events();
        assert_int_equal(rig_detach(&r, 10 + i, role).code, TPC_CODE_OK);
        assert_int_equal(rig_last_revoked().reason, TPC_REVOKE_DETACHED);
        assert_int_equal(rig_count(TPC_DRIVER_SCHEMA, TPC_LEASE_REVOKED), 1);
        assert_int_equal(rig_announces(10000), PRODUCER == role ? 1 : 0);

        (void)rig_attach(role, 20 + i, 10000);
        rig_forget_events();
        rig_step(3001 * MS);
        assert_int_equal(rig_last_revoked().reason, TPC_REVOKE_EXPIRED);
        assert_int_equal(rig_count(TPC_DRIVER_SCHEMA, TPC_LEASE_REVOKED), 1);

        r = rig_attach(role, 30 + i, 10000);
        const uint64_t epoch = r.epoch;
        const uint64_t lease_id = r.lease_id;
        rig_forget_events();
        assert_int_equal(tpi_driver_revoke(rig->driver, lease_id, "by hand", rig->now_ns), 0);
        assert_int_equal(tpi_driver_revoke(rig->driver, lease_id, "by hand", rig->now_ns), -1);
        rig_settle();
        const tpc_lease_revoked_t revoked = rig_last_revoked();
        assert_true(TPC_REVOKE_REVOKED == revoked.reason && lease_id == revoked.lease_id && tpc_bytes_equal(revoked.error_message, "by hand"));
        assert_int_equal(rig_count(TPC_DRIVER_SCHEMA, TPC_LEASE_REVOKED), 1);
        if (PRODUCER == role) { assert_true(rig_last_announce(10000).epoch > epoch); }
        rig_step(10000 * MS);
        assert_int_equal(rig_count(TPC_DRIVER_SCHEMA, TPC_LEASE_REVOKED), 1);
    }
}

static void long_texts_are_cut_to_1024_bytes__D_069_D_070(void **state)
{
    (void)state;
    static char text[5001];
    for (size_t i = 0; i < sizeof(text) - 1; i++) { text[i] = (char)('a' + i % 26); }
    rig_start();
    const tpc_attach_response_t r = rig_attach(CONSUMER, 1, 10000);
    assert_int_equal(tpi_driver_revoke(rig->driver, r.lease_id, text, rig->now_ns), 0);
    rig_settle();
    const tpc_lease_revoked_t revoked = rig_last_revoked();
    assert_int_equal(revoked.error_message.length, 1024);
    assert_memory_equal(revoked.error_message.data, text, 1024);
}

static void node_ids_last_as_long_as_their_client__D_095(void **state)
{
    (void)state;
    rig_start();
    (void)rig_attach(CONSUMER, 1, 10000);
    tpc_attach_response_t r = rig_attach(CONSUMER, 2, 10000);
    for (int i = 0; i < 5; i++)
    {
        assert_int_equal(r.node_id, 2);
        assert_int_equal(rig_detach(&r, 2, CONSUMER).code, TPC_CODE_OK);
        rig_step(2000 * MS);
        r = rig_attach(CONSUMER, 2, 10000);
    }
}

static void detach_of_a_producer_raises_the_epoch_before_its_answer__D_109_D_111_D_132_P4(void **state)
{
    (void)state;
    rig_start();
    const tpc_attach_response_t r = rig_attach(PRODUCER, 42, 10000);
    const uint64_t epoch = r.epoch;
    rig_forget_events();
    assert_int_equal(rig_detach(&r, 42, PRODUCER).code, TPC_CODE_OK);
    const int revoked = rig_find(TPC_DRIVER_SCHEMA, TPC_LEASE_REVOKED, 0);
    const int announce = rig_find(TPC_WIRE_SCHEMA, TPC_POOL_ANNOUNCE, 0);
    const int response = rig_find(TPC_DRIVER_SCHEMA, TPC_DETACH_RESPONSE, 0);
    assert_true(0 <= revoked && revoked < announce && announce < response);
    assert_true(rig_last_announce(10000).epoch > epoch);
    assert_int_equal(rig_last_announce(10000).producer_id, 0);
}

static void detach_is_idempotent_and_checks_every_field__D_019_D_110(void **state)
{
    (void)state;
    rig_start();
    const tpc_attach_response_t r = rig_attach(CONSUMER, 42, 10000);
    tpc_attach_response_t other = r;
    other.lease_id ^= 1;
    assert_int_equal(rig_detach(&other, 42, CONSUMER).code, TPC_CODE_REJECTED);
    other = r;
    other.stream_id = 10001;
    assert_int_equal(rig_detach(&other, 42, CONSUMER).code, TPC_CODE_REJECTED);
    assert_int_equal(rig_detach(&r, 43, CONSUMER).code, TPC_CODE_REJECTED);
    assert_int_equal(rig_detach(&r, 42, PRODUCER).code, TPC_CODE_REJECTED);
    assert_int_equal(rig_detach(&r, 42, 0).code, TPC_CODE_INVALID_PARAMS);
    assert_int_equal(rig_count(TPC_DRIVER_SCHEMA, TPC_LEASE_REVOKED), 0);
    assert_int_equal(rig_detach(&r, 42, CONSUMER).code, TPC_CODE_OK);
    assert_int_equal(rig_detach(&r, 42, CONSUMER).code, TPC_CODE_REJECTED);
    assert_int_equal(rig_count(TPC_DRIVER_SCHEMA, TPC_LEASE_REVOKED), 1);
}

static void a_keepalive_of_an_ended_lease_revives_nothing__D_025_D_157(void **state)
{
    (void)state;
    rig_start();
    const tpc_attach_response_t r = rig_attach(CONSUMER, 42, 10000);
    const tpc_attach_response_t copy = r;
    rig_step(3001 * MS);
    keep(&copy, 42, CONSUMER);
    assert_int_equal(tpi_driver_lease_count(rig->driver), 0);
    rig_kill();
    rig_start();
    keep(&copy, 42, CONSUMER);
    assert_int_equal(tpi_driver_lease_count(rig->driver), 0);
    assert_int_equal(tpi_driver_stats(rig->driver)->keepalive_ignored, 1);
}

static void a_stalled_driver_reads_its_backlog_before_it_judges__M12(void **state)
{
    (void)state;
    rig_start();
    const tpc_attach_response_t r = rig_attach(PRODUCER, 42, 10000);
    /* The driver sleeps for an hour of its clock; the client's keepalives wait unread. */
    for (int i = 0; i < 10; i++) { rig_send_keepalive(&r, 42, PRODUCER); }
    rig_step(3600 * 1000 * MS);
    assert_int_equal(tpi_driver_lease_count(rig->driver), 1);
    assert_int_equal(rig_count(TPC_DRIVER_SCHEMA, TPC_LEASE_REVOKED), 0);
    rig_step(3001 * MS);
    assert_int_equal(tpi_driver_lease_count(rig->driver), 0);
}

static void expiry_waits_for_a_backlog_longer_than_one_cycle__M12(void **state)
{
    (void)state;
    rig->options.poll_max = 64;
    rig_start();
    tpi_mem_network_set_window(rig->network, RIG_CONTROL, 4096);
    const tpc_attach_response_t r = rig_attach(PRODUCER, 42, 10000);
    tpc_attach_response_t other = r;
    other.lease_id++;
    for (int i = 0; i < 640; i++) { rig_send_keepalive(&other, 42, PRODUCER); }
    rig_send_keepalive(&r, 42, PRODUCER);
    rig->now_ns += 4000 * MS;
    for (int i = 0; i < 9; i++) { assert_true(tpi_driver_do_work(rig->driver, rig->now_ns) >= 0); }
    assert_int_equal(tpi_driver_lease_count(rig->driver), 1);
    rig_settle();
    assert_int_equal(tpi_driver_lease_count(rig->driver), 1);
    assert_true(tpi_driver_stats(rig->driver)->limit_poll > 0);
}

static void a_flood_puts_expiry_off_for_a_while_only__M12(void **state)
{
    (void)state;
    rig->options.poll_max = 64;
    rig_start();
    tpi_mem_network_set_window(rig->network, RIG_CONTROL, 4096);
    const tpc_attach_response_t r = rig_attach(PRODUCER, 42, 10000);
    tpc_attach_response_t other = r;
    other.lease_id++;
    int cycles = 0;
    while (0 != tpi_driver_lease_count(rig->driver) && cycles < 100)
    {
        for (int i = 0; i < 128; i++) { rig_send_keepalive(&other, 42, PRODUCER); }
        rig->now_ns += 500 * MS;
        assert_true(tpi_driver_do_work(rig->driver, rig->now_ns) >= 0);
        rig_drain_client();
        cycles++;
        if (0 == cycles % 8) { rig_forget_events(); }
    }
    assert_true(cycles < 40);
}

static void a_flood_of_attaches_is_taken_in_portions__P11(void **state)
{
    (void)state;
    rig_start();
    tpi_mem_network_set_window(rig->network, RIG_CONTROL, 4096);
    (void)rig_attach(PRODUCER, 42, 10000);
    const uint64_t before = tpi_driver_stats(rig->driver)->limit_poll;
    for (uint32_t i = 0; i < 512; i++)
    {
        const tpc_attach_request_t request = rig_request(CONSUMER, 1000 + i, 10000);
        rig_send_attach(&request);
    }
    size_t had = 1;
    for (int cycle = 1; cycle <= 8; cycle++)
    {
        assert_true(tpi_driver_do_work(rig->driver, rig->now_ns) >= 0);
        assert_in_range(tpi_driver_lease_count(rig->driver) - had, 1, 127);      /* 64, and what the poll brought with the last of them */
        had = tpi_driver_lease_count(rig->driver);
        assert_int_equal(tpi_driver_stats(rig->driver)->limit_poll, before + (uint64_t)cycle);
    }
    rig_settle();
    assert_int_equal(tpi_driver_lease_count(rig->driver), 513);
}

/* D-052: at most one producer lease a stream, after every step of a random run. */
typedef struct census { int producers[2]; int leases; } census_t;

static void count_lease(void *clientd, const tpi_lease_view_t *lease)
{
    census_t *const census = clientd;
    census->leases++;
    if (PRODUCER == lease->role) { census->producers[lease->stream_id - 10000]++; }
}

static void never_two_producers_in_a_random_run__D_052(void **state)
{
    (void)state;
    enum { CLIENTS = 12 };
    tpc_attach_response_t held[CLIENTS];
    uint8_t roles[CLIENTS] = { 0 };
    uint64_t last_epoch[2] = { 0, 0 };
    unsigned seed = 12345;
    rig_start();
    for (int step = 0; step < 1500; step++)
    {
        const uint32_t client = (uint32_t)(rand_r(&seed) % CLIENTS);
        const int what = rand_r(&seed) % 10;
        if (what < 5)
        {
            const uint8_t role = 0 == rand_r(&seed) % 2 ? PRODUCER : CONSUMER;
            const tpc_attach_request_t q = rig_request(role, client + 1, 10000 + (uint32_t)(rand_r(&seed) % 2));
            const tpc_attach_response_t r = rig_ask(&q);
            if (TPC_CODE_OK == r.code)
            {
                if (PRODUCER == role) { assert_true(r.epoch > last_epoch[r.stream_id - 10000]); }
                last_epoch[r.stream_id - 10000] = r.epoch;
                held[client] = r;
                roles[client] = role;
            }
        }
        else if (what < 8 && 0 != roles[client]) { (void)rig_detach(&held[client], client + 1, roles[client]); }
        else { rig_step(rand_r(&seed) % 2000 * MS); }
        census_t census = { { 0, 0 }, 0 };
        tpi_driver_foreach_lease(rig->driver, count_lease, &census);
        assert_true(census.producers[0] <= 1 && census.producers[1] <= 1);
        for (uint32_t s = 0; s < 2; s++)
        {
            const uint64_t epoch = rig_last_announce(10000 + s).epoch;
            assert_true(0 == epoch || epoch >= last_epoch[s]);
            if (epoch > last_epoch[s]) { last_epoch[s] = epoch; }
        }
        rig_forget_events();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { RIG_TEST(lease_follows_the_example_of_the_document__D_098_D_100_D_102),
        RIG_TEST(duration_is_interval_times_grace__D_021_D_101_D_105_D_106), RIG_TEST(a_keepalive_that_differs_in_any_field_extends_nothing__D_019),
        RIG_TEST(producer_expiry_revokes_then_raises_then_announces__W_074_D_022_D_098_D_112_D_113_D_131_D_136_D_137),
        RIG_TEST(a_new_producer_gets_a_higher_epoch_after_the_revocation__D_138_D_139),
        RIG_TEST(a_lease_is_known_by_its_id_alone__D_020),
        RIG_TEST(all_six_ends_are_published_once_with_their_reason__D_112_D_114_D_130),
        RIG_TEST(long_texts_are_cut_to_1024_bytes__D_069_D_070), RIG_TEST(node_ids_last_as_long_as_their_client__D_095),
        RIG_TEST(detach_of_a_producer_raises_the_epoch_before_its_answer__D_109_D_111_D_132_P4),
        RIG_TEST(detach_is_idempotent_and_checks_every_field__D_019_D_110), RIG_TEST(a_keepalive_of_an_ended_lease_revives_nothing__D_025_D_157),
        RIG_TEST(a_stalled_driver_reads_its_backlog_before_it_judges__M12), RIG_TEST(expiry_waits_for_a_backlog_longer_than_one_cycle__M12),
        RIG_TEST(a_flood_puts_expiry_off_for_a_while_only__M12), RIG_TEST(a_flood_of_attaches_is_taken_in_portions__P11),
        RIG_TEST(never_two_producers_in_a_random_run__D_052) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
