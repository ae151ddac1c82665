/*
 * The cold side of a producer: context, life, and what the conductor does for it (lease, regions, activity, QoS, registry, counters). Everything but
 * the public calls runs on the conductor.
 */
#include "client/producer_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "common/err.h"
#include "client/client_counters.h"
#include "client/producer_wake.h"
#include "client/join_state.h"

#define DEFAULT_ATTACH_TIMEOUT_NS (5 * TPI_NS_PER_S)
#define CALL_TIMEOUT_NS (60 * TPI_NS_PER_S)
#define REOPEN_NS TPI_NS_PER_S
#define PROGRESS_RATE_MAX 1000000u

struct tp_producer_context
{
    uint32_t stream_id;
    uint32_t client_id;
    uint32_t node_id;
    uint8_t publish_mode;
    uint8_t hugepages;
    bool publish_time;
    tpi_trace_wanted_t trace;
    int64_t attach_timeout_ns;
    uint32_t blob_chunk_max;
    tpi_grants_t grants;
    tpi_progress_limits_t progress;
    tp_payload_flush_t flush;
    void *flush_clientd;
    tp_producer_event_handler_t on_event;
    void *event_clientd;
};

/* ---- context ------------------------------------------------------------------------------------------------------------ */

int tp_producer_context_init(tp_producer_context_t **context)
{
    if (NULL == context) { TPI_SET_ERR(TP_EINVAL, "context is NULL"); return -1; }
    tp_producer_context_t *c = tpi_alloc(sizeof(*c));
    if (NULL == c) { return -1; }
    c->node_id = TP_NULL_U32;
    c->publish_mode = TP_PUBLISH_EXISTING_OR_CREATE;
    c->hugepages = TP_HUGEPAGES_UNSPECIFIED;
    c->attach_timeout_ns = DEFAULT_ATTACH_TIMEOUT_NS;
    c->blob_chunk_max = TPI_BLOB_CHUNK_MAX;
    tpi_grants_init(&c->grants);
    c->progress = (tpi_progress_limits_t)TPI_PROGRESS_LIMITS_INIT;
    *context = c;
    return 0;
}

void tp_producer_context_close(tp_producer_context_t *context) { tpi_free(context); }

int tpi_producer_context_for(tp_producer_context_t **copy, const tp_producer_context_t *context, uint32_t stream_id)
{
    if (tp_producer_context_init(copy) < 0) { return -1; }
    if (NULL != context) { **copy = *context; }
    (*copy)->stream_id = stream_id;
    return 0;
}

static int check(const tp_producer_context_t *context, bool good, const char *what, int64_t value, const char *bound)
{
    if (NULL == context) { TPI_SET_ERR(TP_EINVAL, "context is NULL"); return -1; }
    if (!good) { TPI_SET_ERR(TP_EINVAL, "%s = %" PRId64 ", allowed: %s", what, value, bound); return -1; }
    return 0;
}

int tp_producer_context_set_stream_id(tp_producer_context_t *context, uint32_t stream_id)
{
    if (check(context, TP_NULL_U32 != stream_id, "stream_id", stream_id, "0..4294967294") < 0) { return -1; }
    context->stream_id = stream_id;
    return 0;
}

int tp_producer_context_set_client_id(tp_producer_context_t *context, uint32_t client_id)
{
    if (check(context, true, "client_id", client_id, "") < 0) { return -1; }
    context->client_id = client_id;
    return 0;
}

int tp_producer_context_set_publish_mode(tp_producer_context_t *context, int mode)
{
    const bool good = TP_PUBLISH_REQUIRE_EXISTING == mode || TP_PUBLISH_EXISTING_OR_CREATE == mode || TP_PUBLISH_ABSENT == mode;
    if (check(context, good, "publish_mode", mode, "1, 2, 255") < 0) { return -1; }
    context->publish_mode = (uint8_t)mode;
    return 0;
}

