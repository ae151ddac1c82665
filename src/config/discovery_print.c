/* Owns how a discovery provider's configuration is shown, and its example, help and reference page. */
#include "config/discovery_print.h"

#include <inttypes.h>
#include <string.h>

#include "common/alloc.h"
#include "config/conf_print.h"
#include "config/discovery_rows.h"

/* The keys of a complete configuration, without what it owns; freed by tpi_free. NULL: no memory. */
static tpi_discovery_keys_t *keys_of(const tp_discovery_provider_config_t *config)
{
    tpi_discovery_keys_t *const keys = tpi_alloc(sizeof(*keys));
    if (NULL == keys) { return NULL; }
    keys->config = *config;
    keys->first = config->sources[0];
    return keys;
}

/* discovery.channel and .stream_id are in force as request_channel and request_stream_id: printed as not set. */
static tpi_conf_shown_t service(const tpi_discovery_keys_t *keys, const tpi_config_origins_t *origins, size_t first_origin)
{
    return (tpi_conf_shown_t){ .rows = tpi_discovery_rows, .row_count = tpi_discovery_row_count, .object = keys, .origins = origins,
        .first_origin = first_origin };
}

static tpi_conf_shown_t host(const tpi_discovery_keys_t *keys, const tpi_config_origins_t *origins)
{
    return (tpi_conf_shown_t){ .rows = tpi_discovery_host_rows, .row_count = tpi_discovery_host_row_count, .object = keys, .origins = origins,
        .first_origin = tpi_discovery_row_count };
}

static void show_entry(void *clientd, const char *key, const char *value, const char *source)
{
    (void)source;
    fprintf(clientd, "%-30s = %s\n", strrchr(key, '.') + 1, value);
}

static void each_source(const tp_discovery_source_config_t *source, uint32_t i, tpi_config_on_value_t handler, void *clientd)
{
    char prefix[64];
    (void)snprintf(prefix, sizeof(prefix), "discovery.sources[%" PRIu32 "]", i);
    tpi_conf_foreach_entry(tpi_discovery_source_rows, tpi_discovery_source_row_count, source, prefix, "file", handler, clientd);
}

static void each_stream(const tp_discovery_stream_config_t *stream, tpi_config_on_value_t handler, void *clientd)
{
    char prefix[TP_DISCOVERY_PROVIDER_TEXT_MAX + 64];
    tpi_discovery_stream_keys_t *const keys = tpi_alloc(sizeof(*keys));
    if (NULL == keys) { return; }
    keys->stream_id = stream->stream_id;
    keys->data_source_id = stream->data_source_id;
    keys->tag_count = stream->tag_count;
    for (uint32_t i = 0; i < stream->tag_count; i++) { memcpy(keys->tags[i], stream->tags[i], sizeof(keys->tags[0])); }
    (void)snprintf(prefix, sizeof(prefix), "discovery.streams.%s", stream->name);
    for (size_t i = 0; i < tpi_discovery_stream_row_count; i++)
    {
        const tpi_conf_row_t *const row = &tpi_discovery_stream_rows[i];
        const bool absent = offsetof(tpi_discovery_stream_keys_t, data_source_id) == row->offset && TP_NULL_U64 == stream->data_source_id;
        if (!absent) { tpi_conf_foreach_entry(row, 1, keys, prefix, "file", handler, clientd); }
    }
    tpi_free(keys);
}

void tpi_discovery_show(FILE *out, const tp_discovery_provider_config_t *config, const tpi_config_origins_t *origins, size_t first_origin)
{
    char name[6 * TP_DISCOVERY_PROVIDER_TEXT_MAX];
    tpi_discovery_keys_t *const keys = keys_of(config);
    if (NULL == keys) { return; }
    const tpi_conf_shown_t shown = service(keys, origins, first_origin);
    tpi_conf_show(out, &shown);
    for (uint32_t i = 1; i < config->source_count; i++)
    {
        fputs("\n[[discovery.sources]]\n", out);
        each_source(&config->sources[i], i - 1, show_entry, out);
    }
    for (uint32_t i = 0; i < config->stream_count; i++)
    {
        tpi_conf_key_text(config->streams[i].name, name, sizeof(name));
        fprintf(out, "\n[discovery.streams.%s]\n", name);
        each_stream(&config->streams[i], show_entry, out);
    }
    tpi_free(keys);
}

void tpi_discovery_foreach(const tp_discovery_provider_config_t *config, const tpi_config_origins_t *origins, size_t first_origin,
    tpi_config_on_value_t handler, void *clientd)
{
    tpi_discovery_keys_t *const keys = keys_of(config);
    if (NULL == keys) { return; }
    const tpi_conf_shown_t shown = service(keys, origins, first_origin);
    tpi_conf_foreach(&shown, handler, clientd);
    for (uint32_t i = 1; i < config->source_count; i++) { each_source(&config->sources[i], i - 1, handler, clientd); }
    for (uint32_t i = 0; i < config->stream_count; i++) { each_stream(&config->streams[i], handler, clientd); }
    tpi_free(keys);
}

