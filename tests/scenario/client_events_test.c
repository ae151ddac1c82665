/* Handlers of a client for control, QoS and driver; what a console sees of a stream that others use. */
#include "client_consumer_rig.h"

#include "client/consumer_mapping.h"
#include "codec/codec_driver.h"

typedef struct seen
{
    uint32_t announces, hellos, configs, responses, source_announces, metas, qos_consumers, qos_producers, revoked, shutdowns, events, epochs;
    tp_pool_announce_t announce;
    tp_pool_view_t pools[4];
    char header_uri[512], pool_uri[512], text[512];
    tp_consumer_hello_t hello;
    tp_consumer_config_t config;
    tp_control_response_t response;
    tp_source_announce_t source;
    tp_source_meta_t meta;
    tp_qos_consumer_t qos_consumer;
    tp_qos_producer_t qos_producer;
    tp_lease_revoked_t revocation;
    tp_driver_shutdown_t shutdown;
    tp_driver_event_t event[16];
    int code[16];
    uint64_t before[8], epoch[8];
    uint32_t epoch_stream[8];
}
seen_t;

static seen_t seen;
static tp_client_t *console;

static void copy(char *target, size_t size, tp_bytes_t bytes)
{
    (void)snprintf(target, size, "%.*s", (int)bytes.length, bytes.length > 0 ? (const char *)bytes.data : "");
}

static void on_pool_announce(void *clientd, const tp_pool_announce_t *announce)
{
    seen_t *s = clientd;
    s->announces++;
    s->announce = *announce;
    assert_true(announce->pool_count <= 4);
    memcpy(s->pools, announce->pools, announce->pool_count * sizeof(s->pools[0]));
    copy(s->header_uri, sizeof(s->header_uri), announce->header_uri);
    copy(s->pool_uri, sizeof(s->pool_uri), announce->pools[1].uri);
}

static void on_hello(void *clientd, const tp_consumer_hello_t *hello) { ((seen_t *)clientd)->hellos++; ((seen_t *)clientd)->hello = *hello; }
static void on_config(void *clientd, const tp_consumer_config_t *config) { ((seen_t *)clientd)->configs++; ((seen_t *)clientd)->config = *config; }

static void on_response(void *clientd, const tp_control_response_t *response)
{
    seen_t *s = clientd;
    s->responses++;
    s->response = *response;
    copy(s->text, sizeof(s->text), response->error_message);
}

static void on_source(void *clientd, const tp_source_announce_t *source)
{
    ((seen_t *)clientd)->source_announces++;
    ((seen_t *)clientd)->source = *source;
}

static void on_meta(void *clientd, const tp_source_meta_t *meta) { ((seen_t *)clientd)->metas++; ((seen_t *)clientd)->meta = *meta; }

static void on_qos_consumer(void *clientd, const tp_qos_consumer_t *qos)
{
    ((seen_t *)clientd)->qos_consumers++;
    ((seen_t *)clientd)->qos_consumer = *qos;
}

static void on_qos_producer(void *clientd, const tp_qos_producer_t *qos)
{
    ((seen_t *)clientd)->qos_producers++;
    ((seen_t *)clientd)->qos_producer = *qos;
}

static void on_revoked(void *clientd, const tp_lease_revoked_t *revoked)
{
    ((seen_t *)clientd)->revoked++;
    ((seen_t *)clientd)->revocation = *revoked;
}

static void on_shutdown(void *clientd, const tp_driver_shutdown_t *shutdown)
{
    ((seen_t *)clientd)->shutdowns++;
    ((seen_t *)clientd)->shutdown = *shutdown;
}

static void on_epoch(void *clientd, uint32_t stream_id, uint64_t before, uint64_t epoch)
{
    seen_t *s = clientd;
    assert_true(s->epochs < 8);
    s->epoch_stream[s->epochs] = stream_id;
    s->before[s->epochs] = before;
    s->epoch[s->epochs++] = epoch;
}

