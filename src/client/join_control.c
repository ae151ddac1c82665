/*
 * The conductor's side of joins: maps and announces go into the post of the barriers, wishes for maps and the maps of authorities go out. All of it
 * travels on the control stream; nothing here touches a barrier's state. Conductor only.
 */
#include "client/join_state.h"

#include "client/change.h"
#include "codec/codec_join.h"
#include "common/alloc.h"
#include "common/err.h"

/* ---- in ----------------------------------------------------------------------------------------------------------------- */

static void post_map(tp_join_barrier_t *b)
{
    (void)pthread_mutex_lock(&b->mutex);
    if (b->map_count < TPI_JOIN_POST_MAPS) { b->map_count++; }                             /* else instead of the newest */
    b->maps[b->map_count - 1] = b->scratch;
    (void)pthread_mutex_unlock(&b->mutex);
    atomic_fetch_add_explicit(&b->posted, 1, memory_order_release);
}

static void map_for(tp_join_barrier_t *b, const tpi_message_t *message)
{
    const tpi_join_map_event_t event = tpi_join_message_decode(&b->scratch, b->join->options.map_kind, message->data, message->length);  /* J-009 */
    if (TPI_JOIN_MAP_DROPPED == event) { tpi_stat_add(&b->malformed, 1); return; }
    const bool is_ours = TPI_JOIN_MAP_INSTALLED == event && b->scratch.out_stream_id == b->join->options.out_stream_id &&
        atomic_load_explicit(&b->epoch_set, memory_order_acquire) && b->scratch.epoch == tpi_stat_get(&b->epoch);
    if (is_ours) { post_map(b); }
    else { tpi_stat_add(&b->other, 1); }
}

/* Whether or not a join listens: what is broken is counted with the other messages of the client. */
static bool is_broken(const tpi_message_t *message)
{
    union
    {
        tpc_sequence_map_announce_t sequence;
        tpc_timestamp_map_announce_t timestamp;
    }
    m;
    tpc_header_t header;
    if (TPC_OK != tpc_header_decode(&header, message->data, message->length)) { return true; }
    const int decoded = TPC_SEQUENCE_MAP_ANNOUNCE == header.template_id ?
        tpc_sequence_map_announce_decode(&m.sequence, message->data, message->length) :
        tpc_timestamp_map_announce_decode(&m.timestamp, message->data, message->length);
    return TPC_OK != decoded && TPC_TOO_MANY != decoded;
}

static void on_map(void *clientd, const tpi_message_t *message, int64_t now_ns)
{
    tp_client_t *client = clientd;
    (void)now_ns;
    if (is_broken(message)) { tpi_dispatcher_malformed(client->dispatcher); }
    for (tp_join_barrier_t *b = client->barriers; NULL != b; b = b->next) { map_for(b, message); }
}

static void on_request(void *clientd, const tpi_message_t *message, int64_t now_ns)
{
    tp_client_t *client = clientd;
    for (tp_join_authority_t *a = client->authorities; NULL != a; a = a->next)
    {
        tpi_join_authority_heard(a, message->data, message->length, now_ns);
    }
}

int tpi_join_add_routes(tp_client_t *client)
{
    static const tpi_route_t routes[] = {
        { TPC_JOIN_SCHEMA, TPC_SEQUENCE_MAP_ANNOUNCE, TPC_SEQUENCE_MAP_ANNOUNCE_BLOCK, on_map },
        { TPC_JOIN_SCHEMA, TPC_SEQUENCE_MAP_REQUEST, TPC_SEQUENCE_MAP_REQUEST_BLOCK, on_request },
        { TPC_JOIN_SCHEMA, TPC_TIMESTAMP_MAP_ANNOUNCE, TPC_TIMESTAMP_MAP_ANNOUNCE_BLOCK, on_map },
        { TPC_JOIN_SCHEMA, TPC_TIMESTAMP_MAP_REQUEST, TPC_TIMESTAMP_MAP_REQUEST_BLOCK, on_request },
    };
    return tpi_dispatcher_add(client->dispatcher, routes, sizeof(routes) / sizeof(routes[0]), client);
}

