/* The message of schema 902 (60-bridge.md section 2). Hot on both sides of a bridge: no allocation, no text. */
#ifndef TPI_CODEC_CODEC_BRIDGE_H
#define TPI_CODEC_CODEC_BRIDGE_H

#include "codec/codec.h"

#define TPC_FRAME_CHUNK 1
#define TPC_FRAME_CHUNK_BLOCK 53
#define TPC_FRAME_CHUNK_OVERHEAD 69             /* length of a chunk without headerBytes and payloadBytes */
#define TPC_CHUNK_HEADER_BYTES_MAX 256          /* headerBytes: more is malformed on either side */

/* 1 BridgeFrameChunk. Encoding copies headerBytes and payloadBytes from where they lie. */
typedef struct tpc_frame_chunk
{
    uint32_t stream_id;
    uint64_t epoch;
    uint64_t seq;
    uint64_t trace_id;                          /* 0 = none */
    uint32_t chunk_index;
    uint32_t chunk_count;
    uint32_t chunk_offset;
    uint32_t chunk_length;
    uint32_t payload_length;
    uint32_t payload_crc32c;                    /* 0 = absent */
    uint8_t header_included;                    /* Bool */
    tpc_bytes_t header_bytes;
    tpc_bytes_t payload_bytes;
}
tpc_frame_chunk_t;

#define TPC_FRAME_CHUNK_INIT { .trace_id = 0, .payload_crc32c = 0 }

int64_t tpc_frame_chunk_length(const tpc_frame_chunk_t *m);
int64_t tpc_frame_chunk_encode(uint8_t *buffer, size_t capacity, const tpc_frame_chunk_t *m);
int tpc_frame_chunk_decode(tpc_frame_chunk_t *m, const uint8_t *data, size_t length);

#endif
