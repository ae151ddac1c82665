/* Owns how the driver's configuration is shown: effective values with their sources, and the keys for --help and the reference page. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "config/driver_rows.h"

#define VALUE_MAX (TP_CONFIG_BASE_DIRS_MAX * (TP_CONFIG_PATH_MAX + 4))

static void source_text(const tpi_driver_config_origins_t *origins, const tpi_config_origin_t *origin, const tpi_conf_row_t *row, char *buffer,
    size_t size)
{
    switch (origin->kind)
    {
        case TPI_CONFIG_FILE: (void)snprintf(buffer, size, "%s:%" PRIu32, origins->file, origin->line); break;
        case TPI_CONFIG_VARIABLE:
        case TPI_CONFIG_FLAG: (void)snprintf(buffer, size, "%s", origin->name); break;
        case TPI_CONFIG_BUILTIN: (void)snprintf(buffer, size, "built in: no configuration file"); break;
        default:
            (void)snprintf(buffer, size, 0 != (row->flags & TPI_CONF_DERIVED) ? "default: %s" : "default", row->default_text);
            break;
    }
}

/* The values that come from other keys while they are not set (11.1). */
static void effective_text(const tp_driver_config_t *config, const tpi_conf_row_t *row, char *buffer, size_t size)
{
    tp_driver_config_t shown;
    switch (row->offset)
    {
        case offsetof(tp_driver_config_t, announce_channel):
            if ('\0' == config->announce_channel[0]) { row = tpi_driver_row("driver.control_channel"); }
            break;
        case offsetof(tp_driver_config_t, announce_stream_id):
            if (0 == config->announce_stream_id) { row = tpi_driver_row("driver.control_stream_id"); }
            break;
        case offsetof(tp_driver_config_t, allowed_base_dirs):
            if (0 != config->allowed_base_dir_count) { break; }
            shown.allowed_base_dir_count = 1;
            memcpy(shown.allowed_base_dirs[0], config->base_dir, sizeof(config->base_dir));
            config = &shown;
            break;
        case offsetof(tp_driver_config_t, default_profile):
            if ('\0' != config->default_profile[0] || 0 == config->profile_count) { break; }
            memcpy(shown.default_profile, config->profiles[0].name, sizeof(shown.default_profile));
            config = &shown;
            break;
        case offsetof(tp_driver_config_t, epoch_gc_min_age_ns):
            if (0 != config->epoch_gc_min_age_ns) { break; }
            shown.epoch_gc_min_age_ns = UINT64_C(3000000) * config->announce_period_ms;
            config = &shown;
            break;
        default: break;
    }
    (void)tpi_conf_format(row, config, buffer, size);
}

static void entry_source(const tpi_driver_config_origins_t *origins, uint32_t line, char *buffer, size_t size)
{
    if (0 == line) { (void)snprintf(buffer, size, "built in: no configuration file"); }
    else { (void)snprintf(buffer, size, "%s:%" PRIu32, origins->file, line); }
}

static void each_row(const tpi_conf_row_t *rows, size_t count, const void *object, const char *prefix, const char *source,
    tpi_config_on_value_t handler, void *clientd)
{
    char key[TP_CONFIG_NAME_MAX + TPI_CONF_KEY_MAX];
    char value[TPI_CONF_SHOWN_MAX];
    for (size_t i = 0; i < count; i++)
    {
        (void)snprintf(key, sizeof(key), "%s.%s", prefix, rows[i].key);
        (void)tpi_conf_format(&rows[i], object, value, sizeof(value));
        handler(clientd, key, value, source);
    }
}

void tpi_driver_config_foreach(const tp_driver_config_t *config, const tpi_driver_config_origins_t *origins, tpi_config_on_value_t handler,
    void *clientd)
{
    char value[VALUE_MAX];
    char source[TP_CONFIG_PATH_MAX + 128];
    char prefix[TP_CONFIG_NAME_MAX + 64];
    for (size_t i = 0; i < tpi_driver_row_count; i++)
    {
        effective_text(config, &tpi_driver_rows[i], value, sizeof(value));
        source_text(origins, &origins->rows[i], &tpi_driver_rows[i], source, sizeof(source));
        handler(clientd, tpi_driver_rows[i].key, value, source);
    }
    for (uint32_t i = 0; i < config->profile_count; i++)
    {
        const tp_profile_config_t *const profile = &config->profiles[i];
        entry_source(origins, origins->profile_lines[i], source, sizeof(source));
        (void)snprintf(prefix, sizeof(prefix), "profiles.%s", profile->name);
        each_row(tpi_profile_rows, tpi_profile_row_count, profile, prefix, source, handler, clientd);
        for (uint32_t k = 0; k < profile->pool_count; k++)
        {
            (void)snprintf(prefix, sizeof(prefix), "profiles.%s.payload_pools[%" PRIu32 "]", profile->name, k);
            each_row(tpi_pool_rows, tpi_pool_row_count, &profile->pools[k], prefix, source, handler, clientd);
        }
    }
    for (uint32_t i = 0; i < config->stream_count; i++)
    {
        entry_source(origins, origins->stream_lines[i], source, sizeof(source));
        (void)snprintf(prefix, sizeof(prefix), "streams.%s", config->streams[i].name);
        each_row(tpi_stream_rows, tpi_stream_row_count, &config->streams[i], prefix, source, handler, clientd);
    }
}

