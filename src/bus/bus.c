/*
 * The calls of bus.h: arguments and the handler rules (trap A4) are checked here, once for all implementations. The only state is how deep
 * the calling thread is inside handlers.
 */
#include "bus/bus.h"

#include <string.h>

#include "bus/bus_ops.h"
#include "common/err.h"
#include "common/hint.h"
#include "common/log.h"

#define ADMIN_TRIES 8                  /* term rotation: the next try succeeds unless others rotate, too */

static _Thread_local int handler_depth;

void tpi_bus_handler_enter(void) { handler_depth++; }
void tpi_bus_handler_leave(void) { handler_depth--; }

static int refuse_in_handler(const char *call)
{
    if (0 == handler_depth) { return 0; }
    TPI_SET_ERR(TP_ESTATE, "%s was called from inside a message or image handler", call);
    TPI_ERR_FIX("let the handler note what is to be done, and do it after the poll or do_work that called it has returned");
    return -1;
}

static bool may_close(const char *what)
{
    if (0 == handler_depth) { return true; }
    TPI_LOG_ERROR(TP_ESTATE, "%s closed from inside a handler: ignored, it stays open until its bus is closed", what);
    return false;
}

int tpi_bus_do_work(tpi_bus_t *bus, int64_t now_ns)
{
    if (NULL == bus) { TPI_SET_ERR(TP_EINVAL, "bus = NULL"); return -1; }
    if (refuse_in_handler("tpi_bus_do_work") < 0) { return -1; }
    return bus->ops->do_work(bus, now_ns);
}

bool tpi_bus_is_closed(const tpi_bus_t *bus) { return NULL == bus || tpi_bus_lost(bus); }

int64_t tpi_bus_media_driver_heartbeat_ms(const tpi_bus_t *bus) { return NULL == bus ? 0 : bus->ops->heartbeat_ms(bus); }

void tpi_bus_ring(tpi_bus_t *bus)
{
    if (NULL != bus && NULL != bus->ops->ring) { bus->ops->ring(bus); }
}

int tpi_bus_counters(tpi_bus_t *bus, tpi_on_counter_t handler, void *clientd)
{
    if (NULL == bus || NULL == handler) { TPI_SET_ERR(TP_EINVAL, "bus or handler = NULL"); return -1; }
    return bus->ops->counters(bus, handler, clientd);
}

void tpi_bus_close(tpi_bus_t *bus)
{
    if (NULL != bus && may_close("bus")) { bus->ops->close(bus); }
}

/* ---- additions ------------------------------------------------------------------------------------------------------------- */

static int check_add(const tpi_bus_t *bus, tpi_bus_async_t *const *async, const char *call)
{
    if (NULL == bus || NULL == async) { TPI_SET_ERR(TP_EINVAL, "%s: bus or async = NULL", call); return -1; }
    if (refuse_in_handler(call) < 0) { return -1; }
    if (tpi_bus_lost(bus)) { TPI_SET_ERR(TP_EMEDIADRIVER, "%s: the bus is lost; close it and open another", call); return -1; }
    return 0;
}

static int check_channel(const char *channel)
{
    if (NULL == channel || '\0' == channel[0]) { TPI_SET_ERR(TP_EINVAL, "channel is empty"); return -1; }
    const size_t length = strnlen(channel, TPI_CHANNEL_MAX + 1);
    if (length > TPI_CHANNEL_MAX) { TPI_SET_ERR(TP_EINVAL, "channel '%.40s...' is longer than %d characters", channel, TPI_CHANNEL_MAX); return -1; }
    return 0;
}

static int poll_async(tpi_bus_async_t *async, tpi_bus_kind_t kind, void **out)
{
    if (NULL == async) { TPI_SET_ERR(TP_EINVAL, "async = NULL"); return -1; }
    if (kind != async->kind) { TPI_SET_ERR(TP_EINVAL, "async is of kind %d, polled as %d", (int)async->kind, (int)kind); return -1; }
    return async->ops->async_poll(async, out);
}

void tpi_bus_async_cancel(tpi_bus_async_t *async)
{
    if (NULL != async && may_close("pending addition")) { async->ops->async_cancel(async); }
}

