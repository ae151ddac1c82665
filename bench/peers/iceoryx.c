/*
 * iceoryx 2.0.3 by its C binding: frames are loaned, published, taken and released in place. RouDi, its daemon, has one pool of frames of this size,
 * enough for all that are under way; it sleeps meanwhile. Queues hold at most 256 frames, nothing is kept for late subscribers. RouDi's names are the
 * same for the whole machine: there can be only one. It does not watch for signs of life: a process whose threads wait for a busy CPU would be
 * taken for dead, and lose its ports.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include <iceoryx_binding_c/chunk.h>
#include <iceoryx_binding_c/enums.h>
#include <iceoryx_binding_c/log.h>
#include <iceoryx_binding_c/publisher.h>
#include <iceoryx_binding_c/runtime.h>
#include <iceoryx_binding_c/subscriber.h>
#include <iceoryx_binding_c/wait_set.h>

#include "peers/daemon.h"
#include "peers/peer.h"

#define QUEUE_MAX 256
#define SPARE_CHUNKS 16
#define POLL_LIMIT 10
#define LOCK "/tmp/roudi.lock"

typedef struct iox_role
{
    iox_pub_storage_t publisher_storage;
    iox_sub_storage_t subscriber_storage;
    iox_pub_t publisher;
    iox_sub_t subscriber;
    iox_ws_storage_t waitset_storage;
    iox_ws_t waitset;                  /* of a subscriber that sleeps */
    void *loaned;
    size_t length;                     /* of every frame: the binding does not tell it */
}
iox_role_t;

static char config[512];
static pid_t run_pid;                  /* of the first process: part of all names */
static int roles;                      /* of this process */

/* ---- RouDi ---- */

static int run_roudi(void)
{
    (void)execlp("iox-roudi", "iox-roudi", "-c", config, "-l", "error", "-m", "off", (char *)NULL);
    (void)fprintf(stderr, "iox-roudi: %s\n", strerror(errno));
    return 1;
}

/* Sockets of processes that were killed, and segments of a RouDi that was: they are named after the user's group. */
static void remove_files(void)
{
    char pattern[64];
    glob_t found;
    const struct group *const group = getgrgid(getegid());
    (void)shm_unlink("/iceoryx_mgmt");
    if (NULL != group)
    {
        (void)snprintf(pattern, sizeof(pattern), "/%.60s", group->gr_name);
        (void)shm_unlink(pattern);
    }
    (void)snprintf(pattern, sizeof(pattern), "/tmp/tp-bench-%ld-*", (long)run_pid);
    (void)unlink(config);
    if (0 != glob(pattern, 0, NULL, &found)) { return; }
    for (size_t i = 0; i < found.gl_pathc; i++) { (void)unlink(found.gl_pathv[i]); }
    globfree(&found);
}

static int write_config(const peer_options_t *options)
{
    (void)snprintf(config, sizeof(config), "%s/roudi.toml", options->dir);
    FILE *const file = fopen(config, "we");
    if (NULL == file) { perror(config); return -1; }
    (void)fprintf(file, "[general]\nversion = 1\n[[segment]]\n[[segment.mempool]]\nsize = %zu\ncount = %u\n", options->size,
        2 * options->depth + SPARE_CHUNKS);
    return 0 == fclose(file) ? 0 : -1;
}

static bool another_runs(void)
{
    const int fd = open(LOCK, O_RDWR | O_CLOEXEC);
    const bool held = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0;
    if (fd >= 0) { (void)close(fd); }
    return held;
}

static int prepare(const peer_options_t *options)
{
    static const peer_daemon_t roudi = { "iox-roudi", "RouDi is ready for clients", run_roudi, remove_files };
    if (another_runs())
    {
        (void)fprintf(stderr, "a RouDi runs already, with pools of its own\n");
        exit(PEER_NOT_HERE);
    }
    run_pid = getpid();
    return write_config(options) < 0 ? -1 : peer_daemon_start(&roudi);
}

/* ---- roles ---- */

static iox_role_t *make_role(const peer_options_t *options)
{
    char name[64];
    iox_role_t *const r = calloc(1, sizeof(*r));
    if (NULL == r) { return NULL; }
    r->length = options->size;
    if (0 != roles++) { return r; }
    (void)snprintf(name, sizeof(name), "tp-bench-%ld-%ld", (long)run_pid, (long)getpid());
    iox_set_loglevel(Iceoryx_LogLevel_Error);
    iox_runtime_init(name);
    return r;
}

