/*
 * Views as DLPack tensors. An export owns a reference to the mapping it points into (or a copy); the last owner of a mapping unmaps it, so that no
 * deleter comes too late (trap M9). Made on the consumer's thread, checked and deleted on any.
 */
#include <tensor_pool/client/tp_dlpack.h>

#include <dlpack/dlpack.h>
#include <inttypes.h>

#include "client/consumer_mapping.h"
#include "client/consumer_state.h"
#include "common/alloc.h"
#include "common/err.h"

#define COPY_ALIGNMENT 256u
#define BOOL_CODE 6u                   /* kDLBool */
#define READ_ONLY UINT64_C(1)          /* DLPACK_FLAG_BITMASK_READ_ONLY */
#define IS_COPIED UINT64_C(2)          /* DLPACK_FLAG_BITMASK_IS_COPIED */

/* DLManagedTensorVersioned of DLPack 1.0, around the distribution's DLTensor, which is the same in all versions. */
typedef struct versioned
{
    uint32_t major;
    uint32_t minor;
    void *manager_ctx;
    void (*deleter)(struct versioned *self);
    uint64_t flags;
    DLTensor dl_tensor;
}
versioned_t;

_Static_assert(sizeof(DLTensor) == 48 && offsetof(DLTensor, shape) == 24 && offsetof(DLTensor, byte_offset) == 40, "DLTensor is another one");
_Static_assert(offsetof(versioned_t, manager_ctx) == 8 && offsetof(versioned_t, dl_tensor) == 32, "layout of DLPack 1.0");

typedef struct tpi_export
{
    union { DLManagedTensor legacy; versioned_t versioned; };          /* first: what is handed out */
    tpi_consumer_map_t *map;           /* NULL: a copy */
    const tpi_slot_word_t *slot;
    uint64_t word;
    void *copy;
    int64_t shape[TP_MAX_DIMS];
    int64_t strides[TP_MAX_DIMS];
}
tpi_export_t;

static void delete_export(tpi_export_t *e)
{
    if (NULL != e->map) { tpi_consumer_map_release(e->map); }
    tpi_free(e->copy);
    tpi_free(e);
}

static void delete_legacy(DLManagedTensor *self) { delete_export(self->manager_ctx); }
static void delete_versioned(versioned_t *self) { delete_export(self->manager_ctx); }

static DLDataType data_type(int32_t dtype, bool is_versioned)
{
    const uint8_t bits = (uint8_t)(8 * tp_dtype_size(dtype));
    uint8_t code = kDLUInt;
    switch (dtype)
    {
        case TP_DTYPE_INT8:
        case TP_DTYPE_INT16:
        case TP_DTYPE_INT32:
        case TP_DTYPE_INT64: code = kDLInt; break;
        case TP_DTYPE_FLOAT32:
        case TP_DTYPE_FLOAT64: code = kDLFloat; break;
        case TP_DTYPE_BOOLEAN: code = is_versioned ? BOOL_CODE : (uint8_t)kDLUInt; break;
        default: break;
    }
    return (DLDataType){ .code = code, .bits = bits, .lanes = 1 };
}

static int take_shape(tpi_export_t *e, const tp_tensor_t *tensor, size_t payload_bytes)
{
    const size_t element = tp_dtype_size(tensor->dtype);
    if (0 == element || tp_tensor_extent_bytes(tensor) > payload_bytes)
    {
        TPI_SET_ERR(TP_ETENSOR, "shape needs %" PRIu64 " bytes, the payload has %zu", tp_tensor_extent_bytes(tensor), payload_bytes);     /* O-15 */
        return -1;
    }
    for (uint32_t i = 0; i < tensor->ndims; i++)
    {
        if (0 != tensor->strides[i] % element)
        {
            TPI_SET_ERR(TP_ETENSOR, "axis %" PRIu32 ": stride_bytes = %" PRIu64 " is no multiple of the element's %zu bytes", i, tensor->strides[i],
                element);
            return -1;
        }
        e->shape[i] = tensor->dims[i];
        e->strides[i] = (int64_t)(tensor->strides[i] / element);
    }
    return 0;
}

static int take_bytes(tpi_export_t *e, const tp_frame_view_t *view, bool is_copy)
{
    if (!is_copy)
    {
        tpi_consumer_map_t *map = (tpi_consumer_map_t *)(uintptr_t)view->opaque[2];
        atomic_fetch_add_explicit(&map->refs, 1, memory_order_relaxed);
        e->map = map;
        e->slot = view->opaque[1];
        e->word = view->opaque_words[0];
        return 0;
    }
    e->copy = tpi_alloc_aligned(COPY_ALIGNMENT, 0 == view->payload_bytes ? COPY_ALIGNMENT : view->payload_bytes);
    if (NULL == e->copy) { return -1; }
    if (tp_consumer_copy_frame(view, e->copy, view->payload_bytes) >= 0) { return 0; }
    TPI_SET_ERR(TP_ETORN, "frame %" PRIu64 " was overwritten while it was copied", view->seq);
    return -1;
}

static void fill(tpi_export_t *e, const tp_frame_view_t *view, bool is_versioned)
{
    const tp_tensor_t *tensor = view->tensor;
    const DLTensor t = { .data = NULL != e->copy ? e->copy : (void *)(uintptr_t)view->payload, .device = { .device_type = kDLCPU, .device_id = 0 },
        .ndim = (int32_t)tensor->ndims, .dtype = data_type(tensor->dtype, is_versioned), .shape = e->shape, .strides = e->strides, .byte_offset = 0 };
    if (is_versioned)
    {
        e->versioned = (versioned_t){ .major = 1, .minor = 0, .manager_ctx = e, .deleter = delete_versioned,
            .flags = NULL != e->copy ? IS_COPIED : READ_ONLY, .dl_tensor = t };
    }
    else { e->legacy = (DLManagedTensor){ .dl_tensor = t, .manager_ctx = e, .deleter = delete_legacy }; }
}

int tp_dlpack_from_view(void **managed, const tp_frame_view_t *view, uint32_t flags)
{
    if (NULL == managed || NULL == view || NULL == view->opaque[0] || 0 != (flags & ~(TP_DLPACK_VERSIONED | TP_DLPACK_COPY)))
    {
        TPI_SET_ERR(TP_EINVAL, "managed or view is NULL, or flags = %" PRIu32 ", allowed: TP_DLPACK_VERSIONED, TP_DLPACK_COPY", flags);
        return -1;
    }
    const tp_consumer_t *c = view->opaque[0];
    if (NULL == c->map || c->map != view->opaque[2] || c->delivery != view->opaque_words[1])
    {
        TPI_SET_ERR(TP_EINVAL, "the view of frame %" PRIu64 " lives no more", view->seq);
        return -1;
    }
    tpi_export_t *e = tpi_alloc(sizeof(*e));
    if (NULL == e) { return -1; }
    if (take_shape(e, view->tensor, view->payload_bytes) < 0 || take_bytes(e, view, 0 != (flags & TP_DLPACK_COPY)) < 0)
    {
        delete_export(e);
        return -1;
    }
    fill(e, view, 0 != (flags & TP_DLPACK_VERSIONED));
    *managed = e;
    return 0;
}

bool tp_dlpack_is_valid(const void *managed)
{
    const tpi_export_t *e = managed;
    if (NULL == e) { return false; }
    if (NULL == e->map) { return true; }
    const bool in_force = !atomic_load_explicit(&e->map->is_withdrawn, memory_order_acquire);
    return in_force && tpi_pool_set_still(e->map->set, e->slot, e->word);                 /* M4 W-114 */
}
