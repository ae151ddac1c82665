/* Owns the layout of superblock and header slot. Stateless; works on private images only. */
#include "codec/codec_shm.h"

#include "codec/codec_io.h"
#include "codec/fields.h"

#include <shm_tensorpool_control/shmRegionSuperblock.h>
#include <shm_tensorpool_control/slotHeader.h>
#include <shm_tensorpool_control/tensorHeader.h>

#define HEADER_BYTES_AT (TPC_TENSOR_HEADER_AT - TPC_HEADER_BYTES)

_Static_assert(TPC_SLOT_HEADER_BLOCK + TPC_VAR_HEADER_BYTES + TPC_HEADER_BYTES_LEN == TPC_SLOT_BYTES, "a slot is 256 bytes (W-012)");
_Static_assert(TPC_HEADER_BYTES + TPC_TENSOR_HEADER_BLOCK == TPC_HEADER_BYTES_LEN, "headerBytes is header and block (W-022)");
_Static_assert(TPC_TENSOR_HEADER_AT + TPC_TENSOR_HEADER_BLOCK == TPC_SLOT_BYTES, "the TensorHeader ends the slot");
_Static_assert(TPC_SUPERBLOCK_ACTIVITY_AT + 8 == TPC_SUPERBLOCK_BYTES, "the fields fill the superblock (O-2)");

void tpc_superblock_encode(uint8_t image[TPC_SUPERBLOCK_BYTES], const tpc_superblock_t *superblock)
{
    uint8_t *block = image;
    const tpc_superblock_t *m = superblock;
    TPI_SUPERBLOCK_FIELDS(TPI_PUT, shm_tensorpool_control_shmRegionSuperblock)
}

_Static_assert(8 == TP_MAX_DIMS && 1 == TPC_LAYOUT_VERSION, "another number of dims is another layout");        /* W-018 */

void tpc_superblock_decode(tpc_superblock_t *superblock, const uint8_t image[TPC_SUPERBLOCK_BYTES])
{
    const uint8_t *block = image;
    tpc_superblock_t *m = superblock;
    TPI_SUPERBLOCK_FIELDS(TPI_GET, shm_tensorpool_control_shmRegionSuperblock)
}

void tpc_slot_encode(uint8_t image[TPC_SLOT_BYTES], const tpc_slot_t *slot)
{
    const tpc_slot_t *m = slot;
    const size_t used = (slot->ndims < TP_MAX_DIMS ? slot->ndims : TP_MAX_DIMS) * sizeof(int32_t);
    memset(image, 0, TPC_SLOT_BYTES);                                                /* W-021 W-027 W-038, O-4: pads by offset */
    uint8_t *block = image;
    TPI_SLOT_HEADER_FIELDS(TPI_PUT, shm_tensorpool_control_slotHeader)
    tpi_put_u32(image + TPC_SLOT_HEADER_BLOCK, slot->header_bytes_length);
    block = image + HEADER_BYTES_AT;
    TPI_MESSAGE_HEADER_FIELDS(TPI_PUT, shm_tensorpool_control_messageHeader)
    block = image + TPC_TENSOR_HEADER_AT;
    TPI_TENSOR_HEADER_FIELDS(TPI_PUT, shm_tensorpool_control_tensorHeader)
    memcpy(block + shm_tensorpool_control_tensorHeader_dims_encoding_offset(), slot->dims, used);
    memcpy(block + shm_tensorpool_control_tensorHeader_strides_encoding_offset(), slot->strides, used);
}

void tpc_slot_decode(tpc_slot_t *slot, const uint8_t image[TPC_SLOT_BYTES])
{
    tpc_slot_t *m = slot;
    const uint8_t *block = image;
    TPI_SLOT_HEADER_FIELDS(TPI_GET, shm_tensorpool_control_slotHeader)
    slot->header_bytes_length = tpi_get_u32(image + TPC_SLOT_HEADER_BLOCK);
    block = image + HEADER_BYTES_AT;
    TPI_MESSAGE_HEADER_FIELDS(TPI_GET, shm_tensorpool_control_messageHeader)
    block = image + TPC_TENSOR_HEADER_AT;
    TPI_TENSOR_HEADER_FIELDS(TPI_GET, shm_tensorpool_control_tensorHeader)
    memcpy(slot->dims, block + shm_tensorpool_control_tensorHeader_dims_encoding_offset(), sizeof(slot->dims));
    memcpy(slot->strides, block + shm_tensorpool_control_tensorHeader_strides_encoding_offset(), sizeof(slot->strides));
}
