/* Owns the lists it makes: results, their texts in one arena. */
#include "protocol/discovery_choice.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/closest.h"
#include "common/err.h"

/* ---- one result --------------------------------------------------------------------------------------------------------- */

static bool is_text(tpc_bytes_t bytes, size_t max)
{
    return bytes.length <= max && (0 == bytes.length || NULL == memchr(bytes.data, '\0', bytes.length));
}

static bool is_channel(tpc_bytes_t bytes)
{
    static const char prefix[] = "aeron:";
    if (bytes.length < sizeof(prefix) || 0 != memcmp(bytes.data, prefix, sizeof(prefix) - 1)) { return false; }
    for (uint32_t i = 0; i < bytes.length; i++)
    {
        if (bytes.data[i] < 0x21 || bytes.data[i] > 0x7E) { return false; }
    }
    return true;
}

static tpi_result_fault_t check_groups(const tpc_discovery_result_t *r)
{
    tpc_walk_t walk = r->pool_walk;
    tpc_pool_entry_t pool;
    tpc_bytes_t tag;
    if (r->pool_count > TPI_RESULT_POOLS_MAX || r->tag_count > TPI_RESULT_TAGS_MAX) { return TPI_RESULT_TEXT; }
    while (tpc_pools_next(&walk, &pool))
    {
        if (pool.pool_nslots != r->header_nslots) { return TPI_RESULT_POOLS; }                            /* */
        if (!is_text(pool.region_uri, TP_DISCOVERY_URI_MAX)) { return TPI_RESULT_TEXT; }
    }
    for (walk = r->tag_walk; tpc_tags_next(&walk, &tag);)
    {
        if (!is_text(tag, TP_DISCOVERY_NAME_MAX)) { return TPI_RESULT_TEXT; }
    }
    return TPI_RESULT_GOOD;
}

tpi_result_fault_t tpi_result_check(const tpc_discovery_result_t *r)
{
    if (0 == r->driver_control_stream_id || r->driver_control_stream_id > INT32_MAX) { return TPI_RESULT_NO_ENDPOINT; }     /* */
    if (0 == r->driver_control_channel.length) { return TPI_RESULT_NO_ENDPOINT; }                         /* */
    if (r->driver_control_channel.length > TP_DISCOVERY_CHANNEL_MAX) { return TPI_RESULT_TEXT; }          /* O-17 */
    if (!is_channel(r->driver_control_channel)) { return TPI_RESULT_CHANNEL; }
    if (!is_text(r->data_source_name, TP_DISCOVERY_NAME_MAX) || !is_text(r->driver_instance_id, TP_DISCOVERY_NAME_MAX) ||
        !is_text(r->header_region_uri, TP_DISCOVERY_URI_MAX))
    {
        return TPI_RESULT_TEXT;
    }
    return check_groups(r);
}

/* ---- lists -------------------------------------------------------------------------------------------------------------- */

typedef struct arena { char *at; size_t need; } arena_t;        /* at NULL: only counts */

static void *take(arena_t *arena, size_t size)
{
    const size_t rounded = (size + 7u) & ~(size_t)7u;
    void *const taken = arena->at;
    arena->need += rounded;
    if (NULL != arena->at) { arena->at += rounded; }
    return taken;
}

static const char *text(arena_t *arena, tpc_bytes_t bytes)
{
    char *const to = take(arena, (size_t)bytes.length + 1);
    if (NULL == to) { return NULL; }
    if (0 != bytes.length) { memcpy(to, bytes.data, bytes.length); }       /* byte for byte: X-042 X-053 */
    to[bytes.length] = '\0';
    return to;
}

static void copy_result(arena_t *arena, const tpc_discovery_result_t *r, tp_discovery_result_t *to)
{
    tpc_walk_t walk = r->pool_walk;
    tpc_pool_entry_t pool;
    tpc_bytes_t tag;
    tp_discovery_pool_t *const pools = take(arena, r->pool_count * sizeof(*pools));
    const char **const tags = take(arena, r->tag_count * sizeof(*tags));
    for (uint32_t i = 0; tpc_pools_next(&walk, &pool); i++)
    {
        const char *const uri = text(arena, pool.region_uri);
        if (NULL != pools)
        {
            pools[i] = (tp_discovery_pool_t){ .size = sizeof(pools[i]), .nslots = pool.pool_nslots, .stride_bytes = pool.stride_bytes,
                .pool_id = pool.pool_id, .region_uri = uri };
        }
    }
    walk = r->tag_walk;
    for (uint32_t i = 0; tpc_tags_next(&walk, &tag); i++)
    {
        const char *const copy = text(arena, tag);
        if (NULL != tags) { tags[i] = copy; }
    }
    *to = (tp_discovery_result_t){ .size = sizeof(*to), .stream_id = r->stream_id, .producer_id = r->producer_id,
        .layout_version = r->layout_version, .epoch = r->epoch, .data_source_id = r->data_source_id, .header_nslots = r->header_nslots,
        .header_slot_bytes = r->header_slot_bytes, .max_dims = r->max_dims, .driver_control_stream_id = (int32_t)r->driver_control_stream_id,
        .pool_count = r->pool_count, .tag_count = r->tag_count, .driver_control_channel = text(arena, r->driver_control_channel),
        .driver_instance = text(arena, r->driver_instance_id), .name = text(arena, r->data_source_name),
        .header_region_uri = text(arena, r->header_region_uri), .pools = pools, .tags = tags };
}

