/*
 * Additions to the Aeron bus, and closing. Owner thread. An addition owns its half-built object until its poll returned non-zero; Aeron's
 * handle is freed by Aeron's conductor after that and is not touched again (trap L2).
 */
#include "bus/bus_aeron.h"

#include <aeronc.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <utlist.h>

#include "bus/channel.h"
#include "common/alloc.h"

#define RING_RESERVE 65536             /* bytes kept free in the commands ring: Aeron cannot unwind an addition it could not send */
#define PUBLISHER_LIMIT_TYPE_ID 1
#define CLIENT_HEARTBEAT_TYPE_ID 11
#define OTHERS_MAX 16

struct aeron_bus_async
{
    tpi_bus_async_t base;
    aeron_bus_t *bus;
    char *channel;
    int32_t stream_id;
    union
    {
        aeron_async_add_exclusive_publication_t *pub;
        aeron_async_add_subscription_t *sub;
        aeron_async_add_counter_t *counter;
    }
    handle;                            /* NULL members once Aeron may have freed it */
    union
    {
        aeron_bus_pub_t *pub;
        aeron_bus_sub_t *sub;
        aeron_bus_counter_t *counter;
    }
    half;
    aeron_bus_async_t *prev, *next;
};

/* ---- objects --------------------------------------------------------------------------------------------------------------- */

static void free_sub(aeron_bus_sub_t *sub)
{
    if (NULL == sub) { return; }
    (void)aeron_fragment_assembler_delete(sub->assembler);
    tpi_free(atomic_load(&sub->mailbox));
    tpi_free(sub->owned);
    tpi_free(sub->polled);
    tpi_free(sub);
}

static void free_half(aeron_bus_async_t *async)
{
    if (TPI_BUS_SUBSCRIPTION == async->base.kind) { free_sub(async->half.sub); }
    else { tpi_free(async->half.pub); }
    async->half.pub = NULL;
}

static void release_async(aeron_bus_async_t *async)
{
    free_half(async);
    tpi_free(async->channel);
    tpi_free(async);
}

static void free_async(aeron_bus_async_t *async)
{
    DL_DELETE(async->bus->asyncs, async);  /* NOLINT(clang-analyzer-core.NullDereference): only the tail has no next, and head->prev is the tail */
    release_async(async);
}

void tpi_aeron_publication_close(tpi_publication_t *base)
{
    aeron_bus_pub_t *const pub = (aeron_bus_pub_t *)base;
    (void)aeron_exclusive_publication_close(pub->pub, NULL, NULL);
    tpi_aeron_ring_for_commands(pub->bus);
    DL_DELETE(pub->bus->pubs, pub);
    tpi_free(pub);
}

void tpi_aeron_subscription_close(tpi_subscription_t *base)
{
    aeron_bus_sub_t *const sub = (aeron_bus_sub_t *)base;
    sub->on_image = NULL;
    tpi_aeron_let_images_go(sub);
    (void)aeron_subscription_close(sub->sub, NULL, NULL);
    tpi_aeron_ring_for_commands(sub->bus);
    DL_DELETE(sub->bus->subs, sub);
    free_sub(sub);
}

void tpi_aeron_counter_close(tpi_counter_t *base)
{
    aeron_bus_counter_t *const counter = (aeron_bus_counter_t *)base;
    (void)aeron_counter_close(counter->counter, NULL, NULL);
    tpi_aeron_ring_for_commands(counter->bus);
    DL_DELETE(counter->bus->counters, counter);
    tpi_free(counter);
}

void tpi_aeron_free_all(aeron_bus_t *bus)
{
    aeron_bus_async_t *async = bus->asyncs;
    while (NULL != async)
    {
        aeron_bus_async_t *const next = async->next;
        release_async(async);
        async = next;
    }
    aeron_bus_pub_t *pub = bus->pubs;
    while (NULL != pub)
    {
        aeron_bus_pub_t *const next = pub->next;
        tpi_free(pub);
        pub = next;
    }
    aeron_bus_sub_t *sub = bus->subs;
    while (NULL != sub)
    {
        aeron_bus_sub_t *const next = sub->next;
        free_sub(sub);
        sub = next;
    }
    aeron_bus_counter_t *counter = bus->counters;
    while (NULL != counter)
    {
        aeron_bus_counter_t *const next = counter->next;
        tpi_free(counter);
        counter = next;
    }
}

/* ---- term lengths (trap A8) ------------------------------------------------------------------------------------------------ */

