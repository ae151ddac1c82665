/* Requests and answers of 30-discovery.md 4.2 and 4.3. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <tensor_pool/common/tp_error.h>

#include "protocol/discovery_query.h"

#define MS INT64_C(1000000)

static const char *const channels[] = { "aeron:ipc", "aeron:udp?endpoint=10.20.0.*" };
static tpi_discovery_index_t *idx;
static tpi_discovery_query_t *query;
static tpi_discovery_query_config_t config;
static tpc_discovery_request_t request;
static tpc_discovery_request_t got;
static tpc_discovery_response_t response;
static uint32_t source[2];
static uint8_t b[8192];

static void announce(uint32_t from, uint32_t stream_id, uint32_t producer_id)
{
    static tpc_pool_announce_t a = TPC_POOL_ANNOUNCE_INIT;
    a.stream_id = stream_id;
    a.producer_id = producer_id;
    a.epoch = 5;
    a.header_nslots = 64;
    a.pool_count = 1;
    a.pools[0] = (tpc_pool_entry_t){ 1, 64, 4096, tpc_bytes("shm:file?path=/p1") };
    a.header_region_uri = tpc_bytes("shm:file?path=/h");
    assert_int_equal(tpi_discovery_index_on_announce(idx, source[from], &a, 0, (tpi_mapping_now_t){ 0, 0 }), TPI_DISCOVERY_CREATED);
}

static void name(uint32_t stream_id, const char *text)
{
    tpc_source_announce_t a = TPC_SOURCE_ANNOUNCE_INIT;
    a.stream_id = stream_id;
    a.epoch = 5;
    a.name = tpc_bytes(text);
    assert_int_equal(tpi_discovery_index_on_name(idx, source[0], &a, 0), TPI_DISCOVERY_REFRESHED);
}

static void make_query(void)
{
    tpi_discovery_query_delete(query);
    assert_int_equal(tpi_discovery_query_create(&query, &config), 0);
}

static void ask_for_all(void)
{
    request = (tpc_discovery_request_t)TPC_DISCOVERY_REQUEST_INIT;
    request.request_id = UINT64_C(0x1122334455667788);
    request.client_id = 7;
    request.response_stream_id = 7004;
    request.response_channel = tpc_bytes("aeron:ipc");
}

/* Streams 10000 (camera; NIR, cam, x; source 77) and 10001 (cam) of drv-a, 10000 of drv-b. */
static int setup(void **state)
{
    static const char *const instances[] = { "drv-a", "drv-b" };
    const tpi_discovery_limits_t limits = TPI_DISCOVERY_LIMITS_INIT;
    const tpc_bytes_t tags[] = { tpc_bytes("NIR"), tpc_bytes("cam"), tpc_bytes("x") };
    (void)state;
    assert_int_equal(tpi_discovery_index_create(&idx, &limits), 0);
    for (size_t i = 0; i < 2; i++)
    {
        const tpi_discovery_source_t one = { tpc_bytes(instances[i]), tpc_bytes("aeron:ipc"), 1000 + (uint32_t)i, 100, false };
        assert_int_equal(tpi_discovery_index_add_source(idx, &one, &source[i]), 0);
    }
    announce(0, 10000, 42);
    announce(0, 10001, 43);
    announce(1, 10000, 44);
    name(10000, "camera");
    assert_int_equal(tpi_discovery_index_set_stream(idx, 10000, 77, tags, 3), 0);
    assert_int_equal(tpi_discovery_index_set_stream(idx, 10001, TP_NULL_U64, tags + 1, 1), 0);
    config = (tpi_discovery_query_config_t){ .allowed_channels = channels, .allowed_count = 2, .max_results = 1000 };
    query = NULL;
    make_query();
    ask_for_all();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tpi_discovery_query_delete(query);
    tpi_discovery_index_delete(idx);
    return 0;
}

static tpi_discovery_outcome_t run(size_t length, int64_t ms)
{
    response = (tpc_discovery_response_t){ .status = 77, .result_count = 9 };
    return tpi_discovery_query_run(query, idx, b, length, ms * MS, &got, &response);
}

static size_t encoded(void)
{
    const int64_t length = tpc_discovery_request_encode(b, sizeof(b), &request);
    assert_true(length > 0);
    return (size_t)length;
}

static tpi_discovery_outcome_t ask(void) { return run(encoded(), 0); }

static uint32_t matches(void)
{
    assert_int_equal(ask(), TPI_DISCOVERY_ANSWER);
    assert_int_equal(response.status, TPC_DISCOVERY_OK);
    assert_int_equal(response.error_message.length, 0);
    return response.result_count;
}

