/* Shutdown requests, draining, the notice, files at the end. */
#include "driver_rig.h"

#include <unistd.h>

#define PRODUCER TP_ROLE_PRODUCER
#define CONSUMER TP_ROLE_CONSUMER
#define TOKEN "open sesame"

static void ask(const char *token, uint8_t reason, const char *text)
{
    uint8_t buffer[2048];
    const tpc_shutdown_request_t m = { .correlation_id = 1, .reason = reason, .token = tpc_bytes(token), .error_message = tpc_bytes(text) };
    const int64_t n = tpc_shutdown_request_encode(buffer, sizeof(buffer), &m);
    assert_true(n > 0);
    rig_send(buffer, (size_t)n);
    rig_settle();
}

static void set_token(const char *token) { (void)snprintf(rig->config.shutdown_token, sizeof(rig->config.shutdown_token), "%s", token); }

static bool notice(tpc_driver_shutdown_t *m)
{
    const int at = rig_find(TPC_DRIVER_SCHEMA, TPC_DRIVER_SHUTDOWN, 0);
    return at >= 0 && TPC_OK == tpc_driver_shutdown_decode(m, rig->events[at].data, rig->events[at].length);
}

static void without_configured_token_no_request_counts__D_143_D_144(void **state)
{
    (void)state;
    rig_start();
    ask("", TPC_SHUTDOWN_ADMIN, "");
    ask("x", TPC_SHUTDOWN_ADMIN, "");
    rig_step(10000 * MS);
    assert_int_equal(tpi_driver_state(rig->driver), TP_DRIVER_RUNNING);
    assert_int_equal(tpi_driver_stats(rig->driver)->shutdown_refused, 2);
}

static void wrong_tokens_are_ignored_without_answer__D_144_D_146_D_147_P12(void **state)
{
    (void)state;
    static const char *const wrong[] = { "", "open", "open sesam", "open sesame ", "Open sesame", "open sesameopen sesame", "pen sesame",
        "xxxxxxxxxxx" };
    set_token(TOKEN);
    rig_start();
    rig_forget_events();
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) { ask(wrong[i], TPC_SHUTDOWN_ADMIN, ""); }
    assert_int_equal(tpi_driver_state(rig->driver), TP_DRIVER_RUNNING);
    assert_int_equal(rig->event_count, sizeof(wrong) / sizeof(wrong[0]));        /* the requests themselves and nothing else */
    ask(TOKEN, 9, "");
    assert_int_equal(tpi_driver_state(rig->driver), TP_DRIVER_RUNNING);
}

static void the_right_token_drains_then_stops__D_142_D_145_D_148_D_149_D_150_D_151(void **state)
{
    (void)state;
    set_token(TOKEN);
    rig->config.shutdown_timeout_ms = 500;
    rig_start();
    const tpc_attach_response_t lease = rig_attach(PRODUCER, 1, 10000);
    (void)rig_attach(CONSUMER, 2, 10001);
    rig_forget_events();
    ask(TOKEN, TPC_SHUTDOWN_ADMIN, "maintenance");
    assert_int_equal(tpi_driver_state(rig->driver), TP_DRIVER_DRAINING);
    assert_int_equal(rig_announces(10000), 1);
    assert_int_equal(rig_announces(10001), 1);
    const tpc_attach_request_t q = rig_request(CONSUMER, 3, 10000);
    const tpc_attach_response_t r = rig_ask(&q);
    assert_int_equal(r.code, TPC_CODE_REJECTED);
    assert_true(tpc_bytes_equal(r.error_message, "driver draining"));
    rig_send_keepalive(&lease, 1, PRODUCER);
    rig_step(499 * MS);
    assert_int_equal(tpi_driver_stats(rig->driver)->keepalive_accepted, 1);
    tpc_driver_shutdown_t m;
    assert_false(notice(&m));
    ask(TOKEN, TPC_SHUTDOWN_ERROR, "again");
    rig_step(1 * MS);
    assert_true(notice(&m));
    assert_int_equal(m.reason, TPC_SHUTDOWN_ADMIN);
    assert_true(tpc_bytes_equal(m.error_message, "maintenance"));
    assert_true(m.timestamp_ns == (uint64_t)rig->now_ns);
    assert_int_equal(tpi_driver_state(rig->driver), TP_DRIVER_STOPPED);
    const size_t events = rig->event_count;
    rig_step(10000 * MS);
    rig_send_attach(&q);
    rig_settle();
    assert_int_equal(rig->event_count, events + 1);
}

