/*
 * Owns the descriptor subscription of a consumer, shared or assigned, which its thread polls; carries out ConsumerConfig (10-wire.md section 12).
 * The assigned control stream is in consumer_progress.c. Conductor only.
 */
#include "client/consumer_streams.h"

#include <string.h>

#include "client/consumer_mapping.h"
#include "client/consumer_progress.h"
#include "common/alloc.h"
#include "common/clock.h"
#include "common/err.h"
#include "protocol/hello.h"

#define REOPEN_NS TPI_NS_PER_S
#define SETTLE_NS TPI_NS_PER_S         /* with publisher and without a message, until an assigned descriptor stream is taken */
#define SILENCE_NS TPI_NS_PER_S        /* without publisher, until an assigned descriptor stream is given up for the shared one */

/* ---- descriptor stream -------------------------------------------------------------------------------------------------- */

static void retire_link(tp_consumer_t *c)
{
    if (NULL == c->linked) { return; }
    c->linked->next = c->old_links;
    c->old_links = c->linked;
    c->linked = NULL;
}

static void delete_link(tpi_consumer_link_t *link, const tp_client_t *client)
{
    if (link->connection == client->connection) { tpi_subscription_close(link->subscription); }       /* else it goes with its bus */
    link->connection->users--;
    tpi_free(link);
}

static void reclaim_links(tp_consumer_t *c)
{
    for (tpi_consumer_link_t **at = &c->old_links; NULL != *at;)
    {
        tpi_consumer_link_t *link = *at;
        if (!tpi_handoff_is_free(&c->links, link))
        {
            at = &link->next;
            continue;
        }
        *at = link->next;
        delete_link(link, c->client);
    }
}

static void open_link(tp_consumer_t *c, int64_t now_ns)
{
    const tpi_stream_address_t *shared = &c->client->settings.descriptor;
    const bool is_private = 0 != c->assigned.stream_id && !c->link_falls_back;
    const tpi_subscription_config_t config = { .channel = is_private ? c->assigned.channel : shared->channel,
        .stream_id = is_private ? c->assigned.stream_id : shared->stream_id, .untethered = true };  /* W-131 S-031 S-023 S-049 A6 W-122 */
    c->link_open = tpi_open_subscription(c->connection, &config);
    c->link_open_private = is_private;
    tpi_client_hurry(c->client, now_ns);
}

/* Whether the stream in use is none, or not the assigned one, because that was refused. */
static bool lacks_link(const tp_consumer_t *c)
{
    return NULL == c->link_open && NULL == c->next_link && (NULL == c->linked || c->linked->stream_id != (uint32_t)c->assigned.stream_id);
}

static void drop_next_link(tp_consumer_t *c)
{
    if (NULL != c->next_link) { delete_link(c->next_link, c->client); }
    c->next_link = NULL;
}

/*
 * A publisher that we see may not see us yet: what it publishes until then is on the stream in use alone. Its first message tells that it does; so
 * does time, where nothing is published.
 */
static bool is_served(tpi_consumer_link_t *link, int64_t now_ns)
{
    if (!tpi_subscription_is_connected(link->subscription))
    {
        link->connected_ns = 0;
        return false;
    }
    if (0 == link->connected_ns) { link->connected_ns = now_ns; }
    return now_ns - link->connected_ns >= SETTLE_NS || tpi_subscription_has_message(link->subscription);
}

/*
 * The thread that polls gets the new stream instead of the one before. From the shared to a private one it moves when somebody publishes there:
 * nothing is missed meanwhile, and a promise that no producer keeps (trap P8) costs nothing.
 */
