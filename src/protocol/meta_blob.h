/*
 * Metadata blobs (10-wire.md 14; W-183 to W-187, W-254, O-35, O-36): a sender that cuts one blob into messages, and a receiver that puts blobs
 * together again and believes nothing. Pure: no I/O, no clock.
 *
 * Receiver. One assembly a (streamId, Aeron session): a foreign sender can neither end nor mix into a blob of somebody else. What it may cost is
 * bounded before anything is allocated: length of one blob, number of assemblies, bytes of all of them, silence. Memory follows the bytes that have
 * come, so that an announce alone costs nothing, and never exceeds totalLen.
 */
#ifndef TPI_PROTOCOL_META_BLOB_H
#define TPI_PROTOCOL_META_BLOB_H

#include <stdbool.h>
#include <stdint.h>

#include "codec/codec_wire.h"

#define TPI_BLOB_CHUNK_MAX 65536u                          /* W-187: CHUNK_MAX */
#define TPI_BLOB_LIMIT_BYTES (UINT64_C(16) << 20)          /* default of both sides */
#define TPI_BLOB_ASSEMBLIES_MAX 16u
#define TPI_BLOB_SILENCE_NS INT64_C(10000000000)

/* ---- sender ---- */

typedef enum tpi_blob_step { TPI_BLOB_ANNOUNCE = 0, TPI_BLOB_CHUNK, TPI_BLOB_COMPLETE, TPI_BLOB_DONE } tpi_blob_step_t;

typedef struct tpi_blob_sender
{
    tpi_blob_step_t step;
    uint32_t stream_id;
    uint32_t meta_version;
    uint32_t blob_type;
    uint32_t chunk_max;
    uint64_t offset;
    uint64_t total_len;
    uint64_t checksum;                 /* 0 = not used (O-35) */
    const uint8_t *data;               /* the caller's */
}
tpi_blob_sender_t;

/* What goes out next; which member counts says tpi_blob_sender_next. */
typedef union tpi_blob_message
{
    tpc_blob_announce_t announce;
    tpc_blob_chunk_t chunk;
    tpc_blob_complete_t complete;
}
tpi_blob_message_t;

/* chunk_max is raised to 1 and cut to TPI_BLOB_CHUNK_MAX. */
void tpi_blob_sender_init(tpi_blob_sender_t *sender, const void *data, uint64_t total_len, uint32_t blob_type, bool checksum, uint32_t chunk_max);
/* From the beginning: also after the last audience has gone. meta_version is that of the blob. */
void tpi_blob_sender_start(tpi_blob_sender_t *sender, uint32_t stream_id, uint32_t meta_version);
/* The same message until tpi_blob_sender_sent was called. room: longest chunk that the bus takes now. */
tpi_blob_step_t tpi_blob_sender_next(const tpi_blob_sender_t *sender, uint32_t room, tpi_blob_message_t *message);
void tpi_blob_sender_sent(tpi_blob_sender_t *sender, const tpi_blob_message_t *message);

/* ---- receiver ---- */

/* Why a blob was not delivered, or a message ignored. One counter each. */
typedef enum tpi_blob_verdict
{
    TPI_BLOB_TAKEN = 0,                /* the message moved its assembly on */
    TPI_BLOB_DELIVERED,
    TPI_BLOB_TOO_LONG,                 /* announce above the limit */
    TPI_BLOB_TABLE_FULL,               /* announce while TPI_BLOB_ASSEMBLIES_MAX blobs are under way */
    TPI_BLOB_NO_MEMORY,                /* bytes of all assemblies at their limit, or allocation failed */
    TPI_BLOB_NOT_EXPECTED,             /* chunk or complete while idle */
    TPI_BLOB_OTHER_VERSION,            /* metaVersion differs from the announced one */
    TPI_BLOB_BAD_CHUNK,                /* empty, gap, overlap, beyond totalLen */
    TPI_BLOB_INCOMPLETE,               /* complete before the last byte */
    TPI_BLOB_BAD_CHECKSUM,
    TPI_BLOB_REPLACED,                 /* an unfinished blob ended by the next announce of its sender */
    TPI_BLOB_SILENT,                   /* nothing came for TPI_BLOB_SILENCE_NS */
    TPI_BLOB_VERDICTS
}
tpi_blob_verdict_t;

typedef struct tpi_blob_assembly
{
    bool active;
    int32_t session_id;
    uint32_t stream_id;
    uint32_t meta_version;
    uint32_t blob_type;
    uint32_t crc;                      /* of the bytes so far */
    uint64_t total_len;
    uint64_t checksum;
    uint64_t expected;                 /* offset of the next chunk = bytes held */
    uint64_t capacity;                 /* allocated, at most total_len */
    int64_t last_ns;
    uint8_t *data;
}
tpi_blob_assembly_t;

/* A finished blob. data is freed when the call that returned TPI_BLOB_DELIVERED is followed by tpi_blob_receiver_release. */
typedef struct tpi_blob
{
    int32_t session_id;
    uint32_t stream_id;
    uint32_t meta_version;
    uint32_t blob_type;
    uint64_t length;
    uint64_t checksum;
    uint8_t *data;                     /* NULL when length is 0 */
}
tpi_blob_t;

typedef struct tpi_blob_receiver
{
    uint64_t limit_bytes;              /* of one blob */
    uint64_t total_limit_bytes;        /* allocated by all of them */
    uint64_t allocated;
    uint64_t counts[TPI_BLOB_VERDICTS];
    tpi_blob_assembly_t assemblies[TPI_BLOB_ASSEMBLIES_MAX];
}
tpi_blob_receiver_t;

/* 0: defaults (16 MiB; four times the limit of one). */
void tpi_blob_receiver_init(tpi_blob_receiver_t *receiver, uint64_t limit_bytes, uint64_t total_limit_bytes);
tpi_blob_verdict_t tpi_blob_receiver_on_announce(tpi_blob_receiver_t *receiver, const tpc_blob_announce_t *announce, int32_t session_id,
    int64_t now_ns);
tpi_blob_verdict_t tpi_blob_receiver_on_chunk(tpi_blob_receiver_t *receiver, const tpc_blob_chunk_t *chunk, int32_t session_id, int64_t now_ns);
/* TPI_BLOB_DELIVERED: *blob is set and its bytes are the caller's until tpi_blob_receiver_release. */
tpi_blob_verdict_t tpi_blob_receiver_on_complete(tpi_blob_receiver_t *receiver, const tpc_blob_complete_t *complete, int32_t session_id,
    tpi_blob_t *blob);
void tpi_blob_receiver_release(tpi_blob_t *blob);
/* Ends what has fallen silent. */
void tpi_blob_receiver_sweep(tpi_blob_receiver_t *receiver, int64_t now_ns);
void tpi_blob_receiver_fini(tpi_blob_receiver_t *receiver);

#endif
