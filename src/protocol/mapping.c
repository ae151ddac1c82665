/*
 * Owns nothing but the values in tpi_mapping_t. Invariants: `epoch` counts only while MAPPED; an announce that is ignored changes
 * nothing, `highest` included, so a message that fails A11 cannot lock us out of the real epochs (trap P2).
 */
#include "protocol/mapping.h"

#include <tensor_pool/common/tp_error.h>

const char *tpi_mapping_reason_text(int reason)
{
    static const char *const texts[] = {
#define TPI_MAPPING_REASON(name, text) text,
        TPI_MAPPING_REASONS(TPI_MAPPING_REASON)
#undef TPI_MAPPING_REASON
    };
    return reason >= 0 && reason < TPI_MAPPING_REASON_COUNT ? texts[reason] : "unknown";
}

static tpi_mapping_decision_t decide(tpi_mapping_action_t action, tpi_mapping_reason_t reason)
{
    return (tpi_mapping_decision_t){ .action = action, .reason = reason };
}

static tpi_mapping_decision_t ignore(tpi_mapping_reason_t reason) { return decide(TPI_MAPPING_NONE, reason); }

void tpi_mapping_init(tpi_mapping_t *mapping, const tpi_mapping_config_t *config)
{
    *mapping = (tpi_mapping_t){ .config = *config, .clock_domain = TPC_CLOCK_MONOTONIC,
        .state = config->no_shm ? TPI_MAPPING_FALLBACK : TPI_MAPPING_UNMAPPED };
}

void tpi_mapping_spec(tpi_pool_set_spec_t *spec, tpi_pool_spec_t *pools, const tpc_pool_announce_t *announce)
{
    *spec = (tpi_pool_set_spec_t){ .stream_id = announce->stream_id, .epoch = announce->epoch, .layout_version = announce->layout_version,
        .header_nslots = announce->header_nslots, .header_slot_bytes = announce->header_slot_bytes,
        .header_uri = announce->header_region_uri.data, .header_uri_length = announce->header_region_uri.length };
    tpi_pool_set_spec_take_pools(spec, pools, announce->pools, announce->pool_count);
}

/* ---- transitions ---- */

static void require_above(tpi_mapping_t *m, uint64_t epoch)
{
    if (!m->has_floor || epoch > m->floor) { m->floor = epoch; }
    m->has_floor = true;
}

/* Leaves MAPPED for UNMAPPED or FALLBACK; whatever was asked for is void. */
static tpi_mapping_decision_t leave(tpi_mapping_t *m, tpi_mapping_state_t to, tpi_mapping_reason_t reason)
{
    const bool was_mapped = TPI_MAPPING_MAPPED == m->state;
    m->state = to;
    m->is_suspended = false;
    m->pending = TPI_MAPPING_NONE;
    return decide(was_mapped ? TPI_MAPPING_UNMAP : TPI_MAPPING_NONE, reason);
}

static tpi_mapping_state_t after_failure(const tpi_mapping_t *m)
{
    return m->config.has_fallback ? TPI_MAPPING_FALLBACK : TPI_MAPPING_UNMAPPED;              /* W-216 */
}

/* W-115 W-119 for good, D-117 D-125 until the wait is over. */
static bool is_too_low(const tpi_mapping_t *m, uint64_t epoch)
{
    return (m->has_floor && epoch <= m->floor) || (m->is_waiting && epoch <= m->wait_above);
}

static void raise_highest(tpi_mapping_t *m, uint64_t epoch)
{
    if (!m->has_highest || epoch > m->highest) { m->highest = epoch; }
    m->has_highest = true;
}

static tpi_mapping_decision_t ask(tpi_mapping_t *m, tpi_mapping_action_t action, uint64_t epoch, uint8_t domain)
{
    m->pending = action;
    m->pending_epoch = epoch;
    m->pending_domain = domain;
    return decide(action, TPI_MAPPING_NO_REASON);
}

/* ---- announces ---- */

/* Future times count as fresh (A4, O-23). */
static bool is_fresh(uint64_t timestamp_ns, int64_t now_ns, int64_t fresh_ns)
{
    const uint64_t now = now_ns < 0 ? 0 : (uint64_t)now_ns;
    return now <= timestamp_ns || now - timestamp_ns <= (uint64_t)fresh_ns;
}

static bool is_alive(const tpi_mapping_t *m, uint64_t activity_ns, uint8_t domain, tpi_mapping_now_t now)
{
    const int64_t clock_ns = TPC_CLOCK_REALTIME_SYNCED == domain ? now.real_ns : now.mono_ns;
    return 0 != activity_ns && is_fresh(activity_ns, clock_ns, m->config.fresh_ns);           /* A11 */
}

