/* Invariants: a record is in by_key and in by_age; by_age is sorted by heard_ns; unleased counts the records without a lease. */
#include "protocol/supervisor_registry.h"

#include <string.h>
#include <utlist.h>

#include "common/alloc.h"
#include "protocol/qos.h"

void tpi_supervisor_registry_init(tpi_supervisor_registry_t *registry, size_t capacity, int64_t stale_ns, const tpi_private_rule_t *rules)
{
    memset(registry, 0, sizeof(*registry));
    registry->capacity = capacity;
    registry->stale_ns = stale_ns;
    tpi_private_init(&registry->streams, rules);
}

void tpi_supervisor_registry_fini(tpi_supervisor_registry_t *registry)
{
    while (NULL != registry->by_age) { tpi_supervisor_registry_remove(registry, registry->by_age); }
}

size_t tpi_supervisor_registry_count(const tpi_supervisor_registry_t *registry) { return HASH_COUNT(registry->by_key); }

static uint64_t key_of(uint32_t stream_id, uint32_t consumer_id) { return (uint64_t)stream_id << 32 | consumer_id; }

tpi_supervised_t *tpi_supervisor_registry_find(const tpi_supervisor_registry_t *registry, uint32_t stream_id, uint32_t consumer_id)
{
    const uint64_t key = key_of(stream_id, consumer_id);
    tpi_supervised_t *found = NULL;
    HASH_FIND(hh, registry->by_key, &key, sizeof(key), found);
    return found;
}

static void heard(tpi_supervisor_registry_t *registry, tpi_supervised_t *record, int64_t now_ns)
{
    record->heard_ns = now_ns;                                                                /* S-033 */
    DL_DELETE(registry->by_age, record);
    DL_APPEND(registry->by_age, record);
}

static bool has_room(const tpi_supervisor_registry_t *registry, bool has_lease)
{
    if (tpi_supervisor_registry_count(registry) >= registry->capacity) { return false; }      /* S-062 */
    return has_lease || registry->unleased < registry->capacity / 2;                          /* OP-S-21 */
}

static tpi_supervised_t *add(tpi_supervisor_registry_t *registry, const tpc_consumer_hello_t *hello, const tpi_hello_context_t *context)
{
    if (!has_room(registry, context->has_lease)) { return NULL; }
    tpi_supervised_t *const record = tpi_alloc(sizeof(*record));
    if (NULL == record) { return NULL; }
    record->key = key_of(hello->stream_id, hello->consumer_id);
    record->stream_id = hello->stream_id;
    record->consumer_id = hello->consumer_id;
    record->has_lease = context->has_lease;
    HASH_ADD(hh, registry->by_key, key, sizeof(record->key), record);
    if (NULL == record->hh.tbl)
    {
        tpi_free(record);
        return NULL;
    }
    if (!record->has_lease) { registry->unleased++; }
    DL_APPEND(registry->by_age, record);
    return record;
}

void tpi_supervised_set_lease(tpi_supervisor_registry_t *registry, tpi_supervised_t *record, bool has_lease)
{
    if (has_lease == record->has_lease) { return; }
    record->has_lease = has_lease;
    if (has_lease)
    {
        registry->unleased--;
        return;
    }
    registry->unleased++;
    for (unsigned kind = 0; kind < TPI_PRIVATE_KINDS; kind++) { tpi_private_release(&registry->streams, &record->owner, kind); }      /* S-073 */
}

void tpi_supervisor_registry_remove(tpi_supervisor_registry_t *registry, tpi_supervised_t *record)
{
    for (unsigned kind = 0; kind < TPI_PRIVATE_KINDS; kind++) { tpi_private_release(&registry->streams, &record->owner, kind); }
    if (!record->has_lease) { registry->unleased--; }
    DL_DELETE(registry->by_age, record);
    HASH_DELETE(hh, registry->by_key, record);
    tpi_free(record->name);
    tpi_free(record);
}

tpi_supervised_t *tpi_supervisor_registry_stale(const tpi_supervisor_registry_t *registry, int64_t now_ns)
{
    tpi_supervised_t *const oldest = registry->by_age;
    if (0 == registry->stale_ns || NULL == oldest) { return NULL; }
    return now_ns - oldest->heard_ns > registry->stale_ns ? oldest : NULL;                    /* S-061 S-034 */
}

/* ---- hello ----------------------------------------------------------------------------------------------------------------- */

bool tpi_supervisor_hello_is_valid(const tpc_consumer_hello_t *hello)
{
    return hello->supports_shm <= 1 && hello->supports_progress <= 1 &&
        (TP_MODE_STREAM == hello->mode || TP_MODE_RATE_LIMITED == hello->mode);               /* S-014 */
}

static void take_hello(tpi_supervised_t *record, const tpc_consumer_hello_t *hello)
{
    record->supports_shm = hello->supports_shm;
    record->supports_progress = hello->supports_progress;
    record->mode = hello->mode;
    record->max_rate_hz = hello->max_rate_hz;
    record->progress_interval_us = hello->progress_interval_us;
    record->progress_bytes_delta = hello->progress_bytes_delta;
    record->progress_major_delta = hello->progress_major_delta_units;
}