static void on_driver_event(void *clientd, tp_driver_event_t event, int code, const char *text)
{
    seen_t *s = clientd;
    assert_true(s->events < 16);
    s->event[s->events] = event;
    s->code[s->events++] = code;
    (void)snprintf(s->text, sizeof(s->text), "%s", text);
}

static void listen(tp_client_t *client)
{
    tp_control_handlers_t control = TP_CONTROL_HANDLERS_INIT;
    tp_metadata_handlers_t metadata = TP_METADATA_HANDLERS_INIT;
    tp_qos_handlers_t qos = TP_QOS_HANDLERS_INIT;
    tp_driver_handlers_t driver = TP_DRIVER_HANDLERS_INIT;
    control.clientd = metadata.clientd = qos.clientd = driver.clientd = &seen;
    control.on_pool_announce = on_pool_announce;
    control.on_consumer_hello = on_hello;
    control.on_consumer_config = on_config;
    control.on_control_response = on_response;
    metadata.on_source_announce = on_source;
    metadata.on_source_meta = on_meta;
    qos.on_qos_consumer = on_qos_consumer;
    qos.on_qos_producer = on_qos_producer;
    driver.on_lease_revoked = on_revoked;
    driver.on_driver_shutdown = on_shutdown;
    driver.on_epoch = on_epoch;
    driver.on_driver_event = on_driver_event;
    assert_int_equal(tp_client_set_control_handlers(client, &control), 0);
    assert_int_equal(tp_client_set_metadata_handlers(client, &metadata), 0);
    assert_int_equal(tp_client_set_qos_handlers(client, &qos), 0);
    assert_int_equal(tp_client_set_driver_handlers(client, &driver), 0);
}

static int setup(void **state)
{
    memset(&seen, 0, sizeof(seen));
    return cr_setup(state);
}

/* A client of its own that only looks. */
static int setup_console(void **state)
{
    tp_context_t *context = NULL;
    tpi_bus_t *bus = NULL;
    (void)setup(state);
    assert_int_equal(tp_context_init(&context), 0);
    assert_int_equal(tp_context_set_default_channels(context), 0);
    assert_int_equal(tpi_bus_mem_open(&bus, cr->network), 0);
    assert_int_equal(tpi_client_create_on_bus(&console, context, bus), 0);
    tp_context_close(context);
    return 0;
}

static int teardown_console(void **state)
{
    tp_client_close(console);
    return cr_teardown(state);
}

static void step(int64_t ns)
{
    for (int64_t done = 0; done < ns; done += 20 * MS)
    {
        cr_step(20 * MS);
        assert_true(tpi_client_do_work_at(console, cr->now_ns) >= 0);
    }
}

static void send_control(const uint8_t *data, int64_t length)
{
    assert_true(length > 0);
    assert_true(tpi_publication_offer(cr->pub, data, (size_t)length) > 0);
}

/* ---- a console ---------------------------------------------------------------------------------------------------------- */

