/*
 * The configuration of a supervisor: defaults of 25-supervisor.md 7.1, what the embedded form inherits, growth of the table of rules, start-up
 * errors. Owns nothing but what the config owns. Any thread.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/err.h"
#include "supervisor/supervisor_internal.h"

#define DEFAULT_CHANNEL "aeron:ipc?term-length=4m"
#define AERON_STREAM_ID_MAX ((uint32_t)INT32_MAX)
#define HOUR_MS 3600000u

/* All fit: literals and members of the same size. */
static void put(char *target, size_t size, const char *text) { (void)snprintf(target, size, "%s", text); }

void tp_supervisor_config_init(tp_supervisor_config_t *config)
{
    memset(config, 0, sizeof(*config));
    config->size = (uint32_t)sizeof(*config);
    put(config->instance_id, sizeof(config->instance_id), "supervisor-01");
    put(config->control_channel, sizeof(config->control_channel), DEFAULT_CHANNEL);
    put(config->announce_channel, sizeof(config->announce_channel), DEFAULT_CHANNEL);
    put(config->metadata_channel, sizeof(config->metadata_channel), DEFAULT_CHANNEL);
    put(config->qos_channel, sizeof(config->qos_channel), DEFAULT_CHANNEL);
    config->control_stream_id = 1000;
    config->announce_stream_id = 1001;
    config->metadata_stream_id = 1300;
    config->qos_stream_id = 1200;
    config->consumer_capacity = 256;
    config->consumer_stale_ms = 5000;
    config->announce_period_ms = 1000;
    config->stream_capacity = 4096;
    config->allowed_base_dir_count = 1;
    put(config->allowed_base_dirs[0], sizeof(config->allowed_base_dirs[0]), "/dev/shm/tensorpool");
    config->health = (tp_supervisor_health_config_t){ .window_ms = 10000, .clear_ms = 10000, .drops = 1, .no_consumers_ms = 30000 };
}

static int copy_static_ids(tp_supervisor_config_t *config, const tp_driver_config_t *driver)
{
    uint32_t *const ids = tpi_alloc_array(driver->stream_count + 1u, sizeof(*ids));
    if (NULL == ids) { return -1; }
    for (uint32_t i = 0; i < driver->stream_count; i++) { ids[i] = driver->streams[i].stream_id; }
    tpi_free(config->host.static_stream_ids);
    config->host.static_stream_ids = ids;
    config->host.static_stream_count = driver->stream_count;
    return 0;
}

int tp_supervisor_config_inherit(tp_supervisor_config_t *config, const tp_driver_config_t *driver)
{
    if (copy_static_ids(config, driver) < 0) { return -1; }
    const bool own_announce = '\0' != driver->announce_channel[0];
    const bool own_metadata = 0 != strcmp(driver->metadata_channel, DEFAULT_CHANNEL);    /* a key of ours: 7.1 says the control channel */
    put(config->aeron_dir, sizeof(config->aeron_dir), driver->aeron_dir);
    put(config->instance_id, sizeof(config->instance_id), driver->instance_id);
    put(config->control_channel, sizeof(config->control_channel), driver->control_channel);                       /* S-064 */
    put(config->announce_channel, sizeof(config->announce_channel), own_announce ? driver->announce_channel : driver->control_channel);
    put(config->metadata_channel, sizeof(config->metadata_channel), own_metadata ? driver->metadata_channel : driver->control_channel);
    put(config->qos_channel, sizeof(config->qos_channel), driver->qos_channel);
    config->control_stream_id = driver->control_stream_id;
    config->announce_stream_id = 0 != driver->announce_stream_id ? driver->announce_stream_id : driver->control_stream_id;
    config->metadata_stream_id = driver->metadata_stream_id;
    config->qos_stream_id = driver->qos_stream_id;
    config->announce_period_ms = driver->announce_period_ms;
    config->allowed_base_dir_count = driver->allowed_base_dir_count;
    memcpy(config->allowed_base_dirs, driver->allowed_base_dirs, sizeof(config->allowed_base_dirs));
    if (0 == config->allowed_base_dir_count)
    {
        config->allowed_base_dir_count = 1;
        put(config->allowed_base_dirs[0], sizeof(config->allowed_base_dirs[0]), driver->base_dir);
    }
    config->host.is_set = true;
    config->host.descriptor_stream_id = driver->descriptor_stream_id;
    config->host.stream_id_range = driver->stream_id_range;
    config->host.descriptor_stream_id_range = driver->descriptor_stream_id_range;
    config->host.control_stream_id_range = driver->control_stream_id_range;
    return 0;
}

