/*
 * The public side of agents: several of them as one internal agent, on a thread of the runner's or on the caller's. A cycle is run by one thread at a
 * time; the numbers are written by that thread.
 */
#include <tensor_pool/common/tp_agent.h>

#include <stdatomic.h>
#include <stdio.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "common/err.h"
#include "runtime/agent.h"

#define MIN_PARK_NS (50 * TPI_NS_PER_US)
#define MAX_PARK_NS (4 * TPI_NS_PER_MS)

/* ---- idle strategies ---------------------------------------------------------------------------------------------------- */

struct tp_idle_strategy
{
    tpi_idle_t idle;
};

static int check_idle(const char *name, int64_t *min_park_ns, int64_t *max_park_ns, tpi_idle_kind_t *kind)
{
    if (*min_park_ns < 0 || *max_park_ns < 0)
    {
        TPI_SET_ERR(TP_EINVAL, "min_park_ns or max_park_ns is negative, allowed: 0 (default) or more");
        return -1;
    }
    if (0 == *min_park_ns) { *min_park_ns = MIN_PARK_NS; }
    if (0 == *max_park_ns) { *max_park_ns = MAX_PARK_NS; }
    return tpi_idle_kind_from_name(kind, NULL == name ? "backoff" : name);
}

int tp_idle_strategy_init(tp_idle_strategy_t **strategy, const char *name, int64_t min_park_ns, int64_t max_park_ns)
{
    tpi_idle_kind_t kind;
    if (NULL == strategy) { TPI_SET_ERR(TP_EINVAL, "strategy is NULL"); return -1; }
    if (check_idle(name, &min_park_ns, &max_park_ns, &kind) < 0) { return -1; }
    tp_idle_strategy_t *s = tpi_alloc(sizeof(*s));
    if (NULL == s) { return -1; }
    tpi_idle_init(&s->idle, kind, min_park_ns, max_park_ns);
    *strategy = s;
    return 0;
}

void tp_idle_strategy_close(tp_idle_strategy_t *strategy) { tpi_free(strategy); }

void tp_idle_strategy_idle(tp_idle_strategy_t *strategy, int work)
{
    if (NULL != strategy) { tpi_idle(&strategy->idle, work, -1); }
}

/* ---- agents ------------------------------------------------------------------------------------------------------------- */

struct tp_agent_runner
{
    tp_agent_t agents[TP_AGENTS_MAX];
    size_t count;
    char name[16];
    int32_t cpu;
    tpi_idle_kind_t idle;
    int64_t min_park_ns;
    int64_t max_park_ns;
    tpi_agent_runner_t *thread;            /* NULL: the caller's */
    _Atomic bool busy;                     /* somebody is inside tp_agent_runner_do_work */
    _Atomic bool ended;
    _Atomic uint64_t cycles;
    _Atomic uint64_t work;
    _Atomic int64_t max_cycle_ns;
};

static int cycle(void *state, int64_t now_ns)
{
    tp_agent_runner_t *r = state;
    int total = 0;
    for (size_t i = 0; i < r->count && total >= 0; i++)
    {
        const int work = r->agents[i].do_work(r->agents[i].state, now_ns);
        total = work < 0 ? -1 : work > INT32_MAX - total ? INT32_MAX : total + work;
    }
    const int64_t took_ns = tpi_clock_monotonic_ns() - now_ns;
    const int64_t longest_ns = atomic_load_explicit(&r->max_cycle_ns, memory_order_relaxed);
    if (took_ns > longest_ns) { atomic_store_explicit(&r->max_cycle_ns, took_ns, memory_order_relaxed); }
    atomic_fetch_add_explicit(&r->cycles, 1, memory_order_relaxed);
    if (total < 0) { atomic_store(&r->ended, true); }
    else { atomic_fetch_add_explicit(&r->work, (uint64_t)total, memory_order_relaxed); }
    return total;
}

static void close_agents(void *state)
{
    tp_agent_runner_t *r = state;
    for (size_t i = 0; i < r->count; i++)
    {
        if (NULL != r->agents[i].on_close) { r->agents[i].on_close(r->agents[i].state); }
    }
}

