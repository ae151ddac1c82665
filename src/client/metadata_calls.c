/* The calls of tp_metadata.h: check and copy on the caller's thread, then have the conductor take the copies over. */
#include <inttypes.h>
#include <string.h>

#include "client/change.h"
#include "client/producer_state.h"
#include "common/alloc.h"
#include "common/err.h"

typedef struct meta_change
{
    tpi_change_t change;
    tp_producer_t *producer;
    char *name;
    char *summary;
    tpi_attributes_t *attributes;
    tpi_meta_blob_t *blob;
}
meta_change_t;

static void unmake(tpi_change_t *change)
{
    meta_change_t *c = (meta_change_t *)change;
    tpi_free(c->name);
    tpi_free(c->summary);
    tpi_free(c->attributes);
    tpi_meta_blob_free(c->blob);
}

static meta_change_t *create(tp_producer_t *producer, int (*apply)(tpi_change_t *change, int64_t now_ns))
{
    meta_change_t *c = tpi_alloc(sizeof(*c));
    if (NULL == c) { return NULL; }
    c->change = (tpi_change_t){ .client = producer->client, .apply = apply, .unmake = unmake };
    c->producer = producer;
    return c;
}

static void discard(meta_change_t *change)
{
    unmake(&change->change);
    tpi_free(change);
}

/* The producer may have been closed since a call gave up waiting. */
static tpi_producer_meta_t *find(const meta_change_t *change)
{
    for (tp_producer_t *p = change->change.client->producers; NULL != p; p = p->next)
    {
        if (p == change->producer) { return &p->meta; }
    }
    TPI_SET_ERR(TP_ESTATE, "producer is closed");
    return NULL;
}

static bool is_ascii(const void *data, size_t length)
{
    const unsigned char *at = data;
    for (size_t i = 0; i < length; i++)
    {
        if (at[i] > 0x7F) { return false; }
    }
    return true;
}

/* ---- name and summary ---- */

static int apply_source(tpi_change_t *change, int64_t now_ns)
{
    meta_change_t *c = (meta_change_t *)change;
    tpi_producer_meta_t *meta = find(c);
    if (NULL == meta) { return -1; }
    char *const name = meta->name;
    char *const summary = meta->summary;
    meta->name = c->name;
    meta->summary = c->summary;
    c->name = name;
    c->summary = summary;
    tpi_cadence_hasten(&meta->announce, now_ns);
    return 0;
}

static int check_text(const char *what, const char *text)
{
    const size_t length = NULL == text ? 0 : strnlen(text, TP_DATA_SOURCE_TEXT_MAX + 1);
    if (length <= TP_DATA_SOURCE_TEXT_MAX && is_ascii(text, length)) { return 0; }
    TPI_SET_ERR(TP_EINVAL, "%s of the data source must be US-ASCII of at most %d bytes", what, TP_DATA_SOURCE_TEXT_MAX);
    return -1;
}

int tp_producer_set_data_source(tp_producer_t *producer, const char *name, const char *summary)
{
    if (NULL == producer) { TPI_SET_ERR(TP_EINVAL, "producer is NULL"); return -1; }
    if (check_text("name", name) < 0 || check_text("summary", summary) < 0) { return -1; }
    meta_change_t *c = create(producer, apply_source);
    if (NULL == c) { return -1; }
    c->name = NULL == name ? NULL : tpi_strdup(name);
    c->summary = NULL == summary ? NULL : tpi_strdup(summary);
    if ((NULL != name && NULL == c->name) || (NULL != summary && NULL == c->summary))
    {
        discard(c);
        return -1;
    }
    return tpi_change_make(&c->change);
}

/* ---- attributes ---- */

static bool same_bytes(tpc_bytes_t a, tpc_bytes_t b) { return a.length == b.length && (0 == a.length || 0 == memcmp(a.data, b.data, a.length)); }

static bool same_attributes(const tpi_attributes_t *a, const tpi_attributes_t *b)
{
    if (NULL == a || a->count != b->count) { return false; }
    for (uint32_t i = 0; i < a->count; i++)
    {
        const tpc_attribute_t *x = &a->rows[i];
        const tpc_attribute_t *y = &b->rows[i];
        if (!same_bytes(x->key, y->key) || !same_bytes(x->format, y->format) || !same_bytes(x->value, y->value)) { return false; }
    }
    return true;
}

