/* Messages in: announces and names go to the index, requests to the query; both are protocol/'s. Nothing here opens, closes or waits (trap A4). */
#include <string.h>

#include "bus/channel.h"
#include "codec/codec_wire.h"
#include "discovery/discovery_state.h"

static void malformed(tpi_input_t *input, const char *what)
{
    tpi_dispatcher_malformed(input->dispatcher);                                     /* counted only */
    TPI_LOG_DEBUG("malformed %s ignored", what);
}

static void on_announce(void *clientd, const tpi_message_t *message, int64_t now_ns)
{
    tpi_input_t *const input = clientd;
    tpi_provider_t *const provider = input->provider;
    tpc_pool_announce_t announce;
    (void)now_ns;
    if (!input->takes_announces) { return; }
    if (TPC_OK != tpc_pool_announce_decode(&announce, message->data, message->length)) { malformed(input, "ShmPoolAnnounce"); return; }
    const tpi_discovery_verdict_t verdict =
        tpi_discovery_index_on_announce(provider->index, input->announcer, &announce, message->joined_ns, provider->now);
    if (verdict <= TPI_DISCOVERY_REPLACED) { provider->stats.announces_accepted++; }
    else
    {
        provider->stats.announces_ignored++;
        TPI_LOG_DEBUG("announce of stream %u ignored: %s", announce.stream_id, tpi_discovery_verdict_text((int)verdict));
    }
}

/* Metadata does not say which driver it is from either: each source that shares the endpoint gets it, and keeps it for streams of that id. */
static void on_name(void *clientd, const tpi_message_t *message, int64_t now_ns)
{
    tpi_input_t *const input = clientd;
    tpi_provider_t *const provider = input->provider;
    tpc_source_announce_t announce;
    if (0 == input->namer_count) { return; }
    if (TPC_OK != tpc_source_announce_decode(&announce, message->data, message->length)) { malformed(input, "DataSourceAnnounce"); return; }
    for (uint32_t i = 0; i < input->namer_count; i++)
    {
        const tpi_discovery_verdict_t verdict = tpi_discovery_index_on_name(provider->index, input->namers[i], &announce, now_ns);
        if (verdict <= TPI_DISCOVERY_KEPT_ASIDE) { provider->stats.names_accepted++; }
        else { provider->stats.names_ignored++; }
    }
}

/* One of many: names are private matters, so none is written. */
static void log_query(tpi_provider_t *provider, const tpc_discovery_request_t *request, const tpc_discovery_response_t *response)
{
    provider->queries_unlogged++;
    if (0 == provider->config.query_log_every || provider->queries_unlogged < provider->config.query_log_every) { return; }        /* */
    TPI_LOG_INFO("query of client %u for stream id %u: status %u, %u results (one of %u queries)", request->client_id,
        request->response_stream_id, (unsigned)response->status, response->result_count, provider->queries_unlogged);
    provider->queries_unlogged = 0;
}

/* A request may not have us map more than this: its channel text goes to the media driver as it is. */
static bool asks_for_too_much(tpc_bytes_t channel)
{
    char text[TPI_DISCOVERY_RESPONSE_CHANNEL_MAX + 1];
    (void)tpc_bytes_copy(text, sizeof(text), channel);
    return tpi_channel_term_length(text) > TPI_PROVIDER_TERM_MAX;
}

static void on_request(void *clientd, const tpi_message_t *message, int64_t now_ns)
{
    tpi_input_t *const input = clientd;
    tpi_provider_t *const provider = input->provider;
    tpc_discovery_request_t request;
    tpc_discovery_response_t response;
    if (!input->takes_requests) { return; }
    const tpi_discovery_outcome_t outcome =
        tpi_discovery_query_run(provider->query, provider->index, message->data, message->length, now_ns, &request, &response);
    switch (outcome)
    {
        case TPI_DISCOVERY_ANSWER: break;
        case TPI_DISCOVERY_BAD_REQUEST:
        case TPI_DISCOVERY_NOT_OURS: malformed(input, "DiscoveryRequest"); return;
        case TPI_DISCOVERY_VERSION: return;                    /* the query counts it */
        default:
            provider->stats.requests_refused++;
            TPI_LOG_DEBUG("request dropped: %s", tpi_discovery_outcome_text((int)outcome));
            return;
    }
    if (asks_for_too_much(request.response_channel))
    {
        provider->stats.requests_refused++;
        return;
    }
    provider->stats.requests_answered++;
    log_query(provider, &request, &response);
    tpi_provider_respond(provider, &request, &response);
}

/* Nothing else is listened to: who sends an attach here gets no answer. */
static const tpi_route_t routes[] = {
    { TPC_WIRE_SCHEMA, TPC_POOL_ANNOUNCE, TPC_POOL_ANNOUNCE_BLOCK, on_announce },
    { TPC_WIRE_SCHEMA, TPC_SOURCE_ANNOUNCE, TPC_SOURCE_ANNOUNCE_BLOCK, on_name },
    { TPC_DISCOVERY_SCHEMA, TPC_DISCOVERY_REQUEST, TPC_DISCOVERY_REQUEST_BLOCK, on_request },
};

int tpi_provider_handlers_add(tpi_input_t *input)
{
    if (tpi_dispatcher_create(&input->dispatcher) < 0) { return -1; }
    return tpi_dispatcher_add(input->dispatcher, routes, sizeof(routes) / sizeof(routes[0]), input);
}
