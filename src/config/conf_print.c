#include "config/conf_print.h"

#include <inttypes.h>
#include <string.h>

#define LINE_MAX_COLUMNS 110

static size_t table_length(const tpi_conf_row_t *row) { return strcspn(row->key, "."); }
static const char *last_part(const tpi_conf_row_t *row) { return row->key + table_length(row) + 1; }

/* Whether the row begins another table than the one before it. */
static bool begins_table(const tpi_conf_row_t *rows, size_t i)
{
    return 0 == i || 0 != strncmp(rows[i - 1].key, rows[i].key, table_length(&rows[i]) + 1);
}

static void source_text(const tpi_conf_shown_t *shown, size_t i, char *buffer, size_t size)
{
    const tpi_config_origin_t *const origin = &shown->origins->rows[shown->first_origin + i];
    const tpi_conf_row_t *const row = &shown->rows[i];
    switch (origin->kind)
    {
        case TPI_CONFIG_FILE: (void)snprintf(buffer, size, "%s:%" PRIu32, shown->origins->file, origin->line); break;
        case TPI_CONFIG_VARIABLE:
        case TPI_CONFIG_FLAG: (void)snprintf(buffer, size, "%s", origin->name); break;
        case TPI_CONFIG_BUILTIN: (void)snprintf(buffer, size, "built in: no configuration file"); break;
        case TPI_CONFIG_DRIVER: (void)snprintf(buffer, size, "default: that of the driver"); break;
        default:
            (void)snprintf(buffer, size, 0 != (row->flags & TPI_CONF_DERIVED) ? "default: %s" : "default", row->default_text);
            break;
    }
}

static void value_text(const tpi_conf_shown_t *shown, size_t i, char *buffer, size_t size)
{
    if (NULL != shown->value) { shown->value(shown->object, &shown->rows[i], buffer, size); }
    else { (void)tpi_conf_format(&shown->rows[i], shown->object, buffer, size); }
}

void tpi_conf_entry_source(const tpi_config_origins_t *origins, uint32_t line, char *buffer, size_t size)
{
    if (0 == line) { (void)snprintf(buffer, size, "built in: no configuration file"); }
    else { (void)snprintf(buffer, size, "%s:%" PRIu32, origins->file, line); }
}

void tpi_conf_string_text(const char *text, char *buffer, size_t size)
{
    const tpi_conf_row_t whole = { .type = TPI_CONF_TEXT };
    (void)tpi_conf_format(&whole, text, buffer, size);
}

