/*
 * Inside of the Aeron bus. bus_aeron.c: life, conductor, loss of the media driver. bus_aeron_add.c: additions and closing.
 * bus_aeron_io.c: sending and receiving; bus_aeron_records.c: receiving records; bus_aeron_pages.c: pages of the logs. Aeron's client runs in invoker
 * mode: its conductor is the owner's tpi_bus_do_work.
 */
#ifndef TPI_BUS_BUS_AERON_H
#define TPI_BUS_BUS_AERON_H

#include "bus/bus_ops.h"
#include "bus/doorbell.h"
#include "common/err.h"
#include "common/hint.h"

/* Of aeronc.h, which the files of this bus include themselves: this header stands alone. */
typedef struct aeron_context_stct aeron_context_t;
typedef struct aeron_stct aeron_t;
typedef struct aeron_exclusive_publication_stct aeron_exclusive_publication_t;
typedef struct aeron_subscription_stct aeron_subscription_t;
typedef struct aeron_fragment_assembler_stct aeron_fragment_assembler_t;
typedef struct aeron_counter_stct aeron_counter_t;
typedef struct aeron_header_stct aeron_header_t;
typedef struct aeron_image_stct aeron_image_t;

typedef struct aeron_bus_async aeron_bus_async_t;
typedef struct aeron_bus_pub aeron_bus_pub_t;
typedef struct aeron_bus_sub aeron_bus_sub_t;
typedef struct aeron_bus_counter aeron_bus_counter_t;

/* The commands ring's trailer in the media driver's cnc.dat, mapped read-only. */
typedef struct aeron_bus_watch
{
    void *map;
    size_t map_length;
    const _Atomic int64_t *heartbeat_ms;
    const _Atomic int64_t *ring_tail;
    const _Atomic int64_t *ring_head;
    int64_t ring_capacity;
    int64_t pid;
    bool process_was_seen;             /* at opening; the process of another pid namespace never is */
    int64_t seen_ms;                   /* heartbeat last seen */
    int64_t silent_ns;                 /* how long it has not changed, counted in steps of at most a quarter of the timeout */
    int64_t looked_ns;                 /* time of the last look */
}
aeron_bus_watch_t;

typedef struct aeron_bus
{
    tpi_bus_t base;
    aeron_t *client;
    aeron_context_t *context;
    char *dir;
    int64_t driver_timeout_ns;
    _Atomic int64_t now_ns;            /* of the latest do_work: join time of the images it reports (trap A7) */
    aeron_bus_watch_t watch;
    tpi_doorbell_t *doorbell;          /* NULL: the media driver has none. Set at opening, so that any thread may ring */
    int64_t rung_tail;                 /* of the commands ring, when it was rung for */
    tpi_counters_reader_t *reader;
    tpi_err_t loss;                    /* why the bus is lost */
    char complaint[256];               /* last text of Aeron's error handler */
    aeron_bus_async_t *asyncs;
    aeron_bus_pub_t *pubs;
    aeron_bus_sub_t *subs;
    aeron_bus_counter_t *counters;
}
aeron_bus_t;

/* Of a log: how far its pages were asked for ahead of who moves in it. Owner thread. */
typedef struct tpi_log_pages
{
    bool has_seen;
    bool is_done;                      /* once round, or it cannot be done */
    int64_t seen;                      /* position at the last look */
    int64_t until;                     /* they are there; to be there; once round */
    int64_t goal;
    int64_t end;
}
tpi_log_pages_t;

struct aeron_bus_pub
{
    tpi_publication_t base;
    aeron_bus_t *bus;
    aeron_exclusive_publication_t *pub;
    int64_t rung_limit;                /* publishing thread: the limit that the media driver was woken for */
    tpi_log_pages_t pages;
    aeron_bus_pub_t *prev, *next;
};

/*
 * Join times. The owner thread keeps the list of images; after each change it puts a copy into the mailbox. The polling thread takes the
 * newest copy when it polls. Nobody waits, and the polling thread alone frees what it took.
 */
typedef struct image_entry
{
    aeron_image_t *image;
    int32_t session_id;
    int64_t joined_ns;
    tpi_log_pages_t pages;             /* in the owner's list */
}
image_entry_t;

typedef struct image_list
{
    size_t count;
    image_entry_t entries[];
}
image_list_t;

#define HELD_MAX 8u                    /* images kept at hand; with more of them the subscription is polled */

