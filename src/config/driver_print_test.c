#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <tensor_pool/common/tp_error.h>

#include "config/config.h"
#include "config/driver_rows.h"

static char path[64];
static tp_driver_config_t config;
static tpi_config_origins_t origins;
static char *text;
static size_t length;

static int setup(void **state)
{
    (void)state;
    (void)snprintf(path, sizeof(path), "/tmp/tp_driver_print_test-%d.toml", (int)getpid());
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tp_driver_config_fini(&config);
    memset(&config, 0, sizeof(config));
    free(text);
    text = NULL;
    (void)unlink(path);
    return 0;
}

static FILE *start(void)
{
    free(text);
    text = NULL;
    FILE *const out = open_memstream(&text, &length);
    assert_non_null(out);
    return out;
}

static void load_text(const char *toml, const char *const *environment)
{
    static const char *const empty[] = { NULL };
    const tpi_config_options_t options = { .environment = NULL != environment ? environment : empty, .origins = &origins };
    FILE *const out = fopen(path, "we");
    assert_non_null(out);
    assert_true(fputs(toml, out) >= 0);
    assert_int_equal(fclose(out), 0);
    tp_driver_config_fini(&config);
    if (tpi_driver_config_load(&config, path, &options) < 0) { fail_msg("%s", tp_errmsg()); }
}

static void example_loads_as_it_is_and_holds_every_key__D_107_D_184(void **state)
{
    (void)state;
    FILE *const out = start();
    tpi_driver_config_example(out);
    assert_int_equal(fclose(out), 0);
    for (size_t i = 0; i < tpi_driver_row_count; i++)
    {
        char line[TPI_CONF_KEY_MAX];
        (void)snprintf(line, sizeof(line), "%s = ", strchr(tpi_driver_rows[i].key, '.') + 1);
        if (NULL == strstr(text, line)) { fail_msg("%s", line); }
    }
    load_text(text, NULL);
    assert_string_equal(config.streams[0].name, "cam1");
    assert_int_equal(config.streams[0].stream_id, 10000);
    assert_true(config.allow_dynamic_streams);
    assert_int_equal(config.announce_stream_id, 1001);
}

/* With every comment mark of a key removed the file says the defaults aloud. */
static void example_loads_with_every_key_in_force__D_185(void **state)
{
    (void)state;
    FILE *const out = start();
    tpi_driver_config_example(out);
    assert_int_equal(fclose(out), 0);
    for (char *line = text; NULL != line; line = strchr(line, '\n'))
    {
        line += '\n' == *line ? 1 : 0;
        if ('#' == line[0] && line[1] >= 'a' && line[1] <= 'z') { line[0] = ' '; }
    }
    load_text(text, NULL);
    for (size_t i = 0; i < tpi_driver_row_count; i++)
    {
        char value[TPI_CONF_SHOWN_MAX];
        const tpi_conf_row_t *const row = &tpi_driver_rows[i];
        assert_int_equal(origins.rows[i].kind, TPI_CONFIG_FILE);
        if (0 != (row->flags & TPI_CONF_DERIVED) || TPI_CONF_RANGE == row->type) { continue; }
        if (0 == strcmp(row->key, "policies.allow_dynamic_streams")) { continue; }
        (void)tpi_conf_format(row, &config, value, sizeof(value));
        assert_string_equal(value, row->default_text);
    }
}

static void shown_configuration_loads_to_the_same_values__D_107(void **state)
{
    (void)state;
    static const char toml[] = "[driver]\ninstance_id = \"quote \\\" and \\\\ back\"\nstream_id_range = \"50000-50010\"\n"
        "[shm]\nallowed_base_dirs = [\"/dev/shm\", \"/mnt/x\"]\npermissions_mode = \"600\"\n"
        "[profiles.\"odd name\"]\nheader_nslots = 8\npayload_pools = [{ pool_id = 3, stride_bytes = 128 }, { pool_id = 4, stride_bytes = 64 }]\n"
        "[streams.\"a.b\"]\nstream_id = 5\nprofile = \"odd name\"\n";
    load_text(toml, NULL);
    tp_driver_config_t first = config;
    memset(&config, 0, sizeof(config));
    FILE *const out = start();
    tpi_driver_config_show(out, &first, &origins);
    assert_int_equal(fclose(out), 0);
    load_text(text, NULL);
    for (size_t i = 0; i < tpi_driver_row_count; i++)
    {
        char before[4096];
        char after[4096];
        if (0 != (tpi_driver_rows[i].flags & TPI_CONF_DERIVED)) { continue; }        /* said aloud now */
        (void)tpi_conf_format(&tpi_driver_rows[i], &first, before, sizeof(before));
        (void)tpi_conf_format(&tpi_driver_rows[i], &config, after, sizeof(after));
        assert_string_equal(before, after);
    }
    assert_string_equal(config.announce_channel, config.control_channel);
    assert_int_equal(config.announce_stream_id, 1000);
    assert_string_equal(config.default_profile, "odd name");
    assert_true(3000000000u == config.epoch_gc_min_age_ns);
    assert_int_equal(config.allowed_base_dir_count, 2);
    assert_memory_equal(config.profiles, first.profiles, sizeof(*config.profiles));
    assert_memory_equal(config.streams, first.streams, sizeof(*config.streams));
    tp_driver_config_fini(&first);
}

