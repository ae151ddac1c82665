/*
 * Owns the mappings of a consumer: the published one, and the retired ones until the consumer's thread has let go of them (trap M9). What is mapped
 * and when is decided by protocol/mapping; here it is done. Conductor only.
 */
#include "client/consumer_mapping.h"

#include "client/consumer_progress.h"
#include "common/alloc.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"

void tpi_consumer_notify(tp_consumer_t *consumer, tp_consumer_event_t event, uint64_t epoch, int code, const char *text)
{
    if (NULL != consumer->context.on_event) { consumer->context.on_event(consumer->context.event_clientd, event, epoch, code, text); }
}

void tpi_consumer_mapping_init(tp_consumer_t *consumer)
{
    const tpi_mapping_config_t config = { .stream_id = consumer->context.stream_id, .consumer_id = consumer->context.client_id,
        .fresh_ns = TPI_MAPPING_FRESH_PERIODS * consumer->client->settings.announce_period_ns, .has_fallback = false,
        .needs_lease = !consumer->context.driverless && !consumer->is_observer, .no_shm = consumer->context.no_shm };
    tpi_mapping_init(&consumer->mapping, &config);
}

static tpi_mapping_now_t both_clocks(int64_t now_ns)
{
    return (tpi_mapping_now_t){ .mono_ns = now_ns, .real_ns = tpi_clock_realtime_ns() };
}

#define CHECK_NS (500 * TPI_NS_PER_MS)          /* between looks at the superblocks of what is mapped */

/* ---- publication -------------------------------------------------------------------------------------------------------- */

void tpi_consumer_map_release(tpi_consumer_map_t *map)
{
    if (1 != atomic_fetch_sub_explicit(&map->refs, 1, memory_order_acq_rel)) { return; }             /* M9 */
    tpi_pool_set_delete(map->set);
    tpi_free(map);
}

static void delete_map(tpi_consumer_map_t *map)
{
    atomic_store_explicit(&map->is_withdrawn, true, memory_order_release);
    tpi_consumer_map_release(map);
}

static void retire(tp_consumer_t *c, tpi_consumer_map_t *map)
{
    atomic_store_explicit(&map->is_withdrawn, true, memory_order_release);
    map->next = c->retired;
    c->retired = map;
}

static void withdraw(tp_consumer_t *c, tpi_mapping_reason_t reason)
{
    if (NULL == c->published) { return; }
    const uint64_t epoch = c->published->epoch;
    tpi_handoff_publish(&c->maps, NULL);
    tpi_stat_set(&c->epoch, 0);
    retire(c, c->published);
    c->published = NULL;
    tpi_consumer_notify(c, TP_CONSUMER_UNMAPPED, epoch, TP_OK, tpi_mapping_reason_text((int)reason));
}

static void adopt(tp_consumer_t *c, tpi_pool_set_t *set)
{
    tpi_consumer_map_t *map = tpi_alloc(sizeof(*map));
    if (NULL == map)
    {
        tpi_pool_set_delete(set);
        withdraw(c, TPI_MAPPING_REGION);
        return;
    }
    const uint64_t before = c->mapped_epoch;
    *map = (tpi_consumer_map_t){ .set = set, .stream_id = set->stream_id, .epoch = set->epoch, .refs = 1, .next = NULL };
    tpi_consumer_map_t *old = c->published;
    tpi_consumer_progress_remapped(c);
    c->published = map;
    c->mapped_epoch = set->epoch;
    tpi_stat_set(&c->epoch, set->epoch);
    c->next_hello_ns = 0;                                  /* a new epoch may have a new producer: it hears of our wishes at once */
    atomic_store_explicit(&c->unmap_epoch, 0, memory_order_relaxed);
    tpi_handoff_publish(&c->maps, map);
    if (NULL != old) { retire(c, old); }
    if (0 != before) { tpi_stat_add(&c->remaps, 1); }
    const bool changed = 0 != before && before != set->epoch;
    tpi_consumer_notify(c, changed ? TP_CONSUMER_EPOCH_CHANGED : TP_CONSUMER_MAPPED, set->epoch, TP_OK, "");
}

