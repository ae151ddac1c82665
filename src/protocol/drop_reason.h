/*
 * Why a consumer did not deliver a frame. One list: an index into drop counters, mirrored by the public statistics. A drop is counted,
 * never logged, never an error (W-201). Which QoS counter a reason belongs to stands in its row (10-wire.md 5.6, 11.1, 11.2, O-49).
 */
#ifndef TPI_PROTOCOL_DROP_REASON_H
#define TPI_PROTOCOL_DROP_REASON_H

#include <stdint.h>

typedef enum tpi_drop_class
{
    TPI_DROP_CLASS_NONE = 0,       /* not a lost frame of this mapping: in no QoS counter */
    TPI_DROP_CLASS_LATE,           /* dropsLate */
    TPI_DROP_CLASS_GAP             /* dropsGap */
}
tpi_drop_class_t;

/* TPI_DROP_ROW(name, text, class). Order is public through the statistics: new rows go to the end. */
#define TPI_DROP_ROWS(TPI_DROP_ROW) \
    TPI_DROP_ROW(ACCEPTED,       "accepted",       NONE) /* 0: not a drop; its counter stays 0 */ \
    TPI_DROP_ROW(UNCOMMITTED,    "uncommitted",    LATE) /* bit 0 of the commit word clear at the first load (W-046) */ \
    TPI_DROP_ROW(OTHER_SEQ,      "other_seq",      LATE) /* slot committed for another frame: recycled (W-098) */ \
    TPI_DROP_ROW(CHANGED,        "changed",        LATE) /* word changed while the frame was read: torn (W-052) */ \
    TPI_DROP_ROW(BAD_HEADER,     "bad_header",     LATE) /* embedded message header or its length (W-022 W-048 W-049) */ \
    TPI_DROP_ROW(BAD_OFFSET,     "bad_offset",     LATE) /* payloadOffset not 0 (W-026) */ \
    TPI_DROP_ROW(BAD_SLOT,       "bad_slot",       LATE) /* payloadSlot out of range or not the header index (W-063 W-099) */ \
    TPI_DROP_ROW(UNKNOWN_POOL,   "unknown_pool",   LATE) /* poolId is not mapped */ \
    TPI_DROP_ROW(TOO_LONG,       "too_long",       LATE) /* valuesLenBytes > strideBytes of the pool (W-100) */ \
    TPI_DROP_ROW(BAD_TENSOR,     "bad_tensor",     LATE) /* section 7 */ \
    TPI_DROP_ROW(GAP,            "gap",            GAP)  /* no descriptor came for it (W-121) */ \
    TPI_DROP_ROW(RESYNC,         "resync",         GAP)  /* skipped by the jump to the newest frame (W-125) */ \
    TPI_DROP_ROW(NOT_MAPPED,     "not_mapped",     NONE) /* descriptor while nothing is mapped (W-116) */ \
    TPI_DROP_ROW(FOREIGN_STREAM, "foreign_stream", NONE) /* descriptor of another streamId (trap P1) */ \
    TPI_DROP_ROW(FOREIGN_EPOCH,  "foreign_epoch",  NONE) /* descriptor of a newer epoch: unmaps (O-19) */ \
    TPI_DROP_ROW(OLDER_EPOCH,    "older_epoch",    NONE) /* descriptor of an older epoch: ignored (W-095, O-19) */ \
    TPI_DROP_ROW(BAD_SEQ,        "bad_seq",        NONE) /* seq >= 2^63 (W-253) */ \
    TPI_DROP_ROW(DUPLICATE,      "duplicate",      NONE) /* seq equal to the last one */ \
    TPI_DROP_ROW(REGRESSION,     "regression",     NONE) /* seq below the last one: unmaps (W-113) */ \
    TPI_DROP_ROW(RATE_LIMITED,   "rate_limited",   NONE) /* thinned out locally (W-191) */ \
    TPI_DROP_ROW(BAD_EPOCH,      "bad_epoch",      NONE) /* epoch 2^64-1 names no incarnation (O-40) */

typedef enum tpi_drop_reason
{
#define TPI_DROP_ROW(name, text, class) TPI_DROP_##name,
    TPI_DROP_ROWS(TPI_DROP_ROW)
#undef TPI_DROP_ROW
    TPI_DROP_REASON_COUNT
}
tpi_drop_reason_t;

const char *tpi_drop_reason_name(int reason);              /* "unknown" out of range; static storage */
tpi_drop_class_t tpi_drop_reason_class(int reason);        /* NONE out of range */

/* QoS sums over an array of TPI_DROP_REASON_COUNT counters. */
uint64_t tpi_drops_late(const uint64_t *drops);
uint64_t tpi_drops_gap(const uint64_t *drops);

#endif
