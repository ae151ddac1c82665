/* Owns nothing. Pure text: the one grammar of region URIs, compared case-sensitively and as a whole (O-50). Any thread. */
#include "shm/uri.h"

#include <stdio.h>
#include <string.h>

#include "common/err.h"

#define PREFIX "shm:file?"
#define PATH_KEY "path="
#define HUGE_KEY "require_hugepages="

static bool is_plain(unsigned char c) { return c >= 0x21 && c <= 0x7E && '?' != c && '|' != c; }

/* Whether the text at *at starts with a literal; moves *at behind it. */
static bool take(const char *text, size_t length, size_t *at, const char *literal)
{
    const size_t n = strlen(literal);
    if (length - *at < n || 0 != memcmp(text + *at, literal, n)) { return false; }
    *at += n;
    return true;
}

/* Foreign bytes never reach a message unescaped. */
static int shown(size_t length) { return length > 64 ? 64 : (int)length; }

static int reject(const char *text, size_t length, const char *rule)
{
    char safe[65];
    const int n = shown(length);
    for (int i = 0; i < n; i++) { safe[i] = (text[i] >= 0x20 && text[i] <= 0x7E) ? text[i] : '.'; }
    safe[n] = '\0';
    TPI_SET_ERR(TP_EURI, "region URI '%s%s': %s", safe, length > 64 ? "..." : "", rule);
    TPI_ERR_WHY("a region URI is shm:file?path=<absolute path>[|require_hugepages=true|false]");
    return -1;
}

int tpi_region_uri_parse(tpi_region_uri_t *uri, const char *text, size_t length)
{
    size_t at = 0;
    if (NULL == text || 0 == length) { return reject("", 0, "it is empty"); }
    if (length >= TPI_URI_MAX) { return reject(text, length, "it is longer than 4095 bytes"); }                      /* O-51 */
    if (!take(text, length, &at, PREFIX)) { return reject(text, length, "unknown scheme, only shm:file is known"); } /* W-204 W-205 W-206 */
    if (!take(text, length, &at, PATH_KEY)) { return reject(text, length, "the first parameter is not path"); }      /* W-208 O-50 */

    const size_t path_at = at;
    while (at < length && is_plain((unsigned char)text[at])) { at++; }
    const size_t path_length = at - path_at;
    if (0 == path_length) { return reject(text, length, "path is empty"); }                                          /* W-208 */
    if ('/' != text[path_at]) { return reject(text, length, "path is not absolute"); }                               /* W-208 W-231 O-52 */

    bool huge = false;
    if (at < length)
    {
        if ('|' != text[at]) { return reject(text, length, "path holds a byte that is not allowed"); }
        at++;
        if (!take(text, length, &at, HUGE_KEY)) { return reject(text, length, "unknown parameter"); }                /* W-207 */
        huge = take(text, length, &at, "true");
        if (!huge && !take(text, length, &at, "false")) { return reject(text, length, "require_hugepages is neither true nor false"); }
        if (at != length) { return reject(text, length, "something follows require_hugepages"); }                    /* W-205 */
    }

    memcpy(uri->path, text + path_at, path_length);
    uri->path[path_length] = '\0';
    uri->require_hugepages = huge;
    return 0;
}

bool tpi_region_path_is_plain(const char *path)
{
    if ('/' != path[0]) { return false; }
    for (const char *c = path; '\0' != *c; c++)
    {
        if (!is_plain((unsigned char)*c)) { return false; }
    }
    return true;
}

int tpi_region_uri_format(char *buffer, size_t size, const char *path, bool require_hugepages)
{
    if (!tpi_region_path_is_plain(path))
    {
        TPI_SET_ERR(TP_EURI, "path '%s' is not absolute or holds a space, '?', '|' or a byte that is not visible ASCII", path);
        return -1;
    }
    const int n = snprintf(buffer, size, PREFIX PATH_KEY "%s%s", path, require_hugepages ? "|" HUGE_KEY "true" : "");
    if (n < 0 || n >= TPI_URI_MAX || (size_t)n >= size)
    {
        TPI_SET_ERR(TP_EURI, "region URI of path '%.64s...' has %d bytes, room for %zu, at most %d", path, n, size, TPI_URI_MAX - 1);
        return -1;
    }
    return n;
}
