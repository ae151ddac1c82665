/*
 * Hands messages and changes to the handlers of a client. Registered at the dispatchers before the client's own listeners, so that a revoked lease
 * can still be told to be one of ours. Conductor only; a handler may set or remove handlers, so each is looked up right before it is called.
 */
#include "client/events.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/change.h"
#include "client/client_state.h"
#include "codec/codec_driver.h"
#include "codec/codec_wire.h"
#include "common/alloc.h"
#include "common/clock.h"
#include "common/err.h"

/* ---- control ------------------------------------------------------------------------------------------------------------ */

/* false: not to be told. *before is what was known. */
static bool learn_epoch(tpi_events_t *events, uint32_t stream_id, uint64_t epoch, uint64_t *before)
{
    if (0 == epoch || TP_NULL_U64 == epoch) { return false; }                            /* O-40 */
    for (size_t i = 0; i < events->epoch_count; i++)
    {
        tpi_known_epoch_t *known = &events->epochs[i];
        if (known->stream_id != stream_id) { continue; }
        if (epoch <= known->epoch) { return false; }                                     /* W-080 */
        *before = known->epoch;
        known->epoch = epoch;
        return true;
    }
    if (TPI_EVENT_STREAMS_MAX == events->epoch_count)
    {
        tpi_stat_add(&events->epochs_untold, 1);
        return false;
    }
    *before = 0;
    events->epochs[events->epoch_count++] = (tpi_known_epoch_t){ stream_id, epoch };
    return true;
}

static void on_announce(void *clientd, const tpi_message_t *message, int64_t now_ns)
{
    tp_client_t *client = clientd;
    tpi_events_t *e = &client->events;
    tpc_pool_announce_t m;
    tp_pool_view_t pools[TPC_POOLS_MAX];
    uint64_t before = 0;
    if (NULL == e->control.on_pool_announce && NULL == e->driver.on_epoch) { return; }
    if (tpc_pool_announce_decode(&m, message->data, message->length) < 0) { return; }    /* counted by the client's own listener */
    if (NULL != e->driver.on_epoch && learn_epoch(e, m.stream_id, m.epoch, &before))
    {
        e->driver.on_epoch(e->driver.clientd, m.stream_id, before, m.epoch);
    }
    if (NULL == e->control.on_pool_announce) { return; }
    for (uint32_t i = 0; i < m.pool_count; i++)
    {
        pools[i] = (tp_pool_view_t){ .pool_id = m.pools[i].pool_id, .nslots = m.pools[i].pool_nslots, .stride_bytes = m.pools[i].stride_bytes,
            .uri = tpi_events_view(m.pools[i].region_uri) };
    }
    const tp_pool_announce_t out = { .size = sizeof(out), .stream_id = m.stream_id, .epoch = m.epoch, .timestamp_ns = m.announce_timestamp_ns,
        .clock_domain = m.announce_clock_domain, .producer_id = m.producer_id, .layout_version = m.layout_version, .header_nslots = m.header_nslots,
        .header_slot_bytes = m.header_slot_bytes, .pool_count = m.pool_count, .pools = pools, .header_uri = tpi_events_view(m.header_region_uri),
        .arrival = tpi_events_arrival(message, now_ns) };
    e->control.on_pool_announce(e->control.clientd, &out);                               /* W-202 */
}

static void on_hello(void *clientd, const tpi_message_t *message, int64_t now_ns)
{
    tpi_events_t *e = &((tp_client_t *)clientd)->events;
    tpc_consumer_hello_t m;
    if (NULL == e->control.on_consumer_hello || tpc_consumer_hello_decode(&m, message->data, message->length) < 0) { return; }
    const tp_consumer_hello_t out = { .size = sizeof(out), .stream_id = m.stream_id, .consumer_id = m.consumer_id, .mode = m.mode,
        .supports_shm = m.supports_shm, .supports_progress = m.supports_progress, .max_rate_hz = m.max_rate_hz,
        .expected_layout_version = m.expected_layout_version, .progress_interval_us = m.progress_interval_us,
        .progress_bytes_delta = m.progress_bytes_delta, .progress_major_delta_units = m.progress_major_delta_units,
        .descriptor_stream_id = m.descriptor_stream_id, .control_stream_id = m.control_stream_id,
        .descriptor_channel = tpi_events_view(m.descriptor_channel), .control_channel = tpi_events_view(m.control_channel),
        .arrival = tpi_events_arrival(message, now_ns) };
    e->control.on_consumer_hello(e->control.clientd, &out);
}

