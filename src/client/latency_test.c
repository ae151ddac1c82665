#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "client/latency.h"

static tpi_latency_t *latency;

static int setup(void **state)
{
    (void)state;
    return tpi_latency_create(&latency);
}

static int teardown(void **state)
{
    (void)state;
    tpi_latency_delete(latency);
    latency = NULL;
    return 0;
}

static tpi_latency_summary_t read_now(void)
{
    tpi_latency_summary_t summary;
    tpi_latency_read(latency, &summary);
    return summary;
}

static void empty_histogram_has_no_percentiles(void **state)
{
    (void)state;
    tpi_latency_summary_t none = { 1, 1, 1, 1 };
    tpi_latency_read(NULL, &none);
    const tpi_latency_summary_t summary = read_now();
    assert_int_equal(none.count + none.p50_ns + none.p99_ns + none.max_ns, 0);
    assert_int_equal(summary.count + summary.p50_ns + summary.p99_ns + summary.max_ns, 0);
}

static void percentiles_are_known_to_three_figures(void **state)
{
    (void)state;
    for (int64_t i = 1; i <= 100000; i++) { tpi_latency_record(latency, i); }
    const tpi_latency_summary_t summary = read_now();
    assert_int_equal(summary.count, 100000);
    assert_int_equal(summary.max_ns, 100000);
    assert_in_range(summary.p50_ns, 50000, 50050);
    assert_in_range(summary.p99_ns, 99000, 99099);
}

static void reading_takes_nothing_away(void **state)
{
    (void)state;
    tpi_latency_record(latency, 1000);
    assert_int_equal(read_now().count, 1);
    assert_int_equal(read_now().count, 1);
    tpi_latency_record(latency, 3000);
    const tpi_latency_summary_t summary = read_now();
    assert_int_equal(summary.count, 2);
    assert_in_range(summary.p50_ns, 1000, 1001);
    assert_int_equal(summary.p99_ns, 3000);
}

static void values_beyond_the_ends_count_at_the_ends(void **state)
{
    (void)state;
    tpi_latency_record(latency, -5);
    tpi_latency_record(latency, 0);
    assert_int_equal(read_now().count, 2);
    assert_int_equal(read_now().p99_ns, 0);
    for (int bit = 0; bit < 63; bit++) { tpi_latency_record(latency, INT64_C(1) << bit); }
    tpi_latency_record(latency, TPI_LATENCY_MAX_NS);
    tpi_latency_record(latency, TPI_LATENCY_MAX_NS + 1);
    tpi_latency_record(latency, INT64_MAX);
    const tpi_latency_summary_t summary = read_now();
    assert_int_equal(summary.count, 2 + 63 + 3);
    assert_int_equal(summary.max_ns, INT64_MAX);
    assert_true(summary.p99_ns >= (uint64_t)TPI_LATENCY_MAX_NS);
}

#define RECORDED 200000

static _Atomic bool done;

static void *read_again_and_again(void *arg)
{
    uint64_t last = 0;
    (void)arg;
    while (!atomic_load(&done))
    {
        const uint64_t count = read_now().count;
        if (count < last) { return (void *)1; }
        last = count;
    }
    return NULL;
}

static void two_readers_lose_nothing_of_a_writer_at_work(void **state)
{
    pthread_t readers[2];
    (void)state;
    atomic_store(&done, false);
    for (int i = 0; i < 2; i++) { assert_int_equal(pthread_create(&readers[i], NULL, read_again_and_again, NULL), 0); }
    for (int64_t i = 0; i < RECORDED; i++) { tpi_latency_record(latency, i % 1000); }
    atomic_store(&done, true);
    for (int i = 0; i < 2; i++)
    {
        void *went_back = NULL;
        assert_int_equal(pthread_join(readers[i], &went_back), 0);
        assert_null(went_back);
    }
    assert_int_equal(read_now().count, RECORDED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(empty_histogram_has_no_percentiles, setup, teardown),
        cmocka_unit_test_setup_teardown(percentiles_are_known_to_three_figures, setup, teardown),
        cmocka_unit_test_setup_teardown(reading_takes_nothing_away, setup, teardown),
        cmocka_unit_test_setup_teardown(values_beyond_the_ends_count_at_the_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(two_readers_lose_nothing_of_a_writer_at_work, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
