/* Name, summary and attributes of a producer on the bus, and what a client with handlers gets of them. */
#include "client_meta_rig.h"

/* ---- announce ---- */

static void announces_come_once_a_second_with_the_current_version__W_179_W_188_O_63(void **state)
{
    (void)state;
    listen_with(0);
    tp_producer_t *const producer = cr_producer();
    cr_step(100 * MS);
    assert_true(told.announces >= 1);                      /* at once, also without a name */
    assert_int_equal(told.announce.meta_version, 0);
    assert_int_equal(told.announce.stream_id, CR_STREAM);
    assert_int_equal(told.announce.epoch, cr->epoch);
    assert_int_equal(told.announce.producer_id, cr_lease(TP_ROLE_PRODUCER)->client_id);
    assert_int_equal(told.metas, 0);
    assert_int_equal(set_two(producer, "3"), 0);
    assert_int_equal(tp_producer_set_data_source(producer, "cam1", "uint16 4x4"), 0);
    cr_step(100 * MS);
    told.announces = 0;
    cr_step(10000 * MS);
    assert_in_range(told.announces, 9, 11);
    assert_int_equal(told.announce.meta_version, 1);
    assert_string_equal(told.name, "cam1");
    assert_string_equal(told.summary, "uint16 4x4");
    assert_int_equal(stats_of(producer).announces, count_of(TPC_SOURCE_ANNOUNCE));
    tp_producer_close(producer);
}

static void a_refused_announce_goes_out_in_the_next_duty_cycle__W_179(void **state)
{
    (void)state;
    listen_with(0);
    tp_producer_t *const producer = cr_producer();
    cr_step(100 * MS);
    const uint64_t before = stats_of(producer).announces;
    assert_int_equal(tpi_mem_network_fault(cr->network, CR_METADATA, TPI_MEM_BACK_PRESSURE, 3), 0);
    assert_int_equal(tp_producer_set_data_source(producer, "again", NULL), 0);
    cr_step(20 * MS);
    cr_settle();
    assert_int_equal(stats_of(producer).announces, before + 1);
    assert_int_equal(stats_of(producer).refused, 3);
    assert_string_equal(told.name, "again");
    tp_producer_close(producer);
}

static void nothing_is_announced_without_a_lease(void **state)
{
    (void)state;
    listen_with(0);
    cr->mute = true;
    tp_producer_t *const producer = cr_producer();
    assert_int_equal(set_two(producer, "3"), 0);
    cr_step(3000 * MS);
    assert_int_equal(traced, 0);
    cr->mute = false;
    cr_step(3000 * MS);
    assert_true(told.metas >= 1);
    tp_producer_close(producer);
    cr_step(100 * MS);
    traced = 0;
    cr_step(3000 * MS);
    assert_int_equal(traced, 0);
}

static size_t pool_announces;

static void on_control(void *clientd, const tpi_message_t *message)
{
    tpc_pool_announce_t announce;
    (void)clientd;
    if (TPC_OK == tpc_pool_announce_decode(&announce, message->data, message->length)) { pool_announces++; }
}

static void a_producer_with_a_driver_announces_no_regions__W_075(void **state)
{
    (void)state;
    pool_announces = 0;
    tp_producer_t *const producer = cr_producer();
    cr->no_announces = true;                               /* the driver's own */
    tpi_mem_network_tap(cr->network, CR_CONTROL, on_control, NULL);
    cr_step(2500 * MS);
    assert_true(tp_producer_is_attached(producer));
    assert_int_equal(pool_announces, 0);
    cr_announce();
    assert_int_equal(pool_announces, 1);
    tpi_mem_network_tap(cr->network, CR_CONTROL, NULL, NULL);
    tp_producer_close(producer);
}

/* ---- attributes ---- */

static void a_change_goes_out_at_once_and_is_repeated__W_180(void **state)
{
    (void)state;
    listen_with(0);
    tp_producer_t *const producer = cr_producer();
    cr_step(100 * MS);
    assert_int_equal(set_two(producer, "3"), 0);
    cr_settle();
    assert_int_equal(told.metas, 1);
    assert_string_equal(told.keys, "gain;roi;");
    assert_string_equal(told.values, "3;[0,0,4,4];");
    cr_step(300 * MS);
    assert_int_equal(set_two(producer, "4"), 0);           /* long before the next repetition */
    cr_settle();
    assert_int_equal(told.metas, 2);
    assert_string_equal(told.values, "4;[0,0,4,4];");
    assert_int_equal(told.meta.meta_version, 2);
    told.metas = 0;
    cr_step(5000 * MS);
    assert_in_range(told.metas, 4, 6);
    assert_int_equal(told.meta.meta_version, 2);
    tp_producer_close(producer);
}

static void a_late_joiner_obtains_the_attributes__W_180_O_37(void **state)
{
    (void)state;
    tp_producer_t *const producer = cr_producer();
    assert_int_equal(set_two(producer, "3"), 0);
    cr_step(5000 * MS);
    assert_int_equal(told.metas, 0);
    listen_with(0);
    cr_step(1100 * MS);
    assert_true(told.metas >= 1);
    assert_string_equal(told.keys, "gain;roi;");
    assert_true(told.announces >= 1);
    tp_producer_close(producer);
}

