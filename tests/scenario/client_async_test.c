/* Opening without waiting: producer, consumer, driver session; what a client that ends makes of what is still being opened. */
#include "client_rig.h"

#include "bus/bus_ops.h"
#include "client/consumer_state.h"
#include "client/producer_state.h"

static tp_async_add_producer_t *add_producer(int64_t timeout_ns)
{
    tp_async_add_producer_t *async = NULL;
    tp_producer_context_t *context = cr_producer_context();
    assert_int_equal(tp_producer_context_set_attach_timeout_ns(context, timeout_ns), 0);
    assert_int_equal(tp_async_add_producer(&async, cr->client, context), 0);
    tp_producer_context_close(context);
    assert_non_null(async);
    return async;
}

static tp_async_add_consumer_t *add_consumer(int64_t timeout_ns)
{
    tp_async_add_consumer_t *async = NULL;
    tp_consumer_context_t *context = cr_consumer_context();
    assert_int_equal(tp_consumer_context_set_attach_timeout_ns(context, timeout_ns), 0);
    assert_int_equal(tp_async_add_consumer(&async, cr->client, context), 0);
    tp_consumer_context_close(context);
    assert_non_null(async);
    return async;
}

static void producer_and_consumer_are_opened_while_the_caller_polls(void **state)
{
    (void)state;
    tp_producer_t *producer = NULL;
    tp_consumer_t *consumer = NULL;
    tp_async_add_producer_t *p = add_producer(1000 * MS);
    tp_async_add_consumer_t *c = add_consumer(1000 * MS);
    assert_int_equal(tp_async_add_producer_poll(p, &producer), 0);
    assert_int_equal(tp_async_add_consumer_poll(c, &consumer), 0);
    assert_null(producer);
    assert_null(consumer);
    cr_settle();
    cr_step(20 * MS);
    assert_int_equal(tp_async_add_producer_poll(p, &producer), 1);
    assert_int_equal(tp_async_add_consumer_poll(c, &consumer), 1);
    assert_true(tp_producer_is_attached(producer));
    assert_true(tp_consumer_is_mapped(consumer));
    tp_frame_view_t view;
    assert_int_equal(cr_publish(producer, 7), 0);
    assert_int_equal(tp_consumer_next(consumer, &view, 0), 1);
    assert_int_equal(view.seq, 0);
    tp_consumer_close(consumer);
    tp_producer_close(producer);
}

static void refusal_and_silence_are_told_by_the_poll__D_055(void **state)
{
    (void)state;
    tp_producer_t *producer = NULL;
    tp_consumer_t *consumer = NULL;
    cr->refuse = 1;
    cr->refuse_code = TPC_CODE_REJECTED;
    cr->refuse_text = "stream not provisioned";
    tp_async_add_producer_t *p = add_producer(1000 * MS);
    cr_settle();
    assert_int_equal(tp_async_add_producer_poll(p, &producer), -1);
    assert_int_equal(tp_errcode(), TP_ENOSTREAM);
    assert_null(producer);
    assert_null(cr->client->producers);
    cr->mute = true;
    tp_async_add_consumer_t *c = add_consumer(100 * MS);
    cr_step(90 * MS);
    assert_int_equal(tp_async_add_consumer_poll(c, &consumer), 0);
    cr_step(40 * MS);
    assert_int_equal(tp_async_add_consumer_poll(c, &consumer), -1);
    assert_int_equal(tp_errcode(), TP_ENODRIVER);
    assert_null(consumer);
    assert_null(cr->client->consumers);
}

static void refusals_of_the_driver_come_with_what_to_do(void **state)
{
    static const struct { const char *text; int code; const char *fix; } rows[] = {
        { "client_id already attached", TP_ECLIENTID, "client id" }, { "driver draining", TP_EDRAINING, "started again" },
        { "hugepages not available", TP_EPAGES, "page policy" }, { "node_id unavailable", TP_ENODEID, "node id" },
        { "stream not provisioned", TP_ENOSTREAM, "tp ls" } };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
    {
        tp_producer_t *producer = NULL;
        tp_async_add_producer_t *async = NULL;
        tp_producer_context_t *context = cr_producer_context();
        assert_int_equal(tp_producer_context_set_attach_timeout_ns(context, 1000 * MS), 0);
        assert_int_equal(tp_producer_context_set_client_id(context, 77), 0);
        cr->refuse = 1;
        cr->refuse_code = TPC_CODE_REJECTED;
        cr->refuse_text = rows[i].text;
        assert_int_equal(tp_async_add_producer(&async, cr->client, context), 0);
        tp_producer_context_close(context);
        cr_settle();
        assert_int_equal(tp_async_add_producer_poll(async, &producer), -1);
        assert_int_equal(tp_errcode(), rows[i].code);
        assert_non_null(strstr(tp_errfix(), rows[i].fix));
    }
}

