/*
 * ZeroMQ: PUB and SUB over ipc:// (a Unix domain socket below the run's directory), one I/O thread a process as by default, no high-water mark, so
 * that nothing is dropped. A frame is filled in the message that is sent and read in the message that was received: the library copies nothing of
 * ours, the kernel twice.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <zmq.h>

#include "peers/peer.h"

typedef struct zeromq_role
{
    void *socket;
    zmq_msg_t message;
    bool claimed;
}
zeromq_role_t;

static void *context;                  /* of this process */
static int sockets;

static int say(const char *what)
{
    (void)fprintf(stderr, "%s: %s\n", what, zmq_strerror(zmq_errno()));
    return -1;
}

static void close_role(void *role)
{
    zeromq_role_t *const r = role;
    if (r->claimed) { (void)zmq_msg_close(&r->message); }
    if (NULL != r->socket && 0 == zmq_close(r->socket)) { sockets--; }
    free(r);
    if (0 != sockets || NULL == context) { return; }
    (void)zmq_ctx_term(context);
    context = NULL;
}

static int open_role(void **role, const peer_options_t *options, int type)
{
    const int none = 0;
    char address[256];
    zeromq_role_t *const r = calloc(1, sizeof(*r));
    if (NULL == r) { return -1; }
    if (NULL == context) { context = zmq_ctx_new(); }
    if (NULL != context) { r->socket = zmq_socket(context, type); }
    if (NULL == r->socket) { (void)say("no socket"); close_role(r); return -1; }
    sockets++;
    (void)snprintf(address, sizeof(address), "ipc://%s/zeromq-%u", options->dir, options->stream_id);
    int rc = zmq_setsockopt(r->socket, ZMQ_LINGER, &none, sizeof(none));
    if (0 == rc) { rc = zmq_setsockopt(r->socket, ZMQ_PUB == type ? ZMQ_SNDHWM : ZMQ_RCVHWM, &none, sizeof(none)); }
    if (0 == rc && ZMQ_SUB == type) { rc = zmq_setsockopt(r->socket, ZMQ_SUBSCRIBE, "", 0); }
    if (0 == rc) { rc = ZMQ_PUB == type ? zmq_bind(r->socket, address) : zmq_connect(r->socket, address); }
    if (0 != rc) { (void)say(address); close_role(r); return -1; }
    *role = r;
    return 0;
}

static int open_producer(void **producer, const peer_options_t *options) { return open_role(producer, options, ZMQ_PUB); }
static int open_consumer(void **consumer, const peer_options_t *options) { return open_role(consumer, options, ZMQ_SUB); }

static void *claim(void *producer, size_t length)
{
    zeromq_role_t *const r = producer;
    if (r->claimed || 0 != zmq_msg_init_size(&r->message, length)) { return NULL; }
    r->claimed = true;
    return zmq_msg_data(&r->message);
}

static int commit(void *producer)
{
    zeromq_role_t *const r = producer;
    if (zmq_msg_send(&r->message, r->socket, 0) < 0) { return say("send"); }
    r->claimed = false;
    return 0;
}

static int poll_one(void *consumer, peer_on_frame_t on_frame, void *clientd)
{
    const zeromq_role_t *const r = consumer;
    zmq_msg_t message;
    (void)zmq_msg_init(&message);
    const int length = zmq_msg_recv(&message, r->socket, ZMQ_DONTWAIT);
    if (length >= 0) { on_frame(clientd, zmq_msg_data(&message), (size_t)length); }
    const int rc = length >= 0 ? 1 : EAGAIN == zmq_errno() ? 0 : say("receive");
    (void)zmq_msg_close(&message);
    return rc;
}

static int wait_one(void *consumer, peer_on_frame_t on_frame, void *clientd, int64_t timeout_ns)
{
    const zeromq_role_t *const r = consumer;
    zmq_pollitem_t item = { r->socket, 0, ZMQ_POLLIN, 0 };
    const int rc = zmq_poll(&item, 1, (long)(timeout_ns / 1000000));
    return rc > 0 ? poll_one(consumer, on_frame, clientd) : rc < 0 ? say("poll") : 0;
}

const peer_system_t peer_system = { .name = "zeromq", .open_producer = open_producer, .close_producer = close_role, .open_consumer = open_consumer,
    .close_consumer = close_role, .claim = claim, .commit = commit, .poll = poll_one,
    .wait = wait_one };
