/*
 * Owns nothing but the canonical base directories it hands out. Any thread, cold paths. Between check and open a stranger may exchange
 * names; from K5 on only the descriptor counts.
 */
#include "shm/path.h"

#if !defined(__linux__)
#error "path containment is written for Linux (O-52)"
#endif

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/err.h"

_Static_assert(TPI_URI_MAX >= PATH_MAX, "a canonical path has to fit");

/* ---- base directories ---- */

int tpi_base_dirs_init(tpi_base_dirs_t *bases, const char *const *dirs, size_t count)
{
    tpi_base_dirs_t made = { .count = 0 };
    if (count > TPI_BASE_DIRS_MAX)
    {
        TPI_SET_ERR(TP_EINVAL, "allowed base directories = %zu, at most %d", count, TPI_BASE_DIRS_MAX);
        return -1;
    }
    for (size_t i = 0; i < count; i++)
    {
        struct stat st;
        char canonical[PATH_MAX];
        if ('/' != dirs[i][0])
        {
            TPI_SET_ERR(TP_EPATH, "base directory '%s' is not absolute", dirs[i]);
            goto fail;
        }
        if (NULL == realpath(dirs[i], canonical) || stat(canonical, &st) < 0)                                     /* W-233 */
        {
            TPI_SET_ERR(TP_EPATH, "base directory '%s' cannot be resolved: %s", dirs[i], strerror(errno));
            goto fail;
        }
        if (!S_ISDIR(st.st_mode))
        {
            TPI_SET_ERR(TP_EPATH, "base directory '%s' is not a directory", dirs[i]);
            goto fail;
        }
        made.dirs[i] = tpi_strdup(canonical);
        if (NULL == made.dirs[i]) { goto fail; }
        made.count++;
    }
    *bases = made;
    return 0;
fail:
    tpi_base_dirs_fini(&made);
    return -1;
}

void tpi_base_dirs_fini(tpi_base_dirs_t *bases)
{
    if (NULL == bases) { return; }
    for (size_t i = 0; i < bases->count; i++) { tpi_free(bases->dirs[i]); }
    memset(bases, 0, sizeof(*bases));
}

static bool is_below(const char *base, const char *path)
{
    const size_t n = strlen(base);
    if (1 == n) { return '/' == path[0] && '\0' != path[1]; }                 /* base "/" */
    return 0 == strncmp(path, base, n) && '/' == path[n] && '\0' != path[n + 1];   /* "/dev/shm-evil" is not below "/dev/shm" */
}

bool tpi_base_dirs_contain(const tpi_base_dirs_t *bases, const char *canonical_path)
{
    for (size_t i = 0; i < bases->count; i++)
    {
        if (is_below(bases->dirs[i], canonical_path)) { return true; }
    }
    return false;
}

bool tpi_base_dirs_admit(const tpi_base_dirs_t *bases, const char *canonical_dir)
{
    for (size_t i = 0; i < bases->count; i++)
    {
        if (0 == strcmp(bases->dirs[i], canonical_dir) || is_below(bases->dirs[i], canonical_dir)) { return true; }
    }
    return false;
}

/* ---- K1 to K7 ---- */

int tpi_path_check(tpi_checked_path_t *checked, const tpi_base_dirs_t *bases, const char *path)
{
    char canonical[PATH_MAX];
    struct stat st;
    if ('/' != path[0])                                                                                             /* K1, W-231 */
    {
        TPI_SET_ERR(TP_EPATH, "path '%s' is not absolute", path);
        return -1;
    }
    if (0 == bases->count)
    {
        TPI_SET_ERR(TP_EPATH, "path '%s': no base directory is configured, nothing can be mapped", path);
        return -1;
    }
    if (NULL == realpath(path, canonical))                                                                          /* K2, W-232 */
    {
        TPI_SET_ERR(EACCES == errno ? TP_EPERM : TP_EPATH, "path '%s' cannot be resolved: %s", path, strerror(errno));
        return -1;
    }
    if (!tpi_base_dirs_contain(bases, canonical))                                                                   /* K3, W-234 */
    {
        TPI_SET_ERR(TP_EPATH, "path '%s' is '%s', outside every allowed base directory", path, canonical);
        TPI_ERR_WHY("the first allowed base directory is '%s'", bases->dirs[0]);
        return -1;
    }
    if (lstat(canonical, &st) < 0)                                                                                  /* K4 */
    {
        TPI_SET_ERR(TP_EPATH, "path '%s' cannot be examined: %s", canonical, strerror(errno));
        return -1;
    }
    if (!S_ISREG(st.st_mode))                                                                                       /* W-235 W-236 */
    {
        TPI_SET_ERR(TP_EREGION, "path '%s' is not a regular file (mode 0%o)", canonical, (unsigned)st.st_mode);
        return -1;
    }
    memcpy(checked->path, canonical, strlen(canonical) + 1);
    checked->device = st.st_dev;
    checked->inode = st.st_ino;
    return 0;
}

