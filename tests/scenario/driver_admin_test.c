/* Requests over the local socket, as lines. */
#include "driver_rig.h"

#include "common/alloc.h"
#include "common/log.h"
#include "common/log_keep.h"
#include "driver/driver_admin.h"

#define PRODUCER TP_ROLE_PRODUCER

static void asked(const char *line, const char *part)
{
    char *const answer = tpi_admin_answer(rig->driver, 4711, line, strlen(line), rig->now_ns);
    assert_non_null(answer);
    if (NULL == strstr(answer, part)) { fail_msg("'%s' -> '%s', without '%s'", line, answer, part); }
    assert_null(strchr(answer, '\n'));
    tpi_free(answer);
    rig_settle();
}

static void ping_tells_who_answers(void **state)
{
    (void)state;
    rig->options.instance_token = UINT64_MAX;
    rig_start();
    asked("{\"cmd\":\"ping\"}", "\"token\":\"18446744073709551615\"");
    asked("{\"cmd\":\"ping\"}", "\"state\":\"running\"");
    asked("{\"cmd\":\"ping\"}", "\"ok\":true");
}

static void leases_are_listed_and_revoked__D_130(void **state)
{
    (void)state;
    char text[128];
    rig_start();
    asked("{\"cmd\":\"leases\"}", "\"leases\":[]");
    const tpc_attach_response_t p = rig_attach(PRODUCER, 42, 10000);
    const uint64_t lease_id = p.lease_id;
    rig_step(250 * MS);
    (void)snprintf(text, sizeof(text), "\"lease\":\"%llu\",\"stream\":10000,\"client\":42,\"role\":\"producer\"", (unsigned long long)lease_id);
    asked("{\"cmd\":\"leases\"}", text);
    asked("{\"cmd\":\"leases\"}", "\"keepalive_age_ns\":250000000");
    (void)snprintf(text, sizeof(text), "{\"cmd\":\"revoke\",\"lease\":\"%llu\"}", (unsigned long long)lease_id);
    asked(text, "\"ok\":true");
    assert_int_equal(rig_last_revoked().reason, TPC_REVOKE_REVOKED);
    asked(text, "\"code\":1009");
    assert_int_equal(tpi_driver_lease_count(rig->driver), 0);
}

static void drain_begins_an_orderly_end__D_151(void **state)
{
    (void)state;
    rig_start();
    asked("{\"cmd\":\"drain\"}", "\"ok\":true");
    assert_int_equal(tpi_driver_state(rig->driver), TP_DRIVER_DRAINING);
    rig_step(2000 * MS);
    tpc_driver_shutdown_t m;
    const int at = rig_find(TPC_DRIVER_SCHEMA, TPC_DRIVER_SHUTDOWN, 0);
    assert_true(at >= 0);
    assert_int_equal(tpc_driver_shutdown_decode(&m, rig->events[at].data, rig->events[at].length), TPC_OK);
    assert_int_equal(m.reason, TPC_SHUTDOWN_ADMIN);
}

static void draining_can_skip_the_wait__D_152(void **state)
{
    (void)state;
    rig_start();
    asked("{\"cmd\":\"drain\",\"now\":true}", "\"ok\":true");
    assert_int_equal(tpi_driver_state(rig->driver), TP_DRIVER_STOPPED);
    assert_true(rig_find(TPC_DRIVER_SCHEMA, TPC_DRIVER_SHUTDOWN, 0) >= 0);
}

