/*
 * Owns the private streams of a producer. Handlers decide and mark, the next cycle opens and closes (trap A4). Conductor only.
 */
#include "client/producer_streams.h"

#include <inttypes.h>
#include <string.h>

#include "client/producer_state.h"
#include "common/alloc.h"
#include "common/clock.h"
#include "common/err.h"

#define DESCRIPTOR_FIRST 31000u        /* suggested ids of 10-wire.md 3.3 */
#define DESCRIPTOR_LAST 31999u
#define CONTROL_FIRST 32000u
#define CONTROL_LAST 32999u
#define STALE_MULTIPLE 5u

/* ---- settings ----------------------------------------------------------------------------------------------------------- */

void tpi_grants_init(tpi_grants_t *grants)
{
    memset(grants, 0, sizeof(*grants));
    grants->stale_multiple = STALE_MULTIPLE;
    grants->hello_interval_ns = TPI_NS_PER_S;
    tpi_stream_range_init(&grants->ranges[TPI_PRIVATE_DESCRIPTOR], DESCRIPTOR_FIRST, DESCRIPTOR_LAST);
    tpi_stream_range_init(&grants->ranges[TPI_PRIVATE_CONTROL], CONTROL_FIRST, CONTROL_LAST);
}

int tpi_grants_set_range(tpi_grants_t *grants, tpi_private_kind_t kind, uint32_t first, uint32_t last)
{
    if (first > last || last > TPI_HELLO_STREAM_MAX || (0 == first && 0 != last))
    {
        TPI_SET_ERR(TP_EINVAL, "range = %" PRIu32 "..%" PRIu32 ", allowed: 1..%u in order, or 0..0 for none", first, last, TPI_HELLO_STREAM_MAX);
        return -1;
    }
    tpi_stream_range_init(&grants->ranges[kind], first, last);
    return 0;
}

int tpi_grants_set_fallback(tpi_grants_t *grants, const char *uri)
{
    const tpc_bytes_t text = tpc_bytes(NULL == uri ? "" : uri);
    if (TPI_FALLBACK_UNSUPPORTED == tpi_hello_fallback(text))                             /* W-153 */
    {
        TPI_SET_ERR(TP_EINVAL, "payload_fallback_uri = '%.100s', allowed: aeron:udp?..., aeron:ipc, bridge://<id>", uri);
        return -1;
    }
    (void)tpc_bytes_copy(grants->fallback_uri, sizeof(grants->fallback_uri), text);
    return 0;
}

/* ---- links -------------------------------------------------------------------------------------------------------------- */

static tpi_private_link_t *find(const tp_producer_t *p, tpi_private_kind_t kind, uint32_t consumer_id)
{
    for (tpi_private_link_t *l = p->streams.links; NULL != l; l = l->next)
    {
        if (!l->is_gone && kind == l->kind && consumer_id == l->consumer_id) { return l; }
    }
    return NULL;
}

static void close_link(tpi_private_link_t *link)
{
    if (NULL != link) { link->is_gone = true; }
}

/* The consumer has left: stop, close, forget. */
static void close_both(tp_producer_t *p, uint32_t consumer_id)
{
    close_link(find(p, TPI_PRIVATE_DESCRIPTOR, consumer_id));                             /* W-132 W-152 S-032 */
    close_link(find(p, TPI_PRIVATE_CONTROL, consumer_id));                                /* W-152 S-047 */
}

static tpi_private_link_t *add_link(tp_producer_t *p, tpi_private_kind_t kind, uint32_t consumer_id, tpc_bytes_t channel, uint32_t stream_id,
    int64_t now_ns)
{
    if (p->streams.link_count >= TPI_PRIVATE_LINKS_MAX) { return NULL; }
    tpi_private_link_t *link = tpi_alloc(sizeof(*link) + channel.length + 1u);
    if (NULL == link) { return NULL; }
    link->kind = kind;
    link->consumer_id = consumer_id;
    link->stream_id = (int32_t)stream_id;
    link->since_ns = now_ns;
    (void)tpc_bytes_copy(link->channel, channel.length + 1u, channel);
    link->next = p->streams.links;
    p->streams.links = link;
    p->streams.link_count++;
    return link;
}

/* Nobody uses the link any more. */
static void delete_link(const tp_producer_t *p, tpi_private_link_t *link)
{
    tpi_open_abandon(link->connection, &link->open);
    if (NULL != link->publication)
    {
        if (link->connection == p->client->connection) { tpi_publication_close(link->publication); }     /* else it goes with its bus */
        link->connection->users--;
    }
    tpi_free(link);
}

