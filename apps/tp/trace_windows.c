/* tp trace windows, expand and nodes: what stateful stages hand in, its expansion into links, and who had which node id. */
#include "trace.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"
#include "out.h"

#include <jansson.h>

#define LINE_MAX_BYTES 4096
#define BATCH 256                              /* windows of one transaction */
#define FRAMES_OF_A_WINDOW "100000"            /* at most: larger windows are for those who can wait */

/* ---- taking windows in -------------------------------------------------------------------------------------------------- */

/* A decimal string, or a number that is not negative. */
static bool number_of(const json_t *object, const char *key, uint64_t maximum, uint64_t *value)
{
    const json_t *at = json_object_get(object, key);
    if (json_is_string(at)) { return cli_parse_u64(json_string_value(at), 0, maximum, value); }
    if (!json_is_integer(at) || json_integer_value(at) < 0 || (uint64_t)json_integer_value(at) > maximum) { return false; }
    *value = (uint64_t)json_integer_value(at);
    return true;
}

/* Either the pair of sequences or that of times (6.4). */
static bool window_of(const json_t *object, trace_record_t *row)
{
    uint64_t stream_id = 0;
    const bool seqs = number_of(object, "seq_start", UINT64_MAX, &row->seq) && number_of(object, "seq_end", UINT64_MAX, &row->parent);
    const bool has_times = NULL != json_object_get(object, "t_start_ns") || NULL != json_object_get(object, "t_end_ns");
    const bool times = !seqs && number_of(object, "t_start_ns", INT64_MAX, &row->seq) && number_of(object, "t_end_ns", INT64_MAX, &row->parent);
    if (!number_of(object, "trace_id", UINT64_MAX, &row->trace_id) || !number_of(object, "in_stream_id", UINT32_MAX, &stream_id) ||
        !number_of(object, "epoch", UINT64_MAX, &row->epoch) || 0 == row->trace_id || seqs == times || (seqs && has_times) || row->seq > row->parent)
    {
        return false;
    }
    row->kind = seqs ? TRACE_SEQ_WINDOW : TRACE_TIME_WINDOW;
    row->stream_id = (uint32_t)stream_id;
    return true;
}

static int store_rows(trace_store_t *store, const trace_record_t *rows, size_t count)
{
    if (0 == count || 0 == trace_store_write(store, rows, count)) { return CLI_OK; }
    return cli_error(TP_ESTORE, "free space, or stop whoever locks the file", "%zu windows could not be written: %s", count,
        trace_store_problem(store));
}

static int add_from(const cli_args_t *args, FILE *file)
{
    static trace_record_t rows[BATCH];
    char line[LINE_MAX_BYTES];
    size_t waiting = 0;
    uint64_t lines = 0;
    trace_store_t *store = NULL;
    int code = trace_store_create(&store, trace_store_path(args));
    while (CLI_OK == code && !cli_stopped() && NULL != fgets(line, sizeof(line), file))
    {
        lines++;
        if ('\n' == line[strspn(line, " \t\r")] ) { continue; }
        json_t *object = json_loads(line, 0, NULL);
        const bool good = window_of(object, &rows[waiting]);
        json_decref(object);
        if (!good)
        {
            code = cli_error(TP_EINVAL, "tp trace --help shows one", "line %" PRIu64 " is no window", lines);
            break;
        }
        if (BATCH == ++waiting) { code = store_rows(store, rows, waiting); waiting = 0; }
    }
    const int last = NULL == store ? CLI_OK : store_rows(store, rows, waiting);
    trace_store_close(store);
    return CLI_OK != code ? code : last;
}

/* ---- listing ------------------------------------------------------------------------------------------------------------ */

static json_t *column_json(sqlite3_stmt *q, int column)
{
    return SQLITE_NULL == sqlite3_column_type(q, column) ? json_null() : cli_json_id((uint64_t)sqlite3_column_int64(q, column));
}

static void column_cell(cli_table_t *table, sqlite3_stmt *q, int column)
{
    if (SQLITE_NULL == sqlite3_column_type(q, column)) { cli_table_cell(table, "-"); }
    else { cli_table_cell(table, "%" PRIu64, (uint64_t)sqlite3_column_int64(q, column)); }
}

typedef struct listing { const char *type, *sql; const char *keys[9]; const char *headings[9]; } listing_t;

static int list(const cli_args_t *args, const listing_t *what)
{
    trace_store_t *store = NULL;
    cli_table_t table;
    int code = trace_store_open(&store, trace_store_path(args), false);
    if (CLI_OK != code) { return code; }
    sqlite3_stmt *q = trace_store_query(store, what->sql);
    const uint64_t limit = CLI_OR(args->count, UINT64_MAX);
    int rc = SQLITE_DONE;
    if (!args->json) { cli_table_init(&table, what->headings); }
    for (uint64_t n = 0; NULL != q && n < limit && !cli_stopped() && SQLITE_ROW == (rc = sqlite3_step(q)); n++)
    {
        json_t *line = args->json ? json_pack("{s:s}", "type", what->type) : NULL;
        for (int i = 0; NULL != what->keys[i]; i++)
        {
            if (args->json) { (void)json_object_set_new(line, what->keys[i], column_json(q, i)); }
            else { column_cell(&table, q, i); }
        }
        if (args->json && !cli_json_line(line)) { break; }
    }
    if (NULL == q || (SQLITE_ROW != rc && SQLITE_DONE != rc))
    {
        code = cli_error(TP_ESTORE, NULL, "%s: %s", trace_store_path(args), sqlite3_errmsg(trace_store_database(store)));
    }
    if (!args->json)
    {
        cli_table_print(&table, stdout);
        cli_table_fini(&table);
    }
    sqlite3_finalize(q);
    trace_store_close(store);
    return code;
}

