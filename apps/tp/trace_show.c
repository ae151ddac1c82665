/*
 * tp trace show: one recursive query collects the traces above (or below) an id, nearest first; then each is looked up. What is in the file may be
 * anything, a circle too: traces, depth and frames are bounded, and each trace is shown once.
 */
#include "trace.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "out.h"

#include <jansson.h>

#define TRACES_MAX 4096
#define DEPTH_MAX 64
#define EDGES_MAX 65536
#define FRAMES_MAX 64                          /* of one trace */

typedef struct trace { uint64_t id; int depth; bool shown; int64_t first_ns, last_ns; bool has_frames; } trace_t;
typedef struct edge { size_t from, to; } edge_t;               /* from the trace that was asked for, outwards */

typedef struct walk
{
    const cli_args_t *args;
    trace_store_t *store;
    trace_t *traces;
    size_t trace_count;
    edge_t *edges;
    size_t edge_count;
    bool cut;
    sqlite3_stmt *frames;
    bool failed;
}
walk_t;

/* ---- collecting --------------------------------------------------------------------------------------------------------- */

static const char *const ancestors =                                            /* T-049 */
    "WITH RECURSIVE walk(id, depth) AS (VALUES (?1, 0) UNION SELECT l.parent_trace_id, w.depth + 1 FROM walk w JOIN trace_links l "
    "ON l.trace_id = w.id WHERE w.depth < ?2 LIMIT ?3) SELECT id, min(depth) FROM walk GROUP BY id ORDER BY 2, 1";
static const char *const progeny =
    "WITH RECURSIVE walk(id, depth) AS (VALUES (?1, 0) UNION SELECT l.trace_id, w.depth + 1 FROM walk w JOIN trace_links l "
    "ON l.parent_trace_id = w.id WHERE w.depth < ?2 LIMIT ?3) SELECT id, min(depth) FROM walk GROUP BY id ORDER BY 2, 1";

static size_t find(const walk_t *w, uint64_t id)
{
    for (size_t i = 0; i < w->trace_count; i++)
    {
        if (id == w->traces[i].id) { return i; }
    }
    return SIZE_MAX;
}

static int query_failed(walk_t *w, const char *what)
{
    w->failed = true;
    return cli_error(TP_ESTORE, "the file is damaged; sqlite3 FILE .recover may save the rest", "%s: %s", what,
        sqlite3_errmsg(trace_store_database(w->store)));
}

static int collect_traces(walk_t *w, uint64_t id)
{
    sqlite3_stmt *q = trace_store_query(w->store, w->args->children ? progeny : ancestors);
    int rc = SQLITE_ROW;
    if (NULL == q) { return CLI_FAILED; }
    (void)sqlite3_bind_int64(q, 1, (sqlite3_int64)id);
    (void)sqlite3_bind_int(q, 2, DEPTH_MAX);
    (void)sqlite3_bind_int(q, 3, EDGES_MAX);
    while (SQLITE_ROW == (rc = sqlite3_step(q)) && w->trace_count < TRACES_MAX)
    {
        w->traces[w->trace_count++] = (trace_t){ .id = (uint64_t)sqlite3_column_int64(q, 0), .depth = sqlite3_column_int(q, 1) };
    }
    w->cut = SQLITE_ROW == rc;
    const int code = SQLITE_ROW == rc || SQLITE_DONE == rc ? CLI_OK : query_failed(w, "links");
    sqlite3_finalize(q);
    return code;
}

static int collect_edges(walk_t *w)
{
    sqlite3_stmt *q = trace_store_query(w->store, w->args->children ? "SELECT trace_id FROM trace_links WHERE parent_trace_id = ?1 ORDER BY 1" :
        "SELECT parent_trace_id FROM trace_links WHERE trace_id = ?1 ORDER BY 1");
    int rc = SQLITE_DONE;
    if (NULL == q) { return CLI_FAILED; }
    for (size_t i = 0; i < w->trace_count && (SQLITE_DONE == rc || SQLITE_ROW == rc); i++)
    {
        (void)sqlite3_reset(q);
        (void)sqlite3_bind_int64(q, 1, (sqlite3_int64)w->traces[i].id);
        while (SQLITE_ROW == (rc = sqlite3_step(q)))
        {
            const size_t to = find(w, (uint64_t)sqlite3_column_int64(q, 0));
            if (EDGES_MAX == w->edge_count || SIZE_MAX == to) { w->cut = true; break; }
            w->edges[w->edge_count++] = (edge_t){ i, to };
        }
    }
    const int code = SQLITE_ROW == rc || SQLITE_DONE == rc ? CLI_OK : query_failed(w, "links");
    sqlite3_finalize(q);
    return code;
}

/* ---- one trace ---------------------------------------------------------------------------------------------------------- */

typedef struct frame { uint32_t stream_id, stage_id; uint64_t epoch, seq; int64_t t_ns, status; } frame_t;

