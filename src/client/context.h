/* Settings of a client after resolution: setter > environment > endpoint file > default. */
#ifndef TPI_CLIENT_CONTEXT_H
#define TPI_CLIENT_CONTEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/idle.h"
#include "protocol/trace_id.h"
#include "runtime/endpoint.h"

#include <tensor_pool/client/tp_context.h>

#define TPI_CHANNEL_MAX 1024

typedef struct tpi_stream_address
{
    char channel[TPI_CHANNEL_MAX];
    int32_t stream_id;
}
tpi_stream_address_t;

typedef struct tpi_settings
{
    char aeron_dir[TPI_CHANNEL_MAX];
    char client_name[128];
    char driver_instance[128];
    tpi_stream_address_t control;
    tpi_stream_address_t announce;
    tpi_stream_address_t descriptor;
    tpi_stream_address_t qos;
    tpi_stream_address_t metadata;
    tpi_stream_address_t discovery;
    tpi_stream_address_t discovery_response;    /* channel "": none can be guessed */
    char base_dirs[4096];              /* colon-separated */
    bool base_dirs_are_default;
    int64_t driver_timeout_ns;
    int64_t keepalive_interval_ns;
    int64_t message_timeout_ns;
    int64_t announce_period_ns;
    int64_t qos_interval_ns;
    int64_t source_period_ns;          /* data_source_announce_period */
    uint32_t message_retries;
    bool invoker;
    bool fault_guard;
    bool lock_memory;
    tpi_idle_kind_t idle;
    int32_t agent_cpu;                 /* -1 = any */
    bool trace;                        /* what producers do by default */
    uint32_t trace_node_id;            /* TP_NULL_U32 = the driver's */
    tpi_trace_layout_t trace_layout;
    tp_error_handler_t error_handler;
    void *error_clientd;
}
tpi_settings_t;

/* endpoint NULL: none. TP_ECONF_ENV names a variable that cannot be used. */
int tpi_context_resolve(const tp_context_t *context, const tpi_endpoint_t *endpoint, tpi_settings_t *settings);
/* The living driver that fits the settings: 0 and *endpoint filled, or -1. */
int tpi_context_find_driver(const tp_context_t *context, tpi_endpoint_t *endpoint);
tp_context_t *tpi_context_copy(const tp_context_t *context);

#endif
