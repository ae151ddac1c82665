/* The only callers of encode + send of a client, one function a message. Conductor only. A full bus is a result, never a loop. */
#include "client/client_state.h"

#include "codec/codec_join.h"
#include "codec/codec_wire.h"

static int64_t offer(tp_client_t *client, tpi_publication_t *publication, int64_t length)
{
    if (NULL == publication) { return TP_NOT_CONNECTED; }
    if (length < 0) { return TP_INVALID_ARGUMENT; }
    return tpi_publication_send(publication, client->send_buffer, (size_t)length);
}

static bool send(tp_client_t *client, tpi_publication_t *publication, int64_t length)
{
    if (length < 0 || NULL == publication) { return false; }
    if (offer(client, publication, length) > 0) { return true; }
    tpi_stat_add(&client->sends_refused, 1);
    return false;
}

/* Somebody waits for the answer: whoever gives it may be asleep. */
static bool send_and_ring(tp_client_t *client, tpi_publication_t *publication, int64_t length)
{
    const bool sent = send(client, publication, length);
    if (sent) { tpi_bus_ring(client->connection->bus); }                                              /* L-301 */
    return sent;
}

static tpi_publication_t *control(const tp_client_t *client) { return NULL == client->connection ? NULL : client->connection->control_pub; }
static tpi_publication_t *qos(const tp_client_t *client) { return NULL == client->connection ? NULL : client->connection->qos_pub; }

static tpi_publication_t *metadata(const tp_client_t *client)
{
    return NULL == client->connection ? NULL : client->connection->metadata.publication;
}

bool tpi_client_send_attach(tp_client_t *client, const tpc_attach_request_t *m)
{
    return send_and_ring(client, control(client), tpc_attach_request_encode(client->send_buffer, client->send_capacity, m));
}

bool tpi_client_send_keepalive(tp_client_t *client, const tpc_keepalive_t *m)
{
    const int64_t rc = offer(client, control(client), tpc_keepalive_encode(client->send_buffer, client->send_capacity, m));
    if (rc > 0) { return true; }
    tpi_stat_add(&client->sends_refused, 1);
    if (TP_CLOSED == rc) { client->connection->is_broken = true; }                                    /* D-108 */
    return false;
}

bool tpi_client_send_detach(tp_client_t *client, const tpc_detach_request_t *m)
{
    return send_and_ring(client, control(client), tpc_detach_request_encode(client->send_buffer, client->send_capacity, m));
}

bool tpi_client_send_hello(tp_client_t *client, const tpc_consumer_hello_t *m)
{
    return send_and_ring(client, control(client), tpc_consumer_hello_encode(client->send_buffer, client->send_capacity, m));
}

bool tpi_client_send_config(tp_client_t *client, const tpc_consumer_config_t *m)
{
    return send(client, control(client), tpc_consumer_config_encode(client->send_buffer, client->send_capacity, m));
}

bool tpi_client_send_qos_consumer(tp_client_t *client, const tpc_qos_consumer_t *m)
{
    return send(client, qos(client), tpc_qos_consumer_encode(client->send_buffer, client->send_capacity, m));
}

bool tpi_client_send_qos_producer(tp_client_t *client, const tpc_qos_producer_t *m)
{
    return send(client, qos(client), tpc_qos_producer_encode(client->send_buffer, client->send_capacity, m));
}

int64_t tpi_client_send_source_announce(tp_client_t *client, const tpc_source_announce_t *m)
{
    return offer(client, metadata(client), tpc_source_announce_encode(client->send_buffer, client->send_capacity, m));
}

int64_t tpi_client_send_source_meta(tp_client_t *client, const tpc_source_meta_t *m)
{
    return offer(client, metadata(client), tpc_source_meta_encode(client->send_buffer, client->send_capacity, m));
}

int64_t tpi_client_send_blob_announce(tp_client_t *client, const tpc_blob_announce_t *m)
{
    return offer(client, metadata(client), tpc_blob_announce_encode(client->send_buffer, client->send_capacity, m));
}

int64_t tpi_client_send_blob_chunk(tp_client_t *client, const tpc_blob_chunk_t *m)
{
    return offer(client, metadata(client), tpc_blob_chunk_encode(client->send_buffer, client->send_capacity, m));
}

int64_t tpi_client_send_blob_complete(tp_client_t *client, const tpc_blob_complete_t *m)
{
    return offer(client, metadata(client), tpc_blob_complete_encode(client->send_buffer, client->send_capacity, m));
}

bool tpi_client_send_map_request(tp_client_t *client, tpi_merge_kind_t kind, uint32_t out_stream_id, uint64_t epoch)
{
    const tpc_sequence_map_request_t sequence = { .out_stream_id = out_stream_id, .epoch = epoch };
    const tpc_timestamp_map_request_t timestamp = { .out_stream_id = out_stream_id, .epoch = epoch };
    const int64_t length = TPI_MERGE_SEQUENCE == kind ? tpc_sequence_map_request_encode(client->send_buffer, client->send_capacity, &sequence) :
        tpc_timestamp_map_request_encode(client->send_buffer, client->send_capacity, &timestamp);
    return send(client, control(client), length);                                                     /* J-090 J-098 */
}

bool tpi_client_send_map(tp_client_t *client, const tpi_merge_map_t *map)
{
    tpc_sequence_map_announce_t sequence = TPC_SEQUENCE_MAP_ANNOUNCE_INIT;
    tpc_timestamp_map_announce_t timestamp = TPC_TIMESTAMP_MAP_ANNOUNCE_INIT;
    int64_t length;
    if (TPI_MERGE_SEQUENCE == map->kind)
    {
        tpi_merge_map_to_sequence(map, &sequence);
        length = tpc_sequence_map_announce_encode(client->send_buffer, client->send_capacity, &sequence);
    }
    else
    {
        tpi_merge_map_to_timestamp(map, &timestamp);
        length = tpc_timestamp_map_announce_encode(client->send_buffer, client->send_capacity, &timestamp);
    }
    return send(client, control(client), length);                                                     /* J-090 */
}
