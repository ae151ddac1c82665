/* Owns the syntax of stream-id ranges (20-driver.md 11.1). */
#include "config/conf.h"

#include <string.h>

#define ID_MAX 2147483647u        /* Aeron's stream ids are signed 32-bit numbers */

static const char *skip_blanks(const char *at)
{
    while (' ' == *at || '\t' == *at) { at++; }
    return at;
}

/* Decimal digits, 1..ID_MAX; NULL if there is no such number. */
static const char *read_id(const char *at, uint32_t *id)
{
    uint64_t value = 0;
    const char *const start = at;
    while (*at >= '0' && *at <= '9')
    {
        value = value * 10 + (uint64_t)(*at - '0');
        if (value > ID_MAX) { return NULL; }
        at++;
    }
    if (at == start || 0 == value) { return NULL; }
    *id = (uint32_t)value;
    return at;
}

int tpi_conf_parse_range(const char *text, uint32_t *first, uint32_t *last)
{
    uint32_t from = 0;
    uint32_t to = 0;
    const char *at = skip_blanks(text);
    if ('\0' == *at)
    {
        *first = *last = 0;
        return 0;
    }
    at = read_id(at, &from);
    if (NULL == at) { return -1; }
    to = from;
    at = skip_blanks(at);
    if ('-' == *at || ',' == *at)
    {
        at = read_id(skip_blanks(at + 1), &to);
        if (NULL == at) { return -1; }
        at = skip_blanks(at);
    }
    if ('\0' != *at || from > to) { return -1; }          /* D-170 */
    *first = from;
    *last = to;
    return 0;
}
