/* Clients at the drivers that streams were found at. */
#ifndef TPI_CLIENT_AUTHORITY_H
#define TPI_CLIENT_AUTHORITY_H

#include "client/client_state.h"

#include <tensor_pool/client/tp_discovery.h>

/* Any thread: the client to attach to that stream with, connected if need be. It lives as long as client. */
int tpi_client_at(tp_client_t *client, const tp_stream_ref_t *ref, tp_client_t **at);
/* Conductor of the parent. */
int tpi_children_work(tp_client_t *client, int64_t now_ns);
void tpi_children_close(tp_client_t *client);

#endif
