/* Client side of a shared local socket: one line out, one descriptor in, never waiting. One thread. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/err.h"
#include "runtime/local_address.h"
#include "runtime/local_socket.h"

#define FDS_MAX 4                      /* that are looked at; more do not fit, and the kernel drops them */

struct tpi_local_ask
{
    int fd;
    int received;                      /* -1 = none yet */
    size_t read;                       /* bytes of the answer so far */
};

static bool is_served_by(int fd, uid_t owner)
{
    struct ucred peer;
    return tpi_local_peer_of(fd, &peer) && (peer.uid == geteuid() || 0 == peer.uid || owner == peer.uid);
}

int tpi_local_ask_start(tpi_local_ask_t **ask, const char *path, uid_t owner, const char *request)
{
    struct sockaddr_un address;
    const size_t length = strlen(request);
    if (tpi_local_address_init(&address, path) < 0) { return -1; }
    if (0 == length || '\n' != request[length - 1] || length > TPI_LOCAL_LINE_MAX)
    {
        TPI_SET_ERR(TP_EINVAL, "request of %zu bytes is no line", length);
        return -1;
    }
    tpi_local_ask_t *const a = tpi_alloc(sizeof(*a));
    if (NULL == a) { return -1; }
    a->received = -1;
    a->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (a->fd < 0 || connect(a->fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
    {
        TPI_SET_ERR(EACCES == errno || EPERM == errno ? TP_EPERM : TP_ENODRIVER, "socket %s cannot be connected: %s", path, strerror(errno));
        tpi_local_ask_close(a);
        return -1;
    }
    if (!is_served_by(a->fd, owner))
    {
        TPI_SET_ERR(TP_EPERM, "socket %s is served by another user", path);
        tpi_local_ask_close(a);
        return -1;
    }
    if ((ssize_t)length != send(a->fd, request, length, MSG_NOSIGNAL | MSG_DONTWAIT))       /* the first line of a new socket always fits */
    {
        TPI_SET_ERR(TP_ENODRIVER, "request of %zu bytes could not be sent to %s", length, path);
        tpi_local_ask_close(a);
        return -1;
    }
    *ask = a;
    return 0;
}

/* Keeps the first descriptor, closes all others. */
static void take_descriptors(tpi_local_ask_t *ask, struct msghdr *message)
{
    for (struct cmsghdr *at = CMSG_FIRSTHDR(message); NULL != at; at = CMSG_NXTHDR(message, at))
    {
        if (SOL_SOCKET != at->cmsg_level || SCM_RIGHTS != at->cmsg_type) { continue; }
        const size_t count = (at->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++)
        {
            int fd = -1;
            memcpy(&fd, CMSG_DATA(at) + i * sizeof(int), sizeof(int));
            if (ask->received < 0) { ask->received = fd; }
            else { (void)close(fd); }
        }
    }
}

static int judge(tpi_local_ask_t *ask, int *fd)
{
    if (ask->received < 0)
    {
        TPI_SET_ERR(TP_EPROTOCOL, "driver handed over no descriptor");
        return -1;
    }
    *fd = ask->received;
    ask->received = -1;
    return 1;
}

int tpi_local_ask_poll(tpi_local_ask_t *ask, int *fd)
{
    char text[512];
    union { struct cmsghdr header; char room[CMSG_SPACE(FDS_MAX * sizeof(int))]; } control;
    struct iovec data = { .iov_base = text, .iov_len = sizeof(text) };
    struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof(control.room) };
    const ssize_t n = recvmsg(ask->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n < 0 && (EAGAIN == errno || EWOULDBLOCK == errno || EINTR == errno)) { return 0; }
    if (n <= 0)
    {
        TPI_SET_ERR(TP_EIO, "driver closed its socket without an answer");
        return -1;
    }
    take_descriptors(ask, &message);
    ask->read += (size_t)n;
    if (NULL != memchr(text, '\n', (size_t)n)) { return judge(ask, fd); }
    if (ask->read <= TPI_LOCAL_LINE_MAX) { return 0; }
    TPI_SET_ERR(TP_EPROTOCOL, "answer is longer than %d bytes", TPI_LOCAL_LINE_MAX);
    return -1;
}

void tpi_local_ask_close(tpi_local_ask_t *ask)
{
    if (NULL == ask) { return; }
    if (ask->fd >= 0) { (void)close(ask->fd); }
    if (ask->received >= 0) { (void)close(ask->received); }
    tpi_free(ask);
}
