/*
 * The configuration of a driver: defaults of 20-driver.md 11.1, growth of its two tables, and the start-up checks of 11.3 that need no file system.
 * Owns nothing but what the config owns. Any thread.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <tensor_pool/driver/tp_driver_config.h>

#include "common/alloc.h"
#include "common/err.h"
#include "driver/driver_internal.h"

#define DEFAULT_CHANNEL "aeron:ipc?term-length=4m"
#define MIB (1024u * 1024u)
#define AERON_STREAM_ID_MAX INT32_MAX
#define NSLOTS_MAX (1u << 24)

/* Both fit: every caller passes a literal or a checked name. */
static void put(char *target, size_t size, const char *text) { (void)snprintf(target, size, "%s", text); }

void tp_driver_config_init(tp_driver_config_t *config)
{
    memset(config, 0, sizeof(*config));
    config->size = (uint32_t)sizeof(*config);
    put(config->instance_id, sizeof(config->instance_id), "driver-01");
    put(config->media_driver, sizeof(config->media_driver), "external");
    put(config->answer_hello, sizeof(config->answer_hello), "auto");
    put(config->control_channel, sizeof(config->control_channel), DEFAULT_CHANNEL);
    put(config->idle, sizeof(config->idle), "sleep");
    config->control_stream_id = 1000;              /* D-185: the defaults of 11.1 */
    put(config->descriptor_channel, sizeof(config->descriptor_channel), DEFAULT_CHANNEL);
    config->descriptor_stream_id = 1100;
    put(config->qos_channel, sizeof(config->qos_channel), DEFAULT_CHANNEL);
    config->qos_stream_id = 1200;
    put(config->metadata_channel, sizeof(config->metadata_channel), DEFAULT_CHANNEL);
    config->metadata_stream_id = 1300;
    put(config->base_dir, sizeof(config->base_dir), "/dev/shm/tensorpool");
    put(config->shm_namespace, sizeof(config->shm_namespace), "default");
    config->page_size_bytes = 4096;
    config->permissions_mode = 0660;
    config->announce_period_ms = 1000;
    config->lease_keepalive_interval_ms = 1000;
    config->lease_expiry_grace_intervals = 3;      /* D-105 */
    config->node_id_reuse_cooldown_ms = 1000;
    config->prefault_shm = true;
    config->epoch_gc_enabled = true;
    config->epoch_gc_keep = 2;
    config->shutdown_timeout_ms = 2000;
}

void tp_driver_config_fini(tp_driver_config_t *config)
{
    if (NULL == config) { return; }
    tpi_free(config->profiles);
    tpi_free(config->streams);
    config->profiles = NULL;
    config->streams = NULL;
    config->profile_count = 0;
    config->stream_count = 0;
}

static int check_new_name(const char *what, const char *name)
{
    if (NULL == name || '\0' == name[0])
    {
        TPI_SET_ERR(TP_EINVAL, "%s without a name", what);
        return -1;
    }
    if (strlen(name) >= TP_CONFIG_NAME_MAX)
    {
        TPI_SET_ERR(TP_EINVAL, "%s '%.40s...': name of %zu bytes, at most %d are allowed", what, name, strlen(name), TP_CONFIG_NAME_MAX - 1);
        return -1;
    }
    return 0;
}

/* A table with room for one more; the old one is freed. Growth by one: these tables are built once, at start. */
static void *grown(void *table, uint32_t count, uint32_t max, size_t entry, const char *what)
{
    if (count >= max)
    {
        TPI_SET_ERR(TP_EFULL, "%s = %" PRIu32 ", at most %" PRIu32 " are allowed", what, count + 1, max);
        return NULL;
    }
    void *const bigger = tpi_alloc_array(count + 1u, entry);
    if (NULL == bigger) { return NULL; }
    if (count > 0) { memcpy(bigger, table, count * entry); }
    tpi_free(table);
    return bigger;
}

