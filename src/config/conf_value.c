/* Owns the way from a TOML value or a text into a field, with all checks of a single value. */
#include "config/conf.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <tensor_pool/driver/tp_driver_config.h>

#include "common/err.h"

/* One value on its way: which key, where it stands, how it is shown. */
typedef struct candidate
{
    const tpi_conf_row_t *row;
    const tpi_conf_place_t *place;
    void *object;
    const char *shown;
}
candidate_t;

static char *field(const candidate_t *value) { return (char *)value->object + value->row->offset; }

static int refuse(const candidate_t *value, int code, const char *format, ...) TP_PRINTF(3, 4);

static int refuse(const candidate_t *value, int code, const char *format, ...)
{
    char problem[192];
    char place[256];
    char takes[128];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(problem, sizeof(problem), format, args);
    va_end(args);
    tpi_conf_place_text(value->place, place, sizeof(place));
    TPI_SET_ERR(0 != value->place->code ? value->place->code : code, "%s%s%s = %s %s", place, value->place->table, value->row->key, value->shown,
        problem);
    tpi_conf_describe(value->row, takes, sizeof(takes));
    TPI_ERR_FIX("%s takes %s", value->row->key, takes);
    return -1;
}

static int store_number(const candidate_t *value, uint64_t number)
{
    const tpi_conf_row_t *const row = value->row;
    if (number < row->min || number > row->max)
    {
        return refuse(value, TP_ECONF_RANGE, "is out of range %" PRIu64 "..%" PRIu64, row->min, row->max);
    }
    if (0 != (row->flags & TPI_CONF_POWER_OF_2) && 0 != (number & (number - 1)))
    {
        return refuse(value, TP_ECONF_RULE, "is not a power of two");
    }
    if (0 != (row->flags & TPI_CONF_MULTIPLE_OF_64) && 0 != number % 64)       /* D-191 */
    {
        const uint64_t up = (number + 63) / 64 * 64;
        return refuse(value, TP_ECONF_RULE, "is not a multiple of 64; the next one is %" PRIu64, up > row->max ? up - 64 : up);
    }
    switch (row->type)
    {
        case TPI_CONF_U16: { const uint16_t v = (uint16_t)number; memcpy(field(value), &v, sizeof(v)); break; }
        case TPI_CONF_U64: memcpy(field(value), &number, sizeof(number)); break;
        default: { const uint32_t v = (uint32_t)number; memcpy(field(value), &v, sizeof(v)); break; }
    }
    return 0;
}

static int store_decimal(const candidate_t *value, const char *text)
{
    uint64_t number = 0;
    if ('\0' == *text) { return refuse(value, TP_ECONF_TYPE, "is not a decimal integer"); }
    for (const char *at = text; '\0' != *at; at++)
    {
        if (*at < '0' || *at > '9') { return refuse(value, TP_ECONF_TYPE, "is not a decimal integer"); }
        if (__builtin_mul_overflow(number, 10, &number) || __builtin_add_overflow(number, (uint64_t)(*at - '0'), &number))
        {
            return refuse(value, TP_ECONF_RANGE, "is out of range %" PRIu64 "..%" PRIu64, value->row->min, value->row->max);
        }
    }
    return store_number(value, number);
}

static int store_mode(const candidate_t *value, const char *text)
{
    uint32_t mode = 0;
    const size_t length = strlen(text);
    if (0 == length || length > 8 || length != strspn(text, "01234567")) { return refuse(value, TP_ECONF_TYPE, "is not a string of octal digits"); }
    for (const char *at = text; '\0' != *at; at++) { mode = mode * 8 + (uint32_t)(*at - '0'); }
    if (mode > value->row->max) { return refuse(value, TP_ECONF_RANGE, "is above octal %" PRIo64, value->row->max); }
    memcpy(field(value), &mode, sizeof(mode));
    return 0;
}

static int store_range(const candidate_t *value, const char *text)
{
    tp_id_range_t range;
    if (tpi_conf_parse_range(text, &range.first, &range.last) < 0)
    {
        return refuse(value, TP_ECONF_RANGE, "is no range of ids 1..2147483647 with start <= end");
    }
    memcpy(field(value), &range, sizeof(range));
    return 0;
}

