/*
 * Owns the settings of a client as texts, one row a setting, so that setter, environment, endpoint file and default are looked through in one place.
 * A context is used by one thread at a time.
 */
#include "client/context.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus/bus.h"
#include "common/alloc.h"
#include "common/clock.h"
#include "common/err.h"

typedef enum setting
{
    AERON_DIR, CLIENT_NAME, DRIVER_INSTANCE,
    CONTROL_CHANNEL, CONTROL_STREAM, ANNOUNCE_CHANNEL, ANNOUNCE_STREAM, DESCRIPTOR_CHANNEL, DESCRIPTOR_STREAM,
    QOS_CHANNEL, QOS_STREAM, METADATA_CHANNEL, METADATA_STREAM, DISCOVERY_CHANNEL, DISCOVERY_STREAM, RESPONSE_CHANNEL, RESPONSE_STREAM,
    BASE_DIRS, DRIVER_TIMEOUT, KEEPALIVE_INTERVAL, MESSAGE_TIMEOUT, MESSAGE_RETRIES, ANNOUNCE_PERIOD, QOS_INTERVAL, SOURCE_PERIOD,
    INVOKER, IDLE_STRATEGY, AGENT_CPU, FAULT_GUARD, LOCK_MEMORY,
    TRACE, TRACE_NODE_ID, TRACE_NODE_BITS, TRACE_SEQUENCE_BITS, TRACE_OFFSET,
    SETTINGS
}
setting_t;

typedef enum kind { TEXT, CHANNEL, STREAM, DURATION, COUNT, FLAG, IDLE, CPU, NODE, BITS, MILLISECONDS } kind_t;

#define IPC "aeron:ipc?term-length=4m"         /* O-44 */
#define TEXT_AT(field) offsetof(tpi_endpoint_t, field)
#define NOT_THERE SIZE_MAX
#define CPU_MAX 1023
#define NODE_MAX ((1 << TPI_TRACE_LOW_BITS_MAX) - 1)

typedef struct row
{
    const char *name;
    const char *variable;
    kind_t kind;
    const char *fallback;
    size_t endpoint_at;                        /* text, int32 (STREAM), uint32 milliseconds (DURATION) or bool (FLAG) */
}
row_t;

