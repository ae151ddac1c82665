/*
 * Clients at other drivers: a stream that was found by name may belong to a driver whose control endpoint is not the one this client is connected to.
 * Each such endpoint gets a client of its own, once, with the settings of its parent; it is worked by the parent's conductor, right after the parent,
 * and ends with it. Everything that is attached through it goes to that driver and to no other (X-054 X-055 X-083).
 */
#include "client/authority.h"

#include <inttypes.h>
#include <string.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "common/err.h"

#define CHILDREN_MAX 16
#define CALL_TIMEOUT_NS (60 * TPI_NS_PER_S)

typedef struct wish
{
    tp_client_t *client;
    tp_stream_ref_t ref;
    tp_client_t *child;                /* being connected, in the end the outcome */
    int64_t deadline_ns;
    int outcome;
    tpi_err_t err;
}
wish_t;

static bool is_at(const tp_client_t *client, const tp_stream_ref_t *ref)
{
    const tpi_stream_address_t *control = &client->settings.control;
    return ref->control_stream_id == control->stream_id && 0 == strcmp(ref->control_channel, control->channel);
}

int tp_context_set_driver_of(tp_context_t *context, const tp_stream_ref_t *stream)
{
    if (NULL == context || NULL == stream || stream->size < sizeof(*stream))
    {
        TPI_SET_ERR(TP_EINVAL, "context or stream is NULL, or stream comes from nowhere");
        return -1;
    }
    if ('\0' != stream->driver_instance[0] && strlen(stream->driver_instance) < sizeof(((tpi_settings_t *)NULL)->driver_instance) &&
        tp_context_set_driver_instance(context, stream->driver_instance) < 0)
    {
        return -1;
    }
    if (0 == stream->control_stream_id) { return 0; }
    /* announces come from where that driver's endpoint file says, or else on its control endpoint */
    if (tp_context_set_announce(context, NULL, 0) < 0) { return -1; }
    return tp_context_set_control(context, stream->control_channel, stream->control_stream_id);
}

static int create_child(wish_t *wish, int64_t now_ns)
{
    tp_client_t *parent = wish->client;
    tp_client_t *child = NULL;
    size_t count = 0;
    for (const tp_client_t *c = parent->children; NULL != c; c = c->sibling) { count++; }
    if (CHILDREN_MAX == count)
    {
        TPI_SET_ERR(TP_EFULL, "connected to %d other drivers already", CHILDREN_MAX);
        return -1;
    }
    tp_context_t *context = tpi_context_copy(parent->context);
    if (NULL == context) { return -1; }
    int rc = tp_context_set_driver_of(context, &wish->ref);
    if (0 == rc) { rc = tpi_client_create(&child, context, &parent->hooks); }
    tp_context_close(context);
    if (rc < 0 || NULL == child) { return -1; }
    child->parent = parent;
    child->is_invoker = parent->is_invoker;
    child->is_stepped = parent->is_stepped;
    if (tpi_connection_open(child, now_ns) < 0)
    {
        tpi_client_delete(child);
        return -1;
    }
    child->sibling = parent->children;
    parent->children = child;
    wish->child = child;
    return 0;
}

static tp_client_t *find_child(const wish_t *wish)
{
    if (0 == wish->ref.control_stream_id || is_at(wish->client, &wish->ref)) { return wish->client; }
    for (tp_client_t *c = wish->client->children; NULL != c; c = c->sibling)
    {
        if (is_at(c, &wish->ref)) { return c; }
    }
    return NULL;
}

/* A child stays also when its first connection fails: it connects again by itself, as every client does. */
static int look(wish_t *wish, bool first, int64_t now_ns)
{
    if (first)
    {
        wish->deadline_ns = tpi_clock_add_ns(now_ns, wish->client->settings.driver_timeout_ns);
        wish->child = find_child(wish);
        if (NULL == wish->child && create_child(wish, now_ns) < 0) { return -1; }
    }
    tpi_client_hurry(wish->client, now_ns);
    if (wish->child == wish->client || (NULL != wish->child->connection && wish->child->connection->ready)) { return 1; }
    if (TP_OK != wish->child->connect_err.code)
    {
        tpi_err_restore(&wish->child->connect_err);
        return -1;
    }
    if (now_ns <= wish->deadline_ns) { return 0; }
    TPI_SET_ERR(TP_ETIMEDOUT, "the media driver did not add stream %" PRId32 " of %.300s in time", wish->ref.control_stream_id,
        wish->ref.control_channel);
    return -1;
}

/* Pending or done: the outcome is in the wish, so that one nobody waits for is freed in any case. */
static int run_wish(tpi_command_t *command, int64_t now_ns)
{
    wish_t *wish = command->object;
    wish->outcome = look(wish, !command->started, now_ns);
    if (wish->outcome < 0) { tpi_err_save(&wish->err); }
    return 0 == wish->outcome ? 0 : 1;
}

static void free_wish(tpi_command_t *command) { tpi_free(command->object); }

int tpi_client_at(tp_client_t *client, const tp_stream_ref_t *ref, tp_client_t **at)
{
    tpi_command_t *command = NULL;
    wish_t *wish = tpi_alloc(sizeof(*wish));
    if (NULL == wish) { return -1; }
    wish->client = client;
    wish->ref = *ref;
    if (tpi_command_create(&command, run_wish, client, wish) < 0)
    {
        tpi_free(wish);
        return -1;
    }
    command->on_abandoned = free_wish;
    command->on_closed = free_wish;
    const int rc = tpi_client_call(client, command, CALL_TIMEOUT_NS);
    if (0 != rc)
    {
        if (TPI_CALL_NOT_SENT == rc) { tpi_free(wish); }   /* else the conductor's */
        return -1;
    }
    const int outcome = wish->outcome;
    if (outcome > 0) { *at = wish->child; }
    else { tpi_err_restore(&wish->err); }
    tpi_free(wish);
    return outcome > 0 ? 0 : -1;
}

int tpi_children_work(tp_client_t *client, int64_t now_ns)
{
    int work = 0;
    for (tp_client_t *c = client->children; NULL != c; c = c->sibling)
    {
        atomic_store(&c->conductor, tpi_thread_self());    /* whoever turns the parent turns them */
        const int n = tpi_client_do_work_at(c, now_ns);
        work += n > 0 ? n : 0;
    }
    return work;
}

void tpi_children_close(tp_client_t *client)
{
    while (NULL != client->children)
    {
        tp_client_t *child = client->children;
        client->children = child->sibling;
        child->parent = NULL;
        tp_client_close(child);
    }
}
