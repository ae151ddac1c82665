/*
 * Handlers of a client for what passes on the control, metadata and QoS streams, and for what happens to the driver: for supervisors, consoles and
 * tools, and for applications that want metadata of the streams they read. With control, metadata and QoS handlers set a client sees all that a
 * supervisor has to (W-202): ShmPoolAnnounce, DataSourceAnnounce, DataSourceMeta, QosConsumer and QosProducer.
 *
 * What is handed out passed the checks of its encoding and nothing more: any process on the bus may have sent it. Compare session_id (the Aeron
 * session of the sender) and times where that matters. Structs and bytes live until the handler returns.
 *
 * Threads. Handlers fire from the conductor (agent thread or tp_client_do_work) and must not wait; calls that wait fail with TP_ESTATE inside them.
 * Setting handlers replaces those of the same group, NULL removes them; when the call has returned the old ones are not called any more. A member
 * that is NULL is not called. A stream that no handler of the client wants is not subscribed to (trap A1).
 */
#ifndef TENSOR_POOL_CLIENT_TP_HANDLERS_H
#define TENSOR_POOL_CLIENT_TP_HANDLERS_H

#include <tensor_pool/client/tp_metadata.h>

TP_BEGIN_DECLS

/* Where and when a message came. All times are CLOCK_MONOTONIC nanoseconds of this host. */
typedef struct tp_arrival
{
    int32_t session_id;                /* Aeron session of the sender */
    uint32_t reserved32;
    int64_t received_ns;
    int64_t joined_ns;                 /* when its log was joined: messages stamped before were replayed */
}
tp_arrival_t;

/* ---- control ---- */

typedef struct tp_pool_view
{
    uint32_t pool_id;
    uint32_t nslots;
    uint32_t stride_bytes;
    uint32_t reserved32;
    tp_bytes_t uri;
}
tp_pool_view_t;

typedef struct tp_pool_announce
{
    uint32_t size;
    uint32_t stream_id;
    uint64_t epoch;
    uint64_t timestamp_ns;             /* the sender's, in the declared domain */
    uint32_t clock_domain;             /* 1 MONOTONIC, 2 REALTIME_SYNCED */
    uint32_t producer_id;
    uint32_t layout_version;
    uint32_t header_nslots;
    uint32_t header_slot_bytes;
    uint32_t pool_count;
    const tp_pool_view_t *pools;
    tp_bytes_t header_uri;
    tp_arrival_t arrival;
    uint64_t reserved[2];
}
tp_pool_announce_t;

typedef struct tp_consumer_hello
{
    uint32_t size;
    uint32_t stream_id;
    uint32_t consumer_id;
    uint32_t mode;                     /* tp_mode_t; other values are not understood */
    uint32_t supports_shm;
    uint32_t supports_progress;
    uint32_t max_rate_hz;              /* decisive when mode is TP_MODE_RATE_LIMITED (W-192) */
    uint32_t expected_layout_version;
    uint32_t progress_interval_us;     /* these three: TP_NULL_U32 = no hint (W-065) */
    uint32_t progress_bytes_delta;
    uint32_t progress_major_delta_units;
    uint32_t descriptor_stream_id;     /* 0 = none */
    uint32_t control_stream_id;
    uint32_t reserved32;
    tp_bytes_t descriptor_channel;
    tp_bytes_t control_channel;
    tp_arrival_t arrival;
    uint64_t reserved[2];
}
tp_consumer_hello_t;

typedef struct tp_consumer_config
{
    uint32_t size;
    uint32_t stream_id;
    uint32_t consumer_id;
    uint32_t mode;
    uint32_t use_shm;
    uint32_t descriptor_stream_id;     /* 0 = not assigned */
    uint32_t control_stream_id;
    uint32_t reserved32;
    tp_bytes_t payload_fallback_uri;
    tp_bytes_t descriptor_channel;
    tp_bytes_t control_channel;
    tp_arrival_t arrival;
    uint64_t reserved[2];
}
tp_consumer_config_t;

typedef struct tp_control_response
{
    uint32_t size;
    int32_t code;                      /* 0 OK, 1 UNSUPPORTED, 2 INVALID_PARAMS, 3 REJECTED, 4 INTERNAL_ERROR */
    int64_t correlation_id;
    tp_bytes_t error_message;
    tp_arrival_t arrival;
    uint64_t reserved[2];
}
tp_control_response_t;

