/* For tests only: a handler for everything a client may hear. Each looks at every byte it is given; told_bytes says how many there were. */
#ifndef TPI_CLIENT_TEST_HANDLERS_H
#define TPI_CLIENT_TEST_HANDLERS_H

#include <stdint.h>
#include <string.h>

#include <tensor_pool/tp.h>

static uint64_t told_times;
static uint64_t told_bytes;
static volatile unsigned told_sum;

static inline void told_text(tp_bytes_t text)
{
    const uint8_t *const bytes = (const uint8_t *)text.data;
    for (size_t i = 0; i < text.length; i++) { told_sum += bytes[i]; }
    told_bytes += text.length;
}

static inline void told_pool_announce(void *clientd, const tp_pool_announce_t *m)
{
    (void)clientd;
    told_times++;
    told_text(m->header_uri);
    for (uint32_t i = 0; i < m->pool_count; i++) { told_text(m->pools[i].uri); }
}

static inline void told_hello(void *clientd, const tp_consumer_hello_t *m)
{
    (void)clientd;
    told_times++;
    told_text(m->descriptor_channel);
    told_text(m->control_channel);
}

static inline void told_config(void *clientd, const tp_consumer_config_t *m)
{
    (void)clientd;
    told_times++;
    told_text(m->payload_fallback_uri);
    told_text(m->descriptor_channel);
    told_text(m->control_channel);
}

static inline void told_response(void *clientd, const tp_control_response_t *m)
{
    (void)clientd;
    told_times++;
    told_text(m->error_message);
}

static inline void told_source(void *clientd, const tp_source_announce_t *m)
{
    (void)clientd;
    told_times++;
    told_text(m->name);
    told_text(m->summary);
}

static inline void told_meta(void *clientd, const tp_source_meta_t *m)
{
    (void)clientd;
    told_times++;
    for (uint32_t i = 0; i < m->attribute_count; i++)
    {
        told_text(m->attributes[i].key);
        told_text(m->attributes[i].format);
        told_text(m->attributes[i].value);
    }
}

static inline void told_blob(void *clientd, const tp_meta_blob_t *m)
{
    (void)clientd;
    told_times++;
    told_text(m->blob);
}

static inline void told_revoked(void *clientd, const tp_lease_revoked_t *m)
{
    (void)clientd;
    told_times++;
    told_text(m->error_message);
}

static inline void told_shutdown(void *clientd, const tp_driver_shutdown_t *m)
{
    (void)clientd;
    told_times++;
    told_text(m->error_message);
}

static inline void told_event(void *clientd, tp_driver_event_t event, int code, const char *text)
{
    (void)clientd;
    (void)event;
    (void)code;
    told_sum += (unsigned)strlen(text);
}

static inline void told_links(void *clientd, const tp_trace_link_set_t *m)
{
    (void)clientd;
    told_times++;
    for (uint32_t i = 0; i < m->parent_count; i++) { told_sum += (unsigned)m->parents[i]; }
}

/* 0, or -1 when one is refused. */
static inline int tell_everything(tp_client_t *client, uint64_t blob_bytes_max)
{
    tp_control_handlers_t control = TP_CONTROL_HANDLERS_INIT;
    tp_metadata_handlers_t metadata = TP_METADATA_HANDLERS_INIT;
    tp_driver_handlers_t driver = TP_DRIVER_HANDLERS_INIT;
    tp_trace_handlers_t trace = TP_TRACE_HANDLERS_INIT;
    trace.on_trace_link_set = told_links;
    control.on_pool_announce = told_pool_announce;
    control.on_consumer_hello = told_hello;
    control.on_consumer_config = told_config;
    control.on_control_response = told_response;
    metadata.on_source_announce = told_source;
    metadata.on_source_meta = told_meta;
    metadata.on_meta_blob = told_blob;
    metadata.blob_bytes_max = blob_bytes_max;
    driver.on_lease_revoked = told_revoked;
    driver.on_driver_shutdown = told_shutdown;
    driver.on_driver_event = told_event;
    return tp_client_set_control_handlers(client, &control) < 0 || tp_client_set_metadata_handlers(client, &metadata) < 0 ||
        tp_client_set_driver_handlers(client, &driver) < 0 || tp_client_set_trace_handlers(client, &trace) < 0 ? -1 : 0;
}

#endif
