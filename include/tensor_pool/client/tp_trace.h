/*
 * TraceLink (40-tracelink.md): every frame may carry a 64-bit trace id, and a stage that merges frames tells which ids went into its output. An
 * optional observation layer: nothing waits for it, decides by it or breaks without it (T-001 to T-006).
 *
 * The short way: make a tp_trace_stage_t for the producer of a stage, hand it each input view, and commit through it. It gives the output its trace
 * id by the rules of section 3 and sends the TraceLinkSet where one belongs. A source that only wants ids needs no stage: switch tracing on
 * (tp_producer_context_set_trace, tp_context_set_trace or TP_TRACE=1), and every frame committed without an id gets a new one (T-028).
 *
 * Ids carry the node id of the process: the configured one (tp_context_set_trace_node_id or TP_TRACE_NODE_ID), else that which the driver gave to
 * the lease of the first tracing producer (O-2). It stays for the life of the process: a lease that is lost is asked for again with the same node
 * id. Only when the driver refuses that, or when the producer whose lease it came with is closed while others go on, does the process move to a node
 * id that one of its leases holds, since a node id without lease may soon be somebody else's (T-011). With neither source, switching tracing on is
 * an error. A new epoch of a stream changes nothing: ids go on (T-029).
 */
#ifndef TENSOR_POOL_CLIENT_TP_TRACE_H
#define TENSOR_POOL_CLIENT_TP_TRACE_H

#include <tensor_pool/client/tp_consumer.h>
#include <tensor_pool/client/tp_handlers.h>
#include <tensor_pool/client/tp_producer.h>

TP_BEGIN_DECLS

#define TP_TRACE_PARENTS_MAX 256       /* of one TraceLinkSet (O-12); for more inputs use a window */
#define TP_TRACE_WINDOW_STREAMS_MAX 64 /* input streams of one window */

/* ---- ids ---- */

typedef struct tp_trace_id_parts
{
    uint32_t size;
    uint32_t node_id;
    uint32_t sequence;                 /* counts ids within one millisecond */
    uint32_t reserved32;
    uint64_t time_ms;                  /* since the Unix epoch */
    uint64_t reserved[2];
}
tp_trace_id_parts_t;
/* Takes an id apart as a generator of that layout put it together (NULL: TP_TRACE_LAYOUT_INIT). 0, or -1 with TP_EINVAL. Any thread. */
TP_EXPORT int tp_trace_id_split(uint64_t trace_id, const tp_trace_layout_t *layout, tp_trace_id_parts_t *parts);

/*
 * A generator of the application's own, for programs that make ids without a producer of this library. Whoever makes one answers for its node id: no
 * two generators of a deployment may have the same at one time (T-011). Producers and stages use that of the process and need none.
 */
typedef struct tp_trace_id_generator tp_trace_id_generator_t;
/* CLOCK_REALTIME in nanoseconds, or what stands for it in a test. */
typedef int64_t (*tp_trace_clock_t)(void *clientd);
/*
 * node_id 0 .. 2^node_bits - 1; layout NULL: TP_TRACE_LAYOUT_INIT; clock NULL: CLOCK_REALTIME. 0, or -1 with TP_EINVAL (node id, widths or offset out
 * of bounds, or a time that does not fit) or TP_ENOMEM. _close accepts NULL.
 */
TP_EXPORT int tp_trace_id_generator_init(tp_trace_id_generator_t **generator, uint32_t node_id, const tp_trace_layout_t *layout,
    tp_trace_clock_t clock, void *clientd);
TP_EXPORT void tp_trace_id_generator_close(tp_trace_id_generator_t *generator);
/*
 * The next id: above all earlier ones, whatever the clock does; 0 (no id) once its time fits no more. Reads the clock once; again only while all
 * sequences of this very millisecond are used up, at most to its end (T-051). Any thread, no lock, no allocation.
 */
TP_EXPORT uint64_t tp_trace_id_generator_next(tp_trace_id_generator_t *generator);

/*
 * A new id of this process: what a commit without id gets when the producer traces. 0 while it does not trace, or is not attached yet. Producer's
 * thread.
 */
