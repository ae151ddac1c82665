/* The wake-up page of a producer: handed to its mapping when the driver has sent it. Conductor only. */
#ifndef TPI_CLIENT_PRODUCER_WAKE_H
#define TPI_CLIENT_PRODUCER_WAKE_H

#include "client/producer_state.h"

int tpi_producer_wake_work(tp_producer_t *producer, int64_t now_ns);
/* The published mapping is about to be withdrawn: nobody shall expect wakes for it. */
void tpi_producer_wake_withdrawn(tp_producer_t *producer);
/* A mapping is about to be freed. */
void tpi_producer_wake_release(tpi_producer_map_t *map);
void tpi_producer_wake_close(tp_producer_t *producer);

#endif
