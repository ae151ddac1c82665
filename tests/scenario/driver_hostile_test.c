/* Every message of every schema, bent in every way, on the control stream of a running driver. */
#include "driver_rig.h"

#include "hostile.h"

#define PRODUCER TP_ROLE_PRODUCER

static uint64_t sent;

static uint64_t noticed(void)
{
    const tpi_driver_stats_t *const stats = tpi_driver_stats(rig->driver);
    return stats->messages_malformed + stats->messages_newer;
}

static bool is_request(const hostile_t *h)
{
    const uint16_t id = h->golden->template_id;
    return TPC_DRIVER_SCHEMA == h->golden->schema_id &&
        (TPC_ATTACH_REQUEST == id || TPC_DETACH_REQUEST == id || TPC_KEEPALIVE == id || TPC_SHUTDOWN_REQUEST == id);
}

static void strict_changes_nothing(const hostile_t *h)
{
    const uint64_t before = noticed();
    if (h->kind >= HOSTILE_STRICT) { return; }
    rig_send(h->data, h->length);
    rig_settle();
    sent++;
    assert_int_equal(tpi_driver_state(rig->driver), TP_DRIVER_RUNNING);
    assert_int_equal(tpi_driver_lease_count(rig->driver), 1);
    if (is_request(h) && h->kind <= HOSTILE_NEWER && noticed() != before + 1)
    {
        fail_msg("%s: kind %d number %zu was not counted", h->golden->file, h->kind, h->at);
    }
    rig_forget_events();
}

static void malformed_newer_and_foreign_messages_change_nothing__D_084_D_127_D_202_P10(void **state)
{
    (void)state;
    uint64_t epochs[64];
    rig_start();
    const tpc_attach_response_t lease = rig_attach(PRODUCER, 77, 10000);
    const uint64_t epoch = lease.epoch;
    const size_t held = hostile_held();
    sent = 0;
    hostile_each(strict_changes_nothing);
    assert_true(sent > 1000);
    assert_true(hostile_held() <= held + HOSTILE_ROOM);
    assert_int_equal(rig_epochs(10000, epochs), 1);
    assert_true(epochs[0] == epoch);
    assert_int_equal(rig_epochs(10001, epochs), 0);
}

static void loose_does_no_harm(const hostile_t *h)
{
    if (h->kind < HOSTILE_STRICT) { return; }
    rig_send(h->data, h->length);
    rig_settle();
    assert_int_equal(tpi_driver_state(rig->driver), TP_DRIVER_RUNNING);
    assert_true(tpi_driver_lease_count(rig->driver) <= 3);
    rig_forget_events();
}

static void lengths_counts_and_texts_that_lie_do_no_harm__P11(void **state)
{
    (void)state;
    rig_start();
    (void)rig_attach(PRODUCER, 77, 10000);
    const size_t held = hostile_held();
    hostile_each(loose_does_no_harm);
    assert_true(hostile_held() <= held + HOSTILE_ROOM);
    rig_step(3600 * 1000 * MS);
    assert_int_equal(tpi_driver_lease_count(rig->driver), 0);
    (void)rig_attach(PRODUCER, 78, 10000);
    assert_int_equal(tpi_driver_lease_count(rig->driver), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = { RIG_TEST(malformed_newer_and_foreign_messages_change_nothing__D_084_D_127_D_202_P10),
        RIG_TEST(lengths_counts_and_texts_that_lie_do_no_harm__P11) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
