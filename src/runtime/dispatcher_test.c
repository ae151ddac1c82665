#include "runtime/dispatcher.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "common/err.h"

#define SCHEMA 900
#define BLOCK 16

typedef struct listener
{
    tpi_dispatcher_t *dispatcher;
    int calls;
    bool leaves;               /* removes itself in its first call */
    tpi_route_t *joins;        /* adds this route in its first call */
    int64_t now_ns;
}
listener_t;

static void on_message(void *clientd, const tpi_message_t *message, int64_t now_ns)
{
    listener_t *const listener = clientd;
    (void)message;
    listener->calls++;
    listener->now_ns = now_ns;
    if (listener->leaves) { tpi_dispatcher_remove(listener->dispatcher, listener); }
    if (NULL != listener->joins) { assert_int_equal(tpi_dispatcher_add(listener->dispatcher, listener->joins, 1, listener), 0); }
    listener->joins = NULL;
}

static const tpi_route_t route = { SCHEMA, 4, BLOCK, on_message };

static int setup(void **state) { return tpi_dispatcher_create((tpi_dispatcher_t **)state); }

static int teardown(void **state)
{
    tpi_dispatcher_delete(*state);
    return 0;
}

/* length bytes of a message whose header says the rest. */
static void dispatch(tpi_dispatcher_t *dispatcher, uint16_t schema, uint16_t template_id, uint16_t version, uint16_t block, size_t length)
{
    uint8_t data[64] = { 0 };
    const uint16_t header[] = { block, template_id, schema, version };
    const tpi_message_t message = { .data = data, .length = length };
    memcpy(data, header, sizeof(header));
    tpi_dispatcher_dispatch(dispatcher, &message, 77);
}

static void every_listener_of_a_message_gets_it_once__A3(void **state)
{
    tpi_dispatcher_t *const dispatcher = *state;
    listener_t listeners[3] = { { .dispatcher = dispatcher } };
    for (size_t i = 0; i < 3; i++) { assert_int_equal(tpi_dispatcher_add(dispatcher, &route, 1, &listeners[i]), 0); }
    dispatch(dispatcher, SCHEMA, 4, 1, BLOCK, 8 + BLOCK);
    for (size_t i = 0; i < 3; i++)
    {
        assert_int_equal(listeners[i].calls, 1);
        assert_int_equal(listeners[i].now_ns, 77);
    }
    assert_int_equal(tpi_dispatcher_counts(dispatcher)->dispatched, 1);
}

static void a_listener_may_leave_in_its_own_call(void **state)
{
    tpi_dispatcher_t *const dispatcher = *state;
    listener_t leaving = { .dispatcher = dispatcher, .leaves = true };
    listener_t staying = { .dispatcher = dispatcher };
    assert_int_equal(tpi_dispatcher_add(dispatcher, &route, 1, &leaving), 0);
    assert_int_equal(tpi_dispatcher_add(dispatcher, &route, 1, &leaving), 0);
    assert_int_equal(tpi_dispatcher_add(dispatcher, &route, 1, &staying), 0);
    dispatch(dispatcher, SCHEMA, 4, 1, BLOCK, 8 + BLOCK);
    dispatch(dispatcher, SCHEMA, 4, 1, BLOCK, 8 + BLOCK);
    assert_int_equal(leaving.calls, 1);
    assert_int_equal(staying.calls, 2);
}

static void a_listener_added_by_a_handler_starts_with_the_next_message(void **state)
{
    tpi_dispatcher_t *const dispatcher = *state;
    tpi_route_t second = route;
    listener_t listener = { .dispatcher = dispatcher, .joins = &second };
    assert_int_equal(tpi_dispatcher_add(dispatcher, &route, 1, &listener), 0);
    dispatch(dispatcher, SCHEMA, 4, 1, BLOCK, 8 + BLOCK);
    assert_int_equal(listener.calls, 1);
    dispatch(dispatcher, SCHEMA, 4, 1, BLOCK, 8 + BLOCK);
    assert_int_equal(listener.calls, 3);
}

