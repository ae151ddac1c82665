/*
 * Owns no state: descriptors go to the caller. Driver's worker or start-up only. Invariant: below the canonical base nothing is reached
 * by a path again, only from one checked directory descriptor to the next.
 */
#include "shm/epoch_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/err.h"
#include "common/log.h"

#define USER_DIR_MAX (TPI_NAME_MAX + sizeof("tensorpool-"))

mode_t tpi_dir_mode(mode_t file_mode)
{
    const mode_t rw = file_mode & 0664u;                                     /* never writable by others */
    const mode_t search = (mode_t)((file_mode & 0444u) >> 2);
    return rw | search | (0 != (file_mode & 0040u) ? S_ISGID : 0u) | 0700u;
}

static int path_error(int reason)
{
    switch (reason)
    {
        case ENOSPC: case EDQUOT: return TP_ENOSPACE;
        case EACCES: case EPERM: return TP_EPERM;
        case ENOENT: return TP_ENOENT;
        case EIO: case EROFS: case EMFILE: case ENFILE: return TP_EIO;
        default: return TP_EPATH;
    }
}

static bool is_ours(const struct stat *st) { return 0 == st->st_uid || geteuid() == st->st_uid; }

/*
 * A base that another user made for everybody: sticky, in a directory where only its owner could exchange it. Otherwise the first user of a host
 * would lock out the second. What lies below it is checked as strictly as ever.
 */
static bool is_shared_base(int fd, const struct stat *st)
{
    struct stat above;
    return 01777u == (st->st_mode & 07777) && 0 == fstatat(fd, "..", &above, AT_SYMLINK_NOFOLLOW) && is_ours(&above) &&
        (0 == (above.st_mode & 0022) || 0 != (above.st_mode & S_ISVTX));
}

/* D-205. is_base: the base may be everybody's with the sticky bit, what lies below it never. */
static int check_dir(int fd, const char *name, bool is_base)
{
    struct stat st;
    if (fstat(fd, &st) < 0 || !S_ISDIR(st.st_mode))
    {
        TPI_SET_ERR(TP_EPATH, "'%s' is not a directory", name);
        return -1;
    }
    if (!is_ours(&st) && is_base && is_shared_base(fd, &st))
    {
        TPI_LOG_WARN(TP_EPATH,
            "base directory '%s' belongs to uid %u, who could exchange the directories of others in it; where that matters let root "
            "make it: install -d -m 1777 -o root '%s'", name, (unsigned)st.st_uid, name);
        return 0;
    }
    if (!is_ours(&st))
    {
        TPI_SET_ERR(TP_EPATH, "directory '%s' belongs to uid %u, neither to root nor to the effective uid %u", name, (unsigned)st.st_uid,
            (unsigned)geteuid());
        TPI_ERR_WHY("its owner could exchange region files under their readers");
        TPI_ERR_FIX("let root make a shared base once: install -d -m 1777 -o root <base>; or set shm.base_dir to a directory of your own");
        return -1;
    }
    if (0 != (st.st_mode & S_IWOTH) && (!is_base || 0 == (st.st_mode & S_ISVTX)))
    {
        TPI_SET_ERR(TP_EPATH, "directory '%s' has mode 0%o: writable by others%s", name, (unsigned)(st.st_mode & 07777),
            is_base ? " without the sticky bit" : "");
        TPI_ERR_FIX("chmod o-w%s '%s'", is_base ? " or chmod +t" : "", name);
        return -1;
    }
    return 0;
}

/* Checked before it is opened for reading, so that a stranger's directory is called that and not just unreadable. */
static int open_dir_at(int parent, const char *name)
{
    const int place = openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);      /* D-017 */
    if (place < 0)
    {
        const int reason = errno;
        const bool odd = ELOOP == reason || ENOTDIR == reason;
        TPI_SET_ERR(path_error(reason), "directory '%s' cannot be opened: %s", name, odd ? "it is a link or no directory" : strerror(reason));
        return -1;
    }
    int fd = -1;
    if (0 == check_dir(place, name, false))
    {
        fd = openat(place, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0) { TPI_SET_ERR(path_error(errno), "directory '%s' cannot be read: %s", name, strerror(errno)); }
    }
    (void)close(place);
    return fd;
}

