/* Holds our constants and the public enumerations equal to the schemas at compile time. Offsets, which are functions in the
 * generated headers, are compared in layout_test.c. No code. */
#include "codec/codec_driver.h"
#include "codec/codec_shm.h"
#include "codec/codec_wire.h"

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
#include <shm_tensorpool_control/tensorHeader.h>
#include <shm_tensorpool_driver/shmAttachRequest.h>
#include <shm_tensorpool_driver/shmAttachResponse.h>
#include <shm_tensorpool_driver/shmDetachRequest.h>
#include <shm_tensorpool_driver/shmDetachResponse.h>
#include <shm_tensorpool_driver/shmDriverShutdown.h>
#include <shm_tensorpool_driver/shmDriverShutdownRequest.h>
#include <shm_tensorpool_driver/shmLeaseKeepalive.h>
#include <shm_tensorpool_driver/shmLeaseRevoked.h>

#define SAME(ours, theirs) _Static_assert((long)(ours) == (long)(theirs), #ours " drifted from the schema");
#define WIRE_ID(ours, name) SAME(TPC_##ours, SHM_TENSORPOOL_CONTROL_##name##_SBE_TEMPLATE_ID)
#define DRIVER_ID(ours, name) SAME(TPC_##ours, SHM_TENSORPOOL_DRIVER_##name##_SBE_TEMPLATE_ID)
#define WIRE(ours, name) SAME(ours, shm_tensorpool_control_##name)
#define DRIVER(ours, name) SAME(ours, shm_tensorpool_driver_##name)

WIRE_ID(POOL_ANNOUNCE, SHM_POOL_ANNOUNCE)
WIRE_ID(CONSUMER_HELLO, CONSUMER_HELLO)
WIRE_ID(CONSUMER_CONFIG, CONSUMER_CONFIG)
WIRE_ID(FRAME_DESCRIPTOR, FRAME_DESCRIPTOR)
WIRE_ID(QOS_CONSUMER, QOS_CONSUMER)
WIRE_ID(QOS_PRODUCER, QOS_PRODUCER)
WIRE_ID(SOURCE_ANNOUNCE, DATA_SOURCE_ANNOUNCE)
WIRE_ID(SOURCE_META, DATA_SOURCE_META)
WIRE_ID(CONTROL_RESPONSE, CONTROL_RESPONSE)
WIRE_ID(BLOB_ANNOUNCE, META_BLOB_ANNOUNCE)
WIRE_ID(FRAME_PROGRESS, FRAME_PROGRESS)
WIRE_ID(BLOB_CHUNK, META_BLOB_CHUNK)
WIRE_ID(BLOB_COMPLETE, META_BLOB_COMPLETE)
WIRE_ID(TENSOR_HEADER, TENSOR_HEADER)
DRIVER_ID(ATTACH_REQUEST, SHM_ATTACH_REQUEST)
DRIVER_ID(ATTACH_RESPONSE, SHM_ATTACH_RESPONSE)
DRIVER_ID(DETACH_REQUEST, SHM_DETACH_REQUEST)
DRIVER_ID(DETACH_RESPONSE, SHM_DETACH_RESPONSE)
DRIVER_ID(KEEPALIVE, SHM_LEASE_KEEPALIVE)
DRIVER_ID(DRIVER_SHUTDOWN, SHM_DRIVER_SHUTDOWN)
DRIVER_ID(LEASE_REVOKED, SHM_LEASE_REVOKED)
DRIVER_ID(SHUTDOWN_REQUEST, SHM_DRIVER_SHUTDOWN_REQUEST)

