/* Metadata of a producer on the bus, and what a client with handlers gets of it. */
#include "client_rig.h"

#include <stdlib.h>

#include "client/producer_state.h"
#include "common/crc32c.h"

#define CR_METADATA 1300
#define CHANNEL "aeron:ipc?term-length=4m"
#define TRACE_MAX 4096
#define LARGE 2000000u                                     /* more chunks than leave in one duty cycle */

/* ---- what went over the bus, and what came out of the handlers ---- */

typedef struct traced { uint16_t template_id; uint32_t meta_version; int64_t at_ns; uint64_t offset; uint32_t length; uint64_t checksum; } traced_t;
typedef struct told
{
    uint32_t announces, metas, blobs;
    tp_source_announce_t announce;
    tp_source_meta_t meta;
    char name[64], summary[64], keys[256], values[256];
    tp_meta_blob_t blob;
    uint8_t *bytes;
}
told_t;

static traced_t trace[TRACE_MAX];
static size_t traced;
static told_t told;
static tpi_publication_t *foreign;

static void on_tap(void *clientd, const tpi_message_t *message)
{
    tpc_header_t h = { 0, 0, 0, 0 };
    tpc_source_announce_t announce;
    tpc_source_meta_t meta;
    tpc_blob_announce_t blob;
    tpc_blob_chunk_t chunk;
    tpc_blob_complete_t complete;
    (void)clientd;
    assert_int_equal(tpc_header_decode(&h, message->data, message->length), TPC_OK);
    assert_true(traced < TRACE_MAX);
    traced_t t = { .template_id = h.template_id, .at_ns = cr->now_ns };
    if (TPC_OK == tpc_source_announce_decode(&announce, message->data, message->length)) { t.meta_version = announce.meta_version; }
    if (TPC_OK == tpc_source_meta_decode(&meta, message->data, message->length)) { t.meta_version = meta.meta_version; }
    if (TPC_OK == tpc_blob_announce_decode(&blob, message->data, message->length))
    {
        t.meta_version = blob.meta_version;
        t.checksum = blob.checksum;
        t.length = (uint32_t)blob.total_len;
    }
    if (TPC_OK == tpc_blob_chunk_decode(&chunk, message->data, message->length)) { t.offset = chunk.chunk_offset; t.length = chunk.bytes.length; }
    if (TPC_OK == tpc_blob_complete_decode(&complete, message->data, message->length)) { t.checksum = complete.checksum; }
    trace[traced++] = t;
}

static size_t count_of(uint16_t template_id)
{
    size_t n = 0;
    for (size_t i = 0; i < traced; i++) { n += template_id == trace[i].template_id ? 1 : 0; }
    return n;
}

static const traced_t *last_of(uint16_t template_id)
{
    for (size_t i = traced; i > 0; i--) { if (template_id == trace[i - 1].template_id) { return &trace[i - 1]; } }
    return NULL;
}

static void add(char *text, size_t size, tp_bytes_t bytes)
{
    const size_t used = strlen(text);
    (void)snprintf(text + used, size - used, "%.*s;", (int)bytes.length, bytes.length > 0 ? (const char *)bytes.data : "");
}

static void on_announce(void *clientd, const tp_source_announce_t *announce)
{
    told_t *t = clientd;
    t->announces++;
    t->announce = *announce;
    (void)snprintf(t->name, sizeof(t->name), "%.*s", (int)announce->name.length, (const char *)announce->name.data);
    (void)snprintf(t->summary, sizeof(t->summary), "%.*s", (int)announce->summary.length, (const char *)announce->summary.data);
}

static void on_meta(void *clientd, const tp_source_meta_t *meta)
{
    told_t *t = clientd;
    t->metas++;
    t->meta = *meta;
    t->keys[0] = '\0';
    t->values[0] = '\0';
    for (uint32_t i = 0; i < meta->attribute_count; i++)
    {
        add(t->keys, sizeof(t->keys), meta->attributes[i].key);
        add(t->values, sizeof(t->values), meta->attributes[i].value);
    }
}

