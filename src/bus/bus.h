/*
 * The message bus: exclusive publications, subscriptions, counters. Two implementations stand behind the same calls and the same
 * conformance suite: bus_aeron.c (a real media driver) and bus_mem.c (deterministic, in memory, for tests).
 *
 * Threads. One thread, the owner, calls tpi_bus_do_work and everything that adds or closes. A publication is used by one thread at a
 * time, a subscription is polled by one thread at a time; these may be others than the owner's. A subscription or publication must not
 * be closed while its thread is inside a call on it: whoever closes has to know (the client retires buses instead of closing them).
 *
 * Handlers run inside tpi_subscription_poll or tpi_bus_do_work, never wait and never call back into the bus to add, to close or to do work
 * (trap A4): from inside a handler additions and do_work fail with TP_ESTATE, closes do nothing and are logged. Publishing is allowed.
 */
#ifndef TPI_BUS_BUS_H
#define TPI_BUS_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tensor_pool/common/tp_error.h>

typedef struct tpi_bus tpi_bus_t;
typedef struct tpi_publication tpi_publication_t;
typedef struct tpi_subscription tpi_subscription_t;
typedef struct tpi_counter tpi_counter_t;
typedef struct tpi_bus_async tpi_bus_async_t;

/* One claimed message: write length bytes at data, then commit or abort. opaque belongs to the bus. */
typedef struct tpi_bus_claim
{
    uint8_t *data;
    size_t length;
    void *opaque[8];
}
tpi_bus_claim_t;

/* A whole message (fragments are assembled). data is valid during the call only. */
typedef struct tpi_message
{
    const uint8_t *data;
    size_t length;
    int32_t session_id;        /* of the sending publication: identifies the sender (D-206) */
    int64_t position;          /* of the end of the message in its image */
    int64_t joined_ns;         /* CLOCK_MONOTONIC when the image became available (W-084, trap A7) */
}
tpi_message_t;

typedef void (*tpi_on_message_t)(void *clientd, const tpi_message_t *message);
/* available = true when an image (a sender) joined, false when it left. Runs in tpi_bus_do_work. */
typedef void (*tpi_on_image_t)(void *clientd, int32_t session_id, bool available, int64_t now_ns);

/* ---- life ------------------------------------------------------------------------------------------------------------------ */

typedef struct tpi_bus_aeron_config
{
    const char *aeron_dir;             /* NULL or "" = Aeron's default directory */
    const char *client_name;           /* may be NULL */
    int64_t driver_timeout_ns;         /* 0 = default; a media driver silent for so long counts as dead */
    int64_t connect_timeout_ns;        /* how long _open waits for the media driver's files; 0 = do not wait */
}
tpi_bus_aeron_config_t;

/* Connects to a media driver, in Aeron's invoker mode: nothing runs unless tpi_bus_do_work is called. Fails with TP_ENOMEDIADRIVER. */
int tpi_bus_aeron_open(tpi_bus_t **bus, const tpi_bus_aeron_config_t *config);

/*
 * Runs the client conductor once. Returns work done (>= 0) or -1 when the bus is lost (TP_EMEDIADRIVER); it stays lost. -1 with TP_ESTATE:
 * called from inside a handler (trap A4). now_ns is CLOCK_MONOTONIC and never goes back; images that join get it as their join time.
 * The media driver drops a client whose bus was not worked for its client liveness timeout (default 10 s): call it at least every second.
 *
 * After the bus is lost everything it gave out stays valid memory until tpi_bus_close: claim and offer return TP_CLOSED, poll returns
 * TP_CLOSED, a claim made before may still be committed or aborted (nobody reads it), tpi_counter_set does nothing, closes work at once and
 * wait for nobody. Other threads may be inside such calls while the owner's tpi_bus_do_work finds out.
 */
int tpi_bus_do_work(tpi_bus_t *bus, int64_t now_ns);
/* True when lost or closed. Any thread. */
bool tpi_bus_is_closed(const tpi_bus_t *bus);
/* Last sign of life of the media driver in CLOCK_REALTIME ms as in its cnc file, 0 if unknown. */
int64_t tpi_bus_media_driver_heartbeat_ms(const tpi_bus_t *bus);
/*
 * Wakes a sleeping media driver of ours, and with it the driver in its process: for messages that somebody is waited for to read. Commands and full
 * publications ring by themselves. Without a doorbell nothing happens: such a driver looks often enough. Any thread; accepts NULL.
 */
void tpi_bus_ring(tpi_bus_t *bus);
/* Closes everything that was added to it, pending additions too. Nobody may be inside a call on any of it. Accepts NULL. */
void tpi_bus_close(tpi_bus_t *bus);

