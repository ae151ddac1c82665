/*
 * The conductor's side of discovery: both endpoints, requests under way, and what answers said, compared with announces. Nothing here waits; nothing
 * that a provider says opens or maps anything (X-007 X-008).
 */
#include "client/discovery_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"

#define REOPEN_NS TPI_NS_PER_S
#define AGAIN_NS TPI_NS_PER_S                   /* contradicted results are asked for again once in that time */
#define AGAIN_TIMEOUT_NS (5 * TPI_NS_PER_S)
#define REATTACH_NS (10 * TPI_NS_PER_S)         /* a provider that errs costs at most one attachment's renewal in that time */

/* ---- endpoints ---------------------------------------------------------------------------------------------------------- */

static void forget_streams(tp_discovery_client_t *d)
{
    d->pub = NULL;
    d->sub = NULL;
    d->pub_open = NULL;
    d->sub_open = NULL;
    atomic_store_explicit(&d->connected, false, memory_order_relaxed);
}

void tpi_discovery_connection_lost(tp_client_t *client)
{
    for (tp_discovery_client_t *d = client->discoveries; NULL != d; d = d->next) { forget_streams(d); }     /* they go with their bus */
}

/* 1 both are there, 0 not yet, -1 refused (the reason is in open_err). */
static int advance_streams(tp_discovery_client_t *d, int64_t now_ns)
{
    tpi_connection_t *c = d->client->connection;
    void *result = NULL;
    if (NULL == c || !c->ready) { return 0; }
    if (now_ns >= d->reopen_ns)
    {
        const tpi_subscription_config_t config = { .channel = d->response.channel, .stream_id = d->response.stream_id, .untethered = true };  /* A6 */
        if (NULL == d->pub && NULL == d->pub_open) { d->pub_open = tpi_open_publication(c, d->request.channel, d->request.stream_id); }
        if (NULL == d->sub && NULL == d->sub_open) { d->sub_open = tpi_open_subscription(c, &config); }
    }
    const int rc1 = NULL == d->pub_open ? 0 : tpi_open_take(c, &d->pub_open, &result);
    if (rc1 > 0) { d->pub = result; }
    if (rc1 < 0) { tpi_err_save(&d->open_err); }
    const int rc2 = NULL == d->sub_open ? 0 : tpi_open_take(c, &d->sub_open, &result);
    if (rc2 > 0) { d->sub = result; }
    if (rc2 < 0) { tpi_err_save(&d->open_err); }
    if (rc1 >= 0 && rc2 >= 0) { return NULL != d->pub && NULL != d->sub ? 1 : 0; }
    d->reopen_ns = tpi_clock_add_ns(now_ns, REOPEN_NS);
    return -1;
}

/* ---- messages out ------------------------------------------------------------------------------------------------------- */

static bool publish(tp_discovery_client_t *d, const uint8_t *message, size_t length)
{
    if (NULL == d->pub || NULL == d->sub) { return false; }                /* no answer could be heard */
    if (tpi_publication_send(d->pub, message, length) <= 0) { return false; }
    tpi_bus_ring(d->client->connection->bus);
    tpi_stat_add(&d->sends, 1);
    return true;
}

/* Sends what is due. -1 when the time of the question is over. */
static int drive(tp_discovery_client_t *d, tpi_ask_t *ask, const uint8_t *message, size_t length, int64_t now_ns)
{
    switch (tpi_ask_next(ask, now_ns))
    {
        case TPI_ASK_WAIT: return 0;
        case TPI_ASK_EXPIRED: return -1;
        case TPI_ASK_SEND: tpi_ask_sent(ask, publish(d, message, length), now_ns); return 0;
    }
    return 0;
}

/* ---- what answers said, against what drivers announce ------------------------------------------------------------------- */

static bool is_at_this_driver(const tp_client_t *client, const tp_stream_ref_t *ref)
{
    return ref->control_stream_id == client->settings.control.stream_id && 0 == strcmp(ref->control_channel, client->settings.control.channel);
}

