/*
 * Publications and subscriptions of the application. Made and closed by the conductor, used by the application's threads. Each holds its connection,
 * so that a bus that was lost stays as long as somebody may be inside a call on what it gave out.
 */
#include <tensor_pool/client/tp_traffic.h>

#include <string.h>

#include "client/client_state.h"
#include "common/alloc.h"
#include "common/err.h"

struct tpi_traffic
{
    tp_client_t *client;
    tpi_open_kind_t kind;
    char channel[TPI_CHANNEL_MAX];
    int32_t stream_id;
    tpi_connection_t *connection;      /* held: one of its users; NULL before it was asked */
    tpi_open_t *open;
    void *end;                         /* tpi_publication_t or tpi_subscription_t; fixed once it is the caller's */
    tpi_traffic_t *next;
};

static tpi_traffic_t *of_publication(const tp_publication_t *publication) { return (tpi_traffic_t *)(uintptr_t)publication; }
static tpi_traffic_t *of_subscription(const tp_subscription_t *subscription) { return (tpi_traffic_t *)(uintptr_t)subscription; }

/* ---- conductor ---------------------------------------------------------------------------------------------------------- */

static void let_go(tpi_traffic_t *t)
{
    tpi_open_abandon(t->connection, &t->open);
    if (NULL != t->connection) { t->connection->users--; }
    t->connection = NULL;
}

static void dispose(void *object, int64_t now_ns)
{
    tpi_traffic_t *t = object;
    (void)now_ns;
    for (tpi_traffic_t **at = &t->client->traffic; NULL != *at; at = &(*at)->next)
    {
        if (t == *at) { *at = t->next; break; }
    }
    if (NULL != t->end && t->connection == t->client->connection)                          /* else it goes with its bus */
    {
        if (TPI_OPEN_PUBLICATION == t->kind) { tpi_publication_close(t->end); }
        else { tpi_subscription_close(t->end); }
    }
    let_go(t);
    tpi_free(t);
}

void tpi_traffic_close_all(tp_client_t *client)
{
    while (NULL != client->traffic) { dispose(client->traffic, 0); }
}

static void ask(tpi_traffic_t *t, tpi_connection_t *connection)
{
    const tpi_subscription_config_t config = { .channel = t->channel, .stream_id = t->stream_id };
    t->connection = connection;
    connection->users++;
    if (TPI_OPEN_PUBLICATION == t->kind) { t->open = tpi_open_publication(connection, t->channel, t->stream_id); }
    else { t->open = tpi_open_subscription(connection, &config); }
}

/* Waits for a connection, asks, takes. A connection that is lost meanwhile means asking again. */
static int run_open(tpi_command_t *command, int64_t now_ns)
{
    tpi_traffic_t *t = command->object;
    tpi_connection_t *connection = t->client->connection;
    if (!command->started)
    {
        t->next = t->client->traffic;
        t->client->traffic = t;
    }
    if (t->connection != connection) { let_go(t); }
    if (NULL == connection || !connection->ready) { return 0; }
    tpi_client_hurry(t->client, now_ns);
    if (NULL == t->connection) { ask(t, connection); }
    const int rc = tpi_open_take(connection, &t->open, &t->end);
    if (rc >= 0) { return rc; }
    tpi_err_t err;
    tpi_err_save(&err);
    dispose(t, now_ns);
    tpi_err_restore(&err);
    return -1;
}

static const tpi_opening_t opening = { .run = run_open, .dispose = dispose, .unmake = tpi_free };

/* ---- calls -------------------------------------------------------------------------------------------------------------- */

