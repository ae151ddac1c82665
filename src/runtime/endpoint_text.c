/* Endpoint text by one table of keys. */
#include "runtime/endpoint_text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/err.h"

typedef enum kind { TEXT, I64, U64, I32, U32, BOOL } kind_t;

typedef struct row
{
    const char *key;
    kind_t kind;
    size_t offset;
    size_t size;
    bool required;
}
row_t;

#define ROW(name, kind, required) { #name, kind, offsetof(tpi_endpoint_t, name), sizeof(((tpi_endpoint_t *)0)->name), required }

static const row_t rows[] = { ROW(instance_id, TEXT, true), ROW(pid, I64, true), ROW(start_ns, U64, true), ROW(instance_token, U64, true),
    ROW(aeron_dir, TEXT, true), ROW(embedded_media_driver, BOOL, false), ROW(control_channel, TEXT, true), ROW(control_stream_id, I32, true),
    ROW(announce_channel, TEXT, true), ROW(announce_stream_id, I32, true), ROW(descriptor_channel, TEXT, true), ROW(descriptor_stream_id, I32, true),
    ROW(qos_channel, TEXT, true), ROW(qos_stream_id, I32, true), ROW(metadata_channel, TEXT, true), ROW(metadata_stream_id, I32, true),
    ROW(discovery_channel, TEXT, false), ROW(discovery_stream_id, I32, false),
    ROW(shm_base_dir, TEXT, true), ROW(shm_namespace, TEXT, true), ROW(socket_path, TEXT, false), ROW(wake_path, TEXT, false),
    ROW(announce_period_ms, U32, true), ROW(keepalive_interval_ms, U32, true), ROW(mlock_shm, BOOL, false) };

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static int format_value(char *buffer, size_t size, const row_t *row, const tpi_endpoint_t *endpoint)
{
    const char *const at = (const char *)endpoint + row->offset;
    uint64_t u64 = 0;
    switch (row->kind)
    {
        case TEXT: return snprintf(buffer, size, "%s=%s\n", row->key, at);
        case BOOL: return snprintf(buffer, size, "%s=%s\n", row->key, *(const bool *)at ? "true" : "false");
        case I32:
        case U32: memcpy(&u64, at, 4); break;
        case I64:
        case U64: memcpy(&u64, at, 8); break;
    }
    if (I32 == row->kind) { return snprintf(buffer, size, "%s=%" PRId32 "\n", row->key, (int32_t)(uint32_t)u64); }
    if (I64 == row->kind) { return snprintf(buffer, size, "%s=%" PRId64 "\n", row->key, (int64_t)u64); }
    return snprintf(buffer, size, "%s=%" PRIu64 "\n", row->key, u64);
}

int tpi_endpoint_format(char *buffer, size_t size, const tpi_endpoint_t *endpoint)
{
    int length = snprintf(buffer, size, "# A running tensor pool driver. Written by it, gone with it; alive while this file is locked.\n");
    for (size_t i = 0; i < ROWS; i++)
    {
        if (TEXT == rows[i].kind && NULL != strpbrk((const char *)endpoint + rows[i].offset, "\r\n"))
        {
            TPI_SET_ERR(TP_EINVAL, "%s holds a line break", rows[i].key);
            return -1;
        }
        if (length >= 0 && (size_t)length < size)
        {
            const int n = format_value(buffer + length, size - (size_t)length, &rows[i], endpoint);
            length = n < 0 ? -1 : length + n;
        }
    }
    if (length >= 0 && (size_t)length < size) { return length; }
    TPI_SET_ERR(TP_EINVAL, "endpoint text is longer than %zu bytes", size);
    return -1;
}

/* Decimal digits, a minus sign for signed kinds, nothing else. */
static bool parse_number(const char *text, kind_t kind, uint64_t *value)
{
    char *end = NULL;
    const bool is_signed = I32 == kind || I64 == kind;
    const char *const digits = is_signed && '-' == text[0] ? text + 1 : text;
    if (digits[0] < '0' || digits[0] > '9') { return false; }
    errno = 0;
    if (is_signed)
    {
        const long long number = strtoll(text, &end, 10);
        *value = (uint64_t)number;
        return 0 == errno && '\0' == *end && (I64 == kind || (number >= INT32_MIN && number <= INT32_MAX));
    }
    const unsigned long long number = strtoull(text, &end, 10);
    *value = number;
    return 0 == errno && '\0' == *end && (U64 == kind || number <= UINT32_MAX);
}

static bool parse_value(tpi_endpoint_t *endpoint, const row_t *row, const char *text)
{
    char *const at = (char *)endpoint + row->offset;
    uint64_t number = 0;
    if (TEXT == row->kind)
    {
        const size_t length = strlen(text);
        if (length >= row->size) { return false; }
        memcpy(at, text, length + 1);
        return true;
    }
    if (BOOL == row->kind)
    {
        const bool yes = 0 == strcmp(text, "true");
        *(bool *)at = yes;
        return yes || 0 == strcmp(text, "false");
    }
    if (!parse_number(text, row->kind, &number)) { return false; }
    memcpy(at, &number, row->size);        /* little-endian: the low bytes */
    return true;
}

static const row_t *find_row(const char *key, size_t length)
{
    for (size_t i = 0; i < ROWS; i++)
    {
        if (strlen(rows[i].key) == length && 0 == memcmp(rows[i].key, key, length)) { return &rows[i]; }
    }
    return NULL;
}

static int parse_line(tpi_endpoint_t *endpoint, char *line, bool seen[ROWS], int number)
{
    char *const equals = strchr(line, '=');
    if ('\0' == line[0] || '#' == line[0]) { return 0; }
    const row_t *const row = NULL == equals ? NULL : find_row(line, (size_t)(equals - line));
    if (NULL != equals && NULL == row) { return 0; }
    if (NULL != row && !seen[row - rows] && parse_value(endpoint, row, equals + 1))
    {
        seen[row - rows] = true;
        return 0;
    }
    TPI_SET_ERR(TP_EIO, "endpoint file line %d: '%.60s' is not a key=value that is known, valid and given once", number, line);
    return -1;
}

int tpi_endpoint_parse(tpi_endpoint_t *endpoint, const char *text, size_t length)
{
    bool seen[ROWS] = { false };
    tpi_endpoint_t *const read = tpi_alloc(sizeof(*read));
    char *const copy = tpi_strndup(text, length);
    int result = NULL == read || NULL == copy ? -1 : 0;
    if (0 == result && strlen(copy) != length)
    {
        TPI_SET_ERR(TP_EIO, "endpoint file holds a zero byte");
        result = -1;
    }
    char *line = copy;
    for (int number = 1; 0 == result && NULL != line; number++)
    {
        char *const end = strchr(line, '\n');
        if (NULL != end) { *end = '\0'; }
        result = parse_line(read, line, seen, number);
        line = NULL == end ? NULL : end + 1;
    }
    for (size_t i = 0; 0 == result && i < ROWS; i++)
    {
        if (!rows[i].required || seen[i]) { continue; }
        TPI_SET_ERR(TP_EIO, "endpoint file: '%s' is missing", rows[i].key);
        result = -1;
    }
    if (0 == result) { *endpoint = *read; }
    tpi_free(copy);
    tpi_free(read);
    return result;
}
