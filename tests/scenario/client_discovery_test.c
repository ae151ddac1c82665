/* A client that asks a scripted discovery provider, on the in-memory bus. */
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

static tpi_subscription_t *subscribe(int32_t stream_id)
{
    tpi_bus_async_t *async = NULL;
    tpi_subscription_t *sub = NULL;
    const tpi_subscription_config_t config = { .channel = CHANNEL, .stream_id = stream_id, .untethered = true };
    assert_int_equal(tpi_bus_add_subscription(cr->bus, &async, &config), 0);
    while (0 == tpi_bus_add_subscription_poll(async, &sub)) { (void)tpi_bus_do_work(cr->bus, cr->now_ns); }
    assert_non_null(sub);
    return sub;
}

static void on_request(void *clientd, const tpi_message_t *message)
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

static void on_second(void *clientd, const tpi_message_t *message)
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

static void work(int64_t ns)
{
    for (int64_t done = 0; done < ns || 0 == done; done += 20 * MS)
    {
        if (0 == ns) { cr_settle(); }
        else { cr_step(20 * MS); }
        (void)tpi_subscription_poll(asked, on_request, NULL, 64);
        (void)tpi_subscription_poll(second, on_second, NULL, 64);
    }
}

static int setup(void **state)
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

static int teardown(void **state)
{
    tp_discovery_client_close(discovery);
    discovery = NULL;
    return cr_teardown(state);
}

static tpc_discovery_result_t result(const char *instance, uint64_t epoch, const char *name)
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

static void answer(uint64_t request_id, uint8_t status, const tpc_discovery_result_t *results, uint32_t count, const char *text)
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

static tp_discovery_request_t *ask(const tp_discovery_filter_t *filter)
{
    tp_discovery_request_t *request = NULL;
    assert_int_equal(tp_discovery_request(&request, discovery, filter, 5000 * MS), 0);
    work(0);
    return request;
}

static tp_discovery_stats_t stats(void)
{
    tp_discovery_stats_t s;
    assert_int_equal(tp_discovery_client_stats(discovery, &s), 0);
    return s;
}

/* ---- requests ----------------------------------------------------------------------------------------------------------- */

static void request_names_where_the_answer_is_to_go_and_all_filters__X_017_X_033(void **state)
{
    (void)state;
    const char *const tags[] = { "cam", "nir" };
    tp_discovery_filter_t filter = TP_DISCOVERY_FILTER_INIT;
    filter.stream_id = CR_STREAM;
    filter.producer_id = 42;
    filter.data_source_id = 77;
    filter.name = "camera";
    filter.tags = tags;
    filter.tag_count = 2;
    tp_discovery_request_t *request = ask(&filter);
    assert_int_equal(request_count, 1);
    assert_string_equal(last_channel, CHANNEL);
    assert_int_equal(last.response_stream_id, RESPONSE_STREAM);
    assert_int_equal(last.stream_id, CR_STREAM);
    assert_int_equal(last.producer_id, 42);
    assert_int_equal(last.data_source_id, 77);
    assert_string_equal(last_name, "camera");
    assert_int_equal(last.tag_count, 2);
    assert_string_equal(last_tags[1], "nir");
    assert_true(0 != last.client_id);
    assert_true(0 != last.request_id);
    tp_discovery_cancel(request);
}

static void request_without_filters_holds_null_values__X_020_X_021(void **state)
{
    (void)state;
    tp_discovery_cancel(ask(NULL));
    for (size_t i = 0x18; i < 0x28; i++) { assert_int_equal(last_bytes[i], 0xff); }
    for (size_t i = last_length - 4; i < last_length; i++) { assert_int_equal(last_bytes[i], 0); }
}

static int init_with(const char *channel, int32_t stream_id, bool response)
{
    tp_discovery_config_t config;
    tp_discovery_client_t *d = NULL;
    assert_int_equal(tp_discovery_config_init(&config, cr->client), 0);
    assert_int_equal(config.request_stream_id, REQUEST_STREAM);
    assert_int_equal(config.response_stream_id, RESPONSE_STREAM);
    if (response)
    {
        config.response_channel = channel;
        config.response_stream_id = stream_id;
    }
    else
    {
        config.request_channel = channel;
        config.request_stream_id = stream_id;
    }
    const int rc = tp_discovery_client_init(&d, cr->client, &config);
    tp_discovery_client_close(d);
    return rc;
}

