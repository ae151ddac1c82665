/* Messages out, each through the outbox of its publication (OP-D-05), whose order is never changed. */
#include <string.h>

#include "codec/codec_shm.h"
#include "driver/driver_state.h"

static void on_outbox(void *clientd, tpi_outbox_event_t event, const char *why)
{
    tpi_driver_t *const driver = clientd;
    if (TPI_OUTBOX_KEPT == event) { driver->stats.sends_queued++; }
    if (TPI_OUTBOX_DROPPED != event) { return; }
    driver->stats.sends_dropped++;
    TPI_LOG_WARN(TP_EBUS, "a message of the driver was not sent: %s", why);
}

void tpi_proxy_init(tpi_driver_t *driver)
{
    const tpi_outbox_t empty = { .queue_max = driver->options.queue_max, .on_event = on_outbox, .clientd = driver };
    driver->control = driver->announce = empty;
}

/* Sends what was encoded into driver->buffer. */
static void send_buffer(tpi_driver_t *driver, tpi_outbox_t *outbox, int64_t length, int64_t give_up_ns)
{
    if (TP_DRIVER_STOPPED == driver->state) { return; }        /* 9.1: nothing is sent any more */
    tpi_outbox_send(outbox, driver->buffer, length, give_up_ns);
}

int tpi_proxy_flush(tpi_driver_t *driver, int64_t now_ns)
{
    return tpi_outbox_flush(&driver->control, now_ns) + tpi_outbox_flush(&driver->announce, now_ns);
}

bool tpi_proxy_is_empty(const tpi_driver_t *driver) { return NULL == driver->control.queue && NULL == driver->announce.queue; }

static tpc_bytes_t cut(const char *text)
{
    tpc_bytes_t bytes = tpc_bytes(text);
    if (bytes.length > TPC_ERROR_MESSAGE_MAX) { bytes.length = TPC_ERROR_MESSAGE_MAX; }       /* D-069 D-070 */
    return bytes;
}

static uint64_t timestamp(int64_t now_ns) { return now_ns > 0 ? (uint64_t)now_ns : 0; }

static uint32_t put_pools(tpc_pool_entry_t *entries, const tpi_stream_t *stream)
{
    for (uint32_t i = 0; i < stream->live.pool_count; i++)
    {
        entries[i].pool_id = stream->live.pools[i].pool_id;
        entries[i].pool_nslots = stream->live.header_nslots;                              /* D-060 */
        entries[i].stride_bytes = stream->live.pools[i].stride_bytes;
        entries[i].region_uri = tpc_bytes(stream->files->uris[i + 1]);
    }
    return stream->live.pool_count;
}

void tpi_proxy_attach_ok(tpi_driver_t *driver, const tpi_lease_record_t *record, int64_t correlation_id, int64_t now_ns)
{
    (void)now_ns;
    tpc_attach_response_t m = TPC_ATTACH_RESPONSE_INIT;
    m.correlation_id = correlation_id;                                                        /* D-034 */
    m.code = TPC_CODE_OK;
    m.lease_id = record->lease.lease_id;                                                            /* D-041 D-059 */
    m.lease_expiry_timestamp_ns = timestamp(record->lease.expiry_ns);                         /* D-021 */
    m.stream_id = record->stream->stream_id;
    m.epoch = record->stream->files->epoch;
    m.layout_version = TPC_LAYOUT_VERSION;                                                    /* D-047 */
    m.header_nslots = record->stream->live.header_nslots;
    m.header_slot_bytes = TPC_SLOT_BYTES;                                                     /* D-058 */
    m.node_id = record->lease.node_id;                                                              /* D-086 */
    m.pool_count = put_pools(m.pools, record->stream);                                              /* D-057 */
    m.header_region_uri = tpc_bytes(record->stream->files->uris[0]);                                /* D-061 */
    send_buffer(driver, &driver->control, tpc_attach_response_encode(driver->buffer, driver->buffer_size, &m), record->lease.expiry_ns);
}

