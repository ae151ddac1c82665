/* One pusher, one taker. tail is released by the pusher after the rows are written, head by the taker after they are read. */
#include "trace_queue.h"

#include <stdlib.h>

bool trace_queue_init(trace_queue_t *queue, size_t capacity)
{
    queue->rows = calloc(capacity, sizeof(queue->rows[0]));
    queue->capacity = capacity;
    atomic_init(&queue->head, 0);
    atomic_init(&queue->tail, 0);
    atomic_init(&queue->dropped, 0);
    return NULL != queue->rows;
}

void trace_queue_fini(trace_queue_t *queue)
{
    free(queue->rows);
    queue->rows = NULL;
}

bool trace_queue_push(trace_queue_t *queue, const trace_record_t *rows, size_t count)
{
    const uint64_t tail = atomic_load_explicit(&queue->tail, memory_order_relaxed);
    const uint64_t head = atomic_load_explicit(&queue->head, memory_order_acquire);
    if (count > queue->capacity - (size_t)(tail - head))
    {
        (void)atomic_fetch_add_explicit(&queue->dropped, count, memory_order_relaxed);
        return false;
    }
    for (size_t i = 0; i < count; i++) { queue->rows[(tail + i) & (queue->capacity - 1)] = rows[i]; }
    atomic_store_explicit(&queue->tail, tail + count, memory_order_release);
    return true;
}

size_t trace_queue_take(trace_queue_t *queue, trace_record_t *rows, size_t limit)
{
    const uint64_t head = atomic_load_explicit(&queue->head, memory_order_relaxed);
    const uint64_t waiting = atomic_load_explicit(&queue->tail, memory_order_acquire) - head;
    const size_t count = waiting < limit ? (size_t)waiting : limit;
    for (size_t i = 0; i < count; i++) { rows[i] = queue->rows[(head + i) & (queue->capacity - 1)]; }
    atomic_store_explicit(&queue->head, head + count, memory_order_release);
    return count;
}
