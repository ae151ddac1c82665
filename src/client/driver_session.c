/*
 * Driver sessions for tools: one attach without mapping anything, its lease kept alive by the conductor. A session that loses its lease attaches
 * again like every other.
 */
#include "client/client_state.h"

#include <string.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "common/err.h"

#define CALL_TIMEOUT_NS (60 * TPI_NS_PER_S)

struct tp_driver_session
{
    tp_client_t *client;
    tpi_session_config_t config;
    tpi_attachment_t *attachment;      /* the conductor's */
    int first;                         /* 0 open, 1 attached, -1 refused; the conductor's */
    tpi_err_t err;
    int64_t timeout_ns;                /* INT64_MAX: until answered */
    int64_t deadline_ns;
    tp_attach_info_t info;             /* guarded by info_version: odd while the conductor writes */
    _Atomic uint64_t info_words[sizeof(tp_attach_info_t) / sizeof(uint64_t)];
    _Atomic uint64_t info_version;
};

struct tp_async_attach
{
    tpi_command_t *command;
    tp_driver_session_t *session;
};

_Static_assert(0 == sizeof(tp_attach_info_t) % sizeof(uint64_t), "attach info is published in words");

/* ---- conductor ---------------------------------------------------------------------------------------------------------- */

static void publish_info(tp_driver_session_t *session)
{
    const tpi_session_t *s = &session->attachment->session;
    const tpi_lease_info_t *l = &s->lease;
    const bool leased = tpi_session_is_leased(s);
    session->info = (tp_attach_info_t){ .size = sizeof(session->info), .stream_id = l->stream_id, .lease_id = leased ? l->lease_id : 0,
        .epoch = l->epoch,
        .client_id = s->client_id, .layout_version = l->layout_version, .header_nslots = l->header_nslots, .node_id = l->node_id,
        .pool_count = l->pool_count, .max_stride_bytes = l->max_stride_bytes, .lease_deadline_ns = leased ? s->deadline_ns : 0 };
    uint64_t words[sizeof(tp_attach_info_t) / sizeof(uint64_t)];
    memcpy(words, &session->info, sizeof(words));
    atomic_fetch_add(&session->info_version, 1);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) { atomic_store(&session->info_words[i], words[i]); }
    atomic_fetch_add(&session->info_version, 1);
}

static void on_session(tpi_attachment_t *attachment, tpi_session_event_t event, const tpc_attach_response_t *response, int64_t now_ns)
{
    tp_driver_session_t *session = attachment->owner;
    (void)response;
    (void)now_ns;
    const int code = attachment->session.code;
    switch (event)
    {
        case TPI_SESSION_ATTACHED: session->first = 1; break;
        case TPI_SESSION_REFUSED:
            if (0 != session->first || (TP_ECLIENTID == code && attachment->session.auto_client_id)) { break; }
            tpi_attachment_set_error(attachment);
            tpi_err_save(&session->err);
            session->first = -1;
            break;
        default: break;
    }
    publish_info(session);
}

static void dispose(void *object, int64_t now_ns)
{
    tp_driver_session_t *session = object;
    tpi_attachment_close(session->attachment, now_ns);
    tpi_free(session);
}

static int run_attach(tpi_command_t *command, int64_t now_ns)
{
    tp_driver_session_t *session = command->object;
    if (!command->started)
    {
        session->deadline_ns = session->timeout_ns > INT64_MAX - now_ns ? INT64_MAX : now_ns + session->timeout_ns;
        tpi_session_config_times(session->client, &session->config);
        session->attachment = tpi_attachment_create(session->client, &session->config, session, on_session);
        if (NULL == session->attachment)
        {
            tpi_free(session);
            return -1;
        }
        tpi_session_open(&session->attachment->session, now_ns);
        return 0;
    }
    if (session->first > 0) { return 1; }
    if (0 == session->first && now_ns <= session->deadline_ns) { return 0; }
    if (0 == session->first)
    {
        tpi_attachment_set_error(session->attachment);     /* D-055 */
        tpi_err_save(&session->err);
    }
    const tpi_err_t err = session->err;
    dispose(session, now_ns);
    tpi_err_restore(&err);
    return -1;
}

/* Waits for the driver's answer, which the attachment bounds; the session is freed in any case. */
static int run_detach(tpi_command_t *command, int64_t now_ns)
{
    tp_driver_session_t *session = command->object;
    tpi_session_t *s = &session->attachment->session;
    if (!command->started) { tpi_session_close(s, now_ns); }
    const bool unanswered = TPI_SESSION_DETACHING == s->state && now_ns >= s->due_ns;
    if (TPI_SESSION_CLOSED != s->state && !unanswered && !atomic_load(&session->client->closing)) { return 0; }
    dispose(session, now_ns);
    return 1;
}

static void session_abandoned(tpi_command_t *command) { dispose(command->object, tpi_clock_monotonic_ns()); }

/* Pending when the client ends: nobody will get the session. */
static void session_closed(tpi_command_t *command) { dispose(command->object, tpi_clock_monotonic_ns()); }

/* ---- calls -------------------------------------------------------------------------------------------------------------- */

