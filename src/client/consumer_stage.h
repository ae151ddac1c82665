/*
 * Descriptors polled and not served yet, in the bytes they came in. Consumer's thread only; hot: no lock, no allocation, no log, no system call. A
 * descriptor of another kind than our own senders write (older, longer) goes through the dispatcher and is kept in the common form.
 */
#ifndef TPI_CLIENT_CONSUMER_STAGE_H
#define TPI_CLIENT_CONSUMER_STAGE_H

#include "client/consumer_state.h"

int tpi_stage_init(tp_consumer_t *consumer);

/* Fills the empty stage. Above 0: messages came, foreign ones perhaps. */
int tpi_stage_refill(tp_consumer_t *consumer);

static inline bool tpi_stage_is_empty(const tp_consumer_t *c) { return c->stage_at >= c->staged.count; }

/* The next one; the stage is not empty. */
static inline tpc_frame_descriptor_t tpi_stage_next(const tp_consumer_t *c)
{
    tpc_frame_descriptor_t d;
    tpc_frame_descriptor_read(&d, c->stage[c->stage_at].bytes);
    return d;
}

static inline tpc_frame_descriptor_t tpi_stage_take(tp_consumer_t *c)
{
    const tpc_frame_descriptor_t d = tpi_stage_next(c);
    c->stage_at++;
    return d;
}

/* Highest seq at hand of the mapped epoch, those already served included; 0: there is none. */
uint64_t tpi_stage_newest(tp_consumer_t *consumer);

/* Another mapping: what was served says nothing about it. */
static inline void tpi_stage_forget_newest(tp_consumer_t *c)
{
    c->newest_from = c->stage_at;
    c->newest_is_known = false;
}

#endif
