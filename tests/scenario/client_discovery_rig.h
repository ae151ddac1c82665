/* A client that asks a scripted discovery provider, on the in-memory bus; and a second driver that only listens. */
#ifndef TP_TESTS_CLIENT_DISCOVERY_RIG_H
#define TP_TESTS_CLIENT_DISCOVERY_RIG_H

#include "client_rig.h"

#include "client/authority.h"
#include "client/consumer_state.h"
#include "client/discovery_state.h"
#include "codec/codec_discovery.h"

#define CHANNEL "aeron:ipc?term-length=4m"
#define REQUEST_STREAM 7000
#define RESPONSE_STREAM 7004
#define SECOND_DRIVER 1234

static tpi_subscription_t *asked;
static tpi_publication_t *answers;
static tpi_subscription_t *second;
static tp_discovery_client_t *discovery;
static int request_count;
static tpc_discovery_request_t last;
static char last_channel[256], last_name[300], last_tags[4][64];
static uint8_t last_bytes[2048];
static size_t last_length;
static int second_attaches, other_messages;
static uint32_t second_stream;

static inline tpi_subscription_t *subscribe(int32_t stream_id)
{
    tpi_bus_async_t *async = NULL;
    tpi_subscription_t *sub = NULL;
    const tpi_subscription_config_t config = { .channel = CHANNEL, .stream_id = stream_id, .untethered = true };
    assert_int_equal(tpi_bus_add_subscription(cr->bus, &async, &config), 0);
    while (0 == tpi_bus_add_subscription_poll(async, &sub)) { (void)tpi_bus_do_work(cr->bus, cr->now_ns); }
    assert_non_null(sub);
    return sub;
}

static inline void on_request(void *clientd, const tpi_message_t *message)
{
    (void)clientd;
    tpc_bytes_t tag;
    assert_true(message->length <= sizeof(last_bytes));
    memcpy(last_bytes, message->data, message->length);
    last_length = message->length;
    assert_int_equal(tpc_discovery_request_decode(&last, last_bytes, last_length), TPC_OK);
    (void)tpc_bytes_copy(last_channel, sizeof(last_channel), last.response_channel);
    (void)tpc_bytes_copy(last_name, sizeof(last_name), last.data_source_name);
    tpc_walk_t walk = last.tag_walk;
    for (size_t i = 0; i < 4 && tpc_tags_next(&walk, &tag); i++) { (void)tpc_bytes_copy(last_tags[i], sizeof(last_tags[i]), tag); }
    request_count++;
}

static inline void on_second(void *clientd, const tpi_message_t *message)
{
    tpc_header_t h = { 0, 0, 0, 0 };
    tpc_attach_request_t attach;
    (void)clientd;
    assert_int_equal(tpc_header_decode(&h, message->data, message->length), TPC_OK);
    if (TPC_DRIVER_SCHEMA != h.schema_id || TPC_ATTACH_REQUEST != h.template_id)
    {
        other_messages++;
        return;
    }
    assert_int_equal(tpc_attach_request_decode(&attach, message->data, message->length), TPC_OK);
    second_stream = attach.stream_id;
    second_attaches++;
}

static inline void work(int64_t ns)
{
    for (int64_t done = 0; done < ns || 0 == done; done += 20 * MS)
    {
        if (0 == ns) { cr_settle(); }
        else { cr_step(20 * MS); }
        (void)tpi_subscription_poll(asked, on_request, NULL, 64);
        (void)tpi_subscription_poll(second, on_second, NULL, 64);
    }
}

static inline int setup(void **state)
{
    if (cr_setup(state) < 0) { return -1; }
    request_count = 0;
    second_attaches = 0;
    other_messages = 0;
    asked = subscribe(REQUEST_STREAM);
    second = subscribe(SECOND_DRIVER);
    answers = cr_add_publication(CHANNEL, RESPONSE_STREAM);
    assert_int_equal(tp_discovery_client_init(&discovery, cr->client, NULL), 0);
    return 0;
}

static inline int teardown(void **state)
{
    tp_discovery_client_close(discovery);
    discovery = NULL;
    return cr_teardown(state);
}

static inline tpc_discovery_result_t result(const char *instance, uint64_t epoch, const char *name)
{
    static tpc_pool_entry_t pool = { .pool_id = 1, .pool_nslots = 8, .stride_bytes = 64, .region_uri = { "shm:file?path=/p", 16 } };
    tpc_discovery_result_t r = TPC_DISCOVERY_RESULT_INIT;
    r.stream_id = CR_STREAM;
    r.epoch = epoch;
    r.header_nslots = 8;
    r.driver_control_stream_id = CR_CONTROL;
    r.driver_control_channel = tpc_bytes(CHANNEL);
    r.driver_instance_id = tpc_bytes(instance);
    r.data_source_name = tpc_bytes(name);
    r.pool_count = 1;
    r.pools = &pool;
    r.header_region_uri = tpc_bytes("shm:file?path=/h");
    return r;
}

static inline void answer(uint64_t request_id, uint8_t status, const tpc_discovery_result_t *results, uint32_t count, const char *text)
{
    uint8_t buffer[8192];
    tpc_discovery_response_t m = TPC_DISCOVERY_RESPONSE_INIT;
    m.request_id = request_id;
    m.status = status;
    m.results = results;
    m.result_count = count;
    m.error_message = tpc_bytes(text);
    const int64_t n = tpc_discovery_response_encode(buffer, sizeof(buffer), &m);
    assert_true(n > 0);
    assert_true(tpi_publication_offer(answers, buffer, (size_t)n) > 0);
}

static inline tp_discovery_request_t *ask(const tp_discovery_filter_t *filter)
{
    tp_discovery_request_t *request = NULL;
    assert_int_equal(tp_discovery_request(&request, discovery, filter, 5000 * MS), 0);
    work(0);
    return request;
}

static inline tp_discovery_stats_t stats(void)
{
    tp_discovery_stats_t s;
    assert_int_equal(tp_discovery_client_stats(discovery, &s), 0);
    return s;
}

#define DISCOVERY_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
