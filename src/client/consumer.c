/*
 * The cold side of a consumer: life, lease, descriptor subscription, hello and QoS. The regions are in consumer_mapping.c. Everything but the public
 * calls runs on the conductor.
 */
#include "client/consumer_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/client_counters.h"
#include "client/consumer_mapping.h"
#include "client/consumer_progress.h"
#include "common/alloc.h"
#include "common/clock.h"
#include "common/err.h"
#include "protocol/hello.h"

#define CALL_TIMEOUT_NS (60 * TPI_NS_PER_S)
#define HELLO_NS TPI_NS_PER_S
#define REOPEN_NS TPI_NS_PER_S

tp_consumer_t *tpi_consumer_next_of(const tp_consumer_t *consumer) { return consumer->next; }

/* ---- driver session ----------------------------------------------------------------------------------------------------- */

static bool is_final(int code) { return TP_EDRIVER != code && TP_EPROTOCOL != code && TP_ELEASE != code && TP_ENODRIVER != code; }

static void refused(tp_consumer_t *c, bool final)
{
    tpi_attachment_set_error(c->attachment);
    if (0 == c->first)
    {
        tpi_err_save(&c->first_err);
        if (final) { c->first = -1; }
        return;
    }
    tpi_consumer_notify(c, TP_CONSUMER_REFUSED, 0, tp_errcode(), tp_errmsg());
    tpi_client_report(c->client);
}

static void attached(tp_consumer_t *c, const tpc_attach_response_t *response, int64_t now_ns)
{
    tpi_session_t *s = &c->attachment->session;
    atomic_store_explicit(&c->stream_id, s->lease.stream_id, memory_order_relaxed);
    atomic_store_explicit(&c->client_id, s->lease.client_id, memory_order_relaxed);
    c->next_hello_ns = now_ns;                             /* W-127 */
    if (tpi_consumer_map_response(c, response, now_ns) < 0)
    {
        char text[sizeof(((tpi_err_t *)NULL)->msg)];
        (void)snprintf(text, sizeof(text), "%s", tp_errmsg());
        const int code = tp_errcode();
        tpi_consumer_lease_lost(c, false);
        tpi_session_abandon(s, code, text, now_ns);        /* D-082 */
        refused(c, TP_EPATH == code);
        return;
    }
    if (c->was_attached)
    {
        tpi_stat_add(&c->reattaches, 1);
        tpi_consumer_notify(c, TP_CONSUMER_REATTACHED, s->lease.epoch, TP_OK, "");
    }
    c->was_attached = true;
}

static void on_session(tpi_attachment_t *attachment, tpi_session_event_t event, const tpc_attach_response_t *response, int64_t now_ns)
{
    tp_consumer_t *c = attachment->owner;
    const tpi_session_t *s = &attachment->session;
    switch (event)
    {
        case TPI_SESSION_ATTACHED: attached(c, response, now_ns); break;
        case TPI_SESSION_REFUSED:
        case TPI_SESSION_BROKEN:
            if (!(TP_ECLIENTID == s->code && s->auto_client_id)) { refused(c, is_final(s->code)); }
            break;
        case TPI_SESSION_LOST:
            tpi_consumer_lease_lost(c, TP_ESHUTDOWN == s->code);           /* D-030 D-116 D-156 */
            tpi_consumer_notify(c, TP_CONSUMER_LOST, 0, s->code, s->text);
            break;
        case TPI_SESSION_NOTHING:
        case TPI_SESSION_DETACHED:
            break;
    }
}

/* ---- descriptor subscription -------------------------------------------------------------------------------------------- */

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
    const bool is_private = 0 != c->assigned.stream_id;
    const tpi_subscription_config_t config = { .channel = is_private ? c->assigned.channel : shared->channel,
        .stream_id = is_private ? c->assigned.stream_id : shared->stream_id, .untethered = true };     /* A6 W-122: a slow reader holds nobody up */
    c->link_open = tpi_open_subscription(c->connection, &config);
    c->link_open_private = is_private;
    tpi_client_hurry(c->client, now_ns);
}

/* Whether the stream in use is none, or one that is not assigned any more, because the wanted one was refused. */
static bool lacks_link(const tp_consumer_t *c)
{
    return NULL == c->link_open && (NULL == c->linked || (c->linked->is_private && 0 == c->assigned.stream_id));
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
    if (c->link_moves || (lacks_link(c) && now_ns >= c->reopen_ns))
    {
        c->link_moves = false;
        c->reopen_ns = now_ns + REOPEN_NS;
        tpi_open_abandon(connection, &c->link_open);
        open_link(c, now_ns);
    }
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
    *link = (tpi_consumer_link_t){ .subscription = subscription, .connection = connection, .is_private = c->link_open_private, .next = NULL };
    connection->users++;
    tpi_handoff_publish(&c->links, link);                  /* W-131: instead of the one before */
    retire_link(c);
    c->linked = link;
    return 1;
}

