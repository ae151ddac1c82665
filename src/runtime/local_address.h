/* What both ends of a local socket do with its name and with who is at the other end. */
#ifndef TPI_RUNTIME_LOCAL_ADDRESS_H
#define TPI_RUNTIME_LOCAL_ADDRESS_H

#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/err.h"

/* 0, or -1: TP_EINVAL, path is too long. */
static inline int tpi_local_address_init(struct sockaddr_un *address, const char *path)
{
    const size_t length = strlen(path);
    *address = (struct sockaddr_un){ .sun_family = AF_UNIX };
    if (length >= sizeof(address->sun_path))
    {
        TPI_SET_ERR(TP_EINVAL, "socket path %s has %zu bytes, at most %zu are possible", path, length, sizeof(address->sun_path) - 1);
        return -1;
    }
    memcpy(address->sun_path, path, length + 1);
    return 0;
}

/* The process at the other end, as it was when it connected or listened. */
static inline bool tpi_local_peer_of(int fd, struct ucred *peer)
{
    socklen_t length = sizeof(*peer);
    return 0 == getsockopt(fd, SOL_SOCKET, SO_PEERCRED, peer, &length);
}

#endif
