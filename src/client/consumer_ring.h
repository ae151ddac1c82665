/*
 * The ring is the truth, descriptors are hints: frames found in the ring instead of by their descriptors. Consumer's thread only.
 */
#ifndef TPI_CLIENT_CONSUMER_RING_H
#define TPI_CLIENT_CONSUMER_RING_H

#include "client/consumer_state.h"

/*
 * Both: true: *found stands for a frame whose slot is to be read. It is accounted for, and what had to be passed over is counted.
 *
 * Before the next staged descriptor: what that shows to be missing.
 */
bool tpi_consumer_find_missing(tp_consumer_t *c, tpc_frame_descriptor_t *found);
/*
 * No descriptor is at hand: the next frame, if its descriptor is overdue, or if there are none. One load while nothing new lies in the ring; the
 * clock is read only while something does whose descriptor has not come.
 */
bool tpi_consumer_find_next(tp_consumer_t *c, tpc_frame_descriptor_t *found);
/* What the call before would find; counts nothing. */
tpi_outlook_t tpi_consumer_ring_outlook(tp_consumer_t *c);
/* A descriptor of the mapped epoch was accounted for and gave that step. */
void tpi_consumer_ring_heard(tp_consumer_t *c, uint64_t seq, const tpi_follow_step_t *step);
/* Another epoch. */
void tpi_consumer_ring_restart(tp_consumer_t *c);
/* Something lies in the ring unannounced: whoever waits looks again soon, whether anybody wakes it or not. */
static inline bool tpi_consumer_ring_is_pending(const tp_consumer_t *c) { return c->watch.has_seen; }

#endif