/* ---- sets --------------------------------------------------------------------------------------------------------------- */

static void release_set(const tp_producer_t *p, tpi_link_set_t *set)
{
    for (int kind = 0; kind < TPI_PRIVATE_KINDS; kind++)
    {
        for (uint32_t i = 0; i < set->count[kind]; i++)
        {
            tpi_private_link_t *link = set->links[kind][i];
            if (0 == --link->refs && link->is_gone) { delete_link(p, link); }
        }
    }
    tpi_free(set);
}

static void reclaim(tp_producer_t *p)
{
    for (tpi_link_set_t **at = &p->streams.retired; NULL != *at;)
    {
        tpi_link_set_t *set = *at;
        if (!tpi_handoff_is_free(&p->link_sets, set))
        {
            at = &set->next;
            continue;
        }
        *at = set->next;
        release_set(p, set);
    }
}

static bool publish(tp_producer_t *p)
{
    tpi_link_set_t *set = NULL;
    for (tpi_private_link_t *l = p->streams.links; NULL != l; l = l->next)
    {
        if (l->is_gone || NULL == l->publication) { continue; }
        if (NULL == set && NULL == (set = tpi_alloc(sizeof(*set)))) { return false; }
        set->links[l->kind][set->count[l->kind]++] = l;                                   /* W-140 S-046: what goes where is a matter of the kind */
        l->refs++;
    }
    tpi_handoff_publish(&p->link_sets, set);
    tpi_producer_call_attention(p);
    if (NULL != p->streams.set)
    {
        p->streams.set->next = p->streams.retired;
        p->streams.retired = p->streams.set;
    }
    p->streams.set = set;
    return true;
}

/* ---- answers ------------------------------------------------------------------------------------------------------------ */

static bool is_opening(const tp_producer_t *p, uint32_t consumer_id)
{
    const tpi_private_link_t *descriptor = find(p, TPI_PRIVATE_DESCRIPTOR, consumer_id);
    const tpi_private_link_t *control = find(p, TPI_PRIVATE_CONTROL, consumer_id);
    return (NULL != descriptor && NULL == descriptor->publication) || (NULL != control && NULL == control->publication);
}

/* What this producer serves, no more: also what another authority promised is taken back that way when it cannot be served (trap P8). */
static void send_answer(tp_producer_t *p, uint32_t consumer_id)
{
    tpc_consumer_config_t config;
    const tpi_private_link_t *descriptor = find(p, TPI_PRIVATE_DESCRIPTOR, consumer_id);
    const tpi_private_link_t *control = find(p, TPI_PRIVATE_CONTROL, consumer_id);
    tpi_registry_answer(&config, p->registry.stream_id, consumer_id, tpi_registry_find(&p->registry, consumer_id),
        tpc_bytes(p->streams.grants.fallback_uri));
    if (NULL != descriptor && NULL != descriptor->publication)
    {
        config.descriptor_channel = tpc_bytes(descriptor->channel);                       /* W-130 */
        config.descriptor_stream_id = (uint32_t)descriptor->stream_id;                    /* W-130 */
    }
    if (NULL != control && NULL != control->publication)
    {
        config.control_channel = tpc_bytes(control->channel);                             /* W-137 */
        config.control_stream_id = (uint32_t)control->stream_id;                          /* W-137 */
    }
    (void)tpi_client_send_config(p->client, &config);      /* refused by the bus: the next hello asks again */
}

static void set_rate(tp_producer_t *p, const tpi_registry_entry_t *entry)
{
    tpi_private_link_t *link = NULL == entry ? NULL : find(p, TPI_PRIVATE_DESCRIPTOR, entry->consumer_id);
    if (NULL != link) { atomic_store_explicit(&link->rate_hz, tpi_registry_rate_hz(entry), memory_order_relaxed); }      /* W-135 */
}

/* ---- hello -------------------------------------------------------------------------------------------------------------- */

static bool is_taken(void *clientd, uint32_t id)
{
    const tp_producer_t *p = clientd;
    const tpi_settings_t *s = &p->client->settings;
    const int32_t shared[] = { s->control.stream_id, s->announce.stream_id, s->descriptor.stream_id, s->qos.stream_id, s->metadata.stream_id };
    for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++) { if (id == (uint32_t)shared[i]) { return true; } }
    for (const tpi_private_link_t *l = p->streams.links; NULL != l; l = l->next)
    {
        if (!l->is_gone && id == (uint32_t)l->stream_id) { return true; }
    }
    return false;
}