static void nothing_is_sent_without_a_response_endpoint__X_017_X_039(void **state)
{
    (void)state;
    assert_int_equal(init_with(CHANNEL, 0, true), -1);
    assert_int_equal(tp_errcode(), TP_EINVAL);
    assert_int_equal(init_with(CHANNEL, -1, true), -1);
    assert_int_equal(init_with("", RESPONSE_STREAM, true), -1);
    assert_int_equal(init_with(NULL, RESPONSE_STREAM, true), -1);
    assert_int_equal(init_with("ipc", RESPONSE_STREAM, true), -1);
    assert_int_equal(init_with("", REQUEST_STREAM, false), -1);
    assert_int_equal(init_with(CHANNEL, 0, false), -1);
    work(100 * MS);
    assert_int_equal(request_count, 0);
    assert_int_equal(init_with(CHANNEL, 1, true), 0);
}

static void names_and_tags_have_limits__X_043(void **state)
{
    (void)state;
    char text[300];
    const char *tag = text;
    tp_discovery_request_t *request = NULL;
    tp_discovery_filter_t filter = TP_DISCOVERY_FILTER_INIT;
    memset(text, 'n', sizeof(text));
    text[256] = '\0';
    filter.name = text;
    request = ask(&filter);
    assert_int_equal(strlen(last_name), 256);
    tp_discovery_cancel(request);
    text[256] = 'n';
    text[257] = '\0';
    assert_int_equal(tp_discovery_request(&request, discovery, &filter, 1), -1);
    assert_int_equal(tp_errcode(), TP_EINVAL);
    filter.name = "caf\xc3\xa9";
    assert_int_equal(tp_discovery_request(&request, discovery, &filter, 1), -1);
    filter.name = NULL;
    filter.tags = &tag;
    filter.tag_count = 1;
    assert_int_equal(tp_discovery_request(&request, discovery, &filter, 1), -1);
    text[0] = '\0';
    assert_int_equal(tp_discovery_request(&request, discovery, &filter, 1), -1);
    filter.tag_count = TP_DISCOVERY_TAGS_MAX + 1;
    assert_int_equal(tp_discovery_request(&request, discovery, &filter, 1), -1);
    assert_int_equal(tp_discovery_request(&request, discovery, NULL, 0), -1);
    assert_int_equal(tp_discovery_request(NULL, discovery, NULL, 1), -1);
}

static void unanswered_requests_are_repeated_and_end_in_time(void **state)
{
    (void)state;
    tp_discovery_response_t *response = NULL;
    tp_discovery_request_t *request = ask(NULL);
    const uint64_t id = last.request_id;
    work(4900 * MS);
    assert_int_equal(tp_discovery_poll(request, 0, &response), 0);
    assert_int_equal(request_count, 6);                    /* 0, 0.5, 1.5 ... 4.5 s */
    assert_true(id == last.request_id);
    work(200 * MS);
    assert_int_equal(tp_discovery_poll(request, 0, &response), -1);
    assert_int_equal(tp_errcode(), TP_ENODISCOVERY);
    assert_int_equal(stats().timeouts, 1);
    assert_int_equal(stats().sends, 6);
    answer(id, TPC_DISCOVERY_OK, NULL, 0, "");             /* late */
    work(0);
    assert_int_equal(stats().foreign, 1);
}

static void requests_have_a_bound_and_each_has_its_own_id__P11(void **state)
{
    (void)state;
    tp_discovery_request_t *requests[TP_DISCOVERY_REQUESTS_MAX + 1];
    uint64_t id = 0;
    for (int i = 0; i < TP_DISCOVERY_REQUESTS_MAX; i++)
    {
        requests[i] = ask(NULL);
        assert_true(id != last.request_id);
        id = last.request_id;
    }
    assert_int_equal(tp_discovery_request(&requests[TP_DISCOVERY_REQUESTS_MAX], discovery, NULL, 1), -1);
    assert_int_equal(tp_errcode(), TP_EFULL);
    tp_discovery_cancel(requests[3]);
    requests[3] = ask(NULL);
    assert_int_equal(stats().requests, TP_DISCOVERY_REQUESTS_MAX + 1);
}                                                          /* the rest ends with the discovery client */

