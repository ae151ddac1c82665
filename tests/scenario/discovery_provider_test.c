/* What the provider learns, what it answers and to whom (30-discovery.md 4). */
#include "discovery_rig.h"

#include <tensor_pool/common/tp_log.h>

#include "codec/codec_driver.h"

/* ---- index ---- */

static void streams_of_all_drivers_are_listed_with_their_authority__X_013_X_071_X_055_X_074_X_018_X_014(void **state)
{
    (void)state;
    drig_start();
    drig_announce(ANNOUNCE_A, 10000, 42, 5);
    drig_announce(ANNOUNCE_B, 10000, 43, 6);
    drig_announce(ANNOUNCE_B, 10001, 44, 1);
    const tpc_discovery_request_t request = drig_request();
    const tpc_discovery_response_t response = drig_ask(&request);
    assert_int_equal(response.status, TPC_DISCOVERY_OK);
    assert_int_equal(response.result_count, 3);
    const tpc_discovery_result_t a = drig_result(&response, 0);
    const tpc_discovery_result_t b = drig_result(&response, 1);
    assert_true(tpc_bytes_equal(a.driver_instance_id, "drv-a") && tpc_bytes_equal(b.driver_instance_id, "drv-b"));
    assert_true(tpc_bytes_equal(a.driver_control_channel, IPC "?term-length=4m"));
    assert_int_equal(a.driver_control_stream_id, 1000);
    assert_int_equal(b.driver_control_stream_id, 2000);
    assert_int_equal(a.stream_id, 10000);
    assert_int_equal(b.stream_id, 10000);
    assert_int_equal(a.producer_id, 42);
    assert_true(5 == a.epoch && 6 == b.epoch);
    static const uint8_t header[] = { 9, 0, 2, 0, 0x8e, 3, 1, 0 };
    assert_memory_equal(drig->listeners[0].data, header, sizeof(header));
}

static void without_a_stream_the_answer_is_ok_and_empty__X_066_O_4(void **state)
{
    (void)state;
    drig_start();
    const tpc_discovery_request_t request = drig_request();
    const tpc_discovery_response_t response = drig_ask(&request);
    assert_int_equal(response.status, TPC_DISCOVERY_OK);
    assert_int_equal(response.result_count, 0);
    assert_int_equal(drig->listeners[0].length, 25);
}

static void a_stream_expires_after_three_periods_without_announce__X_076_X_077_X_078(void **state)
{
    (void)state;
    drig_start();
    drig_announce(ANNOUNCE_A, 10000, 42, 5);
    drig_step(250 * MS);
    assert_int_equal(drig_listed(), 1);
    drig_announce(ANNOUNCE_A, 10000, 42, 5);
    drig_step(300 * MS);
    assert_int_equal(drig_listed(), 1);
    drig_step(1);
    assert_int_equal(drig_listed(), 0);
    assert_true(1 == drig_stats()->streams_expired);
}

static void what_expired_leaves_memory_also_when_nobody_asks__X_076(void **state)
{
    (void)state;
    drig_start();
    drig_announce(ANNOUNCE_A, 10000, 42, 5);
    assert_true(1 == drig_stats()->streams);
    drig_step(301 * MS);
    assert_true(0 == drig_stats()->streams);
}

static void names_come_from_the_metadata_stream_that_both_drivers_share__X_073_X_041_O_5(void **state)
{
    (void)state;
    drig_start();
    drig_name(10000, 5, 1, " Camera  ");
    drig_announce(ANNOUNCE_A, 10000, 42, 5);
    drig_announce(ANNOUNCE_B, 10001, 43, 1);
    drig_name(10001, 1, 1, "nir");
    tpc_discovery_request_t request = drig_request();
    request.data_source_name = tpc_bytes(" Camera  ");
    tpc_discovery_response_t response = drig_ask(&request);
    assert_int_equal(response.result_count, 1);
    assert_true(tpc_bytes_equal(drig_result(&response, 0).data_source_name, " Camera  "));
    request = drig_request();
    request.data_source_name = tpc_bytes("nir");
    response = drig_ask(&request);
    assert_int_equal(response.result_count, 1);
    assert_true(tpc_bytes_equal(drig_result(&response, 0).driver_instance_id, "drv-b"));
    request = drig_request();
    request.data_source_name = tpc_bytes(" camera  ");
    assert_int_equal(drig_ask(&request).result_count, 0);
}

