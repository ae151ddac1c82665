/* Owns the message of schema 902. Stateless. */
#include "codec/codec_bridge.h"

#include "codec/codec_io.h"
#include "codec/fields.h"

#include <shm_tensorpool_bridge/bridgeFrameChunk.h>

_Static_assert(TPC_FRAME_CHUNK == SHM_TENSORPOOL_BRIDGE_BRIDGE_FRAME_CHUNK_SBE_TEMPLATE_ID, "drifted from the schema");
_Static_assert(TPC_FRAME_CHUNK_OVERHEAD == TPC_HEADER_BYTES + TPC_FRAME_CHUNK_BLOCK + 2 * TPC_VAR_HEADER_BYTES, "drifted from the schema");

int64_t tpc_frame_chunk_length(const tpc_frame_chunk_t *m)
{
    if (m->header_bytes.length > TPC_CHUNK_HEADER_BYTES_MAX) { return TPC_MALFORMED; }
    TPI_FRAME_CHUNK_DATA(TPI_DATA_FITS)
    int64_t length = TPC_HEADER_BYTES + TPI_BLOCK(shm_tensorpool_bridge_bridgeFrameChunk);
    TPI_FRAME_CHUNK_DATA(TPI_DATA_LENGTH)
    return length;
}

int64_t tpc_frame_chunk_encode(uint8_t *buffer, size_t capacity, const tpc_frame_chunk_t *m)
{
    const int64_t length = tpc_frame_chunk_length(m);
    if (length < 0 || (uint64_t)length > capacity) { return TPC_MALFORMED; }
    TPI_PUT_HEADER(shm_tensorpool_bridge_bridgeFrameChunk, buffer);
    uint8_t *block = buffer + TPC_HEADER_BYTES;
    TPI_FRAME_CHUNK_FIELDS(TPI_PUT, shm_tensorpool_bridge_bridgeFrameChunk)
    uint8_t *at = block + TPI_BLOCK(shm_tensorpool_bridge_bridgeFrameChunk);
    TPI_FRAME_CHUNK_DATA(TPI_DATA_PUT)
    (void)at;
    return length;
}

int tpc_frame_chunk_decode(tpc_frame_chunk_t *decoded, const uint8_t *data, size_t length)
{
    tpi_reader_t reader;
    const uint8_t *block;
    const int result = TPI_OPEN(shm_tensorpool_bridge_bridgeFrameChunk, &reader, &block, data, length);
    if (TPC_OK != result) { return result; }
    tpc_frame_chunk_t aside;
    tpc_frame_chunk_t *m = &aside;
    TPI_FRAME_CHUNK_DATA(TPI_DATA_READ)
    if (m->header_bytes.length > TPC_CHUNK_HEADER_BYTES_MAX) { return TPC_MALFORMED; }
    TPI_FRAME_CHUNK_FIELDS(TPI_GET, shm_tensorpool_bridge_bridgeFrameChunk)
    *decoded = aside;
    return TPC_OK;
}