tp_profile_config_t *tp_driver_config_add_profile(tp_driver_config_t *config, const char *name)
{
    if (check_new_name("profile", name) < 0) { return NULL; }
    for (uint32_t i = 0; i < config->profile_count; i++)
    {
        if (0 == strcmp(config->profiles[i].name, name))
        {
            TPI_SET_ERR(TP_EINVAL, "profile '%s' exists already", name);
            return NULL;
        }
    }
    tp_profile_config_t *const profiles =
        grown(config->profiles, config->profile_count, TP_CONFIG_PROFILES_MAX, sizeof(*profiles), "number of profiles");
    if (NULL == profiles) { return NULL; }
    config->profiles = profiles;
    tp_profile_config_t *const profile = &profiles[config->profile_count++];
    put(profile->name, sizeof(profile->name), name);
    profile->header_nslots = 1024;
    profile->header_slot_bytes = 256;
    return profile;
}

tp_stream_config_t *tp_driver_config_add_stream(tp_driver_config_t *config, const char *name, uint32_t stream_id, const char *profile)
{
    if (check_new_name("stream", name) < 0 || check_new_name("profile of a stream", profile) < 0) { return NULL; }
    for (uint32_t i = 0; i < config->stream_count; i++)
    {
        if (0 == strcmp(config->streams[i].name, name))
        {
            TPI_SET_ERR(TP_EINVAL, "stream '%s' exists already", name);
            return NULL;
        }
    }
    tp_stream_config_t *const streams =
        grown(config->streams, config->stream_count, TP_CONFIG_STREAMS_MAX, sizeof(*streams), "number of streams");
    if (NULL == streams) { return NULL; }
    config->streams = streams;
    tp_stream_config_t *const stream = &streams[config->stream_count++];
    put(stream->name, sizeof(stream->name), name);
    put(stream->profile, sizeof(stream->profile), profile);
    stream->stream_id = stream_id;
    return stream;
}

int tp_driver_config_set_builtin(tp_driver_config_t *config)
{
    static const tp_pool_config_t pools[] = { { 1, 4096 }, { 2, MIB / 4 }, { 3, 2 * MIB } };
    tp_profile_config_t *const profile = tp_driver_config_add_profile(config, "default");
    if (NULL == profile) { return -1; }
    profile->header_nslots = 32;
    profile->pool_count = (uint32_t)(sizeof(pools) / sizeof(pools[0]));
    memcpy(profile->pools, pools, sizeof(pools));
    for (uint32_t id = 10000; id < 10016; id++)
    {
        char name[32];
        (void)snprintf(name, sizeof(name), "stream-%" PRIu32, id);
        if (NULL == tp_driver_config_add_stream(config, name, id, "default")) { return -1; }
    }
    config->allow_dynamic_streams = true;
    put(config->default_profile, sizeof(config->default_profile), "default");
    config->stream_id_range = (tp_id_range_t){ 20000, 29999 };
    config->descriptor_stream_id_range = (tp_id_range_t){ 31000, 31999 };
    config->control_stream_id_range = (tp_id_range_t){ 32000, 32999 };
    return 0;
}

/* ---- checks ---------------------------------------------------------------------------------------------------------------- */

static int check_number(const char *key, uint64_t value, uint64_t minimum, uint64_t maximum)
{
    if (value >= minimum && value <= maximum) { return 0; }
    TPI_SET_ERR(TP_ECONF_RANGE, "%s = %" PRIu64 " is not within %" PRIu64 "..%" PRIu64, key, value, minimum, maximum);
    return -1;
}

static int check_channel(const char *key, const char *channel)
{
    if (0 == strncmp(channel, "aeron:", 6)) { return 0; }
    TPI_SET_ERR(TP_ECONF_RULE, "%s = '%s' is not an Aeron channel", key, channel);
    TPI_ERR_FIX("use for example %s = \"" DEFAULT_CHANNEL "\"", key);
    return -1;
}

