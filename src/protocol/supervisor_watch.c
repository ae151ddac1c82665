/* Invariant: both tables hold at most capacity records. A stream is remembered while it is announced, written or read. */
#include "protocol/supervisor_watch.h"

#include <string.h>

#include "common/alloc.h"

void tpi_watch_init(tpi_watch_t *watch, size_t capacity, int64_t period_ns, int64_t qos_ns)
{
    memset(watch, 0, sizeof(*watch));
    watch->capacity = capacity;
    watch->period_ns = period_ns;
    watch->qos_ns = qos_ns;
}

static void forget_stream(tpi_watch_t *watch, tpi_watched_stream_t *stream)
{
    HASH_DELETE(hh, watch->streams, stream);               /* NOLINT(clang-analyzer-core.NullDereference): a member, so that the head is one */
    tpi_free(stream);
}

static void forget_producer(tpi_watch_t *watch, tpi_watched_producer_t *producer)
{
    HASH_DELETE(hh, watch->producers, producer);           /* NOLINT(clang-analyzer-core.NullDereference): as above */
    tpi_free(producer);
}

void tpi_watch_fini(tpi_watch_t *watch)
{
    while (NULL != watch->streams) { forget_stream(watch, watch->streams); }
    while (NULL != watch->producers) { forget_producer(watch, watch->producers); }
}

tpi_watched_stream_t *tpi_watch_find(const tpi_watch_t *watch, uint32_t stream_id)
{
    tpi_watched_stream_t *found = NULL;
    HASH_FIND(hh, watch->streams, &stream_id, sizeof(stream_id), found);
    return found;
}

tpi_watched_producer_t *tpi_watch_find_producer(const tpi_watch_t *watch, uint32_t stream_id, uint32_t producer_id)
{
    const uint64_t key = (uint64_t)stream_id << 32 | producer_id;
    tpi_watched_producer_t *found = NULL;
    HASH_FIND(hh, watch->producers, &key, sizeof(key), found);
    return found;
}

static tpi_watched_stream_t *enter(tpi_watch_t *watch, uint32_t stream_id, int64_t now_ns)
{
    tpi_watched_stream_t *stream = tpi_watch_find(watch, stream_id);
    if (NULL != stream) { return stream; }
    stream = HASH_COUNT(watch->streams) < watch->capacity ? tpi_alloc(sizeof(*stream)) : NULL;
    if (NULL != stream)
    {
        stream->stream_id = stream_id;
        stream->read_ns = now_ns;
        stream->announced_ns = now_ns;
        stream->written_ns = now_ns;
        HASH_ADD(hh, watch->streams, stream_id, sizeof(stream->stream_id), stream);
        if (NULL != stream->hh.tbl) { return stream; }
        tpi_free(stream);
    }
    watch->refused++;
    return NULL;
}

/* ---- announces ------------------------------------------------------------------------------------------------------------- */

static tpi_announce_verdict_t judge(const tpi_watch_t *watch, const tpc_pool_announce_t *a, int64_t joined_ns, int64_t now_ns, int64_t real_ns)
{
    const bool monotonic = TPC_CLOCK_MONOTONIC == a->announce_clock_domain;
    if (!monotonic && TPC_CLOCK_REALTIME_SYNCED != a->announce_clock_domain) { return TPI_ANNOUNCE_UNKNOWN_CLOCK; }
    const uint64_t now = (uint64_t)(monotonic ? now_ns : real_ns);
    const uint64_t stamp = a->announce_timestamp_ns;
    const bool is_old = stamp < now && now - stamp > (uint64_t)(TPI_WATCH_FRESH_PERIODS * watch->period_ns);
    if (is_old || (monotonic && joined_ns > 0 && stamp < (uint64_t)joined_ns)) { return TPI_ANNOUNCE_OLD; }       /* S-059 */
    if (UINT64_MAX == a->epoch) { return TPI_ANNOUNCE_RESERVED_EPOCH; }                       /* OP-S-20 */
    const tpi_watched_stream_t *const known = tpi_watch_find(watch, a->stream_id);
    return NULL != known && known->has_announce && a->epoch < known->epoch ? TPI_ANNOUNCE_OLD_EPOCH : TPI_ANNOUNCE_TAKEN;      /* S-058 */
}

tpi_announce_verdict_t tpi_watch_on_announce(tpi_watch_t *watch, const tpc_pool_announce_t *announce, int64_t joined_ns, int64_t now_ns,
    int64_t real_ns,
    tpi_watched_stream_t **stream)
{
    const tpi_announce_verdict_t verdict = judge(watch, announce, joined_ns, now_ns, real_ns);
    if (TPI_ANNOUNCE_TAKEN != verdict) { return verdict; }
    tpi_watched_stream_t *const s = enter(watch, announce->stream_id, now_ns);
    if (NULL == s) { return TPI_ANNOUNCE_NO_ROOM; }
    s->has_announce = true;
    s->is_stale = false;
    s->announced_ns = now_ns;
    s->producer_id = announce->producer_id;
    s->epoch = announce->epoch;
    s->layout_version = announce->layout_version;
    s->clock_domain = announce->announce_clock_domain;
    *stream = s;
    return TPI_ANNOUNCE_TAKEN;
}

