/* LatestValueJoinBarrier (50-join-barrier.md 6.3): the newest frame of each input, aligned by nothing. Pure, hot. */
#ifndef TPI_PROTOCOL_JOIN_LATEST_H
#define TPI_PROTOCOL_JOIN_LATEST_H

#include "protocol/join.h"

/* READY comes with a selection: of every input that is not absent its newest frame, whose slot is then validated once. */
tpi_join_answer_t tpi_join_latest_is_ready(tpi_join_t *join, int64_t now_ns, tpi_join_result_t *result);
/* A selected frame was overwritten or failed validation. *result, the READY of this tick, becomes NOT_READY with the streams that failed. The
   selection stays valid, so that the rest of it can be looked at. */
void tpi_join_latest_failed(tpi_join_t *join, const tpi_join_selected_t *frame, tpi_join_result_t *result);

#endif
