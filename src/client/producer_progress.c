/* Owns the shared progress publication. Two threads: see the parts below. */
#include "client/producer_progress.h"

#include "client/producer_state.h"
#include "codec/codec_wire.h"
#include "common/alloc.h"
#include "common/clock.h"

#define REOPEN_NS TPI_NS_PER_S

_Static_assert(TPI_PROGRESS_STARTED_WORDS * 64u == TPI_WINDOW_MAX, "a bit for every frame of the window");

/* ---- conductor: who listens --------------------------------------------------------------------------------------------- */

void tpi_producer_progress_init(tp_producer_t *producer, const tpi_progress_limits_t *limits)
{
    producer->progress.limits = *limits;
    tpi_progress_source_init(&producer->progress.source, limits->max_rate_hz);
}

static bool wants_progress(tp_producer_t *p, uint32_t consumer_id)
{
    const tpi_registry_entry_t *entry = tpi_registry_find(&p->registry, consumer_id);
    return NULL != entry && entry->supports_progress;
}

/* Marks the control streams of those who listen. How many. */
static uint32_t mark_private(tp_producer_t *p)
{
    uint32_t listening = 0;
    for (tpi_private_link_t *l = p->streams.links; NULL != l; l = l->next)
    {
        if (TPI_PRIVATE_CONTROL != l->kind) { continue; }
        const bool wants = !l->is_gone && NULL != l->publication && wants_progress(p, l->consumer_id);
        atomic_store_explicit(&l->wants_progress, wants, memory_order_relaxed);
        listening += wants ? 1 : 0;
    }
    return listening;
}

void tpi_producer_progress_tick(tp_producer_t *producer)
{
    tp_producer_t *p = producer;
    tpi_producer_progress_t *pr = &p->progress;
    tpi_progress_policy_t policy;
    const uint32_t listeners = tpi_registry_progress(&p->registry, &pr->limits, &policy);
    const uint32_t private_listeners = mark_private(p);
    const bool shared = listeners > private_listeners;
    atomic_store_explicit(&pr->interval_us, policy.interval_us, memory_order_relaxed);
    atomic_store_explicit(&pr->bytes_delta, policy.bytes_delta, memory_order_relaxed);
    atomic_store_explicit(&pr->major_delta, policy.major_delta, memory_order_relaxed);
    atomic_store_explicit(&pr->uses_shared, shared, memory_order_relaxed);
    atomic_store_explicit(&pr->wanted, policy.wanted, memory_order_relaxed);               /* W-177 */
}

/* ---- conductor: the shared publication ---------------------------------------------------------------------------------- */

static void retire(tpi_producer_progress_t *pr)
{
    tpi_handoff_publish(&pr->shared, NULL);
    if (NULL == pr->link) { return; }
    pr->link->next = pr->retired;
    pr->retired = pr->link;
    pr->link = NULL;
}

static void delete_link(const tp_producer_t *p, tpi_progress_link_t *link)
{
    if (link->connection == p->client->connection) { tpi_publication_close(link->publication); }       /* else it goes with its bus */
    link->connection->users--;
    tpi_free(link);
}

static void reclaim(tp_producer_t *p)
{
    for (tpi_progress_link_t **at = &p->progress.retired; NULL != *at;)
    {
        tpi_progress_link_t *link = *at;
        if (!tpi_handoff_is_free(&p->progress.shared, link))
        {
            at = &link->next;
            continue;
        }
        *at = link->next;
        delete_link(p, link);
    }
}

static int adopt(tp_producer_t *p, tpi_publication_t *publication, tpi_connection_t *connection)
{
    tpi_progress_link_t *link = tpi_alloc(sizeof(*link));
    if (NULL == link)
    {
        tpi_publication_close(publication);
        return 0;
    }
    link->publication = publication;
    link->connection = connection;
    connection->users++;
    p->progress.link = link;
    tpi_handoff_publish(&p->progress.shared, link);
    return 1;
}

int tpi_producer_progress_work(tp_producer_t *producer, int64_t now_ns)
{
    tp_producer_t *p = producer;
    tpi_producer_progress_t *pr = &p->progress;
    tpi_connection_t *connection = p->client->connection;
    if (NULL != pr->retired) { reclaim(p); }
    if (NULL != pr->link || NULL == connection || !connection->ready) { return 0; }
    if (NULL == pr->open)
    {
        if (!atomic_load_explicit(&pr->uses_shared, memory_order_relaxed) || now_ns < pr->reopen_ns) { return 0; }
        const tpi_stream_address_t *control = &p->client->settings.control;
        pr->reopen_ns = now_ns + REOPEN_NS;
        pr->open = tpi_open_publication(connection, control->channel, control->stream_id);
        tpi_client_hurry(p->client, now_ns);
        return 1;
    }
    void *publication = NULL;
    const int rc = tpi_open_take(connection, &pr->open, &publication);
    if (rc < 0) { tpi_client_report(p->client); }
    return rc > 0 ? adopt(p, publication, connection) : 0;
}

