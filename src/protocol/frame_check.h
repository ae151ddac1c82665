/*
 * Rows 3 to 8 of the table in 10-wire.md 11.1: what a slot's private image says, against the geometry of the mapped set. Rows 2 and 9 are
 * shm/slot.h, row 1 is protocol/mapping and protocol/follow. Pure, no allocation; hot.
 */
#ifndef TPI_PROTOCOL_FRAME_CHECK_H
#define TPI_PROTOCOL_FRAME_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "codec/codec_shm.h"
#include "protocol/drop_reason.h"
#include "protocol/tensor.h"
#include "shm/pool_set.h"

/* Where an acceptable frame lies and what it is. Outputs are set on TPI_DROP_ACCEPTED only. */
typedef struct tpi_frame
{
    const tpi_pool_t *pool;            /* of the set; the payload is tpi_pool_payload(pool, index) */
    uint32_t index;
    uint32_t values_len_bytes;         /* <= pool->stride_bytes; 0: do not touch the payload (W-036) */
    uint64_t timestamp_ns;             /* capture time */
    uint32_t meta_version;             /* TP_NULL_U32: none */
    const tpi_tensor_result_t *tensor; /* of the checker; valid until its next check */
}
tpi_frame_t;

/* One slot, from scratch. */
tpi_drop_reason_t tpi_frame_check(tpi_frame_t *frame, tpi_tensor_result_t *tensor, const tpc_slot_t *slot, uint64_t seq, const tpi_pool_set_t *set);

/*
 * The same for a series of slots: a tensor header equal to the last valid one is not validated again. Owned by one thread; zero it to
 * start. Only headerBytes decides, so it may live across epochs.
 */
typedef struct tpi_frame_checker
{
    bool is_known;
    tpi_slot_shape_t shape;                    /* length of headerBytes, embedded header, tensor fields; the rest is not looked at */
    tpi_tensor_result_t tensor;
    int tensor_verdict;                        /* of the last full validation: tpi_tensor_verdict_t, for diagnostics */
    uint64_t validations;
}
tpi_frame_checker_t;

tpi_drop_reason_t tpi_frame_checker_check(tpi_frame_checker_t *checker, tpi_frame_t *frame, const uint64_t image[TPI_SLOT_WORDS], uint64_t seq,
    const tpi_pool_set_t *set);

#endif
