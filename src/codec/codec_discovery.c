/* Owns the messages of schema 910. Stateless. The order of 3.3 and 3.4 is the order on the wire, without exception (O-8). */
#include "codec/codec_discovery.h"

#include "codec/codec_io.h"
#include "codec/fields.h"

#include <shm_tensorpool_discovery/discoveryRequest.h>
#include <shm_tensorpool_discovery/discoveryResponse.h>

#define SAME(ours, theirs) _Static_assert((long)(ours) == (long)(theirs), #ours " drifted from the schema");
SAME(TPC_DISCOVERY_REQUEST, SHM_TENSORPOOL_DISCOVERY_DISCOVERY_REQUEST_SBE_TEMPLATE_ID)
SAME(TPC_DISCOVERY_RESPONSE, SHM_TENSORPOOL_DISCOVERY_DISCOVERY_RESPONSE_SBE_TEMPLATE_ID)
SAME(TPC_DISCOVERY_OK, shm_tensorpool_discovery_discoveryStatus_OK)
SAME(TPC_DISCOVERY_NOT_FOUND, shm_tensorpool_discovery_discoveryStatus_NOT_FOUND)
SAME(TPC_DISCOVERY_ERROR, shm_tensorpool_discovery_discoveryStatus_ERROR)

static uint16_t result_block(void) { return (uint16_t)shm_tensorpool_discovery_discoveryResponse_results_sbe_block_length(); }
static uint16_t pool_block(void) { return (uint16_t)shm_tensorpool_discovery_discoveryResponse_results_payloadPools_sbe_block_length(); }

/* Pools and tags */

bool tpc_pools_next(tpc_walk_t *walk, tpc_pool_entry_t *pool)
{
    tpi_reader_t reader = { walk->next, walk->end };
    tpc_pool_entry_t *m = pool;
    const uint8_t *block;
    if (0 == walk->left || !tpi_read_block(&reader, &block, walk->block_length) || !tpi_read_bytes(&reader, &pool->region_uri)) { return false; }
    TPI_POOL_ENTRY_FIELDS(TPI_GET, shm_tensorpool_discovery_discoveryResponse_results_payloadPools)
    walk->next = reader.next;
    walk->left--;
    return true;
}

bool tpc_tags_next(tpc_walk_t *walk, tpc_bytes_t *tag)
{
    tpi_reader_t reader = { walk->next, walk->end };
    if (0 == walk->left || !tpi_read_bytes(&reader, tag)) { return false; }
    walk->next = reader.next;
    walk->left--;
    return true;
}

static bool pool_at(const tpc_pool_entry_t *pools, uint32_t i, tpc_walk_t *walk, tpc_pool_entry_t *pool)
{
    if (NULL == pools) { return tpc_pools_next(walk, pool); }
    *pool = pools[i];
    return tpi_bytes_fit(&pool->region_uri);
}

static bool tag_at(const tpc_bytes_t *tags, uint32_t i, tpc_walk_t *walk, tpc_bytes_t *tag)
{
    if (NULL == tags) { return tpc_tags_next(walk, tag); }
    *tag = tags[i];
    return tpi_bytes_fit(tag);
}

static int64_t pools_length(const tpc_pool_entry_t *pools, uint32_t count, tpc_walk_t walk)
{
    int64_t length = TPC_GROUP_HEADER_BYTES;
    tpc_pool_entry_t pool;
    if (count > TPC_GROUP_MAX) { return TPC_MALFORMED; }
    for (uint32_t i = 0; i < count; i++)
    {
        if (!pool_at(pools, i, &walk, &pool)) { return TPC_MALFORMED; }
        length += pool_block() + TPC_VAR_HEADER_BYTES + (int64_t)pool.region_uri.length;
    }
    return length;
}

static int64_t tags_length(const tpc_bytes_t *tags, uint32_t count, tpc_walk_t walk)
{
    int64_t length = TPC_GROUP_HEADER_BYTES;
    tpc_bytes_t tag;
    if (count > TPC_GROUP_MAX) { return TPC_MALFORMED; }
    for (uint32_t i = 0; i < count; i++)
    {
        if (!tag_at(tags, i, &walk, &tag)) { return TPC_MALFORMED; }
        length += TPC_VAR_HEADER_BYTES + (int64_t)tag.length;
    }
    return length;
}

static uint8_t *put_pools(uint8_t *at, const tpc_pool_entry_t *pools, uint32_t count, tpc_walk_t walk)
{
    tpc_pool_entry_t pool;
    at = tpi_put_group(at, pool_block(), (uint16_t)count);
    for (uint32_t i = 0; i < count && pool_at(pools, i, &walk, &pool); i++)
    {
        const tpc_pool_entry_t *m = &pool;
        uint8_t *block = at;
        TPI_POOL_ENTRY_FIELDS(TPI_PUT, shm_tensorpool_discovery_discoveryResponse_results_payloadPools)
        at = tpi_put_bytes(block + pool_block(), &pool.region_uri);
    }
    return at;
}

