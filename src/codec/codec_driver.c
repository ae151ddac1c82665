/* Owns the messages of schema 901. Stateless. */
#include "codec/codec_driver.h"

#include "codec/codec_io.h"
#include "codec/fields.h"

#include <shm_tensorpool_driver/shmAttachRequest.h>
#include <shm_tensorpool_driver/shmAttachResponse.h>
#include <shm_tensorpool_driver/shmDetachRequest.h>
#include <shm_tensorpool_driver/shmDetachResponse.h>
#include <shm_tensorpool_driver/shmDriverShutdown.h>
#include <shm_tensorpool_driver/shmDriverShutdownRequest.h>
#include <shm_tensorpool_driver/shmLeaseKeepalive.h>
#include <shm_tensorpool_driver/shmLeaseRevoked.h>

TPI_MESSAGE(shm_tensorpool_driver_shmAttachRequest, attach_request, TPI_ATTACH_REQUEST_FIELDS, TPI_NO_DATA)
TPI_MESSAGE(shm_tensorpool_driver_shmDetachRequest, detach_request, TPI_DETACH_REQUEST_FIELDS, TPI_NO_DATA)
TPI_MESSAGE(shm_tensorpool_driver_shmDetachResponse, detach_response, TPI_DETACH_RESPONSE_FIELDS, TPI_DETACH_RESPONSE_DATA)
TPI_MESSAGE(shm_tensorpool_driver_shmLeaseKeepalive, keepalive, TPI_KEEPALIVE_FIELDS, TPI_NO_DATA)
TPI_MESSAGE(shm_tensorpool_driver_shmDriverShutdown, driver_shutdown, TPI_DRIVER_SHUTDOWN_FIELDS, TPI_DRIVER_SHUTDOWN_DATA)
TPI_MESSAGE(shm_tensorpool_driver_shmLeaseRevoked, lease_revoked, TPI_LEASE_REVOKED_FIELDS, TPI_LEASE_REVOKED_DATA)
TPI_MESSAGE(shm_tensorpool_driver_shmDriverShutdownRequest, shutdown_request, TPI_SHUTDOWN_REQUEST_FIELDS, TPI_SHUTDOWN_REQUEST_DATA)

int tpc_driver_correlation_id(int64_t *correlation_id, const uint8_t *data, size_t length)
{
    tpc_header_t header;
    if (TPC_OK != tpc_header_decode(&header, data, length) || TPC_DRIVER_SCHEMA != header.schema_id) { return TPC_MALFORMED; }
    if (TPC_ATTACH_REQUEST != header.template_id && TPC_DETACH_REQUEST != header.template_id) { return TPC_MALFORMED; }
    if (header.block_length < sizeof(*correlation_id) || length - TPC_HEADER_BYTES < sizeof(*correlation_id)) { return TPC_MALFORMED; }
    *correlation_id = tpi_get_i64(data + TPC_HEADER_BYTES + shm_tensorpool_driver_shmAttachRequest_correlationId_encoding_offset());
    return TPC_OK;
}

int64_t tpc_attach_response_length(const tpc_attach_response_t *m)
{
    const int64_t pools = tpi_pools_length(m->pools, m->pool_count);
    if (pools < 0) { return TPC_MALFORMED; }
    TPI_ATTACH_RESPONSE_DATA(TPI_DATA_FITS)
    int64_t length = TPC_HEADER_BYTES + TPI_BLOCK(shm_tensorpool_driver_shmAttachResponse) + pools;
    TPI_ATTACH_RESPONSE_DATA(TPI_DATA_LENGTH)
    return length;
}

int64_t tpc_attach_response_encode(uint8_t *buffer, size_t capacity, const tpc_attach_response_t *m)
{
    const int64_t length = tpc_attach_response_length(m);
    if (length < 0 || (uint64_t)length > capacity) { return TPC_MALFORMED; }
    TPI_PUT_HEADER(shm_tensorpool_driver_shmAttachResponse, buffer);
    uint8_t *block = buffer + TPC_HEADER_BYTES;
    TPI_ATTACH_RESPONSE_FIELDS(TPI_PUT, shm_tensorpool_driver_shmAttachResponse)
    uint8_t *at = tpi_put_pools(block + TPI_BLOCK(shm_tensorpool_driver_shmAttachResponse), m->pools, m->pool_count);
    TPI_ATTACH_RESPONSE_DATA(TPI_DATA_PUT)
    (void)at;
    return length;
}

int tpc_attach_response_decode(tpc_attach_response_t *decoded, const uint8_t *data, size_t length)
{
    tpi_reader_t reader;
    const uint8_t *block;
    int result = TPI_OPEN(shm_tensorpool_driver_shmAttachResponse, &reader, &block, data, length);
    if (TPC_OK != result) { return result; }
    tpc_attach_response_t aside = TPC_ATTACH_RESPONSE_INIT;
    tpc_attach_response_t *m = &aside;
    result = tpi_read_pools(&reader, m->pools, &m->pool_count);
    if (TPC_OK != result) { return result; }
    TPI_ATTACH_RESPONSE_DATA(TPI_DATA_READ)
    if (m->pool_count > TPC_POOLS_MAX) { return TPC_TOO_MANY; }
    TPI_ATTACH_RESPONSE_FIELDS(TPI_GET, shm_tensorpool_driver_shmAttachResponse)
    *decoded = aside;
    return TPC_OK;
}
