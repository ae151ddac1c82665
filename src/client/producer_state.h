/*
 * The state of one producer, in three parts that no two threads write: what the conductor hands over (mapping, deadline), what the producer's thread
 * owns (claims, window of descriptors, counters), what the conductor owns (attachment, descriptor publication, registry).
 */
#ifndef TPI_CLIENT_PRODUCER_STATE_H
#define TPI_CLIENT_PRODUCER_STATE_H

#include "client/client_state.h"
#include "client/producer_meta.h"
#include "client/producer_straight.h"
#include "client/producer_streams.h"
#include "client/producer_trace.h"
#include "client/stat.h"
#include "codec/codec_shm.h"
#include "codec/codec_wire.h"
#include "common/hint.h"
#include "runtime/tp_counters.h"
#include "shm/wake.h"

#define TPI_CLAIMS_MAX 256u            /* claims out at once */
#define TPI_CLAIM_STRAIGHT TPI_CLAIMS_MAX     /* entry of the claim that went the straight way, once that is left */
#define TPI_WINDOW_MAX 1024u           /* frames between the oldest unsent descriptor and the next seq; power of two */
#define TPI_ADMIN_RETRIES 64
#define TPI_ANNOUNCEMENTS_MAX 8u

_Static_assert(TPI_SLOT_SHAPE_FIRST == TPC_SLOT_SHAPE_FIRST && TPI_SLOT_SHAPE_LAST == TPC_SLOT_SHAPE_LAST && 8 == TPC_SLOT_HEADER_VALUES_LEN_AT &&
    12 == TPC_SLOT_HEADER_PAYLOAD_SLOT_AT && 16 == TPC_SLOT_HEADER_POOL_ID_AT && 22 == TPC_SLOT_HEADER_TIMESTAMP_AT &&
    30 == TPC_SLOT_HEADER_META_VERSION_AT, "where shm/slot.h puts the fields");

/* A validated shape and its slot image. Immutable. */
struct tp_tensor_template
{
    tp_tensor_t tensor;
    uint64_t extent_bytes;
    uint64_t image[TPI_SLOT_WORDS];
};

/* Regions of one epoch, with the publication that announces their frames. Made and freed by the conductor, used by the producer's thread. */
typedef struct tpi_producer_map
{
    tpi_pool_set_t *set;
    tpi_publication_t *publication;
    tpi_connection_t *connection;
    uint32_t stream_id;
    uint64_t epoch;
    uint32_t window;                   /* frames: min(nslots, TPI_WINDOW_MAX) */
    uint32_t claims_max;               /* min(nslots - 1, TPI_CLAIMS_MAX), at least 1 */
    _Atomic(tpi_wake_page_t *) wake;   /* set by the conductor when it is handed over, stays as long as the map; NULL: not yet, or no socket */
    struct tpi_wake_source *wake_source;       /* keeps the page; the conductor's */
    _Atomic uint32_t claims_out;       /* these two: written by the producer's thread */
    _Atomic uint32_t pins;             /* announcements of its buffers */
    struct tpi_producer_map *next;     /* of the retired */
    /* the producer's thread */
    uint64_t whole_until;              /* slots of frames before this seq are written with their pads: not every slot has been, by us */
    uint64_t described;                /* seq of the frame in descriptor; TP_NULL_U64: none yet */
    uint8_t descriptor[TPC_FRAME_DESCRIPTOR_LENGTH];       /* the message, encoded once: tpc_frame_descriptor_patch */
}
tpi_producer_map_t;

typedef enum tpi_frame_state { TPI_FRAME_FREE = 0, TPI_FRAME_CLAIMED, TPI_FRAME_READY, TPI_FRAME_ABORTED, TPI_FRAME_LEFT } tpi_frame_state_t;

/* One frame of the window: its descriptor leaves when all older ones have left (O-41). */
typedef struct tpi_frame_entry
{
    tpi_frame_state_t state;
    uint32_t meta_version;
    uint64_t trace_id;
}
tpi_frame_entry_t;

typedef struct tpi_claim_entry
{
    uint64_t serial;                   /* 0 = free */
    tpi_producer_map_t *map;
    tpi_slot_word_t *slot;
    const tp_tensor_template_t *tensor;
    uint64_t seq;
    size_t length;
    uint32_t index;                    /* of the slot */
    uint16_t pool_id;
    tpi_progress_frame_t progress;
}
tpi_claim_entry_t;

/* Buffers of one pool that a device knows. */
typedef struct tpi_announcement
{
    uint64_t serial;                   /* 0 = free */
    tpi_producer_map_t *map;
    const tpi_pool_t *pool;            /* of the map */
}
tpi_announcement_t;

typedef enum tpi_trace_wanted { TPI_TRACE_AS_CLIENT = 0, TPI_TRACE_WANTED, TPI_TRACE_UNWANTED } tpi_trace_wanted_t;

