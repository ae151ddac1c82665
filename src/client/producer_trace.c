/* Owns tpi_producer_trace_t. Sets are offered once and forgotten: nothing here says anything to a commit. */
#include "client/producer_trace.h"

#include <tensor_pool/client/tp_trace.h>

#include "client/change.h"
#include "client/producer_state.h"
#include "client/trace_process.h"
#include "common/alloc.h"
#include "common/clock.h"
#include "common/err.h"

#define REOPEN_NS TPI_NS_PER_S
#define LINK_WAIT_NS (200 * TPI_NS_PER_MS)

_Static_assert(TPI_TRACE_SLOTS_MAX >= TPI_WINDOW_MAX, "every frame of the window is remembered");
_Static_assert(TP_TRACE_PARENTS_MAX == TPC_PARENTS_MAX, "the limit of the header is that of the codec");

static tpi_producer_trace_t *trace_of(const tp_producer_t *producer)
{
    return atomic_load_explicit(&((tp_producer_t *)(uintptr_t)producer)->trace, memory_order_acquire);
}

/* ---- conductor ---------------------------------------------------------------------------------------------------------- */

static tpi_producer_trace_t *need(tp_producer_t *p)
{
    tpi_producer_trace_t *t = trace_of(p);
    if (NULL != t) { return t; }
    t = tpi_alloc(sizeof(*t));
    if (NULL == t) { return NULL; }
    t->lease_node = TP_NULL_U32;
    tpi_trace_outputs_reset(&t->outputs, t->slots, TPI_TRACE_SLOTS_MAX, 0, 0);
    atomic_store_explicit(&p->trace, t, memory_order_release);
    return t;
}

/* Wishes of the application's own stay what they are. */
static void wish(tp_producer_t *p, tpi_producer_trace_t *t, uint32_t node_id)
{
    t->has_wish = TP_NULL_U32 == p->session_config.desired_node_id && TP_NULL_U32 != node_id;
    if (NULL == p->attachment) { return; }
    p->attachment->session.config.desired_node_id = t->has_wish ? node_id : p->session_config.desired_node_id;
}

int tpi_producer_trace_prepare(tp_producer_t *producer)
{
    tp_producer_t *p = producer;
    const bool wanted = TPI_TRACE_AS_CLIENT == p->trace_wanted ? p->client->settings.trace : TPI_TRACE_WANTED == p->trace_wanted;
    if (!wanted) { return 0; }
    tpi_producer_trace_t *t = need(p);
    if (NULL == t) { return -1; }
    t->is_wanted = true;
    wish(p, t, tpi_trace_process_wish());                                       /* T-015 */
    return 0;
}

static int switch_on(tp_producer_t *p, tpi_producer_trace_t *t)
{
    const tpi_settings_t *s = &p->client->settings;
    tpi_trace_generator_t *generator = NULL;
    if (tpi_trace_process_enable(&s->trace_layout, s->trace_node_id, t->lease_node, &generator) < 0) { return -1; }
    if (NULL == t->generator) { t->generator = generator; }                     /* one a process: read by the producer's thread from now on */
    atomic_store_explicit(&t->on, true, memory_order_release);
    return 0;
}

int tpi_producer_trace_attached(tp_producer_t *producer, uint32_t node_id)
{
    tp_producer_t *p = producer;
    tpi_producer_trace_t *t = trace_of(p);
    if (NULL == t) { return 0; }
    t->lease_node = node_id;
    tpi_trace_process_lease_won(node_id);
    const bool is_other = t->has_wish && node_id != p->attachment->session.config.desired_node_id;
    if (is_other) { tpi_trace_process_wish_refused(); }                         /* O-2 */
    t->has_wish = false;
    return t->is_wanted ? switch_on(p, t) : 0;
}

