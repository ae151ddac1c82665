/* Authority of MergeMaps, 50-join-barrier.md 4.1 and O-10. Owned by the thread of its object. */
#include "protocol/join_authority.h"

#include "common/alloc.h"
#include "common/err.h"

#include <inttypes.h>

static int64_t later(int64_t now_ns, int64_t span_ns) { return now_ns > INT64_MAX - span_ns ? INT64_MAX : now_ns + span_ns; }

int tpi_join_authority_create(tpi_join_authority_t **authority, uint32_t map_capacity, uint32_t rule_capacity)
{
    if (0 == map_capacity || map_capacity > TPI_AUTHORITY_MAPS_MAX)
    {
        TPI_SET_ERR(TP_EINVAL, "map_capacity = %" PRIu32 ", must be 1 .. %u", map_capacity, TPI_AUTHORITY_MAPS_MAX);
        return -1;
    }
    if (0 == rule_capacity || rule_capacity > TPC_RULES_MAX)
    {
        TPI_SET_ERR(TP_EINVAL, "rule_capacity = %" PRIu32 ", must be 1 .. %d", rule_capacity, TPC_RULES_MAX);
        return -1;
    }
    tpi_join_authority_t *a = tpi_alloc(sizeof(*a));
    if (NULL == a) { return -1; }
    a->map_capacity = map_capacity;
    a->entries = tpi_alloc_array(map_capacity, sizeof(*a->entries));
    a->rules = tpi_alloc_array((size_t)map_capacity * rule_capacity, sizeof(*a->rules));
    if (NULL == a->entries || NULL == a->rules)
    {
        tpi_join_authority_delete(a);
        return -1;
    }
    for (uint32_t i = 0; i < map_capacity; i++)
    {
        a->entries[i].map.rules = a->rules + (size_t)i * rule_capacity;
        a->entries[i].map.rule_capacity = rule_capacity;
    }
    *authority = a;
    return 0;
}

void tpi_join_authority_delete(tpi_join_authority_t *authority)
{
    if (NULL == authority) { return; }
    tpi_free(authority->entries);
    tpi_free(authority->rules);
    tpi_free(authority);
}

/* At now_ns, but not within the gap after its last announce, and never later than it was due. */
static void hasten(tpi_authority_entry_t *entry, int64_t now_ns)
{
    const int64_t end_ns = entry->published ? later(entry->published_ns, TPI_AUTHORITY_GAP_NS) : now_ns;
    const int64_t due_ns = end_ns > now_ns ? end_ns : now_ns;                                                       /* O-10 */
    if (due_ns < entry->due_ns) { entry->due_ns = due_ns; }
}

static tpi_authority_entry_t *entry_of(tpi_join_authority_t *authority, tpi_merge_kind_t kind, uint32_t out_stream_id)
{
    for (uint32_t i = 0; i < authority->map_capacity; i++)
    {
        tpi_authority_entry_t *entry = &authority->entries[i];
        if (entry->used && kind == entry->map.kind && out_stream_id == entry->map.out_stream_id) { return entry; }
    }
    return NULL;
}

static tpi_authority_entry_t *free_entry(tpi_join_authority_t *authority)
{
    for (uint32_t i = 0; i < authority->map_capacity; i++)
    {
        if (!authority->entries[i].used) { return &authority->entries[i]; }
    }
    return NULL;
}

int tpi_join_authority_set(tpi_join_authority_t *authority, const tpi_merge_map_t *map, int64_t now_ns)
{
    tpi_authority_entry_t *entry = entry_of(authority, map->kind, map->out_stream_id);
    if (NULL != entry && tpi_merge_map_equal(&entry->map, map)) { return 0; }
    const bool other_pair = NULL == entry || entry->map.epoch != map->epoch;
    if (NULL == entry) { entry = free_entry(authority); }
    if (NULL == entry || !tpi_merge_map_copy(&entry->map, map))
    {
        authority->full++;
        TPI_SET_ERR(TP_EFULL, "no room for the merge map of output stream %" PRIu32 " with %" PRIu32 " rules: %" PRIu32 " maps of %" PRIu32
            " rules at most", map->out_stream_id, map->rule_count, authority->map_capacity, authority->entries[0].map.rule_capacity);
        return -1;
    }
    if (other_pair) { entry->published = false; }
    entry->used = true;
    entry->due_ns = INT64_MAX;
    hasten(entry, now_ns);
    return 0;
}