/* ---- answers ------------------------------------------------------------------------------------------------------------ */

static void answer_reaches_its_request__X_049(void **state)
{
    (void)state;
    tp_discovery_response_t *response = NULL;
    tp_discovery_result_t r;
    const tpc_discovery_result_t given = result("drv-a", 5, "camera");
    tp_discovery_request_t *request = ask(NULL);
    answer(last.request_id, TPC_DISCOVERY_OK, &given, 1, "");
    work(0);
    assert_int_equal(tp_discovery_poll(request, 0, &response), 1);
    assert_int_equal(tp_discovery_response_count(response), 1);
    assert_int_equal(tp_discovery_response_at(response, 0, &r), 0);
    assert_string_equal(r.name, "camera");
    assert_int_equal(tp_discovery_response_at(response, 1, &r), -1);
    tp_discovery_response_free(response);
    assert_int_equal(stats().responses, 1);
}

static void answers_to_nobody_are_dropped__X_050_X_026_X_027(void **state)
{
    (void)state;
    uint8_t bytes[64];
    tp_discovery_response_t *response = NULL;
    tp_discovery_request_t *request = ask(NULL);
    const tpc_discovery_result_t given = result("drv-a", 5, "camera");
    tpc_discovery_response_t m = TPC_DISCOVERY_RESPONSE_INIT;
    answer(last.request_id + 1, TPC_DISCOVERY_OK, &given, 1, "");
    m.request_id = last.request_id;
    m.status = TPC_DISCOVERY_OK;
    const int64_t n = tpc_discovery_response_encode(bytes, sizeof(bytes), &m);
    bytes[6] = 2;
    assert_true(tpi_publication_offer(answers, bytes, (size_t)n) > 0);
    bytes[6] = 1;
    bytes[4] = 0x8f;
    assert_true(tpi_publication_offer(answers, bytes, (size_t)n) > 0);
    bytes[4] = 0x8e;
    assert_true(tpi_publication_offer(answers, bytes, (size_t)n - 6) > 0);
    work(0);
    assert_int_equal(tp_discovery_poll(request, 0, &response), 0);
    assert_int_equal(stats().foreign, 1);
    assert_int_equal(stats().other_version, 1);
    assert_int_equal(stats().malformed, 1);
    assert_true(tpi_publication_offer(answers, bytes, (size_t)n) > 0);
    assert_true(tpi_publication_offer(answers, bytes, (size_t)n) > 0);             /* a second provider, or a repetition */
    work(0);
    assert_int_equal(tp_discovery_poll(request, 0, &response), 1);
    tp_discovery_response_free(response);
    assert_int_equal(stats().foreign, 2);
}

static void not_found_is_an_empty_list_and_error_an_error__X_070(void **state)
{
    (void)state;
    tp_discovery_response_t *response = NULL;
    const tpc_discovery_result_t given = result("drv-a", 5, "camera");
    tp_discovery_request_t *request = ask(NULL);
    answer(last.request_id, TPC_DISCOVERY_NOT_FOUND, &given, 1, "");
    work(0);
    assert_int_equal(tp_discovery_poll(request, 0, &response), 1);
    assert_int_equal(tp_discovery_response_count(response), 0);
    tp_discovery_response_free(response);
    response = NULL;
    request = ask(NULL);
    answer(last.request_id, TPC_DISCOVERY_ERROR, &given, 1, "more than 3 results\x1b[2J");
    work(0);
    assert_int_equal(tp_discovery_poll(request, 0, &response), -1);
    assert_null(response);
    assert_int_equal(tp_errcode(), TP_EDISCOVERY);
    assert_non_null(strstr(tp_errmsg(), "more than 3 results?[2J"));
    assert_int_equal(stats().errors, 1);
}

