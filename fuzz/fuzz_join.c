/*
 * A client that joins two streams beside a driver, with an authority: hostile maps, announces and descriptors. The first byte of the input says which
 * kind of join (bits 0, 1), whether stale inputs are left out (2), which order, match or period (3, 4, 5). The rest is a list of records:
 *   0 n          the clock moves by n * 20 ms           1 n bytes        a message of n bytes on the control stream
 *   2 i n        n frames on input i                    3                the join is polled
 *   4 k r bytes  a map of kind k with r rules of 12 bytes each: stream, type, source, offset or window
 *   5 i seq      a descriptor of input i with that seq (8 bytes)        6 e      the output takes epoch e
 *   7 n bytes    a message of n bytes on the descriptor stream
 * Whatever comes, the ledger of the join is balanced after each poll.
 */
#include <string.h>

#include "client/join_state.h"
#include "codec/codec_join.h"
#include "common/clock.h"
#include "fuzz_client_rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RECORDS_MAX 64
#define INPUTS 2u
#define IN 10000u
#define OUT 20000u
#define DESCRIPTORS 1100

static tpi_publication_t *descriptors;
static tp_producer_t *producers[INPUTS];
static tp_consumer_t *consumers[INPUTS];
static tp_join_t *join;
static tp_join_authority_t *authority;

static void on_joined(void *clientd, const tp_joined_t *joined)
{
    unsigned sum = 0;
    (void)clientd;
    must(joined->view_count > 0 && joined->input_count > 0);
    for (uint32_t i = 0; i < joined->view_count; i++)
    {
        const tp_frame_view_t *view = &joined->views[i];
        must(view->payload_bytes <= 64 && view->tensor->ndims >= 1 && view->tensor->ndims <= TP_MAX_DIMS);
        for (size_t k = 0; k < view->payload_bytes; k++) { sum += ((const uint8_t *)view->payload)[k]; }
    }
    (void)tp_joined_is_valid(joined);
    (void)sum;
}

static void poll_join(void)
{
    tp_join_stats_t s;
    must(tp_join_poll(join, 16) >= 0 && tp_join_stats(join, &s) == 0);
    uint64_t sum = s.joined + s.waiting;
    for (int i = 0; i < TP_UNJOINED_REASONS; i++) { sum += s.unjoined[i]; }
    must(sum == s.frames);
}

static void start(uint8_t how)
{
    tp_join_options_t o = TP_JOIN_OPTIONS_INIT;
    rig_open(&rig);
    rig.now_ns += tpi_clock_monotonic_ns();                /* claims compare their deadline with the real clock */
    descriptors = rig_publication(&rig, DESCRIPTORS);
    open_client();
    for (uint32_t i = 0; i < INPUTS; i++) { open_pair(&producers[i], &consumers[i], IN + i, true); }
    for (int i = 0; i < 8; i++) { turn(20 * MS); }
    o.kind = TP_JOIN_SEQUENCE + (how & 3u) % 3u;
    o.out_stream_id = OUT;
    o.rule_capacity = 8;
    o.view_capacity = 16;
    o.frame_capacity = 16;
    o.allow_stale = 0 != (how & 4u);
    if (TP_JOIN_LATEST == o.kind) { o.order = how >> 3 & 1u; }
    if (TP_JOIN_TIMESTAMP == o.kind) { o.match = how >> 4 & 1u; }
    if (TP_JOIN_SEQUENCE != o.kind && 0 != (how & 32u)) { o.period_ns = 7 * MS; }
    must(tp_join_init(&join, client, &o, consumers, INPUTS) == 0 && tp_join_set_handler(join, on_joined, NULL) == 0);
    must(tp_join_barrier_set_epoch(tp_join_barrier(join), 1) == 0);
    must(tp_join_authority_init(&authority, client, 2, 8) == 0);
}

static uint64_t number(const uint8_t *data)
{
    uint64_t value = 0;
    for (int i = 7; i >= 0; i--) { value = value << 8 | data[i]; }
    return value;
}

