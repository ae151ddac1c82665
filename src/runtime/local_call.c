/* Client side of the local socket: one line out, one line in, bounded in time and size. Called by tools, on their own thread. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "common/err.h"
#include "runtime/local_address.h"
#include "runtime/local_socket.h"

/* A full backlog refuses at once and is not to be polled for: tried again until the deadline. */
static int connect_patiently(int fd, const struct sockaddr_un *address, int64_t deadline_ns)
{
    for (;;)
    {
        if (0 == connect(fd, (const struct sockaddr *)address, sizeof(*address))) { return 0; }
        if (EAGAIN != errno || tpi_clock_monotonic_ns() >= deadline_ns) { return -1; }
        const struct timespec pause = { 0, 2000000 };
        (void)nanosleep(&pause, NULL);
    }
}

static int connect_to(const char *path, int64_t deadline_ns)
{
    struct sockaddr_un address;
    struct ucred peer;
    if (tpi_local_address_init(&address, path) < 0) { return -1; }
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect_patiently(fd, &address, deadline_ns) < 0)
    {
        TPI_SET_ERR(EAGAIN == errno ? TP_ETIMEDOUT : TP_ENODRIVER, "socket %s cannot be connected: %s", path, strerror(errno));
        if (fd >= 0) { (void)close(fd); }
        return -1;
    }
    if (!tpi_local_peer_of(fd, &peer) || (peer.uid != geteuid() && 0 != peer.uid && 0 != geteuid()))
    {
        TPI_SET_ERR(TP_EPERM, "socket %s is served by another user", path);
        (void)close(fd);
        return -1;
    }
    return fd;
}

/* Waits until fd is ready; false at the deadline. */
static bool ready(int fd, short events, int64_t deadline_ns)
{
    for (;;)
    {
        const int64_t left_ns = deadline_ns - tpi_clock_monotonic_ns();
        if (left_ns <= 0) { return false; }
        struct pollfd one = { .fd = fd, .events = events };
        const int n = poll(&one, 1, left_ns / TPI_NS_PER_MS > 1000 ? 1000 : (int)(left_ns / TPI_NS_PER_MS) + 1);
        if (n > 0) { return true; }
        if (n < 0 && EINTR != errno) { return false; }
    }
}

static int send_all(int fd, const char *text, size_t length, int64_t deadline_ns)
{
    for (size_t sent = 0; sent < length;)
    {
        const ssize_t n = ready(fd, POLLOUT, deadline_ns) ? send(fd, text + sent, length - sent, MSG_NOSIGNAL | MSG_DONTWAIT) : -1;
        if (n < 0)
        {
            TPI_SET_ERR(TP_ETIMEDOUT, "request of %zu bytes could not be sent to the driver's socket", length);
            return -1;
        }
        sent += (size_t)n;
    }
    return 0;
}

static int receive_line(int fd, char *buffer, size_t size, int64_t deadline_ns)
{
    for (size_t used = 0; used < size;)
    {
        const ssize_t n = ready(fd, POLLIN, deadline_ns) ? recv(fd, buffer + used, size - used, MSG_DONTWAIT) : -1;
        if (n <= 0)
        {
            TPI_SET_ERR(0 == n ? TP_EIO : TP_ETIMEDOUT, "%s",
                0 == n ? "driver closed its socket without an answer" : "driver did not answer on its socket in time");
            return -1;
        }
        char *const end = memchr(buffer + used, '\n', (size_t)n);
        used += (size_t)n;
        if (NULL == end) { continue; }
        *end = '\0';
        return 0;
    }
    TPI_SET_ERR(TP_EFULL, "answer is longer than %zu bytes", size);
    return -1;
}

int tpi_local_call(const char *path, const char *request, char **reply, int64_t timeout_ns)
{
    const int64_t now_ns = tpi_clock_monotonic_ns();
    const int64_t deadline_ns = timeout_ns < INT64_MAX - now_ns ? now_ns + timeout_ns : INT64_MAX;
    const int fd = connect_to(path, deadline_ns);
    if (fd < 0) { return -1; }
    char *const line = tpi_asprintf("%s\n", request);
    char *const buffer = tpi_alloc(TPI_LOCAL_REPLY_MAX);
    int result = NULL == line || NULL == buffer ? -1 : 0;
    if (0 == result) { result = send_all(fd, line, strlen(line), deadline_ns); }
    if (0 == result) { result = receive_line(fd, buffer, TPI_LOCAL_REPLY_MAX, deadline_ns); }
    (void)close(fd);
    tpi_free(line);
    if (0 != result)
    {
        tpi_free(buffer);
        return -1;
    }
    *reply = buffer;
    return 0;
}
