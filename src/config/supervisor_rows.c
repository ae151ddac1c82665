/* Owns the tables of a supervisor's keys (25-supervisor.md 7.1 and ours) and the reader of its rules. */
#include "config/supervisor_rows.h"

#include <string.h>

#include <tensor_pool/supervisor/tp_supervisor_config.h>

#define ID_MAX 2147483647u
#define HOUR_MS 3600000u
#define CHANNEL "\"aeron:ipc?term-length=4m\""
#define OBJECT tp_supervisor_config_t
#define AT(type_, field_) .offset = offsetof(type_, field_), .size = sizeof(((type_ *)0)->field_)
#define TEXT(name_, field_, default_, min_, flags_, doc_) \
    { .key = "supervisor." name_, .type = TPI_CONF_TEXT, AT(OBJECT, field_), .default_text = (default_), .min = (min_), \
        .max = sizeof(((OBJECT *)0)->field_) - 1, .flags = (flags_), .doc = (doc_) }
#define U32(name_, field_, default_, min_, max_, flags_, doc_) \
    { .key = "supervisor." name_, .type = TPI_CONF_U32, AT(OBJECT, field_), .default_text = (default_), .min = (min_), .max = (max_), \
        .flags = (flags_), .doc = (doc_) }
#define BOOL(name_, field_, default_, doc_) \
    { .key = "supervisor." name_, .type = TPI_CONF_BOOL, AT(OBJECT, field_), .default_text = (default_), .doc = (doc_) }
#define OURS TPI_CONF_LOCAL
#define HOST TPI_CONF_INHERITED

