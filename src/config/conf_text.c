/* Owns how values, bounds and places read. */
#include "config/conf.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <tensor_pool/driver/tp_driver_config.h>

const char *tpi_conf_clip(char buffer[TPI_CONF_CLIP_MAX], const char *text, size_t length)
{
    const size_t kept = length > 64 ? 64 : length;
    for (size_t i = 0; i < kept; i++)
    {
        const unsigned char byte = (unsigned char)text[i];
        buffer[i] = byte < 0x20 || 0x7f == byte ? '?' : text[i];
    }
    memcpy(buffer + kept, length > kept ? "..." : "", length > kept ? 4 : 1);
    return buffer;
}

void tpi_conf_place_text(const tpi_conf_place_t *place, char *buffer, size_t size)
{
    buffer[0] = '\0';
    if (NULL != place->file && 0 != place->line)
    {
        (void)snprintf(buffer, size, "%.180s:%" PRIu32 ":%" PRIu32 ": ", place->file, place->line, place->column);
    }
    else if (NULL != place->file) { (void)snprintf(buffer, size, "%.180s: ", place->file); }
    else if (NULL != place->name) { (void)snprintf(buffer, size, "%s: ", place->name); }
}

void tpi_conf_variable(const tpi_conf_row_t *row, char *buffer, size_t size)
{
    size_t i = 0;
    for (; '\0' != row->key[i] && i + 1 < size; i++) { buffer[i] = '.' == row->key[i] ? '_' : (char)toupper((unsigned char)row->key[i]); }
    buffer[i] = '\0';
}

void tpi_conf_describe(const tpi_conf_row_t *row, char *buffer, size_t size)
{
    const char *const extra = 0 != (row->flags & TPI_CONF_POWER_OF_2) ? ", a power of two" :
        0 != (row->flags & TPI_CONF_MULTIPLE_OF_64) ? ", a multiple of 64" : "";
    switch (row->type)
    {
        case TPI_CONF_TEXT: (void)snprintf(buffer, size, "a string of %s %zu bytes", 0 == row->min ? "at most" : "1 to", row->size - 1); break;
        case TPI_CONF_CHOICE: (void)snprintf(buffer, size, "one of %s", row->choices); break;
        case TPI_CONF_BOOL: (void)snprintf(buffer, size, "true or false"); break;
        case TPI_CONF_MODE: (void)snprintf(buffer, size, "a string of octal digits up to \"777\", such as \"660\""); break;
        case TPI_CONF_RANGE: (void)snprintf(buffer, size, "\"start-end\", \"n\" or [start, end] of ids 1..2147483647"); break;
        case TPI_CONF_TEXTS: (void)snprintf(buffer, size, "an array of %" PRIu64 " to %" PRIu64 " strings", row->min, row->max); break;
        default:
            if (row->min == row->max) { (void)snprintf(buffer, size, "%" PRIu64 " only", row->min); }
            else { (void)snprintf(buffer, size, "an integer %" PRIu64 "..%" PRIu64 "%s", row->min, row->max, extra); }
            break;
    }
}

/* A TOML basic string. Fields hold no control bytes (conf_value.c), but a hand-filled configuration may. */
static size_t quote(const char *text, char *buffer, size_t size)
{
    size_t used = 0;
    if (used + 1 < size) { buffer[used++] = '"'; }
    for (; '\0' != *text && used + 8 < size; text++)
    {
        const unsigned char byte = (unsigned char)*text;
        if ('"' == byte || '\\' == byte) { buffer[used++] = '\\'; buffer[used++] = *text; }
        else if (byte < 0x20 || 0x7f == byte) { used += (size_t)snprintf(buffer + used, size - used, "\\u%04x", byte); }
        else { buffer[used++] = *text; }
    }
    if (used + 1 < size) { buffer[used++] = '"'; }
    buffer[used] = '\0';
    return used;
}

static size_t format_texts(const tpi_conf_row_t *row, const char *at, uint32_t count, char *buffer, size_t size)
{
    size_t used = (size_t)snprintf(buffer, size, "[");
    for (uint32_t i = 0; i < count && used + 4 < size; i++)
    {
        used += (size_t)snprintf(buffer + used, size - used, "%s", 0 == i ? "" : ", ");
        used += quote(at + i * row->size, buffer + used, size - used - 2);
    }
    return used + (size_t)snprintf(buffer + used, size - used, "]");
}

size_t tpi_conf_format(const tpi_conf_row_t *row, const void *object, char *buffer, size_t size)
{
    const char *const at = (const char *)object + row->offset;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;
    bool yes;
    tp_id_range_t range;
    if (0 != (row->flags & TPI_CONF_SECRET)) { return (size_t)snprintf(buffer, size, "%s", '\0' != *at ? "\"(set)\"" : "\"\""); }
    switch (row->type)
    {
        case TPI_CONF_BOOL: memcpy(&yes, at, sizeof(yes)); return (size_t)snprintf(buffer, size, "%s", yes ? "true" : "false");
        case TPI_CONF_U16: memcpy(&u16, at, sizeof(u16)); return (size_t)snprintf(buffer, size, "%" PRIu16, u16);
        case TPI_CONF_U32: memcpy(&u32, at, sizeof(u32)); return (size_t)snprintf(buffer, size, "%" PRIu32, u32);
        case TPI_CONF_U64: memcpy(&u64, at, sizeof(u64)); return (size_t)snprintf(buffer, size, "%" PRIu64, u64);
        case TPI_CONF_MODE: memcpy(&u32, at, sizeof(u32)); return (size_t)snprintf(buffer, size, "\"%" PRIo32 "\"", u32);
        case TPI_CONF_RANGE:
            memcpy(&range, at, sizeof(range));
            if (0 == range.first) { return (size_t)snprintf(buffer, size, "\"\""); }
            return (size_t)snprintf(buffer, size, "\"%" PRIu32 "-%" PRIu32 "\"", range.first, range.last);
        case TPI_CONF_TEXTS:
            memcpy(&u32, (const char *)object + row->count_offset, sizeof(u32));
            return format_texts(row, at, u32, buffer, size);
        default: return quote(at, buffer, size);
    }
}
