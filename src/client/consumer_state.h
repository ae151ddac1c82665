/*
 * The state of one consumer, in three parts that no two threads write: what the conductor hands over (mapping, subscription, mode), what the
 * consumer's thread owns (staged descriptors, accounting, counters), what the conductor owns (attachment, mapping machine, hello and QoS).
 */
#ifndef TPI_CLIENT_CONSUMER_STATE_H
#define TPI_CLIENT_CONSUMER_STATE_H

#include "client/client_state.h"
#include "client/latency.h"
#include "client/stat.h"
#include "protocol/drop_reason.h"
#include "protocol/follow.h"
#include "protocol/frame_check.h"
#include "protocol/mapping.h"
#include "protocol/progress.h"
#include "protocol/qos.h"
#include "protocol/rate_gate.h"

#define TPI_STAGE_MAX 512u             /* descriptors polled ahead */
#define TPI_HANDED_OUT 8192u           /* the newest of them; power of two */
#define TPI_CONSUMER_COUNTERS (9 + TP_DROP_REASONS)

/* Regions of one epoch, read-only. Made by the conductor; freed by it, or by the last export of a frame (dlpack.c). */
typedef struct tpi_consumer_map
{
    tpi_pool_set_t *set;
    uint32_t stream_id;
    uint64_t epoch;
    _Atomic uint32_t refs;             /* the conductor's, and one for each export */
    _Atomic bool is_withdrawn;         /* not in force any more */
    struct tpi_consumer_map *next;     /* of the retired */
}
tpi_consumer_map_t;

/* The descriptor subscription in use: shared stream or an assigned one. Made and closed by the conductor, polled by the consumer's thread. */
typedef struct tpi_consumer_link
{
    tpi_subscription_t *subscription;
    tpi_connection_t *connection;
    bool is_private;
    uint32_t stream_id;                /* 0 = the shared one */
    int64_t connected_ns;              /* since when it has a publisher while it waits to be taken; 0 = it has none */
    struct tpi_consumer_link *next;
}
tpi_consumer_link_t;

typedef struct tpi_consumer_address { char channel[TPI_CHANNEL_MAX]; int32_t stream_id; } tpi_consumer_address_t;

/* FrameProgress. The conductor's. */
typedef struct tpi_consumer_progress
{
    tp_progress_handler_t handler;     /* NULL: not opted in */
    void *clientd;
    tpi_progress_tracker_t tracker;    /* of the published mapping; made at the first message */
    tpi_consumer_address_t assigned;   /* stream_id 0: the shared control stream */
    tpi_subscription_t *subscription;  /* of the assigned stream */
    tpi_dispatcher_t *dispatcher;
    tpi_open_t *open;
    int64_t reopen_ns;                 /* when a refused subscription is asked for again */
    bool moves;                        /* another stream than before is assigned */
    tpi_stat_t received;
    tpi_stat_t dropped;
}
tpi_consumer_progress_t;

struct tp_consumer_context
{
    uint32_t stream_id;
    uint32_t client_id;
    uint8_t publish_mode;
    uint8_t hugepages;
    uint8_t mode;
    uint32_t max_rate_hz;
    uint32_t max_gap;
    int64_t attach_timeout_ns;
    bool latency;
    bool driverless;
    bool no_shm;
    bool newest_only;
    bool ring_recovery;
    bool follow_ring;
    int64_t hello_interval_ns;
    tpi_consumer_address_t descriptor_request;
    tpi_consumer_address_t control_request;
    uint32_t progress_interval_us;     /* hints; TP_NULL_U32 = none */
    uint32_t progress_bytes_delta;
    uint32_t progress_major_delta;
    tp_consumer_event_handler_t on_event;
    void *event_clientd;
};

/* What the consumer's thread asks of the conductor: unmap that epoch. */
typedef enum tpi_unmap_reason { TPI_UNMAP_NONE = 0, TPI_UNMAP_NEWER_EPOCH, TPI_UNMAP_REGRESSION } tpi_unmap_reason_t;

/* SOON: a frame lies in the ring, and its descriptor is waited for. */
typedef enum tpi_outlook { TPI_OUTLOOK_NOTHING = 0, TPI_OUTLOOK_SOON, TPI_OUTLOOK_NOW } tpi_outlook_t;