static void bad_results_are_left_out_and_counted__X_058_X_060_X_065(void **state)
{
    (void)state;
    tp_discovery_response_t *response = NULL;
    tpc_discovery_result_t given[] = { result("drv-a", 5, "a"), result("drv-b", 5, "b"), result("drv-c", 5, "c"), result("drv-d", 5, "d"),
        result("drv-d", 6, "d") };
    given[0].driver_control_channel = tpc_bytes("");
    given[1].driver_control_stream_id = 0;
    given[2].header_nslots = 16;
    tp_discovery_request_t *request = ask(NULL);
    answer(last.request_id, TPC_DISCOVERY_OK, given, 5, "");
    work(0);
    assert_int_equal(tp_discovery_poll(request, 0, &response), 1);
    assert_int_equal(tp_discovery_response_count(response), 1);
    assert_int_equal(tp_discovery_response_refused(response), 3);
    tp_discovery_response_free(response);
    assert_int_equal(stats().refused_results, 3);
    assert_int_equal(stats().stale_results, 1);
}

typedef struct poller { int count; int codes[4]; const tp_discovery_request_t *requests[4]; } poller_t;

static void on_outcome(void *clientd, const tp_discovery_request_t *request, int code, const char *text, tp_discovery_response_t *response)
{
    poller_t *p = clientd;
    assert_true(p->count < 4);
    p->requests[p->count] = request;
    p->codes[p->count++] = code;
    assert_int_equal(TP_OK == code, NULL != response);
    assert_int_equal(TP_OK == code, '\0' == text[0]);
    tp_discovery_response_free(response);
}

static void poller_hands_out_what_is_finished(void **state)
{
    (void)state;
    poller_t p = { .count = 0 };
    tp_discovery_request_t *first = ask(NULL);
    const uint64_t first_id = last.request_id;
    tp_discovery_request_t *other = ask(NULL);
    assert_int_equal(tp_discovery_poller_poll(discovery, on_outcome, &p, 10), 0);
    answer(first_id, TPC_DISCOVERY_OK, NULL, 0, "");
    answer(last.request_id, TPC_DISCOVERY_ERROR, NULL, 0, "no");
    work(0);
    assert_int_equal(tp_discovery_poller_poll(discovery, on_outcome, &p, 1), 1);
    assert_int_equal(tp_discovery_poller_poll(discovery, on_outcome, &p, 10), 1);
    assert_int_equal(tp_discovery_poller_poll(discovery, on_outcome, &p, 10), 0);
    assert_ptr_equal(p.requests[0], first);
    assert_ptr_equal(p.requests[1], other);
    assert_int_equal(p.codes[0], TP_OK);
    assert_int_equal(p.codes[1], TP_EDISCOVERY);
    assert_int_equal(tp_discovery_poller_poll(discovery, NULL, NULL, 10), -1);
}

/* ---- life --------------------------------------------------------------------------------------------------------------- */

static void requests_outlive_a_lost_media_driver(void **state)
{
    (void)state;
    tp_discovery_response_t *response = NULL;
    tp_discovery_request_t *request = ask(NULL);
    cr_restart_media();
    asked = subscribe(REQUEST_STREAM);
    second = subscribe(SECOND_DRIVER);
    answers = cr_add_publication(CHANNEL, RESPONSE_STREAM);
    request_count = 0;
    work(2000 * MS);
    assert_true(request_count > 0);
    answer(last.request_id, TPC_DISCOVERY_OK, NULL, 0, "");
    work(0);
    assert_int_equal(tp_discovery_poll(request, 0, &response), 1);
    tp_discovery_response_free(response);
}

static void everything_may_end_in_any_order__L2(void **state)
{
    (void)state;
    tp_discovery_client_t *d = NULL;
    tp_discovery_request_t *request = NULL;
    assert_int_equal(tp_discovery_request(&request, discovery, NULL, 1000 * MS), 0);
    tp_discovery_cancel(request);                          /* before the conductor saw it */
    request = ask(NULL);
    answer(last.request_id, TPC_DISCOVERY_OK, NULL, 0, "");
    work(0);
    tp_discovery_cancel(request);                          /* finished, not polled */
    (void)ask(NULL);
    tp_discovery_client_close(discovery);                  /* under way */
    work(100 * MS);
    assert_null(cr->client->discoveries);
    assert_int_equal(tp_discovery_client_init(&discovery, cr->client, NULL), 0);
    assert_int_equal(tp_discovery_client_init(&d, cr->client, NULL), 0);
    assert_int_equal(tp_discovery_request(&request, d, NULL, 1000 * MS), 0);
    work(0);
    assert_int_equal(tp_discovery_request(&request, d, NULL, 1000 * MS), 0);       /* the client ends with both under way */
    tp_discovery_client_close(NULL);
    tp_discovery_cancel(NULL);
    tp_discovery_response_free(NULL);
}