TP_EXPORT uint64_t tp_producer_next_trace_id(tp_producer_t *producer);
/*
 * Switches tracing on or off from now on. On: waits for the conductor and returns -1 with TP_ESTATE (no node id: none is configured and the driver
 * gave none; or a callback closed the producer meanwhile), TP_EINVAL (the node id does not fit the layout, or another producer of the process has
 * another layout), TP_ENOMEM, TP_EFULL, TP_ETIMEDOUT. A producer that is not attached yet learns its node id later; a failure is then a
 * TP_PRODUCER_REFUSED event.
 * Waits up to 200 ms more for the publication of sets, so that the first ones are not lost. Inside a callback it takes effect at once, without
 * waiting. Producer's thread.
 */
TP_EXPORT int tp_producer_set_trace(tp_producer_t *producer, bool trace);

/* ---- TraceLinkSet ---- */

/* One output frame and the trace ids that went into it. */
typedef struct tp_trace_link_set
{
    uint32_t size;                     /* sizeof(tp_trace_link_set_t), or use TP_TRACE_LINK_SET_INIT */
    uint32_t stream_id;                /* these four: of the output frame's descriptor */
    uint64_t epoch;
    uint64_t seq;
    uint64_t trace_id;
    const uint64_t *parents;           /* in the order in which the stage saw them */
    uint32_t parent_count;
    uint32_t reserved32;
    tp_arrival_t arrival;              /* received sets only */
    uint64_t reserved[2];
}
tp_trace_link_set_t;
#define TP_TRACE_LINK_SET_INIT { sizeof(tp_trace_link_set_t), 0, 0, 0, 0, NULL, 0, 0, { 0, 0, 0, 0 }, { 0, 0 } }

/*
 * Sends the set of a frame that was committed just before, on the control stream. Offered once: never waits, never tried again (T-004, T-005). The
 * position (> 0), or TP_NOT_CONNECTED (nobody listens, or the publication is not open yet), TP_BACK_PRESSURED, TP_ADMIN_ACTION, TP_CLOSED (counted
 * as tracelinks_dropped), or TP_INVALID_ARGUMENT, counted as tracelinks_refused: not 1 to 256 parents, one of them 0, twice, or the output itself, or
 * stream, epoch, seq and trace id are not those of the frame last committed in that slot (5.2); also when the producer does not trace. At most the
 * newest 1024 frames are remembered. Producer's thread. Stages call it by themselves.
 */
TP_EXPORT int64_t tp_producer_send_tracelink_set(tp_producer_t *producer, const tp_trace_link_set_t *set);

/* TraceLinkSets of the control stream. Those that fail a check of 5.3 are counted only. The set lives until the handler returns; it must not wait. */
typedef struct tp_trace_handlers
{
    uint32_t size;
    uint32_t reserved32;
    void *clientd;
    void (*on_trace_link_set)(void *clientd, const tp_trace_link_set_t *set);
}
tp_trace_handlers_t;
#define TP_TRACE_HANDLERS_INIT { sizeof(tp_trace_handlers_t), 0, NULL, NULL }
/* As the calls of tp_handlers.h: replaces the handlers, NULL removes them; TP_EINVAL (size), TP_ENOMEM, TP_EFULL, TP_ETIMEDOUT. Any thread. */
TP_EXPORT int tp_client_set_trace_handlers(tp_client_t *client, const tp_trace_handlers_t *handlers);

typedef struct tp_trace_received
{
    uint32_t size;
    uint32_t reserved32;
    uint64_t sets;                     /* handed to the handler */
    uint64_t malformed;                /* version, lengths */
    uint64_t too_many_parents;         /* above TP_TRACE_PARENTS_MAX */
    uint64_t bad_ids;                  /* an id 0, no parent, one twice, or the output among its parents */
    uint64_t reserved[4];
}
tp_trace_received_t;
/* What came since the client was made, while there was a handler. Any thread; fields may be of slightly different moments. TP_EINVAL. */
TP_EXPORT int tp_client_trace_received(const tp_client_t *client, tp_trace_received_t *received);

/* ---- stages ---- */

