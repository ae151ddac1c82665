/*
 * The provider's life: inputs from the configuration, duty cycle, end. Work of one cycle is bounded: so many messages of each input, one walk over
 * the index for each request, one look at each response endpoint.
 */
#include <string.h>

#include "bus/channel.h"
#include "common/alloc.h"
#include "common/clock.h"
#include "common/token.h"
#include "discovery/discovery_state.h"

#define RESPONDERS_MAX 2048
#define ANSWERS_MAX 64
#define BYTES_MAX ((size_t)64 << 20)
#define REQUESTS_MAX 32
#define MESSAGES_MAX 256
#define SWEEP_PERIOD_NS (250 * TPI_NS_PER_MS)

/* ---- start ----------------------------------------------------------------------------------------------------------------- */

static void set_defaults(tpi_provider_options_t *options)
{
    if (0 == options->publications_max) { options->publications_max = TPI_PROVIDER_PUBLICATIONS_MAX; }
    if (0 == options->responders_max) { options->responders_max = RESPONDERS_MAX; }
    if (0 == options->answers_max) { options->answers_max = ANSWERS_MAX; }
    if (0 == options->bytes_max) { options->bytes_max = BYTES_MAX; }
    if (0 == options->requests_max) { options->requests_max = REQUESTS_MAX; }
    if (0 == options->messages_max) { options->messages_max = MESSAGES_MAX; }
}

static tpi_discovery_sight_t ask_policy(void *clientd, uint32_t client_id, const tpc_discovery_result_t *result)
{
    tpi_provider_t *const provider = clientd;
    const tp_discovery_provider_stream_t stream = { .size = sizeof(stream), .stream_id = result->stream_id, .producer_id = result->producer_id,
        .tag_count = result->tag_count, .epoch = result->epoch, .data_source_id = result->data_source_id,
        .data_source_name = result->data_source_name.data, .data_source_name_length = result->data_source_name.length,
        .driver_instance_id = result->driver_instance_id.data, .driver_instance_id_length = result->driver_instance_id.length };
    switch (provider->policy(provider->policy_clientd, client_id, &stream))          /* X-047 X-048: all the id is used for, besides the log */
    {
        case TP_DISCOVERY_PROVIDER_SHOW: return TPI_DISCOVERY_SHOWN;
        case TP_DISCOVERY_PROVIDER_DENY: return TPI_DISCOVERY_DENIED;
        default: return TPI_DISCOVERY_HIDDEN;
    }
}

void tpi_provider_set_policy(tpi_provider_t *provider, tp_discovery_provider_policy_t policy, void *clientd)
{
    provider->policy = policy;
    provider->policy_clientd = clientd;
    tpi_discovery_query_set_policy(provider->query, NULL == policy ? NULL : ask_policy, provider);
}

/* The input of an endpoint; a new one where nobody listens there yet. */
static tpi_input_t *input_of(tpi_provider_t *provider, const char *channel, uint32_t stream_id)
{
    for (size_t i = 0; i < provider->input_count; i++)
    {
        tpi_input_t *const input = &provider->inputs[i];
        if (stream_id == input->stream_id && 0 == strcmp(channel, input->channel)) { return input; }
    }
    tpi_input_t *const input = &provider->inputs[provider->input_count];
    *input = (tpi_input_t){ .provider = provider, .channel = channel, .stream_id = stream_id };
    input->namers = tpi_alloc_array(provider->config.source_count, sizeof(*input->namers));
    if (NULL == input->namers) { return NULL; }
    provider->input_count++;
    return tpi_provider_handlers_add(input) < 0 ? NULL : input;
}

static int add_source(tpi_provider_t *provider, const tp_discovery_source_config_t *config)
{
    const tpi_discovery_source_t source = { .driver_instance_id = tpc_bytes(config->driver_instance_id),
        .control_channel = tpc_bytes(config->driver_control_channel), .control_stream_id = config->driver_control_stream_id,
        .announce_period_ms = config->announce_period_ms, .is_remote = !tpi_channel_is_ipc(config->announce_channel) };       /* O-20 */
    uint32_t id = 0;
    if (tpi_discovery_index_add_source(provider->index, &source, &id) < 0) { return -1; }
    tpi_input_t *const announces = input_of(provider, config->announce_channel, config->announce_stream_id);
    tpi_input_t *const names = NULL == announces ? NULL : input_of(provider, config->metadata_channel, config->metadata_stream_id);
    if (NULL == names) { return -1; }
    announces->takes_announces = true;
    announces->announcer = id;
    names->namers[names->namer_count++] = id;
    return 0;
}

