/* Where log lines go. The library itself prints nothing. */
#ifndef TENSOR_POOL_COMMON_TP_LOG_H
#define TENSOR_POOL_COMMON_TP_LOG_H

#include <tensor_pool/common/tp_export.h>

TP_BEGIN_DECLS

/* The numbers are those of TP_LOG_LEVEL (20-driver.md 11.2). */
typedef enum tp_log_level
{
    TP_LOG_ERROR = 0,
    TP_LOG_WARN = 1,
    TP_LOG_INFO = 2,
    TP_LOG_DEBUG = 3,
    TP_LOG_TRACE = 4
}
tp_log_level_t;

/* code is a number of errors.def or 0; text is one line without newline, valid during the call only. May be called on any thread. */
typedef void (*tp_log_handler_t)(void *clientd, tp_log_level_t level, int code, const char *text);

/*
 * Sets the handler of this process and the highest level that reaches it; NULL silences the library (the default). Not thread-safe
 * against running clients: call it before the first client or driver starts.
 */
TP_EXPORT void tp_log_set_handler(tp_log_handler_t handler, void *clientd, tp_log_level_t level);

/* Changes the level only. Any thread, at any time. */
TP_EXPORT void tp_log_set_level(tp_log_level_t level);

/*
 * Handlers for programs; clientd is not used. Text: "12:00:00.000 warn [TP5204]: ..." lines on standard error, with local time, the code only where
 * there is one. JSON: one object a line with "time" (UTC, RFC 3339), "level", "code" (0 = none) and "text"; bytes that are not UTF-8 become U+FFFD.
 */
TP_EXPORT void tp_log_to_stderr(void *clientd, tp_log_level_t level, int code, const char *text);
TP_EXPORT void tp_log_to_stderr_json(void *clientd, tp_log_level_t level, int code, const char *text);

/* A line of the program itself into the log of its process: one format, one level for both. Any thread. */
TP_EXPORT void tp_log_line(tp_log_level_t level, int code, const char *text);

TP_END_DECLS

#endif