void tpi_producer_progress_connection_lost(tp_producer_t *producer)
{
    retire(&producer->progress);
    producer->progress.open = NULL;                        /* gone with its connection */
    producer->progress.reopen_ns = 0;
}

void tpi_producer_progress_delete(tp_producer_t *producer)
{
    tpi_producer_progress_t *pr = &producer->progress;
    tpi_open_abandon(producer->client->connection, &pr->open);
    retire(pr);
    while (NULL != pr->retired)
    {
        tpi_progress_link_t *link = pr->retired;
        pr->retired = link->next;
        delete_link(producer, link);
    }
}

/* ---- producer's thread: sending ----------------------------------------------------------------------------------------- */

static bool send_one(tp_producer_t *p, tpi_publication_t *publication, const tpc_frame_progress_t *m)
{
    tpi_bus_claim_t bus;
    int64_t rc = TP_ADMIN_ACTION;
    for (int i = 0; TP_ADMIN_ACTION == rc && i < TPI_ADMIN_RETRIES; i++)         /* A2 */
    {
        rc = tpi_publication_claim(publication, TPC_FRAME_PROGRESS_LENGTH, &bus);
    }
    if (rc < 0)
    {
        tpi_stat_add(&p->progress.refused, 1);
        return false;
    }
    (void)tpc_frame_progress_encode(bus.data, bus.length, m);
    tpi_bus_claim_commit(&bus);
    tpi_stat_add(&p->progress.sent, 1);
    return true;
}

/* A stream on which STARTED of a frame was refused hears nothing of that frame (W-160). */
static bool send_on(tp_producer_t *p, tpi_publication_t *publication, uint64_t *started, const tpc_frame_progress_t *m)
{
    uint64_t *word = &started[m->seq % TPI_WINDOW_MAX / 64u];
    const uint64_t bit = UINT64_C(1) << (m->seq % 64u);
    if (TPC_PROGRESS_STARTED != m->state) { return 0 != (*word & bit) && send_one(p, publication, m); }
    *word &= ~bit;
    if (!send_one(p, publication, m)) { return false; }
    *word |= bit;
    return true;
}

static void forget_start(uint64_t *started, uint64_t seq) { started[seq % TPI_WINDOW_MAX / 64u] &= ~(UINT64_C(1) << (seq % 64u)); }

/* On every stream somebody listens to: true when one of them took it. The bus objects are held during the call only. */
static bool send(tp_producer_t *p, const tpi_producer_map_t *map, uint64_t seq, uint8_t state, uint64_t filled)
{
    tpc_frame_progress_t m = TPC_FRAME_PROGRESS_INIT;
    bool sent = false;
    m.stream_id = map->stream_id;
    m.epoch = map->epoch;
    m.seq = seq;                                                                 /* W-159 */
    m.state = state;
    m.payload_bytes_filled = filled;
    const bool is_start = TPC_PROGRESS_STARTED == state;   /* who does not listen now hears nothing of this frame later either (W-160) */
    const bool uses_shared = atomic_load_explicit(&p->progress.uses_shared, memory_order_relaxed);
    if (uses_shared || (is_start && NULL != tpi_handoff_published(&p->progress.shared)))
    {
        tpi_progress_link_t *link = tpi_handoff_take(&p->progress.shared);
        if (NULL != link && uses_shared && send_on(p, link->publication, link->started, &m)) { sent = true; }
        else if (NULL != link && is_start) { forget_start(link->started, seq); }
        tpi_handoff_release(&p->progress.shared);
    }
    if (NULL == tpi_handoff_published(&p->link_sets)) { return sent; }
    const tpi_link_set_t *set = tpi_handoff_take(&p->link_sets);
    for (uint32_t i = 0; NULL != set && i < set->count[TPI_PRIVATE_CONTROL]; i++)
    {
        tpi_private_link_t *link = set->links[TPI_PRIVATE_CONTROL][i];
        if (!atomic_load_explicit(&link->wants_progress, memory_order_relaxed))
        {
            if (is_start) { forget_start(link->started, seq); }
            continue;
        }
        if (send_on(p, link->publication, link->started, &m)) { sent = true; }   /* W-136 W-140 S-042 */
    }
    tpi_handoff_release(&p->link_sets);
    return sent;
}

/* ---- producer's thread: deciding ---------------------------------------------------------------------------------------- */

static tpi_progress_policy_t policy_of(const tp_producer_t *p)
{
    tpi_producer_progress_t *pr = (tpi_producer_progress_t *)(uintptr_t)&p->progress;
    return (tpi_progress_policy_t){ .wanted = atomic_load_explicit(&pr->wanted, memory_order_relaxed), .interval_us = tpi_load_u32(&pr->interval_us),
        .bytes_delta = tpi_load_u32(&pr->bytes_delta), .major_delta = tpi_load_u32(&pr->major_delta) };
}