typedef struct tp_control_handlers
{
    uint32_t size;                     /* sizeof(tp_control_handlers_t), or use TP_CONTROL_HANDLERS_INIT */
    uint32_t reserved32;
    void *clientd;
    void (*on_pool_announce)(void *clientd, const tp_pool_announce_t *announce);
    void (*on_consumer_hello)(void *clientd, const tp_consumer_hello_t *hello);
    void (*on_consumer_config)(void *clientd, const tp_consumer_config_t *config);
    void (*on_control_response)(void *clientd, const tp_control_response_t *response);
}
tp_control_handlers_t;
#define TP_CONTROL_HANDLERS_INIT { sizeof(tp_control_handlers_t), 0, NULL, NULL, NULL, NULL, NULL }

/* ---- metadata ---- */

typedef struct tp_source_announce
{
    uint32_t size;
    uint32_t stream_id;
    uint32_t producer_id;
    uint32_t meta_version;             /* 0 = no metadata yet */
    uint64_t epoch;
    tp_bytes_t name;
    tp_bytes_t summary;
    tp_arrival_t arrival;
    uint64_t reserved[2];
}
tp_source_announce_t;

typedef struct tp_source_meta
{
    uint32_t size;
    uint32_t stream_id;
    uint32_t meta_version;
    uint32_t attribute_count;
    uint64_t timestamp_ns;             /* when the attributes were set, the sender's clock */
    const tp_attribute_t *attributes;  /* all of that version; unknown keys may be skipped (W-182) */
    tp_arrival_t arrival;
    uint64_t reserved[2];
}
tp_source_meta_t;

/* A whole blob; parts and blobs that fail a check are not handed out (W-184). */
typedef struct tp_meta_blob
{
    uint32_t size;
    uint32_t stream_id;
    uint32_t meta_version;
    uint32_t blob_type;
    uint64_t checksum;                 /* CRC32C, verified; 0 = the sender gave none (W-185) */
    tp_bytes_t blob;
    tp_arrival_t arrival;
    uint64_t reserved[2];
}
tp_meta_blob_t;

typedef struct tp_metadata_handlers
{
    uint32_t size;
    uint32_t reserved32;
    void *clientd;
    void (*on_source_announce)(void *clientd, const tp_source_announce_t *announce);
    void (*on_source_meta)(void *clientd, const tp_source_meta_t *meta);
    void (*on_meta_blob)(void *clientd, const tp_meta_blob_t *blob);
    uint64_t blob_bytes_max;           /* longest blob taken; 0 = 16 MiB. All unfinished ones together may take four times that (W-254) */
}
tp_metadata_handlers_t;
#define TP_METADATA_HANDLERS_INIT { sizeof(tp_metadata_handlers_t), 0, NULL, NULL, NULL, NULL, 0 }

/* ---- QoS ---- */

typedef struct tp_qos_consumer
{
    uint32_t size;
    uint32_t stream_id;
    uint32_t consumer_id;
    uint32_t mode;
    uint64_t epoch;                    /* 0 while nothing is mapped */
    uint64_t last_seq_seen;            /* 0 before the first frame */
    uint64_t drops_gap;                /* cumulative for the life of the consumer (O-33) */
    uint64_t drops_late;
    tp_arrival_t arrival;
    uint64_t reserved[2];
}
tp_qos_consumer_t;

typedef struct tp_qos_producer
{
    uint32_t size;
    uint32_t stream_id;
    uint32_t producer_id;
    uint32_t watermark;                /* TP_NULL_U32 = none; informational (O-10) */
    uint64_t epoch;
    uint64_t current_seq;              /* next seq to be used (O-32) */
    tp_arrival_t arrival;
    uint64_t reserved[2];
}
tp_qos_producer_t;

typedef struct tp_qos_handlers
{
    uint32_t size;
    uint32_t reserved32;
    void *clientd;
    void (*on_qos_consumer)(void *clientd, const tp_qos_consumer_t *qos);
    void (*on_qos_producer)(void *clientd, const tp_qos_producer_t *qos);
}
tp_qos_handlers_t;
#define TP_QOS_HANDLERS_INIT { sizeof(tp_qos_handlers_t), 0, NULL, NULL, NULL }

/* ---- driver ---- */