static void on_config(void *clientd, const tpi_message_t *message, int64_t now_ns)
{
    tpi_events_t *e = &((tp_client_t *)clientd)->events;
    tpc_consumer_config_t m;
    if (NULL == e->control.on_consumer_config || tpc_consumer_config_decode(&m, message->data, message->length) < 0) { return; }
    const tp_consumer_config_t out = { .size = sizeof(out), .stream_id = m.stream_id, .consumer_id = m.consumer_id, .mode = m.mode,
        .use_shm = m.use_shm, .descriptor_stream_id = m.descriptor_stream_id, .control_stream_id = m.control_stream_id,
        .payload_fallback_uri = tpi_events_view(m.payload_fallback_uri), .descriptor_channel = tpi_events_view(m.descriptor_channel),
        .control_channel = tpi_events_view(m.control_channel), .arrival = tpi_events_arrival(message, now_ns) };
    e->control.on_consumer_config(e->control.clientd, &out);
}

static void on_response(void *clientd, const tpi_message_t *message, int64_t now_ns)
{
    tp_client_t *client = clientd;
    tpi_events_t *e = &client->events;
    tpc_control_response_t m;
    if (tpc_control_response_decode(&m, message->data, message->length) < 0)
    {
        tpi_dispatcher_malformed(client->dispatcher);
        return;
    }
    const tp_control_response_t out = { .size = sizeof(out), .code = m.code, .correlation_id = m.correlation_id,
        .error_message = tpi_events_view(m.error_message), .arrival = tpi_events_arrival(message, now_ns) };
    if (NULL != e->control.on_control_response) { e->control.on_control_response(e->control.clientd, &out); }        /* O-34 */
}

/* ---- driver ------------------------------------------------------------------------------------------------------------- */

static void on_revoked(void *clientd, const tpi_message_t *message, int64_t now_ns)
{
    tp_client_t *client = clientd;
    tpi_events_t *e = &client->events;
    tpc_lease_revoked_t m;
    bool ours = false;
    if (NULL == e->driver.on_lease_revoked || tpc_lease_revoked_decode(&m, message->data, message->length) < 0) { return; }
    for (const tpi_attachment_t *a = client->attachments; NULL != a; a = a->next)
    {
        ours = ours || (tpi_session_is_leased(&a->session) && a->session.lease.lease_id == m.lease_id && a->session.lease.stream_id == m.stream_id);
    }
    const tp_lease_revoked_t out = { .size = sizeof(out), .stream_id = m.stream_id, .lease_id = m.lease_id, .timestamp_ns = m.timestamp_ns,
        .client_id = m.client_id, .role = m.role, .reason = m.reason, .is_ours = ours ? 1 : 0, .error_message = tpi_events_view(m.error_message),
        .arrival = tpi_events_arrival(message, now_ns) };
    e->driver.on_lease_revoked(e->driver.clientd, &out);
}