int tp_producer_context_set_hugepages(tp_producer_context_t *context, int policy)
{
    if (check(context, policy >= TP_HUGEPAGES_UNSPECIFIED && policy <= TP_HUGEPAGES_REQUIRED, "hugepages", policy, "0, 1, 2") < 0) { return -1; }
    context->hugepages = (uint8_t)policy;
    return 0;
}

int tp_producer_context_set_node_id(tp_producer_context_t *context, uint32_t node_id)
{
    if (check(context, true, "node_id", node_id, "") < 0) { return -1; }
    context->node_id = node_id;
    return 0;
}

int tp_producer_context_set_publish_time(tp_producer_context_t *context, bool publish_time)
{
    if (check(context, true, "publish_time", publish_time, "") < 0) { return -1; }
    context->publish_time = publish_time;
    return 0;
}

int tp_producer_context_set_trace(tp_producer_context_t *context, bool trace)
{
    if (check(context, true, "trace", trace, "") < 0) { return -1; }
    context->trace = trace ? TPI_TRACE_WANTED : TPI_TRACE_UNWANTED;
    return 0;
}

int tp_producer_context_set_attach_timeout_ns(tp_producer_context_t *context, int64_t timeout_ns)
{
    if (check(context, timeout_ns >= 0, "attach_timeout_ns", timeout_ns, "0 or more") < 0) { return -1; }
    context->attach_timeout_ns = timeout_ns;
    return 0;
}

int tp_producer_context_set_meta_blob_chunk_max(tp_producer_context_t *context, uint32_t bytes)
{
    if (check(context, bytes >= 1 && bytes <= TPI_BLOB_CHUNK_MAX, "meta_blob_chunk_max", bytes, "1..65536") < 0) { return -1; }
    context->blob_chunk_max = bytes;
    return 0;
}

int tp_producer_context_set_payload_flush(tp_producer_context_t *context, tp_payload_flush_t flush, void *clientd)
{
    if (check(context, true, "flush", 0, "") < 0) { return -1; }
    context->flush = flush;
    context->flush_clientd = clientd;
    return 0;
}

int tp_producer_context_set_answer_hello(tp_producer_context_t *context, int policy)
{
    if (check(context, policy >= TP_ANSWER_HELLO_AUTO && policy <= TP_ANSWER_HELLO_ALWAYS, "answer_hello", policy, "0, 1, 2") < 0) { return -1; }
    context->grants.authority = (tpi_registry_authority_t)policy;
    return 0;
}

int tp_producer_context_set_private_descriptor_range(tp_producer_context_t *context, uint32_t first, uint32_t last)
{
    if (check(context, true, "range", first, "") < 0) { return -1; }
    return tpi_grants_set_range(&context->grants, TPI_PRIVATE_DESCRIPTOR, first, last);
}

int tp_producer_context_set_private_control_range(tp_producer_context_t *context, uint32_t first, uint32_t last)
{
    if (check(context, true, "range", first, "") < 0) { return -1; }
    return tpi_grants_set_range(&context->grants, TPI_PRIVATE_CONTROL, first, last);
}

int tp_producer_context_set_payload_fallback_uri(tp_producer_context_t *context, const char *uri)
{
    if (check(context, true, "payload_fallback_uri", 0, "") < 0) { return -1; }
    return tpi_grants_set_fallback(&context->grants, uri);
}

int tp_producer_context_set_consumer_staleness(tp_producer_context_t *context, uint32_t multiple, int64_t interval_ns)
{
    const bool good = multiple >= TPI_STALE_MULTIPLE_MIN && multiple <= TPI_STALE_MULTIPLE_MAX;
    if (check(context, good, "consumer_stale_multiple", multiple, "3..5") < 0) { return -1; }
    if (check(context, interval_ns > 0 && interval_ns <= INT64_C(3600) * TPI_NS_PER_S, "interval_ns", interval_ns, "above 0, up to an hour") < 0)
    {
        return -1;
    }
    context->grants.stale_multiple = multiple;
    context->grants.hello_interval_ns = interval_ns;
    return 0;
}

