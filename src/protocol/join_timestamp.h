/* TimestampJoinBarrier (50-join-barrier.md 6.2): inputs aligned by times of one clock domain. Pure, hot. */
#ifndef TPI_PROTOCOL_JOIN_TIMESTAMP_H
#define TPI_PROTOCOL_JOIN_TIMESTAMP_H

#include "protocol/join.h"

/* Whether the output of out_time, a time of that domain (TPC_CLOCK_*), may be tried. Every check that gets past the guards is a lower bound for
   later ones, whatever it answers (O-17). */
tpi_join_answer_t tpi_join_timestamp_is_ready(tpi_join_t *join, uint64_t out_time, uint8_t out_domain, int64_t now_ns, tpi_join_result_t *result);

#endif