static int check_streams_of_aeron(const tp_driver_config_t *config)
{
    if (check_channel("driver.control_channel", config->control_channel) < 0 ||
        ('\0' != config->announce_channel[0] && check_channel("driver.announce_channel", config->announce_channel) < 0) ||
        check_channel("driver.descriptor_channel", config->descriptor_channel) < 0 ||
        check_channel("driver.qos_channel", config->qos_channel) < 0 ||
        check_channel("driver.metadata_channel", config->metadata_channel) < 0)
    {
        return -1;
    }
    if (check_number("driver.control_stream_id", config->control_stream_id, 1, AERON_STREAM_ID_MAX) < 0 ||
        check_number("driver.announce_stream_id", config->announce_stream_id, 0, AERON_STREAM_ID_MAX) < 0 ||
        check_number("driver.descriptor_stream_id", config->descriptor_stream_id, 1, AERON_STREAM_ID_MAX) < 0 ||
        check_number("driver.qos_stream_id", config->qos_stream_id, 1, AERON_STREAM_ID_MAX) < 0 ||
        check_number("driver.metadata_stream_id", config->metadata_stream_id, 1, AERON_STREAM_ID_MAX) < 0)
    {
        return -1;
    }
    return 0;
}

static int check_words(const tp_driver_config_t *config)
{
    if ('\0' == config->instance_id[0])
    {
        TPI_SET_ERR(TP_ECONF_RULE, "driver.instance_id is empty");
        return -1;
    }
    if (0 != strcmp(config->media_driver, "external") && 0 != strcmp(config->media_driver, "embedded"))
    {
        TPI_SET_ERR(TP_ECONF_RULE, "driver.media_driver = '%s' is neither 'external' nor 'embedded'", config->media_driver);
        return -1;
    }
    if (0 != strcmp(config->idle, "sleep") && 0 != strcmp(config->idle, "backoff") && 0 != strcmp(config->idle, "spin"))       /* L-304 */
    {
        TPI_SET_ERR(TP_ECONF_RULE, "driver.idle = '%s' is none of 'sleep', 'backoff' and 'spin'", config->idle);
        return -1;
    }
    if (0 != strcmp(config->answer_hello, "auto") && 0 != strcmp(config->answer_hello, "never"))
    {
        TPI_SET_ERR(TP_ECONF_RULE, "driver.answer_hello = '%s' is neither 'auto' nor 'never'", config->answer_hello);
        return -1;
    }
    return 0;
}

/* O-51: what the URI grammar cannot carry is refused here. */
static int check_path(const char *key, const char *path)
{
    if ('/' != path[0])
    {
        TPI_SET_ERR(TP_ECONF_RULE, "%s = '%s' is not an absolute path", key, path);
        return -1;
    }
    for (const char *c = path; '\0' != *c; c++)
    {
        if (*c < 0x21 || *c > 0x7e || '?' == *c || '|' == *c)
        {
            TPI_SET_ERR(TP_ECONF_RULE, "%s = '%s': character 0x%02x cannot stand in a region URI", key, path, (unsigned)(unsigned char)*c);
            TPI_ERR_FIX("use visible ASCII without space, '?' and '|'");
            return -1;
        }
    }
    return 0;
}

static bool is_inside(const char *path, const char *base)
{
    size_t length = strlen(base);
    while (length > 1 && '/' == base[length - 1]) { length--; }
    return 0 == strncmp(path, base, length) && (1 == length || '\0' == path[length] || '/' == path[length]);
}

static int check_shm(const tp_driver_config_t *config)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    if (check_path("shm.base_dir", config->base_dir) < 0) { return -1; }
    if (check_number("number of shm.allowed_base_dirs", config->allowed_base_dir_count, 0, TP_CONFIG_BASE_DIRS_MAX) < 0) { return -1; }
    bool inside = 0 == config->allowed_base_dir_count;
    for (uint32_t i = 0; i < config->allowed_base_dir_count; i++)
    {
        if (check_path("shm.allowed_base_dirs", config->allowed_base_dirs[i]) < 0) { return -1; }
        inside = inside || is_inside(config->base_dir, config->allowed_base_dirs[i]);
    }
    if (!inside)
    {
        TPI_SET_ERR(TP_ECONF_RULE, "shm.base_dir = '%s' is not inside any of shm.allowed_base_dirs ('%s'%s)", config->base_dir,
            config->allowed_base_dirs[0], config->allowed_base_dir_count > 1 ? ", ..." : "");
        TPI_ERR_FIX("add it to shm.allowed_base_dirs, or leave that key out");
        return -1;
    }
    const size_t length = strspn(config->shm_namespace, letters);
    if (0 == length || '\0' != config->shm_namespace[length])
    {
        TPI_SET_ERR(TP_ECONF_RULE, "shm.namespace = '%s' may hold letters, digits, '-' and '_' only, and not be empty", config->shm_namespace);
        return -1;
    }
    if (config->permissions_mode > 0777)
    {
        TPI_SET_ERR(TP_ECONF_RANGE, "shm.permissions_mode = %" PRIo32 " is above 777 (octal)", config->permissions_mode);
        return -1;
    }
    if (0 == config->page_size_bytes || 0 != (config->page_size_bytes & (config->page_size_bytes - 1)))
    {
        TPI_SET_ERR(TP_ECONF_RULE, "shm.page_size_bytes = %" PRIu32 " is not a power of two", config->page_size_bytes);
        return -1;
    }
    return 0;
}