static void on_shutdown(void *clientd, const tpi_message_t *message, int64_t now_ns)
{
    tp_client_t *client = clientd;
    tpi_events_t *e = &client->events;
    tpc_driver_shutdown_t m;
    bool ours = false;
    if (NULL == e->driver.on_driver_shutdown || tpc_driver_shutdown_decode(&m, message->data, message->length) < 0) { return; }
    for (const tpi_attachment_t *a = client->attachments; NULL != a; a = a->next)
    {
        ours = ours || (tpi_session_is_leased(&a->session) && a->session.lease.driver_session_id == message->session_id);      /* D-206 */
    }
    const tp_driver_shutdown_t out = { .size = sizeof(out), .reason = m.reason, .timestamp_ns = m.timestamp_ns, .is_ours = ours ? 1 : 0,
        .error_message = tpi_events_view(m.error_message), .arrival = tpi_events_arrival(message, now_ns) };
    e->driver.on_driver_shutdown(e->driver.clientd, &out);
}

static void tell(tpi_events_t *e, tp_driver_event_t event, int code, const char *text)
{
    if (NULL != e->driver.on_driver_event) { e->driver.on_driver_event(e->driver.clientd, event, code, text); }
}

static void watch_media(tp_client_t *client)
{
    tpi_events_t *e = &client->events;
    const bool there = NULL != client->connection && client->connection->ready;
    if (there == e->media_there) { return; }
    e->media_there = there;
    if (there) { tell(e, TP_MEDIA_DRIVER_FOUND, TP_OK, ""); }
    else { tell(e, TP_MEDIA_DRIVER_LOST, TP_EMEDIADRIVER, "connection to the media driver is lost"); }
}

static void watch_driver(tp_client_t *client, int64_t now_ns)
{
    tpi_events_t *e = &client->events;
    const int64_t seen_ns = atomic_load_explicit(&client->driver_seen_ns, memory_order_relaxed);
    const bool heard = 0 != seen_ns && now_ns - seen_ns <= 3 * client->settings.announce_period_ns;
    const bool there = heard && !client->driver_was_lost;
    char text[96];
    if (there == e->driver_there) { return; }
    e->driver_there = there;
    if (there) { tell(e, TP_DRIVER_FOUND, TP_OK, ""); return; }
    if (heard) { (void)snprintf(text, sizeof(text), "the driver's endpoint file is gone"); }
    else { (void)snprintf(text, sizeof(text), "nothing was heard of the driver for %" PRId64 " ms", (now_ns - seen_ns) / TPI_NS_PER_MS); }
    tell(e, TP_DRIVER_LOST, TP_ENODRIVER, text);
}

/* ---- QoS ---------------------------------------------------------------------------------------------------------------- */

static void on_qos_consumer(void *clientd, const tpi_message_t *message, int64_t now_ns)
{
    tpi_events_t *e = &((tp_client_t *)clientd)->events;
    tpc_qos_consumer_t m;
    if (NULL == e->qos.on_qos_consumer || tpc_qos_consumer_decode(&m, message->data, message->length) < 0) { return; }
    const tp_qos_consumer_t out = { .size = sizeof(out), .stream_id = m.stream_id, .consumer_id = m.consumer_id, .mode = m.mode, .epoch = m.epoch,
        .last_seq_seen = m.last_seq_seen, .drops_gap = m.drops_gap, .drops_late = m.drops_late, .arrival = tpi_events_arrival(message, now_ns) };
    e->qos.on_qos_consumer(e->qos.clientd, &out);                                        /* W-202 */
}

static void on_qos_producer(void *clientd, const tpi_message_t *message, int64_t now_ns)
{
    tp_client_t *client = clientd;
    tpi_events_t *e = &client->events;
    tpc_qos_producer_t m;
    if (tpc_qos_producer_decode(&m, message->data, message->length) < 0)
    {
        tpi_dispatcher_malformed(client->qos_dispatcher);
        return;
    }
    const tp_qos_producer_t out = { .size = sizeof(out), .stream_id = m.stream_id, .producer_id = m.producer_id, .watermark = m.watermark,
        .epoch = m.epoch, .current_seq = m.current_seq, .arrival = tpi_events_arrival(message, now_ns) };
    if (NULL != e->qos.on_qos_producer) { e->qos.on_qos_producer(e->qos.clientd, &out); }        /* W-202 */
}

/* ---- life --------------------------------------------------------------------------------------------------------------- */

