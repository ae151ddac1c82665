/* The life of one lease as the driver sees it (20-driver.md 4.1 to 4.3). Pure; the driver owns the records. */
#ifndef TPI_PROTOCOL_LEASE_H
#define TPI_PROTOCOL_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "codec/codec_driver.h"

typedef enum tpi_lease_state
{
    TPI_LEASE_ATTACHED = 1,
    TPI_LEASE_ACTIVE,                  /* a keepalive came; no other difference */
    TPI_LEASE_DETACHED,                /* these three are final */
    TPI_LEASE_EXPIRED,
    TPI_LEASE_REVOKED
}
tpi_lease_state_t;

typedef struct tpi_lease
{
    uint64_t lease_id;
    int64_t correlation_id;            /* of the attach */
    uint32_t stream_id;
    uint32_t requested_stream_id;      /* as it stood in the request: 0 for "allocate" */
    uint32_t client_id;
    uint32_t node_id;
    uint8_t role;
    tpi_lease_state_t state;
    uint64_t epoch;                    /* when granted: what a producer lease refers to */
    int64_t duration_ns;
    int64_t expiry_ns;
    int64_t last_keepalive_ns;         /* the attach counts as the first */
}
tpi_lease_t;

void tpi_lease_grant(tpi_lease_t *lease, int64_t now_ns);       /* ATTACHED; expiry = now + duration */
bool tpi_lease_is_active(const tpi_lease_t *lease);
/* All four fields of the message are those of the lease and the lease is active (OP-D-19): expiry moves. Otherwise nothing changes. */
bool tpi_lease_keepalive(tpi_lease_t *lease, const tpc_keepalive_t *keepalive, int64_t now_ns);
bool tpi_lease_matches_detach(const tpi_lease_t *lease, const tpc_detach_request_t *request);
/* Row 7 of 3.2. */
bool tpi_lease_is_repeat(const tpi_lease_t *lease, const tpc_attach_request_t *request);
bool tpi_lease_is_expired(const tpi_lease_t *lease, int64_t now_ns);
/* Into a final state; false when it was in one already. reason is TPC_REVOKE_*. */
bool tpi_lease_end(tpi_lease_t *lease, uint8_t reason);

/* What may be a lease id: neither 0 nor null (3.7). */
static inline bool tpi_lease_id_is_valid(uint64_t lease_id) { return 0 != lease_id && UINT64_MAX != lease_id; }

#endif
