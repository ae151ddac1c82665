/*
 * Rules of the tensor header (10-wire.md section 7, T1 to T7), the same routine for the producer's shape and the consumer's slot.
 * Pure; works on a private copy of the fields; allocation-free, any thread.
 */
#ifndef TPI_PROTOCOL_TENSOR_H
#define TPI_PROTOCOL_TENSOR_H

#include <stdbool.h>
#include <stdint.h>

#include <tensor_pool/common/tp_types.h>

#include "codec/codec_shm.h"

typedef enum tpi_tensor_verdict
{
    TPI_TENSOR_OK = 0,
    TPI_TENSOR_NDIMS,                  /* T1: not 1..8 (W-025) */
    TPI_TENSOR_DTYPE,                  /* T2: unknown type (W-070) */
    TPI_TENSOR_ORDER,                  /* T3: neither row nor column major (W-070) */
    TPI_TENSOR_NEGATIVE_DIM,           /* T4 (O-14) */
    TPI_TENSOR_NEGATIVE_STRIDE,        /* T4 (W-029) */
    TPI_TENSOR_TOO_LARGE,              /* T6: an inner block exceeds 2^32 - 1 bytes */
    TPI_TENSOR_OVERLAP,                /* T6: stride below what the faster axes need (W-030) */
    TPI_TENSOR_PROGRESS_UNIT,          /* T7: unlisted unit (W-070) */
    TPI_TENSOR_PROGRESS_AXIS,          /* T7: COLUMNS on fewer than two axes */
    TPI_TENSOR_PROGRESS_STRIDE,        /* T7: zero, or not the stride of the axis (W-032 W-033) */
    TPI_TENSOR_VERDICTS
}
tpi_tensor_verdict_t;

typedef struct tpi_tensor_fields
{
    int32_t dtype;
    int32_t major_order;
    uint32_t ndims;
    uint32_t progress_unit;
    uint32_t progress_stride_bytes;
    const int32_t *dims;               /* ndims entries are read, at most TP_MAX_DIMS */
    const int32_t *strides;            /* 0 = inferred */
}
tpi_tensor_fields_t;

/* What validation finds out. All fields are set when the verdict is TPI_TENSOR_OK. */
typedef struct tpi_tensor_result
{
    tp_tensor_t tensor;                /* effective strides; entries from ndims on are 0 */
    uint64_t extent_bytes;             /* sum((dims[i]-1) * e[i]) + element size, 0 when a dimension is 0 (O-15) */
    bool inferred;                     /* every given stride was 0: contiguous by construction (W-031, W-173) */
    int bad_axis;                      /* on failure: the axis at fault, -1 when there is none; the only field set then */
}
tpi_tensor_result_t;

tpi_tensor_verdict_t tpi_tensor_validate(tpi_tensor_result_t *result, const tpi_tensor_fields_t *fields);
/* The fields of a decoded slot. */
tpi_tensor_verdict_t tpi_tensor_validate_slot(tpi_tensor_result_t *result, const tpc_slot_t *slot);
const char *tpi_tensor_verdict_name(int verdict);          /* "overlap" and so on; static storage */
/* For people: the rule in words, e.g. "a stride is smaller than the faster axes need". */
const char *tpi_tensor_verdict_text(int verdict);

uint64_t tpi_tensor_extent_bytes(const tp_tensor_t *tensor);
/* Whether the elements lie without gaps in the order of the tensor; axes of size 1 and empty tensors do not count. */
bool tpi_tensor_is_contiguous(const tp_tensor_t *tensor);
/* Saturates at UINT64_MAX. */
uint64_t tpi_tensor_element_count(const tp_tensor_t *tensor);
/*
 * Byte offset of one element: false when an index is out of range or the element does not lie within payload_bytes. Asks for this
 * element only; tpi_tensor_fits asks for all of them.
 */
bool tpi_tensor_offset(const tp_tensor_t *tensor, const int64_t *index, uint64_t payload_bytes, uint64_t *offset);
static inline bool tpi_tensor_fits(const tpi_tensor_result_t *result, uint64_t payload_bytes) { return result->extent_bytes <= payload_bytes; }

/* 13.2 rule 4: how many of the first filled bytes may be used: whole rows or columns where a unit is declared; 0 when they are information only. */
uint64_t tpi_tensor_safe_prefix(const tpi_tensor_result_t *result, uint64_t filled_bytes);

#endif
