/*
 * Node ids in one hash table. Invariant: an entry is held, or remembers the last owner and the end of its cooldown. Entries above 1023 are
 * forgotten when their cooldown is over, so the table is bounded by leases plus 1023 plus what cools down, and by its limit.
 */
#include "protocol/node_id.h"

#include "common/alloc.h"
#include "common/err.h"
#include "common/hash.h"

struct tpi_node_id_entry
{
    uint32_t node_id;
    uint32_t client_id;                /* owner, or last owner */
    bool held;
    bool had_owner;                    /* before the present one: restored when an attach fails */
    uint32_t previous_client_id;
    int64_t free_at_ns;                /* end of the cooldown, when not held */
    UT_hash_handle hh;
};

void tpi_node_ids_init(tpi_node_ids_t *ids, size_t limit, int64_t cooldown_ns)
{
    ids->by_id = NULL;
    ids->limit = limit;
    ids->cooldown_ns = cooldown_ns;
}

void tpi_node_ids_fini(tpi_node_ids_t *ids)
{
    tpi_node_id_entry_t *entry = NULL;
    tpi_node_id_entry_t *next = NULL;
    HASH_ITER(hh, ids->by_id, entry, next)
    {
        HASH_DEL(ids->by_id, entry);
        tpi_free(entry);
    }
}

static tpi_node_id_entry_t *find(const tpi_node_ids_t *ids, uint32_t node_id)
{
    tpi_node_id_entry_t *entry = NULL;
    HASH_FIND(hh, ids->by_id, &node_id, sizeof(node_id), entry);
    return entry;
}

static bool entry_is_free(const tpi_node_id_entry_t *entry, uint32_t client_id, int64_t now_ns)
{
    if (entry->held) { return false; }                                                              /* D-090 T-011 T-018 */
    return entry->client_id == client_id || now_ns >= entry->free_at_ns;                 /* D-093 T-016, OP-D-08 */
}

bool tpi_node_ids_is_free(const tpi_node_ids_t *ids, uint32_t node_id, uint32_t client_id, int64_t now_ns)
{
    if (0 == node_id || UINT32_MAX == node_id) { return false; }
    const tpi_node_id_entry_t *const entry = find(ids, node_id);
    if (NULL == entry) { return HASH_COUNT(ids->by_id) < ids->limit || node_id <= TPI_NODE_ID_AUTO_MAX; }
    return entry_is_free(entry, client_id, now_ns);
}

uint32_t tpi_node_ids_pick(const tpi_node_ids_t *ids, uint32_t client_id, int64_t now_ns)
{
    for (const tpi_node_id_entry_t *entry = ids->by_id; NULL != entry; entry = entry->hh.next)
    {
        if (entry->client_id == client_id && entry_is_free(entry, client_id, now_ns)) { return entry->node_id; }     /* D-092 D-095 */
    }
    for (uint32_t id = 1; id <= TPI_NODE_ID_AUTO_MAX; id++)
    {
        const tpi_node_id_entry_t *const entry = find(ids, id);
        if (NULL == entry || entry_is_free(entry, client_id, now_ns)) { return id; }
    }
    return 0;
}

static void forget_old(tpi_node_ids_t *ids, int64_t now_ns)
{
    tpi_node_id_entry_t *entry = NULL;
    tpi_node_id_entry_t *next = NULL;
    HASH_ITER(hh, ids->by_id, entry, next)
    {
        if (entry->held || now_ns < entry->free_at_ns || entry->node_id <= TPI_NODE_ID_AUTO_MAX) { continue; }
        HASH_DEL(ids->by_id, entry);
        tpi_free(entry);
    }
}

int tpi_node_ids_hold(tpi_node_ids_t *ids, uint32_t node_id, uint32_t client_id, int64_t now_ns)
{
    if (!tpi_node_ids_is_free(ids, node_id, client_id, now_ns))
    {
        TPI_SET_ERR(TP_ESTATE, "node id %u is not free for client %u", node_id, client_id);
        return -1;
    }
    tpi_node_id_entry_t *entry = find(ids, node_id);
    if (NULL == entry)
    {
        forget_old(ids, now_ns);
        if (HASH_COUNT(ids->by_id) >= ids->limit)
        {
            TPI_SET_ERR(TP_EFULL, "node ids in use = %zu, the table holds no more", ids->limit);
            return -1;
        }
        entry = tpi_alloc(sizeof(*entry));
        if (NULL == entry) { return -1; }
        entry->node_id = node_id;
        HASH_ADD(hh, ids->by_id, node_id, sizeof(entry->node_id), entry);
        if (NULL == entry->hh.tbl)
        {
            tpi_free(entry);
            TPI_SET_ERR(TP_ENOMEM, "cannot add node id %u to the table", node_id);
            return -1;
        }
    }
    else
    {
        entry->had_owner = true;
        entry->previous_client_id = entry->client_id;
    }
    entry->held = true;
    entry->client_id = client_id;
    return 0;
}

void tpi_node_ids_release(tpi_node_ids_t *ids, uint32_t node_id, int64_t now_ns)
{
    tpi_node_id_entry_t *const entry = find(ids, node_id);
    if (NULL == entry || !entry->held) { return; }
    entry->held = false;
    entry->had_owner = false;
    entry->free_at_ns = now_ns > INT64_MAX - ids->cooldown_ns ? INT64_MAX : now_ns + ids->cooldown_ns;     /* D-097 */
}

void tpi_node_ids_cancel(tpi_node_ids_t *ids, uint32_t node_id)
{
    tpi_node_id_entry_t *const entry = find(ids, node_id);
    if (NULL == entry || !entry->held) { return; }
    entry->held = false;
    if (entry->had_owner)
    {
        entry->client_id = entry->previous_client_id;
        entry->had_owner = false;
        return;
    }
    HASH_DEL(ids->by_id, entry);
    tpi_free(entry);
}