/* Control bytes would break the endpoint file, logs and paths. */
static int check_text(const candidate_t *value, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
    {
        const unsigned char byte = (unsigned char)text[i];
        if (byte < 0x20 || 0x7f == byte) { return refuse(value, TP_ECONF_TYPE, "holds the control byte 0x%02x", (unsigned)byte); }
    }
    if (length >= value->row->size) { return refuse(value, TP_ECONF_RANGE, "has %zu bytes, at most %zu fit", length, value->row->size - 1); }
    return 0;
}

static int store_text(const candidate_t *value, const char *text, size_t length)
{
    if (check_text(value, text, length) < 0) { return -1; }
    if (length < value->row->min) { return refuse(value, TP_ECONF_RANGE, "is empty"); }      /* W-224 */
    memcpy(field(value), text, length);
    field(value)[length] = '\0';
    return 0;
}

static int store_choice(const candidate_t *value, const char *text)
{
    const size_t length = strlen(text);
    for (const char *choice = value->row->choices; NULL != choice; )
    {
        const char *const end = strchr(choice, '|');
        const size_t choice_length = NULL != end ? (size_t)(end - choice) : strlen(choice);
        if (choice_length == length && 0 == memcmp(choice, text, length)) { return store_text(value, text, length); }
        choice = NULL != end ? end + 1 : NULL;
    }
    return refuse(value, TP_ECONF_RANGE, "is none of %s", value->row->choices);
}

int tpi_conf_set_text(const tpi_conf_row_t *row, void *object, const char *text, const tpi_conf_place_t *place)
{
    char clipped[TPI_CONF_CLIP_MAX];
    const candidate_t value = { .row = row, .place = place, .object = object,
        .shown = 0 != (row->flags & TPI_CONF_SECRET) ? "(secret)" : tpi_conf_clip(clipped, text, strlen(text)) };
    switch (row->type)
    {
        case TPI_CONF_TEXT: return store_text(&value, text, strlen(text));
        case TPI_CONF_CHOICE: return store_choice(&value, text);
        case TPI_CONF_MODE: return store_mode(&value, text);
        case TPI_CONF_RANGE: return store_range(&value, text);
        case TPI_CONF_BOOL:
        {
            const bool yes = 0 == strcasecmp(text, "true");
            if (!yes && 0 != strcasecmp(text, "false")) { return refuse(&value, TP_ECONF_TYPE, "is neither true nor false"); }
            memcpy(field(&value), &yes, sizeof(yes));
            return 0;
        }
        case TPI_CONF_TEXTS: return refuse(&value, TP_ECONF_TYPE, "cannot be set this way; use the file");
        default: return store_decimal(&value, text);
    }
}

static int refuse_type(const candidate_t *value, const tpi_toml_node_t *node)
{
    return refuse(value, TP_ECONF_TYPE, "is %s", tpi_toml_type_name(node->type));
}

/* [start, end], or strings each "start-end" or "n" that together are one range without gap. */
static int store_range_array(const candidate_t *value, const tpi_toml_node_t *array)
{
    uint32_t first = 0;
    uint32_t last = 0;
    if (2 == array->count && TPI_TOML_INTEGER == array->children[0].type && TPI_TOML_INTEGER == array->children[1].type)
    {
        char text[48];
        const int64_t from = array->children[0].integer;
        const int64_t to = array->children[1].integer;
        if (from < 1 || to < 1) { return refuse(value, TP_ECONF_RANGE, "is no range of ids 1..2147483647 with start <= end"); }
        (void)snprintf(text, sizeof(text), "%" PRId64 "-%" PRId64, from, to);
        return store_range(value, text);
    }
    for (size_t i = 0; i < array->count; i++)
    {
        uint32_t from = 0;
        uint32_t to = 0;
        const tpi_toml_node_t *const part = &array->children[i];
        if (TPI_TOML_STRING != part->type) { return refuse(value, TP_ECONF_TYPE, "is neither two integers nor strings"); }
        const bool plain = strlen(part->text) == part->text_length && NULL == strchr(part->text, ',');
        if (!plain || tpi_conf_parse_range(part->text, &from, &to) < 0 || 0 == from)
        {
            return refuse(value, TP_ECONF_RANGE, "has an element that is neither \"start-end\" nor \"n\" of ids 1..2147483647");
        }
        if (0 == i) { first = from; last = to; continue; }
        if (from != last + 1) { return refuse(value, TP_ECONF_RANGE, "has a gap or an overlap after %" PRIu32 "; one range of ids is used", last); }
        last = to;
    }
    const tp_id_range_t range = { first, last };
    memcpy(field(value), &range, sizeof(range));
    return 0;
}

