/*
 * QoS: when a report is due, and what its totals are (10-wire.md 5.6, 15). Pure.
 *
 * Totals are cumulative for the life of a consumer (O-33) and never wrap: a forged seq may claim a gap of 2^63 frames more than once, a total that
 * has reached its end stays there. Every reason belongs to exactly one of gap, late, other or none (not a lost frame), so that the three sums and
 * the counters of the reasons always agree.
 */
#ifndef TPI_PROTOCOL_QOS_H
#define TPI_PROTOCOL_QOS_H

#include <stdbool.h>
#include <stdint.h>

#include "codec/codec_wire.h"
#include "protocol/drop_reason.h"

/* ---- cadence: due on a grid, so that a tick which is late now and then does not slow the reports down ---- */

typedef struct tpi_cadence
{
    int64_t period_ns;
    int64_t due_ns;
}
tpi_cadence_t;

void tpi_cadence_init(tpi_cadence_t *cadence, int64_t period_ns, int64_t first_ns);
bool tpi_cadence_is_due(const tpi_cadence_t *cadence, int64_t now_ns);
/* The bus took the report; one that it refused stays due. Missed periods are not made up for. */
void tpi_cadence_done(tpi_cadence_t *cadence, int64_t now_ns);
/* Due at once. */
void tpi_cadence_hasten(tpi_cadence_t *cadence, int64_t now_ns);

/* ---- totals ---- */

static inline uint64_t tpi_qos_add(uint64_t total, uint64_t n) { return n > UINT64_MAX - total ? UINT64_MAX : total + n; }

/* Fills drops_gap and drops_late from TPI_DROP_REASON_COUNT counters. */
void tpi_qos_consumer_totals(tpc_qos_consumer_t *qos, const uint64_t *drops);

#endif
