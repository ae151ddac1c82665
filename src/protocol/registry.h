/*
 * The consumers a producer hears from (10-wire.md section 12): who they are, what they asked for, when they were last heard, and whether this
 * producer is the one to answer them (O-28). Pure; owned by the producer's conductor. A table of fixed size: a newcomer that finds it full is counted
 * and not tracked.
 */
#ifndef TPI_PROTOCOL_REGISTRY_H
#define TPI_PROTOCOL_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/codec_wire.h"
#include "protocol/hello.h"
#include "protocol/progress.h"

#define TPI_REGISTRY_CONSUMERS_MAX 256u

/* The two kinds of private streams. */
typedef enum tpi_private_kind { TPI_PRIVATE_DESCRIPTOR = 0, TPI_PRIVATE_CONTROL, TPI_PRIVATE_KINDS } tpi_private_kind_t;

/* Who answers hellos. */
typedef enum tpi_registry_authority
{
    TPI_AUTHORITY_AUTO = 0,            /* this producer, as long as nobody else does */
    TPI_AUTHORITY_NEVER,
    TPI_AUTHORITY_ALWAYS
}
tpi_registry_authority_t;

typedef struct tpi_registry_entry
{
    uint32_t consumer_id;
    bool has_hello;
    bool supports_shm;
    bool layout_fits;
    bool supports_progress;
    uint8_t mode;                      /* asked for */
    uint8_t imposed;                   /* mode of the last config of another authority, 0 = none */
    bool banned;                       /* that config forbids shared memory */
    uint32_t max_rate_hz;
    uint32_t progress_interval_us;     /* hints; TP_NULL_U32 = not given */
    uint32_t progress_bytes_delta;
    uint32_t progress_major_delta;
    tpi_hello_wish_t wish[TPI_PRIVATE_KINDS];
    int64_t heard_ns;
    bool is_asking;                    /* since asked_ns, without an answer */
    int64_t asked_ns;
}
tpi_registry_entry_t;

typedef struct tpi_registry
{
    uint32_t stream_id;
    tpi_registry_authority_t authority;
    int64_t interval_ns;               /* of hello and QoS */
    int64_t stale_ns;                  /* silence after which a consumer is forgotten (W-133) */
    bool has_other;                    /* another authority was heard at other_ns */
    int64_t other_ns;
    size_t count;
    uint64_t refused;                  /* newcomers that found the table full */
    tpi_registry_entry_t entries[TPI_REGISTRY_CONSUMERS_MAX];
}
tpi_registry_t;

#define TPI_STALE_MULTIPLE_MIN 3u
#define TPI_STALE_MULTIPLE_MAX 5u

typedef struct tpi_registry_verdict
{
    tpi_registry_entry_t *entry;       /* NULL: not tracked */
    bool is_mine;                      /* false: of another stream, nothing to do (W-251) */
    bool answers;                      /* this producer answers with a ConsumerConfig */
    bool withdrew[TPI_PRIVATE_KINDS];  /* asked for before and not any more */
}
tpi_registry_verdict_t;

void tpi_registry_init(tpi_registry_t *registry, uint32_t stream_id, uint32_t stale_multiple, int64_t interval_ns);
tpi_registry_verdict_t tpi_registry_on_hello(tpi_registry_t *registry, const tpc_consumer_hello_t *hello, int64_t now_ns);
/* Keeps a consumer alive, whatever epoch it reports (O-29). */
void tpi_registry_on_qos(tpi_registry_t *registry, const tpc_qos_consumer_t *qos, int64_t now_ns);
/* Somebody else's answer to a consumer of this stream; the entry may be NULL. false: of another stream. */
bool tpi_registry_on_config(tpi_registry_t *registry, const tpc_consumer_config_t *config, int64_t now_ns, tpi_registry_entry_t **entry);
tpi_registry_entry_t *tpi_registry_find(tpi_registry_t *registry, uint32_t consumer_id);
/* The consumer has left. */
bool tpi_registry_remove(tpi_registry_t *registry, uint32_t consumer_id);
/* Forgets the silent ones; how many. */
size_t tpi_registry_sweep(tpi_registry_t *registry, int64_t now_ns);

/* Descriptors a second on a private stream of that consumer; 0 = all (O-26). */
uint32_t tpi_registry_rate_hz(const tpi_registry_entry_t *entry);
/* The answer as a message, without streams: empty channels, ids 0. fallback goes with shared memory switched off. */
void tpi_registry_answer(tpc_consumer_config_t *config, uint32_t stream_id, uint32_t consumer_id, const tpi_registry_entry_t *entry,
    tpc_bytes_t fallback);

/* How FrameProgress is thinned out for the consumers that are alive (10-wire.md 13.1); how many of them want it. */
uint32_t tpi_registry_progress(const tpi_registry_t *registry, const tpi_progress_limits_t *limits, tpi_progress_policy_t *policy);

#endif
