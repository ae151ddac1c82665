/*
 * How a consumer waits: asleep on the wake-up page of its stream where its producer wakes, otherwise polling with short sleeps; and a descriptor for
 * applications that wait with poll or epoll.
 */
#ifndef TPI_CLIENT_CONSUMER_WAIT_H
#define TPI_CLIENT_CONSUMER_WAIT_H

#include "client/consumer_state.h"
#include "shm/wake.h"

/* One wait of tp_consumer_next. */
typedef struct tpi_consumer_wait
{
    tpi_idle_t idle;
    int64_t begin_ns;
    int64_t deadline_ns;
    tpi_wake_page_t *armed;            /* NULL: no sleep has been prepared */
    tpi_wake_ticket_t ticket;
}
tpi_consumer_wait_t;

/* ---- consumer's thread ---- */
void tpi_consumer_wait_begin(const tp_consumer_t *consumer, tpi_consumer_wait_t *wait, int64_t now_ns, int64_t timeout_ns);
/* One round, after a look for frames that found none: spins, yields, prepares a sleep, or sleeps. */
void tpi_consumer_wait_step(tp_consumer_t *consumer, tpi_consumer_wait_t *wait, int64_t now_ns);

/* ---- conductor ---- */
int tpi_consumer_wait_work(tp_consumer_t *consumer, int64_t now_ns);
/* The end: no thread is inside a call on the consumer. */
void tpi_consumer_wait_delete(tp_consumer_t *consumer);

#endif
