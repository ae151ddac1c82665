/*
 * From a name to a stream and its driver: the discovery provider, then the counters of the drivers on this media driver. What is found is advice; the
 * driver decides when the stream is attached to.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/authority.h"
#include "client/consumer_state.h"
#include "client/discovery_state.h"
#include "client/inspect.h"
#include "common/alloc.h"
#include "common/clock.h"
#include "common/err.h"

#define ASK_NS TPI_NS_PER_S                     /* open_named */
#define MEET_NS (500 * TPI_NS_PER_MS)           /* a provider elsewhere is met within that time */
#define MEET_IPC_NS (50 * TPI_NS_PER_MS)        /* one on this media driver */
#define CALL_TIMEOUT_NS (10 * TPI_NS_PER_S)

static void put(char *to, size_t size, const char *from)
{
    size_t n = 0;
    for (; n + 1 < size && '\0' != from[n]; n++) { to[n] = from[n]; }
    to[n] = '\0';
}

/* ---- responses ---------------------------------------------------------------------------------------------------------- */

int tp_discovery_result_ref(const tp_discovery_result_t *result, tp_stream_ref_t *stream)
{
    if (NULL == result || NULL == stream || result->size < sizeof(*result) || result->driver_control_stream_id <= 0 ||
        NULL == result->driver_control_channel || '\0' == result->driver_control_channel[0])
    {
        TPI_SET_ERR(TP_EINVAL, "result or stream is NULL, or the result names no driver");
        return -1;
    }
    *stream = (tp_stream_ref_t){ .size = sizeof(*stream), .stream_id = result->stream_id, .epoch = result->epoch, .origin = TP_STREAM_BY_DISCOVERY,
        .control_stream_id = result->driver_control_stream_id };                              /* one unit */
    put(stream->control_channel, sizeof(stream->control_channel), result->driver_control_channel);
    put(stream->driver_instance, sizeof(stream->driver_instance), NULL == result->driver_instance ? "" : result->driver_instance);
    put(stream->name, sizeof(stream->name), NULL == result->name ? "" : result->name);
    return 0;
}

/* TPI_CHOICE_*, or -1. Sets the error but for ONE. */
static int choose_result(const tp_discovery_response_t *response, const char *name, size_t *index)
{
    tpi_candidate_t *candidates = tpi_alloc_array((size_t)response->count + 1, sizeof(*candidates));
    if (NULL == candidates) { return -1; }
    for (uint32_t i = 0; i < response->count; i++)
    {
        const tp_discovery_result_t *r = &response->results[i];
        candidates[i] = (tpi_candidate_t){ .stream_id = r->stream_id, .name = r->name, .instance = r->driver_instance };
    }
    const tpi_choice_t choice = tpi_choose(candidates, response->count, name, index);
    if (TPI_CHOICE_ONE != choice) { tpi_choose_error(candidates, response->count, name, choice); }
    tpi_free(candidates);
    return (int)choice;
}

int tp_discovery_response_select(const tp_discovery_response_t *response, const char *name, tp_stream_ref_t *stream)
{
    size_t index = 0;
    if (NULL == response || NULL == stream) { TPI_SET_ERR(TP_EINVAL, "response or stream is NULL"); return -1; }
    if (TPI_CHOICE_ONE != choose_result(response, name, &index)) { return -1; }
    return tp_discovery_result_ref(&response->results[index], stream);
}

/* ---- the provider ------------------------------------------------------------------------------------------------------- */

/* Whether somebody takes requests there. */
static bool is_met(tp_discovery_client_t *d, int64_t timeout_ns)
{
    tpi_idle_t idle;
    const int64_t patience_ns = 0 == strncmp(d->request.channel, "aeron:ipc", 9) ? MEET_IPC_NS : MEET_NS;
    const int64_t deadline_ns = tpi_clock_add_ns(tpi_clock_monotonic_ns(), timeout_ns < patience_ns ? timeout_ns : patience_ns);
    tpi_idle_init(&idle, TPI_IDLE_BACKOFF, 20 * TPI_NS_PER_US, TPI_NS_PER_MS);
    while (!atomic_load_explicit(&d->connected, memory_order_relaxed))
    {
        if (tpi_clock_monotonic_ns() > deadline_ns || tpi_client_wait_step(d->client, &idle) < 0) { return false; }
    }
    return true;
}

/* What to ask for: the name as it stands, or the part before the last '@'. False when there is no such reading. */
static bool filter_for(tp_discovery_filter_t *filter, const char *wanted, bool split, char *part, size_t size)
{
    const tp_discovery_filter_t any = TP_DISCOVERY_FILTER_INIT;
    const char *const at = strrchr(wanted, '@');
    const size_t length = split && NULL != at ? (size_t)(at - wanted) : strlen(wanted);
    *filter = any;
    if ((split && NULL == at) || 0 == length || length >= size) { return false; }
    memcpy(part, wanted, length);
    part[length] = '\0';
    if (split && tpi_stream_id_of(part, &filter->stream_id)) { return true; }
    filter->name = part;
    return true;
}

