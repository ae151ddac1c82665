/*
 * Messages of schema 901 (20-driver.md section 1). Names follow the schema without the prefix Shm: ShmAttachRequest.clientId is
 * tpc_attach_request_t.client_id.
 */
#ifndef TPI_CODEC_CODEC_DRIVER_H
#define TPI_CODEC_CODEC_DRIVER_H

#include "codec/codec_wire.h"                   /* TPC_CODE_* */

#define TPC_ATTACH_REQUEST 1
#define TPC_ATTACH_RESPONSE 2
#define TPC_DETACH_REQUEST 3
#define TPC_DETACH_RESPONSE 4
#define TPC_KEEPALIVE 5
#define TPC_DRIVER_SHUTDOWN 6
#define TPC_LEASE_REVOKED 7
#define TPC_SHUTDOWN_REQUEST 8

#define TPC_ATTACH_REQUEST_BLOCK 27
#define TPC_ATTACH_RESPONSE_BLOCK 54
#define TPC_DETACH_REQUEST_BLOCK 25
#define TPC_DETACH_RESPONSE_BLOCK 12
#define TPC_KEEPALIVE_BLOCK 25
#define TPC_DRIVER_SHUTDOWN_BLOCK 9
#define TPC_LEASE_REVOKED_BLOCK 26
#define TPC_SHUTDOWN_REQUEST_BLOCK 9

#define TPC_ERROR_MESSAGE_MAX 1024              /* D-069: the driver cuts longer texts; the codec does not */

#define TPC_ENUM_NULL 255                       /* of every uint8 enum */

#define TPC_REVOKE_DETACHED 1
#define TPC_REVOKE_EXPIRED 2
#define TPC_REVOKE_REVOKED 3

#define TPC_SHUTDOWN_NORMAL 0
#define TPC_SHUTDOWN_ADMIN 1
#define TPC_SHUTDOWN_ERROR 2

/* correlationId of a request (template 1 or 3) of any version whose body has at least 8 bytes: to answer UNSUPPORTED (1.6). */
int tpc_driver_correlation_id(int64_t *correlation_id, const uint8_t *data, size_t length);

/* 1 ShmAttachRequest */
typedef struct tpc_attach_request
{
    int64_t correlation_id;
    uint32_t stream_id;
    uint32_t client_id;
    uint8_t role;                               /* tp_role_t */
    uint32_t expected_layout_version;
    uint8_t publish_mode;                       /* tp_publish_mode_t; TP_PUBLISH_ABSENT */
    uint8_t require_hugepages;                  /* tp_hugepages_policy_t */
    uint32_t desired_node_id;                   /* TP_NULL_U32 = no wish */
}
tpc_attach_request_t;

#define TPC_ATTACH_REQUEST_INIT { .role = TPC_ENUM_NULL, .publish_mode = TP_PUBLISH_ABSENT, .require_hugepages = TP_HUGEPAGES_UNSPECIFIED, \
    .desired_node_id = TP_NULL_U32 }

int64_t tpc_attach_request_length(const tpc_attach_request_t *m);
int64_t tpc_attach_request_encode(uint8_t *buffer, size_t capacity, const tpc_attach_request_t *m);
int tpc_attach_request_decode(tpc_attach_request_t *m, const uint8_t *data, size_t length);

/* 2 ShmAttachResponse. As initialised it is the non-OK answer: all optional fields null, no pools (D-065). */
typedef struct tpc_attach_response
{
    int64_t correlation_id;
    int32_t code;                               /* TPC_CODE_* */
    uint64_t lease_id;
    uint64_t lease_expiry_timestamp_ns;
    uint32_t stream_id;
    uint64_t epoch;
    uint32_t layout_version;
    uint32_t header_nslots;
    uint16_t header_slot_bytes;
    uint32_t node_id;
    uint32_t pool_count;                        /* at most TPC_POOLS_MAX; more on the wire is TPC_TOO_MANY */
    tpc_pool_entry_t pools[TPC_POOLS_MAX];
    tpc_bytes_t header_region_uri;
    tpc_bytes_t error_message;
}
tpc_attach_response_t;

#define TPC_ATTACH_RESPONSE_INIT { .code = TPC_CODE_NULL, .lease_id = TP_NULL_U64, .lease_expiry_timestamp_ns = TP_NULL_U64, \
    .stream_id = TP_NULL_U32, .epoch = TP_NULL_U64, .layout_version = TP_NULL_U32, .header_nslots = TP_NULL_U32, \
    .header_slot_bytes = UINT16_MAX, .node_id = TP_NULL_U32 }