void tp_supervisor_config_fini(tp_supervisor_config_t *config)
{
    if (NULL == config) { return; }
    tpi_free(config->policies);
    tpi_free(config->host.static_stream_ids);
    config->policies = NULL;
    config->policy_count = 0;
    config->host.static_stream_ids = NULL;
    config->host.static_stream_count = 0;
}

int tpi_supervisor_config_copy(tp_supervisor_config_t *copy, const tp_supervisor_config_t *config)
{
    tp_supervisor_config_t made = *config;
    made.policies = tpi_alloc_array(config->policy_count + 1u, sizeof(*made.policies));
    made.host.static_stream_ids = tpi_alloc_array(config->host.static_stream_count + 1u, sizeof(uint32_t));
    if (NULL == made.policies || NULL == made.host.static_stream_ids)
    {
        tp_supervisor_config_fini(&made);
        return -1;
    }
    if (config->policy_count > 0) { memcpy(made.policies, config->policies, config->policy_count * sizeof(*made.policies)); }
    if (config->host.static_stream_count > 0)
    {
        memcpy(made.host.static_stream_ids, config->host.static_stream_ids, config->host.static_stream_count * sizeof(uint32_t));
    }
    *copy = made;
    return 0;
}

static const char *why_not_a_name(const tp_supervisor_config_t *config, const char *name)
{
    if (NULL == name || '\0' == name[0]) { return "it is empty"; }
    if (strlen(name) >= TP_CONFIG_NAME_MAX) { return "it is longer than 127 bytes"; }
    for (uint32_t i = 0; i < config->policy_count; i++)
    {
        if (0 == strcmp(config->policies[i].name, name)) { return "another rule has it"; }
    }
    return NULL;
}

tp_supervisor_policy_t *tp_supervisor_config_add_policy(tp_supervisor_config_t *config, const char *name)
{
    const char *const why = why_not_a_name(config, name);
    if (NULL != why)
    {
        TPI_SET_ERR(TP_EINVAL, "supervisor.policies: name '%.40s': %s", NULL == name ? "" : name, why);
        return NULL;
    }
    if (config->policy_count >= TP_SUPERVISOR_POLICIES_MAX)
    {
        TPI_SET_ERR(TP_EFULL, "supervisor.policies = %" PRIu32 ", at most %d are allowed", config->policy_count + 1, TP_SUPERVISOR_POLICIES_MAX);
        return NULL;
    }
    tp_supervisor_policy_t *const policies = tpi_alloc_array(config->policy_count + 1u, sizeof(*policies));
    if (NULL == policies) { return NULL; }
    if (config->policy_count > 0) { memcpy(policies, config->policies, config->policy_count * sizeof(*policies)); }
    tpi_free(config->policies);
    config->policies = policies;
    tp_supervisor_policy_t *const policy = &policies[config->policy_count++];
    put(policy->name, sizeof(policy->name), name);
    policy->force_mode = TP_SUPERVISOR_MODE_UNDECIDED;
    return policy;
}

/* ---- checks ---------------------------------------------------------------------------------------------------------------- */

static int check_number(const char *key, uint64_t value, uint64_t minimum, uint64_t maximum)
{
    if (value >= minimum && value <= maximum) { return 0; }
    TPI_SET_ERR(TP_ECONF_RANGE, "supervisor.%s = %" PRIu64 " is not within %" PRIu64 "..%" PRIu64, key, value, minimum, maximum);
    return -1;
}

static int check_channel(const char *key, const char *channel)
{
    bool usable = 0 == strncmp(channel, "aeron:", 6);
    for (const char *c = channel; '\0' != *c; c++) { usable = usable && *c >= 0x21 && *c <= 0x7e; }
    if (usable) { return 0; }
    TPI_SET_ERR(TP_ECONF_RULE, "supervisor.%s = '%s' is not an Aeron channel", key, channel);
    TPI_ERR_FIX("use for example %s = \"" DEFAULT_CHANNEL "\"", key);
    return -1;
}

