/*
 * The driver's life: start-up checks, duty cycle, drain and end. Everything runs on one thread but region files (driver_regions.c) and the request to
 * shut down, which any thread may leave behind.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/token.h"
#include "driver/driver_state.h"
#include "protocol/epoch.h"
#include "shm/epoch_dir.h"

#define LEASES_MAX 8192
#define STREAMS_MAX 8192
#define WAITS_MAX 1024
#define QUEUE_MAX 4096
#define POLL_MAX 4096
#define POLL_STEP 64
#define ATTACHES_MAX 64                                     /* in a cycle: each may cost as much as a thousand keepalives */
#define BUFFER_BYTES ((size_t)(TPC_POOLS_MAX + 1) * (TPI_URI_MAX + 16) + 4096)     /* the longest message: 64 pools with the longest URIs */
#define NOTICE_PATIENCE_NS (INT64_C(1000) * 1000000)        /* how long the notice may wait for the bus */
#define BACKLOG_PATIENCE 2                                  /* lease durations for which an endless backlog may put off expiry */

/* ---- start ----------------------------------------------------------------------------------------------------------------- */

static void set_defaults(tpi_driver_options_t *options)
{
    if (0 == options->leases_max) { options->leases_max = LEASES_MAX; }
    if (0 == options->streams_max) { options->streams_max = STREAMS_MAX; }
    if (0 == options->waits_max) { options->waits_max = WAITS_MAX; }
    if (0 == options->queue_max) { options->queue_max = QUEUE_MAX; }
    if (0 == options->poll_max) { options->poll_max = POLL_MAX; }
    if (0 == options->attaches_max) { options->attaches_max = ATTACHES_MAX; }
}

int tpi_driver_probe_mlock(void)
{
    const size_t length = 65536;
    void *const probe = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const tpi_region_t region = { .base = probe, .mapped_bytes = length, .writable = true, .fd = -1 };
    if (MAP_FAILED == probe)
    {
        TPI_SET_ERR(TP_ENOMEM, "cannot map %zu bytes: %s", length, strerror(errno));
        return -1;
    }
    const int rc = tpi_region_lock(&region, false);
    if (rc < 0) { tpi_err_prefix("policies.mlock_shm = true: "); }
    (void)munmap(probe, length);
    return rc;
}

/* The start-up checks of 11.3 that need the file system. */
static int prepare_base(tpi_driver_t *driver)
{
    const tp_driver_config_t *const config = &driver->config;
    const char *dirs[TP_CONFIG_BASE_DIRS_MAX];
    tpi_base_dirs_t bases;
    uint64_t page_bytes = 0;
    if (tpi_base_dir_prepare(&driver->base_dir, config->base_dir, (mode_t)config->permissions_mode) < 0)
    {
        tpi_err_prefix("shm.base_dir = '%s': ", config->base_dir);
        return -1;
    }
    for (uint32_t i = 0; i < config->allowed_base_dir_count; i++) { dirs[i] = config->allowed_base_dirs[i]; }
    if (config->allowed_base_dir_count > 0)
    {
        if (tpi_base_dirs_init(&bases, dirs, config->allowed_base_dir_count) < 0)
        {
            tpi_err_prefix("shm.allowed_base_dirs: ");
            return -1;
        }
        const bool inside = tpi_base_dirs_admit(&bases, driver->base_dir);
        tpi_base_dirs_fini(&bases);
        if (!inside)
        {
            TPI_SET_ERR(TP_EPATH, "shm.base_dir = '%s' is really '%s', which lies in none of shm.allowed_base_dirs", config->base_dir,
                driver->base_dir);
            return -1;
        }
    }
    tpi_path_user(driver->user, sizeof(driver->user));
    (void)snprintf(driver->name_space, sizeof(driver->name_space), "%s", config->shm_namespace);
    if (tpi_user_dir_check(driver->base_dir, driver->user, config->shm_namespace) < 0)     /* D-205 */
    {
        tpi_err_prefix("below shm.base_dir = '%s': ", config->base_dir);
        return -1;
    }
    return tpi_path_is_hugetlbfs(driver->base_dir, &driver->is_huge, &page_bytes);
}

