/* What ends a wait, and that it is told once. */
#include "runtime/wait_set.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define LONG_NS (INT64_C(600) * 1000000000)      /* nobody waits so long: who is not woken hangs, and the test runner ends it */

static bool is_readable(const tpi_wait_set_t *set)
{
    struct pollfd one = { .fd = tpi_wait_set_fd(set), .events = POLLIN };
    return 1 == poll(&one, 1, 0);
}

static void a_ring_before_the_wait_is_not_slept_over__L_306(void **state)
{
    (void)state;
    tpi_wait_set_t *set = NULL;
    assert_int_equal(tpi_wait_set_create(&set), 0);
    assert_false(tpi_wait_set_take(set));
    assert_false(is_readable(set));
    tpi_wait_set_wait(set, 1000);
    tpi_wait_set_ring(set);
    tpi_wait_set_ring(set);
    assert_true(is_readable(set));
    tpi_wait_set_wait(set, LONG_NS);
    assert_true(is_readable(set));                               /* waiting takes nothing */
    assert_true(tpi_wait_set_take(set));
    assert_false(tpi_wait_set_take(set));
    assert_false(is_readable(set));
    tpi_wait_set_ring(set);                                      /* the bell was never read: it rings again */
    assert_true(tpi_wait_set_take(set));
    tpi_wait_set_close(set);
    tpi_wait_set_ring(NULL);
    tpi_wait_set_close(NULL);
    assert_int_equal(tpi_wait_set_fd(NULL), -1);
}

static void *ring(void *clientd)
{
    tpi_wait_set_ring(clientd);
    return NULL;
}

static void a_ring_of_another_thread_ends_the_wait__L_306(void **state)
{
    (void)state;
    tpi_wait_set_t *set = NULL;
    pthread_t thread;
    assert_int_equal(tpi_wait_set_create(&set), 0);
    assert_int_equal(pthread_create(&thread, NULL, ring, set), 0);
    tpi_wait_set_wait(set, LONG_NS);
    assert_true(tpi_wait_set_take(set));
    assert_int_equal(pthread_join(thread, NULL), 0);
    tpi_wait_set_close(set);
}

static void news_of_a_descriptor_ends_the_wait_once__L_306(void **state)
{
    (void)state;
    tpi_wait_set_t *set = NULL;
    int pair[2];
    char bytes[2];
    assert_int_equal(tpi_wait_set_create(&set), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    tpi_wait_set_add(set, pair[0]);
    assert_true(tpi_wait_set_take(set));                         /* it takes bytes */
    assert_false(tpi_wait_set_take(set));
    assert_int_equal(write(pair[1], "x", 1), 1);
    tpi_wait_set_wait(set, LONG_NS);
    assert_true(tpi_wait_set_take(set));
    assert_false(tpi_wait_set_take(set));                        /* though the byte lies there still */
    assert_int_equal(write(pair[1], "y", 1), 1);
    assert_true(tpi_wait_set_take(set));
    assert_int_equal(read(pair[0], bytes, 2), 2);
    (void)tpi_wait_set_take(set);
    (void)close(pair[1]);
    tpi_wait_set_wait(set, LONG_NS);                             /* the end is news, too */
    assert_true(tpi_wait_set_take(set));
    (void)close(pair[0]);
    assert_false(tpi_wait_set_take(set));
    tpi_wait_set_close(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ring_before_the_wait_is_not_slept_over__L_306),
        cmocka_unit_test(a_ring_of_another_thread_ends_the_wait__L_306),
        cmocka_unit_test(news_of_a_descriptor_ends_the_wait_once__L_306),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