/* TPI_CHOICE_ONE and *stream, TPI_CHOICE_SEVERAL with the error, TPI_CHOICE_NONE: nobody answers, or knows it. */
static tpi_choice_t ask_provider(tp_discovery_client_t *d, const char *wanted, int64_t timeout_ns, tp_stream_ref_t *stream)
{
    tpi_choice_t choice = TPI_CHOICE_NONE;
    for (int split = 0; split < 2 && TPI_CHOICE_NONE == choice; split++)
    {
        char part[TP_DISCOVERY_NAME_MAX + 1];
        tp_discovery_filter_t filter;
        tp_discovery_response_t *response = NULL;
        size_t index = 0;
        if (!filter_for(&filter, wanted, 0 != split, part, sizeof(part))) { continue; }
        if (tp_discovery_find(d, &filter, timeout_ns, &response) < 0) { return TPI_CHOICE_NONE; }
        const int found = choose_result(response, wanted, &index);
        choice = found < 0 ? TPI_CHOICE_NONE : (tpi_choice_t)found;
        if (TPI_CHOICE_ONE == choice) { (void)tp_discovery_result_ref(&response->results[index], stream); }
        tp_discovery_response_free(response);
    }
    return choice;
}

static tpi_choice_t by_discovery(tp_client_t *client, const char *wanted, int64_t timeout_ns, tp_stream_ref_t *stream)
{
    tp_discovery_client_t *d = NULL;
    tpi_choice_t choice = TPI_CHOICE_NONE;
    if (timeout_ns <= 0 || tp_discovery_client_init(&d, client, NULL) < 0) { return TPI_CHOICE_NONE; }
    if (is_met(d, timeout_ns)) { choice = ask_provider(d, wanted, timeout_ns, stream); }
    tpi_err_t err;
    tpi_err_save(&err);
    tp_discovery_client_close(d);
    tpi_err_restore(&err);
    return choice;
}

/* ---- counters ----------------------------------------------------------------------------------------------------------- */

typedef struct look
{
    tp_client_t *client;
    tpi_streams_t streams;
    char own_instance[128];            /* "" = this client has no endpoint file */
    int outcome;
    tpi_err_t err;
}
look_t;

static int of_bus(void *source, tpi_on_counter_t handler, void *clientd) { return tpi_bus_counters(source, handler, clientd); }

static int run_look(tpi_command_t *command, int64_t now_ns)
{
    look_t *look = command->object;
    tp_client_t *c = look->client;
    (void)now_ns;
    if (c->has_endpoint) { put(look->own_instance, sizeof(look->own_instance), c->endpoint.instance_id); }
    if (NULL == c->connection || !c->connection->ready)
    {
        TPI_SET_ERR(TP_EMEDIADRIVER, "the media driver is not there");
        look->outcome = -1;
    }
    else { look->outcome = tpi_streams_read(&look->streams, of_bus, c->connection->bus); }
    if (look->outcome < 0) { tpi_err_save(&look->err); }
    return 1;
}

static void free_look(void *object)
{
    look_t *look = object;
    tpi_free(look->streams.streams);
    tpi_free(look);
}

static void look_ends(tpi_command_t *command) { free_look(command->object); }

typedef struct search { const char *instance; tp_stream_ref_t *stream; bool found; } search_t;

static void on_endpoint(void *clientd, const tpi_endpoint_t *endpoint, bool alive)
{
    search_t *search = clientd;
    if (!alive || 0 != strcmp(endpoint->instance_id, search->instance)) { return; }
    put(search->stream->control_channel, sizeof(search->stream->control_channel), endpoint->control_channel);
    search->stream->control_stream_id = endpoint->control_stream_id;
    search->found = true;
}

/* own: instance of the driver that the client is connected to; "" = none is known. */
static int take_row(const char *own, const tpi_stream_row_t *row, tp_stream_ref_t *stream)
{
    tp_stream_ref_t of_row = { .size = sizeof(of_row), .stream_id = row->stream_id, .epoch = row->epoch, .origin = TP_STREAM_BY_COUNTERS };
    put(of_row.driver_instance, sizeof(of_row.driver_instance), row->instance);
    put(of_row.name, sizeof(of_row.name), row->name);
    search_t search = { .instance = row->instance, .stream = &of_row };
    if (0 != strcmp(own, row->instance))
    {
        (void)tpi_endpoint_foreach(on_endpoint, &search);
        if ('\0' != own[0] && !search.found)                                 /* the own driver decides about its own streams only */
        {
            TPI_SET_ERR(TP_ENODRIVER, "stream %" PRIu32 " is one of driver %.128s, which has no endpoint file of a living driver",
                row->stream_id, row->instance);
            return -1;
        }
    }
    *stream = of_row;
    return 0;
}

