/*
 * What a producer says on the metadata stream: DataSourceAnnounce, DataSourceMeta, blobs. Owned copies of all of it. Conductor only, but for the
 * counters and for the version in force, which every thread may read.
 */
#ifndef TPI_CLIENT_PRODUCER_META_H
#define TPI_CLIENT_PRODUCER_META_H

#include "client/client_state.h"
#include "client/stat.h"
#include "protocol/meta_blob.h"
#include "protocol/qos.h"

#include <tensor_pool/client/tp_metadata.h>

/* All attributes of one version in one piece of memory. Immutable. */
typedef struct tpi_attributes
{
    uint32_t count;
    tpc_attribute_t rows[];            /* then their bytes */
}
tpi_attributes_t;

typedef struct tpi_meta_blob
{
    tpi_blob_sender_t sender;
    uint32_t meta_version;
    uint8_t *data;
    struct tpi_meta_blob *next;
}
tpi_meta_blob_t;

typedef struct tpi_producer_meta
{
    char *name;                        /* NULL = empty */
    char *summary;
    tpi_attributes_t *attributes;      /* NULL before the first version */
    uint64_t set_ns;                   /* when they were set */
    uint64_t epoch;                    /* that was announced last */
    tpi_cadence_t announce;
    tpi_cadence_t meta;
    uint32_t chunk_max;                /* of blobs; fixed at creation, read by every thread */
    bool told_too_long;                /* the error handler knows about this version */
    tpi_meta_blob_t *blobs;            /* the first one is being sent */
    _Atomic uint32_t version;          /* in force; 0 = none */
    _Atomic uint32_t frame_version;    /* the same as frames carry it: TP_NULL_U32 = none */
    tpi_stat_t announces;
    tpi_stat_t metas;
    tpi_stat_t blobs_sent;
    tpi_stat_t blobs_queued;
    tpi_stat_t blob_chunks;
    tpi_stat_t blob_restarts;
    tpi_stat_t refused;
    tpi_stat_t too_long;
}
tpi_producer_meta_t;

void tpi_producer_meta_init(tpi_producer_meta_t *meta, int64_t period_ns);
/* Sends what is due. Work done. */
int tpi_producer_meta_work(tp_producer_t *producer, int64_t now_ns);
void tpi_producer_meta_fini(tpi_producer_meta_t *meta);
void tpi_meta_blob_free(tpi_meta_blob_t *blob);            /* accepts NULL */

/* What a frame without a version of its own carries: the one in force, or TP_NULL_U32. Producer's thread. */
static inline uint32_t tpi_producer_meta_frame_version(const tpi_producer_meta_t *meta)
{
    return tpi_load_u32(&meta->frame_version);
}

#endif