typedef enum tp_trace_kind
{
    TP_TRACE_OFF = 0,                  /* outputs carry no trace id */
    TP_TRACE_ROOT = 1,                 /* begins a lineage: new id */
    TP_TRACE_FILTER = 2,               /* 1->1: the input's id; with several inputs as JOIN, with an untraced one as ROOT (O-9) */
    TP_TRACE_RETAG = 3,                /* 1->1 with a new id and a set that names the old one (O-10) */
    TP_TRACE_JOIN = 4,                 /* N->1: new id, and a set of all parents; repeats and untraced inputs leave no entry (O-7, O-8) */
    TP_TRACE_WINDOW = 5                /* stateful integrator: new id, no set; bounds of the inputs instead */
}
tp_trace_kind_t;

/*
 * One stage of a pipeline: a producer and the inputs of its next frame. Belongs to the producer's thread. Allocated once; adding inputs and
 * committing allocate nothing and take no lock.
 */
typedef struct tp_trace_stage tp_trace_stage_t;
/*
 * Makes a stage and switches tracing of the producer on (off for TP_TRACE_OFF) as tp_producer_set_trace does, with its errors; TP_EINVAL (kind). The
 * stage is to be closed before its producer; _close accepts NULL.
 */
TP_EXPORT int tp_trace_stage_init(tp_trace_stage_t **stage, tp_producer_t *producer, int kind);
TP_EXPORT void tp_trace_stage_close(tp_trace_stage_t *stage);
/*
 * One input of the next output, in the order in which the stage sees them. The view need not live longer than the call. 0, or TP_INVALID_ARGUMENT;
 * windows only: 1 when the input has another epoch than the window has seen of that stream: nothing was added, commit or clear first (O-17), and
 * TP_TOO_MANY_CLAIMS above TP_TRACE_WINDOW_STREAMS_MAX streams.
 */
TP_EXPORT int tp_trace_stage_add_input(tp_trace_stage_t *stage, const tp_frame_view_t *view);
/*
 * Inputs so far that carried TP_FRAME_NO_DESCRIPTOR: traced or not, their ids are not known. Such an input leaves no parent; an output of a 1->1
 * stage begins a lineage of its own.
 */
TP_EXPORT uint64_t tp_trace_stage_unknown_inputs(const tp_trace_stage_t *stage);
/* As tp_trace_stage_add_input, where only the id is known: 0 for an untraced input. Not for windows. */
TP_EXPORT int tp_trace_stage_add_trace_id(tp_trace_stage_t *stage, uint64_t trace_id);
/* Forgets the inputs: there will be no output. */
TP_EXPORT void tp_trace_stage_clear(tp_trace_stage_t *stage);
/*
 * tp_producer_commit_claim with the trace id that the inputs ask for (metadata->trace_id is not looked at), then the TraceLinkSet if one belongs to
 * it. Returns what the commit returned: what becomes of the set changes nothing and stands in tp_producer_stats (T-004). The inputs are forgotten,
 * unless the claim is still out (TP_INVALID_ARGUMENT).
 */
TP_EXPORT int64_t tp_trace_stage_commit(tp_trace_stage_t *stage, tp_buffer_claim_t *claim, const tp_frame_metadata_t *metadata);
/* The id that the last committed frame carried; 0 before the first. */
TP_EXPORT uint64_t tp_trace_stage_last_trace_id(const tp_trace_stage_t *stage);

/* Which frames of one input stream went into an output: a row of trace_windows (6.4). */
typedef struct tp_trace_window
{
    uint32_t size;
    uint32_t in_stream_id;
    uint64_t trace_id;                 /* of the output */
    uint64_t epoch;                    /* of the input */
    uint64_t seq_start;
    uint64_t seq_end;                  /* the last one, inclusive */
    uint64_t frames;
    uint64_t reserved[2];
}
tp_trace_window_t;
typedef void (*tp_trace_window_handler_t)(void *clientd, const tp_trace_window_t *window);
/* Called by the commit of a TP_TRACE_WINDOW stage, once an input stream, in the order of their first frames. NULL: nobody is told. */
TP_EXPORT int tp_trace_stage_set_window_handler(tp_trace_stage_t *stage, tp_trace_window_handler_t handler, void *clientd);

TP_END_DECLS

#endif