typedef struct publications_of
{
    aeron_counters_reader_t *reader;
    int32_t stream_id;
    const char *channel;
    uint64_t term_length;
    int found;
    struct { int64_t owner_id; char channel[TPI_COUNTER_KEY_MAX]; uint64_t term_length; } others[OTHERS_MAX];
    int alive;                         /* index of one whose client lives, -1 */
}
publications_of_t;

/* Both read the records where Aeron's client has mapped them: a tenth of a millisecond less for each publication than a copy of all. */
static void note_publication(int64_t value, int32_t id, int32_t type_id, const uint8_t *key, size_t key_length, const char *label,
    size_t label_length, void *clientd)
{
    publications_of_t *const seen = clientd;
    int32_t stream_id;
    int32_t length;
    (void)value;
    (void)label;
    (void)label_length;
    if (PUBLISHER_LIMIT_TYPE_ID != type_id || seen->found >= OTHERS_MAX || key_length < 20) { return; }
    memcpy(&stream_id, key + 12, sizeof(stream_id));
    memcpy(&length, key + 16, sizeof(length));
    const size_t room = key_length - 20;
    if (seen->stream_id != stream_id || length < 0 || (size_t)length > room) { return; }
    char channel[TPI_COUNTER_KEY_MAX];
    if (room >= sizeof(channel)) { return; }
    memcpy(channel, key + 20, (size_t)length);
    channel[length] = '\0';
    if ((size_t)length == room)                              /* cut off by Aeron: the last parameter may lack its end */
    {
        char *const last = strrchr(channel, '|');
        if (NULL != last) { *last = '\0'; }
    }
    const uint64_t term_length = tpi_channel_term_length(channel);
    if (!tpi_channel_is_ipc(channel) || 0 == term_length || seen->term_length == term_length) { return; }
    if (aeron_counters_reader_counter_owner_id(seen->reader, id, &seen->others[seen->found].owner_id) < 0) { return; }
    seen->others[seen->found].term_length = term_length;
    (void)snprintf(seen->others[seen->found].channel, sizeof(seen->others[seen->found].channel), "%s", channel);
    seen->found++;
}

static void note_client(int64_t value, int32_t id, int32_t type_id, const uint8_t *key, size_t key_length, const char *label, size_t label_length,
    void *clientd)
{
    publications_of_t *const seen = clientd;
    int64_t client_id;
    (void)value;
    (void)id;
    (void)label;
    (void)label_length;
    if (CLIENT_HEARTBEAT_TYPE_ID != type_id || key_length < sizeof(client_id)) { return; }
    memcpy(&client_id, key, sizeof(client_id));
    for (int i = 0; i < seen->found && seen->alive < 0; i++)
    {
        if (client_id == seen->others[i].owner_id) { seen->alive = i; }
    }
}

/*
 * Aeron refuses another term length only between shared publications; ours are exclusive, so the media driver's own counters are
 * asked. Publications of clients that are gone do not count: the next start with a new configuration must not wait for their linger.
 */
static int check_term_length(aeron_bus_t *bus, const char *channel, int32_t stream_id)
{
    publications_of_t seen = { .reader = aeron_counters_reader(bus->client), .stream_id = stream_id, .channel = channel,
        .term_length = tpi_channel_term_length(channel), .alive = -1 };
    if (0 == seen.term_length || !tpi_channel_is_ipc(channel)) { return 0; }
    if (NULL == seen.reader) { return 0; }
    aeron_counters_reader_foreach_counter(seen.reader, note_publication, &seen);
    if (0 == seen.found) { return 0; }
    aeron_counters_reader_foreach_counter(seen.reader, note_client, &seen);
    if (seen.alive < 0) { return 0; }
    TPI_SET_ERR(TP_ECHANNEL, "channel '%s' stream %" PRId32 ": term-length = %" PRIu64 ", but '%s' is in use with %" PRIu64, channel, stream_id,
        seen.term_length, seen.others[seen.alive].channel, seen.others[seen.alive].term_length);
    TPI_ERR_FIX("use the same channel text for all participants of a stream");
    return -1;
}

/* ---- adding ---------------------------------------------------------------------------------------------------------------- */

static int64_t ring_free(const aeron_bus_watch_t *watch)
{
    const int64_t head = atomic_load_explicit(watch->ring_head, memory_order_acquire);
    const int64_t tail = atomic_load_explicit(watch->ring_tail, memory_order_acquire);
    return watch->ring_capacity - (tail - head);
}

