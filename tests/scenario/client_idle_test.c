/* How long the conductor of a client may sleep when nothing is urgent. */
#include "client_consumer_rig.h"

#define QUIET_NS (5000 * MS)

static int64_t limit_ns(void)
{
    atomic_store(&cr->client->hurry_until_ns, 0);          /* of the stepped clock; the limit is asked by the real one */
    return tpi_client_park_limit_ns(cr->client);
}

static void a_client_for_which_nothing_was_urgent_sleeps_longer__L_308(void **state)
{
    (void)state;
    tp_producer_t *const producer = cr_producer();
    cr_settle();
    cr_step(QUIET_NS - 200 * MS);
    assert_int_equal(limit_ns(), 4 * MS);
    cr_step(400 * MS);
    assert_int_equal(limit_ns(), 20 * MS);
    tp_producer_t *const second = cr_producer_with(NULL == producer ? NULL : cr_producer_context());      /* somebody waits for an answer */
    assert_int_equal(limit_ns(), 4 * MS);
    tp_producer_close(second);
    cr_settle();
    cr_step(QUIET_NS + 200 * MS);
    assert_int_equal(limit_ns(), 20 * MS);
    tpi_client_hurry(cr->client, cr->now_ns);
    cr_step(10 * MS);
    assert_int_equal(limit_ns(), 4 * MS);
    tp_producer_close(producer);
}

/* Also where leases live for less than a sleep. */
static void keepalives_of_a_quiet_client_are_in_time__L_308(void **state)
{
    (void)state;
    tp_producer_t *const producer = cr_producer();
    cr_settle();
    cr_step(QUIET_NS + 200 * MS);
    const int64_t keepalive_ns = cr->client->settings.keepalive_interval_ns;
    cr->client->settings.keepalive_interval_ns = 160 * MS;
    assert_int_equal(limit_ns(), 20 * MS);
    cr->client->settings.keepalive_interval_ns = 80 * MS;
    assert_int_equal(limit_ns(), 10 * MS);
    cr->client->settings.keepalive_interval_ns = 20 * MS;
    assert_int_equal(limit_ns(), 4 * MS);
    cr->client->settings.keepalive_interval_ns = keepalive_ns;
    tp_producer_close(producer);
}

static void on_frame_progress(void *clientd, const tp_frame_progress_t *progress)
{
    (void)clientd;
    (void)progress;
}

static void whoever_wants_messages_does_not_wait_longer_for_them__L_308(void **state)
{
    (void)state;
    tp_consumer_t *const consumer = cr_consumer();
    cr_step(QUIET_NS + 400 * MS);
    assert_int_equal(limit_ns(), 20 * MS);
    assert_int_equal(tp_consumer_set_progress_handler(consumer, on_frame_progress, NULL), 0);
    cr_step(QUIET_NS + 400 * MS);
    assert_int_equal(limit_ns(), 4 * MS);
    tp_consumer_close(consumer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CR_TEST(a_client_for_which_nothing_was_urgent_sleeps_longer__L_308),
        CR_TEST(keepalives_of_a_quiet_client_are_in_time__L_308),
        CR_TEST(whoever_wants_messages_does_not_wait_longer_for_them__L_308),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