int64_t tpc_attach_response_length(const tpc_attach_response_t *m);
int64_t tpc_attach_response_encode(uint8_t *buffer, size_t capacity, const tpc_attach_response_t *m);
int tpc_attach_response_decode(tpc_attach_response_t *m, const uint8_t *data, size_t length);

/* 3 ShmDetachRequest */
typedef struct tpc_detach_request
{
    int64_t correlation_id;
    uint64_t lease_id;
    uint32_t stream_id;
    uint32_t client_id;
    uint8_t role;
}
tpc_detach_request_t;

#define TPC_DETACH_REQUEST_INIT { .role = TPC_ENUM_NULL }

int64_t tpc_detach_request_length(const tpc_detach_request_t *m);
int64_t tpc_detach_request_encode(uint8_t *buffer, size_t capacity, const tpc_detach_request_t *m);
int tpc_detach_request_decode(tpc_detach_request_t *m, const uint8_t *data, size_t length);

/* 4 ShmDetachResponse */
typedef struct tpc_detach_response
{
    int64_t correlation_id;
    int32_t code;
    tpc_bytes_t error_message;
}
tpc_detach_response_t;

#define TPC_DETACH_RESPONSE_INIT { .code = TPC_CODE_NULL }

int64_t tpc_detach_response_length(const tpc_detach_response_t *m);
int64_t tpc_detach_response_encode(uint8_t *buffer, size_t capacity, const tpc_detach_response_t *m);
int tpc_detach_response_decode(tpc_detach_response_t *m, const uint8_t *data, size_t length);

/* 5 ShmLeaseKeepalive */
typedef struct tpc_keepalive
{
    uint64_t lease_id;
    uint32_t stream_id;
    uint32_t client_id;
    uint8_t role;
    uint64_t client_timestamp_ns;
}
tpc_keepalive_t;

#define TPC_KEEPALIVE_INIT { .role = TPC_ENUM_NULL, .client_timestamp_ns = TP_NULL_U64 }

int64_t tpc_keepalive_length(const tpc_keepalive_t *m);
int64_t tpc_keepalive_encode(uint8_t *buffer, size_t capacity, const tpc_keepalive_t *m);
int tpc_keepalive_decode(tpc_keepalive_t *m, const uint8_t *data, size_t length);

/* 6 ShmDriverShutdown */
typedef struct tpc_driver_shutdown
{
    uint64_t timestamp_ns;
    uint8_t reason;                             /* TPC_SHUTDOWN_* */
    tpc_bytes_t error_message;
}
tpc_driver_shutdown_t;

#define TPC_DRIVER_SHUTDOWN_INIT { .timestamp_ns = TP_NULL_U64, .reason = TPC_ENUM_NULL }

int64_t tpc_driver_shutdown_length(const tpc_driver_shutdown_t *m);
int64_t tpc_driver_shutdown_encode(uint8_t *buffer, size_t capacity, const tpc_driver_shutdown_t *m);
int tpc_driver_shutdown_decode(tpc_driver_shutdown_t *m, const uint8_t *data, size_t length);

/* 7 ShmLeaseRevoked */
typedef struct tpc_lease_revoked
{
    uint64_t timestamp_ns;
    uint64_t lease_id;
    uint32_t stream_id;
    uint32_t client_id;
    uint8_t role;
    uint8_t reason;                             /* TPC_REVOKE_* */
    tpc_bytes_t error_message;
}
tpc_lease_revoked_t;

#define TPC_LEASE_REVOKED_INIT { .timestamp_ns = TP_NULL_U64, .role = TPC_ENUM_NULL, .reason = TPC_ENUM_NULL }

int64_t tpc_lease_revoked_length(const tpc_lease_revoked_t *m);
int64_t tpc_lease_revoked_encode(uint8_t *buffer, size_t capacity, const tpc_lease_revoked_t *m);
int tpc_lease_revoked_decode(tpc_lease_revoked_t *m, const uint8_t *data, size_t length);

/* 8 ShmDriverShutdownRequest */
typedef struct tpc_shutdown_request
{
    int64_t correlation_id;
    uint8_t reason;
    tpc_bytes_t token;
    tpc_bytes_t error_message;
}
tpc_shutdown_request_t;

#define TPC_SHUTDOWN_REQUEST_INIT { .reason = TPC_ENUM_NULL }

int64_t tpc_shutdown_request_length(const tpc_shutdown_request_t *m);
int64_t tpc_shutdown_request_encode(uint8_t *buffer, size_t capacity, const tpc_shutdown_request_t *m);
int tpc_shutdown_request_decode(tpc_shutdown_request_t *m, const uint8_t *data, size_t length);

#endif
