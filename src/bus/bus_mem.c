/* Buses, additions and images of the in-memory bus. The network owns all objects; a bus closes what was added through it. */
#include "bus/bus_mem_net.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <utlist.h>

#include "bus/channel.h"
#include "common/alloc.h"
#include "common/clock.h"
#include "common/err.h"

/* ---- network --------------------------------------------------------------------------------------------------------------- */

int tpi_mem_network_create(tpi_mem_network_t **network)
{
    if (NULL == network) { TPI_SET_ERR(TP_EINVAL, "network = NULL"); return -1; }
    tpi_mem_network_t *const made = tpi_alloc(sizeof(*made));
    if (NULL == made) { return -1; }
    made->next_registration = 1;
    made->next_session = 1001;
    *network = made;
    return 0;
}

void tpi_mem_network_delete(tpi_mem_network_t *network)
{
    if (NULL == network) { return; }
    while (NULL != network->buses) { tpi_bus_close(&network->buses->base); }
    mem_stream_t *stream;
    mem_stream_t *next;
    LL_FOREACH_SAFE(network->streams, stream, next) { tpi_free(stream); }
    tpi_free(network);
}

mem_stream_t *tpi_mem_stream(tpi_mem_network_t *network, int32_t stream_id)
{
    mem_stream_t *stream;
    LL_SEARCH_SCALAR(network->streams, stream, stream_id, stream_id);
    if (NULL != stream) { return stream; }
    stream = tpi_alloc(sizeof(*stream));
    if (NULL == stream) { return NULL; }
    stream->stream_id = stream_id;
    stream->window = MEM_WINDOW_DEFAULT;
    LL_PREPEND(network->streams, stream);
    return stream;
}

int tpi_mem_network_fault(tpi_mem_network_t *network, int32_t stream_id, tpi_mem_fault_t fault, int count)
{
    if (NULL == network || count < 1) { TPI_SET_ERR(TP_EINVAL, "count = %d, at least 1", count); return -1; }
    mem_stream_t *const stream = tpi_mem_stream(network, stream_id);
    if (NULL == stream) { return -1; }
    if (MEM_FAULTS_MAX == stream->fault_count)
    {
        TPI_SET_ERR(TP_EFULL, "stream %" PRId32 " has %d faults queued", stream_id, MEM_FAULTS_MAX);
        return -1;
    }
    const size_t at = (stream->fault_first + stream->fault_count++) % MEM_FAULTS_MAX;
    stream->faults[at].fault = fault;
    stream->faults[at].count = count;
    return 0;
}

void tpi_mem_network_set_window(tpi_mem_network_t *network, int32_t stream_id, size_t messages)
{
    mem_stream_t *const stream = tpi_mem_stream(network, stream_id);
    if (NULL != stream) { stream->window = messages; }
}

void tpi_mem_network_tap(tpi_mem_network_t *network, int32_t stream_id, tpi_on_message_t handler, void *clientd)
{
    mem_stream_t *const stream = tpi_mem_stream(network, stream_id);
    if (NULL == stream) { return; }
    stream->tap = handler;
    stream->tap_clientd = clientd;
}

void tpi_mem_network_kill(tpi_mem_network_t *network) { network->killed = true; }

/* ---- images ---------------------------------------------------------------------------------------------------------------- */

static void delete_image(mem_image_t *image)
{
    if (NULL != image->pub) { DL_DELETE2(image->pub->images, image, pub_prev, pub_next); }
    DL_DELETE(image->sub->images, image);
    tpi_mem_image_drain(image);
    tpi_free(image);
}

static int link_ends(mem_publication_t *pub, mem_subscription_t *sub)
{
    if (pub->stream != sub->stream || !tpi_channel_same_medium(pub->channel, sub->channel)) { return 0; }
    mem_image_t *const image = tpi_alloc(sizeof(*image));
    if (NULL == image) { return -1; }
    image->pub = pub;
    image->sub = sub;
    image->session_id = pub->base.session_id;
    DL_APPEND2(pub->images, image, pub_prev, pub_next);
    DL_APPEND(sub->images, image);
    return 0;
}

static int report_image(const mem_image_t *image, bool available, int64_t now_ns)
{
    if (NULL != image->sub->on_image)
    {
        tpi_bus_handler_enter();
        image->sub->on_image(image->sub->image_clientd, image->session_id, available, now_ns);
        tpi_bus_handler_leave();
    }
    return 1;
}

