/* The application's side of discovery: endpoints, requests, outcomes. Everything that goes over the bus is done by the conductor. */
#include "client/discovery_state.h"

#include <inttypes.h>
#include <string.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "common/err.h"

#define RETRY_NS (500 * TPI_NS_PER_MS)

/* ---- the client of a provider ------------------------------------------------------------------------------------------- */

int tp_discovery_config_init(tp_discovery_config_t *config, const tp_client_t *client)
{
    if (NULL == config || NULL == client) { TPI_SET_ERR(TP_EINVAL, "config or client is NULL"); return -1; }
    const tpi_discovery_settings_t *s = &client->discovery;
    *config = (tp_discovery_config_t){ .size = sizeof(*config), .request_stream_id = s->request.stream_id,
        .response_stream_id = s->response.stream_id, .request_channel = s->request.channel, .response_channel = s->response.channel,
        .retry_interval_ns = RETRY_NS };
    return 0;
}

static int take_address(tpi_stream_address_t *to, const char *what, const char *channel, int32_t stream_id)
{
    const size_t length = NULL == channel ? 0 : strlen(channel);
    if (stream_id <= 0)                                                                       /* X-017 X-039 */
    {
        TPI_SET_ERR(TP_EINVAL, "%s stream id = %" PRId32 ", allowed: 1..2147483647", what, stream_id);
        return -1;
    }
    if (0 == length)                                                                          /* */
    {
        TPI_SET_ERR(TP_EINVAL, "no %s channel", what);
        TPI_ERR_FIX("set one: TP_DISCOVERY_RESPONSE_CHANNEL, tp_context_set_discovery_response, for example aeron:udp?endpoint=THIS-HOST:40124");
        return -1;
    }
    if (length > TP_DISCOVERY_CHANNEL_MAX || 0 != strncmp(channel, "aeron:", 6))
    {
        TPI_SET_ERR(TP_EINVAL, "%s channel = '%.100s', allowed: aeron:..., up to %d bytes", what, channel, TP_DISCOVERY_CHANNEL_MAX);
        return -1;
    }
    memcpy(to->channel, channel, length + 1);
    to->stream_id = stream_id;
    return 0;
}

static tp_discovery_client_t *create(tp_client_t *client, const tp_discovery_config_t *config)
{
    tp_discovery_client_t *d = tpi_alloc(sizeof(*d));
    if (NULL == d) { return NULL; }
    d->client = client;
    d->retry_ns = config->retry_interval_ns;
    d->ids.client_id = config->client_id;
    if (0 == d->ids.client_id)
    {
        tpi_id_source_t ids;
        tpi_id_source_init(&ids, client->number, (uint64_t)(uintptr_t)d ^ (uint64_t)tpi_clock_monotonic_ns());
        d->ids.client_id = tpi_id_source_client(&ids);
    }
    d->own_ids = (tpi_ask_ids_t){ .client_id = d->ids.client_id, .next = UINT32_C(1) << 31 };
    d->known = tpi_alloc_array(TPI_DISCOVERY_KNOWN_MAX, sizeof(d->known[0]));
    if (NULL != d->known && 0 == take_address(&d->request, "request", config->request_channel, config->request_stream_id) &&
        0 == take_address(&d->response, "response", config->response_channel, config->response_stream_id))
    {
        return d;
    }
    tpi_free(d->known);
    tpi_free(d);
    return NULL;
}

int tp_discovery_client_init(tp_discovery_client_t **discovery, tp_client_t *client, const tp_discovery_config_t *config)
{
    tp_discovery_config_t usual;
    if (NULL == discovery || NULL == client || (NULL != config && (config->size < sizeof(*config) || config->retry_interval_ns <= 0)))
    {
        TPI_SET_ERR(TP_EINVAL, "discovery or client is NULL, or config comes not from tp_discovery_config_init");
        return -1;
    }
    if (NULL == config)
    {
        if (tp_discovery_config_init(&usual, client) < 0) { return -1; }
        config = &usual;
    }
    tp_discovery_client_t *d = create(client, config);
    if (tpi_client_open(client, &tpi_discovery_opening, d, client->discovery.timeout_ns) < 0) { return -1; }
    *discovery = d;
    return 0;
}