/* ---- filters ---- */

static void without_filters_all_streams_come_in_order__X_032_X_013_X_049(void **state)
{
    (void)state;
    assert_int_equal(matches(), 3);
    assert_true(UINT64_C(0x1122334455667788) == response.request_id);
    assert_int_equal(response.results[0].producer_id, 42);
    assert_int_equal(response.results[1].producer_id, 43);
    assert_int_equal(response.results[2].producer_id, 44);
    assert_int_equal(response.results[2].driver_control_stream_id, 1001);
    assert_int_equal(got.response_stream_id, 7004);
    static uint8_t out[4096];
    const int64_t length = tpc_discovery_response_encode(out, sizeof(out), &response);
    tpc_discovery_response_t read;
    assert_true(length > 0);
    assert_int_equal(tpc_discovery_response_decode(&read, out, (size_t)length), TPC_OK);
    assert_int_equal(read.result_count, 3);
}

static void filters_combine_with_and__X_033(void **state)
{
    (void)state;
    request.stream_id = 10000;
    assert_int_equal(matches(), 2);
    request.producer_id = 44;
    assert_int_equal(matches(), 1);
    assert_true(tpc_bytes_equal(response.results[0].driver_instance_id, "drv-b"));
    request.stream_id = 10001;
    assert_int_equal(matches(), 0);
    request.producer_id = TP_NULL_U32;
    assert_int_equal(matches(), 1);
    request.data_source_id = 77;
    assert_int_equal(matches(), 0);
    request.stream_id = TP_NULL_U32;
    assert_int_equal(matches(), 2);
    request.data_source_id = 0;                                             /* an ordinary value */
    assert_int_equal(matches(), 0);
}

static void names_are_compared_byte_for_byte__X_040_X_022(void **state)
{
    (void)state;
    static const char *const others[] = { "Camera", "camer", "camera ", "c" };
    request.data_source_name = tpc_bytes("camera");
    assert_int_equal(matches(), 1);
    for (size_t i = 0; i < 4; i++)
    {
        request.data_source_name = tpc_bytes(others[i]);
        assert_int_equal(matches(), 0);
    }
    request.data_source_name.length = 0;
    assert_int_equal(matches(), 3);
}

static uint32_t with_tags(const tpc_bytes_t *tags, uint32_t count)
{
    request.tags = tags;
    request.tag_count = count;
    return matches();
}

static void all_requested_tags_have_to_be_there__X_044_X_045_X_046_X_052_O_16(void **state)
{
    (void)state;
    const tpc_bytes_t tags[] = { tpc_bytes("cam"), tpc_bytes("cam"), { NULL, 0 }, tpc_bytes("NIR"), tpc_bytes("nir") };
    assert_int_equal(with_tags(tags, 2), 3);
    assert_int_equal(with_tags(tags, 3), 3);                                /* the empty one does not count */
    assert_int_equal(with_tags(tags, 4), 2);
    assert_int_equal(response.results[0].tag_count, 3);                     /* the whole set */
    assert_int_equal(with_tags(tags, 5), 0);
}

static void repeats_are_one_tag_and_more_than_64_match_nothing__X_046(void **state)
{
    static tpc_bytes_t many[TPI_DISCOVERY_TAGS_MAX + 2];
    static char letters[TPI_DISCOVERY_TAGS_MAX + 1];
    (void)state;
    for (size_t i = 0; i <= TPI_DISCOVERY_TAGS_MAX; i++)
    {
        letters[i] = (char)('!' + i);
        many[i] = (tpc_bytes_t){ &letters[i], 1 };
    }
    assert_int_equal(tpi_discovery_index_set_stream(idx, 10001, TP_NULL_U64, many, TPI_DISCOVERY_TAGS_MAX), 0);
    assert_int_equal(with_tags(many, TPI_DISCOVERY_TAGS_MAX), 1);
    many[TPI_DISCOVERY_TAGS_MAX + 1] = many[TPI_DISCOVERY_TAGS_MAX];
    many[TPI_DISCOVERY_TAGS_MAX] = many[0];
    assert_int_equal(with_tags(many, TPI_DISCOVERY_TAGS_MAX + 1), 1);
    assert_int_equal(with_tags(many, TPI_DISCOVERY_TAGS_MAX + 2), 0);
}

