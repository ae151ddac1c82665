/*
 * One driver a stream: flock on <base>/tensorpool-<user>/<namespace>/<stream_id>, held as long as the stream is served. The lock belongs to the open
 * directory and dies with the process, so leftovers of a killed driver are free at once.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "driver/driver_regions.h"
#include "shm/epoch_dir.h"

#define TRIES 8
#define LOCK_TRIES 5                   /* of 10 ms: another driver's scan for orphans holds a lock for a moment */

/* The pid that holds a flock on the directory, by /proc/locks; else the writer of its newest epoch; 0 = unknown. */
static uint64_t owner_of(int fd)
{
    struct stat st;
    char line[256];
    uint64_t owner = 0;
    FILE *const locks = fopen("/proc/locks", "re");
    if (NULL != locks && 0 == fstat(fd, &st))
    {
        while (0 == owner && NULL != fgets(line, sizeof(line), locks))
        {
            unsigned major_number = 0;
            unsigned minor_number = 0;
            int64_t pid = 0;
            uint64_t inode = 0;
            if (4 == sscanf(line, "%*d: FLOCK ADVISORY WRITE %" SCNd64 " %x:%x:%" SCNu64, &pid, &major_number, &minor_number, &inode) && pid > 0 &&
                inode == st.st_ino && major_number == major(st.st_dev) && minor_number == minor(st.st_dev))
            {
                owner = (uint64_t)pid;
            }
        }
    }
    if (NULL != locks) { (void)fclose(locks); }
    if (0 != owner) { return owner; }
    tpi_epoch_facts_t facts;
    const uint64_t newest = tpi_gc_highest_epoch(fd);
    return 0 != newest && 0 == tpi_epoch_dir_facts(fd, newest, &facts) && facts.has_superblock ? facts.pid : 0;
}

static int lock_patiently(int fd)
{
    for (int i = 0;; i++)
    {
        if (0 == tpi_stream_dir_lock(fd)) { return 0; }
        if (TP_EOWNED != tp_errcode() || i >= LOCK_TRIES) { return -1; }
        const struct timespec pause = { 0, 10000000 };
        (void)nanosleep(&pause, NULL);
    }
}

int tpi_ownership_take(const tpi_region_create_t *what)
{
    for (int i = 0; i < TRIES; i++)
    {
        struct stat st;
        const int fd = tpi_stream_dir_open(what);
        if (fd < 0)
        {
            if (NULL == strstr(tp_errmsg(), what->base_dir)) { tpi_err_prefix("below shm.base_dir = %s: ", what->base_dir); }     /* D-207 */
            return -1;
        }
        if (lock_patiently(fd) < 0)
        {
            const uint64_t owner = TP_EOWNED == tp_errcode() ? owner_of(fd) : 0;
            if (TP_EOWNED == tp_errcode())
            {
                TPI_SET_ERR(TP_EOWNED, "stream %" PRIu32 " in %s (namespace %s) is owned by another driver, pid %" PRIu64 "%s", what->stream_id,
                    what->base_dir, what->name_space, owner, 0 == owner ? " (unknown)" : "");
                TPI_ERR_FIX("stop that driver, or use another shm.namespace, shm.base_dir or stream_id");
            }
            (void)close(fd);
            return -1;
        }
        if (0 == fstat(fd, &st) && st.st_nlink > 0) { return fd; }
        (void)close(fd);       /* removed by its last owner between open and lock: once more */
    }
    TPI_SET_ERR(TP_EPATH, "directory of stream %" PRIu32 " in %s vanished %d times while it was opened", what->stream_id, what->base_dir, TRIES);
    return -1;
}
