/* Looking without asking: endpoint files and counters, of the living and the dead. Owns only what tp_counters_open returns. Any thread. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus/bus.h"
#include "client/context.h"
#include "client/inspect.h"
#include "common/alloc.h"
#include "common/clock.h"
#include "common/err.h"
#include "protocol/discovery_choice.h"
#include "runtime/endpoint.h"
#include "runtime/tp_counters.h"

#include <tensor_pool/client/tp_inspect.h>

/* ---- endpoints ---------------------------------------------------------------------------------------------------------- */

typedef struct listing
{
    tp_endpoint_handler_t handler;
    void *clientd;
}
listing_t;

static void on_endpoint(void *clientd, const tpi_endpoint_t *endpoint, bool alive)
{
    const listing_t *listing = clientd;
    const tp_endpoint_t out = { .size = sizeof(out), .pid = (int32_t)endpoint->pid, .alive = alive, .file = endpoint->file,
        .instance_id = endpoint->instance_id, .aeron_dir = endpoint->aeron_dir, .control_channel = endpoint->control_channel,
        .control_stream_id = endpoint->control_stream_id, .announce_stream_id = endpoint->announce_stream_id,
        .announce_channel = endpoint->announce_channel, .shm_base_dir = endpoint->shm_base_dir, .shm_namespace = endpoint->shm_namespace,
        .socket_path = endpoint->socket_path, .start_ns = endpoint->start_ns };
    listing->handler(listing->clientd, &out);
}

int tp_endpoint_list(tp_endpoint_handler_t handler, void *clientd)
{
    if (NULL == handler) { TPI_SET_ERR(TP_EINVAL, "handler is NULL"); return -1; }
    listing_t listing = { .handler = handler, .clientd = clientd };
    return tpi_endpoint_foreach(on_endpoint, &listing);
}

/* ---- counters ----------------------------------------------------------------------------------------------------------- */

struct tp_counters
{
    tpi_counters_reader_t *reader;
};

int tp_counters_open(tp_counters_t **counters, const char *aeron_dir)
{
    if (NULL == counters) { TPI_SET_ERR(TP_EINVAL, "counters is NULL"); return -1; }
    char dir[TPI_CHANNEL_MAX];
    (void)snprintf(dir, sizeof(dir), "%s", NULL == aeron_dir ? "" : aeron_dir);
    if ('\0' == dir[0])
    {
        tp_context_t *context = NULL;
        if (tp_context_init(&context) < 0) { return -1; }
        (void)snprintf(dir, sizeof(dir), "%s", tp_context_get_aeron_dir(context));
        tp_context_close(context);
    }
    tp_counters_t *c = tpi_alloc(sizeof(*c));
    if (NULL == c) { return -1; }
    if (tpi_counters_reader_open(&c->reader, dir) < 0)
    {
        tpi_free(c);
        return -1;
    }
    *counters = c;
    return 0;
}

void tp_counters_close(tp_counters_t *counters)
{
    if (NULL == counters) { return; }
    tpi_counters_reader_close(counters->reader);
    tpi_free(counters);
}

typedef struct walk
{
    tp_counter_handler_t handler;
    void *clientd;
}
walk_t;

static void on_counter(void *clientd, const tpi_counter_view_t *view)
{
    const walk_t *walk = clientd;
    const tp_counter_t out = { .size = sizeof(out), .id = view->id, .type_id = view->type_id, .key_bytes = (uint32_t)view->key_length,
        .value = view->value, .registration_id = view->registration_id, .owner_id = view->owner_id, .key = view->key, .label = view->label };
    walk->handler(walk->clientd, &out);
}

int tp_counters_foreach(tp_counters_t *counters, tp_counter_handler_t handler, void *clientd)
{
    if (NULL == counters || NULL == handler) { TPI_SET_ERR(TP_EINVAL, "counters or handler is NULL"); return -1; }
    walk_t walk = { .handler = handler, .clientd = clientd };
    return tpi_counters_reader_foreach(counters->reader, on_counter, &walk);
}

