/* The counters of one producer or consumer in the media driver's counters file: readable by anybody, also after a crash. Conductor only. */
#ifndef TPI_CLIENT_CLIENT_COUNTERS_H
#define TPI_CLIENT_CLIENT_COUNTERS_H

#include "client/client_state.h"
#include "runtime/tp_counters.h"

typedef struct tpi_counter_identity
{
    uint32_t stream_id;
    uint32_t client_id;
    uint8_t role;
}
tpi_counter_identity_t;

/* Asks for count counters of the given kinds. A counter that is refused is simply missing. */
void tpi_client_counters_ask(tp_client_t *client, tpi_connection_t *connection, const tpi_counter_identity_t *who, const uint8_t *kinds, size_t count,
    tpi_open_t **opens);
/* Takes what has come meanwhile and sets all to values. */
void tpi_client_counters_set(tpi_connection_t *connection, tpi_counter_t **counters, tpi_open_t **opens, const int64_t *values, size_t count);
/* The connection is gone; the counters went with it. */
void tpi_client_counters_forget(tpi_counter_t **counters, tpi_open_t **opens, size_t count);
void tpi_client_counters_close(tpi_connection_t *connection, tpi_counter_t **counters, tpi_open_t **opens, size_t count);

/* Duty cycle of the client's conductor. */
void tpi_client_agent_counters(tp_client_t *client);
void tpi_client_agent_counters_forget(tp_client_t *client);
void tpi_producer_counters(tp_producer_t *producer);
void tpi_consumer_counters(tp_consumer_t *consumer);

#endif