static int apply_attributes(tpi_change_t *change, int64_t now_ns)
{
    meta_change_t *c = (meta_change_t *)change;
    tpi_producer_meta_t *meta = find(c);
    if (NULL == meta) { return -1; }
    if (same_attributes(meta->attributes, c->attributes)) { return 0; }
    const uint32_t version = tpi_load_u32(&meta->version);
    if (TP_NULL_U32 - 1 == version) { TPI_SET_ERR(TP_ESTATE, "metaVersion is used up; open another producer"); return -1; }
    tpi_attributes_t *before = meta->attributes;
    meta->attributes = c->attributes;
    c->attributes = before;
    meta->set_ns = (uint64_t)now_ns;
    meta->told_too_long = false;
    atomic_store_explicit(&meta->version, version + 1, memory_order_release);
    atomic_store_explicit(&meta->frame_version, version + 1, memory_order_relaxed);      /* W-181 */
    tpi_cadence_hasten(&meta->announce, now_ns);
    tpi_cadence_hasten(&meta->meta, now_ns);                                             /* W-180 */
    return 0;
}

static int check_attribute(const tp_attribute_t *attributes, size_t at)
{
    const tp_attribute_t *a = &attributes[at];
    const bool there = (NULL != a->key.data && 0 != a->key.length) && (NULL != a->format.data || 0 == a->format.length) &&
        (NULL != a->value.data || 0 == a->value.length);
    if (!there) { TPI_SET_ERR(TP_EINVAL, "attribute %zu has no key, or bytes without a place", at); return -1; }
    if (a->key.length > TP_METADATA_BYTES_MAX || a->format.length > TP_METADATA_BYTES_MAX || a->value.length > TP_METADATA_BYTES_MAX)
    {
        TPI_SET_ERR(TP_EINVAL, "attribute %zu is longer than the %d bytes of a whole message", at, TP_METADATA_BYTES_MAX);
        return -1;
    }
    if (!is_ascii(a->key.data, a->key.length) || !is_ascii(a->format.data, a->format.length))
    {
        TPI_SET_ERR(TP_EINVAL, "key and format of attribute %zu must be US-ASCII", at);
        return -1;
    }
    for (size_t i = 0; i < at; i++)
    {
        if (attributes[i].key.length != a->key.length || 0 != memcmp(attributes[i].key.data, a->key.data, a->key.length)) { continue; }
        TPI_SET_ERR(TP_EINVAL, "attributes %zu and %zu have the same key", i, at);
        return -1;
    }
    return 0;
}

static tpc_bytes_t put(char **at, tp_bytes_t bytes)
{
    const tpc_bytes_t copy = { *at, (uint32_t)bytes.length };
    if (0 != bytes.length) { memcpy(*at, bytes.data, bytes.length); }
    *at += bytes.length;
    return copy;
}

static tpi_attributes_t *copy_attributes(const tp_attribute_t *attributes, size_t count)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++) { total += attributes[i].key.length + attributes[i].format.length + attributes[i].value.length; }
    tpi_attributes_t *copy = tpi_alloc(sizeof(*copy) + count * sizeof(copy->rows[0]) + total);
    if (NULL == copy) { return NULL; }
    char *at = (char *)&copy->rows[count];
    copy->count = (uint32_t)count;
    for (size_t i = 0; i < count; i++)
    {
        copy->rows[i].key = put(&at, attributes[i].key);
        copy->rows[i].format = put(&at, attributes[i].format);
        copy->rows[i].value = put(&at, attributes[i].value);
    }
    return copy;
}

