/* Owns the program's side of the log. The handler is set once, before any thread starts; stderr locks its lines. */
#include "output.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <jansson.h>

static tp_log_handler_t handler = tp_log_to_stderr;
static int max_level = TP_LOG_INFO;

int output_exit_code(int code)
{
    switch (code)
    {
        case TP_OK: return EXIT_CODE_OK;
        case TP_EUSAGE: return EXIT_CODE_USAGE;
        case TP_ENOMEDIADRIVER: case TP_EMEDIADRIVER: case TP_ENODRIVER: case TP_ESHUTDOWN: return EXIT_CODE_NO_DRIVER;
        case TP_ETIMEDOUT: return EXIT_CODE_TIMEOUT;
        default: return code >= 4000 && code < 5000 ? EXIT_CODE_REJECTED : EXIT_CODE_FAILED;
    }
}

int output_error(void)
{
    char text[2048];
    (void)tp_err_format(text, sizeof(text));
    (void)fprintf(stderr, "%s\n", text);
    return TP_OK == tp_errcode() ? EXIT_CODE_FAILED : output_exit_code(tp_errcode());
}

int output_fail(int code, const char *fix, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    (void)fprintf(stderr, "error[TP%04d]: %s%s%s\n", code, text, NULL != fix ? "\n  fix: " : "", NULL != fix ? fix : "");
    return output_exit_code(code);
}

void output_log_json(void *clientd, tp_log_level_t level, int code, const char *text)
{
    static const char *const names[] = { "error", "warn", "info", "debug", "trace" };
    char stamp[40];
    struct timespec now;
    struct tm utc;
    (void)clientd;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)gmtime_r(&now.tv_sec, &utc);
    const size_t used = strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &utc);
    (void)snprintf(stamp + used, sizeof(stamp) - used, ".%06ldZ", now.tv_nsec / 1000);
    json_t *const valid = json_string(text);           /* NULL for text that is not UTF-8, such as a hostile name */
    json_t *const line = json_pack("{s:s, s:s, s:i, s:o}", "time", stamp, "level", (unsigned)level < 5 ? names[level] : "?", "code", code, "text",
        NULL != valid ? valid : json_string("(not UTF-8)"));
    char *const dumped = NULL != line ? json_dumps(line, JSON_COMPACT) : NULL;
    if (NULL != dumped) { (void)fprintf(stderr, "%s\n", dumped); }
    free(dumped);
    json_decref(line);
}

void output_start_log(int level, int json)
{
    handler = json ? output_log_json : tp_log_to_stderr;
    max_level = level;
    tp_log_set_handler(handler, NULL, (tp_log_level_t)level);
}

void output_say(tp_log_level_t level, int code, const char *format, ...)
{
    char text[2048];
    va_list args;
    if ((int)level > max_level) { return; }
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    handler(NULL, level, code, text);
}
