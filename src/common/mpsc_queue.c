/* Owns the cells of a bounded MPSC queue. Pushers run on any thread, the taker on one. */
#include "common/mpsc_queue.h"

#include <stdatomic.h>
#include <stdint.h>

#include "common/alloc.h"
#include "common/err.h"

#define CAPACITY_MAX ((size_t)1 << 20)

typedef struct cell
{
    _Atomic size_t turn;
    void *item;
}
cell_t;

struct tpi_mpsc_queue
{
    cell_t *cells;
    size_t mask;
    _Alignas(64) _Atomic size_t tail;         /* next position to push; pushers compete for it */
    _Alignas(64) _Atomic size_t head;         /* next position to take; written by the taker only */
};

int tpi_mpsc_queue_create(tpi_mpsc_queue_t **queue, size_t capacity)
{
    if (NULL == queue || 0 == capacity || capacity > CAPACITY_MAX)
    {
        TPI_SET_ERR(TP_EINVAL, "queue capacity = %zu, allowed 1..%zu", capacity, CAPACITY_MAX);
        return -1;
    }
    size_t rounded = 2;
    while (rounded < capacity) { rounded <<= 1; }
    tpi_mpsc_queue_t *q = tpi_alloc_aligned(64, sizeof(*q));
    if (NULL == q) { return -1; }
    q->cells = tpi_alloc_array(rounded, sizeof(cell_t));
    if (NULL == q->cells)
    {
        tpi_free(q);
        return -1;
    }
    q->mask = rounded - 1;
    for (size_t i = 0; i < rounded; i++) { atomic_init(&q->cells[i].turn, i); }
    *queue = q;
    return 0;
}

bool tpi_mpsc_queue_push(tpi_mpsc_queue_t *queue, void *item)
{
    size_t at = atomic_load_explicit(&queue->tail, memory_order_relaxed);
    for (;;)
    {
        cell_t *cell = &queue->cells[at & queue->mask];
        const size_t turn = atomic_load_explicit(&cell->turn, memory_order_acquire);      /* pairs with the taker's release */
        if (turn == at)
        {
            if (atomic_compare_exchange_weak_explicit(&queue->tail, &at, at + 1, memory_order_relaxed, memory_order_relaxed))
            {
                cell->item = item;
                atomic_store_explicit(&cell->turn, at + 1, memory_order_release);         /* pairs with the taker's acquire */
                return true;
            }
        }
        else if ((intptr_t)(turn - at) < 0) { return false; }
        else { at = atomic_load_explicit(&queue->tail, memory_order_relaxed); }
    }
}

void *tpi_mpsc_queue_take(tpi_mpsc_queue_t *queue)
{
    const size_t at = atomic_load_explicit(&queue->head, memory_order_relaxed);
    cell_t *cell = &queue->cells[at & queue->mask];
    if (atomic_load_explicit(&cell->turn, memory_order_acquire) != at + 1) { return NULL; }
    void *item = cell->item;
    atomic_store_explicit(&queue->head, at + 1, memory_order_relaxed);
    atomic_store_explicit(&cell->turn, at + queue->mask + 1, memory_order_release);
    return item;
}

bool tpi_mpsc_queue_is_empty(const tpi_mpsc_queue_t *queue)
{
    const size_t at = atomic_load_explicit(&queue->head, memory_order_relaxed);
    return at + 1 != atomic_load_explicit(&queue->cells[at & queue->mask].turn, memory_order_acquire);      /* pairs with a giver's release */
}

void tpi_mpsc_queue_delete(tpi_mpsc_queue_t *queue)
{
    if (NULL == queue) { return; }
    tpi_free(queue->cells);
    tpi_free(queue);
}
