#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "protocol/drop_reason.h"

static void every_reason_has_its_own_name(void **state)
{
    (void)state;
    for (int i = 0; i < TPI_DROP_REASON_COUNT; i++)
    {
        assert_string_not_equal(tpi_drop_reason_name(i), "unknown");
        for (int j = 0; j < i; j++) { assert_string_not_equal(tpi_drop_reason_name(i), tpi_drop_reason_name(j)); }
    }
    assert_string_equal(tpi_drop_reason_name(-1), "unknown");
    assert_string_equal(tpi_drop_reason_name(TPI_DROP_REASON_COUNT), "unknown");
    assert_int_equal(tpi_drop_reason_class(TPI_DROP_REASON_COUNT), TPI_DROP_CLASS_NONE);
}

static void header_failures_count_as_late__O_49_W_052(void **state)
{
    (void)state;
    for (int i = TPI_DROP_UNCOMMITTED; i <= TPI_DROP_BAD_TENSOR; i++) { assert_int_equal(tpi_drop_reason_class(i), TPI_DROP_CLASS_LATE); }
}

static void sums_take_their_class_only__W_121_W_189(void **state)
{
    (void)state;
    uint64_t drops[TPI_DROP_REASON_COUNT];
    for (int i = 0; i < TPI_DROP_REASON_COUNT; i++) { drops[i] = UINT64_C(1) << i; }
    assert_int_equal(tpi_drops_gap(drops), (UINT64_C(1) << TPI_DROP_GAP) + (UINT64_C(1) << TPI_DROP_RESYNC));
    uint64_t late = 0;
    for (int i = TPI_DROP_UNCOMMITTED; i <= TPI_DROP_BAD_TENSOR; i++) { late += drops[i]; }
    assert_int_equal(tpi_drops_late(drops), late);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_reason_has_its_own_name),
        cmocka_unit_test(header_failures_count_as_late__O_49_W_052),
        cmocka_unit_test(sums_take_their_class_only__W_121_W_189),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
