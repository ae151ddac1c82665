/*
 * Owns the driver sessions of a client and drives them: answers in, requests and keepalives out. Keepalives depend on the conductor alone, in every
 * mode (trap P6). Conductor only.
 */
#include "client/client_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "common/err.h"
#include "runtime/tp_counters.h"

#define RETRY_FIRST_NS (200 * TPI_NS_PER_MS)
#define BACKOFF_FIRST_NS (100 * TPI_NS_PER_MS)
#define BACKOFF_MAX_NS TPI_NS_PER_S
#define DETACH_TIMEOUT_NS (500 * TPI_NS_PER_MS)
#define COUNTER_SCAN_NS (250 * TPI_NS_PER_MS)
#define HURRY_NS (100 * TPI_NS_PER_MS)

void tpi_session_config_times(const tp_client_t *client, tpi_session_config_t *config)
{
    const tpi_settings_t *s = &client->settings;
    config->keepalive_interval_ns = s->keepalive_interval_ns;
    config->announce_period_ns = s->announce_period_ns;
    config->retry_ns = s->message_timeout_ns < RETRY_FIRST_NS ? s->message_timeout_ns : RETRY_FIRST_NS;
    config->retry_max_ns = s->message_timeout_ns;
    config->backoff_ns = BACKOFF_FIRST_NS;
    config->backoff_max_ns = BACKOFF_MAX_NS;
    config->detach_timeout_ns = DETACH_TIMEOUT_NS;
}

tpi_attachment_t *tpi_attachment_create(tp_client_t *client, const tpi_session_config_t *config, void *owner, tpi_on_session_t on_event)
{
    tpi_attachment_t *a = tpi_alloc(sizeof(*a));
    if (NULL == a) { return NULL; }
    a->client = client;
    a->owner = owner;
    a->on_event = on_event;
    tpi_session_init(&a->session, config, &client->ids);
    a->next = client->attachments;
    client->attachments = a;
    return a;
}

void tpi_attachment_close(tpi_attachment_t *attachment, int64_t now_ns)
{
    if (NULL == attachment) { return; }
    attachment->owner = NULL;
    tpi_session_close(&attachment->session, now_ns);
}

static void tell(tpi_attachment_t *a, tpi_session_event_t event, const tpc_attach_response_t *response, int64_t now_ns)
{
    if (TPI_SESSION_NOTHING != event && NULL != a->owner) { a->on_event(a, event, response, now_ns); }
}

void tpi_attachment_driver_gone(tp_client_t *client, int code, const char *why, int64_t now_ns)
{
    char copy[256];
    (void)snprintf(copy, sizeof(copy), "%s", why);
    for (tpi_attachment_t *a = client->attachments; NULL != a; a = a->next)
    {
        tell(a, tpi_session_driver_gone(&a->session, code, copy, now_ns), NULL, now_ns);
    }
}

/* ---- messages in -------------------------------------------------------------------------------------------------------- */

static void on_attach_response(void *clientd, const tpi_message_t *message, int64_t now_ns)
{
    tp_client_t *client = clientd;
    tpc_attach_response_t response;
    const int rc = tpc_attach_response_decode(&response, message->data, message->length);
    if (rc < 0)
    {
        tpi_dispatcher_malformed(client->dispatcher);
        return;
    }
    atomic_store_explicit(&client->driver_seen_ns, now_ns, memory_order_relaxed);
    for (tpi_attachment_t *a = client->attachments; NULL != a; a = a->next)
    {
        tell(a, tpi_session_on_attach_response(&a->session, &response, message->session_id, now_ns), &response, now_ns);
    }
}

static void on_detach_response(void *clientd, const tpi_message_t *message, int64_t now_ns)
{
    tp_client_t *client = clientd;
    tpc_detach_response_t response;
    if (tpc_detach_response_decode(&response, message->data, message->length) < 0)
    {
        tpi_dispatcher_malformed(client->dispatcher);
        return;
    }
    for (tpi_attachment_t *a = client->attachments; NULL != a; a = a->next)
    {
        tell(a, tpi_session_on_detach_response(&a->session, &response, now_ns), NULL, now_ns);
    }
}

