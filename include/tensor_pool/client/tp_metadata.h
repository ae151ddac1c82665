/*
 * What a producer tells about its stream besides frames: name and summary, attributes, blobs (10-wire.md 14).
 *
 * DataSourceAnnounce is sent by every producer that holds a lease, once a data source announce period (tp_context), with the current metaVersion
 * (W-179). DataSourceMeta, with all attributes, goes out at every change and again at the same cadence, so that late joiners are served (W-180). Each
 * change of the attributes raises metaVersion by one; frames carry the version in force when they are committed unless the caller names another
 * (W-181). Names, attributes and versions survive a lost lease; they end with the producer.
 *
 * Threads. Any thread may call; the conductor does the work and the call waits for it (in a callback it is done at once). Sending never waits: what
 * the bus refuses is tried again in the next duty cycle.
 */
#ifndef TENSOR_POOL_CLIENT_TP_METADATA_H
#define TENSOR_POOL_CLIENT_TP_METADATA_H

#include <string.h>

#include <tensor_pool/client/tp_producer.h>

TP_BEGIN_DECLS

/* Bytes with their length: never terminated, NULL only when length is 0. Received ones live until the handler returns. */
typedef struct tp_bytes
{
    const void *data;
    size_t length;
}
tp_bytes_t;

/* The bytes of a C string without its terminator; NULL: none. */
static inline tp_bytes_t tp_bytes_of(const char *text)
{
    const tp_bytes_t bytes = { text, NULL == text ? 0 : strlen(text) };
    return bytes;
}

/* One attribute. format names the encoding of value: text/plain, application/json, sbe:<schemaId>.<templateId>, ... */
typedef struct tp_attribute
{
    tp_bytes_t key;                    /* US-ASCII */
    tp_bytes_t format;                 /* US-ASCII, may be empty */
    tp_bytes_t value;
}
tp_attribute_t;

#define TP_ATTRIBUTES_MAX 256          /* of one stream */
#define TP_METADATA_BYTES_MAX 65536    /* of one DataSourceMeta as sent: 28 bytes, and 12 more an attribute than its texts and value */
#define TP_DATA_SOURCE_TEXT_MAX 1024   /* name and summary each */
#define TP_META_BLOB_BYTES_MAX 16777216
#define TP_META_BLOBS_MAX 8            /* of one producer, waiting or being sent */

/*
 * Name and summary of the stream, for people, in US-ASCII; copied; NULL: empty. Announced at once. TP_EINVAL (other characters, or longer than
 * TP_DATA_SOURCE_TEXT_MAX), TP_ENOMEM, TP_EFULL, TP_ETIMEDOUT.
 */
TP_EXPORT int tp_producer_set_data_source(tp_producer_t *producer, const char *name, const char *summary);
/*
 * All attributes of the stream, copied; they replace those before. When they differ from those, metaVersion grows by one (the first version is 1),
 * frames committed after the return carry it, and DataSourceMeta goes out at once. count 0 is allowed: a version without attributes. TP_EINVAL (more
 * than TP_ATTRIBUTES_MAX, an empty key, one key twice, a key or format that is not US-ASCII, a message above TP_METADATA_BYTES_MAX), TP_ENOMEM,
 * TP_EFULL, TP_ETIMEDOUT. A media driver with terms below 512 KiB carries less in one message: then the metadata stays unsent and the error handler
 * is told.
 */
TP_EXPORT int tp_producer_set_metadata(tp_producer_t *producer, const tp_attribute_t *attributes, size_t count);
/* The version in force, 0 before the first tp_producer_set_metadata (O-63). Any thread. */
TP_EXPORT uint32_t tp_producer_meta_version(const tp_producer_t *producer);

/*
 * Queues one blob (MetaBlobAnnounce, chunks of at most 64 KiB, MetaBlobComplete) under the version in force; copied. It is sent as fast as the bus
 * takes it, once, after the DataSourceMeta of its version; without a listener it waits, and when all listeners leave in the middle it starts over
 * for the next ones. There is no retransmission: a listener that loses a part or comes later has no blob. checksum: with CRC32C over the whole blob,
 * which listeners verify (W-186). blob_type is the application's. TP_EINVAL (above TP_META_BLOB_BYTES_MAX), TP_EFULL (TP_META_BLOBS_MAX are queued),
 * TP_ENOMEM, TP_ETIMEDOUT.
 */
TP_EXPORT int tp_producer_send_meta_blob(tp_producer_t *producer, uint32_t blob_type, const void *data, size_t length, bool checksum);

typedef struct tp_metadata_stats
{
    uint32_t size;
    uint32_t meta_version;
    uint64_t announces;                /* DataSourceAnnounce sent */
    uint64_t metas;                    /* DataSourceMeta sent */
    uint64_t blobs;                    /* sent to their end */
    uint64_t blobs_queued;             /* waiting or being sent */
    uint64_t blob_chunks;
    uint64_t blob_restarts;            /* all listeners left in the middle */
    uint64_t refused;                  /* times the bus refused one of these messages; it was tried again */
    uint64_t too_long;                 /* times a DataSourceMeta did not fit a message of the media driver */
    uint64_t reserved[4];
}
tp_metadata_stats_t;
/* Any thread; fields may be of slightly different moments. TP_EINVAL. */
TP_EXPORT int tp_producer_metadata_stats(const tp_producer_t *producer, tp_metadata_stats_t *stats);

TP_END_DECLS

#endif
