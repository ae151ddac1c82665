#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/discovery_ask.h"

#define MS INT64_C(1000000)

static uint64_t outstanding;
static bool is_outstanding(void *clientd, uint64_t request_id) { (void)clientd; return 0 != outstanding && request_id == outstanding; }

static uint8_t buffer[512];

static size_t encode(uint64_t request_id, uint8_t status)
{
    tpc_discovery_response_t m = TPC_DISCOVERY_RESPONSE_INIT;
    m.request_id = request_id;
    m.status = status;
    const int64_t n = tpc_discovery_response_encode(buffer, sizeof(buffer), &m);
    assert_true(n > 0);
    return (size_t)n;
}

static tpi_heard_t hear(size_t length)
{
    tpc_discovery_response_t response;
    return tpi_ask_hear(buffer, length, is_outstanding, NULL, &response);
}

static void request_is_repeated_at_growing_intervals_until_its_deadline(void **state)
{
    (void)state;
    tpi_ask_t ask;
    tpi_ask_init(&ask, 7, 1000 * MS, 2000 * MS, 500 * MS);
    assert_int_equal(tpi_ask_next(&ask, 1000 * MS), TPI_ASK_SEND);
    tpi_ask_sent(&ask, true, 1000 * MS);
    assert_int_equal(tpi_ask_next(&ask, 1500 * MS - 1), TPI_ASK_WAIT);
    assert_int_equal(tpi_ask_next(&ask, 1500 * MS), TPI_ASK_SEND);
    tpi_ask_sent(&ask, true, 1500 * MS);
    assert_int_equal(tpi_ask_next(&ask, 2500 * MS - 1), TPI_ASK_WAIT);
    assert_int_equal(tpi_ask_next(&ask, 2500 * MS), TPI_ASK_SEND);
    tpi_ask_sent(&ask, true, 2500 * MS);
    assert_int_equal(ask.sends, 3);
    assert_int_equal(tpi_ask_next(&ask, 3000 * MS), TPI_ASK_WAIT);
    assert_int_equal(tpi_ask_next(&ask, 3000 * MS + 1), TPI_ASK_EXPIRED);
}

static void what_the_bus_refused_goes_again_soon_and_does_not_count(void **state)
{
    (void)state;
    tpi_ask_t ask;
    tpi_ask_init(&ask, 7, 0, 1000 * MS, 500 * MS);
    tpi_ask_sent(&ask, false, 0);
    assert_int_equal(ask.sends, 0);
    assert_int_equal(tpi_ask_next(&ask, 20 * MS - 1), TPI_ASK_WAIT);
    assert_int_equal(tpi_ask_next(&ask, 20 * MS), TPI_ASK_SEND);
    tpi_ask_init(&ask, 7, 10, INT64_MAX, INT64_MAX);       /* for ever, without overflow */
    tpi_ask_sent(&ask, true, 10);
    assert_int_equal(tpi_ask_next(&ask, INT64_MAX - 1), TPI_ASK_WAIT);
}

static void ids_hold_the_client_and_a_counter_and_are_never_zero(void **state)
{
    (void)state;
    tpi_ask_ids_t ids = { .client_id = 7, .next = 0 };
    assert_true(tpi_ask_ids_next(&ids) == (UINT64_C(7) << 32 | 1));
    assert_true(tpi_ask_ids_next(&ids) == (UINT64_C(7) << 32 | 2));
    ids.next = UINT32_MAX;
    assert_true(0 != tpi_ask_ids_next(&ids));
}

static void only_an_outstanding_request_is_answered__X_050(void **state)
{
    (void)state;
    outstanding = 5;
    assert_int_equal(hear(encode(5, TPC_DISCOVERY_OK)), TPI_HEARD_ANSWER);
    assert_int_equal(hear(encode(6, TPC_DISCOVERY_OK)), TPI_HEARD_UNKNOWN);
    outstanding = 0;
    assert_int_equal(hear(encode(5, TPC_DISCOVERY_OK)), TPI_HEARD_UNKNOWN);        /* a second answer, a late one */
}

static void other_schemas_and_templates_are_no_answers__X_015_X_026(void **state)
{
    (void)state;
    outstanding = 5;
    const size_t n = encode(5, TPC_DISCOVERY_OK);
    buffer[4] = 0x8f;                                      /* schemaId 911 */
    assert_int_equal(hear(n), TPI_HEARD_NOT_OURS);
    buffer[4] = 0x84;                                      /* 900, template 2: ConsumerHello */
    buffer[5] = 0x03;
    assert_int_equal(hear(n), TPI_HEARD_NOT_OURS);
    (void)encode(5, TPC_DISCOVERY_OK);
    buffer[2] = 1;                                         /* a DiscoveryRequest */
    assert_int_equal(hear(n), TPI_HEARD_NOT_OURS);
}

static void only_version_one_is_an_answer__X_027_X_029(void **state)
{
    (void)state;
    outstanding = 5;
    const size_t n = encode(5, TPC_DISCOVERY_OK);
    assert_int_equal(hear(n), TPI_HEARD_ANSWER);
    buffer[6] = 2;
    assert_int_equal(hear(n), TPI_HEARD_VERSION);
    buffer[6] = 0;
    assert_int_equal(hear(n), TPI_HEARD_VERSION);
}

static void cut_messages_and_unknown_statuses_are_no_answers(void **state)
{
    (void)state;
    outstanding = 5;
    const size_t n = encode(5, TPC_DISCOVERY_OK);
    for (size_t length = 0; length < n; length++)
    {
        const tpi_heard_t heard = hear(length);
        if (n - 4 == length) { assert_int_equal(heard, TPI_HEARD_ANSWER); }        /* without errorMessage: O-1 */
        else { assert_int_equal(heard, TPI_HEARD_MALFORMED); }
    }
    (void)encode(5, TPC_DISCOVERY_ERROR);
    assert_int_equal(hear(n), TPI_HEARD_ANSWER);
    (void)encode(5, 0);
    assert_int_equal(hear(n), TPI_HEARD_MALFORMED);
    (void)encode(5, 4);
    assert_int_equal(hear(n), TPI_HEARD_MALFORMED);
    (void)encode(5, 255);
    assert_int_equal(hear(n), TPI_HEARD_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_is_repeated_at_growing_intervals_until_its_deadline),
        cmocka_unit_test(what_the_bus_refused_goes_again_soon_and_does_not_count),
        cmocka_unit_test(ids_hold_the_client_and_a_counter_and_are_never_zero),
        cmocka_unit_test(only_an_outstanding_request_is_answered__X_050),
        cmocka_unit_test(other_schemas_and_templates_are_no_answers__X_015_X_026),
        cmocka_unit_test(only_version_one_is_an_answer__X_027_X_029),
        cmocka_unit_test(cut_messages_and_unknown_statuses_are_no_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
