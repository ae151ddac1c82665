/* The public driver: media driver, bus, endpoint file and local socket around the inner driver, and its runner. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <tensor_pool/driver/tp_driver.h>

#include "bus/media_driver.h"
#include "codec/codec_driver.h"
#include "common/alloc.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"
#include "common/log_keep.h"
#include "driver/driver_admin.h"
#include "driver/driver_internal.h"
#include "driver/driver_wake.h"
#include "runtime/endpoint.h"
#include "runtime/service_runner.h"
#include "runtime/wait_set.h"
#include "shm/fault.h"
#include "shm/path.h"

#define CONNECT_TIMEOUT_NS (2 * TPI_NS_PER_S)
#define PARK_BUSY_NS TPI_NS_PER_MS              /* longest sleep while something is under way; without a doorbell also while somebody is attached */
#define PARK_IDLE_NS (15 * TPI_NS_PER_MS)       /* and while nobody is */
#define PARK_QUIET_NS (100 * TPI_NS_PER_MS)     /* with a doorbell */
#define PARKS_A_PERIOD 8                        /* at least: announces, leases */
#define ADMIN_PERIOD_NS (250 * TPI_NS_PER_MS)   /* should news of the sockets get lost */

struct tp_driver
{
    tp_media_driver_t *media_driver;
    tpi_bus_t *bus;
    tpi_driver_t *inner;
    tpi_admin_t *admin;
    tpi_wake_service_t *wakes;
    tpi_endpoint_writer_t *endpoint_writer;
    tpi_endpoint_t endpoint;
    char aeron_dir[TP_CONFIG_PATH_MAX];         /* "" = external, default directory */
    tpi_service_runner_t runner;
    tpi_wait_set_t *waits;
    tpi_media_idle_kind_t idle;
    int64_t park_quiet_ns;                      /* 0 = nobody would wake us: look often */
    bool keeps_log;
    int64_t admin_ns;
};

/* ---- start ----------------------------------------------------------------------------------------------------------------- */

/* Somebody rang at the media driver in this process, or something began to move there. On its thread. */
static void stir(void *clientd)
{
    tp_driver_t *const driver = clientd;
    tpi_wait_set_ring(driver->waits);                          /* L-306 */
}

static void wake(void *clientd)
{
    tp_driver_t *const driver = clientd;
    tpi_service_runner_wake(&driver->runner);
}

static int open_bus(tp_driver_t *driver, const tp_driver_config_t *config)
{
    (void)snprintf(driver->aeron_dir, sizeof(driver->aeron_dir), "%s", config->aeron_dir);
    if (0 == strcmp(config->media_driver, "embedded"))
    {
        const tp_media_driver_config_t media = { .size = sizeof(media), .aeron_dir = '\0' == config->aeron_dir[0] ? NULL : config->aeron_dir,
            .delete_on_close = true, .delete_on_start = true, .idle = config->idle };
        if (tp_media_driver_launch(&driver->media_driver, &media) < 0) { return -1; }
        (void)snprintf(driver->aeron_dir, sizeof(driver->aeron_dir), "%s", tp_media_driver_aeron_dir(driver->media_driver));
        tpi_media_driver_set_on_stir(driver->media_driver, stir, driver);
    }
    char name[TP_CONFIG_NAME_MAX + 16];
    (void)snprintf(name, sizeof(name), "tp_driver %s", config->instance_id);
    const tpi_bus_aeron_config_t bus = { .aeron_dir = driver->aeron_dir, .client_name = name, .connect_timeout_ns = CONNECT_TIMEOUT_NS };
    return tpi_bus_aeron_open(&driver->bus, &bus);
}

static int is_ready(void *state, int64_t now_ns, bool is_over)
{
    const tp_driver_t *const driver = state;
    const int ready = tpi_driver_is_ready(driver->inner);
    if (ready < 0) { return -1; }
    const bool is_shown = tpi_driver_counters_settle(driver->inner, now_ns);           /* who finds the endpoint file finds the names */
    return ready > 0 && (is_shown || is_over) ? 1 : 0;
}

/* Beside the endpoint file. "" where the path is too long for a socket. */
static int socket_path(char *path, size_t size, const tp_driver_config_t *config, const char *suffix)
{
    char dir[TPI_ENDPOINT_TEXT_MAX];
    char name[TP_CONFIG_NAME_MAX];
    if ('\0' != config->runtime_dir[0]) { (void)snprintf(dir, sizeof(dir), "%s", config->runtime_dir); }
    else if (tpi_endpoint_default_dir(dir, sizeof(dir)) < 0) { return -1; }
    tpi_path_sanitize(name, sizeof(name), config->instance_id);
    const int n = snprintf(path, size, "%s/%s%s", dir, name, suffix);
    if (n < 0 || (size_t)n >= size || n > 107)
    {
        TPI_LOG_WARN(TP_EINVAL, "no local socket %s: its path below %s would be longer than 107 bytes", suffix, dir);
        path[0] = '\0';
    }
    return 0;
}

