/* Counters of a service, on the in-memory bus. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bus/bus_mem.h"
#include "runtime/service_counters.h"

static const char *const names[] = { "apples", "pears" };
static tpi_mem_network_t *network;
static tpi_bus_t *bus;
static tpi_service_counters_t *counters;

static int setup(void **state)
{
    (void)state;
    const tpi_service_counters_config_t config = { .life_type_id = 9910, .stat_type_id = 9911, .life_label = "tp-x: pid=7", .stat_kind = "tp-x-stat",
        .token = 0x0102030405060708u, .pid = 7, .names = names, .count = 2 };
    assert_int_equal(tpi_mem_network_create(&network), 0);
    assert_int_equal(tpi_bus_mem_open(&bus, network), 0);
    assert_int_equal(tpi_service_counters_create(&counters, bus, &config), 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tpi_service_counters_delete(counters);
    tpi_bus_close(bus);
    tpi_mem_network_delete(network);
    return 0;
}

typedef struct seen { int count; int64_t life; int64_t values[2]; } seen_t;

static void on_counter(void *clientd, const tpi_counter_view_t *counter)
{
    seen_t *const seen = clientd;
    seen->count++;
    assert_int_equal(counter->key[0], 8);
    if (9910 == counter->type_id)
    {
        seen->life = counter->value;
        assert_string_equal(counter->label, "tp-x: pid=7");
        assert_int_equal(counter->key[8], 7);
        return;
    }
    assert_int_equal(counter->type_id, 9911);
    assert_in_range(counter->key[8], 0, 1);
    assert_non_null(strstr(counter->label, names[counter->key[8]]));
    seen->values[counter->key[8]] = counter->value;
}

static seen_t look(void)
{
    seen_t seen = { 0 };
    (void)tpi_bus_counters(bus, on_counter, &seen);
    return seen;
}

static int32_t wanted_type;

static void count_type(void *clientd, const tpi_counter_view_t *counter)
{
    if (wanted_type == counter->type_id) { ++*(int *)clientd; }
}

static int counters_of(int32_t type_id)
{
    int count = 0;
    wanted_type = type_id;
    (void)tpi_bus_counters(bus, count_type, &count);
    return count;
}

static void tick(uint64_t apples, uint64_t pears, int64_t now_ns)
{
    const uint64_t values[] = { apples, pears };
    (void)tpi_bus_do_work(bus, now_ns);
    tpi_service_counters_tick(counters, values, now_ns);
}

static void values_and_sign_of_life_are_published(void **state)
{
    (void)state;
    assert_int_equal(look().count, 0);
    tick(3, 4, 100);
    tick(3, 4, 101);
    seen_t seen = look();
    assert_int_equal(seen.count, 3);
    assert_int_equal(seen.life, 101);
    assert_int_equal(seen.values[0], 3);
    assert_int_equal(seen.values[1], 4);
    tick(3, 5, 102);
    seen = look();
    assert_int_equal(seen.life, 102);
    assert_int_equal(seen.values[1], 5);
    assert_true(0 == tpi_service_counters_failed(counters));
}

static void they_go_with_the_service(void **state)
{
    (void)state;
    tick(1, 1, 1);
    tick(1, 1, 2);
    tpi_service_counters_delete(counters);
    counters = NULL;
    (void)tpi_bus_do_work(bus, 3);
    assert_int_equal(look().count, 0);
    tpi_service_counters_delete(NULL);
}

static void what_the_media_driver_refuses_is_counted_and_missed(void **state)
{
    (void)state;
    tpi_mem_network_kill(network);
    tick(1, 1, 1);
    tick(1, 1, 2);
    assert_true(3 == tpi_service_counters_failed(counters));
}

static void further_ones_come_and_go_within_their_limit(void **state)
{
    (void)state;
    tpi_service_counters_t *more = NULL;
    const uint64_t values[] = { 0, 0 };
    const tpi_service_counters_config_t config = { .life_type_id = 9912, .stat_type_id = 9913, .life_label = "tp-y: pid=7", .stat_kind = "tp-y-stat",
        .instance = "one", .token = 0x0102030405060708u, .pid = 7, .names = names, .count = 2, .max = 4 };
    assert_int_equal(tpi_service_counters_create(&more, bus, &config), 0);
    tpi_shown_t *const shown = tpi_shown_add(more, 9914, "tp-z", 5);
    assert_non_null(shown);
    shown->key_length = 1;
    assert_null(tpi_shown_add(more, 9914, "tp-z", 6));                 /* three of the service itself and one: full */
    assert_true(1 == tpi_service_counters_failed(more));
    tpi_shown_set(NULL, 1);
    tpi_shown_close(more, NULL);
    for (int64_t now_ns = 1; !tpi_service_counters_are_settled(more); now_ns++)
    {
        assert_true(now_ns < 10);
        (void)tpi_bus_do_work(bus, now_ns);
        tpi_service_counters_tick(more, values, now_ns);
    }
    assert_int_equal(counters_of(9914), 1);
    tpi_shown_close(more, shown);
    assert_false(tpi_service_counters_are_settled(more));
    tpi_service_counters_tick(more, values, 20);
    (void)tpi_bus_do_work(bus, 21);
    assert_int_equal(counters_of(9914), 0);
    assert_non_null(tpi_shown_add(more, 9914, "tp-z", 6));
    tpi_service_counters_delete(more);
    (void)tpi_bus_do_work(bus, 22);
    assert_int_equal(counters_of(9912), 0);
}

static void one_byte_numbers_them(void **state)
{
    (void)state;
    tpi_service_counters_t *more = NULL;
    const char *many[256];
    for (size_t i = 0; i < 256; i++) { many[i] = "z"; }
    tpi_service_counters_config_t config = { .life_label = "x", .stat_kind = "y", .names = many, .count = 256 };
    assert_int_equal(tpi_service_counters_create(&more, bus, &config), -1);
    assert_null(more);
    config.count = 255;
    assert_int_equal(tpi_service_counters_create(&more, bus, &config), 0);
    tpi_service_counters_delete(more);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = { TEST(values_and_sign_of_life_are_published), TEST(they_go_with_the_service),
        TEST(what_the_media_driver_refuses_is_counted_and_missed), TEST(further_ones_come_and_go_within_their_limit),
        TEST(one_byte_numbers_them) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
