/* The phases that are counted. In a file of their own, so that no compiler inlines or clones them: callgrind finds them by name. */
#ifndef BENCH_MEASURED_H
#define BENCH_MEASURED_H

#include <tensor_pool/tp.h>

int64_t measure_produce(tp_producer_t *producer, const tp_tensor_template_t *shape, tp_buffer_claim_t *claim);
#define MEASURED_BATCH 10
int measure_consume(tp_consumer_t *consumer);
int measure_consume_batch(tp_consumer_t *consumer);
int measure_observe(tp_consumer_t *observer);
int measure_observe_nothing(tp_consumer_t *observer);

#endif
