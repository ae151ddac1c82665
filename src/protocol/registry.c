/* The table of consumers. Linear search: 256 entries, a few messages a second each. */
#include "protocol/registry.h"

#include <string.h>

#include "codec/codec_shm.h"

void tpi_registry_init(tpi_registry_t *registry, uint32_t stream_id, uint32_t stale_multiple, int64_t interval_ns)
{
    memset(registry, 0, sizeof(*registry));
    registry->stream_id = stream_id;
    registry->interval_ns = interval_ns;
    registry->stale_ns = (int64_t)stale_multiple * interval_ns;
}

tpi_registry_entry_t *tpi_registry_find(tpi_registry_t *registry, uint32_t consumer_id)
{
    for (size_t i = 0; i < registry->count; i++)
    {
        if (consumer_id == registry->entries[i].consumer_id) { return &registry->entries[i]; }
    }
    return NULL;
}

static tpi_registry_entry_t *enter(tpi_registry_t *registry, uint32_t consumer_id, int64_t now_ns)
{
    tpi_registry_entry_t *entry = tpi_registry_find(registry, consumer_id);
    if (NULL == entry && TPI_REGISTRY_CONSUMERS_MAX == registry->count)
    {
        registry->refused++;
        return NULL;
    }
    if (NULL == entry)
    {
        entry = &registry->entries[registry->count++];
        *entry = (tpi_registry_entry_t){ .consumer_id = consumer_id, .supports_shm = true, .layout_fits = true, .mode = TP_MODE_STREAM,
            .progress_interval_us = TP_NULL_U32, .progress_bytes_delta = TP_NULL_U32, .progress_major_delta = TP_NULL_U32 };
    }
    entry->heard_ns = now_ns;                                                               /* W-133 */
    return entry;
}

/* ---- hello -------------------------------------------------------------------------------------------------------------- */

static void take_hello(tpi_registry_entry_t *entry, const tpc_consumer_hello_t *hello)
{
    entry->has_hello = true;
    entry->supports_shm = 1 == hello->supports_shm;
    entry->layout_fits = 0 == hello->expected_layout_version || TPC_LAYOUT_VERSION == hello->expected_layout_version;
    entry->supports_progress = 1 == hello->supports_progress;
    entry->mode = TP_MODE_RATE_LIMITED == hello->mode ? TP_MODE_RATE_LIMITED : TP_MODE_STREAM;
    entry->max_rate_hz = hello->max_rate_hz;
    entry->progress_interval_us = hello->progress_interval_us;
    entry->progress_bytes_delta = hello->progress_bytes_delta;
    entry->progress_major_delta = hello->progress_major_delta_units;
}

/* O-28: one authority. AUTO leaves it to others for as long as one of them was heard, and for the better part of an interval before it steps in. */
static bool is_ours_to_answer(tpi_registry_t *registry, tpi_registry_entry_t *entry, int64_t now_ns)
{
    if (TPI_AUTHORITY_AUTO != registry->authority) { return TPI_AUTHORITY_ALWAYS == registry->authority; }
    if (NULL != entry && !entry->layout_fits) { return true; }                              /* O-31: whoever answers says the same */
    if (registry->has_other && now_ns - registry->other_ns <= registry->stale_ns)
    {
        if (NULL != entry) { entry->is_asking = false; }
        return false;
    }
    if (NULL == entry) { return true; }
    if (!entry->is_asking)
    {
        entry->is_asking = true;
        entry->asked_ns = now_ns;
        return false;
    }
    return now_ns - entry->asked_ns >= registry->interval_ns / 4 * 3;
}