static void streams_are_described_with_who_holds_them(void **state)
{
    (void)state;
    char text[256];
    rig_start();
    asked("{\"cmd\":\"streams\"}", "{\"stream\":10000,\"name\":\"left\",\"profile\":\"p\",\"origin\":\"static\","
        "\"state\":\"idle\",\"epoch\":\"0\",\"nslots\":8,\"pools\":[{\"pool\":1,\"stride\":4096},{\"pool\":7,\"stride\":65536}],"
        "\"bytes\":559296,\"producer\":null,\"consumers\":[],");
    const tpc_attach_response_t p = rig_attach(PRODUCER, 42, 10001);
    (void)snprintf(text, sizeof(text), "\"state\":\"live\",\"epoch\":\"%llu\"", (unsigned long long)p.epoch);
    asked("{\"cmd\":\"streams\",\"stream\":10001}", text);
    (void)snprintf(text, sizeof(text), "\"producer\":{\"lease\":\"%llu\",\"client\":42,\"role\":\"producer\",\"node\":1,"
        "\"epoch\":\"%llu\",\"keepalive_age_ns\":0,\"expires_in_ns\":3000000000}", (unsigned long long)p.lease_id, (unsigned long long)p.epoch);
    asked("{\"cmd\":\"streams\",\"stream\":10001}", text);
    const tpc_attach_response_t c = rig_attach(TP_ROLE_CONSUMER, 43, 10001);
    asked("{\"cmd\":\"streams\",\"stream\":10001}", "\"role\":\"consumer\",\"node\":2,");
    asked("{\"cmd\":\"streams\",\"stream\":10001}", "\"descriptor_stream\":0,\"control_stream\":0}]");
    (void)rig_detach(&c, 43, TP_ROLE_CONSUMER);
    const tpc_attach_request_t second = rig_request(PRODUCER, 44, 10001);
    (void)rig_ask(&second);
    asked("{\"cmd\":\"streams\",\"stream\":10001}", "\"counts\":{\"granted\":2,\"refused\":1,\"detached\":1,\"expired\":0,\"revoked\":0,\"epochs\":1,"
        "\"epochs_failed\":0}");
    rig_step(3001 * MS);
    asked("{\"cmd\":\"streams\",\"stream\":10001}", "\"expired\":1,\"revoked\":0,\"epochs\":2,");
    asked("{\"cmd\":\"streams\",\"stream\":4}", "\"code\":1009");
    asked("{\"cmd\":\"streams\",\"stream\":-1}", "\"ok\":false");
    asked("{\"cmd\":\"streams\",\"stream\":4294967296}", "\"ok\":false");
}

static int log_setup(void **state)
{
    tp_log_set_handler(NULL, NULL, TP_LOG_INFO);
    return tpi_log_keep_begin() < 0 ? -1 : rig_setup(state);
}

static int log_teardown(void **state)
{
    tpi_log_keep_end();
    return rig_teardown(state);
}

static void the_log_can_be_read_and_its_level_set(void **state)
{
    (void)state;
    rig_start();
    asked("{\"cmd\":\"log\",\"limit\":0}", "\"lines\":[]");
    (void)rig_attach(PRODUCER, 42, 10000);
    asked("{\"cmd\":\"log\"}", "\"level\":\"info\",\"code\":0,\"text\":\"stream 10000: client 42 attached as producer");
    asked("{\"cmd\":\"log\"}", "\"ok\":true,\"level\":\"info\",\"next\":\"");
    asked("{\"cmd\":\"log\",\"after\":\"1000\"}", "\"lines\":[]");
    asked("{\"cmd\":\"log\",\"level\":\"trace\",\"limit\":1}", "\"level\":\"trace\",\"next\"");
    assert_int_equal(tpi_log_level(), TP_LOG_TRACE);
    static const char *const wrong[] = { "{\"cmd\":\"log\",\"level\":\"loud\"}", "{\"cmd\":\"log\",\"level\":3}", "{\"cmd\":\"log\",\"after\":1}",
        "{\"cmd\":\"log\",\"limit\":257}", "{\"cmd\":\"log\",\"limit\":-1}", "{\"cmd\":\"log\",\"limit\":\"1\"}" };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) { asked(wrong[i], "\"ok\":false"); }
    assert_int_equal(tpi_log_level(), TP_LOG_TRACE);
}

static void what_changes_something_is_logged_with_the_pid_and_questions_are_not(void **state)
{
    (void)state;
    rig_start();
    static tpi_log_line_t lines[2];
    uint64_t before = 0;
    uint64_t after = 0;
    (void)tpi_log_keep_lines(lines, 0, 0, &before);
    asked("{\"cmd\":\"ping\"}", "\"ok\":true");
    asked("{\"cmd\":\"log\",\"level\":\"info\"}", "\"ok\":true");
    asked("{\"cmd\":\"errors\"}", "\"ok\":true");
    asked("{\"cmd\":\"streams\"}", "\"ok\":true");
    (void)tpi_log_keep_lines(lines, 0, 0, &after);
    assert_int_equal(after, before);
    asked("{\"cmd\":\"revoke\",\"lease\":\"1\"}", "\"ok\":false");
    assert_int_equal(tpi_log_keep_lines(lines, 2, before, &after), 1);
    assert_string_equal(lines[0].text, "local socket: pid 4711: revoke");
}

