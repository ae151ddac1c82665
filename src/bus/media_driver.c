/*
 * Aeron's media driver inside this process: one shared thread of its own (media_loop.c). Part of the services library only. Owner: whoever launched
 * it; launch and close are not for use by several threads at once on one object.
 *
 * The directory holds a lock file for as long as the driver lives: the kernel lets go of it when the process dies, however it dies, so that
 * a successor need not wait for heartbeats to run out. Only directories that look like those of a media driver are ever removed.
 */
#include "bus/media_driver.h"

#include <aeronc.h>
#include <aeronmd.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "bus/bus.h"
#include "bus/cnc.h"
#include "common/alloc.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"

#define LOCK_NAME "tensor_pool.lock"
#define TERM_LENGTH_DEFAULT (UINT32_C(4) << 20)
#define TERM_LENGTH_MIN (UINT32_C(64) << 10)
#define TERM_LENGTH_MAX (UINT32_C(1) << 30)
#define TICK_MAX_NS ((uint64_t)(100 * TPI_NS_PER_MS))
#define LIVENESS_DEFAULT_NS (10 * TPI_NS_PER_S)
#define LIVENESS_MIN_NS TPI_NS_PER_S
#define LIVENESS_MAX_NS (3600 * TPI_NS_PER_S)
#define PARK_MAX_NS UINT64_C(100000000)
#define LAUNCH_LOCK_WAIT_NS (2 * TPI_NS_PER_S)
#define HEARTBEAT_WATCH_NS (2200 * TPI_NS_PER_MS)
#define STARTING_WAIT_NS TPI_NS_PER_S
#define FILES_BYTES (UINT64_C(64) << 20)  /* cnc.dat and loss report, generously */
#define LOSS_REPORT_BYTES (64u << 10)     /* only streams between hosts lose anything */
#define COUNTERS_KEPT INT64_C(16384)      /* allocated from the start; a driver of ours takes 2048, a hundred clients 10,000 */
#define ERRORS_KEPT (INT64_C(256) << 10)  /* bytes of the log of distinct errors */

struct tp_media_driver
{
    aeron_driver_context_t *context;
    aeron_driver_t *driver;
    tpi_doorbell_t *doorbell;
    tpi_positions_t *positions;
    tpi_media_loop_t *loop;
    char *dir;
    int lock_fd;
};

static void pause_ms(long ms)
{
    const struct timespec pause = { .tv_nsec = ms * 1000000 };
    (void)nanosleep(&pause, NULL);
}

static int swallow(const char *source, uint64_t line, void *stream, const char *format, va_list args)
{
    (void)source;
    (void)line;
    (void)stream;
    (void)format;
    (void)args;
    return 0;
}

/* ---- whose directory is it ------------------------------------------------------------------------------------------------- */

