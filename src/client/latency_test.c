#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "client/latency.h"

static tpi_latency_t latency;

static int setup(void **state)
{
    (void)state;
    memset(&latency, 0, sizeof(latency));
    return 0;
}

static void empty_histogram_has_no_percentiles(void **state)
{
    (void)state;
    assert_int_equal(tpi_latency_percentile(&latency, 0.5), 0);
    assert_int_equal(tpi_stat_get(&latency.max_ns), 0);
}

static void percentiles_are_known_to_a_sixteenth(void **state)
{
    (void)state;
    for (int64_t i = 1; i <= 100000; i++) { tpi_latency_record(&latency, i); }
    assert_int_equal(tpi_stat_get(&latency.count), 100000);
    assert_int_equal(tpi_stat_get(&latency.max_ns), 100000);
    assert_in_range(tpi_latency_percentile(&latency, 0.50), 50000, 50000 + 50000 / 16);
    assert_in_range(tpi_latency_percentile(&latency, 0.99), 99000, 100000);
    assert_int_equal(tpi_latency_percentile(&latency, 1.0), 100000);
}

static void all_values_find_a_bucket(void **state)
{
    (void)state;
    tpi_latency_record(&latency, -5);
    tpi_latency_record(&latency, 0);
    tpi_latency_record(&latency, 15);
    tpi_latency_record(&latency, 16);
    for (int bit = 0; bit < 63; bit++) { tpi_latency_record(&latency, INT64_C(1) << bit); }
    tpi_latency_record(&latency, INT64_MAX);
    assert_int_equal(tpi_stat_get(&latency.count), 4 + 63 + 1);
    assert_int_equal(tpi_latency_percentile(&latency, 1.0), INT64_MAX);
    assert_int_equal(tpi_latency_percentile(&latency, 0.01), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(empty_histogram_has_no_percentiles, setup), cmocka_unit_test_setup(percentiles_are_known_to_a_sixteenth, setup),
        cmocka_unit_test_setup(all_values_find_a_bucket, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
