/*
 * Reload (docs/spec/95-local-extensions.md section 5). Two steps on the driver's thread: plan, which may fail and leaves the driver as it was, and
 * commit, which cannot fail. Epochs rise through the ways of driver_streams.c, so regions are made beside the duty cycle.
 */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "driver/driver_state.h"

typedef enum kind { KIND_PLAIN, KIND_TEXT, KIND_DIRS } kind_t;

typedef struct key
{
    const char *name;
    kind_t kind;
    bool needs_restart;
    size_t offset;
    size_t size;
}
config_key_t;

#define KEY(kind_, restart_, name_, field_) \
    { name_, kind_, restart_, offsetof(tp_driver_config_t, field_), sizeof(((tp_driver_config_t *)0)->field_) }

static const config_key_t keys[] = {
    KEY(KIND_TEXT, true, "driver.instance_id", instance_id),
    KEY(KIND_TEXT, true, "driver.aeron_dir", aeron_dir),
    KEY(KIND_TEXT, true, "driver.media_driver", media_driver),
    KEY(KIND_TEXT, true, "driver.idle", idle),
    KEY(KIND_TEXT, false, "driver.answer_hello", answer_hello),
    KEY(KIND_TEXT, true, "driver.runtime_dir", runtime_dir),
    KEY(KIND_TEXT, true, "driver.control_channel", control_channel),
    KEY(KIND_PLAIN, true, "driver.control_stream_id", control_stream_id),
    KEY(KIND_TEXT, true, "driver.announce_channel", announce_channel),
    KEY(KIND_PLAIN, true, "driver.announce_stream_id", announce_stream_id),
    KEY(KIND_TEXT, true, "driver.descriptor_channel", descriptor_channel),
    KEY(KIND_PLAIN, true, "driver.descriptor_stream_id", descriptor_stream_id),
    KEY(KIND_TEXT, true, "driver.qos_channel", qos_channel),
    KEY(KIND_PLAIN, true, "driver.qos_stream_id", qos_stream_id),
    KEY(KIND_TEXT, true, "driver.metadata_channel", metadata_channel),
    KEY(KIND_PLAIN, true, "driver.metadata_stream_id", metadata_stream_id),
    KEY(KIND_PLAIN, false, "driver.stream_id_range", stream_id_range),
    KEY(KIND_PLAIN, false, "driver.descriptor_stream_id_range", descriptor_stream_id_range),
    KEY(KIND_PLAIN, false, "driver.control_stream_id_range", control_stream_id_range),
    KEY(KIND_TEXT, true, "shm.base_dir", base_dir),
    KEY(KIND_TEXT, true, "shm.namespace", shm_namespace),
    KEY(KIND_PLAIN, false, "shm.require_hugepages", require_hugepages),
    KEY(KIND_PLAIN, true, "shm.page_size_bytes", page_size_bytes),
    KEY(KIND_PLAIN, true, "shm.permissions_mode", permissions_mode),
    KEY(KIND_DIRS, true, "shm.allowed_base_dirs", allowed_base_dirs),
    KEY(KIND_PLAIN, false, "policies.allow_dynamic_streams", allow_dynamic_streams),
    KEY(KIND_TEXT, false, "policies.default_profile", default_profile),
    KEY(KIND_PLAIN, true, "policies.announce_period_ms", announce_period_ms),
    KEY(KIND_PLAIN, true, "policies.lease_keepalive_interval_ms", lease_keepalive_interval_ms),
    KEY(KIND_PLAIN, false, "policies.lease_expiry_grace_intervals", lease_expiry_grace_intervals),
    KEY(KIND_PLAIN, false, "policies.node_id_reuse_cooldown_ms", node_id_reuse_cooldown_ms),
    KEY(KIND_PLAIN, false, "policies.prefault_shm", prefault_shm),
    KEY(KIND_PLAIN, false, "policies.reuse_existing_shm", reuse_existing_shm),
    KEY(KIND_PLAIN, false, "policies.mlock_shm", mlock_shm),
    KEY(KIND_PLAIN, false, "policies.cleanup_shm_on_exit", cleanup_shm_on_exit),
    KEY(KIND_PLAIN, false, "policies.epoch_gc_enabled", epoch_gc_enabled),
    KEY(KIND_PLAIN, false, "policies.epoch_gc_keep", epoch_gc_keep),
    KEY(KIND_PLAIN, false, "policies.epoch_gc_min_age_ns", epoch_gc_min_age_ns),
    KEY(KIND_PLAIN, false, "policies.epoch_gc_on_startup", epoch_gc_on_startup),
    KEY(KIND_PLAIN, false, "policies.shutdown_timeout_ms", shutdown_timeout_ms),
    KEY(KIND_TEXT, false, "policies.shutdown_token", shutdown_token),
};
#define KEY_COUNT (sizeof(keys) / sizeof(keys[0]))
_Static_assert(KEY_COUNT <= TPI_RELOAD_KEYS_MAX, "a report holds every key");

