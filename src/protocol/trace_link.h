/*
 * TraceLink (40-tracelink.md 3 and 5): which trace id an output frame carries, and the TraceLinkSet that goes with it. Pure and optional: nothing
 * here decides about a frame (T-001 to T-003). Nothing is allocated. Inputs and outputs belong to the thread that publishes, a receiver to the one
 * that polls.
 */
#ifndef TPI_PROTOCOL_TRACE_LINK_H
#define TPI_PROTOCOL_TRACE_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/codec_tracelink.h"
#include "codec/codec_wire.h"

/* ---- inputs of one output frame ------------------------------------------------------------------------------------------- */

/* Zero it for each output. */
typedef struct tpi_trace_inputs
{
    uint32_t frames;                            /* seen, those without trace id included */
    uint32_t count;                             /* distinct ids, at most TPC_PARENTS_MAX */
    uint32_t too_many;                          /* ids that found no room: the set cannot be sent (O-12) */
    uint64_t ids[TPC_PARENTS_MAX];              /* in the order in which the stage saw them */
}
tpi_trace_inputs_t;

void tpi_trace_inputs_clear(tpi_trace_inputs_t *inputs);
/* One input frame: 0 and repeats leave no entry. */
void tpi_trace_inputs_add(tpi_trace_inputs_t *inputs, uint64_t trace_id);

/* ---- propagation ---------------------------------------------------------------------------------------------------------- */

typedef enum tpi_trace_stage
{
    TPI_TRACE_OFF = 0,                          /* tracing is disabled for the stream */
    TPI_TRACE_ROOT,                             /* begins a lineage */
    TPI_TRACE_FILTER,                           /* 1->1 */
    TPI_TRACE_RETAG,                            /* 1->1, re-rooted because the operator says so (O-10) */
    TPI_TRACE_JOIN,                             /* N->1 */
    TPI_TRACE_WINDOW                            /* stateful integrator: bounds are stored instead */
}
tpi_trace_stage_t;

typedef enum tpi_trace_source { TPI_TRACE_NONE = 0, TPI_TRACE_KEEP, TPI_TRACE_NEW } tpi_trace_source_t;

typedef struct tpi_trace_rule
{
    tpi_trace_source_t source;                  /* NEW: ask the generator */
    uint64_t kept;                              /* of the input, with KEEP; 0 otherwise */
    bool sends_links;
}
tpi_trace_rule_t;

/* The table of section 3. A filter that was given several frames is a join. */
tpi_trace_rule_t tpi_trace_decide(tpi_trace_stage_t stage, const tpi_trace_inputs_t *inputs);

/* ---- sets ----------------------------------------------------------------------------------------------------------------- */

typedef enum tpi_trace_verdict
{
    TPI_TRACE_GOOD = 0,
    TPI_TRACE_FOREIGN,                          /* received: another schema or template */
    TPI_TRACE_MALFORMED,                        /* received: version, lengths */
    TPI_TRACE_NO_OUTPUT,                        /* the output's id is 0 */
    TPI_TRACE_NO_PARENT,
    TPI_TRACE_TOO_MANY,                         /* more than TPC_PARENTS_MAX */
    TPI_TRACE_ZERO_PARENT,
    TPI_TRACE_SELF_PARENT,
    TPI_TRACE_REPEATED_PARENT,
    TPI_TRACE_OTHER_FRAME,                      /* sent: not what was published last in that slot */
    TPI_TRACE_VERDICTS
}
tpi_trace_verdict_t;

const char *tpi_trace_verdict_text(int verdict);    /* static storage */

/* What makes a set legal at both ends (5.2 step 2, 5.3 step 3). */
tpi_trace_verdict_t tpi_trace_set_check(const tpc_trace_link_set_t *set);
/* The set of the frame that was just published with that descriptor. Not GOOD: *set is untouched, send nothing. */
tpi_trace_verdict_t tpi_trace_set_build(tpc_trace_link_set_t *set, const tpc_frame_descriptor_t *output, const tpi_trace_inputs_t *inputs);

/* ---- what was published (5.2, last paragraph) ----------------------------------------------------------------------------- */

typedef struct tpi_trace_published
{
    uint64_t seq;                               /* TP_NULL_U64: nothing yet */
    uint64_t trace_id;
}
tpi_trace_published_t;

typedef struct tpi_trace_outputs
{
    uint32_t stream_id;
    uint64_t epoch;
    uint32_t nslots;                            /* power of two */
    tpi_trace_published_t *slots;               /* nslots entries, the caller's */
    uint64_t refused[TPI_TRACE_VERDICTS];       /* sets that were not sent */
}
tpi_trace_outputs_t;

/* Also at each new epoch: what was published before is forgotten, the counters stay when they were zeroed by the caller at the beginning. */
void tpi_trace_outputs_reset(tpi_trace_outputs_t *outputs, tpi_trace_published_t *slots, uint32_t nslots, uint32_t stream_id, uint64_t epoch);
/* What goes into a slot from now on. Hot. */
static inline void tpi_trace_outputs_put(tpi_trace_outputs_t *outputs, uint64_t seq, uint64_t trace_id)
{
    outputs->slots[seq & (outputs->nslots - 1)] = (tpi_trace_published_t){ .seq = seq, .trace_id = trace_id };
}
/* A descriptor left. Of another stream or epoch: ignored. */
void tpi_trace_outputs_note(tpi_trace_outputs_t *outputs, const tpc_frame_descriptor_t *descriptor);
/* Whether this set may be sent: legal, and about exactly the frame last published in its slot. Refusals are counted. */
tpi_trace_verdict_t tpi_trace_outputs_check(tpi_trace_outputs_t *outputs, const tpc_trace_link_set_t *set);

/* ---- receiver ------------------------------------------------------------------------------------------------------------- */

/* Zero it at the beginning. */
typedef struct tpi_trace_receiver
{
    uint64_t seen[TPI_TRACE_VERDICTS];          /* GOOD included */
}
tpi_trace_receiver_t;

/* data begins at the message header; bytes after the last parent are not looked at. *set is valid with GOOD only. */
tpi_trace_verdict_t tpi_trace_receive(tpi_trace_receiver_t *receiver, tpc_trace_link_set_t *set, const uint8_t *data, size_t length);

#endif
