/* Messages in: the gate of 1.6 is the dispatcher's, decisions are protocol/'s; here facts are gathered and outcomes carried out. */
#include <string.h>

#include "driver/driver_state.h"
#include "protocol/hello.h"

#define REFUSALS_PER_S 50                                    /* lines in the log: who floods the stream does not flood the log */
#define OTHER_AUTHORITY_NS (INT64_C(5) * 1000000000)        /* five hello intervals */

static bool may_log_refusal(tpi_driver_t *driver, int64_t now_ns)
{
    if (now_ns - driver->refusals_since_ns >= INT64_C(1000000000))
    {
        if (0 != driver->refusals_unlogged)
        {
            TPI_LOG_WARN(0, "%llu lines about refused requests were left out", (unsigned long long)driver->refusals_unlogged);
        }
        driver->refusals_since_ns = now_ns;
        driver->refusals_logged = 0;
        driver->refusals_unlogged = 0;
    }
    if (driver->refusals_logged < REFUSALS_PER_S)
    {
        driver->refusals_logged++;
        return true;
    }
    driver->refusals_unlogged++;
    return false;
}

/* ---- attach ---------------------------------------------------------------------------------------------------------------- */

static bool wait_is_same(const tpc_attach_request_t *a, const tpc_attach_request_t *b)
{
    return a->client_id == b->client_id && a->correlation_id == b->correlation_id && a->role == b->role && a->stream_id == b->stream_id;
}

static const tpi_wait_t *find_wait(const tpi_driver_t *driver, uint32_t client_id)
{
    const tpi_wait_t *wait = NULL;
    DL_FOREACH(driver->waits, wait)
    {
        if (wait->request.client_id == client_id) { return wait; }
    }
    return NULL;
}

static void gather(tpi_driver_t *driver, const tpc_attach_request_t *request, const tpi_stream_t *stream, tpi_attach_facts_t *facts, int64_t now_ns)
{
    const tpi_lease_record_t *const record = tpi_lease_find_client(driver, request->client_id);
    const tp_profile_config_t *const default_profile = tpi_driver_config_default_profile(&driver->config);
    const bool known = NULL != stream && stream->is_known;
    const tp_profile_config_t *const profile = known ? &stream->profile : default_profile;
    *facts = (tpi_attach_facts_t){
        .draining = TP_DRIVER_RUNNING != driver->state,
        .is_repeat = NULL != record && tpi_lease_is_repeat(&record->lease, request),
        .client_attached = NULL != record || NULL != find_wait(driver, request->client_id),
        .stream_known = known,
        .allow_dynamic = driver->config.allow_dynamic_streams,
        .range_set = tpi_stream_range_is_set(&driver->dynamic_range),
        .in_range = tpi_stream_range_holds(&driver->dynamic_range, request->stream_id),
        .id_free = 0 != request->stream_id || 0 != tpi_stream_next_id(driver),
        .default_profile_known = NULL != default_profile,
        .pool_count = NULL == profile ? 0 : profile->pool_count,
        .has_producer = NULL != stream && tpi_stream_has_producer(driver, stream),
        .huge_backing = driver->is_huge,
        .default_huge = driver->config.require_hugepages,
        .wanted_node_free = tpi_node_ids_is_free(&driver->node_ids, request->desired_node_id, request->client_id, now_ns),
        .any_node_free = 0 != tpi_node_ids_pick(&driver->node_ids, request->client_id, now_ns),
    };
}

static void fail(tpi_driver_t *driver, const tpc_attach_request_t *request, int64_t now_ns)
{
    driver->stats.attach_failed++;
    tpi_log_err(TP_LOG_ERROR);
    tpi_proxy_attach_refused(driver, request->correlation_id, TPC_CODE_INTERNAL_ERROR, tp_errmsg(), now_ns);
}

/* Regions first; the answer comes when they are made. */
static int begin_creation(tpi_driver_t *driver, tpi_stream_t *stream, const tpc_attach_request_t *request, uint32_t node_id, bool hugepages,
    int64_t now_ns)
{
    tpi_wait_t *const wait = tpi_wait_add(driver, stream, request);
    if (NULL == wait) { return -1; }
    wait->node_id = node_id;
    if (0 == stream->epoch || NULL == stream->files) { stream->hugepages = hugepages; }
    if (0 == tpi_stream_raise(driver, stream, wait, now_ns)) { return 0; }                    /* D-129 */
    tpi_wait_remove(driver, wait);
    return -1;
}

