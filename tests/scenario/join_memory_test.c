/* Joins take memory when they are made, and never again: every allocation of the process is counted by the linker's wrappers. */
#include "join_rig.h"

#include <stdlib.h>

#include "common/alloc.h"

static bool counting;
static uint64_t allocations;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);

void *__wrap_malloc(size_t size) { allocations += counting ? 1 : 0; return __real_malloc(size); }
void *__wrap_calloc(size_t count, size_t size) { allocations += counting ? 1 : 0; return __real_calloc(count, size); }
void *__wrap_realloc(void *memory, size_t size) { allocations += counting ? 1 : 0; return __real_realloc(memory, size); }

static int poll_counted(void)
{
    counting = true;
    const int made = tp_join_poll(jr.join, 64);
    counting = false;
    return made;
}

static void run_rounds(uint32_t inputs, int rounds)
{
    uint64_t made = 0;
    for (int i = 0; i < rounds; i++)
    {
        for (uint32_t n = 0; n < inputs; n++) { jr_publish_at(n, 1000 + (uint64_t)i); }
        made += (uint64_t)poll_counted();
    }
    assert_true(made >= (uint64_t)rounds - 1);
    assert_int_equal(allocations, 0);
}

static void the_wrappers_count(void **state)
{
    (void)state;
    allocations = 0;
    counting = true;
    void *memory = tpi_alloc(16);                          /* as the library does */
    counting = false;
    assert_int_equal(allocations, 1);
    tpi_free(memory);
}

static void tuples_take_no_memory__J_002(void **state)
{
    static const tp_merge_rule_t rules[] = { S_OFFSET(0, 0), S_OFFSET(1, 0), S_WINDOW(2, 2) };
    (void)state;
    allocations = 0;
    jr_start_sequence(rules, 3);
    run_rounds(3, 20000);
    jr_stats();
}

static void tuples_by_time_take_no_memory__J_002(void **state)
{
    static const tp_merge_rule_t rules[] = { T_OFFSET(0, TP_TIME_CAPTURED, 0), T_WINDOW(1, TP_TIME_CAPTURED, 5), T_OFFSET(2, TP_TIME_CAPTURED, 0) };
    const tp_join_options_t o = jr_options(TP_JOIN_TIMESTAMP);
    tp_merge_map_t m = jr_map(rules, 3);
    (void)state;
    m.kind = TP_MERGE_TIMESTAMP;
    m.clock_domain = TP_CLOCK_MONOTONIC;
    allocations = 0;
    jr_start(&o, &m, 3, false);
    jr_step(1200 * MS);
    run_rounds(3, 20000);
    jr_stats();
}

/* The measure of J-002: 10^6 updates and checks. */
static void a_million_updates_and_checks_take_no_memory__J_002(void **state)
{
    static const tp_merge_rule_t rules[] = { S_OFFSET(0, 0), S_OFFSET(1, 0) };
    const tp_join_options_t o = jr_options(TP_JOIN_SEQUENCE);
    const tp_merge_map_t m = jr_map(rules, 2);
    tp_join_barrier_t *b = NULL;
    tp_join_result_t r;
    (void)state;
    allocations = 0;
    assert_int_equal(tp_join_barrier_init(&b, jr.client, &o), 0);
    assert_int_equal(tp_join_barrier_apply_map(b, &m), 1);
    counting = true;
    uint64_t ready = 0;
    for (uint64_t i = 0; i < 1000000; i++)
    {
        tp_join_barrier_observed(b, IN, 1, i, TP_NULL_U64, (int64_t)i);
        tp_join_barrier_observed(b, IN + 1, 1, i, TP_NULL_U64, (int64_t)i);
        ready += TP_JOIN_READY == tp_join_barrier_is_ready_sequence(b, i, (int64_t)i, &r) ? 1 : 0;
    }
    counting = false;
    assert_int_equal(ready, 1000000);
    assert_int_equal(allocations, 0);
    tp_join_barrier_close(b);
}

/* With an argument that test only: valgrind --tool=callgrind --toggle-collect=tp_join_poll counts a tuple (docs/performance.md). */
int main(int argc, char **argv)
{
    if (argc > 1) { cmocka_set_test_filter(argv[1]); }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_wrappers_count), JR_TEST(tuples_take_no_memory__J_002), JR_TEST(tuples_by_time_take_no_memory__J_002),
        JR_TEST(a_million_updates_and_checks_take_no_memory__J_002),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