static int check_policies(const tp_driver_config_t *config)
{
    const uint64_t hour_ms = 3600000;
    if (check_number("policies.announce_period_ms", config->announce_period_ms, 1, hour_ms) < 0 ||
        check_number("policies.lease_keepalive_interval_ms", config->lease_keepalive_interval_ms, 1, hour_ms) < 0 ||
        check_number("policies.lease_expiry_grace_intervals", config->lease_expiry_grace_intervals, 1, 1000) < 0 ||
        check_number("policies.node_id_reuse_cooldown_ms", config->node_id_reuse_cooldown_ms, 0, 24 * hour_ms) < 0 ||
        check_number("policies.epoch_gc_keep", config->epoch_gc_keep, 0, 1000) < 0 ||
        check_number("policies.epoch_gc_min_age_ns", config->epoch_gc_min_age_ns, 0, INT64_MAX) < 0 ||
        check_number("policies.shutdown_timeout_ms", config->shutdown_timeout_ms, 0, hour_ms) < 0)
    {
        return -1;
    }
    return 0;
}

static int check_pools(const tp_profile_config_t *profile)
{
    for (uint32_t i = 0; i < profile->pool_count; i++)
    {
        const tp_pool_config_t *const pool = &profile->pools[i];
        if (0 == pool->pool_id)
        {
            TPI_SET_ERR(TP_ECONF_RANGE, "profiles.%s: pool_id = 0 is not within 1..65535", profile->name);
            return -1;
        }
        if (0 == pool->stride_bytes || 0 != pool->stride_bytes % 64)                                         /* D-191 */
        {
            const uint64_t next = ((uint64_t)pool->stride_bytes / 64 + 1) * 64;
            TPI_SET_ERR(TP_ECONF_RULE, "profiles.%s: pool %u: stride_bytes = %" PRIu32 " is not a non-zero multiple of 64", profile->name,
                (unsigned)pool->pool_id, pool->stride_bytes);
            TPI_ERR_FIX("use %" PRIu64, next <= UINT32_MAX ? next : next - 64);
            return -1;
        }
        for (uint32_t k = 0; k < i; k++)
        {
            if (profile->pools[k].pool_id == pool->pool_id)
            {
                TPI_SET_ERR(TP_ECONF_RULE, "profiles.%s: pool_id = %u is used twice", profile->name, (unsigned)pool->pool_id);
                return -1;
            }
        }
    }
    return 0;
}

static int check_profiles(const tp_driver_config_t *config)
{
    if (0 == config->profile_count)                                                                          /* D-189 */
    {
        TPI_SET_ERR(TP_ECONF_RULE, "profiles: none is defined, at least 1 is needed");
        TPI_ERR_FIX("add a table [profiles.NAME] with payload_pools");
        return -1;
    }
    for (uint32_t i = 0; i < config->profile_count; i++)
    {
        const tp_profile_config_t *const profile = &config->profiles[i];
        const uint32_t nslots = profile->header_nslots;
        if (0 == nslots || 0 != (nslots & (nslots - 1)) || nslots > NSLOTS_MAX)
        {
            TPI_SET_ERR(TP_ECONF_RULE, "profiles.%s.header_nslots = %" PRIu32 " is not a power of two within 1..%u", profile->name, nslots,
                NSLOTS_MAX);
            return -1;
        }
        if (256 != profile->header_slot_bytes)
        {
            TPI_SET_ERR(TP_ECONF_RULE, "profiles.%s.header_slot_bytes = %" PRIu32 ", it can only be 256", profile->name, profile->header_slot_bytes);
            return -1;
        }
        if (0 == profile->pool_count || profile->pool_count > TP_CONFIG_POOLS_MAX)                           /* D-190 */
        {
            TPI_SET_ERR(TP_ECONF_RULE, "profiles.%s.payload_pools: %" PRIu32 " pools, 1..%d are needed", profile->name, profile->pool_count,
                TP_CONFIG_POOLS_MAX);
            return -1;
        }
        if (check_pools(profile) < 0) { return -1; }
    }
    return 0;
}

