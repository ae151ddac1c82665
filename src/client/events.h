/*
 * The handlers of a client (tp_handlers.h) and what they need: unfinished blobs, known epochs, what is known about the driver. Written by the
 * conductor only, but for the counters of what was ignored, which every thread may read.
 */
#ifndef TPI_CLIENT_EVENTS_H
#define TPI_CLIENT_EVENTS_H

#include "bus/bus.h"
#include "client/stat.h"
#include "codec/codec.h"
#include "protocol/meta_blob.h"
#include "protocol/trace_link.h"

#include <tensor_pool/client/tp_handlers.h>
#include <tensor_pool/client/tp_trace.h>

#define TPI_EVENT_STREAMS_MAX 256

typedef struct tpi_known_epoch { uint32_t stream_id; uint64_t epoch; } tpi_known_epoch_t;

typedef struct tpi_events
{
    tp_control_handlers_t control;
    tp_metadata_handlers_t metadata;
    tp_qos_handlers_t qos;
    tp_driver_handlers_t driver;
    tp_trace_handlers_t trace;
    tpi_blob_receiver_t blobs;
    tp_attribute_t *attributes;        /* TP_ATTRIBUTES_MAX, only while there is a handler of metadata */
    tpi_known_epoch_t epochs[TPI_EVENT_STREAMS_MAX];
    size_t epoch_count;
    tpi_stat_t epochs_untold;          /* tp_client_stats */
    bool driver_there;                 /* as last told */
    bool media_there;
    tpi_stat_t malformed;              /* these: what tp_client_metadata_ignored tells */
    tpi_stat_t too_many_attributes;
    tpi_stat_t blob_verdicts[TPI_BLOB_VERDICTS];
    tpi_stat_t trace_verdicts[TPI_TRACE_VERDICTS];         /* what tp_client_trace_received tells */
}
tpi_events_t;

static inline bool tpi_events_want_metadata(const tpi_events_t *events)
{
    return NULL != events->metadata.on_source_announce || NULL != events->metadata.on_source_meta || NULL != events->metadata.on_meta_blob;
}

static inline bool tpi_events_want_qos(const tpi_events_t *events)
{
    return NULL != events->qos.on_qos_consumer || NULL != events->qos.on_qos_producer;
}

/* Whether somebody waits for messages of others. */
static inline bool tpi_events_want_any(const tpi_events_t *events)
{
    const tp_control_handlers_t *const c = &events->control;
    return tpi_events_want_metadata(events) || tpi_events_want_qos(events) || NULL != events->trace.on_trace_link_set ||
        NULL != c->on_pool_announce || NULL != c->on_consumer_hello || NULL != c->on_consumer_config || NULL != c->on_control_response;
}

static inline tp_arrival_t tpi_events_arrival(const tpi_message_t *message, int64_t now_ns)
{
    const tp_arrival_t a = { .session_id = message->session_id, .received_ns = now_ns, .joined_ns = message->joined_ns };
    return a;
}

static inline tp_bytes_t tpi_events_view(tpc_bytes_t bytes)
{
    const tp_bytes_t v = { bytes.data, bytes.length };
    return v;
}

/* Registers at the dispatchers of a new client. */
int tpi_events_add_routes(struct tp_client *client);
/* Tells of drivers found and lost; ends blobs that fell silent. */
void tpi_events_tick(struct tp_client *client, int64_t now_ns);
/* events_trace.c */
int tpi_events_add_trace_routes(struct tp_client *client);
/* events_metadata.c */
int tpi_events_add_metadata_routes(struct tp_client *client);
void tpi_events_metadata_tick(struct tp_client *client, int64_t now_ns);
void tpi_events_fini(tpi_events_t *events);

#endif
