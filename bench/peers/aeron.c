/*
 * Bare Aeron IPC: an exclusive publication, a subscription for each consumer, a media driver of its own (one shared thread, backoff up to 1 ms as
 * shipped). Terms are as long as what is under way needs, term buffers are allocated and touched beforehand, the MTU is the largest there is. Up to
 * 65,472 bytes a frame is claimed and read in place; a longer one is copied in by offer and out by the fragment assembler, since Aeron has no other
 * way. Variant invoker: the client's conductor is called by the polling thread instead of having a thread that sleeps 16 ms.
 */
#include <aeronc.h>
#include <aeronmd.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "peers/daemon.h"
#include "peers/peer.h"

#define MTU 65504
#define MAX_PAYLOAD (MTU - 32)
#define FRAME_ALIGNMENT 32
#define TERM_MIN (UINT64_C(4) << 20)
#define TERM_MAX (UINT64_C(1) << 30)
#define TERM_FRAMES 32                 /* what a publisher may be ahead is half a term, and moves once a millisecond at worst */
#define PATIENCE_S 20
#define POLL_LIMIT 10
#define TURNS_A_CONDUCTOR 64

typedef struct aeron_role
{
    aeron_exclusive_publication_t *publication;
    aeron_buffer_claim_t claim;
    uint8_t *frame;                    /* of those too long for a claim */
    size_t length;                     /* of the frame under way */
    aeron_subscription_t *subscription;
    aeron_fragment_assembler_t *assembler;
    peer_on_frame_t on_frame;
    void *clientd;
    unsigned turns;
}
aeron_role_t;

static const char *const variants[] = { "invoker", NULL };
static char directory[512];
static aeron_context_t *context;       /* of this process */
static aeron_t *client;
static int roles;
static bool invokes;

static int say(const char *what)
{
    (void)fprintf(stderr, "%s: %s\n", what, aeron_errmsg());
    return -1;
}

/* ---- the media driver ---- */

static int run_driver(void)
{
    aeron_driver_context_t *how = NULL;
    aeron_driver_t *driver = NULL;
    sigset_t end;
    int number;
    (void)sigemptyset(&end);
    (void)sigaddset(&end, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &end, NULL);
    if (aeron_driver_context_init(&how) < 0 || aeron_driver_context_set_dir(how, directory) < 0 ||
        aeron_driver_context_set_dir_delete_on_start(how, true) < 0 || aeron_driver_context_set_dir_delete_on_shutdown(how, true) < 0 ||
        aeron_driver_context_set_threading_mode(how, AERON_THREADING_MODE_SHARED) < 0 ||
        aeron_driver_context_set_term_buffer_sparse_file(how, false) < 0 || aeron_driver_context_set_ipc_mtu_length(how, MTU) < 0 ||
        aeron_driver_init(&driver, how) < 0 || aeron_driver_start(driver, false) < 0)
    {
        (void)say("media driver");
        return 1;
    }
    (void)puts("ready");
    (void)fflush(stdout);
    (void)sigwait(&end, &number);
    (void)aeron_driver_close(driver);
    (void)aeron_driver_context_close(how);
    return 0;
}

static int prepare(const peer_options_t *options)
{
    static const peer_daemon_t driver = { "Aeron's media driver", "ready", run_driver, NULL };
    (void)snprintf(directory, sizeof(directory), "%s/aeron", options->dir);
    return peer_daemon_start(&driver);
}

/* ---- roles ---- */

static int open_client(const peer_options_t *options)
{
    roles++;
    if (NULL != client) { return 0; }
    invokes = 0 == strcmp(options->option, "invoker");
    if (aeron_context_init(&context) < 0 || aeron_context_set_dir(context, directory) < 0 ||
        aeron_context_set_use_conductor_agent_invoker(context, invokes) < 0 || aeron_init(&client, context) < 0 || aeron_start(client) < 0)
    {
        return say("client");
    }
    return 0;
}

static void work(void)
{
    if (invokes) { (void)aeron_main_do_work(client); }
    else { (void)sched_yield(); }
}

static void close_role(void *role)
{
    aeron_role_t *const r = role;
    if (NULL != r->publication) { (void)aeron_exclusive_publication_close(r->publication, NULL, NULL); }
    if (NULL != r->subscription) { (void)aeron_subscription_close(r->subscription, NULL, NULL); }
    if (NULL != r->assembler) { (void)aeron_fragment_assembler_delete(r->assembler); }
    free(r->frame);
    free(r);
    if (0 != --roles) { return; }
    if (NULL != client) { (void)aeron_close(client); }
    if (NULL != context) { (void)aeron_context_close(context); }
    client = NULL;
    context = NULL;
}

