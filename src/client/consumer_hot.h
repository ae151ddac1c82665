/* What the files of the consumer's hot path share (consumer_hot.c, consumer_ring.c). Consumer's thread only. */
#ifndef TPI_CLIENT_CONSUMER_HOT_H
#define TPI_CLIENT_CONSUMER_HOT_H

#include "client/consumer_state.h"

static inline void drop(tp_consumer_t *c, tpi_drop_reason_t reason, uint64_t frames)
{
    tpi_stat_set(&c->drops[reason], tpi_qos_add(tpi_stat_get(&c->drops[reason]), frames));        /* W-201: a number, no error and no second try */
}

static inline bool is_usable(const tp_consumer_t *c) { return NULL != c->map && !c->suspended && tpi_handoff_is_current(&c->maps, c->map); }

/* Whether tp_consumer_next with timeout 0 is worth calling; delivers and counts no frame. */
tpi_outlook_t tpi_consumer_look(tp_consumer_t *consumer);

#endif