int trace_windows(const cli_args_t *args)
{
    static const listing_t windows = { "window",
        "SELECT trace_id, in_stream_id, epoch, seq_start, seq_end, t_start_ns, t_end_ns FROM trace_windows ORDER BY trace_id, in_stream_id",
        { "trace_id", "in_stream_id", "epoch", "seq_start", "seq_end", "t_start_ns", "t_end_ns", NULL },
        { ">TRACE", ">STREAM", ">EPOCH", ">FIRST SEQ", ">LAST SEQ", ">BEGIN NS", ">END NS", NULL } };
    if (NULL == args->window_file) { return list(args, &windows); }
    if (0 == strcmp(args->window_file, "-")) { return add_from(args, stdin); }
    FILE *file = fopen(args->window_file, "re");
    if (NULL == file) { return cli_error(TP_EIO, NULL, "%s cannot be read", args->window_file); }
    const int code = add_from(args, file);
    fclose(file);
    return code;
}

int trace_nodes(const cli_args_t *args)
{
    static const listing_t nodes = { "node", "SELECT node_id, process_id, start_time FROM trace_nodes ORDER BY start_time, node_id",
        { "node_id", "process_id", "start_time", NULL }, { ">NODE", ">PROCESS", ">STARTED NS", NULL } };
    return list(args, &nodes);
}

/* ---- expanding ---------------------------------------------------------------------------------------------------------- */

/*
 * The offline job of 6.6: one window a transaction, so that none runs long, each window's links at most 100,000. Links that are there already stay,
 * so that the job may be run again.
 */
static const char *const next_window = "SELECT trace_id, in_stream_id, epoch, seq_start, seq_end, t_start_ns, t_end_ns FROM trace_windows "
    "WHERE (trace_id, in_stream_id) > (?1, ?2) AND typeof(trace_id) = 'integer' AND typeof(in_stream_id) = 'integer' "
    "ORDER BY trace_id, in_stream_id LIMIT 1";
static const char *const by_seq = "INSERT OR IGNORE INTO trace_links SELECT DISTINCT ?1, trace_id FROM frames WHERE stream_id = ?2 AND epoch = ?3 "
    "AND seq BETWEEN ?4 AND ?5 AND trace_id NOT IN (0, ?1) LIMIT " FRAMES_OF_A_WINDOW;
static const char *const by_time = "INSERT OR IGNORE INTO trace_links SELECT DISTINCT ?1, trace_id FROM frames WHERE stream_id = ?2 AND epoch = ?3 "
    "AND t_ns BETWEEN ?4 AND ?5 AND trace_id NOT IN (0, ?1) LIMIT " FRAMES_OF_A_WINDOW;

static bool expand_one(sqlite3_stmt *window, sqlite3_stmt *seqs, sqlite3_stmt *times)
{
    const bool has_seqs = SQLITE_NULL != sqlite3_column_type(window, 3);
    sqlite3_stmt *to = has_seqs ? seqs : times;
    for (int i = 0; i < 3; i++) { (void)sqlite3_bind_int64(to, i + 1, sqlite3_column_int64(window, i)); }
    (void)sqlite3_bind_int64(to, 4, sqlite3_column_int64(window, has_seqs ? 3 : 5));
    (void)sqlite3_bind_int64(to, 5, sqlite3_column_int64(window, has_seqs ? 4 : 6));
    const bool good = SQLITE_DONE == sqlite3_step(to);
    (void)sqlite3_reset(to);
    return good;
}

static int expand_all(const cli_args_t *args, trace_store_t *store, sqlite3_stmt *window, sqlite3_stmt *seqs, sqlite3_stmt *times)
{
    uint64_t windows = 0;
    bool good = true;
    const int64_t before = sqlite3_total_changes64(trace_store_database(store));
    (void)sqlite3_bind_int64(window, 1, INT64_MIN);
    (void)sqlite3_bind_int64(window, 2, INT64_MIN);
    while (good && !cli_stopped() && SQLITE_ROW == sqlite3_step(window))
    {
        const sqlite3_int64 trace_id = sqlite3_column_int64(window, 0);
        const sqlite3_int64 stream_id = sqlite3_column_int64(window, 1);
        good = expand_one(window, seqs, times);
        windows++;
        (void)sqlite3_reset(window);
        (void)sqlite3_bind_int64(window, 1, trace_id);
        (void)sqlite3_bind_int64(window, 2, stream_id);
    }
    if (!good || SQLITE_OK != sqlite3_reset(window))
    {
        return cli_error(TP_ESTORE, NULL, "%s: %s", trace_store_path(args), sqlite3_errmsg(trace_store_database(store)));
    }
    const int64_t links = sqlite3_total_changes64(trace_store_database(store)) - before;
    if (args->json)
    {
        (void)cli_json_line(json_pack("{s:s,s:I,s:I}", "type", "expanded", "windows", (json_int_t)windows, "links", (json_int_t)links));
    }
    else { printf("%" PRIu64 " windows, %" PRId64 " new links\n", windows, links); }
    return CLI_OK;
}

int trace_expand(const cli_args_t *args)
{
    trace_store_t *store = NULL;
    int code = trace_store_open(&store, trace_store_path(args), true);
    if (CLI_OK != code) { return code; }
    sqlite3_stmt *window = trace_store_query(store, next_window);
    sqlite3_stmt *seqs = trace_store_query(store, by_seq);
    sqlite3_stmt *times = trace_store_query(store, by_time);
    code = NULL != window && NULL != seqs && NULL != times ? expand_all(args, store, window, seqs, times) : CLI_FAILED;
    sqlite3_finalize(window);
    sqlite3_finalize(seqs);
    sqlite3_finalize(times);
    trace_store_close(store);
    return code;
}
