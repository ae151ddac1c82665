/*
 * A Unix domain socket that carries JSON lines between a service and tools of the same user: one request a line, one answer a line. Peers are
 * checked by their credentials: the own user and root only, but on a shared socket, where the mode of its name decides. An answer may carry one
 * descriptor. Nothing here waits, but for tpi_local_call, which tools use.
 */
#ifndef TPI_RUNTIME_LOCAL_SOCKET_H
#define TPI_RUNTIME_LOCAL_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "runtime/wait_set.h"

#define TPI_LOCAL_PEERS_MAX 8          /* at once; more are closed again, and counted */
#define TPI_LOCAL_LINE_MAX 4096        /* of a request, line end included */
#define TPI_LOCAL_REPLY_MAX (8u << 20)

typedef struct tpi_local_server tpi_local_server_t;
typedef struct tpi_local_peer tpi_local_peer_t;

/* line is terminated, without its line end. Called inside tpi_local_server_poll; answers with tpi_local_peer_reply. */
typedef void (*tpi_on_line_t)(void *clientd, tpi_local_peer_t *peer, const char *line, size_t length);

typedef struct tpi_local_counts
{
    uint64_t accepted;
    uint64_t refused_peer;             /* another user */
    uint64_t refused_full;
    uint64_t refused_line;             /* longer than TPI_LOCAL_LINE_MAX, or holding a zero byte: peer closed */
}
tpi_local_counts_t;

/*
 * Binds and listens, mode 0600. The caller owns the name (endpoint lock): what lies there is a leftover and is unlinked if it is a socket.
 * TP_EINVAL (path too long for a socket), TP_EIO.
 */
int tpi_local_server_open(tpi_local_server_t **server, const char *path);
/* The same with another mode: whoever the mode lets connect is served. For requests that such users may make. */
int tpi_local_server_open_shared(tpi_local_server_t **server, const char *path, mode_t mode);
/* Accepts, reads, calls, writes, as far as possible without waiting. Work done. */
int tpi_local_server_poll(tpi_local_server_t *server, tpi_on_line_t on_line, void *clientd);
/* Peers and what they send end waits on the set from now on. The set outlives the server. */
void tpi_local_server_watch(tpi_local_server_t *server, tpi_wait_set_t *set);
const tpi_local_counts_t *tpi_local_server_counts(const tpi_local_server_t *server);
void tpi_local_server_close(tpi_local_server_t *server);       /* unlinks the name; accepts NULL */

/* Appends text and a line end to what the peer gets. -1 with TP_EFULL: the peer is closed. */
int tpi_local_peer_reply(tpi_local_peer_t *peer, const char *text, size_t length);
/* The same with a descriptor, of which a copy is kept until it is sent. One at a time: TP_EFULL. */
int tpi_local_peer_reply_with(tpi_local_peer_t *peer, const char *text, size_t length, int fd);
pid_t tpi_local_peer_pid(const tpi_local_peer_t *peer);

/* Tools: sends one line, waits for one line. *reply is the caller's (tpi_free). The server has to run as this user or as root. */
int tpi_local_call(const char *path, const char *request, char **reply, int64_t timeout_ns);

/* ---- asking for a descriptor without waiting ------------------------------------------------------------------------------- */

typedef struct tpi_local_ask tpi_local_ask_t;

/*
 * Connects and sends one line. The server has to run as this user, as root, or as owner. TP_ENODRIVER (nobody is there, or everybody waits: try again
 * later), TP_EPERM, TP_EINVAL.
 */
int tpi_local_ask_start(tpi_local_ask_t **ask, const char *path, uid_t owner, const char *request);
/* 0 pending, 1 *fd is the caller's, -1 the server closed, or answered without a descriptor. After 1 and -1 the ask is used up, but not closed. */
int tpi_local_ask_poll(tpi_local_ask_t *ask, int *fd);
void tpi_local_ask_close(tpi_local_ask_t *ask);                /* accepts NULL */

#endif
