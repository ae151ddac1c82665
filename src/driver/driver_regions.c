/*
 * The worker and its jobs. One mutex guards both lists; a job is touched by one side at a time. Order is kept: what is submitted first is done first.
 * When it has made regions and has nothing to do, the thread allocates a spare file of the length of their largest pool: the next epoch of such a
 * geometry, of this stream or another one, is there without waiting for that.
 */
#include "driver/driver_regions.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <utlist.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/thread.h"
#include "protocol/epoch.h"
#include "shm/epoch_dir.h"

struct tpi_regions
{
    tpi_worker_kind_t kind;
    pthread_mutex_t mutex;
    pthread_cond_t changed;            /* both ways: work to do, work done */
    tpi_thread_t thread;
    tpi_region_job_t *todo;
    tpi_region_job_t *done;
    const tpi_region_job_t *running;   /* the job that the thread runs */
    bool stop;
    tpi_spare_t spare;                 /* these four: the thread's; under the mutex where it has no job */
    uint64_t spare_wanted;             /* bytes; 0 = none is to be made */
    int64_t spare_due_ns;              /* when it is to be made, or dropped */
    int spare_dir;                     /* where to make it; -1 = nowhere */
    void (*wake)(void *clientd);
    void *wake_clientd;
};

/* ---- what jobs do ---------------------------------------------------------------------------------------------------------- */

static int try_create(tpi_region_job_t *job)
{
    const uint64_t found = tpi_gc_highest_epoch(job->dir_fd);
    const uint64_t above = job->epoch > job->known_epoch ? job->epoch : job->known_epoch;
    const uint64_t next = tpi_epoch_next(above, found, (int64_t)job->what.now_ns);      /* D-134 D-161 D-200 */
    if (0 == next)
    {
        TPI_SET_ERR(TP_EPATH, "stream %u has no epoch number left", job->what.stream_id);
        return -1;
    }
    job->epoch = next;
    job->what.epoch = next;
    return tpi_epoch_files_create(&job->files, &job->what);
}

/* A file that is kept for somebody is never the cause of a shortage. */
static int create_or_drop_spare(tpi_region_job_t *job)
{
    const int rc = try_create(job);
    if (0 == rc || TP_ENOSPACE != tp_errcode() || NULL == job->what.spare || job->what.spare->fd < 0) { return rc; }
    tpi_spare_drop(job->what.spare);                                                    /* L-311 */
    return try_create(job);
}

static int run_create(tpi_region_job_t *job)
{
    const bool had_dir = job->dir_fd >= 0;
    if (!had_dir) { job->dir_fd = tpi_ownership_take(&job->what); }
    if (job->dir_fd < 0) { return -1; }
    int rc = create_or_drop_spare(job);
    if (rc < 0 && TP_ENOSPACE == tp_errcode())
    {
        tpi_err_t error;
        tpi_gc_policy_t now = job->gc;
        now.min_age_ns = 0;
        tpi_err_save(&error);
        job->removed = tpi_gc_stream(job->dir_fd, job->used_epoch, job->leased_epoch, &now, (int64_t)job->what.now_ns);     /* D-179 */
        tpi_err_restore(&error);
        if (job->removed > 0) { rc = try_create(job); }
    }
    if (rc < 0 && !had_dir)                                                             /* D-201: nothing of a new stream stays */
    {
        tpi_err_t error;
        tpi_err_save(&error);
        tpi_stream_dir_prune(&job->what, TPI_STREAM_DIR_LEVELS);
        (void)close(job->dir_fd);
        job->dir_fd = -1;
        tpi_err_restore(&error);
    }
    return rc;
}

static void let_go(tpi_region_job_t *job)
{
    tpi_epoch_files_delete(job->files);
    job->files = NULL;
}

static void run_job(tpi_region_job_t *job)
{
    job->what.pool_ids = job->pool_ids;
    job->what.strides = job->strides;
    switch (job->kind)
    {
        case TPI_JOB_CREATE: job->rc = run_create(job); break;
        case TPI_JOB_GC:
            let_go(job);
            job->removed = tpi_gc_stream(job->dir_fd, job->known_epoch, job->leased_epoch, &job->gc, (int64_t)job->what.now_ns);
            break;
        case TPI_JOB_DISCARD:
            let_go(job);
            job->rc = tpi_epoch_dir_remove(job->dir_fd, job->epoch);
            break;
        case TPI_JOB_REMOVE:
            let_go(job);
            if (!job->keep_files) { job->removed = tpi_gc_all_epochs(job->dir_fd); }
            tpi_stream_dir_prune(&job->what, TPI_STREAM_DIR_LEVELS);                    /* under the lock: nobody can have taken it over */
            if (job->dir_fd >= 0) { (void)close(job->dir_fd); }
            job->dir_fd = -1;
            break;
        case TPI_JOB_ORPHANS: job->removed = tpi_gc_orphans(&job->what, &job->gc); break;
    }
    if (job->rc < 0) { tpi_err_save(&job->error); }
}

