/* See spare.h. Whatever goes wrong here costs nothing but time: the caller allocates as if there were no spare files. */
#include "shm/spare.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#define SHARE_OF_FREE 16               /* a spare file takes no more than one part of so many */

void tpi_spare_init(tpi_spare_t *spare) { *spare = (tpi_spare_t){ .fd = -1 }; }

void tpi_spare_drop(tpi_spare_t *spare)
{
    if (spare->fd >= 0) { (void)close(spare->fd); }
    tpi_spare_init(spare);
}

/* On tmpfs, where allocation is what takes the time, and where there is plenty. */
static bool is_worth_it(int dir_fd, uint64_t bytes)
{
    struct statfs fs;
    if (fstatfs(dir_fd, &fs) < 0 || TMPFS_MAGIC != fs.f_type) { return false; }
    return 0 == fs.f_blocks || bytes <= (uint64_t)fs.f_bavail * (uint64_t)fs.f_bsize / SHARE_OF_FREE;       /* L-311 */
}

int tpi_spare_make(tpi_spare_t *spare, int dir_fd, uint64_t bytes)
{
    int rc = 0;
    if (spare->fd >= 0 && bytes == spare->bytes) { return 0; }
    tpi_spare_drop(spare);
    if (0 == bytes || !is_worth_it(dir_fd, bytes)) { return -1; }
    const int fd = openat(dir_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0) { return -1; }
    rc = ftruncate(fd, (off_t)bytes);
    if (0 == rc) { do { rc = fallocate(fd, 0, 0, (off_t)bytes); } while (rc < 0 && EINTR == errno); }       /* M6: as any region */
    if (rc < 0)
    {
        (void)close(fd);
        return -1;
    }
    *spare = (tpi_spare_t){ .fd = fd, .bytes = bytes };
    return 0;
}

/* The group that a file made there would have: setgid directories hand down their own. */
static bool has_group_of(int fd, int dir_fd)
{
    struct stat file;
    struct stat dir;
    if (fstat(fd, &file) < 0 || fstat(dir_fd, &dir) < 0) { return false; }
    return file.st_gid == (0 != (dir.st_mode & S_ISGID) ? dir.st_gid : getegid());
}

int tpi_spare_take(tpi_spare_t *spare, uint64_t bytes, int dir_fd, const char *name)
{
    char path[32];
    const int fd = spare->fd;
    if (fd < 0 || bytes != spare->bytes || !has_group_of(fd, dir_fd)) { return -1; }
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (linkat(AT_FDCWD, path, dir_fd, name, AT_SYMLINK_FOLLOW) < 0) { return -1; }      /* M10: as O_EXCL, never in place of another */
    tpi_spare_init(spare);
    return fd;
}