static const row_t rows[SETTINGS] = {
    [AERON_DIR] = { "aeron_dir", "TP_AERON_DIR", TEXT, "", TEXT_AT(aeron_dir) },
    [CLIENT_NAME] = { "client_name", "TP_CLIENT_NAME", TEXT, "", NOT_THERE },
    [DRIVER_INSTANCE] = { "driver_instance", "TP_DRIVER", TEXT, "", TEXT_AT(instance_id) },
    [CONTROL_CHANNEL] = { "control_channel", "TP_CONTROL_CHANNEL", CHANNEL, IPC, TEXT_AT(control_channel) },
    [CONTROL_STREAM] = { "control_stream_id", "TP_CONTROL_STREAM_ID", STREAM, "1000", TEXT_AT(control_stream_id) },
    [ANNOUNCE_CHANNEL] = { "announce_channel", "TP_ANNOUNCE_CHANNEL", CHANNEL, NULL, TEXT_AT(announce_channel) },
    [ANNOUNCE_STREAM] = { "announce_stream_id", "TP_ANNOUNCE_STREAM_ID", STREAM, NULL, TEXT_AT(announce_stream_id) },
    [DESCRIPTOR_CHANNEL] = { "descriptor_channel", "TP_DESCRIPTOR_CHANNEL", CHANNEL, IPC, TEXT_AT(descriptor_channel) },
    [DESCRIPTOR_STREAM] = { "descriptor_stream_id", "TP_DESCRIPTOR_STREAM_ID", STREAM, "1100", TEXT_AT(descriptor_stream_id) },
    [QOS_CHANNEL] = { "qos_channel", "TP_QOS_CHANNEL", CHANNEL, IPC, TEXT_AT(qos_channel) },
    [QOS_STREAM] = { "qos_stream_id", "TP_QOS_STREAM_ID", STREAM, "1200", TEXT_AT(qos_stream_id) },
    [METADATA_CHANNEL] = { "metadata_channel", "TP_METADATA_CHANNEL", CHANNEL, IPC, TEXT_AT(metadata_channel) },
    [METADATA_STREAM] = { "metadata_stream_id", "TP_METADATA_STREAM_ID", STREAM, "1300", TEXT_AT(metadata_stream_id) },
    [DISCOVERY_CHANNEL] = { "discovery_channel", "TP_DISCOVERY_CHANNEL", CHANNEL, NULL, TEXT_AT(discovery_channel) },
    [DISCOVERY_STREAM] = { "discovery_stream_id", "TP_DISCOVERY_STREAM_ID", STREAM, "7000", TEXT_AT(discovery_stream_id) },
    [RESPONSE_CHANNEL] = { "discovery_response_channel", "TP_DISCOVERY_RESPONSE_CHANNEL", CHANNEL, NULL, NOT_THERE },
    [RESPONSE_STREAM] = { "discovery_response_stream_id", "TP_DISCOVERY_RESPONSE_STREAM_ID", STREAM, "7004", NOT_THERE },
    [BASE_DIRS] = { "allowed_base_dirs", "TP_ALLOWED_BASE_DIRS", TEXT, "/dev/shm/tensorpool", TEXT_AT(shm_base_dir) },
    [DRIVER_TIMEOUT] = { "driver_timeout", "TP_DRIVER_TIMEOUT_MS", DURATION, "5000", NOT_THERE },
    [KEEPALIVE_INTERVAL] = { "keepalive_interval", "TP_KEEPALIVE_INTERVAL_MS", DURATION, "1000", TEXT_AT(keepalive_interval_ms) },
    [MESSAGE_TIMEOUT] = { "message_timeout", "TP_MESSAGE_TIMEOUT_MS", DURATION, "1000", NOT_THERE },
    [MESSAGE_RETRIES] = { "message_retries", "TP_MESSAGE_RETRIES", COUNT, "3", NOT_THERE },
    [ANNOUNCE_PERIOD] = { "announce_period", "TP_ANNOUNCE_PERIOD_MS", DURATION, "1000", TEXT_AT(announce_period_ms) },
    [QOS_INTERVAL] = { "qos_interval", "TP_QOS_INTERVAL_MS", DURATION, "1000", NOT_THERE },                                  /* W-188 */
    [SOURCE_PERIOD] = { "data_source_announce_period", "TP_DATA_SOURCE_ANNOUNCE_PERIOD_MS", DURATION, "1000", NOT_THERE },   /* W-188 */
    [INVOKER] = { "use_agent_invoker", "TP_USE_AGENT_INVOKER", FLAG, "false", NOT_THERE },
    [IDLE_STRATEGY] = { "idle_strategy", "TP_IDLE_STRATEGY", IDLE, "backoff", NOT_THERE },
    [AGENT_CPU] = { "agent_cpu", "TP_AGENT_CPU", CPU, "any", NOT_THERE },
    [FAULT_GUARD] = { "fault_guard", "TP_FAULT_GUARD", FLAG, "false", NOT_THERE },
    [LOCK_MEMORY] = { "lock_memory", "TP_LOCK_MEMORY", FLAG, "false", TEXT_AT(mlock_shm) },
    [TRACE] = { "trace", "TP_TRACE", FLAG, "false", NOT_THERE },
    [TRACE_NODE_ID] = { "trace_node_id", "TP_TRACE_NODE_ID", NODE, "any", NOT_THERE },
    [TRACE_NODE_BITS] = { "trace_node_bits", "TP_TRACE_NODE_BITS", BITS, "10", NOT_THERE },
    [TRACE_SEQUENCE_BITS] = { "trace_sequence_bits", "TP_TRACE_SEQUENCE_BITS", BITS, "12", NOT_THERE },
    [TRACE_OFFSET] = { "trace_offset_ms", "TP_TRACE_OFFSET_MS", MILLISECONDS, "0", NOT_THERE },
};

typedef struct cache
{
    tpi_settings_t settings;
}
cache_t;

struct tp_context
{
    char *set[SETTINGS];                       /* owned; NULL = not set */
    tp_error_handler_t error_handler;
    void *error_clientd;
    cache_t *cache;                            /* what getters hand out */
};

typedef struct value
{
    char text[4096];
    char source[TPI_ENDPOINT_TEXT_MAX + 16];
}
value_t;

/* ---- life --------------------------------------------------------------------------------------------------------------- */

int tp_context_init(tp_context_t **context)
{
    if (NULL == context) { TPI_SET_ERR(TP_EINVAL, "context is NULL"); return -1; }
    tp_context_t *c = tpi_alloc(sizeof(*c));
    if (NULL == c) { return -1; }
    c->cache = tpi_alloc(sizeof(*c->cache));
    if (NULL == c->cache)
    {
        tpi_free(c);
        return -1;
    }
    *context = c;
    return 0;
}

void tp_context_close(tp_context_t *context)
{
    if (NULL == context) { return; }
    for (size_t i = 0; i < SETTINGS; i++) { tpi_free(context->set[i]); }
    tpi_free(context->cache);
    tpi_free(context);
}

tp_context_t *tpi_context_copy(const tp_context_t *context)
{
    tp_context_t *copy = NULL;
    if (tp_context_init(&copy) < 0) { return NULL; }
    if (NULL == context) { return copy; }
    for (size_t i = 0; i < SETTINGS; i++)
    {
        if (NULL == context->set[i]) { continue; }
        copy->set[i] = tpi_strdup(context->set[i]);
        if (NULL == copy->set[i])
        {
            tp_context_close(copy);
            return NULL;
        }
    }
    copy->error_handler = context->error_handler;
    copy->error_clientd = context->error_clientd;
    return copy;
}

/* ---- values ------------------------------------------------------------------------------------------------------------- */

static int parse_i64(const char *text, int64_t min, int64_t max, int64_t *value)
{
    char *end = NULL;
    errno = 0;
    const long long number = strtoll(text, &end, 10);
    if (0 != errno || end == text || '\0' != *end || number < min || number > max) { return -1; }
    *value = number;
    return 0;
}

