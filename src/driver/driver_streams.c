/*
 * Streams: who is known, which epoch is current, when to announce, and what happens when regions were made or could not be made. File system
 * work goes to the worker; a stream has at most one creation under way, and requests that need its outcome wait in order of arrival.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "driver/driver_state.h"

#define ORPHANS_PERIOD_NS (INT64_C(60) * 1000000000)

tpi_stream_t *tpi_stream_find(const tpi_driver_t *driver, uint32_t stream_id)
{
    tpi_stream_t *found = NULL;
    HASH_FIND(hh, driver->streams, &stream_id, sizeof(stream_id), found);
    return found;
}

tpi_stream_t *tpi_stream_add(tpi_driver_t *driver, uint32_t stream_id, const char *name, const tp_profile_config_t *profile, bool is_static)
{
    if (HASH_COUNT(driver->streams) >= driver->options.streams_max)
    {
        driver->stats.limit_streams++;
        TPI_SET_ERR(TP_EFULL, "streams = %zu, the driver serves no more", driver->options.streams_max);
        return NULL;
    }
    tpi_stream_t *const stream = tpi_alloc(sizeof(*stream));
    if (NULL == stream) { return NULL; }
    stream->stream_id = stream_id;
    (void)snprintf(stream->name, sizeof(stream->name), "%s", name);
    stream->profile = *profile;
    stream->is_static = is_static;
    stream->is_known = is_static;
    stream->dir_fd = -1;
    stream->wake_fd = -1;
    stream->epoch = driver->epoch_floor;
    stream->gc_ns = INT64_MAX;
    HASH_ADD(hh, driver->streams, stream_id, sizeof(stream->stream_id), stream);
    if (NULL != stream->hh.tbl) { return stream; }
    tpi_free(stream);
    TPI_SET_ERR(TP_ENOMEM, "cannot add stream %" PRIu32 " to the table", stream_id);
    return NULL;
}

static bool id_is_taken(void *clientd, uint32_t id) { return NULL != tpi_stream_find(clientd, id); }

uint32_t tpi_stream_next_id(tpi_driver_t *driver)
{
    return tpi_stream_range_peek(&driver->dynamic_range, HASH_COUNT(driver->streams), id_is_taken, driver);
}

bool tpi_stream_is_usable(const tpi_stream_t *stream) { return NULL != stream->files && !stream->is_suspended; }

bool tpi_stream_has_producer(const tpi_driver_t *driver, const tpi_stream_t *stream)
{
    if (NULL != stream->producer) { return true; }
    const tpi_wait_t *wait = NULL;
    DL_FOREACH(driver->waits, wait)
    {
        if (wait->stream == stream && TP_ROLE_PRODUCER == wait->request.role) { return true; }     /* D-053: one under way counts */
    }
    return false;
}

tpi_wait_t *tpi_wait_add(tpi_driver_t *driver, tpi_stream_t *stream, const tpc_attach_request_t *request)
{
    if (driver->wait_count >= driver->options.waits_max)
    {
        driver->stats.limit_waits++;
        TPI_SET_ERR(TP_EFULL, "attach requests that wait for regions = %zu, no more are kept", driver->options.waits_max);
        return NULL;
    }
    tpi_wait_t *const wait = tpi_alloc(sizeof(*wait));
    if (NULL == wait) { return NULL; }
    wait->request = *request;
    wait->stream = stream;
    DL_APPEND(driver->waits, wait);
    driver->wait_count++;
    return wait;
}

void tpi_wait_remove(tpi_driver_t *driver, tpi_wait_t *wait)
{
    DL_DELETE(driver->waits, wait);
    driver->wait_count--;
    tpi_free(wait);
}

/* ---- jobs ------------------------------------------------------------------------------------------------------------------ */

static void due(tpi_driver_t *driver, int64_t at_ns)
{
    if (at_ns < driver->tick_ns) { driver->tick_ns = at_ns; }
}

static void fill(const tpi_driver_t *driver, tpi_region_create_t *what, uint32_t stream_id, int64_t now_ns)
{
    what->base_dir = driver->base_dir;
    what->user = driver->user;                                                                      /* D-197 */
    what->name_space = driver->name_space;
    what->stream_id = stream_id;
    what->file_mode = (mode_t)driver->config.permissions_mode;
    what->pid = driver->pid;
    what->now_ns = now_ns > 0 ? (uint64_t)now_ns : 0;
}