static void a_console_sees_regions_source_metadata_and_drops__W_202_W_189(void **state)
{
    (void)state;
    tp_frame_view_t view;
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    step(40 * MS);
    listen(console);
    open_both(&consumer, &producer);
    const tp_attribute_t attribute = { tp_bytes_of("exposure"), tp_bytes_of("text/plain"), tp_bytes_of("10ms") };
    assert_int_equal(tp_producer_set_metadata(producer, &attribute, 1), 0);
    for (uint16_t i = 0; i < 3 * CR_NSLOTS; i++) { assert_int_equal(cr_publish(producer, i), i); }
    while (1 == next(consumer, &view)) { }
    step(2200 * MS);
    const tp_consumer_stats_t s = stats_of(consumer);
    assert_in_range(seen.announces, 2, 5);
    assert_int_equal(seen.announce.stream_id, CR_STREAM);
    assert_int_equal(seen.announce.epoch, cr->epoch);
    assert_int_equal(seen.announce.header_nslots, CR_NSLOTS);
    assert_int_equal(seen.announce.pool_count, 2);
    assert_int_equal(seen.pools[1].stride_bytes, 256);
    assert_int_equal(seen.pools[1].nslots, CR_NSLOTS);
    assert_string_equal(seen.header_uri, cr->files[cr->file_count - 1]->uris[0]);
    assert_string_equal(seen.pool_uri, cr->files[cr->file_count - 1]->uris[2]);
    assert_int_equal(seen.announce.producer_id, cr_lease(TP_ROLE_PRODUCER)->client_id);
    assert_in_range(seen.source_announces, 2, 5);
    assert_int_equal(seen.source.meta_version, 1);
    assert_int_equal(seen.source.epoch, cr->epoch);
    assert_in_range(seen.metas, 2, 5);
    assert_int_equal(seen.meta.attribute_count, 1);
    assert_in_range(seen.qos_producers, 1, 3);
    assert_int_equal(seen.qos_producer.current_seq, 3 * CR_NSLOTS);
    assert_int_equal(seen.qos_producer.watermark, TP_NULL_U32);
    assert_in_range(seen.qos_consumers, 1, 3);
    assert_int_equal(seen.qos_consumer.consumer_id, s.client_id);
    assert_int_equal(seen.qos_consumer.last_seq_seen, 3 * CR_NSLOTS - 1);
    assert_int_equal(seen.qos_consumer.mode, TP_MODE_STREAM);
    assert_true(s.drops[TP_DROP_OVERWRITTEN] > 0);
    assert_int_equal(seen.qos_consumer.drops_late, s.drops[TP_DROP_OVERWRITTEN]);
    assert_int_equal(seen.qos_consumer.drops_gap, 0);
    assert_int_equal(seen.hello.consumer_id, s.client_id);
    assert_int_equal(seen.hello.progress_interval_us, TP_NULL_U32);
    assert_true(seen.qos_consumer.arrival.session_id != seen.announce.arrival.session_id);
    assert_true(seen.qos_consumer.arrival.received_ns <= cr->now_ns && seen.qos_consumer.arrival.received_ns > cr->now_ns - 2000 * MS);
    assert_int_equal(seen.revoked, 0);
    close_both(consumer, producer);
}

/* What the counters file says (drops by gap: 2, late: 3). */
static uint64_t counter_of(const tp_consumer_t *consumer, size_t number) { return (uint64_t)tpi_counter_get(consumer->counters[number]); }

/* Every drop that QoS reports is one that the statistics name, and the other way round, whatever happens to the frames. */
static void totals_in_QoS_equal_the_counted_reasons__W_189_W_121_O_33(void **state)
{
    (void)state;
    tp_frame_view_t view;
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    step(40 * MS);
    listen(console);
    tp_consumer_context_t *context = cr_consumer_context();
    assert_int_equal(tp_consumer_context_set_ring_recovery(context, false), 0);        /* else nothing lost on the bus is a gap */
    consumer = cr_consumer_with(context);
    producer = cr_producer();
    uint64_t seq = 0;
    for (int round = 0; round < 12; round++)
    {
        switch (round % 4)
        {
            case 0: assert_int_equal(tpi_mem_network_fault(cr->network, CR_DESCRIPTOR, TPI_MEM_LOSE, 3), 0); break;      /* gap */
            case 1: for (uint32_t i = 0; i < 2 * CR_NSLOTS; i++) { (void)cr_publish(producer, 1); } break;               /* overwritten */
            case 2: assert_int_equal(tpi_mem_network_fault(cr->network, CR_DESCRIPTOR, TPI_MEM_DUPLICATE, 2), 0); break;
            default: (void)tp_producer_stats(producer, &(tp_producer_stats_t){ 0 }); break;
        }
        for (int i = 0; i < 5; i++) { (void)cr_publish(producer, 1); }
        step(200 * MS);
        while (1 == next(consumer, &view)) { seq = view.seq; }
        step(1100 * MS);
        const tp_consumer_stats_t s = stats_of(consumer);
        assert_int_equal(seen.qos_consumer.drops_gap, s.drops[TP_DROP_GAP] + s.drops[TP_DROP_SKIPPED]);
        assert_int_equal(seen.qos_consumer.drops_late, s.drops[TP_DROP_OVERWRITTEN] + s.drops[TP_DROP_UNCOMMITTED] + s.drops[TP_DROP_TORN] +
            s.drops[TP_DROP_BAD_HEADER]);
        assert_int_equal(seen.qos_consumer.drops_gap, counter_of(consumer, 2));
        assert_int_equal(seen.qos_consumer.drops_late, counter_of(consumer, 3));
        assert_int_equal(seen.qos_consumer.last_seq_seen, s.last_seq);
        assert_int_equal(s.received + seen.qos_consumer.drops_gap + seen.qos_consumer.drops_late, s.last_seq - s.first_seq + 1);
    }
    assert_int_equal(stats_of(consumer).last_seq, seq);
    assert_true(seen.qos_consumer.drops_gap >= 6);      /* nothing was known before the first three */
    assert_true(seen.qos_consumer.drops_late > 0);
    assert_true(stats_of(consumer).duplicates > 0);
    close_both(consumer, producer);
}

