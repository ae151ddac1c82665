/* The generator of 40-tracelink.md 2.3, with a scripted clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>

#include <tensor_pool/common/tp_error.h>
#include <tensor_pool/common/tp_types.h>

#include "protocol/trace_id.h"

#define MS INT64_C(1000000)

static tpi_trace_generator_t generator;
static const tpi_trace_layout_t usual = TPI_TRACE_LAYOUT_INIT;
static const tpi_trace_layout_t narrow = { 2, 2, 0 };

/* A clock that shows one value after the other, and then the last one for ever. */
typedef struct script
{
    const int64_t *ms;
    size_t count;
    size_t readings;
}
script_t;

static int64_t scripted(void *clientd)
{
    script_t *const script = clientd;
    const size_t at = script->readings < script->count ? script->readings : script->count - 1;
    script->readings++;
    return script->ms[at] * MS;
}

static uint64_t made_at(int64_t ms)
{
    uint64_t id = 0;
    assert_int_equal(tpi_trace_next(&generator, ms * MS, &id), TPI_TRACE_MADE);
    return id;
}

static void ids_are_those_of_the_example__T_010_T_012(void **state)
{
    (void)state;
    static const struct { int64_t ms; uint64_t id; } rows[] = { { 1234, 19756 }, { 1234, 19757 }, { 1234, 19758 }, { 1234, 19759 },
        { 1235, 19772 }, { 1230, 19773 }, { 1230, 19774 }, { 1230, 19775 }, { 1230, 19788 }, { 1236, 19789 } };
    assert_int_equal(tpi_trace_generator_init(&generator, &narrow, 3, 1000 * MS), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
    {
        if (4 == i)
        {
            uint64_t id = 77;
            assert_int_equal(tpi_trace_next(&generator, 1234 * MS + 999999, &id), TPI_TRACE_WAIT);
            assert_int_equal(id, 77);
        }
        assert_int_equal(made_at(rows[i].ms), rows[i].id);
    }
    assert_int_equal(atomic_load(&generator.borrowed), 1);
    assert_int_equal(atomic_load(&generator.waits), 1);
}

static void ids_with_the_usual_split_are_those_of_the_example__T_008_T_010(void **state)
{
    (void)state;
    uint64_t id = 0;
    assert_int_equal(tpi_trace_generator_init(&generator, &usual, 5, 1767225600000 * MS), 0);
    for (int i = 0; i < 8; i++) { id = made_at(1767225600000); }
    assert_true(UINT64_C(0x66ddb6aa00005007) == id);
    const tpi_trace_layout_t later = { 10, 12, 1420070400000 };
    assert_int_equal(tpi_trace_generator_init(&generator, &later, 5, 1767225600000 * MS), 0);
    for (int i = 0; i < 8; i++) { id = made_at(1767225600000); }
    assert_true(UINT64_C(0x143503fe00005007) == id);
    tpi_trace_parts_t parts;
    tpi_trace_id_parts(&later, id, &parts);
    assert_true(1767225600000 == parts.time_ms);
    assert_int_equal(parts.node_id, 5);
    assert_int_equal(parts.sequence, 7);
}

static void ids_of_two_nodes_sort_by_their_time__T_009(void **state)
{
    (void)state;
    tpi_trace_generator_t other;
    uint64_t first = 0;
    uint64_t second = 0;
    assert_int_equal(tpi_trace_generator_init(&generator, &usual, 1023, 0), 0);
    assert_int_equal(tpi_trace_generator_init(&other, &usual, 0, 0), 0);
    assert_int_equal(tpi_trace_next(&generator, 1000 * MS, &first), TPI_TRACE_MADE);
    assert_int_equal(tpi_trace_next(&other, 1002 * MS, &second), TPI_TRACE_MADE);
    assert_true(first < second);
}

static void a_clock_that_was_set_back_is_not_waited_for__T_051_O_4_P14(void **state)
{
    (void)state;
    static const int64_t back[] = { 1230 };
    script_t script = { back, 1, 0 };
    assert_int_equal(tpi_trace_generator_init(&generator, &narrow, 3, 1235 * MS), 0);
    uint64_t id = made_at(1235);
    for (uint64_t i = 1; i <= 40; i++)
    {
        const uint64_t before = id;
        assert_int_equal(tpi_trace_make(&generator, scripted, &script, &id), TPI_TRACE_MADE);
        assert_int_equal(script.readings, i);                               /* one look at the clock for each */
        assert_true(id > before);
    }
    assert_int_equal(atomic_load(&generator.borrowed), 10);
}

static void a_used_up_millisecond_is_waited_for_and_no_longer__T_051(void **state)
{
    (void)state;
    static const int64_t stays[] = { 1234, 1234, 1234, 1235 };
    script_t script = { stays, 4, 0 };
    assert_int_equal(tpi_trace_generator_init(&generator, &narrow, 3, 1234 * MS), 0);
    for (int i = 0; i < 4; i++) { (void)made_at(1234); }
    uint64_t id = 0;
    assert_int_equal(tpi_trace_make(&generator, scripted, &script, &id), TPI_TRACE_MADE);
    assert_int_equal(id, 19772);
    assert_int_equal(script.readings, 4);
    static const int64_t falls[] = { 1235, 1235, 1200 };                    /* set back while somebody waits */
    script = (script_t){ falls, 3, 0 };
    for (int i = 0; i < 3; i++) { (void)made_at(1235); }
    assert_int_equal(tpi_trace_make(&generator, scripted, &script, &id), TPI_TRACE_MADE);
    assert_int_equal(id, 1236 << 4 | 3 << 2);
    assert_int_equal(script.readings, 3);
}

static void a_clock_that_stands_still_ends_the_wait__P14(void **state)
{
    (void)state;
    static const int64_t stands[] = { 1234 };
    script_t script = { stands, 1, 0 };
    assert_int_equal(tpi_trace_generator_init(&generator, &narrow, 3, 1234 * MS), 0);
    for (int i = 0; i < 4; i++) { (void)made_at(1234); }
    uint64_t id = 0;
    assert_int_equal(tpi_trace_make(&generator, scripted, &script, &id), TPI_TRACE_MADE);
    assert_int_equal(id, 1235 << 4 | 3 << 2);
    assert_int_equal(script.readings, TPI_TRACE_READINGS_MAX);
    assert_int_equal(atomic_load(&generator.borrowed), 1);
}

static void a_clock_before_the_offset_is_not_far_ahead__O_5(void **state)
{
    (void)state;
    const tpi_trace_layout_t layout = { 10, 12, 1000 };
    assert_int_equal(tpi_trace_generator_init(&generator, &layout, 1, 999 * MS), -1);
    assert_int_equal(tpi_trace_generator_init(&generator, &layout, 1, 1000 * MS), 0);
    assert_int_equal(made_at(1000), 1 << 12 | 1);                           /* never 0, also on node 0 */
    assert_int_equal(made_at(-5), 1 << 12 | 2);
    assert_int_equal(tpi_trace_generator_init(&generator, &usual, 0, 0), 0);
    assert_int_equal(made_at(0), 1);
}

static void layouts_are_checked_width_by_width__O_6(void **state)
{
    (void)state;
    static const tpi_trace_layout_t good[] = { { 22, 0, 0 }, { 0, 22, 0 }, { 10, 12, 0 }, { 0, 0, 0 } };
    static const tpi_trace_layout_t bad[] = { { 23, 0, 0 }, { 0, 23, 0 }, { 11, 12, 0 }, { 250, 16, 0 }, { UINT32_MAX, 2, 0 }, { 10, 12, -1 } };
    for (size_t i = 0; i < 4; i++) { assert_int_equal(tpi_trace_generator_init(&generator, &good[i], 0, 5 * MS), 0); }
    for (size_t i = 0; i < 6; i++)
    {
        assert_int_equal(tpi_trace_generator_init(&generator, &bad[i], 0, 5 * MS), -1);
        assert_int_equal(tp_errcode(), TP_EINVAL);
    }
}

static void nodes_that_do_not_fit_are_refused__T_011(void **state)
{
    (void)state;
    const tpi_trace_layout_t wide = { 22, 0, 0 };
    assert_int_equal(tpi_trace_generator_init(&generator, &usual, 1023, 0), 0);
    assert_int_equal(tpi_trace_generator_init(&generator, &usual, 1024, 0), -1);
    assert_int_equal(tpi_trace_generator_init(&generator, &wide, 4194303, 0), 0);
    assert_int_equal(tpi_trace_generator_init(&generator, &wide, 4194304, 0), -1);
}

static void the_end_of_time_is_reported__O_6(void **state)
{
    (void)state;
    const int64_t end = INT64_C(2199023255551);                             /* 2039-09-07T15:47:35.551Z */
    uint64_t id = 0;
    assert_int_equal(tpi_trace_generator_init(&generator, &usual, 1, (end + 1) * MS), -1);
    assert_int_equal(tpi_trace_generator_init(&generator, &usual, 1, end * MS), 0);
    assert_true(made_at(end) < UINT64_C(1) << 63);
    assert_int_equal(tpi_trace_next(&generator, (end + 1) * MS, &id), TPI_TRACE_ENDED);
    assert_int_equal(id, 0);
    for (int i = 1; i < 4096; i++) { (void)made_at(end - 1); }
    assert_int_equal(tpi_trace_next(&generator, (end - 1) * MS, &id), TPI_TRACE_ENDED);      /* nothing left to borrow */
    assert_int_equal(atomic_load(&generator.refused), 2);
}

/* ---- several at once ---- */

#define THREADS 4
#define EACH 100000

static uint64_t *ids;

static int64_t ticking(void *clientd)
{
    static _Atomic int64_t ns;
    (void)clientd;
    return atomic_fetch_add(&ns, 700) + 5 * MS;
}

static void *make_many(void *arg)
{
    uint64_t *const mine = arg;
    for (size_t i = 0; i < EACH; i++)
    {
        if (TPI_TRACE_MADE != tpi_trace_make(&generator, ticking, NULL, &mine[i])) { return mine; }
        if (i > 0 && mine[i] <= mine[i - 1]) { return mine; }
    }
    return NULL;
}

static int by_value(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a;
    const uint64_t y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void threads_get_ids_that_differ_and_rise__T_011(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    ids = calloc((size_t)THREADS * EACH, sizeof(*ids));
    assert_non_null(ids);
    assert_int_equal(tpi_trace_generator_init(&generator, &usual, 9, 0), 0);
    for (size_t i = 0; i < THREADS; i++) { assert_int_equal(pthread_create(&threads[i], NULL, make_many, ids + i * EACH), 0); }
    for (size_t i = 0; i < THREADS; i++)
    {
        void *failed = NULL;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    qsort(ids, (size_t)THREADS * EACH, sizeof(*ids), by_value);
    for (size_t i = 1; i < (size_t)THREADS * EACH; i++) { assert_true(ids[i - 1] != ids[i]); }
    free(ids);
}

static void processes_with_nodes_of_their_own_share_no_id__T_011(void **state)
{
    (void)state;
    static tpi_trace_generator_t node[2];
    const tpi_trace_layout_t layout = TPI_TRACE_LAYOUT_INIT;
    const size_t count = 1000000;
    ids = calloc(2 * count, sizeof(*ids));
    assert_non_null(ids);
    for (uint32_t n = 0; n < 2; n++) { assert_int_equal(tpi_trace_generator_init(&node[n], &layout, n + 1, 0), 0); }
    for (size_t i = 0; i < count; i++)
    {
        for (size_t n = 0; n < 2; n++)
        {
            assert_int_equal(tpi_trace_next(&node[n], (int64_t)(1000 + i / 4096) * MS, &ids[2 * i + n]), TPI_TRACE_MADE);
        }
    }
    qsort(ids, 2 * count, sizeof(*ids), by_value);
    for (size_t i = 1; i < 2 * count; i++) { assert_true(ids[i - 1] != ids[i]); }
    free(ids);
}

/* ---- node ---- */

static void configured_nodes_win_and_the_first_stays__T_012_T_013_T_014_T_015(void **state)
{
    (void)state;
    tpi_trace_node_t node = TPI_TRACE_NODE_INIT;
    assert_int_equal(tpi_trace_node_take(&node, 5, 9, 10), 0);
    assert_int_equal(node.node_id, 5);
    node = (tpi_trace_node_t)TPI_TRACE_NODE_INIT;
    assert_int_equal(tpi_trace_node_take(&node, TP_NULL_U32, 9, 10), 0);
    assert_int_equal(node.node_id, 9);
    assert_int_equal(tpi_trace_node_take(&node, TP_NULL_U32, 12, 10), 0);   /* another attach of the same process */
    assert_int_equal(node.node_id, 9);
    tpi_trace_node_forget(&node);
    assert_int_equal(tpi_trace_node_take(&node, TP_NULL_U32, 12, 10), 0);
    assert_int_equal(tpi_trace_generator_init(&generator, &usual, node.node_id, 0), 0);
    tpi_trace_parts_t parts;
    tpi_trace_id_parts(&usual, made_at(1), &parts);
    assert_int_equal(parts.node_id, 12);
}

static void a_missing_or_large_node_is_an_error__O_1(void **state)
{
    (void)state;
    tpi_trace_node_t node = TPI_TRACE_NODE_INIT;
    assert_int_equal(tpi_trace_node_take(&node, TP_NULL_U32, TP_NULL_U32, 10), -1);
    assert_int_equal(tp_errcode(), TP_ESTATE);
    assert_int_equal(tpi_trace_node_take(&node, TP_NULL_U32, 1024, 10), -1);
    assert_int_equal(tp_errcode(), TP_EINVAL);
    assert_true(TP_NULL_U32 == node.node_id);
    assert_int_equal(tpi_trace_node_take(&node, TP_NULL_U32, 1024, 23), -1);
    assert_int_equal(tpi_trace_node_take(&node, TP_NULL_U32, 1024, 11), 0);
    assert_int_equal(node.node_id, 1024);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_are_those_of_the_example__T_010_T_012),
        cmocka_unit_test(ids_with_the_usual_split_are_those_of_the_example__T_008_T_010),
        cmocka_unit_test(ids_of_two_nodes_sort_by_their_time__T_009),
        cmocka_unit_test(a_clock_that_was_set_back_is_not_waited_for__T_051_O_4_P14),
        cmocka_unit_test(a_used_up_millisecond_is_waited_for_and_no_longer__T_051),
        cmocka_unit_test(a_clock_that_stands_still_ends_the_wait__P14),
        cmocka_unit_test(a_clock_before_the_offset_is_not_far_ahead__O_5),
        cmocka_unit_test(layouts_are_checked_width_by_width__O_6),
        cmocka_unit_test(nodes_that_do_not_fit_are_refused__T_011),
        cmocka_unit_test(the_end_of_time_is_reported__O_6),
        cmocka_unit_test(threads_get_ids_that_differ_and_rise__T_011),
        cmocka_unit_test(processes_with_nodes_of_their_own_share_no_id__T_011),
        cmocka_unit_test(configured_nodes_win_and_the_first_stays__T_012_T_013_T_014_T_015),
        cmocka_unit_test(a_missing_or_large_node_is_an_error__O_1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
