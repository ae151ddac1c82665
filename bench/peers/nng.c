/*
 * nng: pub0 and sub0 over ipc:// (a Unix domain socket below the run's directory), its threads as by default, buffers of twice the depth on both
 * sides, so that nothing is dropped. A frame is filled in the message that is sent and read in the message that was received.
 */
#include <nng/nng.h>
#include <nng/protocol/pubsub0/pub.h>
#include <nng/protocol/pubsub0/sub.h>
#include <stdio.h>
#include <stdlib.h>

#include "peers/peer.h"

#define BUFFER_MAX 8192                /* most messages that nng keeps */
#define CONSUMERS_MOST 20              /* with 32 subscribers in one process a run did not get through within five minutes, on two busy CPUs */

typedef struct nng_role
{
    nng_socket socket;
    nng_msg *message;
}
nng_role_t;

static int say(const char *what, int code)
{
    (void)fprintf(stderr, "%s: %s\n", what, nng_strerror(code));
    return -1;
}

static int prepare(const peer_options_t *options)
{
    if (options->consumers <= CONSUMERS_MOST) { return 0; }
    (void)fprintf(stderr, "nng is not measured with more than %d consumers in one process: it did not get through\n", CONSUMERS_MOST);
    exit(PEER_NOT_HERE);
}

static void close_role(void *role)
{
    nng_role_t *const r = role;
    if (NULL != r->message) { nng_msg_free(r->message); }
    (void)nng_close(r->socket);
    free(r);
}

static int open_role(void **role, const peer_options_t *options, bool publishes)
{
    const int buffer = 2 * options->depth < BUFFER_MAX ? (int)(2 * options->depth) : BUFFER_MAX;
    char address[256];
    nng_role_t *const r = calloc(1, sizeof(*r));
    if (NULL == r) { return -1; }
    int rc = publishes ? nng_pub0_open(&r->socket) : nng_sub0_open(&r->socket);
    if (0 != rc) { free(r); return say("no socket", rc); }
    (void)snprintf(address, sizeof(address), "ipc://%s/nng-%u", options->dir, options->stream_id);
    if (publishes) { rc = nng_socket_set_int(r->socket, NNG_OPT_SENDBUF, buffer); }
    else
    {
        rc = nng_socket_set_int(r->socket, NNG_OPT_RECVBUF, buffer);
        if (0 == rc) { rc = nng_socket_set_size(r->socket, NNG_OPT_RECVMAXSZ, 0); }
        if (0 == rc) { rc = nng_socket_set(r->socket, NNG_OPT_SUB_SUBSCRIBE, "", 0); }
        if (0 == rc) { rc = nng_socket_set_ms(r->socket, NNG_OPT_RECONNMINT, 1); }     /* the publisher may come second */
    }
    if (0 == rc) { rc = publishes ? nng_listen(r->socket, address, NULL, 0) : nng_dial(r->socket, address, NULL, NNG_FLAG_NONBLOCK); }
    if (0 != rc) { (void)say(address, rc); close_role(r); return -1; }
    *role = r;
    return 0;
}

static int open_producer(void **producer, const peer_options_t *options) { return open_role(producer, options, true); }
static int open_consumer(void **consumer, const peer_options_t *options) { return open_role(consumer, options, false); }

static void *claim(void *producer, size_t length)
{
    nng_role_t *const r = producer;
    return NULL == r->message && 0 == nng_msg_alloc(&r->message, length) ? nng_msg_body(r->message) : NULL;
}

static int commit(void *producer)
{
    nng_role_t *const r = producer;
    const int rc = nng_sendmsg(r->socket, r->message, 0);
    if (0 != rc) { return say("send", rc); }
    r->message = NULL;
    return 0;
}

static int receive(const nng_role_t *r, int flags, peer_on_frame_t on_frame, void *clientd)
{
    nng_msg *message = NULL;
    const int rc = nng_recvmsg(r->socket, &message, flags);
    if (0 != rc) { return NNG_EAGAIN == rc || NNG_ETIMEDOUT == rc ? 0 : say("receive", rc); }
    on_frame(clientd, nng_msg_body(message), nng_msg_len(message));
    nng_msg_free(message);
    return 1;
}

static int poll_one(void *consumer, peer_on_frame_t on_frame, void *clientd) { return receive(consumer, NNG_FLAG_NONBLOCK, on_frame, clientd); }

static int wait_one(void *consumer, peer_on_frame_t on_frame, void *clientd, int64_t timeout_ns)
{
    const nng_role_t *const r = consumer;
    (void)nng_socket_set_ms(r->socket, NNG_OPT_RECVTIMEO, (nng_duration)(timeout_ns / 1000000));
    return receive(r, 0, on_frame, clientd);
}

const peer_system_t peer_system = { .name = "nng", .prepare = prepare, .open_producer = open_producer, .close_producer = close_role,
    .open_consumer = open_consumer, .close_consumer = close_role, .claim = claim, .commit = commit, .poll = poll_one, .wait = wait_one };