typedef struct error_walk
{
    tp_bus_error_handler_t handler;
    void *clientd;
}
error_walk_t;

static void on_bus_error(void *clientd, const tpi_bus_error_view_t *view)
{
    const error_walk_t *walk = clientd;
    const tp_bus_error_t out = { .size = sizeof(out), .observations = view->observations < 0 ? 0 : (uint32_t)view->observations,
        .first_ms = view->first_ms, .last_ms = view->last_ms, .text = view->text };
    walk->handler(walk->clientd, &out);
}

int tp_counters_errors(tp_counters_t *counters, tp_bus_error_handler_t handler, void *clientd)
{
    if (NULL == counters || NULL == handler) { TPI_SET_ERR(TP_EINVAL, "counters or handler is NULL"); return -1; }
    error_walk_t walk = { .handler = handler, .clientd = clientd };
    return tpi_counters_reader_errors(counters->reader, on_bus_error, &walk);
}

int64_t tp_counters_heartbeat_age_ms(const tp_counters_t *counters)
{
    if (NULL == counters) { TPI_SET_ERR(TP_EINVAL, "counters is NULL"); return -1; }
    const int64_t age_ms = tpi_clock_realtime_ns() / TPI_NS_PER_MS - tpi_counters_reader_heartbeat_ms(counters->reader);
    return age_ms < 0 ? 0 : age_ms;
}

int64_t tp_counters_pid(const tp_counters_t *counters)
{
    if (NULL == counters) { TPI_SET_ERR(TP_EINVAL, "counters is NULL"); return -1; }
    return tpi_counters_reader_pid(counters->reader);
}

/* ---- streams ------------------------------------------------------------------------------------------------------------ */

static uint64_t label_number(const char *label, const char *key)
{
    char text[32];
    return tpi_label_get(label, key, text, sizeof(text)) ? strtoull(text, NULL, 10) : 0;
}

static void take_stream(void *clientd, const tpi_counter_view_t *view)
{
    tpi_streams_t *table = clientd;
    tpi_counter_key_stream_t key;
    if (TPI_COUNTER_STREAM != view->type_id || tpi_counter_key_stream_get(&key, view->key, view->key_length) < 0) { return; }
    if (table->count == table->capacity)
    {
        const size_t larger = 0 == table->capacity ? 32 : 2 * table->capacity;
        tpi_stream_row_t *grown = larger > TPI_STREAMS_MAX ? NULL : tpi_alloc_array(larger, sizeof(*grown));
        if (NULL == grown)
        {
            table->failed = true;
            return;
        }
        if (0 != table->count) { memcpy(grown, table->streams, table->count * sizeof(*grown)); }
        tpi_free(table->streams);
        table->streams = grown;
        table->capacity = larger;
    }
    tpi_stream_row_t *s = &table->streams[table->count++];
    char dir[TPI_ENDPOINT_TEXT_MAX - 32];
    *s = (tpi_stream_row_t){ .token = key.token, .stream_id = key.stream_id, .epoch = (uint64_t)view->value,
        .nslots = (uint32_t)label_number(view->label, "nslots"), .pools = (uint32_t)label_number(view->label, "pools"),
        .max_stride = label_number(view->label, "max_stride") };
    (void)tpi_label_get(view->label, "name", s->name, sizeof(s->name));
    if (0 != s->epoch && tpi_label_get(view->label, "dir", dir, sizeof(dir)))
    {
        (void)snprintf(s->directory, sizeof(s->directory), "%s/%" PRIu64, dir, s->epoch);
    }
}

static void take_lease(tpi_streams_t *table, const tpi_counter_view_t *view)
{
    tpi_counter_key_lease_t key;
    if (tpi_counter_key_lease_get(&key, view->key, view->key_length) < 0 || 0 == view->value) { return; }
    for (size_t i = 0; i < table->count; i++)
    {
        tpi_stream_row_t *s = &table->streams[i];
        if (s->token != key.token || s->stream_id != key.stream_id) { continue; }
        if (TP_ROLE_PRODUCER == key.role) { s->producer = key.client_id; }
        else { s->consumers++; }
    }
}

