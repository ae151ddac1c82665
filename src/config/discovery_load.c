/* Owns the order of sources and the cross check of a stand-alone discovery provider, and the judgement of an embedded one. */
#include "config/discovery_load.h"

#include <string.h>

#include "common/alloc.h"
#include "config/driver_rows.h"

static const tpi_conf_row_t *row_at(size_t offset)
{
    for (size_t i = 0; i < tpi_discovery_row_count; i++)
    {
        if (tpi_discovery_rows[i].offset == offset) { return &tpi_discovery_rows[i]; }
    }
    return NULL;
}

static bool is_set(const tpi_conf_source_t *source, const tpi_conf_section_t *section, size_t offset)
{
    return TPI_CONFIG_DEFAULT != tpi_conf_origin(source, section, row_at(offset))->kind;
}

void tpi_discovery_take_endpoint(const tpi_conf_source_t *source, const tpi_conf_section_t *section, tpi_discovery_keys_t *keys)
{
    const size_t own_channel = offsetof(tpi_discovery_keys_t, config.request_channel);
    const size_t own_id = offsetof(tpi_discovery_keys_t, config.request_stream_id);
    if ('\0' != keys->channel[0] && !is_set(source, section, own_channel))
    {
        memcpy(keys->config.request_channel, keys->channel, sizeof(keys->channel));
        *tpi_conf_origin(source, section, row_at(own_channel)) =
            *tpi_conf_origin(source, section, row_at(offsetof(tpi_discovery_keys_t, channel)));
    }
    if (0 != keys->stream_id && !is_set(source, section, own_id))
    {
        keys->config.request_stream_id = keys->stream_id;
        *tpi_conf_origin(source, section, row_at(own_id)) = *tpi_conf_origin(source, section, row_at(offsetof(tpi_discovery_keys_t, stream_id)));
    }
}

static int refuse_missing(const tpi_conf_source_t *source, const tpi_conf_section_t *section)
{
    for (size_t i = 0; i < section->row_count; i++)
    {
        const tpi_conf_row_t *const row = &section->rows[i];
        if (0 != strcmp(row->default_text, "required") || TPI_CONFIG_DEFAULT != tpi_conf_origin(source, section, row)->kind) { continue; }
        TPI_SET_ERR(TP_ECONF_RULE, "%s is missing", row->key);                      /* */
        TPI_ERR_FIX("`tp_discoveryd --print-example` prints a file with every required key");
        return -1;
    }
    return 0;
}

static int put_first(tpi_discovery_keys_t *keys)
{
    if (NULL == tp_discovery_provider_config_add_source(&keys->config)) { return -1; }
    tp_discovery_source_config_t *const sources = keys->config.sources;
    memmove(sources + 1, sources, (keys->config.source_count - 1) * sizeof(*sources));
    sources[0] = keys->first;
    return 0;
}

static void warn_of_deaf_clients(const tpi_conf_source_t *source, const tp_discovery_provider_config_t *config)
{
    if (0 != strncmp(config->request_channel, "aeron:udp", 9)) { return; }
    for (uint32_t i = 0; i < config->allowed_count; i++)
    {
        if (0 == strncmp(config->allowed_response_channels[i], "aeron:udp", 9)) { return; }
    }
    tpi_conf_warn(source, TP_ECONF_RULE, "discovery.allowed_response_channels lists no network: clients of other hosts ask over %s and get no answer",
        "discovery.request_channel");                                               /* O-22 */
}

int tpi_discovery_join(const tpi_conf_source_t *source, const tpi_conf_section_t *section, tpi_discovery_keys_t *keys)
{
    tpi_discovery_take_endpoint(source, section, keys);
    int rc = refuse_missing(source, section);
    if (rc >= 0) { rc = put_first(keys); }
    if (rc >= 0) { rc = tp_discovery_provider_config_check(&keys->config); }
    if (rc < 0)
    {
        tpi_conf_add_place(source, 0);
        return -1;
    }
    warn_of_deaf_clients(source, &keys->config);
    return 0;
}

static int read_all(tpi_discovery_keys_t *keys, tpi_config_origins_t *origins, const char *file, const tpi_config_options_t *options)
{
    const tpi_conf_reader_t readers[] = { { "discovery", "sources", tpi_discovery_read_sources, keys },
        { "discovery", "streams", tpi_discovery_read_streams, keys } };
    const tpi_conf_section_t sections[] = {
        { .rows = tpi_discovery_rows, .row_count = tpi_discovery_row_count, .object = keys, .readers = readers,
            .reader_count = sizeof(readers) / sizeof(readers[0]) },
        { .rows = tpi_discovery_host_rows, .row_count = tpi_discovery_host_row_count, .object = keys,
            .first_origin = tpi_discovery_row_count, .others = tpi_driver_rows, .other_count = tpi_driver_row_count } };
    const tpi_conf_source_t source = { .sections = sections, .section_count = sizeof(sections) / sizeof(sections[0]), .options = options,
        .origins = origins };
    unsigned mode = 0;
    if (NULL != file && tpi_conf_apply_file(&source, file, &mode) < 0) { return -1; }
    if (tpi_conf_apply_environment(&source) < 0 || tpi_conf_apply_settings(&source) < 0) { return -1; }
    return tpi_discovery_join(&source, &sections[0], keys);
}

int tpi_discovery_config_load(tp_discovery_provider_config_t *config, const char *file, const tpi_config_options_t *options)
{
    static const tpi_config_options_t no_options;
    options = NULL != options ? options : &no_options;
    tpi_discovery_keys_t *const keys = tpi_alloc(sizeof(*keys));
    tpi_config_origins_t *const origins = tpi_alloc(sizeof(*origins));
    int rc = -1;
    if (NULL == keys || NULL == origins) { goto out; }
    tpi_discovery_keys_init(keys);
    rc = read_all(keys, origins, file, options);
    if (rc < 0)
    {
        tp_discovery_provider_config_fini(&keys->config);
        goto out;
    }
    *config = keys->config;
    if (NULL != options->origins) { *options->origins = *origins; }
out:
    tpi_free(keys);
    tpi_free(origins);
    return rc;
}
