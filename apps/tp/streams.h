/*
 * What can be known about streams without asking anybody: counters (docs/spec/95-local-extensions.md: driver 9001, stream 9002, lease 9003,
 * client 9004) and the newest slots of the header ring. Everything read is a snapshot that may be stale when it is printed.
 */
#ifndef APPS_TP_STREAMS_H
#define APPS_TP_STREAMS_H

#include "cli.h"

#define CLI_COUNTER_DRIVER 9001
#define CLI_COUNTER_STREAM 9002
#define CLI_COUNTER_LEASE 9003
#define CLI_COUNTER_CLIENT 9004
#define CLI_COUNTER_STAT 9005
#define CLI_COUNTER_AGENT 9006
#define CLI_COUNTER_DISCOVERY 9010
#define CLI_COUNTER_DISCOVERY_STAT 9011
#define CLI_COUNTER_SUPERVISOR 9020
#define CLI_COUNTER_SUPERVISOR_STAT 9021
#define CLI_COUNTER_HEALTH 9022
#define CLI_COUNTER_TENSOR_POOL(type) ((type) >= CLI_COUNTER_DRIVER && (type) <= CLI_COUNTER_CLIENT)

enum { CLI_CLIENT_FRAMES = 1, CLI_CLIENT_BYTES, CLI_CLIENT_DROPS_GAP, CLI_CLIENT_DROPS_LATE, CLI_CLIENT_DROPS_OTHER, CLI_CLIENT_LAST_SEQ,
    CLI_CLIENT_KINDS, CLI_CLIENT_LATENCY_P50 = 7, CLI_CLIENT_LATENCY_P99, CLI_CLIENT_LATENCY_MAX, CLI_CLIENT_DROPS = 32 };

typedef struct cli_lease
{
    uint64_t lease_id, pid;            /* pid 0 = its client has no counters */
    uint64_t driver_token;             /* the driver process that granted it */
    uint32_t stream_id, client_id;
    uint32_t node_id;                  /* TP_NULL_U32 = none */
    uint8_t role;
    int64_t keepalive_ns;
    uint64_t values[CLI_CLIENT_KINDS];
    bool counted;                      /* values are known */
    bool has_latency;
    int64_t latency_p50_ns, latency_p99_ns, latency_max_ns;
    uint64_t reasons[TP_DROP_REASONS]; /* lost frames by reason, where the consumer counts them */
}
cli_lease_t;

typedef struct cli_stream
{
    uint32_t stream_id, header_nslots, producer_client_id, consumer_count, pool_count;
    uint64_t epoch, max_stride_bytes, driver_token;
    char name[128], driver_instance[128], directory[1024];
    /* of the header ring */
    bool has_frames;
    uint64_t newest_seq, newest_ns, newest_bytes;
    uint16_t newest_pool;
    tp_tensor_t tensor;
    double hz, bytes_per_second;       /* 0 when nothing was published for 2 s or 3 periods */
    uint64_t drops;                    /* of consumers that live now */
}
cli_stream_t;

/* What a supervisor says is wrong (docs/spec/95-local-extensions.md section 6). */
typedef struct cli_condition
{
    char kind[48], client_name[128];
    uint32_t stream_id, client_id;     /* 0 = about the supervisor, about the stream */
    int64_t value, bound, since_ns;
}
cli_condition_t;

#define CLI_CONDITIONS_MAX 1024
#define CLI_STREAMS_MAX 4096
#define CLI_LEASES_MAX 4096
typedef struct cli_streams
{
    cli_stream_t *streams;
    size_t stream_count, stream_capacity;
    cli_lease_t *leases;
    size_t lease_count, lease_capacity;
    cli_condition_t *conditions;
    size_t condition_count, condition_capacity;
    bool failed;
}
cli_streams_t;

/* Whether a lease is one of that stream: two drivers may have streams of one id. */
bool cli_lease_is_of(const cli_lease_t *lease, const cli_stream_t *stream);

/* Reads counters and rings, streams sorted by id. 0, or -1 with the error of this thread; streams is empty then. */
int cli_streams_collect(cli_streams_t *streams, tp_counters_t *counters, bool with_rings);
/* The same, and prints what fails; returns the exit code. */
int cli_streams_read(cli_streams_t *streams, tp_counters_t *counters, bool with_rings);
void cli_streams_fini(cli_streams_t *streams);

/* The value of "key=value" in a counter's label, %XX decoded. false when there is none. */
bool cli_label_value(const char *label, const char *key, char *value, size_t size);

/* Whether the media driver of these counters gave a sign of life lately. */
bool cli_counters_live(const tp_counters_t *counters);

/* Process exists (also when it belongs to somebody else). */
bool cli_pid_alive(uint64_t pid);

/* For rounds: when that media driver is dead and another one has come to its place, *counters is exchanged for the new ones. Returns *counters. */
tp_counters_t *cli_counters_now(const cli_args_t *args, tp_counters_t **counters);

/* Prints the note that a media driver or driver is dead, once a round, on standard error. true when the media driver is alive. */
bool cli_note_dead(tp_counters_t *counters);

#endif
