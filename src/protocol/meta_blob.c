/* Owns the bytes of unfinished blobs; a finished one is handed over. */
#include "protocol/meta_blob.h"

#include <string.h>

#include "common/alloc.h"
#include "common/crc32c.h"

#define FIRST_CAPACITY UINT64_C(65536)

/* ---- sender ------------------------------------------------------------------------------------------------------------- */

void tpi_blob_sender_init(tpi_blob_sender_t *sender, const void *data, uint64_t total_len, uint32_t blob_type, bool checksum, uint32_t chunk_max)
{
    *sender = (tpi_blob_sender_t){ .step = TPI_BLOB_ANNOUNCE, .blob_type = blob_type, .total_len = total_len, .data = data };
    sender->chunk_max = 0 == chunk_max ? 1 : chunk_max;
    if (sender->chunk_max > TPI_BLOB_CHUNK_MAX) { sender->chunk_max = TPI_BLOB_CHUNK_MAX; }           /* W-187 */
    if (checksum) { sender->checksum = tpi_crc32c(0, data, (size_t)total_len); }                      /* W-186 O-35 */
}

void tpi_blob_sender_start(tpi_blob_sender_t *sender, uint32_t stream_id, uint32_t meta_version)
{
    sender->step = TPI_BLOB_ANNOUNCE;
    sender->stream_id = stream_id;
    sender->meta_version = meta_version;
    sender->offset = 0;
}

static uint64_t chunk_length(const tpi_blob_sender_t *sender, uint32_t room)
{
    const uint64_t left = sender->total_len - sender->offset;
    const uint64_t most = room < sender->chunk_max ? room : sender->chunk_max;
    return left < most ? left : most;
}

tpi_blob_step_t tpi_blob_sender_next(const tpi_blob_sender_t *sender, uint32_t room, tpi_blob_message_t *message)
{
    const tpi_blob_sender_t *s = sender;
    switch (s->step)
    {
        case TPI_BLOB_ANNOUNCE:
            message->announce = (tpc_blob_announce_t){ .stream_id = s->stream_id, .meta_version = s->meta_version, .blob_type = s->blob_type,
                .total_len = s->total_len, .checksum = s->checksum };
            break;
        case TPI_BLOB_CHUNK:
            message->chunk = (tpc_blob_chunk_t){ .stream_id = s->stream_id, .meta_version = s->meta_version, .chunk_offset = s->offset,
                .bytes = { (const char *)s->data + s->offset, (uint32_t)chunk_length(s, room) } };
            break;
        case TPI_BLOB_COMPLETE:
            message->complete = (tpc_blob_complete_t){ .stream_id = s->stream_id, .meta_version = s->meta_version, .checksum = s->checksum };
            break;
        case TPI_BLOB_DONE:
            break;
    }
    return s->step;
}

void tpi_blob_sender_sent(tpi_blob_sender_t *sender, const tpi_blob_message_t *message)
{
    switch (sender->step)
    {
        case TPI_BLOB_ANNOUNCE: sender->step = 0 == sender->total_len ? TPI_BLOB_COMPLETE : TPI_BLOB_CHUNK; break;
        case TPI_BLOB_CHUNK:
            sender->offset += message->chunk.bytes.length;                                            /* W-183 O-36 */
            if (sender->offset == sender->total_len) { sender->step = TPI_BLOB_COMPLETE; }
            break;
        case TPI_BLOB_COMPLETE: sender->step = TPI_BLOB_DONE; break;
        case TPI_BLOB_DONE: break;
    }
}

/* ---- receiver ----------------------------------------------------------------------------------------------------------- */

void tpi_blob_receiver_init(tpi_blob_receiver_t *receiver, uint64_t limit_bytes, uint64_t total_limit_bytes)
{
    memset(receiver, 0, sizeof(*receiver));
    receiver->limit_bytes = 0 == limit_bytes ? TPI_BLOB_LIMIT_BYTES : limit_bytes;
    receiver->total_limit_bytes = total_limit_bytes;
    if (0 == total_limit_bytes) { receiver->total_limit_bytes = receiver->limit_bytes > UINT64_MAX / 4 ? UINT64_MAX : 4 * receiver->limit_bytes; }
}

static tpi_blob_verdict_t count(tpi_blob_receiver_t *receiver, tpi_blob_verdict_t verdict)
{
    receiver->counts[verdict]++;
    return verdict;
}

static tpi_blob_assembly_t *find(tpi_blob_receiver_t *receiver, uint32_t stream_id, int32_t session_id)
{
    for (size_t i = 0; i < TPI_BLOB_ASSEMBLIES_MAX; i++)
    {
        tpi_blob_assembly_t *a = &receiver->assemblies[i];
        if (a->active && stream_id == a->stream_id && session_id == a->session_id) { return a; }
    }
    return NULL;
}

static tpi_blob_assembly_t *find_free(tpi_blob_receiver_t *receiver)
{
    for (size_t i = 0; i < TPI_BLOB_ASSEMBLIES_MAX; i++)
    {
        if (!receiver->assemblies[i].active) { return &receiver->assemblies[i]; }
    }
    return NULL;
}

static void discard(tpi_blob_receiver_t *receiver, tpi_blob_assembly_t *assembly)
{
    receiver->allocated -= assembly->capacity;
    tpi_free(assembly->data);
    memset(assembly, 0, sizeof(*assembly));
}

static tpi_blob_verdict_t fail(tpi_blob_receiver_t *receiver, tpi_blob_assembly_t *assembly, tpi_blob_verdict_t verdict)
{
    discard(receiver, assembly);                                                                      /* W-184 */
    return count(receiver, verdict);
}

