#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <sched.h>
#include <stdatomic.h>

#include "common/clock.h"
#include "runtime/agent.h"

typedef struct counting
{
    _Atomic int cycles;
    _Atomic int closed;
    _Atomic int work;
    _Atomic int end_after;
    _Atomic int64_t limit_ns;
}
counting_t;

static int do_work(void *state, int64_t now_ns)
{
    counting_t *c = state;
    const int cycles = atomic_fetch_add(&c->cycles, 1) + 1;
    if (now_ns <= 0) { return -1; }
    if (0 != atomic_load(&c->end_after) && cycles >= atomic_load(&c->end_after)) { return -1; }
    return atomic_load(&c->work);
}

static void on_close(void *state) { atomic_fetch_add(&((counting_t *)state)->closed, 1); }
static int64_t park_limit(void *state) { return atomic_load(&((counting_t *)state)->limit_ns); }

static void wait_for(const _Atomic int *value, int at_least)
{
    const int64_t deadline_ns = tpi_clock_monotonic_ns() + 20 * TPI_NS_PER_S;
    while (atomic_load((_Atomic int *)(uintptr_t)value) < at_least)
    {
        assert_true(tpi_clock_monotonic_ns() < deadline_ns);
        (void)sched_yield();
    }
}

static tpi_agent_t agent_of(counting_t *c)
{
    return (tpi_agent_t){ .name = "counting", .state = c, .do_work = do_work, .on_close = on_close, .park_limit = park_limit };
}

static void agent_runs_until_it_is_closed_and_is_told_once(void **state)
{
    (void)state;
    counting_t c = { .limit_ns = -1 };
    tpi_agent_runner_t *runner = NULL;
    const tpi_agent_t agent = agent_of(&c);
    assert_int_equal(tpi_agent_runner_start(&runner, &agent, TPI_IDLE_BACKOFF, 1000, 100000), 0);
    wait_for(&c.cycles, 100);
    assert_false(tpi_agent_runner_has_ended(runner));
    assert_true(tpi_agent_runner_max_cycle_ns(runner) > 0);
    tpi_agent_runner_close(runner);
    assert_int_equal(atomic_load(&c.closed), 1);
    tpi_agent_runner_close(NULL);
    tpi_agent_runner_wake(NULL);
}

static void negative_work_ends_the_thread(void **state)
{
    (void)state;
    counting_t c = { .end_after = 5, .limit_ns = -1 };
    tpi_agent_runner_t *runner = NULL;
    const tpi_agent_t agent = agent_of(&c);
    assert_int_equal(tpi_agent_runner_start(&runner, &agent, TPI_IDLE_YIELD, 1, 1), 0);
    wait_for(&c.closed, 1);
    assert_int_equal(atomic_load(&c.cycles), 5);
    tpi_agent_runner_close(runner);
    assert_int_equal(atomic_load(&c.closed), 1);
}

static void sleeping_agent_is_woken(void **state)
{
    (void)state;
    counting_t c = { .limit_ns = -1 };
    tpi_agent_runner_t *runner = NULL;
    const tpi_agent_t agent = agent_of(&c);
    const int64_t begin_ns = tpi_clock_monotonic_ns();
    assert_int_equal(tpi_agent_runner_start(&runner, &agent, TPI_IDLE_SLEEP, 1, 600 * TPI_NS_PER_S), 0);
    wait_for(&c.cycles, 1);
    tpi_agent_runner_wake(runner);
    wait_for(&c.cycles, 2);
    tpi_agent_runner_close(runner);
    assert_true(tpi_clock_monotonic_ns() - begin_ns < 300 * TPI_NS_PER_S);
}

static void park_limit_bounds_every_sleep(void **state)
{
    (void)state;
    counting_t c = { .limit_ns = 1000 };
    tpi_agent_runner_t *runner = NULL;
    const tpi_agent_t agent = agent_of(&c);
    assert_int_equal(tpi_agent_runner_start(&runner, &agent, TPI_IDLE_SLEEP, 1, 600 * TPI_NS_PER_S), 0);
    wait_for(&c.cycles, 10);
    tpi_agent_runner_close(runner);
}

typedef struct taking { tpi_wait_set_t *waits; _Atomic int cycles; } taking_t;

/* What was to wake the thread for its end is taken by the cycle under way. */
static int take_the_last_wake(void *state, int64_t now_ns)
{
    taking_t *const t = state;
    struct pollfd one = { .fd = tpi_wait_set_fd(t->waits), .events = POLLIN };
    (void)now_ns;
    atomic_fetch_add(&t->cycles, 1);
    (void)poll(&one, 1, 60000);
    (void)tpi_wait_set_take(t->waits);
    return 0;
}

static void an_agent_that_is_told_to_end_during_a_cycle_does_not_sleep_before(void **state)
{
    (void)state;
    taking_t t = { .waits = NULL };
    assert_int_equal(tpi_wait_set_create(&t.waits), 0);
    const tpi_agent_t agent = { .name = "taking", .state = &t, .do_work = take_the_last_wake, .waits = t.waits };
    tpi_agent_runner_t *runner = NULL;
    const int64_t begin_ns = tpi_clock_monotonic_ns();
    assert_int_equal(tpi_agent_runner_start(&runner, &agent, TPI_IDLE_SLEEP, 1, 600 * TPI_NS_PER_S), 0);
    wait_for(&t.cycles, 1);
    tpi_agent_runner_close(runner);
    assert_true(tpi_clock_monotonic_ns() - begin_ns < 300 * TPI_NS_PER_S);
    tpi_wait_set_close(t.waits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agent_runs_until_it_is_closed_and_is_told_once), cmocka_unit_test(negative_work_ends_the_thread),
        cmocka_unit_test(sleeping_agent_is_woken), cmocka_unit_test(park_limit_bounds_every_sleep),
        cmocka_unit_test(an_agent_that_is_told_to_end_during_a_cycle_does_not_sleep_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
