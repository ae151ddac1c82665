/* Owns the messages of schema 900. Stateless; the descriptor and progress calls are hot: no allocation, no text. */
#include "codec/codec_wire.h"

#include "codec/codec_io.h"
#include "codec/fields.h"

#include <shm_tensorpool_control/consumerConfig.h>
#include <shm_tensorpool_control/consumerHello.h>
#include <shm_tensorpool_control/controlResponse.h>
#include <shm_tensorpool_control/dataSourceAnnounce.h>
#include <shm_tensorpool_control/dataSourceMeta.h>
#include <shm_tensorpool_control/frameDescriptor.h>
#include <shm_tensorpool_control/frameProgress.h>
#include <shm_tensorpool_control/metaBlobAnnounce.h>
#include <shm_tensorpool_control/metaBlobChunk.h>
#include <shm_tensorpool_control/metaBlobComplete.h>
#include <shm_tensorpool_control/qosConsumer.h>
#include <shm_tensorpool_control/qosProducer.h>
#include <shm_tensorpool_control/shmPoolAnnounce.h>

#define ATTRIBUTES_MAX 65534u           /* numInGroup 65535 is null */

TPI_MESSAGE(shm_tensorpool_control_consumerHello, consumer_hello, TPI_CONSUMER_HELLO_FIELDS, TPI_CONSUMER_HELLO_DATA)
TPI_MESSAGE(shm_tensorpool_control_consumerConfig, consumer_config, TPI_CONSUMER_CONFIG_FIELDS, TPI_CONSUMER_CONFIG_DATA)
TPI_MESSAGE(shm_tensorpool_control_qosConsumer, qos_consumer, TPI_QOS_CONSUMER_FIELDS, TPI_NO_DATA)
TPI_MESSAGE(shm_tensorpool_control_qosProducer, qos_producer, TPI_QOS_PRODUCER_FIELDS, TPI_NO_DATA)
TPI_MESSAGE(shm_tensorpool_control_dataSourceAnnounce, source_announce, TPI_SOURCE_ANNOUNCE_FIELDS, TPI_SOURCE_ANNOUNCE_DATA)
TPI_MESSAGE(shm_tensorpool_control_controlResponse, control_response, TPI_CONTROL_RESPONSE_FIELDS, TPI_CONTROL_RESPONSE_DATA)
TPI_MESSAGE(shm_tensorpool_control_metaBlobAnnounce, blob_announce, TPI_BLOB_ANNOUNCE_FIELDS, TPI_NO_DATA)
TPI_MESSAGE(shm_tensorpool_control_frameProgress, frame_progress, TPI_FRAME_PROGRESS_FIELDS, TPI_NO_DATA)
TPI_MESSAGE(shm_tensorpool_control_metaBlobChunk, blob_chunk, TPI_BLOB_CHUNK_FIELDS, TPI_BLOB_CHUNK_DATA)
TPI_MESSAGE(shm_tensorpool_control_metaBlobComplete, blob_complete, TPI_BLOB_COMPLETE_FIELDS, TPI_NO_DATA)

/* FrameDescriptor */

int64_t tpc_frame_descriptor_length(const tpc_frame_descriptor_t *m)
{
    (void)m;
    return TPC_HEADER_BYTES + TPI_BLOCK(shm_tensorpool_control_frameDescriptor);
}

int64_t tpc_frame_descriptor_encode(uint8_t *buffer, size_t capacity, const tpc_frame_descriptor_t *m)
{
    if (capacity < TPC_FRAME_DESCRIPTOR_LENGTH) { return TPC_MALFORMED; }
    TPI_PUT_HEADER(shm_tensorpool_control_frameDescriptor, buffer);
    uint8_t *block = buffer + TPC_HEADER_BYTES;
    TPI_FRAME_DESCRIPTOR_FIELDS(TPI_PUT, shm_tensorpool_control_frameDescriptor)
    TPI_FRAME_DESCRIPTOR_TRACE(TPI_PUT, shm_tensorpool_control_frameDescriptor)                 /* O-8: 0 is absent. T-031 T-032: last */
    return TPC_FRAME_DESCRIPTOR_LENGTH;
}