static void announces_older_than_our_subscription_do_not_count__X_097_O_20(void **state)
{
    (void)state;
    drig_start();
    drig_announce(ANNOUNCE_A, 10000, 42, 5);                    /* the sender has joined */
    tpc_pool_announce_t a = drig_announcement(10001, 42, 5);
    a.announce_timestamp_ns = (uint64_t)(drig->now_ns - 1);     /* fresh, but before we joined */
    drig_send_announce(ANNOUNCE_A, &a);
    drig_settle();
    assert_int_equal(drig_listed(), 1);
    a.announce_timestamp_ns = (uint64_t)drig->now_ns;
    drig_send_announce(ANNOUNCE_A, &a);
    drig_settle();
    assert_int_equal(drig_listed(), 2);
    drig_step(200 * MS);
    a.announce_clock_domain = TPC_CLOCK_REALTIME_SYNCED;
    a.stream_id = 10002;
    a.announce_timestamp_ns = (uint64_t)(drig->real_ns - 301 * MS);
    drig_send_announce(ANNOUNCE_A, &a);
    drig_settle();
    assert_int_equal(drig_listed(), 2);
    a.announce_timestamp_ns = (uint64_t)(drig->real_ns - 300 * MS);
    drig_send_announce(ANNOUNCE_A, &a);
    drig_settle();
    assert_int_equal(drig_listed(), 3);
    assert_true(2 == drig_stats()->announces_ignored);
}

static void stamps_of_another_host_are_not_compared__O_20(void **state)
{
    static const char udp[] = "aeron:udp?endpoint=localhost:40456";
    tpi_bus_async_t *async = NULL;
    tpi_publication_t *publication = NULL;
    uint8_t buffer[1024];
    (void)state;
    memcpy(drig->config.sources[0].announce_channel, udp, sizeof(udp));
    drig_start();
    assert_int_equal(tpi_bus_add_publication(drig->client_bus, &async, udp, ANNOUNCE_A), 0);
    (void)tpi_bus_do_work(drig->client_bus, drig->now_ns);
    assert_int_equal(tpi_bus_add_publication_poll(async, &publication), 1);
    drig_settle();
    tpc_pool_announce_t a = drig_announcement(10000, 42, 5);
    a.announce_timestamp_ns = 1;                                /* its clock began a moment ago */
    const size_t length = (size_t)tpc_pool_announce_encode(buffer, sizeof(buffer), &a);
    assert_true(tpi_publication_offer(publication, buffer, length) > 0);
    drig_settle();
    assert_int_equal(drig_listed(), 1);
    drig_send_announce(ANNOUNCE_B, &a);                         /* of this host it would be stale */
    drig_settle();
    assert_int_equal(drig_listed(), 1);
    drig_step(301 * MS);
    assert_int_equal(drig_listed(), 0);
}

static void epochs_go_forward_unless_the_driver_is_known_to_have_moved__X_079_X_080_X_074_D_199(void **state)
{
    (void)state;
    drig_start();
    drig_announce(ANNOUNCE_A, 10000, 42, 5);
    drig_announce(ANNOUNCE_A, 10000, 42, 4);
    tpc_discovery_request_t request = drig_request();
    tpc_discovery_response_t response = drig_ask(&request);
    assert_true(5 == drig_result(&response, 0).epoch);
    assert_int_equal(tpi_provider_move_driver(drig->provider, "nobody", IPC, 3000), -1);
    assert_int_equal(tp_errcode(), TP_ENOENT);
    assert_int_equal(tpi_provider_move_driver(drig->provider, "drv-a", "", 3000), -1);
    assert_int_equal(tp_errcode(), TP_EINVAL);
    assert_int_equal(tpi_provider_move_driver(drig->provider, "drv-a", IPC, 3000), 0);
    drig_announce(ANNOUNCE_A, 10000, 42, 4);
    request = drig_request();
    response = drig_ask(&request);
    assert_true(4 == drig_result(&response, 0).epoch);
    assert_int_equal(drig_result(&response, 0).driver_control_stream_id, 3000);
    assert_true(tpc_bytes_equal(drig_result(&response, 0).driver_control_channel, IPC));
}