/* "250", "250ms", "1s", "20us", "5ns": nanoseconds; a bare number is milliseconds. */
static int parse_duration(const char *text, int64_t *value)
{
    static const struct { const char *suffix; int64_t ns; } units[] = { { "ns", 1 }, { "us", 1000 }, { "ms", 1000000 }, { "s", 1000000000 } };
    char digits[32];
    const size_t used = strspn(text, "0123456789");
    int64_t unit = 1000000;
    int64_t number;
    if (0 == used || used >= sizeof(digits)) { return -1; }
    if ('\0' != text[used])
    {
        unit = 0;
        for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        {
            if (0 == strcmp(units[i].suffix, text + used)) { unit = units[i].ns; }
        }
        if (0 == unit) { return -1; }
    }
    memcpy(digits, text, used);
    digits[used] = '\0';
    if (parse_i64(digits, 1, INT64_C(3600000000000) / unit, &number) < 0) { return -1; }
    *value = number * unit;
    return 0;
}

static int parse_flag(const char *text, int64_t *value)
{
    static const char *const yes[] = { "1", "true", "yes", "on" };
    static const char *const no[] = { "0", "false", "no", "off" };
    for (size_t i = 0; i < 4; i++)
    {
        if (0 == strcmp(text, yes[i])) { *value = 1; return 0; }
        if (0 == strcmp(text, no[i])) { *value = 0; return 0; }
    }
    return -1;
}

static int parse(kind_t kind, const char *text, int64_t *value)
{
    tpi_idle_kind_t idle;
    *value = 0;
    switch (kind)
    {
        case TEXT: return strlen(text) < TPI_CHANNEL_MAX * 4 ? 0 : -1;
        case CHANNEL: return 0 == strncmp(text, "aeron:", 6) && strlen(text) < TPI_CHANNEL_MAX ? 0 : -1;
        case STREAM: return parse_i64(text, 1, INT32_MAX, value);
        case DURATION: return parse_duration(text, value);
        case COUNT: return parse_i64(text, 0, 1000, value);
        case FLAG: return parse_flag(text, value);
        case IDLE:
            if (tpi_idle_kind_from_name(&idle, text) < 0) { return -1; }
            *value = (int64_t)idle;
            return 0;
        case CPU:
            if (0 != strcmp(text, "any")) { return parse_i64(text, 0, CPU_MAX, value); }
            *value = -1;
            return 0;
        case NODE:
            if (0 != strcmp(text, "any")) { return parse_i64(text, 0, NODE_MAX, value); }
            *value = TP_NULL_U32;
            return 0;
        case BITS: return parse_i64(text, 0, TPI_TRACE_LOW_BITS_MAX, value);
        case MILLISECONDS: return parse_i64(text, 0, INT64_MAX, value);
    }
    return -1;
}

static const char *allowed(kind_t kind)
{
    switch (kind)
    {
        case TEXT: return "a shorter text";
        case CHANNEL: return "an Aeron channel, for example " IPC;
        case STREAM: return "1..2147483647";
        case DURATION: return "1..3600000 (milliseconds), or a number with ns, us, ms or s";
        case COUNT: return "0..1000";
        case FLAG: return "true or false";
        case IDLE: return "busy, yield, backoff, sleep, noop";
        case CPU: return "any, or a processor's number 0..1023";
        case NODE: return "any, or a node id 0..4194303";
        case BITS: return "0..22";
        case MILLISECONDS: return "0 or more";
    }
    return "";
}

/* ---- resolution --------------------------------------------------------------------------------------------------------- */

static bool from_endpoint(const row_t *row, const tpi_endpoint_t *endpoint, value_t *value)
{
    if (NULL == endpoint || NOT_THERE == row->endpoint_at) { return false; }
    const char *at = (const char *)endpoint + row->endpoint_at;
    int32_t stream_id;
    uint32_t milliseconds;
    bool flag;
    value->text[0] = '\0';
    switch (row->kind)
    {
        case STREAM:
            memcpy(&stream_id, at, sizeof(stream_id));
            if (stream_id > 0) { (void)snprintf(value->text, sizeof(value->text), "%" PRId32, stream_id); }
            break;
        case DURATION:
            memcpy(&milliseconds, at, sizeof(milliseconds));
            if (milliseconds > 0) { (void)snprintf(value->text, sizeof(value->text), "%" PRIu32, milliseconds); }
            break;
        case FLAG:
            memcpy(&flag, at, sizeof(flag));
            (void)snprintf(value->text, sizeof(value->text), "%s", flag ? "true" : "false");
            break;
        default:
            (void)snprintf(value->text, sizeof(value->text), "%s", at);
            break;
    }
    if ('\0' == value->text[0]) { return false; }
    (void)snprintf(value->source, sizeof(value->source), "endpoint %s", endpoint->file);
    return true;
}

static const char *variable_of(setting_t id, const char **name)
{
    const char *text = getenv(rows[id].variable);
    *name = rows[id].variable;
    if ((NULL == text || '\0' == *text) && AERON_DIR == id)
    {
        text = getenv("AERON_DIR");
        *name = "AERON_DIR";
    }
    return NULL == text || '\0' == *text ? NULL : text;
}

