/*
 * A receiver of metadata blobs between several senders: announces, chunks and ends in any order, time in between. It never holds more than it may,
 * and what it delivers is exactly what was announced, byte for byte.
 */
#include <stdlib.h>
#include <string.h>

#include "common/crc32c.h"
#include "protocol/meta_blob.h"

#define LIMIT 4096u
#define TOTAL 9000u
#define MOST 5119u                     /* longest length and offset: some above the limit */
#define STEP 7u                        /* bytes of the input a message takes */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t bytes[MOST + 257];        /* byte n of every blob that is sent right */

static void check(const tpi_blob_receiver_t *receiver)
{
    uint64_t allocated = 0;
    for (size_t i = 0; i < TPI_BLOB_ASSEMBLIES_MAX; i++)
    {
        const tpi_blob_assembly_t *a = &receiver->assemblies[i];
        if (!a->active && (NULL != a->data || 0 != a->capacity)) { abort(); }
        if (!a->active) { continue; }
        if (a->total_len > LIMIT || a->capacity > a->total_len || a->expected > a->capacity) { abort(); }
        allocated += a->capacity;
    }
    if (allocated != receiver->allocated || allocated > TOTAL) { abort(); }
}

static void finish(tpi_blob_receiver_t *receiver, const tpc_blob_complete_t *complete, int32_t session_id)
{
    tpi_blob_t blob;
    if (TPI_BLOB_DELIVERED != tpi_blob_receiver_on_complete(receiver, complete, session_id, &blob)) { return; }
    if (blob.length > LIMIT || blob.stream_id != complete->stream_id || blob.session_id != session_id) { abort(); }
    if (0 != blob.length && 0 != memcmp(blob.data, bytes, blob.length)) { abort(); }
    if (0 != blob.checksum && blob.checksum != tpi_crc32c(0, blob.data, blob.length)) { abort(); }
    tpi_blob_receiver_release(&blob);
}

/* Kind; stream and session; version; three numbers. */
static void step(tpi_blob_receiver_t *receiver, const uint8_t *d, int64_t *now_ns)
{
    const uint32_t stream_id = d[1] & 15u;
    const int32_t session_id = d[1] >> 4 & 3;
    const uint32_t version = d[2] & 1u;
    const uint32_t number = (d[3] | (uint32_t)d[4] << 8) % (MOST + 1);
    const bool with_crc = 0 != (d[2] & 2u);
    switch (d[0] & 3u)
    {
        case 0:
        {
            const uint64_t length = 0 != (d[2] & 4u) ? UINT64_MAX - number : number;
            const tpc_blob_announce_t m = { .stream_id = stream_id, .meta_version = version, .total_len = length,
                .checksum = with_crc && length <= MOST ? tpi_crc32c(0, bytes, (size_t)length) ^ d[5] : 0 };
            (void)tpi_blob_receiver_on_announce(receiver, &m, session_id, *now_ns);
            break;
        }
        case 1:
        {
            const tpc_blob_chunk_t m = { .stream_id = stream_id, .meta_version = version, .chunk_offset = number,
                .bytes = { (const char *)bytes + number, (uint32_t)d[5] * d[6] % 256u } };
            (void)tpi_blob_receiver_on_chunk(receiver, &m, session_id, *now_ns);
            break;
        }
        case 2:
        {
            const tpc_blob_complete_t m = { .stream_id = stream_id, .meta_version = version,
                .checksum = with_crc ? tpi_crc32c(0, bytes, number) ^ d[5] : 0 };
            finish(receiver, &m, session_id);
            break;
        }
        default: *now_ns += (int64_t)number * 1000000; break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tpi_blob_receiver_t receiver;
    int64_t now_ns = 0;
    for (size_t i = 0; 0 == bytes[1] && i < sizeof(bytes); i++) { bytes[i] = (uint8_t)(i * 31 + i / 256); }
    tpi_blob_receiver_init(&receiver, LIMIT, TOTAL);
    for (size_t at = 0; at + STEP <= size; at += STEP)
    {
        step(&receiver, data + at, &now_ns);
        check(&receiver);
    }
    tpi_blob_receiver_fini(&receiver);
    return 0 == receiver.allocated ? 0 : (abort(), 0);
}