struct aeron_bus_sub
{
    tpi_subscription_t base;
    aeron_bus_t *bus;
    aeron_subscription_t *sub;
    aeron_fragment_assembler_t *assembler;
    tpi_on_image_t on_image;
    void *image_clientd;
    image_list_t *owned;               /* owner thread */
    image_list_t *_Atomic mailbox;
    _Atomic uint32_t changes;          /* of the images; written by the owner thread */
    image_list_t *polled;              /* polling thread, as all below */
    size_t hint;
    aeron_image_t *held[HELD_MAX];     /* bus_aeron_records.c: all images, or none */
    uint32_t held_count;
    uint32_t held_first;               /* who comes first next time */
    size_t held_mtu_bytes;             /* the largest of theirs */
    uint32_t seen_changes;
    bool has_read;                     /* further than Aeron knows: up to that position of that session */
    int32_t read_session_id;
    int64_t read_position;
    tpi_on_message_t handler;          /* NULL outside of a poll */
    void *clientd;
    int delivered;
    aeron_bus_sub_t *prev, *next;
};

struct aeron_bus_counter
{
    tpi_counter_t base;
    aeron_bus_t *bus;
    aeron_counter_t *counter;
    aeron_bus_counter_t *prev, *next;
};

extern const tpi_bus_ops_t tpi_aeron_ops;

/* One line of aeron_errmsg() without its source positions. */
const char *tpi_aeron_text(char *buffer, size_t size);
/* Wakes the media driver when there are commands that it has not been rung for. Owner thread. */
void tpi_aeron_ring_for_commands(aeron_bus_t *bus);
/* Owner thread, after each turn of Aeron's conductor: while an image is in the list it is there. Above 0: more is to be done at once. */
int tpi_aeron_pages_ahead(aeron_bus_t *bus);
/* The results of a publication, mapped (trap A5). */
int64_t tpi_aeron_result(int64_t aeron_result);

int tpi_aeron_add_publication(tpi_bus_t *bus, tpi_bus_async_t **async, const char *channel, int32_t stream_id);
int tpi_aeron_add_subscription(tpi_bus_t *bus, tpi_bus_async_t **async, const tpi_subscription_config_t *config);
int tpi_aeron_add_counter(tpi_bus_t *bus, tpi_bus_async_t **async, const tpi_counter_config_t *config);
int tpi_aeron_async_poll(tpi_bus_async_t *async, void **out);
void tpi_aeron_async_cancel(tpi_bus_async_t *async);
void tpi_aeron_publication_close(tpi_publication_t *pub);
void tpi_aeron_subscription_close(tpi_subscription_t *sub);
void tpi_aeron_counter_close(tpi_counter_t *counter);
/* After aeron_close: frees all that is left of pending additions and open objects. */
void tpi_aeron_free_all(aeron_bus_t *bus);

int64_t tpi_aeron_claim(tpi_publication_t *pub, size_t length, tpi_bus_claim_t *claim);
void tpi_aeron_commit(tpi_publication_t *pub, tpi_bus_claim_t *claim);
void tpi_aeron_abort(tpi_publication_t *pub, tpi_bus_claim_t *claim);
int64_t tpi_aeron_send_prepared(tpi_publication_t *pub, const void *message, size_t length);
/* The same, for descriptors without Aeron's help; only with TPI_AERON_APPEND. */
int64_t tpi_aeron_append(tpi_publication_t *pub, const void *message, size_t length);
int64_t tpi_aeron_offer(tpi_publication_t *pub, const uint8_t *data, size_t length);
bool tpi_aeron_publication_is_connected(const tpi_publication_t *pub);
int tpi_aeron_poll(tpi_subscription_t *sub, tpi_on_message_t handler, void *clientd, int limit);
int tpi_aeron_poll_records(tpi_subscription_t *sub, tpi_records_t *records);
/* Before the subscription is closed: nobody polls it any more. */
void tpi_aeron_let_images_go(aeron_bus_sub_t *sub);
bool tpi_aeron_subscription_is_connected(const tpi_subscription_t *sub);
bool tpi_aeron_subscription_has_message(tpi_subscription_t *sub);
int tpi_aeron_image_count(const tpi_subscription_t *sub);
void tpi_aeron_on_fragment(void *clientd, const uint8_t *data, size_t length, aeron_header_t *header);
void tpi_aeron_on_available_image(void *clientd, aeron_subscription_t *sub, aeron_image_t *image);
void tpi_aeron_on_unavailable_image(void *clientd, aeron_subscription_t *sub, aeron_image_t *image);

#endif
