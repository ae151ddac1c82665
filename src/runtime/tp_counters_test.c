/* Keys and labels of the counters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/tp_counters.h"

static void keys_are_packed_and_come_back(void **state)
{
    (void)state;
    uint8_t key[112];
    const tpi_counter_key_lease_t lease = { 0x0102030405060708u, UINT64_MAX - 1, 10000, 42, 2 };
    const size_t length = tpi_counter_key_lease_put(key, &lease);
    assert_int_equal(length, 25);
    assert_int_equal(key[0], 8);
    assert_int_equal(key[24], 2);
    tpi_counter_key_lease_t back = { 0 };
    assert_int_equal(tpi_counter_key_lease_get(&back, key, length), 0);
    assert_true(back.token == lease.token && back.lease_id == lease.lease_id && 10000 == back.stream_id && 42 == back.client_id && 2 == back.role);
    assert_int_equal(tpi_counter_key_lease_get(&back, key, length - 1), -1);

    const tpi_counter_key_health_t health = { 7, 10000, 42, 3 };
    tpi_counter_key_health_t health_back = { 0 };
    assert_int_equal(tpi_counter_key_health_put(key, &health), 17);
    assert_int_equal(tpi_counter_key_health_get(&health_back, key, 16), -1);
    assert_int_equal(tpi_counter_key_health_get(&health_back, key, 17), 0);
    assert_true(7 == health_back.token && 10000 == health_back.stream_id && 42 == health_back.client_id && 3 == health_back.kind);

    const tpi_counter_key_driver_t driver = { 1, 2 };
    tpi_counter_key_driver_t driver_back = { 0 };
    assert_int_equal(tpi_counter_key_driver_put(key, &driver), 16);
    assert_int_equal(tpi_counter_key_driver_get(&driver_back, key, 112), 0);
    assert_int_equal(driver_back.pid, 2);
    assert_int_equal(tpi_counter_key_driver_get(&driver_back, key, 15), -1);

    const tpi_counter_key_stream_t stream = { 1, 77 };
    tpi_counter_key_stream_t stream_back = { 0 };
    assert_int_equal(tpi_counter_key_stream_put(key, &stream), 12);
    assert_int_equal(tpi_counter_key_stream_get(&stream_back, key, 12), 0);
    assert_int_equal(stream_back.stream_id, 77);
    assert_int_equal(tpi_counter_key_stream_get(&stream_back, key, 11), -1);

    const tpi_counter_key_client_t client = { 1, 2, 3, 1, TPI_CLIENT_LAST_SEQ };
    tpi_counter_key_client_t client_back = { 0 };
    assert_int_equal(tpi_counter_key_client_put(key, &client), 18);
    assert_int_equal(tpi_counter_key_client_get(&client_back, key, 18), 0);
    assert_int_equal(client_back.kind, TPI_CLIENT_LAST_SEQ);
    assert_int_equal(tpi_counter_key_client_get(&client_back, key, 17), -1);

    const tpi_counter_key_agent_t agent = { 1, UINT64_MAX - 1, TPI_AGENT_CYCLES };
    tpi_counter_key_agent_t agent_back = { 0 };
    assert_int_equal(tpi_counter_key_agent_put(key, &agent), 17);
    assert_int_equal(tpi_counter_key_agent_get(&agent_back, key, 17), 0);
    assert_true(UINT64_MAX - 1 == agent_back.client);
    assert_int_equal(agent_back.kind, TPI_AGENT_CYCLES);
    assert_int_equal(tpi_counter_key_agent_get(&agent_back, key, 16), -1);
}

static void labels_hold_any_text(void **state)
{
    (void)state;
    char label[200];
    char value[64];
    assert_int_equal(tpi_label_init(label, sizeof(label), "tp-stream"), 0);
    assert_int_equal(tpi_label_add(label, sizeof(label), "name", "a b=c%d\xc3\xa4"), 0);
    assert_int_equal(tpi_label_add_u64(label, sizeof(label), "nslots", UINT64_MAX), 0);
    assert_string_equal(label, "tp-stream: name=a%20b%3Dc%25d%C3%A4 nslots=18446744073709551615");
    assert_true(tpi_label_get(label, "name", value, sizeof(value)));
    assert_string_equal(value, "a b=c%d\xc3\xa4");
    assert_true(tpi_label_get(label, "nslots", value, sizeof(value)));
    assert_string_equal(value, "18446744073709551615");
    assert_false(tpi_label_get(label, "slots", value, sizeof(value)));
    assert_false(tpi_label_get(label, "nam", value, sizeof(value)));
    assert_false(tpi_label_get(label, "names", value, sizeof(value)));
    assert_false(tpi_label_get(label, "nslots", value, 5));
}

static void a_part_that_does_not_fit_changes_nothing(void **state)
{
    (void)state;
    char label[16];
    assert_int_equal(tpi_label_init(label, sizeof(label), "k"), 0);
    assert_int_equal(tpi_label_add(label, sizeof(label), "a", "1234567890"), 0);
    assert_string_equal(label, "k: a=1234567890");
    assert_int_equal(tpi_label_add(label, sizeof(label), "b", ""), -1);
    assert_string_equal(label, "k: a=1234567890");
    assert_int_equal(tpi_label_init(label, 2, "k"), -1);
}

static void broken_encodings_are_refused(void **state)
{
    (void)state;
    char value[16];
    assert_false(tpi_label_get("k: a=%", "a", value, sizeof(value)));
    assert_false(tpi_label_get("k: a=%4", "a", value, sizeof(value)));
    assert_false(tpi_label_get("k: a=%zz", "a", value, sizeof(value)));
    assert_true(tpi_label_get("k: a=%41", "a", value, sizeof(value)));
    assert_string_equal(value, "A");
    assert_true(tpi_label_get("k: a=", "a", value, sizeof(value)));
    assert_string_equal(value, "");
    assert_false(tpi_label_get("a=1", "a", value, sizeof(value)));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(keys_are_packed_and_come_back), cmocka_unit_test(labels_hold_any_text),
        cmocka_unit_test(a_part_that_does_not_fit_changes_nothing), cmocka_unit_test(broken_encodings_are_refused) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