static int open_bus(tpi_driver_t *driver)
{
    const tp_driver_config_t *const config = &driver->config;
    const char *const announce = tpi_driver_config_announce_channel(config);
    const uint32_t announce_id = tpi_driver_config_announce_stream_id(config);
    driver->announce_is_control = announce_id == config->control_stream_id && 0 == strcmp(announce, config->control_channel);
    const tpi_subscription_config_t subscription = { .channel = config->control_channel, .stream_id = (int32_t)config->control_stream_id };
    /* D-128 */
    tpi_proxy_init(driver);
    if (tpi_bus_add_publication(driver->bus, &driver->control.async, config->control_channel, (int32_t)config->control_stream_id) < 0) { return -1; }
    if (tpi_bus_add_subscription(driver->bus, &driver->subscription_async, &subscription) < 0) { return -1; }
    return driver->announce_is_control ? 0 : tpi_bus_add_publication(driver->bus, &driver->announce.async, announce, (int32_t)announce_id);
}

void tpi_driver_set_policies(tpi_driver_t *driver)
{
    const tp_driver_config_t *const config = &driver->config;
    const int64_t ms = 1000000;
    driver->lease_ns = (int64_t)config->lease_keepalive_interval_ms * config->lease_expiry_grace_intervals * ms;     /* D-105 D-106 */
    driver->period_ns = (int64_t)config->announce_period_ms * ms;
    driver->gc = (tpi_gc_policy_t){ .enabled = config->epoch_gc_enabled, .keep = config->epoch_gc_keep, .own_pid = driver->pid,
        .min_age_ns = 0 != config->epoch_gc_min_age_ns ? (int64_t)config->epoch_gc_min_age_ns : 3 * driver->period_ns };
    driver->node_ids.cooldown_ns = (int64_t)config->node_id_reuse_cooldown_ms * ms;
}

static void init_tables(tpi_driver_t *driver)
{
    const tp_driver_config_t *const config = &driver->config;
    tpi_lease_table_init(&driver->leases, driver->options.leases_max);
    tpi_node_ids_init(&driver->node_ids, driver->options.leases_max + 2 * TPI_NODE_ID_AUTO_MAX, 0);
    tpi_stream_range_init(&driver->dynamic_range, config->stream_id_range.first, config->stream_id_range.last);
    tpi_stream_range_init(&driver->descriptor_range, config->descriptor_stream_id_range.first, config->descriptor_stream_id_range.last);
    tpi_stream_range_init(&driver->control_range, config->control_stream_id_range.first, config->control_stream_id_range.last);
    driver->tick_ns = INT64_MIN;
}

static int start(tpi_driver_t *driver, int64_t now_ns)
{
    driver->token = driver->options.instance_token;
    if (tpi_token_make(&driver->token, "driver instance") < 0 || (driver->config.mlock_shm && tpi_driver_probe_mlock() < 0) ||
        prepare_base(driver) < 0) { return -1; }
    if (driver->config.reuse_existing_shm)
    {
        TPI_LOG_WARN(0, "policies.reuse_existing_shm has no effect: every epoch gets new files");
    }
    init_tables(driver);
    tpi_driver_set_policies(driver);
    driver->buffer_size = BUFFER_BYTES;
    driver->buffer = tpi_alloc(driver->buffer_size);
    if (NULL == driver->buffer || tpi_handlers_init(driver) < 0) { return -1; }
    if (tpi_regions_create(&driver->regions, driver->options.worker, driver->options.wake, driver->options.wake_clientd) < 0) { return -1; }
    if (tpi_driver_counters_init(driver) < 0) { return -1; }
    return tpi_streams_init(driver, now_ns) < 0 ? -1 : open_bus(driver);
}

int tpi_driver_create(tpi_driver_t **driver, const tp_driver_config_t *config, tpi_bus_t *bus, const tpi_driver_options_t *options, int64_t now_ns)
{
    if (tp_driver_config_check(config) < 0) { return -1; }
    tpi_driver_t *const d = tpi_alloc(sizeof(*d));
    if (NULL == d) { return -1; }
    if (tpi_driver_config_copy(&d->config, config) < 0)
    {
        tpi_free(d);
        return -1;
    }
    if (NULL != options) { d->options = *options; }
    set_defaults(&d->options);
    d->bus = bus;
    d->pid = (uint64_t)getpid();
    d->state = TP_DRIVER_RUNNING;
    atomic_store(&d->published_state, TP_DRIVER_RUNNING);
    (void)pthread_mutex_init(&d->ask_mutex, NULL);
    if (start(d, now_ns) < 0)
    {
        tpi_err_t error;
        tpi_err_save(&error);
        d->state = TP_DRIVER_STOPPED;                          /* nobody heard of it: no notice */
        tpi_driver_delete(d, now_ns);
        tpi_err_restore(&error);
        return -1;
    }
    *driver = d;
    return 0;
}

