/*
 * What a bus implementation provides. bus.c checks arguments and handler rules, then calls through these tables; every slot may assume
 * non-NULL arguments. None of them waits. Slots marked (hot) never allocate and never set error text.
 */
#ifndef TPI_BUS_BUS_OPS_H
#define TPI_BUS_BUS_OPS_H

#include <stdatomic.h>

#include "bus/bus.h"

typedef enum tpi_bus_kind
{
    TPI_BUS_PUBLICATION,
    TPI_BUS_SUBSCRIPTION,
    TPI_BUS_COUNTER
}
tpi_bus_kind_t;

typedef struct tpi_counter_config
{
    int32_t type_id;
    const void *key;
    size_t key_length;
    const char *label;
}
tpi_counter_config_t;

typedef struct tpi_bus_ops
{
    int (*do_work)(tpi_bus_t *bus, int64_t now_ns);
    int64_t (*heartbeat_ms)(const tpi_bus_t *bus);
    int (*counters)(tpi_bus_t *bus, tpi_on_counter_t handler, void *clientd);
    void (*ring)(tpi_bus_t *bus);      /* NULL: nobody sleeps */
    void (*close)(tpi_bus_t *bus);

    int (*add_publication)(tpi_bus_t *bus, tpi_bus_async_t **async, const char *channel, int32_t stream_id);
    int (*add_subscription)(tpi_bus_t *bus, tpi_bus_async_t **async, const tpi_subscription_config_t *config);
    int (*add_counter)(tpi_bus_t *bus, tpi_bus_async_t **async, const tpi_counter_config_t *config);
    int (*async_poll)(tpi_bus_async_t *async, void **out);       /* frees async when the result is not 0 */
    void (*async_cancel)(tpi_bus_async_t *async);                /* frees async */

    int64_t (*claim)(tpi_publication_t *pub, size_t length, tpi_bus_claim_t *claim);             /* hot */
    void (*commit)(tpi_publication_t *pub, tpi_bus_claim_t *claim);                              /* hot */
    void (*abort)(tpi_publication_t *pub, tpi_bus_claim_t *claim);                               /* hot */
    int64_t (*send_prepared)(tpi_publication_t *pub, const void *message, size_t length);        /* hot; length <= max_claim */
    int64_t (*offer)(tpi_publication_t *pub, const uint8_t *data, size_t length);                /* hot */
    bool (*publication_is_connected)(const tpi_publication_t *pub);                              /* hot */
    void (*publication_close)(tpi_publication_t *pub);

    int (*poll)(tpi_subscription_t *sub, tpi_on_message_t handler, void *clientd, int limit);    /* hot */
    int (*poll_records)(tpi_subscription_t *sub, tpi_records_t *records);                        /* hot */
    bool (*subscription_is_connected)(const tpi_subscription_t *sub);                            /* hot */
    bool (*subscription_has_message)(tpi_subscription_t *sub);                                   /* hot */
    int (*image_count)(const tpi_subscription_t *sub);
    void (*subscription_close)(tpi_subscription_t *sub);

    void (*counter_close)(tpi_counter_t *counter);
}
tpi_bus_ops_t;

/* The implementations' objects begin with these. */

struct tpi_bus
{
    const tpi_bus_ops_t *ops;
    atomic_bool lost;                  /* written by the owner thread, read by all; never reset */
};

struct tpi_bus_async
{
    const tpi_bus_ops_t *ops;
    tpi_bus_kind_t kind;
};

struct tpi_publication
{
    const tpi_bus_ops_t *ops;
    const tpi_bus_t *bus;
    int32_t session_id;
    size_t max_claim;
    size_t max_message;
};

struct tpi_subscription
{
    const tpi_bus_ops_t *ops;
    const tpi_bus_t *bus;
};

struct tpi_counter
{
    const tpi_bus_ops_t *ops;
    const tpi_bus_t *bus;
    _Atomic int64_t *value;
};

#define TPI_CHANNEL_MAX 1024           /* longest channel text either bus accepts */

static inline bool tpi_bus_lost(const tpi_bus_t *bus) { return atomic_load_explicit(&bus->lost, memory_order_relaxed); }

/* Handlers are called between these two, so that bus.c knows on which thread it is (trap A4). */
void tpi_bus_handler_enter(void);
void tpi_bus_handler_leave(void);

#endif