const char *tpi_reload_key(size_t index, bool *needs_restart)
{
    if (index >= KEY_COUNT) { return NULL; }
    *needs_restart = keys[index].needs_restart;
    return keys[index].name;
}

static bool dirs_differ(const tp_driver_config_t *a, const tp_driver_config_t *b)
{
    if (a->allowed_base_dir_count != b->allowed_base_dir_count) { return true; }
    for (uint32_t i = 0; i < a->allowed_base_dir_count; i++)
    {
        if (0 != strcmp(a->allowed_base_dirs[i], b->allowed_base_dirs[i])) { return true; }
    }
    return false;
}

static bool differs(const config_key_t *key, const tp_driver_config_t *a, const tp_driver_config_t *b)
{
    const char *const x = (const char *)a + key->offset;
    const char *const y = (const char *)b + key->offset;
    switch (key->kind)
    {
        case KIND_TEXT: return 0 != strcmp(x, y);
        case KIND_DIRS: return dirs_differ(a, b);
        default: return 0 != memcmp(x, y, key->size);
    }
}

/* The new configuration with the old values of what needs a restart; both kinds of keys are noted. */
static void merge(tp_driver_config_t *merged, const tp_driver_config_t *old, tpi_reload_report_t *report)
{
    for (size_t i = 0; i < KEY_COUNT; i++)
    {
        const config_key_t *const key = &keys[i];
        if (!differs(key, merged, old)) { continue; }
        if (!key->needs_restart)
        {
            report->changed[report->changed_count++] = key->name;
            continue;
        }
        memcpy((char *)merged + key->offset, (const char *)old + key->offset, key->size);
        if (KIND_DIRS == key->kind) { merged->allowed_base_dir_count = old->allowed_base_dir_count; }
        report->restart[report->restart_count++] = key->name;
    }
    merged->fault_guard = old->fault_guard;
    merged->discovery_stream_id = old->discovery_stream_id;
    memcpy(merged->discovery_channel, old->discovery_channel, sizeof(merged->discovery_channel));
}

static int check(tpi_driver_t *driver, const tp_driver_config_t *merged, const tpi_reload_report_t *report)
{
    if (tp_driver_config_check(merged) < 0)
    {
        if (report->restart_count > 0) { tpi_err_prefix("not without a restart (%s differs): ", report->restart[0]); }
        return -1;
    }
    return merged->mlock_shm && !driver->config.mlock_shm ? tpi_driver_probe_mlock() : 0;
}

/* ---- streams --------------------------------------------------------------------------------------------------------------- */

static void note(tpi_id_list_t *list, uint32_t id) { list->ids[list->count++] = id; }

static int make_lists(const tpi_driver_t *driver, const tp_driver_config_t *merged, tpi_reload_report_t *report)
{
    const size_t most = HASH_COUNT(driver->streams) + merged->stream_count + 1;
    report->added.ids = tpi_alloc_array(most, sizeof(uint32_t));
    report->removed.ids = tpi_alloc_array(most, sizeof(uint32_t));
    report->raised.ids = tpi_alloc_array(most, sizeof(uint32_t));
    report->profiles = tpi_alloc_array((size_t)merged->profile_count + driver->config.profile_count + 1, sizeof(*report->profiles));
    return NULL == report->added.ids || NULL == report->removed.ids || NULL == report->raised.ids || NULL == report->profiles ? -1 : 0;
}

static void note_profile(tpi_reload_report_t *report, const char *name)
{
    (void)snprintf(report->profiles[report->profile_count++], TP_CONFIG_NAME_MAX, "%s", name);
}