int tpi_driver_is_ready(tpi_driver_t *driver)
{
    const int control = tpi_outbox_open_poll(&driver->control);
    const int announce = driver->announce_is_control ? 1 : tpi_outbox_open_poll(&driver->announce);
    int subscription = NULL != driver->subscription ? 1 : 0;
    if (NULL != driver->subscription_async)
    {
        subscription = tpi_bus_add_subscription_poll(driver->subscription_async, &driver->subscription);
        if (0 != subscription) { driver->subscription_async = NULL; }
    }
    if (control < 0 || announce < 0 || subscription < 0) { return -1; }
    return 0 != control && 0 != announce && 0 != subscription ? 1 : 0;
}

/* ---- drain ----------------------------------------------------------------------------------------------------------------- */

static void set_state(tpi_driver_t *driver, tp_driver_state_t state)
{
    driver->state = state;
    atomic_store(&driver->published_state, (int)state);
}

void tpi_driver_begin_drain(tpi_driver_t *driver, uint8_t reason, const char *text, bool skip_wait, int64_t now_ns)
{
    if (TP_DRIVER_RUNNING != driver->state)
    {
        if (skip_wait && TP_DRIVER_DRAINING == driver->state) { driver->drain_until_ns = now_ns; }
        return;
    }
    TPI_LOG_INFO("draining, reason %u", (unsigned)reason);
    set_state(driver, TP_DRIVER_DRAINING);
    driver->shutdown_reason = reason;
    (void)snprintf(driver->shutdown_text, sizeof(driver->shutdown_text), "%s", NULL == text ? "" : text);
    driver->drain_until_ns = skip_wait ? now_ns : now_ns + (int64_t)driver->config.shutdown_timeout_ms * 1000000;
    tpi_streams_announce_all(driver, now_ns);                                                 /* D-149, OP-D-24 */
}

void tpi_driver_shutdown(tpi_driver_t *driver, uint8_t reason, const char *text, bool skip_wait)
{
    (void)pthread_mutex_lock(&driver->ask_mutex);
    if (!driver->ask_pending)
    {
        driver->ask_reason = reason;
        (void)snprintf(driver->ask_text, sizeof(driver->ask_text), "%s", NULL == text ? "" : text);
    }
    driver->ask_skip_wait = driver->ask_skip_wait || skip_wait;
    driver->ask_pending = true;
    (void)pthread_mutex_unlock(&driver->ask_mutex);
}

static void take_request(tpi_driver_t *driver, int64_t now_ns)
{
    char text[sizeof(driver->ask_text)];
    (void)pthread_mutex_lock(&driver->ask_mutex);
    const bool pending = driver->ask_pending;
    const bool skip_wait = driver->ask_skip_wait;
    const uint8_t reason = driver->ask_reason;
    memcpy(text, driver->ask_text, sizeof(text));
    driver->ask_pending = false;
    (void)pthread_mutex_unlock(&driver->ask_mutex);
    if (pending) { tpi_driver_begin_drain(driver, reason, text, skip_wait, now_ns); }
    if (atomic_load_explicit(&driver->ask_reload, memory_order_relaxed) && atomic_exchange(&driver->ask_reload, false))
    {
        (void)tpi_driver_reload(driver, NULL, now_ns);         /* says in the log what came of it */
    }
}

static int drain(tpi_driver_t *driver, int64_t now_ns)
{
    if (now_ns < driver->drain_until_ns) { return 0; }
    if (!driver->notice_sent)
    {
        tpi_proxy_shutdown(driver, now_ns);                                                   /* D-150 D-152 D-203: one notice for all leases */
        driver->notice_sent = true;
        driver->stop_by_ns = now_ns + NOTICE_PATIENCE_NS;
    }
    if (!tpi_proxy_is_empty(driver) && now_ns < driver->stop_by_ns) { return 0; }
    set_state(driver, TP_DRIVER_STOPPED);
    TPI_LOG_INFO("stopped");
    return 1;
}

/* ---- duty cycle ------------------------------------------------------------------------------------------------------------ */

/*
 * Reads the control stream to its end, but for a limit. Expiry is judged only when the end was reached, so that a stalled driver never expires leases
 * whose keepalives lie unread (trap M12); somebody who floods the stream can put expiry off for a while only.
 */