tpi_blob_verdict_t tpi_blob_receiver_on_announce(tpi_blob_receiver_t *receiver, const tpc_blob_announce_t *announce, int32_t session_id,
    int64_t now_ns)
{
    tpi_blob_assembly_t *a = find(receiver, announce->stream_id, session_id);
    if (NULL != a) { (void)fail(receiver, a, TPI_BLOB_REPLACED); }
    if (announce->total_len > receiver->limit_bytes) { return count(receiver, TPI_BLOB_TOO_LONG); }   /* W-254 */
    tpi_blob_receiver_sweep(receiver, now_ns);
    a = find_free(receiver);
    if (NULL == a) { return count(receiver, TPI_BLOB_TABLE_FULL); }
    *a = (tpi_blob_assembly_t){ .active = true, .session_id = session_id, .stream_id = announce->stream_id, .meta_version = announce->meta_version,
        .blob_type = announce->blob_type, .total_len = announce->total_len, .checksum = announce->checksum, .last_ns = now_ns };
    return count(receiver, TPI_BLOB_TAKEN);
}

/* Room for length more bytes: at least doubled, never above total_len. */
static bool reserve(tpi_blob_receiver_t *receiver, tpi_blob_assembly_t *a, uint64_t length)
{
    const uint64_t needed = a->expected + length;
    if (needed <= a->capacity) { return true; }
    uint64_t capacity = a->capacity < FIRST_CAPACITY ? FIRST_CAPACITY : a->capacity * 2;
    if (capacity < needed) { capacity = needed; }
    if (capacity > a->total_len) { capacity = a->total_len; }                                         /* W-254 */
    if (receiver->allocated > receiver->total_limit_bytes) { return false; }                          /* the limit has shrunk meanwhile */
    if (capacity - a->capacity > receiver->total_limit_bytes - receiver->allocated) { return false; }
    uint8_t *data = tpi_alloc((size_t)capacity);
    if (NULL == data) { return false; }
    if (0 != a->expected) { memcpy(data, a->data, (size_t)a->expected); }
    tpi_free(a->data);
    receiver->allocated += capacity - a->capacity;
    a->data = data;
    a->capacity = capacity;
    return true;
}

tpi_blob_verdict_t tpi_blob_receiver_on_chunk(tpi_blob_receiver_t *receiver, const tpc_blob_chunk_t *chunk, int32_t session_id, int64_t now_ns)
{
    tpi_blob_assembly_t *a = find(receiver, chunk->stream_id, session_id);
    if (NULL == a) { return count(receiver, TPI_BLOB_NOT_EXPECTED); }
    if (chunk->meta_version != a->meta_version) { return fail(receiver, a, TPI_BLOB_OTHER_VERSION); }
    const uint64_t left = a->total_len - a->expected;
    const bool fits = 0 != chunk->bytes.length && chunk->chunk_offset == a->expected && chunk->bytes.length <= left;                /* O-36 */
    if (!fits) { return fail(receiver, a, TPI_BLOB_BAD_CHUNK); }
    if (!reserve(receiver, a, chunk->bytes.length)) { return fail(receiver, a, TPI_BLOB_NO_MEMORY); }
    memcpy(a->data + a->expected, chunk->bytes.data, chunk->bytes.length);
    if (0 != a->checksum) { a->crc = tpi_crc32c(a->crc, chunk->bytes.data, chunk->bytes.length); }
    a->expected += chunk->bytes.length;
    a->last_ns = now_ns;
    return count(receiver, TPI_BLOB_TAKEN);
}

tpi_blob_verdict_t tpi_blob_receiver_on_complete(tpi_blob_receiver_t *receiver, const tpc_blob_complete_t *complete, int32_t session_id,
    tpi_blob_t *blob)
{
    tpi_blob_assembly_t *a = find(receiver, complete->stream_id, session_id);
    if (NULL == a) { return count(receiver, TPI_BLOB_NOT_EXPECTED); }
    if (complete->meta_version != a->meta_version) { return fail(receiver, a, TPI_BLOB_OTHER_VERSION); }
    if (a->expected != a->total_len) { return fail(receiver, a, TPI_BLOB_INCOMPLETE); }
    const bool wrong = complete->checksum != a->checksum || (0 != a->checksum && a->crc != a->checksum);      /* O-35 */
    if (wrong) { return fail(receiver, a, TPI_BLOB_BAD_CHECKSUM); }
    *blob = (tpi_blob_t){ .session_id = session_id, .stream_id = a->stream_id, .meta_version = a->meta_version, .blob_type = a->blob_type,
        .length = a->total_len, .checksum = a->checksum, .data = a->data };
    a->data = NULL;
    discard(receiver, a);
    return count(receiver, TPI_BLOB_DELIVERED);
}

void tpi_blob_receiver_release(tpi_blob_t *blob)
{
    tpi_free(blob->data);
    blob->data = NULL;
}

void tpi_blob_receiver_sweep(tpi_blob_receiver_t *receiver, int64_t now_ns)
{
    for (size_t i = 0; i < TPI_BLOB_ASSEMBLIES_MAX; i++)
    {
        tpi_blob_assembly_t *a = &receiver->assemblies[i];
        if (a->active && now_ns - a->last_ns > TPI_BLOB_SILENCE_NS) { (void)fail(receiver, a, TPI_BLOB_SILENT); }
    }
}

void tpi_blob_receiver_fini(tpi_blob_receiver_t *receiver)
{
    for (size_t i = 0; i < TPI_BLOB_ASSEMBLIES_MAX; i++) { discard(receiver, &receiver->assemblies[i]); }
}
