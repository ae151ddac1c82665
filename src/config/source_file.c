/*
 * Owns the walk through a TOML file. Keys of known tables must be known (D-208); tables nobody knows only warn, because a file may serve several
 * programs.
 */
#include <inttypes.h>
#include <string.h>

#include "common/alloc.h"
#include "common/closest.h"
#include "config/source.h"

static tpi_conf_place_t place_of(const tpi_conf_source_t *source, const tpi_toml_node_t *node, const char *table)
{
    return (tpi_conf_place_t){ .file = source->origins->file, .line = node->key_line, .column = node->key_column, .table = table };
}

int tpi_conf_refuse(const tpi_conf_source_t *source, const tpi_toml_node_t *node, int code, const char *format, ...)
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

int tpi_conf_need_table(const tpi_conf_source_t *source, const tpi_toml_node_t *node, const char *key)
{
    if (TPI_TOML_TABLE == node->type) { return 0; }
    return tpi_conf_refuse(source, node, TP_ECONF_TYPE, "%s is %s, not a table", key, tpi_toml_type_name(node->type));
}

int tpi_conf_check_name(const tpi_conf_source_t *source, const tpi_toml_node_t *node, const char *kind, size_t max)
{
    char clipped[TPI_CONF_CLIP_MAX];
    bool printable = node->key_length > 0;
    for (size_t i = 0; i < node->key_length; i++) { printable = printable && (unsigned char)node->key[i] >= 0x20 && 0x7f != node->key[i]; }
    if (printable && node->key_length <= max) { return 0; }
    return tpi_conf_refuse(source, node, TP_ECONF_RANGE, "%s name '%s' of %zu bytes is not 1..%zu bytes without control bytes", kind,
        tpi_conf_clip(clipped, node->key, node->key_length), node->key_length, max);
}

/* ---- the keys of one table ---- */

/* Rows of a table: all of an entry's, or those of a section whose keys begin with prefix. */
typedef struct walk
{
    const tpi_conf_source_t *source;
    const tpi_conf_table_t *table;
    const char *row_prefix;           /* "driver.", or "" */
    const tpi_conf_section_t *section;/* NULL for an entry */
}
walk_t;

static const tpi_conf_row_t *find(const tpi_conf_row_t *rows, size_t count, const char *row_prefix, const tpi_toml_node_t *node)
{
    const size_t prefix = strlen(row_prefix);
    for (size_t i = 0; i < count; i++)
    {
        if (0 == strncmp(rows[i].key, row_prefix, prefix) && is_key(node, rows[i].key + prefix)) { return &rows[i]; }
    }
    return NULL;
}

static void offer(tpi_closest_t *closest, const tpi_conf_row_t *rows, size_t count, const char *row_prefix)
{
    const size_t prefix = strlen(row_prefix);
    for (size_t i = 0; i < count; i++)
    {
        if (0 == strncmp(rows[i].key, row_prefix, prefix)) { tpi_closest_offer(closest, rows[i].key + prefix); }
    }
}

/* The reader of a key of a section's table, or of a table at the top. */
static const tpi_conf_reader_t *find_reader(const tpi_conf_section_t *section, const char *row_prefix, const tpi_toml_node_t *node)
{
    for (size_t i = 0; NULL != section && i < section->reader_count; i++)
    {
        const tpi_conf_reader_t *const reader = &section->readers[i];
        const size_t length = strlen(reader->table);
        const bool here = 0 == strncmp(reader->table, row_prefix, length) && (0 == length ? '\0' == row_prefix[0] : '.' == row_prefix[length]);
        if (here && is_key(node, reader->key)) { return reader; }
    }
    return NULL;
}

static int refuse_key(const walk_t *walk, const tpi_toml_node_t *node)
{
    const tpi_conf_table_t *const table = walk->table;
    tpi_closest_t closest = TPI_CLOSEST_INIT(node->key);
    char clipped[TPI_CONF_CLIP_MAX];
    offer(&closest, table->rows, table->row_count, walk->row_prefix);
    if (NULL != table->other_key) { tpi_closest_offer(&closest, table->other_key); }
    for (size_t i = 0; NULL != walk->section && i < walk->section->reader_count; i++)
    {
        if ('\0' != walk->section->readers[i].table[0]) { tpi_closest_offer(&closest, walk->section->readers[i].key); }
    }
    (void)tpi_conf_refuse(walk->source, node, TP_ECONF_KEY, "unknown key '%s' in %s", tpi_conf_clip(clipped, node->key, node->key_length),
        table->title);
    if (NULL != closest.name)
    {
        TPI_ERR_FIX(tpi_likely_misspelling(node->key, closest.name) ? "did you mean '%s'?" : "the nearest known key is '%s'", closest.name);
    }
    return -1;
}

static int read_keys(const walk_t *walk);

