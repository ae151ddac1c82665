#include "locked_bus.h"

#include <pthread.h>

#include "bus/bus_ops.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const tpi_bus_ops_t *inner;
static tpi_bus_ops_t outer;

#define LOCKED(type, call) (void)pthread_mutex_lock(&lock); type result = (call); (void)pthread_mutex_unlock(&lock); return result

static int do_work(tpi_bus_t *bus, int64_t now_ns) { LOCKED(int, inner->do_work(bus, now_ns)); }
static int64_t heartbeat_ms(const tpi_bus_t *bus) { LOCKED(int64_t, inner->heartbeat_ms(bus)); }
static int counters(tpi_bus_t *bus, tpi_on_counter_t handler, void *clientd) { LOCKED(int, inner->counters(bus, handler, clientd)); }

static void close_bus(tpi_bus_t *bus)
{
    (void)pthread_mutex_lock(&lock);
    inner->close(bus);
    (void)pthread_mutex_unlock(&lock);
}

static int add_publication(tpi_bus_t *bus, tpi_bus_async_t **async, const char *channel, int32_t stream_id)
{
    (void)pthread_mutex_lock(&lock);
    const int rc = inner->add_publication(bus, async, channel, stream_id);
    if (rc >= 0) { (*async)->ops = &outer; }
    (void)pthread_mutex_unlock(&lock);
    return rc;
}

static int add_subscription(tpi_bus_t *bus, tpi_bus_async_t **async, const tpi_subscription_config_t *config)
{
    (void)pthread_mutex_lock(&lock);
    const int rc = inner->add_subscription(bus, async, config);
    if (rc >= 0) { (*async)->ops = &outer; }
    (void)pthread_mutex_unlock(&lock);
    return rc;
}

static int add_counter(tpi_bus_t *bus, tpi_bus_async_t **async, const tpi_counter_config_t *config)
{
    (void)pthread_mutex_lock(&lock);
    const int rc = inner->add_counter(bus, async, config);
    if (rc >= 0) { (*async)->ops = &outer; }
    (void)pthread_mutex_unlock(&lock);
    return rc;
}

static int async_poll(tpi_bus_async_t *async, void **out)
{
    (void)pthread_mutex_lock(&lock);
    const tpi_bus_kind_t kind = async->kind;
    const int rc = inner->async_poll(async, out);
    if (rc > 0 && TPI_BUS_PUBLICATION == kind) { ((tpi_publication_t *)*out)->ops = &outer; }
    if (rc > 0 && TPI_BUS_SUBSCRIPTION == kind) { ((tpi_subscription_t *)*out)->ops = &outer; }
    if (rc > 0 && TPI_BUS_COUNTER == kind) { ((tpi_counter_t *)*out)->ops = &outer; }
    (void)pthread_mutex_unlock(&lock);
    return rc;
}

static void async_cancel(tpi_bus_async_t *async)
{
    (void)pthread_mutex_lock(&lock);
    inner->async_cancel(async);
    (void)pthread_mutex_unlock(&lock);
}

static int64_t claim(tpi_publication_t *pub, size_t length, tpi_bus_claim_t *c)
{
    (void)pthread_mutex_lock(&lock);
    const int64_t rc = inner->claim(pub, length, c);
    if (rc <= 0) { (void)pthread_mutex_unlock(&lock); }
    return rc;
}

static void commit(tpi_publication_t *pub, tpi_bus_claim_t *c)
{
    inner->commit(pub, c);
    (void)pthread_mutex_unlock(&lock);
}

static void abort_claim(tpi_publication_t *pub, tpi_bus_claim_t *c)
{
    inner->abort(pub, c);
    (void)pthread_mutex_unlock(&lock);
}

static int64_t send_prepared(tpi_publication_t *pub, const void *message, size_t length)
{
    LOCKED(int64_t, inner->send_prepared(pub, message, length));
}

static int64_t offer(tpi_publication_t *pub, const uint8_t *data, size_t length) { LOCKED(int64_t, inner->offer(pub, data, length)); }
static bool publication_is_connected(const tpi_publication_t *pub) { LOCKED(bool, inner->publication_is_connected(pub)); }

static void publication_close(tpi_publication_t *pub)
{
    (void)pthread_mutex_lock(&lock);
    inner->publication_close(pub);
    (void)pthread_mutex_unlock(&lock);
}

/* Handlers send: the lock is not held while they run, so messages are taken one by one into a copy first. */
typedef struct taken { uint8_t data[4096]; tpi_message_t message; int count; } taken_t;

static void take(void *clientd, const tpi_message_t *message)
{
    taken_t *t = clientd;
    t->message = *message;
    for (size_t i = 0; i < message->length && i < sizeof(t->data); i++) { t->data[i] = message->data[i]; }
    t->message.data = t->data;
    t->count++;
}

static int poll(tpi_subscription_t *sub, tpi_on_message_t handler, void *clientd, int limit)
{
    int n = 0;
    for (; n < limit; n++)
    {
        taken_t t = { .count = 0 };
        (void)pthread_mutex_lock(&lock);
        const int rc = inner->poll(sub, take, &t, 1);
        (void)pthread_mutex_unlock(&lock);
        if (rc < 0) { return rc; }
        if (0 == t.count) { break; }
        handler(clientd, &t.message);
    }
    return n;
}

/* What is no record is only looked at: nobody sends. */
static int poll_records(tpi_subscription_t *sub, tpi_records_t *records) { LOCKED(int, inner->poll_records(sub, records)); }
static bool subscription_is_connected(const tpi_subscription_t *sub) { LOCKED(bool, inner->subscription_is_connected(sub)); }
static bool subscription_has_message(tpi_subscription_t *sub) { LOCKED(bool, inner->subscription_has_message(sub)); }
static int image_count(const tpi_subscription_t *sub) { LOCKED(int, inner->image_count(sub)); }

static void subscription_close(tpi_subscription_t *sub)
{
    (void)pthread_mutex_lock(&lock);
    inner->subscription_close(sub);
    (void)pthread_mutex_unlock(&lock);
}

static void counter_close(tpi_counter_t *counter)
{
    (void)pthread_mutex_lock(&lock);
    inner->counter_close(counter);
    (void)pthread_mutex_unlock(&lock);
}

void locked_bus_wrap(tpi_bus_t *bus)
{
    inner = bus->ops;
    outer = (tpi_bus_ops_t){ .do_work = do_work, .heartbeat_ms = heartbeat_ms, .counters = counters, .close = close_bus,
        .add_publication = add_publication, .add_subscription = add_subscription, .add_counter = add_counter, .async_poll = async_poll,
        .async_cancel = async_cancel, .claim = claim, .commit = commit, .abort = abort_claim, .send_prepared = send_prepared, .offer = offer,
        .publication_is_connected = publication_is_connected, .publication_close = publication_close, .poll = poll,
        .poll_records = poll_records,
        .subscription_is_connected = subscription_is_connected, .subscription_has_message = subscription_has_message, .image_count = image_count,
        .subscription_close = subscription_close,
        .counter_close = counter_close };
    bus->ops = &outer;
}