static int add(tpi_command_t **command, tp_client_t *client, tpi_open_kind_t kind, const char *channel, int32_t stream_id)
{
    const size_t length = NULL == channel ? 0 : strlen(channel);
    if (NULL == command || NULL == client || length >= TPI_CHANNEL_MAX || 0 == length || 0 != strncmp(channel, "aeron:", 6))
    {
        TPI_SET_ERR(TP_EINVAL, "async or client is NULL, or channel = '%.100s', allowed: aeron:..., below %d bytes", NULL == channel ? "" : channel,
            TPI_CHANNEL_MAX);
        return -1;
    }
    tpi_traffic_t *t = tpi_alloc(sizeof(*t));
    if (NULL == t) { return -1; }
    t->client = client;
    t->kind = kind;
    t->stream_id = stream_id;
    memcpy(t->channel, channel, length + 1);
    return tpi_client_open_async(command, client, &opening, t);
}

int tp_async_add_publication(tp_async_add_publication_t **async, tp_client_t *client, const char *channel, int32_t stream_id)
{
    tpi_command_t *command = NULL;
    if (add(NULL == async ? NULL : &command, client, TPI_OPEN_PUBLICATION, channel, stream_id) < 0) { return -1; }
    *async = (tp_async_add_publication_t *)command;
    return 0;
}

int tp_async_add_publication_poll(tp_async_add_publication_t *async, tp_publication_t **publication)
{
    void *object = NULL;
    const int rc = tpi_client_open_poll((tpi_command_t *)async, NULL == publication ? NULL : &object);
    if (rc > 0) { *publication = object; }
    return rc;
}

int tp_async_add_subscription(tp_async_add_subscription_t **async, tp_client_t *client, const char *channel, int32_t stream_id)
{
    tpi_command_t *command = NULL;
    if (add(NULL == async ? NULL : &command, client, TPI_OPEN_SUBSCRIPTION, channel, stream_id) < 0) { return -1; }
    *async = (tp_async_add_subscription_t *)command;
    return 0;
}

int tp_async_add_subscription_poll(tp_async_add_subscription_t *async, tp_subscription_t **subscription)
{
    void *object = NULL;
    const int rc = tpi_client_open_poll((tpi_command_t *)async, NULL == subscription ? NULL : &object);
    if (rc > 0) { *subscription = object; }
    return rc;
}

int64_t tp_publication_offer(tp_publication_t *publication, const void *message, size_t length)
{
    if (NULL == publication || NULL == message || 0 == length) { return TP_INVALID_ARGUMENT; }
    return tpi_publication_offer(of_publication(publication)->end, message, length);
}

bool tp_publication_is_connected(const tp_publication_t *publication)
{
    return NULL != publication && tpi_publication_is_connected(of_publication(publication)->end);
}

size_t tp_publication_max_message_bytes(const tp_publication_t *publication)
{
    return NULL == publication ? 0 : tpi_publication_max_message(of_publication(publication)->end);
}

void tp_publication_close(tp_publication_t *publication)
{
    if (NULL != publication) { tpi_client_dispose(of_publication(publication)->client, dispose, of_publication(publication)); }
}

typedef struct hand_over { tp_message_handler_t handler; void *clientd; } hand_over_t;

static void on_message(void *clientd, const tpi_message_t *message)
{
    const hand_over_t *to = clientd;
    to->handler(to->clientd, message->data, message->length, message->session_id);
}

int tp_subscription_poll(tp_subscription_t *subscription, tp_message_handler_t handler, void *clientd, int limit)
{
    hand_over_t to = { .handler = handler, .clientd = clientd };
    if (NULL == subscription || NULL == handler || limit <= 0) { return TP_INVALID_ARGUMENT; }
    return tpi_subscription_poll(of_subscription(subscription)->end, on_message, &to, limit);
}

bool tp_subscription_is_connected(const tp_subscription_t *subscription)
{
    return NULL != subscription && tpi_subscription_is_connected(of_subscription(subscription)->end);
}

void tp_subscription_close(tp_subscription_t *subscription)
{
    if (NULL != subscription) { tpi_client_dispose(of_subscription(subscription)->client, dispose, of_subscription(subscription)); }
}