const tpi_conf_row_t tpi_supervisor_rows[] = {
    TEXT("instance_id", instance_id, "\"supervisor-01\"", 1, OURS | HOST, "name for logs and labels of counters; embedded: driver.instance_id"),
    TEXT("control_channel", control_channel, CHANNEL, 1, HOST, "receives hellos, sends configs; embedded: driver.control_channel"),  /* S-064 */
    U32("control_stream_id", control_stream_id, "1000", 1, ID_MAX, HOST, "control stream id; embedded: driver.control_stream_id"),
    TEXT("announce_channel", announce_channel, CHANNEL, 1, HOST, "ShmPoolAnnounce; embedded: driver.announce_channel"),
    U32("announce_stream_id", announce_stream_id, "1001", 1, ID_MAX, HOST, "announce stream id; embedded: driver.announce_stream_id"),
    TEXT("metadata_channel", metadata_channel, CHANNEL, 1, HOST,
        "DataSourceAnnounce, DataSourceMeta; embedded: driver.metadata_channel where it is set, else driver.control_channel"),
    U32("metadata_stream_id", metadata_stream_id, "1300", 1, ID_MAX, HOST, "metadata stream id; embedded: driver.metadata_stream_id"),
    TEXT("qos_channel", qos_channel, CHANNEL, 1, HOST, "QosConsumer, QosProducer; embedded: driver.qos_channel"),
    U32("qos_stream_id", qos_stream_id, "1200", 1, ID_MAX, HOST, "QoS stream id; embedded: driver.qos_stream_id"),
    U32("consumer_capacity", consumer_capacity, "256", 1, TP_SUPERVISOR_CAPACITY_MAX, 0, "consumers in the registry"),               /* S-075 */
    U32("consumer_stale_ms", consumer_stale_ms, "5000", 0, UINT32_MAX, 0, "silence after which a consumer is forgotten; 0 = never"),
    BOOL("per_consumer_enabled", per_consumer_enabled, "false", "hand out private streams"),
    TEXT("per_consumer_descriptor_channel", per_consumer_descriptor_channel, "\"\"", 0, 0,
        "channel of private descriptor streams; empty = that of the request"),
    U32("per_consumer_descriptor_base", per_consumer_descriptor_base, "0", 0, ID_MAX, 0,
        "first private descriptor id; 0 = the id of the request, embedded: driver.descriptor_stream_id_range where it is set"),
    U32("per_consumer_descriptor_range", per_consumer_descriptor_range, "0", 0, UINT32_MAX, 0, "number of private descriptor ids"),
    TEXT("per_consumer_control_channel", per_consumer_control_channel, "\"\"", 0, 0,
        "channel of private control streams; empty = that of the request"),
    U32("per_consumer_control_base", per_consumer_control_base, "0", 0, ID_MAX, 0,
        "first private control id; 0 = the id of the request, embedded: driver.control_stream_id_range where it is set"),
    U32("per_consumer_control_range", per_consumer_control_range, "0", 0, UINT32_MAX, 0, "number of private control ids"),
    BOOL("force_no_shm", force_no_shm, "false", "no consumer maps shared memory; set payload_fallback_uri, too"),
    U32("force_mode", force_mode, "0", 0, 2, 0, "mode of every consumer: 0 = as it wants, 1 = STREAM, 2 = RATE_LIMITED"),            /* S-066 */
    TEXT("payload_fallback_uri", payload_fallback_uri, "\"\"", 0, 0,
        "where consumers without shared memory get payloads: an Aeron channel, or a scheme of the deployment; empty = nowhere"),
    U32("announce_period_ms", announce_period_ms, "1000", 1, HOUR_MS, OURS | HOST,
        "announce cadence of the driver; streams are stale after three; embedded: policies.announce_period_ms"),
    U32("stream_capacity", stream_capacity, "4096", 1, 65536, OURS, "streams, and producers, that are watched"),
    { .key = "supervisor.allowed_base_dirs", .type = TPI_CONF_TEXTS, .offset = offsetof(OBJECT, allowed_base_dirs), .size = TP_CONFIG_PATH_MAX,
        .count_offset = offsetof(OBJECT, allowed_base_dir_count), .default_text = "[\"/dev/shm/tensorpool\"]", .min = 0,
        .max = TP_CONFIG_BASE_DIRS_MAX, .flags = OURS | HOST,
        .doc = "where regions lie whose sign of life is watched; empty = none is; embedded: shm.allowed_base_dirs" },
    U32("health.window_ms", health.window_ms, "10000", 1000, HOUR_MS, OURS, "lost frames are counted over it"),
    U32("health.clear_ms", health.clear_ms, "10000", 0, HOUR_MS, OURS, "how long a condition has to be better before it is cleared"),
    U32("health.drops", health.drops, "1", 0, UINT32_MAX, OURS, "frames one consumer may lose in a window before it is reported; 0 = off"),
    U32("health.lag_frames", health.lag_frames, "0", 0, UINT32_MAX, OURS, "how far a consumer may be behind its producer; 0 = off"),
    U32("health.latency_ms", health.latency_ms, "0", 0, UINT32_MAX, OURS, "p99 of a consumer that records latencies; 0 = off"),
    U32("health.no_consumers_ms", health.no_consumers_ms, "30000", 0, UINT32_MAX, OURS,
        "how long a stream that is written may go unread; 0 = off"),
};
const size_t tpi_supervisor_row_count = sizeof(tpi_supervisor_rows) / sizeof(tpi_supervisor_rows[0]);

const tpi_conf_row_t tpi_supervisor_host_rows[] = {
    { .key = "driver.aeron_dir", .type = TPI_CONF_TEXT, AT(OBJECT, aeron_dir), .default_text = "\"\"", .max = TP_CONFIG_PATH_MAX - 1,
        .alias = "AERON_DIR", .doc = "directory of the Aeron media driver; empty = Aeron's default" },
};
const size_t tpi_supervisor_host_row_count = sizeof(tpi_supervisor_host_rows) / sizeof(tpi_supervisor_host_rows[0]);

/* ---- rules ----------------------------------------------------------------------------------------------------------------------- */

typedef struct policy_keys
{
    tp_id_range_t streams, consumers;
    char consumer_name[TP_CONFIG_NAME_MAX];
    bool force_no_shm, per_consumer_enabled;
    uint32_t force_mode;
    char payload_fallback_uri[TP_CONFIG_CHANNEL_MAX];
}
policy_keys_t;

