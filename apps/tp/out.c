/* How the programs talk. Main thread only. */
#include "out.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli.h"

#define TEXT_WIDTH_MIN 8               /* columns of text are not cut below this */

int cli_exit_of(int code)
{
    switch (code)
    {
        case TP_OK: return CLI_OK;
        case TP_EUSAGE: case TP_EAMBIGUOUS: return CLI_USAGE;
        case TP_ENOMEDIADRIVER: case TP_EMEDIADRIVER: case TP_ENODRIVER: case TP_ESHUTDOWN: case TP_ENODISCOVERY: return CLI_NO_DRIVER;
        case TP_ETIMEDOUT: return CLI_TIMEOUT;
        case TP_ETORN: case TP_ELOST: case TP_ESLOW: return CLI_DATA;
        default: return code >= 4000 && code < 5000 ? CLI_REJECTED : CLI_FAILED;
    }
}

static bool as_json;

void cli_errors_as_json(void) { as_json = true; }

static void print_json(tp_log_level_t level, int code, const char *text, const char *why, const char *fix)
{
    char line[2048];
    snprintf(line, sizeof(line), "%s%s%s%s%s", text, '\0' != why[0] ? "; why: " : "", why, '\0' != fix[0] ? "; fix: " : "", fix);
    tp_log_to_stderr_json(NULL, level, code, line);
}

static void print_error(tp_log_level_t level, int code, const char *fix, const char *format, va_list list) __attribute__((format(printf, 4, 0)));

static void print_error(tp_log_level_t level, int code, const char *fix, const char *format, va_list list)
{
    char text[1024];
    vsnprintf(text, sizeof(text), format, list);
    fflush(stdout);
    if (as_json)
    {
        print_json(level, code, text, "", NULL == fix ? "" : fix);
        return;
    }
    fprintf(stderr, "%s[TP%d]: %s\n", TP_LOG_ERROR == level ? "error" : "warn ", code, text);
    if (NULL != fix && '\0' != fix[0]) { fprintf(stderr, "  fix: %s\n", fix); }
}

int cli_error(int code, const char *fix, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    print_error(TP_LOG_ERROR, code, fix, format, list);
    va_end(list);
    return cli_exit_of(code);
}

void cli_warn(int code, const char *fix, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    print_error(TP_LOG_WARN, code, fix, format, list);
    va_end(list);
}

int cli_usage(const char *verb, const char *format, ...)
{
    char fix[128];
    va_list list;
    snprintf(fix, sizeof(fix), NULL != verb ? "tp %s --help" : "tp --help", verb);
    va_start(list, format);
    print_error(TP_LOG_ERROR, TP_EUSAGE, fix, format, list);
    va_end(list);
    return CLI_USAGE;
}

int cli_error_last(void)
{
    char text[2048];
    const int code = tp_errcode();
    tp_err_format(text, sizeof(text));
    fflush(stdout);
    if (as_json) { print_json(TP_LOG_ERROR, code, tp_errmsg(), tp_errwhy(), tp_errfix()); }
    else { fprintf(stderr, "%s%s", text, '\0' != text[0] && '\n' == text[strlen(text) - 1] ? "" : "\n"); }
    return TP_OK == code ? CLI_FAILED : cli_exit_of(code);
}

static int output_errno;               /* of the first failure: errno itself does not last until the end */

bool cli_flush(void)
{
    if (0 == fflush(stdout) && 0 == ferror(stdout)) { return true; }
    if (0 == output_errno) { output_errno = errno; }
    return false;
}

int cli_output_errno(void) { return output_errno; }

bool cli_json_line(json_t *object)
{
    if (NULL == object) { return false; }
    const bool written = json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9)) >= 0 && EOF != putchar('\n');
    const bool flushed = cli_flush();
    json_decref(object);
    return written && flushed;
}

json_t *cli_json_id(uint64_t value)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRIu64, value);
    return json_string(text);
}

