/* What the pipeline demo says: the live table, the summary. */
#include <inttypes.h>
#include <string.h>

#include "connect.h"
#include "pipeline.h"

const char *pipe_reason_name(int reason)
{
    static const char *const names[] = { "waiting", "lost", "other_time", "overwritten_late", "not_published", "other_trace" };
    _Static_assert(sizeof(names) / sizeof(names[0]) == PIPE_REASONS - PIPE_WAITING, "a name for each");
    return reason < PIPE_WAITING ? tp_unjoined_name(reason) : reason < PIPE_REASONS ? names[reason - PIPE_WAITING] : "unknown";
}

static uint64_t lost_of(const pipe_process_t *role)
{
    uint64_t lost = 0;
    for (uint32_t i = 0; i < role->last.input_count; i++) { lost += role->last.inputs[i].lost; }
    return lost;
}

static uint64_t unjoined_of(const pipeline_t *p)
{
    uint64_t count = 0;
    for (int r = 0; r < PIPE_REASONS; r++) { count += PIPE_WAITING == r ? 0 : p->roles[PIPE_JOINED].last.unjoined[r]; }
    return count;
}

/* Frames of the last second. */
static double rate_of(const pipe_process_t *role, int64_t now_ns)
{
    size_t count = 0;
    while (count < role->log.count && role->log.items[role->log.count - 1 - count].done_ns > now_ns - CLI_NS_PER_S) { count++; }
    return (double)count;
}

static void status_json(const pipeline_t *p, double seconds, int64_t now_ns)
{
    json_t *roles = json_array();
    for (int i = 0; i < PIPE_ROLES; i++)
    {
        const pipe_process_t *role = &p->roles[i];
        json_array_append_new(roles, json_pack("{s:s,s:I,s:f,s:I}", "name", pipe_names[i], "frames", (json_int_t)role->log.count, "hz",
            rate_of(role, now_ns), "lost", (json_int_t)lost_of(role)));
    }
    (void)cli_json_line(json_pack("{s:s,s:f,s:I,s:I,s:o}", "type", "status", "seconds", seconds, "joined",
        (json_int_t)p->roles[PIPE_JOINED].log.count, "unjoined", (json_int_t)unjoined_of(p), "processes", roles));
}

static void status_line(const pipeline_t *p, double seconds)
{
    const pipe_process_t *r = p->roles;
    printf("%5.1f s  camera %zu, bikes %zu  |  small %zu, %" PRIu64 " lost  |  joined %zu, %" PRIu64 " not  |  viewer %zu of them\n", seconds,
        r[PIPE_CAMERA].log.count, r[PIPE_BIKES].log.count, r[PIPE_SMALL].log.count, lost_of(&r[PIPE_SMALL]), r[PIPE_JOINED].log.count,
        unjoined_of(p), r[PIPE_VIEWER].log.count);
}

static void status_table(pipeline_t *p, double seconds, int64_t now_ns)
{
    static const char *const headings[] = { "", ">FRAMES", ">HZ", ">LOST", ">AGE", "PICTURE", "MADE OF", NULL };
    static const char *const made_of[PIPE_ROLES] = { "", "", "camera, smaller (a process of its own)", "camera + small + bikes, by capture time",
        "joined, on a private stream of 4 Hz" };
    cli_table_t table;
    char text[CLI_TEXT_MAX];
    if (p->drawn_lines > 0) { printf("\x1b[%dA\x1b[J", p->drawn_lines); }
    printf("pipeline of %s: %5.1f of %.0f s, %" PRIu64 " not joined\n", '\0' != p->video[0][0] ? "two videos" : "two drawn pictures", seconds,
        p->seconds, unjoined_of(p));
    cli_table_init(&table, headings);
    for (int i = 0; i < PIPE_ROLES; i++)
    {
        const pipe_process_t *role = &p->roles[i];
        const int *size = pipe_sizes[i < PIPE_STREAMS ? i : PIPE_JOINED];
        cli_table_cell(&table, "%s", pipe_names[i]);
        cli_table_cell(&table, "%zu", role->log.count);
        cli_table_cell(&table, "%.0f", rate_of(role, now_ns));
        cli_table_cell(&table, "%" PRIu64, PIPE_VIEWER == i ? 0 : lost_of(role));
        cli_table_cell(&table, "%s", 0 == role->log.count ? "" : cli_human_ns(text, (double)(role->last.done_ns - role->last.capture_ns)));
        cli_table_cell(&table, "%dx%d", size[0], size[1]);
        cli_table_cell(&table, "%s", made_of[i]);
    }
    cli_table_print(&table, stdout);
    cli_table_fini(&table);
    p->drawn_lines = 2 + PIPE_ROLES;
}

void pipe_status(pipeline_t *p, int64_t now_ns)
{
    if (now_ns < p->next_status_ns) { return; }
    const double seconds = (double)(now_ns - p->start_ns) / 1e9;
    p->next_status_ns = now_ns + (p->live ? CLI_NS_PER_S / 5 : CLI_NS_PER_S);
    if (p->args->json) { status_json(p, seconds, now_ns); }
    else if (p->live) { status_table(p, seconds, now_ns); }
    else { status_line(p, seconds); }
    (void)cli_flush();
}

static void summary_json(const pipeline_t *p, bool ok)
{
    const pipe_verdict_t *v = &p->verdict;
    json_t *reasons = json_object();
    json_t *frames = json_object();
    for (int r = 0; r < PIPE_REASONS; r++) { json_object_set_new(reasons, pipe_reason_name(r), json_integer((json_int_t)v->by_reason[r])); }
    for (int i = 0; i < PIPE_ROLES; i++) { json_object_set_new(frames, pipe_names[i], json_integer((json_int_t)p->roles[i].log.count)); }
    (void)cli_json_line(json_pack("{s:s,s:b,s:o,s:I,s:I,s:o,s:i,s:O?,s:{s:I,s:I,s:I},s:f,s:f,s:s,s:s,s:o}", "type", "summary", "ok", (int)ok,
        "frames", frames, "derived", (json_int_t)v->derived, "joined", (json_int_t)v->joined, "unjoined_by_reason", reasons, "lineage_depth",
        v->lineage_depth, "lineage", v->lineage, "links", "right", (json_int_t)v->links_right, "wrong", (json_int_t)v->links_wrong, "missing",
        (json_int_t)v->links_missing, "seconds", p->seconds, "hz", p->hz, "source", '\0' != p->video[0][0] ? "video" : "synthetic", "png", p->png,
        "checks", demo_checks_json(&p->checks)));
}

bool pipe_summary(pipeline_t *p)
{
    const bool ok = demo_checks_ok(&p->checks);
    const pipe_verdict_t *v = &p->verdict;
    if (p->args->json)
    {
        summary_json(p, ok);
        return ok;
    }
    pipe_lineage_print(p);
    printf("\n%" PRIu64 " of %" PRIu64 " small pictures joined", v->joined, v->derived);
    for (int r = 0; r < PIPE_REASONS; r++)
    {
        if (v->by_reason[r] > 0) { printf(", %s %" PRIu64, pipe_reason_name(r), v->by_reason[r]); }
    }
    printf("\n\n");
    demo_checks_print(&p->checks);
    printf("\n%s%s.\n", ok ? "All is well; one joined frame is in " : "The demo failed", ok ? p->png : "");
    (void)cli_flush();
    return ok;
}