void tpi_discovery_config_show(FILE *out, const tp_discovery_provider_config_t *config, const tpi_config_origins_t *origins)
{
    tpi_discovery_keys_t *const keys = keys_of(config);
    if (NULL == keys) { return; }
    const tpi_conf_shown_t shown = host(keys, origins);
    tpi_conf_show(out, &shown);
    fputc('\n', out);
    tpi_discovery_show(out, config, origins, 0);
    tpi_free(keys);
}

void tpi_discovery_config_foreach(const tp_discovery_provider_config_t *config, const tpi_config_origins_t *origins,
    tpi_config_on_value_t handler, void *clientd)
{
    tpi_discovery_keys_t *const keys = keys_of(config);
    if (NULL == keys) { return; }
    const tpi_conf_shown_t shown = host(keys, origins);
    tpi_conf_foreach(&shown, handler, clientd);
    tpi_discovery_foreach(config, origins, 0, handler, clientd);
    tpi_free(keys);
}

/* ---- example, help, reference ---------------------------------------------------------------------------------------------------- */

static const tpi_conf_set_t example_values[] = {
    { "discovery.request_channel", "\"aeron:ipc?term-length=4m\"" },
    { "discovery.request_stream_id", "7000" },
    { "discovery.announce_channel", "\"aeron:ipc?term-length=4m\"" },
    { "discovery.announce_stream_id", "1001" },
    { "discovery.metadata_channel", "\"aeron:ipc?term-length=4m\"" },
    { "discovery.metadata_stream_id", "1300" },
    { "discovery.driver_instance_id", "\"driver-01\"" },
    { "discovery.driver_control_channel", "\"aeron:ipc?term-length=4m\"" },
    { "discovery.driver_control_stream_id", "1000" },
    { NULL, NULL }
};

static const char *derived_value(const tpi_conf_row_t *row) { return TPI_CONF_U32 == row->type ? "7000" : "\"aeron:ipc?term-length=4m\""; }

void tpi_discovery_config_example(FILE *out)
{
    fputs("# Configuration of tp_discoveryd. Lines that are commented out show the default. Check it: tp_discoveryd --check -c FILE\n"
        "# The table [discovery] may also stand in the file of tp_driver, where no key is required: the provider then runs inside of the driver.\n"
        "# Each scalar key can also be set by a variable: discovery.max_results by DISCOVERY_MAX_RESULTS.\n", out);
    tpi_conf_example(out, tpi_discovery_host_rows, tpi_discovery_host_row_count, example_values, derived_value);
    tpi_conf_example(out, tpi_discovery_rows, tpi_discovery_row_count, example_values, derived_value);
    fputs("\n# A further driver.\n#[[discovery.sources]]\n#announce_channel = \"aeron:udp?endpoint=host-b:40124\"\n#announce_stream_id = 7001\n"
        "#metadata_channel = \"aeron:udp?endpoint=host-b:40125\"\n#metadata_stream_id = 7002\n#driver_instance_id = \"driver-b\"\n"
        "#driver_control_channel = \"aeron:udp?endpoint=host-b:40126\"\n#driver_control_stream_id = 7003\n"
        "\n# What only the operator knows of a stream.\n#[discovery.streams.cam1]\n#stream_id = 10000\n#data_source_id = 77\n"
        "#tags = [\"hall-2\", \"thermal\"]\n", out);
}

void tpi_discovery_config_help(FILE *out)
{
    tpi_conf_help(out, tpi_discovery_rows, tpi_discovery_row_count);
    tpi_conf_help(out, tpi_discovery_host_rows, tpi_discovery_host_row_count);
}

void tpi_discovery_config_reference(FILE *out)
{
    fputs("# Configuration of the discovery provider\n\n"
        "Printed by `tp_discoveryd --print-reference`; do not edit. `tp_discoveryd --print-example` writes a file to start from,\n"
        "`tp_discoveryd --check` checks one, `tp_discoveryd --print-config` shows each value in force and where it came from.\n\n"
        "The same table in the file of `tp_driver` makes the provider run inside of the driver. No key is required then: those that\n"
        "say so take their default from the driver's configuration, each for itself.\n\n"
        "A value is taken from the first of: command line, environment, file, default. Errors name file, line, column, key, value\n"
        "and bound. SIGHUP checks the file again and says in the log which keys differ from those in force; all of them take\n"
        "effect with a restart.\n", out);
    tpi_conf_reference(out, tpi_discovery_rows, tpi_discovery_row_count, NULL);
    tpi_conf_reference_entry(out, "[[discovery.sources]]", tpi_discovery_source_rows, tpi_discovery_source_row_count);
    tpi_conf_reference_entry(out, "[discovery.streams.NAME]", tpi_discovery_stream_rows, tpi_discovery_stream_row_count);
    tpi_conf_reference(out, tpi_discovery_host_rows, tpi_discovery_host_row_count, NULL);
}