static int take_dir(const tpi_driver_t *driver, tpi_stream_t *stream, int64_t now_ns)
{
    tpi_region_create_t what = { 0 };
    fill(driver, &what, stream->stream_id, now_ns);
    stream->dir_fd = tpi_ownership_take(&what);                                                /* D-002 */
    return stream->dir_fd < 0 ? -1 : 0;
}

static tpi_region_job_t *new_job(const tpi_driver_t *driver, tpi_job_kind_t kind, const tpi_stream_t *stream, int64_t now_ns)
{
    tpi_region_job_t *const job = tpi_alloc(sizeof(*job));
    if (NULL == job) { return NULL; }
    job->kind = kind;
    job->dir_fd = NULL == stream ? -1 : stream->dir_fd;
    job->gc = driver->gc;
    fill(driver, &job->what, NULL == stream ? 0 : stream->stream_id, now_ns);
    return job;
}

static void submit_gc(tpi_driver_t *driver, tpi_stream_t *stream, tpi_epoch_files_t *retired, int64_t now_ns)
{
    tpi_region_job_t *const job = new_job(driver, TPI_JOB_GC, stream, now_ns);
    if (NULL == job)
    {
        tpi_epoch_files_delete(retired);
        return;
    }
    job->files = retired;
    job->known_epoch = NULL == stream->files ? 0 : stream->files->epoch;
    job->leased_epoch = NULL == stream->producer ? 0 : stream->producer->lease.epoch;          /* OP-D-06: a consumer refers to the current epoch */
    tpi_regions_submit(driver->regions, job);
}

static void answer_pending_detach(tpi_driver_t *driver, tpi_stream_t *stream, int64_t now_ns)
{
    if (!stream->detach_pending) { return; }
    stream->detach_pending = false;
    tpi_proxy_detach(driver, stream->detach_correlation_id, TPC_CODE_OK, "", now_ns);
}

/* OP-D-30: the raised number stays, nothing is announced, and it is tried again. */
static void suspend(tpi_driver_t *driver, tpi_stream_t *stream, int64_t now_ns)
{
    stream->is_suspended = true;
    stream->retry_ns = now_ns + driver->period_ns;
    due(driver, stream->retry_ns);
    answer_pending_detach(driver, stream, now_ns);
}

int tpi_stream_raise(tpi_driver_t *driver, tpi_stream_t *stream, tpi_wait_t *wait, int64_t now_ns)
{
    if (NULL == wait) { stream->is_suspended = true; }         /* the epoch is over, whatever becomes of the next one */
    if (stream->is_creating) { return 0; }
    tpi_region_job_t *const job = new_job(driver, TPI_JOB_CREATE, stream, now_ns);
    if (NULL == job)
    {
        if (NULL == wait) { suspend(driver, stream, now_ns); }
        return -1;
    }
    for (uint32_t i = 0; i < stream->profile.pool_count; i++)
    {
        job->pool_ids[i] = stream->profile.pools[i].pool_id;
        job->strides[i] = stream->profile.pools[i].stride_bytes;
    }
    job->what.nslots = stream->profile.header_nslots;
    job->what.pool_count = stream->profile.pool_count;
    /* Nobody writes into an epoch without a producer, and the next producer raises it anyway: pools of such an epoch stay sparse. */
    job->what.allocate_pools = NULL != wait && TP_ROLE_PRODUCER == wait->request.role;
    job->what.prefault = driver->config.prefault_shm;
    job->what.mlock = driver->config.mlock_shm;
    job->what.hugepages = stream->hugepages;
    job->what.page_bytes = driver->is_huge ? driver->config.page_size_bytes : 0;
    job->known_epoch = stream->epoch;
    job->used_epoch = tpi_stream_is_usable(stream) ? stream->files->epoch : stream->epoch;
    stream->is_creating = true;
    stream->creating_for = wait;
    tpi_regions_submit(driver->regions, job);
    return 0;
}

static tp_profile_config_t geometry_of(const tpi_region_job_t *job)
{
    tp_profile_config_t made = { .header_nslots = job->what.nslots, .header_slot_bytes = TPC_SLOT_BYTES };
    made.pool_count = (uint32_t)job->what.pool_count;
    for (uint32_t i = 0; i < made.pool_count; i++) { made.pools[i] = (tp_pool_config_t){ job->pool_ids[i], job->strides[i] }; }
    return made;
}