static tp_driver_session_t *create(tp_client_t *client, const tp_attach_request_t *request, int64_t timeout_ns)
{
    if (NULL == client || NULL == request || request->size < sizeof(*request))
    {
        TPI_SET_ERR(TP_EINVAL, "client or request is NULL, or request.size is not sizeof(tp_attach_request_t)");
        return NULL;
    }
    if (TP_ROLE_PRODUCER != request->role && TP_ROLE_CONSUMER != request->role)
    {
        TPI_SET_ERR(TP_EINVAL, "role = %u, allowed: 1 (producer), 2 (consumer)", (unsigned)request->role);
        return NULL;
    }
    tp_driver_session_t *session = tpi_alloc(sizeof(*session));
    if (NULL == session) { return NULL; }
    session->client = client;
    session->timeout_ns = timeout_ns;
    session->config.stream_id = request->stream_id;
    session->config.client_id = request->client_id;
    session->config.role = request->role;
    session->config.publish_mode = request->publish_mode;
    session->config.hugepages = request->hugepages;
    session->config.expected_layout_version = request->expected_layout_version;
    session->config.desired_node_id = request->desired_node_id;
    return session;
}

int tp_driver_attach_async(tp_async_attach_t **async, tp_client_t *client, const tp_attach_request_t *request)
{
    if (NULL == async) { TPI_SET_ERR(TP_EINVAL, "async is NULL"); return -1; }
    tp_driver_session_t *session = create(client, request, INT64_MAX);
    tp_async_attach_t *a = NULL == session ? NULL : tpi_alloc(sizeof(*a));
    if (NULL == a)
    {
        tpi_free(session);
        return -1;
    }
    a->session = session;
    if (0 == tpi_command_create(&a->command, run_attach, client, session)) { a->command->on_closed = session_closed; }
    if (NULL == a->command || tpi_client_enqueue(client, a->command) < 0)
    {
        tpi_command_delete(a->command);
        tpi_free(session);
        tpi_free(a);
        return -1;
    }
    *async = a;
    return 0;
}

int tp_driver_attach_poll(tp_async_attach_t *async, tp_driver_session_t **session)
{
    if (NULL == async || NULL == session) { TPI_SET_ERR(TP_EINVAL, "async or session is NULL"); return -1; }
    const int rc = tpi_command_poll(async->command);
    if (0 == rc) { return 0; }
    if (rc > 0) { *session = async->session; }
    tpi_command_delete(async->command);
    tpi_free(async);
    return rc;
}

int tp_driver_attach(tp_client_t *client, const tp_attach_request_t *request, int64_t timeout_ns, tp_driver_session_t **session)
{
    if (NULL == session || timeout_ns < 0) { TPI_SET_ERR(TP_EINVAL, "session is NULL or timeout_ns is negative"); return -1; }
    tp_driver_session_t *s = create(client, request, timeout_ns);
    tpi_command_t *command = NULL;
    if (NULL == s) { return -1; }
    if (tpi_command_create(&command, run_attach, client, s) < 0)
    {
        tpi_free(s);
        return -1;
    }
    command->on_abandoned = session_abandoned;
    command->on_closed = session_closed;
    const int rc = tpi_client_call(client, command, timeout_ns > INT64_MAX - CALL_TIMEOUT_NS ? INT64_MAX / 2 : timeout_ns + CALL_TIMEOUT_NS);
    if (TPI_CALL_NOT_SENT == rc) { tpi_free(s); }
    if (rc < 0) { return -1; }
    *session = s;
    return 0;
}

int tp_driver_session_info(const tp_driver_session_t *session, tp_attach_info_t *info)
{
    if (NULL == session || NULL == info) { TPI_SET_ERR(TP_EINVAL, "session or info is NULL"); return -1; }
    tp_driver_session_t *s = (tp_driver_session_t *)(uintptr_t)session;
    uint64_t words[sizeof(tp_attach_info_t) / sizeof(uint64_t)];
    for (;;)
    {
        const uint64_t version = atomic_load(&s->info_version);
        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) { words[i] = atomic_load(&s->info_words[i]); }
        if (0 == (version & 1u) && version == atomic_load(&s->info_version)) { break; }
    }
    memcpy(info, words, sizeof(*info));
    return 0;
}

int tp_driver_detach(tp_driver_session_t *session, int64_t timeout_ns)
{
    tpi_command_t *command = NULL;
    if (NULL == session) { return 0; }
    tp_client_t *client = session->client;
    if (atomic_load(&client->closing) || timeout_ns <= 0)
    {
        tpi_client_dispose(client, dispose, session);
        return 0;
    }
    if (tpi_command_create(&command, run_detach, client, session) < 0) { return -1; }
    command->on_closed = session_closed;
    const int rc = tpi_client_call(client, command, timeout_ns);
    if (TPI_CALL_NOT_SENT == rc) { tpi_client_dispose(client, dispose, session); }
    return rc < 0 ? -1 : 0;
}

int tp_driver_detach_async(tp_async_detach_t **async, tp_driver_session_t *session)
{
    tpi_command_t *command = NULL;
    if (NULL == async || NULL == session) { TPI_SET_ERR(TP_EINVAL, "async or session is NULL"); return -1; }
    if (tpi_command_create(&command, run_detach, session->client, session) < 0) { return -1; }
    command->on_closed = session_closed;
    if (tpi_client_enqueue(session->client, command) < 0)
    {
        tpi_command_delete(command);
        return -1;
    }
    *async = (tp_async_detach_t *)command;
    return 0;
}

int tp_driver_detach_poll(tp_async_detach_t *async)
{
    void *session = NULL;
    return tpi_client_open_poll((tpi_command_t *)async, &session);
}
