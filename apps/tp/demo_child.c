/* Processes of the demo and the pipes to them. The demo's side is single-threaded; PR_SET_PDEATHSIG rests on that. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "connect.h"
#include "demo_child.h"
#include "out.h"

extern char **environ;

static void child_main(char *const *argv, char *const *environment, pid_t parent, int in_fd, int out_fd, int log_fd)
{
    const int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0UL, 0UL, 0UL);
    if (getppid() != parent) { _exit(127); }
    (void)setpgid(0, 0);               /* the terminal's ^C is for the demo alone */
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    if (dup2(in_fd >= 0 ? in_fd : null_fd, STDIN_FILENO) < 0 || dup2(out_fd >= 0 ? out_fd : null_fd, STDOUT_FILENO) < 0) { _exit(127); }
    if (log_fd >= 0) { (void)dup2(log_fd, STDERR_FILENO); }
    execve(argv[0], argv, environment);
    dprintf(STDERR_FILENO, "%s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

int demo_child_start(demo_child_t *child, char *const *argv, char *const *environment, bool talks, int log_fd)
{
    int records[2] = { -1, -1 };
    int orders[2] = { -1, -1 };
    const pid_t parent = getpid();
    memset(child, 0, sizeof(*child));
    child->in_fd = child->out_fd = -1;
    if (talks && (pipe2(records, O_CLOEXEC) < 0 || pipe2(orders, O_CLOEXEC) < 0))
    {
        if (records[0] >= 0) { close(records[0]); close(records[1]); }
        return cli_error(TP_EIO, NULL, "no pipe for '%s': %s", argv[0], strerror(errno));
    }
    fflush(NULL);
    const pid_t pid = fork();
    if (0 == pid) { child_main(argv, environment, parent, orders[0], records[1], log_fd); }
    if (talks)
    {
        close(records[1]);
        close(orders[0]);
        (void)fcntl(records[0], F_SETFL, O_NONBLOCK);
        (void)fcntl(orders[1], F_SETFL, O_NONBLOCK);
        child->in_fd = records[0];
        child->out_fd = orders[1];
    }
    if (pid < 0)
    {
        if (talks) { close(records[0]); close(orders[1]); }
        child->in_fd = child->out_fd = -1;
        return cli_error(TP_EIO, NULL, "'%s' cannot be started: %s", argv[0], strerror(errno));
    }
    child->pid = pid;
    return CLI_OK;
}

bool demo_child_order(const demo_child_t *child, uint32_t kind, uint64_t epoch, uint64_t seq)
{
    const demo_order_t order = { .kind = kind, .epoch = epoch, .seq = seq };
    return child->out_fd >= 0 && (ssize_t)sizeof(order) == write(child->out_fd, &order, sizeof(order));
}

int demo_child_record(demo_child_t *child, void *record, size_t size)
{
    uint32_t kind;
    if (child->in_fd < 0 || size > sizeof(child->partial)) { return -1; }
    const ssize_t count = read(child->in_fd, child->partial + child->partial_bytes, size - child->partial_bytes);
    if (count < 0) { return EAGAIN == errno || EINTR == errno ? 0 : -1; }
    if (0 == count) { return -1; }
    child->partial_bytes += (size_t)count;
    if (child->partial_bytes < size) { return 0; }
    child->partial_bytes = 0;
    memcpy(record, child->partial, size);
    memcpy(&kind, record, sizeof(kind));
    if (DEMO_END == kind) { child->ended = true; }
    return 1;
}

bool demo_child_runs(demo_child_t *child)
{
    if (child->pid <= 0) { return false; }
    const pid_t reaped = waitpid(child->pid, &child->status, WNOHANG);
    if (0 == reaped) { return true; }
    child->pid = 0;
    return false;
}

bool demo_child_end(demo_child_t *child, int signal_number, int64_t timeout_ns)
{
    const int64_t end_ns = cli_now_ns() + timeout_ns;
    const bool had = child->pid > 0;
    if (had && 0 != signal_number) { (void)kill(child->pid, signal_number); }
    while (demo_child_runs(child))
    {
        struct timespec pause = { 0, 5000000 };
        if (cli_now_ns() > end_ns)
        {
            (void)kill(child->pid, SIGKILL);
            (void)waitpid(child->pid, &child->status, 0);
            child->pid = 0;
            child->status = -1;
            break;
        }
        (void)nanosleep(&pause, NULL);
    }
    if (child->in_fd >= 0) { close(child->in_fd); }
    if (child->out_fd >= 0) { close(child->out_fd); }
    child->in_fd = child->out_fd = -1;
    return 0 == child->status;
}

static bool is_setting(const char *entry)
{
    static const char *const prefixes[] = { "TP_", "DRIVER_", "SHM_", "POLICIES_", "AERON_", "SUPERVISOR_", "DISCOVERY_" };
    if (0 == strncmp(entry, "TP_LOG_LEVEL=", 13)) { return false; }
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
    {
        if (0 == strncmp(entry, prefixes[i], strlen(prefixes[i]))) { return true; }
    }
    return false;
}

char **demo_environment(const char *const *extra)
{
    size_t count = 0;
    size_t bytes = 0;
    for (char **entry = environ; NULL != *entry; entry++) { count++; }
    for (const char *const *entry = extra; NULL != *entry; entry++) { count++; bytes += strlen(*entry) + 1; }
    char **made = malloc((count + 1) * sizeof(*made) + bytes);
    if (NULL == made) { return NULL; }
    char *text = (char *)(made + count + 1);
    size_t at = 0;
    for (char **entry = environ; NULL != *entry; entry++)
    {
        if (!is_setting(*entry)) { made[at++] = *entry; }
    }
    for (const char *const *entry = extra; NULL != *entry; entry++)
    {
        const size_t length = strlen(*entry) + 1;
        memcpy(text, *entry, length);
        made[at++] = text;
        text += length;
    }
    made[at] = NULL;
    return made;
}

int demo_order_read(demo_order_t *order, int wait_ms)
{
    struct pollfd ready = { STDIN_FILENO, POLLIN, 0 };
    const int count = poll(&ready, 1, wait_ms);
    if (count <= 0) { return count < 0 && EINTR != errno ? -1 : 0; }
    const ssize_t got = read(STDIN_FILENO, order, sizeof(*order));
    return (ssize_t)sizeof(*order) == got ? 1 : got < 0 && EINTR == errno ? 0 : -1;
}

bool demo_record_write(const void *record, size_t size)
{
    ssize_t count;
    do { count = write(STDOUT_FILENO, record, size); } while (count < 0 && EINTR == errno);
    return (ssize_t)size == count;
}
