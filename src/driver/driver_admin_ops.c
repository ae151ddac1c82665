/* See driver_admin_ops.h. Members that memory does not suffice for are left out: jansson's setters accept NULL. */
#include "driver/driver_admin_ops.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/log_keep.h"
#include "driver/driver_state.h"
#include "shm/region.h"

static const char *const level_names[] = { "error", "warn", "info", "debug", "trace" };
#define LEVELS (sizeof(level_names) / sizeof(level_names[0]))

json_t *tpi_admin_decimal(uint64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%" PRIu64, value);
    return json_string(text);
}

json_t *tpi_admin_text(const char *text)
{
    json_t *const valid = json_string(text);
    if (NULL != valid) { return valid; }
    char ascii[1024];
    (void)snprintf(ascii, sizeof(ascii), "%s", text);
    for (char *c = ascii; '\0' != *c; c++)
    {
        if ((unsigned char)*c >= 0x80) { *c = '?'; }
    }
    return json_string(ascii);
}

int tpi_admin_get_id(const tpi_admin_request_t *request, const char *key, uint64_t *value)
{
    const char *const text = json_string_value(json_object_get(request->object, key));
    char *end = NULL;
    errno = 0;
    const unsigned long long number = NULL != text && text[0] >= '0' && text[0] <= '9' ? strtoull(text, &end, 10) : 0;
    if (NULL == end || '\0' != *end || 0 != errno)
    {
        TPI_SET_ERR(TP_EINVAL, "'%s' is missing or not a decimal number in a string", key);
        return -1;
    }
    *value = number;
    return 0;
}

/* An optional number within 0..most. */
static int get_number(const tpi_admin_request_t *request, const char *key, uint64_t most, uint64_t *value)
{
    const json_t *const member = json_object_get(request->object, key);
    if (NULL == member) { return 0; }
    if (!json_is_integer(member) || json_integer_value(member) < 0 || (uint64_t)json_integer_value(member) > most)
    {
        TPI_SET_ERR(TP_EINVAL, "'%s' is not a number from 0 to %" PRIu64, key, most);
        return -1;
    }
    *value = (uint64_t)json_integer_value(member);
    return 0;
}

static void put(json_t *object, const char *key, json_t *value) { (void)json_object_set_new(object, key, value); }
static void put_number(json_t *object, const char *key, uint64_t value) { put(object, key, json_integer((json_int_t)value)); }

/* ---- leases and streams ---------------------------------------------------------------------------------------------------- */

static void put_holder(json_t *object, const tpi_lease_t *lease, int64_t now_ns)
{
    put_number(object, "client", lease->client_id);
    put(object, "role", json_string(TP_ROLE_PRODUCER == lease->role ? "producer" : "consumer"));
    put_number(object, "node", lease->node_id);
    put(object, "epoch", tpi_admin_decimal(lease->epoch));
    put(object, "keepalive_age_ns", json_integer(now_ns - lease->last_keepalive_ns));
    put(object, "expires_in_ns", json_integer(lease->expiry_ns - now_ns));
}

int tpi_admin_leases(const tpi_admin_request_t *request, json_t *reply)
{
    json_t *const array = json_array();
    for (const tpi_deadline_t *d = tpi_lease_table_first(&request->driver->leases); NULL != d; d = tpi_lease_table_next(d))
    {
        const tpi_lease_t *const lease = &tpi_record_of(d, const tpi_lease_record_t, deadline)->lease;
        json_t *const one = json_object();
        put(one, "lease", tpi_admin_decimal(lease->lease_id));
        put_number(one, "stream", lease->stream_id);
        put_holder(one, lease, request->now_ns);
        (void)json_array_append_new(array, one);
    }
    return json_object_set_new(reply, "leases", array);
}

static json_t *holder(const tpi_lease_record_t *record, int64_t now_ns)
{
    json_t *const one = json_object();
    put(one, "lease", tpi_admin_decimal(record->lease.lease_id));
    put_holder(one, &record->lease, now_ns);
    if (TP_ROLE_CONSUMER == record->lease.role)
    {
        put_number(one, "descriptor_stream", record->descriptor_id);
        put_number(one, "control_stream", record->control_id);
    }
    return one;
}