static void fallback(setting_t id, value_t *value)
{
    (void)snprintf(value->source, sizeof(value->source), "default");
    if (AERON_DIR == id) { (void)tpi_bus_default_aeron_dir(value->text, sizeof(value->text)); return; }
    if (CLIENT_NAME == id) { (void)snprintf(value->text, sizeof(value->text), "%s", program_invocation_short_name); return; }
    (void)snprintf(value->text, sizeof(value->text), "%s", rows[id].fallback);
}

/* The setting whose value counts where this one has none; SETTINGS: it has a fixed default. */
static setting_t stands_for(setting_t id)
{
    switch (id)
    {
        case ANNOUNCE_CHANNEL: return CONTROL_CHANNEL;
        case ANNOUNCE_STREAM: return CONTROL_STREAM;
        case DISCOVERY_CHANNEL: return CONTROL_CHANNEL;            /* O-9: to the letter; X-016 */
        case RESPONSE_CHANNEL: return DISCOVERY_CHANNEL;
        default: return SETTINGS;
    }
}

static int resolve(const tp_context_t *context, const tpi_endpoint_t *endpoint, setting_t id, value_t *value, int64_t *number)
{
    const char *name = NULL;
    const char *text = NULL;
    const char *variable = variable_of(id, &name);
    if (NULL != context && NULL != context->set[id])
    {
        (void)snprintf(value->text, sizeof(value->text), "%s", context->set[id]);
        (void)snprintf(value->source, sizeof(value->source), "setter");
    }
    else if (NULL != (text = variable))
    {
        if (parse(rows[id].kind, text, number) < 0)
        {
            TPI_SET_ERR(TP_ECONF_ENV, "%s = '%.200s' cannot be used for %s; allowed: %s", name, text, rows[id].name, allowed(rows[id].kind));
            return -1;
        }
        (void)snprintf(value->text, sizeof(value->text), "%s", text);
        (void)snprintf(value->source, sizeof(value->source), "%s", name);
    }
    else if (!from_endpoint(&rows[id], endpoint, value))
    {
        if (SETTINGS != stands_for(id))
        {
            const int rc = resolve(context, endpoint, stands_for(id), value, number);
            const bool elsewhere = 0 == rc && RESPONSE_CHANNEL == id && 0 != strncmp(value->text, "aeron:ipc", 9);
            if (elsewhere) { value->text[0] = '\0'; }               /* nobody can guess where this host is reached */
            return rc;
        }
        fallback(id, value);
    }
    if (parse(rows[id].kind, value->text, number) < 0)
    {
        TPI_SET_ERR(TP_EINVAL, "%s = '%.200s' from %s cannot be used; allowed: %s", rows[id].name, value->text, value->source,
            allowed(rows[id].kind));
        return -1;
    }
    return 0;
}

static int take_text(const tp_context_t *context, const tpi_endpoint_t *endpoint, setting_t id, char *target, size_t size)
{
    value_t value;
    int64_t number = 0;
    if (resolve(context, endpoint, id, &value, &number) < 0) { return -1; }
    if (strlen(value.text) >= size)
    {
        TPI_SET_ERR(TP_EINVAL, "%s has %zu bytes, allowed %zu", rows[id].name, strlen(value.text), size - 1);
        return -1;
    }
    memcpy(target, value.text, strlen(value.text) + 1);
    return 0;
}

static int take_number(const tp_context_t *context, const tpi_endpoint_t *endpoint, setting_t id, int64_t *number)
{
    value_t value;
    return resolve(context, endpoint, id, &value, number);
}

static int take_stream(const tp_context_t *context, const tpi_endpoint_t *endpoint, setting_t channel, tpi_stream_address_t *stream)
{
    int64_t number = 0;
    if (take_text(context, endpoint, channel, stream->channel, sizeof(stream->channel)) < 0) { return -1; }
    if (take_number(context, endpoint, (setting_t)(channel + 1), &number) < 0) { return -1; }
    stream->stream_id = (int32_t)number;
    return 0;
}

/* Setter or variable, and the running driver's own base; the default only when there is neither. */
static int take_base_dirs(const tp_context_t *context, const tpi_endpoint_t *endpoint, tpi_settings_t *s)
{
    value_t value;
    int64_t number = 0;
    if (resolve(context, endpoint, BASE_DIRS, &value, &number) < 0) { return -1; }
    s->base_dirs_are_default = 0 == strcmp(value.source, "default");
    const bool join = NULL != endpoint && '\0' != endpoint->shm_base_dir[0] && 0 != strcmp(value.text, endpoint->shm_base_dir);
    const int n = snprintf(s->base_dirs, sizeof(s->base_dirs), "%s%s%s", value.text, join ? ":" : "", join ? endpoint->shm_base_dir : "");
    if (n < 0 || (size_t)n >= sizeof(s->base_dirs))
    {
        TPI_SET_ERR(TP_EINVAL, "allowed_base_dirs are longer than %zu bytes", sizeof(s->base_dirs) - 1);
        return -1;
    }
    return 0;
}