static int open_lock(const char *dir, int flags)
{
    char path[PATH_MAX];
    const int length = snprintf(path, sizeof(path), "%s/" LOCK_NAME, dir);
    if (length < 0 || (size_t)length >= sizeof(path)) { errno = ENAMETOOLONG; return -1; }
    return open(path, flags | O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static bool lock_is_free(const char *dir)
{
    const int fd = open_lock(dir, 0);
    if (fd < 0) { return false; }
    const bool is_free = 0 == flock(fd, LOCK_EX | LOCK_NB);
    (void)close(fd);
    return is_free;
}

static bool heartbeat_moves(const char *dir, const tpi_cnc_info_t *first)
{
    const int64_t deadline_ns = tpi_clock_monotonic_ns() + HEARTBEAT_WATCH_NS;
    while (tpi_clock_monotonic_ns() < deadline_ns)
    {
        tpi_cnc_info_t info;
        (void)tpi_cnc_probe(dir, TPI_CNC_DEFAULT_TIMEOUT_MS, &info);
        if (info.heartbeat_ms != first->heartbeat_ms) { return TPI_CNC_HEARTBEAT_GONE != info.heartbeat_ms; }
        pause_ms(20);
    }
    return false;
}

static bool driver_lives(const char *dir, tpi_cnc_info_t *info)
{
    const int64_t deadline_ns = tpi_clock_monotonic_ns() + STARTING_WAIT_NS;
    tpi_cnc_state_t state = tpi_cnc_probe(dir, TPI_CNC_DEFAULT_TIMEOUT_MS, info);
    while (TPI_CNC_STARTING == state && tpi_clock_monotonic_ns() < deadline_ns)
    {
        pause_ms(10);
        state = tpi_cnc_probe(dir, TPI_CNC_DEFAULT_TIMEOUT_MS, info);
    }
    if (TPI_CNC_ALIVE != state || lock_is_free(dir)) { return false; }
    return tpi_cnc_process_exists(info->layout.pid) || heartbeat_moves(dir, info);
}

/* ---- removing what a dead driver left -------------------------------------------------------------------------------------- */

static bool is_known_entry(const char *name)
{
    static const char *const known[] = { ".", "..", "cnc.dat", "loss-report.dat", "publications", "images", LOCK_NAME, TPI_DOORBELL_NAME };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
    {
        if (0 == strcmp(known[i], name)) { return true; }
    }
    return false;
}

static int check_entries(const char *dir)
{
    DIR *const entries = opendir(dir);
    if (NULL == entries) { TPI_SET_ERR(TP_EMEDIADRIVER, "%s cannot be read: %s", dir, strerror(errno)); return -1; }
    int result = 0;
    for (const struct dirent *entry = readdir(entries); NULL != entry && 0 == result; entry = readdir(entries))
    {
        if (is_known_entry(entry->d_name)) { continue; }
        TPI_SET_ERR(TP_EMEDIADRIVER, "%s is not the directory of a media driver: it holds '%.64s'", dir, entry->d_name);
        TPI_ERR_FIX("give another aeron_dir, or empty this one");
        result = -1;
    }
    (void)closedir(entries);
    return result;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *at)
{
    (void)status;
    (void)type;
    (void)at;
    return remove(path) < 0 && ENOENT != errno ? -1 : 0;
}

static int clear_directory(const char *dir, const tp_media_driver_config_t *config)
{
    struct stat status;
    if (lstat(dir, &status) < 0)
    {
        if (ENOENT == errno) { return 0; }
        TPI_SET_ERR(TP_EMEDIADRIVER, "%s cannot be used: %s", dir, strerror(errno));
        return -1;
    }
    if (!S_ISDIR(status.st_mode) || geteuid() != status.st_uid)
    {
        char user[64];
        tpi_cnc_user_name(status.st_uid, user, sizeof(user));
        TPI_SET_ERR(TP_EMEDIADRIVER, "%s is %s (owner %s)", dir, S_ISDIR(status.st_mode) ? "the directory of another user" : "not a directory", user);
        return -1;
    }
    if (check_entries(dir) < 0) { return -1; }
    tpi_cnc_info_t info;
    if (driver_lives(dir, &info))
    {
        TPI_SET_ERR(TP_EMEDIADRIVER, "an Aeron media driver is alive at %s (pid %" PRId64 ")", dir, info.layout.pid);
        TPI_ERR_FIX("use that one, or give another aeron_dir");
        return -1;
    }
    tpi_cnc_state_t state = tpi_cnc_probe(dir, TPI_CNC_DEFAULT_TIMEOUT_MS, &info);
    if (TPI_CNC_ABSENT != state && !config->delete_on_start)
    {
        TPI_SET_ERR(TP_EMEDIADRIVER, "%s is left over from another media driver", dir);
        TPI_ERR_WHY("%s", info.problem);
        TPI_ERR_FIX("launch with delete_on_start, or remove it");
        return -1;
    }
    if (nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) < 0)
    {
        TPI_SET_ERR(TP_EMEDIADRIVER, "what a dead media driver left at %s cannot be removed: %s", dir, strerror(errno));
        return -1;
    }
    return 0;
}

/* Keeps two launches apart. Another user may hold the lock for ever: then we go on without. Descriptor or -1. */
static int lock_parent(const char *dir)
{
    char parent[PATH_MAX];
    (void)snprintf(parent, sizeof(parent), "%s", dir);
    char *const slash = strrchr(parent, '/');
    if (NULL == slash || slash == parent) { return -1; }
    *slash = '\0';
    const int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) { return -1; }
    const int64_t deadline_ns = tpi_clock_monotonic_ns() + LAUNCH_LOCK_WAIT_NS;
    while (flock(fd, LOCK_EX | LOCK_NB) < 0 && tpi_clock_monotonic_ns() < deadline_ns) { pause_ms(5); }
    return fd;
}