/* A table below a table, whose keys are rows, too: supervisor.health. 1 = it is none. */
static int read_inner(const walk_t *walk, const tpi_toml_node_t *node)
{
    char prefix[TPI_CONF_KEY_MAX];
    char title[TPI_CONF_KEY_MAX];
    if (NULL == walk->section || TPI_TOML_TABLE != node->type || node->key_length > 32) { return 1; }
    (void)snprintf(prefix, sizeof(prefix), "%s%s.", walk->row_prefix, node->key);
    (void)snprintf(title, sizeof(title), "[%s%s]", walk->row_prefix, node->key);
    for (size_t i = 0; i < walk->table->row_count; i++)
    {
        if (0 != strncmp(walk->table->rows[i].key, prefix, strlen(prefix))) { continue; }
        tpi_conf_table_t inner = *walk->table;
        inner.node = node;
        inner.title = title;
        const walk_t below = { .source = walk->source, .table = &inner, .row_prefix = prefix, .section = walk->section };
        return read_keys(&below);
    }
    return 1;
}

static int read_key(const walk_t *walk, const tpi_toml_node_t *node)
{
    const tpi_conf_table_t *const table = walk->table;
    const tpi_conf_section_t *const section = walk->section;
    if (NULL != table->other_key && is_key(node, table->other_key)) { return 0; }
    const tpi_conf_reader_t *const reader = find_reader(section, walk->row_prefix, node);
    if (NULL != reader) { return reader->read(walk->source, node, reader->object); }
    const tpi_conf_row_t *const row = find(table->rows, table->row_count, walk->row_prefix, node);
    const int inner = NULL == row ? read_inner(walk, node) : 1;
    if (inner <= 0) { return inner; }
    if (NULL == row && NULL != section && NULL != find(section->others, section->other_count, walk->row_prefix, node)) { return 0; }
    if (NULL == row) { return refuse_key(walk, node); }                             /* D-208 */
    const tpi_conf_place_t place = place_of(walk->source, node, table->key_prefix);
    if (tpi_conf_set_node(row, table->object, node, &place) < 0) { return -1; }
    if (NULL != section)
    {
        *tpi_conf_origin(walk->source, section, row) =
            (tpi_config_origin_t){ .kind = TPI_CONFIG_FILE, .line = node->key_line, .column = node->key_column };
    }
    return 0;
}

static int read_keys(const walk_t *walk)
{
    for (size_t i = 0; i < walk->table->node->count; i++)
    {
        if (read_key(walk, &walk->table->node->children[i]) < 0) { return -1; }
    }
    return 0;
}

int tpi_conf_read_table(const tpi_conf_source_t *source, const tpi_conf_table_t *table)
{
    const walk_t walk = { .source = source, .table = table, .row_prefix = "" };
    if (read_keys(&walk) < 0) { return -1; }
    for (size_t i = 0; i < table->row_count; i++)
    {
        const tpi_conf_row_t *const row = &table->rows[i];
        if (0 == (row->flags & TPI_CONF_REQUIRED) || NULL != tpi_toml_get(table->node, row->key)) { continue; }
        return tpi_conf_refuse(source, table->node, TP_ECONF_RULE, "%s%s is missing", table->key_prefix, row->key);
    }
    return 0;
}

/* ---- the whole file ---- */

static const char *const foreign_tables[] = { "driver", "shm", "policies", "profiles", "streams", "supervisor", "discovery", "bridge",
    "rate_limiter", "recorder", "replay" };
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static size_t table_length(const tpi_conf_row_t *row) { return strcspn(row->key, "."); }

static const tpi_conf_section_t *find_section(const tpi_conf_source_t *source, const tpi_toml_node_t *node)
{
    for (size_t i = 0; i < source->section_count; i++)
    {
        const tpi_conf_section_t *const section = &source->sections[i];
        for (size_t k = 0; k < section->row_count; k++)
        {
            const tpi_conf_row_t *const row = &section->rows[k];
            if (table_length(row) == node->key_length && 0 == memcmp(row->key, node->key, node->key_length)) { return section; }
        }
    }
    return NULL;
}

static int read_section(const tpi_conf_source_t *source, const tpi_conf_section_t *section, const tpi_toml_node_t *node)
{
    char title[32];
    char prefix[32];
    (void)snprintf(title, sizeof(title), "[%.16s]", node->key);
    (void)snprintf(prefix, sizeof(prefix), "%.16s.", node->key);
    if (tpi_conf_need_table(source, node, title) < 0) { return -1; }
    if (NULL != section->present) { *section->present = true; }                     /* S-063 */
    const tpi_conf_table_t table = { .node = node, .rows = section->rows, .row_count = section->row_count, .key_prefix = "", .title = title,
        .object = section->object };
    const walk_t walk = { .source = source, .table = &table, .row_prefix = prefix, .section = section };
    return read_keys(&walk);
}