int tp_producer_context_set_progress_limits(tp_producer_context_t *context, uint32_t interval_us, uint32_t bytes_delta, uint32_t major_delta_units,
    uint32_t max_rate_hz)
{
    if (check(context, max_rate_hz >= 1 && max_rate_hz <= PROGRESS_RATE_MAX, "max_rate_hz", max_rate_hz, "1..1000000") < 0) { return -1; }
    context->progress = (tpi_progress_limits_t){ interval_us, bytes_delta, major_delta_units, max_rate_hz };
    return 0;
}

int tp_producer_context_set_event_handler(tp_producer_context_t *context, tp_producer_event_handler_t handler, void *clientd)
{
    if (check(context, true, "handler", 0, "") < 0) { return -1; }
    context->on_event = handler;
    context->event_clientd = clientd;
    return 0;
}

/* ---- mapping ------------------------------------------------------------------------------------------------------------ */

static void notify(tp_producer_t *p, tp_producer_event_t event, uint64_t epoch, int code, const char *text)
{
    if (NULL != p->on_event) { p->on_event(p->event_clientd, event, epoch, code, text); }
}

static void delete_map(tpi_producer_map_t *map)
{
    tpi_pool_set_delete(map->set);
    tpi_producer_wake_release(map);
    map->connection->users--;
    tpi_free(map);
}

static void unpublish(tp_producer_t *p)
{
    tpi_pool_set_delete(p->waiting);
    p->waiting = NULL;
    tpi_producer_trace_lost(p, false);
    atomic_store_explicit(&p->valid_until_ns, INT64_MIN, memory_order_relaxed);
    atomic_store_explicit(&p->epoch, 0, memory_order_relaxed);
    atomic_store_explicit(&p->max_payload_bytes, 0, memory_order_relaxed);
    if (NULL == p->published) { return; }
    tpi_producer_wake_withdrawn(p);
    tpi_handoff_publish(&p->handoff, NULL);
    tpi_producer_call_attention(p);
    p->published->next = p->retired;
    p->retired = p->published;
    p->published = NULL;
}

/* Old mappings go when the producer's thread has moved on and no claim is out (M9). */
static void reclaim(tp_producer_t *p)
{
    for (tpi_producer_map_t **at = &p->retired; NULL != *at;)
    {
        tpi_producer_map_t *map = *at;
        const bool held = 0 != atomic_load_explicit(&map->claims_out, memory_order_acquire) ||
            0 != atomic_load_explicit(&map->pins, memory_order_acquire);
        if (held || !tpi_handoff_is_free(&p->handoff, map))
        {
            at = &map->next;
            continue;
        }
        *at = map->next;
        delete_map(map);
    }
}

