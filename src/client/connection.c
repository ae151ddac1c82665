/*
 * Owns the client's connections to media drivers: the current one and those that are retired but may still be in use by an application thread
 * (a publication or subscription must not be closed under a thread that is inside a call on it). Conductor only.
 */
#include "client/client_state.h"
#include "client/client_counters.h"

#include <string.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"

/* ---- things being added ------------------------------------------------------------------------------------------------- */

static tpi_open_t *link_open(tpi_connection_t *connection, tpi_open_kind_t kind, tpi_bus_async_t *async, int rc)
{
    tpi_open_t *open = tpi_alloc(sizeof(*open));
    if (NULL == open) { return NULL; }                     /* the bus still owns async and closes with it */
    open->kind = kind;
    open->async = rc < 0 ? NULL : async;
    open->state = rc < 0 ? -1 : 0;
    if (rc < 0) { tpi_err_save(&open->err); }
    open->next = connection->opens;
    connection->opens = open;
    return open;
}

tpi_open_t *tpi_open_publication(tpi_connection_t *connection, const char *channel, int32_t stream_id)
{
    tpi_bus_async_t *async = NULL;
    const int rc = tpi_bus_add_publication(connection->bus, &async, channel, stream_id);
    return link_open(connection, TPI_OPEN_PUBLICATION, async, rc);
}

tpi_open_t *tpi_open_subscription(tpi_connection_t *connection, const tpi_subscription_config_t *config)
{
    tpi_bus_async_t *async = NULL;
    const int rc = tpi_bus_add_subscription(connection->bus, &async, config);
    return link_open(connection, TPI_OPEN_SUBSCRIPTION, async, rc);
}

tpi_open_t *tpi_open_counter(tpi_connection_t *connection, int32_t type_id, const void *key, size_t key_length, const char *label)
{
    tpi_bus_async_t *async = NULL;
    const int rc = tpi_bus_add_counter(connection->bus, &async, type_id, key, key_length, label);
    return link_open(connection, TPI_OPEN_COUNTER, async, rc);
}

static void close_result(tpi_open_t *open)
{
    if (NULL == open->result) { return; }
    switch (open->kind)
    {
        case TPI_OPEN_PUBLICATION: tpi_publication_close(open->result); break;
        case TPI_OPEN_SUBSCRIPTION: tpi_subscription_close(open->result); break;
        case TPI_OPEN_COUNTER: tpi_counter_close(open->result); break;
    }
    open->result = NULL;
}

static int poll_open(tpi_open_t *open)
{
    int rc = -1;
    tpi_publication_t *publication = NULL;
    tpi_subscription_t *subscription = NULL;
    tpi_counter_t *counter = NULL;
    switch (open->kind)
    {
        case TPI_OPEN_PUBLICATION: rc = tpi_bus_add_publication_poll(open->async, &publication); open->result = publication; break;
        case TPI_OPEN_SUBSCRIPTION: rc = tpi_bus_add_subscription_poll(open->async, &subscription); open->result = subscription; break;
        case TPI_OPEN_COUNTER: rc = tpi_bus_add_counter_poll(open->async, &counter); open->result = counter; break;
    }
    return rc;
}

/* Advances all that is pending; frees what nobody wants any more. Number still pending. */
static int poll_opens(tpi_connection_t *connection)
{
    int pending = 0;
    for (tpi_open_t **at = &connection->opens; NULL != *at;)
    {
        tpi_open_t *open = *at;
        if (0 == open->state)
        {
            open->state = poll_open(open);
            if (0 != open->state) { open->async = NULL; }
            if (open->state < 0) { tpi_err_save(&open->err); }
        }
        pending += 0 == open->state ? 1 : 0;
        if (open->abandoned && 0 != open->state)
        {
            close_result(open);
            *at = open->next;
            tpi_free(open);
            continue;
        }
        at = &open->next;
    }
    return pending;
}

static void unlink_open(tpi_connection_t *connection, tpi_open_t *open)
{
    for (tpi_open_t **at = &connection->opens; NULL != *at; at = &(*at)->next)
    {
        if (open == *at)
        {
            *at = open->next;
            tpi_free(open);
            return;
        }
    }
}

int tpi_open_take(tpi_connection_t *connection, tpi_open_t **open, void **result)
{
    tpi_open_t *o = *open;
    if (NULL == o) { TPI_SET_ERR(TP_ENOMEM, "nothing is being added"); return -1; }
    if (0 == o->state) { return 0; }
    const int rc = o->state;
    if (rc > 0) { *result = o->result; }
    else { tpi_err_restore(&o->err); }
    unlink_open(connection, o);
    *open = NULL;
    return rc;
}