/* The wished id where it is free and in the range, else the next one of the range that is; 0 = none. */
static uint32_t pick_id(tp_producer_t *p, tpi_private_kind_t kind, uint32_t wished)
{
    tpi_stream_range_t *range = &p->streams.grants.ranges[kind];
    if (tpi_stream_range_holds(range, wished) && !is_taken(p, wished)) { return wished; }
    const uint32_t id = tpi_stream_range_peek(range, p->streams.link_count + 5u, is_taken, p);
    tpi_stream_range_take(range, id);
    return id;
}

static void grant(tp_producer_t *p, tpi_private_kind_t kind, const tpi_registry_entry_t *entry, tpc_bytes_t channel, uint32_t wished, int64_t now_ns)
{
    tpi_private_link_t *link = find(p, kind, entry->consumer_id);
    if (TPI_HELLO_WANTED != entry->wish[kind])
    {
        close_link(link);
        return;
    }
    if (NULL != link && tpc_bytes_equal(channel, link->channel)) { return; }              /* has one already: the same again */
    close_link(link);
    const uint32_t id = pick_id(p, kind, wished);
    if (0 != id) { (void)add_link(p, kind, entry->consumer_id, channel, id, now_ns); }
}

void tpi_producer_on_hello(tp_producer_t *producer, const tpc_consumer_hello_t *hello, int64_t now_ns)
{
    tp_producer_t *p = producer;
    if (NULL == p->published) { return; }
    const tpi_registry_verdict_t verdict = tpi_registry_on_hello(&p->registry, hello, now_ns);
    if (!verdict.is_mine) { return; }
    if (verdict.withdrew[TPI_PRIVATE_DESCRIPTOR]) { close_link(find(p, TPI_PRIVATE_DESCRIPTOR, hello->consumer_id)); }
    if (verdict.withdrew[TPI_PRIVATE_CONTROL]) { close_link(find(p, TPI_PRIVATE_CONTROL, hello->consumer_id)); }
    if (verdict.answers && NULL != verdict.entry)
    {
        grant(p, TPI_PRIVATE_DESCRIPTOR, verdict.entry, hello->descriptor_channel, hello->descriptor_stream_id, now_ns);
        grant(p, TPI_PRIVATE_CONTROL, verdict.entry, hello->control_channel, hello->control_stream_id, now_ns);
    }
    set_rate(p, verdict.entry);
    if (!verdict.answers) { return; }
    if (!is_opening(p, hello->consumer_id)) { send_answer(p, hello->consumer_id); return; }
    tpi_private_link_t *const pending[] = { find(p, TPI_PRIVATE_DESCRIPTOR, hello->consumer_id), find(p, TPI_PRIVATE_CONTROL, hello->consumer_id) };
    for (int i = 0; i < 2; i++) { if (NULL != pending[i]) { pending[i]->owes_answer = true; } }
}

/* ---- config of another authority (O-28) --------------------------------------------------------------------------------- */

/* false: what is promised cannot be served. */
static bool obey(tp_producer_t *p, tpi_private_kind_t kind, uint32_t consumer_id, tpc_bytes_t channel, uint32_t stream_id, int64_t now_ns)
{
    tpi_private_link_t *link = find(p, kind, consumer_id);
    const tpi_hello_wish_t promise = tpi_hello_wish(channel, stream_id);
    if (TPI_HELLO_WANTED == promise && NULL != link && (uint32_t)link->stream_id == stream_id && tpc_bytes_equal(channel, link->channel))
    {
        return true;
    }
    close_link(link);
    if (TPI_HELLO_NONE == promise) { return true; }
    return TPI_HELLO_WANTED == promise && !is_taken(p, stream_id) && NULL != add_link(p, kind, consumer_id, channel, stream_id, now_ns);
}

void tpi_producer_on_config(tp_producer_t *producer, const tpc_consumer_config_t *config, bool is_own, int64_t now_ns)
{
    tp_producer_t *p = producer;
    tpi_registry_entry_t *entry = NULL;
    if (NULL == p->published || is_own || !tpi_registry_on_config(&p->registry, config, now_ns, &entry)) { return; }
    const uint32_t id = config->consumer_id;
    const bool descriptor = obey(p, TPI_PRIVATE_DESCRIPTOR, id, config->descriptor_channel, config->descriptor_stream_id, now_ns);
    const bool control = obey(p, TPI_PRIVATE_CONTROL, id, config->control_channel, config->control_stream_id, now_ns);
    set_rate(p, entry);
    if (!descriptor || !control) { send_answer(p, id); }
}