void tpi_proxy_attach_refused(tpi_driver_t *driver, int64_t correlation_id, int32_t code, const char *text, int64_t now_ns)
{
    tpc_attach_response_t m = TPC_ATTACH_RESPONSE_INIT;                                       /* D-089 D-065 D-066 */
    m.correlation_id = correlation_id;                                                        /* D-063 */
    m.code = code;
    m.error_message = cut(text);                                                              /* D-064 */
    send_buffer(driver, &driver->control, tpc_attach_response_encode(driver->buffer, driver->buffer_size, &m), now_ns + driver->lease_ns);
}

void tpi_proxy_detach(tpi_driver_t *driver, int64_t correlation_id, int32_t code, const char *text, int64_t now_ns)
{
    tpc_detach_response_t m = TPC_DETACH_RESPONSE_INIT;
    m.correlation_id = correlation_id;                                                        /* D-035 */
    m.code = code;
    m.error_message = cut(text);
    send_buffer(driver, &driver->control, tpc_detach_response_encode(driver->buffer, driver->buffer_size, &m), now_ns + driver->lease_ns);
}

void tpi_proxy_revoked(tpi_driver_t *driver, const tpi_lease_t *lease, uint8_t reason, const char *text, int64_t now_ns)
{
    tpc_lease_revoked_t m = TPC_LEASE_REVOKED_INIT;
    m.timestamp_ns = timestamp(now_ns);
    m.lease_id = lease->lease_id;
    m.stream_id = lease->stream_id;
    m.client_id = lease->client_id;
    m.role = lease->role;
    m.reason = reason;
    m.error_message = cut(text);
    send_buffer(driver, &driver->control, tpc_lease_revoked_encode(driver->buffer, driver->buffer_size, &m), now_ns + driver->lease_ns);
}

void tpi_proxy_announce(tpi_driver_t *driver, tpi_stream_t *stream, int64_t now_ns)
{
    tpi_outbox_t *const outbox = driver->announce_is_control ? &driver->control : &driver->announce;
    stream->announce_ns = now_ns + driver->period_ns;
    tpi_epoch_files_refresh(stream->files, timestamp(now_ns));                                /* D-016: never announced with a stale sign of life */
    if (NULL != outbox->publication && !driver->announce_is_control && !tpi_publication_is_connected(outbox->publication)) { return; }
    tpc_pool_announce_t m = TPC_POOL_ANNOUNCE_INIT;
    m.stream_id = stream->stream_id;
    m.producer_id = NULL == stream->producer ? 0 : stream->producer->lease.client_id;         /* D-141 */
    m.epoch = stream->files->epoch;
    m.announce_timestamp_ns = timestamp(now_ns);
    m.announce_clock_domain = TPC_CLOCK_MONOTONIC;
    m.layout_version = TPC_LAYOUT_VERSION;
    m.header_nslots = stream->live.header_nslots;
    m.header_slot_bytes = TPC_SLOT_BYTES;
    m.pool_count = put_pools(m.pools, stream);
    m.header_region_uri = tpc_bytes(stream->files->uris[0]);
    send_buffer(driver, outbox, tpc_pool_announce_encode(driver->buffer, driver->buffer_size, &m), now_ns + driver->period_ns);
}

void tpi_proxy_shutdown(tpi_driver_t *driver, int64_t now_ns)
{
    tpc_driver_shutdown_t m = TPC_DRIVER_SHUTDOWN_INIT;
    m.timestamp_ns = timestamp(now_ns);
    m.reason = driver->shutdown_reason;                                                       /* D-151 */
    m.error_message = cut(driver->shutdown_text);
    send_buffer(driver, &driver->control, tpc_driver_shutdown_encode(driver->buffer, driver->buffer_size, &m), INT64_MAX);
}

void tpi_proxy_config(tpi_driver_t *driver, const tpc_consumer_config_t *config, int64_t now_ns)
{
    send_buffer(driver, &driver->control, tpc_consumer_config_encode(driver->buffer, driver->buffer_size, config), now_ns + driver->lease_ns);
}