tpi_registry_verdict_t tpi_registry_on_hello(tpi_registry_t *registry, const tpc_consumer_hello_t *hello, int64_t now_ns)
{
    tpi_registry_verdict_t verdict = { .entry = NULL };
    tpi_hello_wish_t wish[TPI_PRIVATE_KINDS];
    if (hello->stream_id != registry->stream_id) { return verdict; }                        /* W-251 */
    verdict.is_mine = true;
    wish[TPI_PRIVATE_DESCRIPTOR] = tpi_hello_wish(hello->descriptor_channel, hello->descriptor_stream_id);      /* W-143 W-145 */
    wish[TPI_PRIVATE_CONTROL] = tpi_hello_wish(hello->control_channel, hello->control_stream_id);               /* W-146 W-148 */
    tpi_registry_entry_t *entry = enter(registry, hello->consumer_id, now_ns);
    verdict.entry = entry;
    bool asks = false;
    for (int kind = 0; kind < TPI_PRIVATE_KINDS; kind++)
    {
        if (TPI_HELLO_NONE != wish[kind]) { asks = true; }
        if (NULL == entry) { continue; }
        verdict.withdrew[kind] = TPI_HELLO_NONE != entry->wish[kind] && TPI_HELLO_NONE == wish[kind];
        entry->wish[kind] = wish[kind];
    }
    if (NULL != entry) { take_hello(entry, hello); }
    if (NULL != entry && !(entry->supports_shm && entry->layout_fits)) { asks = true; }     /* O-31, item 8 of section 12 */
    if (asks) { verdict.answers = is_ours_to_answer(registry, entry, now_ns); }
    else if (NULL != entry) { entry->is_asking = false; }
    return verdict;
}

/* ---- others ------------------------------------------------------------------------------------------------------------- */

void tpi_registry_on_qos(tpi_registry_t *registry, const tpc_qos_consumer_t *qos, int64_t now_ns)
{
    if (qos->stream_id == registry->stream_id) { (void)enter(registry, qos->consumer_id, now_ns); }    /* W-133 O-29 */
}

bool tpi_registry_on_config(tpi_registry_t *registry, const tpc_consumer_config_t *config, int64_t now_ns, tpi_registry_entry_t **entry)
{
    if (config->stream_id != registry->stream_id) { return false; }
    registry->has_other = true;
    registry->other_ns = now_ns;
    *entry = tpi_registry_find(registry, config->consumer_id);
    if (NULL != *entry)
    {
        (*entry)->imposed = config->mode;
        (*entry)->banned = 0 == config->use_shm;
        (*entry)->is_asking = false;
    }
    return true;
}

bool tpi_registry_remove(tpi_registry_t *registry, uint32_t consumer_id)
{
    tpi_registry_entry_t *entry = tpi_registry_find(registry, consumer_id);
    if (NULL == entry) { return false; }
    *entry = registry->entries[--registry->count];
    return true;
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

/* ---- what follows ------------------------------------------------------------------------------------------------------- */

uint32_t tpi_registry_rate_hz(const tpi_registry_entry_t *entry)
{
    if (NULL == entry) { return 0; }
    const bool limited = TP_MODE_RATE_LIMITED == entry->mode || TP_MODE_RATE_LIMITED == entry->imposed;         /* W-192 W-155 S-051 */
    return limited ? entry->max_rate_hz : 0;                                                /* O-26 */
}

void tpi_registry_answer(tpc_consumer_config_t *config, uint32_t stream_id, uint32_t consumer_id, const tpi_registry_entry_t *entry,
    tpc_bytes_t fallback)
{
    *config = (tpc_consumer_config_t)TPC_CONSUMER_CONFIG_INIT;                              /* W-142 */
    config->stream_id = stream_id;
    config->consumer_id = consumer_id;
    if (NULL == entry) { return; }
    config->use_shm = entry->supports_shm && entry->layout_fits && !entry->banned ? 1 : 0;  /* O-31 */
    config->mode = TP_MODE_RATE_LIMITED == entry->imposed ? TP_MODE_RATE_LIMITED : entry->mode;
    if (0 == config->use_shm) { config->payload_fallback_uri = fallback; }
}

uint32_t tpi_registry_progress(const tpi_registry_t *registry, const tpi_progress_limits_t *limits, tpi_progress_policy_t *policy)
{
    tpi_progress_hints_t hints = TPI_PROGRESS_HINTS_INIT;
    for (size_t i = 0; i < registry->count; i++)
    {
        const tpi_registry_entry_t *e = &registry->entries[i];
        if (!e->supports_progress) { continue; }                                            /* W-177 */
        tpi_progress_hints_add(&hints, e->progress_interval_us, e->progress_bytes_delta, e->progress_major_delta);
    }
    tpi_progress_merge(policy, &hints, limits);                                             /* W-156 */
    return hints.consumers;
}