bool tpi_profile_is_same(const tp_profile_config_t *a, const tp_profile_config_t *b)
{
    if (a->header_nslots != b->header_nslots || a->pool_count != b->pool_count) { return false; }
    for (uint32_t i = 0; i < a->pool_count; i++)
    {
        if (a->pools[i].pool_id != b->pools[i].pool_id || a->pools[i].stride_bytes != b->pools[i].stride_bytes) { return false; }
    }
    return true;
}

/* Row 18 and the end of the sequence of 4.1: creation first, announce after (trap P4). */
static void creation_done(tpi_driver_t *driver, tpi_stream_t *stream, tpi_region_job_t *job, tpi_wait_t *wait, int64_t now_ns)
{
    tpi_epoch_files_t *const retired = stream->files;
    stream->files = job->files;
    job->files = NULL;
    stream->is_suspended = false;
    stream->is_known = !stream->is_removed;
    const tp_profile_config_t made = geometry_of(job);
    if (!tpi_profile_is_same(&stream->live, &made)) { tpi_driver_say_cache(driver, stream->stream_id, &made); }        /* L-412: once */
    stream->live = made;
    stream->counts.epochs++;
    driver->stats.regions_created++;
    if (NULL == stream->counter) { tpi_driver_counter_stream(driver, stream); }
    tpi_shown_set(stream->counter, (int64_t)stream->files->epoch);
    if (NULL == wait) { tpi_proxy_announce(driver, stream, now_ns); }                          /* D-136 W-074 */
    else if (tpi_lease_commit(driver, stream, &wait->request, wait->node_id, now_ns) < 0)
    {
        driver->stats.attach_failed++;
        tpi_node_ids_cancel(&driver->node_ids, wait->node_id);
        tpi_proxy_attach_refused(driver, wait->request.correlation_id, TPC_CODE_INTERNAL_ERROR, tp_errmsg(), now_ns);
        stream->announce_ns = now_ns;
    }
    answer_pending_detach(driver, stream, now_ns);
    due(driver, stream->announce_ns);
    if (driver->gc.enabled)
    {
        const int64_t wait_ns = driver->gc.min_age_ns < INT64_MAX - driver->period_ns ? driver->gc.min_age_ns + driver->period_ns : INT64_MAX;
        stream->gc_ns = wait_ns < INT64_MAX - now_ns ? now_ns + wait_ns : INT64_MAX;
        due(driver, stream->gc_ns);
    }
    submit_gc(driver, stream, retired, now_ns);                                                /* D-177 */
}

/* Row 17: nothing has changed but the number that was tried. */
static void creation_failed(tpi_driver_t *driver, tpi_stream_t *stream, tpi_wait_t *wait, int32_t code, const char *text, int64_t now_ns)
{
    if (NULL == wait || stream->is_suspended) { suspend(driver, stream, now_ns); }             /* its timer may have run out meanwhile */
    if (NULL == wait) { return; }
    driver->stats.attach_failed++;
    tpi_node_ids_cancel(&driver->node_ids, wait->node_id);
    tpi_proxy_attach_refused(driver, wait->request.correlation_id, code, text, now_ns);        /* D-075 */
}

/* Everybody who waited for the outcome is looked at again, as if the request had just come. */
static void rerun_waits(tpi_driver_t *driver, uint32_t stream_id, tpi_wait_t *waits, int64_t now_ns)
{
    tpi_wait_t *wait = NULL;
    tpi_wait_t *next = NULL;
    DL_FOREACH_SAFE(waits, wait, next)
    {
        const tpc_attach_request_t request = wait->request;
        DL_DELETE(waits, wait);
        tpi_free(wait);
        tpi_handle_attach(driver, &request, now_ns);
    }
    tpi_stream_t *const stream = tpi_stream_find(driver, stream_id);
    if (NULL != stream) { tpi_stream_forget_if_unused(driver, stream, now_ns); }
}