typedef struct wanted { const char *key, *value, *source; int seen; } wanted_t;

static void on_value(void *clientd, const char *key, const char *value, const char *source)
{
    for (wanted_t *wanted = clientd; NULL != wanted->key; wanted++)
    {
        if (0 != strcmp(wanted->key, key)) { continue; }
        wanted->seen++;
        assert_string_equal(value, wanted->value);
        if (NULL == strstr(source, wanted->source)) { fail_msg("%s comes from %s", key, source); }
    }
}

static void each_value_tells_where_it_came_from__D_187(void **state)
{
    (void)state;
    static const char *const environment[] = { "SHM_NAMESPACE=v", "TP_CONTROL_STREAM_ID=9", "POLICIES_SHUTDOWN_TOKEN=hush", NULL };
    wanted_t wanted[] = {
        { "driver.instance_id", "\"x\"", "print_test-", 0 }, { "shm.namespace", "\"v\"", "SHM_NAMESPACE", 0 },
        { "driver.control_stream_id", "9", "TP_CONTROL_STREAM_ID", 0 },
        { "driver.announce_stream_id", "9", "default: value of driver.control_stream_id", 0 },
        { "shm.base_dir", "\"/dev/shm/tensorpool\"", "default", 0 },
        { "shm.allowed_base_dirs", "[\"/dev/shm/tensorpool\"]", "default: [shm.base_dir]", 0 },
        { "policies.shutdown_token", "\"(set)\"", "POLICIES_SHUTDOWN_TOKEN", 0 }, { "policies.default_profile", "\"p\"", "first profile", 0 },
        { "profiles.p.header_nslots", "1024", ".toml:3", 0 }, { "profiles.p.payload_pools[0].stride_bytes", "64", ".toml:3", 0 },
        { "streams.s.stream_id", "7", ".toml:5", 0 }, { "streams.s.profile", "\"p\"", ".toml:5", 0 }, { NULL, NULL, NULL, 0 },
    };
    load_text("[driver]\ninstance_id = \"x\"\n[profiles.p]\npayload_pools = [{ pool_id = 1, stride_bytes = 64 }]\n"
        "[streams.s]\nstream_id = 7\nprofile = \"p\"\n",
        environment);
    tpi_driver_config_foreach(&config, &origins, on_value, wanted);
    for (const wanted_t *each = wanted; NULL != each->key; each++)
    {
        if (1 != each->seen) { fail_msg("%s was seen %d times", each->key, each->seen); }
    }
    FILE *const out = start();
    tpi_driver_config_show(out, &config, &origins);
    assert_int_equal(fclose(out), 0);
    assert_null(strstr(text, "hush"));
}

static void help_and_reference_name_every_key__D_107_D_184(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++)
    {
        FILE *const out = start();
        (0 == i ? tpi_driver_config_help : tpi_driver_config_reference)(out);
        assert_int_equal(fclose(out), 0);
        for (size_t k = 0; k < tpi_driver_row_count; k++) { assert_non_null(strstr(text, tpi_driver_rows[k].key)); }
    }
    assert_non_null(strstr(text, "DRIVER_AERON_DIR, else AERON_DIR"));
    assert_non_null(strstr(text, "external\\|embedded"));
    assert_non_null(strstr(text, "| `stride_bytes` | an integer 64..4294967232, a multiple of 64 | required |"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(example_loads_as_it_is_and_holds_every_key__D_107_D_184), T(example_loads_with_every_key_in_force__D_185),
        T(shown_configuration_loads_to_the_same_values__D_107), T(each_value_tells_where_it_came_from__D_187),
        T(help_and_reference_name_every_key__D_107_D_184),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
