/* Shapes: declared once, validated once, with their prepared slot image; and safe access to elements. Stateless, any thread. */
#include <inttypes.h>
#include <string.h>

#include "client/producer_state.h"
#include "common/alloc.h"
#include "common/err.h"
#include "protocol/tensor.h"

static void prepare_image(tp_tensor_template_t *t, const int32_t *dims, const int32_t *strides)
{
    tpc_slot_t slot = TPC_SLOT_INIT;
    slot.dtype = (int16_t)t->tensor.dtype;
    slot.major_order = (int16_t)t->tensor.order;
    slot.ndims = (uint8_t)t->tensor.ndims;
    slot.progress_unit = (uint8_t)t->tensor.progress_unit;
    slot.progress_stride_bytes = t->tensor.progress_stride_bytes;
    for (uint32_t i = 0; i < t->tensor.ndims; i++)
    {
        slot.dims[i] = dims[i];
        slot.strides[i] = strides[i];
    }
    uint8_t bytes[TPC_SLOT_BYTES];
    tpc_slot_encode(bytes, &slot);                         /* W-021 W-027 */
    memcpy(t->image, bytes, sizeof(t->image));
}

/* The stride a progress unit refers to, so that nobody has to give it twice (O-13). */
static uint32_t progress_stride(const tpi_tensor_fields_t *fields, int progress_unit)
{
    tpi_tensor_fields_t plain = *fields;
    tpi_tensor_result_t result;
    plain.progress_unit = TP_PROGRESS_NONE;
    plain.progress_stride_bytes = 0;
    const uint32_t axis = TP_PROGRESS_COLUMNS == progress_unit ? 1 : 0;
    if (TPI_TENSOR_OK != tpi_tensor_validate(&result, &plain) || axis >= fields->ndims || result.tensor.strides[axis] > UINT32_MAX) { return 0; }
    return (uint32_t)result.tensor.strides[axis];
}

int tp_tensor_template_init_strided(tp_tensor_template_t **tensor, int dtype, int order, uint32_t ndims, const int32_t *dims,
    const int32_t *strides_bytes, int progress_unit)
{
    static const int32_t inferred[TP_MAX_DIMS];
    if (NULL == tensor || NULL == dims) { TPI_SET_ERR(TP_EINVAL, "tensor or dims is NULL"); return -1; }
    if (ndims < 1 || ndims > TP_MAX_DIMS) { TPI_SET_ERR(TP_ETENSOR, "ndims = %" PRIu32 ", allowed 1..%d", ndims, TP_MAX_DIMS); return -1; }
    if (progress_unit < TP_PROGRESS_NONE || progress_unit > TP_PROGRESS_COLUMNS)
    {
        TPI_SET_ERR(TP_ETENSOR, "progress_unit = %d, allowed 0 (none), 1 (rows), 2 (columns)", progress_unit);
        return -1;
    }
    const int32_t *strides = NULL == strides_bytes ? inferred : strides_bytes;
    tpi_tensor_fields_t fields = { .dtype = dtype, .major_order = order, .ndims = ndims, .progress_unit = (uint32_t)progress_unit, .dims = dims,
        .strides = strides };
    if (TP_PROGRESS_NONE != progress_unit) { fields.progress_stride_bytes = progress_stride(&fields, progress_unit); }
    tpi_tensor_result_t result;
    const tpi_tensor_verdict_t verdict = tpi_tensor_validate(&result, &fields);
    if (TPI_TENSOR_OK != verdict)
    {
        TPI_SET_ERR(TP_ETENSOR, "tensor of dtype %d, order %d, %" PRIu32 " dims: %s", dtype, order, ndims, tpi_tensor_verdict_text((int)verdict));
        if (result.bad_axis >= 0 && (uint32_t)result.bad_axis < ndims)
        {
            TPI_ERR_WHY("axis %d: dims = %" PRId32 ", stride_bytes = %" PRId32, result.bad_axis, dims[result.bad_axis], strides[result.bad_axis]);
        }
        return -1;
    }
    if (result.extent_bytes > UINT32_MAX)
    {
        TPI_SET_ERR(TP_ETENSOR, "tensor needs %" PRIu64 " bytes, allowed %" PRIu32, result.extent_bytes, UINT32_MAX);
        return -1;
    }
    tp_tensor_template_t *t = tpi_alloc(sizeof(*t));
    if (NULL == t) { return -1; }
    t->tensor = result.tensor;
    t->extent_bytes = result.extent_bytes;
    prepare_image(t, dims, strides);
    *tensor = t;
    return 0;
}

int tp_tensor_template_init(tp_tensor_template_t **tensor, int dtype, int order, uint32_t ndims, const int32_t *dims)
{
    return tp_tensor_template_init_strided(tensor, dtype, order, ndims, dims, NULL, TP_PROGRESS_NONE);
}

void tp_tensor_template_close(tp_tensor_template_t *tensor) { tpi_free(tensor); }
const tp_tensor_t *tp_tensor_template_tensor(const tp_tensor_template_t *tensor) { return NULL == tensor ? NULL : &tensor->tensor; }
uint64_t tp_tensor_extent_bytes(const tp_tensor_t *tensor) { return NULL == tensor ? 0 : tpi_tensor_extent_bytes(tensor); }
bool tp_tensor_is_contiguous(const tp_tensor_t *tensor) { return NULL != tensor && tpi_tensor_is_contiguous(tensor); }
uint64_t tp_tensor_element_count(const tp_tensor_t *tensor) { return NULL == tensor ? 0 : tpi_tensor_element_count(tensor); }

const void *tp_tensor_at(const tp_tensor_t *tensor, const void *payload, size_t payload_bytes, const int64_t *index)
{
    uint64_t offset;
    /* O-15 */
    if (NULL == tensor || NULL == payload || NULL == index || !tpi_tensor_offset(tensor, index, payload_bytes, &offset)) { return NULL; }
    return (const uint8_t *)payload + offset;
}
