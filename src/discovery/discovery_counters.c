/* What the provider counts, gathered from its machines, and as Aeron counters. */
#include <inttypes.h>
#include <unistd.h>

#include "discovery/discovery_state.h"
#include "runtime/tp_counters.h"

#define STAT_COUNT (sizeof(tpi_provider_stats_t) / sizeof(uint64_t))

int tpi_provider_counters_init(tpi_provider_t *provider, uint64_t token)
{
    static const char *const names[] = {
#define TPI_STAT(name) #name,
        TPI_PROVIDER_STATS(TPI_STAT)
#undef TPI_STAT
    };
    char label[TPI_COUNTER_LABEL_MAX];
    const uint64_t pid = (uint64_t)getpid();
    (void)tpi_label_init(label, sizeof(label), "tp-discovery");
    (void)tpi_label_add_u64(label, sizeof(label), "pid", pid);
    (void)tpi_label_add_u64(label, sizeof(label), "stream", provider->config.request_stream_id);
    (void)tpi_label_add_u64(label, sizeof(label), "sources", provider->config.source_count);
    (void)tpi_label_add(label, sizeof(label), "channel", provider->config.request_channel);
    const tpi_service_counters_config_t config = { .life_type_id = TPI_COUNTER_DISCOVERY, .stat_type_id = TPI_COUNTER_DISCOVERY_STAT,
        .life_label = label, .stat_kind = "tp-discovery-stat", .token = token, .pid = pid, .names = names, .count = STAT_COUNT };
    return tpi_service_counters_create(&provider->counters, provider->bus, &config);
}

const tpi_provider_stats_t *tpi_provider_stats(tpi_provider_t *provider)
{
    tpi_provider_stats_t *const stats = &provider->stats;
    const tpi_discovery_query_counts_t *const query = tpi_discovery_query_counts(provider->query);
    stats->messages_malformed = 0;
    stats->messages_newer = query->outcomes[TPI_DISCOVERY_VERSION];
    for (size_t i = 0; i < provider->input_count; i++)
    {
        const tpi_dispatcher_counts_t *const counts = tpi_dispatcher_counts(provider->inputs[i].dispatcher);
        stats->messages_malformed += counts->malformed;
        stats->messages_newer += counts->newer_version;
    }
    stats->streams_expired = tpi_discovery_index_counts(provider->index)->expired;
    stats->results_limited = query->limited;
    stats->queries_denied = query->denied;
    stats->counters_failed = tpi_service_counters_failed(provider->counters);
    stats->streams = tpi_discovery_index_count(provider->index);
    stats->publications = provider->slots;
    stats->responses_waiting = provider->waiting;
    return stats;
}

void tpi_provider_counters_tick(tpi_provider_t *provider)
{
    const uint64_t *const values = (const uint64_t *)(const void *)tpi_provider_stats(provider);
    tpi_service_counters_tick(provider->counters, values, provider->now.mono_ns);
}
