/* Owns the tables of keys. Constants only. Names and defaults are those of 20-driver.md 11.1 (D-185). */
#include "config/driver_rows.h"

#include <string.h>

#include <tensor_pool/driver/tp_driver_config.h>

#define ID_MAX 2147483647u
#define HOUR_MS 3600000u
#define CHANNEL "\"aeron:ipc?term-length=4m\""
#define AT(type_, field_) .offset = offsetof(type_, field_), .size = sizeof(((type_ *)0)->field_)

#define TEXT(key_, field_, default_, min_, flags_, doc_) \
    { .key = (key_), .type = TPI_CONF_TEXT, AT(tp_driver_config_t, field_), .default_text = (default_), .min = (min_), \
        .max = sizeof(((tp_driver_config_t *)0)->field_) - 1, .flags = (flags_), .doc = (doc_) }
#define TEXT_OR(key_, field_, default_, min_, alias_, doc_) \
    { .key = (key_), .type = TPI_CONF_TEXT, AT(tp_driver_config_t, field_), .default_text = (default_), .min = (min_), \
        .max = sizeof(((tp_driver_config_t *)0)->field_) - 1, .alias = (alias_), .doc = (doc_) }
#define CHOICE(key_, field_, default_, choices_, flags_, doc_) \
    { .key = (key_), .type = TPI_CONF_CHOICE, AT(tp_driver_config_t, field_), .default_text = (default_), .flags = (flags_), .choices = (choices_), \
        .doc = (doc_) }
#define U32(key_, field_, default_, min_, max_, flags_, doc_) \
    { .key = (key_), .type = TPI_CONF_U32, AT(tp_driver_config_t, field_), .default_text = (default_), .min = (min_), .max = (max_), \
        .flags = (flags_), .doc = (doc_) }
#define BOOL(key_, field_, default_, doc_) \
    { .key = (key_), .type = TPI_CONF_BOOL, AT(tp_driver_config_t, field_), .default_text = (default_), .doc = (doc_) }
#define RANGE(key_, field_, doc_) \
    { .key = (key_), .type = TPI_CONF_RANGE, AT(tp_driver_config_t, field_), .default_text = "\"\"", .doc = (doc_) }