static bool same_stream(const tp_stream_ref_t *a, const tp_stream_ref_t *b)
{
    return a->stream_id == b->stream_id && 0 == strcmp(a->driver_instance, b->driver_instance);
}

static void remember(tp_discovery_client_t *d, const tp_discovery_result_t *result)
{
    tpi_known_t now = { .layout_version = result->layout_version };
    if (tp_discovery_result_ref(result, &now.ref) < 0 || !is_at_this_driver(d->client, &now.ref)) { return; }
    for (size_t i = 0; i < d->known_count; i++)
    {
        tpi_known_t *known = &d->known[i];
        if (!same_stream(&known->ref, &now.ref)) { continue; }
        if (now.ref.epoch < known->ref.epoch) { return; }                  /* a stale epoch */
        *known = now;
        return;
    }
    if (d->known_count < TPI_DISCOVERY_KNOWN_MAX) { d->known[d->known_count++] = now; }
}

/* Whether that is asked now; one at a time, one a second. */
static bool ask_again(tp_discovery_client_t *d, uint32_t stream_id, int64_t now_ns)
{
    if (0 != d->again.request_id || now_ns < d->next_again_ns) { return false; }
    d->next_again_ns = tpi_clock_add_ns(now_ns, AGAIN_NS);
    d->again_stream_id = stream_id;
    tpi_ask_init(&d->again, tpi_ask_ids_next(&d->own_ids), now_ns, AGAIN_TIMEOUT_NS, d->retry_ns);
    tpi_client_hurry(d->client, now_ns);
    return true;
}

/* What a driver announces otherwise is thrown away as soon as it is asked for again. */
void tpi_discovery_on_announce(tp_client_t *client, const tpc_pool_announce_t *announce, int64_t now_ns)
{
    for (tp_discovery_client_t *d = client->discoveries; NULL != d; d = d->next)
    {
        for (size_t i = 0; i < d->known_count; i++)
        {
            tpi_known_t *known = &d->known[i];
            if (known->ref.stream_id != announce->stream_id) { continue; }
            if (known->ref.epoch == announce->epoch && known->layout_version == announce->layout_version) { continue; }
            if (ask_again(d, announce->stream_id, now_ns)) { *known = d->known[--d->known_count]; }      /* */
            break;
        }
    }
}

static void drive_again(tp_discovery_client_t *d, int64_t now_ns)
{
    uint8_t message[2 * TPI_CHANNEL_MAX];
    tp_discovery_filter_t filter = TP_DISCOVERY_FILTER_INIT;
    if (0 == d->again.request_id) { return; }
    filter.stream_id = d->again_stream_id;
    const int64_t length = tpi_discovery_encode(d, &filter, d->again.request_id, message, sizeof(message));
    if (length < 0 || drive(d, &d->again, message, (size_t)length, now_ns) < 0) { d->again.request_id = 0; }
}

/* What a result contradicts itself about is asked of the driver anew, where a consumer uses that stream. */
static void on_fault(void *clientd, tpi_result_fault_t fault, const tpc_discovery_result_t *result)
{
    tp_discovery_client_t *d = clientd;
    tp_client_t *client = d->client;
    const char *const why = "a discovery result contradicts itself about the pools of the stream";
    const int64_t now_ns = tpi_client_now(client);
    if (TPI_RESULT_POOLS != fault) { return; }                                                            /* */
    (void)ask_again(d, result->stream_id, now_ns);
    const bool here = result->driver_control_stream_id == (uint32_t)client->settings.control.stream_id &&
        tpc_bytes_equal(result->driver_control_channel, client->settings.control.channel);
    if (!here || now_ns < d->next_reattach_ns) { return; }
    for (tp_consumer_t *c = client->consumers; NULL != c; c = tpi_consumer_next_of(c))
    {
        if (!tpi_consumer_reattach(c, result->stream_id, why, now_ns)) { continue; }                          /* */
        d->next_reattach_ns = tpi_clock_add_ns(now_ns, REATTACH_NS);
    }
}

/* ---- messages in -------------------------------------------------------------------------------------------------------- */

