/* Streams as counters and header rings show them. */
#include "streams.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "connect.h"
#include "out.h"

#define DEAD_MS 10000

static uint64_t little(const uint8_t *bytes, size_t length)
{
    uint64_t value = 0;
    for (size_t i = 0; i < length; i++) { value |= (uint64_t)bytes[i] << (8 * i); }
    return value;
}

static int hex_of(char digit)
{
    if (digit >= '0' && digit <= '9') { return digit - '0'; }
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

bool cli_label_value(const char *label, const char *key, char *value, size_t size)
{
    const size_t length = strlen(key);
    for (const char *at = strchr(label, ' '); NULL != at; at = strchr(at + 1, ' '))
    {
        if (0 != strncmp(at + 1, key, length) || '=' != at[1 + length]) { continue; }
        size_t used = 0;
        for (const char *from = at + 2 + length; '\0' != *from && ' ' != *from && used + 1 < size; from++)
        {
            const int high = '%' == *from ? hex_of(from[1]) : -1;
            const int low = high >= 0 ? hex_of(from[2]) : -1;
            const bool coded = low >= 0;
            value[used++] = coded ? (char)(high * 16 + low) : *from;
            if (coded) { from += 2; }
        }
        value[used] = '\0';
        return true;
    }
    return false;
}

bool cli_pid_alive(uint64_t pid)
{
    return pid > 0 && pid <= INT32_MAX && (0 == kill((pid_t)pid, 0) || EPERM == errno);
}

static void *grow(void *array, size_t count, size_t *capacity, size_t size, size_t limit)
{
    if (count < *capacity) { return array; }
    const size_t larger = 0 == *capacity ? 64 : *capacity * 2;
    void *grown = larger > limit ? NULL : realloc(array, larger * size);
    if (NULL != grown) { *capacity = larger; }
    return grown;
}

static void on_stream(void *clientd, const tp_stream_info_t *info)
{
    cli_streams_t *streams = clientd;
    cli_stream_t *grown = grow(streams->streams, streams->stream_count, &streams->stream_capacity, sizeof(*grown), CLI_STREAMS_MAX);
    if (NULL == grown) { streams->failed = true; return; }
    streams->streams = grown;
    cli_stream_t *to = &grown[streams->stream_count++];
    memset(to, 0, sizeof(*to));
    to->stream_id = info->stream_id;
    to->epoch = info->epoch;
    to->driver_token = info->driver_token;
    to->header_nslots = info->header_nslots;
    to->producer_client_id = info->producer_client_id;
    to->consumer_count = info->consumer_count;
    to->pool_count = info->pool_count;
    to->max_stride_bytes = info->max_stride_bytes;
    snprintf(to->name, sizeof(to->name), "%s", info->name);
    snprintf(to->driver_instance, sizeof(to->driver_instance), "%s", info->driver_instance);
    snprintf(to->directory, sizeof(to->directory), "%s", info->directory);
}

static void on_lease(void *clientd, const tp_counter_t *counter)
{
    cli_streams_t *streams = clientd;
    const uint8_t *key = counter->key;
    if (CLI_COUNTER_LEASE != counter->type_id || counter->key_bytes < 25 || 0 == counter->value) { return; }
    cli_lease_t *grown = grow(streams->leases, streams->lease_count, &streams->lease_capacity, sizeof(*grown), CLI_LEASES_MAX);
    if (NULL == grown) { streams->failed = true; return; }
    streams->leases = grown;
    cli_lease_t *to = &grown[streams->lease_count++];
    memset(to, 0, sizeof(*to));
    to->driver_token = little(key, 8);
    to->lease_id = little(key + 8, 8);
    to->stream_id = (uint32_t)little(key + 16, 4);
    to->client_id = (uint32_t)little(key + 20, 4);
    to->role = key[24];
    to->keepalive_ns = counter->value;
    char node[16];
    to->node_id = cli_label_value(counter->label, "node", node, sizeof(node)) ? (uint32_t)strtoul(node, NULL, 10) : TP_NULL_U32;
}

static int64_t label_number(const char *label, const char *key)
{
    char text[24];
    return cli_label_value(label, key, text, sizeof(text)) ? (int64_t)strtoll(text, NULL, 10) : 0;
}

static void on_health(void *clientd, const tp_counter_t *counter)
{
    cli_streams_t *streams = clientd;
    const uint8_t *key = counter->key;
    if (CLI_COUNTER_HEALTH != counter->type_id || counter->key_bytes < 17) { return; }
    cli_condition_t *grown = grow(streams->conditions, streams->condition_count, &streams->condition_capacity, sizeof(*grown), CLI_CONDITIONS_MAX);
    if (NULL == grown) { streams->failed = true; return; }
    streams->conditions = grown;
    cli_condition_t *to = &grown[streams->condition_count++];
    memset(to, 0, sizeof(*to));
    to->stream_id = (uint32_t)little(key + 8, 4);
    to->client_id = (uint32_t)little(key + 12, 4);
    to->value = counter->value;
    to->bound = label_number(counter->label, "bound");
    to->since_ns = label_number(counter->label, "since_ns");
    (void)cli_label_value(counter->label, "kind", to->kind, sizeof(to->kind));
    (void)cli_label_value(counter->label, "name", to->client_name, sizeof(to->client_name));
    cli_disarm(to->client_name);
}

static void on_client(void *clientd, const tp_counter_t *counter)
{
    cli_streams_t *streams = clientd;
    const uint8_t *key = counter->key;
    if (CLI_COUNTER_CLIENT != counter->type_id || counter->key_bytes < 18) { return; }
    const uint32_t stream_id = (uint32_t)little(key + 8, 4);
    const uint32_t client_id = (uint32_t)little(key + 12, 4);
    const uint8_t kind = key[17];
    for (size_t i = 0; i < streams->lease_count; i++)
    {
        cli_lease_t *lease = &streams->leases[i];
        if (lease->stream_id != stream_id || lease->client_id != client_id || lease->role != key[16]) { continue; }
        lease->pid = little(key, 8);
        if (kind < CLI_CLIENT_KINDS)
        {
            lease->values[kind] = (uint64_t)counter->value;
            lease->counted = true;
        }
        else if (kind <= CLI_CLIENT_LATENCY_MAX)
        {
            int64_t *const latencies[] = { &lease->latency_p50_ns, &lease->latency_p99_ns, &lease->latency_max_ns };
            *latencies[kind - CLI_CLIENT_LATENCY_P50] = counter->value;
            lease->has_latency = true;
        }
        else if (kind >= CLI_CLIENT_DROPS && kind < CLI_CLIENT_DROPS + TP_DROP_REASONS)
        {
            lease->reasons[kind - CLI_CLIENT_DROPS] = (uint64_t)counter->value;
        }
    }
}

static int by_id(const void *a, const void *b)
{
    const cli_stream_t *x = a;
    const cli_stream_t *y = b;
    const int order = (x->stream_id > y->stream_id) - (x->stream_id < y->stream_id);
    return 0 != order ? order : strcmp(x->driver_instance, y->driver_instance);
}

bool cli_lease_is_of(const cli_lease_t *lease, const cli_stream_t *stream)
{
    return lease->stream_id == stream->stream_id && lease->driver_token == stream->driver_token;
}

/* Shape of the newest frame; rate between the oldest and the newest committed slot. */
static void read_ring(cli_stream_t *stream)
{
    char path[1100];
    tp_region_t *region = NULL;
    tp_slot_t slot = { .size = sizeof(slot) };
    uint64_t oldest_seq = UINT64_MAX;
    uint64_t oldest_ns = 0;
    uint64_t bytes = 0;
    uint64_t frames = 0;
    if ('\0' == stream->directory[0] || 0 == stream->header_nslots) { return; }
    snprintf(path, sizeof(path), "%s/header.ring", stream->directory);
    if (tp_region_open(&region, path) < 0) { return; }
    for (uint32_t i = 0; i < stream->header_nslots; i++)
    {
        if (tp_region_slot_read(region, i, &slot) < 0) { break; }
        if (!slot.committed || !slot.stable || !slot.valid) { continue; }
        frames++;
        bytes += slot.values_len_bytes;
        if (slot.seq < oldest_seq) { oldest_seq = slot.seq; oldest_ns = slot.timestamp_ns; }
        if (!stream->has_frames || slot.seq > stream->newest_seq)
        {
            stream->has_frames = true;
            stream->newest_seq = slot.seq;
            stream->newest_ns = slot.timestamp_ns;
            stream->newest_bytes = slot.values_len_bytes;
            stream->newest_pool = slot.pool_id;
            stream->tensor = slot.tensor;
        }
    }
    tp_region_close(region);
    if (frames < 2 || stream->newest_ns <= oldest_ns) { return; }
    const double seconds = (double)(stream->newest_ns - oldest_ns) / 1e9;
    const double period = seconds / (double)(stream->newest_seq - oldest_seq);
    const double silent = (double)(cli_now_ns() - (int64_t)stream->newest_ns) / 1e9;
    if (silent > 2.0 && silent > 3.0 * period) { return; }
    stream->hz = (double)(stream->newest_seq - oldest_seq) / seconds;
    stream->bytes_per_second = stream->hz * (double)bytes / (double)frames;
}

int cli_streams_collect(cli_streams_t *streams, tp_counters_t *counters, bool with_rings)
{
    memset(streams, 0, sizeof(*streams));
    if (tp_counters_streams(counters, on_stream, streams) < 0 || tp_counters_foreach(counters, on_lease, streams) < 0 ||
        tp_counters_foreach(counters, on_client, streams) < 0 || tp_counters_foreach(counters, on_health, streams) < 0)
    {
        cli_streams_fini(streams);
        return -1;
    }
    if (streams->stream_count > 1) { qsort(streams->streams, streams->stream_count, sizeof(streams->streams[0]), by_id); }
    for (size_t i = 0; i < streams->stream_count; i++)
    {
        cli_stream_t *stream = &streams->streams[i];
        if (with_rings) { read_ring(stream); }
        for (size_t j = 0; j < streams->lease_count; j++)
        {
            const cli_lease_t *lease = &streams->leases[j];
            if (!cli_lease_is_of(lease, stream) || TP_ROLE_CONSUMER != lease->role) { continue; }
            stream->drops += lease->values[CLI_CLIENT_DROPS_GAP] + lease->values[CLI_CLIENT_DROPS_LATE] + lease->values[CLI_CLIENT_DROPS_OTHER];
        }
    }
    return 0;
}

int cli_streams_read(cli_streams_t *streams, tp_counters_t *counters, bool with_rings)
{
    if (cli_streams_collect(streams, counters, with_rings) < 0) { return cli_error_last(); }
    if (streams->failed) { cli_warn(TP_EFULL, NULL, "more than %d streams or %d leases: not all are shown", CLI_STREAMS_MAX, CLI_LEASES_MAX); }
    return CLI_OK;
}

void cli_streams_fini(cli_streams_t *streams)
{
    free(streams->streams);
    free(streams->leases);
    free(streams->conditions);
    memset(streams, 0, sizeof(*streams));
}

static void on_driver(void *clientd, const tp_counter_t *counter)
{
    (void)clientd;
    if (CLI_COUNTER_DRIVER != counter->type_id || counter->key_bytes < 16) { return; }
    const uint64_t pid = little((const uint8_t *)counter->key + 8, 8);
    if (!cli_pid_alive(pid))
    {
        cli_warn(TP_ENODRIVER, "start it again", "the tensor pool driver with pid %" PRIu64 " is dead (%s)", pid, counter->label);
    }
}

bool cli_counters_live(const tp_counters_t *counters)
{
    return tp_counters_heartbeat_age_ms(counters) <= DEAD_MS && cli_pid_alive((uint64_t)tp_counters_pid(counters));
}

tp_counters_t *cli_counters_now(const cli_args_t *args, tp_counters_t **counters)
{
    tp_context_t *context = NULL;
    tp_counters_t *next = NULL;
    if (cli_counters_live(*counters) || CLI_OK != cli_context(args, &context)) { return *counters; }
    if (0 == tp_counters_open(&next, tp_context_get_aeron_dir(context)) && cli_counters_live(next))
    {
        tp_counters_close(*counters);
        *counters = next;
        next = NULL;
    }
    tp_counters_close(next);
    tp_context_close(context);
    return *counters;
}

bool cli_note_dead(tp_counters_t *counters)
{
    const int64_t age_ms = tp_counters_heartbeat_age_ms(counters);
    const int64_t pid = tp_counters_pid(counters);
    const bool process = cli_pid_alive((uint64_t)pid);
    if (age_ms > DEAD_MS || !process)
    {
        cli_warn(TP_EMEDIADRIVER, "start it again; what is shown are its last words",
            "the media driver is dead: pid %" PRId64 " %s, last sign of life %.1f s ago",
            pid, process ? "exists" : "is gone", (double)age_ms / 1e3);
    }
    (void)tp_counters_foreach(counters, on_driver, NULL);
    return age_ms <= DEAD_MS && process;
}