void tpi_region_job_free(tpi_region_job_t *job)
{
    if (NULL == job) { return; }
    tpi_epoch_files_delete(job->files);
    tpi_free(job);
}

/* ---- worker ---------------------------------------------------------------------------------------------------------------- */

/* Under the mutex: takes the first job. */
static tpi_region_job_t *pop(tpi_region_job_t **list)
{
    tpi_region_job_t *const job = *list;
    if (NULL != job) { LL_DELETE(*list, job); }
    return job;
}

static bool keeps_spares(const tpi_regions_t *regions) { return TPI_WORKER_THREAD == regions->kind; }

/* Of a creation that went well; beside its stream, where files have the group and the filesystem of the next one. */
static void want_spare(tpi_regions_t *regions, const tpi_region_job_t *job)
{
    if (TPI_JOB_CREATE != job->kind || job->rc < 0 || !keeps_spares(regions)) { return; }
    const uint64_t bytes = tpi_epoch_files_spare_bytes(&job->what, TPI_SPARE_BYTES_MAX);
    if (0 == bytes) { return; }                            /* pools of an epoch without a producer stay sparse */
    if (regions->spare_dir >= 0) { (void)close(regions->spare_dir); }
    regions->spare_dir = openat(job->dir_fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
    regions->spare_wanted = regions->spare_dir < 0 ? 0 : bytes;
    regions->spare_due_ns = tpi_clock_monotonic_ns() + TPI_SPARE_AFTER_NS;
}

static void run_and_publish(tpi_regions_t *regions, tpi_region_job_t *job)
{
    if (keeps_spares(regions)) { job->what.spare = &regions->spare; }
    run_job(job);
    job->what.spare = NULL;
    want_spare(regions, job);
    (void)pthread_mutex_lock(&regions->mutex);
    job->next = NULL;
    LL_APPEND(regions->done, job);
    regions->running = NULL;
    (void)pthread_cond_broadcast(&regions->changed);
    (void)pthread_mutex_unlock(&regions->mutex);
    if (NULL != regions->wake) { regions->wake(regions->wake_clientd); }
}

static bool has_nothing(const tpi_regions_t *regions) { return NULL == regions->todo && !regions->stop; }

/* Under the mutex: waits for a job, or until the spare file is to be made or dropped. */
static void await_job(tpi_regions_t *regions)
{
    if (0 == regions->spare_wanted && regions->spare.fd < 0)
    {
        while (has_nothing(regions)) { (void)pthread_cond_wait(&regions->changed, &regions->mutex); }
        return;
    }
    const struct timespec until = { (time_t)(regions->spare_due_ns / TPI_NS_PER_S), (long)(regions->spare_due_ns % TPI_NS_PER_S) };
    while (has_nothing(regions) && ETIMEDOUT != pthread_cond_timedwait(&regions->changed, &regions->mutex, &until)) { }
}

/* Outside of the mutex, while nobody asks for anything. */
static void make_spare(tpi_regions_t *regions)
{
    tpi_spare_t next = regions->spare;
    (void)tpi_spare_make(&next, regions->spare_dir, regions->spare_wanted);
    (void)close(regions->spare_dir);
    (void)pthread_mutex_lock(&regions->mutex);
    regions->spare = next;
    regions->spare_dir = -1;
    regions->spare_wanted = 0;
    regions->spare_due_ns = tpi_clock_monotonic_ns() + TPI_SPARE_KEPT_NS;
    (void)pthread_mutex_unlock(&regions->mutex);
}

static void drop_spare(tpi_regions_t *regions)
{
    (void)pthread_mutex_lock(&regions->mutex);
    tpi_spare_drop(&regions->spare);
    (void)pthread_mutex_unlock(&regions->mutex);
}

static void *work(void *arg)
{
    tpi_regions_t *const regions = arg;
    for (;;)
    {
        (void)pthread_mutex_lock(&regions->mutex);
        await_job(regions);
        tpi_region_job_t *const job = pop(&regions->todo);
        const bool ends = NULL == job && regions->stop;
        regions->running = job;
        (void)pthread_mutex_unlock(&regions->mutex);
        if (ends) { return NULL; }
        if (NULL != job) { run_and_publish(regions, job); }
        else if (0 != regions->spare_wanted) { make_spare(regions); }
        else { drop_spare(regions); }
    }
}

static int init_condition(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    if (0 != pthread_condattr_init(&attributes)) { return -1; }
    const int rc = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) | pthread_cond_init(condition, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    return rc;
}

uint64_t tpi_regions_spare_bytes(tpi_regions_t *regions, uint64_t *inode)
{
    struct stat st;
    uint64_t bytes = 0;
    (void)pthread_mutex_lock(&regions->mutex);
    if (regions->spare.fd >= 0 && 0 == fstat(regions->spare.fd, &st))
    {
        bytes = regions->spare.bytes;
        *inode = (uint64_t)st.st_ino;
    }
    (void)pthread_mutex_unlock(&regions->mutex);
    return bytes;
}

int tpi_regions_create(tpi_regions_t **regions, tpi_worker_kind_t kind, void (*wake)(void *clientd), void *wake_clientd)
{
    tpi_regions_t *const r = tpi_alloc(sizeof(*r));
    if (NULL == r) { return -1; }
    r->kind = kind;
    r->wake = wake;
    r->wake_clientd = wake_clientd;
    tpi_spare_init(&r->spare);
    r->spare_dir = -1;
    (void)pthread_mutex_init(&r->mutex, NULL);
    if (0 != init_condition(&r->changed))
    {
        TPI_SET_ERR(TP_EINTERNAL, "the worker for regions cannot be made");
        (void)pthread_mutex_destroy(&r->mutex);
        tpi_free(r);
        return -1;
    }
    if (TPI_WORKER_THREAD == kind && tpi_thread_start(&r->thread, "tp-regions", work, r) < 0)
    {
        tpi_regions_delete(r);
        return -1;
    }
    *regions = r;
    return 0;
}

void tpi_regions_submit(tpi_regions_t *regions, tpi_region_job_t *job)
{
    (void)pthread_mutex_lock(&regions->mutex);
    job->next = NULL;
    LL_APPEND(regions->todo, job);
    (void)pthread_cond_broadcast(&regions->changed);
    (void)pthread_mutex_unlock(&regions->mutex);
    if (TPI_WORKER_INLINE == regions->kind) { (void)tpi_regions_run(regions, 1); }
}

int tpi_regions_run(tpi_regions_t *regions, int limit)
{
    int count = 0;
    if (TPI_WORKER_THREAD == regions->kind) { return 0; }
    for (; count < limit; count++)
    {
        tpi_region_job_t *const job = pop(&regions->todo);
        if (NULL == job) { break; }
        run_and_publish(regions, job);
    }
    return count;
}

tpi_region_job_t *tpi_regions_take_done(tpi_regions_t *regions)
{
    (void)pthread_mutex_lock(&regions->mutex);
    tpi_region_job_t *const job = pop(&regions->done);
    (void)pthread_mutex_unlock(&regions->mutex);
    return job;
}

bool tpi_regions_is_busy(tpi_regions_t *regions)
{
    (void)pthread_mutex_lock(&regions->mutex);
    const bool busy = NULL != regions->todo || NULL != regions->done || NULL != regions->running;
    (void)pthread_mutex_unlock(&regions->mutex);
    return busy;
}

static bool removes(const tpi_region_job_t *job, uint32_t stream_id)
{
    return NULL != job && TPI_JOB_REMOVE == job->kind && job->what.stream_id == stream_id;
}

bool tpi_regions_is_removing(tpi_regions_t *regions, uint32_t stream_id)
{
    const tpi_region_job_t *job = NULL;
    (void)pthread_mutex_lock(&regions->mutex);
    bool found = removes(regions->running, stream_id);
    LL_FOREACH(regions->todo, job) { found = found || removes(job, stream_id); }
    (void)pthread_mutex_unlock(&regions->mutex);
    return found;
}

void tpi_regions_finish(tpi_regions_t *regions)
{
    if (TPI_WORKER_THREAD != regions->kind)
    {
        while (tpi_regions_run(regions, 64) > 0) { }
        return;
    }
    (void)pthread_mutex_lock(&regions->mutex);
    while (NULL != regions->todo || NULL != regions->running) { (void)pthread_cond_wait(&regions->changed, &regions->mutex); }
    (void)pthread_mutex_unlock(&regions->mutex);
}

void tpi_regions_delete(tpi_regions_t *regions)
{
    if (NULL == regions) { return; }
    tpi_regions_finish(regions);
    (void)pthread_mutex_lock(&regions->mutex);
    regions->stop = true;
    (void)pthread_cond_broadcast(&regions->changed);
    (void)pthread_mutex_unlock(&regions->mutex);
    tpi_thread_join(&regions->thread);
    tpi_region_job_t *job = NULL;
    while (NULL != (job = pop(&regions->done))) { tpi_region_job_free(job); }
    tpi_spare_drop(&regions->spare);
    if (regions->spare_dir >= 0) { (void)close(regions->spare_dir); }
    (void)pthread_cond_destroy(&regions->changed);
    (void)pthread_mutex_destroy(&regions->mutex);
    tpi_free(regions);
}
