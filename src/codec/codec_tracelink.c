/* Owns the message of schema 904. Stateless. */
#include "codec/codec_tracelink.h"

#include "codec/codec_io.h"
#include "codec/fields.h"

#include <shm_tensorpool_tracelink/traceLinkSet.h>

_Static_assert(TPC_TRACE_LINK_SET == SHM_TENSORPOOL_TRACELINK_TRACE_LINK_SET_SBE_TEMPLATE_ID, "drifted from the schema");

static uint16_t parent_block(void) { return (uint16_t)shm_tensorpool_tracelink_traceLinkSet_parents_sbe_block_length(); }
static size_t parent_at(void) { return shm_tensorpool_tracelink_traceLinkSet_parents_traceId_encoding_offset(); }

int64_t tpc_trace_link_set_length(const tpc_trace_link_set_t *m)
{
    if (m->parent_count > TPC_PARENTS_MAX) { return TPC_MALFORMED; }
    return TPC_HEADER_BYTES + TPI_BLOCK(shm_tensorpool_tracelink_traceLinkSet) + TPC_GROUP_HEADER_BYTES + (int64_t)m->parent_count * parent_block();
}

int64_t tpc_trace_link_set_encode(uint8_t *buffer, size_t capacity, const tpc_trace_link_set_t *m)
{
    const int64_t length = tpc_trace_link_set_length(m);
    if (length < 0 || (uint64_t)length > capacity) { return TPC_MALFORMED; }
    TPI_PUT_HEADER(shm_tensorpool_tracelink_traceLinkSet, buffer);                           /* T-034 */
    uint8_t *block = buffer + TPC_HEADER_BYTES;
    TPI_TRACE_LINK_SET_FIELDS(TPI_PUT, shm_tensorpool_tracelink_traceLinkSet)               /* T-044 */
    block = tpi_put_group(block + TPI_BLOCK(shm_tensorpool_tracelink_traceLinkSet), parent_block(), (uint16_t)m->parent_count);
    for (uint32_t i = 0; i < m->parent_count; i++, block += parent_block()) { tpi_put_u64(block + parent_at(), m->parents[i]); }
    return length;
}

int tpc_trace_link_set_decode(tpc_trace_link_set_t *m, const uint8_t *data, size_t length)
{
    tpi_reader_t reader;
    const uint8_t *block;
    const int result = TPI_OPEN(shm_tensorpool_tracelink_traceLinkSet, &reader, &block, data, length);
    if (TPC_OK != result) { return result; }
    uint16_t block_length;
    uint16_t count;
    if (!tpi_read_group(&reader, parent_block(), &block_length, &count)) { return TPC_MALFORMED; }
    if (block_length < parent_block() || tpi_left(&reader) < (size_t)count * block_length) { return TPC_MALFORMED; }     /* 5.3, step 2 */
    if (count > TPC_PARENTS_MAX) { return TPC_TOO_MANY; }
    TPI_TRACE_LINK_SET_FIELDS(TPI_GET, shm_tensorpool_tracelink_traceLinkSet)               /* T-044 */
    m->parent_count = count;                                                                /* T-039 */
    for (uint32_t i = 0; i < count; i++) { m->parents[i] = tpi_get_u64(reader.next + (size_t)i * block_length + parent_at()); }
    return TPC_OK;
}
