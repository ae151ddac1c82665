/* Private directories of demos, and their removal in every case. */
#include "demo_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "out.h"

#define PARENT "/dev/shm"
#define PREFIX "tp-demo-"
#define YOUNG_S 60
#define PASSES 50

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *at)
{
    (void)info;
    (void)kind;
    (void)at;
    return 0 == remove(path) || ENOENT == errno ? 0 : -1;
}

bool cli_remove_tree(const char *path)
{
    return 0 == nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) || ENOENT == errno;
}

/* The demo died: its children die with it (PR_SET_PDEATHSIG), so a few passes see the end of all writing. */
static void guard(const char *path, int pipe_fd)
{
    char byte;
    ssize_t count;
    do { count = read(pipe_fd, &byte, 1); } while (count < 0 && EINTR == errno);
    if (count > 0) { return; }
    for (int pass = 0; pass < PASSES; pass++)
    {
        const struct timespec pause = { 0, 100000000 };
        const bool removed = cli_remove_tree(path);
        if (removed && pass > 2) { return; }
        nanosleep(&pause, NULL);
    }
}

static int start_guardian(cli_demo_dir_t *dir)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) { return -1; }
    fflush(NULL);
    dir->guardian = fork();
    if (dir->guardian < 0)
    {
        close(ends[0]);
        close(ends[1]);
        return -1;
    }
    if (0 == dir->guardian)
    {
        const int null_fd = open("/dev/null", O_RDWR);
        const int keep = fcntl(ends[0], F_DUPFD, 10);
        const int lock = fcntl(dir->lock_fd, F_DUPFD, 10);
        signal(SIGINT, SIG_IGN);
        signal(SIGTERM, SIG_IGN);
        signal(SIGHUP, SIG_IGN);
        (void)setsid();
        for (int fd = 0; fd < 3; fd++) { (void)dup2(null_fd, fd); }
        for (int fd = 3; fd < 1024; fd++)
        {
            if (fd != keep && fd != lock) { close(fd); }
        }
        prctl(PR_SET_NAME, "tp-demo-guard", 0UL, 0UL, 0UL);
        guard(dir->path, keep);
        _exit(0);
    }
    close(ends[0]);
    dir->guard_fd = ends[1];
    return 0;
}

/* Another run may take a directory for dead between its making and its lock: then it is gone when we hold the lock. */
static int make_locked(cli_demo_dir_t *dir)
{
    char file[160];
    struct stat info;
    snprintf(dir->path, sizeof(dir->path), PARENT "/" PREFIX "%u-%ld-XXXXXX", (unsigned)geteuid(), (long)getpid());
    if (NULL == mkdtemp(dir->path)) { return -1; }
    snprintf(file, sizeof(file), "%s/lock", dir->path);
    dir->lock_fd = open(file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (dir->lock_fd < 0) { return -1; }
    if (flock(dir->lock_fd, LOCK_EX | LOCK_NB) == 0 && fstat(dir->lock_fd, &info) == 0 && info.st_nlink > 0) { return 0; }
    close(dir->lock_fd);
    dir->lock_fd = -1;
    errno = EAGAIN;
    return -1;
}

int cli_demo_dir_make(cli_demo_dir_t *dir, uint64_t needed_bytes)
{
    int rc;
    int tries = 0;
    struct statvfs fs;
    if (0 == statvfs(PARENT, &fs) && fs.f_blocks > 0 && (uint64_t)fs.f_bavail * fs.f_frsize < needed_bytes)
    {
        return cli_error(TP_ENOSPACE, "docker run --shm-size=1g; or: mount -o remount,size=1g " PARENT,
            PARENT " has %" PRIu64 " bytes free, the demo needs %" PRIu64, (uint64_t)fs.f_bavail * fs.f_frsize, needed_bytes);
    }
    memset(dir, 0, sizeof(*dir));
    dir->lock_fd = dir->guard_fd = -1;
    do { rc = make_locked(dir); } while (rc < 0 && EAGAIN == errno && ++tries < 5);
    if (rc < 0) { return cli_error(TP_EIO, "tp doctor", "no private directory below " PARENT ": %s", strerror(errno)); }
    if (start_guardian(dir) < 0)
    {
        const int code = cli_error(TP_EIO, NULL, "the demo's guardian cannot be started: %s", strerror(errno));
        (void)cli_remove_tree(dir->path);
        close(dir->lock_fd);
        return code;
    }
    return CLI_OK;
}

bool cli_demo_dir_remove(cli_demo_dir_t *dir)
{
    struct stat info;
    if ('\0' == dir->path[0]) { return true; }
    const bool removed = cli_remove_tree(dir->path) && lstat(dir->path, &info) < 0;
    if (dir->guard_fd >= 0)
    {
        if (removed && 1 != write(dir->guard_fd, "k", 1)) { cli_warn(TP_EIO, NULL, "the demo's guardian is gone"); }
        close(dir->guard_fd);
    }
    if (dir->guardian > 0) { (void)waitpid(dir->guardian, NULL, 0); }
    if (dir->lock_fd >= 0) { close(dir->lock_fd); }
    memset(dir, 0, sizeof(*dir));
    dir->lock_fd = dir->guard_fd = -1;
    return removed;
}

static int is_demo(const struct dirent *entry) { return 0 == strncmp(entry->d_name, PREFIX, strlen(PREFIX)) ? 1 : 0; }

static bool is_dead(const char *path)
{
    char file[600];
    struct stat info;
    struct timespec now;
    if (lstat(path, &info) < 0 || !S_ISDIR(info.st_mode) || geteuid() != info.st_uid) { return false; }
    snprintf(file, sizeof(file), "%s/lock", path);
    const int fd = open(file, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
    {
        clock_gettime(CLOCK_REALTIME, &now);
        return ENOENT == errno && now.tv_sec - info.st_mtim.tv_sec > YOUNG_S;
    }
    const bool dead = 0 == flock(fd, LOCK_EX | LOCK_NB);
    close(fd);
    return dead;
}

unsigned cli_demo_clean(bool look_only)
{
    struct dirent **names = NULL;
    unsigned dead = 0;
    const int count = scandir(PARENT, &names, is_demo, alphasort);
    for (int i = 0; i < count; i++)
    {
        char path[512];
        snprintf(path, sizeof(path), PARENT "/%s", names[i]->d_name);
        if (is_dead(path) && (look_only || cli_remove_tree(path))) { dead++; }
        free(names[i]);
    }
    free(names);
    return dead;
}