/* After MAP or REMAP. */
static int map_from(tp_consumer_t *c, const tpi_pool_set_spec_t *spec, int64_t now_ns)
{
    tpi_pool_set_t *set = NULL;
    const int rc = tpi_client_map(c->client, &set, spec, false);          /* W-077 D-006 */
    tpi_err_t err;
    tpi_err_save(&err);
    const uint64_t activity_ns = rc < 0 ? 0 : tpi_pool_set_activity_ns(set);
    const tpi_mapping_decision_t d = tpi_mapping_on_mapped(&c->mapping, rc >= 0, activity_ns, both_clocks(now_ns));
    if (TPI_MAPPING_ADOPT == d.action) { adopt(c, set); return 0; }
    tpi_pool_set_delete(set);
    if (TPI_MAPPING_UNMAP == d.action) { withdraw(c, d.reason); }
    if (rc >= 0) { return 0; }
    tpi_err_restore(&err);
    return -1;
}

static void obey(tp_consumer_t *c, tpi_mapping_decision_t d, int64_t now_ns)
{
    switch (d.action)
    {
        case TPI_MAPPING_UNMAP:
        case TPI_MAPPING_SUSPEND: withdraw(c, d.reason); break;
        case TPI_MAPPING_RETRY:
            withdraw(c, d.reason);
            if (NULL != c->attachment) { tpi_session_abandon(&c->attachment->session, TP_ELEASE, tpi_mapping_reason_text((int)d.reason), now_ns); }
            break;
        default: break;
    }
}

/* ---- events ------------------------------------------------------------------------------------------------------------- */

int tpi_consumer_map_response(tp_consumer_t *consumer, const tpc_attach_response_t *response, int64_t now_ns)
{
    tp_consumer_t *c = consumer;
    tpi_pool_set_spec_t spec;
    tpi_pool_spec_t pools[TPC_POOLS_MAX];
    c->mapping.config.stream_id = response->stream_id;
    c->mapping.config.consumer_id = c->attachment->session.lease.client_id;
    tpi_attachment_spec(&spec, pools, response);
    if (tpi_pool_set_spec_check(&spec) < 0) { return -1; }
    const tpi_mapping_decision_t d = tpi_mapping_on_attached(&c->mapping, response->epoch);
    switch (d.action)
    {
        case TPI_MAPPING_MAP: return map_from(c, &spec, now_ns);
        case TPI_MAPPING_CHECK:
        {
            const int rc = NULL == c->published ? -1 : tpi_pool_set_check(c->published->set, &spec);
            obey(c, tpi_mapping_on_checked(&c->mapping, tpi_mapping_finding(rc, tp_errcode()), NULL == c->published ? 0 :
                tpi_pool_set_activity_ns(c->published->set), both_clocks(now_ns)), now_ns);
            return 0;
        }
        default: return 0;                                 /* an announce with a higher epoch will map */
    }
}

void tpi_consumer_on_announce(tp_consumer_t *consumer, const tpc_pool_announce_t *announce, int64_t joined_ns, int64_t now_ns)
{
    tp_consumer_t *c = consumer;
    tpi_pool_set_spec_t spec;
    tpi_pool_spec_t pools[TPC_POOLS_MAX];
    if (announce->stream_id != tpi_load_u32(&c->stream_id)) { return; }
    tpi_mapping_decision_t d = tpi_mapping_on_announce(&c->mapping, announce, joined_ns, both_clocks(now_ns));
    tpi_mapping_spec(&spec, pools, announce);
    if (TPI_MAPPING_CHECK == d.action)
    {
        const bool held = NULL != c->published;
        const int rc = held ? tpi_pool_set_check(c->published->set, &spec) : -1;
        d = tpi_mapping_on_checked(&c->mapping, held ? tpi_mapping_finding(rc, tp_errcode()) : TPI_MAPPING_CHANGED,
            held ? tpi_pool_set_activity_ns(c->published->set) : 0, both_clocks(now_ns));
    }
    if (TPI_MAPPING_REMAP == d.action) { withdraw(c, d.reason); }
    if (TPI_MAPPING_MAP == d.action || TPI_MAPPING_REMAP == d.action)
    {
        if (map_from(c, &spec, now_ns) < 0) { tpi_client_report(c->client); }
        return;
    }
    if (TPI_MAPPING_LAYOUT == d.reason || TPI_MAPPING_GEOMETRY == d.reason) { tpi_client_report(c->client); }
    obey(c, d, now_ns);
}