/* The first attach is through when frames can arrive. */
static void settle_first(tp_consumer_t *c)
{
    if (0 != c->first || NULL == c->linked) { return; }
    const bool leased = NULL != c->attachment && tpi_session_is_leased(&c->attachment->session);
    if (leased || c->context.driverless) { c->first = 1; }
}

/* ---- messages out ------------------------------------------------------------------------------------------------------- */

static void say_hello(tp_consumer_t *c, int64_t now_ns)
{
    if (now_ns < c->next_hello_ns) { return; }
    tpc_consumer_hello_t hello = TPC_CONSUMER_HELLO_INIT;
    hello.stream_id = tpi_load_u32(&c->stream_id);
    hello.consumer_id = tpi_load_u32(&c->client_id);
    hello.supports_shm = 1;
    tpi_consumer_progress_hello(c, &hello);
    hello.mode = c->context.mode;
    hello.max_rate_hz = c->context.max_rate_hz;
    hello.expected_layout_version = TPC_LAYOUT_VERSION;
    hello.descriptor_stream_id = (uint32_t)c->context.descriptor_request.stream_id;
    hello.descriptor_channel = tpc_bytes(c->context.descriptor_request.channel);
    hello.control_stream_id = (uint32_t)c->context.control_request.stream_id;
    hello.control_channel = tpc_bytes(c->context.control_request.channel);
    c->next_hello_ns = now_ns + (tpi_client_send_hello(c->client, &hello) ? HELLO_NS : TPI_TICK_NS);         /* W-127 W-128 */
}

static void say_qos(tp_consumer_t *c, int64_t now_ns)
{
    if (!tpi_cadence_is_due(&c->qos, now_ns)) { return; }
    tpc_qos_consumer_t qos;
    tpi_consumer_qos(c, &qos);
    if (tpi_client_send_qos_consumer(c->client, &qos)) { tpi_cadence_done(&c->qos, now_ns); }              /* W-188 */
}

/* ---- messages in -------------------------------------------------------------------------------------------------------- */

static void apply_mode(tp_consumer_t *c, uint8_t mode)
{
    c->mode = mode;
    const bool limited = TP_MODE_RATE_LIMITED == mode && 0 != c->context.max_rate_hz;
    atomic_store_explicit(&c->rate_limit_hz, limited ? c->context.max_rate_hz : 0, memory_order_relaxed);      /* W-191 W-192 */
}

static void apply_stream(tp_consumer_t *c, const tpc_consumer_config_t *config, int64_t now_ns)
{
    const bool wanted = TPI_HELLO_WANTED == tpi_hello_wish(config->descriptor_channel, config->descriptor_stream_id) &&
        config->descriptor_channel.length < sizeof(c->assigned.channel);
    tpi_consumer_address_t next = { .stream_id = 0 };
    if (wanted)
    {
        (void)tpc_bytes_copy(next.channel, sizeof(next.channel), config->descriptor_channel);
        next.stream_id = (int32_t)config->descriptor_stream_id;
    }
    if (next.stream_id == c->assigned.stream_id && 0 == strcmp(next.channel, c->assigned.channel)) { return; }
    c->assigned = next;                                    /* W-130 W-131 W-151 */
    c->link_moves = true;                                  /* opened in the next cycle: this is a handler (trap A4) */
    tpi_client_hurry(c->client, now_ns);
}

void tpi_consumer_on_config(tp_consumer_t *consumer, const tpc_consumer_config_t *config, int64_t now_ns)
{
    tp_consumer_t *c = consumer;
    if (config->stream_id != tpi_load_u32(&c->stream_id) || config->consumer_id != tpi_load_u32(&c->client_id)) { return; }        /* W-252 */
    if (config->use_shm > 1 || (TP_MODE_STREAM != config->mode && TP_MODE_RATE_LIMITED != config->mode)) { return; }                /* W-070 */
    apply_mode(c, config->mode);
    apply_stream(c, config, now_ns);
    tpi_consumer_progress_config(c, config, now_ns);
    if (!tpi_consumer_mapping_config(c, config)) { return; }
    char uri[TPI_CHANNEL_MAX];                             /* W-155 */
    (void)tpc_bytes_copy(uri, sizeof(uri), config->payload_fallback_uri);
    const bool known = 0 == strncmp(uri, "aeron:", 6) || 0 == strncmp(uri, "bridge://", 9);            /* W-153 W-154 */
    tpi_consumer_notify(c, TP_CONSUMER_FALLBACK, 0, '\0' != uri[0] && !known ? TP_ENOTSUP : TP_OK, known ? uri : "");
}