static void expired_streams_are_not_found__X_078_X_066(void **state)
{
    (void)state;
    const size_t length = encoded();
    assert_int_equal(run(length, 300), TPI_DISCOVERY_ANSWER);
    assert_int_equal(response.result_count, 3);
    assert_int_equal(run(length, 301), TPI_DISCOVERY_ANSWER);
    assert_int_equal(response.result_count, 0);
    assert_int_equal(response.status, TPC_DISCOVERY_OK);
}

/* ---- gate ---- */

static void other_messages_are_ignored__X_015_X_026_X_011(void **state)
{
    (void)state;
    static const uint16_t schemas[] = { 900, 901, 904, 911 };
    const size_t length = encoded();
    for (size_t i = 0; i < 4; i++)
    {
        memcpy(b + 4, &schemas[i], 2);
        assert_int_equal(run(length, 0), TPI_DISCOVERY_NOT_OURS);
    }
    (void)encoded();
    b[2] = 2;                                                               /* a response */
    assert_int_equal(run(length, 0), TPI_DISCOVERY_NOT_OURS);
    assert_int_equal(run(7, 0), TPI_DISCOVERY_NOT_OURS);
    assert_int_equal(response.status, 77);
    assert_int_equal(tpi_discovery_query_counts(query)->outcomes[TPI_DISCOVERY_NOT_OURS], 6);
}

static void only_version_1_is_served__X_028_X_029_O_21(void **state)
{
    (void)state;
    const size_t length = encoded();
    for (uint8_t version = 0; version <= 2; version++)
    {
        b[6] = version;
        assert_int_equal(run(length, 0), 1 == version ? TPI_DISCOVERY_ANSWER : TPI_DISCOVERY_VERSION);
    }
}

static void cut_requests_draw_no_answer__X_097_O_1(void **state)
{
    (void)state;
    const tpc_bytes_t tags[] = { tpc_bytes("cam"), tpc_bytes("NIR") };
    request.tags = tags;
    request.tag_count = 2;
    const size_t length = encoded();
    for (size_t cut = 8; cut < length; cut++)
    {
        assert_int_equal(run(cut, 0), cut == length - 4 ? TPI_DISCOVERY_ANSWER : TPI_DISCOVERY_BAD_REQUEST);
    }
    b[0] = 31;
    assert_int_equal(run(length, 0), TPI_DISCOVERY_BAD_REQUEST);
    assert_int_equal(tpi_discovery_index_count(idx), 3);
}

static void damaged_requests_change_nothing__X_097(void **state)
{
    (void)state;
    const tpc_bytes_t tags[] = { tpc_bytes("cam"), tpc_bytes("NIR") };
    uint32_t random = 1;
    request.tags = tags;
    request.tag_count = 2;
    for (int i = 0; i < 2000; i++)
    {
        const size_t length = encoded();
        for (int k = 0; k < 1 + i % 4; k++)
        {
            random = random * 1664525u + 1013904223u;
            b[(random >> 8) % length] = (uint8_t)(random >> 24);
        }
        const tpi_discovery_outcome_t outcome = run(length, 0);
        assert_int_equal(77 == response.status, TPI_DISCOVERY_ANSWER != outcome);
        assert_true(77 == response.status || response.result_count <= 3);
    }
    assert_int_equal(tpi_discovery_index_count(idx), 3);
    assert_int_not_equal(tpi_discovery_query_counts(query)->outcomes[TPI_DISCOVERY_ANSWER], 2000);
}

static void without_a_channel_nothing_is_sent__X_034_X_035_X_036(void **state)
{
    (void)state;
    request.response_channel = tpc_bytes("");
    request.response_stream_id = 0;
    assert_int_equal(ask(), TPI_DISCOVERY_NO_CHANNEL);
    request.response_stream_id = 7004;
    assert_int_equal(ask(), TPI_DISCOVERY_NO_CHANNEL);
    assert_int_equal(response.status, 77);
    assert_int_equal(tpi_discovery_query_counts(query)->outcomes[TPI_DISCOVERY_NO_CHANNEL], 2);
}