/* ---- launching ------------------------------------------------------------------------------------------------------------- */

static int check_config(const tp_media_driver_config_t *config)
{
    const uint32_t term = config->term_length;
    if (0 != term && (term < TERM_LENGTH_MIN || term > TERM_LENGTH_MAX || 0 != (term & (term - 1))))
    {
        TPI_SET_ERR(TP_EINVAL, "term_length = %" PRIu32 ", a power of two from %" PRIu32 " to %" PRIu32, term, TERM_LENGTH_MIN, TERM_LENGTH_MAX);
        return -1;
    }
    const int64_t liveness_ns = config->client_liveness_timeout_ns;
    if (0 != liveness_ns && (liveness_ns < LIVENESS_MIN_NS || liveness_ns > LIVENESS_MAX_NS))
    {
        TPI_SET_ERR(TP_EINVAL, "client_liveness_timeout_ns = %" PRId64 ", from %" PRId64 " to %" PRId64, liveness_ns, LIVENESS_MIN_NS,
            LIVENESS_MAX_NS);
        return -1;
    }
    if (config->idle_max_park_ns > PARK_MAX_NS)
    {
        TPI_SET_ERR(TP_EINVAL, "idle_max_park_ns = %" PRIu64 ", at most %" PRIu64, config->idle_max_park_ns, PARK_MAX_NS);
        return -1;
    }
    tpi_media_idle_kind_t kind;
    return tpi_media_idle_kind_from_name(&kind, config->idle);
}

static int check_space(const char *dir, uint64_t term_length)
{
    char parent[PATH_MAX];
    (void)snprintf(parent, sizeof(parent), "%s", dir);
    char *const slash = strrchr(parent, '/');
    if (NULL != slash && slash != parent) { *slash = '\0'; }
    struct statvfs room;
    if (statvfs(parent, &room) < 0) { return 0; }
    const uint64_t available = (uint64_t)room.f_bavail * room.f_frsize;
    const uint64_t needed = FILES_BYTES + 3 * term_length;
    if (available >= needed) { return 0; }
    TPI_SET_ERR(TP_ENOSPACE, "%s has %" PRIu64 " bytes free, a media driver needs %" PRIu64, parent, available, needed);
    TPI_ERR_FIX("free space there, or give an aeron_dir elsewhere");
    return -1;
}

static int set_timers(aeron_driver_context_t *context, const tp_media_driver_config_t *config)
{
    const int64_t wanted_ns = config->client_liveness_timeout_ns;
    const uint64_t liveness_ns = (uint64_t)(0 == wanted_ns ? LIVENESS_DEFAULT_NS : wanted_ns);
    const uint64_t tick_ns = liveness_ns / 4 < TICK_MAX_NS ? liveness_ns / 4 : TICK_MAX_NS;
    return aeron_driver_context_set_client_liveness_timeout_ns(context, liveness_ns) < 0 ||
        aeron_driver_context_set_publication_unblock_timeout_ns(context, liveness_ns + liveness_ns / 2) < 0 ||
        aeron_driver_context_set_image_liveness_timeout_ns(context, liveness_ns) < 0 ||
        aeron_driver_context_set_untethered_window_limit_timeout_ns(context, 2 * tick_ns + tick_ns / 2) < 0 ||     /* A6: one stopped reader */
        aeron_driver_context_set_untethered_resting_timeout_ns(context, 10 * tick_ns) < 0 ||                       /* and how soon it is back */
        aeron_driver_context_set_timer_interval_ns(context, tick_ns) < 0 ? -1 : 0;
}