static void on_blob(void *clientd, const tp_meta_blob_t *blob)
{
    told_t *t = clientd;
    t->blobs++;
    t->blob = *blob;
    free(t->bytes);
    t->bytes = malloc(blob->blob.length + 1);
    assert_non_null(t->bytes);
    if (0 != blob->blob.length) { memcpy(t->bytes, blob->blob.data, blob->blob.length); }
}

static void listen_with(uint64_t blob_bytes_max)
{
    tp_metadata_handlers_t handlers = TP_METADATA_HANDLERS_INIT;
    handlers.clientd = &told;
    handlers.on_source_announce = on_announce;
    handlers.on_source_meta = on_meta;
    handlers.on_meta_blob = on_blob;
    handlers.blob_bytes_max = blob_bytes_max;
    assert_int_equal(tp_client_set_metadata_handlers(cr->client, &handlers), 0);
    cr_step(40 * MS);                                      /* subscribed on a tick */
}

static void deaf(void)
{
    assert_int_equal(tp_client_set_metadata_handlers(cr->client, NULL), 0);
    cr_step(40 * MS);
}

static tpi_publication_t *publication_of(tpi_bus_t *bus)
{
    tpi_bus_async_t *async = NULL;
    tpi_publication_t *pub = NULL;
    assert_int_equal(tpi_bus_add_publication(bus, &async, CHANNEL, CR_METADATA), 0);
    while (0 == tpi_bus_add_publication_poll(async, &pub)) { (void)tpi_bus_do_work(bus, cr->now_ns); }
    assert_non_null(pub);
    return pub;
}

static int setup(void **state)
{
    (void)cr_setup(state);
    traced = 0;
    memset(&told, 0, sizeof(told));
    foreign = publication_of(cr->bus);
    tpi_mem_network_tap(cr->network, CR_METADATA, on_tap, NULL);
    return 0;
}

static int teardown(void **state)
{
    const int rc = cr_teardown(state);                     /* may still hand a blob out */
    free(told.bytes);
    return rc;
}

static tp_metadata_stats_t stats_of(const tp_producer_t *producer)
{
    tp_metadata_stats_t stats;
    assert_int_equal(tp_producer_metadata_stats(producer, &stats), 0);
    return stats;
}

static tp_metadata_ignored_t ignored(void)
{
    tp_metadata_ignored_t i;
    cr_step(20 * MS);
    assert_int_equal(tp_client_metadata_ignored(cr->client, &i), 0);
    return i;
}

static int set_two(tp_producer_t *producer, const char *gain)
{
    const tp_attribute_t attributes[] = { { tp_bytes_of("gain"), tp_bytes_of("text/plain"), tp_bytes_of(gain) },
        { tp_bytes_of("roi"), tp_bytes_of("application/json"), tp_bytes_of("[0,0,4,4]") } };
    return tp_producer_set_metadata(producer, attributes, 2);
}

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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(announces_come_once_a_second_with_the_current_version__W_179_W_188_O_63),
        TEST(a_refused_announce_goes_out_in_the_next_duty_cycle__W_179), TEST(nothing_is_announced_without_a_lease),
        TEST(a_producer_with_a_driver_announces_no_regions__W_075),
        TEST(a_change_goes_out_at_once_and_is_repeated__W_180), TEST(a_late_joiner_obtains_the_attributes__W_180_O_37),
        TEST(a_change_raises_the_version_everywhere__W_181_O_47_O_63), TEST(metadata_survive_a_lost_lease__W_180_W_181),
        TEST(wrong_attributes_are_refused_and_change_nothing), TEST(metadata_may_be_set_in_a_callback__A4),
        TEST(a_blob_arrives_whole__W_183_W_186_W_187), TEST(the_description_of_a_version_precedes_its_blob),
        TEST(back_pressure_delays_a_blob_and_loses_nothing__W_183), TEST(a_lost_chunk_ends_the_blob__W_184),
        TEST(a_blob_waits_for_a_listener_and_starts_over_for_the_next), TEST(blobs_are_bounded_at_the_sender),
        TEST(hostile_blobs_cost_nothing_and_reach_nobody__W_184_W_254_P11), TEST(broken_metadata_are_ignored_as_a_whole__W_182_P9_P11),
        TEST(without_handlers_nothing_is_subscribed_to__A1), TEST(metadata_go_on_after_the_media_driver_was_replaced__W_180),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