void tpi_join_authority_on_epoch(tpi_join_authority_t *authority, uint32_t out_stream_id, uint64_t epoch, int64_t now_ns)
{
    for (uint32_t i = 0; i < authority->map_capacity; i++)
    {
        tpi_authority_entry_t *entry = &authority->entries[i];
        if (!entry->used || out_stream_id != entry->map.out_stream_id || epoch == entry->map.epoch) { continue; }
        entry->map.epoch = epoch;
        entry->published = false;
        entry->due_ns = now_ns;
    }
}

void tpi_join_authority_drop(tpi_join_authority_t *authority, uint32_t out_stream_id)
{
    for (uint32_t i = 0; i < authority->map_capacity; i++)
    {
        if (out_stream_id == authority->entries[i].map.out_stream_id) { authority->entries[i].used = false; }
    }
}

static tpi_authority_event_t answer(tpi_join_authority_t *authority, tpi_merge_kind_t kind, uint32_t out_stream_id, uint64_t epoch, int64_t now_ns)
{
    tpi_authority_entry_t *entry = entry_of(authority, kind, out_stream_id);
    if (NULL == entry || epoch != entry->map.epoch) { return TPI_AUTHORITY_UNKNOWN; }
    hasten(entry, now_ns);                                                                                          /* J-097 J-106 */
    return entry->due_ns > now_ns ? TPI_AUTHORITY_DEFERRED : TPI_AUTHORITY_ANSWERED;
}

static tpi_authority_event_t judge(tpi_join_authority_t *authority, const uint8_t *data, size_t length, int64_t now_ns)
{
    tpc_header_t header;
    if (TPC_OK != tpc_header_decode(&header, data, length) || TPC_JOIN_SCHEMA != header.schema_id) { return TPI_AUTHORITY_NOT_OURS; }   /* J-108 */
    if (TPC_SEQUENCE_MAP_REQUEST == header.template_id)
    {
        tpc_sequence_map_request_t request;
        if (TPC_OK != tpc_sequence_map_request_decode(&request, data, length)) { return TPI_AUTHORITY_DROPPED; }
        return answer(authority, TPI_MERGE_SEQUENCE, request.out_stream_id, request.epoch, now_ns);
    }
    if (TPC_TIMESTAMP_MAP_REQUEST == header.template_id)
    {
        tpc_timestamp_map_request_t request;
        if (TPC_OK != tpc_timestamp_map_request_decode(&request, data, length)) { return TPI_AUTHORITY_DROPPED; }
        return answer(authority, TPI_MERGE_TIMESTAMP, request.out_stream_id, request.epoch, now_ns);
    }
    return TPI_AUTHORITY_NOT_OURS;
}

tpi_authority_event_t tpi_join_authority_on_request(tpi_join_authority_t *authority, const uint8_t *data, size_t length, int64_t now_ns)
{
    const tpi_authority_event_t event = judge(authority, data, length, now_ns);
    authority->events[event]++;
    return event;
}

const tpi_merge_map_t *tpi_join_authority_next(tpi_join_authority_t *authority, int64_t now_ns, uint32_t *index)
{
    for (uint32_t n = 0; n < authority->map_capacity; n++)
    {
        const uint32_t i = (authority->next + n) % authority->map_capacity;
        const tpi_authority_entry_t *entry = &authority->entries[i];
        if (!entry->used || now_ns < entry->due_ns) { continue; }
        authority->next = (i + 1) % authority->map_capacity;
        *index = i;
        return &entry->map;
    }
    return NULL;
}

void tpi_join_authority_published(tpi_join_authority_t *authority, uint32_t index, int64_t now_ns)
{
    tpi_authority_entry_t *entry = &authority->entries[index];
    authority->announces++;
    entry->published = true;
    entry->published_ns = now_ns;
    entry->due_ns = later(now_ns, TPI_AUTHORITY_PERIOD_NS);                                                         /* J-096 J-105 */
}