/* ---- wrap-free ---------------------------------------------------------------------------------------------------------- */

static void forged_gaps_do_not_wrap_a_total__W_189_W_253(void **state)
{
    (void)state;
    tp_frame_view_t view;
    tp_consumer_t *consumer = listening_consumer();
    for (int i = 0; i < 4; i++)                            /* four epochs, each with a gap of 2^63 - 2 */
    {
        cr_next_epoch();
        say(0);
        say((UINT64_C(1) << 63) - 1);
        assert_int_equal(next(consumer, &view), 0);
    }
    const tp_consumer_stats_t s = stats_of(consumer);
    assert_true(UINT64_MAX == s.drops[TP_DROP_GAP] + s.drops[TP_DROP_SKIPPED] || UINT64_MAX == s.drops[TP_DROP_SKIPPED]);
    tpc_qos_consumer_t qos;
    tpi_consumer_qos(consumer, &qos);
    assert_true(UINT64_MAX == qos.drops_gap);
    tp_consumer_close(consumer);
}

/* ---- cadence ------------------------------------------------------------------------------------------------------------ */

static void a_refused_report_comes_in_the_next_duty_cycle__W_188(void **state)
{
    (void)state;
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    open_both(&consumer, &producer);
    cr_step(500 * MS);
    cr->qos_consumers = 0;
    cr->qos_producers = 0;
    assert_int_equal(tpi_mem_network_fault(cr->network, CR_QOS, TPI_MEM_BACK_PRESSURE, 4), 0);
    cr_step(1100 * MS);
    assert_in_range(cr->qos_consumers, 1, 2);
    assert_in_range(cr->qos_producers, 1, 2);
    close_both(consumer, producer);
}

static void intervals_are_configurable__W_188(void **state)
{
    (void)state;
    cr->client->settings.qos_interval_ns = 200 * MS;       /* as tp_context_set_qos_interval_ns would have it */
    tp_consumer_t *consumer;
    tp_producer_t *producer;
    open_both(&consumer, &producer);
    cr_step(500 * MS);
    cr->qos_consumers = 0;
    cr->qos_producers = 0;
    cr_step(4000 * MS);
    assert_in_range(cr->qos_consumers, 19, 21);
    assert_in_range(cr->qos_producers, 19, 21);
    close_both(consumer, producer);
}

/* ---- control ------------------------------------------------------------------------------------------------------------ */

