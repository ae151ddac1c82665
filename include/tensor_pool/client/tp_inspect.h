/* Looking without asking: running drivers, their counters, their regions; also after a crash. Read-only; no lease is needed. Any thread. */
#ifndef TENSOR_POOL_CLIENT_TP_INSPECT_H
#define TENSOR_POOL_CLIENT_TP_INSPECT_H

#include <tensor_pool/common/tp_error.h>
#include <tensor_pool/common/tp_types.h>

TP_BEGIN_DECLS

/* A driver as its endpoint file describes it. Strings live until the handler returns. */
typedef struct tp_endpoint
{
    uint32_t size;
    int32_t pid;
    bool alive;                        /* process exists and holds the file's lock */
    const char *file;
    const char *instance_id;
    const char *aeron_dir;
    const char *control_channel;
    int32_t control_stream_id;
    int32_t announce_stream_id;
    const char *announce_channel;
    const char *shm_base_dir;
    const char *shm_namespace;
    const char *socket_path;           /* "" when there is none */
    uint64_t start_ns;                 /* CLOCK_REALTIME */
    uint64_t reserved[4];
}
tp_endpoint_t;
typedef void (*tp_endpoint_handler_t)(void *clientd, const tp_endpoint_t *endpoint);
/* Number of endpoint files that could be read, own user's first. */
TP_EXPORT int tp_endpoint_list(tp_endpoint_handler_t handler, void *clientd);

/* Counters of a media driver, live or dead (cnc.dat). aeron_dir NULL = as a client would choose it. */
typedef struct tp_counters tp_counters_t;
typedef struct tp_counter
{
    uint32_t size;
    int32_t id;
    int32_t type_id;                   /* those of tensor pool: docs/spec/95-local-extensions.md */
    uint32_t key_bytes;
    int64_t value;
    int64_t registration_id;
    int64_t owner_id;
    const void *key;
    const char *label;
    uint64_t reserved[2];
}
tp_counter_t;
typedef void (*tp_counter_handler_t)(void *clientd, const tp_counter_t *counter);
/* Maps the counters of a media driver read-only: TP_ENOENT, TP_EPERM, TP_EIO. The process id is that of the media driver. */
TP_EXPORT int tp_counters_open(tp_counters_t **counters, const char *aeron_dir);
TP_EXPORT int tp_counters_foreach(tp_counters_t *counters, tp_counter_handler_t handler, void *clientd);   /* number of counters */
TP_EXPORT int64_t tp_counters_heartbeat_age_ms(const tp_counters_t *counters);    /* since the media driver's last sign of life */
TP_EXPORT int64_t tp_counters_pid(const tp_counters_t *counters);
/*
 * What the media driver noted as errors, oldest first: each distinct text once, with the number of times it was seen. The text lives until the
 * handler returns.
 */
typedef struct tp_bus_error
{
    uint32_t size;
    uint32_t observations;
    int64_t first_ms;                  /* CLOCK_REALTIME */
    int64_t last_ms;
    const char *text;
    uint64_t reserved[2];
}
tp_bus_error_t;
typedef void (*tp_bus_error_handler_t)(void *clientd, const tp_bus_error_t *error);
TP_EXPORT int tp_counters_errors(tp_counters_t *counters, tp_bus_error_handler_t handler, void *clientd);  /* number of distinct errors */
/* Accepts NULL. */
TP_EXPORT void tp_counters_close(tp_counters_t *counters);

/* Streams, leases and clients as the counters show them: what tp ls, info and top rest on. */
typedef struct tp_stream_info
{
    uint32_t size;
    uint32_t stream_id;
    const char *name;                  /* "" when the stream has none */
    const char *driver_instance;
    uint64_t epoch;                    /* 0 = not provisioned */
    uint32_t header_nslots;
    uint32_t producer_client_id;       /* 0 = none */
    uint32_t consumer_count;
    uint32_t pool_count;
    uint64_t max_stride_bytes;
    const char *directory;             /* of the current epoch, "" when there is none */
    uint64_t driver_token;             /* tells its driver process from every other one; the key of its leases begins with it */
    uint64_t reserved[3];
}
tp_stream_info_t;
typedef void (*tp_stream_handler_t)(void *clientd, const tp_stream_info_t *stream);
/* Number of streams of all drivers on this media driver, each handed to the handler during the call. */
TP_EXPORT int tp_counters_streams(tp_counters_t *counters, tp_stream_handler_t handler, void *clientd);
/* Id of a stream given by name or decimal id; -1 with TP_ENOENT and the nearest name. */
TP_EXPORT int tp_counters_stream_by_name(tp_counters_t *counters, const char *name_or_id, uint32_t *stream_id);

/* One region file. */
typedef struct tp_region tp_region_t;
typedef struct tp_superblock
{
    uint32_t size;
    uint32_t layout_version;
    uint64_t magic;
    uint64_t epoch;
    uint32_t stream_id;
    int16_t region_type;               /* 1 header ring, 2 payload pool */
    uint16_t pool_id;
    uint32_t nslots;
    uint32_t slot_bytes;
    uint32_t stride_bytes;
    uint64_t pid;
    uint64_t start_ns;
    uint64_t activity_ns;
    uint64_t reserved[2];
}
tp_superblock_t;
typedef struct tp_slot
{
    uint32_t size;
    uint32_t index;
    uint64_t seq;
    bool committed;
    bool stable;                       /* the word did not change while the slot was copied */
    bool valid;                        /* the header passes every check */
    const char *problem;               /* "" or the first check that fails; static storage */
    uint32_t values_len_bytes;
    uint32_t payload_slot;
    uint16_t pool_id;
    uint32_t payload_offset;
    uint64_t timestamp_ns;
    uint32_t meta_version;
    uint32_t header_bytes;
    uint16_t embedded_block_length;
    uint16_t embedded_template_id;
    uint16_t embedded_schema_id;
    uint16_t embedded_version;
    int32_t declared_strides[TP_MAX_DIMS];
    tp_tensor_t tensor;
    uint64_t reserved[2];
}
tp_slot_t;
/* Maps read-only after the checks of 11-shm-security.md except containment; TP_EREGION, TP_ESUPERBLOCK. */
TP_EXPORT int tp_region_open(tp_region_t **region, const char *path);
TP_EXPORT int tp_region_superblock(const tp_region_t *region, tp_superblock_t *superblock);
TP_EXPORT int tp_region_slot_read(const tp_region_t *region, uint32_t index, tp_slot_t *slot);    /* header rings only */
TP_EXPORT void tp_region_close(tp_region_t *region);

TP_END_DECLS

#endif
