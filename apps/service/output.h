/* What a daemon says, and its exit codes. Standard error is the log. */
#ifndef APPS_SERVICE_OUTPUT_H
#define APPS_SERVICE_OUTPUT_H

#include <tensor_pool/common/tp_error.h>
#include <tensor_pool/common/tp_log.h>

enum
{
    EXIT_CODE_OK = 0,
    EXIT_CODE_FAILED = 1,
    EXIT_CODE_USAGE = 2,
    EXIT_CODE_NO_DRIVER = 3,
    EXIT_CODE_REJECTED = 4,
    EXIT_CODE_TIMEOUT = 5
};

/* The exit code that belongs to an error code. */
int output_exit_code(int code);

/* Prints the error of this thread ("error[TP3001]: ...", why, fix) and returns its exit code. */
int output_error(void);

/* The same for what the program finds itself; fix may be NULL. */
int output_fail(int code, const char *fix, const char *format, ...) TP_PRINTF(3, 4);

/* Sets the log of the process. */
void output_start_log(int level, int json);
/* A line of the program itself into that log. */
void output_say(tp_log_level_t level, int code, const char *format, ...) TP_PRINTF(3, 4);

#endif