static void on_revoked(void *clientd, const tpi_message_t *message, int64_t now_ns)
{
    tp_client_t *client = clientd;
    tpc_lease_revoked_t revoked;
    if (tpc_lease_revoked_decode(&revoked, message->data, message->length) < 0)
    {
        tpi_dispatcher_malformed(client->dispatcher);
        return;
    }
    for (tpi_attachment_t *a = client->attachments; NULL != a; a = a->next)        /* D-119 D-120: each lease for itself */
    {
        tell(a, tpi_session_on_revoked(&a->session, &revoked, now_ns), NULL, now_ns);
    }
    for (tp_producer_t *p = client->producers; NULL != p; p = tpi_producer_next(p)) { tpi_producer_on_revoked(p, &revoked, now_ns); }
    for (tp_consumer_t *c = client->consumers; NULL != c; c = tpi_consumer_next_of(c)) { tpi_consumer_on_revoked(c, &revoked, now_ns); }
}

static void on_shutdown(void *clientd, const tpi_message_t *message, int64_t now_ns)
{
    tp_client_t *client = clientd;
    tpc_driver_shutdown_t shutdown;
    if (tpc_driver_shutdown_decode(&shutdown, message->data, message->length) < 0)
    {
        tpi_dispatcher_malformed(client->dispatcher);
        return;
    }
    for (tpi_attachment_t *a = client->attachments; NULL != a; a = a->next)
    {
        tell(a, tpi_session_on_shutdown(&a->session, &shutdown, message->session_id, now_ns), NULL, now_ns);
    }
}

int tpi_attachment_add_routes(tp_client_t *client)
{
    static const tpi_route_t routes[] = {
        { TPC_DRIVER_SCHEMA, TPC_ATTACH_RESPONSE, TPC_ATTACH_RESPONSE_BLOCK, on_attach_response },
        { TPC_DRIVER_SCHEMA, TPC_DETACH_RESPONSE, TPC_DETACH_RESPONSE_BLOCK, on_detach_response },
        { TPC_DRIVER_SCHEMA, TPC_LEASE_REVOKED, TPC_LEASE_REVOKED_BLOCK, on_revoked },
        { TPC_DRIVER_SCHEMA, TPC_DRIVER_SHUTDOWN, TPC_DRIVER_SHUTDOWN_BLOCK, on_shutdown },
    };
    return tpi_dispatcher_add(client->dispatcher, routes, sizeof(routes) / sizeof(routes[0]), client);
}

/* ---- messages out ------------------------------------------------------------------------------------------------------- */

/* Whether another request for the same stream and role is unanswered. */
static bool other_is_asking(const tp_client_t *client, const tpi_attachment_t *a)
{
    for (const tpi_attachment_t *b = client->attachments; NULL != b; b = b->next)
    {
        const bool same = b->session.wanted_stream_id == a->session.wanted_stream_id && b->session.config.role == a->session.config.role;
        if (a != b && same && tpi_session_is_asking(&b->session)) { return true; }
    }
    return false;
}

static int send_due(tp_client_t *client, tpi_attachment_t *a, int64_t now_ns)
{
    tpi_session_message_t message;
    const tpi_session_action_t action = tpi_session_next(&a->session, now_ns, &message);
    bool accepted = false;
    switch (action)
    {
        case TPI_SESSION_SEND_NOTHING: return 0;
        case TPI_SESSION_SEND_ATTACH:
            if (0 == a->session.sends && other_is_asking(client, a)) { return 0; }                /* D-028 */
            accepted = tpi_client_send_attach(client, &message.attach);
            tpi_client_hurry(client, now_ns);
            break;
        case TPI_SESSION_SEND_KEEPALIVE: accepted = tpi_client_send_keepalive(client, &message.keepalive); break;
        case TPI_SESSION_SEND_DETACH: accepted = tpi_client_send_detach(client, &message.detach); break;
    }
    tpi_session_sent(&a->session, action, accepted, now_ns);
    return accepted ? 1 : 0;
}

