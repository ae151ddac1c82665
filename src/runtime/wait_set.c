/* Owns an epoll instance and an eventfd in it. Edges only: a descriptor that has told its news keeps quiet until there are others. */
#include "runtime/wait_set.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/err.h"

#define EVENTS 16

struct tpi_wait_set
{
    int epoll_fd;
    int bell_fd;
};

int tpi_wait_set_create(tpi_wait_set_t **set)
{
    tpi_wait_set_t *const made = tpi_alloc(sizeof(*made));
    if (NULL == made) { return -1; }
    made->bell_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    made->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (made->bell_fd < 0 || made->epoll_fd < 0)
    {
        TPI_SET_ERR(TP_EIO, "no descriptors to wait on: %s", strerror(errno));
        tpi_wait_set_close(made);
        return -1;
    }
    tpi_wait_set_add(made, made->bell_fd);
    *set = made;
    return 0;
}

void tpi_wait_set_add(tpi_wait_set_t *set, int fd)
{
    struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.fd = fd };
    if (set->bell_fd == fd) { event.events = EPOLLIN | EPOLLET; }
    (void)epoll_ctl(set->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

void tpi_wait_set_ring(tpi_wait_set_t *set)
{
    const uint64_t once = 1;
    if (NULL == set) { return; }
    if (write(set->bell_fd, &once, sizeof(once)) < 0)          /* full after 2^64 rings: read, so that it can ring again */
    {
        uint64_t rings;
        if (read(set->bell_fd, &rings, sizeof(rings)) > 0 && write(set->bell_fd, &once, sizeof(once)) < 0) { return; }
    }
}

void tpi_wait_set_wait(tpi_wait_set_t *set, int64_t timeout_ns)
{
    struct pollfd one = { .fd = set->epoll_fd, .events = POLLIN };
    const struct timespec timeout = { (time_t)(timeout_ns / 1000000000), (long)(timeout_ns % 1000000000) };
    if (timeout_ns > 0) { (void)ppoll(&one, 1, &timeout, NULL); }
}

bool tpi_wait_set_take(tpi_wait_set_t *set)
{
    struct epoll_event events[EVENTS];
    bool any = false;
    for (int round = 0; round < EVENTS; round++)
    {
        const int n = epoll_wait(set->epoll_fd, events, EVENTS, 0);
        any = any || n > 0;
        if (n < EVENTS) { break; }
    }
    return any;
}

int tpi_wait_set_fd(const tpi_wait_set_t *set) { return NULL == set ? -1 : set->epoll_fd; }

void tpi_wait_set_close(tpi_wait_set_t *set)
{
    if (NULL == set) { return; }
    if (set->bell_fd >= 0) { (void)close(set->bell_fd); }
    if (set->epoll_fd >= 0) { (void)close(set->epoll_fd); }
    tpi_free(set);
}
