/* The error of a thread. Owned by the thread; set on cold paths only (trap L3). */
#ifndef TPI_COMMON_ERR_H
#define TPI_COMMON_ERR_H

#include <tensor_pool/common/tp_error.h>

/* Starts a new error: code and one line that names the thing, the value and the bound. Clears why and fix. */
#define TPI_SET_ERR(code, ...) tpi_err_set((code), __VA_ARGS__)
/* Adds the reason or the remedy to the error just set. */
#define TPI_ERR_WHY(...) tpi_err_why(__VA_ARGS__)
#define TPI_ERR_FIX(...) tpi_err_fix(__VA_ARGS__)

void tpi_err_set(int code, const char *format, ...) TP_PRINTF(2, 3);
void tpi_err_why(const char *format, ...) TP_PRINTF(1, 2);
void tpi_err_fix(const char *format, ...) TP_PRINTF(1, 2);
/* Puts text in front of the message: "profile 'camera': <message>". */
void tpi_err_prefix(const char *format, ...) TP_PRINTF(1, 2);

/* A copy that outlives the next error, e.g. to carry an error from the conductor to the waiting thread. */
typedef struct tpi_err
{
    int code;
    char msg[512];
    char why[256];
    char fix[256];
}
tpi_err_t;

void tpi_err_save(tpi_err_t *copy);
void tpi_err_restore(const tpi_err_t *copy);

#endif
