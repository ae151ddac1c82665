/*
 * Tracing of one producer: its ids, what it remembers of the frames committed last, and the publication that carries its TraceLinkSets. Made by the
 * conductor when tracing is first switched on, kept until the producer is freed; a producer that never traces has none and pays one load a commit.
 */
#ifndef TPI_CLIENT_PRODUCER_TRACE_H
#define TPI_CLIENT_PRODUCER_TRACE_H

#include "client/client_state.h"
#include "client/stat.h"
#include "common/handoff.h"
#include "protocol/trace_id.h"
#include "protocol/trace_link.h"

#define TPI_TRACE_SLOTS_MAX 1024u      /* frames remembered; power of two */

/* Made and freed by the conductor, used by the producer's thread. Holds its connection. */
typedef struct tpi_trace_link
{
    tpi_publication_t *publication;
    tpi_connection_t *connection;
    struct tpi_trace_link *next;       /* of the retired */
}
tpi_trace_link_t;

typedef struct tpi_producer_trace
{
    /* conductor -> producer's thread */
    _Atomic bool on;
    tpi_trace_generator_t *generator;  /* the process's; set before on */
    tpi_handoff_t links;               /* tpi_trace_link_t; held during calls only */
    /* the producer's thread */
    tpi_trace_outputs_t outputs;
    tpi_trace_published_t slots[TPI_TRACE_SLOTS_MAX];
    tpi_stat_t sent;
    tpi_stat_t dropped;
    tpi_stat_t refused;
    int64_t synced_ns;                 /* monotonic: when it was last found what the real clock has more */
    int64_t real_less_mono_ns;
    /* the conductor's */
    bool is_wanted;
    bool has_wish;                     /* its attach request asks for the node id of the process */
    uint32_t lease_node;               /* TP_NULL_U32 while there is no lease */
    tpi_connection_t *connection;      /* that was asked for the publication */
    tpi_open_t *open;
    int64_t reopen_ns;
    tpi_trace_link_t *published;
    tpi_trace_link_t *retired;
}
tpi_producer_trace_t;

/* Conductor. What the producer's life tells; each does nothing while the producer never traced. */
int tpi_producer_trace_prepare(tp_producer_t *producer);               /* before the first attach: TP_ENOMEM */
int tpi_producer_trace_attached(tp_producer_t *producer, uint32_t node_id);     /* -1: tracing is wanted and impossible */
void tpi_producer_trace_lost(tp_producer_t *producer, bool is_final);
bool tpi_producer_trace_wish_refused(tp_producer_t *producer, int code);        /* true: asks again without it, nobody need know */
int tpi_producer_trace_work(tp_producer_t *producer, int64_t now_ns);
void tpi_producer_trace_connection_lost(tp_producer_t *producer);
void tpi_producer_trace_delete(tp_producer_t *producer);

/*
 * Producer's thread, for each frame: its id while it is being committed, trace_id if that is one (mono_ns: read a moment ago, or INT64_MIN); and what
 * sets of links are checked against.
 */
struct tpi_producer_map;
uint64_t tpi_producer_trace_id(tpi_producer_trace_t *trace, uint64_t trace_id, int64_t mono_ns);
void tpi_producer_trace_note(tpi_producer_trace_t *trace, const struct tpi_producer_map *map, uint64_t seq, uint64_t trace_id);

#endif