int tp_producer_set_metadata(tp_producer_t *producer, const tp_attribute_t *attributes, size_t count)
{
    if (NULL == producer || (NULL == attributes && 0 != count)) { TPI_SET_ERR(TP_EINVAL, "producer or attributes is NULL"); return -1; }
    if (count > TP_ATTRIBUTES_MAX) { TPI_SET_ERR(TP_EINVAL, "%zu attributes, at most %d", count, TP_ATTRIBUTES_MAX); return -1; }
    for (size_t i = 0; i < count; i++)
    {
        if (check_attribute(attributes, i) < 0) { return -1; }
    }
    meta_change_t *c = create(producer, apply_attributes);
    if (NULL == c) { return -1; }
    c->attributes = copy_attributes(attributes, count);
    if (NULL == c->attributes) { discard(c); return -1; }
    tpc_source_meta_t m = TPC_SOURCE_META_INIT;
    m.attribute_count = c->attributes->count;
    m.attributes = c->attributes->rows;
    const int64_t length = tpc_source_meta_length(&m);
    if (length < 0 || length > TP_METADATA_BYTES_MAX)
    {
        TPI_SET_ERR(TP_EINVAL, "metadata take %" PRId64 " bytes, a message holds %d", length, TP_METADATA_BYTES_MAX);
        TPI_ERR_FIX("send large values with tp_producer_send_meta_blob");
        discard(c);
        return -1;
    }
    return tpi_change_make(&c->change);
}

uint32_t tp_producer_meta_version(const tp_producer_t *producer) { return NULL == producer ? 0 : tpi_load_u32(&producer->meta.version); }

/* ---- blobs ---- */

static int apply_blob(tpi_change_t *change, int64_t now_ns)
{
    meta_change_t *c = (meta_change_t *)change;
    tpi_producer_meta_t *meta = find(c);
    tpi_meta_blob_t **end = NULL == meta ? NULL : &meta->blobs;
    size_t queued = 0;
    if (NULL == meta) { return -1; }
    for (; NULL != *end; end = &(*end)->next) { queued++; }
    if (queued >= TP_META_BLOBS_MAX) { TPI_SET_ERR(TP_EFULL, "%zu blobs are queued, at most %d", queued, TP_META_BLOBS_MAX); return -1; }
    *end = c->blob;
    c->blob = NULL;
    (*end)->meta_version = tpi_load_u32(&meta->version);
    tpi_stat_set(&meta->blobs_queued, queued + 1);
    tpi_client_hurry(change->client, now_ns);
    return 0;
}

int tp_producer_send_meta_blob(tp_producer_t *producer, uint32_t blob_type, const void *data, size_t length, bool checksum)
{
    if (NULL == producer || (NULL == data && 0 != length)) { TPI_SET_ERR(TP_EINVAL, "producer or data is NULL"); return -1; }
    if (length > TP_META_BLOB_BYTES_MAX) { TPI_SET_ERR(TP_EINVAL, "blob of %zu bytes, at most %d", length, TP_META_BLOB_BYTES_MAX); return -1; }
    meta_change_t *c = create(producer, apply_blob);
    if (NULL == c) { return -1; }
    c->blob = tpi_alloc(sizeof(*c->blob));
    if (NULL != c->blob && 0 != length) { c->blob->data = tpi_alloc(length); }
    if (NULL == c->blob || (0 != length && NULL == c->blob->data)) { discard(c); return -1; }
    if (0 != length) { memcpy(c->blob->data, data, length); }
    tpi_blob_sender_init(&c->blob->sender, c->blob->data, length, blob_type, checksum, producer->meta.chunk_max);
    return tpi_change_make(&c->change);
}

int tp_producer_metadata_stats(const tp_producer_t *producer, tp_metadata_stats_t *stats)
{
    if (NULL == producer || NULL == stats) { TPI_SET_ERR(TP_EINVAL, "producer or stats is NULL"); return -1; }
    const tpi_producer_meta_t *m = &producer->meta;
    const tp_metadata_stats_t s = { .size = sizeof(s), .meta_version = tpi_load_u32(&m->version), .announces = tpi_stat_get(&m->announces),
        .metas = tpi_stat_get(&m->metas), .blobs = tpi_stat_get(&m->blobs_sent), .blobs_queued = tpi_stat_get(&m->blobs_queued),
        .blob_chunks = tpi_stat_get(&m->blob_chunks), .blob_restarts = tpi_stat_get(&m->blob_restarts), .refused = tpi_stat_get(&m->refused),
        .too_long = tpi_stat_get(&m->too_long) };
    *stats = s;
    return 0;
}