static void wishes_of_the_contexts_go_with_the_request(void **state)
{
    (void)state;
    tp_producer_context_t *p = cr_producer_context();
    tp_consumer_context_t *c = cr_consumer_context();
    static const int modes[] = { -1, 0, 3, 254, 256 };
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
    {
        assert_int_equal(tp_producer_context_set_publish_mode(p, modes[i]), -1);
        assert_int_equal(tp_consumer_context_set_publish_mode(c, modes[i]), -1);
    }
    assert_int_equal(tp_producer_context_set_hugepages(p, -1), -1);
    assert_int_equal(tp_producer_context_set_hugepages(p, 3), -1);
    assert_int_equal(tp_consumer_context_set_hugepages(c, -1), -1);
    assert_int_equal(tp_consumer_context_set_hugepages(c, 3), -1);
    assert_int_equal(tp_producer_context_set_node_id(NULL, 4), -1);
    assert_int_equal(tp_producer_context_set_publish_mode(p, TP_PUBLISH_REQUIRE_EXISTING), 0);
    assert_int_equal(tp_producer_context_set_hugepages(p, TP_HUGEPAGES_STANDARD), 0);
    assert_int_equal(tp_producer_context_set_node_id(p, 4), 0);
    assert_int_equal(tp_consumer_context_set_publish_mode(c, TP_PUBLISH_EXISTING_OR_CREATE), 0);
    assert_int_equal(tp_consumer_context_set_hugepages(c, TP_HUGEPAGES_REQUIRED), 0);
    tp_producer_t *producer = cr_producer_with(p);
    const tpc_attach_request_t *asked = &cr->requests[cr->request_count - 1].m;
    assert_int_equal(asked->publish_mode, TP_PUBLISH_REQUIRE_EXISTING);
    assert_int_equal(asked->require_hugepages, TP_HUGEPAGES_STANDARD);
    assert_int_equal(asked->desired_node_id, 4);
    tp_consumer_t *consumer = cr_consumer_with(c);
    asked = &cr->requests[cr->request_count - 1].m;
    assert_int_equal(asked->role, TP_ROLE_CONSUMER);
    assert_int_equal(asked->publish_mode, TP_PUBLISH_EXISTING_OR_CREATE);
    assert_int_equal(asked->require_hugepages, TP_HUGEPAGES_REQUIRED);
    tp_consumer_close(consumer);
    tp_producer_close(producer);
}

static tp_async_add_consumer_t *from_callback;

static void on_event(void *clientd, tp_producer_event_t event, uint64_t epoch, int code, const char *text)
{
    (void)clientd;
    (void)epoch;
    (void)code;
    (void)text;
    if (TP_PRODUCER_ATTACHED == event) { from_callback = add_consumer(1000 * MS); }
}

static void additions_may_be_asked_for_inside_a_callback__A4(void **state)
{
    (void)state;
    tp_consumer_t *consumer = NULL;
    tp_producer_context_t *context = cr_producer_context();
    assert_int_equal(tp_producer_context_set_event_handler(context, on_event, NULL), 0);
    from_callback = NULL;
    tp_producer_t *producer = cr_producer_with(context);
    assert_non_null(from_callback);
    cr_settle();
    cr_step(20 * MS);
    assert_int_equal(tp_async_add_consumer_poll(from_callback, &consumer), 1);
    assert_true(tp_consumer_is_mapped(consumer));
    tp_consumer_close(consumer);
    tp_producer_close(producer);
}