int tpi_events_add_routes(struct tp_client *client)
{
    static const tpi_route_t control[] = {
        { TPC_WIRE_SCHEMA, TPC_POOL_ANNOUNCE, TPC_POOL_ANNOUNCE_BLOCK, on_announce },
        { TPC_WIRE_SCHEMA, TPC_CONSUMER_HELLO, TPC_CONSUMER_HELLO_BLOCK, on_hello },
        { TPC_WIRE_SCHEMA, TPC_CONSUMER_CONFIG, TPC_CONSUMER_CONFIG_BLOCK, on_config },
        { TPC_WIRE_SCHEMA, TPC_CONTROL_RESPONSE, TPC_CONTROL_RESPONSE_BLOCK, on_response },
        { TPC_DRIVER_SCHEMA, TPC_LEASE_REVOKED, TPC_LEASE_REVOKED_BLOCK, on_revoked },
        { TPC_DRIVER_SCHEMA, TPC_DRIVER_SHUTDOWN, TPC_DRIVER_SHUTDOWN_BLOCK, on_shutdown },
    };
    static const tpi_route_t announce[] = { { TPC_WIRE_SCHEMA, TPC_POOL_ANNOUNCE, TPC_POOL_ANNOUNCE_BLOCK, on_announce } };
    static const tpi_route_t qos[] = {
        { TPC_WIRE_SCHEMA, TPC_QOS_CONSUMER, TPC_QOS_CONSUMER_BLOCK, on_qos_consumer },
        { TPC_WIRE_SCHEMA, TPC_QOS_PRODUCER, TPC_QOS_PRODUCER_BLOCK, on_qos_producer },
    };
    if (tpi_dispatcher_add(client->dispatcher, control, sizeof(control) / sizeof(control[0]), client) < 0) { return -1; }
    if (tpi_dispatcher_add(client->announce_dispatcher, announce, 1, client) < 0) { return -1; }
    if (tpi_dispatcher_add(client->qos_dispatcher, qos, sizeof(qos) / sizeof(qos[0]), client) < 0) { return -1; }
    if (tpi_events_add_trace_routes(client) < 0) { return -1; }
    return tpi_events_add_metadata_routes(client);
}

void tpi_events_tick(struct tp_client *client, int64_t now_ns)
{
    watch_media(client);
    watch_driver(client, now_ns);
    tpi_events_metadata_tick(client, now_ns);
}

void tpi_events_fini(tpi_events_t *events)
{
    tpi_blob_receiver_fini(&events->blobs);
    tpi_free(events->attributes);
    events->attributes = NULL;
}

/* ---- calls -------------------------------------------------------------------------------------------------------------- */

typedef struct handlers_change
{
    tpi_change_t change;
    union
    {
        tp_control_handlers_t control;
        tp_metadata_handlers_t metadata;
        tp_qos_handlers_t qos;
        tp_driver_handlers_t driver;
    }
    to;
}
handlers_change_t;

static int apply_control(tpi_change_t *change, int64_t now_ns)
{
    (void)now_ns;
    change->client->events.control = ((handlers_change_t *)change)->to.control;
    return 0;
}

static int apply_metadata(tpi_change_t *change, int64_t now_ns)
{
    tpi_events_t *e = &change->client->events;
    const handlers_change_t *c = (const handlers_change_t *)change;
    (void)now_ns;
    if (NULL != c->to.metadata.on_source_meta && NULL == e->attributes)
    {
        e->attributes = tpi_alloc_array(TP_ATTRIBUTES_MAX, sizeof(*e->attributes));
        if (NULL == e->attributes) { return -1; }
    }
    e->metadata = c->to.metadata;
    e->blobs.limit_bytes = 0 == c->to.metadata.blob_bytes_max ? TPI_BLOB_LIMIT_BYTES : c->to.metadata.blob_bytes_max;
    e->blobs.total_limit_bytes = e->blobs.limit_bytes > UINT64_MAX / 4 ? UINT64_MAX : 4 * e->blobs.limit_bytes;
    if (NULL == c->to.metadata.on_meta_blob) { tpi_blob_receiver_fini(&e->blobs); }
    return 0;
}