/* The identity of a stream: driver instance and stream id; a driver that does not say who it is, is its endpoint. */
static int by_identity(const tp_discovery_result_t *a, const tp_discovery_result_t *b)
{
    int order = strcmp(a->driver_instance, b->driver_instance);                                           /* */
    if (0 == order && '\0' == a->driver_instance[0])
    {
        order = strcmp(a->driver_control_channel, b->driver_control_channel);
        const int32_t x = a->driver_control_stream_id;
        const int32_t y = b->driver_control_stream_id;
        if (0 == order) { order = (x > y) - (x < y); }
    }
    return 0 != order ? order : (a->stream_id > b->stream_id) - (a->stream_id < b->stream_id);
}

/* The newest epoch of a stream first, then the order of the response (addresses of one array). */
static int by_order(const void *x, const void *y)
{
    const tp_discovery_result_t *a = x;
    const tp_discovery_result_t *b = y;
    const int order = by_identity(a, b);
    if (0 != order) { return order; }
    if (a->epoch != b->epoch) { return a->epoch > b->epoch ? -1 : 1; }
    return (a->reserved32 > b->reserved32) - (a->reserved32 < b->reserved32);
}

static void keep_newest(tpi_result_list_t *list)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < list->count; i++) { list->results[i].reserved32 = i; }
    if (list->count > 1) { qsort(list->results, list->count, sizeof(list->results[0]), by_order); }
    for (uint32_t i = 0; i < list->count; i++)
    {
        list->results[i].reserved32 = 0;
        if (kept > 0 && 0 == by_identity(&list->results[kept - 1], &list->results[i]))                    /* */
        {
            list->stale++;
            continue;
        }
        list->results[kept++] = list->results[i];
    }
    list->count = kept;
}

int tpi_result_list_create(tpi_result_list_t **list, const tpc_discovery_response_t *response, tpi_on_result_fault_t on_fault, void *clientd)
{
    const bool counts = TPC_DISCOVERY_OK == response->status;                                             /* */
    tpi_result_list_t *l = tpi_alloc(sizeof(*l));
    tpc_discovery_result_t r;
    tp_discovery_result_t ignored;
    arena_t arena = { NULL, 0 };
    uint32_t good = 0;
    if (NULL == l) { return -1; }
    l->request_id = response->request_id;
    l->status = response->status;
    for (tpc_walk_t walk = response->result_walk; counts && tpc_results_next(&walk, &r);)
    {
        const tpi_result_fault_t fault = tpi_result_check(&r);
        l->faults[fault]++;
        if (TPI_RESULT_GOOD == fault)
        {
            good++;
            copy_result(&arena, &r, &ignored);
            continue;
        }
        l->refused++;                                      /* O-7: this one only */
        if (NULL != on_fault) { on_fault(clientd, fault, &r); }
    }
    l->results = tpi_alloc_array((size_t)good + 1, sizeof(l->results[0]));
    l->arena = tpi_alloc(arena.need + 1);
    if (NULL == l->results || NULL == l->arena)
    {
        tpi_result_list_delete(l);
        return -1;
    }
    arena.at = l->arena;
    for (tpc_walk_t walk = response->result_walk; counts && tpc_results_next(&walk, &r);)
    {
        if (TPI_RESULT_GOOD == tpi_result_check(&r)) { copy_result(&arena, &r, &l->results[l->count++]); }
    }
    keep_newest(l);
    *list = l;
    return 0;
}

void tpi_result_list_delete(tpi_result_list_t *list)
{
    if (NULL == list) { return; }
    tpi_free(list->results);
    tpi_free(list->arena);
    tpi_free(list);
}

/* ---- names -------------------------------------------------------------------------------------------------------------- */

bool tpi_stream_id_of(const char *digits, uint32_t *stream_id)
{
    uint64_t value = 0;
    size_t i = 0;
    for (; '\0' != digits[i] && i < 11; i++)
    {
        if (digits[i] < '0' || digits[i] > '9') { return false; }
        value = value * 10 + (uint64_t)(digits[i] - '0');
    }
    if (0 == i || '\0' != digits[i] || 0 == value || value >= TP_NULL_U32) { return false; }
    *stream_id = (uint32_t)value;
    return true;
}

