/* From a discovery result to its driver, and what announces make of it, on the in-memory bus. */
#include "client_discovery_rig.h"

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

static void connections_to_other_drivers_are_bounded__P11(void **state)
{
    (void)state;
    tp_client_t *at = NULL;
    tp_stream_ref_t stream = found(result("drv-b", 5, "camera"));
    for (int i = 0; i < 16; i++)
    {
        stream.control_stream_id = SECOND_DRIVER + i;
        assert_int_equal(tpi_client_at(cr->client, &stream, &at), 0);
        assert_ptr_not_equal(at, cr->client);
    }
    stream.control_stream_id = SECOND_DRIVER + 16;
    assert_int_equal(tpi_client_at(cr->client, &stream, &at), -1);
    assert_int_equal(tp_errcode(), TP_EFULL);
    stream.control_stream_id = SECOND_DRIVER;              /* known ones stay usable */
    assert_int_equal(tpi_client_at(cr->client, &stream, &at), 0);
    stream.control_stream_id = 0;
    assert_int_equal(tpi_client_at(cr->client, &stream, &at), 0);
    assert_ptr_equal(at, cr->client);
}

static void streams_from_nowhere_are_refused(void **state)
{
    (void)state;
    tp_stream_ref_t stream = { .size = 0 };
    tp_discovery_result_t r = { .size = sizeof(r), .stream_id = 1, .driver_control_stream_id = 0, .driver_control_channel = CHANNEL };
    tp_consumer_t *consumer = NULL;
    tp_producer_t *producer = NULL;
    tp_context_t *context = NULL;
    assert_int_equal(tp_discovery_result_ref(&r, &stream), -1);
    r.driver_control_stream_id = 1;
    r.driver_control_channel = "";
    assert_int_equal(tp_discovery_result_ref(&r, &stream), -1);
    assert_int_equal(tp_errcode(), TP_EINVAL);
    assert_int_equal(tp_consumer_init_ref(&consumer, cr->client, &stream, NULL), -1);
    assert_int_equal(tp_producer_init_ref(&producer, cr->client, &stream, NULL), -1);
    assert_int_equal(tp_context_init(&context), 0);
    assert_int_equal(tp_context_set_driver_of(context, &stream), -1);
    r.driver_control_channel = CHANNEL;
    r.driver_instance = "drv-b";
    assert_int_equal(tp_discovery_result_ref(&r, &stream), 0);
    assert_int_equal(tp_context_set_driver_of(context, &stream), 0);
    assert_string_equal(tp_context_get_control_channel(context), CHANNEL);
    assert_int_equal(tp_context_get_control_stream_id(context), 1);
    assert_string_equal(tp_context_get_driver_instance(context), "drv-b");
    tp_context_close(context);
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

static void result_with_another_fault_renews_nothing__X_065(void **state)
{
    (void)state;
    tp_consumer_t *consumer = cr_consumer();
    tp_discovery_response_t *response = NULL;
    work(200 * MS);
    const size_t before = cr->request_count;
    tpc_discovery_result_t bad = result("drv-a", cr->epoch, "camera");
    bad.header_region_uri = (tpc_bytes_t){ .data = "shm:\0", .length = 5 };
    tp_discovery_request_t *request = ask(NULL);
    answer(last.request_id, TPC_DISCOVERY_OK, &bad, 1, "");
    work(1000 * MS);
    assert_int_equal(tp_discovery_poll(request, 0, &response), 1);
    assert_int_equal(tp_discovery_response_refused(response), 1);
    tp_discovery_response_free(response);
    assert_int_equal(cr->request_count, before);
    assert_int_equal(consumer->mapped_epoch, cr->epoch);
    tp_consumer_close(consumer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DISCOVERY_TEST(stream_and_driver_are_chosen_as_one__X_082_X_042),
        DISCOVERY_TEST(attach_goes_to_the_endpoint_of_the_result__X_054_X_055_X_083),
        DISCOVERY_TEST(stream_of_the_own_driver_needs_no_second_connection__X_001),
        DISCOVERY_TEST(drivers_answer_counts_and_not_the_result__X_003_X_006_X_007_X_008),
        DISCOVERY_TEST(drivers_refusal_is_the_last_word__X_002_X_009),
        DISCOVERY_TEST(epoch_layout_and_superblocks_are_checked_after_discovery_as_ever__X_003_X_004_X_005),
        DISCOVERY_TEST(silence_of_the_driver_is_noticed_after_discovery__X_084),
        DISCOVERY_TEST(per_consumer_streams_come_from_consumer_config_only__X_056),
        DISCOVERY_TEST(connections_to_other_drivers_are_bounded__P11),
        DISCOVERY_TEST(streams_from_nowhere_are_refused),
        DISCOVERY_TEST(announce_that_contradicts_a_result_makes_the_client_ask_again__X_086),
        DISCOVERY_TEST(older_epoch_of_a_later_answer_is_dropped__X_085),
        DISCOVERY_TEST(contradictions_are_asked_about_once_a_second__P11),
        DISCOVERY_TEST(result_that_contradicts_itself_renews_the_attachment__X_065),
        DISCOVERY_TEST(result_of_another_driver_renews_nothing__X_065),
        DISCOVERY_TEST(result_with_another_fault_renews_nothing__X_065),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
