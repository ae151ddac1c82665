/* Table 3.2 of 20-driver.md: every row on its own, the order of rows, and the bounds of each check. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "protocol/attach.h"

static tpc_attach_request_t request;
static tpi_attach_facts_t facts;

static int setup(void **state)
{
    (void)state;
    const tpc_attach_request_t init = TPC_ATTACH_REQUEST_INIT;
    request = init;
    request.correlation_id = 7;
    request.stream_id = 10000;
    request.client_id = 42;
    request.role = TP_ROLE_PRODUCER;
    facts = (tpi_attach_facts_t){ .stream_known = true, .pool_count = 1, .any_node_free = true, .wanted_node_free = true,
        .default_profile_known = true };
    return 0;
}

static void expect(int row, int32_t code, const char *text)
{
    const tpi_attach_decision_t d = tpi_attach_decide(&request, &facts);
    assert_int_equal(d.row, row);
    assert_int_equal(d.code, code);
    assert_string_equal(d.text, text);
    assert_int_equal(d.outcome, 18 == row ? TPI_ATTACH_GRANT : 7 == row ? TPI_ATTACH_REPEAT : TPI_ATTACH_REFUSE);
}

static void expect_grant(void) { expect(18, TPC_CODE_OK, ""); }

static void a_plain_request_is_granted__D_041(void **state)
{
    (void)state;
    expect_grant();
    request.role = TP_ROLE_CONSUMER;
    expect_grant();
    const tpi_attach_decision_t d = tpi_attach_decide(&request, &facts);
    assert_true(d.any_node);
    assert_false(d.create_stream || d.hugepages || d.allocate_id);
}

static void a_draining_driver_rejects__D_148(void **state)
{
    (void)state;
    facts.draining = true;
    request.role = 0;
    expect(2, TPC_CODE_REJECTED, "driver draining");
}

static void malformed_fields_are_invalid_params__D_073(void **state)
{
    (void)state;
    const uint8_t bad_roles[] = { 0, 3, 255 };
    for (size_t i = 0; i < sizeof(bad_roles); i++)
    {
        request.role = bad_roles[i];
        expect(3, TPC_CODE_INVALID_PARAMS, "invalid role");
    }
    request.role = TP_ROLE_CONSUMER;
    request.client_id = 0;
    expect(4, TPC_CODE_INVALID_PARAMS, "client_id must be non-zero");
    request.client_id = UINT32_MAX;
    expect_grant();
    request.stream_id = UINT32_MAX;
    expect(9, TPC_CODE_INVALID_PARAMS, "invalid stream_id");
}

static void unknown_publish_mode_is_unsupported__D_072(void **state)
{
    (void)state;
    const uint8_t bad[] = { 0, 3, 9, 254 };
    for (size_t i = 0; i < sizeof(bad); i++)
    {
        request.publish_mode = bad[i];
        expect(5, TPC_CODE_UNSUPPORTED, "unsupported publish_mode");
    }
    const uint8_t good[] = { 1, 2, 255 };
    for (size_t i = 0; i < sizeof(good); i++)
    {
        request.publish_mode = good[i];
        expect_grant();
    }
}

static void unknown_page_policy_is_invalid(void **state)
{
    (void)state;
    request.require_hugepages = 3;
    expect(6, TPC_CODE_INVALID_PARAMS, "invalid hugepages policy");
    request.require_hugepages = 255;
    expect(6, TPC_CODE_INVALID_PARAMS, "invalid hugepages policy");
}

static void a_repeated_request_gets_its_lease_again__D_029_P3(void **state)
{
    (void)state;
    facts.is_repeat = true;
    facts.client_attached = true;
    facts.has_producer = true;
    expect(7, TPC_CODE_OK, "");
    facts.is_repeat = false;
    expect(8, TPC_CODE_REJECTED, "client_id already attached");
}

static void without_create_an_unknown_stream_is_rejected__D_043_D_044(void **state)
{
    (void)state;
    facts.stream_known = false;
    facts.allow_dynamic = facts.range_set = facts.in_range = facts.id_free = true;
    const uint8_t modes[] = { TP_PUBLISH_REQUIRE_EXISTING, TP_PUBLISH_ABSENT };
    for (size_t i = 0; i < sizeof(modes); i++)
    {
        request.publish_mode = modes[i];
        request.stream_id = 20000;
        expect(10, TPC_CODE_REJECTED, "stream not provisioned");
        request.stream_id = 0;
        expect(10, TPC_CODE_REJECTED, "stream not provisioned");
    }
}

static void dynamic_streams_follow_table_3_3__D_045_D_163_D_164(void **state)
{
    (void)state;
    facts.stream_known = false;
    request.publish_mode = TP_PUBLISH_EXISTING_OR_CREATE;
    request.stream_id = 20000;
    expect(10, TPC_CODE_REJECTED, "stream not provisioned");
    facts.allow_dynamic = true;
    expect(10, TPC_CODE_INVALID_PARAMS, "stream_id_range not configured");
    facts.range_set = true;
    expect(10, TPC_CODE_REJECTED, "stream not provisioned");
    facts.in_range = true;
    expect_grant();
    assert_true(tpi_attach_decide(&request, &facts).create_stream);
    assert_false(tpi_attach_decide(&request, &facts).allocate_id);
    request.stream_id = 0;
    facts.in_range = false;
    expect(10, TPC_CODE_INVALID_PARAMS, "stream_id_range exhausted");
    facts.id_free = true;
    expect_grant();
    assert_true(tpi_attach_decide(&request, &facts).allocate_id);
    facts.default_profile_known = false;
    expect(10, TPC_CODE_INVALID_PARAMS, "default profile missing");
}

static void a_stream_without_pools_is_invalid__D_051(void **state)
{
    (void)state;
    facts.pool_count = 0;
    expect(11, TPC_CODE_INVALID_PARAMS, "stream has no payload pools");
}

static void another_layout_version_is_rejected__D_046_D_047(void **state)
{
    (void)state;
    request.expected_layout_version = 2;
    expect(12, TPC_CODE_REJECTED, "layout_version mismatch");
    request.expected_layout_version = UINT32_MAX;
    expect(12, TPC_CODE_REJECTED, "layout_version mismatch");
    request.expected_layout_version = 1;
    expect_grant();
    request.expected_layout_version = 0;
    expect_grant();
}

static void a_second_producer_is_rejected_a_consumer_is_not__D_052_D_053_D_054_W_247(void **state)
{
    (void)state;
    facts.has_producer = true;
    expect(13, TPC_CODE_REJECTED, "producer already attached");
    request.role = TP_ROLE_CONSUMER;
    expect_grant();
}

static void page_policy_follows_table_3_4__D_048_D_049_D_050(void **state)
{
    (void)state;
    static const struct { uint8_t wish; bool default_huge; bool huge; int row; const char *text; bool flag; } rows[] = {
        { TP_HUGEPAGES_REQUIRED, false, true, 18, "", true },
        { TP_HUGEPAGES_REQUIRED, true, true, 18, "", true },
        { TP_HUGEPAGES_REQUIRED, true, false, 14, "hugepages not available", false },
        { TP_HUGEPAGES_STANDARD, true, false, 18, "", false },
        { TP_HUGEPAGES_STANDARD, false, true, 14, "standard pages not available", false },
        { TP_HUGEPAGES_UNSPECIFIED, true, true, 18, "", true },
        { TP_HUGEPAGES_UNSPECIFIED, true, false, 14, "hugepages not available", false },
        { TP_HUGEPAGES_UNSPECIFIED, false, true, 18, "", false },
        { TP_HUGEPAGES_UNSPECIFIED, false, false, 18, "", false },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
    {
        request.require_hugepages = rows[i].wish;
        facts.default_huge = rows[i].default_huge;
        facts.huge_backing = rows[i].huge;
        expect(rows[i].row, 14 == rows[i].row ? TPC_CODE_REJECTED : TPC_CODE_OK, rows[i].text);
        assert_int_equal(tpi_attach_decide(&request, &facts).hugepages, rows[i].flag);
    }
}

static void unavailable_node_ids_are_rejected__D_088_D_089(void **state)
{
    (void)state;
    facts.wanted_node_free = false;
    request.desired_node_id = 42;
    expect(15, TPC_CODE_REJECTED, "desired node_id unavailable");
    request.desired_node_id = 0;
    expect_grant();
    request.desired_node_id = TP_NULL_U32;
    expect_grant();
    facts.any_node_free = false;
    expect(16, TPC_CODE_REJECTED, "node_id unavailable");
    facts.wanted_node_free = true;
    request.desired_node_id = 42;
    expect_grant();
}

static void rows_are_tried_in_order(void **state)
{
    (void)state;
    /* Everything is wrong; one fault after the other is mended. */
    facts = (tpi_attach_facts_t){ .draining = true, .client_attached = true, .has_producer = true };
    request.role = 9;
    request.client_id = 0;
    request.publish_mode = 9;
    request.require_hugepages = 9;
    request.stream_id = UINT32_MAX;
    request.expected_layout_version = 9;
    request.desired_node_id = 5;
    expect(2, TPC_CODE_REJECTED, "driver draining");
    facts.draining = false;
    expect(3, TPC_CODE_INVALID_PARAMS, "invalid role");
    request.role = TP_ROLE_PRODUCER;
    expect(4, TPC_CODE_INVALID_PARAMS, "client_id must be non-zero");
    request.client_id = 1;
    expect(5, TPC_CODE_UNSUPPORTED, "unsupported publish_mode");
    request.publish_mode = TP_PUBLISH_EXISTING_OR_CREATE;
    expect(6, TPC_CODE_INVALID_PARAMS, "invalid hugepages policy");
    request.require_hugepages = TP_HUGEPAGES_REQUIRED;
    expect(8, TPC_CODE_REJECTED, TPI_TEXT_CLIENT_ID_ATTACHED);
    facts.client_attached = false;
    expect(9, TPC_CODE_INVALID_PARAMS, "invalid stream_id");
    request.stream_id = 10000;
    expect(10, TPC_CODE_REJECTED, "stream not provisioned");
    facts.stream_known = true;
    expect(11, TPC_CODE_INVALID_PARAMS, "stream has no payload pools");
    facts.pool_count = 1;
    expect(12, TPC_CODE_REJECTED, "layout_version mismatch");
    request.expected_layout_version = 1;
    expect(13, TPC_CODE_REJECTED, "producer already attached");
    facts.has_producer = false;
    expect(14, TPC_CODE_REJECTED, "hugepages not available");
    facts.huge_backing = true;
    expect(15, TPC_CODE_REJECTED, "desired node_id unavailable");
    facts.wanted_node_free = true;
    expect_grant();
}