static void close_role(void *role)
{
    iox_role_t *const r = role;
    if (NULL != r->loaned) { iox_pub_release_chunk(r->publisher, r->loaned); }
    if (NULL != r->publisher) { iox_pub_deinit(r->publisher); }
    if (NULL != r->waitset)
    {
        iox_ws_detach_subscriber_event(r->waitset, r->subscriber, SubscriberEvent_DATA_RECEIVED);
        iox_ws_deinit(r->waitset);
    }
    if (NULL != r->subscriber) { iox_sub_deinit(r->subscriber); }
    free(r);
    roles--;                           /* the runtime ends with the process */
}

static int open_producer(void **producer, const peer_options_t *options)
{
    char instance[32];
    iox_pub_options_t how;
    iox_role_t *const r = make_role(options);
    if (NULL == r) { return -1; }
    iox_pub_options_init(&how);
    how.historyCapacity = 0;
    (void)snprintf(instance, sizeof(instance), "%u", options->stream_id);
    r->publisher = iox_pub_init(&r->publisher_storage, "tp-bench", instance, "frames", &how);
    if (NULL == r->publisher) { (void)fprintf(stderr, "no publisher\n"); close_role(r); return -1; }
    *producer = r;
    return 0;
}

static int open_consumer(void **consumer, const peer_options_t *options)
{
    char instance[32];
    iox_sub_options_t how;
    iox_role_t *const r = make_role(options);
    if (NULL == r) { return -1; }
    iox_sub_options_init(&how);
    how.historyRequest = 0;
    how.queueCapacity = options->depth < QUEUE_MAX ? options->depth : QUEUE_MAX;
    (void)snprintf(instance, sizeof(instance), "%u", options->stream_id);
    r->subscriber = iox_sub_init(&r->subscriber_storage, "tp-bench", instance, "frames", &how);
    if (NULL == r->subscriber) { (void)fprintf(stderr, "no subscriber\n"); close_role(r); return -1; }
    if (options->sleeps)
    {
        r->waitset = iox_ws_init(&r->waitset_storage);
        (void)iox_ws_attach_subscriber_event(r->waitset, r->subscriber, SubscriberEvent_DATA_RECEIVED, 0, NULL);
    }
    *consumer = r;
    return 0;
}

static void *claim(void *producer, size_t length)
{
    iox_role_t *const r = producer;
    const enum iox_AllocationResult rc = NULL != r->loaned || length > r->length ? AllocationResult_UNDEFINED_ERROR :
        iox_pub_loan_chunk(r->publisher, &r->loaned, (uint32_t)length);
    return AllocationResult_SUCCESS == rc ? r->loaned : NULL;
}

static int commit(void *producer)
{
    iox_role_t *const r = producer;
    iox_pub_publish_chunk(r->publisher, r->loaned);
    r->loaned = NULL;
    return 0;
}

static int poll_some(void *consumer, peer_on_frame_t on_frame, void *clientd)
{
    const iox_role_t *const r = consumer;
    const void *payload = NULL;
    int frames = 0;
    while (frames < POLL_LIMIT && ChunkReceiveResult_SUCCESS == iox_sub_take_chunk(r->subscriber, &payload))
    {
        on_frame(clientd, payload, r->length);
        iox_sub_release_chunk(r->subscriber, payload);
        frames++;
    }
    return frames;
}

static int wait_some(void *consumer, peer_on_frame_t on_frame, void *clientd, int64_t timeout_ns)
{
    const iox_role_t *const r = consumer;
    const struct timespec timeout = { timeout_ns / 1000000000, timeout_ns % 1000000000 };
    iox_notification_info_t why = NULL;
    uint64_t missed = 0;
    const int frames = poll_some(consumer, on_frame, clientd);
    if (0 != frames) { return frames; }
    (void)iox_ws_timed_wait(r->waitset, timeout, &why, 1, &missed);
    return poll_some(consumer, on_frame, clientd);
}

const peer_system_t peer_system = { .name = "iceoryx", .prepare = prepare, .finish = peer_daemon_end, .open_producer = open_producer,
    .close_producer = close_role, .open_consumer = open_consumer, .close_consumer = close_role, .claim = claim, .commit = commit,
    .poll = poll_some, .wait = wait_some };
