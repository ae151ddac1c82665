/*
 * Stages of a pipeline: collect the inputs of an output, decide its trace id, commit, send its links. Producer's thread. The frame comes first: what
 * is done for tracing afterwards has no way to change what the commit returned.
 */
#include <tensor_pool/client/tp_trace.h>

#include "client/producer_state.h"
#include "common/alloc.h"
#include "common/clock.h"
#include "common/err.h"

struct tp_trace_stage
{
    tp_producer_t *producer;
    tpi_trace_stage_t kind;
    uint64_t last_trace_id;
    uint64_t unknown_inputs;
    tpi_trace_inputs_t inputs;
    tp_trace_window_handler_t on_window;
    void *window_clientd;
    uint32_t window_count;
    tp_trace_window_t windows[TP_TRACE_WINDOW_STREAMS_MAX];
};

/* ---- ids of the application's own --------------------------------------------------------------------------------------- */

struct tp_trace_id_generator
{
    tpi_trace_generator_t generator;
    tp_trace_clock_t clock;
    void *clientd;
};

static int64_t real_ns(void *clientd)
{
    (void)clientd;
    return tpi_clock_realtime_ns();
}

static int layout_of(tpi_trace_layout_t *to, const tp_trace_layout_t *layout)
{
    static const tp_trace_layout_t usual = TP_TRACE_LAYOUT_INIT;
    const tp_trace_layout_t *from = NULL == layout ? &usual : layout;
    if (from->size < sizeof(*from)) { TPI_SET_ERR(TP_EINVAL, "layout.size is not sizeof(tp_trace_layout_t)"); return -1; }
    *to = (tpi_trace_layout_t){ from->node_bits, from->sequence_bits, from->offset_ms };
    return tpi_trace_layout_check(to);
}

int tp_trace_id_split(uint64_t trace_id, const tp_trace_layout_t *layout, tp_trace_id_parts_t *parts)
{
    tpi_trace_layout_t l;
    tpi_trace_parts_t p;
    if (NULL == parts) { TPI_SET_ERR(TP_EINVAL, "parts is NULL"); return -1; }
    if (layout_of(&l, layout) < 0) { return -1; }
    tpi_trace_id_parts(&l, trace_id, &p);
    *parts = (tp_trace_id_parts_t){ .size = sizeof(*parts), .node_id = p.node_id, .sequence = p.sequence, .time_ms = p.time_ms };
    return 0;
}

int tp_trace_id_generator_init(tp_trace_id_generator_t **generator, uint32_t node_id, const tp_trace_layout_t *layout, tp_trace_clock_t clock,
    void *clientd)
{
    tpi_trace_layout_t l;
    if (NULL == generator) { TPI_SET_ERR(TP_EINVAL, "generator is NULL"); return -1; }
    if (layout_of(&l, layout) < 0) { return -1; }
    tp_trace_id_generator_t *g = tpi_alloc(sizeof(*g));
    if (NULL == g) { return -1; }
    g->clock = NULL == clock ? real_ns : clock;
    g->clientd = clientd;
    if (tpi_trace_generator_init(&g->generator, &l, node_id, g->clock(clientd)) < 0)
    {
        tpi_free(g);
        return -1;
    }
    *generator = g;
    return 0;
}

void tp_trace_id_generator_close(tp_trace_id_generator_t *generator) { tpi_free(generator); }

uint64_t tp_trace_id_generator_next(tp_trace_id_generator_t *generator)
{
    uint64_t id = TP_NULL_TRACE_ID;
    if (NULL == generator) { return id; }
    return TPI_TRACE_MADE == tpi_trace_make(&generator->generator, generator->clock, generator->clientd, &id) ? id : TP_NULL_TRACE_ID;
}

/* ---- stages ------------------------------------------------------------------------------------------------------------- */

_Static_assert((int)TP_TRACE_OFF == (int)TPI_TRACE_OFF && (int)TP_TRACE_ROOT == (int)TPI_TRACE_ROOT, "the kinds are those of protocol/trace_link.h");
_Static_assert((int)TP_TRACE_FILTER == (int)TPI_TRACE_FILTER && (int)TP_TRACE_RETAG == (int)TPI_TRACE_RETAG, "as above");
_Static_assert((int)TP_TRACE_JOIN == (int)TPI_TRACE_JOIN && (int)TP_TRACE_WINDOW == (int)TPI_TRACE_WINDOW, "as above");

int tp_trace_stage_init(tp_trace_stage_t **stage, tp_producer_t *producer, int kind)
{
    if (NULL == stage || NULL == producer) { TPI_SET_ERR(TP_EINVAL, "stage or producer is NULL"); return -1; }
    if (kind < TP_TRACE_OFF || kind > TP_TRACE_WINDOW) { TPI_SET_ERR(TP_EINVAL, "kind = %d, allowed: 0..5 (tp_trace_kind_t)", kind); return -1; }
    tp_trace_stage_t *s = tpi_alloc(sizeof(*s));
    if (NULL == s) { return -1; }
    s->producer = producer;
    s->kind = (tpi_trace_stage_t)kind;
    if (tp_producer_set_trace(producer, TP_TRACE_OFF != kind) < 0)
    {
        tpi_free(s);
        return -1;
    }
    *stage = s;
    return 0;
}