void tp_discovery_client_close(tp_discovery_client_t *discovery)
{
    if (NULL == discovery) { return; }
    while (0 != discovery->handle_count) { tp_discovery_cancel(discovery->handles[0]); }
    tpi_client_dispose(discovery->client, tpi_discovery_opening.dispose, discovery);
}

int tp_discovery_client_stats(const tp_discovery_client_t *discovery, tp_discovery_stats_t *stats)
{
    if (NULL == discovery || NULL == stats) { TPI_SET_ERR(TP_EINVAL, "discovery or stats is NULL"); return -1; }
    tp_discovery_client_t *d = (tp_discovery_client_t *)(uintptr_t)discovery;
    *stats = (tp_discovery_stats_t){ .size = sizeof(*stats), .connected = atomic_load_explicit(&d->connected, memory_order_relaxed),
        .requests = tpi_stat_get(&d->accepted), .sends = tpi_stat_get(&d->sends), .responses = tpi_stat_get(&d->responses),
        .timeouts = tpi_stat_get(&d->timeouts), .errors = tpi_stat_get(&d->errors), .foreign = tpi_stat_get(&d->heard[TPI_HEARD_UNKNOWN]),
        .malformed = tpi_stat_get(&d->heard[TPI_HEARD_MALFORMED]), .other_version = tpi_stat_get(&d->heard[TPI_HEARD_VERSION]),
        .refused_results = tpi_stat_get(&d->refused), .stale_results = tpi_stat_get(&d->stale) };
    return 0;
}

/* ---- requests ----------------------------------------------------------------------------------------------------------- */

static bool is_ascii(const char *text)
{
    for (; '\0' != *text; text++)
    {
        if ((unsigned char)*text > 0x7E || (unsigned char)*text < 0x20) { return false; }
    }
    return true;
}

static int check_filter(const tp_discovery_filter_t *f)
{
    if (f->size < sizeof(*f) || f->tag_count > TP_DISCOVERY_TAGS_MAX || (0 != f->tag_count && NULL == f->tags))
    {
        TPI_SET_ERR(TP_EINVAL, "filter.size is not sizeof(tp_discovery_filter_t), or %" PRIu32 " tags, allowed: %d", f->tag_count,
            TP_DISCOVERY_TAGS_MAX);
        return -1;
    }
    if (NULL != f->name && (strlen(f->name) > TP_DISCOVERY_NAME_MAX || !is_ascii(f->name)))   /* */
    {
        TPI_SET_ERR(TP_EINVAL, "a name of %zu bytes, allowed: %d, US-ASCII", strlen(f->name), TP_DISCOVERY_NAME_MAX);
        return -1;
    }
    for (uint32_t i = 0; i < f->tag_count; i++)
    {
        const char *tag = f->tags[i];
        if (NULL == tag || '\0' == *tag || strlen(tag) > TP_DISCOVERY_NAME_MAX || !is_ascii(tag))
        {
            TPI_SET_ERR(TP_EINVAL, "tag %" PRIu32 " is empty, no US-ASCII, or has more than %d bytes", i, TP_DISCOVERY_NAME_MAX);
            return -1;
        }
    }
    return 0;
}

int64_t tpi_discovery_encode(const tp_discovery_client_t *discovery, const tp_discovery_filter_t *filter, uint64_t request_id, uint8_t *buffer,
    size_t size)
{
    tpc_bytes_t tags[TP_DISCOVERY_TAGS_MAX];
    tpc_discovery_request_t m = TPC_DISCOVERY_REQUEST_INIT;
    m.request_id = request_id;
    m.client_id = discovery->ids.client_id;
    m.response_stream_id = (uint32_t)discovery->response.stream_id;                           /* */
    m.response_channel = tpc_bytes(discovery->response.channel);
    m.stream_id = filter->stream_id;
    m.producer_id = filter->producer_id;
    m.data_source_id = filter->data_source_id;
    m.data_source_name = tpc_bytes(filter->name);
    for (uint32_t i = 0; i < filter->tag_count; i++) { tags[i] = tpc_bytes(filter->tags[i]); }
    m.tag_count = filter->tag_count;
    m.tags = tags;
    return NULL == buffer ? tpc_discovery_request_length(&m) : tpc_discovery_request_encode(buffer, size, &m);
}