static int publish(tp_producer_t *p)
{
    tpi_producer_map_t *map = tpi_alloc(sizeof(*map));
    if (NULL == map) { return -1; }
    const uint32_t nslots = p->waiting->nslots;
    map->set = p->waiting;
    map->publication = p->publication;
    map->connection = p->connection;
    map->connection->users++;
    map->stream_id = p->waiting->stream_id;
    map->epoch = p->waiting->epoch;
    map->whole_until = nslots;
    map->described = TP_NULL_U64;
    tpc_frame_descriptor_t descriptor = TPC_FRAME_DESCRIPTOR_INIT;
    descriptor.stream_id = map->stream_id;
    descriptor.epoch = map->epoch;
    (void)tpc_frame_descriptor_encode(map->descriptor, sizeof(map->descriptor), &descriptor);
    map->window = nslots < TPI_WINDOW_MAX ? nslots : TPI_WINDOW_MAX;
    map->claims_max = nslots <= 2 ? 1 : nslots - 1 < TPI_CLAIMS_MAX ? nslots - 1 : TPI_CLAIMS_MAX;
    p->waiting = NULL;
    p->published = map;
    const tpi_lease_info_t *lease = &p->attachment->session.lease;
    atomic_store_explicit(&p->stream_id, lease->stream_id, memory_order_relaxed);
    atomic_store_explicit(&p->client_id, lease->client_id, memory_order_relaxed);
    atomic_store_explicit(&p->epoch, map->epoch, memory_order_relaxed);
    atomic_store_explicit(&p->max_payload_bytes, lease->max_stride_bytes, memory_order_relaxed);
    atomic_store_explicit(&p->valid_until_ns, tpi_session_valid_until_ns(&p->attachment->session), memory_order_relaxed);
    atomic_store_explicit(&p->wants_epoch, false, memory_order_relaxed);
    tpi_handoff_publish(&p->handoff, map);
    tpi_producer_call_attention(p);
    p->registry.stream_id = lease->stream_id;
    p->first = 0 == p->first ? 1 : p->first;
    if (p->was_attached) { tpi_stat_add(&p->reattaches, 1); }
    const bool again = p->was_attached;
    p->was_attached = true;
    notify(p, again ? TP_PRODUCER_REATTACHED : TP_PRODUCER_ATTACHED, map->epoch, TP_OK, "");
    return 0;
}

/* Whether a refusal will not mend itself while somebody waits in tp_producer_init. */
static bool is_final(int code) { return TP_EDRIVER != code && TP_EPROTOCOL != code && TP_ELEASE != code && TP_ENODRIVER != code; }

static void refused(tp_producer_t *p, bool final)
{
    tpi_attachment_set_error(p->attachment);
    if (0 == p->first)
    {
        tpi_err_save(&p->first_err);
        if (final) { p->first = -1; }
        return;
    }
    notify(p, TP_PRODUCER_REFUSED, 0, tp_errcode(), tp_errmsg());
    tpi_client_report(p->client);
}

static void map_regions(tp_producer_t *p, const tpc_attach_response_t *response, int64_t now_ns)
{
    tpi_pool_set_spec_t spec;
    tpi_pool_spec_t pools[TPC_POOLS_MAX];
    tpi_attachment_spec(&spec, pools, response);
    if (0 == tpi_pool_set_spec_check(&spec) && 0 == tpi_client_map(p->client, &p->waiting, &spec, true))   /* D-012 D-018 */
    {
        return;
    }
    char text[sizeof(((tpi_err_t *)NULL)->msg)];
    (void)snprintf(text, sizeof(text), "%s", tp_errmsg());
    unpublish(p);
    tpi_session_abandon(&p->attachment->session, tp_errcode(), text, now_ns);             /* D-082 */
    refused(p, TP_EPATH == tp_errcode());
}

/* The lease is handed back: who asked for traced frames gets none without ids. */
static void cannot_trace(tp_producer_t *p, int64_t now_ns)
{
    tpi_err_t err;
    tpi_err_save(&err);
    unpublish(p);
    tpi_session_abandon(&p->attachment->session, err.code, err.msg, now_ns);
    if (0 == p->first)
    {
        p->first_err = err;
        p->first = -1;
        return;
    }
    notify(p, TP_PRODUCER_REFUSED, 0, err.code, err.msg);
    tpi_err_restore(&err);
    tpi_client_report(p->client);
}

static void on_session(tpi_attachment_t *attachment, tpi_session_event_t event, const tpc_attach_response_t *response, int64_t now_ns)
{
    tp_producer_t *p = attachment->owner;
    const tpi_session_t *s = &attachment->session;
    switch (event)
    {
        case TPI_SESSION_ATTACHED:
            unpublish(p);
            if (tpi_producer_trace_attached(p, s->lease.node_id) < 0) { cannot_trace(p, now_ns); }
            else { map_regions(p, response, now_ns); }
            break;
        case TPI_SESSION_REFUSED:
        case TPI_SESSION_BROKEN:
            if (tpi_producer_trace_wish_refused(p, s->code)) { break; }
            if (!(TP_ECLIENTID == s->code && s->auto_client_id)) { refused(p, is_final(s->code)); }
            break;
        case TPI_SESSION_LOST:
            unpublish(p);                                                                 /* D-030 D-116 D-153 M8 */
            notify(p, TP_PRODUCER_LOST, 0, s->code, s->text);
            break;
        case TPI_SESSION_NOTHING:
        case TPI_SESSION_DETACHED:
            break;
    }
}

