#include <sys/stat.h>

#include "config/driver_rows.h"
#include "config/test_load.h"

static tp_driver_config_t config;

static int teardown(void **state)
{
    tp_driver_config_fini(&config);
    memset(&config, 0, sizeof(config));
    return remove_file(state);
}

static int load_with(const char *text, const char *const *environment, const tpi_config_setting_t *settings, size_t setting_count)
{
    const tpi_config_options_t options = { .environment = NULL != environment ? environment : no_environment, .settings = settings,
        .setting_count = setting_count, .on_warning = on_warning, .origins = &origins };
    tp_driver_config_fini(&config);
    memset(&config, 0, sizeof(config));
    if (NULL != text) { write_file(text); }
    return tpi_driver_config_load(&config, NULL != text ? path : NULL, &options);
}

static int load(const char *text) { return load_with(text, NULL, NULL, 0); }

static void loaded(const char *text)
{
    if (load(text) < 0) { fail_msg("%s", tp_errmsg()); }
}

/* Refused with that code; the message begins with the file and that place, and holds the text. */
static void refused(const char *text, int code, const char *place, const char *holds)
{
    char start[128];
    assert_int_equal(load(text), -1);
    if (code != tp_errcode()) { fail_msg("code %d instead of %d: %s", tp_errcode(), code, tp_errmsg()); }
    (void)snprintf(start, sizeof(start), "%s:%s", path, place);
    if (0 != strncmp(tp_errmsg(), start, strlen(start)) || NULL == strstr(tp_errmsg(), holds)) { fail_msg("'%s' %s", tp_errmsg(), holds); }
    assert_null(config.profiles);
}

/* ---- defaults -------------------------------------------------------------------------------------------------------------------- */

static void almost_empty_file_gives_the_defaults_of_the_table__D_185_W_219(void **state)
{
    (void)state;
    char value[TPI_CONF_SHOWN_MAX];
    loaded(REST);
    for (size_t i = 0; i < tpi_driver_row_count; i++)
    {
        const tpi_conf_row_t *const row = &tpi_driver_rows[i];
        if (0 != (row->flags & TPI_CONF_DERIVED)) { continue; }
        (void)tpi_conf_format(row, &config, value, sizeof(value));
        assert_string_equal(value, row->default_text);
        assert_int_equal(origins.rows[i].kind, TPI_CONFIG_DEFAULT);
    }
    assert_string_equal(config.instance_id, "driver-01");
    assert_string_equal(config.control_channel, "aeron:ipc?term-length=4m");
    assert_int_equal(config.control_stream_id, 1000);
    assert_int_equal(config.qos_stream_id, 1200);
    assert_string_equal(config.base_dir, "/dev/shm/tensorpool");
    assert_string_equal(config.shm_namespace, "default");
    assert_int_equal(config.permissions_mode, 0660);
    assert_true(config.prefault_shm && config.epoch_gc_enabled);
    assert_false(config.require_hugepages || config.allow_dynamic_streams || config.reuse_existing_shm || config.mlock_shm ||
        config.cleanup_shm_on_exit);
    assert_int_equal(config.epoch_gc_keep, 2);
    assert_int_equal(config.shutdown_timeout_ms, 2000);
    assert_string_equal(config.shutdown_token, "");
    assert_int_equal(config.profiles[0].header_nslots, 1024);
    assert_int_equal(config.profiles[0].header_slot_bytes, 256);
    assert_string_equal(warnings, "");
}

static void default_lease_is_three_intervals_of_one_second__D_105(void **state)
{
    (void)state;
    loaded(REST);
    assert_int_equal(config.lease_keepalive_interval_ms, 1000);
    assert_int_equal(config.lease_expiry_grace_intervals, 3);
}

static void other_lease_times_are_read__D_106_D_107(void **state)
{
    (void)state;
    loaded("[policies]\nlease_keepalive_interval_ms = 200\nlease_expiry_grace_intervals = 5\n" REST);
    assert_int_equal(config.lease_keepalive_interval_ms, 200);
    assert_int_equal(config.lease_expiry_grace_intervals, 5);
}

static void no_file_gives_the_built_in_streams__D_185(void **state)
{
    (void)state;
    loaded(NULL);
    assert_true(config.stream_count > 0 && config.profile_count > 0);
    assert_true(config.allow_dynamic_streams);
    assert_string_equal(origins.file, "");
    assert_int_equal(origins.rows[tpi_driver_row("policies.allow_dynamic_streams") - tpi_driver_rows].kind, TPI_CONFIG_BUILTIN);
    assert_int_equal(origins.rows[tpi_driver_row("driver.stream_id_range") - tpi_driver_rows].kind, TPI_CONFIG_BUILTIN);
    assert_int_equal(origins.rows[tpi_driver_row("shm.base_dir") - tpi_driver_rows].kind, TPI_CONFIG_DEFAULT);
}

