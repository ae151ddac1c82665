/* The verdict on the pipeline demo: each process' counts against the log of whoever it read from, and the join's frames against the stage's. */
#include <inttypes.h>
#include <stdlib.h>

#include "connect.h"
#include "pipeline.h"

static int compare_trace(const void *a, const void *b)
{
    const pipe_record_t *x = a;
    const pipe_record_t *y = b;
    return (x->trace_id > y->trace_id) - (x->trace_id < y->trace_id);
}

const pipe_record_t *pipe_log_find(const pipe_log_t *log, uint64_t trace_id)
{
    const pipe_record_t key = { .trace_id = trace_id };
    return 0 == log->count ? NULL : bsearch(&key, log->items, log->count, sizeof(key), compare_trace);
}

/* Trace ids of one process grow with time: sorting changes nothing, unless something is wrong. */
static void sort_logs(pipeline_t *p)
{
    for (int i = 0; i < PIPE_STREAMS; i++)
    {
        if (p->roles[i].log.count > 1) { qsort(p->roles[i].log.items, p->roles[i].log.count, sizeof(pipe_record_t), compare_trace); }
    }
}

static uint64_t published_between(const pipe_log_t *log, const pipe_input_t *input)
{
    uint64_t count = 0;
    for (size_t i = 0; i < log->count; i++)
    {
        const pipe_record_t *r = &log->items[i];
        if (r->epoch == input->epoch && r->seq >= input->first_seq && r->seq <= input->last_seq) { count++; }
    }
    return count;
}

/* Of the small pictures that were claimed between the first and the last that the join read. */
static uint64_t given_up_between(const pipeline_t *p, const pipe_input_t *input)
{
    const uint64_t published = published_between(&p->roles[PIPE_SMALL].log, input);
    const uint64_t claimed = input->received > 0 && input->last_seq >= input->first_seq ? input->last_seq - input->first_seq + 1 : 0;
    const uint64_t aborted = p->roles[PIPE_SMALL].last.aborted;
    const uint64_t missing = claimed > published ? claimed - published : 0;
    return missing < aborted ? missing : aborted;
}

/* Frames given up before the reader came or after its last one are none that it missed: at most all of them, at least none. */
static void check_input(pipeline_t *p, pipe_role_t reader, int input, pipe_role_t writer)
{
    const pipe_input_t *in = &p->roles[reader].last.inputs[input];
    const uint64_t aborted = p->roles[writer].last.aborted;
    const uint64_t published = published_between(&p->roles[writer].log, in);
    char name[40];
    snprintf(name, sizeof(name), "%s reads %s", pipe_names[reader], pipe_names[writer]);
    const uint64_t told = in->received + in->lost;
    demo_check(&p->checks, in->received > 0 && told >= published && told - published <= aborted, name,
        "%" PRIu64 " received + %" PRIu64 " lost, %" PRIu64 " published since it joined, %" PRIu64 " given up", in->received, in->lost, published,
        aborted);
}

/* What a stage read has to be what the writer of that trace id wrote. */
static bool same_bytes(const pipeline_t *p, const pipe_record_t *frame, int parent, pipe_role_t writer)
{
    const pipe_record_t *from = pipe_log_find(&p->roles[writer].log, frame->parents[parent]);
    return NULL != from && from->crc == frame->parent_crcs[parent];
}

/* By time it was joined with an original; by trace id that has to be the one that the small picture was made of. */
static bool is_joined(const pipeline_t *p, const pipe_record_t *frame)
{
    const pipe_record_t *small = pipe_log_find(&p->roles[PIPE_SMALL].log, frame->parents[PIPE_SMALL]);
    if (NULL == small || small->parents[0] != frame->parents[PIPE_CAMERA] || small->capture_ns != frame->capture_ns) { return false; }
    for (int i = 0; i < PIPE_INPUTS; i++)
    {
        if (!same_bytes(p, frame, i, (pipe_role_t)i)) { return false; }
    }
    return same_bytes(p, small, 0, PIPE_CAMERA);
}

void pipe_count_joined(pipeline_t *p)
{
    pipe_verdict_t *v = &p->verdict;
    const pipe_log_t *joined = &p->roles[PIPE_JOINED].log;
    sort_logs(p);
    v->derived = p->roles[PIPE_SMALL].log.count;
    for (int r = 0; r < PIPE_OTHER_TRACE; r++) { v->by_reason[r] = p->roles[PIPE_JOINED].last.unjoined[r]; }
    const uint64_t aborted = given_up_between(p, &p->roles[PIPE_JOINED].last.inputs[PIPE_SMALL]);      /* no frames, so none that were lost */
    v->by_reason[PIPE_LOST] -= aborted < v->by_reason[PIPE_LOST] ? aborted : v->by_reason[PIPE_LOST];
    for (size_t i = 0; i < joined->count; i++)
    {
        if (is_joined(p, &joined->items[i])) { v->joined++; }
        else { v->by_reason[PIPE_OTHER_TRACE]++; }
    }
}

