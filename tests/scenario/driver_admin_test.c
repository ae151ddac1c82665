/* Requests over the local socket, as lines. */
#include "driver_rig.h"

#include "common/alloc.h"
#include "driver/driver_admin.h"

#define PRODUCER TP_ROLE_PRODUCER

static void asked(const char *line, const char *part)
{
    char *const answer = tpi_admin_answer(rig->driver, line, strlen(line), rig->now_ns);
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
        RIG_TEST(drain_begins_an_orderly_end__D_151), RIG_TEST(nonsense_is_an_error_and_nothing_else__P11) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
