/* Owns how the driver's configuration is shown: effective values with their sources, and the keys for --help and the reference page. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "config/conf_print.h"
#include "config/driver_rows.h"

/* The values that come from other keys while they are not set (11.1). */
static void effective_text(const void *object, const tpi_conf_row_t *row, char *buffer, size_t size)
{
    const tp_driver_config_t *config = object;
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

static tpi_conf_shown_t shown_rows(const tp_driver_config_t *config, const tpi_config_origins_t *origins)
{
    return (tpi_conf_shown_t){ .rows = tpi_driver_rows, .row_count = tpi_driver_row_count, .object = config, .origins = origins,
        .value = effective_text };
}

void tpi_driver_config_foreach(const tp_driver_config_t *config, const tpi_config_origins_t *origins, tpi_config_on_value_t handler,
    void *clientd)
{
    char source[TP_CONFIG_PATH_MAX + 128];
    char prefix[TP_CONFIG_NAME_MAX + 64];
    const tpi_conf_shown_t shown = shown_rows(config, origins);
    tpi_conf_foreach(&shown, handler, clientd);
    for (uint32_t i = 0; i < config->profile_count; i++)
    {
        const tp_profile_config_t *const profile = &config->profiles[i];
        tpi_conf_entry_source(origins, origins->profile_lines[i], source, sizeof(source));
        (void)snprintf(prefix, sizeof(prefix), "profiles.%s", profile->name);
        tpi_conf_foreach_entry(tpi_profile_rows, tpi_profile_row_count, profile, prefix, source, handler, clientd);
        for (uint32_t k = 0; k < profile->pool_count; k++)
        {
            (void)snprintf(prefix, sizeof(prefix), "profiles.%s.payload_pools[%" PRIu32 "]", profile->name, k);
            tpi_conf_foreach_entry(tpi_pool_rows, tpi_pool_row_count, &profile->pools[k], prefix, source, handler, clientd);
        }
    }
    for (uint32_t i = 0; i < config->stream_count; i++)
    {
        tpi_conf_entry_source(origins, origins->stream_lines[i], source, sizeof(source));
        (void)snprintf(prefix, sizeof(prefix), "streams.%s", config->streams[i].name);
        tpi_conf_foreach_entry(tpi_stream_rows, tpi_stream_row_count, &config->streams[i], prefix, source, handler, clientd);
    }
}

/* ---- show ------------------------------------------------------------------------------------------------------------------------ */

static void show_profiles(FILE *out, const tp_driver_config_t *config, const tpi_config_origins_t *origins)
{
    char name[6 * TP_CONFIG_NAME_MAX];
    char source[TP_CONFIG_PATH_MAX + 128];
    for (uint32_t i = 0; i < config->profile_count; i++)
    {
        const tp_profile_config_t *const profile = &config->profiles[i];
        uint64_t bytes = 64 + (uint64_t)profile->header_nslots * 256;
        tpi_conf_key_text(profile->name, name, sizeof(name));
        tpi_conf_entry_source(origins, origins->profile_lines[i], source, sizeof(source));
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

static void show_streams(FILE *out, const tp_driver_config_t *config, const tpi_config_origins_t *origins)
{
    char name[6 * TP_CONFIG_NAME_MAX];
    char source[TP_CONFIG_PATH_MAX + 128];
    char profile[6 * TP_CONFIG_NAME_MAX];
    for (uint32_t i = 0; i < config->stream_count; i++)
    {
        const tp_stream_config_t *const stream = &config->streams[i];
        tpi_conf_key_text(stream->name, name, sizeof(name));
        tpi_conf_string_text(stream->profile, profile, sizeof(profile));
        tpi_conf_entry_source(origins, origins->stream_lines[i], source, sizeof(source));
        fprintf(out, "\n[streams.%s]  # %s\nstream_id = %" PRIu32 "\nprofile   = %s\n", name, source, stream->stream_id, profile);
    }
}

void tpi_driver_config_show(FILE *out, const tp_driver_config_t *config, const tpi_config_origins_t *origins)
{
    const tpi_conf_shown_t shown = shown_rows(config, origins);
    tpi_conf_show(out, &shown);
    show_profiles(out, config, origins);
    show_streams(out, config, origins);
}
