/* Tensors: shapes declared once, views read safely. */
#ifndef TENSOR_POOL_CLIENT_TP_TENSOR_H
#define TENSOR_POOL_CLIENT_TP_TENSOR_H

#include <tensor_pool/common/tp_error.h>
#include <tensor_pool/common/tp_types.h>

TP_BEGIN_DECLS

/* A shape that was validated once, with its prepared 256-byte slot image. Immutable after init; may be shared between producers. */
typedef struct tp_tensor_template tp_tensor_template_t;

/* Contiguous tensor: dims[0..ndims-1] >= 0, axis 0 first as in NumPy. TP_ETENSOR names the rule (10-wire.md section 7). */
TP_EXPORT int tp_tensor_template_init(tp_tensor_template_t **tensor, int dtype, int order, uint32_t ndims, const int32_t *dims);
/* Explicit byte strides (NULL or entries 0 = inferred) and a progress unit. */
TP_EXPORT int tp_tensor_template_init_strided(tp_tensor_template_t **tensor, int dtype, int order, uint32_t ndims, const int32_t *dims,
    const int32_t *strides_bytes, int progress_unit);
TP_EXPORT void tp_tensor_template_close(tp_tensor_template_t *tensor);
TP_EXPORT const tp_tensor_t *tp_tensor_template_tensor(const tp_tensor_template_t *tensor);
/* Bytes a payload of this shape needs: sum((dims[i]-1) * strides[i]) + element size, 0 when a dimension is 0. */
TP_EXPORT uint64_t tp_tensor_extent_bytes(const tp_tensor_t *tensor);
TP_EXPORT bool tp_tensor_is_contiguous(const tp_tensor_t *tensor);
TP_EXPORT uint64_t tp_tensor_element_count(const tp_tensor_t *tensor);
/* Address of one element; NULL when an index is out of range or the element does not lie within payload_bytes (O-15). */
TP_EXPORT const void *tp_tensor_at(const tp_tensor_t *tensor, const void *payload, size_t payload_bytes, const int64_t *index);

TP_END_DECLS

#endif
