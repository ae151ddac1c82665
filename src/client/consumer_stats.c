/* What a consumer tells about itself: statistics (any thread), counters and QoS sums (conductor). */
#include "client/client_counters.h"
#include "client/consumer_mapping.h"
#include "client/consumer_state.h"

#include <string.h>

#include "common/err.h"

/* Public reason of an internal one; TP_DROP_REASONS: not a lost frame. */
static int public_reason(int reason)
{
    switch (reason)
    {
        case TPI_DROP_GAP: return TP_DROP_GAP;
        case TPI_DROP_RESYNC: return TP_DROP_SKIPPED;
        case TPI_DROP_OTHER_SEQ: return TP_DROP_OVERWRITTEN;
        case TPI_DROP_UNCOMMITTED: return TP_DROP_UNCOMMITTED;
        case TPI_DROP_CHANGED: return TP_DROP_TORN;
        case TPI_DROP_BAD_HEADER:
        case TPI_DROP_BAD_OFFSET:
        case TPI_DROP_BAD_SLOT:
        case TPI_DROP_UNKNOWN_POOL:
        case TPI_DROP_TOO_LONG:
        case TPI_DROP_BAD_TENSOR: return TP_DROP_BAD_HEADER;
        case TPI_DROP_NOT_MAPPED: return TP_DROP_NOT_MAPPED;
        case TPI_DROP_FOREIGN_EPOCH:
        case TPI_DROP_OLDER_EPOCH: return TP_DROP_EPOCH;
        case TPI_DROP_BAD_SEQ: return TP_DROP_BAD_DESCRIPTOR;
        case TPI_DROP_REGRESSION: return TP_DROP_REGRESSION;
        case TPI_DROP_RATE_LIMITED: return TP_DROP_RATE;
        default: return TP_DROP_REASONS;
    }
}

const char *tp_drop_reason_name(int reason)
{
    static const char *const names[] = { "gap", "skipped", "overwritten", "uncommitted", "torn", "bad_header", "not_mapped", "epoch",
        "bad_descriptor",
        "regression", "rate" };
    _Static_assert(sizeof(names) / sizeof(names[0]) == TP_DROP_REASONS, "a name for every reason");
    return reason >= 0 && reason < TP_DROP_REASONS ? names[reason] : "unknown";
}

static void read_drops(const tp_consumer_t *c, uint64_t drops[TPI_DROP_REASON_COUNT])
{
    for (int i = 0; i < TPI_DROP_REASON_COUNT; i++) { drops[i] = tpi_stat_get(&c->drops[i]); }
}

int tp_consumer_stats(const tp_consumer_t *consumer, tp_consumer_stats_t *stats)
{
    const tp_consumer_t *c = consumer;
    if (NULL == c || NULL == stats) { TPI_SET_ERR(TP_EINVAL, "consumer or stats is NULL"); return -1; }
    uint64_t drops[TPI_DROP_REASON_COUNT];
    tpi_latency_summary_t latency;
    read_drops(c, drops);
    tpi_latency_read(c->latency, &latency);
    tp_consumer_stats_t s = { .size = sizeof(s), .mapped = tp_consumer_is_mapped(c) ? 1 : 0, .stream_id = tpi_load_u32(&c->stream_id),
        .client_id = tpi_load_u32(&c->client_id), .epoch = tpi_stat_get(&c->epoch), .last_seq = tpi_consumer_shown_seq(c, &c->last_seq),
        .first_seq = tpi_consumer_shown_seq(c, &c->stat_first_seq), .received = tpi_stat_get(&c->received), .bytes = tpi_stat_get(&c->bytes),
        .duplicates = drops[TPI_DROP_DUPLICATE], .foreign = tpi_stat_get(&c->foreign), .malformed = tpi_stat_get(&c->malformed),
        .mode = tpi_load_u32(&c->shown_mode), .descriptor_stream_id = tpi_load_u32(&c->shown_descriptor),
        .control_stream_id = tpi_load_u32(&c->shown_control), .recovered = tpi_stat_get(&c->recovered),
        .late_descriptors = tpi_stat_get(&c->late), .remaps = tpi_stat_get(&c->remaps),
        .reattaches = tpi_stat_get(&c->reattaches), .latency_count = latency.count,
        .progress_received = tpi_stat_get(&c->progress.received), .progress_dropped = tpi_stat_get(&c->progress.dropped),
        .latency_p50_ns = latency.p50_ns, .latency_p99_ns = latency.p99_ns, .latency_max_ns = latency.max_ns };
    for (int i = 0; i < TPI_DROP_REASON_COUNT; i++)
    {
        const int reason = public_reason(i);
        if (reason < TP_DROP_REASONS) { s.drops[reason] += drops[i]; }
    }
    *stats = s;
    return 0;
}

