/* Owns what the driver's file says in tables of its own: profiles and streams. */
#include "config/driver_file.h"

#include <inttypes.h>
#include <string.h>

#include "config/driver_rows.h"

/* ---- profiles -------------------------------------------------------------------------------------------------------------------- */

static int read_pools(const tpi_conf_source_t *source, const tpi_toml_node_t *node, tp_profile_config_t *profile)
{
    if (TPI_TOML_ARRAY != node->type)
    {
        return tpi_conf_refuse(source, node, TP_ECONF_TYPE, "profiles.%s.payload_pools is %s, not an array of tables", profile->name,
            tpi_toml_type_name(node->type));
    }
    if (0 == node->count || node->count > TP_CONFIG_POOLS_MAX)                      /* D-190 */
    {
        return tpi_conf_refuse(source, node, TP_ECONF_RULE, "profiles.%s.payload_pools has %zu entries, not 1..%d", profile->name, node->count,
            TP_CONFIG_POOLS_MAX);
    }
    for (size_t i = 0; i < node->count; i++)
    {
        char key[TP_CONFIG_NAME_MAX + 64];
        char title[TP_CONFIG_NAME_MAX + 64];
        (void)snprintf(key, sizeof(key), "profiles.%s.payload_pools[%zu].", profile->name, i);
        (void)snprintf(title, sizeof(title), "[[profiles.%s.payload_pools]]", profile->name);
        const tpi_conf_table_t table = { .node = &node->children[i], .rows = tpi_pool_rows, .row_count = tpi_pool_row_count,
            .key_prefix = key, .title = title, .object = &profile->pools[i] };
        if (tpi_conf_need_table(source, table.node, title) < 0 || tpi_conf_read_table(source, &table) < 0) { return -1; }
    }
    profile->pool_count = (uint32_t)node->count;
    return 0;
}

static int read_profile(const tpi_conf_source_t *source, const tpi_toml_node_t *node, tp_driver_config_t *config)
{
    char key[TP_CONFIG_NAME_MAX + 64];
    char title[TP_CONFIG_NAME_MAX + 64];
    if (tpi_conf_check_name(source, node, "profile", TP_CONFIG_NAME_MAX - 1) < 0) { return -1; }
    (void)snprintf(key, sizeof(key), "profiles.%s.", node->key);
    (void)snprintf(title, sizeof(title), "[profiles.%s]", node->key);
    if (tpi_conf_need_table(source, node, title) < 0) { return -1; }
    tp_profile_config_t *const profile = tp_driver_config_add_profile(config, node->key);
    if (NULL == profile) { return -1; }
    source->origins->profile_lines[config->profile_count - 1] = node->key_line;
    const tpi_conf_table_t table = { .node = node, .rows = tpi_profile_rows, .row_count = tpi_profile_row_count,
        .key_prefix = key, .title = title, .other_key = "payload_pools", .object = profile };
    const tpi_toml_node_t *const pools = tpi_toml_get(node, "payload_pools");
    if (tpi_conf_read_table(source, &table) < 0) { return -1; }
    if (NULL == pools)
    {
        (void)tpi_conf_refuse(source, node, TP_ECONF_RULE, "profiles.%s.payload_pools is missing, at least one pool is needed", node->key);
        TPI_ERR_FIX("add [[profiles.%.60s.payload_pools]] with pool_id and stride_bytes", node->key);
        return -1;
    }
    return read_pools(source, pools, profile);
}

/* ---- streams --------------------------------------------------------------------------------------------------------------------- */

static int read_stream(const tpi_conf_source_t *source, const tpi_toml_node_t *node, tp_driver_config_t *config)
{
    char key[TP_CONFIG_NAME_MAX + 64];
    char title[TP_CONFIG_NAME_MAX + 64];
    tp_stream_config_t stream = { .stream_id = 0 };
    if (tpi_conf_check_name(source, node, "stream", TP_CONFIG_NAME_MAX - 1) < 0) { return -1; }
    (void)snprintf(key, sizeof(key), "streams.%s.", node->key);
    (void)snprintf(title, sizeof(title), "[streams.%s]", node->key);
    const tpi_conf_table_t table = { .node = node, .rows = tpi_stream_rows, .row_count = tpi_stream_row_count,
        .key_prefix = key, .title = title, .object = &stream };
    if (tpi_conf_need_table(source, node, title) < 0 || tpi_conf_read_table(source, &table) < 0) { return -1; }
    if (NULL == tp_driver_config_add_stream(config, node->key, stream.stream_id, stream.profile)) { return -1; }
    source->origins->stream_lines[config->stream_count - 1] = node->key_line;
    return 0;
}

int tpi_driver_read_profiles(const tpi_conf_source_t *source, const tpi_toml_node_t *node, void *config)
{
    if (tpi_conf_need_table(source, node, node->key) < 0) { return -1; }
    for (size_t i = 0; i < node->count; i++)
    {
        if (read_profile(source, &node->children[i], config) < 0) { return -1; }
    }
    return 0;
}

int tpi_driver_read_streams(const tpi_conf_source_t *source, const tpi_toml_node_t *node, void *config)
{
    if (tpi_conf_need_table(source, node, node->key) < 0) { return -1; }
    for (size_t i = 0; i < node->count; i++)
    {
        if (read_stream(source, &node->children[i], config) < 0) { return -1; }
    }
    return 0;
}
