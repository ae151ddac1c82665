#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>

#include "common/mpsc_queue.h"

#include <tensor_pool/common/tp_error.h>

static void items_come_out_in_the_order_they_went_in(void **state)
{
    (void)state;
    int items[5];
    tpi_mpsc_queue_t *queue = NULL;
    assert_int_equal(tpi_mpsc_queue_create(&queue, 5), 0);
    assert_true(tpi_mpsc_queue_is_empty(queue));
    assert_null(tpi_mpsc_queue_take(queue));
    for (int round = 0; round < 100; round++)
    {
        for (int i = 0; i < 5; i++) { assert_true(tpi_mpsc_queue_push(queue, &items[i])); }
        for (int i = 0; i < 5; i++) { assert_ptr_equal(tpi_mpsc_queue_take(queue), &items[i]); }
        assert_null(tpi_mpsc_queue_take(queue));
    }
    tpi_mpsc_queue_delete(queue);
}

static void a_full_queue_refuses_until_one_is_taken(void **state)
{
    (void)state;
    int item;
    tpi_mpsc_queue_t *queue = NULL;
    assert_int_equal(tpi_mpsc_queue_create(&queue, 4), 0);
    for (int i = 0; i < 4; i++) { assert_true(tpi_mpsc_queue_push(queue, &item)); }
    assert_false(tpi_mpsc_queue_push(queue, &item));
    assert_ptr_equal(tpi_mpsc_queue_take(queue), &item);
    assert_true(tpi_mpsc_queue_push(queue, &item));
    assert_false(tpi_mpsc_queue_push(queue, &item));
    tpi_mpsc_queue_delete(queue);
}

static void capacity_is_bounded_on_both_sides(void **state)
{
    (void)state;
    tpi_mpsc_queue_t *queue = NULL;
    assert_int_equal(tpi_mpsc_queue_create(&queue, 0), -1);
    assert_int_equal(tp_errcode(), TP_EINVAL);
    assert_int_equal(tpi_mpsc_queue_create(&queue, ((size_t)1 << 20) + 1), -1);
    assert_null(queue);
    tpi_mpsc_queue_delete(NULL);
}

#define PUSHERS 4
#define EACH 20000

static void *pusher(void *arg)
{
    void **args = arg;
    tpi_mpsc_queue_t *queue = args[0];
    const uintptr_t base = (uintptr_t)args[1];
    for (uintptr_t i = 1; i <= EACH; i++)
    {
        while (!tpi_mpsc_queue_push(queue, (void *)(base + i))) { sched_yield(); }
    }
    return NULL;
}

static void every_item_of_every_thread_arrives_once_and_in_order(void **state)
{
    (void)state;
    tpi_mpsc_queue_t *queue = NULL;
    pthread_t threads[PUSHERS];
    void *args[PUSHERS][2];
    uintptr_t last[PUSHERS] = { 0 };
    assert_int_equal(tpi_mpsc_queue_create(&queue, 64), 0);
    for (uintptr_t i = 0; i < PUSHERS; i++)
    {
        args[i][0] = queue;
        args[i][1] = (void *)(i << 32);
        assert_int_equal(pthread_create(&threads[i], NULL, pusher, args[i]), 0);
    }
    for (int taken = 0; taken < PUSHERS * EACH;)
    {
        const uintptr_t item = (uintptr_t)tpi_mpsc_queue_take(queue);
        if (0 == item) { sched_yield(); continue; }
        assert_int_equal(item & 0xFFFFFFFFu, last[item >> 32] + 1);
        last[item >> 32]++;
        taken++;
    }
    for (int i = 0; i < PUSHERS; i++) { assert_int_equal(pthread_join(threads[i], NULL), 0); }
    assert_true(tpi_mpsc_queue_is_empty(queue));
    tpi_mpsc_queue_delete(queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_come_out_in_the_order_they_went_in),
        cmocka_unit_test(a_full_queue_refuses_until_one_is_taken),
        cmocka_unit_test(capacity_is_bounded_on_both_sides),
        cmocka_unit_test(every_item_of_every_thread_arrives_once_and_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
