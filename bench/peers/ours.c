/*
 * This library, as an application uses it: the driver is found as every client finds it (bench/suite starts one), the client has its thread,
 * frames are polled. Variants: traced; follow (the ring without descriptors and without a lease).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tensor_pool/tp.h>

#include "peers/peer.h"

typedef struct ours
{
    tp_producer_t *producer;
    tp_tensor_template_t *tensor;
    tp_buffer_claim_t claim;
    tp_consumer_t *consumer;
    peer_on_frame_t on_frame;
    void *clientd;
}
ours_t;

/* Of this process, closed with the last of its users: the media driver would keep one that only ended for ten seconds, as it has to. */
static tp_client_t *client;
static unsigned users;
static const char *const variants[] = { "traced", "follow", NULL };

static int say(const char *what)
{
    char text[1024];
    (void)tp_err_format(text, sizeof(text));
    (void)fprintf(stderr, "%s\n%s\n", what, text);
    return -1;
}

static bool is_variant(const peer_options_t *options, const char *word) { return 0 == strcmp(options->option, word); }

static int open_client(void)
{
    if (NULL == client && tp_connect(&client, NULL) < 0) { return say("no client"); }
    users++;
    return 0;
}

static void close_client(void)
{
    if (--users > 0) { return; }
    tp_client_close(client);
    client = NULL;
}

static void close_producer(void *producer)
{
    ours_t *const o = producer;
    tp_producer_close(o->producer);
    tp_tensor_template_close(o->tensor);
    close_client();
    free(o);
}

static int open_producer(void **producer, const peer_options_t *options)
{
    const int32_t bytes = (int32_t)options->size;
    ours_t *const o = calloc(1, sizeof(*o));
    if (NULL == o || open_client() < 0) { free(o); return -1; }
    if (tp_producer_open(&o->producer, client, options->stream_id) < 0 ||
        tp_tensor_template_init(&o->tensor, TP_DTYPE_UINT8, TP_ROW_MAJOR, 1, &bytes) < 0 ||
        tp_producer_set_trace(o->producer, is_variant(options, "traced")) < 0)
    {
        close_producer(o);
        return say("no producer");
    }
    *producer = o;
    return 0;
}

static void *claim(void *producer, size_t length)
{
    ours_t *const o = producer;
    (void)length;                      /* the template says it */
    return tp_producer_try_claim(o->producer, o->tensor, &o->claim) < 0 ? NULL : o->claim.payload;
}

static int commit(void *producer)
{
    ours_t *const o = producer;
    const int64_t seq = tp_producer_commit_claim(o->producer, &o->claim, NULL);
    return seq < 0 && TP_NOT_CONNECTED != seq && TP_BACK_PRESSURED != seq ? -1 : 0;      /* both are committed: the ring has them */
}

static void on_view(void *clientd, const tp_frame_view_t *view)
{
    const ours_t *const o = clientd;
    o->on_frame(o->clientd, view->payload, view->payload_bytes);
}

static void close_consumer(void *consumer)
{
    ours_t *const o = consumer;
    tp_consumer_close(o->consumer);
    close_client();
    free(o);
}

static int make_consumer(tp_consumer_t **consumer, const peer_options_t *options)
{
    tp_consumer_context_t *context = NULL;
    int rc = tp_consumer_context_init(&context);
    if (0 == rc) { rc = tp_consumer_context_set_stream_id(context, options->stream_id); }
    if (0 == rc) { rc = tp_consumer_context_set_follow_ring(context, is_variant(options, "follow")); }
    if (0 == rc) { rc = tp_consumer_init(consumer, client, context); }
    tp_consumer_context_close(context);
    return rc;
}

static int open_consumer(void **consumer, const peer_options_t *options)
{
    ours_t *const o = calloc(1, sizeof(*o));
    if (NULL == o || open_client() < 0) { free(o); return -1; }
    if (make_consumer(&o->consumer, options) < 0 || tp_consumer_set_frame_handler(o->consumer, on_view, o) < 0)
    {
        close_consumer(o);
        return say("no consumer");
    }
    *consumer = o;
    return 0;
}

static int poll_frames(void *consumer, peer_on_frame_t on_frame, void *clientd)
{
    ours_t *const o = consumer;
    o->on_frame = on_frame;
    o->clientd = clientd;
    return tp_consumer_poll_descriptors(o->consumer, 10);
}

static int wait_frame(void *consumer, peer_on_frame_t on_frame, void *clientd, int64_t timeout_ns)
{
    const ours_t *const o = consumer;
    tp_frame_view_t view;
    const int rc = tp_consumer_next(o->consumer, &view, timeout_ns);
    if (1 == rc) { on_frame(clientd, view.payload, view.payload_bytes); }
    return rc;
}

const peer_system_t peer_system = { .name = "ours", .variants = variants, .open_producer = open_producer, .close_producer = close_producer,
    .open_consumer = open_consumer, .close_consumer = close_consumer, .claim = claim, .commit = commit, .poll = poll_frames,
    .wait = wait_frame };