static tpi_stream_t *new_stream(tpi_driver_t *driver, const tpc_attach_request_t *request, bool allocate_id)
{
    const uint32_t id = allocate_id ? tpi_stream_next_id(driver) : request->stream_id;        /* D-163 */
    tpi_stream_t *const stream = tpi_stream_add(driver, id, "", tpi_driver_config_default_profile(&driver->config), false);
    if (NULL != stream && allocate_id) { tpi_stream_range_take(&driver->dynamic_range, id); }
    return stream;
}

static void grant(tpi_driver_t *driver, tpi_stream_t *stream, const tpc_attach_request_t *request, const tpi_attach_decision_t *decision,
    int64_t now_ns)
{
    if (NULL != stream && stream->is_creating)                 /* decided again when the regions are there */
    {
        if (NULL == tpi_wait_add(driver, stream, request)) { fail(driver, request, now_ns); }
        return;
    }
    if (tpi_lease_table_count(&driver->leases) + driver->wait_count >= driver->options.leases_max)
    {
        driver->stats.limit_leases++;
        TPI_SET_ERR(TP_EFULL, "leases = %zu, the driver grants no more", driver->options.leases_max);
        fail(driver, request, now_ns);
        return;
    }
    const uint32_t node_id = decision->any_node ? tpi_node_ids_pick(&driver->node_ids, request->client_id, now_ns) : request->desired_node_id;
    if (tpi_node_ids_hold(&driver->node_ids, node_id, request->client_id, now_ns) < 0)
    {
        fail(driver, request, now_ns);
        return;
    }
    int rc = 0;
    if (decision->create_stream) { stream = new_stream(driver, request, decision->allocate_id); }
    if (NULL == stream) { rc = -1; }
    else if (TP_ROLE_PRODUCER == request->role || !tpi_stream_is_usable(stream))                    /* D-139 */
    {
        rc = begin_creation(driver, stream, request, node_id, decision->hugepages, now_ns);
    }
    else { rc = tpi_lease_commit(driver, stream, request, node_id, now_ns); }
    if (0 == rc) { return; }
    tpi_node_ids_cancel(&driver->node_ids, node_id);
    fail(driver, request, now_ns);
    if (NULL != stream) { tpi_stream_forget_if_unused(driver, stream, now_ns); }
}

void tpi_handle_attach(tpi_driver_t *driver, const tpc_attach_request_t *request, int64_t now_ns)
{
    const tpi_wait_t *const waiting = find_wait(driver, request->client_id);
    if (NULL != waiting && wait_is_same(&waiting->request, request))
    {
        driver->stats.attach_absorbed++;                       /* its answer is on the way (trap P3) */
        return;
    }
    tpi_stream_t *const stream = 0 == request->stream_id ? NULL : tpi_stream_find(driver, request->stream_id);
    tpi_attach_facts_t facts;
    gather(driver, request, stream, &facts, now_ns);
    const tpi_attach_decision_t decision = tpi_attach_decide(request, &facts);
    switch (decision.outcome)
    {
        case TPI_ATTACH_GRANT: grant(driver, stream, request, &decision, now_ns); break;
        case TPI_ATTACH_REPEAT:
            driver->stats.attach_repeated++;
            tpi_proxy_attach_ok(driver, tpi_lease_find_client(driver, request->client_id), request->correlation_id, now_ns);
            break;
        case TPI_ATTACH_REFUSE:
            driver->stats.attach_refused++;
            if (NULL != stream) { stream->counts.refused++; }
            if (may_log_refusal(driver, now_ns))
            {
                TPI_LOG_INFO("stream %u: attach of client %u refused: %s", request->stream_id, request->client_id, decision.text);
            }
            tpi_proxy_attach_refused(driver, request->correlation_id, decision.code, decision.text, now_ns);
            break;
    }
}

/* ---- messages -------------------------------------------------------------------------------------------------------------- */

static void malformed(tpi_driver_t *driver, const char *what)
{
    tpi_dispatcher_malformed(driver->dispatcher);              /* D-202: no answer, only counted */
    TPI_LOG_DEBUG("malformed %s ignored", what);
}

static void on_attach(void *clientd, const tpi_message_t *message, int64_t now_ns)
{
    tpi_driver_t *const driver = clientd;
    tpc_attach_request_t request;
    driver->attaches_in_cycle++;
    if (TPC_OK != tpc_attach_request_decode(&request, message->data, message->length)) { malformed(driver, "ShmAttachRequest"); return; }
    tpi_handle_attach(driver, &request, now_ns);
}

