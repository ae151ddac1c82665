/* The wake-up page: who sleeps is woken, who does not costs nothing, and whatever stands in the page nobody sleeps beyond the bound. */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <tensor_pool/common/tp_error.h>

#include "common/clock.h"
#include "shm/wake.h"

#define MS INT64_C(1000000)

static int fd = -1;
static tpi_wake_page_t *page;

static int setup(void **state)
{
    (void)state;
    return tpi_wake_page_create(&fd) < 0 ? -1 : tpi_wake_page_map(&page, fd);
}

static int teardown(void **state)
{
    (void)state;
    tpi_wake_page_unmap(page);
    page = NULL;
    return close(fd);
}

static void nobody_can_cut_the_page_off__L_202_M6(void **state)
{
    (void)state;
    assert_int_equal(ftruncate(fd, 0), -1);
    assert_int_equal(ftruncate(fd, 2 * TPI_WAKE_PAGE_BYTES), -1);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
    assert_int_equal(ftruncate(fd, TPI_WAKE_PAGE_BYTES), 0);
}

static int plain_memfd(off_t size, int seals, uint64_t magic)
{
    const int made = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_true(made >= 0);
    assert_int_equal(ftruncate(made, size), 0);
    assert_int_equal(pwrite(made, &magic, sizeof(magic), 0), sizeof(magic));
    if (0 != seals) { assert_int_equal(fcntl(made, F_ADD_SEALS, seals), 0); }
    return made;
}

static void refused(int other)
{
    tpi_wake_page_t *mapped = NULL;
    assert_int_equal(tpi_wake_page_map(&mapped, other), -1);
    assert_int_equal(tp_errcode(), TP_EREGION);
    assert_null(mapped);
    (void)close(other);
}

static void only_sealed_pages_of_the_right_size_are_mapped__L_202(void **state)
{
    (void)state;
    int ends[2];
    refused(plain_memfd(TPI_WAKE_PAGE_BYTES, 0, TPI_WAKE_MAGIC));
    refused(plain_memfd(TPI_WAKE_PAGE_BYTES, F_SEAL_SHRINK, TPI_WAKE_MAGIC));
    refused(plain_memfd(TPI_WAKE_PAGE_BYTES, F_SEAL_GROW, TPI_WAKE_MAGIC));
    refused(plain_memfd(TPI_WAKE_PAGE_BYTES - 1, F_SEAL_SHRINK | F_SEAL_GROW, TPI_WAKE_MAGIC));
    refused(plain_memfd(TPI_WAKE_PAGE_BYTES + 1, F_SEAL_SHRINK | F_SEAL_GROW, TPI_WAKE_MAGIC));
    refused(plain_memfd(TPI_WAKE_PAGE_BYTES, F_SEAL_SHRINK | F_SEAL_GROW, TPI_WAKE_MAGIC + 1));
    refused(open("/dev/null", O_RDWR | O_CLOEXEC));
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    refused(ends[0]);
    (void)close(ends[1]);
    tpi_wake_page_t *mapped = NULL;
    const int good = plain_memfd(TPI_WAKE_PAGE_BYTES, F_SEAL_SHRINK | F_SEAL_GROW, TPI_WAKE_MAGIC);
    assert_int_equal(tpi_wake_page_map(&mapped, good), 0);
    tpi_wake_page_unmap(mapped);
    (void)close(good);
}

static void a_commit_touches_nothing_while_nobody_sleeps__L_203(void **state)
{
    (void)state;
    atomic_store(&page->word, 5);                          /* looks as if somebody slept, but nobody showed interest */
    tpi_wake_after_commit(page);
    assert_int_equal(atomic_load(&page->word), 5);
    atomic_store(&page->interest, 1);
    tpi_wake_after_commit(page);
    assert_int_equal(atomic_load(&page->word), 6);
    tpi_wake_after_commit(page);
    assert_int_equal(atomic_load(&page->word), 6);
    tpi_wake_after_commit(NULL);
}

static void a_sleeper_that_is_gone_costs_one_call__L_204(void **state)
{
    (void)state;
    (void)tpi_wake_arm(page);                              /* and dies */
    assert_true(tpi_wake_all(page));
    assert_false(tpi_wake_all(page));
    assert_false(tpi_wake_all(page));
}

