/* The public supervisor: a bus of its own around the inner one, a runner, and a lock that lets any thread look while none works. */
#include <pthread.h>
#include <stdio.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "common/err.h"
#include "runtime/service_runner.h"
#include "supervisor/supervisor_internal.h"

#define CONNECT_TIMEOUT_NS (2 * TPI_NS_PER_S)
#define PARK_NS (10 * TPI_NS_PER_MS)            /* hellos come once a second: nobody waits for less */

struct tp_supervisor
{
    tpi_bus_t *bus;
    tpi_supervisor_t *inner;
    pthread_mutex_t mutex;                      /* guards inner between a cycle and those who look */
    tpi_service_runner_t runner;
};

static int cycle(void *state, int64_t now_ns)
{
    tp_supervisor_t *const supervisor = state;
    (void)pthread_mutex_lock(&supervisor->mutex);
    const int work = tpi_supervisor_do_work(supervisor->inner, now_ns);
    (void)pthread_mutex_unlock(&supervisor->mutex);
    return work;
}

static int64_t park_limit(void *state) { return tp_supervisor_park_limit_ns(state); }

/* ---- start ----------------------------------------------------------------------------------------------------------------- */

static int is_ready(void *state, int64_t now_ns, bool is_over)
{
    const tp_supervisor_t *const supervisor = state;
    (void)now_ns;
    (void)is_over;
    return tpi_supervisor_is_ready(supervisor->inner);
}

static int open_inner(tp_supervisor_t *supervisor, const tp_supervisor_config_t *config)
{
    char name[TP_CONFIG_NAME_MAX + 16];
    (void)snprintf(name, sizeof(name), "tp_supervisor %s", config->instance_id);
    const tpi_bus_aeron_config_t bus = { .aeron_dir = config->aeron_dir, .client_name = name, .connect_timeout_ns = CONNECT_TIMEOUT_NS };
    if (tpi_bus_aeron_open(&supervisor->bus, &bus) < 0 || tpi_supervisor_create(&supervisor->inner, config, supervisor->bus, NULL) < 0) { return -1; }
    return tpi_service_runner_await(&supervisor->runner, supervisor->bus, is_ready);
}

int tp_supervisor_init(tp_supervisor_t **supervisor, const tp_supervisor_config_t *config)
{
    if (NULL == supervisor || NULL == config)
    {
        TPI_SET_ERR(TP_EINVAL, "supervisor = %p, config = %p", (void *)supervisor, (const void *)config);
        return -1;
    }
    if (tp_supervisor_config_check(config) < 0) { return -1; }                                /* S-075: before any message */
    tp_supervisor_t *const s = tpi_alloc(sizeof(*s));
    if (NULL == s) { return -1; }
    tpi_service_runner_init(&s->runner, &(tpi_service_runner_config_t){ .noun = "supervisor", .thread_name = "tp-supervisor", .state = s,
        .cycle = cycle, .park_limit = park_limit, .park_max_ns = PARK_NS });
    (void)pthread_mutex_init(&s->mutex, NULL);
    if (open_inner(s, config) < 0)
    {
        tpi_err_t error;
        tpi_err_save(&error);
        tp_supervisor_close(s);
        tpi_err_restore(&error);
        return -1;
    }
    *supervisor = s;
    return 0;
}

void tp_supervisor_set_hooks(tp_supervisor_t *supervisor, const tp_supervisor_hooks_t *hooks) { tpi_supervisor_set_hooks(supervisor->inner, hooks); }

/* ---- running --------------------------------------------------------------------------------------------------------------- */

static int refuse_null(void)
{
    TPI_SET_ERR(TP_EINVAL, "supervisor = NULL");
    return -1;
}

int tp_supervisor_do_work(tp_supervisor_t *supervisor)
{
    return NULL == supervisor ? refuse_null() : tpi_service_runner_do_work(&supervisor->runner);
}

int64_t tp_supervisor_park_limit_ns(const tp_supervisor_t *supervisor)
{
    (void)supervisor;
    return PARK_NS;
}

int tp_supervisor_start(tp_supervisor_t *supervisor)
{
    return NULL == supervisor ? refuse_null() : tpi_service_runner_start(&supervisor->runner);                                 /* S-002 */
}

bool tp_supervisor_is_lost(const tp_supervisor_t *supervisor) { return tpi_service_runner_is_lost(&supervisor->runner); }

void tp_supervisor_close(tp_supervisor_t *supervisor)
{
    if (NULL == supervisor) { return; }
    tpi_service_runner_stop(&supervisor->runner);
    tpi_supervisor_delete(supervisor->inner);
    tpi_bus_close(supervisor->bus);
    (void)pthread_mutex_destroy(&supervisor->mutex);
    tpi_service_runner_fini(&supervisor->runner);
    tpi_free(supervisor);
}

/* ---- looking --------------------------------------------------------------------------------------------------------------- */

void tp_supervisor_stats(tp_supervisor_t *supervisor, tp_supervisor_stats_t *stats)
{
    (void)pthread_mutex_lock(&supervisor->mutex);
    tpi_supervisor_stats(supervisor->inner, stats);
    (void)pthread_mutex_unlock(&supervisor->mutex);
}

int tp_supervisor_foreach_condition(tp_supervisor_t *supervisor, tp_supervisor_on_condition_t handler, void *clientd)
{
    (void)pthread_mutex_lock(&supervisor->mutex);
    const int count = tpi_supervisor_foreach_condition(supervisor->inner, handler, clientd);
    (void)pthread_mutex_unlock(&supervisor->mutex);
    return count;
}

int tp_supervisor_foreach_consumer(tp_supervisor_t *supervisor, tp_supervisor_on_consumer_t handler, void *clientd)
{
    (void)pthread_mutex_lock(&supervisor->mutex);
    const int count = tpi_supervisor_foreach_consumer(supervisor->inner, handler, clientd);
    (void)pthread_mutex_unlock(&supervisor->mutex);
    return count;
}

char *tp_supervisor_json(tp_supervisor_t *supervisor)
{
    (void)pthread_mutex_lock(&supervisor->mutex);
    char *const json = tpi_supervisor_json(supervisor->inner, tpi_clock_monotonic_ns());
    (void)pthread_mutex_unlock(&supervisor->mutex);
    return json;
}