static void control_messages_reach_their_handlers__O_34(void **state)
{
    (void)state;
    uint8_t buffer[512];
    listen(cr->client);
    cr_step(40 * MS);
    tpc_consumer_config_t config = TPC_CONSUMER_CONFIG_INIT;
    config.stream_id = 10007;
    config.consumer_id = 3;
    config.use_shm = 0;
    cr_send_config(&config);
    tpc_control_response_t response = TPC_CONTROL_RESPONSE_INIT;
    response.correlation_id = -5;
    response.code = TPC_CODE_REJECTED;
    response.error_message = tpc_bytes("no");
    send_control(buffer, tpc_control_response_encode(buffer, sizeof(buffer), &response));
    cr_settle();
    assert_int_equal(seen.configs, 1);
    assert_int_equal(seen.config.stream_id, 10007);
    assert_int_equal(seen.config.use_shm, 0);
    assert_int_equal(seen.config.payload_fallback_uri.length, 0);
    assert_int_equal(seen.responses, 1);
    assert_int_equal(seen.response.correlation_id, -5);
    assert_int_equal(seen.response.code, 3);
    assert_string_equal(seen.text, "no");
    assert_int_equal(tp_client_set_control_handlers(cr->client, NULL), 0);
    cr_send_config(&config);
    cr_settle();
    assert_int_equal(seen.configs, 1);
}

static void handlers_of_another_size_are_refused(void **state)
{
    (void)state;
    tp_control_handlers_t control = TP_CONTROL_HANDLERS_INIT;
    control.size--;
    assert_int_equal(tp_client_set_control_handlers(cr->client, &control), -1);
    assert_int_equal(tp_errcode(), TP_EINVAL);
    assert_int_equal(tp_client_set_qos_handlers(NULL, NULL), -1);
    assert_int_equal(tp_errcode(), TP_EINVAL);
}

static void remove_all(void *clientd, const tp_pool_announce_t *announce)
{
    (void)announce;
    ((seen_t *)clientd)->announces++;
    assert_int_equal(tp_client_set_control_handlers(cr->client, NULL), 0);
    assert_int_equal(tp_client_do_work(cr->client), -1);                     /* but nothing that waits (A4) */
    assert_int_equal(tp_errcode(), TP_ESTATE);
}

static void a_handler_may_remove_itself__A4(void **state)
{
    (void)state;
    tp_control_handlers_t control = TP_CONTROL_HANDLERS_INIT;
    control.clientd = &seen;
    control.on_pool_announce = remove_all;
    assert_int_equal(tp_client_set_control_handlers(cr->client, &control), 0);
    cr_new_epoch();
    cr_announce();
    cr_announce();
    cr_settle();
    assert_int_equal(seen.announces, 1);
}

/* ---- driver ------------------------------------------------------------------------------------------------------------- */

static bool happened(tp_driver_event_t event, int code)
{
    for (uint32_t i = 0; i < seen.events; i++) { if (event == seen.event[i] && code == seen.code[i]) { return true; } }
    return false;
}

static void revoked_leases_are_told_as_ours_or_not__P12(void **state)
{
    (void)state;
    listen(cr->client);
    tp_producer_t *const producer = cr_producer();
    const cr_lease_t lease = *cr_lease(TP_ROLE_PRODUCER);
    cr_lease_t other = lease;
    other.lease_id++;
    cr_revoke(&other, TPC_REVOKE_EXPIRED);
    cr_settle();
    assert_int_equal(seen.revoked, 1);
    assert_int_equal(seen.revocation.is_ours, 0);
    assert_int_equal(seen.revocation.reason, 2);
    assert_true(tp_producer_is_attached(producer));
    cr_revoke(&lease, TPC_REVOKE_REVOKED);
    cr_settle();
    assert_int_equal(seen.revoked, 2);
    assert_int_equal(seen.revocation.is_ours, 1);
    assert_int_equal(seen.revocation.role, TP_ROLE_PRODUCER);
    assert_int_equal(seen.revocation.client_id, lease.client_id);
    assert_true(seen.revocation.lease_id == lease.lease_id);
    tp_producer_close(producer);
}