static void note_profiles(const tp_driver_config_t *merged, const tp_driver_config_t *old, tpi_reload_report_t *report)
{
    for (uint32_t i = 0; i < merged->profile_count; i++)
    {
        const tp_profile_config_t *const before = tpi_driver_config_profile(old, merged->profiles[i].name);
        if (NULL == before || !tpi_profile_is_same(before, &merged->profiles[i])) { note_profile(report, merged->profiles[i].name); }
    }
    for (uint32_t i = 0; i < old->profile_count; i++)
    {
        if (NULL == tpi_driver_config_profile(merged, old->profiles[i].name)) { note_profile(report, old->profiles[i].name); }
    }
}

void tpi_reload_report_fini(tpi_reload_report_t *report)
{
    if (NULL == report) { return; }
    tpi_free(report->added.ids);
    tpi_free(report->removed.ids);
    tpi_free(report->raised.ids);
    tpi_free(report->profiles);
    memset(report, 0, sizeof(*report));
}

/* New streams with their locks, before anything else changes: nobody sees them while this runs. */
static int plan_streams(tpi_driver_t *driver, const tp_driver_config_t *merged, tpi_reload_report_t *report, int64_t now_ns)
{
    for (uint32_t i = 0; i < merged->stream_count; i++)
    {
        const tp_stream_config_t *const one = &merged->streams[i];
        if (NULL != tpi_stream_find(driver, one->stream_id)) { continue; }
        tpi_stream_t *const stream =
            tpi_stream_add(driver, one->stream_id, one->name, tpi_driver_config_profile(merged, one->profile), true);
        if (NULL == stream) { return -1; }
        note(&report->added, one->stream_id);
        if (tpi_stream_take(driver, stream, now_ns) < 0) { return -1; }
    }
    return 0;
}

static void undo_streams(tpi_driver_t *driver, const tpi_reload_report_t *report, int64_t now_ns)
{
    tpi_err_t error;
    tpi_err_save(&error);
    for (size_t i = 0; i < report->added.count; i++) { tpi_stream_undo(driver, tpi_stream_find(driver, report->added.ids[i]), now_ns); }
    tpi_err_restore(&error);
}

/* Its leases end, consumers first: they would follow the producer's last epoch otherwise. Then it is forgotten like a dynamic one. */
static void remove_stream(tpi_driver_t *driver, tpi_stream_t *stream, int64_t now_ns)
{
    const uint32_t id = stream->stream_id;
    stream->is_static = false;
    stream->is_removed = true;
    stream->is_known = false;
    for (tpi_stream_t *left = stream; NULL != left && NULL != left->leases; left = tpi_stream_find(driver, id))
    {
        const tpi_lease_record_t *const first = left->leases;
        const tpi_lease_record_t *const record = first == left->producer && NULL != first->next ? first->next : first;
        (void)tpi_driver_revoke(driver, record->lease.lease_id, "stream removed from the configuration", now_ns);
    }
    tpi_stream_t *const rest = tpi_stream_find(driver, id);
    if (NULL != rest) { tpi_stream_forget_if_unused(driver, rest, now_ns); }
}

static void commit_static(tpi_driver_t *driver, const tp_stream_config_t *one, tpi_reload_report_t *report, int64_t now_ns)
{
    tpi_stream_t *const stream = tpi_stream_find(driver, one->stream_id);
    const bool was_static = stream->is_static;
    stream->generation = driver->generation;
    stream->is_static = true;
    stream->is_known = true;
    stream->is_removed = false;
    if (!was_static || 0 != strcmp(stream->name, one->name))
    {
        (void)snprintf(stream->name, sizeof(stream->name), "%s", one->name);
        stream->profile.name[0] = '\0';                        /* its label is written anew */
    }
    if (!was_static) { note(&report->added, one->stream_id); }
    const tp_profile_config_t *const profile = tpi_driver_config_profile(&driver->config, one->profile);
    if (tpi_stream_set_profile(driver, stream, profile, now_ns)) { note(&report->raised, one->stream_id); }
}

static void commit_streams(tpi_driver_t *driver, tpi_reload_report_t *report, int64_t now_ns)
{
    const tp_driver_config_t *const config = &driver->config;
    tpi_stream_t *stream = NULL;
    tpi_stream_t *next = NULL;
    driver->generation++;
    for (uint32_t i = 0; i < config->stream_count; i++) { commit_static(driver, &config->streams[i], report, now_ns); }
    HASH_ITER(hh, driver->streams, stream, next)               /* what happens to a stream below frees no other one */
    {
        if (stream->generation == driver->generation || stream->is_removed) { continue; }
        if (stream->is_static)
        {
            note(&report->removed, stream->stream_id);
            remove_stream(driver, stream, now_ns);
            continue;
        }
        const tp_profile_config_t *const profile = tpi_driver_config_profile(config, stream->profile.name);
        const uint32_t id = stream->stream_id;
        if (NULL != profile && tpi_stream_set_profile(driver, stream, profile, now_ns)) { note(&report->raised, id); }
    }
}

