/* Threads, commands, connections: what happens around producers and consumers. */
#include "client_rig.h"

#include <pthread.h>
#include <unistd.h>

#include "bus/bus_ops.h"
#include "client/consumer_state.h"
#include "client/producer_state.h"
#include "common/clock.h"

static tp_producer_stats_t producer_stats(const tp_producer_t *producer)
{
    tp_producer_stats_t stats;
    assert_int_equal(tp_producer_stats(producer, &stats), 0);
    return stats;
}

/* ---- threads ------------------------------------------------------------------------------------------------------------ */

static int second_rc;
static int second_code;

static void *second(void *arg)
{
    second_rc = tp_client_do_work(arg);
    second_code = tp_errcode();
    return NULL;
}

static void second_thread_in_do_work_is_refused__L1(void **state)
{
    (void)state;
    pthread_t thread;
    assert_true(tp_client_do_work(cr->client) >= 0);
    assert_int_equal(pthread_create(&thread, NULL, second, cr->client), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(second_rc, -1);
    assert_int_equal(second_code, TP_ETHREAD);
    assert_true(tp_client_do_work(cr->client) >= 0);
}

static int callback_rc;
static int callback_code;
static tp_producer_t *closing;

static void on_event(void *clientd, tp_producer_event_t event, uint64_t epoch, int code, const char *text)
{
    tp_consumer_t *consumer = NULL;
    (void)clientd;
    (void)epoch;
    (void)code;
    (void)text;
    if (TP_PRODUCER_LOST != event) { return; }
    callback_rc = tp_consumer_open(&consumer, cr->client, CR_STREAM);
    callback_code = tp_errcode();
    assert_int_equal(tp_client_do_work(cr->client), -1);
    tp_producer_close(closing);
}

static void waiting_calls_are_refused_inside_callbacks_and_closing_is_put_off__A4(void **state)
{
    (void)state;
    tp_producer_context_t *context = cr_producer_context();
    assert_int_equal(tp_producer_context_set_event_handler(context, on_event, NULL), 0);
    closing = cr_producer_with(context);
    cr_lease_t *lease = cr_lease(TP_ROLE_PRODUCER);
    callback_rc = 0;
    lease->active = false;
    cr_revoke(lease, TPC_REVOKE_REVOKED);
    cr_settle();
    assert_int_equal(callback_rc, -1);
    assert_int_equal(callback_code, TP_ESTATE);
    cr_settle();
    assert_null(cr->client->producers);
}

static int never(tpi_command_t *command, int64_t now_ns)
{
    (void)command;
    (void)now_ns;
    return 0;
}

static void full_command_ring_is_a_named_result(void **state)
{
    (void)state;
    tpi_command_t *commands[TPI_COMMANDS_MAX + 1];
    for (int i = 0; i <= TPI_COMMANDS_MAX; i++)
    {
        assert_int_equal(tpi_command_create(&commands[i], never, cr->client, NULL), 0);
        const int rc = tpi_client_enqueue(cr->client, commands[i]);
        assert_int_equal(rc, i < TPI_COMMANDS_MAX ? 0 : -1);
    }
    assert_int_equal(tp_errcode(), TP_EFULL);
    tpi_command_delete(commands[TPI_COMMANDS_MAX]);
    for (int i = 0; i < TPI_COMMANDS_MAX; i++) { assert_true(tpi_command_abandon(commands[i])); }       /* the conductor frees them: L2 */
}

static int at_once(tpi_command_t *command, int64_t now_ns)
{
    (void)now_ns;
    if (NULL != command->object) { return 1; }
    tpi_err_set(TP_ENOENT, "nothing there");
    return -1;
}

static void result_of_a_command_is_the_conductors_last_access__L2(void **state)
{
    (void)state;
    tpi_command_t *good = NULL;
    tpi_command_t *bad = NULL;
    assert_int_equal(tpi_command_create(&good, at_once, cr->client, cr), 0);
    assert_int_equal(tpi_command_create(&bad, at_once, cr->client, NULL), 0);
    assert_int_equal(tpi_client_enqueue(cr->client, good), 0);
    assert_int_equal(tpi_client_enqueue(cr->client, bad), 0);
    assert_int_equal(tpi_command_poll(good), 0);
    cr_settle();
    assert_int_equal(tpi_command_poll(good), 1);
    tpi_command_delete(good);                              /* under ASan: any later access would show */
    assert_int_equal(tpi_command_poll(bad), -1);
    assert_int_equal(tp_errcode(), TP_ENOENT);
    assert_string_equal(tp_errmsg(), "nothing there");
    tpi_command_delete(bad);
    cr_settle();
}

static int order[8];
static int order_count;

static int note_order(tpi_command_t *command, int64_t now_ns)
{
    (void)now_ns;
    order[order_count++] = *(const int *)command->object;
    return 1;
}

static void commands_run_in_the_order_of_their_calls(void **state)
{
    (void)state;
    static int numbers[] = { 0, 1, 2, 3 };
    order_count = 0;
    for (int i = 0; i < 4; i++)
    {
        tpi_command_t *command = NULL;
        assert_int_equal(tpi_command_create(&command, note_order, cr->client, &numbers[i]), 0);
        assert_int_equal(tpi_client_enqueue(cr->client, command), 0);
        assert_true(tpi_command_abandon(command));
    }
    cr_settle();
    assert_int_equal(order_count, 4);
    for (int i = 0; i < 4; i++) { assert_int_equal(order[i], i); }
}

static void close_takes_everything_still_open_with_it(void **state)
{
    (void)state;
    tp_producer_t *producer = cr_producer();
    (void)cr_consumer();
    tp_buffer_claim_t claim;
    assert_int_equal(tp_producer_try_claim(producer, cr->tensor, &claim), 0);
    assert_int_equal(cr_publish(producer, 1), 1);
}

static void closing_hands_the_lease_back(void **state)
{
    (void)state;
    tp_producer_t *producer = cr_producer();
    tp_consumer_t *consumer = cr_consumer();
    tp_producer_close(producer);
    tp_consumer_close(consumer);
    cr_settle();
    assert_int_equal(cr->detaches, 2);
    assert_null(cr_lease(TP_ROLE_PRODUCER));
    assert_null(cr_lease(TP_ROLE_CONSUMER));
    assert_null(cr->client->attachments);
    tp_producer_close(NULL);
    tp_consumer_close(NULL);
    tp_client_close(NULL);
}

/* ---- refused once ------------------------------------------------------------------------------------------------------- */

static tpi_bus_ops_t picky;
static const tpi_bus_ops_t *plain;
static int32_t refused_id;
static int refusals;

static int refuse_publication(tpi_bus_t *bus, tpi_bus_async_t **async, const char *channel, int32_t stream_id)
{
    if (stream_id != refused_id) { return plain->add_publication(bus, async, channel, stream_id); }
    refusals++;
    TPI_SET_ERR(TP_ENOSPACE, "no room");
    return -1;
}

static int refuse_subscription(tpi_bus_t *bus, tpi_bus_async_t **async, const tpi_subscription_config_t *config)
{
    if (config->stream_id != refused_id) { return plain->add_subscription(bus, async, config); }
    refusals++;
    TPI_SET_ERR(TP_ENOSPACE, "no room");
    return -1;
}

static void refused_streams_are_asked_for_again_once_a_second(void **state)
{
    (void)state;
    tpi_bus_t *const bus = cr->client->connection->bus;
    plain = bus->ops;
    picky = *plain;
    picky.add_publication = refuse_publication;
    picky.add_subscription = refuse_subscription;
    refused_id = CR_DESCRIPTOR;
    refusals = 0;
    bus->ops = &picky;
    tp_producer_t *producer = cr_producer();
    tp_consumer_t *consumer = cr_consumer();
    cr_step(900 * MS);
    assert_int_equal(refusals, 2);
    assert_null(consumer->linked);
    assert_false(tp_producer_is_attached(producer));
    refused_id = 0;
    cr_step(1100 * MS);
    bus->ops = plain;
    assert_int_equal(refusals, 2);
    assert_non_null(consumer->linked);
    assert_true(tp_producer_is_attached(producer));
    tp_frame_view_t view;
    assert_true(cr_publish(producer, 7) >= 0);
    cr_settle();
    assert_int_equal(tp_consumer_next(consumer, &view, 0), 1);
    tp_producer_close(producer);
    tp_consumer_close(consumer);
}

static void refused_qos_is_asked_for_again_once_a_second(void **state)
{
    (void)state;
    tpi_bus_t *const bus = cr->client->connection->bus;
    plain = bus->ops;
    picky = *plain;
    picky.add_publication = refuse_publication;
    picky.add_subscription = refuse_subscription;
    refused_id = CR_QOS;
    refusals = 0;
    bus->ops = &picky;
    tp_consumer_t *consumer = cr_consumer();
    cr_step(2500 * MS);
    assert_in_range(refusals, 4, 6);                                         /* publication and subscription, three times */
    refused_id = 0;
    cr_step(1100 * MS);
    bus->ops = plain;
    assert_non_null(cr->client->connection->qos_pub);
    assert_non_null(cr->client->connection->qos_sub);
    tp_consumer_close(consumer);
}

static void refused_private_stream_is_asked_for_again_once_a_second__W_131(void **state)
{
    (void)state;
    tpi_bus_t *const bus = cr->client->connection->bus;
    tp_consumer_t *consumer = cr_consumer();
    tp_consumer_stats_t stats;
    assert_int_equal(tp_consumer_stats(consumer, &stats), 0);
    plain = bus->ops;
    picky = *plain;
    picky.add_subscription = refuse_subscription;
    refused_id = 31005;
    refusals = 0;
    bus->ops = &picky;
    tpc_consumer_config_t config = TPC_CONSUMER_CONFIG_INIT;
    config.stream_id = CR_STREAM;
    config.consumer_id = stats.client_id;
    config.descriptor_stream_id = 31005;
    config.descriptor_channel = tpc_bytes("aeron:ipc");
    cr_send_config(&config);
    cr_step(2500 * MS);
    assert_int_equal(refusals, 3);
    assert_false(consumer->linked->is_private);
    refused_id = 0;
    tpi_publication_t *publication = cr_add_publication("aeron:ipc", 31005);
    cr_step(2200 * MS);                                    /* it is asked for within a second, and taken when it was quiet for another */
    bus->ops = plain;
    assert_int_equal(refusals, 3);
    assert_int_equal(consumer->linked->stream_id, 31005);
    tpi_publication_close(publication);
    tp_consumer_close(consumer);
}

static void attach_that_is_pending_ends_with_its_client(void **state)
{
    (void)state;
    const tp_attach_request_t request = TP_ATTACH_REQUEST_INIT;
    tp_async_attach_t *started = NULL;
    tp_async_attach_t *queued = NULL;
    tp_driver_session_t *session = NULL;
    cr->mute = true;
    assert_int_equal(tp_driver_attach_async(&started, cr->client, &request), 0);
    cr_settle();
    assert_int_equal(tp_driver_attach_async(&queued, cr->client, &request), 0);
    tp_client_close(cr->client);
    cr->client = NULL;
    assert_int_equal(tp_driver_attach_poll(started, &session), -1);           /* nothing leaks: run under the address sanitizer too */
    assert_int_equal(tp_errcode(), TP_ESTATE);
    assert_int_equal(tp_driver_attach_poll(queued, &session), -1);
    assert_null(session);
}

static void lease_given_up_before_the_close_is_handed_back_although_the_bus_was_full(void **state)
{
    (void)state;
    tp_consumer_t *consumer = cr_consumer();
    cr->detaches = 0;
    tpi_session_abandon(&consumer->attachment->session, TP_EREGION, "the regions are unusable", cr->now_ns);
    assert_int_equal(tpi_mem_network_fault(cr->network, CR_CONTROL, TPI_MEM_BACK_PRESSURE, 3), 0);
    tp_consumer_close(consumer);
    cr_step(200 * MS);
    assert_int_equal(cr->detaches, 1);
    assert_null(cr_lease(TP_ROLE_CONSUMER));
    assert_null(cr->client->attachments);
    consumer = cr_consumer();
    cr->mute = true;
    tpi_session_abandon(&consumer->attachment->session, TP_EREGION, "the regions are unusable", cr->now_ns);
    assert_int_equal(tpi_mem_network_fault(cr->network, CR_CONTROL, TPI_MEM_BACK_PRESSURE, 100000), 0);
    tp_consumer_close(consumer);
    cr_step(1000 * MS);
    assert_null(cr->client->attachments);                  /* not for ever */
}

/* ---- closing from within --------------------------------------------------------------------------------------------------- */

static tp_consumer_t *doomed;

static void close_on_unmapping(void *clientd, tp_consumer_event_t event, uint64_t epoch, int code, const char *text)
{
    (void)clientd;
    (void)epoch;
    (void)code;
    (void)text;
    if (TP_CONSUMER_UNMAPPED == event && NULL != doomed)
    {
        tp_consumer_close(doomed);
        doomed = NULL;
    }
}

static void consumer_closed_by_its_event_handler_while_next_turns_the_conductor_ends_with_that_call__L2(void **state)
{
    (void)state;
    tp_frame_view_t view;
    tp_consumer_context_t *context = cr_consumer_context();
    assert_int_equal(tp_consumer_context_set_event_handler(context, close_on_unmapping, NULL), 0);
    tp_producer_t *producer = cr_producer();
    doomed = cr_consumer_with(context);
    tp_consumer_t *consumer = doomed;
    cr_revoke(cr_lease(TP_ROLE_CONSUMER), TPC_REVOKE_REVOKED);
    assert_int_equal(tp_consumer_next(consumer, &view, 0), TP_CLOSED);       /* it turned the conductor, which called the handler */
    assert_null(doomed);
    assert_null(cr->client->consumers);
    cr_settle();
    tp_producer_close(producer);
}

static int do_nothing(tpi_command_t *command, int64_t now_ns)
{
    (void)command;
    (void)now_ns;
    return 1;
}

static void fill_ring_and_close(void *clientd, tp_consumer_event_t event, uint64_t epoch, int code, const char *text)
{
    for (tpi_command_t *command = NULL; TP_CONSUMER_UNMAPPED == event && 0 == tpi_command_create(&command, do_nothing, cr->client, NULL);)
    {
        if (tpi_client_enqueue(cr->client, command) < 0)
        {
            tpi_command_delete(command);
            break;
        }
        assert_true(tpi_command_abandon(command));
    }
    close_on_unmapping(clientd, event, epoch, code, text);
}

static void closing_from_a_callback_takes_place_although_the_command_ring_is_full(void **state)
{
    (void)state;
    tp_consumer_context_t *context = cr_consumer_context();
    assert_int_equal(tp_consumer_context_set_event_handler(context, fill_ring_and_close, NULL), 0);
    tp_producer_t *producer = cr_producer();
    doomed = cr_consumer_with(context);
    cr->detaches = 0;
    cr_revoke(cr_lease(TP_ROLE_CONSUMER), TPC_REVOKE_REVOKED);
    cr_settle();
    assert_null(doomed);
    assert_null(cr->client->consumers);
    tp_producer_close(producer);
}

static void on_progress(void *clientd, const tp_frame_progress_t *progress)
{
    (void)clientd;
    (void)progress;
}

static void *wish_for_progress(void *consumer)
{
    static int result;
    result = 0 == tp_consumer_set_progress_handler(consumer, on_progress, NULL) ? 0 : tp_errcode();
    return &result;
}

static void wish_for_progress_that_is_carried_out_after_the_close_finds_no_consumer(void **state)
{
    (void)state;
    pthread_t thread;
    void *result = NULL;
    tp_consumer_t *consumer = cr_consumer();
    assert_int_equal(pthread_create(&thread, NULL, wish_for_progress, consumer), 0);
    for (int i = 0; i < 5000 && tpi_mpsc_queue_is_empty(cr->client->commands); i++) { (void)usleep(1000); }
    tp_consumer_close(consumer);                           /* as when that call had given up waiting already */
    cr_settle();
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_int_equal(*(int *)result, TP_ESTATE);
}

/* ---- subscriptions ------------------------------------------------------------------------------------------------------ */

static void qos_is_subscribed_to_only_while_somebody_needs_it__A1(void **state)
{
    (void)state;
    cr_step(100 * MS);
    assert_null(cr->client->connection->qos_sub);
    assert_null(cr->client->connection->qos_pub);
    tp_consumer_t *consumer = cr_consumer();
    cr_step(100 * MS);
    assert_non_null(cr->client->connection->qos_sub);
    tp_consumer_close(consumer);
    cr_step(100 * MS);
    assert_null(cr->client->connection->qos_sub);
}

static void first_announce_after_joining_counts__A7(void **state)
{
    (void)state;
    tp_consumer_context_t *context = cr_consumer_context();
    assert_int_equal(tp_consumer_context_set_driverless(context, true), 0);
    tp_consumer_t *consumer = cr_consumer_with(context);
    cr->no_announces = true;
    cr_new_epoch();
    cr_announce();                                         /* stamped now; the image is older */
    cr_settle();
    assert_true(tp_consumer_is_mapped(consumer));
    tp_consumer_close(consumer);
}

/* ---- the media driver goes ---------------------------------------------------------------------------------------------- */

static void handles_survive_the_loss_of_the_media_driver__D_154_D_158(void **state)
{
    (void)state;
    tp_producer_t *producer = cr_producer();
    tp_consumer_t *consumer = cr_consumer();
    tp_frame_view_t view;
    tp_buffer_claim_t claim;
    assert_int_equal(cr_publish(producer, 1), 0);
    cr_settle();
    assert_int_equal(tp_consumer_next(consumer, &view, 0), 1);
    assert_int_equal(tp_producer_try_claim(producer, cr->tensor, &claim), 1);
    cr->no_media = true;
    cr_restart_media();
    cr_step(200 * MS);
    assert_false(tp_client_is_connected(cr->client));
    assert_false(tp_producer_is_attached(producer));
    assert_false(tp_consumer_is_mapped(consumer));
    assert_false(tp_frame_view_is_valid(&view));
    assert_non_null(cr->client->retired);                  /* the threads have not let go of the old bus yet */
    assert_int_equal(tp_producer_commit_claim(producer, &claim, NULL), TP_LEASE_LOST);
    assert_int_equal(tp_consumer_next(consumer, &view, 0), 0);
    cr->no_media = false;
    cr_step(1000 * MS);
    assert_true(tp_client_is_connected(cr->client));
    assert_null(cr->client->retired);
    assert_true(tp_producer_is_attached(producer));
    assert_true(tp_consumer_is_mapped(consumer));
    assert_int_equal(cr_publish(producer, 2), 0);
    cr_settle();
    assert_int_equal(tp_consumer_next(consumer, &view, 0), 1);
    assert_int_equal(view.epoch, cr->epoch);
    tp_producer_close(producer);
    tp_consumer_close(consumer);
}

static void show_endpoint(void)
{
    cr->has_endpoint = true;
    cr->endpoint.instance_token = 1;
    (void)snprintf(cr->endpoint.shm_base_dir, sizeof(cr->endpoint.shm_base_dir), "%s", cr->base);
    cr_step(300 * MS);
}

static void dead_driver_is_left_and_a_new_instance_is_asked_at_once_by_its_endpoint_file__D_154(void **state)
{
    (void)state;
    show_endpoint();
    tp_producer_t *producer = cr_producer();
    const int opens = cr->opens;
    cr->has_endpoint = false;                              /* its lock is gone */
    cr->mute = true;
    cr_step(300 * MS);
    assert_false(tp_producer_is_attached(producer));
    cr_step(5000 * MS);
    cr->mute = false;
    cr->leases[0].active = false;
    cr->has_endpoint = true;
    cr->endpoint.instance_token = 2;
    cr_step(260 * MS);
    assert_true(tp_producer_is_attached(producer));
    assert_int_equal(cr->opens, opens);                    /* the bus is the same: it lives outside the driver */
    assert_int_equal(producer_stats(producer).reattaches, 1);
    tp_producer_close(producer);
}

/* The search is the rig's, the file a real one: it is found once, then looked at where it is open. */
static void a_driver_that_was_found_is_not_searched_for_until_its_file_changes__L_309(void **state)
{
    (void)state;
    tpi_endpoint_writer_t *writer = NULL;
    char dir[128];
    (void)snprintf(dir, sizeof(dir), "%s/run", cr->base);
    cr->endpoint.instance_token = 1;
    (void)snprintf(cr->endpoint.instance_id, sizeof(cr->endpoint.instance_id), "rig");
    (void)snprintf(cr->endpoint.shm_base_dir, sizeof(cr->endpoint.shm_base_dir), "%s", cr->base);
    assert_int_equal(tpi_endpoint_write(&writer, dir, &cr->endpoint), 0);
    cr->has_endpoint = true;
    cr_step(300 * MS);
    tp_producer_t *const producer = cr_producer();
    cr_step(300 * MS);
    const unsigned searches = cr->searches;
    cr_step(5000 * MS);
    assert_int_equal(cr->searches, searches);
    assert_true(cr->now_ns - atomic_load(&cr->client->driver_seen_ns) < 250 * MS);        /* looked at, though */
    assert_true(tp_producer_is_attached(producer));
    tpi_endpoint_remove(writer);
    cr->has_endpoint = false;
    cr->mute = true;
    cr_step(250 * MS);
    assert_true(cr->searches > searches);
    assert_false(tp_producer_is_attached(producer));
    tp_producer_close(producer);
}

static void unreadable_endpoint_file_ends_no_lease(void **state)
{
    (void)state;
    show_endpoint();
    tp_producer_t *producer = cr_producer();
    cr->no_descriptors = true;
    cr_step(1000 * MS);
    assert_true(tp_producer_is_attached(producer));
    assert_int_equal(producer_stats(producer).reattaches, 0);
    cr->has_endpoint = false;
    cr->no_descriptors = false;
    cr->mute = true;
    cr_step(300 * MS);
    assert_false(tp_producer_is_attached(producer));
    tp_producer_close(producer);
}

static void embedded_media_driver_goes_with_its_driver_and_a_new_bus_is_opened__D_154(void **state)
{
    (void)state;
    cr->has_endpoint = true;
    cr->endpoint.instance_token = 1;
    cr->endpoint.embedded_media_driver = true;
    cr_step(300 * MS);
    tp_producer_t *producer = cr_producer();
    tp_consumer_t *consumer = cr_consumer();
    const int opens = cr->opens;
    cr->endpoint.instance_token = 2;                       /* killed and started again between two looks: the old bus looks alive */
    for (size_t i = 0; i < cr->lease_count; i++) { cr->leases[i].active = false; }
    cr_step(500 * MS);
    assert_true(cr->opens > opens);
    assert_true(tp_producer_is_attached(producer));
    assert_true(tp_consumer_is_mapped(consumer));
    cr_settle();
    tp_producer_close(producer);
    tp_consumer_close(consumer);
}

static void client_on_a_given_bus_works_until_that_bus_is_lost(void **state)
{
    (void)state;
    tp_context_t *context = NULL;
    tp_client_t *client = NULL;
    tp_consumer_t *consumer = NULL;
    tp_consumer_context_t *how = cr_consumer_context();
    tpi_bus_t *bus = NULL;
    assert_int_equal(tp_context_init(&context), 0);
    assert_int_equal(tp_context_set_default_channels(context), 0);
    assert_int_equal(tp_context_add_allowed_base_dir(context, cr->base), 0);
    assert_int_equal(tpi_bus_mem_open(&bus, cr->network), 0);
    assert_int_equal(tpi_client_create_on_bus(&client, context, bus), 0);
    tp_context_close(context);
    for (int i = 0; i < 10; i++) { assert_true(tpi_client_do_work_at(client, cr->now_ns) >= 0); }
    assert_int_equal(tp_consumer_init(&consumer, client, how), 0);
    tp_consumer_context_close(how);
    for (int i = 0; i < 10; i++)
    {
        cr_driver_work();
        assert_true(tpi_client_do_work_at(client, cr->now_ns) >= 0);
    }
    assert_true(tp_client_is_connected(client));
    assert_true(tp_consumer_is_mapped(consumer));
    cr_restart_media();
    for (int i = 0; i < 10; i++) { assert_true(tpi_client_do_work_at(client, cr->now_ns += 100 * MS) >= 0); }
    assert_false(tp_client_is_connected(client));
    assert_false(tp_consumer_is_mapped(consumer));
    tp_client_close(client);
}

static void announces_may_have_a_stream_of_their_own(void **state)
{
    (void)state;
    tp_context_t *context = NULL;
    tp_client_t *client = NULL;
    tp_consumer_t *consumer = NULL;
    tp_consumer_context_t *how = cr_consumer_context();
    tpi_bus_t *bus = NULL;
    tpi_bus_async_t *async = NULL;
    tpi_publication_t *announces = NULL;
    tpi_publication_t *const control = cr->pub;
    assert_int_equal(tpi_bus_add_publication(cr->bus, &async, "aeron:ipc?term-length=4m", 1001), 0);
    while (0 == tpi_bus_add_publication_poll(async, &announces)) { (void)tpi_bus_do_work(cr->bus, cr->now_ns); }
    assert_int_equal(tp_context_init(&context), 0);
    assert_int_equal(tp_context_set_default_channels(context), 0);
    assert_int_equal(tp_context_set_announce(context, "aeron:ipc?term-length=4m", 1001), 0);
    assert_int_equal(tp_context_add_allowed_base_dir(context, cr->base), 0);
    assert_int_equal(tpi_bus_mem_open(&bus, cr->network), 0);
    assert_int_equal(tpi_client_create_on_bus(&client, context, bus), 0);
    tp_context_close(context);
    for (int i = 0; i < 10; i++) { assert_true(tpi_client_do_work_at(client, cr->now_ns) >= 0); }
    assert_int_equal(tp_consumer_context_set_driverless(how, true), 0);
    assert_int_equal(tp_consumer_init(&consumer, client, how), 0);
    tp_consumer_context_close(how);
    cr_new_epoch();
    cr->pub = announces;
    cr_announce();
    cr->pub = control;
    for (int i = 0; i < 10; i++) { assert_true(tpi_client_do_work_at(client, cr->now_ns) >= 0); }
    assert_true(tp_consumer_is_mapped(consumer));
    tp_client_close(client);
}

/* ---- sessions of tools -------------------------------------------------------------------------------------------------- */

static void tool_holds_a_lease_until_it_detaches(void **state)
{
    (void)state;
    tp_attach_request_t request = TP_ATTACH_REQUEST_INIT;
    tp_async_attach_t *async = NULL;
    tp_driver_session_t *session = NULL;
    tp_attach_info_t info;
    request.stream_id = CR_STREAM;
    assert_int_equal(tp_driver_attach_async(&async, cr->client, &request), 0);
    assert_int_equal(tp_driver_attach_poll(async, &session), 0);
    cr_settle();
    assert_int_equal(tp_driver_attach_poll(async, &session), 1);
    assert_int_equal(tp_driver_session_info(session, &info), 0);
    assert_int_equal(info.stream_id, CR_STREAM);
    assert_int_equal(info.epoch, cr->epoch);
    assert_int_equal(info.node_id, 7);
    assert_int_equal(info.pool_count, 2);
    assert_int_equal(info.max_stride_bytes, 256);
    assert_true(0 != info.client_id && 0 != info.lease_id);
    cr->keepalives = 0;
    cr_step(5000 * MS);
    assert_in_range(cr->keepalives, 4, 6);                 /* P6 */
    assert_int_equal(tp_driver_detach(session, 0), 0);
    cr_settle();
    assert_int_equal(cr->detaches, 1);
    assert_int_equal(tp_driver_detach(NULL, 0), 0);
    request.role = 9;
    assert_int_equal(tp_driver_attach_async(&async, cr->client, &request), -1);
    assert_int_equal(tp_errcode(), TP_EINVAL);
}

static void refused_tool_gets_the_drivers_answer(void **state)
{
    (void)state;
    tp_attach_request_t request = TP_ATTACH_REQUEST_INIT;
    tp_async_attach_t *async = NULL;
    tp_driver_session_t *session = NULL;
    request.stream_id = CR_STREAM;
    request.role = TP_ROLE_PRODUCER;
    cr->refuse = 1;
    cr->refuse_code = TPC_CODE_REJECTED;
    cr->refuse_text = "producer already attached";
    assert_int_equal(tp_driver_attach_async(&async, cr->client, &request), 0);
    cr_settle();
    assert_int_equal(tp_driver_attach_poll(async, &session), -1);
    assert_int_equal(tp_errcode(), TP_EPRODUCER);
    assert_true('\0' != tp_errfix()[0]);
    assert_null(session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CR_TEST(second_thread_in_do_work_is_refused__L1),
        CR_TEST(waiting_calls_are_refused_inside_callbacks_and_closing_is_put_off__A4),
        CR_TEST(full_command_ring_is_a_named_result),
        CR_TEST(commands_run_in_the_order_of_their_calls),
        CR_TEST(result_of_a_command_is_the_conductors_last_access__L2),
        CR_TEST(close_takes_everything_still_open_with_it),
        CR_TEST(closing_hands_the_lease_back),
        CR_TEST(refused_streams_are_asked_for_again_once_a_second),
        CR_TEST(refused_qos_is_asked_for_again_once_a_second),
        CR_TEST(attach_that_is_pending_ends_with_its_client),
        CR_TEST(consumer_closed_by_its_event_handler_while_next_turns_the_conductor_ends_with_that_call__L2),
        CR_TEST(closing_from_a_callback_takes_place_although_the_command_ring_is_full),
        CR_TEST(refused_private_stream_is_asked_for_again_once_a_second__W_131),
        CR_TEST(wish_for_progress_that_is_carried_out_after_the_close_finds_no_consumer),
        CR_TEST(lease_given_up_before_the_close_is_handed_back_although_the_bus_was_full),
        CR_TEST(qos_is_subscribed_to_only_while_somebody_needs_it__A1),
        CR_TEST(first_announce_after_joining_counts__A7),
        CR_TEST(handles_survive_the_loss_of_the_media_driver__D_154_D_158),
        CR_TEST(dead_driver_is_left_and_a_new_instance_is_asked_at_once_by_its_endpoint_file__D_154),
        CR_TEST(a_driver_that_was_found_is_not_searched_for_until_its_file_changes__L_309),
        CR_TEST(unreadable_endpoint_file_ends_no_lease),
        CR_TEST(embedded_media_driver_goes_with_its_driver_and_a_new_bus_is_opened__D_154),
        CR_TEST(client_on_a_given_bus_works_until_that_bus_is_lost),
        CR_TEST(announces_may_have_a_stream_of_their_own),
        CR_TEST(tool_holds_a_lease_until_it_detaches),
        CR_TEST(refused_tool_gets_the_drivers_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
