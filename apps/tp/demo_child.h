/*
 * Processes of a demo: this same program with hidden verbs. They send records of a fixed size over their standard output and take orders from their
 * standard input; both are pipes, records and orders are smaller than PIPE_BUF and therefore arrive whole. Every record begins with its kind. The end
 * of the input means the demo is gone: the child ends. Checksums and parents travel only here, never through the tensor pool.
 */
#ifndef APPS_TP_DEMO_CHILD_H
#define APPS_TP_DEMO_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define DEMO_RECORD_MAX 1024           /* bytes */

typedef enum demo_kind
{
    DEMO_READY = 1,                    /* attached and mapped */
    DEMO_FRAME = 2,                    /* one frame published, or read and found valid */
    DEMO_END = 3                       /* last words: final counts */
}
demo_kind_t;

typedef struct demo_order
{
    uint32_t kind;                     /* 'g' begin to publish, 's' stop publishing, 'e' read up to seq and end */
    uint32_t reserved;
    uint64_t epoch, seq;
}
demo_order_t;

typedef struct demo_child
{
    pid_t pid;                         /* 0 = not running */
    int in_fd;                         /* its records, non-blocking; -1 = none */
    int out_fd;                        /* our orders */
    unsigned char partial[DEMO_RECORD_MAX];
    size_t partial_bytes;
    int status;                        /* of waitpid */
    bool ended;                        /* DEMO_END has come */
}
demo_child_t;
#define DEMO_NO_CHILD { .in_fd = -1, .out_fd = -1 }

/* argv[0] is the program. The child dies with us. talks: pipes instead of /dev/null; log_fd becomes standard error. */
int demo_child_start(demo_child_t *child, char *const *argv, char *const *environment, bool talks, int log_fd);
bool demo_child_order(const demo_child_t *child, uint32_t kind, uint64_t epoch, uint64_t seq);
/* 1 and a record of size bytes, 0 nothing now, -1 the child has closed its side. */
int demo_child_record(demo_child_t *child, void *record, size_t size);
/* Reaps the child if it has ended; true while it runs. */
bool demo_child_runs(demo_child_t *child);
/* Sends the signal, waits up to timeout_ns, then kills. Closes the pipes. true when it ended by itself with status 0. */
bool demo_child_end(demo_child_t *child, int signal_number, int64_t timeout_ns);
/* Our environment without settings of other drivers, plus extra ("NAME=value", ends with NULL). NULL without memory; one free() releases it. */
char **demo_environment(const char *const *extra);

/* Child's side: 1 and an order, 0 none, -1 the demo is gone. wait_ms as poll(2). */
int demo_order_read(demo_order_t *order, int wait_ms);
bool demo_record_write(const void *record, size_t size);

#endif