/* ---- from a result to its driver ------------------------------------------------------------------------------------------ */

static tp_stream_ref_t found(tpc_discovery_result_t given)
{
    tp_stream_ref_t stream;
    tp_discovery_response_t *response = NULL;
    tp_discovery_request_t *request = ask(NULL);
    answer(last.request_id, TPC_DISCOVERY_OK, &given, 1, "");
    work(0);
    assert_int_equal(tp_discovery_poll(request, 0, &response), 1);
    assert_int_equal(tp_discovery_response_select(response, NULL, &stream), 0);
    tp_discovery_response_free(response);
    return stream;
}

static tp_consumer_t *consume(const tp_stream_ref_t *stream)
{
    tp_consumer_t *consumer = NULL;
    tp_consumer_context_t *context = cr_consumer_context();
    assert_int_equal(tp_consumer_init_ref(&consumer, cr->client, stream, context), 0);
    tp_consumer_context_close(context);
    work(0);
    return consumer;
}

static void stream_and_driver_are_chosen_as_one__X_082_X_042(void **state)
{
    (void)state;
    tp_stream_ref_t stream;
    tp_discovery_response_t *response = NULL;
    tpc_discovery_result_t given[] = { result("drv-a", 5, "camera"), result("drv-b", 5, "camera") };
    given[1].driver_control_stream_id = SECOND_DRIVER;
    tp_discovery_request_t *request = ask(NULL);
    answer(last.request_id, TPC_DISCOVERY_OK, given, 2, "");
    work(0);
    assert_int_equal(tp_discovery_poll(request, 0, &response), 1);
    assert_int_equal(tp_discovery_response_select(response, "camera", &stream), -1);
    assert_int_equal(tp_errcode(), TP_EAMBIGUOUS);
    assert_int_equal(tp_discovery_response_select(response, "Camera", &stream), -1);
    assert_int_equal(tp_errcode(), TP_ENOENT);
    assert_int_equal(tp_discovery_response_select(response, "camera@drv-b", &stream), 0);
    assert_int_equal(stream.stream_id, CR_STREAM);
    assert_int_equal(stream.control_stream_id, SECOND_DRIVER);
    assert_string_equal(stream.control_channel, CHANNEL);
    assert_string_equal(stream.driver_instance, "drv-b");
    tp_discovery_response_free(response);
}

static void attach_goes_to_the_endpoint_of_the_result__X_054_X_055_X_083(void **state)
{
    (void)state;
    tpc_discovery_result_t given = result("drv-b", 5, "camera");
    given.driver_control_stream_id = SECOND_DRIVER;
    const tp_stream_ref_t stream = found(given);
    tp_consumer_t *consumer = consume(&stream);
    work(500 * MS);
    assert_true(second_attaches > 0);
    assert_int_equal(second_stream, CR_STREAM);
    assert_int_equal(cr->request_count, 0);                /* the client's own driver hears nothing of it */
    tp_consumer_t *again = consume(&stream);
    assert_non_null(cr->client->children);
    assert_null(cr->client->children->sibling);            /* one connection for both */
    tp_consumer_close(again);
    tp_consumer_close(consumer);
    work(100 * MS);
}

static void stream_of_the_own_driver_needs_no_second_connection__X_001(void **state)
{
    (void)state;
    const tp_stream_ref_t stream = found(result("drv-a", 5, "camera"));
    tp_consumer_t *consumer = consume(&stream);
    work(500 * MS);
    assert_null(cr->client->children);
    assert_int_equal(cr->request_count, 1);                /* an attach request before anything is mapped */
    assert_int_equal(second_attaches, 0);
    tp_consumer_stats_t s;
    assert_int_equal(tp_consumer_stats(consumer, &s), 0);
    tp_consumer_close(consumer);
}