/* What the common case compares with, and the view it fills; client/consumer_plain.h. */
typedef enum tpi_plain_use { TPI_PLAIN_NOT = 0, TPI_PLAIN_NEXT, TPI_PLAIN_HANDLER } tpi_plain_use_t;

typedef struct tpi_plain
{
    tpi_plain_use_t use;               /* where the common case may be used: nowhere, by tp_consumer_next, by a poll with its handler as well */
    const tpi_consumer_map_t *map;     /* of what follows; NULL: nothing learnt */
    const tpi_slot_word_t *slots;
    const uint8_t *payloads;           /* of the pool of the last frame */
    uint32_t index_mask;
    uint32_t stride_bytes;
    uint64_t pool_and_offset;          /* the 48 bits of poolId and payloadOffset, 16 bits up */
    uint64_t max_gap;
    uint64_t begun;                    /* frame of an observer that was seen begun */
    tp_frame_view_t view;
}
tpi_plain_t;

struct tp_consumer
{
    tp_client_t *client;
    /* conductor -> consumer's thread */
    tpi_handoff_t maps;                /* tpi_consumer_map_t */
    tpi_handoff_t links;               /* tpi_consumer_link_t */
    tpi_handoff_t pages;               /* tpi_wake_page_t */
    _Atomic uint32_t stream_id;
    _Atomic uint32_t client_id;
    _Atomic uint32_t rate_limit_hz;    /* thin out locally; 0 = not */
    _Atomic uint64_t mode_wish;        /* mode and rate asked for; written by any thread */
    _Atomic uint32_t shown_descriptor; /* for statistics: private stream in use, private stream assigned, mode in force */
    _Atomic uint32_t shown_control;
    _Atomic uint32_t shown_mode;
    tpi_stat_t epoch;                  /* of the published mapping */
    tpi_stat_t remaps;
    tpi_stat_t reattaches;
    /* consumer's thread -> conductor */
    tpi_stat_t unmap_epoch;            /* mapping that must not be used any more; 0 = none */
    tpi_stat_t unmap_reason;
    tpi_stat_t seen_epoch;             /* highest epoch a descriptor named */
    _Atomic uint32_t link_is_silent;   /* nobody publishes on the private stream in use */
    _Atomic bool is_asleep;            /* until the producer wakes it */
    /* the consumer's thread */
    _Alignas(64) tpi_consumer_map_t *map;
    tpi_consumer_link_t *link;
    struct tpi_wake_page *page;
    struct tpi_consumer_watcher *watcher;      /* NULL: nobody asked for a descriptor */
    bool ring_recovery;                /* looks into the ring for frames that were not announced; fixed */
    bool is_observer;                  /* follows the ring alone; fixed */
    bool was_thinned;                  /* by its producer, on a private stream */
    bool has_start;                    /* start is known */
    bool has_observed;                 /* an earlier epoch */
    uint64_t start;                    /* before the first descriptor: the first frame that may be taken from the ring */
    tpi_ring_watch_t watch;
    bool drained;                      /* what the link before had left was polled */
    bool suspended;                    /* map is not to be used: a newer epoch or a regression was seen */
    bool in_handler : 1;
    bool polls_ring : 1;               /* is_observer, for this thread: one test for both */
    bool is_turning;                   /* inside tp_consumer_next, which turns the conductor */
    bool close_asked;
    tpi_dispatcher_t *dispatcher;
    tpi_follow_t follow;
    tpi_frame_checker_t checker;
    uint64_t first_seq;
    uint64_t ledger_epoch;             /* whose frames follow, first_seq and last_seq tell; 0 = none */
    uint64_t stage_newest;             /* highest seq staged of the mapped epoch, once asked for */
    uint32_t calls;
    uint32_t newest_is_known;
    uint32_t newest_from;              /* first one staged that may be of the mapped epoch */
    uint32_t stage_at;
    tpi_records_t staged;              /* stage, filled up to staged.count; client/consumer_stage.h */
    uint64_t delivery;                 /* number of the last view given out */
    uint64_t *handed_out;              /* descriptors given to the descriptor handler and not read yet: seq + 1 by seq % TPI_HANDED_OUT */
    uint64_t torn_bits;                /* which of the 64 deliveries up to torn_at were counted as torn */
    uint64_t torn_at;
    tpi_plain_t plain;
    tpi_rate_gate_t gate;              /* RATE_LIMITED on a shared stream */
    tp_frame_handler_t on_frame;
    void *frame_clientd;
    tp_descriptor_handler_t on_descriptor;
    void *descriptor_clientd;
    tpi_latency_t *latency;            /* NULL: not recorded */
    tpi_stat_t received;
    tpi_stat_t bytes;
    tpi_stat_t drops[TPI_DROP_REASON_COUNT];
    tpi_stat_t foreign;
    tpi_stat_t recovered;
    tpi_stat_t late;                   /* descriptors that came after their frame was taken from the ring */
    tpi_stat_t malformed;
    tpi_stat_t last_seq;
    tpi_stat_t stat_first_seq;
    tpi_record_t stage[TPI_STAGE_MAX];
    /* the conductor's */
    _Alignas(64) tpi_attachment_t *attachment;     /* NULL without driver */
    struct tp_consumer_context context;
    tpi_session_config_t session_config;
    int64_t attach_deadline_ns;
    bool was_attached;
    int first;                         /* outcome of the first attach: 0 open, 1 attached, 2 nobody waits, -1 refused */
    tpi_err_t first_err;
    tpi_mapping_t mapping;
    int64_t next_check_ns;
    uint64_t mapped_epoch;             /* the last one mapped, 0 = never */
    struct tpi_wake_source *wake;      /* wake-up page asked for or handed over; NULL: there is none to be had */
    struct tpi_wake_source *old_wake;  /* the consumer's thread may still be using it */
    uint64_t calm_received;            /* frames when last looked at */
    int64_t calm_ns;                   /* when it counts as calm, if it goes on sleeping */
    bool is_calm;
    tpi_consumer_map_t *published;
    tpi_consumer_map_t *retired;
    tpi_connection_t *connection;
    tpi_consumer_link_t *linked;       /* published link */
    tpi_consumer_link_t *old_links;
    tpi_open_t *link_open;
    bool link_open_private;
    int64_t reopen_ns;                 /* when a refused subscription is asked for again */
    bool link_moves;                   /* another descriptor stream than the linked one is wanted */
    tpi_consumer_address_t assigned;   /* stream_id 0: the shared stream */
    tpi_consumer_link_t *next_link;    /* open, not handed over yet */
    bool link_falls_back;              /* the shared stream is opened although another one is assigned: nobody publishes there */
    int64_t heard_ns;                  /* when the private stream in use had a publisher last */
    char fallback_uri[TPI_CHANNEL_MAX];
    uint8_t imposed;                   /* mode of the last ConsumerConfig, 0 = none yet */
    uint8_t mode;                      /* in force: asked for or imposed */
    tpi_consumer_progress_t progress;
    uint64_t said_wish;                /* of the last hello */
    int64_t next_hello_ns;
    tpi_cadence_t qos;
    int32_t qos_session_id;
    tpi_counter_t *counters[TPI_CONSUMER_COUNTERS];
    tpi_open_t *counter_opens[TPI_CONSUMER_COUNTERS];
    uint32_t counters_asked;           /* a bit each */
    int64_t next_latency_ns;           /* when the counters of latencies are looked after again */
    tpi_latency_summary_t latency_seen;
    tp_consumer_t *next;
};

/* A seq of the published epoch, for statistics and QoS: 0 until the consumer's thread has moved there, and without one. Any thread. */
static inline uint64_t tpi_consumer_shown_seq(const tp_consumer_t *consumer, const tpi_stat_t *seq)
{
    const bool is_there = NULL != tpi_handoff_published(&consumer->maps) && tpi_handoff_is_taken(&consumer->maps);
    return !is_there ? 0 : tpi_stat_get(seq);              /* W-112 O-32 */
}

static inline uint64_t tpi_wish(uint8_t mode, uint32_t max_rate_hz) { return (uint64_t)mode << 32 | max_rate_hz; }
static inline uint8_t tpi_wish_mode(uint64_t wish) { return (uint8_t)(wish >> 32); }
static inline uint32_t tpi_wish_rate_hz(uint64_t wish) { return (uint32_t)wish; }

#endif