static tpi_wait_t *take_waits(tpi_driver_t *driver, const tpi_stream_t *stream)
{
    tpi_wait_t *taken = NULL;
    tpi_wait_t *wait = NULL;
    tpi_wait_t *next = NULL;
    DL_FOREACH_SAFE(driver->waits, wait, next)
    {
        if (wait->stream != stream) { continue; }
        DL_DELETE(driver->waits, wait);
        driver->wait_count--;
        DL_APPEND(taken, wait);
    }
    return taken;
}

/* The regions were made for a request that may not be granted any more, or for a geometry that is not wanted any more. */
static void discard(tpi_driver_t *driver, tpi_stream_t *stream, tpi_region_job_t *job, int64_t now_ns)
{
    tpi_region_job_t *const undo = new_job(driver, TPI_JOB_DISCARD, stream, now_ns);
    if (NULL == undo) { return; }
    undo->files = job->files;
    undo->epoch = job->epoch;
    job->files = NULL;
    tpi_regions_submit(driver->regions, undo);
}

/* The outcome of a creation whose request may not be granted any more: NULL = it may. */
static const char *why_not(const tpi_driver_t *driver, const tpi_stream_t *stream)
{
    return TP_DRIVER_RUNNING != driver->state ? "driver draining" : stream->is_removed ? "stream not provisioned" : NULL;
}

static bool is_stale(const tpi_stream_t *stream, const tpi_region_job_t *job)
{
    const tp_profile_config_t made = geometry_of(job);
    return !tpi_profile_is_same(&made, &stream->profile);
}

static void failed_creation(tpi_driver_t *driver, tpi_stream_t *stream, const tpi_region_job_t *job, tpi_wait_t *wait, int64_t now_ns)
{
    char text[TPC_ERROR_MESSAGE_MAX + 1];
    driver->stats.regions_failed++;
    stream->counts.epochs_failed++;
    tpi_err_restore(&job->error);
    tpi_log_err(TP_LOG_ERROR);
    (void)snprintf(text, sizeof(text), "shm creation failed: %s: %s", tp_strerror(job->error.code), job->error.msg);
    creation_failed(driver, stream, wait, TPC_CODE_INTERNAL_ERROR, text, now_ns);              /* D-180 */
    const bool is_outdated = tpi_stream_is_usable(stream) && !tpi_profile_is_same(&stream->live, &stream->profile);
    if (is_outdated) { (void)tpi_stream_raise(driver, stream, NULL, now_ns); }                 /* a reload left the rise to the outcome */
    if (TP_EMLOCK == job->error.code) { tpi_driver_begin_drain(driver, TPC_SHUTDOWN_ERROR, job->error.msg, false, now_ns); }     /* D-192 */
}

static void on_created(tpi_driver_t *driver, tpi_region_job_t *job, int64_t now_ns)
{
    tpi_stream_t *const stream = tpi_stream_find(driver, job->what.stream_id);
    if (NULL == stream) { return; }                            /* cannot be: a stream stays while it is creating */
    const uint32_t stream_id = stream->stream_id;
    tpi_wait_t *const wait = stream->creating_for;
    stream->is_creating = false;
    stream->creating_for = NULL;
    stream->dir_fd = job->dir_fd;
    if (job->epoch > stream->epoch) { stream->epoch = job->epoch; }                            /* D-201: not used again */
    if (job->rc < 0) { failed_creation(driver, stream, job, wait, now_ns); }                        /* D-071 */
    else if (NULL != wait && NULL != why_not(driver, stream))
    {
        discard(driver, stream, job, now_ns);
        creation_failed(driver, stream, wait, TPC_CODE_REJECTED, why_not(driver, stream), now_ns);
    }
    else if (is_stale(stream, job))                            /* D-133: nobody sees a geometry that a reload has replaced meanwhile */
    {
        discard(driver, stream, job, now_ns);
        if (0 == tpi_stream_raise(driver, stream, wait, now_ns)) { return; }
        if (NULL != wait) { creation_failed(driver, stream, wait, TPC_CODE_INTERNAL_ERROR, tp_errmsg(), now_ns); }
    }
    else { creation_done(driver, stream, job, wait, now_ns); }
    if (NULL != wait) { tpi_wait_remove(driver, wait); }
    tpi_wait_t *const others = take_waits(driver, stream);
    if (!stream->is_known && NULL == stream->leases) { tpi_stream_forget_if_unused(driver, stream, now_ns); }
    rerun_waits(driver, stream_id, others, now_ns);
}

