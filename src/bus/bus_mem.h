/*
 * The deterministic bus for tests. A tpi_mem_network is shared by any number of buses (one a role); nothing happens by itself. As with a
 * media driver, an addition completes in tpi_bus_do_work of the bus that asked for it; an image (a sender) joins a subscription in
 * tpi_bus_do_work of the subscribing bus, whose now_ns is the join time; what was sent since both ends were added is then there to be
 * polled, and later messages are there at once. Streams are told apart by stream id and by the channel without its parameters.
 * Single-threaded, except that tests for threads may lock around it.
 */
#ifndef TPI_BUS_BUS_MEM_H
#define TPI_BUS_BUS_MEM_H

#include "bus/bus.h"

typedef struct tpi_mem_network tpi_mem_network_t;

int tpi_mem_network_create(tpi_mem_network_t **network);
void tpi_mem_network_delete(tpi_mem_network_t *network);         /* after its buses are closed */
int tpi_bus_mem_open(tpi_bus_t **bus, tpi_mem_network_t *network);

/* What the next sends on a (channel, stream) meet; each applies to count sends, in the order they were ordered. */
typedef enum tpi_mem_fault
{
    TPI_MEM_LOSE,               /* accepted, never delivered */
    TPI_MEM_DUPLICATE,
    TPI_MEM_REORDER,            /* delivered after the following message */
    TPI_MEM_BACK_PRESSURE,      /* refused with TP_BACK_PRESSURED */
    TPI_MEM_ADMIN_ACTION,       /* refused with TP_ADMIN_ACTION */
    TPI_MEM_NOT_CONNECTED,
    TPI_MEM_CLOSE               /* publication closed from now on */
}
tpi_mem_fault_t;

int tpi_mem_network_fault(tpi_mem_network_t *network, int32_t stream_id, tpi_mem_fault_t fault, int count);
/* Messages queued per subscription before senders are back-pressured; default 1024. */
void tpi_mem_network_set_window(tpi_mem_network_t *network, int32_t stream_id, size_t messages);
/* Every message accepted on a stream, also those that are lost afterwards; NULL stops. For order traces. */
void tpi_mem_network_tap(tpi_mem_network_t *network, int32_t stream_id, tpi_on_message_t handler, void *clientd);
/* Kills the "media driver": all buses of the network report TP_EMEDIADRIVER from now on. */
void tpi_mem_network_kill(tpi_mem_network_t *network);

#endif