static int take_trace(const tp_context_t *context, const tpi_endpoint_t *endpoint, tpi_settings_t *s)
{
    int64_t trace = 0;
    int64_t node_id = TP_NULL_U32;
    int64_t node_bits = 0;
    int64_t sequence_bits = 0;
    int64_t offset_ms = 0;
    if (take_number(context, endpoint, TRACE, &trace) < 0 || take_number(context, endpoint, TRACE_NODE_ID, &node_id) < 0 ||
        take_number(context, endpoint, TRACE_NODE_BITS, &node_bits) < 0 ||
        take_number(context, endpoint, TRACE_SEQUENCE_BITS, &sequence_bits) < 0 ||
        take_number(context, endpoint, TRACE_OFFSET, &offset_ms) < 0)
    {
        return -1;
    }
    s->trace = 0 != trace;
    s->trace_node_id = (uint32_t)node_id;
    s->trace_layout = (tpi_trace_layout_t){ (uint32_t)node_bits, (uint32_t)sequence_bits, offset_ms };
    return tpi_trace_layout_check(&s->trace_layout);
}

int tpi_context_resolve(const tp_context_t *context, const tpi_endpoint_t *endpoint, tpi_settings_t *settings)
{
    tpi_settings_t *s = settings;
    int64_t retries = 0;
    int64_t invoker = 0;
    int64_t idle = 0;
    int64_t agent_cpu = -1;
    int64_t fault_guard = 0;
    int64_t lock_memory = 0;
    memset(s, 0, sizeof(*s));
    if (take_text(context, endpoint, AERON_DIR, s->aeron_dir, sizeof(s->aeron_dir)) < 0 ||
        take_text(context, endpoint, CLIENT_NAME, s->client_name, sizeof(s->client_name)) < 0 ||
        take_text(context, endpoint, DRIVER_INSTANCE, s->driver_instance, sizeof(s->driver_instance)) < 0 ||
        take_stream(context, endpoint, CONTROL_CHANNEL, &s->control) < 0 || take_stream(context, endpoint, ANNOUNCE_CHANNEL, &s->announce) < 0 ||
        take_stream(context, endpoint, DESCRIPTOR_CHANNEL, &s->descriptor) < 0 || take_stream(context, endpoint, QOS_CHANNEL, &s->qos) < 0 ||
        take_stream(context, endpoint, METADATA_CHANNEL, &s->metadata) < 0 ||
        take_stream(context, endpoint, DISCOVERY_CHANNEL, &s->discovery) < 0 ||
        take_stream(context, endpoint, RESPONSE_CHANNEL, &s->discovery_response) < 0 || take_base_dirs(context, endpoint, s) < 0 ||
        take_number(context, endpoint, DRIVER_TIMEOUT, &s->driver_timeout_ns) < 0 ||
        take_number(context, endpoint, KEEPALIVE_INTERVAL, &s->keepalive_interval_ns) < 0 ||
        take_number(context, endpoint, MESSAGE_TIMEOUT, &s->message_timeout_ns) < 0 ||
        take_number(context, endpoint, ANNOUNCE_PERIOD, &s->announce_period_ns) < 0 ||
        take_number(context, endpoint, QOS_INTERVAL, &s->qos_interval_ns) < 0 ||
        take_number(context, endpoint, SOURCE_PERIOD, &s->source_period_ns) < 0 ||
        take_number(context, endpoint, MESSAGE_RETRIES, &retries) < 0 || take_number(context, endpoint, INVOKER, &invoker) < 0 ||
        take_number(context, endpoint, IDLE_STRATEGY, &idle) < 0 || take_number(context, endpoint, AGENT_CPU, &agent_cpu) < 0 ||
        take_number(context, endpoint, FAULT_GUARD, &fault_guard) < 0 || take_number(context, endpoint, LOCK_MEMORY, &lock_memory) < 0 ||
        take_trace(context, endpoint, s) < 0)
    {
        return -1;
    }
    s->message_retries = (uint32_t)retries;
    s->invoker = 0 != invoker;
    s->fault_guard = 0 != fault_guard;
    s->lock_memory = 0 != lock_memory;
    s->idle = (tpi_idle_kind_t)idle;
    s->agent_cpu = (int32_t)agent_cpu;
    s->error_handler = NULL == context ? NULL : context->error_handler;
    s->error_clientd = NULL == context ? NULL : context->error_clientd;
    return 0;
}

/* ---- setters ------------------------------------------------------------------------------------------------------------ */

static int set_text(tp_context_t *context, setting_t id, const char *text)
{
    int64_t number;
    if (NULL == context) { TPI_SET_ERR(TP_EINVAL, "context is NULL"); return -1; }
    char *copy = NULL;
    if (NULL != text && '\0' != *text)
    {
        if (parse(rows[id].kind, text, &number) < 0)
        {
            TPI_SET_ERR(TP_EINVAL, "%s = '%.200s', allowed: %s", rows[id].name, text, allowed(rows[id].kind));
            return -1;
        }
        copy = tpi_strdup(text);
        if (NULL == copy) { return -1; }
    }
    tpi_free(context->set[id]);
    context->set[id] = copy;
    return 0;
}