static int open_with_openat2(const char *canonical, int flags)
{
    const struct open_how how = { .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC), .resolve = RESOLVE_NO_SYMLINKS };
    return (int)syscall(SYS_openat2, AT_FDCWD, canonical, &how, sizeof(how));
}

/* From "/" component by component, each relative to the directory opened before. */
static int open_with_walk(const char *canonical, int flags)
{
    char name[NAME_MAX + 1];
    int dir = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    const char *at = canonical;
    while (dir >= 0)
    {
        at += strspn(at, "/");
        const size_t n = strcspn(at, "/");
        const bool last = '\0' == at[n];
        if (0 == n || n > NAME_MAX)
        {
            (void)close(dir);
            errno = 0 == n ? EISDIR : ENAMETOOLONG;
            return -1;
        }
        memcpy(name, at, n);
        name[n] = '\0';
        const int next = last ? openat(dir, name, flags | O_NOFOLLOW | O_CLOEXEC)
                              : openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        const int saved = errno;
        (void)close(dir);
        errno = saved;
        if (last) { return next; }
        dir = next;
        at += n;
    }
    return -1;
}

int tpi_path_open_nofollow(const char *canonical, int flags, tpi_open_how_t how)
{
    if ('/' != canonical[0])
    {
        errno = EINVAL;
        return -1;
    }
    if (TPI_OPEN_WALK != how)
    {
        const int fd = open_with_openat2(canonical, flags);
        const bool unusable = fd < 0 && (ENOSYS == errno || EPERM == errno || EINVAL == errno || E2BIG == errno);   /* old kernel or seccomp */
        if (!unusable || TPI_OPEN_OPENAT2 == how) { return fd; }
    }
    return open_with_walk(canonical, flags);
}

int tpi_path_open_checked(const tpi_checked_path_t *checked, bool writable, tpi_open_how_t how)
{
    struct stat st;
    const int fd = tpi_path_open_nofollow(checked->path, (writable ? O_RDWR : O_RDONLY) | O_NONBLOCK | O_NOCTTY, how);   /* K5, W-237 O-53 */
    if (fd < 0)
    {
        const int denied = EACCES == errno || EPERM == errno;
        TPI_SET_ERR(denied ? TP_EPERM : TP_EPATH, "path '%s' cannot be opened for %s without following links: %s", checked->path,
            writable ? "writing" : "reading", strerror(errno));
        return -1;
    }
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_dev != checked->device || st.st_ino != checked->inode)       /* K6, W-238 W-239 */
    {
        (void)close(fd);
        TPI_SET_ERR(TP_EPATH, "path '%s' was exchanged between check and open", checked->path);
        return -1;
    }
    return fd;
}

static int check_policy(const struct stat *st, const char *path, const tpi_file_policy_t *policy)
{
    if (policy->check_owner && st->st_uid != policy->owner)
    {
        TPI_SET_ERR(TP_EPERM, "region '%s' belongs to uid %u, uid %u is expected", path, (unsigned)st->st_uid, (unsigned)policy->owner);
        return -1;
    }
    if (policy->check_group && st->st_gid != policy->group)
    {
        TPI_SET_ERR(TP_EPERM, "region '%s' belongs to gid %u, gid %u is expected", path, (unsigned)st->st_gid, (unsigned)policy->group);
        return -1;
    }
    if (0 != (st->st_mode & policy->forbidden_bits))
    {
        TPI_SET_ERR(TP_EPERM, "region '%s' has mode 0%o, bits 0%o are forbidden by the local policy", path, (unsigned)(st->st_mode & 07777),
            (unsigned)(st->st_mode & policy->forbidden_bits));
        return -1;
    }
    return 0;
}

