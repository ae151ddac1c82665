/* The message of schema 904 (40-tracelink.md section 5). Which sets of parents are legal is decided in protocol/. */
#ifndef TPI_CODEC_CODEC_TRACELINK_H
#define TPI_CODEC_CODEC_TRACELINK_H

#include "codec/codec.h"

#define TPC_TRACE_LINK_SET 1
#define TPC_TRACE_LINK_SET_BLOCK 28
#define TPC_PARENTS_MAX 256                     /* local limit, that of existing decoders (O-12) */

/* 1 TraceLinkSet */
typedef struct tpc_trace_link_set
{
    uint32_t stream_id;
    uint64_t epoch;
    uint64_t seq;
    uint64_t trace_id;                          /* of the output frame; 0 is invalid */
    uint32_t parent_count;                      /* at most TPC_PARENTS_MAX; more on the wire is TPC_TOO_MANY */
    uint64_t parents[TPC_PARENTS_MAX];
}
tpc_trace_link_set_t;

#define TPC_TRACE_LINK_SET_INIT { .trace_id = 0 }

int64_t tpc_trace_link_set_length(const tpc_trace_link_set_t *m);
int64_t tpc_trace_link_set_encode(uint8_t *buffer, size_t capacity, const tpc_trace_link_set_t *m);
int tpc_trace_link_set_decode(tpc_trace_link_set_t *m, const uint8_t *data, size_t length);

#endif
