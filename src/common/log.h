/*
 * Log. A library never prints: lines go to the handler the application gave, or nowhere. Handlers are per process, set before threads
 * start. Never called on a hot path.
 */
#ifndef TPI_COMMON_LOG_H
#define TPI_COMMON_LOG_H

#include <tensor_pool/common/tp_error.h>
#include <tensor_pool/common/tp_log.h>

/* code is one of errors.def or 0. */
void tpi_log(tp_log_level_t level, int code, const char *format, ...) TP_PRINTF(3, 4);
/* Logs the error of this thread, with why and fix. */
void tpi_log_err(tp_log_level_t level);
int tpi_log_enabled(tp_log_level_t level);
tp_log_level_t tpi_log_level(void);

#define TPI_LOG_ERROR(code, ...) tpi_log(TP_LOG_ERROR, (code), __VA_ARGS__)
#define TPI_LOG_WARN(code, ...) tpi_log(TP_LOG_WARN, (code), __VA_ARGS__)
#define TPI_LOG_INFO(...) tpi_log(TP_LOG_INFO, 0, __VA_ARGS__)
#define TPI_LOG_DEBUG(...) tpi_log(TP_LOG_DEBUG, 0, __VA_ARGS__)

#endif
