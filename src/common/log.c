/* Owns the process-wide log handler. */
#include "common/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/log_keep.h"

static tp_log_handler_t log_handler;
static void *log_clientd;
static atomic_int log_level = TP_LOG_INFO;

void tp_log_set_handler(tp_log_handler_t handler, void *clientd, tp_log_level_t level)
{
    log_handler = handler;
    log_clientd = clientd;
    tp_log_set_level(level);
}

void tp_log_set_level(tp_log_level_t level) { atomic_store_explicit(&log_level, (int)level, memory_order_relaxed); }

int tpi_log_enabled(tp_log_level_t level)
{
    return (NULL != log_handler || tpi_log_keep_is_on()) && (int)level <= atomic_load_explicit(&log_level, memory_order_relaxed);
}

tp_log_level_t tpi_log_level(void) { return (tp_log_level_t)atomic_load_explicit(&log_level, memory_order_relaxed); }

static void pass_on(tp_log_level_t level, int code, const char *text)
{
    if (tpi_log_keep_is_on()) { tpi_log_keep_add(level, code, text, tpi_clock_realtime_ns()); }
    if (NULL != log_handler) { log_handler(log_clientd, level, code, text); }
}

void tpi_log(tp_log_level_t level, int code, const char *format, ...)
{
    if (!tpi_log_enabled(level)) { return; }
    char text[1024];
    va_list args;
    va_start(args, format);
    const int n = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (n >= 0) { pass_on(level, code, text); }
}

void tpi_log_err(tp_log_level_t level)
{
    const char *const why = tp_errwhy();
    const char *const fix = tp_errfix();
    tpi_log(level, tp_errcode(), "%s%s%s%s%s", tp_errmsg(), '\0' != why[0] ? "; why: " : "", why, '\0' != fix[0] ? "; fix: " : "", fix);
}

void tp_log_line(tp_log_level_t level, int code, const char *text)
{
    if (tpi_log_enabled(level)) { pass_on(level, code, text); }
}

/* ---- handlers -------------------------------------------------------------------------------------------------------------- */

static const char *level_name(tp_log_level_t level)
{
    static const char *const names[] = { "error", "warn", "info", "debug", "trace" };
    return (unsigned)level < sizeof(names) / sizeof(names[0]) ? names[level] : "?";
}

/* Names come from other processes: no line breaks and no sequences that a terminal obeys. */
static void copy_disarmed(char *target, size_t size, const char *source)
{
    (void)snprintf(target, size, "%s", source);
    for (unsigned char *at = (unsigned char *)target; '\0' != *at; at++)
    {
        const bool is_c1 = 0xC2 == at[0] && at[1] >= 0x80 && at[1] < 0xA0;
        if (at[0] < 0x20 || 0x7F == at[0] || is_c1) { at[0] = '?'; }
        if (is_c1) { at[1] = '?'; }
    }
}

void tp_log_to_stderr(void *clientd, tp_log_level_t level, int code, const char *text)
{
    (void)clientd;
    struct timespec now;
    struct tm local;
    char stamp[16];
    char safe[4096];
    copy_disarmed(safe, sizeof(safe), text);
    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)localtime_r(&now.tv_sec, &local);
    (void)strftime(stamp, sizeof(stamp), "%H:%M:%S", &local);
    char tag[16] = "";
    if (0 != code) { (void)snprintf(tag, sizeof(tag), "[TP%04d]", code); }
    (void)fprintf(stderr, "%s.%03ld %-5s%s: %s\n", stamp, now.tv_nsec / 1000000, level_name(level), tag, safe);
}

/* Bytes of the UTF-8 sequence that begins here, 0 when it is none (overlong, surrogate, above U+10FFFF, cut). text is terminated. */
static size_t sequence_length(const unsigned char *text)
{
    const unsigned char a = text[0];
    const size_t length = a < 0x80 ? 1 : a >= 0xC2 && a <= 0xDF ? 2 : a >= 0xE0 && a <= 0xEF ? 3 : a >= 0xF0 && a <= 0xF4 ? 4 : 0;
    for (size_t i = 1; i < length; i++)
    {
        if (0x80 != (text[i] & 0xC0)) { return 0; }
    }
    const bool overlong = (0xE0 == a && text[1] < 0xA0) || (0xF0 == a && text[1] < 0x90);
    const bool beyond = (0xED == a && text[1] > 0x9F) || (0xF4 == a && text[1] > 0x8F);
    return overlong || beyond ? 0 : length;
}

/* As the inside of a JSON string; what does not fit is left out, whole characters only. */
static void escape_json(char *target, size_t size, const char *source)
{
    const unsigned char *at = (const unsigned char *)source;
    size_t used = 0;
    while ('\0' != *at)
    {
        char piece[8];
        const size_t length = sequence_length(at);
        if (0 == length) { (void)snprintf(piece, sizeof(piece), "%s", "\\ufffd"); }
        else if ('"' == *at || '\\' == *at) { (void)snprintf(piece, sizeof(piece), "\\%c", *at); }
        else if (*at < 0x20 || 0x7F == *at) { (void)snprintf(piece, sizeof(piece), "\\u%04x", *at); }
        else { (void)snprintf(piece, sizeof(piece), "%.*s", (int)length, (const char *)at); }
        const size_t n = strlen(piece);
        if (used + n >= size) { break; }
        memcpy(target + used, piece, n);
        used += n;
        at += 0 == length ? 1 : length;
    }
    target[used] = '\0';
}

void tp_log_to_stderr_json(void *clientd, tp_log_level_t level, int code, const char *text)
{
    (void)clientd;
    struct timespec now;
    struct tm utc;
    char stamp[32];
    char escaped[6 * 1024 + 1];
    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)gmtime_r(&now.tv_sec, &utc);
    (void)strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &utc);
    escape_json(escaped, sizeof(escaped), text);
    (void)fprintf(stderr, "{\"time\":\"%s.%06ldZ\",\"level\":\"%s\",\"code\":%d,\"text\":\"%s\"}\n", stamp, now.tv_nsec / 1000, level_name(level),
        code, escaped);
}
