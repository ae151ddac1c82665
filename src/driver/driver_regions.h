/*
 * Everything of the driver that touches the file system, as jobs: run in order on a worker thread so that the duty cycle never waits (trap
 * M12), or in the caller's cycle in tests. Jobs are owned by whoever holds them: caller, worker, caller again.
 */
#ifndef TPI_DRIVER_DRIVER_REGIONS_H
#define TPI_DRIVER_DRIVER_REGIONS_H

#include "common/err.h"
#include "driver/driver_internal.h"
#include "shm/region_create.h"

typedef struct tpi_gc_policy
{
    bool enabled;
    uint32_t keep;
    int64_t min_age_ns;
    uint64_t own_pid;
}
tpi_gc_policy_t;

typedef enum tpi_job_kind
{
    TPI_JOB_CREATE = 1,                /* regions of a new epoch; with a GC run and a second try when space is short */
    TPI_JOB_GC,                        /* one stream; lets go of retired files first */
    TPI_JOB_DISCARD,                   /* removes one epoch that was made in vain */
    TPI_JOB_REMOVE,                    /* the stream is forgotten: all its epochs, its directory, its lock */
    TPI_JOB_ORPHANS                    /* streams of this user and namespace that no living driver owns (D-183) */
}
tpi_job_kind_t;

typedef struct tpi_region_job
{
    tpi_job_kind_t kind;
    struct tpi_region_job *next;
    tpi_region_create_t what;          /* its arrays are the two below */
    uint16_t pool_ids[TPI_POOLS_MAX];
    uint32_t strides[TPI_POOLS_MAX];
    int dir_fd;                        /* the stream's directory, locked; CREATE: -1 = open and lock it. REMOVE: closed by the job */
    uint64_t known_epoch;              /* CREATE: the new number is above it. GC: the current one */
    uint64_t used_epoch;               /* CREATE: the one that clients may map now; a run for space takes only what is below it */
    uint64_t leased_epoch;             /* GC: 0 = none */
    bool keep_files;                   /* REMOVE: only the lock and empty directories go */
    tpi_gc_policy_t gc;
    tpi_epoch_files_t *files;          /* GC, DISCARD, REMOVE: to let go of. CREATE: the result */
    /* results */
    int rc;
    tpi_err_t error;
    uint64_t epoch;                    /* CREATE: the number that was tried, also after a failure */
    size_t removed;                    /* epochs */
}
tpi_region_job_t;

typedef struct tpi_regions tpi_regions_t;

#define TPI_SPARE_BYTES_MAX (UINT64_C(8) << 20)
#define TPI_SPARE_AFTER_NS INT64_C(1000000)            /* whoever asked has what he needs by then */
#define TPI_SPARE_KEPT_NS INT64_C(60000000000)

int tpi_regions_create(tpi_regions_t **regions, tpi_worker_kind_t kind, void (*wake)(void *clientd), void *wake_clientd);
/* Takes the job. */
void tpi_regions_submit(tpi_regions_t *regions, tpi_region_job_t *job);
/* The next finished job, NULL when there is none; the caller's to free (tpi_region_job_free). */
tpi_region_job_t *tpi_regions_take_done(tpi_regions_t *regions);
/* MANUAL: runs at most limit jobs. */
int tpi_regions_run(tpi_regions_t *regions, int limit);
bool tpi_regions_is_busy(tpi_regions_t *regions);
/* Whether a REMOVE of that stream is yet to be done: until then its directory is locked by this driver itself. */
bool tpi_regions_is_removing(tpi_regions_t *regions, uint32_t stream_id);
/* Runs what is queued to its end, then frees. What is done stays takeable until then: take it first. Accepts NULL. */
void tpi_regions_delete(tpi_regions_t *regions);
/* THREAD: bytes of the file that is kept for the next creation (L-310), and its inode; 0 = none. */
uint64_t tpi_regions_spare_bytes(tpi_regions_t *regions, uint64_t *inode);
/* Waits until every submitted job is done. */
void tpi_regions_finish(tpi_regions_t *regions);

void tpi_region_job_free(tpi_region_job_t *job);           /* with the files it still has; accepts NULL */

/* ---- garbage (driver_gc.c); worker only ---- */

/* 6.2 for one stream. Number of epochs removed; failures are logged. */
size_t tpi_gc_stream(int dir_fd, uint64_t current, uint64_t leased, const tpi_gc_policy_t *policy, int64_t now_ns);
size_t tpi_gc_all_epochs(int dir_fd);                      /* the stream is gone: every epoch */
size_t tpi_gc_orphans(const tpi_region_create_t *what, const tpi_gc_policy_t *policy);
uint64_t tpi_gc_highest_epoch(int dir_fd);                 /* 0 when there is none */

/* ---- ownership (driver_ownership.c) ---- */

/* Opens and locks a stream's directory (D-002 D-196). TP_EOWNED names the pid of the other driver. The descriptor is the lock. */
int tpi_ownership_take(const tpi_region_create_t *what);

#endif
