/* Blobs of a producer on the bus, back pressure, listeners that come and go, hostile senders. */
#include "client_meta_rig.h"

/* ---- blobs ---- */

static uint8_t *pattern(size_t length)
{
    uint8_t *bytes = malloc(length);
    assert_non_null(bytes);
    for (size_t i = 0; i < length; i++) { bytes[i] = (uint8_t)(i * 31 + i / 256); }
    return bytes;
}

static void a_blob_arrives_whole__W_183_W_186_W_187(void **state)
{
    (void)state;
    const size_t length = 1000000;
    uint8_t *const bytes = pattern(length);
    listen_with(0);
    tp_producer_t *const producer = cr_producer();
    assert_int_equal(set_two(producer, "3"), 0);
    assert_int_equal(tp_producer_send_meta_blob(producer, 42, bytes, length, true), 0);
    cr_step(200 * MS);
    assert_int_equal(told.blobs, 1);
    assert_int_equal(told.blob.blob.length, length);
    assert_int_equal(told.blob.blob_type, 42);
    assert_int_equal(told.blob.meta_version, 1);
    assert_int_equal(told.blob.checksum, tpi_crc32c(0, bytes, length));
    assert_memory_equal(told.bytes, bytes, length);
    uint64_t covered = 0;
    for (size_t i = 0; i < traced; i++)
    {
        if (TPC_BLOB_CHUNK != trace[i].template_id) { continue; }
        assert_int_equal(trace[i].offset, covered);
        assert_in_range(trace[i].length, 1, 65536);
        covered += trace[i].length;
    }
    assert_int_equal(covered, length);
    assert_int_equal(last_of(TPC_BLOB_COMPLETE)->checksum, told.blob.checksum);
    assert_int_equal(stats_of(producer).blobs, 1);
    assert_int_equal(stats_of(producer).blobs_queued, 0);
    assert_int_equal(stats_of(producer).blob_chunks, count_of(TPC_BLOB_CHUNK));
    free(bytes);
    tp_producer_close(producer);
}

static void the_description_of_a_version_precedes_its_blob(void **state)
{
    (void)state;
    listen_with(0);
    tp_producer_t *const producer = cr_producer();
    cr_step(100 * MS);
    traced = 0;
    assert_int_equal(tpi_mem_network_fault(cr->network, CR_METADATA, TPI_MEM_BACK_PRESSURE, 4), 0);
    assert_int_equal(set_two(producer, "3"), 0);
    assert_int_equal(tp_producer_send_meta_blob(producer, 1, "abc", 3, false), 0);
    cr_step(60 * MS);
    assert_int_equal(told.blobs, 1);
    size_t meta_at = SIZE_MAX;
    for (size_t i = 0; i < traced; i++)
    {
        if (TPC_SOURCE_META == trace[i].template_id && SIZE_MAX == meta_at) { meta_at = i; }
        if (TPC_BLOB_ANNOUNCE == trace[i].template_id) { assert_true(meta_at < i); }
    }
    tp_producer_close(producer);
}

static void back_pressure_delays_a_blob_and_loses_nothing__W_183(void **state)
{
    (void)state;
    const size_t length = LARGE;
    uint8_t *const bytes = pattern(length);
    listen_with(0);
    tp_producer_t *const producer = cr_producer();
    cr_step(100 * MS);
    assert_int_equal(tp_producer_send_meta_blob(producer, 1, bytes, length, true), 0);
    for (int i = 0; i < 40 && 0 == told.blobs; i++)
    {
        assert_int_equal(tpi_mem_network_fault(cr->network, CR_METADATA, 0 == i % 3 ? TPI_MEM_ADMIN_ACTION : TPI_MEM_BACK_PRESSURE, 2), 0);
        cr_step(20 * MS);
    }
    assert_int_equal(told.blobs, 1);
    assert_memory_equal(told.bytes, bytes, length);
    assert_true(stats_of(producer).refused > 0);
    free(bytes);
    tp_producer_close(producer);
}