static void a_shutdown_is_ours_when_our_driver_says_it__P12_D_206(void **state)
{
    (void)state;
    uint8_t buffer[64];
    tpi_bus_async_t *async = NULL;
    tpi_publication_t *other = NULL;
    tpc_driver_shutdown_t m = TPC_DRIVER_SHUTDOWN_INIT;
    m.reason = TPC_SHUTDOWN_ERROR;
    m.timestamp_ns = 1;
    listen(cr->client);
    tp_producer_t *const producer = cr_producer();
    assert_int_equal(tpi_bus_add_publication(cr->bus, &async, "aeron:ipc?term-length=4m", CR_CONTROL), 0);
    while (0 == tpi_bus_add_publication_poll(async, &other)) { (void)tpi_bus_do_work(cr->bus, cr->now_ns); }
    const int64_t length = tpc_driver_shutdown_encode(buffer, sizeof(buffer), &m);
    cr_settle();
    assert_true(tpi_publication_offer(other, buffer, (size_t)length) > 0);
    cr_settle();
    assert_int_equal(seen.shutdowns, 1);
    assert_int_equal(seen.shutdown.is_ours, 0);
    assert_int_equal(seen.shutdown.reason, TPC_SHUTDOWN_ERROR);
    cr_shutdown(TPC_SHUTDOWN_ADMIN);
    cr_settle();
    assert_int_equal(seen.shutdowns, 2);
    assert_int_equal(seen.shutdown.is_ours, 1);
    tp_producer_close(producer);
}

static void a_new_epoch_is_told_once_and_an_older_one_never__W_080_M7(void **state)
{
    (void)state;
    listen(cr->client);
    cr_new_epoch();
    cr_announce();
    cr_announce();
    cr_settle();
    assert_int_equal(seen.epochs, 1);
    assert_int_equal(seen.before[0], 0);
    assert_int_equal(seen.epoch[0], cr->epoch);
    assert_int_equal(seen.epoch_stream[0], CR_STREAM);
    cr_next_epoch();
    assert_int_equal(seen.epochs, 2);
    assert_int_equal(seen.before[1], cr->epoch - 1);
    assert_int_equal(seen.epoch[1], cr->epoch);
    cr->epoch--;                                           /* a late announce of before */
    cr_announce();
    cr_settle();
    assert_int_equal(seen.epochs, 2);
    cr->epoch = UINT64_MAX;                                /* names no incarnation (O-40) */
    cr_announce();
    cr_settle();
    assert_int_equal(seen.epochs, 2);
}

static void on_any_epoch(void *clientd, uint32_t stream_id, uint64_t before, uint64_t epoch)
{
    (void)stream_id;
    (void)before;
    (void)epoch;
    ++*(uint32_t *)clientd;
}

static void announce_of_stream(uint32_t stream_id, uint64_t epoch)
{
    uint8_t buffer[4096];
    cr->epoch = epoch;
    const tpc_pool_entry_t pool = { .pool_id = 1, .region_uri = tpc_bytes("shm:file?path=/dev/shm/p"), .pool_nslots = 8, .stride_bytes = 64 };
    const tpc_pool_announce_t m = { .stream_id = stream_id, .epoch = epoch, .layout_version = 1, .header_nslots = 8, .header_slot_bytes = 256,
        .announce_timestamp_ns = 1, .header_region_uri = tpc_bytes("shm:file?path=/dev/shm/h"), .pool_count = 1, .pools = { pool } };
    const int64_t length = tpc_pool_announce_encode(buffer, sizeof(buffer), &m);
    assert_true(length > 0);
    assert_true(tpi_publication_offer(cr->pub, buffer, (size_t)length) > 0);
    cr_settle();
}

static void epochs_of_256_streams_are_told_and_those_of_others_counted__P11(void **state)
{
    (void)state;
    uint32_t told = 0;
    tp_driver_handlers_t handlers = TP_DRIVER_HANDLERS_INIT;
    tp_client_stats_t stats;
    handlers.on_epoch = on_any_epoch;
    handlers.clientd = &told;
    assert_int_equal(tp_client_set_driver_handlers(cr->client, &handlers), 0);
    for (uint32_t i = 0; i < 256; i++) { announce_of_stream(20000 + i, 5); }
    assert_int_equal(told, 256);
    assert_int_equal(tp_client_stats(cr->client, &stats), 0);
    assert_int_equal(stats.epochs_untold, 0);
    announce_of_stream(30000, 5);
    announce_of_stream(20255, 6);                          /* known ones are told as before */
    assert_int_equal(told, 257);
    assert_int_equal(tp_client_stats(cr->client, &stats), 0);
    assert_int_equal(stats.epochs_untold, 1);
}

