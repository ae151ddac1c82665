/*
 * Owns the main loop: duty cycles on the main thread, signals by a signalfd that is also what an idle cycle sleeps on, so that a signal never waits.
 * Threads of the driver inherit the blocked mask.
 */
#include "run.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output.h"

#define IDLE_MIN_NS 50000L

int run_prepare(const tp_driver_config_t *config)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGHUP);
    (void)signal(SIGPIPE, SIG_IGN);
    /* What the regions' mode keeps from others, Aeron's files keep from them too. Directories need the search bit where files need read. */
    const mode_t file_mode = (mode_t)config->permissions_mode & 0777;
    (void)umask(0777 & ~(file_mode | (file_mode & 0444) >> 2) & 0077);
    const int fd = 0 == sigprocmask(SIG_BLOCK, &set, NULL) ? signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK) : -1;
    if (fd < 0) { (void)output_fail(TP_EIO, NULL, "signals cannot be read: %s", strerror(errno)); }
    return fd;
}

static void on_signal(tp_driver_t *driver, uint32_t signal_number, unsigned *ends)
{
    if (SIGHUP == signal_number)
    {
        output_say(TP_LOG_INFO, 0, "SIGHUP: reading the configuration again");
        tp_driver_reload(driver);
        return;
    }
    (*ends)++;
    output_say(TP_LOG_INFO, 0, "%s: %s", SIGINT == signal_number ? "SIGINT" : "SIGTERM",
        1 == *ends ? "draining; a second signal ends at once" : "ending at once");
    tp_driver_shutdown(driver, 0, *ends > 1);
}

/* Sleeps at most idle_ns, less when a signal comes. */
static void read_signals(tp_driver_t *driver, int fd, long idle_ns, unsigned *ends)
{
    struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
    const struct timespec timeout = { .tv_nsec = idle_ns };
    struct signalfd_siginfo info;
    if (ppoll(&poll_fd, 1, &timeout, NULL) <= 0) { return; }
    while (sizeof(info) == read(fd, &info, sizeof(info))) { on_signal(driver, info.ssi_signo, ends); }
}

static void tell_ready(const tp_driver_t *driver, const tp_driver_config_t *config, int ready_fd)
{
    const char *const aeron_dir = tp_driver_aeron_dir(driver);
    output_say(TP_LOG_INFO, 0, "tp_driver ready: instance %s, endpoint %s, media driver %s (%s), %u streams, dynamic streams %s", config->instance_id,
        tp_driver_endpoint_file(driver), '\0' != aeron_dir[0] ? aeron_dir : "of the default directory", config->media_driver, config->stream_count,
        config->allow_dynamic_streams ? "on" : "off");
    if (ready_fd < 0) { return; }
    if (1 != write(ready_fd, "\n", 1)) { output_say(TP_LOG_WARN, 0, "--ready-fd %d: %s", ready_fd, strerror(errno)); }
    (void)close(ready_fd);
}

int run_driver(const tp_driver_config_t *config, int signal_fd, int ready_fd, tp_driver_config_source_t source, void *clientd)
{
    tp_driver_t *driver = NULL;
    unsigned ends = 0;
    int exit_code = EXIT_CODE_OK;
    long idle_ns = 0;
    if (tp_driver_init(&driver, config) < 0) { return output_error(); }
    tp_driver_set_config_source(driver, source, clientd);
    tell_ready(driver, config, ready_fd);
    while (TP_DRIVER_STOPPED != tp_driver_state(driver))
    {
        const int work = tp_driver_do_work(driver);
        if (work < 0)
        {
            exit_code = output_error();
            break;
        }
        const long limit_ns = (long)tp_driver_park_limit_ns(driver);
        idle_ns = work > 0 ? 0 : 0 == idle_ns ? IDLE_MIN_NS : 2 * idle_ns < limit_ns ? 2 * idle_ns : limit_ns;
        read_signals(driver, signal_fd, idle_ns, &ends);
    }
    tp_driver_close(driver);
    output_say(TP_LOG_INFO, 0, "tp_driver ended");
    return exit_code;
}