static int apply_qos(tpi_change_t *change, int64_t now_ns)
{
    (void)now_ns;
    change->client->events.qos = ((handlers_change_t *)change)->to.qos;
    return 0;
}

/* What is there already is told to new handlers as found. */
static int apply_driver(tpi_change_t *change, int64_t now_ns)
{
    tpi_events_t *e = &change->client->events;
    (void)now_ns;
    e->driver = ((handlers_change_t *)change)->to.driver;
    e->epoch_count = 0;
    e->driver_there = false;
    e->media_there = false;
    return 0;
}

static int set_handlers(tp_client_t *client, int (*apply)(tpi_change_t *change, int64_t now_ns), const void *handlers, size_t size)
{
    uint32_t stated = 0;
    if (NULL == client) { TPI_SET_ERR(TP_EINVAL, "client is NULL"); return -1; }
    if (NULL != handlers) { memcpy(&stated, handlers, sizeof(stated)); }
    if (NULL != handlers && stated != size)
    {
        TPI_SET_ERR(TP_EINVAL, "size of the handlers = %" PRIu32 ", this library has %zu", stated, size);
        return -1;
    }
    handlers_change_t *c = tpi_alloc(sizeof(*c));
    if (NULL == c) { return -1; }
    c->change = (tpi_change_t){ .client = client, .apply = apply };
    if (NULL != handlers) { memcpy(&c->to, handlers, size); }
    return tpi_change_make(&c->change);
}

int tp_client_set_control_handlers(tp_client_t *client, const tp_control_handlers_t *handlers)
{
    return set_handlers(client, apply_control, handlers, sizeof(*handlers));
}

int tp_client_set_metadata_handlers(tp_client_t *client, const tp_metadata_handlers_t *handlers)
{
    return set_handlers(client, apply_metadata, handlers, sizeof(*handlers));
}

int tp_client_set_qos_handlers(tp_client_t *client, const tp_qos_handlers_t *handlers)
{
    return set_handlers(client, apply_qos, handlers, sizeof(*handlers));
}

int tp_client_set_driver_handlers(tp_client_t *client, const tp_driver_handlers_t *handlers)
{
    return set_handlers(client, apply_driver, handlers, sizeof(*handlers));
}

int tp_client_metadata_ignored(const tp_client_t *client, tp_metadata_ignored_t *ignored)
{
    if (NULL == client || NULL == ignored) { TPI_SET_ERR(TP_EINVAL, "client or ignored is NULL"); return -1; }
    const tpi_events_t *e = &client->events;
    const tpi_stat_t *v = e->blob_verdicts;
    const tp_metadata_ignored_t i = { .size = sizeof(i), .malformed = tpi_stat_get(&e->malformed),
        .too_many_attributes = tpi_stat_get(&e->too_many_attributes), .blobs_too_long = tpi_stat_get(&v[TPI_BLOB_TOO_LONG]),
        .blobs_refused = tpi_stat_get(&v[TPI_BLOB_TABLE_FULL]) + tpi_stat_get(&v[TPI_BLOB_NO_MEMORY]),
        .blobs_broken = tpi_stat_get(&v[TPI_BLOB_OTHER_VERSION]) + tpi_stat_get(&v[TPI_BLOB_BAD_CHUNK]) +
            tpi_stat_get(&v[TPI_BLOB_INCOMPLETE]) + tpi_stat_get(&v[TPI_BLOB_BAD_CHECKSUM]),
        .blobs_unfinished = tpi_stat_get(&v[TPI_BLOB_REPLACED]) + tpi_stat_get(&v[TPI_BLOB_SILENT]),
        .blob_strays = tpi_stat_get(&v[TPI_BLOB_NOT_EXPECTED]) };
    *ignored = i;
    return 0;
}