static void worked_example_of_the_specification_loads__D_185(void **state)
{
    (void)state;
    loaded("[driver]\ninstance_id                = \"rig-a\"\ncontrol_channel            = \"aeron:ipc?term-length=4m\"\n"
        "control_stream_id          = 1000\n"
        "announce_channel           = \"aeron:ipc?term-length=4m\"\nannounce_stream_id         = 1001\n"
        "qos_channel                = \"aeron:ipc?term-length=4m\"\n"
        "qos_stream_id              = 1200\nstream_id_range            = \"20000-20063\"\ndescriptor_stream_id_range = \"31000-31127\"\n"
        "control_stream_id_range    = \"32000-32127\"\n\n[shm]\nbase_dir          = \"/dev/shm/tensorpool\"\nnamespace         = \"rig_a\"\n"
        "permissions_mode  = \"660\"\nallowed_base_dirs = [\"/dev/shm/tensorpool\"]\n\n[policies]\nallow_dynamic_streams        = true\n"
        "default_profile              = \"scratch\"\nannounce_period_ms           = 500\nlease_keepalive_interval_ms  = 1000\n"
        "lease_expiry_grace_intervals = 4\nnode_id_reuse_cooldown_ms    = 2500\nepoch_gc_keep                = 3\n"
        "epoch_gc_on_startup          = true\n"
        "shutdown_timeout_ms          = 1500\n\n[profiles.thermal]                 # 640 x 512 pixels of 2 bytes\nheader_nslots = 256\n"
        "[[profiles.thermal.payload_pools]]\npool_id      = 1\nstride_bytes = 655360\n\n[profiles.scratch]\nheader_nslots = 64\npayload_pools = [\n"
        "  { pool_id = 1, stride_bytes = 4096 },\n  { pool_id = 7, stride_bytes = 1048576 },\n]\n\n[streams.thermal_left]\nstream_id = 10010\n"
        "profile   = \"thermal\"\n\n[streams.thermal_right]\nstream_id = 10011\nprofile   = \"thermal\"\n");
    assert_string_equal(config.instance_id, "rig-a");
    assert_int_equal(config.announce_stream_id, 1001);
    assert_int_equal(config.stream_id_range.first, 20000);
    assert_int_equal(config.stream_id_range.last, 20063);
    assert_int_equal(config.control_stream_id_range.last, 32127);
    assert_int_equal(config.allowed_base_dir_count, 1);
    assert_string_equal(config.shm_namespace, "rig_a");
    assert_true(config.allow_dynamic_streams && config.epoch_gc_on_startup);
    assert_int_equal(config.node_id_reuse_cooldown_ms, 2500);
    assert_int_equal(config.profile_count, 2);
    assert_string_equal(config.profiles[0].name, "thermal");
    assert_int_equal(config.profiles[1].pool_count, 2);
    assert_int_equal(config.profiles[1].pools[1].pool_id, 7);
    assert_int_equal(config.profiles[1].pools[1].stride_bytes, 1048576);
    assert_int_equal(config.stream_count, 2);
    assert_string_equal(config.streams[1].name, "thermal_right");
    assert_int_equal(config.streams[1].stream_id, 10011);
    assert_string_equal(config.streams[1].profile, "thermal");
    assert_int_equal(origins.rows[tpi_driver_row("shm.namespace") - tpi_driver_rows].line, 15);
    assert_int_equal(origins.profile_lines[1], 36);
    assert_int_equal(origins.stream_lines[0], 43);
}

static void keys_of_this_implementation_are_read__D_184(void **state)
{
    (void)state;
    loaded("[driver]\nmedia_driver = \"embedded\"\nanswer_hello = \"never\"\nruntime_dir = \"/run/x\"\ndescriptor_channel = \"aeron:ipc\"\n"
        "descriptor_stream_id = 11\nmetadata_channel = \"aeron:ipc\"\nmetadata_stream_id = 12\n" REST);
    assert_string_equal(config.media_driver, "embedded");
    assert_string_equal(config.answer_hello, "never");
    assert_string_equal(config.runtime_dir, "/run/x");
    assert_string_equal(config.descriptor_channel, "aeron:ipc");
    assert_int_equal(config.descriptor_stream_id, 11);
    assert_string_equal(config.metadata_channel, "aeron:ipc");
    assert_int_equal(config.metadata_stream_id, 12);
    refused("[driver]\nidle = \"rest\"\n" REST, TP_ECONF_RANGE, "2:1: ", "driver.idle = \"rest\" is none of sleep|backoff|spin");
    refused("[driver]\nmedia_driver = \"inside\"\n" REST, TP_ECONF_RANGE, "2:1: ", "driver.media_driver = \"inside\" is none of external|embedded");
}

static void several_base_directories_are_read__W_220(void **state)
{
    (void)state;
    loaded("[shm]\nallowed_base_dirs = [\"/dev/shm/other\", \"/dev/shm\"]\n" REST);
    assert_int_equal(config.allowed_base_dir_count, 2);
    assert_string_equal(config.allowed_base_dirs[1], "/dev/shm");
    refused("[shm]\nallowed_base_dirs = [\"/dev/shm/other\"]\n" REST, TP_ECONF_RULE, " ", "shm.base_dir = '/dev/shm/tensorpool'");
    refused("[shm]\nallowed_base_dirs = []\n" REST, TP_ECONF_RANGE, "2:1: ", "has 0 elements, not 1..16");
    refused("[shm]\nallowed_base_dirs = [1]\n" REST, TP_ECONF_TYPE, "2:1: ", "an integer");
    refused("[shm]\nallowed_base_dirs = \"/dev/shm\"\n" REST, TP_ECONF_TYPE, "2:1: ", "is a string");
}

/* ---- environment and settings ------------------------------------------------------------------------------------------------------ */

/* A text that differs from the default. */
static const char *other_value(const tpi_conf_row_t *row)
{
    switch (row->type)
    {
        case TPI_CONF_TEXT: return NULL != strstr(row->key, "channel") ? "aeron:ipc?term-length=1m" : NULL != strstr(row->key, "dir") ? "/x" : "p";
        case TPI_CONF_CHOICE: return NULL != strstr(row->choices, "embedded") ? "embedded" : NULL != strstr(row->choices, "spin") ? "spin" : "never";
        case TPI_CONF_BOOL: return 0 == strcmp(row->default_text, "true") ? "FALSE" : "True";
        case TPI_CONF_MODE: return "600";
        case TPI_CONF_RANGE: return "50000-50001";
        default: return 0 != (row->flags & TPI_CONF_POWER_OF_2) ? "8192" : "77";
    }
}

