/* Rules in their order; each decision is that of the first rule that applies and takes it. At most TP_SUPERVISOR_POLICIES_MAX. */
#include "protocol/supervisor_policy.h"

#include <fnmatch.h>

static bool covers(const tp_id_range_t *range, uint32_t id)
{
    return (0 == range->first && 0 == range->last) || (id >= range->first && id <= range->last);
}

static bool applies(const tp_supervisor_policy_t *policy, uint32_t stream_id, uint32_t consumer_id, const char *name)
{
    if (!covers(&policy->streams, stream_id) || !covers(&policy->consumers, consumer_id)) { return false; }
    return '\0' == policy->consumer_name[0] || (NULL != name && 0 == fnmatch(policy->consumer_name, name, 0));
}

tpi_supervisor_decision_t tpi_supervisor_decide(const tp_supervisor_config_t *config, uint32_t stream_id, uint32_t consumer_id, const char *name)
{
    uint32_t no_shm = TP_SUPERVISOR_UNDECIDED;
    uint32_t mode = TP_SUPERVISOR_MODE_UNDECIDED;
    uint32_t offers = TP_SUPERVISOR_UNDECIDED;
    const char *fallback = NULL;
    for (uint32_t i = 0; i < config->policy_count; i++)
    {
        const tp_supervisor_policy_t *const p = &config->policies[i];
        if (!applies(p, stream_id, consumer_id, name)) { continue; }
        if (TP_SUPERVISOR_UNDECIDED == no_shm) { no_shm = p->force_no_shm; }
        if (TP_SUPERVISOR_MODE_UNDECIDED == mode) { mode = p->force_mode; }
        if (TP_SUPERVISOR_UNDECIDED == offers) { offers = p->per_consumer_enabled; }
        if (NULL == fallback && p->has_payload_fallback_uri) { fallback = p->payload_fallback_uri; }
    }
    const tpi_supervisor_decision_t decision = {
        .force_no_shm = TP_SUPERVISOR_UNDECIDED == no_shm ? config->force_no_shm : TP_SUPERVISOR_YES == no_shm,
        .force_mode = (uint8_t)(TP_SUPERVISOR_MODE_UNDECIDED == mode ? config->force_mode : mode),
        .offers_private = TP_SUPERVISOR_UNDECIDED == offers ? config->per_consumer_enabled : TP_SUPERVISOR_YES == offers,
        .fallback_uri = NULL == fallback ? config->payload_fallback_uri : fallback };
    return decision;
}

bool tpi_supervisor_needs_names(const tp_supervisor_config_t *config)
{
    for (uint32_t i = 0; i < config->policy_count; i++)
    {
        if ('\0' != config->policies[i].consumer_name[0]) { return true; }
    }
    return false;
}
