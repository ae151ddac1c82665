/* Owns the tables of a discovery provider's keys, and the readers of further sources and of streams. */
#include "config/discovery_rows.h"

#include <string.h>

#include "common/alloc.h"

#define ID_MAX 2147483647u
#define OBJECT tpi_discovery_keys_t
#define AT(type_, field_) .offset = offsetof(type_, field_), .size = sizeof(((type_ *)0)->field_)
#define TEXT(name_, field_, default_, min_, flags_, doc_) \
    { .key = "discovery." name_, .type = TPI_CONF_TEXT, AT(OBJECT, field_), .default_text = (default_), .min = (min_), \
        .max = sizeof(((OBJECT *)0)->field_) - 1, .flags = (flags_), .doc = (doc_) }
#define U32(name_, field_, default_, min_, max_, flags_, doc_) \
    { .key = "discovery." name_, .type = TPI_CONF_U32, AT(OBJECT, field_), .default_text = (default_), .min = (min_), .max = (max_), \
        .flags = (flags_), .doc = (doc_) }
#define OURS TPI_CONF_LOCAL
#define HOST TPI_CONF_INHERITED
#define NEEDED(name_, field_, doc_) TEXT(name_, field_, "required", 1, HOST | TPI_CONF_DERIVED, doc_)
#define NEEDED_ID(name_, field_, doc_) U32(name_, field_, "required", 1, ID_MAX, HOST | TPI_CONF_DERIVED, doc_)

const tpi_conf_row_t tpi_discovery_rows[] = {
    NEEDED("request_channel", config.request_channel, "where DiscoveryRequest arrives; embedded: driver.control_channel, to the letter"),
    NEEDED_ID("request_stream_id", config.request_stream_id, "stream id of requests; embedded: 7000"),
    TEXT("channel", channel, "not set", 1, TPI_CONF_DERIVED,
        "endpoint of requests as clients and whole deployments name it: counts where request_channel is not set"),
    U32("stream_id", stream_id, "not set", 1, ID_MAX, TPI_CONF_DERIVED, "the same for request_stream_id"),
    NEEDED("announce_channel", first.announce_channel, "source of ShmPoolAnnounce; embedded: driver.announce_channel"),
    NEEDED_ID("announce_stream_id", first.announce_stream_id, "its stream id; embedded: driver.announce_stream_id"),
    NEEDED("metadata_channel", first.metadata_channel,
        "source of DataSourceAnnounce and DataSourceMeta; embedded: driver.metadata_channel where it is set, else driver.control_channel"),
    NEEDED_ID("metadata_stream_id", first.metadata_stream_id, "its stream id; embedded: driver.metadata_stream_id, that is 1300"),
    NEEDED("driver_instance_id", first.driver_instance_id, "identity of the driver behind the announces, copied into results; embedded: its own"),
    NEEDED("driver_control_channel", first.driver_control_channel, "attach endpoint of that driver, copied into results; embedded: its own"),
    NEEDED_ID("driver_control_stream_id", first.driver_control_stream_id, "its stream id; embedded: its own"),
    U32("announce_period_ms", first.announce_period_ms, "1000", 1, UINT32_MAX, HOST,
        "announce cadence of the source, entries expire after three; embedded: policies.announce_period_ms"),
    U32("max_results", config.max_results, "1000", 1, TP_DISCOVERY_PROVIDER_RESULTS_MAX, 0, "most results in one response"),
    { .key = "discovery.caps_results", .type = TPI_CONF_BOOL, AT(OBJECT, config.caps_results), .default_text = "false", .flags = OURS,
        .doc = "more matches than max_results: true = the first of them, false = an error" },
    U32("query_log_every", config.query_log_every, "100", 0, UINT32_MAX, OURS, "one of so many queries is logged; 0 = none"),
    { .key = "discovery.allowed_response_channels", .type = TPI_CONF_TEXTS, .offset = offsetof(OBJECT, config.allowed_response_channels),
        .size = TP_DISCOVERY_PROVIDER_CHANNEL_MAX + 1, .count_offset = offsetof(OBJECT, config.allowed_count), .default_text = "[\"aeron:ipc\"]",
        .min = 0, .max = TP_DISCOVERY_PROVIDER_ALLOWED_MAX,
        .doc = "where responses may go; a provider of a network lists its clients' networks" },
};
const size_t tpi_discovery_row_count = sizeof(tpi_discovery_rows) / sizeof(tpi_discovery_rows[0]);

const tpi_conf_row_t tpi_discovery_host_rows[] = {
    { .key = "driver.aeron_dir", .type = TPI_CONF_TEXT, AT(OBJECT, config.aeron_dir), .default_text = "\"\"",
        .max = TP_DISCOVERY_PROVIDER_DIR_MAX - 1, .alias = "AERON_DIR", .doc = "directory of the Aeron media driver; empty = Aeron's default" },
};
const size_t tpi_discovery_host_row_count = sizeof(tpi_discovery_host_rows) / sizeof(tpi_discovery_host_rows[0]);

#define SUB(object_, name_, type_, field_, default_, min_, max_, flags_, doc_) \
    { .key = (name_), .type = (type_), AT(object_, field_), .default_text = (default_), .min = (min_), .max = (max_), .flags = (flags_), \
        .doc = (doc_) }
#define SOURCE_TEXT(name_, doc_) \
    SUB(tp_discovery_source_config_t, #name_, TPI_CONF_TEXT, name_, NULL, 1, sizeof(((tp_discovery_source_config_t *)0)->name_) - 1, \
        TPI_CONF_REQUIRED, doc_)
#define SOURCE_ID(name_, doc_) SUB(tp_discovery_source_config_t, #name_, TPI_CONF_U32, name_, NULL, 1, ID_MAX, TPI_CONF_REQUIRED, doc_)