void tpi_open_abandon(tpi_connection_t *connection, tpi_open_t **open)
{
    if (NULL == *open) { return; }
    if (NULL != connection) { (*open)->abandoned = true; }
    *open = NULL;
}

/* ---- life of a connection ----------------------------------------------------------------------------------------------- */

static void delete_connection(tpi_connection_t *connection)
{
    tpi_bus_close(connection->bus);                        /* closes all that was added to it */
    while (NULL != connection->opens)
    {
        tpi_open_t *open = connection->opens;
        connection->opens = open->next;
        tpi_free(open);
    }
    tpi_free(connection);
}

int tpi_connection_open(tp_client_t *client, int64_t now_ns)
{
    tpi_connection_t *c = tpi_alloc(sizeof(*c));
    if (NULL == c) { return -1; }
    if (client->hooks.open_bus(client->hooks.clientd, &client->settings, &c->bus) < 0)
    {
        tpi_free(c);
        return -1;
    }
    const tpi_settings_t *s = &client->settings;
    const bool one_stream = s->announce.stream_id == s->control.stream_id && 0 == strcmp(s->announce.channel, s->control.channel);
    const tpi_subscription_config_t control = { .channel = s->control.channel, .stream_id = s->control.stream_id, .untethered = true };      /* A6 */
    const tpi_subscription_config_t announce = { .channel = s->announce.channel, .stream_id = s->announce.stream_id, .untethered = true };
    c->control_pub_open = tpi_open_publication(c, s->control.channel, s->control.stream_id);
    c->control_sub_open = tpi_open_subscription(c, &control);
    c->announce_sub_open = one_stream ? NULL : tpi_open_subscription(c, &announce);
    if (NULL == c->control_pub_open || NULL == c->control_sub_open || (!one_stream && NULL == c->announce_sub_open))
    {
        delete_connection(c);
        return -1;
    }
    client->connection = c;
    tpi_client_hurry(client, now_ns);
    return 0;
}

void tpi_connection_lost(tp_client_t *client, const char *why, int64_t now_ns)
{
    tpi_connection_t *c = client->connection;
    if (NULL == c) { return; }
    TPI_LOG_WARN(TP_EMEDIADRIVER, "connection to the media driver is lost: %s", why);
    client->connection = NULL;
    c->ready = false;
    c->next = client->retired;
    client->retired = c;
    atomic_store(&client->connected, false);
    tpi_attachment_driver_gone(client, TP_EMEDIADRIVER, why, now_ns);
    for (tp_producer_t *p = client->producers; NULL != p; p = tpi_producer_next(p)) { tpi_producer_connection_lost(p, now_ns); }
    for (tp_consumer_t *p = client->consumers; NULL != p; p = tpi_consumer_next_of(p)) { tpi_consumer_connection_lost(p, now_ns); }
    tpi_discovery_connection_lost(client);
    tpi_client_agent_counters_forget(client);
    tpi_backoff_reset(&client->reconnect);
}

void tpi_connection_reclaim(tp_client_t *client)
{
    for (tpi_connection_t **at = &client->retired; NULL != *at;)
    {
        tpi_connection_t *c = *at;
        if (0 != c->users)
        {
            at = &c->next;
            continue;
        }
        *at = c->next;
        delete_connection(c);
    }
}

void tpi_connection_close_all(tp_client_t *client)
{
    if (NULL != client->connection)
    {
        delete_connection(client->connection);
        client->connection = NULL;
    }
    while (NULL != client->retired)
    {
        tpi_connection_t *c = client->retired;
        client->retired = c->next;
        delete_connection(c);
    }
}

/* ---- duty cycle --------------------------------------------------------------------------------------------------------- */

/* 1 done or not wanted, 0 pending, -1 failed. */
static int advance(tpi_connection_t *c, tpi_open_t **open, void **target)
{
    if (NULL == *open) { return 1; }
    return tpi_open_take(c, open, target);
}

static int advance_all(tp_client_t *client, tpi_connection_t *c, int64_t now_ns)
{
    void *pub = c->control_pub;
    void *sub = c->control_sub;
    void *announce = c->announce_sub;
    const int rc1 = advance(c, &c->control_pub_open, &pub);
    const int rc2 = advance(c, &c->control_sub_open, &sub);
    const int rc3 = advance(c, &c->announce_sub_open, &announce);
    c->control_pub = pub;
    c->control_sub = sub;
    c->announce_sub = announce;
    if (rc1 < 0 || rc2 < 0 || rc3 < 0)
    {
        tpi_err_save(&client->connect_err);
        tpi_client_report(client);
        tpi_connection_lost(client, client->connect_err.msg, now_ns);
        (void)tpi_backoff_failed(&client->reconnect, now_ns);
        return -1;
    }
    if (!c->ready && 1 == rc1 && 1 == rc2 && 1 == rc3)
    {
        c->ready = true;
        tpi_stat_add(&client->connections, 1);
        atomic_store(&client->connected, true);
        tpi_backoff_reset(&client->reconnect);
        tpi_attachment_driver_gone(client, TP_EMEDIADRIVER, "connected again", now_ns);     /* requests go out at once */
    }
    return 0;
}

