/*
 * Owns the walk through the driver's TOML file. Keys of known tables must be known (D-208); tables nobody knows only warn, because a file may
 * serve several programs.
 */
#include <inttypes.h>
#include <string.h>

#include "common/alloc.h"
#include "common/closest.h"
#include "config/driver_sources.h"

/* One table on the walk: whose keys, where they go, how it is called. */
typedef struct table
{
    const tpi_driver_source_t *source;
    const tpi_toml_node_t *node;
    const tpi_conf_row_t *rows;
    size_t row_count;
    const char *row_prefix;           /* part of the rows' keys: "driver." */
    const char *key_prefix;           /* put before the rows' keys in messages: "profiles.camera." */
    const char *title;                /* "[profiles.camera]" */
    const char *other_key;            /* a key that the caller handles itself, or NULL */
    void *object;
}
table_t;

static tpi_conf_place_t place_of(const tpi_driver_source_t *source, const tpi_toml_node_t *node, const char *table)
{
    return (tpi_conf_place_t){ .file = source->origins->file, .line = node->key_line, .column = node->key_column, .table = table };
}

static int refuse(const tpi_driver_source_t *source, const tpi_toml_node_t *node, int code, const char *format, ...) TP_PRINTF(4, 5);

static int refuse(const tpi_driver_source_t *source, const tpi_toml_node_t *node, int code, const char *format, ...)
{
    char problem[384];
    char where[TP_CONFIG_PATH_MAX + 32];
    const tpi_conf_place_t place = place_of(source, node, "");
    va_list args;
    va_start(args, format);
    (void)vsnprintf(problem, sizeof(problem), format, args);
    va_end(args);
    tpi_conf_place_text(&place, where, sizeof(where));
    TPI_SET_ERR(code, "%s%s", where, problem);
    return -1;
}

static bool is_key(const tpi_toml_node_t *node, const char *key)
{
    return strlen(key) == node->key_length && 0 == memcmp(key, node->key, node->key_length);
}

static const tpi_conf_row_t *find_row(const table_t *table, const tpi_toml_node_t *node)
{
    const size_t prefix = strlen(table->row_prefix);
    for (size_t i = 0; i < table->row_count; i++)
    {
        const tpi_conf_row_t *const row = &table->rows[i];
        if (0 == strncmp(row->key, table->row_prefix, prefix) && is_key(node, row->key + prefix)) { return row; }
    }
    return NULL;
}

static int refuse_key(const table_t *table, const tpi_toml_node_t *node)
{
    const size_t prefix = strlen(table->row_prefix);
    tpi_closest_t closest = TPI_CLOSEST_INIT(node->key);
    char clipped[TPI_CONF_CLIP_MAX];
    for (size_t i = 0; i < table->row_count; i++)
    {
        if (0 == strncmp(table->rows[i].key, table->row_prefix, prefix)) { tpi_closest_offer(&closest, table->rows[i].key + prefix); }
    }
    if (NULL != table->other_key) { tpi_closest_offer(&closest, table->other_key); }
    (void)refuse(table->source, node, TP_ECONF_KEY, "unknown key '%s' in %s", tpi_conf_clip(clipped, node->key, node->key_length), table->title);
    if (NULL != closest.name)
    {
        TPI_ERR_FIX(tpi_likely_misspelling(node->key, closest.name) ? "did you mean '%s'?" : "the nearest known key is '%s'", closest.name);
    }
    return -1;
}

static int need_table(const tpi_driver_source_t *source, const tpi_toml_node_t *node, const char *key)
{
    if (TPI_TOML_TABLE == node->type) { return 0; }
    return refuse(source, node, TP_ECONF_TYPE, "%s is %s, not a table", key, tpi_toml_type_name(node->type));
}

