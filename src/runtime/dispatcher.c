/*
 * Owns the table {schema, template} -> listeners of one subscription. Used by the thread that polls that subscription. Removal inside a
 * handler marks the entry; the table is compacted when no dispatch is running.
 */
#include "runtime/dispatcher.h"

#include <string.h>

#include "common/alloc.h"
#include "common/err.h"

typedef struct entry
{
    tpi_route_t route;
    void *clientd;
    bool removed;
}
entry_t;

struct tpi_dispatcher
{
    entry_t entries[TPI_DISPATCHER_LISTENERS_MAX];
    size_t count;
    int depth;
    bool dirty;
    tpi_route_handler_t on_newer;
    void *newer_clientd;
    int64_t now_ns;
    tpi_dispatcher_counts_t counts;
};

int tpi_dispatcher_create(tpi_dispatcher_t **dispatcher)
{
    tpi_dispatcher_t *d = tpi_alloc(sizeof(*d));
    if (NULL == d) { return -1; }
    *dispatcher = d;
    return 0;
}

int tpi_dispatcher_add(tpi_dispatcher_t *dispatcher, const tpi_route_t *routes, size_t count, void *clientd)
{
    if (count > TPI_DISPATCHER_LISTENERS_MAX - dispatcher->count)
    {
        TPI_SET_ERR(TP_EFULL, "dispatcher holds %zu routes, %zu more exceed %d", dispatcher->count, count, TPI_DISPATCHER_LISTENERS_MAX);
        return -1;
    }
    for (size_t i = 0; i < count; i++)
    {
        dispatcher->entries[dispatcher->count++] = (entry_t){ .route = routes[i], .clientd = clientd };
    }
    return 0;
}

static void compact(tpi_dispatcher_t *dispatcher)
{
    size_t kept = 0;
    for (size_t i = 0; i < dispatcher->count; i++)
    {
        if (!dispatcher->entries[i].removed) { dispatcher->entries[kept++] = dispatcher->entries[i]; }
    }
    dispatcher->count = kept;
    dispatcher->dirty = false;
}

void tpi_dispatcher_remove(tpi_dispatcher_t *dispatcher, void *clientd)
{
    for (size_t i = 0; i < dispatcher->count; i++)
    {
        if (clientd == dispatcher->entries[i].clientd)
        {
            dispatcher->entries[i].removed = true;
            dispatcher->dirty = true;
        }
    }
    if (0 == dispatcher->depth && dispatcher->dirty) { compact(dispatcher); }
}

void tpi_dispatcher_set_newer_version_handler(tpi_dispatcher_t *dispatcher, tpi_route_handler_t handler, void *clientd)
{
    dispatcher->on_newer = handler;
    dispatcher->newer_clientd = clientd;
}

/* A message with a newer version counts only when its schema is one we listen to. */
static void newer_version(tpi_dispatcher_t *dispatcher, const tpi_message_t *message, const tpc_header_t *header, int64_t now_ns)
{
    bool ours = false;
    for (size_t i = 0; i < dispatcher->count; i++)
    {
        if (dispatcher->entries[i].route.schema_id == header->schema_id) { ours = true; }
    }
    if (NULL != dispatcher->on_newer && ours) { dispatcher->on_newer(dispatcher->newer_clientd, message, now_ns); }
    if (ours) { dispatcher->counts.newer_version++; }
    else { dispatcher->counts.unknown++; }
}

void tpi_dispatcher_dispatch(tpi_dispatcher_t *dispatcher, const tpi_message_t *message, int64_t now_ns)
{
    tpc_header_t header;
    if (TPC_OK != tpc_header_decode(&header, message->data, message->length))              /* P10 */
    {
        dispatcher->counts.malformed++;
        return;
    }
    dispatcher->depth++;
    if (header.version > TPC_SCHEMA_VERSION) { newer_version(dispatcher, message, &header, now_ns); }   /* O-38 D-083 */
    else
    {
        const size_t count = dispatcher->count;           /* a listener added by a handler gets the next message */
        bool known = false;
        bool malformed = false;
        for (size_t i = 0; i < count; i++)
        {
            const entry_t *entry = &dispatcher->entries[i];
            /* D-084 */
            if (entry->removed || entry->route.schema_id != header.schema_id || entry->route.template_id != header.template_id) { continue; }
            known = true;
            if (header.block_length < entry->route.min_block || message->length < (size_t)TPC_HEADER_BYTES + header.block_length)
            {
                malformed = true;
                continue;
            }
            entry->route.handler(entry->clientd, message, now_ns);
        }
        if (!known) { dispatcher->counts.unknown++; }
        else if (malformed) { dispatcher->counts.malformed++; }
        else { dispatcher->counts.dispatched++; }
    }
    dispatcher->depth--;
    if (0 == dispatcher->depth && dispatcher->dirty) { compact(dispatcher); }
}

static void on_message(void *clientd, const tpi_message_t *message)
{
    tpi_dispatcher_t *dispatcher = clientd;
    tpi_dispatcher_dispatch(dispatcher, message, dispatcher->now_ns);
}

int tpi_dispatcher_poll(tpi_dispatcher_t *dispatcher, tpi_subscription_t *subscription, int limit, int64_t now_ns)
{
    dispatcher->now_ns = now_ns;
    return tpi_subscription_poll(subscription, on_message, dispatcher, limit);
}

void tpi_dispatcher_malformed(tpi_dispatcher_t *dispatcher) { dispatcher->counts.malformed++; }
const tpi_dispatcher_counts_t *tpi_dispatcher_counts(const tpi_dispatcher_t *dispatcher) { return &dispatcher->counts; }
void tpi_dispatcher_delete(tpi_dispatcher_t *dispatcher) { tpi_free(dispatcher); }