void tpi_producer_trace_lost(tp_producer_t *producer, bool is_final)
{
    tp_producer_t *p = producer;
    tpi_producer_trace_t *t = trace_of(p);
    if (NULL == t) { return; }
    const uint32_t had = t->lease_node;
    t->lease_node = TP_NULL_U32;
    if (TP_NULL_U32 != had) { tpi_trace_process_lease_ended(had, is_final); }
    if (is_final || TP_NULL_U32 == had) { return; }
    wish(p, t, had == tpi_trace_process_wish() ? had : TP_NULL_U32);            /* T-015 O-2 */
}

bool tpi_producer_trace_wish_refused(tp_producer_t *producer, int code)
{
    tp_producer_t *p = producer;
    tpi_producer_trace_t *t = trace_of(p);
    if (NULL == t || !t->has_wish || TP_ENODEID != code) { return false; }
    tpi_trace_process_wish_refused();
    wish(p, t, TP_NULL_U32);
    return true;
}

static void retire(tpi_producer_trace_t *t)
{
    if (NULL == t->published) { return; }
    tpi_handoff_publish(&t->links, NULL);
    t->published->next = t->retired;
    t->retired = t->published;
    t->published = NULL;
}

static void reclaim(tpi_producer_trace_t *t)
{
    for (tpi_trace_link_t **at = &t->retired; NULL != *at;)
    {
        tpi_trace_link_t *link = *at;
        if (!tpi_handoff_is_free(&t->links, link)) { at = &link->next; continue; }
        *at = link->next;
        link->connection->users--;
        tpi_free(link);
    }
}

static int take(tp_producer_t *p, tpi_producer_trace_t *t)
{
    void *publication = NULL;
    const int rc = tpi_open_take(t->connection, &t->open, &publication);
    if (rc < 0) { tpi_client_report(p->client); }
    if (rc <= 0) { return 0; }
    tpi_trace_link_t *link = tpi_alloc(sizeof(*link));
    if (NULL == link)
    {
        tpi_publication_close(publication);
        return 0;
    }
    link->publication = publication;
    link->connection = t->connection;
    link->connection->users++;
    t->published = link;
    tpi_handoff_publish(&t->links, link);
    return 1;
}

int tpi_producer_trace_work(tp_producer_t *producer, int64_t now_ns)
{
    tp_producer_t *p = producer;
    tpi_producer_trace_t *t = trace_of(p);
    if (NULL == t) { return 0; }
    if (NULL != t->retired) { reclaim(t); }
    if (NULL != t->open) { return take(p, t); }
    tpi_connection_t *c = p->client->connection;
    const bool is_due = t->connection != c || now_ns >= t->reopen_ns;           /* refused: asked again now and then */
    if (!t->is_wanted || NULL != t->published || NULL == c || !c->ready || !is_due) { return 0; }
    const tpi_stream_address_t *control = &p->client->settings.control;         /* O-15 */
    t->connection = c;
    t->reopen_ns = now_ns + REOPEN_NS;
    t->open = tpi_open_publication(c, control->channel, control->stream_id);
    return 1;
}

void tpi_producer_trace_connection_lost(tp_producer_t *producer)
{
    tpi_producer_trace_t *t = trace_of(producer);
    if (NULL == t) { return; }
    retire(t);                         /* closed with its bus, when nobody is inside a call on it */
    t->open = NULL;
    t->connection = NULL;
}

void tpi_producer_trace_delete(tp_producer_t *producer)
{
    tp_producer_t *p = producer;
    tpi_producer_trace_t *t = trace_of(p);
    if (NULL == t) { return; }
    tpi_open_abandon(t->connection, &t->open);
    if (NULL != t->published) { tpi_publication_close(t->published->publication); }
    tpi_handoff_release(&t->links);
    retire(t);
    reclaim(t);
    atomic_store_explicit(&p->trace, NULL, memory_order_relaxed);
    tpi_free(t);
}

/* ---- switching ---------------------------------------------------------------------------------------------------------- */

typedef struct switch_change
{
    tpi_change_t change;
    tp_producer_t *producer;
    bool trace;
}
switch_change_t;