static int publish_endpoint(tp_driver_t *driver, const tp_driver_config_t *config)
{
    tpi_endpoint_t *const e = &driver->endpoint;
    (void)snprintf(e->instance_id, sizeof(e->instance_id), "%s", config->instance_id);
    e->pid = getpid();
    e->start_ns = (uint64_t)tpi_clock_realtime_ns();
    e->instance_token = tpi_driver_instance_token(driver->inner);
    if ('\0' != driver->aeron_dir[0]) { (void)snprintf(e->aeron_dir, sizeof(e->aeron_dir), "%s", driver->aeron_dir); }
    else { (void)tpi_bus_default_aeron_dir(e->aeron_dir, sizeof(e->aeron_dir)); }
    e->embedded_media_driver = NULL != driver->media_driver;
    (void)snprintf(e->control_channel, sizeof(e->control_channel), "%s", config->control_channel);
    e->control_stream_id = (int32_t)config->control_stream_id;
    (void)snprintf(e->announce_channel, sizeof(e->announce_channel), "%s", tpi_driver_config_announce_channel(config));
    e->announce_stream_id = (int32_t)tpi_driver_config_announce_stream_id(config);
    (void)snprintf(e->descriptor_channel, sizeof(e->descriptor_channel), "%s", config->descriptor_channel);
    e->descriptor_stream_id = (int32_t)config->descriptor_stream_id;
    (void)snprintf(e->qos_channel, sizeof(e->qos_channel), "%s", config->qos_channel);
    e->qos_stream_id = (int32_t)config->qos_stream_id;
    (void)snprintf(e->metadata_channel, sizeof(e->metadata_channel), "%s", config->metadata_channel);
    e->metadata_stream_id = (int32_t)config->metadata_stream_id;
    (void)snprintf(e->discovery_channel, sizeof(e->discovery_channel), "%s", config->discovery_channel);
    e->discovery_stream_id = (int32_t)config->discovery_stream_id;
    (void)snprintf(e->shm_base_dir, sizeof(e->shm_base_dir), "%s", tpi_driver_base_dir(driver->inner));
    (void)snprintf(e->shm_namespace, sizeof(e->shm_namespace), "%s", config->shm_namespace);
    e->announce_period_ms = config->announce_period_ms;
    e->keepalive_interval_ms = config->lease_keepalive_interval_ms;
    e->mlock_shm = config->mlock_shm;
    if (socket_path(e->socket_path, sizeof(e->socket_path), config, ".sock") < 0) { return -1; }
    if (socket_path(e->wake_path, sizeof(e->wake_path), config, ".wake") < 0) { return -1; }
    return tpi_endpoint_write(&driver->endpoint_writer, config->runtime_dir, e);                /* D-198 */
}

static int cycle(void *state, int64_t now_ns)
{
    tp_driver_t *const driver = state;
    if (tpi_wait_set_take(driver->waits)) { driver->admin_ns = now_ns; }
    int work = tpi_driver_do_work(driver->inner, now_ns);
    if (work < 0) { return -1; }
    if (now_ns >= driver->admin_ns)
    {
        int lines = NULL == driver->admin ? 0 : tpi_admin_do_work(driver->admin, now_ns);
        lines += NULL == driver->wakes ? 0 : tpi_wake_service_do_work(driver->wakes);
        driver->admin_ns = lines > 0 ? now_ns : now_ns + ADMIN_PERIOD_NS;
        work += lines;
    }
    return work;
}

static int64_t park_limit(void *state) { return tp_driver_park_limit_ns(state); }

static bool has_stopped(void *state)
{
    const tp_driver_t *const driver = state;
    return TP_DRIVER_STOPPED == tpi_driver_state(driver->inner);
}

/* How long it may sleep while nothing is under way: as long as somebody would wake it, and no deadline is late by much. */
static void set_parks(tp_driver_t *driver, const tp_driver_config_t *config)
{
    (void)tpi_media_idle_kind_from_name(&driver->idle, config->idle);              /* checked before */
    if (0 != strcmp(config->media_driver, "embedded") || TPI_MEDIA_IDLE_SLEEP != driver->idle) { return; }
    const uint32_t period_ms = config->announce_period_ms < config->lease_keepalive_interval_ms ? config->announce_period_ms :
        config->lease_keepalive_interval_ms;
    const int64_t part_ns = period_ms * TPI_NS_PER_MS / PARKS_A_PERIOD;
    driver->park_quiet_ns = part_ns < PARK_QUIET_NS ? part_ns : PARK_QUIET_NS;                  /* L-307 */
}

