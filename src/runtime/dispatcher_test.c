#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/dispatcher.h"

#include <tensor_pool/common/tp_error.h>

typedef struct listener
{
    tpi_dispatcher_t *dispatcher;
    int calls;
    int64_t now_ns;
    bool leaves;
}
listener_t;

static void on_message(void *clientd, const tpi_message_t *message, int64_t now_ns)
{
    listener_t *listener = clientd;
    assert_non_null(message->data);
    listener->calls++;
    listener->now_ns = now_ns;
    if (listener->leaves) { tpi_dispatcher_remove(listener->dispatcher, listener); }
}

static const tpi_route_t routes[] = { { 900, 4, 32, on_message }, { 901, 2, 8, on_message } };

static void send(tpi_dispatcher_t *dispatcher, uint16_t schema, uint16_t template_id, uint16_t version, uint16_t block, size_t length)
{
    uint8_t data[128] = { 0 };
    memcpy(data, &block, 2);
    memcpy(data + 2, &template_id, 2);
    memcpy(data + 4, &schema, 2);
    memcpy(data + 6, &version, 2);
    const tpi_message_t message = { .data = data, .length = length };
    tpi_dispatcher_dispatch(dispatcher, &message, 77);
}

static int setup(void **state)
{
    static listener_t listener;
    memset(&listener, 0, sizeof(listener));
    if (tpi_dispatcher_create(&listener.dispatcher) < 0 || tpi_dispatcher_add(listener.dispatcher, routes, 2, &listener) < 0) { return -1; }
    *state = &listener;
    return 0;
}

static int teardown(void **state)
{
    listener_t *listener = *state;
    tpi_dispatcher_delete(listener->dispatcher);
    return 0;
}

static void messages_go_by_schema_and_template__D_084_W_197(void **state)
{
    listener_t *l = *state;
    send(l->dispatcher, 900, 4, 1, 40, 48);
    send(l->dispatcher, 901, 2, 1, 8, 16);
    assert_int_equal(l->calls, 2);
    assert_int_equal(l->now_ns, 77);
    send(l->dispatcher, 901, 4, 1, 40, 48);
    send(l->dispatcher, 900, 2, 1, 40, 48);
    send(l->dispatcher, 910, 4, 1, 40, 48);
    assert_int_equal(l->calls, 2);
    assert_int_equal(tpi_dispatcher_counts(l->dispatcher)->dispatched, 2);
    assert_int_equal(tpi_dispatcher_counts(l->dispatcher)->unknown, 3);
    assert_int_equal(tpi_dispatcher_counts(l->dispatcher)->malformed, 0);
}

static void short_messages_reach_nobody__P10(void **state)
{
    listener_t *l = *state;
    send(l->dispatcher, 900, 4, 1, 40, 7);
    send(l->dispatcher, 900, 4, 1, 31, 48);                /* block below what the route needs */
    send(l->dispatcher, 900, 4, 1, 40, 47);                /* the message ends inside its block */
    assert_int_equal(l->calls, 0);
    assert_int_equal(tpi_dispatcher_counts(l->dispatcher)->malformed, 3);
    send(l->dispatcher, 900, 4, 1, 32, 40);
    send(l->dispatcher, 900, 4, 1, 60, 68);                /* longer blocks are fine (O-38) */
    assert_int_equal(l->calls, 2);
    tpi_dispatcher_malformed(l->dispatcher);
    assert_int_equal(tpi_dispatcher_counts(l->dispatcher)->malformed, 4);
}

static void newer_versions_go_to_their_own_handler_or_nowhere__D_083_O_38(void **state)
{
    listener_t *l = *state;
    listener_t newer = { .dispatcher = l->dispatcher };
    send(l->dispatcher, 901, 2, 2, 8, 16);
    assert_int_equal(l->calls, 0);
    tpi_dispatcher_set_newer_version_handler(l->dispatcher, on_message, &newer);
    send(l->dispatcher, 901, 2, 2, 8, 16);
    send(l->dispatcher, 910, 2, 2, 8, 16);                 /* a schema nobody here listens to */
    assert_int_equal(newer.calls, 1);
    assert_int_equal(tpi_dispatcher_counts(l->dispatcher)->newer_version, 2);
    assert_int_equal(tpi_dispatcher_counts(l->dispatcher)->unknown, 1);
    send(l->dispatcher, 901, 2, 0, 8, 16);
    assert_int_equal(l->calls, 1);
}

static void every_listener_of_a_message_gets_it_once__A3(void **state)
{
    listener_t *l = *state;
    listener_t others[3] = { { .calls = 0 }, { .calls = 0 }, { .calls = 0 } };
    for (int i = 0; i < 3; i++) { assert_int_equal(tpi_dispatcher_add(l->dispatcher, routes, 1, &others[i]), 0); }
    send(l->dispatcher, 900, 4, 1, 40, 48);
    assert_int_equal(l->calls, 1);
    for (int i = 0; i < 3; i++) { assert_int_equal(others[i].calls, 1); }
    assert_int_equal(tpi_dispatcher_counts(l->dispatcher)->dispatched, 1);
}

static void listener_may_leave_inside_its_handler(void **state)
{
    listener_t *l = *state;
    listener_t other = { .dispatcher = l->dispatcher };
    assert_int_equal(tpi_dispatcher_add(l->dispatcher, routes, 2, &other), 0);
    l->leaves = true;
    send(l->dispatcher, 900, 4, 1, 40, 48);
    send(l->dispatcher, 900, 4, 1, 40, 48);
    send(l->dispatcher, 901, 2, 1, 8, 16);
    assert_int_equal(l->calls, 1);
    assert_int_equal(other.calls, 3);
}

static void table_is_bounded(void **state)
{
    listener_t *l = *state;
    listener_t other = { .calls = 0 };
    for (int i = 1; i < TPI_DISPATCHER_LISTENERS_MAX / 2; i++) { assert_int_equal(tpi_dispatcher_add(l->dispatcher, routes, 2, &other), 0); }
    assert_int_equal(tpi_dispatcher_add(l->dispatcher, routes, 1, &other), -1);
    assert_int_equal(tp_errcode(), TP_EFULL);
    tpi_dispatcher_remove(l->dispatcher, &other);
    assert_int_equal(tpi_dispatcher_add(l->dispatcher, routes, 2, &other), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(messages_go_by_schema_and_template__D_084_W_197), TEST(short_messages_reach_nobody__P10),
        TEST(newer_versions_go_to_their_own_handler_or_nowhere__D_083_O_38), TEST(every_listener_of_a_message_gets_it_once__A3),
        TEST(listener_may_leave_inside_its_handler), TEST(table_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
