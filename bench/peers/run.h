/* Between peer.c (processes, options, output) and verbs.c (the loops that measure). A peer itself sees peer.h only. */
#ifndef BENCH_RUN_H
#define BENCH_RUN_H

#include <stdatomic.h>

#include "peers/peer.h"

#define PEER_BATCH 64
#define PEER_WARM_UP 1000
#define PEER_PATIENCE_NS INT64_C(20000000000)
#define PEER_HELLO UINT64_MAX          /* index in the payload of frames that only look for a listener */
#define PEER_MIN_SIZE sizeof(uint64_t)

typedef enum peer_verb
{
    PEER_LATENCY,
    PEER_PUBLISH,
    PEER_RATE,
    PEER_ATTACH,
    PEER_WAKE
}
peer_verb_t;

/* Shared by the roles: each word in a cache line of its own. The two tables are written by one role each and read when both have ended. */
typedef struct peer_shared
{
    _Alignas(128) _Atomic uint64_t connected;          /* every consumer has seen a frame */
    _Alignas(128) _Atomic uint64_t turn;               /* batches published */
    _Alignas(128) _Atomic uint64_t ack;                /* frames (publish: batches) read */
    _Alignas(128) _Atomic uint64_t lost;
    int64_t begin_ns;                                  /* rate: first and last frame that counted */
    int64_t end_ns;
    _Alignas(128) int64_t times[];                     /* 2 * total: written by the producer, then by the consumer */
}
peer_shared_t;

typedef struct peer_run
{
    peer_verb_t verb;
    peer_options_t options;
    uint64_t frames;                   /* that count */
    uint64_t total;                    /* with those that warm up */
    int cpus[2];                       /* -1: not pinned */
    bool one_cpu;                      /* the consumer is pinned where the producer is */
    uint64_t settling;                 /* latency: frames before those that warm up, hardly filled */
    size_t filled;                     /* latency: bytes written into a payload, at most its size */
    bool touches;
    bool checksums;
    peer_shared_t *shared;
}
peer_run_t;

int64_t peer_now_ns(void);
/* The calling thread alone; nothing for -1. Threads that a system started before go where there is room. */
int peer_pin(int cpu);
int peer_fail(const char *what);                                       /* says so on standard error, returns -1 */
int peer_produce(peer_run_t *run);
int peer_consume(peer_run_t *run);
int peer_attach(peer_run_t *run, uint64_t round);

#endif
