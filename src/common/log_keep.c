/* Owns the one store of the process. Invariant: line n lies at n % TPI_LOG_KEEP_LINES. */
#include "common/log_keep.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/alloc.h"

typedef struct store
{
    uint64_t last_seq;
    uint64_t forgotten;
    size_t error_count;
    tpi_log_line_t lines[TPI_LOG_KEEP_LINES];
    tpi_log_error_t errors[TPI_LOG_KEEP_ERRORS];
}
store_t;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;      /* guards the three below */
static store_t *store;
static unsigned users;
static atomic_int is_on;

int tpi_log_keep_begin(void)
{
    (void)pthread_mutex_lock(&mutex);
    if (NULL == store) { store = tpi_alloc(sizeof(*store)); }
    const int rc = NULL == store ? -1 : 0;
    if (0 == rc) { users++; }
    atomic_store(&is_on, 0 != users);
    (void)pthread_mutex_unlock(&mutex);
    return rc;
}

void tpi_log_keep_end(void)
{
    (void)pthread_mutex_lock(&mutex);
    if (users > 0 && 0 == --users)
    {
        tpi_free(store);
        store = NULL;
    }
    atomic_store(&is_on, 0 != users);
    (void)pthread_mutex_unlock(&mutex);
}

int tpi_log_keep_is_on(void) { return atomic_load_explicit(&is_on, memory_order_relaxed); }

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* Equal but for the numbers in them. */
static bool is_alike(const char *a, const char *b)
{
    for (;;)
    {
        if (is_digit(*a) && is_digit(*b))
        {
            while (is_digit(*a)) { a++; }
            while (is_digit(*b)) { b++; }
        }
        if (*a != *b) { return false; }
        if ('\0' == *a) { return true; }
        a++;
        b++;
    }
}

/* The entry of that error, else a free one, else the one that was not seen for the longest time. */
static tpi_log_error_t *place_of(tp_log_level_t level, int code, const char *text)
{
    tpi_log_error_t *oldest = &store->errors[0];
    for (size_t i = 0; i < store->error_count; i++)
    {
        tpi_log_error_t *const error = &store->errors[i];
        if (error->level == level && error->code == code && is_alike(error->text, text)) { return error; }
        if (error->last_ns < oldest->last_ns) { oldest = error; }
    }
    if (store->error_count < TPI_LOG_KEEP_ERRORS) { oldest = &store->errors[store->error_count++]; }
    else { store->forgotten++; }
    memset(oldest, 0, sizeof(*oldest));
    return oldest;
}

static void copy_text(char target[TPI_LOG_KEEP_TEXT], const char *text) { (void)snprintf(target, TPI_LOG_KEEP_TEXT, "%s", text); }

static void add_error(tp_log_level_t level, int code, const char *text, int64_t time_ns)
{
    tpi_log_error_t *const error = place_of(level, code, text);
    if (0 == error->count) { error->first_ns = time_ns; }
    error->level = level;
    error->code = code;
    error->count++;
    error->last_ns = time_ns;
    copy_text(error->text, text);
}

void tpi_log_keep_add(tp_log_level_t level, int code, const char *text, int64_t time_ns)
{
    char cut[TPI_LOG_KEEP_TEXT];
    copy_text(cut, text);
    (void)pthread_mutex_lock(&mutex);
    if (NULL != store)
    {
        const uint64_t seq = ++store->last_seq;
        tpi_log_line_t *const line = &store->lines[seq % TPI_LOG_KEEP_LINES];
        line->seq = seq;
        line->time_ns = time_ns;
        line->level = level;
        line->code = code;
        copy_text(line->text, cut);
        if (TP_LOG_ERROR == level || TP_LOG_WARN == level) { add_error(level, code, cut, time_ns); }
    }
    (void)pthread_mutex_unlock(&mutex);
}

size_t tpi_log_keep_lines(tpi_log_line_t *lines, size_t max, uint64_t after, uint64_t *next)
{
    size_t count = 0;
    (void)pthread_mutex_lock(&mutex);
    const uint64_t last = NULL == store ? 0 : store->last_seq;
    uint64_t first = last > TPI_LOG_KEEP_LINES ? last - TPI_LOG_KEEP_LINES + 1 : 1;
    if (after >= first) { first = after < last ? after + 1 : last + 1; }
    if (last >= max && first < last - max + 1) { first = last - max + 1; }
    for (uint64_t seq = first; seq <= last; seq++) { lines[count++] = store->lines[seq % TPI_LOG_KEEP_LINES]; }
    (void)pthread_mutex_unlock(&mutex);
    *next = last;
    return count;
}

size_t tpi_log_keep_errors(tpi_log_error_t *errors, size_t max, uint64_t *forgotten)
{
    bool taken[TPI_LOG_KEEP_ERRORS] = { false };
    size_t count = 0;
    (void)pthread_mutex_lock(&mutex);
    const size_t have = NULL == store ? 0 : store->error_count;
    for (; count < have && count < max; count++)
    {
        size_t latest = have;
        for (size_t i = 0; i < have; i++)
        {
            if (!taken[i] && (have == latest || store->errors[i].last_ns > store->errors[latest].last_ns)) { latest = i; }
        }
        taken[latest] = true;
        errors[count] = store->errors[latest];
    }
    *forgotten = NULL == store ? 0 : store->forgotten;
    (void)pthread_mutex_unlock(&mutex);
    return count;
}