static int set_stream(tp_context_t *context, setting_t channel, const char *text, int32_t stream_id)
{
    char digits[16];
    if (stream_id < 0)
    {
        TPI_SET_ERR(TP_EINVAL, "%s = %" PRId32 ", allowed: 1..2147483647, or 0 for the default", rows[channel + 1].name, stream_id);
        return -1;
    }
    if (set_text(context, channel, text) < 0) { return -1; }
    (void)snprintf(digits, sizeof(digits), "%" PRId32, stream_id);
    return set_text(context, (setting_t)(channel + 1), 0 == stream_id ? NULL : digits);
}

static int set_duration(tp_context_t *context, setting_t id, int64_t ns)
{
    char text[32];
    (void)snprintf(text, sizeof(text), "%" PRId64 "ns", ns);
    return set_text(context, id, text);
}

int tp_context_set_aeron_dir(tp_context_t *context, const char *dir) { return set_text(context, AERON_DIR, dir); }
int tp_context_set_client_name(tp_context_t *context, const char *name) { return set_text(context, CLIENT_NAME, name); }
int tp_context_set_driver_instance(tp_context_t *context, const char *instance_id) { return set_text(context, DRIVER_INSTANCE, instance_id); }
int tp_context_set_control(tp_context_t *context, const char *channel, int32_t id) { return set_stream(context, CONTROL_CHANNEL, channel, id); }
int tp_context_set_announce(tp_context_t *context, const char *channel, int32_t id) { return set_stream(context, ANNOUNCE_CHANNEL, channel, id); }
int tp_context_set_descriptor(tp_context_t *context, const char *channel, int32_t id) { return set_stream(context, DESCRIPTOR_CHANNEL, channel, id); }
int tp_context_set_qos(tp_context_t *context, const char *channel, int32_t id) { return set_stream(context, QOS_CHANNEL, channel, id); }
int tp_context_set_metadata(tp_context_t *context, const char *channel, int32_t id) { return set_stream(context, METADATA_CHANNEL, channel, id); }
int tp_context_set_discovery(tp_context_t *context, const char *channel, int32_t id) { return set_stream(context, DISCOVERY_CHANNEL, channel, id); }

int tp_context_set_discovery_response(tp_context_t *context, const char *channel, int32_t id)
{
    return set_stream(context, RESPONSE_CHANNEL, channel, id);
}

int tp_context_set_default_channels(tp_context_t *context)
{
    static const int32_t ids[] = { 1000, 1000, 1100, 1200, 1300 };         /* W-198 */
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
    {
        if (set_stream(context, (setting_t)(CONTROL_CHANNEL + 2 * i), IPC, ids[i]) < 0) { return -1; }
    }
    return 0;
}

int tp_context_add_allowed_base_dir(tp_context_t *context, const char *dir)
{
    if (NULL == context || NULL == dir || '/' != dir[0] || NULL != strchr(dir, ':'))
    {
        TPI_SET_ERR(TP_EINVAL, "allowed base directory = '%s', allowed: an absolute path without ':'", NULL == dir ? "" : dir);
        return -1;
    }
    const char *before = context->set[BASE_DIRS];
    size_t count = 1;
    for (const char *at = before; NULL != at && NULL != (at = strchr(at, ':')); at++) { count++; }
    if (NULL != before && count >= 16)
    {
        TPI_SET_ERR(TP_EFULL, "16 allowed base directories are set already");
        return -1;
    }
    char *joined = NULL == before ? tpi_strdup(dir) : tpi_asprintf("%s:%s", before, dir);
    if (NULL == joined) { return -1; }
    const int rc = set_text(context, BASE_DIRS, joined);
    tpi_free(joined);
    return rc;
}

int tp_context_set_driver_timeout_ns(tp_context_t *context, int64_t ns) { return set_duration(context, DRIVER_TIMEOUT, ns); }
int tp_context_set_keepalive_interval_ns(tp_context_t *context, int64_t ns) { return set_duration(context, KEEPALIVE_INTERVAL, ns); }
int tp_context_set_message_timeout_ns(tp_context_t *context, int64_t ns) { return set_duration(context, MESSAGE_TIMEOUT, ns); }
int tp_context_set_announce_period_ns(tp_context_t *context, int64_t ns) { return set_duration(context, ANNOUNCE_PERIOD, ns); }
int tp_context_set_qos_interval_ns(tp_context_t *context, int64_t ns) { return set_duration(context, QOS_INTERVAL, ns); }
int tp_context_set_data_source_announce_period_ns(tp_context_t *context, int64_t ns) { return set_duration(context, SOURCE_PERIOD, ns); }

int tp_context_set_message_retries(tp_context_t *context, uint32_t retries)
{
    char text[16];
    (void)snprintf(text, sizeof(text), "%" PRIu32, retries);
    return set_text(context, MESSAGE_RETRIES, text);
}