struct tp_producer
{
    tp_client_t *client;
    /* conductor -> producer's thread */
    tpi_handoff_t handoff;             /* tpi_producer_map_t */
    tpi_handoff_t link_sets;           /* tpi_link_set_t; held during calls only */
    _Atomic int64_t valid_until_ns;
    _Atomic uint32_t stream_id;
    _Atomic uint32_t client_id;
    tpi_stat_t epoch;                  /* of the published mapping, 0 = none */
    tpi_stat_t max_payload_bytes;
    _Atomic uint32_t attention;        /* raised when something changed; lowered by the producer's thread */
    _Atomic uint32_t consumer_count;
    _Atomic bool wants_epoch;          /* producer's thread: seq is used up (O-40) */
    tpi_stat_t reattaches;
    _Atomic(tpi_producer_trace_t *) trace;     /* NULL: never traced */
    /* the producer's thread */
    _Alignas(64) tpi_producer_map_t *map;
    uint64_t next_seq;
    uint64_t head;                     /* oldest frame whose descriptor has not left */
    uint32_t ready;                    /* READY entries in the window */
    uint64_t next_serial;
    tpi_straight_t straight;
    uint64_t last_length;              /* of a payload: says which pool the next one may go into */
    uint64_t noted_from;               /* the window knows nothing about frames before this seq */
    bool gave_up;                      /* a descriptor was given up since the last commit */
    bool publish_time;
    tp_payload_flush_t flush;
    void *flush_clientd;
    uint16_t free_claims[TPI_CLAIMS_MAX];
    uint32_t free_count;
    tpi_claim_entry_t claims[TPI_CLAIMS_MAX + 1];
    tpi_announcement_t announcements[TPI_ANNOUNCEMENTS_MAX];
    tpi_frame_entry_t window[TPI_WINDOW_MAX];
    tpi_stat_t stat_next_seq;
    tpi_stat_t frames;                 /* without those that went straight, as descriptors_sent */
    tpi_stat_t went_straight;
    tpi_stat_t bytes;
    tpi_stat_t aborted;
    tpi_stat_t descriptors_sent;
    tpi_stat_t descriptors_parked;
    tpi_stat_t descriptors_dropped;
    tpi_stat_t not_connected;
    tpi_stat_t no_pool_fits;
    tpi_stat_t lease_lost;
    tpi_stat_t back_pressured;
    tpi_stat_t private_sent;
    tpi_stat_t private_dropped;
    tpi_stat_t private_thinned;
    /* the conductor's */
    _Alignas(64) tpi_attachment_t *attachment;
    tpi_connection_t *connection;      /* that the publication belongs to */
    tpi_publication_t *publication;
    tpi_open_t *publication_open;
    int64_t reopen_ns;                 /* when a refused publication is asked for again */
    tpi_pool_set_t *waiting;           /* mapped, but the publication is not there yet */
    tpi_producer_map_t *published;
    tpi_producer_map_t *retired;
    tpi_session_config_t session_config;
    int64_t attach_timeout_ns;
    int64_t attach_deadline_ns;
    bool was_attached;
    int first;                         /* outcome of the first attach: 0 open, 1 attached, 2 nobody waits, -1 refused */
    tpi_err_t first_err;
    tpi_cadence_t qos;
    int64_t next_activity_ns;
    struct tpi_wake_source *wake;      /* asked for, NULL: there is none to be had */
    int64_t promise_ns;                /* when sleepers may rely on the page, INT64_MAX = they may already, or there is none */
    int64_t decay_ns;
    tpi_producer_progress_t progress;
    tpi_producer_meta_t meta;
    tpi_registry_t registry;
    tpi_producer_streams_t streams;
    tpi_trace_wanted_t trace_wanted;   /* of the context */
    tp_producer_event_handler_t on_event;
    void *event_clientd;
    tpi_counter_t *counters[3];
    tpi_open_t *counter_opens[3];
    bool counters_asked;
    tp_producer_t *next;
};

/* Takes the published mapping over; drops what was parked for the old one. NULL when there is none. Producer's thread. */
tpi_producer_map_t *tpi_producer_switch(tp_producer_t *producer);

/* The next seq of the published epoch: 0 until the producer's thread has moved there. Any thread. */
static inline uint64_t tpi_producer_shown_seq(const tp_producer_t *producer)
{
    const bool is_behind = NULL != tpi_handoff_published(&producer->handoff) && !tpi_handoff_is_taken(&producer->handoff);
    return is_behind ? 0 : tpi_stat_get(&producer->stat_next_seq);               /* W-111 O-32 */
}

/* Committed. Any thread. */
static inline uint64_t tpi_producer_frames(const tp_producer_t *producer)
{
    return tpi_stat_get(&producer->frames) + tpi_stat_get(&producer->went_straight);
}

/* Counts a refusal: TP_LEASE_LOST, or TP_CLOSED when the client is being closed. */
int64_t tpi_producer_lost(tp_producer_t *producer);
/* The next frame, in that pool of the current mapping. timestamp_ns TP_NULL_U64: the time of the commit. */
int64_t tpi_producer_claim(tp_producer_t *producer, tpi_producer_map_t *map, const tpi_pool_t *pool, const tp_tensor_template_t *tensor,
    uint64_t length, uint64_t timestamp_ns, tp_buffer_claim_t *claim);

/* After a commit and its descriptor, and after a flush: wakes who sleeps. */
static inline void tpi_producer_wake(tpi_producer_map_t *map)
{
    tpi_wake_after_commit(atomic_load_explicit(&map->wake, memory_order_acquire));         /* pairs with producer_wake.c: the page is mapped */
}

static inline tpi_producer_map_t *tpi_producer_current_map(tp_producer_t *producer)
{
    return tpi_handoff_is_current(&producer->handoff, producer->map) ? producer->map : tpi_producer_switch(producer);
}

/* The entry of a claim that is out, or NULL: ended, or not of this producer. Producer's thread, not on the straight way. */
static inline tpi_claim_entry_t *tpi_producer_find_claim(tp_producer_t *producer, const tp_buffer_claim_t *claim)
{
    if (claim->opaque[1] > TPI_CLAIM_STRAIGHT || 0 == claim->opaque[0]) { return NULL; }
    tpi_claim_entry_t *e = &producer->claims[claim->opaque[1]];
    return e->serial == claim->opaque[0] && e->seq == claim->seq ? e : NULL;
}

#endif