static uint8_t *put_tags(uint8_t *at, const tpc_bytes_t *tags, uint32_t count, tpc_walk_t walk)
{
    tpc_bytes_t tag;
    at = tpi_put_group(at, 0, (uint16_t)count);                                                 /* */
    for (uint32_t i = 0; i < count && tag_at(tags, i, &walk, &tag); i++) { at = tpi_put_bytes(at, &tag); }
    return at;
}

static bool read_pools(tpi_reader_t *reader, uint32_t *count, tpc_walk_t *walk)
{
    uint16_t block_length;
    uint16_t entries;
    if (!tpi_read_group(reader, pool_block(), &block_length, &entries)) { return false; }
    *count = entries;
    return tpi_read_walk(reader, walk, block_length, entries, 1);
}

static bool read_tags(tpi_reader_t *reader, uint32_t *count, tpc_walk_t *walk)
{
    uint16_t block_length;
    uint16_t entries;
    if (!tpi_read_group(reader, 0, &block_length, &entries) || 0 != block_length) { return false; }      /* O-2 */
    *count = entries;
    return tpi_read_walk(reader, walk, block_length, entries, 1);
}

/* The last string of a message, which may be missing altogether (O-1). */
static bool read_last(tpi_reader_t *reader, tpc_bytes_t *bytes)
{
    *bytes = (tpc_bytes_t)TPC_BYTES_NONE;
    return 0 == tpi_left(reader) || tpi_read_bytes(reader, bytes);
}

/* DiscoveryRequest */

#define REQUEST_DATA(V) V(response_channel) V(data_source_name)

int64_t tpc_discovery_request_length(const tpc_discovery_request_t *m)
{
    const int64_t tags = tags_length(m->tags, m->tag_count, m->tag_walk);
    if (tags < 0) { return TPC_MALFORMED; }
    REQUEST_DATA(TPI_DATA_FITS)
    int64_t length = TPC_HEADER_BYTES + TPI_BLOCK(shm_tensorpool_discovery_discoveryRequest) + tags;
    REQUEST_DATA(TPI_DATA_LENGTH)
    return length;
}

int64_t tpc_discovery_request_encode(uint8_t *buffer, size_t capacity, const tpc_discovery_request_t *m)
{
    const int64_t length = tpc_discovery_request_length(m);
    if (length < 0 || (uint64_t)length > capacity) { return TPC_MALFORMED; }
    TPI_PUT_HEADER(shm_tensorpool_discovery_discoveryRequest, buffer);                          /* X-014 X-025 */
    uint8_t *block = buffer + TPC_HEADER_BYTES;
    TPI_DISCOVERY_REQUEST_FIELDS(TPI_PUT, shm_tensorpool_discovery_discoveryRequest)
    uint8_t *at = put_tags(block + TPI_BLOCK(shm_tensorpool_discovery_discoveryRequest), m->tags, m->tag_count, m->tag_walk);
    REQUEST_DATA(TPI_DATA_PUT)                                                                  /* */
    (void)at;
    return length;
}

int tpc_discovery_request_decode(tpc_discovery_request_t *decoded, const uint8_t *data, size_t length)
{
    tpi_reader_t reader;
    const uint8_t *block;
    const int result = TPI_OPEN(shm_tensorpool_discovery_discoveryRequest, &reader, &block, data, length);
    if (TPC_OK != result) { return result; }
    tpc_discovery_request_t aside = TPC_DISCOVERY_REQUEST_INIT;
    tpc_discovery_request_t *m = &aside;
    if (!read_tags(&reader, &m->tag_count, &m->tag_walk) || !tpi_read_bytes(&reader, &m->response_channel)) { return TPC_MALFORMED; }
    if (!read_last(&reader, &m->data_source_name)) { return TPC_MALFORMED; }
    TPI_DISCOVERY_REQUEST_FIELDS(TPI_GET, shm_tensorpool_discovery_discoveryRequest)
    *decoded = aside;
    return TPC_OK;
}

/* DiscoveryResponse */

static int64_t result_length(const tpc_discovery_result_t *m)
{
    const int64_t pools = pools_length(m->pools, m->pool_count, m->pool_walk);
    const int64_t tags = tags_length(m->tags, m->tag_count, m->tag_walk);
    if (pools < 0 || tags < 0) { return TPC_MALFORMED; }
    TPI_DISCOVERY_RESULT_DATA(TPI_DATA_FITS)
    int64_t length = result_block() + pools + tags;
    TPI_DISCOVERY_RESULT_DATA(TPI_DATA_LENGTH)
    return length;
}

