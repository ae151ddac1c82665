/* The start-up errors of 25-supervisor.md 7.1 that lie in values; how a file is read: src/config. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "supervisor/supervisor_internal.h"
#include <tensor_pool/common/tp_error.h>

static tp_supervisor_config_t config;
static tp_stream_config_t streams[2];

static int setup(void **state)
{
    (void)state;
    tp_supervisor_config_init(&config);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tp_supervisor_config_fini(&config);
    return 0;
}

static void embed(void)
{
    static tp_driver_config_t driver;
    memset(&driver, 0, sizeof(driver));
    memset(streams, 0, sizeof(streams));
    (void)snprintf(driver.control_channel, sizeof(driver.control_channel), "aeron:ipc?term-length=1m");
    (void)snprintf(driver.qos_channel, sizeof(driver.qos_channel), "aeron:ipc?alias=q");
    (void)snprintf(driver.metadata_channel, sizeof(driver.metadata_channel), "aeron:ipc?term-length=4m");
    (void)snprintf(driver.base_dir, sizeof(driver.base_dir), "/dev/shm/x");
    driver.control_stream_id = 2000;
    driver.qos_stream_id = 2200;
    driver.metadata_stream_id = 1300;
    driver.descriptor_stream_id = 2100;
    driver.announce_period_ms = 500;
    streams[0].stream_id = 10000;
    streams[1].stream_id = 10001;
    driver.streams = streams;
    driver.stream_count = 2;
    driver.stream_id_range = (tp_id_range_t){ 20000, 20999 };
    driver.descriptor_stream_id_range = (tp_id_range_t){ 31000, 31127 };
    driver.control_stream_id_range = (tp_id_range_t){ 32000, 32127 };
    assert_int_equal(tp_supervisor_config_inherit(&config, &driver), 0);
}

static void refused(int code)
{
    assert_int_equal(tp_supervisor_config_check(&config), -1);
    assert_int_equal(tp_errcode(), code);
}

static void accepted(void) { assert_int_equal(tp_supervisor_config_check(&config), 0); }

static void descriptor_range(uint32_t base, uint32_t range)
{
    config.per_consumer_descriptor_base = base;
    config.per_consumer_descriptor_range = range;
}

static void control_range(uint32_t base, uint32_t range)
{
    config.per_consumer_control_base = base;
    config.per_consumer_control_range = range;
}

static void defaults_are_those_of_the_table(void **state)
{
    (void)state;
    accepted();
    assert_string_equal(config.control_channel, "aeron:ipc?term-length=4m");
    assert_int_equal(config.control_stream_id, 1000);
    assert_int_equal(config.announce_stream_id, 1001);
    assert_int_equal(config.metadata_stream_id, 1300);
    assert_int_equal(config.qos_stream_id, 1200);
    assert_int_equal(config.consumer_capacity, 256);
    assert_int_equal(config.consumer_stale_ms, 5000);
    assert_false(config.per_consumer_enabled);
}

static void embedded_takes_over_the_streams_of_its_driver__S_064(void **state)
{
    (void)state;
    embed();
    accepted();
    assert_string_equal(config.control_channel, "aeron:ipc?term-length=1m");
    assert_string_equal(config.announce_channel, "aeron:ipc?term-length=1m");
    assert_string_equal(config.metadata_channel, "aeron:ipc?term-length=1m");
    assert_string_equal(config.qos_channel, "aeron:ipc?alias=q");
    assert_int_equal(config.control_stream_id, 2000);
    assert_int_equal(config.announce_stream_id, 2000);
    assert_int_equal(config.metadata_stream_id, 1300);
    assert_int_equal(config.qos_stream_id, 2200);
    assert_int_equal(config.announce_period_ms, 500);
    assert_string_equal(config.allowed_base_dirs[0], "/dev/shm/x");
    assert_int_equal(tpi_supervisor_config_range(&config, false).first, 31000);        /* OP-S-07 */
    assert_int_equal(tpi_supervisor_config_range(&config, true).last, 32127);
    descriptor_range(31010, 5);
    accepted();
    assert_int_equal(tpi_supervisor_config_range(&config, false).last, 31014);
}

static void base_without_range_is_refused__S_065(void **state)
{
    (void)state;
    descriptor_range(31000, 0);
    refused(TP_ECONF_RULE);
    descriptor_range(31000, 1);
    accepted();
    control_range(32000, 0);
    refused(TP_ECONF_RULE);
    control_range(0, 5);
    accepted();
}

static void unknown_mode_is_refused__S_066(void **state)
{
    (void)state;
    config.force_mode = 2;
    accepted();
    config.force_mode = 3;
    refused(TP_ECONF_RANGE);
}

