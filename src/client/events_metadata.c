/* Hands what comes on the metadata stream to the handlers of a client; puts blobs together. Conductor only. */
#include "client/client_state.h"
#include "codec/codec_wire.h"

static void count_malformed(tp_client_t *client)
{
    const tpi_dispatcher_counts_t *counts = tpi_dispatcher_counts(client->metadata_dispatcher);
    tpi_stat_set(&client->events.malformed, counts->malformed + counts->newer_version);
}

static void malformed(tp_client_t *client) { tpi_dispatcher_malformed(client->metadata_dispatcher); }

static void on_source_announce(void *clientd, const tpi_message_t *message, int64_t now_ns)
{
    tpi_events_t *e = &((tp_client_t *)clientd)->events;
    tpc_source_announce_t m;
    if (tpc_source_announce_decode(&m, message->data, message->length) < 0) { malformed(clientd); return; }
    const tp_source_announce_t out = { .size = sizeof(out), .stream_id = m.stream_id, .producer_id = m.producer_id, .meta_version = m.meta_version,
        .epoch = m.epoch, .name = tpi_events_view(m.name), .summary = tpi_events_view(m.summary), .arrival = tpi_events_arrival(message, now_ns) };
    if (NULL != e->metadata.on_source_announce) { e->metadata.on_source_announce(e->metadata.clientd, &out); }       /* W-202 */
}

static void on_source_meta(void *clientd, const tpi_message_t *message, int64_t now_ns)
{
    tpi_events_t *e = &((tp_client_t *)clientd)->events;
    tpc_source_meta_t m;
    tpc_attribute_t attribute;
    uint32_t count = 0;
    if (tpc_source_meta_decode(&m, message->data, message->length) < 0) { malformed(clientd); return; }  /* whole or not at all */
    if (NULL == e->metadata.on_source_meta || NULL == e->attributes) { return; }
    if (m.attribute_count > TP_ATTRIBUTES_MAX) { tpi_stat_add(&e->too_many_attributes, 1); return; }
    for (tpc_attributes_t walk = m.walk; count < TP_ATTRIBUTES_MAX && tpc_attributes_next(&walk, &attribute); count++)
    {
        e->attributes[count] = (tp_attribute_t){ tpi_events_view(attribute.key), tpi_events_view(attribute.format),
            tpi_events_view(attribute.value) };
    }
    const tp_source_meta_t out = { .size = sizeof(out), .stream_id = m.stream_id, .meta_version = m.meta_version, .attribute_count = count,
        .timestamp_ns = m.timestamp_ns, .attributes = e->attributes, .arrival = tpi_events_arrival(message, now_ns) };
    e->metadata.on_source_meta(e->metadata.clientd, &out);                               /* W-202 */
}

static void publish_verdicts(tpi_events_t *e)
{
    for (int i = 0; i < TPI_BLOB_VERDICTS; i++) { tpi_stat_set(&e->blob_verdicts[i], e->blobs.counts[i]); }
}

static void on_blob_announce(void *clientd, const tpi_message_t *message, int64_t now_ns)
{
    tpi_events_t *e = &((tp_client_t *)clientd)->events;
    tpc_blob_announce_t m;
    if (tpc_blob_announce_decode(&m, message->data, message->length) < 0) { malformed(clientd); return; }
    if (NULL == e->metadata.on_meta_blob) { return; }
    (void)tpi_blob_receiver_on_announce(&e->blobs, &m, message->session_id, now_ns);
    publish_verdicts(e);
}

static void on_blob_chunk(void *clientd, const tpi_message_t *message, int64_t now_ns)
{
    tpi_events_t *e = &((tp_client_t *)clientd)->events;
    tpc_blob_chunk_t m;
    if (tpc_blob_chunk_decode(&m, message->data, message->length) < 0) { malformed(clientd); return; }
    if (NULL == e->metadata.on_meta_blob) { return; }
    (void)tpi_blob_receiver_on_chunk(&e->blobs, &m, message->session_id, now_ns);
    publish_verdicts(e);
}

static void on_blob_complete(void *clientd, const tpi_message_t *message, int64_t now_ns)
{
    tpi_events_t *e = &((tp_client_t *)clientd)->events;
    tpc_blob_complete_t m;
    tpi_blob_t blob;
    if (tpc_blob_complete_decode(&m, message->data, message->length) < 0) { malformed(clientd); return; }
    if (NULL == e->metadata.on_meta_blob) { return; }
    const tpi_blob_verdict_t verdict = tpi_blob_receiver_on_complete(&e->blobs, &m, message->session_id, &blob);
    publish_verdicts(e);
    if (TPI_BLOB_DELIVERED != verdict) { return; }
    const tp_meta_blob_t out = { .size = sizeof(out), .stream_id = blob.stream_id, .meta_version = blob.meta_version, .blob_type = blob.blob_type,
        .checksum = blob.checksum, .blob = { blob.data, (size_t)blob.length }, .arrival = tpi_events_arrival(message, now_ns) };
    e->metadata.on_meta_blob(e->metadata.clientd, &out);
    tpi_blob_receiver_release(&blob);
}

int tpi_events_add_metadata_routes(struct tp_client *client)
{
    static const tpi_route_t metadata[] = {
        { TPC_WIRE_SCHEMA, TPC_SOURCE_ANNOUNCE, TPC_SOURCE_ANNOUNCE_BLOCK, on_source_announce },
        { TPC_WIRE_SCHEMA, TPC_SOURCE_META, TPC_SOURCE_META_BLOCK, on_source_meta },
        { TPC_WIRE_SCHEMA, TPC_BLOB_ANNOUNCE, TPC_BLOB_ANNOUNCE_BLOCK, on_blob_announce },
        { TPC_WIRE_SCHEMA, TPC_BLOB_CHUNK, TPC_BLOB_CHUNK_BLOCK, on_blob_chunk },
        { TPC_WIRE_SCHEMA, TPC_BLOB_COMPLETE, TPC_BLOB_COMPLETE_BLOCK, on_blob_complete },
    };
    return tpi_dispatcher_add(client->metadata_dispatcher, metadata, sizeof(metadata) / sizeof(metadata[0]), client);
}

void tpi_events_metadata_tick(struct tp_client *client, int64_t now_ns)
{
    tpi_events_t *e = &client->events;
    count_malformed(client);
    if (NULL == e->metadata.on_meta_blob) { return; }
    tpi_blob_receiver_sweep(&e->blobs, now_ns);
    publish_verdicts(e);
}