static void on_detach(void *clientd, const tpi_message_t *message, int64_t now_ns)
{
    tpi_driver_t *const driver = clientd;
    tpc_detach_request_t request;
    driver->attaches_in_cycle++;
    if (TPC_OK != tpc_detach_request_decode(&request, message->data, message->length)) { malformed(driver, "ShmDetachRequest"); return; }
    tpi_lease_record_t *const record = tpi_lease_find(driver, request.lease_id);
    const bool matches = NULL != record && tpi_lease_matches_detach(&record->lease, &request);
    const tpi_detach_decision_t decision = tpi_detach_decide(request.role, matches);
    if (TPC_CODE_OK == decision.code)
    {
        driver->stats.detach_granted++;
        tpi_lease_finish(driver, record, TPC_REVOKE_DETACHED, "", &request, now_ns);
        return;
    }
    driver->stats.detach_refused++;
    tpi_proxy_detach(driver, request.correlation_id, decision.code, decision.text, now_ns);
}

static void on_keepalive(void *clientd, const tpi_message_t *message, int64_t now_ns)
{
    tpi_driver_t *const driver = clientd;
    tpc_keepalive_t keepalive;
    if (TPC_OK != tpc_keepalive_decode(&keepalive, message->data, message->length)) { malformed(driver, "ShmLeaseKeepalive"); return; }
    tpi_lease_record_t *const record = tpi_lease_find(driver, keepalive.lease_id);
    if (NULL == record || !tpi_lease_keepalive(&record->lease, &keepalive, now_ns))
    {
        driver->stats.keepalive_ignored++;
        return;
    }
    driver->stats.keepalive_accepted++;
    tpi_lease_table_renew(&driver->leases, &record->deadline, record->lease.expiry_ns);
    tpi_shown_set(record->counter, now_ns);
}

/* In constant time for a given length of the configured token. */
static bool token_is_right(const char *token, tpc_bytes_t given)
{
    const size_t length = strlen(token);
    if (0 == length) { return false; }                         /* D-143: no token, no shutdown by request */
    unsigned difference = length == given.length ? 0u : 1u;
    for (size_t i = 0; i < length; i++)
    {
        const unsigned char other = 0 == given.length ? 0 : (unsigned char)given.data[i % given.length];
        difference |= (unsigned)((unsigned char)token[i] ^ other);
    }
    return 0 == difference;                                    /* D-146 D-147 */
}

static void on_shutdown_request(void *clientd, const tpi_message_t *message, int64_t now_ns)
{
    tpi_driver_t *const driver = clientd;
    tpc_shutdown_request_t request;
    if (TPC_OK != tpc_shutdown_request_decode(&request, message->data, message->length)) { malformed(driver, "ShmDriverShutdownRequest"); return; }
    if (TP_DRIVER_RUNNING != driver->state) { return; }
    if (!token_is_right(driver->config.shutdown_token, request.token) || request.reason > TPC_SHUTDOWN_ERROR)
    {
        driver->stats.shutdown_refused++;                      /* D-144 */
        if (!may_log_refusal(driver, now_ns)) { return; }
        TPI_LOG_WARN(TP_EPERM, "shutdown request ignored: %s", '\0' == driver->config.shutdown_token[0] ? "no token is configured" :
            request.reason > TPC_SHUTDOWN_ERROR ? "unknown reason" : "wrong token");
        return;
    }
    char text[TPC_ERROR_MESSAGE_MAX + 1];
    (void)tpc_bytes_copy(text, sizeof(text), request.error_message);
    tpi_driver_begin_drain(driver, request.reason, text, false, now_ns);                      /* D-145 D-148 */
}

