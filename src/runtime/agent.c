/* Owns the thread of one agent. Reads the clock twice a cycle and passes the first reading down. */
#include "runtime/agent.h"

#include <stdatomic.h>
#include <stddef.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "common/thread.h"

struct tpi_agent_runner
{
    tpi_agent_t agent;
    tpi_idle_t idle;
    tpi_thread_t thread;
    tpi_parker_t parker;
    _Atomic bool stop;
    _Atomic bool ended;
    _Atomic int64_t max_cycle_ns;
};

static void *run(void *arg)
{
    tpi_agent_runner_t *runner = arg;
    while (!atomic_load_explicit(&runner->stop, memory_order_acquire))
    {
        const uint64_t ticket = tpi_parker_ticket(&runner->parker);
        const int64_t begin_ns = tpi_clock_monotonic_ns();
        const int work = runner->agent.do_work(runner->agent.state, begin_ns);
        const int64_t cycle_ns = tpi_clock_monotonic_ns() - begin_ns;
        if (cycle_ns > atomic_load_explicit(&runner->max_cycle_ns, memory_order_relaxed))
        {
            atomic_store_explicit(&runner->max_cycle_ns, cycle_ns, memory_order_relaxed);
        }
        if (work < 0) { break; }
        if (work > 0)
        {
            tpi_idle_reset(&runner->idle);
            continue;
        }
        if (atomic_load_explicit(&runner->stop, memory_order_acquire)) { break; }         /* its wake may have been taken in this cycle */
        int64_t park = tpi_idle_step(&runner->idle);
        if (NULL != runner->agent.park_limit)
        {
            const int64_t limit = runner->agent.park_limit(runner->agent.state);
            if (limit >= 0 && park > limit) { park = limit; }
        }
        if (NULL != runner->agent.waits) { tpi_wait_set_wait(runner->agent.waits, park); }
        else { tpi_parker_park(&runner->parker, ticket, park); }
    }
    if (NULL != runner->agent.on_close) { runner->agent.on_close(runner->agent.state); }
    atomic_store_explicit(&runner->ended, true, memory_order_release);
    return NULL;
}

int tpi_agent_runner_start(tpi_agent_runner_t **runner, const tpi_agent_t *agent, tpi_idle_kind_t idle, int64_t min_park_ns, int64_t max_park_ns)
{
    tpi_agent_runner_t *r = tpi_alloc(sizeof(*r));
    if (NULL == r) { return -1; }
    r->agent = *agent;
    tpi_idle_init(&r->idle, idle, min_park_ns, max_park_ns);
    if (tpi_parker_init(&r->parker) < 0)
    {
        tpi_free(r);
        return -1;
    }
    if (tpi_thread_start_on(&r->thread, agent->name, agent->pinned ? agent->cpu : -1, run, r) < 0)
    {
        tpi_parker_fini(&r->parker);
        tpi_free(r);
        return -1;
    }
    *runner = r;
    return 0;
}

void tpi_agent_runner_wake(tpi_agent_runner_t *runner)
{
    if (NULL == runner) { return; }
    tpi_parker_wake(&runner->parker);
    tpi_wait_set_ring(runner->agent.waits);
}


bool tpi_agent_runner_has_ended(const tpi_agent_runner_t *runner) { return atomic_load_explicit(&runner->ended, memory_order_acquire); }

int64_t tpi_agent_runner_max_cycle_ns(const tpi_agent_runner_t *runner)
{
    return atomic_load_explicit(&runner->max_cycle_ns, memory_order_relaxed);
}


void tpi_agent_runner_close(tpi_agent_runner_t *runner)
{
    if (NULL == runner) { return; }
    atomic_store_explicit(&runner->stop, true, memory_order_release);
    tpi_agent_runner_wake(runner);
    tpi_thread_join(&runner->thread);
    tpi_parker_fini(&runner->parker);
    tpi_free(runner);
}