static void answers_go_to_allowed_channels_only__X_095_O_22(void **state)
{
    (void)state;
    static const char *const good[] = { "aeron:ipc", "aeron:ipc?term-length=64k", "aeron:udp?endpoint=10.20.0.7:40123",
        "aeron:udp?endpoint=10.20.0." };
    static const char *const bad[] = { "aeron:ip", "aeron:ipcx", "aeron:ipc|x", "aeron:udp?endpoint=10.20.1.7:40123", "aeron:udp", "nonsense" };
    static const char *const ugly[] = { "aeron:ipc?a b", "aeron:ipc?\x7f", "aeron:ipc?\n", "aeron:ipc?\xc3" };
    for (size_t i = 0; i < 4; i++)
    {
        request.response_channel = tpc_bytes(good[i]);
        assert_int_equal(ask(), TPI_DISCOVERY_ANSWER);
    }
    for (size_t i = 0; i < 6; i++)
    {
        request.response_channel = tpc_bytes(bad[i]);
        assert_int_equal(ask(), TPI_DISCOVERY_NOT_ALLOWED);
    }
    for (size_t i = 0; i < 4; i++)
    {
        request.response_channel = tpc_bytes(ugly[i]);
        assert_int_equal(ask(), TPI_DISCOVERY_BAD_CHANNEL);
    }
    static char text[1025] = "aeron:ipc?";
    memset(text + 10, '~', sizeof(text) - 11);
    request.response_channel = (tpc_bytes_t){ text, 1024 };
    assert_int_equal(ask(), TPI_DISCOVERY_BAD_CHANNEL);
    request.response_channel.length = 1023;
    assert_int_equal(ask(), TPI_DISCOVERY_ANSWER);
    config.allowed_count = 0;
    make_query();
    assert_int_equal(ask(), TPI_DISCOVERY_NOT_ALLOWED);
    static const char *const empty[] = { "" };
    config.allowed_channels = empty;
    config.allowed_count = 1;
    make_query();
    assert_int_equal(ask(), TPI_DISCOVERY_NOT_ALLOWED);
}

static void stream_ids_beyond_int32_are_dropped__O_12(void **state)
{
    (void)state;
    request.response_stream_id = UINT32_C(0x80000000);
    assert_int_equal(ask(), TPI_DISCOVERY_BAD_STREAM);
    request.response_stream_id = INT32_MAX;
    assert_int_equal(ask(), TPI_DISCOVERY_ANSWER);
}

static void stream_0_gets_an_error_and_no_list__X_037_X_038_O_3(void **state)
{
    (void)state;
    request.response_stream_id = 0;
    assert_int_equal(ask(), TPI_DISCOVERY_ANSWER);
    assert_int_equal(response.status, TPC_DISCOVERY_ERROR);
    assert_int_equal(response.result_count, 0);
    assert_true(response.error_message.length > 0);
    assert_int_equal(tpi_discovery_query_counts(query)->zero_stream, 1);
}

/* ---- limits ---- */

static void too_many_results_are_an_error_that_names_the_limit__X_049_X_061_X_062_X_069_O_13(void **state)
{
    (void)state;
    config.max_results = 3;
    make_query();
    assert_int_equal(matches(), 3);
    config.max_results = 2;
    make_query();
    assert_int_equal(ask(), TPI_DISCOVERY_ANSWER);
    assert_int_equal(response.status, TPC_DISCOVERY_ERROR);
    assert_int_equal(response.result_count, 0);
    assert_true(tpc_bytes_equal(response.error_message, "3 streams match, max_results = 2"));
    assert_true(UINT64_C(0x1122334455667788) == response.request_id);
    assert_int_equal(tpi_discovery_query_counts(query)->limited, 1);
    uint8_t out[256];
    assert_true(tpc_discovery_response_encode(out, sizeof(out), &response) > 0);
    static const uint8_t none[] = { 0x27, 0, 0, 0 };
    assert_memory_equal(out + 0x11, none, 4);
    config.caps_results = true;
    make_query();
    assert_int_equal(matches(), 2);
    assert_int_equal(response.results[1].producer_id, 43);
    assert_int_equal(tpi_discovery_query_counts(query)->limited, 1);
}

static void the_limit_fits_the_group(void **state)
{
    (void)state;
    tpi_discovery_query_t *made = NULL;
    config.max_results = 0;
    assert_int_equal(tpi_discovery_query_create(&made, &config), -1);
    config.max_results = 65535;
    assert_int_equal(tpi_discovery_query_create(&made, &config), -1);
    assert_int_equal(tp_errcode(), TP_EINVAL);
    config.max_results = 65534;
    assert_int_equal(tpi_discovery_query_create(&made, &config), 0);
    tpi_discovery_query_delete(made);
    tpi_discovery_query_delete(NULL);
}

static void error_texts_have_1024_bytes_at_most__X_063(void **state)
{
    static char text[2001];
    (void)state;
    memset(text, 'e', 2000);
    tpi_discovery_query_fail(query, 9, text, &response);
    assert_int_equal(response.error_message.length, 1024);
    assert_int_equal(response.request_id, 9);
    text[1024] = 0;
    tpi_discovery_query_fail(query, 9, text, &response);
    assert_int_equal(response.error_message.length, 1024);
}