/* W-071: frozen */
WIRE(TP_DTYPE_UNKNOWN, dtype_UNKNOWN)
WIRE(TP_DTYPE_UINT8, dtype_UINT8)
WIRE(TP_DTYPE_INT8, dtype_INT8)
WIRE(TP_DTYPE_UINT16, dtype_UINT16)
WIRE(TP_DTYPE_INT16, dtype_INT16)
WIRE(TP_DTYPE_UINT32, dtype_UINT32)
WIRE(TP_DTYPE_INT32, dtype_INT32)
WIRE(TP_DTYPE_UINT64, dtype_UINT64)
WIRE(TP_DTYPE_INT64, dtype_INT64)
WIRE(TP_DTYPE_FLOAT32, dtype_FLOAT32)
WIRE(TP_DTYPE_FLOAT64, dtype_FLOAT64)
WIRE(TP_DTYPE_BOOLEAN, dtype_BOOLEAN)
WIRE(TP_DTYPE_BYTES, dtype_BYTES)
WIRE(TP_DTYPE_BIT, dtype_BIT)
WIRE(TP_ORDER_UNKNOWN, majorOrder_UNKNOWN)
WIRE(TP_ROW_MAJOR, majorOrder_ROW)
WIRE(TP_COLUMN_MAJOR, majorOrder_COLUMN)
WIRE(TP_PROGRESS_NONE, progressUnit_NONE)
WIRE(TP_PROGRESS_ROWS, progressUnit_ROWS)
WIRE(TP_PROGRESS_COLUMNS, progressUnit_COLUMNS)
WIRE(TP_MODE_STREAM, mode_STREAM)
WIRE(TP_MODE_RATE_LIMITED, mode_RATE_LIMITED)
WIRE(TPC_CLOCK_MONOTONIC, clockDomain_MONOTONIC)
WIRE(TPC_CLOCK_REALTIME_SYNCED, clockDomain_REALTIME_SYNCED)
WIRE(TPC_PROGRESS_UNKNOWN, frameProgressState_UNKNOWN)
WIRE(TPC_PROGRESS_STARTED, frameProgressState_STARTED)
WIRE(TPC_PROGRESS_PROGRESS, frameProgressState_PROGRESS)
WIRE(TPC_PROGRESS_COMPLETE, frameProgressState_COMPLETE)
WIRE(TPC_REGION_HEADER_RING, regionType_HEADER_RING)
WIRE(TPC_REGION_PAYLOAD_POOL, regionType_PAYLOAD_POOL)
WIRE(TPC_CODE_OK, responseCode_OK)
WIRE(TPC_CODE_UNSUPPORTED, responseCode_UNSUPPORTED)
WIRE(TPC_CODE_INVALID_PARAMS, responseCode_INVALID_PARAMS)
WIRE(TPC_CODE_REJECTED, responseCode_REJECTED)
WIRE(TPC_CODE_INTERNAL_ERROR, responseCode_INTERNAL_ERROR)
WIRE(TPC_CODE_NULL, responseCode_NULL_VALUE)
WIRE(false, bool_FALSE)
WIRE(true, bool_TRUE)

DRIVER(TPC_CODE_OK, responseCode_OK)
DRIVER(TPC_CODE_UNSUPPORTED, responseCode_UNSUPPORTED)
DRIVER(TPC_CODE_INVALID_PARAMS, responseCode_INVALID_PARAMS)
DRIVER(TPC_CODE_REJECTED, responseCode_REJECTED)
DRIVER(TPC_CODE_INTERNAL_ERROR, responseCode_INTERNAL_ERROR)
DRIVER(TPC_CODE_NULL, responseCode_NULL_VALUE)
DRIVER(TP_ROLE_PRODUCER, role_PRODUCER)
DRIVER(TP_ROLE_CONSUMER, role_CONSUMER)
DRIVER(TPC_ENUM_NULL, role_NULL_VALUE)
DRIVER(TP_PUBLISH_REQUIRE_EXISTING, publishMode_REQUIRE_EXISTING)
DRIVER(TP_PUBLISH_EXISTING_OR_CREATE, publishMode_EXISTING_OR_CREATE)
DRIVER(TP_PUBLISH_ABSENT, publishMode_NULL_VALUE)           /* D-067 */
DRIVER(TP_HUGEPAGES_UNSPECIFIED, hugepagesPolicy_UNSPECIFIED)
DRIVER(TP_HUGEPAGES_STANDARD, hugepagesPolicy_STANDARD)
DRIVER(TP_HUGEPAGES_REQUIRED, hugepagesPolicy_HUGEPAGES)
DRIVER(TPC_REVOKE_DETACHED, leaseRevokeReason_DETACHED)
DRIVER(TPC_REVOKE_EXPIRED, leaseRevokeReason_EXPIRED)
DRIVER(TPC_REVOKE_REVOKED, leaseRevokeReason_REVOKED)
DRIVER(TPC_SHUTDOWN_NORMAL, shutdownReason_NORMAL)
DRIVER(TPC_SHUTDOWN_ADMIN, shutdownReason_ADMIN)
DRIVER(TPC_SHUTDOWN_ERROR, shutdownReason_ERROR)
