/* Owns nothing: what it opens belongs to the connection. */
#include "client/metadata_stream.h"

#include "client/client_state.h"
#include "common/clock.h"

#define REOPEN_NS TPI_NS_PER_S

/* 0 nothing new, 1 *target set, -1 refused and reported. */
static int take(tp_client_t *client, tpi_connection_t *c, tpi_open_t **open, void **target)
{
    const int rc = NULL == *open ? 0 : tpi_open_take(c, open, target);
    if (rc < 0) { tpi_client_report(client); }
    return rc;
}

static bool advance_publication(tp_client_t *client, tpi_connection_t *c, bool wanted, bool may_ask)
{
    tpi_metadata_stream_t *m = &c->metadata;
    const tpi_stream_address_t *address = &client->settings.metadata;
    void *result = NULL;
    if (!wanted)
    {
        tpi_open_abandon(c, &m->publication_open);
        tpi_publication_close(m->publication);
        m->publication = NULL;
        return true;
    }
    if (may_ask && NULL == m->publication && NULL == m->publication_open)
    {
        m->publication_open = tpi_open_publication(c, address->channel, address->stream_id);
    }
    const int rc = take(client, c, &m->publication_open, &result);
    if (rc > 0) { m->publication = result; }
    return rc >= 0;
}

static bool advance_subscription(tp_client_t *client, tpi_connection_t *c, bool wanted, bool may_ask)
{
    tpi_metadata_stream_t *m = &c->metadata;
    const tpi_stream_address_t *address = &client->settings.metadata;
    void *result = NULL;
    if (!wanted)
    {
        tpi_open_abandon(c, &m->subscription_open);
        tpi_subscription_close(m->subscription);
        m->subscription = NULL;
        return true;
    }
    if (may_ask && NULL == m->subscription && NULL == m->subscription_open)
    {
        const tpi_subscription_config_t config = { .channel = address->channel, .stream_id = address->stream_id, .untethered = true };     /* A6 */
        m->subscription_open = tpi_open_subscription(c, &config);
    }
    const int rc = take(client, c, &m->subscription_open, &result);
    if (rc > 0) { m->subscription = result; }
    return rc >= 0;
}

void tpi_metadata_stream_tick(struct tp_client *client, struct tpi_connection *connection, int64_t now_ns)
{
    const bool may_ask = now_ns >= connection->metadata.reopen_ns;
    const bool sends = advance_publication(client, connection, NULL != client->producers, may_ask);
    const bool hears = advance_subscription(client, connection, tpi_events_want_metadata(&client->events), may_ask);
    if (!sends || !hears) { connection->metadata.reopen_ns = now_ns + REOPEN_NS; }
}
