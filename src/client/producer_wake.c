/*
 * See producer_wake.h. The promise follows the page by a while: when a sleeper reads it, every commit that is still on its way into memory was made
 * by a thread that saw the page.
 */
#include "client/producer_wake.h"

#include "client/wake_source.h"

#define SETTLE_NS TPI_WAKE_FRESH_NS

void tpi_producer_wake_release(tpi_producer_map_t *map)
{
    tpi_wake_source_put(map->wake_source);
    map->wake_source = NULL;
}

void tpi_producer_wake_withdrawn(tp_producer_t *producer)
{
    const tpi_producer_map_t *const map = producer->published;
    if (NULL != map && NULL != map->wake_source) { tpi_wake_break_promise(map->wake_source->page, map->epoch); }         /* L-206 */
    producer->promise_ns = INT64_MAX;
}

void tpi_producer_wake_close(tp_producer_t *producer)
{
    tpi_wake_source_put(producer->wake);
    producer->wake = NULL;
}

static void hand_over(tp_producer_t *p, int64_t now_ns)
{
    tpi_producer_map_t *const map = p->published;
    map->wake_source = p->wake;
    map->wake_source->refs++;
    atomic_store_explicit(&map->wake, p->wake->page, memory_order_release);
    tpi_producer_call_attention(p);
    p->promise_ns = now_ns + SETTLE_NS;
    p->decay_ns = now_ns + TPI_WAKE_DECAY_NS;
}

int tpi_producer_wake_work(tp_producer_t *producer, int64_t now_ns)
{
    tp_producer_t *const p = producer;
    if (NULL == p->published) { return 0; }
    if (NULL != p->wake && tpi_wake_source_is_stale(p->wake, p->published->stream_id)) { tpi_producer_wake_close(p); }
    if (NULL == p->wake) { p->wake = tpi_wake_source_get(p->client, p->published->stream_id, now_ns); }
    if (NULL == p->published->wake_source)
    {
        if (NULL == p->wake || NULL == p->wake->page) { return 0; }
        hand_over(p, now_ns);
        return 1;
    }
    tpi_wake_page_t *const page = p->published->wake_source->page;
    if (now_ns >= p->promise_ns)
    {
        p->promise_ns = INT64_MAX;
        tpi_wake_promise(page, p->published->epoch);
    }
    if (now_ns >= p->decay_ns)
    {
        p->decay_ns = now_ns + TPI_WAKE_DECAY_NS;
        tpi_wake_decay(page);
    }
    return 0;
}
