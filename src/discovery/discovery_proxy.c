/*
 * Answers out. Each response endpoint has a queue of its own, so that one without subscriber delays nobody else; publications are opened and
 * closed here, outside of handlers, never waited for, and bounded in number. Invariants: `slots` counts the responders with a publication or one
 * being opened, `waiting` and `bytes` what lies in all queues; after a cycle a responder without publication has something to send.
 */
#include <inttypes.h>
#include <string.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "discovery/discovery_state.h"

#define COMPLAINTS_PER_S 10
#define RESPONSE_BYTES_MAX ((int64_t)16 << 20)         /* no publication takes more */

/* ---- queues ---------------------------------------------------------------------------------------------------------------- */

/* Whoever floods the request endpoint does not flood the log. */
static bool may_complain(tpi_provider_t *provider)
{
    if (provider->now.mono_ns - provider->complaints_since_ns >= TPI_NS_PER_S)
    {
        provider->complaints_since_ns = provider->now.mono_ns;
        provider->complaints = 0;
    }
    return provider->complaints++ < COMPLAINTS_PER_S;
}

static void remove_first(tpi_provider_t *provider, tpi_responder_t *responder)
{
    tpi_answer_t *const first = responder->queue;
    LL_DELETE(responder->queue, first);
    responder->queued--;
    provider->waiting--;
    provider->bytes -= first->length;
    tpi_free(first);
}

static void drop_all(tpi_provider_t *provider, tpi_responder_t *responder)
{
    while (NULL != responder->queue)
    {
        provider->stats.responses_dropped++;
        remove_first(provider, responder);
    }
}

static bool has_slot(const tpi_responder_t *responder) { return NULL != responder->async || NULL != responder->publication; }

static void close_slot(tpi_provider_t *provider, tpi_responder_t *responder)
{
    if (!has_slot(responder)) { return; }
    if (NULL != responder->async) { tpi_bus_async_cancel(responder->async); }
    tpi_publication_close(responder->publication);
    responder->async = NULL;
    responder->publication = NULL;
    provider->slots--;
}

static void forget(tpi_provider_t *provider, tpi_responder_t *responder)
{
    drop_all(provider, responder);
    close_slot(provider, responder);
    DL_DELETE(provider->responders, responder);
    provider->responder_count--;
    tpi_free(responder->channel);
    tpi_free(responder);
}

/* ---- taking in ------------------------------------------------------------------------------------------------------------- */

static tpi_responder_t *find(tpi_provider_t *provider, const tpc_discovery_request_t *request)
{
    tpi_responder_t *responder = NULL;
    DL_FOREACH(provider->responders, responder)
    {
        if (request->response_stream_id == responder->stream_id && tpc_bytes_equal(request->response_channel, responder->channel)) { break; }
    }
    return responder;
}

static tpi_responder_t *add(tpi_provider_t *provider, const tpc_discovery_request_t *request)
{
    if (provider->responder_count - provider->slots >= provider->options.responders_max) { return NULL; }        /* */
    tpi_responder_t *const responder = tpi_alloc(sizeof(*responder));
    if (NULL == responder) { return NULL; }
    responder->channel = tpi_strndup(request->response_channel.data, request->response_channel.length);      /* X-018 X-019 */
    responder->stream_id = request->response_stream_id;                                                      /* X-018 X-019 */
    if (NULL == responder->channel)
    {
        tpi_free(responder);
        return NULL;
    }
    DL_APPEND(provider->responders, responder);
    provider->responder_count++;
    return responder;
}

/* NULL: too long for any publication, cannot be encoded, or no memory. */
static tpi_answer_t *encode(const tpc_discovery_response_t *response)
{
    const int64_t length = tpc_discovery_response_length(response);
    if (length <= 0 || length > RESPONSE_BYTES_MAX) { return NULL; }
    tpi_answer_t *const answer = tpi_alloc(sizeof(*answer) + (size_t)length);                               /* O-14 */
    if (NULL == answer) { return NULL; }
    answer->length = (size_t)length;
    answer->request_id = response->request_id;
    if (tpc_discovery_response_encode(answer->data, answer->length, response) == length) { return answer; }
    tpi_free(answer);
    return NULL;
}