/* ---- show ------------------------------------------------------------------------------------------------------------------------ */

/* A name as a TOML key: quoted when it is not bare. */
static void key_text(const char *name, char *buffer, size_t size)
{
    static const char bare[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    const tpi_conf_row_t whole = { .type = TPI_CONF_TEXT };
    if (strspn(name, bare) == strlen(name)) { (void)snprintf(buffer, size, "%s", name); }
    else { (void)tpi_conf_format(&whole, name, buffer, size); }
}

static void show_rows(FILE *out, const tp_driver_config_t *config, const tpi_driver_config_origins_t *origins)
{
    char value[VALUE_MAX];
    char source[TP_CONFIG_PATH_MAX + 128];
    const char *table = "";
    for (size_t i = 0; i < tpi_driver_row_count; i++)
    {
        const tpi_conf_row_t *const row = &tpi_driver_rows[i];
        const size_t table_length = strcspn(row->key, ".");
        if (0 != strncmp(table, row->key, table_length + 1)) { fprintf(out, "%s[%.*s]\n", 0 == i ? "" : "\n", (int)table_length, row->key); }
        table = row->key;
        effective_text(config, row, value, sizeof(value));
        source_text(origins, &origins->rows[i], row, source, sizeof(source));
        /* What cannot stand in a file as it is shown: a secret, and ids and names that are not there. */
        const bool comment = 0 != (row->flags & TPI_CONF_SECRET) || (0 != (row->flags & TPI_CONF_DERIVED) && 0 == strcmp(value, "\"\""));
        fprintf(out, "%s%-30s = %-28s # %s\n", comment ? "# " : "", row->key + table_length + 1, value, source);
    }
}

static void show_profiles(FILE *out, const tp_driver_config_t *config, const tpi_driver_config_origins_t *origins)
{
    char name[6 * TP_CONFIG_NAME_MAX];
    char source[TP_CONFIG_PATH_MAX + 128];
    for (uint32_t i = 0; i < config->profile_count; i++)
    {
        const tp_profile_config_t *const profile = &config->profiles[i];
        uint64_t bytes = 64 + (uint64_t)profile->header_nslots * 256;
        key_text(profile->name, name, sizeof(name));
        entry_source(origins, origins->profile_lines[i], source, sizeof(source));
        for (uint32_t k = 0; k < profile->pool_count; k++) { bytes += 64 + (uint64_t)profile->header_nslots * profile->pools[k].stride_bytes; }
        fprintf(out, "\n[profiles.%s]  # %s; an epoch takes %.1f MiB\n", name, source, (double)bytes / (1024.0 * 1024.0));
        fprintf(out, "header_nslots = %" PRIu32 "\npayload_pools = [\n", profile->header_nslots);
        for (uint32_t k = 0; k < profile->pool_count; k++)
        {
            fprintf(out, "  { pool_id = %u, stride_bytes = %" PRIu32 " },\n", (unsigned)profile->pools[k].pool_id, profile->pools[k].stride_bytes);
        }
        fprintf(out, "]\n");
    }
}

static void show_streams(FILE *out, const tp_driver_config_t *config, const tpi_driver_config_origins_t *origins)
{
    char name[6 * TP_CONFIG_NAME_MAX];
    char source[TP_CONFIG_PATH_MAX + 128];
    char profile[6 * TP_CONFIG_NAME_MAX];
    const tpi_conf_row_t whole = { .type = TPI_CONF_TEXT };
    for (uint32_t i = 0; i < config->stream_count; i++)
    {
        const tp_stream_config_t *const stream = &config->streams[i];
        key_text(stream->name, name, sizeof(name));
        (void)tpi_conf_format(&whole, stream->profile, profile, sizeof(profile));
        entry_source(origins, origins->stream_lines[i], source, sizeof(source));
        fprintf(out, "\n[streams.%s]  # %s\nstream_id = %" PRIu32 "\nprofile   = %s\n", name, source, stream->stream_id, profile);
    }
}

void tpi_driver_config_show(FILE *out, const tp_driver_config_t *config, const tpi_driver_config_origins_t *origins)
{
    show_rows(out, config, origins);
    show_profiles(out, config, origins);
    show_streams(out, config, origins);
}
