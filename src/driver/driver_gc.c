/*
 * Epoch garbage collection (20-driver.md section 6). Worker thread only. Never touches an epoch of a stream whose lock this driver does not hold, and
 * judges age with one clock: activity against CLOCK_MONOTONIC, directory times against CLOCK_REALTIME (trap M13).
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "common/log.h"
#include "driver/driver_regions.h"
#include "protocol/epoch.h"
#include "shm/epoch_dir.h"

#define ORPHANS_MAX 4096               /* stream directories looked at in one scan */

static bool pid_is_alive(uint64_t pid)
{
    if (0 == pid || pid > INT32_MAX) { return false; }
    return 0 == kill((pid_t)pid, 0) || EPERM == errno;                                  /* O-60 */
}

static bool may_remove(int dir_fd, uint64_t epoch, bool leased, const tpi_gc_policy_t *policy, int64_t now_ns)
{
    tpi_epoch_facts_t found;
    if (tpi_epoch_dir_facts(dir_fd, epoch, &found) < 0)
    {
        tpi_log_err(TP_LOG_WARN);
        return false;
    }
    const tpi_epoch_gc_facts_t facts = { .leased = leased, .superblock_readable = found.has_superblock, .activity_ns = found.activity_ns,
        .pid = found.pid, .pid_alive = pid_is_alive(found.pid), .own_pid = policy->own_pid, .now_ns = now_ns,
        .directory_age_ns = tpi_clock_realtime_ns() - found.changed_real_ns, .min_age_ns = policy->min_age_ns };
    return tpi_epoch_gc_may_remove(&facts);
}

static size_t remove_epoch(int dir_fd, uint64_t epoch)
{
    if (0 == tpi_epoch_dir_remove(dir_fd, epoch)) { return 1; }
    tpi_log_err(TP_LOG_WARN);          /* logged, not fatal */
    return 0;
}

size_t tpi_gc_stream(int dir_fd, uint64_t current, uint64_t leased, const tpi_gc_policy_t *policy, int64_t now_ns)
{
    uint64_t *epochs = NULL;
    size_t count = 0;
    size_t removed = 0;
    if (!policy->enabled || dir_fd < 0) { return 0; }
    if (tpi_epoch_dir_list(dir_fd, &epochs, &count) < 0)
    {
        tpi_log_err(TP_LOG_WARN);
        return 0;
    }
    const uint64_t reference = 0 == current && count > 0 ? epochs[count - 1] : current;   /* at start-up: the largest found */
    const size_t candidates = tpi_epoch_gc_candidates(epochs, count, reference, policy->keep);
    for (size_t i = 0; i < candidates; i++)
    {
        if (may_remove(dir_fd, epochs[i], epochs[i] == leased, policy, now_ns)) { removed += remove_epoch(dir_fd, epochs[i]); }
    }
    tpi_free(epochs);
    return removed;
}

size_t tpi_gc_all_epochs(int dir_fd)
{
    uint64_t *epochs = NULL;
    size_t count = 0;
    size_t removed = 0;
    if (dir_fd < 0 || tpi_epoch_dir_list(dir_fd, &epochs, &count) < 0) { return 0; }
    for (size_t i = 0; i < count; i++) { removed += remove_epoch(dir_fd, epochs[i]); }
    tpi_free(epochs);
    return removed;
}

uint64_t tpi_gc_highest_epoch(int dir_fd)
{
    uint64_t *epochs = NULL;
    size_t count = 0;
    if (tpi_epoch_dir_list(dir_fd, &epochs, &count) < 0) { return 0; }
    const uint64_t highest = count > 0 ? epochs[count - 1] : 0;
    tpi_free(epochs);
    return highest;
}

/* One stream directory that may be nobody's. Holding its lock proves that no driver serves it while we look. */
static size_t collect_orphan(int space_fd, const tpi_region_create_t *what, uint32_t stream_id, const tpi_gc_policy_t *policy)
{
    char name[16];
    uint64_t *epochs = NULL;
    size_t count = 0;
    size_t removed = 0;
    (void)snprintf(name, sizeof(name), "%" PRIu32, stream_id);
    const int fd = openat(space_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) { return 0; }
    if (0 == tpi_stream_dir_lock(fd) && 0 == tpi_epoch_dir_list(fd, &epochs, &count))
    {
        for (size_t i = 0; i < count; i++)
        {
            if (may_remove(fd, epochs[i], false, policy, (int64_t)what->now_ns)) { removed += remove_epoch(fd, epochs[i]); }
        }
        if (removed == count)
        {
            tpi_region_create_t stream = *what;
            stream.stream_id = stream_id;
            tpi_stream_dir_prune(&stream, 1);
        }
    }
    tpi_free(epochs);
    (void)close(fd);
    return removed;
}

size_t tpi_gc_orphans(const tpi_region_create_t *what, const tpi_gc_policy_t *policy)
{
    uint64_t *ids = NULL;
    size_t count = 0;
    size_t removed = 0;
    char path[TPI_URI_MAX];
    if (!policy->enabled || tpi_user_dir_check(what->base_dir, what->user, what->name_space) < 0) { return 0; }
    (void)snprintf(path, sizeof(path), "%s/tensorpool-%s/%s", what->base_dir, what->user, what->name_space);
    const int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) { return 0; }
    if (0 == tpi_epoch_dir_list(fd, &ids, &count))          /* stream directories are decimal numbers as well */
    {
        for (size_t i = 0; i < count && i < ORPHANS_MAX; i++)
        {
            if (ids[i] > 0 && ids[i] < UINT32_MAX) { removed += collect_orphan(fd, what, (uint32_t)ids[i], policy); }
        }
    }
    tpi_free(ids);
    (void)close(fd);
    return removed;
}