#define RULE(name_, type_, field_, default_, max_, doc_) \
    { .key = (name_), .type = (type_), AT(policy_keys_t, field_), .default_text = (default_), .max = (max_), .flags = OURS, .doc = (doc_) }

const tpi_conf_row_t tpi_policy_rows[] = {
    RULE("streams", TPI_CONF_RANGE, streams, "\"\"", 0, "pool stream ids the rule is about; empty = all"),
    RULE("consumers", TPI_CONF_RANGE, consumers, "\"\"", 0, "consumer ids; empty = all"),
    RULE("consumer_name", TPI_CONF_TEXT, consumer_name, "\"\"", TP_CONFIG_NAME_MAX - 1,
        "client name as a shell pattern, such as \"viewer*\"; empty = any, also an unknown one"),
    RULE("force_no_shm", TPI_CONF_BOOL, force_no_shm, "not decided", 0, "as supervisor.force_no_shm, for these consumers"),
    RULE("force_mode", TPI_CONF_U32, force_mode, "not decided", 2, "as supervisor.force_mode"),
    RULE("per_consumer_enabled", TPI_CONF_BOOL, per_consumer_enabled, "not decided", 0, "as supervisor.per_consumer_enabled"),
    RULE("payload_fallback_uri", TPI_CONF_TEXT, payload_fallback_uri, "not decided", TP_CONFIG_CHANNEL_MAX - 1,
        "as supervisor.payload_fallback_uri; \"\" = none for them"),
};
const size_t tpi_policy_row_count = sizeof(tpi_policy_rows) / sizeof(tpi_policy_rows[0]);

static uint32_t choice(const tpi_toml_node_t *node, const char *key, bool value)
{
    return NULL == tpi_toml_get(node, key) ? TP_SUPERVISOR_UNDECIDED : value ? TP_SUPERVISOR_YES : TP_SUPERVISOR_NO;
}

static int read_policy(const tpi_conf_source_t *source, const tpi_toml_node_t *node, tp_supervisor_config_t *config)
{
    char key[TP_CONFIG_NAME_MAX + 64];
    char title[TP_CONFIG_NAME_MAX + 64];
    policy_keys_t keys = { .force_mode = TP_SUPERVISOR_MODE_UNDECIDED };
    if (tpi_conf_check_name(source, node, "rule", TP_CONFIG_NAME_MAX - 1) < 0) { return -1; }
    (void)snprintf(key, sizeof(key), "supervisor.policies.%s.", node->key);
    (void)snprintf(title, sizeof(title), "[supervisor.policies.%s]", node->key);
    const tpi_conf_table_t table = { .node = node, .rows = tpi_policy_rows, .row_count = tpi_policy_row_count, .key_prefix = key, .title = title,
        .object = &keys };
    if (tpi_conf_need_table(source, node, title) < 0 || tpi_conf_read_table(source, &table) < 0) { return -1; }
    tp_supervisor_policy_t *const policy = tp_supervisor_config_add_policy(config, node->key);
    if (NULL == policy) { return -1; }
    source->origins->policy_lines[config->policy_count - 1] = node->key_line;
    policy->streams = keys.streams;
    policy->consumers = keys.consumers;
    memcpy(policy->consumer_name, keys.consumer_name, sizeof(policy->consumer_name));
    policy->force_no_shm = choice(node, "force_no_shm", keys.force_no_shm);
    policy->per_consumer_enabled = choice(node, "per_consumer_enabled", keys.per_consumer_enabled);
    policy->force_mode = keys.force_mode;
    policy->has_payload_fallback_uri = NULL != tpi_toml_get(node, "payload_fallback_uri");
    memcpy(policy->payload_fallback_uri, keys.payload_fallback_uri, sizeof(policy->payload_fallback_uri));
    return 0;
}

int tpi_supervisor_read_policies(const tpi_conf_source_t *source, const tpi_toml_node_t *node, void *config)
{
    if (tpi_conf_need_table(source, node, "supervisor.policies") < 0) { return -1; }
    for (size_t i = 0; i < node->count; i++)
    {
        if (read_policy(source, &node->children[i], config) < 0) { return -1; }
    }
    return 0;
}