static void numbers_outside_their_bounds_are_refused__S_075(void **state)
{
    (void)state;
    uint32_t *const ids[] = { &config.control_stream_id, &config.announce_stream_id, &config.metadata_stream_id, &config.qos_stream_id };
    for (size_t i = 0; i < 4; i++)
    {
        const uint32_t before = *ids[i];
        const uint32_t bad[] = { 0, 2147483648u, UINT32_MAX };
        for (size_t k = 0; k < 3; k++)
        {
            *ids[i] = bad[k];
            refused(TP_ECONF_RANGE);
        }
        *ids[i] = 2147483647;
        accepted();
        *ids[i] = before;
    }
    config.consumer_capacity = 0;
    refused(TP_ECONF_RANGE);
    config.consumer_capacity = 1;
    accepted();
    descriptor_range(2147483647, 1);
    accepted();
    descriptor_range(2147483647, 2);
    refused(TP_ECONF_RANGE);
    descriptor_range(2147483648u, 1);
    refused(TP_ECONF_RANGE);
    descriptor_range(1, UINT32_MAX);
    refused(TP_ECONF_RANGE);
    descriptor_range(0, 0);
    (void)snprintf(config.qos_channel, sizeof(config.qos_channel), "ipc");
    refused(TP_ECONF_RULE);
}

static void ranges_overlap_neither_each_other_nor_shared_streams__S_041_S_075(void **state)
{
    (void)state;
    const uint32_t shared[] = { 1000, 1001, 1300, 1200, 1100 };
    for (size_t i = 0; i < 5; i++)
    {
        descriptor_range(shared[i] - 9, 10);
        refused(TP_ECONF_RANGE);
        descriptor_range(shared[i], 1);
        refused(TP_ECONF_RANGE);
        descriptor_range(shared[i] + 1, 0 == i ? 0 : 10);
        if (0 == i) { refused(TP_ECONF_RULE); }
        else { accepted(); }
    }
    descriptor_range(31000, 128);
    control_range(31127, 10);
    refused(TP_ECONF_RANGE);
    control_range(31128, 10);
    accepted();
    control_range(30990, 10);
    accepted();
    control_range(30990, 11);
    refused(TP_ECONF_RANGE);
}

static void embedded_ranges_respect_the_driver__S_075(void **state)
{
    (void)state;
    embed();
    descriptor_range(31000, 128);
    control_range(32000, 128);
    accepted();
    descriptor_range(31000, 129);                              /* outside of the driver's */
    refused(TP_ECONF_RANGE);
    descriptor_range(30999, 2);
    refused(TP_ECONF_RANGE);
    config.host.descriptor_stream_id_range = (tp_id_range_t){ 0, 0 };
    descriptor_range(9990, 10);
    accepted();
    descriptor_range(9990, 11);                                /* a static stream */
    refused(TP_ECONF_RANGE);
    descriptor_range(20999, 1);                                /* the dynamic ones */
    refused(TP_ECONF_RANGE);
    descriptor_range(21000, 1);
    accepted();
    descriptor_range(2100, 1);                                 /* the driver's descriptor stream */
    refused(TP_ECONF_RANGE);
    descriptor_range(32127, 2);                                /* overlaps the control range */
    refused(TP_ECONF_RANGE);
    descriptor_range(0, 0);
    config.qos_stream_id = 32000;                              /* lies in a range that is taken over */
    control_range(0, 0);
    refused(TP_ECONF_RANGE);
}

static void rules_are_bounded_and_named_once(void **state)
{
    (void)state;
    assert_null(tp_supervisor_config_add_policy(&config, ""));
    for (int i = 0; i < TP_SUPERVISOR_POLICIES_MAX; i++)
    {
        char name[16];
        (void)snprintf(name, sizeof(name), "r%d", i);
        assert_non_null(tp_supervisor_config_add_policy(&config, name));
    }
    assert_null(tp_supervisor_config_add_policy(&config, "r3"));
    assert_int_equal(tp_errcode(), TP_EINVAL);
    assert_null(tp_supervisor_config_add_policy(&config, "more"));
    assert_int_equal(tp_errcode(), TP_EFULL);
    accepted();
    config.policies[9].streams = (tp_id_range_t){ 2, 1 };
    refused(TP_ECONF_RULE);
    config.policies[9].streams = (tp_id_range_t){ 2, 2 };
    config.policies[9].force_mode = 3;
    refused(TP_ECONF_RULE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(defaults_are_those_of_the_table, setup, teardown),
        cmocka_unit_test_setup_teardown(embedded_takes_over_the_streams_of_its_driver__S_064, setup, teardown),
        cmocka_unit_test_setup_teardown(base_without_range_is_refused__S_065, setup, teardown),
        cmocka_unit_test_setup_teardown(unknown_mode_is_refused__S_066, setup, teardown),
        cmocka_unit_test_setup_teardown(numbers_outside_their_bounds_are_refused__S_075, setup, teardown),
        cmocka_unit_test_setup_teardown(ranges_overlap_neither_each_other_nor_shared_streams__S_041_S_075, setup, teardown),
        cmocka_unit_test_setup_teardown(embedded_ranges_respect_the_driver__S_075, setup, teardown),
        cmocka_unit_test_setup_teardown(rules_are_bounded_and_named_once, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
