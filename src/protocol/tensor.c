/*
 * Owns nothing. Every product is made in 64 bits from factors that were compared with LIMIT before, so none wraps (O-16): a payload never
 * exceeds 2^32 - 1 bytes, and the other factor is at most 2^31 - 1.
 */
#include "protocol/tensor.h"

#include <string.h>

#define LIMIT UINT64_C(0xFFFFFFFF)

static tpi_tensor_verdict_t reject(tpi_tensor_result_t *result, tpi_tensor_verdict_t verdict, int axis)
{
    result->bad_axis = axis;
    return verdict;
}

static bool is_row_major(int32_t order) { return TP_ROW_MAJOR == order; }

/* T5: the n-th axis from the fastest. */
static uint32_t axis_at(uint32_t n, uint32_t ndims, int32_t order) { return is_row_major(order) ? ndims - 1 - n : n; }

static tpi_tensor_verdict_t check_shape(tpi_tensor_result_t *result, const tpi_tensor_fields_t *f)
{
    if (f->ndims < 1 || f->ndims > TP_MAX_DIMS) { return reject(result, TPI_TENSOR_NDIMS, -1); }                       /* T1, W-025 */
    if (0 == tp_dtype_size(f->dtype)) { return reject(result, TPI_TENSOR_DTYPE, -1); }                                 /* T2, W-070 */
    if (TP_ROW_MAJOR != f->major_order && TP_COLUMN_MAJOR != f->major_order) { return reject(result, TPI_TENSOR_ORDER, -1); }   /* T3, W-070 */
    for (uint32_t i = 0; i < f->ndims; i++)                                                                            /* T4; W-028: no further */
    {
        if (f->dims[i] < 0) { return reject(result, TPI_TENSOR_NEGATIVE_DIM, (int)i); }                                /* O-14 */
        if (f->strides[i] < 0) { return reject(result, TPI_TENSOR_NEGATIVE_STRIDE, (int)i); }                          /* W-029 */
    }
    return TPI_TENSOR_OK;
}

/* T6 */
static tpi_tensor_verdict_t infer_strides(tpi_tensor_result_t *result, tp_tensor_t *tensor, const tpi_tensor_fields_t *f)
{
    uint64_t required = tp_dtype_size(f->dtype);
    for (uint32_t n = 0; n < f->ndims; n++)
    {
        const uint32_t a = axis_at(n, f->ndims, f->major_order);
        if (required > LIMIT) { return reject(result, TPI_TENSOR_TOO_LARGE, (int)a); }
        const uint64_t given = (uint64_t)f->strides[a];
        if (0 != given && given < required) { return reject(result, TPI_TENSOR_OVERLAP, (int)a); }                     /* W-030 */
        tensor->strides[a] = 0 == given ? required : given;                                                            /* W-031 */
        required = tensor->strides[a] * (uint64_t)(f->dims[a] > 1 ? f->dims[a] : 1);
    }
    return TPI_TENSOR_OK;
}

/* T7, O-13: ROWS is axis 0, COLUMNS axis 1, for either order. */
static tpi_tensor_verdict_t check_progress(tpi_tensor_result_t *result, tp_tensor_t *tensor, const tpi_tensor_fields_t *f)
{
    if (TP_PROGRESS_NONE == f->progress_unit) { return TPI_TENSOR_OK; }
    if (TP_PROGRESS_ROWS != f->progress_unit && TP_PROGRESS_COLUMNS != f->progress_unit) { return reject(result, TPI_TENSOR_PROGRESS_UNIT, -1); }
    const uint32_t axis = TP_PROGRESS_ROWS == f->progress_unit ? 0 : 1;
    if (axis >= f->ndims) { return reject(result, TPI_TENSOR_PROGRESS_AXIS, -1); }
    if (0 == f->progress_stride_bytes || f->progress_stride_bytes != tensor->strides[axis])                            /* W-032 W-033 W-166 */
    {
        return reject(result, TPI_TENSOR_PROGRESS_STRIDE, (int)axis);
    }
    tensor->progress_unit = f->progress_unit;
    tensor->progress_stride_bytes = f->progress_stride_bytes;
    return TPI_TENSOR_OK;
}

tpi_tensor_verdict_t tpi_tensor_validate(tpi_tensor_result_t *result, const tpi_tensor_fields_t *fields)
{
    tp_tensor_t tensor = { .size = sizeof(tensor) };
    tpi_tensor_verdict_t verdict = check_shape(result, fields);
    if (TPI_TENSOR_OK == verdict) { verdict = infer_strides(result, &tensor, fields); }
    if (TPI_TENSOR_OK == verdict) { verdict = check_progress(result, &tensor, fields); }
    if (TPI_TENSOR_OK != verdict) { return verdict; }

    bool inferred = true;
    for (uint32_t i = 0; i < fields->ndims; i++)
    {
        tensor.dims[i] = fields->dims[i];
        inferred = inferred && 0 == fields->strides[i];
    }
    tensor.dtype = fields->dtype;
    tensor.order = fields->major_order;
    tensor.ndims = fields->ndims;
    result->tensor = tensor;
    result->inferred = inferred;
    result->extent_bytes = tpi_tensor_extent_bytes(&tensor);
    result->bad_axis = -1;
    return TPI_TENSOR_OK;
}

tpi_tensor_verdict_t tpi_tensor_validate_slot(tpi_tensor_result_t *result, const tpc_slot_t *slot)
{
    const tpi_tensor_fields_t fields = { .dtype = slot->dtype, .major_order = slot->major_order, .ndims = slot->ndims,
        .progress_unit = slot->progress_unit, .progress_stride_bytes = slot->progress_stride_bytes, .dims = slot->dims, .strides = slot->strides };
    return tpi_tensor_validate(result, &fields);
}