static int add_streams(tpi_provider_t *provider)
{
    tpc_bytes_t tags[TP_DISCOVERY_PROVIDER_TAGS_MAX];
    for (uint32_t i = 0; i < provider->config.stream_count; i++)
    {
        const tp_discovery_stream_config_t *const stream = &provider->config.streams[i];
        for (uint32_t k = 0; k < stream->tag_count; k++) { tags[k] = tpc_bytes(stream->tags[k]); }
        if (tpi_discovery_index_set_stream(provider->index, stream->stream_id, stream->data_source_id, tags, stream->tag_count) < 0) { return -1; }
    }
    return 0;
}

static int add_inputs(tpi_provider_t *provider)
{
    const tp_discovery_provider_config_t *const config = &provider->config;
    provider->inputs = tpi_alloc_array((size_t)config->source_count * 2 + 1, sizeof(*provider->inputs));
    if (NULL == provider->inputs) { return -1; }
    for (uint32_t i = 0; i < config->source_count; i++)
    {
        if (add_source(provider, &config->sources[i]) < 0) { return -1; }
    }
    tpi_input_t *const requests = input_of(provider, config->request_channel, config->request_stream_id);
    if (NULL == requests) { return -1; }
    requests->takes_requests = true;
    return 0;
}

/* A stalled provider shall not hold up those who publish: what it misses is announced, and asked for, again (trap A6). */
static int open_inputs(tpi_provider_t *provider)
{
    for (size_t i = 0; i < provider->input_count; i++)
    {
        tpi_input_t *const input = &provider->inputs[i];
        const tpi_subscription_config_t config = { .channel = input->channel, .stream_id = (int32_t)input->stream_id, .untethered = true };
        if (tpi_bus_add_subscription(provider->bus, &input->async, &config) < 0) { return -1; }      /* it only listens, replicas do too */
    }
    return 0;
}

static void warn_of_silence(const tp_discovery_provider_config_t *config)
{
    bool any_udp = false;
    for (uint32_t i = 0; i < config->allowed_count; i++)
    {
        any_udp = any_udp || 0 == strncmp(config->allowed_response_channels[i], "aeron:udp", 9);
    }
    if (any_udp || (tpi_channel_is_ipc(config->request_channel) && 0 != config->allowed_count)) { return; }
    TPI_LOG_WARN(TP_ECONF_RULE, "discovery.allowed_response_channels lists no %schannel: who asks on '%s' will get no answer",
        0 == config->allowed_count ? "" : "UDP ", config->request_channel);
}

static int start(tpi_provider_t *provider)
{
    const tpi_discovery_limits_t limits = TPI_DISCOVERY_LIMITS_INIT;
    for (uint32_t i = 0; i < provider->config.allowed_count; i++) { provider->allowed[i] = provider->config.allowed_response_channels[i]; }
    const tpi_discovery_query_config_t query = { .allowed_channels = provider->allowed, .allowed_count = provider->config.allowed_count,
        .max_results = provider->config.max_results, .caps_results = provider->config.caps_results };
    uint64_t token = provider->options.instance_token;
    if (tpi_token_make(&token, "provider") < 0 || tpi_discovery_index_create(&provider->index, &limits) < 0 ||
        tpi_discovery_query_create(&provider->query, &query) < 0 || tpi_provider_counters_init(provider, token) < 0)
    {
        return -1;
    }
    if (add_inputs(provider) < 0 || add_streams(provider) < 0) { return -1; }
    warn_of_silence(&provider->config);
    return open_inputs(provider);
}

int tpi_provider_create(tpi_provider_t **provider, const tp_discovery_provider_config_t *config, tpi_bus_t *bus,
    const tpi_provider_options_t *options)
{
    if (tp_discovery_provider_config_check(config) < 0) { return -1; }               /* */
    tpi_provider_t *const p = tpi_alloc(sizeof(*p));
    if (NULL == p) { return -1; }
    if (tpi_discovery_config_copy(&p->config, config) < 0)
    {
        tpi_free(p);
        return -1;
    }
    if (NULL != options) { p->options = *options; }
    set_defaults(&p->options);
    p->bus = bus;
    if (start(p) < 0)
    {
        tpi_err_t error;
        tpi_err_save(&error);
        tpi_provider_delete(p);
        tpi_err_restore(&error);
        return -1;
    }
    *provider = p;
    return 0;
}