static void client_that_ends_fails_what_is_pending_once__L2(void **state)
{
    (void)state;
    tp_producer_t *producer = NULL;
    tp_consumer_t *consumer = NULL;
    cr->mute = true;
    tp_async_add_producer_t *started = add_producer(1000 * MS);
    cr_step(20 * MS);
    assert_non_null(cr->client->producers);
    tp_async_add_consumer_t *queued = add_consumer(1000 * MS);         /* never seen by the conductor */
    tp_client_close(cr->client);
    cr->client = NULL;
    assert_int_equal(tp_async_add_producer_poll(started, &producer), -1);
    assert_int_equal(tp_errcode(), TP_ESTATE);
    assert_int_equal(tp_async_add_consumer_poll(queued, &consumer), -1);
    assert_int_equal(tp_errcode(), TP_ESTATE);
    assert_null(producer);
    assert_null(consumer);
}

static void full_ring_and_null_are_refused_at_once(void **state)
{
    (void)state;
    tp_async_add_producer_t *async[TPI_COMMANDS_MAX];
    tp_async_add_producer_t *one_more = NULL;
    tp_producer_t *producer = NULL;
    tp_producer_context_t *context = cr_producer_context();
    for (int i = 0; i < TPI_COMMANDS_MAX; i++) { assert_int_equal(tp_async_add_producer(&async[i], cr->client, context), 0); }
    assert_int_equal(tp_async_add_producer(&one_more, cr->client, context), -1);
    assert_int_equal(tp_errcode(), TP_EFULL);
    assert_null(one_more);
    assert_int_equal(tp_async_add_producer(NULL, cr->client, context), -1);
    assert_int_equal(tp_errcode(), TP_EINVAL);
    assert_int_equal(tp_async_add_consumer(NULL, cr->client, NULL), -1);
    assert_int_equal(tp_async_add_producer_poll(NULL, &producer), -1);
    assert_int_equal(tp_async_add_consumer_poll(NULL, NULL), -1);
    tp_producer_context_close(context);
    tp_client_close(cr->client);
    cr->client = NULL;
    for (int i = 0; i < TPI_COMMANDS_MAX; i++) { assert_int_equal(tp_async_add_producer_poll(async[i], &producer), -1); }
}

static tp_driver_session_t *attach(void)
{
    tp_driver_session_t *session = NULL;
    tp_async_attach_t *async = NULL;
    tp_attach_request_t request = TP_ATTACH_REQUEST_INIT;
    request.stream_id = CR_STREAM;
    assert_int_equal(tp_driver_attach_async(&async, cr->client, &request), 0);
    cr_settle();
    assert_int_equal(tp_driver_attach_poll(async, &session), 1);
    return session;
}

static void detach_is_told_when_the_driver_has_answered_or_will_not(void **state)
{
    (void)state;
    tp_async_detach_t *async = NULL;
    tp_driver_session_t *session = attach();
    assert_int_equal(tp_driver_detach_async(&async, session), 0);
    assert_int_equal(tp_driver_detach_poll(async), 0);
    cr_settle();
    assert_int_equal(cr->detaches, 1);
    assert_int_equal(tp_driver_detach_poll(async), 1);
    session = attach();
    cr->mute = true;
    assert_int_equal(tp_driver_detach_async(&async, session), 0);
    cr_step(400 * MS);
    assert_int_equal(tp_driver_detach_poll(async), 0);
    cr_step(200 * MS);
    assert_int_equal(tp_driver_detach_poll(async), 1);
    assert_int_equal(tp_driver_detach_async(NULL, NULL), -1);
    assert_int_equal(tp_driver_detach_poll(NULL), -1);
}

static void detach_that_is_pending_ends_with_the_client(void **state)
{
    (void)state;
    tp_async_detach_t *async = NULL;
    assert_int_equal(tp_driver_detach_async(&async, attach()), 0);
    tp_client_close(cr->client);
    cr->client = NULL;
    assert_int_equal(tp_driver_detach_poll(async), -1);
    assert_int_equal(tp_errcode(), TP_ESTATE);
}