/* ---- all ------------------------------------------------------------------------------------------------------------------- */

static void commit(tpi_driver_t *driver, tp_driver_config_t *merged, tpi_reload_report_t *report, int64_t now_ns)
{
    tp_driver_config_t *const config = &driver->config;
    const bool dynamic_moved = 0 != memcmp(&merged->stream_id_range, &config->stream_id_range, sizeof(merged->stream_id_range));
    tp_driver_config_fini(config);
    *config = *merged;
    if (dynamic_moved) { tpi_stream_range_init(&driver->dynamic_range, config->stream_id_range.first, config->stream_id_range.last); }
    tpi_stream_range_init(&driver->descriptor_range, config->descriptor_stream_id_range.first, config->descriptor_stream_id_range.last);
    tpi_stream_range_init(&driver->control_range, config->control_stream_id_range.first, config->control_stream_id_range.last);
    tpi_driver_set_policies(driver);
    commit_streams(driver, report, now_ns);
}

int tpi_driver_apply(tpi_driver_t *driver, const tp_driver_config_t *config, tpi_reload_report_t *report, int64_t now_ns)
{
    if (TP_DRIVER_RUNNING != driver->state)
    {
        TPI_SET_ERR(TP_ESTATE, "the driver drains and takes no configuration any more");
        return -1;
    }
    tpi_reload_report_t made;
    tp_driver_config_t merged;
    memset(&made, 0, sizeof(made));
    if (tpi_driver_config_copy(&merged, config) < 0) { return -1; }
    merge(&merged, &driver->config, &made);
    if (check(driver, &merged, &made) < 0 || make_lists(driver, &merged, &made) < 0) { goto fail; }
    if (plan_streams(driver, &merged, &made, now_ns) < 0)
    {
        undo_streams(driver, &made, now_ns);
        goto fail;
    }
    note_profiles(&merged, &driver->config, &made);
    commit(driver, &merged, &made, now_ns);
    *report = made;
    return 0;
fail:
    tp_driver_config_fini(&merged);
    tpi_reload_report_fini(&made);
    return -1;
}

static void log_report(const tpi_reload_report_t *report)
{
    for (size_t i = 0; i < report->restart_count; i++)
    {
        TPI_LOG_WARN(TP_ECONF_RULE, "reload: %s differs, which needs a restart; the old value stays in force", report->restart[i]);
    }
    for (size_t i = 0; i < report->changed_count; i++) { TPI_LOG_INFO("reload: %s changed", report->changed[i]); }
    for (size_t i = 0; i < report->profile_count; i++) { TPI_LOG_INFO("reload: profiles.%s changed", report->profiles[i]); }
    TPI_LOG_INFO("reloaded: %zu keys changed, %zu need a restart, streams: %zu added, %zu removed, %zu with another geometry",
        report->changed_count + report->profile_count, report->restart_count, report->added.count, report->removed.count, report->raised.count);
}

int tpi_driver_reload(tpi_driver_t *driver, tpi_reload_report_t *report, int64_t now_ns)
{
    tp_driver_config_t config;
    tpi_reload_report_t made;
    int rc = -1;
    if (NULL == driver->source) { TPI_SET_ERR(TP_ESTATE, "this driver has no configuration to read again"); }
    else if (0 == driver->source(driver->source_clientd, &config))
    {
        rc = tpi_driver_apply(driver, &config, &made, now_ns);
        tp_driver_config_fini(&config);
    }
    if (rc < 0)
    {
        tpi_err_prefix("not reloaded, nothing changes: ");
        tpi_log_err(TP_LOG_ERROR);
        return -1;
    }
    log_report(&made);
    if (NULL != report) { *report = made; }
    else { tpi_reload_report_fini(&made); }
    return 0;
}

void tpi_driver_set_source(tpi_driver_t *driver, tpi_config_source_t source, void *clientd)
{
    driver->source = source;
    driver->source_clientd = clientd;
}

void tpi_driver_ask_reload(tpi_driver_t *driver) { atomic_store(&driver->ask_reload, true); }