static void a_silent_driver_is_lost_and_found_again(void **state)
{
    (void)state;
    cr_new_epoch();
    listen(cr->client);
    cr_step(1100 * MS);
    assert_true(happened(TP_MEDIA_DRIVER_FOUND, TP_OK));
    assert_true(happened(TP_DRIVER_FOUND, TP_OK));
    const uint32_t before = seen.events;
    cr->mute = true;
    cr_step(2800 * MS);
    assert_int_equal(seen.events, before);
    cr_step(2000 * MS);
    assert_int_equal(seen.events, before + 1);
    assert_true(happened(TP_DRIVER_LOST, TP_ENODRIVER));
    cr->mute = false;
    cr_step(1100 * MS);
    assert_int_equal(seen.events, before + 2);
    assert_int_equal(seen.event[seen.events - 1], TP_DRIVER_FOUND);
}

static void a_driver_without_endpoint_file_is_lost_at_once(void **state)
{
    (void)state;
    cr->has_endpoint = true;
    cr->endpoint.instance_token = 5;
    (void)snprintf(cr->endpoint.control_channel, sizeof(cr->endpoint.control_channel), "aeron:ipc?term-length=4m");
    listen(cr->client);
    cr_step(300 * MS);
    assert_true(happened(TP_DRIVER_FOUND, TP_OK));
    seen.events = 0;
    cr->has_endpoint = false;
    cr_step(300 * MS);
    assert_int_equal(seen.events, 1);
    assert_int_equal(seen.event[0], TP_DRIVER_LOST);
    assert_non_null(strstr(seen.text, "endpoint"));
}

static void a_lost_media_driver_is_told_and_so_is_the_next_one(void **state)
{
    (void)state;
    listen(cr->client);
    cr_step(40 * MS);
    assert_true(happened(TP_MEDIA_DRIVER_FOUND, TP_OK));
    seen.events = 0;
    cr->no_media = true;
    cr_restart_media();
    cr_step(500 * MS);
    assert_true(happened(TP_MEDIA_DRIVER_LOST, TP_EMEDIADRIVER));
    assert_false(happened(TP_MEDIA_DRIVER_FOUND, TP_OK));
    cr->no_media = false;
    cr_step(2000 * MS);
    assert_true(happened(TP_MEDIA_DRIVER_FOUND, TP_OK));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, cr_teardown)
#define CONSOLE_TEST(name) cmocka_unit_test_setup_teardown(name, setup_console, teardown_console)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONSOLE_TEST(a_console_sees_regions_source_metadata_and_drops__W_202_W_189),
        CONSOLE_TEST(totals_in_QoS_equal_the_counted_reasons__W_189_W_121_O_33),
        TEST(forged_gaps_do_not_wrap_a_total__W_189_W_253), TEST(a_refused_report_comes_in_the_next_duty_cycle__W_188),
        TEST(intervals_are_configurable__W_188), TEST(control_messages_reach_their_handlers__O_34), TEST(handlers_of_another_size_are_refused),
        TEST(epochs_of_256_streams_are_told_and_those_of_others_counted__P11), TEST(a_handler_may_remove_itself__A4),
        TEST(revoked_leases_are_told_as_ours_or_not__P12),
        TEST(a_shutdown_is_ours_when_our_driver_says_it__P12_D_206), TEST(a_new_epoch_is_told_once_and_an_older_one_never__W_080_M7),
        TEST(a_silent_driver_is_lost_and_found_again), TEST(a_driver_without_endpoint_file_is_lost_at_once),
        TEST(a_lost_media_driver_is_told_and_so_is_the_next_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
