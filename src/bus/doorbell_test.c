/* The doorbell page: who finds it, what wakes, and that nothing in it is believed. */
#include "bus/doorbell.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/err.h"

#define LONG_NS (INT64_C(600) * 1000000000)      /* nobody waits so long: who is not woken hangs, and the test runner ends it */

static char dir[64];

static const char *file(void)
{
    static char path[128];
    (void)snprintf(path, sizeof(path), "%s/" TPI_DOORBELL_NAME, dir);
    return path;
}

static int make_dir(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof(dir), "/dev/shm/tp-doorbell-XXXXXX");
    return NULL == mkdtemp(dir) ? -1 : 0;
}

static int remove_dir(void **state)
{
    (void)state;
    (void)unlink(file());
    return rmdir(dir);
}

static void a_ring_between_ticket_and_wait_is_not_slept_over__L_301(void **state)
{
    (void)state;
    tpi_doorbell_t *bell = NULL;
    assert_int_equal(tpi_doorbell_create(&bell, dir), 0);
    tpi_doorbell_t *const other = tpi_doorbell_find(dir);
    assert_non_null(other);
    uint32_t ticket = tpi_doorbell_ticket(bell);
    assert_false(tpi_doorbell_wait(bell, ticket, 0));
    assert_false(tpi_doorbell_wait(bell, ticket, 1));
    tpi_doorbell_ring(other);
    assert_true(tpi_doorbell_wait(bell, ticket, LONG_NS));
    ticket = tpi_doorbell_ticket(bell);
    assert_false(tpi_doorbell_wait(bell, ticket, 1));            /* a ring before the ticket was for the cycle before */
    assert_int_equal(tpi_doorbell_rings(bell), 1);
    tpi_doorbell_close(other);
    tpi_doorbell_close(bell);
    tpi_doorbell_close(NULL);
    tpi_doorbell_ring(NULL);
}

static void *sleeper(void *clientd)
{
    tpi_doorbell_t *const bell = clientd;
    for (uint32_t heard = 0; heard < 1000; heard = tpi_doorbell_rings(bell))
    {
        (void)tpi_doorbell_wait(bell, heard, LONG_NS);
    }
    return NULL;
}

static void a_ring_of_another_process_wakes_a_sleeper__L_301(void **state)
{
    (void)state;
    tpi_doorbell_t *bell = NULL;
    pthread_t thread;
    assert_int_equal(tpi_doorbell_create(&bell, dir), 0);
    assert_int_equal(pthread_create(&thread, NULL, sleeper, bell), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (0 == child)
    {
        tpi_doorbell_t *const other = tpi_doorbell_find(dir);
        for (int i = 0; NULL != other && i < 1000; i++) { tpi_doorbell_ring(other); }
        _exit(NULL == other ? 1 : 0);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(tpi_doorbell_rings(bell), 1000);
    tpi_doorbell_close(bell);
}

static void put(size_t length)
{
    (void)unlink(file());
    const int fd = open(file(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)length), 0);
    (void)close(fd);
}

static void what_is_no_doorbell_is_passed_over__M2_M10(void **state)
{
    (void)state;
    tpi_doorbell_t *bell = NULL;
    assert_null(tpi_doorbell_find(dir));
    assert_null(tpi_doorbell_find("/nowhere"));
    put(4095);
    assert_null(tpi_doorbell_find(dir));
    put(4096);                                                   /* long enough, but nobody's */
    assert_null(tpi_doorbell_find(dir));
    assert_int_equal(tpi_doorbell_create(&bell, dir), -1);       /* never one that is there already */
    assert_int_equal(tp_errcode(), TP_EIO);
    (void)unlink(file());
    assert_int_equal(mkfifo(file(), 0600), 0);
    assert_null(tpi_doorbell_find(dir));
    (void)unlink(file());
    assert_int_equal(symlink("/dev/null", file()), 0);
    assert_null(tpi_doorbell_find(dir));
    assert_int_equal(tpi_doorbell_create(&bell, dir), -1);
    assert_null(bell);
}

static void a_doorbell_without_its_driver_rings_unheard__L_301(void **state)
{
    (void)state;
    tpi_doorbell_t *bell = NULL;
    assert_int_equal(tpi_doorbell_create(&bell, dir), 0);
    tpi_doorbell_t *const client = tpi_doorbell_find(dir);
    assert_non_null(client);
    tpi_doorbell_close(bell);
    assert_int_equal(unlink(file()), 0);
    tpi_doorbell_ring(client);
    assert_int_equal(tpi_doorbell_rings(client), 1);
    tpi_doorbell_close(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_ring_between_ticket_and_wait_is_not_slept_over__L_301, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(a_ring_of_another_process_wakes_a_sleeper__L_301, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(what_is_no_doorbell_is_passed_over__M2_M10, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(a_doorbell_without_its_driver_rings_unheard__L_301, make_dir, remove_dir),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