static void a_lost_chunk_ends_the_blob__W_184(void **state)
{
    (void)state;
    const size_t length = LARGE;
    uint8_t *const bytes = pattern(length);
    listen_with(0);
    tp_producer_t *const producer = cr_producer();
    cr_step(100 * MS);
    assert_int_equal(tp_producer_send_meta_blob(producer, 1, bytes, length, true), 0);
    assert_int_equal(stats_of(producer).blobs_queued, 1);                    /* a part of it is out */
    assert_int_equal(tpi_mem_network_fault(cr->network, CR_METADATA, TPI_MEM_LOSE, 1), 0);
    cr_step(200 * MS);
    assert_int_equal(stats_of(producer).blobs, 1);
    assert_int_equal(told.blobs, 0);
    assert_int_equal(ignored().blobs_broken, 1);
    assert_true(ignored().blob_strays >= 1);
    assert_int_equal(tp_producer_send_meta_blob(producer, 2, bytes, length, true), 0);
    cr_step(200 * MS);
    assert_int_equal(told.blobs, 1);
    assert_int_equal(told.blob.blob_type, 2);
    free(bytes);
    tp_producer_close(producer);
}

static void a_blob_waits_for_a_listener_and_starts_over_for_the_next(void **state)
{
    (void)state;
    const size_t length = LARGE;
    uint8_t *const bytes = pattern(length);
    tp_producer_t *const producer = cr_producer();
    cr_step(100 * MS);
    assert_int_equal(tp_producer_send_meta_blob(producer, 1, bytes, length, false), 0);
    cr_step(3000 * MS);
    assert_int_equal(stats_of(producer).blobs_queued, 1);
    assert_int_equal(count_of(TPC_BLOB_ANNOUNCE), 0);
    listen_with(0);
    cr_step(200 * MS);
    assert_int_equal(told.blobs, 1);
    assert_memory_equal(told.bytes, bytes, length);
    assert_int_equal(tp_producer_send_meta_blob(producer, 1, bytes, length, false), 0);       /* a part of it is out */
    assert_int_equal(stats_of(producer).blobs_queued, 1);
    assert_int_equal(tpi_mem_network_fault(cr->network, CR_METADATA, TPI_MEM_NOT_CONNECTED, 1), 0);
    cr_step(200 * MS);
    assert_int_equal(told.blobs, 2);
    assert_memory_equal(told.bytes, bytes, length);
    assert_int_equal(stats_of(producer).blob_restarts, 1);
    assert_int_equal(ignored().blobs_unfinished, 1);
    free(bytes);
    tp_producer_close(producer);
}

static void blobs_are_bounded_at_the_sender(void **state)
{
    (void)state;
    tp_producer_t *const producer = cr_producer();
    uint8_t *const large = calloc(1, TP_META_BLOB_BYTES_MAX + 1);
    assert_non_null(large);
    assert_int_equal(tp_producer_send_meta_blob(producer, 1, large, TP_META_BLOB_BYTES_MAX + 1, false), -1);
    assert_int_equal(tp_errcode(), TP_EINVAL);
    assert_int_equal(tp_producer_send_meta_blob(producer, 1, NULL, 1, false), -1);
    assert_int_equal(tp_producer_send_meta_blob(producer, 1, large, TP_META_BLOB_BYTES_MAX, false), 0);
    free(large);
    for (int i = 1; i < TP_META_BLOBS_MAX; i++) { assert_int_equal(tp_producer_send_meta_blob(producer, 1, NULL, 0, true), 0); }
    assert_int_equal(stats_of(producer).blobs_queued, TP_META_BLOBS_MAX);
    assert_int_equal(tp_producer_send_meta_blob(producer, 1, NULL, 0, false), -1);
    assert_int_equal(tp_errcode(), TP_EFULL);
    tp_producer_close(producer);
}

/* ---- small terms ---- */

static int complaints;

static void on_error(void *clientd, int code, const char *text)
{
    (void)clientd;
    assert_int_equal(code, TP_EINVAL);
    assert_non_null(strstr(text, "metadata of stream 10000"));
    complaints++;
}

