/*
 * The mapping of one consumer: which announce may map, when a mapping ends, and what has to happen before the next one (10-wire.md 10,
 * 20-driver.md 4.4). Pure: facts and times in, one decision out; the caller maps, checks and unmaps, and reports back. Owned by the
 * conductor; the thread that polls descriptors uses tpi_mapping_classify on the set it holds and hands epochs and regressions over.
 *
 * The round trip of an announce:
 *   on_announce -> MAP    map a set aside with tpi_pool_set_map, then on_mapped -> ADOPT, DISCARD, UNMAP or NONE
 *   on_announce -> CHECK  tpi_pool_set_check on the mapped set, then on_checked -> KEEP, UNMAP, or REMAP: unmap, map, on_mapped as above
 */
#ifndef TPI_PROTOCOL_MAPPING_H
#define TPI_PROTOCOL_MAPPING_H

#include <stdbool.h>
#include <stdint.h>

#include "codec/codec_wire.h"
#include "protocol/drop_reason.h"
#include "shm/pool_set.h"

typedef enum tpi_mapping_state
{
    TPI_MAPPING_UNMAPPED = 0,          /* M0 */
    TPI_MAPPING_MAPPED,                /* M1 */
    TPI_MAPPING_FALLBACK               /* F: nothing mapped until a ConsumerConfig says so */
}
tpi_mapping_state_t;

typedef enum tpi_mapping_action
{
    TPI_MAPPING_NONE = 0,              /* nothing to do; reason says why */
    TPI_MAPPING_KEEP,                  /* the mapping is confirmed: touch nothing (trap M7) */
    TPI_MAPPING_CHECK,                 /* check the mapped set against this announce, then on_checked */
    TPI_MAPPING_MAP,                   /* map a set aside from this announce or answer, then on_mapped; keep using the old one meanwhile */
    TPI_MAPPING_REMAP,                 /* retire the mapped set, drop frames in flight, map from the same announce, then on_mapped */
    TPI_MAPPING_ADOPT,                 /* use the set mapped aside, retire the old one, restart sequence tracking */
    TPI_MAPPING_DISCARD,               /* let the set mapped aside go, all else stays */
    TPI_MAPPING_UNMAP,                 /* retire the mapped set (and one mapped aside), drop frames in flight */
    TPI_MAPPING_SUSPEND,               /* deliver no frame any more; the mapping may wait for its successor (20-driver.md 4.4) */
    TPI_MAPPING_RETRY                  /* as UNMAP, and attach again after a backoff (D-124) */
}
tpi_mapping_action_t;