int tpc_frame_descriptor_decode(tpc_frame_descriptor_t *m, const uint8_t *data, size_t length)
{
    tpi_reader_t reader;
    const uint8_t *block;
    const int result = tpi_open(&reader, &block, data, length, TPC_FRAME_DESCRIPTOR, TPC_WIRE_SCHEMA, TPC_FRAME_DESCRIPTOR_MIN_BLOCK);
    if (TPC_OK != result) { return result; }
    TPI_FRAME_DESCRIPTOR_FIELDS(TPI_GET, shm_tensorpool_control_frameDescriptor)
    m->trace_id = TP_NULL_TRACE_ID;                                                             /* O-38: block without traceId */
    if (reader.next - block >= TPC_FRAME_DESCRIPTOR_BLOCK) { TPI_FRAME_DESCRIPTOR_TRACE(TPI_GET, shm_tensorpool_control_frameDescriptor) }
    return TPC_OK;
}

/* ShmPoolAnnounce */

int64_t tpc_pool_announce_length(const tpc_pool_announce_t *m)
{
    const int64_t pools = tpi_pools_length(m->pools, m->pool_count);
    if (pools < 0) { return TPC_MALFORMED; }
    TPI_POOL_ANNOUNCE_DATA(TPI_DATA_FITS)
    int64_t length = TPC_HEADER_BYTES + TPI_BLOCK(shm_tensorpool_control_shmPoolAnnounce) + pools;
    TPI_POOL_ANNOUNCE_DATA(TPI_DATA_LENGTH)
    return length;
}

int64_t tpc_pool_announce_encode(uint8_t *buffer, size_t capacity, const tpc_pool_announce_t *m)
{
    const int64_t length = tpc_pool_announce_length(m);
    if (length < 0 || (uint64_t)length > capacity) { return TPC_MALFORMED; }
    TPI_PUT_HEADER(shm_tensorpool_control_shmPoolAnnounce, buffer);
    uint8_t *block = buffer + TPC_HEADER_BYTES;
    TPI_POOL_ANNOUNCE_FIELDS(TPI_PUT, shm_tensorpool_control_shmPoolAnnounce)
    uint8_t *at = tpi_put_pools(block + TPI_BLOCK(shm_tensorpool_control_shmPoolAnnounce), m->pools, m->pool_count);
    TPI_POOL_ANNOUNCE_DATA(TPI_DATA_PUT)
    (void)at;
    return length;
}

int tpc_pool_announce_decode(tpc_pool_announce_t *decoded, const uint8_t *data, size_t length)
{
    tpi_reader_t reader;
    const uint8_t *block;
    int result = TPI_OPEN(shm_tensorpool_control_shmPoolAnnounce, &reader, &block, data, length);
    if (TPC_OK != result) { return result; }
    tpc_pool_announce_t aside = TPC_POOL_ANNOUNCE_INIT;
    tpc_pool_announce_t *m = &aside;
    result = tpi_read_pools(&reader, m->pools, &m->pool_count);
    if (TPC_OK != result) { return result; }
    TPI_POOL_ANNOUNCE_DATA(TPI_DATA_READ)
    if (m->pool_count > TPC_POOLS_MAX) { return TPC_TOO_MANY; }
    TPI_POOL_ANNOUNCE_FIELDS(TPI_GET, shm_tensorpool_control_shmPoolAnnounce)
    *decoded = aside;
    return TPC_OK;
}

/* DataSourceMeta */

static uint16_t attribute_block(void) { return (uint16_t)shm_tensorpool_control_dataSourceMeta_attributes_sbe_block_length(); }