const tpi_conf_row_t tpi_driver_rows[] = {
    TEXT("driver.instance_id", instance_id, "\"driver-01\"", 1, 0,
        "name for logs and diagnosis; names the endpoint file, so two drivers of one runtime directory need two names"),
    TEXT_OR("driver.aeron_dir", aeron_dir, "\"\"", 0, "AERON_DIR", "directory of the Aeron media driver; empty = Aeron's default"),
    CHOICE("driver.media_driver", media_driver, "\"external\"", "external|embedded", TPI_CONF_LOCAL,
        "embedded = run an Aeron media driver inside this process"),
    CHOICE("driver.idle", idle, "\"sleep\"", "sleep|backoff|spin", TPI_CONF_LOCAL,
        "what driver and embedded media driver do when there is nothing to do: sleep = up to 100 ms, woken at once by clients of this library, "
        "others wait one sleep at most; backoff = sleep up to 5 ms (15 ms the driver); spin = never sleep, two cores"),
    CHOICE("driver.answer_hello", answer_hello, "\"auto\"", "auto|never", TPI_CONF_LOCAL,
        "auto = answer ConsumerHello when no supervisor is there; never = leave it to a supervisor"),
    TEXT("driver.runtime_dir", runtime_dir, "\"\"", 0, TPI_CONF_LOCAL,
        "directory of the endpoint file that tells clients of this host where to find the driver; empty = TP_RUNTIME_DIR, "
        "$XDG_RUNTIME_DIR/tensor_pool, /run/tensor_pool (root) or /tmp/tensor_pool-<uid>"),
    TEXT_OR("driver.control_channel", control_channel, CHANNEL, 1, "TP_CONTROL_CHANNEL",
        "control channel; write the same string everywhere: channels of one stream must agree on term-length"),
    { .key = "driver.control_stream_id", .type = TPI_CONF_U32, AT(tp_driver_config_t, control_stream_id), .default_text = "1000", .min = 1,
        .max = ID_MAX, .alias = "TP_CONTROL_STREAM_ID", .doc = "control stream id" },
    TEXT("driver.announce_channel", announce_channel, "value of driver.control_channel", 1, TPI_CONF_DERIVED, "announce channel"),
    U32("driver.announce_stream_id", announce_stream_id, "value of driver.control_stream_id", 1, ID_MAX, TPI_CONF_DERIVED,
        "announce stream id (1001 is customary)"),
    TEXT("driver.descriptor_channel", descriptor_channel, CHANNEL, 1, TPI_CONF_LOCAL,
        "shared descriptor channel, told to clients by the endpoint file"),
    U32("driver.descriptor_stream_id", descriptor_stream_id, "1100", 1, ID_MAX, TPI_CONF_LOCAL, "shared descriptor stream id"),
    TEXT("driver.qos_channel", qos_channel, CHANNEL, 1, 0, "QoS channel"),
    U32("driver.qos_stream_id", qos_stream_id, "1200", 1, ID_MAX, 0, "QoS stream id"),
    TEXT("driver.metadata_channel", metadata_channel, CHANNEL, 1, TPI_CONF_LOCAL, "metadata channel, told to clients by the endpoint file"),
    U32("driver.metadata_stream_id", metadata_stream_id, "1300", 1, ID_MAX, TPI_CONF_LOCAL, "metadata stream id"),
    RANGE("driver.stream_id_range", stream_id_range, "ids for dynamic streams, inclusive, such as \"20000-29999\"; empty = off"),
    RANGE("driver.descriptor_stream_id_range", descriptor_stream_id_range,
        "ids for per-consumer descriptor streams, such as \"31000-31999\"; empty = off"),
    RANGE("driver.control_stream_id_range", control_stream_id_range, "ids for per-consumer control streams, such as \"32000-32999\"; empty = off"),
    TEXT("shm.base_dir", base_dir, "\"/dev/shm/tensorpool\"", 1, 0, "root of all region files; absolute"),                        /* W-219 */
    TEXT("shm.namespace", shm_namespace, "\"default\"", 1, 0, "directory level below the user directory: a name for this application"),   /* W-224 */
    BOOL("shm.require_hugepages", require_hugepages, "false", "page policy when a request names none: true = huge pages or refuse"),
    U32("shm.page_size_bytes", page_size_bytes, "4096", 1, UINT32_MAX, TPI_CONF_POWER_OF_2, "page size used for validation"),
    { .key = "shm.permissions_mode", .type = TPI_CONF_MODE, AT(tp_driver_config_t, permissions_mode), .default_text = "\"660\"", .max = 0777,
        .doc = "mode of created files, octal; directories get the matching search bits" },
    { .key = "shm.allowed_base_dirs", .type = TPI_CONF_TEXTS, .offset = offsetof(tp_driver_config_t, allowed_base_dirs), .size = TP_CONFIG_PATH_MAX,
        .count_offset = offsetof(tp_driver_config_t, allowed_base_dir_count), .default_text = "[shm.base_dir]", .min = 1,
        .max = TP_CONFIG_BASE_DIRS_MAX,
        .flags = TPI_CONF_DERIVED, .doc = "directories that region URIs may point into; one of them holds shm.base_dir" },            /* W-220 */
    BOOL("policies.allow_dynamic_streams", allow_dynamic_streams, "false", "streams may be created on demand; needs driver.stream_id_range"),
    TEXT("policies.default_profile", default_profile, "first profile of the file", 1, TPI_CONF_DERIVED, "profile of dynamic streams"),
    U32("policies.announce_period_ms", announce_period_ms, "1000", 1, HOUR_MS, 0, "announce cadence"),
    U32("policies.lease_keepalive_interval_ms", lease_keepalive_interval_ms, "1000", 1, HOUR_MS, 0,
        "keepalive interval expected from clients; a lease lives this x lease_expiry_grace_intervals"),                              /* D-105 D-107 */
    U32("policies.lease_expiry_grace_intervals", lease_expiry_grace_intervals, "3", 1, 1000, 0, "missed keepalives before a lease expires"),
    U32("policies.node_id_reuse_cooldown_ms", node_id_reuse_cooldown_ms, "1000", 0, 24 * HOUR_MS, 0,
        "pause before a released node id is used again; 0 = none"),
    BOOL("policies.prefault_shm", prefault_shm, "true", "touch and zero regions on creation"),
    BOOL("policies.reuse_existing_shm", reuse_existing_shm, "false", "open existing region files without truncating"),
    BOOL("policies.mlock_shm", mlock_shm, "false", "lock regions in memory on creation; failing to is fatal"),
    BOOL("policies.cleanup_shm_on_exit", cleanup_shm_on_exit, "false", "remove the region files of the current epochs on exit"),
    BOOL("policies.epoch_gc_enabled", epoch_gc_enabled, "true", "remove old epochs"),
    U32("policies.epoch_gc_keep", epoch_gc_keep, "2", 0, 1000, 0, "epochs kept, current included"),
    { .key = "policies.epoch_gc_min_age_ns", .type = TPI_CONF_U64, AT(tp_driver_config_t, epoch_gc_min_age_ns), .default_text = "3 x announce period",
        .max = INT64_MAX, .flags = TPI_CONF_DERIVED, .doc = "minimum age of an epoch that is removed; 0 = 3 x policies.announce_period_ms" },
    BOOL("policies.epoch_gc_on_startup", epoch_gc_on_startup, "false", "remove old epochs at start"),
    U32("policies.shutdown_timeout_ms", shutdown_timeout_ms, "2000", 0, HOUR_MS, 0, "drain time: from a shutdown request to the notice"),
    TEXT("policies.shutdown_token", shutdown_token, "\"\"", 0, TPI_CONF_SECRET,
        "token that shutdown requests must carry; empty = no shutdown by request. Rather set by its variable than in a file others can read"),
};
const size_t tpi_driver_row_count = sizeof(tpi_driver_rows) / sizeof(tpi_driver_rows[0]);