static void a_change_raises_the_version_everywhere__W_181_O_47_O_63(void **state)
{
    (void)state;
    tp_frame_view_t view;
    listen_with(0);
    tp_consumer_t *const consumer = cr_consumer();
    tp_producer_t *const producer = cr_producer();
    cr_step(100 * MS);
    assert_int_equal(tp_producer_meta_version(producer), 0);
    assert_int_equal(cr_publish(producer, 1), 0);
    cr_settle();
    assert_int_equal(tp_consumer_next(consumer, &view, 0), 1);
    assert_int_equal(view.meta_version, TP_NULL_U32);
    assert_int_equal(cr->descriptor[0].meta_version, TP_NULL_U32);
    for (uint32_t version = 1; version <= 3; version++)
    {
        char gain[8];
        (void)snprintf(gain, sizeof(gain), "%u", version);
        assert_int_equal(set_two(producer, gain), 0);
        assert_int_equal(tp_producer_meta_version(producer), version);
        assert_int_equal(cr_publish(producer, 1), version);
        cr_settle();
        assert_int_equal(tp_consumer_next(consumer, &view, 0), 1);
        assert_int_equal(view.meta_version, version);
        assert_int_equal(cr->descriptor[version].meta_version, version);
        assert_int_equal(told.announce.meta_version, version);
        assert_int_equal(told.meta.meta_version, version);
    }
    assert_int_equal(set_two(producer, "3"), 0);           /* the same again is no change */
    assert_int_equal(tp_producer_meta_version(producer), 3);
    tp_frame_metadata_t own = TP_FRAME_METADATA_INIT;
    own.meta_version = 2;                                  /* a frame of before the change */
    const uint16_t frame[16] = { 0 };
    assert_int_equal(tp_producer_offer_frame(producer, cr->tensor, frame, sizeof(frame), &own), 4);
    cr_settle();
    assert_int_equal(tp_consumer_next(consumer, &view, 0), 1);
    assert_int_equal(view.meta_version, 2);
    tp_producer_close(producer);
    tp_consumer_close(consumer);
}

static void metadata_survive_a_lost_lease__W_180_W_181(void **state)
{
    (void)state;
    listen_with(0);
    tp_producer_t *const producer = cr_producer();
    assert_int_equal(set_two(producer, "3"), 0);
    cr_step(100 * MS);
    const uint64_t first = cr->epoch;
    told.metas = 0;
    cr_revoke(cr_lease(TP_ROLE_PRODUCER), TPC_REVOKE_REVOKED);
    cr_step(600 * MS);
    assert_true(cr->epoch > first);
    assert_true(tp_producer_is_attached(producer));
    assert_true(told.metas >= 1);                          /* a new epoch is told at once */
    assert_int_equal(told.announce.epoch, cr->epoch);
    assert_int_equal(told.meta.meta_version, 1);
    assert_int_equal(tp_producer_meta_version(producer), 1);
    tp_producer_close(producer);
}

static void wrong_attributes_are_refused_and_change_nothing(void **state)
{
    (void)state;
    listen_with(0);
    tp_producer_t *const producer = cr_producer();
    cr_step(100 * MS);
    static char large[TP_METADATA_BYTES_MAX + 1];
    memset(large, 'x', sizeof(large));
    const tp_bytes_t plain = tp_bytes_of("text/plain");
    const tp_bytes_t value = tp_bytes_of("v");
    const tp_attribute_t twice[] = { { tp_bytes_of("a"), plain, value }, { tp_bytes_of("b"), plain, value }, { tp_bytes_of("a"), plain, value } };
    const tp_attribute_t no_key = { tp_bytes_of(""), plain, value };
    const tp_attribute_t umlaut = { tp_bytes_of("gr\xc3\xb6\xc3\x9f\x65"), plain, value };
    const tp_attribute_t umlaut_format = { tp_bytes_of("a"), tp_bytes_of("text/pl\xc3\xa4in"), value };
    const tp_attribute_t nowhere = { tp_bytes_of("a"), plain, { NULL, 5 } };
    /* header 8, block 16, group header 4, three lengths 12, key 1 */
    const tp_attribute_t longest = { tp_bytes_of("a"), tp_bytes_of(""), { large, TP_METADATA_BYTES_MAX - 41 } };
    const tp_attribute_t too_long = { tp_bytes_of("a"), tp_bytes_of(""), { large, TP_METADATA_BYTES_MAX - 40 } };
    const tp_attribute_t far_too_long = { tp_bytes_of("a"), tp_bytes_of(""), { large, SIZE_MAX / 2 } };
    assert_int_equal(tp_producer_set_metadata(producer, twice, 3), -1);
    assert_int_equal(tp_errcode(), TP_EINVAL);
    assert_int_equal(tp_producer_set_metadata(producer, &no_key, 1), -1);
    assert_int_equal(tp_producer_set_metadata(producer, &umlaut, 1), -1);
    assert_int_equal(tp_producer_set_metadata(producer, &umlaut_format, 1), -1);
    assert_int_equal(tp_producer_set_metadata(producer, &nowhere, 1), -1);
    assert_int_equal(tp_producer_set_metadata(producer, &too_long, 1), -1);
    assert_int_equal(tp_producer_set_metadata(producer, &far_too_long, 1), -1);
    assert_int_equal(tp_producer_set_metadata(producer, twice, TP_ATTRIBUTES_MAX + 1), -1);
    assert_int_equal(tp_producer_set_metadata(producer, NULL, 1), -1);
    assert_int_equal(tp_producer_set_data_source(producer, "\xff", NULL), -1);
    large[TP_DATA_SOURCE_TEXT_MAX + 1] = '\0';
    assert_int_equal(tp_producer_set_data_source(producer, NULL, large), -1);
    large[TP_DATA_SOURCE_TEXT_MAX] = '\0';
    assert_int_equal(tp_producer_set_data_source(producer, NULL, large), 0);
    assert_int_equal(tp_producer_meta_version(producer), 0);
    assert_int_equal(tp_producer_set_metadata(producer, &longest, 1), 0);
    assert_int_equal(tp_producer_set_metadata(producer, NULL, 0), 0);              /* a version without attributes */
    assert_int_equal(tp_producer_meta_version(producer), 2);
    cr_settle();
    assert_int_equal(told.meta.meta_version, 2);
    assert_int_equal(told.meta.attribute_count, 0);
    tp_producer_close(producer);
}