static void refusals_do_not_flood_the_log__P11(void **state)
{
    (void)state;
    static tpi_log_line_t lines[TPI_LOG_KEEP_LINES];
    uint64_t before = 0;
    uint64_t after = 0;
    rig_start();
    (void)tpi_log_keep_lines(lines, 0, 0, &before);
    for (uint32_t i = 0; i < 60; i++)
    {
        const tpc_attach_request_t request = rig_request(PRODUCER, 100 + i, 77);
        rig_send_attach(&request);
    }
    rig_settle();
    (void)tpi_log_keep_lines(lines, 0, 0, &after);
    assert_int_equal(after - before, 50);
    rig_step(999 * MS);
    const tpc_attach_request_t early = rig_request(PRODUCER, 42, 77);
    (void)rig_ask(&early);
    (void)tpi_log_keep_lines(lines, 0, 0, &after);
    assert_int_equal(after - before, 50);
    rig_step(1 * MS);
    const tpc_attach_request_t late = rig_request(PRODUCER, 42, 77);
    (void)rig_ask(&late);
    assert_int_equal(tpi_log_keep_lines(lines, 2, 0, &after), 2);
    assert_int_equal(after - before, 52);
    assert_string_equal(lines[0].text, "11 lines about refused requests were left out");
    assert_int_equal(tpi_driver_stats(rig->driver)->attach_refused, 62);
}

static void distinct_errors_are_told_with_how_often_and_when(void **state)
{
    (void)state;
    rig_start();
    asked("{\"cmd\":\"errors\"}", "\"forgotten\":0,\"errors\":[]");
    tpi_log_keep_add(TP_LOG_ERROR, TP_EIO, "disk 7 \xff", 1000);
    tpi_log_keep_add(TP_LOG_ERROR, TP_EIO, "disk 8 \xff", 2000);
    asked("{\"cmd\":\"errors\"}", "\"count\":2,\"first_ns\":\"1000\",\"last_ns\":\"2000\",\"text\":\"disk 8 ?\"}]");
}

static void nonsense_is_an_error_and_nothing_else__P11(void **state)
{
    (void)state;
    static const char *const lines[] = { "", "{", "[]", "null", "{}", "{\"cmd\":1}", "{\"cmd\":\"no\"}", "{\"cmd\":\"revoke\"}",
        "{\"cmd\":\"revoke\",\"lease\":12}", "{\"cmd\":\"revoke\",\"lease\":\"12x\"}", "{\"cmd\":\"revoke\",\"lease\":\"-1\"}",
        "{\"cmd\":\"revoke\",\"lease\":\"99999999999999999999\"}", "{\"cmd\":\"ping\",\"cmd\":\"ping\"}", "{\"cmd\":\"ping\"} x", "\xff\xfe" };
    rig_start();
    (void)rig_attach(PRODUCER, 42, 10000);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) { asked(lines[i], "\"ok\":false"); }
    assert_int_equal(tpi_driver_lease_count(rig->driver), 1);
    assert_int_equal(tpi_driver_state(rig->driver), TP_DRIVER_RUNNING);
}

int main(void)
{
    const struct CMUnitTest tests[] = { RIG_TEST(ping_tells_who_answers), RIG_TEST(leases_are_listed_and_revoked__D_130),
        RIG_TEST(drain_begins_an_orderly_end__D_151), RIG_TEST(draining_can_skip_the_wait__D_152),
        RIG_TEST(streams_are_described_with_who_holds_them),
        cmocka_unit_test_setup_teardown(the_log_can_be_read_and_its_level_set, log_setup, log_teardown),
        cmocka_unit_test_setup_teardown(what_changes_something_is_logged_with_the_pid_and_questions_are_not, log_setup, log_teardown),
        cmocka_unit_test_setup_teardown(refusals_do_not_flood_the_log__P11, log_setup, log_teardown),
        cmocka_unit_test_setup_teardown(distinct_errors_are_told_with_how_often_and_when, log_setup, log_teardown),
        RIG_TEST(nonsense_is_an_error_and_nothing_else__P11) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