void tp_trace_stage_close(tp_trace_stage_t *stage) { tpi_free(stage); }

void tp_trace_stage_clear(tp_trace_stage_t *stage)
{
    if (NULL == stage) { return; }
    tpi_trace_inputs_clear(&stage->inputs);
    stage->window_count = 0;
}

int tp_trace_stage_add_trace_id(tp_trace_stage_t *stage, uint64_t trace_id)
{
    if (NULL == stage || TPI_TRACE_WINDOW == stage->kind) { return TP_INVALID_ARGUMENT; }
    tpi_trace_inputs_add(&stage->inputs, trace_id);
    return 0;
}

static int widen(tp_trace_stage_t *s, const tp_frame_view_t *view)
{
    for (uint32_t i = 0; i < s->window_count; i++)
    {
        tp_trace_window_t *w = &s->windows[i];
        if (w->in_stream_id != view->stream_id) { continue; }
        if (w->epoch != view->epoch) { return 1; }                              /* O-17 */
        if (view->seq < w->seq_start) { w->seq_start = view->seq; }
        if (view->seq > w->seq_end) { w->seq_end = view->seq; }
        w->frames++;
        return 0;
    }
    if (TP_TRACE_WINDOW_STREAMS_MAX == s->window_count) { return TP_TOO_MANY_CLAIMS; }
    s->windows[s->window_count++] = (tp_trace_window_t){ .size = sizeof(tp_trace_window_t), .in_stream_id = view->stream_id, .epoch = view->epoch,
        .seq_start = view->seq, .seq_end = view->seq, .frames = 1 };
    return 0;
}

int tp_trace_stage_add_input(tp_trace_stage_t *stage, const tp_frame_view_t *view)
{
    if (NULL == stage || NULL == view) { return TP_INVALID_ARGUMENT; }
    if (TPI_TRACE_WINDOW == stage->kind) { return widen(stage, view); }
    const bool is_unknown = 0 != (view->flags & TP_FRAME_NO_DESCRIPTOR);                   /* L-109 */
    if (is_unknown) { stage->unknown_inputs++; }
    return tp_trace_stage_add_trace_id(stage, is_unknown ? TP_NULL_TRACE_ID : view->trace_id);
}

int tp_trace_stage_set_window_handler(tp_trace_stage_t *stage, tp_trace_window_handler_t handler, void *clientd)
{
    if (NULL == stage) { TPI_SET_ERR(TP_EINVAL, "stage is NULL"); return -1; }
    stage->on_window = handler;
    stage->window_clientd = clientd;
    return 0;
}

uint64_t tp_trace_stage_last_trace_id(const tp_trace_stage_t *stage) { return NULL == stage ? TP_NULL_TRACE_ID : stage->last_trace_id; }

uint64_t tp_trace_stage_unknown_inputs(const tp_trace_stage_t *stage) { return NULL == stage ? 0 : stage->unknown_inputs; }

/* Whether the frame of a commit with that result is in the ring. */
static bool is_committed(int64_t result) { return result >= 0 || TP_NOT_CONNECTED == result || TP_BACK_PRESSURED == result; }

static void send_links(tp_trace_stage_t *s, uint64_t seq)
{
    const tp_producer_t *p = s->producer;
    const tp_trace_link_set_t set = { .size = sizeof(set), .stream_id = p->map->stream_id, .epoch = p->map->epoch, .seq = seq,
        .trace_id = s->last_trace_id, .parents = s->inputs.ids, .parent_count = s->inputs.count };
    (void)tp_producer_send_tracelink_set(s->producer, &set);                    /* T-002 T-006 T-023 W-108: whatever comes of it */
}

static void tell_windows(tp_trace_stage_t *s)
{
    for (uint32_t i = 0; NULL != s->on_window && i < s->window_count; i++)
    {
        s->windows[i].trace_id = s->last_trace_id;
        s->on_window(s->window_clientd, &s->windows[i]);
    }
}

int64_t tp_trace_stage_commit(tp_trace_stage_t *stage, tp_buffer_claim_t *claim, const tp_frame_metadata_t *metadata)
{
    tp_trace_stage_t *s = stage;
    tp_frame_metadata_t m = TP_FRAME_METADATA_INIT;
    if (NULL == s || NULL == claim) { return TP_INVALID_ARGUMENT; }
    if (NULL != metadata) { m = *metadata; }
    const tpi_trace_rule_t rule = tpi_trace_decide(s->kind, &s->inputs);
    m.trace_id = TPI_TRACE_NEW == rule.source ? tp_producer_next_trace_id(s->producer) : rule.kept;     /* T-020 T-021 T-022 */
    const uint64_t seq = claim->seq;
    const int64_t result = tp_producer_commit_claim(s->producer, claim, &m);    /* T-001 T-003: first the frame, as without tracing */
    if (TP_INVALID_ARGUMENT == result) { return result; }
    if (is_committed(result))
    {
        s->last_trace_id = m.trace_id;
        if (rule.sends_links) { send_links(s, seq); }
        if (TPI_TRACE_WINDOW == s->kind) { tell_windows(s); }
    }
    tp_trace_stage_clear(s);
    return result;
}
