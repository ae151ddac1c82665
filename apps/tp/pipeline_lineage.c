/*
 * Lineage as `tp trace record` has stored it (40-tracelink.md section 6), against what the processes told: the parents of every derived frame, and
 * the ancestors of the last joined one, with the times at which each was published.
 */
#include <inttypes.h>
#include <string.h>

#include <sqlite3.h>

#include "connect.h"
#include "pipeline.h"

#define GENERATIONS_MAX 8

/* Parents of a frame as stored, at most PIPE_INPUTS; more make it wrong anyhow. Their number. */
static int stored_parents(sqlite3_stmt *ask, uint64_t trace_id, uint64_t parents[PIPE_INPUTS + 1])
{
    int count = 0;
    (void)sqlite3_reset(ask);
    (void)sqlite3_bind_int64(ask, 1, (sqlite3_int64)trace_id);
    while (count <= PIPE_INPUTS && SQLITE_ROW == sqlite3_step(ask)) { parents[count++] = (uint64_t)sqlite3_column_int64(ask, 0); }
    return count;
}

static bool is_among(uint64_t id, const uint64_t *ids, int count)
{
    for (int i = 0; i < count; i++)
    {
        if (id == ids[i]) { return true; }
    }
    return false;
}

static void compare_links(pipeline_t *p, sqlite3_stmt *ask, const pipe_log_t *log)
{
    pipe_verdict_t *v = &p->verdict;
    uint64_t parents[PIPE_INPUTS + 1];
    for (size_t i = 0; i < log->count; i++)
    {
        const pipe_record_t *frame = &log->items[i];
        const int count = stored_parents(ask, frame->trace_id, parents);
        bool same = (uint32_t)count == frame->parent_count;
        for (uint32_t j = 0; same && j < frame->parent_count; j++) { same = is_among(frame->parents[j], parents, count); }
        if (0 == count) { v->links_missing++; }
        else if (same) { v->links_right++; }
        else { v->links_wrong++; }
    }
}

/* A frame and, below it, its parents; depth counts generations above the first. */
static json_t *tree(pipeline_t *p, sqlite3_stmt *ask, uint64_t trace_id, int depth)
{
    uint64_t parents[PIPE_INPUTS + 1];
    const pipe_record_t *frame = NULL;
    json_t *list = json_array();
    int stream = 0;
    while (stream < PIPE_STREAMS && NULL == (frame = pipe_log_find(&p->roles[stream].log, trace_id))) { stream++; }
    const int count = depth < GENERATIONS_MAX ? stored_parents(ask, trace_id, parents) : 0;
    if (depth > p->verdict.lineage_depth) { p->verdict.lineage_depth = depth; }
    for (int i = 0; i < count; i++) { json_array_append_new(list, tree(p, ask, parents[i], depth + 1)); }
    return json_pack("{s:s,s:o,s:I,s:o,s:o,s:o}", "stream", NULL != frame ? pipe_names[stream] : "unknown", "trace_id", cli_json_id(trace_id), "seq",
        (json_int_t)(NULL != frame ? frame->seq : 0), "captured_ns", cli_json_id(NULL != frame ? (uint64_t)frame->capture_ns : 0), "published_ns",
        cli_json_id(NULL != frame ? (uint64_t)frame->done_ns : 0), "parents", list);
}

void pipe_lineage(pipeline_t *p)
{
    static const char question[] = "SELECT parent_trace_id FROM trace_links WHERE trace_id = ?1 ORDER BY parent_trace_id";
    const pipe_log_t *joined = &p->roles[PIPE_JOINED].log;
    sqlite3 *store = NULL;
    sqlite3_stmt *ask = NULL;
    pipe_count_joined(p);
    if (SQLITE_OK != sqlite3_open_v2(p->store, &store, SQLITE_OPEN_READONLY, NULL) ||
        SQLITE_OK != sqlite3_prepare_v2(store, question, -1, &ask, NULL))
    {
        (void)cli_error(TP_EIO, NULL, "'%s': %s", p->store, NULL != store ? sqlite3_errmsg(store) : "no memory");
    }
    else
    {
        compare_links(p, ask, &p->roles[PIPE_SMALL].log);
        compare_links(p, ask, joined);
        if (joined->count > 0) { p->verdict.lineage = tree(p, ask, joined->items[joined->count - 1].trace_id, 0); }
    }
    (void)sqlite3_finalize(ask);
    (void)sqlite3_close(store);
}

static int64_t time_of(const json_t *frame, const char *key)
{
    int64_t ns = 0;
    (void)sscanf(json_string_value(json_object_get(frame, key)), "%" SCNd64, &ns);
    return ns;
}

/* child: the frame that was made of this one, NULL for the last. */
static void print_frame(const json_t *frame, const json_t *child, const char *indent, const char *branch)
{
    char made[CLI_TEXT_MAX];
    char hop[CLI_TEXT_MAX];
    const int64_t published_ns = time_of(frame, "published_ns");
    printf("%s%s%s %" JSON_INTEGER_FORMAT "  trace id %s  published %s after capture", indent, branch,
        json_string_value(json_object_get(frame, "stream")), json_integer_value(json_object_get(frame, "seq")),
        json_string_value(json_object_get(frame, "trace_id")), cli_human_ns(made, (double)(published_ns - time_of(frame, "captured_ns"))));
    if (NULL != child) { printf(", %s before the %s", cli_human_ns(hop, (double)(time_of(child, "published_ns") - published_ns)),
        json_string_value(json_object_get(child, "stream"))); }
    putchar('\n');
}

static void print_parents(const json_t *frame, const char *indent)
{
    const json_t *parents = json_object_get(frame, "parents");
    const size_t count = json_array_size(parents);
    for (size_t i = 0; i < count; i++)
    {
        char deeper[64];
        const bool last = i + 1 == count;
        print_frame(json_array_get(parents, i), frame, indent, last ? "`-- " : "|-- ");
        snprintf(deeper, sizeof(deeper), "%s%s", indent, last ? "    " : "|   ");
        print_parents(json_array_get(parents, i), deeper);
    }
}

void pipe_lineage_print(const pipeline_t *p)
{
    if (NULL == p->verdict.lineage) { return; }
    printf("\nWhere the last joined frame came from:\n");
    print_frame(p->verdict.lineage, NULL, "  ", "");
    print_parents(p->verdict.lineage, "  ");
}
