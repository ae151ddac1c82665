/* Owns the process-wide log handler. */
#include "common/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

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
    return NULL != log_handler && (int)level <= atomic_load_explicit(&log_level, memory_order_relaxed);
}

void tpi_log(tp_log_level_t level, int code, const char *format, ...)
{
    if (!tpi_log_enabled(level)) { return; }
    char text[1024];
    va_list args;
    va_start(args, format);
    const int n = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (n >= 0) { log_handler(log_clientd, level, code, text); }
}

void tpi_log_err(tp_log_level_t level)
{
    const char *const why = tp_errwhy();
    const char *const fix = tp_errfix();
    tpi_log(level, tp_errcode(), "%s%s%s%s%s", tp_errmsg(), '\0' != why[0] ? "; why: " : "", why, '\0' != fix[0] ? "; fix: " : "", fix);
}

void tp_log_to_stderr(void *clientd, tp_log_level_t level, int code, const char *text)
{
    static const char *const names[] = { "error", "warn ", "info ", "debug", "trace" };
    (void)clientd;
    struct timespec now;
    struct tm local;
    char stamp[16];
    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)localtime_r(&now.tv_sec, &local);
    (void)strftime(stamp, sizeof(stamp), "%H:%M:%S", &local);
    const char *const name = (unsigned)level < sizeof(names) / sizeof(names[0]) ? names[level] : "?";
    char tag[16] = "";
    if (0 != code) { (void)snprintf(tag, sizeof(tag), "[TP%04d]", code); }
    (void)fprintf(stderr, "%s.%03ld %s%s: %s\n", stamp, now.tv_nsec / 1000000, name, tag, text);
}