/* A reload took the stream back before its directory was gone: the lock is to be had from now on. */
static void on_removed(tpi_driver_t *driver, const tpi_region_job_t *job, int64_t now_ns)
{
    tpi_stream_t *const stream = tpi_stream_find(driver, job->what.stream_id);
    if (TP_DRIVER_STOPPED == driver->state || NULL == stream || !stream->is_static || stream->is_creating || stream->dir_fd >= 0) { return; }
    if (take_dir(driver, stream, now_ns) < 0) { tpi_log_err(TP_LOG_ERROR); }                   /* the next creation tries again */
}

int tpi_streams_poll_jobs(tpi_driver_t *driver, int64_t now_ns)
{
    int work = 0;
    tpi_region_job_t *job = NULL;
    while (work < 256 && NULL != (job = tpi_regions_take_done(driver->regions)))
    {
        driver->stats.epochs_removed += job->removed;
        if (TPI_JOB_CREATE == job->kind) { on_created(driver, job, now_ns); }
        else if (TPI_JOB_REMOVE == job->kind) { on_removed(driver, job, now_ns); }
        tpi_region_job_free(job);
        work++;
    }
    return work;
}

/* ---- time ------------------------------------------------------------------------------------------------------------------ */

static int tick_stream(tpi_driver_t *driver, tpi_stream_t *stream, int64_t now_ns)
{
    int work = 0;
    if (tpi_stream_is_usable(stream))
    {
        if (now_ns >= stream->announce_ns)
        {
            tpi_proxy_announce(driver, stream, now_ns);                                        /* D-140 W-074 W-075; D-015: with a producer too */
            work++;
        }
        due(driver, stream->announce_ns);
    }
    else if (stream->is_suspended && !stream->is_creating)
    {
        if (now_ns >= stream->retry_ns)
        {
            (void)tpi_stream_raise(driver, stream, NULL, now_ns);
            stream->retry_ns = now_ns + driver->period_ns;
            work++;
        }
        due(driver, stream->retry_ns);
    }
    if (now_ns >= stream->gc_ns)
    {
        stream->gc_ns = INT64_MAX;
        submit_gc(driver, stream, NULL, now_ns);
        work++;
    }
    due(driver, stream->gc_ns);
    return work;
}

int tpi_streams_tick(tpi_driver_t *driver, int64_t now_ns)
{
    int work = 0;
    if (now_ns >= driver->tick_ns)
    {
        tpi_stream_t *stream = NULL;
        tpi_stream_t *next = NULL;
        driver->tick_ns = INT64_MAX;
        HASH_ITER(hh, driver->streams, stream, next) { work += tick_stream(driver, stream, now_ns); }
    }
    if (driver->gc.enabled && now_ns >= driver->orphans_ns)
    {
        tpi_region_job_t *const job = new_job(driver, TPI_JOB_ORPHANS, NULL, now_ns);
        driver->orphans_ns = now_ns + ORPHANS_PERIOD_NS;
        if (NULL != job) { tpi_regions_submit(driver->regions, job); }                         /* W-250 D-183 S-060 */
        work++;
    }
    return work;
}

void tpi_streams_announce_all(tpi_driver_t *driver, int64_t now_ns)
{
    for (tpi_stream_t *stream = driver->streams; NULL != stream; stream = stream->hh.next)
    {
        if (tpi_stream_is_usable(stream)) { tpi_proxy_announce(driver, stream, now_ns); }
    }
}

/* ---- life ------------------------------------------------------------------------------------------------------------------ */

/* Hands files, directory and lock to the worker, or lets go of them here when there is no memory for that. */
static void submit_remove(tpi_driver_t *driver, tpi_stream_t *stream, bool keep_files, int64_t now_ns)
{
    tpi_region_job_t *const job = stream->dir_fd < 0 ? NULL : new_job(driver, TPI_JOB_REMOVE, stream, now_ns);
    if (NULL == job)
    {
        tpi_epoch_files_delete(stream->files);
        if (stream->dir_fd >= 0) { (void)close(stream->dir_fd); }
        return;
    }
    job->files = stream->files;
    job->keep_files = keep_files;
    tpi_regions_submit(driver->regions, job);
}