/* The tables that are read here, for "the nearest known one". */
static void offer_tables(const tpi_conf_source_t *source, tpi_closest_t *closest)
{
    static const char *const tables[] = { "driver", "shm", "policies", "supervisor", "discovery" };
    for (size_t i = 0; i < COUNT(tables); i++)
    {
        const tpi_toml_node_t named = { .key = (char *)(uintptr_t)tables[i], .key_length = strlen(tables[i]) };
        if (NULL != find_section(source, &named)) { tpi_closest_offer(closest, tables[i]); }
    }
    for (size_t i = 0; i < source->section_count; i++)
    {
        for (size_t k = 0; k < source->sections[i].reader_count; k++)
        {
            if ('\0' == source->sections[i].readers[k].table[0]) { tpi_closest_offer(closest, source->sections[i].readers[k].key); }
        }
    }
}

static void warn_of_table(const tpi_conf_source_t *source, const tpi_toml_node_t *node)
{
    char clipped[TPI_CONF_CLIP_MAX];
    char where[TP_CONFIG_PATH_MAX + 32];
    const tpi_conf_place_t place = place_of(source, node, "");
    tpi_conf_place_text(&place, where, sizeof(where));
    tpi_conf_clip(clipped, node->key, node->key_length);
    for (size_t i = 0; i < COUNT(foreign_tables); i++)
    {
        if (!is_key(node, foreign_tables[i])) { continue; }
        if (NULL != source->reader) { tpi_conf_warn(source, TP_ECONF_KEY, "%stable [%s] is not read by %s", where, clipped, source->reader); }
        return;
    }
    tpi_closest_t closest = TPI_CLOSEST_INIT(node->key);
    offer_tables(source, &closest);
    tpi_conf_warn(source, TP_ECONF_KEY, "%sunknown table [%s] is ignored; the nearest known one is [%s]", where, clipped, closest.name);
}

/* A key outside of any table: name the table it belongs to. */
static int refuse_top_key(const tpi_conf_source_t *source, const tpi_toml_node_t *node)
{
    char clipped[TPI_CONF_CLIP_MAX];
    const char *nearest = "";
    size_t distance = (size_t)-1;
    for (size_t i = 0; i < source->section_count; i++)
    {
        for (size_t k = 0; k < source->sections[i].row_count; k++)
        {
            const char *const key = source->sections[i].rows[k].key;
            const size_t to_last = tpi_edit_distance(node->key, strchr(key, '.') + 1);
            if (to_last < distance) { distance = to_last; nearest = key; }
        }
    }
    (void)tpi_conf_refuse(source, node, TP_ECONF_KEY, "unknown key '%s' outside of any table",
        tpi_conf_clip(clipped, node->key, node->key_length));
    TPI_ERR_FIX("the nearest known key is '%s': write it below [%.*s]", nearest, (int)strcspn(nearest, "."), nearest);
    return -1;
}

static int read_top(const tpi_conf_source_t *source, const tpi_toml_node_t *node)
{
    const tpi_conf_section_t *const section = find_section(source, node);
    if (NULL != section) { return read_section(source, section, node); }
    for (size_t i = 0; i < source->section_count; i++)
    {
        const tpi_conf_reader_t *const reader = find_reader(&source->sections[i], "", node);
        if (NULL != reader) { return reader->read(source, node, reader->object); }
    }
    if (TPI_TOML_TABLE == node->type || (TPI_TOML_ARRAY == node->type && node->count > 0 && TPI_TOML_TABLE == node->children[0].type))
    {
        warn_of_table(source, node);
        return 0;
    }
    return refuse_top_key(source, node);
}

static int parse(const tpi_conf_source_t *source, const char *text, size_t length, tpi_toml_node_t **root)
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

int tpi_conf_apply_file(const tpi_conf_source_t *source, const char *file, unsigned *mode)
{
    char *text = NULL;
    size_t length = 0;
    tpi_toml_node_t *root = NULL;
    (void)snprintf(source->origins->file, sizeof(source->origins->file), "%s", file);
    if (tpi_conf_read_file(file, &text, &length, mode) < 0) { return -1; }
    int rc = parse(source, text, length, &root);
    tpi_free(text);
    for (size_t i = 0; rc >= 0 && i < root->count; i++) { rc = read_top(source, &root->children[i]); }
    tpi_toml_free(root);
    return rc;
}

tpi_config_kind_t tpi_config_kind_of(const char *file)
{
    char *text = NULL;
    size_t length = 0;
    unsigned mode = 0;
    tpi_toml_node_t *root = NULL;
    tpi_toml_error_t error;
    tpi_config_kind_t kind = TPI_CONFIG_OF_DRIVER;
    if (tpi_conf_read_file(file, &text, &length, &mode) < 0) { return kind; }
    if (TPI_TOML_OK == tpi_toml_parse(&root, text, length, &error) && NULL == tpi_toml_get(root, "profiles"))
    {
        for (size_t i = 0; TPI_CONFIG_OF_DRIVER == kind && i < root->count; i++)
        {
            if (is_key(&root->children[i], "supervisor")) { kind = TPI_CONFIG_OF_SUPERVISOR; }
            if (is_key(&root->children[i], "discovery")) { kind = TPI_CONFIG_OF_DISCOVERY; }
            if (is_key(&root->children[i], "join")) { kind = TPI_CONFIG_OF_JOIN; }
        }
    }
    tpi_toml_free(root);
    tpi_free(text);
    return kind;
}
