/*
 * A MergeMap as checked values, and its arithmetic (50-join-barrier.md 2, 3.5, 6.4). One fixed record holds a rule of either kind. Pure, hot,
 * stateless; the rules of a map are memory of whoever owns the map. Sums never wrap: guards come before additions (O-14).
 */
#ifndef TPI_PROTOCOL_MERGE_MAP_H
#define TPI_PROTOCOL_MERGE_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "codec/codec_join.h"

typedef enum tpi_merge_kind
{
    TPI_MERGE_SEQUENCE = 1,
    TPI_MERGE_TIMESTAMP
}
tpi_merge_kind_t;

typedef struct tpi_merge_rule
{
    uint32_t input_stream_id;
    uint8_t type;                      /* TPC_RULE_* */
    uint8_t source;                    /* TPC_TIME_OF_*; 0 in a sequence map */
    int64_t offset;                    /* of TPC_RULE_OFFSET, else 0: frames, or ns */
    uint64_t window;                   /* of TPC_RULE_WINDOW, else 0: frames, or ns */
}
tpi_merge_rule_t;

typedef struct tpi_merge_map
{
    tpi_merge_kind_t kind;
    uint32_t out_stream_id;
    uint64_t epoch;                    /* of the output stream */
    uint64_t stale_timeout_ns;         /* TP_NULL_U64: none */
    uint64_t lateness_ns;              /* null on the wire is 0 here */
    uint8_t clock_domain;              /* TPC_CLOCK_*; 0 in a sequence map */
    uint32_t rule_count;
    uint32_t rule_capacity;
    tpi_merge_rule_t *rules;           /* rule_capacity entries, the owner's */
}
tpi_merge_map_t;

/* Why an announce is no map. All but the first make the map invalid (2.3). */
typedef enum tpi_merge_verdict
{
    TPI_MERGE_VALID = 0,
    TPI_MERGE_NO_RULES,
    TPI_MERGE_TOO_MANY_RULES,          /* more than the map can hold */
    TPI_MERGE_BAD_TYPE,
    TPI_MERGE_BAD_PARAMETER,           /* not exactly the one that the type asks for */
    TPI_MERGE_EMPTY_WINDOW,
    TPI_MERGE_BAD_SOURCE,
    TPI_MERGE_BAD_DOMAIN,
    TPI_MERGE_VERDICT_COUNT
}
tpi_merge_verdict_t;

const char *tpi_merge_verdict_name(tpi_merge_verdict_t verdict);

/* map brings rules and rule_capacity and is changed only if the verdict is TPI_MERGE_VALID. */
tpi_merge_verdict_t tpi_merge_map_from_sequence(tpi_merge_map_t *map, const tpc_sequence_map_announce_t *announce);
tpi_merge_verdict_t tpi_merge_map_from_timestamp(tpi_merge_map_t *map, const tpc_timestamp_map_announce_t *announce);
/* The announce of a map; it has at most TPC_RULES_MAX rules. */
void tpi_merge_map_to_sequence(const tpi_merge_map_t *map, tpc_sequence_map_announce_t *announce);
void tpi_merge_map_to_timestamp(const tpi_merge_map_t *map, tpc_timestamp_map_announce_t *announce);
/* Same kind, pair and content; capacity does not count. */
bool tpi_merge_map_equal(const tpi_merge_map_t *a, const tpi_merge_map_t *b);
/* All but rules and rule_capacity, and the rules; false: they do not fit, nothing is changed. */
bool tpi_merge_map_copy(tpi_merge_map_t *to, const tpi_merge_map_t *from);

/* What is doubtful in a valid map, as a set of bits; to be logged once when it is installed. */
#define TPI_MERGE_WARN_LATENESS_NONE 1u           /* a WINDOW_NS rule and no lateness: the input has to reach out_time */
#define TPI_MERGE_WARN_LATENESS_LONG 2u           /* longer than the smallest window, which may turn out empty (O-9) */
#define TPI_MERGE_WARN_OWN_OUTPUT 4u              /* the output stream is an input (O-30) */
unsigned tpi_merge_map_warnings(const tpi_merge_map_t *map);

/* What output `out` (a sequence number or a time, by the kind of the map) needs of the rule's input: the stage may try all of first .. last, and
   last decides. false: not applicable yet, or never (an overflow); the outputs are unchanged then. */
bool tpi_merge_need(tpi_merge_kind_t kind, const tpi_merge_rule_t *rule, uint64_t out, uint64_t *first, uint64_t *last);
/* The observed time that is enough for a needed time. */
uint64_t tpi_merge_limit(uint64_t need, uint64_t lateness_ns);

#endif