static bool is_open(const tp_client_t *client, const tp_producer_t *producer)
{
    const tp_producer_t *p = client->producers;
    while (NULL != p && p != producer) { p = p->next; }
    return NULL != p;
}

static int apply(tpi_change_t *change, int64_t now_ns)
{
    const switch_change_t *c = (const switch_change_t *)change;
    tp_producer_t *p = c->producer;
    if (!is_open(change->client, p)) { TPI_SET_ERR(TP_ESTATE, "producer is closed"); return -1; }
    tpi_producer_trace_t *t = trace_of(p);
    if (!c->trace)
    {
        if (NULL != t)
        {
            t->is_wanted = false;
            atomic_store_explicit(&t->on, false, memory_order_relaxed);
        }
        return 0;
    }
    const bool is_new = NULL == t;
    t = need(p);
    if (NULL == t) { return -1; }
    if (is_new && NULL != p->published)
    {
        t->lease_node = p->attachment->session.lease.node_id;
        tpi_trace_process_lease_won(t->lease_node);
    }
    if (NULL != p->published && switch_on(p, t) < 0) { return -1; }
    t->is_wanted = true;
    tpi_client_hurry(p->client, now_ns);
    return 0;
}

/* Who turns the conductor runs its callbacks, and one of them may have closed the producer. */
static bool is_gone(const tp_client_t *client, const tp_producer_t *p) { return tpi_client_on_conductor(client) && !is_open(client, p); }

/* So that the first sets are not lost; without it tracing goes on all the same. -1: a callback has closed the producer meanwhile. */
static int wait_for_link(tp_client_t *client, const tp_producer_t *p)
{
    const int64_t deadline_ns = tpi_clock_monotonic_ns() + LINK_WAIT_NS;
    tpi_idle_t idle;
    tpi_idle_init(&idle, client->idle, 10 * TPI_NS_PER_US, TPI_NS_PER_MS);
    while (!is_gone(client, p))
    {
        const bool is_over = !tp_producer_is_attached(p) || tpi_clock_monotonic_ns() >= deadline_ns || atomic_load(&client->closing);
        if (is_over) { return 0; }
        tpi_producer_trace_t *t = trace_of(p);
        const tpi_trace_link_t *link = tpi_handoff_take(&t->links);
        const bool is_there = NULL != link && tpi_publication_is_connected(link->publication);
        tpi_handoff_release(&t->links);
        if (is_there || tpi_client_wait_step(client, &idle) < 0) { return 0; }
    }
    TPI_SET_ERR(TP_ESTATE, "producer was closed by a callback");
    return -1;
}

int tp_producer_set_trace(tp_producer_t *producer, bool trace)
{
    if (NULL == producer) { TPI_SET_ERR(TP_EINVAL, "producer is NULL"); return -1; }
    switch_change_t *c = tpi_alloc(sizeof(*c));
    if (NULL == c) { return -1; }
    c->change = (tpi_change_t){ .client = producer->client, .apply = apply };
    c->producer = producer;
    c->trace = trace;
    tp_client_t *client = producer->client;
    if (tpi_change_make(&c->change) < 0) { return -1; }
    return trace ? wait_for_link(client, producer) : 0;
}

/* ---- the producer's thread ---------------------------------------------------------------------------------------------- */

static int64_t real_ns(void *clientd)
{
    (void)clientd;
    return tpi_clock_realtime_ns();
}

static uint64_t next_id(const tpi_producer_trace_t *t)
{
    uint64_t id = TP_NULL_TRACE_ID;
    return TPI_TRACE_MADE == tpi_trace_make(t->generator, real_ns, NULL, &id) ? id : TP_NULL_TRACE_ID;
}

