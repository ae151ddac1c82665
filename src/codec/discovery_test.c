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

static void a_request_without_filters_has_null_values__X_020_X_021(void **state)
{
    uint8_t b[MAX];
    tpc_discovery_request_t m = TPC_DISCOVERY_REQUEST_INIT;
    (void)state;
    assert_int_equal(tpc_discovery_request_encode(b, sizeof(b), &m), 52);       /* the shortest, 3.3 */
    for (int i = 8 + 16; i < 8 + 32; i++) { assert_int_equal(b[i], 0xFF); }
    for (int i = 8 + 32; i < 52; i++) { assert_int_equal(b[i], 0); }
}

static void the_messages_of_the_example_are_written__X_014_X_023_X_024_X_025(void **state)
{
    const tpc_bytes_t tags[] = { tpc_bytes("cam"), tpc_bytes("nir") };
    const tpc_pool_entry_t pool = { 1, 64, 4096, tpc_bytes("shm:file?path=/p1") };
    tpc_discovery_request_t request = TPC_DISCOVERY_REQUEST_INIT;
    tpc_discovery_response_t response = TPC_DISCOVERY_RESPONSE_INIT;
    tpc_discovery_result_t r = TPC_DISCOVERY_RESULT_INIT;
    uint8_t golden[MAX];
    uint8_t b[MAX];
    (void)state;
    request.request_id = response.request_id = UINT64_C(0x1122334455667788);
    request.client_id = 7;
    request.response_stream_id = 7004;
    request.response_channel = tpc_bytes("aeron:ipc");
    request.tags = r.tags = tags;
    request.tag_count = r.tag_count = 2;
    assert_int_equal(tpc_discovery_request_encode(b, sizeof(b), &request), 75);
    assert_int_equal(golden_load("discovery_1_request", golden, sizeof(golden)), 75);
    assert_memory_equal(b, golden, 75);
    r.stream_id = 10000;
    r.producer_id = 42;
    r.epoch = 5;
    r.header_nslots = 64;
    r.driver_control_stream_id = 1000;
    r.pools = &pool;
    r.pool_count = 1;
    r.header_region_uri = tpc_bytes("shm:file?path=/h");
    r.data_source_name = tpc_bytes("camera");
    r.driver_instance_id = tpc_bytes("drv-a");
    r.driver_control_channel = tpc_bytes("aeron:ipc");
    response.status = TPC_DISCOVERY_OK;
    response.results = &r;
    response.result_count = 1;
    assert_int_equal(tpc_discovery_response_encode(b, sizeof(b), &response), 169);
    assert_int_equal(golden_load("discovery_2_response", golden, sizeof(golden)), 169);
    assert_memory_equal(b, golden, 169);
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
        cmocka_unit_test(a_request_without_filters_has_null_values__X_020_X_021),
        cmocka_unit_test(the_messages_of_the_example_are_written__X_014_X_023_X_024_X_025),
        cmocka_unit_test(results_pools_and_tags_come_out_in_order),
        cmocka_unit_test(a_tags_group_with_a_block_is_refused),
        cmocka_unit_test(absurd_counts_are_refused__P11),
        cmocka_unit_test(there_is_a_version_constant__X_030),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
