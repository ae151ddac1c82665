/* Owns the sources beside the file: environment, settings; and where the keys stand that a check complains about. */
#include "config/source.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/closest.h"

void tpi_conf_warn(const tpi_conf_source_t *source, int code, const char *format, ...)
{
    if (NULL == source->options->on_warning) { return; }
    char text[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    source->options->on_warning(source->options->clientd, code, text);
}

tpi_config_origin_t *tpi_conf_origin(const tpi_conf_source_t *source, const tpi_conf_section_t *section, const tpi_conf_row_t *row)
{
    return &source->origins->rows[section->first_origin + (size_t)(row - section->rows)];
}

static void note(const tpi_conf_source_t *source, const tpi_conf_section_t *section, const tpi_conf_row_t *row, tpi_config_origin_kind_t kind,
    const char *name)
{
    tpi_config_origin_t *const origin = tpi_conf_origin(source, section, row);
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

/* The variable begins with the name of a table of ours, as DRIVER_. */
static bool has_our_prefix(const tpi_conf_source_t *source, const char *entry)
{
    char variable[TPI_CONF_KEY_MAX];
    for (size_t i = 0; i < source->section_count; i++)
    {
        for (size_t k = 0; k < source->sections[i].row_count; k++)
        {
            tpi_conf_variable(&source->sections[i].rows[k], variable, sizeof(variable));
            if (0 == strncmp(entry, variable, strcspn(source->sections[i].rows[k].key, ".") + 1)) { return true; }
        }
    }
    return false;
}

static void nearest_variable(const tpi_conf_row_t *rows, size_t count, const char *name, size_t *distance, char nearest[TPI_CONF_KEY_MAX])
{
    char known[TPI_CONF_KEY_MAX];
    for (size_t i = 0; i < count; i++)
    {
        tpi_conf_variable(&rows[i], known, sizeof(known));
        const size_t to_known = tpi_edit_distance(name, known);
        if (to_known >= *distance) { continue; }
        *distance = to_known;
        memcpy(nearest, known, sizeof(known));
    }
}

/* A variable of our prefixes that is nearly one of ours is a mistake nobody would notice otherwise. */
static void warn_of_misspelt(const tpi_conf_source_t *source, const char *entry)
{
    char name[TPI_CLOSEST_WORD_MAX];
    char nearest[TPI_CONF_KEY_MAX] = "";
    size_t distance = 4;
    const size_t length = strcspn(entry, "=");
    if (length >= sizeof(name) || !has_our_prefix(source, entry)) { return; }
    memcpy(name, entry, length);
    name[length] = '\0';
    for (size_t i = 0; i < source->section_count; i++)
    {
        const tpi_conf_section_t *const section = &source->sections[i];
        nearest_variable(section->rows, section->row_count, name, &distance, nearest);
        nearest_variable(section->others, section->other_count, name, &distance, nearest);
    }
    if (distance > 0 && distance < 4)
    {
        tpi_conf_warn(source, TP_ECONF_ENV, "variable %s is not known and ignored; did you mean %s?", name, nearest);
    }
}

static int apply_variable(const tpi_conf_source_t *source, const tpi_conf_section_t *section, const tpi_conf_row_t *row,
    const char *const *environment)
{
    char variable[TPI_CONF_KEY_MAX];
    if (TPI_CONF_TEXTS == row->type) { return 0; }
    tpi_conf_variable(row, variable, sizeof(variable));
    const char *name = variable;
    const char *text = lookup(environment, name);
    if (NULL == text && NULL != row->alias)
    {
        name = row->alias;
        text = lookup(environment, name);
    }
    if (NULL == text) { return 0; }
    const tpi_conf_place_t place = { .name = name, .code = TP_ECONF_ENV, .table = "" };
    if (tpi_conf_set_text(row, section->object, text, &place) < 0) { return -1; }
    note(source, section, row, TPI_CONFIG_VARIABLE, name);
    return 0;
}

int tpi_conf_apply_environment(const tpi_conf_source_t *source)
{
    const char *const *const environment = NULL != source->options->environment ? source->options->environment : (const char *const *)environ;
    for (size_t i = 0; i < source->section_count; i++)
    {
        const tpi_conf_section_t *const section = &source->sections[i];
        if (NULL != section->present && !*section->present) { continue; }
        for (size_t k = 0; k < section->row_count; k++)
        {
            if (apply_variable(source, section, &section->rows[k], environment) < 0) { return -1; }
        }
    }
    for (const char *const *entry = environment; NULL != *entry; entry++) { warn_of_misspelt(source, *entry); }
    return 0;
}

/* ---- settings -------------------------------------------------------------------------------------------------------------------- */

static int refuse_setting(const tpi_conf_source_t *source, const tpi_config_setting_t *setting)
{
    tpi_closest_t closest = TPI_CLOSEST_INIT(setting->key);
    char clipped[TPI_CONF_CLIP_MAX];
    for (size_t i = 0; i < source->section_count; i++)
    {
        const tpi_conf_section_t *const section = &source->sections[i];
        for (size_t k = 0; k < section->row_count; k++) { tpi_closest_offer(&closest, section->rows[k].key); }
    }
    TPI_SET_ERR(TP_EUSAGE, "%s: unknown key '%s'", setting->flag, tpi_conf_clip(clipped, setting->key, strlen(setting->key)));
    TPI_ERR_FIX(tpi_likely_misspelling(setting->key, closest.name) ? "did you mean '%s'?" : "the nearest known key is '%s'", closest.name);
    return -1;
}

static int apply_setting(const tpi_conf_source_t *source, const tpi_config_setting_t *setting)
{
    for (size_t i = 0; i < source->section_count; i++)
    {
        const tpi_conf_section_t *const section = &source->sections[i];
        for (size_t k = 0; k < section->row_count; k++)
        {
            const tpi_conf_row_t *const row = &section->rows[k];
            if (0 != strcmp(row->key, setting->key)) { continue; }
            const tpi_conf_place_t place = { .name = setting->flag, .code = TP_EUSAGE, .table = "" };
            if (tpi_conf_set_text(row, section->object, setting->text, &place) < 0) { return -1; }
            note(source, section, row, TPI_CONFIG_FLAG, setting->flag);
            if (NULL != section->present) { *section->present = true; }
            return 0;
        }
    }
    return refuse_setting(source, setting);
}

int tpi_conf_apply_settings(const tpi_conf_source_t *source)
{
    for (size_t i = 0; i < source->options->setting_count; i++)
    {
        if (apply_setting(source, &source->options->settings[i]) < 0) { return -1; }
    }
    return 0;
}

/* ---- places of errors ------------------------------------------------------------------------------------------------------------ */

/* Whether the message starts with that key. */
static bool starts_with_key(const char *message, const char *key)
{
    const size_t length = strlen(key);
    const char next = 0 == strncmp(message, key, length) ? message[length] : 'x';
    return '\0' == next || ' ' == next || '.' == next || ':' == next || ',' == next;
}

void tpi_conf_add_place(const tpi_conf_source_t *source, uint32_t line)
{
    const char *const message = tp_errmsg();
    const char *const file = source->origins->file;
    char text[TP_CONFIG_PATH_MAX + 64] = "";
    tpi_conf_place_t place = { .file = '\0' != file[0] ? file : NULL, .line = line, .column = 1 };
    for (size_t i = 0; i < source->section_count; i++)
    {
        const tpi_conf_section_t *const section = &source->sections[i];
        for (size_t k = 0; k < section->row_count; k++)
        {
            const tpi_config_origin_t *const origin = tpi_conf_origin(source, section, &section->rows[k]);
            if (!starts_with_key(message, section->rows[k].key)) { continue; }
            if (TPI_CONFIG_FILE == origin->kind) { place.line = origin->line; place.column = origin->column; }
            if (TPI_CONFIG_VARIABLE == origin->kind || TPI_CONFIG_FLAG == origin->kind) { place.file = NULL; place.name = origin->name; }
        }
    }
    tpi_conf_place_text(&place, text, sizeof(text));
    tpi_err_prefix("%s", text);
}