static int turn_image(mem_image_t *image, int64_t now_ns)
{
    int work = 0;
    if (MEM_RESTING == image->state && now_ns >= image->rest_until_ns && NULL != image->pub) { image->state = MEM_JOINING; }
    if (MEM_JOINING == image->state && (NULL != image->pub || NULL != image->queue))
    {
        image->state = MEM_LIVE;
        image->joined_ns = now_ns;                                            /* W-084, trap A7 */
        work += report_image(image, true, now_ns);
    }
    if (MEM_CUT == image->state)
    {
        image->state = MEM_RESTING;
        work += report_image(image, false, now_ns);
    }
    if (NULL == image->pub && NULL == image->queue)
    {
        if (MEM_LIVE == image->state) { work += report_image(image, false, now_ns); }
        delete_image(image);
    }
    return work;
}

/* ---- publications and subscriptions ---------------------------------------------------------------------------------------- */

static void close_publication(tpi_publication_t *base)
{
    mem_publication_t *const pub = (mem_publication_t *)base;
    mem_image_t *image = pub->images;
    while (NULL != image)
    {
        mem_image_t *const next = image->pub_next;
        image->pub = NULL;                                  /* leaves its list, which ends with the publication */
        mem_node_t *node;
        DL_FOREACH(image->queue, node)
        {
            if (MEM_CLAIMED == node->message->state) { node->message->state = MEM_ABORTED; }
        }
        image = next;
    }
    DL_DELETE(pub->bus->network->pubs, pub);
    tpi_free(pub->channel);
    tpi_free(pub);
}

static void close_subscription(tpi_subscription_t *base)
{
    mem_subscription_t *const sub = (mem_subscription_t *)base;
    while (NULL != sub->images) { delete_image(sub->images); }
    DL_DELETE(sub->bus->network->subs, sub);
    tpi_free(sub->channel);
    tpi_free(sub);
}

/* Trap A8, O-44: two publications of one stream with different explicit term lengths. */
static bool term_lengths_clash(mem_async_t *async)
{
    const uint64_t wanted = tpi_channel_term_length(async->channel);
    mem_publication_t *pub;
    DL_FOREACH(async->bus->network->pubs, pub)
    {
        const uint64_t other = tpi_channel_term_length(pub->channel);
        if (async->stream_id != pub->stream->stream_id || 0 == wanted || 0 == other || wanted == other ||
            !tpi_channel_is_ipc(async->channel) || !tpi_channel_is_ipc(pub->channel)) { continue; }
        (void)snprintf(async->refusal, sizeof(async->refusal), "channel '%.80s' stream %" PRId32 ": term-length = %" PRIu64
            ", but '%.80s' is in use with %" PRIu64, async->channel, async->stream_id, wanted, pub->channel, other);
        return true;
    }
    return false;
}

static void *make_publication(mem_async_t *async)
{
    tpi_mem_network_t *const network = async->bus->network;
    if (term_lengths_clash(async)) { return NULL; }
    mem_stream_t *const stream = tpi_mem_stream(network, async->stream_id);
    mem_publication_t *const pub = tpi_alloc(sizeof(*pub));
    if (NULL == stream || NULL == pub) { tpi_free(pub); return NULL; }
    const uint64_t term_length = tpi_channel_term_length(async->channel);
    const uint64_t longest = (0 == term_length ? MEM_TERM_DEFAULT : term_length) / 8;
    pub->base = (tpi_publication_t){ .ops = &tpi_mem_ops, .bus = &async->bus->base, .session_id = network->next_session++,
        .max_claim = MEM_MTU_PAYLOAD, .max_message = longest > UINT64_C(16) << 20 ? (size_t)16 << 20 : (size_t)longest };
    pub->bus = async->bus;
    pub->stream = stream;
    pub->channel = async->channel;
    async->channel = NULL;
    DL_APPEND(network->pubs, pub);
    mem_subscription_t *sub;
    DL_FOREACH(network->subs, sub)
    {
        if (link_ends(pub, sub) < 0) { close_publication(&pub->base); return NULL; }
    }
    return pub;
}

static void *make_subscription(mem_async_t *async)
{
    tpi_mem_network_t *const network = async->bus->network;
    mem_stream_t *const stream = tpi_mem_stream(network, async->stream_id);
    mem_subscription_t *const sub = tpi_alloc(sizeof(*sub));
    if (NULL == stream || NULL == sub) { tpi_free(sub); return NULL; }
    sub->base = (tpi_subscription_t){ .ops = &tpi_mem_ops, .bus = &async->bus->base };
    sub->bus = async->bus;
    sub->stream = stream;
    sub->channel = async->channel;
    async->channel = NULL;
    sub->untethered = async->sub.untethered;
    sub->on_image = async->sub.on_image;
    sub->image_clientd = async->sub.image_clientd;
    DL_APPEND(network->subs, sub);
    mem_publication_t *pub;
    DL_FOREACH(network->pubs, pub)
    {
        if (link_ends(pub, sub) < 0) { close_subscription(&sub->base); return NULL; }
    }
    return sub;
}

/* ---- counters -------------------------------------------------------------------------------------------------------------- */

