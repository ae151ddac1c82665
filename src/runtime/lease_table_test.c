/* Records with deadlines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <tensor_pool/common/tp_error.h>

#include "runtime/lease_table.h"

static tpi_lease_table_t table;
static int due;
static uint64_t last_key;

static void on_due(void *clientd, tpi_deadline_t *deadline)
{
    (void)clientd;
    due++;
    last_key = deadline->key;
}

static void a_record_is_due_strictly_after_its_deadline__D_102(void **state)
{
    (void)state;
    tpi_deadline_t a;
    tpi_deadline_t b;
    tpi_lease_table_init(&table, 8);
    assert_int_equal(tpi_lease_table_put(&table, &a, 1, 1000), 0);
    assert_int_equal(tpi_lease_table_put(&table, &b, 2, 2000), 0);
    assert_int_equal(tpi_lease_table_sweep(&table, 1000, on_due, NULL), 0);
    assert_int_equal(tpi_lease_table_sweep(&table, 1001, on_due, NULL), 1);
    assert_int_equal(last_key, 1);
    assert_null(tpi_lease_table_get(&table, 1));
    assert_int_equal(tpi_lease_table_sweep(&table, 2000, on_due, NULL), 0);
    assert_int_equal(tpi_lease_table_sweep(&table, 2001, on_due, NULL), 1);
    assert_int_equal(tpi_lease_table_count(&table), 0);
    tpi_lease_table_fini(&table);
}

static void renewing_moves_the_deadline_either_way__D_100(void **state)
{
    (void)state;
    tpi_deadline_t a;
    tpi_lease_table_init(&table, 8);
    assert_int_equal(tpi_lease_table_put(&table, &a, 1, 1000), 0);
    tpi_lease_table_renew(&table, &a, 3000);
    assert_int_equal(tpi_lease_table_sweep(&table, 2999, on_due, NULL), 0);
    tpi_lease_table_renew(&table, &a, 500);
    assert_int_equal(tpi_lease_table_sweep(&table, 501, on_due, NULL), 1);
    tpi_lease_table_fini(&table);
}

static void the_table_is_bounded_and_keys_are_unique(void **state)
{
    (void)state;
    tpi_deadline_t a;
    tpi_deadline_t b;
    tpi_deadline_t c;
    tpi_lease_table_init(&table, 2);
    assert_int_equal(tpi_lease_table_put(&table, &a, 1, 1), 0);
    assert_int_equal(tpi_lease_table_put(&table, &b, 1, 1), -1);
    assert_int_equal(tp_errcode(), TP_ESTATE);
    assert_int_equal(tpi_lease_table_put(&table, &b, 2, 1), 0);
    assert_int_equal(tpi_lease_table_put(&table, &c, 3, 1), -1);
    assert_int_equal(tp_errcode(), TP_EFULL);
    assert_int_equal(table.refused, 1);
    tpi_lease_table_remove(&table, &a);
    assert_int_equal(tpi_lease_table_put(&table, &c, 3, 1), 0);
    assert_ptr_equal(tpi_lease_table_get(&table, 3), &c);
    tpi_lease_table_fini(&table);
}

typedef struct record { int number; tpi_deadline_t deadline; } record_t;

static void free_it(void *clientd, tpi_deadline_t *deadline)
{
    record_t *const record = tpi_record_of(deadline, record_t, deadline);
    *(int *)clientd += record->number;
    free(record);
}

static void a_handler_may_free_its_record(void **state)
{
    (void)state;
    int sum = 0;
    tpi_lease_table_init(&table, 100);
    for (int i = 1; i <= 100; i++)
    {
        record_t *const record = calloc(1, sizeof(*record));
        record->number = i;
        assert_int_equal(tpi_lease_table_put(&table, &record->deadline, (uint64_t)i, i), 0);
    }
    assert_int_equal(tpi_lease_table_sweep(&table, 51, free_it, &sum), 50);
    assert_int_equal(sum, 50 * 51 / 2);
    assert_int_equal(tpi_lease_table_sweep(&table, 1000, free_it, &sum), 50);
    assert_int_equal(sum, 100 * 101 / 2);
    tpi_lease_table_fini(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(a_record_is_due_strictly_after_its_deadline__D_102),
        cmocka_unit_test(renewing_moves_the_deadline_either_way__D_100), cmocka_unit_test(the_table_is_bounded_and_keys_are_unique),
        cmocka_unit_test(a_handler_may_free_its_record) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