static size_t frames_of(walk_t *w, uint64_t id, frame_t *frames)
{
    size_t count = 0;
    int rc = SQLITE_ROW;
    (void)sqlite3_reset(w->frames);
    (void)sqlite3_bind_int64(w->frames, 1, (sqlite3_int64)id);
    while (count < FRAMES_MAX && SQLITE_ROW == (rc = sqlite3_step(w->frames)))
    {
        frames[count++] = (frame_t){ .stream_id = (uint32_t)sqlite3_column_int64(w->frames, 0), .epoch = (uint64_t)sqlite3_column_int64(w->frames, 1),
            .seq = (uint64_t)sqlite3_column_int64(w->frames, 2), .stage_id = (uint32_t)sqlite3_column_int64(w->frames, 3),
            .t_ns = sqlite3_column_int64(w->frames, 4), .status = sqlite3_column_int64(w->frames, 5) };
    }
    if (SQLITE_ROW != rc && SQLITE_DONE != rc) { (void)query_failed(w, "frames"); }
    return count;
}

static void time_traces(walk_t *w)
{
    frame_t frames[FRAMES_MAX];
    for (size_t i = 0; i < w->trace_count && !w->failed; i++)
    {
        const size_t count = frames_of(w, w->traces[i].id, frames);
        if (0 == count) { continue; }
        w->traces[i].has_frames = true;
        w->traces[i].first_ns = frames[0].t_ns;
        w->traces[i].last_ns = frames[count - 1].t_ns;
    }
}

/* From the last frame of the parent to the first of its child; false when one of them was not seen. */
static bool hop_of(const walk_t *w, const edge_t *edge, int64_t *ns)
{
    const trace_t *parent = &w->traces[w->args->children ? edge->from : edge->to];
    const trace_t *child = &w->traces[w->args->children ? edge->to : edge->from];
    if (!parent->has_frames || !child->has_frames) { return false; }
    *ns = (int64_t)((uint64_t)child->first_ns - (uint64_t)parent->last_ns);
    return true;
}

/* ---- text --------------------------------------------------------------------------------------------------------------- */

static void print_frames(walk_t *w, const trace_t *trace, int indent)
{
    frame_t frames[FRAMES_MAX];
    char age[CLI_TEXT_MAX];
    const size_t count = frames_of(w, trace->id, frames);
    for (size_t i = 0; i < count; i++)
    {
        printf("%*s  stream %" PRIu32 "  seq %" PRIu64 "  epoch %" PRIu64 "  at %" PRId64 ".%09" PRId64 " s", indent, "", frames[i].stream_id,
            frames[i].seq, frames[i].epoch, frames[i].t_ns / CLI_NS_PER_S, frames[i].t_ns < 0 ? INT64_C(0) : frames[i].t_ns % CLI_NS_PER_S);
        if (frames[i].stage_id != frames[i].stream_id) { printf("  stage %" PRIu32, frames[i].stage_id); }
        if (i > 0) { printf("  +%s", cli_human_ns(age, (double)frames[i].t_ns - (double)frames[i - 1].t_ns)); }
        if (0 != frames[i].status) { printf("  status %" PRId64, frames[i].status); }
        putchar('\n');
    }
    if (0 == count) { printf("%*s  no frame of it was seen\n", indent, ""); }
}

static void print_tree(walk_t *w, size_t at, const edge_t *edge, int depth)
{
    char text[CLI_TEXT_MAX];
    tp_trace_id_parts_t parts;
    int64_t hop = 0;
    trace_t *trace = &w->traces[at];
    (void)tp_trace_id_split(trace->id, NULL, &parts);
    printf("%*s0x%016" PRIx64 "  node %" PRIu32, 2 * depth, "", trace->id, parts.node_id);
    if (NULL != edge && hop_of(w, edge, &hop)) { printf("  %s %s", w->args->children ? "after" : "before by", cli_human_ns(text, (double)hop)); }
    if (trace->shown || depth >= DEPTH_MAX)
    {
        printf("  (see above)\n");
        return;
    }
    putchar('\n');
    trace->shown = true;
    print_frames(w, trace, 2 * depth);
    for (size_t i = 0; i < w->edge_count; i++)
    {
        if (at == w->edges[i].from) { print_tree(w, w->edges[i].to, &w->edges[i], depth + 1); }
    }
}

/* ---- JSON and DOT ------------------------------------------------------------------------------------------------------- */

static json_t *frame_json(const frame_t *frame, const frame_t *before)
{
    json_t *hop = NULL == before ? json_null() : json_integer((json_int_t)((uint64_t)frame->t_ns - (uint64_t)before->t_ns));
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:I,s:o}", "stream_id", cli_json_id(frame->stream_id), "epoch", cli_json_id(frame->epoch), "seq",
        cli_json_id(frame->seq), "stage_id", cli_json_id(frame->stage_id), "t_ns", cli_json_id((uint64_t)frame->t_ns), "status",
        (json_int_t)frame->status, "hop_ns", hop);
}