int tp_agent_runner_init(tp_agent_runner_t **runner, const tp_agent_t *agents, size_t count, const tp_agent_runner_options_t *options)
{
    static const tp_agent_runner_options_t defaults = TP_AGENT_RUNNER_OPTIONS_INIT;
    const tp_agent_runner_options_t *o = NULL == options ? &defaults : options;
    if (NULL == runner || NULL == agents || 0 == count || count > TP_AGENTS_MAX || o->size < sizeof(*o) || o->cpu < -1)
    {
        TPI_SET_ERR(TP_EINVAL, "runner or agents is NULL, or count = %zu, allowed 1..%d, or options.size is not sizeof, or options.cpu is below -1",
            count, TP_AGENTS_MAX);
        return -1;
    }
    for (size_t i = 0; i < count; i++)
    {
        if (agents[i].size >= sizeof(agents[i]) && NULL != agents[i].do_work && NULL != agents[i].name) { continue; }
        TPI_SET_ERR(TP_EINVAL, "agent %zu: size is not sizeof(tp_agent_t), or name or do_work is NULL", i);
        return -1;
    }
    int64_t min_park_ns = o->min_park_ns;
    int64_t max_park_ns = o->max_park_ns;
    tpi_idle_kind_t idle;
    if (check_idle(o->idle_strategy, &min_park_ns, &max_park_ns, &idle) < 0) { return -1; }
    tp_agent_runner_t *r = tpi_alloc(sizeof(*r));
    if (NULL == r) { return -1; }
    for (size_t i = 0; i < count; i++) { r->agents[i] = agents[i]; }
    (void)snprintf(r->name, sizeof(r->name), "%s", agents[0].name);
    r->count = count;
    r->cpu = o->cpu;
    r->idle = idle;
    r->min_park_ns = min_park_ns;
    r->max_park_ns = max_park_ns;
    *runner = r;
    return 0;
}

int tp_agent_runner_start(tp_agent_runner_t *runner)
{
    tp_agent_runner_t *r = runner;
    if (NULL == r) { TPI_SET_ERR(TP_EINVAL, "runner is NULL"); return -1; }
    if (NULL != r->thread || atomic_load(&r->ended))
    {
        TPI_SET_ERR(TP_ESTATE, NULL != r->thread ? "the runner has a thread already" : "an agent has ended the runner");
        return -1;
    }
    if (atomic_exchange(&r->busy, true)) { TPI_SET_ERR(TP_ETHREAD, "a thread is inside tp_agent_runner_do_work"); return -1; }
    const tpi_agent_t agent = { .name = r->name, .state = r, .do_work = cycle, .on_close = close_agents, .pinned = r->cpu >= 0, .cpu = r->cpu };
    const int rc = tpi_agent_runner_start(&r->thread, &agent, r->idle, r->min_park_ns, r->max_park_ns);
    if (rc < 0) { atomic_store(&r->busy, false); }
    return rc;
}

int tp_agent_runner_do_work(tp_agent_runner_t *runner)
{
    tp_agent_runner_t *r = runner;
    if (NULL == r) { TPI_SET_ERR(TP_EINVAL, "runner is NULL"); return -1; }
    if (atomic_exchange(&r->busy, true)) { TPI_SET_ERR(TP_ETHREAD, "another thread runs these agents"); return -1; }
    int rc = -1;
    if (!atomic_load(&r->ended)) { rc = cycle(r, tpi_clock_monotonic_ns()); }
    if (rc < 0) { TPI_SET_ERR(TP_ESTATE, "an agent has ended the runner"); }
    atomic_store(&r->busy, false);
    return rc;
}

void tp_agent_runner_wake(tp_agent_runner_t *runner)
{
    if (NULL != runner) { tpi_agent_runner_wake(runner->thread); }
}

int tp_agent_runner_stats(const tp_agent_runner_t *runner, tp_agent_runner_stats_t *stats)
{
    tp_agent_runner_t *r = (tp_agent_runner_t *)(uintptr_t)runner;
    if (NULL == r || NULL == stats) { TPI_SET_ERR(TP_EINVAL, "runner or stats is NULL"); return -1; }
    const tp_agent_runner_stats_t s = { .size = sizeof(s), .started = NULL != r->thread, .ended = atomic_load(&r->ended),
        .cycles = atomic_load(&r->cycles), .work = atomic_load(&r->work), .max_cycle_ns = atomic_load(&r->max_cycle_ns) };
    *stats = s;
    return 0;
}

void tp_agent_runner_close(tp_agent_runner_t *runner)
{
    if (NULL == runner) { return; }
    if (NULL != runner->thread) { tpi_agent_runner_close(runner->thread); }
    else { close_agents(runner); }
    tpi_free(runner);
}