static bool has_readers(const tp_client_t *client)
{
    for (const tp_consumer_t *c = client->consumers; NULL != c; c = tpi_consumer_next_of(c))
    {
        if (!tpi_consumer_is_observer(c)) { return true; }
    }
    return false;
}

/* QoS: publication and subscription exist only while somebody uses and polls them (trap A1). */
static void advance_qos(tp_client_t *client, tpi_connection_t *c, int64_t now_ns)
{
    const bool wanted = NULL != client->producers || has_readers(client) || tpi_events_want_qos(&client->events);
    const tpi_settings_t *s = &client->settings;
    const bool may_ask = now_ns >= c->qos_reopen_ns;       /* refused: asked again once a second */
    if (wanted && may_ask && NULL == c->qos_pub && NULL == c->qos_pub_open)
    {
        c->qos_pub_open = tpi_open_publication(c, s->qos.channel, s->qos.stream_id);
    }
    if (wanted && may_ask && NULL == c->qos_sub && NULL == c->qos_sub_open)
    {
        const tpi_subscription_config_t config = { .channel = s->qos.channel, .stream_id = s->qos.stream_id, .untethered = true };
        c->qos_sub_open = tpi_open_subscription(c, &config);
    }
    void *result = NULL;
    const int rc1 = NULL == c->qos_pub_open ? 0 : tpi_open_take(c, &c->qos_pub_open, &result);
    if (rc1 > 0) { c->qos_pub = result; }
    if (rc1 < 0) { tpi_client_report(client); }
    const int rc2 = NULL == c->qos_sub_open ? 0 : tpi_open_take(c, &c->qos_sub_open, &result);
    if (rc2 > 0) { c->qos_sub = result; }
    if (rc2 < 0) { tpi_client_report(client); }
    if (rc1 < 0 || rc2 < 0) { c->qos_reopen_ns = now_ns + TPI_NS_PER_S; }
    if (wanted) { return; }
    tpi_open_abandon(c, &c->qos_pub_open);
    tpi_open_abandon(c, &c->qos_sub_open);
    tpi_publication_close(c->qos_pub);
    tpi_subscription_close(c->qos_sub);
    c->qos_pub = NULL;
    c->qos_sub = NULL;
}

static int poll_one(tpi_dispatcher_t *dispatcher, tpi_subscription_t *subscription, int64_t now_ns)
{
    int total = 0;
    for (int round = 0; NULL != subscription && round < 8; round++)
    {
        const int n = tpi_dispatcher_poll(dispatcher, subscription, TPI_CONTROL_POLL_LIMIT, now_ns);
        if (n > 0) { total += n; }
        if (n < TPI_CONTROL_POLL_LIMIT) { break; }
    }
    return total;
}

/* To the same place: the settings change when another driver is met, not when one is lost. */
static void reconnect(tp_client_t *client, int64_t now_ns)
{
    if (!tpi_backoff_is_due(&client->reconnect, now_ns)) { return; }
    if (tpi_connection_open(client, now_ns) < 0)
    {
        tpi_err_save(&client->connect_err);
        (void)tpi_backoff_failed(&client->reconnect, now_ns);
    }
}

int tpi_connection_do_work(tp_client_t *client, int64_t now_ns)
{
    if (NULL == client->connection) { reconnect(client, now_ns); }
    tpi_connection_t *c = client->connection;
    if (NULL == c) { return 0; }
    int work = tpi_bus_do_work(c->bus, now_ns);
    if (work < 0)
    {
        tpi_connection_lost(client, tp_errmsg(), now_ns);
        return 1;
    }
    if (poll_opens(c) > 0) { tpi_client_hurry(client, now_ns); }
    if (!c->ready && advance_all(client, c, now_ns) < 0) { return 1; }
    if (!c->ready) { return work; }
    work += poll_one(client->dispatcher, c->control_sub, now_ns);                         /* W-139 S-045: whatever streams are assigned besides */
    work += poll_one(client->announce_dispatcher, c->announce_sub, now_ns);
    work += poll_one(client->qos_dispatcher, c->qos_sub, now_ns);
    work += poll_one(client->metadata_dispatcher, c->metadata.subscription, now_ns);
    return work;
}