static bool print_json(walk_t *w, size_t at)
{
    frame_t frames[FRAMES_MAX];
    tp_trace_id_parts_t parts;
    const trace_t *trace = &w->traces[at];
    const size_t count = frames_of(w, trace->id, frames);
    json_t *list = json_array();
    json_t *links = json_array();
    (void)tp_trace_id_split(trace->id, NULL, &parts);
    for (size_t i = 0; i < count; i++) { json_array_append_new(list, frame_json(&frames[i], 0 == i ? NULL : &frames[i - 1])); }
    for (size_t i = 0; i < w->edge_count; i++)
    {
        int64_t hop = 0;
        if (at != w->edges[i].from) { continue; }
        const bool known = hop_of(w, &w->edges[i], &hop);
        json_array_append_new(links, json_pack("{s:o,s:o}", "trace_id", cli_json_id(w->traces[w->edges[i].to].id), "hop_ns",
            known ? json_integer((json_int_t)hop) : json_null()));
    }
    return cli_json_line(json_pack("{s:s,s:o,s:i,s:o,s:o,s:i,s:o,s:o}", "type", "trace", "trace_id", cli_json_id(trace->id), "depth", trace->depth,
        "node_id", cli_json_id(parts.node_id), "made_ms", cli_json_id(parts.time_ms), "sequence", (int)parts.sequence, "frames", list,
        w->args->children ? "children" : "parents", links));
}

static void print_dot(walk_t *w)
{
    frame_t frames[FRAMES_MAX];
    char text[CLI_TEXT_MAX];
    printf("digraph trace {\n    rankdir = LR;\n    node [shape = box];\n");
    for (size_t i = 0; i < w->trace_count; i++)
    {
        const size_t count = frames_of(w, w->traces[i].id, frames);
        printf("    \"0x%" PRIx64 "\" [label = \"0x%" PRIx64, w->traces[i].id, w->traces[i].id);
        for (size_t k = 0; k < count; k++) { printf("\\nstream %" PRIu32 " seq %" PRIu64, frames[k].stream_id, frames[k].seq); }
        printf("\"];\n");
    }
    for (size_t i = 0; i < w->edge_count; i++)
    {
        int64_t hop = 0;
        const edge_t *e = &w->edges[i];
        printf("    \"0x%" PRIx64 "\" -> \"0x%" PRIx64 "\"", w->traces[w->args->children ? e->from : e->to].id,
            w->traces[w->args->children ? e->to : e->from].id);
        if (hop_of(w, e, &hop)) { printf(" [label = \"%s\"]", cli_human_ns(text, (double)hop)); }
        printf(";\n");
    }
    printf("}\n");
}

/* ---- the whole ---------------------------------------------------------------------------------------------------------- */

static int print_all(walk_t *w)
{
    const bool found = w->traces[0].has_frames || w->edge_count > 0;
    if (!found)
    {
        return cli_error(TP_ENOENT, "tp trace record stores them while it runs", "trace 0x%" PRIx64 " is not in %s", w->traces[0].id,
            trace_store_path(w->args));
    }
    if (w->cut) { cli_warn(TP_EFULL, NULL, "only a part is shown: %zu traces, %zu links", w->trace_count, w->edge_count); }
    if (w->args->dot) { print_dot(w); }
    else if (!w->args->json) { print_tree(w, 0, NULL, 0); }
    for (size_t i = 0; w->args->json && !w->args->dot && i < w->trace_count && print_json(w, i); i++) { }
    return w->failed ? CLI_FAILED : CLI_OK;
}

int trace_show(const cli_args_t *args, const char *trace_id)
{
    walk_t w = { .args = args };
    uint64_t id = 0;
    if (!trace_parse_id(trace_id, &id))
    {
        return cli_usage("trace", "'%s' is no trace id; 7412281402982420487 or 0x66ddb6aa00005007 is one", trace_id);
    }
    int code = trace_store_open(&w.store, trace_store_path(args), false);
    w.traces = calloc(TRACES_MAX, sizeof(w.traces[0]));
    w.edges = calloc(EDGES_MAX, sizeof(w.edges[0]));
    if (CLI_OK == code && (NULL == w.traces || NULL == w.edges)) { code = cli_error(TP_ENOMEM, NULL, "no memory for the traces"); }
    if (CLI_OK == code)
    {
        w.frames = trace_store_query(w.store, "SELECT stream_id, epoch, seq, stage_id, t_ns, status FROM frames WHERE trace_id = ?1 ORDER BY t_ns");
        code = NULL == w.frames ? CLI_FAILED : collect_traces(&w, id);
    }
    if (CLI_OK == code) { code = collect_edges(&w); }
    if (CLI_OK == code) { time_traces(&w); }
    if (CLI_OK == code) { code = w.failed ? CLI_FAILED : print_all(&w); }
    sqlite3_finalize(w.frames);
    trace_store_close(w.store);
    free(w.traces);
    free(w.edges);
    return code;
}