static void tags_and_ids_of_the_operator_survive_epochs_and_expiry__X_099_X_052_X_091(void **state)
{
    (void)state;
    tp_discovery_stream_config_t *const stream = tp_discovery_provider_config_add_stream(&drig->config, "cam", 10000);
    stream->data_source_id = 77;
    assert_int_equal(tp_discovery_stream_config_add_tag(stream, "bridge"), 0);
    assert_int_equal(tp_discovery_stream_config_add_tag(stream, "NIR"), 0);
    drig_start();
    for (uint64_t epoch = 5; epoch < 7; epoch++)
    {
        drig_announce(ANNOUNCE_A, 10000, 42, epoch);
        tpc_discovery_request_t request = drig_request();
        const tpc_bytes_t tag = tpc_bytes("NIR");
        request.tags = &tag;
        request.tag_count = 1;
        request.data_source_id = 77;
        const tpc_discovery_response_t response = drig_ask(&request);
        assert_int_equal(response.result_count, 1);
        assert_int_equal(drig_result(&response, 0).tag_count, 2);
        assert_true(77 == drig_result(&response, 0).data_source_id);
        drig_step(1000 * MS);
        assert_int_equal(drig_listed(), 0);
    }
    const tpc_bytes_t other = tpc_bytes("other");
    assert_int_equal(tpi_provider_set_stream(drig->provider, 10000, TP_NULL_U64, &other, 1), 0);
    drig_announce(ANNOUNCE_A, 10000, 42, 9);
    const tpc_discovery_request_t request = drig_request();
    const tpc_discovery_response_t response = drig_ask(&request);
    assert_int_equal(drig_result(&response, 0).tag_count, 1);
    assert_true(TP_NULL_U64 == drig_result(&response, 0).data_source_id);
}

/* ---- who gets the answer ---- */

static size_t tapped;
static void on_tap(void *clientd, const tpi_message_t *message)
{
    tpc_header_t header;
    (void)clientd;
    if (TPC_OK != tpc_header_decode(&header, message->data, message->length)) { fail_msg("no header"); return; }
    if (TPC_DISCOVERY_SCHEMA == header.schema_id && TPC_DISCOVERY_RESPONSE == header.template_id) { tapped++; }
}

static void each_client_gets_its_own_answer_at_its_own_endpoint__X_018_X_019_X_049(void **state)
{
    (void)state;
    tapped = 0;
    tpi_mem_network_tap(drig->network, REQUESTS, on_tap, NULL);
    drig_start();
    drig_announce(ANNOUNCE_A, 10000, 42, 5);
    listener_t *const first = drig_listen(8001);
    listener_t *const second = drig_listen(8002);
    tpc_discovery_request_t request = drig_request();
    request.response_stream_id = 8001;
    (void)drig_ask(&request);
    assert_int_equal(first->count, 1);
    assert_int_equal(second->count, 0);
    request = drig_request();
    request.response_stream_id = 8002;
    (void)drig_ask(&request);
    assert_int_equal(first->count, 1);
    assert_int_equal(second->count, 1);
    assert_int_equal(tapped, 0);
    request = drig_request();
    request.response_stream_id = REQUESTS;                      /* who wants that gets that (O-11) */
    drig_send_request(&request);
    drig_settle();
    assert_int_equal(tapped, 1);
}

static unsigned loud;
static void on_loud(void *clientd, tp_log_level_t level, int code, const char *text)
{
    (void)clientd;
    (void)code;
    (void)text;
    if (level < TP_LOG_DEBUG) { loud++; }
}

