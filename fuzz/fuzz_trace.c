/*
 * The way of a TraceLinkSet from the bus to the store: the input is a list of messages, each behind a byte pair with its length. What passes the
 * checks of 5.3 becomes rows of an SQLite store in memory, and is found there again: one link a parent, no more, none of them 0 or its own child.
 */
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "protocol/trace_link.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static sqlite3 *db;
static sqlite3_stmt *insert, *count, *clear;

static void must(bool good)
{
    if (!good) { abort(); }
}

static sqlite3_stmt *prepare(const char *sql)
{
    sqlite3_stmt *statement = NULL;
    must(SQLITE_OK == sqlite3_prepare_v2(db, sql, -1, &statement, NULL));
    return statement;
}

static void open_store(void)
{
    must(SQLITE_OK == sqlite3_open(":memory:", &db));
    must(SQLITE_OK == sqlite3_exec(db, "CREATE TABLE trace_links (trace_id INTEGER NOT NULL, parent_trace_id INTEGER NOT NULL, "
        "PRIMARY KEY (trace_id, parent_trace_id)) WITHOUT ROWID", NULL, NULL, NULL));
    insert = prepare("INSERT INTO trace_links VALUES (?1, ?2)");
    count = prepare("SELECT count(*) FROM trace_links WHERE parent_trace_id <> 0 AND parent_trace_id <> trace_id");
    clear = prepare("DELETE FROM trace_links");
}

/* Plain INSERT: a parent that is there twice would not go in. */
static void store(const tpc_trace_link_set_t *set)
{
    for (uint32_t i = 0; i < set->parent_count; i++)
    {
        must(SQLITE_OK == sqlite3_bind_int64(insert, 1, (sqlite3_int64)set->trace_id));
        must(SQLITE_OK == sqlite3_bind_int64(insert, 2, (sqlite3_int64)set->parents[i]));
        must(SQLITE_DONE == sqlite3_step(insert) && SQLITE_OK == sqlite3_reset(insert));
    }
    must(SQLITE_ROW == sqlite3_step(count) && set->parent_count == (uint64_t)sqlite3_column_int64(count, 0));
    (void)sqlite3_reset(count);
    must(SQLITE_DONE == sqlite3_step(clear) && SQLITE_OK == sqlite3_reset(clear));
}

/* What was received may be sent again, and is the same then. */
static void send_again(const tpc_trace_link_set_t *set)
{
    static uint8_t buffer[TPC_HEADER_BYTES + TPC_TRACE_LINK_SET_BLOCK + 4 + 8 * TPC_PARENTS_MAX];
    static tpc_trace_link_set_t again;
    tpi_trace_receiver_t receiver = { .seen = { 0 } };
    const int64_t length = tpc_trace_link_set_encode(buffer, sizeof(buffer), set);
    must(length > 0 && TPI_TRACE_GOOD == tpi_trace_receive(&receiver, &again, buffer, (size_t)length));
    must(again.trace_id == set->trace_id && again.parent_count == set->parent_count &&
        0 == memcmp(again.parents, set->parents, set->parent_count * sizeof(set->parents[0])));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static tpc_trace_link_set_t set;
    tpi_trace_receiver_t receiver = { .seen = { 0 } };
    if (NULL == db) { open_store(); }
    for (size_t at = 0; at + 2 <= size;)
    {
        const size_t wanted = (size_t)data[at] | (size_t)data[at + 1] << 8;
        const size_t length = wanted < size - at - 2 ? wanted : size - at - 2;
        uint8_t *message = malloc(0 == length ? 1 : length);           /* its own memory: one byte too many is noticed */
        must(NULL != message);
        memcpy(message, data + at + 2, length);
        if (TPI_TRACE_GOOD == tpi_trace_receive(&receiver, &set, message, length))
        {
            store(&set);
            send_again(&set);
        }
        free(message);
        at += 2 + length;
    }
    return 0;
}
