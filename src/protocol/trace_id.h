/*
 * Trace ids (40-tracelink.md 2): 64 bits of time, node and sequence, made without lock, allocation or text; the clock is an argument. One generator a
 * process, any number of threads. Its whole state is one word that only grows, so that ids never go back, whatever the clock does (trap P14).
 */
#ifndef TPI_PROTOCOL_TRACE_ID_H
#define TPI_PROTOCOL_TRACE_ID_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define TPI_TRACE_LOW_BITS_MAX 22u              /* node and sequence together */
#define TPI_TRACE_NODE_BITS 10u                 /* these two: the split of the existing implementations */
#define TPI_TRACE_SEQUENCE_BITS 12u
#define TPI_TRACE_READINGS_MAX 1048576u         /* of the clock for one id; a clock that shows one millisecond that often stands still */

/* What writer and reader of an id have to agree upon. */
typedef struct tpi_trace_layout
{
    uint32_t node_bits;
    uint32_t sequence_bits;
    int64_t offset_ms;                          /* between the Unix epoch and the beginning of time */
}
tpi_trace_layout_t;

#define TPI_TRACE_LAYOUT_INIT { TPI_TRACE_NODE_BITS, TPI_TRACE_SEQUENCE_BITS, 0 }

typedef struct tpi_trace_parts
{
    uint64_t time_ms;                           /* since the Unix epoch */
    uint32_t node_id;
    uint32_t sequence;
}
tpi_trace_parts_t;

/* 0, or -1 with TP_EINVAL: a width or the offset is out of bounds. */
int tpi_trace_layout_check(const tpi_trace_layout_t *layout);
/* Takes any id apart; only what a generator of that layout made has a meaning. The layout was checked. */
void tpi_trace_id_parts(const tpi_trace_layout_t *layout, uint64_t id, tpi_trace_parts_t *parts);

/* ---- generator ------------------------------------------------------------------------------------------------------------ */

typedef struct tpi_trace_generator
{
    _Atomic uint64_t last;                      /* newest time and sequence, node bits zero */
    tpi_trace_layout_t layout;
    _Atomic uint64_t node_value;                /* the node in its place */
    uint64_t time_max;                          /* last millisecond that leaves bit 63 alone */
    _Atomic uint64_t borrowed;                  /* milliseconds taken in advance, because the clock was set back (O-4) or stands still */
    _Atomic uint64_t waits;                     /* times that a millisecond was used up */
    _Atomic uint64_t refused;                   /* ids that were not made: the end of time */
}
tpi_trace_generator_t;

typedef enum tpi_trace_made
{
    TPI_TRACE_MADE = 0,
    TPI_TRACE_WAIT = -1,                        /* all sequences of this very millisecond are used: read the clock again, at most for 1 ms */
    TPI_TRACE_ENDED = -2                        /* the time fits no more; stays so */
}
tpi_trace_made_t;

/* real_ns: CLOCK_REALTIME. 0, or -1 with TP_EINVAL: layout, node or offset out of bounds, or a time that does not fit below bit 63. */
int tpi_trace_generator_init(tpi_trace_generator_t *generator, const tpi_trace_layout_t *layout, uint32_t node_id, int64_t real_ns);
/*
 * Another node id from now on, for the generator of a process whose node id was lost (O-2); ids go on to grow. -1 with TP_EINVAL: it does not fit.
 */
int tpi_trace_generator_move(tpi_trace_generator_t *generator, uint32_t node_id);
/* One id from one reading of the clock. *id is set with TPI_TRACE_MADE only, and is never 0. Hot, any thread. */
tpi_trace_made_t tpi_trace_next(tpi_trace_generator_t *generator, int64_t real_ns, uint64_t *id);
/* The same with the clock itself, read again while a millisecond is used up; MADE or ENDED. */
tpi_trace_made_t tpi_trace_make(tpi_trace_generator_t *generator, int64_t (*real_ns)(void *clientd), void *clientd, uint64_t *id);

/* ---- whose node id -------------------------------------------------------------------------------------------------------- */

/* The node id of this process: the first one stays (O-2). Owned by the conductor. */
typedef struct tpi_trace_node
{
    uint32_t node_id;                           /* TP_NULL_U32: none yet. To be wished for in later attaches */
}
tpi_trace_node_t;

#define TPI_TRACE_NODE_INIT { UINT32_MAX }

/*
 * configured wins over offered (by driver or discovery); TP_NULL_U32 is none of either. Once one was taken, others change nothing. -1 with TP_ESTATE:
 * neither is there; TP_EINVAL: it does not fit the node bits (O-1: never cut), nothing is taken.
 */
int tpi_trace_node_take(tpi_trace_node_t *node, uint32_t configured, uint32_t offered, uint32_t node_bits);
/* All leases were lost and the old id was refused: the next one is taken, for a new generator. */
void tpi_trace_node_forget(tpi_trace_node_t *node);

#endif
