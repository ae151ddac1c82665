/* Settings of one consumer. Used by one thread until tp_consumer_init copies them. */
#include <inttypes.h>
#include <string.h>

#include "client/consumer_state.h"
#include "common/alloc.h"
#include "common/clock.h"
#include "common/err.h"

#define DEFAULT_ATTACH_TIMEOUT_NS (5 * TPI_NS_PER_S)

int tp_consumer_context_init(tp_consumer_context_t **context)
{
    if (NULL == context) { TPI_SET_ERR(TP_EINVAL, "context is NULL"); return -1; }
    tp_consumer_context_t *c = tpi_alloc(sizeof(*c));
    if (NULL == c) { return -1; }
    c->publish_mode = TP_PUBLISH_EXISTING_OR_CREATE;
    c->hugepages = TP_HUGEPAGES_UNSPECIFIED;
    c->mode = TP_MODE_STREAM;
    c->max_gap = TPI_FOLLOW_DEFAULT_MAX_GAP;
    c->ring_recovery = true;
    c->progress_interval_us = TP_NULL_U32;
    c->progress_bytes_delta = TP_NULL_U32;
    c->progress_major_delta = TP_NULL_U32;
    c->hello_interval_ns = TPI_NS_PER_S;
    c->attach_timeout_ns = DEFAULT_ATTACH_TIMEOUT_NS;
    *context = c;
    return 0;
}

void tp_consumer_context_close(tp_consumer_context_t *context) { tpi_free(context); }

static int check(const tp_consumer_context_t *context, bool good, const char *what, int64_t value, const char *bound)
{
    if (NULL == context) { TPI_SET_ERR(TP_EINVAL, "context is NULL"); return -1; }
    if (!good) { TPI_SET_ERR(TP_EINVAL, "%s = %" PRId64 ", allowed: %s", what, value, bound); return -1; }
    return 0;
}

int tp_consumer_context_set_stream_id(tp_consumer_context_t *context, uint32_t stream_id)
{
    if (check(context, TP_NULL_U32 != stream_id, "stream_id", stream_id, "0..4294967294") < 0) { return -1; }
    context->stream_id = stream_id;
    return 0;
}

int tp_consumer_context_set_client_id(tp_consumer_context_t *context, uint32_t client_id)
{
    if (check(context, true, "client_id", client_id, "") < 0) { return -1; }
    context->client_id = client_id;
    return 0;
}

int tp_consumer_context_set_publish_mode(tp_consumer_context_t *context, int mode)
{
    const bool good = TP_PUBLISH_REQUIRE_EXISTING == mode || TP_PUBLISH_EXISTING_OR_CREATE == mode || TP_PUBLISH_ABSENT == mode;
    if (check(context, good, "publish_mode", mode, "1, 2, 255") < 0) { return -1; }
    context->publish_mode = (uint8_t)mode;
    return 0;
}

int tp_consumer_context_set_hugepages(tp_consumer_context_t *context, int policy)
{
    if (check(context, policy >= TP_HUGEPAGES_UNSPECIFIED && policy <= TP_HUGEPAGES_REQUIRED, "hugepages", policy, "0, 1, 2") < 0) { return -1; }
    context->hugepages = (uint8_t)policy;
    return 0;
}

int tp_consumer_context_set_attach_timeout_ns(tp_consumer_context_t *context, int64_t timeout_ns)
{
    if (check(context, timeout_ns >= 0, "attach_timeout_ns", timeout_ns, "0 or more") < 0) { return -1; }
    context->attach_timeout_ns = timeout_ns;
    return 0;
}

int tp_consumer_context_set_mode(tp_consumer_context_t *context, int mode, uint32_t max_rate_hz)
{
    if (check(context, TP_MODE_STREAM == mode || TP_MODE_RATE_LIMITED == mode, "mode", mode, "1 (stream), 2 (rate limited)") < 0) { return -1; }
    context->mode = (uint8_t)mode;
    context->max_rate_hz = max_rate_hz;
    return 0;
}