static void set_from_event(void *clientd, tp_producer_event_t event, uint64_t epoch, int code, const char *text)
{
    tp_producer_t **producer = clientd;
    (void)epoch;
    (void)code;
    (void)text;
    if (TP_PRODUCER_REATTACHED == event) { assert_int_equal(set_two(*producer, "new"), 0); }
}

static void metadata_may_be_set_in_a_callback__A4(void **state)
{
    (void)state;
    static tp_producer_t *producer;
    tp_producer_context_t *context = cr_producer_context();
    listen_with(0);
    assert_int_equal(tp_producer_context_set_event_handler(context, set_from_event, &producer), 0);
    producer = cr_producer_with(context);
    cr_revoke(cr_lease(TP_ROLE_PRODUCER), TPC_REVOKE_REVOKED);
    cr_step(600 * MS);
    assert_int_equal(tp_producer_meta_version(producer), 1);
    assert_string_equal(told.values, "new;[0,0,4,4];");
    tp_producer_close(producer);
}

/* ---- who listens ---- */

static void without_handlers_nothing_is_subscribed_to__A1(void **state)
{
    (void)state;
    tp_producer_t *const producer = cr_producer();
    cr_step(1000 * MS);
    assert_null(cr->client->connection->metadata.subscription);
    assert_false(tpi_publication_is_connected(foreign));
    listen_with(0);
    assert_true(tpi_publication_is_connected(foreign));
    deaf();
    assert_null(cr->client->connection->metadata.subscription);
    assert_false(tpi_publication_is_connected(foreign));
    told.announces = 0;
    cr_step(2000 * MS);
    assert_int_equal(told.announces, 0);
    tp_producer_close(producer);
    cr_step(100 * MS);
    assert_null(cr->client->connection->metadata.publication);
}

static void metadata_go_on_after_the_media_driver_was_replaced__W_180(void **state)
{
    (void)state;
    listen_with(0);
    tp_producer_t *const producer = cr_producer();
    assert_int_equal(set_two(producer, "3"), 0);
    cr_step(100 * MS);
    tpi_mem_network_tap(cr->network, CR_METADATA, NULL, NULL);
    cr_restart_media();
    told.metas = 0;
    cr_step(6000 * MS);
    assert_true(tp_producer_is_attached(producer));
    assert_true(told.metas >= 1);
    assert_int_equal(told.announce.epoch, cr->epoch);
    tp_producer_close(producer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        META_TEST(announces_come_once_a_second_with_the_current_version__W_179_W_188_O_63),
        META_TEST(a_refused_announce_goes_out_in_the_next_duty_cycle__W_179), META_TEST(nothing_is_announced_without_a_lease),
        META_TEST(a_producer_with_a_driver_announces_no_regions__W_075), META_TEST(a_change_goes_out_at_once_and_is_repeated__W_180),
        META_TEST(a_late_joiner_obtains_the_attributes__W_180_O_37), META_TEST(a_change_raises_the_version_everywhere__W_181_O_47_O_63),
        META_TEST(metadata_survive_a_lost_lease__W_180_W_181), META_TEST(wrong_attributes_are_refused_and_change_nothing),
        META_TEST(metadata_may_be_set_in_a_callback__A4), META_TEST(without_handlers_nothing_is_subscribed_to__A1),
        META_TEST(metadata_go_on_after_the_media_driver_was_replaced__W_180),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