/* ---- the conductor's cycle ---------------------------------------------------------------------------------------------- */

static void follow_connection(tp_producer_t *p, int64_t now_ns)
{
    tpi_connection_t *c = p->client->connection;
    if (NULL == c || !c->ready) { return; }
    const bool is_open = NULL != p->publication || NULL != p->publication_open;
    if (p->connection == c && (is_open || now_ns < p->reopen_ns)) { return; }              /* refused: asked again now and then */
    const tpi_stream_address_t *d = &p->client->settings.descriptor;
    p->connection = c;
    p->reopen_ns = now_ns + REOPEN_NS;
    p->publication_open = tpi_open_publication(c, d->channel, d->stream_id);
    tpi_client_hurry(p->client, now_ns);
}

int tpi_producer_work(tp_producer_t *producer, int64_t now_ns)
{
    tp_producer_t *p = producer;
    int work = 0;
    follow_connection(p, now_ns);
    if (NULL != p->publication_open)
    {
        void *publication = NULL;
        const int rc = tpi_open_take(p->connection, &p->publication_open, &publication);
        if (rc < 0)
        {
            tpi_err_save(&p->first_err);
            if (0 == p->first) { p->first = -1; }
            tpi_client_report(p->client);
        }
        if (rc > 0) { p->publication = publication; work++; }
    }
    if (NULL != p->waiting && NULL != p->publication && tpi_session_is_leased(&p->attachment->session) && 0 == publish(p)) { work++; }
    if (NULL != p->published)
    {
        atomic_store_explicit(&p->valid_until_ns, tpi_session_valid_until_ns(&p->attachment->session), memory_order_relaxed);
    }
    if (NULL != p->retired) { reclaim(p); }
    work += tpi_producer_wake_work(p, now_ns);
    work += tpi_producer_meta_work(p, now_ns);
    work += tpi_producer_trace_work(p, now_ns);
    work += tpi_producer_progress_work(p, now_ns);
    return work + tpi_producer_streams_work(p, now_ns);
}

void tpi_producer_tick(tp_producer_t *producer, int64_t now_ns)
{
    tp_producer_t *p = producer;
    (void)tpi_registry_sweep(&p->registry, now_ns);
    tpi_producer_streams_tick(p, now_ns);
    tpi_producer_progress_tick(p);
    atomic_store_explicit(&p->consumer_count, (uint32_t)p->registry.count, memory_order_relaxed);
    tpi_producer_counters(p);
    if (NULL == p->published) { return; }
    if (atomic_load_explicit(&p->wants_epoch, memory_order_relaxed))                      /* O-40 */
    {
        unpublish(p);
        tpi_session_abandon(&p->attachment->session, TP_ELEASE, "sequence numbers of this epoch are used up", now_ns);
        return;
    }
    if (now_ns >= p->next_activity_ns)                                                    /* W-006 D-015 */
    {
        p->next_activity_ns = now_ns + p->client->settings.announce_period_ns / 2;
        tpi_pool_set_refresh(p->published->set, (uint64_t)now_ns);
    }
    if (tpi_cadence_is_due(&p->qos, now_ns))
    {
        tpc_qos_producer_t qos = TPC_QOS_PRODUCER_INIT;
        qos.stream_id = p->published->stream_id;
        qos.producer_id = p->attachment->session.lease.client_id;
        qos.epoch = p->published->epoch;
        qos.current_seq = tpi_producer_shown_seq(p);                                      /* O-32 */
        if (tpi_client_send_qos_producer(p->client, &qos)) { tpi_cadence_done(&p->qos, now_ns); }        /* W-188 */
    }
}