/* 3: the name as a whole; 2: the id; 1: one of both at the instance behind the last '@'; 0: not meant. */
static int fit(const tpi_candidate_t *c, const char *wanted)
{
    char part[TP_DISCOVERY_NAME_MAX + 1];
    uint32_t id;
    if (NULL == wanted) { return 1; }
    if ('\0' != c->name[0] && 0 == strcmp(c->name, wanted)) { return 3; }                                 /* */
    if (tpi_stream_id_of(wanted, &id)) { return id == c->stream_id ? 2 : 0; }
    const char *const at = strrchr(wanted, '@');
    if (NULL == at || '\0' == at[1] || 0 != strcmp(at + 1, c->instance) || (size_t)(at - wanted) >= sizeof(part)) { return 0; }
    memcpy(part, wanted, (size_t)(at - wanted));
    part[at - wanted] = '\0';
    if ('\0' != c->name[0] && 0 == strcmp(c->name, part)) { return 1; }
    return tpi_stream_id_of(part, &id) && id == c->stream_id ? 1 : 0;
}

static int best_fit(const tpi_candidate_t *candidates, size_t count, const char *wanted)
{
    int best = 0;
    for (size_t i = 0; i < count; i++)
    {
        const int how = fit(&candidates[i], wanted);
        if (how > best) { best = how; }
    }
    return best;
}

tpi_choice_t tpi_choose(const tpi_candidate_t *candidates, size_t count, const char *wanted, size_t *index)
{
    const int best = best_fit(candidates, count, wanted);
    size_t found = 0;
    for (size_t i = 0; i < count && best > 0; i++)
    {
        if (best == fit(&candidates[i], wanted) && 0 == found++) { *index = i; }
    }
    if (0 == found) { return TPI_CHOICE_NONE; }
    return 1 == found ? TPI_CHOICE_ONE : TPI_CHOICE_SEVERAL;
}

/* Bytes of the network are no orders to a terminal. */
static void show(char *to, size_t size, const char *from)
{
    size_t n = 0;
    for (; '\0' != from[n] && n + 1 < size; n++) { to[n] = (unsigned char)from[n] < 0x20 || 0x7F == from[n] ? '?' : from[n]; }
    to[n] = '\0';
}

static void list_meant(const tpi_candidate_t *candidates, size_t count, const char *wanted, char *to, size_t size)
{
    const int best = best_fit(candidates, count, wanted);
    char name[80];
    char instance[80];
    size_t used = 0;
    to[0] = '\0';
    for (size_t i = 0; i < count; i++)
    {
        const tpi_candidate_t *c = &candidates[i];
        if (best != fit(c, wanted)) { continue; }
        show(name, sizeof(name), c->name);
        show(instance, sizeof(instance), c->instance);
        const int n = snprintf(to + used, size - used, "%s%" PRIu32 "%s%s%s at %s", 0 == used ? "" : ", ", c->stream_id, '\0' == name[0] ? "" : " '",
            name, '\0' == name[0] ? "" : "'", '\0' == instance[0] ? "a driver without name" : instance);
        if (n < 0 || (size_t)n >= size - used)
        {
            (void)snprintf(to + (size > 5 ? size - 5 : 0), 5, " ...");
            return;
        }
        used += (size_t)n;
    }
}

void tpi_choose_error(const tpi_candidate_t *candidates, size_t count, const char *wanted, tpi_choice_t choice)
{
    char meant[240];
    char word[TP_DISCOVERY_NAME_MAX + 1];
    show(word, sizeof(word), NULL == wanted ? "any" : wanted);
    if (TPI_CHOICE_SEVERAL == choice)
    {
        list_meant(candidates, count, wanted, meant, sizeof(meant));
        TPI_SET_ERR(TP_EAMBIGUOUS, "more than one stream is meant by '%s'", word);
        TPI_ERR_WHY("%s", meant);
        TPI_ERR_FIX("name the driver, too: NAME@INSTANCE or ID@INSTANCE");
        return;
    }
    tpi_closest_t closest = TPI_CLOSEST_INIT(word);
    for (size_t i = 0; i < count; i++)
    {
        if ('\0' != candidates[i].name[0]) { tpi_closest_offer(&closest, candidates[i].name); }
    }
    TPI_SET_ERR(TP_ENOENT, "no stream is named '%s'", word);
    if (NULL != closest.name && tpi_likely_misspelling(word, closest.name))
    {
        show(meant, sizeof(meant), closest.name);
        TPI_ERR_FIX("did you mean '%s'?", meant);
    }
    else if (NULL != closest.name) { TPI_ERR_FIX("tp ls and tp discover show the streams there are"); }
    else { TPI_ERR_WHY("neither a discovery provider nor a driver on this media driver shows a stream with a name"); }
}
