/* What is particular to schema 910; what holds for all messages is in golden_test.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/test_messages.h"

#define MAX 1024

static void the_last_string_may_be_missing_altogether(void **state)
{
    uint8_t b[MAX];
    tpc_discovery_request_t request;
    tpc_discovery_response_t response;
    (void)state;
    size_t length = golden_load("discovery_1_request", b, sizeof(b));
    assert_int_equal(length, 75);
    assert_int_equal(tpc_discovery_request_decode(&request, b, length - 4), TPC_OK);
    assert_int_equal(request.data_source_name.length, 0);
    assert_true(tpc_bytes_equal(request.response_channel, "aeron:ipc"));
    for (size_t cut = length - 3; cut < length; cut++) { assert_int_equal(tpc_discovery_request_decode(&request, b, cut), TPC_MALFORMED); }
    length = golden_load("discovery_2_response", b, sizeof(b));
    assert_int_equal(length, 169);
    assert_int_equal(tpc_discovery_response_decode(&response, b, length - 4), TPC_OK);
    assert_int_equal(response.error_message.length, 0);
    assert_int_equal(response.result_count, 1);
}

static void a_request_without_filters_has_null_values(void **state)
{
    uint8_t b[MAX];
    tpc_discovery_request_t m = TPC_DISCOVERY_REQUEST_INIT;
    (void)state;
    assert_int_equal(tpc_discovery_request_encode(b, sizeof(b), &m), 52);       /* the shortest, 3.3 */
    for (int i = 8 + 16; i < 8 + 32; i++) { assert_int_equal(b[i], 0xFF); }
    for (int i = 8 + 32; i < 52; i++) { assert_int_equal(b[i], 0); }
}

static void results_pools_and_tags_come_out_in_order(void **state)
{
    uint8_t b[MAX];
    tpc_discovery_response_t m;
    tpc_discovery_result_t r;
    tpc_pool_entry_t pool;
    tpc_bytes_t tag;
    const size_t length = golden_load("discovery_2_response", b, sizeof(b));
    (void)state;
    assert_int_equal(tpc_discovery_response_decode(&m, b, length), TPC_OK);
    tpc_walk_t results = m.result_walk;
    assert_true(tpc_results_next(&results, &r));
    assert_int_equal(r.stream_id, 10000);
    assert_int_equal(r.producer_id, 42);
    assert_int_equal(r.header_nslots, 64);
    assert_true(TP_NULL_U64 == r.data_source_id);
    assert_int_equal(r.driver_control_stream_id, 1000);
    tpc_walk_t pools = r.pool_walk;
    assert_true(tpc_pools_next(&pools, &pool));
    assert_int_equal(pool.stride_bytes, 4096);
    assert_true(tpc_bytes_equal(pool.region_uri, "shm:file?path=/p1"));
    assert_false(tpc_pools_next(&pools, &pool));
    tpc_walk_t tags = r.tag_walk;
    assert_true(tpc_tags_next(&tags, &tag) && tpc_bytes_equal(tag, "cam"));
    assert_true(tpc_tags_next(&tags, &tag) && tpc_bytes_equal(tag, "nir"));
    assert_false(tpc_tags_next(&tags, &tag));
    assert_true(tpc_bytes_equal(r.driver_instance_id, "drv-a"));
    assert_true(tpc_bytes_equal(r.driver_control_channel, "aeron:ipc"));
    assert_false(tpc_results_next(&results, &r));
}

static void a_tags_group_with_a_block_is_refused(void **state)
{
    uint8_t b[MAX];
    tpc_discovery_request_t request;
    tpc_discovery_response_t response;
    (void)state;
    size_t length = golden_load("discovery_1_request", b, sizeof(b));
    b[40] = 4;
    assert_int_equal(tpc_discovery_request_decode(&request, b, length), TPC_MALFORMED);
    length = golden_load("discovery_2_response", b, sizeof(b));
    b[0x5f] = 4;
    assert_int_equal(tpc_discovery_response_decode(&response, b, length), TPC_MALFORMED);
}

static void absurd_counts_are_refused__P11(void **state)
{
    static const uint16_t counts[] = { 4, 100, 65534, 65535 };
    uint8_t b[MAX];
    tpc_discovery_request_t request;
    tpc_discovery_response_t response;
    (void)state;
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
    {
        size_t length = golden_load("discovery_1_request", b, sizeof(b));
        memcpy(b + 42, &counts[i], 2);
        assert_int_equal(tpc_discovery_request_decode(&request, b, length), TPC_MALFORMED);
        length = golden_load("discovery_2_response", b, sizeof(b));
        memcpy(b + 0x13, &counts[i], 2);
        assert_int_equal(tpc_discovery_response_decode(&response, b, length), TPC_MALFORMED);
    }
    tpc_discovery_request_t big = TPC_DISCOVERY_REQUEST_INIT;
    big.tags = golden_tags;
    big.tag_count = TPC_GROUP_MAX + 1;
    assert_int_equal(tpc_discovery_request_length(&big), TPC_MALFORMED);
}

static void there_is_a_version_constant__X_030(void **state)
{
    (void)state;
    assert_int_equal(TPC_DISCOVERY_SCHEMA_VERSION, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_string_may_be_missing_altogether),
        cmocka_unit_test(a_request_without_filters_has_null_values),
        cmocka_unit_test(results_pools_and_tags_come_out_in_order),
        cmocka_unit_test(a_tags_group_with_a_block_is_refused),
        cmocka_unit_test(absurd_counts_are_refused__P11),
        cmocka_unit_test(there_is_a_version_constant__X_030),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