int tpi_bus_add_publication(tpi_bus_t *bus, tpi_bus_async_t **async, const char *channel, int32_t stream_id)
{
    if (check_add(bus, async, "tpi_bus_add_publication") < 0 || check_channel(channel) < 0) { return -1; }
    return bus->ops->add_publication(bus, async, channel, stream_id);
}

int tpi_bus_add_publication_poll(tpi_bus_async_t *async, tpi_publication_t **out)
{
    void *added = NULL;
    const int result = NULL == out ? poll_async(NULL, TPI_BUS_PUBLICATION, NULL) : poll_async(async, TPI_BUS_PUBLICATION, &added);
    if (1 == result) { *out = added; }
    return result;
}

int tpi_bus_add_subscription(tpi_bus_t *bus, tpi_bus_async_t **async, const tpi_subscription_config_t *config)
{
    if (check_add(bus, async, "tpi_bus_add_subscription") < 0) { return -1; }
    if (NULL == config) { TPI_SET_ERR(TP_EINVAL, "config = NULL"); return -1; }
    if (check_channel(config->channel) < 0) { return -1; }
    return bus->ops->add_subscription(bus, async, config);
}

int tpi_bus_add_subscription_poll(tpi_bus_async_t *async, tpi_subscription_t **out)
{
    void *added = NULL;
    const int result = NULL == out ? poll_async(NULL, TPI_BUS_SUBSCRIPTION, NULL) : poll_async(async, TPI_BUS_SUBSCRIPTION, &added);
    if (1 == result) { *out = added; }
    return result;
}

int tpi_bus_add_counter(tpi_bus_t *bus, tpi_bus_async_t **async, int32_t type_id, const void *key, size_t key_length, const char *label)
{
    if (check_add(bus, async, "tpi_bus_add_counter") < 0) { return -1; }
    if (key_length > TPI_COUNTER_KEY_MAX) { TPI_SET_ERR(TP_EINVAL, "key_length = %zu, at most %d", key_length, TPI_COUNTER_KEY_MAX); return -1; }
    if (NULL == key && 0 != key_length) { TPI_SET_ERR(TP_EINVAL, "key = NULL with key_length = %zu", key_length); return -1; }
    if (NULL == label) { TPI_SET_ERR(TP_EINVAL, "label = NULL"); return -1; }
    const size_t label_length = strnlen(label, TPI_COUNTER_LABEL_MAX + 1);
    if (label_length > TPI_COUNTER_LABEL_MAX)
    {
        TPI_SET_ERR(TP_EINVAL, "label '%.40s...' is longer than %d", label, TPI_COUNTER_LABEL_MAX);
        return -1;
    }
    const tpi_counter_config_t config = { .type_id = type_id, .key = key, .key_length = key_length, .label = label };
    return bus->ops->add_counter(bus, async, &config);
}

int tpi_bus_add_counter_poll(tpi_bus_async_t *async, tpi_counter_t **out)
{
    void *added = NULL;
    const int result = NULL == out ? poll_async(NULL, TPI_BUS_COUNTER, NULL) : poll_async(async, TPI_BUS_COUNTER, &added);
    if (1 == result) { *out = added; }
    return result;
}

/* ---- publications ---------------------------------------------------------------------------------------------------------- */

int64_t tpi_publication_claim(tpi_publication_t *pub, size_t length, tpi_bus_claim_t *claim)
{
    if (NULL == pub || NULL == claim || length > pub->max_claim) { return TP_INVALID_ARGUMENT; }
    if (tpi_bus_lost(pub->bus)) { return TP_CLOSED; }
    const int64_t position = pub->ops->claim(pub, length, claim);
    if (position >= 0) { claim->opaque[0] = pub; }
    return position;
}

void tpi_bus_claim_commit(tpi_bus_claim_t *claim)
{
    if (NULL == claim || NULL == claim->opaque[0]) { return; }
    tpi_publication_t *const pub = claim->opaque[0];
    pub->ops->commit(pub, claim);
    claim->opaque[0] = NULL;
}

void tpi_bus_claim_abort(tpi_bus_claim_t *claim)
{
    if (NULL == claim || NULL == claim->opaque[0]) { return; }
    tpi_publication_t *const pub = claim->opaque[0];
    pub->ops->abort(pub, claim);
    claim->opaque[0] = NULL;
}