static void detach_follows_table_4_3__D_109_D_110(void **state)
{
    (void)state;
    assert_int_equal(tpi_detach_decide(TP_ROLE_PRODUCER, true).code, TPC_CODE_OK);
    assert_int_equal(tpi_detach_decide(TP_ROLE_CONSUMER, false).code, TPC_CODE_REJECTED);
    assert_int_equal(tpi_detach_decide(0, false).code, TPC_CODE_INVALID_PARAMS);
    assert_int_equal(tpi_detach_decide(3, true).code, TPC_CODE_INVALID_PARAMS);
}

#define T(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
    const struct CMUnitTest tests[] = { T(a_plain_request_is_granted__D_041), T(a_draining_driver_rejects__D_148),
        T(malformed_fields_are_invalid_params__D_073), T(unknown_publish_mode_is_unsupported__D_072), T(unknown_page_policy_is_invalid),
        T(a_repeated_request_gets_its_lease_again__D_029_P3), T(without_create_an_unknown_stream_is_rejected__D_043_D_044),
        T(dynamic_streams_follow_table_3_3__D_045_D_163_D_164), T(a_stream_without_pools_is_invalid__D_051),
        T(another_layout_version_is_rejected__D_046_D_047), T(a_second_producer_is_rejected_a_consumer_is_not__D_052_D_053_D_054_W_247),
        T(page_policy_follows_table_3_4__D_048_D_049_D_050), T(unavailable_node_ids_are_rejected__D_088_D_089), T(rows_are_tried_in_order),
        T(detach_follows_table_4_3__D_109_D_110) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
