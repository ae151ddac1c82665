/* Deadlines behind a hash index. Invariant: earliest_ns is never later than the earliest deadline. */
#include "runtime/lease_table.h"

#include <inttypes.h>

#include "common/err.h"

void tpi_lease_table_init(tpi_lease_table_t *table, size_t limit)
{
    table->by_key = NULL;
    table->limit = limit;
    table->refused = 0;
    table->earliest_ns = INT64_MAX;
}

int tpi_lease_table_put(tpi_lease_table_t *table, tpi_deadline_t *deadline, uint64_t key, int64_t deadline_ns)
{
    if (HASH_COUNT(table->by_key) >= table->limit)
    {
        table->refused++;
        TPI_SET_ERR(TP_EFULL, "records in table = %zu, the table holds no more", table->limit);
        return -1;
    }
    if (NULL != tpi_lease_table_get(table, key))
    {
        TPI_SET_ERR(TP_ESTATE, "key %" PRIu64 " is in the table already", key);
        return -1;
    }
    deadline->key = key;
    deadline->deadline_ns = deadline_ns;
    deadline->next_due = NULL;
    HASH_ADD(hh, table->by_key, key, sizeof(deadline->key), deadline);
    if (NULL == deadline->hh.tbl)
    {
        TPI_SET_ERR(TP_ENOMEM, "cannot add key %" PRIu64 " to the table", key);
        return -1;
    }
    if (deadline_ns < table->earliest_ns) { table->earliest_ns = deadline_ns; }
    return 0;
}

tpi_deadline_t *tpi_lease_table_get(const tpi_lease_table_t *table, uint64_t key)
{
    tpi_deadline_t *found = NULL;
    HASH_FIND(hh, table->by_key, &key, sizeof(key), found);
    return found;
}

void tpi_lease_table_renew(tpi_lease_table_t *table, tpi_deadline_t *deadline, int64_t deadline_ns)
{
    deadline->deadline_ns = deadline_ns;
    if (deadline_ns < table->earliest_ns) { table->earliest_ns = deadline_ns; }
}

void tpi_lease_table_remove(tpi_lease_table_t *table, tpi_deadline_t *deadline) { HASH_DEL(table->by_key, deadline); }
size_t tpi_lease_table_count(const tpi_lease_table_t *table) { return HASH_COUNT(table->by_key); }

int tpi_lease_table_sweep(tpi_lease_table_t *table, int64_t now_ns, tpi_on_due_t on_due, void *clientd)
{
    if (now_ns <= table->earliest_ns) { return 0; }
    tpi_deadline_t *due = NULL;
    tpi_deadline_t **tail = &due;
    tpi_deadline_t *record = NULL;
    tpi_deadline_t *next = NULL;
    table->earliest_ns = INT64_MAX;
    HASH_ITER(hh, table->by_key, record, next)
    {
        if (now_ns > record->deadline_ns)                       /* D-102: strictly later */
        {
            HASH_DEL(table->by_key, record);
            record->next_due = NULL;
            *tail = record;
            tail = &record->next_due;
        }
        else if (record->deadline_ns < table->earliest_ns) { table->earliest_ns = record->deadline_ns; }
    }
    int count = 0;
    while (NULL != due)
    {
        tpi_deadline_t *const one = due;
        due = one->next_due;
        on_due(clientd, one);
        count++;
    }
    return count;
}

void tpi_lease_table_fini(tpi_lease_table_t *table) { HASH_CLEAR(hh, table->by_key); }