#define TPI_MAPPING_REASONS(TPI_MAPPING_REASON) \
    TPI_MAPPING_REASON(NO_REASON,        "none") \
    TPI_MAPPING_REASON(FOREIGN,          "other stream or consumer")                      /* A2 W-252 D-118 */ \
    TPI_MAPPING_REASON(CLOCK_DOMAIN,     "clock domain is neither monotonic nor synchronized realtime") /* A3 W-087 */ \
    TPI_MAPPING_REASON(STALE,            "announce is older than the freshness window")   /* A4 W-079 W-081 */ \
    TPI_MAPPING_REASON(BEFORE_JOIN,      "announce is older than our subscription")       /* A5 W-083 */ \
    TPI_MAPPING_REASON(LOWER_EPOCH,      "epoch is lower than one seen before")           /* A6 W-080 O-19 */ \
    TPI_MAPPING_REASON(RESERVED_EPOCH,   "epoch 2^64-1 is reserved")                      /* A6 */ \
    TPI_MAPPING_REASON(EPOCH_NOT_RAISED, "a higher epoch is awaited")                     /* W-115 W-119 D-117 D-125 */ \
    TPI_MAPPING_REASON(NO_LEASE,         "no lease of the driver")                        /* D-004 */ \
    TPI_MAPPING_REASON(IN_FALLBACK,      "shared memory is switched off for this consumer") /* F */ \
    TPI_MAPPING_REASON(LAYOUT,           "layout version is not supported")               /* A7 W-200 */ \
    TPI_MAPPING_REASON(GEOMETRY,         "announced geometry is not valid")               /* A8 */ \
    TPI_MAPPING_REASON(REGION,           "a region cannot be mapped")                     /* A9 A10 */ \
    TPI_MAPPING_REASON(STALE_ACTIVITY,   "the regions show no sign of life")              /* A11 W-007 W-091 O-21 */ \
    TPI_MAPPING_REASON(SUPERBLOCK,       "a mapped superblock or file has changed")       /* W-089 W-090 W-118 */ \
    TPI_MAPPING_REASON(WRITER,           "the writer of the regions has changed")         /* W-119 */ \
    TPI_MAPPING_REASON(NEWER_EPOCH,      "a descriptor names a newer epoch")              /* O-19 */ \
    TPI_MAPPING_REASON(REGRESSION,       "descriptors went back")                         /* W-113 */ \
    TPI_MAPPING_REASON(CONFIG,           "ConsumerConfig")                                /* W-155 */ \
    TPI_MAPPING_REASON(REVOKED,          "the producer's lease has ended")                /* D-117 */ \
    TPI_MAPPING_REASON(REVOKE_TIMEOUT,   "no higher epoch was announced in time")         /* D-123 D-124 */ \
    TPI_MAPPING_REASON(LEASE_LOST,       "our lease has ended")                           /* D-116 */ \
    TPI_MAPPING_REASON(DRIVER_LOST,      "the driver is gone") \
    TPI_MAPPING_REASON(NOTHING_PENDING,  "nothing was asked for")

typedef enum tpi_mapping_reason
{
#define TPI_MAPPING_REASON(name, text) TPI_MAPPING_##name,
    TPI_MAPPING_REASONS(TPI_MAPPING_REASON)
#undef TPI_MAPPING_REASON
    TPI_MAPPING_REASON_COUNT
}
tpi_mapping_reason_t;

const char *tpi_mapping_reason_text(int reason);           /* static storage */

typedef struct tpi_mapping_decision
{
    tpi_mapping_action_t action;
    tpi_mapping_reason_t reason;
}
tpi_mapping_decision_t;

typedef struct tpi_mapping_config
{
    uint32_t stream_id;
    uint32_t consumer_id;
    int64_t fresh_ns;                  /* announce_freshness; 3 announce periods by default (W-082), also the wait of D-123 */
    bool has_fallback;                 /* a usable payloadFallbackUri is configured */
    bool no_shm;                       /* cannot or shall not map: FALLBACK for ever */
    bool needs_lease;                  /* with a driver: announces map only while a lease is held (D-004) */
}
tpi_mapping_config_t;

#define TPI_MAPPING_FRESH_PERIODS 3    /* W-082 */

typedef struct tpi_mapping
{
    tpi_mapping_config_t config;
    tpi_mapping_state_t state;
    uint64_t epoch;                    /* while MAPPED */
    uint8_t clock_domain;              /* of the activity timestamps: that of the announce (O-24) */
    bool has_lease;
    bool is_suspended;
    bool has_highest;
    uint64_t highest;                  /* A6 */
    bool has_floor;
    uint64_t floor;                    /* only epochs above it may map, whatever anybody says */
    bool is_waiting;                   /* for the epoch after a revocation; ends at deadline_ns (D-123) */
    uint64_t wait_above;
    int64_t deadline_ns;
    tpi_mapping_action_t pending;      /* MAP, REMAP or CHECK, asked for and not reported yet */
    uint64_t pending_epoch;
    uint8_t pending_domain;
}
tpi_mapping_t;

/* The two clocks of a consumer, read once a cycle. */
typedef struct tpi_mapping_now
{
    int64_t mono_ns;
    int64_t real_ns;
}
tpi_mapping_now_t;

void tpi_mapping_init(tpi_mapping_t *mapping, const tpi_mapping_config_t *config);

