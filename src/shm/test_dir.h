/* For unit tests only: a directory of one's own in /dev/shm, and code run as an unprivileged user. */
#ifndef TPI_SHM_TEST_DIR_H
#define TPI_SHM_TEST_DIR_H

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEST_UID_A 64201u
#define TEST_UID_B 64202u

static inline int test_remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static inline void test_dir_remove(const char *path) { (void)nftw(path, test_remove_entry, 16, FTW_DEPTH | FTW_PHYS); }

/* /dev/shm/tp-test-<pid>-<name>, mode 0755, empty. */
static inline void test_dir_make(char path[128], const char *name)
{
    (void)snprintf(path, 128, "/dev/shm/tp-test-%ld-%s", (long)getpid(), name);
    test_dir_remove(path);
    if (0 != mkdir(path, 0755) || 0 != chmod(path, 0755)) { abort(); }
}

static inline void test_file_make(const char *path, mode_t mode, off_t bytes)
{
    const int fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, mode);
    if (fd < 0 || 0 != fchmod(fd, mode) || 0 != ftruncate(fd, bytes)) { abort(); }
    (void)close(fd);
}

/* Memory this process has locked, -1 when it cannot be known. */
static inline long long test_locked_kib(void)
{
    char line[128];
    long long kib = -1;
    FILE *const status = fopen("/proc/self/status", "re");
    while (NULL != status && NULL != fgets(line, sizeof(line), status))
    {
        if (1 == sscanf(line, "VmLck: %lld kB", &kib)) { break; }
    }
    if (NULL != status) { (void)fclose(status); }
    return kib;
}

/* Mappings of this process whose line in the kernel's list contains the text. */
static inline size_t test_mappings_of(const char *text)
{
    char line[512];
    size_t count = 0;
    FILE *const maps = fopen("/proc/self/maps", "re");
    while (NULL != maps && NULL != fgets(line, sizeof(line), maps)) { count += NULL != strstr(line, text); }
    if (NULL != maps) { (void)fclose(maps); }
    return count;
}

/*
 * Runs a function in a child process and returns what it returned (0..125); as root the child first becomes the given user, else it stays
 * who we are. So permission tests run in full as root and as nobody.
 */
static inline int test_run_as(uid_t uid, int (*function)(void *), void *argument)
{
    (void)fflush(NULL);
    const pid_t child = fork();
    if (0 == child)
    {
        if (0 == geteuid() && (0 != setresgid(uid, uid, uid) || 0 != setresuid(uid, uid, uid))) { _exit(126); }
        _exit(function(argument));
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status)) { return 127; }
    return WEXITSTATUS(status);
}

#endif
