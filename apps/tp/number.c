/* Numbers as people type them. */
#include "number.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool cli_parse_u64(const char *text, uint64_t minimum, uint64_t maximum, uint64_t *value)
{
    uint64_t sum = 0;
    if (NULL == text || '\0' == text[0]) { return false; }
    for (const char *at = text; '\0' != *at; at++)
    {
        if (*at < '0' || *at > '9') { return false; }
        if (__builtin_mul_overflow(sum, UINT64_C(10), &sum) || __builtin_add_overflow(sum, (uint64_t)(*at - '0'), &sum)) { return false; }
    }
    if (sum < minimum || sum > maximum) { return false; }
    *value = sum;
    return true;
}

bool cli_parse_real(const char *text, double maximum, double *value)
{
    if (NULL == text || !(isdigit((unsigned char)text[0]) || '.' == text[0])) { return false; }
    char *end = NULL;
    errno = 0;
    const double number = strtod(text, &end);
    if (0 != errno || end == text || '\0' != *end || !isfinite(number) || number < 0.0 || number > maximum) { return false; }
    *value = number;
    return true;
}

bool cli_parse_shape(const char *text, int32_t dims[TP_MAX_DIMS], uint32_t *ndims)
{
    int32_t found[TP_MAX_DIMS];
    uint32_t count = 0;
    char part[16];
    if (NULL == text) { return false; }
    for (const char *at = text;; at++)
    {
        const size_t length = strcspn(at, "x,");
        uint64_t size;
        if (length >= sizeof(part) || TP_MAX_DIMS == count) { return false; }
        memcpy(part, at, length);
        part[length] = '\0';
        if (!cli_parse_u64(part, 0, INT32_MAX, &size)) { return false; }
        found[count++] = (int32_t)size;
        at += length;
        if ('\0' == *at) { break; }
    }
    memcpy(dims, found, count * sizeof(found[0]));
    *ndims = count;
    return true;
}

const char *cli_format_shape(char *buffer, uint32_t ndims, const int32_t *dims)
{
    int at = 0;
    buffer[0] = '\0';
    for (uint32_t i = 0; i < ndims && i < TP_MAX_DIMS; i++) { at += snprintf(buffer + at, 13, i > 0 ? "x%d" : "%d", dims[i]); }
    return buffer;
}
