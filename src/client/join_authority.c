/* The authority of merge maps (50-join-barrier.md 4.1). The conductor's, but for creation and for its statistics. */
#include "client/join_state.h"

#include <inttypes.h>

#include "client/change.h"
#include "common/alloc.h"
#include "common/err.h"

/* ---- conductor ---------------------------------------------------------------------------------------------------------- */

static void show(tp_join_authority_t *a)
{
    for (int i = 0; i < TPI_AUTHORITY_EVENT_COUNT; i++) { tpi_stat_set(&a->shown_events[i], a->machine->events[i]); }
    tpi_stat_set(&a->announces, a->machine->announces);
}

void tpi_join_authority_heard(tp_join_authority_t *authority, const uint8_t *data, size_t length, int64_t now_ns)
{
    (void)tpi_join_authority_on_request(authority->machine, data, length, now_ns);
    show(authority);
}

static void follow(tp_join_authority_t *a, int64_t now_ns)
{
    for (uint32_t i = 0; i < a->producer_count; i++)
    {
        const uint64_t epoch = tpi_producer_epoch(a->producers[i]);
        if (0 != epoch) { tpi_join_authority_on_epoch(a->machine, tpi_producer_stream(a->producers[i]), epoch, now_ns); }
    }
}

int tpi_join_authority_work(tp_join_authority_t *authority, int64_t now_ns)
{
    tp_join_authority_t *a = authority;
    int work = 0;
    uint32_t index = 0;
    follow(a, now_ns);
    for (const tpi_merge_map_t *map; NULL != (map = tpi_join_authority_next(a->machine, now_ns, &index)); work++)
    {
        if (!tpi_client_send_map(a->client, map))
        {
            tpi_stat_add(&a->refused, 1);                  /* stays due */
            break;
        }
        tpi_join_authority_published(a->machine, index, now_ns);
    }
    if (work > 0) { show(a); }
    return work;
}

/* ---- changes ------------------------------------------------------------------------------------------------------------ */

typedef struct authority_change
{
    tpi_change_t change;
    tp_join_authority_t *authority;
    const tp_producer_t *producer;
    uint32_t out_stream_id;
    uint64_t epoch;
    tpi_merge_map_t map;
    tpi_merge_rule_t rules[];
}
authority_change_t;

static int apply_set(tpi_change_t *change, int64_t now_ns)
{
    const authority_change_t *c = (const authority_change_t *)change;
    return tpi_join_authority_set(c->authority->machine, &c->map, now_ns);
}

static int apply_epoch(tpi_change_t *change, int64_t now_ns)
{
    const authority_change_t *c = (const authority_change_t *)change;
    tpi_join_authority_on_epoch(c->authority->machine, c->out_stream_id, c->epoch, now_ns);
    return 0;
}

static int apply_follow(tpi_change_t *change, int64_t now_ns)
{
    const authority_change_t *c = (const authority_change_t *)change;
    tp_join_authority_t *a = c->authority;
    (void)now_ns;
    for (uint32_t i = 0; i < a->producer_count; i++)
    {
        if (a->producers[i] == c->producer) { return 0; }
    }
    if (TPI_AUTHORITY_PRODUCERS_MAX == a->producer_count)
    {
        TPI_SET_ERR(TP_EFULL, "an authority follows at most %u producers", TPI_AUTHORITY_PRODUCERS_MAX);
        return -1;
    }
    a->producers[a->producer_count++] = c->producer;
    return 0;
}

static int apply_drop(tpi_change_t *change, int64_t now_ns)
{
    const authority_change_t *c = (const authority_change_t *)change;
    tp_join_authority_t *a = c->authority;
    (void)now_ns;
    tpi_join_authority_drop(a->machine, c->out_stream_id);
    for (uint32_t i = 0; i < a->producer_count;)
    {
        if (tpi_producer_stream(a->producers[i]) == c->out_stream_id) { a->producers[i] = a->producers[--a->producer_count]; }
        else { i++; }
    }
    return 0;
}

static authority_change_t *change_of(tp_join_authority_t *authority, uint32_t rules, int (*apply)(tpi_change_t *change, int64_t now_ns))
{
    if (NULL == authority) { TPI_SET_ERR(TP_EINVAL, "authority is NULL"); return NULL; }
    if (NULL == authority->client) { TPI_SET_ERR(TP_ESTATE, "the client of the authority is closed"); return NULL; }
    authority_change_t *c = tpi_alloc(sizeof(*c) + rules * sizeof(c->rules[0]));
    if (NULL == c) { return NULL; }
    c->change = (tpi_change_t){ .client = authority->client, .apply = apply };
    c->authority = authority;
    c->map.rules = c->rules;
    c->map.rule_capacity = rules;
    return c;
}

