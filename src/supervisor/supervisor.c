/*
 * The supervisor's life: opening of its streams, duty cycle, end. Control, announce, metadata and QoS are read to their end in each cycle, but for a
 * limit; everything that depends on time alone happens on a tick of 100 ms.
 */
#include "common/alloc.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"
#include "common/token.h"
#include "supervisor/supervisor_state.h"

#define QUEUE_MAX 4096
#define POLL_MAX 4096
#define POLL_STEP 64
#define TICK_NS (100 * TPI_NS_PER_MS)
#define NAMES_SOON_NS TPI_NS_PER_S             /* where rules look at names */
#define NAMES_LATER_NS (5 * TPI_NS_PER_S)
#define BACKLOG_PATIENCE 2                     /* staleness limits for which an endless backlog may put off the sweep */
#define LINES_PER_S 50

/* ---- start ----------------------------------------------------------------------------------------------------------------- */

static void set_inlets(tpi_supervisor_t *supervisor)
{
    const tp_supervisor_config_t *const c = &supervisor->config;
    supervisor->inlets[TPI_INLET_CONTROL] = (tpi_inlet_t){ .channel = c->control_channel, .stream_id = c->control_stream_id };
    supervisor->inlets[TPI_INLET_ANNOUNCE] = (tpi_inlet_t){ .channel = c->announce_channel, .stream_id = c->announce_stream_id };
    supervisor->inlets[TPI_INLET_METADATA] = (tpi_inlet_t){ .channel = c->metadata_channel, .stream_id = c->metadata_stream_id };
    supervisor->inlets[TPI_INLET_QOS] = (tpi_inlet_t){ .channel = c->qos_channel, .stream_id = c->qos_stream_id };
}

static void init_tables(tpi_supervisor_t *supervisor)
{
    const tp_supervisor_config_t *const c = &supervisor->config;
    const tp_id_range_t descriptor = tpi_supervisor_config_range(c, false);
    const tp_id_range_t control = tpi_supervisor_config_range(c, true);
    const tpi_private_rule_t rules[TPI_PRIVATE_KINDS] = { { c->per_consumer_descriptor_channel, descriptor.first, descriptor.last },
        { c->per_consumer_control_channel, control.first, control.last } };
    const int64_t stale_ns = (int64_t)c->consumer_stale_ms * TPI_NS_PER_MS;
    tpi_supervisor_registry_init(&supervisor->registry, c->consumer_capacity, stale_ns, rules);
    const uint32_t reserved[] = { c->control_stream_id, c->announce_stream_id, c->metadata_stream_id, c->qos_stream_id,
        TPI_SUPERVISOR_DESCRIPTOR_STREAM, c->host.descriptor_stream_id };
    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) { (void)tpi_private_reserve(&supervisor->registry.streams, reserved[i]); }
    tpi_watch_init(&supervisor->watch, c->stream_capacity, (int64_t)c->announce_period_ms * TPI_NS_PER_MS, TPI_SUPERVISOR_INTERVAL_NS);
    tpi_supervisor_health_init(supervisor);
    supervisor->tick_ns = INT64_MIN;
    supervisor->names_ns = INT64_MIN;
}

static void warn_about(const tp_supervisor_config_t *config)
{
    const char *const uri = config->payload_fallback_uri;
    if (config->force_no_shm && '\0' == uri[0])                /* OP-S-13 */
    {
        TPI_LOG_WARN(TP_ECONF_RULE, "supervisor.force_no_shm = true without supervisor.payload_fallback_uri: consumers get no payloads");
    }
    const char *const channels[] = { config->per_consumer_descriptor_channel, config->per_consumer_control_channel };
    for (size_t i = 0; i < 2; i++)
    {
        if ('\0' == channels[i][0] || tpi_hello_channel_is_allowed(tpc_bytes(channels[i]))) { continue; }
        TPI_LOG_WARN(TP_ECONF_RULE, "private streams on '%s': our producers and consumers serve aeron:ipc only and stay on the shared stream",
            channels[i]);
    }
    if (TPI_FALLBACK_UNSUPPORTED == tpi_hello_fallback(tpc_bytes(uri)))                       /* S-024 */
    {
        TPI_LOG_WARN(TP_ECONF_RULE, "supervisor.payload_fallback_uri = '%s' is neither an Aeron channel nor bridge://ID: our consumers ignore it",
            uri);
    }
}

static int open_streams(tpi_supervisor_t *supervisor)
{
    const tp_supervisor_config_t *const c = &supervisor->config;
    tpi_supervisor_proxy_init(supervisor);
    if (tpi_bus_add_publication(supervisor->bus, &supervisor->control.async, c->control_channel,
        (int32_t)c->control_stream_id) < 0) { return -1; }
    for (int role = 0; role < TPI_INLETS; role++)
    {
        tpi_inlet_t *const inlet = &supervisor->inlets[role];
        if (inlet->is_shared) { continue; }
        const tpi_subscription_config_t subscription = { .channel = inlet->channel, .stream_id = (int32_t)inlet->stream_id, .untethered = true };
        if (tpi_bus_add_subscription(supervisor->bus, &inlet->async, &subscription) < 0) { return -1; }       /* S-004 S-005 S-006 */
    }
    return 0;
}

