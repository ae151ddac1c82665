/* Owns the SQLite file: its schema, the checks of a file that comes from elsewhere, and the statements that write. */
#include "trace_store.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"
#include "out.h"

#define BUSY_MS 2000
#define TEXT_MAX 256

typedef struct object { const char *type, *name, *sql; } object_t;

/* 6.1, 6.2, 6.4 and O-18, letter by letter as sqlite_schema gives them back. */
static const object_t objects[] = {
    { "table", "frames", "CREATE TABLE frames (stream_id INTEGER NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL, stage_id INTEGER NOT NULL, "
        "t_ns INTEGER NOT NULL, trace_id INTEGER NOT NULL, status INTEGER NOT NULL, PRIMARY KEY (stream_id, epoch, seq)) WITHOUT ROWID" },
    { "index", "frames_trace_idx", "CREATE INDEX frames_trace_idx ON frames (trace_id)" },
    { "table", "trace_links", "CREATE TABLE trace_links (trace_id INTEGER NOT NULL, parent_trace_id INTEGER NOT NULL, "
        "PRIMARY KEY (trace_id, parent_trace_id)) WITHOUT ROWID" },
    { "index", "trace_links_parent_idx", "CREATE INDEX trace_links_parent_idx ON trace_links (parent_trace_id)" },
    { "table", "trace_windows", "CREATE TABLE trace_windows (trace_id INTEGER NOT NULL, in_stream_id INTEGER NOT NULL, epoch INTEGER NOT NULL, "
        "seq_start INTEGER, seq_end INTEGER, t_start_ns INTEGER, t_end_ns INTEGER, PRIMARY KEY (trace_id, in_stream_id)) WITHOUT ROWID" },
    { "index", "trace_windows_stream_idx", "CREATE INDEX trace_windows_stream_idx ON trace_windows (in_stream_id, epoch)" },
    { "table", "trace_nodes", "CREATE TABLE trace_nodes (node_id INTEGER NOT NULL, process_id INTEGER NOT NULL, start_time INTEGER NOT NULL, "
        "PRIMARY KEY (node_id, process_id, start_time)) WITHOUT ROWID" },
};
#define OBJECTS (sizeof(objects) / sizeof(objects[0]))

static const char *const inserts[] = {
    [TRACE_FRAME] = "INSERT OR IGNORE INTO frames VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [TRACE_LINK] = "INSERT OR IGNORE INTO trace_links VALUES (?1, ?2)",
    [TRACE_NODE] = "INSERT OR IGNORE INTO trace_nodes VALUES (?1, ?2, ?3)",
    [TRACE_SEQ_WINDOW] = "INSERT OR IGNORE INTO trace_windows VALUES (?1, ?2, ?3, ?4, ?5, NULL, NULL)",
    [TRACE_TIME_WINDOW] = "INSERT OR IGNORE INTO trace_windows VALUES (?1, ?2, ?3, NULL, NULL, ?4, ?5)",
};
#define KINDS (sizeof(inserts) / sizeof(inserts[0]))

struct trace_store
{
    sqlite3 *db;
    const char *path;
    sqlite3_stmt *insert[KINDS];
    sqlite3_stmt *begin, *commit, *rollback;
    char problem[TEXT_MAX];
};

const char *trace_store_problem(const trace_store_t *store) { return store->problem; }
sqlite3 *trace_store_database(trace_store_t *store) { return store->db; }

static int complain(trace_store_t *store, int code, const char *fix)
{
    snprintf(store->problem, sizeof(store->problem), "%s", NULL == store->db ? "out of memory" : sqlite3_errmsg(store->db));
    return cli_error(code, fix, "trace store %s: %s", store->path, store->problem);
}

static int refuse(const trace_store_t *store, const char *what)
{
    return cli_error(TP_ESTORE, "name another file with --db", "%s is no trace store: %s", store->path, what);
}

static bool run(trace_store_t *store, const char *sql) { return SQLITE_OK == sqlite3_exec(store->db, sql, NULL, NULL, NULL); }

/* One integer of a pragma or query; false when the file cannot even tell that. */
static bool ask(trace_store_t *store, const char *sql, int64_t *value)
{
    sqlite3_stmt *statement = NULL;
    const bool good = SQLITE_OK == sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) && SQLITE_ROW == sqlite3_step(statement);
    if (good) { *value = sqlite3_column_int64(statement, 0); }
    sqlite3_finalize(statement);
    return good;
}

/* ---- opening ------------------------------------------------------------------------------------------------------------ */

static int check_file(const trace_store_t *store, bool may_be_new)
{
    struct stat st;
    if ('\0' == store->path[0]) { return cli_error(TP_ESTORE, "name a file with --db", "the name of the trace store is empty"); }
    if (0 != lstat(store->path, &st))
    {
        if (ENOENT == errno && may_be_new) { return CLI_OK; }
        return cli_error(TP_ENOENT, "tp trace record makes one; --db names it", "trace store %s: %s", store->path, strerror(errno));
    }
    return S_ISREG(st.st_mode) ? CLI_OK : refuse(store, "not a regular file");
}

