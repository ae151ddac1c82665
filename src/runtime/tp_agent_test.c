#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "common/clock.h"

#include <tensor_pool/common/tp_agent.h>
#include <tensor_pool/common/tp_error.h>

typedef struct worker
{
    _Atomic int cycles;
    _Atomic int closed;
    _Atomic int gives;
    _Atomic int ran_on;
    _Atomic bool own_thread;
    pthread_t creator;
    tp_agent_runner_t *again;
}
worker_t;

static int do_work(void *state, int64_t now_ns)
{
    worker_t *w = state;
    atomic_store(&w->ran_on, sched_getcpu());
    atomic_store(&w->own_thread, 0 == pthread_equal(w->creator, pthread_self()));
    atomic_fetch_add(&w->cycles, 1);
    if (NULL != w->again) { assert_int_equal(tp_agent_runner_do_work(w->again), -1); }
    return now_ns > 0 ? atomic_load(&w->gives) : -1;
}

static void on_close(void *state) { atomic_fetch_add(&((worker_t *)state)->closed, 1); }

static tp_agent_t agent_of(worker_t *w)
{
    w->creator = pthread_self();
    return (tp_agent_t){ .size = sizeof(tp_agent_t), .name = "a worker of the tests", .state = w, .do_work = do_work, .on_close = on_close };
}

static void wait_for(_Atomic int *value, int at_least)
{
    const int64_t deadline_ns = tpi_clock_monotonic_ns() + 20 * TPI_NS_PER_S;
    while (atomic_load(value) < at_least)
    {
        assert_true(tpi_clock_monotonic_ns() < deadline_ns);
        (void)sched_yield();
    }
}

static tp_agent_runner_stats_t stats_of(const tp_agent_runner_t *runner)
{
    tp_agent_runner_stats_t stats;
    assert_int_equal(tp_agent_runner_stats(runner, &stats), 0);
    return stats;
}

static void invoker_works_all_agents_once_a_cycle_in_their_order(void **state)
{
    (void)state;
    worker_t w[2] = { { .gives = 2 }, { .gives = 3 } };
    const tp_agent_t agents[2] = { agent_of(&w[0]), agent_of(&w[1]) };
    tp_agent_runner_t *runner = NULL;
    assert_int_equal(tp_agent_runner_init(&runner, agents, 2, NULL), 0);
    assert_int_equal(tp_agent_runner_do_work(runner), 5);
    assert_int_equal(tp_agent_runner_do_work(runner), 5);
    assert_int_equal(w[0].cycles, 2);
    assert_int_equal(w[1].cycles, 2);
    const tp_agent_runner_stats_t stats = stats_of(runner);
    assert_int_equal(stats.cycles, 2);
    assert_int_equal(stats.work, 10);
    assert_true(stats.max_cycle_ns > 0);
    assert_false(stats.started || stats.ended);
    tp_agent_runner_close(runner);
    assert_int_equal(w[0].closed, 1);
    assert_int_equal(w[1].closed, 1);
}

static void agent_that_ends_ends_the_runner_and_those_behind_it(void **state)
{
    (void)state;
    worker_t w[2] = { { .gives = -1 }, { .gives = 0 } };
    const tp_agent_t agents[2] = { agent_of(&w[0]), agent_of(&w[1]) };
    tp_agent_runner_t *runner = NULL;
    assert_int_equal(tp_agent_runner_init(&runner, agents, 2, NULL), 0);
    assert_int_equal(tp_agent_runner_do_work(runner), -1);
    assert_int_equal(tp_errcode(), TP_ESTATE);
    assert_int_equal(w[1].cycles, 0);
    assert_true(stats_of(runner).ended);
    atomic_store(&w[0].gives, 1);
    assert_int_equal(tp_agent_runner_do_work(runner), -1);
    assert_int_equal(w[0].cycles, 1);
    assert_int_equal(tp_agent_runner_start(runner), -1);
    assert_int_equal(tp_errcode(), TP_ESTATE);
    tp_agent_runner_close(runner);
    assert_int_equal(w[0].closed + w[1].closed, 2);
}

static void thread_of_its_own_runs_until_it_is_closed__L1(void **state)
{
    (void)state;
    worker_t w = { .gives = 0 };
    const tp_agent_t agent = agent_of(&w);
    tp_agent_runner_options_t options = TP_AGENT_RUNNER_OPTIONS_INIT;
    options.idle_strategy = "yield";
    tp_agent_runner_t *runner = NULL;
    assert_int_equal(tp_agent_runner_init(&runner, &agent, 1, &options), 0);
    assert_int_equal(tp_agent_runner_start(runner), 0);
    wait_for(&w.cycles, 100);
    assert_true(atomic_load(&w.own_thread));
    assert_true(stats_of(runner).started);
    assert_int_equal(tp_agent_runner_do_work(runner), -1);
    assert_int_equal(tp_errcode(), TP_ETHREAD);
    assert_int_equal(tp_agent_runner_start(runner), -1);
    assert_int_equal(tp_errcode(), TP_ESTATE);
    tp_agent_runner_wake(runner);
    tp_agent_runner_close(runner);
    assert_int_equal(w.closed, 1);
}