static int walk(const table_t *table)
{
    for (size_t i = 0; i < table->node->count; i++)
    {
        const tpi_toml_node_t *const node = &table->node->children[i];
        if (NULL != table->other_key && is_key(node, table->other_key)) { continue; }
        const tpi_conf_row_t *const row = find_row(table, node);
        if (NULL == row) { return refuse_key(table, node); }                    /* D-208 */
        const tpi_conf_place_t place = place_of(table->source, node, table->key_prefix);
        if (tpi_conf_set_node(row, table->object, node, &place) < 0) { return -1; }
        if (tpi_driver_rows == table->rows)
        {
            table->source->origins->rows[row - tpi_driver_rows] =
                (tpi_config_origin_t){ .kind = TPI_CONFIG_FILE, .line = node->key_line, .column = node->key_column };
        }
    }
    for (size_t i = 0; i < table->row_count; i++)
    {
        const tpi_conf_row_t *const row = &table->rows[i];
        if (0 == (row->flags & TPI_CONF_REQUIRED) || NULL != tpi_toml_get(table->node, row->key)) { continue; }
        return refuse(table->source, table->node, TP_ECONF_RULE, "%s%s is missing", table->key_prefix, row->key);
    }
    return 0;
}

/* A name of a profile or stream: text without control bytes that fits. */
static int check_name(const tpi_driver_source_t *source, const tpi_toml_node_t *node, const char *kind)
{
    char clipped[TPI_CONF_CLIP_MAX];
    bool printable = node->key_length > 0;
    for (size_t i = 0; i < node->key_length; i++) { printable = printable && (unsigned char)node->key[i] >= 0x20 && 0x7f != node->key[i]; }
    if (printable && node->key_length < TP_CONFIG_NAME_MAX) { return 0; }
    return refuse(source, node, TP_ECONF_RANGE, "%s name '%s' of %zu bytes is not 1..%d bytes without control bytes", kind,
        tpi_conf_clip(clipped, node->key, node->key_length), node->key_length, TP_CONFIG_NAME_MAX - 1);
}

/* ---- profiles -------------------------------------------------------------------------------------------------------------------- */

static int read_pools(const tpi_driver_source_t *source, const tpi_toml_node_t *node, tp_profile_config_t *profile)
{
    if (TPI_TOML_ARRAY != node->type)
    {
        return refuse(source, node, TP_ECONF_TYPE, "profiles.%s.payload_pools is %s, not an array of tables", profile->name,
            tpi_toml_type_name(node->type));
    }
    if (0 == node->count || node->count > TP_CONFIG_POOLS_MAX)                      /* D-190 */
    {
        return refuse(source, node, TP_ECONF_RULE, "profiles.%s.payload_pools has %zu entries, not 1..%d", profile->name, node->count,
            TP_CONFIG_POOLS_MAX);
    }
    for (size_t i = 0; i < node->count; i++)
    {
        char key[TP_CONFIG_NAME_MAX + 64];
        char title[TP_CONFIG_NAME_MAX + 64];
        (void)snprintf(key, sizeof(key), "profiles.%s.payload_pools[%zu].", profile->name, i);
        (void)snprintf(title, sizeof(title), "[[profiles.%s.payload_pools]]", profile->name);
        const table_t table = { .source = source, .node = &node->children[i], .rows = tpi_pool_rows, .row_count = tpi_pool_row_count,
            .row_prefix = "", .key_prefix = key, .title = title, .object = &profile->pools[i] };
        if (need_table(source, table.node, title) < 0 || walk(&table) < 0) { return -1; }
    }
    profile->pool_count = (uint32_t)node->count;
    return 0;
}

static int read_profile(const tpi_driver_source_t *source, const tpi_toml_node_t *node)
{
    char key[TP_CONFIG_NAME_MAX + 64];
    char title[TP_CONFIG_NAME_MAX + 64];
    if (check_name(source, node, "profile") < 0) { return -1; }
    (void)snprintf(key, sizeof(key), "profiles.%s.", node->key);
    (void)snprintf(title, sizeof(title), "[profiles.%s]", node->key);
    if (need_table(source, node, title) < 0) { return -1; }
    tp_profile_config_t *const profile = tp_driver_config_add_profile(source->config, node->key);
    if (NULL == profile) { return -1; }
    source->origins->profile_lines[source->config->profile_count - 1] = node->key_line;
    const table_t table = { .source = source, .node = node, .rows = tpi_profile_rows, .row_count = tpi_profile_row_count, .row_prefix = "",
        .key_prefix = key, .title = title, .other_key = "payload_pools", .object = profile };
    const tpi_toml_node_t *const pools = tpi_toml_get(node, "payload_pools");
    if (walk(&table) < 0) { return -1; }
    if (NULL == pools)
    {
        (void)refuse(source, node, TP_ECONF_RULE, "profiles.%s.payload_pools is missing, at least one pool is needed", node->key);
        TPI_ERR_FIX("add [[profiles.%.60s.payload_pools]] with pool_id and stride_bytes", node->key);
        return -1;
    }
    return read_pools(source, pools, profile);
}