/* A2 to A6, and what we wait for. */
static tpi_mapping_reason_t judge_message(const tpi_mapping_t *m, const tpc_pool_announce_t *a, int64_t joined_ns, tpi_mapping_now_t now)
{
    const bool monotonic = TPC_CLOCK_MONOTONIC == a->announce_clock_domain;                    /* W-085 */
    if (m->config.stream_id != a->stream_id) { return TPI_MAPPING_FOREIGN; }                  /* A2 */
    if (!monotonic && TPC_CLOCK_REALTIME_SYNCED != a->announce_clock_domain) { return TPI_MAPPING_CLOCK_DOMAIN; }   /* A3, W-087 */
    if (!is_fresh(a->announce_timestamp_ns, monotonic ? now.mono_ns : now.real_ns, m->config.fresh_ns)) { return TPI_MAPPING_STALE; }   /* A4 W-086 */
    if (monotonic && joined_ns > 0 && a->announce_timestamp_ns < (uint64_t)joined_ns) { return TPI_MAPPING_BEFORE_JOIN; }   /* A5, W-083 */
    if (UINT64_MAX == a->epoch) { return TPI_MAPPING_RESERVED_EPOCH; }                        /* A6 */
    if (m->has_highest && a->epoch < m->highest) { return TPI_MAPPING_LOWER_EPOCH; }          /* A6, W-010 W-080 */
    if (is_too_low(m, a->epoch)) { return TPI_MAPPING_EPOCH_NOT_RAISED; }
    if (TPI_MAPPING_FALLBACK == m->state) { return TPI_MAPPING_IN_FALLBACK; }
    if (m->config.needs_lease && !m->has_lease) { return TPI_MAPPING_NO_LEASE; }              /* D-004 */
    return TPI_MAPPING_NO_REASON;
}

tpi_mapping_decision_t tpi_mapping_on_announce(tpi_mapping_t *mapping, const tpc_pool_announce_t *announce, int64_t joined_ns, tpi_mapping_now_t now)
{
    tpi_mapping_t *const m = mapping;
    tpi_pool_set_spec_t spec;
    tpi_pool_spec_t pools[TPC_POOLS_MAX];
    const tpi_mapping_reason_t reason = judge_message(m, announce, joined_ns, now);
    if (TPI_MAPPING_NO_REASON != reason) { return ignore(reason); }                           /* W-079 */
    tpi_mapping_spec(&spec, pools, announce);
    if (tpi_pool_set_spec_check(&spec) < 0)                                                   /* A7 A8 */
    {
        raise_highest(m, announce->epoch);
        return leave(m, after_failure(m), TP_ELAYOUT == tp_errcode() ? TPI_MAPPING_LAYOUT : TPI_MAPPING_GEOMETRY);
    }
    const bool same = TPI_MAPPING_MAPPED == m->state && announce->epoch == m->epoch;
    return ask(m, same ? TPI_MAPPING_CHECK : TPI_MAPPING_MAP, announce->epoch, announce->announce_clock_domain);
}

tpi_mapping_decision_t tpi_mapping_on_attached(tpi_mapping_t *mapping, uint64_t epoch)
{
    tpi_mapping_t *const m = mapping;
    m->has_lease = true;
    if (UINT64_MAX == epoch) { return ignore(TPI_MAPPING_RESERVED_EPOCH); }
    if (is_too_low(m, epoch)) { return ignore(TPI_MAPPING_EPOCH_NOT_RAISED); }
    if (TPI_MAPPING_FALLBACK == m->state) { return ignore(TPI_MAPPING_IN_FALLBACK); }
    if (TPI_MAPPING_MAPPED == m->state && epoch < m->epoch) { return ignore(TPI_MAPPING_LOWER_EPOCH); }
    m->has_highest = true;
    m->highest = epoch;                                                                       /* D-012: also downwards */
    if (TPI_MAPPING_MAPPED == m->state && epoch == m->epoch) { return ask(m, TPI_MAPPING_CHECK, epoch, m->clock_domain); }
    return ask(m, TPI_MAPPING_MAP, epoch, TPC_CLOCK_MONOTONIC);
}