/* No channel of ours is opened for these, nothing is sent, nothing is said above level debug. */
static void expect_silence(const tpc_discovery_request_t *request, uint64_t refused)
{
    loud = 0;
    tp_log_set_handler(on_loud, NULL, TP_LOG_TRACE);
    drig_send_request(request);
    drig_settle();
    tp_log_set_handler(NULL, NULL, TP_LOG_WARN);
    assert_int_equal(loud, 0);
    assert_true(refused == drig_stats()->requests_refused);
    assert_true(0 == drig_stats()->publications);
    assert_true(0 == drig_stats()->responses_sent + drig_stats()->responses_waiting + drig_stats()->responses_dropped);
}

static void answers_go_only_where_they_are_allowed_to__X_095_X_034_X_035_X_036_O_12_O_22(void **state)
{
    static char longest[1501];
    (void)state;
    drig_start();
    drig_announce(ANNOUNCE_A, 10000, 42, 5);
    tpc_discovery_request_t request = drig_request();
    request.response_channel = tpc_bytes("");
    expect_silence(&request, 1);
    request.response_channel = tpc_bytes("aeron:udp?endpoint=10.0.0.1:40123");
    expect_silence(&request, 2);
    request.response_channel = tpc_bytes("nonsense \n");
    expect_silence(&request, 3);
    memset(longest, 'a', 1500);
    memcpy(longest, IPC "?alias=", 16);
    request.response_channel = tpc_bytes(longest);
    expect_silence(&request, 4);
    request.response_channel = tpc_bytes(IPC "?term-length=128m");
    expect_silence(&request, 5);
    request.response_channel = tpc_bytes(IPC);
    request.response_stream_id = 0x80000000u;
    expect_silence(&request, 6);
    request.response_stream_id = ANSWERS;
    request.response_channel = tpc_bytes(IPC "?term-length=64m");
    assert_int_equal(drig_ask(&request).result_count, 1);
}

static void a_list_of_ones_own_admits_udp__X_095(void **state)
{
    (void)state;
    drig->config.allowed_count = 0;
    assert_int_equal(tp_discovery_provider_config_allow(&drig->config, "aeron:udp?endpoint=10.20.0.*"), 0);
    drig_start();
    tpc_discovery_request_t request = drig_request();
    expect_silence(&request, 1);
    request.response_channel = tpc_bytes("aeron:udp?endpoint=10.20.0.9:40123");
    drig_send_request(&request);
    drig_settle();
    assert_true(1 == drig_stats()->requests_answered);
    assert_true(1 == drig_stats()->publications);
}

static void stream_id_0_gets_an_error_at_most__X_037_X_038_O_3(void **state)
{
    (void)state;
    drig_start();
    drig_announce(ANNOUNCE_A, 10000, 42, 5);
    tpc_discovery_request_t request = drig_request();
    request.response_stream_id = 0;
    const tpc_discovery_response_t response = drig_ask(&request);
    assert_int_equal(response.status, TPC_DISCOVERY_ERROR);
    assert_int_equal(response.result_count, 0);
    assert_true(response.error_message.length > 0);
}

/* ---- gates ---- */

static void other_schemas_templates_and_versions_are_not_answered__X_015_X_026_X_028_X_029_X_011(void **state)
{
    uint8_t buffer[256];
    (void)state;
    drig_start();
    listener_t *const listener = drig_listen(ANSWERS);
    const tpc_discovery_request_t request = drig_request();
    const size_t length = (size_t)tpc_discovery_request_encode(buffer, sizeof(buffer), &request);
    static const struct { size_t at; uint8_t value; } bends[] = { { 4, 0x84 }, { 4, 0x8f }, { 2, 2 }, { 2, 3 }, { 6, 2 }, { 6, 0 }, { 0, 31 } };
    for (size_t i = 0; i < sizeof(bends) / sizeof(bends[0]); i++)
    {
        const uint8_t good = buffer[bends[i].at];
        buffer[bends[i].at] = bends[i].value;
        drig_send(REQUESTS, buffer, length);
        drig_settle();
        buffer[bends[i].at] = good;
        if (0 != listener->count) { fail_msg("byte %zu = %u was answered", bends[i].at, bends[i].value); }
    }
    assert_true(2 == drig_stats()->messages_newer);
    assert_true(0 == drig_stats()->requests_answered);
    drig_send(REQUESTS, buffer, length);
    drig_settle();
    assert_int_equal(listener->count, 1);
}