int tp_context_set_lock_memory(tp_context_t *context, bool lock) { return set_text(context, LOCK_MEMORY, lock ? "true" : "false"); }
int tp_context_set_fault_guard(tp_context_t *context, bool guard) { return set_text(context, FAULT_GUARD, guard ? "true" : "false"); }
int tp_context_set_use_agent_invoker(tp_context_t *context, bool invoker) { return set_text(context, INVOKER, invoker ? "true" : "false"); }
int tp_context_set_idle_strategy(tp_context_t *context, const char *name) { return set_text(context, IDLE_STRATEGY, name); }

int tp_context_set_agent_cpu(tp_context_t *context, int32_t cpu)
{
    char text[16];
    (void)snprintf(text, sizeof(text), "%" PRId32, cpu);
    return set_text(context, AGENT_CPU, -1 == cpu ? "any" : text);
}

int tp_context_set_trace(tp_context_t *context, bool trace) { return set_text(context, TRACE, trace ? "true" : "false"); }

int tp_context_set_trace_node_id(tp_context_t *context, uint32_t node_id)
{
    char text[16];
    (void)snprintf(text, sizeof(text), "%" PRIu32, node_id);
    return set_text(context, TRACE_NODE_ID, TP_NULL_U32 == node_id ? NULL : text);
}

int tp_context_set_trace_layout(tp_context_t *context, const tp_trace_layout_t *layout)
{
    static const setting_t ids[] = { TRACE_NODE_BITS, TRACE_SEQUENCE_BITS, TRACE_OFFSET };
    char texts[3][24];
    if (NULL != layout)
    {
        const tpi_trace_layout_t l = { layout->node_bits, layout->sequence_bits, layout->offset_ms };
        if (tpi_trace_layout_check(&l) < 0) { return -1; }
        (void)snprintf(texts[0], sizeof(texts[0]), "%" PRIu32, l.node_bits);
        (void)snprintf(texts[1], sizeof(texts[1]), "%" PRIu32, l.sequence_bits);
        (void)snprintf(texts[2], sizeof(texts[2]), "%" PRId64, l.offset_ms);
    }
    for (size_t i = 0; i < 3; i++)
    {
        if (set_text(context, ids[i], NULL == layout ? NULL : texts[i]) < 0) { return -1; }
    }
    return 0;
}

int tp_context_set_error_handler(tp_context_t *context, tp_error_handler_t handler, void *clientd)
{
    if (NULL == context) { TPI_SET_ERR(TP_EINVAL, "context is NULL"); return -1; }
    context->error_handler = handler;
    context->error_clientd = clientd;
    return 0;
}

/* ---- getters: what a client would use now ------------------------------------------------------------------------------- */

static void cut(char *target, size_t size, const char *text)
{
    const size_t length = strnlen(text, size - 1);
    memcpy(target, text, length);
    target[length] = '\0';
}

static bool fixed_aeron_dir(const tp_context_t *context, char *dir, size_t size)
{
    value_t value;
    int64_t number = 0;
    const char *name = NULL;
    const bool is_given = (NULL != context && NULL != context->set[AERON_DIR]) || NULL != variable_of(AERON_DIR, &name);
    if (!is_given) { return false; }                       /* the default is the user's name, for which files are read */
    if (resolve(context, NULL, AERON_DIR, &value, &number) < 0) { return false; }
    cut(dir, size, value.text);
    return true;
}

static void wanted_instance(const tp_context_t *context, char *instance, size_t size)
{
    value_t value;
    int64_t number = 0;
    const bool found = 0 == resolve(context, NULL, DRIVER_INSTANCE, &value, &number);
    cut(instance, size, found ? value.text : "");
}

typedef struct search
{
    const char *aeron_dir;
    const char *instance;
    tpi_endpoint_t *found;
    bool done;
}
search_t;

static void match_dir(void *clientd, const tpi_endpoint_t *endpoint, bool alive)
{
    search_t *search = clientd;
    if (search->done || !alive || 0 != strcmp(endpoint->aeron_dir, search->aeron_dir)) { return; }
    if ('\0' != search->instance[0] && 0 != strcmp(endpoint->instance_id, search->instance)) { return; }
    *search->found = *endpoint;
    search->done = true;
}

/* A directory given by setter or environment wins: only a driver on that media driver counts then. */
int tpi_context_find_driver(const tp_context_t *context, tpi_endpoint_t *endpoint)
{
    char dir[TPI_CHANNEL_MAX];
    char instance[128];
    const bool fixed = fixed_aeron_dir(context, dir, sizeof(dir));
    wanted_instance(context, instance, sizeof(instance));
    if (!fixed) { return tpi_endpoint_find(endpoint, '\0' == instance[0] ? NULL : instance); }
    search_t search = { .aeron_dir = dir, .instance = instance, .found = endpoint, .done = false };
    const int rc = tpi_endpoint_foreach(match_dir, &search);
    if (search.done) { return 0; }
    return rc < 0 && TP_ENOMEM == tp_errcode() ? -1 : 1;
}

static const tpi_endpoint_t *running_driver(const tp_context_t *context, tpi_endpoint_t *endpoint)
{
    return 0 == tpi_context_find_driver(context, endpoint) ? endpoint : NULL;
}