static uint8_t *put_result(uint8_t *block, const tpc_discovery_result_t *m)
{
    TPI_DISCOVERY_RESULT_FIELDS(TPI_PUT, shm_tensorpool_discovery_discoveryResponse_results)
    uint8_t *at = put_pools(block + result_block(), m->pools, m->pool_count, m->pool_walk);
    at = put_tags(at, m->tags, m->tag_count, m->tag_walk);
    TPI_DISCOVERY_RESULT_DATA(TPI_DATA_PUT)                                                     /* */
    return at;
}

static bool read_result(tpi_reader_t *reader, uint16_t block_length, tpc_discovery_result_t *m)
{
    const uint8_t *block;
    if (!tpi_read_block(reader, &block, block_length)) { return false; }
    if (!read_pools(reader, &m->pool_count, &m->pool_walk) || !read_tags(reader, &m->tag_count, &m->tag_walk)) { return false; }
#define READ(name) if (!tpi_read_bytes(reader, &m->name)) { return false; }
    TPI_DISCOVERY_RESULT_DATA(READ)
#undef READ
    m->pools = NULL;
    m->tags = NULL;
    TPI_DISCOVERY_RESULT_FIELDS(TPI_GET, shm_tensorpool_discovery_discoveryResponse_results)
    return true;
}

bool tpc_results_next(tpc_walk_t *walk, tpc_discovery_result_t *result)
{
    tpi_reader_t reader = { walk->next, walk->end };
    if (0 == walk->left || !read_result(&reader, walk->block_length, result)) { return false; }
    walk->next = reader.next;
    walk->left--;
    return true;
}

int64_t tpc_discovery_response_length(const tpc_discovery_response_t *m)
{
    if (m->result_count > TPC_GROUP_MAX || !tpi_bytes_fit(&m->error_message)) { return TPC_MALFORMED; }
    int64_t length = TPC_HEADER_BYTES + TPI_BLOCK(shm_tensorpool_discovery_discoveryResponse) + TPC_GROUP_HEADER_BYTES;
    tpc_walk_t walk = m->result_walk;
    for (uint32_t i = 0; i < m->result_count; i++)
    {
        tpc_discovery_result_t walked;
        if (NULL == m->results && !tpc_results_next(&walk, &walked)) { return TPC_MALFORMED; }
        const int64_t one = result_length(NULL == m->results ? &walked : &m->results[i]);
        if (one < 0) { return TPC_MALFORMED; }
        length += one;
    }
    return length + TPC_VAR_HEADER_BYTES + (int64_t)m->error_message.length;
}

int64_t tpc_discovery_response_encode(uint8_t *buffer, size_t capacity, const tpc_discovery_response_t *m)
{
    const int64_t length = tpc_discovery_response_length(m);
    if (length < 0 || (uint64_t)length > capacity) { return TPC_MALFORMED; }
    TPI_PUT_HEADER(shm_tensorpool_discovery_discoveryResponse, buffer);                         /* X-014 X-025 */
    uint8_t *block = buffer + TPC_HEADER_BYTES;
    TPI_DISCOVERY_RESPONSE_FIELDS(TPI_PUT, shm_tensorpool_discovery_discoveryResponse)
    uint8_t *at = tpi_put_group(block + TPI_BLOCK(shm_tensorpool_discovery_discoveryResponse), result_block(), (uint16_t)m->result_count);
    tpc_walk_t walk = m->result_walk;
    tpc_discovery_result_t walked;
    for (uint32_t i = 0; i < m->result_count; i++)
    {
        if (NULL != m->results) { at = put_result(at, &m->results[i]); }
        else if (tpc_results_next(&walk, &walked)) { at = put_result(at, &walked); }
    }
    (void)tpi_put_bytes(at, &m->error_message);
    return length;
}

int tpc_discovery_response_decode(tpc_discovery_response_t *decoded, const uint8_t *data, size_t length)
{
    tpi_reader_t reader;
    const uint8_t *block;
    const int result = TPI_OPEN(shm_tensorpool_discovery_discoveryResponse, &reader, &block, data, length);
    if (TPC_OK != result) { return result; }
    uint16_t block_length;
    uint16_t count;
    if (!tpi_read_group(&reader, result_block(), &block_length, &count)) { return TPC_MALFORMED; }
    tpc_discovery_response_t aside = TPC_DISCOVERY_RESPONSE_INIT;
    tpc_discovery_response_t *m = &aside;
    const uint8_t *first = reader.next;
    for (uint32_t i = 0; i < count; i++)
    {
        tpc_discovery_result_t walked;
        if (!read_result(&reader, block_length, &walked)) { return TPC_MALFORMED; }
    }
    m->result_count = count;
    m->result_walk = (tpc_walk_t){ first, reader.next, count, block_length };
    if (!read_last(&reader, &m->error_message)) { return TPC_MALFORMED; }
    TPI_DISCOVERY_RESPONSE_FIELDS(TPI_GET, shm_tensorpool_discovery_discoveryResponse)
    *decoded = aside;
    return TPC_OK;
}
