/*
 * Frames as DLPack tensors, for NumPy, PyTorch and others, without copying or with. This header names no type of DLPack; include <dlpack/dlpack.h>
 * yourself where you need its structs.
 */
#ifndef TENSOR_POOL_CLIENT_TP_DLPACK_H
#define TENSOR_POOL_CLIENT_TP_DLPACK_H

#include <tensor_pool/client/tp_consumer.h>

TP_BEGIN_DECLS

#define TP_DLPACK_VERSIONED UINT32_C(1)    /* DLManagedTensorVersioned of DLPack 1.0 instead of DLManagedTensor */
#define TP_DLPACK_COPY UINT32_C(2)         /* bytes of its own instead of the slot in shared memory */

/*
 * Makes a DLManagedTensor (or DLManagedTensorVersioned) of a view; on the consumer's thread, while the view lives. Whoever gets it calls its deleter
 * once, on any thread, at any time, also after the consumer and the client were closed. CPU memory; the number of dimensions, the shape and the
 * effective strides (in elements) are those of the view. BOOLEAN becomes kDLBool (uint8 in the legacy struct, which does not know it), BYTES and BIT
 * become uint8. Data is 64-byte aligned, 256-byte where copied.
 *
 * Without TP_DLPACK_COPY the tensor is the slot itself. It is read-only: a write ends the process, and the versioned struct says so (the legacy one
 * cannot; NumPy takes it as read-only). The memory stays mapped until the deleter is called, but the producer overwrites the slot when its ring comes
 * round, without asking: bytes are arbitrary from then on. Ask tp_dlpack_is_valid after the last use, as with tp_frame_view_is_valid.
 * With TP_DLPACK_COPY the bytes were checked after copying, stay as they are, and may be written.
 *
 * 0 and *managed set, or -1: TP_EINVAL (view is not the consumer's current one, unknown flags), TP_ETENSOR (a stride that is no multiple of the
 * element size; a shape that reaches beyond the payload, O-15), TP_ETORN (overwritten while it was copied), TP_ENOMEM.
 */
TP_EXPORT int tp_dlpack_from_view(void **managed, const tp_frame_view_t *view, uint32_t flags);
/*
 * Whether every byte read so far belongs to the frame: its mapping is in force and its slot was not written since. Any thread, before the deleter is
 * called; managed is one that tp_dlpack_from_view made. Counts nothing. A copy is always valid; false for NULL.
 */
TP_EXPORT bool tp_dlpack_is_valid(const void *managed);

TP_END_DECLS

#endif
