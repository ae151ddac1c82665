/* The SQLite store: whole transactions, values as they are, and what is not a store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "trace_store.h"

static char path[64];

static int setup(void **state)
{
    (void)state;
    (void)snprintf(path, sizeof(path), "/tmp/tp-trace-store-%ld.db", (long)getpid());
    (void)unlink(path);
    return 0;
}

static int teardown(void **state)
{
    char other[80];
    (void)state;
    (void)unlink(path);
    (void)snprintf(other, sizeof(other), "%s-wal", path);
    (void)unlink(other);
    (void)snprintf(other, sizeof(other), "%s-shm", path);
    (void)unlink(other);
    return 0;
}

static int64_t ask(trace_store_t *store, const char *sql)
{
    sqlite3_stmt *q = trace_store_query(store, sql);
    assert_non_null(q);
    assert_int_equal(sqlite3_step(q), SQLITE_ROW);
    const int64_t value = sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    return value;
}

static void values_are_stored_as_they_are__T_008(void **state)
{
    (void)state;
    trace_store_t *store = NULL;
    const trace_record_t rows[] = {
        { .kind = TRACE_FRAME, .stream_id = UINT32_MAX, .epoch = UINT64_MAX - 1, .seq = 17, .stage_id = 3, .t_ns = 99,
            .trace_id = UINT64_C(0x66ddb6aa00005007), .status = 1 },
        { .kind = TRACE_LINK, .trace_id = UINT64_MAX, .parent = UINT64_C(0x66ddb6aa00005007) },
        { .kind = TRACE_NODE, .stage_id = 5, .seq = 4711, .t_ns = 123 },
        { .kind = TRACE_SEQ_WINDOW, .trace_id = 1, .stream_id = 2, .epoch = 3, .seq = 4, .parent = 5 },
        { .kind = TRACE_TIME_WINDOW, .trace_id = 1, .stream_id = 3, .epoch = 3, .seq = 6, .parent = 7 },
    };
    assert_int_equal(trace_store_create(&store, path), CLI_OK);
    assert_int_equal(trace_store_write(store, rows, 5), 0);
    assert_int_equal(trace_store_write(store, rows, 5), 0);                /* again: nothing changes */
    assert_int_equal(ask(store, "SELECT count(*) FROM frames"), 1);
    assert_true(UINT64_C(0x66ddb6aa00005007) == (uint64_t)ask(store, "SELECT trace_id FROM frames WHERE stream_id = 4294967295 AND epoch = -2 "
        "AND seq = 17 AND stage_id = 3 AND t_ns = 99 AND status = 1"));
    assert_true(-1 == ask(store, "SELECT trace_id FROM trace_links"));
    assert_int_equal(ask(store, "SELECT process_id FROM trace_nodes WHERE node_id = 5 AND start_time = 123"), 4711);
    assert_int_equal(ask(store, "SELECT count(*) FROM trace_windows WHERE seq_start = 4 AND seq_end = 5 AND t_start_ns IS NULL"), 1);
    assert_int_equal(ask(store, "SELECT count(*) FROM trace_windows WHERE t_start_ns = 6 AND t_end_ns = 7 AND seq_end IS NULL"), 1);
    trace_store_close(store);
    store = NULL;
    assert_int_equal(trace_store_open(&store, path, false), CLI_OK);
    assert_int_equal(ask(store, "SELECT count(*) FROM trace_links"), 1);
    trace_store_close(store);
}