#define SUB(object_, key_, type_, field_, default_, min_, max_, flags_, doc_) \
    { .key = (key_), .type = (type_), AT(object_, field_), .default_text = (default_), .min = (min_), .max = (max_), .flags = (flags_), \
        .doc = (doc_) }

const tpi_conf_row_t tpi_profile_rows[] = {
    SUB(tp_profile_config_t, "header_nslots", TPI_CONF_U32, header_nslots, "1024", 1, 1u << 24, TPI_CONF_POWER_OF_2,
        "slots of the header ring and of every pool: how many frames back a consumer may be"),
    SUB(tp_profile_config_t, "header_slot_bytes", TPI_CONF_U32, header_slot_bytes, "256", 256, 256, 0, "fixed by the protocol"),
};
const size_t tpi_profile_row_count = sizeof(tpi_profile_rows) / sizeof(tpi_profile_rows[0]);

const tpi_conf_row_t tpi_pool_rows[] = {
    SUB(tp_pool_config_t, "pool_id", TPI_CONF_U16, pool_id, NULL, 1, UINT16_MAX, TPI_CONF_REQUIRED, "unique in the profile"),
    SUB(tp_pool_config_t, "stride_bytes", TPI_CONF_U32, stride_bytes, NULL, 64, UINT32_MAX - 63, TPI_CONF_REQUIRED | TPI_CONF_MULTIPLE_OF_64,
        "bytes of a slot: the largest payload of this pool; a frame takes the smallest slot it fits"),
};
const size_t tpi_pool_row_count = sizeof(tpi_pool_rows) / sizeof(tpi_pool_rows[0]);

const tpi_conf_row_t tpi_stream_rows[] = {
    SUB(tp_stream_config_t, "stream_id", TPI_CONF_U32, stream_id, NULL, 1, UINT32_MAX - 1, TPI_CONF_REQUIRED, "unique; 10000 to 10999 are customary"),
    SUB(tp_stream_config_t, "profile", TPI_CONF_TEXT, profile, NULL, 1, TP_CONFIG_NAME_MAX - 1, TPI_CONF_REQUIRED, "name of a profile"),
};
const size_t tpi_stream_row_count = sizeof(tpi_stream_rows) / sizeof(tpi_stream_rows[0]);

static bool is_among(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
    {
        if (0 == strcmp(names[i], name)) { return true; }
    }
    return false;
}

bool tpi_driver_row_needs_restart(const tpi_conf_row_t *row)
{
    static const char *const told_to_clients[] = { "policies.announce_period_ms", "policies.lease_keepalive_interval_ms" };
    static const char *const taken_over[] = { "driver.answer_hello", "driver.stream_id_range", "driver.descriptor_stream_id_range",
        "driver.control_stream_id_range", "shm.require_hugepages" };
    if (0 == strncmp(row->key, "policies.", 9)) { return is_among(told_to_clients, sizeof(told_to_clients) / sizeof(*told_to_clients), row->key); }
    return !is_among(taken_over, sizeof(taken_over) / sizeof(*taken_over), row->key);
}

const tpi_conf_row_t *tpi_driver_row(const char *key)
{
    for (size_t i = 0; i < tpi_driver_row_count; i++)
    {
        if (0 == strcmp(tpi_driver_rows[i].key, key)) { return &tpi_driver_rows[i]; }
    }
    return NULL;
}
