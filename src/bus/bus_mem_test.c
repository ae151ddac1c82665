/* The in-memory bus: the suite of all buses, then its faults. */
#include "bus/bus_mem.h"

#include <stdlib.h>
#include <string.h>

#include "bus/bus_conformance.h"
#include "common/clock.h"

#define STREAM 1100
#define CHANNEL "aeron:ipc?term-length=4m"

typedef struct rig
{
    tpi_mem_network_t *network;
    tpi_bus_t *sender, *receiver;
    tpi_publication_t *pub;
    tpi_subscription_t *sub;
    uint8_t got[64];
    int count;
    uint8_t tapped[64];
    int tap_count;
    int64_t tap_position;
}
rig_t;

static void take(void *clientd, const tpi_message_t *message)
{
    rig_t *const rig = clientd;
    rig->got[rig->count++] = message->data[0];
}

static void tap(void *clientd, const tpi_message_t *message)
{
    rig_t *const rig = clientd;
    rig->tapped[rig->tap_count++] = message->data[0];
    assert_true(message->position > rig->tap_position);
    assert_int_equal(message->session_id, tpi_publication_session_id(rig->pub));
    rig->tap_position = message->position;
}

static int set_up(void **state)
{
    rig_t *const rig = calloc(1, sizeof(*rig));
    tpi_bus_async_t *async = NULL;
    const tpi_subscription_config_t config = { .channel = CHANNEL, .stream_id = STREAM };
    assert_non_null(rig);
    assert_int_equal(tpi_mem_network_create(&rig->network), 0);
    assert_int_equal(tpi_bus_mem_open(&rig->sender, rig->network), 0);
    assert_int_equal(tpi_bus_mem_open(&rig->receiver, rig->network), 0);
    assert_int_equal(tpi_bus_add_publication(rig->sender, &async, CHANNEL, STREAM), 0);
    assert_true(tpi_bus_do_work(rig->sender, 1) >= 0);
    assert_int_equal(tpi_bus_add_publication_poll(async, &rig->pub), 1);
    assert_int_equal(tpi_bus_add_subscription(rig->receiver, &async, &config), 0);
    assert_true(tpi_bus_do_work(rig->receiver, 2) >= 0);
    assert_int_equal(tpi_bus_add_subscription_poll(async, &rig->sub), 1);
    *state = rig;
    return 0;
}

static int tear_down(void **state)
{
    rig_t *const rig = *state;
    tpi_bus_close(rig->sender);
    tpi_bus_close(rig->receiver);
    tpi_mem_network_delete(rig->network);
    free(rig);
    return 0;
}

static int64_t send_byte(rig_t *rig, char byte) { return tpi_publication_offer(rig->pub, (const uint8_t *)&byte, 1); }

static void expect(rig_t *rig, const char *text)
{
    rig->count = 0;
    assert_int_equal(tpi_subscription_poll(rig->sub, take, rig, 60), (int)strlen(text));
    assert_memory_equal(rig->got, text, strlen(text));
}

static void a_lost_message_is_accepted_and_tapped_but_never_delivered(void **state)
{
    rig_t *const rig = *state;
    tpi_mem_network_tap(rig->network, STREAM, tap, rig);
    assert_int_equal(tpi_mem_network_fault(rig->network, STREAM, TPI_MEM_LOSE, 2), 0);
    for (const char *at = "abcd"; '\0' != *at; at++) { assert_true(send_byte(rig, *at) > 0); }
    expect(rig, "cd");
    assert_int_equal(rig->tap_count, 4);
    assert_memory_equal(rig->tapped, "abcd", 4);
    tpi_mem_network_tap(rig->network, STREAM, NULL, NULL);
    assert_true(send_byte(rig, 'e') > 0);
    assert_int_equal(rig->tap_count, 4);
}

static void a_duplicated_message_arrives_twice(void **state)
{
    rig_t *const rig = *state;
    assert_int_equal(tpi_mem_network_fault(rig->network, STREAM, TPI_MEM_DUPLICATE, 1), 0);
    assert_true(send_byte(rig, 'a') > 0);
    assert_true(send_byte(rig, 'b') > 0);
    expect(rig, "aab");
}

static void a_reordered_message_arrives_after_its_successor(void **state)
{
    rig_t *const rig = *state;
    assert_int_equal(tpi_mem_network_fault(rig->network, STREAM, TPI_MEM_REORDER, 1), 0);
    assert_true(send_byte(rig, 'a') > 0);
    expect(rig, "");
    assert_true(send_byte(rig, 'b') > 0);
    assert_true(send_byte(rig, 'c') > 0);
    expect(rig, "bac");
}

static void refusals_come_in_the_order_they_were_asked_for__A5(void **state)
{
    rig_t *const rig = *state;
    assert_int_equal(tpi_mem_network_fault(rig->network, STREAM, TPI_MEM_BACK_PRESSURE, 2), 0);
    assert_int_equal(tpi_mem_network_fault(rig->network, STREAM, TPI_MEM_ADMIN_ACTION, 1), 0);
    assert_int_equal(tpi_mem_network_fault(rig->network, STREAM, TPI_MEM_NOT_CONNECTED, 1), 0);
    tpi_bus_claim_t claim;
    assert_int_equal(tpi_publication_claim(rig->pub, 1, &claim), TP_BACK_PRESSURED);
    assert_int_equal(send_byte(rig, 'x'), TP_BACK_PRESSURED);
    assert_int_equal(send_byte(rig, 'x'), TP_ADMIN_ACTION);
    assert_int_equal(send_byte(rig, 'x'), TP_NOT_CONNECTED);
    assert_true(send_byte(rig, 'a') > 0);
    expect(rig, "a");
    assert_int_equal(tpi_mem_network_fault(rig->network, STREAM, TPI_MEM_CLOSE, 1), 0);
    assert_int_equal(send_byte(rig, 'x'), TP_CLOSED);
    assert_int_equal(send_byte(rig, 'x'), TP_CLOSED);
    assert_false(tpi_publication_is_connected(rig->pub));
    assert_int_equal(tpi_mem_network_fault(rig->network, STREAM, TPI_MEM_LOSE, 0), -1);
}