int tp_driver_init(tp_driver_t **driver, const tp_driver_config_t *config)
{
    if (NULL == driver || NULL == config)
    {
        TPI_SET_ERR(TP_EINVAL, "driver = %p, config = %p", (void *)driver, (const void *)config);
        return -1;
    }
    if (tp_driver_config_check(config) < 0 || (config->fault_guard && tpi_fault_guard_install() < 0)) { return -1; }
    tp_driver_t *const d = tpi_alloc(sizeof(*d));
    if (NULL == d) { return -1; }
    if (tpi_wait_set_create(&d->waits) < 0)
    {
        tpi_free(d);
        return -1;
    }
    tpi_service_runner_init(&d->runner, &(tpi_service_runner_config_t){ .noun = "driver", .thread_name = "tp-driver", .state = d,
        .cycle = cycle, .park_limit = park_limit, .has_ended = has_stopped, .park_max_ns = PARK_QUIET_NS, .waits = d->waits });
    set_parks(d, config);
    d->keeps_log = tpi_log_keep_begin() >= 0;                  /* for the local socket */
    const tpi_driver_options_t options = { .worker = TPI_WORKER_THREAD, .wake = wake, .wake_clientd = d };
    if (open_bus(d, config) < 0 || tpi_driver_create(&d->inner, config, d->bus, &options, tpi_clock_monotonic_ns()) < 0 ||
        tpi_service_runner_await(&d->runner, d->bus, is_ready) < 0 || publish_endpoint(d, config) < 0)
    {
        tpi_err_t error;
        tpi_err_save(&error);
        tp_driver_close(d);
        tpi_err_restore(&error);
        return -1;
    }
    if ('\0' != d->endpoint.socket_path[0] && tpi_admin_open(&d->admin, d->inner, d->endpoint.socket_path) < 0) { tpi_log_err(TP_LOG_WARN); }
    if ('\0' != d->endpoint.wake_path[0] && tpi_wake_service_open(&d->wakes, d->inner, d->endpoint.wake_path) < 0) { tpi_log_err(TP_LOG_WARN); }
    if (NULL != d->admin) { tpi_admin_watch(d->admin, d->waits); }
    if (NULL != d->wakes) { tpi_wake_service_watch(d->wakes, d->waits); }
    *driver = d;
    return 0;
}

/* ---- running --------------------------------------------------------------------------------------------------------------- */

static int refuse_null(void)
{
    TPI_SET_ERR(TP_EINVAL, "driver = NULL");
    return -1;
}

int tp_driver_do_work(tp_driver_t *driver) { return NULL == driver ? refuse_null() : tpi_service_runner_do_work(&driver->runner); }
int tp_driver_event_fd(const tp_driver_t *driver) { return NULL == driver ? -1 : tpi_wait_set_fd(driver->waits); }

int64_t tp_driver_park_limit_ns(const tp_driver_t *driver)
{
    if (TPI_MEDIA_IDLE_SPIN == driver->idle) { return 0; }
    if (0 != driver->park_quiet_ns) { return tpi_driver_is_quiet(driver->inner) ? driver->park_quiet_ns : PARK_BUSY_NS; }
    return tpi_driver_is_idle(driver->inner) ? PARK_IDLE_NS : PARK_BUSY_NS;
}

int tp_driver_start(tp_driver_t *driver) { return NULL == driver ? refuse_null() : tpi_service_runner_start(&driver->runner); }

tp_driver_state_t tp_driver_state(const tp_driver_t *driver)
{
    return tpi_service_runner_is_lost(&driver->runner) ? TP_DRIVER_STOPPED : tpi_driver_state(driver->inner);
}

void tp_driver_shutdown(tp_driver_t *driver, int reason, bool skip_wait)
{
    const bool known = reason >= TPC_SHUTDOWN_NORMAL && reason <= TPC_SHUTDOWN_ERROR;
    tpi_driver_shutdown(driver->inner, (uint8_t)(known ? reason : TPC_SHUTDOWN_ERROR), NULL, skip_wait);
    wake(driver);
}

void tp_driver_set_config_source(tp_driver_t *driver, tp_driver_config_source_t source, void *clientd)
{
    tpi_driver_set_source(driver->inner, source, clientd);
}

void tp_driver_reload(tp_driver_t *driver)
{
    tpi_driver_ask_reload(driver->inner);
    wake(driver);
}

void tp_driver_close(tp_driver_t *driver)
{
    if (NULL == driver) { return; }
    tpi_service_runner_stop(&driver->runner);                  /* the worker may still finish a job, and wakes nobody then */
    tpi_admin_close(driver->admin);
    tpi_wake_service_close(driver->wakes);
    if (driver->keeps_log) { tpi_log_keep_end(); }
    tpi_endpoint_remove(driver->endpoint_writer);
    tpi_driver_delete(driver->inner, tpi_clock_monotonic_ns());
    tpi_bus_close(driver->bus);
    tp_media_driver_close(driver->media_driver);
    tpi_service_runner_fini(&driver->runner);
    tpi_wait_set_close(driver->waits);
    tpi_free(driver);
}

const char *tp_driver_aeron_dir(const tp_driver_t *driver) { return driver->aeron_dir; }
const char *tp_driver_endpoint_file(const tp_driver_t *driver) { return driver->endpoint.file; }

bool tp_driver_has_consumer_lease(void *driver, uint32_t stream_id, uint32_t client_id)
{
    const tp_driver_t *const d = driver;
    return tpi_driver_has_consumer_lease(d->inner, stream_id, client_id);
}
