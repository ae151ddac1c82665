/*
 * Streams and producers as a supervisor sees them (25-supervisor.md section 6): soft state out of announces, QoS and metadata. Pure; one thread.
 * Tables are bounded: what finds them full is counted and not watched. A message costs one look into a hash.
 */
#ifndef TPI_PROTOCOL_SUPERVISOR_WATCH_H
#define TPI_PROTOCOL_SUPERVISOR_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/codec_wire.h"
#include "common/hash.h"

#define TPI_WATCH_FRESH_PERIODS 3      /* announces older than that are ignored */
#define TPI_WATCH_STALE_PERIODS 4      /* silence after which a stream or producer is stale: between 3 and 5 */
#define TPI_WATCH_FORGET_PERIODS 60    /* and after which it is forgotten */
#define TPI_WATCH_NAME_MAX 128

typedef struct tpi_watched_stream
{
    uint32_t stream_id;
    bool has_announce;
    bool is_stale;
    uint32_t producer_id;              /* of the last announce, 0 = none */
    uint64_t epoch;                    /* the highest */
    uint32_t layout_version;
    uint8_t clock_domain;
    int64_t announced_ns;              /* when the last one came */
    uint32_t consumers;                /* that the registry holds */
    int64_t read_ns;                   /* when there was a consumer last, or the stream was seen first */
    bool has_seq;
    uint64_t current_seq;              /* of the last QosProducer */
    int64_t written_ns;                /* when it moved last */
    uint32_t meta_version;
    char name[TPI_WATCH_NAME_MAX];     /* of its DataSourceAnnounce, cut; "" = unknown */
    void *regions;                     /* whoever looks at its regions keeps his things here */
    UT_hash_handle hh;
}
tpi_watched_stream_t;

typedef struct tpi_watched_producer
{
    uint64_t key;                      /* stream << 32 | producer */
    uint32_t stream_id;
    uint32_t producer_id;
    bool is_silent;
    uint64_t epoch;
    uint64_t current_seq;
    uint32_t watermark;
    int64_t heard_ns;
    UT_hash_handle hh;
}
tpi_watched_producer_t;

typedef struct tpi_watch
{
    size_t capacity;
    int64_t period_ns;                 /* of announces */
    int64_t qos_ns;                    /* of QoS */
    tpi_watched_stream_t *streams;
    tpi_watched_producer_t *producers;
    uint64_t refused;                  /* newcomers that found a table full */
}
tpi_watch_t;

typedef enum tpi_announce_verdict
{
    TPI_ANNOUNCE_TAKEN = 0,
    TPI_ANNOUNCE_OLD,                  /* beyond the freshness window, or from before we listened */
    TPI_ANNOUNCE_OLD_EPOCH,
    TPI_ANNOUNCE_RESERVED_EPOCH,
    TPI_ANNOUNCE_UNKNOWN_CLOCK,
    TPI_ANNOUNCE_NO_ROOM
}
tpi_announce_verdict_t;

void tpi_watch_init(tpi_watch_t *watch, size_t capacity, int64_t period_ns, int64_t qos_ns);
void tpi_watch_fini(tpi_watch_t *watch);
tpi_watched_stream_t *tpi_watch_find(const tpi_watch_t *watch, uint32_t stream_id);
tpi_watched_producer_t *tpi_watch_find_producer(const tpi_watch_t *watch, uint32_t stream_id, uint32_t producer_id);
/* joined_ns: CLOCK_MONOTONIC when the sender's image became available; now as the two clocks of this host. */
tpi_announce_verdict_t tpi_watch_on_announce(tpi_watch_t *watch, const tpc_pool_announce_t *announce, int64_t joined_ns, int64_t now_ns,
    int64_t real_ns,
    tpi_watched_stream_t **stream);
/* NULL: no room. */
tpi_watched_producer_t *tpi_watch_on_qos(tpi_watch_t *watch, const tpc_qos_producer_t *qos, int64_t now_ns);
void tpi_watch_on_source(tpi_watch_t *watch, const tpc_source_announce_t *source, int64_t now_ns);
void tpi_watch_on_meta(tpi_watch_t *watch, const tpc_source_meta_t *meta);
/* A consumer of that stream came (+1) or went (-1, for one that was counted). false: there is no room for the stream, nobody was counted. */
bool tpi_watch_consumer(tpi_watch_t *watch, uint32_t stream_id, int change, int64_t now_ns);
/* Brings is_stale and is_silent up to date. on_gone: called for what is forgotten, before it is freed; one of the two is NULL. */
typedef void (*tpi_watch_on_gone_t)(void *clientd, tpi_watched_stream_t *stream, tpi_watched_producer_t *producer);
void tpi_watch_tick(tpi_watch_t *watch, int64_t now_ns, tpi_watch_on_gone_t on_gone, void *clientd);

#endif