void tpi_conf_key_text(const char *name, char *buffer, size_t size)
{
    static const char bare[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    if (strspn(name, bare) == strlen(name)) { (void)snprintf(buffer, size, "%s", name); }
    else { tpi_conf_string_text(name, buffer, size); }
}

void tpi_conf_show(FILE *out, const tpi_conf_shown_t *shown)
{
    char value[TPI_CONF_VALUE_MAX];
    char source[TP_CONFIG_PATH_MAX + 128];
    for (size_t i = 0; i < shown->row_count; i++)
    {
        const tpi_conf_row_t *const row = &shown->rows[i];
        if (begins_table(shown->rows, i)) { fprintf(out, "%s[%.*s]\n", 0 == i ? "" : "\n", (int)table_length(row), row->key); }
        value_text(shown, i, value, sizeof(value));
        source_text(shown, i, source, sizeof(source));
        /* What cannot stand in a file as it is shown: a secret, and ids and names that are not there. */
        const bool none = 0 == strcmp(value, "\"\"") || 0 == strcmp(value, "0");
        const bool comment = 0 != (row->flags & TPI_CONF_SECRET) || (0 != (row->flags & TPI_CONF_DERIVED) && none);
        fprintf(out, "%s%-30s = %-28s # %s\n", comment ? "# " : "", last_part(row), value, source);
    }
}

void tpi_conf_foreach(const tpi_conf_shown_t *shown, tpi_config_on_value_t handler, void *clientd)
{
    char value[TPI_CONF_VALUE_MAX];
    char source[TP_CONFIG_PATH_MAX + 128];
    for (size_t i = 0; i < shown->row_count; i++)
    {
        value_text(shown, i, value, sizeof(value));
        source_text(shown, i, source, sizeof(source));
        handler(clientd, shown->rows[i].key, value, source);
    }
}

void tpi_conf_foreach_entry(const tpi_conf_row_t *rows, size_t count, const void *object, const char *prefix, const char *source,
    tpi_config_on_value_t handler, void *clientd)
{
    char key[TP_CONFIG_NAME_MAX + TPI_CONF_KEY_MAX + 64];
    char value[TPI_CONF_SHOWN_MAX];
    for (size_t i = 0; i < count; i++)
    {
        (void)snprintf(key, sizeof(key), "%s.%s", prefix, rows[i].key);
        (void)tpi_conf_format(&rows[i], object, value, sizeof(value));
        handler(clientd, key, value, source);
    }
}

/* ---- example and help ------------------------------------------------------------------------------------------------------------ */

/* Text broken at blanks, each line after the prefix. */
static void print_wrapped(FILE *out, const char *prefix, const char *text)
{
    const size_t room = LINE_MAX_COLUMNS - strlen(prefix);
    while ('\0' != *text)
    {
        size_t length = strlen(text);
        if (length > room)
        {
            length = room;
            while (length > 0 && ' ' != text[length]) { length--; }
            if (0 == length) { length = strcspn(text, " "); }
        }
        fprintf(out, "%s%.*s\n", prefix, (int)length, text);
        text += length;
        while (' ' == *text) { text++; }
    }
}

static const char *value_set(const tpi_conf_set_t *set, const tpi_conf_row_t *row)
{
    for (; NULL != set->key; set++)
    {
        if (0 == strcmp(set->key, row->key)) { return set->value; }
    }
    return NULL;
}

void tpi_conf_example(FILE *out, const tpi_conf_row_t *rows, size_t count, const tpi_conf_set_t *set,
    const char *(*derived)(const tpi_conf_row_t *row))
{
    for (size_t i = 0; i < count; i++)
    {
        const tpi_conf_row_t *const row = &rows[i];
        const char *const value = value_set(set, row);
        const bool is_derived = 0 != (row->flags & TPI_CONF_DERIVED);
        char takes[160];
        char doc[600];
        if (begins_table(rows, i)) { fprintf(out, "\n[%.*s]\n", (int)table_length(row), row->key); }
        tpi_conf_describe(row, takes, sizeof(takes));
        if (is_derived) { (void)snprintf(doc, sizeof(doc), "%s; %s; default: %s", row->doc, takes, row->default_text); }
        else { (void)snprintf(doc, sizeof(doc), "%s; %s", row->doc, takes); }
        print_wrapped(out, "# ", doc);
        fprintf(out, "%s%s = %s\n", NULL != value ? "" : "#", last_part(row), NULL != value ? value : is_derived ? derived(row) : row->default_text);
    }
}

void tpi_conf_help(FILE *out, const tpi_conf_row_t *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
    {
        const tpi_conf_row_t *const row = &rows[i];
        char takes[160];
        tpi_conf_describe(row, takes, sizeof(takes));
        fprintf(out, "  %s = %s (%s)\n", row->key, row->default_text, takes);
        print_wrapped(out, "      ", row->doc);
    }
}

/* ---- reference page -------------------------------------------------------------------------------------------------------------- */

/* '|' would end a cell. */
static void print_cell(FILE *out, const char *text)
{
    for (; '\0' != *text; text++)
    {
        if ('|' == *text) { (void)fputc('\\', out); }
        (void)fputc(*text, out);
    }
}

static void print_reference_row(FILE *out, const tpi_conf_row_t *row, bool with_variable, bool restart)
{
    char takes[160];
    char variable[TPI_CONF_KEY_MAX] = "-";
    tpi_conf_describe(row, takes, sizeof(takes));
    fprintf(out, "| `%s` | ", row->key);
    print_cell(out, takes);
    const bool words = 0 != (row->flags & TPI_CONF_DERIVED) || (NULL != row->default_text && 0 == strncmp(row->default_text, "not ", 4));
    if (NULL == row->default_text) { fprintf(out, " | required"); }
    else if (words) { fprintf(out, " | %s", row->default_text); }
    else { fprintf(out, " | `%s`", row->default_text); }
    if (with_variable)
    {
        if (TPI_CONF_TEXTS != row->type) { tpi_conf_variable(row, variable, sizeof(variable)); }
        fprintf(out, " | %s%s%s", variable, NULL != row->alias ? ", else " : "", NULL != row->alias ? row->alias : "");
    }
    fprintf(out, " | ");
    print_cell(out, row->doc);
    fprintf(out, "%s%s |\n", 0 != (row->flags & TPI_CONF_LOCAL) ? " (key of this implementation)" : "", restart ? "; *restart*" : "");
}

void tpi_conf_reference_entry(FILE *out, const char *title, const tpi_conf_row_t *rows, size_t count)
{
    fprintf(out, "\n## %s\n\n| Key | Takes | Default | Meaning |\n| --- | --- | --- | --- |\n", title);
    for (size_t i = 0; i < count; i++) { print_reference_row(out, &rows[i], false, false); }
}

void tpi_conf_reference(FILE *out, const tpi_conf_row_t *rows, size_t count, bool (*needs_restart)(const tpi_conf_row_t *row))
{
    for (size_t i = 0; i < count; i++)
    {
        if (begins_table(rows, i))
        {
            fprintf(out, "\n## [%.*s]\n\n| Key | Takes | Default | Variable | Meaning |\n| --- | --- | --- | --- | --- |\n",
                (int)table_length(&rows[i]), rows[i].key);
        }
        print_reference_row(out, &rows[i], true, NULL != needs_restart && needs_restart(&rows[i]));
    }
}