/* Without a clock read but one a millisecond: mono_ns is of a moment ago. */
static uint64_t next_id_at(tpi_producer_trace_t *t, int64_t mono_ns)
{
    uint64_t id;
    if ((uint64_t)mono_ns - (uint64_t)t->synced_ns >= (uint64_t)TPI_NS_PER_MS)
    {
        t->real_less_mono_ns = tpi_clock_realtime_ns() - mono_ns;
        t->synced_ns = mono_ns;
    }
    return TPI_TRACE_MADE == tpi_trace_next(t->generator, mono_ns + t->real_less_mono_ns, &id) ? id : next_id(t);
}

uint64_t tpi_producer_trace_id(tpi_producer_trace_t *trace, uint64_t trace_id, int64_t mono_ns)
{
    tpi_producer_trace_t *t = trace;
    if (TP_NULL_TRACE_ID != trace_id || !atomic_load_explicit(&t->on, memory_order_acquire)) { return trace_id; }      /* T-028 O-9 */
    return INT64_MIN == mono_ns ? next_id(t) : next_id_at(t, mono_ns);
}

void tpi_producer_trace_note(tpi_producer_trace_t *trace, const tpi_producer_map_t *map, uint64_t seq, uint64_t trace_id)
{
    tpi_producer_trace_t *t = trace;
    if (t->outputs.epoch != map->epoch || t->outputs.stream_id != map->stream_id)
    {
        tpi_trace_outputs_reset(&t->outputs, t->slots, map->window, map->stream_id, map->epoch);
    }
    tpi_trace_outputs_put(&t->outputs, seq, trace_id);
}

uint64_t tp_producer_next_trace_id(tp_producer_t *producer)
{
    if (NULL == producer) { return TP_NULL_TRACE_ID; }
    const tpi_producer_trace_t *t = trace_of(producer);
    return NULL == t || !atomic_load_explicit(&((tpi_producer_trace_t *)(uintptr_t)t)->on, memory_order_acquire) ? TP_NULL_TRACE_ID : next_id(t);
}

/* One offer, whatever comes of it. */
static int64_t offer(tpi_producer_trace_t *t, const tpc_trace_link_set_t *set)
{
    uint8_t buffer[TPC_HEADER_BYTES + TPC_TRACE_LINK_SET_BLOCK + 4 + 8 * TPC_PARENTS_MAX];
    const int64_t length = tpc_trace_link_set_encode(buffer, sizeof(buffer), set);
    int64_t rc = TP_NOT_CONNECTED;
    const tpi_trace_link_t *link = tpi_handoff_take(&t->links);
    if (NULL != link && length > 0) { rc = tpi_publication_offer(link->publication, buffer, (size_t)length); }      /* T-004 T-005 T-007 T-026 */
    tpi_handoff_release(&t->links);
    tpi_stat_add(rc > 0 ? &t->sent : &t->dropped, 1);
    return rc;
}

int64_t tp_producer_send_tracelink_set(tp_producer_t *producer, const tp_trace_link_set_t *set)
{
    if (NULL == producer || NULL == set || set->size < sizeof(*set)) { return TP_INVALID_ARGUMENT; }
    tpi_producer_trace_t *t = trace_of(producer);
    if (NULL == t) { return TP_INVALID_ARGUMENT; }
    const bool is_good = NULL != set->parents && set->parent_count <= TPC_PARENTS_MAX && atomic_load_explicit(&t->on, memory_order_relaxed);
    tpc_trace_link_set_t m = TPC_TRACE_LINK_SET_INIT;
    m.stream_id = set->stream_id;
    m.epoch = set->epoch;
    m.seq = set->seq;
    m.trace_id = set->trace_id;
    m.parent_count = is_good ? set->parent_count : 0;
    for (uint32_t i = 0; i < m.parent_count; i++) { m.parents[i] = set->parents[i]; }
    if (TPI_TRACE_GOOD != tpi_trace_outputs_check(&t->outputs, &m))             /* T-035 T-036 */
    {
        tpi_stat_add(&t->refused, 1);
        return TP_INVALID_ARGUMENT;
    }
    return offer(t, &m);
}