static void judge_join(pipeline_t *p)
{
    const pipe_verdict_t *v = &p->verdict;
    uint64_t unjoined = 0;
    for (int r = 0; r < PIPE_REASONS; r++) { unjoined += v->by_reason[r]; }
    demo_check(&p->checks, v->derived > 0 && (double)v->joined >= PIPE_JOINED_SHARE * (double)v->derived, "joined",
        "%" PRIu64 " of %" PRIu64 " small pictures with their original, at least 90 %%", v->joined, v->derived);
    demo_check(&p->checks, v->joined + unjoined == v->derived, "join adds up", "%" PRIu64 " joined + %" PRIu64 " not, %" PRIu64 " derived", v->joined,
        unjoined, v->derived);
    for (int i = 0; i < PIPE_STREAMS; i++)
    {
        char name[40];
        const pipe_process_t *role = &p->roles[i];
        snprintf(name, sizeof(name), "%s adds up", pipe_names[i]);
        demo_check(&p->checks, role->log.count == role->last.frames, name, "%zu frames told, %" PRIu64 " counted by the library", role->log.count,
            role->last.frames);
    }
}

static void judge_viewer(pipeline_t *p)
{
    const pipe_process_t *viewer = &p->roles[PIPE_VIEWER];
    const pipe_record_t *joined = &p->roles[PIPE_JOINED].last;
    const pipe_log_t *log = &viewer->log;
    uint64_t foreign = 0;
    for (size_t i = 0; i < log->count; i++)
    {
        const pipe_record_t *from = pipe_log_find(&p->roles[PIPE_JOINED].log, log->items[i].trace_id);
        foreign += NULL == from || from->crc != log->items[i].crc ? 1 : 0;
    }
    const double seconds = log->count > 1 ? (double)(log->items[log->count - 1].done_ns - log->items[0].done_ns) / 1e9 : 0.0;
    const double hz = seconds > 0.0 ? (double)(log->count - 1) / seconds : 0.0;
    demo_check(&p->checks, 0 != viewer->last.private_stream && TP_MODE_RATE_LIMITED == viewer->last.mode, "supervisor",
        "the viewer, which asked for plain streaming, reads the private stream %" PRIu32 " in mode %s", viewer->last.private_stream,
        TP_MODE_RATE_LIMITED == viewer->last.mode ? "RATE_LIMITED" : "STREAM");
    demo_check(&p->checks, log->count > 1 && hz <= 1.25 * PIPE_VIEWER_HZ && joined->private_thinned > 0, "viewer is spared",
        "%.1f frames a second, granted %u; %" PRIu64 " sent, %" PRIu64 " left out", hz, PIPE_VIEWER_HZ, joined->private_sent,
        joined->private_thinned);
    demo_check(&p->checks, 0 == foreign, "viewer's content", "%" PRIu64 " of %zu frames are not what the join wrote", foreign, log->count);
}

void pipe_judge(pipeline_t *p, bool ended_well, const char *leftovers)
{
    const pipe_verdict_t *v = &p->verdict;
    const double wanted[2] = { 0.5 * p->hz * p->seconds, 0.5 * p->hz * PIPE_BIKES_SHARE * p->seconds };
    bool named = true;
    for (int i = 0; i < 2; i++)
    {
        char name[40];
        snprintf(name, sizeof(name), "%s published", pipe_names[i]);
        demo_check(&p->checks, (double)p->roles[i].log.count >= wanted[i], name, "%zu frames, at least %.0f", p->roles[i].log.count, wanted[i]);
    }
    for (int i = 0; i < PIPE_ROLES; i++)
    {
        for (uint32_t j = 0; j < p->roles[i].last.input_count; j++) { named = named && 1 == p->roles[i].last.inputs[j].by_discovery; }
    }
    named = named && 1 == p->roles[PIPE_VIEWER].last.input_count && PIPE_INPUTS == p->roles[PIPE_JOINED].last.input_count;
    demo_check(&p->checks, named, "found by name", "all inputs, at the discovery service");
    check_input(p, PIPE_SMALL, 0, PIPE_CAMERA);
    for (int i = 0; i < PIPE_INPUTS; i++) { check_input(p, PIPE_JOINED, i, (pipe_role_t)i); }
    check_input(p, PIPE_VIEWER, 0, PIPE_JOINED);
    judge_join(p);
    judge_viewer(p);
    demo_check(&p->checks, 0 == v->links_wrong && v->links_right > 0 && v->links_missing * 100 <= v->links_right, "parents",
        "%" PRIu64 " frames with the parents that their stage used, %" PRIu64 " with others, %" PRIu64 " without a recorded link", v->links_right,
        v->links_wrong, v->links_missing);
    demo_check(&p->checks, v->lineage_depth >= 2, "lineage", "%d generations above the last joined frame, at least 2", v->lineage_depth);
    demo_check(&p->checks, ended_well, "processes", "%s", ended_well ? "all ended by themselves" : "one did not end by itself with status 0");
    demo_check(&p->checks, p->host.nothing_left, "nothing left", "%s", p->host.nothing_left ? "in shared memory" : leftovers);
}
