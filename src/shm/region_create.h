/*
 * Creation of the region files of one epoch. src/layers.txt gives this header to the driver alone: a client has no way to make, resize or
 * remove a region (D-005, D-007).
 */
#ifndef TPI_SHM_REGION_CREATE_H
#define TPI_SHM_REGION_CREATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "shm/region.h"
#include "shm/spare.h"

typedef struct tpi_region_create
{
    const char *base_dir;              /* canonical */
    const char *user;                  /* sanitized */
    const char *name_space;
    uint32_t stream_id;
    uint64_t epoch;
    uint32_t nslots;
    size_t pool_count;
    const uint16_t *pool_ids;
    const uint32_t *strides;
    mode_t file_mode;                  /* directories get search permission wherever read is given, setgid with group read, never write for others */
    bool allocate_pools;               /* false: only the ring is allocated, pools stay sparse (epoch without a producer) */
    bool prefault;
    bool mlock;
    bool hugepages;                    /* URIs carry require_hugepages=true; refused with TP_EPAGES unless the base is hugetlbfs */
    uint64_t page_bytes;               /* lengths are rounded up to it; 0 = what the filesystem needs */
    uint64_t pid;
    uint64_t now_ns;                   /* start and activity timestamp */
    tpi_spare_t *spare;                /* taken for a pool that it fits; NULL = none */
}
tpi_region_create_t;

/* All regions of one epoch, kept mapped writable by the driver for activity refresh (ring and pools: superblock page only unless mlock). */
typedef struct tpi_epoch_files
{
    uint64_t epoch;
    uint32_t nslots;
    size_t region_count;               /* 1 + pools; [0] is the ring, then the pools in the order given */
    tpi_region_t *regions;
    char **uris;
    char *directory;
}
tpi_epoch_files_t;

/*
 * Creates directory, files and superblocks in the order of 11-shm-security.md section 7, fsync included. On failure nothing is left behind
 * (D-201), directories included that this call made: TP_ENOSPACE (bytes wanted and free), TP_EPATH, TP_EPERM, TP_EMLOCK, TP_EPAGES, TP_EIO.
 * An epoch directory that exists already is never used again: TP_EPATH. Slow: worker thread only.
 */
int tpi_epoch_files_create(tpi_epoch_files_t **files, const tpi_region_create_t *what);
/* Bytes on the filesystem that such an epoch allocates at once. */
uint64_t tpi_epoch_files_bytes(const tpi_region_create_t *what);
/* Length of the largest pool that a spare file may stand for, limit_bytes at most; 0: none. */
uint64_t tpi_epoch_files_spare_bytes(const tpi_region_create_t *what, uint64_t limit_bytes);
void tpi_epoch_files_refresh(tpi_epoch_files_t *files, uint64_t now_ns);
/* Unmaps; the files stay. Accepts NULL. */
void tpi_epoch_files_delete(tpi_epoch_files_t *files);

#endif