static void the_window_bounds_what_is_queued(void **state)
{
    rig_t *const rig = *state;
    tpi_mem_network_set_window(rig->network, STREAM, 3);
    for (int i = 0; i < 3; i++) { assert_true(send_byte(rig, 'a') > 0); }
    assert_int_equal(send_byte(rig, 'b'), TP_BACK_PRESSURED);
    expect(rig, "aaa");
    assert_true(send_byte(rig, 'b') > 0);
    expect(rig, "b");
}

static void an_untethered_image_that_was_cut_joins_again_after_its_rest__A6(void **state)
{
    rig_t *const rig = *state;
    tpi_bus_async_t *async = NULL;
    const tpi_subscription_config_t config = { .channel = CHANNEL, .stream_id = STREAM, .untethered = true };
    tpi_subscription_t *stopped = NULL;
    assert_int_equal(tpi_bus_add_subscription(rig->receiver, &async, &config), 0);
    assert_true(tpi_bus_do_work(rig->receiver, 100) >= 0);
    assert_int_equal(tpi_bus_add_subscription_poll(async, &stopped), 1);
    tpi_mem_network_set_window(rig->network, STREAM, 2);
    for (int i = 0; i < 4; i++)
    {
        assert_true(send_byte(rig, 'a') > 0);
        expect(rig, "a");
    }
    assert_true(tpi_bus_do_work(rig->receiver, 101) >= 0);
    assert_int_equal(tpi_subscription_image_count(stopped), 0);
    assert_true(tpi_bus_do_work(rig->receiver, 99 + 10 * TPI_NS_PER_S) >= 0);
    assert_int_equal(tpi_subscription_image_count(stopped), 0);
    assert_true(tpi_bus_do_work(rig->receiver, 100 + 10 * TPI_NS_PER_S) >= 0);
    assert_int_equal(tpi_subscription_image_count(stopped), 1);
}

static void a_killed_network_closes_everything_and_stays_usable_for_closing(void **state)
{
    rig_t *const rig = *state;
    tpi_bus_claim_t claim;
    tpi_bus_async_t *async = NULL;
    tpi_publication_t *pub = NULL;
    tpi_bus_t *late = NULL;
    assert_true(tpi_publication_claim(rig->pub, 1, &claim) > 0);
    assert_int_equal(tpi_bus_add_publication(rig->sender, &async, CHANNEL, STREAM), 0);
    tpi_mem_network_kill(rig->network);
    for (int i = 0; i < 2; i++)
    {
        assert_int_equal(tpi_bus_do_work(rig->sender, 3), -1);
        assert_int_equal(tp_errcode(), TP_EMEDIADRIVER);
    }
    assert_true(tpi_bus_is_closed(rig->sender));
    assert_false(tpi_bus_is_closed(rig->receiver));                  /* it has not looked yet */
    assert_int_equal(tpi_bus_do_work(rig->receiver, 3), -1);
    assert_int_equal(send_byte(rig, 'x'), TP_CLOSED);
    assert_int_equal(tpi_subscription_poll(rig->sub, take, rig, 1), TP_CLOSED);
    assert_int_equal(tpi_bus_add_publication_poll(async, &pub), -1);
    assert_int_equal(tp_errcode(), TP_EMEDIADRIVER);
    assert_int_equal(tpi_bus_add_publication(rig->sender, &async, CHANNEL, STREAM), -1);
    assert_int_equal(tpi_bus_mem_open(&late, rig->network), -1);
    tpi_bus_claim_commit(&claim);
    tpi_publication_close(rig->pub);
    tpi_subscription_close(rig->sub);
}

/* ---- the suite ------------------------------------------------------------------------------------------------------------- */

static tpi_mem_network_t *shared;

static int open_mem(tpi_bus_fixture_t *fixture, tpi_bus_t **bus)
{
    (void)fixture;
    return tpi_bus_mem_open(bus, shared);
}

static int64_t stepped_ns(tpi_bus_fixture_t *fixture)
{
    int64_t *const now_ns = fixture->state;
    return *now_ns += TPI_NS_PER_MS;
}

int main(void)
{
    const struct CMUnitTest tests[] =
    {
        cmocka_unit_test_setup_teardown(a_lost_message_is_accepted_and_tapped_but_never_delivered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_duplicated_message_arrives_twice, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_reordered_message_arrives_after_its_successor, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refusals_come_in_the_order_they_were_asked_for__A5, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_window_bounds_what_is_queued, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_untethered_image_that_was_cut_joins_again_after_its_rest__A6, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_killed_network_closes_everything_and_stays_usable_for_closing, set_up, tear_down),
    };
    int64_t now_ns = TPI_NS_PER_S;
    tpi_bus_fixture_t fixture = { .name = "bus_mem conformance", .open = open_mem, .now_ns = stepped_ns, .state = &now_ns };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (tpi_mem_network_create(&shared) < 0) { return 1; }
    failed += tpi_bus_conformance_run(&fixture);
    failed += tpi_bus_records_conformance_run(&fixture);
    tpi_mem_network_delete(shared);
    return failed;
}
