/*
 * Owns the main loop: duty cycles on the main thread, signals by a signalfd that is also what an idle cycle sleeps on, so that a signal never waits.
 * Threads of the services inherit the blocked mask.
 */
#include "apps/service/loop.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "apps/service/output.h"

#define IDLE_MIN_NS 50000L
#define IDLE_GROWTH 4

typedef struct loop
{
    const service_program_t *program;
    const service_sources_t *sources;
    int signal_fd;
    unsigned ends;
}
loop_t;

static int open_signals(void)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGHUP);
    (void)sigaddset(&set, SIGUSR1);
    (void)signal(SIGPIPE, SIG_IGN);
    const int fd = 0 == sigprocmask(SIG_BLOCK, &set, NULL) ? signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK) : -1;
    if (fd < 0) { (void)output_fail(TP_EIO, NULL, "signals cannot be read: %s", strerror(errno)); }
    return fd;
}

static void on_signal(loop_t *loop, uint32_t signal_number)
{
    if (SIGHUP == signal_number)
    {
        output_say(TP_LOG_INFO, 0, "SIGHUP: reading the configuration again");
        service_reload(loop->program, loop->sources);
        return;
    }
    if (SIGUSR1 == signal_number)
    {
        if (NULL != loop->program->print_state) { loop->program->print_state(stdout); }
        if (0 != fflush(stdout)) { clearerr(stdout); }
        return;
    }
    loop->ends++;                                                               /* OP-S-23 */
    output_say(TP_LOG_INFO, 0, "%s: %s", SIGINT == signal_number ? "SIGINT" : "SIGTERM",
        NULL != loop->program->end ? loop->program->end(loop->ends) : "ending");
}

static bool has_ended(const loop_t *loop)
{
    if (NULL != loop->program->has_stopped && loop->program->has_stopped()) { return true; }
    return NULL == loop->program->end && loop->ends > 0;
}

/* Sleeps at most idle_ns, less when a signal comes or the service has something to do: true then. */
static bool sleep_or_signals(loop_t *loop, long idle_ns)
{
    struct pollfd fds[2] = { { .fd = loop->signal_fd, .events = POLLIN },
        { .fd = NULL == loop->program->event_fd ? -1 : loop->program->event_fd(), .events = POLLIN } };
    const struct timespec timeout = { .tv_sec = idle_ns / 1000000000L, .tv_nsec = idle_ns % 1000000000L };
    struct signalfd_siginfo info;
    if (ppoll(fds, 2, &timeout, NULL) <= 0) { return false; }
    while (0 != fds[0].revents && sizeof(info) == read(loop->signal_fd, &info, sizeof(info))) { on_signal(loop, info.ssi_signo); }
    return true;
}

static void tell_ready(const service_program_t *program, int ready_fd)
{
    char text[1536];
    program->print_ready(text, sizeof(text));
    output_say(TP_LOG_INFO, 0, "%s ready: %s", program->name, text);
    if (ready_fd < 0) { return; }
    if (1 != write(ready_fd, "\n", 1)) { output_say(TP_LOG_WARN, 0, "--ready-fd %d: %s", ready_fd, strerror(errno)); }
    (void)close(ready_fd);
}

static int cycles(loop_t *loop)
{
    long idle_ns = 0;
    while (!has_ended(loop))
    {
        const int work = loop->program->do_work();
        if (work < 0) { return output_error(); }
        const long limit_ns = (long)loop->program->park_limit_ns();
        idle_ns = work > 0 ? 0 : 0 == idle_ns ? IDLE_MIN_NS : IDLE_GROWTH * idle_ns;
        if (idle_ns > limit_ns) { idle_ns = limit_ns; }
        if (sleep_or_signals(loop, idle_ns)) { idle_ns = 0; }
    }
    return EXIT_CODE_OK;
}

int loop_run(const service_program_t *program, const service_sources_t *sources, int ready_fd)
{
    loop_t loop = { .program = program, .sources = sources, .signal_fd = open_signals() };
    if (loop.signal_fd < 0) { return EXIT_CODE_FAILED; }
    if (NULL != program->prepare) { program->prepare(); }
    int exit_code = EXIT_CODE_OK;
    if (program->start() < 0)
    {
        exit_code = output_error();
        program->close();
    }
    else
    {
        tell_ready(program, ready_fd);
        exit_code = cycles(&loop);
        program->close();
        output_say(TP_LOG_INFO, 0, "%s ended", program->name);
    }
    (void)close(loop.signal_fd);
    return exit_code;
}
