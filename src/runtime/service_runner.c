#include "runtime/service_runner.h"

#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"

#define READY_TIMEOUT_NS (10 * TPI_NS_PER_S)
#define PARK_MIN_NS (50 * TPI_NS_PER_US)

void tpi_service_runner_init(tpi_service_runner_t *runner, const tpi_service_runner_config_t *config)
{
    memset(runner, 0, sizeof(*runner));
    runner->config = *config;
    atomic_flag_clear(&runner->busy);
    (void)pthread_mutex_init(&runner->mutex, NULL);
}

int tpi_service_runner_await(tpi_service_runner_t *runner, tpi_bus_t *bus, int (*is_ready)(void *state, int64_t now_ns, bool is_over))
{
    const int64_t deadline_ns = tpi_clock_monotonic_ns() + READY_TIMEOUT_NS;
    for (;;)
    {
        const int64_t now_ns = tpi_clock_monotonic_ns();
        if (tpi_bus_do_work(bus, now_ns) < 0) { return -1; }
        const int ready = is_ready(runner->config.state, now_ns, now_ns > deadline_ns);
        if (0 != ready) { return ready > 0 ? 0 : -1; }
        if (now_ns > deadline_ns)
        {
            TPI_SET_ERR(TP_ETIMEDOUT, "the media driver did not open the %s's streams within %d s", runner->config.noun,
                (int)(READY_TIMEOUT_NS / TPI_NS_PER_S));
            return -1;
        }
        const struct timespec pause = { 0, 200000 };
        (void)nanosleep(&pause, NULL);
    }
}

static int cycle(tpi_service_runner_t *runner, int64_t now_ns)
{
    const int work = runner->config.cycle(runner->config.state, now_ns);
    if (work < 0) { atomic_store(&runner->is_lost, true); }
    return work;
}

int tpi_service_runner_do_work(tpi_service_runner_t *runner)
{
    if (atomic_load(&runner->has_thread) || atomic_flag_test_and_set(&runner->busy))
    {
        TPI_SET_ERR(TP_ETHREAD, "another thread runs this %s already", runner->config.noun);
        return -1;
    }
    const int work = cycle(runner, tpi_clock_monotonic_ns());
    atomic_flag_clear(&runner->busy);
    return work;
}

static int agent_do_work(void *state, int64_t now_ns)
{
    tpi_service_runner_t *const runner = state;
    const int work = cycle(runner, now_ns);
    if (work < 0) { tpi_log_err(TP_LOG_ERROR); }
    return NULL != runner->config.has_ended && runner->config.has_ended(runner->config.state) ? -1 : work;
}

static int64_t agent_park_limit(void *state)
{
    const tpi_service_runner_t *const runner = state;
    return runner->config.park_limit(runner->config.state);
}

int tpi_service_runner_start(tpi_service_runner_t *runner)
{
    if (atomic_load(&runner->has_thread))
    {
        TPI_SET_ERR(TP_ESTATE, "%s runs on its thread already", runner->config.noun);
        return -1;
    }
    const tpi_agent_t agent = { .name = runner->config.thread_name, .state = runner, .do_work = agent_do_work, .park_limit = agent_park_limit,
        .waits = runner->config.waits };
    tpi_agent_runner_t *thread = NULL;
    if (tpi_agent_runner_start(&thread, &agent, TPI_IDLE_BACKOFF, PARK_MIN_NS, runner->config.park_max_ns) < 0) { return -1; }
    (void)pthread_mutex_lock(&runner->mutex);
    runner->thread = thread;
    (void)pthread_mutex_unlock(&runner->mutex);
    atomic_store(&runner->has_thread, true);
    return 0;
}

void tpi_service_runner_wake(tpi_service_runner_t *runner)
{
    (void)pthread_mutex_lock(&runner->mutex);
    if (NULL != runner->thread) { tpi_agent_runner_wake(runner->thread); }
    else { tpi_wait_set_ring(runner->config.waits); }          /* whoever turns it may sleep on its descriptor */
    (void)pthread_mutex_unlock(&runner->mutex);
}

bool tpi_service_runner_is_lost(const tpi_service_runner_t *runner) { return atomic_load(&runner->is_lost); }

void tpi_service_runner_stop(tpi_service_runner_t *runner)
{
    (void)pthread_mutex_lock(&runner->mutex);
    tpi_agent_runner_t *const thread = runner->thread;
    runner->thread = NULL;
    (void)pthread_mutex_unlock(&runner->mutex);
    tpi_agent_runner_close(thread);
}

void tpi_service_runner_fini(tpi_service_runner_t *runner) { (void)pthread_mutex_destroy(&runner->mutex); }