void tpi_join_authority_producer_gone(tp_client_t *client, const tp_producer_t *producer)
{
    const tp_client_t *root = NULL == client->parent ? client : client->parent;
    for (tp_join_authority_t *a = root->authorities; NULL != a; a = a->next)
    {
        for (uint32_t i = 0; i < a->producer_count; i++)
        {
            if (producer == a->producers[i]) { a->producers[i--] = a->producers[--a->producer_count]; }
        }
    }
}

/* ---- calls -------------------------------------------------------------------------------------------------------------- */

int tp_join_authority_set(tp_join_authority_t *authority, const tp_merge_map_t *map)
{
    if (tp_merge_map_check(map) < 0) { return -1; }
    authority_change_t *c = change_of(authority, map->rule_count, apply_set);
    if (NULL == c) { return -1; }
    if (tpi_merge_map_of(&c->map, map) < 0) { tpi_free(c); return -1; }
    return tpi_change_make(&c->change);
}

int tp_join_authority_set_epoch(tp_join_authority_t *authority, uint32_t out_stream_id, uint64_t epoch)
{
    authority_change_t *c = change_of(authority, 0, apply_epoch);
    if (NULL == c) { return -1; }
    c->out_stream_id = out_stream_id;
    c->epoch = epoch;
    return tpi_change_make(&c->change);
}

int tp_join_authority_follow_producer(tp_join_authority_t *authority, const tp_producer_t *producer)
{
    if (NULL == producer) { TPI_SET_ERR(TP_EINVAL, "producer is NULL"); return -1; }
    authority_change_t *c = change_of(authority, 0, apply_follow);
    if (NULL == c) { return -1; }
    c->producer = producer;
    return tpi_change_make(&c->change);
}

int tp_join_authority_drop(tp_join_authority_t *authority, uint32_t out_stream_id)
{
    authority_change_t *c = change_of(authority, 0, apply_drop);
    if (NULL == c) { return -1; }
    c->out_stream_id = out_stream_id;
    return tpi_change_make(&c->change);
}

static void delete_authority(tp_join_authority_t *a)
{
    if (NULL == a) { return; }
    tpi_join_authority_delete(a->machine);
    tpi_free(a);
}

static void dispose(void *object, int64_t now_ns)
{
    tp_join_authority_t *a = object;
    (void)now_ns;
    tpi_join_authority_delist(a);
    delete_authority(a);
}

int tp_join_authority_init(tp_join_authority_t **authority, tp_client_t *client, uint32_t map_capacity, uint32_t rule_capacity)
{
    if (NULL == authority || NULL == client) { TPI_SET_ERR(TP_EINVAL, "authority or client is NULL"); return -1; }
    tp_join_authority_t *a = tpi_alloc(sizeof(*a));
    if (NULL == a) { return -1; }
    a->client = client;
    if (tpi_join_authority_create(&a->machine, map_capacity, rule_capacity) < 0)
    {
        delete_authority(a);
        return -1;
    }
    if (tpi_join_authority_enlist(a) < 0)
    {
        tpi_err_t err;
        tpi_err_save(&err);
        tpi_client_dispose(client, dispose, a);            /* a call that timed out may yet be carried out */
        tpi_err_restore(&err);
        return -1;
    }
    *authority = a;
    return 0;
}

void tp_join_authority_close(tp_join_authority_t *authority)
{
    if (NULL == authority) { return; }
    if (NULL == authority->client) { delete_authority(authority); return; }
    tpi_client_dispose(authority->client, dispose, authority);
}

int tp_join_authority_stats(const tp_join_authority_t *authority, tp_join_authority_stats_t *stats)
{
    if (NULL == authority || NULL == stats) { TPI_SET_ERR(TP_EINVAL, "authority or stats is NULL"); return -1; }
    const tpi_stat_t *e = authority->shown_events;
    *stats = (tp_join_authority_stats_t){ .size = sizeof(*stats), .announces = tpi_stat_get(&authority->announces),
        .answered = tpi_stat_get(&e[TPI_AUTHORITY_ANSWERED]), .deferred = tpi_stat_get(&e[TPI_AUTHORITY_DEFERRED]),
        .unknown = tpi_stat_get(&e[TPI_AUTHORITY_UNKNOWN]), .malformed = tpi_stat_get(&e[TPI_AUTHORITY_DROPPED]),
        .refused = tpi_stat_get(&authority->refused) };
    return 0;
}