static void a_detach_while_draining_is_handled(void **state)
{
    (void)state;
    rig_start();
    const tpc_attach_response_t p = rig_attach(PRODUCER, 1, 10000);
    const uint64_t epoch = p.epoch;
    tpi_driver_shutdown(rig->driver, TPC_SHUTDOWN_NORMAL, NULL, false);
    rig_settle();
    assert_int_equal(tpi_driver_state(rig->driver), TP_DRIVER_DRAINING);
    assert_int_equal(rig_detach(&p, 1, PRODUCER).code, TPC_CODE_OK);
    assert_true(rig_last_announce(10000).epoch > epoch);
}

static void one_notice_stands_for_all_leases__D_152_D_203(void **state)
{
    (void)state;
    rig_start();
    (void)rig_attach(PRODUCER, 1, 10000);
    (void)rig_attach(CONSUMER, 2, 10000);
    (void)rig_attach(CONSUMER, 3, 10001);
    tpi_driver_shutdown(rig->driver, TPC_SHUTDOWN_NORMAL, "", true);
    rig_settle();
    assert_int_equal(tpi_driver_state(rig->driver), TP_DRIVER_STOPPED);
    rig_stop();
    assert_int_equal(rig_count(TPC_DRIVER_SCHEMA, TPC_DRIVER_SHUTDOWN), 1);
    assert_int_equal(rig_count(TPC_DRIVER_SCHEMA, TPC_LEASE_REVOKED), 0);
}

static void closing_without_drain_sends_the_notice_too__D_152(void **state)
{
    (void)state;
    rig_start();
    (void)rig_attach(PRODUCER, 1, 10000);
    rig_stop();
    tpc_driver_shutdown_t m;
    assert_true(notice(&m));
    assert_int_equal(m.reason, TPC_SHUTDOWN_NORMAL);
    assert_int_equal(rig_count(TPC_DRIVER_SCHEMA, TPC_DRIVER_SHUTDOWN), 1);
    assert_int_equal(rig_count(TPC_DRIVER_SCHEMA, TPC_LEASE_REVOKED), 0);
}

static void files_stay_by_default_and_go_with_cleanup__D_204(void **state)
{
    (void)state;
    uint64_t epochs[64];
    char dir[256];
    rig_start();
    const tpc_attach_response_t p = rig_attach(PRODUCER, 1, 10000);
    assert_int_equal(rig_detach(&p, 1, PRODUCER).code, TPC_CODE_OK);
    rig_stop();
    assert_int_equal(rig_epochs(10000, epochs), 2);
    rig->config.cleanup_shm_on_exit = true;
    rig_start();
    (void)rig_attach(CONSUMER, 1, 10001);
    rig_stop();
    rig_stream_dir(dir, sizeof(dir), 10000);
    for (int i = 0; i < 3; i++)                                             /* stream, namespace, user: nothing below the base */
    {
        assert_int_equal(access(dir, F_OK), -1);
        *strrchr(dir, '/') = '\0';
    }
    assert_int_equal(access(dir, F_OK), 0);
    assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { RIG_TEST(without_configured_token_no_request_counts__D_143_D_144),
        RIG_TEST(wrong_tokens_are_ignored_without_answer__D_144_D_146_D_147_P12),
        RIG_TEST(the_right_token_drains_then_stops__D_142_D_145_D_148_D_149_D_150_D_151), RIG_TEST(a_detach_while_draining_is_handled),
        RIG_TEST(one_notice_stands_for_all_leases__D_152_D_203), RIG_TEST(closing_without_drain_sends_the_notice_too__D_152),
        RIG_TEST(files_stay_by_default_and_go_with_cleanup__D_204) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
