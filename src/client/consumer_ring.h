/* Frames found in the ring instead of by their descriptors. Consumer's thread only. */
#ifndef TPI_CLIENT_CONSUMER_RING_H
#define TPI_CLIENT_CONSUMER_RING_H

#include "client/consumer_state.h"

/* true: *found stands for a frame whose slot is to be read; it is accounted for, and what had to be passed over is counted. */
bool tpi_consumer_find_in_ring(tp_consumer_t *c, bool has_descriptor, uint64_t newest, tpc_frame_descriptor_t *found);
bool tpi_consumer_find_missing(tp_consumer_t *c, tpc_frame_descriptor_t *found);

#endif