/* The result says epoch 5 and URIs that do not exist; what is mapped is what the driver answers. */
static void drivers_answer_counts_and_not_the_result__X_003_X_006_X_007_X_008(void **state)
{
    (void)state;
    const tp_stream_ref_t stream = found(result("drv-a", 5, "camera"));
    assert_int_equal(stream.epoch, 5);
    cr->mute = true;                                       /* the provider answers, the driver does not */
    tp_consumer_t *consumer = consume(&stream);
    work(500 * MS);
    assert_int_equal(consumer->mapped_epoch, 0);
    cr->mute = false;
    work(2000 * MS);
    assert_int_equal(consumer->mapped_epoch, cr->epoch);
    assert_int_not_equal(consumer->mapped_epoch, 5);
    tp_consumer_close(consumer);
}

/* Fails to open: the error. */
static int refused(const tp_stream_ref_t *stream)
{
    tp_async_add_consumer_t *async = NULL;
    tp_consumer_t *consumer = NULL;
    tp_consumer_context_t *context = NULL;
    assert_int_equal(tp_consumer_context_init(&context), 0);
    assert_int_equal(tp_consumer_context_set_stream_id(context, stream->stream_id), 0);
    assert_int_equal(tp_consumer_context_set_attach_timeout_ns(context, 500 * MS), 0);
    assert_int_equal(tp_async_add_consumer(&async, cr->client, context), 0);
    tp_consumer_context_close(context);
    cr->lease_count = 0;                                   /* each attempt takes one */
    work(700 * MS);
    assert_int_equal(tp_async_add_consumer_poll(async, &consumer), -1);
    return tp_errcode();
}

static void epoch_after(tpc_attach_response_t *response) { response->epoch++; }
static void layout_two(tpc_attach_response_t *response) { response->layout_version = 2; }

static void epoch_layout_and_superblocks_are_checked_after_discovery_as_ever__X_003_X_004_X_005(void **state)
{
    (void)state;
    char path[512];
    const tp_stream_ref_t stream = found(result("drv-a", 101, "camera"));
    cr_new_epoch();                                        /* 100 */
    cr->no_announces = true;
    cr->bend = epoch_after;                                /* 101, as discovery said; the superblocks say 100 */
    assert_int_equal(refused(&stream), TP_ESUPERBLOCK);
    cr->bend = layout_two;
    assert_int_equal(refused(&stream), TP_ELAYOUT);
    cr->bend = NULL;
    const char *const uri = cr->files[0]->uris[1];
    const char *const from = strstr(uri, "path=") + 5;
    (void)snprintf(path, sizeof(path), "%.*s", (int)strcspn(from, "|"), from);
    FILE *pool = fopen(path, "r+b");
    assert_non_null(pool);
    assert_int_equal(fputc('X', pool), 'X');
    assert_int_equal(fclose(pool), 0);
    assert_int_equal(refused(&stream), TP_ESUPERBLOCK);
}

static void silence_of_the_driver_is_noticed_after_discovery__X_084(void **state)
{
    (void)state;
    const tp_stream_ref_t stream = found(result("drv-a", 5, "camera"));
    tp_consumer_t *consumer = consume(&stream);
    work(8000 * MS);
    assert_int_equal(cr->request_count, 1);                /* announces keep it */
    cr->no_announces = true;
    work(2500 * MS);
    assert_int_equal(cr->request_count, 1);
    work(2500 * MS);
    assert_true(cr->request_count > 1);
    tp_consumer_close(consumer);
}

