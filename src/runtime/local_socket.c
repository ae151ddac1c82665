/*
 * Server side of the local socket. One thread. Invariant: a peer's slot is free exactly when its fd is -1.
 */
#include "runtime/local_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/err.h"
#include "runtime/local_address.h"

struct tpi_local_peer
{
    int fd;
    pid_t pid;
    uint64_t serial;                   /* in order of acceptance */
    size_t used;                       /* of line */
    char line[TPI_LOCAL_LINE_MAX];
    char *out;
    size_t out_length;
    size_t out_sent;
    int out_fd;                        /* goes with the first byte of out; -1 = none */
};

struct tpi_local_server
{
    int fd;
    bool is_shared;                    /* the mode of the name decides who may connect */
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
    tpi_local_peer_t peers[TPI_LOCAL_PEERS_MAX];
    tpi_local_counts_t counts;
    tpi_wait_set_t *waits;             /* NULL: nobody sleeps for us */
};

static void close_peer(tpi_local_peer_t *peer)
{
    if (peer->fd >= 0) { (void)close(peer->fd); }
    if (peer->out_fd >= 0) { (void)close(peer->out_fd); }
    tpi_free(peer->out);
    memset(peer, 0, sizeof(*peer));
    peer->fd = -1;
    peer->out_fd = -1;
}

static void unlink_socket(const char *path)
{
    struct stat st;
    if (0 == lstat(path, &st) && S_ISSOCK(st.st_mode)) { (void)unlink(path); }
}

static int open_server(tpi_local_server_t **server, const char *path, mode_t mode, bool is_shared)
{
    struct sockaddr_un address;
    if (tpi_local_address_init(&address, path) < 0) { return -1; }
    tpi_local_server_t *const s = tpi_alloc(sizeof(*s));
    if (NULL == s) { return -1; }
    for (size_t i = 0; i < TPI_LOCAL_PEERS_MAX; i++) { s->peers[i].fd = s->peers[i].out_fd = -1; }
    s->is_shared = is_shared;
    memcpy(s->path, address.sun_path, sizeof(s->path));
    s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    unlink_socket(path);
    /* fchmod before bind sets the mode of the name (Linux): never a moment in which others could connect. */
    if (s->fd < 0 || fchmod(s->fd, 0600) < 0 || bind(s->fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
        (is_shared && chmod(path, mode) < 0) || listen(s->fd, 8) < 0)                        /* L-207 */
    {
        TPI_SET_ERR(TP_EIO, "socket %s cannot be opened: %s", path, strerror(errno));
        if (s->fd >= 0) { (void)close(s->fd); }
        tpi_free(s);
        return -1;
    }
    *server = s;
    return 0;
}

int tpi_local_server_open(tpi_local_server_t **server, const char *path) { return open_server(server, path, 0600, false); }

int tpi_local_server_open_shared(tpi_local_server_t **server, const char *path, mode_t mode) { return open_server(server, path, mode, true); }

static bool is_trusted(const tpi_local_server_t *server, int fd, pid_t *pid)
{
    struct ucred peer;
    if (!tpi_local_peer_of(fd, &peer)) { return false; }
    *pid = peer.pid;
    return server->is_shared || peer.uid == geteuid() || 0 == peer.uid;
}

/* On a shared socket the peer that is there for longest makes room: members of a group cannot keep each other out by holding on. */
static tpi_local_peer_t *free_slot(tpi_local_server_t *server)
{
    tpi_local_peer_t *oldest = &server->peers[0];
    for (size_t i = 0; i < TPI_LOCAL_PEERS_MAX; i++)
    {
        if (server->peers[i].fd < 0) { return &server->peers[i]; }
        if (server->peers[i].serial < oldest->serial) { oldest = &server->peers[i]; }
    }
    if (!server->is_shared) { return NULL; }
    server->counts.refused_full++;
    close_peer(oldest);
    return oldest;
}

static int accept_peers(tpi_local_server_t *server)
{
    int work = 0;
    for (; work < TPI_LOCAL_PEERS_MAX; work++)
    {
        pid_t pid = 0;
        const int fd = accept4(server->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) { break; }
        const bool trusted = is_trusted(server, fd, &pid);
        tpi_local_peer_t *const peer = trusted ? free_slot(server) : NULL;
        if (NULL == peer)
        {
            if (!trusted) { server->counts.refused_peer++; }
            else { server->counts.refused_full++; }
            (void)close(fd);
            continue;
        }
        peer->serial = ++server->counts.accepted;
        peer->fd = fd;
        if (NULL != server->waits) { tpi_wait_set_add(server->waits, fd); }
        peer->pid = pid;
    }
    return work;
}

/* Hands out one line, if there is a whole one. false: the peer broke the rules. */
static bool take_line(tpi_local_peer_t *peer, tpi_on_line_t on_line, void *clientd)
{
    char *const end = memchr(peer->line, '\n', peer->used);
    if (NULL == end) { return peer->used < sizeof(peer->line); }
    const size_t length = (size_t)(end - peer->line);
    *end = '\0';
    if (strlen(peer->line) != length) { return false; }
    on_line(clientd, peer, peer->line, length);
    if (peer->fd < 0) { return true; }
    peer->used -= length + 1;
    memmove(peer->line, end + 1, peer->used);
    return true;
}

/* One request at a time: the next one is looked at when the answer to the last one is gone, so that a peer can queue no work (trap P11). */
static int read_peer(tpi_local_server_t *server, tpi_local_peer_t *peer, tpi_on_line_t on_line, void *clientd)
{
    if (peer->out_sent != peer->out_length) { return 0; }
    if (NULL == memchr(peer->line, '\n', peer->used))
    {
        const ssize_t n = recv(peer->fd, peer->line + peer->used, sizeof(peer->line) - peer->used, MSG_DONTWAIT);
        if (n < 0 && (EAGAIN == errno || EWOULDBLOCK == errno || EINTR == errno)) { return 0; }
        if (n <= 0)
        {
            close_peer(peer);
            return 1;
        }
        peer->used += (size_t)n;
    }
    if (!take_line(peer, on_line, clientd))
    {
        server->counts.refused_line++;
        close_peer(peer);
    }
    return 1;
}

/* A descriptor goes with the first byte it can go with, and once. */
static ssize_t send_some(tpi_local_peer_t *peer)
{
    union { struct cmsghdr header; char room[CMSG_SPACE(sizeof(int))]; } control = { .room = { 0 } };
    struct iovec data = { .iov_base = peer->out + peer->out_sent, .iov_len = peer->out_length - peer->out_sent };
    struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1 };
    if (peer->out_fd >= 0)
    {
        message.msg_control = control.room;
        message.msg_controllen = sizeof(control.room);
        struct cmsghdr *const header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(header), &peer->out_fd, sizeof(int));
    }
    const ssize_t n = sendmsg(peer->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n > 0 && peer->out_fd >= 0)
    {
        (void)close(peer->out_fd);
        peer->out_fd = -1;
    }
    return n;
}