typedef struct scan
{
    tp_client_t *client;
    bool moved;
}
scan_t;

static void on_driver_counter(void *clientd, const tpi_counter_view_t *counter)
{
    scan_t *scan = clientd;
    tpi_counter_key_driver_t key;
    if (TPI_COUNTER_DRIVER != counter->type_id || tpi_counter_key_driver_get(&key, counter->key, counter->key_length) < 0) { return; }
    if (scan->client->has_endpoint && key.token != scan->client->endpoint.instance_token) { return; }
    if (counter->value > scan->client->driver_counter)
    {
        scan->client->driver_counter = counter->value;
        scan->moved = true;
    }
}

/* A driver with nothing to announce shows its life by its instance counter. Looked at only when announces are missing. */
static void look_for_life(tp_client_t *client, int64_t now_ns)
{
    const int64_t patience_ns = client->settings.announce_period_ns + client->settings.announce_period_ns / 2;
    bool needed = false;
    for (const tpi_attachment_t *a = client->attachments; NULL != a; a = a->next)
    {
        needed = needed || (tpi_session_is_leased(&a->session) && now_ns - a->session.last_alive_ns > patience_ns);
    }
    if (!needed || now_ns < client->next_counter_scan_ns || NULL == client->connection) { return; }
    client->next_counter_scan_ns = now_ns + COUNTER_SCAN_NS;
    scan_t scan = { .client = client, .moved = false };
    if (tpi_bus_counters(client->connection->bus, on_driver_counter, &scan) < 0 || !scan.moved) { return; }
    atomic_store_explicit(&client->driver_seen_ns, now_ns, memory_order_relaxed);
    for (tpi_attachment_t *a = client->attachments; NULL != a; a = a->next)
    {
        if (tpi_session_is_leased(&a->session)) { tpi_session_driver_alive(&a->session, now_ns); }
    }
}

int tpi_attachment_work(tp_client_t *client, int64_t now_ns)
{
    int work = 0;
    look_for_life(client, now_ns);
    for (tpi_attachment_t **at = &client->attachments; NULL != *at;)
    {
        tpi_attachment_t *a = *at;
        tell(a, tpi_session_check(&a->session, now_ns), NULL, now_ns);
        if (NULL != client->connection && client->connection->ready) { work += send_due(client, a, now_ns); }
        const bool leaving = TPI_SESSION_DETACHING == a->session.state || TPI_SESSION_LEAVING == a->session.state;
        const bool unsent = a->session.orphaned && now_ns < a->session.due_ns;
        if (NULL == a->owner && !leaving && !unsent)
        {
            *at = a->next;
            tpi_free(a);
            continue;
        }
        at = &a->next;
    }
    return work;
}

bool tpi_attachment_has_unsent(const tp_client_t *client)
{
    for (const tpi_attachment_t *a = client->attachments; NULL != a; a = a->next)
    {
        const bool unsent = TPI_SESSION_DETACHING == a->session.state && 0 == a->session.sends;
        if (a->session.orphaned || unsent || TPI_SESSION_LEAVING == a->session.state) { return true; }
    }
    return false;
}

void tpi_attachment_delete_all(tp_client_t *client)
{
    while (NULL != client->attachments)
    {
        tpi_attachment_t *a = client->attachments;
        client->attachments = a->next;
        tpi_free(a);
    }
}

/* ---- what users see ----------------------------------------------------------------------------------------------------- */

typedef struct holder
{
    uint32_t stream_id;
    uint32_t client_id;
    uint64_t lease_id;
    int64_t last_ns;
    bool found;
}
holder_t;

