/* Owns the per-thread error text. Any thread; nothing here allocates or fails. */
#include "common/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local tpi_err_t current;

static void put(char *buffer, size_t size, const char *format, va_list args) __attribute__((format(printf, 3, 0)));

static void put(char *buffer, size_t size, const char *format, va_list args)
{
    if (vsnprintf(buffer, size, format, args) < 0) { buffer[0] = '\0'; }
}

void tpi_err_set(int code, const char *format, ...)
{
    tpi_err_t next = { .code = code };                 /* aside: the arguments may point into the old error */
    va_list args;
    va_start(args, format);
    put(next.msg, sizeof(next.msg), format, args);
    va_end(args);
    current = next;
}

void tpi_err_why(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    put(current.why, sizeof(current.why), format, args);
    va_end(args);
}

void tpi_err_fix(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    put(current.fix, sizeof(current.fix), format, args);
    va_end(args);
}

void tpi_err_prefix(const char *format, ...)
{
    char joined[sizeof(current.msg)];
    va_list args;
    va_start(args, format);
    put(joined, sizeof(joined), format, args);
    va_end(args);
    const size_t used = strlen(joined);
    (void)snprintf(joined + used, sizeof(joined) - used, "%s", current.msg);
    memcpy(current.msg, joined, sizeof(joined));
}

void tpi_err_save(tpi_err_t *copy) { *copy = current; }
void tpi_err_restore(const tpi_err_t *copy) { current = *copy; }

int tp_errcode(void) { return current.code; }
const char *tp_errmsg(void) { return current.msg; }
const char *tp_errwhy(void) { return current.why; }
const char *tp_errfix(void) { return current.fix; }
void tp_err_clear(void) { memset(&current, 0, sizeof(current)); }

size_t tp_err_format(char *buffer, size_t size)
{
    const int n = snprintf(buffer, size, "error[TP%04d]: %s%s%s%s%s", current.code, current.msg,
        '\0' != current.why[0] ? "\n  why: " : "", current.why, '\0' != current.fix[0] ? "\n  fix: " : "", current.fix);
    return n < 0 ? 0 : (size_t)n;
}

const char *tp_strerror(int code)
{
    switch (code)
    {
        case TP_OK: return "no error";
#define TP_ERROR(name, number, text) case number: return text;
#include <tensor_pool/common/errors.def>
#undef TP_ERROR
        default: return "unknown error";
    }
}

const char *tp_result_name(int64_t result)
{
    static const char *const names[] = { "FAILED", "BACK_PRESSURED", "NOT_CONNECTED", "ADMIN_ACTION", "CLOSED", "LEASE_LOST", "NO_POOL_FITS",
        "TOO_MANY_CLAIMS", "INVALID_CLAIM", "OVERWRITTEN", "INVALID_ARGUMENT", "NOT_MAPPED" };
    if (result >= 0) { return "OK"; }
    return result >= TP_NOT_MAPPED ? names[-result - 1] : "UNKNOWN";
}
