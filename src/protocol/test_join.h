/* What the tests of the joins share: map messages built in one line, and random numbers that are the same in every run. */
#ifndef TPI_PROTOCOL_TEST_JOIN_H
#define TPI_PROTOCOL_TEST_JOIN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "codec/codec_wire.h"
#include "protocol/join.h"

#define OUT 9000
#define A 10001
#define B 10002
#define C 10003
#define NONE TP_NULL_U64
#define MONO TPC_CLOCK_MONOTONIC
#define REAL TPC_CLOCK_REALTIME_SYNCED

#define S_OFFSET(stream, n) { (stream), TPC_RULE_OFFSET, (n), TP_NULL_U32 }
#define S_WINDOW(stream, n) { (stream), TPC_RULE_WINDOW, TPC_NULL_OFFSET, (n) }
#define T_OFFSET(stream, source, n) { (stream), TPC_RULE_OFFSET, (source), (n), TP_NULL_U64 }
#define T_WINDOW(stream, source, n) { (stream), TPC_RULE_WINDOW, (source), TPC_NULL_OFFSET_NS, (n) }
#define DESC TPC_TIME_OF_DESCRIPTOR
#define SLOT TPC_TIME_OF_SLOT

static uint8_t wire_bytes[8192];
static size_t wire_length;
static tpc_sequence_map_announce_t s_map;
static tpc_timestamp_map_announce_t t_map;

#define COUNT_OF(rules) ((uint32_t)(sizeof(rules) / sizeof((rules)[0])))

static inline void encode_s(uint64_t epoch, uint64_t stale_ns, const tpc_sequence_rule_t *rules, uint32_t n)
{
    s_map = (tpc_sequence_map_announce_t){ .out_stream_id = OUT, .epoch = epoch, .stale_timeout_ns = stale_ns, .rule_count = n };
    if (n > 0) { memcpy(s_map.rules, rules, n * sizeof(*rules)); }
    wire_length = (size_t)tpc_sequence_map_announce_encode(wire_bytes, sizeof(wire_bytes), &s_map);
}

static inline void encode_t(uint64_t epoch, uint64_t stale_ns, uint8_t domain, uint64_t late_ns, const tpc_timestamp_rule_t *rules, uint32_t n)
{
    t_map = (tpc_timestamp_map_announce_t){ .out_stream_id = OUT, .epoch = epoch, .stale_timeout_ns = stale_ns, .clock_domain = domain,
        .lateness_ns = late_ns, .rule_count = n };
    if (n > 0) { memcpy(t_map.rules, rules, n * sizeof(*rules)); }
    wire_length = (size_t)tpc_timestamp_map_announce_encode(wire_bytes, sizeof(wire_bytes), &t_map);
}

static inline tpi_join_map_event_t give(tpi_join_t *join, int64_t now_ns) { return tpi_join_on_map(join, wire_bytes, wire_length, now_ns); }

/* A sequence map, or a timestamp map, from rules in braces. */
#define GIVE_S(join, epoch, stale_ns, now_ns, ...) __extension__ ({ const tpc_sequence_rule_t rules_[] = { __VA_ARGS__ }; \
    encode_s((epoch), (stale_ns), rules_, COUNT_OF(rules_)); give((join), (now_ns)); })
#define GIVE_T(join, epoch, stale_ns, domain, late_ns, now_ns, ...) __extension__ ({ const tpc_timestamp_rule_t rules_[] = { __VA_ARGS__ }; \
    encode_t((epoch), (stale_ns), (domain), (late_ns), rules_, COUNT_OF(rules_)); give((join), (now_ns)); })

#define assert_streams(result, ...) do { const uint32_t streams_[] = { __VA_ARGS__ }; assert_int_equal((result).stream_count, COUNT_OF(streams_)); \
    assert_memory_equal((result).streams, streams_, sizeof(streams_)); } while (0)

static inline tpi_join_t *join_of(tpi_join_options_t options)
{
    tpi_join_t *join = NULL;
    options.out_stream_id = OUT;
    if (0 == options.rule_capacity) { options.rule_capacity = 4; }
    assert_int_equal(tpi_join_create(&join, &options), 0);
    tpi_join_on_output_epoch(join, 3, 0);
    return join;
}

__extension__ typedef __int128 wide_t;                     /* models calculate in numbers that cannot wrap */

static uint64_t random_state = 88172645463325252u;

static inline uint64_t random_below(uint64_t n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % n;
}

#endif
