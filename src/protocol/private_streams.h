/*
 * Who owns which private stream (25-supervisor.md section 4): reading a wish, and assigning an id that no other live consumer and no other kind has
 * (trap P8). Pure; one thread. Every question costs one look into a hash, but for the search of a fresh id, which looks at taken ones only.
 */
#ifndef TPI_PROTOCOL_PRIVATE_STREAMS_H
#define TPI_PROTOCOL_PRIVATE_STREAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/codec_wire.h"
#include "common/hash.h"
#include "protocol/hello.h"
#include "protocol/registry.h"

#define TPI_PRIVATE_RESERVED_MAX 8

/* One private stream of one consumer; lives in its owner's record, all zero = none. */
typedef struct tpi_private_stream
{
    uint64_t key;                      /* medium and id; 0 = none */
    char *channel;                     /* as requested, owned; NULL = the configured one */
    UT_hash_handle hh;
}
tpi_private_stream_t;

typedef struct tpi_private_owner { tpi_private_stream_t streams[TPI_PRIVATE_KINDS]; } tpi_private_owner_t;

/* per_consumer_<kind>_channel, _base and _range. */
typedef struct tpi_private_rule
{
    const char *channel;               /* borrowed; "" = that of the request */
    uint32_t first;                    /* first 0: no base, wishes are granted as they are */
    uint32_t last;
}
tpi_private_rule_t;

typedef struct tpi_private_table
{
    tpi_private_rule_t rules[TPI_PRIVATE_KINDS];
    uint32_t reserved[TPI_PRIVATE_RESERVED_MAX];
    size_t reserved_count;
    uint32_t medium[TPI_PRIVATE_KINDS];        /* of the configured channel: equal numbers are one stream when ids are equal */
    tpi_private_stream_t *owned;
    size_t count[TPI_PRIVATE_KINDS];
}
tpi_private_table_t;

typedef enum tpi_private_outcome
{
    TPI_PRIVATE_NOT_ASKED = 0,
    TPI_PRIVATE_GRANTED,
    TPI_PRIVATE_DISABLED,              /* not offered to this consumer */
    TPI_PRIVATE_MALFORMED,             /* half given, or a text that is no usable channel */
    TPI_PRIVATE_TAKEN,                 /* base 0: reserved, in a range, or somebody's */
    TPI_PRIVATE_TOO_EARLY,             /* no fresh ids within one hello interval after the start */
    TPI_PRIVATE_USED_UP,               /* every id of the range is taken */
    TPI_PRIVATE_FAILED                 /* out of memory */
}
tpi_private_outcome_t;

typedef struct tpi_private_ask
{
    uint32_t consumer_id;
    tpc_bytes_t channel;
    uint32_t id;
    bool is_offered;
    bool may_be_fresh;                 /* false while the grace of 4.2 runs */
}
tpi_private_ask_t;

/* The channels of the rules are borrowed for the life of the table. */
void tpi_private_init(tpi_private_table_t *table, const tpi_private_rule_t rules[TPI_PRIVATE_KINDS]);
/* An id that is never handed out. false: no room. */
bool tpi_private_reserve(tpi_private_table_t *table, uint32_t id);
/* 3.3 */
tpi_hello_wish_t tpi_private_wish(const tpi_private_table_t *table, tpi_private_kind_t kind, tpc_bytes_t channel, uint32_t id);
/* 4.2: keeps, assigns, or ends the ownership. */
tpi_private_outcome_t tpi_private_assign(tpi_private_table_t *table, tpi_private_owner_t *owner, tpi_private_kind_t kind,
    const tpi_private_ask_t *ask);
void tpi_private_release(tpi_private_table_t *table, tpi_private_owner_t *owner, tpi_private_kind_t kind);
/* The id, 0 = none; and its channel, empty = none. */
uint32_t tpi_private_id(const tpi_private_owner_t *owner, tpi_private_kind_t kind);
tpc_bytes_t tpi_private_channel(const tpi_private_table_t *table, const tpi_private_owner_t *owner, tpi_private_kind_t kind);

#endif