static int configure(aeron_driver_context_t *context, const char *dir, const tp_media_driver_config_t *config)
{
    return aeron_driver_context_set_dir(context, dir) < 0 ||
        aeron_driver_context_set_dir_warn_if_exists(context, false) < 0 ||
        aeron_driver_context_set_dir_delete_on_start(context, false) < 0 ||              /* Aeron would delete a live one */
        aeron_driver_context_set_dir_delete_on_shutdown(context, config->delete_on_close) < 0 ||
        aeron_driver_context_set_print_configuration(context, false) < 0 ||
        aeron_driver_context_set_threading_mode(context, AERON_THREADING_MODE_SHARED) < 0 ||
        aeron_driver_context_set_loss_report_buffer_length(context, LOSS_REPORT_BYTES) < 0 ||
        aeron_driver_context_set_ipc_term_buffer_length(context, 0 == config->term_length ? TERM_LENGTH_DEFAULT : config->term_length) < 0 ||
        aeron_driver_context_set_term_buffer_sparse_file(context, true) < 0 ||
        aeron_driver_context_set_perform_storage_checks(context, true) < 0 ||
        set_timers(context, config) < 0 ? -1 : 0;
}

static int take_lock(tp_media_driver_t *made)
{
    made->lock_fd = open_lock(made->dir, O_CREAT | O_EXCL);
    if (made->lock_fd >= 0 && 0 == flock(made->lock_fd, LOCK_EX | LOCK_NB)) { return 0; }
    TPI_SET_ERR(TP_EMEDIADRIVER, "%s/" LOCK_NAME " cannot be locked: %s", made->dir, strerror(errno));
    return -1;
}

/*
 * Aeron writes zeroes into all of cnc.dat and accepts no shorter buffers for most of it. What lies behind the records a host usually needs goes
 * back to the system before anybody has seen it; tmpfs gives it again when it is written, if it has any left by then.
 */
static void trim_cnc(const char *dir)
{
    tpi_cnc_layout_t layout;
    tpi_cnc_state_t state;
    char problem[160];
    char path[PATH_MAX];
    const int seen = tpi_cnc_open(dir, &layout, &state, problem, sizeof(problem));
    if (seen < 0) { return; }
    (void)snprintf(path, sizeof(path), "%s/cnc.dat", dir);
    const int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    const struct { int64_t at, kept, length; } parts[] = {
        { layout.metadata_at, COUNTERS_KEPT * TPI_CNC_METADATA_BYTES, layout.metadata_length },
        { layout.values_at, COUNTERS_KEPT * TPI_CNC_VALUE_BYTES, layout.values_length },
        { layout.errors_at, ERRORS_KEPT, layout.errors_length },
    };
    for (size_t i = 0; fd >= 0 && i < sizeof(parts) / sizeof(parts[0]); i++)
    {
        if (parts[i].kept >= parts[i].length) { continue; }
        (void)fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)(parts[i].at + parts[i].kept),
            (off_t)(parts[i].length - parts[i].kept));               /* L-305 */
    }
    if (fd >= 0) { (void)close(fd); }
    (void)close(seen);
}

static int begin(void *clientd)
{
    tp_media_driver_t *const made = clientd;
    if (0 == aeron_driver_start(made->driver, true)) { return 0; }
    TPI_SET_ERR(TP_EMEDIADRIVER, "the media driver at %s cannot start", made->dir);
    TPI_ERR_WHY("%.200s", aeron_errmsg());
    return -1;
}

static int do_work(void *clientd)
{
    tp_media_driver_t *const made = clientd;
    return aeron_driver_main_do_work(made->driver);
}

