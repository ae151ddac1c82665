#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdatomic.h>

#include "common/clock.h"
#include "common/thread.h"

typedef struct shared
{
    tpi_parker_t parker;
    _Atomic uint64_t self;
    _Atomic int blocked;
    _Atomic int faults_blocked;
    uint64_t ticket;
}
shared_t;

static void *note_self(void *arg)
{
    shared_t *shared = arg;
    sigset_t mask;
    (void)pthread_sigmask(SIG_BLOCK, NULL, &mask);
    atomic_store(&shared->blocked, sigismember(&mask, SIGTERM));
    atomic_store(&shared->faults_blocked, sigismember(&mask, SIGBUS) + sigismember(&mask, SIGSEGV) + sigismember(&mask, SIGFPE) +
        sigismember(&mask, SIGILL));
    atomic_store(&shared->self, tpi_thread_self());
    tpi_parker_wake(&shared->parker);
    return NULL;
}

static void a_thread_runs_with_signals_but_faults_blocked_and_has_a_number_of_its_own__M6(void **state)
{
    (void)state;
    shared_t shared = { .self = 0, .blocked = 0, .faults_blocked = 99 };
    tpi_thread_t thread = { .running = false };
    assert_int_equal(tpi_parker_init(&shared.parker), 0);
    const uint64_t ticket = tpi_parker_ticket(&shared.parker);
    assert_int_equal(tpi_thread_start(&thread, "a name longer than fifteen", note_self, &shared), 0);
    tpi_parker_park(&shared.parker, ticket, 20 * TPI_NS_PER_S);
    assert_true(0 != atomic_load(&shared.self));
    assert_true(tpi_thread_self() != atomic_load(&shared.self));
    assert_int_equal(tpi_thread_self(), tpi_thread_self());
    assert_int_equal(atomic_load(&shared.blocked), 1);
    assert_int_equal(atomic_load(&shared.faults_blocked), 0);
    tpi_thread_join(&thread);
    tpi_thread_join(&thread);
    tpi_parker_fini(&shared.parker);
}

static void a_wake_before_the_park_is_not_lost(void **state)
{
    (void)state;
    tpi_parker_t parker;
    assert_int_equal(tpi_parker_init(&parker), 0);
    const uint64_t ticket = tpi_parker_ticket(&parker);
    tpi_parker_wake(&parker);
    const int64_t before = tpi_clock_monotonic_ns();
    tpi_parker_park(&parker, ticket, 60 * TPI_NS_PER_S);
    assert_true(tpi_clock_monotonic_ns() - before < 30 * TPI_NS_PER_S);
    tpi_parker_fini(&parker);
}

static void a_park_without_wake_ends_at_its_timeout(void **state)
{
    (void)state;
    tpi_parker_t parker;
    assert_int_equal(tpi_parker_init(&parker), 0);
    const int64_t before = tpi_clock_monotonic_ns();
    tpi_parker_park(&parker, tpi_parker_ticket(&parker), 2 * TPI_NS_PER_MS);
    assert_true(tpi_clock_monotonic_ns() - before >= 2 * TPI_NS_PER_MS);
    tpi_parker_park(&parker, tpi_parker_ticket(&parker), 0);
    tpi_parker_fini(&parker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_runs_with_signals_but_faults_blocked_and_has_a_number_of_its_own__M6),
        cmocka_unit_test(a_wake_before_the_park_is_not_lost),
        cmocka_unit_test(a_park_without_wake_ends_at_its_timeout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
