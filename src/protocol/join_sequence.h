/* SequenceJoinBarrier (50-join-barrier.md 6.1): inputs aligned by sequence numbers. Pure, hot. */
#ifndef TPI_PROTOCOL_JOIN_SEQUENCE_H
#define TPI_PROTOCOL_JOIN_SEQUENCE_H

#include "protocol/join.h"

/* Whether output out_seq may be tried. out_seq may go back (O-17). Says nothing about slots. */
tpi_join_answer_t tpi_join_sequence_is_ready(tpi_join_t *join, uint64_t out_seq, int64_t now_ns, tpi_join_result_t *result);

/* Lower-bound check, for who wants it: whether the oldest frame that the stream's rules need for out_seq can still be in its ring of nslots. By the
   observed cursor alone; slots are neither looked at nor waited for. false also for a stream that is no input, was not observed, or does not apply
   yet. */
bool tpi_join_sequence_is_available(const tpi_join_t *join, uint32_t stream_id, uint64_t out_seq, uint32_t nslots);

#endif