static size_t any_tapped;
static void on_any_tap(void *clientd, const tpi_message_t *message)
{
    (void)clientd;
    (void)message;
    any_tapped++;
}

static void attach_messages_are_neither_forwarded_nor_answered__X_011_X_010(void **state)
{
    uint8_t buffer[64];
    (void)state;
    drig_start();
    drig_announce(ANNOUNCE_A, 10000, 42, 5);
    (void)drig_listen(1000);
    any_tapped = 0;
    tpi_mem_network_tap(drig->network, 1000, on_any_tap, NULL);
    tpi_mem_network_tap(drig->network, 2000, on_any_tap, NULL);
    tpc_attach_request_t attach = TPC_ATTACH_REQUEST_INIT;
    attach.correlation_id = 9;
    attach.stream_id = 10000;
    attach.client_id = 7;
    attach.role = TP_ROLE_CONSUMER;
    drig_send(REQUESTS, buffer, (size_t)tpc_attach_request_encode(buffer, sizeof(buffer), &attach));
    drig_settle();
    assert_int_equal(any_tapped, 0);
    assert_true(0 == drig_stats()->requests_answered + drig_stats()->responses_sent + drig_stats()->messages_malformed);
}

static void requests_announces_and_names_may_share_one_endpoint__X_015_O_9(void **state)
{
    (void)state;
    drig->config.request_stream_id = ANNOUNCE_A;
    drig->config.sources[0].metadata_stream_id = ANNOUNCE_A;
    drig_start();
    drig_announce(ANNOUNCE_A, 10000, 42, 5);
    listener_t *const listener = drig_listen(ANSWERS);
    uint8_t buffer[256];
    tpc_source_announce_t name = TPC_SOURCE_ANNOUNCE_INIT;
    name.stream_id = 10000;
    name.epoch = 5;
    name.name = tpc_bytes("camera");
    drig_send(ANNOUNCE_A, buffer, (size_t)tpc_source_announce_encode(buffer, sizeof(buffer), &name));
    tpc_discovery_request_t request = drig_request();
    request.data_source_name = tpc_bytes("camera");
    drig_send(ANNOUNCE_A, buffer, (size_t)tpc_discovery_request_encode(buffer, sizeof(buffer), &request));
    drig_settle();
    tpc_discovery_response_t response;
    assert_int_equal(listener->count, 1);
    assert_int_equal(tpc_discovery_response_decode(&response, listener->data, listener->length), TPC_OK);
    assert_int_equal(response.result_count, 1);
}

static void requests_are_taken_only_where_they_belong__X_015(void **state)
{
    uint8_t buffer[256];
    (void)state;
    drig_start();
    listener_t *const listener = drig_listen(ANSWERS);
    const tpc_discovery_request_t request = drig_request();
    const size_t length = (size_t)tpc_discovery_request_encode(buffer, sizeof(buffer), &request);
    drig_send(ANNOUNCE_A, buffer, length);
    drig_send(METADATA, buffer, length);
    drig_settle();
    assert_int_equal(listener->count, 0);
    const tpc_pool_announce_t a = drig_announcement(10000, 42, 5);
    drig_send_announce(REQUESTS, &a);                           /* it would be nobody's */
    drig_send_announce(METADATA, &a);
    drig_settle();
    assert_true(0 == drig_stats()->announces_accepted + drig_stats()->announces_ignored + drig_stats()->streams);
}