static void drivers_refusal_is_the_last_word__X_002_X_009(void **state)
{
    (void)state;
    const tp_stream_ref_t stream = found(result("drv-a", 5, "camera"));
    cr->refuse = 1000;
    cr->refuse_code = TPC_CODE_REJECTED;
    cr->refuse_text = "not for you";
    tp_async_add_consumer_t *async = NULL;
    tp_consumer_t *consumer = NULL;
    tp_consumer_context_t *context = NULL;
    tp_client_t *at = NULL;
    assert_int_equal(tpi_client_at(cr->client, &stream, &at), 0);
    assert_int_equal(tp_consumer_context_init(&context), 0);
    assert_int_equal(tp_consumer_context_set_stream_id(context, stream.stream_id), 0);
    assert_int_equal(tp_async_add_consumer(&async, at, context), 0);
    tp_consumer_context_close(context);
    work(100 * MS);
    assert_int_equal(tp_async_add_consumer_poll(async, &consumer), -1);
    assert_int_equal(tp_errcode(), TP_EREJECTED);
    assert_non_null(strstr(tp_errmsg(), "not for you"));
    assert_int_equal(cr->file_count, 0);                   /* nothing was made, nothing mapped */
}

static void per_consumer_streams_come_from_consumer_config_only__X_056(void **state)
{
    (void)state;
    tpc_discovery_result_t given = result("drv-a", 5, "camera");
    const tp_stream_ref_t stream = found(given);
    tp_consumer_t *consumer = consume(&stream);
    work(100 * MS);
    assert_int_equal(cr->hello.descriptor_stream_id, 0);
    assert_int_equal(cr->hello.control_stream_id, 0);
    assert_int_equal(consumer->assigned.stream_id, 0);
    tpc_consumer_config_t config = TPC_CONSUMER_CONFIG_INIT;
    config.stream_id = CR_STREAM;
    config.consumer_id = cr->hello.consumer_id;
    config.use_shm = 1;
    config.mode = TP_MODE_STREAM;
    config.descriptor_stream_id = 31001;
    config.descriptor_channel = tpc_bytes(CHANNEL);
    cr_send_config(&config);
    work(100 * MS);
    assert_int_equal(consumer->assigned.stream_id, 31001);
    tp_consumer_close(consumer);
}

/* ---- against announces ---------------------------------------------------------------------------------------------------- */

static void announce_that_contradicts_a_result_makes_the_client_ask_again__X_086(void **state)
{
    (void)state;
    tp_discovery_cancel(ask(NULL));
    cr_new_epoch();                                        /* 100 */
    cr->no_announces = true;
    (void)found(result("drv-a", 100, "camera"));
    request_count = 0;
    cr_announce();
    work(2000 * MS);
    assert_int_equal(request_count, 0);                    /* it agrees */
    cr_new_epoch();
    cr_announce();
    work(100 * MS);
    assert_int_equal(request_count, 1);
    assert_int_equal(last.stream_id, CR_STREAM);
    const tpc_discovery_result_t now = result("drv-a", 101, "camera");
    answer(last.request_id, TPC_DISCOVERY_OK, &now, 1, "");
    work(2000 * MS);
    cr_announce();
    work(2000 * MS);
    assert_int_equal(request_count, 1);                    /* it agrees again */
}

static void older_epoch_of_a_later_answer_is_dropped__X_085(void **state)
{
    (void)state;
    tp_discovery_cancel(ask(NULL));
    cr_new_epoch();
    cr_new_epoch();                                        /* 101 */
    cr->no_announces = true;
    (void)found(result("drv-a", 101, "camera"));
    (void)found(result("drv-a", 100, "camera"));
    request_count = 0;
    cr_announce();
    work(2000 * MS);
    assert_int_equal(request_count, 0);                    /* it agrees with the newer one */
}

static void contradictions_are_asked_about_once_a_second__P11(void **state)
{
    (void)state;
    cr_new_epoch();
    cr->no_announces = true;
    (void)found(result("drv-a", 99, "camera"));
    request_count = 0;
    const tpc_discovery_result_t same = result("drv-a", 99, "camera");
    for (int i = 0; i < 50; i++)
    {
        const int before = request_count;
        cr_announce();
        work(20 * MS);
        if (request_count != before) { answer(last.request_id, TPC_DISCOVERY_OK, &same, 1, ""); }
    }
    assert_true(request_count >= 1 && request_count <= 2);
}

