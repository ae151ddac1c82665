/*
 * What a system has to bring to be measured beside ours. bench/peers/peer.c is the program around it: command line, processes, pinning, clock,
 * histograms, output. So all systems are measured by the same code; bench/README.md says what it does.
 *
 * A peer is one C file that defines `const peer_system_t peer_system` and is built by tp_peer(NAME ...) in bench/CMakeLists.txt.
 *
 * Processes. prepare and finish run in the first process, everything else in the process of its role, which was forked before the system was
 * touched. All calls of a role come from one thread. A function that fails has said why on standard error; nothing is tried again.
 */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PEER_NOT_HERE 77               /* exit code: cannot be measured here; the last line on standard error says why */

typedef struct peer_options
{
    size_t size;                       /* payload bytes of a frame */
    uint32_t depth;                    /* frames that may be under way; a power of two */
    uint32_t consumers;
    uint32_t stream_id;                /* fresh for each run: make topics, service names or stream ids of it */
    const char *dir;                   /* the run's own directory on /dev/shm; whatever lies there in the end is removed */
    const char *option;                /* a variant of the system, "" for the plain one */
    bool sleeps;                       /* consumers are read by wait: whatever a commit has to do to wake them is to be done */
}
peer_options_t;

/* A frame whose header is checked and whose payload may be read. The clock stops in here. */
typedef void (*peer_on_frame_t)(void *clientd, const volatile uint8_t *payload, size_t length);

typedef struct peer_system
{
    const char *name;
    const char *const *variants;       /* what --option takes, NULL at the end; NULL: none */
    int (*prepare)(const peer_options_t *options);                     /* daemons and shared memory, before the roles are forked; may be NULL */
    void (*finish)(void);                                              /* ends them; may be NULL */
    int (*open_producer)(void **producer, const peer_options_t *options);
    void (*close_producer)(void *producer);
    int (*open_consumer)(void **consumer, const peer_options_t *options);          /* options->consumers times in one process */
    void (*close_consumer)(void *consumer);
    void *(*claim)(void *producer, size_t length);                     /* memory of the next frame, to be filled by the caller; NULL: none now */
    int (*commit)(void *producer);                                     /* makes it visible: 0, or -1 */
    int (*poll)(void *consumer, peer_on_frame_t on_frame, void *clientd);          /* never waits; frames handed out, or -1 */
    /* Sleeps until there is a frame, at most so long: as poll. NULL: the system cannot wake a sleeper. */
    int (*wait)(void *consumer, peer_on_frame_t on_frame, void *clientd, int64_t timeout_ns);
}
peer_system_t;

extern const peer_system_t peer_system;

#endif
