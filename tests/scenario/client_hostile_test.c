/* Every message of every schema, bent in every way, on every stream that a client with a producer and a consumer listens to. */
#include "client_consumer_rig.h"

#include "client/test_handlers.h"
#include "hostile.h"

#define CR_METADATA 1300
#define BLOB_MAX 65536

static tp_consumer_t *consumer;
static tp_producer_t *producer;
static tpi_publication_t *metadata;
static uint64_t sent;

/* A consumer, a producer, and handlers for everything else a client can hear. */
static void open_all(void)
{
    tpi_bus_async_t *async = NULL;
    metadata = NULL;
    open_both(&consumer, &producer);
    assert_int_equal(tell_everything(cr->client, BLOB_MAX), 0);
    assert_int_equal(tpi_bus_add_publication(cr->bus, &async, "aeron:ipc?term-length=4m", CR_METADATA), 0);
    while (0 == tpi_bus_add_publication_poll(async, &metadata)) { (void)tpi_bus_do_work(cr->bus, cr->now_ns); }
    assert_non_null(metadata);
    cr_step(1000 * MS);                                                      /* the subscriptions for QoS and metadata open later */
    cr->hostile = true;
    told_times = 0;
    told_bytes = 0;
}

static uint64_t noticed(void)
{
    uint64_t sum = 0;
    const tpi_dispatcher_t *const all[] = { cr->client->dispatcher, cr->client->qos_dispatcher };
    for (size_t i = 0; i < 2; i++)
    {
        const tpi_dispatcher_counts_t *const counts = tpi_dispatcher_counts(all[i]);
        sum += counts->malformed + counts->newer_version + counts->unknown;
    }
    return sum;
}

static void everywhere(const hostile_t *h)
{
    assert_true(tpi_publication_offer(cr->pub, h->data, h->length) > 0);
    assert_true(tpi_publication_offer(cr->qos_pub, h->data, h->length) > 0);
    assert_true(tpi_publication_offer(cr->descriptor_pub, h->data, h->length) > 0);
    assert_true(tpi_publication_offer(metadata, h->data, h->length) > 0);
    cr_settle();
    sent++;
}

/* A frame goes through, and nothing else comes out. */
static void assert_alive(uint16_t value)
{
    tp_frame_view_t view;
    const int64_t seq = cr_publish(producer, value);
    assert_true(seq >= 0);
    cr_settle();
    assert_int_equal(next(consumer, &view), 1);
    assert_true(view.seq == (uint64_t)seq);
    assert_int_equal(next(consumer, &view), 0);
}

static void strict_changes_nothing(const hostile_t *h)
{
    tp_frame_view_t view;
    const uint64_t before = noticed();
    const uint64_t bad = stats_of(consumer).malformed;
    if (h->kind >= HOSTILE_STRICT) { return; }
    everywhere(h);
    assert_int_equal(next(consumer, &view), 0);
    if (noticed() < before + 2) { fail_msg("%s: kind %d number %zu was not counted", h->golden->file, h->kind, h->at); }
    const bool is_descriptor = TPC_WIRE_SCHEMA == h->golden->schema_id && TPC_FRAME_DESCRIPTOR == h->golden->template_id;
    if (is_descriptor && h->kind <= HOSTILE_NEWER && stats_of(consumer).malformed != bad + 1)
    {
        fail_msg("%s: kind %d number %zu was not counted by the consumer", h->golden->file, h->kind, h->at);
    }
    assert_true(tp_consumer_is_mapped(consumer));
}

static void malformed_newer_and_foreign_messages_change_nothing__D_202_P10(void **state)
{
    (void)state;
    open_all();
    assert_alive(1);
    const size_t held = hostile_held();
    const uint64_t epoch = stats_of(consumer).epoch;
    const size_t requests = cr->request_count;
    sent = 0;
    hostile_each(strict_changes_nothing);
    assert_true(sent > 1000);
    assert_true(hostile_held() <= held + HOSTILE_ROOM);
    assert_true(stats_of(consumer).epoch == epoch);
    assert_int_equal(cr->request_count, requests);
    assert_int_equal(stats_of(consumer).received, 1);
    assert_int_equal(told_times, 0);
    assert_alive(2);
    close_both(consumer, producer);
}

/* A well-formed announce of a later epoch with bad regions: the consumer has to leave its own (10.1), so this one is no harmless message. */
static bool ends_the_mapping(const hostile_t *h)
{
    static tpc_pool_announce_t announce;
    return TPC_OK == tpc_pool_announce_decode(&announce, h->data, h->length) && CR_STREAM == announce.stream_id && announce.epoch > cr->epoch;
}

static void loose_does_no_harm(const hostile_t *h)
{
    tp_frame_view_t view;
    if (h->kind < HOSTILE_STRICT || ends_the_mapping(h)) { return; }
    everywhere(h);
    assert_int_equal(next(consumer, &view), 0);
}

static void lengths_counts_and_texts_that_lie_do_no_harm__P11(void **state)
{
    (void)state;
    open_all();
    assert_alive(1);
    const size_t held = hostile_held();
    hostile_each(loose_does_no_harm);
    assert_true(hostile_held() <= held + HOSTILE_ROOM);
    assert_true(told_times > 100 && told_bytes > 1000);
    /* Some of it was well formed, such as the notice that the driver ends. The client finds back to its stream by itself. */
    for (int i = 0; i < 30; i++) { cr_step(1000 * MS); }
    tp_frame_view_t view;
    while (next(consumer, &view) > 0) { }
    assert_true(tp_consumer_is_mapped(consumer));
    assert_alive(2);
    close_both(consumer, producer);
}

int main(void)
{
    const struct CMUnitTest tests[] = { CR_TEST(malformed_newer_and_foreign_messages_change_nothing__D_202_P10),
        CR_TEST(lengths_counts_and_texts_that_lie_do_no_harm__P11) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
