/*
 * Thins a series of events out to a rate (10-wire.md 11.3 and 12, RATE_LIMITED). Pure, hot, owned by one thread. Passes lie on a regular grid, so
 * that an event that comes a little late does not slow all later ones down; time is whatever the caller measures by.
 */
#ifndef TPI_PROTOCOL_RATE_GATE_H
#define TPI_PROTOCOL_RATE_GATE_H

#include <stdbool.h>
#include <stdint.h>

/* Zero it to start: the first event passes. */
typedef struct tpi_rate_gate { int64_t next_ns; } tpi_rate_gate_t;

/* Whether an event at that time may pass; changes nothing. hz 0: always. */
bool tpi_rate_gate_is_due(const tpi_rate_gate_t *gate, uint32_t hz, int64_t at_ns);
/* It has passed. */
void tpi_rate_gate_take(tpi_rate_gate_t *gate, uint32_t hz, int64_t at_ns);

#endif