int tpi_provider_is_ready(tpi_provider_t *provider)
{
    int ready = 1;
    for (size_t i = 0; i < provider->input_count; i++)
    {
        tpi_input_t *const input = &provider->inputs[i];
        if (NULL != input->async)
        {
            const int rc = tpi_bus_add_subscription_poll(input->async, &input->subscription);
            if (0 != rc) { input->async = NULL; }
            if (rc < 0)
            {
                tpi_err_prefix("discovery, channel '%s', stream id %u: ", input->channel, input->stream_id);
                return -1;
            }
        }
        if (NULL == input->subscription) { ready = 0; }
    }
    return ready;
}

/* ---- duty cycle ------------------------------------------------------------------------------------------------------------ */

static int poll_input(tpi_provider_t *provider, tpi_input_t *input)
{
    const int limit = input->takes_requests ? provider->options.requests_max : provider->options.messages_max;
    const int n = tpi_dispatcher_poll(input->dispatcher, input->subscription, limit, provider->now.mono_ns);
    if (n >= limit && input->takes_requests) { provider->stats.limit_poll++; }
    return n > 0 ? n : 0;
}

int tpi_provider_do_work(tpi_provider_t *provider, tpi_mapping_now_t now)
{
    int work = tpi_bus_do_work(provider->bus, now.mono_ns);
    if (work < 0) { return -1; }
    provider->now = now;
    const int ready = tpi_provider_is_ready(provider);
    if (ready < 0) { return -1; }
    if (ready > 0)
    {
        for (size_t i = 0; i < provider->input_count; i++) { work += poll_input(provider, &provider->inputs[i]); }
        work += tpi_provider_proxy_work(provider);
        if (now.mono_ns - provider->sweep_ns >= SWEEP_PERIOD_NS)
        {
            provider->sweep_ns = now.mono_ns;
            work += (int)tpi_discovery_index_sweep(provider->index, now.mono_ns);    /* */
        }
    }
    tpi_provider_counters_tick(provider);
    return work;
}

bool tpi_provider_is_busy(const tpi_provider_t *provider) { return 0 != provider->waiting; }

/* ---- what the operator changes --------------------------------------------------------------------------------------------- */

int tpi_provider_set_stream(tpi_provider_t *provider, uint32_t stream_id, uint64_t data_source_id, const tpc_bytes_t *tags, uint32_t tag_count)
{
    return tpi_discovery_index_set_stream(provider->index, stream_id, data_source_id, tags, tag_count);
}

int tpi_provider_move_driver(tpi_provider_t *provider, const char *instance_id, const char *control_channel, uint32_t control_stream_id)
{
    for (uint32_t i = 0; i < provider->config.source_count; i++)
    {
        const tp_discovery_source_config_t *const config = &provider->config.sources[i];
        if (0 != strcmp(config->driver_instance_id, instance_id)) { continue; }
        const tpi_discovery_source_t source = { .driver_instance_id = tpc_bytes(instance_id), .control_channel = tpc_bytes(control_channel),
            .control_stream_id = control_stream_id, .announce_period_ms = config->announce_period_ms,
            .is_remote = !tpi_channel_is_ipc(config->announce_channel) };
        uint32_t id = 0;
        return tpi_discovery_index_add_source(provider->index, &source, &id);        /* X-074 X-080 D-199 */
    }
    TPI_SET_ERR(TP_ENOENT, "no source of this provider has the driver instance id '%s'", instance_id);
    return -1;
}

/* ---- end ------------------------------------------------------------------------------------------------------------------- */

void tpi_provider_delete(tpi_provider_t *provider)
{
    if (NULL == provider) { return; }
    tpi_provider_proxy_fini(provider);
    for (size_t i = 0; i < provider->input_count; i++)
    {
        tpi_input_t *const input = &provider->inputs[i];
        tpi_bus_async_cancel(input->async);
        tpi_subscription_close(input->subscription);
        tpi_dispatcher_delete(input->dispatcher);
        tpi_free(input->namers);
    }
    tpi_service_counters_delete(provider->counters);
    tpi_discovery_query_delete(provider->query);
    tpi_discovery_index_delete(provider->index);
    tpi_free(provider->inputs);
    tp_discovery_provider_config_fini(&provider->config);
    tpi_free(provider);
}