static bool start(tp_producer_t *p, const tpi_producer_map_t *map, tpi_claim_entry_t *e, const tpi_progress_policy_t *policy, int64_t now_ns)
{
    e->progress.stride_bytes = e->tensor->tensor.progress_stride_bytes;
    const bool sent = tpi_progress_may_start(&p->progress.source, &e->progress, policy, now_ns) &&
        send(p, map, e->seq, TPC_PROGRESS_STARTED, 0);
    tpi_progress_started(&p->progress.source, &e->progress, sent, now_ns);
    if (sent) { p->progress.running++; }
    return sent;
}

static bool go_on(tp_producer_t *p, const tpi_producer_map_t *map, tpi_claim_entry_t *e, const tpi_progress_policy_t *policy, int64_t now_ns)
{
    if (!tpi_progress_is_due(&p->progress.source, &e->progress, policy, now_ns)) { return false; }
    const bool sent = send(p, map, e->seq, TPC_PROGRESS_PROGRESS, e->progress.filled);
    tpi_progress_progressed(&p->progress.source, &e->progress, sent, now_ns);
    return sent;
}

int tp_producer_offer_progress(tp_producer_t *producer, const tp_buffer_claim_t *claim, uint64_t filled_bytes)
{
    tp_producer_t *p = producer;
    if (NULL == p || NULL == claim) { return TP_INVALID_ARGUMENT; }
    tpi_producer_leave_straight(p);
    tpi_claim_entry_t *e = tpi_producer_find_claim(p, claim);
    if (NULL == e) { return TP_INVALID_CLAIM; }
    const tpi_producer_map_t *map = tpi_producer_current_map(p);
    if (e->map != map) { return TP_LEASE_LOST; }           /* M8; the claim is still to be ended */
    const uint64_t length = claim->length < e->length ? claim->length : e->length;
    if (!tpi_progress_fill(&e->progress, filled_bytes, length)) { return TP_INVALID_ARGUMENT; }        /* W-167 W-168 */
    const tpi_progress_policy_t policy = policy_of(p);
    if (TPI_PROGRESS_OVER == e->progress.phase) { return 0; }
    if (!policy.wanted)                                    /* no clock is read */
    {
        if (TPI_PROGRESS_IDLE == e->progress.phase) { e->progress.phase = TPI_PROGRESS_OVER; }
        return 0;
    }
    const int64_t now_ns = tpi_client_now(p->client);
    int sent = 0;
    if (TPI_PROGRESS_IDLE == e->progress.phase && start(p, map, e, &policy, now_ns)) { sent++; }
    return go_on(p, map, e, &policy, now_ns) ? sent + 1 : sent;
}

int tp_producer_offer_progress_units(tp_producer_t *producer, const tp_buffer_claim_t *claim, uint32_t units)
{
    if (NULL == producer || NULL == claim) { return TP_INVALID_ARGUMENT; }
    tpi_producer_leave_straight(producer);
    const tpi_claim_entry_t *e = tpi_producer_find_claim(producer, claim);
    if (NULL == e) { return TP_INVALID_CLAIM; }
    const tp_tensor_t *const t = &e->tensor->tensor;
    if (TP_PROGRESS_NONE == t->progress_unit) { return TP_INVALID_ARGUMENT; }
    if (units > (uint32_t)t->dims[TP_PROGRESS_ROWS == t->progress_unit ? 0 : 1]) { return TP_INVALID_ARGUMENT; }
    const uint64_t bytes = (uint64_t)units * t->progress_stride_bytes;           /* the last one may be shorter than the stride */
    return tp_producer_offer_progress(producer, claim, bytes < claim->length ? bytes : claim->length);
}

void tpi_producer_progress_complete(tp_producer_t *producer, const tpi_producer_map_t *map, tpi_claim_entry_t *entry, uint64_t length)
{
    tp_producer_t *p = producer;
    const tpi_progress_policy_t policy = policy_of(p);
    const bool sent = tpi_progress_may_complete(&p->progress.source, &entry->progress, &policy, tpi_client_now(p->client)) &&
        send(p, map, entry->seq, TPC_PROGRESS_COMPLETE, length);
    tpi_progress_completed(&p->progress.source, &entry->progress, sent);
}

void tpi_producer_progress_look_again(tp_producer_t *producer, const tpi_producer_map_t *map)
{
    tp_producer_t *p = producer;
    const tpi_progress_policy_t policy = policy_of(p);
    const int64_t now_ns = tpi_client_now(p->client);
    for (uint32_t i = 0; i <= TPI_CLAIM_STRAIGHT; i++)
    {
        tpi_claim_entry_t *e = &p->claims[i];
        if (0 != e->serial && e->map == map && tpi_progress_is_held(&e->progress)) { (void)go_on(p, map, e, &policy, now_ns); }
    }
}
