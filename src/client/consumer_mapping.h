/* The regions of a consumer: carries out what protocol/mapping decides. Conductor only. */
#ifndef TPI_CLIENT_CONSUMER_MAPPING_H
#define TPI_CLIENT_CONSUMER_MAPPING_H

#include "client/consumer_state.h"

void tpi_consumer_mapping_init(tp_consumer_t *consumer);
/* From an attach response. -1 when the regions cannot be used: the lease is worth nothing. */
int tpi_consumer_map_response(tp_consumer_t *consumer, const tpc_attach_response_t *response, int64_t now_ns);
/* Our lease is gone, or the bus. */
void tpi_consumer_lease_lost(tp_consumer_t *consumer, bool announced_shutdown);
/* ConsumerConfig.useShm. Whether it brought the consumer into fallback. */
bool tpi_consumer_mapping_config(tp_consumer_t *consumer, const tpc_consumer_config_t *config);
/* A message named a newer epoch than the mapped one. */
void tpi_consumer_mapping_newer_epoch(tp_consumer_t *consumer, uint64_t newer, int64_t now_ns);
int tpi_consumer_mapping_work(tp_consumer_t *consumer, int64_t now_ns);
void tpi_consumer_mapping_tick(tp_consumer_t *consumer, int64_t now_ns);
/* The consumer's thread is the one that closes: nothing is in use. */
void tpi_consumer_mapping_delete(tp_consumer_t *consumer);
void tpi_consumer_notify(tp_consumer_t *consumer, tp_consumer_event_t event, uint64_t epoch, int code, const char *text);
void tpi_consumer_qos(const tp_consumer_t *consumer, tpc_qos_consumer_t *qos);

/* Any thread: gives one reference back; the last one unmaps. */
void tpi_consumer_map_release(tpi_consumer_map_t *map);

#endif
