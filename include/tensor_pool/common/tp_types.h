/*
 * Values that every part of the API shares. Numbers that also travel on the wire are held equal to the schemas by static
 * asserts in the codec (10-wire.md 4.3).
 */
#ifndef TENSOR_POOL_COMMON_TP_TYPES_H
#define TENSOR_POOL_COMMON_TP_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tensor_pool/common/tp_export.h>

TP_BEGIN_DECLS

#define TP_MAX_DIMS 8
#define TP_NULL_U32 UINT32_MAX
#define TP_NULL_U64 UINT64_MAX
#define TP_NULL_TRACE_ID UINT64_C(0)

/* Scalar types (W-071: frozen numbers). Element sizes: 10-wire.md 4.3; BOOLEAN, BYTES and BIT count one byte an element (O-14). */
typedef enum tp_dtype
{
    TP_DTYPE_UNKNOWN = 0,
    TP_DTYPE_UINT8 = 1,
    TP_DTYPE_INT8 = 2,
    TP_DTYPE_UINT16 = 3,
    TP_DTYPE_INT16 = 4,
    TP_DTYPE_UINT32 = 5,
    TP_DTYPE_INT32 = 6,
    TP_DTYPE_UINT64 = 7,
    TP_DTYPE_INT64 = 8,
    TP_DTYPE_FLOAT32 = 9,
    TP_DTYPE_FLOAT64 = 10,
    TP_DTYPE_BOOLEAN = 11,
    TP_DTYPE_BYTES = 13,
    TP_DTYPE_BIT = 14
}
tp_dtype_t;

typedef enum tp_major_order
{
    TP_ORDER_UNKNOWN = 0,
    TP_ROW_MAJOR = 1,
    TP_COLUMN_MAJOR = 2
}
tp_major_order_t;

typedef enum tp_progress_unit
{
    TP_PROGRESS_NONE = 0,
    TP_PROGRESS_ROWS = 1,
    TP_PROGRESS_COLUMNS = 2
}
tp_progress_unit_t;

typedef enum tp_role
{
    TP_ROLE_PRODUCER = 1,
    TP_ROLE_CONSUMER = 2
}
tp_role_t;

typedef enum tp_mode
{
    TP_MODE_STREAM = 1,
    TP_MODE_RATE_LIMITED = 2
}
tp_mode_t;

typedef enum tp_publish_mode
{
    TP_PUBLISH_REQUIRE_EXISTING = 1,
    TP_PUBLISH_EXISTING_OR_CREATE = 2,
    TP_PUBLISH_ABSENT = 255
}
tp_publish_mode_t;

typedef enum tp_hugepages_policy
{
    TP_HUGEPAGES_UNSPECIFIED = 0,
    TP_HUGEPAGES_STANDARD = 1,
    TP_HUGEPAGES_REQUIRED = 2
}
tp_hugepages_policy_t;

/*
 * Shape of one payload. strides[] are the effective byte strides: never negative, never 0, inferred ones filled in (W-031).
 * Entries at and above ndims are 0.
 */
typedef struct tp_tensor
{
    uint32_t size;                   /* sizeof(tp_tensor_t) of the library */
    int32_t dtype;                   /* tp_dtype_t */
    int32_t order;                   /* tp_major_order_t */
    uint32_t ndims;                  /* 1..TP_MAX_DIMS */
    int32_t dims[TP_MAX_DIMS];
    uint64_t strides[TP_MAX_DIMS];
    uint32_t progress_unit;          /* tp_progress_unit_t */
    uint32_t progress_stride_bytes;  /* 0 when progress_unit is TP_PROGRESS_NONE */
    uint64_t reserved[2];
}
tp_tensor_t;

/* Bytes of one element, 0 for an unknown type. */
TP_EXPORT size_t tp_dtype_size(int dtype);

/* "uint8" and so on as NumPy spells them where NumPy has the type; "unknown" otherwise. Static storage. */
TP_EXPORT const char *tp_dtype_name(int dtype);

/* The reverse; also accepts the short forms u8 i8 u16 i16 u32 i32 u64 i64 f32 f64 and boolean. TP_DTYPE_UNKNOWN if the name is none. */
TP_EXPORT int tp_dtype_from_name(const char *name);

/* How trace ids are put together (40-tracelink.md 2.2): time above, node in the middle, sequence below. All of a deployment use the same. */
typedef struct tp_trace_layout
{
    uint32_t size;                     /* sizeof(tp_trace_layout_t), or use TP_TRACE_LAYOUT_INIT */
    uint32_t node_bits;                /* together with sequence_bits at most 22 */
    uint32_t sequence_bits;
    uint32_t reserved32;
    int64_t offset_ms;                 /* from the Unix epoch to the beginning of time; 0 or more */
    uint64_t reserved[2];
}
tp_trace_layout_t;
#define TP_TRACE_LAYOUT_INIT { sizeof(tp_trace_layout_t), 10, 12, 0, 0, { 0, 0 } }

TP_END_DECLS

#endif
