/* Owns nothing; see measured.h. */
#include "measured.h"

int64_t measure_produce(tp_producer_t *producer, const tp_tensor_template_t *shape, tp_buffer_claim_t *claim)
{
    const int64_t seq = tp_producer_try_claim(producer, shape, claim);
    return seq < 0 ? seq : tp_producer_commit_claim(producer, claim, NULL);
}

int measure_consume(tp_consumer_t *consumer)
{
    return tp_consumer_poll_descriptors(consumer, 1);
}

int measure_consume_batch(tp_consumer_t *consumer)
{
    return tp_consumer_poll_descriptors(consumer, MEASURED_BATCH);
}

int measure_observe(tp_consumer_t *observer)
{
    return tp_consumer_poll_descriptors(observer, 1);
}

int measure_observe_nothing(tp_consumer_t *observer)
{
    return tp_consumer_poll_descriptors(observer, 1);
}
