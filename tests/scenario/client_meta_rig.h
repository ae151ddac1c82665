/* What the tests of metadata share: a trace of the metadata stream, handlers that remember, a foreign sender. Included once a program. */
#ifndef TP_TESTS_CLIENT_META_RIG_H
#define TP_TESTS_CLIENT_META_RIG_H
#include "client_rig.h"

#include <stdlib.h>

#include "bus/bus_ops.h"
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

static inline void on_tap(void *clientd, const tpi_message_t *message)
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

static inline size_t count_of(uint16_t template_id)
{
    size_t n = 0;
    for (size_t i = 0; i < traced; i++) { n += template_id == trace[i].template_id ? 1 : 0; }
    return n;
}

static inline const traced_t *last_of(uint16_t template_id)
{
    for (size_t i = traced; i > 0; i--) { if (template_id == trace[i - 1].template_id) { return &trace[i - 1]; } }
    return NULL;
}

static inline void add(char *text, size_t size, tp_bytes_t bytes)
{
    const size_t used = strlen(text);
    (void)snprintf(text + used, size - used, "%.*s;", (int)bytes.length, bytes.length > 0 ? (const char *)bytes.data : "");
}

static inline void on_announce(void *clientd, const tp_source_announce_t *announce)
{
    told_t *t = clientd;
    t->announces++;
    t->announce = *announce;
    (void)snprintf(t->name, sizeof(t->name), "%.*s", (int)announce->name.length, (const char *)announce->name.data);
    (void)snprintf(t->summary, sizeof(t->summary), "%.*s", (int)announce->summary.length, (const char *)announce->summary.data);
}

static inline void on_meta(void *clientd, const tp_source_meta_t *meta)
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

static inline void on_blob(void *clientd, const tp_meta_blob_t *blob)
{
    told_t *t = clientd;
    t->blobs++;
    t->blob = *blob;
    free(t->bytes);
    t->bytes = malloc(blob->blob.length + 1);
    assert_non_null(t->bytes);
    if (0 != blob->blob.length) { memcpy(t->bytes, blob->blob.data, blob->blob.length); }
}

static inline void listen_with(uint64_t blob_bytes_max)
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

static inline void deaf(void)
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

static inline int setup(void **state)
{
    (void)cr_setup(state);
    traced = 0;
    memset(&told, 0, sizeof(told));
    foreign = publication_of(cr->bus);
    tpi_mem_network_tap(cr->network, CR_METADATA, on_tap, NULL);
    return 0;
}

static inline int teardown(void **state)
{
    const int rc = cr_teardown(state);                     /* may still hand a blob out */
    free(told.bytes);
    return rc;
}

static inline tp_metadata_stats_t stats_of(const tp_producer_t *producer)
{
    tp_metadata_stats_t stats;
    assert_int_equal(tp_producer_metadata_stats(producer, &stats), 0);
    return stats;
}

static inline tp_metadata_ignored_t ignored(void)
{
    tp_metadata_ignored_t i;
    cr_step(20 * MS);
    assert_int_equal(tp_client_metadata_ignored(cr->client, &i), 0);
    return i;
}

static inline int set_two(tp_producer_t *producer, const char *gain)
{
    const tp_attribute_t attributes[] = { { tp_bytes_of("gain"), tp_bytes_of("text/plain"), tp_bytes_of(gain) },
        { tp_bytes_of("roi"), tp_bytes_of("application/json"), tp_bytes_of("[0,0,4,4]") } };
    return tp_producer_set_metadata(producer, attributes, 2);
}

#define META_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