static void a_wake_between_look_and_sleep_is_not_missed__L_201(void **state)
{
    (void)state;
    tpi_wake_ticket_t ticket = tpi_wake_arm(page);
    assert_true(ticket.is_fresh);
    tpi_wake_after_commit(page);
    const int64_t begin_ns = tpi_clock_monotonic_ns();
    assert_true(tpi_wake_sleep(page, &ticket, 10000 * MS));
    ticket = tpi_wake_arm(page);
    assert_false(ticket.is_fresh);
    tpi_wake_after_commit(page);
    assert_true(tpi_wake_sleep(page, &ticket, 10000 * MS));
    assert_true(tpi_clock_monotonic_ns() - begin_ns < 10000 * MS);
}

static void nobody_sleeps_beyond_the_bound__L_205(void **state)
{
    (void)state;
    const int64_t begin_ns = tpi_clock_monotonic_ns();
    tpi_wake_ticket_t ticket = tpi_wake_arm(page);
    assert_true(ticket.is_fresh);
    assert_false(tpi_wake_sleep(page, &ticket, INT64_MAX));                              /* the first one is short */
    const int64_t second_ns = tpi_clock_monotonic_ns();
    assert_true(second_ns - begin_ns >= TPI_WAKE_FRESH_NS);
    ticket = tpi_wake_arm(page);
    assert_false(ticket.is_fresh);
    assert_false(tpi_wake_sleep(page, &ticket, INT64_MAX));
    const int64_t end_ns = tpi_clock_monotonic_ns();
    assert_true(end_ns - second_ns >= TPI_WAKE_BOUND_NS);
    assert_true(end_ns - second_ns < 100 * TPI_WAKE_BOUND_NS);
    assert_false(tpi_wake_sleep(page, &ticket, 0));
    assert_false(tpi_wake_sleep(page, &ticket, -1));
}

static void interest_goes_after_two_turns_without_sleepers__L_203(void **state)
{
    (void)state;
    (void)tpi_wake_arm(page);
    tpi_wake_decay(page);
    assert_int_equal(atomic_load(&page->interest), 2);     /* somebody may be asleep */
    assert_true(tpi_wake_all(page));
    tpi_wake_decay(page);
    assert_int_equal(atomic_load(&page->interest), 1);
    assert_false(tpi_wake_arm(page).is_fresh);             /* not gone yet: the producer still fences */
    assert_int_equal(atomic_load(&page->interest), 2);
    assert_true(tpi_wake_all(page));
    tpi_wake_decay(page);
    tpi_wake_decay(page);
    assert_int_equal(atomic_load(&page->interest), 0);
    tpi_wake_decay(page);
    assert_int_equal(atomic_load(&page->interest), 0);
    assert_true(tpi_wake_arm(page).is_fresh);
}

static void any_content_is_survived__L_205_P11(void **state)
{
    (void)state;
    static const uint32_t values[] = { 0, 1, 2, 3, 0x7fffffffu, 0x80000000u, 0xfffffffeu, 0xffffffffu };
    for (size_t i = 0; i < 64; i++)
    {
        atomic_store(&page->word, values[i % 8]);
        atomic_store(&page->interest, values[i / 8]);
        tpi_wake_decay(page);
        tpi_wake_after_commit(page);
        const tpi_wake_ticket_t ticket = tpi_wake_arm(page);
        assert_int_equal(ticket.word & 1u, 1);
        tpi_wake_after_commit(page);
        assert_true(tpi_wake_sleep(page, &ticket, 1));
        atomic_store(&page->interest, values[i / 8]);
        for (int n = 0; n < 4; n++) { tpi_wake_decay(page); }
        assert_true(0 == atomic_load(&page->interest) || 0 != (atomic_load(&page->word) & 1u));
    }
}

static void a_promise_holds_for_its_epoch__L_206(void **state)
{
    (void)state;
    assert_false(tpi_wake_is_promised(page, 7));
    assert_false(tpi_wake_is_promised(NULL, 7));
    tpi_wake_promise(page, 7);
    assert_true(tpi_wake_is_promised(page, 7));
    assert_false(tpi_wake_is_promised(page, 8));
    tpi_wake_break_promise(page, 6);
    assert_true(tpi_wake_is_promised(page, 7));
    tpi_wake_break_promise(page, 7);
    assert_false(tpi_wake_is_promised(page, 7));
}

/* ---- two threads, two processes ----------------------------------------------------------------------------------------- */

#define FRAMES 20000u

static _Atomic uint64_t frame;         /* stands for the commit word */
static _Atomic uint64_t looked_after;  /* frames whose wake is done */
static _Atomic uint64_t seen;

