/* Decides by numbers only; owns nothing. */
#include "protocol/discovery_ask.h"

#define REFUSED_NS INT64_C(20000000)

uint64_t tpi_ask_ids_next(tpi_ask_ids_t *ids)
{
    ids->next++;
    return (uint64_t)ids->client_id << 32 | ids->next;
}

static int64_t after(int64_t now_ns, int64_t ns) { return ns > INT64_MAX - now_ns ? INT64_MAX : now_ns + ns; }

void tpi_ask_init(tpi_ask_t *ask, uint64_t request_id, int64_t now_ns, int64_t timeout_ns, int64_t retry_ns)
{
    *ask = (tpi_ask_t){ .request_id = request_id, .deadline_ns = after(now_ns, timeout_ns), .due_ns = now_ns, .retry_ns = retry_ns,
        .retry_max_ns = after(retry_ns, retry_ns) };
}

tpi_ask_action_t tpi_ask_next(const tpi_ask_t *ask, int64_t now_ns)
{
    if (now_ns > ask->deadline_ns) { return TPI_ASK_EXPIRED; }
    return now_ns >= ask->due_ns ? TPI_ASK_SEND : TPI_ASK_WAIT;
}

void tpi_ask_sent(tpi_ask_t *ask, bool accepted, int64_t now_ns)
{
    if (!accepted)
    {
        ask->due_ns = after(now_ns, REFUSED_NS);
        return;
    }
    ask->sends++;
    ask->due_ns = after(now_ns, ask->retry_ns);
    ask->retry_ns = ask->retry_max_ns;
}

static bool is_known_status(uint8_t status)
{
    return TPC_DISCOVERY_OK == status || TPC_DISCOVERY_NOT_FOUND == status || TPC_DISCOVERY_ERROR == status;
}

tpi_heard_t tpi_ask_hear(const uint8_t *data, size_t length, tpi_ask_is_outstanding_t is_outstanding, void *clientd,
    tpc_discovery_response_t *response)
{
    tpc_header_t header;
    tpc_discovery_response_t r;
    if (tpc_header_decode(&header, data, length) < 0) { return TPI_HEARD_MALFORMED; }
    if (TPC_DISCOVERY_SCHEMA != header.schema_id) { return TPI_HEARD_NOT_OURS; }                          /* X-015 X-026 */
    if (TPC_DISCOVERY_RESPONSE != header.template_id) { return TPI_HEARD_NOT_OURS; }                      /* */
    if (TPC_DISCOVERY_SCHEMA_VERSION != header.version) { return TPI_HEARD_VERSION; }                     /* X-027 X-029 */
    if (tpc_discovery_response_decode(&r, data, length) < 0) { return TPI_HEARD_MALFORMED; }
    if (!is_known_status(r.status)) { return TPI_HEARD_MALFORMED; }
    if (!is_outstanding(clientd, r.request_id)) { return TPI_HEARD_UNKNOWN; }                             /* */
    *response = r;
    return TPI_HEARD_ANSWER;
}
