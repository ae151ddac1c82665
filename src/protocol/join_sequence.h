/* SequenceJoinBarrier (50-join-barrier.md 6.1): inputs aligned by sequence numbers. Pure, hot. */
#ifndef TPI_PROTOCOL_JOIN_SEQUENCE_H
#define TPI_PROTOCOL_JOIN_SEQUENCE_H

#include "protocol/join.h"

/* Whether output out_seq may be tried. out_seq may go back (O-17). Says nothing about slots. */
tpi_join_answer_t tpi_join_sequence_is_ready(tpi_join_t *join, uint64_t out_seq, int64_t now_ns, tpi_join_result_t *result);

#endif