/* ---- QoS and metadata ------------------------------------------------------------------------------------------------------ */

static tpi_watched_producer_t *enter_producer(tpi_watch_t *watch, uint32_t stream_id, uint32_t producer_id)
{
    tpi_watched_producer_t *producer = tpi_watch_find_producer(watch, stream_id, producer_id);
    if (NULL != producer) { return producer; }
    producer = HASH_COUNT(watch->producers) < watch->capacity ? tpi_alloc(sizeof(*producer)) : NULL;
    if (NULL != producer)
    {
        producer->key = (uint64_t)stream_id << 32 | producer_id;
        producer->stream_id = stream_id;
        producer->producer_id = producer_id;
        HASH_ADD(hh, watch->producers, key, sizeof(producer->key), producer);
        if (NULL != producer->hh.tbl) { return producer; }
        tpi_free(producer);
    }
    watch->refused++;
    return NULL;
}

tpi_watched_producer_t *tpi_watch_on_qos(tpi_watch_t *watch, const tpc_qos_producer_t *qos, int64_t now_ns)
{
    tpi_watched_producer_t *const producer = enter_producer(watch, qos->stream_id, qos->producer_id);
    if (NULL == producer) { return NULL; }
    producer->is_silent = false;
    producer->epoch = qos->epoch;
    producer->current_seq = qos->current_seq;
    producer->watermark = qos->watermark;
    producer->heard_ns = now_ns;
    tpi_watched_stream_t *const stream = enter(watch, qos->stream_id, now_ns);
    if (NULL == stream) { return producer; }
    if (stream->has_seq && stream->current_seq != qos->current_seq)
    {
        const bool was_idle = now_ns - stream->written_ns > TPI_WATCH_STALE_PERIODS * watch->qos_ns;
        if (was_idle && 0 == stream->consumers) { stream->read_ns = now_ns; }          /* unread from now on, not since it rested */
        stream->written_ns = now_ns;
    }
    stream->has_seq = true;
    stream->current_seq = qos->current_seq;
    return producer;
}

void tpi_watch_on_source(tpi_watch_t *watch, const tpc_source_announce_t *source, int64_t now_ns)
{
    tpi_watched_stream_t *const stream = enter(watch, source->stream_id, now_ns);
    if (NULL == stream) { return; }
    stream->meta_version = source->meta_version;
    (void)tpc_bytes_copy(stream->name, sizeof(stream->name), source->name);
}

void tpi_watch_on_meta(tpi_watch_t *watch, const tpc_source_meta_t *meta)
{
    tpi_watched_stream_t *const stream = tpi_watch_find(watch, meta->stream_id);
    if (NULL != stream) { stream->meta_version = meta->meta_version; }
}

bool tpi_watch_consumer(tpi_watch_t *watch, uint32_t stream_id, int change, int64_t now_ns)
{
    tpi_watched_stream_t *const stream = change > 0 ? enter(watch, stream_id, now_ns) : tpi_watch_find(watch, stream_id);
    if (NULL == stream) { return false; }
    if (change > 0) { stream->consumers++; }
    else if (stream->consumers > 0) { stream->consumers--; }
    stream->read_ns = now_ns;
    return true;
}

/* ---- time ------------------------------------------------------------------------------------------------------------------ */

static void tick_streams(tpi_watch_t *watch, int64_t now_ns, tpi_watch_on_gone_t on_gone, void *clientd)
{
    tpi_watched_stream_t *stream = NULL;
    tpi_watched_stream_t *next = NULL;
    HASH_ITER(hh, watch->streams, stream, next)
    {
        const int64_t silence_ns = now_ns - stream->announced_ns;
        stream->is_stale = stream->has_announce && silence_ns > TPI_WATCH_STALE_PERIODS * watch->period_ns;       /* S-057 */
        const bool is_written = stream->has_seq && now_ns - stream->written_ns <= TPI_WATCH_FORGET_PERIODS * watch->qos_ns;
        if (0 != stream->consumers || is_written || silence_ns <= TPI_WATCH_FORGET_PERIODS * watch->period_ns) { continue; }
        on_gone(clientd, stream, NULL);
        forget_stream(watch, stream);
    }
}

void tpi_watch_tick(tpi_watch_t *watch, int64_t now_ns, tpi_watch_on_gone_t on_gone, void *clientd)
{
    tpi_watched_producer_t *producer = NULL;
    tpi_watched_producer_t *next = NULL;
    HASH_ITER(hh, watch->producers, producer, next)
    {
        const int64_t silence_ns = now_ns - producer->heard_ns;
        producer->is_silent = silence_ns > TPI_WATCH_STALE_PERIODS * watch->qos_ns;
        if (silence_ns <= TPI_WATCH_FORGET_PERIODS * watch->qos_ns) { continue; }
        on_gone(clientd, NULL, producer);
        forget_producer(watch, producer);
    }
    tick_streams(watch, now_ns, on_gone, clientd);
}