const char *cli_human_bytes(char *buffer, double bytes)
{
    static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
    size_t unit = 0;
    while (bytes >= 1024.0 && unit < 4) { bytes /= 1024.0; unit++; }
    snprintf(buffer, CLI_TEXT_MAX, 0 == unit ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
    return buffer;
}

const char *cli_human_rate(char *buffer, double per_second)
{
    static const char *const units[] = { "B/s", "kB/s", "MB/s", "GB/s", "TB/s" };
    size_t unit = 0;
    while (per_second >= 1000.0 && unit < 4) { per_second /= 1000.0; unit++; }
    snprintf(buffer, CLI_TEXT_MAX, 0 == unit ? "%.0f %s" : "%.1f %s", per_second, units[unit]);
    return buffer;
}

const char *cli_human_ns(char *buffer, double ns)
{
    static const char *const units[] = { "ns", "us", "ms", "s" };
    const double sign = ns < 0.0 ? -1.0 : 1.0;
    double value = ns * sign;
    size_t unit = 0;
    while (value >= 1000.0 && unit < 3) { value /= 1000.0; unit++; }
    snprintf(buffer, CLI_TEXT_MAX, 0 == unit ? "%.0f %s" : "%.2f %s", value * sign, units[unit]);
    return buffer;
}

const char *cli_human_count(char *buffer, uint64_t count)
{
    char digits[32];
    const int length = snprintf(digits, sizeof(digits), "%" PRIu64, count);
    char *to = buffer;
    for (int i = 0; i < length; i++)
    {
        if (i > 0 && 0 == (length - i) % 3) { *to++ = ','; }
        *to++ = digits[i];
    }
    *to = '\0';
    return buffer;
}

/* ---- tables ---- */

void cli_disarm(char *text)
{
    for (unsigned char *at = (unsigned char *)text; '\0' != *at; at++)
    {
        if (*at < 0x20 || 0x7f == *at) { *at = '?'; }
        else if (0xc2 == *at && at[1] >= 0x80 && at[1] < 0xa0) { at[0] = at[1] = '?'; }
    }
}

/* Columns of UTF-8 text whose characters are one column wide. */
static int width_of(const char *text)
{
    int width = 0;
    for (; '\0' != *text; text++) { width += 0x80 != (*text & 0xc0) ? 1 : 0; }
    return width;
}

void cli_cut(char *text, int columns)
{
    char *end = text;
    if (columns <= 0) { *text = '\0'; }
    if (columns <= 0 || width_of(text) <= columns) { return; }
    for (int width = 0; width < columns; end++) { width += 0x80 != (*end & 0xc0) ? 1 : 0; }
    end[-1] = '~';                                         /* the first byte of the last character that would fit */
    *end = '\0';
}

static void table_add(cli_table_t *table, const char *text)
{
    if (table->failed) { return; }
    if (table->cell_count == table->cell_capacity)
    {
        const int capacity = 0 == table->cell_capacity ? 64 : table->cell_capacity * 2;
        char **cells = realloc(table->cells, (size_t)capacity * sizeof(*cells));
        if (NULL == cells) { table->failed = true; return; }
        table->cells = cells;
        table->cell_capacity = capacity;
    }
    char *copy = strdup(text);
    if (NULL == copy) { table->failed = true; return; }
    const int column = table->cell_count % table->columns;
    cli_disarm(copy);
    const int width = width_of(copy);
    if (width > table->widths[column]) { table->widths[column] = width; }
    table->cells[table->cell_count++] = copy;
}

void cli_table_init(cli_table_t *table, const char *const *headings)
{
    memset(table, 0, sizeof(*table));
    while (NULL != headings[table->columns] && table->columns < CLI_TABLE_COLUMNS) { table->columns++; }
    for (int i = 0; i < table->columns; i++)
    {
        table->right[i] = '>' == headings[i][0];
        table_add(table, headings[i] + (table->right[i] ? 1 : 0));
    }
}

void cli_table_cell(cli_table_t *table, const char *format, ...)
{
    char text[1200];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof(text), format, list);
    va_end(list);
    table_add(table, text);
}

static int terminal_columns(FILE *out)
{
    struct winsize size;
    const int fd = fileno(out);
    return fd >= 0 && 0 != isatty(fd) && 0 == ioctl(fd, TIOCGWINSZ, &size) ? size.ws_col : 0;
}

static int widest_text(const cli_table_t *table)
{
    int widest = -1;
    for (int i = 0; i < table->columns; i++)
    {
        if (!table->right[i] && table->widths[i] > TEXT_WIDTH_MIN && (widest < 0 || table->widths[i] > table->widths[widest])) { widest = i; }
    }
    return widest;
}

static void fit(cli_table_t *table, int columns)
{
    int width = 2 * (table->columns - 1);
    for (int i = 0; i < table->columns; i++) { width += table->widths[i]; }
    for (int at = widest_text(table); width > columns && at >= 0; at = widest_text(table))
    {
        table->widths[at]--;
        width--;
    }
}

/* Prints a row of count cells, at most left columns of it. */
static void print_row(const cli_table_t *table, char **cells, int count, int left, FILE *out)
{
    for (int i = 0; i < count && left > 0; i++)
    {
        const int width = table->widths[i] < left ? table->widths[i] : left;
        cli_cut(cells[i], width);
        const bool last = i == count - 1 || left - width <= 2;
        const int padding = last && !table->right[i] ? 0 : width - width_of(cells[i]);
        if (table->right[i]) { fprintf(out, "%*s%s", padding, "", cells[i]); }
        else { fprintf(out, "%s%*s", cells[i], padding, ""); }
        left -= width + 2;
        if (!last) { fputs("  ", out); }
    }
    fputc('\n', out);
}

void cli_table_print(cli_table_t *table, FILE *out)
{
    const int columns = 0 != table->width_max ? table->width_max : terminal_columns(out);
    if (columns > 0) { fit(table, columns); }
    for (int i = 0; i < table->cell_count; i += table->columns)
    {
        const int count = table->cell_count - i < table->columns ? table->cell_count - i : table->columns;
        print_row(table, table->cells + i, count, columns > 0 ? columns : INT_MAX, out);
    }
    for (int i = table->columns; i < table->cell_count; i++) { free(table->cells[i]); }
    if (table->cell_count > table->columns) { table->cell_count = table->columns; }
    for (int i = 0; i < table->cell_count; i++) { table->widths[i] = width_of(table->cells[i]); }
}

void cli_table_fini(cli_table_t *table)
{
    for (int i = 0; i < table->cell_count; i++) { free(table->cells[i]); }
    free(table->cells);
    memset(table, 0, sizeof(*table));
}

unsigned cli_distance(const char *a, const char *b)
{
    enum { LIMIT = 63 };
    unsigned row[LIMIT + 2];
    const size_t m = strlen(a);
    const size_t n = strlen(b);
    if (m > LIMIT || n > LIMIT) { return 1000; }
    for (size_t j = 0; j <= n; j++) { row[j] = (unsigned)j; }
    for (size_t i = 1; i <= m; i++)
    {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= n; j++)
        {
            const unsigned above = row[j];
            unsigned best = diagonal + (a[i - 1] == b[j - 1] ? 0U : 1U);
            if (above + 1 < best) { best = above + 1; }
            if (row[j - 1] + 1 < best) { best = row[j - 1] + 1; }
            row[j] = best;
            diagonal = above;
        }
    }
    return row[n];
}