static tp_discovery_request_t *create_request(tp_discovery_client_t *d, const tp_discovery_filter_t *filter, int64_t timeout_ns)
{
    const int64_t length = tpi_discovery_encode(d, filter, 1, NULL, 0);
    tp_discovery_request_t *r = length < 0 ? NULL : tpi_alloc(sizeof(*r) + (size_t)length);
    if (NULL == r) { return NULL; }
    r->discovery = d;
    r->client = d->client;
    r->timeout_ns = timeout_ns;
    r->ask.request_id = tpi_ask_ids_next(&d->ids);
    r->length = (size_t)length;
    if (tpi_discovery_encode(d, filter, r->ask.request_id, r->message, r->length) != length ||
        tpi_command_create(&r->command, tpi_discovery_run_request, d->client, r) < 0)
    {
        tpi_discovery_free_request(r);
        return NULL;
    }
    return r;
}

/* Conductor: nobody wants the outcome any more. */
static void request_abandoned(tpi_command_t *command) { tpi_discovery_free_request(command->object); }

/* The client ends: what was given up is freed here, all else with its discovery client. */
static void request_closed(tpi_command_t *command)
{
    tp_discovery_request_t *r = command->object;
    if (!atomic_load(&r->cancelled)) { return; }
    (void)tpi_discovery_run_request(command, 0);           /* unlinks it */
    tpi_discovery_free_request(r);
}

int tp_discovery_request(tp_discovery_request_t **request, tp_discovery_client_t *discovery, const tp_discovery_filter_t *filter, int64_t timeout_ns)
{
    static const tp_discovery_filter_t everything = TP_DISCOVERY_FILTER_INIT;
    if (NULL == request || NULL == discovery || timeout_ns <= 0)
    {
        TPI_SET_ERR(TP_EINVAL, "request or discovery is NULL, or timeout_ns = %" PRId64 ", allowed: above 0", timeout_ns);
        return -1;
    }
    if (NULL != filter && check_filter(filter) < 0) { return -1; }
    if (TP_DISCOVERY_REQUESTS_MAX == discovery->handle_count)
    {
        TPI_SET_ERR(TP_EFULL, "%d requests are under way already", TP_DISCOVERY_REQUESTS_MAX);
        return -1;
    }
    tp_discovery_request_t *r = create_request(discovery, NULL == filter ? &everything : filter, timeout_ns);
    if (NULL == r) { return -1; }
    r->command->on_abandoned = request_abandoned;
    r->command->on_closed = request_closed;
    if (tpi_client_enqueue(discovery->client, r->command) < 0)
    {
        tpi_command_delete(r->command);
        tpi_discovery_free_request(r);
        return -1;
    }
    tpi_stat_add(&discovery->accepted, 1);
    discovery->handles[discovery->handle_count++] = r;
    *request = r;
    return 0;
}

static void drop_handle(tp_discovery_request_t *r)
{
    tp_discovery_client_t *d = r->discovery;
    for (size_t i = 0; NULL != d && i < d->handle_count; i++)
    {
        if (r != d->handles[i]) { continue; }
        d->handle_count--;
        for (; i < d->handle_count; i++) { d->handles[i] = d->handles[i + 1]; }
        return;
    }
}

/* The command has ended: 1 and *response, or -1 and the error of this thread. The request is gone. */
static int take_outcome(tp_discovery_request_t *r, int ended, tp_discovery_response_t **response)
{
    drop_handle(r);
    tpi_command_delete(r->command);
    if (ended > 0 && NULL != r->response)
    {
        *response = r->response;
        r->response = NULL;
        tpi_discovery_free_request(r);
        return 1;
    }
    if (ended > 0) { tpi_err_restore(&r->err); }
    tpi_discovery_free_request(r);
    return -1;
}

