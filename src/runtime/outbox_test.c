/* What a publication does not take at once, on the in-memory bus. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bus/bus_mem.h"
#include "runtime/outbox.h"

#define CHANNEL "aeron:ipc"
#define STREAM 1000

static tpi_mem_network_t *network;
static tpi_bus_t *bus;
static tpi_subscription_t *subscription;
static tpi_outbox_t outbox;
static int events[3];
static const char *last_why;
static uint8_t heard[16];
static size_t heard_count;

static void on_event(void *clientd, tpi_outbox_event_t event, const char *why)
{
    assert_ptr_equal(clientd, &outbox);
    events[event]++;
    last_why = why;
}

static void on_message(void *clientd, const tpi_message_t *message)
{
    (void)clientd;
    assert_int_equal(message->length, 1);
    heard[heard_count++] = message->data[0];
}

static int setup(void **state)
{
    (void)state;
    tpi_bus_async_t *async = NULL;
    const tpi_subscription_config_t config = { .channel = CHANNEL, .stream_id = STREAM };
    outbox = (tpi_outbox_t){ .queue_max = 2, .on_event = on_event, .clientd = &outbox };
    memset(events, 0, sizeof(events));
    heard_count = 0;
    assert_int_equal(tpi_mem_network_create(&network), 0);
    assert_int_equal(tpi_bus_mem_open(&bus, network), 0);
    assert_int_equal(tpi_bus_add_subscription(bus, &async, &config), 0);
    assert_int_equal(tpi_bus_add_publication(bus, &outbox.async, CHANNEL, STREAM), 0);
    for (int64_t now_ns = 1; NULL == subscription; now_ns++)
    {
        (void)tpi_bus_do_work(bus, now_ns);
        assert_true(tpi_bus_add_subscription_poll(async, &subscription) >= 0);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tpi_outbox_fini(&outbox);
    tpi_subscription_close(subscription);
    subscription = NULL;
    tpi_bus_close(bus);
    tpi_mem_network_delete(network);
    return 0;
}

static void open_outbox(void)
{
    for (int64_t now_ns = 10; 0 == tpi_outbox_open_poll(&outbox) || !tpi_publication_is_connected(outbox.publication); now_ns++)
    {
        assert_true(now_ns < 100);
        (void)tpi_bus_do_work(bus, now_ns);
    }
    assert_int_equal(tpi_outbox_open_poll(&outbox), 1);
}

static void say(uint8_t what, int64_t give_up_ns) { tpi_outbox_send(&outbox, &what, 1, give_up_ns); }

static void hear(void)
{
    (void)tpi_bus_do_work(bus, 200);
    (void)tpi_subscription_poll(subscription, on_message, NULL, 16);
}

static void messages_leave_in_order_once_there_is_a_publication(void **state)
{
    (void)state;
    say(1, 1000);
    say(2, 1000);
    assert_int_equal(events[TPI_OUTBOX_KEPT], 2);
    assert_int_equal(tpi_outbox_flush(&outbox, 5), 0);
    open_outbox();
    assert_int_equal(tpi_outbox_flush(&outbox, 100), 2);
    say(3, 1000);
    assert_int_equal(events[TPI_OUTBOX_SENT], 3);
    assert_int_equal(events[TPI_OUTBOX_KEPT], 2);
    hear();
    assert_int_equal(heard_count, 3);
    assert_memory_equal(heard, "\1\2\3", 3);
}

static void the_queue_is_bounded_and_what_cannot_be_encoded_is_dropped(void **state)
{
    (void)state;
    say(1, 1000);
    say(2, 1000);
    say(3, 1000);
    assert_int_equal(events[TPI_OUTBOX_DROPPED], 1);
    assert_string_equal(last_why, "too many wait for the bus already");
    tpi_outbox_send(&outbox, NULL, -1, 1000);
    assert_int_equal(events[TPI_OUTBOX_DROPPED], 2);
    assert_string_equal(last_why, "it cannot be encoded");
    assert_int_equal(outbox.queued, 2);
}

static void a_refused_message_is_tried_until_its_time_is_over(void **state)
{
    (void)state;
    open_outbox();
    assert_int_equal(tpi_mem_network_fault(network, STREAM, TPI_MEM_BACK_PRESSURE, 3), 0);
    say(1, 150);
    say(2, 1000);
    assert_int_equal(events[TPI_OUTBOX_KEPT], 2);
    assert_int_equal(tpi_outbox_flush(&outbox, 150), 0);               /* its last moment */
    assert_int_equal(tpi_outbox_flush(&outbox, 151), 2);               /* refused again and given up; the next one goes */
    assert_string_equal(last_why, "");
    assert_int_equal(events[TPI_OUTBOX_DROPPED], 1);
    assert_int_equal(events[TPI_OUTBOX_SENT], 1);
    hear();
    assert_int_equal(heard_count, 1);
    assert_int_equal(heard[0], 2);
}

static void term_rotation_is_no_refusal__A2(void **state)
{
    (void)state;
    open_outbox();
    assert_int_equal(tpi_mem_network_fault(network, STREAM, TPI_MEM_ADMIN_ACTION, 3), 0);
    say(1, 1000);
    assert_int_equal(events[TPI_OUTBOX_SENT], 1);
    assert_int_equal(events[TPI_OUTBOX_KEPT], 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = { TEST(messages_leave_in_order_once_there_is_a_publication),
        TEST(the_queue_is_bounded_and_what_cannot_be_encoded_is_dropped), TEST(a_refused_message_is_tried_until_its_time_is_over),
        TEST(term_rotation_is_no_refusal__A2) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