static void what_no_message_can_hold_is_told_once_and_blobs_get_shorter_chunks__O_36(void **state)
{
    (void)state;
    static char large[1001];
    uint8_t *const bytes = pattern(5000);
    const tp_attribute_t long_one = { tp_bytes_of("a"), tp_bytes_of(""), { large, sizeof(large) - 41 } };      /* one byte more than fits */
    const tp_attribute_t short_one = { tp_bytes_of("a"), tp_bytes_of(""), { large, sizeof(large) - 42 } };
    complaints = 0;
    memset(large, 'x', sizeof(large));
    cr->client->settings.error_handler = on_error;
    listen_with(0);
    tp_producer_t *const producer = cr_producer();
    cr_step(100 * MS);
    cr->client->connection->metadata.publication->max_message = 1000;
    assert_int_equal(tp_producer_set_metadata(producer, &long_one, 1), 0);
    assert_int_equal(tp_producer_send_meta_blob(producer, 1, bytes, 5000, true), 0);
    cr_step(3100 * MS);
    assert_int_equal(told.metas, 0);
    assert_in_range(stats_of(producer).too_long, 3, 5);
    assert_int_equal(complaints, 1);
    assert_int_equal(told.announce.meta_version, 1);
    assert_int_equal(told.blobs, 1);
    assert_memory_equal(told.bytes, bytes, 5000);
    assert_int_equal(count_of(TPC_BLOB_CHUNK), (5000 + 971) / 972);
    assert_int_equal(tp_producer_set_metadata(producer, &short_one, 1), 0);
    cr_settle();
    assert_int_equal(told.metas, 1);
    free(bytes);
    tp_producer_close(producer);
}

static void the_length_of_chunks_is_configurable__W_187(void **state)
{
    (void)state;
    tp_producer_context_t *context = cr_producer_context();
    assert_int_equal(tp_producer_context_set_meta_blob_chunk_max(context, 0), -1);
    assert_int_equal(tp_producer_context_set_meta_blob_chunk_max(context, 65537), -1);
    assert_int_equal(tp_producer_context_set_meta_blob_chunk_max(context, 65536), 0);
    assert_int_equal(tp_producer_context_set_meta_blob_chunk_max(context, 100), 0);
    listen_with(0);
    tp_producer_t *const producer = cr_producer_with(context);
    static const uint8_t bytes[250];
    cr_step(100 * MS);
    assert_int_equal(tp_producer_send_meta_blob(producer, 1, bytes, sizeof(bytes), true), 0);
    cr_step(100 * MS);
    assert_int_equal(told.blobs, 1);
    assert_int_equal(count_of(TPC_BLOB_CHUNK), 3);
    tp_producer_close(producer);
}

/* ---- hostile senders ---- */

static void send_foreign(const uint8_t *data, int64_t length)
{
    assert_true(length > 0);
    assert_true(tpi_publication_offer(foreign, data, (size_t)length) > 0);
}

static void send_blob_announce(uint64_t total_len)
{
    uint8_t buffer[64];
    const tpc_blob_announce_t m = { .stream_id = CR_STREAM, .meta_version = 1, .blob_type = 1, .total_len = total_len, .checksum = 0 };
    send_foreign(buffer, tpc_blob_announce_encode(buffer, sizeof(buffer), &m));
}

static void send_blob_chunk(uint64_t offset, uint32_t length)
{
    static const char bytes[1024];
    uint8_t buffer[2048];
    const tpc_blob_chunk_t m = { .stream_id = CR_STREAM, .meta_version = 1, .chunk_offset = offset, .bytes = { bytes, length } };
    send_foreign(buffer, tpc_blob_chunk_encode(buffer, sizeof(buffer), &m));
}

static void send_blob_complete(uint64_t checksum)
{
    uint8_t buffer[64];
    const tpc_blob_complete_t m = { .stream_id = CR_STREAM, .meta_version = 1, .checksum = checksum };
    send_foreign(buffer, tpc_blob_complete_encode(buffer, sizeof(buffer), &m));
}