static tp_discovery_request_t *find_request(const tp_discovery_client_t *d, uint64_t request_id)
{
    for (tp_discovery_request_t *r = d->requests; NULL != r; r = r->next)
    {
        if (!r->is_done && r->ask.request_id == request_id) { return r; }
    }
    return NULL;
}

static bool is_outstanding(void *clientd, uint64_t request_id)
{
    const tp_discovery_client_t *d = clientd;
    return (0 != request_id && d->again.request_id == request_id) || NULL != find_request(d, request_id);
}

static void set_provider_error(const tpc_discovery_response_t *response)
{
    char text[400];
    (void)tpc_bytes_copy(text, sizeof(text), response->error_message);
    for (size_t i = 0; '\0' != text[i]; i++)
    {
        if ((unsigned char)text[i] < 0x20 || 0x7F == text[i]) { text[i] = '?'; }
    }
    TPI_SET_ERR(TP_EDISCOVERY, "the discovery provider says: %s", '\0' == text[0] ? "an error without a text" : text);
}

static void take_answer(tp_discovery_client_t *d, tp_discovery_request_t *r, const tpc_discovery_response_t *response)
{
    tpi_result_list_t *list = NULL;
    tpi_stat_add(&d->responses, 1);
    if (TPC_DISCOVERY_ERROR == response->status)
    {
        tpi_stat_add(&d->errors, 1);
        set_provider_error(response);
    }
    else { (void)tpi_result_list_create(&list, response, on_fault, d); }
    if (NULL != list)
    {
        tpi_stat_add(&d->refused, list->refused);
        tpi_stat_add(&d->stale, list->stale);
        for (uint32_t i = 0; i < list->count; i++) { remember(d, &list->results[i]); }
    }
    if (NULL == r)
    {
        d->again.request_id = 0;
        tpi_result_list_delete(list);
        return;
    }
    if (NULL == list) { tpi_err_save(&r->err); }
    r->response = list;
    r->is_done = true;
}

static void on_message(void *clientd, const tpi_message_t *message)
{
    tp_discovery_client_t *d = clientd;
    tpc_discovery_response_t response;
    const tpi_heard_t heard = tpi_ask_hear(message->data, message->length, is_outstanding, d, &response);
    tpi_stat_add(&d->heard[heard], 1);
    if (TPI_HEARD_ANSWER == heard) { take_answer(d, find_request(d, response.request_id), &response); }
}

/* ---- requests ----------------------------------------------------------------------------------------------------------- */

static void unlink_request(tp_discovery_request_t *r)
{
    for (tp_discovery_request_t **at = NULL == r->discovery ? NULL : &r->discovery->requests; NULL != at && NULL != *at; at = &(*at)->next)
    {
        if (r == *at)
        {
            *at = r->next;
            break;
        }
    }
    r->is_linked = false;
}

void tpi_discovery_free_request(tp_discovery_request_t *request)
{
    if (NULL == request) { return; }
    tpi_result_list_delete(request->response);
    tpi_free(request);
}

/* Nobody answered, or nobody could be asked. */
static void set_timeout(const tp_discovery_request_t *r)
{
    const tp_discovery_client_t *d = r->discovery;
    TPI_SET_ERR(TP_ENODISCOVERY, "no discovery provider answers on stream %" PRId32 " of %.300s", d->request.stream_id, d->request.channel);
    if (NULL == d->pub || NULL == d->sub) { TPI_ERR_WHY("%s", TP_OK == d->open_err.code ? "the media driver is not there" : d->open_err.msg); }
    else if (!tpi_publication_is_connected(d->pub)) { TPI_ERR_WHY("nobody subscribes to that endpoint"); }
    else
    {
        TPI_ERR_WHY("asked %" PRIu32 " times; a provider answers only where its allowed_response_channels admit %.100s", r->ask.sends,
            d->response.channel);
    }
    TPI_ERR_FIX("a [discovery] table in the driver's file, or tp_discoveryd; TP_DISCOVERY_CHANNEL and TP_DISCOVERY_STREAM_ID name another one");
}