/* W-158: somebody else reports under our id. */
void tpi_consumer_on_qos(tp_consumer_t *consumer, const tpc_qos_consumer_t *qos, int32_t aeron_session_id, int64_t now_ns)
{
    tp_consumer_t *c = consumer;
    const tpi_connection_t *connection = c->client->connection;
    if (qos->stream_id != tpi_load_u32(&c->stream_id) || qos->consumer_id != tpi_load_u32(&c->client_id)) { return; }
    if (NULL == connection || NULL == connection->qos_pub || tpi_publication_session_id(connection->qos_pub) == aeron_session_id) { return; }
    if (0 != c->context.client_id) { return; }             /* the user's choice; nothing we may change */
    if (NULL == c->attachment)
    {
        atomic_store_explicit(&c->client_id, tpi_id_source_client(&c->client->ids), memory_order_relaxed);
        c->next_hello_ns = now_ns;
        return;
    }
    if (!tpi_session_is_leased(&c->attachment->session)) { return; }
    tpi_consumer_lease_lost(c, false);
    tpi_session_abandon(&c->attachment->session, TP_ECLIENTID, "another consumer uses the same id", now_ns);
    c->attachment->session.client_id = tpi_id_source_client(&c->client->ids);
}

/* ---- cycle -------------------------------------------------------------------------------------------------------------- */

int tpi_consumer_work(tp_consumer_t *consumer, int64_t now_ns)
{
    tp_consumer_t *c = consumer;
    int work = advance_link(c, now_ns);
    work += tpi_consumer_mapping_work(c, now_ns);
    work += tpi_consumer_progress_work(c, now_ns);
    if (NULL != c->old_links) { reclaim_links(c); }
    settle_first(c);
    return work;
}

void tpi_consumer_tick(tp_consumer_t *consumer, int64_t now_ns)
{
    tp_consumer_t *c = consumer;
    tpi_consumer_mapping_tick(c, now_ns);
    tpi_consumer_counters(c);
    if (NULL == c->client->connection || !c->client->connection->ready) { return; }
    if (NULL != c->attachment && !tpi_session_is_leased(&c->attachment->session)) { return; }
    say_hello(c, now_ns);
    say_qos(c, now_ns);
}

void tpi_consumer_connection_lost(tp_consumer_t *consumer, int64_t now_ns)
{
    tp_consumer_t *c = consumer;
    (void)now_ns;
    tpi_consumer_lease_lost(c, false);
    tpi_handoff_publish(&c->links, NULL);
    retire_link(c);
    c->link_open = NULL;
    c->connection = NULL;
    memset(&c->assigned, 0, sizeof(c->assigned));
    tpi_consumer_progress_connection_lost(c);
    tpi_client_counters_forget(c->counters, c->counter_opens, TPI_CONSUMER_COUNTERS);
    c->counters_asked = false;
}

/* ---- life --------------------------------------------------------------------------------------------------------------- */

static void free_consumer(void *object)
{
    tp_consumer_t *c = object;
    if (NULL == c) { return; }
    tpi_dispatcher_delete(c->dispatcher);
    tpi_latency_delete(c->latency);
    tpi_free(c);
}

static void dispose(void *object, int64_t now_ns)
{
    tp_consumer_t *c = object;
    tp_client_t *client = c->client;
    for (tp_consumer_t **at = &client->consumers; NULL != *at; at = &(*at)->next)
    {
        if (c == *at) { *at = c->next; break; }
    }
    tpi_attachment_close(c->attachment, now_ns);
    tpi_consumer_progress_delete(c);
    tpi_consumer_mapping_delete(c);
    tpi_client_counters_close(c->connection, c->counters, c->counter_opens, TPI_CONSUMER_COUNTERS);
    tpi_open_abandon(c->connection, &c->link_open);
    retire_link(c);
    while (NULL != c->old_links)
    {
        tpi_consumer_link_t *link = c->old_links;
        c->old_links = link->next;
        delete_link(link, client);
    }
    free_consumer(c);
}

static int open_now(tp_consumer_t *c, int64_t now_ns)
{
    tp_client_t *client = c->client;
    tpi_cadence_init(&c->qos, client->settings.qos_interval_ns, now_ns);
    tpi_consumer_mapping_init(c);
    if (!c->context.driverless)
    {
        tpi_session_config_times(client, &c->session_config);
        c->attachment = tpi_attachment_create(client, &c->session_config, c, on_session);
        if (NULL == c->attachment) { return -1; }
        atomic_store_explicit(&c->client_id, c->attachment->session.client_id, memory_order_relaxed);
        tpi_session_open(&c->attachment->session, now_ns);
    }
    else if (0 == c->context.client_id) { atomic_store_explicit(&c->client_id, tpi_id_source_client(&client->ids), memory_order_relaxed); }
    c->next = client->consumers;
    client->consumers = c;
    (void)advance_link(c, now_ns);
    return 0;
}

