/* The ring between those who must not wait and the writer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>

#include "trace_queue.h"

static trace_record_t row(uint64_t id) { return (trace_record_t){ .kind = TRACE_LINK, .trace_id = id }; }

static void rows_come_out_in_order_and_what_finds_no_room_is_dropped_as_a_whole(void **state)
{
    trace_queue_t queue;
    trace_record_t rows[8];
    (void)state;
    assert_true(trace_queue_init(&queue, 8));
    for (uint64_t round = 0; round < 5; round++)
    {
        for (uint64_t i = 0; i < 8; i++) { rows[i] = row(i + 1); }
        assert_true(trace_queue_push(&queue, rows, 6));
        assert_false(trace_queue_push(&queue, rows, 3));   /* two would fit: none goes in */
        assert_true(trace_queue_push(&queue, rows + 6, 2));
        assert_false(trace_queue_push(&queue, rows, 1));
        assert_int_equal(atomic_load(&queue.dropped), 4 * (round + 1));
        assert_int_equal(trace_queue_take(&queue, rows, 5), 5);
        assert_int_equal(rows[4].trace_id, 5);
        assert_int_equal(trace_queue_take(&queue, rows, 8), 3);
        assert_int_equal(rows[0].trace_id, 6);
        assert_int_equal(rows[2].trace_id, 8);
        assert_int_equal(trace_queue_take(&queue, rows, 8), 0);
    }
    trace_queue_fini(&queue);
}

#define MANY 50000u

static void *push_many(void *clientd)
{
    trace_queue_t *queue = clientd;
    for (uint64_t i = 1; i <= MANY;)
    {
        const trace_record_t one = row(i);
        if (trace_queue_push(queue, &one, 1)) { i++; }
        else { (void)sched_yield(); }
    }
    return NULL;
}

static void two_threads_lose_nothing(void **state)
{
    trace_queue_t queue;
    trace_record_t rows[64];
    pthread_t thread;
    uint64_t last = 0;
    (void)state;
    assert_true(trace_queue_init(&queue, 256));
    assert_int_equal(pthread_create(&thread, NULL, push_many, &queue), 0);
    while (last < MANY)
    {
        const size_t count = trace_queue_take(&queue, rows, 64);
        for (size_t i = 0; i < count; i++) { assert_int_equal(rows[i].trace_id, ++last); }
        if (0 == count) { (void)sched_yield(); }
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    trace_queue_fini(&queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_out_in_order_and_what_finds_no_room_is_dropped_as_a_whole), cmocka_unit_test(two_threads_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
