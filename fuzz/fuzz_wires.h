/* The in-memory bus of a service, and the outside that sends on its four streams. */
#ifndef TP_FUZZ_FUZZ_WIRES_H
#define TP_FUZZ_FUZZ_WIRES_H

#include <stdlib.h>
#include <string.h>

#include "bus/bus_mem.h"

#define MS INT64_C(1000000)
#define RECORDS_MAX 64
#define WIRES 4
#define STAMP_AT 24                    /* announceTimestampNs: header, stream id, producer id, epoch */

typedef struct wires
{
    tpi_mem_network_t *network;
    tpi_bus_t *bus;                    /* the service's */
    tpi_bus_t *outside;
    tpi_publication_t *publications[WIRES];
}
wires_t;

/* Zeroed before. */
static inline void wires_open(wires_t *wires)
{
    if (tpi_mem_network_create(&wires->network) < 0 || tpi_bus_mem_open(&wires->bus, wires->network) < 0) { abort(); }
    if (tpi_bus_mem_open(&wires->outside, wires->network) < 0) { abort(); }
}

static inline void wires_connect(wires_t *wires, const char *channel, const int32_t *streams, int64_t now_ns)
{
    for (size_t i = 0; i < WIRES; i++)
    {
        tpi_bus_async_t *async = NULL;
        if (tpi_bus_add_publication(wires->outside, &async, channel, streams[i]) < 0) { abort(); }
        (void)tpi_bus_do_work(wires->outside, now_ns);
        if (1 != tpi_bus_add_publication_poll(async, &wires->publications[i])) { abort(); }
    }
}

static inline tpi_subscription_t *wires_listen(wires_t *wires, const char *channel, int32_t stream_id, int64_t now_ns)
{
    tpi_bus_async_t *async = NULL;
    tpi_subscription_t *listener = NULL;
    const tpi_subscription_config_t config = { .channel = channel, .stream_id = stream_id };
    if (tpi_bus_add_subscription(wires->outside, &async, &config) < 0) { abort(); }
    (void)tpi_bus_do_work(wires->outside, now_ns);
    if (1 != tpi_bus_add_subscription_poll(async, &listener)) { abort(); }
    return listener;
}

/* On the second stream, that of announces, with the time of now, so that it counts. */
static inline void wires_send_stamped(wires_t *wires, const uint8_t *data, size_t length, int64_t now_ns)
{
    uint8_t copy[8192];
    const uint64_t stamp = (uint64_t)now_ns;
    if (length > sizeof(copy)) { return; }
    if (0 != length) { memcpy(copy, data, length); }
    if (length >= STAMP_AT + sizeof(stamp)) { memcpy(copy + STAMP_AT, &stamp, sizeof(stamp)); }
    (void)tpi_publication_offer(wires->publications[1], copy, length);
}

/* Behind the service. */
static inline void wires_close(wires_t *wires)
{
    tpi_bus_close(wires->bus);
    tpi_bus_close(wires->outside);
    tpi_mem_network_delete(wires->network);
}

#endif
