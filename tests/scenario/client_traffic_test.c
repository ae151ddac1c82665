/* Publications and subscriptions of the application over the client's connection. */
#include "client_rig.h"

#define CHANNEL "aeron:ipc?term-length=64k"
#define OWN_STREAM 4321

static tp_publication_t *publication;
static tp_subscription_t *subscription;

static int setup(void **state)
{
    tp_async_add_publication_t *p = NULL;
    tp_async_add_subscription_t *s = NULL;
    if (cr_setup(state) < 0) { return -1; }
    publication = NULL;
    subscription = NULL;
    assert_int_equal(tp_async_add_publication(&p, cr->client, CHANNEL, OWN_STREAM), 0);
    assert_int_equal(tp_async_add_subscription(&s, cr->client, CHANNEL, OWN_STREAM), 0);
    assert_int_equal(tp_async_add_publication_poll(p, &publication), 0);
    cr_settle();
    assert_int_equal(tp_async_add_publication_poll(p, &publication), 1);
    assert_int_equal(tp_async_add_subscription_poll(s, &subscription), 1);
    return 0;
}

typedef struct heard { int count; char text[32]; size_t length; } heard_t;

static void on_message(void *clientd, const void *message, size_t length, int32_t session_id)
{
    heard_t *heard = clientd;
    (void)session_id;
    heard->count++;
    heard->length = length;
    memcpy(heard->text, message, length < sizeof(heard->text) ? length : sizeof(heard->text));
}

static void messages_of_the_application_travel_beside_the_protocols(void **state)
{
    (void)state;
    heard_t heard = { .count = 0 };
    assert_true(tp_publication_is_connected(publication));
    assert_true(tp_subscription_is_connected(subscription));
    assert_true(tp_publication_max_message_bytes(publication) > 32);
    assert_true(tp_publication_offer(publication, "hello", 5) > 0);
    assert_true(tp_publication_offer(publication, "again", 6) > 0);
    assert_int_equal(tp_subscription_poll(subscription, on_message, &heard, 1), 1);
    assert_int_equal(heard.length, 5);
    assert_memory_equal(heard.text, "hello", 5);
    assert_int_equal(tp_subscription_poll(subscription, on_message, &heard, 10), 1);
    assert_int_equal(tp_subscription_poll(subscription, on_message, &heard, 10), 0);
    assert_int_equal(heard.count, 2);
    tp_subscription_close(subscription);
    cr_settle();
    assert_false(tp_publication_is_connected(publication));
    assert_int_equal(tp_publication_offer(publication, "nobody", 6), TP_NOT_CONNECTED);
    tp_publication_close(publication);
    assert_null(cr->client->traffic);
}

static void lost_media_driver_closes_them_for_good_without_pulling_them_away__M9(void **state)
{
    (void)state;
    heard_t heard = { .count = 0 };
    tp_async_add_publication_t *p = NULL;
    tp_publication_t *later = NULL;
    cr_restart_media();
    cr_step(2000 * MS);
    assert_true(tp_client_is_connected(cr->client));
    assert_int_equal(tp_publication_offer(publication, "hello", 5), TP_CLOSED);
    assert_int_equal(tp_subscription_poll(subscription, on_message, &heard, 1), TP_CLOSED);
    assert_non_null(cr->client->retired);                  /* held by both */
    tp_publication_close(publication);
    tp_subscription_close(subscription);
    cr_step(100 * MS);
    assert_null(cr->client->retired);
    assert_int_equal(tp_async_add_publication(&p, cr->client, CHANNEL, OWN_STREAM), 0);
    cr_settle();
    assert_int_equal(tp_async_add_publication_poll(p, &later), 1);
    tp_publication_close(later);
}

static void addition_waits_for_the_connection_and_is_asked_again_on_the_next(void **state)
{
    (void)state;
    tp_async_add_publication_t *p = NULL;
    tp_publication_t *later = NULL;
    assert_int_equal(tp_async_add_publication(&p, cr->client, CHANNEL, OWN_STREAM + 1), 0);
    cr_restart_media();
    assert_int_equal(tp_async_add_publication_poll(p, &later), 0);
    cr_step(2000 * MS);
    assert_int_equal(tp_async_add_publication_poll(p, &later), 1);
    assert_int_equal(tp_publication_offer(later, "nobody", 6), TP_NOT_CONNECTED);
}

static void arguments_are_checked_and_a_client_that_ends_closes_all__L2(void **state)
{
    (void)state;
    heard_t heard = { .count = 0 };
    char channel[1100];
    tp_async_add_publication_t *p = NULL;
    tp_async_add_subscription_t *s = NULL;
    memset(channel, 'x', sizeof(channel));
    memcpy(channel, "aeron:", 6);
    channel[1024] = '\0';
    assert_int_equal(tp_async_add_publication(&p, cr->client, channel, 1), -1);
    assert_int_equal(tp_errcode(), TP_EINVAL);
    assert_int_equal(tp_async_add_publication(&p, cr->client, "ipc", 1), -1);
    assert_int_equal(tp_async_add_publication(&p, cr->client, NULL, 1), -1);
    assert_int_equal(tp_async_add_subscription(NULL, cr->client, CHANNEL, 1), -1);
    assert_int_equal(tp_async_add_subscription(&s, NULL, CHANNEL, 1), -1);
    assert_int_equal(tp_async_add_publication_poll(NULL, &publication), -1);
    assert_int_equal(tp_publication_offer(publication, NULL, 5), TP_INVALID_ARGUMENT);
    assert_int_equal(tp_publication_offer(publication, "x", 0), TP_INVALID_ARGUMENT);
    assert_int_equal(tp_subscription_poll(subscription, NULL, &heard, 1), TP_INVALID_ARGUMENT);
    assert_int_equal(tp_subscription_poll(subscription, on_message, &heard, 0), TP_INVALID_ARGUMENT);
    assert_int_equal(tp_publication_max_message_bytes(NULL), 0);
    assert_false(tp_subscription_is_connected(NULL));
    tp_publication_close(NULL);
    tp_subscription_close(NULL);
    assert_int_equal(tp_async_add_subscription(&s, cr->client, CHANNEL, OWN_STREAM), 0);
    tp_client_close(cr->client);
    cr->client = NULL;
    assert_int_equal(tp_async_add_subscription_poll(s, &subscription), -1);
    assert_int_equal(tp_errcode(), TP_ESTATE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, cr_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(messages_of_the_application_travel_beside_the_protocols),
        TEST(lost_media_driver_closes_them_for_good_without_pulling_them_away__M9),
        TEST(addition_waits_for_the_connection_and_is_asked_again_on_the_next),
        TEST(arguments_are_checked_and_a_client_that_ends_closes_all__L2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
