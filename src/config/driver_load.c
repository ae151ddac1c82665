/* Owns the order of sources and the cross check: defaults, file, environment, settings, tp_driver_config_check. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/closest.h"
#include "common/err.h"
#include "config/driver_sources.h"

void tpi_driver_source_warn(const tpi_driver_source_t *source, int code, const char *format, ...)
{
    if (NULL == source->options->on_warning) { return; }
    char text[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    source->options->on_warning(source->options->clientd, code, text);
}

static void note(const tpi_driver_source_t *source, const tpi_conf_row_t *row, tpi_config_origin_kind_t kind, const char *name)
{
    tpi_config_origin_t *const origin = &source->origins->rows[row - tpi_driver_rows];
    *origin = (tpi_config_origin_t){ .kind = kind };
    (void)snprintf(origin->name, sizeof(origin->name), "%s", name);
}

/* ---- environment (D-186 D-187) --------------------------------------------------------------------------------------------------- */

static const char *lookup(const char *const *environment, const char *name)
{
    const size_t length = strlen(name);
    for (; NULL != *environment; environment++)
    {
        if (0 == strncmp(*environment, name, length) && '=' == (*environment)[length]) { return *environment + length + 1; }
    }
    return NULL;
}

/* A variable of our prefixes that is nearly one of ours is a mistake nobody would notice otherwise. */
static void warn_of_misspelt(const tpi_driver_source_t *source, const char *entry)
{
    if (0 != strncmp(entry, "DRIVER_", 7) && 0 != strncmp(entry, "SHM_", 4) && 0 != strncmp(entry, "POLICIES_", 9)) { return; }
    char name[TPI_CLOSEST_WORD_MAX];
    char known[TPI_CONF_KEY_MAX];
    char nearest[TPI_CONF_KEY_MAX] = "";
    size_t distance = 4;
    const size_t length = strcspn(entry, "=");
    if (length >= sizeof(name)) { return; }
    memcpy(name, entry, length);
    name[length] = '\0';
    for (size_t i = 0; i < tpi_driver_row_count; i++)
    {
        tpi_conf_variable(&tpi_driver_rows[i], known, sizeof(known));
        const size_t to_known = tpi_edit_distance(name, known);
        if (to_known >= distance) { continue; }
        distance = to_known;
        memcpy(nearest, known, sizeof(nearest));
    }
    if (distance > 0 && distance < 4)
    {
        tpi_driver_source_warn(source, TP_ECONF_ENV, "variable %s is not known and ignored; did you mean %s?", name, nearest);
    }
}

static int apply_environment(const tpi_driver_source_t *source)
{
    const char *const *const environment = NULL != source->options->environment ? source->options->environment : (const char *const *)environ;
    for (size_t i = 0; i < tpi_driver_row_count; i++)
    {
        const tpi_conf_row_t *const row = &tpi_driver_rows[i];
        char variable[TPI_CONF_KEY_MAX];
        if (TPI_CONF_TEXTS == row->type) { continue; }
        tpi_conf_variable(row, variable, sizeof(variable));
        const char *name = variable;
        const char *text = lookup(environment, name);
        if (NULL == text && NULL != row->alias)
        {
            name = row->alias;
            text = lookup(environment, name);
        }
        if (NULL == text) { continue; }
        const tpi_conf_place_t place = { .name = name, .code = TP_ECONF_ENV, .table = "" };
        if (tpi_conf_set_text(row, source->config, text, &place) < 0) { return -1; }
        note(source, row, TPI_CONFIG_VARIABLE, name);
    }
    for (const char *const *entry = environment; NULL != *entry; entry++) { warn_of_misspelt(source, *entry); }
    return 0;
}

/* ---- settings -------------------------------------------------------------------------------------------------------------------- */

static int apply_settings(const tpi_driver_source_t *source)
{
    for (size_t i = 0; i < source->options->setting_count; i++)
    {
        const tpi_config_setting_t *const setting = &source->options->settings[i];
        const tpi_conf_row_t *const row = tpi_driver_row(setting->key);
        if (NULL == row)
        {
            tpi_closest_t closest = TPI_CLOSEST_INIT(setting->key);
            char clipped[TPI_CONF_CLIP_MAX];
            for (size_t k = 0; k < tpi_driver_row_count; k++) { tpi_closest_offer(&closest, tpi_driver_rows[k].key); }
            TPI_SET_ERR(TP_EUSAGE, "%s: unknown key '%s'", setting->flag, tpi_conf_clip(clipped, setting->key, strlen(setting->key)));
            TPI_ERR_FIX(tpi_likely_misspelling(setting->key, closest.name) ? "did you mean '%s'?" : "the nearest known key is '%s'", closest.name);
            return -1;
        }
        const tpi_conf_place_t place = { .name = setting->flag, .code = TP_EUSAGE, .table = "" };
        if (tpi_conf_set_text(row, source->config, setting->text, &place) < 0) { return -1; }
        note(source, row, TPI_CONFIG_FLAG, setting->flag);
    }
    return 0;
}

