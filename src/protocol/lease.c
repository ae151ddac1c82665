/* Lease state machine, 20-driver.md 4.1. Stateless. */
#include "protocol/lease.h"

static int64_t later(int64_t now_ns, int64_t duration_ns) { return now_ns > INT64_MAX - duration_ns ? INT64_MAX : now_ns + duration_ns; }

void tpi_lease_grant(tpi_lease_t *lease, int64_t now_ns)
{
    lease->state = TPI_LEASE_ATTACHED;
    lease->expiry_ns = later(now_ns, lease->duration_ns);                                           /* D-098 */
    lease->last_keepalive_ns = now_ns;
}

bool tpi_lease_is_active(const tpi_lease_t *lease) { return TPI_LEASE_ATTACHED == lease->state || TPI_LEASE_ACTIVE == lease->state; }

bool tpi_lease_keepalive(tpi_lease_t *lease, const tpc_keepalive_t *keepalive, int64_t now_ns)
{
    if (!tpi_lease_is_active(lease) || lease->lease_id != keepalive->lease_id || lease->stream_id != keepalive->stream_id ||
        lease->client_id != keepalive->client_id || lease->role != keepalive->role)
    {
        return false;                                                                   /* D-019 */
    }
    lease->state = TPI_LEASE_ACTIVE;
    lease->expiry_ns = later(now_ns, lease->duration_ns);                               /* D-100 */
    lease->last_keepalive_ns = now_ns;
    return true;
}

bool tpi_lease_matches_detach(const tpi_lease_t *lease, const tpc_detach_request_t *request)
{
    return tpi_lease_is_active(lease) && lease->lease_id == request->lease_id && lease->stream_id == request->stream_id &&
        lease->client_id == request->client_id && lease->role == request->role;         /* D-109 D-019 */
}

bool tpi_lease_is_repeat(const tpi_lease_t *lease, const tpc_attach_request_t *request)
{
    return tpi_lease_is_active(lease) && lease->client_id == request->client_id && lease->correlation_id == request->correlation_id &&
        lease->role == request->role && lease->requested_stream_id == request->stream_id;
}

bool tpi_lease_is_expired(const tpi_lease_t *lease, int64_t now_ns) { return tpi_lease_is_active(lease) && now_ns > lease->expiry_ns; }   /* D-102 */

bool tpi_lease_end(tpi_lease_t *lease, uint8_t reason)
{
    if (!tpi_lease_is_active(lease)) { return false; }
    lease->state = TPC_REVOKE_DETACHED == reason ? TPI_LEASE_DETACHED : TPC_REVOKE_EXPIRED == reason ? TPI_LEASE_EXPIRED : TPI_LEASE_REVOKED;
    return true;
}
