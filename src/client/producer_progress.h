/*
 * FrameProgress of a producer (10-wire.md 13.1). The conductor merges what the live consumers ask for and opens a publication on the shared control
 * stream while one of them has no control stream of its own; the producer's thread decides and sends. A value that is kept back is looked at again
 * by the next call about its frame, and by tp_producer_flush.
 */
#ifndef TPI_CLIENT_PRODUCER_PROGRESS_H
#define TPI_CLIENT_PRODUCER_PROGRESS_H

#include "client/client_state.h"
#include "client/stat.h"
#include "protocol/progress.h"

#define TPI_PROGRESS_STARTED_WORDS 16u         /* one bit a frame of the window of descriptors */

/* The producer's own publication on the shared control stream. Made and closed by the conductor. */
typedef struct tpi_progress_link
{
    tpi_publication_t *publication;
    tpi_connection_t *connection;
    uint64_t started[TPI_PROGRESS_STARTED_WORDS];      /* frames whose STARTED went out here; the producer's thread */
    struct tpi_progress_link *next;    /* of the retired */
}
tpi_progress_link_t;

typedef struct tpi_producer_progress
{
    /* conductor -> producer's thread */
    _Atomic bool wanted;
    _Atomic bool uses_shared;
    _Atomic uint32_t interval_us;
    _Atomic uint32_t bytes_delta;
    _Atomic uint32_t major_delta;
    tpi_handoff_t shared;              /* tpi_progress_link_t; held during calls only */
    /* the producer's thread */
    tpi_progress_source_t source;
    uint32_t running;                  /* claims whose STARTED was sent */
    tpi_stat_t sent;
    tpi_stat_t refused;                /* by the bus */
    /* the conductor's */
    tpi_progress_limits_t limits;
    tpi_progress_link_t *link;         /* published */
    tpi_progress_link_t *retired;
    tpi_open_t *open;
    int64_t reopen_ns;
}
tpi_producer_progress_t;

struct tpi_producer_map;
struct tpi_claim_entry;

/* ---- conductor ---- */
void tpi_producer_progress_init(tp_producer_t *producer, const tpi_progress_limits_t *limits);
int tpi_producer_progress_work(tp_producer_t *producer, int64_t now_ns);
void tpi_producer_progress_tick(tp_producer_t *producer);
void tpi_producer_progress_connection_lost(tp_producer_t *producer);
/* No application thread uses the producer any more. */
void tpi_producer_progress_delete(tp_producer_t *producer);

/* ---- producer's thread ---- */
/* The frame is committed and its payload visible. */
void tpi_producer_progress_complete(tp_producer_t *producer, const struct tpi_producer_map *map, struct tpi_claim_entry *entry, uint64_t length);
/* Looks again at every value that is kept back. */
void tpi_producer_progress_look_again(tp_producer_t *producer, const struct tpi_producer_map *map);

#endif