int tpi_path_check_open(int fd, const tpi_region_uri_t *uri, uint64_t minimum_bytes, const tpi_file_policy_t *policy)
{
    struct stat st;
    if (uri->require_hugepages)                                                                                     /* W-209 */
    {
        bool huge = false;
        uint64_t page_bytes = 0;
        if (tpi_fd_is_hugetlbfs(fd, &huge, &page_bytes) < 0 || !huge)                                               /* W-210: never downgraded */
        {
            TPI_SET_ERR(TP_EREGION, "region '%s' has to be backed by hugepages and is not", uri->path);
            return -1;
        }
    }
    if (fstat(fd, &st) < 0)
    {
        TPI_SET_ERR(TP_EREGION, "region '%s' cannot be examined: %s", uri->path, strerror(errno));
        return -1;
    }
    if (st.st_size < 0 || (uint64_t)st.st_size < minimum_bytes)                                                     /* O-55, trap M2 */
    {
        TPI_SET_ERR(TP_EREGION, "region '%s' has %lld bytes, at least %llu are needed", uri->path, (long long)st.st_size,
            (unsigned long long)minimum_bytes);
        return -1;
    }
    return NULL == policy ? 0 : check_policy(&st, uri->path, policy);
}

int tpi_path_open_region(const tpi_base_dirs_t *bases, const tpi_region_uri_t *uri, bool writable, uint64_t minimum_bytes,
    const tpi_file_policy_t *policy)
{
    tpi_checked_path_t checked;
    if (tpi_path_check(&checked, bases, uri->path) < 0) { return -1; }                              /* W-242 */
    const int fd = tpi_path_open_checked(&checked, writable, TPI_OPEN_AUTO);
    if (fd >= 0 && tpi_path_check_open(fd, uri, minimum_bytes, policy) < 0)
    {
        (void)close(fd);
        return -1;
    }
    return fd;
}

/* ---- names ---- */

static bool is_name_byte(unsigned char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || '_' == c || '-' == c;
}

void tpi_path_sanitize(char *out, size_t size, const char *name)
{
    size_t n = 0;
    if (0 == size) { return; }
    if (NULL == name || '\0' == name[0]) { name = "unknown"; }
    for (; n + 1 < size && '\0' != name[n]; n++) { out[n] = is_name_byte((unsigned char)name[n]) ? name[n] : '_'; }       /* W-223 */
    out[n] = '\0';
}

void tpi_path_user(char *out, size_t size)
{
    char buffer[4096];
    struct passwd entry;
    struct passwd *found = NULL;
    (void)getpwuid_r(geteuid(), &entry, buffer, sizeof(buffer), &found);                                            /* O-58, W-222 */
    tpi_path_sanitize(out, size, NULL == found ? NULL : found->pw_name);
}

bool tpi_path_namespace_is_valid(const char *name)
{
    size_t n = 0;
    if (NULL == name || '\0' == name[0]) { return false; }                                                          /* W-224 */
    for (; '\0' != name[n]; n++)
    {
        if (!is_name_byte((unsigned char)name[n])) { return false; }
    }
    return n <= NAME_MAX;
}

/* ---- hugepages ---- */

static int judge_fs(const struct statfs *fs, bool *huge, uint64_t *page_bytes)
{
    *huge = (unsigned long)fs->f_type == HUGETLBFS_MAGIC;
    *page_bytes = (uint64_t)fs->f_bsize;
    return 0;
}

int tpi_path_is_hugetlbfs(const char *path, bool *huge, uint64_t *page_bytes)
{
    struct statfs fs;
    if (0 == statfs(path, &fs)) { return judge_fs(&fs, huge, page_bytes); }
    TPI_SET_ERR(TP_EIO, "filesystem of '%s' cannot be examined: %s", path, strerror(errno));
    return -1;
}

int tpi_fd_is_hugetlbfs(int fd, bool *huge, uint64_t *page_bytes)
{
    struct statfs fs;
    if (0 == fstatfs(fd, &fs)) { return judge_fs(&fs, huge, page_bytes); }
    TPI_SET_ERR(TP_EIO, "filesystem of descriptor %d cannot be examined: %s", fd, strerror(errno));
    return -1;
}
