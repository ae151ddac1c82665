/* Owns the group payloadPools, one layout for ShmPoolAnnounce and ShmAttachResponse (O-7: the URI last), and byte views. */
#include "codec/codec_io.h"
#include "codec/fields.h"

#include <shm_tensorpool_control/shmPoolAnnounce.h>

static uint16_t entry_block(void) { return (uint16_t)shm_tensorpool_control_shmPoolAnnounce_payloadPools_sbe_block_length(); }

bool tpc_bytes_copy(char *target, size_t size, tpc_bytes_t bytes)
{
    const size_t length = bytes.length < size ? bytes.length : size - 1;
    if (0 != length) { memcpy(target, bytes.data, length); }
    target[length] = '\0';
    return length == bytes.length;
}

int64_t tpi_pools_length(const tpc_pool_entry_t *pools, uint32_t count)
{
    if (count > TPC_POOLS_MAX) { return TPC_MALFORMED; }
    int64_t length = TPC_GROUP_HEADER_BYTES;
    for (uint32_t i = 0; i < count; i++)
    {
        if (!tpi_bytes_fit(&pools[i].region_uri)) { return TPC_MALFORMED; }
        length += entry_block() + TPC_VAR_HEADER_BYTES + (int64_t)pools[i].region_uri.length;
    }
    return length;
}

uint8_t *tpi_put_pools(uint8_t *at, const tpc_pool_entry_t *pools, uint32_t count)
{
    at = tpi_put_group(at, entry_block(), (uint16_t)count);
    for (uint32_t i = 0; i < count; i++)
    {
        const tpc_pool_entry_t *m = &pools[i];
        uint8_t *block = at;
        TPI_POOL_ENTRY_FIELDS(TPI_PUT, shm_tensorpool_control_shmPoolAnnounce_payloadPools)
        at = tpi_put_bytes(block + entry_block(), &m->region_uri);
    }
    return at;
}

int tpi_read_pools(tpi_reader_t *reader, tpc_pool_entry_t pools[TPC_POOLS_MAX], uint32_t *count)
{
    uint16_t block_length;
    uint16_t entries;
    if (!tpi_read_group(reader, entry_block(), &block_length, &entries)) { return TPC_MALFORMED; }
    tpc_pool_entry_t surplus;
    for (uint32_t i = 0; i < entries; i++)
    {
        const uint8_t *block;
        tpc_pool_entry_t *m = i < TPC_POOLS_MAX ? &pools[i] : &surplus;
        if (!tpi_read_block(reader, &block, block_length) || !tpi_read_bytes(reader, &m->region_uri)) { return TPC_MALFORMED; }
        TPI_POOL_ENTRY_FIELDS(TPI_GET, shm_tensorpool_control_shmPoolAnnounce_payloadPools)
    }
    *count = entries;
    return TPC_OK;
}