/* ---- policy ---- */

/* Client 7 sees nothing of drv-a; client 8 nothing at all, and is told so. */
static tpi_discovery_sight_t policy(void *clientd, uint32_t client_id, const tpc_discovery_result_t *result)
{
    ++*(int *)clientd;
    if (8 == client_id) { return TPI_DISCOVERY_DENIED; }
    if (9 == client_id) { return 10001 == result->stream_id ? TPI_DISCOVERY_DENIED : TPI_DISCOVERY_SHOWN; }
    return 7 == client_id && tpc_bytes_equal(result->driver_instance_id, "drv-a") ? TPI_DISCOVERY_HIDDEN : TPI_DISCOVERY_SHOWN;
}

static void hidden_streams_are_not_found__X_047_X_088_X_089_X_067_O_4(void **state)
{
    (void)state;
    int asked = 0;
    config.policy = policy;
    config.policy_clientd = &asked;
    make_query();
    assert_int_equal(matches(), 1);
    assert_int_equal(response.results[0].producer_id, 44);
    assert_int_equal(asked, 3);
    request.producer_id = 42;
    assert_int_equal(ask(), TPI_DISCOVERY_ANSWER);
    assert_int_equal(response.status, TPC_DISCOVERY_NOT_FOUND);
    assert_int_equal(response.result_count, 0);
    request.producer_id = 9999;                                             /* nobody's: told alike */
    assert_int_equal(ask(), TPI_DISCOVERY_ANSWER);
    assert_int_equal(response.status, TPC_DISCOVERY_NOT_FOUND);
    request.client_id = 1;
    request.producer_id = 42;
    assert_int_equal(matches(), 1);
}

static void explicit_denial_is_an_error__X_089_X_068(void **state)
{
    (void)state;
    int asked = 0;
    config.policy = policy;
    config.policy_clientd = &asked;
    make_query();
    request.client_id = 8;
    assert_int_equal(ask(), TPI_DISCOVERY_ANSWER);
    assert_int_equal(response.status, TPC_DISCOVERY_ERROR);
    assert_int_equal(response.result_count, 0);
    assert_true(response.error_message.length > 0);
    assert_int_equal(tpi_discovery_query_counts(query)->denied, 1);
    request.client_id = 9;
    assert_int_equal(matches(), 2);                                         /* what may be seen is shown */
    request.client_id = 8;
    request.stream_id = 5;
    assert_int_equal(ask(), TPI_DISCOVERY_ANSWER);
    assert_int_equal(response.status, TPC_DISCOVERY_NOT_FOUND);             /* a plain miss is no error */
}

static void outcomes_have_texts(void **state)
{
    (void)state;
    for (int i = 0; i < TPI_DISCOVERY_OUTCOMES; i++) { assert_string_not_equal(tpi_discovery_outcome_text(i), "unknown"); }
    assert_string_equal(tpi_discovery_outcome_text(TPI_DISCOVERY_OUTCOMES), "unknown");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = { T(without_filters_all_streams_come_in_order__X_032_X_013_X_049), T(filters_combine_with_and__X_033),
        T(names_are_compared_byte_for_byte__X_040_X_022), T(all_requested_tags_have_to_be_there__X_044_X_045_X_046_X_052_O_16),
        T(repeats_are_one_tag_and_more_than_64_match_nothing__X_046), T(expired_streams_are_not_found__X_078_X_066),
        T(other_messages_are_ignored__X_015_X_026_X_011), T(only_version_1_is_served__X_028_X_029_O_21), T(cut_requests_draw_no_answer__X_097_O_1),
        T(damaged_requests_change_nothing__X_097),
        T(without_a_channel_nothing_is_sent__X_034_X_035_X_036), T(answers_go_to_allowed_channels_only__X_095_O_22),
        T(stream_ids_beyond_int32_are_dropped__O_12), T(stream_0_gets_an_error_and_no_list__X_037_X_038_O_3),
        T(too_many_results_are_an_error_that_names_the_limit__X_049_X_061_X_062_X_069_O_13), T(the_limit_fits_the_group),
        T(error_texts_have_1024_bytes_at_most__X_063), T(hidden_streams_are_not_found__X_047_X_088_X_089_X_067_O_4),
        T(explicit_denial_is_an_error__X_089_X_068), T(outcomes_have_texts) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