static int write_peer(tpi_local_peer_t *peer)
{
    if (peer->out_sent == peer->out_length) { return 0; }
    const ssize_t n = send_some(peer);
    if (n < 0)
    {
        if (EAGAIN != errno && EWOULDBLOCK != errno && EINTR != errno) { close_peer(peer); }
        return 0;
    }
    peer->out_sent += (size_t)n;
    if (peer->out_sent == peer->out_length) { peer->out_sent = peer->out_length = 0; }
    return 1;
}

int tpi_local_server_poll(tpi_local_server_t *server, tpi_on_line_t on_line, void *clientd)
{
    int work = accept_peers(server);
    for (size_t i = 0; i < TPI_LOCAL_PEERS_MAX; i++)
    {
        tpi_local_peer_t *const peer = &server->peers[i];
        if (peer->fd >= 0) { work += read_peer(server, peer, on_line, clientd); }
        if (peer->fd >= 0) { work += write_peer(peer); }
    }
    return work;
}

void tpi_local_server_watch(tpi_local_server_t *server, tpi_wait_set_t *set)
{
    server->waits = set;
    tpi_wait_set_add(set, server->fd);
}

const tpi_local_counts_t *tpi_local_server_counts(const tpi_local_server_t *server) { return &server->counts; }
pid_t tpi_local_peer_pid(const tpi_local_peer_t *peer) { return peer->pid; }

int tpi_local_peer_reply(tpi_local_peer_t *peer, const char *text, size_t length)
{
    if (peer->fd < 0)
    {
        TPI_SET_ERR(TP_ESTATE, "peer is gone");
        return -1;
    }
    const size_t total = peer->out_length + length + 1;
    char *const out = length > TPI_LOCAL_REPLY_MAX || total > TPI_LOCAL_REPLY_MAX ? NULL : tpi_alloc(total);
    if (NULL == out)
    {
        TPI_SET_ERR(TP_EFULL, "answers that wait for a peer have %zu bytes, at most %u are kept", total, TPI_LOCAL_REPLY_MAX);
        close_peer(peer);
        return -1;
    }
    if (peer->out_length > 0) { memcpy(out, peer->out, peer->out_length); }
    memcpy(out + peer->out_length, text, length);
    out[total - 1] = '\n';
    tpi_free(peer->out);
    peer->out = out;
    peer->out_length = total;
    return 0;
}

int tpi_local_peer_reply_with(tpi_local_peer_t *peer, const char *text, size_t length, int fd)
{
    if (peer->fd >= 0 && peer->out_fd >= 0)
    {
        TPI_SET_ERR(TP_EFULL, "a descriptor waits for the peer already");
        return -1;
    }
    const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (copy < 0)
    {
        TPI_SET_ERR(TP_ENOMEM, "descriptor cannot be kept for the peer: %s", strerror(errno));
        return -1;
    }
    if (tpi_local_peer_reply(peer, text, length) < 0)
    {
        (void)close(copy);
        return -1;
    }
    peer->out_fd = copy;
    return 0;
}

void tpi_local_server_close(tpi_local_server_t *server)
{
    if (NULL == server) { return; }
    for (size_t i = 0; i < TPI_LOCAL_PEERS_MAX; i++) { close_peer(&server->peers[i]); }
    (void)close(server->fd);
    unlink_socket(server->path);
    tpi_free(server);
}