static void result_that_contradicts_itself_renews_the_attachment__X_065(void **state)
{
    (void)state;
    tp_consumer_t *consumer = cr_consumer();
    work(200 * MS);
    const size_t before = cr->request_count;
    tpc_discovery_result_t bad = result("drv-a", cr->epoch, "camera");
    tp_discovery_response_t *response = NULL;
    bad.header_nslots = 16;
    for (int i = 0; i < 5; i++)                            /* a provider that errs for ever costs one renewal in ten seconds */
    {
        tp_discovery_request_t *request = ask(NULL);
        answer(last.request_id, TPC_DISCOVERY_OK, &bad, 1, "");
        work(0);
        assert_int_equal(tp_discovery_poll(request, 0, &response), 1);
        assert_int_equal(tp_discovery_response_count(response), 0);
        tp_discovery_response_free(response);
        work(500 * MS);
    }
    assert_int_equal(cr->request_count, before + 1);
    assert_int_equal(consumer->mapped_epoch, cr->epoch);
    tp_consumer_close(consumer);
}

static void result_of_another_driver_renews_nothing__X_065(void **state)
{
    (void)state;
    tp_consumer_t *consumer = cr_consumer();
    work(200 * MS);
    const size_t before = cr->request_count;
    tpc_discovery_result_t bad = result("drv-b", 1, "camera");
    bad.driver_control_stream_id = SECOND_DRIVER;
    bad.header_nslots = 16;
    tp_discovery_request_t *request = ask(NULL);
    answer(last.request_id, TPC_DISCOVERY_OK, &bad, 1, "");
    work(1000 * MS);
    tp_discovery_cancel(request);
    assert_int_equal(cr->request_count, before);
    tp_consumer_close(consumer);
}

#define DISCOVERY_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DISCOVERY_TEST(request_names_where_the_answer_is_to_go_and_all_filters__X_017_X_033),
        DISCOVERY_TEST(request_without_filters_holds_null_values__X_020_X_021),
        DISCOVERY_TEST(nothing_is_sent_without_a_response_endpoint__X_017_X_039),
        DISCOVERY_TEST(names_and_tags_have_limits__X_043),
        DISCOVERY_TEST(unanswered_requests_are_repeated_and_end_in_time),
        DISCOVERY_TEST(requests_have_a_bound_and_each_has_its_own_id__P11),
        DISCOVERY_TEST(answer_reaches_its_request__X_049),
        DISCOVERY_TEST(answers_to_nobody_are_dropped__X_050_X_026_X_027),
        DISCOVERY_TEST(not_found_is_an_empty_list_and_error_an_error__X_070),
        DISCOVERY_TEST(bad_results_are_left_out_and_counted__X_058_X_060_X_065),
        DISCOVERY_TEST(poller_hands_out_what_is_finished),
        DISCOVERY_TEST(requests_outlive_a_lost_media_driver),
        DISCOVERY_TEST(everything_may_end_in_any_order__L2),
        DISCOVERY_TEST(stream_and_driver_are_chosen_as_one__X_082_X_042),
        DISCOVERY_TEST(attach_goes_to_the_endpoint_of_the_result__X_054_X_055_X_083),
        DISCOVERY_TEST(stream_of_the_own_driver_needs_no_second_connection__X_001),
        DISCOVERY_TEST(drivers_answer_counts_and_not_the_result__X_003_X_006_X_007_X_008),
        DISCOVERY_TEST(drivers_refusal_is_the_last_word__X_002_X_009),
        DISCOVERY_TEST(epoch_layout_and_superblocks_are_checked_after_discovery_as_ever__X_003_X_004_X_005),
        DISCOVERY_TEST(silence_of_the_driver_is_noticed_after_discovery__X_084),
        DISCOVERY_TEST(per_consumer_streams_come_from_consumer_config_only__X_056),
        DISCOVERY_TEST(announce_that_contradicts_a_result_makes_the_client_ask_again__X_086),
        DISCOVERY_TEST(older_epoch_of_a_later_answer_is_dropped__X_085),
        DISCOVERY_TEST(contradictions_are_asked_about_once_a_second__P11),
        DISCOVERY_TEST(result_that_contradicts_itself_renews_the_attachment__X_065),
        DISCOVERY_TEST(result_of_another_driver_renews_nothing__X_065),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
