/*
 * The cold side of a consumer: life, lease, hello and QoS. The regions are in consumer_mapping.c, the subscriptions in consumer_streams.c. Everything
 * but the public calls runs on the conductor.
 */
#include "client/consumer_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/client_counters.h"
#include "client/consumer_mapping.h"
#include "client/consumer_progress.h"
#include "client/consumer_stage.h"
#include "client/consumer_streams.h"
#include "client/consumer_wait.h"
#include "common/alloc.h"
#include "common/clock.h"
#include "common/err.h"

#define CALL_TIMEOUT_NS (60 * TPI_NS_PER_S)

tp_consumer_t *tpi_consumer_next_of(const tp_consumer_t *consumer) { return consumer->next; }
bool tpi_consumer_is_observer(const tp_consumer_t *consumer) { return consumer->is_observer; }

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

/* ---- cycle and messages out -------------------------------------------------------------------------------------------- */

/* The first attach is through when frames can arrive. */
static void settle_first(tp_consumer_t *c)
{
    if (0 != c->first) { return; }
    if (c->is_observer)
    {
        c->first = NULL != c->client->connection && c->client->connection->ready ? 1 : 0;
        return;
    }
    if (NULL == c->linked) { return; }
    const bool leased = NULL != c->attachment && tpi_session_is_leased(&c->attachment->session);
    if (leased || c->context.driverless) { c->first = 1; }
}

static void say_hello(tp_consumer_t *c, int64_t now_ns)
{
    const uint64_t wish = atomic_load_explicit(&c->mode_wish, memory_order_relaxed);
    if (now_ns < c->next_hello_ns && wish == c->said_wish) { return; }     /* another mode is told at once */
    const bool asks = 0 != c->context.descriptor_request.stream_id;
    const bool asks_control = 0 != c->context.control_request.stream_id;
    tpc_consumer_hello_t hello = TPC_CONSUMER_HELLO_INIT;
    hello.stream_id = tpi_load_u32(&c->stream_id);
    hello.consumer_id = tpi_load_u32(&c->client_id);        /* S-026: the one the driver accepted */
    hello.supports_shm = c->context.no_shm ? 0 : 1;
    tpi_consumer_progress_hello(c, &hello);
    hello.mode = tpi_wish_mode(wish);
    hello.max_rate_hz = tpi_wish_rate_hz(wish);
    hello.expected_layout_version = TPC_LAYOUT_VERSION;
    /* S-070 OP-S-18: who has an id asks for that one, so that an authority that began anew gives it to nobody else */
    hello.descriptor_stream_id = (uint32_t)(asks && 0 != c->assigned.stream_id ? c->assigned.stream_id : c->context.descriptor_request.stream_id);
    hello.descriptor_channel = tpc_bytes(c->context.descriptor_request.channel);
    const int32_t control_id = c->progress.assigned.stream_id;
    hello.control_stream_id = (uint32_t)(asks_control && 0 != control_id ? control_id : c->context.control_request.stream_id);
    hello.control_channel = tpc_bytes(c->context.control_request.channel);
    const bool sent = tpi_client_send_hello(c->client, &hello);
    c->next_hello_ns = now_ns + (sent ? c->context.hello_interval_ns : TPI_TICK_NS);       /* W-127 W-128 */
    c->said_wish = wish;
    tpi_consumer_apply_mode(c);
}

static void say_qos(tp_consumer_t *c, int64_t now_ns)
{
    if (!tpi_cadence_is_due(&c->qos, now_ns)) { return; }
    tpc_qos_consumer_t qos;
    tpi_consumer_qos(c, &qos);
    if (tpi_client_send_qos_consumer(c->client, &qos)) { tpi_cadence_done(&c->qos, now_ns); }              /* W-188 */
}

/* ---- messages in -------------------------------------------------------------------------------------------------------- */

/* W-158: somebody else reports under our id. */
void tpi_consumer_on_qos(tp_consumer_t *consumer, const tpc_qos_consumer_t *qos, int32_t aeron_session_id, int64_t now_ns)
{
    tp_consumer_t *c = consumer;
    const tpi_connection_t *connection = c->client->connection;
    if (c->is_observer) { return; }
    if (qos->stream_id != tpi_load_u32(&c->stream_id) || qos->consumer_id != tpi_load_u32(&c->client_id)) { return; }
    if (NULL == connection || NULL == connection->qos_pub || tpi_publication_session_id(connection->qos_pub) == aeron_session_id) { return; }
    if (0 != c->context.client_id) { return; }             /* the user's choice; nothing we may change */
    if (NULL == c->attachment)
    {
        atomic_store_explicit(&c->client_id, tpi_id_source_client(&c->client->ids), memory_order_relaxed);       /* S-028 */
        c->next_hello_ns = now_ns;
        return;
    }
    if (!tpi_session_is_leased(&c->attachment->session)) { return; }
    tpi_consumer_lease_lost(c, false);
    tpi_session_abandon(&c->attachment->session, TP_ECLIENTID, "another consumer uses the same id", now_ns);
    c->attachment->session.client_id = tpi_id_source_client(&c->client->ids);      /* S-028 */
}