static void hostile_blobs_cost_nothing_and_reach_nobody__W_184_W_254_P11(void **state)
{
    (void)state;
    listen_with(1000);
    cr_settle();
    static const uint64_t lengths[] = { UINT64_MAX, UINT64_C(1) << 63, 1001 };
    for (size_t i = 0; i < 3; i++)
    {
        send_blob_announce(lengths[i]);
        send_blob_chunk(0, 100);
        send_blob_complete(0);
        cr_settle();
        assert_int_equal(cr->client->events.blobs.allocated, 0);
    }
    assert_int_equal(ignored().blobs_too_long, 3);
    assert_int_equal(ignored().blob_strays, 6);
    send_blob_announce(1000);
    send_blob_chunk(0, 600);
    send_blob_chunk(601, 399);
    send_blob_announce(1000);
    send_blob_chunk(0, 600);
    send_blob_chunk(600, 401);
    send_blob_announce(1000);
    send_blob_chunk(0, 600);
    send_blob_complete(0);
    send_blob_announce(1000);
    send_blob_chunk(0, 1000);
    send_blob_complete(1);
    cr_settle();
    assert_int_equal(ignored().blobs_broken, 4);
    assert_int_equal(told.blobs, 0);
    send_blob_announce(1000);
    send_blob_chunk(0, 1000);
    send_blob_complete(0);
    cr_settle();
    assert_int_equal(told.blobs, 1);
    send_blob_announce(500);                               /* and falls silent */
    send_blob_chunk(0, 100);
    cr_settle();
    assert_true(cr->client->events.blobs.allocated > 0);
    cr_step(10100 * MS);
    assert_int_equal(cr->client->events.blobs.allocated, 0);
    assert_int_equal(ignored().blobs_unfinished, 1);
}

static void broken_metadata_are_ignored_as_a_whole__W_182_P9_P11(void **state)
{
    (void)state;
    static tpc_attribute_t rows[TP_ATTRIBUTES_MAX + 1];
    static uint8_t buffer[65536];
    char keys[TP_ATTRIBUTES_MAX + 1][8];
    listen_with(0);
    cr_settle();
    for (size_t i = 0; i <= TP_ATTRIBUTES_MAX; i++)
    {
        (void)snprintf(keys[i], sizeof(keys[i]), "k%zu", i);
        rows[i].key = tpc_bytes(keys[i]);
    }
    tpc_source_meta_t m = TPC_SOURCE_META_INIT;
    m.stream_id = CR_STREAM;
    m.meta_version = 9;
    m.attributes = rows;
    m.attribute_count = TP_ATTRIBUTES_MAX + 1;
    send_foreign(buffer, tpc_source_meta_encode(buffer, sizeof(buffer), &m));
    cr_settle();
    assert_int_equal(told.metas, 0);
    assert_int_equal(ignored().too_many_attributes, 1);
    m.attribute_count = TP_ATTRIBUTES_MAX;
    const int64_t length = tpc_source_meta_encode(buffer, sizeof(buffer), &m);
    send_foreign(buffer, length);
    cr_settle();
    assert_int_equal(told.metas, 1);
    assert_int_equal(told.meta.attribute_count, TP_ATTRIBUTES_MAX);
    for (int64_t cut = 8; cut < 60; cut++) { send_foreign(buffer, cut); }      /* truncated anywhere */
    cr_settle();
    assert_int_equal(told.metas, 1);
    assert_int_equal(ignored().malformed, 52);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        META_TEST(a_blob_arrives_whole__W_183_W_186_W_187), META_TEST(the_description_of_a_version_precedes_its_blob),
        META_TEST(back_pressure_delays_a_blob_and_loses_nothing__W_183), META_TEST(a_lost_chunk_ends_the_blob__W_184),
        META_TEST(a_blob_waits_for_a_listener_and_starts_over_for_the_next), META_TEST(blobs_are_bounded_at_the_sender),
        META_TEST(what_no_message_can_hold_is_told_once_and_blobs_get_shorter_chunks__O_36),
        META_TEST(the_length_of_chunks_is_configurable__W_187), META_TEST(hostile_blobs_cost_nothing_and_reach_nobody__W_184_W_254_P11),
        META_TEST(broken_metadata_are_ignored_as_a_whole__W_182_P9_P11),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
