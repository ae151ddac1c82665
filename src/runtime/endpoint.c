/*
 * Endpoint files. Writers hold a lock file of the directory while they look for a living namesake and move their own file in place, and a lock on
 * their file for the rest of their lives: it dies with the process, so a killed driver is seen as dead at once. Both are write locks of open file
 * descriptions: only who may write a file can hold one, so a reader cannot make a dead driver look alive (docs/adr/0019).
 */
#include "runtime/endpoint.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/err.h"
#include "runtime/endpoint_text.h"

#define SYSTEM_DIR "/run/tensor_pool"
#define SUFFIX ".endpoint"
#define FILES_MAX 1024                 /* looked at in one directory */
#define LOCK_NAME ".lock"
#define LOCK_TRIES 400                 /* of 5 ms: writers hold the directory's lock for far less */

struct tpi_endpoint_writer
{
    int dir_fd;
    int fd;
    char name[160];
};

int tpi_endpoint_default_dir(char *buffer, size_t size)
{
    const char *const own = getenv("TP_RUNTIME_DIR");
    const char *const xdg = getenv("XDG_RUNTIME_DIR");
    int n = 0;
    if (NULL != own && '/' == own[0]) { n = snprintf(buffer, size, "%s", own); }
    else if (NULL != xdg && '/' == xdg[0]) { n = snprintf(buffer, size, "%s/tensor_pool", xdg); }
    else if (0 == geteuid()) { n = snprintf(buffer, size, SYSTEM_DIR); }
    else { n = snprintf(buffer, size, "/tmp/tensor_pool-%u", (unsigned)geteuid()); }
    if (n < 0 || (size_t)n >= size)
    {
        TPI_SET_ERR(TP_EINVAL, "runtime directory is longer than %zu bytes", size - 1);
        return -1;
    }
    return 0;
}

static int file_name(char *buffer, size_t size, const char *instance_id)
{
    char clean[128];
    size_t n = 0;
    for (; '\0' != instance_id[n] && n < sizeof(clean) - 1; n++)
    {
        const char c = instance_id[n];
        const bool keep = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || '-' == c || '_' == c;
        clean[n] = keep ? c : '_';
    }
    clean[n] = '\0';
    if (0 == n || '\0' != instance_id[n])
    {
        TPI_SET_ERR(TP_EINVAL, "instance id '%.40s' has %zu bytes, 1..127 are allowed", instance_id, strlen(instance_id));
        return -1;
    }
    return snprintf(buffer, size, "%s" SUFFIX, clean) < 0 ? -1 : 0;
}

/* Descriptors or memory have run out: what is there cannot be told. */
static bool is_shortage(int number) { return EMFILE == number || ENFILE == number || ENOMEM == number; }

static int code_of(int number, int otherwise)
{
    if (ENOENT == number) { return TP_ENOENT; }
    return is_shortage(number) ? TP_ENOMEM : otherwise;
}

/* The directory, owned by us or root and writable by its owner only. any_owner: a place whose owner the user or root has chosen. */
static int open_dir(const char *dir, bool any_owner)
{
    const int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;
    if (fd < 0)
    {
        TPI_SET_ERR(code_of(errno, TP_EPATH), "runtime directory %s cannot be opened: %s", dir, strerror(errno));
        return -1;
    }
    if (0 == fstat(fd, &st) && (any_owner || st.st_uid == geteuid() || 0 == st.st_uid) && 0 == (st.st_mode & (S_IWGRP | S_IWOTH))) { return fd; }
    TPI_SET_ERR(TP_EPATH, "runtime directory %s (owner %u, mode %03o) could be written by others", dir, (unsigned)st.st_uid,
        (unsigned)(st.st_mode & 07777));
    TPI_ERR_FIX("remove it, or set TP_RUNTIME_DIR to a directory of your own with mode 0755");
    (void)close(fd);
    return -1;
}

