/*
 * Errors. Cold calls return 0 or -1; after -1 the calling thread's error says what happened. Hot calls return a position or
 * sequence >= 0, or one of the named negatives of enum tp_result, and set no error text.
 *
 * The error belongs to the thread; it stays until the next failing call of that thread. No call in this file fails.
 */
#ifndef TENSOR_POOL_COMMON_TP_ERROR_H
#define TENSOR_POOL_COMMON_TP_ERROR_H

#include <stddef.h>
#include <stdint.h>

#include <tensor_pool/common/tp_export.h>

TP_BEGIN_DECLS

typedef enum tp_error_code
{
    TP_OK = 0,
#define TP_ERROR(name, code, text) name = code,
#include <tensor_pool/common/errors.def>
#undef TP_ERROR
    TP_ERROR_CODE_MAX = 9999
}
tp_error_code_t;

/* Results of hot calls. The names are those users of Aeron know; the numbers are ours (trap A5). */
typedef enum tp_result
{
    TP_FAILED = -1,              /* see tp_errcode() */
    TP_BACK_PRESSURED = -2,      /* the descriptor stream is full and so is the parking ring: descriptor dropped and counted */
    TP_NOT_CONNECTED = -3,       /* nobody subscribes to the descriptor stream; the frame is committed all the same */
    TP_ADMIN_ACTION = -4,        /* the bus was busy with itself (term rotation); retried inside, seldom seen outside */
    TP_CLOSED = -5,              /* object or bus is closed */
    TP_LEASE_LOST = -6,          /* no lease at this moment: not attached yet, revoked, expired or driver gone */
    TP_NO_POOL_FITS = -7,        /* payload is longer than the largest pool stride */
    TP_TOO_MANY_CLAIMS = -8,     /* nslots - 1 claims are out, or the claim table is full */
    TP_INVALID_CLAIM = -9,       /* claim is not (or no longer) one of this producer */
    TP_OVERWRITTEN = -10,        /* the frame was overwritten while it was used */
    TP_INVALID_ARGUMENT = -11,   /* argument NULL or out of bounds */
    TP_NOT_MAPPED = -12          /* no regions are mapped at this moment */
}
tp_result_t;

/* Code of the last error of this thread, TP_OK if there was none. Any thread. */
TP_EXPORT int tp_errcode(void);

/* One line: the thing, the value and the bound. Never NULL. Valid until the next failing call of this thread. */
TP_EXPORT const char *tp_errmsg(void);

/* Why it happened, and how to mend it; "" when there is nothing to say. Never NULL. Valid as tp_errmsg(). */
TP_EXPORT const char *tp_errwhy(void);
TP_EXPORT const char *tp_errfix(void);

/*
 * The whole error as the programs print it:
 *   error[TP3001]: message
 *     why: ...
 *     fix: ...
 * Writes at most size bytes including the terminator and returns the length the full text has (as snprintf does).
 */
TP_EXPORT size_t tp_err_format(char *buffer, size_t size);

/* Clears the error of this thread. */
TP_EXPORT void tp_err_clear(void);

/* Short text of a code of errors.def, "unknown error" for any other number. Static storage. */
TP_EXPORT const char *tp_strerror(int code);

/* "BACK_PRESSURED" for TP_BACK_PRESSURED and so on; "OK" for a value >= 0, "UNKNOWN" for any other. Static storage. */
TP_EXPORT const char *tp_result_name(int64_t result);

TP_END_DECLS

#endif