static tpi_answer_t *encode_failure(tpi_provider_t *provider, uint64_t request_id)
{
    tpc_discovery_response_t response;
    provider->stats.responses_too_long++;
    tpi_discovery_query_fail(provider->query, request_id, "the response is too long for its endpoint: ask with filters", &response);
    return encode(&response);
}

/* Whoever has got nothing rid of for the longest time makes room. */
static void make_room(tpi_provider_t *provider, size_t bytes)
{
    while (0 != provider->waiting && provider->bytes + bytes > provider->options.bytes_max)
    {
        tpi_responder_t *responder = NULL;
        tpi_responder_t *stalest = NULL;
        DL_FOREACH(provider->responders, responder)
        {
            if (NULL == responder->queue) { continue; }
            if (NULL == stalest || responder->queue->give_up_ns < stalest->queue->give_up_ns) { stalest = responder; }
        }
        drop_all(provider, stalest);
    }
}

void tpi_provider_respond(tpi_provider_t *provider, const tpc_discovery_request_t *request, const tpc_discovery_response_t *response)
{
    tpi_answer_t *answer = encode(response);
    if (NULL == answer) { answer = encode_failure(provider, request->request_id); }
    tpi_responder_t *responder = NULL == answer ? NULL : find(provider, request);
    if (NULL != answer && NULL == responder) { responder = add(provider, request); }
    if (NULL == responder || responder->queued >= provider->options.answers_max)                             /* */
    {
        provider->stats.responses_dropped++;
        tpi_free(answer);
        return;
    }
    make_room(provider, answer->length);
    answer->give_up_ns = provider->now.mono_ns + TPI_PROVIDER_PATIENCE_NS;
    responder->used_ns = provider->now.mono_ns;
    LL_APPEND(responder->queue, answer);
    responder->queued++;
    provider->waiting++;
    provider->bytes += answer->length;
}

/* ---- sending --------------------------------------------------------------------------------------------------------------- */

/* O-14: now that the publication is there its limit is known. False: the answer was dropped. */
static bool fit_first(tpi_provider_t *provider, tpi_responder_t *responder)
{
    tpi_answer_t *const first = responder->queue;
    const size_t max = tpi_publication_max_message(responder->publication);
    if (first->length <= max) { return true; }
    tpi_answer_t *const failure = encode_failure(provider, first->request_id);
    if (NULL == failure || failure->length > max)
    {
        tpi_free(failure);
        provider->stats.responses_dropped++;
        remove_first(provider, responder);
        return false;
    }
    failure->give_up_ns = first->give_up_ns;
    provider->bytes += failure->length;
    provider->waiting++;
    responder->queued++;
    remove_first(provider, responder);
    LL_PREPEND(responder->queue, failure);
    return true;
}

static void complain(tpi_provider_t *provider, const tpi_responder_t *responder, const char *why)
{
    if (!may_complain(provider)) { return; }
    TPI_LOG_WARN(TP_EBUS, "answers for stream id %" PRIu32 " on '%s' were dropped: %s", responder->stream_id, responder->channel, why);
}

/* False: the publication is broken. */
static bool send_queue(tpi_provider_t *provider, tpi_responder_t *responder, int *work)
{
    while (NULL != responder->queue)
    {
        if (!fit_first(provider, responder)) { continue; }
        tpi_answer_t *const first = responder->queue;
        const int64_t result = tpi_publication_send(responder->publication, first->data, first->length);
        if (result > 0)
        {
            provider->stats.responses_sent++;
            responder->progress_ns = provider->now.mono_ns;
            remove_first(provider, responder);
            (*work)++;
            continue;
        }
        if (!tpi_bus_may_take_later(result)) { complain(provider, responder, tp_result_name(result)); }
        if (!tpi_bus_may_take_later(result)) { return false; }
        if (!first->was_tried) { provider->stats.responses_queued++; }
        first->was_tried = true;
        return true;
    }
    return true;
}

