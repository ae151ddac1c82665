/* See daemon.h. The keeper waits for two things: the end of the run (its pipe is closed), and the daemon's words. */
#include "peers/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define READY_MS 15000
#define END_STEPS 500                  /* of 10 ms until it is killed */
#define WORDS 65536

static int run_fd = -1;                /* the run's end of the pipe */
static pid_t keeper;

static void pause_10_ms(void)
{
    const struct timespec pause = { 0, 10000000 };
    (void)nanosleep(&pause, NULL);
}

static void unblock(void)
{
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static pid_t start_daemon(const peer_daemon_t *daemon, int words[2])
{
    if (pipe2(words, O_CLOEXEC) < 0) { return -1; }
    const pid_t pid = fork();
    if (0 != pid) { (void)close(words[1]); return pid; }
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    (void)signal(SIGTERM, SIG_DFL);
    (void)signal(SIGINT, SIG_IGN);
    (void)dup2(words[1], STDOUT_FILENO);
    (void)dup2(words[1], STDERR_FILENO);
    _exit(daemon->run());
}

static void end_daemon(pid_t pid)
{
    int left = END_STEPS;
    (void)kill(pid, SIGTERM);
    while (0 == waitpid(pid, NULL, WNOHANG))
    {
        if (0 == left--) { (void)kill(pid, SIGKILL); }
        pause_10_ms();
    }
}

/* Its words are read to the end, so that it never waits for room, and shown when it does not come up or does not stay. */
static void keep(const peer_daemon_t *daemon, int from_run, int to_run)
{
    static char said[WORDS + 1];
    size_t length = 0;
    int words[2] = { -1, -1 };
    bool ready = false;
    const pid_t pid = start_daemon(daemon, words);
    struct pollfd fds[2] = { { from_run, POLLIN, 0 }, { words[0], POLLIN, 0 } };
    while (pid > 0 && poll(fds, 2, -1) >= 0 && 0 == fds[0].revents)
    {
        if (length == WORDS) { length = 0; }
        const ssize_t count = 0 != fds[1].revents ? read(words[0], said + length, WORDS - length) : 0;
        if (0 != fds[1].revents && count <= 0) { ready = false; break; }
        length += (size_t)count;
        said[length] = '\0';
        if (ready || NULL == strstr(said, daemon->ready)) { continue; }
        ready = true;
        (void)!write(to_run, "r", 1);
    }
    (void)close(to_run);               /* without a word: it did not come up */
    if (!ready && length > 0) { (void)fprintf(stderr, "%s\n", said); }
    if (pid > 0) { end_daemon(pid); }
    if (NULL != daemon->remove) { daemon->remove(); }
}

int peer_daemon_start(const peer_daemon_t *daemon)
{
    int to_keeper[2] = { -1, -1 };
    int to_run[2] = { -1, -1 };
    char byte;
    if (pipe2(to_keeper, O_CLOEXEC) < 0 || pipe2(to_run, O_CLOEXEC) < 0) { perror("pipe"); return -1; }
    (void)fflush(NULL);
    keeper = fork();
    if (0 == keeper)
    {
        unblock();
        (void)setsid();
        (void)signal(SIGTERM, SIG_IGN);
        (void)signal(SIGINT, SIG_IGN);
        (void)signal(SIGHUP, SIG_IGN);
        (void)prctl(PR_SET_PDEATHSIG, 0);
        (void)close(to_keeper[1]);
        (void)close(to_run[0]);
        (void)close(STDOUT_FILENO);
        (void)open("/dev/null", O_WRONLY);
        keep(daemon, to_keeper[0], to_run[1]);
        _exit(0);
    }
    (void)close(to_keeper[0]);
    (void)close(to_run[1]);
    run_fd = to_keeper[1];
    struct pollfd ready = { to_run[0], POLLIN, 0 };
    const bool came = keeper > 0 && 1 == poll(&ready, 1, READY_MS) && 1 == read(to_run[0], &byte, 1);
    (void)close(to_run[0]);
    if (came) { return 0; }
    (void)fprintf(stderr, "%s does not come up\n", daemon->name);
    peer_daemon_end();
    return -1;
}

void peer_daemon_end(void)
{
    if (run_fd >= 0) { (void)close(run_fd); }
    if (keeper > 0) { (void)waitpid(keeper, NULL, 0); }
    run_fd = -1;
    keeper = 0;
}
