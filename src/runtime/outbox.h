/*
 * A publication and what waits for it, in order: a message goes at once when nothing waits, else behind what waits; one that the bus does not take is
 * kept until its time is over and tried again in each cycle. Bounded. Owned and used by the thread of the bus.
 */
#ifndef TPI_RUNTIME_OUTBOX_H
#define TPI_RUNTIME_OUTBOX_H

#include <stddef.h>
#include <stdint.h>

#include "bus/bus.h"

typedef struct tpi_outgoing
{
    struct tpi_outgoing *prev;
    struct tpi_outgoing *next;
    int64_t give_up_ns;
    size_t length;
    uint8_t data[];
}
tpi_outgoing_t;

typedef enum tpi_outbox_event { TPI_OUTBOX_SENT = 0, TPI_OUTBOX_KEPT, TPI_OUTBOX_DROPPED } tpi_outbox_event_t;

/* What became of a message; why is for TPI_OUTBOX_DROPPED. */
typedef void (*tpi_on_outbox_t)(void *clientd, tpi_outbox_event_t event, const char *why);

typedef struct tpi_outbox
{
    tpi_bus_async_t *async;            /* that makes the publication */
    tpi_publication_t *publication;    /* NULL: everything waits */
    tpi_outgoing_t *queue;
    size_t queued;
    size_t queue_max;
    tpi_on_outbox_t on_event;
    void *clientd;
}
tpi_outbox_t;

/* length is what an encoder returned: without a message where it is not above 0. */
void tpi_outbox_send(tpi_outbox_t *outbox, const uint8_t *data, int64_t length, int64_t give_up_ns);
/* Tries what waits; how many left the queue. */
int tpi_outbox_flush(tpi_outbox_t *outbox, int64_t now_ns);
/* 1 the publication is there, 0 not yet, -1 it was refused. */
int tpi_outbox_open_poll(tpi_outbox_t *outbox);
/* Forgets what waits, closes the publication or cancels its making. */
void tpi_outbox_fini(tpi_outbox_t *outbox);

#endif
