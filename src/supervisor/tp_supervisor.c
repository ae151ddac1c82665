/*
 * The public supervisor: a bus of its own around the inner one, a thread, and a lock that lets any thread look while none works. Here the clock is
 * read. One thread at a time is inside do_work; a second one is refused (trap L1).
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"
#include "runtime/agent.h"
#include "supervisor/supervisor_internal.h"

#define CONNECT_TIMEOUT_NS (2 * TPI_NS_PER_S)
#define READY_TIMEOUT_NS (10 * TPI_NS_PER_S)
#define PARK_MIN_NS (50 * TPI_NS_PER_US)
#define PARK_NS (10 * TPI_NS_PER_MS)            /* hellos come once a second: nobody waits for less */

struct tp_supervisor
{
    tpi_bus_t *bus;
    tpi_supervisor_t *inner;
    pthread_mutex_t mutex;                      /* guards inner between a cycle and those who look */
    tpi_agent_runner_t *runner;
    atomic_bool has_thread;
    atomic_flag busy;
    atomic_bool is_lost;
};

/* ---- start ----------------------------------------------------------------------------------------------------------------- */

static int wait_until_ready(tp_supervisor_t *supervisor)
{
    const int64_t deadline_ns = tpi_clock_monotonic_ns() + READY_TIMEOUT_NS;
    for (;;)
    {
        const int64_t now_ns = tpi_clock_monotonic_ns();
        if (tpi_bus_do_work(supervisor->bus, now_ns) < 0) { return -1; }
        const int ready = tpi_supervisor_is_ready(supervisor->inner);
        if (0 != ready) { return ready > 0 ? 0 : -1; }
        if (now_ns > deadline_ns)
        {
            TPI_SET_ERR(TP_ETIMEDOUT, "the media driver did not open the supervisor's streams within %d s", (int)(READY_TIMEOUT_NS / TPI_NS_PER_S));
            return -1;
        }
        const struct timespec pause = { 0, 200000 };
        (void)nanosleep(&pause, NULL);
    }
}

static int open_inner(tp_supervisor_t *supervisor, const tp_supervisor_config_t *config)
{
    char name[TP_CONFIG_NAME_MAX + 16];
    (void)snprintf(name, sizeof(name), "tp_supervisor %s", config->instance_id);
    const tpi_bus_aeron_config_t bus = { .aeron_dir = config->aeron_dir, .client_name = name, .connect_timeout_ns = CONNECT_TIMEOUT_NS };
    if (tpi_bus_aeron_open(&supervisor->bus, &bus) < 0) { return -1; }
    return tpi_supervisor_create(&supervisor->inner, config, supervisor->bus, NULL) < 0 ? -1 : wait_until_ready(supervisor);
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
    atomic_flag_clear(&s->busy);
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

static int cycle(tp_supervisor_t *supervisor, int64_t now_ns)
{
    (void)pthread_mutex_lock(&supervisor->mutex);
    const int work = tpi_supervisor_do_work(supervisor->inner, now_ns);
    (void)pthread_mutex_unlock(&supervisor->mutex);
    if (work < 0) { atomic_store(&supervisor->is_lost, true); }
    return work;
}

int tp_supervisor_do_work(tp_supervisor_t *supervisor)
{
    if (NULL == supervisor)
    {
        TPI_SET_ERR(TP_EINVAL, "supervisor = NULL");
        return -1;
    }
    if (atomic_load(&supervisor->has_thread) || atomic_flag_test_and_set(&supervisor->busy))
    {
        TPI_SET_ERR(TP_ETHREAD, "another thread runs this supervisor already");
        return -1;
    }
    const int work = cycle(supervisor, tpi_clock_monotonic_ns());
    atomic_flag_clear(&supervisor->busy);
    return work;
}

static int agent_do_work(void *state, int64_t now_ns)
{
    const int work = cycle(state, now_ns);
    if (work < 0) { tpi_log_err(TP_LOG_ERROR); }
    return work;
}

int64_t tp_supervisor_park_limit_ns(const tp_supervisor_t *supervisor)
{
    (void)supervisor;
    return PARK_NS;
}

static int64_t agent_park_limit(void *state) { return tp_supervisor_park_limit_ns(state); }

int tp_supervisor_start(tp_supervisor_t *supervisor)
{
    if (NULL == supervisor || atomic_load(&supervisor->has_thread))
    {
        TPI_SET_ERR(NULL == supervisor ? TP_EINVAL : TP_ESTATE, "%s", NULL == supervisor ? "supervisor = NULL" :
            "supervisor runs on its thread already");
        return -1;
    }
    const tpi_agent_t agent = { .name = "tp-supervisor", .state = supervisor, .do_work = agent_do_work, .park_limit = agent_park_limit };
    if (tpi_agent_runner_start(&supervisor->runner, &agent, TPI_IDLE_BACKOFF, PARK_MIN_NS, PARK_NS) < 0) { return -1; }        /* S-002 */
    atomic_store(&supervisor->has_thread, true);
    return 0;
}

bool tp_supervisor_is_lost(const tp_supervisor_t *supervisor) { return atomic_load(&supervisor->is_lost); }

void tp_supervisor_close(tp_supervisor_t *supervisor)
{
    if (NULL == supervisor) { return; }
    tpi_agent_runner_close(supervisor->runner);
    tpi_supervisor_delete(supervisor->inner);
    tpi_bus_close(supervisor->bus);
    (void)pthread_mutex_destroy(&supervisor->mutex);
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
