/* Owns the copies of a producer's metadata and sends them. */
#include "client/producer_meta.h"

#include <inttypes.h>
#include <string.h>

#include "client/producer_state.h"
#include "common/alloc.h"
#include "common/err.h"

#define BLOB_MESSAGES 8                /* of one blob in one duty cycle */
#define CHUNK_OVERHEAD 28u             /* MetaBlobChunk without its bytes */

void tpi_producer_meta_init(tpi_producer_meta_t *meta, int64_t period_ns)
{
    atomic_init(&meta->frame_version, TP_NULL_U32);                                      /* O-47 */
    tpi_cadence_init(&meta->announce, period_ns, 0);
    tpi_cadence_init(&meta->meta, period_ns, 0);
}

void tpi_meta_blob_free(tpi_meta_blob_t *blob)
{
    if (NULL == blob) { return; }
    tpi_free(blob->data);
    tpi_free(blob);
}

void tpi_producer_meta_fini(tpi_producer_meta_t *meta)
{
    while (NULL != meta->blobs)
    {
        tpi_meta_blob_t *blob = meta->blobs;
        meta->blobs = blob->next;
        tpi_meta_blob_free(blob);
    }
    tpi_free(meta->name);
    tpi_free(meta->summary);
    tpi_free(meta->attributes);
    meta->name = NULL;
    meta->summary = NULL;
    meta->attributes = NULL;
}

/* ---- sending ------------------------------------------------------------------------------------------------------------ */

/* true: through, or nobody there to hear it. false: tried again in the next duty cycle. */
static bool through(tpi_producer_meta_t *meta, int64_t rc, tpi_stat_t *sent)
{
    if (rc > 0) { tpi_stat_add(sent, 1); return true; }
    if (TP_NOT_CONNECTED == rc) { return true; }
    tpi_stat_add(&meta->refused, 1);
    return false;
}

static int announce(tp_producer_t *p, int64_t now_ns)
{
    tpi_producer_meta_t *meta = &p->meta;
    if (!tpi_cadence_is_due(&meta->announce, now_ns)) { return 0; }
    tpc_source_announce_t m = TPC_SOURCE_ANNOUNCE_INIT;
    m.stream_id = p->published->stream_id;
    m.producer_id = p->attachment->session.lease.client_id;
    m.epoch = p->published->epoch;
    m.meta_version = tpi_load_u32(&meta->version);                                       /* W-179 O-63 */
    m.name = tpc_bytes(meta->name);
    m.summary = tpc_bytes(meta->summary);
    if (!through(meta, tpi_client_send_source_announce(p->client, &m), &meta->announces)) { return 0; }
    tpi_cadence_done(&meta->announce, now_ns);                                           /* W-179 W-188 */
    meta->epoch = m.epoch;
    return 1;
}

static void report_too_long(tp_producer_t *p, int64_t length)
{
    tpi_producer_meta_t *meta = &p->meta;
    tpi_stat_add(&meta->too_long, 1);
    if (meta->told_too_long) { return; }
    meta->told_too_long = true;
    TPI_SET_ERR(TP_EINVAL, "metadata of stream %" PRIu32 " has %" PRId64 " bytes, more than a message of this media driver", p->published->stream_id,
        length);
    TPI_ERR_FIX("give the metadata channel a longer term-length (8 times the message), or send a blob");
    tpi_client_report(p->client);
}

static int describe(tp_producer_t *p, const tpi_publication_t *publication, int64_t now_ns)
{
    tpi_producer_meta_t *meta = &p->meta;
    if (NULL == meta->attributes || !tpi_cadence_is_due(&meta->meta, now_ns)) { return 0; }
    tpc_source_meta_t m = TPC_SOURCE_META_INIT;
    m.stream_id = p->published->stream_id;
    m.meta_version = tpi_load_u32(&meta->version);
    m.timestamp_ns = meta->set_ns;
    m.attribute_count = meta->attributes->count;
    m.attributes = meta->attributes->rows;
    const int64_t length = tpc_source_meta_length(&m);
    if (length > (int64_t)tpi_publication_max_message(publication)) { report_too_long(p, length); }
    else if (!through(meta, tpi_client_send_source_meta(p->client, &m), &meta->metas)) { return 0; }
    tpi_cadence_done(&meta->meta, now_ns);                                               /* W-180 O-37 */
    return 1;
}

