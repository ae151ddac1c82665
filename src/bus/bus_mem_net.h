/* Inside of the in-memory bus: shared by bus_mem.c (buses, additions, images) and bus_mem_io.c (sending and receiving). */
#ifndef TPI_BUS_BUS_MEM_NET_H
#define TPI_BUS_BUS_MEM_NET_H

#include "bus/bus_mem.h"
#include "bus/bus_ops.h"

#define MEM_WINDOW_DEFAULT 1024
#define MEM_MTU_PAYLOAD 1376                            /* as Aeron's default IPC MTU of 1408 */
#define MEM_TERM_DEFAULT (UINT64_C(4) << 20)
#define MEM_RESTING_NS INT64_C(10000000000)             /* an untethered image that was cut joins again after this (Aeron's default) */
#define MEM_FAULTS_MAX 1024

typedef struct mem_message
{
    uint8_t *data;
    size_t length;
    int64_t position;
    int32_t session_id;
    int refs;
    enum { MEM_CLAIMED, MEM_COMMITTED, MEM_ABORTED } state;
}
mem_message_t;

typedef struct mem_node
{
    mem_message_t *message;
    bool held;                                          /* TPI_MEM_REORDER: waits for its successor */
    struct mem_node *prev, *next;
}
mem_node_t;

typedef struct mem_publication mem_publication_t;
typedef struct mem_subscription mem_subscription_t;
typedef struct mem_bus mem_bus_t;

typedef struct mem_image
{
    mem_publication_t *pub;                             /* NULL once the sender is closed */
    mem_subscription_t *sub;
    enum { MEM_JOINING, MEM_LIVE, MEM_CUT, MEM_RESTING } state;
    int32_t session_id;
    int64_t joined_ns;
    int64_t rest_until_ns;
    mem_node_t *queue;
    size_t queued;
    struct mem_image *prev, *next;                      /* in its subscription */
    struct mem_image *pub_prev, *pub_next;              /* in its publication */
}
mem_image_t;

typedef struct mem_stream
{
    int32_t stream_id;
    size_t window;
    tpi_on_message_t tap;
    void *tap_clientd;
    struct { tpi_mem_fault_t fault; int count; } faults[MEM_FAULTS_MAX];
    size_t fault_first, fault_count;
    struct mem_stream *next;
}
mem_stream_t;

struct mem_publication
{
    tpi_publication_t base;
    mem_bus_t *bus;
    mem_stream_t *stream;
    char *channel;
    int64_t position;
    bool closed;                                        /* by TPI_MEM_CLOSE */
    mem_image_t *images;
    mem_publication_t *prev, *next;
};

struct mem_subscription
{
    tpi_subscription_t base;
    mem_bus_t *bus;
    mem_stream_t *stream;
    char *channel;
    bool untethered;
    tpi_on_image_t on_image;
    void *image_clientd;
    mem_image_t *images;
    mem_subscription_t *prev, *next;
};

typedef struct mem_counter
{
    tpi_counter_t base;
    _Atomic int64_t cell;
    mem_bus_t *bus;
    int32_t id;
    int64_t registration_id;
    int32_t type_id;
    uint8_t key[TPI_COUNTER_KEY_MAX];
    char *label;
    struct mem_counter *prev, *next;
}
mem_counter_t;

typedef struct mem_async
{
    tpi_bus_async_t base;
    mem_bus_t *bus;
    char *channel;
    int32_t stream_id;
    tpi_subscription_config_t sub;
    mem_counter_t *counter;
    void *added;
    bool done;
    char refusal[320];
    struct mem_async *prev, *next;
}
mem_async_t;

struct mem_bus
{
    tpi_bus_t base;
    tpi_mem_network_t *network;
    int64_t client_id;
    mem_async_t *asyncs;
    struct mem_bus *prev, *next;
};

struct tpi_mem_network
{
    mem_bus_t *buses;
    mem_publication_t *pubs;
    mem_subscription_t *subs;
    mem_counter_t *counters;
    mem_stream_t *streams;
    int64_t now_ns;
    int64_t next_registration;
    int32_t next_session;
    bool killed;
};

extern const tpi_bus_ops_t tpi_mem_ops;

mem_stream_t *tpi_mem_stream(tpi_mem_network_t *network, int32_t stream_id);      /* made when new; NULL with TP_ENOMEM */
void tpi_mem_message_release(mem_message_t *message);
void tpi_mem_image_drain(mem_image_t *image);                                     /* throws the queue away */

int64_t tpi_mem_claim(tpi_publication_t *pub, size_t length, tpi_bus_claim_t *claim);
void tpi_mem_commit(tpi_publication_t *pub, tpi_bus_claim_t *claim);
void tpi_mem_abort(tpi_publication_t *pub, tpi_bus_claim_t *claim);
int64_t tpi_mem_send_prepared(tpi_publication_t *pub, const void *message, size_t length);
int64_t tpi_mem_offer(tpi_publication_t *pub, const uint8_t *data, size_t length);
bool tpi_mem_publication_is_connected(const tpi_publication_t *pub);
int tpi_mem_poll(tpi_subscription_t *sub, tpi_on_message_t handler, void *clientd, int limit);
int tpi_mem_poll_records(tpi_subscription_t *sub, tpi_records_t *records);
bool tpi_mem_subscription_is_connected(const tpi_subscription_t *sub);
bool tpi_mem_subscription_has_message(tpi_subscription_t *sub);
int tpi_mem_image_count(const tpi_subscription_t *sub);

#endif