static int store_texts(const candidate_t *value, const tpi_toml_node_t *array)
{
    const tpi_conf_row_t *const row = value->row;
    if (array->count < row->min || array->count > row->max)
    {
        return refuse(value, TP_ECONF_RANGE, "has %zu elements, not %" PRIu64 "..%" PRIu64, array->count, row->min, row->max);
    }
    for (size_t i = 0; i < array->count; i++)
    {
        const tpi_toml_node_t *const text = &array->children[i];
        if (TPI_TOML_STRING != text->type) { return refuse(value, TP_ECONF_TYPE, "has an element that is %s", tpi_toml_type_name(text->type)); }
        if (check_text(value, text->text, text->text_length) < 0) { return -1; }
    }
    for (size_t i = 0; i < array->count; i++)
    {
        char *const element = field(value) + i * row->size;
        memcpy(element, array->children[i].text, array->children[i].text_length);
        element[array->children[i].text_length] = '\0';
    }
    const uint32_t count = (uint32_t)array->count;
    memcpy((char *)value->object + row->count_offset, &count, sizeof(count));
    return 0;
}

static void show_node(const tpi_toml_node_t *node, char *buffer, size_t size)
{
    char clipped[TPI_CONF_CLIP_MAX];
    switch (node->type)
    {
        case TPI_TOML_STRING: (void)snprintf(buffer, size, "\"%s\"", tpi_conf_clip(clipped, node->text, node->text_length)); break;
        case TPI_TOML_INTEGER: (void)snprintf(buffer, size, "%" PRId64, node->integer); break;
        case TPI_TOML_FLOAT: (void)snprintf(buffer, size, "%g", node->real); break;
        case TPI_TOML_BOOLEAN: (void)snprintf(buffer, size, "%s", node->boolean ? "true" : "false"); break;
        case TPI_TOML_ARRAY: (void)snprintf(buffer, size, "[...]"); break;
        case TPI_TOML_TABLE: (void)snprintf(buffer, size, "{...}"); break;
        default: (void)snprintf(buffer, size, "(date)"); break;
    }
}

static int store_string(const candidate_t *value, const tpi_toml_node_t *node)
{
    if (strlen(node->text) != node->text_length) { return refuse(value, TP_ECONF_TYPE, "holds the control byte 0x00"); }
    switch (value->row->type)
    {
        case TPI_CONF_TEXT: return store_text(value, node->text, node->text_length);
        case TPI_CONF_CHOICE: return store_choice(value, node->text);
        case TPI_CONF_MODE: return store_mode(value, node->text);
        case TPI_CONF_RANGE: return store_range(value, node->text);
        default: return refuse_type(value, node);
    }
}

static int store_integer(const candidate_t *value, const tpi_toml_node_t *node)
{
    switch (value->row->type)
    {
        case TPI_CONF_U16:
        case TPI_CONF_U32:
        case TPI_CONF_U64:
            if (node->integer >= 0) { return store_number(value, (uint64_t)node->integer); }
            return refuse(value, TP_ECONF_RANGE, "is out of range %" PRIu64 "..%" PRIu64, value->row->min, value->row->max);
        default: return refuse_type(value, node);
    }
}

int tpi_conf_set_node(const tpi_conf_row_t *row, void *object, const tpi_toml_node_t *node, const tpi_conf_place_t *place)
{
    char shown[TPI_CONF_CLIP_MAX + 8];
    show_node(node, shown, sizeof(shown));
    const candidate_t value = { .row = row, .place = place, .object = object, .shown = 0 != (row->flags & TPI_CONF_SECRET) ? "(secret)" : shown };
    if (TPI_TOML_STRING == node->type) { return store_string(&value, node); }
    if (TPI_TOML_INTEGER == node->type) { return store_integer(&value, node); }
    if (TPI_TOML_BOOLEAN == node->type && TPI_CONF_BOOL == row->type)
    {
        memcpy(field(&value), &node->boolean, sizeof(node->boolean));
        return 0;
    }
    if (TPI_TOML_ARRAY == node->type && TPI_CONF_RANGE == row->type) { return store_range_array(&value, node); }
    if (TPI_TOML_ARRAY == node->type && TPI_CONF_TEXTS == row->type) { return store_texts(&value, node); }
    return refuse_type(&value, node);
}