tpi_mapping_decision_t tpi_mapping_on_mapped(tpi_mapping_t *mapping, bool succeeded, uint64_t activity_ns, tpi_mapping_now_t now)
{
    tpi_mapping_t *const m = mapping;
    if (TPI_MAPPING_MAP != m->pending && TPI_MAPPING_REMAP != m->pending)
    {
        return decide(TPI_MAPPING_DISCARD, TPI_MAPPING_NOTHING_PENDING);                      /* overtaken by another event */
    }
    m->pending = TPI_MAPPING_NONE;
    if (!succeeded)                                                                           /* A9 A10 */
    {
        raise_highest(m, m->pending_epoch);
        return leave(m, after_failure(m), TPI_MAPPING_REGION);
    }
    if (!is_alive(m, activity_ns, m->pending_domain, now)) { return decide(TPI_MAPPING_DISCARD, TPI_MAPPING_STALE_ACTIVITY); }   /* A11, W-091 */
    raise_highest(m, m->pending_epoch);
    m->state = TPI_MAPPING_MAPPED;
    m->epoch = m->pending_epoch;
    m->clock_domain = m->pending_domain;
    m->has_floor = false;
    m->is_suspended = false;
    m->is_waiting = false;
    return decide(TPI_MAPPING_ADOPT, TPI_MAPPING_NO_REASON);                                  /* W-078 W-112 */
}

tpi_mapping_finding_t tpi_mapping_finding(int check_result, int error_code)
{
    if (check_result >= 0) { return TPI_MAPPING_MATCHES; }
    return TP_EWRITER == error_code ? TPI_MAPPING_OTHER_WRITER : TPI_MAPPING_CHANGED;
}

tpi_mapping_decision_t tpi_mapping_on_checked(tpi_mapping_t *mapping, tpi_mapping_finding_t finding, uint64_t activity_ns, tpi_mapping_now_t now)
{
    tpi_mapping_t *const m = mapping;
    if (TPI_MAPPING_CHECK != m->pending) { return ignore(TPI_MAPPING_NOTHING_PENDING); }
    m->pending = TPI_MAPPING_NONE;
    if (TPI_MAPPING_CHANGED == finding)                                                       /* W-089; O-22: this announce may map at once */
    {
        (void)leave(m, TPI_MAPPING_UNMAPPED, TPI_MAPPING_SUPERBLOCK);
        (void)ask(m, TPI_MAPPING_REMAP, m->pending_epoch, m->pending_domain);
        return decide(TPI_MAPPING_REMAP, TPI_MAPPING_SUPERBLOCK);
    }
    if (TPI_MAPPING_OTHER_WRITER == finding) { return tpi_mapping_on_finding(m, m->epoch, finding); }
    if (!is_alive(m, activity_ns, m->pending_domain, now)) { return leave(m, TPI_MAPPING_UNMAPPED, TPI_MAPPING_STALE_ACTIVITY); }
    m->clock_domain = m->pending_domain;
    return decide(TPI_MAPPING_KEEP, TPI_MAPPING_NO_REASON);                                   /* trap M7 */
}

/* ---- what frames and superblocks show ---- */

tpi_drop_reason_t tpi_mapping_classify(uint32_t my_stream_id, const tpi_pool_set_t *set, uint32_t stream_id, uint64_t epoch)
{
    if (my_stream_id != stream_id) { return TPI_DROP_FOREIGN_STREAM; }                        /* trap P1 */
    if (UINT64_MAX == epoch) { return TPI_DROP_BAD_EPOCH; }                                   /* O-40: nobody's incarnation, unmaps nothing */
    if (NULL == set) { return TPI_DROP_NOT_MAPPED; }                                          /* W-116 */
    if (epoch < set->epoch) { return TPI_DROP_OLDER_EPOCH; }                                  /* W-095, O-19 */
    return epoch > set->epoch ? TPI_DROP_FOREIGN_EPOCH : TPI_DROP_ACCEPTED;
}

static bool is_about(const tpi_mapping_t *m, uint64_t epoch) { return TPI_MAPPING_MAPPED == m->state && epoch == m->epoch; }

tpi_mapping_decision_t tpi_mapping_on_newer_epoch(tpi_mapping_t *mapping, uint64_t epoch, uint64_t newer)
{
    if (!is_about(mapping, epoch) || newer <= epoch || UINT64_MAX == newer) { return ignore(TPI_MAPPING_NOTHING_PENDING); }
    require_above(mapping, epoch);                                                            /* W-115 */
    return leave(mapping, TPI_MAPPING_UNMAPPED, TPI_MAPPING_NEWER_EPOCH);                     /* W-114 */
}

tpi_mapping_decision_t tpi_mapping_on_regression(tpi_mapping_t *mapping, uint64_t epoch)
{
    if (!is_about(mapping, epoch)) { return ignore(TPI_MAPPING_NOTHING_PENDING); }
    return leave(mapping, TPI_MAPPING_UNMAPPED, TPI_MAPPING_REGRESSION);                      /* W-113: the same epoch may map again */
}