static void transaction_that_fails_leaves_nothing_and_the_next_one_works(void **state)
{
    (void)state;
    trace_store_t *store = NULL;
    sqlite3 *other = NULL;
    const trace_record_t rows[] = { { .kind = TRACE_LINK, .trace_id = 1, .parent = 2 }, { .kind = TRACE_LINK, .trace_id = 1, .parent = 3 } };
    assert_int_equal(trace_store_create(&store, path), CLI_OK);
    (void)sqlite3_busy_timeout(trace_store_database(store), 1);
    assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(trace_store_write(store, rows, 2), -1);
    assert_string_equal(trace_store_problem(store), "database is locked");
    assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(trace_store_write(store, rows, 2), 0);
    assert_int_equal(sqlite3_exec(trace_store_database(store), "PRAGMA max_page_count = 11", NULL, NULL, NULL), SQLITE_OK);
    trace_record_t *many = calloc(5000, sizeof(*many));
    assert_non_null(many);
    for (size_t i = 0; i < 5000; i++) { many[i] = (trace_record_t){ .kind = TRACE_LINK, .trace_id = i + 10, .parent = 1 }; }
    assert_int_equal(trace_store_write(store, many, 5000), -1);            /* full */
    assert_int_equal(ask(store, "SELECT count(*) FROM trace_links"), 2);
    assert_int_equal(trace_store_write(store, many, 1), 0);
    free(many);
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
    trace_store_close(store);
}

static void what_is_no_store_is_refused(void **state)
{
    (void)state;
    trace_store_t *store = NULL;
    assert_int_equal(trace_store_open(&store, path, false), CLI_FAILED);
    assert_int_equal(trace_store_create(&store, "/tmp"), CLI_FAILED);
    assert_int_equal(trace_store_create(&store, "/nowhere/at/all.db"), CLI_FAILED);
    assert_int_equal(trace_store_create(&store, path), CLI_OK);
    assert_int_equal(sqlite3_exec(trace_store_database(store), "PRAGMA user_version = 7", NULL, NULL, NULL), SQLITE_OK);
    trace_store_close(store);
    store = NULL;
    assert_int_equal(trace_store_create(&store, path), CLI_FAILED);
    assert_int_equal(trace_store_open(&store, path, true), CLI_FAILED);
    assert_null(store);
    trace_store_close(NULL);
}

static void directory_of_a_store_may_be_a_symbolic_link_and_the_store_may_not(void **state)
{
    (void)state;
    trace_store_t *store = NULL;
    char dir[128];
    char link[160];
    char file[200];
    (void)snprintf(dir, sizeof(dir), "%s.d", path);
    (void)snprintf(link, sizeof(link), "%s.link", path);
    (void)snprintf(file, sizeof(file), "%s/x.db", link);
    assert_int_equal(mkdir(dir, 0700), 0);
    assert_int_equal(symlink(dir, link), 0);
    const int made = trace_store_create(&store, file);
    trace_store_close(store);
    store = NULL;
    (void)snprintf(file, sizeof(file), "%s/x.db", dir);
    assert_int_equal(symlink(file, path), 0);
    assert_int_equal(trace_store_open(&store, path, true), CLI_FAILED);
    (void)unlink(file);
    (void)unlink(link);
    (void)rmdir(dir);
    assert_int_equal(made, CLI_OK);
    assert_int_equal(trace_store_create(&store, ""), CLI_FAILED);           /* for SQLite a file that nobody finds again */
    assert_null(store);
}

/* The superuser writes everywhere: the file is on loan from one who may not. */
static void store_that_cannot_be_written_is_refused_at_once(void **state)
{
    (void)state;
    trace_store_t *store = NULL;
    const uid_t me = geteuid();
    assert_int_equal(trace_store_create(&store, path), CLI_OK);
    trace_store_close(store);
    store = NULL;
    assert_int_equal(chmod(path, 0444), 0);
    if (0 == me) { assert_int_equal(seteuid(65534), 0); }
    const int opened = trace_store_create(&store, path);
    if (0 == me) { assert_int_equal(seteuid(me), 0); }
    trace_store_close(store);
    assert_int_equal(opened, CLI_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(values_are_stored_as_they_are__T_008, setup, teardown),
        cmocka_unit_test_setup_teardown(transaction_that_fails_leaves_nothing_and_the_next_one_works, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_store_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(directory_of_a_store_may_be_a_symbolic_link_and_the_store_may_not, setup, teardown),
        cmocka_unit_test_setup_teardown(store_that_cannot_be_written_is_refused_at_once, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
