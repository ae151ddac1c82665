/* Requests to a discovery provider and what comes back, on the in-memory bus. */
#include "client_discovery_rig.h"

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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