/* As with producers: starts, then waits for the outcome; a consumer that fails here is gone. */
static int run_open(tpi_command_t *command, int64_t now_ns)
{
    tp_consumer_t *c = command->object;
    if (!command->started)
    {
        c->attach_deadline_ns = tpi_clock_add_ns(now_ns, c->context.attach_timeout_ns);
        if (open_now(c, now_ns) < 0)
        {
            free_consumer(c);
            return -1;
        }
        if (0 == c->context.attach_timeout_ns)
        {
            c->first = 2;
            return 1;
        }
    }
    if (c->first > 0) { return 1; }
    if (0 == c->first && now_ns <= c->attach_deadline_ns)
    {
        tpi_client_hurry(c->client, now_ns);
        return 0;
    }
    if (TP_OK == c->first_err.code)
    {
        if (NULL != c->attachment) { tpi_attachment_set_error(c->attachment); }        /* D-055 */
        else { TPI_SET_ERR(TP_ETIMEDOUT, "descriptor stream was not added within %" PRId64 " ms", c->context.attach_timeout_ns / TPI_NS_PER_MS); }
        tpi_err_save(&c->first_err);
    }
    const tpi_err_t err = c->first_err;
    dispose(c, now_ns);
    tpi_err_restore(&err);
    return -1;
}

static const tpi_opening_t opening = { .run = run_open, .dispose = dispose, .unmake = free_consumer };

static tp_consumer_t *create(tp_client_t *client, const tp_consumer_context_t *context)
{
    tp_consumer_t *c = tpi_alloc_aligned(64, sizeof(*c));
    if (NULL == c) { return NULL; }
    c->client = client;
    c->context = *context;
    c->follow.max_gap = context->max_gap;
    atomic_init(&c->stream_id, context->stream_id);
    atomic_init(&c->client_id, context->client_id);
    apply_mode(c, context->mode);
    c->session_config.desired_node_id = TP_NULL_U32;
    c->session_config.stream_id = context->stream_id;
    c->session_config.client_id = context->client_id;
    c->session_config.role = TP_ROLE_CONSUMER;
    c->session_config.publish_mode = context->publish_mode;
    c->session_config.hugepages = context->hugepages;
    if (tpi_consumer_hot_init(c) < 0 || (context->latency && tpi_latency_create(&c->latency) < 0))
    {
        free_consumer(c);
        return NULL;
    }
    return c;
}

int tp_consumer_init(tp_consumer_t **consumer, tp_client_t *client, const tp_consumer_context_t *context)
{
    if (NULL == consumer || NULL == client || NULL == context) { TPI_SET_ERR(TP_EINVAL, "consumer, client or context is NULL"); return -1; }
    tp_consumer_t *c = create(client, context);
    if (tpi_client_open(client, &opening, c, tpi_clock_add_ns(context->attach_timeout_ns, CALL_TIMEOUT_NS)) < 0) { return -1; }
    *consumer = c;
    return 0;
}

int tp_async_add_consumer(tp_async_add_consumer_t **async, tp_client_t *client, const tp_consumer_context_t *context)
{
    tpi_command_t *command = NULL;
    if (NULL == async || NULL == client || NULL == context) { TPI_SET_ERR(TP_EINVAL, "async, client or context is NULL"); return -1; }
    if (tpi_client_open_async(&command, client, &opening, create(client, context)) < 0) { return -1; }
    *async = (tp_async_add_consumer_t *)command;
    return 0;
}

int tp_async_add_consumer_poll(tp_async_add_consumer_t *async, tp_consumer_t **consumer)
{
    void *object = NULL;
    if (NULL == async || NULL == consumer) { TPI_SET_ERR(TP_EINVAL, "async or consumer is NULL"); return -1; }
    const int rc = tpi_client_open_poll((tpi_command_t *)async, &object);
    if (rc > 0) { *consumer = object; }
    return rc;
}

int tp_consumer_open(tp_consumer_t **consumer, tp_client_t *client, uint32_t stream_id)
{
    tp_consumer_context_t *context = NULL;
    if (tp_consumer_context_init(&context) < 0) { return -1; }
    int rc = tp_consumer_context_set_stream_id(context, stream_id);
    if (0 == rc) { rc = tp_consumer_init(consumer, client, context); }
    tp_consumer_context_close(context);
    return rc;
}

void tp_consumer_close(tp_consumer_t *consumer)
{
    if (NULL == consumer) { return; }
    if (consumer->in_handler && !atomic_load(&consumer->client->closing))
    {
        consumer->close_asked = true;                      /* from its own frame handler: done when the handler has returned */
        return;
    }
    tpi_client_dispose(consumer->client, dispose, consumer);
}