static int check_streams(const tp_supervisor_config_t *config)
{
    if (check_channel("control_channel", config->control_channel) < 0 || check_channel("announce_channel", config->announce_channel) < 0 ||
        check_channel("metadata_channel", config->metadata_channel) < 0 || check_channel("qos_channel", config->qos_channel) < 0)
    {
        return -1;
    }
    if (check_number("control_stream_id", config->control_stream_id, 1, AERON_STREAM_ID_MAX) < 0 ||
        check_number("announce_stream_id", config->announce_stream_id, 1, AERON_STREAM_ID_MAX) < 0 ||
        check_number("metadata_stream_id", config->metadata_stream_id, 1, AERON_STREAM_ID_MAX) < 0 ||
        check_number("qos_stream_id", config->qos_stream_id, 1, AERON_STREAM_ID_MAX) < 0)                         /* S-075 */
    {
        return -1;
    }
    if ('\0' != config->per_consumer_descriptor_channel[0] &&
        check_channel("per_consumer_descriptor_channel", config->per_consumer_descriptor_channel) < 0)
    {
        return -1;
    }
    return '\0' == config->per_consumer_control_channel[0] ? 0 :
        check_channel("per_consumer_control_channel", config->per_consumer_control_channel);
}

static int check_numbers(const tp_supervisor_config_t *config)
{
    const tp_supervisor_health_config_t *const health = &config->health;
    if (check_number("consumer_capacity", config->consumer_capacity, 1, TP_SUPERVISOR_CAPACITY_MAX) < 0 ||        /* S-075 */
        check_number("force_mode", config->force_mode, 0, TP_MODE_RATE_LIMITED) < 0 ||                            /* S-066 */
        check_number("announce_period_ms", config->announce_period_ms, 1, HOUR_MS) < 0 ||
        check_number("stream_capacity", config->stream_capacity, 1, 65536) < 0 ||
        check_number("number of allowed_base_dirs", config->allowed_base_dir_count, 0, TP_CONFIG_BASE_DIRS_MAX) < 0 ||
        check_number("health.window_ms", health->window_ms, 1000, HOUR_MS) < 0 || check_number("health.clear_ms", health->clear_ms, 0, HOUR_MS) < 0)
    {
        return -1;
    }
    return 0;
}

static bool is_set(const tp_id_range_t *range) { return 0 != range->first || 0 != range->last; }

static int check_policies(const tp_supervisor_config_t *config)
{
    for (uint32_t i = 0; i < config->policy_count; i++)
    {
        const tp_supervisor_policy_t *const p = &config->policies[i];
        const bool upside_down = p->streams.first > p->streams.last || p->consumers.first > p->consumers.last;
        const bool bad_choice = p->force_no_shm > TP_SUPERVISOR_YES || p->per_consumer_enabled > TP_SUPERVISOR_YES;
        const bool bad_mode = p->force_mode > TP_MODE_RATE_LIMITED && TP_SUPERVISOR_MODE_UNDECIDED != p->force_mode;
        if (!upside_down && !bad_choice && !bad_mode) { continue; }
        TPI_SET_ERR(TP_ECONF_RULE, "supervisor.policies.%s: %s", p->name, upside_down ? "a range needs start <= end" :
            bad_mode ? "force_mode has to be 0, 1 or 2" : "a choice has to be yes, no or undecided");
        return -1;
    }
    return 0;
}

/* ---- private ranges -------------------------------------------------------------------------------------------------------- */

typedef struct named_range { const char *key; tp_id_range_t range; } named_range_t;
typedef struct named_id { const char *key; uint32_t id; } named_id_t;

static int refuse_overlap(const named_range_t *range, const char *what, uint32_t first, uint32_t last)
{
    TPI_SET_ERR(TP_ECONF_RANGE, "%s: ids %" PRIu32 "-%" PRIu32 " overlap %s = %" PRIu32 "-%" PRIu32, range->key, range->range.first,
        range->range.last,
        what, first, last);
    return -1;
}

static bool overlaps(const tp_id_range_t *a, const tp_id_range_t *b) { return a->first <= b->last && b->first <= a->last; }

/* What the keys say, 0,0 when base is 0. */
static int read_range(tp_id_range_t *range, const char *key, uint32_t base, uint32_t count)
{
    *range = (tp_id_range_t){ 0, 0 };
    if (0 == base) { return 0; }
    if (0 == count)
    {
        TPI_SET_ERR(TP_ECONF_RULE, "supervisor.%s_base = %" PRIu32 " without %s_range: no id could be assigned", key, base, key);     /* S-065 */
        TPI_ERR_FIX("set supervisor.%s_range to the number of ids", key);
        return -1;
    }
    const uint64_t last = (uint64_t)base + count - 1;
    if (base > AERON_STREAM_ID_MAX || last > AERON_STREAM_ID_MAX)                                                 /* S-075 */
    {
        TPI_SET_ERR(TP_ECONF_RANGE, "supervisor.%s_base = %" PRIu32 ", %s_range = %" PRIu32 ": ids up to %" PRIu64 ", the largest is %" PRIu32, key,
            base, key, count, last, AERON_STREAM_ID_MAX);
        return -1;
    }
    *range = (tp_id_range_t){ base, (uint32_t)last };
    return 0;
}

