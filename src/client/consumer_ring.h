/*
 * The ring is the truth, descriptors are hints: frames found in the ring instead of by their descriptors. Consumer's thread only.
 */
#ifndef TPI_CLIENT_CONSUMER_RING_H
#define TPI_CLIENT_CONSUMER_RING_H

#include "client/consumer_stage.h"

bool tpi_consumer_seek_missing(tp_consumer_t *c, tpc_frame_descriptor_t *found);
bool tpi_consumer_seek_next(tp_consumer_t *c, tpc_frame_descriptor_t *found);

/*
 * Both: true: *found stands for a frame whose slot is to be read. It is accounted for, and what had to be passed over is counted.
 *
 * Before the next staged descriptor (there is one): what that shows to be missing. Nothing, when it is of the next seq.
 */
static inline bool tpi_consumer_find_missing(tp_consumer_t *c, tpc_frame_descriptor_t *found)
{
    if (!c->follow.has_last || (tpi_stage_next(c).seq == c->follow.last + 1 && !c->was_thinned)) { return false; }
    return tpi_consumer_seek_missing(c, found);
}

/* Frames from that seq on lie in the ring: its slot holds it, or one that came after it. The map is of this thread. */
static inline bool tpi_consumer_ring_holds(const tp_consumer_t *c, uint64_t seq)
{
    return tpi_slot_peek(tpi_pool_set_slot(c->map->set, tpi_pool_set_index(c->map->set, seq))) >> 1 >= seq;
}

/*
 * No descriptor is at hand: the next frame, if its descriptor is overdue, or if there are none. One load while nothing new lies in the ring (L-101);
 * the clock is read only while something does whose descriptor has not come.
 */
static inline bool tpi_consumer_find_next(tp_consumer_t *c, tpc_frame_descriptor_t *found)
{
    if (NULL == c->map || (c->follow.has_last && !tpi_consumer_ring_holds(c, c->follow.last + 1))) { return false; }
    return tpi_consumer_seek_next(c, found);
}

/* What the call before would find; counts nothing. */
tpi_outlook_t tpi_consumer_ring_outlook(tp_consumer_t *c);
/* A descriptor of the mapped epoch was accounted for and gave that step. */
void tpi_consumer_ring_heard(tp_consumer_t *c, uint64_t seq, const tpi_follow_step_t *step);
/* Another epoch. */
void tpi_consumer_ring_restart(tp_consumer_t *c);
/* The next frame lies in the ring unannounced: whoever waits looks again soon, whether anybody wakes it or not. */
static inline bool tpi_consumer_ring_is_pending(const tp_consumer_t *c)
{
    return c->watch.has_seen && c->watch.seen_seq == (c->follow.has_last ? c->follow.last + 1 : c->start);
}

#endif