static bool has_profile(const tp_driver_config_t *config, const char *name) { return NULL != tpi_driver_config_profile(config, name); }

static int check_streams(const tp_driver_config_t *config)
{
    if (0 == config->stream_count && !config->allow_dynamic_streams)                                         /* D-188 */
    {
        TPI_SET_ERR(TP_ECONF_RULE, "streams: none is defined and policies.allow_dynamic_streams = false: nothing could be served");
        TPI_ERR_FIX("add a table [streams.NAME], or set policies.allow_dynamic_streams = true and driver.stream_id_range");
        return -1;
    }
    for (uint32_t i = 0; i < config->stream_count; i++)
    {
        const tp_stream_config_t *const stream = &config->streams[i];
        if (0 == stream->stream_id || UINT32_MAX == stream->stream_id)
        {
            TPI_SET_ERR(TP_ECONF_RANGE, "streams.%s.stream_id = %" PRIu32 " is not within 1..4294967294", stream->name, stream->stream_id);
            return -1;
        }
        if (!has_profile(config, stream->profile))
        {
            TPI_SET_ERR(TP_ECONF_RULE, "streams.%s.profile = '%s' is not defined", stream->name, stream->profile);
            return -1;
        }
        for (uint32_t k = 0; k < i; k++)
        {
            if (config->streams[k].stream_id == stream->stream_id)
            {
                TPI_SET_ERR(TP_ECONF_RULE, "streams.%s.stream_id = %" PRIu32 " is also that of streams.%s", stream->name, stream->stream_id,
                    config->streams[k].name);
                return -1;
            }
        }
    }
    if (config->allow_dynamic_streams && '\0' != config->default_profile[0] && !has_profile(config, config->default_profile))
    {
        TPI_SET_ERR(TP_ECONF_RULE, "policies.default_profile = '%s' is not defined", config->default_profile);
        return -1;
    }
    return 0;
}

typedef struct named_range { const char *key; tp_id_range_t range; } named_range_t;
typedef struct named_id { const char *key; uint32_t id; } named_id_t;

static bool is_set(const tp_id_range_t *range) { return 0 != range->first || 0 != range->last; }
static bool holds(const tp_id_range_t *range, uint32_t id) { return id >= range->first && id <= range->last; }

static int check_range_bounds(const named_range_t *range)
{
    if (0 == range->range.first || range->range.first > range->range.last || range->range.last > AERON_STREAM_ID_MAX)     /* D-170 */
    {
        TPI_SET_ERR(TP_ECONF_RANGE, "%s = %" PRIu32 "-%" PRIu32 ": it needs 1 <= start <= end <= %d", range->key, range->range.first,
            range->range.last, AERON_STREAM_ID_MAX);
        return -1;
    }
    return 0;
}

static int check_range_against_ids(const tp_driver_config_t *config, const named_range_t *range)
{
    const named_id_t ids[] = { { "driver.control_stream_id", config->control_stream_id }, { "driver.announce_stream_id", config->announce_stream_id },
        { "driver.qos_stream_id", config->qos_stream_id }, { "driver.descriptor_stream_id", config->descriptor_stream_id },
        { "driver.metadata_stream_id", config->metadata_stream_id } };
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
    {
        if (holds(&range->range, ids[i].id))                                   /* D-169 */
        {
            TPI_SET_ERR(TP_ECONF_RANGE, "%s = %" PRIu32 "-%" PRIu32 " holds %s = %" PRIu32, range->key, range->range.first, range->range.last,
                ids[i].key, ids[i].id);
            return -1;
        }
    }
    for (uint32_t i = 0; i < config->stream_count; i++)
    {
        if (holds(&range->range, config->streams[i].stream_id))                /* I-001 */
        {
            TPI_SET_ERR(TP_ECONF_RANGE, "%s = %" PRIu32 "-%" PRIu32 " holds streams.%s.stream_id = %" PRIu32, range->key, range->range.first,
                range->range.last, config->streams[i].name, config->streams[i].stream_id);
            return -1;
        }
    }
    return 0;
}

