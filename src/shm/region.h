/*
 * Region files and their mapping; who makes them: shm/region_create.h. Files are allocated with fallocate so that a full tmpfs is an error at
 * creation and never a SIGBUS later (trap M6); never truncated, always a new epoch directory (O-56).
 *
 * A file that its owner truncates while it is mapped raises SIGBUS in whoever touches the lost pages. Ours never shrink. Against foreign
 * ones: the size is taken from the opened descriptor before every mmap and again whenever a mapping is checked (each announce), and
 * shm/fault.h turns the signal into a failed copy for those who cannot trust the owner at all.
 */
#ifndef TPI_SHM_REGION_H
#define TPI_SHM_REGION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "codec/codec_shm.h"
#include "shm/path.h"

#define TPI_SUPERBLOCK_BYTES 64u
#define TPI_SLOT_BYTES 256u
#define TPI_POOLS_MAX 64u              /* pools of one stream; a local limit, checked before anything is allocated */
#define TPI_NSLOTS_MAX (1u << 24)      /* O-46 */

typedef enum tpi_region_type { TPI_REGION_HEADER_RING = 1, TPI_REGION_PAYLOAD_POOL = 2 } tpi_region_type_t;

/* What a region has to be, from an announce or an attach response (10-wire.md 10.3). */
typedef struct tpi_region_expect
{
    tpi_region_type_t type;
    uint32_t layout_version;
    uint64_t epoch;
    uint32_t stream_id;
    uint16_t pool_id;                  /* 0 for the ring */
    uint32_t nslots;
    uint32_t stride_bytes;             /* pools; 256 is implied for the ring */
}
tpi_region_expect_t;

/* Owned by whoever mapped it; base and descriptor end together in tpi_region_unmap. All zero but fd = -1 is "not mapped". */
typedef struct tpi_region
{
    uint8_t *base;                     /* start of the mapping = superblock */
    uint64_t mapped_bytes;
    bool writable;
    int fd;                            /* -1 when closed */
    uint64_t pid;                      /* of the superblock when mapped (W-119) */
    unsigned guard;                    /* of shm/fault.h; 0 = none */
}
tpi_region_t;

#define TPI_REGION_INIT { .base = NULL, .fd = -1 }

/* 64 + nslots * slot bytes, in 64 bits (trap M1); 0 if it cannot be represented. */
uint64_t tpi_region_bytes(tpi_region_type_t type, uint32_t nslots, uint32_t stride_bytes);

/* Maps an existing file after K1..K8 and superblock validation. On failure nothing stays mapped. */
int tpi_region_map(tpi_region_t *region, const tpi_base_dirs_t *bases, const char *uri, size_t uri_length,
    const tpi_region_expect_t *expect, bool writable, const tpi_file_policy_t *policy);
/* The same for tools, read-only: any superblock with the right magic; geometry is read from it and checked against the file size. */
int tpi_region_map_path(tpi_region_t *region, const char *path, tpc_superblock_t *superblock);
/*
 * 10.3 and the size on a mapped region: 0, or -1 with TP_EREGION (file shrunk), TP_EWRITER (pid differs from region->pid; everything else
 * matches, W-119) or TP_ESUPERBLOCK naming the field.
 */
int tpi_region_check(const tpi_region_t *region, const tpi_region_expect_t *expect);
/* 10.3 alone, on a decoded superblock; pid is not looked at. */
int tpi_superblock_check(const tpc_superblock_t *superblock, const tpi_region_expect_t *expect);
/* A private copy of the superblock, taken word by word. */
void tpi_region_superblock(const tpi_region_t *region, tpc_superblock_t *superblock);
/*
 * Locks the mapping in memory; undone by unmapping. on_fault: pages that have no memory yet get none from this, they are locked when they are
 * touched. TP_EMLOCK with the limit in the text.
 */
int tpi_region_lock(const tpi_region_t *region, bool on_fault);
void tpi_region_unmap(tpi_region_t *region);          /* idempotent, accepts NULL */
/* Whether pages were lost to truncation and read as zeros: nothing read from it counts any more. Hot; false without the guard of shm/fault.h. */
bool tpi_region_is_lost(const tpi_region_t *region);

uint64_t tpi_region_activity_ns(const tpi_region_t *region);                     /* relaxed 64-bit load at offset 56 */
void tpi_region_set_activity_ns(const tpi_region_t *region, uint64_t now_ns);    /* release store; writable mappings only */

#endif