bool tp_consumer_is_mapped(const tp_consumer_t *consumer)
{
    return NULL != consumer && NULL != tpi_handoff_published(&consumer->maps);
}

void tpi_consumer_qos(const tp_consumer_t *consumer, tpc_qos_consumer_t *qos)
{
    uint64_t drops[TPI_DROP_REASON_COUNT];
    read_drops(consumer, drops);
    *qos = (tpc_qos_consumer_t)TPC_QOS_CONSUMER_INIT;
    qos->stream_id = tpi_load_u32(&consumer->stream_id);
    qos->consumer_id = tpi_load_u32(&consumer->client_id);
    qos->epoch = tpi_stat_get(&consumer->epoch);
    qos->last_seq_seen = tpi_consumer_shown_seq(consumer, &consumer->last_seq);            /* O-32 */
    tpi_qos_consumer_totals(qos, drops);
    qos->mode = consumer->mode;
}

#define LATENCY_NS INT64_C(1000000000)             /* between looks at the latencies: adding up histograms takes a moment */

static void counter_values(tp_consumer_t *c, int64_t values[TPI_CONSUMER_COUNTERS])
{
    uint64_t drops[TPI_DROP_REASON_COUNT];
    uint64_t other = 0;
    read_drops(c, drops);
    memset(values, 0, TPI_CONSUMER_COUNTERS * sizeof(values[0]));
    for (int i = 0; i < TPI_DROP_REASON_COUNT; i++)
    {
        const int reason = public_reason(i);
        if (reason >= TP_DROP_REASONS) { continue; }
        values[9 + reason] += (int64_t)drops[i];
        if (TPI_DROP_CLASS_NONE == tpi_drop_reason_class(i)) { other += drops[i]; }
    }
    if (NULL != c->latency && c->client->last_now_ns >= c->next_latency_ns)
    {
        c->next_latency_ns = c->client->last_now_ns + LATENCY_NS;
        tpi_latency_read(c->latency, &c->latency_seen);
    }
    const int64_t first[9] = { (int64_t)tpi_stat_get(&c->received), (int64_t)tpi_stat_get(&c->bytes), (int64_t)tpi_drops_gap(drops),
        (int64_t)tpi_drops_late(drops), (int64_t)other, (int64_t)tpi_consumer_shown_seq(c, &c->last_seq), (int64_t)c->latency_seen.p50_ns,
        (int64_t)c->latency_seen.p99_ns, (int64_t)c->latency_seen.max_ns };
    memcpy(values, first, sizeof(first));
}

void tpi_consumer_counters(tp_consumer_t *consumer)
{
    static const uint8_t kinds[9] = { TPI_CLIENT_FRAMES, TPI_CLIENT_BYTES, TPI_CLIENT_DROPS_GAP, TPI_CLIENT_DROPS_LATE, TPI_CLIENT_DROPS_OTHER,
        TPI_CLIENT_LAST_SEQ, TPI_CLIENT_LATENCY_P50, TPI_CLIENT_LATENCY_P99, TPI_CLIENT_LATENCY_MAX };
    tp_consumer_t *c = consumer;
    int64_t values[TPI_CONSUMER_COUNTERS];
    if (NULL == c->connection || (NULL == c->published && 0 == c->counters_asked)) { return; }
    counter_values(c, values);
    const tpi_counter_identity_t who = { tpi_load_u32(&c->stream_id), tpi_load_u32(&c->client_id), TP_ROLE_CONSUMER };
    for (uint32_t i = 0; i < TPI_CONSUMER_COUNTERS; i++)
    {
        const bool wanted = i < 6 || (i < 9 ? NULL != c->latency : 0 != values[i]);
        const uint8_t kind = i < 9 ? kinds[i] : (uint8_t)(TPI_CLIENT_DROPS + i - 9);
        if (!wanted || 0 != (c->counters_asked & UINT32_C(1) << i)) { continue; }
        tpi_client_counters_ask(c->client, c->connection, &who, &kind, 1, &c->counter_opens[i]);
        c->counters_asked |= UINT32_C(1) << i;
    }
    tpi_client_counters_set(c->connection, c->counters, c->counter_opens, values, TPI_CONSUMER_COUNTERS);
}