static bool reads(const tp_client_t *client, uint32_t stream_id)
{
    for (tp_consumer_t *c = client->consumers; NULL != c; c = tpi_consumer_next_of(c))
    {
        if (stream_id == tpi_consumer_stream(c)) { return true; }
    }
    return false;
}

/* Of another driver only what is read there: its ids may be those of other streams here. */
void tpi_join_on_pool_announce(tp_client_t *client, const tpc_pool_announce_t *announce)
{
    if (0 == announce->epoch || TP_NULL_U64 == announce->epoch) { return; }
    if (NULL != client->parent && !reads(client, announce->stream_id)) { return; }
    for (tp_join_barrier_t *b = NULL == client->parent ? client->barriers : client->parent->barriers; NULL != b; b = b->next)
    {
        if (tpi_join_barrier_know(b, announce->stream_id, announce->epoch, announce->announce_clock_domain))
        {
            atomic_fetch_add_explicit(&b->posted, 1, memory_order_release);
        }
    }
}

/* ---- out ---------------------------------------------------------------------------------------------------------------- */

static int ask(tp_join_barrier_t *b)
{
    if (!atomic_load_explicit(&b->asks, memory_order_acquire)) { return 0; }
    const tpi_join_options_t *o = &b->join->options;
    if (!tpi_client_send_map_request(b->client, o->map_kind, o->out_stream_id, tpi_stat_get(&b->epoch))) { return 0; }
    atomic_fetch_add_explicit(&b->asked, 1, memory_order_relaxed);
    atomic_store_explicit(&b->asks, false, memory_order_release);
    return 1;
}

int tpi_join_work(tp_client_t *client, int64_t now_ns)
{
    int work = 0;
    if (NULL == client->connection || !client->connection->ready) { return 0; }
    for (tp_join_barrier_t *b = client->barriers; NULL != b; b = b->next) { work += ask(b); }
    for (tp_join_authority_t *a = client->authorities; NULL != a; a = a->next) { work += tpi_join_authority_work(a, now_ns); }
    return work;
}

/* ---- lists -------------------------------------------------------------------------------------------------------------- */

typedef struct enlisting
{
    tpi_change_t change;
    tp_join_barrier_t *barrier;
    tp_join_authority_t *authority;
}
enlisting_t;

static int enlist(tpi_change_t *change, int64_t now_ns)
{
    enlisting_t *e = (enlisting_t *)change;
    (void)now_ns;
    if (NULL != e->barrier)
    {
        e->barrier->next = change->client->barriers;
        change->client->barriers = e->barrier;
    }
    if (NULL != e->authority)
    {
        e->authority->next = change->client->authorities;
        change->client->authorities = e->authority;
    }
    return 0;
}

static int enlist_in(tp_client_t *client, tp_join_barrier_t *barrier, tp_join_authority_t *authority)
{
    enlisting_t *e = tpi_alloc(sizeof(*e));
    if (NULL == e) { return -1; }
    e->change = (tpi_change_t){ .client = client, .apply = enlist };
    e->barrier = barrier;
    e->authority = authority;
    return tpi_change_make(&e->change);
}

int tpi_join_barrier_enlist(tp_join_barrier_t *barrier) { return enlist_in(barrier->client, barrier, NULL); }
int tpi_join_authority_enlist(tp_join_authority_t *authority) { return enlist_in(authority->client, NULL, authority); }

void tpi_join_barrier_delist(tp_join_barrier_t *barrier)
{
    for (tp_join_barrier_t **at = &barrier->client->barriers; NULL != *at; at = &(*at)->next)
    {
        if (barrier == *at) { *at = barrier->next; return; }
    }
}

void tpi_join_authority_delist(tp_join_authority_t *authority)
{
    for (tp_join_authority_t **at = &authority->client->authorities; NULL != *at; at = &(*at)->next)
    {
        if (authority == *at) { *at = authority->next; return; }
    }
}

void tpi_join_client_gone(tp_client_t *client)
{
    for (tp_join_barrier_t *b = client->barriers; NULL != b; b = b->next)
    {
        b->is_orphan = true;
        b->client = NULL;
    }
    for (tp_join_authority_t *a = client->authorities; NULL != a; a = a->next) { a->client = NULL; }
    client->barriers = NULL;
    client->authorities = NULL;
}
