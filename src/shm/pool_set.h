/*
 * All regions of one stream in one epoch, mapped: the ring and its pools. All address arithmetic of the product is here, in 64 bits.
 * Built by the conductor, then read-only; freed when its last user is through.
 */
#ifndef TPI_SHM_POOL_SET_H
#define TPI_SHM_POOL_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/region.h"
#include "shm/slot.h"

typedef struct tpi_pool
{
    tpi_region_t region;
    uint16_t pool_id;
    uint32_t stride_bytes;
}
tpi_pool_t;

typedef struct tpi_pool_set
{
    uint32_t stream_id;
    uint64_t epoch;
    uint32_t nslots;                   /* power of two */
    uint32_t index_mask;
    tpi_region_t ring;
    size_t pool_count;
    tpi_pool_t *pools;                 /* ascending by stride_bytes, then pool_id */
    bool is_guarded;                   /* some region has the guard of shm/fault.h */
}
tpi_pool_set_t;

typedef struct tpi_pool_spec
{
    uint16_t pool_id;
    uint32_t nslots;
    uint32_t stride_bytes;
    const char *uri;                   /* not terminated */
    size_t uri_length;
}
tpi_pool_spec_t;

/* What an announce or attach response says. Borrowed: valid as long as the message it was taken from. */
typedef struct tpi_pool_set_spec
{
    uint32_t stream_id;
    uint64_t epoch;
    uint32_t layout_version;
    uint32_t header_nslots;
    uint32_t header_slot_bytes;
    const char *header_uri;
    size_t header_uri_length;
    size_t pool_count;
    const tpi_pool_spec_t *pools;
}
tpi_pool_set_spec_t;

/* Fills a spec from the pool entries of a message; pools has room for count entries and stays borrowed by the spec. */
void tpi_pool_set_spec_take_pools(tpi_pool_set_spec_t *spec, tpi_pool_spec_t *pools, const tpc_pool_entry_t *entries, size_t count);

/* A7 and A8: layout version and geometry rules, before any file is touched. 0 or -1 with TP_ELAYOUT or TP_EPROTOCOL naming the field. */
int tpi_pool_set_spec_check(const tpi_pool_set_spec_t *spec);
/* Maps ring and all pools or nothing (W-218). */
int tpi_pool_set_map(tpi_pool_set_t **set, const tpi_pool_set_spec_t *spec, const tpi_base_dirs_t *bases, bool writable,
    const tpi_file_policy_t *policy);
/* 10.3 and file sizes on what is mapped, and that it is still what the spec describes. Codes of tpi_region_check. */
int tpi_pool_set_check(const tpi_pool_set_t *set, const tpi_pool_set_spec_t *spec);
/* The same against what was mapped, for ticks between announces. */
int tpi_pool_set_check_self(const tpi_pool_set_t *set);
/* Whether somebody removed the ring's file: its epoch is over (garbage collection). Sets the error. */
bool tpi_pool_set_is_removed(const tpi_pool_set_t *set);
/* The oldest activityTimestampNs of all regions. */
uint64_t tpi_pool_set_activity_ns(const tpi_pool_set_t *set);
void tpi_pool_set_refresh(tpi_pool_set_t *set, uint64_t now_ns);    /* producer's refresh; writable sets only */
/* Locks all mappings in memory, sparse pages as they come; -1 with TP_EMLOCK, the set stays usable. */
int tpi_pool_set_lock(const tpi_pool_set_t *set);
void tpi_pool_set_delete(tpi_pool_set_t *set);                      /* accepts NULL */

/* Smallest pool whose stride holds length bytes, NULL if none (W-059). No allocation, no lock. */
static inline const tpi_pool_t *tpi_pool_set_fit(const tpi_pool_set_t *set, uint64_t length);
const tpi_pool_t *tpi_pool_set_fit_larger(const tpi_pool_set_t *set, uint64_t length);       /* of all but the smallest pool */
const tpi_pool_t *tpi_pool_set_find(const tpi_pool_set_t *set, uint16_t pool_id);

static inline const tpi_pool_t *tpi_pool_set_fit(const tpi_pool_set_t *set, uint64_t length)
{
    return length <= set->pools[0].stride_bytes ? &set->pools[0] : tpi_pool_set_fit_larger(set, length);           /* W-059 */
}

static inline uint32_t tpi_pool_set_index(const tpi_pool_set_t *set, uint64_t seq) { return (uint32_t)seq & set->index_mask; }   /* W-056 W-097 */

/* index < nslots. Readers' mappings are read-only: they only load. */
static inline tpi_slot_word_t *tpi_pool_set_slot(const tpi_pool_set_t *set, uint32_t index)
{
    return (tpi_slot_word_t *)(void *)(set->ring.base + TPI_SUPERBLOCK_BYTES + (size_t)index * TPI_SLOT_BYTES);     /* W-012 */
}

static inline uint8_t *tpi_pool_payload(const tpi_pool_t *pool, uint32_t index)
{
    return pool->region.base + TPI_SUPERBLOCK_BYTES + (size_t)index * (size_t)pool->stride_bytes;                   /* W-057, trap M1 */
}

/* Whether pages of any region were lost to truncation and read as zeros (shm/fault.h). Hot: one load without the guard. */
static inline bool tpi_pool_set_is_lost(const tpi_pool_set_t *set)
{
    if (!set->is_guarded) { return false; }
    bool lost = tpi_region_is_lost(&set->ring);
    for (size_t i = 0; i < set->pool_count; i++) { lost = lost || tpi_region_is_lost(&set->pools[i].region); }
    return lost;
}

/* R1 and the second load (shm/slot.h), and no page lost: all that was read from slot and payload since tpi_slot_open belongs to that frame. */
static inline bool tpi_pool_set_still(const tpi_pool_set_t *set, const tpi_slot_word_t *slot, uint64_t word)
{
    return tpi_slot_still(slot, word) && !tpi_pool_set_is_lost(set);
}

#endif
