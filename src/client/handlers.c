/* Messages in, other than those of driver sessions: announces, hello, config, QoS. Conductor only; nothing here waits or opens (trap A4). */
#include "client/client_state.h"

#include "client/join_state.h"
#include "codec/codec_wire.h"

static void on_announce(tp_client_t *client, tpi_dispatcher_t *dispatcher, const tpi_message_t *message, int64_t now_ns)
{
    tpc_pool_announce_t announce;
    if (tpc_pool_announce_decode(&announce, message->data, message->length) < 0)              /* A1 of 10.2; trap P2 */
    {
        tpi_dispatcher_malformed(dispatcher);
        return;
    }
    atomic_store_explicit(&client->driver_seen_ns, now_ns, memory_order_relaxed);
    for (tpi_attachment_t *a = client->attachments; NULL != a; a = a->next)
    {
        if (tpi_session_is_leased(&a->session) && a->session.lease.stream_id == announce.stream_id && announce.epoch >= a->session.lease.epoch)
        {
            tpi_session_driver_alive(&a->session, now_ns);                                    /* D-155 X-084 */
        }
    }
    for (tp_producer_t *p = client->producers; NULL != p; p = tpi_producer_next(p)) { tpi_producer_on_announce(p, &announce, now_ns); }
    for (tp_consumer_t *c = client->consumers; NULL != c; c = tpi_consumer_next_of(c))
    {
        tpi_consumer_on_announce(c, &announce, message->joined_ns, now_ns);
    }
    tpi_discovery_on_announce(client, &announce, now_ns);
    tpi_join_on_pool_announce(client, &announce);
}

static void on_control_announce(void *clientd, const tpi_message_t *message, int64_t now_ns)
{
    tp_client_t *client = clientd;
    on_announce(client, client->dispatcher, message, now_ns);
}

static void on_separate_announce(void *clientd, const tpi_message_t *message, int64_t now_ns)
{
    tp_client_t *client = clientd;
    on_announce(client, client->announce_dispatcher, message, now_ns);
}

static void on_hello(void *clientd, const tpi_message_t *message, int64_t now_ns)
{
    tp_client_t *client = clientd;
    tpc_consumer_hello_t hello;
    if (tpc_consumer_hello_decode(&hello, message->data, message->length) < 0)
    {
        tpi_dispatcher_malformed(client->dispatcher);
        return;
    }
    for (tp_producer_t *p = client->producers; NULL != p; p = tpi_producer_next(p)) { tpi_producer_on_hello(p, &hello, now_ns); }
}

static void on_config(void *clientd, const tpi_message_t *message, int64_t now_ns)
{
    tp_client_t *client = clientd;
    tpc_consumer_config_t config;
    if (tpc_consumer_config_decode(&config, message->data, message->length) < 0)
    {
        tpi_dispatcher_malformed(client->dispatcher);
        return;
    }
    const tpi_connection_t *connection = client->connection;
    const bool is_own = NULL != connection && NULL != connection->control_pub &&
        tpi_publication_session_id(connection->control_pub) == message->session_id;
    for (tp_producer_t *p = client->producers; NULL != p; p = tpi_producer_next(p)) { tpi_producer_on_config(p, &config, is_own, now_ns); }
    for (tp_consumer_t *c = client->consumers; NULL != c; c = tpi_consumer_next_of(c)) { tpi_consumer_on_config(c, &config, now_ns); }
}

static void on_frame_progress(void *clientd, const tpi_message_t *message, int64_t now_ns)
{
    tp_client_t *client = clientd;
    tpc_frame_progress_t progress;
    if (tpc_frame_progress_decode(&progress, message->data, message->length) < 0)
    {
        tpi_dispatcher_malformed(client->dispatcher);
        return;
    }
    for (tp_consumer_t *c = client->consumers; NULL != c; c = tpi_consumer_next_of(c)) { tpi_consumer_on_progress(c, &progress, now_ns); }
}

static void on_qos_consumer(void *clientd, const tpi_message_t *message, int64_t now_ns)
{
    tp_client_t *client = clientd;
    tpc_qos_consumer_t qos;
    if (tpc_qos_consumer_decode(&qos, message->data, message->length) < 0)
    {
        tpi_dispatcher_malformed(client->qos_dispatcher);
        return;
    }
    for (tp_producer_t *p = client->producers; NULL != p; p = tpi_producer_next(p)) { tpi_producer_on_qos(p, &qos, now_ns); }
    for (tp_consumer_t *c = client->consumers; NULL != c; c = tpi_consumer_next_of(c)) { tpi_consumer_on_qos(c, &qos, message->session_id, now_ns); }
}

int tpi_client_add_routes(tp_client_t *client)
{
    static const tpi_route_t control[] = {
        { TPC_WIRE_SCHEMA, TPC_POOL_ANNOUNCE, TPC_POOL_ANNOUNCE_BLOCK, on_control_announce },
        { TPC_WIRE_SCHEMA, TPC_CONSUMER_HELLO, TPC_CONSUMER_HELLO_BLOCK, on_hello },
        { TPC_WIRE_SCHEMA, TPC_CONSUMER_CONFIG, TPC_CONSUMER_CONFIG_BLOCK, on_config },
        { TPC_WIRE_SCHEMA, TPC_FRAME_PROGRESS, TPC_FRAME_PROGRESS_BLOCK, on_frame_progress },
    };
    static const tpi_route_t announce[] = { { TPC_WIRE_SCHEMA, TPC_POOL_ANNOUNCE, TPC_POOL_ANNOUNCE_BLOCK, on_separate_announce } };
    static const tpi_route_t qos[] = { { TPC_WIRE_SCHEMA, TPC_QOS_CONSUMER, TPC_QOS_CONSUMER_BLOCK, on_qos_consumer } };
    if (tpi_attachment_add_routes(client) < 0 || tpi_join_add_routes(client) < 0) { return -1; }
    if (tpi_dispatcher_add(client->dispatcher, control, sizeof(control) / sizeof(control[0]), client) < 0) { return -1; }
    if (tpi_dispatcher_add(client->announce_dispatcher, announce, 1, client) < 0) { return -1; }
    return tpi_dispatcher_add(client->qos_dispatcher, qos, 1, client);
}