static void put_geometry(json_t *object, const tp_profile_config_t *profile)
{
    json_t *const pools = json_array();
    uint64_t bytes = TPC_SUPERBLOCK_BYTES + (uint64_t)profile->header_nslots * TPC_SLOT_BYTES;
    for (uint32_t i = 0; i < profile->pool_count; i++)
    {
        json_t *const pool = json_object();
        put_number(pool, "pool", profile->pools[i].pool_id);
        put_number(pool, "stride", profile->pools[i].stride_bytes);
        (void)json_array_append_new(pools, pool);
        bytes += TPC_SUPERBLOCK_BYTES + (uint64_t)profile->header_nslots * profile->pools[i].stride_bytes;
    }
    put_number(object, "nslots", profile->header_nslots);
    put(object, "pools", pools);
    put_number(object, "bytes", bytes);
}

static void put_counts(json_t *object, const tpi_stream_counts_t *counts)
{
    json_t *const c = json_object();
    put_number(c, "granted", counts->granted);
    put_number(c, "refused", counts->refused);
    put_number(c, "detached", counts->ended[TPC_REVOKE_DETACHED]);
    put_number(c, "expired", counts->ended[TPC_REVOKE_EXPIRED]);
    put_number(c, "revoked", counts->ended[TPC_REVOKE_REVOKED]);
    put_number(c, "epochs", counts->epochs);
    put_number(c, "epochs_failed", counts->epochs_failed);
    put(object, "counts", c);
}

static json_t *describe(const tpi_stream_t *stream, int64_t now_ns)
{
    json_t *const one = json_object();
    json_t *const consumers = json_array();
    const tpi_lease_record_t *record = NULL;
    DL_FOREACH(stream->leases, record)
    {
        if (record != stream->producer) { (void)json_array_append_new(consumers, holder(record, now_ns)); }
    }
    put_number(one, "stream", stream->stream_id);
    put(one, "name", tpi_admin_text(stream->name));
    put(one, "profile", tpi_admin_text(stream->profile.name));
    put(one, "origin", json_string(stream->is_static ? "static" : "dynamic"));
    put(one, "state", json_string(stream->is_creating ? "creating" : stream->is_suspended ? "suspended" : NULL == stream->files ? "idle" : "live"));
    put(one, "epoch", tpi_admin_decimal(NULL == stream->files ? 0 : stream->files->epoch));
    put_geometry(one, NULL == stream->files ? &stream->profile : &stream->live);
    put(one, "producer", NULL == stream->producer ? json_null() : holder(stream->producer, now_ns));
    put(one, "consumers", consumers);
    put_counts(one, &stream->counts);
    return one;
}

static int by_id(const tpi_stream_t *a, const tpi_stream_t *b) { return (a->stream_id > b->stream_id) - (a->stream_id < b->stream_id); }

int tpi_admin_streams(const tpi_admin_request_t *request, json_t *reply)
{
    uint64_t only = 0;
    if (get_number(request, "stream", UINT32_MAX, &only) < 0) { return -1; }
    if (0 != only && NULL == tpi_stream_find(request->driver, (uint32_t)only))
    {
        TPI_SET_ERR(TP_ENOENT, "stream %" PRIu64 " does not exist", only);
        return -1;
    }
    json_t *const array = json_array();
    HASH_SRT(hh, request->driver->streams, by_id);
    for (const tpi_stream_t *stream = request->driver->streams; NULL != stream; stream = stream->hh.next)
    {
        if (0 == only || stream->stream_id == only) { (void)json_array_append_new(array, describe(stream, request->now_ns)); }
    }
    return json_object_set_new(reply, "streams", array);
}

/* ---- reload ---------------------------------------------------------------------------------------------------------------- */

static json_t *texts(const char *const *list, size_t count)
{
    json_t *const array = json_array();
    for (size_t i = 0; i < count; i++) { (void)json_array_append_new(array, json_string(list[i])); }
    return array;
}

static json_t *ids(const tpi_id_list_t *list)
{
    json_t *const array = json_array();
    for (size_t i = 0; i < list->count; i++) { (void)json_array_append_new(array, json_integer(list->ids[i])); }
    return array;
}