static const tpi_settings_t *effective(const tp_context_t *context)
{
    static const tpi_settings_t none;
    if (NULL == context) { return &none; }
    tpi_endpoint_t *endpoint = tpi_alloc(sizeof(*endpoint));
    if (NULL == endpoint) { return &none; }
    tpi_settings_t *next = tpi_alloc(sizeof(*next));
    if (NULL != next && 0 == tpi_context_resolve(context, running_driver(context, endpoint), next)) { context->cache->settings = *next; }
    tpi_free(next);
    tpi_free(endpoint);
    return &context->cache->settings;
}

const char *tp_context_get_aeron_dir(const tp_context_t *context) { return effective(context)->aeron_dir; }
const char *tp_context_get_client_name(const tp_context_t *context) { return effective(context)->client_name; }
const char *tp_context_get_driver_instance(const tp_context_t *context) { return effective(context)->driver_instance; }
const char *tp_context_get_control_channel(const tp_context_t *context) { return effective(context)->control.channel; }
int32_t tp_context_get_control_stream_id(const tp_context_t *context) { return effective(context)->control.stream_id; }
const char *tp_context_get_announce_channel(const tp_context_t *context) { return effective(context)->announce.channel; }
int32_t tp_context_get_announce_stream_id(const tp_context_t *context) { return effective(context)->announce.stream_id; }
const char *tp_context_get_descriptor_channel(const tp_context_t *context) { return effective(context)->descriptor.channel; }
int32_t tp_context_get_descriptor_stream_id(const tp_context_t *context) { return effective(context)->descriptor.stream_id; }
const char *tp_context_get_qos_channel(const tp_context_t *context) { return effective(context)->qos.channel; }
int32_t tp_context_get_qos_stream_id(const tp_context_t *context) { return effective(context)->qos.stream_id; }
const char *tp_context_get_metadata_channel(const tp_context_t *context) { return effective(context)->metadata.channel; }
int32_t tp_context_get_metadata_stream_id(const tp_context_t *context) { return effective(context)->metadata.stream_id; }
const char *tp_context_get_discovery_channel(const tp_context_t *context) { return effective(context)->discovery.channel; }
int32_t tp_context_get_discovery_stream_id(const tp_context_t *context) { return effective(context)->discovery.stream_id; }
const char *tp_context_get_discovery_response_channel(const tp_context_t *context) { return effective(context)->discovery_response.channel; }
int32_t tp_context_get_discovery_response_stream_id(const tp_context_t *context) { return effective(context)->discovery_response.stream_id; }
int64_t tp_context_get_driver_timeout_ns(const tp_context_t *context) { return effective(context)->driver_timeout_ns; }
int64_t tp_context_get_keepalive_interval_ns(const tp_context_t *context) { return effective(context)->keepalive_interval_ns; }
int64_t tp_context_get_message_timeout_ns(const tp_context_t *context) { return effective(context)->message_timeout_ns; }
uint32_t tp_context_get_message_retries(const tp_context_t *context) { return effective(context)->message_retries; }
int64_t tp_context_get_announce_period_ns(const tp_context_t *context) { return effective(context)->announce_period_ns; }
int64_t tp_context_get_qos_interval_ns(const tp_context_t *context) { return effective(context)->qos_interval_ns; }
int64_t tp_context_get_data_source_announce_period_ns(const tp_context_t *context) { return effective(context)->source_period_ns; }
bool tp_context_get_lock_memory(const tp_context_t *context) { return effective(context)->lock_memory; }
bool tp_context_get_fault_guard(const tp_context_t *context) { return effective(context)->fault_guard; }
bool tp_context_get_use_agent_invoker(const tp_context_t *context) { return effective(context)->invoker; }
const char *tp_context_get_idle_strategy(const tp_context_t *context) { return tpi_idle_kind_name(effective(context)->idle); }
int32_t tp_context_get_agent_cpu(const tp_context_t *context) { return effective(context)->agent_cpu; }

bool tp_context_get_trace(const tp_context_t *context) { return effective(context)->trace; }
uint32_t tp_context_get_trace_node_id(const tp_context_t *context) { return effective(context)->trace_node_id; }

int tp_context_describe(tp_context_t *context, tp_setting_handler_t handler, void *clientd)
{
    if (NULL == handler) { TPI_SET_ERR(TP_EINVAL, "handler is NULL"); return -1; }
    tpi_endpoint_t *endpoint = tpi_alloc(sizeof(*endpoint));
    if (NULL == endpoint) { return -1; }
    const tpi_endpoint_t *found = running_driver(context, endpoint);
    int rc = 0;
    for (setting_t id = 0; id < SETTINGS && 0 == rc; id++)
    {
        value_t value;
        int64_t number = 0;
        rc = resolve(context, found, id, &value, &number);
        if (rc < 0) { break; }
        if (DURATION == rows[id].kind)
        {
            if (0 == number % TPI_NS_PER_MS) { (void)snprintf(value.text, sizeof(value.text), "%" PRId64 "ms", number / TPI_NS_PER_MS); }
            else { (void)snprintf(value.text, sizeof(value.text), "%" PRId64 "ns", number); }
        }
        handler(clientd, rows[id].name, value.text, value.source);
    }
    tpi_free(endpoint);
    return rc;
}