static int check_against_ids(const tp_supervisor_config_t *config, const named_range_t *range)
{
    const named_id_t ids[] = { { "supervisor.control_stream_id", config->control_stream_id },
        { "supervisor.announce_stream_id", config->announce_stream_id }, { "supervisor.metadata_stream_id", config->metadata_stream_id },
        { "supervisor.qos_stream_id", config->qos_stream_id }, { "the shared descriptor stream", TPI_SUPERVISOR_DESCRIPTOR_STREAM },
        { "driver.descriptor_stream_id", config->host.descriptor_stream_id } };
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
    {
        const tp_id_range_t one = { ids[i].id, ids[i].id };
        if (overlaps(&range->range, &one)) { return refuse_overlap(range, ids[i].key, ids[i].id, ids[i].id); }
    }
    for (uint32_t i = 0; i < config->host.static_stream_count; i++)
    {
        const uint32_t id = config->host.static_stream_ids[i];
        const tp_id_range_t one = { id, id };
        if (overlaps(&range->range, &one)) { return refuse_overlap(range, "a static stream id", id, id); }        /* I-001 */
    }
    return 0;
}

static int check_against_host(const named_range_t *range, const tp_id_range_t *dynamic, const tp_id_range_t *bound)
{
    if (is_set(dynamic) && overlaps(&range->range, dynamic))
    {
        return refuse_overlap(range, "driver.stream_id_range", dynamic->first, dynamic->last);
    }
    if (is_set(bound) && (range->range.first < bound->first || range->range.last > bound->last))                  /* OP-S-07 */
    {
        TPI_SET_ERR(TP_ECONF_RANGE, "%s: ids %" PRIu32 "-%" PRIu32 " lie outside of the driver's range of that kind, %" PRIu32 "-%" PRIu32,
            range->key,
            range->range.first, range->range.last, bound->first, bound->last);
        return -1;
    }
    return 0;
}

static int check_ranges(const tp_supervisor_config_t *config)
{
    named_range_t ranges[] = { { "supervisor.per_consumer_descriptor_range", { 0, 0 } }, { "supervisor.per_consumer_control_range", { 0, 0 } } };
    const tp_id_range_t *const bounds[] = { &config->host.descriptor_stream_id_range, &config->host.control_stream_id_range };
    const char *const keys[] = { "per_consumer_descriptor", "per_consumer_control" };
    const uint32_t bases[] = { config->per_consumer_descriptor_base, config->per_consumer_control_base };
    const uint32_t counts[] = { config->per_consumer_descriptor_range, config->per_consumer_control_range };
    for (size_t i = 0; i < 2; i++)
    {
        if (read_range(&ranges[i].range, keys[i], bases[i], counts[i]) < 0) { return -1; }
        if (0 == bases[i]) { ranges[i].range = *bounds[i]; }
        if (!is_set(&ranges[i].range)) { continue; }
        if (check_against_ids(config, &ranges[i]) < 0 || check_against_host(&ranges[i], &config->host.stream_id_range, bounds[i]) < 0) { return -1; }
    }
    if (is_set(&ranges[0].range) && is_set(&ranges[1].range) && overlaps(&ranges[0].range, &ranges[1].range))     /* S-041 */
    {
        return refuse_overlap(&ranges[0], ranges[1].key, ranges[1].range.first, ranges[1].range.last);
    }
    return 0;
}

int tp_supervisor_config_check(const tp_supervisor_config_t *config)
{
    if (NULL == config || sizeof(*config) != config->size)
    {
        TPI_SET_ERR(TP_EINVAL, "supervisor configuration is missing or was not made by tp_supervisor_config_init of this library");
        return -1;
    }
    return check_streams(config) < 0 || check_numbers(config) < 0 || check_policies(config) < 0 || check_ranges(config) < 0 ? -1 : 0;
}

tp_id_range_t tpi_supervisor_config_range(const tp_supervisor_config_t *config, bool is_control)
{
    const uint32_t base = is_control ? config->per_consumer_control_base : config->per_consumer_descriptor_base;
    const uint32_t count = is_control ? config->per_consumer_control_range : config->per_consumer_descriptor_range;
    if (0 != base) { return (tp_id_range_t){ base, base + count - 1 }; }
    return is_control ? config->host.control_stream_id_range : config->host.descriptor_stream_id_range;           /* OP-S-07 */
}
