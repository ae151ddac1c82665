/*
 * Messages of schema 910 (30-discovery.md section 3). Groups are arrays when encoding and walks after decoding, as in DataSourceMeta:
 * a member that is NULL while its count is not 0 is encoded from its walk.
 */
#ifndef TPI_CODEC_CODEC_DISCOVERY_H
#define TPI_CODEC_CODEC_DISCOVERY_H

#include "codec/codec.h"

#include <tensor_pool/common/tp_types.h>

#define TPC_DISCOVERY_SCHEMA_VERSION 1          /* for diagnostics; no wire presence of its own */

#define TPC_DISCOVERY_REQUEST 1
#define TPC_DISCOVERY_RESPONSE 2

#define TPC_DISCOVERY_REQUEST_BLOCK 32
#define TPC_DISCOVERY_RESPONSE_BLOCK 9

#define TPC_DISCOVERY_OK 1                      /* DiscoveryStatus */
#define TPC_DISCOVERY_NOT_FOUND 2
#define TPC_DISCOVERY_ERROR 3

#define TPC_GROUP_MAX 65534                     /* numInGroup */

/* Next pool of a result, next tag of a request or result. False at the end. */
bool tpc_pools_next(tpc_walk_t *walk, tpc_pool_entry_t *pool);
bool tpc_tags_next(tpc_walk_t *walk, tpc_bytes_t *tag);

/* 1 DiscoveryRequest */
typedef struct tpc_discovery_request
{
    uint64_t request_id;
    uint32_t client_id;
    uint32_t response_stream_id;
    uint32_t stream_id;                         /* filters: null = none */
    uint32_t producer_id;
    uint64_t data_source_id;
    uint32_t tag_count;
    const tpc_bytes_t *tags;
    tpc_walk_t tag_walk;
    tpc_bytes_t response_channel;
    tpc_bytes_t data_source_name;               /* may be missing at the end of a message (O-1) */
}
tpc_discovery_request_t;

#define TPC_DISCOVERY_REQUEST_INIT { .stream_id = TP_NULL_U32, .producer_id = TP_NULL_U32, .data_source_id = TP_NULL_U64 }   /* */

int64_t tpc_discovery_request_length(const tpc_discovery_request_t *m);
int64_t tpc_discovery_request_encode(uint8_t *buffer, size_t capacity, const tpc_discovery_request_t *m);
int tpc_discovery_request_decode(tpc_discovery_request_t *m, const uint8_t *data, size_t length);

/* 2 DiscoveryResponse */
typedef struct tpc_discovery_result
{
    uint32_t stream_id;
    uint32_t producer_id;
    uint64_t epoch;
    uint32_t layout_version;
    uint32_t header_nslots;
    uint16_t header_slot_bytes;
    uint8_t max_dims;
    uint64_t data_source_id;
    uint32_t driver_control_stream_id;
    uint32_t pool_count;
    const tpc_pool_entry_t *pools;
    tpc_walk_t pool_walk;
    uint32_t tag_count;
    const tpc_bytes_t *tags;
    tpc_walk_t tag_walk;
    tpc_bytes_t header_region_uri;
    tpc_bytes_t data_source_name;
    tpc_bytes_t driver_instance_id;
    tpc_bytes_t driver_control_channel;
}
tpc_discovery_result_t;

typedef struct tpc_discovery_response
{
    uint64_t request_id;
    uint8_t status;                             /* TPC_DISCOVERY_* */
    uint32_t result_count;
    const tpc_discovery_result_t *results;
    tpc_walk_t result_walk;
    tpc_bytes_t error_message;                  /* may be missing at the end of a message (O-1) */
}
tpc_discovery_response_t;

#define TPC_DISCOVERY_RESULT_INIT { .layout_version = 1, .header_slot_bytes = 256, .max_dims = TP_MAX_DIMS, .data_source_id = TP_NULL_U64 }
#define TPC_DISCOVERY_RESPONSE_INIT { .status = 255 }

int64_t tpc_discovery_response_length(const tpc_discovery_response_t *m);
int64_t tpc_discovery_response_encode(uint8_t *buffer, size_t capacity, const tpc_discovery_response_t *m);
int tpc_discovery_response_decode(tpc_discovery_response_t *m, const uint8_t *data, size_t length);

/* Next result of a decoded response. False at the end. */
bool tpc_results_next(tpc_walk_t *walk, tpc_discovery_result_t *result);

#endif