static int start(tpi_supervisor_t *supervisor)
{
    supervisor->token = supervisor->options.instance_token;
    if (tpi_token_make(&supervisor->token, "supervisor") < 0) { return -1; }
    set_inlets(supervisor);
    init_tables(supervisor);
    tpi_supervisor_open_bases(supervisor);
    warn_about(&supervisor->config);
    if (tpi_supervisor_handlers_init(supervisor) < 0) { return -1; }
    return tpi_supervisor_counters_init(supervisor) < 0 ? -1 : open_streams(supervisor);
}

int tpi_supervisor_create(tpi_supervisor_t **supervisor, const tp_supervisor_config_t *config, tpi_bus_t *bus,
    const tpi_supervisor_options_t *options)
{
    if (tp_supervisor_config_check(config) < 0) { return -1; }
    tpi_supervisor_t *const s = tpi_alloc(sizeof(*s));
    if (NULL == s) { return -1; }
    if (tpi_supervisor_config_copy(&s->config, config) < 0)
    {
        tpi_free(s);
        return -1;
    }
    if (NULL != options) { s->options = *options; }
    if (0 == s->options.queue_max) { s->options.queue_max = QUEUE_MAX; }
    if (0 == s->options.poll_max) { s->options.poll_max = POLL_MAX; }
    if (NULL == s->options.realtime_ns) { s->options.realtime_ns = tpi_clock_realtime_ns; }
    s->bus = bus;
    if (start(s) < 0)
    {
        tpi_err_t error;
        tpi_err_save(&error);
        tpi_supervisor_delete(s);
        tpi_err_restore(&error);
        return -1;
    }
    *supervisor = s;
    return 0;
}

void tpi_supervisor_set_hooks(tpi_supervisor_t *supervisor, const tp_supervisor_hooks_t *hooks)
{
    const size_t size = hooks->size < sizeof(supervisor->hooks) ? hooks->size : sizeof(supervisor->hooks);
    memset(&supervisor->hooks, 0, sizeof(supervisor->hooks));
    memcpy(&supervisor->hooks, hooks, size);
}

/* 0 pending, 1 open, -1 refused. */
static int poll_inlet(tpi_inlet_t *inlet)
{
    if (inlet->is_shared || NULL != inlet->subscription) { return 1; }
    if (NULL == inlet->async) { return 0; }
    const int rc = tpi_bus_add_subscription_poll(inlet->async, &inlet->subscription);
    if (0 != rc) { inlet->async = NULL; }
    return rc;
}

int tpi_supervisor_is_ready(tpi_supervisor_t *supervisor)
{
    const int control = tpi_outbox_open_poll(&supervisor->control);
    if (control < 0) { return -1; }
    bool is_open = control > 0;
    for (int role = 0; role < TPI_INLETS; role++)
    {
        const int rc = poll_inlet(&supervisor->inlets[role]);
        if (rc < 0) { return -1; }
        is_open = is_open && rc > 0;
    }
    return is_open ? 1 : 0;
}

/* ---- duty cycle ------------------------------------------------------------------------------------------------------------ */

bool tpi_supervisor_may_log(tpi_supervisor_t *supervisor)
{
    if (supervisor->now_ns - supervisor->log_since_ns >= TPI_NS_PER_S)
    {
        if (0 != supervisor->log_left_out)
        {
            TPI_LOG_WARN(0, "%llu lines of the supervisor were left out", (unsigned long long)supervisor->log_left_out);
        }
        supervisor->log_since_ns = supervisor->now_ns;
        supervisor->log_count = 0;
        supervisor->log_left_out = 0;
    }
    if (supervisor->log_count < LINES_PER_S)
    {
        supervisor->log_count++;
        return true;
    }
    supervisor->log_left_out++;
    return false;
}

static int read_inlet(tpi_supervisor_t *supervisor, tpi_inlet_t *inlet, bool *is_at_end)
{
    int work = 0;
    int n = 0;
    do
    {
        n = tpi_dispatcher_poll(inlet->dispatcher, inlet->subscription, POLL_STEP, supervisor->now_ns);
        if (n > 0) { work += n; }
    }
    while (n > 0 && work < supervisor->options.poll_max);
    if (n > 0) { *is_at_end = false; }
    return work;
}

/* The end of all streams is not always reached: signs of life may lie unread, and nobody is judged silent before they were read. */
static int read_all(tpi_supervisor_t *supervisor, bool *may_sweep)
{
    int work = 0;
    bool is_at_end = true;
    for (int role = 0; role < TPI_INLETS; role++)
    {
        tpi_inlet_t *const inlet = &supervisor->inlets[role];
        if (!inlet->is_shared) { work += read_inlet(supervisor, inlet, &is_at_end); }
    }
    if (is_at_end) { supervisor->backlog_since_ns = 0; }
    else if (0 == supervisor->backlog_since_ns) { supervisor->backlog_since_ns = supervisor->now_ns; }
    const int64_t patience_ns = BACKLOG_PATIENCE * supervisor->registry.stale_ns;
    *may_sweep = is_at_end || supervisor->now_ns - supervisor->backlog_since_ns > patience_ns;
    return work;
}