static aeron_bus_async_t *new_async(tpi_bus_t *base, tpi_bus_kind_t kind, size_t half_size, const char *channel, int32_t stream_id)
{
    aeron_bus_t *const bus = (aeron_bus_t *)base;
    if (ring_free(&bus->watch) < RING_RESERVE)
    {
        TPI_SET_ERR(TP_EFULL, "the media driver (pid %" PRId64 ") does not take commands: %" PRId64 " bytes free of %" PRId64, bus->watch.pid,
            ring_free(&bus->watch), bus->watch.ring_capacity);
        return NULL;
    }
    aeron_bus_async_t *const async = tpi_alloc(sizeof(*async));
    if (NULL == async) { return NULL; }
    async->base = (tpi_bus_async_t){ .ops = &tpi_aeron_ops, .kind = kind };
    async->bus = bus;
    async->stream_id = stream_id;
    async->half.pub = tpi_alloc(half_size);
    async->channel = tpi_strdup(channel);
    if (NULL == async->half.pub || NULL == async->channel) { release_async(async); return NULL; }
    DL_APPEND(bus->asyncs, async);
    return async;
}

static int give_up(aeron_bus_async_t *async, const char *what)
{
    char text[384];
    (void)tpi_aeron_text(text, sizeof(text));
    TPI_SET_ERR(TP_EBUS, "%s '%s' stream %" PRId32 " cannot be added: %s", what, async->channel, async->stream_id, text);
    free_async(async);
    return -1;
}

int tpi_aeron_add_publication(tpi_bus_t *base, tpi_bus_async_t **out, const char *channel, int32_t stream_id)
{
    aeron_bus_t *const bus = (aeron_bus_t *)base;
    if (check_term_length(bus, channel, stream_id) < 0) { return -1; }
    aeron_bus_async_t *const async = new_async(base, TPI_BUS_PUBLICATION, sizeof(aeron_bus_pub_t), channel, stream_id);
    if (NULL == async) { return -1; }
    /* D-206 */
    if (aeron_async_add_exclusive_publication(&async->handle.pub, bus->client, channel, stream_id) < 0) { return give_up(async, "publication"); }
    tpi_aeron_ring_for_commands(bus);
    *out = &async->base;
    return 0;
}

int tpi_aeron_add_subscription(tpi_bus_t *base, tpi_bus_async_t **out, const tpi_subscription_config_t *config)
{
    aeron_bus_t *const bus = (aeron_bus_t *)base;
    aeron_bus_async_t *const async = new_async(base, TPI_BUS_SUBSCRIPTION, sizeof(aeron_bus_sub_t), config->channel, config->stream_id);
    if (NULL == async) { return -1; }
    if (config->untethered)                                                                     /* trap A6 */
    {
        char *const channel = tpi_channel_untethered(config->channel);
        if (NULL == channel) { free_async(async); return -1; }
        tpi_free(async->channel);
        async->channel = channel;
    }
    aeron_bus_sub_t *const sub = async->half.sub;
    sub->bus = bus;
    sub->on_image = config->on_image;
    sub->image_clientd = config->image_clientd;
    if (aeron_fragment_assembler_create(&sub->assembler, tpi_aeron_on_fragment, sub) < 0) { return give_up(async, "subscription"); }
    if (aeron_async_add_subscription(&async->handle.sub, bus->client, async->channel, config->stream_id, tpi_aeron_on_available_image, sub,
        tpi_aeron_on_unavailable_image, sub) < 0) { return give_up(async, "subscription"); }
    tpi_aeron_ring_for_commands(bus);
    *out = &async->base;
    return 0;
}

int tpi_aeron_add_counter(tpi_bus_t *base, tpi_bus_async_t **out, const tpi_counter_config_t *config)
{
    aeron_bus_t *const bus = (aeron_bus_t *)base;
    aeron_bus_async_t *const async = new_async(base, TPI_BUS_COUNTER, sizeof(aeron_bus_counter_t), config->label, config->type_id);
    if (NULL == async) { return -1; }
    if (aeron_async_add_counter(&async->handle.counter, bus->client, config->type_id, config->key, config->key_length, config->label,
        strlen(config->label)) < 0) { return give_up(async, "counter"); }
    tpi_aeron_ring_for_commands(bus);
    *out = &async->base;
    return 0;
}

/* ---- polling --------------------------------------------------------------------------------------------------------------- */

static void *finish_publication(aeron_bus_async_t *async, aeron_exclusive_publication_t *added)
{
    aeron_publication_constants_t constants;
    aeron_bus_pub_t *const pub = async->half.pub;
    if (aeron_exclusive_publication_constants(added, &constants) < 0) { return NULL; }
    pub->base = (tpi_publication_t){ .ops = &tpi_aeron_ops, .bus = &async->bus->base, .session_id = constants.session_id,
        .max_claim = constants.max_payload_length, .max_message = constants.max_message_length };
    pub->bus = async->bus;
    pub->pub = added;
    DL_APPEND(async->bus->pubs, pub);
    return pub;
}