static void assign_streams(tpi_supervisor_registry_t *registry, const tpc_consumer_hello_t *hello, const tpi_hello_context_t *context,
    tpi_hello_outcome_t *outcome, tpc_consumer_config_t *config)
{
    tpi_private_owner_t nobody;                                /* an untracked consumer is judged the same way, and gets nothing */
    memset(&nobody, 0, sizeof(nobody));
    tpi_private_owner_t *const owner = NULL == outcome->record ? &nobody : &outcome->record->owner;
    const bool is_offered = NULL != outcome->record && context->has_lease && context->decision.offers_private;    /* S-072 S-073 */
    tpi_private_ask_t ask = { hello->consumer_id, hello->descriptor_channel, hello->descriptor_stream_id, is_offered, context->may_be_fresh };
    outcome->streams[TPI_PRIVATE_DESCRIPTOR] = tpi_private_assign(&registry->streams, owner, TPI_PRIVATE_DESCRIPTOR, &ask);
    ask.channel = hello->control_channel;
    ask.id = hello->control_stream_id;
    outcome->streams[TPI_PRIVATE_CONTROL] = tpi_private_assign(&registry->streams, owner, TPI_PRIVATE_CONTROL, &ask);
    config->descriptor_stream_id = tpi_private_id(owner, TPI_PRIVATE_DESCRIPTOR);             /* S-030 */
    config->descriptor_channel = tpi_private_channel(&registry->streams, owner, TPI_PRIVATE_DESCRIPTOR);
    config->control_stream_id = tpi_private_id(owner, TPI_PRIVATE_CONTROL);                   /* S-043 */
    config->control_channel = tpi_private_channel(&registry->streams, owner, TPI_PRIVATE_CONTROL);
}

tpi_hello_outcome_t tpi_supervisor_on_hello(tpi_supervisor_registry_t *registry, const tpc_consumer_hello_t *hello,
    const tpi_hello_context_t *context,
    tpc_consumer_config_t *config)
{
    tpi_hello_outcome_t outcome = { .record = tpi_supervisor_registry_find(registry, hello->stream_id, hello->consumer_id) };
    if (NULL == outcome.record)
    {
        outcome.record = add(registry, hello, context);
        outcome.is_new = NULL != outcome.record;
    }
    outcome.layout_differs = 0 != hello->expected_layout_version && 0 != context->layout_version &&
        hello->expected_layout_version != context->layout_version;
    *config = (tpc_consumer_config_t)TPC_CONSUMER_CONFIG_INIT;
    config->stream_id = hello->stream_id;
    config->consumer_id = hello->consumer_id;
    config->use_shm = context->decision.force_no_shm || outcome.layout_differs ? 0 : hello->supports_shm;         /* S-011 OP-S-15 */
    config->mode = 0 != context->decision.force_mode ? context->decision.force_mode : hello->mode;                /* S-012 S-054 */
    config->payload_fallback_uri = tpc_bytes(context->decision.fallback_uri);                 /* S-013 S-055 */
    if (NULL != outcome.record)
    {
        tpi_supervised_set_lease(registry, outcome.record, context->has_lease);
        heard(registry, outcome.record, context->now_ns);
        take_hello(outcome.record, hello);
        outcome.record->answered_shm = config->use_shm;
        outcome.record->answered_mode = config->mode;
    }
    assign_streams(registry, hello, context, &outcome, config);
    return outcome;
}

/* ---- QoS ------------------------------------------------------------------------------------------------------------------- */

/* What a producer thins out for a RATE_LIMITED consumer looks like gaps to it, and is no loss. */
static uint64_t total_drops(const tpi_supervised_t *record)
{
    return TP_MODE_RATE_LIMITED == record->qos_mode ? record->drops_late : tpi_qos_add(record->drops_gap, record->drops_late);
}

tpi_supervised_t *tpi_supervisor_on_qos(tpi_supervisor_registry_t *registry, const tpc_qos_consumer_t *qos, int64_t now_ns)
{
    tpi_supervised_t *const record = tpi_supervisor_registry_find(registry, qos->stream_id, qos->consumer_id);
    if (NULL == record) { return NULL; }
    heard(registry, record, now_ns);
    const bool is_other_mode = record->qos_mode != qos->mode;
    record->qos_mode = qos->mode;
    record->epoch = qos->epoch;
    record->last_seq_seen = qos->last_seq_seen;
    record->drops_gap = qos->drops_gap;
    record->drops_late = qos->drops_late;
    if (!record->has_qos || is_other_mode || total_drops(record) < record->window_drops)       /* first report, or one that begins anew */
    {
        record->has_qos = true;
        record->window_ns = now_ns;
        record->window_drops = total_drops(record);
        record->last_drops = 0;
    }
    return record;
}

uint64_t tpi_supervised_drops(tpi_supervised_t *record, int64_t window_ns, int64_t now_ns)
{
    const uint64_t total = total_drops(record);
    const uint64_t lost = total - record->window_drops;
    if (now_ns - record->window_ns < window_ns) { return lost > record->last_drops ? lost : record->last_drops; }
    record->last_drops = lost;
    record->window_ns = now_ns;
    record->window_drops = total;
    return lost;
}