static int start(tp_media_driver_t *made, const tp_media_driver_config_t *config)
{
    if (aeron_driver_context_init(&made->context) < 0 || configure(made->context, made->dir, config) < 0 ||
        aeron_driver_init(&made->driver, made->context) < 0)
    {
        TPI_SET_ERR(TP_EMEDIADRIVER, "the media driver at %s cannot start", made->dir);
        TPI_ERR_WHY("%.200s", aeron_errmsg());
        return -1;
    }
    if (take_lock(made) < 0 || tpi_doorbell_create(&made->doorbell, made->dir) < 0) { return -1; }
    trim_cnc(made->dir);
    if (tpi_positions_open(&made->positions, made->dir) < 0) { return -1; }
    tpi_media_loop_config_t loop = { .driver = made, .begin = begin, .do_work = do_work, .doorbell = made->doorbell,
        .positions = made->positions };
    tpi_media_idle_kind_t kind = TPI_MEDIA_IDLE_SLEEP;
    (void)tpi_media_idle_kind_from_name(&kind, config->idle);                      /* checked before */
    tpi_media_idle_init(&loop.idle, kind, (int64_t)config->idle_max_park_ns);
    return tpi_media_loop_start(&made->loop, &loop);
}

int tp_media_driver_launch(tp_media_driver_t **driver, const tp_media_driver_config_t *config)
{
    static const tp_media_driver_config_t defaults;
    if (NULL == driver) { TPI_SET_ERR(TP_EINVAL, "driver = NULL"); return -1; }
    if (NULL == config) { config = &defaults; }
    else if (sizeof(*config) != config->size)
    {
        TPI_SET_ERR(TP_EINVAL, "config.size = %" PRIu32 ", this library knows %zu", config->size, sizeof(*config));
        return -1;
    }
    char buffer[1024];
    const bool named = NULL != config->aeron_dir && '\0' != config->aeron_dir[0];
    const char *const dir = named ? config->aeron_dir : tpi_bus_default_aeron_dir(buffer, sizeof(buffer));
    if (check_config(config) < 0) { return -1; }
    if (strnlen(dir, sizeof(buffer)) > 300) { TPI_SET_ERR(TP_EINVAL, "aeron_dir '%.60s...' is longer than 300 bytes", dir); return -1; }
    if (check_space(dir, 0 == config->term_length ? TERM_LENGTH_DEFAULT : config->term_length) < 0) { return -1; }
    if (swallow != aeron_get_fprintf_handler()) { (void)aeron_set_fprintf_handler(swallow); }
    tp_media_driver_t *const made = tpi_alloc(sizeof(*made));
    if (NULL == made) { return -1; }
    made->lock_fd = -1;
    made->dir = tpi_strdup(dir);
    const int guard = lock_parent(dir);
    const bool launched = NULL != made->dir && clear_directory(dir, config) == 0 && start(made, config) == 0;
    if (guard >= 0) { (void)close(guard); }
    if (!launched)
    {
        tp_media_driver_close(made);
        return -1;
    }
    *driver = made;
    return 0;
}

const char *tp_media_driver_aeron_dir(const tp_media_driver_t *driver) { return NULL == driver ? "" : driver->dir; }

void tpi_media_driver_set_on_stir(tp_media_driver_t *driver, void (*on_stir)(void *clientd), void *clientd)
{
    if (NULL != driver) { tpi_media_loop_set_on_stir(driver->loop, on_stir, clientd); }
}

void tpi_media_driver_stats(const tp_media_driver_t *driver, tpi_media_stats_t *stats) { tpi_media_loop_stats(driver->loop, stats); }

void tp_media_driver_close(tp_media_driver_t *driver)
{
    if (NULL == driver) { return; }
    tpi_media_loop_close(driver->loop);
    if (NULL != driver->driver) { (void)aeron_driver_close(driver->driver); }
    if (NULL != driver->context) { (void)aeron_driver_context_close(driver->context); }
    tpi_positions_close(driver->positions);
    tpi_doorbell_close(driver->doorbell);
    if (driver->lock_fd >= 0) { (void)close(driver->lock_fd); }
    tpi_free(driver->dir);
    tpi_free(driver);
}
