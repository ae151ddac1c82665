/*
 * Messages in: the frame gate of 3.1 is the dispatcher's and the codec's, decisions are protocol/'s; here facts are gathered and outcomes carried
 * out.
 */
#include <string.h>

#include "common/log.h"
#include "supervisor/supervisor_state.h"

static void malformed(tpi_supervisor_t *supervisor, const char *what)
{
    supervisor->malformed++;                                   /* no answer, no change, no sign of life */
    TPI_LOG_DEBUG("malformed %s ignored", what);
}

/* ---- control --------------------------------------------------------------------------------------------------------------- */

static tpi_hello_context_t gather(tpi_supervisor_t *supervisor, const tpc_consumer_hello_t *hello, int64_t now_ns)
{
    const tpi_watched_stream_t *const stream = tpi_watch_find(&supervisor->watch, hello->stream_id);
    const tp_supervisor_hooks_t *const hooks = &supervisor->hooks;
    const char *const name = tpi_supervisor_client_name(supervisor, hello->stream_id, hello->consumer_id);
    const tpi_hello_context_t context = {
        .has_lease = NULL == hooks->has_lease || hooks->has_lease(hooks->clientd, hello->stream_id, hello->consumer_id),       /* S-073 */
        .may_be_fresh = now_ns - supervisor->opened_ns > TPI_SUPERVISOR_INTERVAL_NS,           /* S-070 */
        .layout_version = NULL != stream && stream->has_announce ? stream->layout_version : 0,
        .decision = tpi_supervisor_decide(&supervisor->config, hello->stream_id, hello->consumer_id, name), .now_ns = now_ns };
    return context;
}

static void note_outcome(tpi_supervisor_t *supervisor, const tpc_consumer_hello_t *hello, const tpi_hello_outcome_t *outcome, int64_t now_ns)
{
    bool is_declined = false;
    for (int kind = 0; kind < TPI_PRIVATE_KINDS; kind++)
    {
        if (TPI_PRIVATE_NOT_ASKED != outcome->streams[kind] && TPI_PRIVATE_GRANTED != outcome->streams[kind]) { is_declined = true; }
        if (TPI_PRIVATE_USED_UP == outcome->streams[kind]) { supervisor->used_up_ns = now_ns; }
    }
    if (is_declined) { supervisor->stats.declined++; }
    if (NULL != outcome->record && !outcome->record->is_counted)           /* new, or there was no room for its stream until now */
    {
        outcome->record->is_counted = tpi_watch_consumer(&supervisor->watch, hello->stream_id, 1, now_ns);
    }
    if (NULL == outcome->record)
    {
        supervisor->stats.refused++;
        supervisor->refused_ns = now_ns;
        if (tpi_supervisor_may_log(supervisor))
        {
            TPI_LOG_WARN(TP_EFULL, "stream %u: consumer %u is answered but not tracked: the registry has room for %u consumers", hello->stream_id,
                hello->consumer_id, supervisor->config.consumer_capacity);
        }
    }
    if (outcome->layout_differs && tpi_supervisor_may_log(supervisor))
    {
        TPI_LOG_WARN(TP_ELAYOUT, "stream %u: consumer %u expects layout version %u, another one is announced", hello->stream_id,
            hello->consumer_id, hello->expected_layout_version);
    }
}

static void on_hello(void *clientd, const tpi_message_t *message, int64_t now_ns)
{
    tpi_supervisor_t *const supervisor = clientd;
    tpc_consumer_hello_t hello;
    if (TPC_OK != tpc_consumer_hello_decode(&hello, message->data, message->length)) { malformed(supervisor, "ConsumerHello"); return; }  /* S-067 */
    if (!tpi_supervisor_hello_is_valid(&hello))
    {
        supervisor->stats.hellos_dropped++;
        if (!tpi_supervisor_may_log(supervisor)) { return; }
        TPI_LOG_WARN(TP_ECODEC, "stream %u: ConsumerHello of %u dropped: supportsShm %u, supportsProgress %u, mode %u", hello.stream_id,
            hello.consumer_id, hello.supports_shm, hello.supports_progress, hello.mode);
        return;
    }
    const tpi_hello_context_t context = gather(supervisor, &hello, now_ns);
    tpc_consumer_config_t config;
    const tpi_hello_outcome_t outcome = tpi_supervisor_on_hello(&supervisor->registry, &hello, &context, &config);
    supervisor->stats.hellos++;
    note_outcome(supervisor, &hello, &outcome, now_ns);
    tpi_supervisor_send(supervisor, &config);
}

static void on_config(void *clientd, const tpi_message_t *message, int64_t now_ns)
{
    tpi_supervisor_t *const supervisor = clientd;
    if (message->session_id == tpi_publication_session_id(supervisor->control.publication)) { return; }
    supervisor->stats.other_configs++;
    supervisor->other_authority_ns = now_ns;
}

/* ---- QoS ------------------------------------------------------------------------------------------------------------------- */

static void on_qos_consumer(void *clientd, const tpi_message_t *message, int64_t now_ns)
{
    tpi_supervisor_t *const supervisor = clientd;
    tpc_qos_consumer_t qos;
    if (TPC_OK != tpc_qos_consumer_decode(&qos, message->data, message->length)) { malformed(supervisor, "QosConsumer"); return; }
    supervisor->stats.qos_consumer++;                                                         /* S-006 */
    tpi_supervised_t *const record = tpi_supervisor_on_qos(&supervisor->registry, &qos, now_ns);
    if (NULL != record) { tpi_supervisor_health_consumer(supervisor, record); }
}