void tpi_producer_connection_lost(tp_producer_t *producer, int64_t now_ns)
{
    tp_producer_t *p = producer;
    (void)now_ns;
    unpublish(p);
    tpi_producer_streams_connection_lost(p);
    tpi_producer_progress_connection_lost(p);
    tpi_producer_trace_connection_lost(p);
    p->publication = NULL;                                 /* closed with its bus, when nobody is inside a call on it */
    p->publication_open = NULL;
    p->connection = NULL;
    tpi_client_counters_forget(p->counters, p->counter_opens, 3);
    p->counters_asked = false;
}

/* A higher epoch of our own stream: the regions we write are not the announced ones. */
void tpi_producer_on_announce(tp_producer_t *producer, const tpc_pool_announce_t *announce, int64_t now_ns)
{
    tp_producer_t *p = producer;
    const tpi_session_t *s = &p->attachment->session;
    if (!tpi_session_is_leased(s) || announce->stream_id != s->lease.stream_id || announce->epoch <= s->lease.epoch || TP_NULL_U64 == announce->epoch)
    {
        return;                                                                           /* M7 */
    }
    unpublish(p);
    tpi_session_abandon(&p->attachment->session, TP_ELEASE, "the driver announces a newer epoch of the stream", now_ns);
    notify(p, TP_PRODUCER_LOST, 0, s->code, s->text);
}

void tpi_producer_on_qos(tp_producer_t *producer, const tpc_qos_consumer_t *qos, int64_t now_ns)
{
    if (NULL != producer->published) { tpi_registry_on_qos(&producer->registry, qos, now_ns); }
}

tp_producer_t *tpi_producer_next(const tp_producer_t *producer) { return producer->next; }

/* ---- life --------------------------------------------------------------------------------------------------------------- */

/* Ends everything and frees. No application thread uses the producer any more, so nothing is in use. */
static void dispose(void *object, int64_t now_ns)
{
    tp_producer_t *p = object;
    tp_client_t *client = p->client;
    for (tp_producer_t **at = &client->producers; NULL != *at; at = &(*at)->next)
    {
        if (p == *at) { *at = p->next; break; }
    }
    tpi_join_authority_producer_gone(p->client, p);
    tpi_attachment_close(p->attachment, now_ns);
    tpi_producer_trace_lost(p, true);
    unpublish(p);
    while (NULL != p->retired)
    {
        tpi_producer_map_t *map = p->retired;
        p->retired = map->next;
        delete_map(map);
    }
    tpi_producer_wake_close(p);
    tpi_producer_streams_delete(p);
    tpi_producer_progress_delete(p);
    tpi_producer_trace_delete(p);
    tpi_client_counters_close(p->connection, p->counters, p->counter_opens, 3);
    tpi_open_abandon(p->connection, &p->publication_open);
    tpi_publication_close(p->publication);
    tpi_producer_meta_fini(&p->meta);
    tpi_free(p);
}

static int open_now(tp_producer_t *p, int64_t now_ns)
{
    tp_client_t *client = p->client;
    tpi_session_config_times(client, &p->session_config);
    tpi_cadence_init(&p->qos, client->settings.qos_interval_ns, now_ns);
    tpi_producer_meta_init(&p->meta, client->settings.source_period_ns);
    p->attachment = tpi_attachment_create(client, &p->session_config, p, on_session);
    if (NULL == p->attachment) { return -1; }
    if (tpi_producer_trace_prepare(p) < 0)
    {
        tpi_attachment_close(p->attachment, now_ns);
        return -1;
    }
    p->next = client->producers;
    client->producers = p;
    atomic_store_explicit(&p->client_id, p->attachment->session.client_id, memory_order_relaxed);
    tpi_session_open(&p->attachment->session, now_ns);
    follow_connection(p, now_ns);
    return 0;
}

