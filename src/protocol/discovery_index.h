/*
 * The index of a discovery provider (30-discovery.md 4.1): soft state, learnt from announces and metadata, completed by what the operator
 * configured. It gives advice and grants nothing: regions, epochs and leases stay with the drivers. Pure: messages and times in, verdicts
 * out. One thread.
 *
 * Entries are kept in the order of (driver instance id, stream id), bytes compared as unsigned numbers, so that equal states give equal answers.
 */
#ifndef TPI_PROTOCOL_DISCOVERY_INDEX_H
#define TPI_PROTOCOL_DISCOVERY_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/codec_discovery.h"
#include "codec/codec_wire.h"
#include "protocol/mapping.h"

#define TPI_DISCOVERY_NAME_MAX 256u             /* these four: O-17 */
#define TPI_DISCOVERY_CHANNEL_MAX 1024u
#define TPI_DISCOVERY_INSTANCE_MAX 256u
#define TPI_DISCOVERY_URI_MAX 4096u
#define TPI_DISCOVERY_TAGS_MAX 64u              /* of one stream; these two are ours */
#define TPI_DISCOVERY_TAG_MAX 256u
#define TPI_DISCOVERY_ASIDE_MAX 1024u           /* names of streams without entry (O-25) */
#define TPI_DISCOVERY_ASIDE_NS INT64_C(3600000000000)   /* how long such a name is kept (O-5) */
#define TPI_DISCOVERY_EXPIRY_PERIODS 3          /* */

typedef struct tpi_discovery_limits
{
    uint32_t sources;
    uint32_t streams;                           /* that the operator knows more about */
    uint32_t entries;
    size_t bytes;                               /* of pools and URIs of all entries */
}
tpi_discovery_limits_t;

#define TPI_DISCOVERY_LIMITS_INIT { 256, 65536, 65536, (size_t)64 << 20 }

/* A driver and where its announces come from. All of it is configuration, nothing is learnt. */
typedef struct tpi_discovery_source
{
    tpc_bytes_t driver_instance_id;
    tpc_bytes_t control_channel;
    uint32_t control_stream_id;
    uint32_t announce_period_ms;
    bool is_remote;                             /* announces come over UDP: MONOTONIC stamps cannot be compared (O-20) */
}
tpi_discovery_source_t;

typedef enum tpi_discovery_verdict
{
    TPI_DISCOVERY_CREATED = 0,
    TPI_DISCOVERY_REFRESHED,                    /* the same epoch again; a name that is new */
    TPI_DISCOVERY_REPLACED,                     /* another epoch */
    TPI_DISCOVERY_KEPT_ASIDE,                   /* a name before the first announce */
    TPI_DISCOVERY_NO_SOURCE,
    TPI_DISCOVERY_CLOCK_DOMAIN,                 /* A3 */
    TPI_DISCOVERY_STALE,                        /* A4 */
    TPI_DISCOVERY_BEFORE_JOIN,                  /* A5 */
    TPI_DISCOVERY_RESERVED_EPOCH,
    TPI_DISCOVERY_GEOMETRY,                     /* A8 */
    TPI_DISCOVERY_URI,                          /* empty or too long */
    TPI_DISCOVERY_OLDER_EPOCH,
    TPI_DISCOVERY_OLDER_VERSION,                /* of metadata, within an epoch */
    TPI_DISCOVERY_NAME,                         /* too long */
    TPI_DISCOVERY_FULL,                         /* entries or bytes */
    TPI_DISCOVERY_NO_MEMORY,
    TPI_DISCOVERY_VERDICTS
}
tpi_discovery_verdict_t;

const char *tpi_discovery_verdict_text(int verdict);        /* static storage */

typedef struct tpi_discovery_index tpi_discovery_index_t;

typedef struct tpi_discovery_counts
{
    uint64_t announces[TPI_DISCOVERY_VERDICTS];
    uint64_t names[TPI_DISCOVERY_VERDICTS];
    uint64_t expired;
    uint64_t forgotten_names;                   /* aside, dropped for want of room or after their time */
}
tpi_discovery_counts_t;

/* TP_ENOMEM. */
int tpi_discovery_index_create(tpi_discovery_index_t **index, const tpi_discovery_limits_t *limits);
void tpi_discovery_index_delete(tpi_discovery_index_t *index);          /* accepts NULL */

/*
 * Adds a driver; *id is what its announces and metadata are handed in with. A known instance id keeps its number: another endpoint then means that
 * the driver has restarted, so that its epochs may go back once. TP_EINVAL: a text is empty or too long, a stream id or period out of bounds (X-057
 * X-059); TP_EFULL; TP_ENOMEM.
 */
int tpi_discovery_index_add_source(tpi_discovery_index_t *index, const tpi_discovery_source_t *source, uint32_t *id);
/*
 * What the operator knows of a stream, whatever driver it is at; replaces what was set before. data_source_id: TP_NULL_U64 = not known.
 * TP_EINVAL: a tag is empty, too long or not US-ASCII, or there are too many; TP_EFULL; TP_ENOMEM.
 */
int tpi_discovery_index_set_stream(tpi_discovery_index_t *index, uint32_t stream_id, uint64_t data_source_id, const tpc_bytes_t *tags,
    uint32_t count);

/* joined_ns: as for tpi_mapping_on_announce. A message that is dropped changes nothing. */
tpi_discovery_verdict_t tpi_discovery_index_on_announce(tpi_discovery_index_t *index, uint32_t source, const tpc_pool_announce_t *announce,
    int64_t joined_ns, tpi_mapping_now_t now);
/* Names only; the epoch and the life of an entry come from announces alone (O-5). */
tpi_discovery_verdict_t tpi_discovery_index_on_name(tpi_discovery_index_t *index, uint32_t source, const tpc_source_announce_t *announce,
    int64_t now_ns);
/* Removes what was not announced for three periods. Returns how many. */
size_t tpi_discovery_index_sweep(tpi_discovery_index_t *index, int64_t now_ns);

size_t tpi_discovery_index_count(const tpi_discovery_index_t *index);
/* Entry i < count in order, ready to be encoded. Its pointers live until the next call that changes the index. */
void tpi_discovery_index_at(const tpi_discovery_index_t *index, size_t i, tpc_discovery_result_t *result);
const tpi_discovery_counts_t *tpi_discovery_index_counts(const tpi_discovery_index_t *index);

#endif