/* ---- streams --------------------------------------------------------------------------------------------------------------------- */

static int read_stream(const tpi_driver_source_t *source, const tpi_toml_node_t *node)
{
    char key[TP_CONFIG_NAME_MAX + 64];
    char title[TP_CONFIG_NAME_MAX + 64];
    tp_stream_config_t stream = { .stream_id = 0 };
    if (check_name(source, node, "stream") < 0) { return -1; }
    (void)snprintf(key, sizeof(key), "streams.%s.", node->key);
    (void)snprintf(title, sizeof(title), "[streams.%s]", node->key);
    const table_t table = { .source = source, .node = node, .rows = tpi_stream_rows, .row_count = tpi_stream_row_count, .row_prefix = "",
        .key_prefix = key, .title = title, .object = &stream };
    if (need_table(source, node, title) < 0 || walk(&table) < 0) { return -1; }
    if (NULL == tp_driver_config_add_stream(source->config, node->key, stream.stream_id, stream.profile)) { return -1; }
    source->origins->stream_lines[source->config->stream_count - 1] = node->key_line;
    return 0;
}

/* ---- top level ------------------------------------------------------------------------------------------------------------------- */

static const char *const row_tables[] = { "driver", "shm", "policies" };
static const char *const entry_tables[] = { "profiles", "streams" };
static const char *const foreign_tables[] = { "supervisor", "discovery", "bridge", "rate_limiter", "recorder", "replay" };
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool is_one_of(const tpi_toml_node_t *node, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
    {
        if (is_key(node, names[i])) { return true; }
    }
    return false;
}

static int read_row_table(const tpi_driver_source_t *source, const tpi_toml_node_t *node)
{
    char title[32];
    char prefix[32];
    (void)snprintf(title, sizeof(title), "[%.16s]", node->key);
    (void)snprintf(prefix, sizeof(prefix), "%.16s.", node->key);
    if (need_table(source, node, title) < 0) { return -1; }
    const table_t table = { .source = source, .node = node, .rows = tpi_driver_rows, .row_count = tpi_driver_row_count, .row_prefix = prefix,
        .key_prefix = "", .title = title, .object = source->config };
    return walk(&table);
}

static int read_entry_table(const tpi_driver_source_t *source, const tpi_toml_node_t *node)
{
    if (need_table(source, node, node->key) < 0) { return -1; }
    for (size_t i = 0; i < node->count; i++)
    {
        if ((is_key(node, "profiles") ? read_profile : read_stream)(source, &node->children[i]) < 0) { return -1; }
    }
    return 0;
}

static void warn_of_table(const tpi_driver_source_t *source, const tpi_toml_node_t *node)
{
    char clipped[TPI_CONF_CLIP_MAX];
    char where[TP_CONFIG_PATH_MAX + 32];
    const tpi_conf_place_t place = place_of(source, node, "");
    tpi_conf_place_text(&place, where, sizeof(where));
    tpi_conf_clip(clipped, node->key, node->key_length);
    if (is_one_of(node, foreign_tables, COUNT(foreign_tables)))
    {
        tpi_driver_source_warn(source, TP_ECONF_KEY, "%stable [%s] is not read by the driver", where, clipped);
        return;
    }
    tpi_closest_t closest = TPI_CLOSEST_INIT(node->key);
    for (size_t i = 0; i < COUNT(row_tables); i++) { tpi_closest_offer(&closest, row_tables[i]); }
    for (size_t i = 0; i < COUNT(entry_tables); i++) { tpi_closest_offer(&closest, entry_tables[i]); }
    tpi_driver_source_warn(source, TP_ECONF_KEY, "%sunknown table [%s] is ignored; the nearest known one is [%s]", where, clipped, closest.name);
}

