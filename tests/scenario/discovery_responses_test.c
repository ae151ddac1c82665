/* Where answers go: publications are opened, kept, given up and closed; nobody delays anybody else (X-096, O-14, O-23). */
#include "discovery_rig.h"

#include <malloc.h>

static void ask_from(uint32_t stream_id)
{
    tpc_discovery_request_t request = drig_request();
    request.response_stream_id = stream_id;
    drig_send_request(&request);
}

static void a_publication_is_kept_for_the_next_answer__O_23(void **state)
{
    (void)state;
    drig_start();
    (void)drig_listed();
    (void)drig_listed();
    assert_true(1 == drig_stats()->publications_opened);
    assert_true(1 == drig_stats()->publications);
    assert_true(2 == drig_stats()->responses_sent);
}

static void an_answer_waits_a_second_for_its_listener__O_23(void **state)
{
    (void)state;
    drig_start();
    ask_from(8001);
    drig_step(1000 * MS);
    assert_true(1 == drig_stats()->responses_waiting);
    assert_true(1 == drig_stats()->responses_queued);
    listener_t *const late = drig_listen(8001);
    drig_settle();
    assert_int_equal(late->count, 1);
    assert_true(0 == drig_stats()->responses_waiting + drig_stats()->responses_dropped);
}

static void then_it_is_dropped_and_counted__O_23(void **state)
{
    (void)state;
    drig_start();
    ask_from(8001);
    drig_settle();
    drig_step(1000 * MS);
    assert_true(1 == drig_stats()->responses_waiting);
    drig_step(1);
    assert_true(0 == drig_stats()->responses_waiting);
    assert_true(1 == drig_stats()->responses_dropped);
    listener_t *const late = drig_listen(8001);
    drig_settle();
    assert_int_equal(late->count, 0);
}

static void a_full_bus_is_tried_again_in_order__A2(void **state)
{
    (void)state;
    drig_start();
    (void)drig_listed();
    listener_t *const listener = &drig->listeners[0];
    assert_int_equal(tpi_mem_network_fault(drig->network, ANSWERS, TPI_MEM_BACK_PRESSURE, 2), 0);
    ask_from(ANSWERS);
    ask_from(ANSWERS);
    (void)drig_cycle();
    assert_int_equal(listener->count, 1);
    (void)drig_cycle();
    assert_int_equal(listener->count, 1);
    (void)drig_cycle();
    assert_int_equal(listener->count, 3);
    tpc_discovery_response_t response;
    assert_int_equal(tpc_discovery_response_decode(&response, listener->data, listener->length), TPC_OK);
    assert_true(drig->next_request - 1 == response.request_id);
    assert_true(1 == drig_stats()->responses_queued);
    assert_int_equal(tpi_mem_network_fault(drig->network, ANSWERS, TPI_MEM_ADMIN_ACTION, 1), 0);
    ask_from(ANSWERS);
    (void)drig_cycle();
    assert_int_equal(listener->count, 4);
}

static void a_broken_publication_is_let_go_and_opened_anew(void **state)
{
    (void)state;
    drig_start();
    (void)drig_listed();
    assert_int_equal(tpi_mem_network_fault(drig->network, ANSWERS, TPI_MEM_CLOSE, 1), 0);
    ask_from(ANSWERS);
    drig_settle();
    assert_true(1 == drig_stats()->publications_failed);
    assert_true(0 == drig_stats()->publications);
    assert_true(1 == drig_stats()->responses_dropped);
    assert_int_equal(drig_listed(), 0);
    assert_true(2 == drig_stats()->publications_opened);
}

static void an_endpoint_nobody_asks_from_is_closed(void **state)
{
    (void)state;
    drig_start();
    (void)drig_listed();
    drig_step(TPI_PROVIDER_IDLE_NS);
    assert_true(1 == drig_stats()->publications);
    drig_step(1);
    assert_true(0 == drig_stats()->publications);
    assert_true(1 == drig_stats()->publications_idle);
    assert_int_equal(drig_listed(), 0);
}