static int make_dir(const char *dir)
{
    if (0 == mkdir(dir, 0755)) { return chmod(dir, 0755); }     /* whatever the umask: it holds no secrets, and tools of others read it */
    if (EEXIST == errno) { return 0; }
    TPI_SET_ERR(TP_EPATH, "runtime directory %s cannot be made: %s", dir, strerror(errno));
    return -1;
}

static int write_lock(int fd)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    return fcntl(fd, F_OFD_SETLK, &lock);
}

static bool is_write_locked(int fd)
{
    struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };      /* read locks, which any reader may hold, do not stand in its way */
    return 0 == fcntl(fd, F_OFD_GETLK, &lock) && F_WRLCK == lock.l_type;
}

/* The locked file LOCK_NAME of the directory, or -1. */
static int lock_dir(int dir_fd, const char *dir)
{
    for (int i = 0; i < LOCK_TRIES; i++)
    {
        struct stat st;
        const int fd = openat(dir_fd, LOCK_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
        if (fd < 0)
        {
            TPI_SET_ERR(TP_EPATH, "%s/" LOCK_NAME " cannot be opened: %s", dir, strerror(errno));
            return -1;
        }
        if (0 == write_lock(fd) && 0 == fstat(fd, &st) && st.st_nlink > 0) { return fd; }
        (void)close(fd);               /* held, or removed by its last holder between open and lock */
        const struct timespec pause = { 0, 5000000 };
        (void)nanosleep(&pause, NULL);
    }
    TPI_SET_ERR(TP_ETIMEDOUT, "runtime directory %s is locked by another process for more than %d ms", dir, LOCK_TRIES * 5);
    return -1;
}

static void unlock_dir(int dir_fd, int lock_fd)
{
    if (lock_fd < 0) { return; }
    (void)unlinkat(dir_fd, LOCK_NAME, 0);
    (void)close(lock_fd);
}

static int open_file(int dir_fd, const char *dir, const char *name)
{
    const int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) { TPI_SET_ERR(code_of(errno, TP_EIO), "endpoint file %s/%s cannot be opened: %s", dir, name, strerror(errno)); }
    return fd;
}

/* Reads and judges one open file below an open directory. 0, or -1. */
static int read_file(tpi_endpoint_t *endpoint, int fd, int dir_fd, const char *dir, const char *name, bool *alive)
{
    char text[TPI_ENDPOINT_FILE_MAX + 1];
    struct stat st;
    struct stat dir_st;
    ssize_t length = 0;
    if (fstat(fd, &st) < 0 || fstat(dir_fd, &dir_st) < 0 || !S_ISREG(st.st_mode) || 0 != (st.st_mode & (S_IWGRP | S_IWOTH)) ||
        (st.st_uid != geteuid() && 0 != st.st_uid && st.st_uid != dir_st.st_uid))
    {
        TPI_SET_ERR(TP_EPATH, "endpoint file %s/%s is not a regular file of a trusted owner, writable by that owner only", dir, name);
        return -1;
    }
    if ((length = pread(fd, text, sizeof(text) - 1, 0)) < 0 || length >= TPI_ENDPOINT_FILE_MAX)
    {
        TPI_SET_ERR(TP_EIO, "endpoint file %s/%s cannot be read or is longer than %d bytes", dir, name, TPI_ENDPOINT_FILE_MAX - 1);
        return -1;
    }
    text[length] = '\0';
    int result = tpi_endpoint_parse(endpoint, text, (size_t)length);
    const int n = snprintf(endpoint->file, sizeof(endpoint->file), "%s/%s", dir, name);
    if (n < 0 || (size_t)n >= sizeof(endpoint->file)) { result = -1; }
    endpoint->owner_uid = st.st_uid;
    *alive = is_write_locked(fd);
    return result;
}

static int read_at(tpi_endpoint_t *endpoint, int dir_fd, const char *dir, const char *name, bool *alive)
{
    const int fd = open_file(dir_fd, dir, name);
    if (fd < 0) { return -1; }
    const int result = read_file(endpoint, fd, dir_fd, dir, name, alive);
    (void)close(fd);
    return result;
}