static void requests_for_one_stream_and_role_wait_for_each_other__D_028(void **state)
{
    (void)state;
    tp_consumer_t *consumers[2] = { NULL, NULL };
    tp_producer_t *producer = NULL;
    cr->mute = true;
    tp_async_add_consumer_t *c[2] = { add_consumer(5000 * MS), add_consumer(5000 * MS) };
    tp_async_add_producer_t *p = add_producer(5000 * MS);
    cr_step(100 * MS);
    size_t asked[2] = { 0, 0 };                            /* consumers, producers */
    uint32_t first = 0;
    for (size_t i = 0; i < cr->request_count; i++)
    {
        const tpc_attach_request_t *m = &cr->requests[i].m;
        asked[TP_ROLE_CONSUMER == m->role ? 0 : 1]++;
        if (TP_ROLE_CONSUMER == m->role && 0 == first) { first = m->client_id; }
        if (TP_ROLE_CONSUMER == m->role) { assert_int_equal(m->client_id, first); }
    }
    assert_true(asked[0] > 0 && asked[1] > 0);
    cr->mute = false;
    cr_step(1200 * MS);
    for (size_t i = 0; i < 2; i++)
    {
        assert_int_equal(tp_async_add_consumer_poll(c[i], &consumers[i]), 1);
        tp_consumer_close(consumers[i]);
    }
    assert_int_equal(tp_async_add_producer_poll(p, &producer), 1);
    tp_producer_close(producer);
}

static void lease_that_is_granted_to_a_closed_consumer_is_handed_back(void **state)
{
    (void)state;
    tp_consumer_t *consumer = NULL;
    cr->mute = true;
    tp_async_add_consumer_t *async = add_consumer(0);
    cr_step(40 * MS);
    assert_int_equal(tp_async_add_consumer_poll(async, &consumer), 1);
    tp_consumer_close(consumer);
    assert_true(cr->request_count > 0);
    tpc_attach_response_t r = TPC_ATTACH_RESPONSE_INIT;
    r.correlation_id = cr->requests[0].m.correlation_id;
    r.code = TPC_CODE_OK;
    r.lease_id = 4711;
    r.stream_id = CR_STREAM;
    uint8_t buffer[1024];
    const int64_t length = tpc_attach_response_encode(buffer, sizeof(buffer), &r);
    assert_true(length > 0);
    assert_true(tpi_publication_offer(cr->pub, buffer, (size_t)length) > 0);
    cr_step(100 * MS);
    assert_int_equal(cr->detaches, 1);
    cr_step(600 * MS);
    assert_null(cr->client->attachments);
}

static const tpi_bus_ops_t *plain;
static tpi_bus_ops_t dead;

static int64_t offer_closed(tpi_publication_t *pub, const uint8_t *data, size_t length)
{
    (void)pub;
    (void)data;
    (void)length;
    return TP_CLOSED;
}

static void keepalive_that_cannot_be_sent_ends_the_lease_at_once__D_108(void **state)
{
    (void)state;
    cr->lease_ns = 0;                                      /* it would not end by itself */
    tp_producer_t *producer = cr_producer();
    const size_t requests = cr->request_count;
    const int opens = cr->opens;
    tpi_publication_t *pub = cr->client->connection->control_pub;
    plain = pub->ops;
    dead = *plain;
    dead.offer = offer_closed;
    pub->ops = &dead;
    cr_step(2500 * MS);
    assert_int_equal(cr->opens, opens + 1);
    assert_true(cr->request_count > requests);
    assert_true(tp_producer_is_attached(producer));        /* on a new connection */
    tp_producer_close(producer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CR_TEST(producer_and_consumer_are_opened_while_the_caller_polls), CR_TEST(refusal_and_silence_are_told_by_the_poll__D_055),
        CR_TEST(refusals_of_the_driver_come_with_what_to_do), CR_TEST(wishes_of_the_contexts_go_with_the_request),
        CR_TEST(additions_may_be_asked_for_inside_a_callback__A4), CR_TEST(client_that_ends_fails_what_is_pending_once__L2),
        CR_TEST(full_ring_and_null_are_refused_at_once), CR_TEST(detach_is_told_when_the_driver_has_answered_or_will_not),
        CR_TEST(detach_that_is_pending_ends_with_the_client), CR_TEST(requests_for_one_stream_and_role_wait_for_each_other__D_028),
        CR_TEST(lease_that_is_granted_to_a_closed_consumer_is_handed_back),
        CR_TEST(keepalive_that_cannot_be_sent_ends_the_lease_at_once__D_108),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