bool tpi_consumer_reattach(tp_consumer_t *consumer, uint32_t stream_id, const char *why, int64_t now_ns)
{
    tp_consumer_t *c = consumer;
    if (NULL == c->attachment || stream_id != tpi_load_u32(&c->stream_id) || !tpi_session_is_leased(&c->attachment->session)) { return false; }
    tpi_consumer_lease_lost(c, false);
    tpi_session_abandon(&c->attachment->session, TP_EPROTOCOL, why, now_ns);               /* */
    return true;
}

/* ---- cycle -------------------------------------------------------------------------------------------------------------- */

int tpi_consumer_work(tp_consumer_t *consumer, int64_t now_ns)
{
    tp_consumer_t *c = consumer;
    int work = c->is_observer ? 0 : tpi_consumer_streams_work(c, now_ns);                  /* L-110: no subscription of descriptors */
    work += tpi_consumer_mapping_work(c, now_ns);
    work += tpi_consumer_progress_work(c, now_ns);
    work += tpi_consumer_wait_work(c, now_ns);
    settle_first(c);
    return work;
}

void tpi_consumer_tick(tp_consumer_t *consumer, int64_t now_ns)
{
    tp_consumer_t *c = consumer;
    tpi_consumer_mapping_tick(c, now_ns);
    if (c->is_observer) { return; }                        /* L-110: says nothing to anybody */
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
    tpi_consumer_streams_connection_lost(c);
    tpi_consumer_progress_connection_lost(c);
    tpi_client_counters_forget(c->counters, c->counter_opens, TPI_CONSUMER_COUNTERS);
    c->counters_asked = 0;
}

/* ---- life --------------------------------------------------------------------------------------------------------------- */

static void free_consumer(void *object)
{
    tp_consumer_t *c = object;
    if (NULL == c) { return; }
    tpi_dispatcher_delete(c->dispatcher);
    tpi_latency_delete(c->latency);
    tpi_free(c->handed_out);
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
    tpi_consumer_wait_delete(c);
    tpi_consumer_progress_delete(c);
    tpi_consumer_mapping_delete(c);
    tpi_client_counters_close(c->connection, c->counters, c->counter_opens, TPI_CONSUMER_COUNTERS);
    tpi_consumer_streams_delete(c);
    free_consumer(c);
}

static int open_now(tp_consumer_t *c, int64_t now_ns)
{
    tp_client_t *client = c->client;
    tpi_cadence_init(&c->qos, client->settings.qos_interval_ns, now_ns);
    tpi_consumer_mapping_init(c);
    if (!c->context.driverless && !c->is_observer)         /* L-110 */
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
    if (!c->is_observer) { (void)tpi_consumer_streams_work(c, now_ns); }
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
    c->follow.newest_only = context->newest_only;
    c->is_observer = context->follow_ring;
    c->polls_ring = c->is_observer;
    c->ring_recovery = context->ring_recovery || c->is_observer;
    if (c->is_observer) { c->follow.max_gap = 0; }         /* no descriptor runs ahead of it */
    atomic_init(&c->stream_id, context->stream_id);
    atomic_init(&c->client_id, context->client_id);
    atomic_init(&c->mode_wish, tpi_wish(context->mode, context->max_rate_hz));
    tpi_consumer_apply_mode(c);
    c->session_config.desired_node_id = TP_NULL_U32;
    c->session_config.stream_id = context->stream_id;
    c->session_config.client_id = context->client_id;      /* W-157 */
    c->session_config.role = TP_ROLE_CONSUMER;
    c->session_config.publish_mode = context->publish_mode;
    c->session_config.hugepages = context->hugepages;
    if (tpi_stage_init(c) < 0 || (context->latency && tpi_latency_create(&c->latency) < 0))
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
    const int rc = tpi_client_open_poll((tpi_command_t *)async, NULL == consumer ? NULL : &object);
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

int tp_consumer_set_mode(tp_consumer_t *consumer, int mode, uint32_t max_rate_hz)
{
    if (NULL == consumer || (TP_MODE_STREAM != mode && TP_MODE_RATE_LIMITED != mode))
    {
        TPI_SET_ERR(TP_EINVAL, "mode = %d, allowed: 1 (stream), 2 (rate limited), and a consumer", mode);
        return -1;
    }
    atomic_store_explicit(&consumer->mode_wish, tpi_wish((uint8_t)mode, max_rate_hz), memory_order_relaxed);
    return 0;
}

void tp_consumer_close(tp_consumer_t *consumer)
{
    if (NULL == consumer) { return; }
    if ((consumer->in_handler || consumer->is_turning) && !atomic_load(&consumer->client->closing))
    {
        consumer->plain.use = TPI_PLAIN_NOT;
        consumer->close_asked = true;                      /* from a handler of its own: done when that has returned */
        return;
    }
    tpi_client_dispose(consumer->client, dispose, consumer);
}
