/* Lease machine of 20-driver.md 4.1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "protocol/lease.h"

#define MS INT64_C(1000000)

static tpi_lease_t lease;
static tpc_keepalive_t keepalive;

static int setup(void **state)
{
    (void)state;
    lease = (tpi_lease_t){ .lease_id = 9, .correlation_id = 5, .stream_id = 20000, .requested_stream_id = 0, .client_id = 42,
        .role = TP_ROLE_CONSUMER,
        .duration_ns = 3000 * MS };
    tpi_lease_grant(&lease, 0);
    keepalive = (tpc_keepalive_t){ .lease_id = 9, .stream_id = 20000, .client_id = 42, .role = TP_ROLE_CONSUMER };
    return 0;
}

static void expiry_follows_the_example_of_the_document__D_100_D_102(void **state)
{
    (void)state;
    assert_int_equal(lease.expiry_ns, 3000 * MS);
    assert_true(tpi_lease_keepalive(&lease, &keepalive, 900 * MS));
    assert_int_equal(lease.state, TPI_LEASE_ACTIVE);
    assert_true(tpi_lease_keepalive(&lease, &keepalive, 1900 * MS));
    assert_int_equal(lease.expiry_ns, 4900 * MS);
    assert_false(tpi_lease_is_expired(&lease, 4900 * MS));
    assert_true(tpi_lease_is_expired(&lease, 4900 * MS + 1));
}

static void a_keepalive_with_any_other_field_changes_nothing__D_019(void **state)
{
    (void)state;
    tpc_keepalive_t other[4] = { keepalive, keepalive, keepalive, keepalive };
    other[0].lease_id++;
    other[1].stream_id++;
    other[2].client_id++;
    other[3].role = TP_ROLE_PRODUCER;
    for (int i = 0; i < 4; i++) { assert_false(tpi_lease_keepalive(&lease, &other[i], 1000 * MS)); }
    assert_int_equal(lease.expiry_ns, 3000 * MS);
    assert_int_equal(lease.state, TPI_LEASE_ATTACHED);
}

static void end_states_are_final(void **state)
{
    (void)state;
    assert_true(tpi_lease_end(&lease, TPC_REVOKE_EXPIRED));
    assert_int_equal(lease.state, TPI_LEASE_EXPIRED);
    assert_false(tpi_lease_end(&lease, TPC_REVOKE_REVOKED));
    assert_int_equal(lease.state, TPI_LEASE_EXPIRED);
    assert_false(tpi_lease_keepalive(&lease, &keepalive, 1));
    assert_false(tpi_lease_is_expired(&lease, INT64_MAX));
    setup(NULL);
    assert_true(tpi_lease_end(&lease, TPC_REVOKE_DETACHED));
    assert_int_equal(lease.state, TPI_LEASE_DETACHED);
    setup(NULL);
    assert_true(tpi_lease_end(&lease, TPC_REVOKE_REVOKED));
    assert_int_equal(lease.state, TPI_LEASE_REVOKED);
}

static void detach_needs_all_four_fields__D_109_D_019(void **state)
{
    (void)state;
    const tpc_detach_request_t request = { .lease_id = 9, .stream_id = 20000, .client_id = 42, .role = TP_ROLE_CONSUMER };
    tpc_detach_request_t other[4] = { request, request, request, request };
    other[0].lease_id = 0;
    other[1].stream_id = 0;
    other[2].client_id = 0;
    other[3].role = TP_ROLE_PRODUCER;
    for (int i = 0; i < 4; i++) { assert_false(tpi_lease_matches_detach(&lease, &other[i])); }
    assert_true(tpi_lease_matches_detach(&lease, &request));
    tpi_lease_end(&lease, TPC_REVOKE_EXPIRED);
    assert_false(tpi_lease_matches_detach(&lease, &request));
}

static void a_repeat_has_the_stream_as_it_was_asked_for__D_029_P3(void **state)
{
    (void)state;
    tpc_attach_request_t request = TPC_ATTACH_REQUEST_INIT;
    request.correlation_id = 5;
    request.client_id = 42;
    request.role = TP_ROLE_CONSUMER;
    request.stream_id = 0;
    assert_true(tpi_lease_is_repeat(&lease, &request));
    request.stream_id = 20000;
    assert_false(tpi_lease_is_repeat(&lease, &request));
    request.stream_id = 0;
    request.correlation_id = 6;
    assert_false(tpi_lease_is_repeat(&lease, &request));
    request.correlation_id = 5;
    request.role = TP_ROLE_PRODUCER;
    assert_false(tpi_lease_is_repeat(&lease, &request));
}

static void deadlines_do_not_overflow(void **state)
{
    (void)state;
    tpi_lease_grant(&lease, INT64_MAX - 1);
    assert_true(INT64_MAX == lease.expiry_ns);
    assert_false(tpi_lease_is_expired(&lease, INT64_MAX));
    assert_false(tpi_lease_id_is_valid(0) || tpi_lease_id_is_valid(UINT64_MAX));
    assert_true(tpi_lease_id_is_valid(1));
}

#define T(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
    const struct CMUnitTest tests[] = { T(expiry_follows_the_example_of_the_document__D_100_D_102),
        T(a_keepalive_with_any_other_field_changes_nothing__D_019), T(end_states_are_final), T(detach_needs_all_four_fields__D_109_D_019),
        T(a_repeat_has_the_stream_as_it_was_asked_for__D_029_P3), T(deadlines_do_not_overflow) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