static void on_hello(void *clientd, const tpi_message_t *message, int64_t now_ns)
{
    tpi_driver_t *const driver = clientd;
    tpc_consumer_hello_t hello;
    if (TPC_OK != tpc_consumer_hello_decode(&hello, message->data, message->length)) { malformed(driver, "ConsumerHello"); return; }
    const bool silent = 0 == strcmp(driver->config.answer_hello, "never") ||
        (0 != driver->other_authority_ns && now_ns - driver->other_authority_ns < OTHER_AUTHORITY_NS);     /* O-28: one authority */
    tpi_lease_record_t *const record = tpi_lease_find_client(driver, hello.consumer_id);
    if (silent || NULL == record || TP_ROLE_CONSUMER != record->lease.role || hello.stream_id != record->lease.stream_id) { return; }
    const tpi_hello_wish_t descriptor = tpi_hello_wish(hello.descriptor_channel, hello.descriptor_stream_id);
    const tpi_hello_wish_t control = tpi_hello_wish(hello.control_channel, hello.control_stream_id);
    if (TPI_HELLO_NONE == descriptor && TPI_HELLO_NONE == control)         /* asks for nothing any more: no answer, and no ids */
    {
        tpi_lease_release_descriptor_id(driver, record);
        tpi_lease_release_control_id(driver, record);
        return;
    }
    tpi_hello_facts_t facts = { .has_lease = true };
    if (TPI_HELLO_WANTED == descriptor) { facts.descriptor_id = tpi_lease_assign_descriptor_id(driver, record); }
    else { tpi_lease_release_descriptor_id(driver, record); }
    if (TPI_HELLO_WANTED == control) { facts.control_id = tpi_lease_assign_control_id(driver, record); }
    else { tpi_lease_release_control_id(driver, record); }
    tpc_consumer_config_t config;
    if (!tpi_hello_answer(&config, &hello, &facts)) { return; }
    const bool no_descriptor = TPI_HELLO_NONE != descriptor && 0 == config.descriptor_stream_id;
    const bool no_control = TPI_HELLO_NONE != control && 0 == config.control_stream_id;
    if (no_descriptor || no_control) { driver->stats.hello_declined++; }
    driver->stats.hello_answered++;
    tpi_proxy_config(driver, &config, now_ns);
}

static void on_config(void *clientd, const tpi_message_t *message, int64_t now_ns)
{
    tpi_driver_t *const driver = clientd;
    const bool own = NULL != driver->control.publication && message->session_id == tpi_publication_session_id(driver->control.publication);
    if (!own) { driver->other_authority_ns = now_ns; }
}

/* 1.6: attach and detach of a newer schema are answered UNSUPPORTED, the rest is dropped. */
static void on_newer_version(void *clientd, const tpi_message_t *message, int64_t now_ns)
{
    tpi_driver_t *const driver = clientd;
    tpc_header_t header;
    int64_t correlation_id = 0;
    if (TPC_OK != tpc_header_decode(&header, message->data, message->length) || TPC_DRIVER_SCHEMA != header.schema_id) { return; }
    driver->stats.messages_newer++;
    if (TPC_OK != tpc_driver_correlation_id(&correlation_id, message->data, message->length)) { return; }
    if (TPC_ATTACH_REQUEST == header.template_id)                                             /* D-127 D-072 */
    {
        tpi_proxy_attach_refused(driver, correlation_id, TPC_CODE_UNSUPPORTED, TPI_TEXT_UNSUPPORTED_VERSION, now_ns);
    }
    else if (TPC_DETACH_REQUEST == header.template_id)
    {
        tpi_proxy_detach(driver, correlation_id, TPC_CODE_UNSUPPORTED, TPI_TEXT_UNSUPPORTED_VERSION, now_ns);
    }
}

static const tpi_route_t routes[] = {
    { TPC_DRIVER_SCHEMA, TPC_ATTACH_REQUEST, TPC_ATTACH_REQUEST_BLOCK, on_attach },
    { TPC_DRIVER_SCHEMA, TPC_DETACH_REQUEST, TPC_DETACH_REQUEST_BLOCK, on_detach },
    { TPC_DRIVER_SCHEMA, TPC_KEEPALIVE, TPC_KEEPALIVE_BLOCK, on_keepalive },
    { TPC_DRIVER_SCHEMA, TPC_SHUTDOWN_REQUEST, TPC_SHUTDOWN_REQUEST_BLOCK, on_shutdown_request },
    { TPC_WIRE_SCHEMA, TPC_CONSUMER_HELLO, TPC_CONSUMER_HELLO_BLOCK, on_hello },
    { TPC_WIRE_SCHEMA, TPC_CONSUMER_CONFIG, TPC_CONSUMER_CONFIG_BLOCK, on_config },
};

int tpi_handlers_init(tpi_driver_t *driver)
{
    if (tpi_dispatcher_create(&driver->dispatcher) < 0) { return -1; }
    if (tpi_dispatcher_add(driver->dispatcher, routes, sizeof(routes) / sizeof(routes[0]), driver) < 0) { return -1; }
    tpi_dispatcher_set_newer_version_handler(driver->dispatcher, on_newer_version, driver);
    return 0;
}
