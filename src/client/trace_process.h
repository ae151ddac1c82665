/*
 * What all clients of a process share for tracing: one node id and one generator (O-2). Cold calls take a mutex; any thread. The generator itself is
 * made once, lives as long as the process and is used without it.
 */
#ifndef TPI_CLIENT_TRACE_PROCESS_H
#define TPI_CLIENT_TRACE_PROCESS_H

#include "protocol/trace_id.h"

/*
 * Switches tracing on for one producer. configured wins over offered (that of its lease); TP_NULL_U32 is none. -1 with TP_ESTATE (neither, or another
 * configured id or layout is in force in this process) or TP_EINVAL (does not fit).
 */
int tpi_trace_process_enable(const tpi_trace_layout_t *layout, uint32_t configured, uint32_t offered, tpi_trace_generator_t **generator);
/* The node id to ask the driver for: the one in force, when it came from the driver and no lease of this process has it; else TP_NULL_U32. */
uint32_t tpi_trace_process_wish(void);
/* A tracing producer's lease begins or ends. is_final: its producer is closed and will not ask for the node id again. */
void tpi_trace_process_lease_won(uint32_t node_id);
void tpi_trace_process_lease_ended(uint32_t node_id, bool is_final);
/* The driver refused the wish. */
void tpi_trace_process_wish_refused(void);
/* Tests stand for several processes. Nobody traces. */
void tpi_trace_process_reset(void);

#endif
