#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/supervisor_policy.h"

static tp_supervisor_policy_t rules[3];
static tp_supervisor_config_t config;

static int setup(void **state)
{
    (void)state;
    memset(&config, 0, sizeof(config));
    memset(rules, 0, sizeof(rules));
    for (int i = 0; i < 3; i++) { rules[i].force_mode = TP_SUPERVISOR_MODE_UNDECIDED; }
    config.policies = rules;
    config.policy_count = 3;
    return 0;
}

static void keys_decide_where_no_rule_does(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++)
    {
        config.force_no_shm = 0 == i;
        config.per_consumer_enabled = 1 == i;
        config.force_mode = (uint32_t)i;
        strcpy(config.payload_fallback_uri, 0 == i ? "" : "bridge://a");
        const tpi_supervisor_decision_t d = tpi_supervisor_decide(&config, 1, 2, NULL);
        assert_int_equal(d.force_no_shm, 0 == i);
        assert_int_equal(d.offers_private, 1 == i);
        assert_int_equal(d.force_mode, i);
        assert_string_equal(d.fallback_uri, config.payload_fallback_uri);
    }
    assert_false(tpi_supervisor_needs_names(&config));
}

static void first_rule_that_applies_and_decides_wins(void **state)
{
    (void)state;
    config.force_mode = 1;
    config.per_consumer_enabled = true;
    rules[0].streams = (tp_id_range_t){ 10, 20 };
    rules[0].per_consumer_enabled = TP_SUPERVISOR_NO;
    rules[1].consumers = (tp_id_range_t){ 5, 5 };
    rules[1].force_mode = 2;
    rules[1].per_consumer_enabled = TP_SUPERVISOR_YES;
    rules[2].force_mode = 0;
    rules[2].force_no_shm = TP_SUPERVISOR_YES;
    rules[2].has_payload_fallback_uri = true;
    strcpy(rules[2].payload_fallback_uri, "bridge://b");
    tpi_supervisor_decision_t d = tpi_supervisor_decide(&config, 10, 5, NULL);
    assert_false(d.offers_private);
    assert_int_equal(d.force_mode, 2);
    assert_true(d.force_no_shm);
    assert_string_equal(d.fallback_uri, "bridge://b");
    d = tpi_supervisor_decide(&config, 21, 5, NULL);           /* both sides of both ranges */
    assert_true(d.offers_private);
    d = tpi_supervisor_decide(&config, 20, 4, NULL);
    assert_false(d.offers_private);
    assert_int_equal(d.force_mode, 0);
    d = tpi_supervisor_decide(&config, 9, 6, NULL);
    assert_true(d.offers_private);
    assert_int_equal(d.force_mode, 0);
}

static void names_are_shell_patterns_and_unknown_ones_match_none(void **state)
{
    (void)state;
    strcpy(rules[0].consumer_name, "view*-?");
    rules[0].force_mode = 2;
    assert_true(tpi_supervisor_needs_names(&config));
    assert_int_equal(tpi_supervisor_decide(&config, 1, 1, "viewer-1").force_mode, 2);
    assert_int_equal(tpi_supervisor_decide(&config, 1, 1, "viewer-12").force_mode, 0);
    assert_int_equal(tpi_supervisor_decide(&config, 1, 1, "").force_mode, 0);
    assert_int_equal(tpi_supervisor_decide(&config, 1, 1, NULL).force_mode, 0);
}

static void decision_no_turns_off_what_a_key_turns_on(void **state)
{
    (void)state;
    config.force_no_shm = true;
    strcpy(config.payload_fallback_uri, "bridge://a");
    rules[0].force_no_shm = TP_SUPERVISOR_NO;
    rules[0].has_payload_fallback_uri = true;                  /* none for these */
    const tpi_supervisor_decision_t d = tpi_supervisor_decide(&config, 1, 1, NULL);
    assert_false(d.force_no_shm);
    assert_string_equal(d.fallback_uri, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(keys_decide_where_no_rule_does, setup),
        cmocka_unit_test_setup(first_rule_that_applies_and_decides_wins, setup),
        cmocka_unit_test_setup(names_are_shell_patterns_and_unknown_ones_match_none, setup),
        cmocka_unit_test_setup(decision_no_turns_off_what_a_key_turns_on, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