static int enter_link(tp_consumer_t *c, int64_t now_ns)
{
    tpi_consumer_link_t *link = c->next_link;
    if (link->is_private && NULL != c->linked && !is_served(link, now_ns)) { return 0; }
    atomic_store_explicit(&c->link_is_silent, 0, memory_order_relaxed);
    c->heard_ns = now_ns;
    tpi_handoff_publish(&c->links, link);                                                  /* W-131 S-031 */
    retire_link(c);
    c->linked = link;
    c->next_link = NULL;
    atomic_store_explicit(&c->shown_descriptor, link->stream_id, memory_order_relaxed);
    if (c->link_falls_back)                                /* and now the private one again, as soon as somebody publishes there */
    {
        c->link_falls_back = false;
        c->link_moves = 0 != c->assigned.stream_id;
        tpi_client_hurry(c->client, now_ns);
    }
    return 1;
}

/* A private stream in use whose publisher has gone, because another producer writes that knows nothing of it: back to the shared one (trap P8). */
static void watch_silence(tp_consumer_t *c, int64_t now_ns)
{
    const bool is_settled = NULL != c->linked && NULL == c->link_open && NULL == c->next_link && !c->link_moves;
    if (!is_settled || !c->linked->is_private || 0 == atomic_load_explicit(&c->link_is_silent, memory_order_relaxed)) { c->heard_ns = now_ns; }
    if (now_ns - c->heard_ns < SILENCE_NS) { return; }
    c->heard_ns = now_ns;
    c->link_falls_back = true;
    c->link_moves = true;
}

static int advance_link(tp_consumer_t *c, int64_t now_ns)
{
    tpi_connection_t *connection = c->client->connection;
    if (NULL == connection || !connection->ready) { return 0; }
    if (c->connection != connection)
    {
        c->connection = connection;
        c->link_moves = true;
    }
    watch_silence(c, now_ns);
    if (c->link_moves || (lacks_link(c) && now_ns >= c->reopen_ns))
    {
        c->link_moves = false;
        c->reopen_ns = now_ns + REOPEN_NS;
        tpi_open_abandon(connection, &c->link_open);
        drop_next_link(c);
        open_link(c, now_ns);
    }
    if (NULL != c->next_link) { return enter_link(c, now_ns); }
    if (NULL == c->link_open) { return 0; }
    void *subscription = NULL;
    const int rc = tpi_open_take(connection, &c->link_open, &subscription);
    if (0 == rc) { return 0; }
    if (rc < 0)
    {
        tpi_err_save(&c->first_err);
        if (0 == c->first && NULL == c->linked) { c->first = -1; }
        tpi_client_report(c->client);
        return 1;
    }
    tpi_consumer_link_t *link = tpi_alloc(sizeof(*link));
    if (NULL == link)
    {
        tpi_subscription_close(subscription);
        return 1;
    }
    *link = (tpi_consumer_link_t){ .subscription = subscription, .connection = connection, .is_private = c->link_open_private,
        .stream_id = c->link_open_private ? (uint32_t)c->assigned.stream_id : 0, .connected_ns = 0, .next = NULL };
    connection->users++;
    c->next_link = link;
    (void)enter_link(c, now_ns);
    return 1;
}

/* ---- config ------------------------------------------------------------------------------------------------------------- */

/* A mode that was imposed or granted is reported; thinning out locally is our own affair as long as we asked for it (W-191). */
void tpi_consumer_apply_mode(tp_consumer_t *consumer)
{
    tp_consumer_t *c = consumer;
    const uint64_t wish = atomic_load_explicit(&c->mode_wish, memory_order_relaxed);
    const bool limited = TP_MODE_RATE_LIMITED == tpi_wish_mode(wish) || TP_MODE_RATE_LIMITED == c->imposed;
    c->mode = 0 != c->imposed ? c->imposed : tpi_wish_mode(wish);
    atomic_store_explicit(&c->shown_mode, c->mode, memory_order_relaxed);
    atomic_store_explicit(&c->rate_limit_hz, limited ? tpi_wish_rate_hz(wish) : 0, memory_order_relaxed);             /* W-191 W-192 */
}