/* Through the wire, so that maps which the public call would refuse arrive as well. */
static size_t send_map(const uint8_t *data, size_t size)
{
    static uint8_t bytes[8192];
    if (size < 2) { return size; }
    const uint32_t rules = (uint32_t)least(data[1] % 12u, (size - 2) / 12);
    tpc_sequence_map_announce_t s = TPC_SEQUENCE_MAP_ANNOUNCE_INIT;
    tpc_timestamp_map_announce_t t = TPC_TIMESTAMP_MAP_ANNOUNCE_INIT;
    s.out_stream_id = t.out_stream_id = OUT;
    s.epoch = t.epoch = 1;
    s.stale_timeout_ns = t.stale_timeout_ns = 0 == (data[0] & 2u) ? TP_NULL_U64 : 100 * MS;
    t.clock_domain = 0 == (data[0] & 4u) ? TPC_CLOCK_MONOTONIC : data[0];
    t.lateness_ns = 0 == (data[0] & 8u) ? TP_NULL_U64 : (uint64_t)data[0] << (data[0] & 31u);
    s.rule_count = t.rule_count = rules;
    for (uint32_t i = 0; i < rules; i++)
    {
        const uint8_t *r = data + 2 + 12 * i;
        const uint64_t value = number(r + 4);
        const bool window = 1 == (r[1] & 3u);
        s.rules[i] = (tpc_sequence_rule_t){ IN + r[0] % 3u, r[1] & 3u, window && 0 == (r[3] & 1u) ? TPC_NULL_OFFSET : (int32_t)value,
            window ? (uint32_t)value : 0 == (r[3] & 2u) ? TP_NULL_U32 : (uint32_t)value };
        t.rules[i] = (tpc_timestamp_rule_t){ IN + r[0] % 3u, r[1] & 3u, r[2] & 3u,
            window && 0 == (r[3] & 1u) ? TPC_NULL_OFFSET_NS : (int64_t)value, window ? value : 0 == (r[3] & 2u) ? TP_NULL_U64 : value };
    }
    const int64_t length = 0 == (data[0] & 1u) ? tpc_sequence_map_announce_encode(bytes, sizeof(bytes), &s) :
        tpc_timestamp_map_announce_encode(bytes, sizeof(bytes), &t);
    if (length > 0) { (void)tpi_publication_offer(rig.publication, bytes, (size_t)length); }
    turn(0);
    return 2 + 12 * (size_t)rules;
}

static size_t send_descriptor(const uint8_t *data, size_t size)
{
    uint8_t bytes[128];
    tpc_frame_descriptor_t d = TPC_FRAME_DESCRIPTOR_INIT;
    if (size < 9) { return size; }
    d.stream_id = IN + data[0] % INPUTS;
    d.epoch = tpi_producer_epoch(producers[data[0] % INPUTS]);
    d.seq = number(data + 1);
    d.timestamp_ns = 0 == (data[0] & 128u) ? TP_NULL_U64 : d.seq;
    const int64_t length = tpc_frame_descriptor_encode(bytes, sizeof(bytes), &d);
    if (length > 0) { (void)tpi_publication_offer(descriptors, bytes, (size_t)length); }
    return 9;
}

static size_t send_bytes(tpi_publication_t *publication, const uint8_t *data, size_t size)
{
    if (0 == size) { return 0; }
    const size_t length = least(data[0], size - 1);
    if (length > 0) { (void)tpi_publication_offer(publication, data + 1, length); }
    return 1 + length;
}

static size_t publish(const uint8_t *data, size_t size)
{
    uint8_t frame[32];
    if (size < 2) { return size; }
    memset(frame, data[1], sizeof(frame));
    for (int i = 0; i < data[1] % 8; i++) { (void)tp_producer_offer_frame(producers[data[0] % INPUTS], tensor, frame, sizeof(frame), NULL); }
    return 2;
}

static size_t record(const uint8_t *data, size_t size)
{
    const uint8_t n = size > 1 ? data[1] : 0;
    switch (data[0] % 8)
    {
        case 0: turn(n * 20 * MS); return least(size, 2);
        case 1: return 1 + send_bytes(rig.publication, data + 1, size - 1);
        case 2: return 1 + publish(data + 1, size - 1);
        case 3:
            turn(0);
            poll_join();
            return 1;
        case 4: return 1 + send_map(data + 1, size - 1);
        case 5: return 1 + send_descriptor(data + 1, size - 1);
        case 6: must(tp_join_barrier_set_epoch(tp_join_barrier(join), 1 + n % 3u) == 0); return least(size, 2);
        default: return 1 + send_bytes(descriptors, data + 1, size - 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (0 == size) { return 0; }
    start(data[0]);
    data++;
    size--;
    for (int i = 0; i < RECORDS_MAX && size > 0; i++)
    {
        const size_t used = record(data, size);
        data += used;
        size -= used;
    }
    turn(0);
    poll_join();
    turn(1000 * MS);
    poll_join();
    tp_join_close(join);
    tp_join_authority_close(authority);
    for (uint32_t i = 0; i < INPUTS; i++)
    {
        tp_consumer_close(consumers[i]);
        tp_producer_close(producers[i]);
    }
    tp_client_close(client);
    rig_close(&rig);
    return 0;
}
