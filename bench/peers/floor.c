/* The floor: two cache lines between two processes, one with the payload, one with its number. No system can be faster. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "peers/peer.h"

#define DEPTH_MAX (1U << 20)

typedef struct floor_line
{
    _Alignas(128) _Atomic uint64_t seq;
    _Alignas(128) uint8_t payload[];
}
floor_line_t;

static struct
{
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
    ring.lines = mmap(NULL, ring.stride * ring.depth, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    return MAP_FAILED == (void *)ring.lines || options->consumers > 1 ? -1 : 0;
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
    return 0;
}

static int poll_line(void *consumer, peer_on_frame_t on_frame, void *clientd)
{
    floor_line_t *const line = line_at(ring.read);
    (void)consumer;
    if (atomic_load_explicit(&line->seq, memory_order_acquire) != ring.read + 1) { return 0; }
    on_frame(clientd, line->payload, ring.length);
    ring.read++;
    return 1;
}

const peer_system_t peer_system = { .name = "floor", .prepare = prepare, .open_producer = open_role, .close_producer = close_role,
    .open_consumer = open_role, .close_consumer = close_role, .claim = claim_line, .commit = commit_line, .poll = poll_line };