static int sweep(tpi_supervisor_t *supervisor)
{
    int work = 0;
    tpi_supervised_t *record = NULL;
    while (NULL != (record = tpi_supervisor_registry_stale(&supervisor->registry, supervisor->now_ns)))
    {
        TPI_LOG_DEBUG("stream %u: consumer %u is silent and forgotten", record->stream_id, record->consumer_id);
        supervisor->stats.expired++;
        tpi_supervisor_drop_consumer(supervisor, record);
        work++;
    }
    return work;
}

static void look_at_leases(tpi_supervisor_t *supervisor)
{
    const tp_supervisor_hooks_t *const hooks = &supervisor->hooks;
    if (NULL == hooks->has_lease) { return; }
    tpi_supervised_t *record = NULL;
    tpi_supervised_t *next = NULL;
    HASH_ITER(hh, supervisor->registry.by_key, record, next)
    {
        if (!record->has_lease || hooks->has_lease(hooks->clientd, record->stream_id, record->consumer_id)) { continue; }
        tpi_supervised_set_lease(&supervisor->registry, record, false);                       /* S-073 */
    }
}

static int tick(tpi_supervisor_t *supervisor, bool may_sweep)
{
    const int64_t now_ns = supervisor->now_ns;
    if (now_ns < supervisor->tick_ns) { return 0; }
    int work = 0;
    supervisor->tick_ns = now_ns + TICK_NS;                                                   /* OP-S-14 */
    look_at_leases(supervisor);
    tpi_supervisor_regions_tick(supervisor);
    if (may_sweep)
    {
        work += sweep(supervisor);
        tpi_watch_tick(&supervisor->watch, now_ns, tpi_supervisor_on_gone, supervisor);
        tpi_supervisor_health_tick(supervisor);
    }
    if (now_ns >= supervisor->names_ns && tpi_supervisor_registry_count(&supervisor->registry) > 0)
    {
        supervisor->names_ns = now_ns + (tpi_supervisor_needs_names(&supervisor->config) ? NAMES_SOON_NS : NAMES_LATER_NS);
        tpi_supervisor_read_clients(supervisor);
    }
    tpi_supervisor_counters_tick(supervisor);
    return work;
}

int tpi_supervisor_do_work(tpi_supervisor_t *supervisor, int64_t now_ns)
{
    int work = tpi_bus_do_work(supervisor->bus, now_ns);
    if (work < 0) { return -1; }
    supervisor->now_ns = now_ns;
    if (!supervisor->is_ready)
    {
        const int ready = tpi_supervisor_is_ready(supervisor);
        if (ready <= 0) { return ready < 0 ? -1 : work; }
        supervisor->is_ready = true;
        supervisor->opened_ns = now_ns;
        TPI_LOG_INFO("supervisor '%s' answers hellos on stream %u of %s", supervisor->config.instance_id, supervisor->config.control_stream_id,
            supervisor->config.control_channel);
    }
    bool may_sweep = false;
    work += tpi_supervisor_flush(supervisor);
    work += read_all(supervisor, &may_sweep);
    return work + tick(supervisor, may_sweep);
}

/* ---- end ------------------------------------------------------------------------------------------------------------------- */

void tpi_supervisor_drop_consumer(tpi_supervisor_t *supervisor, tpi_supervised_t *record)
{
    for (uint32_t kind = TP_HEALTH_CONSUMER_LOSES; kind <= TP_HEALTH_CONSUMER_LATENCY; kind++)
    {
        tpi_health_forget(&supervisor->health, (tpi_health_key_t){ kind, record->stream_id, record->consumer_id });
    }
    if (record->is_counted) { (void)tpi_watch_consumer(&supervisor->watch, record->stream_id, -1, supervisor->now_ns); }
    tpi_supervisor_registry_remove(&supervisor->registry, record);
}

void tpi_supervisor_delete(tpi_supervisor_t *supervisor)
{
    if (NULL == supervisor) { return; }
    tpi_health_fini(&supervisor->health);
    tpi_supervisor_registry_fini(&supervisor->registry);
    for (tpi_watched_stream_t *s = supervisor->watch.streams; NULL != s; s = s->hh.next) { tpi_supervisor_unwatch_region(supervisor, s); }
    tpi_watch_fini(&supervisor->watch);
    tpi_service_counters_delete(supervisor->counters);
    tpi_supervisor_proxy_fini(supervisor);
    for (int role = 0; role < TPI_INLETS; role++)
    {
        tpi_inlet_t *const inlet = &supervisor->inlets[role];
        if (NULL != inlet->async) { tpi_bus_async_cancel(inlet->async); }
        tpi_subscription_close(inlet->subscription);
        tpi_dispatcher_delete(inlet->dispatcher);
    }
    if (supervisor->has_bases) { tpi_base_dirs_fini(&supervisor->bases); }
    tp_supervisor_config_fini(&supervisor->config);
    tpi_free(supervisor);
}
