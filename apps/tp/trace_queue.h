/*
 * Bounded ring between one thread that must not wait and the one that writes the store. Nothing waits, nothing allocates; what finds no room is
 * counted and dropped, a set of rows as a whole.
 */
#ifndef APPS_TP_TRACE_QUEUE_H
#define APPS_TP_TRACE_QUEUE_H

#include <stdatomic.h>

#include "trace_store.h"

typedef struct trace_queue
{
    trace_record_t *rows;
    size_t capacity;                   /* power of two */
    _Atomic uint64_t head;             /* next to take; the writer's */
    _Atomic uint64_t tail;             /* next free; the pusher's */
    _Atomic uint64_t dropped;          /* rows */
}
trace_queue_t;

/* capacity is a power of two. false: no memory. */
bool trace_queue_init(trace_queue_t *queue, size_t capacity);
void trace_queue_fini(trace_queue_t *queue);
bool trace_queue_push(trace_queue_t *queue, const trace_record_t *rows, size_t count);
/* At most limit rows, oldest first. */
size_t trace_queue_take(trace_queue_t *queue, trace_record_t *rows, size_t limit);

#endif