/* First call: starts. Then once a cycle until the first attach has come to something. A producer that fails here is gone. */
static int run_open(tpi_command_t *command, int64_t now_ns)
{
    tp_producer_t *p = command->object;
    if (!command->started)
    {
        p->attach_deadline_ns = tpi_clock_add_ns(now_ns, p->attach_timeout_ns);
        if (open_now(p, now_ns) < 0)
        {
            tpi_free(p);
            return -1;
        }
        if (0 == p->attach_timeout_ns)
        {
            p->first = 2;                                  /* nobody waits: refusals are events */
            return 1;
        }
    }
    if (p->first > 0) { return 1; }
    if (0 == p->first && now_ns <= p->attach_deadline_ns)
    {
        tpi_client_hurry(p->client, now_ns);
        return 0;
    }
    if (TP_OK == p->first_err.code)
    {
        tpi_attachment_set_error(p->attachment);           /* D-055 */
        tpi_err_save(&p->first_err);
    }
    const tpi_err_t err = p->first_err;
    dispose(p, now_ns);
    tpi_err_restore(&err);
    return -1;
}

static const tpi_opening_t opening = { .run = run_open, .dispose = dispose, .unmake = tpi_free };

static tp_producer_t *create(tp_client_t *client, const tp_producer_context_t *context)
{
    tp_producer_t *p = tpi_alloc_aligned(64, sizeof(*p));
    if (NULL == p) { return NULL; }
    p->client = client;
    p->publish_time = context->publish_time;
    p->trace_wanted = context->trace;
    p->flush = context->flush;
    p->flush_clientd = context->flush_clientd;
    p->on_event = context->on_event;
    p->event_clientd = context->event_clientd;
    p->attach_timeout_ns = context->attach_timeout_ns;
    p->meta.chunk_max = context->blob_chunk_max;
    p->session_config.stream_id = context->stream_id;
    p->session_config.client_id = context->client_id;
    p->session_config.role = TP_ROLE_PRODUCER;
    p->session_config.publish_mode = context->publish_mode;
    p->session_config.hugepages = context->hugepages;
    p->session_config.desired_node_id = context->node_id;
    atomic_init(&p->stream_id, context->stream_id);
    atomic_init(&p->valid_until_ns, INT64_MIN);
    p->free_count = TPI_CLAIMS_MAX;
    p->straight.gate = TPI_GATE_SHUT;
    p->next_serial = TPI_SERIAL_FIRST;
    for (uint32_t i = 0; i < TPI_CLAIMS_MAX; i++) { p->free_claims[i] = (uint16_t)(TPI_CLAIMS_MAX - 1 - i); }
    p->streams.grants = context->grants;
    tpi_producer_progress_init(p, &context->progress);
    tpi_registry_init(&p->registry, context->stream_id, context->grants.stale_multiple, context->grants.hello_interval_ns);        /* W-133 */
    p->registry.authority = context->grants.authority;
    return p;
}

int tp_producer_init(tp_producer_t **producer, tp_client_t *client, const tp_producer_context_t *context)
{
    if (NULL == producer || NULL == client || NULL == context) { TPI_SET_ERR(TP_EINVAL, "producer, client or context is NULL"); return -1; }
    tp_producer_t *p = create(client, context);
    if (tpi_client_open(client, &opening, p, tpi_clock_add_ns(context->attach_timeout_ns, CALL_TIMEOUT_NS)) < 0) { return -1; }
    *producer = p;
    return 0;
}

int tp_async_add_producer(tp_async_add_producer_t **async, tp_client_t *client, const tp_producer_context_t *context)
{
    tpi_command_t *command = NULL;
    if (NULL == async || NULL == client || NULL == context) { TPI_SET_ERR(TP_EINVAL, "async, client or context is NULL"); return -1; }
    if (tpi_client_open_async(&command, client, &opening, create(client, context)) < 0) { return -1; }
    *async = (tp_async_add_producer_t *)command;
    return 0;
}