/* ---- publications ---------------------------------------------------------------------------------------------------------- */

/*
 * Starts to add; *async belongs to the bus until its poll returned non-zero and must not be touched afterwards.
 * poll: 0 pending, 1 done (*out set), -1 failed (TP_ECHANNEL with the other term-length named where that is the reason, TP_EBUS).
 */
int tpi_bus_add_publication(tpi_bus_t *bus, tpi_bus_async_t **async, const char *channel, int32_t stream_id);
int tpi_bus_add_publication_poll(tpi_bus_async_t *async, tpi_publication_t **out);
/* Gives up an addition whose poll still says pending; what the media driver makes of it is closed unseen. Owner thread; accepts NULL. */
void tpi_bus_async_cancel(tpi_bus_async_t *async);

/*
 * Position > 0, or TP_BACK_PRESSURED, TP_NOT_CONNECTED, TP_ADMIN_ACTION, TP_CLOSED, TP_INVALID_ARGUMENT (longer than one
 * fragment). No allocation. TP_FAILED and TP_ADMIN_ACTION leave nothing behind; ADMIN_ACTION (term rotation) succeeds when tried again at once.
 */
int64_t tpi_publication_claim(tpi_publication_t *pub, size_t length, tpi_bus_claim_t *claim);
void tpi_bus_claim_commit(tpi_bus_claim_t *claim);
void tpi_bus_claim_abort(tpi_bus_claim_t *claim);
/* Claim, copy, commit in one call, for messages prepared beforehand: the cheapest way out. Same results as _claim; pub and message not NULL. */
int64_t tpi_publication_send_prepared(tpi_publication_t *pub, const void *message, size_t length);
/* Copies; fragments long messages. Same results. */
int64_t tpi_publication_offer(tpi_publication_t *pub, const uint8_t *data, size_t length);
/* The same, tried again a few times where the log rotates (trap A2). Same results. */
int64_t tpi_publication_send(tpi_publication_t *pub, const uint8_t *data, size_t length);
/* Whether what the bus refused with that result may be taken later. */
bool tpi_bus_may_take_later(int64_t result);
bool tpi_publication_is_connected(const tpi_publication_t *pub);
int32_t tpi_publication_session_id(const tpi_publication_t *pub);
size_t tpi_publication_max_claim(const tpi_publication_t *pub);      /* longest message for _claim */
size_t tpi_publication_max_message(const tpi_publication_t *pub);    /* longest message for _offer */
void tpi_publication_close(tpi_publication_t *pub);                  /* owner thread; accepts NULL */

/* ---- subscriptions --------------------------------------------------------------------------------------------------------- */

typedef struct tpi_subscription_config
{
    const char *channel;
    int32_t stream_id;
    bool untethered;                   /* adds tether=false to the subscription's channel where loss is survivable (trap A6) */
    tpi_on_image_t on_image;           /* may be NULL */
    void *image_clientd;
}
tpi_subscription_config_t;

int tpi_bus_add_subscription(tpi_bus_t *bus, tpi_bus_async_t **async, const tpi_subscription_config_t *config);
int tpi_bus_add_subscription_poll(tpi_bus_async_t *async, tpi_subscription_t **out);
/*
 * Hands at most limit messages to the handler; returns how many, TP_CLOSED, or TP_INVALID_ARGUMENT. No allocation for unfragmented messages.
 * A subscription that nobody polls stops every publisher of its stream after half a term (trap A1), unless it is untethered (trap A6).
 * A new image may begin with messages that are older than its joined_ns: Aeron replays what lingers in the log of a sender that just left
 * or had no subscriber. Receivers compare times with joined_ns where that matters (10-wire.md 10.2 A5).
 */
int tpi_subscription_poll(tpi_subscription_t *sub, tpi_on_message_t handler, void *clientd, int limit);

/*
 * Records: messages of TPI_RECORD_BYTES that begin with the same eight bytes and the same four after them. They are copied one after the other and
 * nobody is called for them; those with another key are passed over and counted. Anything else is handed to other, in its place in the order.
 * Nothing is assembled: of a message in fragments, which no record is, other gets the first fragment, and the rest is passed over.
 */
#define TPI_RECORD_BYTES 48

typedef struct tpi_record { _Alignas(64) uint8_t bytes[TPI_RECORD_BYTES]; } tpi_record_t;

typedef struct tpi_records tpi_records_t;
/*
 * May append at most one record itself, for a message that means the same and is longer than TPI_OTHER_SHORT_BYTES, as long as there is room: what is
 * taken from a log is bounded by the space that records take there. data is valid during the call only.
 */