static int64_t send_step(tp_producer_t *p, tpi_blob_step_t step, const tpi_blob_message_t *m)
{
    switch (step)
    {
        case TPI_BLOB_ANNOUNCE: return tpi_client_send_blob_announce(p->client, &m->announce);
        case TPI_BLOB_CHUNK: return tpi_client_send_blob_chunk(p->client, &m->chunk);
        case TPI_BLOB_COMPLETE: return tpi_client_send_blob_complete(p->client, &m->complete);
        case TPI_BLOB_DONE: break;
    }
    return TP_CLOSED;
}

static void start_over(tp_producer_t *p)
{
    tpi_meta_blob_t *blob = p->meta.blobs;
    if (NULL == blob || TPI_BLOB_ANNOUNCE == blob->sender.step) { return; }
    tpi_stat_add(&p->meta.blob_restarts, 1);
    tpi_blob_sender_start(&blob->sender, tpi_load_u32(&p->stream_id), blob->meta_version);
}

/* One message of the first blob. false: not now. */
static bool send_blob(tp_producer_t *p, uint32_t room)
{
    tpi_producer_meta_t *meta = &p->meta;
    tpi_meta_blob_t *blob = meta->blobs;
    tpi_blob_message_t m;
    if (TPI_BLOB_ANNOUNCE == blob->sender.step) { tpi_blob_sender_start(&blob->sender, p->published->stream_id, blob->meta_version); }
    const tpi_blob_step_t step = tpi_blob_sender_next(&blob->sender, room, &m);
    const int64_t rc = send_step(p, step, &m);
    if (TP_NOT_CONNECTED == rc) { start_over(p); }
    else if (rc <= 0) { tpi_stat_add(&meta->refused, 1); }
    if (rc <= 0) { return false; }
    if (TPI_BLOB_CHUNK == step) { tpi_stat_add(&meta->blob_chunks, 1); }
    tpi_blob_sender_sent(&blob->sender, &m);
    if (TPI_BLOB_DONE != blob->sender.step) { return true; }
    meta->blobs = blob->next;
    tpi_meta_blob_free(blob);
    tpi_stat_set(&meta->blobs_queued, tpi_stat_get(&meta->blobs_queued) - 1);
    tpi_stat_add(&meta->blobs_sent, 1);
    return true;
}

static int send_blobs(tp_producer_t *p, const tpi_publication_t *publication, int64_t now_ns)
{
    const size_t longest = tpi_publication_max_message(publication);
    if (longest <= CHUNK_OVERHEAD) { return 0; }
    const uint32_t room = longest > CHUNK_OVERHEAD + TPI_BLOB_CHUNK_MAX ? TPI_BLOB_CHUNK_MAX : (uint32_t)(longest - CHUNK_OVERHEAD);
    int sent = 0;
    if (!tpi_publication_is_connected(publication))
    {
        start_over(p);
        return 0;
    }
    while (sent < BLOB_MESSAGES && NULL != p->meta.blobs && send_blob(p, room)) { sent++; }
    if (NULL != p->meta.blobs) { tpi_client_hurry(p->client, now_ns); }
    return sent;
}

int tpi_producer_meta_work(tp_producer_t *producer, int64_t now_ns)
{
    tp_producer_t *p = producer;
    const tpi_publication_t *publication = NULL == p->client->connection ? NULL : p->client->connection->metadata.publication;
    if (NULL == p->published || NULL == publication)
    {
        start_over(p);                                     /* the next audience is another one */
        return 0;
    }
    if (p->meta.epoch != p->published->epoch)
    {
        tpi_cadence_hasten(&p->meta.announce, now_ns);
        tpi_cadence_hasten(&p->meta.meta, now_ns);
    }
    int work = announce(p, now_ns);
    work += describe(p, publication, now_ns);
    const bool described = NULL == p->meta.attributes || !tpi_cadence_is_due(&p->meta.meta, now_ns);
    if (NULL != p->meta.blobs && described) { work += send_blobs(p, publication, now_ns); }
    return work;
}