static int read_control(tpi_driver_t *driver, int64_t now_ns, bool *may_expire)
{
    int work = 0;
    int n = 0;
    driver->attaches_in_cycle = 0;
    do
    {
        n = tpi_dispatcher_poll(driver->dispatcher, driver->subscription, POLL_STEP, now_ns);
        if (n > 0) { work += n; }
    }
    while (n > 0 && work < driver->options.poll_max && driver->attaches_in_cycle < driver->options.attaches_max);
    if (n <= 0) { driver->backlog_since_ns = 0; }
    else
    {
        driver->stats.limit_poll++;
        if (0 == driver->backlog_since_ns) { driver->backlog_since_ns = now_ns; }
    }
    *may_expire = n <= 0 || now_ns - driver->backlog_since_ns > BACKLOG_PATIENCE * driver->lease_ns;
    return work;
}

int tpi_driver_do_work(tpi_driver_t *driver, int64_t now_ns)
{
    int work = tpi_bus_do_work(driver->bus, now_ns);
    if (work < 0) { return -1; }
    if (TP_DRIVER_STOPPED == driver->state) { return 0; }
    const int ready = tpi_driver_is_ready(driver);
    if (ready < 0) { return -1; }
    if (0 == ready)
    {
        tpi_driver_counters_tick(driver, now_ns);
        return work;
    }
    bool may_expire = false;
    take_request(driver, now_ns);
    work += tpi_proxy_flush(driver, now_ns);
    work += read_control(driver, now_ns, &may_expire);
    work += tpi_streams_poll_jobs(driver, now_ns);
    if (may_expire) { work += tpi_lease_expire(driver, now_ns); }
    work += tpi_streams_poll_jobs(driver, now_ns);
    work += tpi_streams_tick(driver, now_ns);
    if (TP_DRIVER_DRAINING == driver->state) { work += drain(driver, now_ns); }
    tpi_driver_counters_tick(driver, now_ns);
    return work;
}

/* ---- end ------------------------------------------------------------------------------------------------------------------- */

void tpi_driver_delete(tpi_driver_t *driver, int64_t now_ns)
{
    if (NULL == driver) { return; }
    if (TP_DRIVER_STOPPED != driver->state && !driver->notice_sent && !tpi_bus_is_closed(driver->bus))
    {
        tpi_driver_begin_drain(driver, TPC_SHUTDOWN_NORMAL, "", true, now_ns);
        tpi_proxy_shutdown(driver, now_ns);
        (void)tpi_proxy_flush(driver, now_ns);
    }
    set_state(driver, TP_DRIVER_STOPPED);
    if (NULL != driver->regions)
    {
        tpi_regions_finish(driver->regions);                   /* what is under way is adopted, so that it is known and cleaned up */
        while (tpi_streams_poll_jobs(driver, now_ns) > 0) { tpi_regions_finish(driver->regions); }
    }
    tpi_leases_fini(driver);
    if (NULL != driver->regions) { tpi_streams_fini(driver, now_ns); }
    tpi_regions_delete(driver->regions);
    tpi_service_counters_delete(driver->counters);
    if (NULL != driver->subscription_async) { tpi_bus_async_cancel(driver->subscription_async); }
    tpi_outbox_fini(&driver->control);
    tpi_outbox_fini(&driver->announce);
    tpi_subscription_close(driver->subscription);
    tpi_dispatcher_delete(driver->dispatcher);
    tpi_node_ids_fini(&driver->node_ids);
    tp_driver_config_fini(&driver->config);
    (void)pthread_mutex_destroy(&driver->ask_mutex);
    tpi_free(driver->base_dir);
    tpi_free(driver->buffer);
    tpi_free(driver);
}

tp_driver_state_t tpi_driver_state(const tpi_driver_t *driver) { return (tp_driver_state_t)atomic_load(&driver->published_state); }

bool tpi_driver_is_quiet(const tpi_driver_t *driver)
{
    return TP_DRIVER_RUNNING == driver->state && 0 == driver->wait_count && tpi_proxy_is_empty(driver) && !tpi_regions_is_busy(driver->regions);
}

bool tpi_driver_is_idle(const tpi_driver_t *driver)
{
    return 0 == tpi_lease_table_count(&driver->leases) && tpi_driver_is_quiet(driver);
}

int tpi_driver_run_jobs(tpi_driver_t *driver, int limit) { return tpi_regions_run(driver->regions, limit); }
const tpi_driver_stats_t *tpi_driver_stats(const tpi_driver_t *driver) { return &driver->stats; }
uint64_t tpi_driver_instance_token(const tpi_driver_t *driver) { return driver->token; }
const char *tpi_driver_base_dir(const tpi_driver_t *driver) { return driver->base_dir; }
size_t tpi_driver_lease_count(const tpi_driver_t *driver) { return tpi_lease_table_count(&driver->leases); }