typedef struct tp_lease_revoked
{
    uint32_t size;
    uint32_t stream_id;
    uint64_t lease_id;
    uint64_t timestamp_ns;
    uint32_t client_id;
    uint32_t role;                     /* tp_role_t */
    uint32_t reason;                   /* 1 detached, 2 expired, 3 revoked */
    uint32_t is_ours;                  /* 1: a lease of this client */
    tp_bytes_t error_message;
    tp_arrival_t arrival;
    uint64_t reserved[2];
}
tp_lease_revoked_t;

typedef struct tp_driver_shutdown
{
    uint32_t size;
    uint32_t reason;                   /* 0 normal, 1 admin, 2 error */
    uint64_t timestamp_ns;
    uint32_t is_ours;                  /* 1: said by the driver that granted a lease of this client */
    uint32_t reserved32;
    tp_bytes_t error_message;
    tp_arrival_t arrival;
    uint64_t reserved[2];
}
tp_driver_shutdown_t;

typedef enum tp_driver_event
{
    TP_DRIVER_FOUND = 1,               /* the first sign of life, or again after a loss; also once for one that is known when handlers are set */
    TP_DRIVER_LOST = 2,                /* its endpoint file is gone, or nothing was heard for three announce periods: TP_ENODRIVER */
    TP_MEDIA_DRIVER_LOST = 3,          /* TP_EMEDIADRIVER; the client connects again by itself */
    TP_MEDIA_DRIVER_FOUND = 4          /* connected, or connected already when handlers are set */
}
tp_driver_event_t;

typedef struct tp_driver_handlers
{
    uint32_t size;
    uint32_t reserved32;
    void *clientd;
    void (*on_lease_revoked)(void *clientd, const tp_lease_revoked_t *revoked);
    void (*on_driver_shutdown)(void *clientd, const tp_driver_shutdown_t *shutdown);
    /*
     * A higher epoch of a stream was announced: regions, seq and mappings start over. before is 0 for a stream that was not known. At most 256
     * streams; tp_client_stats counts the announces of others (epochs_untold).
     */
    void (*on_epoch)(void *clientd, uint32_t stream_id, uint64_t before, uint64_t epoch);
    /* code and text as tp_errcode/tp_errmsg; TP_OK and "" for the two that were found. */
    void (*on_driver_event)(void *clientd, tp_driver_event_t event, int code, const char *text);
}
tp_driver_handlers_t;
#define TP_DRIVER_HANDLERS_INIT { sizeof(tp_driver_handlers_t), 0, NULL, NULL, NULL, NULL, NULL }

/* Each replaces the handlers of one group; NULL removes them. TP_EINVAL (size), TP_ENOMEM, TP_EFULL, TP_ETIMEDOUT. Any thread. */
TP_EXPORT int tp_client_set_control_handlers(tp_client_t *client, const tp_control_handlers_t *handlers);
TP_EXPORT int tp_client_set_metadata_handlers(tp_client_t *client, const tp_metadata_handlers_t *handlers);
TP_EXPORT int tp_client_set_qos_handlers(tp_client_t *client, const tp_qos_handlers_t *handlers);
TP_EXPORT int tp_client_set_driver_handlers(tp_client_t *client, const tp_driver_handlers_t *handlers);

/* What was ignored on the metadata stream. Cumulative for the life of the client. */
typedef struct tp_metadata_ignored
{
    uint32_t size;
    uint32_t reserved32;
    uint64_t malformed;                /* messages, among them truncated ones */
    uint64_t too_many_attributes;      /* DataSourceMeta with more than TP_ATTRIBUTES_MAX */
    uint64_t blobs_too_long;           /* announced above blob_bytes_max */
    uint64_t blobs_refused;            /* too many unfinished ones at once, or no memory for them */
    uint64_t blobs_broken;             /* gap, overlap, early end, another version, checksum */
    uint64_t blobs_unfinished;         /* replaced by the next one, or silent for 10 s */
    uint64_t blob_strays;              /* chunks and ends of no blob under way */
    uint64_t reserved[4];
}
tp_metadata_ignored_t;
/* Any thread; fields may be of slightly different moments. TP_EINVAL. */
TP_EXPORT int tp_client_metadata_ignored(const tp_client_t *client, tp_metadata_ignored_t *ignored);

TP_END_DECLS

#endif
