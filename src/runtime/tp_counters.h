/*
 * The counters of tensor pool in Aeron's counters file: type ids, keys, labels. Written down in docs/spec/95-local-extensions.md; tools and quick
 * reattach rest on them. Labels are "<kind>: key=value key=value ..."; values are percent-encoded where they hold space, '=' or '%'.
 */
#ifndef TPI_RUNTIME_TP_COUNTERS_H
#define TPI_RUNTIME_TP_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TPI_COUNTER_DRIVER 9001        /* value: last duty cycle, CLOCK_MONOTONIC ns. key: u64 instance token, u64 pid */
#define TPI_COUNTER_STREAM 9002        /* value: epoch (0 = none). key: u64 token, u32 stream id */
#define TPI_COUNTER_LEASE 9003         /* value: last keepalive ns, 0 once ended. key: tpi_counter_key_lease_t */
#define TPI_COUNTER_CLIENT 9004        /* value by kind. key: u64 client pid, u32 stream id, u32 client id, u8 role, u8 kind */

#define TPI_COUNTER_AGENT 9006         /* value by kind. key: u64 client pid, u64 random number of the client, u8 kind */
#define TPI_COUNTER_STAT 9005          /* value: count. key: u64 token, u8 number (order of TPI_DRIVER_STATS); label holds its name */
#define TPI_COUNTER_DISCOVERY 9010     /* value: last duty cycle, CLOCK_MONOTONIC ns. key: u64 instance token, u64 pid */
#define TPI_COUNTER_DISCOVERY_STAT 9011        /* value: count. key: u64 token, u8 number (order of TPI_PROVIDER_STATS) */

#define TPI_COUNTER_SUPERVISOR 9020    /* value: last tick, CLOCK_MONOTONIC ns. key: u64 token, u64 pid */
#define TPI_COUNTER_SUPERVISOR_STAT 9021       /* value: count. key: u64 token, u8 number (order of TPI_SUPERVISOR_STATS); label holds its name */
#define TPI_COUNTER_HEALTH 9022        /* value: last observed, by kind; there while the condition is raised. key: tpi_counter_key_health_t */

typedef enum tpi_client_counter_kind
{
    TPI_CLIENT_FRAMES = 1,
    TPI_CLIENT_BYTES = 2,
    TPI_CLIENT_DROPS_GAP = 3,
    TPI_CLIENT_DROPS_LATE = 4,
    TPI_CLIENT_DROPS_OTHER = 5,
    TPI_CLIENT_LAST_SEQ = 6,
    TPI_CLIENT_LATENCY_P50 = 7,        /* ns, from capture to delivery; while they are recorded */
    TPI_CLIENT_LATENCY_P99 = 8,
    TPI_CLIENT_LATENCY_MAX = 9,
    TPI_CLIENT_DROPS = 32              /* + tp_drop_reason_t; from the first loss of that reason on */
}
tpi_client_counter_kind_t;

typedef enum tpi_agent_counter_kind
{
    TPI_AGENT_MAX_CYCLE = 1,           /* ns */
    TPI_AGENT_CYCLES = 2
}
tpi_agent_counter_kind_t;

typedef struct tpi_counter_key_driver { uint64_t token; uint64_t pid; } tpi_counter_key_driver_t;
typedef struct tpi_counter_key_stream { uint64_t token; uint32_t stream_id; } tpi_counter_key_stream_t;
typedef struct tpi_counter_key_lease
{
    uint64_t token;
    uint64_t lease_id;
    uint32_t stream_id;
    uint32_t client_id;
    uint8_t role;
}
tpi_counter_key_lease_t;
typedef struct tpi_counter_key_client { uint64_t pid; uint32_t stream_id; uint32_t client_id; uint8_t role; uint8_t kind; } tpi_counter_key_client_t;
typedef struct tpi_counter_key_agent { uint64_t pid; uint64_t client; uint8_t kind; } tpi_counter_key_agent_t;

typedef struct tpi_counter_key_health { uint64_t token; uint32_t stream_id; uint32_t client_id; uint8_t kind; } tpi_counter_key_health_t;

/* Packed little-endian, no padding. put returns the key length; get returns 0, or -1 when the key is too short. */
size_t tpi_counter_key_driver_put(uint8_t key[112], const tpi_counter_key_driver_t *k);
size_t tpi_counter_key_stream_put(uint8_t key[112], const tpi_counter_key_stream_t *k);
size_t tpi_counter_key_lease_put(uint8_t key[112], const tpi_counter_key_lease_t *k);
size_t tpi_counter_key_client_put(uint8_t key[112], const tpi_counter_key_client_t *k);
size_t tpi_counter_key_agent_put(uint8_t key[112], const tpi_counter_key_agent_t *k);
size_t tpi_counter_key_health_put(uint8_t key[112], const tpi_counter_key_health_t *k);
int tpi_counter_key_driver_get(tpi_counter_key_driver_t *k, const uint8_t *key, size_t length);
int tpi_counter_key_stream_get(tpi_counter_key_stream_t *k, const uint8_t *key, size_t length);
int tpi_counter_key_lease_get(tpi_counter_key_lease_t *k, const uint8_t *key, size_t length);
int tpi_counter_key_client_get(tpi_counter_key_client_t *k, const uint8_t *key, size_t length);
int tpi_counter_key_agent_get(tpi_counter_key_agent_t *k, const uint8_t *key, size_t length);
int tpi_counter_key_health_get(tpi_counter_key_health_t *k, const uint8_t *key, size_t length);

/* Labels: append "key=value"; find by exact key. */
int tpi_label_init(char *label, size_t size, const char *kind);
int tpi_label_add(char *label, size_t size, const char *key, const char *value);
int tpi_label_add_u64(char *label, size_t size, const char *key, uint64_t value);
bool tpi_label_get(const char *label, const char *key, char *value, size_t size);

#endif
