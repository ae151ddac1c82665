/*
 * Part of every test program: a guard process that waits until the program has ended, however it ended, and removes what it left below
 * /dev/shm and /tmp. A leftover is an entry whose name begins with "tp", says "test" and has our process id in it as a whole number.
 */
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *at)
{
    (void)status;
    (void)type;
    (void)at;
    (void)remove(path);
    return 0;
}

static bool is_ours(const char *name, long pid)
{
    if (0 != strncmp(name, "tp", 2) || NULL == strstr(name, "test")) { return false; }
    for (const char *at = strpbrk(name, "0123456789"); NULL != at; at = strpbrk(at, "0123456789"))
    {
        char *end = NULL;
        if (strtol(at, &end, 10) == pid) { return true; }
        at = end;
    }
    return false;
}

static void clear(const char *directory, long pid)
{
    DIR *const entries = opendir(directory);
    if (NULL == entries) { return; }
    for (const struct dirent *entry = readdir(entries); NULL != entry; entry = readdir(entries))
    {
        char path[512];
        if (!is_ours(entry->d_name, pid)) { continue; }
        (void)snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
        (void)nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    }
    (void)closedir(entries);
}

static void guard(int end, long pid)
{
    char byte;
    (void)setsid();
    (void)signal(SIGHUP, SIG_IGN);
    while (read(end, &byte, 1) > 0) { }
    clear("/dev/shm", pid);
    clear("/tmp", pid);
    _exit(0);
}

static void start_guard(void) __attribute__((constructor));

static void start_guard(void)
{
    int ends[2];
    const long pid = (long)getpid();
    if (pipe2(ends, O_CLOEXEC) < 0) { return; }
    if (0 == fork())
    {
        (void)close(ends[1]);
        guard(ends[0], pid);
    }
    (void)close(ends[0]);              /* the other end stays open as long as we live */
}
