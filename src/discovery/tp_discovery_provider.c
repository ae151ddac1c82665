/* The public provider: a bus of its own around the inner one, its runner, and a lock for the calls of other threads. */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include <tensor_pool/discovery/tp_discovery_provider.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "common/err.h"
#include "discovery/discovery_internal.h"
#include "runtime/service_runner.h"

#define CONNECT_TIMEOUT_NS (2 * TPI_NS_PER_S)
#define PARK_BUSY_NS TPI_NS_PER_MS              /* longest sleep while answers wait */
#define PARK_IDLE_NS (10 * TPI_NS_PER_MS)

struct tp_discovery_provider
{
    tpi_bus_t *bus;
    tpi_provider_t *inner;
    pthread_mutex_t mutex;                      /* guards inner; error-checking: the policy may not call back */
    tpi_service_runner_t runner;
};

static tpi_mapping_now_t both_clocks(int64_t now_ns) { return (tpi_mapping_now_t){ .mono_ns = now_ns, .real_ns = tpi_clock_realtime_ns() }; }

/* ---- start ----------------------------------------------------------------------------------------------------------------- */

static void init_mutex(pthread_mutex_t *mutex)
{
    pthread_mutexattr_t attributes;
    (void)pthread_mutexattr_init(&attributes);
    (void)pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
    (void)pthread_mutex_init(mutex, &attributes);
    (void)pthread_mutexattr_destroy(&attributes);
}

static int is_ready(void *state, int64_t now_ns, bool is_over)
{
    const tp_discovery_provider_t *const provider = state;
    (void)now_ns;
    (void)is_over;
    return tpi_provider_is_ready(provider->inner);
}

static int cycle(void *state, int64_t now_ns)
{
    tp_discovery_provider_t *const provider = state;
    (void)pthread_mutex_lock(&provider->mutex);
    const int work = tpi_provider_do_work(provider->inner, both_clocks(now_ns));
    (void)pthread_mutex_unlock(&provider->mutex);
    return work;
}

static int64_t park_limit(void *state)
{
    tp_discovery_provider_t *const provider = state;
    (void)pthread_mutex_lock(&provider->mutex);
    const int64_t limit_ns = tp_discovery_provider_park_limit_ns(provider);
    (void)pthread_mutex_unlock(&provider->mutex);
    return limit_ns;
}

int tp_discovery_provider_init(tp_discovery_provider_t **provider, const tp_discovery_provider_config_t *config)
{
    if (NULL == provider || NULL == config)
    {
        TPI_SET_ERR(TP_EINVAL, "provider = %p, config = %p", (void *)provider, (const void *)config);
        return -1;
    }
    if (tp_discovery_provider_config_check(config) < 0) { return -1; }
    tp_discovery_provider_t *const p = tpi_alloc(sizeof(*p));
    if (NULL == p) { return -1; }
    tpi_service_runner_init(&p->runner, &(tpi_service_runner_config_t){ .noun = "provider", .thread_name = "tp-discovery", .state = p,
        .cycle = cycle, .park_limit = park_limit, .park_max_ns = PARK_IDLE_NS });
    init_mutex(&p->mutex);
    const tpi_bus_aeron_config_t bus = { .aeron_dir = config->aeron_dir, .client_name = "tp_discovery", .connect_timeout_ns = CONNECT_TIMEOUT_NS };
    if (tpi_bus_aeron_open(&p->bus, &bus) < 0 || tpi_provider_create(&p->inner, config, p->bus, NULL) < 0 ||
        tpi_service_runner_await(&p->runner, p->bus, is_ready) < 0)
    {
        tpi_err_t error;
        tpi_err_save(&error);
        tp_discovery_provider_close(p);
        tpi_err_restore(&error);
        return -1;
    }
    *provider = p;
    return 0;
}

/* ---- running --------------------------------------------------------------------------------------------------------------- */

static int refuse_null(void)
{
    TPI_SET_ERR(TP_EINVAL, "provider = NULL");
    return -1;
}

int tp_discovery_provider_do_work(tp_discovery_provider_t *provider)
{
    return NULL == provider ? refuse_null() : tpi_service_runner_do_work(&provider->runner);
}

int64_t tp_discovery_provider_park_limit_ns(const tp_discovery_provider_t *provider)
{
    return tpi_provider_is_busy(provider->inner) ? PARK_BUSY_NS : PARK_IDLE_NS;
}

int tp_discovery_provider_start(tp_discovery_provider_t *provider)
{
    return NULL == provider ? refuse_null() : tpi_service_runner_start(&provider->runner);
}

bool tp_discovery_provider_is_running(const tp_discovery_provider_t *provider) { return !tpi_service_runner_is_lost(&provider->runner); }