/* Two registries that index the same drivers: nothing that the one does is the other's business. */
static void one_of_two_replicas_may_go__X_093(void **state)
{
    (void)state;
    drig_start();
    tpi_provider_t *const first = drig->provider;
    tpi_bus_t *const first_bus = drig->provider_bus;
    drig->provider = NULL;
    drig->provider_bus = NULL;
    drig->config.request_stream_id = REQUESTS + 1;
    drig_start();                                               /* the rig's is the second one now */
    drig_announce(ANNOUNCE_A, 10000, 42, 5);
    for (int i = 0; i < 6; i++)
    {
        assert_true(tpi_provider_do_work(first, (tpi_mapping_now_t){ drig->now_ns, drig->real_ns }) >= 0);
        (void)drig_cycle();
    }
    assert_true(1 == tpi_provider_stats(first)->streams);
    assert_true(1 == drig_stats()->streams);
    tpi_provider_delete(first);
    tpi_bus_close(first_bus);
    uint8_t buffer[256];
    const tpc_discovery_request_t request = drig_request();
    listener_t *const listener = drig_listen(ANSWERS);
    drig_send(REQUESTS + 1, buffer, (size_t)tpc_discovery_request_encode(buffer, sizeof(buffer), &request));
    drig_settle();
    tpc_discovery_response_t response;
    assert_int_equal(listener->count, 1);
    assert_int_equal(tpc_discovery_response_decode(&response, listener->data, listener->length), TPC_OK);
    assert_int_equal(response.result_count, 1);
}

/* ---- policy ---- */

static uint32_t seen_client;
static tp_discovery_provider_access_t judge(void *clientd, uint32_t client_id, const tp_discovery_provider_stream_t *stream)
{
    seen_client = client_id;
    assert_int_equal(stream->size, sizeof(*stream));
    assert_int_equal(stream->driver_instance_id_length, 5);
    assert_memory_equal(stream->driver_instance_id, "drv-", 4);
    assert_int_equal(stream->data_source_name_length, 10000 == stream->stream_id ? 3 : 0);
    if (7 != client_id || 10000 != stream->stream_id) { return TP_DISCOVERY_PROVIDER_SHOW; }
    return *(const tp_discovery_provider_access_t *)clientd;
}

static void a_policy_hides_or_denies__X_088_X_089_X_047_X_067_X_069(void **state)
{
    (void)state;
    tp_discovery_provider_access_t answer = TP_DISCOVERY_PROVIDER_HIDE;
    drig_start();
    tpi_provider_set_policy(drig->provider, judge, &answer);
    drig_announce(ANNOUNCE_A, 10000, 42, 5);
    drig_name(10000, 5, 1, "cam");
    drig_announce(ANNOUNCE_B, 10001, 42, 5);
    tpc_discovery_request_t request = drig_request();
    assert_int_equal(drig_ask(&request).result_count, 1);
    assert_int_equal(seen_client, 7);
    request = drig_request();
    request.stream_id = 10000;
    tpc_discovery_response_t response = drig_ask(&request);
    assert_int_equal(response.status, TPC_DISCOVERY_NOT_FOUND);
    assert_int_equal(response.result_count, 0);
    answer = TP_DISCOVERY_PROVIDER_DENY;
    response = drig_ask(&request);
    assert_int_equal(response.status, TPC_DISCOVERY_ERROR);
    assert_true(response.error_message.length > 0);
    assert_true(1 == drig_stats()->queries_denied);
    request.client_id = 8;
    assert_int_equal(drig_ask(&request).result_count, 1);
    tpi_provider_set_policy(drig->provider, NULL, NULL);
    request.client_id = 7;
    assert_int_equal(drig_ask(&request).result_count, 1);
    request.stream_id = 1;
    assert_int_equal(drig_ask(&request).status, TPC_DISCOVERY_OK);
}

/* Two clients with one id, and one client at two endpoints: each request is answered for itself, nothing is remembered of the id. */
static void a_client_id_is_no_credential__X_048(void **state)
{
    (void)state;
    drig_start();
    drig_announce(ANNOUNCE_A, 10000, 42, 5);
    for (uint32_t i = 0; i < 4; i++)
    {
        tpc_discovery_request_t request = drig_request();
        request.client_id = i < 2 ? 7 : TP_NULL_U32;
        request.response_stream_id = 8001 + i;
        assert_int_equal(drig_ask(&request).result_count, 1);
    }
}