static void on_qos_producer(void *clientd, const tpi_message_t *message, int64_t now_ns)
{
    tpi_supervisor_t *const supervisor = clientd;
    tpc_qos_producer_t qos;
    if (TPC_OK != tpc_qos_producer_decode(&qos, message->data, message->length)) { malformed(supervisor, "QosProducer"); return; }
    supervisor->stats.qos_producer++;
    (void)tpi_watch_on_qos(&supervisor->watch, &qos, now_ns);
}

/* ---- announces and metadata ------------------------------------------------------------------------------------------------ */

static void on_announce(void *clientd, const tpi_message_t *message, int64_t now_ns)
{
    tpi_supervisor_t *const supervisor = clientd;
    tpc_pool_announce_t announce;
    if (TPC_OK != tpc_pool_announce_decode(&announce, message->data, message->length)) { malformed(supervisor, "ShmPoolAnnounce"); return; }
    supervisor->stats.announces++;                                                            /* S-004 */
    tpi_watched_stream_t *stream = NULL;
    const tpi_announce_verdict_t verdict =
        tpi_watch_on_announce(&supervisor->watch, &announce, message->joined_ns, now_ns, supervisor->options.realtime_ns(), &stream);
    if (TPI_ANNOUNCE_TAKEN == verdict) { tpi_supervisor_watch_region(supervisor, stream, announce.header_region_uri); }
    else { supervisor->stats.announces_ignored++; }
}

static void on_source(void *clientd, const tpi_message_t *message, int64_t now_ns)
{
    tpi_supervisor_t *const supervisor = clientd;
    tpc_source_announce_t source;
    if (TPC_OK != tpc_source_announce_decode(&source, message->data, message->length)) { malformed(supervisor, "DataSourceAnnounce"); return; }
    supervisor->stats.metadata++;                                                             /* S-005 */
    tpi_watch_on_source(&supervisor->watch, &source, now_ns);
}

static void on_meta(void *clientd, const tpi_message_t *message, int64_t now_ns)
{
    tpi_supervisor_t *const supervisor = clientd;
    (void)now_ns;
    tpc_source_meta_t meta;
    if (TPC_OK != tpc_source_meta_decode(&meta, message->data, message->length)) { malformed(supervisor, "DataSourceMeta"); return; }
    supervisor->stats.metadata++;
    tpi_watch_on_meta(&supervisor->watch, &meta);
}

/* ---- tables ---------------------------------------------------------------------------------------------------------------- */

static const tpi_route_t control_routes[] = {
    { TPC_WIRE_SCHEMA, TPC_CONSUMER_HELLO, TPC_CONSUMER_HELLO_BLOCK, on_hello },
    { TPC_WIRE_SCHEMA, TPC_CONSUMER_CONFIG, TPC_CONSUMER_CONFIG_BLOCK, on_config },
};
static const tpi_route_t announce_routes[] = {
    { TPC_WIRE_SCHEMA, TPC_POOL_ANNOUNCE, TPC_POOL_ANNOUNCE_BLOCK, on_announce },
};
static const tpi_route_t metadata_routes[] = {
    { TPC_WIRE_SCHEMA, TPC_SOURCE_ANNOUNCE, TPC_SOURCE_ANNOUNCE_BLOCK, on_source },
    { TPC_WIRE_SCHEMA, TPC_SOURCE_META, TPC_SOURCE_META_BLOCK, on_meta },
};
static const tpi_route_t qos_routes[] = {
    { TPC_WIRE_SCHEMA, TPC_QOS_CONSUMER, TPC_QOS_CONSUMER_BLOCK, on_qos_consumer },
    { TPC_WIRE_SCHEMA, TPC_QOS_PRODUCER, TPC_QOS_PRODUCER_BLOCK, on_qos_producer },
};

static const struct { const tpi_route_t *routes; size_t count; } tables[TPI_INLETS] = {
    { control_routes, sizeof(control_routes) / sizeof(control_routes[0]) }, { announce_routes, sizeof(announce_routes) / sizeof(announce_routes[0]) },
    { metadata_routes, sizeof(metadata_routes) / sizeof(metadata_routes[0]) }, { qos_routes, sizeof(qos_routes) / sizeof(qos_routes[0]) } };

/* The inlet that reads for this role: an earlier one of the same stream, or itself. */
static tpi_inlet_t *reader_of(tpi_supervisor_t *supervisor, int role)
{
    tpi_inlet_t *const inlet = &supervisor->inlets[role];
    for (int i = 0; i < role; i++)
    {
        tpi_inlet_t *const other = &supervisor->inlets[i];
        if (!other->is_shared && other->stream_id == inlet->stream_id && 0 == strcmp(other->channel, inlet->channel)) { return other; }
    }
    return inlet;
}

int tpi_supervisor_handlers_init(tpi_supervisor_t *supervisor)
{
    for (int role = 0; role < TPI_INLETS; role++)
    {
        tpi_inlet_t *const inlet = &supervisor->inlets[role];
        tpi_inlet_t *const reader = reader_of(supervisor, role);
        inlet->is_shared = reader != inlet;
        if (!inlet->is_shared && tpi_dispatcher_create(&inlet->dispatcher) < 0) { return -1; }
        if (tpi_dispatcher_add(reader->dispatcher, tables[role].routes, tables[role].count, supervisor) < 0) { return -1; }
    }
    return 0;
}
