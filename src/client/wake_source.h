/*
 * Wake-up pages of one client: one for each stream that its producers and consumers use, asked for at the driver's socket and shared by reference.
 * Conductor only; nothing here waits. A driver without that socket, a foreign one, gives none, and everything goes on without.
 */
#ifndef TPI_CLIENT_WAKE_SOURCE_H
#define TPI_CLIENT_WAKE_SOURCE_H

#include "client/client_state.h"
#include "shm/wake.h"

typedef struct tpi_wake_source
{
    tp_client_t *client;
    uint32_t stream_id;
    uint64_t token;                    /* of the driver instance that made it */
    uint32_t refs;
    tpi_wake_page_t *page;             /* NULL: not handed over (yet) */
    struct tpi_local_ask *ask;
    int64_t give_up_ns;                /* the request under way */
    int64_t next_ns;                   /* the next one */
    int64_t pause_ns;
    struct tpi_wake_source *next;
}
tpi_wake_source_t;

/* Adds a reference. NULL: the driver hands none over, or there is no memory. */
tpi_wake_source_t *tpi_wake_source_get(tp_client_t *client, uint32_t stream_id, int64_t now_ns);
void tpi_wake_source_put(tpi_wake_source_t *source);       /* accepts NULL; the last one unmaps */
/* Whether another driver instance has taken over, or another stream is meant. */
bool tpi_wake_source_is_stale(const tpi_wake_source_t *source, uint32_t stream_id);
/* Requests under way. Work done. */
int tpi_wake_sources_work(tp_client_t *client, int64_t now_ns);

#endif