void tp_discovery_provider_close(tp_discovery_provider_t *provider)
{
    if (NULL == provider) { return; }
    tpi_service_runner_stop(&provider->runner);
    tpi_provider_delete(provider->inner);
    tpi_bus_close(provider->bus);
    (void)pthread_mutex_destroy(&provider->mutex);
    tpi_service_runner_fini(&provider->runner);
    tpi_free(provider);
}

/* ---- calls of any thread --------------------------------------------------------------------------------------------------- */

static int enter(tp_discovery_provider_t *provider)
{
    if (NULL == provider) { return refuse_null(); }
    if (EDEADLK != pthread_mutex_lock(&provider->mutex)) { return 0; }
    TPI_SET_ERR(TP_ESTATE, "not possible from inside the policy");
    return -1;
}

static void leave(tp_discovery_provider_t *provider) { (void)pthread_mutex_unlock(&provider->mutex); }

void tp_discovery_provider_set_policy(tp_discovery_provider_t *provider, tp_discovery_provider_policy_t policy, void *clientd)
{
    if (enter(provider) < 0) { return; }
    tpi_provider_set_policy(provider->inner, policy, clientd);
    leave(provider);
}

int tp_discovery_provider_set_stream(tp_discovery_provider_t *provider, uint32_t stream_id, uint64_t data_source_id, const char *const *tags,
    uint32_t tag_count)
{
    tpc_bytes_t views[TP_DISCOVERY_PROVIDER_TAGS_MAX];
    if (tag_count > TP_DISCOVERY_PROVIDER_TAGS_MAX || (0 != tag_count && NULL == tags))
    {
        TPI_SET_ERR(TP_EINVAL, "tags = %p, tag_count = %u, at most %d", (const void *)tags, tag_count, TP_DISCOVERY_PROVIDER_TAGS_MAX);
        return -1;
    }
    for (uint32_t i = 0; i < tag_count; i++) { views[i] = tpc_bytes(tags[i]); }
    if (enter(provider) < 0) { return -1; }
    const int rc = tpi_provider_set_stream(provider->inner, stream_id, data_source_id, views, tag_count);
    leave(provider);
    return rc;
}

int tp_discovery_provider_move_driver(tp_discovery_provider_t *provider, const char *driver_instance_id, const char *control_channel,
    uint32_t control_stream_id)
{
    if (NULL == driver_instance_id || NULL == control_channel)
    {
        TPI_SET_ERR(TP_EINVAL, "driver_instance_id = %p, control_channel = %p", (const void *)driver_instance_id, (const void *)control_channel);
        return -1;
    }
    if (enter(provider) < 0) { return -1; }
    const int rc = tpi_provider_move_driver(provider->inner, driver_instance_id, control_channel, control_stream_id);
    leave(provider);
    return rc;
}

static void put_stats(tp_discovery_provider_stats_t *out, const tpi_provider_stats_t *in)
{
    *out = (tp_discovery_provider_stats_t){ .size = sizeof(*out), .streams = (uint32_t)in->streams, .publications = (uint32_t)in->publications,
        .responses_waiting = (uint32_t)in->responses_waiting, .announces_accepted = in->announces_accepted,
        .announces_ignored = in->announces_ignored, .names_accepted = in->names_accepted, .names_ignored = in->names_ignored,
        .streams_expired = in->streams_expired, .requests_answered = in->requests_answered, .requests_refused = in->requests_refused,
        .messages_malformed = in->messages_malformed, .messages_newer = in->messages_newer, .results_limited = in->results_limited,
        .queries_denied = in->queries_denied, .responses_sent = in->responses_sent, .responses_queued = in->responses_queued,
        .responses_dropped = in->responses_dropped, .responses_too_long = in->responses_too_long,
        .publications_opened = in->publications_opened, .publications_evicted = in->publications_evicted,
        .publications_idle = in->publications_idle, .publications_failed = in->publications_failed, .limit_poll = in->limit_poll,
        .counters_failed = in->counters_failed };
}

int tp_discovery_provider_stats(tp_discovery_provider_t *provider, tp_discovery_provider_stats_t *stats)
{
    tp_discovery_provider_stats_t all;
    if (NULL == stats || stats->size < 2 * sizeof(uint64_t))
    {
        TPI_SET_ERR(TP_EINVAL, "stats = %p, its size has to be at least %zu", (void *)stats, 2 * sizeof(uint64_t));
        return -1;
    }
    if (enter(provider) < 0) { return -1; }
    put_stats(&all, tpi_provider_stats(provider->inner));
    leave(provider);
    const uint32_t size = stats->size < sizeof(all) ? stats->size : (uint32_t)sizeof(all);
    all.size = size;
    memcpy(stats, &all, size);
    return 0;
}