/* ---- cross check ----------------------------------------------------------------------------------------------------------------- */

/* Whether the message starts with that key. */
static bool starts_with_key(const char *message, const char *key)
{
    const size_t length = strlen(key);
    const char next = 0 == strncmp(message, key, length) ? message[length] : 'x';
    return '\0' == next || ' ' == next || '.' == next || ':' == next || ',' == next;
}

static bool starts_with_entry(const char *message, const char *table, const char *name)
{
    char key[TP_CONFIG_NAME_MAX + 16];
    (void)snprintf(key, sizeof(key), "%s.%s", table, name);
    return starts_with_key(message, key);
}

static uint32_t line_of_entry(const tpi_driver_source_t *source, const char *message)
{
    const tp_driver_config_t *const config = source->config;
    size_t longest = 0;
    uint32_t line = 0;
    for (uint32_t i = 0; i < config->profile_count; i++)
    {
        const char *const name = config->profiles[i].name;
        if (strlen(name) <= longest || !starts_with_entry(message, "profiles", name)) { continue; }
        longest = strlen(name);
        line = source->origins->profile_lines[i];
    }
    for (uint32_t i = 0; i < config->stream_count; i++)
    {
        const char *const name = config->streams[i].name;
        if (strlen(name) <= longest || !starts_with_entry(message, "streams", name)) { continue; }
        longest = strlen(name);
        line = source->origins->stream_lines[i];
    }
    return line;
}

/* Says where the key stands that the check complains about: its messages start with the key. */
static void add_place(const tpi_driver_source_t *source)
{
    const char *const message = tp_errmsg();
    const char *const file = source->origins->file;
    char text[TP_CONFIG_PATH_MAX + 64] = "";
    tpi_conf_place_t place = { .file = '\0' != file[0] ? file : NULL, .line = line_of_entry(source, message), .column = 1 };
    for (size_t i = 0; i < tpi_driver_row_count; i++)
    {
        const tpi_config_origin_t *const origin = &source->origins->rows[i];
        if (!starts_with_key(message, tpi_driver_rows[i].key)) { continue; }
        if (TPI_CONFIG_FILE == origin->kind) { place.line = origin->line; place.column = origin->column; }
        if (TPI_CONFIG_VARIABLE == origin->kind || TPI_CONFIG_FLAG == origin->kind) { place.file = NULL; place.name = origin->name; }
    }
    tpi_conf_place_text(&place, text, sizeof(text));
    tpi_err_prefix("%s", text);
}

static int check(const tpi_driver_source_t *source)
{
    if (tp_driver_config_check(source->config) < 0)
    {
        add_place(source);
        return -1;
    }
    if (0 != (source->config->permissions_mode & 0007))                            /* W-245 */
    {
        tpi_driver_source_warn(source, TP_ECONF_RULE, "shm.permissions_mode = %03o lets every user of this host %s the frames",
            (unsigned)source->config->permissions_mode, 0 != (source->config->permissions_mode & 0002) ? "write" : "read");
    }
    return 0;
}

static int add_builtin(const tpi_driver_source_t *source)
{
    tp_driver_config_t *const before = tpi_alloc(sizeof(*before));
    if (NULL == before) { return -1; }
    *before = *source->config;
    const int rc = tp_driver_config_set_builtin(source->config);
    for (size_t i = 0; rc >= 0 && i < tpi_driver_row_count; i++)
    {
        const tpi_conf_row_t *const row = &tpi_driver_rows[i];
        const char *const old = (const char *)before + row->offset;
        const char *const new = (const char *)source->config + row->offset;
        if (TPI_CONF_TEXTS != row->type && 0 != memcmp(old, new, row->size)) { note(source, row, TPI_CONFIG_BUILTIN, ""); }
    }
    tpi_free(before);
    return rc;
}

int tpi_driver_config_load(tp_driver_config_t *config, const char *file, const tpi_driver_config_options_t *options)
{
    static const tpi_driver_config_options_t no_options;
    if (NULL == config)
    {
        TPI_SET_ERR(TP_EINVAL, "config = NULL");
        return -1;
    }
    tp_driver_config_t *const made = tpi_alloc(sizeof(*made));
    tpi_driver_config_origins_t *const origins = tpi_alloc(sizeof(*origins));
    const tpi_driver_source_t source = { .config = made, .options = NULL != options ? options : &no_options, .origins = origins };
    int rc = -1;
    if (NULL == made || NULL == origins) { goto out; }
    tp_driver_config_init(made);
    if ((NULL != file ? tpi_driver_source_file(&source, file) : add_builtin(&source)) < 0 || apply_environment(&source) < 0 ||
        apply_settings(&source) < 0 || check(&source) < 0)
    {
        tp_driver_config_fini(made);
        goto out;
    }
    *config = *made;
    if (NULL != source.options->origins) { *source.options->origins = *origins; }
    rc = 0;
out:
    tpi_free(made);
    tpi_free(origins);
    return rc;
}
