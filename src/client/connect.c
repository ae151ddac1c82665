/*
 * How a client comes to be: on a real media driver, waiting or polled. A client that is not ready yet is turned by whoever waits for it; afterwards
 * whoever turns it first is its conductor.
 */
#include <inttypes.h>

#include "client/client_state.h"
#include "common/alloc.h"
#include "common/clock.h"
#include "common/err.h"

#define PARK_MAX_NS (200 * TPI_NS_PER_US)        /* a connection takes a few of them */

struct tp_async_connect
{
    tp_client_t *client;
    int64_t deadline_ns;
};

static int open_aeron(void *clientd, const tpi_settings_t *settings, tpi_bus_t **bus)
{
    (void)clientd;
    const tpi_bus_aeron_config_t config = { .aeron_dir = settings->aeron_dir, .client_name = settings->client_name,
        .driver_timeout_ns = settings->driver_timeout_ns, .connect_timeout_ns = 0 };
    return tpi_bus_aeron_open(bus, &config);
}

static int find_endpoint(void *clientd, const tp_context_t *context, tpi_endpoint_t *endpoint)
{
    (void)clientd;
    return tpi_context_find_driver(context, endpoint);
}

static const tpi_client_hooks_t aeron_hooks = { .open_bus = open_aeron, .find_endpoint = find_endpoint, .clientd = NULL };

static int begin(tp_client_t **client, const tp_context_t *context, int64_t *deadline_ns)
{
    tp_client_t *c = NULL;
    if (tpi_client_create(&c, context, &aeron_hooks) < 0) { return -1; }
    const int64_t now_ns = tpi_clock_monotonic_ns();
    if (tpi_connection_open(c, now_ns) < 0)
    {
        tpi_client_delete(c);
        return -1;
    }
    *deadline_ns = now_ns + c->settings.driver_timeout_ns;
    *client = c;
    return 0;
}

/*
 * Turns the conductor once. 1 when control and announce stream are there, 0 not yet, -1 when they will not be: errors of the channels belong here.
 * work: what the turn found to do. Aeron's client takes one message of the media driver a turn, also of those meant for others.
 */
static int advance(tp_client_t *client, int64_t deadline_ns, int *work)
{
    const int64_t now_ns = tpi_clock_monotonic_ns();
    *work = tpi_client_do_work_at(client, now_ns);
    if (NULL == client->connection)
    {
        tpi_err_restore(&client->connect_err);
        return -1;
    }
    if (client->connection->ready)
    {
        atomic_store(&client->conductor, 0);               /* whoever turns it first from now on is the conductor */
        return 1;
    }
    if (now_ns <= deadline_ns) { return 0; }
    TPI_SET_ERR(TP_ETIMEDOUT, "media driver at %s did not add the control stream within %" PRId64 " ms", client->settings.aeron_dir,
        client->settings.driver_timeout_ns / TPI_NS_PER_MS);
    return -1;
}

int tp_client_init(tp_client_t **client, const tp_context_t *context)
{
    tp_client_t *c = NULL;
    tpi_idle_t idle;
    int64_t deadline_ns;
    int rc = 0;
    int work = 0;
    if (NULL == client) { TPI_SET_ERR(TP_EINVAL, "client is NULL"); return -1; }
    if (begin(&c, context, &deadline_ns) < 0) { return -1; }
    tpi_idle_init(&idle, TPI_IDLE_BACKOFF, 10 * TPI_NS_PER_US, PARK_MAX_NS);
    while (0 == (rc = advance(c, deadline_ns, &work))) { tpi_idle(&idle, work, -1); }
    if (rc < 0)
    {
        tpi_client_delete(c);
        return -1;
    }
    *client = c;
    return 0;
}

static int start(tp_client_t *client)
{
    if (client->is_invoker || 0 == tp_client_start(client)) { return 0; }
    tpi_client_delete(client);
    return -1;
}

int tp_connect(tp_client_t **client, const tp_context_t *context)
{
    tp_client_t *c = NULL;
    if (tp_client_init(NULL == client ? NULL : &c, context) < 0 || start(c) < 0) { return -1; }
    *client = c;
    return 0;
}

int tp_async_connect(tp_async_connect_t **async, const tp_context_t *context)
{
    if (NULL == async) { TPI_SET_ERR(TP_EINVAL, "async is NULL"); return -1; }
    tp_async_connect_t *a = tpi_alloc(sizeof(*a));
    if (NULL == a) { return -1; }
    if (begin(&a->client, context, &a->deadline_ns) < 0)
    {
        tpi_free(a);
        return -1;
    }
    atomic_store(&a->client->conductor, 0);
    *async = a;
    return 0;
}

int tp_async_connect_poll(tp_async_connect_t *async, tp_client_t **client)
{
    if (NULL == async || NULL == client) { TPI_SET_ERR(TP_EINVAL, "async or client is NULL"); return -1; }
    tp_client_t *c = async->client;
    int work = 0;
    int rc = advance(c, async->deadline_ns, &work);
    if (0 == rc)
    {
        atomic_store(&c->conductor, 0);                    /* the next poll may come from another thread */
        return 0;
    }
    if (rc < 0) { tpi_client_delete(c); }
    else if (start(c) < 0) { rc = -1; }
    if (rc > 0) { *client = c; }
    tpi_free(async);
    return rc;
}