static bool attribute_read(tpi_reader_t *reader, uint16_t block_length, tpc_attribute_t *attribute)
{
    const uint8_t *block;
    return tpi_read_block(reader, &block, block_length) && tpi_read_bytes(reader, &attribute->key) &&
        tpi_read_bytes(reader, &attribute->format) && tpi_read_bytes(reader, &attribute->value);
}

bool tpc_attributes_next(tpc_attributes_t *walk, tpc_attribute_t *attribute)
{
    tpi_reader_t reader = { walk->next, walk->end };
    if (0 == walk->left || !attribute_read(&reader, walk->block_length, attribute)) { return false; }
    walk->next = reader.next;
    walk->left--;
    return true;
}

/* Attribute i of a message to encode: from the array, or else the next of the walk. */
static bool attribute_at(const tpc_source_meta_t *m, uint32_t i, tpc_attributes_t *walk, tpc_attribute_t *attribute)
{
    if (NULL == m->attributes) { return tpc_attributes_next(walk, attribute); }
    *attribute = m->attributes[i];
    return tpi_bytes_fit(&attribute->key) && tpi_bytes_fit(&attribute->format) && tpi_bytes_fit(&attribute->value);
}

int64_t tpc_source_meta_length(const tpc_source_meta_t *m)
{
    if (m->attribute_count > ATTRIBUTES_MAX) { return TPC_MALFORMED; }
    int64_t length = TPC_HEADER_BYTES + TPI_BLOCK(shm_tensorpool_control_dataSourceMeta) + TPC_GROUP_HEADER_BYTES;
    tpc_attributes_t walk = m->walk;
    for (uint32_t i = 0; i < m->attribute_count; i++)
    {
        tpc_attribute_t a;
        if (!attribute_at(m, i, &walk, &a)) { return TPC_MALFORMED; }
        length += attribute_block() + 3 * TPC_VAR_HEADER_BYTES + (int64_t)a.key.length + (int64_t)a.format.length + (int64_t)a.value.length;
    }
    return length;
}

int64_t tpc_source_meta_encode(uint8_t *buffer, size_t capacity, const tpc_source_meta_t *m)
{
    const int64_t length = tpc_source_meta_length(m);
    if (length < 0 || (uint64_t)length > capacity) { return TPC_MALFORMED; }
    TPI_PUT_HEADER(shm_tensorpool_control_dataSourceMeta, buffer);
    uint8_t *block = buffer + TPC_HEADER_BYTES;
    TPI_SOURCE_META_FIELDS(TPI_PUT, shm_tensorpool_control_dataSourceMeta)
    uint8_t *at = tpi_put_group(block + TPI_BLOCK(shm_tensorpool_control_dataSourceMeta), attribute_block(), (uint16_t)m->attribute_count);
    tpc_attributes_t walk = m->walk;
    tpc_attribute_t a;
    for (uint32_t i = 0; i < m->attribute_count && attribute_at(m, i, &walk, &a); i++)
    {
        at = tpi_put_bytes(at + attribute_block(), &a.key);
        at = tpi_put_bytes(at, &a.format);
        at = tpi_put_bytes(at, &a.value);
    }
    return length;
}

int tpc_source_meta_decode(tpc_source_meta_t *decoded, const uint8_t *data, size_t length)
{
    tpi_reader_t reader;
    const uint8_t *block;
    const int result = TPI_OPEN(shm_tensorpool_control_dataSourceMeta, &reader, &block, data, length);
    if (TPC_OK != result) { return result; }
    uint16_t block_length;
    uint16_t count;
    if (!tpi_read_group(&reader, attribute_block(), &block_length, &count)) { return TPC_MALFORMED; }
    tpc_source_meta_t aside = { .attribute_count = count };
    tpc_source_meta_t *m = &aside;
    if (!tpi_read_walk(&reader, &m->walk, block_length, count, 3)) { return TPC_MALFORMED; }
    TPI_SOURCE_META_FIELDS(TPI_GET, shm_tensorpool_control_dataSourceMeta)
    *decoded = aside;
    return TPC_OK;
}