static void on_lease_counter(void *clientd, const tpi_counter_view_t *counter)
{
    holder_t *holder = clientd;
    tpi_counter_key_lease_t key;
    if (TPI_COUNTER_LEASE != counter->type_id || tpi_counter_key_lease_get(&key, counter->key, counter->key_length) < 0) { return; }
    if (key.stream_id != holder->stream_id || TP_ROLE_PRODUCER != key.role || 0 == counter->value) { return; }
    holder->client_id = key.client_id;
    holder->lease_id = key.lease_id;
    holder->last_ns = counter->value;
    holder->found = true;
}

static void explain_producer(const tpi_attachment_t *a)
{
    holder_t holder = { .stream_id = a->session.wanted_stream_id };
    if (NULL != a->client->connection) { (void)tpi_bus_counters(a->client->connection->bus, on_lease_counter, &holder); }
    if (!holder.found)
    {
        TPI_ERR_FIX("stop the other producer, or publish on another stream");
        return;
    }
    TPI_ERR_WHY("client %" PRIu32 ", last keepalive %" PRId64 " ms ago", holder.client_id,
        (tpi_clock_monotonic_ns() - holder.last_ns) / TPI_NS_PER_MS);
    TPI_ERR_FIX("stop it (tp info %" PRIu32 " names its process), or: tp lease revoke %" PRIu64, a->session.wanted_stream_id, holder.lease_id);
}

void tpi_attachment_set_error(const tpi_attachment_t *attachment)
{
    const tpi_session_t *s = &attachment->session;
    const char *role = TP_ROLE_PRODUCER == s->config.role ? "PRODUCER" : "CONSUMER";
    if (TP_OK == s->code || NULL == attachment->client->connection)
    {
        TPI_SET_ERR(TP_ENODRIVER, "no tensor pool driver answers on stream %" PRId32 " of %s", attachment->client->settings.control.stream_id,
            attachment->client->settings.control.channel);
        TPI_ERR_WHY("attach to stream %" PRIu32 " as %s was asked for %" PRIu32 " times", s->wanted_stream_id, role, s->sends);
        TPI_ERR_FIX("start one: tp_driver --embedded-media-driver");
        return;
    }
    if (TP_EPRODUCER == s->code)
    {
        TPI_SET_ERR(s->code, "attach to stream %" PRIu32 " as %s rejected: another producer holds the lease", s->wanted_stream_id, role);
        explain_producer(attachment);
        return;
    }
    TPI_SET_ERR(s->code, "%s", s->text);
    switch (s->code)
    {
        case TP_ENOSTREAM: TPI_ERR_FIX("list the streams: tp ls; or add [streams.<name>] with stream_id = %" PRIu32 " to the driver's configuration",
            s->wanted_stream_id); break;
        case TP_ECLIENTID: TPI_ERR_FIX("choose another client id, or 0 to have the library choose"); break;
        case TP_EDRAINING: TPI_ERR_FIX("wait until the driver has been started again"); break;
        case TP_EPAGES: TPI_ERR_FIX("ask for another page policy, or give the driver a base_dir that fits"); break;
        case TP_ENODEID: TPI_ERR_FIX("leave the node id to the driver, or choose a free one"); break;
        case TP_EPATH: TPI_ERR_FIX("allow the driver's directory: tp_context_add_allowed_base_dir or TP_ALLOWED_BASE_DIRS"); break;
        default: break;
    }
}

void tpi_attachment_spec(tpi_pool_set_spec_t *spec, tpi_pool_spec_t *pools, const tpc_attach_response_t *response)
{
    *spec = (tpi_pool_set_spec_t){ .stream_id = response->stream_id, .epoch = response->epoch, .layout_version = response->layout_version,
        .header_nslots = response->header_nslots, .header_slot_bytes = response->header_slot_bytes, .header_uri = response->header_region_uri.data,
        .header_uri_length = response->header_region_uri.length };
    tpi_pool_set_spec_take_pools(spec, pools, response->pools, response->pool_count);
}
