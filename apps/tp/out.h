/* How the programs talk: errors in the style of tp_err_format, JSON lines, tables, numbers for people. */
#ifndef APPS_TP_OUT_H
#define APPS_TP_OUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>
#include <tensor_pool/common/tp_export.h>

/* What follows goes to standard error as the library's log does with --log-json: one JSON object a line. */
void cli_errors_as_json(void);
/* Prints "error[TPcode]: ..." and, unless NULL, "  fix: ..." on standard error; returns the exit code that belongs to the code. */
int cli_error(int code, const char *fix, const char *format, ...) TP_PRINTF(3, 4);
void cli_warn(int code, const char *fix, const char *format, ...) TP_PRINTF(3, 4);
/* Prints the error of this thread as the library formats it; returns its exit code. */
int cli_error_last(void);
int cli_exit_of(int code);
int cli_usage(const char *verb, const char *format, ...) TP_PRINTF(2, 3);

/* Prints one line of JSON and releases the object. false when standard output is gone (EPIPE) or full. */
bool cli_json_line(json_t *object);
json_t *cli_json_id(uint64_t value);                       /* decimal string */
bool cli_flush(void);
int cli_output_errno(void);            /* why writing failed first; 0 = it did not */

/* "4.2 MB/s", "640 KiB", "1.5 ms": buffers of CLI_TEXT_MAX bytes. */
#define CLI_TEXT_MAX 64
const char *cli_human_bytes(char *buffer, double bytes);   /* binary prefixes */
const char *cli_human_rate(char *buffer, double per_second);/* decimal prefixes, "MB/s" */
const char *cli_human_ns(char *buffer, double ns);
const char *cli_human_count(char *buffer, uint64_t count); /* 33,554,432 */

/* Names come from files that anybody may have written: what a terminal would obey becomes '?'. Tables do it by themselves. */
void cli_disarm(char *text);

/* Shortens a UTF-8 text to that many columns; a '~' ends what was cut. */
void cli_cut(char *text, int columns);

/*
 * A table whose columns grow with their content. At most CLI_TABLE_COLUMNS columns. On a terminal the widest columns of text are cut so that rows
 * fit, numbers never; what is too wide even then ends at its edge.
 */
#define CLI_TABLE_COLUMNS 16
typedef struct cli_table
{
    int columns;
    int widths[CLI_TABLE_COLUMNS];
    bool right[CLI_TABLE_COLUMNS];     /* set by a heading that begins with '>' */
    int width_max;                     /* 0 = that of the terminal printed on, otherwise as wide as it gets */
    char **cells;
    int cell_count, cell_capacity;
    bool failed;
}
cli_table_t;
void cli_table_init(cli_table_t *table, const char *const *headings);   /* ends with NULL */
void cli_table_cell(cli_table_t *table, const char *format, ...) TP_PRINTF(2, 3);
void cli_table_print(cli_table_t *table, FILE *out);                    /* and empties it, headings stay */
void cli_table_fini(cli_table_t *table);

/* Edit distance, for "did you mean". Texts longer than 63 bytes count as very far. */
unsigned cli_distance(const char *a, const char *b);

#endif
