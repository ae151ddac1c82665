/* Owns the program's side of the log: one format for its own lines and those of the library. Set once, before any thread starts. */
#include "apps/service/output.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

static bool as_json;

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
    if (as_json)
    {
        const char *const why = tp_errwhy();
        const char *const fix = tp_errfix();
        (void)snprintf(text, sizeof(text), "%s%s%s%s%s", tp_errmsg(), '\0' != why[0] ? "; why: " : "", why, '\0' != fix[0] ? "; fix: " : "", fix);
        tp_log_to_stderr_json(NULL, TP_LOG_ERROR, tp_errcode(), text);
    }
    else
    {
        (void)tp_err_format(text, sizeof(text));
        (void)fprintf(stderr, "%s\n", text);
    }
    return TP_OK == tp_errcode() ? EXIT_CODE_FAILED : output_exit_code(tp_errcode());
}

int output_fail(int code, const char *fix, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (as_json) { tp_log_to_stderr_json(NULL, TP_LOG_ERROR, code, text); }
    else { (void)fprintf(stderr, "error[TP%04d]: %s%s%s\n", code, text, NULL != fix ? "\n  fix: " : "", NULL != fix ? fix : ""); }
    return output_exit_code(code);
}

void output_start_log(int level, int json)
{
    as_json = 0 != json;
    tp_log_set_handler(as_json ? tp_log_to_stderr_json : tp_log_to_stderr, NULL, (tp_log_level_t)level);
}

void output_say(tp_log_level_t level, int code, const char *format, ...)
{
    char text[2048];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    tp_log_line(level, code, text);
}