static void *finish_subscription(aeron_bus_async_t *async, aeron_subscription_t *added)
{
    aeron_bus_sub_t *const sub = async->half.sub;
    sub->base = (tpi_subscription_t){ .ops = &tpi_aeron_ops, .bus = &async->bus->base };
    sub->sub = added;
    DL_APPEND(async->bus->subs, sub);
    return sub;
}

static void *finish_counter(aeron_bus_async_t *async, aeron_counter_t *added)
{
    aeron_bus_counter_t *const counter = async->half.counter;
    counter->base = (tpi_counter_t){ .ops = &tpi_aeron_ops, .bus = &async->bus->base, .value = (_Atomic int64_t *)aeron_counter_addr(added) };
    counter->bus = async->bus;
    counter->counter = added;
    DL_APPEND(async->bus->counters, counter);
    return counter;
}

static int poll_handle(aeron_bus_async_t *async, void **added)
{
    aeron_exclusive_publication_t *pub = NULL;
    aeron_subscription_t *sub = NULL;
    aeron_counter_t *counter = NULL;
    int result;
    switch (async->base.kind)
    {
        case TPI_BUS_PUBLICATION:
            result = aeron_async_add_exclusive_publication_poll(&pub, async->handle.pub);
            if (result > 0) { *added = finish_publication(async, pub); }
            break;
        case TPI_BUS_SUBSCRIPTION:
            result = aeron_async_add_subscription_poll(&sub, async->handle.sub);
            if (result > 0) { *added = finish_subscription(async, sub); }
            break;
        default:
            result = aeron_async_add_counter_poll(&counter, async->handle.counter);
            if (result > 0) { *added = finish_counter(async, counter); }
            break;
    }
    return result;
}

static void set_refusal(const aeron_bus_async_t *async)
{
    static const char *const names[] = { "publication", "subscription", "counter" };
    const int aeron_code = aeron_errcode();
    char text[384];
    (void)tpi_aeron_text(text, sizeof(text));
    const char *const what = names[async->base.kind];
    if (-AERON_CLIENT_ERROR_DRIVER_TIMEOUT == aeron_code)
    {
        TPI_SET_ERR(TP_ETIMEDOUT, "%s '%s' stream %" PRId32 ": the media driver (pid %" PRId64 ") did not answer", what, async->channel,
            async->stream_id, async->bus->watch.pid);
    }
    else if (NULL != strstr(text, "No space left") || NULL != strstr(text, "nsufficient usable storage"))
    {
        TPI_SET_ERR(TP_ENOSPACE, "%s '%s' stream %" PRId32 ": no room below %s", what, async->channel, async->stream_id, async->bus->dir);
        TPI_ERR_WHY("%s", text);
        TPI_ERR_FIX("free space there, or use a smaller term-length");
    }
    else
    {
        TPI_SET_ERR(TPI_BUS_COUNTER == async->base.kind ? TP_EBUS : TP_ECHANNEL, "%s '%s' stream %" PRId32 " refused by the media driver", what,
            async->channel, async->stream_id);
        TPI_ERR_WHY("%s", text);
    }
}

int tpi_aeron_async_poll(tpi_bus_async_t *base, void **out)
{
    aeron_bus_async_t *const async = (aeron_bus_async_t *)base;
    if (tpi_bus_lost(&async->bus->base))
    {
        tpi_err_restore(&async->bus->loss);
        tpi_aeron_async_cancel(base);
        return -1;
    }
    void *added = NULL;
    const int result = poll_handle(async, &added);
    if (0 == result) { return 0; }
    async->handle.pub = NULL;                                   /* Aeron's conductor frees it from now on */
    if (NULL != added)
    {
        *out = added;
        async->half.pub = NULL;
    }
    else { set_refusal(async); }
    free_async(async);
    return NULL != added ? 1 : -1;
}

void tpi_aeron_async_cancel(tpi_bus_async_t *base)
{
    aeron_bus_async_t *const async = (aeron_bus_async_t *)base;
    aeron_t *const client = async->bus->client;
    /* When the client is force-closed Aeron frees the handle in aeron_close and calls no image handler any more. */
    switch (base->kind)
    {
        case TPI_BUS_PUBLICATION: (void)aeron_async_add_exclusive_publication_cancel(client, async->handle.pub); break;
        case TPI_BUS_SUBSCRIPTION: (void)aeron_async_add_subscription_cancel(client, async->handle.sub); break;
        default: (void)aeron_async_add_counter_cancel(client, async->handle.counter); break;
    }
    free_async(async);
}
