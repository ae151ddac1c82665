/* The descriptor subscription of a consumer, and ConsumerConfig. Conductor only. */
#ifndef TPI_CLIENT_CONSUMER_STREAMS_H
#define TPI_CLIENT_CONSUMER_STREAMS_H

#include "client/consumer_state.h"

int tpi_consumer_streams_work(tp_consumer_t *consumer, int64_t now_ns);
void tpi_consumer_streams_connection_lost(tp_consumer_t *consumer);
/* The consumer's thread is the one that closes: nothing is in use. */
void tpi_consumer_streams_delete(tp_consumer_t *consumer);
/* After mode_wish or imposed has changed. */
void tpi_consumer_apply_mode(tp_consumer_t *consumer);

#endif
