/* Threads, their names, and a place to sleep that another thread can wake. */
#ifndef TPI_COMMON_THREAD_H
#define TPI_COMMON_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct tpi_thread
{
    pthread_t handle;
    bool running;
}
tpi_thread_t;

/* name: at most 15 bytes are used. All signals are blocked in the new thread: they belong to the application. */
int tpi_thread_start(tpi_thread_t *thread, const char *name, void *(*run)(void *), void *arg);
/* The same on one processor only; -1 = any. TP_EINVAL when this process may not use it. */
int tpi_thread_start_on(tpi_thread_t *thread, const char *name, int32_t cpu, void *(*run)(void *), void *arg);
void tpi_thread_join(tpi_thread_t *thread);                 /* idempotent */

/* A number that no other living thread of this process has; never 0. */
uint64_t tpi_thread_self(void);

/* One permit at most: wake before park lets the next park return at once. Any number of wakers, any number of parkers (all are woken). */
typedef struct tpi_parker
{
    pthread_mutex_t mutex;
    pthread_cond_t condition;
    uint64_t wakes;
}
tpi_parker_t;

int tpi_parker_init(tpi_parker_t *parker);
/* The ticket of now: a park with it returns at once when a wake came in between. */
uint64_t tpi_parker_ticket(tpi_parker_t *parker);
/* Waits at most timeout_ns (CLOCK_MONOTONIC). */
void tpi_parker_park(tpi_parker_t *parker, uint64_t ticket, int64_t timeout_ns);
void tpi_parker_wake(tpi_parker_t *parker);
void tpi_parker_fini(tpi_parker_t *parker);

#endif
