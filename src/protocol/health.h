/*
 * Named conditions with hysteresis: raised at the bound, cleared when the value was well below it for a while. Pure; one thread. Only what is raised
 * takes memory; an observation costs one look into a hash.
 */
#ifndef TPI_PROTOCOL_HEALTH_H
#define TPI_PROTOCOL_HEALTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/hash.h"

typedef struct tpi_health_key
{
    uint32_t kind;                     /* tp_health_kind_t */
    uint32_t stream_id;
    uint32_t client_id;
}
tpi_health_key_t;

typedef struct tpi_condition
{
    tpi_health_key_t key;
    int64_t since_ns;
    int64_t value;                     /* last observed */
    int64_t bound;
    bool is_better;                    /* since better_ns */
    int64_t better_ns;
    void *clientd;                     /* of whoever shows it */
    UT_hash_handle hh;
}
tpi_condition_t;

/* A raised condition is in the table, a cleared one still valid during the call. */
typedef void (*tpi_on_condition_t)(void *clientd, tpi_condition_t *condition, bool is_raised);

typedef struct tpi_health
{
    tpi_condition_t *raised;
    size_t limit;
    uint64_t refused;                  /* conditions beyond the limit */
    int64_t clear_ns;
    tpi_on_condition_t handler;
    void *clientd;
}
tpi_health_t;

void tpi_health_init(tpi_health_t *health, size_t limit, int64_t clear_ns, tpi_on_condition_t handler, void *clientd);
/* No events. */
void tpi_health_fini(tpi_health_t *health);
/* bound 0 or below: the condition is switched off. Raised while value >= bound; better below three quarters of it. */
void tpi_health_observe(tpi_health_t *health, tpi_health_key_t key, int64_t value, int64_t bound, int64_t now_ns);
/* What it is about is gone: cleared at once. */
void tpi_health_forget(tpi_health_t *health, tpi_health_key_t key);
size_t tpi_health_count(const tpi_health_t *health);
tpi_condition_t *tpi_health_find(const tpi_health_t *health, tpi_health_key_t key);
static inline tpi_condition_t *tpi_health_first(const tpi_health_t *health) { return health->raised; }
static inline tpi_condition_t *tpi_health_next(const tpi_condition_t *condition) { return condition->hh.next; }

#endif