static void drop_stream(tpi_driver_t *driver, tpi_stream_t *stream, bool keep_files, int64_t now_ns)
{
    if (stream->epoch > driver->epoch_floor) { driver->epoch_floor = stream->epoch; }          /* OP-D-13 */
    submit_remove(driver, stream, keep_files, now_ns);
    if (stream->wake_fd >= 0)
    {
        (void)close(stream->wake_fd);                          /* L-208 */
        driver->wake_pages--;
    }
    tpi_shown_set(stream->counter, 0);
    tpi_shown_close(driver->counters, stream->counter);
    HASH_DEL(driver->streams, stream);
    tpi_free(stream);
}

void tpi_stream_forget_if_unused(tpi_driver_t *driver, tpi_stream_t *stream, int64_t now_ns)
{
    if (stream->is_static || NULL != stream->leases || stream->is_creating) { return; }
    const tpi_wait_t *wait = NULL;
    DL_FOREACH(driver->waits, wait)
    {
        if (wait->stream == stream) { return; }
    }
    TPI_LOG_INFO("stream %" PRIu32 ": forgotten, it was dynamic and nobody is attached", stream->stream_id);
    drop_stream(driver, stream, !driver->gc.enabled, now_ns);
}

bool tpi_stream_set_profile(tpi_driver_t *driver, tpi_stream_t *stream, const tp_profile_config_t *profile, int64_t now_ns)
{
    const bool same = tpi_profile_is_same(&stream->profile, profile);
    const bool renamed = 0 != strcmp(stream->profile.name, profile->name);
    stream->profile = *profile;
    if (same && !renamed) { return false; }
    if (NULL != stream->counter)                               /* labels cannot be written again */
    {
        const int64_t epoch = stream->counter->value;
        tpi_shown_close(driver->counters, stream->counter);
        tpi_driver_counter_stream(driver, stream);
        tpi_shown_set(stream->counter, epoch);
    }
    if (same) { return false; }
    TPI_LOG_INFO("stream %" PRIu32 ": another geometry", stream->stream_id);
    if (stream->is_creating) { return true; }                  /* its outcome is stale, and made again */
    if (NULL != stream->producer) { (void)tpi_driver_revoke(driver, stream->producer->lease.lease_id, "layout of the stream changed", now_ns); }
    else if (NULL != stream->files) { (void)tpi_stream_raise(driver, stream, NULL, now_ns); }    /* D-133 */
    return true;
}

int tpi_stream_take(tpi_driver_t *driver, tpi_stream_t *stream, int64_t now_ns)
{
    /* Otherwise the directory is our own, on its way out: it is taken when it is gone. */
    if (!tpi_regions_is_removing(driver->regions, stream->stream_id) && take_dir(driver, stream, now_ns) < 0) { return -1; }
    tpi_driver_counter_stream(driver, stream);
    return 0;
}

void tpi_stream_undo(tpi_driver_t *driver, tpi_stream_t *stream, int64_t now_ns) { drop_stream(driver, stream, true, now_ns); }

int tpi_streams_init(tpi_driver_t *driver, int64_t now_ns)
{
    const tp_driver_config_t *const config = &driver->config;
    for (uint32_t i = 0; i < config->stream_count; i++)
    {
        const tp_stream_config_t *const one = &config->streams[i];
        const tp_profile_config_t *const profile = tpi_driver_config_profile(config, one->profile);
        tpi_stream_t *const stream = NULL == profile ? NULL : tpi_stream_add(driver, one->stream_id, one->name, profile, true);
        if (NULL == stream || tpi_stream_take(driver, stream, now_ns) < 0) { return -1; }
        if (config->epoch_gc_on_startup) { submit_gc(driver, stream, NULL, now_ns); }          /* D-178 */
    }
    driver->orphans_ns = config->epoch_gc_on_startup ? now_ns : now_ns + ORPHANS_PERIOD_NS;
    return 0;
}

void tpi_streams_fini(tpi_driver_t *driver, int64_t now_ns)
{
    tpi_stream_t *stream = NULL;
    tpi_stream_t *next = NULL;
    tpi_wait_t *wait = NULL;
    tpi_wait_t *next_wait = NULL;
    DL_FOREACH_SAFE(driver->waits, wait, next_wait) { tpi_wait_remove(driver, wait); }
    HASH_ITER(hh, driver->streams, stream, next) { drop_stream(driver, stream, !driver->config.cleanup_shm_on_exit, now_ns); }   /* D-204 */
}