static int check_ranges(const tp_driver_config_t *config)
{
    const named_range_t ranges[] = { { "driver.stream_id_range", config->stream_id_range },
        { "driver.descriptor_stream_id_range", config->descriptor_stream_id_range },
        { "driver.control_stream_id_range", config->control_stream_id_range } };
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
    {
        if (!is_set(&ranges[i].range)) { continue; }
        if (check_range_bounds(&ranges[i]) < 0 || check_range_against_ids(config, &ranges[i]) < 0) { return -1; }     /* D-171 */
        for (size_t k = 0; k < i; k++)
        {
            if (is_set(&ranges[k].range) && ranges[i].range.first <= ranges[k].range.last && ranges[k].range.first <= ranges[i].range.last)
            {
                TPI_SET_ERR(TP_ECONF_RANGE, "%s = %" PRIu32 "-%" PRIu32 " overlaps %s = %" PRIu32 "-%" PRIu32, ranges[i].key, ranges[i].range.first,
                    ranges[i].range.last, ranges[k].key, ranges[k].range.first, ranges[k].range.last);
                return -1;
            }
        }
    }
    return 0;
}

int tp_driver_config_check(const tp_driver_config_t *config)
{
    if (NULL == config || sizeof(*config) != config->size)
    {
        TPI_SET_ERR(TP_EINVAL, "driver configuration is missing or was not made by tp_driver_config_init of this library");
        return -1;
    }
    if (check_words(config) < 0 || check_streams_of_aeron(config) < 0 || check_shm(config) < 0 || check_policies(config) < 0 ||
        check_profiles(config) < 0 || check_streams(config) < 0 || check_ranges(config) < 0)
    {
        return -1;
    }
    return 0;
}

/* ---- for the driver -------------------------------------------------------------------------------------------------------- */

const char *tpi_driver_config_announce_channel(const tp_driver_config_t *config)
{
    return '\0' != config->announce_channel[0] ? config->announce_channel : config->control_channel;
}

uint32_t tpi_driver_config_announce_stream_id(const tp_driver_config_t *config)
{
    return 0 != config->announce_stream_id ? config->announce_stream_id : config->control_stream_id;
}

const tp_profile_config_t *tpi_driver_config_profile(const tp_driver_config_t *config, const char *name)
{
    for (uint32_t i = 0; i < config->profile_count; i++)
    {
        if (0 == strcmp(config->profiles[i].name, name)) { return &config->profiles[i]; }
    }
    return NULL;
}

const tp_profile_config_t *tpi_driver_config_default_profile(const tp_driver_config_t *config)
{
    if ('\0' != config->default_profile[0]) { return tpi_driver_config_profile(config, config->default_profile); }
    return config->profile_count > 0 ? &config->profiles[0] : NULL;
}

int tpi_driver_config_copy(tp_driver_config_t *copy, const tp_driver_config_t *config)
{
    tp_driver_config_t made = *config;
    made.profiles = tpi_alloc_array(config->profile_count + 1u, sizeof(*made.profiles));
    made.streams = tpi_alloc_array(config->stream_count + 1u, sizeof(*made.streams));
    if (NULL == made.profiles || NULL == made.streams)
    {
        tp_driver_config_fini(&made);
        return -1;
    }
    if (config->profile_count > 0) { memcpy(made.profiles, config->profiles, config->profile_count * sizeof(*made.profiles)); }
    if (config->stream_count > 0) { memcpy(made.streams, config->streams, config->stream_count * sizeof(*made.streams)); }
    *copy = made;
    return 0;
}
