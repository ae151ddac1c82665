/*
 * Bounded queue of pointers: any number of threads push, one takes. Nothing waits and nothing allocates after creation; a full queue is a named
 * result (TP_EFULL). Each cell carries a sequence number that tells whose turn it is:
 *   == position            free for the producer that claims this position
 *   == position + 1        filled; the consumer may take it
 */
#ifndef TPI_COMMON_MPSC_QUEUE_H
#define TPI_COMMON_MPSC_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

typedef struct tpi_mpsc_queue tpi_mpsc_queue_t;

/* capacity is rounded up to a power of two, 2..2^20. */
int tpi_mpsc_queue_create(tpi_mpsc_queue_t **queue, size_t capacity);
/* Any thread. item must not be NULL. false when full. */
bool tpi_mpsc_queue_push(tpi_mpsc_queue_t *queue, void *item);
/* The one consumer. NULL when empty (or when the oldest pusher has not finished yet). */
void *tpi_mpsc_queue_take(tpi_mpsc_queue_t *queue);
bool tpi_mpsc_queue_is_empty(const tpi_mpsc_queue_t *queue);
void tpi_mpsc_queue_delete(tpi_mpsc_queue_t *queue);         /* items still inside are not freed; accepts NULL */

#endif
