/*
 * How the codec touches bytes: unaligned little-endian access and a bounded reader. Every wire number comes from the generated
 * headers (x_encoding_offset, x_sbe_block_length and so on, which fold to constants). The generated setters are not used: theirs
 * take enum types, ours keep unlisted values raw (W-070), and their readers trust lengths that ours must check (trap P11).
 */
#ifndef TPI_CODEC_CODEC_IO_H
#define TPI_CODEC_CODEC_IO_H

#include "codec/codec.h"

#define TPI_ACCESS(T, type) \
    static inline void tpi_put_##T(uint8_t *at, type value) { memcpy(at, &value, sizeof(value)); } \
    static inline type tpi_get_##T(const uint8_t *at) { type value; memcpy(&value, at, sizeof(value)); return value; }

TPI_ACCESS(u8, uint8_t)
TPI_ACCESS(u16, uint16_t)
TPI_ACCESS(u32, uint32_t)
TPI_ACCESS(u64, uint64_t)
TPI_ACCESS(i16, int16_t)
TPI_ACCESS(i32, int32_t)
TPI_ACCESS(i64, int64_t)

/* One row of a field list in fields.h: M is the generated prefix, wire the schema name, name the member of *m. */
#define TPI_PUT(M, T, wire, name) tpi_put_##T(block + M##_##wire##_encoding_offset(), m->name);
#define TPI_GET(M, T, wire, name) m->name = tpi_get_##T(block + M##_##wire##_encoding_offset());
#define TPI_BLOCK(M) M##_sbe_block_length()