int tp_consumer_context_set_max_outstanding_seq_gap(tp_consumer_context_t *context, uint32_t frames)
{
    if (check(context, true, "max_outstanding_seq_gap", frames, "") < 0) { return -1; }
    context->max_gap = frames;
    return 0;
}

static int set_request(tpi_consumer_address_t *request, const char *channel, int32_t stream_id)
{
    const size_t length = NULL == channel ? 0 : strlen(channel);
    if ((0 == length) != (0 == stream_id) || stream_id < 0 || length >= sizeof(request->channel))        /* W-144 W-147 S-017: both or none */
    {
        TPI_SET_ERR(TP_EINVAL,
            "channel = '%.100s', stream_id = %" PRId32 ", allowed: both or neither, channel below %zu bytes, stream_id 1..2147483647",
            NULL == channel ? "" : channel, stream_id, sizeof(request->channel));
        return -1;
    }
    memset(request, 0, sizeof(*request));
    if (0 != length) { memcpy(request->channel, channel, length); }
    request->stream_id = stream_id;
    return 0;
}

int tp_consumer_context_set_descriptor_request(tp_consumer_context_t *context, const char *channel, int32_t stream_id)
{
    if (check(context, true, "stream_id", stream_id, "") < 0) { return -1; }
    return set_request(&context->descriptor_request, channel, stream_id);
}

int tp_consumer_context_set_control_request(tp_consumer_context_t *context, const char *channel, int32_t stream_id)
{
    if (check(context, true, "stream_id", stream_id, "") < 0) { return -1; }
    return set_request(&context->control_request, channel, stream_id);
}

int tp_consumer_context_set_progress_hints(tp_consumer_context_t *context, uint32_t interval_us, uint32_t bytes_delta, uint32_t major_delta_units)
{
    if (check(context, true, "interval_us", interval_us, "") < 0) { return -1; }
    context->progress_interval_us = interval_us;
    context->progress_bytes_delta = bytes_delta;
    context->progress_major_delta = major_delta_units;
    return 0;
}

int tp_consumer_context_set_latency(tp_consumer_context_t *context, bool record)
{
    if (check(context, true, "latency", record, "") < 0) { return -1; }
    context->latency = record;
    return 0;
}

int tp_consumer_context_set_driverless(tp_consumer_context_t *context, bool driverless)
{
    if (check(context, true, "driverless", driverless, "") < 0) { return -1; }
    context->driverless = driverless;
    return 0;
}

int tp_consumer_context_set_newest_only(tp_consumer_context_t *context, bool newest_only)
{
    if (check(context, true, "newest_only", newest_only, "") < 0) { return -1; }
    context->newest_only = newest_only;
    return 0;
}

int tp_consumer_context_set_ring_recovery(tp_consumer_context_t *context, bool recover)
{
    if (check(context, true, "ring_recovery", recover, "") < 0) { return -1; }
    context->ring_recovery = recover;
    return 0;
}

int tp_consumer_context_set_follow_ring(tp_consumer_context_t *context, bool follow)
{
    if (check(context, true, "follow_ring", follow, "") < 0) { return -1; }
    context->follow_ring = follow;
    return 0;
}

int tp_consumer_context_set_supports_shm(tp_consumer_context_t *context, bool supports)
{
    if (check(context, true, "supports_shm", supports, "") < 0) { return -1; }
    context->no_shm = !supports;
    return 0;
}

int tp_consumer_context_set_hello_interval_ns(tp_consumer_context_t *context, int64_t interval_ns)
{
    const bool good = interval_ns >= TPI_TICK_NS && interval_ns <= INT64_C(3600) * TPI_NS_PER_S;
    if (check(context, good, "hello_interval_ns", interval_ns, "20 ms to an hour") < 0) { return -1; }
    context->hello_interval_ns = interval_ns;
    return 0;
}

int tp_consumer_context_set_event_handler(tp_consumer_context_t *context, tp_consumer_event_handler_t handler, void *clientd)
{
    if (check(context, true, "handler", 0, "") < 0) { return -1; }
    context->on_event = handler;
    context->event_clientd = clientd;
    return 0;
}