static void cycle_inside_a_cycle_is_refused__A4(void **state)
{
    (void)state;
    worker_t w = { .gives = 1 };
    const tp_agent_t agent = agent_of(&w);
    tp_agent_runner_t *runner = NULL;
    assert_int_equal(tp_agent_runner_init(&runner, &agent, 1, NULL), 0);
    w.again = runner;
    assert_int_equal(tp_agent_runner_do_work(runner), 1);
    assert_int_equal(w.cycles, 1);
    tp_agent_runner_close(runner);
}

static void thread_stays_on_its_processor(void **state)
{
    (void)state;
    cpu_set_t allowed;
    int last = -1;
    assert_int_equal(sched_getaffinity(0, sizeof(allowed), &allowed), 0);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
    {
        if (CPU_ISSET((size_t)cpu, &allowed)) { last = cpu; }
    }
    worker_t w = { .gives = 0 };
    const tp_agent_t agent = agent_of(&w);
    tp_agent_runner_options_t options = TP_AGENT_RUNNER_OPTIONS_INIT;
    tp_agent_runner_t *runner = NULL;
    options.cpu = last;
    assert_int_equal(tp_agent_runner_init(&runner, &agent, 1, &options), 0);
    assert_int_equal(tp_agent_runner_start(runner), 0);
    for (int i = 1; i <= 20; i++)
    {
        wait_for(&w.cycles, i);
        assert_int_equal(atomic_load(&w.ran_on), last);
    }
    tp_agent_runner_close(runner);
    options.cpu = CPU_SETSIZE;
    assert_int_equal(tp_agent_runner_init(&runner, &agent, 1, &options), 0);
    assert_int_equal(tp_agent_runner_start(runner), -1);
    assert_int_equal(tp_errcode(), TP_EINVAL);
    assert_int_equal(tp_agent_runner_do_work(runner), 0);              /* the caller's thread will do */
    tp_agent_runner_close(runner);
}

static void bad_arguments_are_refused(void **state)
{
    (void)state;
    worker_t w = { .gives = 0 };
    tp_agent_t agents[TP_AGENTS_MAX + 1];
    for (size_t i = 0; i <= TP_AGENTS_MAX; i++) { agents[i] = agent_of(&w); }
    tp_agent_runner_options_t options = TP_AGENT_RUNNER_OPTIONS_INIT;
    tp_agent_runner_t *runner = NULL;
    assert_int_equal(tp_agent_runner_init(NULL, agents, 1, NULL), -1);
    assert_int_equal(tp_agent_runner_init(&runner, NULL, 1, NULL), -1);
    assert_int_equal(tp_agent_runner_init(&runner, agents, 0, NULL), -1);
    assert_int_equal(tp_agent_runner_init(&runner, agents, TP_AGENTS_MAX + 1, NULL), -1);
    options.cpu = -2;
    assert_int_equal(tp_agent_runner_init(&runner, agents, 1, &options), -1);
    options.cpu = -1;
    options.idle_strategy = "nap";
    assert_int_equal(tp_agent_runner_init(&runner, agents, 1, &options), -1);
    agents[0].size = 8;
    assert_int_equal(tp_agent_runner_init(&runner, agents, 1, NULL), -1);
    assert_int_equal(tp_errcode(), TP_EINVAL);
    assert_null(runner);
    assert_int_equal(tp_agent_runner_init(&runner, agents + 1, TP_AGENTS_MAX, NULL), 0);
    tp_agent_runner_close(runner);
    assert_int_equal(tp_agent_runner_start(NULL), -1);
    assert_int_equal(tp_agent_runner_do_work(NULL), -1);
    assert_int_equal(tp_agent_runner_stats(NULL, NULL), -1);
    tp_agent_runner_wake(NULL);
    tp_agent_runner_close(NULL);
}

static void idle_strategies_are_known_by_name(void **state)
{
    (void)state;
    static const char *const names[] = { NULL, "busy", "yield", "sleep", "noop", "backoff" };
    tp_idle_strategy_t *strategy = NULL;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
    {
        assert_int_equal(tp_idle_strategy_init(&strategy, names[i], 1000, 2000), 0);
        tp_idle_strategy_idle(strategy, 1);
        tp_idle_strategy_idle(strategy, 0);
        tp_idle_strategy_close(strategy);
    }
    strategy = NULL;
    assert_int_equal(tp_idle_strategy_init(&strategy, "dream", 0, 0), -1);
    assert_int_equal(tp_idle_strategy_init(&strategy, "sleep", -1, 0), -1);
    assert_int_equal(tp_idle_strategy_init(NULL, "sleep", 0, 0), -1);
    assert_null(strategy);
    assert_int_equal(tp_idle_strategy_init(&strategy, "sleep", 0, 3 * TPI_NS_PER_MS), 0);
    const int64_t begin_ns = tpi_clock_monotonic_ns();
    tp_idle_strategy_idle(strategy, 0);
    assert_true(tpi_clock_monotonic_ns() - begin_ns >= 3 * TPI_NS_PER_MS);
    tp_idle_strategy_close(strategy);
    tp_idle_strategy_close(NULL);
    tp_idle_strategy_idle(NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(invoker_works_all_agents_once_a_cycle_in_their_order),
        cmocka_unit_test(agent_that_ends_ends_the_runner_and_those_behind_it), cmocka_unit_test(thread_of_its_own_runs_until_it_is_closed__L1),
        cmocka_unit_test(cycle_inside_a_cycle_is_refused__A4), cmocka_unit_test(thread_stays_on_its_processor),
        cmocka_unit_test(bad_arguments_are_refused), cmocka_unit_test(idle_strategies_are_known_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