static void *produce(void *arg)
{
    (void)arg;
    for (uint64_t i = 1; i <= FRAMES; i++)
    {
        atomic_store_explicit(&frame, i, memory_order_release);
        tpi_wake_after_commit(page);
        atomic_store_explicit(&looked_after, i, memory_order_release);
        while (atomic_load_explicit(&seen, memory_order_acquire) < i) { }
    }
    return NULL;
}

/* A producer that was held up before its wake is no fault: one that is through with it, and has left the sleeper's word alone, is. */
static void no_frame_is_slept_through__L_201(void **state)
{
    (void)state;
    pthread_t thread;
    uint64_t overslept = 0;
    atomic_store(&frame, 0);
    atomic_store(&seen, 0);
    atomic_store(&looked_after, 0);
    assert_int_equal(pthread_create(&thread, NULL, produce, NULL), 0);
    for (uint64_t next = 1; next <= FRAMES;)
    {
        if (atomic_load_explicit(&frame, memory_order_acquire) >= next) { atomic_store_explicit(&seen, next++, memory_order_release); continue; }
        const tpi_wake_ticket_t ticket = tpi_wake_arm(page);
        if (atomic_load_explicit(&frame, memory_order_acquire) >= next) { continue; }
        if (tpi_wake_sleep(page, &ticket, INT64_MAX) || ticket.is_fresh) { continue; }
        if (atomic_load(&looked_after) >= next && atomic_load(&page->word) == ticket.word) { overslept++; }
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(overslept, 0);
}

static void a_killed_sleeper_is_forgotten_with_the_next_frame__L_204(void **state)
{
    (void)state;
    const pid_t child = fork();
    assert_true(child >= 0);
    if (0 == child)
    {
        for (;;)
        {
            const tpi_wake_ticket_t ticket = tpi_wake_arm(page);
            (void)tpi_wake_sleep(page, &ticket, INT64_MAX);
        }
    }
    while (0 == (atomic_load(&page->word) & 1u)) { }
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(atomic_load(&page->word) & 1u, 1);
    const uint32_t before = atomic_load(&page->word);
    tpi_wake_after_commit(page);
    assert_int_equal(atomic_load(&page->word), before + 1);
    for (int i = 0; i < 100; i++) { tpi_wake_after_commit(page); }
    assert_int_equal(atomic_load(&page->word), before + 1);
}

static void processes_wake_each_other__L_201(void **state)
{
    (void)state;
    const pid_t child = fork();
    assert_true(child >= 0);
    if (0 == child)
    {
        uint64_t woken = 0;
        while (woken < 50)
        {
            const tpi_wake_ticket_t ticket = tpi_wake_arm(page);
            woken += tpi_wake_sleep(page, &ticket, INT64_MAX) ? 1 : 0;
        }
        _exit(0);
    }
    int status = -1;
    const int64_t deadline_ns = tpi_clock_monotonic_ns() + 60000 * MS;
    while (0 == waitpid(child, &status, WNOHANG) && tpi_clock_monotonic_ns() < deadline_ns) { tpi_wake_after_commit(page); }
    assert_true(WIFEXITED(status) && 0 == WEXITSTATUS(status));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nobody_can_cut_the_page_off__L_202_M6, setup, teardown),
        cmocka_unit_test_setup_teardown(only_sealed_pages_of_the_right_size_are_mapped__L_202, setup, teardown),
        cmocka_unit_test_setup_teardown(a_commit_touches_nothing_while_nobody_sleeps__L_203, setup, teardown),
        cmocka_unit_test_setup_teardown(a_sleeper_that_is_gone_costs_one_call__L_204, setup, teardown),
        cmocka_unit_test_setup_teardown(a_wake_between_look_and_sleep_is_not_missed__L_201, setup, teardown),
        cmocka_unit_test_setup_teardown(nobody_sleeps_beyond_the_bound__L_205, setup, teardown),
        cmocka_unit_test_setup_teardown(interest_goes_after_two_turns_without_sleepers__L_203, setup, teardown),
        cmocka_unit_test_setup_teardown(any_content_is_survived__L_205_P11, setup, teardown),
        cmocka_unit_test_setup_teardown(a_promise_holds_for_its_epoch__L_206, setup, teardown),
        cmocka_unit_test_setup_teardown(no_frame_is_slept_through__L_201, setup, teardown),
        cmocka_unit_test_setup_teardown(a_killed_sleeper_is_forgotten_with_the_next_frame__L_204, setup, teardown),
        cmocka_unit_test_setup_teardown(processes_wake_each_other__L_201, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