static void blocks_are_checked_once_for_all_messages__P10(void **state)
{
    tpi_dispatcher_t *const dispatcher = *state;
    listener_t listener = { .dispatcher = dispatcher };
    assert_int_equal(tpi_dispatcher_add(dispatcher, &route, 1, &listener), 0);
    dispatch(dispatcher, SCHEMA, 4, 1, BLOCK, 7);              /* no header */
    dispatch(dispatcher, SCHEMA, 4, 1, BLOCK - 1, 8 + BLOCK);  /* shorter than ours */
    dispatch(dispatcher, SCHEMA, 4, 1, BLOCK, 8 + BLOCK - 1);  /* ends behind the message */
    assert_int_equal(listener.calls, 0);
    assert_int_equal(tpi_dispatcher_counts(dispatcher)->malformed, 3);
    dispatch(dispatcher, SCHEMA, 4, 1, BLOCK + 8, 8 + BLOCK + 8);      /* O-38: a longer block of a later minor version */
    dispatch(dispatcher, SCHEMA, 4, 0, BLOCK, 8 + BLOCK);
    assert_int_equal(listener.calls, 2);
}

static void on_newer(void *clientd, const tpi_message_t *message, int64_t now_ns)
{
    (void)message;
    (void)now_ns;
    ++*(int *)clientd;
}

static void newer_versions_reach_their_own_handler_only__P10_O_38(void **state)
{
    tpi_dispatcher_t *const dispatcher = *state;
    listener_t listener = { .dispatcher = dispatcher };
    int newer = 0;
    assert_int_equal(tpi_dispatcher_add(dispatcher, &route, 1, &listener), 0);
    tpi_dispatcher_set_newer_version_handler(dispatcher, on_newer, &newer);
    dispatch(dispatcher, SCHEMA, 4, 2, BLOCK, 8 + BLOCK);
    dispatch(dispatcher, SCHEMA + 1, 4, 2, BLOCK, 8 + BLOCK);  /* a schema that nobody listens to */
    assert_int_equal(listener.calls, 0);
    assert_int_equal(newer, 1);
    assert_int_equal(tpi_dispatcher_counts(dispatcher)->newer_version, 1);
    assert_int_equal(tpi_dispatcher_counts(dispatcher)->unknown, 1);
}

static void unknown_messages_are_counters(void **state)
{
    tpi_dispatcher_t *const dispatcher = *state;
    listener_t listener = { .dispatcher = dispatcher };
    assert_int_equal(tpi_dispatcher_add(dispatcher, &route, 1, &listener), 0);
    dispatch(dispatcher, SCHEMA, 5, 1, BLOCK, 8 + BLOCK);
    dispatch(dispatcher, SCHEMA + 1, 4, 1, BLOCK, 8 + BLOCK);
    assert_int_equal(listener.calls, 0);
    assert_int_equal(tpi_dispatcher_counts(dispatcher)->unknown, 2);
    assert_int_equal(tpi_dispatcher_counts(dispatcher)->malformed, 0);
}

static void the_table_has_a_limit__P11(void **state)
{
    tpi_dispatcher_t *const dispatcher = *state;
    listener_t listener = { .dispatcher = dispatcher };
    for (int i = 0; i < TPI_DISPATCHER_LISTENERS_MAX; i++) { assert_int_equal(tpi_dispatcher_add(dispatcher, &route, 1, &listener), 0); }
    assert_int_equal(tpi_dispatcher_add(dispatcher, &route, 1, &listener), -1);
    assert_int_equal(tp_errcode(), TP_EFULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_listener_of_a_message_gets_it_once__A3),
        TEST(a_listener_may_leave_in_its_own_call),
        TEST(a_listener_added_by_a_handler_starts_with_the_next_message),
        TEST(blocks_are_checked_once_for_all_messages__P10),
        TEST(newer_versions_reach_their_own_handler_only__P10_O_38),
        TEST(unknown_messages_are_counters),
        TEST(the_table_has_a_limit__P11),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