/* Answers are in order of arrival, so those whose time is over come first. */
static void give_up(tpi_provider_t *provider, tpi_responder_t *responder)
{
    while (NULL != responder->queue && provider->now.mono_ns > responder->queue->give_up_ns)                 /* O-23 */
    {
        provider->stats.responses_dropped++;
        remove_first(provider, responder);
    }
}

/* ---- publications ---------------------------------------------------------------------------------------------------------- */

/* The one unused for longest; else the one that has taken nothing for longest, once it had its time. NULL: all deserve theirs. */
static tpi_responder_t *pick_victim(tpi_provider_t *provider)
{
    tpi_responder_t *unused = NULL;
    tpi_responder_t *stuck = NULL;
    tpi_responder_t *responder = NULL;
    DL_FOREACH(provider->responders, responder)
    {
        if (!has_slot(responder)) { continue; }
        if (NULL == responder->queue)
        {
            if (NULL == unused || responder->used_ns < unused->used_ns) { unused = responder; }
        }
        else if (provider->now.mono_ns - responder->progress_ns >= TPI_PROVIDER_GRACE_NS)
        {
            if (NULL == stuck || responder->progress_ns < stuck->progress_ns) { stuck = responder; }
        }
    }
    return NULL != unused ? unused : stuck;
}

static bool get_slot(tpi_provider_t *provider)
{
    if (provider->slots < provider->options.publications_max) { return true; }                               /* */
    tpi_responder_t *const victim = pick_victim(provider);
    if (NULL == victim) { return false; }
    provider->stats.publications_evicted++;
    forget(provider, victim);
    return true;
}

static void fail(tpi_provider_t *provider, tpi_responder_t *responder)
{
    provider->stats.publications_failed++;
    if (may_complain(provider)) { tpi_log_err(TP_LOG_WARN); }
    forget(provider, responder);
}

/* A publication for each that waits for one, first come first served. */
static int open_slots(tpi_provider_t *provider)
{
    int work = 0;
    tpi_responder_t *responder = provider->responders;
    while (NULL != responder)
    {
        tpi_responder_t *const after = responder->next;
        if (has_slot(responder) || NULL == responder->queue) { responder = after; continue; }
        if (!get_slot(provider)) { break; }
        work++;
        responder->progress_ns = provider->now.mono_ns;
        const int rc = tpi_bus_add_publication(provider->bus, &responder->async, responder->channel, (int32_t)responder->stream_id);
        if (0 == rc) { provider->slots++; }
        else { fail(provider, responder); }
        responder = 0 == rc ? responder->next : provider->responders;
    }
    return work;
}

/* One look at one endpoint; it may be gone afterwards. */
static int step(tpi_provider_t *provider, tpi_responder_t *responder)
{
    int work = 0;
    if (NULL != responder->async)
    {
        const int rc = tpi_bus_add_publication_poll(responder->async, &responder->publication);
        if (0 != rc) { responder->async = NULL; }
        if (rc < 0)
        {
            provider->slots--;
            fail(provider, responder);
            return 1;
        }
        if (rc > 0) { provider->stats.publications_opened++; }
    }
    if (NULL != responder->publication && !send_queue(provider, responder, &work))
    {
        provider->stats.publications_failed++;
        forget(provider, responder);
        return work + 1;
    }
    give_up(provider, responder);
    if (NULL != responder->queue) { return work; }
    if (!has_slot(responder)) { forget(provider, responder); }
    else if (provider->now.mono_ns - responder->used_ns > TPI_PROVIDER_IDLE_NS)
    {
        provider->stats.publications_idle++;
        forget(provider, responder);
    }
    return work;
}

int tpi_provider_proxy_work(tpi_provider_t *provider)
{
    int work = open_slots(provider);
    tpi_responder_t *responder = NULL;
    tpi_responder_t *after = NULL;
    DL_FOREACH_SAFE(provider->responders, responder, after) { work += step(provider, responder); }
    return work;
}

void tpi_provider_proxy_fini(tpi_provider_t *provider)
{
    while (NULL != provider->responders) { forget(provider, provider->responders); }
}