int tpi_admin_reload(const tpi_admin_request_t *request, json_t *reply)
{
    tpi_reload_report_t report;
    if (tpi_driver_reload(request->driver, &report, request->now_ns) < 0) { return -1; }
    json_t *const changed = texts(report.changed, report.changed_count);
    for (size_t i = 0; i < report.profile_count; i++) { (void)json_array_append_new(changed, json_sprintf("profiles.%s", report.profiles[i])); }
    put(reply, "changed", changed);
    put(reply, "restart", texts(report.restart, report.restart_count));
    put(reply, "added", ids(&report.added));
    put(reply, "removed", ids(&report.removed));
    put(reply, "raised", ids(&report.raised));
    tpi_reload_report_fini(&report);
    return 0;
}

/* ---- log ------------------------------------------------------------------------------------------------------------------- */

static const char *level_name(tp_log_level_t level) { return (size_t)level < LEVELS ? level_names[level] : "?"; }

static int set_level(const tpi_admin_request_t *request)
{
    const json_t *const member = json_object_get(request->object, "level");
    const char *const name = json_string_value(member);
    if (NULL == member) { return 0; }
    for (size_t i = 0; NULL != name && i < LEVELS; i++)
    {
        if (0 != strcmp(name, level_names[i])) { continue; }
        if ((tp_log_level_t)i != tpi_log_level()) { TPI_LOG_INFO("local socket: pid %ld: log level %s", request->peer_pid, name); }
        tp_log_set_level((tp_log_level_t)i);
        return 0;
    }
    TPI_SET_ERR(TP_EINVAL, "level = '%.20s' is not one of error, warn, info, debug, trace", NULL == name ? "" : name);
    return -1;
}

static json_t *describe_line(const tpi_log_line_t *line)
{
    json_t *const one = json_object();
    put(one, "seq", tpi_admin_decimal(line->seq));
    put(one, "time_ns", tpi_admin_decimal((uint64_t)line->time_ns));
    put(one, "level", json_string(level_name(line->level)));
    put(one, "code", json_integer(line->code));
    put(one, "text", tpi_admin_text(line->text));
    return one;
}

int tpi_admin_log(const tpi_admin_request_t *request, json_t *reply)
{
    uint64_t after = 0;
    uint64_t limit = TPI_LOG_KEEP_LINES;
    uint64_t next = 0;
    if (NULL != json_object_get(request->object, "after") && tpi_admin_get_id(request, "after", &after) < 0) { return -1; }
    if (get_number(request, "limit", TPI_LOG_KEEP_LINES, &limit) < 0 || set_level(request) < 0) { return -1; }
    tpi_log_line_t *const lines = tpi_alloc_array(TPI_LOG_KEEP_LINES, sizeof(*lines));
    if (NULL == lines) { return -1; }
    const size_t count = tpi_log_keep_lines(lines, (size_t)limit, after, &next);
    json_t *const array = json_array();
    for (size_t i = 0; i < count; i++) { (void)json_array_append_new(array, describe_line(&lines[i])); }
    tpi_free(lines);
    put(reply, "level", json_string(level_name(tpi_log_level())));
    put(reply, "next", tpi_admin_decimal(next));
    return json_object_set_new(reply, "lines", array);
}

int tpi_admin_errors(const tpi_admin_request_t *request, json_t *reply)
{
    uint64_t forgotten = 0;
    (void)request;
    tpi_log_error_t *const errors = tpi_alloc_array(TPI_LOG_KEEP_ERRORS, sizeof(*errors));
    if (NULL == errors) { return -1; }
    const size_t count = tpi_log_keep_errors(errors, TPI_LOG_KEEP_ERRORS, &forgotten);
    json_t *const array = json_array();
    for (size_t i = 0; i < count; i++)
    {
        json_t *const one = json_object();
        put(one, "level", json_string(level_name(errors[i].level)));
        put(one, "code", json_integer(errors[i].code));
        put_number(one, "count", errors[i].count);
        put(one, "first_ns", tpi_admin_decimal((uint64_t)errors[i].first_ns));
        put(one, "last_ns", tpi_admin_decimal((uint64_t)errors[i].last_ns));
        put(one, "text", tpi_admin_text(errors[i].text));
        (void)json_array_append_new(array, one);
    }
    tpi_free(errors);
    put_number(reply, "forgotten", forgotten);
    return json_object_set_new(reply, "errors", array);
}
