/*
 * The consumers a producer hears from (10-wire.md section 12): who they are, what they asked for, when they were last heard. Pure; owned by the
 * producer's conductor. A table of fixed size: a newcomer that finds it full is counted and not tracked.
 */
#ifndef TPI_PROTOCOL_REGISTRY_H
#define TPI_PROTOCOL_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/codec_wire.h"

#define TPI_REGISTRY_CONSUMERS_MAX 256u

typedef struct tpi_registry_entry
{
    uint32_t consumer_id;
    bool supports_shm;
    bool supports_progress;
    uint8_t mode;
    uint32_t max_rate_hz;
    int64_t heard_ns;
}
tpi_registry_entry_t;

typedef struct tpi_registry
{
    uint32_t stream_id;
    int64_t stale_ns;                  /* silence after which a consumer is forgotten (W-133) */
    size_t count;
    uint64_t refused;                  /* newcomers that found the table full */
    tpi_registry_entry_t entries[TPI_REGISTRY_CONSUMERS_MAX];
}
tpi_registry_t;

typedef enum tpi_registry_answer
{
    TPI_REGISTRY_NO_ANSWER = 0,
    TPI_REGISTRY_DECLINE_STREAMS,      /* private streams were asked for; this producer serves the shared ones only (W-142 W-151) */
    TPI_REGISTRY_DECLINE_SHM           /* the consumer understands another layout (O-31) */
}
tpi_registry_answer_t;

void tpi_registry_init(tpi_registry_t *registry, uint32_t stream_id, int64_t stale_ns);
/* Another stream's hello is ignored (W-251). */
tpi_registry_answer_t tpi_registry_on_hello(tpi_registry_t *registry, const tpc_consumer_hello_t *hello, int64_t now_ns);
/* Keeps a consumer alive, whatever epoch it reports (O-29). */
void tpi_registry_on_qos(tpi_registry_t *registry, const tpc_qos_consumer_t *qos, int64_t now_ns);
/* A config of this stream that promises streams this producer does not serve has to be taken back. */
bool tpi_registry_must_decline(const tpi_registry_t *registry, const tpc_consumer_config_t *config);
/* Forgets the silent ones; how many. */
size_t tpi_registry_sweep(tpi_registry_t *registry, int64_t now_ns);
/* The answer as a message: empty channels, ids 0. */
void tpi_registry_decline(tpc_consumer_config_t *config, uint32_t stream_id, uint32_t consumer_id, uint8_t mode, bool use_shm);

#endif