/* SQLite follows no symbolic link at all when it is to follow none: those of the directory are resolved before. */
static int real_path(const trace_store_t *store, char path[PATH_MAX + 256])
{
    char dir[PATH_MAX];
    char real[PATH_MAX];
    const char *const slash = strrchr(store->path, '/');
    const char *const name = NULL == slash ? store->path : slash + 1;
    const int length = NULL == slash ? snprintf(dir, sizeof(dir), ".") : snprintf(dir, sizeof(dir), "%.*s", (int)(name - store->path), store->path);
    if ((size_t)length >= sizeof(dir) || strlen(name) > NAME_MAX) { return refuse(store, "its name is too long"); }
    if (NULL == realpath(dir, real))
    {
        return cli_error(TP_EIO, "check directory and permissions", "trace store %s: %s", store->path, strerror(errno));
    }
    (void)snprintf(path, PATH_MAX + 256, "%s/%s", real, name);
    return CLI_OK;
}

/* The file may be anybody's: no triggers or views of its own, no functions called by its schema, no page taken as it comes. */
static int connect_file(trace_store_t *store, int flags)
{
    char path[PATH_MAX + 256];
    if (CLI_OK != real_path(store, path)) { return CLI_FAILED; }
    if (SQLITE_OK != sqlite3_open_v2(path, &store->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW, NULL))
    {
        return complain(store, TP_EIO, "check directory and permissions");
    }
    if (0 != (flags & SQLITE_OPEN_READWRITE) && 1 == sqlite3_db_readonly(store->db, "main"))     /* SQLite opens it to be read then */
    {
        return cli_error(TP_EIO, "check its permissions, or name another file with --db", "trace store %s cannot be written", store->path);
    }
    (void)sqlite3_extended_result_codes(store->db, 1);
    (void)sqlite3_busy_timeout(store->db, BUSY_MS);
    (void)sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(store->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    (void)sqlite3_db_config(store->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    (void)sqlite3_db_config(store->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    (void)sqlite3_limit(store->db, SQLITE_LIMIT_LENGTH, 1 << 20);
    return CLI_OK;
}

static bool has_object(trace_store_t *store, const object_t *object)
{
    sqlite3_stmt *statement = NULL;
    bool same = SQLITE_OK == sqlite3_prepare_v2(store->db, "SELECT sql FROM sqlite_schema WHERE type = ?1 AND name = ?2", -1, &statement, NULL) &&
        SQLITE_OK == sqlite3_bind_text(statement, 1, object->type, -1, SQLITE_STATIC) &&
        SQLITE_OK == sqlite3_bind_text(statement, 2, object->name, -1, SQLITE_STATIC) && SQLITE_ROW == sqlite3_step(statement);
    const char *sql = same ? (const char *)sqlite3_column_text(statement, 0) : NULL;
    same = NULL != sql && 0 == strcmp(sql, object->sql);
    sqlite3_finalize(statement);
    return same;
}

static int check_schema(trace_store_t *store)
{
    char text[TEXT_MAX];
    int64_t application = 0;
    int64_t version = 0;
    if (!ask(store, "PRAGMA application_id", &application) || !ask(store, "PRAGMA user_version", &version))
    {
        return refuse(store, sqlite3_errmsg(store->db));
    }
    if (TRACE_STORE_APPLICATION != application) { return refuse(store, "a database of another program"); }
    if (TRACE_STORE_VERSION != version)
    {
        snprintf(text, sizeof(text), "schema version %" PRId64 ", this program knows %d", version, TRACE_STORE_VERSION);
        return refuse(store, text);
    }
    for (size_t i = 0; i < OBJECTS; i++)
    {
        if (has_object(store, &objects[i])) { continue; }
        snprintf(text, sizeof(text), "its %s %s is missing or another one", objects[i].type, objects[i].name);
        return refuse(store, text);
    }
    return CLI_OK;
}

/* In one transaction, so that a program that dies meanwhile leaves an empty file. */
static int make_schema(trace_store_t *store)
{
    char pragmas[128];
    snprintf(pragmas, sizeof(pragmas), "PRAGMA application_id = %d; PRAGMA user_version = %d", TRACE_STORE_APPLICATION, TRACE_STORE_VERSION);
    bool good = run(store, "BEGIN IMMEDIATE");
    for (size_t i = 0; good && i < OBJECTS; i++) { good = run(store, objects[i].sql); }
    good = good && run(store, pragmas) && run(store, "COMMIT");
    return good ? CLI_OK : complain(store, TP_EIO, "check directory, permissions and free space");
}

static int prepare(trace_store_t *store)
{
    bool good = SQLITE_OK == sqlite3_prepare_v2(store->db, "BEGIN IMMEDIATE", -1, &store->begin, NULL) &&
        SQLITE_OK == sqlite3_prepare_v2(store->db, "COMMIT", -1, &store->commit, NULL) &&
        SQLITE_OK == sqlite3_prepare_v2(store->db, "ROLLBACK", -1, &store->rollback, NULL);
    for (size_t i = 0; good && i < KINDS; i++) { good = SQLITE_OK == sqlite3_prepare_v2(store->db, inserts[i], -1, &store->insert[i], NULL); }
    return good ? CLI_OK : complain(store, TP_ESTORE, NULL);
}

static int open_store(trace_store_t *store, bool writable, bool may_be_new)
{
    int64_t count = 0;
    const int flags = writable ? SQLITE_OPEN_READWRITE | (may_be_new ? SQLITE_OPEN_CREATE : 0) : SQLITE_OPEN_READONLY;
    int code = check_file(store, may_be_new);
    if (CLI_OK == code) { code = connect_file(store, flags); }
    if (CLI_OK != code) { return code; }
    if (!ask(store, "SELECT count(*) FROM sqlite_schema", &count)) { return refuse(store, sqlite3_errmsg(store->db)); }
    int64_t application = 0;
    const bool is_new = may_be_new && 0 == count && ask(store, "PRAGMA application_id", &application) && 0 == application;
    if (is_new) { code = make_schema(store); }
    if (CLI_OK == code) { code = check_schema(store); }
    if (CLI_OK != code || !writable) { return code; }
    if (!run(store, "PRAGMA journal_mode = WAL") || !run(store, "PRAGMA synchronous = NORMAL") || !run(store, "PRAGMA cell_size_check = ON"))
    {
        return complain(store, TP_EIO, "check permissions of the directory");
    }
    return prepare(store);
}

static int begin(trace_store_t **store, const char *path, bool writable, bool may_be_new)
{
    trace_store_t *made = calloc(1, sizeof(*made));
    if (NULL == made) { return cli_error(TP_ENOMEM, NULL, "no memory for the trace store"); }
    made->path = path;
    const int code = open_store(made, writable, may_be_new);
    if (CLI_OK == code) { *store = made; }
    else { trace_store_close(made); }
    return code;
}

int trace_store_create(trace_store_t **store, const char *path) { return begin(store, path, true, true); }
int trace_store_open(trace_store_t **store, const char *path, bool writable) { return begin(store, path, writable, false); }

void trace_store_close(trace_store_t *store)
{
    if (NULL == store) { return; }
    for (size_t i = 0; i < KINDS; i++) { sqlite3_finalize(store->insert[i]); }
    sqlite3_finalize(store->begin);
    sqlite3_finalize(store->commit);
    sqlite3_finalize(store->rollback);
    sqlite3_close(store->db);
    free(store);
}

/* ---- writing ------------------------------------------------------------------------------------------------------------ */

static bool step(sqlite3_stmt *statement)
{
    const int rc = sqlite3_step(statement);
    (void)sqlite3_reset(statement);
    return SQLITE_DONE == rc;
}

static bool bind(sqlite3_stmt *statement, const uint64_t *values, int count)
{
    bool good = true;
    for (int i = 0; i < count; i++) { good = SQLITE_OK == sqlite3_bind_int64(statement, i + 1, (sqlite3_int64)values[i]) && good; }   /* T-008 */
    return good;
}

static bool insert(trace_store_t *store, const trace_record_t *r)
{
    sqlite3_stmt *to = store->insert[r->kind];
    switch (r->kind)
    {
        case TRACE_FRAME:
            return bind(to, (const uint64_t[]){ r->stream_id, r->epoch, r->seq, r->stage_id, r->t_ns, r->trace_id, r->status }, 7) && step(to);
        case TRACE_LINK: return bind(to, (const uint64_t[]){ r->trace_id, r->parent }, 2) && step(to);
        case TRACE_NODE: return bind(to, (const uint64_t[]){ r->stage_id, r->seq, r->t_ns }, 3) && step(to);           /* T-017 D-094 */
        case TRACE_SEQ_WINDOW:
        case TRACE_TIME_WINDOW: return bind(to, (const uint64_t[]){ r->trace_id, r->stream_id, r->epoch, r->seq, r->parent }, 5) && step(to);
    }
    return false;
}

int trace_store_write(trace_store_t *store, const trace_record_t *records, size_t count)
{
    bool good = step(store->begin);
    for (size_t i = 0; good && i < count; i++) { good = insert(store, &records[i]); }
    if (good && step(store->commit)) { return 0; }
    snprintf(store->problem, sizeof(store->problem), "%s", sqlite3_errmsg(store->db));
    if (0 == sqlite3_get_autocommit(store->db)) { (void)step(store->rollback); }
    return -1;
}

sqlite3_stmt *trace_store_query(trace_store_t *store, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    if (SQLITE_OK == sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL)) { return statement; }
    (void)complain(store, TP_ESTORE, NULL);
    return NULL;
}
