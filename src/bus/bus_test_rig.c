/* See the header. The only state are the two paths. */
#include "bus/bus_test_rig.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static char base_dir[128];
static char other_dir[144];

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *at)
{
    (void)status;
    (void)type;
    (void)at;
    (void)remove(path);
    return 0;
}

static void guard(int end)
{
    char byte;
    (void)setsid();
    while (read(end, &byte, 1) > 0) { }
    (void)nftw(base_dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    (void)nftw(other_dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    _exit(0);
}

int tpi_test_rig_start(const char *name)
{
    int ends[2];
    (void)snprintf(base_dir, sizeof(base_dir), "/dev/shm/tp-test-%d-%s", (int)getpid(), name);
    (void)snprintf(other_dir, sizeof(other_dir), "%s-other", base_dir);
    if (mkdir(base_dir, 0700) < 0 || pipe2(ends, O_CLOEXEC) < 0) { return -1; }
    const pid_t pid = fork();
    if (0 == pid)
    {
        (void)close(ends[1]);
        guard(ends[0]);
    }
    (void)close(ends[0]);
    return pid < 0 ? -1 : 0;
}

const char *tpi_test_dir(const char *name)
{
    static char dirs[8][192];
    static unsigned next;
    char *const dir = dirs[next++ % 8];
    (void)snprintf(dir, sizeof(dirs[0]), "%s/%s", base_dir, name);
    return dir;
}

const char *tpi_test_other_dir(void) { return other_dir; }

pid_t tpi_test_spawn(const char *role, const char *dir)
{
    char *const argv[] = { (char *)(uintptr_t)"self", (char *)(uintptr_t)role, (char *)(uintptr_t)dir, NULL };
    pid_t pid = 0;
    return 0 == posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv, environ) ? pid : -1;
}

int tpi_test_kill(pid_t pid) { return kill(pid, SIGKILL) < 0 || waitpid(pid, NULL, 0) != pid ? -1 : 0; }