static int by_counters(tp_client_t *client, const char *wanted, tp_stream_ref_t *stream)
{
    tpi_command_t *command = NULL;
    size_t index = 0;
    look_t *look = tpi_alloc(sizeof(*look));
    if (NULL == look) { return -1; }
    look->client = client;
    if (tpi_command_create(&command, run_look, client, look) < 0)
    {
        free_look(look);
        return -1;
    }
    command->on_abandoned = look_ends;
    command->on_closed = look_ends;
    const int rc = tpi_client_call(client, command, CALL_TIMEOUT_NS);
    if (0 != rc)
    {
        if (TPI_CALL_NOT_SENT == rc) { free_look(look); }                  /* else the conductor's */
        return -1;
    }
    int outcome = look->outcome;
    if (outcome < 0) { tpi_err_restore(&look->err); }
    else { outcome = tpi_streams_choose(&look->streams, wanted, &index); }
    if (0 == outcome) { outcome = take_row(look->own_instance, &look->streams.streams[index], stream); }
    free_look(look);
    return outcome;
}

/* ---- calls -------------------------------------------------------------------------------------------------------------- */

int tp_stream_find(tp_client_t *client, const char *name, int64_t timeout_ns, tp_stream_ref_t *stream)
{
    tp_stream_ref_t found = { .size = sizeof(found) };
    if (NULL == client || NULL == name || NULL == stream || '\0' == name[0] || timeout_ns < 0)
    {
        TPI_SET_ERR(TP_EINVAL, "client, name or stream is NULL, name is empty, or timeout_ns is negative");
        return -1;
    }
    if (tpi_stream_id_of(name, &found.stream_id))
    {
        *stream = found;
        return 0;
    }
    switch (by_discovery(client, name, timeout_ns, &found))                /* nothing that was found before is used again */
    {
        case TPI_CHOICE_SEVERAL: return -1;
        case TPI_CHOICE_ONE: break;
        case TPI_CHOICE_NONE:
            if (by_counters(client, name, &found) < 0) { return -1; }
            break;
    }
    *stream = found;
    return 0;
}

int tp_consumer_init_ref(tp_consumer_t **consumer, tp_client_t *client, const tp_stream_ref_t *stream, const tp_consumer_context_t *context)
{
    tp_consumer_context_t *usual = NULL;
    tp_client_t *at = NULL;
    if (NULL == consumer || NULL == client || NULL == stream || stream->size < sizeof(*stream))
    {
        TPI_SET_ERR(TP_EINVAL, "consumer, client or stream is NULL, or stream comes from nowhere");
        return -1;
    }
    if (tpi_client_at(client, stream, &at) < 0 || tp_consumer_context_init(&usual) < 0) { return -1; }
    if (NULL != context) { *usual = *context; }
    usual->stream_id = stream->stream_id;                  /* nothing but the stream and its driver */
    const int rc = tp_consumer_init(consumer, at, usual);                  /* X-001 X-002 X-006 X-007 X-008 X-009 X-054 X-055 X-083 */
    tp_consumer_context_close(usual);
    return rc;
}

int tp_producer_init_ref(tp_producer_t **producer, tp_client_t *client, const tp_stream_ref_t *stream, const tp_producer_context_t *context)
{
    tp_producer_context_t *copy = NULL;
    tp_client_t *at = NULL;
    if (NULL == producer || NULL == client || NULL == stream || stream->size < sizeof(*stream))
    {
        TPI_SET_ERR(TP_EINVAL, "producer, client or stream is NULL, or stream comes from nowhere");
        return -1;
    }
    if (tpi_client_at(client, stream, &at) < 0 || tpi_producer_context_for(&copy, context, stream->stream_id) < 0) { return -1; }
    const int rc = tp_producer_init(producer, at, copy);
    tp_producer_context_close(copy);
    return rc;
}

int tp_consumer_open_named(tp_consumer_t **consumer, tp_client_t *client, const char *name)
{
    tp_stream_ref_t stream;
    if (tp_stream_find(client, name, ASK_NS, &stream) < 0) { return -1; }
    return tp_consumer_init_ref(consumer, client, &stream, NULL);
}

int tp_producer_open_named(tp_producer_t **producer, tp_client_t *client, const char *name)
{
    tp_stream_ref_t stream;
    if (tp_stream_find(client, name, ASK_NS, &stream) < 0) { return -1; }
    return tp_producer_init_ref(producer, client, &stream, NULL);
}

int tp_counters_stream_find(tp_counters_t *counters, const char *name, tp_stream_ref_t *stream)
{
    tpi_streams_t table;
    size_t index = 0;
    tp_stream_ref_t bare = { .size = sizeof(bare) };
    if (NULL == counters || NULL == name || NULL == stream) { TPI_SET_ERR(TP_EINVAL, "an argument is NULL"); return -1; }
    if (tpi_streams_of(&table, counters) < 0) { return -1; }
    int rc = tpi_streams_choose(&table, name, &index);
    if (0 == rc) { rc = take_row("", &table.streams[index], stream); }
    else if (TP_ENOENT == tp_errcode() && tpi_stream_id_of(name, &bare.stream_id))
    {
        *stream = bare;
        rc = 0;
    }
    tpi_free(table.streams);
    return rc;
}
