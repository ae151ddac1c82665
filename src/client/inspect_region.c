/* Region files for tools and post-mortem: read-only, no lease, no containment. Owns what tp_region_open returns. Any thread. */
#include <inttypes.h>
#include <string.h>

#include "codec/codec_shm.h"
#include "common/alloc.h"
#include "common/err.h"
#include "protocol/tensor.h"
#include "shm/region.h"
#include "shm/slot.h"

#include <tensor_pool/client/tp_inspect.h>

struct tp_region
{
    tpi_region_t region;
    tpc_superblock_t superblock;       /* as it was when mapped */
};

int tp_region_open(tp_region_t **region, const char *path)
{
    if (NULL == region || NULL == path) { TPI_SET_ERR(TP_EINVAL, "region or path is NULL"); return -1; }
    tp_region_t *r = tpi_alloc(sizeof(*r));
    if (NULL == r) { return -1; }
    if (tpi_region_map_path(&r->region, path, &r->superblock) < 0)
    {
        tpi_free(r);
        return -1;
    }
    *region = r;
    return 0;
}

void tp_region_close(tp_region_t *region)
{
    if (NULL == region) { return; }
    tpi_region_unmap(&region->region);
    tpi_free(region);
}

int tp_region_superblock(const tp_region_t *region, tp_superblock_t *superblock)
{
    if (NULL == region || NULL == superblock) { TPI_SET_ERR(TP_EINVAL, "region or superblock is NULL"); return -1; }
    const tpc_superblock_t *s = &region->superblock;
    *superblock = (tp_superblock_t){ .size = sizeof(*superblock), .layout_version = s->layout_version, .magic = s->magic, .epoch = s->epoch,
        .stream_id = s->stream_id, .region_type = s->region_type, .pool_id = s->pool_id, .nslots = s->nslots, .slot_bytes = s->slot_bytes,
        .stride_bytes = s->stride_bytes, .pid = s->pid, .start_ns = s->start_timestamp_ns, .activity_ns = tpi_region_activity_ns(&region->region) };
    return 0;
}

/* The first check of 11.1 that fails; pools are not known here, so their rows are left out. */
static const char *problem_of(const tpc_slot_t *s, uint32_t index, uint32_t nslots, tpi_tensor_result_t *tensor)
{
    if (!tpc_slot_is_v1(s)) { return "embedded header is not that of a tensor (W-048, W-049)"; }
    if (0 != s->payload_offset) { return "payloadOffset is not 0 (W-026)"; }
    if (s->payload_slot != index || index != ((s->seq_commit >> 1) & (nslots - 1))) { return "payloadSlot is not the header index (W-063)"; }
    const tpi_tensor_verdict_t verdict = tpi_tensor_validate_slot(tensor, s);
    return TPI_TENSOR_OK == verdict ? "" : tpi_tensor_verdict_text((int)verdict);
}

int tp_region_slot_read(const tp_region_t *region, uint32_t index, tp_slot_t *slot)
{
    if (NULL == region || NULL == slot) { TPI_SET_ERR(TP_EINVAL, "region or slot is NULL"); return -1; }
    if (TPI_REGION_HEADER_RING != region->superblock.region_type || index >= region->superblock.nslots)
    {
        TPI_SET_ERR(TP_EINVAL, "slot %" PRIu32 " of a region of type %d with %" PRIu32 " slots; only header rings have slots to read", index,
            region->superblock.region_type, region->superblock.nslots);
        return -1;
    }
    const tpi_slot_word_t *words =
        (const tpi_slot_word_t *)(const void *)(region->region.base + TPI_SUPERBLOCK_BYTES + (size_t)index * TPI_SLOT_BYTES);
    uint64_t image[TPI_SLOT_WORDS];
    image[0] = tpi_slot_peek(words);
    for (unsigned i = 1; i < TPI_SLOT_WORDS; i++) { image[i] = atomic_load_explicit(&words[i], memory_order_relaxed); }
    const bool stable = tpi_slot_still(words, image[0]);
    tpc_slot_t s;
    tpi_tensor_result_t tensor;
    memset(&tensor, 0, sizeof(tensor));
    tpc_slot_decode(&s, (const uint8_t *)image);
    const bool committed = 0 != (image[0] & 1u);
    const char *problem = committed ? problem_of(&s, index, region->superblock.nslots, &tensor) : "not committed";
    const bool valid = committed && '\0' == problem[0];
    tp_slot_t out = { .size = sizeof(out), .index = index, .seq = image[0] >> 1, .committed = committed, .stable = stable, .valid = valid,
        .problem = problem, .values_len_bytes = s.values_len_bytes, .payload_slot = s.payload_slot, .pool_id = s.pool_id,
        .payload_offset = s.payload_offset, .timestamp_ns = s.timestamp_ns, .meta_version = s.meta_version, .header_bytes = s.header_bytes_length,
        .embedded_block_length = s.block_length, .embedded_template_id = s.template_id, .embedded_schema_id = s.schema_id,
        .embedded_version = s.version };
    memcpy(out.declared_strides, s.strides, sizeof(out.declared_strides));
    if (valid) { out.tensor = tensor.tensor; }
    *slot = out;
    return 0;
}
