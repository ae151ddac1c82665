/* FrameProgress at a consumer: heard on the shared control stream or on an assigned one, judged and handed out by the conductor. */
#ifndef TPI_CLIENT_CONSUMER_PROGRESS_H
#define TPI_CLIENT_CONSUMER_PROGRESS_H

#include "client/consumer_state.h"

/* Opens, closes and polls the assigned control stream. */
int tpi_consumer_progress_work(tp_consumer_t *consumer, int64_t now_ns);
/* The control stream a ConsumerConfig for this consumer assigns, or takes back. */
void tpi_consumer_progress_config(tp_consumer_t *consumer, const tpc_consumer_config_t *config, int64_t now_ns);
/* Fills the part of a hello that is about progress. */
void tpi_consumer_progress_hello(const tp_consumer_t *consumer, tpc_consumer_hello_t *hello);
/* Another set of regions: what was heard about the old one is forgotten. */
void tpi_consumer_progress_remapped(tp_consumer_t *consumer);
void tpi_consumer_progress_connection_lost(tp_consumer_t *consumer);
void tpi_consumer_progress_delete(tp_consumer_t *consumer);

#endif