int tp_async_add_producer_poll(tp_async_add_producer_t *async, tp_producer_t **producer)
{
    void *object = NULL;
    const int rc = tpi_client_open_poll((tpi_command_t *)async, NULL == producer ? NULL : &object);
    if (rc > 0) { *producer = object; }
    return rc;
}

int tp_producer_open(tp_producer_t **producer, tp_client_t *client, uint32_t stream_id)
{
    tp_producer_context_t *context = NULL;
    if (tp_producer_context_init(&context) < 0) { return -1; }
    int rc = tp_producer_context_set_stream_id(context, stream_id);
    if (0 == rc) { rc = tp_producer_init(producer, client, context); }
    tp_producer_context_close(context);
    return rc;
}

void tp_producer_close(tp_producer_t *producer)
{
    if (NULL == producer) { return; }
    tpi_client_dispose(producer->client, dispose, producer);
}

/* ---- looking -------------------------------------------------------------------------------------------------------------- */

int tp_producer_stats(const tp_producer_t *producer, tp_producer_stats_t *stats)
{
    const tp_producer_t *p = producer;
    if (NULL == p || NULL == stats) { TPI_SET_ERR(TP_EINVAL, "producer or stats is NULL"); return -1; }
    const tp_producer_stats_t s = { .size = sizeof(s), .attached = tp_producer_is_attached(p) ? 1 : 0,
        .stream_id = tpi_load_u32(&p->stream_id), .client_id = tpi_load_u32(&p->client_id), .epoch = tpi_stat_get(&p->epoch),
        .next_seq = tpi_producer_shown_seq(p), .frames = tpi_producer_frames(p), .bytes = tpi_stat_get(&p->bytes),
        .aborted = tpi_stat_get(&p->aborted), .descriptors_sent = tpi_stat_get(&p->descriptors_sent) + tpi_stat_get(&p->went_straight),
        .descriptors_parked = tpi_stat_get(&p->descriptors_parked), .descriptors_dropped = tpi_stat_get(&p->descriptors_dropped),
        .not_connected = tpi_stat_get(&p->not_connected), .no_pool_fits = tpi_stat_get(&p->no_pool_fits),
        .lease_lost = tpi_stat_get(&p->lease_lost), .back_pressured = tpi_stat_get(&p->back_pressured),
        .progress_sent = tpi_stat_get(&p->progress.sent), .progress_refused = tpi_stat_get(&p->progress.refused),
        .reattaches = tpi_stat_get(&p->reattaches), .private_sent = tpi_stat_get(&p->private_sent),
        .private_dropped = tpi_stat_get(&p->private_dropped), .private_thinned = tpi_stat_get(&p->private_thinned) };
    *stats = s;
    const tpi_producer_trace_t *trace = atomic_load_explicit(&((tp_producer_t *)(uintptr_t)p)->trace, memory_order_acquire);
    if (NULL == trace) { return 0; }
    stats->tracelinks_sent = tpi_stat_get(&trace->sent);
    stats->tracelinks_dropped = tpi_stat_get(&trace->dropped);
    stats->tracelinks_refused = tpi_stat_get(&trace->refused);
    return 0;
}

uint32_t tp_producer_consumer_count(const tp_producer_t *producer) { return NULL == producer ? 0 : tpi_load_u32(&producer->consumer_count); }

bool tp_producer_is_attached(const tp_producer_t *producer)
{
    return NULL != producer && NULL != tpi_handoff_published(&producer->handoff);
}

uint64_t tp_producer_max_payload_bytes(const tp_producer_t *producer) { return NULL == producer ? 0 : tpi_stat_get(&producer->max_payload_bytes); }

uint64_t tpi_producer_epoch(const tp_producer_t *producer) { return tpi_stat_get(&producer->epoch); }
uint32_t tpi_producer_stream(const tp_producer_t *producer) { return tpi_load_u32(&producer->stream_id); }
