/*
 * One question to a discovery provider, seen from the client (30-discovery.md section 5), as a pure machine: when to send it, when to give up, and
 * which message answers it. Used by one thread.
 */
#ifndef TPI_PROTOCOL_DISCOVERY_ASK_H
#define TPI_PROTOCOL_DISCOVERY_ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/codec_discovery.h"

/* Request ids: the client's id in the upper half, a counter in the lower one, never 0 (O-15). */
typedef struct tpi_ask_ids
{
    uint32_t client_id;                /* not 0 */
    uint32_t next;
}
tpi_ask_ids_t;

uint64_t tpi_ask_ids_next(tpi_ask_ids_t *ids);

typedef enum tpi_ask_action { TPI_ASK_WAIT = 0, TPI_ASK_SEND, TPI_ASK_EXPIRED } tpi_ask_action_t;

/* A request is repeated with the same id: whichever copy is answered first counts, later answers meet nobody any more. */
typedef struct tpi_ask
{
    uint64_t request_id;
    int64_t deadline_ns;
    int64_t due_ns;
    int64_t retry_ns;                  /* next interval; doubles once */
    int64_t retry_max_ns;
    uint32_t sends;
}
tpi_ask_t;

void tpi_ask_init(tpi_ask_t *ask, uint64_t request_id, int64_t now_ns, int64_t timeout_ns, int64_t retry_ns);
tpi_ask_action_t tpi_ask_next(const tpi_ask_t *ask, int64_t now_ns);
/* accepted: the bus took it. What it did not take goes again after 20 ms. */
void tpi_ask_sent(tpi_ask_t *ask, bool accepted, int64_t now_ns);

typedef enum tpi_heard
{
    TPI_HEARD_ANSWER = 0,
    TPI_HEARD_NOT_OURS,                /* another schema or template */
    TPI_HEARD_VERSION,
    TPI_HEARD_MALFORMED,               /* lengths, or a status nobody knows */
    TPI_HEARD_UNKNOWN,                 /* of a request that is not outstanding: somebody else's, late, or a second answer */
    TPI_HEARD_KINDS
}
tpi_heard_t;

typedef bool (*tpi_ask_is_outstanding_t)(void *clientd, uint64_t request_id);

/* One message of the response endpoint; data begins at its header. *response is set with ANSWER only and points into data. */
tpi_heard_t tpi_ask_hear(const uint8_t *data, size_t length, tpi_ask_is_outstanding_t is_outstanding, void *clientd,
    tpc_discovery_response_t *response);

#endif