/* ---- limits and the log ---- */

static void more_matches_than_allowed_are_an_error_or_are_cut__X_061_X_062_X_068_O_13(void **state)
{
    (void)state;
    drig->config.max_results = 2;
    drig_start();
    for (uint32_t i = 0; i < 3; i++) { drig_announce(ANNOUNCE_A, 10000 + i, 42, 5); }
    tpc_discovery_request_t request = drig_request();
    tpc_discovery_response_t response = drig_ask(&request);
    assert_int_equal(response.status, TPC_DISCOVERY_ERROR);
    assert_int_equal(response.result_count, 0);
    assert_true(1 == drig_stats()->results_limited);
    drig_stop();
    drig->config.caps_results = true;
    drig_start();
    for (uint32_t i = 0; i < 3; i++) { drig_announce(ANNOUNCE_A, 10000 + i, 42, 5); }
    assert_int_equal(drig_listed(), 2);
}

static unsigned lines;
static unsigned leaks;
static void on_line(void *clientd, tp_log_level_t level, int code, const char *text)
{
    (void)clientd;
    (void)code;
    if (TP_LOG_INFO == level && NULL != strstr(text, "query of client 7")) { lines++; }
    if (NULL != strstr(text, "secret")) { leaks++; }
}

static void ask_often(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
    {
        tpc_discovery_request_t request = drig_request();
        request.data_source_name = tpc_bytes("secret");
        drig_send_request(&request);
        drig_settle();
    }
}

static void one_of_many_queries_is_logged_and_no_name__X_094(void **state)
{
    (void)state;
    (void)drig_listen(ANSWERS);
    tp_log_set_handler(on_line, NULL, TP_LOG_INFO);
    lines = leaks = 0;
    drig_start();
    ask_often(1000);
    assert_int_equal(lines, 10);
    drig_stop();
    drig->config.query_log_every = 0;
    drig_start();
    ask_often(200);
    assert_int_equal(lines, 10);
    assert_int_equal(leaks, 0);
    tp_log_set_handler(NULL, NULL, TP_LOG_WARN);
}

static unsigned warnings;
static void on_warning(void *clientd, tp_log_level_t level, int code, const char *text)
{
    (void)clientd;
    (void)text;
    if (TP_LOG_WARN == level && TP_ECONF_RULE == code) { warnings++; }
}

static void a_udp_registry_that_may_answer_nobody_warns__O_22(void **state)
{
    (void)state;
    warnings = 0;
    tp_log_set_handler(on_warning, NULL, TP_LOG_WARN);
    drig_start();
    drig_stop();
    assert_int_equal(warnings, 0);
    (void)snprintf(drig->config.request_channel, sizeof(drig->config.request_channel), "aeron:udp?endpoint=localhost:40123");
    drig_start();
    drig_stop();
    assert_int_equal(warnings, 1);
    assert_int_equal(tp_discovery_provider_config_allow(&drig->config, "aeron:udp?endpoint=localhost:*"), 0);
    drig_start();
    drig_stop();
    assert_int_equal(warnings, 1);
    tp_log_set_handler(NULL, NULL, TP_LOG_WARN);
}

static void a_wrong_configuration_or_channel_does_not_start__X_098_X_057_X_059(void **state)
{
    (void)state;
    drig->config.sources[1].driver_control_stream_id = 0;
    assert_int_equal(drig_try_start(), -1);
    assert_int_equal(tp_errcode(), TP_ECONF_RANGE);
    drig->config.sources[1].driver_control_stream_id = 2000;
    drig->config.sources[1].driver_control_channel[0] = '\0';
    assert_int_equal(drig_try_start(), -1);
    assert_int_equal(tp_errcode(), TP_ECONF_RULE);
    assert_null(drig->provider);
}

static void a_lost_media_driver_ends_the_cycle(void **state)
{
    (void)state;
    drig_start();
    tpi_mem_network_kill(drig->network);
    assert_int_equal(tpi_provider_do_work(drig->provider, (tpi_mapping_now_t){ drig->now_ns, drig->real_ns }), -1);
    assert_int_equal(tp_errcode(), TP_EMEDIADRIVER);
}