/* Always done or pending: the outcome is in the request, so that an abandoned one is freed in any case. */
int tpi_discovery_run_request(tpi_command_t *command, int64_t now_ns)
{
    tp_discovery_request_t *r = command->object;
    if (atomic_load(&r->cancelled) || NULL == r->discovery)
    {
        if (r->is_linked) { unlink_request(r); }
        TPI_SET_ERR(TP_ESTATE, "the discovery client is closed");
        tpi_err_save(&r->err);
        return 1;
    }
    if (!command->started)
    {
        tpi_ask_init(&r->ask, r->ask.request_id, now_ns, r->timeout_ns, r->discovery->retry_ns);
        r->next = r->discovery->requests;
        r->discovery->requests = r;
        r->is_linked = true;
    }
    if (!r->is_done && drive(r->discovery, &r->ask, r->message, r->length, now_ns) < 0)
    {
        tpi_stat_add(&r->discovery->timeouts, 1);
        set_timeout(r);
        tpi_err_save(&r->err);
        r->is_done = true;
    }
    if (!r->is_done)
    {
        tpi_client_hurry(r->client, now_ns);
        return 0;
    }
    unlink_request(r);
    return 1;
}

/* ---- cycle and life ----------------------------------------------------------------------------------------------------- */

int tpi_discovery_work(tp_client_t *client, int64_t now_ns)
{
    int work = 0;
    for (tp_discovery_client_t *d = client->discoveries; NULL != d; d = d->next)
    {
        if (NULL == d->pub || NULL == d->sub) { (void)advance_streams(d, now_ns); }
        if (NULL != d->sub)
        {
            const int n = tpi_subscription_poll(d->sub, on_message, d, TPI_CONTROL_POLL_LIMIT);
            work += n > 0 ? n : 0;
        }
        drive_again(d, now_ns);
        atomic_store_explicit(&d->connected, NULL != d->pub && tpi_publication_is_connected(d->pub), memory_order_relaxed);
    }
    return work;
}

static void dispose(void *object, int64_t now_ns)
{
    tp_discovery_client_t *d = object;
    tpi_connection_t *c = d->client->connection;
    (void)now_ns;
    for (tp_discovery_client_t **at = &d->client->discoveries; NULL != *at; at = &(*at)->next)
    {
        if (d == *at) { *at = d->next; break; }
    }
    while (NULL != d->requests)
    {
        tp_discovery_request_t *r = d->requests;
        unlink_request(r);
        r->discovery = NULL;
    }
    tpi_open_abandon(c, &d->pub_open);
    tpi_open_abandon(c, &d->sub_open);
    tpi_publication_close(d->pub);
    tpi_subscription_close(d->sub);
    tpi_free(d->known);
    tpi_free(d);
}

static int run_open(tpi_command_t *command, int64_t now_ns)
{
    tp_discovery_client_t *d = command->object;
    if (!command->started)
    {
        d->next = d->client->discoveries;
        d->client->discoveries = d;
    }
    tpi_client_hurry(d->client, now_ns);
    if (TP_OK != d->open_err.code)
    {
        const tpi_err_t err = d->open_err;
        dispose(d, now_ns);
        tpi_err_restore(&err);
        return -1;
    }
    return NULL != d->pub && NULL != d->sub ? 1 : 0;
}

static void unmake(void *object)
{
    tp_discovery_client_t *d = object;
    tpi_free(d->known);
    tpi_free(d);
}

const tpi_opening_t tpi_discovery_opening = { .run = run_open, .dispose = dispose, .unmake = unmake };

void tpi_discovery_close_all(tp_client_t *client)
{
    while (NULL != client->discoveries)
    {
        tp_discovery_client_t *d = client->discoveries;
        for (size_t i = 0; i < d->handle_count; i++)
        {
            tpi_command_delete(d->handles[i]->command);    /* all commands have ended by now */
            unlink_request(d->handles[i]);
            tpi_discovery_free_request(d->handles[i]);
        }
        dispose(d, 0);
    }
}