/* Fills a spec that points into the announce; pools has room for TPC_POOLS_MAX. */
void tpi_mapping_spec(tpi_pool_set_spec_t *spec, tpi_pool_spec_t *pools, const tpc_pool_announce_t *announce);

/* A2 to A8; A1 was the decoder's. joined_ns: CLOCK_MONOTONIC when the image of this sender became available (W-084, trap A7). */
tpi_mapping_decision_t tpi_mapping_on_announce(tpi_mapping_t *mapping, const tpc_pool_announce_t *announce, int64_t joined_ns, tpi_mapping_now_t now);
/* An attach response that passed the checks of 20-driver.md 3.8: authoritative, also about the highest epoch (D-012). */
tpi_mapping_decision_t tpi_mapping_on_attached(tpi_mapping_t *mapping, uint64_t epoch);

/* After MAP or REMAP. activity_ns: tpi_pool_set_activity_ns of the new set. */
tpi_mapping_decision_t tpi_mapping_on_mapped(tpi_mapping_t *mapping, bool succeeded, uint64_t activity_ns, tpi_mapping_now_t now);

typedef enum tpi_mapping_finding { TPI_MAPPING_MATCHES = 0, TPI_MAPPING_CHANGED, TPI_MAPPING_OTHER_WRITER } tpi_mapping_finding_t;
/* From the error code of a failed tpi_pool_set_check. */
tpi_mapping_finding_t tpi_mapping_finding(int check_result, int error_code);
/* After CHECK. */
tpi_mapping_decision_t tpi_mapping_on_checked(tpi_mapping_t *mapping, tpi_mapping_finding_t finding, uint64_t activity_ns, tpi_mapping_now_t now);

/* Row 1 of 11.1, by the thread that holds the set: (streamId, epoch) before anything else (trap P1). TPI_DROP_ACCEPTED or the reason. */
tpi_drop_reason_t tpi_mapping_classify(uint32_t my_stream_id, const tpi_pool_set_t *set, uint32_t stream_id, uint64_t epoch);
/* What that thread hands over; epoch: of the set it held, an event about an older set is ignored. */
tpi_mapping_decision_t tpi_mapping_on_newer_epoch(tpi_mapping_t *mapping, uint64_t epoch, uint64_t newer);
tpi_mapping_decision_t tpi_mapping_on_regression(tpi_mapping_t *mapping, uint64_t epoch);
/* The mapped set was looked at between announces, or slots showed a foreign layout. */
tpi_mapping_decision_t tpi_mapping_on_finding(tpi_mapping_t *mapping, uint64_t epoch, tpi_mapping_finding_t finding);

/* use_shm: raw Bool; other values change nothing (W-070). */
tpi_mapping_decision_t tpi_mapping_on_config(tpi_mapping_t *mapping, uint32_t stream_id, uint32_t consumer_id, uint8_t use_shm);
/* The lease of the producer of stream_id has ended. Duplicates do not prolong the wait (D-115). */
tpi_mapping_decision_t tpi_mapping_on_producer_revoked(tpi_mapping_t *mapping, uint32_t stream_id, int64_t now_ns);
tpi_mapping_decision_t tpi_mapping_on_lease_lost(tpi_mapping_t *mapping);
/* announced: by its shutdown notice; its successor has higher epochs (20-driver.md 9.2). */
tpi_mapping_decision_t tpi_mapping_on_driver_lost(tpi_mapping_t *mapping, bool announced);

/* Every tick of the conductor. activity_ns: of the mapped set, ignored when nothing is mapped. */
tpi_mapping_decision_t tpi_mapping_on_tick(tpi_mapping_t *mapping, uint64_t activity_ns, tpi_mapping_now_t now);

/* Frames may be delivered. */
static inline bool tpi_mapping_delivers(const tpi_mapping_t *mapping)
{
    return TPI_MAPPING_MAPPED == mapping->state && !mapping->is_suspended;
}

#endif
