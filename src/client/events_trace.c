/* TraceLinkSets in (40-tracelink.md 5.3): checked, counted, handed to the handler of the client. Conductor only, but for the counters. */
#include "client/events.h"

#include <inttypes.h>

#include <tensor_pool/client/tp_trace.h>

#include "client/change.h"
#include "client/client_state.h"
#include "common/alloc.h"
#include "common/err.h"
#include "protocol/trace_link.h"

static void on_set(void *clientd, const tpi_message_t *message, int64_t now_ns)
{
    tp_client_t *client = clientd;
    tpi_events_t *e = &client->events;
    tpc_trace_link_set_t m = TPC_TRACE_LINK_SET_INIT;
    tpi_trace_receiver_t receiver = { .seen = { 0 } };
    if (NULL == e->trace.on_trace_link_set) { return; }
    const tpi_trace_verdict_t verdict = tpi_trace_receive(&receiver, &m, message->data, message->length);
    tpi_stat_add(&e->trace_verdicts[verdict], 1);
    if (TPI_TRACE_MALFORMED == verdict || TPI_TRACE_TOO_MANY == verdict) { tpi_dispatcher_malformed(client->dispatcher); }
    if (TPI_TRACE_GOOD != verdict) { return; }                                  /* T-038 T-040 T-041 T-050 */
    const tp_trace_link_set_t out = { .size = sizeof(out), .stream_id = m.stream_id, .epoch = m.epoch, .seq = m.seq, .trace_id = m.trace_id,
        .parents = m.parents, .parent_count = m.parent_count, .arrival = tpi_events_arrival(message, now_ns) };
    e->trace.on_trace_link_set(e->trace.clientd, &out);
}

int tpi_events_add_trace_routes(tp_client_t *client)
{
    static const tpi_route_t routes[] = { { TPC_TRACELINK_SCHEMA, TPC_TRACE_LINK_SET, TPC_TRACE_LINK_SET_BLOCK, on_set } };
    return tpi_dispatcher_add(client->dispatcher, routes, 1, client);
}

typedef struct trace_change
{
    tpi_change_t change;
    tp_trace_handlers_t to;
}
trace_change_t;

static int apply(tpi_change_t *change, int64_t now_ns)
{
    (void)now_ns;
    change->client->events.trace = ((trace_change_t *)change)->to;
    return 0;
}

int tp_client_set_trace_handlers(tp_client_t *client, const tp_trace_handlers_t *handlers)
{
    if (NULL == client) { TPI_SET_ERR(TP_EINVAL, "client is NULL"); return -1; }
    if (NULL != handlers && sizeof(*handlers) != handlers->size)
    {
        TPI_SET_ERR(TP_EINVAL, "size of the handlers = %" PRIu32 ", this library has %zu", handlers->size, sizeof(*handlers));
        return -1;
    }
    trace_change_t *c = tpi_alloc(sizeof(*c));
    if (NULL == c) { return -1; }
    c->change = (tpi_change_t){ .client = client, .apply = apply };
    if (NULL != handlers) { c->to = *handlers; }
    return tpi_change_make(&c->change);
}

int tp_client_trace_received(const tp_client_t *client, tp_trace_received_t *received)
{
    if (NULL == client || NULL == received) { TPI_SET_ERR(TP_EINVAL, "client or received is NULL"); return -1; }
    const tpi_stat_t *v = client->events.trace_verdicts;
    const tp_trace_received_t r = { .size = sizeof(r), .sets = tpi_stat_get(&v[TPI_TRACE_GOOD]), .malformed = tpi_stat_get(&v[TPI_TRACE_MALFORMED]),
        .too_many_parents = tpi_stat_get(&v[TPI_TRACE_TOO_MANY]),
        .bad_ids = tpi_stat_get(&v[TPI_TRACE_NO_OUTPUT]) + tpi_stat_get(&v[TPI_TRACE_NO_PARENT]) + tpi_stat_get(&v[TPI_TRACE_ZERO_PARENT]) +
            tpi_stat_get(&v[TPI_TRACE_SELF_PARENT]) + tpi_stat_get(&v[TPI_TRACE_REPEATED_PARENT]) };
    *received = r;
    return 0;
}
