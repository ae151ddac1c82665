/* Invariant: exactly the raised conditions are in the table. */
#include "protocol/health.h"

#include <string.h>

#include "common/alloc.h"

void tpi_health_init(tpi_health_t *health, size_t limit, int64_t clear_ns, tpi_on_condition_t handler, void *clientd)
{
    *health = (tpi_health_t){ .limit = limit, .clear_ns = clear_ns, .handler = handler, .clientd = clientd };
}

void tpi_health_fini(tpi_health_t *health)
{
    tpi_condition_t *condition = NULL;
    tpi_condition_t *next = NULL;
    HASH_ITER(hh, health->raised, condition, next)
    {
        HASH_DELETE(hh, health->raised, condition);
        tpi_free(condition);
    }
}

size_t tpi_health_count(const tpi_health_t *health) { return HASH_COUNT(health->raised); }

tpi_condition_t *tpi_health_find(const tpi_health_t *health, tpi_health_key_t key)
{
    tpi_condition_t *found = NULL;
    HASH_FIND(hh, health->raised, &key, sizeof(key), found);
    return found;
}

static void raise_condition(tpi_health_t *health, tpi_health_key_t key, int64_t value, int64_t bound, int64_t now_ns)
{
    tpi_condition_t *const condition = tpi_health_count(health) < health->limit ? tpi_alloc(sizeof(*condition)) : NULL;
    if (NULL == condition)
    {
        health->refused++;
        return;
    }
    condition->key = key;
    condition->since_ns = now_ns;
    condition->value = value;
    condition->bound = bound;
    HASH_ADD(hh, health->raised, key, sizeof(condition->key), condition);
    if (NULL == condition->hh.tbl)
    {
        health->refused++;
        tpi_free(condition);
        return;
    }
    health->handler(health->clientd, condition, true);
}

static void clear(tpi_health_t *health, tpi_condition_t *condition)
{
    HASH_DELETE(hh, health->raised, condition);
    health->handler(health->clientd, condition, false);
    tpi_free(condition);
}

void tpi_health_observe(tpi_health_t *health, tpi_health_key_t key, int64_t value, int64_t bound, int64_t now_ns)
{
    if (bound <= 0) { return; }
    tpi_condition_t *const condition = tpi_health_find(health, key);
    if (NULL == condition)
    {
        if (value >= bound) { raise_condition(health, key, value, bound, now_ns); }
        return;
    }
    condition->value = value;
    if (value >= bound - bound / 4)
    {
        condition->is_better = false;
        return;
    }
    if (!condition->is_better)
    {
        condition->is_better = true;
        condition->better_ns = now_ns;
    }
    if (now_ns - condition->better_ns >= health->clear_ns) { clear(health, condition); }
}

void tpi_health_forget(tpi_health_t *health, tpi_health_key_t key)
{
    tpi_condition_t *const condition = tpi_health_find(health, key);
    if (NULL != condition) { clear(health, condition); }
}