int tp_discovery_poll(tp_discovery_request_t *request, int64_t wait_ns, tp_discovery_response_t **response)
{
    tpi_idle_t idle;
    if (NULL == request || NULL == response || wait_ns < 0)
    {
        TPI_SET_ERR(TP_EINVAL, "request or response is NULL, or wait_ns is negative");
        return -1;
    }
    const int64_t deadline_ns = tpi_clock_add_ns(tpi_clock_monotonic_ns(), wait_ns);
    tpi_idle_init(&idle, TPI_IDLE_BACKOFF, 20 * TPI_NS_PER_US, TPI_NS_PER_MS);
    for (;;)
    {
        const int ended = tpi_command_poll(request->command);
        if (0 != ended) { return take_outcome(request, ended, response); }
        if (0 == wait_ns || tpi_clock_monotonic_ns() > deadline_ns) { return 0; }
        if (tpi_client_wait_step(request->client, &idle) < 0) { return 0; }
    }
}

void tp_discovery_cancel(tp_discovery_request_t *request)
{
    if (NULL == request) { return; }
    drop_handle(request);
    tpi_command_t *command = request->command;
    atomic_store(&request->cancelled, true);
    if (tpi_command_abandon(command)) { return; }          /* the conductor frees both */
    tpi_command_delete(command);
    tpi_discovery_free_request(request);
}

int tp_discovery_poller_poll(tp_discovery_client_t *discovery, tp_discovery_handler_t handler, void *clientd, int limit)
{
    int count = 0;
    if (NULL == discovery || NULL == handler || limit <= 0)
    {
        TPI_SET_ERR(TP_EINVAL, "discovery or handler is NULL, or limit is below 1");
        return -1;
    }
    for (size_t i = 0; i < discovery->handle_count && count < limit;)
    {
        tp_discovery_request_t *r = discovery->handles[i];
        tp_discovery_response_t *response = NULL;
        const int rc = tp_discovery_poll(r, 0, &response);
        if (0 == rc)
        {
            i++;
            continue;
        }
        count++;                                           /* the handle is a name only from here on */
        handler(clientd, r, rc > 0 ? TP_OK : tp_errcode(), rc > 0 ? "" : tp_errmsg(), response);
    }
    return count;
}

int tp_discovery_find(tp_discovery_client_t *discovery, const tp_discovery_filter_t *filter, int64_t timeout_ns, tp_discovery_response_t **response)
{
    tp_discovery_request_t *request = NULL;
    tpi_idle_t idle;
    int rc = 0;
    if (NULL == response) { TPI_SET_ERR(TP_EINVAL, "response is NULL"); return -1; }
    if (tp_discovery_request(&request, discovery, filter, timeout_ns) < 0) { return -1; }
    tp_client_t *client = discovery->client;
    tpi_idle_init(&idle, TPI_IDLE_BACKOFF, 20 * TPI_NS_PER_US, TPI_NS_PER_MS);
    while (0 == (rc = tp_discovery_poll(request, 0, response)))
    {
        if (tpi_client_wait_step(client, &idle) < 0)
        {
            tp_discovery_cancel(request);
            return -1;
        }
    }
    return rc < 0 ? -1 : 0;
}

/* ---- responses ---------------------------------------------------------------------------------------------------------- */

uint32_t tp_discovery_response_count(const tp_discovery_response_t *response) { return NULL == response ? 0 : response->count; }
uint32_t tp_discovery_response_refused(const tp_discovery_response_t *response) { return NULL == response ? 0 : response->refused; }
uint64_t tp_discovery_response_request_id(const tp_discovery_response_t *response) { return NULL == response ? 0 : response->request_id; }
int tp_discovery_response_status(const tp_discovery_response_t *response) { return NULL == response ? 0 : response->status; }
void tp_discovery_response_free(tp_discovery_response_t *response) { tpi_result_list_delete(response); }

int tp_discovery_response_at(const tp_discovery_response_t *response, uint32_t index, tp_discovery_result_t *result)
{
    if (NULL == response || NULL == result || index >= response->count)
    {
        TPI_SET_ERR(TP_EINVAL, "response or result is NULL, or index = %" PRIu32 " of %" PRIu32, index, tp_discovery_response_count(response));
        return -1;
    }
    *result = response->results[index];
    return 0;
}