static const struct { const char *name; const char *text; } verdicts[TPI_TENSOR_VERDICTS] = {
    [TPI_TENSOR_OK] = { "ok", "valid" },
    [TPI_TENSOR_NDIMS] = { "ndims", "ndims is not 1 to 8" },
    [TPI_TENSOR_DTYPE] = { "dtype", "the element type is unknown" },
    [TPI_TENSOR_ORDER] = { "order", "the major order is neither row nor column" },
    [TPI_TENSOR_NEGATIVE_DIM] = { "negative_dim", "a dimension is negative" },
    [TPI_TENSOR_NEGATIVE_STRIDE] = { "negative_stride", "a stride is negative" },
    [TPI_TENSOR_TOO_LARGE] = { "too_large", "the inner axes take more than 4294967295 bytes" },
    [TPI_TENSOR_OVERLAP] = { "overlap", "a stride is smaller than the faster axes need" },
    [TPI_TENSOR_PROGRESS_UNIT] = { "progress_unit", "the progress unit is unknown" },
    [TPI_TENSOR_PROGRESS_AXIS] = { "progress_axis", "progress in columns needs two axes" },
    [TPI_TENSOR_PROGRESS_STRIDE] = { "progress_stride", "the progress stride is not the stride of its axis" },
};

const char *tpi_tensor_verdict_name(int verdict) { return verdict >= 0 && verdict < TPI_TENSOR_VERDICTS ? verdicts[verdict].name : "unknown"; }
const char *tpi_tensor_verdict_text(int verdict) { return verdict >= 0 && verdict < TPI_TENSOR_VERDICTS ? verdicts[verdict].text : "unknown"; }

/* a * b + c, held at UINT64_MAX: tp_tensor_t may come from an application and need not have passed tpi_tensor_validate. */
static uint64_t multiply_add(uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t product = 0;
    uint64_t sum = 0;
    if (__builtin_mul_overflow(a, b, &product) || __builtin_add_overflow(product, c, &sum)) { return UINT64_MAX; }
    return sum;
}

static bool is_usable(const tp_tensor_t *tensor)
{
    if (tensor->ndims < 1 || tensor->ndims > TP_MAX_DIMS || 0 == tp_dtype_size(tensor->dtype)) { return false; }
    for (uint32_t i = 0; i < tensor->ndims; i++)
    {
        if (tensor->dims[i] < 0) { return false; }
    }
    return true;
}

uint64_t tpi_tensor_extent_bytes(const tp_tensor_t *tensor)
{
    if (!is_usable(tensor)) { return 0; }
    uint64_t extent = tp_dtype_size(tensor->dtype);
    for (uint32_t i = 0; i < tensor->ndims; i++)
    {
        if (0 == tensor->dims[i]) { return 0; }                                                                        /* W-034 */
        extent = multiply_add((uint64_t)tensor->dims[i] - 1, tensor->strides[i], extent);
    }
    return extent;
}

bool tpi_tensor_is_contiguous(const tp_tensor_t *tensor)
{
    if (!is_usable(tensor)) { return false; }
    uint64_t required = tp_dtype_size(tensor->dtype);
    if (0 == tpi_tensor_element_count(tensor)) { return true; }
    for (uint32_t n = 0; n < tensor->ndims; n++)
    {
        const uint32_t a = axis_at(n, tensor->ndims, tensor->order);
        if (1 == tensor->dims[a]) { continue; }
        if (required != tensor->strides[a]) { return false; }
        required = multiply_add(required, (uint64_t)tensor->dims[a], 0);
    }
    return true;
}

uint64_t tpi_tensor_element_count(const tp_tensor_t *tensor)
{
    if (!is_usable(tensor)) { return 0; }
    uint64_t count = 1;
    for (uint32_t i = 0; i < tensor->ndims; i++)
    {
        if (0 == tensor->dims[i]) { return 0; }
    }
    for (uint32_t i = 0; i < tensor->ndims; i++) { count = multiply_add(count, (uint64_t)tensor->dims[i], 0); }
    return count;
}

bool tpi_tensor_offset(const tp_tensor_t *tensor, const int64_t *index, uint64_t payload_bytes, uint64_t *offset)
{
    if (!is_usable(tensor)) { return false; }
    uint64_t at = 0;
    for (uint32_t i = 0; i < tensor->ndims; i++)
    {
        if (index[i] < 0 || index[i] >= tensor->dims[i]) { return false; }
        at = multiply_add((uint64_t)index[i], tensor->strides[i], at);
    }
    if (multiply_add(at, 1, tp_dtype_size(tensor->dtype)) > payload_bytes) { return false; }                           /* O-15 */
    *offset = at;
    return true;
}

uint64_t tpi_tensor_safe_prefix(const tpi_tensor_result_t *result, uint64_t filled_bytes)
{
    const tp_tensor_t *const tensor = &result->tensor;
    if (TP_PROGRESS_NONE != tensor->progress_unit && 0 != tensor->progress_stride_bytes)                               /* W-165 W-174 */
    {
        /* the last row or column may be shorter than the stride */
        return filled_bytes >= result->extent_bytes ? filled_bytes : filled_bytes - filled_bytes % tensor->progress_stride_bytes;
    }
    return result->inferred ? filled_bytes : 0;                                                                        /* W-173 */
}