static void every_scalar_key_has_a_variable_that_wins__D_186_D_187(void **state)
{
    (void)state;
    for (size_t i = 0; i < tpi_driver_row_count; i++)
    {
        const tpi_conf_row_t *const row = &tpi_driver_rows[i];
        char name[TPI_CONF_KEY_MAX];
        char entry[TPI_CONF_KEY_MAX + 64];
        char with_file[TPI_CONF_SHOWN_MAX];
        char with_variable[TPI_CONF_SHOWN_MAX];
        if (TPI_CONF_TEXTS == row->type) { continue; }
        loaded(REST);
        (void)tpi_conf_format(row, &config, with_file, sizeof(with_file));
        tpi_conf_variable(row, name, sizeof(name));
        (void)snprintf(entry, sizeof(entry), "%s=%s", name, other_value(row));
        const char *const environment[] = { "PATH=/bin", entry, NULL };
        if (load_with(REST, environment, NULL, 0) < 0) { fail_msg("%s: %s", entry, tp_errmsg()); }
        (void)tpi_conf_format(row, &config, with_variable, sizeof(with_variable));
        assert_string_not_equal(with_file, with_variable);
        assert_int_equal(origins.rows[i].kind, TPI_CONFIG_VARIABLE);
        assert_string_equal(origins.rows[i].name, name);
    }
}

static void variable_wins_over_the_file_and_a_flag_over_both__D_187(void **state)
{
    (void)state;
    static const char text[] = "[driver]\ncontrol_stream_id = 1500\n[shm]\nbase_dir = \"/dev/shm/file\"\n" REST;
    static const char *const environment[] = { "SHM_BASE_DIR=/dev/shm/variable", "DRIVER_CONTROL_STREAM_ID=1600", NULL };
    static const tpi_config_setting_t settings[] = { { "shm.base_dir", "/dev/shm/flag", "--base-dir" } };
    loaded(text);
    assert_string_equal(config.base_dir, "/dev/shm/file");
    assert_int_equal(load_with(text, environment, NULL, 0), 0);
    assert_string_equal(config.base_dir, "/dev/shm/variable");
    assert_int_equal(load_with(text, environment, settings, 1), 0);
    assert_string_equal(config.base_dir, "/dev/shm/flag");
    assert_int_equal(config.control_stream_id, 1600);
    assert_int_equal(origins.rows[tpi_driver_row("shm.base_dir") - tpi_driver_rows].kind, TPI_CONFIG_FLAG);
}

static void short_variables_count_only_without_the_regular_one__D_186(void **state)
{
    (void)state;
    static const char *const both[] = { "AERON_DIR=/a", "DRIVER_AERON_DIR=/b", "TP_CONTROL_CHANNEL=aeron:ipc?a=1",
        "DRIVER_CONTROL_CHANNEL=aeron:ipc?b=1",
        "TP_CONTROL_STREAM_ID=1", "DRIVER_CONTROL_STREAM_ID=2", NULL };
    static const char *const alone[] = { "AERON_DIR=/a", "TP_CONTROL_CHANNEL=aeron:ipc?a=1", "TP_CONTROL_STREAM_ID=1", NULL };
    assert_int_equal(load_with(REST, both, NULL, 0), 0);
    assert_string_equal(config.aeron_dir, "/b");
    assert_string_equal(config.control_channel, "aeron:ipc?b=1");
    assert_int_equal(config.control_stream_id, 2);
    assert_int_equal(load_with("[driver]\naeron_dir = \"/file\"\n" REST, alone, NULL, 0), 0);
    assert_string_equal(config.aeron_dir, "/a");
    assert_string_equal(config.control_channel, "aeron:ipc?a=1");
    assert_int_equal(config.control_stream_id, 1);
}