static void assign_stream(tp_consumer_t *c, const tpc_consumer_config_t *config, int64_t now_ns)
{
    tpi_consumer_address_t next = { .stream_id = 0 };
    if (TPI_HELLO_WANTED == tpi_hello_wish(config->descriptor_channel, config->descriptor_stream_id) &&
        config->descriptor_channel.length < sizeof(next.channel))
    {
        (void)tpc_bytes_copy(next.channel, sizeof(next.channel), config->descriptor_channel);
        next.stream_id = (int32_t)config->descriptor_stream_id;
    }
    if (next.stream_id == c->assigned.stream_id && 0 == strcmp(next.channel, c->assigned.channel)) { return; }
    c->assigned = next;                                    /* W-131 W-151 S-031 X-056 */
    c->link_moves = true;
    c->link_falls_back = false;
    tpi_client_hurry(c->client, now_ns);
}

static void tell_fallback(tp_consumer_t *c, tpc_bytes_t text, bool entered)
{
    char uri[TPI_CHANNEL_MAX] = "";
    const tpi_fallback_t kind = tpi_hello_fallback(text);
    if (TPI_FALLBACK_UNSUPPORTED != kind) { (void)tpc_bytes_copy(uri, sizeof(uri), text); }                           /* W-153 W-154 S-025 */
    if (!entered && 0 == strcmp(uri, c->fallback_uri)) { return; }
    memcpy(c->fallback_uri, uri, sizeof(uri));
    if (TPI_FALLBACK_UNSUPPORTED == kind) { TPI_SET_ERR(TP_ENOTSUP, "payload fallback URI of an unknown scheme"); tpi_client_report(c->client); }
    tpi_consumer_notify(c, TP_CONSUMER_FALLBACK, 0, TPI_FALLBACK_UNSUPPORTED == kind ? TP_ENOTSUP : TP_OK, uri);
}

/* Handler: what has to be opened or closed is done in the next cycle (trap A4). */
void tpi_consumer_on_config(tp_consumer_t *consumer, const tpc_consumer_config_t *config, int64_t now_ns)
{
    tp_consumer_t *c = consumer;
    if (config->stream_id != tpi_load_u32(&c->stream_id) || config->consumer_id != tpi_load_u32(&c->client_id)) { return; }        /* W-252 */
    if (c->is_observer) { return; }
    if (config->use_shm > 1 || (TP_MODE_STREAM != config->mode && TP_MODE_RATE_LIMITED != config->mode)) { return; }                /* W-070 */
    c->imposed = config->mode;                                                             /* W-155 */
    tpi_consumer_apply_mode(c);
    assign_stream(c, config, now_ns);
    tpi_consumer_progress_config(c, config, now_ns);
    const bool entered = tpi_consumer_mapping_config(c, config);                           /* W-155 */
    if (TPI_MAPPING_FALLBACK == c->mapping.state) { tell_fallback(c, config->payload_fallback_uri, entered); }
}

/* ---- life --------------------------------------------------------------------------------------------------------------- */

int tpi_consumer_streams_work(tp_consumer_t *consumer, int64_t now_ns)
{
    tp_consumer_t *c = consumer;
    int work = advance_link(c, now_ns);
    if (NULL != c->old_links) { reclaim_links(c); }
    atomic_store_explicit(&c->shown_control, (uint32_t)c->progress.assigned.stream_id, memory_order_relaxed);
    return work;
}

void tpi_consumer_streams_connection_lost(tp_consumer_t *consumer)
{
    tp_consumer_t *c = consumer;
    tpi_handoff_publish(&c->links, NULL);
    retire_link(c);
    drop_next_link(c);
    c->link_open = NULL;
    c->link_falls_back = false;
    c->connection = NULL;
    memset(&c->assigned, 0, sizeof(c->assigned));
}

void tpi_consumer_streams_delete(tp_consumer_t *consumer)
{
    tp_consumer_t *c = consumer;
    tpi_open_abandon(c->connection, &c->link_open);
    drop_next_link(c);
    retire_link(c);
    while (NULL != c->old_links)
    {
        tpi_consumer_link_t *link = c->old_links;
        c->old_links = link->next;
        delete_link(link, c->client);
    }
}