tpi_mapping_decision_t tpi_mapping_on_finding(tpi_mapping_t *mapping, uint64_t epoch, tpi_mapping_finding_t finding)
{
    if (!is_about(mapping, epoch)) { return ignore(TPI_MAPPING_NOTHING_PENDING); }
    if (TPI_MAPPING_MATCHES == finding) { return decide(TPI_MAPPING_KEEP, TPI_MAPPING_NO_REASON); }
    if (TPI_MAPPING_CHANGED == finding) { return leave(mapping, TPI_MAPPING_UNMAPPED, TPI_MAPPING_SUPERBLOCK); }   /* W-117 W-118 */
    require_above(mapping, epoch);                                                            /* W-119, O-21 */
    return leave(mapping, TPI_MAPPING_UNMAPPED, TPI_MAPPING_WRITER);
}

/* ---- what others say ---- */

tpi_mapping_decision_t tpi_mapping_on_config(tpi_mapping_t *mapping, uint32_t stream_id, uint32_t consumer_id, uint8_t use_shm)
{
    tpi_mapping_t *const m = mapping;
    if (m->config.stream_id != stream_id || m->config.consumer_id != consumer_id) { return ignore(TPI_MAPPING_FOREIGN); }   /* W-252 */
    if (0 == use_shm) { return leave(m, TPI_MAPPING_FALLBACK, TPI_MAPPING_CONFIG); }          /* W-155 */
    if (1 == use_shm && TPI_MAPPING_FALLBACK == m->state && !m->config.no_shm) { m->state = TPI_MAPPING_UNMAPPED; }
    return ignore(TPI_MAPPING_CONFIG);
}

tpi_mapping_decision_t tpi_mapping_on_producer_revoked(tpi_mapping_t *mapping, uint32_t stream_id, int64_t now_ns)
{
    tpi_mapping_t *const m = mapping;
    if (m->config.stream_id != stream_id) { return ignore(TPI_MAPPING_FOREIGN); }             /* D-118 */
    const bool mapped = TPI_MAPPING_MAPPED == m->state;
    if (m->is_waiting || (!mapped && !m->has_highest)) { return ignore(TPI_MAPPING_REVOKED); }   /* D-115 */
    m->pending = TPI_MAPPING_NONE;
    m->is_waiting = true;
    m->wait_above = mapped ? m->epoch : m->highest;                                           /* D-117 */
    m->deadline_ns = now_ns + m->config.fresh_ns;                                             /* D-123 */
    m->is_suspended = mapped;
    return decide(mapped ? TPI_MAPPING_SUSPEND : TPI_MAPPING_NONE, TPI_MAPPING_REVOKED);
}

tpi_mapping_decision_t tpi_mapping_on_lease_lost(tpi_mapping_t *mapping)
{
    mapping->has_lease = false;
    mapping->is_waiting = false;                                                              /* the next answer of the driver decides */
    if (TPI_MAPPING_FALLBACK == mapping->state) { return ignore(TPI_MAPPING_IN_FALLBACK); }
    return leave(mapping, TPI_MAPPING_UNMAPPED, TPI_MAPPING_LEASE_LOST);                      /* D-116 */
}

tpi_mapping_decision_t tpi_mapping_on_driver_lost(tpi_mapping_t *mapping, bool announced)
{
    tpi_mapping_t *const m = mapping;
    const bool mapped = TPI_MAPPING_MAPPED == m->state;
    m->has_lease = false;
    m->is_waiting = false;
    if (announced && (mapped || m->has_highest)) { require_above(m, mapped ? m->epoch : m->highest); }
    if (TPI_MAPPING_FALLBACK == m->state) { return ignore(TPI_MAPPING_IN_FALLBACK); }
    return leave(m, TPI_MAPPING_UNMAPPED, TPI_MAPPING_DRIVER_LOST);
}

tpi_mapping_decision_t tpi_mapping_on_tick(tpi_mapping_t *mapping, uint64_t activity_ns, tpi_mapping_now_t now)
{
    tpi_mapping_t *const m = mapping;
    if (m->is_waiting && now.mono_ns - m->deadline_ns > 0)                                    /* D-123 */
    {
        m->is_waiting = false;
        if (TPI_MAPPING_FALLBACK == m->state) { return ignore(TPI_MAPPING_REVOKE_TIMEOUT); }
        (void)leave(m, TPI_MAPPING_UNMAPPED, TPI_MAPPING_REVOKE_TIMEOUT);
        m->has_lease = false;
        return decide(TPI_MAPPING_RETRY, TPI_MAPPING_REVOKE_TIMEOUT);                         /* D-124; the driver's next answer is authoritative */
    }
    if (TPI_MAPPING_MAPPED != m->state || m->is_suspended) { return ignore(TPI_MAPPING_NO_REASON); }
    if (!is_alive(m, activity_ns, m->clock_domain, now)) { return leave(m, TPI_MAPPING_UNMAPPED, TPI_MAPPING_STALE_ACTIVITY); }   /* W-007 O-21 */
    return decide(TPI_MAPPING_KEEP, TPI_MAPPING_NO_REASON);
}
