/*
 * The provenance store: one SQLite file with the tables of 40-tracelink.md 6 and trace_nodes (O-18). One thread at a time uses a store. Files are not
 * trusted: what is not exactly a store of this version is refused before a row is read or written.
 */
#ifndef APPS_TP_TRACE_STORE_H
#define APPS_TP_TRACE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

#define TRACE_STORE_FILE "trace.db"            /* default of --db */
#define TRACE_STORE_APPLICATION 0x54505452     /* "TPTR" */
#define TRACE_STORE_VERSION 1

typedef enum trace_record_kind
{
    TRACE_FRAME,                       /* stream_id, epoch, seq, stage_id, t_ns, trace_id, status */
    TRACE_LINK,                        /* trace_id, parent */
    TRACE_NODE,                        /* node_id in stage_id, process id in seq, its start in t_ns */
    TRACE_SEQ_WINDOW,                  /* trace_id, stream_id, epoch; seq and parent: first and last */
    TRACE_TIME_WINDOW                  /* the same with times in seq and parent */
}
trace_record_kind_t;

typedef struct trace_record
{
    trace_record_kind_t kind;
    uint32_t stream_id, stage_id, status;
    uint64_t epoch, seq, t_ns, trace_id, parent;
}
trace_record_t;

typedef struct trace_store trace_store_t;

/* Opens a store for writing and makes it when there is no such file, or an empty one. Prints what is wrong; returns the exit code. */
int trace_store_create(trace_store_t **store, const char *path);
/* Opens one that exists. */
int trace_store_open(trace_store_t **store, const char *path, bool writable);
/* All of them or none, in one transaction. 0, or -1 and trace_store_problem() says why. Rows that are there already are left as they are. */
int trace_store_write(trace_store_t *store, const trace_record_t *records, size_t count);
const char *trace_store_problem(const trace_store_t *store);
/* For queries. A statement, or NULL after printing what is wrong. */
sqlite3_stmt *trace_store_query(trace_store_t *store, const char *sql);
sqlite3 *trace_store_database(trace_store_t *store);
/* Accepts NULL. */
void trace_store_close(trace_store_t *store);

#endif