/* An older directory of ours gains what readers need now; nothing is taken away, another driver of this user may need it. */
static int widen_mode(int fd, const char *name, mode_t mode)
{
    struct stat st;
    if (fstat(fd, &st) < 0 || geteuid() != st.st_uid || mode == (st.st_mode & mode)) { return 0; }
    if (0 == fchmod(fd, (st.st_mode & 07777) | mode)) { return 0; }
    TPI_SET_ERR(path_error(errno), "directory '%s': mode 0%o cannot be set: %s", name, (unsigned)mode, strerror(errno));
    return -1;
}

/* fchmod on a place (O_PATH), which needs no permission on the directory itself: a umask may have taken even the owner's. */
static int chmod_place(int place, mode_t mode)
{
    char path[32];
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", place);
    return chmod(path, mode);
}

int tpi_dir_make_at(int parent_fd, const char *name, mode_t mode)
{
    struct stat st;
    int fd = -1;
    int reason = 0;
    if (mkdirat(parent_fd, name, 0700) < 0) { return -1; }
    const int place = openat(parent_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (place < 0 || fstat(place, &st) < 0) { reason = errno; }
    else if (geteuid() != st.st_uid) { reason = EPERM; }
    else
    {
        if (0700 != (st.st_mode & 0700)) { (void)chmod_place(place, 0700); }
        fd = openat(place, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 || fchmod(fd, mode) < 0) { reason = errno; }
    }
    if (place >= 0) { (void)close(place); }
    if (0 == reason) { return fd; }
    if (fd >= 0) { (void)close(fd); }
    (void)unlinkat(parent_fd, name, AT_REMOVEDIR);
    errno = reason;
    return -1;
}

static int make_dir_at(int parent, const char *name, mode_t mode, bool *made)
{
    int fd = tpi_dir_make_at(parent, name, mode);
    *made = fd >= 0;
    if (*made) { return fd; }
    if (EEXIST != errno)
    {
        TPI_SET_ERR(path_error(errno), "directory '%s' cannot be made: %s", name, strerror(errno));
        return -1;
    }
    fd = open_dir_at(parent, name);
    if (fd >= 0 && widen_mode(fd, name, mode) < 0)
    {
        (void)close(fd);
        return -1;
    }
    return fd;
}

/* ---- base ---- */

static int open_base(const char *canonical)
{
    const int fd = tpi_path_open_nofollow(canonical, O_PATH | O_DIRECTORY, TPI_OPEN_AUTO);   /* search permission is enough */
    if (fd < 0)
    {
        const int reason = errno;
        TPI_SET_ERR(path_error(reason), "base directory '%s' cannot be opened without following links: %s", canonical, strerror(reason));
        return -1;
    }
    if (check_dir(fd, canonical, true) < 0)
    {
        (void)close(fd);
        return -1;
    }
    return fd;
}

/* Makes the missing components of dir (a copy, written to); the last one is the base. */
static int make_base(char *dir, mode_t file_mode)
{
    struct stat st;
    char *const slash = strrchr(dir, '/');
    if (0 == lstat(dir, &st)) { return 0; }
    if (ENOENT != errno || NULL == slash || '\0' == slash[1])
    {
        TPI_SET_ERR(path_error(errno), "base directory '%s' cannot be examined: %s", dir, strerror(errno));
        return -1;
    }
    *slash = '\0';
    const char *const parent = slash == dir ? "/" : dir;
    char *above = tpi_strdup(parent);
    const int rc = NULL == above ? -1 : (slash == dir ? 0 : make_base(above, file_mode));
    tpi_free(above);
    if (rc < 0)
    {
        *slash = '/';
        return -1;
    }
    const int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *slash = '/';
    if (fd < 0 || fstat(fd, &st) < 0)
    {
        TPI_SET_ERR(path_error(errno), "directory above base '%s' cannot be opened: %s", dir, strerror(errno));
        if (fd >= 0) { (void)close(fd); }
        return -1;
    }
    const mode_t mode = 0 != (st.st_mode & S_ISVTX) ? 01777u : tpi_dir_mode(file_mode);
    const int base_fd = tpi_dir_make_at(fd, slash + 1, mode);
    const bool ready = base_fd >= 0 || EEXIST == errno;                      /* made by another driver meanwhile: checked like any other */
    if (!ready) { TPI_SET_ERR(path_error(errno), "base directory '%s' cannot be made: %s", dir, strerror(errno)); }
    if (base_fd >= 0) { (void)close(base_fd); }
    (void)close(fd);
    return ready ? 0 : -1;
}

int tpi_base_dir_prepare(char **canonical, const char *dir, mode_t file_mode)
{
    struct stat st;
    char resolved[PATH_MAX];
    char copy[PATH_MAX];
    size_t n = strlen(dir);
    if ('/' != dir[0] || n >= sizeof(copy))
    {
        TPI_SET_ERR(TP_EPATH, "base directory '%.128s' is not an absolute path of at most %d bytes", dir, PATH_MAX - 1);
        return -1;
    }
    memcpy(copy, dir, n + 1);
    while (n > 1 && '/' == copy[n - 1]) { copy[--n] = '\0'; }                /* "base/" would let lstat look behind a link */
    if (make_base(copy, file_mode) < 0) { return -1; }
    if (lstat(copy, &st) < 0 || S_ISLNK(st.st_mode))                                                            /* D-205 */
    {
        TPI_SET_ERR(TP_EPATH, "base directory '%s' is a link", copy);
        return -1;
    }
    if (NULL == realpath(copy, resolved))
    {
        TPI_SET_ERR(path_error(errno), "base directory '%s' cannot be resolved: %s", copy, strerror(errno));
        return -1;
    }
    if (!tpi_region_path_is_plain(resolved))                                                                    /* O-51 */
    {
        TPI_SET_ERR(TP_EPATH, "base directory '%s' holds a space, '?', '|' or a byte that is not visible ASCII", resolved);
        return -1;
    }
    const int fd = open_base(resolved);
    if (fd < 0) { return -1; }
    (void)close(fd);
    char *const made = tpi_strdup(resolved);
    if (NULL == made) { return -1; }
    *canonical = made;
    return 0;
}

/* ---- below the base ---- */

static void user_dir_name(char name[USER_DIR_MAX], const char *user) { (void)snprintf(name, USER_DIR_MAX, "tensorpool-%s", user); }

static int check_names(const char *user, const char *name_space)
{
    char clean[TPI_NAME_MAX];
    tpi_path_sanitize(clean, sizeof(clean), user);
    if (0 != strcmp(clean, user))
    {
        TPI_SET_ERR(TP_EINVAL, "user name of region paths is not sanitized or longer than %d bytes", TPI_NAME_MAX - 1);
        return -1;
    }
    if (!tpi_path_namespace_is_valid(name_space))
    {
        TPI_SET_ERR(TP_EINVAL, "namespace '%.64s' is empty, too long or holds a byte outside letters, digits, '-' and '_'", name_space);
        return -1;
    }
    return 0;
}

int tpi_user_dir_check(const char *canonical_base, const char *user, const char *name_space)
{
    char user_dir[USER_DIR_MAX];
    if (check_names(user, name_space) < 0) { return -1; }
    user_dir_name(user_dir, user);
    const char *const names[] = { user_dir, name_space };
    int fd = open_base(canonical_base);
    for (size_t i = 0; fd >= 0 && i < 2; i++)
    {
        const int next = open_dir_at(fd, names[i]);
        (void)close(fd);
        if (next < 0 && TP_ENOENT == tp_errcode()) { return 0; }             /* nothing there yet is fine */
        fd = next;
    }
    if (fd < 0) { return -1; }
    (void)close(fd);
    return 0;
}

int tpi_stream_dir_open(const tpi_region_create_t *what)
{
    unsigned made = 0;
    return tpi_stream_dir_open_counted(what, &made);
}

int tpi_stream_dir_open_counted(const tpi_region_create_t *what, unsigned *made_levels)
{
    char user_dir[USER_DIR_MAX];
    char stream[16];
    int fds[4] = { -1, -1, -1, -1 };
    bool made[4] = { false, false, false, false };
    if (check_names(what->user, what->name_space) < 0) { return -1; }
    user_dir_name(user_dir, what->user);
    (void)snprintf(stream, sizeof(stream), "%" PRIu32, what->stream_id);
    const char *const names[4] = { NULL, user_dir, what->name_space, stream };
    fds[0] = open_base(what->base_dir);
    size_t depth = 1;
    for (; depth < 4 && fds[depth - 1] >= 0; depth++)
    {
        fds[depth] = make_dir_at(fds[depth - 1], names[depth], tpi_dir_mode(what->file_mode), &made[depth]);
    }
    if (fds[3] < 0)                                                          /* D-201: what this call made goes again */
    {
        tpi_err_t error;
        tpi_err_save(&error);
        for (size_t i = 3; i > 0; i--)
        {
            if (made[i]) { (void)unlinkat(fds[i - 1], names[i], AT_REMOVEDIR); }
        }
        tpi_err_restore(&error);
        tpi_err_prefix("below base '%s': ", what->base_dir);
    }
    for (size_t i = 0; i < 3; i++)
    {
        if (fds[i] >= 0) { (void)close(fds[i]); }
    }
    if (fds[3] >= 0) { *made_levels = (unsigned)made[1] + (unsigned)made[2] + (unsigned)made[3]; }
    return fds[3];
}

int tpi_stream_dir_lock(int stream_dir_fd)
{
    int rc = 0;
    do { rc = flock(stream_dir_fd, LOCK_EX | LOCK_NB); } while (rc < 0 && EINTR == errno);
    if (0 == rc) { return 0; }
    if (EWOULDBLOCK == errno)
    {
        TPI_SET_ERR(TP_EOWNED, "another driver owns this stream's directory");                                  /* D-002 D-196, trap M13 */
        TPI_ERR_FIX("give the drivers different streams, namespaces or base directories");
        return -1;
    }
    TPI_SET_ERR(TP_EIO, "stream directory cannot be locked: %s", strerror(errno));
    return -1;
}

void tpi_stream_dir_prune(const tpi_region_create_t *what, unsigned levels)
{
    char user_dir[USER_DIR_MAX];
    char stream[16];
    if (check_names(what->user, what->name_space) < 0) { return; }
    user_dir_name(user_dir, what->user);
    (void)snprintf(stream, sizeof(stream), "%" PRIu32, what->stream_id);
    const int base = open_base(what->base_dir);
    const int user = base < 0 ? -1 : open_dir_at(base, user_dir);
    const int space = user < 0 ? -1 : open_dir_at(user, what->name_space);
    const int parents[] = { space, user, base };
    const char *const names[] = { stream, what->name_space, user_dir };
    for (unsigned i = 0; space >= 0 && i < levels && i < TPI_STREAM_DIR_LEVELS; i++)
    {
        if (unlinkat(parents[i], names[i], AT_REMOVEDIR) < 0 && ENOENT != errno) { break; }
    }
    for (unsigned i = 0; i < TPI_STREAM_DIR_LEVELS; i++)
    {
        if (parents[i] >= 0) { (void)close(parents[i]); }
    }
}

/* ---- epochs ---- */

/* Exactly the decimal spelling without padding. */
static bool parse_epoch(const char *name, uint64_t *epoch)
{
    uint64_t value = 0;
    if ('\0' == name[0] || ('0' == name[0] && '\0' != name[1])) { return false; }
    for (const char *c = name; '\0' != *c; c++)
    {
        if (*c < '0' || *c > '9') { return false; }
        const uint64_t digit = (uint64_t)(*c - '0');
        if (value > (UINT64_MAX - digit) / 10) { return false; }
        value = value * 10 + digit;
    }
    *epoch = value;
    return true;
}

/* A stream of its own over a directory: reading must not move the caller's descriptor. */
static DIR *open_listing(int dir_fd)
{
    const int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *const listing = fd < 0 ? NULL : fdopendir(fd);
    if (NULL == listing)
    {
        TPI_SET_ERR(TP_EIO, "directory cannot be listed: %s", strerror(errno));
        if (fd >= 0) { (void)close(fd); }
    }
    return listing;
}

static int by_number(const void *a, const void *b)
{
    const uint64_t left = *(const uint64_t *)a;
    const uint64_t right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

int tpi_epoch_dir_list(int stream_dir_fd, uint64_t **epochs, size_t *count)
{
    uint64_t *found = NULL;
    size_t used = 0;
    size_t room = 0;
    DIR *const listing = open_listing(stream_dir_fd);
    if (NULL == listing) { return -1; }
    for (size_t seen = 0; seen < TPI_EPOCH_DIRS_MAX; seen++)
    {
        struct stat st;
        uint64_t epoch = 0;
        const struct dirent *const entry = readdir(listing);
        if (NULL == entry) { break; }
        if (!parse_epoch(entry->d_name, &epoch)) { continue; }
        if (fstatat(stream_dir_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode)) { continue; }
        if (used == room)
        {
            room = 0 == room ? 16 : room * 2;
            uint64_t *const grown = tpi_alloc_array(room, sizeof(*grown));
            if (NULL == grown)
            {
                tpi_free(found);
                (void)closedir(listing);
                return -1;
            }
            if (used > 0) { memcpy(grown, found, used * sizeof(*grown)); }
            tpi_free(found);
            found = grown;
        }
        found[used++] = epoch;
    }
    (void)closedir(listing);
    if (used > 1) { qsort(found, used, sizeof(*found), by_number); }
    *epochs = found;
    *count = used;
    return 0;
}

static int open_epoch(int stream_dir_fd, uint64_t epoch, char name[24])
{
    (void)snprintf(name, 24, "%" PRIu64, epoch);
    return open_dir_at(stream_dir_fd, name);
}

int tpi_epoch_dir_facts(int stream_dir_fd, uint64_t epoch, tpi_epoch_facts_t *facts)
{
    char name[24];
    struct stat st;
    uint8_t image[TPI_SUPERBLOCK_BYTES];
    tpc_superblock_t superblock;
    tpi_epoch_facts_t found = { .has_superblock = false };
    const int dir = open_epoch(stream_dir_fd, epoch, name);
    if (dir < 0) { return -1; }
    if (0 == fstat(dir, &st)) { found.changed_real_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec; }
    const int fd = openat(dir, "header.ring", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd >= 0 && 0 == fstat(fd, &st) && S_ISREG(st.st_mode) && pread(fd, image, sizeof(image), 0) == (ssize_t)sizeof(image))
    {
        tpc_superblock_decode(&superblock, image);
        found.has_superblock = TPC_MAGIC == superblock.magic && epoch == superblock.epoch && TPC_REGION_HEADER_RING == superblock.region_type;
        found.pid = found.has_superblock ? superblock.pid : 0;
        found.activity_ns = found.has_superblock ? superblock.activity_timestamp_ns : 0;
    }
    if (fd >= 0) { (void)close(fd); }
    (void)close(dir);
    *facts = found;
    return 0;
}

int tpi_epoch_dir_remove(int stream_dir_fd, uint64_t epoch)
{
    char name[24];
    const int dir = open_epoch(stream_dir_fd, epoch, name);
    if (dir < 0) { return -1; }
    DIR *const listing = open_listing(dir);
    size_t seen = 0;
    for (; NULL != listing && seen < TPI_EPOCH_FILES_MAX; seen++)
    {
        const struct dirent *const entry = readdir(listing);
        if (NULL == entry) { break; }
        if (0 == strcmp(entry->d_name, ".") || 0 == strcmp(entry->d_name, "..")) { continue; }
        (void)unlinkat(dir, entry->d_name, 0);                               /* a link itself, never its target; a directory stays */
    }
    if (NULL != listing) { (void)closedir(listing); }
    (void)close(dir);
    if (NULL == listing) { return -1; }
    if (0 == unlinkat(stream_dir_fd, name, AT_REMOVEDIR)) { return 0; }
    TPI_SET_ERR(path_error(errno), "epoch directory '%s' cannot be removed: %s", name, strerror(errno));
    return -1;
}
