/* The table of consumers. Linear search: 256 entries, a few messages a second each. */
#include "protocol/registry.h"

#include <string.h>

#define LAYOUT_VERSION 1u

void tpi_registry_init(tpi_registry_t *registry, uint32_t stream_id, int64_t stale_ns)
{
    memset(registry, 0, sizeof(*registry));
    registry->stream_id = stream_id;
    registry->stale_ns = stale_ns;
}

static tpi_registry_entry_t *enter(tpi_registry_t *registry, uint32_t consumer_id, int64_t now_ns)
{
    for (size_t i = 0; i < registry->count; i++)
    {
        if (consumer_id == registry->entries[i].consumer_id)
        {
            registry->entries[i].heard_ns = now_ns;
            return &registry->entries[i];
        }
    }
    if (TPI_REGISTRY_CONSUMERS_MAX == registry->count)
    {
        registry->refused++;
        return NULL;
    }
    tpi_registry_entry_t *entry = &registry->entries[registry->count++];
    *entry = (tpi_registry_entry_t){ .consumer_id = consumer_id, .supports_shm = true, .mode = TP_MODE_STREAM, .heard_ns = now_ns };
    return entry;
}

tpi_registry_answer_t tpi_registry_on_hello(tpi_registry_t *registry, const tpc_consumer_hello_t *hello, int64_t now_ns)
{
    if (hello->stream_id != registry->stream_id) { return TPI_REGISTRY_NO_ANSWER; }         /* W-251 */
    tpi_registry_entry_t *entry = enter(registry, hello->consumer_id, now_ns);
    if (NULL != entry)
    {
        entry->supports_shm = 1 == hello->supports_shm;
        entry->supports_progress = 1 == hello->supports_progress;
        entry->mode = hello->mode;
        entry->max_rate_hz = hello->max_rate_hz;
    }
    if (0 != hello->expected_layout_version && LAYOUT_VERSION != hello->expected_layout_version) { return TPI_REGISTRY_DECLINE_SHM; }   /* O-31 */
    const bool descriptor = 0 != hello->descriptor_channel.length || (0 != hello->descriptor_stream_id && TP_NULL_U32 != hello->descriptor_stream_id);
    const bool control = 0 != hello->control_channel.length || (0 != hello->control_stream_id && TP_NULL_U32 != hello->control_stream_id);
    return descriptor || control ? TPI_REGISTRY_DECLINE_STREAMS : TPI_REGISTRY_NO_ANSWER;   /* W-149 W-150 O-25 */
}

void tpi_registry_on_qos(tpi_registry_t *registry, const tpc_qos_consumer_t *qos, int64_t now_ns)
{
    if (qos->stream_id == registry->stream_id) { (void)enter(registry, qos->consumer_id, now_ns); }    /* W-133 O-29 */
}

bool tpi_registry_must_decline(const tpi_registry_t *registry, const tpc_consumer_config_t *config)
{
    return config->stream_id == registry->stream_id && (0 != config->descriptor_channel.length || 0 != config->control_channel.length);
}

size_t tpi_registry_sweep(tpi_registry_t *registry, int64_t now_ns)
{
    size_t kept = 0;
    for (size_t i = 0; i < registry->count; i++)
    {
        if (now_ns - registry->entries[i].heard_ns <= registry->stale_ns) { registry->entries[kept++] = registry->entries[i]; }
    }
    const size_t gone = registry->count - kept;
    registry->count = kept;
    return gone;
}

void tpi_registry_decline(tpc_consumer_config_t *config, uint32_t stream_id, uint32_t consumer_id, uint8_t mode, bool use_shm)
{
    *config = (tpc_consumer_config_t)TPC_CONSUMER_CONFIG_INIT;                              /* W-142 */
    config->stream_id = stream_id;
    config->consumer_id = consumer_id;
    config->use_shm = use_shm ? 1 : 0;
    config->mode = TP_MODE_RATE_LIMITED == mode ? TP_MODE_RATE_LIMITED : TP_MODE_STREAM;
}
