/*
 * The doorbell of an embedded media driver: one page in a file of its own beside cnc.dat, on which the media driver's thread sleeps and by which
 * our own clients wake it when they enqueue a command, publish a request or find a publication full. Clients without it are found when the sleep is
 * over; a doorbell whose driver is dead rings unheard. Whoever may write cnc.dat may ring.
 */
#ifndef TPI_BUS_DOORBELL_H
#define TPI_BUS_DOORBELL_H

#include <stdbool.h>
#include <stdint.h>

#define TPI_DOORBELL_NAME "tensor_pool.doorbell"

typedef struct tpi_doorbell tpi_doorbell_t;

/* Makes the file, which must not be there: TP_EIO, TP_ENOSPACE. Who made it waits on it; one thread. */
int tpi_doorbell_create(tpi_doorbell_t **doorbell, const char *dir);
/* NULL where there is none, or something else: that is no error. */
tpi_doorbell_t *tpi_doorbell_find(const char *dir);
/* Any thread of any process; accepts NULL. One system call when somebody sleeps, else none. */
void tpi_doorbell_ring(tpi_doorbell_t *doorbell);
/* The ticket of now: a wait with it returns at once when it rang in between. */
uint32_t tpi_doorbell_ticket(tpi_doorbell_t *doorbell);
/* Sleeps at most timeout_ns. True when it rang since the ticket. */
bool tpi_doorbell_wait(tpi_doorbell_t *doorbell, uint32_t ticket, int64_t timeout_ns);
/* How often it rang. */
uint32_t tpi_doorbell_rings(const tpi_doorbell_t *doorbell);
/* The file stays. Accepts NULL. */
void tpi_doorbell_close(tpi_doorbell_t *doorbell);

#endif
