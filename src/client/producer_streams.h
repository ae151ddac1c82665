/*
 * Private streams of a producer's consumers (10-wire.md section 12): one publication a consumer and kind, granted here or by another authority. The
 * conductor opens and closes them and hands the producer's thread sets of open ones; that thread alone sends on them. It holds a set during a call
 * only, so a publication closes soon after its consumer has gone, also while nobody publishes (W-132).
 */
#ifndef TPI_CLIENT_PRODUCER_STREAMS_H
#define TPI_CLIENT_PRODUCER_STREAMS_H

#include "client/client_state.h"
#include "client/producer_progress.h"
#include "protocol/rate_gate.h"
#include "protocol/registry.h"
#include "protocol/stream_range.h"

#define TPI_PRIVATE_LINKS_MAX 64u      /* of one producer and kind */

typedef struct tpi_private_link
{
    tpi_private_kind_t kind;
    uint32_t consumer_id;
    int32_t stream_id;
    tpi_publication_t *publication;    /* NULL until it is open */
    tpi_connection_t *connection;
    _Atomic uint32_t rate_hz;          /* 0 = all */
    _Atomic bool wants_progress;
    /* the producer's thread */
    uint64_t epoch;                    /* that cursor counts in */
    uint64_t cursor;                   /* next frame for this consumer */
    tpi_rate_gate_t gate;
    uint64_t started[TPI_PROGRESS_STARTED_WORDS];      /* frames whose STARTED went out here */
    /* the conductor's */
    tpi_open_t *open;
    bool is_gone;                      /* to be closed in the next cycle */
    bool owes_answer;                  /* ConsumerConfig goes out when it is open, or refused */
    uint32_t refs;                     /* sets that hold it */
    int64_t since_ns;
    struct tpi_private_link *next;
    char channel[];
}
tpi_private_link_t;

/* Open links. Immutable. */
typedef struct tpi_link_set
{
    uint32_t count[TPI_PRIVATE_KINDS];
    tpi_private_link_t *links[TPI_PRIVATE_KINDS][TPI_PRIVATE_LINKS_MAX];
    struct tpi_link_set *next;         /* of the retired */
}
tpi_link_set_t;

/* What a producer grants when it answers hellos itself. */
typedef struct tpi_grants
{
    tpi_registry_authority_t authority;
    uint32_t stale_multiple;
    int64_t hello_interval_ns;
    tpi_stream_range_t ranges[TPI_PRIVATE_KINDS];
    char fallback_uri[TPI_HELLO_CHANNEL_MAX + 1u];
}
tpi_grants_t;

typedef struct tpi_producer_streams
{
    tpi_grants_t grants;
    tpi_private_link_t *links;
    uint32_t link_count;
    tpi_link_set_t *set;               /* published */
    tpi_link_set_t *retired;
}
tpi_producer_streams_t;

void tpi_grants_init(tpi_grants_t *grants);
int tpi_grants_set_range(tpi_grants_t *grants, tpi_private_kind_t kind, uint32_t first, uint32_t last);
int tpi_grants_set_fallback(tpi_grants_t *grants, const char *uri);

/* Opens, closes and answers what the handlers left to do. */
int tpi_producer_streams_work(tp_producer_t *producer, int64_t now_ns);
/* Closes what belongs to consumers that have fallen silent. */
void tpi_producer_streams_tick(tp_producer_t *producer, int64_t now_ns);
void tpi_producer_streams_connection_lost(tp_producer_t *producer);
/* No application thread uses the producer any more. */
void tpi_producer_streams_delete(tp_producer_t *producer);

#endif