static void publications_are_32_at_most_and_the_one_unused_for_longest_goes__X_096_O_23(void **state)
{
    (void)state;
    drig_start();
    for (uint32_t i = 0; i < 32; i++)
    {
        (void)drig_listen(8000 + (int32_t)i);
        ask_from(8000 + i);
        drig_step(MS);
    }
    assert_true(32 == drig_stats()->responses_sent);
    assert_true(32 == drig_stats()->publications);
    ask_from(8000);                                             /* the oldest is not the one unused for longest any more */
    drig_step(MS);
    (void)drig_listen(9000);
    ask_from(9000);
    drig_step(MS);
    assert_true(34 == drig_stats()->responses_sent);
    assert_true(32 == drig_stats()->publications);
    assert_true(1 == drig_stats()->publications_evicted);
    ask_from(8000);
    drig_step(MS);
    assert_true(33 == drig_stats()->publications_opened);       /* 8000 has kept its own */
    ask_from(8001);
    drig_step(MS);
    assert_true(34 == drig_stats()->publications_opened);       /* 8001 was the one */
}

/* 150 endpoints nobody listens on, then one good request, which is answered within a second. */
static void endpoints_without_listener_delay_nobody_else__X_096(void **state)
{
    (void)state;
    drig_start();
    drig_announce(ANNOUNCE_A, 10000, 42, 5);
    listener_t *const good = drig_listen(9000);
    for (uint32_t i = 0; i < 150; i++) { ask_from(8000 + i); }
    ask_from(9000);
    int64_t waited_ns = 0;
    while (0 == good->count && waited_ns < 2000 * MS)
    {
        drig_step(MS);
        waited_ns += MS;
        assert_true(drig_stats()->publications <= 32);
    }
    assert_int_equal(good->count, 1);
    assert_true(waited_ns < 1000 * MS);
    ask_from(9000);                                             /* now that it has its publication there is no waiting at all */
    drig_settle();
    assert_int_equal(good->count, 2);
    drig_step(1001 * MS);
    drig_step(1001 * MS);
    assert_true(0 == drig_stats()->responses_waiting);
    assert_true(drig_stats()->publications <= 32);
}

static void a_stuck_listener_gives_way_after_its_grace__X_096(void **state)
{
    (void)state;
    drig->options.publications_max = 1;
    drig_start();
    listener_t *const good = drig_listen(9000);
    ask_from(8001);
    drig_settle();
    ask_from(9000);
    drig_step(TPI_PROVIDER_GRACE_NS - 1);
    assert_int_equal(good->count, 0);
    drig_step(1);
    assert_int_equal(good->count, 1);
    assert_true(1 == drig_stats()->publications_evicted);
    assert_true(1 == drig_stats()->responses_dropped);
}

static void queues_and_endpoints_are_limited__X_096_P11(void **state)
{
    (void)state;
    drig->options.answers_max = 2;
    drig->options.responders_max = 2;
    drig->options.publications_max = 1;
    drig_start();
    for (int i = 0; i < 3; i++) { ask_from(8001); }
    drig_settle();
    assert_true(2 == drig_stats()->responses_waiting);
    assert_true(1 == drig_stats()->responses_dropped);
    for (uint32_t i = 2; i < 5; i++) { ask_from(8000 + i); }
    drig_settle();
    assert_true(4 == drig_stats()->responses_waiting);
    assert_true(2 == drig_stats()->responses_dropped);
    drig_step(1001 * MS);
    assert_true(0 == drig_stats()->responses_waiting);
    assert_int_equal(drig_listed(), 0);                         /* idle publications keep nobody out: theirs are closed for room */
}

static void announce_large(uint32_t stream_id)
{
    static char uri[TPI_DISCOVERY_URI_MAX + 1];
    tpc_pool_announce_t a = drig_announcement(stream_id, 42, 5);
    memset(uri, 'x', TPI_DISCOVERY_URI_MAX);
    memcpy(uri, "shm:file?path=/", 15);
    a.pool_count = 8;
    for (uint32_t i = 0; i < a.pool_count; i++) { a.pools[i] = (tpc_pool_entry_t){ (uint16_t)(i + 1), 64, 64 * (i + 1), tpc_bytes(uri) }; }
    drig_send_announce(ANNOUNCE_A, &a);
    drig_settle();
}

