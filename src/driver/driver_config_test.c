/* Defaults and start-up rules of a driver's configuration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <tensor_pool/common/tp_error.h>
#include <tensor_pool/driver/tp_driver_config.h>

static tp_driver_config_t config;

static int setup(void **state)
{
    (void)state;
    tp_driver_config_init(&config);
    tp_profile_config_t *const profile = tp_driver_config_add_profile(&config, "camera");
    assert_non_null(profile);
    profile->header_nslots = 64;
    profile->pool_count = 2;
    profile->pools[0] = (tp_pool_config_t){ 1, 4096 };
    profile->pools[1] = (tp_pool_config_t){ 2, 65536 };
    assert_non_null(tp_driver_config_add_stream(&config, "left", 10000, "camera"));
    assert_int_equal(tp_driver_config_check(&config), 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tp_driver_config_fini(&config);
    return 0;
}

static void refused(int code, const char *key, const char *value)
{
    assert_int_equal(tp_driver_config_check(&config), -1);
    assert_int_equal(tp_errcode(), code);
    if (NULL == strstr(tp_errmsg(), key) || NULL == strstr(tp_errmsg(), value)) { fail_msg("'%s' names neither %s nor %s", tp_errmsg(), key, value); }
}

static void accepted(void)
{
    if (0 != tp_driver_config_check(&config)) { fail_msg("refused: %s", tp_errmsg()); }
}

static void defaults_are_those_of_the_document__D_185_D_105(void **state)
{
    (void)state;
    tp_driver_config_t c;
    tp_driver_config_init(&c);
    assert_string_equal(c.instance_id, "driver-01");
    assert_string_equal(c.control_channel, "aeron:ipc?term-length=4m");
    assert_int_equal(c.control_stream_id, 1000);
    assert_string_equal(c.announce_channel, "");
    assert_int_equal(c.announce_stream_id, 0);
    assert_int_equal(c.qos_stream_id, 1200);
    assert_string_equal(c.base_dir, "/dev/shm/tensorpool");
    assert_string_equal(c.shm_namespace, "default");
    assert_false(c.require_hugepages);
    assert_int_equal(c.page_size_bytes, 4096);
    assert_int_equal(c.permissions_mode, 0660);
    assert_false(c.allow_dynamic_streams);
    assert_int_equal(c.announce_period_ms, 1000);
    assert_int_equal(c.lease_keepalive_interval_ms, 1000);
    assert_int_equal(c.lease_expiry_grace_intervals, 3);
    assert_int_equal(c.node_id_reuse_cooldown_ms, 1000);
    assert_true(c.prefault_shm);
    assert_false(c.reuse_existing_shm || c.mlock_shm || c.cleanup_shm_on_exit || c.epoch_gc_on_startup);
    assert_true(c.epoch_gc_enabled);
    assert_int_equal(c.epoch_gc_keep, 2);
    assert_int_equal(c.epoch_gc_min_age_ns, 0);
    assert_int_equal(c.shutdown_timeout_ms, 2000);
    assert_string_equal(c.shutdown_token, "");
    tp_driver_config_fini(&c);
}

static void builtin_configuration_passes_its_own_checks(void **state)
{
    (void)state;
    tp_driver_config_t c;
    tp_driver_config_init(&c);
    assert_int_equal(tp_driver_config_set_builtin(&c), 0);
    assert_int_equal(tp_driver_config_check(&c), 0);
    assert_int_equal(c.stream_count, 16);
    tp_driver_config_fini(&c);
}

static void names_are_unique_and_bounded(void **state)
{
    (void)state;
    char name[TP_CONFIG_NAME_MAX + 1];
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    assert_null(tp_driver_config_add_profile(&config, "camera"));
    assert_null(tp_driver_config_add_profile(&config, ""));
    assert_null(tp_driver_config_add_profile(&config, name));
    assert_null(tp_driver_config_add_stream(&config, "left", 10001, "camera"));
    name[sizeof(name) - 2] = '\0';
    assert_non_null(tp_driver_config_add_profile(&config, name));
    assert_int_equal(config.profile_count, 2);
    assert_string_equal(config.profiles[0].name, "camera");
}

static void number_of_profiles_is_limited(void **state)
{
    (void)state;
    for (int i = 1; i < TP_CONFIG_PROFILES_MAX; i++)
    {
        char name[16];
        (void)snprintf(name, sizeof(name), "p%d", i);
        assert_non_null(tp_driver_config_add_profile(&config, name));
    }
    assert_null(tp_driver_config_add_profile(&config, "one-too-many"));
    assert_int_equal(tp_errcode(), TP_EFULL);
}

static void at_least_one_profile_with_a_pool_is_needed__D_189_D_190(void **state)
{
    (void)state;
    config.profiles[0].pool_count = 0;
    refused(TP_ECONF_RULE, "profiles.camera.payload_pools", "0");
    config.profile_count = 0;
    refused(TP_ECONF_RULE, "profiles", "1");
}

static void strides_are_multiples_of_64__D_191(void **state)
{
    (void)state;
    const uint32_t bad[] = { 0, 1, 63, 65, 100, UINT32_MAX };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    {
        config.profiles[0].pools[1].stride_bytes = bad[i];
        refused(TP_ECONF_RULE, "stride_bytes", "64");
    }
    config.profiles[0].pools[1].stride_bytes = 64;
    accepted();
}

static void slots_are_a_power_of_two(void **state)
{
    (void)state;
    const uint32_t bad[] = { 0, 3, 12, 1000, (1u << 24) + 1, 1u << 25 };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    {
        config.profiles[0].header_nslots = bad[i];
        refused(TP_ECONF_RULE, "header_nslots", "power of two");
    }
    config.profiles[0].header_nslots = 1;
    accepted();
    config.profiles[0].header_slot_bytes = 128;
    refused(TP_ECONF_RULE, "header_slot_bytes", "128");
}

static void pool_ids_are_unique_and_not_zero(void **state)
{
    (void)state;
    config.profiles[0].pools[1].pool_id = 1;
    refused(TP_ECONF_RULE, "pool_id", "1");
    config.profiles[0].pools[1].pool_id = 0;
    refused(TP_ECONF_RANGE, "pool_id", "0");
    config.profiles[0].pools[1].pool_id = 65535;
    accepted();
}

static void without_dynamic_streams_every_stream_is_defined__D_188(void **state)
{
    (void)state;
    config.stream_count = 0;
    refused(TP_ECONF_RULE, "streams", "allow_dynamic_streams");
    config.allow_dynamic_streams = true;
    accepted();
    config.stream_count = 1;
}

static void static_streams_have_unique_ids_and_known_profiles(void **state)
{
    (void)state;
    tp_stream_config_t *stream = tp_driver_config_add_stream(&config, "right", 10000, "camera");
    refused(TP_ECONF_RULE, "streams.right.stream_id", "10000");
    stream->stream_id = 0;
    refused(TP_ECONF_RANGE, "streams.right.stream_id", "0");
    stream->stream_id = UINT32_MAX;
    refused(TP_ECONF_RANGE, "streams.right.stream_id", "4294967295");
    stream->stream_id = 10001;
    accepted();
    (void)snprintf(stream->profile, sizeof(stream->profile), "none");
    refused(TP_ECONF_RULE, "streams.right.profile", "none");
}

static void default_profile_of_dynamic_streams_is_known(void **state)
{
    (void)state;
    (void)snprintf(config.default_profile, sizeof(config.default_profile), "none");
    accepted();
    config.allow_dynamic_streams = true;
    refused(TP_ECONF_RULE, "policies.default_profile", "none");
}

static void ranges_are_ordered_and_overlap_nothing__D_169_D_170_D_171_I_001(void **state)
{
    (void)state;
    static const struct { tp_id_range_t streams, descriptors, controls; const char *key; } bad[] = {
        { { 0, 5 }, { 0, 0 }, { 0, 0 }, "driver.stream_id_range" },
        { { 20001, 20000 }, { 0, 0 }, { 0, 0 }, "driver.stream_id_range" },
        { { 20000, 0x80000000u }, { 0, 0 }, { 0, 0 }, "driver.stream_id_range" },
        { { 20000, 20010 }, { 20010, 20020 }, { 0, 0 }, "driver.descriptor_stream_id_range" },
        { { 20000, 20010 }, { 19000, 30000 }, { 0, 0 }, "driver.descriptor_stream_id_range" },
        { { 0, 0 }, { 31000, 31010 }, { 31005, 31006 }, "driver.control_stream_id_range" },
        { { 10000, 10005 }, { 0, 0 }, { 0, 0 }, "streams.left.stream_id" },
        { { 9000, 10000 }, { 0, 0 }, { 0, 0 }, "streams.left.stream_id" },
        { { 0, 0 }, { 1000, 1000 }, { 0, 0 }, "driver.control_stream_id" },
        { { 0, 0 }, { 900, 1001 }, { 0, 0 }, "driver.control_stream_id" },
        { { 0, 0 }, { 0, 0 }, { 1001, 1001 }, "driver.announce_stream_id" },
        { { 0, 0 }, { 0, 0 }, { 1200, 1201 }, "driver.qos_stream_id" },
    };
    config.announce_stream_id = 1001;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    {
        config.stream_id_range = bad[i].streams;
        config.descriptor_stream_id_range = bad[i].descriptors;
        config.control_stream_id_range = bad[i].controls;
        refused(TP_ECONF_RANGE, bad[i].key, "");
    }
    config.stream_id_range = (tp_id_range_t){ 10001, 20010 };
    config.descriptor_stream_id_range = (tp_id_range_t){ 20011, 20011 };
    config.control_stream_id_range = (tp_id_range_t){ 20012, INT32_MAX };
    accepted();
}

static void base_directory_is_absolute_plain_and_allowed__D_207(void **state)
{
    (void)state;
    static const char *const bad[] = { "", "relative", "/dev/shm/a b", "/dev/shm/a?b", "/dev/shm/a|b", "/dev/shm/\xc3\xa4" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    {
        (void)snprintf(config.base_dir, sizeof(config.base_dir), "%s", bad[i]);
        refused(TP_ECONF_RULE, "shm.base_dir", bad[i]);
    }
    (void)snprintf(config.base_dir, sizeof(config.base_dir), "/dev/shm-evil/x");
    config.allowed_base_dir_count = 1;
    (void)snprintf(config.allowed_base_dirs[0], sizeof(config.allowed_base_dirs[0]), "/dev/shm");
    refused(TP_ECONF_RULE, "shm.allowed_base_dirs", "/dev/shm");
    (void)snprintf(config.base_dir, sizeof(config.base_dir), "/dev/shm/x");
    accepted();
    (void)snprintf(config.base_dir, sizeof(config.base_dir), "/dev/shm");
    accepted();
}

static void namespace_mode_and_ids_are_checked__D_207(void **state)
{
    (void)state;
    static const char *const bad[] = { "", ".", "..", "a/b", "a.b", "a b" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    {
        (void)snprintf(config.shm_namespace, sizeof(config.shm_namespace), "%s", bad[i]);
        refused(TP_ECONF_RULE, "shm.namespace", bad[i]);
    }
    (void)snprintf(config.shm_namespace, sizeof(config.shm_namespace), "rig_A-1");
    accepted();
    config.permissions_mode = 01000;
    refused(TP_ECONF_RANGE, "shm.permissions_mode", "1000");
    config.permissions_mode = 0777;
    accepted();
    config.control_stream_id = 0;
    refused(TP_ECONF_RANGE, "driver.control_stream_id", "0");
    config.control_stream_id = 0x80000000u;
    refused(TP_ECONF_RANGE, "driver.control_stream_id", "2147483648");
    config.control_stream_id = INT32_MAX;
    accepted();
    config.announce_period_ms = 0;
    refused(TP_ECONF_RANGE, "policies.announce_period_ms", "0");
}

static void words_are_known_ones(void **state)
{
    (void)state;
    (void)snprintf(config.answer_hello, sizeof(config.answer_hello), "maybe");
    refused(TP_ECONF_RULE, "driver.answer_hello", "maybe");
    (void)snprintf(config.answer_hello, sizeof(config.answer_hello), "never");
    accepted();
    (void)snprintf(config.idle, sizeof(config.idle), "never");
    refused(TP_ECONF_RULE, "driver.idle", "never");
    (void)snprintf(config.idle, sizeof(config.idle), "spin");
    (void)snprintf(config.media_driver, sizeof(config.media_driver), "other");
    refused(TP_ECONF_RULE, "driver.media_driver", "other");
    (void)snprintf(config.media_driver, sizeof(config.media_driver), "embedded");
    config.instance_id[0] = '\0';
    refused(TP_ECONF_RULE, "driver.instance_id", "empty");
    (void)snprintf(config.instance_id, sizeof(config.instance_id), "a");
    static const uint32_t bad_pages[] = { 0, 4095, 4097, 12288 };
    for (size_t i = 0; i < sizeof(bad_pages) / sizeof(bad_pages[0]); i++)
    {
        config.page_size_bytes = bad_pages[i];
        refused(TP_ECONF_RULE, "shm.page_size_bytes", "power of two");
    }
    config.page_size_bytes = 65536;
    accepted();
    (void)snprintf(config.control_channel, sizeof(config.control_channel), "udp://x");
    refused(TP_ECONF_RULE, "driver.control_channel", "udp://x");
}

static void a_configuration_of_another_size_is_refused(void **state)
{
    (void)state;
    config.size--;
    refused(TP_EINVAL, "configuration", "");
    config.size++;
    assert_int_equal(tp_driver_config_check(NULL), -1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = { T(defaults_are_those_of_the_document__D_185_D_105), T(builtin_configuration_passes_its_own_checks),
        T(names_are_unique_and_bounded), T(number_of_profiles_is_limited), T(at_least_one_profile_with_a_pool_is_needed__D_189_D_190),
        T(strides_are_multiples_of_64__D_191), T(slots_are_a_power_of_two), T(pool_ids_are_unique_and_not_zero),
        T(without_dynamic_streams_every_stream_is_defined__D_188), T(static_streams_have_unique_ids_and_known_profiles),
        T(default_profile_of_dynamic_streams_is_known), T(ranges_are_ordered_and_overlap_nothing__D_169_D_170_D_171_I_001),
        T(base_directory_is_absolute_plain_and_allowed__D_207), T(namespace_mode_and_ids_are_checked__D_207), T(words_are_known_ones),
        T(a_configuration_of_another_size_is_refused) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