static void take_rest(void *clientd, const tpi_counter_view_t *view)
{
    tpi_streams_t *table = clientd;
    tpi_counter_key_driver_t key;
    if (TPI_COUNTER_LEASE == view->type_id) { take_lease(table, view); }
    if (TPI_COUNTER_DRIVER != view->type_id || tpi_counter_key_driver_get(&key, view->key, view->key_length) < 0) { return; }
    for (size_t i = 0; i < table->count; i++)
    {
        if (table->streams[i].token == key.token)
        {
            (void)tpi_label_get(view->label, "instance", table->streams[i].instance, sizeof(table->streams[i].instance));
        }
    }
}

int tpi_streams_read(tpi_streams_t *table, tpi_counters_foreach_t foreach, void *source)
{
    memset(table, 0, sizeof(*table));
    const int n = foreach(source, take_stream, table);
    const int m = n < 0 ? -1 : foreach(source, take_rest, table);
    if (m >= 0 && !table->failed) { return 0; }
    if (table->failed) { TPI_SET_ERR(TP_EFULL, "more than %u streams, or out of memory", TPI_STREAMS_MAX); }
    tpi_free(table->streams);
    memset(table, 0, sizeof(*table));
    return -1;
}

static int of_reader(void *source, tpi_on_counter_t handler, void *clientd) { return tpi_counters_reader_foreach(source, handler, clientd); }

int tpi_streams_of(tpi_streams_t *table, const tp_counters_t *counters) { return tpi_streams_read(table, of_reader, counters->reader); }

int tpi_streams_choose(const tpi_streams_t *table, const char *wanted, size_t *index)
{
    tpi_candidate_t *candidates = tpi_alloc_array(table->count + 1, sizeof(*candidates));
    if (NULL == candidates) { return -1; }
    for (size_t i = 0; i < table->count; i++)
    {
        const tpi_stream_row_t *s = &table->streams[i];
        candidates[i] = (tpi_candidate_t){ .stream_id = s->stream_id, .name = s->name, .instance = s->instance };
    }
    const tpi_choice_t choice = tpi_choose(candidates, table->count, wanted, index);
    if (TPI_CHOICE_ONE != choice) { tpi_choose_error(candidates, table->count, wanted, choice); }
    tpi_free(candidates);
    return TPI_CHOICE_ONE == choice ? 0 : -1;
}

int tp_counters_streams(tp_counters_t *counters, tp_stream_handler_t handler, void *clientd)
{
    tpi_streams_t table;
    if (NULL == counters || NULL == handler) { TPI_SET_ERR(TP_EINVAL, "counters or handler is NULL"); return -1; }
    if (tpi_streams_of(&table, counters) < 0) { return -1; }
    for (size_t i = 0; i < table.count; i++)
    {
        const tpi_stream_row_t *s = &table.streams[i];
        const tp_stream_info_t out = { .size = sizeof(out), .stream_id = s->stream_id, .name = s->name, .driver_instance = s->instance,
            .epoch = s->epoch, .header_nslots = s->nslots, .producer_client_id = s->producer, .consumer_count = s->consumers,
            .pool_count = s->pools, .max_stride_bytes = s->max_stride, .directory = s->directory, .driver_token = s->token };
        handler(clientd, &out);
    }
    const int count = (int)table.count;
    tpi_free(table.streams);
    return count;
}

int tp_counters_stream_by_name(tp_counters_t *counters, const char *name_or_id, uint32_t *stream_id)
{
    tpi_streams_t table;
    if (NULL == counters || NULL == name_or_id || NULL == stream_id) { TPI_SET_ERR(TP_EINVAL, "an argument is NULL"); return -1; }
    if (tpi_stream_id_of(name_or_id, stream_id)) { return 0; }
    if (tpi_streams_of(&table, counters) < 0) { return -1; }
    size_t index = 0;
    const int rc = tpi_streams_choose(&table, name_or_id, &index);
    if (0 == rc) { *stream_id = table.streams[index].stream_id; }
    tpi_free(table.streams);
    return rc;
}