static uint64_t term_length(const peer_options_t *options)
{
    const uint64_t frame = (options->size + 2 * FRAME_ALIGNMENT - 1) / FRAME_ALIGNMENT * FRAME_ALIGNMENT;
    const uint64_t frames = 2 * options->depth > TERM_FRAMES ? 2 * options->depth : TERM_FRAMES;
    uint64_t length = TERM_MIN;
    while (length < frames * frame && length < TERM_MAX) { length *= 2; }
    return length;
}

static int open_producer(void **producer, const peer_options_t *options)
{
    char channel[64];
    aeron_async_add_exclusive_publication_t *adding = NULL;
    const time_t end = time(NULL) + PATIENCE_S;
    aeron_role_t *const r = calloc(1, sizeof(*r));
    if (NULL == r) { return -1; }
    int rc = open_client(options);
    (void)snprintf(channel, sizeof(channel), "aeron:ipc?term-length=%llu", (unsigned long long)term_length(options));
    if (0 == rc && options->size > MAX_PAYLOAD) { rc = 0 == posix_memalign((void **)&r->frame, 4096, options->size) ? 0 : -1; }
    if (0 == rc) { rc = aeron_async_add_exclusive_publication(&adding, client, channel, (int32_t)options->stream_id); }
    while (0 == rc && time(NULL) < end)
    {
        rc = aeron_async_add_exclusive_publication_poll(&r->publication, adding);
        work();
    }
    if (1 == rc) { *producer = r; return 0; }
    close_role(r);
    return say("publication");
}

static void on_fragment(void *clientd, const uint8_t *buffer, size_t length, aeron_header_t *header)
{
    const aeron_role_t *const r = clientd;
    (void)header;
    r->on_frame(r->clientd, buffer, length);
}

static int open_consumer(void **consumer, const peer_options_t *options)
{
    aeron_async_add_subscription_t *adding = NULL;
    const time_t end = time(NULL) + PATIENCE_S;
    aeron_role_t *const r = calloc(1, sizeof(*r));
    if (NULL == r) { return -1; }
    int rc = open_client(options);
    if (0 == rc && options->size > MAX_PAYLOAD) { rc = aeron_fragment_assembler_create(&r->assembler, on_fragment, r); }
    if (0 == rc) { rc = aeron_async_add_subscription(&adding, client, "aeron:ipc", (int32_t)options->stream_id, NULL, NULL, NULL, NULL); }
    while (0 == rc && time(NULL) < end)
    {
        rc = aeron_async_add_subscription_poll(&r->subscription, adding);
        work();
    }
    if (1 == rc) { *consumer = r; return 0; }
    close_role(r);
    return say("subscription");
}

/* Not yet: nobody is connected, no room, the next term begins. */
static bool is_to_be_tried_again(int64_t position)
{
    return AERON_PUBLICATION_NOT_CONNECTED == position || AERON_PUBLICATION_BACK_PRESSURED == position || AERON_PUBLICATION_ADMIN_ACTION == position;
}

static void *claim(void *producer, size_t length)
{
    aeron_role_t *const r = producer;
    r->length = length;
    if (length > MAX_PAYLOAD) { return r->frame; }
    if (aeron_exclusive_publication_try_claim(r->publication, length, &r->claim) >= 0) { return r->claim.data; }
    work();
    return NULL;
}

static int commit(void *producer)
{
    aeron_role_t *const r = producer;
    int64_t position = 0;
    if (r->length <= MAX_PAYLOAD) { return aeron_buffer_claim_commit(&r->claim); }
    do { position = aeron_exclusive_publication_offer(r->publication, r->frame, r->length, NULL, NULL); }
    while (AERON_PUBLICATION_NOT_CONNECTED != position && is_to_be_tried_again(position));
    return position >= 0 || AERON_PUBLICATION_NOT_CONNECTED == position ? 0 : say("offer");
}

static int poll_some(void *consumer, peer_on_frame_t on_frame, void *clientd)
{
    aeron_role_t *const r = consumer;
    r->on_frame = on_frame;
    r->clientd = clientd;
    if (invokes && 0 == ++r->turns % TURNS_A_CONDUCTOR) { work(); }
    return NULL != r->assembler ? aeron_subscription_poll(r->subscription, aeron_fragment_assembler_handler, r->assembler, 4096) :
        aeron_subscription_poll(r->subscription, on_fragment, r, POLL_LIMIT);
}

const peer_system_t peer_system = { .name = "aeron", .variants = variants, .prepare = prepare, .finish = peer_daemon_end,
    .open_producer = open_producer, .close_producer = close_role, .open_consumer = open_consumer, .close_consumer = close_role, .claim = claim,
    .commit = commit, .poll = poll_some };