/* ---- watching the driver ------------------------------------------------------------------------------------------------ */

static bool same_stream(const tpi_stream_address_t *a, const tpi_stream_address_t *b)
{
    return a->stream_id == b->stream_id && 0 == strcmp(a->channel, b->channel);
}

static bool same_place(const tpi_settings_t *a, const tpi_settings_t *b)
{
    return 0 == strcmp(a->aeron_dir, b->aeron_dir) && same_stream(&a->control, &b->control) && same_stream(&a->announce, &b->announce) &&
        same_stream(&a->descriptor, &b->descriptor) && same_stream(&a->qos, &b->qos) &&
        same_stream(&a->metadata, &b->metadata);
}

/* A driver instance that was not known before: its directories count from now on, its channels too. */
static void meet_driver(tp_client_t *client, const tpi_endpoint_t *found, int64_t now_ns)
{
    static const char why[] = "another driver instance has taken over";
    const bool had = client->has_endpoint || client->driver_was_lost;
    const bool embedded = found->embedded_media_driver || client->endpoint.embedded_media_driver;
    tpi_settings_t *next = tpi_alloc(sizeof(*next));
    if (NULL == next) { return; }
    client->endpoint = *found;
    client->has_endpoint = true;
    client->driver_was_lost = false;
    bool move = had && embedded;                           /* the media driver went with the old instance: same directory, new files */
    if (0 == tpi_context_resolve(client->context, found, next))
    {
        move = move || !same_place(next, &client->settings);
        client->settings = *next;
        tpi_client_resolve_bases(client);
    }
    tpi_free(next);
    if (move) { tpi_connection_lost(client, why, now_ns); }
    else { tpi_attachment_driver_gone(client, TP_ENODRIVER, why, now_ns); }
    tpi_backoff_reset(&client->reconnect);
}

/* The endpoint file tells of a dead or new driver long before a timeout does. */
static void watch_endpoint(tp_client_t *client, int64_t now_ns)
{
    if (NULL == client->hooks.find_endpoint || now_ns < client->next_endpoint_ns) { return; }
    client->next_endpoint_ns = now_ns + (client->has_endpoint ? TPI_ENDPOINT_PERIOD_NS : TPI_ENDPOINT_PERIOD_NS / 2);
    if (client->has_endpoint && tpi_endpoint_watch_holds(&client->endpoint_watch))        /* L-309 */
    {
        atomic_store_explicit(&client->driver_seen_ns, now_ns, memory_order_relaxed);
        return;
    }
    tpi_endpoint_t *found = tpi_alloc(sizeof(*found));
    if (NULL == found) { return; }
    const int rc = client->hooks.find_endpoint(client->hooks.clientd, client->context, found);
    const bool has = 0 == rc;
    if (has) { atomic_store_explicit(&client->driver_seen_ns, now_ns, memory_order_relaxed); }
    if (has && (!client->has_endpoint || found->instance_token != client->endpoint.instance_token)) { meet_driver(client, found, now_ns); }
    else if (rc > 0 && client->has_endpoint)               /* below 0: nobody knows, timeouts will tell */
    {
        client->has_endpoint = false;
        client->driver_was_lost = true;
        if (client->endpoint.embedded_media_driver) { tpi_connection_lost(client, "the driver and its media driver are gone", now_ns); }
        else { tpi_attachment_driver_gone(client, TP_ENODRIVER, "the driver is gone", now_ns); }
    }
    tpi_free(found);
    if (client->has_endpoint) { (void)tpi_endpoint_watch_open(&client->endpoint_watch, &client->endpoint); }
    else { tpi_endpoint_watch_close(&client->endpoint_watch); }
}

/* The bus itself judges the media driver's heartbeat, by a clock that does not step. */
static void watch_bus(tp_client_t *client, int64_t now_ns)
{
    tpi_connection_t *c = client->connection;
    if (NULL == c) { return; }
    if (tpi_bus_is_closed(c->bus)) { tpi_connection_lost(client, "the bus is closed", now_ns); }
    else if (c->is_broken) { tpi_connection_lost(client, "no keepalive can be sent: its publication is closed", now_ns); }
}

void tpi_connection_tick(tp_client_t *client, int64_t now_ns)
{
    watch_endpoint(client, now_ns);
    watch_bus(client, now_ns);
    if (NULL != client->connection && client->connection->ready)
    {
        advance_qos(client, client->connection, now_ns);
        tpi_metadata_stream_tick(client, client->connection, now_ns);
    }
    tpi_connection_reclaim(client);
}