static void close_counter(tpi_counter_t *base)
{
    mem_counter_t *const counter = (mem_counter_t *)base;
    DL_DELETE(counter->bus->network->counters, counter);
    tpi_free(counter->label);
    tpi_free(counter);
}

static void *make_counter(mem_async_t *async)
{
    tpi_mem_network_t *const network = async->bus->network;
    mem_counter_t *const counter = async->counter;
    async->counter = NULL;
    int32_t id = 0;
    mem_counter_t *other;
    DL_FOREACH(network->counters, other) { id = other->id >= id ? other->id + 1 : id; }
    counter->id = id;
    counter->registration_id = network->next_registration++;
    DL_APPEND(network->counters, counter);
    return counter;
}

static int for_each_counter(tpi_bus_t *base, tpi_on_counter_t handler, void *clientd)
{
    int count = 0;
    mem_counter_t *counter;
    DL_FOREACH(((mem_bus_t *)base)->network->counters, counter)
    {
        const tpi_counter_view_t view = { .id = counter->id, .type_id = counter->type_id, .value = tpi_counter_get(&counter->base),
            .registration_id = counter->registration_id, .owner_id = counter->bus->client_id, .key = counter->key,
            .key_length = sizeof(counter->key), .label = counter->label };
        handler(clientd, &view);
        count++;
    }
    return count;
}

/* ---- additions ------------------------------------------------------------------------------------------------------------- */

static void free_async(mem_async_t *async)
{
    DL_DELETE(async->bus->asyncs, async);
    if (NULL != async->counter) { tpi_free(async->counter->label); }
    tpi_free(async->counter);
    tpi_free(async->channel);
    tpi_free(async);
}

static mem_async_t *new_async(tpi_bus_t *base, tpi_bus_kind_t kind, const char *channel, int32_t stream_id)
{
    mem_async_t *const async = tpi_alloc(sizeof(*async));
    if (NULL == async) { return NULL; }
    async->base = (tpi_bus_async_t){ .ops = &tpi_mem_ops, .kind = kind };
    async->bus = (mem_bus_t *)base;
    async->stream_id = stream_id;
    async->channel = NULL == channel ? NULL : tpi_strdup(channel);
    DL_APPEND(async->bus->asyncs, async);
    if (NULL != channel && NULL == async->channel) { free_async(async); return NULL; }
    return async;
}

static int add_publication(tpi_bus_t *bus, tpi_bus_async_t **out, const char *channel, int32_t stream_id)
{
    mem_async_t *const async = new_async(bus, TPI_BUS_PUBLICATION, channel, stream_id);
    if (NULL == async) { return -1; }
    *out = &async->base;
    return 0;
}

static int add_subscription(tpi_bus_t *bus, tpi_bus_async_t **out, const tpi_subscription_config_t *config)
{
    mem_async_t *const async = new_async(bus, TPI_BUS_SUBSCRIPTION, config->channel, config->stream_id);
    if (NULL == async) { return -1; }
    async->sub = *config;
    async->sub.channel = NULL;
    *out = &async->base;
    return 0;
}

static int add_counter(tpi_bus_t *bus, tpi_bus_async_t **out, const tpi_counter_config_t *config)
{
    mem_async_t *const async = new_async(bus, TPI_BUS_COUNTER, NULL, 0);
    if (NULL == async) { return -1; }
    mem_counter_t *const counter = tpi_alloc(sizeof(*counter));
    char *const label = tpi_strdup(config->label);
    if (NULL == counter || NULL == label)
    {
        tpi_free(counter);
        tpi_free(label);
        free_async(async);
        return -1;
    }
    counter->base = (tpi_counter_t){ .ops = &tpi_mem_ops, .bus = bus, .value = &counter->cell };
    counter->bus = async->bus;
    counter->type_id = config->type_id;
    if (0 != config->key_length) { memcpy(counter->key, config->key, config->key_length); }
    counter->label = label;
    async->counter = counter;
    *out = &async->base;
    return 0;
}

static void carry_out(mem_async_t *async)
{
    switch (async->base.kind)
    {
        case TPI_BUS_PUBLICATION: async->added = make_publication(async); break;
        case TPI_BUS_SUBSCRIPTION: async->added = make_subscription(async); break;
        case TPI_BUS_COUNTER: async->added = make_counter(async); break;
        default: break;
    }
    async->done = true;
}

static int poll_async(tpi_bus_async_t *base, void **out)
{
    mem_async_t *const async = (mem_async_t *)base;
    const bool lost = tpi_bus_lost(&async->bus->base);
    if (!async->done && !lost) { return 0; }
    int result = -1;
    if (NULL != async->added)
    {
        *out = async->added;
        result = 1;
    }
    else if (lost) { TPI_SET_ERR(TP_EMEDIADRIVER, "the media driver is gone"); }
    else if ('\0' != async->refusal[0])
    {
        TPI_SET_ERR(TP_ECHANNEL, "%s", async->refusal);
        TPI_ERR_FIX("use the same channel text for all participants of a stream");
    }
    else { TPI_SET_ERR(TP_ENOMEM, "out of memory"); }
    free_async(async);
    return result;
}