/* A key outside of any table: name the table it belongs to. */
static int refuse_top_key(const tpi_driver_source_t *source, const tpi_toml_node_t *node)
{
    char clipped[TPI_CONF_CLIP_MAX];
    const char *nearest = "";
    size_t distance = (size_t)-1;
    for (size_t i = 0; i < tpi_driver_row_count; i++)
    {
        const char *const last = strchr(tpi_driver_rows[i].key, '.') + 1;
        const size_t to_last = tpi_edit_distance(node->key, last);
        if (to_last < distance) { distance = to_last; nearest = tpi_driver_rows[i].key; }
    }
    (void)refuse(source, node, TP_ECONF_KEY, "unknown key '%s' outside of any table", tpi_conf_clip(clipped, node->key, node->key_length));
    TPI_ERR_FIX("the nearest known key is '%s': write it below [%.*s]", nearest, (int)strcspn(nearest, "."), nearest);
    return -1;
}

static int read_root(const tpi_driver_source_t *source, const tpi_toml_node_t *root)
{
    for (size_t i = 0; i < root->count; i++)
    {
        const tpi_toml_node_t *const node = &root->children[i];
        int rc = 0;
        if (is_one_of(node, row_tables, COUNT(row_tables))) { rc = read_row_table(source, node); }
        else if (is_one_of(node, entry_tables, COUNT(entry_tables))) { rc = read_entry_table(source, node); }
        else if (TPI_TOML_TABLE == node->type || (TPI_TOML_ARRAY == node->type && node->count > 0 && TPI_TOML_TABLE == node->children[0].type))
        {
            warn_of_table(source, node);
        }
        else { rc = refuse_top_key(source, node); }
        if (rc < 0) { return -1; }
    }
    return 0;
}

static int parse(const tpi_driver_source_t *source, const char *text, size_t length, tpi_toml_node_t **root)
{
    tpi_toml_error_t error = { .line = 0 };
    switch (tpi_toml_parse(root, text, length, &error))
    {
        case TPI_TOML_OK: return 0;
        case TPI_TOML_SYNTAX:
        {
            char clipped[sizeof(error.text)];
            size_t i = 0;
            for (; '\0' != error.text[i]; i++) { clipped[i] = (unsigned char)error.text[i] < 0x20 || 0x7f == error.text[i] ? ' ' : error.text[i]; }
            clipped[i] = '\0';
            TPI_SET_ERR(TP_ECONF_SYNTAX, "%.180s:%" PRIu32 ":%" PRIu32 ": %s", source->origins->file, error.line, error.column, clipped);
            return -1;
        }
        default:
            TPI_SET_ERR(TP_ENOMEM, "no memory for the tree of configuration file '%.180s' of %zu bytes", source->origins->file, length);
            return -1;
    }
}

int tpi_driver_source_file(const tpi_driver_source_t *source, const char *file)
{
    char *text = NULL;
    size_t length = 0;
    unsigned mode = 0;
    tpi_toml_node_t *root = NULL;
    (void)snprintf(source->origins->file, sizeof(source->origins->file), "%s", file);
    if (tpi_conf_read_file(file, &text, &length, &mode) < 0) { return -1; }
    int rc = parse(source, text, length, &root);
    tpi_free(text);
    if (rc >= 0) { rc = read_root(source, root); }
    if (rc >= 0 && 0 != (mode & 0044) && '\0' != source->config->shutdown_token[0])
    {
        tpi_driver_source_warn(source, TP_ECONF_RULE,
            "%.180s: policies.shutdown_token can be read by others (mode %03o); chmod 600, or use POLICIES_SHUTDOWN_TOKEN",
            file, mode & 0777);
    }
    tpi_toml_free(root);
    return rc;
}