static int refuse_living_namesake(int dir_fd, const char *dir, const char *name)
{
    tpi_endpoint_t *const other = tpi_alloc(sizeof(*other));
    bool alive = false;
    if (NULL == other) { return -1; }
    const int rc = read_at(other, dir_fd, dir, name, &alive);
    if (0 == rc && alive)
    {
        TPI_SET_ERR(TP_EOWNED, "instance '%s' is served by a living driver, pid %" PRId64, other->instance_id, other->pid);
        TPI_ERR_FIX("stop it, or give this one another driver.instance_id");
    }
    tpi_free(other);
    return 0 == rc && alive ? -1 : 0;
}

/* Temporary file, locked while nobody else can open it, written, then renamed: no reader ever sees half a file or an unlocked one. */
static int write_locked(tpi_endpoint_writer_t *writer, const char *dir, const tpi_endpoint_t *endpoint)
{
    char text[TPI_ENDPOINT_FILE_MAX];
    char temporary[192];
    const int length = tpi_endpoint_format(text, sizeof(text), endpoint);
    if (length < 0) { return -1; }
    (void)snprintf(temporary, sizeof(temporary), ".%s.%ld", writer->name, (long)getpid());
    (void)unlinkat(writer->dir_fd, temporary, 0);
    writer->fd = openat(writer->dir_fd, temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (writer->fd < 0)
    {
        TPI_SET_ERR(TP_EIO, "endpoint file %s/%s cannot be created: %s", dir, writer->name, strerror(errno));
        return -1;
    }
    if (write_lock(writer->fd) < 0 || fchmod(writer->fd, 0644) < 0 || write(writer->fd, text, (size_t)length) != length ||
        renameat(writer->dir_fd, temporary, writer->dir_fd, writer->name) < 0)
    {
        TPI_SET_ERR(TP_EIO, "endpoint file %s/%s cannot be written: %s", dir, writer->name, strerror(errno));
        (void)unlinkat(writer->dir_fd, temporary, 0);
        return -1;
    }
    return 0;
}

int tpi_endpoint_write(tpi_endpoint_writer_t **writer, const char *runtime_dir, tpi_endpoint_t *endpoint)
{
    char dir[TPI_ENDPOINT_TEXT_MAX];
    if (NULL == runtime_dir || '\0' == runtime_dir[0])
    {
        if (tpi_endpoint_default_dir(dir, sizeof(dir)) < 0) { return -1; }
    }
    else if (snprintf(dir, sizeof(dir), "%s", runtime_dir) >= (int)sizeof(dir))
    {
        TPI_SET_ERR(TP_EINVAL, "runtime directory is longer than %zu bytes", sizeof(dir) - 1);
        return -1;
    }
    tpi_endpoint_writer_t *w = tpi_alloc(sizeof(*w));
    if (NULL == w) { return -1; }
    w->fd = -1;
    w->dir_fd = -1;
    int lock_fd = -1;
    if (make_dir(dir) < 0 || (w->dir_fd = open_dir(dir, false)) < 0 || file_name(w->name, sizeof(w->name), endpoint->instance_id) < 0 ||
        (lock_fd = lock_dir(w->dir_fd, dir)) < 0 || refuse_living_namesake(w->dir_fd, dir, w->name) < 0 || write_locked(w, dir, endpoint) < 0)
    {
        unlock_dir(w->dir_fd, lock_fd);
        if (w->fd >= 0) { (void)close(w->fd); }
        if (w->dir_fd >= 0) { (void)close(w->dir_fd); }
        tpi_free(w);
        return -1;
    }
    unlock_dir(w->dir_fd, lock_fd);
    const int n = snprintf(endpoint->file, sizeof(endpoint->file), "%s/%s", dir, w->name);
    if (n < 0 || (size_t)n >= sizeof(endpoint->file))
    {
        tpi_endpoint_remove(w);
        TPI_SET_ERR(TP_EINVAL, "path of the endpoint file is longer than %zu bytes", sizeof(endpoint->file) - 1);
        return -1;
    }
    *writer = w;
    return 0;
}

void tpi_endpoint_remove(tpi_endpoint_writer_t *writer)
{
    if (NULL == writer) { return; }
    struct stat mine;
    struct stat there;
    if (0 == fstat(writer->fd, &mine) && 0 == fstatat(writer->dir_fd, writer->name, &there, AT_SYMLINK_NOFOLLOW) && mine.st_ino == there.st_ino &&
        mine.st_dev == there.st_dev)
    {
        (void)unlinkat(writer->dir_fd, writer->name, 0);
    }
    (void)close(writer->fd);
    (void)close(writer->dir_fd);
    tpi_free(writer);
}

static bool is_endpoint_name(const char *name)
{
    const size_t length = strlen(name);
    return '.' != name[0] && length > sizeof(SUFFIX) - 1 && 0 == strcmp(name + length - (sizeof(SUFFIX) - 1), SUFFIX);
}

/* Number of readable files; -1 with TP_ENOMEM when there may be more. */
static int foreach_in(const char *dir, bool any_owner, tpi_on_endpoint_t handler, void *clientd)
{
    const int fd = open_dir(dir, any_owner);
    if (fd < 0) { return TP_ENOENT == tp_errcode() ? 0 : -1; }
    tpi_endpoint_t *const endpoint = tpi_alloc(sizeof(*endpoint));
    DIR *const listing = NULL == endpoint ? NULL : fdopendir(fd);
    if (NULL == listing)
    {
        TPI_SET_ERR(TP_ENOMEM, "no memory to list %s", dir);
        (void)close(fd);
        tpi_free(endpoint);
        return -1;
    }
    int count = 0;
    int seen = 0;
    bool is_short = false;
    for (const struct dirent *entry = readdir(listing); NULL != entry && seen < FILES_MAX; entry = readdir(listing), seen++)
    {
        bool alive = false;
        memset(endpoint, 0, sizeof(*endpoint));
        if (!is_endpoint_name(entry->d_name)) { continue; }
        if (read_at(endpoint, fd, dir, entry->d_name, &alive) < 0)
        {
            is_short = is_short || TP_ENOMEM == tp_errcode();
            continue;
        }
        handler(clientd, endpoint, alive);
        count++;
    }
    (void)closedir(listing);
    tpi_free(endpoint);
    if (is_short) { TPI_SET_ERR(TP_ENOMEM, "some endpoint files in %s cannot be opened: no descriptor or memory is left", dir); }
    return is_short ? -1 : count;
}

int tpi_endpoint_foreach(tpi_on_endpoint_t handler, void *clientd)
{
    char dir[TPI_ENDPOINT_TEXT_MAX];
    if (tpi_endpoint_default_dir(dir, sizeof(dir)) < 0) { return -1; }
    const char *const chosen = getenv("TP_RUNTIME_DIR");
    const bool is_chosen = NULL != chosen && 0 == strcmp(chosen, dir);
    const int own = foreach_in(dir, is_chosen || 0 == strcmp(dir, SYSTEM_DIR), handler, clientd);
    if (own < 0) { return -1; }
    /* Whoever names a directory wants that one only. */
    const int system = is_chosen || 0 == strcmp(dir, SYSTEM_DIR) ? 0 : foreach_in(SYSTEM_DIR, true, handler, clientd);
    if (system < 0) { return TP_ENOMEM == tp_errcode() ? -1 : own; }
    return own + system;
}

typedef struct search { tpi_endpoint_t *found; const char *instance_id; int count; } search_t;

static void consider(void *clientd, const tpi_endpoint_t *endpoint, bool alive)
{
    search_t *const search = clientd;
    if (!alive || (NULL != search->instance_id && 0 != strcmp(search->instance_id, endpoint->instance_id))) { return; }
    if (0 == search->count++) { *search->found = *endpoint; }
}

int tpi_endpoint_find(tpi_endpoint_t *endpoint, const char *instance_id)
{
    search_t search = { .found = endpoint, .instance_id = NULL == instance_id || '\0' == instance_id[0] ? NULL : instance_id };
    const int rc = tpi_endpoint_foreach(consider, &search);
    if (search.count > 0) { return 0; }
    return rc < 0 && TP_ENOMEM == tp_errcode() ? -1 : 1;
}

/* Splits a path into its directory, opened, and the name below it. The descriptor, or -1. */
static int open_dir_of(const char *file, char *dir, size_t size, const char **name)
{
    const char *const slash = strrchr(file, '/');
    if (NULL == slash || slash == file || (size_t)(slash - file) >= size)
    {
        TPI_SET_ERR(TP_EINVAL, "endpoint file '%s' is not a path below a directory", file);
        return -1;
    }
    memcpy(dir, file, (size_t)(slash - file));
    dir[slash - file] = '\0';
    *name = slash + 1;
    return open_dir(dir, true);
}

int tpi_endpoint_read(tpi_endpoint_t *endpoint, const char *file, bool *alive)
{
    char dir[TPI_ENDPOINT_TEXT_MAX];
    const char *name = NULL;
    const int fd = open_dir_of(file, dir, sizeof(dir), &name);
    if (fd < 0) { return -1; }
    const int rc = read_at(endpoint, fd, dir, name, alive);
    (void)close(fd);
    return rc;
}

/* ---- an eye on one file --------------------------------------------------------------------------------------------------- */

void tpi_endpoint_watch_init(tpi_endpoint_watch_t *watch) { *watch = (tpi_endpoint_watch_t){ .fd = -1 }; }

void tpi_endpoint_watch_close(tpi_endpoint_watch_t *watch)
{
    if (watch->fd >= 0) { (void)close(watch->fd); }
    watch->fd = -1;
}

int tpi_endpoint_watch_open(tpi_endpoint_watch_t *watch, const tpi_endpoint_t *endpoint)
{
    char dir[TPI_ENDPOINT_TEXT_MAX];
    const char *name = NULL;
    struct stat st;
    bool alive = false;
    tpi_endpoint_watch_close(watch);
    const int dir_fd = open_dir_of(endpoint->file, dir, sizeof(dir), &name);
    if (dir_fd < 0) { return -1; }
    tpi_endpoint_t *const there = tpi_alloc(sizeof(*there));
    const int fd = NULL == there ? -1 : open_file(dir_fd, dir, name);
    /* Its state of before it is read: what changes meanwhile shows at the first look. */
    if (fd >= 0 && 0 == fstat(fd, &st) && 0 == read_file(there, fd, dir_fd, dir, name, &alive) && alive &&
        there->instance_token == endpoint->instance_token)
    {
        *watch = (tpi_endpoint_watch_t){ .fd = fd, .changed_s = (int64_t)st.st_ctim.tv_sec, .changed_ns = (int64_t)st.st_ctim.tv_nsec,
            .mode = (uint32_t)st.st_mode, .uid = (uint32_t)st.st_uid, .size_bytes = (int64_t)st.st_size };
    }
    else if (fd >= 0) { (void)close(fd); }
    tpi_free(there);
    (void)close(dir_fd);
    return watch->fd < 0 ? -1 : 0;
}

bool tpi_endpoint_watch_holds(const tpi_endpoint_watch_t *watch)
{
    struct stat st;
    if (watch->fd < 0 || 0 != fstat(watch->fd, &st) || 0 == st.st_nlink) { return false; }
    /* The time of a change may be that of a tick: it does not tell two changes of one tick apart. */
    const bool is_same = (uint32_t)st.st_mode == watch->mode && (uint32_t)st.st_uid == watch->uid && (int64_t)st.st_size == watch->size_bytes &&
        (int64_t)st.st_ctim.tv_sec == watch->changed_s && (int64_t)st.st_ctim.tv_nsec == watch->changed_ns;
    return is_same && is_write_locked(watch->fd);                                            /* L-309 */
}
