/* Whether anything moves at a media driver: its positions, read from its counters. Part of the services library only. One thread. */
#ifndef TPI_BUS_POSITIONS_H
#define TPI_BUS_POSITIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TPI_POSITIONS_MAX 4096         /* watched; where there are more, something always moves */

typedef struct tpi_positions tpi_positions_t;

/* TP_EMEDIADRIVER, TP_EMAP. */
int tpi_positions_open(tpi_positions_t **positions, const char *aeron_dir);
/* Counters may have come or gone: the next look finds out which. */
void tpi_positions_stale(tpi_positions_t *positions);
/* Whether a position of a publisher or subscriber changed since the last look, or sockets are open, on which something may come at any time. */
bool tpi_positions_moved(tpi_positions_t *positions);
/* Of the media driver's duty cycle: changes when it looked after its timers. */
int64_t tpi_positions_heartbeat_ms(const tpi_positions_t *positions);
void tpi_positions_close(tpi_positions_t *positions);          /* accepts NULL */

#endif
