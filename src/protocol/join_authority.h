/*
 * The authority of MergeMaps (50-join-barrier.md 4.1, O-10): holds the map of each kind of the output streams it owns, says when which one is to be
 * published, and answers requests. Pure: the caller encodes and sends. Everything is allocated at creation; one thread owns it.
 */
#ifndef TPI_PROTOCOL_JOIN_AUTHORITY_H
#define TPI_PROTOCOL_JOIN_AUTHORITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/merge_map.h"

#define TPI_AUTHORITY_MAPS_MAX 1024u
#define TPI_AUTHORITY_PERIOD_NS INT64_C(1000000000)        /* between repeats */
#define TPI_AUTHORITY_GAP_NS INT64_C(100000000)            /* at most one announce of a map in that time */

/* What became of a request; counted each. */
typedef enum tpi_authority_event
{
    TPI_AUTHORITY_ANSWERED = 0,        /* the map is due now */
    TPI_AUTHORITY_DEFERRED,            /* the map is due at the end of its gap, with the answer to all who asked meanwhile */
    TPI_AUTHORITY_UNKNOWN,             /* a pair it does not hold: silence */
    TPI_AUTHORITY_DROPPED,             /* truncated, wrong version, short block */
    TPI_AUTHORITY_NOT_OURS,            /* another schema, or no request */
    TPI_AUTHORITY_EVENT_COUNT
}
tpi_authority_event_t;

typedef struct tpi_authority_entry
{
    bool used;
    bool published;                    /* this pair at least once */
    int64_t published_ns;
    int64_t due_ns;
    tpi_merge_map_t map;
}
tpi_authority_entry_t;

typedef struct tpi_join_authority
{
    uint32_t map_capacity;
    uint32_t next;                     /* where the search for a due map goes on */
    tpi_authority_entry_t *entries;
    tpi_merge_rule_t *rules;
    uint64_t events[TPI_AUTHORITY_EVENT_COUNT];
    uint64_t announces;
    uint64_t full;                     /* maps that found no room */
}
tpi_join_authority_t;

/* Room for 1 .. TPI_AUTHORITY_MAPS_MAX maps with 1 .. TPC_RULES_MAX rules each. TP_EINVAL, TP_ENOMEM. */
int tpi_join_authority_create(tpi_join_authority_t **authority, uint32_t map_capacity, uint32_t rule_capacity);
void tpi_join_authority_delete(tpi_join_authority_t *authority);

/* A map that was judged valid, instead of the one of its kind and output stream. It is due at once, or at the end of its gap; the same content once
   more changes nothing. TP_EFULL: no room for it, or for its rules. */
int tpi_join_authority_set(tpi_join_authority_t *authority, const tpi_merge_map_t *map, int64_t now_ns);
/* The output stream took another epoch: its maps hold for that one and are due at once. */
void tpi_join_authority_on_epoch(tpi_join_authority_t *authority, uint32_t out_stream_id, uint64_t epoch, int64_t now_ns);
/* Forgets the maps of an output stream. */
void tpi_join_authority_drop(tpi_join_authority_t *authority, uint32_t out_stream_id);
/* Any message of the control stream, from its SBE header on. */
tpi_authority_event_t tpi_join_authority_on_request(tpi_join_authority_t *authority, const uint8_t *data, size_t length, int64_t now_ns);

/* A map to be published now, or NULL; all due ones come in turn. It stays due until tpi_join_authority_published is called with its index. */
const tpi_merge_map_t *tpi_join_authority_next(tpi_join_authority_t *authority, int64_t now_ns, uint32_t *index);
/* The bus took it. */
void tpi_join_authority_published(tpi_join_authority_t *authority, uint32_t index, int64_t now_ns);

#endif