#define TPI_OTHER_SHORT_BYTES 32
typedef void (*tpi_on_other_t)(tpi_records_t *records, const uint8_t *data, size_t length);

struct tpi_records
{
    uint32_t count;                    /* in room; the polls add to it */
    uint32_t capacity;                 /* of room */
    tpi_record_t *room;
    uint64_t head;                     /* first eight bytes of a record, little-endian as on the wire */
    uint32_t key;                      /* the four bytes after them */
    uint32_t passed;                   /* records with another key; of the last poll, as the next */
    uint64_t others;                   /* handed to other */
    tpi_on_other_t other;
    void *clientd;
    size_t block_length;               /* the bus's own: of what it read last, and where in its term that began */
    int32_t block_offset;
};

/*
 * Appends to records until there is no more or no room. Above 0: messages were taken; 0: nothing was there; or TP_CLOSED or TP_INVALID_ARGUMENT. Not
 * from inside a handler of the same subscription. No allocation.
 */
int tpi_subscription_poll_records(tpi_subscription_t *sub, tpi_records_t *records);
bool tpi_subscription_is_connected(const tpi_subscription_t *sub);
/* Whether the next poll would find something; nothing is taken. On the thread that polls. */
bool tpi_subscription_has_message(tpi_subscription_t *sub);
int tpi_subscription_image_count(const tpi_subscription_t *sub);
void tpi_subscription_close(tpi_subscription_t *sub);                /* owner thread; accepts NULL */

/* ---- counters -------------------------------------------------------------------------------------------------------------- */

#define TPI_COUNTER_KEY_MAX 112
#define TPI_COUNTER_LABEL_MAX 380

int tpi_bus_add_counter(tpi_bus_t *bus, tpi_bus_async_t **async, int32_t type_id, const void *key, size_t key_length, const char *label);
int tpi_bus_add_counter_poll(tpi_bus_async_t *async, tpi_counter_t **out);
void tpi_counter_set(tpi_counter_t *counter, int64_t value);         /* ordered store; one writer; accepts NULL (does nothing) */
int64_t tpi_counter_get(const tpi_counter_t *counter);               /* 0 for NULL */
void tpi_counter_close(tpi_counter_t *counter);                      /* owner thread; accepts NULL */

/* ---- reading counters of a live or dead media driver -------------------------------------------------------------------------- */

typedef struct tpi_counters_reader tpi_counters_reader_t;

typedef struct tpi_counter_view
{
    int32_t id;
    int32_t type_id;
    int64_t value;
    int64_t registration_id;
    int64_t owner_id;                  /* Aeron client id */
    const uint8_t *key;
    size_t key_length;
    const char *label;                 /* terminated copy */
}
tpi_counter_view_t;

typedef void (*tpi_on_counter_t)(void *clientd, const tpi_counter_view_t *counter);

/* Maps <aeron_dir>/cnc.dat read-only. Every length in the file is checked: it is hostile. TP_ENOMEDIADRIVER, TP_EIO. */
int tpi_counters_reader_open(tpi_counters_reader_t **reader, const char *aeron_dir);
int tpi_counters_reader_foreach(tpi_counters_reader_t *reader, tpi_on_counter_t handler, void *clientd);   /* number of counters */
int64_t tpi_counters_reader_heartbeat_ms(const tpi_counters_reader_t *reader);  /* media driver's last heartbeat, CLOCK_REALTIME ms */
int64_t tpi_counters_reader_pid(const tpi_counters_reader_t *reader);
/* The media driver's log of distinct errors: each text once, counted. Times are CLOCK_REALTIME ms. */
typedef struct tpi_bus_error_view
{
    int32_t observations;
    int64_t first_ms, last_ms;
    const char *text;                  /* terminated copy; control characters are spaces */
}
tpi_bus_error_view_t;
typedef void (*tpi_on_bus_error_t)(void *clientd, const tpi_bus_error_view_t *error);
int tpi_counters_reader_errors(tpi_counters_reader_t *reader, tpi_on_bus_error_t handler, void *clientd);  /* number of errors */
/* Counters reader of a bus: what bus_mem knows, or the cnc file of bus_aeron. */
int tpi_bus_counters(tpi_bus_t *bus, tpi_on_counter_t handler, void *clientd);
void tpi_counters_reader_close(tpi_counters_reader_t *reader);

/* Aeron's default directory for this user, as Aeron computes it (AERON_DIR respected). */
const char *tpi_bus_default_aeron_dir(char *buffer, size_t size);

#endif