int64_t tpi_publication_send_prepared(tpi_publication_t *pub, const void *message, size_t length)
{
    if (TPI_RARE(length > pub->max_claim)) { return TP_INVALID_ARGUMENT; }
    if (TPI_RARE(tpi_bus_lost(pub->bus))) { return TP_CLOSED; }
    return pub->ops->send_prepared(pub, message, length);
}

int64_t tpi_publication_offer(tpi_publication_t *pub, const uint8_t *data, size_t length)
{
    if (NULL == pub || NULL == data || length > pub->max_message) { return TP_INVALID_ARGUMENT; }
    return tpi_bus_lost(pub->bus) ? TP_CLOSED : pub->ops->offer(pub, data, length);
}

int64_t tpi_publication_send(tpi_publication_t *pub, const uint8_t *data, size_t length)
{
    int64_t result = TP_ADMIN_ACTION;
    for (int i = 0; i < ADMIN_TRIES && TP_ADMIN_ACTION == result; i++) { result = tpi_publication_offer(pub, data, length); }
    return result;
}

bool tpi_bus_may_take_later(int64_t result) { return TP_BACK_PRESSURED == result || TP_ADMIN_ACTION == result || TP_NOT_CONNECTED == result; }

bool tpi_publication_is_connected(const tpi_publication_t *pub)
{
    return NULL != pub && !tpi_bus_lost(pub->bus) && pub->ops->publication_is_connected(pub);
}

int32_t tpi_publication_session_id(const tpi_publication_t *pub) { return NULL == pub ? 0 : pub->session_id; }
size_t tpi_publication_max_claim(const tpi_publication_t *pub) { return NULL == pub ? 0 : pub->max_claim; }
size_t tpi_publication_max_message(const tpi_publication_t *pub) { return NULL == pub ? 0 : pub->max_message; }

void tpi_publication_close(tpi_publication_t *pub)
{
    if (NULL != pub && may_close("publication")) { pub->ops->publication_close(pub); }
}

/* ---- subscriptions --------------------------------------------------------------------------------------------------------- */

int tpi_subscription_poll(tpi_subscription_t *sub, tpi_on_message_t handler, void *clientd, int limit)
{
    if (NULL == sub || NULL == handler || limit < 0) { return TP_INVALID_ARGUMENT; }
    if (tpi_bus_lost(sub->bus)) { return TP_CLOSED; }
    handler_depth++;
    const int count = sub->ops->poll(sub, handler, clientd, limit);
    handler_depth--;
    return count;
}

int tpi_subscription_poll_records(tpi_subscription_t *sub, tpi_records_t *records)
{
    if (NULL == sub || NULL == records) { return TP_INVALID_ARGUMENT; }
    return tpi_bus_lost(sub->bus) ? TP_CLOSED : sub->ops->poll_records(sub, records);
}

bool tpi_subscription_is_connected(const tpi_subscription_t *sub)
{
    return NULL != sub && !tpi_bus_lost(sub->bus) && sub->ops->subscription_is_connected(sub);
}

bool tpi_subscription_has_message(tpi_subscription_t *sub)
{
    return NULL != sub && !tpi_bus_lost(sub->bus) && sub->ops->subscription_has_message(sub);
}

int tpi_subscription_image_count(const tpi_subscription_t *sub)
{
    return NULL == sub || tpi_bus_lost(sub->bus) ? 0 : sub->ops->image_count(sub);
}

void tpi_subscription_close(tpi_subscription_t *sub)
{
    if (NULL != sub && may_close("subscription")) { sub->ops->subscription_close(sub); }
}

/* ---- counters -------------------------------------------------------------------------------------------------------------- */

void tpi_counter_set(tpi_counter_t *counter, int64_t value)
{
    /* A media driver that gave this client up may have handed the record to another one. */
    if (NULL == counter || tpi_bus_lost(counter->bus)) { return; }
    atomic_store_explicit(counter->value, value, memory_order_release);
}

int64_t tpi_counter_get(const tpi_counter_t *counter)
{
    return NULL == counter ? 0 : atomic_load_explicit(counter->value, memory_order_acquire);
}

void tpi_counter_close(tpi_counter_t *counter)
{
    if (NULL != counter && may_close("counter")) { counter->ops->counter_close(counter); }
}
