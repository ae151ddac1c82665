/*
 * A client's metadata stream: a publication while it has producers, a subscription while somebody wants to hear (trap A1). Opened and closed on the
 * tick; a refusal is reported and asked for again after a second. Conductor only.
 */
#ifndef TPI_CLIENT_METADATA_STREAM_H
#define TPI_CLIENT_METADATA_STREAM_H

#include "bus/bus.h"

struct tpi_connection;
struct tpi_open;
struct tp_client;

typedef struct tpi_metadata_stream
{
    tpi_publication_t *publication;
    tpi_subscription_t *subscription;
    struct tpi_open *publication_open;
    struct tpi_open *subscription_open;
    int64_t reopen_ns;
}
tpi_metadata_stream_t;

void tpi_metadata_stream_tick(struct tp_client *client, struct tpi_connection *connection, int64_t now_ns);

#endif
