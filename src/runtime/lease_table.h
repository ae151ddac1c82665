/*
 * Records with a deadline: leases, discovery entries, liveness, cooldowns. Intrusive: the record embeds a tpi_deadline_t and owns its memory; the
 * table never allocates but for its index. One thread.
 */
#ifndef TPI_RUNTIME_LEASE_TABLE_H
#define TPI_RUNTIME_LEASE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/hash.h"

typedef struct tpi_deadline
{
    uint64_t key;
    int64_t deadline_ns;
    struct tpi_deadline *next_due;     /* while a sweep is under way */
    UT_hash_handle hh;
}
tpi_deadline_t;

typedef struct tpi_lease_table
{
    tpi_deadline_t *by_key;
    size_t limit;
    uint64_t refused;                  /* puts that met the limit */
    int64_t earliest_ns;               /* no deadline lies before it: a sweep that early looks at nothing */
}
tpi_lease_table_t;

/* Record of which member is the deadline: tpi_record_of(deadline, my_record_t, member). */
#define tpi_record_of(deadline, type, member) ((type *)(void *)((char *)(deadline) - offsetof(type, member)))

void tpi_lease_table_init(tpi_lease_table_t *table, size_t limit);
/* -1: TP_EFULL at the limit, TP_ESTATE when the key is there already. */
int tpi_lease_table_put(tpi_lease_table_t *table, tpi_deadline_t *deadline, uint64_t key, int64_t deadline_ns);
tpi_deadline_t *tpi_lease_table_get(const tpi_lease_table_t *table, uint64_t key);
void tpi_lease_table_renew(tpi_lease_table_t *table, tpi_deadline_t *deadline, int64_t deadline_ns);
void tpi_lease_table_remove(tpi_lease_table_t *table, tpi_deadline_t *deadline);
size_t tpi_lease_table_count(const tpi_lease_table_t *table);
static inline tpi_deadline_t *tpi_lease_table_first(const tpi_lease_table_t *table) { return table->by_key; }
static inline tpi_deadline_t *tpi_lease_table_next(const tpi_deadline_t *deadline) { return deadline->hh.next; }

/* The record is out of the table already and may be freed; others must not be freed in the handler. */
typedef void (*tpi_on_due_t)(void *clientd, tpi_deadline_t *deadline);
/* Every record with now > deadline, once. Returns how many. */
int tpi_lease_table_sweep(tpi_lease_table_t *table, int64_t now_ns, tpi_on_due_t on_due, void *clientd);
/* Drops the index; the records stay their owners'. */
void tpi_lease_table_fini(tpi_lease_table_t *table);

#endif