const tpi_conf_row_t tpi_discovery_source_rows[] = {
    SOURCE_TEXT(announce_channel, "source of ShmPoolAnnounce of a further driver"), SOURCE_ID(announce_stream_id, "its stream id"),
    SOURCE_TEXT(metadata_channel, "source of its metadata"), SOURCE_ID(metadata_stream_id, "its stream id"),
    SOURCE_TEXT(driver_instance_id, "identity of that driver; unique"),
    SOURCE_TEXT(driver_control_channel, "attach endpoint of that driver"), SOURCE_ID(driver_control_stream_id, "its stream id"),
    SUB(tp_discovery_source_config_t, "announce_period_ms", TPI_CONF_U32, announce_period_ms, "1000", 1, UINT32_MAX, 0, "its announce cadence"),
};
const size_t tpi_discovery_source_row_count = sizeof(tpi_discovery_source_rows) / sizeof(tpi_discovery_source_rows[0]);

const tpi_conf_row_t tpi_discovery_stream_rows[] = {
    SUB(tpi_discovery_stream_keys_t, "stream_id", TPI_CONF_U32, stream_id, NULL, 0, UINT32_MAX, TPI_CONF_REQUIRED, "pool stream id"),
    SUB(tpi_discovery_stream_keys_t, "data_source_id", TPI_CONF_U64, data_source_id, "not set", 0, TP_NULL_U64 - 1, 0, "its data source id"),
    { .key = "tags", .type = TPI_CONF_TEXTS, .offset = offsetof(tpi_discovery_stream_keys_t, tags), .size = TP_DISCOVERY_PROVIDER_TEXT_MAX + 1,
        .count_offset = offsetof(tpi_discovery_stream_keys_t, tag_count), .default_text = "[]", .max = TP_DISCOVERY_PROVIDER_TAGS_MAX,
        .doc = "its tags: US-ASCII, none empty" },
};
const size_t tpi_discovery_stream_row_count = sizeof(tpi_discovery_stream_rows) / sizeof(tpi_discovery_stream_rows[0]);

void tpi_discovery_keys_init(tpi_discovery_keys_t *keys)
{
    memset(keys, 0, sizeof(*keys));
    tp_discovery_provider_config_init(&keys->config);
    keys->first.announce_period_ms = 1000;
}

int tpi_discovery_read_sources(const tpi_conf_source_t *source, const tpi_toml_node_t *node, void *keys)
{
    tp_discovery_provider_config_t *const config = &((tpi_discovery_keys_t *)keys)->config;
    if (TPI_TOML_ARRAY != node->type)
    {
        return tpi_conf_refuse(source, node, TP_ECONF_TYPE, "discovery.sources is %s, not an array of tables", tpi_toml_type_name(node->type));
    }
    for (size_t i = 0; i < node->count; i++)
    {
        char key[64];
        (void)snprintf(key, sizeof(key), "discovery.sources[%zu].", i);
        if (tpi_conf_need_table(source, &node->children[i], "[[discovery.sources]]") < 0) { return -1; }
        tp_discovery_source_config_t *const made = tp_discovery_provider_config_add_source(config);
        const tpi_conf_table_t table = { .node = &node->children[i], .rows = tpi_discovery_source_rows, .row_count = tpi_discovery_source_row_count,
            .key_prefix = key, .title = "[[discovery.sources]]", .object = made };
        if (NULL == made || tpi_conf_read_table(source, &table) < 0) { return -1; }
    }
    return 0;
}

static int add_stream(tp_discovery_provider_config_t *config, const char *name, const tpi_discovery_stream_keys_t *keys)
{
    tp_discovery_stream_config_t *const stream = tp_discovery_provider_config_add_stream(config, name, keys->stream_id);
    if (NULL == stream) { return -1; }
    stream->data_source_id = keys->data_source_id;
    for (uint32_t i = 0; i < keys->tag_count; i++)
    {
        if (tp_discovery_stream_config_add_tag(stream, keys->tags[i]) < 0) { return -1; }
    }
    return 0;
}

static int read_stream(const tpi_conf_source_t *source, const tpi_toml_node_t *node, tp_discovery_provider_config_t *config)
{
    char key[TP_DISCOVERY_PROVIDER_TEXT_MAX + 64];
    char title[TP_DISCOVERY_PROVIDER_TEXT_MAX + 64];
    if (tpi_conf_check_name(source, node, "stream", TP_DISCOVERY_PROVIDER_TEXT_MAX) < 0) { return -1; }
    (void)snprintf(key, sizeof(key), "discovery.streams.%s.", node->key);
    (void)snprintf(title, sizeof(title), "[discovery.streams.%s]", node->key);
    tpi_discovery_stream_keys_t *const keys = tpi_alloc(sizeof(*keys));
    if (NULL == keys) { return -1; }
    keys->data_source_id = TP_NULL_U64;
    const tpi_conf_table_t table = { .node = node, .rows = tpi_discovery_stream_rows, .row_count = tpi_discovery_stream_row_count, .key_prefix = key,
        .title = title, .object = keys };
    int rc = tpi_conf_need_table(source, node, title);
    if (rc >= 0) { rc = tpi_conf_read_table(source, &table); }
    if (rc >= 0) { rc = add_stream(config, node->key, keys); }
    tpi_free(keys);
    return rc;
}

int tpi_discovery_read_streams(const tpi_conf_source_t *source, const tpi_toml_node_t *node, void *keys)
{
    if (tpi_conf_need_table(source, node, "discovery.streams") < 0) { return -1; }
    for (size_t i = 0; i < node->count; i++)
    {
        if (read_stream(source, &node->children[i], &((tpi_discovery_keys_t *)keys)->config) < 0) { return -1; }
    }
    return 0;
}
