/*
 * The memory of the process's log: its last lines, and each distinct warning or error with how often and when. For administration; nothing is kept
 * while nobody asked for it. Any thread; one mutex, held for a copy.
 */
#ifndef TPI_COMMON_LOG_KEEP_H
#define TPI_COMMON_LOG_KEEP_H

#include <stddef.h>
#include <stdint.h>

#include <tensor_pool/common/tp_log.h>

#define TPI_LOG_KEEP_LINES 256u
#define TPI_LOG_KEEP_ERRORS 64u
#define TPI_LOG_KEEP_TEXT 512u         /* longer texts are cut */

typedef struct tpi_log_line
{
    uint64_t seq;                      /* from 1, without gap */
    int64_t time_ns;                   /* CLOCK_REALTIME */
    tp_log_level_t level;
    int code;
    char text[TPI_LOG_KEEP_TEXT];
}
tpi_log_line_t;

/* Lines of one level and code that differ in numbers only are one error; text is the latest. */
typedef struct tpi_log_error
{
    tp_log_level_t level;              /* TP_LOG_ERROR or TP_LOG_WARN */
    int code;
    uint64_t count;
    int64_t first_ns;
    int64_t last_ns;
    char text[TPI_LOG_KEEP_TEXT];
}
tpi_log_error_t;

/* Begins to keep; each successful call needs one end. TP_ENOMEM. */
int tpi_log_keep_begin(void);
void tpi_log_keep_end(void);           /* the last one forgets everything */
int tpi_log_keep_is_on(void);
void tpi_log_keep_add(tp_log_level_t level, int code, const char *text, int64_t time_ns);

/* Copies at most max lines with a number above after, the newest ones, in order. *next is the highest number so far. */
size_t tpi_log_keep_lines(tpi_log_line_t *lines, size_t max, uint64_t after, uint64_t *next);
/* Copies at most max errors, the latest first. *forgotten counts those that had to make room. */
size_t tpi_log_keep_errors(tpi_log_error_t *errors, size_t max, uint64_t *forgotten);

#endif