static void close_added(tpi_bus_kind_t kind, void *added)
{
    if (NULL == added) { return; }
    switch (kind)
    {
        case TPI_BUS_PUBLICATION: close_publication(added); break;
        case TPI_BUS_SUBSCRIPTION: close_subscription(added); break;
        case TPI_BUS_COUNTER: close_counter(added); break;
        default: break;
    }
}

static void cancel_async(tpi_bus_async_t *base)
{
    mem_async_t *const async = (mem_async_t *)base;
    close_added(base->kind, async->added);
    free_async(async);
}

/* ---- life ------------------------------------------------------------------------------------------------------------------ */

int tpi_bus_mem_open(tpi_bus_t **bus, tpi_mem_network_t *network)
{
    if (NULL == bus || NULL == network) { TPI_SET_ERR(TP_EINVAL, "bus or network = NULL"); return -1; }
    if (network->killed) { TPI_SET_ERR(TP_ENOMEDIADRIVER, "the network was killed"); return -1; }
    mem_bus_t *const made = tpi_alloc(sizeof(*made));
    if (NULL == made) { return -1; }
    made->base.ops = &tpi_mem_ops;
    made->network = network;
    made->client_id = network->next_registration++;
    DL_APPEND(network->buses, made);
    *bus = &made->base;
    return 0;
}

static int do_work(tpi_bus_t *base, int64_t now_ns)
{
    mem_bus_t *const bus = (mem_bus_t *)base;
    tpi_mem_network_t *const network = bus->network;
    if (network->killed)
    {
        atomic_store(&base->lost, true);
        TPI_SET_ERR(TP_EMEDIADRIVER, "the media driver is gone");
        return -1;
    }
    network->now_ns = now_ns > network->now_ns ? now_ns : network->now_ns;
    int work = 0;
    mem_async_t *async;
    DL_FOREACH(bus->asyncs, async)
    {
        if (!async->done) { carry_out(async); work++; }
    }
    mem_subscription_t *sub;
    DL_FOREACH(network->subs, sub)
    {
        if (bus != sub->bus) { continue; }
        mem_image_t *image;
        mem_image_t *next;
        DL_FOREACH_SAFE(sub->images, image, next) { work += turn_image(image, now_ns); }
    }
    return work;
}

static int64_t heartbeat_ms(const tpi_bus_t *base)
{
    const tpi_mem_network_t *const network = ((const mem_bus_t *)base)->network;
    return network->now_ns / TPI_NS_PER_MS;
}

static void close_bus(tpi_bus_t *base)
{
    mem_bus_t *const bus = (mem_bus_t *)base;
    tpi_mem_network_t *const network = bus->network;
    mem_publication_t *pub;
    mem_publication_t *next_pub;
    mem_subscription_t *sub;
    mem_subscription_t *next_sub;
    mem_counter_t *counter;
    mem_counter_t *next_counter;
    DL_FOREACH_SAFE(network->pubs, pub, next_pub) { if (bus == pub->bus) { close_publication(&pub->base); } }
    DL_FOREACH_SAFE(network->subs, sub, next_sub) { if (bus == sub->bus) { close_subscription(&sub->base); } }
    DL_FOREACH_SAFE(network->counters, counter, next_counter) { if (bus == counter->bus) { close_counter(&counter->base); } }
    while (NULL != bus->asyncs) { free_async(bus->asyncs); }
    DL_DELETE(network->buses, bus);
    tpi_free(bus);
}

const tpi_bus_ops_t tpi_mem_ops =
{
    .do_work = do_work,
    .heartbeat_ms = heartbeat_ms,
    .counters = for_each_counter,
    .close = close_bus,
    .add_publication = add_publication,
    .add_subscription = add_subscription,
    .add_counter = add_counter,
    .async_poll = poll_async,
    .async_cancel = cancel_async,
    .claim = tpi_mem_claim,
    .commit = tpi_mem_commit,
    .send_prepared = tpi_mem_send_prepared,
    .abort = tpi_mem_abort,
    .offer = tpi_mem_offer,
    .publication_is_connected = tpi_mem_publication_is_connected,
    .publication_close = close_publication,
    .poll = tpi_mem_poll,
    .poll_records = tpi_mem_poll_records,
    .subscription_is_connected = tpi_mem_subscription_is_connected,
    .subscription_has_message = tpi_mem_subscription_has_message,
    .image_count = tpi_mem_image_count,
    .subscription_close = close_subscription,
    .counter_close = close_counter,
};