/* ---- counters ---- */

typedef struct found { int life; int stats; int64_t life_value; int64_t answered; } found_t;

static void on_counter(void *clientd, const tpi_counter_view_t *counter)
{
    found_t *const found = clientd;
    if (9010 == counter->type_id)
    {
        found->life++;
        found->life_value = counter->value;
        assert_non_null(strstr(counter->label, "stream=7000"));
    }
    if (9011 != counter->type_id) { return; }
    found->stats++;
    if (NULL != strstr(counter->label, "name=requests_answered")) { found->answered = counter->value; }
}

static void what_it_counts_can_be_read_from_outside(void **state)
{
    (void)state;
    found_t found = { 0 };
    drig_start();
    (void)drig_listed();
    (void)drig_listed();
    drig_step(10 * MS);
    assert_true(tpi_bus_counters(drig->client_bus, on_counter, &found) > 0);
    assert_int_equal(found.life, 1);
    assert_int_equal(found.stats, sizeof(tpi_provider_stats_t) / sizeof(uint64_t));
    assert_int_equal(found.answered, 2);
    assert_true(drig->now_ns == found.life_value);
    assert_true(0 == drig_stats()->counters_failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DRIG_TEST(streams_of_all_drivers_are_listed_with_their_authority__X_013_X_071_X_055_X_074_X_018_X_014),
        DRIG_TEST(without_a_stream_the_answer_is_ok_and_empty__X_066_O_4),
        DRIG_TEST(a_stream_expires_after_three_periods_without_announce__X_076_X_077_X_078),
        DRIG_TEST(what_expired_leaves_memory_also_when_nobody_asks__X_076),
        DRIG_TEST(names_come_from_the_metadata_stream_that_both_drivers_share__X_073_X_041_O_5),
        DRIG_TEST(announces_older_than_our_subscription_do_not_count__X_097_O_20),
        DRIG_TEST(stamps_of_another_host_are_not_compared__O_20),
        DRIG_TEST(epochs_go_forward_unless_the_driver_is_known_to_have_moved__X_079_X_080_X_074_D_199),
        DRIG_TEST(tags_and_ids_of_the_operator_survive_epochs_and_expiry__X_099_X_052_X_091),
        DRIG_TEST(each_client_gets_its_own_answer_at_its_own_endpoint__X_018_X_019_X_049),
        DRIG_TEST(answers_go_only_where_they_are_allowed_to__X_095_X_034_X_035_X_036_O_12_O_22),
        DRIG_TEST(a_list_of_ones_own_admits_udp__X_095),
        DRIG_TEST(stream_id_0_gets_an_error_at_most__X_037_X_038_O_3),
        DRIG_TEST(other_schemas_templates_and_versions_are_not_answered__X_015_X_026_X_028_X_029_X_011),
        DRIG_TEST(attach_messages_are_neither_forwarded_nor_answered__X_011_X_010),
        DRIG_TEST(requests_announces_and_names_may_share_one_endpoint__X_015_O_9),
        DRIG_TEST(requests_are_taken_only_where_they_belong__X_015),
        DRIG_TEST(one_of_two_replicas_may_go__X_093),
        DRIG_TEST(a_policy_hides_or_denies__X_088_X_089_X_047_X_067_X_069),
        DRIG_TEST(a_client_id_is_no_credential__X_048),
        DRIG_TEST(more_matches_than_allowed_are_an_error_or_are_cut__X_061_X_062_X_068_O_13),
        DRIG_TEST(one_of_many_queries_is_logged_and_no_name__X_094),
        DRIG_TEST(a_udp_registry_that_may_answer_nobody_warns__O_22),
        DRIG_TEST(a_wrong_configuration_or_channel_does_not_start__X_098_X_057_X_059),
        DRIG_TEST(a_lost_media_driver_ends_the_cycle),
        DRIG_TEST(what_it_counts_can_be_read_from_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
