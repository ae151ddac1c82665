/*
 * What the thread of a service sleeps on: a bell that any thread may ring, and descriptors on which something may come. One thread waits and takes;
 * who takes looks at everything then, as far as it goes without waiting: nothing is told twice.
 */
#ifndef TPI_RUNTIME_WAIT_SET_H
#define TPI_RUNTIME_WAIT_SET_H

#include <stdbool.h>
#include <stdint.h>

typedef struct tpi_wait_set tpi_wait_set_t;

/* TP_EIO. */
int tpi_wait_set_create(tpi_wait_set_t **set);
/* From now on news of fd ends a wait, also that it takes bytes again. It leaves the set when it is closed. Failing costs time only. */
void tpi_wait_set_add(tpi_wait_set_t *set, int fd);
/* Any thread; accepts NULL. */
void tpi_wait_set_ring(tpi_wait_set_t *set);
/* At most timeout_ns; at once when there is something to take. */
void tpi_wait_set_wait(tpi_wait_set_t *set, int64_t timeout_ns);
/* Whether anything happened since the last take. */
bool tpi_wait_set_take(tpi_wait_set_t *set);
/* Readable while there is something to take: for loops that wait for more. -1 for NULL. */
int tpi_wait_set_fd(const tpi_wait_set_t *set);
void tpi_wait_set_close(tpi_wait_set_t *set);                  /* accepts NULL */

#endif
