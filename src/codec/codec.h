/*
 * What all messages share: header, results, byte views. The codec knows bytes only; what a value means is decided in protocol/.
 * Stateless, any thread, no allocation, no error text.
 *
 * For every message:
 *   TPC_X_INIT                                    initialiser: absent fields hold the null values of the schema (trap P16)
 *   int64_t tpc_x_length(const tpc_x_t *)         exact length with header, or TPC_MALFORMED when a limit is broken
 *   int64_t tpc_x_encode(buffer, capacity, m)     that length, or TPC_MALFORMED: limit broken or it does not fit; buffer untouched then
 *   int tpc_x_decode(m, data, length)             TPC_OK or a negative below; *m is untouched on failure
 *
 * data begins at the message header. Byte views of a decoded message point into data and live as long as it does. Enumerations
 * are kept raw: an unlisted value decodes, and whoever acts on it rejects it (W-070). Blocks longer than ours are skipped (O-38).
 */
#ifndef TPI_CODEC_CODEC_H
#define TPI_CODEC_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if !defined(__BYTE_ORDER__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "big-endian hosts are not supported (W-073, O-45)"
#endif

#define TPC_WIRE_SCHEMA 900
#define TPC_DRIVER_SCHEMA 901
#define TPC_BRIDGE_SCHEMA 902
#define TPC_JOIN_SCHEMA 903
#define TPC_TRACELINK_SCHEMA 904
#define TPC_DISCOVERY_SCHEMA 910
#define TPC_SCHEMA_VERSION 1            /* of all six */

#define TPC_HEADER_BYTES 8
#define TPC_GROUP_HEADER_BYTES 4
#define TPC_VAR_HEADER_BYTES 4
#define TPC_VAR_MAX UINT32_C(1073741824)
#define TPC_POOLS_MAX 64                /* local limit on payloadPools */

/* Results of decoding. */
#define TPC_OK 0
#define TPC_MALFORMED (-1)              /* short, lying about a length, or another message */
#define TPC_NEWER_VERSION (-2)          /* header is ours, version above TPC_SCHEMA_VERSION: nothing else was looked at */
#define TPC_TOO_MANY (-3)               /* well formed, but a group exceeds a local limit */

typedef struct tpc_header
{
    uint16_t block_length;
    uint16_t template_id;
    uint16_t schema_id;
    uint16_t version;
}
tpc_header_t;

/* TPC_OK, or TPC_MALFORMED when there are fewer than 8 bytes. */
static inline int tpc_header_decode(tpc_header_t *header, const uint8_t *data, size_t length)
{
    if (length < TPC_HEADER_BYTES) { return TPC_MALFORMED; }
    memcpy(&header->block_length, data, 2);
    memcpy(&header->template_id, data + 2, 2);
    memcpy(&header->schema_id, data + 4, 2);
    memcpy(&header->version, data + 6, 2);
    return TPC_OK;
}

/* A string or bytes, never NUL-terminated (trap P9). Absent: length 0. */
typedef struct tpc_bytes
{
    const char *data;
    uint32_t length;
}
tpc_bytes_t;

#define TPC_BYTES_NONE { NULL, 0 }

/* The bytes of a C string; NULL is absent. A string too long for the wire gets a length that encode refuses. */
static inline tpc_bytes_t tpc_bytes(const char *text)
{
    const size_t length = NULL == text ? 0 : strlen(text);
    const tpc_bytes_t bytes = { text, length > UINT32_MAX ? UINT32_MAX : (uint32_t)length };
    return bytes;
}

static inline bool tpc_bytes_equal(tpc_bytes_t bytes, const char *text)
{
    const size_t length = strlen(text);
    return bytes.length == length && (0 == length || 0 == memcmp(bytes.data, text, length));
}

/* Byte for byte. */
static inline bool tpc_bytes_same(tpc_bytes_t a, tpc_bytes_t b)
{
    return a.length == b.length && (0 == a.length || 0 == memcmp(a.data, b.data, a.length));
}

/* Copies as a C string, cut to fit size (size > 0). Returns whether nothing was cut. */
bool tpc_bytes_copy(char *target, size_t size, tpc_bytes_t bytes);

/* One entry of payloadPools, the same in ShmPoolAnnounce and ShmAttachResponse. */
typedef struct tpc_pool_entry
{
    uint16_t pool_id;
    uint32_t pool_nslots;
    uint32_t stride_bytes;
    tpc_bytes_t region_uri;
}
tpc_pool_entry_t;

/*
 * A group of a decoded message, walked entry by entry: take a copy and hand it to the next-function of the group until that says
 * false. The group was checked as a whole when its message was decoded, so that happens exactly after the counted entries.
 */
typedef struct tpc_walk
{
    const uint8_t *next;
    const uint8_t *end;
    uint32_t left;
    uint16_t block_length;
}
tpc_walk_t;

#endif