#define TPI_PUT_HEADER(M, at) \
    tpi_put_header((at), M##_sbe_block_length(), M##_sbe_template_id(), M##_sbe_schema_id(), M##_sbe_schema_version()) /* D-126 */

static inline void tpi_put_header(uint8_t *at, uint16_t block_length, uint16_t template_id, uint16_t schema_id, uint16_t version)
{
    tpi_put_u64(at, block_length | (uint64_t)template_id << 16 | (uint64_t)schema_id << 32 | (uint64_t)version << 48);
}

/* What is left of a message that is being read: [next, end). */
typedef struct tpi_reader
{
    const uint8_t *next;
    const uint8_t *end;
}
tpi_reader_t;

/* Checks header, version and block (D-202, trap P10), sets *block, and puts the reader behind the block as received. */
#define TPI_OPEN(M, reader, block, data, length) \
    tpi_open((reader), (block), (data), (length), M##_sbe_template_id(), M##_sbe_schema_id(), M##_sbe_block_length())

/* Merge maps, trace links and discovery take version 1 only; the older schemas anything up to 1 (O-38). */
static inline uint16_t tpi_oldest_version(uint16_t schema_id) { return schema_id < TPC_JOIN_SCHEMA ? 0 : 1; }

static inline int tpi_open(tpi_reader_t *reader, const uint8_t **block, const uint8_t *data, size_t length, uint16_t template_id,
    uint16_t schema_id, uint16_t min_block)
{
    tpc_header_t header;
    if (TPC_OK != tpc_header_decode(&header, data, length)) { return TPC_MALFORMED; }
    if (template_id != header.template_id || schema_id != header.schema_id) { return TPC_MALFORMED; }
    if (header.version > TPC_SCHEMA_VERSION) { return TPC_NEWER_VERSION; }                 /* O-38 D-083 X-027 X-028 */
    if (header.version < tpi_oldest_version(schema_id)) { return TPC_MALFORMED; }
    if (header.block_length < min_block || length - TPC_HEADER_BYTES < header.block_length) { return TPC_MALFORMED; }    /* J-101 */
    *block = data + TPC_HEADER_BYTES;
    reader->next = *block + header.block_length;
    reader->end = data + length;
    return TPC_OK;
}

static inline size_t tpi_left(const tpi_reader_t *reader) { return (size_t)(reader->end - reader->next); }

/* The fixed part of the next group entry, at least min_block long. */
static inline bool tpi_read_block(tpi_reader_t *reader, const uint8_t **block, uint16_t block_length)
{
    if (tpi_left(reader) < block_length) { return false; }
    *block = reader->next;
    reader->next += block_length;
    return true;
}

static inline bool tpi_read_bytes(tpi_reader_t *reader, tpc_bytes_t *bytes)
{
    if (tpi_left(reader) < TPC_VAR_HEADER_BYTES) { return false; }
    const uint32_t length = tpi_get_u32(reader->next);
    if (length > TPC_VAR_MAX || length > tpi_left(reader) - TPC_VAR_HEADER_BYTES) { return false; }
    bytes->data = (const char *)reader->next + TPC_VAR_HEADER_BYTES;
    bytes->length = length;
    reader->next += TPC_VAR_HEADER_BYTES + length;
    return true;
}

/* Header of a group. An empty group may state any block length. */
static inline bool tpi_read_group(tpi_reader_t *reader, uint16_t min_block, uint16_t *block_length, uint16_t *count)
{
    if (tpi_left(reader) < TPC_GROUP_HEADER_BYTES) { return false; }
    *block_length = tpi_get_u16(reader->next);
    *count = tpi_get_u16(reader->next + 2);
    reader->next += TPC_GROUP_HEADER_BYTES;
    return 0 == *count || *block_length >= min_block;
}

/* Skips count entries of block_length bytes and puts a walk around them. */
static inline bool tpi_read_walk(tpi_reader_t *reader, tpc_walk_t *walk, uint16_t block_length, uint32_t count, unsigned strings)
{
    const tpi_reader_t start = *reader;
    const uint8_t *block;
    tpc_bytes_t bytes;
    for (uint32_t i = 0; i < count; i++)
    {
        if (!tpi_read_block(reader, &block, block_length)) { return false; }
        for (unsigned k = 0; k < strings; k++)
        {
            if (!tpi_read_bytes(reader, &bytes)) { return false; }
        }
    }
    *walk = (tpc_walk_t){ start.next, reader->next, count, block_length };
    return true;
}

static inline uint8_t *tpi_put_group(uint8_t *at, uint16_t block_length, uint16_t count)
{
    tpi_put_u16(at, block_length);
    tpi_put_u16(at + 2, count);
    return at + TPC_GROUP_HEADER_BYTES;
}

static inline bool tpi_bytes_fit(const tpc_bytes_t *bytes)
{
    return bytes->length <= TPC_VAR_MAX && (NULL != bytes->data || 0 == bytes->length);
}

static inline uint8_t *tpi_put_bytes(uint8_t *at, const tpc_bytes_t *bytes)
{
    tpi_put_u32(at, bytes->length);                                                        /* W-066 X-021: absent is 0 */
    if (0 != bytes->length) { memcpy(at + TPC_VAR_HEADER_BYTES, bytes->data, bytes->length); }
    return at + TPC_VAR_HEADER_BYTES + bytes->length;
}

/* payloadPools, the same bytes in schemas 900 and 901: codec_pools.c. */
int64_t tpi_pools_length(const tpc_pool_entry_t *pools, uint32_t count);
uint8_t *tpi_put_pools(uint8_t *at, const tpc_pool_entry_t *pools, uint32_t count);
int tpi_read_pools(tpi_reader_t *reader, tpc_pool_entry_t pools[TPC_POOLS_MAX], uint32_t *count);

/* Length, encode and decode of a message whose tail is var-data only. FIELDS and DATA are lists of fields.h. */
#define TPI_DATA_FITS(name) if (!tpi_bytes_fit(&m->name)) { return TPC_MALFORMED; }
#define TPI_DATA_LENGTH(name) length += TPC_VAR_HEADER_BYTES + (int64_t)m->name.length;
#define TPI_DATA_PUT(name) at = tpi_put_bytes(at, &m->name);
#define TPI_DATA_READ(name) if (!tpi_read_bytes(&reader, &m->name)) { return TPC_MALFORMED; }

#define TPI_MESSAGE(M, name, FIELDS, DATA) \
    int64_t tpc_##name##_length(const tpc_##name##_t *m) \
    { \
        int64_t length = TPC_HEADER_BYTES + TPI_BLOCK(M); \
        DATA(TPI_DATA_FITS) \
        DATA(TPI_DATA_LENGTH) \
        (void)m; \
        return length; \
    } \
    int64_t tpc_##name##_encode(uint8_t *buffer, size_t capacity, const tpc_##name##_t *m) \
    { \
        const int64_t length = tpc_##name##_length(m); \
        if (length < 0 || (uint64_t)length > capacity) { return TPC_MALFORMED; } \
        TPI_PUT_HEADER(M, buffer); \
        uint8_t *block = buffer + TPC_HEADER_BYTES; \
        FIELDS(TPI_PUT, M) \
        uint8_t *at = block + TPI_BLOCK(M); \
        DATA(TPI_DATA_PUT) \
        (void)at; \
        return length; \
    } \
    int tpc_##name##_decode(tpc_##name##_t *decoded, const uint8_t *data, size_t length) \
    { \
        tpi_reader_t reader; \
        const uint8_t *block; \
        const int result = TPI_OPEN(M, &reader, &block, data, length); \
        if (TPC_OK != result) { return result; } \
        tpc_##name##_t aside; \
        tpc_##name##_t *m = &aside; \
        DATA(TPI_DATA_READ) \
        FIELDS(TPI_GET, M) \
        *decoded = aside; \
        return TPC_OK; \
    }

#define TPI_NO_DATA(V)

#endif