void tpi_consumer_on_revoked(tp_consumer_t *consumer, const tpc_lease_revoked_t *revoked, int64_t now_ns)
{
    tp_consumer_t *c = consumer;
    if (TP_ROLE_PRODUCER != revoked->role || revoked->reason < TPC_REVOKE_DETACHED || revoked->reason > TPC_REVOKE_REVOKED) { return; }
    obey(c, tpi_mapping_on_producer_revoked(&c->mapping, revoked->stream_id, now_ns), now_ns);        /* D-117 */
}

void tpi_consumer_lease_lost(tp_consumer_t *consumer, bool announced_shutdown)
{
    tp_consumer_t *c = consumer;
    obey(c, announced_shutdown ? tpi_mapping_on_driver_lost(&c->mapping, true) : tpi_mapping_on_lease_lost(&c->mapping), 0);
    withdraw(c, TPI_MAPPING_LEASE_LOST);
}

bool tpi_consumer_mapping_config(tp_consumer_t *consumer, const tpc_consumer_config_t *config)
{
    tp_consumer_t *c = consumer;
    const bool before = TPI_MAPPING_FALLBACK == c->mapping.state;
    c->mapping.config.consumer_id = tpi_load_u32(&c->client_id);
    c->mapping.config.stream_id = tpi_load_u32(&c->stream_id);
    obey(c, tpi_mapping_on_config(&c->mapping, config->stream_id, config->consumer_id, config->use_shm), 0);
    return !before && TPI_MAPPING_FALLBACK == c->mapping.state;
}

/* ---- cycle -------------------------------------------------------------------------------------------------------------- */

static void reclaim(tp_consumer_t *c)
{
    for (tpi_consumer_map_t **at = &c->retired; NULL != *at;)
    {
        tpi_consumer_map_t *map = *at;
        if (!tpi_handoff_is_free(&c->maps, map))
        {
            at = &map->next;
            continue;
        }
        *at = map->next;
        delete_map(map);
    }
}

void tpi_consumer_mapping_newer_epoch(tp_consumer_t *consumer, uint64_t newer, int64_t now_ns)
{
    tp_consumer_t *c = consumer;
    if (NULL != c->published) { obey(c, tpi_mapping_on_newer_epoch(&c->mapping, c->published->epoch, newer), now_ns); }
}

int tpi_consumer_mapping_work(tp_consumer_t *consumer, int64_t now_ns)
{
    tp_consumer_t *c = consumer;
    int work = 0;
    if (0 != atomic_load_explicit(&c->unmap_epoch, memory_order_relaxed))
    {
        const uint64_t epoch = atomic_exchange_explicit(&c->unmap_epoch, 0, memory_order_acquire);
        const bool newer = TPI_UNMAP_NEWER_EPOCH == tpi_stat_get(&c->unmap_reason);
        obey(c, newer ? tpi_mapping_on_newer_epoch(&c->mapping, epoch, tpi_stat_get(&c->seen_epoch)) : tpi_mapping_on_regression(&c->mapping, epoch),
            now_ns);
        work++;
    }
    if (NULL != c->retired) { reclaim(c); }
    return work;
}

void tpi_consumer_mapping_tick(tp_consumer_t *consumer, int64_t now_ns)
{
    tp_consumer_t *c = consumer;
    if (NULL != c->published && now_ns >= c->next_check_ns)
    {
        c->next_check_ns = now_ns + CHECK_NS;
        /* W-117 W-118 W-119, also when nobody announces; L-113: who has no lease sees the files of its epoch removed */
        const int rc = c->is_observer && tpi_pool_set_is_removed(c->published->set) ? -1 : tpi_pool_set_check_self(c->published->set);
        obey(c, tpi_mapping_on_finding(&c->mapping, c->published->epoch, tpi_mapping_finding(rc, tp_errcode())), now_ns);
    }
    const uint64_t activity_ns = NULL == c->published ? 0 : tpi_pool_set_activity_ns(c->published->set);
    if (NULL == c->published && !c->mapping.is_waiting) { return; }
    obey(c, tpi_mapping_on_tick(&c->mapping, activity_ns, both_clocks(now_ns)), now_ns);
}

void tpi_consumer_mapping_delete(tp_consumer_t *consumer)
{
    tp_consumer_t *c = consumer;
    if (NULL != c->published) { delete_map(c->published); }
    c->published = NULL;
    while (NULL != c->retired)
    {
        tpi_consumer_map_t *map = c->retired;
        c->retired = map->next;
        delete_map(map);
    }
}