static void bytes_that_wait_are_limited_and_the_stalest_makes_room__X_096_P11(void **state)
{
    (void)state;
    drig->options.bytes_max = 100000;                           /* three of about 33 KB do not fit with a fourth */
    drig_start();
    announce_large(10000);
    for (uint32_t i = 0; i < 4; i++)
    {
        ask_from(8001 + i);
        drig_step(MS);
    }
    assert_true(drig_stats()->responses_waiting < 4);
    const uint64_t waiting = drig_stats()->responses_waiting;
    assert_true(4 == waiting + drig_stats()->responses_dropped);
    listener_t *const first = drig_listen(8001);
    listener_t *const last = drig_listen(8004);
    drig_settle();
    assert_int_equal(first->count, 0);
    assert_int_equal(last->count, 1);
}

static void an_answer_too_long_for_its_publication_becomes_an_error__O_14_X_063_X_068_X_069(void **state)
{
    (void)state;
    drig_start();
    for (uint32_t i = 0; i < 4; i++) { announce_large(10000 + i); }
    tpc_discovery_request_t request = drig_request();
    tpc_discovery_response_t response = drig_ask(&request);     /* 132 KB and no limit: all there */
    assert_int_equal(response.result_count, 4);
    assert_true(drig->listeners[0].length > 131072);
    request = drig_request();
    request.response_stream_id = 8001;
    request.response_channel = tpc_bytes(IPC "?term-length=64k");   /* takes 8 KiB */
    response = drig_ask(&request);
    assert_int_equal(response.status, TPC_DISCOVERY_ERROR);
    assert_int_equal(response.result_count, 0);
    assert_in_range(response.error_message.length, 1, 1024);
    assert_true(1 == drig_stats()->responses_too_long);
    request.stream_id = 1;
    response = drig_ask(&request);
    assert_int_equal(response.status, TPC_DISCOVERY_OK);
}

static void requests_of_one_cycle_are_limited__A4(void **state)
{
    (void)state;
    drig->options.requests_max = 4;
    drig_start();
    (void)drig_listed();
    const uint64_t before = drig_stats()->requests_answered;
    for (int i = 0; i < 10; i++) { ask_from(ANSWERS); }
    (void)drig_cycle();
    assert_true(before + 4 == drig_stats()->requests_answered);
    assert_true(1 == drig_stats()->limit_poll);
    (void)drig_cycle();
    (void)drig_cycle();
    assert_true(before + 10 == drig_stats()->requests_answered);
    assert_true(2 == drig_stats()->limit_poll);
}

static void ending_with_answers_that_wait_frees_them(void **state)
{
    (void)state;
    drig_start();
    const struct mallinfo2 before = mallinfo2();
    drig_stop();
    for (int round = 0; round < 3; round++)
    {
        drig_start();
        for (uint32_t i = 0; i < 40; i++) { ask_from(8000 + i); }
        (void)drig_cycle();
        assert_true(40 > drig_stats()->responses_sent);
        drig_stop();
    }
    const struct mallinfo2 after = mallinfo2();
    assert_true(after.uordblks <= before.uordblks + 65536);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DRIG_TEST(a_publication_is_kept_for_the_next_answer__O_23),
        DRIG_TEST(an_answer_waits_a_second_for_its_listener__O_23),
        DRIG_TEST(then_it_is_dropped_and_counted__O_23),
        DRIG_TEST(a_full_bus_is_tried_again_in_order__A2),
        DRIG_TEST(a_broken_publication_is_let_go_and_opened_anew),
        DRIG_TEST(an_endpoint_nobody_asks_from_is_closed),
        DRIG_TEST(publications_are_32_at_most_and_the_one_unused_for_longest_goes__X_096_O_23),
        DRIG_TEST(endpoints_without_listener_delay_nobody_else__X_096),
        DRIG_TEST(a_stuck_listener_gives_way_after_its_grace__X_096),
        DRIG_TEST(queues_and_endpoints_are_limited__X_096_P11),
        DRIG_TEST(bytes_that_wait_are_limited_and_the_stalest_makes_room__X_096_P11),
        DRIG_TEST(an_answer_too_long_for_its_publication_becomes_an_error__O_14_X_063_X_068_X_069),
        DRIG_TEST(requests_of_one_cycle_are_limited__A4),
        DRIG_TEST(ending_with_answers_that_wait_frees_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