static void variable_that_does_not_parse_ends_the_start__D_186_D_207(void **state)
{
    (void)state;
    static const char *const bad[] = { "DRIVER_CONTROL_STREAM_ID=abc", "DRIVER_CONTROL_STREAM_ID=", "DRIVER_CONTROL_STREAM_ID=0x10",
        "DRIVER_CONTROL_STREAM_ID= 1",
        "DRIVER_CONTROL_STREAM_ID=-1", "DRIVER_CONTROL_STREAM_ID=0", "DRIVER_CONTROL_STREAM_ID=2147483648",
            "DRIVER_QOS_STREAM_ID=99999999999999999999999",
        "POLICIES_PREFAULT_SHM=yes", "POLICIES_PREFAULT_SHM=1", "SHM_PERMISSIONS_MODE=668", "SHM_PERMISSIONS_MODE=1000",
            "DRIVER_STREAM_ID_RANGE=[1, 2]",
        "DRIVER_STREAM_ID_RANGE=5-4", "SHM_NAMESPACE=", "DRIVER_MEDIA_DRIVER=Embedded", "TP_CONTROL_STREAM_ID=x", "DRIVER_INSTANCE_ID=a\nb" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    {
        const char *const environment[] = { bad[i], NULL };
        assert_int_equal(load_with(REST, environment, NULL, 0), -1);
        if (TP_ECONF_ENV != tp_errcode()) { fail_msg("%s: %s", bad[i], tp_errmsg()); }
        assert_int_equal(strncmp(tp_errmsg(), bad[i], strcspn(bad[i], "=")), 0);
        assert_true(strlen(tp_errfix()) > 0);
    }
}

static void arrays_have_no_variable__D_186(void **state)
{
    (void)state;
    static const char *const environment[] = { "SHM_ALLOWED_BASE_DIRS=/nowhere", NULL };
    assert_int_equal(load_with(REST, environment, NULL, 0), 0);
    assert_int_equal(config.allowed_base_dir_count, 0);
}

static void misspelt_variable_warns__D_208(void **state)
{
    (void)state;
    static const char *const environment[] = { "POLICIES_ANNOUNCE_PERIOD=5", "DRIVER_OF_SOMETHING_ELSE=1", "SHM=1", NULL };
    assert_int_equal(load_with(REST, environment, NULL, 0), 0);
    assert_string_equal(warnings, "variable POLICIES_ANNOUNCE_PERIOD is not known and ignored; did you mean POLICIES_ANNOUNCE_PERIOD_MS?\n");
}

static void settings_are_checked_like_values__D_207(void **state)
{
    (void)state;
    static const tpi_config_setting_t unknown[] = { { "policies.announce_period", "5", "--set" } };
    static const tpi_config_setting_t wrong[] = { { "policies.announce_period_ms", "0", "--set" } };
    assert_int_equal(load_with(REST, NULL, unknown, 1), -1);
    assert_int_equal(tp_errcode(), TP_EUSAGE);
    assert_non_null(strstr(tp_errmsg(), "--set: unknown key 'policies.announce_period'"));
    assert_string_equal(tp_errfix(), "did you mean 'policies.announce_period_ms'?");
    assert_int_equal(load_with(REST, NULL, wrong, 1), -1);
    assert_int_equal(tp_errcode(), TP_EUSAGE);
    assert_non_null(strstr(tp_errmsg(), "--set: policies.announce_period_ms = 0 is out of range 1..3600000"));
}

/* ---- unknown keys ------------------------------------------------------------------------------------------------------------------ */

static void unknown_key_names_place_and_nearest_key__D_208(void **state)
{
    (void)state;
    static const struct { const char *text, *place, *holds, *fix; } bad[] = {
        { "[driver]\ncontrol_stream = 1\n" REST, "2:1: ", "unknown key 'control_stream' in [driver]", "did you mean 'control_stream_id'?" },
        { "[shm]\n\n  basedir = \"/x\"\n" REST, "3:3: ", "unknown key 'basedir' in [shm]", "did you mean 'base_dir'?" },
        { "[policies]\nxyzzy = 1\n" REST, "2:1: ", "unknown key 'xyzzy' in [policies]", "the nearest known key is '" },
        { "[profiles.camera]\nstride_byte = 4\npayload_pools = []\n" STREAM, "2:1: ", "unknown key 'stride_byte' in [profiles.camera]", "" },
        { "[profiles.camera]\npayload_pool = []\n" STREAM, "2:1: ", "unknown key 'payload_pool' in [profiles.camera]",
            "did you mean 'payload_pools'?" },
        { "[profiles.p]\n[[profiles.p.payload_pools]]\npool_id = 1\nstride_byte = 64\n" STREAM, "4:1: ",
            "unknown key 'stride_byte' in [[profiles.p.payload_pools]]", "did you mean 'stride_bytes'?" },
        { PROFILE "[streams.s]\nstreamid = 1\nprofile = \"p\"\n", "4:1: ", "unknown key 'streamid' in [streams.s]", "did you mean 'stream_id'?" },
        { "instance_id = \"x\"\n" REST, "1:1: ", "unknown key 'instance_id' outside of any table", "'driver.instance_id': write it below [driver]" },
        { "[driver.more]\nx = 1\n" REST, "1:9: ", "unknown key 'more' in [driver]", "" },
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    {
        refused(bad[i].text, TP_ECONF_KEY, bad[i].place, bad[i].holds);
        if (NULL == strstr(tp_errfix(), bad[i].fix)) { fail_msg("%s, not %s", tp_errfix(), bad[i].fix); }
    }
}

static void unknown_table_warns_and_names_the_nearest__D_208(void **state)
{
    (void)state;
    loaded(REST "[bridge]\nanything = 1\n[policy]\nx = 1\n[[array_of_tables]]\na = 1\n");
    assert_non_null(strstr(warnings, ":6:2: table [bridge] is not read by the driver\n"));
    assert_non_null(strstr(warnings, ":8:2: unknown table [policy] is ignored; the nearest known one is [policies]\n"));
    assert_non_null(strstr(warnings, "[array_of_tables]"));
}

/* ---- single values ----------------------------------------------------------------------------------------------------------------- */

static void wrong_type_is_refused_with_key_and_value__D_207(void **state)
{
    (void)state;
    static const struct { const char *text, *holds; } bad[] = {
        { "[driver]\ncontrol_stream_id = \"1000\"\n", "driver.control_stream_id = \"1000\" is a string" },
        { "[driver]\ncontrol_stream_id = 1.5\n", "driver.control_stream_id = 1.5 is a number with fraction" },
        { "[driver]\ncontrol_stream_id = true\n", "= true is a boolean" },
        { "[driver]\ncontrol_stream_id = [1]\n", "= [...] is an array" },
        { "[driver]\ncontrol_stream_id = { a = 1 }\n", "= {...} is a table" },
        { "[driver]\ninstance_id = 5\n", "driver.instance_id = 5 is an integer" },
        { "[driver]\ninstance_id = 2020-01-01\n", "is a date or time" },
        { "[driver]\ninstance_id = \"a\\u0000b\"\n", "holds the control byte 0x00" },
        { "[driver]\ninstance_id = \"a\\nb\"\n", "driver.instance_id = \"a?b\" holds the control byte 0x0a" },
        { "[policies]\nprefault_shm = 1\n", "policies.prefault_shm = 1 is an integer" },
        { "[policies]\nprefault_shm = \"true\"\n", "policies.prefault_shm = \"true\" is a string" },
        { "[shm]\npermissions_mode = 660\n", "shm.permissions_mode = 660 is an integer" },
        { "[shm]\npermissions_mode = \"rw-rw----\"\n", "is not a string of octal digits" },
        { "[shm]\npermissions_mode = \"\"\n", "is not a string of octal digits" },
        { "[driver]\nstream_id_range = 5\n", "driver.stream_id_range = 5 is an integer" },
        { "[driver]\nstream_id_range = [1, \"2\"]\n", "is neither two integers nor strings" },
        { "[driver]\nstream_id_range = [1, 2, 3]\n", "is neither two integers nor strings" },
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    {
        char text[512];
        (void)snprintf(text, sizeof(text), "%s%s", bad[i].text, REST);
        refused(text, TP_ECONF_TYPE, "2:1: ", bad[i].holds);
        assert_non_null(strstr(tp_errfix(), "takes"));
    }
    refused("driver = 5\n" REST, TP_ECONF_TYPE, "1:1: ", "[driver] is an integer, not a table");
    refused("profiles = 5\n", TP_ECONF_TYPE, "1:1: ", "profiles is an integer, not a table");
    refused("[profiles]\np = 5\n", TP_ECONF_TYPE, "2:1: ", "[profiles.p] is an integer, not a table");
    refused("[streams]\ns = []\n" PROFILE, TP_ECONF_TYPE, "2:1: ", "[streams.s] is an array, not a table");
    refused("[[driver]]\nx = 1\n" REST, TP_ECONF_TYPE, "1:3: ", "[driver] is an array, not a table");
    refused("[profiles.p]\npayload_pools = 3\n" STREAM, TP_ECONF_TYPE, "2:1: ", "profiles.p.payload_pools is an integer, not an array of tables");
    refused("[profiles.p]\npayload_pools = [3]\n" STREAM, TP_ECONF_TYPE, "2:18: ", "is an integer, not a table");
}

static void both_sides_of_each_bound_are_tried__D_207(void **state)
{
    (void)state;
    for (size_t i = 0; i < tpi_driver_row_count; i++)
    {
        const tpi_conf_row_t *const row = &tpi_driver_rows[i];
        char text[512];
        if (TPI_CONF_U32 != row->type) { continue; }
        const size_t table = strcspn(row->key, ".");
        const uint64_t low = row->min;
        const uint64_t high = 0 != (row->flags & TPI_CONF_POWER_OF_2) ? 1u << 31 : row->max;
        const uint64_t good[] = { low, high };
        for (size_t k = 0; k < 2; k++)
        {
            (void)snprintf(text, sizeof(text), "[%.*s]\n%s = %llu\n%s", (int)table, row->key, row->key + table + 1, (unsigned long long)good[k],
                REST);
            loaded(text);
        }
        (void)snprintf(text, sizeof(text), "[%.*s]\n%s = %lld\n%s", (int)table, row->key, row->key + table + 1, (long long)row->min - 1, REST);
        refused(text, TP_ECONF_RANGE, "2:1: ", "is out of range");
        (void)snprintf(text, sizeof(text), "[%.*s]\n%s = %llu\n%s", (int)table, row->key, row->key + table + 1, (unsigned long long)row->max + 1,
            REST);
        refused(text, TP_ECONF_RANGE, "2:1: ", "is out of range");
    }
    loaded("[policies]\nepoch_gc_min_age_ns = 9223372036854775807\n" REST);
    assert_true(INT64_MAX == config.epoch_gc_min_age_ns);
    refused("[policies]\nepoch_gc_min_age_ns = -1\n" REST, TP_ECONF_RANGE, "2:1: ", "is out of range 0..9223372036854775807");
    refused("[shm]\npage_size_bytes = 4097\n" REST, TP_ECONF_RULE, "2:1: ", "shm.page_size_bytes = 4097 is not a power of two");
}

static void permission_mode_is_octal_up_to_0777__D_207(void **state)
{
    (void)state;
    loaded("[shm]\npermissions_mode = \"0640\"\n" REST);
    assert_int_equal(config.permissions_mode, 0640);
    assert_string_equal(warnings, "");
    loaded("[shm]\npermissions_mode = \"777\"\n" REST);
    assert_int_equal(config.permissions_mode, 0777);
    refused("[shm]\npermissions_mode = \"1000\"\n" REST, TP_ECONF_RANGE, "2:1: ", "shm.permissions_mode = \"1000\" is above octal 777");
}

static void mode_that_lets_strangers_in_warns__W_245(void **state)
{
    (void)state;
    loaded("[shm]\npermissions_mode = \"664\"\n" REST);
    assert_string_equal(warnings, "shm.permissions_mode = 664 lets every user of this host read the frames\n");
    warnings[0] = '\0';
    loaded("[shm]\npermissions_mode = \"666\"\n" REST);
    assert_string_equal(warnings, "shm.permissions_mode = 666 lets every user of this host write the frames\n");
}

static void texts_end_at_their_bound__D_207(void **state)
{
    (void)state;
    char name[TP_CONFIG_NAME_MAX + 1];
    char text[TP_CONFIG_NAME_MAX + 512];
    memset(name, 'n', sizeof(name));
    name[TP_CONFIG_NAME_MAX - 1] = '\0';
    (void)snprintf(text, sizeof(text), "[driver]\ninstance_id = \"%s\"\n%s", name, REST);
    loaded(text);
    assert_string_equal(config.instance_id, name);
    name[TP_CONFIG_NAME_MAX - 1] = 'n';
    name[TP_CONFIG_NAME_MAX] = '\0';
    (void)snprintf(text, sizeof(text), "[driver]\ninstance_id = \"%s\"\n%s", name, REST);
    refused(text, TP_ECONF_RANGE, "2:1: ", "has 128 bytes, at most 127 fit");
    (void)snprintf(text, sizeof(text), "%s[profiles.%s]\n", REST, name);
    refused(text, TP_ECONF_RANGE, "6:11: ", "profile name");
    (void)snprintf(text, sizeof(text), "%s[streams.%s]\n", REST, name);
    refused(text, TP_ECONF_RANGE, "6:10: ", "stream name");
    refused(REST "[streams.\"a\\u0007\"]\n", TP_ECONF_RANGE, "6:10: ", "stream name 'a?'");
    refused(REST "[profiles.\"\"]\n", TP_ECONF_RANGE, "6:11: ", "profile name ''");
}

static void namespace_must_not_be_empty_or_lead_elsewhere__W_224(void **state)
{
    (void)state;
    refused("[shm]\nnamespace = \"\"\n" REST, TP_ECONF_RANGE, "2:1: ", "shm.namespace = \"\" is empty");
    refused("[shm]\nnamespace = \"a/b\"\n" REST, TP_ECONF_RULE, "2:1: ", "shm.namespace = 'a/b'");
    refused("[shm]\nnamespace = \"..\"\n" REST, TP_ECONF_RULE, "2:1: ", "shm.namespace = '..'");
}

static void base_directory_must_be_absolute__W_219(void **state)
{
    (void)state;
    refused("[shm]\nbase_dir = \"relative\"\n" REST, TP_ECONF_RULE, "2:1: ", "shm.base_dir = 'relative'");
    refused("[shm]\nbase_dir = \"/dev/shm/a b\"\n" REST, TP_ECONF_RULE, "2:1: ", "shm.base_dir = '/dev/shm/a b'");
    refused("[shm]\nbase_dir = \"\"\n" REST, TP_ECONF_RANGE, "2:1: ", "is empty");
}

/* ---- ranges ------------------------------------------------------------------------------------------------------------------------ */

static void ranges_are_read_in_every_syntax__D_170(void **state)
{
    (void)state;
    static const struct { const char *value; uint32_t first, last; } good[] = {
        { "\"20000-29999\"", 20000, 29999 }, { "\"20000,29999\"", 20000, 29999 }, { "\"20000\"", 20000, 20000 }, { "[20000, 29999]", 20000, 29999 },
        { "[\"20000-20009\", \"20010\", \"20011-20020\"]", 20000, 20020 }, { "[\"20000\"]", 20000, 20000 }, { "\"\"", 0, 0 }, { "[]", 0, 0 },
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
    {
        char text[256];
        (void)snprintf(text, sizeof(text), "[driver]\nstream_id_range = %s\n%s", good[i].value, REST);
        loaded(text);
        assert_int_equal(config.stream_id_range.first, good[i].first);
        assert_int_equal(config.stream_id_range.last, good[i].last);
    }
}

static void invalid_range_ends_the_start__D_170_D_171(void **state)
{
    (void)state;
    static const char *const bad[] = { "\"29999-20000\"", "[29999, 20000]", "[0, 5]", "\"0-5\"", "[-1, 5]", "[1, 2147483648]", "\"5-\"", "\"a\"",
        "[\"1-2\", \"4\"]", "[\"1-2\", \"2-3\"]", "[\"1,2\"]", "[\"\"]", "\"1-2\\u0000\"" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    {
        char text[256];
        (void)snprintf(text, sizeof(text), "[driver]\ndescriptor_stream_id_range = %s\n%s", bad[i], REST);
        assert_int_equal(load(text), -1);
        if (NULL == strstr(tp_errmsg(), ":2:1: driver.descriptor_stream_id_range = ")) { fail_msg("%s: %s", bad[i], tp_errmsg()); }
    }
}

static void overlapping_ranges_are_refused_at_their_line__D_169(void **state)
{
    (void)state;
    static const struct { const char *driver, *place, *holds; } bad[] = {
        { "stream_id_range = \"1-5\"\ndescriptor_stream_id_range = \"5-6\"\n", "3:1: ",
            "driver.descriptor_stream_id_range = 5-6 overlaps driver.stream_id_range" },
        { "stream_id_range = \"900-1000\"\n", "2:1: ", "driver.stream_id_range = 900-1000 holds driver.control_stream_id = 1000" },
        { "\nstream_id_range = \"1001-2000\"\n", "3:1: ", "holds driver." },
        { "control_stream_id_range = \"9999-10001\"\n", "2:1: ", "holds streams.s.stream_id = 10000" },
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    {
        char text[512];
        (void)snprintf(text, sizeof(text), "[driver]\n%s%s", bad[i].driver, REST);
        refused(text, TP_ECONF_RANGE, bad[i].place, bad[i].holds);
    }
    loaded("[driver]\nstream_id_range = \"1-5\"\ndescriptor_stream_id_range = \"6-7\"\n" REST);
}

static void overlap_from_a_variable_names_the_variable__D_169_D_207(void **state)
{
    (void)state;
    static const char *const environment[] = { "DRIVER_STREAM_ID_RANGE=900-1000", NULL };
    assert_int_equal(load_with(REST, environment, NULL, 0), -1);
    assert_int_equal(strncmp(tp_errmsg(), "DRIVER_STREAM_ID_RANGE: driver.stream_id_range = 900-1000", 57), 0);
}

/* ---- profiles and streams ---------------------------------------------------------------------------------------------------------- */

static void driver_without_streams_needs_dynamic_ones__D_188(void **state)
{
    (void)state;
    refused(PROFILE, TP_ECONF_RULE, " ", "streams");
    loaded("[policies]\nallow_dynamic_streams = true\n[driver]\nstream_id_range = \"20000-20001\"\n" PROFILE);
}

static void one_profile_is_needed__D_189(void **state)
{
    (void)state;
    refused(STREAM, TP_ECONF_RULE, " ", "profiles: none is defined");
    refused("", TP_ECONF_RULE, " ", "profiles: none is defined");
}

static void profile_without_pool_is_refused__D_190(void **state)
{
    (void)state;
    refused("[profiles.p]\npayload_pools = []\n" STREAM, TP_ECONF_RULE, "2:1: ", "profiles.p.payload_pools has 0 entries, not 1..64");
    refused("[profiles.p]\nheader_nslots = 8\n" STREAM, TP_ECONF_RULE, "1:11: ", "profiles.p.payload_pools is missing");
}

static void pools_end_at_their_bound__D_190(void **state)
{
    (void)state;
    for (int count = TP_CONFIG_POOLS_MAX; count <= TP_CONFIG_POOLS_MAX + 1; count++)
    {
        char text[8192] = "[profiles.p]\npayload_pools = [\n";
        for (int i = 1; i <= count; i++)
        {
            const size_t used = strlen(text);
            (void)snprintf(text + used, sizeof(text) - used, "{ pool_id = %d, stride_bytes = %d },\n", i, 64 * i);
        }
        strcat(text, "]\n" STREAM);
        if (count <= TP_CONFIG_POOLS_MAX) { loaded(text); }
        else { refused(text, TP_ECONF_RULE, "2:1: ", "has 65 entries, not 1..64"); }
    }
}

static void stride_is_a_multiple_of_64__D_191(void **state)
{
    (void)state;
    static const struct { const char *stride; const char *holds; } bad[] = {
        { "100", "stride_bytes = 100 is not a multiple of 64; the next one is 128" }, { "65", "the next one is 128" },
        { "0", "is out of range 64..4294967232" },
        { "-64", "is out of range" }, { "4294967296", "is out of range" },
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    {
        char text[512];
        (void)snprintf(text, sizeof(text), "[profiles.p]\npayload_pools = [\n  { pool_id = 1, stride_bytes = %s } ]\n%s", bad[i].stride, STREAM);
        assert_int_equal(load(text), -1);
        if (NULL == strstr(tp_errmsg(), bad[i].holds)) { fail_msg("%s", tp_errmsg()); }
        assert_non_null(strstr(tp_errmsg(), ":3:18: profiles.p.payload_pools[0].stride_bytes = "));
    }
    loaded("[profiles.p]\npayload_pools = [{ pool_id = 65535, stride_bytes = 4294967232 }]\n" STREAM);
    assert_int_equal(config.profiles[0].pools[0].stride_bytes, 4294967232u);
    assert_int_equal(config.profiles[0].pools[0].pool_id, 65535);
}

static void pools_and_slots_are_checked_with_their_place__D_207(void **state)
{
    (void)state;
#define POOL "payload_pools = [{ pool_id = 1, stride_bytes = 64 }]\n"
    refused("[profiles.p]\nheader_nslots = 1000\n" POOL STREAM, TP_ECONF_RULE, "2:1: ", "profiles.p.header_nslots = 1000 is not a power of two");
    refused("[profiles.p]\nheader_nslots = 0\n" POOL STREAM, TP_ECONF_RANGE, "2:1: ", "profiles.p.header_nslots = 0 is out of range 1..");
    refused("[profiles.p]\nheader_slot_bytes = 128\n" POOL STREAM, TP_ECONF_RANGE, "2:1: ",
        "profiles.p.header_slot_bytes = 128 is out of range 256..256");
    loaded("[profiles.p]\nheader_slot_bytes = 256\n" POOL STREAM);
    refused("[profiles.p]\npayload_pools = [{ pool_id = 0, stride_bytes = 64 }]\n" STREAM, TP_ECONF_RANGE, "2:20: ",
        "pool_id = 0 is out of range 1..65535");
    refused("[profiles.p]\npayload_pools = [{ pool_id = 65536, stride_bytes = 64 }]\n" STREAM, TP_ECONF_RANGE, "2:20: ", "pool_id = 65536");
    refused("[profiles.p]\npayload_pools = [{ pool_id = 1 }]\n" STREAM, TP_ECONF_RULE, "2:18: ",
        "profiles.p.payload_pools[0].stride_bytes is missing");
    refused("[profiles.q]\n" POOL "[profiles.p]\npayload_pools = [{ pool_id = 1, stride_bytes = 64 }, { pool_id = 1, stride_bytes = 128 }]\n" STREAM,
        TP_ECONF_RULE, "3:", "profiles.p: pool_id = 1 is used twice");
}

static void streams_are_checked_with_their_place__D_207(void **state)
{
    (void)state;
    refused(PROFILE "[streams.s]\nstream_id = 0\nprofile = \"p\"\n", TP_ECONF_RANGE, "4:1: ", "streams.s.stream_id = 0 is out of range");
    refused(PROFILE "[streams.s]\nstream_id = 1\nprofile = \"q\"\n", TP_ECONF_RULE, "3:", "streams.s.profile = 'q' is not defined");
    refused(PROFILE "[streams.s]\nprofile = \"p\"\n", TP_ECONF_RULE, "3:10: ", "streams.s.stream_id is missing");
    refused(PROFILE "[streams.s]\nstream_id = 1\n", TP_ECONF_RULE, "3:10: ", "streams.s.profile is missing");
    refused(REST "[streams.t]\nstream_id = 10000\nprofile = \"p\"\n", TP_ECONF_RULE, "6:", "streams.t.stream_id = 10000 is also that of streams.s");
    refused("[policies]\nallow_dynamic_streams = true\ndefault_profile = \"q\"\n[driver]\nstream_id_range = \"1-2\"\n" REST, TP_ECONF_RULE, "3:1: ",
        "policies.default_profile = 'q' is not defined");
}

/* ---- hostile files ------------------------------------------------------------------------------------------------------------------ */

static void file_that_cannot_be_read_is_named__D_207(void **state)
{
    (void)state;
    static const tpi_config_options_t options = { .on_warning = on_warning };
    static const char *const bad[] = { "/nonexistent/driver.toml", "/tmp", "/dev/zero", "" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    {
        assert_int_equal(tpi_driver_config_load(&config, bad[i], &options), -1);
        assert_int_equal(tp_errcode(), TP_ECONF_FILE);
        assert_non_null(strstr(tp_errmsg(), bad[i]));
        assert_true(strlen(tp_errfix()) > 0);
    }
    assert_int_equal(tpi_driver_config_load(NULL, NULL, &options), -1);
    assert_int_equal(tp_errcode(), TP_EINVAL);
}

static void syntax_error_names_line_and_column__D_207(void **state)
{
    (void)state;
    refused("[driver]\ninstance_id = \n", TP_ECONF_SYNTAX, "2:", "");
    refused("[driver]\ninstance_id = \"a\"\ninstance_id = \"b\"\n", TP_ECONF_SYNTAX, "3:", "instance_id");
    refused("[driver]\n[driver]\n", TP_ECONF_SYNTAX, "2:", "driver");
    refused("\xff\xfe\n", TP_ECONF_SYNTAX, "1:", "");
}

static void nul_bytes_are_refused__D_207(void **state)
{
    (void)state;
    static const char text[] = "[driver]\n\0" REST;
    write_bytes(text, sizeof(text) - 1);
    assert_int_equal(tpi_driver_config_load(&config, path, NULL), -1);
    assert_int_equal(tp_errcode(), TP_ECONF_SYNTAX);
}

static void streams_end_at_their_bound__D_207(void **state)
{
    (void)state;
    for (int count = TP_CONFIG_STREAMS_MAX; count <= TP_CONFIG_STREAMS_MAX + 1; count++)
    {
        char *text = NULL;
        size_t length = 0;
        FILE *const out = open_memstream(&text, &length);
        assert_non_null(out);
        fprintf(out, PROFILE);
        for (int i = 0; i < count; i++) { fprintf(out, "[streams.s%d]\nstream_id = %d\nprofile = \"p\"\n", i, 10000 + i); }
        assert_int_equal(fclose(out), 0);
        assert_int_equal(load(text), count <= TP_CONFIG_STREAMS_MAX ? 0 : -1);
        if (count > TP_CONFIG_STREAMS_MAX) { assert_int_equal(tp_errcode(), TP_EFULL); }
        free(text);
    }
}

/* A reload reads the file on the duty cycle: what could wait for a writer is refused. */
static void only_regular_files_are_read(void **state)
{
    (void)state;
    struct { const char *why; int rc; } cases[] = { { "not a regular file", mkfifo(path, 0600) }, { "a directory", 0 } };
    for (size_t i = 0; i < 2; i++)
    {
        if (1 == i) { assert_int_equal(unlink(path) + mkdir(path, 0700), 0); }
        assert_int_equal(cases[i].rc, 0);
        memset(&config, 0, sizeof(config));
        assert_int_equal(tpi_driver_config_load(&config, path, &(tpi_config_options_t){ .origins = &origins }), -1);
        assert_int_equal(tp_errcode(), TP_ECONF_FILE);
        assert_non_null(strstr(tp_errmsg(), cases[i].why));
    }
    assert_int_equal(rmdir(path), 0);
}

static void token_in_a_readable_file_warns_and_is_not_shown__D_143(void **state)
{
    (void)state;
    static const char text[] = "[policies]\nshutdown_token = \"hush\"\n" REST;
    write_bytes(text, strlen(text));
    assert_int_equal(chmod(path, 0600), 0);
    loaded(text);
    assert_string_equal(config.shutdown_token, "hush");
    assert_string_equal(warnings, "");
    assert_int_equal(chmod(path, 0640), 0);
    loaded(text);
    assert_non_null(strstr(warnings, "policies.shutdown_token can be read by others (mode 640)"));
    assert_null(strstr(warnings, "hush"));
    refused("[policies]\nshutdown_token = \"hu\\u0001sh\"\n" REST, TP_ECONF_TYPE, "2:1: ", "(secret)");
    assert_null(strstr(tp_errmsg(), "hu?sh"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(only_regular_files_are_read),
        T(almost_empty_file_gives_the_defaults_of_the_table__D_185_W_219), T(default_lease_is_three_intervals_of_one_second__D_105),
        T(other_lease_times_are_read__D_106_D_107), T(no_file_gives_the_built_in_streams__D_185), T(worked_example_of_the_specification_loads__D_185),
        T(keys_of_this_implementation_are_read__D_184), T(several_base_directories_are_read__W_220),
            T(every_scalar_key_has_a_variable_that_wins__D_186_D_187),
        T(variable_wins_over_the_file_and_a_flag_over_both__D_187), T(short_variables_count_only_without_the_regular_one__D_186),
        T(variable_that_does_not_parse_ends_the_start__D_186_D_207), T(arrays_have_no_variable__D_186), T(misspelt_variable_warns__D_208),
        T(settings_are_checked_like_values__D_207), T(unknown_key_names_place_and_nearest_key__D_208),
            T(unknown_table_warns_and_names_the_nearest__D_208),
        T(wrong_type_is_refused_with_key_and_value__D_207), T(both_sides_of_each_bound_are_tried__D_207),
            T(permission_mode_is_octal_up_to_0777__D_207),
        T(mode_that_lets_strangers_in_warns__W_245), T(texts_end_at_their_bound__D_207), T(namespace_must_not_be_empty_or_lead_elsewhere__W_224),
        T(base_directory_must_be_absolute__W_219), T(ranges_are_read_in_every_syntax__D_170), T(invalid_range_ends_the_start__D_170_D_171),
        T(overlapping_ranges_are_refused_at_their_line__D_169), T(overlap_from_a_variable_names_the_variable__D_169_D_207),
        T(driver_without_streams_needs_dynamic_ones__D_188), T(one_profile_is_needed__D_189), T(profile_without_pool_is_refused__D_190),
        T(pools_end_at_their_bound__D_190), T(stride_is_a_multiple_of_64__D_191), T(pools_and_slots_are_checked_with_their_place__D_207),
        T(streams_are_checked_with_their_place__D_207), T(file_that_cannot_be_read_is_named__D_207), T(syntax_error_names_line_and_column__D_207),
        T(nul_bytes_are_refused__D_207), T(streams_end_at_their_bound__D_207), T(token_in_a_readable_file_warns_and_is_not_shown__D_143),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