/* Its lease has ended: an explicit disconnect, or one the driver noticed before us. */
void tpi_producer_on_revoked(tp_producer_t *producer, const tpc_lease_revoked_t *revoked, int64_t now_ns)
{
    tp_producer_t *p = producer;
    (void)now_ns;
    if (TP_ROLE_CONSUMER != revoked->role || revoked->stream_id != p->registry.stream_id) { return; }
    (void)tpi_registry_remove(&p->registry, revoked->client_id);
    close_both(p, revoked->client_id);
}

/* ---- the conductor's cycle ---------------------------------------------------------------------------------------------- */

static bool advance(tp_producer_t *p, tpi_private_link_t *link)
{
    tpi_connection_t *connection = p->client->connection;
    if (NULL != link->publication || NULL == connection || !connection->ready) { return false; }
    if (NULL == link->open)
    {
        link->connection = connection;
        link->open = tpi_open_publication(connection, link->channel, link->stream_id);
    }
    void *publication = NULL;
    const int rc = tpi_open_take(connection, &link->open, &publication);
    if (0 == rc) { return false; }
    if (rc < 0)
    {
        tpi_client_report(p->client);
        link->is_gone = true;
        link->owes_answer = true;                          /* declined; a promise of somebody else is taken back */
        return true;
    }
    link->publication = publication;
    connection->users++;
    return true;
}

/* Unlinks what is gone; what a set still holds goes with the last of them. */
static void remove_gone(tp_producer_t *p)
{
    for (tpi_private_link_t **at = &p->streams.links; NULL != *at;)
    {
        tpi_private_link_t *link = *at;
        if (!link->is_gone)
        {
            at = &link->next;
            continue;
        }
        *at = link->next;
        p->streams.link_count--;
        if (0 == link->refs) { delete_link(p, link); }
    }
}

int tpi_producer_streams_work(tp_producer_t *producer, int64_t now_ns)
{
    tp_producer_t *p = producer;
    bool changed = false;
    bool removed = false;
    if (NULL == p->streams.links && NULL == p->streams.retired) { return 0; }
    for (tpi_private_link_t *l = p->streams.links; NULL != l; l = l->next)
    {
        if (!l->is_gone && advance(p, l)) { changed = true; }
        if (NULL == l->publication && !l->is_gone) { tpi_client_hurry(p->client, now_ns); }
        if (l->is_gone) { removed = true; }
    }
    for (tpi_private_link_t *l = p->streams.links; NULL != l; l = l->next)
    {
        if (!l->owes_answer) { continue; }
        tpi_private_link_t *other = find(p, TPI_PRIVATE_DESCRIPTOR == l->kind ? TPI_PRIVATE_CONTROL : TPI_PRIVATE_DESCRIPTOR, l->consumer_id);
        const bool waits = is_opening(p, l->consumer_id);
        if (NULL != other) { other->owes_answer = waits; }
        if (waits) { continue; }
        l->owes_answer = false;
        send_answer(p, l->consumer_id);
    }
    if (changed || removed) { (void)publish(p); }
    if (removed) { remove_gone(p); }
    reclaim(p);
    return changed || removed ? 1 : 0;
}

void tpi_producer_streams_tick(tp_producer_t *producer, int64_t now_ns)
{
    tp_producer_t *p = producer;
    for (tpi_private_link_t *l = p->streams.links; NULL != l; l = l->next)
    {
        const bool is_known = NULL != tpi_registry_find(&p->registry, l->consumer_id);
        if (!is_known && now_ns - l->since_ns > p->registry.stale_ns) { close_both(p, l->consumer_id); }
    }
}

void tpi_producer_streams_connection_lost(tp_producer_t *producer)
{
    tp_producer_t *p = producer;
    for (tpi_private_link_t *l = p->streams.links; NULL != l; l = l->next)
    {
        l->is_gone = true;
        l->open = NULL;                                    /* gone with its connection */
    }
    (void)publish(p);
    remove_gone(p);
}

void tpi_producer_streams_delete(tp_producer_t *producer)
{
    tp_producer_t *p = producer;
    for (tpi_private_link_t *l = p->streams.links; NULL != l; l = l->next) { l->is_gone = true; }
    (void)publish(p);
    remove_gone(p);
    while (NULL != p->streams.retired)
    {
        tpi_link_set_t *set = p->streams.retired;
        p->streams.retired = set->next;
        release_set(p, set);
    }
}
