/*
 * The floor: two cache lines between two processes, one with the payload, one with its number. No system can be faster. A sleeper waits on a raw
 * futex that every commit wakes.
 */
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "peers/peer.h"

#define PAGE 4096

typedef struct floor_line
{
    _Alignas(128) _Atomic uint64_t seq;
    _Alignas(128) uint8_t payload[];
}
floor_line_t;

static struct
{
    _Atomic uint32_t *word;            /* of the futex, before the lines */
    bool sleeps;
    uint8_t *lines;
    size_t stride;
    size_t length;
    uint32_t depth;
    uint64_t written;                  /* of the process of the producer */
    uint64_t read;                     /* of that of the consumer */
}
ring;

static floor_line_t *line_at(uint64_t seq) { return (floor_line_t *)(void *)(ring.lines + seq % ring.depth * ring.stride); }

static int prepare(const peer_options_t *options)
{
    ring.length = options->size;
    ring.depth = options->depth;
    ring.stride = (sizeof(floor_line_t) + options->size + 127) / 128 * 128;
    ring.sleeps = options->sleeps;
    if (options->consumers > 1)
    {
        (void)fprintf(stderr, "the floor has one consumer\n");
        exit(PEER_NOT_HERE);
    }
    uint8_t *const memory = mmap(NULL, ring.stride * ring.depth + PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (MAP_FAILED == (void *)memory) { perror("mmap"); return -1; }
    ring.word = (_Atomic uint32_t *)(void *)memory;
    ring.lines = memory + PAGE;
    return 0;
}

static int open_role(void **role, const peer_options_t *options)
{
    (void)options;
    *role = &ring;
    return 0;
}

static void close_role(void *role) { (void)role; }

static void *claim_line(void *producer, size_t length)
{
    (void)producer;
    return length > ring.length ? NULL : line_at(ring.written)->payload;
}

static int commit_line(void *producer)
{
    (void)producer;
    ring.written++;
    atomic_store_explicit(&line_at(ring.written - 1)->seq, ring.written, memory_order_release);
    if (ring.sleeps)
    {
        (void)atomic_fetch_add(ring.word, 1);
        (void)syscall(SYS_futex, ring.word, FUTEX_WAKE, 1, NULL, NULL, 0);
    }
    return 0;
}

static int poll_line(void *consumer, peer_on_frame_t on_frame, void *clientd)
{
    floor_line_t *const line = line_at(ring.read);
    const uint64_t seq = atomic_load_explicit(&line->seq, memory_order_acquire);
    (void)consumer;
    if (seq < ring.read + 1) { return 0; }
    on_frame(clientd, line->payload, ring.length);
    ring.read = seq;                   /* overtaken, while nobody listened yet: goes on from here */
    return 1;
}

static int wait_line(void *consumer, peer_on_frame_t on_frame, void *clientd, int64_t timeout_ns)
{
    const struct timespec timeout = { timeout_ns / 1000000000, timeout_ns % 1000000000 };
    const uint32_t word = atomic_load(ring.word);
    const int frames = poll_line(consumer, on_frame, clientd);
    if (0 != frames) { return frames; }
    (void)syscall(SYS_futex, ring.word, FUTEX_WAIT, word, &timeout, NULL, 0);
    return poll_line(consumer, on_frame, clientd);
}

const peer_system_t peer_system = { .name = "floor", .prepare = prepare, .open_producer = open_role, .close_producer = close_role,
    .open_consumer = open_role, .close_consumer = close_role, .claim = claim_line, .commit = commit_line, .poll = poll_line, .wait = wait_line };
